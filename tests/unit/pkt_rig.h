/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_TESTS_PKT_RIG_H
#define MCR_TESTS_PKT_RIG_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * What the tests of the packet code share: bytes in front of a page that cannot be read, and a
 * slow writer of headers that has nothing in common with the code under test.
 */
#define RIG_ROOM 65536

static inline void
rig_must(bool holds)
{
	if (!holds)
		abort();
}

/* A copy of `len` bytes whose end is the end of readable memory. Valid until the next call. */
static inline uint8_t *
rig_at_edge(const uint8_t *bytes, uint32_t len)
{
	static uint8_t *edge;
	const long page = sysconf(_SC_PAGESIZE);

	if (!edge) {
		uint8_t *map = mmap(NULL, RIG_ROOM + page, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		rig_must(map != MAP_FAILED);
		edge = map + RIG_ROOM;
		rig_must(mprotect(edge, page, PROT_NONE) == 0);
	}
	rig_must(len <= RIG_ROOM);
	if (len > 0)
		memcpy(edge - len, bytes, len);
	return edge - len;
}

/* A packet under construction. */
struct rig_frame {
	uint8_t b[10240];
	uint32_t len;
	uint32_t ip, l4; /* offsets of the last headers written */
};

static inline void
rig_set16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline unsigned
rig_16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static inline void
rig_u8(struct rig_frame *f, unsigned v)
{
	f->b[f->len++] = (uint8_t)v;
}

static inline void
rig_u16(struct rig_frame *f, unsigned v)
{
	rig_set16(f->b + f->len, v);
	f->len += 2;
}

static inline void
rig_u32(struct rig_frame *f, uint32_t v)
{
	rig_u16(f, v >> 16);
	rig_u16(f, v & 0xffff);
}

static inline void
rig_bytes(struct rig_frame *f, const void *bytes, uint32_t len)
{
	memcpy(f->b + f->len, bytes, len);
	f->len += len;
}

static inline void
rig_ethernet(struct rig_frame *f, uint64_t dst, unsigned type)
{
	rig_u16(f, dst >> 32 & 0xffff);
	rig_u32(f, (uint32_t)dst);
	rig_u16(f, 0x0200);
	rig_u32(f, 0x0000aa01);
	rig_u16(f, type);
}

/* Not complemented sum of big-endian words, folded. */
static inline unsigned
rig_sum(const uint8_t *p, uint32_t len)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (unsigned)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (unsigned)sum;
}

static inline unsigned
rig_add(unsigned a, unsigned b)
{
	unsigned s = a + b;

	return (s & 0xffff) + (s >> 16);
}

/* IPv4 header of ihl bytes, options NOP, for `payload` bytes that follow; checksum is right. */
static inline void
rig_ipv4(struct rig_frame *f, uint32_t src, uint32_t dst, unsigned proto, unsigned ihl,
	unsigned fragment, unsigned payload)
{
	uint8_t *ip = f->b + f->len;

	f->ip = f->len;
	rig_u8(f, 0x40 | ihl / 4);
	rig_u8(f, 0);
	rig_u16(f, ihl + payload);
	rig_u16(f, 0x1234);
	rig_u16(f, fragment);
	rig_u8(f, 17);
	rig_u8(f, proto);
	rig_u16(f, 0);
	rig_u32(f, src);
	rig_u32(f, dst);
	for (unsigned i = 20; i < ihl; i++)
		rig_u8(f, 1);
	rig_set16(ip + 10, 0xffff - rig_sum(ip, ihl));
	f->l4 = f->len;
}

static inline void
rig_fix_ipv4(struct rig_frame *f)
{
	uint8_t *ip = f->b + f->ip;

	rig_set16(ip + 10, 0);
	rig_set16(ip + 10, 0xffff - rig_sum(ip, (ip[0] & 0xf) * 4));
}

static inline void
rig_ipv6(struct rig_frame *f, const char *src, const char *dst, unsigned next, unsigned payload)
{
	uint8_t a[16];

	f->ip = f->len;
	rig_u32(f, 0x60000000);
	rig_u16(f, payload);
	rig_u8(f, next);
	rig_u8(f, 9);
	rig_must(inet_pton(AF_INET6, src, a) == 1);
	rig_bytes(f, a, 16);
	rig_must(inet_pton(AF_INET6, dst, a) == 1);
	rig_bytes(f, a, 16);
	f->l4 = f->len;
}

/* UDP with checksum 0 and n bytes of payload. */
static inline void
rig_udp(struct rig_frame *f, unsigned sport, unsigned dport, unsigned n)
{
	f->l4 = f->len;
	rig_u16(f, sport);
	rig_u16(f, dport);
	rig_u16(f, 8 + n);
	rig_u16(f, 0);
	for (unsigned i = 0; i < n; i++)
		rig_u8(f, i * 7 + 1);
}

/* Folded sum of the pseudo header of the UDP datagram, by its UDP length. */
static inline unsigned
rig_pseudo(const struct rig_frame *f)
{
	const uint8_t *ip = f->b + f->ip;
	unsigned sum = ip[0] >> 4 == 4 ? rig_sum(ip + 12, 8) : rig_sum(ip + 8, 32);

	return rig_add(rig_add(sum, 17), rig_16(f->b + f->l4 + 4));
}

/* The checksum a host would send. */
static inline unsigned
rig_udp_csum(const struct rig_frame *f)
{
	const uint8_t *udp = f->b + f->l4;
	unsigned sum = rig_add(rig_pseudo(f), rig_sum(udp, rig_16(udp + 4)));

	sum = 0xffff - rig_add(sum, 0xffff - rig_16(udp + 6));
	return sum == 0 ? 0xffff : sum;
}

#endif
