/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_PORT_POOL_H
#define MCR_PORT_POOL_H

#include <stdint.h>

#include <rte_mempool.h>

#include "base/err.h"

/*
 * The pools of one NUMA socket. payload: what NICs receive into. header: one small mbuf per copy.
 * copy: full buffers of copy lanes. control: what the main lcore sends, and punted copies.
 * Separate, so that an empty one never stops another (T11). Sized from descriptors, bursts and
 * caches.
 */
struct mcr_pools {
	struct rte_mempool *payload, *header, *copy, *control;
};

#define MCR_HEADER_ROOM 192 /* data room of a header mbuf: scratch and header */
#define MCR_POOL_CACHE 256
#define MCR_MBUF_PRIV 32 /* private area of a control mbuf: room for struct mcr_punt */

struct mcr_pool_param {
	int socket;
	uint32_t rx_desc, tx_desc; /* sums over all ports and queues; see mcr_port_rx_buffers */
	unsigned n_workers;
	uint16_t max_mtu; /* largest port MTU: the data room of payload and copy */
};

/* Bytes all pools will take: for -m. Needs no EAL. */
uint64_t mcr_pools_bytes(const struct mcr_pool_param *p);
/* 0, or -ENOMEM and one error. */
int
mcr_pools_create(struct mcr_pools *pools, const struct mcr_pool_param *p, struct mcr_errs *errs);
/* A pool of the same buffers as `like`, for a device that needs one of its own; or NULL. */
struct rte_mempool *mcr_pool_create_like(struct rte_mempool *like, uint32_t count);
void mcr_pools_free(struct mcr_pools *pools);

#endif
