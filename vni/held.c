// SPDX-License-Identifier: GPL-2.0
/*
 * Loans that outlive their link: slots of a peer's packet buffer that the stack here has not let go
 * of when the link ends.
 *
 * The receiver says in its own section which slots these are (struct vni_eth_held), before it takes
 * its ack back (F), and does not change that before its next link with the peer has ended. The
 * sender looks there when its ring ends are reset and when the link comes up: what is told stays
 * lent, the rest is free. By the return rings of the next link it comes home, like all that is
 * lent. So neither a link nor a restarted sender waits for a program to read, and none overwrites
 * what it is to read.
 *
 * That the sender may read while the receiver writes does no harm: the receiver's link has come up
 * and ended meanwhile, so the sender's does not last either, and is reset anew. Each word is
 * written once, so a slot that is held in both maps is held in any mixture of them.
 */
#include <linux/slab.h>

#include "vni.h"

static struct vni_eth_held *held_own(const struct vni_dev *vd, unsigned int seat)
{
	return vd->base + vd->geo.held + seat * vni_held_size(&vd->geo);
}

/* Which packet buffer a peer's slots are in: it may have another after a restart. */
static struct vni_held_of held_of(const struct vni_dev *vd, const void *channel,
				  const struct vni_geometry *geo)
{
	return (struct vni_held_of){
		.buffer = vni_shm_offset(vd->win, channel) + geo->buffer,
		.slots = geo->slots,
		.queues = geo->queues,
	};
}

static bool same(const struct vni_held_of *a, const struct vni_held_of *b)
{
	return a->buffer == b->buffer && a->slots == b->slots && a->queues == b->queues;
}

/* Those that are over are dropped: the peer is not told of them, and so has them back. */
static void loans_tell(struct vni_loans *loans, u64 *map)
{
	struct vni_loan *loan, *next;
	u32 i;

	list_for_each_entry_safe(loan, next, &loans->out, entry) {
		if (vni_loan_over(loan)) {
			list_move(&loan->entry, &loans->free);
			continue;
		}
		if (loan->former || !loan->slot_pages)
			continue;
		for (i = 0; i < loan->count; i++)
			map[loan->slots[i] / 64] |= BIT_ULL(loan->slots[i] % 64);
	}
}

/**
 * vni_held_tell() - a link has ended: say which of the peer's slots are still in use here
 * @vd: the device
 * @seat: the former peer; this node's ack still stands
 *
 * Context: process, may sleep; no poll uses the link any more.
 */
void vni_held_tell(struct vni_dev *vd, unsigned int seat)
{
	struct vni_lender *lender = vd->lenders[seat];
	struct vni_eth_held *own = held_own(vd, seat);
	__le64 *map = (__le64 *)(own + 1);
	unsigned int i;

	if (!lender)
		return;
	memset(lender->map, 0, vd->geo.held_slots / BITS_PER_BYTE);
	for (i = 0; i < vd->geo.queues; i++)
		loans_tell(&lender->loans[i], lender->map);
	/* K: pages were let go of before the slots are seen as free; with the ack's release */
	virt_mb();
	WRITE_ONCE(own->buffer, cpu_to_le64(lender->of.buffer));
	WRITE_ONCE(own->slots, cpu_to_le32(lender->of.slots));
	WRITE_ONCE(own->queues, cpu_to_le32(lender->of.queues));
	for (i = 0; i < vd->geo.held_slots / 64; i++)
		WRITE_ONCE(map[i], cpu_to_le64(lender->map[i]));
}

static void loans_carry(struct vni_loans *loans, bool same)
{
	struct vni_loan *loan;

	loans->held = 0;
	list_for_each_entry(loan, &loans->out, entry) {
		/* nobody waits for those that are not told, or mean another buffer */
		loan->former |= !same || !loan->slot_pages;
		if (!loan->former)
			loans->held += loan->count;
	}
}

/**
 * vni_held_carry() - a link comes up: what is still out goes back by its return rings
 * @vd: the device
 * @lender: the peer
 * @channel: its channel
 * @geo: its layout, checked
 *
 * The peer decides likewise, by the same numbers: see vni_held_read().
 *
 * Context: process; the link is not up yet.
 */
void vni_held_carry(struct vni_dev *vd, struct vni_lender *lender, const void *channel,
		    const struct vni_geometry *geo)
{
	struct vni_held_of of = held_of(vd, channel, geo);
	unsigned int i;

	lender->looks = geo->held;
	for (i = 0; i < vd->geo.queues; i++)
		loans_carry(&lender->loans[i], lender->looks && same(&lender->of, &of));
	lender->of = of;
}

/**
 * vni_held_read() - where a peer says what it holds of our slots
 * @vd: the device
 * @channel: the peer's channel, or NULL: it is not there
 * @geo: its layout, checked
 *
 * What it said of another packet buffer, of this node before it was restarted with other
 * parameters, does not count: that buffer is no more.
 *
 * Context: process.
 * Return: the peer's word, untrusted; {} if it holds nothing.
 */
struct vni_held vni_held_read(const struct vni_dev *vd, const void *channel,
			      const struct vni_geometry *geo)
{
	struct vni_held_of ours = held_of(vd, vd->base, &vd->geo), of;
	const struct vni_eth_held *told;

	if (!channel || !geo->held)
		return (struct vni_held){};
	told = channel + geo->held + vni_shm_seat(vd->win) * vni_held_size(geo);
	of.buffer = le64_to_cpu(READ_ONCE(told->buffer));
	of.slots = le32_to_cpu(READ_ONCE(told->slots));
	of.queues = le32_to_cpu(READ_ONCE(told->queues));
	if (!same(&of, &ours))
		return (struct vni_held){};
	return (struct vni_held){ (const __le64 *)(told + 1), geo->held_slots };
}
