/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_PKT_DECAP_H
#define MCR_PKT_DECAP_H

#include <stdint.h>

#include "pkt/parse.h"

/*
 * Outer header of a tunnel packet -> inner offset and tunnel key. Pure. The frame was parsed
 * (`v` is its view, KIND_UNICAST, UDP port 4789); checks V5, V8, V9 here, peers and VNIs are
 * path's.
 */
struct mcr_tunnel {
	uint32_t vni;
	uint16_t inner_off;    /* of the inner Ethernet header, from the start of the frame */
	uint16_t inner_len;    /* by the UDP length; the frame may be longer */
	uint16_t udp_checksum; /* as received; 0 = none */
	uint16_t udp_off, udp_len;
	uint8_t outer_ecn;
};

/* -1 = good, else an enum mcr_drop. */
int mcr_decap_vxlan(const uint8_t *head, uint32_t head_len, uint32_t frame_len,
	const struct mcr_view *v, struct mcr_tunnel *t);

/*
 * ECN at decapsulation (RFC 6040 section 4.2): the inner ECN that results from inner and outer,
 * or -1 = drop. ip: the inner IP header, changed in place with its checksum when needed.
 */
int mcr_decap_ecn(unsigned inner_ecn, unsigned outer_ecn);
void mcr_decap_set_ecn(uint8_t *ip, unsigned ecn);

#endif
