/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Other nodes' own memory, where all of it has an address here: offered by vni_shm.ko
 * (window/ram.c, window/uml_ram.c) to services whose users let nodes trust each other.
 */
#ifndef VNI_RAM_H
#define VNI_RAM_H

#include <linux/err.h>
#include <linux/types.h>

struct page;
struct vni_window;

#define VNI_RAM_RANGES 8	/* a node's memory is told in so many ranges at most */
#define VNI_RAM_ORDER  3	/* pages of another node come in units of 32 KiB */

struct vni_ram;

/**
 * struct vni_ram_range - a piece of a node's memory
 * @base: address, bytes: physical, plus the node's bias
 * @size: bytes
 */
struct vni_ram_range {
	u64 base, size;
};

#if defined(CONFIG_ZONE_DEVICE) || defined(CONFIG_UML)
/**
 * vni_shm_ram_own() - this node's memory, as others at the window can reach it
 * @win: the window
 * @ranges: room for VNI_RAM_RANGES, filled in
 *
 * Context: process, may sleep.
 * Return: how many there are; 0 where others cannot reach it.
 */
unsigned int vni_shm_ram_own(const struct vni_window *win, struct vni_ram_range *ranges);

/**
 * vni_shm_ram_bias() - how this node's memory is addressed by others
 * @win: the window
 *
 * Context: any.
 * Return: what is added to a physical address here.
 */
u64 vni_shm_ram_bias(const struct vni_window *win);

/**
 * vni_shm_ram_map() - get pages for another node's memory
 * @win: the window at which it said what its memory is
 * @ranges: what it said; checked as far as this node can: a node that lies about what is its own
 *	can make this one touch memory that belongs to neither
 * @count: how many
 * @why: on failure: a text for people
 *
 * Context: process, may sleep.
 * Return: the pages, or an ERR_PTR().
 */
struct vni_ram *vni_shm_ram_map(const struct vni_window *win, const struct vni_ram_range *ranges,
				unsigned int count, const char **why);

/**
 * vni_shm_ram_unmap() - let go of another node's memory
 * @ram: the pages
 * @used: some of them are still in use: they stay for good
 *
 * Context: process, may sleep.
 */
void vni_shm_ram_unmap(struct vni_ram *ram, bool used);

/* Are the pages just those of these ranges? */
bool vni_shm_ram_same(const struct vni_ram *ram, const struct vni_ram_range *ranges,
		      unsigned int count);

/**
 * vni_shm_ram_page() - the unit of pages that holds some bytes
 * @ram: the pages
 * @addr: address of the first byte, as in the ranges
 * @len: how many
 *
 * Context: any.
 * Return: the head of a compound page of VNI_RAM_ORDER, aligned to its size, or NULL where the
 * bytes are not within one.
 */
struct page *vni_shm_ram_page(const struct vni_ram *ram, u64 addr, u32 len);
#else
static inline unsigned int vni_shm_ram_own(const struct vni_window *win,
					   struct vni_ram_range *ranges)
{
	return 0;
}

static inline u64 vni_shm_ram_bias(const struct vni_window *win)
{
	return 0;
}

static inline struct vni_ram *vni_shm_ram_map(const struct vni_window *win,
					      const struct vni_ram_range *ranges,
					      unsigned int count, const char **why)
{
	*why = "this kernel has no pages for memory that is not its own (CONFIG_ZONE_DEVICE)";
	return ERR_PTR(-EOPNOTSUPP);
}

static inline void vni_shm_ram_unmap(struct vni_ram *ram, bool used)
{
}

static inline bool vni_shm_ram_same(const struct vni_ram *ram, const struct vni_ram_range *ranges,
				    unsigned int count)
{
	return false;
}

static inline struct page *vni_shm_ram_page(const struct vni_ram *ram, u64 addr, u32 len)
{
	return NULL;
}
#endif

#endif /* VNI_RAM_H */
