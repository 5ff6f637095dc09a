// SPDX-License-Identifier: GPL-2.0
/*
 * Memory for received frames. Small frames come from NAPI's own cache; large ones get fragments of
 * a page pool, whose pages come back to us when the stack frees them, so that they need be neither
 * found nor cleared anew each time and stay warm in the cache.
 */
#include <linux/mm.h>
#include <linux/netdevice.h>
#include <linux/sizes.h>
#ifdef VNI_PAGE_POOL_HELPERS
#include <net/page_pool/helpers.h>
#else
#include <net/page_pool.h>
#endif

#include "vni.h"

/* Kernels before 6.7 want to be told that pages will be cut up. */
#ifndef PP_FLAG_PAGE_FRAG
#define PP_FLAG_PAGE_FRAG 0
#endif

#define POOL_ORDER get_order(SZ_32K) /* three pieces for the largest frame, or fewer */
#define POOL_PAGES 128		     /* of these kept for later, 4 MiB: a TCP window's worth */

/* Up to this many bytes a frame goes into one piece of memory. */
#define LINEAR_MAX 2048
/* Of a fragmented frame, the linear part: enough for the headers that the stack looks at first. */
#define HEAD 128

/**
 * vni_pages_open() - get a queue ready to allocate
 * @q: the queue
 *
 * Context: process, may sleep.
 * Return: 0 or an error.
 */
int vni_pages_open(struct vni_queue *q)
{
	struct page_pool_params params = {
		.order = POOL_ORDER,
		.flags = PP_FLAG_PAGE_FRAG,
		.pool_size = POOL_PAGES,
		.nid = NUMA_NO_NODE,
	};
	int ret;

	q->pool = page_pool_create(&params);
	if (IS_ERR(q->pool))
		return PTR_ERR(q->pool);
	ret = vni_xdp_open(q);
	if (ret)
		page_pool_destroy(q->pool);
	return ret;
}

/**
 * vni_pages_close() - the queue allocates no more; what the stack still holds it frees by itself
 * @q: the queue
 *
 * Context: process, may sleep.
 */
void vni_pages_close(struct vni_queue *q)
{
	vni_xdp_close(q);
	page_pool_destroy(q->pool);
	q->pool = NULL;
}

static bool add_fragments(struct vni_queue *q, struct sk_buff *skb, u32 len)
{
	const u32 most = PAGE_SIZE << POOL_ORDER;
	unsigned int i;

	skb_mark_for_recycle(skb);
	for (i = 0; len; i++) {
		u32 part = min(len, most), offset;
		struct page *page = page_pool_dev_alloc_frag(q->pool, &offset, part);

		if (!page)
			return false;
		skb_add_rx_frag(skb, i, page, offset, part, part);
		len -= part;
	}
	return true;
}

/**
 * vni_pages_skb() - memory for a frame
 * @q: the queue
 * @len: bytes, VNI_ETH_FRAME_MIN to VNI_ETH_FRAME_MAX
 *
 * Context: NAPI.
 * Return: an skb of @len bytes that are still to be written, or NULL.
 */
struct sk_buff *vni_pages_skb(struct vni_queue *q, u32 len)
{
	u32 head = len <= LINEAR_MAX ? len : HEAD;
	struct sk_buff *skb = napi_alloc_skb(&q->napi, head);

	if (!skb)
		return NULL;
	skb_put(skb, head);
	if (head < len && !add_fragments(q, skb, len - head)) {
		kfree_skb(skb);
		return NULL;
	}
	return skb;
}

/**
 * vni_pages_head() - memory for the linear part of a frame whose rest lies elsewhere
 * @q: the queue
 * @len: bytes of that part, at most VNI_ETH_HEAD_MAX
 *
 * Context: NAPI.
 * Return: an skb of @len bytes that are still to be written, or NULL.
 */
struct sk_buff *vni_pages_head(struct vni_queue *q, u32 len)
{
	struct sk_buff *skb = napi_alloc_skb(&q->napi, len);

	if (skb)
		skb_put(skb, len);
	return skb;
}
