// SPDX-License-Identifier: GPL-2.0
/* The model checker's search: every state that can be reached, shortest traces first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "search.h"

#define TABLE_BITS 24
#define TABLE_SIZE (1u << TABLE_BITS)
#define NOBODY 0xffffffffu

struct search {
	uint32_t *table;
	struct m_seen *seen;
	uint32_t nseen, room;
	struct m_state *queue; /* of states seen[done] to seen[nseen - 1] */
	uint64_t queue_room, head;
	struct m_edge *edges;
	uint64_t nedges, edge_room;
	uint32_t last_move; /* the one that broke something, 0: none did */
	struct m_result result;
};

void *m_grow(void *old, uint64_t count, uint64_t size)
{
	void *p = realloc(old, count * size);

	if (!p) {
		fprintf(stderr, "out of memory\n");
		abort();
	}
	return p;
}

static uint64_t hash_state(const struct m_state *st)
{
	const uint64_t *p = (const uint64_t *)st;
	uint64_t h = 0x9e3779b97f4a7c15ULL;

	_Static_assert(sizeof(*st) % sizeof(*p) == 0, "whole words");
	for (unsigned int i = 0; i < sizeof(*st) / sizeof(*p); i++) {
		h = (h ^ p[i]) * 0xff51afd7ed558ccdULL;
		h ^= h >> 32;
	}
	return h ?: 1;
}

static void queue_grow(struct search *s)
{
	uint64_t room = s->queue_room * 2 + 1024;
	struct m_state *queue = m_grow(NULL, room, sizeof(*queue));

	for (uint64_t i = s->head; i < s->nseen; i++)
		queue[i % room] = s->queue[i % s->queue_room];
	free(s->queue);
	s->queue = queue;
	s->queue_room = room;
}

/* The state's number; *fresh tells whether it is new, and then it waits to be looked at. */
static uint32_t note(struct search *s, const struct m_state *st, uint32_t parent, uint32_t move,
		     bool *fresh)
{
	uint64_t hash = hash_state(st);
	uint32_t at = hash >> (64 - TABLE_BITS);

	for (; s->table[at] != NOBODY; at = (at + 1) % TABLE_SIZE) {
		if (s->seen[s->table[at]].hash == hash) {
			*fresh = false;
			return s->table[at];
		}
	}
	*fresh = true;
	s->table[at] = s->nseen;
	if (s->nseen == s->room) {
		s->room = s->room * 2 + 1024;
		s->seen = m_grow(s->seen, s->room, sizeof(*s->seen));
	}
	if (s->nseen - s->head == s->queue_room)
		queue_grow(s);
	s->queue[s->nseen % s->queue_room] = *st;
	s->seen[s->nseen] = (struct m_seen){ hash, parent, move, m_model->good && m_model->good(st),
					     m_model->quiet && m_model->quiet(st) };
	return s->nseen++;
}

/* Print how the search came to a state, and what it did from there. */
static void show(const struct search *s, uint32_t last, uint32_t move, const struct m_cycle *cycle)
{
	uint32_t *moves = NULL, n = 0;
	struct m_event event;
	struct m_state st;

	for (uint32_t at = last; at; at = s->seen[at].parent) {
		moves = m_grow(moves, n + 1, sizeof(*moves));
		moves[n++] = s->seen[at].move;
	}
	printf("  trace of \"%s\", %u moves:\n", m_model->name, n + 1);
	memset(&st, 0, sizeof(st));
	m_model->init(&st);
	m_tidy(&st);
	m_verbose = true;
	while (n--) {
		m_move(&st, moves[n], &event);
		m_tidy(&st);
	}
	if (move)
		m_move(&st, move, &event);
	if (cycle)
		printf("  and from there round and round:\n");
	for (n = cycle ? cycle->nmoves : 0; n--;) {
		m_move(&st, cycle->moves[n], &event);
		m_tidy(&st);
	}
	m_verbose = false;
	free(moves);
}

/* Try a move from a state; the count of values its load could have had is returned. */
static unsigned int try(struct search *s, const struct m_state *from, uint32_t number,
			uint32_t move)
{
	struct m_state st = *from;
	struct m_event event;
	uint32_t to;
	bool fresh;

	if (!m_move(&st, move, &event))
		return 0;
	s->result.moves++;
	if (m_error) {
		s->result.error = m_error;
		s->last_move = move;
		return 0;
	}
	m_tidy(&st);
	to = note(s, &st, number, move, &fresh);
	if (m_model->good && s->seen[number].quiet && !(move & M_MOVE_ENV)) {
		if (s->nedges == s->edge_room) {
			s->edge_room = s->edge_room * 2 + 1024;
			s->edges = m_grow(s->edges, s->edge_room, sizeof(*s->edges));
		}
		s->edges[s->nedges++] = (struct m_edge){ number, to, move,
							 event.finished ? 1u << event.thread : 0 };
	}
	return event.options;
}

static bool expand_thread(struct search *s, const struct m_state *st, uint32_t number,
			  unsigned int thread)
{
	const struct m_thread *t = &st->thread[thread];
	bool moved = false;
	uint32_t actions;

	for (unsigned int c = 0; t->late_loc && !s->result.error; c++) {
		if (!try(s, st, number, M_MOVE_LATE | M_MOVE(thread, 0, c)))
			break;
		moved = true;
	}
	actions = t->dead ? 0 : t->action ? 1u << t->action : m_model->actions(st, thread);
	for (; actions && !s->result.error; actions &= actions - 1) {
		unsigned int action = __builtin_ctz(actions), options = 1;

		for (unsigned int c = 0; c < options && !s->result.error; c++) {
			options = try(s, st, number, M_MOVE(thread, action, c));
			moved |= options;
		}
	}
	return moved;
}

static void expand(struct search *s, uint32_t number)
{
	struct m_state st = s->queue[number % s->queue_room];
	bool moved = false;

	for (unsigned int i = 0; i < m_model->nthreads && !s->result.error; i++)
		moved |= expand_thread(s, &st, number, i);
	if (!moved && !s->result.error && m_model->at_rest && !m_model->at_rest(&st)) {
		s->result.error = "stuck: nobody moves any more";
	}
	for (unsigned int i = 0; i < m_model->nenvs && !s->result.error; i++)
		try(s, &st, number, M_MOVE_ENV | i);
}

struct m_result m_check(const struct m_model *model, bool show_trace)
{
	struct search s = { .table = m_grow(NULL, TABLE_SIZE, sizeof(*s.table)) };
	struct m_state st;
	bool fresh;

	m_model = model;
	m_error = NULL;
	memset(s.table, 0xff, TABLE_SIZE * sizeof(*s.table));
	memset(&st, 0, sizeof(st));
	model->init(&st);
	m_tidy(&st);
	note(&s, &st, 0, 0, &fresh);
	for (s.head = 0; s.head < s.nseen && !s.result.error; s.head++) {
		if (s.nseen > model->max_states) {
			s.result.cut = true;
			break;
		}
		expand(&s, s.head);
		if (s.result.error) {
			if (show_trace)
				show(&s, s.head, s.last_move, NULL);
			break;
		}
	}
	if (!s.result.error && model->good && !s.result.cut) {
		struct m_cycle cycle;

		if (m_livelock(s.edges, s.nedges, s.seen, s.nseen, model->fair, &cycle)) {
			s.result.error = "livelock";
			if (show_trace)
				show(&s, cycle.start, 0, &cycle);
			free(cycle.moves);
		}
	}
	s.result.states = s.nseen;
	free(s.table);
	free(s.seen);
	free(s.queue);
	free(s.edges);
	return s.result;
}
