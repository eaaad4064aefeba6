/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_EVENT_TIMER_H
#define MCR_EVENT_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/clock.h"

/*
 * Timers: an intrusive binary heap on the injectable clock. Equal deadlines fire in the order in
 * which they were set. A callback may set, move and cancel any timer, its own included, and free
 * the object that holds it.
 */
struct mcr_timer {
	uint64_t due_ns;
	uint64_t order;
	size_t slot; /* index in the heap + 1; 0 = not pending */
	void (*fire)(struct mcr_timer *t, void *arg);
	void *arg;
};

struct mcr_timers;

struct mcr_timers *mcr_timers_create(struct mcr_clock *clock);
void mcr_timers_free(struct mcr_timers *ts);
uint64_t mcr_timers_now(const struct mcr_timers *ts);

void mcr_timer_init(struct mcr_timer *t, void (*fire)(struct mcr_timer *, void *), void *arg);
/* Set or move. 0, or -ENOMEM (then the timer is not pending). */
int mcr_timer_set(struct mcr_timers *ts, struct mcr_timer *t, uint64_t due_ns);
int mcr_timer_set_in(struct mcr_timers *ts, struct mcr_timer *t, uint64_t delay_ns);
void mcr_timer_cancel(struct mcr_timers *ts, struct mcr_timer *t);
static inline bool
mcr_timer_is_pending(const struct mcr_timer *t)
{
	return t->slot != 0;
}

/* Run what is due now; returns how many fired. */
unsigned mcr_timers_run(struct mcr_timers *ts);
/* Nanoseconds until the next deadline, 0 if overdue, UINT64_MAX if none (or the clock is stopped).
 */
uint64_t mcr_timers_next(const struct mcr_timers *ts);
/* Advance the clock by `ns`, firing every timer on the way at its own time, in order. */
void mcr_timers_warp(struct mcr_timers *ts, uint64_t ns);

#endif
