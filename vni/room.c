// SPDX-License-Identifier: GPL-2.0
/*
 * Room to send: what a peer has consumed and given back, and whether one more frame fits.
 * All of it under vni_queue.lock.
 */
#include <linux/if_ether.h>

#include "vni.h"

/**
 * vni_tx_settle() - tell BQL that records are done with, once each
 * @q: the queue, locked
 * @pipe: the peer's pipe of that queue
 * @upto: index up to which they are; a record that it cuts is told with the next one
 *
 * Context: bottom halves off.
 */
void vni_tx_settle(struct vni_queue *q, struct vni_pipe *pipe, u32 upto)
{
	unsigned int frames = 0, bytes = 0;

	/* a peer that was taken for stuck may be behind what BQL was told */
	while ((s32)(upto - pipe->settled) > 0) {
		u32 flight = pipe->flight[pipe->settled & (pipe->tx.size - 1)];
		u32 lines = flight >> 20;

		if (upto - pipe->settled < lines)
			break;
		/* a record that BQL was not told of has no bytes */
		frames += !!(flight & 0xfffff);
		bytes += flight & 0xfffff;
		pipe->settled += lines;
	}
	if (frames)
		netdev_tx_completed_queue(netdev_get_tx_queue(q->vd->ndev, q->index), frames,
					  bytes);
}

/* How far the peer has read. */
static u32 reap_tail(struct vni_queue *q, struct vni_pipe *pipe, unsigned int seat)
{
	u32 before = pipe->tx.theirs;

	if (pipe->tx.mine == before)
		return 0;
	if (vni_ring_space(&pipe->tx, pipe->tx.size) < 0) {
		vni_shm_channel_fault(q->vd->chan, seat, "its tail passed our head");
		return 0;
	}
	if (pipe->tx.theirs == before)
		return 0;
	vni_tx_settle(q, pipe, pipe->tx.theirs);
	return pipe->tx.theirs - before;
}

/* Take slots back that the peer gave (step 9: the buffer manager is updated). */
static u32 reap_returns(struct vni_queue *q, struct vni_pipe *pipe, unsigned int seat)
{
	s32 i, avail;

	if (!q->om.lent[seat])
		return 0;
	avail = vni_ring_avail(&pipe->take);
	for (i = 0; i < avail; i++) {
		u32 slot = le32_to_cpu(READ_ONCE(pipe->take_store[vni_ring_at(&pipe->take)]));

		if (vni_omgr_take_back(&q->om, slot, seat)) {
			vni_shm_channel_fault(q->vd->chan, seat,
					      "it gave back a slot that it does not hold");
			break;
		}
		vni_direct_returned(q, slot);
		vni_ring_advance(&pipe->take, 1);
	}
	if (avail < 0)
		vni_shm_channel_fault(q->vd->chan, seat, "its return ring holds too much");
	vni_ring_publish(&pipe->take);
	return i;
}

/**
 * vni_tx_reap() - learn what a peer has consumed and given back
 * @q: the queue, locked
 * @pipe: the peer's pipe of that queue
 * @seat: the peer
 *
 * Context: bottom halves off.
 * Return: how many lines and slots came back.
 */
u32 vni_tx_reap(struct vni_queue *q, struct vni_pipe *pipe, unsigned int seat)
{
	u32 back = reap_tail(q, pipe, seat) + reap_returns(q, pipe, seat);

	if (!back)
		return 0;
	pipe->looks = 0;
	/* it has caught up: frames may wait for it again */
	if (pipe->tx.mine - pipe->tx.theirs <= pipe->tx.size / 4)
		pipe->slow = false;
	return back;
}

static bool has_room(struct vni_queue *q, struct vni_pipe *pipe, unsigned int seat, u32 lines,
		     u32 slots)
{
	u32 used = pipe->tx.mine - pipe->tx.theirs;
	u32 most = min(pipe->lend_max, READ_ONCE(q->vd->lend_share));

	return pipe->tx.size - used >= lines && q->om.nfree >= slots &&
	       q->om.lent[seat] + slots <= most;
}

/**
 * vni_tx_room() - does a frame fit
 * @q: the queue, locked
 * @pipe: the peer's pipe of that queue
 * @seat: the peer
 * @lines: units of the ring that it takes
 * @slots: slots that it takes
 *
 * Context: bottom halves off.
 */
bool vni_tx_room(struct vni_queue *q, struct vni_pipe *pipe, unsigned int seat, u32 lines,
		 u32 slots)
{
	u64 left;

	if (has_room(q, pipe, seat, lines, slots))
		return true;
	vni_tx_reap(q, pipe, seat);
	if (q->om.nfree < slots) {
		for (left = READ_ONCE(q->vd->up) & ~BIT_ULL(seat); left; left &= left - 1) {
			unsigned int other = __ffs64(left);
			struct vni_pipe *owed = vni_pipe_of(q, other);

			if (owed)
				vni_tx_reap(q, owed, other);
		}
	}
	return has_room(q, pipe, seat, lines, slots);
}

/**
 * vni_tx_reclaim() - a link ended: the slots that it has not brought back are free again, but those
 * that the seat goes on using
 * @q: the queue; its lock is taken
 * @seat: the former peer, which has let go of the last session or is gone
 * @held: what it still uses, as it says
 *
 * Context: process.
 */
void vni_tx_reclaim(struct vni_queue *q, unsigned int seat, struct vni_held held)
{
	spin_lock_bh(&q->lock);
	vni_omgr_reclaim(&q->om, seat, held);
	rcu_read_lock_bh();
	vni_tx_wake(q);
	rcu_read_unlock_bh();
	spin_unlock_bh(&q->lock);
}

/**
 * vni_tx_adopt() - a seat uses slots that this node's former life lent it: they are not free
 * @q: the queue; its lock is taken
 * @seat: the seat, which is about to be a peer
 * @held: what it uses, as it says
 *
 * It is believed as far as vni_eth.keep ever let a receiver go, and as long as half of what one of
 * the peers may hold is free.
 *
 * Context: process.
 * Return: 0, or -ENOSPC: it says more than that.
 */
int vni_tx_adopt(struct vni_queue *q, unsigned int seat, struct vni_held held)
{
	struct vni_omgr *om = &q->om;
	u32 half = om->count / 2, spare;
	int ret;

	spare = half / hweight64(READ_ONCE(q->vd->up) | BIT_ULL(seat));
	spin_lock_bh(&q->lock);
	ret = vni_omgr_adopt(om, seat, held,
			     min(half - min(half, om->lent[seat]),
				 om->nfree - min(om->nfree, spare)));
	spin_unlock_bh(&q->lock);
	return ret;
}

/**
 * vni_tx_forget() - a link ended: settle what was under way on it
 * @q: the queue; its lock is taken
 * @pipe: the former peer's pipe of that queue, which nobody else uses any more
 * @seat: the former peer; what it holds stays lent to it until vni_tx_reclaim()
 *
 * Context: process.
 */
void vni_tx_forget(struct vni_queue *q, struct vni_pipe *pipe, unsigned int seat)
{
	spin_lock_bh(&q->lock);
	vni_backlog_purge(q, pipe, seat);
	vni_tx_settle(q, pipe, pipe->tx.mine);
	vni_direct_orphan(q, seat);
	q->pending &= ~BIT_ULL(seat);
	rcu_read_lock_bh();
	vni_tx_wake(q);
	rcu_read_unlock_bh();
	spin_unlock_bh(&q->lock);
}
