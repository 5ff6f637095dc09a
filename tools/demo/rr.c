// SPDX-License-Identifier: GPL-2.0
/*
 * Round trips of one byte, or of messages of some size, over TCP or UDP.
 *
 * rr -s                                     serve both on port 5300, from the background
 * rr -c ADDRESS [-p tcp|udp] [-t SECONDS] [-l BYTES] [-w MS]
 *                                           ask; prints JSON, times in nanoseconds; an answer
 *                                           later than MS (1000) counts as lost
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT 5300
#define SAMPLES_MAX (1U << 20)
#define BYTES_MAX 8192
#define WARM_UP 200		/* trips that are not counted */

static size_t size = 1;		/* bytes of a message */
static int answer_ms = 1000;	/* an answer later than this counts as lost */
static char data[BYTES_MAX];

static void die(const char *what)
{
	fprintf(stderr, "rr: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static int new_socket(int type)
{
	int fd = socket(AF_INET, type, 0), one = 1;

	if (fd < 0)
		die("socket");
	if (type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	return fd;
}

static int serve_socket(int type)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int fd = new_socket(type);

	if (bind(fd, (struct sockaddr *)&any, sizeof(any)))
		die("bind");
	if (type == SOCK_STREAM && listen(fd, 8))
		die("listen");
	return fd;
}

/* Echo until the other end closes; nothing else is served meanwhile. */
static void serve_stream(int listener)
{
	int fd = accept(listener, NULL, NULL), one = 1;
	ssize_t got;

	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	while ((got = recv(fd, data, sizeof(data), 0)) > 0)
		if (send(fd, data, got, MSG_NOSIGNAL) != got)
			break;
	close(fd);
}

/* Echo, blocking in recvfrom() as the stream's server does, until nothing has come for a second. */
static void serve_datagrams(int fd)
{
	struct timeval second = { .tv_sec = 1 };
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t got;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
	while ((got = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &len)) >= 0) {
		sendto(fd, data, got, 0, (struct sockaddr *)&from, len);
		len = sizeof(from);
	}
}

static _Noreturn void serve(void)
{
	struct pollfd fds[2] = {
		{ .fd = serve_socket(SOCK_STREAM), .events = POLLIN },
		{ .fd = serve_socket(SOCK_DGRAM), .events = POLLIN },
	};

	if (daemon(0, 0))
		die("daemon");
	for (;;) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[0].revents)
			serve_stream(fds[0].fd);
		if (fds[1].revents)
			serve_datagrams(fds[1].fd);
	}
}

static int connected(const char *address, int type)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct timeval limit = { .tv_sec = answer_ms / 1000, .tv_usec = answer_ms % 1000 * 1000 };
	int fd = new_socket(type);

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1) {
		fprintf(stderr, "rr: %s: not an IPv4 address\n", address);
		exit(1);
	}
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		die("connect");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return fd;
}

/* One trip: its nanoseconds, or -1 if no answer came. Answers that come too late are skipped. */
static long long trip(int fd)
{
	static char count;
	long long start = now_ns();
	char ask = ++count;
	ssize_t got;

	data[0] = ask;
	if (send(fd, data, size, MSG_NOSIGNAL) != (ssize_t)size)
		die("send");
	do
		got = recv(fd, data, size, MSG_WAITALL);
	while (got == (ssize_t)size && data[0] != ask);
	if (got >= 0 && got < (ssize_t)size) {
		fprintf(stderr, "rr: the server has gone, or answers with less than it was sent\n");
		exit(1);
	}
	if (got < 0 && errno != EAGAIN)
		die("recv");
	return got > 0 ? now_ns() - start : -1;
}

static int compare(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return (x > y) - (x < y);
}

static int ask(const char *address, int type, double seconds)
{
	long long *ns = malloc(SAMPLES_MAX * sizeof(*ns)), sum = 0, end;
	unsigned int n = 0, lost = 0, i;
	int fd = connected(address, type);

	if (!ns)
		die("malloc");
	/* Where many are lost each takes a second: not too many of those. */
	end = now_ns() + (long long)(seconds * 1e9);
	for (i = 0; i < WARM_UP && now_ns() < end; i++)
		trip(fd);
	end = now_ns() + (long long)(seconds * 1e9);
	while (now_ns() < end && n < SAMPLES_MAX) {
		ns[n] = trip(fd);
		if (ns[n] < 0)
			lost++;
		else
			sum += ns[n++];
	}
	if (!n) {
		fprintf(stderr, "rr: no answer\n");
		return 1;
	}
	qsort(ns, n, sizeof(*ns), compare);
	printf("{\"count\": %u, \"lost\": %u, \"min\": %lld, \"median\": %lld, \"p99\": %lld, "
	       "\"max\": %lld, \"mean\": %lld}\n", n, lost, ns[0], ns[n / 2],
	       ns[(unsigned int)(n * 0.99)], ns[n - 1], sum / n);
	return 0;
}

int main(int argc, char **argv)
{
	const char *address = NULL;
	bool server = false;
	double seconds = 2;
	int type = SOCK_STREAM, opt;

	while ((opt = getopt(argc, argv, "sc:p:t:l:w:")) > 0) {
		if (opt == 's')
			server = true;
		else if (opt == 'c')
			address = optarg;
		else if (opt == 't')
			seconds = atof(optarg);
		else if (opt == 'l')
			size = strtoul(optarg, NULL, 10);
		else if (opt == 'w')
			answer_ms = atoi(optarg);
		else if (opt == 'p' && !strcmp(optarg, "udp"))
			type = SOCK_DGRAM;
		else if (opt != 'p' || strcmp(optarg, "tcp"))
			address = NULL, opt = '?', optind = argc + 1;
		if (optind > argc)
			break;
	}
	if (server)
		serve();
	if (!address || optind != argc || !size || size > sizeof(data) || answer_ms <= 0) {
		fprintf(stderr, "usage: rr -s | rr -c ADDRESS [-p tcp|udp] [-t SECONDS] [-l 1..%d] "
			"[-w MS]\n", BYTES_MAX);
		return 2;
	}
	return ask(address, type, seconds);
}
