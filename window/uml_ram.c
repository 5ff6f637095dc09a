// SPDX-License-Identifier: GPL-2.0
/*
 * Another User-Mode Linux node's own memory, for nodes that trust each other: what ram.c is on a
 * partition. A node's memory is a file of its process on the host; so an address that all nodes can
 * use is the process, its file descriptor, and the offset. The file is mapped over memory of
 * this kernel (uml_map.c), half of which is taken for that when a node is first asked to trust
 * another (row). What is left is this node's own, and told to the others.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/export.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include <mem_user.h>
#include <os.h>

#include "uml_map.h"
#include "uml_ram.h"
#include "vni_ram.h"
#include "window.h"

/* Of an address: 22 bits of process, 6 of file descriptor, 36 of offset. */
#define OFFSET_BITS 36
#define FD_BITS	    6
#define OFFSET_MASK (BIT_ULL(OFFSET_BITS) - 1)
#define PID_BITS    (64 - OFFSET_BITS - FD_BITS)

#define UNIT (PAGE_SIZE << VNI_RAM_ORDER)

struct vni_ram {
	struct list_head entry; /* of row.maps, by place */
	u64 at, size;		/* in the row, bytes */
	unsigned int count;
	struct vni_ram_range ranges[VNI_RAM_RANGES];
};

/* Pages of this kernel that other nodes' memory is mapped over. */
static struct {
	struct mutex lock;
	struct page *first; /* NULL: not taken yet */
	u64 size;
	struct list_head maps;
} row = { .lock = __MUTEX_INITIALIZER(row.lock), .maps = LIST_HEAD_INIT(row.maps) };

static struct page *row_page(u64 at)
{
	return row.first + (at >> PAGE_SHIFT);
}

/* Below it are the kernel's image and a gap of any size, which counts as memory. */
static u64 lowest(void)
{
	const struct page *page = pfn_to_page(0);

	while (page_to_phys(page) < physmem_size && PageReserved(page))
		page++;
	return page_to_phys(page);
}

static bool row_take(void)
{
	if (row.first)
		return true;
	row.size = round_up((physmem_size - lowest()) / 2, UNIT);
	row.first = vni_uml_row_take(row.size, VNI_RAM_ORDER);
	if (!row.first)
		pr_err("half of this kernel's memory (%llu KiB) is wanted in a row to map other nodes' memory there, and is not to be had: expected to be asked soon after the boot, or more memory (mem=)\n",
		       row.size >> 10);
	return row.first;
}

/* In ranges of local addresses: without what lies from..end. Returns how many are left. */
static unsigned int cut(struct vni_ram_range *ranges, unsigned int count, u64 from, u64 end)
{
	struct vni_ram_range *last = &ranges[count - 1];
	u64 last_end = last->base + last->size;

	if (end <= from)
		return count;
	last->size = round_down(from, UNIT) - last->base;
	ranges[count] = (struct vni_ram_range){ .base = round_up(end, UNIT) };
	ranges[count].size = last_end - ranges[count].base;
	return count + 1;
}

/* What a local address of 0 is for all nodes, or 0. */
static u64 bias(void)
{
	unsigned long long offset;
	u64 fd = phys_mapping(0, &offset), pid = os_getpid();

	if (fd >> FD_BITS || pid >> PID_BITS || physmem_size >> OFFSET_BITS)
		return 0;
	return pid << (OFFSET_BITS + FD_BITS) | fd << OFFSET_BITS;
}

u64 vni_shm_ram_bias(const struct vni_window *win)
{
	return win->physical ? bias() : 0;
}
EXPORT_SYMBOL_GPL(vni_shm_ram_bias);

unsigned int vni_shm_ram_own(const struct vni_window *win, struct vni_ram_range *ranges)
{
	unsigned int count = 1, i, told = 0;
	u64 a, b, low = round_up(lowest(), UNIT);

	BUILD_BUG_ON(VNI_RAM_RANGES < 3 || VNI_RAM_ORDER != VNI_UML_ROW_ORDER);
	mutex_lock(&row.lock);
	if (!win->physical || !bias() || !row_take())
		count = 0;
	mutex_unlock(&row.lock);
	if (!count)
		return 0;
	ranges[0] = (struct vni_ram_range){ low, round_down(physmem_size, UNIT) - low };
	a = page_to_phys(row.first);
	b = win->paged ? __pa(win->base) : U64_MAX;
	if (b < a)
		count = cut(ranges, count, b, b + win->size);
	count = cut(ranges, count, a, a + row.size);
	if (b > a && win->paged)
		count = cut(ranges, count, b, b + win->size);
	for (i = 0; i < count; i++) {
		/* one of no bytes would be the end of what is told */
		if (ranges[i].size)
			ranges[told++] =
				(struct vni_ram_range){ ranges[i].base + bias(), ranges[i].size };
	}
	return told;
}
EXPORT_SYMBOL_GPL(vni_shm_ram_own);

/* Where in the row there is room for so much: behind the last map before a gap. */
static struct list_head *row_room(u64 size, u64 *at)
{
	struct vni_ram *ram;

	*at = 0;
	list_for_each_entry(ram, &row.maps, entry) {
		if (ram->at - *at >= size)
			return &ram->entry;
		*at = ram->at + ram->size;
	}
	return row.first && row.size - *at >= size ? &row.maps : NULL;
}

/* All ranges lie in one file of one process. */
static u64 file_of(const struct vni_ram_range *range)
{
	return range->base >> OFFSET_BITS;
}

static int ranges_check(const struct vni_ram_range *ranges, unsigned int count, u64 *size,
			const char **why)
{
	unsigned int i;

	*why = "its memory is not given in units of 32 KiB of one file, or it is this node's";
	for (*size = 0, i = 0; i < count; i++) {
		const struct vni_ram_range *range = &ranges[i];

		if (!IS_ALIGNED(range->base, UNIT) || !IS_ALIGNED(range->size, UNIT) ||
		    !range->size || range->size >> OFFSET_BITS ||
		    file_of(range) != file_of(&ranges[0]) ||
		    (range->base + range->size - 1) >> OFFSET_BITS != file_of(range) ||
		    file_of(range) == bias() >> OFFSET_BITS)
			return -EPROTO;
		*size += range->size;
	}
	return 0;
}

static int file_open(u64 file, u64 end, const char **why)
{
	struct uml_stat stat;
	char name[40];
	int fd;

	snprintf(name, sizeof(name), "/proc/%llu/fd/%llu", file >> FD_BITS,
		 file & ((1 << FD_BITS) - 1));
	*why = "the host does not open the file that its memory is";
	fd = os_open_file(name, of_rdwr(OPENFLAGS()), 0);
	if (fd < 0)
		return fd;
	*why = "the file that it calls its memory is shorter than that";
	if (os_stat_fd(fd, &stat) >= 0 && stat.ust_size >= end)
		return fd;
	os_close_file(fd);
	return -EPROTO;
}

static int files_over(const struct vni_ram *ram, int fd)
{
	u64 at = ram->at;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ram->count && !ret; i++) {
		ret = vni_uml_file_over(row_page(at), ram->ranges[i].size, fd,
					ram->ranges[i].base & OFFSET_MASK);
		at += ram->ranges[i].size;
	}
	return ret;
}

/* In the row, whose lock is held: finds room, and maps. */
static int ram_map(struct vni_ram *ram, const char **why)
{
	const struct vni_ram_range *last = &ram->ranges[ram->count - 1];
	struct list_head *behind = row_room(ram->size, &ram->at);
	int fd, ret;

	*why = "it has more than there is room for here; give this node more memory (mem=)";
	if (!behind)
		return -ENOSPC;
	fd = file_open(file_of(last), (last->base & OFFSET_MASK) + last->size, why);
	if (fd < 0)
		return fd;
	*why = "the host does not map it";
	ret = files_over(ram, fd);
	os_close_file(fd);
	if (ret)
		vni_uml_file_off(row_page(ram->at), ram->size);
	else
		list_add_tail(&ram->entry, behind);
	return ret;
}

struct vni_ram *vni_shm_ram_map(const struct vni_window *win, const struct vni_ram_range *ranges,
				unsigned int count, const char **why)
{
	struct vni_ram *ram;
	int ret;

	*why = "this node reaches no other's memory";
	if (!win->physical || !count || count > VNI_RAM_RANGES)
		return ERR_PTR(-EOPNOTSUPP);
	*why = "no memory here";
	ram = kzalloc(sizeof(*ram), GFP_KERNEL);
	if (!ram)
		return ERR_PTR(-ENOMEM);
	ram->count = count;
	memcpy(ram->ranges, ranges, count * sizeof(*ranges));
	ret = ranges_check(ram->ranges, count, &ram->size, why);
	if (!ret) {
		mutex_lock(&row.lock);
		ret = ram_map(ram, why);
		mutex_unlock(&row.lock);
	}
	if (!ret)
		return ram;
	kfree(ram);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_GPL(vni_shm_ram_map);

void vni_shm_ram_unmap(struct vni_ram *ram, bool used)
{
	if (used) {
		pr_warn("pages of another node are still in use here: its memory stays mapped until the next boot\n");
		return;
	}
	mutex_lock(&row.lock);
	if (vni_uml_file_off(row_page(ram->at), ram->size))
		pr_warn("the host leaves another node's memory mapped here\n");
	list_del(&ram->entry);
	mutex_unlock(&row.lock);
	kfree(ram);
}
EXPORT_SYMBOL_GPL(vni_shm_ram_unmap);

bool vni_shm_ram_same(const struct vni_ram *ram, const struct vni_ram_range *ranges,
		      unsigned int count)
{
	return ram->count == count && !memcmp(ram->ranges, ranges, count * sizeof(*ranges));
}
EXPORT_SYMBOL_GPL(vni_shm_ram_same);

struct page *vni_shm_ram_page(const struct vni_ram *ram, u64 addr, u32 len)
{
	u64 first = round_down(addr, UNIT), at = ram->at;
	unsigned int i;

	if (!len || len > UNIT - (addr - first))
		return NULL;
	for (i = 0; i < ram->count; i++) {
		if (addr - ram->ranges[i].base < ram->ranges[i].size)
			return row_page(at + first - ram->ranges[i].base);
		at += ram->ranges[i].size;
	}
	return NULL;
}
EXPORT_SYMBOL_GPL(vni_shm_ram_page);

/**
 * vni_uml_ram_end() - give back the memory that others' was mapped over
 *
 * With a map that stayed, all of it stays: it was said when that happened.
 *
 * Context: process, when the module goes.
 */
void vni_uml_ram_end(void)
{
	if (row.first && list_empty(&row.maps))
		vni_uml_row_free(row.first, row.size, VNI_RAM_ORDER);
	row.first = NULL;
}
