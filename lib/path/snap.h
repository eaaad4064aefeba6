/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_PATH_SNAP_H
#define MCR_PATH_SNAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/stat.h"
#include "group/repl.h"
#include "pkt/parse.h"
#include "port/port.h"

/*
 * The snapshot: everything a worker needs to know besides targets and the group table. Built by
 * app/ on a commit, published whole, immutable, freed after the grace period. Index numbers (port,
 * segment, peer) are stable over the life of an object and are reused only a grace period after it.
 */
#define MCR_SEGMENT_NONE UINT16_MAX
#define MCR_MAX_SEGMENTS 4096
#define MCR_MAX_PEERS 32768

struct mcr_snap_port {
	const struct mcr_port *port; /* NULL: no such port */
	bool is_uplink;
	bool is_up; /* admin state; copies to a port that is not are `port-down` */
	struct mcr_mac mac;
	uint16_t segment[MCR_VID_NONE + 1]; /* by VID; [MCR_VID_NONE] untagged; MCR_SEGMENT_NONE */
	struct mcr_addr *own;               /* own addresses of the port */
	uint32_t n_own;
	bool tx_locked; /* fewer tx queues than workers: one spinlock a queue */
};

struct mcr_snap_segment {
	bool is_used;
	uint32_t vni;
	/* For groups without an entry (unknown flood, peers that want all). NULL: drop no-member.
	 */
	struct mcr_list *unknown;
	/* For 224.0.0.0/24 and ff02::/16: all access ports of the segment. */
	struct mcr_list *link_local;
	struct mcr_prefix *allow, *deny;
	uint32_t n_allow, n_deny;
};

struct mcr_snap_peer {
	bool is_used;
	struct mcr_addr addr;
	uint32_t n_segments;
	uint16_t *segment; /* the segments extended to this peer, ascending */
};

struct mcr_snap {
	uint64_t generation;
	struct mcr_snap_port port[MCR_MAX_PORTS];
	struct mcr_snap_segment *segment;
	uint32_t n_segments;
	struct mcr_snap_peer *peer;
	uint32_t n_peers;
	/* Built by mcr_snap_finish: */
	struct rte_hash *peer_by_addr;   /* mcr_addr -> peer index */
	struct rte_hash *segment_by_vni; /* uint32_t -> segment index */
	struct rte_hash *own_by_addr;    /* every own address of every port */
	uint64_t
		own_filter; /* a bit for each own address: most others need no look into the hash */
};

/* All lists and arrays start empty; the builder fills them with memory from malloc. */
struct mcr_snap *mcr_snap_create(uint32_t n_segments, uint32_t n_peers);
int mcr_snap_finish(struct mcr_snap *s);
void mcr_snap_free(struct mcr_snap *s); /* with everything in it, but not the ports */

/* Is it an address of any of our ports? Peer or segment: index, or -1. */
bool mcr_snap_is_own(const struct mcr_snap *s, const struct mcr_addr *addr);
int mcr_snap_find_peer(const struct mcr_snap *s, const struct mcr_addr *addr);
int mcr_snap_find_vni(const struct mcr_snap *s, uint32_t vni);

/* Deny lines win over allow lines; without an allow line every group is allowed. */
bool mcr_snap_is_allowed(const struct mcr_snap_segment *seg, const struct mcr_addr *group);

#endif
