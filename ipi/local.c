// SPDX-License-Identifier: GPL-2.0
/*
 * Doorbells between two nodes of one kernel: the handler runs on another processor, by an
 * inter-processor interrupt of the kernel's own. Where there is one processor only it runs at once,
 * with interrupts off.
 *
 * Both ends live in one hub, which goes with the later of them; so a ring may come at any time
 * until the ringing end is freed.
 */
#include <linux/bottom_half.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/topology.h>

#include "vni_doorbell.h"

#define LOCAL_ENDS 2

/*
 * Who sets rung queues csd, which nobody else touches until the handler has cleared rung again: so
 * a ring that finds it set is one that the handler has not begun to serve. lock keeps the handler
 * from running twice at once, and after its release.
 */
struct local_bell {
	call_single_data_t csd;
	atomic_t rung;
	unsigned int cpu; /* where it runs, unless that is the ringing processor */
	raw_spinlock_t lock;
	vni_bell_handler handler; /* under lock; NULL: nobody listens */
	void *data;
};

struct local_end {
	struct vni_doorbells db;
	struct local_hub *hub;
	unsigned int seat;
	struct local_bell bells[VNI_DOORBELLS];
};

struct local_hub {
	refcount_t users;
	struct local_end ends[LOCAL_ENDS];
};

static struct local_end *to_end(struct vni_doorbells *db)
{
	return container_of(db, struct local_end, db);
}

static void local_run(void *data)
{
	struct local_bell *bell = data;
	unsigned long flags;

	raw_spin_lock_irqsave(&bell->lock, flags);
	/* fully ordered, as in local_ring(): who rings from here on is served by another run */
	atomic_xchg(&bell->rung, 0);
	if (bell->handler)
		bell->handler(bell->data);
	raw_spin_unlock_irqrestore(&bell->lock, flags);
}

/* A hot spot is spared: the two ends, and the queues of each, start on processors of their own. */
static int local_request(struct vni_doorbells *db, unsigned int index, vni_bell_handler handler,
			 void *data)
{
	struct local_end *end = to_end(db);
	struct local_bell *bell = &end->bells[index];
	unsigned int spread = (index ? index - 1 : 0) * LOCAL_ENDS + end->seat;

	raw_spin_lock_irq(&bell->lock);
	bell->cpu = cpumask_local_spread(spread, NUMA_NO_NODE);
	bell->data = data;
	bell->handler = handler;
	raw_spin_unlock_irq(&bell->lock);
	return 0;
}

static void local_release(struct vni_doorbells *db, unsigned int index)
{
	struct local_bell *bell = &to_end(db)->bells[index];

	raw_spin_lock_irq(&bell->lock);
	bell->handler = NULL;
	raw_spin_unlock_irq(&bell->lock);
}

static void local_describe(struct vni_doorbells *db, unsigned int index,
			   struct vni_bell_target *out)
{
	struct local_end *end = to_end(db);

	*out = (struct vni_bell_target){
		.kind = VNI_DOORBELL_LOCAL,
		.target = end->seat,
		.data = index,
	};
}

static int local_check(struct vni_doorbells *db, const struct vni_bell_target *target)
{
	if (target->kind != VNI_DOORBELL_LOCAL || target->target >= LOCAL_ENDS ||
	    target->target == to_end(db)->seat || target->data >= VNI_DOORBELLS)
		return -EPROTO;
	return 0;
}

static unsigned int next_cpu(unsigned int cpu)
{
	cpu = cpumask_next(cpu, cpu_online_mask);
	return cpu < nr_cpu_ids ? cpu : cpumask_first(cpu_online_mask);
}

/* Preemption is off, so a processor that is online now can still be reached. */
static unsigned int other_cpu(unsigned int cpu)
{
	unsigned int self = smp_processor_id();

	if (!cpu_online(cpu))
		cpu = next_cpu(cpu);
	return cpu == self ? next_cpu(cpu) : cpu;
}

static void local_ring(struct vni_doorbells *db, const struct vni_bell_target *target)
{
	struct local_bell *bell = &to_end(db)->hub->ends[target->target].bells[target->data];
	/* a soft interrupt that the handler raises on this processor must find an end to run at */
	bool task = !in_interrupt() && !irqs_disabled();

	/* fully ordered: what the ringing end has written before, the handler's run sees */
	if (atomic_xchg(&bell->rung, 1))
		return;
	if (task)
		local_bh_disable();
	preempt_disable();
	if (smp_call_function_single_async(other_cpu(READ_ONCE(bell->cpu)), &bell->csd))
		atomic_set(&bell->rung, 0);
	preempt_enable();
	if (task)
		local_bh_enable();
}

/* A bell that was rung at a closed end is still on its way to some processor. */
static void hub_free(struct local_hub *hub)
{
	unsigned int i;

	for (i = 0; i < LOCAL_ENDS * VNI_DOORBELLS; i++) {
		struct local_bell *bell = &hub->ends[i / VNI_DOORBELLS].bells[i % VNI_DOORBELLS];

		while (atomic_read(&bell->rung))
			usleep_range(20, 100);
		/* and local_run() holds this until its last use of the bell */
		raw_spin_lock_irq(&bell->lock);
		raw_spin_unlock_irq(&bell->lock);
	}
	kvfree(hub);
}

static void local_free(struct vni_doorbells *db)
{
	struct local_hub *hub = to_end(db)->hub;

	if (refcount_dec_and_test(&hub->users))
		hub_free(hub);
}

static const struct vni_doorbells_ops local_ops = {
	.name = "local IPI",
	.request = local_request,
	.release = local_release,
	.describe = local_describe,
	.check = local_check,
	.ring = local_ring,
	.free = local_free,
};

int vni_local_doorbells(struct vni_doorbells *ends[2])
{
	struct local_hub *hub = kvzalloc(sizeof(*hub), GFP_KERNEL_ACCOUNT);
	unsigned int seat, i;

	if (!hub)
		return -ENOMEM;
	refcount_set(&hub->users, LOCAL_ENDS);
	for (seat = 0; seat < LOCAL_ENDS; seat++) {
		struct local_end *end = &hub->ends[seat];

		end->db.ops = &local_ops;
		end->hub = hub;
		end->seat = seat;
		for (i = 0; i < VNI_DOORBELLS; i++) {
			raw_spin_lock_init(&end->bells[i].lock);
			INIT_CSD(&end->bells[i].csd, local_run, &end->bells[i]);
		}
		ends[seat] = &end->db;
	}
	return 0;
}
