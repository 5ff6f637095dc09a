// SPDX-License-Identifier: GPL-2.0
/* ethtool: statistics by cause, sizes of the rings, moderation, the threshold of the mixed form. */
#include <linux/ethtool.h>

#include "vni.h"

struct vni_stat {
	const char *name;
	size_t offset;
};

/* clang-format off */
#define RX_STAT(field) { "rx_" #field, offsetof(struct vni_queue, rx.field) }
#define TX_STAT(field) { "tx_" #field, offsetof(struct vni_queue, tx.field) }

static const struct vni_stat rx_stats[] = {
	RX_STAT(frames),	RX_STAT(bytes),	      RX_STAT(inline_frames),
	RX_STAT(direct_frames), RX_STAT(loan_copies), RX_STAT(lent_frames), RX_STAT(bells_rung),
	RX_STAT(polls),		RX_STAT(timer_polls), RX_STAT(no_memory),
	RX_STAT(bad_frame),	RX_STAT(stale),	      RX_STAT(busy_frames),
};

static const struct vni_stat tx_stats[] = {
	TX_STAT(frames),	TX_STAT(bytes),	       TX_STAT(inline_frames),
	TX_STAT(direct_frames), TX_STAT(bells_rung),   TX_STAT(bells_spared),
	TX_STAT(stops),		TX_STAT(wakes),	       TX_STAT(no_peer),
	TX_STAT(too_long),	TX_STAT(bad_offload),  TX_STAT(peer_full),
	TX_STAT(waited),	TX_STAT(wait_ends),    TX_STAT(floods),
	TX_STAT(xdp_xmit),	TX_STAT(xdp_xmit_errors),
};

#define XDP_STAT(name, end) { "rx_xdp_" name, offsetof(struct vni_queue, xdp.stats[end]) }

static const struct vni_stat xdp_stats[] = {
	XDP_STAT("pass", VNI_XDP_PASS),
	XDP_STAT("drop", VNI_XDP_DROP),
	XDP_STAT("aborted", VNI_XDP_ABORTED),
	XDP_STAT("tx", VNI_XDP_TX),
	XDP_STAT("tx_errors", VNI_XDP_TX_ERROR),
	XDP_STAT("redirect", VNI_XDP_REDIRECT),
	XDP_STAT("redirect_errors", VNI_XDP_REDIRECT_ERROR),
	XDP_STAT("refused", VNI_XDP_REFUSED),
	{ "rx_xsk", offsetof(struct vni_queue, xdp.stats[VNI_XDP_XSK_RX]) },
	{ "tx_xsk", offsetof(struct vni_queue, xdp.stats[VNI_XDP_XSK_TX]) },
};

/* clang-format on */

static const char *const state_stats[] = { "bells_seen", "slots", "slots_free", "slots_lent" };

/* Of the device: what was learned about addresses behind other nodes. */
static const char *const fdb_stats[] = { "fdb_known", "fdb_learned", "fdb_moves", "fdb_evicted",
					 "fdb_refused" };

#define STATS_A_QUEUE                                                          \
	(ARRAY_SIZE(rx_stats) + ARRAY_SIZE(xdp_stats) + ARRAY_SIZE(tx_stats) + \
	 ARRAY_SIZE(state_stats))

/* Private flags: ethtool --set-priv-flags DEV direct on; in the order of their bits. */
#define FLAG_DIRECT	  BIT(0)
#define FLAG_XDP_IN_PLACE BIT(1)

static const char *const flags_known[] = { "direct", "xdp-in-place" };

static int get_sset_count(struct net_device *ndev, int set)
{
	const struct vni_dev *vd = netdev_priv(ndev);

	if (set == ETH_SS_PRIV_FLAGS)
		return ARRAY_SIZE(flags_known);
	return set == ETH_SS_STATS ? vd->geo.queues * STATS_A_QUEUE + ARRAY_SIZE(fdb_stats) :
				     -EOPNOTSUPP;
}

static void get_strings(struct net_device *ndev, u32 set, u8 *data)
{
	const struct vni_dev *vd = netdev_priv(ndev);
	unsigned int q, i;

	for (i = 0; set == ETH_SS_PRIV_FLAGS && i < ARRAY_SIZE(flags_known); i++)
		ethtool_sprintf(&data, "%s", flags_known[i]);
	if (set != ETH_SS_STATS)
		return;
	for (q = 0; q < vd->geo.queues; q++) {
		for (i = 0; i < ARRAY_SIZE(rx_stats); i++)
			ethtool_sprintf(&data, "q%u_%s", q, rx_stats[i].name);
		for (i = 0; i < ARRAY_SIZE(xdp_stats); i++)
			ethtool_sprintf(&data, "q%u_%s", q, xdp_stats[i].name);
		for (i = 0; i < ARRAY_SIZE(tx_stats); i++)
			ethtool_sprintf(&data, "q%u_%s", q, tx_stats[i].name);
		for (i = 0; i < ARRAY_SIZE(state_stats); i++)
			ethtool_sprintf(&data, "q%u_%s", q, state_stats[i]);
	}
	for (i = 0; i < ARRAY_SIZE(fdb_stats); i++)
		ethtool_sprintf(&data, "%s", fdb_stats[i]);
}

static u64 *put_stats(const struct vni_queue *q, const struct vni_stat *stats, unsigned int count,
		      const struct u64_stats_sync *sync, u64 *to)
{
	unsigned int start, i;

	do {
		start = u64_stats_fetch_begin(sync);
		for (i = 0; i < count; i++)
			to[i] = u64_stats_read(
				(const u64_stats_t *)((const char *)q + stats[i].offset));
	} while (u64_stats_fetch_retry(sync, start));
	return to + count;
}

static void put_fdb_stats(struct vni_dev *vd, u64 *to)
{
	spin_lock_bh(&vd->fdb_lock);
	*to++ = vni_fdb_known(&vd->fdb, get_jiffies_64(), READ_ONCE(vd->ageing));
	*to++ = vd->fdb.learned;
	*to++ = vd->fdb.moves;
	*to++ = vd->fdb.evicted;
	*to++ = vd->fdb.refused;
	spin_unlock_bh(&vd->fdb_lock);
}

static void get_ethtool_stats(struct net_device *ndev, struct ethtool_stats *unused, u64 *data)
{
	struct vni_dev *vd = netdev_priv(ndev);
	unsigned int i;

	for (i = 0; i < vd->geo.queues; i++) {
		struct vni_queue *q = &vd->queues[i];

		/*
		 * What peers gave back since we last looked counts as free. Not while the device is
		 * closed: that would start timers which nobody stops.
		 */
		if (netif_running(ndev)) {
			local_bh_disable();
			vni_tx_service(q, READ_ONCE(q->polled));
			local_bh_enable();
		}
		data = put_stats(q, rx_stats, ARRAY_SIZE(rx_stats), &q->rx.sync, data);
		data = put_stats(q, xdp_stats, ARRAY_SIZE(xdp_stats), &q->rx.sync, data);
		data = put_stats(q, tx_stats, ARRAY_SIZE(tx_stats), &q->tx.sync, data);
		*data++ = atomic64_read(&q->bells_seen);
		spin_lock_bh(&q->lock);
		*data++ = q->om.count;
		*data++ = q->om.nfree;
		*data++ = q->om.count - q->om.nfree;
		spin_unlock_bh(&q->lock);
	}
	put_fdb_stats(vd, data);
}

static void get_drvinfo(struct net_device *ndev, struct ethtool_drvinfo *info)
{
	const struct vni_dev *vd = netdev_priv(ndev);

	strscpy(info->driver, "vni", sizeof(info->driver));
	snprintf(info->version, sizeof(info->version), "window %u.%u", VNI_VERSION_MAJOR,
		 VNI_VERSION_MINOR);
	snprintf(info->bus_info, sizeof(info->bus_info), "%s:%u", vni_shm_name(vd->win),
		 vni_shm_seat(vd->win));
}

/* Memory has no line rate; what others that copy in software report is taken by bonds as one. */
static int get_link_ksettings(struct net_device *ndev, struct ethtool_link_ksettings *cmd)
{
	cmd->base.speed = SPEED_10000;
	cmd->base.duplex = DUPLEX_FULL;
	cmd->base.port = PORT_OTHER;
	cmd->base.autoneg = AUTONEG_DISABLE;
	return 0;
}

static void get_ringparam(struct net_device *ndev, struct ethtool_ringparam *ring,
			  struct kernel_ethtool_ringparam *kernel_ring,
			  struct netlink_ext_ack *extack)
{
	const struct vni_dev *vd = netdev_priv(ndev);

	ring->tx_max_pending = vd->geo.ring_lines;
	ring->tx_pending = vd->geo.ring_lines;
	ring->rx_max_pending = vd->geo.ring_lines;
	ring->rx_pending = vd->geo.ring_lines;
}

static void get_channels(struct net_device *ndev, struct ethtool_channels *channels)
{
	const struct vni_dev *vd = netdev_priv(ndev);

	channels->max_combined = vd->geo.queues;
	channels->combined_count = vd->geo.used;
}

/* As many as a pair has in common are used. The others learn of it when a link comes up. */
static int set_channels(struct net_device *ndev, struct ethtool_channels *channels)
{
	return vni_queues_use(netdev_priv(ndev), channels->combined_count);
}

static int get_coalesce(struct net_device *ndev, struct ethtool_coalesce *ec,
			struct kernel_ethtool_coalesce *kernel_ec, struct netlink_ext_ack *extack)
{
	const struct vni_dev *vd = netdev_priv(ndev);

	ec->rx_coalesce_usecs = vd->rx_usecs;
	ec->use_adaptive_rx_coalesce = vd->adaptive;
	return 0;
}

static int set_coalesce(struct net_device *ndev, struct ethtool_coalesce *ec,
			struct kernel_ethtool_coalesce *kernel_ec, struct netlink_ext_ack *extack)
{
	struct vni_dev *vd = netdev_priv(ndev);
	unsigned int i;

	if (ec->rx_coalesce_usecs > 10000) {
		NL_SET_ERR_MSG(extack, "rx-usecs: expected 0 (never poll by timer) to 10000");
		return -EINVAL;
	}
	WRITE_ONCE(vd->rx_usecs, ec->rx_coalesce_usecs);
	WRITE_ONCE(vd->adaptive, ec->use_adaptive_rx_coalesce);
	/* what did not pay before may pay now */
	for (i = 0; i < vd->geo.queues; i++)
		WRITE_ONCE(vd->queues[i].idle.rest_until, 0);
	return 0;
}

static int get_tunable(struct net_device *ndev, const struct ethtool_tunable *tuna, void *data)
{
	const struct vni_dev *vd = netdev_priv(ndev);

	switch (tuna->id) {
	case ETHTOOL_TX_COPYBREAK:
		*(u32 *)data = vd->copybreak;
		return 0;
	case ETHTOOL_RX_COPYBREAK:
		*(u32 *)data = vd->rx_copybreak;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static int set_tunable(struct net_device *ndev, const struct ethtool_tunable *tuna,
		       const void *data)
{
	struct vni_dev *vd = netdev_priv(ndev);
	u32 bytes = *(const u32 *)data;

	if (tuna->id == ETHTOOL_RX_COPYBREAK)
		return vni_lend_set(vd, bytes);
	if (tuna->id != ETHTOOL_TX_COPYBREAK)
		return -EOPNOTSUPP;
	if (bytes > VNI_COPYBREAK_MAX) {
		netdev_err(ndev, "tx-copybreak %u; expected 0 to %u bytes\n", bytes,
			   VNI_COPYBREAK_MAX);
		return -EINVAL;
	}
	WRITE_ONCE(vd->copybreak, bytes);
	return 0;
}

static u32 get_priv_flags(struct net_device *ndev)
{
	const struct vni_dev *vd = netdev_priv(ndev);

	return (vd->direct ? FLAG_DIRECT : 0) | (vd->xdp_in_place ? FLAG_XDP_IN_PLACE : 0);
}

static int set_priv_flags(struct net_device *ndev, u32 flags)
{
	struct vni_dev *vd = netdev_priv(ndev);
	bool before = vd->xdp_in_place;
	int ret = vni_xdp_in_place_set(vd, flags & FLAG_XDP_IN_PLACE);

	if (ret)
		return ret;
	ret = vni_trust_set(vd, flags & FLAG_DIRECT);
	if (ret)
		WRITE_ONCE(vd->xdp_in_place, before);
	return ret;
}

const struct ethtool_ops vni_ethtool_ops = {
	.supported_coalesce_params = ETHTOOL_COALESCE_RX_USECS | ETHTOOL_COALESCE_USE_ADAPTIVE_RX,
	.get_drvinfo = get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = get_link_ksettings,
	.get_sset_count = get_sset_count,
	.get_strings = get_strings,
	.get_ethtool_stats = get_ethtool_stats,
	.get_ringparam = get_ringparam,
	.get_channels = get_channels,
	.set_channels = set_channels,
	.get_coalesce = get_coalesce,
	.set_coalesce = set_coalesce,
	.get_tunable = get_tunable,
	.set_tunable = set_tunable,
	.get_priv_flags = get_priv_flags,
	.set_priv_flags = set_priv_flags,
	.get_ts_info = ethtool_op_get_ts_info,
};
