/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What an ivshmem device of version 2 (Jailhouse's specification) says of itself, taken apart and
 * checked. Plain C: compiled in the kernel, and in user space against a model of the registers.
 */
#ifndef VNI_IVSHMEM_V2_H
#define VNI_IVSHMEM_V2_H

#include "vni_plat.h"

/* Registers in BAR 0, 32 bits each. */
#define IV2_ID		 0x00
#define IV2_MAX_PEERS	 0x04
#define IV2_INT_CONTROL	 0x08
#define IV2_DOORBELL	 0x0c
#define IV2_STATE	 0x10
#define IV2_REGS_SIZE	 0x14

#define IV2_INT_ENABLE	 1
#define IV2_STATE_JOINED 1	/* ours: any value but 0 */

/* The vendor specific capability: offsets in it, and its possible lengths. */
#define IV2_CAP_LENGTH	 0x02
#define IV2_CAP_CONTROL	 0x03
#define IV2_CAP_STATES	 0x04
#define IV2_CAP_RW	 0x08
#define IV2_CAP_OUTPUT	 0x10
#define IV2_CAP_BASE	 0x18
#define IV2_CAP_SHORT	 0x18
#define IV2_CAP_LONG	 0x20

#define IV2_CONTROL_ONE_SHOT 1

#define IV2_PROTOCOL_NONE	0x0000
#define IV2_PROTOCOL_USER	0x4000	/* the first that users may define */
#define IV2_PROTOCOL_USER_LAST	0x7fff

/**
 * struct iv2_raw - as read from the device
 * @class: the class code: base class << 16 | protocol type
 * @cap: the vendor specific capability, as bytes
 * @cap_len: how many of them could be read, at most sizeof(@cap)
 * @id: register
 * @max_peers: register
 * @bar_base: physical address of BAR 2, 0 if there is none
 * @bar_size: bytes, 0 if there is none
 */
struct iv2_raw {
	u32 class;
	u8 cap[IV2_CAP_LONG];
	unsigned int cap_len;
	u32 id, max_peers;
	u64 bar_base, bar_size;
};

/**
 * struct iv2_layout - how the window lies in it
 * @base: physical address of the first output section
 * @size: bytes of the output sections that are used
 * @id: this node's, below @seats
 * @peers: output sections that there are
 * @seats: output sections that are used: @peers, rounded down to a power of two
 * @section: bytes of an output section
 * @one_shot: the device switches interrupts off after each; must be cleared
 */
struct iv2_layout {
	u64 base, size, section;
	u32 id, peers, seats;
	bool one_shot;
};

/**
 * iv2_parse() - take apart what the device says and check that a window fits in
 * @raw: as read
 * @out: the result
 * @why: on failure: what was expected and what came, for people
 * @len: bytes in @why
 *
 * Context: any.
 * Return: 0 or -EPROTO.
 */
int iv2_parse(const struct iv2_raw *raw, struct iv2_layout *out, char *why, size_t len);

#endif /* VNI_IVSHMEM_V2_H */
