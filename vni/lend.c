// SPDX-License-Identifier: GPL-2.0
/*
 * Receiving in place: the fragments of an skb are slots of the peer's packet buffer, where the
 * window's memory has pages and somebody asked for it: a program that does not read holds on to
 * them. The slots go back when the stack has let go of them (loan.c), by a later link if need be
 * (held.c). What the stack looks at first, the headers, is copied.
 *
 * A peer can change what lies in its slots while a program has not read it; what that means is told
 * in Documentation/lend.rst. SKBFL_SHARED_FRAG asks this kernel not to write there.
 */
#include <linux/mm.h>

#include "vni.h"

/* Of a frame, the linear part: enough for the headers that the stack looks at first. */
#define HEAD 128

/*
 * Within what the peer allows, so that it always has slots left for frames that are copied, and
 * within half of our return ring.
 */
static bool may_keep(const struct vni_pipe *pipe, u32 nslots)
{
	u32 most;

	if (!pipe->peer_pages)
		return false;
	most = min(le32_to_cpu(READ_ONCE(*pipe->keep)), pipe->give.size / 2);
	return pipe->loans->held + nslots <= most && !list_empty(&pipe->loans->free);
}

/* One more skb, behind those that have no room for more fragments. */
static struct sk_buff *more_room(struct vni_queue *q, struct sk_buff *skb, struct sk_buff *last)
{
	struct sk_buff *next = napi_alloc_skb(&q->napi, 0);

	if (!next)
		return NULL;
	if (last == skb)
		skb_shinfo(skb)->frag_list = next;
	else
		last->next = next;
	return next;
}

static bool add_slots(struct vni_queue *q, const struct vni_pipe *pipe,
		      const struct vni_rec_view *view, const u32 *slots, struct sk_buff *skb)
{
	struct sk_buff *last = skb;
	u32 i, done = HEAD;

	skb_shinfo(skb)->flags |= SKBFL_SHARED_FRAG;
	for (i = 0; i < view->nslots && done < view->len; i++) {
		u32 within = done % VNI_PAGE;
		u32 part = min(view->len - done, VNI_PAGE - within);
		struct page *page = pipe->peer_pages + slots[i];

		if (skb_shinfo(last)->nr_frags == MAX_SKB_FRAGS) {
			last = more_room(q, skb, last);
			if (!last)
				return false;
			skb_shinfo(last)->flags |= SKBFL_SHARED_FRAG;
		}
		get_page(page);
		skb_add_rx_frag(last, skb_shinfo(last)->nr_frags, page, within, part, VNI_PAGE);
		done += part;
	}
	skb_walk_frags(skb, last)
	{
		skb->len += last->len;
		skb->data_len += last->len;
		skb->truesize += last->truesize;
	}
	return true;
}

static struct sk_buff *lend(struct vni_queue *q, const struct vni_pipe *pipe,
			    const struct vni_rec_view *view, const u32 *slots)
{
	struct sk_buff *skb = vni_pages_head(q, HEAD);

	if (!skb)
		return NULL;
	memcpy(skb->data, pipe->peer_buffer + (u64)slots[0] * VNI_PAGE, HEAD);
	if (add_slots(q, pipe, view, slots, skb))
		return skb;
	kfree_skb(skb);
	return NULL;
}

/**
 * vni_lend_wanted() - is a frame to stay in the peer's slots
 * @q: the queue
 * @pipe: the peer's pipe
 * @view: the record's header, checked
 * @head: so many bytes of it are copied in any case
 *
 * Short frames are to be copied: that is less work.
 *
 * Context: NAPI.
 * Return: false also where the peer or our return ring allows no more, and that is counted.
 */
bool vni_lend_wanted(struct vni_queue *q, const struct vni_pipe *pipe,
		     const struct vni_rec_view *view, u32 head)
{
	if (!view->nslots || !pipe->loans || view->len <= max(READ_ONCE(q->vd->rx_copybreak), head))
		return false;
	if (may_keep(pipe, view->nslots))
		return true;
	q->now.loan_copies++;
	return false;
}

/**
 * vni_lend_note() - a frame stays in the peer's slots, each of whose pages has one more reference
 * @q: the queue
 * @pipe: the peer's pipe
 * @view: the record's header, after vni_lend_wanted()
 * @slots: the slots
 *
 * Context: NAPI.
 */
void vni_lend_note(struct vni_queue *q, struct vni_pipe *pipe, const struct vni_rec_view *view,
		   const u32 *slots)
{
	vni_loan_slots(pipe->loans, pipe->peer_pages, slots, view->nslots);
	q->now.lent_frames++;
}

/**
 * vni_lend() - make an skb of a frame that stays in the peer's slots
 * @q: the queue
 * @pipe: the peer's pipe
 * @view: the record's header, checked
 * @slots: the slots that hold the frame, checked
 *
 * Context: NAPI.
 * Return: the skb, and the slots are noted as on loan; NULL: it is to be copied.
 */
struct sk_buff *vni_lend(struct vni_queue *q, struct vni_pipe *pipe,
			 const struct vni_rec_view *view, const u32 *slots)
{
	struct sk_buff *skb;

	if (!vni_lend_wanted(q, pipe, view, HEAD))
		return NULL;
	skb = lend(q, pipe, view, slots);
	if (skb)
		vni_lend_note(q, pipe, view, slots);
	else
		q->now.loan_copies++;
	return skb;
}

/* Are there frames that stay in the peers' slots. */
bool vni_lends(const struct vni_dev *vd)
{
	return vd->rx_copybreak < VNI_ETH_FRAME_MAX;
}

/**
 * vni_lend_set() - choose which frames stay in the peers' slots
 * @vd: the device; its links go down for a moment if there were none and now are, or the other way
 * @rx_copybreak: frames of more bytes than that
 *
 * Context: process, under the RTNL; may sleep.
 * Return: 0, or -EOPNOTSUPP where the window's memory has no pages.
 */
int vni_lend_set(struct vni_dev *vd, u32 rx_copybreak)
{
	bool changes = vni_lends(vd) != (rx_copybreak < VNI_ETH_FRAME_MAX);

	if (changes && !vni_lends(vd) && !vni_shm_page(vd->win, vd->base)) {
		netdev_err(vd->ndev,
			   "rx-copybreak %u: not possible here, this window's memory has no pages; expected %u or more: all is copied\n",
			   rx_copybreak, VNI_ETH_FRAME_MAX);
		return -EOPNOTSUPP;
	}
	vni_netdev_pause(vd, changes);
	WRITE_ONCE(vd->rx_copybreak, rx_copybreak);
	vni_netdev_go_on(vd, changes);
	return 0;
}
