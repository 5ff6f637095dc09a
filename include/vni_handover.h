/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the node starter hands over to the kernel of an OS node.
 *
 * On node N > 0 it lies in an ACPI table of its own (signature "VNIN"), which the starter makes
 * and which the node's kernel finds with acpi_get_table(). On node 0 the same facts come from the
 * starter module, through vni_node_handover().
 */
#ifndef VNI_HANDOVER_H
#define VNI_HANDOVER_H

#include <linux/types.h>

#define VNI_HANDOVER_SIG	"VNIN"
#define VNI_HANDOVER_VERSION	1

/*
 * The body of the ACPI table, right behind the 36 bytes of its standard header. Written once by
 * the starter before the node runs; read by the node. A reader checks the version and that the
 * table is at least as long as the fields that it uses.
 */
struct vni_handover {
	__le32 version;		/* VNI_HANDOVER_VERSION */
	__le32 node;		/* this node's id: its seat at the window, 0 to 63 */
	__le64 window_base;	/* physical address of the window in bytes, 0: there is no window */
	__le64 window_size;	/* bytes */
	__le64 control_base;	/* physical address of the node's control block, 0 on node 0 */
	__le64 control_size;	/* bytes */
	__le32 reserved[6];	/* zero */
} __attribute__((packed));

_Static_assert(sizeof(struct vni_handover) == 64, "vni_handover is 64 bytes");

#ifdef __KERNEL__
/**
 * vni_node_handover() - the window as node 0's starter module knows it
 * @out: filled in on success
 *
 * Found with symbol_get(), so that the window's module needs no starter to load.
 *
 * Context: any; does not sleep.
 * Return: 0, or -ENODEV where the starter was loaded without a window.
 */
int vni_node_handover(struct vni_handover *out);
#endif

#endif /* VNI_HANDOVER_H */
