// SPDX-License-Identifier: GPL-2.0
/* list and wait: the states of the nodes. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "vni-node.h"

static const char *const states[VNI_NODE_STATES] = {
	"empty", "loaded", "starting", "running", "rebooting", "rebooted",
	"poweroff", "halted", "panicked", "stopped", "failed",
};

/* The first node with this id or a higher one. */
static bool info(int fd, unsigned int id, struct vni_node_info *out)
{
	memset(out, 0, sizeof(*out));
	out->version = VNI_NODE_VERSION;
	out->node = id;
	if (!ioctl(fd, VNI_NODE_IOC_LIST, out))
		return true;
	if (errno != ENOENT)
		die("list: %m");
	return false;
}

static const char *state_name(uint32_t state)
{
	return state < VNI_NODE_STATES ? states[state] : "?";
}

static void print_json(const struct vni_node_info *n, bool first)
{
	uint32_t i;

	printf("%s\n {\"node\": %u, \"state\": \"%s\", \"cpus\": [", first ? "" : ",", n->node,
	       state_name(n->state));
	for (i = 0; i < n->ncpus && i < VNI_NODE_MAX_CPUS; i++)
		printf("%s%u", i ? ", " : "", n->cpu[i]);
	printf("], \"mem_base\": %" PRIu64 ", \"mem_size\": %" PRIu64 ", \"low_base\": %" PRIu64
	       ", \"autorestart\": %s, \"uptime_ns\": %" PRIu64 ", \"starts\": %" PRIu64
	       ", \"reboots\": %" PRIu64 ", \"panics\": %" PRIu64 ", \"beats\": %" PRIu64,
	       (uint64_t)n->mem_base, (uint64_t)n->mem_size, (uint64_t)n->low_base,
	       n->flags & VNI_NODE_LOAD_AUTORESTART ? "true" : "false", (uint64_t)n->uptime_ns,
	       (uint64_t)n->starts, (uint64_t)n->reboots, (uint64_t)n->panics, (uint64_t)n->beats);
	printf(", \"console_bytes\": %" PRIu64 ", \"port_rx_bytes\": %" PRIu64
	       ", \"port_tx_bytes\": %" PRIu64 ", \"faults\": %" PRIu64 ", \"reason\": \"",
	       (uint64_t)n->console_bytes, (uint64_t)n->port_rx_bytes, (uint64_t)n->port_tx_bytes,
	       (uint64_t)n->faults);
	for (i = 0; i < VNI_NODE_REASON && n->reason[i]; i++) {
		if (n->reason[i] == '"' || n->reason[i] == '\\')
			putchar('\\');
		putchar(n->reason[i]);
	}
	printf("\"}");
}

static void print_line(const struct vni_node_info *n, bool first)
{
	char cpus[VNI_NODE_MAX_CPUS * 6] = "";
	size_t len = 0;
	uint32_t i;

	for (i = 0; i < n->ncpus && i < VNI_NODE_MAX_CPUS; i++)
		len += (size_t)snprintf(cpus + len, sizeof(cpus) - len, "%s%u", i ? "," : "",
					n->cpu[i]);
	if (first)
		printf("%-4s %-10s %-8s %-18s %8s %6s  %s\n", "NODE", "STATE", "CPUS", "MEMORY",
		       "UP", "STARTS", "REASON");
	printf("%-4u %-10s %-8s %" PRIu64 "M@%#-12" PRIx64 " %7.1fs %6" PRIu64 "  %.*s\n", n->node,
	       state_name(n->state), cpus, (uint64_t)n->mem_size >> 20, (uint64_t)n->mem_base,
	       (double)n->uptime_ns / 1e9, (uint64_t)n->starts, VNI_NODE_REASON, n->reason);
}

int cmd_list(const struct args *a)
{
	struct vni_node_info n;
	unsigned int id = VNI_NODE_MIN_ID;
	bool first = true;
	int fd = device();

	if (a->json)
		printf("[");
	for (; id <= VNI_NODE_MAX_ID && info(fd, id, &n); id = n.node + 1, first = false) {
		if (a->json)
			print_json(&n, first);
		else
			print_line(&n, first);
	}
	if (a->json)
		printf("\n]\n");
	return fflush(stdout) ? 1 : 0;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int cmd_wait(const struct args *a)
{
	unsigned int id = node_id(a);
	double end = now() + a->timeout;
	struct vni_node_info n;
	uint32_t want, state;
	int fd = device();

	if (!a->word[2])
		die("wait: for which state?");
	for (want = 0; want < VNI_NODE_STATES; want++)
		if (!strcmp(states[want], a->word[2]))
			break;
	if (want == VNI_NODE_STATES)
		die("wait: \"%s\" is no state", a->word[2]);
	for (;;) {
		state = info(fd, id, &n) && n.node == id ? n.state : VNI_NODE_EMPTY;
		if (state == want)
			return 0;
		if (a->timeout >= 0 && now() > end)
			die("wait: node %u is %s, not %s, after %.1f s", id, state_name(state),
			    states[want], a->timeout);
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	}
}
