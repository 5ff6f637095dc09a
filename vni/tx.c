// SPDX-License-Identifier: GPL-2.0
/*
 * Sending. The steps are those of the source documents' figures (see
 * Documentation/packet-path.rst): a frame is written once, either into the rings themselves
 * (head/tail form) or into slots of the packet buffer (offset-manager form), and described to each
 * seat that is to get it.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/virtio_net.h>

#include "vni.h"

static bool wants_inline(const struct vni_dev *vd, u32 len)
{
	if (unlikely(len > VNI_ETH_INLINE_MAX))
		return false;
	switch (READ_ONCE(vd->form)) {
	case VNI_FORM_HEADTAIL:
		return true;
	case VNI_FORM_OFFSET:
		return false;
	default:
		return len <= READ_ONCE(vd->copybreak);
	}
}

static void frame_plan(const struct vni_dev *vd, struct vni_tx_frame *frame, struct sk_buff *skb)
{
	frame->skb = skb;
	frame->nsegs = 0;
	if (wants_inline(vd, skb->len)) {
		frame->nslots = 0;
		frame->lines = vni_rec_lines_inline(skb->len);
	} else {
		frame->nslots = vni_rec_slots(skb->len);
		frame->lines = vni_rec_lines_slots(frame->nslots);
	}
}

/* Step 3 of the offset-manager form: the frame is written into its slots. */
static int frame_fill_slots(struct vni_queue *q, struct vni_tx_frame *frame)
{
	u8 *buffer = q->vd->base + q->vd->geo.buffer;
	u32 i, left = frame->skb->len;
	struct vni_gather gather vni_uninitialized;
	int ret = 0;

	vni_gather_begin(&gather, frame->skb);
	for (i = 0; i < frame->nslots && !ret; i++) {
		u32 part = min_t(u32, left, VNI_PAGE);

		ret = vni_gather(&gather, buffer + (u64)frame->slots[i] * VNI_PAGE, part);
		left -= part;
	}
	vni_gather_end(&gather);
	return ret;
}

/* Step 2 of the head/tail form: the frame is written into the ring's lines, around their end. */
static int frame_fill_lines(struct vni_pipe *pipe, const struct vni_tx_frame *frame, u32 at)
{
	u32 len = frame->skb->len, first = min(len, pipe->tx_bytes - at);
	struct vni_gather gather vni_uninitialized;
	int ret;

	vni_gather_begin(&gather, frame->skb);
	ret = vni_gather(&gather, pipe->tx_store + at, first);
	if (!ret && unlikely(first < len))
		ret = vni_gather(&gather, pipe->tx_store, len - first);
	vni_gather_end(&gather);
	return ret;
}

/*
 * The lines that small frames to come will take were last read by the peer's core. They are asked
 * for early, so that they are here when they are written to; long copies see to that themselves.
 */
#define FEW_LINES 4
#define OWN_AHEAD 24

static void own_lines(const struct vni_pipe *pipe, u32 count)
{
	u32 at = pipe->tx.mine + OWN_AHEAD;

	for (; count; count--, at++)
		vni_prefetchw(pipe->tx_store + (at & (pipe->tx.size - 1)) * VNI_LINE);
}

/* Write the record at our head: step 2 of the head/tail form, step 4 of the offset-manager form. */
static int frame_put(struct vni_pipe *pipe, struct vni_tx_frame *frame)
{
	u32 at = vni_ring_at(&pipe->tx), len = frame->skb->len;
	u32 next = vni_ring_copy_in(pipe->tx_store, pipe->tx_bytes, at * VNI_LINE, &frame->rec,
				    sizeof(frame->rec));

	if (frame->nsegs) {
		vni_direct_put(pipe, frame, next);
	} else if (frame->nslots) {
		__le32 raw[VNI_ETH_SLOTS_MAX] vni_uninitialized;
		u32 i;

		for (i = 0; i < frame->nslots; i++)
			raw[i] = cpu_to_le32(frame->slots[i]);
		vni_ring_copy_in(pipe->tx_store, pipe->tx_bytes, next, raw,
				 frame->nslots * sizeof(raw[0]));
	} else if (frame_fill_lines(pipe, frame, next)) {
		return -EINVAL;
	}
	pipe->flight[at] = frame->lines << 20 | len;
	vni_ring_advance(&pipe->tx, frame->lines);
	if (frame->lines <= FEW_LINES)
		own_lines(pipe, frame->lines);
	return 0;
}

static void count_drop(struct vni_queue *q, u64_stats_t *cause)
{
	u64_stats_update_begin(&q->tx.sync);
	u64_stats_inc(cause);
	u64_stats_update_end(&q->tx.sync);
}

static void count_sent(struct vni_queue *q, const struct vni_tx_frame *frame, u32 times)
{
	u64_stats_update_begin(&q->tx.sync);
	u64_stats_inc(&q->tx.frames);
	u64_stats_add(&q->tx.bytes, frame->skb->len);
	u64_stats_add(&q->tx.inline_frames, !frame->nslots);
	u64_stats_add(&q->tx.direct_frames, frame->nsegs > 0);
	u64_stats_update_end(&q->tx.sync);
	q->tx_frames += times;
	q->tx_pushed += vni_moderation_pushes();
	q->tx_bytes += (u64)times * frame->skb->len;
}

/* Which of the wanted seats have room. */
static u64 seats_with_room(struct vni_queue *q, struct vni_tx_frame *frame, u64 seats)
{
	u64 left, good = 0;

	for (left = seats; left; left &= left - 1) {
		unsigned int seat = __ffs64(left);
		struct vni_pipe *pipe = vni_pipe_of(q, seat);

		if (pipe && frame->skb->len <= pipe->frame_max &&
		    vni_tx_room(q, pipe, seat, frame->lines, frame->nslots))
			good |= BIT_ULL(seat);
	}
	return good;
}

/* The only peer is worth waiting for, if it takes such frames. */
static bool seats_may_wait(struct vni_queue *q, const struct vni_tx_frame *frame, u64 seats)
{
	const struct vni_conn *conn = rcu_dereference_bh(q->vd->conns[__ffs64(seats)]);

	return frame->skb->len <= conn->frame_max;
}

/*
 * Write a frame for seats that have room. @seats is left with those that have it: a frame that
 * cannot be read to its end gets into no ring. It is read for the rings only where it needs no
 * slots, so nothing is lent in vain.
 */
static int send(struct vni_queue *q, struct vni_tx_frame *frame, u64 *seats)
{
	struct virtio_net_hdr *hdr = (struct virtio_net_hdr *)frame->rec.virtio;
	u64 left;

	if (virtio_net_hdr_from_skb(frame->skb, hdr, true, true, 0))
		return -EINVAL;
	/* none is left where making room for a later seat was in vain */
	if (!vni_omgr_claim(&q->om, frame->nslots, frame->slots))
		return -ENOSPC;
	if (frame->nsegs)
		vni_rec_header_direct(&frame->rec, frame->skb->len, frame->nsegs, frame->head,
				      frame->slots[0]);
	else
		vni_rec_header(&frame->rec, frame->skb->len, frame->nslots);
	if (!frame->nsegs && frame_fill_slots(q, frame)) {
		vni_omgr_unclaim(&q->om, frame->nslots, frame->slots);
		return -EINVAL;
	}
	if (frame->nslots)
		vni_omgr_lend(&q->om, frame->nslots, frame->slots, *seats);
	for (left = *seats; left; left &= left - 1) {
		struct vni_conn *conn = rcu_dereference_bh(q->vd->conns[__ffs64(left)]);

		if (frame_put(&conn->pipes[q->index], frame))
			*seats &= ~(left & -left);
	}
	if (!*seats)
		return -EINVAL;
	q->pending |= *seats;
	count_sent(q, frame, hweight64(*seats));
	return 0;
}

static netdev_tx_t drop(struct vni_queue *q, struct sk_buff *skb, u64_stats_t *cause)
{
	count_drop(q, cause);
	dev_kfree_skb_any(skb);
	if (!netdev_xmit_more())
		vni_tx_flush(q);
	return NETDEV_TX_OK;
}

/*
 * While the poll comes by timer nobody rings us. Who sends is on a processor, and may as well look
 * whether the peer has sent something too: an answer is then not as old as the timer allows. Only
 * a hint, so it is read outside of the receive side's order.
 */
static void poll_early(struct vni_queue *q, const struct vni_pipe *pipe)
{
	u32 head;

	if (!READ_ONCE(q->polled))
		return;
	head = le32_to_cpu(READ_ONCE(pipe->rx.peer->index));
	if (head != READ_ONCE(pipe->rx.mine))
		napi_schedule(&q->napi);
}

/* After a frame: publish now or with the next one, and stop where the next may not fit. */
static void xmit_after(struct vni_queue *q, unsigned int txi, u64 seats, bool more)
{
	unsigned int seat = __ffs64(seats);
	struct vni_conn *conn = rcu_dereference_bh(q->vd->conns[seat]);
	bool single = !(seats & (seats - 1));

	if (single && !vni_tx_room_for_next(q, &conn->pipes[q->index], seat))
		vni_tx_stop(q, txi, seat);
	else if (vni_tx_limited(q))
		vni_tx_wait(q);
	else if (!more)
		vni_tx_flush(q);
	if (single)
		poll_early(q, &conn->pipes[q->index]);
}

/*
 * A frame in our own memory holds a slot for as long as a program at the peer leaves it unread. The
 * last slots are not for those: frames that are copied go through them, and so all goes on.
 */
static bool direct_may(struct vni_queue *q, unsigned int seat)
{
	struct vni_pipe *pipe = vni_pipe_of(q, seat);

	return pipe &&
	       vni_tx_room(q, pipe, seat, 0, vni_rec_slots(READ_ONCE(q->vd->frame_max)) + 1);
}

static netdev_tx_t xmit_locked(struct vni_queue *q, struct sk_buff *skb, unsigned int txi,
			       u64 seats)
{
	struct netdev_queue *bql = netdev_get_tx_queue(q->vd->ndev, q->index);
	bool single = !(seats & (seats - 1)), more;
	struct vni_tx_frame frame vni_uninitialized;
	u64 good;
	int ret;

	frame_plan(q->vd, &frame, skb);
	if (single && frame.nslots && READ_ONCE(q->vd->direct) && direct_may(q, __ffs64(seats)))
		vni_direct_plan(q->vd, rcu_dereference_bh(q->vd->conns[__ffs64(seats)]), &frame);
	good = seats_with_room(q, &frame, seats);
	if (single && !good && seats_may_wait(q, &frame, seats)) {
		if (!vni_tx_stop(q, txi, __ffs64(seats)))
			return NETDEV_TX_BUSY;
		good = seats_with_room(q, &frame, seats);
	}
	if (!good)
		return drop(q, skb, &q->tx.peer_full);
	ret = send(q, &frame, &good);
	if (ret)
		return drop(q, skb, ret == -ENOSPC ? &q->tx.peer_full : &q->tx.bad_offload);
	if (good != seats)
		count_drop(q, &q->tx.peer_full);
	more = !__netdev_tx_sent_queue(bql, skb->len * hweight64(good), netdev_xmit_more());
	skb_tx_timestamp(skb);
	if (frame.nsegs)
		vni_direct_keep(q, &frame);
	else
		dev_consume_skb_any(skb);
	xmit_after(q, txi, good, more);
	return NETDEV_TX_OK;
}

/*
 * Plan a frame for those of several peers that have room. Slots are common to all, so others may
 * hold them; a ring is one peer's alone: where slots lack, the ring will do.
 */
static u64 several_plan(struct vni_queue *q, struct vni_tx_frame *frame, struct sk_buff *skb,
			u64 seats)
{
	u64 good;

	frame_plan(q->vd, frame, skb);
	good = seats_with_room(q, frame, seats);
	if (good || !frame->nslots || READ_ONCE(q->vd->form) != VNI_FORM_MIXED ||
	    skb->len > VNI_ETH_INLINE_MAX)
		return good;
	frame->nslots = 0;
	frame->lines = vni_rec_lines_inline(skb->len);
	return seats_with_room(q, frame, seats);
}

/* BQL cannot tell peers apart, so it is not told of frames while there are several. */
static int several_send(struct vni_queue *q, struct vni_tx_frame *frame, u64 seats)
{
	int ret = send(q, frame, &seats);
	u64 left;

	for (left = ret ? 0 : seats; left; left &= left - 1) {
		struct vni_pipe *pipe = vni_pipe_of(q, __ffs64(left));
		u32 at = pipe->tx.mine - frame->lines;

		pipe->flight[at & (pipe->tx.size - 1)] = frame->lines << 20;
	}
	return ret;
}

/**
 * vni_tx_resend() - send a frame that has waited for a peer
 * @q: the queue, locked
 * @seat: the peer
 * @skb: the frame; stays the caller's
 *
 * Context: bottom halves off.
 * Return: true if it is done with, false if there is no room still.
 */
bool vni_tx_resend(struct vni_queue *q, unsigned int seat, struct sk_buff *skb)
{
	struct vni_tx_frame frame vni_uninitialized;
	int ret;

	if (!several_plan(q, &frame, skb, BIT_ULL(seat)))
		return false;
	ret = several_send(q, &frame, BIT_ULL(seat));
	if (ret)
		count_drop(q, ret == -ENOSPC ? &q->tx.peer_full : &q->tx.bad_offload);
	else
		skb_tx_timestamp(skb);
	return true;
}

/* A clone waits for each seat. What cannot wait is dropped and counted. */
static void several_wait(struct vni_queue *q, struct sk_buff *skb, u64 seats)
{
	for (; seats; seats &= seats - 1) {
		struct sk_buff *copy = skb_clone(skb, GFP_ATOMIC);

		if (copy && vni_backlog_put(q, __ffs64(seats), copy))
			continue;
		count_drop(q, &q->tx.peer_full);
		kfree_skb(copy);
	}
}

/*
 * There are several peers, or frames still wait from when there were. The transmit queue never
 * stops then: a frame waits for the seat that has no room. Behind frames that wait all others for
 * the same seat wait too, so that they stay in order.
 */
static netdev_tx_t xmit_several(struct vni_queue *q, struct sk_buff *skb, u64 seats)
{
	bool single = !(seats & (seats - 1)), waits = false;
	u64 before = q->waiting, good;
	struct vni_tx_frame frame vni_uninitialized;
	int ret;

	if (before & seats)
		vni_backlog_drain(q, seats);
	good = several_plan(q, &frame, skb, seats & ~q->waiting);
	ret = good ? several_send(q, &frame, good) : 0;
	if (ret)
		return drop(q, skb, ret == -ENOSPC ? &q->tx.peer_full : &q->tx.bad_offload);
	/* one that its owner sends again and again (pktgen) cannot be in a list: a clone is */
	if (single && !good && !skb_shared(skb))
		waits = vni_backlog_put(q, __ffs64(seats), skb);
	else
		several_wait(q, skb, seats & ~good);
	if (good)
		skb_tx_timestamp(skb);
	if (single && !good && !waits && !skb_shared(skb))
		return drop(q, skb, &q->tx.peer_full);
	if (!waits)
		dev_consume_skb_any(skb);
	if (q->waiting & ~before)
		vni_tx_wait(q);
	else if (!netdev_xmit_more())
		vni_tx_flush(q);
	if (single && vni_pipe_of(q, __ffs64(seats)))
		poll_early(q, vni_pipe_of(q, __ffs64(seats)));
	return NETDEV_TX_OK;
}

/**
 * vni_start_xmit() - ndo_start_xmit: step 1, take a frame from the protocol stack
 * @skb: the frame
 * @ndev: the device
 *
 * Context: bottom halves off, under the transmit queue's lock.
 * Return: NETDEV_TX_OK with @skb consumed, or NETDEV_TX_BUSY with the queue stopped.
 */
netdev_tx_t vni_start_xmit(struct sk_buff *skb, struct net_device *ndev)
{
	struct vni_dev *vd = netdev_priv(ndev);
	unsigned int txi = skb_get_queue_mapping(skb);
	struct vni_queue *q = &vd->queues[0], *own = &vd->queues[txi];
	u64 seats = 0, known = 0, left;
	bool flood = false;
	netdev_tx_t ret;

	if (likely(skb->len >= VNI_ETH_FRAME_MIN))
		seats = vni_segment_route(vd, skb->data, &flood);
	for (left = seats; left; left &= left - 1) {
		struct vni_conn *conn = rcu_dereference_bh(vd->conns[__ffs64(left)]);

		if (!conn)
			continue;
		known |= BIT_ULL(__ffs64(left));
		/* one receiver: our queue if it has one like it; several: the one that all have */
		if (!(seats & (seats - 1)))
			q = &vd->queues[txi % conn->queues];
	}
	spin_lock(&q->lock);
	if (unlikely(skb->len < VNI_ETH_FRAME_MIN || skb->len > vd->geo.send_max))
		ret = drop(q, skb, &q->tx.too_long);
	else if (unlikely(!known))
		ret = drop(q, skb, &q->tx.no_peer);
	else if (vni_several(vd) || q->waiting)
		ret = xmit_several(q, skb, known);
	else
		ret = xmit_locked(q, skb, txi, known);
	if (unlikely(flood)) {
		u64_stats_update_begin(&q->tx.sync);
		u64_stats_inc(&q->tx.floods);
		u64_stats_update_end(&q->tx.sync);
	}
	spin_unlock(&q->lock);
	/* frames held back for more to come, where what came took another way */
	if (unlikely(q != own) && !netdev_xmit_more() && READ_ONCE(own->pending)) {
		spin_lock(&own->lock);
		vni_tx_flush(own);
		spin_unlock(&own->lock);
	}
	return ret;
}
