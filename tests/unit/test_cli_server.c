/* SPDX-License-Identifier: BSD-3-Clause */
/* The control socket with real clients; one thread runs the loop and the clients in turn. */
#include "cli/server.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli_table.h"
#include "random.h"

#define MAX_TURNS 100000

static char dir[] = "/tmp/mcr-server.XXXXXX";
static struct sockaddr_un addr = {.sun_family = AF_UNIX};
static struct mcr_clock test_clock;
static struct mcr_timers *timers;
static struct mcr_loop *loop;
static struct mcr_syntax *sx;
static struct mcr_server *server;
static unsigned n_closed, n_ran;

static int
test_run(struct mcr_session *s, const struct mcr_args *a)
{
	char line[MCR_LINE_MAX + 1];

	n_ran++;
	mcr_args_line(a, line);
	if (strcmp(line, "quit") == 0)
		s->quit = true;
	mcr_session_printf(s, "%s\n", line);
	/* "show log N": N kilobytes. */
	for (uint64_t i = 0; strncmp(line, "show log", 8) == 0 && i < a->arg[0].num; i++)
		mcr_session_printf(s, "%01023d\n", 7);
	return MCR_OK;
}

static void
closed(struct mcr_session *s)
{
	n_closed++;
}

static int
edit(struct mcr_session *s, const struct mcr_args *a, struct mcr_errs *errs)
{
	return 0;
}

static void
names(void *arg, const char *kind, void (*each)(void *ctx, const char *name), void *ctx)
{
	if (strcmp(kind, "port") == 0)
		each(ctx, arg);
}

static char app_port[] = "lan";
static const struct mcr_session_ops ops = {.edit = edit, .names = names, .closed = closed};

static struct mcr_server *
create(struct mcr_errs *errs)
{
	return mcr_server_create(loop, addr.sun_path, NULL, sx, &ops, app_port, errs);
}

static int
setup(void **state)
{
	struct mcr_errs errs = {0};

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/sock", dir);
	/* The protocol clock stands still: nothing here may depend on it. */
	mcr_clock_init_fake(&test_clock, 1);
	timers = mcr_timers_create(&test_clock);
	loop = mcr_loop_create(timers);
	server = create(&errs);
	mcr_errs_print(stderr, &errs);
	mcr_errs_fini(&errs);
	if (server == NULL)
		return 1;
	mcr_server_set_ready(server, true);
	n_closed = n_ran = 0;
	return 0;
}

static int
teardown(void **state)
{
	struct stat st;

	mcr_server_free(server);
	mcr_loop_free(loop);
	mcr_timers_free(timers);
	assert_int_equal(stat(addr.sun_path, &st), -1);
	return 0;
}

static int
dial(void)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static void
turns(unsigned n)
{
	while (n-- > 0)
		assert_int_equal(mcr_loop_turn(loop, 0), 0);
}

static void
send_text(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Read until `len` bytes are there, or the end. Returns how many. */
static size_t
receive(int fd, char *buf, size_t len)
{
	size_t got = 0;

	for (unsigned i = 0; got < len && i < MAX_TURNS; i++) {
		ssize_t n;

		turns(1);
		n = recv(fd, buf + got, len - got, 0);
		if (n == 0)
			break;
		assert_true(n > 0 || errno == EAGAIN || errno == ECONNRESET);
		if (n < 0 && errno == ECONNRESET)
			break;
		got += n > 0 ? (size_t)n : 0;
	}
	return got;
}

static void
assert_receives(int fd, const char *want)
{
	char buf[4096];
	const size_t len = strlen(want);

	assert_true(len < sizeof(buf));
	assert_int_equal(receive(fd, buf, len), len);
	assert_memory_equal(buf, want, len);
}

static void
assert_closed(int fd)
{
	char byte;

	assert_int_equal(receive(fd, &byte, 1), 0);
	close(fd);
}

static void
wait_for_clients(unsigned n)
{
	for (unsigned i = 0; i < MAX_TURNS && mcr_server_clients(server) != n; i++)
		turns(1);
	assert_int_equal(mcr_server_clients(server), n);
}

static void
requests_are_answered_in_order(void **state)
{
	const int fd = dial();

	send_text(fd, "exec show groups\njson show groups\r\nexec nonsense\ncomplete set po\n"
		      "complete set port \nexec begin\n");
	assert_receives(fd,
		"0 12\nshow groups\n0 12\nshow groups\n2 128\n"
		"error: not understood: \"nonsense\"\n     nonsense\n"
		"     ^ expected: set, del, add, begin, save, load, show, clear, capture "
		"or quit\n0 5\nport\n0 4\nlan\n0 6\nbegin\n");
	close(fd);
	wait_for_clients(0);
	assert_int_equal(n_closed, 1);
}

static void
a_request_may_come_in_pieces(void **state)
{
	static const char text[] = "exec show groups\nexec begin\n";
	const int fd = dial();

	for (size_t i = 0; i + 1 < sizeof(text); i++) {
		assert_int_equal(send(fd, &text[i], 1, 0), 1);
		turns(2);
	}
	assert_receives(fd, "0 12\nshow groups\n0 6\nbegin\n");
	close(fd);
}

static void
a_client_that_sent_all_gets_all(void **state)
{
	const int fd = dial();

	send_text(fd, "exec show groups\nexec begin\nexec show gro");
	shutdown(fd, SHUT_WR);
	/* The unfinished line is no request. */
	assert_receives(fd, "0 12\nshow groups\n0 6\nbegin\n");
	assert_closed(fd);
	assert_int_equal(n_ran, 2);
}

static void
quit_closes_after_the_answer(void **state)
{
	const int fd = dial();

	send_text(fd, "exec quit\nexec begin\n");
	assert_receives(fd, "0 5\nquit\n");
	assert_closed(fd);
	assert_int_equal(n_ran, 1);
}

static void
a_starting_daemon_says_try_again(void **state)
{
	const int fd = dial();
	char buf[256] = "";

	mcr_server_set_ready(server, false);
	send_text(fd, "exec show groups\n");
	assert_true(receive(fd, buf, 3) == 3);
	assert_memory_equal(buf, "75 ", 3);
	assert_int_equal(n_ran, 0);
	close(fd);
}

static void
events_go_to_those_who_asked(void **state)
{
	const int one = dial(), two = dial(), three = dial();
	char byte;

	send_text(one, "events\n");
	send_text(two, "exec begin\nevents\nexec begin\n");
	assert_receives(one, "0 0\n");
	assert_receives(two, "0 6\nbegin\n0 0\n");
	wait_for_clients(3);
	mcr_server_event(server, "{\"event\":\"join\"}");
	mcr_server_event(server, "{\"event\":\"leave\"}");
	assert_receives(one, "{\"event\":\"join\"}\n{\"event\":\"leave\"}\n");
	assert_receives(two, "{\"event\":\"join\"}\n{\"event\":\"leave\"}\n");
	assert_int_equal(recv(three, &byte, 1, 0), -1);
	/* An events connection takes no requests. */
	assert_int_equal(n_ran, 1);
	close(one);
	wait_for_clients(2);
	mcr_server_event(server, "{\"event\":\"ready\"}");
	assert_receives(two, "{\"event\":\"ready\"}\n");
	close(two);
	close(three);
}

static void
t24_junk_is_answered_or_dropped(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} junk[] = {{"\n", 1}, {"\n\n\n", 3}, {"exec\n", 5}, {"exec \n", 6},
		{"GET / HTTP/1.1\r\n\r\n", 18}, {"\xff\xfe\x00\x01\n", 5},
		{"exec show\0groups\n", 17}, {"json \x1b[31m\n", 11}, {"complete\n", 9},
		{"complete \xff\n", 11}, {"events x\n", 9}};
	struct rnd r = rnd_init("socket junk");
	char big[5000], buf[8192];
	int fd;

	for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
		fd = dial();
		assert_int_equal(send(fd, junk[i].bytes, junk[i].len, 0), junk[i].len);
		send_text(fd, "exec begin\n");
		shutdown(fd, SHUT_WR);
		buf[receive(fd, buf, sizeof(buf) - 1)] = '\0';
		assert_null(strchr(buf, '\x1b'));
		close(fd);
	}
	assert_int_equal(n_ran, sizeof(junk) / sizeof(junk[0]));
	/* No end of line: refused once, then closed. */
	fd = dial();
	memset(big, 'x', sizeof(big));
	assert_true(send(fd, big, sizeof(big), 0) > 0);
	assert_receives(fd, "2 ");
	receive(fd, buf, sizeof(buf));
	assert_closed(fd);
	for (unsigned i = 0; i < 300; i++) {
		const size_t n = 1 + rnd_below(&r, sizeof(big));

		fd = dial();
		for (size_t k = 0; k < n; k++)
			big[k] = (char)(rnd_below(&r, 20) ? rnd_next(&r) : '\n');
		assert_true(send(fd, big, n, MSG_NOSIGNAL) > 0);
		turns(1 + rnd_below(&r, 4));
		close(fd);
	}
	wait_for_clients(0);
	fd = dial();
	send_text(fd, "exec begin\n");
	assert_receives(fd, "0 6\nbegin\n");
	close(fd);
}

static void
t24_a_client_that_does_not_read_waits_alone(void **state)
{
	const int slow = dial();
	const size_t answer = strlen("show log 400\n") + 400 * 1024, head = strlen("0 409613\n");
	char *buf = malloc(8 * (answer + head));
	int fd;

	/* Eight answers of 400 KiB: after 1 MiB the next request is left in the socket. */
	for (unsigned i = 0; i < 8; i++)
		send_text(slow, "exec show log 400\n");
	turns(50);
	assert_true(n_ran >= 2 && n_ran <= 4);
	/* Others are served meanwhile. */
	fd = dial();
	send_text(fd, "exec begin\n");
	assert_receives(fd, "0 6\nbegin\n");
	close(fd);
	wait_for_clients(1);
	/* It reads after all: everything comes, in order. */
	assert_int_equal(receive(slow, buf, 8 * (answer + head)), 8 * (answer + head));
	assert_int_equal(n_ran, 9);
	for (unsigned i = 0; i < 8; i++)
		assert_memory_equal(buf + i * (answer + head), "0 409613\nshow log 400\n0000", 26);
	free(buf);
	close(slow);
	wait_for_clients(0);
}

static void
t24_an_events_client_that_does_not_read_is_dropped(void **state)
{
	const int slow = dial(), fd = dial();
	char *line = malloc(1 << 20);

	memset(line, 'x', (1 << 20) - 1);
	line[(1 << 20) - 1] = '\0';
	send_text(slow, "events\n");
	send_text(fd, "exec begin\n");
	assert_receives(fd, "0 6\nbegin\n");
	assert_receives(slow, "0 0\n");
	assert_int_equal(mcr_server_clients(server), 2);
	/* 64 MiB may wait; more ends the client, at once and without a timer. */
	for (unsigned i = 0; i < 66 && mcr_server_clients(server) == 2; i++)
		mcr_server_event(server, line);
	assert_int_equal(mcr_server_clients(server), 1);
	send_text(fd, "exec begin\n");
	assert_receives(fd, "0 6\nbegin\n");
	free(line);
	close(slow);
	close(fd);
}

static void
t24_too_many_clients_are_refused(void **state)
{
	int fd[256], more;
	char buf[64];

	for (unsigned i = 0; i < 256; i++) {
		fd[i] = dial();
		turns(1);
	}
	wait_for_clients(256);
	more = dial();
	assert_int_equal(receive(more, buf, 10), 10);
	assert_memory_equal(buf, "75 ", 3);
	receive(more, buf, sizeof(buf));
	assert_closed(more);
	assert_int_equal(mcr_server_clients(server), 256);
	send_text(fd[200], "exec begin\n");
	assert_receives(fd[200], "0 6\nbegin\n");
	close(fd[0]);
	wait_for_clients(255);
	more = dial();
	send_text(more, "exec begin\n");
	assert_receives(more, "0 6\nbegin\n");
	close(more);
	for (unsigned i = 1; i < 256; i++)
		close(fd[i]);
	wait_for_clients(0);
}

static void
t24_many_short_connections(void **state)
{
	for (unsigned i = 0; i < 3000; i++) {
		const int fd = dial();

		if (i % 3 == 0)
			send_text(fd, "exec begin\n");
		turns(i % 2);
		close(fd);
		turns(1);
	}
	wait_for_clients(0);
	assert_int_equal(n_closed, 3000);
}

/* Without descriptors the backlog waits: the loop does not spin, and the client is served later. */
static void
t24_no_descriptors_left(void **state)
{
	const int fd = dial();
	struct rlimit old, none;
	int first_free = dup(0);

	assert_true(first_free >= 0);
	close(first_free);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = (rlim_t)first_free;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	send_text(fd, "exec begin\n");
	turns(10);
	assert_int_equal(mcr_server_clients(server), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	/* The server looks again within a second. */
	for (unsigned i = 0; i < 100 && mcr_server_clients(server) == 0; i++)
		assert_int_equal(mcr_loop_turn(loop, 100), 0);
	assert_receives(fd, "0 6\nbegin\n");
	close(fd);
}

static void
rights_of_the_socket(void **state)
{
	struct stat st;

	assert_int_equal(stat(addr.sun_path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0660);
}

static void
a_live_socket_is_left_alone(void **state)
{
	struct mcr_errs errs = {0};
	const int fd = dial();

	assert_null(create(&errs));
	assert_int_equal(errs.n_errors, 1);
	assert_non_null(strstr(errs.item[0].text, "another mcrd answers"));
	assert_true(errs.item[0].fix[0] != '\0');
	mcr_errs_fini(&errs);
	send_text(fd, "exec begin\n");
	assert_receives(fd, "0 6\nbegin\n");
	close(fd);
}

static void
a_stale_socket_is_replaced(void **state)
{
	struct mcr_errs errs = {0};
	const int stale = socket(AF_UNIX, SOCK_STREAM, 0);
	int fd;

	mcr_server_free(server);
	assert_int_equal(bind(stale, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	close(stale);
	server = create(&errs);
	assert_non_null(server);
	assert_int_equal(errs.count, 0);
	mcr_server_set_ready(server, true);
	fd = dial();
	send_text(fd, "exec begin\n");
	assert_receives(fd, "0 6\nbegin\n");
	close(fd);
}

static void
what_is_no_socket_is_not_removed(void **state)
{
	struct mcr_errs errs = {0};
	char path[128];
	FILE *f;

	mcr_server_free(server);
	server = NULL;
	snprintf(path, sizeof(path), "%s", addr.sun_path);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	assert_null(create(&errs));
	assert_non_null(strstr(errs.item[0].text, "is no socket"));
	assert_int_equal(unlink(path), 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/nosuch/sock", dir);
	assert_null(create(&errs));
	assert_non_null(strstr(errs.item[1].fix, "mkdir"));
	mcr_errs_fini(&errs);
}

static int
group_setup(void **state)
{
	sx = mcr_syntax_create(test_table, TEST_ROWS);
	return sx == NULL || mkdtemp(dir) == NULL;
}

static int
group_teardown(void **state)
{
	mcr_syntax_free(sx);
	return rmdir(dir);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(requests_are_answered_in_order),
		CASE(a_request_may_come_in_pieces),
		CASE(a_client_that_sent_all_gets_all),
		CASE(quit_closes_after_the_answer),
		CASE(a_starting_daemon_says_try_again),
		CASE(events_go_to_those_who_asked),
		CASE(t24_junk_is_answered_or_dropped),
		CASE(t24_a_client_that_does_not_read_waits_alone),
		CASE(t24_an_events_client_that_does_not_read_is_dropped),
		CASE(t24_too_many_clients_are_refused),
		CASE(t24_many_short_connections),
		CASE(t24_no_descriptors_left),
		CASE(rights_of_the_socket),
		CASE(a_live_socket_is_left_alone),
		CASE(a_stale_socket_is_replaced),
		CASE(what_is_no_socket_is_not_removed),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
