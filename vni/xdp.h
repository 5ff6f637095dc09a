/* SPDX-License-Identifier: GPL-2.0 */
/*
 * XDP: a program sees received frames before the stack does. What is of a queue belongs to its NAPI
 * poll, but for ndo_xdp_xmit, which counts under vni_queue.lock.
 */
#ifndef VNI_XDP_H
#define VNI_XDP_H

#include <linux/bpf.h>
#include <linux/list.h>
#include <linux/skbuff.h>
#include <linux/u64_stats_sync.h>
#include <net/xdp.h>

struct net_device;
struct netdev_bpf;
struct page_pool;
struct xsk_buff_pool;
struct vni_dev;
struct vni_pipe;
struct vni_queue;
struct vni_rec_view;

/* What became of a frame, a counter each. */
enum vni_xdp_end {
	VNI_XDP_PASS,
	VNI_XDP_DROP,
	VNI_XDP_ABORTED,	/* by the program, a verdict that there is not, no memory */
	VNI_XDP_TX,
	VNI_XDP_TX_ERROR,	/* there was no room, or no memory */
	VNI_XDP_REDIRECT,
	VNI_XDP_REDIRECT_ERROR,
	VNI_XDP_REFUSED,	/* not shown: too long, or its sender left work to do */
	VNI_XDP_XSK_RX,		/* written into a socket's memory, whatever came of it then */
	VNI_XDP_XSK_TX,		/* from a socket's memory, to the transmit side */
	VNI_XDP_ENDS,
};

/* Frames in a socket's memory that wait for the program; a poll takes no more from one peer. */
#define VNI_XSK_FRAMES 64

/* Of a queue: an AF_XDP socket without copies. */
struct vni_xsk {
	struct xsk_buff_pool *pool;	/* or NULL; changed under the RTNL while no poll runs */
	struct xdp_rxq_info rxq;	/* while the device is open */
	bool dry;			/* there was no memory for the last frame */
	u32 count;
	struct xdp_buff *bufs[VNI_XSK_FRAMES];	/* received, and not shown to the program yet */
	struct sk_buff_head unsent;	/* fetched from the socket; there was no room for them */
};

/*
 * Of frames in place no more wait to be shown: dropped at once, they hold up no more slots of the
 * peer's than need be.
 */
#define VNI_XDP_LENT 8

/* Of a queue. */
struct vni_xdp {
	struct bpf_prog *prog;		/* of the poll that runs, or NULL */
	struct list_head bufs;		/* received, and not shown to the program yet */
	struct sk_buff_head replies;	/* XDP_TX, on their way to the rings */
	bool redirected;		/* by this poll */
	u32 now[VNI_XDP_ENDS];		/* as in vni_rx_count */
	u64_stats_t stats[VNI_XDP_ENDS];/* with vni_rx_stats.sync */
	struct page_pool *pool;		/* single pages; while the device is open */
	struct xdp_rxq_info rxq;
	struct xdp_rxq_info lent_rxq;	/* of frames whose fragments are in place */
	u32 lent;			/* of them wait to be shown */
	struct vni_xsk xsk;
};

/*
 * A received frame that a program is to see. This lies in the room that the program has in front
 * of the frame, at the start of a page; more pages are in vni_xdp_frags().
 */
struct vni_xdp_buf {
	struct list_head entry;
	u32 head;	/* bytes in this page */
	u32 count;	/* further pages */
	bool lent;	/* they are the peer's */
};

static inline void *vni_xdp_data(struct vni_xdp_buf *buf)
{
	return (void *)buf + XDP_PACKET_HEADROOM;
}

static inline struct skb_shared_info *vni_xdp_frags(struct vni_xdp_buf *buf)
{
	return (void *)buf + SKB_WITH_OVERHEAD(PAGE_SIZE);
}

void vni_xdp_setup(struct net_device *ndev);
int vni_xdp_open(struct vni_queue *q);
void vni_xdp_close(struct vni_queue *q);
void vni_xdp_begin(struct vni_queue *q);
void vni_xdp_end(struct vni_queue *q);
bool vni_xdp_may_see(struct vni_queue *q, const struct vni_rec_view *view);
struct vni_xdp_buf *vni_xdp_alloc(struct vni_queue *q, struct vni_pipe *pipe,
				  const struct vni_rec_view *view, const u32 *slots);
void vni_xdp_run(struct vni_queue *q, unsigned int seat, bool fresh);
void vni_xdp_reply(struct vni_queue *q);
u32 vni_xdp_send(struct vni_dev *vd, unsigned int txi, struct sk_buff_head *frames);
void vni_xdp_count(struct vni_queue *q);
u64 vni_xdp_lost(const struct vni_queue *q);
bool vni_xdp_mtu_fits(const struct vni_dev *vd, int mtu);
int vni_xdp_command(struct net_device *ndev, struct netdev_bpf *command);
int vni_xdp_xmit(struct net_device *ndev, int count, struct xdp_frame **frames, u32 flags);

/* xdp_lend.c */
bool vni_xdp_lend(struct vni_queue *q, struct vni_pipe *pipe, const struct vni_rec_view *view,
		  const u32 *slots, struct vni_xdp_buf *buf);
void vni_xdp_lent_free(struct vni_queue *q, struct vni_xdp_buf *buf);
void vni_xdp_lent_drop(struct vni_queue *q, struct xdp_buff *xdp);
bool vni_xdp_lent_copy(struct vni_queue *q, struct xdp_buff *xdp);
int vni_xdp_in_place_set(struct vni_dev *vd, bool on);

#ifdef CONFIG_XDP_SOCKETS
int vni_xsk_init(void);
void vni_xsk_exit(void);
int vni_xsk_open(struct vni_queue *q);
void vni_xsk_close(struct vni_queue *q);
int vni_xsk_setup(struct vni_dev *vd, struct xsk_buff_pool *pool, unsigned int index);
int vni_xsk_wakeup(struct net_device *ndev, u32 index, u32 flags);
void *vni_xsk_alloc(struct vni_queue *q, u32 len);
struct sk_buff *vni_xsk_skb(struct vni_queue *q, struct xdp_buff *xdp);
bool vni_xsk_poll(struct vni_queue *q);
#else /* a kernel without such sockets */
static inline int vni_xsk_init(void)
{
	return 0;
}

static inline void vni_xsk_exit(void)
{
}

static inline int vni_xsk_open(struct vni_queue *q)
{
	return 0;
}

static inline void vni_xsk_close(struct vni_queue *q)
{
}

static inline int vni_xsk_setup(struct vni_dev *vd, struct xsk_buff_pool *pool, unsigned int index)
{
	return -EOPNOTSUPP;
}

static inline int vni_xsk_wakeup(struct net_device *ndev, u32 index, u32 flags)
{
	return -EOPNOTSUPP;
}

static inline void *vni_xsk_alloc(struct vni_queue *q, u32 len)
{
	return NULL;
}

static inline struct sk_buff *vni_xsk_skb(struct vni_queue *q, struct xdp_buff *xdp)
{
	return NULL;
}

static inline bool vni_xsk_poll(struct vni_queue *q)
{
	return false;
}
#endif

#endif /* VNI_XDP_H */
