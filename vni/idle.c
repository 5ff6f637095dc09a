// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting for the next frame on a processor that has nothing else to do.
 *
 * Under light traffic an answer often comes sooner than a processor that has gone to sleep could be
 * woken for it. The poll that a doorbell starts cannot wait for it: it has just woken the program
 * that is to read and to ask again. So a thread of the policy SCHED_IDLE does, once all others
 * sleep: it polls the queue as a socket that polls would, no doorbell is asked for meanwhile, and
 * who wants the processor has it at once, after a doorbell was asked for.
 *
 * It is woken when frames have come, and waits for as long as a poll by timer would be away
 * (rx-usecs). Whether that pays is measured. A frame that comes in time pays for PAID_NS of waiting
 * in vain. Who has not earned what he lost rests for REST times that long, and for twice as long
 * after each such loss in a row (up to REST_MAX_NS): so at most 1/REST of the time is lost, and
 * less where frames keep coming too late. Time in which this thread ran no code although nobody
 * here took the processor from it was another machine's, which may be just the one that was to
 * answer: a frame that comes after that counts as late. A queue without frames costs nothing.
 *
 * Under heavy traffic, when polls come by timer, the thread starts one as soon as nobody else wants
 * the processor: the program that the last poll interrupted, or woke, may now be waiting for the
 * next frame, and the timer is set for one who is not. How long that poll goes on, and when the
 * next comes, is moderation.c's affair.
 */
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/sched/stat.h>
#include <net/busy_poll.h>
#include <uapi/linux/sched/types.h>

#include "vni.h"

/* Not on a real-time kernel: there the thread could lose the processor while it holds the poll. */
#if defined(CONFIG_NET_RX_BUSY_POLL) && !defined(CONFIG_PREEMPT_RT)

#define PAID_NS	    (10 * NSEC_PER_USEC) /* about what a doorbell and a sleep cost */
#define CREDIT_MAX  (5 * NSEC_PER_MSEC)	 /* earned, at most */
#define REST	    32
#define REST_MAX_NS (300 * NSEC_PER_MSEC) /* doubled no further */
#define DOUBLE_MAX  6			  /* times that a rest is doubled */
#define BREATH_NS   NSEC_PER_MSEC	  /* RCU and others that wait for the thread hear of it */

static u64 patience(const struct vni_queue *q)
{
	return READ_ONCE(q->vd->adaptive) ? (u64)READ_ONCE(q->vd->rx_usecs) * NSEC_PER_USEC : 0;
}

/* Is the wait over? Its time runs while this thread has the processor. Between two polls. */
static bool wait_over(struct vni_queue *q, u64 now)
{
	struct vni_idle *idle = &q->idle;
	unsigned long switches = current->nvcsw + current->nivcsw;

	if (switches == idle->switches)
		idle->lost += now - idle->last;
	idle->switches = switches;
	idle->last = now;
	if (idle->lost >= patience(q) || kthread_should_stop())
		return true;
	if (idle->caught) {
		idle->credit = min_t(u64, idle->credit + PAID_NS, CREDIT_MAX);
		idle->lost = 0;
	}
	idle->caught = false;
	return false;
}

static bool pause_now(void *data, unsigned long start)
{
	struct vni_queue *q = data;
	u64 now = ktime_get_ns();

	q->idle.over = wait_over(q, now);
	return q->idle.over || now >= q->idle.breath;
}

/* What was lost at the end is paid for, or there is a rest. */
static void settle(struct vni_idle *idle)
{
	u64 rest = idle->lost * REST;

	if (idle->credit >= idle->lost) {
		idle->credit -= idle->lost;
		idle->losses = 0;
		return;
	}
	idle->credit = 0;
	if (rest < REST_MAX_NS)
		rest = min_t(u64, rest << idle->losses, REST_MAX_NS);
	WRITE_ONCE(idle->rest_until, idle->last + rest);
	idle->losses = min(idle->losses + 1, DOUBLE_MAX);
}

static void wait_for_frames(struct vni_queue *q)
{
	struct vni_idle *idle = &q->idle;

	idle->lost = 0;
	idle->caught = false;
	idle->last = ktime_get_ns();
	idle->switches = current->nvcsw + current->nivcsw;
	do {
		idle->breath = ktime_get_ns() + BREATH_NS;
		napi_busy_loop(q->napi.napi_id, pause_now, q, false, NAPI_POLL_WEIGHT);
		cond_resched();
	} while (!idle->over);
	settle(idle);
}

/*
 * Where the queue is polled this thread is to wait: on any other processor it would not hear when
 * that one is free, and would take one more into use, which another machine may need.
 */
static void go_to(struct vni_idle *idle, int cpu)
{
	if (cpumask_equal(current->cpus_ptr, cpumask_of(cpu)))
		return;
	if (!idle->bound)
		cpumask_copy(&idle->cpus, current->cpus_ptr);
	if (!set_cpus_allowed_ptr(current, cpumask_of(cpu)))
		idle->bound = true;
}

/* Under light traffic any will do, of those that somebody may have chosen. */
static void go_anywhere(struct vni_idle *idle)
{
	if (idle->bound && cpumask_weight(current->cpus_ptr) == 1)
		set_cpus_allowed_ptr(current, &idle->cpus);
	idle->bound = false;
}

/* Traffic is heavy: poll once nobody else wants the processor. */
static void take_over(struct vni_queue *q)
{
	u32 usecs;

	go_to(&q->idle, READ_ONCE(q->idle.cpu));
	/* the policy alone lets this thread have its small share while others run */
	while (READ_ONCE(q->mod.heavy) && !single_task_running() && !kthread_should_stop())
		yield();
	/* the poll may ask for this anew */
	WRITE_ONCE(q->idle.wanted, false);
	usecs = vni_moderation_gather(q);
	if (usecs) {
		vni_poll_later(q, usecs);
		return;
	}
	local_bh_disable();
	napi_schedule(&q->napi);
	local_bh_enable();
}

static int idle_thread(void *data)
{
	struct vni_queue *q = data;

	while (!kthread_should_stop()) {
		set_current_state(TASK_IDLE);
		if (!READ_ONCE(q->idle.wanted) && !kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
		if (!READ_ONCE(q->idle.wanted))
			continue;
		if (READ_ONCE(q->mod.heavy)) {
			take_over(q);
			continue;
		}
		go_anywhere(&q->idle);
		wait_for_frames(q);
		WRITE_ONCE(q->idle.wanted, false);
	}
	return 0;
}

static void want(struct vni_idle *idle, struct task_struct *task)
{
	WRITE_ONCE(idle->wanted, true);
	wake_up_process(task);
}

/**
 * vni_idle_note() - frames have come: more may
 * @q: the queue
 * @stays: they were found by a poll of the thread or of a socket, which comes again at once
 *
 * Context: NAPI, after vni_moderation_heavy().
 */
void vni_idle_note(struct vni_queue *q, bool stays)
{
	struct vni_idle *idle = &q->idle;

	if (!idle->task)
		return;
	if (stays) {
		if (current == idle->task)
			idle->caught = true;
		return;
	}
	if (READ_ONCE(idle->wanted) || !patience(q) || q->mod.now < READ_ONCE(idle->rest_until))
		return;
	want(idle, idle->task);
}

/**
 * vni_idle_take_over() - a poll under heavy traffic has ended on a processor that others want: poll
 * again when they do not
 * @q: the queue, whose next poll comes by timer in any case
 *
 * Context: soft interrupt, after the poll's completion.
 */
void vni_idle_take_over(struct vni_queue *q)
{
	struct vni_idle *idle = &q->idle;
	/* vni_idle_close() may be under way; a task's memory stays for a grace period of RCU */
	struct task_struct *task = READ_ONCE(idle->task);

	if (!task || READ_ONCE(idle->wanted) || !patience(q))
		return;
	WRITE_ONCE(idle->cpu, smp_processor_id());
	want(idle, task);
}

/**
 * vni_idle_open() - make a queue's thread
 * @q: the queue, whose NAPI is disabled
 *
 * Without one, frames come by doorbell only: no reason not to open the device. Both ends of a pair
 * are in this kernel: who would send has the processor or wants it.
 *
 * Context: process, may sleep.
 */
void vni_idle_open(struct vni_queue *q)
{
	static const struct sched_attr lowest = { .size = sizeof(lowest),
						  .sched_policy = SCHED_IDLE };
	struct task_struct *task;

	memset(&q->idle, 0, sizeof(q->idle));
	if (q->vd->pair)
		return;
	task = kthread_create(idle_thread, q, "%s-idle%u", q->vd->ndev->name, q->index);
	if (IS_ERR(task)) {
		netdev_warn(q->vd->ndev, "no thread to wait for frames: %ld\n", PTR_ERR(task));
		return;
	}
	if (sched_setattr_nocheck(task, &lowest)) {
		kthread_stop(task);
		return;
	}
	q->idle.task = task;
	wake_up_process(task);
}

/**
 * vni_idle_close() - end it
 * @q: the queue, whose NAPI is disabled
 *
 * Context: process, may sleep.
 */
void vni_idle_close(struct vni_queue *q)
{
	if (q->idle.task)
		kthread_stop(q->idle.task);
	WRITE_ONCE(q->idle.task, NULL);
}

#else

void vni_idle_note(struct vni_queue *q, bool stays)
{
}

void vni_idle_take_over(struct vni_queue *q)
{
}

void vni_idle_open(struct vni_queue *q)
{
}

void vni_idle_close(struct vni_queue *q)
{
}

#endif
