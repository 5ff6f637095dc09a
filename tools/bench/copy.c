// SPDX-License-Identifier: GPL-2.0
/*
 * What copying costs at best: nanoseconds a message of SIZE bytes.
 *
 * copy core SIZE MS      memcpy on one CPU, from one buffer to another
 * copy window SIZE MS    one CPU copies into shared memory, another copies out of it
 * copy ring SIZE MS      the same as records of VNI's frame ring, in the head/tail form
 *
 * For about MS milliseconds.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ring.h"
#include "threads.h"
#include "vni_rec.h"

#define LOOK 16
#define LAST UINT32_MAX
#define STORE (1U << 20)	/* bytes of shared memory: they stay in the cache */
#define BYTES_MAX (128U << 10)

/* What one side writes all the time has a line of its own: the other reads the rest. */
struct work {
	uint8_t *store;
	uint32_t size, slots;
	double ns, end;		/* to go on for, until */
	pthread_barrier_t start;
	uint32_t count __attribute__((aligned(LINE)));	/* messages that were copied */
	struct vni_ring p __attribute__((aligned(LINE)));
	struct vni_ring c __attribute__((aligned(LINE)));
};

static uint8_t *shared(void)
{
	int fd = memfd_create("bench", 0);
	void *at;

	if (fd < 0 || ftruncate(fd, STORE))
		die("copy: no shared memory");
	at = mmap(NULL, STORE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (at == MAP_FAILED)
		die("copy: no shared memory");
	close(fd);
	return at;
}

/* A message ends with its number, so that one which did not come as it was sent is found. */
static void number_set(uint8_t *data, uint32_t size, uint32_t number)
{
	memcpy(data + size - sizeof(number), &number, sizeof(number));
}

/* Whether another comes behind this one. */
static bool number_check(const uint8_t *data, uint32_t size, uint32_t number)
{
	uint32_t got;

	memcpy(&got, data + size - sizeof(got), sizeof(got));
	if (got != number && got != LAST)
		die("copy: a message came that was not sent");
	return got != LAST;
}

/* The number of the next message. The clock is asked every LOOK of them. */
static uint32_t next_number(struct work *w)
{
	if (w->count % LOOK == LOOK - 1 && now_ns() >= w->end)
		return LAST;
	return w->count++;
}

static void core(struct work *w)
{
	uint8_t *from = new_memory(w->size), *to = new_memory(w->size);
	uint32_t number;

	do {
		number = next_number(w);
		number_set(from, w->size, number);
		memcpy(to, from, w->size);
	} while (number_check(to, w->size, number));
}

static s32 wait_space(struct vni_ring *ring, u32 want)
{
	s32 space;

	while ((space = vni_ring_space(ring, want)) < (s32)want)
		cpu_relax();
	return space;
}

static s32 wait_avail(struct vni_ring *ring)
{
	s32 avail;

	while ((avail = vni_ring_avail(ring)) == 0)
		cpu_relax();
	if (avail < 0)
		die("copy: the ring is broken");
	return avail;
}

static void *window_out(void *arg)
{
	struct work *w = arg;
	uint8_t *to = new_memory(w->size);
	uint32_t i = 0;

	pin(1);
	pthread_barrier_wait(&w->start);
	do {
		wait_avail(&w->c);
		memcpy(to, w->store + vni_ring_at(&w->c) * w->size, w->size);
		vni_ring_advance(&w->c, 1);
		vni_ring_publish(&w->c);
	} while (number_check(to, w->size, i++));
	return NULL;
}

static void window_in(struct work *w)
{
	uint8_t *from = new_memory(w->size);
	uint32_t number;

	do {
		number = next_number(w);
		number_set(from, w->size, number);
		wait_space(&w->p, 1);
		memcpy(w->store + vni_ring_at(&w->p) * w->size, from, w->size);
		vni_ring_advance(&w->p, 1);
		vni_ring_publish(&w->p);
	} while (number != LAST);
}

static void *ring_out(void *arg)
{
	struct work *w = arg;
	uint8_t *to = new_memory(w->size);
	struct vni_rec_view view;
	u32 at, i = 0;
	s32 avail;

	pin(1);
	pthread_barrier_wait(&w->start);
	do {
		avail = wait_avail(&w->c);
		at = vni_ring_at(&w->c) * VNI_LINE;
		if (vni_rec_read(&view, w->store, STORE, at, avail) || view.len != w->size)
			die("copy: a record came that was not sent");
		vni_ring_copy_out(to, w->store, STORE, (at + sizeof(struct vni_rec)) & (STORE - 1),
				  view.len);
		vni_ring_advance(&w->c, view.lines);
		vni_ring_publish(&w->c);
	} while (number_check(to, w->size, i++));
	return NULL;
}

static void ring_in(struct work *w)
{
	uint8_t *from = new_memory(w->size);
	u32 at, lines = vni_rec_lines_inline(w->size);
	struct vni_rec rec = { 0 };
	u32 number;

	do {
		number = next_number(w);
		number_set(from, w->size, number);
		wait_space(&w->p, lines);
		vni_rec_header(&rec, w->size, 0);
		at = vni_ring_copy_in(w->store, STORE, vni_ring_at(&w->p) * VNI_LINE, &rec,
				      sizeof(rec));
		vni_ring_copy_in(w->store, STORE, at, from, w->size);
		vni_ring_advance(&w->p, lines);
		vni_ring_publish(&w->p);
	} while (number != LAST);
}

static uint32_t power_of_two_below(uint32_t n)
{
	uint32_t power = 1;

	while (power * 2 <= n)
		power *= 2;
	return power;
}

static double measure(struct work *w, const char *mode)
{
	bool ring = !strcmp(mode, "ring");
	struct vni_ring_end *head, *tail;
	pthread_t other;
	double start;

	if (!strcmp(mode, "core")) {
		pin(0);
		start = now_ns();
		w->end = start + w->ns;
		core(w);
		return (now_ns() - start) / w->count;
	}
	w->store = shared();
	head = new_memory(sizeof(*head));
	tail = new_memory(sizeof(*tail));
	w->slots = ring ? STORE / VNI_LINE : power_of_two_below(STORE / w->size);
	vni_ring_attach(&w->p, head, tail, w->slots);
	vni_ring_attach(&w->c, tail, head, w->slots);
	pthread_barrier_init(&w->start, NULL, 2);
	other = start_thread(ring ? ring_out : window_out, w);
	pin(0);
	pthread_barrier_wait(&w->start);
	start = now_ns();
	w->end = start + w->ns;
	if (ring)
		ring_in(w);
	else
		window_in(w);
	pthread_join(other, NULL);
	return (now_ns() - start) / w->count;
}

int main(int argc, char **argv)
{
	static struct work w;
	const char *mode = argc == 4 ? argv[1] : "";

	if (strcmp(mode, "core") && strcmp(mode, "window") && strcmp(mode, "ring")) {
		fprintf(stderr, "usage: copy core|window|ring SIZE MS\n");
		return 2;
	}
	w.size = strtoul(argv[2], NULL, 10);
	w.ns = strtod(argv[3], NULL) * 1e6;
	if (w.size < VNI_ETH_FRAME_MIN || w.ns < 1e6 ||
	    w.size > (strcmp(mode, "ring") ? BYTES_MAX : VNI_ETH_FRAME_MAX)) {
		fprintf(stderr, "copy: SIZE: %u to %u bytes (ring: %u); MS: 1 or more\n",
			VNI_ETH_FRAME_MIN, BYTES_MAX, VNI_ETH_FRAME_MAX);
		return 2;
	}
	find_cpus();
	printf("{\"ns\": %.3f}\n", measure(&w, mode));
	return 0;
}
