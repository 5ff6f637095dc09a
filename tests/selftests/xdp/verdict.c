// SPDX-License-Identifier: GPL-2.0
/* Programs for selftests; `ip link set vni0 xdp obj verdict.o program NAME` attaches one. */
#include "packet.h"

/* Where to redirect to: an interface's index, set when this is compiled. */
#ifndef TARGET
#define TARGET 0
#endif

SEC("xdp")
int xdp_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

/* For frames of any size. */
SEC("xdp.frags")
int xdp_frags(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int xdp_drop(struct xdp_md *ctx)
{
	return echo_request(ctx) ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int xdp_abort(struct xdp_md *ctx)
{
	return echo_request(ctx) ? XDP_ABORTED : XDP_PASS;
}

/* A verdict that there is not. */
SEC("xdp")
int xdp_wrong(struct xdp_md *ctx)
{
	return echo_request(ctx) ? 77 : XDP_PASS;
}

/* Answer a ping without the stack. The sum over the header is corrected for the type's change. */
static int answer(struct xdp_md *ctx)
{
	struct echo *echo = echo_request(ctx);
	__u32 sum;

	if (!echo)
		return XDP_PASS;
	turn(echo);
	echo->type = ECHO_REPLY;
	sum = bpf_ntohs(echo->sum) + (ECHO_REQUEST << 8);
	echo->sum = bpf_htons((sum & 0xffff) + (sum >> 16));
	return XDP_TX;
}

SEC("xdp")
int xdp_answer(struct xdp_md *ctx)
{
	return answer(ctx);
}

SEC("xdp.frags")
int xdp_answer_frags(struct xdp_md *ctx)
{
	return answer(ctx);
}

/* A tag of 8 bytes in front of and behind a ping's frame is put there and taken off again. */
SEC("xdp")
int xdp_adjust(struct xdp_md *ctx)
{
	if (!echo_request(ctx))
		return XDP_PASS;
	if (bpf_xdp_adjust_head(ctx, -8) || bpf_xdp_adjust_head(ctx, 8) ||
	    bpf_xdp_adjust_tail(ctx, 8) || bpf_xdp_adjust_tail(ctx, -8) ||
	    bpf_xdp_adjust_meta(ctx, -4))
		return XDP_DROP;
	return XDP_PASS;
}

/* Of a ping longer than a page the last 4500 bytes go, and pages with them; then the rest. */
SEC("xdp.frags")
int xdp_shorten(struct xdp_md *ctx)
{
	if (!echo_request(ctx) || bpf_xdp_get_buff_len(ctx) < 5000)
		return XDP_PASS;
	return bpf_xdp_adjust_tail(ctx, -4500) ? XDP_ABORTED : XDP_DROP;
}

/* All goes elsewhere. */
SEC("xdp")
int xdp_away(struct xdp_md *ctx)
{
	return bpf_redirect(TARGET, 0);
}

SEC("xdp.frags")
int xdp_away_frags(struct xdp_md *ctx)
{
	return bpf_redirect(TARGET, 0);
}

char _license[] SEC("license") = "GPL";
