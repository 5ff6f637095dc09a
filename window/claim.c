// SPDX-License-Identifier: GPL-2.0
/*
 * Choosing a seat among nodes that do so at the same time, without an atomic access.
 *
 * A vacant seat's last 16th is a line for each node that may come; a node raises its own and looks
 * at the others'. It takes the seat once no other claim stands; who sees one with a lower number
 * takes its own back and waits, who sees only higher ones waits with its own standing. That is
 * mutual exclusion with one bit a node and needs no timing, but for nodes that die over it: a claim
 * that has not moved for dead_ms counts no more, as with a node's heartbeat.
 *
 * Where nodes have no number, each takes a line by chance and, should two meet on one, another.
 * Channels lie lower in the section, so a claim that comes late hurts nobody.
 *
 * H: own claim raised, virt_mb, the others' read; pairs with H of the other. I: the seat is taken
 * (ident), store-release of the claim's end; pairs with I', load-acquire of the claim before ident
 * is looked at again: who misses the claim sees that the seat is taken.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "window.h"

#define CLAIM_LOOK_MS 10
#define CLAIM_LOOKS   1000 /* for one seat; then the next is tried */
#define CLAIM_WATCHED 16   /* claims of others at a time; more count as standing */

/* Another's claim, as last seen. */
struct watched {
	u64 nonce, beat;
	u32 line;
	unsigned long since; /* jiffies */
};

struct claimant {
	const struct vni_claimant *me;
	struct vni_claim *lines;
	u32 count, line;
	u64 nonce, beat;
	bool raised;
	struct watched watched[CLAIM_WATCHED];
	unsigned int nwatched;
};

/* What stands against a claim. */
enum rival {
	RIVAL_NONE,
	RIVAL_HIGHER,
	RIVAL_LOWER,
	RIVAL_SAME, /* another node writes the same line */
};

static void claim_raise(struct claimant *c)
{
	struct vni_claim *own = &c->lines[c->line];

	if (!c->raised) {
		WRITE_ONCE(own->nonce, cpu_to_le64(c->nonce));
		WRITE_ONCE(own->beat, cpu_to_le64(++c->beat));
		virt_store_release(&own->magic, cpu_to_le64(VNI_CLAIM_MAGIC));
		c->raised = true;
	} else {
		WRITE_ONCE(own->beat, cpu_to_le64(++c->beat));
	}
	/* H: own claim raised, the others' read; pairs with H of the other */
	virt_mb();
}

static void claim_lower(struct claimant *c)
{
	if (c->raised)
		WRITE_ONCE(c->lines[c->line].magic, 0);
	c->raised = false;
}

static void claim_choose_line(struct claimant *c)
{
	bool chance = c->me->number >= c->count;

	c->line = chance ? reciprocal_scale(get_random_u32(), c->count) : c->me->number;
	c->nonce = get_random_u64();
}

/* Has this claim not moved for so long that its node must have died? */
static bool claim_stale(struct claimant *c, u32 line)
{
	u64 nonce = le64_to_cpu(READ_ONCE(c->lines[line].nonce));
	u64 beat = le64_to_cpu(READ_ONCE(c->lines[line].beat));
	struct watched *w = NULL;
	unsigned int i;

	for (i = 0; i < c->nwatched && !w; i++) {
		if (c->watched[i].line == line)
			w = &c->watched[i];
	}
	if (w && w->nonce == nonce && w->beat == beat)
		return time_after(jiffies, w->since + msecs_to_jiffies(vni_dead_ms));
	if (!w && c->nwatched < CLAIM_WATCHED)
		w = &c->watched[c->nwatched++];
	if (w)
		*w = (struct watched){ nonce, beat, line, jiffies };
	return false;
}

static enum rival claim_rival(struct claimant *c)
{
	enum rival rival = RIVAL_NONE;
	u32 i;

	if (c->raised && le64_to_cpu(READ_ONCE(c->lines[c->line].nonce)) != c->nonce)
		return RIVAL_SAME;
	for (i = 0; i < c->count; i++) {
		/* I': pairs with I in vni_window_claim_end() */
		if (le64_to_cpu(virt_load_acquire(&c->lines[i].magic)) != VNI_CLAIM_MAGIC)
			continue;
		if (i == c->line && c->raised)
			continue;
		if (claim_stale(c, i))
			continue;
		if (i <= c->line)
			return RIVAL_LOWER;
		rival = RIVAL_HIGHER;
	}
	return rival;
}

/* Is the seat as the survey saw it? */
static bool seat_untouched(const struct vni_window *win, unsigned int seat,
			   const struct vni_seat_seen *seen)
{
	const struct vni_section *sec = vni_window_peer(win, seat);
	u64 magic = le64_to_cpu(READ_ONCE(sec->ident.magic));
	bool joined;

	if (magic != VNI_MAGIC)
		return !seen->generation && !magic;
	joined = le32_to_cpu(READ_ONCE(sec->life.state)) == VNI_LIFE_JOINED;
	if (joined != seen->joined ||
	    le32_to_cpu(READ_ONCE(sec->ident.generation)) != seen->generation)
		return false;
	return !joined || le64_to_cpu(READ_ONCE(sec->life.heartbeat)) == seen->heartbeat;
}

/* Did this node sit here in an earlier life? Nobody else has its peer id. */
static bool seat_was_ours(const struct vni_window *win, unsigned int seat,
			  const struct vni_claimant *me)
{
	const struct vni_bell *bell = &vni_window_peer(win, seat)->bells[0];

	return me->bell != VNI_CLAIM_NO_NUMBER &&
	       le32_to_cpu(READ_ONCE(bell->kind)) == VNI_DOORBELL_IVSHMEM &&
	       lower_32_bits(le64_to_cpu(READ_ONCE(bell->where))) == me->bell;
}

/* Compete for one seat. 0: it is ours, and the claim stands. -EBUSY: somebody else has it. */
static int claim_seat(struct vni_window *win, struct claimant *c, unsigned int seat,
		      const struct vni_seat_seen *seen)
{
	u64 share = div_u64(win->section_size, VNI_CLAIM_SHARE);
	unsigned int looks;

	c->count = min_t(u64, div_u64(share, sizeof(struct vni_claim)), VNI_CLAIMS_MAX);
	c->lines = (struct vni_claim *)(vni_window_section(win, seat + 1) -
					c->count * sizeof(struct vni_claim));
	c->nwatched = 0;
	claim_choose_line(c);
	for (looks = 0; looks < CLAIM_LOOKS; looks++) {
		enum rival rival;

		if (!seat_untouched(win, seat, seen))
			break;
		if (!looks || c->raised)
			claim_raise(c);
		rival = claim_rival(c);
		if (!c->raised && rival <= RIVAL_HIGHER) {
			/* those that were in the way are gone: once more from the start */
			claim_raise(c);
			rival = claim_rival(c);
		}
		if (rival == RIVAL_NONE) {
			if (!seat_untouched(win, seat, seen))
				break;
			win->claim = &c->lines[c->line];
			return 0;
		}
		if (rival == RIVAL_SAME) {
			c->raised = false;
			claim_choose_line(c);
		} else if (rival == RIVAL_LOWER) {
			claim_lower(c);
		}
		msleep(CLAIM_LOOK_MS);
	}
	claim_lower(c);
	return -EBUSY;
}

/* A seat whose owner is silent may be taken once it has been so for dead_ms. */
static bool seat_silent(const struct vni_window *win, unsigned int seat,
			const struct vni_seat_seen *seen)
{
	unsigned long end = jiffies + msecs_to_jiffies(vni_dead_ms);

	while (time_before(jiffies, end)) {
		if (!seat_untouched(win, seat, seen))
			return false;
		msleep(CLAIM_LOOK_MS);
	}
	return seat_untouched(win, seat, seen);
}

/* How good a seat is for this node; the lowest is tried first, -1 never. */
static int seat_rank(const struct vni_window *win, unsigned int seat, const struct vni_claimant *me,
		     const struct vni_seat_seen *seen)
{
	if (seen->garbage || seen->alive || (me->only && seat != me->wish))
		return -1;
	if (seat == me->wish)
		return 0;
	if (seen->generation && seat_was_ours(win, seat, me))
		return 1;
	return seen->joined ? 3 : 2;
}

static int best_seat(const struct vni_window *win, const struct vni_claimant *me,
		     const struct vni_seat_seen *seen)
{
	int best = -1, best_rank = INT_MAX;
	unsigned int seat;

	for (seat = 0; seat < win->seats; seat++) {
		int rank = seat_rank(win, seat, me, &seen[seat]);

		if (rank >= 0 && rank < best_rank) {
			best = seat;
			best_rank = rank;
		}
	}
	return best;
}

static int no_seat(const struct vni_window *win, const struct vni_claimant *me)
{
	if (me->only)
		pr_err("%s: refused: seat %u was taken by another node just now; give this node another node= (below %u)\n",
		       win->name, me->wish, win->seats);
	else
		pr_err("%s: refused: none of the %u seats is free: they hold living nodes, or something that is no VNI section; give all nodes more seats=, or if nothing there counts, load one node with format=1\n",
		       win->name, win->seats);
	return -EBUSY;
}

/**
 * vni_window_claim() - choose a seat and become the only one that may sit down there
 * @win: laid out; seat is set here
 * @me: who asks
 * @seen: what the survey saw, an entry a seat; used up
 *
 * Context: process; sleeps, up to dead_ms for each seat whose owner is silent.
 * Return: 0, or an error whose reason was logged.
 */
int vni_window_claim(struct vni_window *win, const struct vni_claimant *me,
		     struct vni_seat_seen *seen)
{
	struct claimant *c = kzalloc(sizeof(*c), GFP_KERNEL);
	int seat, ret = -EBUSY;

	if (!c)
		return -ENOMEM;
	c->me = me;
	while (ret) {
		seat = best_seat(win, me, seen);
		if (seat < 0)
			break;
		if (!seen[seat].joined || seat_was_ours(win, seat, me) ||
		    seat_silent(win, seat, &seen[seat]))
			ret = claim_seat(win, c, seat, &seen[seat]);
		/* not to be tried again */
		seen[seat].alive = true;
	}
	kfree(c);
	if (ret)
		return no_seat(win, me);
	win->seat = seat;
	return 0;
}

/**
 * vni_window_check_seat() - does this node still sit where it sat down
 * @win: the window
 *
 * A node that stood still for long, such as a virtual machine that was paused, was taken for dead,
 * and its seat may be another's now. All that is left then is vni_window_destroy(), which keeps its
 * hands off the section.
 *
 * Context: any.
 * Return: true if it does.
 */
bool vni_window_check_seat(struct vni_window *win)
{
	const struct vni_section *own = vni_window_own(win);

	if (le64_to_cpu(READ_ONCE(own->ident.magic)) == VNI_MAGIC &&
	    le32_to_cpu(READ_ONCE(own->ident.generation)) == win->generation)
		return true;
	WRITE_ONCE(win->lost, true);
	return false;
}

/**
 * vni_window_claim_end() - the seat is taken, or given up: the claim need not stand any more
 * @win: the window
 *
 * Context: process.
 */
void vni_window_claim_end(struct vni_window *win)
{
	if (!win->claim)
		return;
	/* I: the seat was taken before; pairs with I' in claim_rival() */
	virt_store_release(&win->claim->magic, 0);
	win->claim = NULL;
}
