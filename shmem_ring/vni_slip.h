/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Slip: how a consumer keeps its distance from a producer that never pauses.
 *
 * A consumer that is as fast as its producer looks at the head for each element: the lines of head
 * and storage go to and fro between the cores, and both wait for them. One that rests a moment
 * before it looks finds several, in lines to which nobody writes any more. How long to rest shows
 * in the looks themselves: where one finds several elements more would have come, and where it
 * finds one or none, as in any exchange of questions and answers, the rest was time lost.
 *
 * Source of the idea: temporal slipping, in Giacomoni, Moseley and Vachharajani, "FastForward for
 * Efficient Pipeline Parallelism", PPoPP 2008. How the rest is found is our own.
 */
#ifndef VNI_SLIP_H
#define VNI_SLIP_H

#include "vni_ring.h"

#define VNI_SLIP_MAX 31 /* cpu_relax() in a row: about a microsecond */

/**
 * struct vni_slip - a consumer's distance, 0 in the beginning
 * @rest: cpu_relax() before the next look, 0 to VNI_SLIP_MAX
 */
struct vni_slip {
	u32 rest;
};

/**
 * vni_slip_avail() - vni_ring_avail() for a consumer that has nothing else to do
 * @slip: its distance
 * @ring: the consumer's view
 * @one: units that the producer publishes at once; a look that finds no more was late enough
 * @few: units; a look that finds more than @one and less than that was too early
 *
 * Context: any; waits for VNI_SLIP_MAX times cpu_relax() at most.
 * Return: as vni_ring_avail().
 */
static inline s32 vni_slip_avail(struct vni_slip *slip, struct vni_ring *ring, u32 one, u32 few)
{
	s32 avail;
	u32 i;

	if (ring->theirs != ring->mine)
		return vni_ring_avail(ring);
	for (i = slip->rest; i; i--)
		cpu_relax();
	avail = vni_ring_avail(ring);
	if (avail <= (s32)one)
		slip->rest /= 2;
	else if (avail < (s32)few && slip->rest < VNI_SLIP_MAX)
		slip->rest = 2 * slip->rest + 1;
	return avail;
}

#endif /* VNI_SLIP_H */
