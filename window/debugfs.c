// SPDX-License-Identifier: GPL-2.0
/* /sys/kernel/debug/vni/WINDOW/status: the node table and the links, for people and for tests. */
#include <linux/debugfs.h>
#include <linux/jiffies.h>
#include <linux/seq_file.h>

#include "window.h"

static struct dentry *vni_debugfs_root;

static void show_links(struct seq_file *m, const struct vni_window *win, unsigned int seat)
{
	unsigned int i;

	for (i = 0; i < VNI_CHANNELS; i++) {
		const struct vni_channel *chan = win->channels[i];
		const struct vni_link *link;

		if (!chan)
			continue;
		link = &chan->links[seat];
		seq_printf(m,
			   "  channel %u service %u link %s session %08x ack %08x ups %llu downs %llu faults %u\n",
			   i, chan->service, vni_link_state_name(link->state), link->session,
			   link->ack, link->ups, link->downs, link->faults);
	}
}

static int status_show(struct seq_file *m, void *unused)
{
	struct vni_window *win = m->private;
	unsigned int seat;

	mutex_lock(&win->lock);
	seq_printf(m,
		   "window %s node %u seats %u size %llu section %llu free %llu generation %u doorbell \"%s\" kicks sent %llu seen %llu\n",
		   win->name, win->seat, win->seats, win->size, win->section_size,
		   vni_shm_free_space(win), win->generation, win->db ? win->db->ops->name : "none",
		   win->kicks_sent, win->kicks_seen);
	for (seat = 0; seat < win->seats; seat++) {
		const struct vni_peer *peer = &win->peers[seat];

		if (seat == win->seat || peer->state == VNI_PEER_ABSENT)
			continue;
		seq_printf(m, "node %u %s generation %u heartbeat %llu seen %u ms ago%s%s\n", seat,
			   vni_peer_state_name(peer->state), peer->generation, peer->heartbeat,
			   jiffies_to_msecs(jiffies - peer->seen),
			   peer->state == VNI_PEER_REFUSED ? " because: " : "",
			   peer->state == VNI_PEER_REFUSED ? peer->why : "");
		show_links(m, win, seat);
	}
	mutex_unlock(&win->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(status);

void vni_debugfs_add(struct vni_window *win)
{
	win->debugfs = debugfs_create_dir(win->name, vni_debugfs_root);
	debugfs_create_file("status", 0444, win->debugfs, win, &status_fops);
}

void vni_debugfs_init(void)
{
	vni_debugfs_root = debugfs_create_dir("vni", NULL);
}

void vni_debugfs_exit(void)
{
	debugfs_remove_recursive(vni_debugfs_root);
}
