/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames to views: extension headers and sources. */
#include "pkt/parse.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "pkt_frames.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* --- extension headers ----------------------------------------------------------------------- */

static void
p25_extension_headers(void **state)
{
	static const struct {
		struct ext e[9];
		unsigned n;
		int want;
		bool alert;
	} c[] = {
		{{{0, 0, {5, 2, 0, 0, 1, 0}}}, 1, -1, true},
		{{{0, 0, {1, 0, 5, 2, 0, 0}}}, 1, -1, true},
		{{{0, 0, {0, 0, 5, 2, 0, 0}}}, 1, -1, true},
		{{{0, 1, {0, 1, 3, 9, 9, 9}}}, 1, -1, false},
		{{{0, 0, {5, 2, 0, 1, 1, 0}}}, 1, -1, false}, /* alert for something else */
		{{{0, 0, {5, 3, 0, 0, 0, 0}}}, 1, -1, false},
		{{{0, 1, {0x3e, 4, 1, 2, 3, 4}}}, 1, -1, false},
		{{{0, 3, {5, 2, 0, 0, 1, 0}}}, 1, -1, true},
		{{{0, 0, {1, 5, 0, 0, 0, 0}}}, 1, MCR_DROP_PARSE_BAD_EXTENSION, false},
		{{{0, 0, {0, 0, 0, 0, 0, 1}}}, 1, MCR_DROP_PARSE_BAD_EXTENSION, false},
		{{{0, 0, {5, 2, 0, 0, 1, 0}}, {60, 0, {1, 4}}}, 2, -1, true},
		{{{60, 0, {1, 4}}, {43, 1, {0}}}, 2, -1, false},
		{{{60, 0, {1, 4}}, {0, 0, {1, 4}}}, 2, MCR_DROP_PARSE_BAD_EXTENSION, false},
		{{{0, 0, {1, 4}}, {0, 0, {1, 4}}}, 2, MCR_DROP_PARSE_BAD_EXTENSION, false},
		{{{60, 0, {0}}, {60, 0, {0}}, {60, 0, {0}}, {60, 0, {0}}, {60, 0, {0}},
			 {60, 0, {0}}, {60, 0, {0}}, {60, 0, {0}}},
			8, -1, false},
		{{{60, 0, {0}}, {60, 0, {0}}, {60, 0, {0}}, {60, 0, {0}}, {60, 0, {0}},
			 {60, 0, {0}}, {60, 0, {0}}, {60, 0, {0}}, {60, 0, {0}}},
			9, MCR_DROP_PARSE_BAD_EXTENSION, false},
		{{{60, 31, {1, 4}}}, 1, -1, false}, /* 256 octets */
		{{{60, 32, {1, 4}}}, 1, MCR_DROP_PARSE_BAD_EXTENSION, false},
		{{{60, 30, {0}}, {60, 0, {0}}}, 2, -1, false},
		{{{60, 30, {0}}, {60, 1, {0}}}, 2, MCR_DROP_PARSE_BAD_EXTENSION, false},
		{{{60, 255, {0}}}, 1, MCR_DROP_PARSE_BAD_EXTENSION, false},
	};

	for (unsigned i = 0; i < N(c); i++) {
		struct rig_frame f;
		struct mcr_view v;
		uint32_t l3 = 40;
		int got;

		with_extensions(&f, c[i].e, c[i].n, 17);
		for (unsigned k = 0; k < c[i].n; k++)
			l3 += (c[i].e[k].units + 1) * 8;
		got = parse(&f, 0, &v);
		if (got != c[i].want)
			fail_msg("case %u: %d", i, got);
		if (got >= 0)
			continue;
		assert_int_equal(v.l3_len, l3);
		assert_int_equal(v.l4_proto, 17);
		assert_int_equal(v.l4_dport, 2000);
		if (v.has_router_alert != c[i].alert)
			fail_msg("case %u: router alert", i);
	}
}

static void
p25_forty_headers_and_overrun(void **state)
{
	struct ext many[40];
	const struct ext one = {60, 1, {1, 12}};
	struct rig_frame f;

	for (unsigned i = 0; i < 40; i++)
		many[i] = (struct ext){60, 0, {1, 4}};
	with_extensions(&f, many, 40, 17);
	assert_int_equal(verdict(&f), MCR_DROP_PARSE_BAD_EXTENSION);
	/* The header ends behind the packet, though not behind the frame. */
	with_extensions(&f, &one, 1, 17);
	rig_set16(f.b + f.ip + 4, 15);
	assert_int_equal(verdict(&f), MCR_DROP_PARSE_BAD_EXTENSION);
	/* No room for a header that is announced. */
	rig_set16(f.b + f.ip + 4, 7);
	assert_int_equal(verdict(&f), MCR_DROP_PARSE_BAD_EXTENSION);
	rig_set16(f.b + f.ip + 4, 0);
	assert_int_equal(verdict(&f), MCR_DROP_PARSE_BAD_EXTENSION);
}

static void
p25_authentication_header_counts_four_octets(void **state)
{
	struct rig_frame f = {0};
	struct mcr_view v;

	rig_ethernet(&f, MAC6, 0x86dd);
	rig_ipv6(&f, HOST6, GROUP6, 51, 24 + 16);
	rig_u8(&f, 17);
	rig_u8(&f, 4); /* (4 + 2) * 4 */
	f.len += 22;
	rig_udp(&f, 1000, 2000, 8);
	assert_int_equal(parse(&f, 0, &v), -1);
	assert_int_equal(v.l3_len, 64);
	assert_int_equal(v.l4_dport, 2000);
}

/* --- sources --------------------------------------------------------------------------------- */

static void
f5_bad_ipv4_sources(void **state)
{
	static const struct {
		uint32_t src;
		bool good;
	} c[] = {
		{0x00000000, false},
		{0x00ffffff, false},
		{0x01000000, true},
		{0x7effffff, true},
		{0x7f000001, false},
		{0x7fffffff, false},
		{0x80000000, true},
		{0xdfffffff, true},
		{0xe0000001, false},
		{0xefffffff, false},
		{0xf0000000, false},
		{0xffffffff, false},
	};

	for (unsigned i = 0; i < N(c); i++) {
		static const uint32_t dsts[] = {GROUP, 0xe00000fb};

		for (unsigned d = 0; d < N(dsts); d++) {
			struct rig_frame f = {0};

			rig_ethernet(&f, MAC, 0x0800);
			rig_ipv4(&f, c[i].src, dsts[d], 17, 20, 0, 8);
			rig_udp(&f, 1, 2, 0);
			assert_int_equal(verdict(&f), c[i].good ? -1 : MCR_DROP_PARSE_BAD_SOURCE);
		}
	}
}

/* A host without an address yet reports all the same (P31): that is the codec's business. */
static void
f5_igmp_is_not_data(void **state)
{
	struct rig_frame f = {0};
	struct mcr_view v;

	rig_ethernet(&f, MAC, 0x0800);
	rig_ipv4(&f, 0, 0xe0000016, 2, 24, 0, 8);
	f.len += 8;
	assert_int_equal(parse(&f, 0, &v), -1);
	assert_int_equal(v.kind, MCR_KIND_IGMP);
}

static void
f5_bad_ipv6_sources(void **state)
{
	static const struct {
		const char *src;
		int want;
	} c[] = {
		{"::", MCR_DROP_PARSE_BAD_SOURCE},
		{"::1", MCR_DROP_PARSE_BAD_SOURCE},
		{"ff0e::1", MCR_DROP_PARSE_BAD_SOURCE},
		{"ff02::1", MCR_DROP_PARSE_BAD_SOURCE},
		{"::ffff:10.0.0.5", MCR_DROP_PARSE_BAD_SOURCE}, /* would pose as IPv4 */
		{"::2", -1},
		{"fe80::1", -1},
		{HOST6, -1},
	};

	for (unsigned i = 0; i < N(c); i++) {
		struct rig_frame f = {0};

		rig_ethernet(&f, MAC6, 0x86dd);
		rig_ipv6(&f, c[i].src, GROUP6, 17, 8);
		rig_udp(&f, 1, 2, 0);
		if (verdict(&f) != c[i].want)
			fail_msg("%s: %d", c[i].src, verdict(&f));
	}
}

static void
t7_mapped_source_never_poses_as_a_peer(void **state)
{
	struct rig_frame f = {0};

	rig_ethernet(&f, 0x020000000001, 0x86dd);
	rig_ipv6(&f, "::ffff:192.0.2.2", "2001:db8::1", 17, 8);
	rig_udp(&f, 50000, 4789, 0);
	assert_int_equal(verdict(&f), MCR_DROP_PARSE_BAD_SOURCE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(p25_extension_headers),
		cmocka_unit_test(p25_forty_headers_and_overrun),
		cmocka_unit_test(p25_authentication_header_counts_four_octets),
		cmocka_unit_test(f5_bad_ipv4_sources),
		cmocka_unit_test(f5_igmp_is_not_data),
		cmocka_unit_test(f5_bad_ipv6_sources),
		cmocka_unit_test(t7_mapped_source_never_poses_as_a_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
