// SPDX-License-Identifier: GPL-2.0
/*
 * Another node's own memory, for nodes that trust each other: what this node's memory is, and
 * struct pages for what another says that its memory is, so that its pages can be fragments of
 * this node's skbs. Only where window and memory are physical addresses, as on a partition.
 *
 * The pages are those of a device (ZONE_DEVICE): each compound page has one reference of ours from
 * vni_shm_ram_map() on; who uses a page takes one more, and has let go of it when the count is back
 * at one.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/export.h>
#include <linux/ioport.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "vni_ram.h"
#include "window.h"

/* What memremap_pages() can add. */
#define RAM_ALIGN SZ_2M

/* Descriptions of the other's pages cost 1/64 of its memory: with this, an eighth of ours. */
#define RAM_TIMES 8

struct vni_ram {
	unsigned int count;
	struct vni_ram_range ranges[VNI_RAM_RANGES];
	struct dev_pagemap pgmap; /* with its ranges behind it */
};

struct own_ram {
	struct vni_ram_range *ranges;
	unsigned int count;
};

static int own_add(struct resource *res, void *arg)
{
	struct own_ram *own = arg;
	u64 base = round_up(res->start, RAM_ALIGN);
	u64 end = round_down(res->end + 1, RAM_ALIGN);

	if (base >= end || own->count == VNI_RAM_RANGES)
		return 0;
	own->ranges[own->count++] = (struct vni_ram_range){ base, end - base };
	return 0;
}

unsigned int vni_shm_ram_own(const struct vni_window *win, struct vni_ram_range *ranges)
{
	struct own_ram own = { .ranges = ranges };

	if (win->physical)
		walk_iomem_res_desc(IORES_DESC_NONE, IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY, 0,
				    U64_MAX, &own, own_add);
	return own.count;
}
EXPORT_SYMBOL_GPL(vni_shm_ram_own);

u64 vni_shm_ram_bias(const struct vni_window *win)
{
	return 0;
}
EXPORT_SYMBOL_GPL(vni_shm_ram_bias);

static int range_check(const struct vni_ram_range *range, u64 most, const char **why)
{
	*why = "its memory is not given in units of 2 MiB, or is more than 8 times this node's";
	if (!IS_ALIGNED(range->base, RAM_ALIGN) || !IS_ALIGNED(range->size, RAM_ALIGN) ||
	    !range->size || range->size > most || range->base + range->size < range->base)
		return -EPROTO;
	*why = "what it calls its memory is this node's";
	if (region_intersects(range->base, range->size, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) !=
	    REGION_DISJOINT)
		return -EPROTO;
	return 0;
}

struct vni_ram *vni_shm_ram_map(const struct vni_window *win, const struct vni_ram_range *ranges,
				unsigned int count, const char **why)
{
	u64 most = (u64)totalram_pages() * PAGE_SIZE * RAM_TIMES;
	struct vni_ram *ram;
	unsigned int i;
	void *mapped;
	int ret;

	*why = "this node reaches no other's memory by address";
	if (!win->physical || !count || count > VNI_RAM_RANGES)
		return ERR_PTR(-EOPNOTSUPP);
	*why = "no memory here";
	ram = kzalloc(sizeof(*ram) + count * sizeof(struct range), GFP_KERNEL);
	if (!ram)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < count; i++) {
		ret = range_check(&ranges[i], most, why);
		if (ret)
			goto fail;
		most -= ranges[i].size;
		ram->ranges[i] = ranges[i];
		ram->pgmap.ranges[i].start = ranges[i].base;
		ram->pgmap.ranges[i].end = ranges[i].base + ranges[i].size - 1;
	}
	ram->count = count;
	ram->pgmap.type = MEMORY_DEVICE_GENERIC;
	ram->pgmap.vmemmap_shift = VNI_RAM_ORDER;
	ram->pgmap.nr_range = count;
	*why = "its memory cannot be mapped here";
	mapped = memremap_pages(&ram->pgmap, NUMA_NO_NODE);
	ret = PTR_ERR_OR_ZERO(mapped);
	if (!ret)
		return ram;
fail:
	kfree(ram);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_GPL(vni_shm_ram_map);

void vni_shm_ram_unmap(struct vni_ram *ram, bool used)
{
	if (used) {
		pr_warn("pages of another node are still in use here: their %u ranges stay mapped until the next boot\n",
			ram->count);
		return;
	}
	memunmap_pages(&ram->pgmap);
	kfree(ram);
}
EXPORT_SYMBOL_GPL(vni_shm_ram_unmap);

bool vni_shm_ram_same(const struct vni_ram *ram, const struct vni_ram_range *ranges,
		      unsigned int count)
{
	return ram->count == count && !memcmp(ram->ranges, ranges, count * sizeof(*ranges));
}
EXPORT_SYMBOL_GPL(vni_shm_ram_same);

struct page *vni_shm_ram_page(const struct vni_ram *ram, u64 addr, u32 len)
{
	const u64 unit = PAGE_SIZE << VNI_RAM_ORDER;
	u64 first = round_down(addr, unit);
	unsigned int i;

	if (!len || len > unit - (addr - first))
		return NULL;
	for (i = 0; i < ram->count; i++) {
		if (addr - ram->ranges[i].base < ram->ranges[i].size)
			return pfn_to_page(PHYS_PFN(first));
	}
	return NULL;
}
EXPORT_SYMBOL_GPL(vni_shm_ram_page);
