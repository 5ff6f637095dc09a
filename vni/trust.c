// SPDX-License-Identifier: GPL-2.0
/*
 * Nodes that trust each other: where both ends ask for it (ethtool --set-priv-flags DEV direct on),
 * frames stay in the sender's own memory and are not copied (direct.c, loan.c). Off by default:
 * it lets the others read, and if they misbehave write, all of this node's memory.
 */
#include <linux/delay.h>

#include "vni.h"

/* At the end, so long for programs that still read what is in a peer's memory, or a peer's. */
#define END_MS	 5000
#define END_STEP 20

/* What the others are told of our own memory. All links are down. */
static void show(struct vni_dev *vd)
{
	struct vni_eth_ram *ram = vd->base + vd->geo.ram;
	unsigned int i;

	for (i = 0; i < VNI_ETH_RAMS; i++) {
		bool used = vd->direct && i < vd->ram_count;

		WRITE_ONCE(ram[i].base, cpu_to_le64(used ? vd->ram_own[i].base : 0));
		WRITE_ONCE(ram[i].size, cpu_to_le64(used ? vd->ram_own[i].size : 0));
	}
	vni_netdev_show_features(vd);
}

/**
 * vni_trust_set() - use frames in place between this node and those that want it as well, or not
 * @vd: the device; its links go down for a moment
 * @on: whether
 *
 * Context: process, under the RTNL; may sleep.
 * Return: 0, or -EOPNOTSUPP where nodes cannot reach each other's memory.
 */
int vni_trust_set(struct vni_dev *vd, bool on)
{
	if (on == vd->direct)
		return 0;
	if (on) {
		vd->ram_count = vni_shm_ram_own(vd->win, vd->ram_own);
		vd->ram_bias = vni_shm_ram_bias(vd->win);
		if (!vd->ram_count) {
			netdev_err(vd->ndev,
				   "direct: not possible here: expected a partitioned machine or User-Mode Linux, where each node's memory has an address that the others can use, and there is room for theirs\n");
			return -EOPNOTSUPP;
		}
	}
	vni_netdev_pause(vd, true);
	WRITE_ONCE(vd->direct, on);
	show(vd);
	vni_netdev_go_on(vd, true);
	return 0;
}

/* Does anyone use what is another's: programs here, or nodes that hold frames in our memory. */
static bool in_use(struct vni_dev *vd)
{
	unsigned int seat, i;

	for (seat = 0; seat < vni_shm_seats(vd->win); seat++) {
		bool orphans = false;

		if (vni_lender_busy(vd, seat))
			return true;
		for (i = 0; i < vd->geo.queues; i++)
			orphans |= !skb_queue_empty_lockless(&vd->queues[i].orphans);
		if (seat == vni_shm_seat(vd->win) || !orphans)
			continue;
		if (vni_shm_channel_held(vd->chan, seat))
			return true;
		for (i = 0; i < vd->geo.queues; i++)
			vni_direct_release(&vd->queues[i], seat);
	}
	return false;
}

/**
 * vni_trust_end() - the device goes: let go of others' memory, and have them let go of ours
 * @vd: the device, unregistered, its links down for good
 *
 * Who does not let go within some seconds keeps what it has: pages of ours that another node may
 * still read are not given back to this kernel.
 *
 * Context: process, may sleep.
 */
void vni_trust_end(struct vni_dev *vd)
{
	unsigned int seat, i, left = 0, waited = 0;

	while (in_use(vd) && waited < END_MS) {
		msleep(END_STEP);
		waited += END_STEP;
	}
	for (i = 0; i < vd->geo.queues; i++)
		left += skb_queue_len(&vd->queues[i].orphans);
	if (left)
		netdev_warn(vd->ndev,
			    "%u frames of ours are still in use by other nodes: their memory is not freed\n",
			    left);
	for (seat = 0; seat < vni_shm_seats(vd->win); seat++)
		vni_lender_free(vd, seat);
}
