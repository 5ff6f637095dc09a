// SPDX-License-Identifier: GPL-2.0
/*
 * Two threads with one mapping of the window, for the thread sanitizer: it knows acquire and
 * release, so a payload access that no barrier orders is reported as a race.
 */
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "test.h"
#include "traffic.h"

#define RECORDS 30000

static void *consumer(void *arg)
{
	return (void *)traffic_consume(arg);
}

static void exchange(u32 start, u32 len_max)
{
	const char *records = getenv("VNI_RECORDS"), *why;
	struct traffic p = {
		.from = aligned_alloc(VNI_PAGE, sizeof(*p.from)),
		.to = aligned_alloc(VNI_PAGE, sizeof(*p.to)),
		.seed = test_seed("threads"), .start = start, .len_max = len_max,
		.records = records ? strtoul(records, NULL, 0) : RECORDS,
		.bell_producer = eventfd(0, 0), .bell_consumer = eventfd(0, 0),
	}, c;
	pthread_t thread;
	void *told;

	assert_true(p.from && p.to && p.bell_producer >= 0 && p.bell_consumer >= 0);
	memset(p.from, 0, sizeof(*p.from));
	memset(p.to, 0, sizeof(*p.to));
	test_end(&p.from->tx, start);
	test_end(&p.from->take, start);
	test_end(&p.to->rx, start);
	test_end(&p.to->give, start);
	c = p;
	assert_int_equal(pthread_create(&thread, NULL, consumer, &c), 0);
	why = traffic_produce(&p);
	pthread_join(thread, &told);
	if (why || told)
		fail_msg("producer: %s, consumer: %s", why ?: "good", told ? (char *)told : "good");
	close(p.bell_producer);
	close(p.bell_consumer);
	free(p.from);
	free(p.to);
}

static void small_frames_cross_without_a_race(void **state)
{
	(void)state;
	exchange(0, 256);
}

static void indices_wrap_without_a_race(void **state)
{
	(void)state;
	exchange(0xfffff000, 9014);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_frames_cross_without_a_race),
		cmocka_unit_test(indices_wrap_without_a_race),
	};

	return cmocka_run_group_tests_name("two threads", tests, NULL, NULL);
}
