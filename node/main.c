// SPDX-License-Identifier: GPL-2.0
/* vni_node.ko: load order and undo. */
#include <linux/module.h>

#include "node.h"
#include "vni_handover.h"

/* See vni_handover.h. */
int vni_node_handover(struct vni_handover *out)
{
	const struct vni_region *window = vni_region_window();

	if (!window->size)
		return -ENODEV;
	*out = (struct vni_handover){
		.version = cpu_to_le32(VNI_HANDOVER_VERSION),
		.node = cpu_to_le32(0),
		.window_base = cpu_to_le64(window->base),
		.window_size = cpu_to_le64(window->size),
	};
	return 0;
}
EXPORT_SYMBOL_GPL(vni_node_handover);

/*
 * Every loaded node and every attached file holds a reference on the module, so that exit runs
 * only with no node left.
 */
static int __init vni_node_module_init(void)
{
	int err;

	err = vni_region_init();
	if (err)
		return err;
	err = vni_launch_init();
	if (err)
		goto err_region;
	err = vni_cpus_init();
	if (err)
		goto err_launch;
	vni_watch_init();
	err = vni_dev_init();
	if (err)
		goto err_watch;
	return 0;

err_watch:
	vni_watch_exit();
	vni_cpus_exit();
err_launch:
	vni_launch_exit();
err_region:
	vni_region_exit();
	return err;
}

static void __exit vni_node_module_exit(void)
{
	vni_dev_exit();
	vni_watch_exit();
	vni_cpus_exit();
	vni_launch_exit();
	vni_region_exit();
}

module_init(vni_node_module_init);
module_exit(vni_node_module_exit);

MODULE_DESCRIPTION("VNI: starts Linux kernels as OS nodes of their own on CPUs taken offline");
MODULE_AUTHOR("The VNI project");
MODULE_LICENSE("GPL");
