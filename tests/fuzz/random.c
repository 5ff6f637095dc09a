// SPDX-License-Identifier: GPL-2.0
/*
 * Drives the fuzz target with random inputs where there is no libFuzzer, and beside it.
 * random SECONDS [SEED]; the seed of an input that breaks something is printed before it runs out.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define INPUT_MAX 2048
#define HANG_S 10 /* an input takes far less than a millisecond */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t seed;

static uint64_t draw(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1dULL;
}

static void say_seed(int sig)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "random: signal %d with seed 0x%llx\n", sig,
			   (unsigned long long)seed);

	if (write(STDERR_FILENO, text, len) != len || sig)
		_exit(1);
}

static void one_input(void)
{
	static uint8_t input[INPUT_MAX];
	uint64_t state = seed;
	size_t len = draw(&state) % INPUT_MAX + 1, i;

	for (i = 0; i < len; i++)
		input[i] = draw(&state) >> 56;
	alarm(HANG_S);
	LLVMFuzzerTestOneInput(input, len);
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 5);
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 0) : 0x5eed0001;
	unsigned long count = 0;

	signal(SIGALRM, say_seed);
	signal(SIGABRT, say_seed);
	for (seed = first ?: 1; !count || (time(NULL) < end && argc < 3); seed++, count++)
		one_input();
	printf("random: %lu inputs from seed 0x%llx\n", count, (unsigned long long)first);
	return 0;
}
