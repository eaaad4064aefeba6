/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/stat.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define LAST_LCORE (RTE_MAX_LCORE - 1)
#define LAST_PORT (MCR_MAX_PORTS - 1)

static void
drop(unsigned lcore, unsigned port, enum mcr_drop why, uint64_t n)
{
	mcr_stat_add(&mcr_stat[lcore].port[port].drop[why], n);
}

static int
start_at_zero(void **state)
{
	mcr_stat_clear();
	return 0;
}

static void
reasons_are_unique_in_their_stage(void **state)
{
	unsigned i, j;

	for (i = 0; i < MCR_DROP_MAX; i++) {
		const struct mcr_drop_info *a = &mcr_drop_info[i];

		assert_true(a->stage[0] != '\0' && a->reason[0] != '\0' && a->meaning[0] != '\0');
		for (j = 0; j < i; j++) {
			const struct mcr_drop_info *b = &mcr_drop_info[j];

			if (strcmp(a->stage, b->stage) == 0 && strcmp(a->reason, b->reason) == 0)
				fail_msg("%s %s stands twice", a->stage, a->reason);
		}
	}
}

static void
port_sum_is_over_lcores(void **state)
{
	struct mcr_port_stat sum;

	mcr_stat_add(&mcr_stat[0].port[3].rx_packets, 5);
	mcr_stat_add(&mcr_stat[1].port[3].rx_packets, UINT64_C(1) << 40);
	mcr_stat_add(&mcr_stat[LAST_LCORE].port[3].rx_bytes, 7);
	mcr_stat_add(&mcr_stat[2].port[3].tx_packets, 11);
	mcr_stat_add(&mcr_stat[2].port[3].tx_bytes, 13);
	drop(1, 3, MCR_DROP_PARSE_RUNT, 17);
	drop(LAST_LCORE, 3, MCR_DROP_TX_PORT_DOWN, 19);
	mcr_stat_port(3, &sum);
	assert_int_equal(sum.rx_packets, 5 + (UINT64_C(1) << 40));
	assert_int_equal(sum.rx_bytes, 7);
	assert_int_equal(sum.tx_packets, 11);
	assert_int_equal(sum.tx_bytes, 13);
	assert_int_equal(sum.drop[MCR_DROP_PARSE_RUNT], 17);
	assert_int_equal(sum.drop[MCR_DROP_TX_PORT_DOWN], 19);
	mcr_stat_port(4, &sum);
	assert_int_equal(sum.rx_packets, 0);
}

static void
reason_sum_is_over_ports(void **state)
{
	drop(0, 0, MCR_DROP_LOOKUP_NO_MEMBER, 1);
	drop(5, LAST_PORT, MCR_DROP_LOOKUP_NO_MEMBER, 2);
	drop(LAST_LCORE, 1, MCR_DROP_LOOKUP_NO_MEMBER, 4);
	assert_int_equal(mcr_stat_drops(MCR_DROP_LOOKUP_NO_MEMBER), 7);
	assert_int_equal(mcr_stat_drops(MCR_DROP_POLICY_NOT_ALLOWED), 0);
}

static void
clear_of_one_port(void **state)
{
	struct mcr_port_stat sum;

	mcr_stat_add(&mcr_stat[1].port[0].rx_packets, 5);
	mcr_stat_add(&mcr_stat[1].port[1].rx_packets, 6);
	drop(1, 0, MCR_DROP_REPL_MTU, 7);
	drop(1, 1, MCR_DROP_REPL_MTU, 8);
	mcr_stat_clear_port(0);
	mcr_stat_port(0, &sum);
	assert_int_equal(sum.rx_packets + sum.drop[MCR_DROP_REPL_MTU], 0);
	mcr_stat_port(1, &sum);
	assert_int_equal(sum.rx_packets, 6);
	assert_int_equal(mcr_stat_drops(MCR_DROP_REPL_MTU), 8);
}

static void
clear_of_drops_keeps_traffic(void **state)
{
	struct mcr_port_stat sum;

	mcr_stat_add(&mcr_stat[1].port[2].rx_packets, 5);
	drop(1, 2, MCR_DROP_REPL_MTU, 7);
	mcr_stat_clear_drops();
	mcr_stat_port(2, &sum);
	assert_int_equal(sum.rx_packets, 5);
	assert_int_equal(mcr_stat_drops(MCR_DROP_REPL_MTU), 0);
	drop(3, 2, MCR_DROP_REPL_MTU, 2);
	assert_int_equal(mcr_stat_drops(MCR_DROP_REPL_MTU), 2);
	mcr_stat_clear();
	mcr_stat_port(2, &sum);
	assert_int_equal(sum.rx_packets, 0);
}

static void
last_rise(void **state)
{
	const enum mcr_drop a = MCR_DROP_REPL_NO_BUFFER, b = MCR_DROP_MEMBER_TTL;

	mcr_stat_tick(10);
	assert_int_equal(mcr_stat_drop_last(a), 0);
	drop(1, 0, a, 1);
	mcr_stat_tick(20);
	drop(2, 5, b, 1);
	mcr_stat_tick(30);
	mcr_stat_tick(40);
	assert_int_equal(mcr_stat_drop_last(a), 20);
	assert_int_equal(mcr_stat_drop_last(b), 30);
	drop(3, 1, a, 1);
	mcr_stat_clear_drops();
	mcr_stat_tick(50);
	assert_int_equal(mcr_stat_drop_last(a), 0);
	assert_int_equal(mcr_stat_drop_last(b), 0);
	drop(3, 1, a, 1);
	mcr_stat_tick(60);
	assert_int_equal(mcr_stat_drop_last(a), 60);
	/* A clear of one port is no news of any drop. */
	mcr_stat_clear_port(1);
	mcr_stat_tick(70);
	assert_int_equal(mcr_stat_drop_last(a), 60);
}

#define COUNTED UINT64_C(3000000)

static void *
count_up(void *arg)
{
	uint64_t i;

	for (i = 0; i < COUNTED; i++) {
		mcr_stat_add(&mcr_stat[9].port[9].rx_packets, 1);
		drop(9, 9, MCR_DROP_TX_QUEUE_FULL, 1);
	}
	__atomic_store_n((bool *)arg, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Clears take nothing from a worker that counts meanwhile, and never make a sum negative. */
static void
clear_while_a_worker_counts(void **state)
{
	const uint64_t before = mcr_stat[9].port[9].rx_packets;
	const uint64_t before_drops = mcr_stat[9].port[9].drop[MCR_DROP_TX_QUEUE_FULL];
	struct mcr_port_stat sum;
	bool done = false;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, count_up, &done), 0);
	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
		mcr_stat_clear();
		mcr_stat_port(9, &sum);
		assert_in_range(sum.rx_packets, 0, COUNTED);
		assert_in_range(mcr_stat_drops(MCR_DROP_TX_QUEUE_FULL), 0, COUNTED);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(mcr_stat[9].port[9].rx_packets - before, COUNTED);
	assert_int_equal(mcr_stat[9].port[9].drop[MCR_DROP_TX_QUEUE_FULL] - before_drops, COUNTED);
	mcr_stat_clear();
	drop(9, 9, MCR_DROP_TX_QUEUE_FULL, 3);
	assert_int_equal(mcr_stat_drops(MCR_DROP_TX_QUEUE_FULL), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reasons_are_unique_in_their_stage),
		cmocka_unit_test_setup(port_sum_is_over_lcores, start_at_zero),
		cmocka_unit_test_setup(reason_sum_is_over_ports, start_at_zero),
		cmocka_unit_test_setup(clear_of_one_port, start_at_zero),
		cmocka_unit_test_setup(clear_of_drops_keeps_traffic, start_at_zero),
		cmocka_unit_test_setup(last_rise, start_at_zero),
		cmocka_unit_test_setup(clear_while_a_worker_counts, start_at_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
