// SPDX-License-Identifier: GPL-2.0
/*
 * A peer whose pages frames may stay in (loan.c): from its first link on, through its links and
 * restarts, until this node's device goes. What is on loan outlives a link, and so does this.
 */
#include <linux/err.h>
#include <linux/slab.h>

#include "vni.h"

/* Another node's memory as it tells it, copied out once. */
static unsigned int ranges_read(const struct vni_eth *eth, u64 size, struct vni_ram_range *ranges)
{
	u64 offset = le64_to_cpu(READ_ONCE(eth->ram));
	const struct vni_eth_ram *ram;
	unsigned int i;

	if (offset % sizeof(*ram) || offset < sizeof(struct vni_chan) + sizeof(*eth) ||
	    offset > size || VNI_ETH_RAMS * sizeof(*ram) > size - offset)
		return 0;
	ram = (const void *)eth - sizeof(struct vni_chan) + offset;
	for (i = 0; i < VNI_ETH_RAMS; i++) {
		ranges[i].base = le64_to_cpu(READ_ONCE(ram[i].base));
		ranges[i].size = le64_to_cpu(READ_ONCE(ram[i].size));
		if (!ranges[i].size)
			break;
	}
	return i;
}

static void loans_init(struct vni_loans *loans)
{
	unsigned int i;

	INIT_LIST_HEAD(&loans->out);
	INIT_LIST_HEAD(&loans->free);
	for (i = 0; i < VNI_LOANS; i++)
		list_add(&loans->loans[i].entry, &loans->free);
}

static struct vni_lender *lender_new(struct vni_dev *vd)
{
	struct vni_lender *lender =
		kvzalloc(struct_size(lender, loans, vd->geo.queues), GFP_KERNEL);
	unsigned int i;

	if (!lender)
		return NULL;
	lender->map = kvzalloc(vd->geo.held_slots / BITS_PER_BYTE, GFP_KERNEL);
	if (!lender->map) {
		kvfree(lender);
		return NULL;
	}
	for (i = 0; i < vd->geo.queues; i++)
		loans_init(&lender->loans[i]);
	return lender;
}

static bool of_any(const struct vni_lender *lender, const struct vni_loan *loan)
{
	return true;
}

static bool of_own_pages(const struct vni_lender *lender, const struct vni_loan *loan)
{
	return !loan->slot_pages;
}

/* Nobody waits for what the peer was told of, or does not remember. */
static bool is_awaited(const struct vni_lender *lender, const struct vni_loan *loan)
{
	return !loan->former && !(loan->slot_pages && lender->looks);
}

/* Does the stack still use pages of such loans. */
static bool busy(const struct vni_dev *vd, const struct vni_lender *lender,
		 bool (*such)(const struct vni_lender *lender, const struct vni_loan *loan))
{
	const struct vni_loan *loan;
	unsigned int i;

	for (i = 0; lender && i < vd->geo.queues; i++) {
		list_for_each_entry(loan, &lender->loans[i].out, entry) {
			if (such(lender, loan) && !vni_loan_over(loan)) {
				vni_loans_flush();
				return true;
			}
		}
	}
	return false;
}

/* Does this node want to use a peer's own memory, and the peer let it. */
static bool direct_wanted(const struct vni_dev *vd, const struct vni_eth *eth)
{
	/* a program may write to what it is shown */
	return !rcu_access_pointer(vd->xdp_prog) && vd->direct &&
	       le32_to_cpu(READ_ONCE(eth->features)) & VNI_ETH_F_DIRECT;
}

static bool lender_map(struct vni_dev *vd, unsigned int seat, struct vni_lender *lender,
		       const struct vni_ram_range *ranges, unsigned int count)
{
	const char *why;

	if (lender->ram)
		return true;
	lender->ram = vni_shm_ram_map(vd->win, ranges, count, &why);
	if (!IS_ERR(lender->ram))
		return true;
	lender->ram = NULL;
	netdev_warn(vd->ndev, "node %u: its own memory is not used: %s\n", seat, why);
	return false;
}

/* A peer was restarted, or has other memory: nobody waits for loans of the direct form any more. */
static void lender_unmap(struct vni_dev *vd, struct vni_lender *lender)
{
	struct vni_loan *loan, *next;
	unsigned int i;

	vni_shm_ram_unmap(lender->ram, busy(vd, lender, of_own_pages));
	lender->ram = NULL;
	for (i = 0; i < vd->geo.queues; i++)
		list_for_each_entry_safe(loan, next, &lender->loans[i].out, entry)
			if (!loan->slot_pages)
				list_move(&loan->entry, &lender->loans[i].free);
}

/**
 * vni_lender_up() - get ready to use a peer's pages: those of its packet buffer if this node wants
 * that, and its own if both do
 * @vd: the device
 * @seat: the peer
 * @eth: the peer's header, untrusted
 * @geo: its layout, checked
 *
 * Pages that were mapped for its former life serve again if its memory is the same.
 *
 * Context: process, may sleep.
 * Return: the lender, or NULL: frames are copied then. vni_dev.takes has the peer's bit if its own
 * memory is used; if it is not and was to be, the reason was logged.
 */
struct vni_lender *vni_lender_up(struct vni_dev *vd, unsigned int seat, const struct vni_eth *eth,
				 const struct vni_geometry *geo)
{
	struct vni_lender *lender = vd->lenders[seat];
	struct vni_ram_range ranges[VNI_RAM_RANGES];
	bool direct = direct_wanted(vd, eth);
	unsigned int count;

	BUILD_BUG_ON(VNI_RAM_RANGES != VNI_ETH_RAMS);
	BUILD_BUG_ON(VNI_ETH_SEG_ALIGN > PAGE_SIZE << VNI_RAM_ORDER);
	/* one that there is may have loans out, whatever is wanted now */
	if (!lender && !direct && !(vni_lends(vd) && vni_shm_page(vd->win, eth)))
		return NULL;
	count = direct ? ranges_read(eth, geo->size, ranges) : 0;
	if (direct && lender && lender->ram && !vni_shm_ram_same(lender->ram, ranges, count))
		lender_unmap(vd, lender);
	if (!lender)
		lender = lender_new(vd);
	vd->lenders[seat] = lender;
	if (!lender)
		return NULL;
	vni_held_carry(vd, lender, (const void *)eth - sizeof(struct vni_chan), geo);
	if (direct && lender_map(vd, seat, lender, ranges, count))
		vd->takes |= BIT_ULL(seat);
	WRITE_ONCE(vd->eth->direct, cpu_to_le64(vd->takes));
	return lender;
}

/**
 * vni_lender_down() - the link is down: no more frames in the peer's own pages
 * @vd: the device
 * @seat: the former peer
 *
 * Context: process.
 */
void vni_lender_down(struct vni_dev *vd, unsigned int seat)
{
	vd->takes &= ~BIT_ULL(seat);
	WRITE_ONCE(vd->eth->direct, cpu_to_le64(vd->takes));
}

/**
 * vni_lender_busy() - does the stack still use pages of a former peer
 * @vd: the device
 * @seat: the former peer
 *
 * Context: process; the link is down.
 */
bool vni_lender_busy(struct vni_dev *vd, unsigned int seat)
{
	return busy(vd, vd->lenders[seat], of_any);
}

/**
 * vni_lender_waits() - does the stack use pages of a former peer that it was not told of: those of
 * the direct form
 * @vd: the device
 * @seat: the former peer
 *
 * Context: process; the link is down.
 */
bool vni_lender_waits(struct vni_dev *vd, unsigned int seat)
{
	return busy(vd, vd->lenders[seat], is_awaited);
}

/**
 * vni_lender_free() - let go of a former peer's memory
 * @vd: the device
 * @seat: the former peer
 *
 * Context: process, may sleep; the link is down.
 */
void vni_lender_free(struct vni_dev *vd, unsigned int seat)
{
	struct vni_lender *lender = vd->lenders[seat];

	if (!lender)
		return;
	if (lender->ram)
		vni_shm_ram_unmap(lender->ram, busy(vd, lender, of_own_pages));
	vd->lenders[seat] = NULL;
	kvfree(lender->map);
	kvfree(lender);
}
