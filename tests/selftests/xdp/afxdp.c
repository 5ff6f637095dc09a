// SPDX-License-Identifier: GPL-2.0
/*
 * Answers pings through AF_XDP sockets: one a queue of a device. All else is dropped, and with
 * "drop" pings are as well, for measuring.
 *
 * usage: afxdp DEV QUEUES copy|zerocopy [drop]
 *
 * Says "ready" when its program is attached in the driver, and goes on until it is killed.
 * Linked statically and without libbpf, so that it runs in any node.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define QUEUES_MAX 8
#define CHUNK 4096
#ifndef CHUNKS
#define CHUNKS 64 /* also the size of each ring */
#endif

struct ring {
	uint32_t *producer, *consumer;
	void *entries;
};

struct port {
	int fd;
	uint8_t *memory;
	struct ring fill, done, rx, tx;
};

static void die(const char *what)
{
	fprintf(stderr, "afxdp: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int make_map(void)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_XSKMAP, .key_size = 4, .value_size = 4,
				.max_entries = QUEUES_MAX };
	int fd = bpf(BPF_MAP_CREATE, &attr);

	if (fd < 0)
		die("BPF_MAP_CREATE");
	return fd;
}

/* return bpf_redirect_map(&map, ctx->rx_queue_index, XDP_PASS); */
static int load_program(int map)
{
	struct bpf_insn code[] = {
		{ .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 2, .src_reg = 1,
		  .off = offsetof(struct xdp_md, rx_queue_index) },
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 1, .src_reg = BPF_PSEUDO_MAP_FD,
		  .imm = map },
		{ 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect_map },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_XDP,
				.insns = (uintptr_t)code,
				.insn_cnt = sizeof(code) / sizeof(code[0]),
				.license = (uintptr_t) "GPL" };
	int fd = bpf(BPF_PROG_LOAD, &attr);

	if (fd < 0)
		die("BPF_PROG_LOAD");
	return fd;
}

/* The program goes when we do. */
static void attach(int program, unsigned int device)
{
	union bpf_attr attr = { .link_create = { .prog_fd = (uint32_t)program,
						 .target_ifindex = device,
						 .attach_type = BPF_XDP,
						 .flags = XDP_FLAGS_DRV_MODE } };

	if (bpf(BPF_LINK_CREATE, &attr) < 0)
		die("BPF_LINK_CREATE");
}

static void map_ring(struct ring *ring, int fd, int option, const struct xdp_ring_offset *at,
		     off_t offset, size_t entry)
{
	int count = CHUNKS;
	uint8_t *base;

	if (setsockopt(fd, SOL_XDP, option, &count, sizeof(count)))
		die("setsockopt of a ring");
	base = mmap(NULL, at->desc + CHUNKS * entry, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_POPULATE, fd, offset);
	if (base == MAP_FAILED)
		die("mmap of a ring");
	ring->producer = (uint32_t *)(base + at->producer);
	ring->consumer = (uint32_t *)(base + at->consumer);
	ring->entries = base + at->desc;
}

static void open_port(struct port *port, unsigned int device, unsigned int queue, uint16_t mode)
{
	struct xdp_umem_reg area = { .len = CHUNK * CHUNKS, .chunk_size = CHUNK };
	struct sockaddr_xdp address = { .sxdp_family = AF_XDP, .sxdp_ifindex = device,
					.sxdp_queue_id = queue,
					.sxdp_flags = mode | XDP_USE_NEED_WAKEUP };
	struct xdp_mmap_offsets at;
	socklen_t len = sizeof(at);
	unsigned int i;

	port->fd = socket(AF_XDP, SOCK_RAW, 0);
	port->memory = mmap(NULL, area.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	area.addr = (uintptr_t)port->memory;
	if (port->fd < 0 || port->memory == MAP_FAILED ||
	    setsockopt(port->fd, SOL_XDP, XDP_UMEM_REG, &area, sizeof(area)) ||
	    getsockopt(port->fd, SOL_XDP, XDP_MMAP_OFFSETS, &at, &len))
		die("socket");
	map_ring(&port->fill, port->fd, XDP_UMEM_FILL_RING, &at.fr, XDP_UMEM_PGOFF_FILL_RING, 8);
	map_ring(&port->done, port->fd, XDP_UMEM_COMPLETION_RING, &at.cr,
		 XDP_UMEM_PGOFF_COMPLETION_RING, 8);
	map_ring(&port->rx, port->fd, XDP_RX_RING, &at.rx, XDP_PGOFF_RX_RING,
		 sizeof(struct xdp_desc));
	map_ring(&port->tx, port->fd, XDP_TX_RING, &at.tx, XDP_PGOFF_TX_RING,
		 sizeof(struct xdp_desc));
	if (bind(port->fd, (struct sockaddr *)&address, sizeof(address)))
		die("bind");
	for (i = 0; i < CHUNKS; i++)
		((uint64_t *)port->fill.entries)[i] = (uint64_t)i * CHUNK;
	__atomic_store_n(port->fill.producer, CHUNKS, __ATOMIC_RELEASE);
}

/* Turn a ping round; false: it is something else. */
static int turn_round(uint8_t *frame, uint32_t len)
{
	struct ethhdr *eth = (void *)frame;
	struct iphdr *ip = (void *)(eth + 1);
	struct icmphdr *icmp = (void *)(ip + 1);
	uint8_t mac[ETH_ALEN];
	uint32_t address, sum;

	if (len < sizeof(*eth) + sizeof(*ip) + sizeof(*icmp) || eth->h_proto != htons(ETH_P_IP) ||
	    ip->ihl != 5 || ip->protocol != IPPROTO_ICMP || icmp->type != ICMP_ECHO)
		return 0;
	memcpy(mac, eth->h_dest, ETH_ALEN);
	memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	memcpy(eth->h_source, mac, ETH_ALEN);
	address = ip->saddr;
	ip->saddr = ip->daddr;
	ip->daddr = address;
	icmp->type = ICMP_ECHOREPLY;
	sum = ntohs(icmp->checksum) + (ICMP_ECHO << 8);
	icmp->checksum = htons((uint16_t)((sum & 0xffff) + (sum >> 16)));
	return 1;
}

static void give_back(struct port *port, uint64_t chunk)
{
	uint32_t at = *port->fill.producer;

	((uint64_t *)port->fill.entries)[at % CHUNKS] = chunk / CHUNK * CHUNK;
	__atomic_store_n(port->fill.producer, at + 1, __ATOMIC_RELEASE);
}

/* What was sent is free again. */
static void reap(struct port *port)
{
	uint32_t head = __atomic_load_n(port->done.producer, __ATOMIC_ACQUIRE);
	uint32_t at = *port->done.consumer;

	for (; at != head; at++)
		give_back(port, ((uint64_t *)port->done.entries)[at % CHUNKS]);
	__atomic_store_n(port->done.consumer, at, __ATOMIC_RELEASE);
}

static void serve(struct port *port, int drop)
{
	uint32_t head = __atomic_load_n(port->rx.producer, __ATOMIC_ACQUIRE);
	uint32_t at = *port->rx.consumer, to = *port->tx.producer;

	for (; at != head; at++) {
		struct xdp_desc desc = ((struct xdp_desc *)port->rx.entries)[at % CHUNKS];

		if (drop || !turn_round(port->memory + desc.addr, desc.len)) {
			give_back(port, desc.addr);
			continue;
		}
		((struct xdp_desc *)port->tx.entries)[to++ % CHUNKS] = desc;
	}
	__atomic_store_n(port->rx.consumer, at, __ATOMIC_RELEASE);
	__atomic_store_n(port->tx.producer, to, __ATOMIC_RELEASE);
	/* with copies a call sends what is in the ring, without it has the driver do so */
	while (__atomic_load_n(port->tx.consumer, __ATOMIC_ACQUIRE) != to) {
		if (sendto(port->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 && errno != EAGAIN &&
		    errno != EBUSY && errno != ENOBUFS)
			die("sendto");
		reap(port);
	}
	reap(port);
}

int main(int argc, char **argv)
{
	int drop = argc == 5 && !strcmp(argv[4], "drop"), good = argc == 4 || drop;
	unsigned int device = good ? if_nametoindex(argv[1]) : 0, queues, i;
	struct pollfd wait[QUEUES_MAX] = { 0 };
	struct port ports[QUEUES_MAX];
	uint16_t mode = 0;
	int map;

	queues = good ? (unsigned int)atoi(argv[2]) : 0;
	if (good && !strcmp(argv[3], "copy"))
		mode = XDP_COPY;
	else if (good && !strcmp(argv[3], "zerocopy"))
		mode = XDP_ZEROCOPY;
	if (!device || queues < 1 || queues > QUEUES_MAX || !mode) {
		fprintf(stderr, "usage: afxdp DEV QUEUES copy|zerocopy [drop], with QUEUES 1 to %d\n",
			QUEUES_MAX);
		return 2;
	}
	map = make_map();
	for (i = 0; i < queues; i++) {
		union bpf_attr attr = { .map_fd = (uint32_t)map };

		open_port(&ports[i], device, i, mode);
		attr.key = (uintptr_t)&i;
		attr.value = (uintptr_t)&ports[i].fd;
		if (bpf(BPF_MAP_UPDATE_ELEM, &attr))
			die("BPF_MAP_UPDATE_ELEM");
		wait[i] = (struct pollfd){ .fd = ports[i].fd, .events = POLLIN };
	}
	attach(load_program(map), device);
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		if (poll(wait, queues, -1) < 0)
			die("poll");
		for (i = 0; i < queues; i++)
			serve(&ports[i], drop);
	}
}
