/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The console in a child process on a pseudo-terminal, or on pipes; the test types and reads. The
 * only waiting is for output that must come.
 */
#include "cli/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli_table.h"

#define LIMIT_MS 20000
#define BIG_LINES 30000

static struct mcr_loop *loop;
static unsigned n_ends;

static int
test_run(struct mcr_session *s, const struct mcr_args *a)
{
	char line[MCR_LINE_MAX + 1];

	mcr_args_line(a, line);
	if (strcmp(line, "quit") == 0)
		s->quit = true;
	mcr_session_printf(s, "ran %s\n", line);
	for (unsigned i = 0; strcmp(line, "save big") == 0 && i < BIG_LINES; i++)
		mcr_session_printf(s, "%079u\n", i);
	return MCR_OK;
}

static int
edit(struct mcr_session *s, const struct mcr_args *a, struct mcr_errs *errs)
{
	return 0;
}

static void
names(void *arg, const char *kind, void (*each)(void *ctx, const char *name), void *ctx)
{
	if (strcmp(kind, "port") == 0) {
		each(ctx, "lan1");
		each(ctx, "lan2");
	}
}

static void
prompt(struct mcr_session *s, char *buf, size_t size)
{
	snprintf(buf, size, "demo# ");
}

static void
on_end(void *app)
{
	n_ends++;
	mcr_loop_stop(loop);
}

/* The child: 0 when the console ended once and in order. */
static int
run_console(void)
{
	static const struct mcr_session_ops ops = {.edit = edit, .names = names, .prompt = prompt};
	struct mcr_syntax *sx = mcr_syntax_create(test_table, TEST_ROWS);
	struct mcr_clock test_clock;
	struct mcr_timers *timers;
	struct mcr_console *c;

	mcr_clock_init(&test_clock);
	timers = mcr_timers_create(&test_clock);
	loop = mcr_loop_create(timers);
	c = mcr_console_create(loop, sx, &ops, NULL, on_end);
	if (c == NULL)
		return 2;
	mcr_loop_run(loop);
	mcr_console_free(c);
	mcr_loop_free(loop);
	mcr_timers_free(timers);
	mcr_syntax_free(sx);
	return n_ends == 1 ? 0 : 3;
}

struct terminal {
	pid_t pid;
	int fd;
	char seen[1 << 16];
	size_t len;
};

static void
start(struct terminal *t)
{
	t->len = 0;
	t->seen[0] = '\0';
	t->pid = forkpty(&t->fd, NULL, NULL, NULL);
	assert_true(t->pid >= 0);
	if (t->pid == 0)
		_exit(run_console());
}

/* Read until `want` has come; what came before it is forgotten. */
static void
expect(struct terminal *t, const char *want)
{
	char *at;

	while ((at = strstr(t->seen, want)) == NULL) {
		struct pollfd p = {.fd = t->fd, .events = POLLIN};
		ssize_t n;

		if (poll(&p, 1, LIMIT_MS) != 1)
			fail_msg("no \"%s\" after: %s", want, t->seen);
		if (t->len + 4096 >= sizeof(t->seen))
			t->len = 0;
		n = read(t->fd, t->seen + t->len, 4096);
		if (n <= 0)
			fail_msg("end instead of \"%s\" after: %s", want, t->seen);
		t->len += (size_t)n;
		t->seen[t->len] = '\0';
	}
	at += strlen(want);
	t->len -= (size_t)(at - t->seen);
	memmove(t->seen, at, t->len + 1);
}

static void
type(struct terminal *t, const char *keys)
{
	assert_int_equal(write(t->fd, keys, strlen(keys)), strlen(keys));
}

static void
assert_exited(const struct terminal *t)
{
	int status;

	assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
assert_ended(struct terminal *t)
{
	assert_exited(t);
	close(t->fd);
}

static void
lines_are_edited_and_run(void **state)
{
	struct terminal t;

	start(&t);
	expect(&t, "demo# ");
	type(&t, "show groupz\x7fs\r");
	expect(&t, "ran show groups\r\n");
	expect(&t, "demo# ");
	type(&t, "nonsense\r");
	expect(&t, "error: not understood: \"nonsense\"");
	expect(&t, "demo# ");
	/* Twice up: the line before the wrong one. */
	type(&t, "\x1b[A\x1b[A\r");
	expect(&t, "ran show groups\r\n");
	/* Ctrl-C clears the line and does not end the daemon. */
	type(&t, "rubbish\x03");
	expect(&t, "demo# ");
	type(&t, "begin\r");
	expect(&t, "ran begin\r\n");
	type(&t, "quit\r");
	expect(&t, "ran quit");
	assert_ended(&t);
}

static void
tab_completes_words_and_names(void **state)
{
	struct terminal t;

	start(&t);
	expect(&t, "demo# ");
	type(&t, "sh\tgroups\r");
	expect(&t, "ran show groups\r\n");
	/* The common beginning, then the choices. */
	type(&t, "set po\tl\t\t");
	expect(&t, "lan1");
	expect(&t, "lan2");
	type(&t, "1 mtu ?");
	expect(&t, "expected: 576-9702");
	type(&t, "1500 \t");
	expect(&t, "Enter");
	type(&t, "\x04\x15\x0b\x03\x04");
	assert_ended(&t);
}

static void
the_terminal_is_given_back(void **state)
{
	struct termios before, during, after;
	int master, slave;
	struct terminal t = {0};

	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	assert_int_equal(tcgetattr(slave, &before), 0);
	t.fd = master;
	t.pid = fork();
	assert_true(t.pid >= 0);
	if (t.pid == 0) {
		dup2(slave, STDIN_FILENO);
		dup2(slave, STDOUT_FILENO);
		_exit(run_console());
	}
	expect(&t, "demo# ");
	assert_int_equal(tcgetattr(slave, &during), 0);
	assert_int_equal(during.c_lflag & (ICANON | ECHO | ISIG), 0);
	/* The shell's descriptor must not become non-blocking. */
	assert_int_equal(fcntl(slave, F_GETFL) & O_NONBLOCK, 0);
	type(&t, "\x04");
	assert_exited(&t);
	assert_int_equal(tcgetattr(slave, &after), 0);
	assert_int_equal(after.c_lflag, before.c_lflag);
	close(slave);
	close(t.fd);
}

static void
a_terminal_that_goes_away_ends_the_console(void **state)
{
	struct terminal t;
	int status;

	start(&t);
	expect(&t, "demo# ");
	/* Without the hangup signal of a real login the end of input alone must do. */
	close(t.fd);
	assert_int_equal(waitpid(t.pid, &status, 0), t.pid);
	assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGHUP : WEXITSTATUS(status) == 0);
}

static pid_t
start_on_pipes(int *to, FILE **from)
{
	int in[2], out[2];
	pid_t pid;

	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		close(in[1]);
		close(out[0]);
		_exit(run_console());
	}
	close(in[0]);
	close(out[1]);
	*to = in[1];
	*from = fdopen(out[0], "r");
	return pid;
}

static void
plain_lines_from_a_pipe(void **state)
{
	static const char input[] = "begin\n# no\n\nnonsense\nshow groups"; /* no end of line */
	char text[4096];
	FILE *from;
	int to, status;
	const pid_t pid = start_on_pipes(&to, &from);

	assert_int_equal(write(to, input, strlen(input)), strlen(input));
	close(to);
	text[fread(text, 1, sizeof(text) - 1, from)] = '\0';
	assert_string_equal(text,
		"ran begin\n"
		"error: not understood: \"nonsense\"\n"
		"     nonsense\n"
		"     ^ expected: set, del, add, begin, save, load, show, clear, capture or quit\n"
		"ran show groups\n");
	fclose(from);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* 2.4 MB into a pipe that takes 64 KB: nothing blocks, nothing is lost, the next line waits. */
static void
output_waits_for_its_reader(void **state)
{
	static const char input[] = "save big\nsave big\nbegin\n";
	char line[128], want[128];
	FILE *from;
	int to, status;
	const pid_t pid = start_on_pipes(&to, &from);

	assert_int_equal(write(to, input, strlen(input)), strlen(input));
	close(to);
	for (unsigned k = 0; k < 2; k++) {
		assert_non_null(fgets(line, sizeof(line), from));
		assert_string_equal(line, "ran save big\n");
		for (unsigned i = 0; i < BIG_LINES; i++) {
			snprintf(want, sizeof(want), "%079u\n", i);
			assert_non_null(fgets(line, sizeof(line), from));
			assert_string_equal(line, want);
		}
	}
	assert_non_null(fgets(line, sizeof(line), from));
	assert_string_equal(line, "ran begin\n");
	assert_null(fgets(line, sizeof(line), from));
	fclose(from);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_edited_and_run),
		cmocka_unit_test(tab_completes_words_and_names),
		cmocka_unit_test(the_terminal_is_given_back),
		cmocka_unit_test(a_terminal_that_goes_away_ends_the_console),
		cmocka_unit_test(plain_lines_from_a_pipe),
		cmocka_unit_test(output_waits_for_its_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
