// SPDX-License-Identifier: GPL-2.0
/*
 * A channel as a file. The console's reader follows the backlog, each file at its own place; the
 * port's reads the ring itself. A port's stream ends with the run of the node it was attached to;
 * a console's goes on over restarts, until the node is unloaded.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "node.h"

/**
 * struct vni_stream - one attached file
 * @node: a reference
 * @channel: of the node
 * @console: whether it is the console
 * @pos: console: next byte of the backlog, under the channel's rx_lock
 * @start: port: the start of the node that it belongs to
 */
struct vni_stream {
	struct vni_node *node;
	struct vni_channel *channel;
	bool console;
	u64 pos;
	u64 start;
};

static bool over(const struct vni_stream *s)
{
	if (s->console)
		return READ_ONCE(s->node->state) == VNI_NODE_EMPTY;
	return !vni_node_active(s->node) || READ_ONCE(s->node->starts) != s->start;
}

static bool readable(struct vni_stream *s)
{
	const struct vni_pipe *rx = &s->channel->rx;

	if (s->console)
		return READ_ONCE(s->node->backlog.pos) != READ_ONCE(s->pos);
	return READ_ONCE(rx->data) && READ_ONCE(s->node->starts) == s->start &&
	       !READ_ONCE(rx->broken) && READ_ONCE(rx->pos) != le32_to_cpu(READ_ONCE(*rx->theirs));
}

static bool writable(const struct vni_stream *s)
{
	const struct vni_pipe *tx = &s->channel->tx;

	return READ_ONCE(tx->data) && !READ_ONCE(tx->broken) &&
	       READ_ONCE(tx->pos) - le32_to_cpu(READ_ONCE(*tx->theirs)) < tx->size;
}

/* Under rx_lock. */
static ssize_t read_backlog(struct vni_stream *s, char __user *buf, size_t len)
{
	const struct vni_backlog *log = &s->node->backlog;
	size_t done = 0;

	if (log->pos - s->pos > VNI_BACKLOG_SIZE)
		s->pos = log->pos - VNI_BACKLOG_SIZE;
	len = min_t(u64, len, log->pos - s->pos);
	while (done < len) {
		size_t at = s->pos & (VNI_BACKLOG_SIZE - 1);
		size_t n = min_t(size_t, len - done, VNI_BACKLOG_SIZE - at);

		if (copy_to_user(buf + done, log->data + at, n))
			return done ? done : -EFAULT;
		s->pos += n;
		done += n;
	}
	return done;
}

static ssize_t read_once(struct vni_stream *s, char __user *buf, size_t len)
{
	struct vni_channel *ch = s->channel;
	ssize_t n;

	if (mutex_lock_interruptible(&ch->rx_lock))
		return -ERESTARTSYS;
	if (s->console)
		n = read_backlog(s, buf, len);
	else if (READ_ONCE(s->node->starts) != s->start)
		n = 0;
	else
		n = vni_pipe_get_user(&ch->rx, buf, len);
	if (!s->console && n > 0)
		ch->rx_bytes += n;
	if (!s->console && ch->rx.broken)
		n = -EIO;
	vni_channel_check(s->node, ch);
	mutex_unlock(&ch->rx_lock);
	return n;
}

static ssize_t stream_read(struct file *file, char __user *buf, size_t len, loff_t *ppos)
{
	struct vni_stream *s = file->private_data;
	bool last;
	ssize_t n;

	if (!len)
		return 0;
	for (;;) {
		last = over(s); /* before the look: what it wrote until then is still read */
		n = read_once(s, buf, len);
		if (n || last)
			return n;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (signal_pending(current) || /* the node can make every wait end at once */
		    wait_event_interruptible(s->channel->wait, readable(s) || over(s)))
			return -ERESTARTSYS;
		cond_resched();
	}
}

static ssize_t write_once(struct vni_stream *s, const char __user *buf, size_t len)
{
	struct vni_channel *ch = s->channel;
	ssize_t n;

	if (mutex_lock_interruptible(&ch->tx_lock))
		return -ERESTARTSYS;
	if (over(s) || !vni_node_active(s->node))
		n = -EPIPE;
	else
		n = vni_pipe_put_user(&ch->tx, buf, len);
	if (n > 0)
		ch->tx_bytes += n;
	if (ch->tx.broken)
		n = -EIO;
	vni_channel_check(s->node, ch);
	mutex_unlock(&ch->tx_lock);
	return n;
}

static ssize_t stream_write(struct file *file, const char __user *buf, size_t len, loff_t *ppos)
{
	struct vni_stream *s = file->private_data;
	ssize_t n;

	if (!len)
		return 0;
	for (;;) {
		n = write_once(s, buf, len);
		if (n)
			return n;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (signal_pending(current) ||
		    wait_event_interruptible(s->channel->wait,
					     writable(s) || !vni_node_active(s->node) || over(s)))
			return -ERESTARTSYS;
		cond_resched();
	}
}

static __poll_t stream_poll(struct file *file, poll_table *table)
{
	struct vni_stream *s = file->private_data;
	__poll_t mask = 0;

	poll_wait(file, &s->channel->wait, table);
	if (over(s))
		mask |= EPOLLHUP | EPOLLIN | EPOLLRDNORM;
	else if (s->channel->rx.broken || s->channel->tx.broken)
		mask |= EPOLLERR;
	if (readable(s))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (writable(s))
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}

static void detach(struct vni_stream *s)
{
	if (!s->console) {
		mutex_lock(&vni_nodes_lock);
		s->channel->attached = false;
		mutex_unlock(&vni_nodes_lock);
	}
	vni_node_put(s->node);
	kfree(s);
}

static int stream_release(struct inode *inode, struct file *file)
{
	detach(file->private_data);
	return 0;
}

static const struct file_operations stream_fops = {
	.owner = THIS_MODULE,
	.read = stream_read,
	.write = stream_write,
	.poll = stream_poll,
	.release = stream_release,
};

static struct vni_stream *make(struct vni_node *node, u32 channel, u32 flags, struct vni_say *say)
{
	struct vni_channel *ch = &node->channel[channel];
	bool console = channel == VNI_NODE_CHANNEL_CONSOLE;
	struct vni_stream *s;

	if (!console && !vni_node_active(node)) {
		vni_say(say, 0, "node %u does not run: it is %s", node->id,
			vni_state_name(node->state));
		return ERR_PTR(-ENOTCONN);
	}
	if (!console && ch->attached) {
		vni_say(say, 0, "channel %u of node %u is attached already", channel, node->id);
		return ERR_PTR(-EBUSY);
	}
	s = kzalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return ERR_PTR(-ENOMEM);
	s->node = node;
	s->channel = ch;
	s->console = console;
	s->start = node->starts;
	if (!(flags & VNI_NODE_ATTACH_BACKLOG))
		s->pos = READ_ONCE(node->backlog.pos);
	vni_node_get(node);
	ch->attached = !console;
	return s;
}

/**
 * vni_stream_attach() - a file descriptor for a channel of a node
 * @id: of the node
 * @channel: VNI_NODE_CHANNEL_CONSOLE or _PORT
 * @flags: VNI_NODE_ATTACH_*
 * @say: gets the reason of a refusal
 *
 * Context: process, without vni_nodes_lock; sleeps. Return: the descriptor, or a negative error.
 */
int vni_stream_attach(u32 id, u32 channel, u32 flags, struct vni_say *say)
{
	struct vni_stream *s;
	struct vni_node *node;
	int fd;

	if (channel > VNI_NODE_CHANNEL_PORT)
		return vni_say(say, -EINVAL, "channel %u does not exist", channel);
	if (flags & ~VNI_NODE_ATTACH_FLAGS)
		return vni_say(say, -EINVAL, "flags %#x are unknown", flags);
	mutex_lock(&vni_nodes_lock);
	node = vni_node_find(id, say);
	s = node ? make(node, channel, flags, say) : ERR_PTR(-ENOENT);
	mutex_unlock(&vni_nodes_lock);
	if (IS_ERR(s))
		return PTR_ERR(s);
	fd = anon_inode_getfd("[vni-node]", &stream_fops, s,
			      O_RDWR | O_CLOEXEC |
				      (flags & VNI_NODE_ATTACH_NONBLOCK ? O_NONBLOCK : 0));
	if (fd < 0)
		detach(s);
	return fd;
}
