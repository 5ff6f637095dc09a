// SPDX-License-Identifier: GPL-2.0
/*
 * For selftests: reads a TCP stream by having the kernel map received pages (TCP_ZEROCOPY_RECEIVE),
 * as far as it does; what it does not is read by copying.
 *
 *	zcread PORT	one connection; what it gets goes to standard output, and how much of it was
 *			mapped, in bytes, to standard error
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK  (256 << 10)
#define PAGE   4096
#define COPIED (128 - 14 - 20 - 32) /* of what VNI copies: behind Ethernet, IP, TCP with a time */

static char copied[CHUNK];

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static void put(const char *from, size_t len)
{
	ssize_t done;

	for (; len; from += done, len -= (size_t)done) {
		done = write(STDOUT_FILENO, from, len);
		if (done <= 0)
			die("write");
	}
}

static int connection(const char *port)
{
	struct sockaddr_in here = { .sin_family = AF_INET,
				    .sin_port = htons((uint16_t)atoi(port)) };
	int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&here, sizeof(here)) || listen(fd, 1))
		die("listen");
	fd = accept(fd, NULL, NULL);
	if (fd < 0)
		die("accept");
	return fd;
}

/* Returns 0 at the end of the stream. */
static ssize_t read_some(int fd, size_t most)
{
	ssize_t got = recv(fd, copied, most < CHUNK ? most : CHUNK, 0);

	if (got < 0)
		die("recv");
	put(copied, (size_t)got);
	return got;
}

int main(int argc, char **argv)
{
	struct tcp_zerocopy_receive zc;
	unsigned long long mapped = 0;
	socklen_t len;
	bool ended = false;
	char *at;
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: zcread PORT\n");
		return 2;
	}
	fd = connection(argv[1]);
	at = mmap(NULL, CHUNK, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		die("mmap");
	while (!ended) {
		zc = (struct tcp_zerocopy_receive){ .address = (uintptr_t)at, .length = CHUNK };
		len = sizeof(zc);
		if (getsockopt(fd, IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, &zc, &len)) {
			if (errno == EIO) /* the stream is at its end */
				break;
			die("TCP_ZEROCOPY_RECEIVE");
		}
		if (zc.length) {
			put(at, zc.length);
			mapped += zc.length;
			madvise(at, CHUNK, MADV_DONTNEED);
		}
		/*
		 * Up to the next page that it may map. It says so from where fragments begin only:
		 * before that is what the driver copied of the frame.
		 */
		if (zc.recv_skip_hint && zc.recv_skip_hint < PAGE)
			ended = !read_some(fd, zc.recv_skip_hint);
		else if (!zc.length)
			ended = !read_some(fd, COPIED);
	}
	fprintf(stderr, "%llu\n", mapped);
	return 0;
}
