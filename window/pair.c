// SPDX-License-Identifier: GPL-2.0
/*
 * Pairs: windows of two seats in ordinary memory, both taken by this kernel. The client that wants
 * one asks for it and gets it to itself, so nothing here meets clients_lock, outside of which the
 * RTNL would have to be taken.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/export.h>
#include <linux/idr.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "window.h"

#define PAIR_SEATS 2

struct vni_shm_pair {
	void *memory;
	int id;
	struct vni_window *windows[PAIR_SEATS];
};

static DEFINE_IDA(pair_ids);

/*
 * Huge pages where there are any: packet buffers are walked through page by page. Where memory is
 * short the pair is refused, and nobody killed for it.
 */
static void *pair_memory(u64 size)
{
	return vmalloc_huge(size,
			    GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN | __GFP_RETRY_MAYFAIL);
}

static int pair_sit(struct vni_shm_pair *pair, unsigned int seat, u64 seat_size, u64 identity,
		    struct vni_doorbells *db)
{
	char name[16];
	struct vni_window_setup setup = {
		.name = name,
		.base = pair->memory,
		.size = PAIR_SEATS * seat_size,
		.identity = identity,
		.seat = seat,
		.seats = PAIR_SEATS,
		.private = true,
		.db = db,
	};
	struct vni_window *win;

	snprintf(name, sizeof(name), "pair%d.%u", pair->id, seat);
	win = vni_window_create(&setup);
	if (IS_ERR(win))
		return PTR_ERR(win);
	pair->windows[seat] = win;
	return 0;
}

static int pair_fill(struct vni_shm_pair *pair, u64 seat_size)
{
	struct vni_doorbells *dbs[PAIR_SEATS];
	u64 identity = get_random_u64();
	int ret;

	pair->memory = pair_memory(PAIR_SEATS * seat_size);
	if (!pair->memory)
		return -ENOMEM;
	ret = vni_local_doorbells(dbs);
	if (ret)
		goto no_doorbells;
	ret = pair_sit(pair, 0, seat_size, identity, dbs[0]);
	if (ret)
		goto no_window;
	ret = pair_sit(pair, 1, seat_size, identity, dbs[1]);
	if (!ret)
		return 0;

	vni_window_destroy(pair->windows[0]);
	goto one_window;
no_window:
	dbs[0]->ops->free(dbs[0]);
one_window:
	dbs[1]->ops->free(dbs[1]);
no_doorbells:
	vfree(pair->memory);
	return ret;
}

struct vni_shm_pair *vni_shm_pair_create(u64 seat_size)
{
	struct vni_shm_pair *pair;
	int ret;

	if (seat_size < VNI_PAIR_SEAT_MIN || seat_size > VNI_PAIR_SEAT_MAX ||
	    seat_size % VNI_SECTION_ALIGN)
		return ERR_PTR(-EINVAL);
	pair = kzalloc(sizeof(*pair), GFP_KERNEL_ACCOUNT);
	if (!pair)
		return ERR_PTR(-ENOMEM);
	ret = ida_alloc_max(&pair_ids, 99999, GFP_KERNEL);
	if (ret < 0)
		goto no_id;
	pair->id = ret;
	ret = pair_fill(pair, seat_size);
	if (!ret)
		return pair;
	ida_free(&pair_ids, pair->id);
no_id:
	kfree(pair);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_GPL(vni_shm_pair_create);

void vni_shm_pair_destroy(struct vni_shm_pair *pair)
{
	vni_window_destroy(pair->windows[0]);
	vni_window_destroy(pair->windows[1]);
	vfree(pair->memory);
	ida_free(&pair_ids, pair->id);
	kfree(pair);
}
EXPORT_SYMBOL_GPL(vni_shm_pair_destroy);

struct vni_window *vni_shm_pair_window(const struct vni_shm_pair *pair, unsigned int seat)
{
	return pair->windows[seat];
}
EXPORT_SYMBOL_GPL(vni_shm_pair_window);
