// SPDX-License-Identifier: GPL-2.0
/*
 * The watch: one timer on node 0 that looks at the control block of every active node.
 *
 * A node that asks for a reset waits about 15 ms and then would reset the whole machine through
 * port 0x64, so the timer is a hard one of 2 ms and sends INIT itself. The same tick notices
 * console output and moves of the port's positions: while there is traffic it comes every
 * millisecond.
 */
#define pr_fmt(fmt) "vni_node: " fmt

#include <linux/ctype.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>

#include "node.h"

#define PERIOD_IDLE_NS (2 * NSEC_PER_MSEC)
#define PERIOD_BUSY_NS (1 * NSEC_PER_MSEC)
#define BUSY_FOR_NS    (200 * NSEC_PER_MSEC)
#define GRACE_NS       (1500 * NSEC_PER_MSEC) /* for the last log lines of a panic or halt */

static struct hrtimer timer;
static bool ticking;   /* under vni_state_lock */
static u64 busy_until; /* ktime in ns; the timer's own */

/* Hold the node from now on. Under vni_state_lock. */
static void contain(struct vni_node *node, u32 state)
{
	vni_launch_hold(node);
	node->state = state;
	node->init_at = 0;
	schedule_work(&node->drain);
}

static void take_reason(struct vni_node *node, const char *prefix)
{
	char text[VNI_CTL_REASON];
	size_t i;

	memcpy(text, node->ctl->reason, sizeof(text));
	text[sizeof(text) - 1] = '\0';
	for (i = 0; text[i]; i++)
		if (!isascii(text[i]) || !isprint(text[i]))
			text[i] = ' ';
	snprintf(node->reason, sizeof(node->reason), "%s%s%.100s", prefix, text[0] ? ": " : "",
		 text);
}

static void due_init(struct vni_node *node, u64 now, u32 state)
{
	node->init_at = now + GRACE_NS;
	node->init_state = state;
}

static void hear(struct vni_node *node, u32 said, u64 now)
{
	node->said = said;
	switch (said) {
	case VNI_CTL_SILENT:
		node->state = VNI_NODE_STARTING;
		take_reason(node, "the guest module fell silent");
		break;
	case VNI_CTL_RUNNING:
		node->state = VNI_NODE_RUNNING;
		take_reason(node, "running");
		break;
	case VNI_CTL_REBOOTING:
		node->state = VNI_NODE_REBOOTING;
		take_reason(node, "reboot under way");
		break;
	case VNI_CTL_POWEROFF:
		take_reason(node, "powered itself off");
		contain(node, VNI_NODE_POWEROFF);
		break;
	case VNI_CTL_HALTING:
		take_reason(node, "halted itself");
		due_init(node, now, VNI_NODE_HALTED);
		break;
	case VNI_CTL_PANICKED:
		node->panics++;
		take_reason(node, "kernel panic");
		due_init(node, now, VNI_NODE_PANICKED);
		break;
	default:
		node->faults++;
		break;
	}
}

static void hear_reset(struct vni_node *node)
{
	node->reboots++;
	if (node->said == VNI_CTL_PANICKED)
		strlcat(node->reason, ", then a reset", sizeof(node->reason));
	else
		strscpy(node->reason, "asked for a reset", sizeof(node->reason));
	contain(node, VNI_NODE_REBOOTED);
	if (node->flags & VNI_NODE_LOAD_AUTORESTART)
		schedule_work(&node->restart);
}

/* Whether the node moved a position of this channel since the last tick. */
static bool moved(struct vni_channel *ch)
{
	__le32 head = READ_ONCE(*ch->rx.theirs);
	__le32 tail = READ_ONCE(*ch->tx.theirs);

	if (head == ch->seen_head && tail == ch->seen_tail)
		return false;
	ch->seen_head = head;
	ch->seen_tail = tail;
	return true;
}

static void look(struct vni_node *node, u64 now)
{
	struct vni_ctl *ctl = node->ctl;
	u32 said = le32_to_cpu((__force __le32)smp_load_acquire(&ctl->guest.state));

	if (moved(&node->channel[VNI_NODE_CHANNEL_CONSOLE])) {
		schedule_work(&node->drain);
		busy_until = now + BUSY_FOR_NS;
	}
	if (moved(&node->channel[VNI_NODE_CHANNEL_PORT])) {
		wake_up_interruptible(&node->channel[VNI_NODE_CHANNEL_PORT].wait);
		busy_until = now + BUSY_FOR_NS;
	}
	if (said != node->said)
		hear(node, said, now);
	if (vni_node_active(node) && READ_ONCE(ctl->reset.value))
		hear_reset(node);
	if (vni_node_active(node) && node->init_at && now >= node->init_at)
		contain(node, node->init_state);
}

static enum hrtimer_restart tick(struct hrtimer *t)
{
	u64 now = ktime_get_ns();
	unsigned long flags;
	bool active = false;
	u32 i;

	spin_lock_irqsave(&vni_state_lock, flags);
	for (i = VNI_NODE_MIN_ID; i <= VNI_NODE_MAX_ID; i++) {
		if (!vni_nodes[i] || !vni_node_active(vni_nodes[i]))
			continue;
		look(vni_nodes[i], now);
		active = true;
	}
	ticking = active;
	spin_unlock_irqrestore(&vni_state_lock, flags);
	if (!active)
		return HRTIMER_NORESTART;
	/*
	 * From now on, not from when it was due: a late tick must not bring the next one at once.
	 */
	hrtimer_set_expires(t, ktime_add_ns(ktime_get(),
					    now < busy_until ? PERIOD_BUSY_NS : PERIOD_IDLE_NS));
	return HRTIMER_RESTART;
}

/**
 * vni_watch_kick() - see to it that the timer runs: a node became active
 *
 * Context: process.
 */
void vni_watch_kick(void)
{
	spin_lock_irq(&vni_state_lock);
	if (!ticking) {
		ticking = true;
		hrtimer_start(&timer, ns_to_ktime(PERIOD_IDLE_NS), HRTIMER_MODE_REL_HARD);
	}
	spin_unlock_irq(&vni_state_lock);
}

void vni_watch_init(void)
{
	hrtimer_init(&timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	timer.function = tick;
}

void vni_watch_exit(void)
{
	hrtimer_cancel(&timer);
}
