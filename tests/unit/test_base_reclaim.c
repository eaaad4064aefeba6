/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/reclaim.h"
#include "random.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <cmocka.h>

#define READERS 3

struct log {
	unsigned count;
	unsigned last;
};

/* Objects of the sequential tests are numbers; they come back in the order of retirement. */
static void
note(void *arg, void *object)
{
	struct log *log = arg;
	unsigned number = (uintptr_t)object;

	assert_int_equal(number, log->count);
	log->last = number;
	log->count++;
}

static void
retire_number(struct mcr_reclaim *r, struct log *log, unsigned number)
{
	mcr_retire(r, note, log, (void *)(uintptr_t)number);
}

static void
nobody_online_frees_at_once(void **state)
{
	struct mcr_reclaim *r = mcr_reclaim_create(READERS);
	struct log log = {0};

	assert_non_null(r);
	assert_int_equal(mcr_reclaim_poll(r), 0);
	retire_number(r, &log, 0);
	assert_int_equal(log.count, 0);
	assert_int_equal(mcr_reclaim_poll(r), 0);
	assert_int_equal(log.count, 1);
	mcr_reclaim_free(r);
}

static void
reader_numbers_are_checked(void **state)
{
	struct mcr_reclaim *r = mcr_reclaim_create(2);

	assert_int_equal(mcr_reclaim_reader_add(r, 0), 0);
	assert_int_equal(mcr_reclaim_reader_add(r, 1), 0);
	assert_int_equal(mcr_reclaim_reader_add(r, 2), -EINVAL);
	mcr_reclaim_free(r);
	mcr_reclaim_free(NULL);
}

static void
grace_period_needs_every_reader_online(void **state)
{
	struct mcr_reclaim *r = mcr_reclaim_create(READERS);
	struct log log = {0};
	unsigned i;

	for (i = 0; i < READERS; i++)
		assert_int_equal(mcr_reclaim_reader_add(r, i), 0);
	mcr_reclaim_online(r, 0);
	mcr_reclaim_online(r, 2);
	retire_number(r, &log, 0);
	assert_int_equal(mcr_reclaim_poll(r), 1);
	mcr_reclaim_quiescent(r, 0);
	assert_int_equal(mcr_reclaim_poll(r), 1);
	retire_number(r, &log, 1);
	mcr_reclaim_quiescent(r, 2);
	/* The second was retired after reader 0 had reported. */
	assert_int_equal(mcr_reclaim_poll(r), 1);
	assert_int_equal(log.count, 1);
	mcr_reclaim_offline(r, 0);
	assert_int_equal(mcr_reclaim_poll(r), 0);
	assert_int_equal(log.count, 2);
	/* Who comes online later never saw what was unpublished before. */
	mcr_reclaim_offline(r, 2);
	retire_number(r, &log, 2);
	mcr_reclaim_online(r, 1);
	assert_int_equal(mcr_reclaim_poll(r), 0);
	mcr_reclaim_offline(r, 1);
	mcr_reclaim_free(r);
}

/* Counts around the size of a chunk, with the queue running full and empty. */
static void
many_objects_keep_their_order(void **state)
{
	static const unsigned counts[] = {1, 126, 127, 128, 254, 255, 1000};
	struct mcr_reclaim *r = mcr_reclaim_create(1);
	unsigned i, n;

	assert_int_equal(mcr_reclaim_reader_add(r, 0), 0);
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct log log = {0};

		mcr_reclaim_online(r, 0);
		for (n = 0; n < counts[i]; n++)
			retire_number(r, &log, n);
		assert_int_equal(mcr_reclaim_poll(r), counts[i]);
		mcr_reclaim_quiescent(r, 0);
		for (; n < 2 * counts[i]; n++)
			retire_number(r, &log, n);
		assert_int_equal(mcr_reclaim_poll(r), counts[i]);
		assert_int_equal(log.count, counts[i]);
		mcr_reclaim_offline(r, 0);
		assert_int_equal(mcr_reclaim_poll(r), 0);
		assert_int_equal(log.count, 2 * counts[i]);
	}
	assert_int_equal(mcr_reclaim_leaked(r), 0);
	mcr_reclaim_free(r);
}

static void
free_empties_the_queue(void **state)
{
	struct mcr_reclaim *r = mcr_reclaim_create(1);
	struct log log = {0};
	unsigned n;

	for (n = 0; n < 300; n++)
		retire_number(r, &log, n);
	mcr_reclaim_free(r);
	assert_int_equal(log.count, 300);
}

struct again {
	struct mcr_reclaim *r;
	unsigned left, done;
};

static void
retire_again(void *arg, void *object)
{
	struct again *a = arg;

	a->done++;
	if (a->left-- > 0)
		mcr_retire(a->r, retire_again, a, object);
}

/* A target's release retires what the target held. */
static void
release_may_retire(void **state)
{
	struct mcr_reclaim *r = mcr_reclaim_create(1);
	struct again a = {.r = r, .left = 200};

	mcr_retire(r, retire_again, &a, NULL);
	assert_int_equal(mcr_reclaim_poll(r), 1);
	assert_int_equal(a.done, 1);
	mcr_reclaim_free(r);
	assert_int_equal(a.done, 201);
}

/* What readers hold while the writer flips. */
struct object {
	uint64_t value;
	uint64_t check; /* ~value; both are poisoned before the memory is freed */
};

struct shared {
	struct mcr_reclaim *r;
	struct object *current;
	bool stop;
	uint64_t seed;
	pthread_barrier_t online; /* all readers are, before the first flip */
};

struct reader {
	struct shared *s;
	unsigned id;
	uint64_t turns, wrong;
};

static void
poison(void *arg, void *object)
{
	struct object *o = object;

	(*(unsigned *)arg)++;
	o->value = o->check = 0x5a5a5a5a5a5a5a5a;
	free(o);
}

static void *
read_turns(void *arg)
{
	struct reader *me = arg;
	struct shared *s = me->s;
	struct rnd r = {s->seed + me->id};

	mcr_reclaim_online(s->r, me->id);
	pthread_barrier_wait(&s->online);
	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		const struct object *o = __atomic_load_n(&s->current, __ATOMIC_ACQUIRE);
		unsigned look = 1 + rnd_below(&r, 20);

		for (; look > 0; look--) {
			if (o->value != ~o->check)
				me->wrong++;
			if (rnd_below(&r, 200) == 0)
				sched_yield();
		}
		mcr_reclaim_quiescent(s->r, me->id);
		me->turns++;
		if (rnd_below(&r, 50) == 0) {
			mcr_reclaim_offline(s->r, me->id);
			sched_yield();
			mcr_reclaim_online(s->r, me->id);
		}
	}
	mcr_reclaim_offline(s->r, me->id);
	return NULL;
}

static struct object *
new_object(uint64_t value)
{
	struct object *o = malloc(sizeof(*o));

	assert_non_null(o);
	*o = (struct object){value, ~value};
	return o;
}

static void
r18_readers_never_see_a_freed_object(void **state)
{
	enum { FLIPS = 30000 };
	struct rnd rnd = rnd_init("reclaim");
	struct shared s = {.r = mcr_reclaim_create(READERS), .current = new_object(1)};
	struct reader reader[READERS];
	pthread_t thread[READERS];
	uint64_t flips;
	unsigned i, freed = 0;

	s.seed = rnd_next(&rnd);
	assert_int_equal(pthread_barrier_init(&s.online, NULL, READERS + 1), 0);
	for (i = 0; i < READERS; i++) {
		reader[i] = (struct reader){.s = &s, .id = i};
		assert_int_equal(mcr_reclaim_reader_add(s.r, i), 0);
		assert_int_equal(pthread_create(&thread[i], NULL, read_turns, &reader[i]), 0);
	}
	pthread_barrier_wait(&s.online);
	for (flips = 0; flips < FLIPS; flips++) {
		struct object *old = s.current;

		__atomic_store_n(&s.current, new_object(rnd_next(&rnd)), __ATOMIC_RELEASE);
		mcr_retire(s.r, poison, &freed, old);
		if (rnd_below(&rnd, 4) == 0)
			mcr_reclaim_poll(s.r);
		if (rnd_below(&rnd, 100) == 0)
			sched_yield();
	}
	/* Bounded by the readers' turns: while they run, everything becomes due. */
	while (mcr_reclaim_poll(s.r) != 0)
		sched_yield();
	assert_int_equal(freed, FLIPS);
	__atomic_store_n(&s.stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < READERS; i++) {
		assert_int_equal(pthread_join(thread[i], NULL), 0);
		assert_int_equal(reader[i].wrong, 0);
		assert_true(reader[i].turns > 0);
	}
	pthread_barrier_destroy(&s.online);
	mcr_reclaim_free(s.r);
	free(s.current);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_online_frees_at_once),
		cmocka_unit_test(reader_numbers_are_checked),
		cmocka_unit_test(grace_period_needs_every_reader_online),
		cmocka_unit_test(many_objects_keep_their_order),
		cmocka_unit_test(free_empties_the_queue),
		cmocka_unit_test(release_may_retire),
		cmocka_unit_test(r18_readers_never_see_a_freed_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
