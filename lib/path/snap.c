/* SPDX-License-Identifier: BSD-3-Clause */
#include "path/snap.h"

#include <rte_hash.h>
#include <rte_jhash.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static struct rte_hash *map_create(const char *what, uint32_t entries, uint32_t key_len);
static int map_add(struct rte_hash *map, const void *key, uint32_t value);
static int map_find(const struct rte_hash *map, const void *key);
static int map_add_addr(struct rte_hash *map, const struct mcr_addr *addr, uint32_t value);
static int map_find_addr(const struct rte_hash *map, const struct mcr_addr *addr);
static int add_peers(struct mcr_snap *s);
static int add_segments(struct mcr_snap *s);
static int add_own(struct mcr_snap *s);
static uint64_t filter_bit(const struct mcr_addr *addr);

struct mcr_snap *
mcr_snap_create(uint32_t n_segments, uint32_t n_peers)
{
	struct mcr_snap *s = calloc(1, sizeof(*s));

	if (!s)
		goto no_memory;
	s->segment = calloc(n_segments ? n_segments : 1, sizeof(*s->segment));
	s->peer = calloc(n_peers ? n_peers : 1, sizeof(*s->peer));
	if (!s->segment || !s->peer)
		goto no_memory;
	s->n_segments = n_segments;
	s->n_peers = n_peers;
	for (unsigned p = 0; p < MCR_MAX_PORTS; p++)
		for (unsigned v = 0; v < RTE_DIM(s->port[p].segment); v++)
			s->port[p].segment[v] = MCR_SEGMENT_NONE;
	return s;

no_memory:
	mcr_snap_free(s);
	errno = ENOMEM;
	return NULL;
}

int
mcr_snap_finish(struct mcr_snap *s)
{
	int ret = add_peers(s);

	if (!ret)
		ret = add_segments(s);
	if (!ret)
		ret = add_own(s);
	return ret;
}

void
mcr_snap_free(struct mcr_snap *s)
{
	if (!s)
		return;
	rte_hash_free(s->peer_by_addr);
	rte_hash_free(s->segment_by_vni);
	rte_hash_free(s->own_by_addr);
	for (unsigned p = 0; p < MCR_MAX_PORTS; p++)
		free(s->port[p].own);
	for (uint32_t i = 0; s->segment && i < s->n_segments; i++) {
		mcr_list_free(s->segment[i].unknown);
		mcr_list_free(s->segment[i].link_local);
		free(s->segment[i].allow);
		free(s->segment[i].deny);
	}
	for (uint32_t i = 0; s->peer && i < s->n_peers; i++)
		free(s->peer[i].segment);
	free(s->segment);
	free(s->peer);
	free(s);
}

bool
mcr_snap_is_own(const struct mcr_snap *s, const struct mcr_addr *addr)
{
	return s->own_filter & filter_bit(addr) && map_find_addr(s->own_by_addr, addr) >= 0;
}

int
mcr_snap_find_peer(const struct mcr_snap *s, const struct mcr_addr *addr)
{
	return map_find_addr(s->peer_by_addr, addr);
}

int
mcr_snap_find_vni(const struct mcr_snap *s, uint32_t vni)
{
	return map_find(s->segment_by_vni, &vni);
}

bool
mcr_snap_is_allowed(const struct mcr_snap_segment *seg, const struct mcr_addr *group)
{
	for (uint32_t i = 0; i < seg->n_deny; i++)
		if (mcr_prefix_covers(&seg->deny[i], group))
			return false;
	for (uint32_t i = 0; i < seg->n_allow; i++)
		if (mcr_prefix_covers(&seg->allow[i], group))
			return true;
	return seg->n_allow == 0;
}

static int
add_peers(struct mcr_snap *s)
{
	int ret = 0;

	s->peer_by_addr = map_create("peer", s->n_peers, sizeof(struct mcr_addr));
	if (!s->peer_by_addr)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->n_peers && !ret; i++)
		if (s->peer[i].is_used)
			ret = map_add_addr(s->peer_by_addr, &s->peer[i].addr, i);
	return ret;
}

static int
add_segments(struct mcr_snap *s)
{
	int ret = 0;

	s->segment_by_vni = map_create("vni", s->n_segments, sizeof(uint32_t));
	if (!s->segment_by_vni)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->n_segments && !ret; i++)
		if (s->segment[i].is_used)
			ret = map_add(s->segment_by_vni, &s->segment[i].vni, i);
	return ret;
}

static int
add_own(struct mcr_snap *s)
{
	uint32_t n = 0;
	int ret = 0;

	for (unsigned p = 0; p < MCR_MAX_PORTS; p++)
		n += s->port[p].n_own;
	s->own_by_addr = map_create("own", n, sizeof(struct mcr_addr));
	if (!s->own_by_addr)
		return -ENOMEM;
	s->own_filter = 0;
	for (unsigned p = 0; p < MCR_MAX_PORTS; p++)
		for (uint32_t i = 0; i < s->port[p].n_own && !ret; i++) {
			s->own_filter |= filter_bit(&s->port[p].own[i]);
			ret = map_add_addr(s->own_by_addr, &s->port[p].own[i], p);
		}
	return ret;
}

/* The maps never change after mcr_snap_finish, so readers need no concurrency mode. */
static struct rte_hash *
map_create(const char *what, uint32_t entries, uint32_t key_len)
{
	static uint64_t serial; /* names are unique in the process; main lcore only */
	char name[RTE_HASH_NAMESIZE];
	struct rte_hash_parameters hp = {
		.name = name,
		.entries = RTE_MAX(entries + entries / 4, 16u),
		.key_len = key_len,
		.hash_func = rte_jhash,
		.socket_id = SOCKET_ID_ANY,
		.extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
	};

	snprintf(name, sizeof(name), "snap_%s_%" PRIu64, what, ++serial);
	return rte_hash_create(&hp);
}

static int
map_add(struct rte_hash *map, const void *key, uint32_t value)
{
	return rte_hash_add_key_data(map, key, (void *)(uintptr_t)value);
}

static int
map_find(const struct rte_hash *map, const void *key)
{
	void *value;

	if (rte_hash_lookup_data(map, key, &value) < 0)
		return -1;
	return (int)(uintptr_t)value;
}

/* An address stands anywhere, and the hash function loads words. */
static int
map_add_addr(struct rte_hash *map, const struct mcr_addr *addr, uint32_t value)
{
	const struct mcr_addr key __rte_aligned(8) = *addr;

	return map_add(map, &key, value);
}

static int
map_find_addr(const struct rte_hash *map, const struct mcr_addr *addr)
{
	const struct mcr_addr key __rte_aligned(8) = *addr;

	return map_find(map, &key);
}

static uint64_t
filter_bit(const struct mcr_addr *addr)
{
	return UINT64_C(1) << ((addr->b[15] ^ addr->b[14] >> 2 ^ addr->b[13] << 3) & 63);
}
