// SPDX-License-Identifier: GPL-2.0
/*
 * Two processes with one window: each maps its own section for writing and the other's for reading
 * only, at addresses that differ. VNI_RECORDS sets how many records each test sends.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"
#include "traffic.h"

#ifndef RECORDS
#define RECORDS 100000
#endif

/* What a child reports. */
struct told {
	void *from, *to;
	char why[80];
};

static void *map(int fd, size_t size, off_t at, bool mine, uintptr_t where)
{
	void *p = mmap((void *)where, size, mine ? PROT_READ | PROT_WRITE : PROT_READ,
		       MAP_SHARED | MAP_FIXED_NOREPLACE, fd, at);

	return p == MAP_FAILED ? NULL : p;
}

static void map_window(struct traffic *t, int fd, bool producer)
{
	uintptr_t where = producer ? 0x200000000000 : 0x300000000000;

	t->from = map(fd, sizeof(*t->from), 0, producer, where);
	t->to = map(fd, sizeof(*t->to), sizeof(*t->from), !producer, where + (1 << 30));
}

/* A child that consumes; what it saw of the window's place and the outcome come by a pipe. */
static pid_t start_consumer(struct traffic *t, int fd, int report)
{
	pid_t pid = fork();
	struct told told = {};
	const char *why;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	map_window(t, fd, false);
	told.from = t->from;
	told.to = t->to;
	why = t->from && t->to ? traffic_consume(t) : "the window cannot be mapped";
	snprintf(told.why, sizeof(told.why), "%s", why ?: "");
	_exit(write(report, &told, sizeof(told)) != sizeof(told));
}

/* The ends as a session finds them. */
static void clear_ends(int fd, u32 start)
{
	size_t size = sizeof(struct traffic_from) + sizeof(struct traffic_to);
	struct traffic_from *from = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct traffic_to *to = (struct traffic_to *)(from + 1);

	assert_true(from != MAP_FAILED);
	test_end(&from->tx, start);
	test_end(&from->take, start);
	test_end(&to->rx, start);
	test_end(&to->give, start);
	munmap(from, size);
}

/* Run the producer here and the consumer in a child, and see that both were content. */
static void run_both(struct traffic *t, int fd)
{
	int report[2], status;
	struct told told = {};
	const char *why;
	pid_t child;

	map_window(t, fd, true);
	assert_true(t->from && t->to);
	assert_int_equal(pipe(report), 0);
	child = start_consumer(t, fd, report[1]);
	assert_true(child > 0);
	close(report[1]);
	why = traffic_produce(t);
	if (why)
		kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (why)
		fail_msg("%s", why);
	assert_int_equal(read(report[0], &told, sizeof(told)), sizeof(told));
	assert_string_equal(told.why, "");
	assert_int_equal(status, 0);
	assert_ptr_not_equal(told.from, t->from);
	assert_ptr_not_equal(told.to, t->to);
	close(report[0]);
	munmap(t->from, sizeof(*t->from));
	munmap(t->to, sizeof(*t->to));
}

static void exchange(u32 start, u32 len_max, u64 salt)
{
	const char *records = getenv("VNI_RECORDS");
	int fd = memfd_create("window", 0);
	struct traffic t = {
		.seed = test_seed("traffic") ^ salt,
		.start = start,
		.len_max = len_max,
		.records = records ? strtoul(records, NULL, 0) : RECORDS,
		.bell_producer = eventfd(0, 0),
		.bell_consumer = eventfd(0, 0),
	};

	assert_true(fd >= 0 && t.bell_producer >= 0 && t.bell_consumer >= 0);
	assert_int_equal(ftruncate(fd, sizeof(*t.from) + sizeof(*t.to)), 0);
	clear_ends(fd, start);
	run_both(&t, fd);
	print_message("%u records, the producer slept %llu times and rang %llu times\n", t.records,
		      (unsigned long long)t.sleeps, (unsigned long long)t.rung);
	close(fd);
	close(t.bell_producer);
	close(t.bell_consumer);
}

static void small_frames_arrive_as_sent(void **state)
{
	(void)state;
	exchange(0, 256, 1);
}

static void frames_of_all_sizes_arrive_as_sent(void **state)
{
	(void)state;
	exchange(0, 9014, 2);
}

static void indices_wrap_under_way(void **state)
{
	(void)state;
	exchange(0xfffff000, 1514, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_frames_arrive_as_sent),
		cmocka_unit_test(frames_of_all_sizes_arrive_as_sent),
		cmocka_unit_test(indices_wrap_under_way),
	};

	return cmocka_run_group_tests_name("two processes", tests, NULL, NULL);
}
