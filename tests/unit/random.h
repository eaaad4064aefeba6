/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_TESTS_RANDOM_H
#define MCR_TESTS_RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/*
 * Random numbers of a test. The seed is printed; MCR_SEED=N runs the same numbers again.
 *
 *   struct rnd r = rnd_init("timer model");
 *   unsigned op = rnd_below(&r, 5);
 */
struct rnd {
	uint64_t state;
};

/* splitmix64: passes every state, so any seed is a good one. */
static inline uint64_t
rnd_next(struct rnd *r)
{
	uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline unsigned
rnd_below(struct rnd *r, unsigned n)
{
	return rnd_next(r) % n;
}

static inline struct rnd
rnd_init(const char *what)
{
	const char *given = getenv("MCR_SEED");
	struct timespec now;
	uint64_t seed;

	clock_gettime(CLOCK_REALTIME, &now);
	seed = (uint64_t)now.tv_sec << 20 ^ (uint64_t)now.tv_nsec;
	if (given != NULL)
		seed = strtoull(given, NULL, 0);
	fprintf(stderr, "# %s: MCR_SEED=%llu\n", what, (unsigned long long)seed);
	return (struct rnd){seed};
}

#endif
