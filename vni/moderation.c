// SPDX-License-Identifier: GPL-2.0
/*
 * When to wait for a doorbell and when to poll by timer.
 *
 * While traffic is heavy, the poll comes back after some microseconds by itself and nobody rings.
 * While it is light, or a request waits for its answer, each frame may ring. Heavy is: much within
 * a span of 2 ms, and not the pattern of question and answer, which is small frames, few at a time,
 * about as many each way.
 *
 * A stream of small writes looks the same: a frame, its acknowledgement, the next frame. But there
 * each acknowledgement interrupts a program that goes on writing, and it is the interrupt that
 * sends what was written meanwhile. Who waits for an answer sends from the program, and while he
 * waits he does not run. So frames that leave in an interrupt of a program tell of a stream.
 *
 * A poll costs a timer's interrupt, and whom it interrupts his time. On a processor that nobody
 * wants it costs nobody anything, and who sleeps there may be waiting for just what comes next: a
 * stream whose window is small is as fast as both ends are quick. So there polls follow each other
 * without a pause while frames come, and if frames are large, also as soon as the processor is
 * free, and at short distances. Smaller ones are better taken in together: each time that their
 * reader runs dry he sends an acknowledgement, and these cost the sender more than he gains.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/stat.h>

#include "vni.h"

#define SPAN_NS	     (2 * NSEC_PER_MSEC)
#define HEAVY_BYTES  32768
#define HEAVY_FRAMES 8
#define LARGE_FRAME  4096  /* bytes a frame on average: no question is that large */
#define HUGE_FRAME   16384 /* so large that nothing is gained by taking several together */
#define MANY_AT_ONCE 4
#define MUCH_AT_ONCE 16
#define ONE_SIDED    4 /* times as many frames one way as the other */
#define SOON	     8 /* on a free processor a poll comes that many times sooner */
#define GATHER	     4 /* ... if it has just become free and frames are not huge */
#define PUSHED	     4 /* frames that left in interrupts of programs; 1 for it to stay heavy */

static bool span_is_heavy(const struct vni_moderation *mod, u32 tx_frames, u64 tx_bytes,
			  u32 tx_pushed)
{
	u64 bytes = mod->rx_bytes + tx_bytes;
	u32 frames = mod->rx_frames + tx_frames;

	if (tx_pushed >= (mod->heavy ? 1 : PUSHED))
		return true;
	if (bytes < HEAVY_BYTES && frames < HEAVY_FRAMES)
		return false;
	return bytes > (u64)LARGE_FRAME * frames || mod->most >= MANY_AT_ONCE ||
	       mod->rx_frames > ONE_SIDED * tx_frames || tx_frames > ONE_SIDED * mod->rx_frames;
}

/**
 * vni_moderation_pushes() - does a frame that is sent now interrupt a program
 *
 * Context: any but hard interrupt.
 * Return: true if it leaves because of a frame that came in, or of a timer, while a program ran.
 */
bool vni_moderation_pushes(void)
{
	return in_serving_softirq() && !(current->flags & PF_KTHREAD);
}

/**
 * vni_moderation_note() - count what a poll received
 * @q: the queue
 * @frames: how many
 * @bytes: how many
 *
 * Context: NAPI.
 */
void vni_moderation_note(struct vni_queue *q, u32 frames, u64 bytes)
{
	q->mod.rx_frames += frames;
	q->mod.found += frames;
	q->mod.rx_bytes += bytes;
	q->mod.most = max(q->mod.most, frames);
}

/* Does nobody else want this processor? The idle task has it, or a kernel thread, alone. */
static bool processor_is_free(void)
{
	if (is_idle_task(current))
		return !need_resched();
	return current->flags & PF_KTHREAD && single_task_running();
}

/**
 * vni_moderation_heavy() - should the next poll come by timer
 * @q: the queue
 * @frames: how many the poll that ends now has received
 *
 * Context: NAPI.
 * Return: true to poll again after vni_moderation_wait(), false to wait for a doorbell.
 */
bool vni_moderation_heavy(struct vni_queue *q, u32 frames)
{
	struct vni_moderation *mod = &q->mod;
	u32 tx_frames = READ_ONCE(q->tx_frames) - mod->tx_frames_before;
	u32 tx_pushed = READ_ONCE(q->tx_pushed) - mod->tx_pushed_before;
	u64 tx_bytes = READ_ONCE(q->tx_bytes) - mod->tx_bytes_before;
	u32 usecs = READ_ONCE(q->vd->rx_usecs);
	bool heavy = span_is_heavy(mod, tx_frames, tx_bytes, tx_pushed);
	u64 now = ktime_get_ns();

	mod->now = now;
	if (now - mod->since > SPAN_NS) {
		WRITE_ONCE(mod->heavy, heavy);
		WRITE_ONCE(mod->mean,
			   div64_u64(mod->rx_bytes + tx_bytes, mod->rx_frames + tx_frames ?: 1));
		mod->since = now;
		mod->rx_frames = 0;
		mod->rx_bytes = 0;
		mod->most = 0;
		mod->tx_frames_before += tx_frames;
		mod->tx_pushed_before += tx_pushed;
		mod->tx_bytes_before += tx_bytes;
	} else if (heavy) {
		WRITE_ONCE(mod->heavy, true);
	}
	return usecs && (mod->heavy || (!READ_ONCE(q->vd->adaptive) && frames));
}

/**
 * vni_moderation_spin() - should the poll go on at once though there is nothing left
 * @q: the queue, whose traffic is heavy
 * @frames: how many the poll that ends now has received
 *
 * The next frame of a stream comes sooner than any interrupt could tell of it. So the poll stays
 * for as long as it would else be away, unless the processor is wanted by somebody.
 *
 * Context: NAPI.
 */
bool vni_moderation_spin(struct vni_queue *q, u32 frames)
{
	u64 now;

	if (!processor_is_free())
		return false;
	now = ktime_get_ns();
	if (frames)
		q->mod.spin_until = now + (u64)READ_ONCE(q->vd->rx_usecs) * NSEC_PER_USEC;
	return now < q->mod.spin_until;
}

/**
 * vni_moderation_small() - are frames so small that it pays to take several at once
 * @q: the queue
 *
 * Context: NAPI.
 */
bool vni_moderation_small(const struct vni_queue *q)
{
	return q->mod.mean <= LARGE_FRAME;
}

/* Nobody is kept from anything: soon after frames, and ever later, up to the set distance. */
static u32 next_usecs_free(u32 before, u32 set, u32 frames)
{
	u32 least = max(set / SOON, 1U);

	return frames ? least : clamp(2 * before, least, set);
}

/*
 * Polls that find little come less often, up to four times the set distance, and those that find
 * nothing up to eight times. One that finds much comes sooner.
 */
static u32 next_usecs(u32 before, u32 set, u32 frames)
{
	if (frames >= MUCH_AT_ONCE || !before)
		return max(before / 2, set);
	if (frames >= MANY_AT_ONCE)
		return max(before, set);
	if (!frames)
		return clamp(2 * before, set, 8 * set);
	return clamp(before + before / 2, set, max(4 * set, before));
}

/**
 * vni_moderation_wait() - when to poll again: vni_moderation.usecs
 * @q: the queue, whose traffic is heavy; the poll ends
 *
 * Context: NAPI.
 * Return: true if it should be sooner once nobody else wants this processor.
 */
bool vni_moderation_wait(struct vni_queue *q)
{
	struct vni_moderation *mod = &q->mod;
	u32 set = READ_ONCE(q->vd->rx_usecs);
	bool free = processor_is_free();

	if (!free)
		mod->usecs = next_usecs(mod->usecs, set, mod->found);
	else if (mod->mean > LARGE_FRAME)
		mod->usecs = next_usecs_free(mod->usecs, set, mod->found);
	else
		mod->usecs = set;
	mod->found = 0;
	return mod->mean > LARGE_FRAME && !free;
}

/**
 * vni_moderation_gather() - the processor is free now: how long to wait for frames to come together
 * @q: the queue, whose traffic is heavy
 *
 * Context: any; an old value does no harm.
 * Return: microseconds, 0: not at all.
 */
u32 vni_moderation_gather(const struct vni_queue *q)
{
	return READ_ONCE(q->mod.mean) > HUGE_FRAME ? 0 : READ_ONCE(q->vd->rx_usecs) / GATHER;
}
