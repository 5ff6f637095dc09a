// SPDX-License-Identifier: GPL-2.0
/*
 * XDP: sending what programs want to be sent, here (XDP_TX) and at other devices (ndo_xdp_xmit).
 *
 * Such a frame goes the way of all others, as a socket buffer around its pages: it is routed by its
 * address, copied into rings or slots, and may wait for its peer where there are several.
 */
#include <linux/etherdevice.h>
#include <linux/netdevice.h>

#include "vni.h"

/*
 * Hand frames to the transmit side, which copies them to where their destination is. Nothing waits
 * here for BQL, or for room. Returns how many were taken; the others are left. Bottom halves off,
 * nothing locked.
 */
static u32 send(struct vni_dev *vd, unsigned int txi, struct sk_buff_head *frames)
{
	struct netdev_queue *txq = netdev_get_tx_queue(vd->ndev, txi);
	struct sk_buff *skb;
	u32 sent = 0;

	__netif_tx_lock(txq, smp_processor_id());
	while (!netif_xmit_frozen_or_drv_stopped(txq) && (skb = __skb_dequeue(frames))) {
		skb_set_queue_mapping(skb, txi);
		if (netdev_start_xmit(skb, vd->ndev, txq, true) != NETDEV_TX_OK) {
			__skb_queue_head(frames, skb);
			break;
		}
		sent++;
	}
	__netif_tx_unlock(txq);
	return sent;
}

/* Frames may have gone through another queue than that of who sent them. */
static void flush(struct vni_dev *vd)
{
	unsigned int i;

	for (i = 0; i < vd->geo.queues; i++) {
		struct vni_queue *q = &vd->queues[i];

		if (!READ_ONCE(q->pending))
			continue;
		spin_lock(&q->lock);
		vni_tx_flush(q);
		spin_unlock(&q->lock);
	}
}

/**
 * vni_xdp_send() - send what there is room for, and let the receivers see it
 * @vd: the device
 * @txi: the transmit queue
 * @frames: in order; what there is no room for is left
 *
 * Context: bottom halves off.
 * Return: how many are gone.
 */
u32 vni_xdp_send(struct vni_dev *vd, unsigned int txi, struct sk_buff_head *frames)
{
	u32 sent = send(vd, txi, frames);

	flush(vd);
	return sent;
}

/**
 * vni_xdp_reply() - send what the program answered
 * @q: the queue
 *
 * Context: NAPI.
 */
void vni_xdp_reply(struct vni_queue *q)
{
	u32 left;

	if (skb_queue_empty(&q->xdp.replies))
		return;
	vni_xdp_send(q->vd, q->index, &q->xdp.replies);
	left = skb_queue_len(&q->xdp.replies);
	q->xdp.now[VNI_XDP_TX] -= left;
	q->xdp.now[VNI_XDP_TX_ERROR] += left;
	__skb_queue_purge(&q->xdp.replies);
}

/* A frame of another device's as a socket buffer, which owns it from here on; NULL: it does not. */
static struct sk_buff *skb_of_frame(struct net_device *ndev, struct xdp_frame *frame)
{
	struct sk_buff *skb = xdp_build_skb_from_frame(frame, ndev);

	if (skb)
		__skb_push(skb, ETH_HLEN);
	return skb;
}

/**
 * vni_xdp_xmit() - ndo_xdp_xmit: frames that were redirected to this device
 * @ndev: the device
 * @count: how many
 * @frames: the frames
 * @flags: XDP_XMIT_FLUSH: let the receivers see them now
 *
 * Context: bottom halves off.
 * Return: how many are done with, the others stay the caller's; or an error.
 */
int vni_xdp_xmit(struct net_device *ndev, int count, struct xdp_frame **frames, u32 flags)
{
	struct vni_dev *vd = netdev_priv(ndev);
	unsigned int txi = smp_processor_id() % READ_ONCE(ndev->real_num_tx_queues);
	struct vni_queue *q = &vd->queues[txi];
	struct sk_buff_head list;
	u32 sent;
	int i;

	if (unlikely(flags & ~XDP_XMIT_FLAGS_MASK))
		return -EINVAL;
	if (unlikely(!netif_running(ndev) || !netif_carrier_ok(ndev)))
		return -ENETDOWN;
	__skb_queue_head_init(&list);
	for (i = 0; i < count; i++) {
		struct sk_buff *skb = skb_of_frame(ndev, frames[i]);

		if (unlikely(!skb))
			break;
		__skb_queue_tail(&list, skb);
	}
	sent = send(vd, txi, &list);
	__skb_queue_purge(&list);
	spin_lock(&q->lock);
	u64_stats_update_begin(&q->tx.sync);
	u64_stats_add(&q->tx.xdp_xmit, sent);
	u64_stats_add(&q->tx.xdp_xmit_errors, count - sent);
	u64_stats_update_end(&q->tx.sync);
	spin_unlock(&q->lock);
	if (flags & XDP_XMIT_FLUSH)
		flush(vd);
	return i;
}
