/* SPDX-License-Identifier: GPL-2.0 */
/* A window mapped with struct pages; see pages.c, and uml_pages.c for User-Mode Linux. */
#ifndef VNI_PAGES_H
#define VNI_PAGES_H

#include <linux/types.h>

struct device;
struct resource;
struct vni_paged;

#if defined(CONFIG_ZONE_DEVICE) || defined(CONFIG_UML)
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

#ifdef CONFIG_ZONE_DEVICE
void vni_paged_hold(struct vni_paged *paged, const struct resource *range, struct device *above);
void vni_paged_exit(void);
#else
static inline void vni_paged_hold(struct vni_paged *paged, const struct resource *range,
				  struct device *above)
{
}

static inline void vni_paged_exit(void)
{
}
#endif

#endif /* VNI_PAGES_H */
