/* SPDX-License-Identifier: BSD-3-Clause */
#include "path/snap.h"

#include "random.h"

#include <rte_eal.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static struct mcr_addr
addr_of(uint32_t k)
{
	return mcr_addr_v4(htonl(0xc0000000 + k * 2654435761u));
}

static void
starts_without_segments(void **state)
{
	struct mcr_snap *s = mcr_snap_create(3, 0);
	struct mcr_addr a = addr_of(1);

	(void)state;
	assert_non_null(s);
	for (unsigned p = 0; p < MCR_MAX_PORTS; p++)
		for (unsigned v = 0; v <= MCR_VID_NONE; v++)
			assert_int_equal(s->port[p].segment[v], MCR_SEGMENT_NONE);
	assert_int_equal(mcr_snap_finish(s), 0);
	assert_int_equal(mcr_snap_find_peer(s, &a), -1);
	assert_int_equal(mcr_snap_find_vni(s, 0), -1);
	assert_false(mcr_snap_is_own(s, &a));
	mcr_snap_free(s);
	mcr_snap_free(NULL);
}

/* Every peer, VNI and own address is found, and nothing else; unused slots are not. */
static void
finds_what_is_there(void **state)
{
	const uint32_t n_peers = 5000, n_segments = 3000;
	struct mcr_snap *s = mcr_snap_create(n_segments, n_peers);
	struct mcr_addr a;

	(void)state;
	for (uint32_t i = 0; i < n_peers; i++) {
		s->peer[i].is_used = i % 7 != 0;
		s->peer[i].addr = addr_of(i);
	}
	for (uint32_t i = 0; i < n_segments; i++) {
		s->segment[i].is_used = i % 5 != 0;
		s->segment[i].vni = i * 5000;
	}
	for (unsigned p = 0; p < MCR_MAX_PORTS; p++) {
		s->port[p].own = calloc(4, sizeof(*s->port[p].own));
		s->port[p].n_own = 4;
		for (unsigned i = 0; i < 4; i++)
			s->port[p].own[i] = addr_of(100000 + 4 * p + i);
	}
	assert_int_equal(mcr_snap_finish(s), 0);
	for (uint32_t i = 0; i < n_peers + 1000; i++) {
		a = addr_of(i);
		assert_int_equal(
			mcr_snap_find_peer(s, &a), i < n_peers && i % 7 != 0 ? (int)i : -1);
		assert_false(mcr_snap_is_own(s, &a));
	}
	for (uint32_t i = 0; i < n_segments + 100; i++) {
		assert_int_equal(
			mcr_snap_find_vni(s, i * 5000), i < n_segments && i % 5 != 0 ? (int)i : -1);
		assert_int_equal(mcr_snap_find_vni(s, i * 5000 + 1), -1);
	}
	for (unsigned i = 0; i < 4 * MCR_MAX_PORTS; i++) {
		a = addr_of(100000 + i);
		assert_true(mcr_snap_is_own(s, &a));
		assert_int_equal(mcr_snap_find_peer(s, &a), -1);
	}
	mcr_snap_free(s);
}

static void
allow_and_deny(void **state)
{
	static const struct {
		const char *allow[2], *deny[2], *group;
		bool is_allowed;
	} row[] = {
		{{NULL}, {NULL}, "225.0.0.11", true},
		{{"239.1.0.0/16"}, {NULL}, "239.1.2.3", true},
		{{"239.1.0.0/16"}, {NULL}, "239.2.2.3", false},
		{{"239.1.0.0/16", "239.2.0.0/16"}, {NULL}, "239.2.2.3", true},
		{{NULL}, {"239.1.0.0/16"}, "239.1.2.3", false},
		{{NULL}, {"239.1.0.0/16"}, "239.2.2.3", true},
		{{"239.0.0.0/8"}, {"239.1.0.0/16"}, "239.1.2.3", false},
		{{"239.0.0.0/8"}, {"239.3.0.0/16", "239.1.2.3/32"}, "239.1.2.3", false},
		{{"239.0.0.0/8"}, {"239.1.2.3/32"}, "239.1.2.4", true},
		{{"ff3e::/32"}, {NULL}, "ff3e::8000:1", true},
		{{"ff3e::/32"}, {NULL}, "239.1.2.3", false},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct mcr_prefix allow[2], deny[2];
		struct mcr_snap_segment seg = {.allow = allow, .deny = deny};
		struct mcr_addr group;

		for (unsigned k = 0; k < 2; k++) {
			if (row[i].allow[k])
				assert_int_equal(
					mcr_prefix_parse(row[i].allow[k], &allow[seg.n_allow++]),
					0);
			if (row[i].deny[k])
				assert_int_equal(
					mcr_prefix_parse(row[i].deny[k], &deny[seg.n_deny++]), 0);
		}
		assert_int_equal(mcr_addr_parse(row[i].group, &group), 0);
		assert_int_equal(mcr_snap_is_allowed(&seg, &group), row[i].is_allowed);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_without_segments),
		cmocka_unit_test(finds_what_is_there),
		cmocka_unit_test(allow_and_deny),
	};
	char arg[][24] = {"test", "--no-huge", "-m", "64", "--no-pci", "--no-telemetry",
		"--no-shconf", "-l", "0", "--log-level=error"};
	char *argv[10];

	for (unsigned i = 0; i < 10; i++)
		argv[i] = arg[i];
	if (rte_eal_init(10, argv) < 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
