// SPDX-License-Identifier: GPL-2.0
/*
 * A window at a physical address, mapped with struct pages (ZONE_DEVICE), so that the stack can use
 * frames where they lie in a peer's packet buffer. Each page has one reference of ours for as long
 * as it is mapped.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "pages.h"

/* What memremap_pages() can add. */
#define PAGED_ALIGN SZ_2M

struct vni_paged {
	void *base;
	struct dev_pagemap pgmap;
};

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
	struct vni_paged *paged;
	const char *why = "no memory here";
	long err = -ENOMEM;

	if (!IS_ALIGNED(at | size, PAGED_ALIGN)) {
		why = "its place and its size are to be multiples of 2 MiB";
		err = -EINVAL;
		goto plain;
	}
	paged = kzalloc(sizeof(*paged), GFP_KERNEL);
	if (!paged)
		goto plain;
	paged->pgmap.type = MEMORY_DEVICE_GENERIC;
	paged->pgmap.nr_range = 1;
	paged->pgmap.range.start = at;
	paged->pgmap.range.end = at + size - 1;
	paged->base = memremap_pages(&paged->pgmap, NUMA_NO_NODE);
	if (!IS_ERR(paged->base))
		return paged;
	why = "it cannot be mapped so";
	err = PTR_ERR(paged->base);
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

static bool in_use(const struct vni_paged *paged)
{
	struct page *page = virt_to_page(paged->base);
	u64 i;

	for (i = 0; i < range_len(&paged->pgmap.range) >> PAGE_SHIFT; i++) {
		if (page_ref_count(page + i) > 1)
			return true;
	}
	return false;
}

/**
 * vni_paged_unmap() - undo vni_paged_map()
 * @paged: the mapping, of which nobody uses more pages from now on
 *
 * Pages that a program has not read yet cannot be taken from it: with them the whole mapping stays.
 *
 * Context: process, may sleep.
 */
void vni_paged_unmap(struct vni_paged *paged)
{
	if (in_use(paged)) {
		pr_warn("pages of the window at 0x%llx are still in use by programs: it stays mapped until the next boot\n",
			paged->pgmap.range.start);
		return;
	}
	memunmap_pages(&paged->pgmap);
	kfree(paged);
}
