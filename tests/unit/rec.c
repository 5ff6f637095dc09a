// SPDX-License-Identifier: GPL-2.0
/* Unit tests of shmem_ring/vni_rec.h: what is written is read, and nothing else is. */
#include "test.h"

#define LINES 2048
#define BYTES (LINES * VNI_LINE)
#define SLOTS 80

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
				    VNI_ETH_INLINE_MAX };
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
	assert_true(vni_rec_lines_inline(VNI_ETH_INLINE_MAX) <= VNI_ETH_RING_LINES_MIN);
	assert_true(vni_rec_slots(VNI_ETH_FRAME_MAX) <= VNI_ETH_SLOTS_MAX);
	assert_true(vni_rec_slots(VNI_ETH_FRAME_MAX) <= VNI_ETH_RETURNS_MIN);
	/* a record's lines fit their field, and the sender's note of them */
	assert_true(vni_rec_lines_inline(VNI_ETH_INLINE_MAX) < 1 << 12);
	assert_true(VNI_ETH_FRAME_MAX < 1 << 20);
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

static void what_is_too_long_for_the_ring_is_refused(void **state)
{
	struct vni_rec rec = good(VNI_ETH_INLINE_MAX + 1, 0);

	(void)state;
	assert_int_equal(read_back(&rec, 0, LINES, NULL), -EPROTO);
	rec = good(VNI_ETH_INLINE_MAX + 1, VNI_ETH_INLINE_MAX / VNI_PAGE + 1);
	assert_int_equal(read_back(&rec, 0, LINES, NULL), 0);
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
	for (avail = 0; avail < 8; avail++)
		assert_int_equal(read_back(&rec, 0, avail, NULL), avail >= 5 ? 0 : -EPROTO);
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

/* A record of the direct form with n pieces of 1000 bytes and a head. */
static int direct_back(u32 n, u32 head, u32 len, struct vni_seg *segs, struct vni_rec_seg *out)
{
	u32 at = BYTES - VNI_LINE;
	struct vni_rec_view view;
	struct vni_rec rec;

	memset(&rec, 0x5a, sizeof(rec));
	vni_rec_header_direct(&rec, len, n, head, 7);
	vni_ring_copy_in(store, BYTES, (at + sizeof(rec)) % BYTES, segs, n * sizeof(*segs));
	if (read_back(&rec, at, LINES, &view))
		return -EPROTO;
	assert_int_equal(view.kind, VNI_REC_DIRECT);
	assert_int_equal(view.token, 7);
	assert_int_equal(view.head, head);
	assert_int_equal(view.lines, (32 + 16 * n + head + 63) / 64);
	return vni_rec_read_segs(&view, out, store, BYTES, at);
}

static void fill_segs(struct vni_seg *segs, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		segs[i] = (struct vni_seg){ cpu_to_le64(0x123450000ULL * (i + 1)),
					    cpu_to_le32(1000), 0 };
}

static void direct_is_read_as_written(void **state)
{
	struct vni_rec_seg out[VNI_ETH_SEGS_MAX];
	struct vni_seg segs[VNI_ETH_SEGS_MAX];
	u32 n, i;

	(void)state;
	for (n = 1; n <= VNI_ETH_SEGS_MAX; n++) {
		fill_segs(segs, n);
		assert_int_equal(direct_back(n, 66, 66 + 1000 * n, segs, out), 0);
		for (i = 0; i < n; i++) {
			assert_int_equal(out[i].addr, 0x123450000ULL * (i + 1));
			assert_int_equal(out[i].len, 1000);
		}
	}
}

static void bad_direct_records_are_refused(void **state)
{
	struct vni_rec_seg out[VNI_ETH_SEGS_MAX];
	struct vni_seg segs[VNI_ETH_SEGS_MAX + 1];

	(void)state;
	fill_segs(segs, COUNT(segs));
	/* more or fewer bytes than the pieces have, a head that is none, too many pieces */
	assert_int_equal(direct_back(3, 66, 66 + 2999, segs, out), -EPROTO);
	assert_int_equal(direct_back(3, 66, 66 + 3001, segs, out), -EPROTO);
	assert_int_equal(direct_back(3, 13, 13 + 3000, segs, out), -EPROTO);
	assert_int_equal(direct_back(3, 257, 257 + 3000, segs, out), -EPROTO);
	assert_int_equal(direct_back(0, 66, 66, segs, out), -EPROTO);
	assert_int_equal(direct_back(18, 66, 66 + 18000, segs, out), -EPROTO);
	/* an empty piece, one across a border, one whose length wraps around */
	segs[1].len = 0;
	assert_int_equal(direct_back(3, 66, 66 + 2000, segs, out), -EPROTO);
	fill_segs(segs, 3);
	segs[1].addr = cpu_to_le64(VNI_ETH_SEG_ALIGN - 999);
	assert_int_equal(direct_back(3, 66, 66 + 3000, segs, out), -EPROTO);
	segs[1].addr = cpu_to_le64(VNI_ETH_SEG_ALIGN - 1000);
	assert_int_equal(direct_back(3, 66, 66 + 3000, segs, out), 0);
	segs[0].len = cpu_to_le32(0xffffffffu);
	assert_int_equal(direct_back(3, 66, 66 + 3000, segs, out), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inline_is_read_as_written),
		cmocka_unit_test(slots_are_read_as_written),
		cmocka_unit_test(largest_record_fits_the_smallest_ring),
		cmocka_unit_test(bad_lengths_are_refused),
		cmocka_unit_test(what_is_too_long_for_the_ring_is_refused),
		cmocka_unit_test(bad_line_counts_are_refused),
		cmocka_unit_test(records_longer_than_what_is_there_are_refused),
		cmocka_unit_test(bad_kinds_are_refused),
		cmocka_unit_test(bad_slot_counts_are_refused),
		cmocka_unit_test(slots_beyond_the_buffer_are_refused),
		cmocka_unit_test(direct_is_read_as_written),
		cmocka_unit_test(bad_direct_records_are_refused),
	};

	return cmocka_run_group_tests_name("records", tests, NULL, NULL);
}
