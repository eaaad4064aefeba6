/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames to views: classification, lengths, tags, extension headers, sources, checksums, flows. */
#include "pkt/parse.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "pkt_rig.h"
#include "random.h"

#define GROUP 0xef010203u /* 239.1.2.3 */
#define HOST 0x0a000005u  /* 10.0.0.5 */
#define OURS 0x0a000001u
#define MAC 0x01005e010203u
#define HOST6 "2001:db8::5"
#define GROUP6 "ff0e::1:2"
#define MAC6 0x333300010002u
#define N(a) (sizeof(a) / sizeof((a)[0]))

/* The head the caller must offer, at the edge of readable memory. */
static int
parse(const struct rig_frame *f, unsigned flags, struct mcr_view *v)
{
	uint32_t head = f->len < MCR_PARSE_HEAD ? f->len : MCR_PARSE_HEAD;

	memset(v, 0, sizeof(*v));
	return mcr_parse(rig_at_edge(f->b, head), head, f->len, flags, v);
}

static int
verdict(const struct rig_frame *f)
{
	struct mcr_view v;

	return parse(f, 0, &v);
}

static void
udp4(struct rig_frame *f, unsigned n)
{
	*f = (struct rig_frame){0};
	rig_ethernet(f, MAC, 0x0800);
	rig_ipv4(f, HOST, GROUP, 17, 20, 0, 8 + n);
	rig_udp(f, 1000, 5004, n);
}

static void
udp6(struct rig_frame *f, unsigned n)
{
	*f = (struct rig_frame){0};
	rig_ethernet(f, MAC6, 0x86dd);
	rig_ipv6(f, HOST6, GROUP6, 17, 8 + n);
	rig_udp(f, 1000, 5004, n);
}

/* --- the view ----------------------------------------------------------------------------------
 */

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

/* --- IP headers --------------------------------------------------------------------------------
 */

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

/* --- extension headers -------------------------------------------------------------------------
 */

struct ext {
	uint8_t type, units; /* length: (units + 1) * 8 */
	uint8_t body[6];     /* its first bytes, the others are Pad1 */
};

static void
with_extensions(struct rig_frame *f, const struct ext *e, unsigned n, unsigned last)
{
	unsigned payload = 16;

	for (unsigned i = 0; i < n; i++)
		payload += (e[i].units + 1) * 8;
	*f = (struct rig_frame){0};
	rig_ethernet(f, MAC6, 0x86dd);
	rig_ipv6(f, HOST6, GROUP6, n ? e[0].type : last, payload);
	for (unsigned i = 0; i < n; i++) {
		rig_u8(f, i + 1 < n ? e[i + 1].type : last);
		rig_u8(f, e[i].units);
		rig_bytes(f, e[i].body, 6);
		memset(f->b + f->len, 0, e[i].units * 8);
		f->len += e[i].units * 8;
	}
	rig_udp(f, 1000, 2000, 8);
}

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

/* --- tags --------------------------------------------------------------------------------------
 */

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

/* --- sources -----------------------------------------------------------------------------------
 */

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

/* --- unfinished checksums ----------------------------------------------------------------------
 */

static void
t9_unfinished_udp_checksum(void **state)
{
	for (unsigned v6 = 0; v6 < 2; v6++)
		for (unsigned n = 0; n < 64; n++) {
			struct rig_frame f;
			struct mcr_view v;
			uint8_t *csum;

			if (v6)
				udp6(&f, n);
			else
				udp4(&f, n);
			csum = f.b + f.l4 + 6;
			rig_set16(csum, rig_pseudo(&f));
			assert_int_equal(verdict(&f), MCR_DROP_PARSE_BAD_L4_CHECKSUM);
			assert_int_equal(parse(&f, MCR_PARSE_L4_CSUM_GOOD, &v), -1);
			/* Other wrong values are not looked for: that would need the payload. */
			rig_set16(csum, (rig_pseudo(&f) + 1) % 0xffff + 1);
			assert_int_equal(verdict(&f), -1);
			rig_set16(csum, 0);
			assert_int_equal(verdict(&f), -1);
			rig_set16(csum, rig_udp_csum(&f));
			assert_int_equal(verdict(&f), -1);
		}
}

static void
t9_unfinished_in_fragments_and_unicast_is_not_judged(void **state)
{
	struct rig_frame f;

	udp4(&f, 32);
	rig_set16(f.b + f.l4 + 6, rig_pseudo(&f));
	rig_set16(f.b + f.ip + 6, 0x2000);
	rig_fix_ipv4(&f);
	assert_int_equal(verdict(&f), -1);

	f = (struct rig_frame){0};
	rig_ethernet(&f, MAC, 0x0800);
	rig_ipv4(&f, HOST, OURS, 17, 20, 0, 40);
	rig_udp(&f, 1, 4789, 32);
	rig_set16(f.b + f.l4 + 6, rig_pseudo(&f));
	assert_int_equal(verdict(&f), -1);
}

/* One right checksum in 65,536 equals the sum of its pseudo header. None of those is lost. */
static void
t9_right_checksum_that_looks_unfinished(void **state)
{
	unsigned found = 0;

	for (unsigned x = 0; x < 65536; x++) {
		struct rig_frame f;

		udp4(&f, 32);
		rig_set16(f.b + f.l4 + 8, x);
		rig_set16(f.b + f.l4 + 6, rig_udp_csum(&f));
		assert_int_equal(verdict(&f), -1);
		found += rig_16(f.b + f.l4 + 6) == rig_pseudo(&f);
	}
	assert_true(found >= 1);
}

/* --- every length, every head ------------------------------------------------------------------
 */

static unsigned
examples(struct rig_frame *f)
{
	const struct ext exts[] = {{0, 0, {5, 2, 0, 0, 1, 0}}, {60, 2, {1, 4}}, {44, 0, {0, 1}}};
	const struct ext long_exts[] = {{0, 15, {5, 2}}, {60, 15, {1, 4}}};
	unsigned n = 0;

	udp4(&f[n++], 20);
	udp6(&f[n++], 20);
	udp4(&f[n++], 1400);
	with_extensions(&f[n++], exts, 3, 17);
	with_extensions(&f[n++], long_exts, 2, 17);
	f[n] = (struct rig_frame){0};
	rig_ethernet(&f[n], MAC, 0x88a8);
	rig_u32(&f[n], 0x00648100);
	rig_u32(&f[n], 0x000a0800);
	rig_ipv4(&f[n], HOST, 0xe0000016, 2, 24, 0, 16);
	f[n++].len += 16;
	f[n] = (struct rig_frame){0};
	rig_ethernet(&f[n], 0xffffffffffff, 0x0806);
	f[n++].len += 46;
	f[n] = (struct rig_frame){0};
	rig_ethernet(&f[n], MAC6, 0x86dd);
	rig_ipv6(&f[n], "fe80::1", "ff02::16", 58, 20);
	rig_udp(&f[n++], 143 << 8, 0, 12);
	return n;
}

/* Lengths left as they were: too short for them means a drop, never a read behind the end. */
static void
t9_cut_at_every_length(void **state)
{
	struct rig_frame f[8];
	unsigned n = examples(f);

	for (unsigned i = 0; i < n; i++) {
		const uint32_t whole = f[i].len;

		assert_int_equal(verdict(&f[i]), -1);
		for (f[i].len = 0; f[i].len < whole; f[i].len++) {
			int got = verdict(&f[i]);

			/* ARP has no length that this level could check. */
			if (i == 6 && f[i].len >= 14)
				assert_int_equal(got, -1);
			else if (got == -1)
				fail_msg("example %u accepted with %u bytes", i, f[i].len);
			else
				assert_in_range(got, 0, MCR_DROP_MAX - 1);
		}
	}
}

/* Lengths put right: good as long as all headers are there. */
static void
t9_cut_with_lengths_put_right(void **state)
{
	struct rig_frame f;

	for (unsigned n = 20; n <= 48; n++) {
		udp4(&f, 20);
		f.len = 14 + n;
		rig_set16(f.b + f.ip + 2, n);
		rig_fix_ipv4(&f);
		assert_int_equal(verdict(&f), n < 28 ? MCR_DROP_PARSE_RUNT : -1);
	}
	for (unsigned n = 0; n <= 28; n++) {
		udp6(&f, 20);
		f.len = 54 + n;
		rig_set16(f.b + f.ip + 4, n);
		assert_int_equal(verdict(&f), n < 8 ? MCR_DROP_PARSE_RUNT : -1);
	}
}

/* Where the first segment ends makes no difference, as long as the promised head is there. */
static void
t10_length_of_the_head(void **state)
{
	struct rig_frame f[8];
	unsigned n = examples(f);

	for (unsigned i = 0; i < n; i++) {
		struct mcr_view whole, v;
		uint32_t head;

		memset(&whole, 0, sizeof(whole));
		assert_int_equal(mcr_parse(f[i].b, f[i].len, f[i].len, 0, &whole), -1);
		head = f[i].len < MCR_PARSE_HEAD ? f[i].len : MCR_PARSE_HEAD;
		for (; head <= f[i].len; head++) {
			memset(&v, 0, sizeof(v));
			assert_int_equal(
				mcr_parse(rig_at_edge(f[i].b, head), head, f[i].len, 0, &v), -1);
			assert_memory_equal(&v, &whole, sizeof(v));
		}
		/* A head below the promise is refused or good, never read behind. */
		for (head = 0; head < f[i].len && head < MCR_PARSE_HEAD; head++)
			assert_in_range(
				mcr_parse(rig_at_edge(f[i].b, head), head, f[i].len, 0, &v) + 1, 0,
				MCR_DROP_MAX);
	}
}

/* Damaged frames: never a read behind the end, never a view that points outside. */
static void
t9_random_damage(void **state)
{
	struct rnd r = rnd_init("parse damage");
	struct rig_frame f[8];
	unsigned n = examples(f), accepted = 0;

	for (unsigned round = 0; round < 300000; round++) {
		struct rig_frame *g = &f[rnd_below(&r, n)];
		const uint32_t whole = g->len;
		uint8_t saved[MCR_PARSE_HEAD];
		struct mcr_view v;
		uint32_t head = whole < MCR_PARSE_HEAD ? whole : MCR_PARSE_HEAD;

		memcpy(saved, g->b, head);
		for (unsigned k = rnd_below(&r, 4); k > 0; k--)
			g->b[12 + rnd_below(&r, (head < 100 ? head : 100) - 12)] ^=
				1 << rnd_below(&r, 8);
		if (rnd_below(&r, 2))
			g->len = rnd_below(&r, whole + 1);
		if (parse(g, rnd_below(&r, 4), &v) == -1) {
			accepted++;
			assert_in_range(v.l2_len, 14, 22);
			assert_true(v.l2_len + v.ip_len <= g->len);
			if (v.kind < MCR_KIND_IGMP)
				assert_true(mcr_addr_is_multicast(&v.dst) &&
					    mcr_addr_is_source(&v.src));
			if (v.ethertype == 0x0800 || v.ethertype == 0x86dd)
				assert_in_range(v.l3_len, 20, v.ip_len);
		}
		g->len = whole;
		memcpy(g->b, saved, head);
	}
	assert_true(accepted > 10000);
}

/* --- flows -------------------------------------------------------------------------------------
 */

enum vary { BY_SPORT, BY_DPORT, BY_GROUP, BY_SOURCE, BY_ALL_RANDOM, BY_GROUP6, BY_SOURCE6, N_VARY };

static uint16_t
flow_of(enum vary what, unsigned i, struct rnd *r)
{
	struct rig_frame f = {0};
	struct mcr_view v;
	uint32_t src = HOST, dst = GROUP;
	unsigned sport = 1000, dport = 5004;

	if (what == BY_SPORT)
		sport += i;
	else if (what == BY_DPORT)
		dport += i;
	else if (what == BY_GROUP)
		dst += i;
	else if (what == BY_SOURCE)
		src += i;
	else if (what == BY_ALL_RANDOM) {
		src = 0x0a000000 | rnd_below(r, 1 << 24);
		dst = 0xef000000 | rnd_below(r, 1 << 24);
		sport = rnd_below(r, 65536);
		dport = rnd_below(r, 65536);
	}
	if (what >= BY_GROUP6) {
		rig_ethernet(&f, MAC6, 0x86dd);
		rig_ipv6(&f, HOST6, GROUP6, 17, 16);
		rig_set16(f.b + f.ip + (what == BY_GROUP6 ? 38 : 22), i);
	} else {
		rig_ethernet(&f, MAC, 0x0800);
		rig_ipv4(&f, src, dst, 17, 20, 0, 16);
	}
	rig_udp(&f, sport, dport, 8);
	assert_int_equal(parse(&f, 0, &v), -1);
	return v.flow;
}

/* 1,000 flows onto 16,384 ports: 970 different ones are expected of a perfect hash. */
static void
v2_flows_differ(void **state)
{
	struct rnd r = rnd_init("flows");

	for (enum vary what = 0; what < N_VARY; what++) {
		bool seen[16384] = {false};
		unsigned different = 0;

		for (unsigned i = 0; i < 1000; i++) {
			uint16_t port = flow_of(what, i, &r) & 0x3fff;

			different += !seen[port];
			seen[port] = true;
		}
		if (different < 930)
			fail_msg("kind %d: %u ports for 1000 flows", what, different);
	}
}

static void
v2_one_flow_is_one_port(void **state)
{
	struct rig_frame f;
	struct mcr_view a, b;

	udp4(&f, 100);
	assert_int_equal(parse(&f, 0, &a), -1);
	/* Length, payload, TTL, TOS and ID are not part of a flow. */
	udp4(&f, 700);
	f.b[f.ip + 1] = 3;
	f.b[f.ip + 5] ^= 1;
	f.b[f.ip + 8] = 1;
	rig_fix_ipv4(&f);
	assert_int_equal(parse(&f, 0, &b), -1);
	assert_int_equal(a.flow, b.flow);
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
		cmocka_unit_test(p25_extension_headers),
		cmocka_unit_test(p25_forty_headers_and_overrun),
		cmocka_unit_test(p25_authentication_header_counts_four_octets),
		cmocka_unit_test(p27_tags),
		cmocka_unit_test(f5_bad_ipv4_sources),
		cmocka_unit_test(f5_igmp_is_not_data),
		cmocka_unit_test(f5_bad_ipv6_sources),
		cmocka_unit_test(t7_mapped_source_never_poses_as_a_peer),
		cmocka_unit_test(t9_unfinished_udp_checksum),
		cmocka_unit_test(t9_unfinished_in_fragments_and_unicast_is_not_judged),
		cmocka_unit_test(t9_right_checksum_that_looks_unfinished),
		cmocka_unit_test(t9_cut_at_every_length),
		cmocka_unit_test(t9_cut_with_lengths_put_right),
		cmocka_unit_test(t10_length_of_the_head),
		cmocka_unit_test(t9_random_damage),
		cmocka_unit_test(v2_flows_differ),
		cmocka_unit_test(v2_one_flow_is_one_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
