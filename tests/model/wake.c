// SPDX-License-Identifier: GPL-2.0
/*
 * Model: the ring's handshakes A/A', B/B', C/C'. A producer and a consumer run vni_ring.h as it is,
 * on weak memory, and sleep when there is nothing to do. What must hold: each unit is read as it
 * was written, no peer is accused, and nobody sleeps for ever (a lost wake-up shows as a state in
 * which nobody moves). Each barrier is then switched off, which must be found.
 */
#include "vni_ring.h"

#include "report.h"

#define UNITS 3 /* more than the ring holds */
#define SIZE 2
#define START 0xfffffffeu /* the indices wrap in the middle */

enum { PRODUCER, CONSUMER };
enum { GO = 1, GO_QUIET, WAKE, POLL };
enum { GHOST_RING };

struct side {
	struct vni_ring ring;
	u32 done; /* units written or read */
	u8 asleep;
};

struct wake {
	struct side side[2];
	u8 bell[2]; /* an interrupt that was not taken yet */
};

static struct vni_ring_end ends[2];
static u32 store[SIZE];
static u32 after; /* the producer's wish when the ring is full */
static bool polls; /* the consumer takes its wish back when it finds something */
static bool glances; /* the producer only glances at the wish, and polls from time to time */
static bool unpolled; /* that poll does not come */
static bool deaf; /* do not look again when vni_ring_arm() says so */

static const struct m_loc locs[] = {
	{ "head", &ends[0].index, false, 1u << CONSUMER },
	{ "producer's wake", &ends[0].wake, false, 1u << CONSUMER },
	{ "tail", &ends[1].index, false, 1u << PRODUCER },
	{ "consumer's wake", &ends[1].wake, false, 1u << PRODUCER },
	{ "unit 0", &store[0], false, 1u << CONSUMER },
	{ "unit 1", &store[1], false, 1u << CONSUMER },
};

static struct wake *user(struct m_state *st)
{
	_Static_assert(sizeof(struct wake) <= M_USER, "the model's state fits");
	return (struct wake *)st->user;
}

static void init(struct m_state *st)
{
	struct wake *w = user(st);

	for (unsigned int i = 0; i < 2; i++) {
		vni_ring_attach(&w->side[i].ring, &ends[i], &ends[!i], SIZE);
		w->side[i].ring.mine = START;
		w->side[i].ring.published = START;
		w->side[i].ring.checked = START;
		w->side[i].ring.theirs = START;
	}
	for (unsigned int i = 0; i < 4; i++)
		m_put(st, i, START);
	m_put(st, 4, 0);
	m_put(st, 5, 0);
}

static u32 actions(const struct m_state *st, unsigned int thread)
{
	const struct wake *w = user((struct m_state *)st);
	const struct side *s = &w->side[thread];

	u32 poll = glances && !unpolled && thread == PRODUCER &&
				   s->ring.checked != s->ring.published ?
			   1u << POLL :
			   0;

	if (s->asleep)
		return (w->bell[thread] ? 1u << WAKE : 0) | poll;
	if (s->done == UNITS && thread == PRODUCER)
		return poll;
	return poll | 1u << GO | (s->done + 1 < UNITS ? 1u << GO_QUIET : 0);
}

bool m_ghost_step(struct m_state *st, unsigned int thread, unsigned int what, u32 arg, u32 *answer)
{
	(void)what;
	(void)arg;
	(void)answer;
	user(st)->bell[!thread] = 1;
	if (m_verbose)
		printf("      %s rings\n", thread == PRODUCER ? "producer" : "consumer");
	return true;
}

static void tell(struct side *s)
{
	vni_ring_publish(&s->ring);
	if (vni_ring_must_wake(&s->ring))
		m_ghost(GHOST_RING, 0);
}

/* As vni_tx_flush() does while its poll comes by timer. */
static void glance(struct side *s)
{
	vni_ring_publish(&s->ring);
	if (vni_ring_wish_seen(&s->ring))
		tell(s);
}

static void wait(struct side *s, u32 units)
{
	bool again;

	if (glances && s->ring.own == &ends[PRODUCER])
		glance(s);
	else
		tell(s);
	again = vni_ring_arm(&s->ring, units);
	s->asleep = deaf || !again;
}

static void produce(struct side *s, bool quiet)
{
	s32 space = vni_ring_space(&s->ring, 1);

	if (space < 0)
		m_fail("the producer accuses an honest consumer");
	if (!space) {
		wait(s, after);
		return;
	}
	WRITE_ONCE(store[vni_ring_at(&s->ring)], ++s->done);
	vni_ring_advance(&s->ring, 1);
	if (quiet)
		vni_ring_publish(&s->ring);
	else if (glances)
		glance(s);
	else
		tell(s);
}

static void consume(struct side *s, bool quiet)
{
	s32 avail = vni_ring_avail(&s->ring);

	if (avail < 0)
		m_fail("the consumer accuses an honest producer");
	if (!avail) {
		wait(s, 0);
		return;
	}
	if (polls)
		vni_ring_disarm(&s->ring);
	m_load_late(&store[vni_ring_at(&s->ring)], ++s->done);
	vni_ring_advance(&s->ring, 1);
	if (quiet)
		vni_ring_publish(&s->ring);
	else
		tell(s);
}

static void act(struct m_state *st, unsigned int thread, unsigned int action)
{
	struct side s = user(st)->side[thread];

	if (action == WAKE) {
		s.asleep = 0;
		user(st)->bell[thread] = 0;
	} else if (action == POLL) {
		tell(&s);
	} else if (thread == PRODUCER) {
		produce(&s, action == GO_QUIET);
	} else {
		consume(&s, action == GO_QUIET);
	}
	user(st)->side[thread] = s;
}

static bool at_rest(const struct m_state *st)
{
	const struct wake *w = user((struct m_state *)st);

	return w->side[PRODUCER].done == UNITS && w->side[CONSUMER].done == UNITS;
}

static const char *const thread_names[] = { "producer", "consumer" };
static const char *const action_names[] = { "", "go", "go, no doorbell", "wake up", "poll" };

static void check(const char *name, const char *off_func, int off_thread, const char *want)
{
	struct m_model model = {
		.name = name,
		.locs = locs,
		.nlocs = sizeof(locs) / sizeof(locs[0]),
		.nthreads = 2,
		.thread_names = thread_names,
		.action_names = action_names,
		.init = init,
		.actions = actions,
		.run = act,
		.at_rest = at_rest,
		.off_func = off_func,
		.off_thread = off_thread,
		.max_states = 10000000,
	};

	m_expect(&model, want);
}

int main(void)
{
	for (after = 0; after < SIZE; after++)
		check(after ? "ring, producer waits for two units" : "ring", NULL, -1, NULL);
	after = 0;
	polls = true;
	check("ring, the consumer disarms while it polls", NULL, -1, NULL);
	check("the same without C' in the consumer", "vni_ring_arm", CONSUMER, "stuck");
	polls = false;
	check("ring without C in the producer", "vni_ring_must_wake", PRODUCER, "stuck");
	check("ring without C in the consumer", "vni_ring_must_wake", CONSUMER, "stuck");
	check("ring without C' in the producer", "vni_ring_arm", PRODUCER, "stuck");
	check("ring without C' in the consumer", "vni_ring_arm", CONSUMER, "stuck");
	check("ring without A", "vni_ring_publish", PRODUCER, "what was read");
	check("ring without A'", "vni_ring_avail", CONSUMER, "what was read");
	check("ring without B", "vni_ring_publish", CONSUMER, "what was read");
	/* stores do not overtake the load and branch before them; B' is there for the compiler */
	check("ring without B'", "vni_ring_space", PRODUCER, NULL);
	glances = true;
	check("ring, the producer glances at the wish and polls", NULL, -1, NULL);
	check("the same without C in the producer's poll", "vni_ring_must_wake", PRODUCER, "stuck");
	unpolled = true;
	check("the same without the poll", NULL, -1, "stuck");
	glances = false;
	deaf = true;
	check("ring without the second look of vni_ring_arm()", NULL, -1, "stuck");
	return m_report();
}
