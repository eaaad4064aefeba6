/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/stat.h"

#include <stddef.h>
#include <string.h>

const struct mcr_drop_info mcr_drop_info[MCR_DROP_MAX] = {
#define X(id, stage_, reason_, meaning_, fix_) \
	[MCR_DROP_##id] = {.stage = stage_, .reason = reason_, .meaning = meaning_, .fix = fix_},
	MCR_DROPS(X)
#undef X
};

struct mcr_stat_block mcr_stat[RTE_MAX_LCORE];

/* Values at the last clear. Main lcore only, like everything below. */
static struct mcr_port_stat baseline[MCR_MAX_PORTS];

/* For LAST of `show drops`: the raw sum that was seen, and when it was first seen higher. */
static struct {
	uint64_t seen;
	uint64_t rise_ns;
} drop_last[MCR_DROP_MAX];

/*
 * A block is an array of counters as far as sums are concerned, so one loop serves them all. The
 * load is atomic because the owner may store at the same time.
 */
#define PORT_WORDS (sizeof(struct mcr_port_stat) / sizeof(uint64_t))
#define DROP_WORD (offsetof(struct mcr_port_stat, drop) / sizeof(uint64_t))

_Static_assert(sizeof(struct mcr_port_stat) == (4 + MCR_DROP_MAX) * sizeof(uint64_t),
	"mcr_port_stat is counters only");

static uint64_t
raw_word(unsigned port, size_t word)
{
	uint64_t sum = 0;
	unsigned lcore;

	for (lcore = 0; lcore < RTE_MAX_LCORE; lcore++) {
		const uint64_t *words = (const uint64_t *)&mcr_stat[lcore].port[port];

		sum += __atomic_load_n(&words[word], __ATOMIC_RELAXED);
	}
	return sum;
}

static uint64_t
raw_drops(enum mcr_drop why)
{
	uint64_t sum = 0;
	unsigned port;

	for (port = 0; port < MCR_MAX_PORTS; port++)
		sum += raw_word(port, DROP_WORD + why);
	return sum;
}

static void
clear_words(unsigned port, size_t first, size_t end)
{
	uint64_t *base = (uint64_t *)&baseline[port];
	size_t i;

	for (i = first; i < end; i++)
		base[i] = raw_word(port, i);
}

void
mcr_stat_port(unsigned port, struct mcr_port_stat *sum)
{
	const uint64_t *base = (const uint64_t *)&baseline[port];
	uint64_t *out = (uint64_t *)sum;
	size_t i;

	for (i = 0; i < PORT_WORDS; i++)
		out[i] = raw_word(port, i) - base[i];
}

uint64_t
mcr_stat_drops(enum mcr_drop why)
{
	uint64_t sum = 0;
	unsigned port;

	for (port = 0; port < MCR_MAX_PORTS; port++)
		sum += raw_word(port, DROP_WORD + why) - baseline[port].drop[why];
	return sum;
}

void
mcr_stat_tick(uint64_t now_ns)
{
	unsigned why;

	for (why = 0; why < MCR_DROP_MAX; why++) {
		uint64_t sum = raw_drops(why);

		if (sum == drop_last[why].seen)
			continue;
		drop_last[why].seen = sum;
		drop_last[why].rise_ns = now_ns;
	}
}

uint64_t
mcr_stat_drop_last(enum mcr_drop why)
{
	return drop_last[why].rise_ns;
}

void
mcr_stat_clear_port(unsigned port)
{
	clear_words(port, 0, PORT_WORDS);
}

void
mcr_stat_clear_drops(void)
{
	unsigned port, why;

	for (port = 0; port < MCR_MAX_PORTS; port++)
		clear_words(port, DROP_WORD, PORT_WORDS);
	/* Seen is the sum of the baselines: a drop during the clear counts as a rise after it. */
	for (why = 0; why < MCR_DROP_MAX; why++) {
		drop_last[why].seen = 0;
		drop_last[why].rise_ns = 0;
		for (port = 0; port < MCR_MAX_PORTS; port++)
			drop_last[why].seen += baseline[port].drop[why];
	}
}

void
mcr_stat_clear(void)
{
	unsigned port;

	for (port = 0; port < MCR_MAX_PORTS; port++)
		clear_words(port, 0, DROP_WORD);
	mcr_stat_clear_drops();
}
