/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_NEIGH_NEIGH_H
#define MCR_NEIGH_NEIGH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "event/timer.h"

/*
 * Next hops of the underlay: ARP now, the table is ready for ND. Answers requests for our
 * addresses, resolves what is wanted, keeps watching it, queues a few packets meanwhile. Bounded:
 * learned entries exist only for wanted addresses, so spoofed senders cannot fill it (V22); static
 * entries are never replaced.
 *
 * A wanted address is asked at once, then once a second until it answers, later every 10 s
 * to see that it still does; three requests in a row without an answer make it DOWN (T17), the
 * first answer makes it UP again.
 */
struct mcr_neigh;

enum mcr_neigh_state {
	MCR_NEIGH_PENDING, /* asked, no answer yet */
	MCR_NEIGH_UP,
	MCR_NEIGH_DOWN,
	MCR_NEIGH_STATIC,
};

struct mcr_neigh_ops {
	/* Send a whole Ethernet frame by a port; bytes are copied. */
	void (*send)(void *arg, uint8_t port, const uint8_t *frame, uint32_t len);
	/* State or MAC of a wanted address changed. */
	void (*changed)(void *arg, uint8_t port, const struct mcr_addr *addr,
		enum mcr_neigh_state state, const struct mcr_mac *mac);
	/* A queued packet can go (its outer destination MAC is `mac`), or must not (mac NULL). */
	void (*release)(void *arg, uint8_t port, void *packet, const struct mcr_mac *mac);
};

struct mcr_neigh *
mcr_neigh_create(struct mcr_timers *timers, const struct mcr_neigh_ops *ops, void *arg);
void mcr_neigh_free(struct mcr_neigh *n);

/* Own MAC and addresses of a port (prefix = address with host bits); n 0 removes the port. */
int mcr_neigh_set_port(struct mcr_neigh *n, uint8_t port, const struct mcr_mac *mac,
	const struct mcr_prefix *own, uint32_t n_own);
/* Reference counted. */
int mcr_neigh_want(struct mcr_neigh *n, uint8_t port, const struct mcr_addr *addr);
void mcr_neigh_unwant(struct mcr_neigh *n, uint8_t port, const struct mcr_addr *addr);
int mcr_neigh_set_static(struct mcr_neigh *n, uint8_t port, const struct mcr_addr *addr,
	const struct mcr_mac *mac);        /* mac NULL removes */
void mcr_neigh_clear(struct mcr_neigh *n); /* forget learned MACs, ask again */

/*
 * While the test clock is warped, time goes by faster than anybody can answer: an entry then counts
 * one question at most as unanswered, so who is there stays up, and who is gone is down after three
 * warps.
 */
void mcr_neigh_hold(struct mcr_neigh *n, bool is_held);

/* Queue a packet for a wanted, pending address: at most 3 each, else it is released at once. */
#define MCR_NEIGH_QUEUE 3
void mcr_neigh_queue(struct mcr_neigh *n, uint8_t port, const struct mcr_addr *addr, void *packet);
/* Received ARP, from the Ethernet header on; l2_len = its length. */
void mcr_neigh_input(
	struct mcr_neigh *n, uint8_t port, const uint8_t *frame, uint32_t len, uint32_t l2_len);

struct mcr_neigh_info {
	uint8_t port;
	struct mcr_addr addr;
	struct mcr_mac mac;
	enum mcr_neigh_state state;
	uint32_t age_s; /* since the last answer */
	uint32_t queued, wanted;
};
bool mcr_neigh_find(const struct mcr_neigh *n, uint8_t port, const struct mcr_addr *addr,
	struct mcr_neigh_info *info);
bool mcr_neigh_next(const struct mcr_neigh *n, uint32_t *cursor, struct mcr_neigh_info *info);

struct mcr_neigh_stat {
	uint64_t requests_in, replies_in, requests_out, replies_out, conflicts, ignored, malformed,
		queue_drops;
};
const struct mcr_neigh_stat *mcr_neigh_stat(const struct mcr_neigh *n);

#endif
