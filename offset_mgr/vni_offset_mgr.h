/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The offset manager: which slots of this node's packet buffer are free, and who holds the others.
 *
 * A slot is a page of the packet buffer, named by its number. The sender claims slots, writes a
 * frame into them, and lends them to one or more seats; each seat gives them back on its own, in
 * any order. What decides is kept in private memory: the table in the window only shows it to
 * others and to people, and is never read back. Nothing here blocks, allocates or takes a lock: one
 * manager serves one transmit queue and is serialised by that queue's lock.
 */
#ifndef VNI_OFFSET_MGR_H
#define VNI_OFFSET_MGR_H

#include "vni_abi.h"
#include "vni_plat.h"

/**
 * struct vni_omgr - an offset manager
 * @first: number of the first slot that it manages
 * @count: how many it manages
 * @nfree: how many of them are free
 * @free: the free slots' numbers as a stack, so that the slot that is hot in the cache goes first
 * @holders: per slot, a bit for each seat that holds it; 0 where it is free or claimed
 * @lent: per seat, slots that it holds
 * @table: the table in the window, [@first] is this manager's first entry
 */
struct vni_omgr {
	u32 first;
	u32 count;
	u32 nfree;
	u32 *free;
	u64 *holders;
	u32 lent[VNI_SEATS_MAX];
	__le64 *table;
};

/**
 * struct vni_held - what a seat says it still holds, in its own section
 * @map: a bit a slot, by the slot's number; may change at any time, whatever the seat promised
 * @slots: bits in it; it says nothing of slots from this number on: they are not held
 */
struct vni_held {
	const __le64 *map;
	u32 slots;
};

/**
 * vni_omgr_init() - set an offset manager up with all slots free
 * @om: the manager
 * @first: number of its first slot
 * @count: how many slots
 * @free: private memory for @count entries, owned by the caller
 * @holders: private memory for @count entries, owned by the caller
 * @table: the table in this node's section, indexed by slot number
 */
void vni_omgr_init(struct vni_omgr *om, u32 first, u32 count, u32 *free, u64 *holders,
		   __le64 *table);

/**
 * vni_omgr_claim() - take free slots (step 2 of the offset-manager form)
 * @om: the manager
 * @n: how many, at most VNI_ETH_SLOTS_MAX
 * @slots: their numbers, filled in on success
 *
 * Return: true, or false with nothing taken if fewer than @n are free.
 */
bool vni_omgr_claim(struct vni_omgr *om, u32 n, u32 *slots);

/**
 * vni_omgr_unclaim() - put claimed slots back that were not lent
 * @om: the manager
 * @n: how many
 * @slots: their numbers
 */
void vni_omgr_unclaim(struct vni_omgr *om, u32 n, const u32 *slots);

/**
 * vni_omgr_lend() - note that a seat is about to be told of claimed slots
 * @om: the manager
 * @n: how many
 * @slots: their numbers
 * @seats: a bit for each seat that will give them back; not empty
 */
void vni_omgr_lend(struct vni_omgr *om, u32 n, const u32 *slots, u64 seats);

/**
 * vni_omgr_take_back() - a seat gives a slot back (step 9 of the offset-manager form)
 * @om: the manager
 * @slot: the number that the seat wrote: anything
 * @seat: the seat, below VNI_SEATS_MAX
 *
 * Return: 0, or -EPROTO if the seat does not hold that slot.
 */
int vni_omgr_take_back(struct vni_omgr *om, u32 slot, unsigned int seat);

/**
 * vni_omgr_reclaim() - take back what a seat holds, when its link has ended
 * @om: the manager
 * @seat: the seat, below VNI_SEATS_MAX
 * @held: what stays with it of that; {} for nothing
 *
 * Return: how many slots came back.
 */
u32 vni_omgr_reclaim(struct vni_omgr *om, unsigned int seat, struct vni_held held);

/**
 * vni_omgr_adopt() - believe a seat that it holds slots of which this node, restarted, knows not
 * @om: the manager; no slot is claimed
 * @seat: the seat, below VNI_SEATS_MAX
 * @held: what it says; only what is a free slot of this manager is looked at
 * @most: so many more than it is known to hold are believed
 *
 * Return: 0, or -ENOSPC if it says that it holds more: the rest is not noted.
 */
int vni_omgr_adopt(struct vni_omgr *om, unsigned int seat, struct vni_held held, u32 most);

#endif /* VNI_OFFSET_MGR_H */
