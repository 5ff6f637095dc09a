/* SPDX-License-Identifier: GPL-2.0 */
/* The trampoline's page below 1 MiB, as trampoline.S lays it out. */
#ifndef VNI_TRAMPOLINE_H
#define VNI_TRAMPOLINE_H

#define VNI_TRAMP_DATA	0xf00	/* offset of struct vni_tramp_data in the page */

#ifndef __ASSEMBLY__
#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>

/* Written by launch.c before each SIPI; entered is written by the CPU that starts. */
struct vni_tramp_data {
	u64 gdt[4];	/* 0x00 */
	u16 gdt_limit;	/* 0x20 */
	u32 gdt_base;	/* 0x22 */
	u16 pad;
	u32 long_ip;	/* 0x28: far pointer to the 64-bit part */
	u16 long_cs;	/* 0x2c */
	u16 pad2;
	u32 cr3;	/* 0x30 */
	u32 entered;	/* 0x34: 1 once the CPU has left for the kernel */
	u64 entry;	/* 0x38: the kernel's 64-bit entry */
	u64 params;	/* 0x40: boot_params, for RSI */
	u32 start;	/* 0x48: 0: halt for good */
} __packed;

static_assert(offsetof(struct vni_tramp_data, gdt_limit) == 0x20);
static_assert(offsetof(struct vni_tramp_data, long_ip) == 0x28);
static_assert(offsetof(struct vni_tramp_data, cr3) == 0x30);
static_assert(offsetof(struct vni_tramp_data, params) == 0x40);
static_assert(offsetof(struct vni_tramp_data, start) == 0x48);

extern const u8 vni_tramp_begin[], vni_tramp_long[], vni_tramp_end[];
#endif

#define VNI_TRAMP_GDT_LIMIT	(VNI_TRAMP_DATA + 0x20)
#define VNI_TRAMP_LONG_IP	(VNI_TRAMP_DATA + 0x28)
#define VNI_TRAMP_CR3		(VNI_TRAMP_DATA + 0x30)
#define VNI_TRAMP_ENTERED	(VNI_TRAMP_DATA + 0x34)
#define VNI_TRAMP_ENTRY		(VNI_TRAMP_DATA + 0x38)
#define VNI_TRAMP_PARAMS	(VNI_TRAMP_DATA + 0x40)
#define VNI_TRAMP_START		(VNI_TRAMP_DATA + 0x48)

/* As the boot protocol asks: __BOOT_CS and __BOOT_DS. */
#define VNI_TRAMP_CS	0x10
#define VNI_TRAMP_DS	0x18

#endif /* VNI_TRAMPOLINE_H */
