// SPDX-License-Identifier: GPL-2.0
/* The table of nodes: LOAD, UNLOAD, LIST. */
#define pr_fmt(fmt) "vni_node: " fmt

#include <linux/io.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "node.h"

DEFINE_MUTEX(vni_nodes_lock);
DEFINE_SPINLOCK(vni_state_lock);
struct vni_node *vni_nodes[VNI_NODE_MAX_ID + 1];

/**
 * vni_say() - explain an error
 * @say: gets the text; the log gets it too
 * @err: the error
 * @fmt: format of one line without newline
 *
 * Return: @err.
 */
int vni_say(struct vni_say *say, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(say->text, sizeof(say->text), fmt, args);
	va_end(args);
	pr_info("%s\n", say->text);
	return err;
}

/**
 * vni_node_find() - the node with an id
 * @id: of the node
 * @say: gets the reason if there is none
 *
 * Context: vni_nodes_lock. Return: the node, without a reference, or NULL.
 */
struct vni_node *vni_node_find(u32 id, struct vni_say *say)
{
	struct vni_node *node = NULL;

	if (id < VNI_NODE_MIN_ID || id > VNI_NODE_MAX_ID)
		vni_say(say, 0, "node %u: ids are %d to %d", id, VNI_NODE_MIN_ID, VNI_NODE_MAX_ID);
	else if (!vni_nodes[id])
		vni_say(say, 0, "node %u is not loaded", id);
	else
		node = vni_nodes[id];
	return node;
}

static void release(struct kref *ref)
{
	struct vni_node *node = container_of(ref, struct vni_node, ref);

	vni_image_free(&node->image);
	vfree(node->backlog.data);
	kfree(node);
}

void vni_node_get(struct vni_node *node)
{
	kref_get(&node->ref);
}

void vni_node_put(struct vni_node *node)
{
	kref_put(&node->ref, release);
}

/**
 * vni_node_active() - whether a node's CPUs may be running
 * @node: the node
 *
 * Context: any; a snapshot unless under vni_state_lock.
 */
bool vni_node_active(const struct vni_node *node)
{
	u32 state = READ_ONCE(node->state);

	return state == VNI_NODE_STARTING || state == VNI_NODE_RUNNING ||
	       state == VNI_NODE_REBOOTING;
}

static int check_request(const struct vni_node_load *req, struct vni_say *say)
{
	if (req->node < VNI_NODE_MIN_ID || req->node > VNI_NODE_MAX_ID)
		return vni_say(say, -EINVAL, "node %u: ids are %d to %d", req->node,
			       VNI_NODE_MIN_ID, VNI_NODE_MAX_ID);
	if (vni_nodes[req->node])
		return vni_say(say, -EEXIST, "node %u is loaded already: unload it first",
			       req->node);
	if (req->flags & ~VNI_NODE_LOAD_FLAGS)
		return vni_say(say, -EINVAL, "flags %#x are unknown", req->flags);
	if (!req->ncpus || req->ncpus > VNI_NODE_MAX_CPUS)
		return vni_say(say, -EINVAL, "a node has 1 to %d CPUs, got %u", VNI_NODE_MAX_CPUS,
			       req->ncpus);
	return vni_cpus_check(req, say);
}

static struct vni_node *make_node(const struct vni_node_load *req, struct vni_say *say)
{
	struct vni_node *node = kzalloc(sizeof(*node), GFP_KERNEL);

	if (node)
		node->backlog.data = vmalloc(VNI_BACKLOG_SIZE);
	if (!node || !node->backlog.data) {
		kfree(node);
		vni_say(say, -ENOMEM, "no memory on node 0");
		return NULL;
	}
	kref_init(&node->ref);
	node->id = req->node;
	node->flags = req->flags;
	node->ncpus = req->ncpus;
	memcpy(node->cpu, req->cpu, sizeof(node->cpu));
	node->state = VNI_NODE_LOADED;
	vni_channel_init(node);
	INIT_WORK(&node->drain, vni_channel_drain);
	INIT_WORK(&node->restart, vni_node_restart_work);
	return node;
}

static int map_node(struct vni_node *node, struct vni_say *say)
{
	node->map = memremap(node->mem.base, node->mem.size, MEMREMAP_WB);
	node->low_map = memremap(node->low_base, VNI_LOW_SHARE, MEMREMAP_WB);
	if (!node->map || !node->low_map)
		return vni_say(say, -ENOMEM, "the memory of node %u cannot be mapped", node->id);
	node->ctl = (struct vni_ctl *)(node->map + (vni_ctl_base(node) - node->mem.base));
	return 0;
}

static void unmap_node(struct vni_node *node)
{
	if (node->map)
		memunmap(node->map);
	if (node->low_map)
		memunmap(node->low_map);
	node->map = NULL;
	node->low_map = NULL;
	node->ctl = NULL;
}

static void set_slot(u32 id, struct vni_node *node)
{
	spin_lock_irq(&vni_state_lock);
	vni_nodes[id] = node;
	spin_unlock_irq(&vni_state_lock);
}

/**
 * vni_node_load() - give a node memory, images and CPUs
 * @req: from user space, a private copy
 * @say: gets the reason of a refusal
 *
 * Everything is checked before a CPU is taken offline.
 *
 * Context: process, vni_nodes_lock; sleeps. Return: 0 or a negative error; then nothing changed.
 */
int vni_node_load(const struct vni_node_load *req, struct vni_say *say)
{
	struct vni_node *node;
	int err = check_request(req, say);

	if (err)
		return err;
	node = make_node(req, say);
	if (!node)
		return -ENOMEM;
	err = vni_region_claim(node, req->mem_base, req->mem_size, say);
	if (!err)
		err = vni_image_take(node, req, say);
	if (!err)
		err = map_node(node, say);
	if (!err)
		err = vni_cpus_take(node, say);
	if (err) {
		unmap_node(node);
		vni_node_put(node);
		return err;
	}
	__module_get(THIS_MODULE); /* the caller's open file keeps the module until then */
	set_slot(node->id, node);
	pr_info("node %u loaded: %u CPUs, %lluM at %#llx\n", node->id, node->ncpus,
		node->mem.size >> 20, node->mem.base);
	return 0;
}

/**
 * vni_node_unload() - take everything back from a node that does not run
 * @id: of the node
 * @say: gets the reason of a refusal
 *
 * Context: process, without vni_nodes_lock; sleeps. Return: 0, -ENOENT, -EBUSY.
 */
int vni_node_unload(u32 id, struct vni_say *say)
{
	struct vni_node *node;
	int err = 0;

	mutex_lock(&vni_nodes_lock);
	node = vni_node_find(id, say);
	if (!node)
		err = -ENOENT;
	else if (vni_node_active(node))
		err = vni_say(say, -EBUSY, "node %u is %s: stop it first", id,
			      vni_state_name(node->state));
	if (err) {
		mutex_unlock(&vni_nodes_lock);
		return err;
	}
	set_slot(id, NULL);
	vni_state_set(node, VNI_NODE_EMPTY, "unloaded");
	vni_channel_shut(node);
	unmap_node(node);
	vni_cpus_give(node);
	mutex_unlock(&vni_nodes_lock);

	/* Both take locks that were held above; neither is queued for a node outside the table. */
	cancel_work_sync(&node->drain);
	cancel_work_sync(&node->restart);
	vni_node_put(node);
	module_put(THIS_MODULE);
	pr_info("node %u unloaded\n", id);
	return 0;
}

/**
 * vni_node_info() - describe a node
 * @node: the node
 * @info: filled in
 *
 * Context: vni_nodes_lock.
 */
void vni_node_info(struct vni_node *node, struct vni_node_info *info)
{
	const struct vni_channel *port = &node->channel[VNI_NODE_CHANNEL_PORT];

	memset(info, 0, sizeof(*info));
	info->version = VNI_NODE_VERSION;
	info->node = node->id;
	info->flags = node->flags;
	info->mem_base = node->mem.base;
	info->mem_size = node->mem.size;
	info->low_base = node->low_base;
	info->ncpus = node->ncpus;
	memcpy(info->cpu, node->cpu, sizeof(info->cpu));
	info->console_bytes = READ_ONCE(node->backlog.pos);
	info->port_rx_bytes = READ_ONCE(port->rx_bytes);
	info->port_tx_bytes = READ_ONCE(port->tx_bytes);
	info->beats = le64_to_cpu(READ_ONCE(node->ctl->guest.beats));

	spin_lock_irq(&vni_state_lock);
	info->state = node->state;
	if (vni_node_active(node))
		info->uptime_ns = ktime_get_ns() - node->started_at;
	info->starts = node->starts;
	info->reboots = node->reboots;
	info->panics = node->panics;
	info->faults = node->faults;
	strscpy(info->reason, node->reason, sizeof(info->reason));
	spin_unlock_irq(&vni_state_lock);
}
