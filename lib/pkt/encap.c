/* SPDX-License-Identifier: BSD-3-Clause */
#include "pkt/encap.h"

#include <errno.h>
#include <stdbool.h>

#include "pkt/parse.h"
#include "pkt/rewrite.h"
#include "pkt/wire.h"

/* Where fields that an encapsulation does not have are written: in front of the header, apart. */
enum {
	SCRATCH_IP_LEN = -2,
	SCRATCH_IP_ID = -4,
	SCRATCH_SPORT = -6,
	SCRATCH_UDP_LEN = -8,
	SCRATCH_VNI = -12,
	SCRATCH_TOS = -13,
};

_Static_assert(-SCRATCH_TOS <= MCR_ENCAP_SCRATCH, "scratch bytes");
_Static_assert(
	MCR_ETH_LEN + MCR_IPV6_LEN + MCR_UDP_LEN + MCR_VXLAN_LEN + MCR_ETH_LEN <= MCR_ENCAP_ROOM,
	"the longest template");
/* A target is two cache lines: this and its own four bytes (path/target.h). */
_Static_assert(sizeof(struct mcr_encap) + 4 <= 128, "two lines");

static void
init(struct mcr_encap *e)
{
	memset(e, 0, sizeof(*e));
	e->ip_len_off = SCRATCH_IP_LEN;
	e->ip_id_off = SCRATCH_IP_ID;
	e->udp_sport_off = SCRATCH_SPORT;
	e->udp_len_off = SCRATCH_UDP_LEN;
	e->vni_off = SCRATCH_VNI;
	e->tos_off = SCRATCH_TOS;
}

/* The header ends with the Ethernet header of the copied frame, whose type is the payload's. */
static void
put_inner_ethernet(struct mcr_encap *e, unsigned off)
{
	e->mac_off = off;
	e->type_off = off + 12;
	e->len = off + MCR_ETH_LEN;
}

void
mcr_encap_native(struct mcr_encap *e, uint16_t vid)
{
	init(e);
	put_inner_ethernet(e, 0);
	if (vid == 0 || vid == MCR_VID_NONE)
		return;
	mcr_wire_put16(e->hdr + 12, MCR_ETHERTYPE_VLAN);
	mcr_wire_put16(e->hdr + 14, vid);
	e->type_off += MCR_TAG_LEN;
	e->len += MCR_TAG_LEN;
}

/* Returns the length of the header. */
static unsigned
put_ipv4(struct mcr_encap *e, unsigned off, const struct mcr_vxlan_param *p)
{
	uint8_t *ip = e->hdr + off;
	uint16_t csum;

	ip[0] = 0x45;
	ip[1] = p->tos;
	/* Length 0 and its ID: the same sum as every other pair. */
	mcr_wire_put16(ip + 4, 0xffff);
	mcr_wire_put16(ip + 6, MCR_IPV4_DF);
	ip[8] = p->ttl;
	ip[9] = MCR_PROTO_UDP;
	memcpy(ip + 12, p->src.b + 12, 4);
	memcpy(ip + 16, p->dst.b + 12, 4);
	csum = mcr_csum_fold(mcr_csum_add(0, ip, MCR_IPV4_LEN));
	memcpy(ip + 10, &csum, 2);
	e->ip_len_off = off + 2;
	e->ip_id_off = off + 4;
	e->tos_off = off + 1;
	e->tos = p->tos;
	return MCR_IPV4_LEN;
}

static unsigned
put_ipv6(struct mcr_encap *e, unsigned off, const struct mcr_vxlan_param *p)
{
	uint8_t *ip = e->hdr + off;

	ip[0] = 0x60 | p->tos >> 4;
	ip[1] = p->tos << 4;
	ip[6] = MCR_PROTO_UDP;
	ip[7] = p->ttl;
	memcpy(ip + 8, p->src.b, 16);
	memcpy(ip + 24, p->dst.b, 16);
	e->ip_len_off = off + 4;
	/* The traffic class begins in the middle of the first octet, its ECN bits are 5 and 4 here.
	 */
	e->tos_off = off + 1;
	e->tos = ip[1];
	e->ecn_shift = 4;
	return MCR_IPV6_LEN;
}

void
mcr_encap_vxlan(struct mcr_encap *e, const struct mcr_vxlan_param *p)
{
	const bool is_v4 = mcr_addr_is_v4(&p->dst);
	unsigned off = MCR_ETH_LEN, ip_len;
	uint8_t *udp;

	init(e);
	memcpy(e->hdr, p->dst_mac.b, 6);
	memcpy(e->hdr + 6, p->src_mac.b, 6);
	mcr_wire_put16(e->hdr + 12, is_v4 ? MCR_ETHERTYPE_IPV4 : MCR_ETHERTYPE_IPV6);
	ip_len = is_v4 ? put_ipv4(e, off, p) : put_ipv6(e, off, p);
	off += ip_len;

	udp = e->hdr + off;
	mcr_wire_put16(udp + 2, p->udp_port);
	e->udp_sport_off = off;
	e->udp_len_off = off + 4;
	e->udp_len_add = MCR_UDP_LEN + MCR_VXLAN_LEN + MCR_ETH_LEN;
	/* IPv4 counts its own header, IPv6 does not. */
	e->ip_len_add = e->udp_len_add + (is_v4 ? ip_len : 0);
	off += MCR_UDP_LEN;

	e->hdr[off] = MCR_VXLAN_FLAG_I;
	e->vni_off = off + 4;
	put_inner_ethernet(e, off + MCR_VXLAN_LEN);
}

int
mcr_encap_inner_mtu(const struct mcr_encap *e, unsigned link_mtu)
{
	unsigned overhead = e->udp_len_off < 0 ? 0 : e->len - MCR_ETH_LEN;

	return link_mtu > overhead ? (int)(link_mtu - overhead) : -EMSGSIZE;
}

uint16_t
mcr_encap_sport(uint16_t flow)
{
	return htobe16(49152 | (flow & 0x3fff));
}
