/* SPDX-License-Identifier: BSD-3-Clause */
#include "group/repl.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define LINE 64

/* Copies of one frame raise its 16-bit reference count in one signed 16-bit step. */
_Static_assert(MCR_LIST_MAX <= INT16_MAX, "one step of the reference count");
/* A small list touches one cache line: three lanes beside the counts. */
_Static_assert(offsetof(struct mcr_list, lane) + 3 * sizeof(struct mcr_lane) <= LINE, "one line");

static int by_id(const void *a, const void *b);
static int by_lane(const void *a, const void *b);
static uint32_t merge_equal_ids(struct mcr_list_item *items, uint32_t count);
static uint32_t count_lanes(const struct mcr_list_item *items, uint32_t count);
static bool is_same_lane(const struct mcr_list_item *a, const struct mcr_list_item *b);

struct mcr_list *
mcr_list_build(struct mcr_list_item *items, uint32_t count)
{
	struct mcr_lane *lane = NULL;
	struct mcr_list *l;
	uint32_t n_lanes, *id;
	size_t size;

	if (count) {
		qsort(items, count, sizeof(*items), by_id);
		count = merge_equal_ids(items, count);
		qsort(items, count, sizeof(*items), by_lane);
	}
	if (count > MCR_LIST_MAX) {
		errno = E2BIG;
		return NULL;
	}
	n_lanes = count_lanes(items, count);
	size = sizeof(*l) + n_lanes * sizeof(l->lane[0]) + count * sizeof(*id);
	size = (size + LINE - 1) / LINE * LINE;
	l = aligned_alloc(LINE, size);
	if (!l) {
		errno = ENOMEM;
		return NULL;
	}
	memset(l, 0, size);
	l->count = count;
	l->n_lanes = n_lanes;
	l->id_off = sizeof(*l) + n_lanes * sizeof(l->lane[0]);
	id = (uint32_t *)(void *)((char *)l + l->id_off);
	for (uint32_t i = 0; i < count; i++) {
		if (i == 0 || !is_same_lane(&items[i - 1], &items[i])) {
			lane = i == 0 ? l->lane : lane + 1;
			*lane = (struct mcr_lane){.first = i,
				.mtu = items[i].mtu,
				.port = items[i].port,
				.maker = items[i].maker,
				.origins = items[i].origins,
				.is_access = items[i].is_access};
		}
		lane->count++;
		if (items[i].mtu < lane->mtu)
			lane->mtu = items[i].mtu;
		id[i] = items[i].id;
	}
	return l;
}

void
mcr_list_free(struct mcr_list *l)
{
	free(l);
}

bool
mcr_list_is_equal(const struct mcr_list *a, const struct mcr_list *b)
{
	return a->count == b->count && a->n_lanes == b->n_lanes &&
	       memcmp(a->lane, b->lane, a->n_lanes * sizeof(a->lane[0])) == 0 &&
	       memcmp(mcr_list_ids(a), mcr_list_ids(b), a->count * sizeof(uint32_t)) == 0;
}

static int
by_id(const void *a, const void *b)
{
	const struct mcr_list_item *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static uint64_t
lane_order(const struct mcr_list_item *i)
{
	return (uint64_t)i->port << 56 | (uint64_t)i->maker << 48 | (uint64_t)i->origins << 40 |
	       (uint64_t)i->is_access << 32 | i->id;
}

static int
by_lane(const void *a, const void *b)
{
	uint64_t x = lane_order(a), y = lane_order(b);

	return (x > y) - (x < y);
}

/* A target named twice gets one copy: for every origin that either naming served. */
static uint32_t
merge_equal_ids(struct mcr_list_item *items, uint32_t count)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct mcr_list_item *last = kept ? &items[kept - 1] : NULL;

		if (last && last->id == items[i].id) {
			last->origins |= items[i].origins;
			if (items[i].mtu < last->mtu)
				last->mtu = items[i].mtu;
		} else {
			items[kept++] = items[i];
		}
	}
	return kept;
}

static uint32_t
count_lanes(const struct mcr_list_item *items, uint32_t count)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++)
		n += i == 0 || !is_same_lane(&items[i - 1], &items[i]);
	return n;
}

static bool
is_same_lane(const struct mcr_list_item *a, const struct mcr_list_item *b)
{
	return (lane_order(a) ^ lane_order(b)) >> 32 == 0;
}
