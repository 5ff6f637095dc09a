/* SPDX-License-Identifier: GPL-2.0 */
/* The least that a ring can be: an index a side, a private copy of the other's. It trusts. */

struct side {
	uint32_t index __attribute__((aligned(LINE)));
	uint32_t mine __attribute__((aligned(LINE)));
	uint32_t theirs;
};

struct ring {
	struct side producer, consumer;
	struct element store[ELEMENTS] __attribute__((aligned(LINE)));
};

static struct ring *ring_new(void)
{
	return new_memory(sizeof(struct ring));
}

static inline unsigned int ring_put(struct ring *r, const struct element *e, unsigned int n)
{
	struct side *p = &r->producer;
	unsigned int i, room = ELEMENTS - (p->mine - p->theirs);

	if (room < n) {
		p->theirs = __atomic_load_n(&r->consumer.index, __ATOMIC_ACQUIRE);
		room = ELEMENTS - (p->mine - p->theirs);
		if (room < n)
			n = room;
	}
	for (i = 0; i < n; i++)
		r->store[p->mine++ & (ELEMENTS - 1)] = e[i];
	if (n)
		__atomic_store_n(&p->index, p->mine, __ATOMIC_RELEASE);
	return n;
}

static inline unsigned int ring_get(struct ring *r, struct element *e, unsigned int n)
{
	struct side *c = &r->consumer;
	unsigned int i;

	if (c->theirs == c->mine)
		c->theirs = __atomic_load_n(&r->producer.index, __ATOMIC_ACQUIRE);
	if (c->theirs - c->mine < n)
		n = c->theirs - c->mine;
	for (i = 0; i < n; i++)
		e[i] = r->store[c->mine++ & (ELEMENTS - 1)];
	if (n)
		__atomic_store_n(&c->index, c->mine, __ATOMIC_RELEASE);
	return n;
}
