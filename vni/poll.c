// SPDX-License-Identifier: GPL-2.0
/* The doorbell's handler, the timer that stands in for it, and the NAPI poll that both start. */
#include "vni.h"

/**
 * vni_bell() - the doorbell of a queue was rung (step 6: the interrupt calls the receive handler)
 * @data: the queue
 *
 * Context: hard interrupt.
 * Return: true if the last poll had something to do and may not come again by itself.
 */
bool vni_bell(void *data)
{
	struct vni_queue *q = data;

	atomic64_inc(&q->bells_seen);
	napi_schedule(&q->napi);
	return READ_ONCE(q->found);
}

/**
 * vni_timer() - heavy traffic: poll without being rung
 * @timer: vni_queue.timer
 *
 * Context: soft interrupt.
 */
enum hrtimer_restart vni_timer(struct hrtimer *timer)
{
	struct vni_queue *q = container_of(timer, struct vni_queue, timer);

	napi_schedule(&q->napi);
	return HRTIMER_NORESTART;
}

/**
 * vni_poll_later() - have a queue polled by timer, instead of when it was to be before
 * @q: the queue
 * @usecs: microseconds until then
 *
 * Context: any but hard interrupt; the timer is this processor's.
 */
void vni_poll_later(struct vni_queue *q, u32 usecs)
{
	hrtimer_start(&q->timer, ns_to_ktime((u64)usecs * NSEC_PER_USEC),
		      HRTIMER_MODE_REL_PINNED_SOFT);
}

/* While loans are out and nothing else polls, they are looked at so often, in jiffies. */
#define REAP_WAIT_MIN 1
#define REAP_WAIT_MAX (HZ / 10)

/**
 * vni_reaper() - look whether frames in a peer's own pages can be given back
 * @timer: vni_queue.reaper
 *
 * Context: soft interrupt.
 */
void vni_reaper(struct timer_list *timer)
{
	struct vni_queue *q = container_of(timer, struct vni_queue, reaper);

	if (q->reap_wait >= REAP_WAIT_MAX)
		vni_loans_flush();
	napi_schedule(&q->napi);
}

/* A poll is about to end: who reads slowly is looked at ever more rarely. */
static void reap_later(struct vni_queue *q, int work)
{
	if (!q->loans_out)
		return;
	q->loans_out = false;
	q->reap_wait = work ? REAP_WAIT_MIN : min_t(unsigned long, 2 * q->reap_wait, REAP_WAIT_MAX);
	mod_timer(&q->reaper, jiffies + max(q->reap_wait, 1UL));
}

/* The turn goes round: who fills a poll alone is the last one in the next. */
static int poll_conns(struct vni_queue *q, int budget)
{
	u64 left = READ_ONCE(q->vd->up);
	unsigned int seat = q->poll_turn;
	int work = 0;

	for (; left && work < budget; left &= ~BIT_ULL(seat), seat++) {
		struct vni_conn *conn;

		seat = vni_next_seat(left, seat);
		conn = rcu_dereference_bh(q->vd->conns[seat]);
		if (conn && q->index < conn->queues)
			work += vni_rx_pipe(q, conn, budget - work);
	}
	q->poll_turn = seat % VNI_SEATS_MAX;
	return work;
}

/* Let all peers see what this poll, and lazy ones before, have consumed. */
static void publish_conns(struct vni_queue *q)
{
	u64 left;

	for (left = READ_ONCE(q->vd->up); left; left &= left - 1) {
		struct vni_conn *conn = rcu_dereference_bh(q->vd->conns[__ffs64(left)]);

		if (conn && q->index < conn->queues)
			vni_rx_publish(q, conn);
	}
}

/* Somebody polls: doorbells that were asked for are not needed any more. */
static void disarm_conns(struct vni_queue *q)
{
	u64 left;

	if (!q->asleep)
		return;
	q->asleep = false;
	for (left = READ_ONCE(q->vd->up); left; left &= left - 1) {
		struct vni_pipe *pipe = vni_pipe_of(q, __ffs64(left));

		if (pipe)
			vni_ring_disarm(&pipe->rx);
	}
}

/* Ask every peer for a doorbell at the next frame. True if there is one already. */
static bool arm_conns(struct vni_queue *q)
{
	u64 left = READ_ONCE(q->vd->up);
	bool more = false;

	q->asleep = true;
	for (; left; left &= left - 1) {
		struct vni_pipe *pipe = vni_pipe_of(q, __ffs64(left));
		struct vni_ring *rx;

		if (!pipe)
			continue;
		rx = &pipe->rx;
		more |= rx->theirs != rx->mine || vni_ring_arm(rx, 0);
	}
	return more;
}

static void count(struct vni_queue *q, bool timer, bool busy)
{
	u64_stats_update_begin(&q->rx.sync);
	u64_stats_add(&q->rx.bytes, q->now.bytes);
	u64_stats_add(&q->rx.frames, q->now.frames);
	u64_stats_add(&q->rx.inline_frames, q->now.inline_frames);
	u64_stats_add(&q->rx.direct_frames, q->now.direct_frames);
	u64_stats_add(&q->rx.loan_copies, q->now.loan_copies);
	u64_stats_add(&q->rx.lent_frames, q->now.lent_frames);
	u64_stats_add(&q->rx.bells_rung, q->now.bells_rung);
	u64_stats_add(&q->rx.no_memory, q->now.no_memory);
	u64_stats_add(&q->rx.bad_frame, q->now.bad_frame);
	u64_stats_add(&q->rx.stale, q->now.stale);
	u64_stats_inc(&q->rx.polls);
	u64_stats_add(&q->rx.timer_polls, timer);
	u64_stats_add(&q->rx.busy_frames, busy ? q->now.frames : 0);
	vni_xdp_count(q);
	u64_stats_update_end(&q->rx.sync);
	memset(&q->now, 0, sizeof(q->now));
}

/*
 * A socket polls us (busy polling), or the thread of idle.c in its place: it comes again at once,
 * so nobody needs to ring, and a doorbell would only interrupt it. Before it stops it has us polled
 * once more without this mark.
 */
static bool polled_by_socket(const struct napi_struct *napi)
{
	return test_bit(NAPI_STATE_IN_BUSY_POLL, &napi->state);
}

/*
 * Will the completion leave the next poll to NAPI's own timer (napi_defer_hard_irqs and
 * gro_flush_timeout, or a socket with SO_PREFER_BUSY_POLL)? Then no doorbell is asked for. It has
 * to be known before, and the settings may change in between: see complete_poll().
 */
static bool completes_by_timer(const struct napi_struct *napi, int work)
{
	const struct net_device *ndev = napi->dev;

	return READ_ONCE(ndev->gro_flush_timeout) &&
	       (work ? READ_ONCE(ndev->napi_defer_hard_irqs) : napi->defer_hard_irqs_count) > 0;
}

/* The end of a poll for which all was done that has to be; @later as completes_by_timer() said. */
static void complete_poll(struct napi_struct *napi, int work, bool later)
{
	if (napi_complete_done(napi, work) && later)
		napi_schedule(napi);
}

/* The same under heavy traffic. */
static void complete_heavy_poll(struct vni_queue *q, int work)
{
	bool busy = vni_moderation_wait(q);

	vni_poll_later(q, q->mod.usecs);
	complete_poll(&q->napi, work, false);
	/* after the completion: that thread may be on another processor, and poll at once */
	if (busy)
		vni_idle_take_over(q);
}

/**
 * vni_poll() - receive, take back what was lent, wake senders
 * @napi: vni_queue.napi
 * @budget: frames at most; 0: only the transmit side
 *
 * Context: NAPI.
 * Return: frames received, or @budget if there may be more.
 */
int vni_poll(struct napi_struct *napi, int budget)
{
	struct vni_queue *q = container_of(napi, struct vni_queue, napi);
	bool heavy, again, later, spins, stays = polled_by_socket(napi);
	int work;

	if (!budget) {
		vni_tx_service(q, q->polled);
		return 0;
	}
	if (stays)
		disarm_conns(q);
	vni_xdp_begin(q);
	work = poll_conns(q, budget);
	vni_xdp_end(q);
	vni_moderation_note(q, q->now.frames, q->now.bytes);
	heavy = vni_moderation_heavy(q, work);
	if (work && !heavy)
		vni_idle_note(q, stays);
	spins = heavy && !stays && vni_moderation_spin(q, work);
	again = work == budget || spins;
	vni_tx_service(q, heavy || again || stays);
	again |= vni_xsk_poll(q);
	if (!spins || !work)
		publish_conns(q);
	q->lazy = spins && vni_moderation_small(q);
	count(q, heavy && !again && !stays, stays || current == q->idle.task);
	/* under heavy traffic the poll comes by itself */
	WRITE_ONCE(q->found, !heavy && !stays && (work || vni_tx_limited(q)));
	if (stays)
		return work;
	later = !heavy && completes_by_timer(napi, work);
	/*
	 * All before the completion, after which a poll may run on another processor. A doorbell
	 * that comes in between is not lost: NAPI notes it and polls again.
	 */
	if (again || (!heavy && !later && arm_conns(q)))
		return budget;
	if (heavy) {
		complete_heavy_poll(q, work);
		return work;
	}
	reap_later(q, work);
	complete_poll(napi, work, later);
	return work;
}
