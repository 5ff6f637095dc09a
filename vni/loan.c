// SPDX-License-Identifier: GPL-2.0
/*
 * Receiving without a copy: an skb's fragments are the peer's own pages (the direct form), or
 * slots of its packet buffer (lend.c). Each such frame is a loan: it is noted with the pages that
 * it uses, and its token or its slots go back once the stack has let go of all of them, which their
 * reference counts tell: there is no other sign on every kernel.
 *
 * A seat's loans belong to the NAPI poll of their queue while the link is up, and to the link's
 * work while it is not.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "vni.h"

/* A poll that has found so many loans that are not over looks no further. */
#define LOOK_AT 8

/*
 * A processor keeps skbs that others have read for it, up to 64 of them, until it next receives
 * something. A processor that receives no more is made to: a NAPI without a device runs on it.
 */
static struct net_device *flush_dev;
static struct napi_struct __percpu *flush_napi;

static int flush_poll(struct napi_struct *napi, int budget)
{
	napi_complete_done(napi, 0);
	return 0;
}

static void flush_here(void *unused)
{
	napi_schedule(this_cpu_ptr(flush_napi));
}

static void flush_all(struct work_struct *work)
{
	on_each_cpu(flush_here, NULL, 0);
}
static DECLARE_WORK(flusher, flush_all);

/**
 * vni_loans_flush() - have all processors free the skbs that they keep for later
 *
 * Context: any but NMI; it is done soon after.
 */
void vni_loans_flush(void)
{
	static unsigned long last;

	/* once a jiffy is enough: each time interrupts all processors */
	if (READ_ONCE(last) == jiffies)
		return;
	WRITE_ONCE(last, jiffies);
	schedule_work(&flusher);
}

/**
 * vni_loans_init() - once, before any device
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int vni_loans_init(void)
{
	int cpu;

	flush_dev = kzalloc(sizeof(*flush_dev), GFP_KERNEL);
	flush_napi = alloc_percpu(struct napi_struct);
	if (!flush_dev || !flush_napi) {
		free_percpu(flush_napi);
		kfree(flush_dev);
		return -ENOMEM;
	}
	init_dummy_netdev(flush_dev);
	for_each_possible_cpu(cpu) {
		netif_napi_add(flush_dev, per_cpu_ptr(flush_napi, cpu), flush_poll);
		napi_enable(per_cpu_ptr(flush_napi, cpu));
	}
	return 0;
}

/**
 * vni_loans_exit() - once, after the last device
 *
 * Context: process, may sleep.
 */
void vni_loans_exit(void)
{
	int cpu;

	cancel_work_sync(&flusher);
	/* what was sent to other processors has arrived */
	kick_all_cpus_sync();
	for_each_possible_cpu(cpu) {
		napi_disable(per_cpu_ptr(flush_napi, cpu));
		netif_napi_del(per_cpu_ptr(flush_napi, cpu));
	}
	synchronize_net();
	free_percpu(flush_napi);
	kfree(flush_dev);
}

/**
 * vni_loan_over() - has the stack let go of all pages of a loan
 * @loan: the loan
 *
 * Context: any.
 */
bool vni_loan_over(const struct vni_loan *loan)
{
	u32 i;

	for (i = 0; i < loan->count; i++) {
		const struct page *page = loan->slot_pages ? loan->slot_pages + loan->slots[i] :
							     loan->pages[i];

		if (page_ref_count(page) > 1)
			return false;
	}
	return true;
}

/**
 * vni_loan_slots() - note that the stack uses slots of a peer's
 * @loans: of that peer and this queue; one is free
 * @pages: the page of the peer's first slot
 * @slots: the slots' numbers
 * @count: how many
 *
 * Context: NAPI.
 */
void vni_loan_slots(struct vni_loans *loans, struct page *pages, const u32 *slots, u32 count)
{
	struct vni_loan *loan = list_first_entry(&loans->free, struct vni_loan, entry);

	list_move_tail(&loan->entry, &loans->out);
	loan->former = false;
	loan->slot_pages = pages;
	loan->count = count;
	memcpy(loan->slots, slots, count * sizeof(*slots));
	loans->held += count;
}

static void loan_note(struct vni_loans *loans, const struct sk_buff *skb, u32 token)
{
	struct vni_loan *loan = list_first_entry(&loans->free, struct vni_loan, entry);
	const struct skb_shared_info *info = skb_shinfo(skb);

	list_move_tail(&loan->entry, &loans->out);
	loan->former = false;
	loan->slot_pages = NULL;
	loan->token = token;
	for (loan->count = 0; loan->count < info->nr_frags; loan->count++)
		loan->pages[loan->count] = skb_frag_page(&info->frags[loan->count]);
}

/* The peer's own pages become fragments. */
static struct sk_buff *direct_lend(struct vni_queue *q, const struct vni_pipe *pipe,
				   const struct vni_rec_view *view, const struct vni_rec_seg *segs,
				   u32 at)
{
	struct sk_buff *skb = vni_pages_head(q, view->head);
	u32 i;

	if (!skb)
		return NULL;
	vni_ring_copy_out(skb->data, pipe->rx_store, pipe->rx_bytes, at, view->head);
	for (i = 0; i < view->nslots; i++) {
		struct page *page = vni_shm_ram_page(pipe->ram, segs[i].addr, segs[i].len);

		get_page(page);
		skb_add_rx_frag(skb, i, page, segs[i].addr % VNI_ETH_SEG_ALIGN, segs[i].len,
				segs[i].len);
	}
	loan_note(pipe->loans, skb, view->token);
	q->now.direct_frames++;
	return skb;
}

/* The stack has as much of the peer's own pages as it may: this frame is copied out of them. */
static struct sk_buff *direct_copy(struct vni_queue *q, const struct vni_pipe *pipe,
				   const struct vni_rec_view *view, const struct vni_rec_seg *segs,
				   u32 at)
{
	struct sk_buff *skb = vni_pages_skb(q, view->len);
	u8 head[VNI_ETH_HEAD_MAX] vni_uninitialized;
	u32 i, done = view->head;

	if (!skb)
		return NULL;
	vni_ring_copy_out(head, pipe->rx_store, pipe->rx_bytes, at, view->head);
	skb_store_bits(skb, 0, head, view->head);
	for (i = 0; i < view->nslots; i++) {
		struct page *page = vni_shm_ram_page(pipe->ram, segs[i].addr, segs[i].len);

		skb_store_bits(skb, done, page_address(page) + segs[i].addr % VNI_ETH_SEG_ALIGN,
			       segs[i].len);
		done += segs[i].len;
	}
	q->now.loan_copies++;
	return skb;
}

/**
 * vni_direct_read() - make an skb of a record of the direct form
 * @q: the queue
 * @pipe: the peer's pipe
 * @view: the record's header, checked
 * @at: byte offset of the record in the ring
 * @skb: the frame, or NULL for want of memory
 * @lent: whether the frame is a loan; else its token is to be given back now
 *
 * Context: NAPI.
 * Return: NULL, or a text that says which rule the peer broke.
 */
const char *vni_direct_read(struct vni_queue *q, struct vni_pipe *pipe,
			    const struct vni_rec_view *view, u32 at, struct sk_buff **skb,
			    bool *lent)
{
	u32 behind = (at + sizeof(struct vni_rec) + view->nslots * sizeof(struct vni_seg)) &
		     (pipe->rx_bytes - 1);
	struct vni_rec_seg segs[VNI_ETH_SEGS_MAX] vni_uninitialized;
	u32 i;

	if (!pipe->ram)
		return "a frame lies in its own memory, which is not used here";
	if (view->token >= pipe->peer_slots ||
	    vni_rec_read_segs(view, segs, pipe->rx_store, pipe->rx_bytes, at))
		return "a frame in its own memory is malformed";
	for (i = 0; i < view->nslots; i++) {
		if (!vni_shm_ram_page(pipe->ram, segs[i].addr, segs[i].len))
			return "a frame lies outside of what it calls its memory";
	}
	*lent = !list_empty(&pipe->loans->free);
	if (*lent)
		*skb = direct_lend(q, pipe, view, segs, behind);
	else
		*skb = direct_copy(q, pipe, view, segs, behind);
	if (list_empty(&pipe->loans->free))
		vni_loans_flush();
	*lent &= *skb != NULL;
	return NULL;
}

/* Loans that are over, up to so many as are given back at once. Returns whether there are any. */
static bool find_over(struct vni_loans *loans, struct list_head *over)
{
	struct vni_loan *loan, *next;
	unsigned int looks = 0, found = 0;
	LIST_HEAD(later);

	list_for_each_entry_safe(loan, next, &loans->out, entry) {
		if (vni_loan_over(loan)) {
			list_move_tail(&loan->entry, over);
			found++;
		} else {
			list_move_tail(&loan->entry, &later);
			looks++;
		}
		if (looks == LOOK_AT || found == VNI_LOANS_REAP)
			break;
	}
	/* they may have to wait long: next time others are looked at first */
	list_splice_tail(&later, &loans->out);
	return found;
}

/* Returns how many slots of the peer's went back, or 0 if it has no room for them. */
static u32 give_back(struct vni_pipe *pipe, const struct vni_loan *loan)
{
	u32 count = loan->slot_pages ? loan->count : 1;

	if (loan->slot_pages)
		pipe->loans->held -= count;
	return vni_rx_give_back(pipe, loan->slot_pages ? loan->slots : &loan->token, count) ? 0 :
											      count;
}

/**
 * vni_loans_reap() - find loans that are over, and give back what they were of
 * @pipe: the peer's pipe; has loans
 *
 * The stack's last reading of a page comes before it lets go of it (a full barrier), which we saw
 * by the count; the slot is given back behind that. There is room for it: a peer cannot lend more
 * than its return ring takes.
 *
 * Context: NAPI.
 * Return: how many slots went back; vni_ring_publish() is left to the caller.
 */
u32 vni_loans_reap(struct vni_pipe *pipe)
{
	struct vni_loan *loan, *next;
	LIST_HEAD(over);
	u32 slots = 0;

	if (!find_over(pipe->loans, &over))
		return 0;
	/* K: the pages were let go of before the slots are seen; with the give ring's release */
	virt_mb();
	list_for_each_entry_safe(loan, next, &over, entry) {
		if (!loan->former)
			slots += give_back(pipe, loan);
		list_move(&loan->entry, &pipe->loans->free);
	}
	return slots;
}
