// SPDX-License-Identifier: GPL-2.0
/*
 * The lab's agent: runs commands in a node for the host, over a byte stream (see frame.h).
 *
 * usage: agent [-k] PORT
 *
 * PORT is a character device, or "-" for standard input and output. With -k the kernel's log is
 * sent too. One thread, one poll loop, nothing blocks: a command that does not read its input or a
 * host that does not read the output stops that one stream, by its window of unacknowledged bytes.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"

static int children_fd; /* readable: a command has ended */

int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void watch(struct pollfd *p, int fd, short events)
{
	p->fd = events ? fd : -1; /* a descriptor that nobody waits for must not wake us */
	p->events = events;
	p->revents = 0;
}

/* How long poll() may sleep. */
static int sleep_ms(void)
{
	int64_t next = commands_deadline(), port = port_deadline();

	if (port < next)
		next = port;
	return next < 0 ? 0 : (int)next;
}

/* One turn of the loop; false when the port has failed. */
static bool turn(void)
{
	static struct pollfd p[4 + MAX_COMMANDS * 3];
	bool room = port_has_room(), good = true;
	int wait = sleep_ms();

	watch(&p[0], port_rfd, POLLIN);
	watch(&p[1], port_wfd, port_has_output() ? POLLOUT : 0);
	watch(&p[2], kmsg_fd, room ? POLLIN : 0);
	watch(&p[3], children_fd, POLLIN);
	watch_commands(&p[4], room);
	if (poll(p, 4 + MAX_COMMANDS * 3, wait) < 0)
		return errno == EINTR;

	serve_commands(&p[4]);
	if (p[2].revents)
		pump_kmsg(false);
	if (p[3].revents)
		reap();
	finish_commands();
	if (p[0].revents & POLLIN)
		good = read_port();
	else if (p[0].revents)
		good = false;
	if (good && port_has_output())
		good = write_port();
	return good;
}

int main(int argc, char **argv)
{
	const char *path;

	want_kmsg = argc > 1 && !strcmp(argv[1], "-k");
	path = argc == 2 + want_kmsg ? argv[1 + want_kmsg] : NULL;
	if (!path) {
		fputs("usage: agent [-k] PORT\n", stderr);
		return 2;
	}
	children_fd = watch_children();
	if (children_fd < 0) {
		perror("agent");
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);

	for (;;) {
		if (port_rfd < 0 && !open_port(path)) {
			usleep(100000);
			continue;
		}
		if (turn())
			continue;
		if (!strcmp(path, "-"))
			return 0;
		close_port(); /* the host comes back */
		usleep(100000);
	}
}
