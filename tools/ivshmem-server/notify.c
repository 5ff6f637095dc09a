// SPDX-License-Identifier: GPL-2.0
/* Messages for systemd, and for people. */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server.h"

void notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	size_t size = path ? strlen(path) : 0;
	int fd;

	if (!size || size >= sizeof(where.sun_path) || (*path != '/' && *path != '@'))
		return;
	memcpy(where.sun_path, path, size);
	if (*path == '@')
		where.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&where,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)) < 0)
		complain("NOTIFY_SOCKET=%s: %m", path);
	close(fd);
}

static void write_line(const char *format, va_list args)
{
	char line[512];

	vsnprintf(line, sizeof(line), format, args);
	fprintf(stderr, "ivshmem-server: %s\n", line);
}

void say(const struct options *opt, const char *format, ...)
{
	va_list args;

	if (opt->quiet)
		return;
	va_start(args, format);
	write_line(format, args);
	va_end(args);
}

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line(format, args);
	va_end(args);
}
