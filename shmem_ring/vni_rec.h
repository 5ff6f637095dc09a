/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Records: how a frame lies in a frame ring. Writing one, and reading one that a stranger wrote.
 * The ring's unit is a line of VNI_LINE bytes.
 */
#ifndef VNI_REC_H
#define VNI_REC_H

#include "vni_ring.h"

/**
 * vni_rec_lines_inline() - lines that a record takes in the head/tail form
 * @len: bytes of the frame, at most VNI_ETH_INLINE_MAX
 */
static inline u32 vni_rec_lines_inline(u32 len)
{
	return (sizeof(struct vni_rec) + len + VNI_LINE - 1) / VNI_LINE;
}

/**
 * vni_rec_slots() - slots that a frame takes in the offset-manager form
 * @len: bytes of the frame, at most VNI_ETH_FRAME_MAX
 */
static inline u32 vni_rec_slots(u32 len)
{
	return (len + VNI_PAGE - 1) / VNI_PAGE;
}

/**
 * vni_rec_lines_slots() - lines that a record takes in the offset-manager form
 * @nslots: slots of the frame, at most VNI_ETH_SLOTS_MAX
 */
static inline u32 vni_rec_lines_slots(u32 nslots)
{
	return (sizeof(struct vni_rec) + nslots * sizeof(__le32) + VNI_LINE - 1) / VNI_LINE;
}

/**
 * vni_rec_lines_direct() - lines that a record takes in the direct form
 * @nsegs: pieces in the sender's own memory, at most VNI_ETH_SEGS_MAX
 * @head: bytes of the frame behind them, at most VNI_ETH_HEAD_MAX
 */
static inline u32 vni_rec_lines_direct(u32 nsegs, u32 head)
{
	return (sizeof(struct vni_rec) + nsegs * sizeof(struct vni_seg) + head + VNI_LINE - 1) /
	       VNI_LINE;
}

/**
 * struct vni_rec_view - a record's header, copied out once and checked
 * @kind: enum vni_rec_kind
 * @len: bytes of the frame, VNI_ETH_FRAME_MIN to VNI_ETH_FRAME_MAX
 * @lines: units of the ring that the record takes, not more than there are
 * @nslots: slots of the frame, 0 for the head/tail form, pieces in the direct form
 * @head: direct form: bytes of the frame in the ring, VNI_ETH_FRAME_MIN to VNI_ETH_HEAD_MAX
 * @token: direct form: to be given back, not checked
 * @virtio: struct virtio_net_hdr, not checked
 */
struct vni_rec_view {
	u32 kind;
	u32 len;
	u32 lines;
	u32 nslots;
	u32 head;
	u32 token;
	u8 virtio[10];
};

/* Whether the counts of a record of the direct form are within its limits. */
static inline bool vni_rec_direct_fits(const struct vni_rec_view *view)
{
	return view->nslots && view->nslots <= VNI_ETH_SEGS_MAX && view->head < view->len &&
	       view->head >= VNI_ETH_FRAME_MIN && view->head <= VNI_ETH_HEAD_MAX;
}

/**
 * vni_rec_read() - copy the header of the record at the consumer's tail, and check the copy
 * @view: filled in on success
 * @store: the ring's storage, in the other node's section
 * @bytes: its size
 * @at: byte offset of the record, a multiple of VNI_LINE
 * @avail: units that may be read
 *
 * Return: 0, or -EPROTO if no record of this protocol looks like that.
 */
static inline int vni_rec_read(struct vni_rec_view *view, const u8 *store, u32 bytes, u32 at,
			       u32 avail)
{
	struct vni_rec rec;
	u32 lines;

	vni_ring_copy_out(&rec, store, bytes, at, sizeof(rec));
	view->len = le32_to_cpu(rec.len);
	view->lines = le16_to_cpu(rec.lines);
	view->nslots = rec.nslots;
	view->kind = rec.kind;
	view->head = le16_to_cpu(rec.head);
	view->token = le32_to_cpu(rec.token);
	memcpy(view->virtio, rec.virtio, sizeof(view->virtio));

	if (view->len < VNI_ETH_FRAME_MIN || view->len > VNI_ETH_FRAME_MAX)
		return -EPROTO;
	if (rec.kind == VNI_REC_INLINE && !view->nslots && view->len <= VNI_ETH_INLINE_MAX)
		lines = vni_rec_lines_inline(view->len);
	else if (rec.kind == VNI_REC_SLOTS && view->nslots == vni_rec_slots(view->len))
		lines = vni_rec_lines_slots(view->nslots);
	else if (rec.kind == VNI_REC_DIRECT && vni_rec_direct_fits(view))
		lines = vni_rec_lines_direct(view->nslots, view->head);
	else
		return -EPROTO;
	return view->lines == lines && lines <= avail ? 0 : -EPROTO;
}

/**
 * vni_rec_read_slots() - copy the numbers of a record's slots, and check the copy
 * @view: as vni_rec_read() left it, with slots
 * @slots: filled in with @view->nslots numbers, all below @count
 * @store: the ring's storage
 * @bytes: its size
 * @at: byte offset of the record
 * @count: slots in the other node's packet buffer
 *
 * Return: 0, or -EPROTO if a slot is beyond the packet buffer.
 */
static inline int vni_rec_read_slots(const struct vni_rec_view *view, u32 *slots, const u8 *store,
				     u32 bytes, u32 at, u32 count)
{
	__le32 raw[VNI_ETH_SLOTS_MAX] vni_uninitialized;
	u32 i;

	vni_ring_copy_out(raw, store, bytes, (at + sizeof(struct vni_rec)) & (bytes - 1),
			  view->nslots * sizeof(raw[0]));
	for (i = 0; i < view->nslots; i++) {
		slots[i] = le32_to_cpu(raw[i]);
		if (slots[i] >= count)
			return -EPROTO;
	}
	return 0;
}

/**
 * struct vni_rec_seg - a piece of a frame in the sender's own memory, copied out and checked
 * @addr: physical address, bytes
 * @len: bytes; the piece lies within one unit of VNI_ETH_SEG_ALIGN
 */
struct vni_rec_seg {
	u64 addr;
	u32 len;
};

/**
 * vni_rec_read_segs() - copy the pieces of a record of the direct form, and check the copy
 * @view: as vni_rec_read() left it, of the direct form
 * @segs: filled in with @view->nslots pieces that together with the head make the frame
 * @store: the ring's storage
 * @bytes: its size
 * @at: byte offset of the record
 *
 * Whether the addresses are the sender's is for the caller to check.
 *
 * Return: 0, or -EPROTO if they do not make up the frame.
 */
static inline int vni_rec_read_segs(const struct vni_rec_view *view, struct vni_rec_seg *segs,
				    const u8 *store, u32 bytes, u32 at)
{
	struct vni_seg raw[VNI_ETH_SEGS_MAX] vni_uninitialized;
	u32 i, sum = view->head;

	vni_ring_copy_out(raw, store, bytes, (at + sizeof(struct vni_rec)) & (bytes - 1),
			  view->nslots * sizeof(raw[0]));
	for (i = 0; i < view->nslots; i++) {
		segs[i].addr = le64_to_cpu(raw[i].addr);
		segs[i].len = le32_to_cpu(raw[i].len);
		if (!segs[i].len || segs[i].len > view->len - sum ||
		    segs[i].len > VNI_ETH_SEG_ALIGN - segs[i].addr % VNI_ETH_SEG_ALIGN)
			return -EPROTO;
		sum += segs[i].len;
	}
	return sum == view->len ? 0 : -EPROTO;
}

/**
 * vni_rec_header() - fill in a record's header
 * @rec: the header, private
 * @len: bytes of the frame
 * @nslots: slots that hold it, 0 for the head/tail form
 *
 * The virtio part is left as it is.
 */
static inline void vni_rec_header(struct vni_rec *rec, u32 len, u32 nslots)
{
	rec->len = cpu_to_le32(len);
	rec->nslots = nslots;
	rec->kind = nslots ? VNI_REC_SLOTS : VNI_REC_INLINE;
	rec->lines = cpu_to_le16(nslots ? vni_rec_lines_slots(nslots) : vni_rec_lines_inline(len));
	rec->head = 0;
	rec->token = 0;
	memset(rec->reserved, 0, sizeof(rec->reserved));
}

/**
 * vni_rec_header_direct() - fill in the header of a record of the direct form
 * @rec: the header, private
 * @len: bytes of the frame
 * @nsegs: pieces in our own memory
 * @head: bytes of the frame behind them
 * @token: the slot that stands for them
 *
 * The virtio part is left as it is.
 */
static inline void vni_rec_header_direct(struct vni_rec *rec, u32 len, u32 nsegs, u32 head,
					 u32 token)
{
	rec->len = cpu_to_le32(len);
	rec->nslots = nsegs;
	rec->kind = VNI_REC_DIRECT;
	rec->lines = cpu_to_le16(vni_rec_lines_direct(nsegs, head));
	rec->head = cpu_to_le16(head);
	rec->token = cpu_to_le32(token);
	memset(rec->reserved, 0, sizeof(rec->reserved));
}

#endif /* VNI_REC_H */
