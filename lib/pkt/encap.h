/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_PKT_ENCAP_H
#define MCR_PKT_ENCAP_H

#include <stdint.h>
#include <string.h>

#include "base/addr.h"

/*
 * Encapsulation is data. A template holds the complete header of a copy with everything that
 * does not change, and the offsets of what does. One branch-free writer serves native copies
 * (Ethernet, with or without a tag) and tunnel copies (VXLAN over IPv4, IPv6, with or without a
 * tag). A field that an encapsulation does not have points at scratch bytes in front of the header:
 * offsets are signed, MCR_ENCAP_SCRATCH bytes before the header are writable.
 *
 * Lengths: every varying length is payload length + addend, where the payload is the shared part
 * behind the inner Ethernet header. IPv4: DF is set and the ID is 0xffff - total length - ECN, so
 * ID, length and TOS add up to a constant and the checksum of the template stays right for every
 * length and ECN value (an ID has no meaning in an unfragmentable packet, RFC 6864 section 4.1).
 */
#define MCR_ENCAP_ROOM 96
#define MCR_ENCAP_SCRATCH 32

struct mcr_encap {
	uint8_t hdr[MCR_ENCAP_ROOM];
	uint8_t len;          /* bytes of hdr that are sent */
	int8_t mac_off;       /* 12 bytes: destination and source MAC of the inner (native) frame */
	int8_t type_off;      /* 2: EtherType of the payload */
	int8_t ip_len_off;    /* 2: IPv4 total or IPv6 payload length */
	int8_t ip_id_off;     /* 2 */
	int8_t udp_sport_off; /* 2 */
	int8_t udp_len_off;   /* 2 */
	int8_t vni_off;       /* 4: VNI << 8 */
	int8_t tos_off;       /* 1: octet with the outer ECN bits, which the writer sets */
	uint8_t ip_len_add;   /* addends to the payload length */
	uint8_t udp_len_add;
	uint8_t tos; /* that octet of the template: DSCP << 2; IPv6: half of it and the label */
	uint8_t ecn_shift; /* 0; IPv6 4 */
};

/* What differs between frames of one run; built once per frame. */
struct mcr_vary {
	uint8_t mac[12];      /* destination, source of the frame that is copied */
	uint16_t ethertype;   /* network order */
	uint16_t sport;       /* network order */
	uint32_t vni;         /* network order, VNI << 8 */
	uint16_t payload_len; /* host order: bytes of the shared part */
	uint8_t ecn;          /* ECN bits of the inner packet (RFC 6040 section 4.1) */
};

/* Ethernet header for a native copy; vid 0 or MCR_VID_NONE = untagged. */
void mcr_encap_native(struct mcr_encap *e, uint16_t vid);

struct mcr_vxlan_param {
	struct mcr_mac dst_mac, src_mac; /* outer Ethernet */
	struct mcr_addr src, dst;        /* same family */
	uint16_t udp_port;               /* host order, 4789 */
	uint8_t ttl, tos;                /* tos: DSCP << 2 */
};
void mcr_encap_vxlan(struct mcr_encap *e, const struct mcr_vxlan_param *p);

/*
 * Write the header of one copy at `out` (MCR_ENCAP_SCRATCH bytes before it and MCR_ENCAP_ROOM
 * bytes from it are writable). Branch free: `e` decides everything.
 */
static inline void
mcr_encap_write(uint8_t *out, const struct mcr_encap *e, const struct mcr_vary *v)
{
	uint16_t ip_len = v->payload_len + e->ip_len_add;
	uint16_t be_ip_len = __builtin_bswap16(ip_len);
	uint16_t be_id = __builtin_bswap16((uint16_t)(0xffff - ip_len - v->ecn));
	uint16_t be_udp_len = __builtin_bswap16(v->payload_len + e->udp_len_add);

	memcpy(out, e->hdr, MCR_ENCAP_ROOM);
	memcpy(out + e->ip_len_off, &be_ip_len, 2);
	memcpy(out + e->ip_id_off, &be_id, 2);
	memcpy(out + e->udp_sport_off, &v->sport, 2);
	memcpy(out + e->udp_len_off, &be_udp_len, 2);
	memcpy(out + e->vni_off, &v->vni, 4);
	out[e->tos_off] = e->tos | (uint8_t)(v->ecn << e->ecn_shift);
	memcpy(out + e->mac_off, v->mac, 12);
	memcpy(out + e->type_off, &v->ethertype, 2);
}

/* Inner MTU of a link: VXLAN over IPv4 1500 -> 1450. Negative when nothing fits. */
int mcr_encap_inner_mtu(const struct mcr_encap *e, unsigned link_mtu);
/* Entropy source port of a flow hash: 49152-65535, network order. */
uint16_t mcr_encap_sport(uint16_t flow);

#endif
