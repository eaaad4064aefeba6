/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_BASE_ADDR_H
#define MCR_BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * One address type for both families: 16 bytes in network order, IPv4 as ::ffff:a.b.c.d
 * (RFC 4291 section 2.5.5.2). Equality is memcmp. The all-zero value means "any"; 0.0.0.0 is
 * ::ffff:0.0.0.0 and therefore not "any".
 */
struct mcr_addr {
	uint8_t b[16];
};

/* The length counts bits of the 16-byte form: 10.0.0.0/8 has len 104. */
struct mcr_prefix {
	struct mcr_addr addr;
	uint8_t len;
};

struct mcr_mac {
	uint8_t b[6];
};

#define MCR_ADDR_STRLEN INET6_ADDRSTRLEN
#define MCR_PREFIX_STRLEN (INET6_ADDRSTRLEN + 4)
#define MCR_MAC_STRLEN 18

extern const struct mcr_addr mcr_addr_any;

static inline bool
mcr_addr_eq(const struct mcr_addr *a, const struct mcr_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static inline bool
mcr_addr_is_any(const struct mcr_addr *a)
{
	return mcr_addr_eq(a, &mcr_addr_any);
}

static inline bool
mcr_addr_is_v4(const struct mcr_addr *a)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(a->b, mapped, sizeof(mapped)) == 0;
}

/* ip in network order. */
static inline struct mcr_addr
mcr_addr_v4(uint32_t be_ip)
{
	struct mcr_addr a = {.b = {[10] = 0xff, [11] = 0xff}};

	memcpy(&a.b[12], &be_ip, 4);
	return a;
}

/* The last four bytes in network order; meaningful for IPv4 only. */
static inline uint32_t
mcr_addr_to_v4(const struct mcr_addr *a)
{
	uint32_t ip;

	memcpy(&ip, &a->b[12], 4);
	return ip;
}

bool mcr_addr_is_multicast(const struct mcr_addr *a);
/* 224.0.0.0/24, ff00::/16, ff01::/16, ff02::/16: never a table entry, never to another segment. */
bool mcr_addr_is_link_local_group(const struct mcr_addr *a);
/* May stand as the source of a multicast packet: not 0/8, 127/8, 224/3, ::, ::1, ff00::/8. */
bool mcr_addr_is_source(const struct mcr_addr *a);
/* memcmp order: IPv4 before IPv6, numeric inside a family. */
int mcr_addr_cmp(const struct mcr_addr *a, const struct mcr_addr *b);

/* Strict text forms, no zone, no surplus characters. 0 or -EINVAL. */
int mcr_addr_parse(const char *text, struct mcr_addr *a);
/* "A/LEN"; accepts host bits (see mcr_prefix_has_host_bits). 0 or -EINVAL. */
int mcr_prefix_parse(const char *text, struct mcr_prefix *p);
int mcr_mac_parse(const char *text, struct mcr_mac *mac);

/* Write the text form into buf and return buf. "any" prints as "*". */
char *mcr_addr_str(const struct mcr_addr *a, char buf[MCR_ADDR_STRLEN]);
char *mcr_prefix_str(const struct mcr_prefix *p, char buf[MCR_PREFIX_STRLEN]);
char *mcr_mac_str(const struct mcr_mac *mac, char buf[MCR_MAC_STRLEN]);

bool mcr_prefix_has_host_bits(const struct mcr_prefix *p);
bool mcr_prefix_covers(const struct mcr_prefix *p, const struct mcr_addr *a);
/* The length as a user writes it: 8 for 10.0.0.0/8. */
unsigned mcr_prefix_user_len(const struct mcr_prefix *p);

#endif
