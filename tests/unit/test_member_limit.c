/* SPDX-License-Identifier: BSD-3-Clause */
/* Tracked hosts, static members, limits, events, listings, and many groups. */
#include "member_rig.h"

#include <errno.h>

static uint32_t
count_events(const struct rig *r, enum mcr_mif_event what)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->n_events; i++)
		n += r->event[i].what == what;
	return n;
}

static bool
find_subscriber(const struct rig *r, const struct mcr_mif *mif, uint32_t group, uint32_t host,
	struct mcr_subscriber *s)
{
	const struct mcr_mgroup *g = rig_group(r, mif, group);
	struct mcr_addr addr = a4(host);
	uint32_t cursor = 0;

	while (g != NULL && mcr_mgroup_next_subscriber(g, &cursor, s)) {
		if (mcr_addr_eq(&s->host, &addr))
			return true;
	}
	return false;
}

/* --- tracking --- */

static void
tracked_host_follows_its_records(void **state)
{
	struct mcr_subscriber s;
	struct rig r;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(1), 2, SOURCE(1), SOURCE(2));
	assert_true(find_subscriber(&r, r.lan, GROUP(1), HOST(1), &s));
	assert_false(s.is_exclude);
	assert_int_equal(s.n_sources, 2);
	assert_int_equal(s.version, 3);
	assert_int_equal(s.expires_s, 270);
	assert_int_equal(count_events(&r, MCR_EV_JOIN), 2);

	mcr_timers_warp(r.timers, 20 * S);
	/* An answer about one source does not take the other one away. */
	rig_record(r.lan, HOST(1), MCR_IS_IN, GROUP(1), 1, SOURCE(2));
	assert_true(find_subscriber(&r, r.lan, GROUP(1), HOST(1), &s));
	assert_int_equal(s.n_sources, 2);
	rig_record(r.lan, HOST(1), MCR_BLOCK, GROUP(1), 1, SOURCE(1));
	assert_true(find_subscriber(&r, r.lan, GROUP(1), HOST(1), &s));
	assert_int_equal(s.n_sources, 1);
	assert_int_equal(count_events(&r, MCR_EV_LEAVE), 1);

	rig_record(r.lan, HOST(1), MCR_TO_EX, GROUP(1), 1, SOURCE(5));
	assert_true(find_subscriber(&r, r.lan, GROUP(1), HOST(1), &s));
	assert_true(s.is_exclude);
	assert_int_equal(s.n_sources, 1);
	assert_int_equal(rig_now(&r) - s.since_ns, 20 * S);
	rig_record(r.lan, HOST(1), MCR_BLOCK, GROUP(1), 1, SOURCE(6));
	rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(1), 1, SOURCE(5));
	assert_true(find_subscriber(&r, r.lan, GROUP(1), HOST(1), &s));
	assert_int_equal(s.n_sources, 1);
	assert_int_equal(ntohl(mcr_addr_to_v4(&s.sources[0])), SOURCE(6));

	rig_record(r.lan, HOST(1), MCR_TO_IN, GROUP(1), 0);
	assert_false(find_subscriber(&r, r.lan, GROUP(1), HOST(1), &s));
	assert_int_equal(count_events(&r, MCR_EV_JOIN), count_events(&r, MCR_EV_LEAVE));
	rig_fini(&r);
}

static void
silent_host_ends_by_itself(void **state)
{
	struct mcr_subscriber s;
	uint32_t local, remote, n_static;
	struct rig r;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	rig_record(r.lan, HOST(2), MCR_IS_EX, GROUP(1), 0);
	rig_record(r.lan, HOST(3), MCR_ALLOW, GROUP(1), 1, SOURCE(1));
	mcr_member_counts(r.m, &local, &remote, &n_static);
	assert_int_equal(local, 3);
	mcr_timers_warp(r.timers, 125 * S);
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	mcr_timers_warp(r.timers, 145 * S - 1);
	assert_true(find_subscriber(&r, r.lan, GROUP(1), HOST(2), &s));
	mcr_timers_warp(r.timers, 1);
	assert_false(find_subscriber(&r, r.lan, GROUP(1), HOST(2), &s));
	assert_false(find_subscriber(&r, r.lan, GROUP(1), HOST(3), &s));
	assert_true(find_subscriber(&r, r.lan, GROUP(1), HOST(1), &s));
	mcr_timers_warp(r.timers, 100 * MS);
	mcr_member_counts(r.m, &local, &remote, &n_static);
	assert_int_equal(local, 1);
	assert_int_equal(count_events(&r, MCR_EV_LEAVE), 2);
	rig_fini(&r);
}

static void
blocked_source_leaves_the_listing(void **state)
{
	struct mcr_subscriber s;
	struct rig r;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(1), 2, SOURCE(1), SOURCE(2));
	rig_record(r.lan, HOST(2), MCR_ALLOW, GROUP(1), 1, SOURCE(1));
	rig_record(r.lan, HOST(1), MCR_BLOCK, GROUP(1), 1, SOURCE(1));
	assert_true(find_subscriber(&r, r.lan, GROUP(1), HOST(2), &s));
	/* Host 2 does not answer: its source ends, and with it the host. */
	mcr_timers_warp(r.timers, 2 * S);
	assert_false(find_subscriber(&r, r.lan, GROUP(1), HOST(2), &s));
	assert_true(find_subscriber(&r, r.lan, GROUP(1), HOST(1), &s));
	rig_fini(&r);
}

static void
listed_version_is_the_oldest(void **state)
{
	struct mcr_group_info info;
	uint64_t cursor = 0;
	struct rig r;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	rig_report2(r.lan, HOST(2), GROUP(1));
	assert_true(mcr_member_next_group(r.m, &cursor, &info));
	assert_int_equal(info.version, 2);
	mcr_timers_warp(r.timers, 250 * S);
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	mcr_timers_warp(r.timers, 10 * S);
	cursor = 0;
	assert_true(mcr_member_next_group(r.m, &cursor, &info));
	assert_int_equal(info.version, 3);
	assert_int_equal(info.timer_s, 260);
	assert_false(mcr_member_next_group(r.m, &cursor, &info));
	rig_fini(&r);
}

static void
groups_are_listed_in_order(void **state)
{
	struct mcr_mif_param p = rig_param("other");
	uint64_t cursor = 0, last = 0;
	struct mcr_group_info info;
	struct mcr_mif *other;
	uint32_t seed = rig_seed(), n = 0;
	struct rig r;

	(void)state;
	rig_start_default(&r);
	p.segment = SEGMENT + 1;
	other = mcr_mif_add(r.m, &p);
	for (unsigned i = 0; i < 300; i++) {
		rig_record(rig_random(&seed, 2) ? r.lan : other, HOST(1), MCR_IS_EX,
			0xef000000 + rig_random(&seed, 1 << 24), 0);
	}
	while (mcr_member_next_group(r.m, &cursor, &info)) {
		uint64_t key = (uint64_t)info.segment << 32 | ntohl(mcr_addr_to_v4(&info.group));

		assert_true(key > last);
		last = key;
		n++;
	}
	assert_int_equal(n, mcr_member_group_count(r.m));
	rig_fini(&r);
}

/* --- static members --- */

static void
sn12_static_member_survives(void **state)
{
	struct mcr_member_limits limits = {1, 1, 1, 1};
	struct mcr_addr group = a4(GROUP(1)), other = a4(GROUP(2)), source = a4(SOURCE(1));
	struct mcr_mif_param p = rig_param("lan");
	struct mcr_group_info info;
	struct mcr_subscriber s;
	uint32_t local, remote, n_static;
	uint64_t cursor = 0;
	struct rig r;

	(void)state;
	rig_start(&r, &p);
	mcr_member_set_limits(r.m, &limits);
	/* Full table: the static ones have their place all the same. */
	assert_int_equal(rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(9), 0), -1);
	assert_int_equal(mcr_mif_static_add(r.lan, &group, &mcr_addr_any), 0);
	assert_int_equal(mcr_mif_static_add(r.lan, &other, &source), 0);
	assert_int_equal(r.n_changes, 3);
	assert_int_equal(mcr_mif_static_add(r.lan, &other, &source), 0);
	assert_int_equal(r.n_changes, 3);
	assert_int_equal(count_events(&r, MCR_EV_GROUP_NEW), 3);
	/* Expiry, a leave, a flap, an update, a clear. */
	mcr_timers_warp(r.timers, 1000 * S);
	assert_int_equal(count_events(&r, MCR_EV_GROUP_GONE), 1);
	r.n_changes = 0;
	rig_leave2(r.lan, HOST(1), GROUP(1));
	rig_record(r.lan, HOST(1), MCR_BLOCK, GROUP(2), 1, SOURCE(1));
	mcr_timers_warp(r.timers, 10 * S);
	mcr_mif_set_up(r.lan, false);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(7)));
	mcr_mif_set_up(r.lan, true);
	p.mode = MCR_MODE_OFF;
	mcr_mif_update(r.lan, &p);
	p.mode = MCR_MODE_QUERIER;
	mcr_mif_update(r.lan, &p);
	mcr_member_clear(r.m, SEGMENT, &mcr_addr_any);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(7)));
	assert_true(rig_flows(&r, r.lan, GROUP(2), SOURCE(1)));
	assert_false(rig_flows(&r, r.lan, GROUP(2), SOURCE(2)));
	assert_int_equal(r.n_changes, 0);
	mcr_member_counts(r.m, &local, &remote, &n_static);
	assert_int_equal(n_static, 2);
	assert_true(find_subscriber(&r, r.lan, GROUP(2), 0, &s) == false);
	assert_true(mcr_member_next_group(r.m, &cursor, &info));
	assert_int_equal(info.timer_s, UINT32_MAX);
	assert_int_equal(info.n_static, 1);
	assert_true(info.is_exclude);

	mcr_mif_static_del(r.lan, &group, &mcr_addr_any);
	mcr_mif_static_del(r.lan, &other, &source);
	assert_int_equal(mcr_member_group_count(r.m), 0);
	mcr_member_counts(r.m, &local, &remote, &n_static);
	assert_int_equal(n_static, 0);
	rig_fini(&r);
}

static void
static_and_learned_are_merged(void **state)
{
	struct mcr_addr group = a4(GROUP(1)), source = a4(SOURCE(1));
	struct mcr_subscriber s;
	uint32_t cursor = 0;
	struct rig r;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 1, SOURCE(1));
	assert_false(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	r.n_changes = 0;
	mcr_mif_static_add(r.lan, &group, &source);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_int_equal(r.n_changes, 1);
	assert_true(mcr_mgroup_next_subscriber(rig_group(&r, r.lan, GROUP(1)), &cursor, &s));
	assert_true(s.is_static);
	assert_int_equal(s.n_sources, 1);
	assert_true(mcr_mgroup_next_subscriber(rig_group(&r, r.lan, GROUP(1)), &cursor, &s));
	assert_false(s.is_static);
	assert_false(mcr_mgroup_next_subscriber(rig_group(&r, r.lan, GROUP(1)), &cursor, &s));
	mcr_mif_static_del(r.lan, &group, &source);
	assert_false(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_int_equal(r.n_changes, 2);
	mcr_mif_static_add(r.lan, &group, &mcr_addr_any);
	assert_int_equal(r.n_changes, 3);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	/* Nothing that is learned or forgotten changes what flows now. */
	mcr_timers_warp(r.timers, 300 * S);
	assert_int_equal(r.n_changes, 3);
	assert_int_equal(mcr_mif_static_add(r.lan, &group, &group), -EINVAL);
	rig_fini(&r);
}

/* --- limits --- */

static void
limit_of_groups(void **state)
{
	struct mcr_member_limits limits = {3, 16, 16, 100};
	struct rig r;

	(void)state;
	rig_start_default(&r);
	mcr_member_set_limits(r.m, &limits);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(i), 0), -1);
	for (unsigned i = 3; i < 10; i++)
		assert_int_equal(
			rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(i), 0), MCR_DROP_MEMBER_LIMIT);
	assert_int_equal(count_events(&r, MCR_EV_LIMIT), 1);
	assert_int_equal(mcr_member_group_count(r.m), 3);
	/* Old ones are refreshed, another host of an old one is welcome. */
	assert_int_equal(rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0), -1);
	assert_int_equal(rig_record(r.lan, HOST(2), MCR_IS_EX, GROUP(1), 0), -1);
	rig_leave2(r.lan, HOST(1), GROUP(0));
	mcr_timers_warp(r.timers, 2 * S);
	assert_int_equal(rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(5), 0), -1);
	assert_int_equal(rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(6), 0), MCR_DROP_MEMBER_LIMIT);
	assert_int_equal(count_events(&r, MCR_EV_LIMIT), 2);
	rig_fini(&r);
}

static void
limit_of_subscribers(void **state)
{
	struct mcr_member_limits limits = {100, 3, 16, 100};
	struct mcr_mif_param p = rig_param("lan2");
	struct mcr_mif *second;
	struct rig r;

	(void)state;
	rig_start_default(&r);
	second = mcr_mif_add(r.m, &p);
	mcr_member_set_limits(r.m, &limits);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(rig_record(r.lan, HOST(i + 1), MCR_IS_EX, GROUP(1), 0), -1);
	assert_int_equal(rig_record(r.lan, HOST(5), MCR_IS_EX, GROUP(1), 0), MCR_DROP_MEMBER_LIMIT);
	assert_int_equal(
		rig_record(second, HOST(6), MCR_IS_EX, GROUP(1), 0), MCR_DROP_MEMBER_LIMIT);
	assert_null(rig_group(&r, second, GROUP(1)));
	assert_int_equal(count_events(&r, MCR_EV_LIMIT), 1);
	assert_int_equal(rig_record(r.lan, HOST(2), MCR_IS_EX, GROUP(1), 0), -1);
	assert_int_equal(rig_record(r.lan, HOST(5), MCR_IS_EX, GROUP(2), 0), -1);
	rig_leave2(r.lan, HOST(1), GROUP(1));
	assert_int_equal(rig_record(second, HOST(6), MCR_IS_EX, GROUP(1), 0), -1);
	assert_int_equal(
		rig_record(second, HOST(7), MCR_IS_EX, GROUP(1), 0), MCR_DROP_MEMBER_LIMIT);
	assert_int_equal(count_events(&r, MCR_EV_LIMIT), 2);
	rig_fini(&r);
}

static void
limit_of_sources(void **state)
{
	struct mcr_member_limits limits = {100, 16, 4, 100};
	struct rig r;

	(void)state;
	rig_start_default(&r);
	mcr_member_set_limits(r.m, &limits);
	assert_int_equal(
		rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(1), 2, SOURCE(3), SOURCE(4)), -1);
	mcr_timers_warp(r.timers, 100 * S);
	/* What fits is taken, what is old is refreshed. */
	assert_int_equal(rig_record(r.lan, HOST(2), MCR_IS_IN, GROUP(1), 5, SOURCE(1), SOURCE(2),
				 SOURCE(3), SOURCE(4), SOURCE(5)),
		MCR_DROP_MEMBER_LIMIT);
	assert_int_equal(mcr_mgroup_n_sources(rig_group(&r, r.lan, GROUP(1))), 4);
	assert_int_equal(count_events(&r, MCR_EV_LIMIT), 1);
	mcr_timers_warp(r.timers, 200 * S);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(3)));
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(4)));
	assert_false(rig_flows(&r, r.lan, GROUP(1), SOURCE(5)));
	rig_fini(&r);
}

static void
limit_of_memberships(void **state)
{
	struct mcr_member_limits limits = {100, 16, 16, 5};
	struct rig r;

	(void)state;
	rig_start_default(&r);
	mcr_member_set_limits(r.m, &limits);
	assert_int_equal(rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0), -1);
	assert_int_equal(
		rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(2), 2, SOURCE(1), SOURCE(2)), -1);
	assert_int_equal(
		rig_record(r.lan, HOST(2), MCR_ALLOW, GROUP(2), 3, SOURCE(3), SOURCE(4), SOURCE(5)),
		MCR_DROP_MEMBER_LIMIT);
	assert_int_equal(mcr_mgroup_n_sources(rig_group(&r, r.lan, GROUP(2))), 4);
	assert_int_equal(rig_record(r.lan, HOST(3), MCR_IS_EX, GROUP(3), 0), MCR_DROP_MEMBER_LIMIT);
	assert_null(rig_group(&r, r.lan, GROUP(3)));
	assert_int_equal(count_events(&r, MCR_EV_LIMIT), 1);
	assert_int_equal(rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0), -1);
	rig_record(r.lan, HOST(2), MCR_BLOCK, GROUP(2), 1, SOURCE(3));
	assert_int_equal(rig_record(r.lan, HOST(3), MCR_IS_EX, GROUP(3), 0), -1);
	rig_fini(&r);
}

/* sn13: refusal costs nobody else anything. */
static void
sn13_full_table_keeps_the_old(void **state)
{
	struct mcr_member_limits limits = {50, 16, 16, 1000};
	struct rig r;

	(void)state;
	rig_start_default(&r);
	mcr_member_set_limits(r.m, &limits);
	for (unsigned i = 0; i < 200; i++)
		rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(i), 0);
	mcr_timers_warp(r.timers, 200 * S);
	for (unsigned i = 0; i < 200; i++)
		rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(i), 0);
	mcr_timers_warp(r.timers, 200 * S);
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(rig_flows(&r, r.lan, GROUP(i), SOURCE(1)), i < 50);
	rig_fini(&r);
}

/* --- life of instances --- */

static void
sn11_instance_that_goes(void **state)
{
	struct mcr_mif_param p = rig_param("lan2");
	struct mcr_mif *second;
	struct rig r;

	(void)state;
	rig_start_default(&r);
	second = mcr_mif_add(r.m, &p);
	for (unsigned i = 0; i < 20; i++) {
		rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(i), 0);
		rig_record(second, HOST(1), MCR_ALLOW, GROUP(i + 10), 1, SOURCE(1));
	}
	r.n_changes = 0;
	mcr_mif_set_up(r.lan, false);
	assert_int_equal(r.n_changes, 20);
	assert_int_equal(mcr_member_group_count(r.m), 20);
	assert_int_equal(rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0), -1);
	assert_null(rig_group(&r, r.lan, GROUP(1)));
	mcr_mif_del(second);
	assert_int_equal(r.n_changes, 40);
	assert_int_equal(mcr_member_group_count(r.m), 0);
	rig_fini(&r);
}

static void
t16_flap_in_the_middle_of_everything(void **state)
{
	uint32_t seed = rig_seed(), local, remote, n_static;
	struct rig r;

	(void)state;
	rig_start_default(&r);
	for (unsigned i = 0; i < 2000; i++) {
		rig_record(r.lan, HOST(1 + rig_random(&seed, 5)),
			(uint8_t)(1 + rig_random(&seed, 6)), GROUP(rig_random(&seed, 5)),
			rig_random(&seed, 4), SOURCE(1), SOURCE(2), SOURCE(3));
		mcr_timers_warp(r.timers, rig_random(&seed, 1500) * MS);
		if (rig_random(&seed, 20) == 0) {
			mcr_mif_set_up(r.lan, false);
			mcr_member_counts(r.m, &local, &remote, &n_static);
			assert_int_equal(local + remote + n_static, 0);
			assert_int_equal(mcr_member_group_count(r.m), 0);
			rig_forget_sent(&r);
			mcr_mif_set_up(r.lan, true);
			mcr_timers_run(r.timers);
			assert_int_equal(rig_count_sent(&r, r.lan, true), 1);
		}
	}
	rig_fini(&r);
}

/* --- many --- */

static void
many_groups_come_and_go(void **state)
{
	enum { COUNT = 20000 };
	uint32_t local, remote, n_static;
	struct rig r;

	(void)state;
	rig_start_default(&r);
	r.is_quiet = true;
	for (uint32_t i = 0; i < COUNT; i++) {
		rig_record(r.lan, HOST(1 + i % 7), MCR_IS_EX, 0xef200000 + i, 0);
		rig_record(r.lan, HOST(9), MCR_ALLOW, 0xef200000 + i, 2, SOURCE(1), SOURCE(i % 50));
	}
	assert_int_equal(mcr_member_group_count(r.m), COUNT);
	mcr_member_counts(r.m, &local, &remote, &n_static);
	assert_int_equal(local, 2 * COUNT);
	for (uint32_t i = 0; i < COUNT; i += 2) {
		rig_leave2(r.lan, HOST(1 + i % 7), 0xef200000 + i);
		rig_record(r.lan, HOST(9), MCR_TO_IN, 0xef200000 + i, 0);
	}
	mcr_timers_warp(r.timers, 5 * S);
	assert_int_equal(mcr_member_group_count(r.m), COUNT / 2);
	mcr_timers_warp(r.timers, 300 * S);
	assert_int_equal(mcr_member_group_count(r.m), 0);
	mcr_member_counts(r.m, &local, &remote, &n_static);
	assert_int_equal(local, 0);
	/* And some are there when everything ends. */
	for (uint32_t i = 0; i < 100; i++)
		rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(i), 1, SOURCE(1));
	rig_fini(&r);
}

static void
many_hosts_in_one_group(void **state)
{
	enum { COUNT = 16384 };
	struct rig r;

	(void)state;
	rig_start_default(&r);
	r.is_quiet = true;
	for (uint32_t i = 0; i < COUNT; i++) {
		rig_record(r.lan, HOST(0x1000 + i * 3 % COUNT), MCR_IS_EX, GROUP(1), 0);
		if (i % 64 == 0)
			mcr_timers_warp(r.timers, 10 * MS);
	}
	assert_int_equal(rig_n_subscribers(&r, r.lan, GROUP(1)), COUNT);
	assert_int_equal(r.n_changes, 1);
	mcr_timers_warp(r.timers, 269 * S);
	rig_record(r.lan, HOST(0x1000), MCR_IS_EX, GROUP(1), 0);
	mcr_timers_warp(r.timers, 10 * S);
	assert_int_equal(rig_n_subscribers(&r, r.lan, GROUP(1)), 1);
	assert_int_equal(r.n_changes, 1);
	rig_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tracked_host_follows_its_records),
		cmocka_unit_test(silent_host_ends_by_itself),
		cmocka_unit_test(blocked_source_leaves_the_listing),
		cmocka_unit_test(listed_version_is_the_oldest),
		cmocka_unit_test(groups_are_listed_in_order),
		cmocka_unit_test(sn12_static_member_survives),
		cmocka_unit_test(static_and_learned_are_merged),
		cmocka_unit_test(limit_of_groups),
		cmocka_unit_test(limit_of_subscribers),
		cmocka_unit_test(limit_of_sources),
		cmocka_unit_test(limit_of_memberships),
		cmocka_unit_test(sn13_full_table_keeps_the_old),
		cmocka_unit_test(sn11_instance_that_goes),
		cmocka_unit_test(t16_flap_in_the_middle_of_everything),
		cmocka_unit_test(many_groups_come_and_go),
		cmocka_unit_test(many_hosts_in_one_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
