// SPDX-License-Identifier: GPL-2.0
/*
 * The node's ACPI tables: RSDP, XSDT, FADT (hardware reduced), an empty DSDT, MADT, and our own
 * table "VNIN". They tell the node's kernel that there is nothing but its own CPUs.
 */
#include <linux/acpi.h>

#include "node.h"
#include "vni_handover.h"

/* Offsets in the node's 64 KiB of ACPI memory. */
#define OFF_RSDP 0x0000
#define OFF_XSDT 0x0100
#define OFF_FADT 0x0200
#define OFF_DSDT 0x0400
#define OFF_VNIN 0x0500
#define OFF_MADT 0x1000

#define OEM_ID	  "VNI   "
#define OEM_TABLE "VNINODE "

static u8 checksum(const void *data, u32 len)
{
	const u8 *at = data;
	u8 sum = 0;

	while (len--)
		sum += *at++;
	return -sum;
}

/* Fill in the header of a table whose body is complete. */
static void finish(struct acpi_table_header *hdr, const char *sig, u8 revision, u32 len)
{
	memcpy(hdr->signature, sig, 4);
	hdr->length = len;
	hdr->revision = revision;
	hdr->checksum = 0;
	memcpy(hdr->oem_id, OEM_ID, sizeof(hdr->oem_id));
	memcpy(hdr->oem_table_id, OEM_TABLE, sizeof(hdr->oem_table_id));
	hdr->oem_revision = 1;
	memcpy(hdr->asl_compiler_id, "VNI ", 4);
	hdr->asl_compiler_revision = 1;
	hdr->checksum = checksum(hdr, len);
}

u64 vni_acpi_rsdp(const struct vni_node *node)
{
	return vni_acpi_base(node) + OFF_RSDP;
}

static void make_rsdp(struct acpi_table_rsdp *rsdp, u64 xsdt)
{
	memcpy(rsdp->signature, ACPI_SIG_RSDP, 8);
	memcpy(rsdp->oem_id, OEM_ID, sizeof(rsdp->oem_id));
	rsdp->revision = 2;
	rsdp->length = sizeof(*rsdp);
	rsdp->xsdt_physical_address = xsdt;
	rsdp->checksum = checksum(rsdp, 20); /* the part of ACPI 1.0 */
	rsdp->extended_checksum = checksum(rsdp, sizeof(*rsdp));
}

static void make_xsdt(struct acpi_table_header *xsdt, u64 base)
{
	__le64 *entry = (__le64 *)(xsdt + 1);

	entry[0] = cpu_to_le64(base + OFF_FADT);
	entry[1] = cpu_to_le64(base + OFF_MADT);
	entry[2] = cpu_to_le64(base + OFF_VNIN);
	finish(xsdt, ACPI_SIG_XSDT, 1, sizeof(*xsdt) + 3 * sizeof(*entry));
}

/*
 * APIC_PHYSICAL keeps the node out of logical destination mode, where its first CPU would share
 * a logical id with node 0's.
 */
static void make_fadt(struct acpi_table_fadt *fadt, const struct vni_node *node)
{
	fadt->Xdsdt = vni_acpi_base(node) + OFF_DSDT;
	fadt->preferred_profile = 4; /* enterprise server */
	fadt->boot_flags = ACPI_FADT_NO_VGA | ACPI_FADT_NO_ASPM | ACPI_FADT_NO_CMOS_RTC;
	fadt->flags = ACPI_FADT_WBINVD | ACPI_FADT_POWER_BUTTON | ACPI_FADT_SLEEP_BUTTON |
		      ACPI_FADT_RESET_REGISTER | ACPI_FADT_APIC_PHYSICAL | ACPI_FADT_HW_REDUCED;
	fadt->reset_register = (struct acpi_generic_address){
		.space_id = ACPI_ADR_SPACE_SYSTEM_MEMORY,
		.bit_width = 8,
		.access_width = 1,
		.address = vni_ctl_base(node) + offsetof(struct vni_ctl, reset.value),
	};
	fadt->reset_value = VNI_CTL_RESET_VALUE;
	fadt->minor_revision = 0;
	finish(&fadt->header, ACPI_SIG_FADT, 6, sizeof(*fadt));
}

static void *add_cpu_entry(void *at, u32 apicid, u32 uid)
{
	if (apicid < 0xff) {
		struct acpi_madt_local_apic *e = at;

		e->header.type = ACPI_MADT_TYPE_LOCAL_APIC;
		e->header.length = sizeof(*e);
		e->processor_id = uid;
		e->id = apicid;
		e->lapic_flags = ACPI_MADT_ENABLED;
		return e + 1;
	} else {
		struct acpi_madt_local_x2apic *e = at;

		e->header.type = ACPI_MADT_TYPE_LOCAL_X2APIC;
		e->header.length = sizeof(*e);
		e->local_apic_id = apicid;
		e->lapic_flags = ACPI_MADT_ENABLED;
		e->uid = uid;
		return e + 1;
	}
}

/*
 * The machine's boot CPU is listed first although it belongs to node 0: the node's kernel sees
 * that it did not start on it, takes its crash kernel path, and leaves that one CPU alone.
 * Without it, the kernel would limit itself to one CPU. The IO-APIC is a page of zeroed RAM.
 */
static void make_madt(struct acpi_table_madt *madt, const struct vni_node *node)
{
	struct acpi_madt_io_apic *io;
	void *at = madt + 1;
	u32 i;

	madt->address = APIC_DEFAULT_PHYS_BASE;
	at = add_cpu_entry(at, vni_cpus_boot_apicid(), 0);
	for (i = 0; i < node->ncpus; i++)
		at = add_cpu_entry(at, node->apicid[i], i + 1);
	io = at;
	io->header.type = ACPI_MADT_TYPE_IO_APIC;
	io->header.length = sizeof(*io);
	io->id = 0;
	io->address = (u32)(node->low_base + VNI_LOW_IOAPIC);
	io->global_irq_base = 0;
	finish(&madt->header, ACPI_SIG_MADT, 4, (u8 *)(io + 1) - (u8 *)madt);
}

static void make_vnin(struct acpi_table_header *hdr, const struct vni_node *node)
{
	const struct vni_region *window = vni_region_window();
	struct vni_handover *body = (struct vni_handover *)(hdr + 1);

	body->version = cpu_to_le32(VNI_HANDOVER_VERSION);
	body->node = cpu_to_le32(node->id);
	body->window_base = cpu_to_le64(window->size ? window->base : 0);
	body->window_size = cpu_to_le64(window->size);
	body->control_base = cpu_to_le64(vni_ctl_base(node));
	body->control_size = cpu_to_le64(VNI_CTL_SIZE);
	finish(hdr, VNI_HANDOVER_SIG, 1, sizeof(*hdr) + sizeof(*body));
}

/**
 * vni_acpi_build() - write the tables into the last 64 KiB of a node's memory
 * @node: with mem, low_base, ncpus and apicid; its CPUs are not running
 *
 * Context: process, vni_nodes_lock.
 */
void vni_acpi_build(struct vni_node *node)
{
	u8 *at = node->map + (vni_acpi_base(node) - node->mem.base);

	static_assert(OFF_MADT + sizeof(struct acpi_table_madt) +
			      (VNI_NODE_MAX_CPUS + 1) * sizeof(struct acpi_madt_local_x2apic) +
			      sizeof(struct acpi_madt_io_apic) <=
		      VNI_ACPI_SIZE);
	static_assert(OFF_FADT + sizeof(struct acpi_table_fadt) <= OFF_DSDT);

	memset(at, 0, VNI_ACPI_SIZE);
	make_rsdp((void *)(at + OFF_RSDP), vni_acpi_base(node) + OFF_XSDT);
	make_xsdt((void *)(at + OFF_XSDT), vni_acpi_base(node));
	make_fadt((void *)(at + OFF_FADT), node);
	finish((void *)(at + OFF_DSDT), ACPI_SIG_DSDT, 2, sizeof(struct acpi_table_header));
	make_madt((void *)(at + OFF_MADT), node);
	make_vnin((void *)(at + OFF_VNIN), node);
}
