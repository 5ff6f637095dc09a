// SPDX-License-Identifier: GPL-2.0
/*
 * Frames that a program redirects to a device, so that its driver's ndo_xdp_xmit gets them.
 *
 * usage: xdp_send DEV DESTINATION-MAC BYTES
 *
 * They are made by the kernel's test of programs with live frames (BPF_F_TEST_XDP_LIVE_FRAMES), as
 * by xdp-trafficgen, 64 of them at a time. Says "sending" and goes on until it is killed. UDP to
 * port 9 at nobody's address. Linked statically and without libbpf, so that it runs in any node.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef BPF_F_TEST_XDP_LIVE_FRAMES
#define BPF_F_TEST_XDP_LIVE_FRAMES (1U << 1)
#endif

#define LEAST 64
#define MOST 3000 /* a page holds the frame, and the kernel's own besides */
#define AT_ONCE 64
#define A_CALL (1U << 14) /* so that a signal is heard soon */
#define NOWHERE "198.18.0.2" /* of the range for benchmarks */
#define NOBODY "198.18.0.1"

static void die(const char *what)
{
	fprintf(stderr, "xdp_send: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* return bpf_redirect(device, 0); */
static int load_program(unsigned int device)
{
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 1, .imm = (int32_t)device },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = 0 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect },
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

static void own_address(const char *device, uint8_t *mac)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request))
		die(device);
	memcpy(mac, request.ifr_hwaddr.sa_data, ETH_ALEN);
	close(fd);
}

static uint16_t checksum(const struct iphdr *ip)
{
	const uint8_t *bytes = (const void *)ip;
	uint32_t sum = 0;
	unsigned int i;

	for (i = 0; i < sizeof(*ip); i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~((sum & 0xffff) + (sum >> 16)));
}

static void fill(uint8_t *frame, unsigned int len, const char *device, const struct ether_addr *to)
{
	struct ethhdr *eth = (void *)frame;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip + 1);

	memcpy(eth->h_dest, to, ETH_ALEN);
	own_address(device, eth->h_source);
	eth->h_proto = htons(ETH_P_IP);
	*ip = (struct iphdr){ .version = 4, .ihl = 5, .ttl = 1, .protocol = IPPROTO_UDP,
			      .tot_len = htons((uint16_t)(len - sizeof(*eth))),
			      .saddr = inet_addr(NOBODY), .daddr = inet_addr(NOWHERE) };
	ip->check = checksum(ip);
	udp->source = udp->dest = htons(9);
	udp->len = htons((uint16_t)(len - sizeof(*eth) - sizeof(*ip)));
}

int main(int argc, char **argv)
{
	unsigned int device = argc == 4 ? if_nametoindex(argv[1]) : 0;
	struct ether_addr *to = argc == 4 ? ether_aton(argv[2]) : NULL;
	int len = argc == 4 ? atoi(argv[3]) : 0;
	struct xdp_md context = { .data_end = (uint32_t)len };
	union bpf_attr attr = { 0 };
	uint8_t frame[MOST] = { 0 };

	if (!device || !to || len < LEAST || len > MOST) {
		fprintf(stderr, "usage: xdp_send DEV DESTINATION-MAC BYTES, with %d to %d bytes\n",
			LEAST, MOST);
		return 2;
	}
	fill(frame, (unsigned int)len, argv[1], to);
	attr.test.prog_fd = (uint32_t)load_program(device);
	attr.test.data_in = (uintptr_t)frame;
	attr.test.data_size_in = (uint32_t)len;
	attr.test.ctx_in = (uintptr_t)&context;
	attr.test.ctx_size_in = sizeof(context);
	attr.test.repeat = A_CALL;
	attr.test.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
	attr.test.batch_size = AT_ONCE;
	printf("sending\n");
	fflush(stdout);
	for (;;) {
		if (bpf(BPF_PROG_TEST_RUN, &attr) && errno != EINTR && errno != EAGAIN)
			die("BPF_PROG_TEST_RUN");
	}
}
