/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/host.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void
cpu_lists(void **state)
{
	static const struct {
		const char *text;
		int count;
		const char *printed;
	} row[] = {
		{"0", 1, "0"},
		{"1-3,5", 4, "1-3,5"},
		{"5,1-3", 4, "1-3,5"},
		{"1,2,3", 3, "1-3"},
		{"0-1,1-2", 3, "0-2"},
		{"7-7", 1, "7"},
		{"0,2,4,6", 4, "0,2,4,6"},
		{"1023", 1, "1023"},
		{"0-7", 8, "0-7"},
		{"0-8", -ERANGE, NULL},
		{"1024", -ERANGE, NULL},
		{"99999999999999999999", -ERANGE, NULL},
		{"0-4294967296", -ERANGE, NULL},
		{"", -EINVAL, NULL},
		{",", -EINVAL, NULL},
		{"1,", -EINVAL, NULL},
		{",1", -EINVAL, NULL},
		{"1-", -EINVAL, NULL},
		{"-1", -EINVAL, NULL},
		{"3-1", -EINVAL, NULL},
		{"1-2-3", -EINVAL, NULL},
		{"01", -EINVAL, NULL},
		{"0x1", -EINVAL, NULL},
		{"1 2", -EINVAL, NULL},
		{"all", -EINVAL, NULL},
	};
	uint16_t cpu[8];
	char buf[64];
	unsigned i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		int n = mcr_cpu_list_parse(row[i].text, cpu, 8);

		if (n != row[i].count)
			fail_msg("\"%s\" gives %d", row[i].text, n);
		if (n < 0)
			continue;
		mcr_cpu_list_str(cpu, n, buf, sizeof(buf));
		assert_string_equal(buf, row[i].printed);
	}
}

static void
short_buffer_is_not_overrun(void **state)
{
	const uint16_t cpu[] = {1, 2, 3, 100, 200, 1000};
	char buf[32], whole[32];
	unsigned size;

	mcr_cpu_list_str(cpu, 6, whole, sizeof(whole));
	assert_string_equal(whole, "1-3,100,200,1000");
	for (size = 1; size < sizeof(buf); size++) {
		memset(buf, '#', sizeof(buf));
		mcr_cpu_list_str(cpu, 6, buf, size);
		assert_true(strlen(buf) < size);
		assert_memory_equal(buf, whole, strlen(buf));
		for (unsigned i = size; i < sizeof(buf); i++)
			assert_int_equal(buf[i], '#');
	}
	mcr_cpu_list_str(cpu, 0, buf, sizeof(buf));
	assert_string_equal(buf, "");
}

static void
host_counts_allowed_cpus(void **state)
{
	cpu_set_t all, one;
	struct mcr_host host;
	unsigned i, last;

	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	mcr_host_read(&host);
	assert_int_equal(host.n_cpus, CPU_COUNT(&all));
	for (i = 0; i < host.n_cpus; i++) {
		assert_true(CPU_ISSET(host.cpu[i], &all));
		assert_true(i == 0 || host.cpu[i] > host.cpu[i - 1]);
	}
	assert_in_range(host.n_nodes, 1, host.n_cpus);
	assert_int_equal(host.huge_free_bytes == 0, host.huge_page_size == 0);

	last = host.cpu[host.n_cpus - 1];
	CPU_ZERO(&one);
	CPU_SET(last, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	mcr_host_read(&host);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
	assert_int_equal(host.n_cpus, 1);
	assert_int_equal(host.cpu[0], last);
	assert_int_equal(host.n_nodes, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cpu_lists),
		cmocka_unit_test(short_buffer_is_not_overrun),
		cmocka_unit_test(host_counts_allowed_cpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
