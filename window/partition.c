// SPDX-License-Identifier: GPL-2.0
/*
 * The window on a partitioned machine: a range of physical memory that no kernel uses as its own.
 * Where it lies is said by the module's parameters, by the ACPI table that the node starter made
 * for this node, or by the starter's module on node 0.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/acpi.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "vni_handover.h"
#include "pages.h"
#include "window.h"

static char *window;
module_param(window, charp, 0444);
MODULE_PARM_DESC(
	window,
	"the window as SIZE@BASE, e.g. 64M@0x60000000 (default: what the node starter handed over)");

struct place {
	u64 base, size;
	unsigned int node;
	const char *source;
};

static struct vni_window *partition;
static struct resource *partition_res;
static void *partition_map;
static struct vni_paged *partition_paged; /* or NULL: mapped without pages */

static int place_parse(struct place *place)
{
	char *at, *end;

	place->size = memparse(window, &at);
	if (*at != '@' || !place->size)
		goto bad;
	place->base = memparse(at + 1, &end);
	if (end == at + 1 || (*end && *end != '\n'))
		goto bad;
	if (vni_params.node < 0) {
		pr_err("window=%s without node=; expected this node's id as well, e.g. node=0\n",
		       window);
		return -EINVAL;
	}
	place->source = "parameters";
	return 0;
bad:
	pr_err("window=%s; expected SIZE@BASE, e.g. window=64M@0x60000000\n", window);
	return -EINVAL;
}

static int handover_read(const struct vni_handover *ho, struct place *place)
{
	if (le32_to_cpu(ho->version) != VNI_HANDOVER_VERSION) {
		pr_err("the starter's hand-over has version %u, expected %u; use modules of one version\n",
		       le32_to_cpu(ho->version), VNI_HANDOVER_VERSION);
		return -EPROTO;
	}
	place->base = le64_to_cpu(ho->window_base);
	place->size = le64_to_cpu(ho->window_size);
	place->node = le32_to_cpu(ho->node);
	return place->size ? 0 : -ENODEV;
}

/* On a node that was started: the ACPI table made for it. */
static int place_acpi(struct place *place)
{
	struct acpi_table_header *table;
	int ret = -ENODEV;

	if (acpi_disabled || ACPI_FAILURE(acpi_get_table(VNI_HANDOVER_SIG, 1, &table)))
		return -ENODEV;
	if (table->length >= sizeof(*table) + sizeof(struct vni_handover))
		ret = handover_read((const struct vni_handover *)(table + 1), place);
	acpi_put_table(table);
	place->source = "ACPI table " VNI_HANDOVER_SIG;
	return ret;
}

/* On node 0: the starter itself, if it is loaded. */
static int place_starter(struct place *place)
{
	typeof(&vni_node_handover) handover = symbol_get(vni_node_handover);
	struct vni_handover ho;
	int ret;

	if (!handover)
		return -ENODEV;
	ret = handover(&ho);
	symbol_put(vni_node_handover);
	place->source = "vni_node";
	return ret ?: handover_read(&ho, place);
}

static int place_find(struct place *place)
{
	int ret;

	if (window) {
		ret = place_parse(place);
	} else {
		ret = place_acpi(place);
		if (ret == -ENODEV)
			ret = place_starter(place);
	}
	if (vni_params.node >= 0)
		place->node = vni_params.node;
	return ret;
}

static int place_check(const struct place *place)
{
	if (place->node >= VNI_SEATS_MAX) {
		pr_err("node=%u; expected 0 to %u\n", place->node, VNI_SEATS_MAX - 1);
		return -EINVAL;
	}
	if (place->size < VNI_SEATS_MIN * VNI_SECTION_MIN) {
		pr_err("a window of %llu bytes is too small; expected at least %u\n", place->size,
		       VNI_SEATS_MIN * VNI_SECTION_MIN);
		return -EINVAL;
	}
	if (!IS_ALIGNED(place->base, VNI_SECTION_ALIGN) ||
	    !IS_ALIGNED(place->size, VNI_SECTION_ALIGN)) {
		pr_err("window %llu bytes at 0x%llx; expected both to be multiples of %u\n",
		       place->size, place->base, VNI_SECTION_ALIGN);
		return -EINVAL;
	}
	if (place->base + place->size < place->base) {
		pr_err("window %llu bytes at 0x%llx goes beyond the end of memory\n", place->size,
		       place->base);
		return -EINVAL;
	}
	if (region_intersects(place->base, place->size, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) !=
	    REGION_DISJOINT) {
		pr_err("window %llu bytes at 0x%llx is memory that this kernel uses itself; reserve it with memmap=%lluM$0x%llx on the kernel's command line\n",
		       place->size, place->base, place->size >> 20, place->base);
		return -EBUSY;
	}
	return 0;
}

static int partition_map_window(const struct place *place)
{
	partition_res = request_mem_region(place->base, place->size, "VNI window");
	if (!partition_res) {
		pr_err("window %llu bytes at 0x%llx is in use by another driver; see /proc/iomem\n",
		       place->size, place->base);
		return -EBUSY;
	}
	partition_paged = vni_paged_map(place->base, place->size);
	if (partition_paged)
		partition_map = vni_paged_base(partition_paged);
	else
		partition_map = memremap(place->base, place->size, MEMREMAP_WB);
	if (!partition_map) {
		pr_err("window %llu bytes at 0x%llx cannot be mapped\n", place->size, place->base);
		release_mem_region(place->base, place->size);
		partition_res = NULL;
		return -ENOMEM;
	}
	return 0;
}

static void partition_unmap(void)
{
	if (partition_paged)
		vni_paged_unmap(partition_paged);
	else
		memunmap(partition_map);
	partition_paged = NULL;
	release_mem_region(partition_res->start, resource_size(partition_res));
	partition_res = NULL;
}

/**
 * vni_partition_probe() - take a seat at the machine's window, if there is one
 *
 * Context: process, may sleep.
 * Return: 0, -ENODEV if no window is known, or an error whose reason was logged.
 */
int vni_partition_probe(void)
{
	struct vni_window_setup setup = { .name = "machine",
					  .seats = vni_params.seats,
					  .format = vni_params.format,
					  .physical = true };
	struct place place = {};
	int ret = place_find(&place);

	if (!ret)
		ret = place_check(&place);
	if (!ret)
		ret = partition_map_window(&place);
	if (ret)
		return ret;
	pr_info("window of %llu KiB at 0x%llx, node %u (from %s)\n", place.size >> 10, place.base,
		place.node, place.source);
	setup.base = partition_map;
	setup.paged = partition_paged;
	setup.writable = true;
	setup.size = place.size;
	setup.identity = place.base;
	setup.seat = place.node;
	setup.db = vni_lapic_doorbells();
	if (IS_ERR(setup.db)) {
		ret = PTR_ERR(setup.db);
		pr_err("no doorbells from the local APIC: %d\n", ret);
		goto unmap;
	}
	partition = vni_window_create(&setup);
	if (!IS_ERR(partition))
		return 0;
	ret = PTR_ERR(partition);
	setup.db->ops->free(setup.db);
unmap:
	partition_unmap();
	partition = NULL;
	return ret;
}

/**
 * vni_partition_remove() - leave the machine's window
 *
 * Context: process, may sleep.
 */
void vni_partition_remove(void)
{
	if (!partition)
		return;
	vni_window_destroy(partition);
	partition_unmap();
	partition = NULL;
}
