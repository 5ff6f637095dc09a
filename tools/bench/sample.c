// SPDX-License-Identifier: GPL-2.0
/*
 * What a machine's processors are at, all of them: its own clock interrupts them, and the kernel's
 * function is noted. perf would do the same, but its libraries are more than a node's image holds.
 *
 * sample SECONDS RATE      prints "samples;file;symbol" a line, as perf report does; file is
 *                          "kernel", a module's name, or "user" (without a symbol)
 *
 * Once each processor is looked at, before the time begins, it says "sampling" on stderr.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CPUS_MAX 64
#define RING_BYTES (1U << 20)	/* of samples, a processor; what does not fit is not sampled */
#define NAME 64

struct record {
	struct perf_event_header header;
	uint64_t ip;
};

/* An address, how often it was met, and the symbol with the next lower address. */
struct place {
	uint64_t ip, start;
	unsigned int count;
	char name[NAME], module[NAME];
};

static struct place *places;
static size_t count, room;
static unsigned int in_user;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "sample: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_cpu(int cpu, unsigned int rate, void **ring)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_freq = rate,
		.freq = 1,
		.sample_type = PERF_SAMPLE_IP,
		.disabled = 1,
	};
	int fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		die("perf_event_open (root, and a kernel with CONFIG_PERF_EVENTS, are needed)");
	*ring = mmap(NULL, RING_BYTES + sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
		     fd, 0);
	if (*ring == MAP_FAILED)
		die("no memory for samples");
	return fd;
}

static void add(uint64_t ip)
{
	if (count == room) {
		room = room ? 2 * room : 4096;
		places = realloc(places, room * sizeof(*places));
		if (!places)
			die("no memory");
	}
	memset(&places[count], 0, sizeof(*places));
	places[count].ip = ip;
	places[count++].count = 1;
}

/* Nothing is written any more. All records are of one size but those that tell of lost ones. */
static void take(const void *ring)
{
	const struct perf_event_mmap_page *page = ring;
	const char *data = (const char *)ring + page->data_offset;
	uint64_t at;

	for (at = 0; at + sizeof(struct record) <= page->data_head;) {
		const struct record *record = (const void *)(data + at);

		if (record->header.type == PERF_RECORD_SAMPLE) {
			if ((record->header.misc & PERF_RECORD_MISC_CPUMODE_MASK) ==
			    PERF_RECORD_MISC_USER)
				in_user++;
			else
				add(record->ip);
		}
		if (!record->header.size)
			break;
		at += record->header.size;
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = ((const struct place *)a)->ip, y = ((const struct place *)b)->ip;

	return (x > y) - (x < y);
}

static void merge(void)
{
	size_t i, kept = 0;

	qsort(places, count, sizeof(*places), compare);
	for (i = 1; i < count; i++) {
		if (places[i].ip == places[kept].ip)
			places[kept].count += places[i].count;
		else
			places[++kept] = places[i];
	}
	count = count ? kept + 1 : 0;
}

/* A symbol belongs to the first address that is not below it, or to none. */
static void offer(uint64_t start, const char *name, const char *module)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (places[middle].ip < start)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == count || places[low].start >= start)
		return;
	places[low].start = start;
	snprintf(places[low].name, NAME, "%.63s", name);
	snprintf(places[low].module, NAME, "%.63s", module);
}

static void name_places(void)
{
	FILE *symbols = fopen("/proc/kallsyms", "r");
	char line[512], name[256], module[256], type;
	unsigned long long start;
	size_t i;

	if (!symbols)
		die("/proc/kallsyms");
	while (fgets(line, sizeof(line), symbols)) {
		module[0] = 0;
		if (sscanf(line, "%llx %c %255s [%255[^]]", &start, &type, name, module) >= 3 &&
		    strchr("tTwW", type))
			offer(start, name, module);
	}
	fclose(symbols);
	/* addresses further on in a function have no symbol of their own */
	for (i = 1; i < count; i++) {
		if (places[i].start)
			continue;
		places[i].start = places[i - 1].start;
		memcpy(places[i].name, places[i - 1].name, NAME);
		memcpy(places[i].module, places[i - 1].module, NAME);
	}
}

static void print(void)
{
	size_t i, next;

	for (i = 0; i < count; i = next) {
		unsigned int sum = 0;

		for (next = i; next < count && places[next].start == places[i].start; next++)
			sum += places[next].count;
		printf("%u;%s;%s\n", sum, places[i].module[0] ? places[i].module : "kernel",
		       places[i].name);
	}
	printf("%u;user;\n", in_user);
}

int main(int argc, char **argv)
{
	double seconds = argc == 3 ? atof(argv[1]) : 0;
	unsigned int rate = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	int cpus = sysconf(_SC_NPROCESSORS_ONLN), fds[CPUS_MAX], cpu;
	struct timespec time = { .tv_sec = seconds, .tv_nsec = (seconds - (long)seconds) * 1e9 };
	void *rings[CPUS_MAX];

	if (seconds <= 0 || !rate || cpus > CPUS_MAX) {
		fprintf(stderr, "usage: sample SECONDS RATE, on %d processors at most\n", CPUS_MAX);
		return 2;
	}
	for (cpu = 0; cpu < cpus; cpu++)
		fds[cpu] = open_cpu(cpu, rate, &rings[cpu]);
	fprintf(stderr, "sampling\n");
	for (cpu = 0; cpu < cpus; cpu++)
		ioctl(fds[cpu], PERF_EVENT_IOC_ENABLE, 0);
	nanosleep(&time, NULL);
	for (cpu = 0; cpu < cpus; cpu++)
		ioctl(fds[cpu], PERF_EVENT_IOC_DISABLE, 0);
	for (cpu = 0; cpu < cpus; cpu++)
		take(rings[cpu]);
	merge();
	name_places();
	print();
	return 0;
}
