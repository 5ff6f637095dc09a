/* SPDX-License-Identifier: GPL-2.0 */
/* Two threads on CPUs of their own, and the clock. */
#ifndef BENCH_THREADS_H
#define BENCH_THREADS_H

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static inline void die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static inline double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

/* The CPUs that this process may use, read before any thread is pinned. */
static cpu_set_t allowed;

static inline void find_cpus(void)
{
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		die("sched_getaffinity failed");
	if (CPU_COUNT(&allowed) < 2)
		die("this needs two CPUs");
}

/* The calling thread runs on the @nth of them and on no other. */
static inline void pin(int nth)
{
	cpu_set_t one;
	int cpu;

	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed) && nth-- == 0)
			break;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (pthread_setaffinity_np(pthread_self(), sizeof(one), &one))
		die("pthread_setaffinity_np failed");
}

static inline pthread_t start_thread(void *(*run)(void *), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, arg))
		die("pthread_create failed");
	return thread;
}

#endif /* BENCH_THREADS_H */
