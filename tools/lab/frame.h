/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The frames that the lab's host side and the agent in a node exchange over a byte stream.
 *
 * tools/lab/frames.py is the other half: the same header, the same types. Little endian.
 */
#ifndef LAB_FRAME_H
#define LAB_FRAME_H

#include <stdint.h>

#define FRAME_MAGIC 0x31494e56u	   /* "VNI1" */
#define FRAME_MAX (64u * 1024)	   /* bytes of payload at most */
#define FRAME_CHUNK (32u * 1024)   /* bytes in one DATA frame */
#define FRAME_WINDOW (256u * 1024) /* bytes of one stream that may be unacknowledged */
#define NONCE_SIZE 16

enum frame_type {
	FRAME_HELLO = 1, /* host: start afresh; payload: a nonce */
	FRAME_WELCOME,	 /* agent: the nonce, then "key=value\n" lines */
	FRAME_RUN,	 /* host: timeout in ms, argv..., each ended by a NUL */
	FRAME_DATA,	 /* both: bytes of a stream; no bytes: its end */
	FRAME_ACK,	 /* both: u32, bytes of a stream that were consumed */
	FRAME_EXIT,	 /* agent: u32 kind (enum exit_kind), u32 value */
	FRAME_KILL,	 /* host: end this command */
	FRAME_SYNC,	 /* host: say SYNC when the kernel log so far has been sent */
	FRAME_LOG,	 /* agent: records as read from /dev/kmsg, each ended by a NUL */
};

enum exit_kind {
	EXIT_CODE,    /* value: the exit code */
	EXIT_SIGNAL,  /* value: the signal */
	EXIT_TIMEOUT, /* value: the timeout in ms; the command was killed */
};

struct frame_header {
	uint32_t magic;
	uint8_t type;
	uint8_t stream;	 /* 0, 1, 2 as a process numbers them */
	uint16_t check;	 /* see frame_check() */
	uint32_t id;	 /* which command */
	uint32_t length; /* bytes of payload that follow */
};

_Static_assert(sizeof(struct frame_header) == 16, "frame header is 16 bytes");

/* A sum over the header, so that payload that happens to hold the magic is not taken for one. */
static inline uint16_t frame_check(const struct frame_header *h)
{
	uint32_t sum = h->type + (h->stream << 8) + (h->id & 0xffff) + (h->id >> 16) +
		       (h->length & 0xffff) + (h->length >> 16);

	return (uint16_t) ~(sum + (sum >> 16));
}

#endif /* LAB_FRAME_H */
