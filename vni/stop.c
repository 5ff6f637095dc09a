// SPDX-License-Identifier: GPL-2.0
/*
 * Publishing, stopping and waking: the transmit side's dealings with time. All under
 * vni_queue.lock unless a function says that it takes it.
 *
 * With a single peer two things stop a transmit queue: no room at the peer (we stop it, and note it
 * in vni_queue.stopped), and BQL's limit (the stack stops it). With several peers it never stops;
 * frames wait for the one peer that has no room (vni_queue.waiting, backlog.c). All is lifted by
 * what peers consume and give back. We learn of that by our own poll, if it comes by timer anyway,
 * or else ask the peers for a doorbell.
 */
#include "vni.h"

/* While anything is held back, it is looked at so often. */
#define LOOK_MS 20

/*
 * A peer that is alive and for so many looks takes nothing while frames wait loses its link. Looks
 * are counted, not time: if this node stood still itself, none of its peers is to blame.
 */
#define STUCK_LOOKS (3000 / LOOK_MS)

/* Asking for a doorbell is repeated while the peer runs ahead of it; then the poll takes over. */
#define WAIT_TRIES 4

/* Ring a peer if it asked for that (step 5). */
static bool wake_peer(struct vni_queue *q, struct vni_pipe *pipe, unsigned int seat)
{
	return vni_ring_must_wake(&pipe->tx) && vni_shm_channel_ring(q->vd->chan, seat, q->index);
}

static void count_bells(struct vni_queue *q, bool rung, bool spared)
{
	u64_stats_update_begin(&q->tx.sync);
	u64_stats_add(&q->tx.bells_rung, rung);
	u64_stats_add(&q->tx.bells_spared, spared);
	u64_stats_update_end(&q->tx.sync);
}

/**
 * vni_tx_flush() - let the peers see the records, and ring those that asked for it
 * @q: the queue, locked
 *
 * While our poll comes by timer it looks after wishes that are just on their way here
 * (vni_tx_service()), so that not each frame has to wait for its barrier.
 *
 * Context: bottom halves off.
 */
void vni_tx_flush(struct vni_queue *q)
{
	u64 left;

	for (left = q->pending; left; left &= left - 1) {
		unsigned int seat = __ffs64(left);
		struct vni_pipe *pipe = vni_pipe_of(q, seat);
		bool rung;

		if (!pipe)
			continue;
		vni_ring_publish(&pipe->tx);
		rung = (!q->polled || vni_ring_wish_seen(&pipe->tx)) && wake_peer(q, pipe, seat);
		count_bells(q, rung, !rung);
	}
	q->pending = 0;
}

/**
 * vni_tx_limited() - are frames held back for what is under way here
 * @q: the queue, locked
 */
bool vni_tx_limited(const struct vni_queue *q)
{
	return q->stopped || q->waiting ||
	       netif_xmit_stopped(netdev_get_tx_queue(q->vd->ndev, q->index));
}

/* Does the largest frame that may come next fit? Then the stack may go on. */
bool vni_tx_room_for_next(struct vni_queue *q, struct vni_pipe *pipe, unsigned int seat)
{
	if (READ_ONCE(q->vd->form) == VNI_FORM_HEADTAIL)
		return vni_tx_room(q, pipe, seat, vni_rec_lines_inline(VNI_ETH_INLINE_MAX), 0);
	return vni_tx_room(q, pipe, seat, vni_rec_lines_inline(VNI_COPYBREAK_MAX),
			   vni_rec_slots(READ_ONCE(q->vd->frame_max)));
}

/* Ask a peer for its doorbell once half of what is under way has come back. */
static bool arm(struct vni_queue *q, struct vni_pipe *pipe, unsigned int seat)
{
	bool tail = vni_ring_arm(&pipe->tx, (pipe->tx.mine - pipe->tx.theirs) / 2);
	bool returns = vni_ring_arm(&pipe->take, q->om.lent[seat] / 2);

	return tail || returns;
}

/* Ask all peers. True if one of them had gone on already: it may not ring. */
static bool arm_all(struct vni_queue *q)
{
	bool passed = false;
	u64 left;

	for (left = READ_ONCE(q->vd->up); left; left &= left - 1) {
		struct vni_pipe *pipe = vni_pipe_of(q, __ffs64(left));

		if (pipe && arm(q, pipe, __ffs64(left))) {
			vni_tx_reap(q, pipe, __ffs64(left));
			passed = true;
		}
	}
	return passed;
}

/**
 * vni_tx_wait() - make sure that the poll comes when peers have consumed or given back
 * @q: the queue, locked; what it holds back is published here
 *
 * Context: bottom halves off.
 */
void vni_tx_wait(struct vni_queue *q)
{
	unsigned int tries;

	vni_tx_flush(q);
	if (!timer_pending(&q->vd->stall))
		mod_timer(&q->vd->stall, jiffies + msecs_to_jiffies(LOOK_MS));
	/* a queue that has stopped stands still; polls that find little to receive are far apart */
	if (q->polled && !q->stopped)
		return;
	for (tries = 0; tries < WAIT_TRIES; tries++) {
		if (!arm_all(q))
			return;
		if (vni_backlog_drain(q, q->waiting) && !vni_tx_limited(q))
			return;
	}
	napi_schedule(&q->napi);
}

/**
 * vni_tx_stop() - stop a transmit queue for want of room at a peer
 * @q: the queue whose rings are full, locked
 * @txi: the transmit queue to stop
 * @seat: the peer
 *
 * Context: bottom halves off.
 * Return: true if room came back meanwhile and the queue goes on.
 */
bool vni_tx_stop(struct vni_queue *q, unsigned int txi, unsigned int seat)
{
	struct netdev_queue *txq = netdev_get_tx_queue(q->vd->ndev, txi);
	struct vni_pipe *pipe = vni_pipe_of(q, seat);

	netif_tx_stop_queue(txq);
	u64_stats_update_begin(&q->tx.sync);
	u64_stats_inc(&q->tx.stops);
	u64_stats_update_end(&q->tx.sync);
	q->stop_seat = seat;
	q->stopped |= BIT_ULL(txi);
	vni_tx_wait(q);
	if (pipe && !vni_tx_room_for_next(q, pipe, seat))
		return false;
	q->stopped &= ~BIT_ULL(txi);
	netif_tx_start_queue(txq);
	return true;
}

/**
 * vni_tx_wake() - let stopped transmit queues go on, if there is room now
 * @q: the queue, locked
 *
 * Context: bottom halves off.
 */
void vni_tx_wake(struct vni_queue *q)
{
	struct vni_pipe *pipe = vni_pipe_of(q, q->stop_seat);
	u64 left;

	if (!q->stopped ||
	    (pipe && !vni_several(q->vd) && !vni_tx_room_for_next(q, pipe, q->stop_seat)))
		return;
	left = q->stopped;
	q->stopped = 0;
	for (; left; left &= left - 1)
		netif_tx_wake_queue(netdev_get_tx_queue(q->vd->ndev, __ffs64(left)));
	u64_stats_update_begin(&q->tx.sync);
	u64_stats_inc(&q->tx.wakes);
	u64_stats_update_end(&q->tx.sync);
}

/* A second peer has come: what BQL was told of for the first must not hold up what goes to it. */
static void leave_bql(struct vni_queue *q)
{
	u64 left;

	if (!netif_xmit_stopped(netdev_get_tx_queue(q->vd->ndev, q->index)))
		return;
	for (left = READ_ONCE(q->vd->up); left; left &= left - 1) {
		struct vni_pipe *pipe = vni_pipe_of(q, __ffs64(left));

		if (pipe)
			vni_tx_settle(q, pipe, pipe->tx.mine);
	}
}

/**
 * vni_tx_service() - take in what peers consumed and gave back, send and wake what waits for it
 * @q: the queue; its lock is taken
 * @polled: true if the poll comes again by timer; else doorbells are asked for where one waits
 *
 * Context: NAPI.
 */
void vni_tx_service(struct vni_queue *q, bool polled)
{
	u64 left;

	spin_lock(&q->lock);
	q->polled = polled;
	for (left = READ_ONCE(q->vd->up); left; left &= left - 1) {
		struct vni_pipe *pipe = vni_pipe_of(q, __ffs64(left));

		if (!pipe)
			continue;
		vni_tx_reap(q, pipe, __ffs64(left));
		/* at a glance no wish was seen: look again */
		if (wake_peer(q, pipe, __ffs64(left)))
			count_bells(q, true, false);
	}
	if (vni_several(q->vd))
		leave_bql(q);
	if (q->waiting && !vni_backlog_drain(q, q->waiting))
		napi_schedule(&q->napi);
	vni_tx_wake(q);
	if (!polled && vni_tx_limited(q)) {
		vni_tx_wait(q);
		vni_tx_wake(q);
	}
	spin_unlock(&q->lock);
}

/* Frames wait for a peer, or would: does it take or give back anything at all? */
static void look_at(struct vni_queue *q, struct vni_pipe *pipe, unsigned int seat)
{
	/* slots on loan, and those of the direct form, are held by programs that may not read */
	if (vni_tx_reap(q, pipe, seat) ||
	    (pipe->tx.mine == pipe->tx.theirs &&
	     (q->om.lent[seat] <= pipe->lend_max / 2 || READ_ONCE(q->vd->direct)))) {
		pipe->looks = 0;
		return;
	}
	if (++pipe->looks == STUCK_LOOKS)
		vni_shm_channel_fault(q->vd->chan, seat, "it is alive and takes nothing");
}

/* What has room now goes, even late, if this node stood still; only then is what waits too old. */
static void send_or_drop(struct vni_queue *q)
{
	u64 left;

	if (!q->waiting)
		return;
	if (!vni_backlog_drain(q, q->waiting)) {
		napi_schedule(&q->napi);
		return;
	}
	for (left = q->waiting; left; left &= left - 1) {
		struct vni_pipe *pipe = vni_pipe_of(q, __ffs64(left));

		if (pipe)
			vni_backlog_expire(q, pipe, __ffs64(left));
	}
}

/* Returns true if anything of this queue is held back still. */
static bool look(struct vni_queue *q)
{
	bool held = vni_tx_limited(q);
	u64 left;

	for (left = READ_ONCE(q->vd->up); left; left &= left - 1) {
		unsigned int seat = __ffs64(left);
		struct vni_pipe *pipe = vni_pipe_of(q, seat);

		if (pipe &&
		    (pipe->slow || q->waiting & BIT_ULL(seat) || (held && !vni_several(q->vd))))
			look_at(q, pipe, seat);
	}
	send_or_drop(q);
	for (left = READ_ONCE(q->vd->up); left; left &= left - 1) {
		struct vni_pipe *pipe = vni_pipe_of(q, __ffs64(left));

		held |= pipe && pipe->slow;
	}
	vni_tx_wake(q);
	return held;
}

/**
 * vni_tx_unstall() - look after what is held back
 * @timer: vni_dev.stall
 *
 * Context: timer.
 */
void vni_tx_unstall(struct timer_list *timer)
{
	struct vni_dev *vd = container_of(timer, struct vni_dev, stall);
	bool again = false;
	unsigned int i;

	rcu_read_lock_bh();
	for (i = 0; i < vd->geo.queues; i++) {
		struct vni_queue *q = &vd->queues[i];

		spin_lock(&q->lock);
		again |= look(q);
		spin_unlock(&q->lock);
	}
	rcu_read_unlock_bh();
	if (again)
		mod_timer(timer, jiffies + msecs_to_jiffies(LOOK_MS));
}
