// SPDX-License-Identifier: GPL-2.0
/*
 * For selftests: looks into physical memory, and plays a node that is not what it should be.
 *
 *	physmem ADDR			print the 8 bytes at ADDR as a number
 *	physmem ADDR = VALUE...		store numbers, 8 bytes each
 *	physmem ADDR fill LEN BYTE	store LEN times BYTE
 *	physmem ADDR sum LEN		print a checksum of LEN bytes
 *	physmem ADDR noise LEN SECONDS SEED	store random numbers at random places of LEN bytes
 *	physmem ADDR beat		count up the 8 bytes at ADDR 20 times a second, until killed
 *	physmem ADDR ipi ID VECTOR TIMES	ADDR is a local APIC: send interrupts to that of ID
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 0);

	if (end == text || *end) {
		fprintf(stderr, "physmem: %s is no number\n", text);
		exit(2);
	}
	return n;
}

static volatile uint64_t *map(uint64_t at, uint64_t len)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), skip = at % page;
	int fd = open("/dev/mem", O_RDWR);
	char *base;

	base = mmap(NULL, len + skip, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)(at - skip));
	if (base == MAP_FAILED) {
		perror("physmem: /dev/mem");
		exit(1);
	}
	return (volatile uint64_t *)(void *)(base + skip);
}

static void sum(uint64_t at, uint64_t len)
{
	volatile uint64_t *word = map(at, len);
	uint64_t i, all = 0;

	for (i = 0; i < len / 8; i++)
		all = (all ^ word[i]) * 0x9e3779b97f4a7c15 + i;
	printf("%016" PRIx64 "\n", all);
}

static void beat(uint64_t at)
{
	volatile uint64_t *word = map(at, 8);

	for (;;) {
		*word += 1;
		usleep(50000);
	}
}

/*
 * The kernel may send one of its own between our two stores: then ours goes where that one went, so
 * the vector has to be one that does no harm there.
 */
static void ipi(uint64_t at, uint32_t id, uint32_t vector, uint64_t times)
{
	volatile uint32_t *apic = (volatile uint32_t *)map(at, 4096);

	if ((apic[0x30 / 4] & 0xf0) != 0x10) {
		fprintf(stderr, "physmem: expected a local APIC's version, 0x1X, found 0x%" PRIx32
			": no APIC there, or in x2APIC mode\n", apic[0x30 / 4]);
		exit(1);
	}
	for (; times; times--) {
		apic[0x310 / 4] = id << 24;
		apic[0x300 / 4] = vector;
	}
}

/* A burst of stores, then a moment of rest, so that the node also gets to act on what it read. */
static void noise(uint64_t at, uint64_t len, unsigned int seconds, uint64_t seed)
{
	volatile uint64_t *word = map(at, len);
	time_t end = time(NULL) + seconds;
	int i;

	while (time(NULL) < end) {
		for (i = 0; i < 200; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			word[(seed >> 33) % (len / 8)] = seed & 1 ? seed >> 8 : seed >> 56;
		}
		usleep(1000);
	}
}

int main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[2] : "";
	uint64_t at;
	int i;

	if (argc < 2)
		return 2;
	at = number(argv[1]);
	if (argc == 2)
		printf("0x%016" PRIx64 "\n", *map(at, 8));
	else if (!strcmp(verb, "=") && argc > 3)
		for (i = 3; i < argc; i++)
			*map(at + 8 * (uint64_t)(i - 3), 8) = number(argv[i]);
	else if (!strcmp(verb, "fill") && argc == 5)
		memset((void *)map(at, number(argv[3])), (int)number(argv[4]), number(argv[3]));
	else if (!strcmp(verb, "sum") && argc == 4)
		sum(at, number(argv[3]));
	else if (!strcmp(verb, "noise") && argc == 6)
		noise(at, number(argv[3]), (unsigned int)number(argv[4]), number(argv[5]));
	else if (!strcmp(verb, "beat") && argc == 3)
		beat(at);
	else if (!strcmp(verb, "ipi") && argc == 6)
		ipi(at, (uint32_t)number(argv[3]), (uint32_t)number(argv[4]), number(argv[5]));
	else
		return 2;
	return 0;
}
