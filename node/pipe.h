/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One end of one byte ring of the control block, as vni_node.ko and vni_guest.ko both use it.
 * Exactly one producer and one consumer. Each side keeps its own position in private memory and
 * never reads it back; the other side's is read once a call and checked.
 *
 * Barriers: A, the producer's release of head, pairs with B, the consumer's acquire of it: the
 * bytes are there before they are counted. C, the consumer's release of tail, pairs with D, the
 * producer's acquire of it: the bytes were read before their place is written again.
 */
#ifndef VNI_PIPE_H
#define VNI_PIPE_H

#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/barrier.h>

#include "control.h"

/**
 * struct vni_pipe - one end of a byte ring
 * @data: the ring's bytes, NULL: this end is shut
 * @size: bytes, a power of two; a private copy
 * @pos: own position in bytes, free running
 * @mine: where @pos is published
 * @theirs: where the other side publishes its position
 * @broken: the other side published an impossible position; nothing moves any more
 *
 * The owner serializes all calls on one end.
 */
struct vni_pipe {
	u8 *data;
	u32 size;
	u32 pos;
	__le32 *mine;
	const __le32 *theirs;
	bool broken;
};

/**
 * vni_pipe_room() - bytes that the producer can write now
 * @p: a producer's end
 *
 * Return: bytes, 0 if full, shut or broken. Sets @p->broken on an impossible position.
 */
static inline u32 vni_pipe_room(struct vni_pipe *p)
{
	u32 used;

	if (!p->data || p->broken)
		return 0;
	used = p->pos - le32_to_cpu((__force __le32)smp_load_acquire(p->theirs)); /* D */
	if (used > p->size) {
		p->broken = true;
		return 0;
	}
	return p->size - used;
}

/**
 * vni_pipe_avail() - bytes that the consumer can read now
 * @p: a consumer's end
 *
 * Return: bytes, 0 if empty, shut or broken. Sets @p->broken on an impossible position.
 */
static inline u32 vni_pipe_avail(struct vni_pipe *p)
{
	u32 used;

	if (!p->data || p->broken)
		return 0;
	used = le32_to_cpu((__force __le32)smp_load_acquire(p->theirs)) - p->pos; /* B */
	if (used > p->size) {
		p->broken = true;
		return 0;
	}
	return used;
}

/*
 * Where the next contiguous piece is, and how long it may be. The position is masked, so that the
 * piece lies in the ring whatever the other side does.
 */
static inline u8 *vni_pipe_piece(const struct vni_pipe *p, u32 *len)
{
	u32 at = p->pos & (p->size - 1);

	*len = min(*len, p->size - at);
	return p->data + at;
}

static inline void vni_pipe_advance(struct vni_pipe *p, u32 len)
{
	p->pos += len;
	smp_store_release(p->mine, cpu_to_le32(p->pos)); /* A for a producer, C for a consumer */
}

/**
 * vni_pipe_put() - write bytes
 * @p: a producer's end
 * @buf: kernel memory
 * @len: bytes
 *
 * Context: any; does not sleep. Return: bytes written, 0 to @len.
 */
static inline u32 vni_pipe_put(struct vni_pipe *p, const void *buf, u32 len)
{
	u32 todo = min(len, vni_pipe_room(p)), done = 0;

	while (done < todo) {
		u32 n = todo - done;
		u8 *to = vni_pipe_piece(p, &n);

		memcpy(to, buf + done, n);
		vni_pipe_advance(p, n);
		done += n;
	}
	return done;
}

/**
 * vni_pipe_get() - read bytes
 * @p: a consumer's end
 * @buf: kernel memory
 * @len: bytes
 *
 * Context: any; does not sleep. Return: bytes read, 0 to @len.
 */
static inline u32 vni_pipe_get(struct vni_pipe *p, void *buf, u32 len)
{
	u32 todo = min(len, vni_pipe_avail(p)), done = 0;

	while (done < todo) {
		u32 n = todo - done;
		u8 *from = vni_pipe_piece(p, &n);

		memcpy(buf + done, from, n);
		vni_pipe_advance(p, n);
		done += n;
	}
	return done;
}

/**
 * vni_pipe_put_user() - write bytes of a process
 * @p: a producer's end
 * @buf: user memory
 * @len: bytes
 *
 * Context: process; may fault. Return: bytes written, 0 if full, or -EFAULT if none could be read.
 */
static inline ssize_t vni_pipe_put_user(struct vni_pipe *p, const char __user *buf, size_t len)
{
	u32 todo = min_t(size_t, len, vni_pipe_room(p)), done = 0;

	while (done < todo) {
		u32 n = todo - done;
		u8 *to = vni_pipe_piece(p, &n);

		if (copy_from_user(to, buf + done, n))
			return done ? done : -EFAULT;
		vni_pipe_advance(p, n);
		done += n;
	}
	return done;
}

/**
 * vni_pipe_get_user() - read bytes into a process
 * @p: a consumer's end
 * @buf: user memory
 * @len: bytes
 *
 * Context: process; may fault. Return: bytes read, 0 if empty, or -EFAULT if none could be stored.
 */
static inline ssize_t vni_pipe_get_user(struct vni_pipe *p, char __user *buf, size_t len)
{
	u32 todo = min_t(size_t, len, vni_pipe_avail(p)), done = 0;

	while (done < todo) {
		u32 n = todo - done;
		u8 *from = vni_pipe_piece(p, &n);

		if (copy_to_user(buf + done, from, n))
			return done ? done : -EFAULT;
		vni_pipe_advance(p, n);
		done += n;
	}
	return done;
}

#endif /* VNI_PIPE_H */
