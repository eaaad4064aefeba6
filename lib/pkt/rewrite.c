/* SPDX-License-Identifier: BSD-3-Clause */
#include "pkt/rewrite.h"

#include "pkt/wire.h"

/*
 * One's complement sums do not depend on the byte order of the machine (RFC 1071 section 2 B),
 * so everything here adds words as they lie in memory and stores the result as it is.
 */
uint32_t
mcr_csum_add(uint32_t sum, const void *data, uint32_t len)
{
	const uint8_t *p = data;
	uint64_t wide = sum;
	uint32_t word;
	uint16_t half = 0;

	for (; len >= 4; len -= 4, p += 4) {
		memcpy(&word, p, 4);
		wide += word;
	}
	if (len >= 2) {
		memcpy(&half, p, 2);
		wide += half;
		p += 2;
		len -= 2;
	}
	if (len) {
		half = 0;
		memcpy(&half, p, 1);
		wide += half;
	}
	wide = (wide & 0xffffffff) + (wide >> 32);
	wide = (wide & 0xffff) + (wide >> 16);
	return (uint32_t)wide;
}

uint16_t
mcr_csum_update(uint16_t csum, uint16_t old_field, uint16_t new_field)
{
	/* Equation 3 and not 4 of RFC 1624: 4 turns a sum of 0xffff into 0 in the corner case. */
	return mcr_csum_fold(
		(uint32_t)(uint16_t)~csum + (uint32_t)(uint16_t)~old_field + new_field);
}

uint32_t
mcr_csum_pseudo(
	const struct mcr_addr *src, const struct mcr_addr *dst, uint8_t proto, uint32_t l4_len)
{
	const uint32_t skip = mcr_addr_is_v4(dst) ? 12 : 0;
	uint8_t tail[8] = {[7] = proto};
	uint32_t sum;

	mcr_wire_put32(tail, l4_len);
	sum = mcr_csum_add(0, src->b + skip, sizeof(src->b) - skip);
	sum = mcr_csum_add(sum, dst->b + skip, sizeof(dst->b) - skip);
	return mcr_csum_add(sum, tail, sizeof(tail));
}

struct mcr_mac
mcr_mac_of_group(const struct mcr_addr *group)
{
	struct mcr_mac mac = {.b = {0x33, 0x33}};

	memcpy(mac.b + 2, group->b + 12, 4); /* RFC 2464 section 7 */
	if (mcr_addr_is_v4(group)) {         /* RFC 1112 section 6.4 */
		mac.b[0] = 0x01;
		mac.b[1] = 0x00;
		mac.b[2] = 0x5e;
		mac.b[3] &= 0x7f;
	}
	return mac;
}
