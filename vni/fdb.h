/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Behind which seat an Ethernet address was last seen: what a learning bridge calls its forwarding
 * database. Plain C; builds in user space for its unit test.
 *
 * Peers decide which addresses they send from, so all is of fixed size: each seat has a share of
 * the entries that nobody else can take, and who floods addresses evicts its own only. Entries are
 * chained by hash; a chain that grows past VNI_FDB_STEPS is not followed, the frame is flooded.
 *
 * Writers are serialised by the caller. vni_fdb_find() and vni_fdb_refresh() run beside them
 * without a lock: address and seat of an entry are one word, so a reader sees both or neither. A
 * reader on an entry that is being reused may miss what is there, and its frame is flooded.
 */
#ifndef VNI_FDB_H
#define VNI_FDB_H

#include "vni_abi.h"
#include "vni_plat.h"

#define VNI_FDB_ENTRIES 1024	/* of all seats */
#define VNI_FDB_SHARE_MIN (VNI_FDB_ENTRIES / VNI_SEATS_MAX)
#define VNI_FDB_HEADS 1024	/* a power of two */
#define VNI_FDB_STEPS 16	/* entries looked at in one chain */
#define VNI_FDB_TRIED 8		/* entries of which the oldest is evicted */

/**
 * struct vni_fdb_entry - an address
 * @word: bit 63: in use; bits 48 to 53: the seat; below: the address, first byte lowest
 * @seen: when a frame came from it, in the caller's ticks
 * @next: the next of the chain plus one, or 0
 */
struct vni_fdb_entry {
	u64 word;
	u64 seen;
	u32 next;
};

/**
 * struct vni_fdb - the table
 * @seed: secret, so that nobody can choose addresses of one chain
 * @share: entries of each seat
 * @used: entries in use, of all seats
 * @learned: addresses entered
 * @moves: addresses that changed their seat
 * @evicted: addresses that left for others of the same seat before their time
 * @refused: addresses that somebody else owns (counted by the caller)
 * @hand: per seat, where the search for a place goes on
 * @heads: chains: an entry's number plus one, or 0
 * @entries: seat S has those from S * @share on
 */
struct vni_fdb {
	u64 seed;
	u32 share;
	u32 used;
	u64 learned, moves, evicted, refused;
	u32 hand[VNI_SEATS_MAX];
	u32 heads[VNI_FDB_HEADS];
	struct vni_fdb_entry entries[VNI_FDB_ENTRIES];
};

/**
 * vni_fdb_init() - an empty table
 * @fdb: the table, zeroed
 * @seats: seats of the window, 1 to VNI_SEATS_MAX
 * @seed: random
 */
void vni_fdb_init(struct vni_fdb *fdb, u32 seats, u64 seed);

/**
 * vni_fdb_find() - behind which seat is an address
 * @fdb: the table
 * @address: 48 bits, first byte lowest
 * @now: the time in ticks
 * @age: ticks after which an address that was not seen is not known any more
 *
 * Context: any; lock-free.
 * Return: the seat, or -ENOENT.
 */
int vni_fdb_find(const struct vni_fdb *fdb, u64 address, u64 now, u64 age);

/**
 * vni_fdb_refresh() - an address was seen; is that no news
 * @fdb: the table
 * @seat: where
 * @address: 48 bits, first byte lowest
 * @now: the time in ticks
 *
 * Context: any; lock-free.
 * Return: true if it was known to be there, false if vni_fdb_learn() has work to do.
 */
bool vni_fdb_refresh(struct vni_fdb *fdb, u32 seat, u64 address, u64 now);

/**
 * vni_fdb_learn() - enter an address, or let it move to another seat
 * @fdb: the table, locked
 * @seat: where it was seen
 * @address: 48 bits, first byte lowest; a group address and zero are ignored
 * @now: the time in ticks
 */
void vni_fdb_learn(struct vni_fdb *fdb, u32 seat, u64 address, u64 now);

/**
 * vni_fdb_forget() - a seat's link ended
 * @fdb: the table, locked
 * @seat: whose addresses go
 */
void vni_fdb_forget(struct vni_fdb *fdb, u32 seat);

/**
 * vni_fdb_known() - how many addresses are known
 * @fdb: the table
 * @now: the time in ticks
 * @age: ticks after which an address does not count
 *
 * Context: any.
 */
u32 vni_fdb_known(const struct vni_fdb *fdb, u64 now, u64 age);

#endif /* VNI_FDB_H */
