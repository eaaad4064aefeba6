/* SPDX-License-Identifier: BSD-3-Clause */
#include "port/pool.h"

#include <rte_common.h>
#include <rte_eal.h>
#include <rte_ether.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_memzone.h>
#include <rte_mbuf_pool_ops.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What one worker has in hand besides the rings of the ports: bursts, tiles, a full cache. */
#define HELD_BY_WORKER 512
#define HELD_BY_CACHE (MCR_POOL_CACHE * 3 / 2)
/* Punt and inject rings, queued packets of neighbours. */
#define CONTROL_COUNT 4095
#define LEAST_COUNT 8191
#define LEAST_ROOM 2048

enum kind { PAYLOAD, HEADER, COPY, CONTROL, N_KINDS };

static const char *const kind_names[N_KINDS] = {"payload", "header", "copy", "control"};

struct shape {
	uint32_t count;
	uint16_t room; /* data room with headroom */
	uint16_t priv;
};

static struct shape
shape_of(enum kind kind, const struct mcr_pool_param *p)
{
	uint32_t mtu = RTE_MAX(p->max_mtu, (uint16_t)RTE_ETHER_MTU);
	uint32_t frame = mtu + RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN + RTE_ETHER_CRC_LEN;
	uint32_t held = (p->n_workers + 1) * (HELD_BY_WORKER + HELD_BY_CACHE);
	struct shape s = {
		.room = RTE_PKTMBUF_HEADROOM +
	                RTE_ALIGN_CEIL(RTE_MAX(frame, (uint32_t)LEAST_ROOM), 64),
	};

	switch (kind) {
	case PAYLOAD:
		/* A NIC without traffic keeps what it sent in its transmit ring. */
		s.count = p->rx_desc + p->tx_desc + held;
		break;
	case HEADER:
		s.count = p->tx_desc + held;
		s.room = MCR_HEADER_ROOM;
		break;
	case COPY:
		s.count = p->tx_desc + held;
		break;
	default:
		s.count = CONTROL_COUNT;
		s.priv = MCR_MBUF_PRIV;
		break;
	}
	/* One below a power of two fits the ring of the pool best. */
	if (kind == HEADER)
		s.count = RTE_MAX(s.count, (uint32_t)LEAST_COUNT);
	return s;
}

static uint32_t
element_size(const struct shape *s)
{
	return sizeof(struct rte_mbuf) + s->priv + s->room;
}

static uint64_t
bytes_of(const struct shape *s)
{
	uint64_t object = rte_mempool_calc_obj_size(element_size(s), 0, NULL);
	/* The pool itself: a cache for every possible lcore, and a ring of pointers. */
	uint64_t pool = sizeof(struct rte_mempool) +
	                RTE_MAX_LCORE * sizeof(struct rte_mempool_cache) +
	                rte_align32pow2(s->count + 1) * sizeof(void *);

	return object * s->count + pool;
}

uint64_t
mcr_pools_bytes(const struct mcr_pool_param *p)
{
	uint64_t sum = 0;

	for (enum kind k = PAYLOAD; k < N_KINDS; k++) {
		struct shape s = shape_of(k, p);

		sum += bytes_of(&s);
	}
	/* malloc puts a head on each piece and aligns it. */
	return sum + sum / 64;
}

static void
free_zone(struct rte_mempool_memhdr *chunk, void *zone)
{
	(void)chunk;
	rte_memzone_free(zone);
}

/*
 * On ordinary pages of 4 KB the default population lets no object cross a page, which wastes
 * nearly half the memory. IOVAs are virtual addresses there, so one piece of memory will do.
 * (af_xdp counts on one piece as well.)
 */
static int
populate_plain(struct rte_mempool *pool, const char *name)
{
	size_t size =
		(size_t)pool->size * (pool->header_size + pool->elt_size + pool->trailer_size);
	const struct rte_memzone *zone;
	int ret;

	zone = rte_memzone_reserve_aligned(
		name, size, pool->socket_id, RTE_MEMZONE_SIZE_HINT_ONLY, RTE_MEMPOOL_ALIGN);
	if (zone == NULL)
		return -ENOMEM;
	ret = rte_mempool_populate_iova(
		pool, zone->addr, zone->iova, size, free_zone, (void *)(uintptr_t)zone);
	if (ret <= 0)
		rte_memzone_free(zone);
	return ret == (int)pool->size ? 0 : -ENOMEM;
}

/* Pools of an earlier set may still have mbufs out, and their names. */
static unsigned serial;

/* As rte_pktmbuf_pool_create, which leaves no choice of flags. */
static struct rte_mempool *
create(const char *kind, const struct shape *s, int socket)
{
	struct rte_pktmbuf_pool_private private = {
		.mbuf_data_room_size = s->room,
		.mbuf_priv_size = s->priv,
	};
	bool is_plain = !rte_eal_has_hugepages();
	char name[RTE_MEMPOOL_NAMESIZE];
	struct rte_mempool *pool;
	int ret;

	snprintf(name, sizeof(name), "%s-%u", kind, serial++);
	pool = rte_mempool_create_empty(name, s->count, element_size(s), MCR_POOL_CACHE,
		sizeof(private), socket, is_plain ? RTE_MEMPOOL_F_NO_IOVA_CONTIG : 0);
	if (pool == NULL)
		return NULL;
	ret = rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), NULL);
	if (ret == 0) {
		rte_pktmbuf_pool_init(pool, &private);
		ret = is_plain ? populate_plain(pool, name) : rte_mempool_populate_default(pool);
	}
	if (ret < 0) {
		rte_mempool_free(pool);
		return NULL;
	}
	rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
	return pool;
}

struct rte_mempool *
mcr_pool_create_like(struct rte_mempool *like, uint32_t count)
{
	struct shape s = {
		.count = count,
		.room = rte_pktmbuf_data_room_size(like),
		.priv = rte_pktmbuf_priv_size(like),
	};

	return create("own", &s, like->socket_id);
}

static uint64_t
free_bytes(void)
{
	struct rte_malloc_socket_stats stats;
	uint64_t sum = 0;

	for (unsigned i = 0; i < rte_socket_count(); i++)
		if (rte_malloc_get_socket_stats(rte_socket_id_by_idx(i), &stats) == 0)
			sum += stats.heap_freesz_bytes;
	return sum;
}

int
mcr_pools_create(struct mcr_pools *pools, const struct mcr_pool_param *p, struct mcr_errs *errs)
{
	struct rte_mempool **const pool[N_KINDS] = {
		[PAYLOAD] = &pools->payload,
		[HEADER] = &pools->header,
		[COPY] = &pools->copy,
		[CONTROL] = &pools->control,
	};
	uint64_t available = free_bytes();
	struct mcr_err *err;

	memset(pools, 0, sizeof(*pools));
	for (enum kind k = PAYLOAD; k < N_KINDS; k++) {
		struct shape s = shape_of(k, p);

		*pool[k] = create(kind_names[k], &s, p->socket);
		/* Ordinary pages all belong to one node, whichever the port is on. */
		if (*pool[k] == NULL && p->socket != SOCKET_ID_ANY)
			*pool[k] = create(kind_names[k], &s, SOCKET_ID_ANY);
		if (*pool[k] == NULL)
			goto fail;
	}
	return 0;

fail:
	mcr_pools_free(pools);
	err = mcr_errs_add(errs, MCR_ERROR,
		"packet memory: needs %" PRIu64 " MB, %" PRIu64 " MB available",
		mcr_pools_bytes(p) >> 20, available >> 20);
	mcr_err_fix(err, "set system memory-size %" PRIu64 ", or lower descriptors of the ports",
		RTE_MAX(UINT64_C(64), (mcr_pools_bytes(p) * 3 / 2) >> 20));
	return -ENOMEM;
}

void
mcr_pools_free(struct mcr_pools *pools)
{
	rte_mempool_free(pools->payload);
	rte_mempool_free(pools->header);
	rte_mempool_free(pools->copy);
	rte_mempool_free(pools->control);
	memset(pools, 0, sizeof(*pools));
}
