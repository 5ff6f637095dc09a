// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/vni-port: a byte stream to node 0, whose other end `vni-node attach N port` holds. Nothing
 * is lost or reset when either side closes it; bytes wait in the ring.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/wait.h>

#include "guest.h"

static struct vni_pipe in, out;
static DEFINE_MUTEX(in_lock);
static DEFINE_MUTEX(out_lock);
static DECLARE_WAIT_QUEUE_HEAD(wait);
static __le32 seen_head, seen_tail; /* the tick's own */
static bool ready;

static bool readable(void)
{
	return READ_ONCE(in.broken) || READ_ONCE(in.pos) != le32_to_cpu(READ_ONCE(*in.theirs));
}

static bool writable(void)
{
	return READ_ONCE(out.broken) ||
	       READ_ONCE(out.pos) - le32_to_cpu(READ_ONCE(*out.theirs)) < out.size;
}

static ssize_t port_read(struct file *file, char __user *buf, size_t len, loff_t *ppos)
{
	ssize_t n;

	if (!len)
		return 0;
	for (;;) {
		if (mutex_lock_interruptible(&in_lock))
			return -ERESTARTSYS;
		n = vni_pipe_get_user(&in, buf, len);
		if (in.broken)
			n = -EIO;
		mutex_unlock(&in_lock);
		if (n) {
			vni_guest_busy();
			return n;
		}
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(wait, readable()))
			return -ERESTARTSYS;
	}
}

static ssize_t port_write(struct file *file, const char __user *buf, size_t len, loff_t *ppos)
{
	ssize_t n;

	if (!len)
		return 0;
	for (;;) {
		if (mutex_lock_interruptible(&out_lock))
			return -ERESTARTSYS;
		n = vni_pipe_put_user(&out, buf, len);
		if (out.broken)
			n = -EIO;
		mutex_unlock(&out_lock);
		if (n) {
			vni_guest_busy();
			return n;
		}
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(wait, writable()))
			return -ERESTARTSYS;
	}
}

static __poll_t port_poll(struct file *file, poll_table *table)
{
	__poll_t mask = 0;

	poll_wait(file, &wait, table);
	if (readable())
		mask |= EPOLLIN | EPOLLRDNORM;
	if (writable())
		mask |= EPOLLOUT | EPOLLWRNORM;
	if (READ_ONCE(in.broken) || READ_ONCE(out.broken))
		mask |= EPOLLERR;
	return mask;
}

static const struct file_operations fops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.read = port_read,
	.write = port_write,
	.poll = port_poll,
};

static struct miscdevice dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vni-port",
	.fops = &fops,
	.mode = 0600,
};

/**
 * vni_guest_port_tick() - wake whoever waits, if node 0 moved
 *
 * Context: the module's timer. Return: whether it moved.
 */
bool vni_guest_port_tick(void)
{
	__le32 head, tail;

	if (!READ_ONCE(ready))
		return false;
	head = READ_ONCE(*in.theirs);
	tail = READ_ONCE(*out.theirs);
	if (head == seen_head && tail == seen_tail)
		return false;
	seen_head = head;
	seen_tail = tail;
	wake_up_interruptible(&wait);
	return true;
}

/**
 * vni_guest_port_init() - make /dev/vni-port
 *
 * Context: module load; sleeps. Return: 0 or a negative error.
 */
int vni_guest_port_init(void)
{
	int err = vni_guest_pipes(1, &in, &out);

	if (err)
		return err;
	WRITE_ONCE(ready, true);
	return misc_register(&dev);
}
