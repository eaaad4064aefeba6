/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#define V4_OFFSET_BITS 96

const struct mcr_addr mcr_addr_any;

static bool
is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static uint8_t
hex_value(char c)
{
	if (c <= '9')
		return c - '0';
	return (c | 0x20) - 'a' + 10;
}

bool
mcr_addr_is_multicast(const struct mcr_addr *a)
{
	if (mcr_addr_is_v4(a))
		return (a->b[12] & 0xf0) == 0xe0;
	return a->b[0] == 0xff;
}

bool
mcr_addr_is_link_local_group(const struct mcr_addr *a)
{
	if (mcr_addr_is_v4(a))
		return a->b[12] == 224 && a->b[13] == 0 && a->b[14] == 0;
	return a->b[0] == 0xff && a->b[1] <= 2;
}

bool
mcr_addr_is_source(const struct mcr_addr *a)
{
	static const struct mcr_addr loopback = {.b = {[15] = 1}};

	if (mcr_addr_is_v4(a))
		return a->b[12] != 0 && a->b[12] != 127 && a->b[12] < 224;
	return a->b[0] != 0xff && !mcr_addr_is_any(a) && !mcr_addr_eq(a, &loopback);
}

int
mcr_addr_cmp(const struct mcr_addr *a, const struct mcr_addr *b)
{
	bool v4 = mcr_addr_is_v4(a);

	/* By bytes alone an IPv6 address below ::ffff:0:0, like ::1, would come before IPv4. */
	if (v4 != mcr_addr_is_v4(b))
		return v4 ? -1 : 1;
	return memcmp(a, b, sizeof(*a));
}

/* Reads either family; "::" gives the all-zero value. */
static int
parse_any_family(const char *text, struct mcr_addr *a)
{
	struct mcr_addr parsed;
	struct in_addr ip;

	if (strchr(text, ':') == NULL) {
		if (inet_pton(AF_INET, text, &ip) != 1)
			return -EINVAL;
		*a = mcr_addr_v4(ip.s_addr);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &parsed) != 1)
		return -EINVAL;
	/* One address, one spelling: IPv4 is never written in its mapped form. */
	if (mcr_addr_is_v4(&parsed))
		return -EINVAL;
	*a = parsed;
	return 0;
}

int
mcr_addr_parse(const char *text, struct mcr_addr *a)
{
	struct mcr_addr parsed;

	/* "::" is no host and no group, and must not turn into "any" unseen. */
	if (parse_any_family(text, &parsed) != 0 || mcr_addr_is_any(&parsed))
		return -EINVAL;
	*a = parsed;
	return 0;
}

/* Decimal without sign or leading zero, at most `max`; -EINVAL otherwise. */
static int
parse_len(const char *text, unsigned max)
{
	unsigned value = 0;

	if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
		return -EINVAL;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		value = value * 10 + (*text - '0');
		if (value > max)
			return -EINVAL;
	}
	return value;
}

int
mcr_prefix_parse(const char *text, struct mcr_prefix *p)
{
	const char *slash = strchr(text, '/');
	char addr_text[MCR_ADDR_STRLEN];
	struct mcr_addr addr;
	int len;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(addr_text))
		return -EINVAL;
	memcpy(addr_text, text, slash - text);
	addr_text[slash - text] = '\0';
	if (parse_any_family(addr_text, &addr) != 0)
		return -EINVAL;
	len = parse_len(slash + 1, mcr_addr_is_v4(&addr) ? 32 : 128);
	if (len < 0)
		return len;
	p->addr = addr;
	p->len = mcr_addr_is_v4(&addr) ? len + V4_OFFSET_BITS : len;
	return 0;
}

int
mcr_mac_parse(const char *text, struct mcr_mac *mac)
{
	struct mcr_mac parsed;
	unsigned i;

	for (i = 0; i < sizeof(parsed.b); i++) {
		char end = i + 1 < sizeof(parsed.b) ? ':' : '\0';

		if (!is_hex(text[0]) || !is_hex(text[1]) || text[2] != end)
			return -EINVAL;
		parsed.b[i] = hex_value(text[0]) << 4 | hex_value(text[1]);
		text += 3;
	}
	*mac = parsed;
	return 0;
}

/* Like mcr_addr_str, but the all-zero value is "::". */
static char *
addr_text_of(const struct mcr_addr *a, char buf[MCR_ADDR_STRLEN])
{
	bool v4 = mcr_addr_is_v4(a);

	/* Cannot fail: the families are known and the buffer fits the longest form. */
	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? &a->b[12] : a->b, buf, MCR_ADDR_STRLEN);
	return buf;
}

char *
mcr_addr_str(const struct mcr_addr *a, char buf[MCR_ADDR_STRLEN])
{
	if (!mcr_addr_is_any(a))
		return addr_text_of(a, buf);
	buf[0] = '*';
	buf[1] = '\0';
	return buf;
}

char *
mcr_prefix_str(const struct mcr_prefix *p, char buf[MCR_PREFIX_STRLEN])
{
	char addr[MCR_ADDR_STRLEN];

	snprintf(buf, MCR_PREFIX_STRLEN, "%s/%u", addr_text_of(&p->addr, addr),
		mcr_prefix_user_len(p) & 0xff);
	return buf;
}

char *
mcr_mac_str(const struct mcr_mac *mac, char buf[MCR_MAC_STRLEN])
{
	const uint8_t *b = mac->b;

	snprintf(buf, MCR_MAC_STRLEN, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
		b[5]);
	return buf;
}

/* Do a and b agree in the first `len` bits? */
static bool
same_bits(const struct mcr_addr *a, const struct mcr_addr *b, unsigned len)
{
	unsigned bytes = len / 8;
	uint8_t mask = 0xff00 >> (len % 8);

	if (memcmp(a->b, b->b, bytes) != 0)
		return false;
	return len % 8 == 0 || ((a->b[bytes] ^ b->b[bytes]) & mask) == 0;
}

bool
mcr_prefix_has_host_bits(const struct mcr_prefix *p)
{
	uint8_t mask = 0xff00 >> (p->len % 8);
	unsigned i = p->len / 8;

	if (i < sizeof(p->addr.b) && (p->addr.b[i] & (uint8_t)~mask) != 0)
		return true;
	for (i++; i < sizeof(p->addr.b); i++) {
		if (p->addr.b[i] != 0)
			return true;
	}
	return false;
}

bool
mcr_prefix_covers(const struct mcr_prefix *p, const struct mcr_addr *a)
{
	/* ::/0 is every IPv6 address and no IPv4 address. */
	return mcr_addr_is_v4(&p->addr) == mcr_addr_is_v4(a) && same_bits(&p->addr, a, p->len);
}

unsigned
mcr_prefix_user_len(const struct mcr_prefix *p)
{
	return mcr_addr_is_v4(&p->addr) ? p->len - V4_OFFSET_BITS : p->len;
}
