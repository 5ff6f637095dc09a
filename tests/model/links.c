// SPDX-License-Identifier: GPL-2.0
/*
 * Model: the link between two nodes. Each runs window/links.c and window/channels.c as they are; a
 * sender on node 0 and a receiver on node 1 use the link meanwhile. Nodes crash and come back, are
 * disabled and enabled, close their channel and open it again, and take each other for dead while
 * the other is only slow, at any access. What must hold stands in README.rst in this directory.
 */
#include <stdio.h>
#include <string.h>

#include "links.h"

static const struct budget *budget;
static bool strict; /* opening counts as cleaning */
bool lending;
#define T(thread) (1u << (thread))

static const struct m_loc locs[] = {
	[SERVICE0] = { "0.service", &window[0].head.channels[0].service, false, T(WORK1) },
	[SERVICE1] = { "1.service", &window[1].head.channels[0].service, false, T(WORK0) },
	[SESSION0] = { "0.session", &window[0].chan.links[1].session, true,
		       T(WORK1) | T(RECEIVER) },
	[SESSION1] = { "1.session", &window[1].chan.links[0].session, true, T(WORK0) },
	[ACK0] = { "0.ack", &window[0].chan.links[1].ack, true, T(WORK1) },
	[ACK1] = { "1.ack", &window[1].chan.links[0].ack, true, T(WORK0) },
	[HEAD] = { "0.head", &window[0].index, true, T(RECEIVER) },
	[SLOT] = { "0.slot", &window[0].slot, true, T(RECEIVER) },
	[HELD] = { "1.held", &window[1].held, false, T(WORK0) },
	[FAULT1] = { "1 link.fault", &chans[1].links[0].fault, false, T(WORK1) | T(RECEIVER) },
};

static bool match(const struct node *a, const struct node *b)
{
	return a->up_ack == b->up_session && b->up_ack == a->up_session;
}

bool m_ghost_step(struct m_state *st, unsigned int thread, unsigned int what, u32 arg, u32 *answer)
{
	struct links *l = user(st);
	unsigned int n = thread & 1;
	struct node *me = &l->node[n], *other = &l->node[!n];

	switch (what) {
	case GHOST_SPEND:
		if (arg == DISABLE)
			l->left.disables--;
		else
			l->left.reloads--;
		break;
	case GHOST_LOOK:
		me->looked = me->alive;
		*answer = me->alive;
		break;
	case GHOST_CLEAN:
		if (other->running && me->looked)
			m_fail("ring ends are cleaned while the other uses them");
		break;
	case GHOST_OPENED:
		if (other->running && me->looked && strict)
			m_fail("a channel is cleared while the other uses it");
		break;
	case GHOST_UP:
		me->running = true;
		me->up_session = chans[n].links[!n].session;
		me->up_ack = chans[n].links[!n].ack;
		if (other->running && !match(me, other))
			m_fail("both are up, and not with each other");
		me->used = false;
		m_view_join(st, SENDER + n, WORK0 + n);
		break;
	case GHOST_LENT:
		*answer = me->lent;
		break;
	case GHOST_WRITE:
		if (other->keeps && me->looked)
			m_fail("a frame is overwritten that a program has not read");
		other->keeps = false;
		me->lent = lending && arg;
		break;
	case GHOST_ADOPT:
		me->lent = true;
		break;
	case GHOST_KEEP:
		me->keeps = lending;
		break;
	case GHOST_KEPT:
		*answer = me->keeps;
		break;
	case GHOST_LOSE:
		me->keeps = false;
		break;
	case GHOST_UNLINK:
		me->sync = true;
		break;
	case GHOST_SYNC:
		if (st->thread[SENDER + n].action)
			return false;
		m_view_join(st, WORK0 + n, SENDER + n);
		me->sync = false;
		me->running = false;
		me->up_session = me->up_ack = 0;
		me->used = false;
		break;
	}
	return true;
}

static u32 actions(const struct m_state *st, unsigned int thread)
{
	const struct links *l = user((struct m_state *)st);
	const struct node *me = &l->node[thread & 1];

	if (thread == SENDER || thread == RECEIVER) {
		if (!me->running || me->sync || me->state != VNI_LINK_UP)
			return 0;
		return thread == RECEIVER || !me->used ? 1u << USE : 0;
	}
	if (!me->open)
		return 1u << OPEN;
	return 1u << STEP | (me->enabled ? 0 : 1u << ENABLE) |
	       (me->enabled && l->left.disables ? 1u << DISABLE : 0) |
	       (l->left.reloads ? 1u << CLOSE : 0);
}

static void init(struct m_state *st)
{
	struct links *l = user(st);

	for (unsigned int i = 0; i < sizeof(locs) / sizeof(locs[0]); i++)
		m_put(st, i, 0);
	for (unsigned int n = 0; n < 2; n++) {
		struct vni_chan_entry *entry = &window[n].head.channels[0];

		entry->version = cpu_to_le32(1);
		entry->offset = cpu_to_le64(offsetof(struct section, chan));
		entry->size = cpu_to_le64(sizeof(struct section) - offsetof(struct section, chan));
		wins[n].base = (u8 *)window;
		wins[n].section_size = sizeof(struct section);
		wins[n].size = sizeof(window);
		wins[n].seat = n;
		wins[n].seats = 2;
		m_thread_kill(st, WORK0 + n);
		m_thread_kill(st, SENDER + n);
	}
	l->left = *budget;
}

static bool crash(struct m_state *st, unsigned int n)
{
	struct links *l = user(st);

	if (!l->left.crashes || st->thread[WORK0 + n].dead)
		return false;
	l->left.crashes--;
	l->node[n] = (struct node){};
	m_thread_kill(st, WORK0 + n);
	m_thread_kill(st, SENDER + n);
	return true;
}

static bool doubt(struct m_state *st, unsigned int n)
{
	struct links *l = user(st);

	if (!l->node[n].alive)
		return false;
	if (!st->thread[WORK0 + !n].dead) {
		if (!l->left.doubts)
			return false;
		l->left.doubts--;
	}
	l->node[n].alive = false;
	return true;
}

static bool trust(struct m_state *st, unsigned int n)
{
	struct node *node = user(st)->node;

	if (node[n].alive || st->thread[WORK0 + n].dead || !node[!n].booted)
		return false;
	return node[n].alive = true;
}

static bool env(struct m_state *st, unsigned int what)
{
	switch (what & ~1u) {
	case CRASH0:
		return crash(st, what & 1);
	case BOOT0:
		if (!st->thread[WORK0 + (what & 1)].dead)
			return false;
		m_thread_start(st, WORK0 + (what & 1));
		m_thread_start(st, SENDER + (what & 1));
		return true;
	case DOUBT0:
		return doubt(st, what & 1);
	case TRUST0:
		return trust(st, what & 1);
	default:
		if (!user(st)->node[1].keeps)
			return false;
		user(st)->node[1].keeps = false;
		return true;
	}
}

static void canon(struct m_state *st)
{
	struct links *l = user(st);

	for (unsigned int n = 0; n < 2; n++) {
		l->node[n].session = m_rename(l->node[n].session);
		l->node[n].ack = m_rename(l->node[n].ack);
		l->node[n].up_session = m_rename(l->node[n].up_session);
		l->node[n].up_ack = m_rename(l->node[n].up_ack);
	}
}

static bool quiet(const struct m_state *st)
{
	const struct node *node = user((struct m_state *)st)->node;

	return node[0].open && node[1].open && node[0].enabled && node[1].enabled &&
	       node[0].alive && node[1].alive;
}

static bool good(const struct m_state *st)
{
	const struct node *node = user((struct m_state *)st)->node;

	return node[0].state == VNI_LINK_UP && node[1].state == VNI_LINK_UP;
}

static const char *const thread_names[] = { "work 0", "work 1", "sender", "receiver" };
static const char *const action_names[] = {
	"", "step", "disable", "enable", "close", "open", "use"
};
static const char *const env_names[] = {
	"node 0 crashes",
	"node 1 crashes",
	"node 0 boots",
	"node 1 boots",
	"node 0 takes node 1 for dead",
	"node 1 takes node 0 for dead",
	"node 0 sees node 1 alive",
	"node 1 sees node 0 alive",
	"the program in node 1 reads",
};

static void check(const char *name, const struct budget *left, bool sc, const char *off,
		  const char *want)
{
	struct m_model model = {
		.name = name,
		.locs = locs,
		.nlocs = sizeof(locs) / sizeof(locs[0]),
		.nthreads = 4,
		.nenvs = 9,
		.thread_names = thread_names,
		.action_names = action_names,
		.env_names = env_names,
		.sc = sc,
		.init = init,
		.actions = actions,
		.run = act,
		.env = env,
		.canon = canon,
		.good = sc ? good : NULL,
		.quiet = quiet,
		.off_func = off,
		.off_thread = -1,
		.fair = T(WORK0) | T(WORK1),
		.max_states = 12000000,
	};

	budget = left;
	m_expect(&model, want);
}

#define MAY(...) (&(struct budget){ __VA_ARGS__ })

/* All interleavings, and whether both sides come up in the end. */
static void check_interleavings(void)
{
	check("links, two disables", MAY(.disables = 2), true, NULL, NULL);
	check("links, two false deaths", MAY(.doubts = 2), true, NULL, NULL);
	check("links, a disable and a false death", MAY(.disables = 1, .doubts = 1), true, NULL,
	      NULL);
	check("links, a crash", MAY(.crashes = 1), true, NULL, NULL);
	check("links, a channel opened again", MAY(.reloads = 1), true, NULL, NULL);
}

/* All that a load may see; and without each barrier that is found to be needed. */
static void check_weak(void)
{
	check("links on weak memory, a disable", MAY(.disables = 1), false, NULL, NULL);
	check("links on weak memory, a false death", MAY(.doubts = 1), false, NULL, NULL);
	check("links without D", MAY(.disables = 1), false, "link_step", "cleaned while");
	check("links without G", MAY(.doubts = 1), false, "link_down", "overwritten");
	check("links without G'", MAY(.doubts = 1), false, "vni_shm_channel_fresh", "overwritten");
}

/* What a program has not read outlives links, and the sender's channel. */
static void check_loans(void)
{
	lending = true;
	check("loans, two disables", MAY(.disables = 2), true, NULL, NULL);
	check("loans, a channel opened again", MAY(.reloads = 1), true, NULL, NULL);
	check("loans, a crash", MAY(.crashes = 1), true, NULL, NULL);
	check("loans on weak memory, a disable", MAY(.disables = 1), false, NULL, NULL);
	check("loans without F", MAY(.disables = 1), false, "cell_ack", "not read");
	lending = false;
}

/* What is accepted, and shows that the search finds it. */
static void check_strict(void)
{
	strict = true;
	check("links, opening counts as cleaning", MAY(.reloads = 1), true, NULL, "cleared while");
	strict = false;
}

/* links [PART...]: they take minutes, and each part may as well run on a processor of its own. */
int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*check)(void);
	} parts[] = {
		{ "interleavings", check_interleavings },
		{ "weak", check_weak },
		{ "loans", check_loans },
		{ "strict", check_strict },
	};
	unsigned int i, known = 0;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		bool wanted = argc < 2;

		for (int n = 1; n < argc; n++)
			wanted |= !strcmp(argv[n], parts[i].name);
		if (!wanted)
			continue;
		known++;
		parts[i].check();
	}
	if (argc > 1 && known != argc - 1U) {
		fprintf(stderr, "usage: links [interleavings|weak|loans|strict]...\n");
		return 2;
	}
	return m_report();
}
