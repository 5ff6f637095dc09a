// SPDX-License-Identifier: GPL-2.0
/*
 * One TCP or UDP stream of messages of one size, with as few system calls as there can be: in
 * User-Mode Linux each costs some 15 microseconds.
 *
 * flow -s                                          serve on port 5400, from the background
 * flow -c ADDRESS [-p tcp|udp] [-l SIZE] [-t SECONDS] [-w TIME] [-b BYTES]    send; prints JSON
 *
 * -b: the reader's socket has a buffer of that size (SO_RCVBUF), and so TCP a small window.
 * -w: connect, and begin at that time (seconds since 1970), so that several begin together.
 *
 * sent: bytes that the sender's stack took, in "seconds"; received: bytes that the reader got, in
 * "receive_seconds". UDP's are counted over the sender's time: the reader cannot know when the last
 * datagram is there.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define PORT 5400
#define READ_SIZE (128 << 10)
#define QUIET_MS 100	/* without a datagram: look whether the sender is done */
#define PATIENCE 600	/* such looks: a sender that has died without a word is not waited for */

/* What the sender asks for at first, and what the reader tells in the end. */
struct request {
	uint32_t udp;
	uint32_t size;
	int32_t buffer;	/* bytes; 0: as large as the kernel makes it */
};

struct result {
	uint64_t bytes;
	uint64_t messages;
	uint64_t ns;
};

static char buffer[READ_SIZE];
static volatile sig_atomic_t over;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "flow: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void read_all(int fd, void *to, size_t size)
{
	if (recv(fd, to, size, MSG_WAITALL) != (ssize_t)size)
		die("the other end has gone");
}

static void write_all(int fd, const void *from, size_t size)
{
	if (send(fd, from, size, MSG_NOSIGNAL) != (ssize_t)size)
		die("the other end has gone");
}

static void read_stream(int fd, struct result *result)
{
	uint64_t start = 0;
	ssize_t got;

	while ((got = recv(fd, buffer, sizeof(buffer), 0)) > 0) {
		if (!start)
			start = now_ns();
		result->bytes += got;
		result->messages++;
	}
	result->ns = start ? now_ns() - start : 0;
}

/* The sender says on the first connection when it is done; a quiet moment is when to ask. */
static bool sender_done(int fd)
{
	char end;

	return recv(fd, &end, 1, MSG_DONTWAIT) >= 0 || (errno != EAGAIN && errno != EINTR);
}

static void read_datagrams(int fd, struct result *result)
{
	struct timeval quiet = { .tv_usec = QUIET_MS * 1000 };
	struct sockaddr_in here;
	socklen_t len = sizeof(here);
	int looks = 0, udp = socket(AF_INET, SOCK_DGRAM, 0);
	ssize_t got;

	if (udp < 0 || getsockname(fd, (struct sockaddr *)&here, &len))
		die("socket");
	here.sin_port = 0;
	if (bind(udp, (struct sockaddr *)&here, sizeof(here)) ||
	    getsockname(udp, (struct sockaddr *)&here, &len) ||
	    setsockopt(udp, SOL_SOCKET, SO_RCVTIMEO, &quiet, sizeof(quiet)))
		die("the socket for datagrams");
	write_all(fd, &here.sin_port, sizeof(here.sin_port));
	while (looks < PATIENCE) {
		got = recv(udp, buffer, sizeof(buffer), 0);
		if (got >= 0) {
			result->bytes += got;
			result->messages++;
			continue;
		}
		if (errno == EAGAIN && sender_done(fd))
			break;
		looks++;
	}
}

static _Noreturn void serve_one(int fd)
{
	struct result result = { 0 };
	struct request request;

	read_all(fd, &request, sizeof(request));
	if (request.buffer && setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &request.buffer,
					 sizeof(request.buffer)))
		die("SO_RCVBUF");
	if (request.udp)
		read_datagrams(fd, &result);
	else
		read_stream(fd, &result);
	write_all(fd, &result, sizeof(result));
	exit(0);
}

static _Noreturn void serve(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int fd, one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);

	if (listener < 0)
		die("socket");
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&any, sizeof(any)) || listen(listener, 8))
		die("bind");
	signal(SIGCHLD, SIG_IGN);
	if (daemon(0, 0))
		die("daemon");
	for (;;) {
		fd = accept(listener, NULL, NULL);
		if (fd >= 0 && !fork())
			serve_one(fd);
		if (fd >= 0)
			close(fd);
	}
}

static void time_is_over(int number)
{
	(void)number;
	over = 1;
}

static void start_timer(double seconds)
{
	struct sigaction action = { .sa_handler = time_is_over };	/* no SA_RESTART */
	struct itimerval timer = {
		.it_value = { .tv_sec = seconds, .tv_usec = (seconds - (long)seconds) * 1e6 },
		.it_interval = { .tv_usec = 50000 },	/* the first may come between two calls */
	};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static int open_udp(int fd, struct sockaddr_in *to)
{
	int udp = socket(AF_INET, SOCK_DGRAM, 0);

	read_all(fd, &to->sin_port, sizeof(to->sin_port));
	if (udp < 0 || connect(udp, (struct sockaddr *)to, sizeof(*to)))
		die("the socket for datagrams");
	return udp;
}

static void send_for(int fd, uint32_t size, double seconds, struct result *result)
{
	uint64_t start = now_ns();
	ssize_t sent;

	start_timer(seconds);
	while (!over) {
		sent = send(fd, buffer, size, MSG_NOSIGNAL);
		if (sent < 0 && errno != EINTR && errno != ENOBUFS)
			die("send");
		if (sent > 0) {
			result->bytes += sent;
			result->messages++;
		}
	}
	result->ns = now_ns() - start;
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
}

/* Who comes too late would measure something else than it was asked for. */
static void wait_until(double when)
{
	struct timespec then = { .tv_sec = when, .tv_nsec = (when - (long)when) * 1e9 }, now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec + now.tv_nsec / 1e9 > when) {
		fprintf(stderr, "flow: connected %.3f s after the time to begin\n",
			now.tv_sec + now.tv_nsec / 1e9 - when);
		exit(1);
	}
	while (clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &then, NULL) == EINTR)
		;
}

static int run(struct sockaddr_in to, struct request request, double seconds, double when)
{
	struct result sent = { 0 }, got;
	int data, fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
		die("connect");
	write_all(fd, &request, sizeof(request));
	data = request.udp ? open_udp(fd, &to) : fd;
	if (when > 0)
		wait_until(when);
	send_for(data, request.size, seconds, &sent);
	shutdown(fd, SHUT_WR);
	read_all(fd, &got, sizeof(got));
	if (request.udp)
		got.ns = sent.ns;
	printf("{\"sent\": %llu, \"sent_messages\": %llu, \"seconds\": %.6f, \"received\": %llu, "
	       "\"received_messages\": %llu, \"receive_seconds\": %.6f}\n",
	       (unsigned long long)sent.bytes, (unsigned long long)sent.messages, sent.ns / 1e9,
	       (unsigned long long)got.bytes, (unsigned long long)got.messages, got.ns / 1e9);
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct request request = { .size = READ_SIZE };
	bool server = false, good = true;
	double seconds = 1, when = 0;
	int opt;

	while ((opt = getopt(argc, argv, "sc:p:l:t:w:b:")) > 0) {
		if (opt == 's')
			server = true;
		else if (opt == 'c')
			good = good && inet_pton(AF_INET, optarg, &to.sin_addr) == 1;
		else if (opt == 'p')
			request.udp = !strcmp(optarg, "udp");
		else if (opt == 'l')
			request.size = strtoul(optarg, NULL, 10);
		else if (opt == 't')
			seconds = atof(optarg);
		else if (opt == 'w')
			when = atof(optarg);
		else if (opt == 'b')
			request.buffer = atoi(optarg);
		else
			good = false;
	}
	if (server && good)
		serve();
	if (!good || optind != argc || !to.sin_addr.s_addr || !request.size ||
	    request.size > READ_SIZE || request.buffer < 0 || seconds <= 0) {
		fprintf(stderr, "usage: flow -s | flow -c ADDRESS [-p tcp|udp] [-l 1..%d] "
			"[-t SECONDS] [-w TIME] [-b BYTES]\n", READ_SIZE);
		return 2;
	}
	return run(to, request, seconds, when);
}
