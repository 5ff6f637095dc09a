// SPDX-License-Identifier: GPL-2.0
/*
 * User-Mode Linux: files of the host as memory that has struct pages.
 *
 * A region of iomem= has none, and UML's table of pages ends with the kernel's own memory. So pages
 * of that are taken, as many in a row as are needed, and the file is mapped over the addresses
 * where they lie: the host replaces what is there. What the kernel knows about the pages stays
 * true but for their content, as long as only the kernel looks at it: a program's mapping of such a
 * page would show the memory that was there before (phys_mapping()). The stack gives received pages
 * to programs' mappings in one place, TCP_ZEROCOPY_RECEIVE, and only those of no mapping of their
 * own that are not compound: so the marks below.
 */
#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <uapi/asm-generic/mman-common.h>
#include <uapi/linux/mman.h>

#include <asm/unistd.h>
#include <mem_user.h>

#include "uml_map.h"

/* libc's, which UML has within and gives to modules. */
long syscall(long number, ...);

/* Between two looks for a row among the pages that were taken. */
#define LOOK_EVERY 1024

/* What single pages call their mapping, so that nobody else finds one for them. */
static struct address_space nobodys;

static void unit_mark(struct page *page, unsigned int order, struct address_space *mapping)
{
	if (!order)
		page->mapping = mapping;
}

/* The first of so many units in a row, a multiple of align, or ULONG_MAX. */
static unsigned long row_find(const unsigned long *taken, unsigned long units, unsigned long count,
			      unsigned long align)
{
	unsigned long first, end;

	for_each_set_bitrange(first, end, taken, units) {
		first = round_up(first, align);
		if (first + count <= end)
			return first;
	}
	return ULONG_MAX;
}

/* Takes units until enough of them lie in a row, or there are no more to be had. */
static unsigned long row_gather(unsigned long *taken, unsigned long units, unsigned long count,
				unsigned int order)
{
	gfp_t gfp = GFP_NOWAIT | __GFP_NOWARN | (order ? __GFP_COMP : 0);
	unsigned long got = 0;
	unsigned long first;
	struct page *page;

	for (;;) {
		page = alloc_pages(gfp, order);
		if (page) {
			__set_bit(page_to_pfn(page) >> order, taken);
			got++;
		}
		if (page && (got < count || got % LOOK_EVERY))
			continue;
		first = row_find(taken, units, count, 1UL << (VNI_UML_ROW_ORDER - order));
		if (!page || first != ULONG_MAX)
			return first;
	}
}

/**
 * vni_uml_row_take() - take pages of this kernel that lie in a row
 * @size: bytes, as VNI_UML_ROW_ORDER asks
 * @order: of the units, at most VNI_UML_ROW_ORDER: each is a page of this order, with one reference
 *	that is the caller's
 *
 * For a moment nearly all free memory may be taken: this is for the time when a module begins.
 *
 * Context: process, may sleep.
 * Return: the first page, or NULL where there are not so many in a row.
 */
struct page *vni_uml_row_take(u64 size, unsigned int order)
{
	unsigned long units = physmem_size >> (PAGE_SHIFT + order);
	unsigned long count = size >> (PAGE_SHIFT + order);
	unsigned long *taken = bitmap_zalloc(units, GFP_KERNEL);
	unsigned long first, unit;

	if (!taken)
		return NULL;
	first = row_gather(taken, units, count, order);
	for_each_set_bit(unit, taken, units) {
		struct page *page = pfn_to_page(unit << order);

		if (first != ULONG_MAX && unit - first < count)
			unit_mark(page, order, &nobodys);
		else
			__free_pages(page, order);
	}
	bitmap_free(taken);
	return first == ULONG_MAX ? NULL : pfn_to_page(first << order);
}

/**
 * vni_uml_row_free() - give back what vni_uml_row_take() took
 * @first: the first page; no file is mapped there
 * @size: bytes
 * @order: of the units
 *
 * Context: process.
 */
void vni_uml_row_free(struct page *first, u64 size, unsigned int order)
{
	unsigned long i;

	for (i = 0; i < size >> PAGE_SHIFT; i += 1UL << order) {
		unit_mark(first + i, order, NULL);
		__free_pages(first + i, order);
	}
}

/**
 * vni_uml_file_over() - map a file of the host where pages of this kernel lie
 * @first: the first page
 * @size: bytes
 * @fd: the host's, open for reading and writing; may be closed afterwards
 * @offset: in the file
 *
 * Context: process.
 * Return: 0, or -EIO: the host refused, and the pages are what they were.
 */
int vni_uml_file_over(struct page *first, u64 size, int fd, u64 offset)
{
	void *at = page_address(first);

	if (syscall(__NR_mmap, at, size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED | MAP_FIXED,
		    fd, offset) != (long)at)
		return -EIO;
	return 0;
}

/**
 * vni_uml_file_off() - map this kernel's own memory again
 * @first: the first page
 * @size: bytes
 *
 * Context: process.
 * Return: 0, or -EIO: the host refused, and the file stays.
 */
int vni_uml_file_off(struct page *first, u64 size)
{
	unsigned long long offset;
	int fd = phys_mapping(page_to_phys(first), &offset);

	return vni_uml_file_over(first, size, fd, offset);
}
