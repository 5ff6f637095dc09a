// SPDX-License-Identifier: GPL-2.0
/*
 * XDP in place: fragments of a frame, which a program cannot write to by itself, may stay in slots
 * of the peer's packet buffer. The head, which it sees and may write to, is copied as ever.
 *
 * A program can write to fragments by helpers, and nobody can ask whether it does; and these slots
 * are another node's section. So the administrator has to say that no program of this device writes
 * to fragments: ethtool --set-priv-flags DEV xdp-in-place on. What such a frame is redirected to
 * may be anything, another program included: copies of the fragments go there.
 *
 * The program sees such a frame with a vni_xdp.lent_rxq, whose kind of memory makes the kernel drop
 * a reference of each page that the program cuts off; its head is of the pool like any other's.
 */
#include <linux/mm.h>
#ifdef VNI_PAGE_POOL_HELPERS
#include <net/page_pool/helpers.h>
#else
#include <net/page_pool.h>
#endif

#include "vni.h"

/**
 * vni_xdp_lend() - leave what is behind a frame's head where it lies
 * @q: the queue, with a program that may see the frame
 * @pipe: the peer's pipe
 * @view: the record's header, checked
 * @slots: the slots that hold the frame, checked
 * @buf: where its head is to be copied to; has no fragments yet
 *
 * Context: NAPI.
 * Return: true: @buf has them, and the slots are noted as on loan; false: all is to be copied.
 */
bool vni_xdp_lend(struct vni_queue *q, struct vni_pipe *pipe, const struct vni_rec_view *view,
		  const u32 *slots, struct vni_xdp_buf *buf)
{
	struct skb_shared_info *more = vni_xdp_frags(buf);
	u32 done = buf->head;

	if (!READ_ONCE(q->vd->xdp_in_place) || view->nslots > MAX_SKB_FRAGS ||
	    !vni_lend_wanted(q, pipe, view, buf->head))
		return false;
	while (done < view->len) {
		struct page *page = pipe->peer_pages + slots[done / VNI_PAGE];
		u32 part = min_t(u32, view->len - done, VNI_PAGE - done % VNI_PAGE);

		get_page(page);
		__skb_fill_page_desc_noacc(more, buf->count++, page, done % VNI_PAGE, part);
		done += part;
	}
	more->nr_frags = buf->count;
	more->xdp_frags_size = view->len - buf->head;
	buf->lent = true;
	q->xdp.lent++;
	vni_lend_note(q, pipe, view, slots);
	return true;
}

/* What is left of fragments in place is not used any more. */
static void let_go(struct skb_shared_info *more, u32 count)
{
	while (count--)
		put_page(skb_frag_page(&more->frags[count]));
}

/**
 * vni_xdp_lent_free() - a frame in place that no program was shown
 * @q: the queue
 * @buf: the frame
 *
 * Context: NAPI.
 */
void vni_xdp_lent_free(struct vni_queue *q, struct vni_xdp_buf *buf)
{
	let_go(vni_xdp_frags(buf), buf->count);
	page_pool_recycle_direct(q->xdp.pool, virt_to_page(buf));
}

/**
 * vni_xdp_lent_drop() - the program is done with a frame in place that goes nowhere
 * @q: the queue
 * @xdp: the frame
 *
 * Context: NAPI.
 */
void vni_xdp_lent_drop(struct vni_queue *q, struct xdp_buff *xdp)
{
	struct skb_shared_info *more = xdp_get_shared_info_from_buff(xdp);

	let_go(more, xdp_buff_has_frags(xdp) ? more->nr_frags : 0);
	page_pool_recycle_direct(q->xdp.pool, virt_to_page(xdp->data_hard_start));
}

static bool get_pages(struct vni_queue *q, struct page **pages, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++) {
		pages[i] = page_pool_dev_alloc_pages(q->xdp.pool);
		if (!pages[i])
			goto undo;
	}
	return true;

undo:
	while (i--)
		page_pool_recycle_direct(q->xdp.pool, pages[i]);
	return false;
}

/**
 * vni_xdp_lent_copy() - make all of a frame in place this node's own memory
 * @q: the queue
 * @xdp: the frame, as the program left it; then it is as if it had been copied from the beginning
 *
 * Context: NAPI.
 * Return: false: there is no memory, and nothing has changed.
 */
bool vni_xdp_lent_copy(struct vni_queue *q, struct xdp_buff *xdp)
{
	struct skb_shared_info *more = xdp_get_shared_info_from_buff(xdp);
	u32 count = xdp_buff_has_frags(xdp) ? more->nr_frags : 0, i;
	struct page *pages[MAX_SKB_FRAGS];

	if (!get_pages(q, pages, count)) {
		q->now.no_memory++;
		return false;
	}
	for (i = 0; i < count; i++) {
		skb_frag_t *frag = &more->frags[i];
		u32 len = skb_frag_size(frag);

		memcpy(page_address(pages[i]), skb_frag_address(frag), len);
		put_page(skb_frag_page(frag));
		__skb_fill_page_desc_noacc(more, i, pages[i], 0, len);
	}
	xdp->rxq = &q->xdp.rxq;
	q->now.loan_copies++;
	return true;
}

/**
 * vni_xdp_in_place_set() - the administrator says whether programs leave fragments alone
 * @vd: the device
 * @on: no program of this device writes to fragments
 *
 * Context: process, under the RTNL.
 * Return: 0, or -EOPNOTSUPP where fragments cannot be in place.
 */
int vni_xdp_in_place_set(struct vni_dev *vd, bool on)
{
	if (on && !vni_shm_page(vd->win, vd->base)) {
		netdev_err(vd->ndev,
			   "xdp-in-place: not possible here, this window's memory has no pages: what programs see is copied\n");
		return -EOPNOTSUPP;
	}
	if (on && !vni_shm_writable(vd->win)) {
		netdev_err(vd->ndev,
			   "xdp-in-place: not possible here, other nodes' sections cannot be written: a program that wrote to a fragment all the same would end this kernel\n");
		return -EOPNOTSUPP;
	}
	WRITE_ONCE(vd->xdp_in_place, on);
	return 0;
}
