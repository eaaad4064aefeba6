/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_EVENT_CLOCK_H
#define MCR_EVENT_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The one injectable monotonic clock of the control side: CLOCK_MONOTONIC plus an offset, which a
 * test may stop and warp. All protocol timers run on it. Nanoseconds; never goes back.
 */
#define MCR_NS_PER_S UINT64_C(1000000000)
#define MCR_NS_PER_MS UINT64_C(1000000)

struct mcr_clock {
	uint64_t offset_ns;  /* added to CLOCK_MONOTONIC while running */
	uint64_t stopped_ns; /* the frozen time while stopped */
	uint64_t warped_ns;  /* sum of all warps, for `show clock` */
	bool stopped;
};

void mcr_clock_init(struct mcr_clock *c);
/* Starts stopped at `start_ns`: unit tests never see real time. */
void mcr_clock_init_fake(struct mcr_clock *c, uint64_t start_ns);
uint64_t mcr_clock_now(const struct mcr_clock *c);
void mcr_clock_stop(struct mcr_clock *c);
void mcr_clock_start(struct mcr_clock *c);
/* Move forward without running timers; mcr_timers_warp does both. */
void mcr_clock_advance(struct mcr_clock *c, uint64_t ns);

#endif
