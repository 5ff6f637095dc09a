// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of window/ivshmem_v2.c against a model of what Jailhouse's specification says of the
 * device: the class code, the vendor specific capability byte by byte, and the registers.
 */
#include "test.h"

#include "ivshmem_v2.h"

#define MIB (1024 * 1024ULL)

/* What the hypervisor was configured with. */
struct device {
	u32 protocol, id, max_peers;
	u32 states;
	u64 rw, output;
	u64 bar, base;	/* one of both */
	bool one_shot;
};

static const struct device usual = {
	.protocol = 0x4000,
	.id = 1,
	.max_peers = 2,
	.states = 4096,
	.rw = 8192,
	.output = 4 * MIB,
	.bar = 0xc0000000,
};

static void put(u8 *to, u64 value, unsigned int bytes)
{
	for (; bytes--; value >>= 8)
		*to++ = value;
}

static u64 device_size(const struct device *dev)
{
	return dev->states + dev->rw + dev->output * dev->max_peers;
}

/* The specification's tables, in its words. */
static struct iv2_raw device_read(const struct device *dev)
{
	struct iv2_raw raw = {
		.class = 0xff0000 | dev->protocol,
		.id = dev->id,
		.max_peers = dev->max_peers,
		.bar_base = dev->bar,
	};
	u64 size = 1;

	while (size < device_size(dev))
		size *= 2;
	raw.bar_size = dev->bar ? size : 0;
	raw.cap[0x00] = 0x09;
	raw.cap[0x02] = dev->bar ? 0x18 : 0x20;
	raw.cap[0x03] = dev->one_shot;
	put(&raw.cap[0x04], dev->states, 4);
	put(&raw.cap[0x08], dev->rw, 8);
	put(&raw.cap[0x10], dev->output, 8);
	if (!dev->bar)
		put(&raw.cap[0x18], dev->base, 8);
	raw.cap_len = sizeof(raw.cap);
	return raw;
}

static struct iv2_layout good(const struct device *dev)
{
	struct iv2_raw raw = device_read(dev);
	struct iv2_layout out = {};
	char why[160] = "";

	if (iv2_parse(&raw, &out, why, sizeof(why)))
		fail_msg("refused: %s", why);
	return out;
}

/* Refused, and what is said has the words that help. */
static void bad_raw(const struct iv2_raw *raw, const char *words)
{
	struct iv2_layout out = {};
	char why[160] = "";

	assert_int_equal(iv2_parse(raw, &out, why, sizeof(why)), -EPROTO);
	if (!strstr(why, words) || strlen(why) == sizeof(why) - 1)
		fail_msg("\"%s\" lacks \"%s\" or was cut", why, words);
}

static void bad(const struct device *dev, const char *words)
{
	struct iv2_raw raw = device_read(dev);

	bad_raw(&raw, words);
}

static void test_bar(void **state)
{
	struct iv2_layout out = good(&usual);

	(void)state;
	assert_int_equal(out.base, 0xc0000000 + 4096 + 8192);
	assert_int_equal(out.section, 4 * MIB);
	assert_int_equal(out.size, 8 * MIB);
	assert_int_equal(out.id, 1);
	assert_int_equal(out.peers, 2);
	assert_int_equal(out.seats, 2);
	assert_false(out.one_shot);
}

static void test_base_address(void **state)
{
	struct device dev = usual;
	struct iv2_layout out;

	(void)state;
	dev.bar = 0;
	dev.base = 0x123450000000;
	dev.rw = 0;
	dev.one_shot = true;
	out = good(&dev);
	assert_int_equal(out.base, 0x123450001000);
	assert_true(out.one_shot);
	dev.base = 0;
	bad(&dev, "neither BAR 2 nor a base address");
}

/* Sections lie where the window looks for them, whatever the number of peers. */
static void test_peers(void **state)
{
	static const struct {
		u32 max, seats;
	} cases[] = { { 2, 2 }, { 3, 2 }, { 4, 4 }, { 7, 4 }, { 64, 64 }, { 65, 64 }, { 100, 64 } };
	unsigned int i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		struct device dev = usual;
		struct iv2_layout out;

		dev.max_peers = cases[i].max;
		dev.id = cases[i].seats - 1;
		out = good(&dev);
		assert_int_equal(out.seats, cases[i].seats);
		assert_int_equal(out.peers, cases[i].max);
		assert_int_equal(out.size / out.seats, dev.output);
		dev.id++;
		bad(&dev, dev.id == dev.max_peers ? "expected less than" : "power of two");
	}
}

static void test_ids(void **state)
{
	struct device dev = usual;

	(void)state;
	dev.id = 0xffffffff;	/* what a device that is gone answers */
	bad(&dev, "expected less than 2 peers");
	dev.max_peers = 0xffffffff;
	bad(&dev, "expected 2 to 65536");
	dev.max_peers = 1;
	bad(&dev, "expected 2 to 65536");
	dev.max_peers = 65537;
	bad(&dev, "expected 2 to 65536");
}

static void test_protocol(void **state)
{
	static const u32 fit[] = { 0x0000, 0x4000, 0x7fff };
	static const u32 other[] = { 1, 2, 0x3fff, 0x8000, 0xc000 };
	struct iv2_raw raw = device_read(&usual);
	struct device dev = usual;
	unsigned int i;

	(void)state;
	for (i = 0; i < COUNT(fit); i++) {
		dev.protocol = fit[i];
		good(&dev);
	}
	for (i = 0; i < COUNT(other); i++) {
		dev.protocol = other[i];
		bad(&dev, "belongs to another driver");
	}
	raw.class = 0x050000;
	bad_raw(&raw, "expected 0xffXXXX");
}

static void test_capability(void **state)
{
	struct iv2_raw raw = device_read(&usual);

	(void)state;
	raw.cap[2] = 0x17;
	bad_raw(&raw, "vendor capability of 23 bytes");
	raw.cap[2] = 0xff;
	bad_raw(&raw, "vendor capability of 255 bytes");
	raw = device_read(&usual);
	raw.cap_len = 0;
	bad_raw(&raw, "vendor capability of 0 bytes");
	raw.cap_len = 0x17;
	bad_raw(&raw, "expected 24 or 32");
}

static void test_sections(void **state)
{
	static const u64 outputs[] = { 0, 4096, 256 * 1024 - 65536, MIB + 4096, 1ULL << 63, ~0ULL };
	struct device dev = usual;
	struct iv2_raw raw;
	unsigned int i;

	(void)state;
	for (i = 0; i < COUNT(outputs); i++) {
		raw = device_read(&usual);
		put(&raw.cap[0x10], outputs[i], 8);
		bad_raw(&raw, "output sections of");
	}
	dev.states = 0;
	bad(&dev, "state table of 0");
	dev.states = 4100;
	bad(&dev, "whole pages");
	dev = usual;
	dev.rw = 1000;
	bad(&dev, "whole pages");
	dev = usual;
	dev.output = MIB;
	dev.max_peers = 65536;
	dev.states = 65536;
	bad(&dev, "4 bytes of table");
}

static void test_bounds(void **state)
{
	struct iv2_raw raw = device_read(&usual);
	struct device dev = usual;

	(void)state;
	raw.bar_size = 8 * MIB;
	bad_raw(&raw, "of which BAR 2 has 8388608");
	raw = device_read(&usual);
	put(&raw.cap[0x08], ~0xfffULL, 8);
	bad_raw(&raw, "common section");
	dev.bar = 0;
	dev.base = ~0xfffffULL;
	bad(&dev, "sections of");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bar),	   cmocka_unit_test(test_base_address),
		cmocka_unit_test(test_peers),	   cmocka_unit_test(test_ids),
		cmocka_unit_test(test_protocol),   cmocka_unit_test(test_capability),
		cmocka_unit_test(test_sections),   cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
