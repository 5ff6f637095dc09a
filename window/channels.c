// SPDX-License-Identifier: GPL-2.0
/*
 * Channels: a service's piece of this node's section, its doorbells, and its place in the
 * directory.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/slab.h>

#include "window.h"

/* The lowest offset where size bytes are free in this node's section, or 0. */
static u64 channel_place(const struct vni_window *win, u64 size)
{
	u64 at = sizeof(struct vni_section);
	unsigned int i = 0;

	/* each time a channel is in the way, go behind it and look at all again */
	while (i < VNI_CHANNELS) {
		const struct vni_channel *chan = win->channels[i++];

		if (chan && at < chan->offset + chan->size && chan->offset < at + size) {
			at = chan->offset + chan->size;
			i = 0;
		}
	}
	return at + size <= win->section_size ? at : 0;
}

u64 vni_shm_free_space(const struct vni_window *win)
{
	u64 space = win->section_size - sizeof(struct vni_section);
	unsigned int i;

	for (i = 0; i < VNI_CHANNELS; i++)
		space -= win->channels[i] ? win->channels[i]->size : 0;
	return space;
}
EXPORT_SYMBOL_GPL(vni_shm_free_space);

static int channel_insert(struct vni_channel *chan)
{
	struct vni_window *win = chan->win;
	unsigned int i, slot = VNI_CHANNELS;

	for (i = 0; i < VNI_CHANNELS; i++) {
		if (win->channels[i] && win->channels[i]->service == chan->service)
			return -EBUSY;
		if (!win->channels[i] && slot == VNI_CHANNELS)
			slot = i;
	}
	if (slot == VNI_CHANNELS)
		return -EBUSY;
	chan->offset = channel_place(win, chan->size);
	if (!chan->offset)
		return -ENOSPC;
	chan->index = slot;
	win->channels[slot] = chan;
	return 0;
}

/* Show the channel in the directory; also used to show its doorbells once it has them. */
static void channel_show(struct vni_channel *chan)
{
	struct vni_chan_entry *entry = &vni_window_own(chan->win)->channels[chan->index];

	WRITE_ONCE(entry->version, cpu_to_le32(chan->version));
	WRITE_ONCE(entry->offset, cpu_to_le64(chan->offset));
	WRITE_ONCE(entry->size, cpu_to_le64(chan->size));
	WRITE_ONCE(entry->bell_first, cpu_to_le32(chan->bell_first));
	WRITE_ONCE(entry->bell_count, cpu_to_le32(chan->bell_count));
	/* F: the entry before its service; pairs with F' in the others' other_find() */
	virt_store_release(&entry->service, cpu_to_le32(chan->service));
}

struct vni_channel *vni_shm_channel_open(struct vni_window *win, u32 service, u32 version, u64 size,
					 u64 clear, const struct vni_channel_ops *ops, void *priv)
{
	struct vni_channel *chan = kvzalloc(sizeof(*chan), GFP_KERNEL);
	int ret;

	if (!chan)
		return ERR_PTR(-ENOMEM);
	chan->win = win;
	chan->service = service;
	chan->version = version;
	chan->size = round_up(size, VNI_PAGE);
	chan->ops = ops;
	chan->priv = priv;
	mutex_lock(&win->lock);
	ret = channel_insert(chan);
	if (!ret) {
		chan->base = (struct vni_chan *)(vni_window_section(win, win->seat) + chan->offset);
		memset(chan->base, 0, sizeof(*chan->base));
		/* G: sessions of an earlier life are gone before its ends and slots are */
		virt_wmb();
		memset((u8 *)chan->base + sizeof(*chan->base), 0, clear - sizeof(*chan->base));
		channel_show(chan);
	}
	mutex_unlock(&win->lock);
	if (ret) {
		kvfree(chan);
		return ERR_PTR(ret);
	}
	return chan;
}
EXPORT_SYMBOL_GPL(vni_shm_channel_open);

static void bells_release(struct vni_channel *chan, unsigned int count)
{
	struct vni_doorbells *db = chan->win->db;

	while (count--)
		db->ops->release(db, chan->bell_first + count);
}

int vni_shm_channel_bells(struct vni_channel *chan, unsigned int count, bool (*handler)(void *),
			  void **data)
{
	struct vni_window *win = chan->win;
	unsigned int i;
	int ret = 0;

	mutex_lock(&win->lock);
	if (!win->db || win->bells_used + count > VNI_DOORBELLS) {
		ret = -ENOSPC;
		goto out;
	}
	chan->bell_first = win->bells_used;
	for (i = 0; i < count && !ret; i++)
		ret = win->db->ops->request(win->db, chan->bell_first + i, handler, data[i]);
	if (ret) {
		bells_release(chan, i - 1);
		goto out;
	}
	win->bells_used += count;
	chan->bell_count = count;
	vni_window_show_bells(win);
	channel_show(chan);
out:
	mutex_unlock(&win->lock);
	return ret;
}
EXPORT_SYMBOL_GPL(vni_shm_channel_bells);

static void channel_set(struct vni_channel *chan, bool enabled)
{
	mutex_lock(&chan->win->lock);
	chan->enabled = enabled;
	/* down at once, and not with the next look */
	vni_links_step(chan->win);
	mutex_unlock(&chan->win->lock);
}

void vni_shm_channel_enable(struct vni_channel *chan)
{
	channel_set(chan, true);
	vni_window_kick_self(chan->win);
}
EXPORT_SYMBOL_GPL(vni_shm_channel_enable);

void vni_shm_channel_disable(struct vni_channel *chan)
{
	channel_set(chan, false);
}
EXPORT_SYMBOL_GPL(vni_shm_channel_disable);

void vni_shm_channel_close(struct vni_channel *chan)
{
	struct vni_window *win = chan->win;
	unsigned int seat;

	vni_shm_channel_disable(chan);
	mutex_lock(&win->lock);
	if (!READ_ONCE(win->lost))
		WRITE_ONCE(vni_window_own(win)->channels[chan->index].service, 0);
	win->channels[chan->index] = NULL;
	bells_release(chan, chan->bell_count);
	/* numbers are taken in a row: the last one's come free, a hole only with its neighbour */
	if (chan->bell_first + chan->bell_count == win->bells_used)
		win->bells_used -= chan->bell_count;
	vni_window_show_bells(win);
	for (seat = 0; seat < win->seats; seat++) {
		if (seat != win->seat)
			vni_window_kick(win, seat);
	}
	mutex_unlock(&win->lock);
	kvfree(chan);
}
EXPORT_SYMBOL_GPL(vni_shm_channel_close);

void *vni_shm_channel_base(const struct vni_channel *chan)
{
	return chan->base;
}
EXPORT_SYMBOL_GPL(vni_shm_channel_base);
