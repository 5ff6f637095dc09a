// SPDX-License-Identifier: GPL-2.0
/* Unit tests of the table of learned addresses, and random operations against a simple model. */
#include "fdb.h"
#include "test.h"

#define AGE 300
#define MAC(n) ((u64)(n) << 8 | 2)

struct fixture {
	struct vni_fdb fdb;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	vni_fdb_init(&f->fdb, 4, 0x1234567890abcdefULL);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static u32 entries_of(const struct vni_fdb *fdb, u32 seat)
{
	u32 i, n = 0;

	for (i = seat * fdb->share; i < (seat + 1) * fdb->share; i++)
		n += fdb->entries[i].word != 0;
	return n;
}

/* Each entry in use is in one chain, once, and in its seat's share. */
static void assert_sound(const struct vni_fdb *fdb)
{
	static u8 seen[VNI_FDB_ENTRIES];
	u32 i, next, in_use = 0;

	memset(seen, 0, sizeof(seen));
	for (i = 0; i < VNI_FDB_HEADS; i++) {
		for (next = fdb->heads[i]; next; next = fdb->entries[next - 1].next) {
			assert_in_range(next, 1, VNI_FDB_ENTRIES);
			assert_false(seen[next - 1]++);
			assert_true(fdb->entries[next - 1].word != 0);
			in_use++;
		}
	}
	for (i = 0; i < VNI_FDB_ENTRIES; i++) {
		assert_int_equal(seen[i], fdb->entries[i].word != 0);
		if (seen[i])
			assert_int_equal(fdb->entries[i].word >> 48 & 63, i / fdb->share);
	}
	assert_int_equal(in_use, fdb->used);
}

static void an_address_is_found_where_it_was_seen(void **state)
{
	struct vni_fdb *fdb = &((struct fixture *)*state)->fdb;

	assert_int_equal(vni_fdb_find(fdb, MAC(1), 0, AGE), -ENOENT);
	vni_fdb_learn(fdb, 3, MAC(1), 10);
	vni_fdb_learn(fdb, 0, MAC(2), 10);
	assert_int_equal(vni_fdb_find(fdb, MAC(1), 10, AGE), 3);
	assert_int_equal(vni_fdb_find(fdb, MAC(2), 10, AGE), 0);
	assert_int_equal(fdb->learned, 2);
	assert_sound(fdb);
}

static void no_group_and_no_zero_is_learned(void **state)
{
	struct vni_fdb *fdb = &((struct fixture *)*state)->fdb;

	vni_fdb_learn(fdb, 1, 0, 1);
	vni_fdb_learn(fdb, 1, 0xffffffffffffULL, 1);
	vni_fdb_learn(fdb, 1, 0x0100005e0001ULL, 1);
	vni_fdb_learn(fdb, 1, 1ULL << 48 | MAC(1), 1);
	assert_int_equal(fdb->used, 0);
}

static void an_address_ages_unless_it_is_seen(void **state)
{
	struct vni_fdb *fdb = &((struct fixture *)*state)->fdb;

	vni_fdb_learn(fdb, 1, MAC(1), 1000);
	vni_fdb_learn(fdb, 1, MAC(2), 1000);
	assert_int_equal(vni_fdb_find(fdb, MAC(1), 1000 + AGE - 1, AGE), 1);
	assert_true(vni_fdb_refresh(fdb, 1, MAC(2), 1000 + AGE - 1));
	assert_int_equal(vni_fdb_find(fdb, MAC(1), 1000 + AGE, AGE), -ENOENT);
	assert_int_equal(vni_fdb_find(fdb, MAC(2), 1000 + AGE, AGE), 1);
	assert_int_equal(vni_fdb_known(fdb, 1000 + AGE, AGE), 1);
	/* a time noted elsewhere may be ahead of ours */
	assert_int_equal(vni_fdb_find(fdb, MAC(1), 999, AGE), 1);
	/* seen again after it had aged */
	assert_true(vni_fdb_refresh(fdb, 1, MAC(1), 5000));
	assert_int_equal(vni_fdb_find(fdb, MAC(1), 5000, AGE), 1);
}

static void a_station_moves(void **state)
{
	struct vni_fdb *fdb = &((struct fixture *)*state)->fdb;

	vni_fdb_learn(fdb, 1, MAC(1), 1);
	assert_false(vni_fdb_refresh(fdb, 2, MAC(1), 2));
	vni_fdb_learn(fdb, 2, MAC(1), 2);
	assert_int_equal(vni_fdb_find(fdb, MAC(1), 2, AGE), 2);
	assert_int_equal(fdb->moves, 1);
	assert_int_equal(fdb->used, 1);
	assert_int_equal(entries_of(fdb, 1), 0);
	assert_sound(fdb);
}

static void a_flood_fills_its_own_share_only(void **state)
{
	struct vni_fdb *fdb = &((struct fixture *)*state)->fdb;
	u32 i;

	for (i = 0; i < 10; i++)
		vni_fdb_learn(fdb, 1, MAC(i), i);
	for (i = 0; i < 100000; i++) {
		vni_fdb_learn(fdb, 2, MAC(1000 + i), 10 + i / 1000);
		assert_true(entries_of(fdb, 2) <= fdb->share);
	}
	assert_int_equal(entries_of(fdb, 2), fdb->share);
	assert_int_equal(fdb->used, fdb->share + 10);
	assert_int_equal(fdb->evicted, 100000 - fdb->share);
	for (i = 0; i < 10; i++)
		assert_int_equal(vni_fdb_find(fdb, MAC(i), 110, AGE), 1);
	/* the last of the flood is known, the first is not */
	assert_int_equal(vni_fdb_find(fdb, MAC(1000 + 99999), 110, AGE), 2);
	assert_int_equal(vni_fdb_find(fdb, MAC(1000), 110, AGE), -ENOENT);
	assert_sound(fdb);
}

static void the_older_one_is_evicted(void **state)
{
	struct vni_fdb *fdb = &((struct fixture *)*state)->fdb;
	u32 i;

	for (i = 0; i < fdb->share; i++)
		vni_fdb_learn(fdb, 0, MAC(i), 1);
	for (i = 0; i < fdb->share; i++) {
		if (i % VNI_FDB_TRIED != 5)
			assert_true(vni_fdb_refresh(fdb, 0, MAC(i), 2));
	}
	for (i = 0; i < fdb->share / VNI_FDB_TRIED; i++)
		vni_fdb_learn(fdb, 0, MAC(5000 + i), 3);
	for (i = 0; i < fdb->share; i++)
		assert_int_equal(vni_fdb_find(fdb, MAC(i), 3, AGE),
				 i % VNI_FDB_TRIED == 5 ? -ENOENT : 0);
	assert_sound(fdb);
}

static void a_seat_that_ends_is_forgotten(void **state)
{
	struct vni_fdb *fdb = &((struct fixture *)*state)->fdb;
	u32 i;

	for (i = 0; i < 300; i++)
		vni_fdb_learn(fdb, i % 3, MAC(i), 1);
	vni_fdb_forget(fdb, 1);
	for (i = 0; i < 300; i++)
		assert_int_equal(vni_fdb_find(fdb, MAC(i), 1, AGE),
				 i % 3 == 1 ? -ENOENT : (int)(i % 3));
	assert_int_equal(fdb->used, 200);
	assert_sound(fdb);
}

static void sixty_four_seats_have_a_share_each(void **state)
{
	struct vni_fdb *fdb = &((struct fixture *)*state)->fdb;
	u32 seat, i;

	memset(fdb, 0, sizeof(*fdb));
	vni_fdb_init(fdb, VNI_SEATS_MAX, 42);
	assert_int_equal(fdb->share, VNI_FDB_SHARE_MIN);
	for (seat = 0; seat < VNI_SEATS_MAX; seat++) {
		for (i = 0; i < 1000; i++)
			vni_fdb_learn(fdb, seat, MAC(seat * 1000 + i), i);
	}
	for (seat = 0; seat < VNI_SEATS_MAX; seat++)
		assert_int_equal(entries_of(fdb, seat), VNI_FDB_SHARE_MIN);
	assert_sound(fdb);
}

#define MACS 600

/* Seats have more room than addresses here, so that nothing is evicted and a model can follow. */
static void random_operations_agree_with_a_model(void **state)
{
	struct vni_fdb *fdb = &((struct fixture *)*state)->fdb;
	u64 seed = test_seed("random addresses"), now = 1, seen[MACS] = {};
	int where[MACS], wrong = 0, found;
	u32 round, i;

	memset(fdb, 0, sizeof(*fdb));
	vni_fdb_init(fdb, 1, seed);
	fdb->share = VNI_FDB_ENTRIES / 2;
	memset(where, 0xff, sizeof(where));
	for (round = 0; round < 300000; round++) {
		u32 n = test_random(&seed) % (MACS / 2), seat = test_random(&seed) % 2;

		now += test_random(&seed) % 4 == 0;
		if (test_random(&seed) % 20000 == 0) {
			vni_fdb_forget(fdb, seat);
			for (i = 0; i < MACS; i++)
				where[i] = where[i] == (int)seat ? -ENOENT : where[i];
			assert_sound(fdb);
		} else if (test_random(&seed) % 3) {
			if (!vni_fdb_refresh(fdb, seat, MAC(n), now))
				vni_fdb_learn(fdb, seat, MAC(n), now);
			where[n] = seat;
			seen[n] = now;
		}
		n = test_random(&seed) % (MACS / 2);
		found = vni_fdb_find(fdb, MAC(n), now, 100);
		if (found != (where[n] < 0 || now - seen[n] >= 100 ? -ENOENT : where[n]))
			wrong++;
	}
	assert_int_equal(wrong, 0);
	assert_sound(fdb);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_address_is_found_where_it_was_seen),
		T(no_group_and_no_zero_is_learned),
		T(an_address_ages_unless_it_is_seen),
		T(a_station_moves),
		T(a_flood_fills_its_own_share_only),
		T(the_older_one_is_evicted),
		T(a_seat_that_ends_is_forgotten),
		T(sixty_four_seats_have_a_share_each),
		T(random_operations_agree_with_a_model),
	};

	return cmocka_run_group_tests_name("learned addresses", tests, NULL, NULL);
}
