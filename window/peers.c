// SPDX-License-Identifier: GPL-2.0
/*
 * The other seats: who is there, alive, and compatible; and how to ring them.
 *
 * Everything read here was written by a stranger. Each value is copied once and then checked.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bits.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>

#include "window.h"

static const char *const peer_state_names[] = {
	[VNI_PEER_ABSENT] = "absent",
	[VNI_PEER_SILENT] = "silent",
	[VNI_PEER_ALIVE] = "alive",
	[VNI_PEER_REFUSED] = "refused",
};

const char *vni_peer_state_name(enum vni_peer_state state)
{
	return peer_state_names[state];
}

/**
 * vni_ident_check() - does a section fit this node's view of the window
 * @win: the window
 * @ident: a private copy of the section's first line, whose magic is right
 * @seat: where it lies
 * @why: on failure: what was expected and what came, for people
 * @len: bytes in @why
 *
 * Context: any.
 * Return: 0 or -EPROTO.
 */
int vni_ident_check(const struct vni_window *win, const struct vni_ident *ident, unsigned int seat,
		    char *why, size_t len)
{
	u32 version = le32_to_cpu(ident->version);

	if (version >> 16 != VNI_VERSION_MAJOR)
		snprintf(why, len, "window version %u.%u, expected %u.%u", version >> 16,
			 version & 0xffff, VNI_VERSION_MAJOR, VNI_VERSION_MINOR);
	else if (le64_to_cpu(ident->window_size) != win->size)
		snprintf(why, len, "window of %llu bytes, expected %llu",
			 le64_to_cpu(ident->window_size), win->size);
	else if (le32_to_cpu(ident->seats) != win->seats)
		snprintf(why, len, "%u seats, expected %u", le32_to_cpu(ident->seats), win->seats);
	else if (le64_to_cpu(ident->section_size) != win->section_size)
		snprintf(why, len, "sections of %llu bytes, expected %llu",
			 le64_to_cpu(ident->section_size), win->section_size);
	else if (le32_to_cpu(ident->seat) != seat)
		snprintf(why, len, "calls itself node %u", le32_to_cpu(ident->seat));
	else if (!ident->generation)
		snprintf(why, len, "generation 0, expected 1 or more");
	else
		return 0;
	return -EPROTO;
}

/*
 * A doorbell as the other wrote it, checked, in one word; 0 if it has none or it cannot be rung.
 * refused tells the latter.
 */
static u64 bell_read(struct vni_window *win, unsigned int seat, unsigned int bell, bool *refused)
{
	const struct vni_bell *from = &vni_window_peer(win, seat)->bells[bell];
	u64 where = le64_to_cpu(READ_ONCE(from->where));
	struct vni_bell_target target = {
		.kind = le32_to_cpu(READ_ONCE(from->kind)),
		.target = lower_32_bits(where),
		.data = upper_32_bits(where),
	};
	int ret = -EPROTO;

	*refused = false;
	if (target.kind == VNI_DOORBELL_NONE)
		return 0;
	if (target.kind <= 0xff && target.data <= 0xffffff && win->db)
		ret = win->db->ops->check(win->db, &target);
	*refused = ret && ret != -EOPNOTSUPP;
	return ret ? 0 : (u64)target.kind << 56 | where;
}

static void peer_bells(struct vni_window *win, unsigned int seat)
{
	struct vni_peer *peer = &win->peers[seat];
	unsigned int i;
	bool refused;

	for (i = 0; i < VNI_DOORBELLS; i++) {
		u64 word = bell_read(win, seat, i, &refused);

		if (refused)
			pr_warn_ratelimited("%s: node %u: doorbell %u is refused: it does not lead to that node\n",
					    win->name, seat, i);
		WRITE_ONCE(peer->bells[i], word);
	}
}

static void peer_set(struct vni_window *win, unsigned int seat, enum vni_peer_state state)
{
	struct vni_peer *peer = &win->peers[seat];
	enum vni_peer_state before = peer->state;

	if (state == before)
		return;
	peer->state = state;
	if (state == VNI_PEER_ALIVE)
		pr_info("%s: node %u is here, generation %u\n", win->name, seat, peer->generation);
	else if (state == VNI_PEER_REFUSED)
		pr_warn("%s: node %u is refused: %s; its link stays down\n", win->name, seat,
			peer->why);
	else if (state == VNI_PEER_SILENT && before == VNI_PEER_ALIVE)
		pr_info("%s: node %u gave no sign for %u ms and is taken for dead\n", win->name,
			seat, vni_dead_ms);
	else if (state == VNI_PEER_ABSENT && before == VNI_PEER_ALIVE)
		pr_info("%s: node %u left\n", win->name, seat);
}

/* A valid section of a node that says it is there: has its heartbeat moved lately? */
static enum vni_peer_state peer_life(struct vni_window *win, unsigned int seat, u32 generation)
{
	const struct vni_section *sec = vni_window_peer(win, seat);
	struct vni_peer *peer = &win->peers[seat];
	u64 heartbeat = le64_to_cpu(READ_ONCE(sec->life.heartbeat));

	if (peer->generation != generation || peer->state == VNI_PEER_ABSENT ||
	    peer->state == VNI_PEER_REFUSED) {
		peer->generation = generation;
		peer->beaten = false;
		peer->heartbeat = heartbeat;
		peer->seen = jiffies;
	}
	if (peer->heartbeat != heartbeat) {
		peer->heartbeat = heartbeat;
		peer->beaten = true;
		peer->seen = jiffies;
	}
	if (!peer->beaten)
		return VNI_PEER_SILENT;
	return time_before(jiffies, peer->seen + msecs_to_jiffies(vni_dead_ms)) ? VNI_PEER_ALIVE :
										  VNI_PEER_SILENT;
}

static void peer_look(struct vni_window *win, unsigned int seat)
{
	const struct vni_section *sec = vni_window_peer(win, seat);
	struct vni_peer *peer = &win->peers[seat];
	struct vni_ident ident = {};
	u64 magic;

	/* E': pairs with E in the other's vni_window_sit() */
	magic = le64_to_cpu(virt_load_acquire(&sec->ident.magic));
	ident.version = READ_ONCE(sec->ident.version);
	ident.seat = READ_ONCE(sec->ident.seat);
	ident.window_size = READ_ONCE(sec->ident.window_size);
	ident.section_size = READ_ONCE(sec->ident.section_size);
	ident.seats = READ_ONCE(sec->ident.seats);
	ident.generation = READ_ONCE(sec->ident.generation);
	/* read while the seat was being taken: wait for the next look; pairs with E'' in sit */
	virt_rmb();
	if (le64_to_cpu(READ_ONCE(sec->ident.magic)) != magic)
		magic = 0;

	if (!magic) {
		peer_set(win, seat, VNI_PEER_ABSENT);
	} else if (magic != VNI_MAGIC) {
		snprintf(peer->why, sizeof(peer->why), "no VNI section but 0x%016llx", magic);
		peer_set(win, seat, VNI_PEER_REFUSED);
	} else if (le32_to_cpu(READ_ONCE(sec->life.state)) != VNI_LIFE_JOINED) {
		peer_set(win, seat, VNI_PEER_ABSENT);
	} else if (vni_ident_check(win, &ident, seat, peer->why, sizeof(peer->why))) {
		peer_set(win, seat, VNI_PEER_REFUSED);
	} else {
		peer_set(win, seat, peer_life(win, seat, le32_to_cpu(ident.generation)));
		peer_bells(win, seat);
	}
}

/*
 * This node stood still for longer than between two looks: what held it up may have held up the
 * others as well, a virtual machine's host for one. Silence counts only while somebody listens.
 */
static void peers_forgive(struct vni_window *win, unsigned long missed)
{
	unsigned int seat;

	for (seat = 0; seat < win->seats; seat++) {
		/* seen as late as now at the latest */
		win->peers[seat].seen += min(missed, jiffies - win->peers[seat].seen);
	}
}

/**
 * vni_peers_look() - look at all other seats
 * @win: the window, locked
 *
 * Context: process.
 */
void vni_peers_look(struct vni_window *win)
{
	unsigned long now = jiffies, beats = msecs_to_jiffies(2 * VNI_PERIOD_MS);
	unsigned int seat;
	bool deaf = false;

	lockdep_assert_held(&win->lock);
	if (win->looked && time_after(now, win->looked + beats))
		peers_forgive(win, now - win->looked - beats);
	win->looked = now;
	for (seat = 0; seat < win->seats; seat++) {
		if (seat == win->seat)
			continue;
		peer_look(win, seat);
		deaf |= win->peers[seat].state == VNI_PEER_ALIVE &&
			READ_ONCE(vni_window_peer(win, seat)->bells[0].kind) ==
				cpu_to_le32(VNI_DOORBELL_NONE);
	}
	if (win->db && win->db->ops->deaf)
		win->db->ops->deaf(win->db, deaf);
}

/**
 * vni_window_ring() - ring a doorbell of another seat
 * @win: the window
 * @seat: whose
 * @bell: which of its doorbells
 *
 * Context: any but NMI.
 * Return: true if it was rung.
 */
bool vni_window_ring(struct vni_window *win, unsigned int seat, unsigned int bell)
{
	u64 word = READ_ONCE(win->peers[seat].bells[bell]);
	u64 where = le64_to_cpu(READ_ONCE(vni_window_peer(win, seat)->bells[bell].where));
	struct vni_bell_target target;
	bool refused;

	if (!word) {
		if (win->db && win->db->ops->hurry)
			win->db->ops->hurry(win->db);
		return false;
	}
	/* it moved to another processor since it was checked */
	if (unlikely((word & GENMASK_ULL(55, 0)) != where)) {
		word = bell_read(win, seat, bell, &refused);
		WRITE_ONCE(win->peers[seat].bells[bell], word);
		if (!word)
			return false;
	}
	target.kind = word >> 56;
	target.data = word >> 32 & 0xffffff;
	target.target = lower_32_bits(word);
	win->db->ops->ring(win->db, &target);
	return true;
}
