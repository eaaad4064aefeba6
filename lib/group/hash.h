/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_GROUP_HASH_H
#define MCR_GROUP_HASH_H

#include <stdint.h>
#include <string.h>

#include "group/table.h"

/*
 * The keyed hash of the group table: Multilinear-HM, 32 bits, strongly universal (Lemire and Kaser,
 * "Strongly universal string hashing is fast", 2014). Two different keys collide with probability
 * 2^-32 over the secret, whichever keys somebody chooses who cannot see hash values. (CRC would not
 * do: it is linear, so keys that collide under one start value collide under all.)
 */
#define MCR_HASH_WORDS 10

/*
 * A bijection, so it adds no collision. Keys in a row get sums in a row, more or less; buckets are
 * chosen by some of the bits, and those should not be in a row (multipliers of MurmurHash3).
 */
static inline uint32_t
mcr_hash_mix(uint32_t h)
{
	h = (h ^ h >> 16) * 0x85ebca6b;
	h = (h ^ h >> 13) * 0xc2b2ae35;
	return h ^ h >> 16;
}

struct mcr_hash_secret {
	uint64_t m[MCR_HASH_WORDS + 1];
};

static inline uint32_t
mcr_group_hash(const struct mcr_hash_secret *s, const struct mcr_group_key *key)
{
	uint32_t w[MCR_HASH_WORDS];
	uint64_t sum = s->m[0];

	_Static_assert(
		sizeof(w) == 2 * sizeof(struct mcr_addr) + 2 * sizeof(uint32_t), "whole key");
	memcpy(w, key, sizeof(w));
	for (unsigned i = 0; i < MCR_HASH_WORDS; i += 2)
		sum += (s->m[i + 1] + w[i]) * (s->m[i + 2] + w[i + 1]);
	return mcr_hash_mix((uint32_t)(sum >> 32));
}

#endif
