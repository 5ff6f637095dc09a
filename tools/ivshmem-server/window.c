// SPDX-License-Identifier: GPL-2.0
/* The file that is the window. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server.h"

static bool created;

static int open_or_create(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 && errno == ENOENT) {
		fd = open(path, O_RDWR | O_CLOEXEC | O_CREAT | O_EXCL, 0600);
		created = fd >= 0;
	}
	if (fd < 0)
		complain("%s: %s", path, strerror(errno));
	return fd;
}

/*
 * The lock belongs to the open file, which the clients get a reference to: it lasts until the
 * server and all its clients have closed it. So a server that was started anew does not give out
 * numbers of which clients of its predecessor still make use.
 */
static bool lock(const struct options *opt, int fd)
{
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return true;
	if (errno == EWOULDBLOCK)
		complain("%s is in use by another server, or by clients of an earlier one: end these, or "
			 "choose another file with --window", opt->window);
	else
		complain("%s: %s", opt->window, strerror(errno));
	return false;
}

/* Memory is set aside now: a client that touched a page which cannot be had would be killed. */
static bool give_size(const struct options *opt, int fd)
{
	struct stat st;
	int error;

	if (fstat(fd, &st)) {
		complain("%s: %s", opt->window, strerror(errno));
		return false;
	}
	if (!S_ISREG(st.st_mode)) {
		complain("%s is no regular file: choose another with --window", opt->window);
		return false;
	}
	if (st.st_size && (uint64_t)st.st_size != opt->size) {
		complain("%s exists and has %jd bytes, not %ju: remove it, or give its size",
			 opt->window, (intmax_t)st.st_size, (uintmax_t)opt->size);
		return false;
	}
	error = posix_fallocate(fd, 0, (off_t)opt->size);
	if (error) {
		complain("%s: no %ju bytes for the window: %s", opt->window, (uintmax_t)opt->size,
			 strerror(error));
		return false;
	}
	return true;
}

static bool give_rights(const struct options *opt, int fd)
{
	if (opt->group != (gid_t)-1 && fchown(fd, (uid_t)-1, opt->group)) {
		complain("%s: group %u: %s", opt->window, opt->group, strerror(errno));
		return false;
	}
	if (fchmod(fd, opt->mode)) {
		complain("%s: mode %o: %s", opt->window, opt->mode, strerror(errno));
		return false;
	}
	return true;
}

int window_open(const struct options *opt)
{
	int fd = open_or_create(opt->window);

	if (fd < 0)
		return -1;
	if (lock(opt, fd) && give_size(opt, fd) && give_rights(opt, fd))
		return fd;
	window_close(opt);
	close(fd);
	return -1;
}

void window_close(const struct options *opt)
{
	if (created && !opt->keep && unlink(opt->window) && errno != ENOENT)
		complain("%s: %s", opt->window, strerror(errno));
}
