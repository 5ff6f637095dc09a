/* SPDX-License-Identifier: GPL-2.0 */
/* DPDK's ring with one producer and one consumer, on memory of ours: no EAL is needed. */
#include <rte_ring.h>
#include <rte_ring_elem.h>

struct ring {
	struct rte_ring *ring;
};

static struct ring *ring_new(void)
{
	ssize_t bytes = rte_ring_get_memsize_elem(sizeof(struct element), ELEMENTS);
	struct ring *r = new_memory(sizeof(*r));

	if (bytes < 0)
		abort();
	r->ring = new_memory(bytes);
	if (rte_ring_init(r->ring, "bench", ELEMENTS, RING_F_SP_ENQ | RING_F_SC_DEQ))
		abort();
	return r;
}

static inline unsigned int ring_put(struct ring *r, const struct element *e, unsigned int n)
{
	return rte_ring_sp_enqueue_burst_elem(r->ring, e, sizeof(*e), n, NULL);
}

static inline unsigned int ring_get(struct ring *r, struct element *e, unsigned int n)
{
	return rte_ring_sc_dequeue_burst_elem(r->ring, e, sizeof(*e), n, NULL);
}
