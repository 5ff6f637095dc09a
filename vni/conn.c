// SPDX-License-Identifier: GPL-2.0
/*
 * A connection: this node's end of all rings between it and one seat, from link up to link down.
 * The callbacks here are vni_channel_ops: process context, one at a time, never under the RTNL.
 */
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "vni.h"

/* What a peer's channel is like. Returns NULL, or a text that says why it is refused. */
static const char *peer_read(const struct vni_dev *vd, const void *peer, u64 size, u32 version,
			     struct vni_geometry *geo)
{
	const char *why;

	if (version >> 16 != VNI_ETH_VERSION >> 16)
		return "its Ethernet service has another version; use modules of one version";
	if (size < sizeof(struct vni_chan) + sizeof(struct vni_eth))
		return "its channel is too small for the Ethernet service";
	vni_geometry_read(geo, peer + sizeof(struct vni_chan), size, vni_shm_seats(vd->win), &why);
	return why;
}

/*
 * What a seat holds of our slots, as it says, is not free; all else of what it had is. Returns 0,
 * or -ENOSPC: it says more than a node may hold.
 */
static int conn_held(struct vni_dev *vd, unsigned int seat, struct vni_held held)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < vd->geo.queues; i++) {
		vni_tx_reclaim(&vd->queues[i], seat, held);
		if (vni_tx_adopt(&vd->queues[i], seat, held))
			ret = -ENOSPC;
	}
	return ret;
}

static void conn_reset(void *priv, unsigned int seat, const void *peer, u64 size, u32 version)
{
	struct vni_dev *vd = priv;
	struct vni_geometry geo;
	struct vni_held held = {};
	unsigned int i;

	if (peer && !peer_read(vd, peer, size, version, &geo))
		held = vni_held_read(vd, peer, &geo);
	for (i = 0; i < vd->geo.queues; i++) {
		struct vni_eth_ends *ends = vni_own_ends(vd, seat, i);

		vni_ring_clear(&ends->tx);
		vni_ring_clear(&ends->rx);
		vni_ring_clear(&ends->give);
		vni_ring_clear(&ends->take);
		vni_direct_release(&vd->queues[i], seat);
	}
	/* more than it may hold: the link will be refused, but not yet */
	conn_held(vd, seat, held);
}

static void pipe_attach(struct vni_dev *vd, struct vni_pipe *pipe, unsigned int seat,
			unsigned int i, const void *peer, const struct vni_geometry *geo)
{
	unsigned int self = vni_shm_seat(vd->win);
	struct vni_eth_ends *own = vni_own_ends(vd, seat, i);
	const struct vni_eth_ends *theirs =
		(const struct vni_eth_ends *)(peer + geo->ends) + self * geo->queues + i;
	u32 ours = seat * vd->geo.queues + i;
	u32 other = self * geo->queues + i;

	vni_ring_attach(&pipe->tx, &own->tx, &theirs->rx, vd->geo.ring_lines);
	pipe->tx_bytes = vd->geo.ring_lines * VNI_LINE;
	pipe->tx_store = vd->base + vd->geo.rings + (u64)ours * pipe->tx_bytes;
	vni_ring_attach(&pipe->take, &own->take, &theirs->give, geo->returns);
	pipe->take_store = peer + geo->give_rings + (u64)other * geo->returns * sizeof(__le32);
	/* all that is lent must fit into the return ring, whatever order it comes back in */
	pipe->lend_max = min(geo->returns, vd->queues[i].om.count);

	vni_ring_attach(&pipe->rx, &own->rx, &theirs->tx, geo->ring_lines);
	pipe->rx_bytes = geo->ring_lines * VNI_LINE;
	pipe->rx_store = peer + geo->rings + (u64)other * pipe->rx_bytes;
	pipe->peer_buffer = peer + geo->buffer;
	pipe->peer_slots = geo->slots;
	pipe->keep = &((const struct vni_eth *)(peer + sizeof(struct vni_chan)))->keep;
	vni_ring_attach(&pipe->give, &own->give, &theirs->take, vd->geo.returns);
	pipe->give_store =
		vd->base + vd->geo.give_rings + (u64)ours * vd->geo.returns * sizeof(__le32);
}

/* The pipes of a link that comes up know whose pages frames may lie in. */
static void conn_lender(struct vni_dev *vd, struct vni_conn *conn, struct vni_lender *lender)
{
	unsigned int i;

	for (i = 0; lender && i < conn->queues; i++) {
		struct vni_pipe *pipe = &conn->pipes[i];

		pipe->loans = &lender->loans[i];
		/* what lies in slots that there is no bit for could not be told */
		if (pipe->peer_slots <= vd->geo.held_slots)
			pipe->peer_pages = vni_shm_page(vd->win, pipe->peer_buffer);
		if (vd->takes & BIT_ULL(conn->seat))
			pipe->ram = lender->ram;
	}
}

static void conn_free(struct vni_conn *conn)
{
	unsigned int i;

	for (i = 0; i < conn->queues; i++)
		kvfree(conn->pipes[i].flight);
	kvfree(conn);
}

static struct vni_conn *conn_alloc(struct vni_dev *vd, unsigned int seat, const void *peer,
				   const struct vni_geometry *geo)
{
	unsigned int i, queues = min(vd->geo.used, geo->used);
	struct vni_conn *conn = kvzalloc(struct_size(conn, pipes, queues), GFP_KERNEL);

	if (!conn)
		return NULL;
	conn->seat = seat;
	conn->queues = queues;
	conn->features = geo->features;
	conn->frame_max = geo->frame_max;
	conn->eth = peer + sizeof(struct vni_chan);
	for (i = 0; i < queues; i++) {
		struct vni_pipe *pipe = &conn->pipes[i];

		pipe_attach(vd, pipe, seat, i, peer, geo);
		pipe->frame_max = geo->frame_max;
		__skb_queue_head_init(&pipe->backlog);
		pipe->flight = kvcalloc(vd->geo.ring_lines, sizeof(*pipe->flight), GFP_KERNEL);
		if (!pipe->flight) {
			conn_free(conn);
			return NULL;
		}
	}
	return conn;
}

/**
 * vni_frame_max() - what the stack may give us at once, for now
 * @vd: the device; its peers or its form have changed
 *
 * As much as the peers take and our slots suffice for; the head/tail form has the ring alone. A
 * limit that somebody set lower (ip link set gso_max_size) stays as it is.
 *
 * Context: process.
 */
void vni_frame_max(struct vni_dev *vd)
{
#ifdef VNI_BIG_TCP
	static DEFINE_MUTEX(lock);
	struct net_device *ndev = vd->ndev;
	u32 before, now;

	mutex_lock(&lock);
	before = ndev->tso_max_size;
	now = READ_ONCE(vd->form) == VNI_FORM_HEADTAIL ? VNI_ETH_INLINE_MAX : vd->frame_max;
	now = max_t(u32, round_down(now, SZ_1K), GSO_LEGACY_MAX_SIZE);
	if (ndev->gso_max_size == before)
		WRITE_ONCE(ndev->gso_max_size, now);
	if (ndev->gso_ipv4_max_size == before)
		WRITE_ONCE(ndev->gso_ipv4_max_size, now);
	/* takes what was set larger down with it */
	netif_set_tso_max_size(ndev, now);
	mutex_unlock(&lock);
#endif
}

/* What every peer can take, and whether there is anyone at all. */
static void conns_changed(struct vni_dev *vd)
{
	u32 common = ~0u, frame_max = vd->geo.send_max;
	u64 left;

	for (left = vd->up; left; left &= left - 1) {
		const struct vni_conn *conn =
			rcu_dereference_protected(vd->conns[__ffs64(left)], true);

		common &= conn->features;
		frame_max = min(frame_max, conn->frame_max);
	}
	WRITE_ONCE(vd->common, common);
	WRITE_ONCE(vd->frame_max, vd->up ? frame_max : VNI_ETH_INLINE_MAX);
	vni_frame_max(vd);
	/* a peer that gives nothing back cannot hold what the others need */
	WRITE_ONCE(vd->lend_share, max_t(u32, 2 * vni_rec_slots(vd->frame_max),
					 vd->queues[0].om.count / max(hweight64(vd->up), 1UL)));
	/* half of it: so there is always room for frames that are copied */
	WRITE_ONCE(vd->eth->keep, cpu_to_le32(vd->lend_share / 2));
	if (vd->up)
		netif_carrier_on(vd->ndev);
	else
		netif_carrier_off(vd->ndev);
}

static int conn_up(void *priv, unsigned int seat, const void *peer, u64 size, u32 version,
		   const char **why)
{
	struct vni_dev *vd = priv;
	struct vni_geometry geo;
	struct vni_conn *conn;
	unsigned int i;

	*why = peer_read(vd, peer, size, version, &geo);
	if (*why)
		return -EPROTO;
	/*
	 * It has said so anew if it was restarted since our ends were reset, and for the first time
	 * if it was not there then.
	 */
	if (conn_held(vd, seat, vni_held_read(vd, peer, &geo))) {
		*why = "programs there have not read more of our slots than a node may hold";
		return -ENOSPC;
	}
	conn = conn_alloc(vd, seat, peer, &geo);
	if (!conn) {
		*why = "no memory here";
		return -ENOMEM;
	}
	if (le32_to_cpu(READ_ONCE(conn->eth->mtu)) != vd->ndev->mtu)
		netdev_info(vd->ndev,
			    "node %u has an MTU of %u, this node %u: larger frames than a node's MTU still arrive, but give both the same\n",
			    seat, le32_to_cpu(READ_ONCE(conn->eth->mtu)), vd->ndev->mtu);
	conn_lender(vd, conn, vni_lender_up(vd, seat, conn->eth, &geo));
	rcu_assign_pointer(vd->conns[seat], conn);
	WRITE_ONCE(vd->up, vd->up | BIT_ULL(seat));
	conns_changed(vd);
	/* the peer may have sent before we were ready to see its doorbell: arm the rings */
	local_bh_disable();
	for (i = 0; i < vd->geo.queues; i++)
		napi_schedule(&vd->queues[i].napi);
	local_bh_enable();
	return 0;
}

static void conn_down(void *priv, unsigned int seat)
{
	struct vni_dev *vd = priv;
	struct vni_conn *conn = rcu_dereference_protected(vd->conns[seat], true);
	unsigned int i;

	vni_lender_down(vd, seat);
	WRITE_ONCE(vd->up, vd->up & ~BIT_ULL(seat));
	conns_changed(vd);
	/*
	 * xmit and poll run as RCU readers and find the seat in vni_dev.up first: from here on none
	 * of them uses the connection. The pointer stays until then, so that who found the seat
	 * need not fear to find it gone at a second look.
	 */
	synchronize_net();
	vni_held_tell(vd, seat);
	for (i = 0; i < conn->queues; i++)
		vni_tx_forget(&vd->queues[i], &conn->pipes[i], seat);
	vni_segment_forget(vd, seat);
	RCU_INIT_POINTER(vd->conns[seat], NULL);
	conn_free(conn);
}

static bool conn_busy(void *priv, unsigned int seat)
{
	return vni_lender_waits(priv, seat);
}

const struct vni_channel_ops vni_channel_ops = {
	.reset = conn_reset,
	.up = conn_up,
	.down = conn_down,
	.busy = conn_busy,
};
