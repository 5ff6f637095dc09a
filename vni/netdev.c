// SPDX-License-Identifier: GPL-2.0
/* The network device as the stack and people see it. */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/rtnetlink.h>
#include <linux/virtio_net.h>

#include "vni.h"

/* The features of the kernel that this is built for decide what we can pass on for others. */
#ifdef VIRTIO_NET_HDR_GSO_UDP_L4
#define NETDEV_USO NETIF_F_GSO_UDP_L4
#define ETH_USO	   VNI_ETH_F_USO
#else
#define NETDEV_USO 0
#define ETH_USO	   0
#endif

#define OFFLOADS                                                                          \
	(NETIF_F_SG | NETIF_F_FRAGLIST | NETIF_F_HW_CSUM | NETIF_F_RXCSUM | NETIF_F_TSO | \
	 NETIF_F_TSO6 | NETIF_F_TSO_ECN | NETIF_F_HIGHDMA | NETDEV_USO)

static int ndo_open(struct net_device *ndev)
{
	struct vni_dev *vd = netdev_priv(ndev);
	unsigned int i;
	int ret;

	for (i = 0; i < vd->geo.queues; i++) {
		ret = vni_pages_open(&vd->queues[i]);
		if (ret)
			goto undo;
	}
	for (i = 0; i < vd->geo.queues; i++) {
		vni_idle_open(&vd->queues[i]);
		napi_enable(&vd->queues[i].napi);
	}
	netif_tx_start_all_queues(ndev);
	vni_shm_channel_enable(vd->chan);
	return 0;

undo:
	while (i--)
		vni_pages_close(&vd->queues[i]);
	return ret;
}

static int ndo_stop(struct net_device *ndev)
{
	struct vni_dev *vd = netdev_priv(ndev);
	unsigned int i;

	netif_tx_stop_all_queues(ndev);
	vni_shm_channel_disable(vd->chan);
	for (i = 0; i < vd->geo.queues; i++) {
		napi_disable(&vd->queues[i].napi);
		vni_idle_close(&vd->queues[i]);
		hrtimer_cancel(&vd->queues[i].timer);
		timer_delete_sync(&vd->queues[i].reaper);
		vni_pages_close(&vd->queues[i]);
		vd->queues[i].stopped = 0;
	}
	timer_delete_sync(&vd->stall);
	return 0;
}

/**
 * vni_netdev_pause() - take the links down to change what both ends of a link have to agree upon
 * @vd: the device
 * @really: whether it has to be; false does nothing
 *
 * What is under way is lost. Followed by vni_netdev_go_on() with the same arguments.
 *
 * Context: RTNL, may sleep.
 */
void vni_netdev_pause(struct vni_dev *vd, bool really)
{
	if (really && netif_running(vd->ndev))
		vni_shm_channel_disable(vd->chan);
}

/**
 * vni_netdev_go_on() - the links may come up again
 * @vd: the device
 * @really: as in vni_netdev_pause()
 *
 * Context: RTNL, may sleep.
 */
void vni_netdev_go_on(struct vni_dev *vd, bool really)
{
	if (really && netif_running(vd->ndev))
		vni_shm_channel_enable(vd->chan);
}

/* The others take frames of any size, so this is only told to them for their logs. */
static int ndo_change_mtu(struct net_device *ndev, int mtu)
{
	struct vni_dev *vd = netdev_priv(ndev);

	if (!vni_xdp_mtu_fits(vd, mtu))
		return -EINVAL;
	WRITE_ONCE(ndev->mtu, mtu);
	WRITE_ONCE(vd->eth->mtu, cpu_to_le32(mtu));
	return 0;
}

static void show_address(struct vni_dev *vd)
{
	__le64 word = 0;

	memcpy(&word, vd->ndev->dev_addr, ETH_ALEN);
	WRITE_ONCE(vd->eth->mac, word);
}

static int ndo_set_mac_address(struct net_device *ndev, void *address)
{
	int ret = eth_mac_addr(ndev, address);

	if (!ret)
		show_address(netdev_priv(ndev));
	return ret;
}

/* All frames of the segment are handed up: the stack keeps those that were asked for. */
static void ndo_set_rx_mode(struct net_device *ndev)
{
}

static void get_stats(struct vni_queue *q, struct rtnl_link_stats64 *sum)
{
	unsigned int start;
	u64 v[9];

	do {
		start = u64_stats_fetch_begin(&q->rx.sync);
		v[0] = u64_stats_read(&q->rx.frames);
		v[1] = u64_stats_read(&q->rx.bytes);
		v[2] = u64_stats_read(&q->rx.no_memory) + u64_stats_read(&q->rx.stale) +
		       vni_xdp_lost(q);
		v[3] = u64_stats_read(&q->rx.bad_frame);
	} while (u64_stats_fetch_retry(&q->rx.sync, start));
	do {
		start = u64_stats_fetch_begin(&q->tx.sync);
		v[4] = u64_stats_read(&q->tx.frames);
		v[5] = u64_stats_read(&q->tx.bytes);
		v[6] = u64_stats_read(&q->tx.peer_full);
		v[7] = u64_stats_read(&q->tx.no_peer);
		v[8] = u64_stats_read(&q->tx.too_long) + u64_stats_read(&q->tx.bad_offload);
	} while (u64_stats_fetch_retry(&q->tx.sync, start));
	sum->rx_packets += v[0];
	sum->rx_bytes += v[1];
	sum->rx_dropped += v[2];
	sum->rx_errors += v[3];
	sum->rx_frame_errors += v[3];
	sum->tx_packets += v[4];
	sum->tx_bytes += v[5];
	sum->tx_dropped += v[6] + v[7] + v[8];
	sum->tx_carrier_errors += v[7];
}

static void ndo_get_stats64(struct net_device *ndev, struct rtnl_link_stats64 *sum)
{
	struct vni_dev *vd = netdev_priv(ndev);
	unsigned int i;

	for (i = 0; i < vd->geo.queues; i++)
		get_stats(&vd->queues[i], sum);
}

/* What not every peer can take is done by the stack before the frame comes to us. */
static netdev_features_t ndo_features_check(struct sk_buff *skb, struct net_device *ndev,
					    netdev_features_t features)
{
	const struct vni_dev *vd = netdev_priv(ndev);
	u32 common = READ_ONCE(vd->common);
	unsigned int type = skb_is_gso(skb) ? skb_shinfo(skb)->gso_type : 0;

	if (!(common & VNI_ETH_F_CSUM))
		return features & ~(NETIF_F_CSUM_MASK | NETIF_F_GSO_MASK);
	if ((type & SKB_GSO_TCPV4 && !(common & VNI_ETH_F_TSO4)) ||
	    (type & SKB_GSO_TCPV6 && !(common & VNI_ETH_F_TSO6)) ||
	    (type & SKB_GSO_UDP_L4 && !(common & VNI_ETH_F_USO)) ||
	    (type && skb->len > READ_ONCE(vd->frame_max)))
		features &= ~NETIF_F_GSO_MASK;
	return vlan_features_check(skb, features);
}

static void ndo_tx_timeout(struct net_device *ndev, unsigned int txi)
{
	struct vni_dev *vd = netdev_priv(ndev);
	unsigned int i;

	netdev_warn(ndev, "transmit queue %u waits for a peer that is alive and reads nothing\n",
		    txi);
	local_bh_disable();
	for (i = 0; i < vd->geo.queues; i++)
		napi_schedule(&vd->queues[i].napi);
	local_bh_enable();
}

const struct net_device_ops vni_netdev_ops = {
	.ndo_open = ndo_open,
	.ndo_stop = ndo_stop,
	.ndo_start_xmit = vni_start_xmit,
	.ndo_change_mtu = ndo_change_mtu,
	.ndo_set_mac_address = ndo_set_mac_address,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_set_rx_mode = ndo_set_rx_mode,
	.ndo_get_stats64 = ndo_get_stats64,
	.ndo_features_check = ndo_features_check,
	.ndo_tx_timeout = ndo_tx_timeout,
	.ndo_bpf = vni_xdp_command,
	.ndo_xdp_xmit = vni_xdp_xmit,
	.ndo_xsk_wakeup = vni_xsk_wakeup,
};

/* 02:56:4e (locally administered, "VN"), two bytes of the window, and the node. */
static void first_address(struct vni_dev *vd)
{
	u64 id = vni_shm_identity(vd->win) >> 16;
	u8 address[ETH_ALEN] = {
		0x02, 'V', 'N', (id >> 8) ^ (id >> 24), id ^ (id >> 16), vni_shm_seat(vd->win)
	};

	eth_hw_addr_set(vd->ndev, address);
}

/**
 * vni_netdev_setup() - make a fresh net_device ours
 * @ndev: with a vni_dev as its private part, which need not be filled
 *
 * Context: process, before registration.
 */
void vni_netdev_setup(struct net_device *ndev)
{
	ndev->netdev_ops = &vni_netdev_ops;
	ndev->ethtool_ops = &vni_ethtool_ops;
	ndev->sysfs_groups[0] = &vni_sysfs_group;
	ndev->min_mtu = VNI_ETH_MTU_MIN;
	ndev->max_mtu = VNI_ETH_MTU_MAX;
	ndev->features = OFFLOADS;
	ndev->hw_features = OFFLOADS & ~NETIF_F_HIGHDMA;
	ndev->vlan_features = OFFLOADS;
	vni_xdp_setup(ndev);
	ndev->priv_flags |= IFF_UNICAST_FLT | IFF_LIVE_ADDR_CHANGE;
}

/**
 * vni_netdev_show_features() - tell the others what this device takes
 * @vd: the device, whose links are down
 *
 * A program is to see complete frames.
 *
 * Context: process.
 */
void vni_netdev_show_features(struct vni_dev *vd)
{
	u32 features = rcu_access_pointer(vd->xdp_prog) ? 0 : vd->geo.features;

	if (vd->direct)
		features |= VNI_ETH_F_DIRECT;
	WRITE_ONCE(vd->eth->features, cpu_to_le32(features));
}

/**
 * vni_netdev_show() - tell the others what this device is
 * @vd: with .win, .eth and .geo set
 *
 * A device that nobody gave an address gets one that is always the same for its seat.
 *
 * Context: process, before registration.
 */
void vni_netdev_show(struct vni_dev *vd)
{
	if (is_zero_ether_addr(vd->ndev->dev_addr))
		first_address(vd);
	vd->geo.features = VNI_ETH_F_CSUM | VNI_ETH_F_TSO4 | VNI_ETH_F_TSO6 | ETH_USO;
	vd->common = vd->geo.features;
	vd->frame_max = VNI_ETH_INLINE_MAX;
	vni_geometry_write(&vd->geo, vd->eth);
	WRITE_ONCE(vd->eth->mtu, cpu_to_le32(vd->ndev->mtu));
	show_address(vd);
}
