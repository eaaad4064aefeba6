/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <cmocka.h>

static struct mcr_clock clock_;
static struct mcr_timers *timers;
static struct mcr_loop *loop;

/* A descriptor that is readable, and how often the loop said so. */
struct probe {
	int fd;
	unsigned calls;
	struct probe *victim;
	int reopened;
};

static int
setup(void **state)
{
	mcr_clock_init_fake(&clock_, 0);
	timers = mcr_timers_create(&clock_);
	loop = mcr_loop_create(timers);
	return timers != NULL && loop != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	mcr_loop_free(loop);
	mcr_timers_free(timers);
	return 0;
}

static int
ready_fd(void)
{
	int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);

	assert_true(fd >= 0);
	return fd;
}

static void
count(void *arg, int fd, uint32_t events)
{
	struct probe *p = arg;

	assert_int_equal(fd, p->fd);
	assert_int_equal(events, EPOLLIN);
	p->calls++;
}

static void
delivers_while_ready(void **state)
{
	struct probe p = {.fd = ready_fd()};
	uint64_t value;

	assert_int_equal(mcr_loop_add(loop, p.fd, EPOLLIN, count, &p), 0);
	assert_int_equal(mcr_loop_turn(loop, 0), 0);
	assert_int_equal(mcr_loop_turn(loop, 0), 0);
	assert_int_equal(p.calls, 2);
	assert_int_equal(read(p.fd, &value, sizeof(value)), sizeof(value));
	assert_int_equal(mcr_loop_turn(loop, 0), 0);
	assert_int_equal(p.calls, 2);
	mcr_loop_del(loop, p.fd);
	close(p.fd);
}

static void
wrong_calls_are_refused(void **state)
{
	struct probe p = {.fd = ready_fd()};
	int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	assert_int_equal(mcr_loop_add(loop, -1, EPOLLIN, count, &p), -EBADF);
	assert_int_equal(mcr_loop_mod(loop, p.fd, EPOLLIN), -ENOENT);
	assert_int_equal(mcr_loop_add(loop, p.fd, EPOLLIN, count, &p), 0);
	assert_int_equal(mcr_loop_add(loop, p.fd, EPOLLIN, count, &p), -EEXIST);
	assert_int_equal(mcr_loop_mod(loop, p.fd, 0), 0);
	assert_int_equal(mcr_loop_turn(loop, 0), 0);
	assert_int_equal(p.calls, 0);
	assert_int_equal(mcr_loop_mod(loop, p.fd, EPOLLIN), 0);
	assert_int_equal(mcr_loop_turn(loop, 0), 0);
	assert_int_equal(p.calls, 1);
	mcr_loop_del(loop, p.fd);
	mcr_loop_del(loop, p.fd);
	assert_int_equal(mcr_loop_mod(loop, p.fd, EPOLLIN), -ENOENT);
	/* A plain file cannot be waited for, and leaves nothing behind. */
	assert_true(file >= 0);
	assert_int_equal(mcr_loop_add(loop, file, EPOLLIN, count, &p), -EPERM);
	assert_int_equal(mcr_loop_mod(loop, file, EPOLLIN), -ENOENT);
	close(file);
	close(p.fd);
}

static void
remove_victim(void *arg, int fd, uint32_t events)
{
	struct probe *p = arg;

	p->calls++;
	mcr_loop_del(loop, p->victim->fd);
}

/* Both are ready in one turn; whichever comes first removes the other. */
static void
removed_descriptor_is_not_delivered(void **state)
{
	struct probe a = {.fd = ready_fd()}, b = {.fd = ready_fd(), .victim = &a};

	a.victim = &b;
	assert_int_equal(mcr_loop_add(loop, a.fd, EPOLLIN, remove_victim, &a), 0);
	assert_int_equal(mcr_loop_add(loop, b.fd, EPOLLIN, remove_victim, &b), 0);
	assert_int_equal(mcr_loop_turn(loop, 0), 0);
	assert_int_equal(a.calls + b.calls, 1);
	mcr_loop_del(loop, a.fd);
	mcr_loop_del(loop, b.fd);
	close(a.fd);
	close(b.fd);
}

static void
removes_itself(void **state)
{
	struct probe a = {.fd = ready_fd()};

	a.victim = &a;
	assert_int_equal(mcr_loop_add(loop, a.fd, EPOLLIN, remove_victim, &a), 0);
	assert_int_equal(mcr_loop_turn(loop, 0), 0);
	assert_int_equal(mcr_loop_turn(loop, 0), 0);
	assert_int_equal(a.calls, 1);
	close(a.fd);
}

static void
reopen_victim(void *arg, int fd, uint32_t events)
{
	struct probe *p = arg;
	struct probe *v = p->victim;

	p->calls++;
	if (p->reopened || v->reopened)
		return;
	p->reopened = 1;
	mcr_loop_del(loop, v->fd);
	close(v->fd);
	/* The same number, another file, not ready: the fetched event is not its own. */
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_int_equal(fd, v->fd);
	assert_int_equal(mcr_loop_add(loop, fd, EPOLLIN, reopen_victim, v), 0);
}

static void
event_of_an_earlier_use_of_the_number_is_dropped(void **state)
{
	struct probe a = {.fd = ready_fd()}, b = {.fd = ready_fd(), .victim = &a};

	a.victim = &b;
	assert_int_equal(mcr_loop_add(loop, a.fd, EPOLLIN, reopen_victim, &a), 0);
	assert_int_equal(mcr_loop_add(loop, b.fd, EPOLLIN, reopen_victim, &b), 0);
	assert_int_equal(mcr_loop_turn(loop, 0), 0);
	assert_int_equal(a.calls + b.calls, 1);
	/* The new use itself is served. */
	assert_int_equal(eventfd_write(a.fd, 1), 0);
	assert_int_equal(eventfd_write(b.fd, 1), 0);
	assert_int_equal(mcr_loop_turn(loop, 0), 0);
	assert_int_equal(a.calls + b.calls, 3);
	mcr_loop_del(loop, a.fd);
	mcr_loop_del(loop, b.fd);
	close(a.fd);
	close(b.fd);
}

static struct probe high;

static void
add_high(void *arg, int fd, uint32_t events)
{
	struct probe *p = arg;

	p->calls++;
	if (high.fd != 0)
		return;
	high.fd = fcntl(fd, F_DUPFD_CLOEXEC, 700);
	assert_true(high.fd >= 700);
	assert_int_equal(mcr_loop_add(loop, high.fd, EPOLLIN, count, &high), 0);
}

static void
callback_may_add_high_numbers(void **state)
{
	struct probe a = {.fd = ready_fd()}, b = {.fd = ready_fd()};

	assert_int_equal(mcr_loop_add(loop, a.fd, EPOLLIN, add_high, &a), 0);
	assert_int_equal(mcr_loop_add(loop, b.fd, EPOLLIN, count, &b), 0);
	assert_int_equal(mcr_loop_turn(loop, 0), 0);
	assert_int_equal(mcr_loop_turn(loop, 0), 0);
	assert_int_equal(a.calls, 2);
	assert_int_equal(b.calls, 2);
	assert_int_equal(high.calls, 1);
	close(high.fd);
	/* Closed first, then removed: allowed, though the other order is the rule. */
	mcr_loop_del(loop, high.fd);
	close(a.fd);
	close(b.fd);
}

static void
timer_ends_run(struct mcr_timer *t, void *arg)
{
	mcr_loop_stop(loop);
}

static void
count_turn(void *arg)
{
	(*(unsigned *)arg)++;
}

static void
run_sleeps_until_the_timer(void **state)
{
	unsigned turns = 0;
	struct mcr_timer t;

	mcr_timer_init(&t, timer_ends_run, NULL);
	mcr_clock_start(&clock_);
	mcr_loop_on_turn(loop, count_turn, &turns);
	assert_int_equal(mcr_timer_set_in(timers, &t, 20 * MCR_NS_PER_MS), 0);
	mcr_loop_run(loop);
	assert_true(mcr_timers_now(timers) >= 20 * MCR_NS_PER_MS);
	/* One turn, or two if the wait ended a little early; more would be spinning. */
	assert_in_range(turns, 1, 2);
}

static void
stop_before_run_is_kept(void **state)
{
	unsigned turns = 0;

	mcr_loop_on_turn(loop, count_turn, &turns);
	mcr_loop_stop(loop);
	mcr_loop_run(loop);
	assert_int_equal(turns, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(delivers_while_ready, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_calls_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
			removed_descriptor_is_not_delivered, setup, teardown),
		cmocka_unit_test_setup_teardown(removes_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(
			event_of_an_earlier_use_of_the_number_is_dropped, setup, teardown),
		cmocka_unit_test_setup_teardown(callback_may_add_high_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(run_sleeps_until_the_timer, setup, teardown),
		cmocka_unit_test_setup_teardown(stop_before_run_is_kept, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
