/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of vni_node.ko share. */
#ifndef VNI_NODE_H
#define VNI_NODE_H

#include <linux/cpumask.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "uapi/vni_node.h"
#include "control.h"
#include "pipe.h"

/* Layout of a node's own memory, from its base. */
#define VNI_MEM_ALIGN		0x200000ULL
#define VNI_MEM_MIN		(64ULL << 20)
#define VNI_OFF_BOOT_PARAMS	0x10000
#define VNI_OFF_CMDLINE		0x11000
#define VNI_OFF_TABLES		0x20000	/* page tables of the start, all but the topmost */
#define VNI_OFF_KERNEL		0x1000000
#define VNI_ACPI_SIZE		0x10000	/* the last 64 KiB; the control block lies before it */

/*
 * Layout of the region below 1 MiB: 64 KiB with two pages for each node, trampoline and topmost
 * page table, then a share of RAM for each node. Nothing is common: one node may start while
 * another is still on its way through the trampoline.
 */
#define VNI_LOW_TRAMPOLINE	0x10000
#define VNI_LOW_SLOTS		8
#define VNI_LOW_SHARE		0x10000	/* 60 KiB of RAM and one page that poses as an IO-APIC */
#define VNI_LOW_IOAPIC		0xf000

#define VNI_BACKLOG_SIZE	0x20000	/* bytes of console output kept, a power of two */

struct vni_region {
	u64 base;	/* bytes */
	u64 size;	/* bytes, 0: there is none */
};

/* Copies of what LOAD brought. */
struct vni_image {
	u8 *kernel;
	size_t kernel_len;
	u8 *initrd;
	size_t initrd_len;
	char *cmdline;	/* complete, with the starter's own pieces */
};

/* Node 0's end of one channel. */
struct vni_channel {
	struct mutex rx_lock;	/* the consumer's end */
	struct mutex tx_lock;	/* the producer's end */
	struct vni_pipe rx;
	struct vni_pipe tx;
	wait_queue_head_t wait;
	u64 rx_bytes;
	u64 tx_bytes;
	__le32 seen_head;	/* by the watch */
	__le32 seen_tail;
	bool attached;		/* by the one file that may, under vni_nodes_lock */
	bool cut;		/* a fault was counted since the start, under vni_state_lock */
};

/* The last bytes of console output. pos counts all bytes ever; under rx_lock of the console. */
struct vni_backlog {
	u8 *data;
	u64 pos;
};

/*
 * One node. Files hold a reference. Everything is changed under vni_nodes_lock, except: state and
 * what follows it, which the watch's timer changes too, under vni_state_lock; the pipes, under the
 * channel's own locks. Order: vni_nodes_lock, a channel's lock, vni_state_lock.
 */
struct vni_node {
	struct kref ref;
	u32 id;
	u32 flags;
	u32 ncpus;
	u32 cpu[VNI_NODE_MAX_CPUS];
	u32 apicid[VNI_NODE_MAX_CPUS];
	struct vni_region mem;
	u64 low_base;
	u32 low_slot;
	u8 *map;		/* all of mem */
	u8 *low_map;		/* the share below 1 MiB */
	struct vni_ctl *ctl;	/* in map */
	struct vni_image image;

	/* under vni_state_lock */
	u32 state;
	char reason[VNI_NODE_REASON];
	u32 said;		/* last vni_ctl_state taken from the guest */
	u64 init_at;		/* ktime in ns at which to send INIT, 0: none due */
	u32 init_state;		/* the state to take then */
	u64 started_at;		/* ktime in ns */
	u64 starts, reboots, panics, faults;

	struct vni_channel channel[2];
	struct vni_backlog backlog;
	struct work_struct drain;
	struct work_struct restart;
};

/* A place for one line of explanation that goes back to the caller. */
struct vni_say {
	char text[VNI_NODE_MESSAGE];
};

__printf(3, 4) int vni_say(struct vni_say *say, int err, const char *fmt, ...);

/* table.c: the nodes that exist */
extern struct mutex vni_nodes_lock;
extern spinlock_t vni_state_lock;	/* also guards the slots of vni_nodes[] against the watch */
extern struct vni_node *vni_nodes[VNI_NODE_MAX_ID + 1];
struct vni_node *vni_node_find(u32 id, struct vni_say *say);
void vni_node_put(struct vni_node *node);
void vni_node_get(struct vni_node *node);
bool vni_node_active(const struct vni_node *node);
int vni_node_load(const struct vni_node_load *req, struct vni_say *say);
int vni_node_unload(u32 id, struct vni_say *say);
void vni_node_info(struct vni_node *node, struct vni_node_info *info);

/* life.c: starting and stopping */
int vni_node_start(struct vni_node *node, struct vni_say *say);
int vni_node_stop(struct vni_node *node, struct vni_say *say);
__printf(3, 4) void vni_state_set(struct vni_node *node, u32 state, const char *fmt, ...);
void vni_node_restart_work(struct work_struct *work);
const char *vni_state_name(u32 state);

/* region.c: memory */
int vni_region_init(void);
void vni_region_exit(void);
const struct vni_region *vni_region_window(void);
const struct vni_region *vni_region_low(void);
int vni_region_claim(struct vni_node *node, u64 base, u64 size, struct vni_say *say);
bool vni_region_overlap(const struct vni_region *a, const struct vni_region *b);

/* param.c: the module parameters */
#define VNI_POOL_MAX	16
struct vni_params {
	struct vni_region low;
	struct vni_region window;
	struct vni_region pool[VNI_POOL_MAX];
	u32 pools;
};
int vni_param_parse(struct vni_params *out);

/* cpus.c: CPUs taken from node 0 */
int vni_cpus_init(void);
void vni_cpus_exit(void);
int vni_cpus_check(const struct vni_node_load *req, struct vni_say *say);
int vni_cpus_take(struct vni_node *node, struct vni_say *say);
void vni_cpus_give(struct vni_node *node);
u32 vni_cpus_boot_apicid(void);

/* image.c: bzImage, initrd and command line */
int vni_image_take(struct vni_node *node, const struct vni_node_load *req, struct vni_say *say);
void vni_image_free(struct vni_image *image);
void vni_image_place(struct vni_node *node);

/* cmdline.c */
char *vni_cmdline_make(const struct vni_node *node, const char *user, size_t max,
		       struct vni_say *say);

/* acpi.c */
void vni_acpi_build(struct vni_node *node);
u64 vni_acpi_rsdp(const struct vni_node *node);

/* launch.c: INIT, SIPI and the trampoline */
int vni_launch_init(void);
void vni_launch_exit(void);
void vni_launch_hold(const struct vni_node *node);
int vni_launch_go(struct vni_node *node, struct vni_say *say);

/* watch.c: noticing what nodes do */
void vni_watch_init(void);
void vni_watch_exit(void);
void vni_watch_kick(void);

/* channel.c: byte streams */
void vni_channel_init(struct vni_node *node);
void vni_channel_format(struct vni_node *node);
void vni_channel_shut(struct vni_node *node);
void vni_channel_check(struct vni_node *node, struct vni_channel *ch);
void vni_channel_drain(struct work_struct *work);

/* stream.c: a channel as a file */
int vni_stream_attach(u32 id, u32 channel, u32 flags, struct vni_say *say);

/* dev.c: /dev/vni-node */
int vni_dev_init(void);
void vni_dev_exit(void);

/* Physical addresses inside a node. */
static inline u64 vni_acpi_base(const struct vni_node *node)
{
	return node->mem.base + node->mem.size - VNI_ACPI_SIZE;
}

static inline u64 vni_ctl_base(const struct vni_node *node)
{
	return vni_acpi_base(node) - VNI_CTL_SIZE;
}

#endif /* VNI_NODE_H */
