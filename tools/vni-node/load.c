// SPDX-License-Identifier: GPL-2.0
/* load: a node from files and words. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vni-node.h"

/* A number with K, M or G; *end is set behind it. */
static uint64_t number(const char *text, char **end)
{
	uint64_t n;

	errno = 0;
	n = strtoull(text, end, 0);
	if (errno || *end == text || *text == '-')
		die("\"%s\": expected a number such as 512M", text);
	switch (**end) {
	case 'G': case 'g':
		n <<= 10; /* fall through */
	case 'M': case 'm':
		n <<= 10; /* fall through */
	case 'K': case 'k':
		n <<= 10;
		(*end)++;
	}
	return n;
}

static void parse_mem(const char *text, struct vni_node_load *req)
{
	char *end;

	req->mem_size = number(text, &end);
	if (*end == '@') {
		req->mem_base = number(end + 1, &end);
		if (!req->mem_base)
			die("--mem %s: the address cannot be 0", text);
	}
	if (*end)
		die("--mem %s: expected SIZE or SIZE@ADDR, e.g. 512M@1G", text);
}

/* A list as the kernel writes them: 1,3-5 */
static void parse_cpus(const char *text, struct vni_node_load *req)
{
	const char *at = text;
	unsigned long from, to;
	char *end;

	for (;;) {
		from = strtoul(at, &end, 10);
		if (end == at)
			break;
		to = from;
		if (*end == '-') {
			at = end + 1;
			to = strtoul(at, &end, 10);
			if (end == at)
				break;
		}
		if (to < from || to > 65535 || to - from >= VNI_NODE_MAX_CPUS - req->ncpus)
			die("--cpus %s: a node has 1 to %d CPUs", text, VNI_NODE_MAX_CPUS);
		for (; from <= to; from++)
			req->cpu[req->ncpus++] = (uint32_t)from;
		if (!*end)
			return;
		if (*end != ',')
			break;
		at = end + 1;
	}
	die("--cpus %s: expected a list such as 1,3-5", text);
}

static __u64 map_file(const char *path, __u64 *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *at;

	if (fd < 0 || fstat(fd, &st))
		die("%s: %m", path);
	if (!S_ISREG(st.st_mode) || !st.st_size)
		die("%s: expected a file that is not empty", path);
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		die("%s: %m", path);
	close(fd);
	*len = (__u64)st.st_size;
	return (uintptr_t)at;
}

int cmd_load(const struct args *a)
{
	struct vni_node_load req = { .version = VNI_NODE_VERSION, .node = node_id(a) };

	if (!a->kernel || !a->cpus || !a->mem)
		die("load: --kernel, --cpus and --mem are needed");
	if (!a->no_restart)
		req.flags |= VNI_NODE_LOAD_AUTORESTART;
	parse_cpus(a->cpus, &req);
	parse_mem(a->mem, &req);
	req.kernel = map_file(a->kernel, &req.kernel_len);
	if (a->initrd)
		req.initrd = map_file(a->initrd, &req.initrd_len);
	if (a->cmdline) {
		req.cmdline = (uintptr_t)a->cmdline;
		req.cmdline_len = strlen(a->cmdline);
	}
	if (ioctl(device(), VNI_NODE_IOC_LOAD, &req))
		die_of(req.message);
	return 0;
}
