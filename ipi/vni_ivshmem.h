/* SPDX-License-Identifier: GPL-2.0 */
/* What the doorbells of an ivshmem device need to know of it. */
#ifndef VNI_IPI_IVSHMEM_H
#define VNI_IPI_IVSHMEM_H

#include "vni_doorbell.h"

struct pci_dev;

/**
 * struct vni_ivshmem_regs - what a device of the ivshmem kind rings with
 * @pdev: the device; its MSI-X vectors are allocated
 * @doorbell: the register, mapped: target << 16 | vector
 * @vectors: MSI-X vectors of this node, 0: none
 * @own: this node's peer id
 * @last: the highest peer id that there may be
 */
struct vni_ivshmem_regs {
	struct pci_dev *pdev;
	void __iomem *doorbell;
	unsigned int vectors;
	u32 own, last;
};

/**
 * vni_ivshmem_doorbells() - doorbells that are MSI-X interrupts of an ivshmem device
 * @regs: copied
 *
 * Context: process, may sleep.
 * Return: the doorbells, or an ERR_PTR().
 */
struct vni_doorbells *vni_ivshmem_doorbells(const struct vni_ivshmem_regs *regs);

/**
 * vni_ivshmem_set_id() - the device got another peer id
 * @db: from vni_ivshmem_doorbells()
 * @own: the new id; the caller shows the doorbells anew
 *
 * Context: any.
 */
void vni_ivshmem_set_id(struct vni_doorbells *db, u32 own);

#endif /* VNI_IPI_IVSHMEM_H */
