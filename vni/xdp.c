// SPDX-License-Identifier: GPL-2.0
/*
 * XDP: attaching a program, showing it the frames that come, and doing what it says.
 *
 * A program is shown complete frames only: while one is attached, this node tells the others that
 * it takes no frames whose checksum or segmentation is left to it, and no frames in their own
 * memory. They learn that when a link comes up, so attaching the first program and detaching the
 * last one takes the links down for a moment.
 */
#include <linux/bpf_trace.h>
#include <linux/etherdevice.h>
#include <linux/filter.h>
#include <linux/if_vlan.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/virtio_net.h>
#ifdef VNI_PAGE_POOL_HELPERS
#include <net/page_pool/helpers.h>
#else
#include <net/page_pool.h>
#endif
#include <net/xdp_sock_drv.h>

#include "vni.h"

#define POOL_PAGES 256 /* kept for later, 1 MiB: four polls full of small frames */

/* Bytes of a frame in its first page, and at most. */
#define HEAD_MAX  ((u32)(SKB_WITH_OVERHEAD(PAGE_SIZE) - XDP_PACKET_HEADROOM))
#define FRAME_MAX ((u32)(HEAD_MAX + MAX_SKB_FRAGS * PAGE_SIZE))

/* Early kernels know no text with numbers in it; then the log has the number. */
#ifdef NL_SET_ERR_MSG_FMT_MOD
#define refuse NL_SET_ERR_MSG_FMT_MOD
#else
#define refuse(extack, text, args...) \
	NL_SET_ERR_MSG_MOD(extack, "the MTU is too large for this program; see the kernel's log")
#endif

static bool takes_frags(const struct bpf_prog *prog)
{
	return prog->aux->xdp_has_frags;
}

static int mtu_max(const struct bpf_prog *prog)
{
	return takes_frags(prog) ? VNI_ETH_MTU_MAX : HEAD_MAX - VLAN_ETH_HLEN;
}

/**
 * vni_xdp_setup() - what other parts of the kernel may expect of the device
 * @ndev: the device, before registration
 */
void vni_xdp_setup(struct net_device *ndev)
{
	BUILD_BUG_ON(FRAME_MAX < VNI_ETH_MTU_MAX + VLAN_ETH_HLEN);
	BUILD_BUG_ON(sizeof(struct vni_xdp_buf) > XDP_PACKET_HEADROOM);
#ifdef VNI_XDP_FEATURES
	ndev->xdp_features = NETDEV_XDP_ACT_BASIC | NETDEV_XDP_ACT_REDIRECT |
			     NETDEV_XDP_ACT_NDO_XMIT | NETDEV_XDP_ACT_RX_SG |
			     NETDEV_XDP_ACT_NDO_XMIT_SG;
	if (IS_ENABLED(CONFIG_XDP_SOCKETS))
		ndev->xdp_features |= NETDEV_XDP_ACT_XSK_ZEROCOPY;
#endif
}

static int rxq_open(struct vni_queue *q, struct xdp_rxq_info *rxq, enum xdp_mem_type type,
		    void *pool)
{
	int ret = xdp_rxq_info_reg(rxq, q->vd->ndev, q->index, q->napi.napi_id);

	if (ret)
		return ret;
	ret = xdp_rxq_info_reg_mem_model(rxq, type, pool);
	if (ret)
		xdp_rxq_info_unreg(rxq);
	return ret;
}

/**
 * vni_xdp_open() - get a queue ready for programs
 * @q: the queue
 *
 * Pages are single, not cut up: kernels before 6.3 take those apart from their pool that others
 * make socket buffers of.
 *
 * Context: process, may sleep.
 * Return: 0 or an error.
 */
int vni_xdp_open(struct vni_queue *q)
{
	struct page_pool_params params = { .pool_size = POOL_PAGES, .nid = NUMA_NO_NODE };
	struct vni_xdp *xdp = &q->xdp;
	int ret;

	INIT_LIST_HEAD(&xdp->bufs);
	__skb_queue_head_init(&xdp->replies);
	__skb_queue_head_init(&xdp->xsk.unsent);
	xdp->pool = page_pool_create(&params);
	if (IS_ERR(xdp->pool))
		return PTR_ERR(xdp->pool);
	ret = rxq_open(q, &xdp->rxq, MEM_TYPE_PAGE_POOL, xdp->pool);
	if (ret)
		goto no_rxq;
	ret = rxq_open(q, &xdp->lent_rxq, MEM_TYPE_PAGE_ORDER0, NULL);
	if (ret)
		goto no_lent;
	ret = vni_xsk_open(q);
	if (!ret)
		return 0;
	xdp_rxq_info_unreg(&xdp->lent_rxq);
no_lent:
	xdp_rxq_info_unreg(&xdp->rxq);
no_rxq:
	page_pool_destroy(xdp->pool);
	return ret;
}

/**
 * vni_xdp_close() - undo vni_xdp_open()
 * @q: the queue, whose poll does not run
 *
 * Context: process, may sleep.
 */
void vni_xdp_close(struct vni_queue *q)
{
	vni_xsk_close(q);
	xdp_rxq_info_unreg(&q->xdp.lent_rxq);
	xdp_rxq_info_unreg(&q->xdp.rxq);
	page_pool_destroy(q->xdp.pool);
}

/**
 * vni_xdp_begin() - a poll begins: it shows what comes to the program that is attached now
 * @q: the queue
 *
 * Context: NAPI.
 */
void vni_xdp_begin(struct vni_queue *q)
{
	q->xdp.prog = rcu_dereference_bh(q->vd->xdp_prog);
}

static void buf_free(struct vni_queue *q, struct vni_xdp_buf *buf)
{
	struct skb_shared_info *more = vni_xdp_frags(buf);

	if (buf->lent) {
		vni_xdp_lent_free(q, buf);
		return;
	}
	while (buf->count--)
		page_pool_recycle_direct(q->xdp.pool, skb_frag_page(&more->frags[buf->count]));
	page_pool_recycle_direct(q->xdp.pool, virt_to_page(buf));
}

static bool buf_grow(struct vni_queue *q, struct vni_xdp_buf *buf, u32 len)
{
	struct skb_shared_info *more = vni_xdp_frags(buf);

	more->xdp_frags_size = len;
	while (len) {
		struct page *page = page_pool_dev_alloc_pages(q->xdp.pool);
		u32 part = min_t(u32, len, PAGE_SIZE);

		if (!page)
			return false;
		__skb_fill_page_desc_noacc(more, buf->count++, page, 0, part);
		len -= part;
	}
	more->nr_frags = buf->count;
	return true;
}

/**
 * vni_xdp_may_see() - is a frame complete, and not too long for the program?
 * @q: the queue, with a program
 * @view: the frame's record, checked
 *
 * Context: NAPI.
 * Return: false: no, and that is counted.
 */
bool vni_xdp_may_see(struct vni_queue *q, const struct vni_rec_view *view)
{
	const struct virtio_net_hdr *hdr = (const struct virtio_net_hdr *)view->virtio;

	if (likely(!(hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) &&
		   hdr->gso_type == VIRTIO_NET_HDR_GSO_NONE &&
		   view->len <= (takes_frags(q->xdp.prog) ? FRAME_MAX : HEAD_MAX)))
		return true;
	q->xdp.now[VNI_XDP_REFUSED]++;
	return false;
}

/**
 * vni_xdp_alloc() - memory for a frame that the program is to see
 * @q: the queue, with a program
 * @pipe: the peer's pipe
 * @view: the frame's record, after vni_xdp_may_see()
 * @slots: the slots that hold the frame, if there are any, checked
 *
 * Context: NAPI.
 * Return: where the frame is still to be written, of a lent one the head only; it will be seen in
 * turn by vni_xdp_run(). NULL: it is not seen, and that is counted.
 */
struct vni_xdp_buf *vni_xdp_alloc(struct vni_queue *q, struct vni_pipe *pipe,
				  const struct vni_rec_view *view, const u32 *slots)
{
	struct page *page = page_pool_dev_alloc_pages(q->xdp.pool);
	struct vni_xdp_buf *buf;

	if (unlikely(!page)) {
		q->now.no_memory++;
		return NULL;
	}
	buf = page_address(page);
	buf->head = min(view->len, HEAD_MAX);
	buf->count = 0;
	buf->lent = false;
	if (!vni_xdp_lend(q, pipe, view, slots, buf) &&
	    unlikely(!buf_grow(q, buf, view->len - buf->head))) {
		buf_free(q, buf);
		q->now.no_memory++;
		return NULL;
	}
	list_add_tail(&buf->entry, &q->xdp.bufs);
	return buf;
}

static bool in_socket(const struct xdp_buff *xdp)
{
	return xdp->rxq->mem.type == MEM_TYPE_XSK_BUFF_POOL;
}

/* Its fragments, as far as the program left any, are the peer's. */
static bool is_lent(const struct vni_queue *q, const struct xdp_buff *xdp)
{
	return xdp->rxq == &q->xdp.lent_rxq;
}

/* The program is done with a frame that goes nowhere. */
static void recycle(struct vni_queue *q, struct xdp_buff *xdp)
{
	if (in_socket(xdp))
		xsk_buff_free(xdp);
	else if (is_lent(q, xdp))
		vni_xdp_lent_drop(q, xdp);
	else if (unlikely(xdp_buff_has_frags(xdp)))
		xdp_return_buff(xdp);
	else
		page_pool_recycle_direct(q->xdp.pool, virt_to_page(xdp->data_hard_start));
}

/* A socket buffer of the same pages. */
static struct sk_buff *build_skb_of_pages(struct vni_queue *q, struct xdp_buff *xdp)
{
	struct skb_shared_info *more = xdp_get_shared_info_from_buff(xdp);
	u32 meta = xdp->data - xdp->data_meta;
	u8 frags = xdp_buff_has_frags(xdp) ? more->nr_frags : 0;
	struct sk_buff *skb = napi_build_skb(xdp->data_hard_start, xdp->frame_sz);

	if (unlikely(!skb))
		return NULL;
	skb_mark_for_recycle(skb);
	skb_reserve(skb, xdp->data - xdp->data_hard_start);
	__skb_put(skb, xdp->data_end - xdp->data);
	if (meta)
		skb_metadata_set(skb, meta);
	if (frags)
		xdp_update_skb_shared_info(skb, frags, more->xdp_frags_size, frags * PAGE_SIZE,
					   xdp_buff_is_frag_pfmemalloc(xdp));
	if (is_lent(q, xdp))
		skb_shinfo(skb)->flags |= SKBFL_SHARED_FRAG;
	skb_record_rx_queue(skb, q->index);
	return skb;
}

static struct sk_buff *build_skb_of(struct vni_queue *q, struct xdp_buff *xdp)
{
	struct sk_buff *skb = in_socket(xdp) ? vni_xsk_skb(q, xdp) : build_skb_of_pages(q, xdp);

	if (likely(skb))
		skb->dev = q->vd->ndev;
	return skb;
}

static enum vni_xdp_end pass(struct vni_queue *q, struct xdp_buff *xdp)
{
	struct sk_buff *skb = build_skb_of(q, xdp);

	if (unlikely(!skb)) {
		recycle(q, xdp);
		return VNI_XDP_ABORTED;
	}
	skb->protocol = eth_type_trans(skb, skb->dev);
	napi_gro_receive(&q->napi, skb);
	return VNI_XDP_PASS;
}

static enum vni_xdp_end reply(struct vni_queue *q, struct xdp_buff *xdp)
{
	struct sk_buff *skb = build_skb_of(q, xdp);

	if (unlikely(!skb)) {
		recycle(q, xdp);
		return VNI_XDP_TX_ERROR;
	}
	__skb_queue_tail(&q->xdp.replies, skb);
	return VNI_XDP_TX;
}

static enum vni_xdp_end redirect(struct vni_queue *q, struct xdp_buff *xdp)
{
	if (unlikely((is_lent(q, xdp) && !vni_xdp_lent_copy(q, xdp)) ||
		     xdp_do_redirect(q->vd->ndev, xdp, q->xdp.prog))) {
		trace_xdp_exception(q->vd->ndev, q->xdp.prog, XDP_REDIRECT);
		recycle(q, xdp);
		return VNI_XDP_REDIRECT_ERROR;
	}
	q->xdp.redirected = true;
	return VNI_XDP_REDIRECT;
}

static enum vni_xdp_end judge(struct vni_queue *q, struct xdp_buff *xdp)
{
	struct bpf_prog *prog = q->xdp.prog;
	u32 verdict = bpf_prog_run_xdp(prog, xdp);

	switch (verdict) {
	case XDP_PASS:
		return pass(q, xdp);
	case XDP_TX:
		return reply(q, xdp);
	case XDP_REDIRECT:
		return redirect(q, xdp);
	case XDP_DROP:
		recycle(q, xdp);
		return VNI_XDP_DROP;
	default:
		bpf_warn_invalid_xdp_action(q->vd->ndev, prog, verdict);
		fallthrough;
	case XDP_ABORTED:
		trace_xdp_exception(q->vd->ndev, prog, verdict);
		recycle(q, xdp);
		return VNI_XDP_ABORTED;
	}
}

/**
 * vni_xdp_run() - show the program what came from one peer, and do what it says
 * @q: the queue
 * @seat: the peer
 * @fresh: false: it gave this node up meanwhile, and the frames may be anything
 *
 * Context: NAPI.
 */
void vni_xdp_run(struct vni_queue *q, unsigned int seat, bool fresh)
{
	struct vni_xsk *xsk = &q->xdp.xsk;
	struct vni_xdp_buf *buf, *next;
	struct xdp_buff xdp;
	u32 i;

	/* the program may write over a frame's entry in its turn, not over the next one's */
	list_for_each_entry_safe(buf, next, &q->xdp.bufs, entry) {
		list_del(&buf->entry);
		if (unlikely(!fresh)) {
			q->now.stale++;
			buf_free(q, buf);
			continue;
		}
		vni_segment_learn(q->vd, seat, vni_xdp_data(buf) + ETH_ALEN);
		xdp_init_buff(&xdp, PAGE_SIZE, buf->lent ? &q->xdp.lent_rxq : &q->xdp.rxq);
		xdp_prepare_buff(&xdp, (void *)buf, XDP_PACKET_HEADROOM, buf->head, true);
		if (buf->count)
			xdp_buff_set_frags_flag(&xdp);
		q->xdp.now[judge(q, &xdp)]++;
	}
	for (i = 0; i < xsk->count; i++) {
		if (unlikely(!fresh)) {
			q->now.stale++;
			recycle(q, xsk->bufs[i]);
			continue;
		}
		vni_segment_learn(q->vd, seat, xsk->bufs[i]->data + ETH_ALEN);
		q->xdp.now[judge(q, xsk->bufs[i])]++;
	}
	xsk->count = 0;
	q->xdp.lent = 0;
	vni_xdp_reply(q);
}

/**
 * vni_xdp_end() - a poll ends: what was redirected goes
 * @q: the queue
 *
 * Context: NAPI.
 */
void vni_xdp_end(struct vni_queue *q)
{
	if (q->xdp.redirected)
		xdp_do_flush();
	q->xdp.redirected = false;
	q->xdp.prog = NULL;
}

/**
 * vni_xdp_count() - a poll's counts go into the statistics
 * @q: the queue, within an update of vni_rx_stats
 *
 * Context: NAPI.
 */
void vni_xdp_count(struct vni_queue *q)
{
	unsigned int i;

	for (i = 0; i < VNI_XDP_ENDS; i++) {
		u64_stats_add(&q->xdp.stats[i], q->xdp.now[i]);
		q->xdp.now[i] = 0;
	}
}

/**
 * vni_xdp_lost() - frames that were dropped though the program did not ask for it
 * @q: the queue, within a reading of vni_rx_stats
 */
u64 vni_xdp_lost(const struct vni_queue *q)
{
	return u64_stats_read(&q->xdp.stats[VNI_XDP_TX_ERROR]) +
	       u64_stats_read(&q->xdp.stats[VNI_XDP_REDIRECT_ERROR]) +
	       u64_stats_read(&q->xdp.stats[VNI_XDP_REFUSED]);
}

/**
 * vni_xdp_mtu_fits() - may the device have this MTU with the program that it has; logged if not
 * @vd: the device
 * @mtu: bytes
 *
 * Context: RTNL.
 */
bool vni_xdp_mtu_fits(const struct vni_dev *vd, int mtu)
{
	const struct bpf_prog *prog = rtnl_dereference(vd->xdp_prog);

	if (!prog || mtu <= mtu_max(prog))
		return true;
	netdev_err(vd->ndev,
		   "MTU %d: expected at most %d while an XDP program is attached that takes no fragments; detach it, or load it as \"xdp.frags\"\n",
		   mtu, mtu_max(prog));
	return false;
}

/* The first program or none any more: the others have to know before they send anything. */
static void exchange(struct vni_dev *vd, struct bpf_prog *prog, bool relink)
{
	vni_netdev_pause(vd, relink);
	rcu_assign_pointer(vd->xdp_prog, prog);
	if (relink)
		vni_netdev_show_features(vd);
	vni_netdev_go_on(vd, relink);
}

/**
 * vni_xdp_command() - ndo_bpf: attach, replace, detach; sockets without copies
 * @ndev: the device
 * @command: what
 *
 * Context: RTNL, may sleep.
 * Return: 0 or an error, with a text where there is more to say.
 */
int vni_xdp_command(struct net_device *ndev, struct netdev_bpf *command)
{
	struct vni_dev *vd = netdev_priv(ndev);
	struct bpf_prog *old = rtnl_dereference(vd->xdp_prog), *prog = command->prog;

	if (command->command == XDP_SETUP_XSK_POOL)
		return vni_xsk_setup(vd, command->xsk.pool, command->xsk.queue_id);
	if (command->command != XDP_SETUP_PROG)
		return -EINVAL;
	if (prog && ndev->mtu > mtu_max(prog)) {
		refuse(command->extack, "MTU %u above %d: lower it or load as \"xdp.frags\"",
		       ndev->mtu, mtu_max(prog));
		netdev_err(ndev,
			   "XDP: the MTU is %u, and at most %d for a program that takes no fragments; lower it on all nodes, or load the program as \"xdp.frags\"\n",
			   ndev->mtu, mtu_max(prog));
		return -EINVAL;
	}
	exchange(vd, prog, !prog != !old);
	if (old)
		bpf_prog_put(old);
	return 0;
}
