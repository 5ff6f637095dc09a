/* SPDX-License-Identifier: GPL-2.0 */
/* A window that is a PCI device of the ivshmem kind; shared by window/ivshmem*.c. */
#ifndef VNI_WINDOW_IVSHMEM_H
#define VNI_WINDOW_IVSHMEM_H

#include <linux/pci.h>
#include <linux/workqueue.h>

#include "ivshmem_v2.h"
#include "window.h"

/* Registers of version 1 in BAR 0, 32 bits each. */
#define IV1_INT_MASK 0x00
#define IV1_POSITION 0x08
#define IV1_DOORBELL 0x0c
#define IV1_SIZE     0x10

#define IV1_NO_ID 0xffffffff
#define IV1_ID_LAST 0xffff

/**
 * struct ivshmem - one device, from probe to remove
 * @pdev: the device
 * @v2: of Jailhouse's kind, with @layout
 * @regs: BAR 0
 * @base: the window, mapped write-back
 * @paged: ... with pages, or NULL
 * @by_page: ... without, one by one, against the MTRRs
 * @phys: where it lies
 * @size: bytes
 * @vectors: MSI-X vectors, 0: none
 * @id: peer id; without vectors and version 2 there is none: IV1_NO_ID
 * @ringer: the doorbells that are in @db, or NULL
 * @win: the window, NULL while the seat is lost
 * @guard: version 1: looks whether id and seat still are what they were
 */
struct ivshmem {
	struct pci_dev *pdev;
	bool v2;
	struct iv2_layout layout;
	void __iomem *regs;
	void *base;
	struct vni_paged *paged;
	bool by_page;
	u64 phys, size;
	int vectors;
	u32 id;
	struct vni_doorbells *ringer;
	struct vni_window *win;
	struct delayed_work guard;
};

/* ivshmem_pci.c */
int ivshmem_open(struct ivshmem *iv);
void ivshmem_close(struct ivshmem *iv);

/* ivshmem_memory.c */
int ivshmem_map(struct ivshmem *iv);
void ivshmem_unmap(struct ivshmem *iv);

#endif /* VNI_WINDOW_IVSHMEM_H */
