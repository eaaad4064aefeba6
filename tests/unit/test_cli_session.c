/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/session.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli_table.h"

static struct mcr_syntax *sx;
static struct mcr_session session;
static int run_returns, edit_returns;
static bool run_fails, run_warns;
static unsigned n_closed;

static int
test_run(struct mcr_session *s, const struct mcr_args *a)
{
	char line[MCR_LINE_MAX + 1];

	mcr_args_line(a, line);
	mcr_session_printf(s, "ran %s%s\n", line, s->json ? " as json" : "");
	if (run_fails)
		mcr_err_fix(mcr_session_error(s, "group %s: nobody is there", "x"), "show groups");
	if (run_warns)
		mcr_errs_add(&s->errs, MCR_WARNING, "memory: ordinary pages");
	return run_returns;
}

static int
edit(struct mcr_session *s, const struct mcr_args *a, struct mcr_errs *errs)
{
	if (edit_returns != 0)
		mcr_errs_add(errs, MCR_ERROR, "port p: no driver net_foo");
	return edit_returns;
}

static void
closed(struct mcr_session *s)
{
	n_closed++;
}

static const struct mcr_session_ops ops = {.edit = edit, .closed = closed};

static int
setup(void **state)
{
	sx = mcr_syntax_create(test_table, TEST_ROWS);
	mcr_session_init(&session, sx, &ops, NULL);
	run_returns = edit_returns = 0;
	run_fails = run_warns = false;
	n_closed = 0;
	return sx == NULL;
}

static int
teardown(void **state)
{
	mcr_session_fini(&session);
	mcr_syntax_free(sx);
	assert_int_equal(n_closed, 1);
	return 0;
}

static void
assert_exec(const char *line, bool json, int status, const char *want)
{
	mcr_session_clear(&session);
	assert_int_equal(mcr_session_exec(&session, line, json), status);
	assert_string_equal(session.out == NULL ? "" : session.out, want);
	assert_int_equal(session.out_len, strlen(want));
	assert_int_equal(session.errs.count, 0);
	assert_false(session.json);
}

static void
output_and_status_of_a_command(void **state)
{
	assert_exec("show groups", false, MCR_OK, "ran show groups\n");
	assert_exec("show groups", true, MCR_OK, "ran show groups as json\n");
	assert_exec("show groups json", false, MCR_OK, "ran show groups json\n");
	run_returns = MCR_PARTIAL;
	assert_exec("show groups", false, MCR_PARTIAL, "ran show groups\n");
	run_returns = -ENOENT;
	assert_exec("show groups", false, MCR_REFUSED, "ran show groups\n");
	assert_exec("", false, MCR_OK, "");
	assert_exec("# nothing", true, MCR_OK, "");
	assert_exec("set system name x", false, MCR_OK, "");
}

static void
errors_follow_the_output(void **state)
{
	run_fails = run_warns = true;
	assert_exec("show groups", false, MCR_REFUSED,
		"ran show groups\n"
		"error: group x: nobody is there\n"
		"  fix: show groups\n"
		"warning: memory: ordinary pages\n");
	assert_exec("show groups", true, MCR_REFUSED,
		"ran show groups as json\n"
		"{\"version\":1,\"error\":\"group x: nobody is there\",\"fix\":\"show groups\","
		"\"file\":null,\"line\":null,\"position\":null,\"expected\":[]}\n"
		"{\"version\":1,\"warning\":\"memory: ordinary pages\",\"fix\":null,\"file\":null,"
		"\"line\":null,\"position\":null,\"expected\":[]}\n");
	run_fails = false;
	assert_exec(
		"show groups", false, MCR_OK, "ran show groups\nwarning: memory: ordinary pages\n");
}

static void
t18_a_wrong_line_runs_nothing(void **state)
{
	assert_exec("show group", false, MCR_USAGE,
		"error: not complete: something must follow \"group\"\n"
		"     show group\n"
		"                ^ expected: GROUP address or list\n");
	assert_exec("set igmp rx1 query-interval 0", false, MCR_REFUSED,
		"error: query-interval 0 is out of range\n"
		"     set igmp rx1 query-interval 0\n"
		"                                 ^ expected: 1-31744\n");
	assert_exec("set igmp rx1 query-interval 0", true, MCR_REFUSED,
		"{\"version\":1,\"error\":\"query-interval 0 is out of range\",\"fix\":null,"
		"\"file\":null,\"line\":null,\"position\":29,\"expected\":[\"1-31744\"]}\n");
	assert_exec("nonsense", true, MCR_USAGE,
		"{\"version\":1,\"error\":\"not understood: \\\"nonsense\\\"\",\"fix\":null,"
		"\"file\":null,\"line\":null,\"position\":1,\"expected\":[\"set\",\"del\",\"add\","
		"\"begin\",\"save\",\"load\",\"show\",\"clear\",\"capture\",\"quit\"]}\n");
}

static void
t18_an_edit_that_is_refused(void **state)
{
	edit_returns = -EINVAL;
	assert_exec("add port p dev net_foo0", false, MCR_REFUSED,
		"error: port p: no driver net_foo\n");
	edit_returns = MCR_INTERNAL;
	assert_exec("del port p", false, MCR_INTERNAL, "error: port p: no driver net_foo\n");
}

static void
json_of_an_error_with_a_place(void **state)
{
	struct mcr_err err = {.text = "bytes \xff\xfe here",
		.fix = "a \"quoted\" fix",
		.file = "d.conf",
		.line = 19,
		.position = 29,
		.expected = "1-2, netns, end of line"};
	char *text = mcr_err_json(&err);

	assert_string_equal(text,
		"{\"version\":1,\"error\":\"bytes ?? here\",\"fix\":\"a \\\"quoted\\\" fix\","
		"\"file\":\"d.conf\",\"line\":19,\"position\":29,"
		"\"expected\":[\"1-2\",\"netns\",\"end of line\"]}");
	free(text);
}

static void
long_output_is_kept_whole(void **state)
{
	for (unsigned i = 0; i < 100000; i++)
		mcr_session_printf(&session, "%05u\n", i);
	assert_int_equal(session.out_len, 600000);
	assert_memory_equal(session.out + 599994, "99999\n", 7);
	mcr_session_clear(&session);
	assert_int_equal(session.out_len, 0);
	mcr_session_write(&session, "x", 1);
	assert_string_equal(session.out, "x");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(output_and_status_of_a_command, setup, teardown),
		cmocka_unit_test_setup_teardown(errors_follow_the_output, setup, teardown),
		cmocka_unit_test_setup_teardown(t18_a_wrong_line_runs_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(t18_an_edit_that_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(json_of_an_error_with_a_place, setup, teardown),
		cmocka_unit_test_setup_teardown(long_output_is_kept_whole, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
