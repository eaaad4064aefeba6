/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct mcr_session session;

static int
setup(void **state)
{
	mcr_session_init(&session, NULL, NULL, NULL);
	return 0;
}

static int
teardown(void **state)
{
	mcr_session_fini(&session);
	return 0;
}

static void
format_two(const json_t *row, char *buf, size_t size)
{
	snprintf(buf, size, "<%s>", json_string_value(json_object_get(row, "group")));
}

static void
print_footer(struct mcr_session *s, const json_t *root)
{
	mcr_session_printf(s, "%zu groups\n", json_array_size(json_object_get(root, "groups")));
}

static const struct mcr_column columns[] = {
	{"GROUP", "group", MCR_COL_TEXT, NULL},
	{"SOURCE", "source", MCR_COL_STAR, NULL},
	{"COUNT", "count", MCR_COL_COUNT, NULL},
	{"UPTIME", "uptime_seconds", MCR_COL_DURATION, NULL},
	{"SPEED", "speed", MCR_COL_SPEED, NULL},
	{"BUSY", "busy_ratio", MCR_COL_RATIO, NULL},
	{"TWO", NULL, MCR_COL_COUNT, format_two},
	{"IN", "inner.name", MCR_COL_TEXT, NULL},
	{"LIST", "list", MCR_COL_TEXT, NULL},
};

static const struct mcr_listing listing = {.array = "groups",
	.columns = columns,
	.n_columns = sizeof(columns) / sizeof(columns[0]),
	.empty = "0 groups",
	.footer = print_footer};

static void
assert_rendered(json_t *root, bool json, const char *want)
{
	const struct mcr_args a = {.json = json};

	assert_non_null(root);
	mcr_session_clear(&session);
	assert_int_equal(mcr_render(&session, &a, root, &listing), MCR_OK);
	assert_string_equal(session.out, want);
}

static json_t *
two_rows(void)
{
	return json_pack("{s:[{s:s, s:n, s:i, s:i, s:I, s:f, s:{s:s}, s:[s,s]},"
			 "{s:s, s:s, s:n, s:f, s:n, s:n, s:{s:n}, s:[]}]}",
		"groups", "group", "239.1.1.1", "source", "count", 360, "uptime_seconds", 130,
		"speed", (json_int_t)10000000000, "busy_ratio", 0.03, "inner", "name", "x", "list",
		"a", "b", "group", "232.1.1.10", "source", "10.0.0.1", "count", "uptime_seconds",
		3723.9, "speed", "busy_ratio", "inner", "name", "list");
}

static void
a_table_is_aligned(void **state)
{
	assert_rendered(two_rows(), false,
		"GROUP       SOURCE    COUNT   UPTIME  SPEED  BUSY           TWO  IN  LIST\n"
		"239.1.1.1   *           360  0:02:10    10G   3 %   <239.1.1.1>  x   a,b\n"
		"232.1.1.10  10.0.0.1      -  1:02:03      -     -  <232.1.1.10>  -   -\n"
		"2 groups\n");
}

static void
json_is_one_line_with_the_version_first(void **state)
{
	assert_rendered(two_rows(), true,
		"{\"version\":1,\"groups\":[{\"group\":\"239.1.1.1\",\"source\":null,\"count\":360,"
		"\"uptime_seconds\":130,\"speed\":10000000000,\"busy_ratio\":0.03,"
		"\"inner\":{\"name\":\"x\"},\"list\":[\"a\",\"b\"]},"
		"{\"group\":\"232.1.1.10\",\"source\":\"10.0.0.1\",\"count\":null,"
		"\"uptime_seconds\":3723.9,\"speed\":null,\"busy_ratio\":null,"
		"\"inner\":{\"name\":null},\"list\":[]}]}\n");
}

static void
an_empty_listing_says_so(void **state)
{
	assert_rendered(json_pack("{s:[]}", "groups"), false,
		"GROUP  SOURCE  COUNT  UPTIME  SPEED  BUSY  TWO  IN  LIST\n0 groups\n");
	assert_rendered(json_pack("{s:[]}", "groups"), true, "{\"version\":1,\"groups\":[]}\n");
}

static void
no_blanks_at_the_end_of_a_line(void **state)
{
	static const struct mcr_column text[] = {
		{"A", "a", MCR_COL_TEXT, NULL}, {"LONG HEADER", "b", MCR_COL_TEXT, NULL}};
	static const struct mcr_listing l = {.array = "rows", .columns = text, .n_columns = 2};
	const struct mcr_args a = {0};

	/* An empty string is empty; only null is "-". The column counts characters, not bytes. */
	mcr_render(&session, &a,
		json_pack("{s:[{s:s, s:s}, {s:s, s:s}]}", "rows", "a", "wide", "b", "", "a",
			"\xc3\xa4\xc3\xb6", "b", "x"),
		&l);
	assert_string_equal(session.out, "A     LONG HEADER\nwide\n\xc3\xa4\xc3\xb6    x\n");
}

static void
the_session_may_ask_for_json(void **state)
{
	const struct mcr_args a = {0};

	session.json = true;
	assert_int_equal(mcr_render(&session, &a, json_pack("{s:[]}", "groups"), &listing), MCR_OK);
	assert_string_equal(session.out, "{\"version\":1,\"groups\":[]}\n");
}

static void
print_page(struct mcr_session *s, const json_t *root)
{
	mcr_session_printf(s, "name %s\n", json_string_value(json_object_get(root, "name")));
}

static void
a_page_is_text_or_json(void **state)
{
	const struct mcr_args text = {0}, json = {.json = true};

	assert_int_equal(
		mcr_render_page(&session, &text, json_pack("{s:s}", "name", "demo"), print_page),
		MCR_OK);
	assert_int_equal(
		mcr_render_page(&session, &json, json_pack("{s:s}", "name", "demo"), print_page),
		MCR_OK);
	assert_string_equal(session.out, "name demo\n{\"version\":1,\"name\":\"demo\"}\n");
}

static void
durations(void **state)
{
	static const struct {
		double seconds;
		const char *want;
	} cases[] = {{0, "0:00:00"}, {59.99, "0:00:59"}, {60, "0:01:00"}, {3600, "1:00:00"},
		{359999, "99:59:59"}, {360000, "100:00:00"}, {-5, "0:00:00"}};
	char buf[32];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		mcr_format_duration(cases[i].seconds, buf, sizeof(buf));
		assert_string_equal(buf, cases[i].want);
	}
}

static void
speeds(void **state)
{
	static const struct mcr_column col[] = {{"S", "s", MCR_COL_SPEED, NULL}};
	static const struct mcr_listing l = {.array = "rows", .columns = col, .n_columns = 1};
	const struct mcr_args a = {0};

	mcr_render(&session, &a,
		json_pack("{s:[{s:I},{s:I},{s:I},{s:I},{s:I}]}", "rows", "s", (json_int_t)10000000,
			"s", (json_int_t)1000000000, "s", (json_int_t)2500000000, "s",
			(json_int_t)100000000000, "s", (json_int_t)0),
		&l);
	assert_string_equal(session.out, "   S\n 10M\n  1G\n2.5G\n100G\n   0\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_table_is_aligned, setup, teardown),
		cmocka_unit_test_setup_teardown(
			json_is_one_line_with_the_version_first, setup, teardown),
		cmocka_unit_test_setup_teardown(an_empty_listing_says_so, setup, teardown),
		cmocka_unit_test_setup_teardown(no_blanks_at_the_end_of_a_line, setup, teardown),
		cmocka_unit_test_setup_teardown(the_session_may_ask_for_json, setup, teardown),
		cmocka_unit_test_setup_teardown(a_page_is_text_or_json, setup, teardown),
		cmocka_unit_test(durations),
		cmocka_unit_test_setup_teardown(speeds, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
