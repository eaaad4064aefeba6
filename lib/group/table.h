/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_GROUP_TABLE_H
#define MCR_GROUP_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>

#include "base/addr.h"
#include "base/reclaim.h"
#include "group/repl.h"

/*
 * (segment, group, source or any) -> entry -> immutable list. rte_hash in lock-free read-write
 * mode with extendable buckets; one writer (main lcore), readers are workers inside a turn.
 * Deleted keys are freed by position after the grace period, so the hash has spare room for them.
 */
struct mcr_group_key {
	struct mcr_addr group;
	struct mcr_addr source; /* mcr_addr_any: (*,G) */
	uint32_t segment;       /* index */
	uint32_t zero[3];       /* padding is part of the key */
};
_Static_assert(sizeof(struct mcr_group_key) == 48, "rte_hash compares multiples of 16 fast");

/* Per lcore and entry, plain stores by its lcore. */
#define MCR_GROUP_SOURCES 4
struct mcr_group_stat {
	uint64_t in_packets, in_bytes;
	uint64_t out_packets, out_bytes;
	uint64_t drops;
	/* The senders seen last; a fifth replaces the one that was silent longest. */
	struct mcr_group_source {
		struct mcr_addr addr;
		uint64_t packets, bytes;
		uint64_t last_tsc;
		uint16_t port; /* arrival port index */
		uint16_t peer; /* MCR_PEER_NONE from an access port */
	} source[MCR_GROUP_SOURCES];
} __rte_cache_aligned;

struct mcr_entry {
	_Atomic(const struct mcr_list *) list; /* never NULL */
	struct mcr_group_stat *stat;           /* [n_stat_slots], see mcr_entry_stat_sum */
	struct mcr_group_stat *cleared; /* the same at the last clear, or NULL; writer only */
	struct mcr_group_key key;
	uint32_t position; /* in the hash; known once the key is deleted */
};

struct mcr_table;

struct mcr_table_param {
	const char *name;
	uint32_t entries; /* keys, sources included; room for deleted ones is added */
	int socket;
	struct mcr_reclaim *reclaim;
	unsigned n_stat_slots; /* lcores that count: slot of a worker = worker index */
};

struct mcr_table *mcr_table_create(const struct mcr_table_param *p);
/* Readers have stopped; runs mcr_reclaim_poll, so the reclaimer must still exist. */
void mcr_table_free(struct mcr_table *t);

/* Reader. entry[i] = NULL when absent. At most 32 keys. Returns the number found. */
uint32_t mcr_table_lookup_bulk(const struct mcr_table *t, const struct mcr_group_key *const *key,
	uint32_t n, struct mcr_entry **entry);
/* Reader: does any key with a source exist? If not, one lookup by (*,G) is enough. */
bool mcr_table_has_sources(const struct mcr_table *t);

/*
 * Writer. Takes ownership of `list` (also on failure: then it is freed). The replaced list is
 * retired. 0, -ENOSPC (full), -ENOMEM. Counters of an entry survive the swap.
 */
int mcr_table_set(struct mcr_table *t, const struct mcr_group_key *key, struct mcr_list *list);
/* 0 or -ENOENT. Entry and list are retired. */
int mcr_table_del(struct mcr_table *t, const struct mcr_group_key *key);
/* Writer side lookup of one key; NULL when absent. */
struct mcr_entry *mcr_table_find(const struct mcr_table *t, const struct mcr_group_key *key);
uint32_t mcr_table_count(const struct mcr_table *t);
/* Walk; *cursor starts at 0. NULL at the end. */
struct mcr_entry *mcr_table_next(const struct mcr_table *t, uint32_t *cursor);

/* Sum over all slots; sources of all slots merged by address, at most `max`; returns their count.
 */
unsigned mcr_entry_stat_sum(const struct mcr_table *t, const struct mcr_entry *e,
	struct mcr_group_stat *sum, struct mcr_group_source *sources, unsigned max);
/* From here on sums count from 0; the counters go on. 0, or -ENOMEM: some entries were left out. */
int mcr_table_clear_stat(struct mcr_table *t);

#endif
