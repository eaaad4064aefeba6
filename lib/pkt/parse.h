/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_PKT_PARSE_H
#define MCR_PKT_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/stat.h"

/*
 * Frame -> view. Pure: no EAL, no state, no allocation; reads only `head`.
 *
 * The caller hands over the first `head_len` bytes in one piece (the whole frame, or at least
 * MCR_PARSE_HEAD bytes of it) and the frame's length. Offsets in the view count from the start
 * of `head`. A frame that must be dropped gets a reason; the view is then undefined except for
 * l2_len.
 */
#define MCR_PARSE_HEAD 384

enum mcr_kind {
	MCR_KIND_DATA, /* IP multicast, not link-local */
	MCR_KIND_LINK, /* IP multicast to a link-local group (224.0.0.0/24, ff02::/16), not IGMP */
	MCR_KIND_IGMP, /* IGMP of any type */
	MCR_KIND_MLD,
	MCR_KIND_ARP,
	MCR_KIND_ND,
	MCR_KIND_UNICAST, /* IP unicast: tunnel packets and ICMP to us, or anything else */
	MCR_KIND_OTHER,   /* non-IP, broadcast: bridged protocols */
};

/* What the NIC said about checksums. */
#define MCR_PARSE_IP_CSUM_GOOD 0x1
#define MCR_PARSE_L4_CSUM_GOOD 0x2

/* 64 bytes. Written by parse; port, segment, origin and peer by the caller. */
struct mcr_view {
	struct mcr_addr src, dst;
	uint16_t vid;       /* of the outermost tag, priority tags 0; MCR_VID_NONE = untagged */
	uint16_t ethertype; /* host order, of the payload */
	uint16_t ip_len;    /* IP packet length; the frame may be longer (padding) */
	uint16_t l4_sport, l4_dport; /* host order; 0 when not UDP or not in this fragment */
	uint16_t flow;   /* hash of addresses, protocol, ports: entropy for the outer source port */
	uint16_t l3_len; /* IPv4 header with options, IPv6 with extension headers: up to 296 */
	uint8_t l2_len;  /* Ethernet header and tags: offset of the IP header */
	uint8_t l4_proto;
	uint8_t kind; /* enum mcr_kind */
	uint8_t ttl, tos;
	bool is_fragment; /* MF or offset, or an IPv6 fragment header */
	bool has_router_alert;
	uint8_t port;     /* our port index */
	uint8_t origin;   /* enum mcr_origin (path) */
	uint16_t segment; /* index in the snapshot */
	uint16_t peer;    /* index of the peer the frame came from; MCR_PEER_NONE */
	uint8_t n_tags;
	uint8_t pad[3];
};

#define MCR_VID_NONE 4096
#define MCR_PEER_NONE UINT16_MAX

/*
 * Checks of protocol.md P5-P7, P21, P27, F5, T9: Ethernet, up to two tags (0x8100, 0x88a8),
 * IPv4 with options, IPv6 with at most 8 extension headers and 256 octets, UDP ports, unfinished
 * UDP checksums (a value equal to the pseudo-header sum) in constant time.
 * Returns -1 when the frame is good, else an enum mcr_drop.
 */
int mcr_parse(const uint8_t *head, uint32_t head_len, uint32_t frame_len, unsigned flags,
	struct mcr_view *v);

#endif
