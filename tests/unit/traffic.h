/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Traffic over one ring pair: a producer and a consumer that sleep on doorbells, as two processes
 * or two threads. Records of random size in both forms, slots come back through the return ring.
 */
#ifndef VNI_UNIT_TRAFFIC_H
#define VNI_UNIT_TRAFFIC_H

#include "vni_offset_mgr.h"
#include "vni_rec.h"

#define TRAFFIC_LINES 2048
#define TRAFFIC_BYTES (TRAFFIC_LINES * VNI_LINE)
#define TRAFFIC_SLOTS 128
#define TRAFFIC_RETURNS 128
#define TRAFFIC_SEAT 7 /* the consumer's */

/* Written by the producer alone. */
struct traffic_from {
	struct vni_ring_end tx;
	struct vni_ring_end take;
	__le64 table[TRAFFIC_SLOTS];
	u8 ring[TRAFFIC_BYTES];
	u8 pad[VNI_PAGE - 2 * sizeof(struct vni_ring_end) - 8 * TRAFFIC_SLOTS];
	u8 buffer[TRAFFIC_SLOTS][VNI_PAGE];
};

/* Written by the consumer alone. */
struct traffic_to {
	struct vni_ring_end rx;
	struct vni_ring_end give;
	__le32 returns[TRAFFIC_RETURNS];
	u8 pad[VNI_PAGE - 2 * sizeof(struct vni_ring_end) - 4 * TRAFFIC_RETURNS];
};

/* One side's run. Both sides have the same numbers. */
struct traffic {
	struct traffic_from *from;
	struct traffic_to *to;
	int bell_producer, bell_consumer; /* eventfds */
	u64 seed;
	u32 records;
	u32 start;	  /* of all indices */
	u32 len_max;	  /* of most frames; one in 64 is up to the largest */
	u64 sleeps, rung; /* for people */
};

/* Run one side to the end. NULL, or what went wrong. */
const char *traffic_produce(struct traffic *t);
const char *traffic_consume(struct traffic *t);

#endif /* VNI_UNIT_TRAFFIC_H */
