/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the vni-node command share. */
#ifndef VNI_NODE_TOOL_H
#define VNI_NODE_TOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "uapi/vni_node.h"

struct args {
	const char *word[3]; /* verb, node, and a third one where the verb has it */
	unsigned int words;
	const char *kernel, *initrd, *cmdline, *cpus, *mem;
	double timeout; /* seconds, below 0: none */
	bool json, no_restart;
};

/* device.c: /dev/vni-node. All of these end the program on an error, with a line on stderr. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *fmt, ...);
__attribute__((noreturn)) void die_of(const char *message);
int device(void);
unsigned int node_id(const struct args *a);

/* load.c, show.c, stream.c: the verbs. Each returns the program's exit code. */
int cmd_load(const struct args *a);
int cmd_list(const struct args *a);
int cmd_wait(const struct args *a);
int cmd_log(const struct args *a);
int cmd_console(const struct args *a);
int cmd_attach(const struct args *a);

#endif /* VNI_NODE_TOOL_H */
