/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What vni_shm.ko offers to the modules that provide a service at the window, such as vni.ko.
 *
 * A client hears of every window; at a window it opens a channel, a piece of this node's section;
 * the channel has a link to each seat where a node with the same service sits. vni_shm finds the
 * peers, brings links up and down, and carries doorbells. What travels is the client's.
 */
#ifndef VNI_SHM_H
#define VNI_SHM_H

#include <linux/list.h>
#include <linux/types.h>
#include "vni_abi.h"

struct device;
struct page;
struct vni_window;
struct vni_channel;

/**
 * struct vni_shm_client - a service's module
 * @name: for messages
 * @add: a window is there; return the client's own pointer for it or an ERR_PTR(); may sleep
 * @remove: the window goes; when it returns the channel is closed; may sleep
 * @flush: programs use pages of a window that has gone: have what they have read freed, soon; must
 *	not sleep
 * @entry: vni_shm's own
 */
struct vni_shm_client {
	const char *name;
	void *(*add)(struct vni_window *win);
	void (*remove)(struct vni_window *win, void *priv);
	void (*flush)(void);
	struct list_head entry;
};

/**
 * vni_shm_client_register() - make a client known; @add is called for each window there is
 * @client: stays valid until it is unregistered
 *
 * Context: process, may sleep.
 * Return: 0, or the first error of @add if it failed for every window there is.
 */
int vni_shm_client_register(struct vni_shm_client *client);

/**
 * vni_shm_client_unregister() - @remove is called for each window, then the client is unknown
 * @client: as registered
 *
 * Context: process, may sleep.
 */
void vni_shm_client_unregister(struct vni_shm_client *client);

/* What a window is; constant from the client's @add to the end of its @remove. */
unsigned int vni_shm_seat(const struct vni_window *win);	/* this node's id */
unsigned int vni_shm_seats(const struct vni_window *win);	/* how many there are */
u64 vni_shm_identity(const struct vni_window *win);		/* tells windows apart */
const char *vni_shm_name(const struct vni_window *win);		/* for messages */
struct device *vni_shm_device(const struct vni_window *win);	/* the parent device, or NULL */

/**
 * vni_shm_page() - the page that holds an address in a window
 * @win: the window
 * @at: the address
 *
 * The pages of a window follow each other. Each has one reference that is the window's own; who has
 * others use a page takes one more, and nobody uses it any more when the count is back at one.
 *
 * Context: any.
 * Return: the page, or NULL where a window's memory has none, or of another size than VNI_PAGE.
 */
struct page *vni_shm_page(const struct vni_window *win, const void *at);

/**
 * vni_shm_writable() - can this processor write to the other nodes' sections
 * @win: the window
 *
 * Nothing here may: but where it cannot, who does so by mistake is stopped by an oops.
 */
bool vni_shm_writable(const struct vni_window *win);

/**
 * vni_shm_offset() - where in a window an address is
 * @win: the window
 * @at: the address
 *
 * Return: bytes from the window's start: the same at every node.
 */
u64 vni_shm_offset(const struct vni_window *win, const void *at);

/**
 * vni_shm_free_space() - bytes of this node's section that channels may still take
 * @win: the window
 */
u64 vni_shm_free_space(const struct vni_window *win);

/*
 * A pair: a window of two seats in ordinary memory, both taken by this kernel, for one client that
 * asks for it. It is not announced by vni_shm_client.add.
 */
struct vni_shm_pair;

#define VNI_PAIR_SEAT_MIN (2u << 20)	/* bytes a seat */
#define VNI_PAIR_SEAT_MAX (64u << 20)

/**
 * vni_shm_pair_create() - make a window and sit down at both of its seats
 * @seat_size: bytes of each seat's section, VNI_PAIR_SEAT_MIN to VNI_PAIR_SEAT_MAX, a multiple of
 *	VNI_SECTION_ALIGN
 *
 * The memory is charged to the caller's memory cgroup.
 *
 * Context: process, may sleep; the RTNL may be held.
 * Return: the pair, or an ERR_PTR(): -ENOMEM, or -EINVAL for another @seat_size.
 */
struct vni_shm_pair *vni_shm_pair_create(u64 seat_size);

/**
 * vni_shm_pair_destroy() - leave both seats and give the memory back
 * @pair: all channels at both windows are closed
 *
 * Context: process, may sleep; the RTNL may be held.
 */
void vni_shm_pair_destroy(struct vni_shm_pair *pair);

/**
 * vni_shm_pair_window() - the window as one of the seats has it
 * @pair: the pair
 * @seat: 0 or 1
 */
struct vni_window *vni_shm_pair_window(const struct vni_shm_pair *pair, unsigned int seat);

/**
 * struct vni_channel_ops - what vni_shm asks of a client about one link
 * @reset: clear this node's ring ends towards @seat; nobody uses the link. @peer is the other's
 *	channel (untrusted, @size bytes, of @version) if it is there and has let go of the last
 *	session; NULL: it has gone, or was not seen yet. If it goes afterwards, @reset is called
 *	again before @up
 * @up: both sides are ready. @peer is the other's channel (untrusted, @size bytes, of @version):
 *	check it, copy what is needed, start. An error refuses the link; @why says to people why
 * @down: stop; when it returns no context touches the other's rings, and this node's channel says
 *	what is to be known of what it goes on using
 * @busy: optional: after @down, is something of the other's still in use here that this node's
 *	channel does not tell of? The other learns that its session is over only when this says no,
 *	or the other has gone
 * Context: process, one call at a time for a window; may sleep, must not take the RTNL.
 */
struct vni_channel_ops {
	void (*reset)(void *priv, unsigned int seat, const void *peer, u64 size, u32 version);
	int (*up)(void *priv, unsigned int seat, const void *peer, u64 size, u32 version,
		  const char **why);
	void (*down)(void *priv, unsigned int seat);
	bool (*busy)(void *priv, unsigned int seat);
};

/**
 * vni_shm_channel_open() - get a channel in this node's section, with all links disabled
 * @win: the window
 * @service: enum vni_service, not open at this window yet
 * @version: of the service's layout
 * @size: bytes, rounded up to pages
 * @clear: so many of them, from the first one on, are zeroed, at least a struct vni_chan. What lies
 *	behind stays as it was: others may still use what this node's former life lent them
 * @ops: the callbacks
 * @priv: their first argument
 *
 * Context: process, may sleep.
 * Return: the channel, or an ERR_PTR(): -EBUSY if the service is open, -ENOSPC if the section has
 * no room.
 */
struct vni_channel *vni_shm_channel_open(struct vni_window *win, u32 service, u32 version, u64 size,
					 u64 clear, const struct vni_channel_ops *ops, void *priv);

/**
 * vni_shm_channel_close() - give a channel back; its links are disabled first
 * @chan: the channel
 *
 * Context: process, may sleep.
 */
void vni_shm_channel_close(struct vni_channel *chan);

/**
 * vni_shm_channel_bells() - get doorbells for a channel
 * @chan: a channel without doorbells, whose links are disabled
 * @count: how many
 * @handler: called in hard interrupt context with one of @data; true: there was work lately
 * @data: array of @count arguments
 *
 * Context: process, may sleep.
 * Return: 0 or an error; then the channel has none.
 */
int vni_shm_channel_bells(struct vni_channel *chan, unsigned int count, bool (*handler)(void *),
			  void **data);

/**
 * vni_shm_channel_enable() - let links come up
 * @chan: the channel
 *
 * Context: process, may sleep.
 */
void vni_shm_channel_enable(struct vni_channel *chan);

/**
 * vni_shm_channel_disable() - take all links down and keep them down
 * @chan: the channel; when this returns no callback runs and none will
 *
 * Context: process, may sleep.
 */
void vni_shm_channel_disable(struct vni_channel *chan);

/* The channel's memory in this node's section; begins with struct vni_chan. */
void *vni_shm_channel_base(const struct vni_channel *chan);

/**
 * vni_shm_channel_fresh() - does the other side still keep to the session that this link runs
 * @chan: the channel
 * @seat: a seat whose link is up
 *
 * What was copied out of the peer's section before a call that returns true was not reused by a
 * peer that had given this node up for dead.
 *
 * Context: any.
 */
bool vni_shm_channel_fresh(struct vni_channel *chan, unsigned int seat);

/**
 * vni_shm_channel_ring() - ring a doorbell of the same channel at another seat
 * @chan: the channel
 * @seat: whose
 * @bell: number within the channel; reduced to those that the other has
 *
 * Context: any but NMI.
 * Return: true if it was rung, false if that seat has no doorbell that can be.
 */
bool vni_shm_channel_ring(struct vni_channel *chan, unsigned int seat, unsigned int bell);

/**
 * vni_shm_channel_fault() - the other side broke the rules: its link goes down for a while
 * @chan: the channel
 * @seat: whose link
 * @why: a constant text for the log
 *
 * Context: any but NMI.
 */
void vni_shm_channel_fault(struct vni_channel *chan, unsigned int seat, const char *why);

/**
 * vni_shm_channel_held() - does the other side still hold on to the last session of a link
 * @chan: the channel, disabled
 * @seat: whose link
 *
 * Context: process, may sleep.
 * Return: true while it may use what it was lent.
 */
bool vni_shm_channel_held(struct vni_channel *chan, unsigned int seat);

#endif /* VNI_SHM_H */
