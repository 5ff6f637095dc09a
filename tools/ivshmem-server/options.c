// SPDX-License-Identifier: GPL-2.0
/* The command line. */
#include <argp.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "server.h"

const char *argp_program_version = "ivshmem-server (VNI)";

static const struct argp_option choices[] = {
	{ "socket", 's', "PATH", 0, "where clients connect (default /run/vni/ivshmem)", 0 },
	{ "window", 'w', "PATH", 0, "the file of the window (default /dev/shm/vni-window)", 0 },
	{ "size", 'l', "SIZE", 0, "size of the window: a power of two, as 64M (default) or 1G", 0 },
	{ "vectors", 'n', "N", 0, "interrupt vectors of each client, 1 to 64 (default 16)", 0 },
	{ "max-clients", 'c', "N", 0, "how many clients at once, 1 to 64 (default 64)", 0 },
	{ "mode", 'm', "OCTAL", 0, "permissions of socket and window (default 660)", 0 },
	{ "group", 'g', "GROUP", 0, "group of socket and window (default: that of the server)", 0 },
	{ "keep-window", 'k', NULL, 0, "leave the window's file behind at the end", 0 },
	{ "announce", 'a', NULL, 0,
	  "tell clients that another one has gone; QEMU up to 7.2 at least does not survive that", 0 },
	{ "quiet", 'q', NULL, 0, "do not report clients that come and go", 0 },
	{ 0 },
};

static unsigned int number(struct argp_state *state, const char *what, const char *text,
			   unsigned int least, unsigned int most, int base)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, base);
	if (errno || end == text || *end || *text == '-' || value < least || value > most)
		argp_error(state, base == 8 ? "--%s: expected octal %o to %o, got '%s'" :
					      "--%s: expected %u to %u, got '%s'",
			   what, least, most, text);
	return value;
}

static uint64_t size(struct argp_state *state, const char *text)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (errno || end == text || *text == '-' || (*end && (!unit || end[1])))
		argp_error(state, "--size: expected a number with K, M, G or T, got '%s'", text);
	if (unit) {
		int shift = 10 * (int)(unit - units + 1);

		if (value > UINT64_MAX >> shift)
			argp_error(state, "--size: '%s' is too large", text);
		value <<= shift;
	}
	if (value < 4096 || value > INT64_MAX || (value & (value - 1)))
		argp_error(state, "--size: a PCI device shows a power of two, 4K or more, not '%s'",
			   text);
	return value;
}

static gid_t group(struct argp_state *state, const char *text)
{
	const struct group *found = getgrnam(text);
	char *end;
	unsigned long value;

	if (found)
		return found->gr_gid;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value >= UINT_MAX)
		argp_error(state, "--group: there is no group '%s'", text);
	return value;
}

static const char *path(struct argp_state *state, const char *what, const char *text, size_t most)
{
	if (!*text || strlen(text) >= most)
		argp_error(state, "--%s: expected a path of 1 to %zu bytes, got '%s'", what, most - 1,
			   text);
	return text;
}

static error_t take(int key, char *text, struct argp_state *state)
{
	struct options *opt = state->input;

	switch (key) {
	case 's':
		opt->socket = path(state, "socket", text,
				   sizeof(((struct sockaddr_un *)0)->sun_path));
		return 0;
	case 'w':
		opt->window = path(state, "window", text, PATH_MAX);
		return 0;
	case 'l':
		opt->size = size(state, text);
		return 0;
	case 'n':
		opt->vectors = number(state, "vectors", text, 1, VECTORS_MAX, 10);
		return 0;
	case 'c':
		opt->clients = number(state, "max-clients", text, 1, CLIENTS_MAX, 10);
		return 0;
	case 'm':
		opt->mode = number(state, "mode", text, 0, 0777, 8);
		return 0;
	case 'g':
		opt->group = group(state, text);
		return 0;
	case 'k':
		opt->keep = true;
		return 0;
	case 'a':
		opt->announce = true;
		return 0;
	case 'q':
		opt->quiet = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s': expected options only", text);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

void options_parse(struct options *opt, int argc, char **argv)
{
	static const struct argp argp = {
		.options = choices,
		.parser = take,
		.doc = "Lets virtual machines with QEMU's ivshmem-doorbell device share a window.",
	};

	*opt = (struct options){
		.socket = "/run/vni/ivshmem",
		.window = "/dev/shm/vni-window",
		.size = 64 << 20,
		.vectors = 16,
		.clients = CLIENTS_MAX,
		.mode = 0660,
		.group = (gid_t)-1,
	};
	argp_parse(&argp, argc, argv, 0, NULL, opt);
}
