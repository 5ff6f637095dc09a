// SPDX-License-Identifier: GPL-2.0
/*
 * The window of a User-Mode Linux node with struct pages: mapped a second time, over memory of this
 * kernel (uml_map.c), so that the stack can use frames where they lie in a peer's packet buffer.
 * Each page has one reference of ours for as long as it is mapped.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/slab.h>

#include <mem_user.h>

#include "pages.h"
#include "uml_map.h"

/* A window takes no more of this kernel's memory than one part in so many. */
#define PAGED_PART 4

struct vni_paged {
	struct page *first;
	u64 size;
};

/* In paged: set but for the pages. Returns NULL or why it cannot be. */
static const char *paged_fill(struct vni_paged *paged, u64 at)
{
	unsigned long long offset;
	int fd = phys_mapping(at, &offset);

	if (paged->size > (u64)totalram_pages() * PAGE_SIZE / PAGED_PART)
		return "it is more than a fourth of this kernel's memory (mem=)";
	paged->first = vni_uml_row_take(paged->size, 0);
	if (!paged->first)
		return "there are not so many pages in a row";
	if (!vni_uml_file_over(paged->first, paged->size, fd, offset))
		return NULL;
	vni_uml_row_free(paged->first, paged->size, 0);
	return "the host does not map it twice";
}

/**
 * vni_paged_map() - map a window's memory with pages
 * @at: physical address of its region of iomem=
 * @size: bytes
 *
 * Context: process, may sleep.
 * Return: the mapping, or NULL: the memory is to be used without; why was logged.
 */
struct vni_paged *vni_paged_map(u64 at, u64 size)
{
	struct vni_paged *paged = kzalloc(sizeof(*paged), GFP_KERNEL);
	const char *why = "no memory here";

	if (paged) {
		paged->size = size;
		why = paged_fill(paged, at);
	}
	if (!why)
		return paged;
	kfree(paged);
	pr_info("window of %llu bytes has no pages, so what is received is copied: %s\n", size,
		why);
	return NULL;
}

/* Where the memory is mapped. */
void *vni_paged_base(const struct vni_paged *paged)
{
	return page_address(paged->first);
}

static bool in_use(const struct vni_paged *paged)
{
	u64 i;

	for (i = 0; i < paged->size >> PAGE_SHIFT; i++) {
		if (page_ref_count(paged->first + i) > 1)
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
		pr_warn("pages of the window are still in use by programs: it stays mapped, and %llu KiB of this kernel's memory with it, until the next boot\n",
			paged->size >> 10);
		return;
	}
	if (vni_uml_file_off(paged->first, paged->size))
		pr_warn("the host leaves the window mapped over %llu KiB of this kernel's memory: they are not used until the next boot\n",
			paged->size >> 10);
	else
		vni_uml_row_free(paged->first, paged->size, 0);
	kfree(paged);
}
