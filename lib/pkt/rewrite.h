/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_PKT_REWRITE_H
#define MCR_PKT_REWRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

/* Small pure helpers for headers: checksums (RFC 1071, 1624) and the multicast MAC (RFC 1112,
 * 2464). */
uint32_t mcr_csum_add(uint32_t sum, const void *data, uint32_t len); /* even offsets only */
/* One's complement; store as it is. */
static inline uint16_t
mcr_csum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* New checksum after a 16-bit field changed (RFC 1624 equation 3); all values as stored. */
uint16_t mcr_csum_update(uint16_t csum, uint16_t old_field, uint16_t new_field);
/* Sum of a UDP, ICMPv6 or MLD pseudo header (host-independent, for mcr_csum_add). */
uint32_t mcr_csum_pseudo(
	const struct mcr_addr *src, const struct mcr_addr *dst, uint8_t proto, uint32_t l4_len);

struct mcr_mac mcr_mac_of_group(const struct mcr_addr *group);

#endif
