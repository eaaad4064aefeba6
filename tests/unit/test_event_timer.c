/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/timer.h"
#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static struct mcr_clock clock_;
static struct mcr_timers *timers;

/* Names of the timers in the order in which they fired. */
static char fired[64];

static void
note(struct mcr_timer *t, void *arg)
{
	strcat(fired, arg);
}

static int
setup(void **state)
{
	mcr_clock_init_fake(&clock_, 1000);
	timers = mcr_timers_create(&clock_);
	fired[0] = '\0';
	return timers != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	mcr_timers_free(timers);
	return 0;
}

static void
init_named(struct mcr_timer *t, const char *name)
{
	mcr_timer_init(t, note, (void *)(uintptr_t)name);
}

static void
fires_by_deadline_then_by_order(void **state)
{
	struct mcr_timer a, b, c, d;

	init_named(&a, "a");
	init_named(&b, "b");
	init_named(&c, "c");
	init_named(&d, "d");
	assert_int_equal(mcr_timers_next(timers), UINT64_MAX);
	assert_int_equal(mcr_timer_set(timers, &a, 2000), 0);
	assert_int_equal(mcr_timer_set(timers, &b, 1500), 0);
	assert_int_equal(mcr_timer_set_in(timers, &c, 500), 0);
	assert_int_equal(mcr_timer_set(timers, &d, 1501), 0);
	assert_true(mcr_timer_is_pending(&a));
	assert_int_equal(mcr_timers_run(timers), 0);
	mcr_clock_advance(&clock_, 500);
	assert_int_equal(mcr_timers_next(timers), 0);
	assert_int_equal(mcr_timers_run(timers), 2);
	assert_string_equal(fired, "bc");
	assert_false(mcr_timer_is_pending(&b));
	mcr_clock_advance(&clock_, 5000);
	assert_int_equal(mcr_timers_run(timers), 2);
	assert_string_equal(fired, "bcda");
}

static void
moved_timer_fires_once_at_the_new_time(void **state)
{
	struct mcr_timer a, b;

	init_named(&a, "a");
	init_named(&b, "b");
	mcr_timer_set(timers, &a, 1010);
	mcr_timer_set(timers, &b, 1020);
	mcr_timer_set(timers, &a, 1030);
	mcr_timers_warp(timers, 20);
	assert_string_equal(fired, "b");
	mcr_timers_warp(timers, 9);
	assert_string_equal(fired, "b");
	mcr_timers_warp(timers, 1);
	assert_string_equal(fired, "ba");
	mcr_timers_warp(timers, 1000);
	assert_string_equal(fired, "ba");
}

static void
cancel_is_always_allowed(void **state)
{
	struct mcr_timer a;

	init_named(&a, "a");
	mcr_timer_cancel(timers, &a);
	mcr_timer_set(timers, &a, 1001);
	mcr_timer_cancel(timers, &a);
	mcr_timer_cancel(timers, &a);
	mcr_timers_warp(timers, 100);
	assert_string_equal(fired, "");
	assert_int_equal(mcr_timers_next(timers), UINT64_MAX);
}

static void
past_counts_as_now(void **state)
{
	struct mcr_timer a, b;

	init_named(&a, "a");
	init_named(&b, "b");
	mcr_timer_set(timers, &a, 1000);
	mcr_timer_set(timers, &b, 3);
	assert_int_equal(mcr_timers_run(timers), 2);
	assert_string_equal(fired, "ab");
}

static void
far_future_does_not_wrap(void **state)
{
	struct mcr_timer a;

	init_named(&a, "a");
	mcr_timer_set_in(timers, &a, UINT64_MAX);
	assert_int_equal(a.due_ns, UINT64_MAX);
	assert_int_equal(mcr_timers_run(timers), 0);
	mcr_timers_warp(timers, UINT64_MAX);
	assert_string_equal(fired, "a");
	assert_int_equal(mcr_timers_now(timers), UINT64_MAX);
}

static void
rearm_at_once(struct mcr_timer *t, void *arg)
{
	(*(unsigned *)arg)++;
	mcr_timer_set(timers, t, 0);
}

static void
run_ends_though_a_timer_sets_itself_again(void **state)
{
	struct mcr_timer a, b;
	unsigned count = 0;

	mcr_timer_init(&a, rearm_at_once, &count);
	init_named(&b, "b");
	mcr_timer_set(timers, &a, 1000);
	mcr_timer_set(timers, &b, 1000);
	assert_int_equal(mcr_timers_run(timers), 2);
	assert_int_equal(count, 1);
	assert_string_equal(fired, "b");
	/* Overdue even on a stopped clock: the next turn must not sleep. */
	assert_int_equal(mcr_timers_next(timers), 0);
	assert_int_equal(mcr_timers_run(timers), 1);
	assert_int_equal(count, 2);
	mcr_timer_cancel(timers, &a);
}

static void
next_deadline(void **state)
{
	struct mcr_timer a;

	init_named(&a, "a");
	mcr_timer_set_in(timers, &a, 100 * MCR_NS_PER_S);
	/* The clock stands: nothing becomes due by waiting. */
	assert_int_equal(mcr_timers_next(timers), UINT64_MAX);
	mcr_clock_start(&clock_);
	assert_in_range(mcr_timers_next(timers), 1, 100 * MCR_NS_PER_S);
	mcr_timer_cancel(timers, &a);
	assert_int_equal(mcr_timers_next(timers), UINT64_MAX);
}

/* The model: an unsorted array. */
#define N 200

struct object {
	struct mcr_timer t;
	unsigned id;
};

static struct {
	struct object *object;
	bool pending;
	uint64_t due, order;
} model[N];

static struct rnd rnd;
static uint64_t model_order, model_limit, model_end;
static bool warping;
static unsigned steps;

static void model_fire(struct mcr_timer *t, void *arg);

static void
model_set(unsigned id, uint64_t due)
{
	if (model[id].object == NULL) {
		model[id].object = malloc(sizeof(struct object));
		assert_non_null(model[id].object);
		model[id].object->id = id;
		mcr_timer_init(&model[id].object->t, model_fire, model[id].object);
	}
	assert_int_equal(mcr_timer_set(timers, &model[id].object->t, due), 0);
	model[id].pending = true;
	model[id].due = due > mcr_timers_now(timers) ? due : mcr_timers_now(timers);
	model[id].order = model_order++;
}

static void
model_cancel(unsigned id)
{
	if (model[id].object != NULL)
		mcr_timer_cancel(timers, &model[id].object->t);
	model[id].pending = false;
}

static void
model_free(unsigned id)
{
	model_cancel(id);
	free(model[id].object);
	model[id].object = NULL;
}

static uint64_t
random_due(void)
{
	/* A narrow range makes equal deadlines and deadlines in the past common. */
	return mcr_timers_now(timers) - 20 + rnd_below(&rnd, 300);
}

static void
random_step(unsigned id)
{
	switch (rnd_below(&rnd, 5)) {
	case 0:
	case 1:
		model_set(id, random_due());
		break;
	case 2:
		model_cancel(id);
		break;
	case 3:
		model_free(id);
		break;
	default:
		break;
	}
}

/* The timer that must be the next to fire, or -1. */
static int
model_first(void)
{
	int first = -1;
	unsigned i;

	for (i = 0; i < N; i++) {
		if (!model[i].pending || model[i].due > model_end)
			continue;
		if (!warping && model[i].order >= model_limit)
			continue;
		if (first < 0 || model[i].due < model[first].due ||
			(model[i].due == model[first].due && model[i].order < model[first].order))
			first = i;
	}
	return first;
}

static void
model_fire(struct mcr_timer *t, void *arg)
{
	struct object *o = arg;
	unsigned id = o->id;

	assert_ptr_equal(t, &o->t);
	assert_int_equal(id, model_first());
	assert_false(mcr_timer_is_pending(t));
	if (warping)
		assert_int_equal(mcr_timers_now(timers), model[id].due);
	model[id].pending = false;
	steps++;
	random_step(id);
	random_step(rnd_below(&rnd, N));
}

static void
random_operations_against_a_model(void **state)
{
	unsigned round, i;

	rnd = rnd_init("timer heap");
	model_order = 0;
	for (round = 0; round < 20000; round++) {
		random_step(rnd_below(&rnd, N));
		if (rnd_below(&rnd, 8) != 0)
			continue;
		warping = rnd_below(&rnd, 2) == 0;
		model_limit = model_order;
		if (warping) {
			uint64_t ns = rnd_below(&rnd, 100);

			model_end = mcr_timers_now(timers) + ns;
			mcr_timers_warp(timers, ns);
			assert_int_equal(mcr_timers_now(timers), model_end);
		} else {
			mcr_clock_advance(&clock_, rnd_below(&rnd, 100));
			model_end = mcr_timers_now(timers);
			mcr_timers_run(timers);
		}
		assert_int_equal(model_first(), -1);
		for (i = 0; i < N; i++) {
			if (model[i].object != NULL)
				assert_int_equal(mcr_timer_is_pending(&model[i].object->t),
					model[i].pending);
		}
	}
	assert_true(steps > 1000);
	for (i = 0; i < N; i++)
		model_free(i);
	assert_int_equal(mcr_timers_next(timers), UINT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(fires_by_deadline_then_by_order, setup, teardown),
		cmocka_unit_test_setup_teardown(
			moved_timer_fires_once_at_the_new_time, setup, teardown),
		cmocka_unit_test_setup_teardown(cancel_is_always_allowed, setup, teardown),
		cmocka_unit_test_setup_teardown(past_counts_as_now, setup, teardown),
		cmocka_unit_test_setup_teardown(far_future_does_not_wrap, setup, teardown),
		cmocka_unit_test_setup_teardown(
			run_ends_though_a_timer_sets_itself_again, setup, teardown),
		cmocka_unit_test_setup_teardown(next_deadline, setup, teardown),
		cmocka_unit_test_setup_teardown(random_operations_against_a_model, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
