/* SPDX-License-Identifier: GPL-2.0 */
/* What the unit tests share. */
#ifndef VNI_UNIT_TEST_H
#define VNI_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "vni_offset_mgr.h"
#include "vni_rec.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A small generator whose sequence a seed decides (xorshift64*). */
static inline u32 test_random(u64 *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return (*seed * 0x2545f4914f6cdd1dULL) >> 32;
}

/* VNI_SEED repeats a run; the seed in use is printed. */
static inline u64 test_seed(const char *what)
{
	const char *given = getenv("VNI_SEED");
	u64 seed = given ? strtoull(given, NULL, 0) : 0x5eed0001;

	print_message("%s: VNI_SEED=0x%llx\n", what, (unsigned long long)seed);
	return seed ?: 1;
}

/* Both sides of a ring in one process, started at an index of choice. */
struct test_pair {
	struct vni_ring_end pe, ce;
	struct vni_ring p, c;
};

/* A side's private view, as if the session had run up to an index already. */
static inline void test_view(struct vni_ring *ring, struct vni_ring_end *own,
			     const struct vni_ring_end *peer, u32 size, u32 start)
{
	vni_ring_attach(ring, own, peer, size);
	ring->mine = start;
	ring->published = start;
	ring->checked = start;
	ring->theirs = start;
}

static inline void test_end(struct vni_ring_end *end, u32 start)
{
	end->index = cpu_to_le32(start);
	end->wake = cpu_to_le32(start);
}

static inline void test_pair_init(struct test_pair *t, u32 size, u32 start)
{
	memset(t, 0, sizeof(*t));
	test_end(&t->pe, start);
	test_end(&t->ce, start);
	test_view(&t->p, &t->pe, &t->ce, size, start);
	test_view(&t->c, &t->ce, &t->pe, size, start);
}

#endif /* VNI_UNIT_TEST_H */
