/* SPDX-License-Identifier: BSD-3-Clause */
#include "group/repl.h"
#include "random.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct rnd rnd;

/* What a list must say of a target, found the slow way: all items with its id, together. */
static bool
model_find(const struct mcr_list_item *items, uint32_t n, uint32_t id, struct mcr_list_item *out)
{
	bool is_found = false;

	for (uint32_t i = 0; i < n; i++) {
		if (items[i].id != id)
			continue;
		if (!is_found)
			*out = items[i];
		is_found = true;
		out->origins |= items[i].origins;
		if (items[i].mtu < out->mtu)
			out->mtu = items[i].mtu;
	}
	return is_found;
}

static void
check_against_model(const struct mcr_list *l, const struct mcr_list_item *items, uint32_t n)
{
	uint32_t in_lanes = 0, distinct = 0;
	struct mcr_list_item want = {0};

	for (uint32_t i = 0; i < n; i++) {
		bool is_first = true;

		for (uint32_t k = 0; k < i; k++)
			is_first &= items[k].id != items[i].id;
		distinct += is_first;
	}
	assert_int_equal(l->count, distinct);
	for (uint32_t k = 0; k < l->n_lanes; k++) {
		const struct mcr_lane *lane = &l->lane[k];
		uint16_t mtu = UINT16_MAX;

		assert_int_equal(lane->first, in_lanes);
		assert_true(lane->count > 0);
		for (uint32_t i = 0; i < lane->count; i++) {
			uint32_t id = mcr_list_ids(l)[lane->first + i];

			assert_true(i == 0 || id > mcr_list_ids(l)[lane->first + i - 1]);
			assert_true(model_find(items, n, id, &want));
			assert_int_equal(lane->port, want.port);
			assert_int_equal(lane->maker, want.maker);
			assert_int_equal(lane->origins, want.origins);
			assert_int_equal(lane->is_access, want.is_access);
			if (want.mtu < mtu)
				mtu = want.mtu;
		}
		assert_int_equal(lane->mtu, mtu);
		for (uint32_t o = 0; o < k; o++)
			assert_memory_not_equal(&lane->port, &l->lane[o].port, 4);
		in_lanes += lane->count;
	}
	assert_int_equal(in_lanes, l->count);
}

/* Few ids, so that doubles are common; what belongs to an id is a function of it, as in life. */
static void
random_items(struct mcr_list_item *items, uint32_t n, uint32_t n_ids)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t id = rnd_below(&rnd, n_ids);

		items[i] = (struct mcr_list_item){.id = id,
			.mtu = 1000 + id % 7,
			.port = id % 3,
			.maker = id / 3 % MCR_MAKE_MAX,
			.origins = 1 + rnd_below(&rnd, 3),
			.is_access = id % 3 == 0};
	}
}

static void
lists_equal_the_model(void **state)
{
	struct mcr_list_item items[300], sorted[300];

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		uint32_t n = rnd_below(&rnd, 300) >> rnd_below(&rnd, 8);
		struct mcr_list *l, *again;

		random_items(items, n, 1 + rnd_below(&rnd, 400));
		memcpy(sorted, items, sizeof(items));
		l = mcr_list_build(sorted, n);
		assert_non_null(l);
		check_against_model(l, items, n);
		/* Any order of the items makes the same list. */
		for (uint32_t i = 0; i + 1 < n; i++) {
			uint32_t k = i + rnd_below(&rnd, n - i);
			struct mcr_list_item t = items[i];

			items[i] = items[k];
			items[k] = t;
		}
		again = mcr_list_build(items, n);
		assert_true(mcr_list_is_equal(l, again));
		mcr_list_free(l);
		mcr_list_free(again);
	}
}

static void
empty_list(void **state)
{
	struct mcr_list *l = mcr_list_build(NULL, 0);

	(void)state;
	assert_non_null(l);
	assert_int_equal(l->count, 0);
	assert_int_equal(l->n_lanes, 0);
	mcr_list_free(l);
	mcr_list_free(NULL);
}

/* The count of an mbuf has 16 bits: 16,384 targets, doubles not counted, and not one more. */
static void
at_most_16384_targets(void **state)
{
	struct mcr_list_item *items = calloc(2 * MCR_LIST_MAX, sizeof(*items));
	struct mcr_list *l;

	(void)state;
	assert_non_null(items);
	for (uint32_t i = 0; i < 2 * MCR_LIST_MAX; i++)
		items[i].id = i % MCR_LIST_MAX;
	l = mcr_list_build(items, 2 * MCR_LIST_MAX);
	assert_non_null(l);
	assert_int_equal(l->count, MCR_LIST_MAX);
	mcr_list_free(l);
	for (uint32_t i = 0; i <= MCR_LIST_MAX; i++)
		items[i].id = i;
	errno = 0;
	assert_null(mcr_list_build(items, MCR_LIST_MAX + 1));
	assert_int_equal(errno, E2BIG);
	free(items);
}

static void
equality_sees_every_difference(void **state)
{
	struct mcr_list_item a[2] = {
		{.id = 1, .mtu = 9, .port = 1}, {.id = 2, .mtu = 9, .port = 1}};
	struct mcr_list *l = mcr_list_build(a, 2);

	(void)state;
	for (unsigned k = 0; k < 6; k++) {
		struct mcr_list_item b[2] = {a[0], a[1]};
		struct mcr_list *other;

		b[1].id += k == 0;
		b[1].mtu -= k == 1;
		b[1].port += k == 2;
		b[1].maker += k == 3;
		b[1].origins += k == 4;
		b[1].is_access += k == 5;
		other = mcr_list_build(b, 2);
		assert_false(mcr_list_is_equal(l, other));
		mcr_list_free(other);
	}
	mcr_list_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_equal_the_model),
		cmocka_unit_test(empty_list),
		cmocka_unit_test(at_most_16384_targets),
		cmocka_unit_test(equality_sees_every_difference),
	};

	rnd = rnd_init("lists");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
