/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal.h"

#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_memory.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A host with CPUs first .. first + n - 1 and `huge_mb` of free hugepages. */
static struct mcr_host
host_of(unsigned first, unsigned n, uint64_t huge_mb)
{
	struct mcr_host host = {
		.n_cpus = n,
		.n_nodes = 1,
		.huge_free_bytes = huge_mb << 20,
		.huge_page_size = huge_mb > 0 ? 2 << 20 : 0,
		.has_sys = true,
	};

	for (unsigned i = 0; i < n; i++)
		host.cpu[i] = first + i;
	return host;
}

static const uint16_t cpus_1_to_5[] = {1, 2, 3, 4, 5};
static const char *const two_nics[] = {"0000:8a:00.0", "0000:8a:00.1"};
static char extra_word[] = "--log-level=lib.eal:debug";
static char *const extra[] = {extra_word};

/* Parameters -> the whole command line, or the sentence and its repair. */
static const struct {
	const char *what;
	unsigned first_cpu, n_host_cpus;
	uint64_t huge_mb;
	bool has_no_sys;
	struct mcr_eal_param p;
	const char *line; /* NULL: refused */
	unsigned n_workers;
	const char *text, *fix; /* of the error or warning */
} rows[] = {
	{.what = "no hugepages: plain with one notice",
		.n_host_cpus = 2,
		.p = {.memory_mb = 200},
		.line = "mcrd --lcores 0@0,1@1 --main-lcore 0 --no-huge -m 200 --no-shconf "
			"--no-pci "
			"--no-telemetry",
		.n_workers = 1,
		.text = "memory: no hugepages on this host; using ordinary pages (fine for demo "
			"and "
			"tests, slow with a NIC)",
		.fix = "echo 256 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"},
	{.what = "hugepages: in memory, without -m",
		.n_host_cpus = 2,
		.huge_mb = 512,
		.p = {.memory_mb = 200},
		.line = "mcrd --lcores 0@0,1@1 --main-lcore 0 --in-memory --no-pci --no-telemetry",
		.n_workers = 1},
	{.what = "too few hugepages",
		.n_host_cpus = 2,
		.huge_mb = 128,
		.p = {.memory_mb = 700},
		.line = "mcrd --lcores 0@0,1@1 --main-lcore 0 --no-huge -m 700 --no-shconf "
			"--no-pci "
			"--no-telemetry",
		.n_workers = 1,
		.text = "memory: needs 700 MB, 128 MB of hugepages are free; using ordinary pages "
			"(fine for demo and tests, slow with a NIC)",
		.fix = "echo 351 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"},
	{.what = "plain as configured: no notice",
		.n_host_cpus = 2,
		.huge_mb = 512,
		.p = {.memory_mb = 200, .memory = MCR_MEMORY_PLAIN},
		.line = "mcrd --lcores 0@0,1@1 --main-lcore 0 --no-huge -m 200 --no-shconf "
			"--no-pci "
			"--no-telemetry",
		.n_workers = 1},
	{.what = "shared: files of our own prefix",
		.n_host_cpus = 2,
		.huge_mb = 512,
		.p = {.memory_mb = 200, .memory = MCR_MEMORY_SHARED},
		.line = "mcrd --lcores 0@0,1@1 --main-lcore 0 --file-prefix mcr --no-pci "
			"--no-telemetry",
		.n_workers = 1},
	{.what = "hugepages demanded, none there",
		.n_host_cpus = 2,
		.p = {.memory_mb = 200,
			.memory = MCR_MEMORY_HUGEPAGES,
			.memory_at = {.file = "a.conf", .line = 4}},
		.text = "memory: no hugepages on this host",
		.fix = "echo 256 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"},
	{.what = "PCI: exactly the configured devices",
		.n_host_cpus = 2,
		.huge_mb = 512,
		.p = {.memory_mb = 200, .pci = two_nics, .n_pci = 2},
		.line = "mcrd --lcores 0@0,1@1 --main-lcore 0 --in-memory -a 0000:8a:00.0 "
			"-a 0000:8a:00.1 --no-telemetry",
		.n_workers = 1},
	{.what = "one CPU: it is shared",
		.n_host_cpus = 1,
		.huge_mb = 512,
		.line = "mcrd --lcores 0@0,1@0 --main-lcore 0 --in-memory --no-pci --no-telemetry",
		.n_workers = 1},
	{.what = "two workers on two CPUs: the first is shared",
		.n_host_cpus = 2,
		.huge_mb = 512,
		.p = {.n_workers = 2},
		.line = "mcrd --lcores 0@0,1@0,2@1 --main-lcore 0 --in-memory --no-pci "
			"--no-telemetry",
		.n_workers = 2},
	{.what = "CPUs 1-5 of eight",
		.n_host_cpus = 8,
		.huge_mb = 512,
		.p = {.cpu = cpus_1_to_5, .n_cpus = 5},
		.line = "mcrd --lcores 0@1,1@2,2@3,3@4,4@5 --main-lcore 0 --in-memory --no-pci "
			"--no-telemetry",
		.n_workers = 4},
	{.what = "fewer workers than CPUs",
		.n_host_cpus = 8,
		.huge_mb = 512,
		.p = {.n_workers = 2},
		.line = "mcrd --lcores 0@0,1@1,2@2 --main-lcore 0 --in-memory --no-pci "
			"--no-telemetry",
		.n_workers = 2},
	{.what = "a container's CPUs",
		.first_cpu = 6,
		.n_host_cpus = 2,
		.huge_mb = 512,
		.line = "mcrd --lcores 0@6,1@7 --main-lcore 0 --in-memory --no-pci --no-telemetry",
		.n_workers = 1},
	{.what = "a CPU that is not ours",
		.n_host_cpus = 2,
		.p = {.cpu = cpus_1_to_5, .n_cpus = 5, .cpus_at = {.file = "a.conf", .line = 2}},
		.text = "cpus: CPU 2 asked, this process may use 0-1",
		.fix = "set system cpus 0-1"},
	{.what = "more workers than CPUs",
		.n_host_cpus = 2,
		.p = {.n_workers = 3, .workers_at = {.file = "a.conf", .line = 2}},
		.text = "workers: 3 asked, there are CPUs for 2",
		.fix = "set system workers 2"},
	{.what = "no /sys",
		.n_host_cpus = 2,
		.has_no_sys = true,
		.text = "host: /sys is not mounted, CPUs and hugepages cannot be seen",
		.fix = "mount -t sysfs -o ro sysfs /sys      (container: mount /sys read-only into "
		       "it)"},
	{.what = "arguments of the operator come last",
		.n_host_cpus = 2,
		.huge_mb = 512,
		.p = {.extra_argv = extra, .extra_argc = 1},
		.line = "mcrd --lcores 0@0,1@1 --main-lcore 0 --in-memory --no-pci --no-telemetry "
			"--log-level=lib.eal:debug",
		.n_workers = 1},
};

static void
argument_vectors(void **state)
{
	static struct mcr_eal_args args;

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mcr_host host =
			host_of(rows[i].first_cpu, rows[i].n_host_cpus, rows[i].huge_mb);
		struct mcr_eal_param p = rows[i].p;
		struct mcr_errs errs = {0};
		char line[1024] = "";
		size_t len = 0;
		int ret;

		print_message("# %s\n", rows[i].what);
		host.has_sys = !rows[i].has_no_sys;
		p.host = &host;
		ret = mcr_eal_args(&p, &args, &errs);
		assert_int_equal(errs.count, rows[i].text != NULL ? 1 : 0);
		if (rows[i].text != NULL) {
			assert_string_equal(errs.item[0].text, rows[i].text);
			assert_string_equal(errs.item[0].fix, rows[i].fix);
		}
		assert_int_equal(errs.n_errors, rows[i].line == NULL ? 1 : 0);
		if (rows[i].line == NULL) {
			assert_true(ret < 0);
			assert_string_equal(errs.item[0].file, rows[i].has_no_sys ? "" : "a.conf");
		} else {
			assert_int_equal(ret, 0);
			assert_null(args.argv[args.argc]);
			for (int a = 0; a < args.argc; a++)
				len += snprintf(line + len, sizeof(line) - len, "%s%s",
					a > 0 ? " " : "", args.argv[a]);
			assert_string_equal(line, rows[i].line);
			assert_int_equal(args.n_workers, rows[i].n_workers);
			assert_int_not_equal(args.memory, MCR_MEMORY_AUTO);
		}
		mcr_errs_fini(&errs);
	}
}

/* 127 workers on 128 CPUs with three-digit numbers is the longest command line there is. */
static void
largest_host(void **state)
{
	static struct mcr_eal_args args;
	struct mcr_host host = host_of(896, 128, 0);
	struct mcr_eal_param p = {.host = &host, .memory = MCR_MEMORY_PLAIN, .memory_mb = 1048576};
	struct mcr_errs errs = {0};

	(void)state;
	assert_int_equal(mcr_eal_args(&p, &args, &errs), 0);
	assert_int_equal(args.n_workers, 127);
	assert_non_null(strstr(args.argv[2], ",127@1023"));
}

/* What EAL refuses, each in a child: a process has one start. */
static void
failed_starts_are_explained(void **state)
{
	static char unknown[] = "--foo", list[] = "-l", cpu[] = "99";
	static char *const bad_option[] = {unknown}, *const bad_cpu[] = {list, cpu};
	static const struct {
		struct mcr_eal_param p;
		uint64_t claimed_mb; /* of hugepages that are not there */
		const char *text, *fix;
	} row[] = {
		{.p = {.memory = MCR_MEMORY_PLAIN, .memory_mb = 800000000},
			.text = "memory: needs 800000000 MB, ",
			.fix = "lower set limit groups, or set port PORT descriptors RX TX"},
		{.p = {.memory = MCR_MEMORY_PLAIN,
			 .memory_mb = 64,
			 .extra_argv = bad_option,
			 .extra_argc = 1},
			.text = "EAL-ARGUMENTS: unrecognized option '--foo'",
			.fix = "see \"EAL parameters\" in the manual of DPDK"},
		{.p = {.memory = MCR_MEMORY_PLAIN,
			 .memory_mb = 64,
			 .extra_argv = bad_cpu,
			 .extra_argc = 2},
			.text = "EAL-ARGUMENTS: lcore 99 unavailable",
			.fix = "see \"EAL parameters\" in the manual of DPDK"},
		{.p = {.memory = MCR_MEMORY_HUGEPAGES, .memory_mb = 1048576},
			.claimed_mb = 1048576,
			.text = "memory: ",
			.fix = "set system memory plain"},
	};
	static struct mcr_host host;

	mcr_host_read(&host);
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct mcr_eal_param p = row[i].p;
		struct mcr_errs errs = {0};
		int status;
		pid_t pid;

		if (row[i].claimed_mb > 0 && host.huge_free_bytes > 0)
			continue; /* it would start here */
		fflush(NULL);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			host.huge_free_bytes = row[i].claimed_mb << 20;
			p.host = &host;
			if (mcr_eal_start(&p, &errs) == 0 || errs.n_errors != 1)
				_exit(1);
			if (strncmp(errs.item[0].text, row[i].text, strlen(row[i].text)) != 0 ||
				strcmp(errs.item[0].fix, row[i].fix) != 0) {
				mcr_errs_print(stderr, &errs);
				_exit(2);
			}
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status != 0)
			fail_msg("row %u: status %x", i, status);
	}
}

/* The real thing, once: two workers on what CPUs there are, ordinary pages, two in a row on one
 * CPU. */
static void
two_workers_run(void **state)
{
	static struct mcr_host host;
	struct mcr_eal_param p = {.host = &host, .memory = MCR_MEMORY_PLAIN, .memory_mb = 64};
	struct mcr_errs errs = {0};
	cpu_set_t set;

	(void)state;
	mcr_host_read(&host);
	p.n_workers = host.n_cpus < 2 ? 1 : 2;
	p.n_cpus = p.n_workers;
	p.cpu = host.cpu;
	assert_int_equal(mcr_eal_start(&p, &errs), 0);
	assert_int_equal(errs.count, 0);
	assert_int_equal(mcr_eal_memory(), MCR_MEMORY_PLAIN);
	assert_false(rte_eal_has_hugepages());
	assert_int_equal(rte_lcore_id(), 0);
	assert_int_equal(rte_lcore_count(), p.n_workers + 1);
	for (unsigned i = 0; i < p.n_workers; i++) {
		set = rte_lcore_cpuset(i + 1);
		assert_true(CPU_ISSET(host.cpu[i], &set));
		assert_int_equal(CPU_COUNT(&set), 1);
	}

	/* DPDK allows one start for a process; the second is told, not tried again. */
	assert_true(mcr_eal_start(&p, &errs) < 0);
	assert_int_equal(errs.n_errors, 1);
	mcr_errs_fini(&errs);
	mcr_eal_stop();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(argument_vectors),
		cmocka_unit_test(largest_host),
		cmocka_unit_test(failed_starts_are_explained),
		cmocka_unit_test(two_workers_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
