// SPDX-License-Identifier: GPL-2.0
/* Programs for selftests of frames whose fragments stay in place. */
#include <linux/udp.h>

#include "packet.h"

#define PORT  7000	/* of the datagrams that these programs are about */
#define LARGE 30000	/* bytes, at least, with fragments */
#define LOOK  30000	/* a byte of a frame that lies in a fragment */
#define CUT   20500	/* bytes: pages and a part of one */
#define WRONG 40000	/* a byte that xdp_write changes */

struct datagram {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
} __attribute__((packed));

/* The frame, if it is a large datagram for us, its fragments not counted; else NULL. */
static inline struct datagram *datagram(struct xdp_md *ctx)
{
	struct datagram *d = (void *)(long)ctx->data;

	if ((void *)(d + 1) > (void *)(long)ctx->data_end ||
	    d->eth.h_proto != bpf_htons(ETH_P_IP) || d->ip.protocol != IPPROTO_UDP ||
	    d->ip.ihl != 5 || d->udp.dest != bpf_htons(PORT) ||
	    bpf_xdp_get_buff_len(ctx) < LARGE)
		return NULL;
	return d;
}

/* What a ping says far behind the page that can be looked at directly decides. */
SEC("xdp.frags")
int xdp_peek(struct xdp_md *ctx)
{
	__u8 there;

	if (!echo_request(ctx) || bpf_xdp_get_buff_len(ctx) <= LOOK)
		return XDP_PASS;
	if (bpf_xdp_load_bytes(ctx, LOOK, &there, 1))
		return XDP_ABORTED;
	return there == 0xa5 ? XDP_PASS : XDP_DROP;
}

SEC("xdp.frags")
int xdp_drop_large(struct xdp_md *ctx)
{
	return datagram(ctx) ? XDP_DROP : XDP_PASS;
}

/* A datagram goes back to where it came from, as it is. */
SEC("xdp.frags")
int xdp_return(struct xdp_md *ctx)
{
	struct datagram *d = datagram(ctx);

	if (!d)
		return XDP_PASS;
	turn(d);
	d->udp.dest = d->udp.source;
	d->udp.source = bpf_htons(PORT);
	return XDP_TX;
}

static __be16 ip_sum(const void *ip)
{
	const __u16 *word = ip;
	__u32 sum = 0;
	int i;

	for (i = 0; i < 10; i++)
		sum += word[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~((sum & 0xffff) + (sum >> 16));
}

/* The end of a datagram goes; it is a good one again then. */
SEC("xdp.frags")
int xdp_cut(struct xdp_md *ctx)
{
	struct datagram *d;

	if (!datagram(ctx))
		return XDP_PASS;
	if (bpf_xdp_adjust_tail(ctx, -CUT))
		return XDP_ABORTED;
	d = (void *)(long)ctx->data;
	if ((void *)(d + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	d->ip.tot_len = bpf_htons(bpf_ntohs(d->ip.tot_len) - CUT);
	d->ip.check = 0;
	d->ip.check = ip_sum(&d->ip);
	d->udp.len = bpf_htons(bpf_ntohs(d->udp.len) - CUT);
	d->udp.check = 0;
	return XDP_PASS;
}

/* All fragments go, and more; then the end of what is left is moved to and fro. */
SEC("xdp.frags")
int xdp_stump(struct xdp_md *ctx)
{
	if (!datagram(ctx))
		return XDP_PASS;
	if (bpf_xdp_adjust_tail(ctx, 100 - (int)bpf_xdp_get_buff_len(ctx)) ||
	    bpf_xdp_adjust_tail(ctx, 50) || bpf_xdp_adjust_tail(ctx, -100))
		return XDP_ABORTED;
	return bpf_xdp_get_buff_len(ctx) == 50 ? XDP_DROP : XDP_ABORTED;
}

/* There is no room behind fragments: that has to be refused. */
SEC("xdp.frags")
int xdp_grow(struct xdp_md *ctx)
{
	if (!datagram(ctx))
		return XDP_PASS;
	return bpf_xdp_adjust_tail(ctx, 16) ? XDP_DROP : XDP_ABORTED;
}

/* What the administrator said that it does not. */
SEC("xdp.frags")
int xdp_write(struct xdp_md *ctx)
{
	struct datagram *d = datagram(ctx);
	__u8 wrong = 0xff;

	if (!d)
		return XDP_PASS;
	d->udp.check = 0;
	return bpf_xdp_store_bytes(ctx, WRONG, &wrong, 1) ? XDP_ABORTED : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
