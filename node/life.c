// SPDX-License-Identifier: GPL-2.0
/* The life of a loaded node: start, stop, restart. */
#define pr_fmt(fmt) "vni_node: " fmt

#include <linux/ktime.h>

#include "node.h"

static const char *const state_names[VNI_NODE_STATES] = {
	[VNI_NODE_EMPTY] = "empty",	    [VNI_NODE_LOADED] = "loaded",
	[VNI_NODE_STARTING] = "starting",   [VNI_NODE_RUNNING] = "running",
	[VNI_NODE_REBOOTING] = "rebooting", [VNI_NODE_REBOOTED] = "rebooted",
	[VNI_NODE_POWEROFF] = "poweroff",   [VNI_NODE_HALTED] = "halted",
	[VNI_NODE_PANICKED] = "panicked",   [VNI_NODE_STOPPED] = "stopped",
	[VNI_NODE_FAILED] = "failed",
};

const char *vni_state_name(u32 state)
{
	return state < VNI_NODE_STATES ? state_names[state] : "?";
}

/**
 * vni_state_set() - change a node's state from process context
 * @node: the node
 * @state: the new one
 * @fmt: format of the reason
 *
 * Context: process.
 */
void vni_state_set(struct vni_node *node, u32 state, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	spin_lock_irq(&vni_state_lock);
	node->state = state;
	node->init_at = 0;
	vsnprintf(node->reason, sizeof(node->reason), fmt, args);
	spin_unlock_irq(&vni_state_lock);
	va_end(args);
}

/**
 * vni_node_start() - boot a node that does not run, from the copies that LOAD kept
 * @node: the node
 * @say: gets the reason of a failure
 *
 * Context: process, vni_nodes_lock; sleeps. Return: 0, -EBUSY if it runs, or an error of
 * vni_launch_go(), which leaves the node "failed".
 */
int vni_node_start(struct vni_node *node, struct vni_say *say)
{
	int err;

	if (vni_node_active(node))
		return vni_say(say, -EBUSY, "node %u is %s already", node->id,
			       vni_state_name(node->state));
	vni_launch_hold(node);
	vni_image_place(node);
	vni_acpi_build(node);
	vni_channel_format(node);

	spin_lock_irq(&vni_state_lock);
	node->said = VNI_CTL_SILENT;
	node->init_at = 0;
	node->started_at = ktime_get_ns();
	node->state = VNI_NODE_STARTING;
	strscpy(node->reason, "its kernel boots", sizeof(node->reason));
	spin_unlock_irq(&vni_state_lock);
	vni_watch_kick();

	err = vni_launch_go(node, say);
	if (err)
		vni_state_set(node, VNI_NODE_FAILED, "%s", say->text);
	else
		pr_info("node %u started (start %llu)\n", node->id, node->starts);
	return err;
}

/**
 * vni_node_stop() - hold a node, whatever it does
 * @node: the node
 * @say: gets the reason of a failure
 *
 * Context: process, vni_nodes_lock; sleeps. Return: 0, or -EINVAL if it was never started.
 */
int vni_node_stop(struct vni_node *node, struct vni_say *say)
{
	if (node->state == VNI_NODE_LOADED)
		return vni_say(say, -EINVAL, "node %u was not started", node->id);
	vni_launch_hold(node);
	vni_state_set(node, VNI_NODE_STOPPED, "stopped from node 0");
	schedule_work(&node->drain); /* the last output, and the end of the port's stream */
	pr_info("node %u stopped\n", node->id);
	return 0;
}

/* The automatic restart after a reboot. */
void vni_node_restart_work(struct work_struct *work)
{
	struct vni_node *node = container_of(work, struct vni_node, restart);
	struct vni_say say = {};

	mutex_lock(&vni_nodes_lock);
	if (node->state == VNI_NODE_REBOOTED)
		vni_node_start(node, &say);
	mutex_unlock(&vni_nodes_lock);
}
