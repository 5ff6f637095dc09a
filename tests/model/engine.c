// SPDX-License-Identifier: GPL-2.0
/* The model checker's memory and its way of running code one access at a time; see engine.h. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

enum left { LEFT_PENDING = 1, LEFT_BLOCKED, LEFT_FAILED };

const struct m_model *m_model;
bool m_verbose;
const char *m_error;

/* The run of an action that is under way. */
static struct {
	jmp_buf leave;
	struct m_state *st;
	struct m_thread *t;
	unsigned int thread, pos, choice, options;
	bool done;
} run;

struct m_state *m_now(void)
{
	return run.st;
}

unsigned int m_self(void)
{
	return run.thread;
}

uint32_t m_token(void)
{
	return run.t->fresh;
}

void m_fail(const char *why)
{
	m_error = why;
	longjmp(run.leave, LEFT_FAILED);
}

static void join(uint8_t *to, const uint8_t *from)
{
	for (unsigned int i = 0; i < m_model->nlocs; i++) {
		if (to[i] < from[i])
			to[i] = from[i];
	}
}

static int find(const void *at)
{
	for (unsigned int i = 0; i < m_model->nlocs; i++) {
		if (m_model->locs[i].at == at)
			return i;
	}
	return -1;
}

static bool is_off(const char *func)
{
	return m_model->off_func && !strcmp(func, m_model->off_func) &&
	       (m_model->off_thread < 0 || m_model->off_thread == (int)run.thread);
}

/* True: this access was done in an earlier move and its answer is in *val. */
static bool replay(uint32_t *val)
{
	if (run.pos < run.t->nlog) {
		*val = run.t->log[run.pos++];
		return true;
	}
	if (run.done)
		longjmp(run.leave, LEFT_PENDING);
	return false;
}

static void record(uint32_t val, bool token)
{
	if (run.t->nlog == M_LOG) {
		fprintf(stderr, "M_LOG is too small\n");
		abort();
	}
	run.t->log[run.t->nlog] = val;
	run.t->token[run.t->nlog++] = token;
	run.pos++;
	run.done = true;
}

static void say(const char *what, int loc, uint32_t val)
{
	if (m_verbose)
		printf("      %-9s %-5s %s = %u\n", m_model->thread_names[run.thread], what,
		       m_model->locs[loc].name, val);
}

static void shift(uint8_t *view, const uint8_t *base)
{
	for (unsigned int i = 0; i < m_model->nlocs; i++)
		view[i] = view[i] > base[i] ? view[i] - base[i] : 0;
}

/* Forget the first base[i] messages of each location. */
static void forget(struct m_state *st, const uint8_t *base)
{
	for (unsigned int i = 0; i < m_model->nlocs; i++) {
		memmove(st->msg[i], st->msg[i] + base[i],
			(M_MSGS - base[i]) * sizeof(st->msg[i][0]));
		memset(st->msg[i] + M_MSGS - base[i], 0, base[i] * sizeof(st->msg[i][0]));
		st->len[i] -= base[i];
	}
	for (unsigned int i = 0; i < m_model->nlocs; i++) {
		for (unsigned int j = 0; j < st->len[i]; j++)
			shift(st->msg[i][j].view, base);
	}
	shift(st->sc, base);
	for (unsigned int j = 0; j < m_model->nthreads; j++) {
		struct m_thread *t = &st->thread[j];

		shift(t->view, base);
		shift(t->acq, base);
		shift(t->rel, base);
		if (t->late_loc && t->late_min > base[t->late_loc - 1])
			t->late_min -= base[t->late_loc - 1];
		else
			t->late_min = 0;
	}
}

static void put(struct m_state *st, unsigned int loc, uint32_t val, uint8_t *view)
{
	struct m_msg *msg;

	if (st->len[loc] == M_MSGS) {
		uint8_t base[M_LOCS] = {};

		/* the bound of this model: nobody lags behind by more stores than that */
		base[loc] = 1;
		forget(st, base);
	}
	msg = &st->msg[loc][st->len[loc]];
	memset(msg, 0, sizeof(*msg));
	msg->val = val;
	if (view)
		memcpy(msg->view, view, M_LOCS);
	msg->view[loc] = st->len[loc]++;
}

void m_put(struct m_state *st, unsigned int loc, uint32_t val)
{
	put(st, loc, val, NULL);
}

uint64_t m_load(const void *at, uint64_t plain, enum m_order order, const char *func)
{
	struct m_state *st = run.st;
	int loc = m_model && run.st ? find(at) : -1;
	struct m_thread *t = run.t;
	struct m_msg *msg;
	unsigned int first;
	uint32_t val;

	if (loc < 0)
		return plain;
	if (replay(&val))
		return val;
	first = m_model->sc ? st->len[loc] - 1 : t->view[loc];
	run.options = st->len[loc] - first;
	/* the newest first: short traces do not rest on stale loads without need */
	msg = &st->msg[loc][st->len[loc] - 1 - run.choice];
	t->view[loc] = st->len[loc] - 1 - run.choice;
	join(t->acq, msg->view);
	if (order == M_ACQUIRE && !is_off(func))
		join(t->view, msg->view);
	say("load", loc, msg->val);
	record(msg->val, m_model->locs[loc].token);
	return msg->val;
}

bool m_store(void *at, uint64_t val, enum m_order order, const char *func)
{
	struct m_state *st = run.st;
	int loc = m_model && run.st ? find(at) : -1;
	struct m_thread *t = run.t;
	bool release = order == M_RELEASE && !is_off(func);
	uint32_t old;

	if (loc < 0)
		return false;
	if (replay(&old))
		return true;
	if (release && t->late_loc)
		longjmp(run.leave, LEFT_BLOCKED);
	put(st, loc, val, release ? t->view : t->rel);
	t->view[loc] = st->len[loc] - 1;
	say("store", loc, val);
	record(0, false);
	return true;
}

void m_fence(enum m_fence fence, const char *func)
{
	struct m_thread *t = run.t;
	uint32_t old;

	if (is_off(func) || !run.st || replay(&old))
		return;
	if (t->late_loc)
		longjmp(run.leave, LEFT_BLOCKED);
	if (fence != M_WRITE)
		join(t->view, t->acq);
	if (fence == M_FULL) {
		join(t->view, run.st->sc);
		memcpy(run.st->sc, t->view, M_LOCS);
	}
	if (fence != M_READ)
		memcpy(t->rel, t->view, M_LOCS);
	if (m_verbose)
		printf("      %-9s barrier\n", m_model->thread_names[run.thread]);
	record(0, false);
}

/* In shared memory these are relaxed stores, one a location; what is no location stays constant. */
void *m_memset(void *at, int c, unsigned long n)
{
	bool shared = false;

	for (unsigned int i = 0; i < m_model->nlocs && run.st; i++) {
		if ((uintptr_t)m_model->locs[i].at - (uintptr_t)at < n)
			shared = m_store(m_model->locs[i].at, c, M_RELAXED, "memset");
	}
	for (unsigned long i = 0; i < n && !shared; i++)
		((volatile uint8_t *)at)[i] = c;
	return at;
}

void m_load_late(const void *at, uint32_t want)
{
	uint32_t old;

	if (replay(&old))
		return;
	if (run.t->late_loc)
		longjmp(run.leave, LEFT_BLOCKED);
	run.t->late_loc = find(at) + 1;
	run.t->late_min = run.t->view[find(at)];
	run.t->late_want = want;
	record(0, false);
}

uint32_t m_ghost(unsigned int what, uint32_t arg)
{
	uint32_t val = 0;

	if (replay(&val))
		return val;
	if (!m_ghost_step(run.st, run.thread, what, arg, &val))
		longjmp(run.leave, LEFT_BLOCKED);
	record(val, false);
	return val;
}

void m_thread_kill(struct m_state *st, unsigned int thread)
{
	memset(&st->thread[thread], 0, sizeof(st->thread[thread]));
	st->thread[thread].dead = 1;
}

void m_thread_start(struct m_state *st, unsigned int thread)
{
	struct m_thread *t = &st->thread[thread];

	memset(t, 0, sizeof(*t));
	for (unsigned int i = 0; i < m_model->nlocs; i++)
		t->view[i] = st->len[i] - 1;
}

void m_view_join(struct m_state *st, unsigned int to, unsigned int from)
{
	join(st->thread[to].view, st->thread[from].view);
}

static bool move_late(struct m_state *st, unsigned int thread, unsigned int choice)
{
	struct m_thread *t = &st->thread[thread];
	unsigned int loc = t->late_loc - 1;
	int at = st->len[loc] - 1 - (int)choice;

	if (!t->late_loc || at < t->late_min)
		return false;
	if (m_verbose)
		printf("      %-9s load  %s = %u (deferred)\n", m_model->thread_names[thread],
		       m_model->locs[loc].name, st->msg[loc][at].val);
	if (st->msg[loc][at].val != t->late_want)
		m_error = "what was read is not what was published";
	t->late_loc = 0;
	t->late_min = 0;
	t->late_want = 0;
	return true;
}

static bool move_thread(struct m_state *st, unsigned int thread, unsigned int action,
			struct m_event *event)
{
	struct m_thread *t = &st->thread[thread];
	int left;

	if (!t->action) {
		t->action = action;
		t->fresh = ++st->tokens;
		if (m_verbose)
			printf("    %s: %s\n", m_model->thread_names[thread],
			       m_model->action_names[action]);
	} else if (t->action != action) {
		return false;
	}
	run.st = st;
	run.t = t;
	run.thread = thread;
	run.pos = 0;
	run.options = 1;
	run.done = false;
	left = setjmp(run.leave);
	if (!left) {
		m_model->run(st, thread, t->action);
		t->action = 0;
		t->fresh = 0;
		memset(t->log, 0, sizeof(t->log));
		memset(t->token, 0, sizeof(t->token));
		t->nlog = 0;
		event->finished = true;
	}
	event->options = run.options;
	run.st = NULL;
	return left != LEFT_BLOCKED;
}

/* Make a move, in place; false: it was not possible, and the state is to be thrown away. */
bool m_move(struct m_state *st, uint32_t move, struct m_event *event)
{
	*event = (struct m_event){ .thread = -1, .options = 1 };
	if (move & M_MOVE_ENV) {
		if (m_verbose)
			printf("    (%s)\n", m_model->env_names[move & 0xff]);
		return m_model->env(st, move & 0xff);
	}
	event->thread = move >> 16 & 0xff;
	if (move & M_MOVE_LATE)
		return move_late(st, event->thread, move & 0xff);
	run.choice = move & 0xff;
	return move_thread(st, event->thread, move >> 8 & 0xff, event);
}

static uint32_t names[64];
static unsigned int nnames;

uint32_t m_rename(uint32_t token)
{
	unsigned int i;

	if (!token)
		return 0;
	for (i = 0; i < nnames; i++) {
		if (names[i] == token)
			return i + 1;
	}
	names[nnames++] = token;
	return nnames;
}

/* Forget the messages that nobody can load any more. */
static void collect(struct m_state *st)
{
	uint8_t base[M_LOCS];

	for (unsigned int i = 0; i < m_model->nlocs; i++) {
		base[i] = st->len[i] - 1;
		for (unsigned int j = 0; j < m_model->nthreads && !m_model->sc; j++) {
			const struct m_thread *t = &st->thread[j];

			if (!t->dead && m_model->locs[i].readers & 1u << j && t->view[i] < base[i])
				base[i] = t->view[i];
			if (t->late_loc == i + 1 && t->late_min < base[i])
				base[i] = t->late_min;
		}
	}
	forget(st, base);
}

/* Bring a state to the one form that stands for all that differ only in names and history. */
void m_tidy(struct m_state *st)
{
	collect(st);
	nnames = 0;
	for (unsigned int i = 0; i < m_model->nlocs; i++) {
		for (unsigned int j = 0; j < st->len[i] && m_model->locs[i].token; j++)
			st->msg[i][j].val = m_rename(st->msg[i][j].val);
	}
	for (unsigned int i = 0; i < m_model->nthreads; i++) {
		struct m_thread *t = &st->thread[i];

		for (unsigned int j = 0; j < t->nlog; j++) {
			if (t->token[j])
				t->log[j] = m_rename(t->log[j]);
		}
		t->fresh = m_rename(t->fresh);
	}
	if (m_model->canon)
		m_model->canon(st);
	st->tokens = nnames;
}
