/* SPDX-License-Identifier: GPL-2.0 */
/* No ring at all: one element in one cache line, full or empty. The limit of a round trip. */

struct ring {
	uint64_t number __attribute__((aligned(LINE)));	/* 0: empty */
};

static struct ring *ring_new(void)
{
	return new_memory(sizeof(struct ring));
}

static inline unsigned int ring_put(struct ring *r, const struct element *e, unsigned int n)
{
	if (!n || __atomic_load_n(&r->number, __ATOMIC_ACQUIRE))
		return 0;
	__atomic_store_n(&r->number, e->number, __ATOMIC_RELEASE);
	return 1;
}

static inline unsigned int ring_get(struct ring *r, struct element *e, unsigned int n)
{
	uint64_t number = __atomic_load_n(&r->number, __ATOMIC_ACQUIRE);

	if (!n || !number)
		return 0;
	*e = (struct element){ number, ~number };
	__atomic_store_n(&r->number, 0, __ATOMIC_RELEASE);
	return 1;
}
