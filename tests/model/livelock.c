// SPDX-License-Identifier: GPL-2.0
/*
 * The search for livelocks: where the world is quiet, can the threads go on for ever, each ending
 * action after action, without staying where it is good? Such a run stays in one strongly connected
 * component in the end (Tarjan's algorithm, without recursion).
 */
#include <stdlib.h>
#include <string.h>

#include "search.h"

struct tarjan {
	const struct m_edge *edges;
	const uint64_t *first; /* by state; its edges end where the next one's begin */
	uint32_t *index, *low, *comp, *stack, *path;
	uint64_t *next;
	uint32_t nstack, npath, count, ncomp;
};

static void enter(struct tarjan *t, uint32_t v)
{
	t->index[v] = t->low[v] = ++t->count;
	t->stack[t->nstack++] = v;
	t->path[t->npath++] = v;
	t->next[v] = t->first[v];
}

static void leave(struct tarjan *t, uint32_t v)
{
	uint32_t w;

	t->npath--;
	if (t->npath && t->low[t->path[t->npath - 1]] > t->low[v])
		t->low[t->path[t->npath - 1]] = t->low[v];
	if (t->low[v] != t->index[v])
		return;
	t->ncomp++;
	do {
		w = t->stack[--t->nstack];
		t->comp[w] = t->ncomp;
	} while (w != v);
}

static void visit(struct tarjan *t, uint32_t root)
{
	enter(t, root);
	while (t->npath) {
		uint32_t v = t->path[t->npath - 1];

		if (t->next[v] == t->first[v + 1]) {
			leave(t, v);
			continue;
		}
		uint32_t w = t->edges[t->next[v]++].to;

		if (!t->index[w])
			enter(t, w);
		else if (!t->comp[w] && t->low[v] > t->index[w])
			t->low[v] = t->index[w];
	}
}

static int by_from(const void *a, const void *b)
{
	const struct m_edge *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

/* A state that is not good and from which a component can be gone round by all fair threads. */
static bool judge(const struct tarjan *t, uint64_t nedges, const struct m_seen *seen,
		  uint32_t nseen, uint32_t fair, uint32_t *witness)
{
	uint32_t *ends = m_grow(NULL, t->ncomp + 1, sizeof(*ends));
	bool found = false;

	memset(ends, 0, (t->ncomp + 1) * sizeof(*ends));
	for (uint64_t i = 0; i < nedges; i++) {
		const struct m_edge *e = &t->edges[i];

		if (t->comp[e->from] == t->comp[e->to])
			ends[t->comp[e->from]] |= e->finished;
	}
	for (uint32_t v = 0; v < nseen && !found; v++) {
		if (seen[v].quiet && !seen[v].good && (ends[t->comp[v]] & fair) == fair) {
			*witness = v;
			found = true;
		}
	}
	free(ends);
	return found;
}

/* The shortest way from the start back to it on which all fair threads end an action. */
static void walk(const struct tarjan *t, uint32_t nseen, uint32_t fair, struct m_cycle *cycle)
{
	uint64_t room = (uint64_t)nseen * (fair + 1), head = 0, tail = 0, at;
	uint64_t *from = m_grow(NULL, room, sizeof(*from)), *queue = m_grow(NULL, room, 8);
	uint64_t start = (uint64_t)cycle->start * (fair + 1), goal = start + fair;

	memset(from, 0xff, room * sizeof(*from));
	for (queue[tail++] = start; head < tail && from[goal] == UINT64_MAX; head++) {
		uint32_t v = queue[head] / (fair + 1), done = queue[head] % (fair + 1);

		for (uint64_t i = t->first[v]; i < t->first[v + 1]; i++) {
			const struct m_edge *e = &t->edges[i];

			at = (uint64_t)e->to * (fair + 1) + (done | (e->finished & fair));
			if (t->comp[e->to] != t->comp[v] || from[at] != UINT64_MAX)
				continue;
			from[at] = queue[head] << 32 | i;
			queue[tail++] = at;
		}
	}
	cycle->moves = NULL;
	cycle->nmoves = 0;
	for (at = goal; at != start || !cycle->nmoves; at = from[at] >> 32) {
		cycle->moves = m_grow(cycle->moves, cycle->nmoves + 1, sizeof(*cycle->moves));
		cycle->moves[cycle->nmoves++] = t->edges[from[at] & 0xffffffff].move;
	}
	free(from);
	free(queue);
}

/**
 * m_livelock() - look for a fair run for ever that does not stay among good states
 * @edges: moves from quiet states, in any order
 * @nedges: how many
 * @seen: the states
 * @nseen: how many
 * @fair: the threads that must go on, a bit each
 * @cycle: such a run, its moves last first, for the caller to free
 *
 * Return: is there one.
 */
bool m_livelock(const struct m_edge *edges, uint64_t nedges, const struct m_seen *seen,
		uint32_t nseen, uint32_t fair, struct m_cycle *cycle)
{
	struct m_edge *sorted = m_grow(NULL, nedges + 1, sizeof(*sorted));
	uint64_t *first = m_grow(NULL, nseen + 1, sizeof(*first));
	uint32_t *memory = m_grow(NULL, 5ULL * nseen, sizeof(*memory));
	struct tarjan t = { .edges = sorted, .first = first };
	bool found;
	uint64_t at = 0;

	memcpy(sorted, edges, nedges * sizeof(*sorted));
	qsort(sorted, nedges, sizeof(*sorted), by_from);
	for (uint32_t v = 0; v <= nseen; v++) {
		while (at < nedges && sorted[at].from < v)
			at++;
		first[v] = at;
	}
	memset(memory, 0, 5ULL * nseen * sizeof(*memory));
	t.index = memory;
	t.low = memory + nseen;
	t.comp = memory + 2ULL * nseen;
	t.stack = memory + 3ULL * nseen;
	t.path = memory + 4ULL * nseen;
	t.next = m_grow(NULL, nseen, sizeof(*t.next));
	for (uint32_t v = 0; v < nseen; v++) {
		if (!t.index[v] && seen[v].quiet)
			visit(&t, v);
	}
	found = judge(&t, nedges, seen, nseen, fair, &cycle->start);
	if (found)
		walk(&t, nseen, fair, cycle);
	free(t.next);
	free(memory);
	free(first);
	free(sorted);
	return found;
}
