/* SPDX-License-Identifier: BSD-3-Clause */
#include "pkt/parse.h"

#include "pkt/rewrite.h"
#include "pkt/wire.h"

/*
 * Every length is checked against the frame, every read against the bytes at hand (`n`). The
 * usual frame, untagged IPv4 without options, runs straight through; tags, options and
 * extension headers are calls that it skips.
 */
#define MAX_TAGS 2
#define MAX_EXTENSIONS 8
#define MAX_EXTENSION_LEN 256

_Static_assert(sizeof(struct mcr_view) == 64, "one line");
_Static_assert(MCR_ETH_LEN + MAX_TAGS * MCR_TAG_LEN + MCR_IPV6_LEN + MAX_EXTENSION_LEN +
			       MCR_UDP_LEN + MCR_VXLAN_LEN + MCR_ETH_LEN <=
		       MCR_PARSE_HEAD,
	"the deepest header that is read lies in the head");

struct l4 {
	uint32_t off, len;    /* of the transport header; len by the IP length */
	uint32_t address_sum; /* part of a pseudo-header sum */
	uint64_t address_key;
	bool is_later_fragment; /* the transport header is in another packet */
};

static inline bool
is_tpid(uint16_t type)
{
	return type == MCR_ETHERTYPE_VLAN || type == MCR_ETHERTYPE_QINQ;
}

/* Tag types of older equipment: nobody could say which VLAN such a frame belongs to. */
static inline bool
is_unknown_tpid(uint16_t type)
{
	return type == 0x9100 || type == 0x9200 || type == 0x9300;
}

/* Outer tags of a frame whose type is a TPID. */
static int
parse_tags(const uint8_t *head, uint32_t n, struct mcr_view *v)
{
	while (is_tpid(v->ethertype)) {
		if (v->n_tags == MAX_TAGS)
			return MCR_DROP_PARSE_TOO_MANY_TAGS;
		if (n < v->l2_len + (uint32_t)MCR_TAG_LEN)
			return MCR_DROP_PARSE_RUNT;
		if (v->n_tags == 0)
			v->vid = mcr_wire_get16(head + v->l2_len) & 0xfff;
		v->ethertype = mcr_wire_get16(head + v->l2_len + 2);
		v->l2_len += MCR_TAG_LEN;
		v->n_tags++;
	}
	return -1;
}

/*
 * Entropy, not security: all packets of a flow must agree and different flows must spread evenly
 * over 14 bits (V2), also when they differ by one in an address or a port. Two rounds of multiply
 * and shift mix 64 bits well enough.
 */
static inline uint16_t
flow_hash(uint64_t address_key, uint64_t rest)
{
	uint64_t h = address_key ^ (rest * UINT64_C(0x9e3779b97f4a7c15));

	h = (h ^ (h >> 32)) * UINT64_C(0xd6e8feb86659fd93);
	h = (h ^ (h >> 32)) * UINT64_C(0xd6e8feb86659fd93);
	return (uint16_t)(h >> 48);
}

/*
 * A sender behind a virtual link may leave the sum of the pseudo header in the field for hardware
 * that is not there. Such a value is found without touching the payload. One good datagram in
 * 65,536 has the same value by chance; only a suspect is summed, so none of those is lost.
 */
static bool
is_coincidence(
	const uint8_t *head, uint32_t n, const struct l4 *l4, uint32_t udp_len, uint32_t pseudo)
{
	if (udp_len < MCR_UDP_LEN || udp_len > l4->len || n - l4->off < udp_len)
		return false;
	return mcr_csum_fold(mcr_csum_add(pseudo, head + l4->off, udp_len)) == 0;
}

/* Ports, flow hash, unfinished checksum. */
static inline int
parse_l4(const uint8_t *head, uint32_t n, unsigned flags, const struct l4 *l4, struct mcr_view *v)
{
	const uint8_t *udp = head + l4->off;
	uint32_t ports = 0, pseudo;
	uint16_t be_len, be_csum, not_folded;

	v->l4_sport = 0;
	v->l4_dport = 0;
	if (v->l4_proto == MCR_PROTO_UDP && !l4->is_later_fragment) {
		if (l4->len < MCR_UDP_LEN || n < l4->off + MCR_UDP_LEN)
			return MCR_DROP_PARSE_RUNT;
		ports = mcr_wire_get32(udp);
		v->l4_sport = ports >> 16;
		v->l4_dport = (uint16_t)ports;
		memcpy(&be_len, udp + 4, 2);
		memcpy(&be_csum, udp + 6, 2);
		pseudo = l4->address_sum + htobe16(MCR_PROTO_UDP) + be_len;
		not_folded = (uint16_t)~mcr_csum_fold(pseudo);
		if (v->kind <= MCR_KIND_LINK && be_csum == not_folded && be_csum != 0 &&
			!v->is_fragment && !(flags & MCR_PARSE_L4_CSUM_GOOD) &&
			!is_coincidence(head, n, l4, be16toh(be_len), pseudo))
			return MCR_DROP_PARSE_BAD_L4_CHECKSUM;
	}
	/* Later fragments have no ports, and all fragments of a datagram must stay in one flow. */
	if (v->is_fragment)
		ports = 0;
	v->flow = flow_hash(l4->address_key, (uint64_t)v->l4_proto << 32 | ports);
	return -1;
}

static inline bool
is_ipv4_csum_good(const uint8_t *ip, uint32_t ihl)
{
	uint32_t word[5];
	uint64_t sum;

	memcpy(word, ip, sizeof(word));
	sum = (uint64_t)word[0] + word[1] + word[2] + word[3] + word[4];
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	if (ihl > MCR_IPV4_LEN)
		sum = mcr_csum_add((uint32_t)sum, ip + MCR_IPV4_LEN, ihl - MCR_IPV4_LEN);
	return mcr_csum_fold((uint32_t)sum) == 0;
}

/*
 * Two words, not four: a compiler that gathers four through memory loads what is still on its way
 * there (tests/bench/bench_replicate: 33 cycles a frame).
 */
static inline void
set_ipv4(struct mcr_addr *a, uint32_t be_ip)
{
	const uint64_t first = 0, second = (uint64_t)be_ip << 32 | htobe32(0xffff);

	_Static_assert(__BYTE_ORDER == __LITTLE_ENDIAN, "the mapped prefix comes first");
	memcpy(a->b, &first, sizeof(first));
	memcpy(a->b + sizeof(first), &second, sizeof(second));
}

static inline uint8_t
kind_of_ipv4(uint8_t proto, uint32_t dst)
{
	if (proto == MCR_PROTO_IGMP)
		return MCR_KIND_IGMP;
	if (dst >> 28 == 0xe)
		return dst >> 8 == 0xe00000 ? MCR_KIND_LINK : MCR_KIND_DATA;
	return dst == UINT32_MAX ? MCR_KIND_OTHER : MCR_KIND_UNICAST;
}

/* Not 0/8, 127/8, 224/4, 240/4 (RFC 1122 section 3.2.1.3, RFC 6890). */
static inline bool
is_ipv4_source(uint32_t src)
{
	uint32_t net = src >> 24;

	return (net != 0) & (net != 127) & (net < 224);
}

static inline int
parse_ipv4(const uint8_t *head, uint32_t n, uint32_t frame_len, unsigned flags, struct mcr_view *v)
{
	const uint8_t *ip = head + v->l2_len;
	struct l4 l4;
	uint32_t be_src, be_dst, ihl;
	uint16_t fragment;

	if (n < v->l2_len + (uint32_t)MCR_IPV4_LEN)
		return MCR_DROP_PARSE_RUNT;
	if (ip[0] >> 4 != 4)
		return MCR_DROP_PARSE_BAD_VERSION;
	ihl = (ip[0] & 0xf) * 4;
	v->ip_len = mcr_wire_get16(ip + 2);
	if (ihl < MCR_IPV4_LEN || ihl > v->ip_len)
		return MCR_DROP_PARSE_BAD_IHL;
	if (v->ip_len > frame_len - v->l2_len)
		return MCR_DROP_PARSE_BAD_IP_LENGTH;
	if (n < v->l2_len + ihl)
		return MCR_DROP_PARSE_RUNT;
	if (!(flags & MCR_PARSE_IP_CSUM_GOOD) && !is_ipv4_csum_good(ip, ihl))
		return MCR_DROP_PARSE_BAD_IP_CHECKSUM;

	memcpy(&be_src, ip + 12, 4);
	memcpy(&be_dst, ip + 16, 4);
	set_ipv4(&v->src, be_src);
	set_ipv4(&v->dst, be_dst);
	v->l3_len = ihl;
	v->tos = ip[1];
	v->ttl = ip[8];
	v->l4_proto = ip[9];
	v->kind = kind_of_ipv4(ip[9], be32toh(be_dst));
	v->has_router_alert = ihl > MCR_IPV4_LEN && mcr_wire_has_router_alert(ip, ihl);
	fragment = mcr_wire_get16(ip + 6);
	v->is_fragment = (fragment & (MCR_IPV4_MF | MCR_IPV4_OFFSET)) != 0;
	if (v->kind <= MCR_KIND_LINK && !is_ipv4_source(be32toh(be_src)))
		return MCR_DROP_PARSE_BAD_SOURCE;

	l4.off = v->l2_len + ihl;
	l4.len = v->ip_len - ihl;
	l4.address_sum = (be_src & 0xffff) + (be_src >> 16) + (be_dst & 0xffff) + (be_dst >> 16);
	l4.address_key = (uint64_t)be_src << 32 | be_dst;
	l4.is_later_fragment = (fragment & MCR_IPV4_OFFSET) != 0;
	return parse_l4(head, n, flags, &l4, v);
}

/* Options of a hop-by-hop header: false when they overrun it. Value 0 says MLD (RFC 2711 2.1). */
static bool
parse_hop_options(const uint8_t *opt, uint32_t len, struct mcr_view *v)
{
	uint32_t i = 0, step;

	for (; i < len; i += step) {
		if (opt[i] == 0) { /* Pad1 */
			step = 1;
			continue;
		}
		if (i + 2 > len)
			return false;
		step = 2 + opt[i + 1];
		if (i + step > len)
			return false;
		if (opt[i] == 5 && step == 4)
			v->has_router_alert = mcr_wire_get16(opt + i + 2) == 0;
	}
	return true;
}

/*
 * Extension headers (RFC 8200 section 4): sets l4_proto, l3_len, is_fragment, has_router_alert.
 * `n` is the number of bytes at hand of the IP packet, which may be longer.
 */
static int
parse_extensions(const uint8_t *ip, uint32_t n, struct mcr_view *v, bool *is_later_fragment)
{
	uint32_t off = MCR_IPV6_LEN, count = 0, len;
	uint8_t next = ip[6];

	if (n > v->ip_len)
		n = v->ip_len;
	while (next == MCR_PROTO_HOP_BY_HOP || next == MCR_PROTO_ROUTING ||
		next == MCR_PROTO_FRAGMENT || next == MCR_PROTO_AH ||
		next == MCR_PROTO_DEST_OPTIONS) {
		if (++count > MAX_EXTENSIONS || off + 8 > n)
			return MCR_DROP_PARSE_BAD_EXTENSION;
		/* Hop-by-hop options stand first or nowhere. */
		if (next == MCR_PROTO_HOP_BY_HOP && count != 1)
			return MCR_DROP_PARSE_BAD_EXTENSION;
		len = (ip[off + 1] + 1) * 8;
		if (next == MCR_PROTO_FRAGMENT)
			len = 8;
		else if (next == MCR_PROTO_AH)
			len = (ip[off + 1] + 2) * 4;
		if (len < 8 || off + len > n || off + len > MCR_IPV6_LEN + MAX_EXTENSION_LEN)
			return MCR_DROP_PARSE_BAD_EXTENSION;
		if (next == MCR_PROTO_HOP_BY_HOP && !parse_hop_options(ip + off + 2, len - 2, v))
			return MCR_DROP_PARSE_BAD_EXTENSION;
		if (next == MCR_PROTO_FRAGMENT) {
			v->is_fragment = true;
			*is_later_fragment = mcr_wire_get16(ip + off + 2) >> 3 != 0;
		}
		next = ip[off];
		off += len;
		if (*is_later_fragment) /* what follows is the middle of something */
			break;
	}
	v->l4_proto = next;
	v->l3_len = off;
	return -1;
}

static inline bool
is_link_local_group_v6(const struct mcr_addr *a)
{
	return a->b[0] == 0xff && (a->b[1] & 0xf) <= 2;
}

/* ICMPv6 types 130-132 and 143 are MLD (RFC 9777), 133-137 ND (RFC 4861). */
static uint8_t
kind_of_icmpv6(uint8_t type, uint8_t otherwise)
{
	if ((type >= 130 && type <= 132) || type == 143)
		return MCR_KIND_MLD;
	if (type >= 133 && type <= 137)
		return MCR_KIND_ND;
	return otherwise;
}

static bool
is_ipv6_source(const struct mcr_addr *a)
{
	static const struct mcr_addr loopback = {.b = {[15] = 1}};

	return !mcr_addr_is_any(a) && !mcr_addr_eq(a, &loopback) && a->b[0] != 0xff;
}

static uint64_t
ipv6_key(const struct mcr_addr *a)
{
	return mcr_wire_get64(a->b) * UINT64_C(0xff51afd7ed558ccd) + mcr_wire_get64(a->b + 8);
}

static int
parse_ipv6(const uint8_t *head, uint32_t n, uint32_t frame_len, unsigned flags, struct mcr_view *v)
{
	const uint8_t *ip = head + v->l2_len;
	struct l4 l4 = {.is_later_fragment = false};
	uint32_t ip_len;
	int drop;

	if (n < v->l2_len + (uint32_t)MCR_IPV6_LEN)
		return MCR_DROP_PARSE_RUNT;
	if (ip[0] >> 4 != 6)
		return MCR_DROP_PARSE_BAD_VERSION;
	ip_len = MCR_IPV6_LEN + mcr_wire_get16(ip + 4);
	if (ip_len > frame_len - v->l2_len || ip_len > UINT16_MAX)
		return MCR_DROP_PARSE_BAD_IP_LENGTH;
	v->ip_len = ip_len;
	v->tos = mcr_wire_get16(ip) >> 4 & 0xff;
	v->ttl = ip[7];
	memcpy(v->src.b, ip + 8, 16);
	memcpy(v->dst.b, ip + 24, 16);
	/* The mapped form is how this program writes IPv4: on the wire it could pose as a peer. */
	if (mcr_addr_is_v4(&v->src))
		return MCR_DROP_PARSE_BAD_SOURCE;
	v->has_router_alert = false;
	v->is_fragment = false;
	drop = parse_extensions(ip, n - v->l2_len, v, &l4.is_later_fragment);
	if (drop >= 0)
		return drop;

	l4.off = v->l2_len + v->l3_len;
	l4.len = v->ip_len - v->l3_len;
	if (v->dst.b[0] == 0xff)
		v->kind = is_link_local_group_v6(&v->dst) ? MCR_KIND_LINK : MCR_KIND_DATA;
	else
		v->kind = mcr_addr_is_v4(&v->dst) ? MCR_KIND_OTHER : MCR_KIND_UNICAST;
	if (v->l4_proto == MCR_PROTO_ICMPV6 && !l4.is_later_fragment) {
		if (l4.len < 4 || n < l4.off + 4)
			return MCR_DROP_PARSE_RUNT;
		v->kind = kind_of_icmpv6(head[l4.off], v->kind);
	}
	if (v->kind <= MCR_KIND_LINK && !is_ipv6_source(&v->src))
		return MCR_DROP_PARSE_BAD_SOURCE;

	l4.address_sum = mcr_csum_add(0, ip + 8, 32);
	l4.address_key = ipv6_key(&v->src) * UINT64_C(0xc4ceb9fe1a85ec53) + ipv6_key(&v->dst);
	return parse_l4(head, n, flags, &l4, v);
}

static int
parse_other(uint32_t frame_len, struct mcr_view *v)
{
	uint32_t len = frame_len - v->l2_len;

	if (is_unknown_tpid(v->ethertype))
		return MCR_DROP_PARSE_TOO_MANY_TAGS;
	v->kind = v->ethertype == MCR_ETHERTYPE_ARP ? MCR_KIND_ARP : MCR_KIND_OTHER;
	v->src = (struct mcr_addr){0};
	v->dst = (struct mcr_addr){0};
	v->ip_len = len > UINT16_MAX ? UINT16_MAX : len;
	v->l3_len = 0;
	v->l4_proto = 0;
	v->l4_sport = 0;
	v->l4_dport = 0;
	v->flow = 0;
	v->ttl = 0;
	v->tos = 0;
	v->is_fragment = false;
	v->has_router_alert = false;
	return -1;
}

int
mcr_parse(const uint8_t *head, uint32_t head_len, uint32_t frame_len, unsigned flags,
	struct mcr_view *v)
{
	uint32_t n = head_len < frame_len ? head_len : frame_len;
	int drop;

	v->l2_len = MCR_ETH_LEN;
	v->vid = MCR_VID_NONE;
	v->n_tags = 0;
	if (n < MCR_ETH_LEN)
		return MCR_DROP_PARSE_RUNT;
	v->ethertype = mcr_wire_get16(head + 12);
	if (is_tpid(v->ethertype)) {
		drop = parse_tags(head, n, v);
		if (drop >= 0)
			return drop;
	}
	if (v->ethertype == MCR_ETHERTYPE_IPV4)
		return parse_ipv4(head, n, frame_len, flags, v);
	if (v->ethertype == MCR_ETHERTYPE_IPV6)
		return parse_ipv6(head, n, frame_len, flags, v);
	return parse_other(frame_len, v);
}
