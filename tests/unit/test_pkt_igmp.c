/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IGMP on the wire. Messages are built byte by byte here, by code that shares nothing with the
 * codec, and stand right in front of a page that cannot be read.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "pkt/igmp.h"

#define GROUP 0xef010101u /* 239.1.1.1 */
#define HOST 0x0a630002u  /* 10.99.0.2 */

/* --- building -------------------------------------------------------------------------------- */

struct packet {
	uint8_t b[2048];
	uint32_t ihl, len; /* of the IP header; of the IP packet */
};

static uint16_t
sum(const uint8_t *p, uint32_t n)
{
	uint32_t s = 0;

	for (uint32_t i = 0; i < n; i++)
		s += i & 1 ? p[i] : p[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return ~s & 0xffff;
}

static void
put16(uint8_t *p, uint32_t v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static void
sum_ip(struct packet *p)
{
	put16(p->b + 2, p->len);
	put16(p->b + 10, 0);
	put16(p->b + 10, sum(p->b, p->ihl));
}

static void
sum_igmp(struct packet *p, uint32_t covered)
{
	put16(p->b + p->ihl + 2, 0);
	put16(p->b + p->ihl + 2, sum(p->b + p->ihl, covered));
}

/* An IP header of `ihl` bytes (Router Alert first when it has room) around `n` bytes of IGMP. */
static struct packet
packet(uint32_t ihl, uint32_t dst, const uint8_t *msg, uint32_t n)
{
	struct packet p = {.ihl = ihl, .len = ihl + n};

	p.b[0] = 0x40 | ihl / 4;
	p.b[1] = 0xc0;
	p.b[8] = 1;
	p.b[9] = 2;
	put32(p.b + 12, HOST);
	put32(p.b + 16, dst);
	if (ihl >= 24)
		put32(p.b + 20, 0x94040000);
	for (uint32_t i = 24; i < ihl; i++)
		p.b[i] = 1; /* NOP */
	memcpy(p.b + ihl, msg, n);
	sum_igmp(&p, n);
	sum_ip(&p);
	return p;
}

/* A v3 report from records given as type, aux words, group, sources ... */
struct rec {
	uint8_t type, aux;
	uint32_t group;
	uint16_t n;
	uint32_t source[4];
};

static struct packet
report(const struct rec *r, unsigned n)
{
	uint8_t msg[512] = {0x22};
	uint32_t len = 8;

	put16(msg + 6, n);
	for (unsigned i = 0; i < n; i++) {
		msg[len] = r[i].type;
		msg[len + 1] = r[i].aux;
		put16(msg + len + 2, r[i].n);
		put32(msg + len + 4, r[i].group);
		len += 8;
		for (unsigned k = 0; k < r[i].n; k++, len += 4)
			put32(msg + len, r[i].source[k]);
		/* Auxiliary data that looks like a record for 239.9.9.9. */
		for (unsigned k = 0; k < r[i].aux; k++, len += 4)
			put32(msg + len, k & 1 ? 0xef090909 : 0x04000000);
	}
	return packet(24, 0xe0000016, msg, len);
}

static struct packet
shorty(uint8_t type, uint8_t code, uint32_t group, uint32_t dst)
{
	uint8_t msg[8] = {type, code};

	put32(msg + 4, group);
	return packet(24, dst, msg, 8);
}

static struct packet
query3(uint8_t code, uint32_t group, uint8_t flags, uint8_t qqic, unsigned n, unsigned present)
{
	uint8_t msg[512] = {0x11, code};

	put32(msg + 4, group);
	msg[8] = flags;
	msg[9] = qqic;
	put16(msg + 10, n);
	for (unsigned i = 0; i < present; i++)
		put32(msg + 12 + 4 * i, 0x0a000001 + i);
	return packet(24, group ? group : 0xe0000001, msg, 12 + 4 * present);
}

/* --- parsing behind a guard page -------------------------------------------------------------- */

static uint8_t *guard; /* the first byte that cannot be read */

static int
parse_bytes(const uint8_t *b, uint32_t len, struct mcr_mship *m)
{
	uint8_t *at = guard - len;

	memcpy(at, b, len);
	return mcr_igmp_parse(at, len, m);
}

static int
parse(const struct packet *p, struct mcr_mship *m)
{
	return parse_bytes(p->b, p->len, m);
}

static void
assert_drop(const struct packet *p, enum mcr_drop why)
{
	struct mcr_mship m;
	int ret = parse(p, &m);

	assert_true(ret < 0);
	assert_int_equal(MCR_MSHIP_DROP(ret), why);
}

static void
assert_group(const struct mcr_addr *a, uint32_t group)
{
	assert_int_equal(ntohl(mcr_addr_to_v4(a)), group);
}

static const struct rec good = {MCR_TO_EX, 0, GROUP, 0, {0}};

/* --- P: received ------------------------------------------------------------------------------ */

static void
p1_good_v3_report(void **state)
{
	const struct rec r[] = {{MCR_IS_IN, 0, GROUP, 2, {0x0a000001, 0x0a000002}}, good};
	struct packet p = report(r, 2);
	struct mcr_mship m;
	struct mcr_record rec;
	uint32_t cursor = 0;

	assert_int_equal(parse(&p, &m), 0);
	assert_int_equal(m.type, MCR_MSHIP_REPORT);
	assert_int_equal(m.version, 3);
	assert_true(m.has_router_alert);
	assert_group(&m.src, HOST);
	assert_true(mcr_mship_next_record(&m, &cursor, &rec));
	assert_int_equal(rec.type, MCR_IS_IN);
	assert_int_equal(rec.n_sources, 2);
	struct mcr_addr s = mcr_mship_source(rec.sources, rec.addr_len, 1);
	assert_group(&s, 0x0a000002);
	assert_true(mcr_mship_next_record(&m, &cursor, &rec));
	assert_int_equal(rec.type, MCR_TO_EX);
	assert_false(mcr_mship_next_record(&m, &cursor, &rec));
}

static void
p2_checksum_wrong_by_one_bit(void **state)
{
	struct packet messages[] = {report(&good, 1), shorty(0x16, 0, GROUP, GROUP),
		shorty(0x17, 0, GROUP, 0xe0000002), shorty(0x11, 100, 0, 0xe0000001),
		query3(100, GROUP, 2, 125, 1, 1)};

	for (unsigned i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		for (unsigned bit = 0; bit < (messages[i].len - 24) * 8; bit++) {
			struct packet p = messages[i];

			p.b[24 + bit / 8] ^= 1 << bit % 8;
			assert_drop(&p, MCR_DROP_MEMBER_CHECKSUM);
		}
}

static void
p3_p4_octets_after_the_last_record(void **state)
{
	struct packet p = report(&good, 1);
	struct mcr_mship m;

	put32(p.b + p.len, 0xdeadbeef);
	p.len += 4;
	sum_igmp(&p, p.len - 24);
	sum_ip(&p);
	assert_int_equal(parse(&p, &m), 0);
	assert_int_equal(m.n_records, 1);
	sum_igmp(&p, p.len - 24 - 4);
	assert_drop(&p, MCR_DROP_MEMBER_CHECKSUM);
}

static void
p5_ethernet_padding(void **state)
{
	struct packet p = shorty(0x16, 0, GROUP, GROUP);
	struct mcr_mship m;

	memset(p.b + p.len, 0xa5, 14);
	assert_int_equal(parse_bytes(p.b, p.len + 14, &m), 0);
	assert_group(&m.record_group, GROUP);
}

static void
p6_ip_header_errors(void **state)
{
	struct packet p = report(&good, 1), bad;

	bad = p;
	bad.b[10] ^= 1;
	assert_drop(&bad, MCR_DROP_PARSE_BAD_IP_CHECKSUM);
	bad = p;
	bad.b[0] = 0x44;
	assert_drop(&bad, MCR_DROP_PARSE_BAD_IHL);
	bad = p;
	put16(bad.b + 2, 20);
	assert_drop(&bad, MCR_DROP_PARSE_BAD_IHL);
	bad = p;
	put16(bad.b + 2, p.len + 1);
	assert_drop(&bad, MCR_DROP_PARSE_BAD_IP_LENGTH);
	bad = p;
	bad.b[0] = 0x66;
	assert_drop(&bad, MCR_DROP_PARSE_BAD_VERSION);
}

static void
p7_other_ip_options(void **state)
{
	uint8_t msg[8] = {0x16};
	struct mcr_mship m;

	put32(msg + 4, GROUP);
	for (uint32_t ihl = 20; ihl <= 60; ihl += 4) {
		struct packet p = packet(ihl, GROUP, msg, 8);

		assert_int_equal(parse(&p, &m), 0);
		assert_int_equal(m.has_router_alert, ihl >= 24);
		if (ihl < 28)
			continue;
		/* Record route before the Router Alert, then the end of options. */
		memset(p.b + 20, 0, ihl - 20);
		p.b[20] = 7;
		p.b[21] = 3;
		p.b[22] = 4;
		p.b[23] = 1;
		put32(p.b + 24, 0x94040000);
		sum_ip(&p);
		assert_int_equal(parse(&p, &m), 0);
		assert_true(m.has_router_alert);
	}
}

static void
p8_fragments(void **state)
{
	static const uint16_t flags[] = {0x2000, 0x0001, 0x1fff, 0x2001};

	for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		struct packet p = report(&good, 1);

		put16(p.b + 6, flags[i]);
		sum_ip(&p);
		assert_drop(&p, MCR_DROP_MEMBER_FRAGMENT);
	}
}

static void
p9_query_versions_by_length(void **state)
{
	uint8_t msg[16] = {0x11, 100};
	struct packet p;
	struct mcr_mship m;

	p = shorty(0x11, 0, 0, 0xe0000001);
	assert_int_equal(parse(&p, &m), 0);
	assert_int_equal(m.version, 1);
	assert_int_equal(m.max_resp_ms, 10000);
	p = shorty(0x11, 25, 0, 0xe0000001);
	assert_int_equal(parse(&p, &m), 0);
	assert_int_equal(m.version, 2);
	assert_int_equal(m.max_resp_ms, 2500);
	for (uint32_t n = 12; n <= 16; n += 4) {
		p = packet(24, 0xe0000001, msg, n);
		assert_int_equal(parse(&p, &m), 0);
		assert_int_equal(m.version, 3);
	}
	static const uint32_t bad[] = {7, 9, 10, 11};
	for (unsigned i = 0; i < 4; i++) {
		p = packet(24, 0xe0000001, msg, bad[i]);
		assert_drop(&p, MCR_DROP_MEMBER_MALFORMED);
	}
}

static void
p11_unknown_record_type(void **state)
{
	const struct rec r[] = {{9, 0, 0xef020202, 2, {1, 2}}, good};
	struct packet p = report(r, 2);
	struct mcr_mship m;
	struct mcr_record rec;
	uint32_t cursor = 0;

	assert_int_equal(parse(&p, &m), 0);
	assert_true(mcr_mship_next_record(&m, &cursor, &rec));
	assert_int_equal(rec.type, 9);
	assert_true(mcr_mship_next_record(&m, &cursor, &rec));
	assert_int_equal(rec.type, MCR_TO_EX);
	assert_group(&rec.group, GROUP);
}

static void
p12_auxiliary_data(void **state)
{
	const struct rec r[] = {
		{MCR_TO_EX, 2, 0xef020202, 1, {7}}, {MCR_IS_EX, 4, 0xef030303, 0, {0}}, good};
	static const uint32_t want[] = {0xef020202, 0xef030303, GROUP};
	struct packet p = report(r, 3);
	struct mcr_mship m;
	struct mcr_record rec;
	uint32_t cursor = 0, n = 0;

	assert_int_equal(parse(&p, &m), 0);
	while (mcr_mship_next_record(&m, &cursor, &rec))
		assert_group(&rec.group, want[n++]);
	assert_int_equal(n, 3);
}

static void
p13_record_counts(void **state)
{
	struct packet p = report(&good, 1);
	struct mcr_mship m;
	struct mcr_record rec;
	uint32_t cursor = 0;

	put16(p.b + 24 + 6, 2);
	sum_igmp(&p, p.len - 24);
	assert_drop(&p, MCR_DROP_MEMBER_MALFORMED);
	put16(p.b + 24 + 6, 65535);
	sum_igmp(&p, p.len - 24);
	assert_drop(&p, MCR_DROP_MEMBER_MALFORMED);
	p = report(NULL, 0);
	assert_int_equal(parse(&p, &m), 0);
	assert_false(mcr_mship_next_record(&m, &cursor, &rec));
}

static void
p14_source_counts(void **state)
{
	static const uint16_t counts[] = {2, 1000, 65535};

	for (unsigned i = 0; i < 3; i++) {
		const struct rec r = {MCR_IS_IN, 0, GROUP, 1, {0x0a000001}};
		struct packet p = report(&r, 1);

		put16(p.b + 24 + 8 + 2, counts[i]);
		sum_igmp(&p, p.len - 24);
		assert_drop(&p, MCR_DROP_MEMBER_MALFORMED);
		p = query3(10, GROUP, 2, 125, counts[i], 1);
		assert_drop(&p, MCR_DROP_MEMBER_MALFORMED);
	}
}

static void
p29_query_for_no_group(void **state)
{
	static const uint32_t bad[] = {0x0a010101, 0x00000001, 0xdfffffff, 0xf0000000, 0xffffffff};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct packet p = query3(10, bad[i], 2, 125, 0, 0);

		assert_drop(&p, MCR_DROP_MEMBER_GROUP);
		p = shorty(0x11, 10, bad[i], 0xe0000001);
		assert_drop(&p, MCR_DROP_MEMBER_GROUP);
	}
}

static void
p18_older_messages_as_records(void **state)
{
	static const struct {
		uint8_t type, version, record;
		enum mcr_mship_type want;
	} rows[] = {{0x12, 1, MCR_IS_EX, MCR_MSHIP_REPORT}, {0x16, 2, MCR_IS_EX, MCR_MSHIP_REPORT},
		{0x17, 2, MCR_TO_IN, MCR_MSHIP_LEAVE}};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet p = shorty(rows[i].type, 0, GROUP, 0xe0000002);
		struct mcr_mship m;
		struct mcr_record r;
		uint32_t cursor = 0;

		assert_int_equal(parse(&p, &m), 0);
		assert_int_equal(m.type, rows[i].want);
		assert_int_equal(m.version, rows[i].version);
		assert_int_equal(m.wire_type, rows[i].type);
		assert_group(&m.dst, 0xe0000002);
		assert_true(mcr_mship_next_record(&m, &cursor, &r));
		assert_int_equal(r.type, rows[i].record);
		assert_int_equal(r.n_sources, 0);
		assert_group(&r.group, GROUP);
		assert_false(mcr_mship_next_record(&m, &cursor, &r));
	}
}

static void
p14_query_as_read(void **state)
{
	struct packet p = query3(0x8f, GROUP, 8 | 5, 0x90, 3, 3);
	struct mcr_mship m;

	assert_int_equal(parse(&p, &m), 0);
	assert_int_equal(m.type, MCR_MSHIP_QUERY);
	assert_int_equal(m.max_resp_ms, 24800);
	assert_int_equal(m.qqi_s, 256);
	assert_int_equal(m.qrv, 5);
	assert_true(m.s_flag);
	assert_group(&m.group, GROUP);
	assert_int_equal(m.n_sources, 3);
	for (uint32_t i = 0; i < 3; i++) {
		struct mcr_addr s = mcr_mship_source(m.sources, m.addr_len, i);

		assert_group(&s, 0x0a000001 + i);
	}
	/* A General Query has no use for sources. */
	p = query3(100, 0, 2, 125, 3, 3);
	assert_int_equal(parse(&p, &m), 0);
	assert_true(mcr_addr_is_any(&m.group));
	assert_false(m.s_flag);
	assert_int_equal(m.n_sources, 0);
}

static void
p10_unknown_types(void **state)
{
	static const uint8_t known[] = {0x11, 0x12, 0x16, 0x17, 0x22};

	for (unsigned type = 0; type < 256; type++) {
		struct packet p = shorty(type, 10, GROUP, GROUP);

		if (memchr(known, type, sizeof(known)) == NULL)
			assert_drop(&p, MCR_DROP_MEMBER_VERSION);
	}
}

static void
p31_senders(void **state)
{
	static const struct {
		uint32_t src;
		bool good;
	} rows[] = {{0, true}, {1, false}, {0x00ffffff, false}, {0x01000000, true},
		{0x7f000001, false}, {0xdfffffff, true}, {0xe0000001, false}, {0xf0000000, false},
		{0xffffffff, false}};
	struct mcr_mship m;

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet p = report(&good, 1);

		put32(p.b + 12, rows[i].src);
		sum_ip(&p);
		if (rows[i].good)
			assert_int_equal(parse(&p, &m), 0);
		else
			assert_drop(&p, MCR_DROP_MEMBER_SOURCE);
	}
}

static void
p1_other_protocols_are_refused(void **state)
{
	struct packet p = report(&good, 1);

	p.b[9] = 17;
	sum_ip(&p);
	assert_drop(&p, MCR_DROP_MEMBER_VERSION);
}

static void
p32_ttl_other_than_one(void **state)
{
	static const uint8_t ttls[] = {0, 2, 64, 255};

	for (unsigned i = 0; i < sizeof(ttls); i++) {
		struct packet p = report(&good, 1);

		p.b[8] = ttls[i];
		sum_ip(&p);
		assert_drop(&p, MCR_DROP_MEMBER_TTL);
	}
}

/* Every message cut at every length: lengths left wrong, then put right. Only whole ones act. */
static void
t9_cut_at_every_length(void **state)
{
	const struct rec r[] = {{MCR_IS_IN, 1, GROUP, 2, {0x0a000001, 0x0a000002}}, good};
	struct packet messages[] = {report(r, 2), shorty(0x12, 0, GROUP, GROUP),
		shorty(0x16, 0, GROUP, GROUP), shorty(0x17, 0, GROUP, 0xe0000002),
		shorty(0x11, 0, 0, 0xe0000001), query3(100, GROUP, 2, 125, 3, 3)};
	struct mcr_mship m;

	for (unsigned i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		for (uint32_t len = 0; len <= messages[i].len; len++) {
			struct packet p = messages[i];
			bool is_whole = len == p.len, is_v1_query;
			int ret = parse_bytes(p.b, len, &m);

			assert_int_equal(ret == 0, is_whole);
			if (len < 24)
				continue;
			p.len = len;
			sum_ip(&p);
			if (len >= 24 + 8)
				sum_igmp(&p, len - 24);
			ret = parse(&p, &m);
			/* A v3 query of which only 8 octets are left is a good v2 query. */
			is_v1_query = p.b[24] == 0x11 && len == 32;
			assert_int_equal(ret == 0, is_whole || is_v1_query);
		}
}

static void
t9_random_bytes(void **state)
{
	const char *env = getenv("MCR_SEED");
	unsigned seed = env ? (unsigned)strtoul(env, NULL, 0) : (unsigned)time(NULL), accepted = 0;
	struct mcr_mship m;
	struct mcr_record rec;

	print_message("# MCR_SEED=%u\n", seed);
	srandom(seed);
	for (unsigned round = 0; round < 100000; round++) {
		uint8_t msg[64];
		uint32_t n = random() % sizeof(msg), cursor = 0, records = 0;
		static const uint8_t types[] = {0x11, 0x12, 0x16, 0x17, 0x22, 0x22};

		for (uint32_t i = 0; i < n; i++)
			msg[i] = random() % 4 ? random() % 4 : random();
		msg[0] = types[random() % sizeof(types)];
		struct packet p = packet(20 + random() % 11 * 4, GROUP, msg, n);
		if (parse(&p, &m))
			continue;
		accepted++;
		while (mcr_mship_next_record(&m, &cursor, &rec))
			for (uint32_t i = 0; i < rec.n_sources; i++, records++)
				mcr_mship_source(rec.sources, rec.addr_len, i);
		for (uint32_t i = 0; i < m.n_sources; i++)
			mcr_mship_source(m.sources, m.addr_len, i);
	}
	assert_true(accepted > 1000);
}

/* --- O: sent ---------------------------------------------------------------------------------- */

static struct mcr_addr
a4(uint32_t ip)
{
	return mcr_addr_v4(htonl(ip));
}

static void
assert_sent(const uint8_t *ip, uint32_t len, uint32_t dst)
{
	struct packet p = {.ihl = 24, .len = len};
	uint8_t want[24] = {0x46, 0xc0, len >> 8, len, 0, 0, 0, 0, 1, 2};

	memcpy(p.b, ip, len);
	assert_int_equal(sum(p.b, 24), 0);
	assert_int_equal(sum(p.b + 24, len - 24), 0);
	put32(want + 12, HOST);
	put32(want + 16, dst);
	put32(want + 20, 0x94040000);
	memcpy(want + 4, ip + 4, 4);   /* ID, flags: any */
	memcpy(want + 10, ip + 10, 2); /* checksum: verified above */
	assert_memory_equal(ip, want, 24);
}

static void
o1_o3_o4_queries_as_sent(void **state)
{
	const struct mcr_addr sources[] = {a4(0x0a000001), a4(0x0a000002)};
	struct mcr_query_spec q = {.src = a4(HOST),
		.group = mcr_addr_any,
		.version = 3,
		.max_resp_ms = 10000,
		.qqi_s = 125,
		.qrv = 2};
	uint8_t b[1500];
	static const uint8_t general[] = {0x11, 100, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0};
	int len = mcr_igmp_write_query(b, sizeof(b), &q);

	assert_int_equal(len, 24 + 12);
	assert_sent(b, len, 0xe0000001);
	memset(b + 26, 0, 2);
	assert_memory_equal(b + 24, general, 12);

	q.group = a4(GROUP);
	q.max_resp_ms = 1000;
	q.s_flag = true;
	q.qrv = 9; /* does not fit: 0 */
	q.sources = sources;
	q.n_sources = 2;
	static const uint8_t specific[] = {
		0x11, 10, 0, 0, 239, 1, 1, 1, 8, 125, 0, 2, 10, 0, 0, 1, 10, 0, 0, 2};
	len = mcr_igmp_write_query(b, sizeof(b), &q);
	assert_int_equal(len, 24 + 20);
	assert_sent(b, len, GROUP);
	memset(b + 26, 0, 2);
	assert_memory_equal(b + 24, specific, 20);
}

static void
n4_c7_c8_older_queries_as_sent(void **state)
{
	struct mcr_query_spec q = {.src = a4(HOST), .group = mcr_addr_any, .qqi_s = 125, .qrv = 2};
	uint8_t b[64];
	int len;

	/* Version 2: 8 octets, the code is the number itself over the whole range. */
	q.version = 2;
	for (uint32_t tenths = 1; tenths <= 255; tenths++) {
		struct mcr_mship m;

		q.max_resp_ms = tenths * 100;
		len = mcr_igmp_write_query(b, sizeof(b), &q);
		assert_int_equal(len, 32);
		assert_int_equal(b[25], tenths);
		assert_sent(b, len, 0xe0000001);
		assert_int_equal(mcr_igmp_parse(b, len, &m), 0);
		assert_int_equal(m.version, 2);
		assert_int_equal(m.max_resp_ms, tenths * 100);
	}
	q.version = 1;
	len = mcr_igmp_write_query(b, sizeof(b), &q);
	assert_int_equal(len, 32);
	assert_int_equal(b[25], 0);
}

static void
o1_o2_o3_reports_as_sent(void **state)
{
	const struct mcr_addr src = a4(HOST), group = a4(GROUP), s = a4(0x0a000001);
	static const uint8_t want[] = {0x22, 0, 0, 0, 0, 0, 0, 2, 4, 0, 0, 0, 239, 1, 1, 1, 1, 0, 0,
		1, 239, 1, 1, 1, 10, 0, 0, 1};
	struct mcr_report r;
	uint8_t b[1500];
	uint32_t len;

	mcr_igmp_report_begin(&r, b, sizeof(b), &src);
	assert_int_equal(mcr_igmp_report_add(&r, MCR_TO_EX, &group, NULL, 0), 0);
	assert_int_equal(mcr_igmp_report_add(&r, MCR_IS_IN, &group, &s, 1), 0);
	len = mcr_igmp_report_finish(&r);
	assert_int_equal(len, 24 + sizeof(want));
	assert_sent(b, len, 0xe0000016);
	memset(b + 26, 0, 2);
	assert_memory_equal(b + 24, want, sizeof(want));
}

static void
o5_q12_never_above_the_mtu(void **state)
{
	struct mcr_addr src = a4(HOST), group = a4(GROUP), source[400];
	struct mcr_query_spec q = {.src = src, .group = group, .version = 3, .sources = source};
	uint8_t b[1600];

	for (unsigned i = 0; i < 400; i++)
		source[i] = a4(0x0a000001 + i);
	assert_int_equal(mcr_igmp_query_room(1500), 366);
	for (uint32_t mtu = 576; mtu <= 1500; mtu += 33) {
		struct mcr_report r;

		q.n_sources = mcr_igmp_query_room(mtu);
		assert_in_range(mcr_igmp_write_query(b, mtu, &q), mtu - 3, mtu);
		q.n_sources++;
		assert_int_equal(mcr_igmp_write_query(b, mtu, &q), -ENOSPC);
		mcr_igmp_report_begin(&r, b, mtu, &src);
		assert_int_equal(mcr_igmp_report_add(&r, MCR_IS_IN, &group, source,
					 mcr_igmp_report_room(mtu) + 1),
			-ENOSPC);
		assert_int_equal(mcr_igmp_report_add(
					 &r, MCR_IS_IN, &group, source, mcr_igmp_report_room(mtu)),
			0);
		assert_int_equal(mcr_igmp_report_add(&r, MCR_IS_IN, &group, NULL, 0), -ENOSPC);
		assert_in_range(mcr_igmp_report_finish(&r), mtu - 3, mtu);
	}
}

static void
o4_queries_that_cannot_be(void **state)
{
	const struct mcr_addr s = a4(0x0a000001);
	const struct mcr_query_spec bad[] = {
		{.version = 0},
		{.version = 4},
		{.version = 1, .group = a4(GROUP)},
		{.version = 2, .group = a4(GROUP), .sources = &s, .n_sources = 1},
		{.version = 3, .sources = &s, .n_sources = 1},
	};
	struct mcr_query_spec q = {.version = 2, .group = a4(GROUP)};
	uint8_t b[64];

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(mcr_igmp_write_query(b, sizeof(b), &bad[i]), -EINVAL);
	assert_int_equal(mcr_igmp_write_query(b, 31, &q), -ENOSPC);
	/* Less than a tenth of a second must not read as version 1, nor wrap above 25.5 s. */
	assert_int_equal(mcr_igmp_write_query(b, 32, &q), 32);
	assert_int_equal(b[25], 1);
	q.max_resp_ms = 3000000;
	assert_int_equal(mcr_igmp_write_query(b, 32, &q), 32);
	assert_int_equal(b[25], 255);
	q.version = 3;
	for (q.qrv = 0; q.qrv < 20; q.qrv++) {
		assert_int_equal(mcr_igmp_write_query(b, sizeof(b), &q), 36);
		assert_int_equal(b[24 + 8], q.qrv > 7 ? 0 : q.qrv);
	}
}

static void
o5_record_that_just_fits(void **state)
{
	const struct mcr_addr src = a4(HOST), group = a4(GROUP);
	struct mcr_report r;
	uint8_t b[64];

	for (uint32_t size = 32; size <= sizeof(b); size++) {
		mcr_igmp_report_begin(&r, b, size, &src);
		for (uint32_t n = 0; n < (size - 32) / 8; n++)
			assert_int_equal(mcr_igmp_report_add(&r, MCR_TO_EX, &group, NULL, 0), 0);
		assert_int_equal(mcr_igmp_report_add(&r, MCR_TO_EX, &group, NULL, 0), -ENOSPC);
		assert_int_equal(mcr_igmp_report_finish(&r), 32 + (size - 32) / 8 * 8);
	}
}

/* An IP packet ends at 65,535 bytes, however large the buffer. */
static void
o5_never_above_an_ip_packet(void **state)
{
	const uint32_t n = mcr_igmp_query_room(1 << 20);
	const struct mcr_addr src = a4(HOST), group = a4(GROUP);
	struct mcr_addr *sources = calloc(n + 1, sizeof(*sources));
	struct mcr_query_spec q = {
		.group = group, .version = 3, .sources = sources, .n_sources = n};
	uint8_t *b = malloc(1 << 17);
	struct mcr_report r;

	assert_non_null(sources);
	assert_non_null(b);
	assert_int_equal(n, (65535 - 36) / 4);
	assert_in_range(mcr_igmp_write_query(b, 1 << 17, &q), 65532, 65535);
	q.n_sources++;
	assert_int_equal(mcr_igmp_write_query(b, 1 << 17, &q), -ENOSPC);
	mcr_igmp_report_begin(&r, b, 1 << 17, &src);
	while (mcr_igmp_report_add(&r, MCR_TO_EX, &group, NULL, 0) == 0)
		;
	assert_int_equal(r.n_records, (65535 - 32) / 8);
	assert_in_range(mcr_igmp_report_finish(&r), 65528, 65535);
	assert_int_equal(mcr_igmp_query_room(35), 0);
	assert_int_equal(mcr_igmp_report_room(10), 0);
	free(sources);
	free(b);
}

/* --- N: numbers ------------------------------------------------------------------------------- */

static void
n1_codes_of_the_rfc(void **state)
{
	static const struct {
		uint8_t code;
		uint32_t value;
	} rows[] = {{0, 0}, {0x7f, 127}, {0x80, 128}, {0x8f, 248}, {0x90, 256}, {0xff, 31744}};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(mcr_igmp_code_decode(rows[i].code), rows[i].value);
		assert_int_equal(mcr_igmp_code_encode(rows[i].value), rows[i].code);
	}
}

static void
n2_next_lower_value(void **state)
{
	assert_int_equal(mcr_igmp_code_encode(129), 0x80);
	for (uint32_t v = 0; v <= 31744; v++) {
		uint8_t code = mcr_igmp_code_encode(v);

		assert_true(mcr_igmp_code_decode(code) <= v);
		if (code < 0xff)
			assert_true(mcr_igmp_code_decode(code + 1) > v);
	}
	assert_int_equal(mcr_igmp_code_encode(UINT32_MAX), 0xff);
}

static void
n6_all_codes_round(void **state)
{
	for (unsigned code = 0; code < 256; code++)
		assert_int_equal(mcr_igmp_code_encode(mcr_igmp_code_decode(code)), code);
}

static int
set_up(void **state)
{
	size_t page = sysconf(_SC_PAGESIZE);
	uint8_t *map =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		return -1;
	guard = map + page;
	return mprotect(guard, page, PROT_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(p1_good_v3_report),
		cmocka_unit_test(p2_checksum_wrong_by_one_bit),
		cmocka_unit_test(p3_p4_octets_after_the_last_record),
		cmocka_unit_test(p5_ethernet_padding),
		cmocka_unit_test(p6_ip_header_errors),
		cmocka_unit_test(p7_other_ip_options),
		cmocka_unit_test(p8_fragments),
		cmocka_unit_test(p9_query_versions_by_length),
		cmocka_unit_test(p11_unknown_record_type),
		cmocka_unit_test(p12_auxiliary_data),
		cmocka_unit_test(p13_record_counts),
		cmocka_unit_test(p14_source_counts),
		cmocka_unit_test(p29_query_for_no_group),
		cmocka_unit_test(p18_older_messages_as_records),
		cmocka_unit_test(p14_query_as_read),
		cmocka_unit_test(p10_unknown_types),
		cmocka_unit_test(p31_senders),
		cmocka_unit_test(p1_other_protocols_are_refused),
		cmocka_unit_test(p32_ttl_other_than_one),
		cmocka_unit_test(t9_cut_at_every_length),
		cmocka_unit_test(t9_random_bytes),
		cmocka_unit_test(o1_o3_o4_queries_as_sent),
		cmocka_unit_test(n4_c7_c8_older_queries_as_sent),
		cmocka_unit_test(o1_o2_o3_reports_as_sent),
		cmocka_unit_test(o5_q12_never_above_the_mtu),
		cmocka_unit_test(o4_queries_that_cannot_be),
		cmocka_unit_test(o5_record_that_just_fits),
		cmocka_unit_test(o5_never_above_an_ip_packet),
		cmocka_unit_test(n1_codes_of_the_rfc),
		cmocka_unit_test(n2_next_lower_value),
		cmocka_unit_test(n6_all_codes_round),
	};

	return cmocka_run_group_tests_name("pkt_igmp", tests, set_up, NULL);
}
