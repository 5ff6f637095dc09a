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
 */
#include <linux/ktime.h>
#include <linux/preempt.h>
#include <linux/sched.h>

#include "vni.h"

#define SPAN_NS	     (2 * NSEC_PER_MSEC)
#define HEAVY_BYTES  32768
#define HEAVY_FRAMES 8
#define LARGE_FRAME  4096 /* bytes a frame on average: no question is that large */
#define MANY_AT_ONCE 4
#define MUCH_AT_ONCE 16
#define ONE_SIDED    4 /* times as many frames one way as the other */
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
	q->mod.rx_bytes += bytes;
	q->mod.most = max(q->mod.most, frames);
}

/*
 * A poll costs a timer's interrupt: those that find little come less often, up to four times the
 * set distance, and those that find nothing up to eight times. One that finds much comes sooner.
 * On an idle processor it takes nothing from anyone, and both ends may be waiting for each other:
 * there the distance is what is set.
 */
static u32 next_usecs(u32 before, u32 least, u32 frames)
{
	if (is_idle_task(current))
		return least;
	if (frames >= MUCH_AT_ONCE || !before)
		return max(before / 2, least);
	if (frames >= MANY_AT_ONCE)
		return max(before, least);
	if (!frames)
		return clamp(2 * before, least, 8 * least);
	return clamp(before + before / 2, least, max(4 * least, before));
}

/**
 * vni_moderation_heavy() - should the next poll come by timer
 * @q: the queue
 * @frames: how many the poll that ends now has received
 *
 * Context: NAPI.
 * Return: true to poll again after vni_moderation.usecs, false to wait for a doorbell.
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
		mod->heavy = heavy;
		mod->since = now;
		mod->rx_frames = 0;
		mod->rx_bytes = 0;
		mod->most = 0;
		mod->tx_frames_before += tx_frames;
		mod->tx_pushed_before += tx_pushed;
		mod->tx_bytes_before += tx_bytes;
	} else if (heavy) {
		mod->heavy = true;
	}
	mod->usecs = next_usecs(mod->usecs, usecs, frames);
	return usecs && (mod->heavy || (!READ_ONCE(q->vd->adaptive) && frames));
}

/**
 * vni_moderation_spin() - should the poll go on at once though there is nothing left
 * @q: the queue, whose traffic is heavy
 * @frames: how many the poll that ends now has received
 *
 * The next frame of a stream comes sooner than any interrupt could tell of it. So the poll stays
 * for as long as it would else be away, unless the processor is wanted by somebody: who was
 * interrupted for it wants it too, and only the idle task and kernel threads do not.
 *
 * Context: NAPI.
 */
bool vni_moderation_spin(struct vni_queue *q, u32 frames)
{
	u64 now;

	if (!is_idle_task(current) && !(current->flags & PF_KTHREAD))
		return false;
	now = ktime_get_ns();
	if (frames)
		q->mod.spin_until = now + (u64)READ_ONCE(q->vd->rx_usecs) * NSEC_PER_USEC;
	return now < q->mod.spin_until && !need_resched();
}
