// SPDX-License-Identifier: GPL-2.0
/* The memory regions: checked on load, and given to nodes. */
#define pr_fmt(fmt) "vni_node: " fmt

#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sizes.h>

#include "node.h"

static struct vni_params params;
static struct resource *low_res;
static struct resource *pool_res[VNI_POOL_MAX];

const struct vni_region *vni_region_window(void)
{
	return &params.window;
}

const struct vni_region *vni_region_low(void)
{
	return &params.low;
}

bool vni_region_overlap(const struct vni_region *a, const struct vni_region *b)
{
	return a->size && b->size && a->base < b->base + b->size && b->base < a->base + a->size;
}

static int check_one(const char *name, const struct vni_region *r, u64 align)
{
	if (!IS_ALIGNED(r->base, align) || !IS_ALIGNED(r->size, align)) {
		pr_err("%s=%#llx@%#llx: base and size must be multiples of %#llx\n", name, r->size,
		       r->base, align);
		return -EINVAL;
	}
	if (region_intersects(r->base, r->size, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) !=
	    REGION_DISJOINT) {
		pr_err("%s=%#llx@%#llx is System RAM of node 0: boot node 0 with memmap=%#llx$%#llx\n",
		       name, r->size, r->base, r->size, r->base);
		return -EBUSY;
	}
	if (region_intersects(r->base, r->size, IORESOURCE_MEM, IORES_DESC_RESERVED) !=
	    REGION_INTERSECTS) {
		pr_err("%s=%#llx@%#llx is not wholly inside reserved memory (see \"Reserved\" in /proc/iomem): boot node 0 with memmap=%#llx$%#llx\n",
		       name, r->size, r->base, r->size, r->base);
		return -EINVAL;
	}
	return 0;
}

static int check_pair(const char *na, const struct vni_region *a, const char *nb,
		      const struct vni_region *b)
{
	if (!vni_region_overlap(a, b))
		return 0;
	pr_err("%s=%#llx@%#llx overlaps %s=%#llx@%#llx\n", na, a->size, a->base, nb, b->size,
	       b->base);
	return -EINVAL;
}

static int check_low(void)
{
	const struct vni_region *low = &params.low;

	if (low->size < VNI_LOW_TRAMPOLINE + VNI_LOW_SHARE || low->base < SZ_64K ||
	    low->base + low->size > SZ_1M - SZ_64K * 6) {
		pr_err("low=%#llx@%#llx: expected at least 128K, between 64K and 640K; e.g. 448K@64K\n",
		       low->size, low->base);
		return -EINVAL;
	}
	return check_one("low", low, PAGE_SIZE);
}

static int check_all(void)
{
	int err = check_low();
	u32 i, j;

	if (!err && !params.pools) {
		pr_err("pool: none given; expected SIZE@BASE of reserved memory, e.g. pool=512M@1G\n");
		err = -EINVAL;
	}
	if (!err && params.window.size)
		err = check_one("window", &params.window, PAGE_SIZE);
	if (!err)
		err = check_pair("window", &params.window, "low", &params.low);
	for (i = 0; !err && i < params.pools; i++) {
		err = check_one("pool", &params.pool[i], VNI_MEM_ALIGN);
		if (!err)
			err = check_pair("pool", &params.pool[i], "window", &params.window);
		if (!err)
			err = check_pair("pool", &params.pool[i], "low", &params.low);
		for (j = 0; !err && j < i; j++)
			err = check_pair("pool", &params.pool[i], "pool", &params.pool[j]);
	}
	return err;
}

/*
 * A clean window for the first node that joins. If somebody else already holds the region, it is
 * in use and stays as it is.
 */
static int format_window(void)
{
	const struct vni_region *w = &params.window;
	u64 at, step;
	u8 *map;

	if (!w->size)
		return 0;
	if (!request_mem_region(w->base, w->size, "vni_node window")) {
		pr_info("window %#llx@%#llx is in use: left as it is\n", w->size, w->base);
		return 0;
	}
	for (at = 0; at < w->size; at += step) {
		step = min_t(u64, SZ_64M, w->size - at);
		map = memremap(w->base + at, step, MEMREMAP_WB);
		if (!map)
			break;
		memset(map, 0, step);
		memunmap(map);
		cond_resched();
	}
	release_mem_region(w->base, w->size);
	if (at < w->size) {
		pr_err("window %#llx@%#llx: cannot be mapped\n", w->size, w->base);
		return -ENOMEM;
	}
	return 0;
}

static int hold_all(void)
{
	u32 i;

	/* Memory below 1 MiB is busy from boot on, as "Reserved": nobody else can request it. */
	low_res = request_mem_region(params.low.base, params.low.size, "vni_node low");
	for (i = 0; i < params.pools; i++) {
		const struct vni_region *r = &params.pool[i];

		pool_res[i] = request_mem_region(r->base, r->size, "vni_node pool");
		if (!pool_res[i]) {
			pr_err("pool=%#llx@%#llx is in use by another driver, see /proc/iomem\n",
			       r->size, r->base);
			return -EBUSY;
		}
	}
	return 0;
}

/**
 * vni_region_init() - parse, check and hold the regions; zero an unused window
 *
 * Context: module load. Return: 0 or an error after a line in the log; then nothing is held.
 */
int vni_region_init(void)
{
	int err = vni_param_parse(&params);

	if (!err)
		err = check_all();
	if (err)
		return err;
	err = hold_all();
	if (!err)
		err = format_window();
	if (err)
		vni_region_exit();
	return err;
}

void vni_region_exit(void)
{
	u32 i;

	for (i = 0; i < VNI_POOL_MAX; i++) {
		if (pool_res[i])
			release_mem_region(params.pool[i].base, params.pool[i].size);
		pool_res[i] = NULL;
	}
	if (low_res)
		release_mem_region(params.low.base, params.low.size);
	low_res = NULL;
}

static const struct vni_node *taken_by(const struct vni_region *want)
{
	u32 i;

	for (i = VNI_NODE_MIN_ID; i <= VNI_NODE_MAX_ID; i++)
		if (vni_nodes[i] && vni_region_overlap(&vni_nodes[i]->mem, want))
			return vni_nodes[i];
	return NULL;
}

static bool in_pool(const struct vni_region *want)
{
	u32 i;

	for (i = 0; i < params.pools; i++)
		if (want->base >= params.pool[i].base &&
		    want->base - params.pool[i].base <= params.pool[i].size &&
		    want->size <= params.pool[i].size - (want->base - params.pool[i].base))
			return true;
	return false;
}

/* First fit: behind each node that is in the way. At most one step a node. */
static bool find_free(struct vni_region *want)
{
	u32 i, steps;

	for (i = 0; i < params.pools; i++) {
		want->base = params.pool[i].base;
		for (steps = 0; steps <= VNI_NODE_MAX_ID && in_pool(want); steps++) {
			const struct vni_node *other = taken_by(want);

			if (!other)
				return true;
			want->base = other->mem.base + other->mem.size;
		}
	}
	return false;
}

static int claim_low(struct vni_node *node, struct vni_say *say)
{
	u32 slots =
		min_t(u32, VNI_LOW_SLOTS, (params.low.size - VNI_LOW_TRAMPOLINE) / VNI_LOW_SHARE);
	u32 slot, i;

	for (slot = 0; slot < slots; slot++) {
		for (i = VNI_NODE_MIN_ID; i <= VNI_NODE_MAX_ID; i++)
			if (vni_nodes[i] && vni_nodes[i]->low_slot == slot)
				break;
		if (i > VNI_NODE_MAX_ID)
			break;
	}
	if (slot == slots)
		return vni_say(say, -ENOSPC,
			       "no memory below 1 MiB left: low=%lluK serves %u nodes at a time",
			       params.low.size / SZ_1K, slots);
	node->low_slot = slot;
	node->low_base = params.low.base + VNI_LOW_TRAMPOLINE + (u64)slot * VNI_LOW_SHARE;
	return 0;
}

/**
 * vni_region_claim() - find memory for a node
 * @node: gets mem, low_base and low_slot; becomes theirs once it stands in vni_nodes[]
 * @base: bytes, a multiple of 2 MiB, or 0 for the first fit
 * @size: bytes, a multiple of 2 MiB
 * @say: gets the reason of a refusal
 *
 * Context: vni_nodes_lock. Return: 0 or a negative error.
 */
int vni_region_claim(struct vni_node *node, u64 base, u64 size, struct vni_say *say)
{
	struct vni_region want = { .base = base, .size = size };
	const struct vni_node *other;

	if (!IS_ALIGNED(base, VNI_MEM_ALIGN) || !IS_ALIGNED(size, VNI_MEM_ALIGN))
		return vni_say(say, -EINVAL, "memory %#llx@%#llx: must be a multiple of 2 MiB",
			       size, base);
	if (size < VNI_MEM_MIN)
		return vni_say(say, -EINVAL, "memory of %#llx bytes: at least %lluM is needed",
			       size, VNI_MEM_MIN >> 20);
	if (!base) {
		if (!find_free(&want))
			return vni_say(say, -ENOSPC, "no %lluM in one piece free in the pool",
				       size >> 20);
	} else if (!in_pool(&want)) {
		return vni_say(say, -EINVAL, "memory %#llx@%#llx is outside the pool", size, base);
	} else {
		other = taken_by(&want);
		if (other)
			return vni_say(say, -EBUSY,
				       "memory %#llx@%#llx overlaps node %u, which has %#llx@%#llx",
				       size, base, other->id, other->mem.size, other->mem.base);
	}
	node->mem = want;
	return claim_low(node, say);
}
