// SPDX-License-Identifier: GPL-2.0
/*
 * Frames that wait for one peer while there are others: a queue of its own for each peer and
 * transmit queue, as switches have it, so that a full peer stops nobody but who sends to it. All
 * under vni_queue.lock.
 *
 * A frame that waits still belongs to its socket: who sends to a full peer is held back by the room
 * in its own socket (and TCP by its small-queue limit). The bounds leave room for that to happen
 * before anything is dropped. What has waited for VNI_WAIT_MS is dropped; from then on nothing
 * waits for that peer until it has caught up.
 */
#include <linux/skbuff.h>
#include <net/dst.h>

#include "vni.h"

#define BACKLOG_FRAMES 256
#define BACKLOG_BYTES  (512 * 1024)

/* Frames sent in one go, so that who holds the lock does not copy for ever. */
#define DRAIN_FRAMES 64

struct backlog_note {
	unsigned long since; /* jiffies */
};

static struct backlog_note *note(struct sk_buff *skb)
{
	return (struct backlog_note *)skb->cb;
}

/**
 * vni_backlog_put() - let a frame wait until its peer has room
 * @q: the queue, locked
 * @seat: the peer
 * @skb: the frame; stays the caller's if it is refused
 *
 * Context: bottom halves off.
 * Return: true if it waits, false if it is to be dropped.
 */
bool vni_backlog_put(struct vni_queue *q, unsigned int seat, struct sk_buff *skb)
{
	struct vni_pipe *pipe = vni_pipe_of(q, seat);

	if (!pipe || pipe->slow || skb->len > pipe->frame_max ||
	    skb_queue_len(&pipe->backlog) >= BACKLOG_FRAMES ||
	    pipe->backlog_bytes + skb->len > BACKLOG_BYTES)
		return false;
	/* it may wait for longer than what it refers to should live */
	skb_dst_drop(skb);
	nf_reset_ct(skb);
	note(skb)->since = jiffies;
	__skb_queue_tail(&pipe->backlog, skb);
	pipe->backlog_bytes += skb->len;
	q->waiting |= BIT_ULL(seat);
	u64_stats_update_begin(&q->tx.sync);
	u64_stats_inc(&q->tx.waited);
	u64_stats_update_end(&q->tx.sync);
	return true;
}

static struct sk_buff *take(struct vni_queue *q, struct vni_pipe *pipe, unsigned int seat)
{
	struct sk_buff *skb = __skb_dequeue(&pipe->backlog);

	pipe->backlog_bytes -= skb->len;
	if (skb_queue_empty(&pipe->backlog))
		q->waiting &= ~BIT_ULL(seat);
	return skb;
}

/* Send what has room at one peer. Returns how many frames. */
static unsigned int drain_one(struct vni_queue *q, struct vni_pipe *pipe, unsigned int seat,
			      unsigned int most)
{
	unsigned int done = 0;
	struct sk_buff *skb;

	while (done < most && (skb = skb_peek(&pipe->backlog))) {
		if (!vni_tx_resend(q, seat, skb))
			break;
		dev_consume_skb_any(take(q, pipe, seat));
		done++;
	}
	if (done) {
		u64_stats_update_begin(&q->tx.sync);
		u64_stats_add(&q->tx.wait_ends, done);
		u64_stats_update_end(&q->tx.sync);
	}
	return done;
}

/**
 * vni_backlog_drain() - send what has waited and has room now
 * @q: the queue, locked
 * @seats: for these peers
 *
 * Context: bottom halves off.
 * Return: false if there may be room for more.
 */
bool vni_backlog_drain(struct vni_queue *q, u64 seats)
{
	unsigned int done = 0, seat = q->drain_turn;
	u64 left = seats & q->waiting;

	/* the turn goes round, so that many peers share what is done in one go */
	for (; left && done < DRAIN_FRAMES; left &= ~BIT_ULL(seat), seat++) {
		struct vni_pipe *pipe;

		seat = vni_next_seat(left, seat);
		pipe = vni_pipe_of(q, seat);
		if (pipe)
			done += drain_one(q, pipe, seat, DRAIN_FRAMES - done);
	}
	q->drain_turn = seat;
	if (done)
		vni_tx_flush(q);
	return done < DRAIN_FRAMES;
}

static void drop_first(struct vni_queue *q, struct vni_pipe *pipe, unsigned int seat)
{
	dev_kfree_skb_any(take(q, pipe, seat));
	u64_stats_update_begin(&q->tx.sync);
	u64_stats_inc(&q->tx.peer_full);
	u64_stats_update_end(&q->tx.sync);
}

/**
 * vni_backlog_expire() - drop what has waited for too long; then the peer is slow
 * @q: the queue, locked
 * @pipe: the peer's pipe of that queue
 * @seat: the peer
 *
 * Context: bottom halves off.
 */
void vni_backlog_expire(struct vni_queue *q, struct vni_pipe *pipe, unsigned int seat)
{
	struct sk_buff *skb;

	while ((skb = skb_peek(&pipe->backlog))) {
		if (time_before(jiffies, note(skb)->since + msecs_to_jiffies(VNI_WAIT_MS)))
			return;
		drop_first(q, pipe, seat);
		pipe->slow = true;
	}
}

/**
 * vni_backlog_purge() - drop all that waits for a peer whose link ended
 * @q: the queue, locked
 * @pipe: the former peer's pipe of that queue
 * @seat: the former peer
 *
 * Context: bottom halves off.
 */
void vni_backlog_purge(struct vni_queue *q, struct vni_pipe *pipe, unsigned int seat)
{
	while (!skb_queue_empty(&pipe->backlog))
		drop_first(q, pipe, seat);
}
