// SPDX-License-Identifier: GPL-2.0
/*
 * Numbers of clients, and the eventfds that belong to a number.
 *
 * QEMU frees its table of a peer's eventfds when it is told that this peer has gone, and does not
 * forget the pointer: close_peer_eventfds() in hw/misc/ivshmem.c of QEMU 7.2. It writes to that
 * memory when the number is used again, and frees it a second time when its own device is
 * unplugged. No order of messages avoids that. So nobody is told. The eventfds of a number are
 * made once and stay: who takes the number later listens to the same ones, and those who know them
 * already need to hear nothing. A guest cannot see either of it.
 *
 * With --announce it is done by the book: eventfds last as long as their client.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server.h"

static struct seat {
	bool taken;
	bool held;		/* its client was thrown out, and may still listen */
	int process;		/* pidfd of the client, -1: cannot be watched */
	unsigned int generation; /* of the eventfds, 0: there are none */
	int eventfd[VECTORS_MAX];
} seats[CLIENTS_MAX];

static unsigned int generations;

static void drop_eventfds(struct seat *seat, unsigned int count)
{
	while (count--)
		close(seat->eventfd[count]);
	seat->generation = 0;
}

static bool make_eventfds(struct seat *seat, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		seat->eventfd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (seat->eventfd[i] < 0) {
			complain("eventfd: %s", strerror(errno));
			drop_eventfds(seat, i);
			return false;
		}
	}
	seat->generation = ++generations;
	return true;
}

/* Rings that were meant for the one before. */
static void silence(struct seat *seat, unsigned int count)
{
	uint64_t rings;

	for (unsigned int i = 0; i < count; i++)
		if (read(seat->eventfd[i], &rings, sizeof(rings)) < 0 && errno != EAGAIN)
			complain("eventfd: %s", strerror(errno));
}

int seat_take(const struct options *opt, pid_t pid)
{
	for (unsigned int id = 0; id < opt->clients; id++) {
		struct seat *seat = &seats[id];

		if (seat->taken || seat->held)
			continue;
		if (!seat->generation && !make_eventfds(seat, opt->vectors))
			return -1;
		silence(seat, opt->vectors);
		seat->taken = true;
		seat->process = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
		return (int)id;
	}
	return -1;
}

void seat_leave(const struct options *opt, int id, bool silent)
{
	struct seat *seat = &seats[id];

	seat->taken = false;
	if (opt->announce)
		drop_eventfds(seat, opt->vectors);
	else if (!silent)
		seat->held = true;
	if (!seat->held && seat->process >= 0)
		close(seat->process);
}

bool seat_taken(int id)
{
	return seats[id].taken;
}

unsigned int seat_generation(int id)
{
	return seats[id].generation;
}

int seat_eventfd(int id, unsigned int vector)
{
	return seats[id].eventfd[vector];
}

int seat_watch(int id)
{
	return seats[id].held ? seats[id].process : -1;
}

void seat_watched(int id)
{
	seats[id].held = false;
	close(seats[id].process);
}
