/* SPDX-License-Identifier: BSD-3-Clause */
/* Hosts of versions 1 and 2 on a querier of version 3: the mode of a group, and what it ignores. */
#include "member_rig.h"

static int
report1(struct mcr_mif *mif, uint32_t host, uint32_t group)
{
	return rig_short(mif, 0x12, 0, group, host, group);
}

/* The V of `show groups`; 0: no such group. */
static unsigned
version_of(const struct rig *r, uint32_t group)
{
	struct mcr_addr addr = a4(group);
	struct mcr_group_info info;
	uint64_t cursor = 0;

	while (mcr_member_next_group(r->m, &cursor, &info)) {
		if (mcr_addr_eq(&info.group, &addr))
			return info.version;
	}
	return 0;
}

static void
c1_report_of_version_2(void **state)
{
	struct rig r;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(2), MCR_IS_EX, GROUP(1), 1, SOURCE(1));
	assert_int_equal(version_of(&r, GROUP(1)), 3);
	assert_false(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	rig_report2(r.lan, HOST(1), GROUP(1));
	assert_int_equal(version_of(&r, GROUP(1)), 2);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	mcr_timers_warp(r.timers, 260 * S - 1);
	assert_int_equal(version_of(&r, GROUP(1)), 2);
	mcr_timers_warp(r.timers, 1);
	assert_int_equal(version_of(&r, GROUP(1)), 3);
	mcr_timers_warp(r.timers, 10 * S);
	assert_int_equal(version_of(&r, GROUP(1)), 0);
	rig_fini(&r);
}

static void
c2_version_2_mode(void **state)
{
	struct rig r;

	(void)state;
	rig_start_default(&r);
	rig_report2(r.lan, HOST(1), GROUP(1));
	rig_forget_sent(&r);
	rig_record(r.lan, HOST(2), MCR_BLOCK, GROUP(1), 1, SOURCE(1));
	rig_record(r.lan, HOST(2), MCR_TO_EX, GROUP(1), 2, SOURCE(1), SOURCE(2));
	mcr_timers_warp(r.timers, 5 * S);
	assert_int_equal(r.n_sent, 0);
	assert_int_equal(mcr_mgroup_n_sources(rig_group(&r, r.lan, GROUP(1))), 0);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	rig_leave2(r.lan, HOST(1), GROUP(1));
	mcr_timers_warp(r.timers, 2 * S - 1);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_int_equal(rig_count_sent(&r, r.lan, false), 2);
	mcr_timers_warp(r.timers, 1);
	assert_null(rig_group(&r, r.lan, GROUP(1)));
	rig_fini(&r);
}

static void
c3_version_1_mode(void **state)
{
	struct rig r;

	(void)state;
	rig_start_default(&r);
	report1(r.lan, HOST(1), GROUP(1));
	assert_int_equal(version_of(&r, GROUP(1)), 1);
	rig_forget_sent(&r);
	rig_leave2(r.lan, HOST(1), GROUP(1));
	rig_record(r.lan, HOST(2), MCR_TO_IN, GROUP(1), 0);
	rig_record(r.lan, HOST(2), MCR_TO_IN, GROUP(1), 1, SOURCE(1));
	rig_record(r.lan, HOST(2), MCR_BLOCK, GROUP(1), 1, SOURCE(1));
	rig_record(r.lan, HOST(2), MCR_TO_EX, GROUP(1), 1, SOURCE(1));
	mcr_timers_warp(r.timers, 259 * S);
	assert_int_equal(rig_count_sent(&r, r.lan, false), 0);
	assert_int_equal(mcr_mgroup_n_sources(rig_group(&r, r.lan, GROUP(1))), 0);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	mcr_timers_warp(r.timers, 1 * S);
	rig_leave2(r.lan, HOST(1), GROUP(1));
	assert_int_equal(rig_count_sent(&r, r.lan, false), 1);
	rig_fini(&r);
}

static void
c4_end_of_version_1_mode(void **state)
{
	struct rig r;

	(void)state;
	rig_start_default(&r);
	report1(r.lan, HOST(1), GROUP(1));
	report1(r.lan, HOST(1), GROUP(2));
	mcr_timers_warp(r.timers, 100 * S);
	rig_report2(r.lan, HOST(2), GROUP(1));
	rig_record(r.lan, HOST(3), MCR_IS_EX, GROUP(2), 0);
	assert_int_equal(version_of(&r, GROUP(1)), 1);
	mcr_timers_warp(r.timers, 160 * S - 1);
	assert_int_equal(version_of(&r, GROUP(1)), 1);
	assert_int_equal(version_of(&r, GROUP(2)), 1);
	mcr_timers_warp(r.timers, 1);
	assert_int_equal(version_of(&r, GROUP(1)), 2);
	assert_int_equal(version_of(&r, GROUP(2)), 3);
	rig_record(r.lan, HOST(3), MCR_IS_EX, GROUP(1), 0);
	mcr_timers_warp(r.timers, 100 * S);
	assert_int_equal(version_of(&r, GROUP(1)), 3);
	rig_fini(&r);
}

static void
c5_sources_are_blocked_later(void **state)
{
	struct rig r;

	(void)state;
	rig_start_default(&r);
	rig_report2(r.lan, HOST(1), GROUP(1));
	rig_record(r.lan, HOST(2), MCR_TO_EX, GROUP(1), 1, SOURCE(1));
	mcr_timers_warp(r.timers, 265 * S);
	assert_int_equal(version_of(&r, GROUP(1)), 3);
	/* Answers to General Queries from now on. */
	rig_record(r.lan, HOST(2), MCR_IS_EX, GROUP(1), 1, SOURCE(1));
	mcr_timers_warp(r.timers, 125 * S);
	rig_record(r.lan, HOST(2), MCR_IS_EX, GROUP(1), 1, SOURCE(1));
	mcr_timers_warp(r.timers, 145 * S - 1);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	mcr_timers_warp(r.timers, 1);
	assert_false(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(2)));
	rig_fini(&r);
}

static void
c6_other_groups_and_ports(void **state)
{
	struct mcr_mif_param p = rig_param("lan2");
	struct mcr_mif *lan2;
	struct rig r;

	(void)state;
	rig_start_default(&r);
	lan2 = mcr_mif_add(r.m, &p);
	rig_report2(r.lan, HOST(1), GROUP(1));
	rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(2), 1, SOURCE(1));
	rig_record(lan2, HOST(1), MCR_ALLOW, GROUP(1), 1, SOURCE(1));
	assert_int_equal(version_of(&r, GROUP(2)), 3);
	rig_record(r.lan, HOST(1), MCR_BLOCK, GROUP(1), 1, SOURCE(1));
	rig_record(r.lan, HOST(1), MCR_BLOCK, GROUP(2), 1, SOURCE(1));
	rig_record(lan2, HOST(1), MCR_BLOCK, GROUP(1), 1, SOURCE(1));
	mcr_timers_warp(r.timers, 2 * S);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_null(rig_group(&r, r.lan, GROUP(2)));
	assert_null(rig_group(&r, lan2, GROUP(1)));
	rig_fini(&r);
}

static void
c11_specific_queries_stay_version_3(void **state)
{
	struct rig r;

	(void)state;
	rig_start_default(&r);
	rig_report2(r.lan, HOST(1), GROUP(1));
	rig_forget_sent(&r);
	rig_leave2(r.lan, HOST(1), GROUP(1));
	assert_int_equal(r.n_sent, 1);
	assert_int_equal(rig_parse(&r.sent[0]).version, 3);
	assert_int_equal(r.sent[0].len, 24 + 12);
	rig_fini(&r);
}

static void
d9_reports_of_version_3_go_on(void **state)
{
	struct rig r;

	(void)state;
	rig_start_default(&r);
	rig_report2(r.lan, HOST(1), GROUP(1));
	for (unsigned i = 0; i < 26; i++) {
		assert_int_equal(version_of(&r, GROUP(1)), 2);
		mcr_timers_warp(r.timers, 10 * S);
		rig_record(r.lan, HOST(2), MCR_IS_EX, GROUP(1), 0);
	}
	assert_int_equal(version_of(&r, GROUP(1)), 3);
	rig_record(r.lan, HOST(2), MCR_TO_EX, GROUP(1), 1, SOURCE(1));
	assert_int_equal(mcr_mgroup_n_sources(rig_group(&r, r.lan, GROUP(1))), 1);
	rig_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(c1_report_of_version_2),
		cmocka_unit_test(c2_version_2_mode),
		cmocka_unit_test(c3_version_1_mode),
		cmocka_unit_test(c4_end_of_version_1_mode),
		cmocka_unit_test(c5_sources_are_blocked_later),
		cmocka_unit_test(c6_other_groups_and_ports),
		cmocka_unit_test(c11_specific_queries_stay_version_3),
		cmocka_unit_test(d9_reports_of_version_3_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
