// SPDX-License-Identifier: GPL-2.0
/* vni_shm: this node's seat at the window. Loading finds the window; the rest is in the rooms. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>

#include "pages.h"
#include "window.h"

#define DEAD_MS_MIN (3 * VNI_PERIOD_MS)
#define DEAD_MS_MAX 60000

unsigned int vni_dead_ms = 1500;
module_param_named(dead_ms, vni_dead_ms, uint, 0444);
MODULE_PARM_DESC(
	dead_ms,
	"milliseconds without a heartbeat after which a node is taken for dead, 300 to 60000 (default: 1500)");

struct vni_params vni_params = { .node = -1 };

module_param_named(node, vni_params.node, int, 0444);
MODULE_PARM_DESC(
	node, "this node's id, 0 to seats - 1 (default: what the node starter or the device says)");
module_param_named(seats, vni_params.seats, uint, 0444);
MODULE_PARM_DESC(
	seats,
	"nodes the window is laid out for, a power of two from 2 to 64 (default: as the nodes that are there have it, else one per 16 MiB)");
module_param_named(format, vni_params.format, bool, 0444);
MODULE_PARM_DESC(
	format,
	"clear a window that holds something else; refused while a node is alive in it (default: no)");

/*
 * Where windows come from. Each is asked once, in this order; -ENODEV means that it has none, any
 * other error ends the loading. One that serves devices finds them when they come.
 */
static const struct {
	int (*probe)(void);
	void (*remove)(void);
} backends[] = {
	{ vni_partition_probe, vni_partition_remove },
	{ vni_ivshmem_probe, vni_ivshmem_remove },
	{ vni_uml_probe, vni_uml_remove },
};

static void backends_remove(unsigned int count)
{
	while (count--)
		backends[count].remove();
}

static int backends_probe(void)
{
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(backends); i++) {
		ret = backends[i].probe();
		if (ret && ret != -ENODEV) {
			backends_remove(i);
			return ret;
		}
	}
	return 0;
}

static int __init vni_shm_init(void)
{
	int ret;

	if (vni_dead_ms < DEAD_MS_MIN || vni_dead_ms > DEAD_MS_MAX) {
		pr_err("dead_ms=%u; expected %u to %u\n", vni_dead_ms, DEAD_MS_MIN, DEAD_MS_MAX);
		return -EINVAL;
	}
	vni_debugfs_init();
	ret = backends_probe();
	if (ret)
		vni_debugfs_exit();
	else if (!vni_clients_have_window())
		pr_info("no window yet: an ivshmem device is taken when it comes; on a partitioned machine give window=SIZE@BASE and node=ID, or on node 0 load vni_node first, with its window=\n");
	return ret;
}

static void __exit vni_shm_exit(void)
{
	backends_remove(ARRAY_SIZE(backends));
	vni_paged_exit();
	vni_debugfs_exit();
}

module_init(vni_shm_init);
module_exit(vni_shm_exit);

MODULE_DESCRIPTION("VNI: an OS node's seat at a window of memory shared with other OS nodes");
MODULE_AUTHOR("The VNI project");
MODULE_LICENSE("GPL");
