/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/vni-node: what the node starter (vni_node.ko) offers to user space on node 0.
 *
 * Every structure starts with its version and is of fixed width and size. A call that fails sets
 * errno, and where the structure has a message, also one line of text that says what was expected,
 * what was found and what to do. Fields marked "reserved" are zero or the call fails with EINVAL.
 */
#ifndef _UAPI_VNI_NODE_H
#define _UAPI_VNI_NODE_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VNI_NODE_VERSION	1
#define VNI_NODE_DEVICE		"/dev/vni-node"

#define VNI_NODE_MIN_ID		1
#define VNI_NODE_MAX_ID		63
#define VNI_NODE_MAX_CPUS	64	/* CPUs of one node */
#define VNI_NODE_MESSAGE	192	/* bytes of a message, the final NUL included */
#define VNI_NODE_REASON		128	/* bytes of a reason, the final NUL included */

/* The byte channels of a node. */
#define VNI_NODE_CHANNEL_CONSOLE 0	/* hvc0 of the node; any number of readers */
#define VNI_NODE_CHANNEL_PORT	1	/* /dev/vni-port of the node; one attached file at a time */
#define VNI_NODE_CHANNELS	8	/* room; 2 to 7 are not used yet */

/* The states of a node. A node that was never loaded, or was unloaded, is not listed. */
enum vni_node_state {
	VNI_NODE_EMPTY = 0,	/* no such node */
	VNI_NODE_LOADED = 1,	/* owns CPUs and memory, never started */
	VNI_NODE_STARTING = 2,	/* its kernel runs, vni_guest.ko has not spoken yet */
	VNI_NODE_RUNNING = 3,	/* vni_guest.ko said so */
	VNI_NODE_REBOOTING = 4,	/* vni_guest.ko announced a reboot */
	VNI_NODE_REBOOTED = 5,	/* asked for a reboot and is held in INIT */
	VNI_NODE_POWEROFF = 6,	/* powered itself off and is held in INIT */
	VNI_NODE_HALTED = 7,	/* halted and is held in INIT */
	VNI_NODE_PANICKED = 8,	/* panicked and is held in INIT */
	VNI_NODE_STOPPED = 9,	/* stopped from node 0 */
	VNI_NODE_FAILED = 10,	/* could not be started; the reason says why */
	VNI_NODE_STATES
};

/* struct vni_node_load.flags */
#define VNI_NODE_LOAD_AUTORESTART 0x1	/* a reboot of the node starts it again */
#define VNI_NODE_LOAD_FLAGS	0x1

/* Give a node its CPUs, memory and images. The starter keeps its own copy of the images. */
struct vni_node_load {
	__u32 version;		/* VNI_NODE_VERSION */
	__u32 node;		/* 1 to 63 */
	__u32 flags;		/* VNI_NODE_LOAD_* */
	__u32 ncpus;		/* entries of cpu[] in use */
	__u64 kernel;		/* pointer to a bzImage */
	__u64 kernel_len;	/* bytes */
	__u64 initrd;		/* pointer, 0: none */
	__u64 initrd_len;	/* bytes */
	__u64 cmdline;		/* pointer to text without a final NUL, 0: none */
	__u64 cmdline_len;	/* bytes */
	__u64 mem_base;		/* physical address, 2 MiB aligned; 0: first fit in the pool */
	__u64 mem_size;		/* bytes, a multiple of 2 MiB */
	__u32 cpu[VNI_NODE_MAX_CPUS]; /* Linux CPU numbers of node 0, online, never 0 */
	char message[VNI_NODE_MESSAGE]; /* out */
};

/* START, STOP, RESTART, UNLOAD of one node. */
struct vni_node_op {
	__u32 version;		/* VNI_NODE_VERSION */
	__u32 node;		/* 1 to 63 */
	char message[VNI_NODE_MESSAGE]; /* out */
};

/* Attach to a channel; the call returns a new file descriptor for the byte stream. */
struct vni_node_attach {
	__u32 version;		/* VNI_NODE_VERSION */
	__u32 node;		/* 1 to 63 */
	__u32 channel;		/* VNI_NODE_CHANNEL_* */
	__u32 flags;		/* VNI_NODE_ATTACH_* */
	char message[VNI_NODE_MESSAGE]; /* out */
};

#define VNI_NODE_ATTACH_BACKLOG	0x1	/* console: start at the oldest byte kept */
#define VNI_NODE_ATTACH_NONBLOCK 0x2	/* the new file is O_NONBLOCK */
#define VNI_NODE_ATTACH_FLAGS	0x3

/* One node. ENOENT when there is none with this id or a higher one. */
struct vni_node_info {
	__u32 version;		/* VNI_NODE_VERSION */
	__u32 node;		/* in: lowest id wanted; out: the id found */
	__u32 state;		/* enum vni_node_state */
	__u32 flags;		/* as in LOAD */
	__u64 mem_base;		/* physical address */
	__u64 mem_size;		/* bytes */
	__u64 low_base;		/* physical address of its memory below 1 MiB */
	__u64 uptime_ns;	/* since the last start; 0 unless starting or running */
	__u64 starts;		/* times that it was started */
	__u64 reboots;		/* times that it asked for a reboot */
	__u64 panics;		/* times that it panicked */
	__u64 beats;		/* timer ticks of vni_guest.ko since its start */
	__u64 console_bytes;	/* console output seen since LOAD */
	__u64 port_rx_bytes;	/* port: from the node */
	__u64 port_tx_bytes;	/* port: to the node */
	__u64 faults;		/* impossible ring positions seen; the channel was cut off */
	__u32 ncpus;		/* entries of cpu[] in use */
	__u32 reserved;		/* zero */
	__u32 cpu[VNI_NODE_MAX_CPUS]; /* Linux CPU numbers of node 0 */
	char reason[VNI_NODE_REASON]; /* why it is in this state */
};

#define VNI_NODE_IOC_LOAD	_IOWR('V', 0x40, struct vni_node_load)
#define VNI_NODE_IOC_START	_IOWR('V', 0x41, struct vni_node_op)
#define VNI_NODE_IOC_STOP	_IOWR('V', 0x42, struct vni_node_op)
#define VNI_NODE_IOC_RESTART	_IOWR('V', 0x43, struct vni_node_op)
#define VNI_NODE_IOC_UNLOAD	_IOWR('V', 0x44, struct vni_node_op)
#define VNI_NODE_IOC_LIST	_IOWR('V', 0x45, struct vni_node_info)
#define VNI_NODE_IOC_ATTACH	_IOWR('V', 0x46, struct vni_node_attach)

#endif /* _UAPI_VNI_NODE_H */
