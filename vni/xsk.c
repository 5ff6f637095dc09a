// SPDX-License-Identifier: GPL-2.0
/*
 * AF_XDP sockets without copies of the kernel's: a frame is copied once, out of the window into the
 * memory that the socket's program shares with the kernel, and shown to the XDP program there. The
 * socket's program can change that memory at any time; nothing is believed that lies there.
 *
 * A queue's pool changes under the RTNL while its poll is disabled, so a poll sees one only.
 */
#include <linux/dma-mapping.h>
#include <linux/netdevice.h>
#include <linux/platform_device.h>
#include <net/xdp_sock_drv.h>

#include "vni.h"

/* Frames of a socket that one poll sends. */
#define SEND_MAX 64

/*
 * Memory of a socket has to be mapped for a device that is to reach it, which here is the CPU: this
 * device stands for it.
 */
static struct platform_device *cpu_device;

/**
 * vni_xsk_init() - the module is loaded
 *
 * Return: 0 or an error.
 */
int __init vni_xsk_init(void)
{
	struct platform_device_info info = {
		.name = "vni-af-xdp",
		.id = PLATFORM_DEVID_NONE,
		.dma_mask = DMA_BIT_MASK(64),
	};

	cpu_device = platform_device_register_full(&info);
	return PTR_ERR_OR_ZERO(cpu_device);
}

/** vni_xsk_exit() - undo vni_xsk_init() */
void vni_xsk_exit(void)
{
	platform_device_unregister(cpu_device);
}

/**
 * vni_xsk_open() - a queue with a pool gets ready to use it
 * @q: the queue, whose poll does not run
 *
 * Context: process, may sleep.
 * Return: 0 or an error.
 */
int vni_xsk_open(struct vni_queue *q)
{
	struct vni_xsk *xsk = &q->xdp.xsk;
	int ret;

	if (!xsk->pool)
		return 0;
	ret = xdp_rxq_info_reg(&xsk->rxq, q->vd->ndev, q->index, q->napi.napi_id);
	if (ret)
		return ret;
	ret = xdp_rxq_info_reg_mem_model(&xsk->rxq, MEM_TYPE_XSK_BUFF_POOL, NULL);
	if (ret)
		xdp_rxq_info_unreg(&xsk->rxq);
	else
		xsk_pool_set_rxq_info(xsk->pool, &xsk->rxq);
	return ret;
}

/**
 * vni_xsk_close() - undo vni_xsk_open()
 * @q: the queue, whose poll does not run
 *
 * Context: process, may sleep.
 */
void vni_xsk_close(struct vni_queue *q)
{
	struct vni_xsk *xsk = &q->xdp.xsk;

	if (xsk->pool)
		xdp_rxq_info_unreg(&xsk->rxq);
	__skb_queue_purge(&xsk->unsent);
}

/* Another pool, or none, for a queue that may be in use. */
static int exchange(struct vni_queue *q, struct xsk_buff_pool *pool)
{
	bool running = netif_running(q->vd->ndev);
	int ret = 0;

	if (running) {
		napi_disable(&q->napi);
		vni_xsk_close(q);
	}
	q->xdp.xsk.pool = pool;
	if (running) {
		ret = vni_xsk_open(q);
		if (ret)
			q->xdp.xsk.pool = NULL;
		napi_enable(&q->napi);
		/* what rang meanwhile was not heard */
		local_bh_disable();
		napi_schedule(&q->napi);
		local_bh_enable();
	}
	return ret;
}

/**
 * vni_xsk_setup() - a socket without copies is bound to a queue, or goes
 * @vd: the device
 * @pool: the socket's memory, or NULL: it goes
 * @index: which queue
 *
 * Context: RTNL, may sleep.
 * Return: 0 or an error; the socket may then do with copies.
 */
int vni_xsk_setup(struct vni_dev *vd, struct xsk_buff_pool *pool, unsigned int index)
{
	struct xsk_buff_pool *old;
	int ret;

	if (index >= vd->ndev->real_num_rx_queues)
		return -EINVAL;
	old = vd->queues[index].xdp.xsk.pool;
	if (!pool == !old)
		return pool ? -EBUSY : 0;
	if (pool) {
		ret = xsk_pool_dma_map(pool, &cpu_device->dev, DMA_ATTR_SKIP_CPU_SYNC);
		if (ret)
			return ret;
	}
	ret = exchange(&vd->queues[index], pool);
	if (ret || !pool)
		xsk_pool_dma_unmap(pool ?: old, DMA_ATTR_SKIP_CPU_SYNC);
	return ret;
}

/**
 * vni_xsk_wakeup() - ndo_xsk_wakeup: a socket wants its queue to be looked at
 * @ndev: the device
 * @index: which queue
 * @flags: for what; both are one poll
 *
 * Context: RCU, bottom halves may be on.
 * Return: 0 or an error.
 */
int vni_xsk_wakeup(struct net_device *ndev, u32 index, u32 flags)
{
	struct vni_dev *vd = netdev_priv(ndev);
	struct napi_struct *napi;

	if (!netif_running(ndev))
		return -ENETDOWN;
	if (index >= ndev->real_num_rx_queues || !vd->queues[index].xdp.xsk.pool)
		return -EINVAL;
	napi = &vd->queues[index].napi;
	if (!napi_if_scheduled_mark_missed(napi)) {
		local_bh_disable();
		napi_schedule(napi);
		local_bh_enable();
	}
	return 0;
}

/**
 * vni_xsk_alloc() - memory of the socket's for a frame that the program is to see
 * @q: the queue, with a pool, and with less than VNI_XSK_FRAMES that wait to be seen
 * @len: bytes
 *
 * Context: NAPI.
 * Return: where the frame is still to be written. NULL: it is not seen, and that is counted.
 */
void *vni_xsk_alloc(struct vni_queue *q, u32 len)
{
	struct vni_xsk *xsk = &q->xdp.xsk;
	struct xdp_buff *xdp;

	if (unlikely(len > xsk_pool_get_rx_frame_size(xsk->pool))) {
		q->xdp.now[VNI_XDP_REFUSED]++;
		return NULL;
	}
	xdp = xsk_buff_alloc(xsk->pool);
	xsk->dry = !xdp;
	if (unlikely(!xdp)) {
		q->now.no_memory++;
		return NULL;
	}
	xdp->data_end = xdp->data + len;
	xsk->bufs[xsk->count++] = xdp;
	q->xdp.now[VNI_XDP_XSK_RX]++;
	return xdp->data;
}

/**
 * vni_xsk_skb() - copy a frame out of the socket's memory, which is the socket's again
 * @q: the queue
 * @xdp: the frame
 *
 * Context: NAPI.
 * Return: NULL: there is no memory, and nothing has changed.
 */
struct sk_buff *vni_xsk_skb(struct vni_queue *q, struct xdp_buff *xdp)
{
	u32 meta = xdp->data - xdp->data_meta, len = xdp->data_end - xdp->data_meta;
	struct sk_buff *skb = napi_alloc_skb(&q->napi, len);

	if (unlikely(!skb))
		return NULL;
	skb_put_data(skb, xdp->data_meta, len);
	if (meta) {
		skb_metadata_set(skb, meta);
		__skb_pull(skb, meta);
	}
	skb_record_rx_queue(skb, q->index);
	xsk_buff_free(xdp);
	return skb;
}

/* What the socket wants to send, copied: the memory is the socket's again before the frame goes. */
static bool fetch(struct vni_queue *q)
{
	struct vni_xsk *xsk = &q->xdp.xsk;
	struct xdp_desc desc;
	u32 count = 0;

	while (skb_queue_len(&xsk->unsent) < SEND_MAX && count < SEND_MAX &&
	       xsk_tx_peek_desc(xsk->pool, &desc)) {
		struct sk_buff *skb = napi_alloc_skb(&q->napi, desc.len);

		count++;
		if (unlikely(!skb || desc.len < ETH_HLEN)) {
			q->xdp.now[VNI_XDP_TX_ERROR]++;
			kfree_skb(skb);
			continue;
		}
		skb_put_data(skb, xsk_buff_raw_get_data(xsk->pool, desc.addr), desc.len);
		skb->dev = q->vd->ndev;
		__skb_queue_tail(&xsk->unsent, skb);
	}
	if (count) {
		xsk_tx_completed(xsk->pool, count);
		xsk_tx_release(xsk->pool);
	}
	return count == SEND_MAX;
}

/**
 * vni_xsk_poll() - the end of a poll: send what the socket has, say when it is to call
 * @q: the queue
 *
 * Frames for which there is no room stay until the next poll, for which the receiver rings.
 *
 * Context: NAPI.
 * Return: true if there may be more to send at once.
 */
bool vni_xsk_poll(struct vni_queue *q)
{
	struct vni_xsk *xsk = &q->xdp.xsk;
	bool more;

	if (!xsk->pool)
		return false;
	more = fetch(q);
	if (!skb_queue_empty(&xsk->unsent))
		q->xdp.now[VNI_XDP_XSK_TX] += vni_xdp_send(q->vd, q->index, &xsk->unsent);
	if (xsk_uses_need_wakeup(xsk->pool)) {
		xsk_set_tx_need_wakeup(xsk->pool);
		if (xsk->dry)
			xsk_set_rx_need_wakeup(xsk->pool);
		else
			xsk_clear_rx_need_wakeup(xsk->pool);
	}
	return more && skb_queue_empty(&xsk->unsent);
}
