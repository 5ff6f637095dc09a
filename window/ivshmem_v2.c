// SPDX-License-Identifier: GPL-2.0
/*
 * The layout of an ivshmem device of version 2; see ivshmem_v2.h.
 *
 *	state table | common section | output section of peer 0 | of peer 1 | ...
 *
 * An output section can be written by its peer alone, which is what a section of the window is. So
 * the output sections are the window, and the first two parts are not used.
 */
#include "ivshmem_v2.h"
#include "vni_abi.h"

#ifdef __KERNEL__
#include <linux/kernel.h>
#else
#include <stdio.h>
#endif

typedef unsigned long long ull;

static u64 cap_read(const u8 *from, unsigned int bytes)
{
	u64 value = 0;

	while (bytes--)
		value = value << 8 | from[bytes];
	return value;
}

static int check_class(const struct iv2_raw *raw, char *why, size_t len)
{
	u32 protocol = raw->class & 0xffff;

	if (raw->class >> 16 != 0xff)
		snprintf(why, len, "class 0x%06x, expected 0xffXXXX", raw->class);
	else if (protocol != IV2_PROTOCOL_NONE &&
		 (protocol < IV2_PROTOCOL_USER || protocol > IV2_PROTOCOL_USER_LAST))
		snprintf(why, len,
			 "protocol type 0x%04x belongs to another driver; configure the device with 0x%04x or with 0x%04x to 0x%04x",
			 protocol, IV2_PROTOCOL_NONE, IV2_PROTOCOL_USER, IV2_PROTOCOL_USER_LAST);
	else
		return 0;
	return -EPROTO;
}

/* Where the shared memory starts: BAR 2, or what the capability says. */
static int find_memory(const struct iv2_raw *raw, u64 *base, char *why, size_t len)
{
	unsigned int length = raw->cap_len > IV2_CAP_LENGTH ? raw->cap[IV2_CAP_LENGTH] : 0;

	if ((length != IV2_CAP_SHORT && length != IV2_CAP_LONG) || raw->cap_len < length) {
		snprintf(why, len, "vendor capability of %u bytes, expected %u or %u", length,
			 IV2_CAP_SHORT, IV2_CAP_LONG);
		return -EPROTO;
	}
	*base = raw->bar_base;
	if (!raw->bar_size)
		*base = length == IV2_CAP_LONG ? cap_read(&raw->cap[IV2_CAP_BASE], 8) : 0;
	if (*base)
		return 0;
	snprintf(why, len, "neither BAR 2 nor a base address in the vendor capability");
	return -EPROTO;
}

static int check_peers(const struct iv2_raw *raw, struct iv2_layout *out, char *why, size_t len)
{
	u32 max = raw->max_peers;

	if (max < 2 || max > 65536) {
		snprintf(why, len, "%u peers at most, expected 2 to 65536", max);
		return -EPROTO;
	}
	if (raw->id >= max) {
		snprintf(why, len, "id %u, expected less than %u peers", raw->id, max);
		return -EPROTO;
	}
	for (out->seats = 2; out->seats * 2 <= max && out->seats < VNI_SEATS_MAX;)
		out->seats *= 2;
	if (raw->id >= out->seats) {
		snprintf(why, len,
			 "id %u, but of %u peers only %u are usable: their number must be a power of two up to %u",
			 raw->id, max, out->seats, VNI_SEATS_MAX);
		return -EPROTO;
	}
	out->id = raw->id;
	out->peers = max;
	return 0;
}

static int check_sections(const struct iv2_raw *raw, struct iv2_layout *out, char *why, size_t len)
{
	u64 states = cap_read(&raw->cap[IV2_CAP_STATES], 4);
	u64 rw = cap_read(&raw->cap[IV2_CAP_RW], 8);
	u64 before = states + rw, all;

	out->section = cap_read(&raw->cap[IV2_CAP_OUTPUT], 8);
	if (out->section < VNI_SECTION_MIN || out->section % VNI_SECTION_ALIGN ||
	    out->section > ~0ULL / 65536) {
		snprintf(why, len,
			 "output sections of %llu bytes, expected a multiple of %u of at least %u",
			 (ull)out->section, VNI_SECTION_ALIGN, VNI_SECTION_MIN);
		return -EPROTO;
	}
	if (states < 4ULL * out->peers || states % VNI_PAGE || rw % VNI_PAGE || before < rw) {
		snprintf(why, len,
			 "state table of %llu and common section of %llu bytes, expected whole pages, and 4 bytes of table for each of %u peers",
			 (ull)states, (ull)rw, out->peers);
		return -EPROTO;
	}
	all = before + out->section * out->peers;
	if (all < before || out->base + all < out->base || (raw->bar_size && all > raw->bar_size)) {
		snprintf(why, len, "sections of %llu bytes at 0x%llx, of which BAR 2 has %llu",
			 (ull)all, (ull)out->base, (ull)raw->bar_size);
		return -EPROTO;
	}
	out->base += before;
	out->size = out->section * out->seats;
	return 0;
}

int iv2_parse(const struct iv2_raw *raw, struct iv2_layout *out, char *why, size_t len)
{
	if (check_class(raw, why, len) || find_memory(raw, &out->base, why, len) ||
	    check_peers(raw, out, why, len) || check_sections(raw, out, why, len))
		return -EPROTO;
	out->one_shot = raw->cap[IV2_CAP_CONTROL] & IV2_CONTROL_ONE_SHOT;
	return 0;
}
