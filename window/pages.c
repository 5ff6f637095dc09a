// SPDX-License-Identifier: GPL-2.0
/*
 * A window at a physical address, mapped with struct pages (ZONE_DEVICE), so that the stack can use
 * frames where they lie in a peer's packet buffer. Each page has one reference of ours for as long
 * as it is mapped.
 *
 * Pages that a program has not read yet cannot be taken from it. A window that goes meanwhile stays
 * mapped; it is looked at from time to time, and taken by whoever maps the same memory again.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/err.h>
#include <linux/ioport.h>
#include <linux/list.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "pages.h"
#include "window.h"

/* What memremap_pages() can add. */
#define PAGED_ALIGN SZ_2M

#define LOOK_MS 1000

/*
 * Whoever maps a window owns this; from vni_paged_unmap() on, while programs use pages of it, the
 * list does. One that is still there when the module goes stays for ever.
 */
struct vni_paged {
	struct list_head entry;
	u64 at, size;
	void *base;
	struct dev_pagemap *former; /* it stayed when an earlier module went; or NULL: it is ours */
	struct dev_pagemap pgmap;
	struct resource hold; /* of the device's range, and of no other device's */
	struct device *above; /* holds what @hold lies in; NULL: there is none */
	char name[16];	      /* of @hold: outlives this module's text */
};

static DEFINE_MUTEX(kept_lock);
static LIST_HEAD(kept);
static void kept_look(struct work_struct *work);
static DECLARE_DELAYED_WORK(kept_work, kept_look);

static void hold_end(struct vni_paged *paged)
{
	if (!paged->above)
		return;
	remove_resource(&paged->hold);
	put_device(paged->above);
	paged->above = NULL;
}

static void paged_free(struct vni_paged *paged)
{
	hold_end(paged);
	if (paged->former)
		put_dev_pagemap(paged->former);
	else
		memunmap_pages(&paged->pgmap);
	kfree(paged);
}

static bool in_use(const struct vni_paged *paged)
{
	struct page *page = virt_to_page(paged->base);
	u64 i;

	for (i = 0; i < paged->size >> PAGE_SHIFT; i++) {
		if (page_ref_count(page + i) > 1)
			return true;
	}
	return false;
}

static void kept_free_unused(void)
{
	struct vni_paged *paged, *next;

	list_for_each_entry_safe(paged, next, &kept, entry) {
		if (in_use(paged))
			continue;
		list_del(&paged->entry);
		pr_info("programs have let go of the window at 0x%llx\n", paged->at);
		paged_free(paged);
	}
}

static void kept_look(struct work_struct *work)
{
	/* a processor that receives nothing else would keep some for ever; the next look sees it */
	vni_clients_flush();
	mutex_lock(&kept_lock);
	kept_free_unused();
	if (!list_empty(&kept))
		schedule_delayed_work(&kept_work, msecs_to_jiffies(LOOK_MS));
	mutex_unlock(&kept_lock);
}

/*
 * The same memory is mapped again. That programs use pages of it still does no harm: a page that is
 * lent anew is back when the former users have let go of it, too.
 */
static struct vni_paged *kept_take(u64 at, u64 size)
{
	struct vni_paged *paged, *found = NULL;

	mutex_lock(&kept_lock);
	list_for_each_entry(paged, &kept, entry) {
		if (paged->at == at && paged->size == size)
			found = paged;
	}
	if (found)
		list_del(&found->entry);
	mutex_unlock(&kept_lock);
	if (found)
		hold_end(found);
	return found;
}

/* Likewise, but the module that mapped it has gone. */
static bool former_take(struct vni_paged *paged)
{
	struct dev_pagemap *former = get_dev_pagemap(PHYS_PFN(paged->at), NULL);

	if (!former)
		return false;
	if (former->type == MEMORY_DEVICE_GENERIC && former->nr_range == 1 &&
	    former->range.start == paged->at && range_len(&former->range) == paged->size) {
		paged->former = former;
		return true;
	}
	put_dev_pagemap(former);
	return false;
}

static void *paged_make(struct vni_paged *paged)
{
	struct dev_pagemap *other;

	if (former_take(paged))
		return __va(paged->at);
	/* of these two memremap_pages() would complain as if the kernel were at fault */
	if (region_intersects(paged->at, paged->size, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) !=
	    REGION_DISJOINT)
		return ERR_PTR(-EBUSY);
	other = get_dev_pagemap(PHYS_PFN(paged->at), NULL) ?:
			get_dev_pagemap(PHYS_PFN(paged->at + paged->size - 1), NULL);
	if (other) {
		put_dev_pagemap(other);
		return ERR_PTR(-EEXIST);
	}
	paged->pgmap.type = MEMORY_DEVICE_GENERIC;
	paged->pgmap.nr_range = 1;
	paged->pgmap.range.start = paged->at;
	paged->pgmap.range.end = paged->at + paged->size - 1;
	return memremap_pages(&paged->pgmap, NUMA_NO_NODE);
}

/**
 * vni_paged_map() - map a window's memory with pages
 * @at: physical address
 * @size: bytes
 *
 * Context: process, may sleep.
 * Return: the mapping, or NULL: the memory is to be mapped without; why was logged.
 */
struct vni_paged *vni_paged_map(u64 at, u64 size)
{
	struct vni_paged *paged = kept_take(at, size);
	const char *why = "no memory here";
	long err = -ENOMEM;

	if (paged)
		return paged;
	if (!IS_ALIGNED(at | size, PAGED_ALIGN)) {
		why = "its place and its size are to be multiples of 2 MiB";
		err = -EINVAL;
		goto plain;
	}
	paged = kzalloc(sizeof(*paged), GFP_KERNEL);
	if (!paged)
		goto plain;
	paged->at = at;
	paged->size = size;
	paged->base = paged_make(paged);
	if (!IS_ERR(paged->base))
		return paged;
	err = PTR_ERR(paged->base);
	why = "it cannot be mapped so";
	if (err == -EEXIST || err == -EBUSY)
		why = "a part of it has some already, for another use";
	kfree(paged);
plain:
	pr_info("window of %llu bytes at 0x%llx has no pages (%ld), so what is received is copied: %s\n",
		size, at, err, why);
	return NULL;
}

/* Where the memory is mapped. */
void *vni_paged_base(const struct vni_paged *paged)
{
	return paged->base;
}

/**
 * vni_paged_hold() - see to it that no other device gets the memory while programs use pages of it
 * @paged: the mapping, which vni_paged_unmap() follows
 * @range: the device's, with the memory in it; is in no tree of ranges: nothing is done
 * @above: whose range that is a part of: a bridge
 *
 * Context: process, may sleep.
 */
void vni_paged_hold(struct vni_paged *paged, const struct resource *range, struct device *above)
{
	strscpy(paged->name, "VNI, being read", sizeof(paged->name));
	paged->hold = (struct resource){
		.start = range->start,
		.end = range->end,
		.flags = IORESOURCE_MEM,
		.name = paged->name,
	};
	/* around the device's own, so that it stays when that goes with the device */
	if (above && range->parent && !insert_resource(range->parent, &paged->hold))
		paged->above = get_device(above);
}

/**
 * vni_paged_unmap() - undo vni_paged_map()
 * @paged: the mapping, of which nobody uses more pages from now on
 *
 * With pages that a program has not read yet the whole mapping stays until it has.
 *
 * Context: process, may sleep.
 */
void vni_paged_unmap(struct vni_paged *paged)
{
	if (!in_use(paged)) {
		paged_free(paged);
		return;
	}
	pr_info("programs have not read all that came by the window at 0x%llx: it stays mapped until they let go of it\n",
		paged->at);
	mutex_lock(&kept_lock);
	list_add(&paged->entry, &kept);
	schedule_delayed_work(&kept_work, msecs_to_jiffies(LOOK_MS));
	mutex_unlock(&kept_lock);
}

/**
 * vni_paged_exit() - once, after the last window
 *
 * Context: process, may sleep.
 */
void vni_paged_exit(void)
{
	struct vni_paged *paged;

	cancel_delayed_work_sync(&kept_work);
	kept_free_unused();
	list_for_each_entry(paged, &kept, entry)
		pr_warn("programs still use pages of the window at 0x%llx: it stays mapped until the next boot\n",
			paged->at);
}
