// SPDX-License-Identifier: GPL-2.0
/* The two sides of the traffic; see traffic.h. */
#include <poll.h>
#include <unistd.h>

#include "test.h"
#include "traffic.h"

#define LOST_MS 10000 /* asleep for longer than that: the wake-up was lost */
#define HELD_MAX 24   /* slots that the consumer keeps back for a while */
#define FRAME_WORDS (VNI_ETH_FRAME_MAX / 8 + 1)

/* What record number seq is: both sides compute it. */
struct plan {
	u32 len, nslots, lines;
	u64 word; /* word i of the frame is word + i * step */
	u64 step;
};

struct producer {
	struct traffic *t;
	struct vni_ring tx, take;
	struct vni_omgr om;
	u32 free[TRAFFIC_SLOTS];
	u64 holders[TRAFFIC_SLOTS];
	u64 frame[FRAME_WORDS];
};

struct consumer {
	struct traffic *t;
	struct vni_ring rx, give;
	u32 held[HELD_MAX + VNI_ETH_SLOTS_MAX], nheld;
	u64 seed, frame[FRAME_WORDS];
};

static struct plan plan(const struct traffic *t, u64 *seed)
{
	u32 dice = test_random(seed), most = t->len_max;
	struct plan p;

	if (dice % 64 == 0)
		most = dice & 0x10000 ? VNI_ETH_FRAME_MAX : VNI_ETH_INLINE_MAX;
	p.len = VNI_ETH_FRAME_MIN + test_random(seed) % (most - VNI_ETH_FRAME_MIN + 1);
	p.nslots = dice & 0x10000 ? vni_rec_slots(p.len) : 0;
	p.lines = p.nslots ? vni_rec_lines_slots(p.nslots) : vni_rec_lines_inline(p.len);
	p.word = (u64)test_random(seed) << 32 | test_random(seed);
	p.step = (u64)test_random(seed) << 32 | 1;
	return p;
}

static void fill(u64 *frame, const struct plan *p)
{
	u32 i;

	for (i = 0; i < (p->len + 7) / 8; i++)
		frame[i] = p->word + i * p->step;
}

static bool filled(const u64 *frame, const struct plan *p)
{
	u64 last = p->word + p->len / 8 * p->step;
	u32 i;

	for (i = 0; i < p->len / 8; i++) {
		if (frame[i] != p->word + i * p->step)
			return false;
	}
	return !memcmp(frame + p->len / 8, &last, p->len % 8);
}

static void ring_bell(struct traffic *t, int bell)
{
	u64 one = 1;

	t->rung++;
	if (write(bell, &one, sizeof(one)) != sizeof(one))
		perror("doorbell");
}

static bool sleep_on(struct traffic *t, int bell)
{
	struct pollfd wait = { .fd = bell, .events = POLLIN };
	u64 count;

	t->sleeps++;
	return poll(&wait, 1, LOST_MS) == 1 && read(bell, &count, sizeof(count)) == sizeof(count);
}

/* Let the other side see how far this one is, and ring if it wants that. */
static void tell(struct traffic *t, struct vni_ring *ring, int bell)
{
	vni_ring_publish(ring);
	if (vni_ring_must_wake(ring))
		ring_bell(t, bell);
}

static const char *take_returns(struct producer *p)
{
	s32 avail;

	while ((avail = vni_ring_avail(&p->take)) > 0) {
		u32 slot = le32_to_cpu(p->t->to->returns[vni_ring_at(&p->take)]);

		if (vni_omgr_take_back(&p->om, slot, TRAFFIC_SEAT))
			return "a slot came back that was not lent";
		vni_ring_advance(&p->take, 1);
		vni_ring_publish(&p->take);
	}
	return avail < 0 ? "an honest return ring is refused" : NULL;
}

/* Wait until there is room for a record and, at the end, until all has come back. */
static const char *make_room(struct producer *p, u32 lines, u32 slots)
{
	for (;;) {
		const char *why = take_returns(p);
		s32 space = vni_ring_space(&p->tx, lines);
		struct vni_ring *lacking;

		if (why)
			return why;
		if (space < 0)
			return "an honest tail is refused";
		if (space >= (s32)lines && p->om.nfree >= slots)
			return NULL;
		tell(p->t, &p->tx, p->t->bell_consumer);
		lacking = space < (s32)lines ? &p->tx : &p->take;
		if (!vni_ring_arm(lacking, 0) && !sleep_on(p->t, p->t->bell_producer))
			return "the producer was not woken";
	}
}

static void put_slots(struct producer *p, const struct plan *plan, __le32 *raw)
{
	u32 slots[VNI_ETH_SLOTS_MAX], i;

	vni_omgr_claim(&p->om, plan->nslots, slots);
	for (i = 0; i < plan->nslots; i++) {
		u32 left = plan->len - i * VNI_PAGE;

		memcpy(p->t->from->buffer[slots[i]], (u8 *)p->frame + i * VNI_PAGE,
		       left < VNI_PAGE ? left : VNI_PAGE);
		raw[i] = cpu_to_le32(slots[i]);
	}
	vni_omgr_lend(&p->om, plan->nslots, slots, 1ULL << TRAFFIC_SEAT);
}

static const char *produce_one(struct producer *p, const struct plan *plan)
{
	u32 at;
	__le32 raw[VNI_ETH_SLOTS_MAX];
	struct vni_rec rec = {};
	const char *why = make_room(p, plan->lines, plan->nslots);

	if (why)
		return why;
	fill(p->frame, plan);
	at = vni_ring_at(&p->tx) * VNI_LINE;
	vni_rec_header(&rec, plan->len, plan->nslots);
	at = vni_ring_copy_in(p->t->from->ring, TRAFFIC_BYTES, at, &rec, sizeof(rec));
	if (plan->nslots) {
		put_slots(p, plan, raw);
		vni_ring_copy_in(p->t->from->ring, TRAFFIC_BYTES, at, raw, 4 * plan->nslots);
	} else {
		vni_ring_copy_in(p->t->from->ring, TRAFFIC_BYTES, at, p->frame, plan->len);
	}
	vni_ring_advance(&p->tx, plan->lines);
	return NULL;
}

const char *traffic_produce(struct traffic *t)
{
	struct producer *p = calloc(1, sizeof(*p));
	const char *why = p ? NULL : "no memory";
	u64 seed = t->seed;
	u32 i;

	if (!p)
		return why;
	p->t = t;
	test_view(&p->tx, &t->from->tx, &t->to->rx, TRAFFIC_LINES, t->start);
	test_view(&p->take, &t->from->take, &t->to->give, TRAFFIC_RETURNS, t->start);
	vni_omgr_init(&p->om, 0, TRAFFIC_SLOTS, p->free, p->holders, t->from->table);
	for (i = 0; i < t->records && !why; i++) {
		struct plan next = plan(t, &seed);

		why = produce_one(p, &next);
		/* sometimes several records before the other side hears of them */
		if (next.word & 3)
			tell(t, &p->tx, t->bell_consumer);
	}
	if (!why)
		why = make_room(p, TRAFFIC_LINES, TRAFFIC_SLOTS);
	if (!why && p->om.lent[TRAFFIC_SEAT])
		why = "not all that was lent came back";
	free(p);
	return why;
}

static const char *give_back(struct consumer *c, u32 keep)
{
	while (c->nheld > keep) {
		u32 pick = test_random(&c->seed) % c->nheld;

		/* all that may be lent fits into the return ring */
		if (vni_ring_space(&c->give, 1) < 1)
			return "the return ring is full or its tail is refused";
		c->t->to->returns[vni_ring_at(&c->give)] = cpu_to_le32(c->held[pick]);
		c->held[pick] = c->held[--c->nheld];
		vni_ring_advance(&c->give, 1);
	}
	tell(c->t, &c->give, c->t->bell_producer);
	return NULL;
}

static const char *wait_for_records(struct consumer *c)
{
	s32 avail;

	while (!(avail = vni_ring_avail(&c->rx))) {
		const char *why = give_back(c, 0);

		if (why)
			return why;
		tell(c->t, &c->rx, c->t->bell_producer);
		if (!vni_ring_arm(&c->rx, 0) && !sleep_on(c->t, c->t->bell_consumer))
			return "the consumer was not woken";
	}
	return avail < 0 ? "an honest head is refused" : NULL;
}

static const char *get_frame(struct consumer *c, const struct vni_rec_view *view, u32 at)
{
	const struct traffic_from *from = c->t->from;
	u32 slots[VNI_ETH_SLOTS_MAX], i;

	if (!view->nslots) {
		vni_ring_copy_out(c->frame, from->ring, TRAFFIC_BYTES,
				  (at + sizeof(struct vni_rec)) % TRAFFIC_BYTES, view->len);
		return NULL;
	}
	if (vni_rec_read_slots(view, slots, from->ring, TRAFFIC_BYTES, at, TRAFFIC_SLOTS))
		return "honest slots are refused";
	for (i = 0; i < view->nslots; i++) {
		u32 left = view->len - i * VNI_PAGE;

		memcpy((u8 *)c->frame + i * VNI_PAGE, from->buffer[slots[i]],
		       left < VNI_PAGE ? left : VNI_PAGE);
		c->held[c->nheld++] = slots[i];
	}
	return give_back(c, HELD_MAX);
}

static const char *consume_one(struct consumer *c, const struct plan *plan)
{
	struct vni_rec_view view;
	const char *why = wait_for_records(c);
	u32 at = vni_ring_at(&c->rx) * VNI_LINE;

	if (why)
		return why;
	if (vni_rec_read(&view, c->t->from->ring, TRAFFIC_BYTES, at, vni_ring_avail(&c->rx)))
		return "an honest record is refused";
	if (view.len != plan->len || view.nslots != plan->nslots)
		return "a record is out of order";
	why = get_frame(c, &view, at);
	if (!why && !filled(c->frame, plan))
		why = "a frame's bytes are not what was sent";
	vni_ring_advance(&c->rx, view.lines);
	return why;
}

const char *traffic_consume(struct traffic *t)
{
	struct consumer *c = calloc(1, sizeof(*c));
	const char *why = c ? NULL : "no memory";
	u64 seed = t->seed;
	u32 i;

	if (!c)
		return why;
	c->t = t;
	c->seed = t->seed ^ 0x9e3779b9;
	test_view(&c->rx, &t->to->rx, &t->from->tx, TRAFFIC_LINES, t->start);
	test_view(&c->give, &t->to->give, &t->from->take, TRAFFIC_RETURNS, t->start);
	for (i = 0; i < t->records && !why; i++) {
		struct plan next = plan(t, &seed);

		why = consume_one(c, &next);
		if (next.step & 0x300000000)
			tell(t, &c->rx, t->bell_producer);
	}
	if (!why)
		why = give_back(c, 0);
	tell(t, &c->rx, t->bell_producer);
	free(c);
	return why;
}
