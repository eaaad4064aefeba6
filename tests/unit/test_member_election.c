/* SPDX-License-Identifier: BSD-3-Clause */
/* Several routers on one link: who asks, whose values count, and what the others go on doing. */
#include "member_rig.h"

#include "base/log.h"

#define LOWER 0x0a010002u  /* 10.1.0.2, below OWN */
#define LOWEST 0x0a010001u /* 10.1.0.1 */
#define HIGHER 0x0a0101ffu /* 10.1.1.255, above OWN */
#define OQPI (255 * S)

/* A General Query of version 3 that announces the two values; MRT 10 s. */
static int
general(struct rig *r, uint32_t src, uint8_t qrv, uint8_t qqic)
{
	uint8_t ip[64];

	memset(&ip[24], 0, 12);
	ip[24] = 0x11;
	ip[25] = 100;
	ip[32] = qrv;
	ip[33] = qqic;
	return mcr_mif_input(r->lan, ip, rig_finish(ip, 12, src, 0xe0000001));
}

static struct mcr_mif_state
state_of(const struct rig *r)
{
	struct mcr_mif_state s;

	mcr_mif_state(r->lan, &s);
	return s;
}

static void
expect_querier(const struct rig *r, uint32_t addr, bool is_ours)
{
	struct mcr_mif_state s = state_of(r);
	struct mcr_addr querier = a4(addr);

	assert_int_equal(s.is_querier, is_ours);
	assert_true(mcr_addr_eq(&s.querier, &querier));
	assert_int_equal(s.other_querier_left_s > 0, !is_ours);
	assert_int_equal(s.next_query_ms == UINT32_MAX, !is_ours);
}

static unsigned
count_events(const struct rig *r, enum mcr_mif_event what)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < r->n_events; i++)
		n += r->event[i].what == what;
	return n;
}

struct search {
	const char *text;
	unsigned n;
};

static void
match_line(void *arg, const char *text)
{
	struct search *s = arg;

	s->n += strstr(text, s->text) != NULL;
}

static unsigned
count_log(const char *text)
{
	struct search s = {.text = text};

	mcr_log_tail(1024, match_line, &s);
	return s.n;
}

static void
e1_lower_address_wins(void **state)
{
	struct mcr_addr winner = a4(LOWER);
	struct rig r;

	(void)state;
	rig_start_default(&r);
	assert_int_equal(general(&r, LOWER, 2, 125), -1);
	expect_querier(&r, LOWER, false);
	assert_int_equal(state_of(&r).other_querier_left_s, 255);
	assert_int_equal(count_events(&r, MCR_EV_QUERIER), 1);
	assert_true(mcr_addr_eq(&r.event[0].host, &winner));
	mcr_timers_warp(r.timers, OQPI - 1);
	assert_int_equal(r.n_sent, 0);
	assert_int_equal(state_of(&r).other_querier_left_s, 1);
	/* Each query of the winner begins the interval again, and is no news. */
	general(&r, LOWER, 2, 125);
	mcr_timers_warp(r.timers, OQPI - 1);
	expect_querier(&r, LOWER, false);
	assert_int_equal(r.n_sent, 0);
	assert_int_equal(count_events(&r, MCR_EV_QUERIER), 1);
	rig_fini(&r);
}

static void
e2_silence_ends_it(void **state)
{
	struct rig r;

	(void)state;
	rig_start_default(&r);
	general(&r, LOWER, 2, 125);
	mcr_timers_warp(r.timers, OQPI - 1);
	rig_forget_sent(&r);
	mcr_timers_warp(r.timers, 1);
	expect_querier(&r, OWN, true);
	assert_int_equal(r.n_sent, 1);
	assert_true(rig_parse(&r.sent[0]).version == 3);
	assert_int_equal(r.sent[0].dst.b[12], 224);
	assert_int_equal(count_events(&r, MCR_EV_QUERIER), 1);
	rig_fini(&r);
}

static void
e3_higher_address_changes_nothing(void **state)
{
	struct rig r;

	(void)state;
	rig_start_default(&r);
	for (unsigned i = 0; i < 10; i++) {
		general(&r, HIGHER, 7, 255);
		mcr_timers_warp(r.timers, 31250 * MS);
	}
	expect_querier(&r, OWN, true);
	assert_int_equal(state_of(&r).gmi_s, 270);
	/* At 31.25 s, then every 125 s. */
	assert_int_equal(rig_count_sent(&r, r.lan, true), 3);
	assert_int_equal(count_events(&r, MCR_EV_QUERIER), 0);
	rig_fini(&r);
}

static void
e4_own_address_warns_once(void **state)
{
	static const char text[] = "twin: a query from our own address 10.1.0.254";
	struct mcr_mif_param p = rig_param("twin");
	struct rig r;

	(void)state;
	rig_start(&r, &p);
	assert_int_equal(count_log(text), 0);
	rig_report2(r.lan, OWN, GROUP(1));
	assert_int_equal(count_log(text), 0);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(general(&r, OWN, 2, 125), MCR_DROP_MEMBER_OWN);
		mcr_timers_warp(r.timers, 30 * S);
	}
	expect_querier(&r, OWN, true);
	assert_int_equal(count_log(text), 1);
	rig_fini(&r);
}

static void
e5_no_address_never_wins(void **state)
{
	struct rig r;

	(void)state;
	rig_start_default(&r);
	assert_int_equal(general(&r, 0, 7, 255), -1);
	expect_querier(&r, OWN, true);
	assert_int_equal(state_of(&r).gmi_s, 270);
	assert_int_equal(count_events(&r, MCR_EV_QUERIER), 0);
	/* Neither does it take the place of a querier. */
	general(&r, LOWER, 2, 125);
	mcr_timers_warp(r.timers, 100 * S);
	general(&r, 0, 7, 255);
	expect_querier(&r, LOWER, false);
	assert_int_equal(state_of(&r).other_querier_left_s, 155);
	rig_fini(&r);
}

static void
p19_query_from_nowhere(void **state)
{
	struct mcr_mif_param p = rig_param("lan");
	struct mcr_mif_state s;
	struct rig r;

	(void)state;
	/* Nor is it anybody's querier where nobody asks. */
	p.mode = MCR_MODE_SNOOP;
	rig_start(&r, &p);
	assert_int_equal(general(&r, 0, 2, 125), -1);
	s = state_of(&r);
	assert_true(mcr_addr_is_any(&s.querier));
	assert_int_equal(mcr_mif_stat(r.lan)->query[0][3], 1);
	general(&r, HIGHER, 2, 125);
	expect_querier(&r, HIGHER, false);
	rig_fini(&r);

	/* A peer answers it: tunnels have no addresses of the link. */
	p = rig_param("site-b");
	p.is_peer = true;
	p.reports_to_peer = true;
	p.mode = MCR_MODE_QUERIER;
	rig_init(&r);
	r.lan = mcr_mif_add(r.m, &p);
	p = rig_param("lan");
	rig_record(mcr_mif_add(r.m, &p), HOST(1), MCR_IS_EX, GROUP(1), 0);
	mcr_timers_warp(r.timers, 60 * S);
	rig_forget_sent(&r);
	general(&r, 0, 2, 125);
	mcr_timers_warp(r.timers, 10 * S);
	assert_int_equal(rig_count_sent(&r, r.lan, false), 1);
	assert_int_equal(rig_parse(&r.sent[0]).type, MCR_MSHIP_REPORT);
	rig_fini(&r);
}

static void
p20_query_to_our_unicast_address(void **state)
{
	uint8_t ip[64] = {[24] = 0x11, 100, [32] = 2, 125};
	struct rig r;

	(void)state;
	rig_start_default(&r);
	assert_int_equal(mcr_mif_input(r.lan, ip, rig_finish(ip, 12, LOWER, OWN)), -1);
	expect_querier(&r, LOWER, false);
	rig_fini(&r);
}

static void
p30_general_query_with_sources(void **state)
{
	const uint32_t source[] = {SOURCE(1), SOURCE(2)};
	struct rig r;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(1), 1, SOURCE(1));
	assert_int_equal(rig_query3(r.lan, LOWER, 0, false, 1, source, 2), -1);
	expect_querier(&r, LOWER, false);
	assert_int_equal(mcr_mif_stat(r.lan)->query[0][3], 1);
	mcr_timers_warp(r.timers, 60 * S);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_int_equal(mcr_member_group_count(r.m), 1);
	rig_fini(&r);
}

static void
e6_specific_query_elects_nobody(void **state)
{
	struct rig r;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	rig_forget_sent(&r);
	assert_int_equal(rig_query3(r.lan, LOWER, GROUP(1), false, 10, NULL, 0), -1);
	expect_querier(&r, OWN, true);
	assert_int_equal(count_events(&r, MCR_EV_QUERIER), 0);
	/* Q7 applies. */
	mcr_timers_warp(r.timers, 2 * S - 1);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	mcr_timers_warp(r.timers, 1);
	assert_false(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_int_equal(rig_count_sent(&r, r.lan, false), 0);
	rig_fini(&r);
}

static void
e8_membership_lives_through_it(void **state)
{
	struct rig r;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(2), 1, SOURCE(1));
	rig_forget_sent(&r);
	general(&r, LOWER, 2, 125);
	/* 30 rounds of an hour: two of three are the other querier's, then it is silent for ten. */
	for (unsigned i = 0; i < 30; i++) {
		if (i / 10 != 1)
			general(&r, LOWER, 2, 125);
		rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
		rig_record(r.lan, HOST(1), MCR_IS_IN, GROUP(2), 1, SOURCE(1));
		for (unsigned k = 0; k < 125; k++) {
			mcr_timers_warp(r.timers, S);
			assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(9)));
			assert_true(rig_flows(&r, r.lan, GROUP(2), SOURCE(1)));
		}
		/* i 9 was the last one heard at 0 s: 255 s later it is ours. */
		expect_querier(&r, i / 10 == 1 && i > 10 ? OWN : LOWER, i / 10 == 1 && i > 10);
	}
	assert_int_equal(r.n_changes, 0);
	assert_int_equal(count_events(&r, MCR_EV_QUERIER), 3);
	/* New members are learned as well, and leave by silence. */
	rig_record(r.lan, HOST(2), MCR_IS_EX, GROUP(3), 0);
	assert_true(rig_flows(&r, r.lan, GROUP(3), SOURCE(1)));
	mcr_timers_warp(r.timers, 270 * S);
	assert_int_equal(mcr_member_group_count(r.m), 0);
	rig_fini(&r);
}

static void
e9_flood_of_lower_addresses(void **state)
{
	uint32_t seed = rig_seed(), lowest = OWN;
	unsigned n_changes = 0, n_log;
	struct rig r;

	(void)state;
	rig_start_default(&r);
	rig_forget_sent(&r);
	general(&r, OWN - 1, 2, 125);
	lowest = OWN - 1;
	n_changes = 1;
	n_log = count_log("lan");
	for (unsigned i = 0; i < 1000; i++) {
		uint32_t src = 0x0a010001u + rig_random(&seed, 0xfc);

		n_changes += src < lowest;
		lowest = src < lowest ? src : lowest;
		general(&r, src, 2, 125);
		expect_querier(&r, lowest, false);
		mcr_timers_warp(r.timers, 10 * MS);
	}
	assert_int_equal(count_events(&r, MCR_EV_QUERIER), n_changes);
	assert_int_equal(count_log("lan"), n_log);
	assert_int_equal(r.n_sent, 0);
	mcr_timers_warp(r.timers, OQPI - 10 * MS - 1);
	assert_false(state_of(&r).is_querier);
	mcr_timers_warp(r.timers, 1);
	expect_querier(&r, OWN, true);
	assert_int_equal(count_events(&r, MCR_EV_QUERIER), n_changes + 1);
	rig_fini(&r);
}

static void
e10_s_flag_does_not_matter(void **state)
{
	struct rig r;

	(void)state;
	rig_start_default(&r);
	assert_int_equal(rig_query3(r.lan, LOWER, 0, true, 100, NULL, 0), -1);
	expect_querier(&r, LOWER, false);
	rig_fini(&r);
}

static void
q7_loser_lowers_its_timers(void **state)
{
	uint32_t blocked = SOURCE(1);
	struct rig r;

	(void)state;
	rig_start_default(&r);
	general(&r, LOWER, 2, 125);
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(2), 2, SOURCE(1), SOURCE(2));
	rig_query3(r.lan, LOWER, GROUP(1), true, 10, NULL, 0);
	rig_query3(r.lan, LOWER, GROUP(2), true, 10, &blocked, 1);
	mcr_timers_warp(r.timers, 5 * S);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_true(rig_flows(&r, r.lan, GROUP(2), SOURCE(1)));
	rig_query3(r.lan, LOWER, GROUP(1), false, 13, NULL, 0);
	rig_query3(r.lan, LOWER, GROUP(2), false, 13, &blocked, 1);
	mcr_timers_warp(r.timers, 2600 * MS - 1);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_true(rig_flows(&r, r.lan, GROUP(2), SOURCE(1)));
	mcr_timers_warp(r.timers, 1);
	assert_false(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_false(rig_flows(&r, r.lan, GROUP(2), SOURCE(1)));
	assert_true(rig_flows(&r, r.lan, GROUP(2), SOURCE(2)));
	assert_int_equal(r.n_sent, 0);
	rig_fini(&r);
}

/* A forged query that leaves no time to answer: the member has LMQT all the same. */
static void
q7_no_time_to_answer(void **state)
{
	struct rig r;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	rig_query3(r.lan, LOWER, GROUP(1), false, 0, NULL, 0);
	mcr_timers_warp(r.timers, 2 * S - 1);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	mcr_timers_warp(r.timers, 1);
	assert_false(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	rig_fini(&r);
}

static void
q10_loser_asks_nothing(void **state)
{
	struct rig r;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(2), 1, SOURCE(1));
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(3), 0);
	/* One round is out when the election is lost; the second one never comes. */
	rig_leave2(r.lan, HOST(1), GROUP(3));
	assert_int_equal(rig_count_sent(&r, r.lan, false), 1);
	general(&r, LOWER, 2, 125);
	rig_forget_sent(&r);
	rig_leave2(r.lan, HOST(1), GROUP(1));
	rig_record(r.lan, HOST(1), MCR_BLOCK, GROUP(2), 1, SOURCE(1));
	mcr_timers_warp(r.timers, 200 * S);
	assert_int_equal(r.n_sent, 0);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_true(rig_flows(&r, r.lan, GROUP(2), SOURCE(1)));
	rig_fini(&r);
}

static void
d8_values_are_learned(void **state)
{
	struct rig r;

	(void)state;
	rig_start_default(&r);
	general(&r, LOWER, 3, 60);
	/* 3 * 60 + 2 * 10, and 3 * 60 + 5. */
	assert_int_equal(state_of(&r).gmi_s, 200);
	assert_int_equal(state_of(&r).other_querier_s, 185);
	assert_int_equal(state_of(&r).other_querier_left_s, 185);
	assert_int_equal(state_of(&r).lmqt_ms, 3000);
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	mcr_timers_warp(r.timers, 150 * S);
	general(&r, LOWER, 3, 60);
	mcr_timers_warp(r.timers, 50 * S - 1);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	mcr_timers_warp(r.timers, 1);
	assert_false(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	general(&r, LOWER, 0, 0);
	assert_int_equal(state_of(&r).gmi_s, 270);
	assert_int_equal(state_of(&r).other_querier_s, 255);
	rig_fini(&r);
}

/* Zero: robustness of our own setting, but the query interval of the RFC. */
static void
d8_zero_with_other_settings(void **state)
{
	struct mcr_mif_param p = rig_param("lan");
	struct rig r;

	(void)state;
	p.robustness = 4;
	p.qi_s = 60;
	rig_start(&r, &p);
	general(&r, LOWER, 0, 0);
	assert_int_equal(state_of(&r).gmi_s, 4 * 125 + 20);
	mcr_timers_warp(r.timers, 505 * S);
	assert_true(state_of(&r).is_querier);
	assert_int_equal(state_of(&r).gmi_s, 4 * 60 + 20);
	rig_fini(&r);
}

static void
d12_forged_values_are_clamped(void **state)
{
	static const struct {
		uint8_t qrv, qqic;
		uint32_t rounds_s;
	} c[] = {
		{1, 125, 2 * 125},
		{2, 0xff, 2 * 500},
		{7, 0xff, 7 * 500},
		{7, 1, 7},
		{0, 0xff, 2 * 500},
		{7, 0, 7 * 125},
	};
	struct rig r;

	(void)state;
	for (unsigned i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		rig_start_default(&r);
		general(&r, LOWER, c[i].qrv, c[i].qqic);
		assert_int_equal(state_of(&r).gmi_s, c[i].rounds_s + 20);
		assert_int_equal(state_of(&r).other_querier_left_s, c[i].rounds_s + 5);
		mcr_timers_warp(r.timers, (c[i].rounds_s + 5) * S);
		expect_querier(&r, OWN, true);
		assert_int_equal(state_of(&r).gmi_s, 270);
		assert_int_equal(rig_parse(&r.sent[0]).qqi_s, 125);
		assert_int_equal(rig_parse(&r.sent[0]).qrv, 2);
		rig_fini(&r);
	}
}

static void
d13_takeover(void **state)
{
	static const uint32_t at_ms[] = {0, 31250, 156250};
	uint64_t start;
	struct rig r;

	(void)state;
	rig_start_default(&r);
	general(&r, LOWER, 2, 125);
	mcr_timers_warp(r.timers, 200 * S);
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 1, SOURCE(2));
	rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(2), 1, SOURCE(1));
	mcr_timers_warp(r.timers, 55 * S - 1);
	rig_forget_sent(&r);
	start = rig_now(&r) + 1;
	mcr_timers_warp(r.timers, 200 * S);
	assert_int_equal(r.n_sent, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(r.sent[i].at_ns - start, at_ms[i] * MS);
		assert_int_equal(r.sent[i].dst.b[15], 1);
	}
	/* 255 of the 270 seconds: untouched, and no change was told. */
	assert_int_equal(r.n_changes, 0);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_true(rig_flows(&r, r.lan, GROUP(2), SOURCE(1)));
	mcr_timers_warp(r.timers, 15 * S + 1);
	assert_int_equal(mcr_member_group_count(r.m), 0);
	rig_fini(&r);
}

static void
no_election_in_a_tunnel(void **state)
{
	struct mcr_mif_param p = rig_param("site-b");
	struct rig r;

	(void)state;
	p.is_peer = true;
	rig_start(&r, &p);
	general(&r, LOWEST, 7, 255);
	expect_querier(&r, OWN, true);
	assert_int_equal(state_of(&r).gmi_s, 270);
	mcr_timers_warp(r.timers, 40 * S);
	assert_int_equal(rig_count_sent(&r, r.lan, true), 1);
	rig_fini(&r);
}

/* The querier of the link changes while we listen, and so do our address, mode and link. */
static void
changes_of_our_own(void **state)
{
	struct mcr_mif_param p = rig_param("lan");
	struct rig r;

	(void)state;
	rig_start(&r, &p);
	general(&r, LOWER, 3, 60);
	/* A new address that is higher than the querier's too: it stays. */
	p.address = a4(0x0a010003);
	mcr_mif_update(r.lan, &p);
	expect_querier(&r, LOWER, false);
	assert_int_equal(state_of(&r).gmi_s, 200);
	/* One that wins. */
	p.address = a4(LOWEST);
	mcr_mif_update(r.lan, &p);
	expect_querier(&r, LOWEST, true);
	assert_int_equal(state_of(&r).gmi_s, 270);
	general(&r, LOWER, 3, 60);
	expect_querier(&r, LOWEST, true);

	/* A snooper follows, the higher ones too; one that becomes a querier begins as one. */
	p = rig_param("lan");
	p.mode = MCR_MODE_SNOOP;
	mcr_mif_update(r.lan, &p);
	general(&r, HIGHER, 2, 100);
	expect_querier(&r, HIGHER, false);
	assert_int_equal(state_of(&r).gmi_s, 220);
	p.mode = MCR_MODE_QUERIER;
	mcr_mif_update(r.lan, &p);
	expect_querier(&r, OWN, true);
	assert_int_equal(state_of(&r).gmi_s, 270);

	/* The link goes and comes. */
	general(&r, LOWER, 3, 60);
	mcr_mif_set_up(r.lan, false);
	assert_int_equal(state_of(&r).other_querier_left_s, 0);
	mcr_mif_set_up(r.lan, true);
	expect_querier(&r, OWN, true);

	/* Forgetting members is no reason to forget the querier. */
	general(&r, LOWER, 3, 60);
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	mcr_member_clear(r.m, SEGMENT, &mcr_addr_any);
	assert_int_equal(mcr_member_group_count(r.m), 0);
	expect_querier(&r, LOWER, false);
	rig_forget_sent(&r);
	mcr_timers_warp(r.timers, 185 * S - 1);
	assert_int_equal(r.n_sent, 0);
	mcr_timers_warp(r.timers, 1);
	expect_querier(&r, OWN, true);
	rig_fini(&r);
}

/* --- random queries against a model of three numbers --- */

static void
random_queries(void **state)
{
	uint32_t seed = rig_seed();
	uint64_t lost_until = 0, low_until = 0;
	uint32_t low = 0;
	struct rig r;

	(void)state;
	rig_start_default(&r);
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t src = 0x0a010000u + rig_random(&seed, 6) * 0x60;
		uint64_t now = rig_now(&r);

		if (rig_random(&seed, 3) == 0) {
			bool is_special = rig_random(&seed, 4) == 0;

			if (is_special)
				rig_query3(r.lan, src, GROUP(1), rig_random(&seed, 2), 10, NULL, 0);
			else
				general(&r, src, 2, 125);
			if (!is_special && src < OWN) {
				if (low_until <= now || src <= low) {
					low = src;
					low_until = now + OQPI;
				}
				lost_until = now + OQPI;
			}
		} else {
			mcr_timers_warp(r.timers, (1 + rig_random(&seed, 90)) * S);
		}
		if (lost_until > rig_now(&r))
			expect_querier(&r, low, false);
		else
			expect_querier(&r, OWN, true);
		if (i % 100 == 0)
			rig_forget_sent(&r);
	}
	rig_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(e1_lower_address_wins),
		cmocka_unit_test(e2_silence_ends_it),
		cmocka_unit_test(e3_higher_address_changes_nothing),
		cmocka_unit_test(e4_own_address_warns_once),
		cmocka_unit_test(e5_no_address_never_wins),
		cmocka_unit_test(e6_specific_query_elects_nobody),
		cmocka_unit_test(e8_membership_lives_through_it),
		cmocka_unit_test(e9_flood_of_lower_addresses),
		cmocka_unit_test(e10_s_flag_does_not_matter),
		cmocka_unit_test(p19_query_from_nowhere),
		cmocka_unit_test(p20_query_to_our_unicast_address),
		cmocka_unit_test(p30_general_query_with_sources),
		cmocka_unit_test(q7_loser_lowers_its_timers),
		cmocka_unit_test(q7_no_time_to_answer),
		cmocka_unit_test(q10_loser_asks_nothing),
		cmocka_unit_test(d8_values_are_learned),
		cmocka_unit_test(d8_zero_with_other_settings),
		cmocka_unit_test(d12_forged_values_are_clamped),
		cmocka_unit_test(d13_takeover),
		cmocka_unit_test(no_election_in_a_tunnel),
		cmocka_unit_test(changes_of_our_own),
		cmocka_unit_test(random_queries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
