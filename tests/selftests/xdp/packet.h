/* SPDX-License-Identifier: GPL-2.0 */
/* What the test programs know of packets. */
#ifndef PACKET_H
#define PACKET_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ECHO_REQUEST 8
#define ECHO_REPLY 0

/* A ping: what <linux/icmp.h> has cannot be had without a C library. */
struct echo {
	struct ethhdr eth;
	struct iphdr ip;
	__u8 type;
	__u8 code;
	__be16 sum;
} __attribute__((packed));

/* The frame, if it is a ping's request without IP options; else NULL. */
static inline struct echo *echo_request(struct xdp_md *ctx)
{
	struct echo *echo = (void *)(long)ctx->data;

	if ((void *)(echo + 1) > (void *)(long)ctx->data_end ||
	    echo->eth.h_proto != bpf_htons(ETH_P_IP) || echo->ip.protocol != IPPROTO_ICMP ||
	    echo->ip.ihl != 5 || echo->type != ECHO_REQUEST)
		return NULL;
	return echo;
}

/* An IP packet's frame goes back to where it came from. */
static inline void turn(void *frame)
{
	struct {
		struct ethhdr eth;
		struct iphdr ip;
	} __attribute__((packed)) *packet = frame;
	__be32 address = packet->ip.daddr;
	__u8 mac[ETH_ALEN];

	__builtin_memcpy(mac, packet->eth.h_dest, ETH_ALEN);
	__builtin_memcpy(packet->eth.h_dest, packet->eth.h_source, ETH_ALEN);
	__builtin_memcpy(packet->eth.h_source, mac, ETH_ALEN);
	packet->ip.daddr = packet->ip.saddr;
	packet->ip.saddr = address;
}

#endif /* PACKET_H */
