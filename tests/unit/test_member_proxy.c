/* SPDX-License-Identifier: BSD-3-Clause */
/* The host side towards peers, and two appliances that learn from each other. */
#include "member_rig.h"

static struct mcr_mif_param
peer_param(const char *name)
{
	struct mcr_mif_param p = rig_param(name);

	p.is_peer = true;
	p.reports_to_peer = true;
	return p;
}

/* "lan" and "lan2" locally, and one peer; everybody's start is over and forgotten. */
struct site {
	struct rig r;
	struct mcr_mif *lan2, *peer;
};

static void
site_start(struct site *s)
{
	struct mcr_mif_param p = rig_param("lan2");

	rig_start_default(&s->r);
	s->lan2 = mcr_mif_add(s->r.m, &p);
	p = peer_param("far");
	s->peer = mcr_mif_add(s->r.m, &p);
	mcr_timers_warp(s->r.timers, 10 * S);
	rig_forget_sent(&s->r);
}

/* A report as text: "TO_EX(239.1.1.1 {10.99.0.1}) ..." with short names: G1 {1 2}. */
static void
describe(const struct rig_sent *sent, char *text, size_t size)
{
	static const char *const name[] = {
		"?", "IS_IN", "IS_EX", "TO_IN", "TO_EX", "ALLOW", "BLOCK"};
	struct mcr_mship msg = rig_parse(sent);
	struct mcr_record rec;
	uint32_t cursor = 0;
	size_t at = 0;

	assert_int_equal(msg.type, MCR_MSHIP_REPORT);
	assert_int_equal(msg.version, 3);
	text[0] = '\0';
	while (mcr_mship_next_record(&msg, &cursor, &rec)) {
		at += (size_t)snprintf(text + at, size - at, "%s%s G%u {", at > 0 ? " " : "",
			name[rec.type], ntohl(mcr_addr_to_v4(&rec.group)) - GROUP(0));
		for (uint32_t i = 0; i < rec.n_sources; i++) {
			struct mcr_addr a = mcr_mship_source(rec.sources, rec.addr_len, i);

			at += (size_t)snprintf(text + at, size - at, "%s%u", i > 0 ? " " : "",
				ntohl(mcr_addr_to_v4(&a)) - SOURCE(0));
		}
		at += (size_t)snprintf(text + at, size - at, "}");
	}
}

/* All reports so far out of `mif`, one text after the other, "|" between. */
static void
expect_reports(const struct rig *r, const struct mcr_mif *mif, const char *wanted)
{
	struct mcr_addr all_routers = a4(0xe0000016);
	char all[4096] = "";

	for (uint32_t i = 0; i < r->n_sent; i++) {
		struct mcr_mship msg = rig_parse(&r->sent[i]);
		char text[2048];

		if (r->sent[i].mif != mif || msg.type == MCR_MSHIP_QUERY)
			continue;
		assert_true(mcr_addr_eq(&r->sent[i].dst, &all_routers));
		describe(&r->sent[i], text, sizeof(text));
		if (all[0] != '\0')
			strcat(all, "|");
		strcat(all, text);
	}
	assert_string_equal(all, wanted);
}

static void
px1_first_and_second_join(void **state)
{
	struct site s;
	uint64_t start;

	(void)state;
	site_start(&s);
	start = rig_now(&s.r);
	rig_record(s.r.lan, HOST(1), MCR_TO_EX, GROUP(1), 0);
	mcr_timers_run(s.r.timers);
	expect_reports(&s.r, s.peer, "TO_EX G1 {}");
	mcr_timers_warp(s.r.timers, 10 * S);
	expect_reports(&s.r, s.peer, "TO_EX G1 {}|TO_EX G1 {}");
	assert_int_equal(s.r.sent[0].at_ns, start);
	assert_true(s.r.sent[1].at_ns > start && s.r.sent[1].at_ns <= start + S);
	assert_int_equal(rig_count_sent(&s.r, s.r.lan, false), 0);

	rig_forget_sent(&s.r);
	rig_record(s.lan2, HOST(2), MCR_TO_EX, GROUP(1), 0);
	rig_record(s.r.lan, HOST(3), MCR_TO_EX, GROUP(1), 0);
	rig_record(s.r.lan, HOST(3), MCR_ALLOW, GROUP(1), 1, SOURCE(1));
	mcr_timers_warp(s.r.timers, 10 * S);
	expect_reports(&s.r, s.peer, "");
	rig_fini(&s.r);
}

static void
px2_last_leave(void **state)
{
	struct site s;

	(void)state;
	site_start(&s);
	rig_record(s.r.lan, HOST(1), MCR_TO_EX, GROUP(1), 0);
	rig_record(s.lan2, HOST(2), MCR_ALLOW, GROUP(2), 1, SOURCE(1));
	mcr_timers_warp(s.r.timers, 10 * S);
	rig_forget_sent(&s.r);
	rig_record(s.r.lan, HOST(1), MCR_TO_IN, GROUP(1), 0);
	mcr_timers_warp(s.r.timers, 2 * S - 1);
	expect_reports(&s.r, s.peer, "");
	mcr_timers_warp(s.r.timers, 3 * S);
	expect_reports(&s.r, s.peer, "TO_IN G1 {}|TO_IN G1 {}");
	rig_forget_sent(&s.r);
	mcr_mif_set_up(s.lan2, false);
	mcr_timers_warp(s.r.timers, 3 * S);
	expect_reports(&s.r, s.peer, "BLOCK G2 {1}|BLOCK G2 {1}");
	rig_fini(&s.r);
}

/* The merge of RFC 4605, as the whole state says it afterwards. */
static void
px3_merge(void **state)
{
	static const struct {
		uint8_t type[2];
		unsigned mask[2];
		const char *wanted;
	} row[] = {
		{{MCR_IS_IN, MCR_IS_EX}, {2, 6}, "IS_EX G1 {2}"},
		{{MCR_IS_IN, MCR_IS_IN}, {2, 4}, "IS_IN G1 {1 2}"},
		{{MCR_IS_EX, MCR_IS_EX}, {6, 12}, "IS_EX G1 {2}"},
		{{MCR_IS_EX, MCR_IS_EX}, {0, 12}, "IS_EX G1 {}"},
		{{MCR_IS_EX, MCR_IS_IN}, {6, 8}, "IS_EX G1 {1 2}"},
		{{MCR_IS_IN, MCR_IS_IN}, {2, 2}, "IS_IN G1 {1}"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct site s;

		site_start(&s);
		for (unsigned j = 0; j < 2; j++) {
			struct rig_record rec = {.type = row[i].type[j], .group = GROUP(1)};
			uint32_t source[8];

			for (unsigned k = 0; k < 8; k++) {
				if ((row[i].mask[j] & 1u << k) != 0)
					source[rec.n_sources++] = SOURCE(k);
			}
			rec.source = source;
			rig_report3(j == 0 ? s.r.lan : s.lan2, HOST(1), &rec, 1);
		}
		mcr_timers_warp(s.r.timers, 5 * S);
		rig_forget_sent(&s.r);
		rig_query3(s.peer, 0x0a020001, 0, false, 10, NULL, 0);
		mcr_timers_warp(s.r.timers, 1 * S);
		expect_reports(&s.r, s.peer, row[i].wanted);
		rig_fini(&s.r);
	}
}

/* px4: never a report towards local hosts, and our queries inside the tunnel only as a querier. */
static void
px4_reports_go_to_peers_only(void **state)
{
	struct site s;

	(void)state;
	site_start(&s);
	rig_record(s.r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	rig_query3(s.r.lan, HOST(9), 0, false, 10, NULL, 0);
	mcr_timers_warp(s.r.timers, 200 * S);
	for (uint32_t i = 0; i < s.r.n_sent; i++) {
		struct mcr_mship msg = rig_parse(&s.r.sent[i]);

		assert_true(s.r.sent[i].mif == s.peer || msg.type == MCR_MSHIP_QUERY);
	}
	assert_int_not_equal(rig_count_sent(&s.r, s.peer, false), 0);
	rig_fini(&s.r);
}

static void
px7_link_local_groups_are_not_told(void **state)
{
	struct site s;

	(void)state;
	site_start(&s);
	rig_record(s.r.lan, HOST(1), MCR_IS_EX, 0xe00000fb, 0);
	rig_record(s.r.lan, HOST(1), MCR_IS_EX, 0xe0000001, 0);
	mcr_timers_warp(s.r.timers, 5 * S);
	expect_reports(&s.r, s.peer, "");
	rig_record(s.r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	mcr_timers_run(s.r.timers);
	expect_reports(&s.r, s.peer, "TO_EX G1 {}");
	rig_fini(&s.r);
}

/* px8, l7: what a peer wants counts for that peer, and no peer is told. */
static void
px8_join_inside_a_tunnel(void **state)
{
	struct mcr_mif_param p = peer_param("other");
	struct mcr_group_info info;
	struct mcr_mif *other;
	uint64_t cursor = 0;
	struct site s;

	(void)state;
	site_start(&s);
	other = mcr_mif_add(s.r.m, &p);
	mcr_timers_warp(s.r.timers, 10 * S);
	rig_forget_sent(&s.r);
	rig_record(s.peer, 0x0a020005, MCR_TO_EX, GROUP(1), 0);
	mcr_timers_warp(s.r.timers, 5 * S);
	assert_true(rig_flows(&s.r, s.peer, GROUP(1), SOURCE(1)));
	assert_false(rig_flows(&s.r, other, GROUP(1), SOURCE(1)));
	assert_false(rig_flows(&s.r, s.r.lan, GROUP(1), SOURCE(1)));
	assert_true(mcr_member_next_group(s.r.m, &cursor, &info));
	assert_int_equal(info.n_remote, 1);
	assert_int_equal(info.n_local, 0);
	rig_query3(s.peer, 0x0a020001, 0, false, 10, NULL, 0);
	rig_query3(other, 0x0a030001, 0, false, 10, NULL, 0);
	mcr_timers_warp(s.r.timers, 200 * S);
	expect_reports(&s.r, s.peer, "");
	expect_reports(&s.r, other, "");
	rig_fini(&s.r);
}

static void
l7_nothing_goes_from_peer_to_peer(void **state)
{
	px8_join_inside_a_tunnel(state);
}

/* px9: ten thousand groups in few full packets. */
static void
px9_many_groups_fill_packets(void **state)
{
	uint32_t n_records = 0;
	struct site s;

	(void)state;
	site_start(&s);
	for (uint32_t i = 0; i < 10000; i++)
		rig_record(s.r.lan, HOST(1), MCR_IS_EX, 0xef200000 + i, 0);
	mcr_timers_run(s.r.timers);
	assert_true(s.r.n_sent > 0 && s.r.n_sent <= 60);
	for (uint32_t i = 0; i < s.r.n_sent; i++) {
		struct mcr_mship msg = rig_parse(&s.r.sent[i]);

		assert_true(s.r.sent[i].len <= 1500);
		n_records += msg.n_records;
	}
	assert_int_equal(n_records, 10000);
	/* The second round, then nothing of a change any more; the whole state when asked. */
	mcr_timers_warp(s.r.timers, 1 * S);
	assert_true(s.r.n_sent <= 120);
	rig_forget_sent(&s.r);
	mcr_timers_warp(s.r.timers, 10 * S);
	assert_int_equal(s.r.n_sent, 0);
	mcr_mif_set_up(s.peer, true);
	mcr_timers_warp(s.r.timers, 2 * S);
	assert_true(rig_count_sent(&s.r, s.peer, false) >= 2 * 50);
	rig_fini(&s.r);
}

static void
px10_long_lists(void **state)
{
	static uint32_t source[1000];
	struct mcr_mif_param p;
	struct rig_record rec = {MCR_ALLOW, GROUP(1), 1000, source};
	uint32_t n = 0, max = (1500 - 24 - 8 - 8) / 4;
	struct mcr_mship msg;
	struct mcr_record out;
	uint32_t cursor = 0;
	struct site s;

	(void)state;
	site_start(&s);
	for (uint32_t i = 0; i < 1000; i++)
		source[i] = SOURCE(i);
	/* ALLOW and IS_IN are split over reports ... */
	rig_report3(s.r.lan, HOST(1), &rec, 1);
	mcr_timers_run(s.r.timers);
	assert_int_equal(s.r.n_sent, 3);
	for (uint32_t i = 0; i < s.r.n_sent; i++) {
		msg = rig_parse(&s.r.sent[i]);
		cursor = 0;
		assert_true(s.r.sent[i].len <= 1500);
		assert_true(mcr_mship_next_record(&msg, &cursor, &out));
		assert_int_equal(out.type, MCR_ALLOW);
		n += out.n_sources;
	}
	assert_int_equal(n, 1000);
	/* ... TO_EX and IS_EX are cut, and other records go into the next report. */
	rec.type = MCR_IS_EX;
	rec.group = GROUP(2);
	mcr_timers_warp(s.r.timers, 5 * S);
	rig_forget_sent(&s.r);
	rig_report3(s.r.lan, HOST(1), &rec, 1);
	mcr_timers_run(s.r.timers);
	assert_int_equal(s.r.n_sent, 1);
	msg = rig_parse(&s.r.sent[0]);
	cursor = 0;
	assert_true(mcr_mship_next_record(&msg, &cursor, &out));
	assert_int_equal(out.type, MCR_TO_EX);
	assert_int_equal(out.n_sources, max);
	/* A smaller tunnel. */
	p = *mcr_mif_param(s.peer);
	p.mtu = 576;
	mcr_mif_update(s.peer, &p);
	mcr_timers_warp(s.r.timers, 5 * S);
	rig_forget_sent(&s.r);
	rig_query3(s.peer, 0x0a020001, 0, false, 10, NULL, 0);
	mcr_timers_warp(s.r.timers, 1 * S);
	assert_true(s.r.n_sent >= 8);
	for (uint32_t i = 0; i < s.r.n_sent; i++)
		assert_true(s.r.sent[i].len <= 576);
	rig_fini(&s.r);
}

static void
h5_general_query_is_answered_in_time(void **state)
{
	struct site s;
	uint64_t start;

	(void)state;
	site_start(&s);
	/* Nothing to say: nothing is said. */
	rig_query3(s.peer, 0x0a020001, 0, false, 50, NULL, 0);
	mcr_timers_warp(s.r.timers, 6 * S);
	expect_reports(&s.r, s.peer, "");
	rig_record(s.r.lan, HOST(1), MCR_IS_EX, GROUP(1), 1, SOURCE(3));
	rig_record(s.r.lan, HOST(1), MCR_ALLOW, GROUP(2), 1, SOURCE(1));
	mcr_timers_warp(s.r.timers, 5 * S);
	rig_forget_sent(&s.r);
	start = rig_now(&s.r);
	/* P19: from 0.0.0.0 is good enough; twice asked is once answered. */
	rig_query3(s.peer, 0, 0, false, 50, NULL, 0);
	rig_query3(s.peer, 0x0a020001, 0, false, 50, NULL, 0);
	mcr_timers_warp(s.r.timers, 5 * S);
	expect_reports(&s.r, s.peer, "IS_EX G1 {3} IS_IN G2 {1}");
	assert_true(s.r.sent[0].at_ns > start && s.r.sent[0].at_ns <= start + 5 * S);
	rig_fini(&s.r);
}

static void
h6_changes_while_changes_are_repeated(void **state)
{
	struct mcr_mif_param p;
	struct site s;

	(void)state;
	site_start(&s);
	p = *mcr_mif_param(s.peer);
	p.robustness = 3;
	mcr_mif_update(s.peer, &p);
	rig_record(s.r.lan, HOST(1), MCR_ALLOW, GROUP(1), 1, SOURCE(1));
	mcr_timers_run(s.r.timers);
	rig_record(s.r.lan, HOST(1), MCR_ALLOW, GROUP(1), 1, SOURCE(2));
	mcr_timers_run(s.r.timers);
	mcr_timers_warp(s.r.timers, 10 * S);
	/* 1 is told 3 times, once of them with the first of 2; so is 2. */
	expect_reports(&s.r, s.peer, "ALLOW G1 {1}|ALLOW G1 {1 2}|ALLOW G1 {1 2}|ALLOW G1 {2}");
	rig_forget_sent(&s.r);
	/* The mode changes and back: what is told is what holds. */
	rig_record(s.r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	mcr_timers_run(s.r.timers);
	mcr_mif_set_up(s.r.lan, false);
	mcr_timers_run(s.r.timers);
	mcr_timers_warp(s.r.timers, 10 * S);
	expect_reports(&s.r, s.peer, "TO_EX G1 {}|TO_IN G1 {}|TO_IN G1 {}|TO_IN G1 {}");
	assert_int_equal(mcr_mif_stat(s.peer)->report[1][3], 8);
	rig_fini(&s.r);
}

/* Two changes of one turn are one; a change that is taken back in its turn is none. */
static void
h6_changes_of_one_turn(void **state)
{
	struct mcr_addr group = a4(GROUP(1)), first = a4(SOURCE(1)), second = a4(SOURCE(2));
	struct site s;

	(void)state;
	site_start(&s);
	mcr_mif_static_add(s.r.lan, &group, &first);
	mcr_timers_warp(s.r.timers, 5 * S);
	rig_forget_sent(&s.r);
	mcr_mif_static_add(s.r.lan, &group, &second);
	mcr_mif_static_del(s.r.lan, &group, &first);
	mcr_timers_run(s.r.timers);
	expect_reports(&s.r, s.peer, "ALLOW G1 {2} BLOCK G1 {1}");
	mcr_timers_warp(s.r.timers, 5 * S);
	rig_forget_sent(&s.r);
	mcr_mif_static_add(s.r.lan, &group, &first);
	mcr_mif_static_del(s.r.lan, &group, &first);
	mcr_timers_warp(s.r.timers, 5 * S);
	expect_reports(&s.r, s.peer, "");
	rig_fini(&s.r);
}

/* H7, and rules 3 to 5 of RFC 9776 section 5.2: answers are merged and never late. */
static void
h7_specific_queries(void **state)
{
	static const struct {
		uint8_t type;
		unsigned n_asked;
		uint32_t asked[3];
		const char *wanted;
	} row[] = {
		{MCR_IS_IN, 2, {SOURCE(1), SOURCE(5)}, "IS_IN G1 {1}"},
		{MCR_IS_IN, 1, {SOURCE(5)}, ""},
		{MCR_IS_IN, 0, {0}, "IS_IN G1 {1 2}"},
		{MCR_IS_EX, 2, {SOURCE(1), SOURCE(5)}, "IS_IN G1 {5}"},
		{MCR_IS_EX, 2, {SOURCE(1), SOURCE(2)}, ""},
		{MCR_IS_EX, 0, {0}, "IS_EX G1 {1 2}"},
	};
	uint32_t first = SOURCE(1), second = SOURCE(2);
	struct site s;

	(void)state;
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		site_start(&s);
		rig_record(s.r.lan, HOST(1), row[i].type, GROUP(1), 2, SOURCE(1), SOURCE(2));
		mcr_timers_warp(s.r.timers, 5 * S);
		rig_forget_sent(&s.r);
		rig_query3(s.peer, 0x0a020001, GROUP(1), false, 10, row[i].asked, row[i].n_asked);
		mcr_timers_warp(s.r.timers, 1 * S);
		expect_reports(&s.r, s.peer, row[i].wanted);
		/* No state, no answer. */
		rig_forget_sent(&s.r);
		rig_query3(s.peer, 0x0a020001, GROUP(3), false, 10, NULL, 0);
		mcr_timers_warp(s.r.timers, 1 * S);
		expect_reports(&s.r, s.peer, "");
		rig_fini(&s.r);
	}
	site_start(&s);
	rig_record(s.r.lan, HOST(1), MCR_ALLOW, GROUP(1), 2, SOURCE(1), SOURCE(2));
	mcr_timers_warp(s.r.timers, 5 * S);
	rig_forget_sent(&s.r);
	rig_query3(s.peer, 0x0a020001, GROUP(1), false, 10, &first, 1);
	rig_query3(s.peer, 0x0a020001, GROUP(1), false, 10, &second, 1);
	mcr_timers_warp(s.r.timers, 1 * S);
	expect_reports(&s.r, s.peer, "IS_IN G1 {1 2}");
	/* Asked for the whole group and for a source: the whole group, before and after. */
	for (unsigned i = 0; i < 2; i++) {
		rig_forget_sent(&s.r);
		rig_query3(s.peer, 0x0a020001, GROUP(1), false, 10, &first, i);
		rig_query3(s.peer, 0x0a020001, GROUP(1), false, 10, &first, 1 - i);
		mcr_timers_warp(s.r.timers, 1 * S);
		expect_reports(&s.r, s.peer, "IS_IN G1 {1 2}");
	}
	/* The instance goes while an answer waits. */
	rig_query3(s.peer, 0x0a020001, GROUP(1), false, 10, &first, 1);
	mcr_mif_del(s.peer);
	mcr_timers_warp(s.r.timers, 5 * S);
	rig_fini(&s.r);
}

static void
whole_state_every_query_interval(void **state)
{
	struct mcr_addr group = a4(GROUP(5));
	struct site s;

	(void)state;
	site_start(&s);
	rig_record(s.r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	/* A static member of a local instance is local state too. */
	mcr_mif_static_add(s.lan2, &group, &mcr_addr_any);
	mcr_timers_warp(s.r.timers, 10 * S);
	rig_forget_sent(&s.r);
	mcr_timers_warp(s.r.timers, 240 * S);
	expect_reports(&s.r, s.peer, "IS_EX G1 {} IS_EX G5 {}|IS_EX G1 {} IS_EX G5 {}");
	rig_fini(&s.r);
}

static void
source_address_of_reports(void **state)
{
	struct mcr_addr zero = a4(0);
	struct mcr_mif_param p;
	struct mcr_mship msg;
	struct site s;

	(void)state;
	site_start(&s);
	p = *mcr_mif_param(s.peer);
	p.address = mcr_addr_any;
	mcr_mif_update(s.peer, &p);
	rig_record(s.r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	mcr_timers_run(s.r.timers);
	msg = rig_parse(&s.r.sent[0]);
	assert_true(mcr_addr_eq(&msg.src, &zero));
	/* And of queries: a peer is asked all the same. */
	rig_forget_sent(&s.r);
	mcr_mif_set_up(s.peer, true);
	mcr_timers_run(s.r.timers);
	assert_int_equal(s.r.n_sent, 1);
	msg = rig_parse(&s.r.sent[0]);
	assert_int_equal(msg.type, MCR_MSHIP_QUERY);
	assert_true(mcr_addr_eq(&msg.src, &zero));
	rig_fini(&s.r);
}

static void
peer_that_is_not_told(void **state)
{
	struct mcr_mif_param p;
	struct site s;

	(void)state;
	site_start(&s);
	rig_record(s.r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	mcr_timers_warp(s.r.timers, 5 * S);
	p = *mcr_mif_param(s.peer);
	p.reports_to_peer = false;
	mcr_mif_update(s.peer, &p);
	rig_forget_sent(&s.r);
	rig_record(s.r.lan, HOST(1), MCR_IS_EX, GROUP(2), 0);
	rig_query3(s.peer, 0x0a020001, 0, false, 10, NULL, 0);
	mcr_timers_warp(s.r.timers, 300 * S);
	expect_reports(&s.r, s.peer, "");
	p.reports_to_peer = true;
	rig_record(s.r.lan, HOST(1), MCR_IS_EX, GROUP(3), 0);
	mcr_mif_update(s.peer, &p);
	mcr_timers_run(s.r.timers);
	expect_reports(&s.r, s.peer, "TO_EX G3 {}");
	rig_fini(&s.r);
}

/* --- random changes: what the peer has heard is what holds here --- */

/* px11: a second module that hears everything ends with the merged state of the first. */
static void
px11_peer_follows_random_changes(void **state)
{
	uint32_t seed = rig_seed();
	struct mcr_mif_param p = peer_param("near");
	struct mcr_mif *near;
	struct rig far;
	struct site s;

	(void)state;
	site_start(&s);
	rig_init(&far);
	p.reports_to_peer = false;
	p.address = a4(0x0a020001);
	near = mcr_mif_add(far.m, &p);
	for (unsigned i = 0; i < 3000; i++) {
		rig_record(rig_random(&seed, 2) ? s.r.lan : s.lan2, HOST(1 + rig_random(&seed, 3)),
			(uint8_t)(1 + rig_random(&seed, 6)), GROUP(rig_random(&seed, 3)),
			rig_random(&seed, 4), SOURCE(rig_random(&seed, 4)),
			SOURCE(rig_random(&seed, 4)), SOURCE(rig_random(&seed, 4)));
		mcr_timers_warp(s.r.timers, 5 * S);
		for (uint32_t j = 0; j < s.r.n_sent; j++) {
			struct mcr_mship msg = rig_parse(&s.r.sent[j]);

			if (s.r.sent[j].mif == s.peer && msg.type != MCR_MSHIP_QUERY)
				mcr_mif_input(near, s.r.sent[j].ip, s.r.sent[j].len);
		}
		rig_forget_sent(&s.r);
		/* What was taken back ends there by LMQT. */
		mcr_timers_warp(far.timers, 5 * S);
		rig_forget_sent(&far);
		for (unsigned g = 0; g < 3; g++) {
			for (unsigned k = 0; k < 5; k++) {
				bool wanted = rig_flows(&s.r, s.r.lan, GROUP(g), SOURCE(k)) ||
				              rig_flows(&s.r, s.lan2, GROUP(g), SOURCE(k));

				assert_int_equal(
					rig_flows(&far, near, GROUP(g), SOURCE(k)), wanted);
			}
		}
	}
	rig_fini(&far);
	rig_fini(&s.r);
}

/* --- two appliances --- */

enum { LAN, PEER };

struct packet {
	struct node *to;
	unsigned port;
	uint32_t len;
	uint8_t ip[1600];
};

struct node {
	struct world *world;
	struct mcr_member *m;
	struct mcr_mif *mif[2];
	struct node *far;
	uint32_t host, group; /* a host on the LAN that answers queries; 0 = silent or none */
	unsigned n_changes;
};

struct world {
	struct mcr_clock clock;
	struct mcr_timers *timers;
	struct node node[2];
	struct packet *queue;
	uint32_t head, n, max;
};

static void
world_push(struct world *w, struct node *to, unsigned port, const uint8_t *ip, uint32_t len)
{
	if (w->n == w->max) {
		w->max = w->max > 0 ? 2 * w->max : 64;
		w->queue = realloc(w->queue, w->max * sizeof(*w->queue));
		assert_non_null(w->queue);
	}
	w->queue[w->n] = (struct packet){.to = to, .port = port, .len = len};
	memcpy(w->queue[w->n++].ip, ip, len);
}

static void
world_send(
	void *arg, struct mcr_mif *mif, const uint8_t *ip, uint32_t len, const struct mcr_addr *dst)
{
	struct node *node = arg;

	(void)dst;
	if (mif == node->mif[PEER]) {
		world_push(node->world, node->far, PEER, ip, len);
	} else if (node->host != 0) {
		uint8_t answer[64] = {0};

		/* The LAN hears queries only; its host answers each. */
		answer[24] = 0x22;
		answer[31] = 1;
		answer[32] = MCR_IS_EX;
		rig_put32(&answer[36], node->group);
		world_push(node->world, node, LAN, answer,
			rig_finish(answer, 16, node->host, 0xe0000016));
	}
}

static void
world_changed(void *arg, uint16_t segment, const struct mcr_addr *group)
{
	struct node *node = arg;

	(void)segment;
	(void)group;
	node->n_changes++;
}

static void
world_deliver(struct world *w)
{
	for (w->head = 0; w->head < w->n; w->head++) {
		struct packet p = w->queue[w->head];

		assert_int_equal(mcr_mif_input(p.to->mif[p.port], p.ip, p.len), -1);
	}
	w->n = 0;
}

static void
world_run(struct world *w, uint64_t ns)
{
	uint64_t end = mcr_clock_now(&w->clock) + ns;

	for (;;) {
		uint64_t left = end - mcr_clock_now(&w->clock);

		world_deliver(w);
		if (left == 0)
			break;
		mcr_timers_warp(w->timers, left < 100 * MS ? left : 100 * MS);
	}
}

static void
world_start(struct world *w, uint32_t address_a, uint32_t address_b)
{
	static const struct mcr_member_ops ops = {.send = world_send, .changed = world_changed};

	memset(w, 0, sizeof(*w));
	mcr_clock_init_fake(&w->clock, 5 * S);
	w->timers = mcr_timers_create(&w->clock);
	for (unsigned i = 0; i < 2; i++) {
		struct node *node = &w->node[i];
		struct mcr_mif_param p = rig_param("lan");

		node->world = w;
		node->far = &w->node[1 - i];
		node->m = mcr_member_create(w->timers, &ops, node);
		p.address = a4(i == 0 ? address_a : address_b);
		node->mif[LAN] = mcr_mif_add(node->m, &p);
		p = peer_param("far");
		p.address = a4(i == 0 ? address_a : address_b);
		node->mif[PEER] = mcr_mif_add(node->m, &p);
	}
	world_run(w, 10 * S);
}

static void
world_end(struct world *w)
{
	for (unsigned i = 0; i < 2; i++)
		mcr_member_free(w->node[i].m);
	mcr_timers_free(w->timers);
	free(w->queue);
}

static bool
world_flows(const struct node *node, unsigned port, uint32_t group)
{
	struct mcr_addr addr = a4(group), source = a4(SOURCE(1));
	struct mcr_mgroup *g = NULL;

	while ((g = mcr_member_next(node->m, SEGMENT, &addr, g)) != NULL) {
		if (mcr_mgroup_mif(g) == node->mif[port])
			return mcr_mgroup_accepts(g, &source);
	}
	return false;
}

/* Members on both sides over three GMI, then one falls silent and ages out on both sides. */
static void
px12_two_appliances(void **state)
{
	struct world w;

	(void)state;
	world_start(&w, 0x0a0100fe, 0x0a0100fd);
	for (unsigned i = 0; i < 2; i++) {
		w.node[i].host = HOST(10 + i);
		w.node[i].group = GROUP(i);
		rig_record(w.node[i].mif[LAN], HOST(10 + i), MCR_TO_EX, GROUP(i), 0);
	}
	world_run(&w, 1 * S);
	for (unsigned i = 0; i < 2; i++)
		w.node[i].n_changes = 0;
	for (unsigned t = 0; t < 3 * 270; t++) {
		world_run(&w, 1 * S);
		for (unsigned i = 0; i < 2; i++) {
			assert_true(world_flows(&w.node[i], LAN, GROUP(i)));
			assert_true(world_flows(&w.node[i], PEER, GROUP(1 - i)));
			assert_false(world_flows(&w.node[i], PEER, GROUP(i)));
			assert_int_equal(mcr_member_group_count(w.node[i].m), 2);
		}
	}
	assert_int_equal(w.node[0].n_changes + w.node[1].n_changes, 0);
	w.node[1].host = 0;
	world_run(&w, 280 * S);
	assert_false(world_flows(&w.node[1], LAN, GROUP(1)));
	assert_false(world_flows(&w.node[0], PEER, GROUP(1)));
	assert_true(world_flows(&w.node[0], LAN, GROUP(0)));
	assert_true(world_flows(&w.node[1], PEER, GROUP(0)));
	assert_int_equal(mcr_member_group_count(w.node[0].m), 1);
	assert_int_equal(mcr_member_group_count(w.node[1].m), 1);
	world_end(&w);
}

/* The same when neither has an address: reports and queries from 0.0.0.0. */
static void
px12_without_addresses(void **state)
{
	struct world w;

	(void)state;
	world_start(&w, 0, 0);
	for (unsigned t = 0; t < 9; t++) {
		rig_record(w.node[0].mif[LAN], HOST(10), MCR_IS_EX, GROUP(1), 0);
		world_run(&w, 100 * S);
		assert_true(world_flows(&w.node[1], PEER, GROUP(1)));
	}
	world_run(&w, 280 * S);
	assert_false(world_flows(&w.node[1], PEER, GROUP(1)));
	world_end(&w);
}

/* One says nothing any more (its whole state is lost): the other forgets it after GMI. */
static void
px12_peer_that_vanishes(void **state)
{
	struct world w;

	(void)state;
	world_start(&w, 0x0a0100fe, 0x0a0100fd);
	w.node[0].host = HOST(10);
	w.node[0].group = GROUP(1);
	rig_record(w.node[0].mif[LAN], HOST(10), MCR_TO_EX, GROUP(1), 0);
	world_run(&w, 300 * S);
	assert_true(world_flows(&w.node[1], PEER, GROUP(1)));
	mcr_mif_set_up(w.node[0].mif[PEER], false);
	world_run(&w, 280 * S);
	assert_false(world_flows(&w.node[1], PEER, GROUP(1)));
	mcr_mif_set_up(w.node[0].mif[PEER], true);
	world_run(&w, 2 * S);
	assert_true(world_flows(&w.node[1], PEER, GROUP(1)));
	world_end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(px1_first_and_second_join),
		cmocka_unit_test(px2_last_leave),
		cmocka_unit_test(px3_merge),
		cmocka_unit_test(px4_reports_go_to_peers_only),
		cmocka_unit_test(px7_link_local_groups_are_not_told),
		cmocka_unit_test(px8_join_inside_a_tunnel),
		cmocka_unit_test(l7_nothing_goes_from_peer_to_peer),
		cmocka_unit_test(px9_many_groups_fill_packets),
		cmocka_unit_test(px10_long_lists),
		cmocka_unit_test(px11_peer_follows_random_changes),
		cmocka_unit_test(h5_general_query_is_answered_in_time),
		cmocka_unit_test(h6_changes_while_changes_are_repeated),
		cmocka_unit_test(h6_changes_of_one_turn),
		cmocka_unit_test(h7_specific_queries),
		cmocka_unit_test(whole_state_every_query_interval),
		cmocka_unit_test(source_address_of_reports),
		cmocka_unit_test(peer_that_is_not_told),
		cmocka_unit_test(px12_two_appliances),
		cmocka_unit_test(px12_without_addresses),
		cmocka_unit_test(px12_peer_that_vanishes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
