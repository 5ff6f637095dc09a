/* SPDX-License-Identifier: GPL-2.0 */
/* A window at a physical address, mapped with struct pages; see pages.c. */
#ifndef VNI_PAGES_H
#define VNI_PAGES_H

#include <linux/types.h>

struct vni_paged;
#ifdef CONFIG_ZONE_DEVICE
struct vni_paged *vni_paged_map(u64 at, u64 size);
void *vni_paged_base(const struct vni_paged *paged);
void vni_paged_unmap(struct vni_paged *paged);
#else
static inline struct vni_paged *vni_paged_map(u64 at, u64 size)
{
	return NULL;
}

static inline void *vni_paged_base(const struct vni_paged *paged)
{
	return NULL;
}

static inline void vni_paged_unmap(struct vni_paged *paged)
{
}
#endif

#endif /* VNI_PAGES_H */
