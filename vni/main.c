// SPDX-License-Identifier: GPL-2.0
/* vni: making and ending one network device for each window that vni_shm knows, in order. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/etherdevice.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "vni.h"

static unsigned int queues;
module_param(queues, uint, 0444);
MODULE_PARM_DESC(queues, "queues, 1 to 8 (default: one a CPU, at most 4)");

#define QUEUES_DEFAULT_MAX 4

static unsigned int plan_queues(void)
{
	if (queues)
		return queues;
	return min_t(unsigned int, num_online_cpus(), QUEUES_DEFAULT_MAX);
}

/**
 * vni_dev_plan() - lay out the channel of a device that is to be
 * @geo: filled in
 * @win: where
 * @queues: how many are wanted; fewer if there is no room for so many
 *
 * An eighth of the section stays free for other services.
 *
 * Context: any.
 * Return: 0, or -ENOSPC, which was logged.
 */
int vni_dev_plan(struct vni_geometry *geo, struct vni_window *win, unsigned int queues)
{
	u64 space = vni_shm_free_space(win) / 8 * 7;
	int ret = -ENOSPC;

	for (; queues && ret; queues /= 2)
		ret = vni_geometry_plan(geo, vni_shm_seats(win), queues, space);
	if (ret)
		pr_err("%s: %llu bytes of a seat are too few for rings to %u seats and a packet buffer; give a larger window, or fewer seats=\n",
		       vni_shm_name(win), space, vni_shm_seats(win));
	return ret;
}

static int queue_init(struct vni_dev *vd, unsigned int index)
{
	struct vni_queue *q = &vd->queues[index];
	u32 count = vd->geo.slots / vd->geo.queues;

	q->vd = vd;
	q->index = index;
	spin_lock_init(&q->lock);
	u64_stats_init(&q->rx.sync);
	u64_stats_init(&q->tx.sync);
	__skb_queue_head_init(&q->orphans);
	timer_setup(&q->reaper, vni_reaper, 0);
	q->om_memory = kvcalloc(count, sizeof(u64) + sizeof(u32), GFP_KERNEL);
	q->kept = kvcalloc(count, sizeof(*q->kept), GFP_KERNEL);
	if (!q->om_memory || !q->kept) {
		kvfree(q->om_memory);
		kvfree(q->kept);
		q->om_memory = NULL;
		return -ENOMEM;
	}
	vni_omgr_init(&q->om, index * count, count, q->om_memory + count * sizeof(u64),
		      q->om_memory, vd->base + vd->geo.table);
	hrtimer_init(&q->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_SOFT);
	q->timer.function = vni_timer;
	netif_napi_add(vd->ndev, &q->napi, vni_poll);
	return 0;
}

static void queues_free(struct vni_dev *vd)
{
	unsigned int i;

	for (i = 0; i < vd->geo.queues; i++) {
		if (!vd->queues[i].om_memory)
			continue;
		netif_napi_del(&vd->queues[i].napi);
		kvfree(vd->queues[i].om_memory);
		kvfree(vd->queues[i].kept);
	}
}

static int queues_init(struct vni_dev *vd)
{
	void *data[VNI_ETH_QUEUES_MAX];
	unsigned int i;
	int ret = 0;

	for (i = 0; i < vd->geo.queues && !ret; i++) {
		ret = queue_init(vd, i);
		data[i] = &vd->queues[i];
	}
	if (!ret)
		ret = vni_shm_channel_bells(vd->chan, vd->geo.queues, vni_bell, data);
	if (ret)
		queues_free(vd);
	return ret;
}

/**
 * vni_dev_init() - open a channel at a window for a device
 * @ndev: after vni_netdev_setup(), with room for the queues of @geo; not registered yet
 * @win: where
 * @geo: from vni_dev_plan()
 *
 * Context: process, may sleep; the RTNL may be held.
 * Return: 0 or an error; then nothing is left of it.
 */
int vni_dev_init(struct net_device *ndev, struct vni_window *win, const struct vni_geometry *geo)
{
	struct vni_dev *vd = netdev_priv(ndev);
	int ret;

	vd->ndev = ndev;
	vd->win = win;
	vd->geo = *geo;
	vd->copybreak = VNI_COPYBREAK;
	vd->rx_copybreak = VNI_RX_COPYBREAK;
	vd->rx_usecs = VNI_RX_USECS;
	vd->adaptive = true;
	vni_segment_init(vd);
	timer_setup(&vd->stall, vni_tx_unstall, 0);
	vd->chan = vni_shm_channel_open(win, VNI_SERVICE_ETH, VNI_ETH_VERSION, geo->size,
					geo->buffer, &vni_channel_ops, vd);
	if (IS_ERR(vd->chan))
		return PTR_ERR(vd->chan);
	vd->base = vni_shm_channel_base(vd->chan);
	vd->eth = vd->base + sizeof(struct vni_chan);
	vni_netdev_show(vd);
	ret = queues_init(vd);
	if (ret)
		vni_shm_channel_close(vd->chan);
	return ret;
}

/**
 * vni_dev_exit() - undo vni_dev_init()
 * @ndev: closed; nobody but readers of its statistics uses it any more
 *
 * Context: process, may sleep; the RTNL may be held.
 */
void vni_dev_exit(struct net_device *ndev)
{
	struct vni_dev *vd = netdev_priv(ndev);

	vni_trust_end(vd);
	vni_shm_channel_close(vd->chan);
	timer_delete_sync(&vd->stall);
	queues_free(vd);
}

static void *vni_add(struct vni_window *win)
{
	struct vni_geometry geo;
	struct net_device *ndev;
	int ret = vni_dev_plan(&geo, win, plan_queues());

	if (ret)
		return ERR_PTR(ret);
	ndev = alloc_etherdev_mqs(struct_size((struct vni_dev *)NULL, queues, geo.queues),
				  geo.queues, geo.queues);
	if (!ndev)
		return ERR_PTR(-ENOMEM);
	strscpy(ndev->name, "vni%d", sizeof(ndev->name));
	SET_NETDEV_DEV(ndev, vni_shm_device(win));
	vni_netdev_setup(ndev);
	ret = vni_dev_init(ndev, win, &geo);
	if (ret)
		goto no_dev;
	netif_carrier_off(ndev);
	ret = register_netdev(ndev);
	if (ret)
		goto no_netdev;
	vni_queues_spread(netdev_priv(ndev));
	netdev_info(ndev, "node %u of %u, %u queues, rings of %u KiB, %u slots\n",
		    vni_shm_seat(win), vni_shm_seats(win), geo.queues,
		    geo.ring_lines * VNI_LINE / 1024, geo.slots);
	return ndev;

no_netdev:
	vni_dev_exit(ndev);
no_dev:
	free_netdev(ndev);
	return ERR_PTR(ret);
}

static void vni_remove(struct vni_window *win, void *priv)
{
	struct net_device *ndev = priv;

	unregister_netdev(ndev);
	vni_dev_exit(ndev);
	free_netdev(ndev);
}

static struct vni_shm_client vni_client = {
	.name = "vni",
	.add = vni_add,
	.remove = vni_remove,
	.flush = vni_loans_flush,
};

static int __init vni_init(void)
{
	int ret;

	if (queues > VNI_ETH_QUEUES_MAX) {
		pr_err("queues=%u; expected 1 to %u\n", queues, VNI_ETH_QUEUES_MAX);
		return -EINVAL;
	}
	ret = vni_loans_init();
	if (ret)
		return ret;
	ret = vni_xsk_init();
	if (ret)
		goto no_xsk;
	ret = vni_shm_client_register(&vni_client);
	if (ret)
		goto no_client;
	ret = vni_link_register(plan_queues());
	if (ret)
		goto no_link;
	return 0;

no_link:
	vni_shm_client_unregister(&vni_client);
no_client:
	vni_xsk_exit();
no_xsk:
	vni_loans_exit();
	return ret;
}

static void __exit vni_exit(void)
{
	vni_link_unregister();
	vni_shm_client_unregister(&vni_client);
	vni_xsk_exit();
	vni_loans_exit();
}

module_init(vni_init);
module_exit(vni_exit);

MODULE_DESCRIPTION("VNI: a network device between OS nodes that share memory");
MODULE_AUTHOR("The VNI project");
MODULE_LICENSE("GPL");
