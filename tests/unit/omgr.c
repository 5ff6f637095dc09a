// SPDX-License-Identifier: GPL-2.0
/* Unit tests of the offset manager, and random operations against a simple model of it. */
#include "test.h"

#define FIRST 100 /* this queue's share begins in the middle of the buffer */
#define COUNT_SLOTS 64
#define AROUND 16 /* entries of the table on both sides that belong to others */
#define HELD_WORDS 4 /* of what a seat says it holds: more than there are slots */
#define NOTHING ((struct vni_held){})

struct fixture {
	struct vni_omgr om;
	u32 free[COUNT_SLOTS];
	u64 holders[COUNT_SLOTS];
	__le64 table[FIRST + COUNT_SLOTS + AROUND];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	memset(f->table, 0xee, sizeof(f->table));
	vni_omgr_init(&f->om, FIRST, COUNT_SLOTS, f->free, f->holders, f->table);
	*state = f;
	return 0;
}

static u64 shown(const struct fixture *f, u32 slot)
{
	return le64_to_cpu(f->table[slot]);
}

/* All is free again, the table says so, and the neighbours' entries were never touched. */
static void assert_pristine(const struct fixture *f)
{
	u8 seen[COUNT_SLOTS] = {};
	u32 i;

	assert_int_equal(f->om.nfree, COUNT_SLOTS);
	for (i = 0; i < COUNT_SLOTS; i++) {
		assert_in_range(f->free[i], FIRST, FIRST + COUNT_SLOTS - 1);
		assert_false(seen[f->free[i] - FIRST]++);
		assert_true(!f->holders[i] && !shown(f, FIRST + i));
	}
	for (i = 0; i < VNI_SEATS_MAX; i++)
		assert_int_equal(f->om.lent[i], 0);
	for (i = 0; i < COUNT(f->table); i++) {
		if (i < FIRST || i >= FIRST + COUNT_SLOTS)
			assert_true(shown(f, i) == 0xeeeeeeeeeeeeeeeeULL);
	}
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void claims_all_or_nothing(void **state)
{
	struct fixture *f = *state;
	u32 slots[COUNT_SLOTS], more[2];

	assert_true(vni_omgr_claim(&f->om, COUNT_SLOTS - 1, slots));
	assert_false(vni_omgr_claim(&f->om, 2, more));
	assert_int_equal(f->om.nfree, 1);
	assert_true(vni_omgr_claim(&f->om, 1, more));
	assert_false(vni_omgr_claim(&f->om, 1, more + 1));
	vni_omgr_unclaim(&f->om, 1, more);
	vni_omgr_unclaim(&f->om, COUNT_SLOTS - 1, slots);
	assert_pristine(f);
}

static void starts_with_the_first_slots(void **state)
{
	struct fixture *f = *state;
	u32 slots[3];

	assert_true(vni_omgr_claim(&f->om, 3, slots));
	assert_true(slots[0] == FIRST && slots[1] == FIRST + 1 && slots[2] == FIRST + 2);
	vni_omgr_unclaim(&f->om, 3, slots);
	assert_pristine(f);
}

static void hot_slot_goes_first(void **state)
{
	struct fixture *f = *state;
	u32 slots[3], again;

	assert_true(vni_omgr_claim(&f->om, 3, slots));
	vni_omgr_lend(&f->om, 3, slots, 1u << 5);
	assert_int_equal(vni_omgr_take_back(&f->om, slots[1], 5), 0);
	assert_true(vni_omgr_claim(&f->om, 1, &again));
	assert_int_equal(again, slots[1]);
}

static void table_shows_what_is_lent(void **state)
{
	struct fixture *f = *state;
	u64 seats = 1ULL << 63 | 1 << 3;
	u32 slots[2];

	assert_true(vni_omgr_claim(&f->om, 2, slots));
	assert_int_equal(shown(f, slots[0]), 0);
	vni_omgr_lend(&f->om, 2, slots, seats);
	assert_true(shown(f, slots[0]) == seats && shown(f, slots[1]) == seats);
	assert_true(f->om.lent[63] == 2 && f->om.lent[3] == 2);
	assert_int_equal(vni_omgr_take_back(&f->om, slots[0], 63), 0);
	assert_true(shown(f, slots[0]) == 1 << 3);
	assert_int_equal(f->om.nfree, COUNT_SLOTS - 2);
	assert_int_equal(vni_omgr_take_back(&f->om, slots[0], 3), 0);
	assert_int_equal(shown(f, slots[0]), 0);
	assert_int_equal(f->om.nfree, COUNT_SLOTS - 1);
	assert_int_equal(vni_omgr_take_back(&f->om, slots[1], 3), 0);
	assert_int_equal(vni_omgr_take_back(&f->om, slots[1], 63), 0);
	assert_pristine(f);
}

static void table_is_never_read_back(void **state)
{
	struct fixture *f = *state;
	u32 slot;

	assert_true(vni_omgr_claim(&f->om, 1, &slot));
	vni_omgr_lend(&f->om, 1, &slot, 1 << 2);
	memset(f->table + FIRST, 0xff, COUNT_SLOTS * sizeof(f->table[0]));
	assert_int_equal(vni_omgr_take_back(&f->om, slot, 7), -EPROTO);
	assert_int_equal(vni_omgr_take_back(&f->om, slot, 2), 0);
	assert_int_equal(f->om.nfree, COUNT_SLOTS);
}

static void what_a_seat_does_not_hold_is_refused(void **state)
{
	static const u32 foreign[] = { 0, FIRST - 1, FIRST + COUNT_SLOTS, 0x7fffffff, 0xffffffff };
	struct fixture *f = *state;
	u32 slots[2], i;

	assert_true(vni_omgr_claim(&f->om, 2, slots));
	vni_omgr_lend(&f->om, 1, slots, 1 << 4);
	for (i = 0; i < COUNT(foreign); i++)
		assert_int_equal(vni_omgr_take_back(&f->om, foreign[i], 4), -EPROTO);
	/* another seat's, one that is only claimed, one that is free, and one twice */
	assert_int_equal(vni_omgr_take_back(&f->om, slots[0], 5), -EPROTO);
	assert_int_equal(vni_omgr_take_back(&f->om, slots[1], 4), -EPROTO);
	assert_int_equal(vni_omgr_take_back(&f->om, FIRST + COUNT_SLOTS - 1, 4), -EPROTO);
	assert_int_equal(vni_omgr_take_back(&f->om, slots[0], 4), 0);
	assert_int_equal(vni_omgr_take_back(&f->om, slots[0], 4), -EPROTO);
	vni_omgr_unclaim(&f->om, 1, slots + 1);
	assert_pristine(f);
}

static void reclaim_takes_only_the_dead_seats_share(void **state)
{
	struct fixture *f = *state;
	u32 a[3], b[2];

	assert_true(vni_omgr_claim(&f->om, 3, a));
	vni_omgr_lend(&f->om, 3, a, 1 << 1 | 1 << 2);
	assert_true(vni_omgr_claim(&f->om, 2, b));
	vni_omgr_lend(&f->om, 2, b, 1 << 1);
	assert_int_equal(vni_omgr_take_back(&f->om, a[0], 1), 0);
	assert_int_equal(vni_omgr_reclaim(&f->om, 1, NOTHING), 4);
	assert_int_equal(vni_omgr_reclaim(&f->om, 1, NOTHING), 0);
	assert_int_equal(f->om.lent[2], 3);
	assert_int_equal(f->om.nfree, COUNT_SLOTS - 3);
	/* what the dead one gives back late is refused */
	assert_int_equal(vni_omgr_take_back(&f->om, b[0], 1), -EPROTO);
	assert_int_equal(vni_omgr_reclaim(&f->om, 2, NOTHING), 3);
	assert_pristine(f);
}

static void tell(__le64 *map, u32 slot)
{
	map[slot / 64] = cpu_to_le64(le64_to_cpu(map[slot / 64]) | 1ULL << slot % 64);
}

static struct vni_held told(const __le64 *map)
{
	return (struct vni_held){ map, HELD_WORDS * 64 };
}

static void reclaim_leaves_what_is_held(void **state)
{
	struct fixture *f = *state;
	__le64 map[HELD_WORDS] = {};
	u32 a[4];

	assert_true(vni_omgr_claim(&f->om, 4, a));
	vni_omgr_lend(&f->om, 4, a, 1 << 1 | 1 << 2);
	tell(map, a[1]);
	tell(map, a[3]);
	assert_int_equal(vni_omgr_reclaim(&f->om, 1, told(map)), 2);
	assert_true(f->om.lent[1] == 2 && f->om.lent[2] == 4);
	/* the rest comes home one by one, or with a later word */
	assert_int_equal(vni_omgr_take_back(&f->om, a[0], 1), -EPROTO);
	assert_int_equal(vni_omgr_take_back(&f->om, a[1], 1), 0);
	assert_int_equal(vni_omgr_reclaim(&f->om, 1, told(map)), 0);
	assert_int_equal(vni_omgr_reclaim(&f->om, 1, NOTHING), 1);
	assert_int_equal(vni_omgr_reclaim(&f->om, 2, NOTHING), 4);
	assert_pristine(f);
}

/* The map's end cuts a word: nothing is read behind it, and slots there are not held. */
static void a_short_map_says_nothing_of_the_rest(void **state)
{
	struct fixture *f = *state;
	u32 slots = FIRST / 64 * 64, all[COUNT_SLOTS];
	__le64 *map = calloc(slots / 64, sizeof(*map));

	assert_non_null(map);
	memset(map, 0xff, slots / 64 * sizeof(*map));
	assert_true(vni_omgr_claim(&f->om, COUNT_SLOTS, all));
	vni_omgr_lend(&f->om, COUNT_SLOTS, all, 1 << 1);
	assert_int_equal(vni_omgr_adopt(&f->om, 2, (struct vni_held){ map, slots }, 99), 0);
	assert_int_equal(f->om.lent[2], 0);
	assert_int_equal(vni_omgr_reclaim(&f->om, 1, (struct vni_held){ map, slots }),
			 COUNT_SLOTS);
	free(map);
	assert_pristine(f);
}

static void what_a_seat_says_it_holds_is_not_free(void **state)
{
	struct fixture *f = *state;
	__le64 map[HELD_WORDS] = {};
	u32 got[COUNT_SLOTS], i;

	/* others' slots, on both sides of ours, are no business of this manager */
	tell(map, 0);
	tell(map, FIRST - 1);
	tell(map, FIRST + COUNT_SLOTS);
	tell(map, HELD_WORDS * 64 - 1);
	tell(map, FIRST);
	tell(map, FIRST + 7);
	tell(map, FIRST + COUNT_SLOTS - 1);
	assert_int_equal(vni_omgr_adopt(&f->om, 4, told(map), 3), 0);
	assert_true(f->om.lent[4] == 3 && f->om.nfree == COUNT_SLOTS - 3);
	assert_true(shown(f, FIRST + 7) == 1 << 4);
	/* once more says nothing new */
	assert_int_equal(vni_omgr_adopt(&f->om, 4, told(map), 0), 0);
	assert_int_equal(f->om.lent[4], 3);
	assert_true(vni_omgr_claim(&f->om, COUNT_SLOTS - 3, got));
	for (i = 0; i < COUNT_SLOTS - 3; i++)
		assert_true(got[i] > FIRST && got[i] < FIRST + COUNT_SLOTS - 1 &&
			    got[i] != FIRST + 7);
	vni_omgr_unclaim(&f->om, COUNT_SLOTS - 3, got);
	assert_int_equal(vni_omgr_take_back(&f->om, FIRST, 4), 0);
	assert_int_equal(vni_omgr_take_back(&f->om, FIRST + 7, 4), 0);
	assert_int_equal(vni_omgr_take_back(&f->om, FIRST + COUNT_SLOTS - 1, 4), 0);
	assert_pristine(f);
}

static void no_more_is_believed_than_may_be(void **state)
{
	struct fixture *f = *state;
	__le64 map[HELD_WORDS];
	u32 slot;

	memset(map, 0xff, sizeof(map));
	assert_true(vni_omgr_claim(&f->om, 1, &slot));
	vni_omgr_lend(&f->om, 1, &slot, 1 << 5);
	assert_int_equal(vni_omgr_adopt(&f->om, 5, told(map), 10), -ENOSPC);
	assert_true(f->om.lent[5] == 11 && f->om.nfree == COUNT_SLOTS - 11);
	assert_int_equal(vni_omgr_adopt(&f->om, 5, told(map), 0), -ENOSPC);
	assert_int_equal(f->om.lent[5], 11);
	assert_int_equal(vni_omgr_reclaim(&f->om, 5, NOTHING), 11);
	assert_pristine(f);
}

/* A seat cannot talk itself into what another holds, and so into when that is free. */
static void what_another_holds_is_not_believed(void **state)
{
	struct fixture *f = *state;
	__le64 map[HELD_WORDS] = {};
	u32 slot;

	assert_true(vni_omgr_claim(&f->om, 1, &slot));
	vni_omgr_lend(&f->om, 1, &slot, 1 << 1);
	tell(map, slot);
	assert_int_equal(vni_omgr_adopt(&f->om, 2, told(map), 1), 0);
	assert_true(f->om.lent[2] == 0 && f->om.nfree == COUNT_SLOTS - 1);
	assert_int_equal(vni_omgr_take_back(&f->om, slot, 2), -EPROTO);
	assert_int_equal(vni_omgr_reclaim(&f->om, 2, NOTHING), 0);
	assert_int_equal(vni_omgr_take_back(&f->om, slot, 1), 0);
	assert_pristine(f);
}

/* The reference: per slot, is it claimed, and who holds it. */
struct model {
	bool claimed[COUNT_SLOTS];
	u64 holders[COUNT_SLOTS];
	u32 used;
};

static void model_agrees(const struct fixture *f, const struct model *m)
{
	u32 lent[VNI_SEATS_MAX] = {}, i, seat;

	assert_int_equal(f->om.nfree, COUNT_SLOTS - m->used);
	for (i = 0; i < COUNT_SLOTS; i++) {
		assert_true(f->holders[i] == m->holders[i]);
		assert_true(shown(f, FIRST + i) == m->holders[i]);
		for (seat = 0; seat < VNI_SEATS_MAX; seat++)
			lent[seat] += m->holders[i] >> seat & 1;
	}
	assert_memory_equal(lent, f->om.lent, sizeof(lent));
}

static void model_send(struct fixture *f, struct model *m, u64 *seed)
{
	u32 n = 1 + test_random(seed) % VNI_ETH_SLOTS_MAX, slots[VNI_ETH_SLOTS_MAX], i;
	u64 seats = (u64)test_random(seed) << 32 | test_random(seed);
	bool got = vni_omgr_claim(&f->om, n, slots);

	assert_int_equal(got, n <= COUNT_SLOTS - m->used);
	if (!got)
		return;
	for (i = 0; i < n; i++) {
		assert_false(m->claimed[slots[i] - FIRST]);
		m->claimed[slots[i] - FIRST] = true;
	}
	m->used += n;
	seats &= seats << 7 & seats >> 3;
	if (!seats) {
		vni_omgr_unclaim(&f->om, n, slots);
		m->used -= n;
	} else {
		vni_omgr_lend(&f->om, n, slots, seats);
	}
	for (i = 0; i < n; i++) {
		m->claimed[slots[i] - FIRST] = seats;
		m->holders[slots[i] - FIRST] = seats;
	}
}

static bool model_drop(struct model *m, u32 i, u32 seat)
{
	u64 bit = 1ULL << seat;

	if (i >= COUNT_SLOTS || !(m->holders[i] & bit))
		return false;
	m->holders[i] &= ~bit;
	if (!m->holders[i]) {
		m->claimed[i] = false;
		m->used--;
	}
	return true;
}

/* What a seat says when its link has ended, or when this node was restarted. */
static void model_told(struct fixture *f, struct model *m, u64 *seed, u32 seat)
{
	u32 most = test_random(seed) % COUNT_SLOTS, kept = 0, i;
	bool adopt = test_random(seed) & 1, more = false;
	__le64 map[HELD_WORDS];
	u64 bit = 1ULL << seat;

	for (i = 0; i < HELD_WORDS; i++)
		map[i] = cpu_to_le64((u64)(test_random(seed) & test_random(seed)) << 32 |
				     (test_random(seed) & test_random(seed)));
	for (i = 0; i < COUNT_SLOTS; i++) {
		u32 slot = FIRST + i;
		bool said = le64_to_cpu(map[slot / 64]) >> slot % 64 & 1;

		if (!adopt && !said) {
			kept += model_drop(m, i, seat);
		} else if (adopt && said && !m->holders[i] && !more) {
			more = kept == most;
			if (more)
				continue;
			kept++;
			m->used++;
			m->claimed[i] = true;
			m->holders[i] = bit;
		}
	}
	if (adopt)
		assert_int_equal(vni_omgr_adopt(&f->om, seat, told(map), most),
				 more ? -ENOSPC : 0);
	else
		assert_int_equal(vni_omgr_reclaim(&f->om, seat, told(map)), kept);
}

static void random_operations_agree_with_a_model(void **state)
{
	struct fixture *f = *state;
	u64 seed = test_seed("random operations");
	struct model m = {};
	u32 round, i;

	for (round = 0; round < 200000; round++) {
		u32 what = test_random(&seed) % 16, seat = test_random(&seed) % VNI_SEATS_MAX;

		if (what < 4) {
			model_send(f, &m, &seed);
		} else if (what < 15) {
			u32 slot = FIRST - 2 + test_random(&seed) % (COUNT_SLOTS + 4);

			assert_int_equal(vni_omgr_take_back(&f->om, slot, seat),
					 model_drop(&m, slot - FIRST, seat) ? 0 : -EPROTO);
		} else if (round & 1) {
			model_told(f, &m, &seed, seat);
		} else {
			u32 held = 0;

			for (i = 0; i < COUNT_SLOTS; i++)
				held += model_drop(&m, i, seat);
			assert_int_equal(vni_omgr_reclaim(&f->om, seat, NOTHING), held);
		}
		if (round % 64 == 0)
			model_agrees(f, &m);
	}
	for (i = 0; i < VNI_SEATS_MAX; i++)
		vni_omgr_reclaim(&f->om, i, NOTHING);
	assert_pristine(f);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(claims_all_or_nothing),
		T(starts_with_the_first_slots),
		T(hot_slot_goes_first),
		T(table_shows_what_is_lent),
		T(table_is_never_read_back),
		T(what_a_seat_does_not_hold_is_refused),
		T(reclaim_takes_only_the_dead_seats_share),
		T(reclaim_leaves_what_is_held),
		T(a_short_map_says_nothing_of_the_rest),
		T(what_a_seat_says_it_holds_is_not_free),
		T(no_more_is_believed_than_may_be),
		T(what_another_holds_is_not_believed),
		T(random_operations_agree_with_a_model),
	};

	return cmocka_run_group_tests_name("offset manager", tests, NULL, NULL);
}
