/* SPDX-License-Identifier: GPL-2.0 */
/* The graph of states that search.c builds and livelock.c looks through. */
#ifndef VNI_MODEL_SEARCH_H
#define VNI_MODEL_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

/* A state that was seen, by number. States themselves are kept only while they wait. */
struct m_seen {
	uint64_t hash;
	uint32_t parent, move;
	bool good, quiet;
};

/* A move of a thread from a quiet state. */
struct m_edge {
	uint32_t from, to, move;
	uint32_t finished; /* a bit for the thread that ended an action */
};

/* A run that goes round for ever: from a state, moves that lead back to it. */
struct m_cycle {
	uint32_t start, nmoves, *moves;
};

bool m_livelock(const struct m_edge *edges, uint64_t nedges, const struct m_seen *seen,
		uint32_t nseen, uint32_t fair, struct m_cycle *cycle);
void *m_grow(void *old, uint64_t count, uint64_t size);

#endif /* VNI_MODEL_SEARCH_H */
