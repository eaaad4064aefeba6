/* SPDX-License-Identifier: BSD-3-Clause */
#include "pkt/igmp.h"

#include <errno.h>

#include "pkt/rewrite.h"
#include "pkt/wire.h"

enum {
	TYPE_QUERY = 0x11,
	TYPE_V1_REPORT = 0x12,
	TYPE_V2_REPORT = 0x16,
	TYPE_V2_LEAVE = 0x17,
	TYPE_V3_REPORT = 0x22,
};

enum {
	SHORT_LEN = 8,     /* every v1 and v2 message, and the fixed part of a v3 report */
	V3_QUERY_LEN = 12, /* without sources */
	RECORD_LEN = 8,    /* without sources and auxiliary data */
	SENT_IP_LEN = 24,  /* header with Router Alert */
};

#define DROP(reason) (-(int)(reason)-1)

/* --- receive --------------------------------------------------------------------------------- */

/* 0.0.0.0 is a host without an address yet (RFC 9776 section 4.2.14). */
static bool
is_sender(uint32_t src)
{
	uint32_t net = src >> 24;

	return src == 0 || (net != 0 && net != 127 && net < 224);
}

/* The IPv4 header (P6-P8, P32). Sets *off and *n to the IGMP message; 0 or DROP(). */
static int
parse_ip(const uint8_t *ip, uint32_t len, struct mcr_mship *m, uint32_t *off, uint32_t *n)
{
	uint32_t ihl, total;

	if (len < MCR_IPV4_LEN)
		return DROP(MCR_DROP_PARSE_RUNT);
	if (ip[0] >> 4 != 4)
		return DROP(MCR_DROP_PARSE_BAD_VERSION);
	ihl = (ip[0] & 0xf) * 4;
	total = mcr_wire_get16(ip + 2);
	if (ihl < MCR_IPV4_LEN || ihl > total)
		return DROP(MCR_DROP_PARSE_BAD_IHL);
	if (total > len)
		return DROP(MCR_DROP_PARSE_BAD_IP_LENGTH);
	if (mcr_csum_fold(mcr_csum_add(0, ip, ihl)) != 0)
		return DROP(MCR_DROP_PARSE_BAD_IP_CHECKSUM);
	if (mcr_wire_get16(ip + 6) & (MCR_IPV4_MF | MCR_IPV4_OFFSET))
		return DROP(MCR_DROP_MEMBER_FRAGMENT);
	if (ip[9] != MCR_PROTO_IGMP)
		return DROP(MCR_DROP_MEMBER_VERSION);
	if (ip[8] != 1)
		return DROP(MCR_DROP_MEMBER_TTL);
	if (!is_sender(mcr_wire_get32(ip + 12)))
		return DROP(MCR_DROP_MEMBER_SOURCE);
	m->src = mcr_mship_source(ip + 12, 4, 0);
	m->dst = mcr_mship_source(ip + 16, 4, 0);
	m->has_router_alert = mcr_wire_has_router_alert(ip, ihl);
	*off = ihl;
	*n = total - ihl;
	return 0;
}

/* The length and the code tell the versions apart (RFC 9776 section 7.1). */
static int
parse_query(const uint8_t *msg, uint32_t n, struct mcr_mship *m)
{
	uint32_t group = mcr_wire_get32(msg + 4);
	uint16_t n_sources;

	m->type = MCR_MSHIP_QUERY;
	if (n > SHORT_LEN && n < V3_QUERY_LEN)
		return DROP(MCR_DROP_MEMBER_MALFORMED);
	if (n == SHORT_LEN) {
		m->version = msg[1] == 0 ? 1 : 2;
		m->max_resp_ms = msg[1] == 0 ? 10000 : msg[1] * 100;
	} else {
		n_sources = mcr_wire_get16(msg + 10);
		if (n - V3_QUERY_LEN < n_sources * 4u)
			return DROP(MCR_DROP_MEMBER_MALFORMED);
		m->version = 3;
		m->max_resp_ms = mcr_igmp_code_decode(msg[1]) * 100;
		m->s_flag = msg[8] & 0x8;
		m->qrv = msg[8] & 0x7;
		m->qqi_s = mcr_igmp_code_decode(msg[9]);
		if (group != 0) { /* a General Query has no use for sources */
			m->n_sources = n_sources;
			m->sources = msg + V3_QUERY_LEN;
		}
	}
	if (group == 0)
		m->group = mcr_addr_any;
	else if (group >> 28 == 0xe)
		m->group = mcr_mship_source(msg + 4, 4, 0);
	else
		return DROP(MCR_DROP_MEMBER_GROUP);
	return 0;
}

/* A v1 or v2 report, or a leave; what follows the eighth octet is ignored (RFC 2236 section 2.5).
 */
static int
parse_short(const uint8_t *msg, struct mcr_mship *m)
{
	m->type = m->wire_type == TYPE_V2_LEAVE ? MCR_MSHIP_LEAVE : MCR_MSHIP_REPORT;
	m->version = m->wire_type == TYPE_V1_REPORT ? 1 : 2;
	m->n_records = 1;
	m->record_group = mcr_mship_source(msg + 4, 4, 0);
	return 0;
}

/* One record at `p`: its length with sources and auxiliary data, or 0 when it overruns `end`. */
static uint32_t
record_len(const uint8_t *p, const uint8_t *end, uint8_t addr_len)
{
	uint32_t room = end - p, len;

	/* RFC 9777 section 5.2 has the same layout with longer addresses. */
	if (room < 4u + addr_len)
		return 0;
	len = 4 + addr_len + (uint32_t)mcr_wire_get16(p + 2) * addr_len + p[1] * 4u;
	return len <= room ? len : 0;
}

/* All records are walked before the first one is handed out. */
static int
parse_v3_report(const uint8_t *msg, uint32_t n, struct mcr_mship *m)
{
	const uint8_t *p = msg + SHORT_LEN;
	uint32_t len, i;

	m->type = MCR_MSHIP_REPORT;
	m->version = 3;
	m->n_records = mcr_wire_get16(msg + 6);
	m->records = p;
	for (i = 0; i < m->n_records; i++, p += len) {
		len = record_len(p, msg + n, m->addr_len);
		if (len == 0)
			return DROP(MCR_DROP_MEMBER_MALFORMED);
	}
	m->end = p; /* octets behind it are ignored (RFC 9776 section 4.2.12) */
	return 0;
}

int
mcr_igmp_parse(const uint8_t *ip, uint32_t len, struct mcr_mship *m)
{
	uint32_t off, n;
	const uint8_t *msg;
	int ret;

	memset(m, 0, sizeof(*m));
	m->addr_len = 4;
	ret = parse_ip(ip, len, m, &off, &n);
	if (ret < 0)
		return ret;
	msg = ip + off;
	if (n < SHORT_LEN)
		return DROP(MCR_DROP_MEMBER_MALFORMED);
	/* Over the whole IP payload: octets that the sender did not sum make it wrong. */
	if (mcr_csum_fold(mcr_csum_add(0, msg, n)) != 0)
		return DROP(MCR_DROP_MEMBER_CHECKSUM);
	m->wire_type = msg[0];
	switch (msg[0]) {
	case TYPE_QUERY:
		return parse_query(msg, n, m);
	case TYPE_V1_REPORT:
	case TYPE_V2_REPORT:
	case TYPE_V2_LEAVE:
		return parse_short(msg, m);
	case TYPE_V3_REPORT:
		return parse_v3_report(msg, n, m);
	default:
		return DROP(MCR_DROP_MEMBER_VERSION);
	}
}

bool
mcr_mship_next_record(const struct mcr_mship *m, uint32_t *cursor, struct mcr_record *r)
{
	const uint8_t *p;
	uint32_t len;

	memset(r, 0, sizeof(*r));
	r->addr_len = m->addr_len;
	if (!m->records) {
		if (m->n_records == 0 || *cursor != 0)
			return false;
		r->type = m->type == MCR_MSHIP_LEAVE ? MCR_TO_IN : MCR_IS_EX;
		r->group = m->record_group;
		*cursor = 1;
		return true;
	}
	p = m->records + *cursor;
	if (p >= m->end)
		return false;
	len = record_len(p, m->end, m->addr_len);
	if (len == 0)
		return false;
	r->type = p[0];
	r->n_sources = mcr_wire_get16(p + 2);
	r->group = mcr_mship_source(p + 4, m->addr_len, 0);
	r->sources = p + 4 + m->addr_len;
	*cursor += len;
	return true;
}

struct mcr_addr
mcr_mship_source(const uint8_t *sources, uint8_t addr_len, uint32_t i)
{
	struct mcr_addr a = {.b = {[10] = 0xff, [11] = 0xff}};

	memcpy(a.b + 16 - addr_len, sources + i * addr_len, addr_len);
	return a;
}

/* --- number codes ---------------------------------------------------------------------------- */

uint8_t
mcr_igmp_code_encode(uint32_t value)
{
	unsigned exp;

	if (value < 128)
		return value;
	if (value >= 31744)
		return 0xff;
	exp = 31 - __builtin_clz(value) - 7;
	return 0x80 | exp << 4 | (value >> (exp + 3) & 0xf);
}

uint32_t
mcr_igmp_code_decode(uint8_t code)
{
	if (code < 128)
		return code;
	return ((code & 0xfu) | 0x10) << ((code >> 4 & 0x7) + 3);
}

/* --- send ------------------------------------------------------------------------------------ */

/* IP header with Router Alert (RFC 2113), TTL 1, TOS 0xc0 (RFC 9776 section 4); DF, so ID 0 is
 * fine. */
static void
write_ip(uint8_t *ip, uint32_t len, const struct mcr_addr *src, const struct mcr_addr *dst)
{
	static const uint8_t header[SENT_IP_LEN] = {[0] = 0x46,
		[1] = 0xc0,
		[6] = 0x40,
		[8] = 1,
		[9] = MCR_PROTO_IGMP,
		[20] = 0x94,
		[21] = 4};
	uint16_t csum;

	memcpy(ip, header, sizeof(header));
	mcr_wire_put16(ip + 2, len);
	memcpy(ip + 12, src->b + 12, 4);
	memcpy(ip + 16, dst->b + 12, 4);
	csum = mcr_csum_fold(mcr_csum_add(0, ip, SENT_IP_LEN));
	memcpy(ip + 10, &csum, 2);
}

static void
write_csum(uint8_t *msg, uint32_t len)
{
	uint16_t csum;

	memset(msg + 2, 0, 2);
	csum = mcr_csum_fold(mcr_csum_add(0, msg, len));
	memcpy(msg + 2, &csum, 2);
}

/* In tenths of a second. Code 0 of an 8-octet query would say version 1. */
static uint8_t
max_resp_code(uint8_t version, uint32_t ms)
{
	uint32_t tenths = ms / 100;

	if (version == 1)
		return 0;
	if (version == 2)
		return tenths == 0 ? 1 : tenths > 255 ? 255 : tenths;
	return mcr_igmp_code_encode(tenths);
}

int
mcr_igmp_write_query(uint8_t *buf, uint32_t size, const struct mcr_query_spec *q)
{
	static const struct mcr_addr all_hosts = {.b = {[10] = 0xff, 0xff, 224, 0, 0, 1}};
	const bool is_general = mcr_addr_is_any(&q->group);
	uint32_t n = q->version == 3 ? V3_QUERY_LEN + q->n_sources * 4 : SHORT_LEN;
	uint8_t *msg = buf + SENT_IP_LEN;
	uint32_t i;

	/* Version 1 knows the General Query only; sources need version 3 and a group. */
	if (q->version < 1 || q->version > 3 || (q->version == 1 && !is_general) ||
		(q->n_sources > 0 && (q->version < 3 || is_general)))
		return -EINVAL;
	if (size > UINT16_MAX)
		size = UINT16_MAX;
	if (q->n_sources > UINT16_MAX || SENT_IP_LEN + n > size)
		return -ENOSPC;
	memset(msg, 0, n);
	msg[0] = TYPE_QUERY;
	msg[1] = max_resp_code(q->version, q->max_resp_ms);
	if (!is_general)
		memcpy(msg + 4, q->group.b + 12, 4);
	if (q->version == 3) {
		msg[8] = (q->s_flag ? 0x8 : 0) | (q->qrv > 7 ? 0 : q->qrv);
		msg[9] = mcr_igmp_code_encode(q->qqi_s);
		mcr_wire_put16(msg + 10, q->n_sources);
		for (i = 0; i < q->n_sources; i++)
			memcpy(msg + V3_QUERY_LEN + i * 4, q->sources[i].b + 12, 4);
	}
	write_csum(msg, n);
	write_ip(buf, SENT_IP_LEN + n, &q->src, is_general ? &all_hosts : &q->group);
	return SENT_IP_LEN + n;
}

void
mcr_igmp_report_begin(struct mcr_report *r, uint8_t *buf, uint32_t size, const struct mcr_addr *src)
{
	static const struct mcr_addr v3_routers = {.b = {[10] = 0xff, 0xff, 224, 0, 0, 22}};

	r->buf = buf;
	r->size = size > UINT16_MAX ? UINT16_MAX : size;
	r->len = SENT_IP_LEN + SHORT_LEN;
	r->n_records = 0;
	write_ip(buf, r->len, src, &v3_routers);
	memset(buf + SENT_IP_LEN, 0, SHORT_LEN);
	buf[SENT_IP_LEN] = TYPE_V3_REPORT;
}

int
mcr_igmp_report_add(struct mcr_report *r, uint8_t type, const struct mcr_addr *group,
	const struct mcr_addr *sources, uint32_t n_sources)
{
	uint8_t *p = r->buf + r->len;
	uint32_t i;

	if (r->size < r->len + RECORD_LEN || n_sources > (r->size - r->len - RECORD_LEN) / 4)
		return -ENOSPC;
	p[0] = type;
	p[1] = 0;
	mcr_wire_put16(p + 2, n_sources);
	memcpy(p + 4, group->b + 12, 4);
	for (i = 0; i < n_sources; i++)
		memcpy(p + RECORD_LEN + i * 4, sources[i].b + 12, 4);
	r->len += RECORD_LEN + n_sources * 4;
	r->n_records++;
	return 0;
}

uint32_t
mcr_igmp_report_finish(struct mcr_report *r)
{
	uint8_t *msg = r->buf + SENT_IP_LEN;
	uint16_t csum;

	mcr_wire_put16(msg + 6, r->n_records);
	write_csum(msg, r->len - SENT_IP_LEN);
	mcr_wire_put16(r->buf + 2, r->len);
	memset(r->buf + 10, 0, 2);
	csum = mcr_csum_fold(mcr_csum_add(0, r->buf, SENT_IP_LEN));
	memcpy(r->buf + 10, &csum, 2);
	return r->len;
}

static uint32_t
room(uint32_t size, uint32_t overhead)
{
	if (size > UINT16_MAX)
		size = UINT16_MAX;
	return size < overhead ? 0 : (size - overhead) / 4;
}

uint32_t
mcr_igmp_report_room(uint32_t size)
{
	return room(size, SENT_IP_LEN + SHORT_LEN + RECORD_LEN);
}

uint32_t
mcr_igmp_query_room(uint32_t size)
{
	return room(size, SENT_IP_LEN + V3_QUERY_LEN);
}
