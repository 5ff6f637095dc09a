// SPDX-License-Identifier: GPL-2.0
/*
 * One end of an Ethernet link between two nodes that needs no hardware: a TAP device whose frames
 * go to standard output and come from standard input, each behind its length in two bytes. A test
 * connects two of these by way of the lab's own byte streams.
 *
 * usage: tapwire DEVICE	ends, and the device with it, when its input does
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FRAME_MAX 65535

static int tap_open(const char *name)
{
	struct ifreq req = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int tap = open("/dev/net/tun", O_RDWR);

	if (tap < 0) {
		perror("tapwire: /dev/net/tun (is the module tun loaded?)");
		return -1;
	}
	strncpy(req.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(tap, TUNSETIFF, &req) < 0) {
		perror("tapwire: TUNSETIFF");
		return -1;
	}
	return tap;
}

static int read_all(int fd, uint8_t *to, size_t len)
{
	while (len) {
		ssize_t got = read(fd, to, len);

		if (got <= 0)
			return -1;
		to += got;
		len -= got;
	}
	return 0;
}

static int write_all(int fd, const uint8_t *from, size_t len)
{
	while (len) {
		ssize_t done = write(fd, from, len);

		if (done <= 0)
			return -1;
		from += done;
		len -= done;
	}
	return 0;
}

/* A frame from the wire. The device refuses it while it is down: it is lost, as on any link. */
static int in(int tap)
{
	static uint8_t frame[FRAME_MAX];
	uint8_t head[2];
	size_t len;

	if (read_all(0, head, sizeof(head)))
		return -1;
	len = (size_t)head[0] << 8 | head[1];
	if (read_all(0, frame, len))
		return -1;
	if (write(tap, frame, len) < 0 && errno != EIO)
		perror("tapwire: a frame was not taken");
	return 0;
}

static int out(int tap)
{
	static uint8_t frame[2 + FRAME_MAX];
	ssize_t len = read(tap, frame + 2, FRAME_MAX);

	if (len < 0) {
		perror("tapwire: read");
		return -1;
	}
	frame[0] = len >> 8;
	frame[1] = len;
	return write_all(1, frame, 2 + len);
}

int main(int argc, char **argv)
{
	struct pollfd fds[2] = { { .fd = 0, .events = POLLIN }, { .events = POLLIN } };

	if (argc != 2 || strlen(argv[1]) >= IFNAMSIZ) {
		fprintf(stderr, "usage: tapwire DEVICE\n");
		return 2;
	}
	fds[1].fd = tap_open(argv[1]);
	if (fds[1].fd < 0)
		return 1;
	while (poll(fds, 2, -1) > 0) {
		if (fds[1].revents && out(fds[1].fd))
			return 1;
		if (fds[0].revents && in(fds[1].fd))
			return 0;
	}
	perror("tapwire: poll");
	return 1;
}
