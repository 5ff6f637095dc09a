// SPDX-License-Identifier: GPL-2.0
/* The socket at which clients knock. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "server.h"

static struct stat ours;

static struct sockaddr_un address(const char *path)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };

	strncpy(where.sun_path, path, sizeof(where.sun_path) - 1);
	return where;
}

/* Whether the path is free: nothing there, or the socket of a server that has ended. */
static bool make_room(const char *path)
{
	struct sockaddr_un where = address(path);
	struct stat st;
	int probe, error;

	if (lstat(path, &st))
		return true;
	if (!S_ISSOCK(st.st_mode)) {
		complain("%s exists and is no socket: choose another with --socket", path);
		return false;
	}
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (probe < 0) {
		complain("socket: %s", strerror(errno));
		return false;
	}
	error = connect(probe, (struct sockaddr *)&where, sizeof(where)) ? errno : 0;
	close(probe);
	if (error != ECONNREFUSED) {
		complain("%s: a server is there already (%s)", path,
			 error ? strerror(error) : "it answers");
		return false;
	}
	if (unlink(path)) {
		complain("%s: left by an earlier server: %s", path, strerror(errno));
		return false;
	}
	return true;
}

static int bind_there(const struct options *opt)
{
	struct sockaddr_un where = address(opt->socket);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t before;
	int bad;

	if (fd < 0) {
		complain("socket: %s", strerror(errno));
		return -1;
	}
	before = umask(0177);
	bad = bind(fd, (struct sockaddr *)&where, sizeof(where));
	umask(before);
	if (bad || lstat(opt->socket, &ours)) {
		complain("%s: %s", opt->socket, strerror(errno));
		close(fd);
		return -1;
	}
	if ((opt->group != (gid_t)-1 && chown(opt->socket, (uid_t)-1, opt->group)) ||
	    chmod(opt->socket, opt->mode) || listen(fd, CLIENTS_MAX)) {
		complain("%s: %s", opt->socket, strerror(errno));
		listen_close(opt);
		close(fd);
		return -1;
	}
	return fd;
}

int listen_open(const struct options *opt)
{
	char *copy = strdup(opt->socket);
	char *folder = copy ? dirname(copy) : NULL;
	int lock = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int fd = -1;

	/* Two servers that start at once look one after the other. */
	if (lock < 0 || flock(lock, LOCK_EX))
		complain("%s: %s", folder ? folder : opt->socket, strerror(errno));
	else if (make_room(opt->socket))
		fd = bind_there(opt);
	if (lock >= 0)
		close(lock);
	free(copy);
	return fd;
}

/* Not a socket that somebody has put in place of ours. */
void listen_close(const struct options *opt)
{
	struct stat st;

	if (!lstat(opt->socket, &st) && st.st_dev == ours.st_dev && st.st_ino == ours.st_ino)
		unlink(opt->socket);
}
