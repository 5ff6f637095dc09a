// SPDX-License-Identifier: GPL-2.0
/*
 * Doorbells by the local APIC: a node takes ordinary device interrupts from the kernel's vector
 * allocator, tells the others {APIC id, vector}, and they write that into their interrupt command
 * register. No hypervisor, no device: the cores of one machine reach each other's APIC directly.
 */
#include <linux/cpu.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/slab.h>
#include <asm/apic.h>
#include <asm/hw_irq.h>
#include <asm/irqdomain.h>
#include <asm/smp.h>

#include "vni_doorbell.h"

/* Interrupt numbers are asked for above those of the ISA, which x86 treats in a way of its own. */
#define LAPIC_VIRQ_FIRST 64
#define LAPIC_VIRQ_LAST	 1024

/* Vectors that Linux gives to devices; the others mean something else to a target. */
#define LAPIC_VECTOR_FIRST 0x20
#define LAPIC_VECTOR_LAST  0xea

struct lapic_bell {
	struct lapic_doorbells *parent;
	int virq;
	vni_bell_handler handler;
	void *data;
	char name[24];
};

struct lapic_doorbells {
	struct vni_doorbells db;
	struct fwnode_handle *fwnode;
	struct irq_domain *domain;
	struct lapic_bell bells[VNI_DOORBELLS];
};

static struct lapic_doorbells *to_lapic(struct vni_doorbells *db)
{
	return container_of(db, struct lapic_doorbells, db);
}

/*
 * The parent moves the vector; afterwards the window must show the new place. The old vector is
 * still served until the first interrupt comes by the new one.
 */
static int lapic_set_affinity(struct irq_data *data, const struct cpumask *dest, bool force)
{
	struct lapic_bell *bell = irq_data_get_irq_chip_data(data);
	int ret = irq_chip_set_affinity_parent(data, dest, force);

	if (ret >= 0 && bell->parent->db.moved)
		bell->parent->db.moved(bell->parent->db.moved_data);
	return ret;
}

static struct irq_chip lapic_chip = {
	.name = "VNI-IPI",
	.irq_ack = irq_chip_ack_parent,
	.irq_set_affinity = lapic_set_affinity,
	.irq_retrigger = irq_chip_retrigger_hierarchy,
	.flags = IRQCHIP_SKIP_SET_WAKE,
};

static int lapic_domain_alloc(struct irq_domain *domain, unsigned int virq, unsigned int nr,
			      void *arg)
{
	struct irq_alloc_info *info = arg;
	int ret = irq_domain_alloc_irqs_parent(domain, virq, nr, arg);

	if (ret)
		return ret;
	irq_domain_set_info(domain, virq, info->hwirq, &lapic_chip, info->data, handle_edge_irq,
			    NULL, NULL);
	return 0;
}

static const struct irq_domain_ops lapic_domain_ops = {
	.alloc = lapic_domain_alloc,
	.free = irq_domain_free_irqs_common,
};

static irqreturn_t lapic_interrupt(int irq, void *data)
{
	struct lapic_bell *bell = data;

	bell->handler(bell->data);
	return IRQ_HANDLED;
}

static int lapic_alloc_virq(struct lapic_doorbells *lp, struct irq_alloc_info *info)
{
	int base, virq;

	for (base = LAPIC_VIRQ_FIRST; base < LAPIC_VIRQ_LAST; base++) {
		virq = __irq_domain_alloc_irqs(lp->domain, base, 1, NUMA_NO_NODE, info, false,
					       NULL);
		if (virq != -EEXIST)
			return virq;
	}
	return -ENOSPC;
}

static int lapic_request(struct vni_doorbells *db, unsigned int index, vni_bell_handler handler,
			 void *data)
{
	struct lapic_doorbells *lp = to_lapic(db);
	struct lapic_bell *bell = &lp->bells[index];
	struct irq_alloc_info info = {
		.hwirq = index,
		.mask = cpu_online_mask,
		.data = bell,
	};
	int ret;

	bell->parent = lp;
	bell->handler = handler;
	bell->data = data;
	snprintf(bell->name, sizeof(bell->name), "vni-bell%u", index);
	bell->virq = lapic_alloc_virq(lp, &info);
	if (bell->virq < 0)
		return bell->virq;
	ret = request_irq(bell->virq, lapic_interrupt, 0, bell->name, bell);
	if (ret) {
		irq_dispose_mapping(bell->virq);
		bell->virq = 0;
	}
	return ret;
}

static void lapic_release(struct vni_doorbells *db, unsigned int index)
{
	struct lapic_bell *bell = &to_lapic(db)->bells[index];

	free_irq(bell->virq, bell);
	irq_dispose_mapping(bell->virq);
	bell->virq = 0;
}

/*
 * The APIC id is the physical one of the CPU that the interrupt goes to now: irq_cfg.dest_apicid
 * may be a logical id.
 */
static void lapic_describe(struct vni_doorbells *db, unsigned int index,
			   struct vni_bell_target *out)
{
	struct lapic_bell *bell = &to_lapic(db)->bells[index];
	struct irq_data *data = irq_get_irq_data(bell->virq);
	unsigned int cpu;

	*out = (struct vni_bell_target){ .kind = VNI_DOORBELL_NONE };
	if (!bell->virq || !data)
		return;
	cpu = cpumask_first(irq_data_get_effective_affinity_mask(data));
	if (cpu >= nr_cpu_ids)
		return;
	out->kind = VNI_DOORBELL_LAPIC;
	out->target = per_cpu(x86_cpu_to_apicid, cpu);
	out->data = irqd_cfg(data)->vector;
}

/*
 * A peer may lie about itself only: a target that is one of this node's own CPUs, or a vector that
 * no device has, is refused.
 */
static int lapic_check(struct vni_doorbells *db, const struct vni_bell_target *target)
{
	unsigned int cpu;

	if (target->kind != VNI_DOORBELL_LAPIC)
		return -EPROTO;
	if (target->data < LAPIC_VECTOR_FIRST || target->data > LAPIC_VECTOR_LAST)
		return -EPROTO;
	if (!x2apic_enabled() && target->target > 0xfe)
		return -EPROTO;
	if (target->target == U32_MAX)
		return -EPROTO;
	for_each_online_cpu(cpu) {
		if (per_cpu(x86_cpu_to_apicid, cpu) == target->target)
			return -EPROTO;
	}
	return 0;
}

/* The command register is per CPU and takes two writes: nothing may come between them. */
static void lapic_ring(struct vni_doorbells *db, const struct vni_bell_target *target)
{
	unsigned long flags;

	local_irq_save(flags);
	if (apic->wait_icr_idle)
		apic->wait_icr_idle();
	apic->icr_write(APIC_DM_FIXED | APIC_DEST_PHYSICAL | target->data, target->target);
	local_irq_restore(flags);
}

static void lapic_free(struct vni_doorbells *db)
{
	struct lapic_doorbells *lp = to_lapic(db);

	irq_domain_remove(lp->domain);
	irq_domain_free_fwnode(lp->fwnode);
	kfree(lp);
}

static const struct vni_doorbells_ops lapic_ops = {
	.name = "local APIC",
	.request = lapic_request,
	.release = lapic_release,
	.describe = lapic_describe,
	.check = lapic_check,
	.ring = lapic_ring,
	.free = lapic_free,
};

struct vni_doorbells *vni_lapic_doorbells(void)
{
	struct lapic_doorbells *lp = kzalloc(sizeof(*lp), GFP_KERNEL);

	if (!lp)
		return ERR_PTR(-ENOMEM);
	lp->db.ops = &lapic_ops;
	lp->fwnode = irq_domain_alloc_named_fwnode("VNI-IPI");
	if (!lp->fwnode)
		goto no_fwnode;
	lp->domain = irq_domain_create_hierarchy(x86_vector_domain, 0, VNI_DOORBELLS, lp->fwnode,
						 &lapic_domain_ops, lp);
	if (!lp->domain)
		goto no_domain;
	return &lp->db;

no_domain:
	irq_domain_free_fwnode(lp->fwnode);
no_fwnode:
	kfree(lp);
	return ERR_PTR(-ENOMEM);
}
