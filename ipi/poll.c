// SPDX-License-Identifier: GPL-2.0
/*
 * Doorbells that nobody rings: a timer calls the handlers. For a device without interrupts, and, in
 * front of one that has them, for the time while a peer is there that cannot ring.
 *
 * The time between two looks is 50 us while a handler says that there was something to do, or while
 * an answer may be expected; each look in vain doubles it, up to 4 ms, and so does one that comes
 * late, because the processor has no time for it. Bell 0, by which only links come and go, is
 * looked after every 20 ms. So no wake-up is lost, but it may be 4 ms late.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "vni_doorbell.h"

#define POLL_BUSY_NS (50 * NSEC_PER_USEC)
#define POLL_IDLE_NS (4 * NSEC_PER_MSEC)
#define POLL_LINK_NS (20 * NSEC_PER_MSEC)

struct poll_bell {
	vni_bell_handler handler;
	void *data;
};

struct poll_doorbells {
	struct vni_doorbells db;
	struct vni_doorbells_ops ops; /* with the name of who rings */
	struct vni_doorbells *ringer;
	bool always;
	raw_spinlock_t lock; /* all below; the handlers run under it */
	struct poll_bell bells[VNI_DOORBELLS];
	unsigned int used;
	bool deaf;
	u64 period;	/* ns */
	ktime_t linked; /* when bell 0's handler was called last */
	struct hrtimer timer;
};

static struct poll_doorbells *to_poll(struct vni_doorbells *db)
{
	return container_of(db, struct poll_doorbells, db);
}

static bool poll_wanted(const struct poll_doorbells *pd)
{
	return pd->used && (pd->always || pd->deaf);
}

/* Start, or make the next look come sooner. Under the lock. */
static void poll_start(struct poll_doorbells *pd)
{
	pd->period = POLL_BUSY_NS;
	hrtimer_start(&pd->timer, ns_to_ktime(pd->period), HRTIMER_MODE_REL_HARD);
}

static enum hrtimer_restart poll_tick(struct hrtimer *timer)
{
	struct poll_doorbells *pd = container_of(timer, struct poll_doorbells, timer);
	ktime_t now = ktime_get();
	bool busy = false, late, again;
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&pd->lock, flags);
	again = poll_wanted(pd);
	late = ktime_to_ns(ktime_sub(now, hrtimer_get_expires(timer))) > (s64)pd->period;
	if (again && pd->bells[0].handler &&
	    ktime_to_ns(ktime_sub(now, pd->linked)) > POLL_LINK_NS) {
		pd->linked = now;
		pd->bells[0].handler(pd->bells[0].data);
	}
	for (i = 1; again && i < VNI_DOORBELLS; i++) {
		if (pd->bells[i].handler)
			busy |= pd->bells[i].handler(pd->bells[i].data);
	}
	pd->period = busy && !late ? POLL_BUSY_NS : min_t(u64, 2 * pd->period, POLL_IDLE_NS);
	/* unless it was started anew meanwhile */
	if (again && !hrtimer_is_queued(timer))
		hrtimer_forward(timer, now, ns_to_ktime(pd->period));
	else
		again = false;
	raw_spin_unlock_irqrestore(&pd->lock, flags);
	return again ? HRTIMER_RESTART : HRTIMER_NORESTART;
}

static void poll_set(struct poll_doorbells *pd, unsigned int index, vni_bell_handler handler,
		     void *data)
{
	struct poll_bell *bell = &pd->bells[index];
	unsigned long flags;

	raw_spin_lock_irqsave(&pd->lock, flags);
	pd->used += !!handler - !!bell->handler;
	bell->handler = handler;
	bell->data = data;
	if (handler && poll_wanted(pd))
		poll_start(pd);
	raw_spin_unlock_irqrestore(&pd->lock, flags);
}

static int poll_request(struct vni_doorbells *db, unsigned int index, vni_bell_handler handler,
			void *data)
{
	struct poll_doorbells *pd = to_poll(db);

	if (!pd->always) {
		int ret = pd->ringer->ops->request(pd->ringer, index, handler, data);

		if (ret)
			return ret;
	}
	poll_set(pd, index, handler, data);
	return 0;
}

static void poll_release(struct vni_doorbells *db, unsigned int index)
{
	struct poll_doorbells *pd = to_poll(db);

	poll_set(pd, index, NULL, NULL);
	if (!pd->always)
		pd->ringer->ops->release(pd->ringer, index);
}

static void poll_describe(struct vni_doorbells *db, unsigned int index, struct vni_bell_target *out)
{
	struct poll_doorbells *pd = to_poll(db);

	*out = (struct vni_bell_target){ .kind = VNI_DOORBELL_NONE };
	if (!pd->always)
		pd->ringer->ops->describe(pd->ringer, index, out);
}

static int poll_check(struct vni_doorbells *db, const struct vni_bell_target *target)
{
	struct vni_doorbells *ringer = to_poll(db)->ringer;

	return ringer ? ringer->ops->check(ringer, target) : -EOPNOTSUPP;
}

static void poll_ring(struct vni_doorbells *db, const struct vni_bell_target *target)
{
	struct vni_doorbells *ringer = to_poll(db)->ringer;

	ringer->ops->ring(ringer, target);
}

static void poll_deaf(struct vni_doorbells *db, bool deaf)
{
	struct poll_doorbells *pd = to_poll(db);
	unsigned long flags;

	if (READ_ONCE(pd->deaf) == deaf)
		return;
	raw_spin_lock_irqsave(&pd->lock, flags);
	WRITE_ONCE(pd->deaf, deaf);
	if (poll_wanted(pd))
		poll_start(pd);
	raw_spin_unlock_irqrestore(&pd->lock, flags);
	if (!pd->always && deaf)
		pr_info("a peer has no doorbell: this node polls too, every 50 us to 4 ms\n");
}

static void poll_hurry(struct vni_doorbells *db)
{
	struct poll_doorbells *pd = to_poll(db);
	unsigned long flags;

	/* the next look is soon enough */
	if (READ_ONCE(pd->period) <= 2 * POLL_BUSY_NS)
		return;
	raw_spin_lock_irqsave(&pd->lock, flags);
	if (poll_wanted(pd))
		poll_start(pd);
	raw_spin_unlock_irqrestore(&pd->lock, flags);
}

static void poll_free(struct vni_doorbells *db)
{
	struct poll_doorbells *pd = to_poll(db);

	hrtimer_cancel(&pd->timer);
	if (pd->ringer)
		pd->ringer->ops->free(pd->ringer);
	kfree(pd);
}

static const struct vni_doorbells_ops poll_ops = {
	.request = poll_request,
	.release = poll_release,
	.describe = poll_describe,
	.check = poll_check,
	.ring = poll_ring,
	.deaf = poll_deaf,
	.hurry = poll_hurry,
	.free = poll_free,
};

struct vni_doorbells *vni_poll_doorbells(struct vni_doorbells *ringer, bool always)
{
	struct poll_doorbells *pd = kzalloc(sizeof(*pd), GFP_KERNEL);

	if (!pd) {
		if (ringer)
			ringer->ops->free(ringer);
		return ERR_PTR(-ENOMEM);
	}
	pd->ops = poll_ops;
	pd->ops.name = always ? "none, polls every 50 us to 4 ms" : ringer->ops->name;
	pd->db.ops = &pd->ops;
	pd->ringer = ringer;
	pd->always = always;
	raw_spin_lock_init(&pd->lock);
	hrtimer_init(&pd->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	pd->timer.function = poll_tick;
	return &pd->db;
}
