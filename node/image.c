// SPDX-License-Identifier: GPL-2.0
/*
 * The images of a node: checked and copied by LOAD, placed into the node's memory by each start.
 *
 * The copies are kept in node 0's memory, so that a restart (also the automatic one after a
 * reboot, with no process at hand) brings the same bytes again, whatever the node did to its own
 * memory meanwhile.
 */
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <asm/bootparam.h>
#include <asm/e820/types.h>

#include "node.h"

#define HDR_OFFSET 0x1f1
#define KERNEL_MAX (256ULL << 20)
#define ENTRY_64   0x200 /* from the start of the protected-mode part */

/* Where the pieces lie, in bytes from the node's base. */
static u64 off_initrd(const struct vni_node *node, u64 len)
{
	u64 top = vni_ctl_base(node) - node->mem.base;

	return ALIGN_DOWN(top - PAGE_ALIGN(len), PAGE_SIZE);
}

static const struct setup_header *header(const struct vni_image *image)
{
	return (const void *)(image->kernel + HDR_OFFSET);
}

static u32 setup_bytes(const struct setup_header *hdr)
{
	return ((hdr->setup_sects ?: 4) + 1) * 512;
}

static int check_kernel(const struct vni_image *image, struct vni_say *say)
{
	const struct setup_header *hdr = header(image);

	if (image->kernel_len < HDR_OFFSET + sizeof(*hdr) || hdr->boot_flag != 0xaa55 ||
	    hdr->header != 0x53726448)
		return vni_say(say, -ENOEXEC, "the kernel is no bzImage: no \"HdrS\" at 0x202");
	if (hdr->version < 0x020c)
		return vni_say(say, -ENOEXEC,
			       "the kernel speaks boot protocol %u.%02u, 2.12 or later is needed",
			       hdr->version >> 8, hdr->version & 0xff);
	if (!(hdr->xloadflags & XLF_KERNEL_64))
		return vni_say(say, -ENOEXEC, "the kernel has no 64-bit entry (XLF_KERNEL_64)");
	if (!hdr->relocatable_kernel)
		return vni_say(say, -ENOEXEC, "the kernel is not relocatable");
	if (image->kernel_len <= setup_bytes(hdr) + ENTRY_64)
		return vni_say(say, -ENOEXEC, "the kernel is cut short: %zu bytes",
			       image->kernel_len);
	return 0;
}

static int check_fit(const struct vni_node *node, struct vni_say *say)
{
	const struct vni_image *image = &node->image;
	const struct setup_header *hdr = header(image);
	u64 room = vni_ctl_base(node) - node->mem.base, want;
	u64 align = max_t(u64, hdr->kernel_alignment, PAGE_SIZE);

	want = max_t(u64, hdr->init_size, image->kernel_len - setup_bytes(hdr));
	if (align > VNI_MEM_ALIGN)
		return vni_say(say, -ENOEXEC,
			       "the kernel wants to be aligned to %#llx, at most %#llx", align,
			       VNI_MEM_ALIGN);
	if (VNI_OFF_KERNEL + want > room)
		return vni_say(say, -ENOSPC,
			       "the kernel needs %lluM of memory to start, the node has %lluM",
			       (VNI_OFF_KERNEL + want) >> 20, room >> 20);
	if (VNI_OFF_KERNEL + want + PAGE_ALIGN(image->initrd_len) > room)
		return vni_say(say, -ENOSPC,
			       "the initrd of %zuK does not fit: %lluK are left beside the kernel",
			       image->initrd_len >> 10, (room - VNI_OFF_KERNEL - want) >> 10);
	if (node->mem.base + node->mem.size > SZ_4G &&
	    !(hdr->xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G))
		return vni_say(say, -ENOEXEC, "the kernel cannot be loaded above 4 GiB");
	return 0;
}

static u8 *take(u64 from, u64 len, struct vni_say *say, const char *what)
{
	u8 *copy = __vmalloc(len, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);

	if (!copy) {
		vni_say(say, -ENOMEM, "no memory on node 0 to keep a copy of the %s", what);
		return ERR_PTR(-ENOMEM);
	}
	if (copy_from_user(copy, u64_to_user_ptr(from), len)) {
		vfree(copy);
		vni_say(say, -EFAULT, "the %s cannot be read", what);
		return ERR_PTR(-EFAULT);
	}
	return copy;
}

static int take_cmdline(struct vni_node *node, const struct vni_node_load *req, struct vni_say *say)
{
	u32 max = min_t(u32, header(&node->image)->cmdline_size, SZ_4K - 1);
	char *user = NULL, *made;

	if (req->cmdline_len > max)
		return vni_say(say, -E2BIG, "the command line has %llu bytes, the kernel takes %u",
			       req->cmdline_len, max);
	if (req->cmdline_len) {
		user = memdup_user_nul(u64_to_user_ptr(req->cmdline), req->cmdline_len);
		if (IS_ERR(user))
			return vni_say(say, PTR_ERR(user), "the command line cannot be read");
	}
	made = vni_cmdline_make(node, user ?: "", max, say);
	kfree(user);
	if (IS_ERR(made))
		return PTR_ERR(made);
	node->image.cmdline = made;
	return 0;
}

/**
 * vni_image_take() - copy and check what LOAD brings
 * @node: with id, cpus and mem; gets image
 * @req: the request
 * @say: gets the reason of a refusal
 *
 * Context: process; sleeps. Touches nothing of the node's. The caller calls vni_image_free() also
 * after an error. Return: 0 or a negative error.
 */
int vni_image_take(struct vni_node *node, const struct vni_node_load *req, struct vni_say *say)
{
	struct vni_image *image = &node->image;
	u8 *copy;
	int err;

	if (req->kernel_len < HDR_OFFSET + sizeof(struct setup_header) ||
	    req->kernel_len > KERNEL_MAX)
		return vni_say(say, -ENOEXEC, "a kernel of %llu bytes is no bzImage",
			       req->kernel_len);
	if (req->initrd_len > node->mem.size)
		return vni_say(say, -ENOSPC, "the initrd of %lluK does not fit into %lluM",
			       req->initrd_len >> 10, node->mem.size >> 20);
	copy = take(req->kernel, req->kernel_len, say, "kernel");
	if (IS_ERR(copy))
		return PTR_ERR(copy);
	image->kernel = copy;
	image->kernel_len = req->kernel_len;
	err = check_kernel(image, say);
	if (err)
		return err;
	image->initrd_len = req->initrd_len;
	err = check_fit(node, say);
	if (err)
		return err;
	if (req->initrd_len) {
		copy = take(req->initrd, req->initrd_len, say, "initrd");
		if (IS_ERR(copy))
			return PTR_ERR(copy);
		image->initrd = copy;
	}
	return take_cmdline(node, req, say);
}

void vni_image_free(struct vni_image *image)
{
	vfree(image->kernel);
	vfree(image->initrd);
	kfree(image->cmdline);
	memset(image, 0, sizeof(*image));
}

static void add_e820(struct boot_params *bp, u64 base, u64 size, u32 type)
{
	struct boot_e820_entry *e = &bp->e820_table[bp->e820_entries++];

	e->addr = base;
	e->size = size;
	e->type = type;
}

static void make_e820(const struct vni_node *node, struct boot_params *bp)
{
	const struct vni_region *window = vni_region_window();
	u64 ctl = vni_ctl_base(node);

	add_e820(bp, node->low_base, VNI_LOW_IOAPIC, E820_TYPE_RAM);
	if (window->size && window->base < node->mem.base)
		add_e820(bp, window->base, window->size, E820_TYPE_RESERVED);
	add_e820(bp, node->mem.base, ctl - node->mem.base, E820_TYPE_RAM);
	add_e820(bp, ctl, VNI_CTL_SIZE, E820_TYPE_RESERVED);
	add_e820(bp, vni_acpi_base(node), VNI_ACPI_SIZE, E820_TYPE_ACPI);
	if (window->size && window->base > node->mem.base)
		add_e820(bp, window->base, window->size, E820_TYPE_RESERVED);
}

static void make_boot_params(const struct vni_node *node, struct boot_params *bp)
{
	const struct vni_image *image = &node->image;
	const u8 *from = image->kernel;
	u64 cmdline = node->mem.base + VNI_OFF_CMDLINE;
	u64 initrd = node->mem.base + off_initrd(node, image->initrd_len);
	size_t len = 0x202 + from[0x201] - HDR_OFFSET;

	memset(bp, 0, sizeof(*bp));
	memcpy(&bp->hdr, from + HDR_OFFSET, min(len, sizeof(bp->hdr)));
	bp->hdr.type_of_loader = 0xff;
	bp->hdr.code32_start = (u32)(node->mem.base + VNI_OFF_KERNEL);
	bp->hdr.cmd_line_ptr = (u32)cmdline;
	bp->ext_cmd_line_ptr = (u32)(cmdline >> 32);
	if (image->initrd_len) {
		bp->hdr.ramdisk_image = (u32)initrd;
		bp->ext_ramdisk_image = (u32)(initrd >> 32);
		bp->hdr.ramdisk_size = (u32)image->initrd_len;
		bp->ext_ramdisk_size = (u32)((u64)image->initrd_len >> 32);
	}
	bp->acpi_rsdp_addr = vni_acpi_rsdp(node);
	make_e820(node, bp);
}

/**
 * vni_image_place() - write kernel, initrd, command line and boot_params into a node's memory
 * @node: its CPUs are not running
 *
 * Context: process, vni_nodes_lock; sleeps.
 */
void vni_image_place(struct vni_node *node)
{
	const struct vni_image *image = &node->image;
	u32 skip = setup_bytes(header(image));

	make_boot_params(node, (struct boot_params *)(node->map + VNI_OFF_BOOT_PARAMS));
	strscpy(node->map + VNI_OFF_CMDLINE, image->cmdline, SZ_4K);
	memcpy(node->map + VNI_OFF_KERNEL, image->kernel + skip, image->kernel_len - skip);
	cond_resched();
	if (image->initrd_len)
		memcpy(node->map + off_initrd(node, image->initrd_len), image->initrd,
		       image->initrd_len);
	memset(node->low_map, 0, VNI_LOW_SHARE);
}
