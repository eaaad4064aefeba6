/* SPDX-License-Identifier: BSD-3-Clause */
#include "group/table.h"

#include "group/hash.h"

#include <rte_hash.h>
#include <rte_prefetch.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define MAX_BULK 32

struct mcr_table {
	struct rte_hash *hash;
	struct mcr_hash_secret secret;
	struct mcr_reclaim *reclaim;
	unsigned n_stat_slots;
	uint32_t n_max, count;
	_Atomic uint32_t n_sources; /* keys with a source; written by the writer */
};

static struct mcr_entry *
entry_create(const struct mcr_table *t, const struct mcr_group_key *key, struct mcr_list *list);
static void release_entry(void *table, void *entry);
static void release_list(void *unused, void *list);
static void entry_free(struct mcr_entry *e);
static struct mcr_list *list_of(struct mcr_entry *e);
static void subtract(struct mcr_group_stat *s, const struct mcr_group_stat *then);
static unsigned merge_source(struct mcr_group_source *sources, unsigned n, unsigned max,
	const struct mcr_group_source *more);

struct mcr_table *
mcr_table_create(const struct mcr_table_param *p)
{
	/* Deleted keys keep their position until the grace period is over: half as many again. */
	struct rte_hash_parameters hp = {
		.name = p->name,
		.entries = p->entries + p->entries / 2 + 64,
		.key_len = sizeof(struct mcr_group_key),
		.socket_id = p->socket,
		.extra_flag =
			RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF | RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
	};
	struct mcr_table *t = calloc(1, sizeof(*t));

	if (!t) {
		errno = ENOMEM;
		return NULL;
	}
	t->reclaim = p->reclaim;
	t->n_stat_slots = p->n_stat_slots;
	t->n_max = p->entries;
	if (getrandom(&t->secret, sizeof(t->secret), 0) != sizeof(t->secret)) {
		free(t);
		errno = EIO;
		return NULL;
	}
	t->hash = rte_hash_create(&hp);
	if (!t->hash) {
		free(t);
		errno = ENOMEM;
		return NULL;
	}
	return t;
}

void
mcr_table_free(struct mcr_table *t)
{
	struct mcr_entry *e;
	uint32_t cursor = 0;

	if (!t)
		return;
	/* Readers have gone, so this releases every retired entry while its hash still exists. */
	mcr_reclaim_poll(t->reclaim);
	while ((e = mcr_table_next(t, &cursor))) {
		mcr_list_free(list_of(e));
		entry_free(e);
	}
	rte_hash_free(t->hash);
	free(t);
}

uint32_t
mcr_table_lookup_bulk(const struct mcr_table *t, const struct mcr_group_key *const *key, uint32_t n,
	struct mcr_entry **entry)
{
	const void *keys[MAX_BULK];
	void *data[MAX_BULK];
	hash_sig_t sig[MAX_BULK];
	uint64_t hits = 0;

	if (!n)
		return 0;
	for (uint32_t i = 0; i < n; i++) {
		keys[i] = key[i];
		sig[i] = mcr_group_hash(&t->secret, key[i]);
	}
	rte_hash_lookup_with_hash_bulk_data(t->hash, keys, sig, n, &hits, data);
	/*
	 * Pairs with the addition in mcr_table_set. The hash orders key and data itself, but inside
	 * a library that a thread sanitizer cannot see; this says the same where it can.
	 */
	atomic_load_explicit(&t->n_sources, memory_order_acquire);
	for (uint32_t i = 0; i < n; i++) {
		entry[i] = hits >> i & 1 ? data[i] : NULL;
		if (entry[i])
			rte_prefetch0(entry[i]);
	}
	return __builtin_popcountll(hits);
}

bool
mcr_table_has_sources(const struct mcr_table *t)
{
	return atomic_load_explicit(&t->n_sources, memory_order_relaxed) != 0;
}

int
mcr_table_set(struct mcr_table *t, const struct mcr_group_key *key, struct mcr_list *list)
{
	struct mcr_entry *e = mcr_table_find(t, key);
	bool has_source = !mcr_addr_is_any(&key->source);
	int ret;

	if (e) {
		struct mcr_list *old = list_of(e);

		if (mcr_list_is_equal(old, list)) {
			mcr_list_free(list);
			return 0;
		}
		atomic_store_explicit(&e->list, list, memory_order_release);
		mcr_retire(t->reclaim, release_list, NULL, old);
		return 0;
	}
	if (t->count >= t->n_max) {
		mcr_list_free(list);
		return -ENOSPC;
	}
	e = entry_create(t, key, list);
	if (!e) {
		mcr_list_free(list);
		return -ENOMEM;
	}
	/* Readers ask for sources before they can find one: counted first. */
	atomic_fetch_add_explicit(&t->n_sources, has_source, memory_order_release);
	ret = rte_hash_add_key_with_hash_data(t->hash, &e->key, mcr_group_hash(&t->secret, key), e);
	if (ret) {
		atomic_fetch_sub_explicit(&t->n_sources, has_source, memory_order_release);
		mcr_list_free(list);
		entry_free(e);
		return ret == -ENOSPC ? -ENOSPC : -ENOMEM;
	}
	t->count++;
	return 0;
}

int
mcr_table_del(struct mcr_table *t, const struct mcr_group_key *key)
{
	struct mcr_entry *e = mcr_table_find(t, key);
	int32_t position;

	if (!e)
		return -ENOENT;
	position = rte_hash_del_key_with_hash(t->hash, key, mcr_group_hash(&t->secret, key));
	if (position < 0)
		return -ENOENT;
	e->position = position;
	atomic_fetch_sub_explicit(
		&t->n_sources, !mcr_addr_is_any(&key->source), memory_order_release);
	t->count--;
	mcr_retire(t->reclaim, release_entry, t, e);
	return 0;
}

struct mcr_entry *
mcr_table_find(const struct mcr_table *t, const struct mcr_group_key *key)
{
	void *data;

	if (rte_hash_lookup_with_hash_data(t->hash, key, mcr_group_hash(&t->secret, key), &data) <
		0)
		return NULL;
	return data;
}

uint32_t
mcr_table_count(const struct mcr_table *t)
{
	return t->count;
}

struct mcr_entry *
mcr_table_next(const struct mcr_table *t, uint32_t *cursor)
{
	const void *key;
	void *data;

	if (rte_hash_iterate(t->hash, &key, &data, cursor) < 0)
		return NULL;
	return data;
}

unsigned
mcr_entry_stat_sum(const struct mcr_table *t, const struct mcr_entry *e, struct mcr_group_stat *sum,
	struct mcr_group_source *sources, unsigned max)
{
	unsigned n = 0;

	memset(sum, 0, sizeof(*sum));
	for (unsigned i = 0; i < t->n_stat_slots; i++) {
		struct mcr_group_stat s = e->stat[i];

		if (e->cleared)
			subtract(&s, &e->cleared[i]);
		sum->in_packets += s.in_packets;
		sum->in_bytes += s.in_bytes;
		sum->out_packets += s.out_packets;
		sum->out_bytes += s.out_bytes;
		sum->drops += s.drops;
		for (unsigned k = 0; k < MCR_GROUP_SOURCES; k++)
			if (s.source[k].packets)
				n = merge_source(sources, n, max, &s.source[k]);
	}
	return n;
}

int
mcr_table_clear_stat(struct mcr_table *t)
{
	size_t size = t->n_stat_slots * sizeof(struct mcr_group_stat);
	struct mcr_entry *e;
	uint32_t cursor = 0;
	int ret = 0;

	while ((e = mcr_table_next(t, &cursor))) {
		if (!e->cleared)
			e->cleared = aligned_alloc(RTE_CACHE_LINE_SIZE, size);
		if (e->cleared)
			memcpy(e->cleared, e->stat, size);
		else
			ret = -ENOMEM;
	}
	return ret;
}

/* A slot that another sender took since the clear counts from its own start. */
static void
subtract(struct mcr_group_stat *s, const struct mcr_group_stat *then)
{
	s->in_packets -= then->in_packets;
	s->in_bytes -= then->in_bytes;
	s->out_packets -= then->out_packets;
	s->out_bytes -= then->out_bytes;
	s->drops -= then->drops;
	for (unsigned k = 0; k < MCR_GROUP_SOURCES; k++) {
		struct mcr_group_source *now = &s->source[k];

		if (!mcr_addr_eq(&now->addr, &then->source[k].addr) ||
			now->packets < then->source[k].packets)
			continue;
		now->packets -= then->source[k].packets;
		now->bytes -= then->source[k].bytes;
	}
}

/* One allocation: the entry and the counters of its readers, each on lines of its own. */
static struct mcr_entry *
entry_create(const struct mcr_table *t, const struct mcr_group_key *key, struct mcr_list *list)
{
	size_t head = RTE_ALIGN_CEIL(sizeof(struct mcr_entry), RTE_CACHE_LINE_SIZE);
	size_t size = head + t->n_stat_slots * sizeof(struct mcr_group_stat);
	struct mcr_entry *e = aligned_alloc(RTE_CACHE_LINE_SIZE, size);

	if (!e)
		return NULL;
	memset(e, 0, size);
	atomic_init(&e->list, list);
	e->stat = (struct mcr_group_stat *)(void *)((char *)e + head);
	e->key = *key;
	return e;
}

static void
release_entry(void *table, void *entry)
{
	struct mcr_table *t = table;
	struct mcr_entry *e = entry;

	rte_hash_free_key_with_position(t->hash, (int32_t)e->position);
	mcr_list_free(list_of(e));
	entry_free(e);
}

static void
release_list(void *unused, void *list)
{
	(void)unused;
	mcr_list_free(list);
}

static void
entry_free(struct mcr_entry *e)
{
	free(e->cleared);
	free(e);
}

/* The list is const for readers; the writer built it and frees it. */
static struct mcr_list *
list_of(struct mcr_entry *e)
{
	union {
		const struct mcr_list *reader;
		struct mcr_list *writer;
	} list = {.reader = atomic_load_explicit(&e->list, memory_order_relaxed)};

	return list.writer;
}

static unsigned
merge_source(struct mcr_group_source *sources, unsigned n, unsigned max,
	const struct mcr_group_source *more)
{
	for (unsigned i = 0; i < n; i++) {
		if (!mcr_addr_eq(&sources[i].addr, &more->addr))
			continue;
		sources[i].packets += more->packets;
		sources[i].bytes += more->bytes;
		if (more->last_tsc > sources[i].last_tsc) {
			sources[i].last_tsc = more->last_tsc;
			sources[i].port = more->port;
			sources[i].peer = more->peer;
		}
		return n;
	}
	if (n < max)
		sources[n++] = *more;
	return n;
}
