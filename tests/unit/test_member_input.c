/* SPDX-License-Identifier: BSD-3-Clause */
/* Who is heard, and what of it counts: the checks that need the instance. */
#include "member_rig.h"

#include <errno.h>

static void
p11_unknown_record_type(void **state)
{
	static const uint32_t source[] = {SOURCE(1), SOURCE(2)};
	static const struct rig_record rec[] = {{9, GROUP(1), 2, source}, {0, GROUP(2), 1, source},
		{MCR_ALLOW, GROUP(3), 1, source}};
	struct rig r;

	(void)state;
	rig_start_default(&r);
	assert_int_equal(rig_report3(r.lan, HOST(1), rec, 3), -1);
	assert_int_equal(mcr_member_group_count(r.m), 1);
	assert_true(rig_flows(&r, r.lan, GROUP(3), SOURCE(1)));
	rig_fini(&r);
}

/* The bad sources of a record are left out, the good ones count. */
static void
p15_bad_sources(void **state)
{
	static const uint32_t bad[] = {
		0, 0x00000001, 0xe0000001, 0xef010101, 0xf0000001, 0xffffffff, 0x7f000001, OWN};
	struct rig r;

	(void)state;
	rig_start_default(&r);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(rig_record(r.lan, HOST(1), MCR_IS_IN, GROUP(i), 1, bad[i]), -1);
		assert_null(rig_group(&r, r.lan, GROUP(i)));
		assert_int_equal(
			rig_record(r.lan, HOST(1), MCR_IS_IN, GROUP(i), 2, bad[i], SOURCE(1)), -1);
		assert_int_equal(mcr_mgroup_n_sources(rig_group(&r, r.lan, GROUP(i))), 1);
		assert_true(rig_flows(&r, r.lan, GROUP(i), SOURCE(1)));
		assert_false(rig_flows(&r, r.lan, GROUP(i), bad[i]));
	}
	rig_fini(&r);
}

static void
p16_same_group_twice_in_order(void **state)
{
	static const struct rig_record rec[] = {
		{MCR_TO_IN, GROUP(1), 0, NULL}, {MCR_TO_EX, GROUP(1), 0, NULL}};
	static const struct rig_record reverse[] = {
		{MCR_TO_EX, GROUP(2), 0, NULL}, {MCR_TO_IN, GROUP(2), 0, NULL}};
	struct rig r;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	rig_report3(r.lan, HOST(1), rec, 2);
	rig_report3(r.lan, HOST(1), reverse, 2);
	mcr_timers_warp(r.timers, 2 * S);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_false(rig_flows(&r, r.lan, GROUP(2), SOURCE(1)));
	rig_fini(&r);
}

static void
p17_destination_of_a_version_2_report(void **state)
{
	static const struct {
		uint32_t dst;
		int why;
	} row[] = {{GROUP(1), -1}, {OWN, -1}, {0xe0000001, -1}, {0xe0000002, -1}, {0xe0000016, -1},
		{GROUP(2), MCR_DROP_MEMBER_GROUP}, {HOST(9), MCR_DROP_MEMBER_GROUP}};
	struct rig r;

	(void)state;
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		for (uint8_t type = 0x12; type <= 0x16; type = (uint8_t)(type + 4)) {
			rig_start_default(&r);
			assert_int_equal(rig_short(r.lan, type, 0, GROUP(1), HOST(1), row[i].dst),
				row[i].why);
			assert_int_equal(mcr_member_group_count(r.m), row[i].why == -1);
			rig_fini(&r);
		}
	}
}

static void
p18_destination_of_a_leave(void **state)
{
	static const uint32_t dst[] = {0xe0000002, GROUP(1)};
	struct rig r;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		rig_start_default(&r);
		rig_report2(r.lan, HOST(1), GROUP(1));
		assert_int_equal(rig_short(r.lan, 0x17, 0, GROUP(1), HOST(1), dst[i]), -1);
		mcr_timers_warp(r.timers, 2 * S);
		assert_null(rig_group(&r, r.lan, GROUP(1)));
		assert_int_equal(mcr_mif_stat(r.lan)->leave[0][2], 1);
		rig_fini(&r);
	}
}

static void
p26_link_local_groups(void **state)
{
	static const uint32_t group[] = {
		0xe0000001, 0xe0000002, 0xe0000016, 0xe00000fb, 0xe00000ff};
	struct rig r;

	(void)state;
	rig_start_default(&r);
	for (unsigned i = 0; i < sizeof(group) / sizeof(group[0]); i++) {
		assert_int_equal(rig_record(r.lan, HOST(1), MCR_IS_EX, group[i], 0), -1);
		assert_int_equal(rig_report2(r.lan, HOST(1), group[i]), -1);
		assert_int_equal(mcr_member_group_count(r.m), 0);
	}
	assert_int_equal(rig_record(r.lan, HOST(1), MCR_IS_EX, 0xe0000100, 0), -1);
	assert_int_equal(mcr_member_group_count(r.m), 1);
	rig_fini(&r);
}

static void
p28_own_message_comes_back(void **state)
{
	struct rig r;

	(void)state;
	rig_start_default(&r);
	assert_int_equal(rig_record(r.lan, OWN, MCR_IS_EX, GROUP(1), 0), MCR_DROP_MEMBER_OWN);
	assert_int_equal(rig_report2(r.lan, OWN, GROUP(1)), MCR_DROP_MEMBER_OWN);
	assert_int_equal(rig_query3(r.lan, OWN, 0, false, 10, NULL, 0), MCR_DROP_MEMBER_OWN);
	assert_int_equal(mcr_member_group_count(r.m), 0);
	assert_int_equal(rig_record(r.lan, OWN - 1, MCR_IS_EX, GROUP(1), 0), -1);
	assert_int_equal(mcr_member_group_count(r.m), 1);
	rig_fini(&r);
}

static void
p31_report_from_nowhere(void **state)
{
	struct mcr_mif_param p = rig_param("lan");
	struct rig r;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		rig_start(&r, &p);
		assert_int_equal(rig_record(r.lan, 0, MCR_IS_EX, GROUP(1), 0), -1);
		assert_int_equal(rig_report2(r.lan, 0, GROUP(2)), -1);
		assert_int_equal(mcr_member_group_count(r.m), 2);
		rig_fini(&r);
		p.address = a4(0);
	}
}

static void
p35_off_subnet(void **state)
{
	static const struct {
		enum mcr_mode mode;
		bool is_peer;
		uint32_t n_networks;
		int why;
	} row[] = {
		{MCR_MODE_QUERIER, false, 1, MCR_DROP_MEMBER_OFF_SUBNET},
		{MCR_MODE_QUERIER, false, 0, -1},
		{MCR_MODE_SNOOP, false, 1, -1},
		{MCR_MODE_QUERIER, true, 1, -1},
	};
	struct rig r;

	(void)state;
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct mcr_mif_param p = rig_param("lan");

		p.mode = row[i].mode;
		p.is_peer = row[i].is_peer;
		p.n_networks = row[i].n_networks;
		rig_start(&r, &p);
		assert_int_equal(rig_record(r.lan, 0x0b000001, MCR_IS_EX, GROUP(1), 0), row[i].why);
		assert_int_equal(rig_report2(r.lan, 0x0b000001, GROUP(2)), row[i].why);
		assert_int_equal(mcr_member_group_count(r.m), row[i].why == -1 ? 2 : 0);
		rig_fini(&r);
	}
}

static void
p36_unicast_group(void **state)
{
	static const uint32_t bad[] = {0x0a010101, 0xff00000b, 0, 0xf0000001};
	struct rig r;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct rig_record rec[] = {
			{MCR_IS_EX, bad[i], 0, NULL}, {MCR_IS_EX, GROUP(1), 0, NULL}};
		struct mcr_addr group = a4(bad[i]);

		rig_start_default(&r);
		assert_int_equal(rig_report3(r.lan, HOST(1), rec, 2), MCR_DROP_MEMBER_GROUP);
		assert_int_equal(mcr_member_group_count(r.m), 1);
		assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
		assert_int_equal(mcr_mif_static_add(r.lan, &group, &mcr_addr_any), -EINVAL);
		rig_fini(&r);
	}
}

static void
mode_off_hears_and_says_nothing(void **state)
{
	struct mcr_mif_param p = rig_param("uplink");
	struct rig r;

	(void)state;
	p.mode = MCR_MODE_OFF;
	rig_start(&r, &p);
	assert_int_equal(rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0), -1);
	assert_int_equal(rig_report2(r.lan, HOST(1), GROUP(2)), -1);
	mcr_timers_warp(r.timers, 300 * S);
	assert_int_equal(mcr_member_group_count(r.m), 0);
	assert_int_equal(r.n_sent, 0);
	assert_int_equal(mcr_mif_stat(r.lan)->report[0][3], 1);
	assert_int_equal(mcr_mif_stat(r.lan)->report[0][2], 1);
	mcr_mif_stat_clear(r.lan);
	assert_int_equal(mcr_mif_stat(r.lan)->report[0][3], 0);
	rig_fini(&r);
}

static void
allow_and_deny(void **state)
{
	struct rig r;

	(void)state;
	rig_start_default(&r);
	r.denied = GROUP(1);
	assert_int_equal(
		rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0), MCR_DROP_POLICY_NOT_ALLOWED);
	assert_int_equal(rig_record(r.lan, HOST(1), MCR_TO_IN, GROUP(1), 0), -1);
	assert_int_equal(rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(2), 0), -1);
	assert_int_equal(mcr_member_group_count(r.m), 1);
	r.denied = GROUP(2);
	mcr_member_recheck(r.m, SEGMENT);
	assert_int_equal(mcr_member_group_count(r.m), 0);
	rig_fini(&r);
}

/* px13: one port, VLANs 10 and 20, and nothing in common. */
static void
px13_instances_are_apart(void **state)
{
	struct mcr_mif_param p = rig_param("lan.10");
	struct mcr_mif *v10, *v20;
	struct mcr_mif_state s;
	struct rig r;

	(void)state;
	rig_init(&r);
	p.user = 10;
	v10 = mcr_mif_add(r.m, &p);
	snprintf(p.name, sizeof(p.name), "lan.20");
	p.user = 20;
	p.mode = MCR_MODE_SNOOP;
	v20 = mcr_mif_add(r.m, &p);
	mcr_timers_run(r.timers);
	rig_record(v10, HOST(1), MCR_IS_EX, GROUP(1), 0);
	rig_record(v20, HOST(1), MCR_IS_EX, GROUP(1), 0);
	rig_record(v20, HOST(1), MCR_IS_EX, GROUP(2), 0);
	rig_query3(v20, HOST(9), 0, false, 10, NULL, 0);
	mcr_mif_state(v10, &s);
	assert_true(s.is_querier);
	assert_int_equal(s.n_groups, 1);
	mcr_mif_state(v20, &s);
	assert_false(s.is_querier);
	assert_int_equal(s.n_groups, 2);
	rig_forget_sent(&r);
	rig_leave2(v10, HOST(1), GROUP(1));
	mcr_timers_warp(r.timers, 2 * S);
	assert_null(rig_group(&r, v10, GROUP(1)));
	assert_true(rig_flows(&r, v20, GROUP(1), SOURCE(1)));
	assert_int_equal(rig_count_sent(&r, v10, true), 2);
	assert_int_equal(rig_count_sent(&r, v20, true), 0);
	assert_ptr_equal(mcr_member_next_mif(r.m, NULL), v10);
	assert_ptr_equal(mcr_member_next_mif(r.m, v10), v20);
	assert_null(mcr_member_next_mif(r.m, v20));
	mcr_mif_del(v20);
	assert_int_equal(mcr_member_group_count(r.m), 0);
	rig_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(p11_unknown_record_type),
		cmocka_unit_test(p15_bad_sources),
		cmocka_unit_test(p16_same_group_twice_in_order),
		cmocka_unit_test(p17_destination_of_a_version_2_report),
		cmocka_unit_test(p18_destination_of_a_leave),
		cmocka_unit_test(p26_link_local_groups),
		cmocka_unit_test(p28_own_message_comes_back),
		cmocka_unit_test(p31_report_from_nowhere),
		cmocka_unit_test(p35_off_subnet),
		cmocka_unit_test(p36_unicast_group),
		cmocka_unit_test(mode_off_hears_and_says_nothing),
		cmocka_unit_test(allow_and_deny),
		cmocka_unit_test(px13_instances_are_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
