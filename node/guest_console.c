// SPDX-License-Identifier: GPL-2.0
/*
 * The node's hvc0, as console and tty. With console=hvc0 the kernel replays its log when the
 * console is registered.
 */
#define pr_fmt(fmt) "vni_guest: " fmt

#include <linux/err.h>
#include <linux/spinlock.h>

#include "guest.h"
#include "guest_hvc.h"

#define VTERM  0x564e49 /* any number that no other hvc driver uses */
#define OUTBUF 256	/* bytes */

static struct vni_pipe in, out;
static bool ready;

/* hvc's console and tty paths do not exclude each other. */
static DEFINE_SPINLOCK(out_lock);
static DEFINE_SPINLOCK(in_lock);

static vni_hvc_ret get_chars(u32 vtermno, vni_hvc_char *buf, vni_hvc_len count)
{
	unsigned long flags;
	u32 n;

	if (count <= 0)
		return 0;
	spin_lock_irqsave(&in_lock, flags);
	n = vni_pipe_get(&in, buf, count);
	spin_unlock_irqrestore(&in_lock, flags);
	return n;
}

/*
 * A full ring returns 0: the kernel's log then drops the text, a tty waits. Never -EAGAIN, on
 * which the kernel would spin until node 0 reads.
 */
static vni_hvc_ret put_chars(u32 vtermno, const vni_hvc_char *buf, vni_hvc_len count)
{
	unsigned long flags;
	u32 n;

	if (count <= 0)
		return 0;
	spin_lock_irqsave(&out_lock, flags);
	n = vni_pipe_put(&out, buf, count);
	spin_unlock_irqrestore(&out_lock, flags);
	return n;
}

static const struct hv_ops ops = {
	.get_chars = get_chars,
	.put_chars = put_chars,
};

/* hvc's own thread falls asleep for up to 2 s: wake it when there is input. */
void vni_guest_console_tick(void)
{
	if (!READ_ONCE(ready) || READ_ONCE(*in.theirs) == cpu_to_le32(READ_ONCE(in.pos)))
		return;
	hvc_kick();
	vni_guest_busy();
}

/**
 * vni_guest_console_init() - register hvc0
 *
 * Context: module load; sleeps. Return: 0 or a negative error.
 */
int vni_guest_console_init(void)
{
	struct hvc_struct *hp;
	int err = vni_guest_pipes(0, &in, &out);

	if (err)
		return err;
	hp = hvc_alloc(VTERM, 0, &ops, OUTBUF);
	if (IS_ERR(hp))
		return PTR_ERR(hp);
	WRITE_ONCE(ready, true);
	return 0;
}
