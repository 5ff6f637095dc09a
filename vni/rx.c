// SPDX-License-Identifier: GPL-2.0
/*
 * Receiving: frames are copied out of the peer's section, checked, and handed to the stack.
 *
 * Each header is copied once and the copy is checked (vni_rec_read()); payload is copied once. A
 * peer that breaks the rules loses its link; what it wrote stays within what was checked.
 */
#include <linux/etherdevice.h>
#include <linux/list.h>
#include <linux/virtio_net.h>

#include "vni.h"

/*
 * Whoever is to read the frames wants the processor too. A poll lets it have it after so much: what
 * waits in the ring meanwhile slows the sender down, where what waits in a full socket is lost.
 */
#define RX_FRAMES_AT_ONCE 8
#define RX_BYTES_AT_ONCE  (256 * 1024)

/* Where the next byte of a frame lies in the peer's section. */
struct rx_source {
	const struct vni_pipe *pipe;
	u32 at; /* head/tail form: byte offset in the ring */
	u32 nslots;
	u32 done; /* offset-manager form: bytes read */
	u32 slots[VNI_ETH_SLOTS_MAX];
};

static void source_copy(struct rx_source *src, void *to, u32 len)
{
	if (!src->nslots) {
		src->at = vni_ring_copy_out(to, src->pipe->rx_store, src->pipe->rx_bytes, src->at,
					    len);
		return;
	}
	while (len) {
		u32 within = src->done % VNI_PAGE;
		u32 part = min(len, VNI_PAGE - within);

		vni_copy(to,
			 src->pipe->peer_buffer + (u64)src->slots[src->done / VNI_PAGE] * VNI_PAGE +
				 within,
			 part);
		to += part;
		len -= part;
		src->done += part;
	}
}

/* Step 8 of the offset-manager form, or 6 of the other: read the packet. */
static void rx_fill(struct sk_buff *skb, struct rx_source *src)
{
	unsigned int i;

	source_copy(src, skb->data, skb_headlen(skb));
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[i];

		source_copy(src, skb_frag_address(frag), skb_frag_size(frag));
	}
}

/* The peer's word on checksum and segmentation, believed as far as a guest's would be. */
static bool rx_offload(struct sk_buff *skb, const struct vni_rec_view *view)
{
	const struct virtio_net_hdr *hdr = (const struct virtio_net_hdr *)view->virtio;

	if (hdr->flags & VIRTIO_NET_HDR_F_DATA_VALID)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	return !virtio_net_hdr_to_skb(skb, hdr, true);
}

static void rx_count(struct vni_queue *q, const struct vni_rec_view *view)
{
	q->now.frames++;
	q->now.bytes += view->len;
	q->now.inline_frames += view->kind == VNI_REC_INLINE;
}

/* The rest of what the stack is to know of a frame; NULL, and it is counted, if that is wrong. */
static struct sk_buff *rx_finish(struct vni_queue *q, const struct vni_rec_view *view,
				 struct sk_buff *skb)
{
	if (unlikely(!skb)) {
		q->now.no_memory++;
		return NULL;
	}
	if (unlikely(!rx_offload(skb, view))) {
		q->now.bad_frame++;
		kfree_skb(skb);
		return NULL;
	}
	skb_record_rx_queue(skb, q->index);
	rx_count(q, view);
	return skb;
}

static struct sk_buff *rx_build(struct vni_queue *q, const struct vni_rec_view *view,
				struct rx_source *src)
{
	struct sk_buff *skb = vni_pages_skb(q, view->len);

	if (likely(skb))
		rx_fill(skb, src);
	return skb;
}

/* The same for a program, which sees it in rx_deliver(). What is on loan is no source any more. */
static void rx_build_xdp(struct vni_queue *q, struct vni_pipe *pipe,
			 const struct vni_rec_view *view, struct rx_source *src)
{
	struct vni_xdp_buf *buf;
	u32 i;

	if (!vni_xdp_may_see(q, view))
		return;
	if (q->xdp.xsk.pool) {
		void *data = vni_xsk_alloc(q, view->len);

		if (!data)
			return;
		source_copy(src, data, view->len);
		rx_count(q, view);
		return;
	}
	buf = vni_xdp_alloc(q, pipe, view, src->slots);
	if (!buf)
		return;
	source_copy(src, vni_xdp_data(buf), buf->head);
	if (buf->lent)
		src->nslots = 0;
	for (i = 0; i < buf->count && !buf->lent; i++) {
		const skb_frag_t *frag = &vni_xdp_frags(buf)->frags[i];

		source_copy(src, skb_frag_address(frag), skb_frag_size(frag));
	}
	rx_count(q, view);
}

/**
 * vni_rx_give_back() - step 9: slots go back
 * @pipe: the peer's pipe
 * @slots: their numbers
 * @count: how many
 *
 * Context: NAPI.
 * Return: 0, or -EPROTO if the return ring has no room: the peer lent more than it may.
 */
int vni_rx_give_back(struct vni_pipe *pipe, const u32 *slots, u32 count)
{
	u32 i;

	if (vni_ring_space(&pipe->give, count) < (s32)count)
		return -EPROTO;
	for (i = 0; i < count; i++) {
		WRITE_ONCE(pipe->give_store[vni_ring_at(&pipe->give)], cpu_to_le32(slots[i]));
		vni_ring_advance(&pipe->give, 1);
	}
	return 0;
}

/* Take one record off the ring. Returns an error text if the peer broke the rules. */
static const char *rx_one(struct vni_queue *q, struct vni_pipe *pipe, u32 avail,
			  struct list_head *frames)
{
	u32 at = vni_ring_at(&pipe->rx) * VNI_LINE;
	struct rx_source src vni_uninitialized;
	struct vni_rec_view view;
	struct sk_buff *skb = NULL;
	const char *fault;
	bool lent;

	if (vni_rec_read(&view, pipe->rx_store, pipe->rx_bytes, at, avail))
		return "a record in its ring is malformed";
	src.pipe = pipe;
	src.at = (at + sizeof(struct vni_rec)) & (pipe->rx_bytes - 1);
	src.done = 0;
	if (view.kind == VNI_REC_DIRECT) {
		fault = vni_direct_read(q, pipe, &view, at, &skb, &lent);
		if (fault)
			return fault;
		src.nslots = !lent;
		src.slots[0] = view.token;
	} else {
		src.nslots = view.nslots;
		if (vni_rec_read_slots(&view, src.slots, pipe->rx_store, pipe->rx_bytes, at,
				       pipe->peer_slots))
			return "a frame's slot lies outside of its packet buffer";
		if (q->xdp.prog)
			rx_build_xdp(q, pipe, &view, &src);
		else
			skb = vni_lend(q, pipe, &view, src.slots);
		if (skb)
			src.nslots = 0; /* on loan */
		else if (!q->xdp.prog)
			skb = rx_build(q, &view, &src);
	}
	if (!q->xdp.prog)
		skb = rx_finish(q, &view, skb);
	if (skb)
		list_add_tail(&skb->list, frames);
	vni_ring_advance(&pipe->rx, view.lines);
	if (src.nslots && vni_rx_give_back(pipe, src.slots, src.nslots))
		return "it lent more slots than it has room to take back";
	return NULL;
}

/* Frames in the peer's pages that the stack is done with. Returns how many slots went back. */
static u32 rx_reap(struct vni_queue *q, struct vni_pipe *pipe)
{
	u32 count;

	if (!pipe->loans)
		return 0;
	count = vni_loans_reap(pipe);
	q->loans_out |= !list_empty(&pipe->loans->out);
	return count;
}

/*
 * Let the sender see what was consumed and given back (step 7), and ring it if it waits for that.
 */
static void rx_publish(struct vni_queue *q, struct vni_pipe *pipe, unsigned int seat)
{
	bool wake;

	if (pipe->rx.published == pipe->rx.mine && pipe->give.published == pipe->give.mine)
		return;

	vni_ring_publish(&pipe->rx);
	vni_ring_publish(&pipe->give);
	wake = vni_ring_must_wake(&pipe->rx);
	wake |= vni_ring_must_wake(&pipe->give);
	if (wake && vni_shm_channel_ring(q->vd->chan, seat, q->index))
		q->now.bells_rung++;
}

/**
 * vni_rx_publish() - let a peer see all that was consumed and given back
 * @q: the queue
 * @conn: the peer; has this queue
 *
 * Context: NAPI.
 */
void vni_rx_publish(struct vni_queue *q, struct vni_conn *conn)
{
	rx_publish(q, &conn->pipes[q->index], conn->seat);
}

/*
 * The last step: the frames go to the program or to the protocol stack. Returns how many slots of
 * frames that the program dropped went back.
 */
static u32 rx_deliver(struct vni_queue *q, struct vni_pipe *pipe, struct list_head *frames,
		      unsigned int seat)
{
	bool fresh = vni_shm_channel_fresh(q->vd->chan, seat);
	struct sk_buff *skb, *next;

	list_for_each_entry_safe(skb, next, frames, list) {
		skb_list_del_init(skb);
		if (unlikely(!fresh)) {
			q->now.stale++;
			kfree_skb(skb);
			continue;
		}
		vni_segment_learn(q->vd, seat, skb->data + ETH_ALEN);
		skb->protocol = eth_type_trans(skb, q->vd->ndev);
		napi_gro_receive(&q->napi, skb);
	}
	if (!q->xdp.prog)
		return 0;
	vni_xdp_run(q, seat, fresh);
	return rx_reap(q, pipe);
}

/*
 * The lines of the ring come from the peer's core. Those of the next small frames are asked for
 * while this one is built, but none that was not published: the peer may be writing to it.
 */
#define READ_AHEAD 16
#define LINES_ONCE 4

static void fetch_lines(const struct vni_pipe *pipe, u32 avail)
{
	u32 at = pipe->rx.mine + READ_AHEAD, count;

	if (avail <= READ_AHEAD)
		return;
	for (count = min(avail - READ_AHEAD, LINES_ONCE); count; count--, at++)
		vni_prefetch(pipe->rx_store + (at & (pipe->rx.size - 1)) * VNI_LINE);
}

/*
 * Polls that follow each other on a processor that nobody else wants wait a moment for small frames
 * to come together: vni_slip.h says why.
 */
#define ONE_LINES 2 /* of the smallest frames; with larger ones it may rest in vain */
#define FEW_LINES 64

static s32 rx_avail(const struct vni_queue *q, struct vni_pipe *pipe)
{
	if (q->lazy)
		return vni_slip_avail(&pipe->slip, &pipe->rx, ONE_LINES, FEW_LINES);
	return vni_ring_avail(&pipe->rx);
}

/**
 * vni_rx_pipe() - receive from one peer
 * @q: the queue
 * @conn: the peer; has this queue
 * @budget: frames at most, above 0
 *
 * What is consumed becomes visible to the sender each eighth of the ring, so that it need not wait
 * for the end of a long poll; and before frames go to the stack, but where polls follow each other
 * (vni_queue.lazy): the line that tells of it would be fetched anew for each frame.
 *
 * Context: NAPI.
 * Return: records taken off the ring.
 */
int vni_rx_pipe(struct vni_queue *q, struct vni_conn *conn, int budget)
{
	struct vni_pipe *pipe = &conn->pipes[q->index];
	const char *fault = NULL;
	u64 before = q->now.bytes;
	LIST_HEAD(frames);
	u32 returned = rx_reap(q, pipe);
	int done = 0;
	s32 avail;

	if (q->xdp.xsk.pool)
		budget = min(budget, VNI_XSK_FRAMES);
	while (done < budget) {
		avail = rx_avail(q, pipe);
		if (avail < 0)
			fault = "its head passed the end of its ring";
		if (avail <= 0)
			break;
		fetch_lines(pipe, avail);
		fault = rx_one(q, pipe, avail, &frames);
		if (fault)
			break;
		done++;
		if (q->xdp.lent == VNI_XDP_LENT)
			returned += rx_deliver(q, pipe, &frames, conn->seat);
		if (pipe->rx.mine - pipe->rx.published > pipe->rx.size / 8)
			rx_publish(q, pipe, conn->seat);
		if (need_resched() &&
		    (done >= RX_FRAMES_AT_ONCE || q->now.bytes - before > RX_BYTES_AT_ONCE))
			break;
	}
	if (unlikely(fault))
		vni_shm_channel_fault(q->vd->chan, conn->seat, fault);
	if ((done && !q->lazy) || returned)
		rx_publish(q, pipe, conn->seat);
	if (done && rx_deliver(q, pipe, &frames, conn->seat))
		rx_publish(q, pipe, conn->seat);
	return done;
}
