/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>
#include <cmocka.h>

static void
runs_with_the_monotonic_clock(void **state)
{
	struct timespec before, after;
	struct mcr_clock c;
	uint64_t now;

	mcr_clock_init(&c);
	clock_gettime(CLOCK_MONOTONIC, &before);
	now = mcr_clock_now(&c);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_in_range(now, before.tv_sec * MCR_NS_PER_S + before.tv_nsec,
		after.tv_sec * MCR_NS_PER_S + after.tv_nsec);
}

static void
stopped_clock_stands_still(void **state)
{
	struct mcr_clock c;
	uint64_t t;

	mcr_clock_init(&c);
	mcr_clock_stop(&c);
	t = mcr_clock_now(&c);
	assert_int_equal(mcr_clock_now(&c), t);
	mcr_clock_stop(&c);
	assert_int_equal(mcr_clock_now(&c), t);
	mcr_clock_advance(&c, 5 * MCR_NS_PER_S);
	assert_int_equal(mcr_clock_now(&c), t + 5 * MCR_NS_PER_S);
	assert_int_equal(c.warped_ns, 5 * MCR_NS_PER_S);
}

static void
start_goes_on_where_it_stopped(void **state)
{
	struct mcr_clock c;
	uint64_t stopped, t;

	/* Behind the host's clock, and far ahead of it: the offset is negative, then positive. */
	mcr_clock_init_fake(&c, 7);
	mcr_clock_start(&c);
	t = mcr_clock_now(&c);
	assert_in_range(t, 7, 7 + 3600 * MCR_NS_PER_S);
	mcr_clock_stop(&c);
	mcr_clock_advance(&c, UINT64_C(1000000000) * MCR_NS_PER_S);
	stopped = mcr_clock_now(&c);
	mcr_clock_start(&c);
	t = mcr_clock_now(&c);
	assert_in_range(t, stopped, stopped + 3600 * MCR_NS_PER_S);
	/* A second start changes nothing. */
	mcr_clock_start(&c);
	assert_in_range(mcr_clock_now(&c), t, t + 3600 * MCR_NS_PER_S);
}

static void
advance_while_running(void **state)
{
	struct mcr_clock c;
	uint64_t t;

	mcr_clock_init(&c);
	t = mcr_clock_now(&c);
	mcr_clock_advance(&c, 270 * MCR_NS_PER_S);
	assert_in_range(mcr_clock_now(&c), t + 270 * MCR_NS_PER_S, t + 3870 * MCR_NS_PER_S);
	mcr_clock_advance(&c, 1);
	assert_int_equal(c.warped_ns, 270 * MCR_NS_PER_S + 1);
}

static void
fake_clock_is_stopped(void **state)
{
	struct mcr_clock c;

	mcr_clock_init_fake(&c, 42);
	assert_int_equal(mcr_clock_now(&c), 42);
	mcr_clock_advance(&c, 8);
	assert_int_equal(mcr_clock_now(&c), 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_with_the_monotonic_clock),
		cmocka_unit_test(stopped_clock_stands_still),
		cmocka_unit_test(start_goes_on_where_it_stopped),
		cmocka_unit_test(advance_while_running),
		cmocka_unit_test(fake_clock_is_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
