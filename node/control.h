/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The control block: one page of words and the rings of the byte channels, at the end of each
 * node's own memory, reserved in the node's e820. Node 0 (vni_node.ko) formats it before each
 * start; vni_guest.ko finds it through the ACPI table "VNIN".
 *
 * Law: each cache line (64 bytes) has one writer, "host" (node 0) or "guest" (the node). Plain
 * loads and stores with acquire and release, little endian, no read-modify-write. Whatever the
 * other side wrote is input from a stranger: copied out once, then checked.
 */
#ifndef VNI_CONTROL_H
#define VNI_CONTROL_H

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>

#define VNI_CTL_MAGIC		0x4c54434e494e56ULL /* "VNINCTL" */
#define VNI_CTL_VERSION		1
#define VNI_CTL_LINE		64
#define VNI_CTL_CHANNELS	8
#define VNI_CTL_REASON		128
#define VNI_CTL_RESET_VALUE	0x5a	/* what ACPI's reset register is to be given */

/* What the guest says about itself in vni_ctl_guest.state. Anything else is ignored. */
enum vni_ctl_state {
	VNI_CTL_SILENT = 0,	/* vni_guest.ko has not spoken */
	VNI_CTL_RUNNING = 1,
	VNI_CTL_REBOOTING = 2,	/* on its way; the reset byte follows */
	VNI_CTL_POWEROFF = 3,	/* parked: send INIT at once */
	VNI_CTL_HALTING = 4,	/* on its way; send INIT after a grace time */
	VNI_CTL_PANICKED = 5,	/* the log is on its way; send INIT after a grace time */
};

/* A writer of the host, constant while the node runs. */
struct vni_ctl_head {
	__le64 magic;		/* VNI_CTL_MAGIC, written last */
	__le32 version;		/* VNI_CTL_VERSION */
	__le32 node;		/* id of the node */
	__le64 size;		/* bytes of the whole control block */
	__le64 generation;	/* starts of this node so far, from 1 */
	__le32 channels;	/* VNI_CTL_CHANNELS */
	__le32 reserved[7];	/* zero */
};

/* A writer of the guest: the state word, and a line of its own for the reset byte. */
struct vni_ctl_guest {
	__le32 state;		/* enum vni_ctl_state, released after reason */
	__le32 reserved0;	/* zero */
	__le64 beats;		/* ticks of the guest's timer, free running */
	__u8 reserved1[48];	/* zero */
};

struct vni_ctl_reset {
	__u8 value;		/* written by ACPI's reset: not 0 asks for INIT */
	__u8 reserved[63];	/* zero */
};

/* One ring, written by the host before the start. size 0: the ring does not exist. */
struct vni_ctl_ring {
	__le32 offset;		/* bytes from the start of the control block, page aligned */
	__le32 size;		/* bytes, a power of two */
};

/* Rings of a channel: index by direction. */
enum { VNI_CTL_TO_GUEST = 0, VNI_CTL_TO_HOST = 1, VNI_CTL_DIRECTIONS = 2 };

struct vni_ctl_channel {
	struct vni_ctl_ring ring[VNI_CTL_DIRECTIONS];
};

/*
 * A position: free running, in bytes, modulo 2^32. head is the producer's and released after the
 * bytes; tail is the consumer's and released after the bytes were copied out. Both start at 0;
 * head - tail is never above the ring's size, else the reader cuts the channel off.
 */
struct vni_ctl_index {
	__le32 value;
	__u8 reserved[60];	/* zero */
};

struct vni_ctl_indexes {
	struct vni_ctl_index head;	/* writer: the producer of this direction */
	struct vni_ctl_index tail;	/* writer: the consumer of this direction */
};

struct vni_ctl {
	struct vni_ctl_head head;				/* writer: host */
	struct vni_ctl_guest guest;				/* writer: guest */
	struct vni_ctl_reset reset;				/* writer: guest */
	__u8 reserved0[64];					/* zero */
	char reason[VNI_CTL_REASON];				/* writer: guest; text, NUL ended */
	__u8 reserved1[128];					/* zero */
	struct vni_ctl_channel channel[VNI_CTL_CHANNELS];	/* writer: host */
	__u8 reserved2[384];					/* zero */
	struct vni_ctl_indexes index[VNI_CTL_CHANNELS][VNI_CTL_DIRECTIONS]; /* see above */
	__u8 reserved3[1024];					/* zero */
};

static_assert(sizeof(struct vni_ctl_head) == VNI_CTL_LINE);
static_assert(sizeof(struct vni_ctl_guest) == VNI_CTL_LINE);
static_assert(sizeof(struct vni_ctl_reset) == VNI_CTL_LINE);
static_assert(sizeof(struct vni_ctl_channel) == 16);
static_assert(sizeof(struct vni_ctl_index) == VNI_CTL_LINE);
static_assert(offsetof(struct vni_ctl, guest) == 64);
static_assert(offsetof(struct vni_ctl, reset) == 128);
static_assert(offsetof(struct vni_ctl, reason) == 256);
static_assert(offsetof(struct vni_ctl, channel) == 512);
static_assert(offsetof(struct vni_ctl, index) == 1024);
static_assert(sizeof(struct vni_ctl) == 4096);

/*
 * The rings of version 1, in bytes. The console's output ring holds more than a whole kernel log
 * of Debian's default size (128 KiB), so that the replay at its registration loses nothing.
 */
#define VNI_CTL_CONSOLE_IN	0x1000
#define VNI_CTL_CONSOLE_OUT	0x40000
#define VNI_CTL_PORT_RING	0x40000
#define VNI_CTL_SIZE		0x100000	/* the whole block, in bytes */

#endif /* VNI_CONTROL_H */
