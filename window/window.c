// SPDX-License-Identifier: GPL-2.0
/*
 * A window: making, watching and ending it, in order. What is watched stands in peers.c and
 * links.c.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "window.h"

static void window_work(struct work_struct *work)
{
	struct vni_window *win = container_of(work, struct vni_window, work);

	mutex_lock(&win->lock);
	vni_peers_look(win);
	vni_links_repeat(win);
	vni_links_step(win);
	mutex_unlock(&win->lock);
}

/* The heartbeat is a timer of its own, so that a busy work queue does not look like death. */
static void window_beat(struct timer_list *timer)
{
	struct vni_window *win = container_of(timer, struct vni_window, beat);
	struct vni_life *life = &vni_window_own(win)->life;

	if (!READ_ONCE(win->lost))
		WRITE_ONCE(life->heartbeat, cpu_to_le64(le64_to_cpu(life->heartbeat) + 1));
	mod_timer(timer, jiffies + msecs_to_jiffies(VNI_PERIOD_MS));
	vni_window_kick_self(win);
}

/* Bell 0: another seat says that something about links changed. */
static bool window_bell(void *data)
{
	struct vni_window *win = data;

	win->kicks_seen++;
	vni_window_kick_self(win);
	return false;
}

/* An interrupt went to another CPU. What was rung at the old place meanwhile is looked for. */
static void window_bell_moved(void *data)
{
	vni_window_show_bells(data);
}

/**
 * vni_window_kick_self() - look at the others soon
 * @win: the window
 *
 * Context: any but NMI.
 */
void vni_window_kick_self(struct vni_window *win)
{
	queue_work(win->wq, &win->work);
}

/**
 * vni_window_kick() - tell another seat that something about links changed
 * @win: the window
 * @seat: which
 *
 * Context: any but NMI.
 */
void vni_window_kick(struct vni_window *win, unsigned int seat)
{
	if (vni_window_ring(win, seat, 0))
		win->kicks_sent++;
}

/**
 * vni_window_show_bells() - write into the window how this node's doorbells are rung now
 * @win: the window
 *
 * Context: any.
 */
void vni_window_show_bells(struct vni_window *win)
{
	struct vni_section *own = vni_window_own(win);
	unsigned int i;

	for (i = 0; i < VNI_DOORBELLS && !READ_ONCE(win->lost); i++) {
		struct vni_bell_target target = { .kind = VNI_DOORBELL_NONE };

		if (win->db && i < win->bells_used)
			win->db->ops->describe(win->db, i, &target);
		WRITE_ONCE(own->bells[i].where,
			   cpu_to_le64((u64)target.data << 32 | target.target));
		WRITE_ONCE(own->bells[i].kind, cpu_to_le32(target.kind));
	}
}

static int window_start(struct vni_window *win)
{
	int ret;

	win->wq = alloc_workqueue("vni-%s", WQ_UNBOUND | WQ_HIGHPRI | WQ_MEM_RECLAIM, 1, win->name);
	if (!win->wq)
		return -ENOMEM;
	if (win->db) {
		win->db->moved = window_bell_moved;
		win->db->moved_data = win;
		ret = win->db->ops->request(win->db, 0, window_bell, win);
		if (ret) {
			pr_err("%s: no interrupt to be had for the %s doorbell: %d\n", win->name,
			       win->db->ops->name, ret);
			destroy_workqueue(win->wq);
			return ret;
		}
		win->bells_used = 1;
	}
	vni_window_sit(win);
	vni_window_claim_end(win);
	vni_debugfs_add(win);
	mod_timer(&win->beat, jiffies + msecs_to_jiffies(VNI_PERIOD_MS));
	vni_window_kick_self(win);
	return 0;
}

static void window_stop(struct vni_window *win)
{
	debugfs_remove_recursive(win->debugfs);
	if (win->db) {
		win->db->moved = NULL;
		win->db->ops->release(win->db, 0);
	}
	timer_delete_sync(&win->beat);
	cancel_work_sync(&win->work);
	vni_window_leave(win);
	destroy_workqueue(win->wq);
}

static struct vni_window *window_alloc(const struct vni_window_setup *setup)
{
	struct vni_window *win = kvzalloc(sizeof(*win), GFP_KERNEL);

	if (!win)
		return NULL;
	strscpy(win->name, setup->name, sizeof(win->name));
	win->dev = setup->dev;
	win->identity = setup->identity;
	win->base = setup->base;
	win->size = setup->size;
	win->seat = setup->seat;
	win->format = setup->format;
	win->physical = setup->physical;
	win->paged = setup->paged && PAGE_SIZE == VNI_PAGE;
	win->writable = setup->writable;
	win->private = setup->private;
	win->db = setup->db;
	mutex_init(&win->lock);
	INIT_LIST_HEAD(&win->entry);
	INIT_WORK(&win->work, window_work);
	timer_setup(&win->beat, window_beat, 0);
	return win;
}

static int window_layout(struct vni_window *win, const struct vni_window_setup *setup)
{
	if (!setup->private)
		return vni_window_survey(win, setup->seats, setup->claimant);
	win->seats = setup->seats;
	win->section_size = div_u64(win->size, win->seats);
	return 0;
}

/**
 * vni_window_create() - take this node's seat at a window and tell the clients
 * @setup: what the back-end found; not needed after the call
 *
 * The doorbells belong to the window when this succeeds, and to the caller when it fails.
 *
 * Context: process, may sleep.
 * Return: the window or an ERR_PTR() whose reason was logged.
 */
struct vni_window *vni_window_create(const struct vni_window_setup *setup)
{
	struct vni_window *win = window_alloc(setup);
	int ret;

	if (!win)
		return ERR_PTR(-ENOMEM);
	ret = window_layout(win, setup);
	if (!ret)
		ret = window_start(win);
	if (ret) {
		vni_window_claim_end(win);
		kvfree(win);
		return ERR_PTR(ret);
	}
	pr_info("%s: node %u of %u at a window of %llu KiB, %llu KiB a seat, generation %u, doorbell: %s\n",
		win->name, win->seat, win->seats, win->size >> 10, win->section_size >> 10,
		win->generation, win->db ? win->db->ops->name : "none");
	if (!win->private)
		vni_clients_add_window(win);
	return win;
}

/**
 * vni_window_destroy() - leave a window
 * @win: the window; the mapping is the caller's to undo
 *
 * Context: process, may sleep.
 */
void vni_window_destroy(struct vni_window *win)
{
	if (!win->private)
		vni_clients_remove_window(win);
	window_stop(win);
	if (win->db)
		win->db->ops->free(win->db);
	kvfree(win);
}

unsigned int vni_shm_seat(const struct vni_window *win)
{
	return win->seat;
}
EXPORT_SYMBOL_GPL(vni_shm_seat);

unsigned int vni_shm_seats(const struct vni_window *win)
{
	return win->seats;
}
EXPORT_SYMBOL_GPL(vni_shm_seats);

u64 vni_shm_identity(const struct vni_window *win)
{
	return win->identity;
}
EXPORT_SYMBOL_GPL(vni_shm_identity);

const char *vni_shm_name(const struct vni_window *win)
{
	return win->name;
}
EXPORT_SYMBOL_GPL(vni_shm_name);

struct device *vni_shm_device(const struct vni_window *win)
{
	return win->dev;
}
EXPORT_SYMBOL_GPL(vni_shm_device);

u64 vni_shm_offset(const struct vni_window *win, const void *at)
{
	return (const u8 *)at - win->base;
}
EXPORT_SYMBOL_GPL(vni_shm_offset);

struct page *vni_shm_page(const struct vni_window *win, const void *at)
{
	return win->paged ? virt_to_page(at) : NULL;
}
EXPORT_SYMBOL_GPL(vni_shm_page);

bool vni_shm_writable(const struct vni_window *win)
{
	return win->writable;
}
EXPORT_SYMBOL_GPL(vni_shm_writable);
