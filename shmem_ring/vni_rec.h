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
 * @len: bytes of the frame, at most VNI_ETH_FRAME_MAX
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
 * struct vni_rec_view - a record's header, copied out once and checked
 * @len: bytes of the frame, VNI_ETH_FRAME_MIN to VNI_ETH_FRAME_MAX
 * @lines: units of the ring that the record takes, not more than there are
 * @nslots: slots of the frame, 0 for the head/tail form
 * @virtio: struct virtio_net_hdr, not checked
 */
struct vni_rec_view {
	u32 len;
	u32 lines;
	u32 nslots;
	u8 virtio[10];
};

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
	memcpy(view->virtio, rec.virtio, sizeof(view->virtio));

	if (view->len < VNI_ETH_FRAME_MIN || view->len > VNI_ETH_FRAME_MAX)
		return -EPROTO;
	if (rec.kind == VNI_REC_INLINE && !view->nslots)
		lines = vni_rec_lines_inline(view->len);
	else if (rec.kind == VNI_REC_SLOTS && view->nslots == vni_rec_slots(view->len))
		lines = vni_rec_lines_slots(view->nslots);
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
	__le32 raw[VNI_ETH_SLOTS_MAX];
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
	memset(rec->reserved, 0, sizeof(rec->reserved));
}

#endif /* VNI_REC_H */
