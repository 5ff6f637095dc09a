// SPDX-License-Identifier: GPL-2.0
/*
 * The window of a User-Mode Linux node: a file of the host that all nodes map, given on UML's
 * command line as iomem=vni<N>,<file>. N is this node's id, so that nothing else needs to be said;
 * iomem=vni,<file> leaves it to the parameter node=.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/io.h>
#include <linux/mm.h>

#include <mem_user.h>
#include <os.h>

#include "pages.h"
#include "uml_ram.h"
#include "window.h"

static struct vni_window *uml_window;
static struct vni_paged *uml_paged; /* or NULL: it has no pages */

struct region {
	unsigned long base, size;
	u64 identity;
	int node; /* -1: its name says none */
	int fd;	  /* the host's, of the file */
};

/* The one region of ours; -ENODEV: there is none. */
static int region_find(struct region *region)
{
	unsigned long base, size = 0;
	char name[8] = "vni";
	int node;

	region->node = -1;
	region->base = find_iomem(name, &region->size);
	for (node = 0; node < VNI_SEATS_MAX; node++) {
		snprintf(name, sizeof(name), "vni%d", node);
		base = find_iomem(name, &size);
		if (!base)
			continue;
		if (region->base) {
			pr_err("several windows on the command line, iomem=%s,... is the second; expected one iomem=vni<node>,<file>\n",
			       name);
			return -EINVAL;
		}
		*region = (struct region){ .base = base, .size = size, .node = node };
	}
	if (!region->base)
		return -ENODEV;
	if (vni_params.node >= 0)
		region->node = vni_params.node;
	return 0;
}

/* UML gives a region a page more than its file has: the file is asked. */
static int region_ask(struct region *region)
{
	unsigned long long offset;
	struct uml_stat file;
	int ret;

	region->fd = phys_mapping(__pa(region->base), &offset);
	ret = os_stat_fd(region->fd, &file);
	if (ret < 0) {
		pr_err("the window's file (iomem=) cannot be asked for its size: %d\n", ret);
		return ret;
	}
	region->size = min_t(u64, region->size, file.ust_size);
	region->identity = (u64)file.ust_ino << 16;
	return 0;
}

static int region_check(const struct region *region)
{
	if (region->node < 0 || region->node >= VNI_SEATS_MAX) {
		pr_err("node id %d for the window; expected 0 to %u: iomem=vni<node>,<file> on the command line, or node=\n",
		       region->node, VNI_SEATS_MAX - 1);
		return -EINVAL;
	}
	if (region->size < VNI_SEATS_MIN * VNI_SECTION_MIN ||
	    !IS_ALIGNED(region->size, VNI_SECTION_ALIGN)) {
		pr_err("the window's file (iomem=) has %lu bytes; expected a multiple of %u, at least %u\n",
		       region->size, VNI_SECTION_ALIGN, VNI_SEATS_MIN * VNI_SECTION_MIN);
		return -EINVAL;
	}
	return 0;
}

static void pages_end(void)
{
	if (uml_paged)
		vni_paged_unmap(uml_paged);
	uml_paged = NULL;
}

/**
 * vni_uml_probe() - take a seat at the window that UML's command line names, if it does
 *
 * Context: process, may sleep.
 * Return: 0, -ENODEV if no window is known, or an error whose reason was logged.
 */
int vni_uml_probe(void)
{
	struct vni_window_setup setup = { .name = "uml",
					  .seats = vni_params.seats,
					  .physical = true,
					  .format = vni_params.format };
	struct region region = {};
	struct vni_window *win;
	int ret = region_find(&region);

	if (ret == -ENODEV)
		pr_info("no window on this kernel's command line; expected iomem=vni<node>,<file>\n");
	if (!ret)
		ret = region_ask(&region);
	if (!ret)
		ret = region_check(&region);
	if (ret)
		return ret;
	uml_paged = vni_paged_map(__pa(region.base), region.size);
	setup.base = uml_paged ? vni_paged_base(uml_paged) : (void *)region.base;
	setup.paged = uml_paged;
	setup.writable = true;
	setup.size = region.size;
	setup.identity = region.identity;
	setup.seat = region.node;
	setup.db = vni_uml_doorbells(region.node, region.fd);
	if (IS_ERR(setup.db)) {
		pages_end();
		return PTR_ERR(setup.db);
	}
	win = vni_window_create(&setup);
	if (IS_ERR(win)) {
		setup.db->ops->free(setup.db);
		pages_end();
		return PTR_ERR(win);
	}
	uml_window = win;
	return 0;
}

/**
 * vni_uml_remove() - leave the window
 *
 * Context: process, may sleep.
 */
void vni_uml_remove(void)
{
	if (!uml_window)
		return;
	vni_window_destroy(uml_window);
	uml_window = NULL;
	pages_end();
	vni_uml_ram_end();
}
