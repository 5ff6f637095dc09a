// SPDX-License-Identifier: GPL-2.0
/* Start, the loop, and the end. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "server.h"

#define RETRY_MS	50	/* until what could not be sent for lack of memory is tried again */

/* Each client has a socket, a pidfd and its eventfds. */
static void raise_limit(const struct options *opt)
{
	rlim_t wanted = opt->clients * (opt->vectors + 2) + 32;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	if (setrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur < wanted)
		complain("%ju open files are allowed, %ju are wanted for all clients",
			 (uintmax_t)limit.rlim_cur, (uintmax_t)wanted);
}

static int end_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0)
		complain("signalfd: %s", strerror(errno));
	return fd;
}

enum { SIGNALS, LISTENER, OF_CLIENTS };

static void look(const struct options *opt, struct pollfd *files, int signals, int listener)
{
	bool waits;

	files[SIGNALS] = (struct pollfd){ .fd = signals, .events = POLLIN };
	files[LISTENER] = (struct pollfd){ .fd = listener, .events = POLLIN };
	for (unsigned int id = 0; id < opt->clients; id++) {
		struct pollfd *file = &files[OF_CLIENTS + id];

		file->fd = client_socket((int)id, &waits);
		file->events = POLLIN | (waits ? POLLOUT : 0);
		if (file->fd < 0)
			file->fd = seat_watch((int)id);
	}
}

static int run(const struct options *opt, int signals, int listener, int window)
{
	struct pollfd files[OF_CLIENTS + CLIENTS_MAX];
	bool again = false, waits;

	for (;;) {
		look(opt, files, signals, listener);
		if (poll(files, OF_CLIENTS + opt->clients, again ? RETRY_MS : -1) < 0) {
			if (errno == EINTR)
				continue;
			complain("poll: %s", strerror(errno));
			return EXIT_FAILURE;
		}
		if (files[SIGNALS].revents)
			return EXIT_SUCCESS;
		for (unsigned int id = 0; id < opt->clients; id++) {
			if (!files[OF_CLIENTS + id].revents)
				continue;
			if (client_socket((int)id, &waits) >= 0)
				client_ready(opt, (int)id);
			else
				seat_watched((int)id);
		}
		/* After those who left: their numbers can be had. */
		if (files[LISTENER].revents)
			client_accept(opt, listener, window);
		again = clients_tell(opt);
	}
}

int main(int argc, char **argv)
{
	struct options opt;
	int signals, window, listener, code = EXIT_FAILURE;

	options_parse(&opt, argc, argv);
	raise_limit(&opt);
	signals = end_signals();
	window = signals < 0 ? -1 : window_open(&opt);
	if (window < 0)
		return EXIT_FAILURE;
	listener = listen_open(&opt);
	if (listener >= 0) {
		say(&opt, "%s: window %s of %ju bytes, %u vectors, up to %u clients", opt.socket,
		    opt.window, (uintmax_t)opt.size, opt.vectors, opt.clients);
		notify("READY=1");
		code = run(&opt, signals, listener, window);
		notify("STOPPING=1");
		listen_close(&opt);
	}
	window_close(&opt);
	return code;
}
