// SPDX-License-Identifier: GPL-2.0
/*
 * A ring between two threads on two CPUs: nanoseconds an element, or a round trip.
 *
 * ring burst N MS     the producer puts and the consumer gets up to N elements at once
 * ring trip MS        one element there, one back, through two rings
 *
 * For about MS milliseconds.
 *
 * Which ring it is, is decided when it is compiled: RING_KIND names the header.
 */
#define _GNU_SOURCE
#include <stdbool.h>

#include "ring.h"
#include "threads.h"
#include RING_KIND

#define LOOK 64		/* bursts or trips from one look at the clock to the next */
#define LAST 0xffffffffffffull	/* the number of the element after which none comes */

/* What one side writes all the time has a line of its own: the other reads the rest. */
struct work {
	struct ring *there, *back;
	unsigned int burst;
	double ns;		/* to go on for */
	pthread_barrier_t start;
	unsigned long count __attribute__((aligned(LINE)));	/* elements or trips made */
};

static void number(struct element *e, uint64_t number)
{
	*e = (struct element){ number, ~number };
}

static void check(const struct element *e, uint64_t number)
{
	if (e->number != number || e->check != ~number)
		die("ring: an element came that was not sent");
}

/* A ring that loses an element never ends; the limit of time is the caller's. */
static void put_all(struct ring *r, struct element *e, unsigned int n)
{
	unsigned int done = 0;

	while ((done += ring_put(r, e + done, n - done)) < n)
		cpu_relax();
}

static unsigned int get_some(struct ring *r, struct element *e, unsigned int n)
{
	unsigned int got;

	while (!(got = ring_get(r, e, n)))
		cpu_relax();
	return got;
}

static void *consume(void *arg)
{
	struct element e[BURST_MAX];
	struct work *w = arg;
	uint64_t next = 1;
	unsigned int i, got;

	pin(1);
	pthread_barrier_wait(&w->start);
	for (;;) {
		got = get_some(w->there, e, w->burst);
		for (i = 0; i < got; i++) {
			if (e[i].number == LAST)
				return NULL;
			check(&e[i], next++);
		}
	}
}

static void produce(struct work *w)
{
	double end = now_ns() + w->ns;
	struct element e[BURST_MAX];
	unsigned int i, left = LOOK;

	while (left-- || (now_ns() < end && (left = LOOK))) {
		for (i = 0; i < w->burst; i++)
			number(&e[i], ++w->count);
		put_all(w->there, e, w->burst);
	}
	number(e, LAST);
	put_all(w->there, e, 1);
}

static void *answer(void *arg)
{
	struct work *w = arg;
	struct element e;

	pin(1);
	pthread_barrier_wait(&w->start);
	do {
		get_some(w->there, &e, 1);
		put_all(w->back, &e, 1);
	} while (e.number != LAST);
	return NULL;
}

static void ask(struct work *w)
{
	double end = now_ns() + w->ns;
	unsigned int left = LOOK;
	struct element e;

	while (left-- || (now_ns() < end && (left = LOOK))) {
		number(&e, ++w->count);
		put_all(w->there, &e, 1);
		get_some(w->back, &e, 1);
		check(&e, w->count);
	}
	number(&e, LAST);
	put_all(w->there, &e, 1);
	get_some(w->back, &e, 1);
}

static double measure(struct work *w, bool trip)
{
	pthread_t other;
	double start;

	find_cpus();
	w->there = ring_new();
	w->back = ring_new();
	pthread_barrier_init(&w->start, NULL, 2);
	other = start_thread(trip ? answer : consume, w);
	pin(0);
	pthread_barrier_wait(&w->start);
	start = now_ns();
	if (trip)
		ask(w);
	else
		produce(w);
	pthread_join(other, NULL);
	return (now_ns() - start) / w->count;
}

int main(int argc, char **argv)
{
	bool trip = argc == 3 && !strcmp(argv[1], "trip");
	struct work w = { .burst = 1 };

	if (!trip && (argc != 4 || strcmp(argv[1], "burst"))) {
		fprintf(stderr, "usage: ring burst N MS | ring trip MS\n");
		return 2;
	}
	if (!trip)
		w.burst = strtoul(argv[2], NULL, 10);
	w.ns = strtod(argv[argc - 1], NULL) * 1e6;
	if (!w.burst || w.burst > BURST_MAX || w.ns < 1e6) {
		fprintf(stderr, "ring: N: 1 to %d; MS: 1 or more\n", BURST_MAX);
		return 2;
	}
	printf("{\"ns\": %.3f}\n", measure(&w, trip));
	return 0;
}
