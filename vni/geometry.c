// SPDX-License-Identifier: GPL-2.0
/* The layout of an Ethernet channel: planning our own, and checking what a peer says of its. */
#include <linux/log2.h>
#include <linux/sizes.h>

#include "vni.h"

/* 512 KiB a ring where there is room: seven 64 KiB frames in the head/tail form. */
#define RING_LINES_WANTED 8192

/* A packet buffer with room for so many of the largest frames is used for such. */
#define BIG_FRAMES 8

static u64 place(u64 *at, u64 size, u64 align)
{
	u64 here = round_up(*at, align);

	*at = here + size;
	return here;
}

/**
 * vni_geometry_plan() - lay our channel out in a given space
 * @geo: filled in
 * @seats: nodes that the window has room for
 * @queues: our queues, 1 to VNI_ETH_QUEUES_MAX
 * @space: bytes that the channel may take
 *
 * Context: any.
 * Return: 0, or -ENOSPC if no useful channel fits.
 */
int vni_geometry_plan(struct vni_geometry *geo, unsigned int seats, unsigned int queues, u64 space)
{
	u64 pairs = seats * queues, at, left;

	*geo = (struct vni_geometry){
		.queues = queues,
		.used = queues,
		.ring_lines = RING_LINES_WANTED,
	};
	while (geo->ring_lines > VNI_ETH_RING_LINES_MIN &&
	       pairs * geo->ring_lines * VNI_LINE > space / 3)
		geo->ring_lines /= 2;
	at = sizeof(struct vni_chan) + sizeof(struct vni_eth);
	geo->ram = place(&at, VNI_ETH_RAMS * sizeof(struct vni_eth_ram), VNI_LINE);
	/* as many slots as a section like ours may have; a peer's that has more are all copied */
	geo->held_slots = round_up(div_u64(space, VNI_PAGE), VNI_LINE * BITS_PER_BYTE);
	geo->held = place(&at, seats * vni_held_size(geo), VNI_LINE);
	geo->ends = place(&at, pairs * sizeof(struct vni_eth_ends), VNI_PAGE);
	geo->rings = place(&at, pairs * geo->ring_lines * VNI_LINE, VNI_PAGE);
	if (at >= space)
		return -ENOSPC;
	/* a return ring may have to hold all slots that the largest peer's queue can lend */
	geo->returns = clamp_t(u64, rounddown_pow_of_two(div_u64(space, VNI_PAGE)),
			       VNI_ETH_RETURNS_MIN, SZ_4K);
	while (geo->returns > VNI_ETH_RETURNS_MIN &&
	       pairs * geo->returns * sizeof(__le32) > space / 16)
		geo->returns /= 2;
	geo->give_rings = place(&at, pairs * geo->returns * sizeof(__le32), VNI_PAGE);
	geo->table = at;
	if (at + VNI_PAGE >= space)
		return -ENOSPC;
	left = space - at - VNI_PAGE;
	geo->slots = div_u64(left, VNI_PAGE + sizeof(__le64));
	place(&at, geo->slots * sizeof(__le64), VNI_LINE);
	geo->buffer = place(&at, (u64)geo->slots * VNI_PAGE, VNI_PAGE);
	geo->size = at;
	geo->frame_max = IS_ENABLED(VNI_BIG_TCP) ? VNI_ETH_FRAME_MAX : VNI_ETH_INLINE_MAX;
	geo->send_max = geo->frame_max;
	if (geo->slots / queues < BIG_FRAMES * VNI_ETH_SLOTS_MAX)
		geo->send_max = VNI_ETH_INLINE_MAX;
	return geo->slots / queues >= 2 * vni_rec_slots(VNI_ETH_INLINE_MAX) ? 0 : -ENOSPC;
}

/**
 * vni_geometry_write() - show our layout to the others
 * @geo: our layout
 * @eth: our header in the window
 */
void vni_geometry_write(const struct vni_geometry *geo, struct vni_eth *eth)
{
	eth->features = cpu_to_le32(geo->features);
	eth->frame_max = cpu_to_le32(geo->frame_max);
	eth->queues = cpu_to_le32(geo->queues);
	eth->used = cpu_to_le32(geo->used);
	eth->ring_lines = cpu_to_le32(geo->ring_lines);
	eth->returns = cpu_to_le32(geo->returns);
	eth->slots = cpu_to_le32(geo->slots);
	eth->ram = cpu_to_le64(geo->ram);
	eth->held_slots = cpu_to_le32(geo->held_slots);
	eth->held = cpu_to_le64(geo->held);
	eth->ends = cpu_to_le64(geo->ends);
	eth->rings = cpu_to_le64(geo->rings);
	eth->give_rings = cpu_to_le64(geo->give_rings);
	eth->table = cpu_to_le64(geo->table);
	eth->buffer = cpu_to_le64(geo->buffer);
}

static bool inside(u64 offset, u64 len, u64 size, u64 align)
{
	return offset % align == 0 && offset <= size && len <= size - offset;
}

static bool power_within(u32 value, u32 least, u32 most)
{
	return is_power_of_2(value) && value >= least && value <= most;
}

/**
 * vni_geometry_read() - copy a peer's layout out of the window once, and check the copy
 * @geo: filled in
 * @eth: the peer's header, untrusted
 * @size: bytes of the peer's channel
 * @seats: nodes that the window has room for
 * @why: on failure: what is wrong
 *
 * Context: any.
 * Return: 0 or -EPROTO.
 */
int vni_geometry_read(struct vni_geometry *geo, const struct vni_eth *eth, u64 size,
		      unsigned int seats, const char **why)
{
	u64 pairs;

	geo->features = le32_to_cpu(READ_ONCE(eth->features));
	geo->frame_max = le32_to_cpu(READ_ONCE(eth->frame_max));
	geo->queues = le32_to_cpu(READ_ONCE(eth->queues));
	geo->used = le32_to_cpu(READ_ONCE(eth->used));
	geo->ring_lines = le32_to_cpu(READ_ONCE(eth->ring_lines));
	geo->returns = le32_to_cpu(READ_ONCE(eth->returns));
	geo->slots = le32_to_cpu(READ_ONCE(eth->slots));
	geo->ends = le64_to_cpu(READ_ONCE(eth->ends));
	geo->rings = le64_to_cpu(READ_ONCE(eth->rings));
	geo->give_rings = le64_to_cpu(READ_ONCE(eth->give_rings));
	geo->table = le64_to_cpu(READ_ONCE(eth->table));
	geo->buffer = le64_to_cpu(READ_ONCE(eth->buffer));
	geo->held = le64_to_cpu(READ_ONCE(eth->held));
	geo->held_slots = geo->held ? le32_to_cpu(READ_ONCE(eth->held_slots)) : 0;
	geo->size = size;

	*why = "its count of queues is not 1 to 8";
	if (geo->queues < 1 || geo->queues > VNI_ETH_QUEUES_MAX)
		return -EPROTO;
	*why = "it uses no queue, or more than it has";
	if (geo->used < 1 || geo->used > geo->queues)
		return -EPROTO;
	pairs = seats * geo->queues;
	*why = "its ring size is no power of two, or too small or large";
	if (!power_within(geo->ring_lines, VNI_ETH_RING_LINES_MIN, VNI_ETH_RING_LINES_MAX) ||
	    !power_within(geo->returns, VNI_ETH_RETURNS_MIN, VNI_ETH_RETURNS_MAX))
		return -EPROTO;
	*why = "its largest frame is smaller than Ethernet's or larger than the protocol's";
	if (geo->frame_max < 1518 || geo->frame_max > VNI_ETH_FRAME_MAX)
		return -EPROTO;
	*why = "its rings or packet buffer lie outside of its channel";
	if (!inside(geo->ends, pairs * sizeof(struct vni_eth_ends), size, VNI_LINE) ||
	    !inside(geo->rings, pairs * geo->ring_lines * VNI_LINE, size, VNI_LINE) ||
	    !inside(geo->give_rings, pairs * geo->returns * sizeof(__le32), size, VNI_LINE) ||
	    !inside(geo->table, (u64)geo->slots * sizeof(__le64), size, VNI_LINE) ||
	    !inside(geo->buffer, (u64)geo->slots * VNI_PAGE, size, VNI_PAGE))
		return -EPROTO;
	*why = "its maps of held slots are no whole lines, or lie outside of its channel";
	if (geo->held_slots % (VNI_LINE * BITS_PER_BYTE) ||
	    !inside(geo->held, seats * vni_held_size(geo), size, VNI_LINE))
		return -EPROTO;
	*why = NULL;
	return 0;
}
