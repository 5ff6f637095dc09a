// SPDX-License-Identifier: GPL-2.0
/* Unit tests of shmem_ring/vni_slip.h: when a consumer rests before it looks. */
#include "test.h"
#include "vni_slip.h"

#define SIZE 64
#define ONE  2
#define FEW  16

static void send(struct test_pair *t, u32 units)
{
	assert_true(vni_ring_space(&t->p, units) >= (s32)units);
	vni_ring_advance(&t->p, units);
	vni_ring_publish(&t->p);
}

/* Look once, take all that is there. */
static s32 take(struct test_pair *t, struct vni_slip *slip)
{
	s32 avail = vni_slip_avail(slip, &t->c, ONE, FEW);

	vni_ring_advance(&t->c, avail);
	vni_ring_publish(&t->c);
	return avail;
}

static void finds_what_the_ring_has(void **state)
{
	struct vni_slip slip = { .rest = VNI_SLIP_MAX };
	struct test_pair t;

	(void)state;
	test_pair_init(&t, SIZE, 0xfffffff0u);
	assert_int_equal(take(&t, &slip), 0);
	send(&t, 40);
	assert_int_equal(take(&t, &slip), 40);
	assert_int_equal(take(&t, &slip), 0);
}

static void questions_and_answers_are_not_kept_waiting(void **state)
{
	struct vni_slip slip = { 0 };
	struct test_pair t;
	int i;

	(void)state;
	test_pair_init(&t, SIZE, 0);
	for (i = 0; i < 100; i++) {
		send(&t, ONE);
		assert_int_equal(take(&t, &slip), ONE);
		assert_int_equal(slip.rest, 0);
		assert_int_equal(take(&t, &slip), 0);
		assert_int_equal(slip.rest, 0);
	}
}

static void few_at_each_look_of_a_stream_lengthen_the_rest_to_its_bound(void **state)
{
	struct vni_slip slip = { 0 };
	struct test_pair t;
	u32 before = 0;
	int i;

	(void)state;
	test_pair_init(&t, SIZE, 0);
	for (i = 0; i < 100; i++) {
		send(&t, FEW - 1);
		take(&t, &slip);
		assert_true(slip.rest > before || slip.rest == VNI_SLIP_MAX);
		before = slip.rest;
	}
	assert_int_equal(slip.rest, VNI_SLIP_MAX);
}

static void enough_at_a_look_leaves_the_rest(void **state)
{
	struct vni_slip slip = { .rest = 7 };
	struct test_pair t;

	(void)state;
	test_pair_init(&t, SIZE, 0);
	send(&t, FEW);
	take(&t, &slip);
	assert_int_equal(slip.rest, 7);
}

static void the_rest_ends_with_the_stream(void **state)
{
	struct vni_slip slip = { .rest = VNI_SLIP_MAX };
	struct test_pair t;
	int i;

	(void)state;
	test_pair_init(&t, SIZE, 0);
	for (i = 0; i < 5; i++)
		take(&t, &slip);
	assert_int_equal(slip.rest, 0);
	slip.rest = VNI_SLIP_MAX;
	for (i = 0; i < 5; i++) {
		send(&t, ONE);
		take(&t, &slip);
	}
	assert_int_equal(slip.rest, 0);
}

static void what_is_known_is_had_without_a_look(void **state)
{
	struct vni_slip slip = { .rest = 7 };
	struct test_pair t;

	(void)state;
	test_pair_init(&t, SIZE, 0);
	send(&t, 4);
	assert_int_equal(vni_ring_avail(&t.c), 4);
	vni_ring_advance(&t.c, 1);
	send(&t, 8);
	assert_int_equal(vni_slip_avail(&slip, &t.c, ONE, FEW), 3);
	assert_int_equal(slip.rest, 7);
}

static void a_broken_head_is_refused(void **state)
{
	struct vni_slip slip = { .rest = 7 };
	struct test_pair t;

	(void)state;
	test_pair_init(&t, SIZE, 0);
	t.pe.index = cpu_to_le32(SIZE + 1);
	assert_int_equal(vni_slip_avail(&slip, &t.c, ONE, FEW), -EPROTO);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_the_ring_has),
		cmocka_unit_test(questions_and_answers_are_not_kept_waiting),
		cmocka_unit_test(few_at_each_look_of_a_stream_lengthen_the_rest_to_its_bound),
		cmocka_unit_test(enough_at_a_look_leaves_the_rest),
		cmocka_unit_test(the_rest_ends_with_the_stream),
		cmocka_unit_test(what_is_known_is_had_without_a_look),
		cmocka_unit_test(a_broken_head_is_refused),
	};

	return cmocka_run_group_tests_name("slip", tests, NULL, NULL);
}
