// SPDX-License-Identifier: GPL-2.0
/*
 * Links: bringing one channel up and down between two seats, without a shared write.
 *
 * Each side offers a session (its ring ends are clean) and acknowledges the other's. Once both
 * acknowledgements stand, both may use each other's ends. A side that wants out withdraws its
 * session, stops using the link, then withdraws its acknowledgement; it cleans its ends only after
 * the other has withdrawn its acknowledgement too, or is dead. So no end is ever cleaned under its
 * user, however the two interleave. Documentation/window-abi.rst has the states as a table.
 *
 * Barriers: F is the store-release of session or ack, F' the load-acquire on the other side: the
 * ends were cleaned before the session is seen, and last used before the ack is seen as gone. D is
 * the full barrier between storing one's own cell and reading the other's, on both sides. G orders
 * the withdrawal of a session before its ends and slots serve anything else; G' is its partner in
 * vni_shm_channel_fresh().
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/jiffies.h>

#include "window.h"

/* Answers to one look at a link; a peer that never rests waits for the next look. */
#define LINK_STEPS 4

static const char *const link_state_names[] = {
	[VNI_LINK_RESET] = "reset", [VNI_LINK_READY] = "ready", [VNI_LINK_UP] = "up",
	[VNI_LINK_FAULT] = "fault", [VNI_LINK_DRAIN] = "drain",
};

const char *vni_link_state_name(enum vni_link_state state)
{
	return link_state_names[state];
}

/* The other seat's channel of the same service, as its directory has it. */
struct other {
	const struct vni_chan *base;
	u64 size;
	u32 version;
	u32 bell_first, bell_count;
	u32 session, ack;
};

static bool other_find(struct vni_channel *chan, unsigned int seat, struct other *out)
{
	struct vni_window *win = chan->win;
	const struct vni_section *sec = vni_window_peer(win, seat);
	unsigned int i;

	memset(out, 0, sizeof(*out));
	if (win->peers[seat].state != VNI_PEER_ALIVE)
		return false;
	for (i = 0; i < VNI_CHANNELS; i++) {
		const struct vni_chan_entry *entry = &sec->channels[i];
		u64 offset;

		/* F': pairs with F in vni_shm_channel_open() */
		if (le32_to_cpu(virt_load_acquire(&entry->service)) != chan->service)
			continue;
		out->version = le32_to_cpu(READ_ONCE(entry->version));
		offset = le64_to_cpu(READ_ONCE(entry->offset));
		out->size = le64_to_cpu(READ_ONCE(entry->size));
		out->bell_first = le32_to_cpu(READ_ONCE(entry->bell_first));
		out->bell_count = le32_to_cpu(READ_ONCE(entry->bell_count));
		if (offset % VNI_PAGE || offset < sizeof(*sec) || offset > win->section_size ||
		    out->size > win->section_size - offset || out->size < sizeof(struct vni_chan))
			return false;
		if (out->bell_count > VNI_DOORBELLS ||
		    out->bell_first > VNI_DOORBELLS - out->bell_count)
			return false;
		out->base = (const struct vni_chan *)((const u8 *)sec + offset);
		/* F': pairs with F in cell_session() and cell_ack() of the other side */
		out->session = le32_to_cpu(virt_load_acquire(&out->base->links[win->seat].session));
		out->ack = le32_to_cpu(virt_load_acquire(&out->base->links[win->seat].ack));
		return true;
	}
	return false;
}

static void cell_session(struct vni_channel *chan, unsigned int seat, u32 session)
{
	chan->links[seat].session = session;
	if (unlikely(READ_ONCE(chan->win->lost)))
		return;
	/* F: the ends were cleaned before; pairs with F' in other_find() */
	virt_store_release(&chan->base->links[seat].session, cpu_to_le32(session));
}

static void cell_ack(struct vni_channel *chan, unsigned int seat, u32 ack)
{
	chan->links[seat].ack = ack;
	if (unlikely(READ_ONCE(chan->win->lost)))
		return;
	/* F: the other's ends were last used before; pairs with F' in other_find() */
	virt_store_release(&chan->base->links[seat].ack, cpu_to_le32(ack));
}

static void link_withdraw(struct vni_channel *chan, unsigned int seat)
{
	cell_ack(chan, seat, 0);
	cell_session(chan, seat, 0);
	vni_window_kick(chan->win, seat);
}

static void link_fail(struct vni_channel *chan, unsigned int seat, const char *why)
{
	struct vni_link *link = &chan->links[seat];
	unsigned int wait;

	if (time_after(jiffies, link->retry + msecs_to_jiffies(VNI_RETRY_FORGET_MS)))
		link->faults = 0;
	wait = min_t(unsigned int, VNI_RETRY_MS << min(link->faults, 6u), VNI_RETRY_MAX_MS);
	link->generation = chan->win->peers[seat].generation;
	link->faults++;
	link->retry = jiffies + msecs_to_jiffies(wait);
	link->state = VNI_LINK_FAULT;
	pr_warn("%s: node %u: link refused: %s; next try in %u s\n", chan->win->name, seat, why,
		wait / 1000);
}

/* A node that has gone or was restarted does not wait for what was in use of its former life. */
static bool link_drained(const struct vni_channel *chan, unsigned int seat)
{
	const struct vni_peer *peer = &chan->win->peers[seat];

	return !chan->ops->busy || peer->state != VNI_PEER_ALIVE ||
	       peer->generation != chan->links[seat].up_generation ||
	       !chan->ops->busy(chan->priv, seat);
}

/*
 * The other may clear its ends and use anew what it lent: not before nothing of that is in use but
 * what it finds told in this node's channel.
 */
static bool link_step_drain(struct vni_channel *chan, unsigned int seat)
{
	if (!link_drained(chan, seat))
		return false;
	chan->links[seat].state = VNI_LINK_RESET;
	if (chan->links[seat].ack) {
		cell_ack(chan, seat, 0);
		vni_window_kick(chan->win, seat);
	}
	return true;
}

static void link_down(struct vni_channel *chan, unsigned int seat)
{
	struct vni_link *link = &chan->links[seat];

	cell_session(chan, seat, 0);
	/* G: the session is withdrawn before ends or slots are used anew; pairs with G' in fresh */
	virt_wmb();
	chan->ops->down(chan->priv, seat);
	link->peer = NULL;
	link->downs++;
	link->state = VNI_LINK_DRAIN;
	vni_window_kick(chan->win, seat);
	link_step_drain(chan, seat);
	pr_info("%s: node %u: link down\n", chan->win->name, seat);
}

static void link_up(struct vni_channel *chan, unsigned int seat, const struct other *other)
{
	struct vni_link *link = &chan->links[seat];
	const char *why = "no reason given";

	WRITE_ONCE(link->fault, NULL);
	link->peer = other->base;
	link->bell_first = other->bell_first;
	link->bell_count = other->bell_count;
	link->up_generation = chan->win->peers[seat].generation;
	if (chan->ops->up(chan->priv, seat, other->base, other->size, other->version, &why)) {
		link->peer = NULL;
		link_withdraw(chan, seat);
		link_fail(chan, seat, why);
		return;
	}
	link->ups++;
	link->state = VNI_LINK_UP;
	pr_info("%s: node %u: link up\n", chan->win->name, seat);
}

static bool link_step_up(struct vni_channel *chan, unsigned int seat, const struct other *other,
			 const char *fault)
{
	struct vni_link *link = &chan->links[seat];
	bool kept = other->session == link->ack && other->ack == link->session;

	if (kept && chan->enabled && !fault)
		return false;
	link_down(chan, seat);
	/* what looked like a fault may be the other's restart, seen half way */
	if (fault && kept)
		link_fail(chan, seat, fault);
	return true;
}

static bool link_step_reset(struct vni_channel *chan, unsigned int seat, const struct other *other)
{
	if (!chan->enabled || other->ack)
		return false;
	chan->ops->reset(chan->priv, seat, other->base, other->size, other->version);
	chan->links[seat].told = other->base;
	/* 0 means none, and the next must differ from the last */
	if (!++chan->win->next_session)
		chan->win->next_session = 1;
	cell_session(chan, seat, chan->win->next_session);
	chan->links[seat].state = VNI_LINK_READY;
	vni_window_kick(chan->win, seat);
	return true;
}

static bool link_step_ready(struct vni_channel *chan, unsigned int seat, const struct other *other)
{
	struct vni_link *link = &chan->links[seat];

	/* what it held as it was reset, it holds no more: it died, or its channel has gone */
	if (!chan->enabled || (link->told && !other->base)) {
		link->state = VNI_LINK_RESET;
		link_withdraw(chan, seat);
		/* at most one session a look: the next one, if any, is offered with the next */
		return false;
	}
	if (link->ack != other->session) {
		cell_ack(chan, seat, other->session);
		vni_window_kick(chan->win, seat);
		return true;
	}
	if (link->ack && other->ack == link->session)
		link_up(chan, seat, other);
	return false;
}

static bool link_step_fault(struct vni_channel *chan, unsigned int seat)
{
	struct vni_link *link = &chan->links[seat];
	bool reborn = chan->win->peers[seat].generation != link->generation;

	if (reborn)
		link->faults = 0;
	if (!reborn && !time_after_eq(jiffies, link->retry))
		return false;
	link->state = VNI_LINK_DRAIN;
	return true;
}

/* One look at the other and one answer to it; true: own session or ack changed, so look again. */
static bool link_step(struct vni_channel *chan, unsigned int seat)
{
	/* before the other's cell, so that its restart is not taken for a fault */
	const char *fault = virt_load_acquire(&chan->links[seat].fault);
	struct other other;

	/*
	 * D: own session or ack stored, virt_mb, the other's read; pairs with D on the other side.
	 * Who withdraws a session sees the ack that stands, or who acknowledges it sees it gone.
	 */
	virt_mb();
	other_find(chan, seat, &other);
	switch (chan->links[seat].state) {
	case VNI_LINK_UP:
		return link_step_up(chan, seat, &other, fault);
	case VNI_LINK_FAULT:
		return link_step_fault(chan, seat);
	case VNI_LINK_RESET:
		return link_step_reset(chan, seat, &other);
	case VNI_LINK_READY:
		return link_step_ready(chan, seat, &other);
	case VNI_LINK_DRAIN:
		return link_step_drain(chan, seat);
	}
	return false;
}

/**
 * vni_links_step() - take each link of each channel one step on, as far as the others allow
 * @win: the window, locked
 *
 * Context: process, may sleep.
 */
void vni_links_step(struct vni_window *win)
{
	unsigned int i, seat;

	lockdep_assert_held(&win->lock);
	for (i = 0; i < VNI_CHANNELS; i++) {
		for (seat = 0; win->channels[i] && seat < win->seats; seat++) {
			unsigned int tries = LINK_STEPS;

			while (seat != win->seat && link_step(win->channels[i], seat) && --tries)
				;
		}
	}
}

/**
 * vni_links_repeat() - say again what this node says of its links
 * @win: the window, locked
 *
 * The same words as before: nothing changes, unless somebody else wrote into our section.
 *
 * Context: process.
 */
void vni_links_repeat(struct vni_window *win)
{
	unsigned int i, seat;

	lockdep_assert_held(&win->lock);
	for (i = 0; i < VNI_CHANNELS; i++) {
		struct vni_channel *chan = win->channels[i];

		for (seat = 0; chan && !READ_ONCE(win->lost) && seat < win->seats; seat++) {
			WRITE_ONCE(chan->base->links[seat].session,
				   cpu_to_le32(chan->links[seat].session));
			WRITE_ONCE(chan->base->links[seat].ack, cpu_to_le32(chan->links[seat].ack));
		}
	}
}

bool vni_shm_channel_fresh(struct vni_channel *chan, unsigned int seat)
{
	const struct vni_link *link = &chan->links[seat];
	const struct vni_chan *peer = READ_ONCE(link->peer);

	/* G': what was copied out was read before this; pairs with G in the other's link_down() */
	virt_rmb();
	return peer && le32_to_cpu(READ_ONCE(peer->links[chan->win->seat].session)) == link->ack;
}
EXPORT_SYMBOL_GPL(vni_shm_channel_fresh);

bool vni_shm_channel_held(struct vni_channel *chan, unsigned int seat)
{
	struct other other;

	mutex_lock(&chan->win->lock);
	other_find(chan, seat, &other);
	mutex_unlock(&chan->win->lock);
	return other.ack;
}
EXPORT_SYMBOL_GPL(vni_shm_channel_held);

bool vni_shm_channel_ring(struct vni_channel *chan, unsigned int seat, unsigned int bell)
{
	const struct vni_link *link = &chan->links[seat];
	u32 count = READ_ONCE(link->bell_count);

	if (!count)
		return false;
	return vni_window_ring(chan->win, seat, READ_ONCE(link->bell_first) + bell % count);
}
EXPORT_SYMBOL_GPL(vni_shm_channel_ring);

void vni_shm_channel_fault(struct vni_channel *chan, unsigned int seat, const char *why)
{
	virt_store_release(&chan->links[seat].fault, why);
	vni_window_kick_self(chan->win);
}
EXPORT_SYMBOL_GPL(vni_shm_channel_fault);
