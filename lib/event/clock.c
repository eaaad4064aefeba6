/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/clock.h"

#include <time.h>

static uint64_t
monotonic_ns(void)
{
	struct timespec ts;

	/* Cannot fail: the clock exists on every Linux and ts is ours. */
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * MCR_NS_PER_S + (uint64_t)ts.tv_nsec;
}

void
mcr_clock_init(struct mcr_clock *c)
{
	*c = (struct mcr_clock){0};
}

void
mcr_clock_init_fake(struct mcr_clock *c, uint64_t start_ns)
{
	*c = (struct mcr_clock){.stopped = true, .stopped_ns = start_ns};
}

uint64_t
mcr_clock_now(const struct mcr_clock *c)
{
	return c->stopped ? c->stopped_ns : monotonic_ns() + c->offset_ns;
}

void
mcr_clock_stop(struct mcr_clock *c)
{
	c->stopped_ns = mcr_clock_now(c);
	c->stopped = true;
}

void
mcr_clock_start(struct mcr_clock *c)
{
	if (!c->stopped)
		return;
	/* May be "negative": the sum in mcr_clock_now wraps back. */
	c->offset_ns = c->stopped_ns - monotonic_ns();
	c->stopped = false;
}

void
mcr_clock_advance(struct mcr_clock *c, uint64_t ns)
{
	if (c->stopped)
		c->stopped_ns += ns;
	else
		c->offset_ns += ns;
	c->warped_ns += ns;
}
