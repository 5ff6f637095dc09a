// SPDX-License-Identifier: GPL-2.0
/* How many of a device's queues are used, and by which CPUs. */
#include <linux/cpumask.h>
#include <linux/netdevice.h>

#include "vni.h"

/**
 * vni_queues_spread() - give each CPU a transmit queue to begin with (XPS)
 * @vd: the device, registered
 *
 * Without that the stack chooses by a flow's hash, and CPUs meet at a queue's lock. People may
 * change it (/sys/class/net/DEV/queues/tx-N/xps_cpus). Where there is no memory, or the kernel has
 * no XPS, the hash goes on choosing; so it does in a pair within one kernel, where the CPU of a
 * queue's doorbell may be the sender's own.
 *
 * Context: process, may sleep; the RTNL may be held.
 */
void vni_queues_spread(struct vni_dev *vd)
{
	cpumask_var_t mask;
	unsigned int i, cpu;

	if (vd->pair || vd->geo.used < 2 || !zalloc_cpumask_var(&mask, GFP_KERNEL))
		return;
	for (i = 0; i < vd->geo.used; i++) {
		cpumask_clear(mask);
		for_each_possible_cpu(cpu)
			if (cpu % vd->geo.used == i)
				cpumask_set_cpu(cpu, mask);
		netif_set_xps_queue(vd->ndev, mask, i);
	}
	free_cpumask_var(mask);
}

/**
 * vni_queues_use() - use so many of the queues that there are
 * @vd: the device, registered
 * @count: 1 to vni_geometry.queues
 *
 * A pair of nodes uses as many as both do, and learns that when its link comes up; so links go down
 * for a moment, and what is under way is lost.
 *
 * Context: RTNL, may sleep.
 * Return: 0, or -ENOMEM with all as it was.
 */
int vni_queues_use(struct vni_dev *vd, unsigned int count)
{
	struct net_device *ndev = vd->ndev;
	int ret;

	if (count == vd->geo.used)
		return 0;
	vni_netdev_pause(vd, true);
	ret = netif_set_real_num_queues(ndev, count, count);
	if (!ret) {
		vd->geo.used = count;
		WRITE_ONCE(vd->eth->used, cpu_to_le32(count));
		vni_queues_spread(vd);
	}
	vni_netdev_go_on(vd, true);
	return ret;
}
