// SPDX-License-Identifier: GPL-2.0
/*
 * An ivshmem device itself: its registers, its interrupts, and its memory, in both versions.
 *
 * The memory is RAM of the host, and is to be mapped as such: write-back. On x86 firmware often
 * calls the whole hole for devices uncached in the MTRRs, and memremap() follows that, although
 * most hypervisors do not; then the pages are mapped one by one. Where the processor does follow
 * the MTRRs it costs a factor of 100, so the speed is measured once, and said where it is bad.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/io.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "ivshmem.h"

#define SPEED_BYTES (16 * 1024)
#define SPEED_TRIES 4
#define SPEED_SLOW  250 /* MB/s: half of the slowest cached memory seen, far above uncached */

static int open_v1(struct ivshmem *iv)
{
	struct pci_dev *pdev = iv->pdev;

	if (pci_resource_len(pdev, 0) < IV1_SIZE || !pci_resource_len(pdev, 2)) {
		pci_err(pdev,
			"BAR 0 of %llu and BAR 2 of %llu bytes; expected registers and shared memory\n",
			(u64)pci_resource_len(pdev, 0), (u64)pci_resource_len(pdev, 2));
		return -ENODEV;
	}
	iv->phys = pci_resource_start(pdev, 2);
	iv->size = pci_resource_len(pdev, 2);
	iv->id = IV1_NO_ID;
	if (!pdev->msix_cap)
		return 0;
	iv->id = ioread32(iv->regs + IV1_POSITION);
	if (iv->id <= IV1_ID_LAST)
		return 0;
	pci_err(pdev,
		"IVPosition is 0x%x: the device has no connection to its server (or was unplugged); start the server, then unplug the device and plug it in again\n",
		iv->id);
	return -ENOTCONN;
}

static void read_v2(struct ivshmem *iv, struct iv2_raw *raw)
{
	struct pci_dev *pdev = iv->pdev;
	int at = pci_find_capability(pdev, PCI_CAP_ID_VNDR);

	raw->class = pdev->class;
	raw->id = ioread32(iv->regs + IV2_ID);
	raw->max_peers = ioread32(iv->regs + IV2_MAX_PEERS);
	raw->bar_base = pci_resource_len(pdev, 2) ? pci_resource_start(pdev, 2) : 0;
	raw->bar_size = pci_resource_len(pdev, 2);
	while (at && raw->cap_len < sizeof(raw->cap) && at + raw->cap_len < PCI_CFG_SPACE_SIZE) {
		pci_read_config_byte(pdev, at + raw->cap_len, &raw->cap[raw->cap_len]);
		raw->cap_len++;
	}
}

static int open_v2(struct ivshmem *iv)
{
	struct pci_dev *pdev = iv->pdev;
	struct iv2_raw raw = {};
	char why[160];

	if (pci_resource_len(pdev, 0) < IV2_REGS_SIZE) {
		pci_err(pdev, "BAR 0 of %llu bytes; expected the registers\n",
			(u64)pci_resource_len(pdev, 0));
		return -ENODEV;
	}
	read_v2(iv, &raw);
	if (iv2_parse(&raw, &iv->layout, why, sizeof(why))) {
		pci_err(pdev, "refused: %s\n", why);
		return -ENODEV;
	}
	if (iv->layout.one_shot)
		pci_write_config_byte(pdev,
				      pci_find_capability(pdev, PCI_CAP_ID_VNDR) + IV2_CAP_CONTROL,
				      raw.cap[IV2_CAP_CONTROL] & ~IV2_CONTROL_ONE_SHOT);
	iv->phys = iv->layout.base;
	iv->size = iv->layout.size;
	iv->id = iv->layout.id;
	return 0;
}

#if defined(CONFIG_X86) && defined(CONFIG_VMAP_PFN)
static bool is_write_back(const void *address)
{
	unsigned int level;
	const pte_t *pte = lookup_address((unsigned long)address, &level);

	return pte && !(pte_flags(*pte) & (_PAGE_PCD | _PAGE_PWT));
}

static void *map_pages(const struct ivshmem *iv)
{
	unsigned long i, count = iv->size >> PAGE_SHIFT;
	unsigned long *pfns = kvmalloc_array(count, sizeof(*pfns), GFP_KERNEL);
	void *map;

	if (!pfns)
		return NULL;
	for (i = 0; i < count; i++)
		pfns[i] = PHYS_PFN(iv->phys) + i;
	map = vmap_pfn(pfns, count, PAGE_KERNEL);
	kvfree(pfns);
	return map;
}

static void unmap_pages(void *map)
{
	vunmap(map);
}
#else
static bool is_write_back(const void *address)
{
	return true;
}

static void *map_pages(const struct ivshmem *iv)
{
	return NULL;
}

static void unmap_pages(void *map)
{
}
#endif

static void map_memory(struct ivshmem *iv)
{
	void *map = memremap(iv->phys, iv->size, MEMREMAP_WB);

	iv->base = map;
	if (!map || is_write_back(map))
		return;
	map = map_pages(iv);
	if (!map)
		return;
	memunmap(iv->base);
	iv->base = map;
	iv->by_page = true;
}

static void unmap_memory(struct ivshmem *iv)
{
	if (iv->by_page)
		unmap_pages(iv->base);
	else
		memunmap(iv->base);
}

static int open_memory(struct ivshmem *iv)
{
	if (iv->size < VNI_SEATS_MIN * VNI_SECTION_MIN) {
		pci_err(iv->pdev,
			"shared memory of %llu bytes is too small; expected at least %u\n",
			iv->size, VNI_SEATS_MIN * VNI_SECTION_MIN);
		return -ENODEV;
	}
	map_memory(iv);
	if (iv->base)
		return 0;
	pci_err(iv->pdev, "shared memory of %llu bytes at 0x%llx cannot be mapped\n", iv->size,
		iv->phys);
	return -ENOMEM;
}

/* The best of a few, because whoever else runs on this processor only makes it look slower. */
static void measure_speed(const struct ivshmem *iv)
{
	void *copy = kmalloc(SPEED_BYTES, GFP_KERNEL);
	u64 best = U64_MAX, speed;
	unsigned int i;

	if (!copy)
		return;
	for (i = 0; i < SPEED_TRIES; i++) {
		u64 start = ktime_get_ns();

		memcpy(copy, iv->base, SPEED_BYTES);
		best = min(best, ktime_get_ns() - start);
	}
	kfree(copy);
	speed = div64_u64(SPEED_BYTES * 1000ULL, best ?: 1);
	if (speed < SPEED_SLOW)
		pci_warn(iv->pdev,
			 "shared memory is read at %llu MB/s only, as if it were uncached: see /sys/kernel/debug/x86/pat_memtype_list and /proc/mtrr for 0x%llx\n",
			 speed, iv->phys);
	else
		pci_dbg(iv->pdev, "shared memory is read at %llu MB/s\n", speed);
}

static void open_vectors(struct ivshmem *iv)
{
	struct pci_dev *pdev = iv->pdev;

	iv->vectors = 0;
	if (!pdev->msix_cap)
		return;
	pci_set_master(pdev);
	iv->vectors = pci_alloc_irq_vectors(pdev, 1, VNI_DOORBELLS, PCI_IRQ_MSIX);
	if (iv->vectors < 0) {
		pci_warn(pdev, "no MSI-X vector to be had (%d): this node polls\n", iv->vectors);
		iv->vectors = 0;
	} else if (iv->vectors < VNI_DOORBELLS) {
		pci_info(pdev,
			 "%d MSI-X vectors for %u doorbells: doorbell N uses vector N modulo %d\n",
			 iv->vectors, VNI_DOORBELLS, iv->vectors);
	}
}

/**
 * ivshmem_open() - map a device's registers and memory and get its interrupts
 * @iv: pdev and v2 are set, the rest zero
 *
 * Context: process, may sleep.
 * Return: 0, or an error whose reason was logged.
 */
int ivshmem_open(struct ivshmem *iv)
{
	struct pci_dev *pdev = iv->pdev;
	int ret = pci_enable_device(pdev);

	if (ret) {
		pci_err(pdev, "cannot be enabled: %d\n", ret);
		return ret;
	}
	ret = pci_request_regions(pdev, "vni_shm");
	if (ret)
		goto disable;
	iv->regs = pci_iomap(pdev, 0, 0);
	if (!iv->regs) {
		pci_err(pdev, "BAR 0 cannot be mapped\n");
		ret = -ENOMEM;
		goto release;
	}
	ret = iv->v2 ? open_v2(iv) : open_v1(iv);
	if (!ret)
		ret = open_memory(iv);
	if (ret)
		goto unmap;
	measure_speed(iv);
	open_vectors(iv);
	if (iv->v2)
		iowrite32(iv->vectors ? IV2_INT_ENABLE : 0, iv->regs + IV2_INT_CONTROL);
	else
		iowrite32(0, iv->regs + IV1_INT_MASK);
	return 0;

unmap:
	pci_iounmap(pdev, iv->regs);
release:
	pci_release_regions(pdev);
disable:
	pci_disable_device(pdev);
	return ret;
}

/**
 * ivshmem_close() - undo ivshmem_open(); nobody uses the device any more
 * @iv: the device
 *
 * Context: process, may sleep.
 */
void ivshmem_close(struct ivshmem *iv)
{
	if (iv->v2) {
		iowrite32(0, iv->regs + IV2_INT_CONTROL);
		iowrite32(0, iv->regs + IV2_STATE);
	}
	if (iv->vectors)
		pci_free_irq_vectors(iv->pdev);
	unmap_memory(iv);
	pci_iounmap(iv->pdev, iv->regs);
	pci_release_regions(iv->pdev);
	pci_disable_device(iv->pdev);
}
