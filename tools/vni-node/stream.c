// SPDX-License-Identifier: GPL-2.0
/* log, console and attach: the byte streams of a node. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "vni-node.h"

#define ESCAPE_KEY 0x1d /* Ctrl-] */

static int attach(unsigned int id, unsigned int channel, unsigned int flags)
{
	struct vni_node_attach req = {
		.version = VNI_NODE_VERSION, .node = id, .channel = channel, .flags = flags,
	};
	int dev = device(), fd = ioctl(dev, VNI_NODE_IOC_ATTACH, &req);

	if (fd < 0)
		die_of(req.message);
	close(dev);
	return fd;
}

static void write_all(int fd, const char *buf, size_t len)
{
	while (len) {
		ssize_t n = write(fd, buf, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			die("write: %m");
		buf += n;
		len -= (size_t)n;
	}
}

int cmd_log(const struct args *a)
{
	int fd = attach(node_id(a), VNI_NODE_CHANNEL_CONSOLE,
			VNI_NODE_ATTACH_BACKLOG | VNI_NODE_ATTACH_NONBLOCK);
	static char buf[65536];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		write_all(STDOUT_FILENO, buf, (size_t)n);
	if (n < 0 && errno != EAGAIN)
		die("log: %m");
	return 0;
}

/* Bytes on their way in one direction. */
struct flow {
	char buf[65536];
	size_t at, len;
	bool eof;	/* the source has ended */
};

static void fill(struct flow *f, int fd)
{
	ssize_t n = read(fd, f->buf, sizeof(f->buf));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		die("read: %m");
	f->at = 0;
	f->len = (size_t)n;
	f->eof = !n;
}

/* False when the sink is gone. */
static bool pour(struct flow *f, int fd)
{
	ssize_t n = write(fd, f->buf + f->at, f->len);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	f->at += (size_t)n;
	f->len -= (size_t)n;
	return true;
}

/*
 * Move bytes both ways until the channel ends, or the escape key comes (escape >= 0). The end of
 * stdin ends only that direction.
 */
static void pump(int channel, int escape)
{
	static struct flow out, in; /* to stdout, to the channel */
	char *key;

	while (!(out.eof && !out.len)) {
		struct pollfd p[3] = {
			{ .fd = in.len || in.eof ? -1 : STDIN_FILENO, .events = POLLIN },
			{ .fd = channel, .events = (short)((out.len || out.eof ? 0 : POLLIN) |
							   (in.len ? POLLOUT : 0)) },
			{ .fd = STDOUT_FILENO, .events = out.len ? POLLOUT : 0 },
		};

		/* Without an event wanted, the channel's end would wake us for nothing. */
		if (!p[1].events || out.eof)
			p[1].fd = -1;
		if (poll(p, 3, -1) < 0 && errno != EINTR)
			die("poll: %m");
		if (p[2].revents & (POLLERR | POLLNVAL)) /* nobody reads any more */
			return;
		if (p[2].revents & POLLOUT && !pour(&out, STDOUT_FILENO))
			return;
		if (p[1].revents & (POLLIN | POLLHUP | POLLERR) && !out.len)
			fill(&out, channel);
		if (p[1].revents & POLLHUP || (p[1].revents & POLLOUT && in.len &&
					       !pour(&in, channel)))
			in.len = 0; /* the channel's end shows in the other direction */
		if (!p[0].revents)
			continue;
		fill(&in, STDIN_FILENO);
		key = escape >= 0 ? memchr(in.buf, escape, in.len) : NULL;
		if (key)
			return;
	}
}

static struct termios saved;

static void restore(void)
{
	tcsetattr(STDIN_FILENO, TCSANOW, &saved);
}

static void on_signal(int sig)
{
	restore();
	_exit(128 + sig);
}

int cmd_console(const struct args *a)
{
	int fd = attach(node_id(a), VNI_NODE_CHANNEL_CONSOLE, VNI_NODE_ATTACH_NONBLOCK);
	bool tty = isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &saved);
	struct termios raw;

	if (tty) {
		raw = saved;
		cfmakeraw(&raw);
		atexit(restore);
		signal(SIGTERM, on_signal);
		signal(SIGHUP, on_signal);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
		fprintf(stderr, "console of node %s; Ctrl-] leaves\r\n", a->word[1]);
	}
	pump(fd, tty ? ESCAPE_KEY : -1);
	return 0;
}

int cmd_attach(const struct args *a)
{
	unsigned int channel;

	if (!a->word[2] || !strcmp(a->word[2], "port"))
		channel = VNI_NODE_CHANNEL_PORT;
	else if (!strcmp(a->word[2], "console"))
		channel = VNI_NODE_CHANNEL_CONSOLE;
	else
		die("attach: \"%s\" is no channel: expected port or console", a->word[2]);
	pump(attach(node_id(a), channel, VNI_NODE_ATTACH_NONBLOCK), -1);
	return 0;
}
