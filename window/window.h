/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The window as this node sees it: vni_shm's own structures.
 *
 * Lifetime: a window exists from vni_window_create() to vni_window_destroy(); channels and peers
 * lie within that. Locks: clients_lock (clients.c) > vni_window.lock. The RTNL is taken by clients
 * outside of both, so nothing here, and no callback, may take it.
 */
#ifndef VNI_WINDOW_H
#define VNI_WINDOW_H

#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

#include "ipi/vni_doorbell.h"
#include "vni_abi.h"
#include "vni_shm.h"

#define VNI_PERIOD_MS 100	/* between heartbeats */
#define VNI_RETRY_MS 1000	/* after the first fault of a link; doubles with each in a row */
#define VNI_RETRY_MAX_MS 8000	/* up to this: each fault is a line in the log */
#define VNI_RETRY_FORGET_MS 64000 /* without a fault: the next one is the first again */

enum vni_peer_state {
	VNI_PEER_ABSENT,	/* no valid section */
	VNI_PEER_SILENT,	/* a valid section, and no heartbeat (yet, or any more) */
	VNI_PEER_ALIVE,
	VNI_PEER_REFUSED,	/* a section that does not fit ours; why says what */
};

/*
 * Another seat, as last looked at. Written by the window's work under vni_window.lock; bells are
 * read without it, each as one word.
 */
struct vni_peer {
	enum vni_peer_state state;
	u32 generation;
	u64 heartbeat;		/* as last read */
	bool beaten;		/* the heartbeat moved since the section was first seen */
	unsigned long seen;	/* jiffies of the last change */
	u64 bells[VNI_DOORBELLS];	/* kind << 56 | data << 32 | target, 0: none */
	char why[96];		/* for people */
};

enum vni_link_state {
	VNI_LINK_RESET,		/* waiting until the other lets go of this node's ends */
	VNI_LINK_READY,		/* this node's ends are clean and offered */
	VNI_LINK_UP,
	VNI_LINK_FAULT,		/* the other broke the rules; waits, or for a new generation */
	VNI_LINK_DRAIN,		/* was up; something of the other's is still in use here */
};

/* One channel's link to one seat. Written by the window's work under vni_window.lock. */
struct vni_link {
	enum vni_link_state state;
	u32 session;		/* what this node offers, as in its link cell */
	u32 ack;		/* what it accepted of the other's, likewise */
	u32 generation;		/* the other node's, when the fault came */
	u32 up_generation;	/* the other node's, when the link came up */
	u32 faults;		/* in a row: a new generation, or time without one, ends it */
	unsigned long retry;	/* jiffies when a fault is forgiven */
	const char *fault;	/* set by any context, consumed by the work */
	const struct vni_chan *peer;	/* its channel, while up or being brought up */
	u32 bell_first, bell_count;	/* the peer's, while up */
	bool told;		/* the other was there as this node's ends were last reset */
	u64 ups, downs;
};

struct vni_channel {
	struct vni_window *win;
	unsigned int index;	/* entry of the directory */
	u32 service, version;
	u64 offset, size;	/* in this node's section, bytes */
	struct vni_chan *base;
	const struct vni_channel_ops *ops;
	void *priv;
	bool enabled;
	unsigned int bell_first, bell_count;
	struct vni_link links[VNI_SEATS_MAX];
};

struct vni_window {
	struct list_head entry;
	char name[16];
	struct device *dev;
	u64 identity;
	u8 *base;
	u64 size, section_size;
	unsigned int seat, seats;
	u32 generation;
	u32 next_session;
	bool format;		/* clear what is no section instead of refusing it */
	bool physical;		/* others' own memory can be reached by address: vni_ram.h */
	bool paged;		/* its memory has struct pages, each with a reference of ours */
	bool writable;		/* this processor can write to others' sections */
	bool lost;		/* the seat is another's: its section is not written any more */
	bool private;		/* one client's own: the others do not hear of it */
	struct vni_doorbells *db;
	struct vni_claim *claim;	/* this node's claim to a seat, until it sits */
	struct mutex lock;	/* channels, peers, links */
	struct vni_channel *channels[VNI_CHANNELS];
	unsigned int bells_used;
	struct vni_peer peers[VNI_SEATS_MAX];
	unsigned long looked;	/* jiffies when they were last looked at; 0: never */
	struct timer_list beat;
	struct workqueue_struct *wq;
	struct work_struct work;
	u64 kicks_sent, kicks_seen;
	struct dentry *debugfs;
};

static inline u8 *vni_window_section(const struct vni_window *win, unsigned int seat)
{
	return win->base + seat * win->section_size;
}

static inline struct vni_section *vni_window_own(const struct vni_window *win)
{
	return (struct vni_section *)vni_window_section(win, win->seat);
}

/* Others' sections are only read: a back-end may map them so. */
static inline const struct vni_section *vni_window_peer(const struct vni_window *win,
							unsigned int seat)
{
	return (const struct vni_section *)vni_window_section(win, seat);
}

#define VNI_SEAT_ANY UINT_MAX
#define VNI_CLAIM_NO_NUMBER U32_MAX

/**
 * struct vni_claimant - a node that looks for a seat
 * @number: its line among the claims: differs from all other nodes', or VNI_CLAIM_NO_NUMBER for one
 *	by chance
 * @wish: the seat that it would like, or VNI_SEAT_ANY
 * @only: that one or none
 * @bell: its peer id, by which it knows a seat that it had before, or VNI_CLAIM_NO_NUMBER
 */
struct vni_claimant {
	u32 number;
	unsigned int wish;
	bool only;
	u32 bell;
};

/* What the survey saw of a seat. */
struct vni_seat_seen {
	bool garbage, joined, alive;
	u32 generation;		/* 0: no valid section */
	u64 heartbeat;
};

/**
 * struct vni_window_setup - what a back-end found
 * @name: for messages and debugfs
 * @dev: the parent device or NULL
 * @base: the mapped window
 * @size: bytes
 * @identity: tells this node's windows apart, and is the same after a restart
 * @seat: this node's id; VNI_SEAT_ANY with a claimant
 * @claimant: how to choose a seat among nodes that do the same, or NULL
 * @seats: how many sections, 0: take what the others have, or by the size
 * @format: clear what is no section instead of refusing it
 * @physical: the nodes' own memory has addresses that all of them can use: vni_ram.h
 * @paged: @base has struct pages that virt_to_page() finds, each with one reference that stays
 * @writable: this processor can write to others' sections, though nothing here may
 * @private: zeroed memory for one client, which asked for it: @seats is set, nobody is there to be
 *	looked for, and no client is told
 * @db: the doorbells; owned by the window from here on, freed with it
 */
struct vni_window_setup {
	const char *name;
	struct device *dev;
	void *base;
	u64 size;
	u64 identity;
	unsigned int seat;
	const struct vni_claimant *claimant;
	unsigned int seats;
	bool format;
	bool physical;
	bool paged;
	bool writable;
	bool private;
	struct vni_doorbells *db;
};

/* window.c */
struct vni_window *vni_window_create(const struct vni_window_setup *setup);
void vni_window_destroy(struct vni_window *win);
void vni_window_kick_self(struct vni_window *win);
void vni_window_kick(struct vni_window *win, unsigned int seat);
void vni_window_show_bells(struct vni_window *win);

/* join.c */
int vni_window_survey(struct vni_window *win, unsigned int seats,
		      const struct vni_claimant *claimant);
void vni_window_sit(struct vni_window *win);
void vni_window_leave(struct vni_window *win);

/* claim.c */
int vni_window_claim(struct vni_window *win, const struct vni_claimant *me,
		     struct vni_seat_seen *seen);
void vni_window_claim_end(struct vni_window *win);
bool vni_window_check_seat(struct vni_window *win);

/* peers.c */
int vni_ident_check(const struct vni_window *win, const struct vni_ident *ident, unsigned int seat,
		    char *why, size_t len);
void vni_peers_look(struct vni_window *win);
bool vni_window_ring(struct vni_window *win, unsigned int seat, unsigned int bell);
const char *vni_peer_state_name(enum vni_peer_state state);

/* links.c */
void vni_links_step(struct vni_window *win);
void vni_links_repeat(struct vni_window *win);
const char *vni_link_state_name(enum vni_link_state state);

/* clients.c */
bool vni_clients_have_window(void);
int vni_clients_add_window(struct vni_window *win);
void vni_clients_remove_window(struct vni_window *win);
void vni_clients_flush(void);

/* debugfs.c */
void vni_debugfs_init(void);
void vni_debugfs_exit(void);
void vni_debugfs_add(struct vni_window *win);

/* main.c */
extern unsigned int vni_dead_ms;

/**
 * struct vni_params - module parameters that are the same wherever the window comes from
 * @node: this node's id, -1: not given
 * @seats: how many sections, 0: not given
 * @format: clear what is no section
 */
struct vni_params {
	int node;
	unsigned int seats;
	bool format;
};
extern struct vni_params vni_params;

/*
 * The back-ends, a file each: where windows come from. probe: 0, -ENODEV if there is none, or an
 * error whose reason was logged; remove: may be called without a window. Process, may sleep.
 */
#ifdef CONFIG_X86_LOCAL_APIC
int vni_partition_probe(void);
void vni_partition_remove(void);
#else
static inline int vni_partition_probe(void) { return -ENODEV; }
static inline void vni_partition_remove(void) {}
#endif

#ifdef CONFIG_PCI
int vni_ivshmem_probe(void);
void vni_ivshmem_remove(void);
#else
static inline int vni_ivshmem_probe(void) { return -ENODEV; }
static inline void vni_ivshmem_remove(void) {}
#endif

#ifdef CONFIG_UML
int vni_uml_probe(void);
void vni_uml_remove(void);
#else
static inline int vni_uml_probe(void) { return -ENODEV; }
static inline void vni_uml_remove(void) {}
#endif

#endif /* VNI_WINDOW_H */
