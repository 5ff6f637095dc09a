// SPDX-License-Identifier: GPL-2.0
/* vni-node: load, start, stop and watch the OS nodes of a machine, from node 0. */
#define _GNU_SOURCE
#include <argp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vni-node.h"

static int simple(const struct args *a, unsigned long cmd)
{
	struct vni_node_op req = { .version = VNI_NODE_VERSION, .node = node_id(a) };

	if (ioctl(device(), cmd, &req))
		die_of(req.message);
	return 0;
}

static int cmd_start(const struct args *a)
{
	return simple(a, VNI_NODE_IOC_START);
}

static int cmd_stop(const struct args *a)
{
	return simple(a, VNI_NODE_IOC_STOP);
}

static int cmd_restart(const struct args *a)
{
	return simple(a, VNI_NODE_IOC_RESTART);
}

static int cmd_unload(const struct args *a)
{
	return simple(a, VNI_NODE_IOC_UNLOAD);
}

static const struct verb {
	const char *name;
	unsigned int words;
	int (*run)(const struct args *a);
} verbs[] = {
	{ "load", 2, cmd_load },	{ "start", 2, cmd_start },
	{ "stop", 2, cmd_stop },	{ "restart", 2, cmd_restart },
	{ "unload", 2, cmd_unload },	{ "list", 1, cmd_list },
	{ "console", 2, cmd_console },	{ "attach", 3, cmd_attach },
	{ "log", 2, cmd_log },		{ "wait", 3, cmd_wait },
};

enum { OPT_NO_RESTART = 0x100 };

static const struct argp_option options[] = {
	{ "kernel", 'k', "FILE", 0, "load: a bzImage", 0 },
	{ "initrd", 'i', "FILE", 0, "load: an initial RAM disk", 0 },
	{ "cmdline", 'c', "TEXT", 0, "load: appended to the starter's own command line", 0 },
	{ "cpus", 'p', "LIST", 0, "load: CPUs of node 0 to give away, e.g. 1,3-5", 0 },
	{ "mem", 'm', "SIZE[@ADDR]", 0, "load: memory of the pool, e.g. 512M@1G", 0 },
	{ "no-restart", OPT_NO_RESTART, NULL, 0, "load: a reboot leaves the node stopped", 0 },
	{ "timeout", 't', "SECONDS", 0, "wait: give up after this time (default: never)", 0 },
	{ "json", 'j', NULL, 0, "list: as JSON", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;
	char *end;

	switch (key) {
	case 'k': a->kernel = arg; break;
	case 'i': a->initrd = arg; break;
	case 'c': a->cmdline = arg; break;
	case 'p': a->cpus = arg; break;
	case 'm': a->mem = arg; break;
	case 'j': a->json = true; break;
	case OPT_NO_RESTART: a->no_restart = true; break;
	case 't':
		a->timeout = strtod(arg, &end);
		if (*end || end == arg || a->timeout < 0)
			argp_error(state, "--timeout %s: expected seconds", arg);
		break;
	case ARGP_KEY_ARG:
		if (a->words == sizeof(a->word) / sizeof(a->word[0]))
			argp_error(state, "too many words: \"%s\"", arg);
		a->word[a->words++] = arg;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "load N | start N | stop N | restart N | unload N | list |\n"
			    "console N | attach N [port] | log N | wait N STATE",
		.doc = "Load, start, stop and watch the OS nodes of this machine.\v"
		       "States: loaded starting running rebooting rebooted poweroff halted "
		       "panicked stopped failed, and empty for a node that is not loaded.",
	};
	struct args a = { .timeout = -1 };
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (!a.word[0])
		die("what? try --help");
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(a.word[0], verbs[i].name))
			continue;
		if (a.words > verbs[i].words)
			die("%s: \"%s\" is too much", a.word[0], a.word[verbs[i].words]);
		return verbs[i].run(&a);
	}
	die("\"%s\" is no command: try --help", a.word[0]);
}
