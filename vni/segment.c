// SPDX-License-Identifier: GPL-2.0
/*
 * N nodes at one window are one Ethernet segment: which seats a frame goes to, and what is learned
 * from the frames that come; see Documentation/segment.rst.
 */
#include <linux/etherdevice.h>
#include <linux/jiffies.h>
#include <linux/random.h>

#include "vni.h"

static u64 wire_address(const u8 *address)
{
	__le64 word = 0;

	memcpy(&word, address, ETH_ALEN);
	return le64_to_cpu(word);
}

/*
 * The seats that announce an address as their node's own. Several, if one of them lies: then each
 * gets the frame, so that nobody is cut off by what another one says.
 */
static u64 announced(const struct vni_dev *vd, u64 up, u64 address)
{
	u64 left, seats = 0;

	for (left = up; left; left &= left - 1) {
		const struct vni_conn *conn = rcu_dereference_bh(vd->conns[__ffs64(left)]);

		if (conn && le64_to_cpu(READ_ONCE(conn->eth->mac)) == address)
			seats |= left & -left;
	}
	return seats;
}

/**
 * vni_segment_route() - which seats a frame goes to
 * @vd: the device
 * @dest: its destination address
 * @flood: true if nobody knows where that is
 *
 * Context: bottom halves off.
 * Return: a bit for each seat; seats whose link is up only.
 */
u64 vni_segment_route(const struct vni_dev *vd, const u8 *dest, bool *flood)
{
	u64 up = READ_ONCE(vd->up), address, seats;
	int seat;

	*flood = false;
	if (!(up & (up - 1)) || is_multicast_ether_addr(dest))
		return up;
	address = wire_address(dest);
	seats = announced(vd, up, address);
	if (seats)
		return seats;
	seat = vni_fdb_find(&vd->fdb, address, get_jiffies_64(), READ_ONCE(vd->ageing));
	if (seat >= 0 && up & BIT_ULL(seat))
		return BIT_ULL(seat);
	*flood = true;
	return up;
}

/* News: an address that is not known to be behind this seat. */
static void learn(struct vni_dev *vd, unsigned int seat, u64 address, u64 up)
{
	spin_lock(&vd->fdb_lock);
	if (address == wire_address(vd->ndev->dev_addr) || announced(vd, up, address))
		vd->fdb.refused++;
	else
		vni_fdb_learn(&vd->fdb, seat, address, get_jiffies_64());
	spin_unlock(&vd->fdb_lock);
}

/**
 * vni_segment_learn() - note where a frame came from
 * @vd: the device
 * @seat: who sent it
 * @src: its source address
 *
 * With a single peer there is nothing to choose, so nothing is learned.
 *
 * Context: NAPI.
 */
void vni_segment_learn(struct vni_dev *vd, unsigned int seat, const u8 *src)
{
	u64 up = READ_ONCE(vd->up), address;
	const struct vni_conn *conn;

	if (!(up & (up - 1)) || !READ_ONCE(vd->ageing) || is_multicast_ether_addr(src))
		return;
	address = wire_address(src);
	conn = rcu_dereference_bh(vd->conns[seat]);
	if (conn && le64_to_cpu(READ_ONCE(conn->eth->mac)) == address)
		return;
	if (!vni_fdb_refresh(&vd->fdb, seat, address, get_jiffies_64()))
		learn(vd, seat, address, up);
}

/**
 * vni_segment_forget() - a seat's link ended: what was learned behind it goes
 * @vd: the device
 * @seat: the seat, whose frames are not received any more
 *
 * Context: process.
 */
void vni_segment_forget(struct vni_dev *vd, unsigned int seat)
{
	spin_lock_bh(&vd->fdb_lock);
	vni_fdb_forget(&vd->fdb, seat);
	spin_unlock_bh(&vd->fdb_lock);
}

/**
 * vni_segment_init() - nothing is learned yet
 * @vd: the device, zeroed
 *
 * Context: process.
 */
void vni_segment_init(struct vni_dev *vd)
{
	spin_lock_init(&vd->fdb_lock);
	vd->ageing = msecs_to_jiffies(VNI_AGEING_MS);
	vni_fdb_init(&vd->fdb, vni_shm_seats(vd->win), get_random_u64());
}
