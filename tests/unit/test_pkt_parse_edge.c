/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames to views: unfinished checksums, every length and head, flows. */
#include "pkt/parse.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "pkt_frames.h"
#include "random.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* --- unfinished checksums -------------------------------------------------------------------- */

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

/* No datagram can be summed when its length is wrong: then the value alone decides. */
static void
t9_unfinished_with_a_wrong_udp_length(void **state)
{
	static const unsigned lengths[] = {0, 7, 41, 0xffff};

	for (unsigned i = 0; i < N(lengths); i++) {
		struct rig_frame f;

		udp4(&f, 32);
		rig_set16(f.b + f.l4 + 4, lengths[i]);
		rig_set16(f.b + f.l4 + 6, rig_pseudo(&f));
		assert_int_equal(verdict(&f), MCR_DROP_PARSE_BAD_L4_CHECKSUM);
		rig_set16(f.b + f.l4 + 6, 1);
		assert_int_equal(verdict(&f), -1);
	}
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

/* --- every length, every head ---------------------------------------------------------------- */

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

/* Nothing but headers: the shortest frames that are good, and one octet less. */
static void
t9_shortest_good_frames(void **state)
{
	struct rig_frame f[5] = {0};
	static const int one_less[] = {MCR_DROP_PARSE_RUNT, MCR_DROP_PARSE_RUNT,
		MCR_DROP_PARSE_RUNT, MCR_DROP_PARSE_RUNT, MCR_DROP_PARSE_BAD_IP_LENGTH};

	rig_ethernet(&f[0], MAC, 0x88cc);
	rig_ethernet(&f[1], MAC, 0x8100);
	rig_u32(&f[1], 0x000a88cc);
	rig_ethernet(&f[2], MAC, 0x0800);
	rig_ipv4(&f[2], HOST, GROUP, 6, 20, 0, 0);
	rig_ethernet(&f[3], MAC6, 0x86dd);
	rig_ipv6(&f[3], HOST6, GROUP6, 59, 0);
	rig_ethernet(&f[4], MAC6, 0x86dd);
	rig_ipv6(&f[4], HOST6, "ff02::2", 58, 4);
	rig_u32(&f[4], 0x85000000);
	for (unsigned i = 0; i < N(f); i++) {
		assert_int_equal(verdict(&f[i]), -1);
		f[i].len--;
		assert_int_equal(verdict(&f[i]), one_less[i]);
	}
	/* All options and nothing behind them. */
	f[2].len = 0;
	rig_ethernet(&f[2], MAC, 0x0800);
	rig_ipv4(&f[2], HOST, GROUP, 6, 60, 0, 0);
	assert_int_equal(verdict(&f[2]), -1);
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

/* --- flows ----------------------------------------------------------------------------------- */

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
		cmocka_unit_test(t9_unfinished_udp_checksum),
		cmocka_unit_test(t9_unfinished_in_fragments_and_unicast_is_not_judged),
		cmocka_unit_test(t9_unfinished_with_a_wrong_udp_length),
		cmocka_unit_test(t9_right_checksum_that_looks_unfinished),
		cmocka_unit_test(t9_cut_at_every_length),
		cmocka_unit_test(t9_shortest_good_frames),
		cmocka_unit_test(t9_cut_with_lengths_put_right),
		cmocka_unit_test(t10_length_of_the_head),
		cmocka_unit_test(t9_random_damage),
		cmocka_unit_test(v2_flows_differ),
		cmocka_unit_test(v2_one_flow_is_one_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
