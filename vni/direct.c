// SPDX-License-Identifier: GPL-2.0
/*
 * Sending in the direct form, between nodes that trust each other: a record names the pages of our
 * own memory that hold the frame, and the skb is kept until the peer has given its token back. The
 * token is a slot of the packet buffer, whose page stays unused: so the offset manager's rules
 * for lending, returning and reclaiming hold for these frames too.
 */
#include <linux/if_ether.h>
#include <linux/mm.h>

#include "vni.h"

/* Does the peer of this connection take frames that lie in our memory. */
static bool wanted(const struct vni_dev *vd, const struct vni_conn *conn)
{
	return READ_ONCE(vd->direct) &&
	       le64_to_cpu(READ_ONCE(conn->eth->direct)) & BIT_ULL(vni_shm_seat(vd->win));
}

/* Is it memory that we told the others of. What came in from another node is not. */
static bool is_own(const struct vni_dev *vd, u64 addr, u32 len)
{
	unsigned int i;

	for (i = 0; i < vd->ram_count; i++) {
		const struct vni_ram_range *range = &vd->ram_own[i];

		if (addr - range->base < range->size)
			return len <= range->size - (addr - range->base);
	}
	return false;
}

/* A stretch of memory as pieces, cut where the units of the receiver's pages meet. */
static bool plan_stretch(const struct vni_dev *vd, struct vni_tx_frame *frame, u64 addr, u32 len)
{
	if (!is_own(vd, addr, len))
		return false;
	while (len) {
		u32 part = min_t(u32, len, VNI_ETH_SEG_ALIGN - addr % VNI_ETH_SEG_ALIGN);
		struct vni_seg *seg = &frame->segs[frame->nsegs];

		if (frame->nsegs == VNI_ETH_SEGS_MAX)
			return false;
		*seg = (struct vni_seg){ cpu_to_le64(addr), cpu_to_le32(part), 0 };
		frame->nsegs++;
		addr += part;
		len -= part;
	}
	return true;
}

static bool plan_pieces(const struct vni_dev *vd, struct vni_tx_frame *frame)
{
	struct sk_buff *skb = frame->skb;
	u32 headlen = skb_headlen(skb);
	unsigned int i;

	if (headlen > frame->head &&
	    (!virt_addr_valid(skb->data) ||
	     !plan_stretch(vd, frame, vd->ram_bias + virt_to_phys(skb->data + frame->head),
			   headlen - frame->head)))
		return false;
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[i];
		u64 addr = page_to_phys(skb_frag_page(frag)) + skb_frag_off(frag);

		if (!plan_stretch(vd, frame, vd->ram_bias + addr, skb_frag_size(frag)))
			return false;
	}
	return frame->nsegs;
}

/**
 * vni_direct_plan() - can a frame go in the direct form, and how
 * @vd: the device
 * @conn: the one peer that it is for
 * @frame: skb is set; on success the rest but rec and slots
 *
 * Context: bottom halves off.
 */
bool vni_direct_plan(const struct vni_dev *vd, const struct vni_conn *conn,
		     struct vni_tx_frame *frame)
{
	struct sk_buff *skb = frame->skb;

	/* one that its owner sends again and again cannot be queued here */
	if (!wanted(vd, conn) || skb_has_frag_list(skb) || skb_shared(skb) ||
	    skb_headlen(skb) < ETH_HLEN)
		return false;
	frame->nsegs = 0;
	frame->head = min_t(u32, skb_headlen(skb), VNI_ETH_HEAD_MAX);
	if (!plan_pieces(vd, frame)) {
		frame->nsegs = 0;
		return false;
	}
	frame->nslots = 1;
	frame->lines = vni_rec_lines_direct(frame->nsegs, frame->head);
	return true;
}

/**
 * vni_direct_put() - write the pieces and the head of a frame behind its record's header
 * @pipe: the peer's pipe
 * @frame: as vni_direct_plan() left it
 * @at: byte offset in the ring
 *
 * Context: vni_queue.lock.
 */
void vni_direct_put(struct vni_pipe *pipe, const struct vni_tx_frame *frame, u32 at)
{
	at = vni_ring_copy_in(pipe->tx_store, pipe->tx_bytes, at, frame->segs,
			      frame->nsegs * sizeof(frame->segs[0]));
	vni_ring_copy_in(pipe->tx_store, pipe->tx_bytes, at, frame->skb->data, frame->head);
}

/**
 * vni_direct_keep() - hold a frame's memory until the peer gives its token back
 * @q: the queue, locked
 * @frame: lent
 *
 * The socket is not kept waiting for that: it is as if the frame had been copied.
 *
 * Context: bottom halves off.
 */
void vni_direct_keep(struct vni_queue *q, const struct vni_tx_frame *frame)
{
	skb_orphan(frame->skb);
	q->kept[frame->slots[0] - q->om.first] = frame->skb;
}

/**
 * vni_direct_returned() - a slot came back: if it stood for a frame, that is done with
 * @q: the queue, locked
 * @slot: one of ours, not lent any more
 *
 * Context: bottom halves off.
 */
void vni_direct_returned(struct vni_queue *q, u32 slot)
{
	struct sk_buff **kept = &q->kept[slot - q->om.first];

	if (*kept)
		dev_consume_skb_any(*kept);
	*kept = NULL;
}

/**
 * vni_direct_orphan() - a link ended: its slots are free again, but not the memory of its frames
 * @q: the queue, locked
 * @seat: the former peer; its slots are not reclaimed yet
 *
 * The peer may have programs that still read what it handed up. The frames wait for
 * vni_direct_release().
 *
 * Context: bottom halves off.
 */
void vni_direct_orphan(struct vni_queue *q, unsigned int seat)
{
	u32 i;

	for (i = 0; i < q->om.count; i++) {
		if (!q->kept[i] || !(q->om.holders[i] & BIT_ULL(seat)))
			continue;
		q->kept[i]->mark = seat;
		__skb_queue_tail(&q->orphans, q->kept[i]);
		q->kept[i] = NULL;
	}
}

/**
 * vni_direct_release() - a former peer uses nothing of ours any more
 * @q: the queue; its lock is taken
 * @seat: the former peer
 *
 * Context: process.
 */
void vni_direct_release(struct vni_queue *q, unsigned int seat)
{
	struct sk_buff *skb, *next;

	spin_lock_bh(&q->lock);
	skb_queue_walk_safe(&q->orphans, skb, next)
	{
		if (skb->mark != seat)
			continue;
		__skb_unlink(skb, &q->orphans);
		dev_consume_skb_any(skb);
	}
	spin_unlock_bh(&q->lock);
}
