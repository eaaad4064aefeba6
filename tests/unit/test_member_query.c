/* SPDX-License-Identifier: BSD-3-Clause */
/* When queries are sent, what they say, and the timers around them. */
#include "member_rig.h"

/* Times of the General Queries, in milliseconds after `start`. */
static void
expect_general(const struct rig *r, uint64_t start, const uint32_t *at_ms, unsigned n)
{
	unsigned found = 0;

	for (uint32_t i = 0; i < r->n_sent; i++) {
		struct mcr_mship msg = rig_parse(&r->sent[i]);

		assert_int_equal(msg.type, MCR_MSHIP_QUERY);
		assert_true(mcr_addr_is_any(&msg.group));
		assert_true(found < n);
		assert_int_equal(r->sent[i].at_ns - start, at_ms[found] * MS);
		found++;
	}
	assert_int_equal(found, n);
}

/* One specific query: when (ms after start), S flag, and the indices of its sources. */
struct wanted {
	uint32_t at_ms;
	bool s_flag;
	unsigned mask; /* 0: Q(G) */
};

static void
expect_specific(const struct rig *r, uint64_t start, const struct wanted *w, unsigned n)
{
	unsigned found = 0;

	for (uint32_t i = 0; i < r->n_sent; i++) {
		struct mcr_mship msg = rig_parse(&r->sent[i]);
		unsigned mask = 0;

		if (mcr_addr_is_any(&msg.group))
			continue;
		for (uint32_t j = 0; j < msg.n_sources; j++) {
			struct mcr_addr a = mcr_mship_source(msg.sources, msg.addr_len, j);

			mask |= 1u << (ntohl(mcr_addr_to_v4(&a)) - SOURCE(0));
		}
		assert_true(found < n);
		assert_int_equal(r->sent[i].at_ns - start, w[found].at_ms * MS);
		assert_int_equal(msg.s_flag, w[found].s_flag);
		assert_int_equal(mask, w[found].mask);
		assert_int_equal(msg.max_resp_ms, 1000);
		assert_true(mcr_addr_eq(&msg.group, &r->sent[i].dst));
		found++;
	}
	assert_int_equal(found, n);
}

#define EXPECT(r, start, ...)                                                             \
	do {                                                                              \
		static const struct wanted wanted_[] = {__VA_ARGS__};                     \
		expect_specific(r, start, wanted_, sizeof(wanted_) / sizeof(wanted_[0])); \
	} while (0)

static void
d1_default_values(void **state)
{
	struct mcr_mif_state s;
	struct rig r;

	(void)state;
	rig_start_default(&r);
	mcr_mif_state(r.lan, &s);
	assert_int_equal(s.gmi_s, 270);
	assert_int_equal(s.lmqt_ms, 2000);
	assert_int_equal(s.other_querier_s, 255);
	assert_int_equal(s.startup_qi_ms, 31250);
	assert_int_equal(s.next_query_ms, 31250);
	assert_true(s.is_querier);
	rig_fini(&r);
}

static void
d2_startup_queries(void **state)
{
	static const uint32_t at_ms[] = {0, 31250, 156250, 281250};
	struct mcr_mif_param p = rig_param("lan");
	struct mcr_addr all_hosts = a4(0xe0000001);
	struct mcr_mship msg;
	uint64_t start;
	struct rig r;

	(void)state;
	rig_init(&r);
	start = rig_now(&r);
	r.lan = mcr_mif_add(r.m, &p);
	assert_int_equal(r.n_sent, 0);
	mcr_timers_warp(r.timers, 300 * S);
	expect_general(&r, start, at_ms, 4);
	msg = rig_parse(&r.sent[0]);
	assert_true(mcr_addr_eq(&r.sent[0].dst, &all_hosts));
	assert_true(mcr_addr_eq(&msg.src, &p.address));
	assert_int_equal(msg.max_resp_ms, 10000);
	assert_int_equal(msg.qqi_s, 125);
	assert_int_equal(msg.qrv, 2);
	assert_int_equal(mcr_mif_stat(r.lan)->query[1][3], 4);
	rig_fini(&r);
}

static void
d3_robustness_3(void **state)
{
	static const uint32_t at_ms[] = {0, 31250, 62500, 187500};
	struct mcr_mif_param p = rig_param("lan");
	struct mcr_mif_state s;
	uint64_t start;
	struct rig r;

	(void)state;
	p.robustness = 3;
	rig_init(&r);
	start = rig_now(&r);
	r.lan = mcr_mif_add(r.m, &p);
	mcr_timers_warp(r.timers, 200 * S);
	expect_general(&r, start, at_ms, 4);
	mcr_mif_state(r.lan, &s);
	assert_int_equal(s.lmqt_ms, 3000);
	assert_int_equal(s.gmi_s, 395);

	rig_report2(r.lan, HOST(1), GROUP(1));
	rig_forget_sent(&r);
	start = rig_now(&r);
	rig_leave2(r.lan, HOST(1), GROUP(1));
	mcr_timers_warp(r.timers, 3 * S - 1);
	EXPECT(&r, start, {0, false, 0}, {1000, false, 0}, {2000, false, 0});
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	mcr_timers_warp(r.timers, 1);
	assert_null(rig_group(&r, r.lan, GROUP(1)));
	rig_fini(&r);
}

static void
d5_other_intervals(void **state)
{
	static const uint32_t at_ms[] = {0, 15000, 30000, 45000, 60000, 120000};
	struct mcr_mif_param p = rig_param("lan");
	struct mcr_mif_state s;
	uint64_t start;
	struct rig r;

	(void)state;
	p.qi_s = 60;
	p.qri_s = 7;
	p.robustness = 5;
	rig_init(&r);
	start = rig_now(&r);
	r.lan = mcr_mif_add(r.m, &p);
	mcr_timers_warp(r.timers, 130 * S);
	expect_general(&r, start, at_ms, 6);
	mcr_mif_state(r.lan, &s);
	assert_int_equal(s.gmi_s, 314);
	assert_int_equal(s.other_querier_s, 303);
	assert_int_equal(s.startup_qi_ms, 15000);
	rig_fini(&r);
}

static void
d6_membership_interval(void **state)
{
	struct rig r;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	mcr_timers_warp(r.timers, 269900 * MS);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_int_equal(rig_n_subscribers(&r, r.lan, GROUP(1)), 1);
	mcr_timers_warp(r.timers, 200 * MS);
	assert_false(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_int_equal(mcr_member_group_count(r.m), 0);
	rig_fini(&r);
}

/* Intervals may change under way: what is set stays, what is set from now on is new. */
static void
update_moves_to_new_intervals(void **state)
{
	struct mcr_mif_param p = rig_param("lan");
	struct rig r;

	(void)state;
	rig_start(&r, &p);
	mcr_timers_warp(r.timers, 40 * S);
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	rig_forget_sent(&r);
	p.qi_s = 20;
	p.qri_s = 5;
	mcr_mif_update(r.lan, &p);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	mcr_timers_warp(r.timers, 20 * S);
	assert_int_equal(rig_count_sent(&r, r.lan, true), 1);
	rig_record(r.lan, HOST(2), MCR_IS_EX, GROUP(2), 0);
	mcr_timers_warp(r.timers, 50 * S);
	assert_null(rig_group(&r, r.lan, GROUP(2)));
	assert_non_null(rig_group(&r, r.lan, GROUP(1)));
	p.mode = MCR_MODE_OFF;
	mcr_mif_update(r.lan, &p);
	assert_null(rig_group(&r, r.lan, GROUP(1)));
	rig_forget_sent(&r);
	mcr_timers_warp(r.timers, 100 * S);
	assert_int_equal(r.n_sent, 0);
	rig_fini(&r);
}

static void
o7_asks_when_link_and_address_are_there(void **state)
{
	struct mcr_mif_param p = rig_param("lan");
	struct mcr_mif_state s;
	struct rig r;

	(void)state;
	p.address = mcr_addr_any;
	rig_init(&r);
	r.lan = mcr_mif_add(r.m, &p);
	mcr_timers_warp(r.timers, 200 * S);
	assert_int_equal(r.n_sent, 0);
	mcr_mif_state(r.lan, &s);
	assert_false(s.is_querier);
	assert_int_equal(s.next_query_ms, UINT32_MAX);
	p.address = a4(OWN);
	mcr_mif_update(r.lan, &p);
	mcr_timers_warp(r.timers, 1);
	assert_int_equal(r.n_sent, 1);
	mcr_mif_set_up(r.lan, false);
	mcr_timers_warp(r.timers, 200 * S);
	assert_int_equal(r.n_sent, 1);
	mcr_mif_set_up(r.lan, true);
	mcr_timers_warp(r.timers, 31250 * MS);
	assert_int_equal(r.n_sent, 3);
	rig_fini(&r);
}

static void
q1_last_member_leaves(void **state)
{
	struct rig r;
	uint64_t start;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_TO_EX, GROUP(1), 0);
	rig_forget_sent(&r);
	start = rig_now(&r);
	rig_record(r.lan, HOST(1), MCR_TO_IN, GROUP(1), 0);
	assert_int_equal(rig_n_subscribers(&r, r.lan, GROUP(1)), 0);
	mcr_timers_warp(r.timers, 2 * S - 1);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_int_equal(r.n_changes, 0);
	mcr_timers_warp(r.timers, 1);
	assert_false(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_int_equal(r.n_changes, 1);
	mcr_timers_warp(r.timers, 10 * S);
	EXPECT(&r, start, {0, false, 0}, {1000, false, 0});
	rig_fini(&r);
}

static void
q2_answer_in_between(void **state)
{
	struct rig r;
	uint64_t start;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_TO_EX, GROUP(1), 0);
	rig_forget_sent(&r);
	start = rig_now(&r);
	rig_record(r.lan, HOST(1), MCR_TO_IN, GROUP(1), 0);
	mcr_timers_warp(r.timers, 500 * MS);
	rig_record(r.lan, HOST(2), MCR_IS_EX, GROUP(1), 0);
	mcr_timers_warp(r.timers, 9 * S);
	EXPECT(&r, start, {0, false, 0}, {1000, true, 0});
	mcr_timers_warp(r.timers, 261 * S - 1);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_int_equal(r.n_changes, 0);
	mcr_timers_warp(r.timers, 1);
	assert_false(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	rig_fini(&r);
}

static void
q3_block_one_source(void **state)
{
	struct rig r;
	uint64_t start;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(1), 2, SOURCE(1), SOURCE(2));
	rig_forget_sent(&r);
	start = rig_now(&r);
	rig_record(r.lan, HOST(1), MCR_BLOCK, GROUP(1), 1, SOURCE(1));
	mcr_timers_warp(r.timers, 2 * S - 1);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	mcr_timers_warp(r.timers, 1);
	assert_false(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	mcr_timers_warp(r.timers, 8 * S);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(2)));
	EXPECT(&r, start, {0, false, 2}, {1000, false, 2});
	rig_fini(&r);
}

static void
q4_answer_for_a_blocked_source(void **state)
{
	struct rig r;
	uint64_t start;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(1), 2, SOURCE(1), SOURCE(2));
	rig_forget_sent(&r);
	start = rig_now(&r);
	rig_record(r.lan, HOST(1), MCR_BLOCK, GROUP(1), 1, SOURCE(1));
	mcr_timers_warp(r.timers, 500 * MS);
	rig_record(r.lan, HOST(2), MCR_ALLOW, GROUP(1), 1, SOURCE(1));
	mcr_timers_warp(r.timers, 9 * S);
	EXPECT(&r, start, {0, false, 2}, {1000, true, 2});
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_int_equal(r.n_changes, 0);
	rig_fini(&r);
}

static void
q5_two_lists(void **state)
{
	struct rig r;
	uint64_t start;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(1), 3, SOURCE(1), SOURCE(2), SOURCE(3));
	rig_forget_sent(&r);
	start = rig_now(&r);
	rig_record(r.lan, HOST(1), MCR_BLOCK, GROUP(1), 3, SOURCE(1), SOURCE(2), SOURCE(3));
	mcr_timers_warp(r.timers, 500 * MS);
	rig_record(r.lan, HOST(2), MCR_ALLOW, GROUP(1), 1, SOURCE(2));
	mcr_timers_warp(r.timers, 9 * S);
	EXPECT(&r, start, {0, false, 14}, {1000, false, 10}, {1000, true, 4});
	rig_fini(&r);
}

static void
q6_merged_schedule(void **state)
{
	struct rig r;
	uint64_t start;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(1), 3, SOURCE(1), SOURCE(2), SOURCE(3));
	rig_forget_sent(&r);
	start = rig_now(&r);
	rig_record(r.lan, HOST(1), MCR_BLOCK, GROUP(1), 1, SOURCE(1));
	mcr_timers_warp(r.timers, 400 * MS);
	rig_record(r.lan, HOST(1), MCR_BLOCK, GROUP(1), 1, SOURCE(2));
	mcr_timers_warp(r.timers, 1600 * MS);
	assert_false(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(2)));
	mcr_timers_warp(r.timers, 400 * MS);
	assert_false(rig_flows(&r, r.lan, GROUP(1), SOURCE(2)));
	mcr_timers_warp(r.timers, 8 * S);
	EXPECT(&r, start, {0, false, 2}, {1000, false, 6}, {2000, false, 4});
	rig_fini(&r);
}

static void
q7_snooper_hears_the_querier(void **state)
{
	struct mcr_mif_param p = rig_param("lan");
	struct mcr_mif_state s;
	uint32_t blocked = SOURCE(1);
	struct rig r;

	(void)state;
	p.mode = MCR_MODE_SNOOP;
	rig_start(&r, &p);
	rig_query3(r.lan, HOST(9), 0, false, 100, NULL, 0);
	mcr_mif_state(r.lan, &s);
	assert_false(s.is_querier);
	assert_int_equal(ntohl(mcr_addr_to_v4(&s.querier)), HOST(9));
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(2), 2, SOURCE(1), SOURCE(2));

	rig_query3(r.lan, HOST(9), GROUP(1), true, 10, NULL, 0);
	rig_query3(r.lan, HOST(9), GROUP(2), true, 10, &blocked, 1);
	mcr_timers_warp(r.timers, 5 * S);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_true(rig_flows(&r, r.lan, GROUP(2), SOURCE(1)));

	/* Three tenths more than LMQI of ours: the values heard count. */
	rig_query3(r.lan, HOST(9), GROUP(1), false, 13, NULL, 0);
	rig_query3(r.lan, HOST(9), GROUP(2), false, 13, &blocked, 1);
	mcr_timers_warp(r.timers, 2600 * MS - 1);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_true(rig_flows(&r, r.lan, GROUP(2), SOURCE(1)));
	mcr_timers_warp(r.timers, 1);
	assert_false(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_false(rig_flows(&r, r.lan, GROUP(2), SOURCE(1)));
	assert_true(rig_flows(&r, r.lan, GROUP(2), SOURCE(2)));
	assert_int_equal(r.n_sent, 0);
	mcr_timers_warp(r.timers, 255 * S);
	mcr_mif_state(r.lan, &s);
	assert_true(mcr_addr_is_any(&s.querier));
	rig_fini(&r);
}

static void
q8_current_state_never_asks(void **state)
{
	struct rig r;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(1), 2, SOURCE(1), SOURCE(2));
	rig_record(r.lan, HOST(2), MCR_IS_IN, GROUP(1), 1, SOURCE(1));
	rig_record(r.lan, HOST(2), MCR_IS_EX, GROUP(1), 1, SOURCE(1));
	rig_record(r.lan, HOST(2), MCR_IS_EX, GROUP(1), 2, SOURCE(2), SOURCE(3));
	rig_record(r.lan, HOST(2), MCR_IS_IN, GROUP(1), 1, SOURCE(3));
	mcr_timers_warp(r.timers, 10 * S);
	assert_int_equal(rig_count_sent(&r, r.lan, false), 0);
	/* The canary: a leave does ask. */
	rig_record(r.lan, HOST(2), MCR_TO_IN, GROUP(1), 0);
	assert_int_not_equal(rig_count_sent(&r, r.lan, false), 0);
	rig_fini(&r);
}

static void
q9_fast_leave(void **state)
{
	struct mcr_mif_param p = rig_param("lan");
	struct rig r;

	(void)state;
	p.fast_leave = true;
	rig_start(&r, &p);
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	rig_record(r.lan, HOST(2), MCR_IS_EX, GROUP(1), 0);
	rig_leave2(r.lan, HOST(1), GROUP(1));
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_int_equal(rig_n_subscribers(&r, r.lan, GROUP(1)), 1);
	/* Another tracked host: the ordinary way, with its answer. */
	assert_int_equal(rig_count_sent(&r, r.lan, false), 1);
	rig_record(r.lan, HOST(2), MCR_IS_EX, GROUP(1), 0);
	mcr_timers_warp(r.timers, 10 * S);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	rig_forget_sent(&r);
	rig_leave2(r.lan, HOST(2), GROUP(1));
	assert_null(rig_group(&r, r.lan, GROUP(1)));
	assert_int_equal(r.n_changes, 1);
	assert_int_equal(r.n_sent, 0);

	/* Sources of the only host. */
	rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(2), 2, SOURCE(1), SOURCE(2));
	rig_record(r.lan, HOST(1), MCR_BLOCK, GROUP(2), 1, SOURCE(1));
	assert_false(rig_flows(&r, r.lan, GROUP(2), SOURCE(1)));
	assert_true(rig_flows(&r, r.lan, GROUP(2), SOURCE(2)));
	rig_record(r.lan, HOST(1), MCR_TO_EX, GROUP(2), 1, SOURCE(2));
	assert_false(rig_flows(&r, r.lan, GROUP(2), SOURCE(2)));
	assert_true(rig_flows(&r, r.lan, GROUP(2), SOURCE(1)));
	assert_int_equal(r.n_sent, 0);

	/* A leave from nobody in particular never prunes. */
	rig_record(r.lan, 0, MCR_TO_IN, GROUP(2), 0);
	assert_true(rig_flows(&r, r.lan, GROUP(2), SOURCE(1)));
	rig_fini(&r);
}

static void
q9_no_fast_leave_elsewhere(void **state)
{
	struct rig r;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	rig_leave2(r.lan, HOST(1), GROUP(1));
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_int_equal(rig_count_sent(&r, r.lan, false), 1);
	rig_fini(&r);
}

static void
q10_who_does_not_ask_keeps_its_timers(void **state)
{
	struct mcr_mif_param p = rig_param("lan");
	struct rig r;

	(void)state;
	p.mode = MCR_MODE_SNOOP;
	rig_start(&r, &p);
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(2), 1, SOURCE(1));
	rig_leave2(r.lan, HOST(1), GROUP(1));
	rig_record(r.lan, HOST(1), MCR_BLOCK, GROUP(2), 1, SOURCE(1));
	mcr_timers_warp(r.timers, 269 * S);
	assert_int_equal(r.n_sent, 0);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_true(rig_flows(&r, r.lan, GROUP(2), SOURCE(1)));
	mcr_timers_warp(r.timers, 1 * S);
	assert_int_equal(mcr_member_group_count(r.m), 0);
	rig_fini(&r);
}

static void
q11_empty_set_asks_nothing(void **state)
{
	struct rig r;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(1), 1, SOURCE(1));
	rig_record(r.lan, HOST(1), MCR_BLOCK, GROUP(1), 1, SOURCE(2));
	rig_record(r.lan, HOST(1), MCR_TO_IN, GROUP(1), 1, SOURCE(1));
	rig_record(r.lan, HOST(2), MCR_TO_EX, GROUP(1), 1, SOURCE(2));
	rig_record(r.lan, HOST(2), MCR_BLOCK, GROUP(1), 1, SOURCE(2));
	mcr_timers_warp(r.timers, 5 * S);
	assert_int_equal(rig_count_sent(&r, r.lan, false), 0);
	rig_record(r.lan, HOST(2), MCR_BLOCK, GROUP(1), 1, SOURCE(3));
	assert_int_equal(rig_count_sent(&r, r.lan, false), 1);
	rig_fini(&r);
}

static void
q12_1500_sources(void **state)
{
	static uint32_t source[1500];
	static uint8_t seen[1500];
	struct rig_record rec = {MCR_ALLOW, GROUP(1), 300, source};
	uint32_t n[2] = {0};
	uint64_t start;
	struct rig r;

	(void)state;
	rig_start_default(&r);
	for (uint32_t i = 0; i < 1500; i++)
		source[i] = SOURCE(i);
	for (uint32_t i = 0; i < 5; i++, rec.source += 300)
		assert_int_equal(rig_report3(r.lan, HOST(1), &rec, 1), -1);
	rig_forget_sent(&r);
	start = rig_now(&r);
	rec = (struct rig_record){MCR_BLOCK, GROUP(1), 1500, source};
	assert_int_equal(rig_report3(r.lan, HOST(1), &rec, 1), -1);
	mcr_timers_warp(r.timers, 10 * S);
	memset(seen, 0, sizeof(seen));
	for (uint32_t i = 0; i < r.n_sent; i++) {
		struct mcr_mship msg = rig_parse(&r.sent[i]);

		assert_true(r.sent[i].len <= 1500);
		assert_true(msg.n_sources > 0 && msg.n_sources <= 366);
		assert_false(msg.s_flag);
		n[r.sent[i].at_ns != start]++;
		for (uint32_t j = 0; j < msg.n_sources; j++) {
			struct mcr_addr a = mcr_mship_source(msg.sources, msg.addr_len, j);

			seen[ntohl(mcr_addr_to_v4(&a)) - SOURCE(0)]++;
		}
	}
	assert_int_equal(n[0], 5);
	assert_int_equal(n[1], 5);
	for (uint32_t i = 0; i < 1500; i++)
		assert_int_equal(seen[i], 2);
	assert_int_equal(mcr_member_group_count(r.m), 0);
	rig_fini(&r);
}

static void
q13_query_for_an_unknown_group(void **state)
{
	uint32_t source = SOURCE(1);
	struct rig r;

	(void)state;
	rig_start_default(&r);
	assert_int_equal(rig_query3(r.lan, HOST(9), GROUP(1), false, 10, NULL, 0), -1);
	assert_int_equal(rig_query3(r.lan, HOST(9), GROUP(1), false, 10, &source, 1), -1);
	mcr_timers_warp(r.timers, 5 * S);
	assert_int_equal(r.n_sent, 0);
	assert_int_equal(mcr_member_group_count(r.m), 0);
	assert_int_equal(mcr_mif_stat(r.lan)->group_query[0][3], 2);
	rig_fini(&r);
}

static void
q14_schedule_is_not_begun_again(void **state)
{
	struct rig r;
	uint64_t start;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(1), 2, SOURCE(1), SOURCE(2));
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(2), 0);
	rig_forget_sent(&r);
	start = rig_now(&r);
	/* Spoofed over and over: two rounds each and the end at 2 s all the same. */
	for (unsigned i = 0; i < 19; i++) {
		rig_record(r.lan, HOST(1), MCR_BLOCK, GROUP(1), 1, SOURCE(1));
		mcr_timers_warp(r.timers, 100 * MS);
	}
	EXPECT(&r, start, {0, false, 2}, {1000, false, 2});
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	mcr_timers_warp(r.timers, 100 * MS);
	assert_false(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));

	rig_forget_sent(&r);
	start = rig_now(&r);
	for (unsigned i = 0; i < 20; i++) {
		rig_leave2(r.lan, HOST(1), GROUP(2));
		mcr_timers_warp(r.timers, 100 * MS);
	}
	EXPECT(&r, start, {0, false, 0}, {1000, false, 0});
	assert_null(rig_group(&r, r.lan, GROUP(2)));
	rig_fini(&r);
}

static void
q15_group_query_says_it_already(void **state)
{
	struct rig r;
	uint64_t start;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	rig_record(r.lan, HOST(2), MCR_ALLOW, GROUP(1), 2, SOURCE(1), SOURCE(2));
	rig_forget_sent(&r);
	start = rig_now(&r);
	rig_record(r.lan, HOST(1), MCR_TO_IN, GROUP(1), 0);
	mcr_timers_warp(r.timers, 500 * MS);
	rig_record(r.lan, HOST(2), MCR_ALLOW, GROUP(1), 1, SOURCE(1));
	mcr_timers_warp(r.timers, 9 * S);
	/* At 1 s Q(G,{1}) with S is left out beside Q(G). */
	EXPECT(&r, start, {0, false, 0}, {0, false, 6}, {1000, false, 0}, {1000, false, 4});
	rig_fini(&r);
}

static void
q16_schedule_follows_the_state(void **state)
{
	struct rig r;
	uint64_t start;

	(void)state;
	rig_start_default(&r);
	/* Q(G,{1,2}) waits; IS_EX({1}) deletes 2 on the way. */
	rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(1), 2, SOURCE(1), SOURCE(2));
	rig_forget_sent(&r);
	start = rig_now(&r);
	rig_record(r.lan, HOST(1), MCR_BLOCK, GROUP(1), 2, SOURCE(1), SOURCE(2));
	mcr_timers_warp(r.timers, 500 * MS);
	rig_record(r.lan, HOST(2), MCR_IS_EX, GROUP(1), 1, SOURCE(1));
	mcr_timers_warp(r.timers, 9 * S);
	EXPECT(&r, start, {0, false, 6}, {1000, false, 2});

	/* A group that is deleted is not asked for any more. */
	rig_forget_sent(&r);
	start = rig_now(&r);
	rig_record(r.lan, HOST(2), MCR_TO_IN, GROUP(1), 0);
	mcr_timers_warp(r.timers, 500 * MS);
	mcr_mif_set_up(r.lan, false);
	mcr_timers_warp(r.timers, 9 * S);
	EXPECT(&r, start, {0, false, 0});
	rig_fini(&r);
}

static void
c7_configured_version_2(void **state)
{
	struct mcr_mif_param p = rig_param("lan");
	struct rig r;

	(void)state;
	p.version = 2;
	p.qri_s = 20;
	p.lmqi_ms = 1500;
	rig_init(&r);
	r.lan = mcr_mif_add(r.m, &p);
	mcr_timers_run(r.timers);
	assert_int_equal(r.n_sent, 1);
	assert_int_equal(r.sent[0].len, 24 + 8);
	assert_int_equal(r.sent[0].ip[25], 200); /* literal, a v3 code would be 0x89 */
	rig_report2(r.lan, HOST(1), GROUP(1));
	rig_forget_sent(&r);
	rig_leave2(r.lan, HOST(1), GROUP(1));
	assert_int_equal(r.n_sent, 1);
	assert_int_equal(r.sent[0].len, 24 + 8);
	assert_int_equal(r.sent[0].ip[25], 15);
	/* Nobody can be asked about sources: they are not lowered either. */
	rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(2), 2, SOURCE(1), SOURCE(2));
	rig_record(r.lan, HOST(1), MCR_BLOCK, GROUP(2), 1, SOURCE(1));
	rig_record(r.lan, HOST(1), MCR_TO_IN, GROUP(2), 1, SOURCE(2));
	mcr_timers_warp(r.timers, 10 * S);
	assert_true(rig_flows(&r, r.lan, GROUP(2), SOURCE(1)));
	/* A version 3 query is noted, no more. */
	assert_int_equal(rig_query3(r.lan, HOST(9), 0, false, 100, NULL, 0), -1);
	assert_int_equal(mcr_mif_stat(r.lan)->query[0][3], 1);
	rig_fini(&r);
}

static void
c8_configured_version_1(void **state)
{
	struct mcr_mif_param p = rig_param("lan");
	struct rig r;

	(void)state;
	p.version = 1;
	rig_init(&r);
	r.lan = mcr_mif_add(r.m, &p);
	mcr_timers_run(r.timers);
	assert_int_equal(r.n_sent, 1);
	assert_int_equal(r.sent[0].len - 4 * (r.sent[0].ip[0] & 15u), 8);
	assert_int_equal(r.sent[0].ip[4 * (r.sent[0].ip[0] & 15u) + 1], 0);
	rig_short(r.lan, 0x12, 0, GROUP(1), HOST(1), GROUP(1));
	rig_forget_sent(&r);
	rig_leave2(r.lan, HOST(1), GROUP(1));
	rig_record(r.lan, HOST(1), MCR_TO_IN, GROUP(1), 0);
	mcr_timers_warp(r.timers, 269 * S);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_int_equal(rig_n_subscribers(&r, r.lan, GROUP(1)), 1);
	assert_int_equal(rig_count_sent(&r, r.lan, false), 0);
	mcr_timers_warp(r.timers, 1 * S);
	assert_null(rig_group(&r, r.lan, GROUP(1)));
	rig_fini(&r);
}

static void
clear_forgets_and_asks(void **state)
{
	struct mcr_addr group = a4(GROUP(1));
	struct rig r;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(2), 0);
	rig_forget_sent(&r);
	mcr_member_clear(r.m, SEGMENT, &group);
	assert_null(rig_group(&r, r.lan, GROUP(1)));
	assert_non_null(rig_group(&r, r.lan, GROUP(2)));
	assert_int_equal(r.n_sent, 1);
	assert_true(mcr_addr_eq(&r.sent[0].dst, &group));
	mcr_member_clear(r.m, SEGMENT, &mcr_addr_any);
	assert_int_equal(mcr_member_group_count(r.m), 0);
	mcr_timers_run(r.timers);
	assert_int_equal(r.n_sent, 2);
	rig_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(d1_default_values),
		cmocka_unit_test(d2_startup_queries),
		cmocka_unit_test(d3_robustness_3),
		cmocka_unit_test(d5_other_intervals),
		cmocka_unit_test(d6_membership_interval),
		cmocka_unit_test(update_moves_to_new_intervals),
		cmocka_unit_test(o7_asks_when_link_and_address_are_there),
		cmocka_unit_test(q1_last_member_leaves),
		cmocka_unit_test(q2_answer_in_between),
		cmocka_unit_test(q3_block_one_source),
		cmocka_unit_test(q4_answer_for_a_blocked_source),
		cmocka_unit_test(q5_two_lists),
		cmocka_unit_test(q6_merged_schedule),
		cmocka_unit_test(q7_snooper_hears_the_querier),
		cmocka_unit_test(q8_current_state_never_asks),
		cmocka_unit_test(q9_fast_leave),
		cmocka_unit_test(q9_no_fast_leave_elsewhere),
		cmocka_unit_test(q10_who_does_not_ask_keeps_its_timers),
		cmocka_unit_test(q11_empty_set_asks_nothing),
		cmocka_unit_test(q12_1500_sources),
		cmocka_unit_test(q13_query_for_an_unknown_group),
		cmocka_unit_test(q14_schedule_is_not_begun_again),
		cmocka_unit_test(q15_group_query_says_it_already),
		cmocka_unit_test(q16_schedule_follows_the_state),
		cmocka_unit_test(c7_configured_version_2),
		cmocka_unit_test(c8_configured_version_1),
		cmocka_unit_test(clear_forgets_and_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
