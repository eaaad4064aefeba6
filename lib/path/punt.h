/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_PATH_PUNT_H
#define MCR_PATH_PUNT_H

#include <stdint.h>

#include <rte_mbuf.h>

#include "pkt/parse.h"

/*
 * The narrow way between workers and the main lcore: per worker one ring up (punt) and one down
 * (inject). A punted frame is a linear copy in the control pool; its private area says where it
 * came from. A punt storm fills the ring and is counted (`ring-full`); data is never hurt by it.
 */
enum mcr_punt_kind {
	MCR_PUNT_MSHIP, /* IGMP; from a peer: the inner frame */
	MCR_PUNT_ARP,
	MCR_PUNT_ICMP,    /* IPv4 ICMP to one of our addresses */
	MCR_PUNT_RESOLVE, /* a finished copy whose outer destination MAC is not known yet */
};

struct mcr_punt {
	uint8_t kind; /* enum mcr_punt_kind */
	uint8_t port; /* arrival port; RESOLVE: output port */
	uint8_t l2_len;
	uint8_t pad;
	uint16_t vid; /* MCR_VID_NONE = untagged */
	uint16_t segment;
	uint16_t peer; /* MCR_PEER_NONE: from a local port */
	uint16_t pad2;
	uint32_t target; /* RESOLVE */
};

static inline struct mcr_punt *
mcr_punt_of(struct rte_mbuf *m)
{
	return rte_mbuf_to_priv(m);
}

struct mcr_path;

/*
 * Main lcore: hand up to `max` punted frames to fn, which owns the mbuf. Returns how many.
 * mcr_punt_fd: an eventfd that becomes readable when a ring goes from empty to not empty.
 */
unsigned mcr_punt_poll(
	struct mcr_path *p, unsigned max, void (*fn)(void *arg, struct rte_mbuf *m), void *arg);
int mcr_punt_fd(const struct mcr_path *p);

/* Main lcore: an empty mbuf of the control pool, or NULL. */
struct rte_mbuf *mcr_inject_alloc(struct mcr_path *p);
/* Send a complete frame by a port. Consumes m. 0 or -ENOBUFS (ring full: freed and counted). */
int mcr_inject(struct mcr_path *p, uint8_t port, struct rte_mbuf *m);
/* Wait until all injected frames were handed to their ports (clock warp), at most timeout_ms. */
int mcr_inject_drain(struct mcr_path *p, unsigned timeout_ms);

#endif
