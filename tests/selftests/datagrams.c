// SPDX-License-Identifier: GPL-2.0
/*
 * For selftests: large datagrams whose content is known. The first four bytes are a datagram's
 * number, from which the rest follows; it never has a byte of 0xff.
 *
 *	datagrams serve PORT			checks what comes, says "BYTES whole" or "BYTES wrong" of
 *						each and answers with that
 *	datagrams hold PORT			receives, and never reads
 *	datagrams send ADDRESS PORT BYTES COUNT MS
 *		one after the other, each when the last one was answered or so long after it; says
 *		how many answers came, and how many of these were the datagram itself, whole:
 *		"answered N, returned N"
 *	datagrams flood ADDRESS PORT BYTES SECONDS	sends, as fast as it can; says "sent N"
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MOST 65507

static uint8_t out[MOST], in[MOST];

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint8_t byte_of(uint32_t number, uint32_t at)
{
	uint32_t mixed = (number * 2654435761u) ^ (at * 2246822519u);

	return (uint8_t)((mixed >> 13) % 255);
}

static void fill(uint8_t *data, uint32_t number, uint32_t len)
{
	uint32_t i;

	memcpy(data, &number, sizeof(number));
	for (i = sizeof(number); i < len; i++)
		data[i] = byte_of(number, i);
}

static bool is_whole(const uint8_t *data, uint32_t len)
{
	uint32_t number, i;

	if (len < sizeof(number))
		return false;
	memcpy(&number, data, sizeof(number));
	for (i = sizeof(number); i < len; i++) {
		if (data[i] != byte_of(number, i))
			return false;
	}
	return true;
}

static int open_at(int port)
{
	struct sockaddr_in me = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&me, sizeof(me)))
		die("bind");
	return fd;
}

static _Noreturn void serve(int fd)
{
	struct sockaddr_in from;
	char said[32];

	for (;;) {
		socklen_t size = sizeof(from);
		ssize_t len = recvfrom(fd, in, sizeof(in), 0, (struct sockaddr *)&from, &size);

		if (len < 0)
			die("recvfrom");
		snprintf(said, sizeof(said), "%zd %s", len,
			 is_whole(in, (uint32_t)len) ? "whole" : "wrong");
		puts(said);
		fflush(stdout);
		sendto(fd, said, strlen(said), 0, (struct sockaddr *)&from, size);
	}
}

static int connect_to(const char *address, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)))
		die("connect");
	return fd;
}

static int send_all(int fd, uint32_t len, uint32_t count, long ms)
{
	struct timeval limit = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
	uint32_t i, answered = 0, returned = 0;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)))
		die("setsockopt");
	for (i = 0; i < count; i++) {
		ssize_t got;

		fill(out, i, len);
		if (send(fd, out, len, 0) != (ssize_t)len)
			die("send");
		got = recv(fd, in, sizeof(in), 0);
		answered += got >= 0;
		returned += got == (ssize_t)len && !memcmp(in, out, len);
	}
	printf("answered %u, returned %u\n", answered, returned);
	return 0;
}

static int flood(int fd, uint32_t len, int seconds)
{
	time_t end = time(NULL) + seconds;
	uint32_t i, sent = 0;

	fill(out, 0, len);
	for (i = 0; i % 16 || time(NULL) < end; i++)
		sent += send(fd, out, len, 0) == (ssize_t)len;
	printf("sent %u\n", sent);
	return 0;
}

int main(int argc, char **argv)
{
	uint32_t len = argc > 4 ? (uint32_t)atoi(argv[4]) : 0;

	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve(open_at(atoi(argv[2])));
	if (argc == 3 && !strcmp(argv[1], "hold")) {
		open_at(atoi(argv[2]));
		for (;;)
			pause();
	}
	if (argc == 7 && !strcmp(argv[1], "send") && len >= 4 && len <= MOST)
		return send_all(connect_to(argv[2], atoi(argv[3])), len, (uint32_t)atoi(argv[5]),
				atol(argv[6]));
	if (argc == 6 && !strcmp(argv[1], "flood") && len >= 4 && len <= MOST)
		return flood(connect_to(argv[2], atoi(argv[3])), len, atoi(argv[5]));
	fprintf(stderr,
		"usage: datagrams serve PORT | hold PORT | send ADDRESS PORT BYTES COUNT MS |\n"
		"       flood ADDRESS PORT BYTES SECONDS; BYTES 4 to %d\n",
		MOST);
	return 2;
}
