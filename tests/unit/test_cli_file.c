/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli_table.h"

static struct mcr_syntax *sx;
static char dir[] = "/tmp/mcr-file.XXXXXX";
static char path[64];

static int
test_run(struct mcr_session *s, const struct mcr_args *a)
{
	return 0;
}

static int
setup(void **state)
{
	sx = mcr_syntax_create(test_table, TEST_ROWS);
	if (sx == NULL || mkdtemp(dir) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/demo.conf", dir);
	return 0;
}

static int
teardown(void **state)
{
	mcr_syntax_free(sx);
	unlink(path);
	return rmdir(dir);
}

/* What the reader hands over: "LINE:canonical" rows. */
static void
collect(void *arg, const struct mcr_args *a, const char *file, unsigned line_no)
{
	char line[MCR_LINE_MAX + 1];
	char *all = arg;
	const size_t len = strlen(all);

	mcr_args_line(a, line);
	assert_string_equal(file, "demo.conf");
	snprintf(all + len, 4096 - len, "%u:%s\n", line_no, line);
}

static int
read_bytes(const char *bytes, size_t len, char got[4096], char **messages)
{
	struct mcr_errs errs = {0};
	FILE *out = fopen(path, "w");
	size_t size;
	int ret;

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, len, out), len);
	fclose(out);
	got[0] = '\0';
	ret = mcr_file_read(sx, path, collect, got, &errs);
	assert_int_equal(ret, errs.n_errors > 0 ? -EINVAL : 0);
	out = open_memstream(messages, &size);
	mcr_errs_print(out, &errs);
	fclose(out);
	mcr_errs_fini(&errs);
	return ret;
}

static void
good_lines_come_with_their_place(void **state)
{
	static const char text[] = "# demo\n"
				   "\n"
				   "set system name demo   # a comment\r\n"
				   "\tadd port p dev net_null0\n"
				   "add port q dev net_null1";
	char got[4096], *messages;

	assert_int_equal(read_bytes(text, sizeof(text) - 1, got, &messages), 0);
	assert_string_equal(got, "3:set system name demo\n"
				 "4:add port p dev net_null0\n"
				 "5:add port q dev net_null1\n");
	assert_string_equal(messages, "");
	free(messages);
}

static void
t18_all_errors_of_a_file_at_once(void **state)
{
	static const char text[] = "add port p dev net_null0 netnss x\n"
				   "add port p dev net_null0\n"
				   "set igmp p query-interval 0\n"
				   "show groups\n"
				   "  del port p\n"
				   "begin # no\n"
				   "set port p mtu 1400\n"
				   "add port p netdev lan0\n"
				   "set port p mtu 0x600\n";
	char got[4096], *messages;

	assert_int_equal(read_bytes(text, sizeof(text) - 1, got, &messages), -EINVAL);
	assert_string_equal(got, "2:add port p dev net_null0\n7:set port p mtu 1400\n");
	assert_string_equal(messages,
		"demo.conf:1: error: not understood: \"netnss\"\n"
		"     add port p dev net_null0 netnss x\n"
		"                              ^ expected: netns or end of line\n"
		"demo.conf:3: error: query-interval 0 is out of range\n"
		"     set igmp p query-interval 0\n"
		"                               ^ expected: 1-31744\n"
		"demo.conf:4: error: a configuration file has only add and set lines\n"
		"     show groups\n"
		"     ^ expected: add or set\n"
		"demo.conf:5: error: a configuration file has only add and set lines\n"
		"       del port p\n"
		"       ^ expected: add or set\n"
		"demo.conf:6: error: a configuration file has only add and set lines\n"
		"     begin # no\n"
		"     ^ expected: add or set\n"
		"demo.conf:8: error: line 2 already says \"port p\"\n"
		"     add port p netdev lan0\n"
		"demo.conf:9: error: line 7 already says \"port p mtu\"\n"
		"     set port p mtu 0x600\n");
	free(messages);
}

static void
t18_bytes_that_are_no_text(void **state)
{
	static const char text[] =
		"set system\0name x\n\xff\xfe\n\x1b[31m\nset system name \xc3\xa4\n";
	char got[4096], *messages;

	assert_int_equal(read_bytes(text, sizeof(text) - 1, got, &messages), -EINVAL);
	assert_string_equal(got, "");
	assert_null(strchr(messages, '\x1b'));
	assert_non_null(strstr(messages, "byte 0x00"));
	assert_non_null(strstr(messages, "demo.conf:2: error: byte 0xff"));
	assert_non_null(strstr(messages, "demo.conf:3: error: byte 0x1b"));
	assert_non_null(strstr(messages, "demo.conf:4: error: byte 0xc3"));
	free(messages);
}

static void
t18_a_line_that_is_too_long(void **state)
{
	char text[3000], got[4096], *messages;

	memset(text, 'x', sizeof(text));
	memcpy(text, "set system name a\n", 18);
	text[2000] = '\n';
	memcpy(text + 2001, "set system idle poll\n", 21);
	assert_int_equal(read_bytes(text, 2022, got, &messages), -EINVAL);
	assert_string_equal(got, "1:set system name a\n3:set system idle poll\n");
	assert_non_null(
		strstr(messages, "demo.conf:2: error: the line has 1982 bytes; 511 are allowed\n"));
	free(messages);
}

static void
t18_a_file_that_cannot_be_read(void **state)
{
	struct mcr_errs errs = {0};
	char absent[64];

	snprintf(absent, sizeof(absent), "%s/absent.conf", dir);
	assert_int_equal(mcr_file_read(sx, absent, collect, NULL, &errs), -ENOENT);
	assert_int_equal(errs.n_errors, 1);
	assert_non_null(strstr(errs.item[0].text, "absent.conf cannot be read: no such file"));
	assert_non_null(strstr(errs.item[0].fix, "mcrd -i"));
	assert_non_null(strstr(errs.item[0].fix, "demo.conf"));
	assert_non_null(strstr(errs.item[0].fix, "scripts/demo.sh"));
	assert_int_equal(mcr_file_read(sx, dir, collect, NULL, &errs), -EISDIR);
	assert_non_null(strstr(errs.item[1].text, "directory"));
	mcr_errs_fini(&errs);
}

static void
count(void *arg, const struct mcr_args *a, const char *file, unsigned line_no)
{
	++*(unsigned *)arg;
}

/* 50,000 lines: far below what an operator notices, also with sanitizers and a busy machine. */
static void
a_long_file_is_read_fast(void **state)
{
	struct mcr_errs errs = {0};
	struct timespec start, end;
	FILE *out = fopen(path, "w");
	unsigned n = 0;
	double seconds;

	for (unsigned i = 0; i < 10000; i++)
		fprintf(out,
			"add port p%u dev net_tap%u,iface=eth0 netns n%u\n"
			"set port p%u vlan %u segment s%u\n"
			"set igmp p%u query-interval 125\n"
			"set segment s%u allow 239.%u.0.0/16\n"
			"add member s%u 239.%u.%u.1 any port p%u\n",
			i, i, i, i, i % 4095, i % 9, i, i, i % 256, i % 7, i / 256, i % 256, i);
	fclose(out);
	clock_gettime(CLOCK_MONOTONIC, &start);
	assert_int_equal(mcr_file_read(sx, path, count, &n, &errs), 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
	print_message("50000 lines in %.2f s\n", seconds);
	assert_int_equal(n, 50000);
	assert_true(seconds < 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_lines_come_with_their_place),
		cmocka_unit_test(t18_all_errors_of_a_file_at_once),
		cmocka_unit_test(t18_bytes_that_are_no_text),
		cmocka_unit_test(t18_a_line_that_is_too_long),
		cmocka_unit_test(t18_a_file_that_cannot_be_read),
		cmocka_unit_test(a_long_file_is_read_fast),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
