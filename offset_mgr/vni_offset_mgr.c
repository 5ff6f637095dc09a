// SPDX-License-Identifier: GPL-2.0
/* The offset manager; see vni_offset_mgr.h. */
#include "vni_offset_mgr.h"

#ifdef __KERNEL__
#include <linux/export.h>
#else
#define EXPORT_SYMBOL_GPL(name)
#endif

static void omgr_show(struct vni_omgr *om, u32 slot, u64 holders)
{
	WRITE_ONCE(om->table[slot], cpu_to_le64(holders));
}

void vni_omgr_init(struct vni_omgr *om, u32 first, u32 count, u32 *free, u64 *holders,
		   __le64 *table)
{
	u32 i;

	memset(om, 0, sizeof(*om));
	om->first = first;
	om->count = count;
	om->free = free;
	om->holders = holders;
	om->table = table;
	for (i = 0; i < count; i++) {
		/* the stack's top is the first slot: a short run uses low, neighbouring slots */
		free[i] = first + count - 1 - i;
		holders[i] = 0;
		omgr_show(om, first + i, 0);
	}
	om->nfree = count;
}
EXPORT_SYMBOL_GPL(vni_omgr_init);

bool vni_omgr_claim(struct vni_omgr *om, u32 n, u32 *slots)
{
	u32 i;

	if (om->nfree < n)
		return false;
	for (i = 0; i < n; i++)
		slots[i] = om->free[--om->nfree];
	return true;
}
EXPORT_SYMBOL_GPL(vni_omgr_claim);

void vni_omgr_unclaim(struct vni_omgr *om, u32 n, const u32 *slots)
{
	while (n--)
		om->free[om->nfree++] = slots[n];
}
EXPORT_SYMBOL_GPL(vni_omgr_unclaim);

void vni_omgr_lend(struct vni_omgr *om, u32 n, const u32 *slots, u64 seats)
{
	u64 left;
	u32 i;

	for (i = 0; i < n; i++) {
		om->holders[slots[i] - om->first] = seats;
		omgr_show(om, slots[i], seats);
	}
	for (left = seats; left; left &= left - 1)
		om->lent[__builtin_ctzll(left)] += n;
}
EXPORT_SYMBOL_GPL(vni_omgr_lend);

int vni_omgr_take_back(struct vni_omgr *om, u32 slot, unsigned int seat)
{
	u32 i = slot - om->first;
	u64 bit = 1ULL << seat;

	if (i >= om->count || !(om->holders[i] & bit))
		return -EPROTO;
	om->holders[i] &= ~bit;
	om->lent[seat]--;
	omgr_show(om, slot, om->holders[i]);
	if (!om->holders[i])
		om->free[om->nfree++] = slot;
	return 0;
}
EXPORT_SYMBOL_GPL(vni_omgr_take_back);

static bool is_held(struct vni_held held, u32 slot)
{
	return slot < held.slots && le64_to_cpu(READ_ONCE(held.map[slot / 64])) & 1ULL << slot % 64;
}

u32 vni_omgr_reclaim(struct vni_omgr *om, unsigned int seat, struct vni_held held)
{
	u32 before = om->lent[seat];
	u32 i;

	for (i = 0; i < om->count && om->lent[seat]; i++)
		if (!is_held(held, om->first + i))
			vni_omgr_take_back(om, om->first + i, seat);
	return before - om->lent[seat];
}
EXPORT_SYMBOL_GPL(vni_omgr_reclaim);

int vni_omgr_adopt(struct vni_omgr *om, unsigned int seat, struct vni_held held, u32 most)
{
	u64 bit = 1ULL << seat;
	u32 i, nfree = 0;
	int ret = 0;

	for (i = 0; i < om->count; i++) {
		/* what another holds is that one's word against this one's */
		if (om->holders[i] || !is_held(held, om->first + i))
			continue;
		if (!most--) {
			ret = -ENOSPC;
			break;
		}
		om->holders[i] = bit;
		om->lent[seat]++;
		omgr_show(om, om->first + i, bit);
	}
	/* a free slot has no holder: the others stay in their order */
	for (i = 0; i < om->nfree; i++)
		if (!om->holders[om->free[i] - om->first])
			om->free[nfree++] = om->free[i];
	om->nfree = nfree;
	return ret;
}
EXPORT_SYMBOL_GPL(vni_omgr_adopt);
