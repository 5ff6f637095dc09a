// SPDX-License-Identifier: GPL-2.0
/*
 * Doorbells by an ivshmem device: a node tells the others {peer id, MSI-X vector}, and they write
 * that into the doorbell register of their own device. QEMU's device and that of Jailhouse have the
 * same register. Where a device has fewer vectors than there are doorbells, doorbells share them.
 */
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "vni_ivshmem.h"

#define IVSHMEM_VECTORS_MAX 2048 /* of MSI-X: no device has more */

struct ivshmem_bell {
	vni_bell_handler handler;
	void *data;
	char name[32];
};

struct ivshmem_doorbells {
	struct vni_doorbells db;
	struct vni_ivshmem_regs regs;
	struct ivshmem_bell bells[VNI_DOORBELLS];
};

static struct ivshmem_doorbells *to_ivshmem(struct vni_doorbells *db)
{
	return container_of(db, struct ivshmem_doorbells, db);
}

static irqreturn_t ivshmem_interrupt(int irq, void *data)
{
	struct ivshmem_bell *bell = data;

	bell->handler(bell->data);
	return IRQ_HANDLED;
}

static int bell_irq(const struct ivshmem_doorbells *iv, unsigned int index)
{
	return pci_irq_vector(iv->regs.pdev, index % iv->regs.vectors);
}

/* All handlers of a shared vector are called: the kernel keeps them, one action a doorbell. */
static int ivshmem_request(struct vni_doorbells *db, unsigned int index, vni_bell_handler handler,
			   void *data)
{
	struct ivshmem_doorbells *iv = to_ivshmem(db);
	struct ivshmem_bell *bell = &iv->bells[index];

	bell->handler = handler;
	bell->data = data;
	snprintf(bell->name, sizeof(bell->name), "vni-%s-%u", pci_name(iv->regs.pdev), index);
	return request_irq(bell_irq(iv, index), ivshmem_interrupt,
			   iv->regs.vectors < VNI_DOORBELLS ? IRQF_SHARED : 0, bell->name, bell);
}

static void ivshmem_release(struct vni_doorbells *db, unsigned int index)
{
	struct ivshmem_doorbells *iv = to_ivshmem(db);

	free_irq(bell_irq(iv, index), &iv->bells[index]);
}

static void ivshmem_describe(struct vni_doorbells *db, unsigned int index,
			     struct vni_bell_target *out)
{
	struct ivshmem_doorbells *iv = to_ivshmem(db);

	out->kind = VNI_DOORBELL_IVSHMEM;
	out->target = READ_ONCE(iv->regs.own);
	out->data = index % iv->regs.vectors;
}

/* A peer may lie about itself only. What no device has, the device ignores as well. */
static int ivshmem_check(struct vni_doorbells *db, const struct vni_bell_target *target)
{
	const struct ivshmem_doorbells *iv = to_ivshmem(db);

	if (target->kind != VNI_DOORBELL_IVSHMEM || target->target > iv->regs.last ||
	    target->target == READ_ONCE(iv->regs.own) || target->data >= IVSHMEM_VECTORS_MAX)
		return -EPROTO;
	return 0;
}

/* What was written to the window before is seen by who is rung: writel() orders memory before. */
static void ivshmem_ring(struct vni_doorbells *db, const struct vni_bell_target *target)
{
	writel(target->target << 16 | target->data, to_ivshmem(db)->regs.doorbell);
}

static void ivshmem_free(struct vni_doorbells *db)
{
	kfree(to_ivshmem(db));
}

static const struct vni_doorbells_ops ivshmem_ops = {
	.name = "ivshmem",
	.request = ivshmem_request,
	.release = ivshmem_release,
	.describe = ivshmem_describe,
	.check = ivshmem_check,
	.ring = ivshmem_ring,
	.free = ivshmem_free,
};

struct vni_doorbells *vni_ivshmem_doorbells(const struct vni_ivshmem_regs *regs)
{
	struct ivshmem_doorbells *iv = kzalloc(sizeof(*iv), GFP_KERNEL);

	if (!iv)
		return ERR_PTR(-ENOMEM);
	iv->db.ops = &ivshmem_ops;
	iv->regs = *regs;
	return &iv->db;
}

void vni_ivshmem_set_id(struct vni_doorbells *db, u32 own)
{
	WRITE_ONCE(to_ivshmem(db)->regs.own, own);
}
