/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The network device at a window.
 *
 * One vni_dev a window and node; one vni_queue a transmit and receive queue; one vni_conn a seat
 * whose link is up, with one vni_pipe a queue. A vni_pipe holds this node's side of the four rings
 * between two queues.
 *
 * Who may touch what: the receive side of queue N (rx and give of its pipes) belongs to the NAPI
 * poll of queue N. The transmit side (tx and take of its pipes, the offset manager) belongs to who
 * holds vni_queue.lock, which xmit and NAPI take with bottom halves off. A vni_conn is found
 * through RCU: first its seat in vni_dev.up, then vni_dev.conns; it goes a grace period after its
 * seat left vni_dev.up.
 */
#ifndef VNI_VNI_H
#define VNI_VNI_H

#include <linux/hrtimer.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/u64_stats_sync.h>

#include "offset_mgr/vni_offset_mgr.h"
#include "shmem_ring/vni_rec.h"
#include "shmem_ring/vni_slip.h"
#include "vni_abi.h"
#include "vni_ram.h"
#include "vni_shm.h"
#include "fdb.h"
#include "xdp.h"

struct page_pool;
struct vni_pair;

/* Which form of the source documents frames take. */
enum vni_form {
	VNI_FORM_MIXED,		/* by size: up to the threshold in the ring, above in slots */
	VNI_FORM_HEADTAIL,	/* all in the ring */
	VNI_FORM_OFFSET,	/* all in slots */
};

#define VNI_COPYBREAK 2048	/* bytes; the threshold of the mixed form, ethtool's tx-copybreak */
#define VNI_COPYBREAK_MAX 4096
#define VNI_RX_COPYBREAK VNI_ETH_FRAME_MAX /* bytes; up to these are copied: all; rx-copybreak */
#define VNI_AGEING_MS 300000	/* learned addresses, as bridges have it; sysfs vni/ageing_ms */
#define VNI_AGEING_MS_MAX 86400000
#define VNI_WAIT_MS 200		/* for room at one peer while there are others */
#define VNI_RX_USECS 160 /* between polls of heavy traffic, ethtool's rx-usecs */

/* A channel's geometry, this node's own or a checked copy of a peer's. Offsets in bytes. */
struct vni_geometry {
	u32 queues;		/* for how many there is room */
	u32 used;		/* of them; our own changes under the RTNL while no link is up */
	u32 ring_lines;
	u32 returns;
	u32 slots;
	u32 features;
	u32 frame_max;		/* what is taken */
	u32 send_max;		/* our own only: what our slots suffice for */
	u64 ram;		/* our own only: a peer's is read by loan.c */
	u64 held;		/* 0: a peer that tells nothing, and looks at nothing, of this */
	u32 held_slots;
	u64 ends, rings, give_rings, table, buffer;
	u64 size;
};

/* A frame on its way: how it will lie in the rings. */
struct vni_tx_frame {
	struct sk_buff *skb;
	struct vni_rec rec;
	u32 lines;
	u32 nslots;
	u32 slots[VNI_ETH_SLOTS_MAX];
	u32 nsegs;		/* direct form: pieces, else 0 */
	u32 head;		/* direct form: bytes behind them */
	struct vni_seg segs[VNI_ETH_SEGS_MAX];
};

/* Reading an skb's bytes in order; gather.c. */
struct vni_gather {
	const u8 *data;		/* the next ones, @left of them */
	u32 left;
	u32 taken;		/* bytes read so far */
	bool linear;		/* all are in one piece, and @seq is not used */
	struct skb_seq_state seq;
};

#define VNI_LOANS      256	/* frames of a seat and queue that the stack may use in place */
#define VNI_LOANS_REAP 32	/* given back in one poll */

/* A received frame whose fragments are pages of the peer: its own, or slots of its buffer. */
struct vni_loan {
	struct list_head entry;
	struct page *slot_pages;	/* of the peer's first slot, or NULL: its own pages */
	bool former;		/* of an earlier link, and nobody waits for it */
	u32 token;		/* own pages: the slot to give back */
	u32 count;
	union {
		struct page *pages[VNI_ETH_SEGS_MAX];
		u32 slots[VNI_ETH_SLOTS_MAX];
	};
};

/* A seat's loans at one queue. */
struct vni_loans {
	struct list_head out;	/* about in the order they came */
	struct list_head free;
	u32 held;		/* slots on loan that this link's return ring will take home */
	struct vni_loan loans[VNI_LOANS];
};

/* A packet buffer of a peer's: two that are the same have the same slots in the same places. */
struct vni_held_of {
	u64 buffer;		/* bytes from the window's start */
	u32 slots, queues;
};

/* A peer whose pages frames may stay in; kept beyond its links. */
struct vni_lender {
	struct vni_ram *ram;	/* its own memory, or NULL */
	struct vni_held_of of;	/* where the slots are that are on loan */
	bool looks;		/* at what is told; else links wait for loans of slots too */
	u64 *map;		/* what is told, in the making: a bit a slot */
	struct vni_loans loans[];	/* a queue each */
};

/* One of a peer's queues joined to one of ours. */
struct vni_pipe {
	/* transmit side, under vni_queue.lock */
	struct vni_ring tx;
	u8 *tx_store;
	u32 tx_bytes;
	u32 lend_max;		/* slots that the peer may hold */
	u32 *flight;		/* by line where a record starts: lines << 20 | bytes, for BQL */
	u32 settled;		/* index up to which BQL was told; ahead of the tail if slow */
	u32 frame_max;		/* bytes, the largest frame that the peer takes */
	unsigned int looks;	/* at a peer that owes us, since it last took or gave back */
	bool slow;		/* frames waited for too long: what does not fit is dropped */
	struct sk_buff_head backlog;	/* frames that wait for room; backlog.c */
	u32 backlog_bytes;
	struct vni_ring take;
	const __le32 *take_store;

	/* receive side, NAPI only */
	struct vni_ring rx ____cacheline_aligned;
	struct vni_slip slip;
	const u8 *rx_store;
	u32 rx_bytes;
	const u8 *peer_buffer;
	u32 peer_slots;
	struct vni_ring give;
	__le32 *give_store;
	struct page *peer_pages;	/* of peer_buffer, or NULL: what lies there is copied */
	const __le32 *keep;		/* the peer's word how many slots may be on loan */
	const struct vni_ram *ram;	/* the peer's own memory, or NULL: it has to copy */
	struct vni_loans *loans;	/* with ram or peer_pages */
};

struct vni_conn {
	struct rcu_head rcu;
	unsigned int seat;
	unsigned int queues;	/* the smaller count of both */
	u32 features;		/* VNI_ETH_F_* that the peer takes */
	u32 frame_max;
	const struct vni_eth *eth;	/* the peer's, for its MAC; untrusted */
	struct vni_pipe pipes[];
};

/* What one poll counts up, before it goes into the statistics. NAPI only. */
struct vni_rx_count {
	u64 bytes;
	u32 frames, inline_frames;
	u32 bells_rung;		/* because a sender waited for room */
	u32 direct_frames, loan_copies, lent_frames;
	u32 no_memory, bad_frame, stale;
};

struct vni_rx_stats {
	u64_stats_t bytes, frames, inline_frames, direct_frames, loan_copies, lent_frames;
	u64_stats_t bells_rung, no_memory, bad_frame, stale;
	u64_stats_t polls, timer_polls, busy_frames;
	struct u64_stats_sync sync;
};

struct vni_tx_stats {
	u64_stats_t frames, bytes, inline_frames, direct_frames;
	u64_stats_t bells_rung, bells_spared;
	u64_stats_t stops, wakes;
	u64_stats_t waited, wait_ends, floods;
	u64_stats_t no_peer, too_long, bad_offload, peer_full;
	u64_stats_t xdp_xmit, xdp_xmit_errors;
	struct u64_stats_sync sync;
};

/* How heavy the traffic of a queue is; see moderation.c. NAPI. */
struct vni_moderation {
	u64 since;		/* ns, start of the present span */
	u32 rx_frames, tx_frames_before, tx_pushed_before;
	u64 rx_bytes, tx_bytes_before;
	u32 most;		/* frames in one poll */
	u32 found;		/* frames since the last pause between polls */
	u32 usecs;		/* that pause */
	u32 mean;		/* bytes of a frame in the last span; idle.c looks at it too */
	bool heavy;		/* likewise */
	u64 spin_until;		/* ns; polls that find nothing go on until then */
	u64 now;		/* ns; the present poll's time */
};

/* A thread that waits for frames while the processor is idle; see idle.c. */
struct vni_idle {
	struct task_struct *task;	/* while the device is open, or NULL */
	bool wanted;		/* set by polls, cleared by the thread when it has waited */
	u64 rest_until;		/* ns; not woken before. By the thread and set_coalesce() */
	int cpu;		/* where to wait under heavy traffic; set by polls */
	/* the thread's own */
	u64 last, breath;	/* ns; when it last looked, when it goes through the scheduler */
	u64 lost;		/* ns waited since the last frame */
	u64 credit;		/* ns of waiting that frames have paid for */
	unsigned long switches;
	int losses;		/* in a row that were not paid for */
	bool caught;		/* its last poll had frames */
	bool over;
	bool bound;		/* it went to one processor; @cpus is where it might be before */
	struct cpumask cpus;
};

struct vni_queue {
	struct vni_dev *vd;
	unsigned int index;
	struct napi_struct napi;
	struct hrtimer timer;
	struct timer_list reaper;	/* looks for loans that are over while nothing else polls */
	unsigned long reap_wait;	/* jiffies to its next look */
	bool loans_out;		/* as this poll found; NAPI only */
	struct page_pool *pool;	/* while the device is open */
	struct vni_moderation mod;
	struct vni_rx_count now;
	unsigned int poll_turn;	/* the seat that is polled first; NAPI only */
	struct vni_rx_stats rx;
	struct vni_xdp xdp;
	atomic64_t bells_seen;
	bool asleep;		/* a doorbell was asked for at some peer; NAPI only */
	bool lazy;		/* what was consumed is shown later; NAPI only */
	struct vni_idle idle;
	bool found;		/* a hint: the last poll had work, and may not come by itself */

	spinlock_t lock ____cacheline_aligned;	/* the transmit side */
	struct vni_omgr om;
	u64 pending;		/* seats with records that are not published yet */
	u64 stopped;		/* transmit queues that wait for room here, a bit each */
	unsigned int stop_seat;	/* the seat that had none */
	u64 waiting;		/* seats that frames wait for in vni_pipe.backlog */
	unsigned int drain_turn;	/* the seat whose frames go first */
	bool polled;		/* the poll comes by timer: no need to ask for a doorbell */
	u32 tx_frames;		/* all ever, for the moderation */
	u32 tx_pushed;		/* of them, as vni_moderation_pushes() says */
	u64 tx_bytes;
	struct vni_tx_stats tx;
	void *om_memory;
	struct sk_buff **kept;	/* by slot: the frame of the direct form that it stands for */
	struct sk_buff_head orphans;	/* such frames of links that are down; mark: the seat */
};

struct vni_dev {
	struct net_device *ndev;
	struct vni_window *win;
	struct vni_pair *pair;	/* of link.c, or NULL */
	struct net_device __rcu *peer;	/* the pair's other end, from its making to its end */
	struct vni_channel *chan;
	void *base;		/* the channel in our section */
	struct vni_eth *eth;	/* ours, in the window */
	struct vni_geometry geo;
	struct vni_conn __rcu *conns[VNI_SEATS_MAX];
	u64 up;			/* seats with a conn, a bit each */
	u32 common;		/* VNI_ETH_F_* that all of them take */
	u32 lend_share;		/* slots of a queue that one of them may hold */
	u32 frame_max;		/* bytes, the largest frame that we send and all of them take */
	enum vni_form form;
	u32 copybreak;
	u32 rx_copybreak;
	u32 rx_usecs;
	bool adaptive;
	bool direct;		/* the others are trusted with our memory, and we use theirs */
	u64 takes;		/* seats whose own pages we take: vni_eth.direct, as we wrote it */
	unsigned int ram_count;
	u64 ram_bias;		/* from our physical addresses to those of ram_own */
	struct vni_ram_range ram_own[VNI_RAM_RANGES];
	struct vni_lender *lenders[VNI_SEATS_MAX];
	struct bpf_prog __rcu *xdp_prog;	/* changed under the RTNL; seen by polls */
	bool xdp_in_place;	/* programs here write to no fragments, somebody says */
	struct timer_list stall;
	u64 ageing;		/* jiffies that a learned address is kept for; 0: none is learned */
	spinlock_t fdb_lock;	/* who changes fdb, but for the time when an address was seen */
	struct vni_fdb fdb;
	struct vni_queue queues[];
};

static inline struct vni_eth_ends *vni_own_ends(const struct vni_dev *vd, unsigned int seat,
						unsigned int queue)
{
	struct vni_eth_ends *ends = vd->base + vd->geo.ends;

	return &ends[seat * vd->geo.queues + queue];
}

/* There are several peers: none of them may hold up what goes to the others. */
static inline bool vni_several(const struct vni_dev *vd)
{
	u64 up = READ_ONCE(vd->up);

	return up & (up - 1);
}

/* The pipe to a seat, or NULL if its link is not up (any more). Bottom halves off. */
static inline struct vni_pipe *vni_pipe_of(const struct vni_queue *q, unsigned int seat)
{
	struct vni_conn *conn = NULL;

	if (READ_ONCE(q->vd->up) & BIT_ULL(seat))
		conn = rcu_dereference_bh(q->vd->conns[seat]);
	return conn && q->index < conn->queues ? &conn->pipes[q->index] : NULL;
}

/* The first of some seats, not empty, from a seat on, round the end. */
static inline unsigned int vni_next_seat(u64 seats, unsigned int from)
{
	u64 ahead = from < VNI_SEATS_MAX ? seats >> from << from : 0;

	return __ffs64(ahead ?: seats);
}

/* Bytes that one seat's share of held takes. */
static inline u64 vni_held_size(const struct vni_geometry *geo)
{
	return sizeof(struct vni_eth_held) + geo->held_slots / BITS_PER_BYTE;
}

/* geometry.c */
int vni_geometry_plan(struct vni_geometry *geo, unsigned int seats, unsigned int queues,
		      u64 space);
void vni_geometry_write(const struct vni_geometry *geo, struct vni_eth *eth);
int vni_geometry_read(struct vni_geometry *geo, const struct vni_eth *eth, u64 size,
		      unsigned int seats, const char **why);

/* conn.c */
void vni_frame_max(struct vni_dev *vd);
extern const struct vni_channel_ops vni_channel_ops;

/* segment.c */
void vni_segment_init(struct vni_dev *vd);
u64 vni_segment_route(const struct vni_dev *vd, const u8 *dest, bool *flood);
void vni_segment_learn(struct vni_dev *vd, unsigned int seat, const u8 *src);
void vni_segment_forget(struct vni_dev *vd, unsigned int seat);

/* backlog.c */
bool vni_backlog_put(struct vni_queue *q, unsigned int seat, struct sk_buff *skb);
bool vni_backlog_drain(struct vni_queue *q, u64 seats);
void vni_backlog_expire(struct vni_queue *q, struct vni_pipe *pipe, unsigned int seat);
void vni_backlog_purge(struct vni_queue *q, struct vni_pipe *pipe, unsigned int seat);

/* gather.c */
void vni_gather_begin(struct vni_gather *gather, struct sk_buff *skb);
int vni_gather(struct vni_gather *gather, void *to, u32 len);
void vni_gather_end(struct vni_gather *gather);

/* tx.c */
bool vni_tx_resend(struct vni_queue *q, unsigned int seat, struct sk_buff *skb);
netdev_tx_t vni_start_xmit(struct sk_buff *skb, struct net_device *ndev);

/* stop.c */
void vni_tx_flush(struct vni_queue *q);
bool vni_tx_limited(const struct vni_queue *q);
bool vni_tx_room_for_next(struct vni_queue *q, struct vni_pipe *pipe, unsigned int seat);
void vni_tx_wait(struct vni_queue *q);
bool vni_tx_stop(struct vni_queue *q, unsigned int txi, unsigned int seat);
void vni_tx_wake(struct vni_queue *q);
void vni_tx_service(struct vni_queue *q, bool polled);
void vni_tx_unstall(struct timer_list *timer);

/* room.c */
void vni_tx_settle(struct vni_queue *q, struct vni_pipe *pipe, u32 upto);
u32 vni_tx_reap(struct vni_queue *q, struct vni_pipe *pipe, unsigned int seat);
bool vni_tx_room(struct vni_queue *q, struct vni_pipe *pipe, unsigned int seat, u32 lines,
		 u32 slots);
void vni_tx_forget(struct vni_queue *q, struct vni_pipe *pipe, unsigned int seat);
void vni_tx_reclaim(struct vni_queue *q, unsigned int seat, struct vni_held held);
int vni_tx_adopt(struct vni_queue *q, unsigned int seat, struct vni_held held);

/* direct.c */
bool vni_direct_plan(const struct vni_dev *vd, const struct vni_conn *conn,
		     struct vni_tx_frame *frame);
void vni_direct_put(struct vni_pipe *pipe, const struct vni_tx_frame *frame, u32 at);
void vni_direct_keep(struct vni_queue *q, const struct vni_tx_frame *frame);
void vni_direct_returned(struct vni_queue *q, u32 slot);
void vni_direct_orphan(struct vni_queue *q, unsigned int seat);
void vni_direct_release(struct vni_queue *q, unsigned int seat);

/* lend.c */
struct sk_buff *vni_lend(struct vni_queue *q, struct vni_pipe *pipe,
			 const struct vni_rec_view *view, const u32 *slots);
bool vni_lend_wanted(struct vni_queue *q, const struct vni_pipe *pipe,
		     const struct vni_rec_view *view, u32 head);
void vni_lend_note(struct vni_queue *q, struct vni_pipe *pipe, const struct vni_rec_view *view,
		   const u32 *slots);
bool vni_lends(const struct vni_dev *vd);
int vni_lend_set(struct vni_dev *vd, u32 rx_copybreak);

/* loan.c */
const char *vni_direct_read(struct vni_queue *q, struct vni_pipe *pipe,
			    const struct vni_rec_view *view, u32 at, struct sk_buff **skb,
			    bool *lent);
void vni_loan_slots(struct vni_loans *loans, struct page *pages, const u32 *slots, u32 count);
u32 vni_loans_reap(struct vni_pipe *pipe);
int vni_loans_init(void);
void vni_loans_exit(void);
void vni_loans_flush(void);
bool vni_loan_over(const struct vni_loan *loan);

/* lender.c */
struct vni_lender *vni_lender_up(struct vni_dev *vd, unsigned int seat, const struct vni_eth *eth,
				 const struct vni_geometry *geo);
void vni_lender_down(struct vni_dev *vd, unsigned int seat);
bool vni_lender_busy(struct vni_dev *vd, unsigned int seat);
bool vni_lender_waits(struct vni_dev *vd, unsigned int seat);
void vni_lender_free(struct vni_dev *vd, unsigned int seat);

/* held.c */
void vni_held_tell(struct vni_dev *vd, unsigned int seat);
void vni_held_carry(struct vni_dev *vd, struct vni_lender *lender, const void *channel,
		    const struct vni_geometry *geo);
struct vni_held vni_held_read(const struct vni_dev *vd, const void *channel,
			      const struct vni_geometry *geo);

/* trust.c */
int vni_trust_set(struct vni_dev *vd, bool on);
void vni_trust_end(struct vni_dev *vd);

/* pages.c */
int vni_pages_open(struct vni_queue *q);
void vni_pages_close(struct vni_queue *q);
struct sk_buff *vni_pages_skb(struct vni_queue *q, u32 len);
struct sk_buff *vni_pages_head(struct vni_queue *q, u32 len);

/* rx.c */
int vni_rx_give_back(struct vni_pipe *pipe, const u32 *slots, u32 count);
int vni_rx_pipe(struct vni_queue *q, struct vni_conn *conn, int budget);
void vni_rx_publish(struct vni_queue *q, struct vni_conn *conn);

/* poll.c */
int vni_poll(struct napi_struct *napi, int budget);
void vni_reaper(struct timer_list *timer);
bool vni_bell(void *data);
enum hrtimer_restart vni_timer(struct hrtimer *timer);
void vni_poll_later(struct vni_queue *q, u32 usecs);

/* moderation.c */
bool vni_moderation_pushes(void);
void vni_moderation_note(struct vni_queue *q, u32 frames, u64 bytes);
bool vni_moderation_heavy(struct vni_queue *q, u32 frames);
bool vni_moderation_spin(struct vni_queue *q, u32 frames);
bool vni_moderation_small(const struct vni_queue *q);
bool vni_moderation_wait(struct vni_queue *q);
u32 vni_moderation_gather(const struct vni_queue *q);

/* idle.c */
void vni_idle_note(struct vni_queue *q, bool stays);
void vni_idle_take_over(struct vni_queue *q);
void vni_idle_open(struct vni_queue *q);
void vni_idle_close(struct vni_queue *q);

/* netdev.c */
extern const struct net_device_ops vni_netdev_ops;
void vni_netdev_setup(struct net_device *ndev);
void vni_netdev_show(struct vni_dev *vd);
void vni_netdev_show_features(struct vni_dev *vd);
void vni_netdev_pause(struct vni_dev *vd, bool really);
void vni_netdev_go_on(struct vni_dev *vd, bool really);

/* queues.c */
void vni_queues_spread(struct vni_dev *vd);
int vni_queues_use(struct vni_dev *vd, unsigned int count);

/* main.c */
int vni_dev_plan(struct vni_geometry *geo, struct vni_window *win, unsigned int queues);
int vni_dev_init(struct net_device *ndev, struct vni_window *win, const struct vni_geometry *geo);
void vni_dev_exit(struct net_device *ndev);

/* link.c */
int vni_link_register(unsigned int queues);
void vni_link_unregister(void);

/* ethtool.c, sysfs.c */
extern const struct ethtool_ops vni_ethtool_ops;
extern const struct attribute_group vni_sysfs_group;

#endif /* VNI_VNI_H */
