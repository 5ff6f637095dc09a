/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VNI's ring, as the driver uses it for small frames: space, lines ahead asked for, copy in,
 * advance, publish; avail with slip, copy out, advance, publish.
 */
#include "vni_slip.h"

struct side {
	struct vni_ring ring __attribute__((aligned(LINE)));
	uint8_t *store;
	struct vni_slip slip;	/* of the consumer */
};

struct ring {
	struct side producer, consumer;
};

#define STORE_BYTES (ELEMENTS * (unsigned int)sizeof(struct element))

static struct ring *ring_new(void)
{
	struct ring *r = new_memory(sizeof(*r));
	struct vni_ring_end *head = new_memory(sizeof(*head));
	struct vni_ring_end *tail = new_memory(sizeof(*tail));

	r->producer.store = new_memory(STORE_BYTES);
	r->consumer.store = r->producer.store;
	vni_ring_attach(&r->producer.ring, head, tail, ELEMENTS);
	vni_ring_attach(&r->consumer.ring, tail, head, ELEMENTS);
	return r;
}

#define IN_LINE	    (LINE / (unsigned int)sizeof(struct element))
#define LINES_AHEAD 8
#define FEW	    128	/* elements; a look that finds less was too early */

/* The consumer read them last: they are asked for before they are written to. */
static inline void own_lines(const struct side *side, unsigned int n)
{
	unsigned int at = vni_ring_at(&side->ring);
	unsigned int i, to;

	for (i = -at % IN_LINE; i < n; i += IN_LINE) {
		to = (at + i + LINES_AHEAD * IN_LINE) % ELEMENTS;
		vni_prefetchw(side->store + to * sizeof(struct element));
	}
}

static inline unsigned int ring_put(struct ring *r, const struct element *e, unsigned int n)
{
	struct side *side = &r->producer;
	s32 space = vni_ring_space(&side->ring, n);

	if (space < (s32)n)
		n = space < 0 ? 0 : space;
	own_lines(side, n);
	vni_ring_copy_in(side->store, STORE_BYTES, vni_ring_at(&side->ring) * sizeof(*e), e,
			 n * sizeof(*e));
	vni_ring_advance(&side->ring, n);
	vni_ring_publish(&side->ring);
	return n;
}

static inline unsigned int ring_get(struct ring *r, struct element *e, unsigned int n)
{
	struct side *side = &r->consumer;
	s32 avail = vni_slip_avail(&side->slip, &side->ring, n, FEW);

	if (avail < (s32)n)
		n = avail < 0 ? 0 : avail;
	vni_ring_copy_out(e, side->store, STORE_BYTES, vni_ring_at(&side->ring) * sizeof(*e),
			  n * sizeof(*e));
	vni_ring_advance(&side->ring, n);
	vni_ring_publish(&side->ring);
	return n;
}
