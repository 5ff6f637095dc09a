/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A ring between two nodes: one producer, one consumer, no shared writes.
 *
 * The producer owns head and the storage, the consumer owns tail; each side also says at which
 * index of the other it wants its doorbell (the event index of virtio 1.x, section 2.7.10). Indices
 * run freely modulo 2^32, the size is a power of two, and what a unit of the storage is, is the
 * caller's: 64-byte lines for frames, 4 bytes for returned slots.
 *
 * Barriers, by letter; each is cited where it stands, with its partner:
 *   A  producer: store-release of head     <->  A' consumer: load-acquire of head
 *      what was written to the storage is seen by who sees the head
 *   B  consumer: store-release of tail     <->  B' producer: load-acquire of tail
 *      what was read from the storage was read before it is written again
 *   C  either: own index stored, virt_mb, the other's wake read
 *   C' either: own wake stored, virt_mb, the other's index read
 *      one of the two sees the other's store, so a wake-up is never lost
 *
 * Callers: each side of a ring is used by one context at a time; the caller serialises.
 */
#ifndef VNI_RING_H
#define VNI_RING_H

#include "vni_abi.h"
#include "vni_plat.h"

/**
 * struct vni_ring - one node's private view of its side of a ring
 * @own: this node's end, in its own section
 * @peer: the other node's end; read only, and never trusted
 * @size: units in the ring, a power of two
 * @mine: this side's index, not yet visible to the other beyond @published
 * @published: the index that the other side sees
 * @checked: the index up to which the other's wish for a doorbell was looked at
 * @theirs: the other side's index as last read and checked
 */
struct vni_ring {
	struct vni_ring_end *own;
	const struct vni_ring_end *peer;
	u32 size;
	u32 mine;
	u32 published;
	u32 checked;
	u32 theirs;
};

/**
 * vni_ring_attach() - start a session on one side of a ring
 * @ring: the private view, filled in
 * @own: this node's end; its index and wake must be 0 (vni_ring_clear())
 * @peer: the other node's end
 * @size: units, a power of two
 */
static inline void vni_ring_attach(struct vni_ring *ring, struct vni_ring_end *own,
				   const struct vni_ring_end *peer, u32 size)
{
	*ring = (struct vni_ring){ .own = own, .peer = peer, .size = size };
}

/**
 * vni_ring_clear() - bring an end back to where every session starts
 * @end: an end in this node's section that no session uses
 */
static inline void vni_ring_clear(struct vni_ring_end *end)
{
	WRITE_ONCE(end->index, 0);
	WRITE_ONCE(end->wake, 0);
}

/**
 * vni_ring_space() - units that the producer may write
 * @ring: the producer's view
 * @want: units that the caller needs; the other node's line is read only if the last known
 *	tail does not leave that many
 *
 * Return: units free, which may be fewer than @want, or -EPROTO if the consumer's tail lies outside
 * of what was ever published.
 */
static inline s32 vni_ring_space(struct vni_ring *ring, u32 want)
{
	u32 used = ring->mine - ring->theirs;

	if (ring->size - used < want) {
		/* B': pairs with B in the consumer's vni_ring_publish() */
		u32 tail = le32_to_cpu(virt_load_acquire(&ring->peer->index));

		if (unlikely(tail - ring->theirs > ring->published - ring->theirs))
			return -EPROTO;
		ring->theirs = tail;
		used = ring->mine - tail;
	}
	return ring->size - used;
}

/**
 * vni_ring_avail() - units that the consumer may read
 * @ring: the consumer's view
 *
 * Return: units between tail and head; the other node's line is read only when none are known.
 * -EPROTO if the producer's head went back or left more than the ring holds.
 */
static inline s32 vni_ring_avail(struct vni_ring *ring)
{
	if (ring->theirs == ring->mine) {
		/* A': pairs with A in the producer's vni_ring_publish() */
		u32 head = le32_to_cpu(virt_load_acquire(&ring->peer->index));

		if (unlikely(head - ring->mine > ring->size - (ring->mine - ring->published)))
			return -EPROTO;
		ring->theirs = head;
	}
	return ring->theirs - ring->mine;
}

/**
 * vni_ring_at() - where the current unit lies
 * @ring: either side's view
 *
 * Return: the unit's number in the storage, 0 to size - 1.
 */
static inline u32 vni_ring_at(const struct vni_ring *ring)
{
	return ring->mine & (ring->size - 1);
}

/**
 * vni_ring_advance() - go on by some units, privately
 * @ring: either side's view
 * @units: at most what vni_ring_space() or vni_ring_avail() said
 */
static inline void vni_ring_advance(struct vni_ring *ring, u32 units)
{
	ring->mine += units;
}

/**
 * vni_ring_publish() - let the other side see how far this one is
 * @ring: either side's view
 */
static inline void vni_ring_publish(struct vni_ring *ring)
{
	if (ring->published == ring->mine)
		return;
	ring->published = ring->mine;
	/* A (producer), B (consumer): pairs with A' in vni_ring_avail(), B' in vni_ring_space() */
	virt_store_release(&ring->own->index, cpu_to_le32(ring->mine));
}

/**
 * vni_ring_passed() - did an index step over a wake index
 * @wake: the index asked for
 * @now: where the index is
 * @before: where it was when this was last asked
 *
 * Source: vring_need_event() of virtio 1.x, section 2.7.10, with 32 bits.
 */
static inline bool vni_ring_passed(u32 wake, u32 now, u32 before)
{
	return now - wake - 1 < now - before;
}

/**
 * vni_ring_must_wake() - does what was published call for the other side's doorbell
 * @ring: either side's view
 *
 * To be called after vni_ring_publish(), at the latest when the caller stops publishing.
 */
static inline bool vni_ring_must_wake(struct vni_ring *ring)
{
	u32 before = ring->checked;

	if (before == ring->published)
		return false;
	ring->checked = ring->published;
	/* C: pairs with C' in the other side's vni_ring_arm() */
	virt_mb();
	return vni_ring_passed(le32_to_cpu(READ_ONCE(ring->peer->wake)), ring->published, before);
}

/**
 * vni_ring_wish_seen() - the same at a glance: no barrier, which would wait until all that was
 * written has reached the other side
 * @ring: either side's view
 *
 * Return: true if a wish is seen that calls for the doorbell. Then, and in any case later, the
 * caller asks vni_ring_must_wake(): a wish may be on its way here.
 */
static inline bool vni_ring_wish_seen(const struct vni_ring *ring)
{
	return vni_ring_passed(le32_to_cpu(READ_ONCE(ring->peer->wake)), ring->published,
			       ring->checked);
}

/**
 * vni_ring_arm() - ask for a doorbell once the other side has gone on
 * @ring: either side's view
 * @after: units that the other side may go on beyond what is known before it rings; 0 asks for a
 *	doorbell at the very next one
 *
 * Return: true if the other side passed that point already: it may not ring, so look again.
 */
static inline bool vni_ring_arm(struct vni_ring *ring, u32 after)
{
	u32 wake = ring->theirs + after;
	u32 index;

	WRITE_ONCE(ring->own->wake, cpu_to_le32(wake));
	/* C': pairs with C in the other side's vni_ring_must_wake() */
	virt_mb();
	index = le32_to_cpu(READ_ONCE(ring->peer->index));
	return index - (wake - after) > after;
}

/**
 * vni_ring_disarm() - ask for no doorbell any more; one that is under way may still come
 * @ring: either side's view
 *
 * The wish goes half of all indices away, where the other side does not come by before this one
 * asks again. No barrier: who sees the old wish rings once in vain.
 */
static inline void vni_ring_disarm(struct vni_ring *ring)
{
	WRITE_ONCE(ring->own->wake, cpu_to_le32(ring->theirs + (1U << 31)));
}

/* A header, whose length the compiler knows, is a few moves; for all else there is vni_copy(). */
#define VNI_RING_MOVES(len) (__builtin_constant_p(len) && (len) <= VNI_LINE)

/**
 * vni_ring_copy_in() - write into the storage, around its end where need be
 * @store: the storage
 * @bytes: its size, a power of two
 * @at: where to start, below @bytes
 * @from: what to write
 * @len: bytes, at most @bytes
 *
 * Return: where the next byte goes.
 */
static inline u32 vni_ring_copy_in(u8 *store, u32 bytes, u32 at, const void *from, u32 len)
{
	u32 first = len < bytes - at ? len : bytes - at;

	if (VNI_RING_MOVES(len) && likely(first == len)) {
		__builtin_memcpy(store + at, from, len);
	} else {
		vni_copy(store + at, from, first);
		if (unlikely(first < len))
			vni_copy(store, (const u8 *)from + first, len - first);
	}
	return (at + len) & (bytes - 1);
}

/**
 * vni_ring_copy_out() - read from the storage, around its end where need be
 * @to: where the bytes go
 * @store: the storage
 * @bytes: its size, a power of two
 * @at: where to start, below @bytes
 * @len: bytes, at most @bytes
 *
 * Return: where the next byte lies.
 */
static inline u32 vni_ring_copy_out(void *to, const u8 *store, u32 bytes, u32 at, u32 len)
{
	u32 first = len < bytes - at ? len : bytes - at;

	if (VNI_RING_MOVES(len) && likely(first == len)) {
		__builtin_memcpy(to, store + at, len);
	} else {
		vni_copy(to, store + at, first);
		if (unlikely(first < len))
			vni_copy((u8 *)to + first, store, len - first);
	}
	return (at + len) & (bytes - 1);
}

#endif /* VNI_RING_H */
