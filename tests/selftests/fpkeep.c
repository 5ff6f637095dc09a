// SPDX-License-Identifier: GPL-2.0
/*
 * Do programs keep their floating point registers, whatever the kernel does in between?
 *
 * fpkeep SECONDS    several processes with several threads each; prints how many looks were taken,
 *                   or says what was lost and exits with 1
 *
 * Each fills all of its vector registers with numbers of its own, does something for which the
 * kernel is needed, and looks what they are then, in one piece of assembler, so that no compiler's
 * code comes in between. Signals whose handler changes the registers come all the time.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROCESSES 3
#define THREADS   3
#define REGISTERS 16
#define PAGE	  4096
#define PAGES	  64

struct vectors {
	uint64_t word[2 * REGISTERS];
} __attribute__((aligned(16)));

static double seconds;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

#define ALL(op)                                                                                \
	op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) \
		op(14) op(15)
#define LOAD(n)	 "movdqa " #n "*16(%[in]), %%xmm" #n "\n"
#define STORE(n) "movdqa %%xmm" #n ", " #n "*16(%[out])\n"
#define CLEAR(n) "pxor %%xmm" #n ", %%xmm" #n "\n"

/* The system call @nr, with all vector registers as @in; what they are behind it. */
static long call(long nr, long a, long b, const struct vectors *in, struct vectors *out)
{
	long ret = nr;

	asm volatile(ALL(LOAD) "syscall\n" ALL(STORE)
		     : "+a"(ret)
		     : "D"(a), "S"(b), [in] "r"(in), [out] "r"(out)
		     : "rcx", "r11", "memory");
	return ret;
}

/* The same with a page that is not there yet. */
static void fault(volatile char *page, const struct vectors *in, struct vectors *out)
{
	asm volatile(ALL(LOAD) "movb $1, (%[page])\n" ALL(STORE)
		     :
		     : [page] "r"(page), [in] "r"(in), [out] "r"(out)
		     : "memory");
}

static void on_signal(int signal)
{
	(void)signal;
	asm volatile(ALL(CLEAR)::: "memory");
}

/* One of the things that a kernel does for a program. */
static void something(unsigned int turn, char *pages, const struct vectors *in, struct vectors *out)
{
	static const struct timespec moment = { .tv_nsec = 100000 };
	unsigned int page = turn / 5 % PAGES;

	switch (turn % 5) {
	case 0:
		call(SYS_getppid, 0, 0, in, out);
		break;
	case 1:
		call(SYS_sched_yield, 0, 0, in, out);
		break;
	case 2:
		fault(pages + page * PAGE, in, out);
		break;
	case 3:
		call(SYS_munmap, (long)(pages + (PAGES + page) * PAGE), PAGE, in, out);
		break;
	default:
		call(SYS_nanosleep, (long)&moment, 0, in, out);
	}
	if (page == PAGES - 1)
		madvise(pages, PAGES * PAGE, MADV_DONTNEED);
}

static void *look(void *arg)
{
	uint64_t seed = (uintptr_t)arg + ((uint64_t)getpid() << 32);
	double end = now() + seconds;
	struct vectors in, out;
	unsigned long turn;
	unsigned int i;
	char *pages;

	pages = mmap(NULL, 2 * PAGES * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		return (void *)1;
	for (turn = 0; now() < end; turn++) {
		for (i = 0; i < 2 * REGISTERS; i++)
			in.word[i] = seed * 2654435761u + turn * 40503 + i;
		something(turn, pages, &in, &out);
		if (memcmp(&in, &out, sizeof(in))) {
			fprintf(stderr, "fpkeep: registers were lost in turn %lu (kind %lu)\n", turn,
				turn % 5);
			return (void *)1;
		}
	}
	printf("%lu\n", turn);
	return NULL;
}

static int process(void)
{
	static const struct itimerval often = { { 0, 3000 }, { 0, 3000 } };
	pthread_t threads[THREADS];
	void *lost, *any = NULL;
	unsigned int i;

	signal(SIGALRM, on_signal);
	setitimer(ITIMER_REAL, &often, NULL);
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, look, (void *)(uintptr_t)(i + 1)))
			return 1;
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &lost);
		any = any ?: lost;
	}
	return any != NULL;
}

int main(int argc, char **argv)
{
	int i, status, lost = 0;

	seconds = argc == 2 ? strtod(argv[1], NULL) : 0;
	if (seconds <= 0) {
		fprintf(stderr, "usage: fpkeep SECONDS\n");
		return 2;
	}
	for (i = 0; i < PROCESSES; i++)
		if (!fork()) {
			status = process();
			fflush(stdout);
			_exit(status);
		}
	while (wait(&status) > 0)
		lost |= status;
	return lost != 0;
}
