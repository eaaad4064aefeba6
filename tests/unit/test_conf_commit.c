/* SPDX-License-Identifier: BSD-3-Clause */
/* The transaction with four features that write down what is called, and fail where the test wants.
 */
#include "conf/commit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N_FEATURES 4

struct model {
	uint32_t n_lines;
};

static struct {
	char log[256];
	int fail_compile;         /* errors that compile appends */
	int fail_check;           /* feature whose check refuses; -1: none */
	int fail_prepare;         /* feature whose prepare fails; -1: none */
	bool is_silent;           /* without an error of its own */
	unsigned n_models;        /* alive */
	const void *old_expected; /* what every hook must see as the running model */
	struct mcr_conf conf;
} t;

static void
note(char what, int feature)
{
	const size_t len = strlen(t.log);

	snprintf(t.log + len, sizeof(t.log) - len, "%c%d ", what, feature);
}

static void *
compile(void *app, const struct mcr_lines *lines, struct mcr_errs *errs)
{
	struct model *m = calloc(1, sizeof(*m));

	assert_ptr_equal(app, &t);
	m->n_lines = mcr_lines_count(lines);
	for (int i = 0; i < t.fail_compile; i++)
		mcr_errs_add(errs, MCR_ERROR, "compile: error %d", i);
	mcr_errs_add(errs, MCR_WARNING, "compile: a warning stops nothing");
	t.n_models++;
	return m;
}

static void
model_free(void *model)
{
	t.n_models--;
	free(model);
}

#define FEATURE(n)                                                                            \
	static void check##n(const void *model, struct mcr_errs *errs)                        \
	{                                                                                     \
		note('c', n);                                                                 \
		if (t.fail_check == (n))                                                      \
			mcr_errs_add(errs, MCR_ERROR, "feature %d: refused", n);              \
	}                                                                                     \
	static int prepare##n(void *app, const void *old, void *model, struct mcr_errs *errs) \
	{                                                                                     \
		note('p', n);                                                                 \
		assert_ptr_equal(old, t.old_expected);                                        \
		if (t.fail_prepare != (n))                                                    \
			return 0;                                                             \
		if (!t.is_silent)                                                             \
			mcr_errs_add(errs, MCR_ERROR, "feature %d: no port", n);              \
		return -ENOSPC;                                                               \
	}                                                                                     \
	static void apply##n(void *app, const void *old, void *model)                         \
	{                                                                                     \
		note('a', n);                                                                 \
		assert_ptr_equal(old, t.old_expected);                                        \
	}                                                                                     \
	static void abort##n(void *app, const void *old, void *model)                         \
	{                                                                                     \
		note('x', n);                                                                 \
		assert_ptr_equal(old, t.old_expected);                                        \
	}                                                                                     \
	static const struct mcr_feature feature##n = {                                        \
		"feature" #n, check##n, prepare##n, apply##n, abort##n};

FEATURE(0)
FEATURE(1)
FEATURE(2)
FEATURE(3)

/* All hooks are optional. */
static const struct mcr_feature empty_feature = {.name = "empty"};

static const struct mcr_feature *const features[] = {
	&feature0, &feature1, &empty_feature, &feature2, &feature3, NULL};

static const struct mcr_commit_ops ops = {
	.compile = compile, .model_free = model_free, .features = features, .app = &t};

static struct mcr_lines *
candidate(unsigned n)
{
	struct mcr_lines *ls = mcr_lines_create();
	char key[32], text[32];

	for (unsigned i = 0; i < n; i++) {
		struct mcr_line l = {.key = key, .text = text};

		snprintf(key, sizeof(key), "k%u", i);
		snprintf(text, sizeof(text), "set k%u", i);
		assert_non_null(mcr_lines_put(ls, &l));
	}
	return ls;
}

static int
setup(void **state)
{
	memset(&t, 0, sizeof(t));
	t.fail_check = t.fail_prepare = -1;
	return mcr_conf_init(&t.conf, &ops);
}

static int
teardown(void **state)
{
	mcr_conf_fini(&t.conf);
	assert_int_equal(t.n_models, 0);
	return 0;
}

/* Commit and compare the calls; the result is checked by the caller. */
static int
commit(struct mcr_lines *ls, const char *calls, struct mcr_errs *errs)
{
	int ret;

	t.log[0] = '\0';
	t.old_expected = t.conf.model;
	ret = mcr_conf_commit(&t.conf, ls, t.conf.generation, errs);
	assert_string_equal(t.log, calls);
	return ret;
}

static void
a_commit_calls_in_order(void **state)
{
	struct mcr_errs errs = {0};
	struct mcr_lines *ls = candidate(3);

	assert_int_equal(commit(ls, "c0 c1 c2 c3 p0 p1 p2 p3 a0 a1 a2 a3 ", &errs), 0);
	assert_ptr_equal(t.conf.lines, ls);
	assert_int_equal(t.conf.generation, 1);
	assert_int_equal(((struct model *)t.conf.model)->n_lines, 3);
	assert_true(t.conf.committed > 0);
	/* The next one replaces: exactly one model and one set of lines live on. */
	assert_int_equal(commit(candidate(0), "c0 c1 c2 c3 p0 p1 p2 p3 a0 a1 a2 a3 ", &errs), 0);
	assert_int_equal(t.n_models, 1);
	assert_int_equal(t.conf.generation, 2);
	assert_int_equal(errs.count, 2);
	assert_int_equal(errs.n_errors, 0);
	mcr_errs_fini(&errs);
}

static void
t18_prepare_fails_in_each_feature(void **state)
{
	static const char *const calls[N_FEATURES] = {
		"c0 c1 c2 c3 p0 ",
		"c0 c1 c2 c3 p0 p1 x0 ",
		"c0 c1 c2 c3 p0 p1 p2 x1 x0 ",
		"c0 c1 c2 c3 p0 p1 p2 p3 x2 x1 x0 ",
	};
	struct mcr_errs errs = {0};
	const struct mcr_lines *running;
	const void *model;

	assert_int_equal(commit(candidate(2), "c0 c1 c2 c3 p0 p1 p2 p3 a0 a1 a2 a3 ", &errs), 0);
	mcr_errs_fini(&errs);
	running = t.conf.lines;
	model = t.conf.model;
	for (int i = 0; i < 2 * N_FEATURES; i++) {
		struct mcr_lines *ls = candidate(5);

		t.fail_prepare = i / 2;
		t.is_silent = i % 2;
		assert_int_equal(commit(ls, calls[i / 2], &errs), -ENOSPC);
		assert_int_equal(errs.n_errors, 1);
		assert_non_null(strstr(
			errs.item[errs.count - 1].text, t.is_silent ? "No space left" : "no port"));
		mcr_errs_fini(&errs);
		/* The running configuration is the same, not only equal; the candidate is ours. */
		assert_ptr_equal(t.conf.lines, running);
		assert_ptr_equal(t.conf.model, model);
		assert_int_equal(t.conf.generation, 1);
		assert_int_equal(t.n_models, 1);
		assert_int_equal(mcr_lines_count(ls), 5);
		mcr_lines_free(ls);
	}
}

static void
t18_a_refused_check_prepares_nothing(void **state)
{
	struct mcr_errs errs = {0};
	struct mcr_lines *ls = candidate(1);

	t.fail_check = 1;
	/* Every check has its say: all errors come at once. */
	assert_int_equal(commit(ls, "c0 c1 c2 c3 ", &errs), -EINVAL);
	assert_int_equal(errs.n_errors, 1);
	assert_int_equal(t.conf.generation, 0);
	assert_null(t.conf.model);
	mcr_errs_fini(&errs);
	mcr_lines_free(ls);
}

static void
t18_lines_that_do_not_compile(void **state)
{
	struct mcr_errs errs = {0};
	struct mcr_lines *ls = candidate(1);

	t.fail_compile = 3;
	assert_int_equal(commit(ls, "", &errs), -EINVAL);
	assert_int_equal(errs.n_errors, 3);
	mcr_errs_fini(&errs);
	mcr_lines_free(ls);
}

static void
check_touches_nothing(void **state)
{
	struct mcr_errs errs = {0};
	struct mcr_lines *ls = candidate(1);

	assert_int_equal(mcr_conf_check(&t.conf, ls, &errs), 0);
	assert_string_equal(t.log, "c0 c1 c2 c3 ");
	assert_int_equal(t.n_models, 0);
	/* An error that stood in the list before is not this check's. */
	mcr_errs_add(&errs, MCR_ERROR, "of somebody else");
	assert_int_equal(mcr_conf_check(&t.conf, ls, &errs), 0);
	t.fail_check = 3;
	assert_int_equal(mcr_conf_check(&t.conf, ls, &errs), -EINVAL);
	mcr_errs_fini(&errs);
	mcr_lines_free(ls);
}

static void
t18_a_batch_older_than_the_running_configuration(void **state)
{
	struct mcr_errs errs = {0};
	struct mcr_lines *ls = candidate(1);

	assert_int_equal(commit(candidate(2), "c0 c1 c2 c3 p0 p1 p2 p3 a0 a1 a2 a3 ", &errs), 0);
	mcr_errs_fini(&errs);
	t.log[0] = '\0';
	assert_int_equal(mcr_conf_commit(&t.conf, ls, 0, &errs), -ESTALE);
	assert_string_equal(t.log, "");
	assert_int_equal(errs.n_errors, 1);
	assert_string_equal(errs.item[0].fix, "abort, then begin again");
	assert_int_equal(t.conf.generation, 1);
	mcr_errs_fini(&errs);
	mcr_lines_free(ls);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_commit_calls_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(t18_prepare_fails_in_each_feature, setup, teardown),
		cmocka_unit_test_setup_teardown(
			t18_a_refused_check_prepares_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(t18_lines_that_do_not_compile, setup, teardown),
		cmocka_unit_test_setup_teardown(check_touches_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
			t18_a_batch_older_than_the_running_configuration, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
