// SPDX-License-Identifier: GPL-2.0
/* The table of learned addresses; see fdb.h. */
#include "fdb.h"

#define IN_USE	  (1ULL << 63)
#define ADDRESS	  0xffffffffffffULL
#define SEAT_BITS 48

static u64 word_of(u32 seat, u64 address)
{
	return IN_USE | (u64)seat << SEAT_BITS | address;
}

static u32 seat_of(u64 word)
{
	return word >> SEAT_BITS & (VNI_SEATS_MAX - 1);
}

/* Any bit of the address or the seed changes half of the result (the finaliser of MurmurHash3). */
static u32 head_of(const struct vni_fdb *fdb, u64 address)
{
	u64 x = address ^ fdb->seed;

	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	x ^= x >> 33;
	return (x ^ fdb->seed >> 32) % VNI_FDB_HEADS;
}

void vni_fdb_init(struct vni_fdb *fdb, u32 seats, u64 seed)
{
	fdb->seed = seed;
	fdb->share = VNI_FDB_ENTRIES / seats;
}

/* The number of an address's entry, or -ENOENT. */
static int lookup(const struct vni_fdb *fdb, u64 address)
{
	u32 next = READ_ONCE(fdb->heads[head_of(fdb, address)]), steps;

	for (steps = 0; next && steps < VNI_FDB_STEPS; steps++) {
		const struct vni_fdb_entry *entry = &fdb->entries[next - 1];
		u64 word = READ_ONCE(entry->word);

		if (word & IN_USE && (word & ADDRESS) == address)
			return next - 1;
		next = READ_ONCE(entry->next);
	}
	return -ENOENT;
}

static bool is_old(u64 seen, u64 now, u64 age)
{
	/* another processor may have noted a time just after ours */
	return now > seen && now - seen >= age;
}

int vni_fdb_find(const struct vni_fdb *fdb, u64 address, u64 now, u64 age)
{
	int i = lookup(fdb, address);
	u64 word;

	if (i < 0 || is_old(READ_ONCE(fdb->entries[i].seen), now, age))
		return -ENOENT;
	word = READ_ONCE(fdb->entries[i].word);
	return word & IN_USE && (word & ADDRESS) == address ? (int)seat_of(word) : -ENOENT;
}

bool vni_fdb_refresh(struct vni_fdb *fdb, u32 seat, u64 address, u64 now)
{
	int i = lookup(fdb, address);

	if (i < 0 || READ_ONCE(fdb->entries[i].word) != word_of(seat, address))
		return false;
	/* written only where it changes: the line is read by who sends */
	if (READ_ONCE(fdb->entries[i].seen) != now)
		WRITE_ONCE(fdb->entries[i].seen, now);
	return true;
}

/* Take an entry out of its chain. A chain has no more entries than the table. */
static void erase(struct vni_fdb *fdb, u32 i)
{
	struct vni_fdb_entry *entry = &fdb->entries[i];
	u32 *link = &fdb->heads[head_of(fdb, entry->word & ADDRESS)], steps;

	for (steps = 0; steps < VNI_FDB_ENTRIES && *link && *link != i + 1; steps++)
		link = &fdb->entries[*link - 1].next;
	if (*link == i + 1)
		WRITE_ONCE(*link, entry->next);
	WRITE_ONCE(entry->word, 0);
	fdb->used--;
}

/* A place among the seat's own entries: a free one if it is near, else the oldest that is. */
static u32 place(struct vni_fdb *fdb, u32 seat)
{
	u32 tries, oldest = 0, first = seat * fdb->share;
	u64 seen = ~0ULL;

	for (tries = 0; tries < VNI_FDB_TRIED && tries < fdb->share; tries++) {
		u32 i = first + fdb->hand[seat];

		fdb->hand[seat] = (fdb->hand[seat] + 1) % fdb->share;
		if (!fdb->entries[i].word)
			return i;
		if (fdb->entries[i].seen < seen) {
			seen = fdb->entries[i].seen;
			oldest = i;
		}
	}
	erase(fdb, oldest);
	fdb->evicted++;
	return oldest;
}

void vni_fdb_learn(struct vni_fdb *fdb, u32 seat, u64 address, u64 now)
{
	struct vni_fdb_entry *entry;
	u32 *head, i;
	int old;

	if (!address || address & 1 || address & ~ADDRESS ||
	    vni_fdb_refresh(fdb, seat, address, now))
		return;
	old = lookup(fdb, address);
	if (old >= 0) {
		erase(fdb, old);
		fdb->moves++;
	} else {
		fdb->learned++;
	}
	i = place(fdb, seat);
	entry = &fdb->entries[i];
	head = &fdb->heads[head_of(fdb, address)];
	WRITE_ONCE(entry->seen, now);
	WRITE_ONCE(entry->next, *head);
	WRITE_ONCE(entry->word, word_of(seat, address));
	WRITE_ONCE(*head, i + 1);
	fdb->used++;
}

void vni_fdb_forget(struct vni_fdb *fdb, u32 seat)
{
	u32 i;

	for (i = seat * fdb->share; i < (seat + 1) * fdb->share; i++) {
		if (fdb->entries[i].word)
			erase(fdb, i);
	}
}

u32 vni_fdb_known(const struct vni_fdb *fdb, u64 now, u64 age)
{
	u32 i, known = 0;

	for (i = 0; i < VNI_FDB_ENTRIES; i++)
		known += READ_ONCE(fdb->entries[i].word) &&
			 !is_old(READ_ONCE(fdb->entries[i].seen), now, age);
	return known;
}
