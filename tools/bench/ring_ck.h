/* SPDX-License-Identifier: GPL-2.0 */
/* Concurrency Kit's ring, one producer and one consumer; it has no call for a burst. */
#include <ck_ring.h>

CK_RING_PROTOTYPE(element, element)

struct ring {
	ck_ring_t ring;
	struct element store[ELEMENTS] __attribute__((aligned(LINE)));
};

static struct ring *ring_new(void)
{
	struct ring *r = new_memory(sizeof(*r));

	ck_ring_init(&r->ring, ELEMENTS);
	return r;
}

static inline unsigned int ring_put(struct ring *r, struct element *e, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (!CK_RING_ENQUEUE_SPSC(element, &r->ring, r->store, &e[i]))
			break;
	return i;
}

static inline unsigned int ring_get(struct ring *r, struct element *e, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (!CK_RING_DEQUEUE_SPSC(element, &r->ring, r->store, &e[i]))
			break;
	return i;
}
