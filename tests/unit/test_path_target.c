/* SPDX-License-Identifier: BSD-3-Clause */
#include "path/target.h"

#include "random.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define SLOTS 64

static const struct mcr_target *
record_of(const struct mcr_targets *ts, uint32_t id)
{
	return atomic_load_explicit(&ts->slot[id], memory_order_acquire);
}

/* An id names what was put there, until it is deleted and no reader can know it any more. */
static void
random_operations_against_a_model(void **state)
{
	struct rnd rnd = rnd_init("targets");
	struct mcr_reclaim *r = mcr_reclaim_create(1);
	struct mcr_targets *ts = mcr_targets_create(SLOTS, 2, r);
	uint16_t model[SLOTS] = {0}; /* mtu; 0: free */
	bool is_dying[SLOTS] = {0};
	unsigned n_used = 0, n_dying = 0;

	(void)state;
	assert_non_null(ts);
	assert_int_equal(mcr_reclaim_reader_add(r, 0), 0);
	mcr_reclaim_online(r, 0);
	for (unsigned step = 0; step < 50000; step++) {
		struct mcr_target t = {.mtu = 1 + rnd_below(&rnd, 60000)};
		uint32_t id = rnd_below(&rnd, SLOTS);
		int64_t got;

		switch (rnd_below(&rnd, 5)) {
		case 0:
		case 1:
			got = mcr_target_add(ts, &t);
			if (n_used + n_dying == SLOTS) {
				assert_int_equal(got, -ENOSPC);
				break;
			}
			assert_in_range(got, 0, SLOTS - 1);
			assert_false(model[got] || is_dying[got]);
			model[got] = t.mtu;
			n_used++;
			break;
		case 2:
			if (!model[id])
				break;
			assert_int_equal(mcr_target_replace(ts, id, &t), 0);
			model[id] = t.mtu;
			break;
		case 3:
			if (!model[id])
				break;
			mcr_target_del(ts, id);
			/* A reader with an old list still finds a record. */
			assert_int_equal(record_of(ts, id)->mtu, model[id]);
			model[id] = 0;
			is_dying[id] = true;
			n_used--;
			n_dying++;
			break;
		default:
			mcr_reclaim_poll(r);
			if (rnd_below(&rnd, 4))
				break;
			mcr_reclaim_quiescent(r, 0);
			assert_int_equal(mcr_reclaim_poll(r), 0);
			for (unsigned i = 0; i < SLOTS; i++) {
				assert_true(!is_dying[i] || !record_of(ts, i));
				is_dying[i] = false;
			}
			n_dying = 0;
		}
		for (unsigned i = 0; i < SLOTS; i++)
			if (model[i])
				assert_int_equal(record_of(ts, i)->mtu, model[i]);
	}
	mcr_reclaim_offline(r, 0);
	mcr_targets_free(ts);
	mcr_reclaim_free(r);
}

static void
counters_start_at_zero_with_every_use(void **state)
{
	struct mcr_reclaim *r = mcr_reclaim_create(1);
	struct mcr_targets *ts = mcr_targets_create(1, 3, r);
	struct mcr_target t = {.mtu = 1500};
	struct mcr_target_stat sum;

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		assert_int_equal(mcr_target_add(ts, &t), 0);
		mcr_target_stat_sum(ts, 0, &sum);
		assert_int_equal(sum.packets + sum.bytes + sum.drops, 0);
		for (unsigned w = 0; w < 3; w++)
			ts->stat[w][0] = (struct mcr_target_stat){1 + w, 10 + w, 100 + w};
		assert_int_equal(mcr_target_replace(ts, 0, &t), 0);
		mcr_target_stat_sum(ts, 0, &sum);
		assert_int_equal(sum.packets, 6);
		assert_int_equal(sum.bytes, 33);
		assert_int_equal(sum.drops, 303);
		assert_int_equal(mcr_target_add(ts, &t), -ENOSPC);
		mcr_target_del(ts, 0);
		mcr_reclaim_poll(r);
	}
	mcr_targets_free(ts);
	mcr_reclaim_free(r);
	mcr_targets_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations_against_a_model),
		cmocka_unit_test(counters_start_at_zero_with_every_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
