/* SPDX-License-Identifier: BSD-3-Clause */
#include "pkt/arp.h"

#include <errno.h>
#include <string.h>

#include "pkt/rewrite.h"
#include "pkt/wire.h"

enum {
	ARP_LEN = 28,
	ICMP_LEN = 8,
	ICMP_ECHO_REPLY = 0,
	ICMP_ECHO_REQUEST = 8,
	REPLY_TTL = 64,
};

/* Hardware Ethernet, protocol IPv4, address lengths 6 and 4. */
static const uint8_t arp_head[6] = {0, 1, 8, 0, 6, 4};

int
mcr_arp_parse(const uint8_t *arp, uint32_t len, struct mcr_arp *a)
{
	uint32_t ip;

	if (len < ARP_LEN || memcmp(arp, arp_head, sizeof(arp_head)) != 0)
		return -EINVAL;
	a->op = mcr_wire_get16(arp + 6);
	memcpy(a->sender_mac.b, arp + 8, 6);
	memcpy(&ip, arp + 14, 4);
	a->sender = mcr_addr_v4(ip);
	memcpy(a->target_mac.b, arp + 18, 6);
	memcpy(&ip, arp + 24, 4);
	a->target = mcr_addr_v4(ip);
	return 0;
}

uint32_t
mcr_arp_write(uint8_t *frame, const struct mcr_mac *eth_dst, const struct mcr_arp *a)
{
	uint8_t *arp = frame + MCR_ETH_LEN;

	memset(frame, 0, MCR_ARP_FRAME_LEN);
	memcpy(frame, eth_dst->b, 6);
	memcpy(frame + 6, a->sender_mac.b, 6);
	mcr_wire_put16(frame + 12, MCR_ETHERTYPE_ARP);
	memcpy(arp, arp_head, sizeof(arp_head));
	mcr_wire_put16(arp + 6, a->op);
	memcpy(arp + 8, a->sender_mac.b, 6);
	memcpy(arp + 14, a->sender.b + 12, 4);
	memcpy(arp + 18, a->target_mac.b, 6);
	memcpy(arp + 24, a->target.b + 12, 4);
	return MCR_ARP_FRAME_LEN;
}

/* Offset of the IPv4 header behind at most two tags, or 0. */
static uint32_t
ipv4_offset(const uint8_t *frame, uint32_t len)
{
	uint32_t off = MCR_ETH_LEN;
	uint16_t type;

	for (; off <= MCR_ETH_LEN + 2 * MCR_TAG_LEN && off <= len; off += MCR_TAG_LEN) {
		type = mcr_wire_get16(frame + off - 2);
		if (type == MCR_ETHERTYPE_IPV4)
			return off;
		if (type != MCR_ETHERTYPE_VLAN && type != MCR_ETHERTYPE_QINQ)
			return 0;
	}
	return 0;
}

/*
 * Is `ip` an echo request from one host to one host, whole and undamaged? Returns its total length
 * or 0. Requests with IP options are not answered: a source route would have to be turned round.
 */
static uint32_t
echo_request_len(const uint8_t *ip, uint32_t len)
{
	const uint8_t *icmp = ip + MCR_IPV4_LEN;
	uint32_t total, src_net, dst_net;

	if (len < MCR_IPV4_LEN + ICMP_LEN || ip[0] != 0x45 || ip[9] != MCR_PROTO_ICMP)
		return 0;
	total = mcr_wire_get16(ip + 2);
	if (total < MCR_IPV4_LEN + ICMP_LEN || total > len)
		return 0;
	if (mcr_wire_get16(ip + 6) & (MCR_IPV4_MF | MCR_IPV4_OFFSET))
		return 0;
	if (mcr_csum_fold(mcr_csum_add(0, ip, MCR_IPV4_LEN)) != 0)
		return 0;
	/* Never an answer from or to a group, broadcast, loopback or nobody (RFC 1122 3.2.2). */
	src_net = ip[12];
	dst_net = ip[16];
	if (src_net == 0 || src_net == 127 || src_net >= 224 || dst_net >= 224)
		return 0;
	if (icmp[0] != ICMP_ECHO_REQUEST || icmp[1] != 0)
		return 0;
	if (mcr_csum_fold(mcr_csum_add(0, icmp, total - MCR_IPV4_LEN)) != 0)
		return 0;
	return total;
}

static void
store_csum(uint8_t *field, const uint8_t *data, uint32_t len)
{
	uint16_t csum;

	memset(field, 0, 2);
	csum = mcr_csum_fold(mcr_csum_add(0, data, len));
	memcpy(field, &csum, 2);
}

int
mcr_icmp_echo_reply(uint8_t *frame, uint32_t len, const struct mcr_mac *own)
{
	const uint32_t off = ipv4_offset(frame, len);
	uint8_t *ip = frame + off, *icmp = ip + MCR_IPV4_LEN;
	uint8_t sender[4];
	uint32_t total;

	/* Bit 0 of the first octet: group or broadcast MAC, as destination or (broken) as source.
	 */
	if (off == 0 || ((frame[0] | frame[6]) & 1))
		return -EINVAL;
	total = echo_request_len(ip, len - off);
	if (total == 0)
		return -EINVAL;
	memcpy(frame, frame + 6, 6);
	memcpy(frame + 6, own->b, 6);
	memcpy(sender, ip + 12, 4);
	memcpy(ip + 12, ip + 16, 4);
	memcpy(ip + 16, sender, 4);
	ip[8] = REPLY_TTL;
	store_csum(ip + 10, ip, MCR_IPV4_LEN);
	icmp[0] = ICMP_ECHO_REPLY;
	store_csum(icmp + 2, icmp, total - MCR_IPV4_LEN);
	return 0;
}
