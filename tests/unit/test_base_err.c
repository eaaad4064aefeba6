/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void
assert_printed(const struct mcr_errs *errs, const char *want)
{
	char *got = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&got, &size);

	assert_non_null(out);
	mcr_errs_print(out, errs);
	fclose(out);
	assert_string_equal(got, want);
	free(got);
}

static void
set_source(struct mcr_err *err, const char *source, unsigned position, const char *expected)
{
	snprintf(err->source, sizeof(err->source), "%s", source);
	snprintf(err->expected, sizeof(err->expected), "%s", expected);
	err->position = position;
}

static void
wrong_word_in_a_file(void **state)
{
	struct mcr_errs errs = {0};
	struct mcr_err *err = mcr_errs_add(&errs, MCR_ERROR, "not understood: \"%s\"", "netnss");

	mcr_err_at(err, "demo.conf", 12);
	set_source(err, "add port p dev net_null0 netnss x", 26, "netns or end of line");
	err = mcr_errs_add(&errs, MCR_ERROR, "query-interval %u is out of range", 0);
	mcr_err_at(err, "demo.conf", 19);
	set_source(err, "set igmp rx1 query-interval 0", 29, "1-31744");
	assert_printed(&errs, "demo.conf:12: error: not understood: \"netnss\"\n"
			      "     add port p dev net_null0 netnss x\n"
			      "                              ^ expected: netns or end of line\n"
			      "demo.conf:19: error: query-interval 0 is out of range\n"
			      "     set igmp rx1 query-interval 0\n"
			      "                                 ^ expected: 1-31744\n");
	mcr_errs_fini(&errs);
}

static void
wrong_word_on_the_console(void **state)
{
	struct mcr_errs errs = {0};
	struct mcr_err *err = mcr_errs_add(&errs, MCR_ERROR, "not understood: \"x\"");

	set_source(err, "x", 1, "");
	mcr_err_fix(err, "help");
	assert_printed(&errs, "error: not understood: \"x\"\n"
			      "     x\n"
			      "     ^\n"
			      "  fix: help\n");
	mcr_errs_fini(&errs);
}

static void
place_stands_behind_what(void **state)
{
	struct mcr_errs errs = {0};
	struct mcr_err *err =
		mcr_errs_add(&errs, MCR_ERROR, "port %s: /dev/net/tun is missing", "rx1");

	mcr_err_at(err, "demo.conf", 14);
	mcr_err_fix(err, "mkdir -p /dev/net && mknod /dev/net/tun c 10 200");
	err = mcr_errs_add(&errs, MCR_ERROR, "two appliances share one address");
	mcr_err_at(err, "site-a.conf", 28);
	err = mcr_errs_add(&errs, MCR_ERROR, "a: b: c");
	mcr_err_at(err, "mcr.conf", 0);
	assert_printed(&errs, "error: port rx1 (demo.conf:14): /dev/net/tun is missing\n"
			      "  fix: mkdir -p /dev/net && mknod /dev/net/tun c 10 200\n"
			      "error: two appliances share one address (site-a.conf:28)\n"
			      "error: a (mcr.conf): b: c\n");
	mcr_errs_fini(&errs);
}

static void
warnings_look_the_same(void **state)
{
	struct mcr_errs errs = {0};
	struct mcr_err *err = mcr_errs_add(&errs, MCR_WARNING,
		"port rx1: no querier heard for %u s; members will expire", 255);

	mcr_err_fix(err, "set igmp %s mode querier", "rx1");
	err = mcr_errs_add(&errs, MCR_WARNING, "system cpus: read at start only");
	mcr_err_at(err, "demo.conf", 3);
	assert_printed(&errs, "warning: port rx1: no querier heard for 255 s; members will expire\n"
			      "  fix: set igmp rx1 mode querier\n"
			      "warning: system cpus (demo.conf:3): read at start only\n");
	assert_int_equal(errs.n_errors, 0);
	assert_int_equal(errs.count, 2);
	mcr_errs_fini(&errs);
}

/* Escape codes in a file must not reach the terminal, and a tab is one column as for the caret. */
static void
control_bytes_become_spaces(void **state)
{
	struct mcr_errs errs = {0};
	struct mcr_err *err =
		mcr_errs_add(&errs, MCR_ERROR, "not understood: \"%s\"", "\033[2Jx\n");

	mcr_err_at(err, "a\nb", 1);
	set_source(err, "add\tport \033[2Jx", 10, "");
	assert_printed(&errs, "a b:1: error: not understood: \" [2Jx \"\n"
			      "     add port  [2Jx\n"
			      "              ^\n");
	mcr_errs_fini(&errs);
}

static void
long_words_are_cut(void **state)
{
	char word[2000];
	struct mcr_errs errs = {0};
	struct mcr_err *err;

	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	err = mcr_errs_add(&errs, MCR_ERROR, "%s", word);
	mcr_err_fix(err, "%s", word);
	mcr_err_at(err, word, 7);
	assert_int_equal(strlen(err->text), sizeof(err->text) - 1);
	assert_int_equal(strlen(err->fix), sizeof(err->fix) - 1);
	assert_int_equal(strlen(err->file), sizeof(err->file) - 1);
	mcr_errs_fini(&errs);
}

static void
list_grows(void **state)
{
	struct mcr_errs errs = {0};
	char text[32];
	unsigned i;

	for (i = 0; i < 1000; i++) {
		enum mcr_severity severity = i % 3 == 0 ? MCR_WARNING : MCR_ERROR;

		mcr_err_at(mcr_errs_add(&errs, severity, "number %u", i), "f", i);
	}
	assert_int_equal(errs.count, 1000);
	assert_int_equal(errs.n_errors, 666);
	for (i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "number %u", i);
		assert_string_equal(errs.item[i].text, text);
		assert_int_equal(errs.item[i].line, i);
	}
	mcr_errs_fini(&errs);
	assert_int_equal(errs.count, 0);
	assert_null(errs.item);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_word_in_a_file),
		cmocka_unit_test(wrong_word_on_the_console),
		cmocka_unit_test(place_stands_behind_what),
		cmocka_unit_test(warnings_look_the_same),
		cmocka_unit_test(control_bytes_become_spaces),
		cmocka_unit_test(long_words_are_cut),
		cmocka_unit_test(list_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
