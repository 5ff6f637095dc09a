// SPDX-License-Identifier: GPL-2.0
/* The device of the node starter, and how the command fails. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vni-node.h"

void die(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "vni-node: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

int device(void)
{
	int fd = open(VNI_NODE_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		die("%s does not exist: load vni_node.ko first", VNI_NODE_DEVICE);
	if (fd < 0)
		die("%s: %m", VNI_NODE_DEVICE);
	return fd;
}

/* The module's own words if it gave some, else errno's. */
void die_of(const char *message)
{
	int err = errno;

	if (message[0])
		die("%.*s", VNI_NODE_MESSAGE, message);
	die("%s", strerror(err));
}

unsigned int node_id(const struct args *a)
{
	unsigned long id;
	char *end;

	if (!a->word[1])
		die("%s: which node? (1 to %d)", a->word[0], VNI_NODE_MAX_ID);
	errno = 0;
	id = strtoul(a->word[1], &end, 10);
	if (errno || *end || end == a->word[1] || id < VNI_NODE_MIN_ID || id > VNI_NODE_MAX_ID)
		die("\"%s\" is no node: expected 1 to %d", a->word[1], VNI_NODE_MAX_ID);
	return (unsigned int)id;
}
