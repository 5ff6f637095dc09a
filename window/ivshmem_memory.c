// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of an ivshmem device, mapped.
 *
 * It is RAM of the host, and is to be mapped as such: write-back, and with pages, so that received
 * frames can stay in place. On x86 firmware often calls the whole hole for devices uncached in the
 * MTRRs, and what the kernel maps there follows that, although most hypervisors do not. A mapping
 * with pages is made write-back afterwards, and one without is made page by page. Where the
 * processor does follow the MTRRs it costs a factor of 100, so the speed is measured once, and said
 * where it is bad.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/io.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/set_memory.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "ivshmem.h"
#include "pages.h"

#define SPEED_BYTES (16 * 1024)
#define SPEED_TRIES 4
#define SPEED_SLOW  250 /* MB/s: half of the slowest cached memory seen, far above uncached */

#ifdef CONFIG_X86
static bool is_write_back(const void *address)
{
	unsigned int level;
	const pte_t *pte = lookup_address((unsigned long)address, &level);

	return pte && !(pte_flags(*pte) & (_PAGE_PCD | _PAGE_PWT));
}

/*
 * In the kernel's own map, where its pages are. To be in balance the second call wants the range to
 * have been reserved as uncached by the first, which changes nothing else.
 */
static bool make_write_back(void *map, u64 size)
{
	unsigned long at = (unsigned long)map;
	int count = size >> PAGE_SHIFT;

	return !set_memory_uc(at, count) && !set_memory_wb(at, count);
}
#else
static bool is_write_back(const void *address)
{
	return true;
}

static bool make_write_back(void *map, u64 size)
{
	return true;
}
#endif

#if defined(CONFIG_X86) && defined(CONFIG_VMAP_PFN)
static void *map_one_by_one(const struct ivshmem *iv)
{
	unsigned long i, count = iv->size >> PAGE_SHIFT;
	unsigned long *pfns;
	void *map;

	/* those that have a page are refused, loudly */
	for (i = 0; i < count; i++) {
		if (pfn_valid(PHYS_PFN(iv->phys) + i))
			return NULL;
	}
	pfns = kvmalloc_array(count, sizeof(*pfns), GFP_KERNEL);
	if (!pfns)
		return NULL;
	for (i = 0; i < count; i++)
		pfns[i] = PHYS_PFN(iv->phys) + i;
	map = vmap_pfn(pfns, count, PAGE_KERNEL);
	kvfree(pfns);
	return map;
}

static void unmap_one_by_one(void *map)
{
	vunmap(map);
}
#else
static void *map_one_by_one(const struct ivshmem *iv)
{
	return NULL;
}

static void unmap_one_by_one(void *map)
{
}
#endif

/* In MB/s, 0: unknown. The best of a few: whoever else runs here only makes it look slower. */
static u64 read_speed(const void *map)
{
	void *copy = kmalloc(SPEED_BYTES, GFP_KERNEL);
	u64 best = U64_MAX;
	unsigned int i;

	if (!copy)
		return 0;
	for (i = 0; i < SPEED_TRIES; i++) {
		u64 start = ktime_get_ns();

		memcpy(copy, map, SPEED_BYTES);
		best = min(best, ktime_get_ns() - start);
	}
	kfree(copy);
	return div64_u64(SPEED_BYTES * 1000ULL, best ?: 1);
}

static bool map_with_pages(struct ivshmem *iv)
{
	u64 speed;

	iv->paged = vni_paged_map(iv->phys, iv->size);
	if (!iv->paged)
		return false;
	iv->base = vni_paged_base(iv->paged);
	if (is_write_back(iv->base) || make_write_back(iv->base, iv->size))
		return true;
	speed = read_speed(iv->base);
	if (speed >= SPEED_SLOW)
		return true;
	pci_info(iv->pdev,
		 "shared memory has no pages, so what is received is copied: with them it is uncached, and read at %llu MB/s only\n",
		 speed);
	vni_paged_unmap(iv->paged);
	iv->paged = NULL;
	return false;
}

static void map_plain(struct ivshmem *iv)
{
	void *map = memremap(iv->phys, iv->size, MEMREMAP_WB);

	iv->base = map;
	if (!map || is_write_back(map))
		return;
	map = map_one_by_one(iv);
	if (!map)
		return;
	memunmap(iv->base);
	iv->base = map;
	iv->by_page = true;
}

/**
 * ivshmem_map() - map a device's memory
 * @iv: phys and size are set
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int ivshmem_map(struct ivshmem *iv)
{
	u64 speed;

	if (!map_with_pages(iv))
		map_plain(iv);
	if (!iv->base) {
		pci_err(iv->pdev, "shared memory of %llu bytes at 0x%llx cannot be mapped\n",
			iv->size, iv->phys);
		return -ENOMEM;
	}
	speed = read_speed(iv->base);
	if (speed && speed < SPEED_SLOW)
		pci_warn(iv->pdev,
			 "shared memory is read at %llu MB/s only, as if it were uncached: see /sys/kernel/debug/x86/pat_memtype_list and /proc/mtrr for 0x%llx\n",
			 speed, iv->phys);
	else
		pci_dbg(iv->pdev, "shared memory is read at %llu MB/s\n", speed);
	return 0;
}

/* The bridge, or host bridge, that has the range that the device's is a part of. */
static struct device *bridge_of(const struct pci_dev *pdev, const struct resource *range)
{
	const struct pci_bus *bus = pdev->bus;

	while (bus->self && !(range->parent >= bus->self->resource &&
			      range->parent < bus->self->resource + DEVICE_COUNT_RESOURCE))
		bus = bus->parent;
	return bus->bridge;
}

/**
 * ivshmem_unmap() - undo ivshmem_map()
 * @iv: the device
 *
 * Context: process, may sleep.
 */
void ivshmem_unmap(struct ivshmem *iv)
{
	const struct resource *range = &iv->pdev->resource[2];

	if (iv->paged) {
		vni_paged_hold(iv->paged, range, bridge_of(iv->pdev, range));
		vni_paged_unmap(iv->paged);
	} else if (iv->by_page) {
		unmap_one_by_one(iv->base);
	} else {
		memunmap(iv->base);
	}
}
