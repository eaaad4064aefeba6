/* SPDX-License-Identifier: BSD-3-Clause */
/* Checksum arithmetic against byte-wise sums, and the multicast MAC. */
#include "pkt/rewrite.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "pkt_rig.h"
#include "random.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* As a field in memory reads in network order. */
static unsigned
stored(uint16_t value)
{
	uint8_t b[2];

	memcpy(b, &value, 2);
	return rig_16(b);
}

static uint16_t
to_store(unsigned value)
{
	uint8_t b[2];
	uint16_t x;

	rig_set16(b, value);
	memcpy(&x, b, 2);
	return x;
}

static void
sum_of_every_length(void **state)
{
	struct rnd r = rnd_init("sums");
	uint8_t bytes[300];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = rnd_next(&r);
	for (unsigned len = 0; len <= sizeof(bytes); len++) {
		const uint8_t *at = rig_at_edge(bytes, len);

		assert_int_equal(stored(mcr_csum_fold(mcr_csum_add(0, at, len))),
			0xffff - rig_sum(bytes, len));
	}
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(mcr_csum_fold(mcr_csum_add(0, bytes, sizeof(bytes))), 0);
}

/* The carry of 64 KB of ones, and sums added to each other again and again. */
static void
sum_does_not_overflow(void **state)
{
	static uint8_t ones[65534];
	uint32_t sum = 0;

	memset(ones, 0xff, sizeof(ones));
	for (unsigned i = 0; i < 100000; i++)
		sum = mcr_csum_add(sum, ones, i % 1000 == 0 ? sizeof(ones) : 40);
	assert_int_equal(mcr_csum_fold(sum), 0);
	sum = mcr_csum_add(sum, "\x12\x34", 2);
	assert_int_equal(stored(mcr_csum_fold(sum)), 0xffff - 0x1234);
}

static void
sum_in_pieces(void **state)
{
	struct rnd r = rnd_init("pieces");
	uint8_t bytes[128];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = rnd_next(&r);
	for (unsigned cut = 0; cut <= sizeof(bytes); cut += 2) {
		uint32_t sum = mcr_csum_add(0, bytes, cut);

		sum = mcr_csum_add(sum, bytes + cut, sizeof(bytes) - cut);
		assert_int_equal(
			stored(mcr_csum_fold(sum)), 0xffff - rig_sum(bytes, sizeof(bytes)));
	}
}

/* A header whose checksum was 0x0000, 0xfffe or anything else, after one field changed. */
static void
f2_checksum_update_is_a_full_sum(void **state)
{
	struct rnd r = rnd_init("updates");
	unsigned zero = 0, most = 0;

	for (unsigned round = 0; round < 2000000; round++) {
		uint8_t hdr[20];
		uint16_t was, is, csum;
		unsigned old_sum;

		for (unsigned i = 0; i < 20; i += 4)
			memcpy(hdr + i, &(uint32_t){(uint32_t)rnd_next(&r)}, 4);
		hdr[0] = 0x45;
		/* Two words that steer the old checksum to its corner values now and then. */
		rig_set16(hdr + 10, 0);
		if (round % 4 < 2) {
			rig_set16(hdr + 18, 0);
			old_sum = rig_sum(hdr, 20);
			rig_set16(hdr + 18, (round % 4 ? 0 : 1) + 0xffff - old_sum);
		}
		old_sum = rig_sum(hdr, 20);
		csum = to_store(0xffff - old_sum);
		zero += old_sum == 0xffff;
		most += old_sum == 1;

		memcpy(&was, hdr + 8, 2);
		is = round % 8 < 4 ? rnd_next(&r)
		                   : (uint16_t[]){0, 0xffff, was, ~was}[rnd_below(&r, 4)];
		memcpy(hdr + 8, &is, 2);
		assert_int_equal(stored(mcr_csum_update(csum, was, is)), 0xffff - rig_sum(hdr, 20));
	}
	assert_true(zero > 1000);
	assert_true(most > 1000);
}

/* RFC 1624 section 4: the example in which equation 4 of RFC 1141 goes wrong. */
static void
f2_example_of_rfc_1624(void **state)
{
	assert_int_equal(
		stored(mcr_csum_update(to_store(0xdd2f), to_store(0x5555), to_store(0x3285))),
		0x0000);
}

/* A TTL one lower, at every value of the checksum that a header can have. */
static void
f2_every_checksum_value(void **state)
{
	for (unsigned csum = 0; csum < 0xffff; csum++) {
		const uint16_t was = to_store(0x4011), is = to_store(0x3f11);
		/* Header sums so that the complement is csum: 1..0xffff. */
		unsigned sum = 0xffff - csum, rest, after;

		rest = rig_add(sum, 0xffff - 0x4011);
		after = 0xffff - rig_add(rest, 0x3f11);
		if (after == 0xffff) /* no header sums up to 0 */
			after = 0;
		assert_int_equal(stored(mcr_csum_update(to_store(csum), was, is)), after);
	}
}

static void
pseudo_headers(void **state)
{
	struct rnd r = rnd_init("pseudo headers");

	for (unsigned round = 0; round < 20000; round++) {
		struct rig_frame f = {0};
		struct mcr_addr src, dst;
		unsigned n = rnd_below(&r, 64);
		uint16_t csum;
		uint32_t sum;

		if (round & 1) {
			rig_ipv4(&f, rnd_next(&r), rnd_next(&r), 17, 20, 0, 8 + n);
			src = mcr_addr_v4(0);
			dst = src;
			memcpy(src.b + 12, f.b + 12, 4);
			memcpy(dst.b + 12, f.b + 16, 4);
		} else {
			rig_ipv6(&f, "2001:db8::2", "ff0e::1", 17, 8 + n);
			f.b[20] = rnd_next(&r);
			f.b[35] = rnd_next(&r);
			memcpy(src.b, f.b + 8, 16);
			memcpy(dst.b, f.b + 24, 16);
		}
		rig_udp(&f, rnd_next(&r), rnd_next(&r), n);
		sum = mcr_csum_pseudo(&src, &dst, 17, 8 + n);
		csum = mcr_csum_fold(mcr_csum_add(sum, f.b + f.l4, 8 + n));
		assert_int_equal(csum == 0 ? 0xffff : stored(csum), rig_udp_csum(&f));
	}
}

/* RFC 8200 section 8.1: the length of the pseudo header has 32 bits. */
static void
pseudo_header_of_a_long_payload(void **state)
{
	const struct mcr_addr a = {.b = {0x20, 1}};
	const uint32_t diff = mcr_csum_pseudo(&a, &a, 17, 0x10000);

	assert_int_equal(mcr_csum_fold(diff), mcr_csum_fold(mcr_csum_pseudo(&a, &a, 17, 1)));
}

static void
o1_mac_of_a_group(void **state)
{
	static const struct {
		const char *group, *mac;
	} c[] = {
		{"224.0.0.1", "01:00:5e:00:00:01"},
		{"224.0.0.22", "01:00:5e:00:00:16"},
		{"239.129.2.3", "01:00:5e:01:02:03"}, /* 23 bits only */
		{"225.255.255.255", "01:00:5e:7f:ff:ff"},
		{"ff02::16", "33:33:00:00:00:16"},
		{"ff0e::1:89ab:cdef", "33:33:89:ab:cd:ef"},
	};

	for (unsigned i = 0; i < N(c); i++) {
		struct mcr_addr group;
		struct mcr_mac mac;
		char text[MCR_MAC_STRLEN];

		assert_int_equal(mcr_addr_parse(c[i].group, &group), 0);
		mac = mcr_mac_of_group(&group);
		assert_string_equal(mcr_mac_str(&mac, text), c[i].mac);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sum_of_every_length),
		cmocka_unit_test(sum_does_not_overflow),
		cmocka_unit_test(sum_in_pieces),
		cmocka_unit_test(f2_checksum_update_is_a_full_sum),
		cmocka_unit_test(f2_example_of_rfc_1624),
		cmocka_unit_test(f2_every_checksum_value),
		cmocka_unit_test(pseudo_headers),
		cmocka_unit_test(pseudo_header_of_a_long_payload),
		cmocka_unit_test(o1_mac_of_a_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
