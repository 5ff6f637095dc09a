// SPDX-License-Identifier: GPL-2.0
/* vni_shm: this node's seat at the window. Loading finds the window; the rest is in the rooms. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>

#include "window.h"

#define DEAD_MS_MIN (3 * VNI_PERIOD_MS)
#define DEAD_MS_MAX 60000

unsigned int vni_dead_ms = 1500;
module_param_named(dead_ms, vni_dead_ms, uint, 0444);
MODULE_PARM_DESC(
	dead_ms,
	"milliseconds without a heartbeat after which a node is taken for dead, 300 to 60000 (default: 1500)");

static int __init vni_shm_init(void)
{
	int ret;

	if (vni_dead_ms < DEAD_MS_MIN || vni_dead_ms > DEAD_MS_MAX) {
		pr_err("dead_ms=%u; expected %u to %u\n", vni_dead_ms, DEAD_MS_MIN, DEAD_MS_MAX);
		return -EINVAL;
	}
	vni_debugfs_init();
	ret = vni_partition_probe();
	if (ret == -ENODEV)
		pr_err("no window found: give window=SIZE@BASE and node=ID, or on node 0 load vni_node first, with its window=\n");
	if (ret)
		vni_debugfs_exit();
	return ret;
}

static void __exit vni_shm_exit(void)
{
	vni_partition_remove();
	vni_debugfs_exit();
}

module_init(vni_shm_init);
module_exit(vni_shm_exit);

MODULE_DESCRIPTION("VNI: an OS node's seat at a window of memory shared with other OS nodes");
MODULE_AUTHOR("The VNI project");
MODULE_LICENSE("GPL");
