// SPDX-License-Identifier: GPL-2.0
/* Unit tests of shmem_ring/vni_ring.h. */
#include "test.h"

#define SIZE 8
#define NEAR_WRAP 0xfffffffdu

static void set_index(struct vni_ring_end *end, u32 index)
{
	end->index = cpu_to_le32(index);
}

static void send(struct test_pair *t, u32 units)
{
	assert_true(vni_ring_space(&t->p, units) >= (s32)units);
	vni_ring_advance(&t->p, units);
	vni_ring_publish(&t->p);
}

static void take(struct test_pair *t, u32 units)
{
	assert_true(vni_ring_avail(&t->c) >= (s32)units);
	vni_ring_advance(&t->c, units);
	vni_ring_publish(&t->c);
}

static void starts_empty(void **state)
{
	struct test_pair t;

	(void)state;
	memset(&t, 0xff, sizeof(t));
	vni_ring_clear(&t.pe);
	vni_ring_clear(&t.ce);
	vni_ring_attach(&t.p, &t.pe, &t.ce, SIZE);
	vni_ring_attach(&t.c, &t.ce, &t.pe, SIZE);
	assert_int_equal(vni_ring_space(&t.p, SIZE), SIZE);
	assert_int_equal(vni_ring_avail(&t.c), 0);
	assert_int_equal(vni_ring_at(&t.p), 0);
}

static void full_has_no_space(void **state)
{
	struct test_pair t;

	(void)state;
	test_pair_init(&t, SIZE, 0);
	send(&t, SIZE);
	assert_int_equal(vni_ring_space(&t.p, 1), 0);
	assert_int_equal(vni_ring_avail(&t.c), SIZE);
	take(&t, 3);
	assert_int_equal(vni_ring_space(&t.p, 1), 3);
	take(&t, 5);
	assert_int_equal(vni_ring_avail(&t.c), 0);
	assert_int_equal(vni_ring_space(&t.p, SIZE), SIZE);
}

static void unpublished_is_not_seen(void **state)
{
	struct test_pair t;

	(void)state;
	test_pair_init(&t, SIZE, 0);
	vni_ring_advance(&t.p, 2);
	assert_int_equal(vni_ring_avail(&t.c), 0);
	assert_int_equal(vni_ring_space(&t.p, 1), SIZE - 2);
	vni_ring_publish(&t.p);
	assert_int_equal(vni_ring_avail(&t.c), 2);
	vni_ring_advance(&t.c, 2);
	assert_int_equal(vni_ring_space(&t.p, SIZE), SIZE - 2);
}

/* Whatever the producer published and did not look at yet, at any place of the indices. */
static void disarmed_is_not_rung(void **state)
{
	static const u32 starts[] = { 0, 1, 0x7ffffffe, NEAR_WRAP };
	struct test_pair t;
	u32 i, round;

	(void)state;
	for (i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		test_pair_init(&t, SIZE, starts[i]);
		send(&t, 3);
		take(&t, 3);
		assert_false(vni_ring_arm(&t.c, 0));
		vni_ring_disarm(&t.c);
		assert_false(vni_ring_must_wake(&t.p));
		for (round = 0; round < 3; round++) {
			send(&t, SIZE);
			assert_false(vni_ring_must_wake(&t.p));
			take(&t, SIZE);
		}
		assert_false(vni_ring_arm(&t.c, 0));
		send(&t, 1);
		assert_true(vni_ring_must_wake(&t.p));
	}
}

static void index_wraps_at_32_bits(void **state)
{
	struct test_pair t;
	u32 i;

	(void)state;
	test_pair_init(&t, SIZE, NEAR_WRAP);
	for (i = 0; i < 3 * SIZE; i++) {
		u32 units = 1 + i % SIZE;

		send(&t, units);
		assert_int_equal(vni_ring_space(&t.p, SIZE), SIZE - units);
		assert_int_equal(vni_ring_avail(&t.c), units);
		take(&t, units);
		assert_int_equal(vni_ring_at(&t.p), vni_ring_at(&t.c));
	}
	assert_true(t.p.mine < NEAR_WRAP);
}

static void space_reads_the_peer_only_when_needed(void **state)
{
	struct test_pair t;

	(void)state;
	test_pair_init(&t, SIZE, 0);
	send(&t, 4);
	take(&t, 4);
	/* enough is known to be free: neither the good tail nor a bad one is looked at */
	assert_int_equal(vni_ring_space(&t.p, 4), 4);
	set_index(&t.ce, 77);
	assert_int_equal(vni_ring_space(&t.p, 4), 4);
	assert_int_equal(vni_ring_space(&t.p, 5), -EPROTO);
	set_index(&t.ce, 4);
	assert_int_equal(vni_ring_space(&t.p, 5), SIZE);
}

static void avail_reads_the_peer_only_when_needed(void **state)
{
	struct test_pair t;

	(void)state;
	test_pair_init(&t, SIZE, 0);
	send(&t, 2);
	assert_int_equal(vni_ring_avail(&t.c), 2);
	send(&t, 2);
	assert_int_equal(vni_ring_avail(&t.c), 2);
	set_index(&t.pe, 99);
	vni_ring_advance(&t.c, 1);
	assert_int_equal(vni_ring_avail(&t.c), 1);
	vni_ring_advance(&t.c, 1);
	assert_int_equal(vni_ring_avail(&t.c), -EPROTO);
	set_index(&t.pe, 4);
	assert_int_equal(vni_ring_avail(&t.c), 2);
}

/* Every tail that lies outside of [last tail, published] is refused, every other is taken. */
static void bad_tails_are_refused(void **state)
{
	u32 start, tail;

	(void)state;
	for (start = 0; start < 2; start++) {
		u32 base = start ? NEAR_WRAP : 0;

		for (tail = 0; tail < 64; tail++) {
			struct test_pair t;
			s32 offset = (s32)tail - 32;

			test_pair_init(&t, SIZE, base);
			send(&t, 6);
			take(&t, 2);
			assert_int_equal(vni_ring_space(&t.p, SIZE), 4);
			vni_ring_advance(&t.p, 1);
			set_index(&t.ce, base + offset);
			if (offset >= 2 && offset <= 6)
				assert_int_equal(vni_ring_space(&t.p, SIZE), SIZE - 7 + offset);
			else
				assert_int_equal(vni_ring_space(&t.p, SIZE), -EPROTO);
		}
	}
}

/* Every head that went back or leaves more than the ring holds is refused. */
static void bad_heads_are_refused(void **state)
{
	u32 start, head;

	(void)state;
	for (start = 0; start < 2; start++) {
		u32 base = start ? NEAR_WRAP : 0;

		for (head = 0; head < 64; head++) {
			struct test_pair t;
			s32 offset = (s32)head - 32;

			test_pair_init(&t, SIZE, base);
			send(&t, 3);
			take(&t, 2);
			vni_ring_advance(&t.c, 1);
			set_index(&t.pe, base + offset);
			/* the tail that the producer knows of is 2, the consumer is at 3 */
			if (offset >= 3 && offset <= 2 + SIZE)
				assert_int_equal(vni_ring_avail(&t.c), offset - 3);
			else
				assert_int_equal(vni_ring_avail(&t.c), -EPROTO);
		}
	}
}

static void publish_again_stores_nothing(void **state)
{
	struct test_pair t;

	(void)state;
	test_pair_init(&t, SIZE, 0);
	send(&t, 1);
	set_index(&t.pe, 55);
	vni_ring_publish(&t.p);
	assert_int_equal(le32_to_cpu(t.pe.index), 55);
}

static void passed_agrees_with_counting(void **state)
{
	u32 base, before, step, wake;

	(void)state;
	for (base = 0; base < 2; base++) {
		for (before = 0; before < 8; before++) {
			for (step = 0; step < 8; step++) {
				for (wake = 0; wake < 24; wake++) {
					u32 at = base ? NEAR_WRAP - 8 : 100;
					bool in = wake >= before && wake < before + step;

					assert_int_equal(vni_ring_passed(at + wake,
									 at + before + step,
									 at + before),
							 in);
				}
			}
		}
	}
}

static void doorbell_only_when_asked(void **state)
{
	u32 base;

	(void)state;
	for (base = 0; base < 2; base++) {
		struct test_pair t;

		test_pair_init(&t, SIZE, base ? NEAR_WRAP : 0);
		/* a session starts with the wish for the very first */
		send(&t, 1);
		assert_true(vni_ring_must_wake(&t.p));
		assert_false(vni_ring_must_wake(&t.p));
		send(&t, 1);
		assert_false(vni_ring_must_wake(&t.p));
		take(&t, 2);
		assert_int_equal(vni_ring_avail(&t.c), 0);
		assert_false(vni_ring_arm(&t.c, 0));
		send(&t, 3);
		assert_true(vni_ring_must_wake(&t.p));
		send(&t, 1);
		assert_false(vni_ring_must_wake(&t.p));
	}
}

static void doorbell_covers_all_since_the_last_look(void **state)
{
	struct test_pair t;

	(void)state;
	test_pair_init(&t, SIZE, NEAR_WRAP);
	send(&t, 1);
	assert_true(vni_ring_must_wake(&t.p));
	take(&t, 1);
	assert_int_equal(vni_ring_avail(&t.c), 0);
	assert_false(vni_ring_arm(&t.c, 1));
	/* three times published, once asked: the second one counts */
	send(&t, 1);
	send(&t, 1);
	send(&t, 1);
	assert_true(vni_ring_must_wake(&t.p));
}

/* A glance tells what the full question would, and leaves it to be asked. */
static void a_glance_sees_the_wish(void **state)
{
	struct test_pair t;

	(void)state;
	test_pair_init(&t, SIZE, NEAR_WRAP);
	send(&t, 1);
	assert_true(vni_ring_must_wake(&t.p));
	take(&t, 1);
	send(&t, 1);
	assert_false(vni_ring_wish_seen(&t.p));
	take(&t, 1);
	assert_int_equal(vni_ring_avail(&t.c), 0);
	assert_false(vni_ring_arm(&t.c, 1));
	assert_false(vni_ring_wish_seen(&t.p));
	send(&t, 1);
	assert_false(vni_ring_wish_seen(&t.p));
	send(&t, 1);
	assert_true(vni_ring_wish_seen(&t.p));
	/* published again before anybody asks: still due, by the glance and by the question */
	send(&t, 1);
	assert_true(vni_ring_wish_seen(&t.p));
	assert_true(vni_ring_must_wake(&t.p));
	assert_false(vni_ring_wish_seen(&t.p));
}

static void doorbell_after_so_many(void **state)
{
	struct test_pair t;

	(void)state;
	test_pair_init(&t, SIZE, NEAR_WRAP);
	assert_false(vni_ring_arm(&t.c, 2));
	send(&t, 1);
	assert_false(vni_ring_must_wake(&t.p));
	send(&t, 1);
	assert_false(vni_ring_must_wake(&t.p));
	send(&t, 1);
	assert_true(vni_ring_must_wake(&t.p));
}

static void arm_looks_again(void **state)
{
	u32 base;

	(void)state;
	for (base = 0; base < 2; base++) {
		struct test_pair t;

		test_pair_init(&t, SIZE, base ? NEAR_WRAP : 0);
		assert_int_equal(vni_ring_avail(&t.c), 0);
		assert_false(vni_ring_arm(&t.c, 0));
		assert_int_equal(vni_ring_avail(&t.c), 0);
		send(&t, 2);
		assert_true(vni_ring_arm(&t.c, 0));
		assert_true(vni_ring_arm(&t.c, 1));
		assert_false(vni_ring_arm(&t.c, 2));
	}
}

static void producer_sleeps_and_is_woken(void **state)
{
	struct test_pair t;

	(void)state;
	test_pair_init(&t, SIZE, NEAR_WRAP);
	send(&t, SIZE);
	assert_int_equal(vni_ring_space(&t.p, 4), 0);
	assert_false(vni_ring_arm(&t.p, 3));
	take(&t, 3);
	assert_false(vni_ring_must_wake(&t.c));
	take(&t, 1);
	assert_true(vni_ring_must_wake(&t.c));
	assert_int_equal(vni_ring_space(&t.p, 4), 4);
}

static void copies_wrap_around_the_end(void **state)
{
	u8 store[256], in[256], out[256];
	u32 at, len, i;

	(void)state;
	for (i = 0; i < sizeof(in); i++)
		in[i] = i * 7 + 1;
	for (at = 0; at < sizeof(store); at += 5) {
		for (len = 0; len <= sizeof(store); len += 3) {
			u32 end = (at + len) % sizeof(store);

			memset(store, 0, sizeof(store));
			assert_int_equal(vni_ring_copy_in(store, sizeof(store), at, in, len), end);
			assert_int_equal(vni_ring_copy_out(out, store, sizeof(store), at, len),
					 end);
			assert_memory_equal(in, out, len);
			for (i = len; i < sizeof(store); i++)
				assert_int_equal(store[(at + i) % sizeof(store)], 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_empty),
		cmocka_unit_test(full_has_no_space),
		cmocka_unit_test(unpublished_is_not_seen),
		cmocka_unit_test(disarmed_is_not_rung),
		cmocka_unit_test(index_wraps_at_32_bits),
		cmocka_unit_test(space_reads_the_peer_only_when_needed),
		cmocka_unit_test(avail_reads_the_peer_only_when_needed),
		cmocka_unit_test(bad_tails_are_refused),
		cmocka_unit_test(bad_heads_are_refused),
		cmocka_unit_test(publish_again_stores_nothing),
		cmocka_unit_test(passed_agrees_with_counting),
		cmocka_unit_test(doorbell_only_when_asked),
		cmocka_unit_test(doorbell_covers_all_since_the_last_look),
		cmocka_unit_test(a_glance_sees_the_wish),
		cmocka_unit_test(doorbell_after_so_many),
		cmocka_unit_test(arm_looks_again),
		cmocka_unit_test(producer_sleeps_and_is_woken),
		cmocka_unit_test(copies_wrap_around_the_end),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
