// SPDX-License-Identifier: GPL-2.0
/*
 * vni_guest.ko, loaded inside a node that the starter booted: finds the control block, gives the
 * node its console and its port, and tells node 0 how the node is.
 *
 * It has no exit: hvc keeps calling a console's operations for as long as any process has the tty
 * open, and a node without it would fall silent to node 0.
 */
#define pr_fmt(fmt) "vni_guest: " fmt

#include <linux/acpi.h>
#include <linux/hrtimer.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/utsname.h>

#include "guest.h"
#include "vni_handover.h"

#define PERIOD_BUSY_NS (1 * NSEC_PER_MSEC)
#define PERIOD_IDLE_NS (8 * NSEC_PER_MSEC)
#define BUSY_JIFFIES   (HZ / 4)

struct vni_ctl *vni_guest_ctl;
static u64 ctl_size;
static u64 beats;
static unsigned long busy_until; /* jiffies */
static struct hrtimer timer;

/**
 * vni_guest_say() - tell node 0 a state
 * @state: enum vni_ctl_state
 * @reason: text, cut to VNI_CTL_REASON - 1 bytes
 *
 * Context: any.
 */
void vni_guest_say(u32 state, const char *reason)
{
	strscpy(vni_guest_ctl->reason, reason, sizeof(vni_guest_ctl->reason));
	/* Pairs with the watch's acquire: the reason is there before the state. */
	smp_store_release(&vni_guest_ctl->guest.state, cpu_to_le32(state));
}

/* Bytes moved: look often for a while. */
void vni_guest_busy(void)
{
	WRITE_ONCE(busy_until, jiffies + BUSY_JIFFIES);
}

static int open_pipe(u32 channel, u32 dir, struct vni_pipe *p)
{
	const struct vni_ctl_ring *ring = &vni_guest_ctl->channel[channel].ring[dir];
	struct vni_ctl_indexes *index = &vni_guest_ctl->index[channel][dir];
	u32 offset = le32_to_cpu(READ_ONCE(ring->offset));
	u32 size = le32_to_cpu(READ_ONCE(ring->size));
	bool produce = dir == VNI_CTL_TO_HOST;

	if (offset < sizeof(struct vni_ctl) || !is_power_of_2(size) || offset > ctl_size ||
	    size > ctl_size - offset) {
		pr_err("channel %u: a ring of %#x bytes at %#x does not fit the control block\n",
		       channel, size, offset);
		return -EINVAL;
	}
	*p = (struct vni_pipe){
		.data = (u8 *)vni_guest_ctl + offset,
		.size = size,
		.mine = produce ? &index->head.value : &index->tail.value,
		.theirs = produce ? &index->tail.value : &index->head.value,
	};
	return 0;
}

/**
 * vni_guest_pipes() - this node's ends of a channel
 * @channel: 0 to VNI_CTL_CHANNELS - 1
 * @in: consumer's end, filled in
 * @out: producer's end, filled in
 *
 * Context: module load. Return: 0 or -EINVAL.
 */
int vni_guest_pipes(u32 channel, struct vni_pipe *in, struct vni_pipe *out)
{
	int err = open_pipe(channel, VNI_CTL_TO_GUEST, in);

	return err ?: open_pipe(channel, VNI_CTL_TO_HOST, out);
}

static enum hrtimer_restart tick(struct hrtimer *t)
{
	bool busy;

	WRITE_ONCE(vni_guest_ctl->guest.beats, cpu_to_le64(++beats));
	vni_guest_console_tick();
	if (vni_guest_port_tick())
		vni_guest_busy();
	busy = time_before(jiffies, READ_ONCE(busy_until));
	/*
	 * From now on, not from when it was due: a late tick must not bring the next one at once.
	 */
	hrtimer_set_expires(t, ktime_add_ns(ktime_get(), busy ? PERIOD_BUSY_NS : PERIOD_IDLE_NS));
	return HRTIMER_RESTART;
}

static int find_control(u64 *base)
{
	const struct vni_handover *body;
	struct acpi_table_header *hdr;
	int err = -EINVAL;
	u64 end;

	if (ACPI_FAILURE(acpi_get_table(VNI_HANDOVER_SIG, 1, &hdr))) {
		pr_err("no ACPI table \"%s\": this kernel was not started by vni_node.ko\n",
		       VNI_HANDOVER_SIG);
		return -ENODEV;
	}
	body = (const struct vni_handover *)(hdr + 1);
	if (hdr->length < sizeof(*hdr) + sizeof(*body) ||
	    le32_to_cpu(body->version) != VNI_HANDOVER_VERSION) {
		pr_err("hand-over: expected version %u in %zu bytes, got version %u in %u bytes\n",
		       VNI_HANDOVER_VERSION, sizeof(*hdr) + sizeof(*body),
		       le32_to_cpu(body->version), hdr->length);
		goto out;
	}
	*base = le64_to_cpu(body->control_base);
	ctl_size = le64_to_cpu(body->control_size);
	if (!*base || ctl_size < sizeof(struct vni_ctl) || ctl_size > U32_MAX ||
	    check_add_overflow(*base, ctl_size, &end)) {
		pr_err("hand-over: a control block of %#llx bytes at %#llx cannot be\n", ctl_size,
		       *base);
		goto out;
	}
	err = 0;
out:
	acpi_put_table(hdr);
	return err;
}

static int map_control(u64 base)
{
	const struct vni_ctl_head *head;

	vni_guest_ctl = memremap(base, ctl_size, MEMREMAP_WB);
	if (!vni_guest_ctl) {
		pr_err("the control block at %#llx cannot be mapped\n", base);
		return -ENOMEM;
	}
	head = &vni_guest_ctl->head;
	if (le64_to_cpu(head->magic) == VNI_CTL_MAGIC &&
	    le32_to_cpu(head->version) == VNI_CTL_VERSION &&
	    le32_to_cpu(head->channels) == VNI_CTL_CHANNELS)
		return 0;
	pr_err("control block: expected version %u, got magic %#llx, version %u: use modules of one build\n",
	       VNI_CTL_VERSION, le64_to_cpu(head->magic), le32_to_cpu(head->version));
	memunmap(vni_guest_ctl);
	return -EPROTO;
}

static int __init vni_guest_module_init(void)
{
	u64 base;
	int err;

	err = find_control(&base);
	if (!err)
		err = map_control(base);
	if (err)
		return err;
	err = vni_guest_port_init();
	if (err) {
		memunmap(vni_guest_ctl);
		return err;
	}
	/* From here on nothing is undone: what fails is missing, the rest works. */
	if (vni_guest_console_init())
		pr_err("no console\n");
	if (vni_guest_park_init())
		pr_err("reboot and panic will be noticed late or not at all\n");
	hrtimer_init(&timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	timer.function = tick;
	hrtimer_start(&timer, ns_to_ktime(PERIOD_IDLE_NS), HRTIMER_MODE_REL_SOFT);
	vni_guest_say(VNI_CTL_RUNNING, init_utsname()->release);
	pr_info("node %u: console and port ready\n", le32_to_cpu(vni_guest_ctl->head.node));
	return 0;
}

module_init(vni_guest_module_init);

MODULE_DESCRIPTION("VNI: console, port and state of an OS node, towards node 0");
MODULE_AUTHOR("The VNI project");
MODULE_LICENSE("GPL");
