/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_PKT_WIRE_H
#define MCR_PKT_WIRE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* Numbers and unaligned big-endian access, for the codecs of this folder and their tests. */
enum {
	MCR_ETH_LEN = 14,
	MCR_TAG_LEN = 4,
	MCR_IPV4_LEN = 20,
	MCR_IPV6_LEN = 40,
	MCR_UDP_LEN = 8,
	MCR_VXLAN_LEN = 8,
};

enum {
	MCR_ETHERTYPE_IPV4 = 0x0800,
	MCR_ETHERTYPE_ARP = 0x0806,
	MCR_ETHERTYPE_VLAN = 0x8100,
	MCR_ETHERTYPE_IPV6 = 0x86dd,
	MCR_ETHERTYPE_QINQ = 0x88a8,
};

enum {
	MCR_PROTO_HOP_BY_HOP = 0,
	MCR_PROTO_ICMP = 1,
	MCR_PROTO_IGMP = 2,
	MCR_PROTO_UDP = 17,
	MCR_PROTO_ROUTING = 43,
	MCR_PROTO_FRAGMENT = 44,
	MCR_PROTO_AH = 51,
	MCR_PROTO_ICMPV6 = 58,
	MCR_PROTO_DEST_OPTIONS = 60,
};

/* Flags and fragment offset of IPv4. */
enum {
	MCR_IPV4_DF = 0x4000,
	MCR_IPV4_MF = 0x2000,
	MCR_IPV4_OFFSET = 0x1fff,
};

#define MCR_VXLAN_FLAG_I 0x08

static inline uint16_t
mcr_wire_get16(const uint8_t *p)
{
	uint16_t x;

	memcpy(&x, p, sizeof(x));
	return be16toh(x);
}

static inline uint32_t
mcr_wire_get32(const uint8_t *p)
{
	uint32_t x;

	memcpy(&x, p, sizeof(x));
	return be32toh(x);
}

static inline uint64_t
mcr_wire_get64(const uint8_t *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return be64toh(x);
}

static inline void
mcr_wire_put16(uint8_t *p, uint16_t value)
{
	uint16_t x = htobe16(value);

	memcpy(p, &x, sizeof(x));
}

static inline void
mcr_wire_put32(uint8_t *p, uint32_t value)
{
	uint32_t x = htobe32(value);

	memcpy(p, &x, sizeof(x));
}

/* Does an IPv4 header carry a Router Alert with value 0 (RFC 2113)? ihl: bytes, all readable. */
static inline _Bool
mcr_wire_has_router_alert(const uint8_t *ip, uint32_t ihl)
{
	uint32_t i = MCR_IPV4_LEN;

	while (i + 1 < ihl && ip[i] != 0) {
		uint32_t len = ip[i] == 1 ? 1 : ip[i + 1];

		if (len == 0 || i + len > ihl)
			return 0;
		if (ip[i] == 148 && len == 4)
			return mcr_wire_get16(ip + i + 2) == 0;
		i += len;
	}
	return 0;
}

#endif
