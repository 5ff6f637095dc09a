// SPDX-License-Identifier: GPL-2.0
/* Node 0's ends of a node's byte channels, and the backlog of its console. */
#define pr_fmt(fmt) "vni_node: " fmt

#include <linux/sizes.h>

#include "node.h"

static_assert(VNI_NODE_CHANNELS == VNI_CTL_CHANNELS);
static_assert(VNI_NODE_REASON == VNI_CTL_REASON);

struct layout {
	u32 offset; /* bytes from the start of the control block */
	u32 size;
};

#define OFF_CONSOLE_IN	SZ_4K
#define OFF_CONSOLE_OUT (OFF_CONSOLE_IN + VNI_CTL_CONSOLE_IN)
#define OFF_PORT_IN	(OFF_CONSOLE_OUT + VNI_CTL_CONSOLE_OUT)
#define OFF_PORT_OUT	(OFF_PORT_IN + VNI_CTL_PORT_RING)

static_assert(OFF_PORT_OUT + VNI_CTL_PORT_RING <= VNI_CTL_SIZE);

static const struct layout layouts[2][VNI_CTL_DIRECTIONS] = {
	[VNI_NODE_CHANNEL_CONSOLE] = {
		[VNI_CTL_TO_GUEST] = { OFF_CONSOLE_IN, VNI_CTL_CONSOLE_IN },
		[VNI_CTL_TO_HOST] = { OFF_CONSOLE_OUT, VNI_CTL_CONSOLE_OUT },
	},
	[VNI_NODE_CHANNEL_PORT] = {
		[VNI_CTL_TO_GUEST] = { OFF_PORT_IN, VNI_CTL_PORT_RING },
		[VNI_CTL_TO_HOST] = { OFF_PORT_OUT, VNI_CTL_PORT_RING },
	},
};

void vni_channel_init(struct vni_node *node)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(node->channel); i++) {
		mutex_init(&node->channel[i].rx_lock);
		mutex_init(&node->channel[i].tx_lock);
		init_waitqueue_head(&node->channel[i].wait);
	}
}

/**
 * vni_channel_check() - count and log, once a start, that a channel is cut off
 * @node: the node
 * @ch: its channel, perhaps with an end that an impossible position broke
 *
 * Context: process; the caller holds the lock of the end that it used.
 */
void vni_channel_check(struct vni_node *node, struct vni_channel *ch)
{
	static const char *const names[] = { "console", "port" };
	bool first;

	if (!READ_ONCE(ch->rx.broken) && !READ_ONCE(ch->tx.broken))
		return;
	spin_lock_irq(&vni_state_lock);
	first = !ch->cut;
	ch->cut = true;
	if (first)
		node->faults++;
	spin_unlock_irq(&vni_state_lock);
	if (first)
		pr_notice("node %u published an impossible position on its %s: cut off\n", node->id,
			  names[ch - node->channel]);
}

static void keep(struct vni_backlog *log, struct vni_pipe *rx)
{
	u32 budget = rx->size, at, n;

	/* At most one ring a call: the node may write as fast as we read. */
	while (budget) {
		at = log->pos & (VNI_BACKLOG_SIZE - 1);
		n = vni_pipe_get(rx, log->data + at, min_t(u32, budget, VNI_BACKLOG_SIZE - at));
		if (!n)
			break;
		WRITE_ONCE(log->pos, log->pos + n);
		budget -= n;
	}
}

static void drain_console(struct vni_node *node)
{
	struct vni_channel *ch = &node->channel[VNI_NODE_CHANNEL_CONSOLE];

	mutex_lock(&ch->rx_lock);
	keep(&node->backlog, &ch->rx);
	vni_channel_check(node, ch);
	mutex_unlock(&ch->rx_lock);
}

/* Queued by the watch when the console moved or the node became inactive. */
void vni_channel_drain(struct work_struct *work)
{
	struct vni_node *node = container_of(work, struct vni_node, drain);
	u32 i;

	drain_console(node);
	for (i = 0; i < ARRAY_SIZE(node->channel); i++)
		wake_up_interruptible(&node->channel[i].wait);
}

static void open_pipe(struct vni_node *node, u32 channel, u32 dir, struct vni_pipe *p)
{
	const struct layout *l = &layouts[channel][dir];
	struct vni_ctl_indexes *index = &node->ctl->index[channel][dir];
	bool produce = dir == VNI_CTL_TO_GUEST;

	*p = (struct vni_pipe){
		.data = (u8 *)node->ctl + l->offset,
		.size = l->size,
		.mine = produce ? &index->head.value : &index->tail.value,
		.theirs = produce ? &index->tail.value : &index->head.value,
	};
	node->ctl->channel[channel].ring[dir].offset = cpu_to_le32(l->offset);
	node->ctl->channel[channel].ring[dir].size = cpu_to_le32(l->size);
}

/**
 * vni_channel_format() - a fresh control block for the next start
 * @node: does not run
 *
 * What was left in the console's ring goes to the backlog first. Counts the start, which ends the
 * streams of the one before.
 *
 * Context: process, vni_nodes_lock; sleeps.
 */
void vni_channel_format(struct vni_node *node)
{
	struct vni_ctl_head *head = &node->ctl->head;
	u32 i;

	drain_console(node);
	for (i = 0; i < ARRAY_SIZE(node->channel); i++) {
		mutex_lock_nested(&node->channel[i].rx_lock, i);
		mutex_lock_nested(&node->channel[i].tx_lock, i);
	}
	memset(node->ctl, 0, sizeof(*node->ctl));
	for (i = 0; i < ARRAY_SIZE(node->channel); i++) {
		open_pipe(node, i, VNI_CTL_TO_GUEST, &node->channel[i].tx);
		open_pipe(node, i, VNI_CTL_TO_HOST, &node->channel[i].rx);
		node->channel[i].seen_head = 0;
		node->channel[i].seen_tail = 0;
		node->channel[i].cut = false;
	}
	spin_lock_irq(&vni_state_lock);
	node->starts++;
	spin_unlock_irq(&vni_state_lock);
	head->version = cpu_to_le32(VNI_CTL_VERSION);
	head->node = cpu_to_le32(node->id);
	head->size = cpu_to_le64(VNI_CTL_SIZE);
	head->generation = cpu_to_le64(node->starts);
	head->channels = cpu_to_le32(VNI_CTL_CHANNELS);
	head->magic = cpu_to_le64(VNI_CTL_MAGIC);
	for (i = 0; i < ARRAY_SIZE(node->channel); i++) {
		mutex_unlock(&node->channel[i].tx_lock);
		mutex_unlock(&node->channel[i].rx_lock);
		wake_up_interruptible(&node->channel[i].wait);
	}
}

/**
 * vni_channel_shut() - the node's memory goes away: no file touches it any more
 * @node: does not run, is not in the table
 *
 * Context: process; sleeps.
 */
void vni_channel_shut(struct vni_node *node)
{
	u32 i;

	drain_console(node);
	for (i = 0; i < ARRAY_SIZE(node->channel); i++) {
		struct vni_channel *ch = &node->channel[i];

		mutex_lock(&ch->rx_lock);
		ch->rx.data = NULL;
		mutex_unlock(&ch->rx_lock);
		mutex_lock(&ch->tx_lock);
		ch->tx.data = NULL;
		mutex_unlock(&ch->tx_lock);
		wake_up_interruptible(&ch->wait);
	}
}
