// SPDX-License-Identifier: GPL-2.0
/* Starting and stopping bare CPUs: INIT, SIPI, the trampoline and its page tables. */
#define pr_fmt(fmt) "vni_node: " fmt

#include <linux/delay.h>
#include <linux/io.h>
#include <linux/sizes.h>
#include <asm/apic.h>
#include <asm/bootparam.h>
#include <asm/pgtable_types.h>

#include "node.h"
#include "trampoline.h"

#define TABLE_PAGES 8 /* topmost, and two chains of at most 3 that may part at 1 GiB */
#define TABLE_FLAGS (_PAGE_PRESENT | _PAGE_RW)
#define ENTRY_64    0x200

static_assert(VNI_LOW_SLOTS * 2 * PAGE_SIZE <= VNI_LOW_TRAMPOLINE);
static_assert(VNI_OFF_TABLES + (TABLE_PAGES - 1) * PAGE_SIZE <= VNI_OFF_KERNEL);
static_assert(VNI_TRAMP_DATA + sizeof(struct vni_tramp_data) <= PAGE_SIZE);

/* Page tables being made for one node. */
struct tables {
	const struct vni_node *node;
	u32 used; /* pages; the first is the topmost */
};

static u8 *low_map; /* the first 64 KiB of the low region */

int vni_launch_init(void)
{
	low_map = memremap(vni_region_low()->base, VNI_LOW_TRAMPOLINE, MEMREMAP_WB);
	if (!low_map) {
		pr_err("low: the trampoline's memory cannot be mapped\n");
		return -ENOMEM;
	}
	return 0;
}

void vni_launch_exit(void)
{
	memunmap(low_map);
}

/* One interrupt command. Interrupts off, so that nobody uses the register in between. */
static void icr(u32 apicid, u32 command)
{
	unsigned long flags;

	local_irq_save(flags);
	apic->icr_write(command, apicid);
	if (apic->safe_wait_icr_idle)
		apic->safe_wait_icr_idle();
	local_irq_restore(flags);
}

static void send_init(u32 apicid)
{
	icr(apicid, APIC_INT_LEVELTRIG | APIC_INT_ASSERT | APIC_DM_INIT);
	icr(apicid, APIC_INT_LEVELTRIG | APIC_DM_INIT);
}

/* Offset of a node's trampoline page in the low region; its topmost page table follows. */
static u32 low_offset(const struct vni_node *node)
{
	return node->low_slot * 2 * PAGE_SIZE;
}

static void send_sipi(const struct vni_node *node, u32 apicid)
{
	u64 page = vni_region_low()->base + low_offset(node);

	icr(apicid, APIC_DM_STARTUP | (u32)(page >> PAGE_SHIFT));
}

static struct vni_tramp_data *tramp_data(const struct vni_node *node)
{
	return (void *)(low_map + low_offset(node) + VNI_TRAMP_DATA);
}

/**
 * vni_launch_hold() - stop all CPUs of a node, whatever they do
 * @node: owns the CPUs, which halt in the trampoline's page afterwards
 *
 * INIT alone would do, were it not for emulators: QEMU 7.2 lets a CPU that waits for a SIPI run
 * from the reset vector if interrupts come at a bad moment, and peers ring until they see that the
 * node does not answer. The whole machine is reset then. A CPU that misses the SIPI waits in INIT.
 *
 * Context: any, hard interrupt too. Two at once for a node write the same.
 */
void vni_launch_hold(const struct vni_node *node)
{
	u32 i;

	for (i = 0; i < node->ncpus; i++)
		send_init(node->apicid[i]);
	memset(tramp_data(node), 0, sizeof(struct vni_tramp_data));
	memcpy(low_map + low_offset(node), vni_tramp_begin, vni_tramp_end - vni_tramp_begin);
	mb(); /* the trampoline is in memory before a CPU fetches it */
	for (i = 0; i < node->ncpus; i++)
		send_sipi(node, node->apicid[i]);
}

/*
 * CR3 is loaded with 32 bits, so the topmost table lies below 1 MiB; the others lie in the node's
 * own memory, where the kernel leaves them behind before it writes there.
 */
static u64 table_phys(const struct tables *t, u32 index)
{
	if (!index)
		return vni_region_low()->base + low_offset(t->node) + PAGE_SIZE;
	return t->node->mem.base + VNI_OFF_TABLES + (u64)(index - 1) * PAGE_SIZE;
}

static u64 *table_page(const struct tables *t, u32 index)
{
	if (!index)
		return (u64 *)(low_map + low_offset(t->node) + PAGE_SIZE);
	return (u64 *)(t->node->map + VNI_OFF_TABLES + (u64)(index - 1) * PAGE_SIZE);
}

/* The index of the table that an entry points at, made if there is none. */
static int descend(struct tables *t, u32 table, u32 slot)
{
	u64 *entry = &table_page(t, table)[slot];
	u32 i;

	for (i = 1; *entry && i < t->used; i++)
		if (*entry == (table_phys(t, i) | TABLE_FLAGS))
			return i;
	if (t->used == TABLE_PAGES)
		return -ENOSPC;
	memset(table_page(t, t->used), 0, PAGE_SIZE);
	*entry = table_phys(t, t->used) | TABLE_FLAGS;
	return t->used++;
}

/* Map 2 MiB pages one to one. */
static int map_range(struct tables *t, u64 from, u64 to)
{
	u64 at;
	int table;

	for (at = ALIGN_DOWN(from, SZ_2M); at < to; at += SZ_2M) {
		table = descend(t, 0, (at >> 39) & 511);
		if (table >= 0)
			table = descend(t, table, (at >> 30) & 511);
		if (table < 0)
			return table;
		table_page(t, table)[(at >> 21) & 511] = at | TABLE_FLAGS | _PAGE_PSE;
	}
	return 0;
}

/* What the boot protocol asks for: kernel with init_size, boot_params, command line; and us. */
static int make_tables(const struct vni_node *node)
{
	struct tables t = { .node = node, .used = 1 };
	const struct boot_params *bp = (void *)(node->map + VNI_OFF_BOOT_PARAMS);
	u64 kernel = node->mem.base + VNI_OFF_KERNEL;
	int err;

	memset(table_page(&t, 0), 0, PAGE_SIZE);
	err = map_range(&t, 0, SZ_1M);
	if (!err)
		err = map_range(&t, node->mem.base, kernel + bp->hdr.init_size);
	return err;
}

static void fill_trampoline(const struct vni_node *node, struct vni_tramp_data *data)
{
	u32 base = (u32)vni_region_low()->base + low_offset(node);

	data->gdt[VNI_TRAMP_CS / 8] = 0x00af9b000000ffffULL; /* code, 64 bit */
	data->gdt[VNI_TRAMP_DS / 8] = 0x00cf93000000ffffULL; /* data, 4 GiB flat */
	data->gdt_limit = sizeof(data->gdt) - 1;
	data->gdt_base = base + VNI_TRAMP_DATA;
	data->long_ip = base + (u32)(vni_tramp_long - vni_tramp_begin);
	data->long_cs = VNI_TRAMP_CS;
	data->cr3 = base + PAGE_SIZE;
	data->entry = node->mem.base + VNI_OFF_KERNEL + ENTRY_64;
	data->params = node->mem.base + VNI_OFF_BOOT_PARAMS;
	data->start = 1;
}

/**
 * vni_launch_go() - start a node's first CPU at its kernel's entry
 * @node: held, with images and tables in place
 * @say: gets the reason of a failure
 *
 * Waits until the CPU has gone through the trampoline: 1 s at most.
 *
 * The others stay where they are held until that kernel starts them.
 *
 * Context: process, vni_nodes_lock; sleeps. Return: 0, -ENOSPC, or -ETIMEDOUT with the CPU held.
 */
int vni_launch_go(struct vni_node *node, struct vni_say *say)
{
	struct vni_tramp_data *data = tramp_data(node);
	int i;

	if (make_tables(node))
		return vni_say(say, -ENOSPC, "the kernel spans more memory than %d page tables map",
			       TABLE_PAGES);
	send_init(node->apicid[0]);
	fill_trampoline(node, data);
	mb(); /* the data is in memory before the CPU reads it */
	for (i = 0; i < 2 && !READ_ONCE(data->entered); i++) {
		send_sipi(node, node->apicid[0]);
		udelay(200);
	}
	for (i = 0; i < 1000 && !READ_ONCE(data->entered); i++)
		usleep_range(1000, 1500);
	if (READ_ONCE(data->entered))
		return 0;
	vni_launch_hold(node);
	return vni_say(say, -ETIMEDOUT, "CPU %u (APIC id %u) did not answer INIT and SIPI",
		       node->cpu[0], node->apicid[0]);
}
