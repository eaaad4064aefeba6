/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

struct lines {
	unsigned count;
	char first[600], last[600];
};

static void
collect(void *arg, const char *text)
{
	struct lines *l = arg;

	if (l->count++ == 0)
		snprintf(l->first, sizeof(l->first), "%s", text);
	snprintf(l->last, sizeof(l->last), "%s", text);
}

static struct lines
tail(unsigned count)
{
	struct lines l = {0};

	mcr_log_tail(count, collect, &l);
	return l;
}

/* Behind "2026-01-31 12:00:00.000 ". */
static const char *
without_time(const char *line)
{
	assert_true(strlen(line) > 24);
	assert_int_equal(line[23], ' ');
	return line + 24;
}

/* What a child wrote to stderr while `fn` ran with or without a journal. */
static void
stderr_of(void (*fn)(void), const char *journal, char *buf, size_t size)
{
	size_t used = 0;
	int fd[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(fd[1], STDERR_FILENO);
		if (journal != NULL)
			setenv("JOURNAL_STREAM", journal, 1);
		else
			unsetenv("JOURNAL_STREAM");
		fn();
		_exit(0);
	}
	close(fd[1]);
	while (used + 1 < size && (n = read(fd[0], buf + used, size - 1 - used)) > 0)
		used += n;
	buf[used] = '\0';
	close(fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
write_two_lines(void)
{
	mcr_log(MEMBER, WARNING, "port %s: no querier", "rx1");
	mcr_log(MAIN, NOTICE, "two\nlines\033[2J");
	mcr_log(MAIN, INFO, "below the level");
}

/* Runs first: whether there is a journal is looked up with the first line of a process. */
static void
journal_gets_the_level_in_front(void **state)
{
	char out[1000];

	stderr_of(write_two_lines, "8:1234", out, sizeof(out));
	assert_string_equal(out, "<4>member: port rx1: no querier\n<5>main: two lines [2J\n");
}

static void
terminal_gets_time_and_level(void **state)
{
	char out[1000];
	char *second;

	stderr_of(write_two_lines, NULL, out, sizeof(out));
	second = strchr(out, '\n');
	assert_non_null(second);
	*second++ = '\0';
	assert_string_equal(without_time(out), "warning member: port rx1: no querier");
	assert_string_equal(without_time(second), "notice main: two lines [2J\n");
}

static void
ring_keeps_the_last_lines(void **state)
{
	struct lines l;
	unsigned i;

	assert_int_equal(tail(10).count, 0);
	mcr_log(PORT, ERROR, "only line");
	l = tail(10);
	assert_int_equal(l.count, 1);
	assert_string_equal(without_time(l.last), "error port: only line");
	for (i = 0; i < 3000; i++)
		mcr_log(PORT, ERROR, "line %u", i);
	l = tail(10000);
	assert_int_equal(l.count, 1024);
	assert_string_equal(without_time(l.first), "error port: line 1976");
	assert_string_equal(without_time(l.last), "error port: line 2999");
	l = tail(3);
	assert_int_equal(l.count, 3);
	assert_string_equal(without_time(l.first), "error port: line 2997");
	assert_int_equal(tail(0).count, 0);
}

static void
levels_by_type(void **state)
{
	static const struct {
		const char *type, *level;
		int rc;
	} row[] = {
		{"member", "debug", 0},
		{"all", "warning", 0},
		{"peer", "info", 0},
		{"nobody", "info", -EINVAL},
		{"peer", "loud", -EINVAL},
		{"all", "", -EINVAL},
	};
	unsigned i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_int_equal(mcr_log_set_level(row[i].type, row[i].level), row[i].rc);
	mcr_log(PEER, INFO, "heard");
	mcr_log(PEER, DEBUG, "not heard");
	mcr_log(MEMBER, NOTICE, "not heard");
	assert_string_equal(without_time(tail(1).last), "info peer: heard");
	mcr_log(MEMBER, WARNING, "heard too");
	assert_string_equal(without_time(tail(1).last), "warning member: heard too");
	assert_string_equal(mcr_log_type_name(MCR_LOGTYPE_NEIGH), "neigh");
	assert_int_equal(mcr_log_set_level("all", "notice"), 0);
}

static void
say(uint64_t now_ns, unsigned n)
{
	mcr_log_limited(NEIGH, WARNING, now_ns, "fault %u", n);
}

static void
one_line_in_ten_seconds(void **state)
{
	const uint64_t s = UINT64_C(1000000000);
	unsigned i;

	say(5 * s, 1);
	assert_string_equal(without_time(tail(1).last), "warning neigh: fault 1");
	for (i = 0; i < 41; i++)
		say(5 * s + i, 2);
	say(15 * s - 1, 3);
	assert_string_equal(without_time(tail(1).last), "warning neigh: fault 1");
	say(15 * s, 4);
	assert_string_equal(
		without_time(tail(1).last), "warning neigh: fault 4 (42 like it not shown)");
	/* Another place has a limit of its own, and its line tells nothing of ours. */
	say(16 * s, 5);
	mcr_log_limited(PATH, WARNING, 16 * s, "elsewhere");
	assert_string_equal(without_time(tail(1).last), "warning path: elsewhere");
	say(100 * s, 6);
	assert_string_equal(
		without_time(tail(1).last), "warning neigh: fault 6 (1 like it not shown)");
}

static void
long_line_is_cut(void **state)
{
	char text[3000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	mcr_log(CONF, ERROR, "%s", text);
	assert_in_range(strlen(tail(1).last), 400, 511);
}

static void
library_output_becomes_debug_lines(void **state)
{
	FILE *file = mcr_log_stream(MCR_LOGTYPE_EAL);
	struct lines l;

	assert_non_null(file);
	mcr_log(EAL, ERROR, "mark");
	fprintf(file, "EAL: not shown\n");
	fflush(file);
	assert_string_equal(without_time(tail(1).last), "error eal: mark");
	assert_int_equal(mcr_log_set_level("eal", "debug"), 0);
	fprintf(file, "EAL: one\nEAL: ");
	fflush(file);
	fprintf(file, "two\n\n");
	fflush(file);
	l = tail(2);
	assert_string_equal(without_time(l.first), "debug eal: EAL: one");
	assert_string_equal(without_time(l.last), "debug eal: EAL: two");
	fclose(file);
	assert_int_equal(mcr_log_set_level("all", "notice"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(journal_gets_the_level_in_front),
		cmocka_unit_test(terminal_gets_time_and_level),
		cmocka_unit_test(ring_keeps_the_last_lines),
		cmocka_unit_test(levels_by_type),
		cmocka_unit_test(one_line_in_ten_seconds),
		cmocka_unit_test(long_line_is_cut),
		cmocka_unit_test(library_output_becomes_debug_lines),
	};

	/* Thousands of lines are expected here; they would drown a failure. */
	if (freopen("/dev/null", "w", stderr) == NULL)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
