// SPDX-License-Identifier: GPL-2.0
/* Unit tests of shmem_ring/vni_rec.h: what is written is read, and nothing else is. */
#include "test.h"

#define LINES 2048
#define BYTES (LINES * VNI_LINE)
#define SLOTS 40

static u8 store[BYTES];

static struct vni_rec good(u32 len, u32 nslots)
{
	struct vni_rec rec;

	memset(&rec, 0x5a, sizeof(rec));
	vni_rec_header(&rec, len, nslots);
	return rec;
}

static int read_back(const struct vni_rec *rec, u32 at, u32 avail, struct vni_rec_view *view)
{
	struct vni_rec_view unused;

	vni_ring_copy_in(store, BYTES, at, rec, sizeof(*rec));
	return vni_rec_read(view ?: &unused, store, BYTES, at, avail);
}

static void inline_is_read_as_written(void **state)
{
	static const u32 lens[] = { VNI_ETH_FRAME_MIN, 32, 33, 60, 96, 97, 1514, VNI_PAGE, 9014,
				    VNI_ETH_FRAME_MAX };
	static const u32 ats[] = { 0, VNI_LINE, BYTES - VNI_LINE, BYTES / 2 };
	struct vni_rec_view view;
	u32 i, j;

	(void)state;
	for (i = 0; i < COUNT(lens); i++) {
		for (j = 0; j < COUNT(ats); j++) {
			struct vni_rec rec = good(lens[i], 0);

			assert_int_equal(read_back(&rec, ats[j], LINES, &view), 0);
			assert_int_equal(view.len, lens[i]);
			assert_int_equal(view.nslots, 0);
			assert_int_equal(view.lines, (32 + lens[i] + 63) / 64);
			assert_memory_equal(view.virtio, rec.virtio, sizeof(view.virtio));
		}
	}
}

static void slots_are_read_as_written(void **state)
{
	u32 n, i, slots[VNI_ETH_SLOTS_MAX];
	__le32 raw[VNI_ETH_SLOTS_MAX];
	struct vni_rec_view view;

	(void)state;
	for (n = 1; n <= VNI_ETH_SLOTS_MAX; n++) {
		/* the last line: header at the end, numbers of a long record at the start */
		u32 at = BYTES - VNI_LINE;
		u32 len = n == VNI_ETH_SLOTS_MAX ? VNI_ETH_FRAME_MAX : n * VNI_PAGE;
		struct vni_rec rec = good(len, n);

		for (i = 0; i < n; i++)
			raw[i] = cpu_to_le32(SLOTS - 1 - i);
		assert_int_equal(vni_rec_slots(len), n);
		assert_int_equal(read_back(&rec, at, vni_rec_lines_slots(n), &view), 0);
		assert_int_equal(view.nslots, n);
		vni_ring_copy_in(store, BYTES, (at + sizeof(rec)) % BYTES, raw, 4 * n);
		assert_int_equal(vni_rec_read_slots(&view, slots, store, BYTES, at, SLOTS), 0);
		for (i = 0; i < n; i++)
			assert_int_equal(slots[i], SLOTS - 1 - i);
	}
}

static void largest_record_fits_the_smallest_ring(void **state)
{
	(void)state;
	assert_true(vni_rec_lines_inline(VNI_ETH_FRAME_MAX) <= VNI_ETH_RING_LINES_MIN);
	assert_true(vni_rec_slots(VNI_ETH_FRAME_MAX) <= VNI_ETH_SLOTS_MAX);
	assert_true(vni_rec_slots(VNI_ETH_FRAME_MAX) <= VNI_ETH_RETURNS_MIN);
	/* a record's lines fit their field */
	assert_true(vni_rec_lines_inline(VNI_ETH_FRAME_MAX) <= 0xffff);
}

static void bad_lengths_are_refused(void **state)
{
	static const u32 lens[] = { 0,
				    1,
				    VNI_ETH_FRAME_MIN - 1,
				    VNI_ETH_FRAME_MAX + 1,
				    0x10000000,
				    0x7fffffff,
				    0x80000000,
				    0xffffffdf,
				    0xffffffff };
	u32 i;

	(void)state;
	for (i = 0; i < COUNT(lens); i++) {
		struct vni_rec rec = good(lens[i], 0);

		assert_int_equal(read_back(&rec, 0, LINES, NULL), -EPROTO);
		rec = good(lens[i], (u8)vni_rec_slots(lens[i]));
		assert_int_equal(read_back(&rec, 0, LINES, NULL), -EPROTO);
	}
}

static void bad_line_counts_are_refused(void **state)
{
	u32 lines;

	(void)state;
	for (lines = 0; lines < 0x10000; lines++) {
		struct vni_rec rec = good(1514, 0);

		rec.lines = cpu_to_le16(lines);
		assert_int_equal(read_back(&rec, 0, LINES, NULL), lines == 25 ? 0 : -EPROTO);
		rec = good(5000, 2);
		rec.lines = cpu_to_le16(lines);
		assert_int_equal(read_back(&rec, 0, LINES, NULL), lines == 1 ? 0 : -EPROTO);
	}
}

static void records_longer_than_what_is_there_are_refused(void **state)
{
	struct vni_rec rec = good(1514, 0);
	u32 avail;

	(void)state;
	for (avail = 0; avail < 40; avail++)
		assert_int_equal(read_back(&rec, 0, avail, NULL), avail >= 25 ? 0 : -EPROTO);
	rec = good(VNI_ETH_FRAME_MAX, VNI_ETH_SLOTS_MAX);
	for (avail = 0; avail < 4; avail++)
		assert_int_equal(read_back(&rec, 0, avail, NULL), avail >= 2 ? 0 : -EPROTO);
}

static void bad_kinds_are_refused(void **state)
{
	u32 kind;

	(void)state;
	for (kind = 0; kind < 256; kind++) {
		struct vni_rec rec = good(1514, 0);

		rec.kind = kind;
		assert_int_equal(read_back(&rec, 0, LINES, NULL),
				 kind == VNI_REC_INLINE ? 0 : -EPROTO);
		rec = good(1514, 1);
		rec.kind = kind;
		assert_int_equal(read_back(&rec, 0, LINES, NULL),
				 kind == VNI_REC_SLOTS ? 0 : -EPROTO);
	}
}

static void bad_slot_counts_are_refused(void **state)
{
	u32 n;

	(void)state;
	for (n = 0; n < 256; n++) {
		struct vni_rec rec = good(5000, 2);

		rec.nslots = n;
		assert_int_equal(read_back(&rec, 0, LINES, NULL), n == 2 ? 0 : -EPROTO);
		rec = good(5000, 0);
		rec.nslots = n;
		assert_int_equal(read_back(&rec, 0, LINES, NULL), n == 0 ? 0 : -EPROTO);
	}
}

static void slots_beyond_the_buffer_are_refused(void **state)
{
	static const u32 bad[] = { SLOTS, SLOTS + 1, 0x7fffffff, 0x80000000, 0xffffffff };
	struct vni_rec_view view = { .len = 3 * VNI_PAGE, .lines = 1, .nslots = 3 };
	u32 slots[VNI_ETH_SLOTS_MAX], i, at;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		for (at = 0; at < 3; at++) {
			__le32 raw[3] = { 0, cpu_to_le32(1), cpu_to_le32(SLOTS - 1) };

			raw[at] = cpu_to_le32(bad[i]);
			vni_ring_copy_in(store, BYTES, sizeof(struct vni_rec), raw, sizeof(raw));
			assert_int_equal(vni_rec_read_slots(&view, slots, store, BYTES, 0, SLOTS),
					 -EPROTO);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inline_is_read_as_written),
		cmocka_unit_test(slots_are_read_as_written),
		cmocka_unit_test(largest_record_fits_the_smallest_ring),
		cmocka_unit_test(bad_lengths_are_refused),
		cmocka_unit_test(bad_line_counts_are_refused),
		cmocka_unit_test(records_longer_than_what_is_there_are_refused),
		cmocka_unit_test(bad_kinds_are_refused),
		cmocka_unit_test(bad_slot_counts_are_refused),
		cmocka_unit_test(slots_beyond_the_buffer_are_refused),
	};

	return cmocka_run_group_tests_name("records", tests, NULL, NULL);
}
