/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_BASE_STAT_H
#define MCR_BASE_STAT_H

#include <stdint.h>

#include <rte_common.h>
#include <rte_lcore.h>

/*
 * Counters: one block per lcore, written by that lcore alone with plain stores, summed by the
 * reader. A packet or copy that is lost is counted in exactly one drop reason, and on the port
 * where it came in (a copy: where it should have gone out).
 *
 * X(id, stage, reason, meaning, fix or NULL). `show drops` prints the rows in this order.
 * A reason is a row here from the change on that can raise it.
 */
/* clang-format off */
#define MCR_DROPS(X) \
	X(PARSE_RUNT, "parse", "runt", "frame shorter than its headers", NULL) \
	X(PARSE_BAD_VERSION, "parse", "bad-version", "IP version does not fit the EtherType", NULL) \
	X(PARSE_BAD_IHL, "parse", "bad-ihl", "IPv4 header length below 20 or beyond the packet", NULL) \
	X(PARSE_BAD_IP_LENGTH, "parse", "bad-ip-length", "IP length beyond the frame", NULL) \
	X(PARSE_BAD_IP_CHECKSUM, "parse", "bad-ip-checksum", "IPv4 header checksum is wrong", NULL) \
	X(PARSE_BAD_L4_CHECKSUM, "parse", "bad-l4-checksum", \
		"wrong or unfinished UDP checksum; often a veth sender", \
		"ethtool -K IF tx off    (in the sender's namespace)") \
	X(PARSE_BAD_SOURCE, "parse", "bad-source", "source address cannot send multicast", NULL) \
	X(PARSE_OWN_SOURCE, "parse", "own-source", "source address is one of ours", NULL) \
	X(PARSE_BAD_MAC, "parse", "bad-mac", "not for us: unicast to another MAC, or no IP", NULL) \
	X(PARSE_UNKNOWN_VLAN, "parse", "unknown-vlan", "VLAN without a segment on this port", \
		"set port PORT vlan VID segment SEGMENT") \
	X(PARSE_TOO_MANY_TAGS, "parse", "too-many-tags", "more than two VLAN tags, or an unknown TPID", \
		NULL) \
	X(PARSE_BAD_EXTENSION, "parse", "bad-extension", "IPv6 extension headers broken or too many", \
		NULL) \
	X(MEMBER_CHECKSUM, "membership", "checksum", "IGMP checksum is wrong", NULL) \
	X(MEMBER_TTL, "membership", "ttl", "IGMP with TTL other than 1: routed or forged", NULL) \
	X(MEMBER_MALFORMED, "membership", "malformed", "message shorter than its counts say", NULL) \
	X(MEMBER_FRAGMENT, "membership", "fragment", "IGMP in an IP fragment", NULL) \
	X(MEMBER_VERSION, "membership", "version", "unknown type, or a version not spoken here", NULL) \
	X(MEMBER_SOURCE, "membership", "source", "sender address cannot be a host", NULL) \
	X(MEMBER_OFF_SUBNET, "membership", "off-subnet", "report from outside the port's network", NULL) \
	X(MEMBER_OWN, "membership", "own", "our own message came back", "look for a loop") \
	X(MEMBER_GROUP, "membership", "group", "record or query whose group is not a joinable group", \
		NULL) \
	X(MEMBER_LIMIT, "membership", "limit", "a limit is reached; the new membership is refused", \
		"set limit groups|subscribers|sources|memberships COUNT") \
	X(PUNT_RING_FULL, "punt", "ring-full", "control messages faster than the control thread", NULL) \
	X(POLICY_NOT_ALLOWED, "policy", "not-allowed", "group outside the segment's allow lines", \
		"set segment SEGMENT allow GROUPS/LEN") \
	X(LOOKUP_NO_MEMBER, "lookup", "no-member", "nobody asked for this group; nothing to do", NULL) \
	X(OVERLAY_RUNT, "overlay-in", "runt", "tunnel packet shorter than its headers", NULL) \
	X(OVERLAY_BAD_UDP_LENGTH, "overlay-in", "bad-udp-length", "UDP length does not fit", NULL) \
	X(OVERLAY_BAD_UDP_CHECKSUM, "overlay-in", "bad-udp-checksum", "outer UDP checksum is wrong", \
		NULL) \
	X(OVERLAY_BAD_FLAGS, "overlay-in", "bad-flags", "VXLAN header without the I flag", NULL) \
	X(OVERLAY_BAD_SOURCE, "overlay-in", "bad-source", "outer source is multicast or broadcast", NULL) \
	X(OVERLAY_OWN_ADDRESS, "overlay-in", "own-address", "outer source is our own tunnel address", \
		"two appliances share one address") \
	X(OVERLAY_UNKNOWN_PEER, "overlay-in", "unknown-peer", "tunnel packet from no configured peer", \
		"add peer PEER address ADDRESS") \
	X(OVERLAY_UNKNOWN_VNI, "overlay-in", "unknown-vni", "VNI of no segment", \
		"add segment SEGMENT vni VNI") \
	X(OVERLAY_VNI_NOT_OF_PEER, "overlay-in", "vni-not-of-peer", "segment not extended to this peer", \
		"set peer PEER segment SEGMENT") \
	X(OVERLAY_FRAGMENT, "overlay-in", "fragment", "fragment of a tunnel packet", \
		"lower the sender's MTU: show mtu") \
	X(OVERLAY_ECN, "overlay-in", "ecn", "congestion mark on a packet that cannot carry it", NULL) \
	X(OVERLAY_NESTED, "overlay-in", "nested", "tunnel inside a tunnel", NULL) \
	X(OVERLAY_INNER_VLAN, "overlay-in", "inner-vlan", "VLAN tag inside the tunnel", NULL) \
	X(OVERLAY_INNER_TYPE, "overlay-in", "inner-type", "not IP multicast inside the tunnel", NULL) \
	X(REPL_NO_BUFFER, "replicate", "no-buffer", "no free packet buffer for the copy", \
		"set system memory-size MEGABYTES") \
	X(REPL_MTU, "replicate", "mtu", "copy larger than the output's MTU", "show mtu") \
	X(REPL_PEER_DOWN, "replicate", "peer-down", "peer is down", "show peers") \
	X(REPL_NO_NEIGHBOR, "replicate", "no-neighbor", "next hop's MAC address is not known yet", \
		"show neighbors") \
	X(TX_QUEUE_FULL, "transmit", "tx-queue-full", "port too slow for this fan-out", \
		"set port PORT queues RX TX, or descriptors RX TX") \
	X(TX_PORT_DOWN, "transmit", "port-down", "port is down", "set port PORT admin up")

enum mcr_drop {
#define X(id, stage, reason, meaning, fix) MCR_DROP_##id,
	MCR_DROPS(X)
#undef X
	MCR_DROP_MAX
};
/* clang-format on */

struct mcr_drop_info {
	const char *stage, *reason, *meaning, *fix;
};
extern const struct mcr_drop_info mcr_drop_info[MCR_DROP_MAX];

/* Index of a port in every mcr array: our own, not DPDK's port id. */
#define MCR_MAX_PORTS RTE_MAX_ETHPORTS

/* Traffic of one port as the data path saw it. */
struct mcr_port_stat {
	uint64_t rx_packets, rx_bytes;
	uint64_t tx_packets, tx_bytes;
	uint64_t drop[MCR_DROP_MAX];
};

/* Written by one lcore only. */
struct mcr_stat_block {
	struct mcr_port_stat port[MCR_MAX_PORTS];
	/* Balance of the walk: received = forwarded + punted + dropped (test R23). */
	uint64_t forwarded; /* received frames that were replicated to at least one target */
	uint64_t punted;
	uint64_t copies; /* copies handed to a port's transmit buffer or lost with a reason */
	uint64_t turns, busy_turns, busy_cycles, idle_cycles;
} __rte_cache_aligned;

extern struct mcr_stat_block mcr_stat[RTE_MAX_LCORE];

/* The calling lcore's block; the caller is an EAL thread. */
static inline struct mcr_stat_block *
mcr_stat_mine(void)
{
	return &mcr_stat[rte_lcore_id()];
}

/* For every counter of a block: one writer, so no locked instruction; readers see whole words. */
static inline void
mcr_stat_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline void
mcr_drop_count(unsigned port, enum mcr_drop why, uint32_t n)
{
	mcr_stat_add(&mcr_stat_mine()->port[port].drop[why], n);
}

/* Sums over all lcores since the last clear; a clear keeps a baseline, the counters go on. */
void mcr_stat_port(unsigned port, struct mcr_port_stat *sum);
uint64_t mcr_stat_drops(enum mcr_drop why);
/* Main lcore: `show drops` LAST. Call once a second; remembers when each reason last rose. */
void mcr_stat_tick(uint64_t now_ns);
/* Time of the last rise, 0 = never. */
uint64_t mcr_stat_drop_last(enum mcr_drop why);
void mcr_stat_clear_port(unsigned port); /* counters of one port */
void mcr_stat_clear_drops(void);         /* drop reasons of all ports */
void mcr_stat_clear(void);               /* both, all ports */

#endif
