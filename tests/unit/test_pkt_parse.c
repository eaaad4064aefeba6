/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames to views: classification, IP headers, tags. */
#include "pkt/parse.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "pkt_frames.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* --- the view -------------------------------------------------------------------------------- */

static void
view_of_udp_over_ipv4(void **state)
{
	struct rig_frame f;
	struct mcr_view v;
	char text[MCR_ADDR_STRLEN];

	udp4(&f, 100);
	f.b[f.ip + 1] = 0xb9;
	rig_fix_ipv4(&f);
	assert_int_equal(parse(&f, 0, &v), -1);
	assert_int_equal(v.kind, MCR_KIND_DATA);
	assert_string_equal(mcr_addr_str(&v.src, text), "10.0.0.5");
	assert_string_equal(mcr_addr_str(&v.dst, text), "239.1.2.3");
	assert_int_equal(v.vid, MCR_VID_NONE);
	assert_int_equal(v.n_tags, 0);
	assert_int_equal(v.ethertype, 0x0800);
	assert_int_equal(v.l2_len, 14);
	assert_int_equal(v.l3_len, 20);
	assert_int_equal(v.ip_len, 128);
	assert_int_equal(v.l4_proto, 17);
	assert_int_equal(v.l4_sport, 1000);
	assert_int_equal(v.l4_dport, 5004);
	assert_int_equal(v.ttl, 17);
	assert_int_equal(v.tos, 0xb9);
	assert_false(v.is_fragment);
	assert_false(v.has_router_alert);
}

static void
view_of_udp_over_ipv6(void **state)
{
	struct rig_frame f;
	struct mcr_view v;
	char text[MCR_ADDR_STRLEN];

	udp6(&f, 100);
	f.b[f.ip] = 0x6b; /* traffic class 0xb9, flow label 0x12345 */
	f.b[f.ip + 1] = 0x91;
	assert_int_equal(parse(&f, 0, &v), -1);
	assert_int_equal(v.kind, MCR_KIND_DATA);
	assert_string_equal(mcr_addr_str(&v.src, text), HOST6);
	assert_string_equal(mcr_addr_str(&v.dst, text), GROUP6);
	assert_int_equal(v.ethertype, 0x86dd);
	assert_int_equal(v.l3_len, 40);
	assert_int_equal(v.ip_len, 148);
	assert_int_equal(v.l4_proto, 17);
	assert_int_equal(v.l4_sport, 1000);
	assert_int_equal(v.l4_dport, 5004);
	assert_int_equal(v.ttl, 9);
	assert_int_equal(v.tos, 0xb9);
	assert_false(v.is_fragment);
}

static void
kinds_of_ipv4(void **state)
{
	static const struct {
		uint32_t dst;
		uint8_t proto, kind;
	} c[] = {
		{GROUP, 17, MCR_KIND_DATA},
		{0xe0000100, 17, MCR_KIND_DATA}, /* 224.0.1.0 */
		{0xefffffff, 103, MCR_KIND_DATA},
		{0xe8000001, 6, MCR_KIND_DATA},
		{0xe0000000, 17, MCR_KIND_LINK},
		{0xe00000fb, 17, MCR_KIND_LINK},
		{0xe00000ff, 89, MCR_KIND_LINK},
		{0xe0000001, 2, MCR_KIND_IGMP},
		{GROUP, 2, MCR_KIND_IGMP},
		{OURS, 2, MCR_KIND_IGMP},
		{OURS, 17, MCR_KIND_UNICAST},
		{0xdfffffff, 1, MCR_KIND_UNICAST},
		{0xf0000000, 17, MCR_KIND_UNICAST},
		{0xffffffff, 17, MCR_KIND_OTHER},
	};

	for (unsigned i = 0; i < N(c); i++) {
		struct rig_frame f = {0};
		struct mcr_view v;

		rig_ethernet(&f, MAC, 0x0800);
		rig_ipv4(&f, HOST, c[i].dst, c[i].proto, 20, 0, 16);
		rig_udp(&f, 1, 2, 8);
		assert_int_equal(parse(&f, 0, &v), -1);
		if (v.kind != c[i].kind)
			fail_msg("case %u: kind %u", i, v.kind);
	}
}

static void
kinds_of_ipv6(void **state)
{
	static const struct {
		const char *dst;
		uint8_t next, type, kind;
	} c[] = {
		{GROUP6, 17, 0, MCR_KIND_DATA},
		{"ff03::1", 17, 0, MCR_KIND_DATA},
		{"ff3e::8000:1", 17, 0, MCR_KIND_DATA},
		{"ff02::fb", 17, 0, MCR_KIND_LINK},
		{"ff01::1", 17, 0, MCR_KIND_LINK},
		{"ff00::1", 17, 0, MCR_KIND_LINK},
		{"ff32::1", 17, 0, MCR_KIND_LINK},
		{"2001:db8::1", 17, 0, MCR_KIND_UNICAST},
		{"::ffff:10.0.0.1", 17, 0, MCR_KIND_OTHER},
		{"ff02::1", 58, 130, MCR_KIND_MLD},
		{GROUP6, 58, 131, MCR_KIND_MLD},
		{"ff02::2", 58, 132, MCR_KIND_MLD},
		{"ff02::16", 58, 143, MCR_KIND_MLD},
		{"ff02::1", 58, 129, MCR_KIND_LINK},
		{"ff02::2", 58, 133, MCR_KIND_ND},
		{"2001:db8::1", 58, 136, MCR_KIND_ND},
		{"2001:db8::1", 58, 137, MCR_KIND_ND},
		{GROUP6, 58, 138, MCR_KIND_DATA},
		{"2001:db8::1", 58, 128, MCR_KIND_UNICAST},
	};

	for (unsigned i = 0; i < N(c); i++) {
		struct rig_frame f = {0};
		struct mcr_view v;

		rig_ethernet(&f, MAC6, 0x86dd);
		rig_ipv6(&f, HOST6, c[i].dst, c[i].next, 16);
		rig_udp(&f, c[i].type << 8, 2, 8);
		assert_int_equal(parse(&f, 0, &v), -1);
		if (v.kind != c[i].kind)
			fail_msg("case %u: kind %u", i, v.kind);
	}
}

static void
kinds_of_other_frames(void **state)
{
	static const struct {
		uint16_t type;
		uint8_t kind;
	} c[] = {
		{0x0806, MCR_KIND_ARP},
		{0x88cc, MCR_KIND_OTHER},
		{0x0026, MCR_KIND_OTHER}, /* 802.3 length */
		{0x0000, MCR_KIND_OTHER},
		{0xffff, MCR_KIND_OTHER},
	};

	for (unsigned i = 0; i < N(c); i++) {
		struct rig_frame f = {0};
		struct mcr_view v;

		rig_ethernet(&f, 0x0180c2000000, c[i].type);
		f.len += 46;
		assert_int_equal(parse(&f, 0, &v), -1);
		assert_int_equal(v.kind, c[i].kind);
		assert_int_equal(v.ethertype, c[i].type);
		assert_int_equal(v.ip_len, 46);
	}
}

/* --- IP headers ------------------------------------------------------------------------------ */

static void
p5_padding_is_not_payload(void **state)
{
	struct rig_frame f;
	struct mcr_view v;

	udp4(&f, 1);
	while (f.len < 60)
		rig_u8(&f, 0xa5);
	assert_int_equal(parse(&f, 0, &v), -1);
	assert_int_equal(v.ip_len, 29);
	udp6(&f, 1);
	memset(f.b + f.len, 0xa5, 20);
	f.len += 20;
	assert_int_equal(parse(&f, 0, &v), -1);
	assert_int_equal(v.ip_len, 49);
}

static void
p6_ipv4_header_errors(void **state)
{
	static const struct {
		uint8_t at, value;
		bool fix_checksum;
		int want;
	} c[] = {
		{0, 0x44, true, MCR_DROP_PARSE_BAD_IHL},
		{0, 0x40, false, MCR_DROP_PARSE_BAD_IHL},
		{0, 0x4f, true, MCR_DROP_PARSE_BAD_IHL}, /* 60 > total length 38 */
		{0, 0x55, true, MCR_DROP_PARSE_BAD_VERSION},
		{0, 0x65, true, MCR_DROP_PARSE_BAD_VERSION},
		{0, 0x05, true, MCR_DROP_PARSE_BAD_VERSION},
		{3, 39, true, MCR_DROP_PARSE_BAD_IP_LENGTH},
		{2, 0xff, true, MCR_DROP_PARSE_BAD_IP_LENGTH},
		{3, 19, true, MCR_DROP_PARSE_BAD_IHL},
		{3, 0, true, MCR_DROP_PARSE_BAD_IHL},
		{3, 27, true, MCR_DROP_PARSE_RUNT}, /* no whole UDP header */
		{3, 28, true, -1},
		{8, 1, false, MCR_DROP_PARSE_BAD_IP_CHECKSUM},
		{11, 0, false, MCR_DROP_PARSE_BAD_IP_CHECKSUM},
	};

	for (unsigned i = 0; i < N(c); i++) {
		struct rig_frame f;

		udp4(&f, 10);
		f.b[f.ip + c[i].at] = c[i].value;
		if (c[i].fix_checksum)
			rig_fix_ipv4(&f);
		if (verdict(&f) != c[i].want)
			fail_msg("case %u: %d", i, verdict(&f));
	}
}

static void
p6_every_bit_of_the_header_counts(void **state)
{
	for (unsigned ihl = 20; ihl <= 60; ihl += 4)
		for (unsigned bit = 0; bit < ihl * 8; bit++) {
			struct rig_frame f = {0};
			struct mcr_view v;

			rig_ethernet(&f, MAC, 0x0800);
			rig_ipv4(&f, HOST, GROUP, 17, ihl, 0, 40);
			rig_udp(&f, 1, 2, 32);
			assert_int_equal(verdict(&f), -1);
			f.b[f.ip + bit / 8] ^= 0x80 >> bit % 8;
			assert_int_not_equal(verdict(&f), -1);
			/* Hardware that vouches for the checksum is believed. */
			if (bit / 8 == 10 || bit / 8 == 11)
				assert_int_equal(parse(&f, MCR_PARSE_IP_CSUM_GOOD, &v), -1);
		}
}

static void
p6_ipv6_header_errors(void **state)
{
	struct rig_frame f;

	udp6(&f, 10);
	assert_int_equal(verdict(&f), -1);
	rig_set16(f.b + f.ip + 4, 19);
	assert_int_equal(verdict(&f), MCR_DROP_PARSE_BAD_IP_LENGTH);
	rig_set16(f.b + f.ip + 4, 0xffff);
	assert_int_equal(verdict(&f), MCR_DROP_PARSE_BAD_IP_LENGTH);
	rig_set16(f.b + f.ip + 4, 7);
	assert_int_equal(verdict(&f), MCR_DROP_PARSE_RUNT);
	udp6(&f, 10);
	f.b[f.ip] = 0x40;
	assert_int_equal(verdict(&f), MCR_DROP_PARSE_BAD_VERSION);
	f.b[f.ip] = 0x70;
	assert_int_equal(verdict(&f), MCR_DROP_PARSE_BAD_VERSION);
}

/* A length that fits the frame but not 16 bits. */
static void
p6_ipv6_packet_above_64k(void **state)
{
	static uint8_t big[14 + 40 + 65535];
	struct rig_frame f;
	struct mcr_view v;

	udp6(&f, 10);
	memcpy(big, f.b, f.len);
	rig_set16(big + 18, 65535);
	assert_int_equal(
		mcr_parse(big, sizeof(big), sizeof(big), 0, &v), MCR_DROP_PARSE_BAD_IP_LENGTH);
	rig_set16(big + 18, 65535 - 40);
	assert_int_equal(mcr_parse(big, sizeof(big), sizeof(big), 0, &v), -1);
	assert_int_equal(v.ip_len, 65535);
}

static void
p7_ipv4_options(void **state)
{
	static const struct {
		uint8_t opt[12];
		bool alert;
	} c[] = {
		{{0x94, 4, 0, 0}, true},
		{{1, 1, 0x94, 4, 0, 0}, true},
		{{7, 7, 4, 0, 0, 0, 0, 0x94, 4, 0, 0}, true},
		{{0x94, 4, 0, 1}, false},    /* another value */
		{{0, 0x94, 4, 0, 0}, false}, /* behind the end of options */
		{{0x94, 3, 0, 0}, false},
		{{0x94, 0, 0, 0}, false},               /* would never end */
		{{7, 200, 4, 0, 0x94, 4, 0, 0}, false}, /* overruns the header */
		{{1, 1, 1, 1, 1, 1, 1, 1, 0x94, 4, 0, 0}, true},
		{{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0x94, 4}, false},
		{{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0x94}, false},
	};

	for (unsigned i = 0; i < N(c); i++) {
		struct rig_frame f = {0};
		struct mcr_view v;

		rig_ethernet(&f, MAC, 0x0800);
		rig_ipv4(&f, HOST, GROUP, 17, 32, 0, 8);
		memcpy(f.b + f.ip + 20, c[i].opt, sizeof(c[i].opt));
		rig_fix_ipv4(&f);
		rig_udp(&f, 7, 9, 0);
		assert_int_equal(parse(&f, 0, &v), -1);
		assert_int_equal(v.l3_len, 32);
		assert_int_equal(v.l4_dport, 9);
		if (v.has_router_alert != c[i].alert)
			fail_msg("case %u", i);
	}
}

static void
p8_f8_fragments(void **state)
{
	static const struct {
		uint16_t field;
		bool is_fragment, has_ports;
	} c[] = {
		{0x4000, false, true},
		{0x8000, false, true},
		{0x2000, true, true},
		{0x2001, true, false},
		{0x0001, true, false},
		{0x1fff, true, false},
	};
	uint16_t flow = 0;

	for (unsigned i = 0; i < N(c); i++) {
		struct rig_frame f = {0};
		struct mcr_view v;

		rig_ethernet(&f, MAC, 0x0800);
		/* Four bytes are enough for the end of a datagram. */
		rig_ipv4(&f, HOST, GROUP, 17, 20, c[i].field, c[i].has_ports ? 16 : 4);
		rig_udp(&f, 1000, 2000, 8);
		assert_int_equal(parse(&f, 0, &v), -1);
		assert_int_equal(v.kind, MCR_KIND_DATA);
		assert_int_equal(v.is_fragment, c[i].is_fragment);
		assert_int_equal(v.l4_sport, c[i].has_ports ? 1000 : 0);
		assert_int_equal(v.l4_dport, c[i].has_ports ? 2000 : 0);
		/* All fragments of a datagram are one flow. */
		if (i == 2)
			flow = v.flow;
		else if (i > 2)
			assert_int_equal(v.flow, flow);
	}
}

static void
f8_ipv6_fragments(void **state)
{
	uint16_t flow[3] = {0};

	for (unsigned i = 0; i < 3; i++) {
		struct rig_frame f = {0};
		struct mcr_view v;

		rig_ethernet(&f, MAC6, 0x86dd);
		rig_ipv6(&f, HOST6, GROUP6, 44, i == 2 ? 12 : 24);
		rig_u16(&f, 17 << 8);
		rig_u16(&f, i == 0 ? 0x0001 : i == 1 ? 0x0000 : 0x0008); /* first, whole, last */
		rig_u32(&f, 77);
		rig_udp(&f, 1000, 2000, 8);
		assert_int_equal(parse(&f, 0, &v), -1);
		assert_true(v.is_fragment);
		assert_int_equal(v.l3_len, 48);
		assert_int_equal(v.l4_proto, 17);
		assert_int_equal(v.l4_dport, i == 2 ? 0 : 2000);
		flow[i] = v.flow;
	}
	assert_int_equal(flow[0], flow[1]);
	assert_int_equal(flow[0], flow[2]);
}

/* What follows a later fragment header is the middle of something, however it looks. */
static void
p8_later_fragment_is_no_mld(void **state)
{
	struct rig_frame f = {0};
	struct mcr_view v;

	rig_ethernet(&f, MAC6, 0x86dd);
	rig_ipv6(&f, "fe80::1", "ff02::16", 44, 24);
	rig_u16(&f, 58 << 8);
	rig_u16(&f, 0x0008);
	rig_u32(&f, 77);
	rig_udp(&f, 143 << 8, 0, 8);
	assert_int_equal(parse(&f, 0, &v), -1);
	assert_int_equal(v.kind, MCR_KIND_LINK);
	assert_true(v.is_fragment);
	rig_set16(f.b + f.ip + 42, 0x0001); /* the first one: the codec will refuse it */
	assert_int_equal(parse(&f, 0, &v), -1);
	assert_int_equal(v.kind, MCR_KIND_MLD);
	assert_true(v.is_fragment);
}

/* --- tags ------------------------------------------------------------------------------------ */

static void
p27_tags(void **state)
{
	static const struct {
		uint16_t tag[6]; /* TPID, TCI ... */
		unsigned n;
		int want;
		uint16_t vid;
	} c[] = {
		{{0}, 0, -1, MCR_VID_NONE},
		{{0x8100, 10}, 1, -1, 10},
		{{0x8100, 0xe00a}, 1, -1, 10}, /* priority and DEI bits */
		{{0x8100, 0xf000}, 1, -1, 0},  /* priority tag */
		{{0x8100, 0x0fff}, 1, -1, 4095},
		{{0x88a8, 100}, 1, -1, 100},
		{{0x88a8, 100, 0x8100, 10}, 2, -1, 100},
		{{0x8100, 100, 0x8100, 10}, 2, -1, 100},
		{{0x88a8, 1, 0x8100, 2, 0x8100, 3}, 3, MCR_DROP_PARSE_TOO_MANY_TAGS, 0},
		{{0x9100, 10}, 1, MCR_DROP_PARSE_TOO_MANY_TAGS, 0},
		{{0x9200, 10}, 1, MCR_DROP_PARSE_TOO_MANY_TAGS, 0},
		{{0x8100, 10, 0x9100, 10}, 2, MCR_DROP_PARSE_TOO_MANY_TAGS, 0},
	};

	for (unsigned i = 0; i < N(c); i++)
		for (unsigned v6 = 0; v6 < 2; v6++) {
			struct rig_frame f = {0};
			struct mcr_view v;
			int got;

			rig_ethernet(&f, MAC, 0);
			f.len -= 2;
			for (unsigned k = 0; k < 2 * c[i].n; k++)
				rig_u16(&f, c[i].tag[k]);
			rig_u16(&f, v6 ? 0x86dd : 0x0800);
			if (v6)
				rig_ipv6(&f, HOST6, GROUP6, 17, 16);
			else
				rig_ipv4(&f, HOST, GROUP, 17, 20, 0, 16);
			rig_udp(&f, 1, 2000, 8);
			got = parse(&f, 0, &v);
			if (got != c[i].want)
				fail_msg("case %u: %d", i, got);
			if (got >= 0)
				continue;
			assert_int_equal(v.vid, c[i].vid);
			assert_int_equal(v.n_tags, c[i].n);
			assert_int_equal(v.l2_len, 14 + 4 * c[i].n);
			assert_int_equal(v.l4_dport, 2000);
			assert_int_equal(v.kind, MCR_KIND_DATA);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(view_of_udp_over_ipv4),
		cmocka_unit_test(view_of_udp_over_ipv6),
		cmocka_unit_test(kinds_of_ipv4),
		cmocka_unit_test(kinds_of_ipv6),
		cmocka_unit_test(kinds_of_other_frames),
		cmocka_unit_test(p5_padding_is_not_payload),
		cmocka_unit_test(p6_ipv4_header_errors),
		cmocka_unit_test(p6_every_bit_of_the_header_counts),
		cmocka_unit_test(p6_ipv6_header_errors),
		cmocka_unit_test(p6_ipv6_packet_above_64k),
		cmocka_unit_test(p7_ipv4_options),
		cmocka_unit_test(p8_f8_fragments),
		cmocka_unit_test(f8_ipv6_fragments),
		cmocka_unit_test(p8_later_fragment_is_no_mld),
		cmocka_unit_test(p27_tags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
