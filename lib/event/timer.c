/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/timer.h"

#include <errno.h>
#include <stdlib.h>

struct mcr_timers {
	struct mcr_clock *clock;
	struct mcr_timer **heap; /* heap[0] is unused, so a timer's slot is its index */
	size_t count, capacity;
	uint64_t next_order;
};

struct mcr_timers *
mcr_timers_create(struct mcr_clock *clock)
{
	struct mcr_timers *ts = calloc(1, sizeof(*ts));

	if (ts != NULL)
		ts->clock = clock;
	return ts;
}

void
mcr_timers_free(struct mcr_timers *ts)
{
	if (ts == NULL)
		return;
	free(ts->heap);
	free(ts);
}

uint64_t
mcr_timers_now(const struct mcr_timers *ts)
{
	return mcr_clock_now(ts->clock);
}

void
mcr_timer_init(struct mcr_timer *t, void (*fire)(struct mcr_timer *, void *), void *arg)
{
	*t = (struct mcr_timer){.fire = fire, .arg = arg};
}

static bool
is_before(const struct mcr_timer *a, const struct mcr_timer *b)
{
	if (a->due_ns != b->due_ns)
		return a->due_ns < b->due_ns;
	return a->order < b->order;
}

static void
place(struct mcr_timers *ts, size_t slot, struct mcr_timer *t)
{
	ts->heap[slot] = t;
	t->slot = slot;
}

/* Put t, whose place `slot` is free, where it belongs. */
static void
settle(struct mcr_timers *ts, size_t slot, struct mcr_timer *t)
{
	for (; slot > 1 && is_before(t, ts->heap[slot / 2]); slot /= 2)
		place(ts, slot, ts->heap[slot / 2]);
	for (;;) {
		size_t child = slot * 2;

		if (child < ts->count && is_before(ts->heap[child + 1], ts->heap[child]))
			child++;
		if (child > ts->count || !is_before(ts->heap[child], t))
			break;
		place(ts, slot, ts->heap[child]);
		slot = child;
	}
	place(ts, slot, t);
}

static int
grow(struct mcr_timers *ts)
{
	size_t capacity = ts->capacity != 0 ? ts->capacity * 2 : 64;
	struct mcr_timer **heap = realloc(ts->heap, capacity * sizeof(struct mcr_timer *));

	if (heap == NULL)
		return -ENOMEM;
	ts->heap = heap;
	ts->capacity = capacity;
	return 0;
}

int
mcr_timer_set(struct mcr_timers *ts, struct mcr_timer *t, uint64_t due_ns)
{
	uint64_t now = mcr_timers_now(ts);

	if (t->slot == 0) {
		if (ts->count + 1 >= ts->capacity && grow(ts) != 0)
			return -ENOMEM;
		t->slot = ++ts->count;
	}
	/*
	 * Not before now: a timer that sets itself into the past again and again would stay ahead
	 * of all others.
	 */
	t->due_ns = due_ns > now ? due_ns : now;
	t->order = ts->next_order++;
	settle(ts, t->slot, t);
	return 0;
}

int
mcr_timer_set_in(struct mcr_timers *ts, struct mcr_timer *t, uint64_t delay_ns)
{
	uint64_t now = mcr_timers_now(ts);

	return mcr_timer_set(ts, t, delay_ns > UINT64_MAX - now ? UINT64_MAX : now + delay_ns);
}

void
mcr_timer_cancel(struct mcr_timers *ts, struct mcr_timer *t)
{
	size_t slot = t->slot;
	struct mcr_timer *last;

	if (slot == 0)
		return;
	t->slot = 0;
	last = ts->heap[ts->count--];
	if (last != t)
		settle(ts, slot, last);
}

static void
fire_first(struct mcr_timers *ts)
{
	struct mcr_timer *t = ts->heap[1];

	mcr_timer_cancel(ts, t);
	t->fire(t, t->arg);
}

unsigned
mcr_timers_run(struct mcr_timers *ts)
{
	uint64_t now = mcr_timers_now(ts);
	uint64_t set_from_now_on = ts->next_order;
	unsigned fired = 0;

	/* What a callback sets waits for the next run, so that this one ends. */
	while (ts->count != 0 && ts->heap[1]->due_ns <= now &&
		ts->heap[1]->order < set_from_now_on) {
		fire_first(ts);
		fired++;
	}
	return fired;
}

uint64_t
mcr_timers_next(const struct mcr_timers *ts)
{
	uint64_t now;

	if (ts->count == 0)
		return UINT64_MAX;
	now = mcr_timers_now(ts);
	if (ts->heap[1]->due_ns <= now)
		return 0;
	return ts->clock->stopped ? UINT64_MAX : ts->heap[1]->due_ns - now;
}

void
mcr_timers_warp(struct mcr_timers *ts, uint64_t ns)
{
	uint64_t start = mcr_timers_now(ts);
	uint64_t end = ns > UINT64_MAX - start ? UINT64_MAX : start + ns;
	uint64_t now;

	while (ts->count != 0 && ts->heap[1]->due_ns <= end) {
		now = mcr_timers_now(ts);
		if (ts->heap[1]->due_ns > now)
			mcr_clock_advance(ts->clock, ts->heap[1]->due_ns - now);
		fire_first(ts);
	}
	now = mcr_timers_now(ts);
	if (now < end)
		mcr_clock_advance(ts->clock, end - now);
}
