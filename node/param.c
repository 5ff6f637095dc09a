// SPDX-License-Identifier: GPL-2.0
/* The module parameters: memory regions, written SIZE@BASE. */
#define pr_fmt(fmt) "vni_node: " fmt

#include <linux/moduleparam.h>
#include <linux/module.h>

#include "node.h"

static char *low = "448K@64K";
module_param(low, charp, 0444);
MODULE_PARM_DESC(low,
		 "reserved memory below 640K, SIZE@BASE: 64K for the trampoline, then 64K a node "
		 "(default 448K@64K)");

static char *pool = "";
module_param(pool, charp, 0444);
MODULE_PARM_DESC(pool,
		 "reserved memory for nodes, SIZE@BASE[,SIZE@BASE...], 2M aligned, e.g. 512M@1G "
		 "(required)");

static char *window = "";
module_param(window, charp, 0444);
MODULE_PARM_DESC(window,
		 "reserved memory that all nodes share, SIZE@BASE, page aligned, e.g. 64M@1536M; "
		 "zeroed on load unless it is in use (default: none)");

static int parse_one(const char *name, const char **text, struct vni_region *out)
{
	char *end;

	out->size = memparse(*text, &end);
	if (end == *text || *end != '@')
		goto bad;
	*text = end + 1;
	out->base = memparse(*text, &end);
	if (end == *text || (*end && *end != ','))
		goto bad;
	*text = end;
	if (!out->size || out->base + out->size < out->base)
		goto bad;
	return 0;
bad:
	pr_err("%s: expected SIZE@BASE such as 64M@1536M, got \"%s\"\n", name, *text);
	return -EINVAL;
}

static int parse_single(const char *name, const char *text, struct vni_region *out)
{
	int err;

	if (!*text)
		return 0;
	err = parse_one(name, &text, out);
	if (!err && *text) {
		pr_err("%s: expected one region, got more: \"%s\"\n", name, text);
		err = -EINVAL;
	}
	return err;
}

static int parse_pool(const char *text, struct vni_params *out)
{
	int err;

	while (*text) {
		if (out->pools == VNI_POOL_MAX) {
			pr_err("pool: at most %d regions\n", VNI_POOL_MAX);
			return -EINVAL;
		}
		err = parse_one("pool", &text, &out->pool[out->pools]);
		if (err)
			return err;
		out->pools++;
		if (*text == ',')
			text++;
	}
	return 0;
}

/**
 * vni_param_parse() - the module parameters as numbers
 * @out: filled in; regions that were not given have size 0
 *
 * Context: module load. Return: 0, or -EINVAL after a line in the log.
 */
int vni_param_parse(struct vni_params *out)
{
	int err;

	memset(out, 0, sizeof(*out));
	err = parse_single("low", low, &out->low);
	if (!err)
		err = parse_single("window", window, &out->window);
	if (!err)
		err = parse_pool(pool, out);
	return err;
}
