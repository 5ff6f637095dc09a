// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of window/claim.c as it is: nodes, a thread each, that look for a seat at the same
 * time never get the same one.
 */
#include <pthread.h>

#include "test.h"

#include "window.h"

#define NODES 4
#define SECTION VNI_SECTION_MIN

#ifndef ROUNDS
#define ROUNDS 400
#endif

unsigned int vni_dead_ms;

static __thread u64 seed = 1;

u32 get_random_u32(void)
{
	return test_random(&seed);
}

u64 get_random_u64(void)
{
	return (u64)test_random(&seed) << 32 | test_random(&seed);
}

struct node {
	pthread_t thread;
	pthread_barrier_t *start;
	struct vni_window win;
	struct vni_claimant me;
	struct vni_seat_seen seen[NODES];
	u64 seed;
	int ret;
};

static u8 *memory;

static int setup(void **state)
{
	(void)state;
	memory = aligned_alloc(4096, NODES * SECTION);
	return memory ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(memory);
	return 0;
}

static struct vni_section *section(unsigned int seat)
{
	return (struct vni_section *)(memory + seat * SECTION);
}

static void occupy(unsigned int seat, u32 generation, u32 life, u32 peer)
{
	struct vni_section *sec = section(seat);

	sec->life.state = cpu_to_le32(life);
	sec->ident.generation = cpu_to_le32(generation);
	sec->bells[0].kind = cpu_to_le32(VNI_DOORBELL_IVSHMEM);
	sec->bells[0].where = cpu_to_le64(peer);
	sec->ident.magic = cpu_to_le64(VNI_MAGIC);
}

/* What vni_window_sit() does, as far as others that look for a seat care. */
static void sit(struct node *node)
{
	struct vni_section *sec = section(node->win.seat);

	WRITE_ONCE(sec->life.state, cpu_to_le32(VNI_LIFE_JOINED));
	WRITE_ONCE(sec->ident.generation,
		   cpu_to_le32(node->seen[node->win.seat].generation + 1));
	virt_store_release(&sec->ident.magic, cpu_to_le64(VNI_MAGIC));
	vni_window_claim_end(&node->win);
}

/* What the survey does. */
static void look(struct node *node)
{
	unsigned int i;

	for (i = 0; i < NODES; i++) {
		const struct vni_section *sec = section(i);
		u64 magic = le64_to_cpu(sec->ident.magic);

		node->seen[i] = (struct vni_seat_seen){
			.garbage = magic && magic != VNI_MAGIC,
			.joined = magic && le32_to_cpu(sec->life.state) == VNI_LIFE_JOINED,
			.generation = le32_to_cpu(sec->ident.generation),
			.heartbeat = le64_to_cpu(sec->life.heartbeat),
		};
	}
}

static void *join(void *data)
{
	struct node *node = data;

	seed = node->seed;
	if (node->start)
		pthread_barrier_wait(node->start);
	node->ret = vni_window_claim(&node->win, &node->me, node->seen);
	if (!node->ret)
		sit(node);
	return NULL;
}

static struct node make(u32 number, unsigned int wish, bool only)
{
	struct node node = {
		.win = { .base = memory, .size = NODES * SECTION, .section_size = SECTION,
			 .seats = NODES, .seat = VNI_SEAT_ANY },
		.me = { .number = number, .wish = wish, .only = only, .bell = number },
		.seed = 0x1234567 + number,
	};

	look(&node);
	return node;
}

static struct node alone(u32 number, unsigned int wish, bool only)
{
	struct node node = make(number, wish, only);

	join(&node);
	return node;
}

static void clear(void)
{
	memset(memory, 0, NODES * SECTION);
	vni_dead_ms = 600000;	/* 12 s here: no thread stands still for so long */
}

/* All at once, in rounds; chance: without numbers. */
static void together(bool chance, unsigned int wish, bool only)
{
	static struct node nodes[NODES];
	pthread_barrier_t start;
	unsigned int round, i, taken, won;

	pthread_barrier_init(&start, NULL, NODES);
	for (round = 0; round < ROUNDS; round++) {
		clear();
		for (i = 0; i < NODES; i++) {
			nodes[i] = make(chance ? VNI_CLAIM_NO_NUMBER : (round + i * 7) % 250, wish,
					only);
			nodes[i].seed = 0x9876543 + round * NODES + i;
			nodes[i].start = &start;
		}
		for (i = 0; i < NODES; i++)
			pthread_create(&nodes[i].thread, NULL, join, &nodes[i]);
		for (i = 0; i < NODES; i++)
			pthread_join(nodes[i].thread, NULL);
		for (i = 0, taken = 0, won = 0; i < NODES; i++) {
			if (nodes[i].ret)
				continue;
			assert_false(taken & 1u << nodes[i].win.seat);
			taken |= 1u << nodes[i].win.seat;
			won++;
		}
		assert_int_equal(won, only ? 1 : NODES);
	}
	pthread_barrier_destroy(&start);
}

static void test_numbers(void **state)
{
	(void)state;
	together(false, VNI_SEAT_ANY, false);
}

static void test_chance(void **state)
{
	(void)state;
	together(true, VNI_SEAT_ANY, false);
}

static void test_one_seat(void **state)
{
	(void)state;
	together(false, 2, true);
	together(true, 2, true);
}

static void test_order(void **state)
{
	(void)state;
	clear();
	assert_int_equal(alone(9, VNI_SEAT_ANY, false).win.seat, 0);
	assert_int_equal(alone(3, 3, false).win.seat, 3);
	/* the wish is out of range or taken: the lowest that is vacant */
	assert_int_equal(alone(9, 9, false).win.seat, 1);
}

static void test_left(void **state)
{
	(void)state;
	clear();
	vni_dead_ms = 300;
	occupy(0, 7, VNI_LIFE_JOINED, 70);
	occupy(1, 8, VNI_LIFE_LEFT, 71);
	occupy(2, 9, VNI_LIFE_JOINED, 72);
	section(3)->ident.magic = cpu_to_le64(0x4141414141414141);
	/* its own from an earlier life, at once; one that was left; one that is silent; no more */
	assert_int_equal(alone(72, 72, false).win.seat, 2);
	section(2)->life.heartbeat = cpu_to_le64(2);
	assert_int_equal(alone(80, 80, false).win.seat, 1);
	section(1)->life.heartbeat = cpu_to_le64(2);
	assert_int_equal(alone(81, 81, true).ret, -EBUSY);
}

static void *beat(void *data)
{
	bool *stop = data;
	u64 count = 0;

	while (!__atomic_load_n(stop, __ATOMIC_RELAXED)) {
		WRITE_ONCE(section(0)->life.heartbeat, cpu_to_le64(++count));
		usleep(200);
	}
	return NULL;
}

/* Silence is listened to for dead_ms: who beats meanwhile keeps the seat. */
static void test_silent(void **state)
{
	unsigned long before = jiffies;
	bool stop = false;
	pthread_t thread;

	(void)state;
	clear();
	vni_dead_ms = 5000;
	occupy(0, 7, VNI_LIFE_JOINED, 70);
	assert_int_equal(alone(5, 0, true).ret, 0);
	assert_true(jiffies - before >= 5000);
	occupy(0, 7, VNI_LIFE_JOINED, 70);
	pthread_create(&thread, NULL, beat, &stop);
	assert_int_equal(alone(5, 0, true).ret, -EBUSY);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

/* A node that died while it claimed holds nobody up for ever, with a lower number or a higher. */
static void test_dead_claim(void **state)
{
	const size_t first = SECTION - SECTION / VNI_CLAIM_SHARE;
	struct vni_claim *lines = (struct vni_claim *)(memory + first);
	unsigned int i;

	(void)state;
	for (i = 3; i <= 7; i += 4) {
		unsigned long before = jiffies;

		clear();
		vni_dead_ms = 5000;
		lines[i].magic = cpu_to_le64(VNI_CLAIM_MAGIC);
		assert_int_equal(alone(5, VNI_SEAT_ANY, false).win.seat, 0);
		assert_true(jiffies - before >= 5000);
	}
}

static void test_lost(void **state)
{
	struct vni_window win = { .base = memory, .section_size = SECTION, .seats = NODES,
				  .generation = 4 };

	(void)state;
	clear();
	occupy(0, 4, VNI_LIFE_JOINED, 1);
	assert_true(vni_window_check_seat(&win));
	assert_false(win.lost);
	occupy(0, 5, VNI_LIFE_JOINED, 2);
	assert_false(vni_window_check_seat(&win));
	assert_true(win.lost);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),	   cmocka_unit_test(test_chance),
		cmocka_unit_test(test_one_seat),   cmocka_unit_test(test_order),
		cmocka_unit_test(test_left),	   cmocka_unit_test(test_silent),
		cmocka_unit_test(test_dead_claim), cmocka_unit_test(test_lost),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
