/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_TEST_MEMBER_RIG_H
#define MCR_TEST_MEMBER_RIG_H

/*
 * A membership module on a stopped clock: messages go in as bytes built here (not by the codec),
 * what is sent, changed and told is kept for the test to look at.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/addr.h"
#include "base/stat.h"
#include "event/clock.h"
#include "event/timer.h"
#include "member/member.h"
#include "pkt/igmp.h"

#define S MCR_NS_PER_S
#define MS MCR_NS_PER_MS
#define SEGMENT 7
#define OWN 0x0a0100fe /* 10.1.0.254 */
#define HOST(i) (0x0a010000u + (uint32_t)(i))
#define GROUP(i) (0xef010100u + (uint32_t)(i))  /* 239.1.1.x */
#define SOURCE(i) (0x0a630000u + (uint32_t)(i)) /* 10.99.0.x */

struct rig_sent {
	struct mcr_mif *mif;
	uint64_t at_ns;
	struct mcr_addr dst;
	uint32_t len;
	uint8_t ip[1600];
};

struct rig_event {
	enum mcr_mif_event what;
	struct mcr_mif *mif;
	struct mcr_addr group, source, host;
};

struct rig {
	struct mcr_clock clock;
	struct mcr_timers *timers;
	struct mcr_member *m;
	struct mcr_mif *lan;
	struct rig_sent *sent;
	uint32_t n_sent, max_sent;
	bool is_quiet; /* keep nothing of what is sent */
	struct rig_event *event;
	uint32_t n_events, max_events;
	uint32_t n_changes;
	struct mcr_addr last_changed;
	uint32_t denied; /* a group, 0 = none */
};

struct rig_record {
	uint8_t type;
	uint32_t group;
	uint32_t n_sources;
	const uint32_t *source;
};

static inline struct mcr_addr
a4(uint32_t ip)
{
	return mcr_addr_v4(htonl(ip));
}

static inline uint32_t
rig_seed(void)
{
	const char *env = getenv("MCR_SEED");
	uint32_t seed = env != NULL ? (uint32_t)strtoul(env, NULL, 0) : (uint32_t)time(NULL);

	fprintf(stderr, "# MCR_SEED=%u\n", seed);
	return seed;
}

static inline uint32_t
rig_random(uint32_t *state, uint32_t below)
{
	*state = *state * 1664525u + 1013904223u;
	return (uint32_t)(((uint64_t)(*state >> 8) * below) >> 24);
}

/* --- callbacks --- */

static void
rig_on_send(
	void *arg, struct mcr_mif *mif, const uint8_t *ip, uint32_t len, const struct mcr_addr *dst)
{
	struct rig *r = arg;
	struct rig_sent *s;

	if (r->is_quiet)
		return;
	assert_true(len <= sizeof(s->ip));
	if (r->n_sent == r->max_sent) {
		r->max_sent = r->max_sent > 0 ? 2 * r->max_sent : 64;
		r->sent = realloc(r->sent, r->max_sent * sizeof(*r->sent));
		assert_non_null(r->sent);
	}
	s = &r->sent[r->n_sent++];
	*s = (struct rig_sent){
		.mif = mif, .at_ns = mcr_clock_now(&r->clock), .dst = *dst, .len = len};
	memcpy(s->ip, ip, len);
}

static void
rig_on_changed(void *arg, uint16_t segment, const struct mcr_addr *group)
{
	struct rig *r = arg;

	(void)segment;
	r->n_changes++;
	r->last_changed = *group;
}

static void
rig_on_event(void *arg, enum mcr_mif_event what, struct mcr_mif *mif, const struct mcr_addr *group,
	const struct mcr_addr *source, const struct mcr_addr *host)
{
	struct rig *r = arg;

	if (r->is_quiet)
		return;
	if (r->n_events == r->max_events) {
		r->max_events = r->max_events > 0 ? 2 * r->max_events : 64;
		r->event = realloc(r->event, r->max_events * sizeof(*r->event));
		assert_non_null(r->event);
	}
	r->event[r->n_events++] = (struct rig_event){what, mif, *group, *source, *host};
}

static bool
rig_is_allowed(void *arg, uint16_t segment, const struct mcr_addr *group)
{
	struct rig *r = arg;
	struct mcr_addr denied = a4(r->denied);

	(void)segment;
	return !mcr_addr_eq(group, &denied);
}

/* --- life --- */

static inline struct mcr_mif_param
rig_param(const char *name)
{
	struct mcr_mif_param p = {
		.segment = SEGMENT,
		.mode = MCR_MODE_QUERIER,
		.version = 3,
		.qi_s = 125,
		.qri_s = 10,
		.lmqi_ms = 1000,
		.robustness = 2,
		.address = mcr_addr_v4(htonl(OWN)),
		.n_networks = 1,
		.mtu = 1500,
	};

	snprintf(p.name, sizeof(p.name), "%s", name);
	p.network[0] = (struct mcr_prefix){.addr = a4(0x0a010000), .len = 96 + 16};
	return p;
}

static inline void
rig_init(struct rig *r)
{
	static const struct mcr_member_ops ops = {
		.send = rig_on_send,
		.changed = rig_on_changed,
		.event = rig_on_event,
		.is_allowed = rig_is_allowed,
	};

	memset(r, 0, sizeof(*r));
	mcr_clock_init_fake(&r->clock, 1000 * S);
	r->timers = mcr_timers_create(&r->clock);
	assert_non_null(r->timers);
	r->m = mcr_member_create(r->timers, &ops, r);
	assert_non_null(r->m);
}

static inline void
rig_fini(struct rig *r)
{
	mcr_member_free(r->m);
	mcr_timers_free(r->timers);
	free(r->sent);
	free(r->event);
}

/* The usual start: one querier "lan"; its startup queries are through and forgotten. */
static inline void
rig_start(struct rig *r, const struct mcr_mif_param *p)
{
	rig_init(r);
	r->lan = mcr_mif_add(r->m, p);
	assert_non_null(r->lan);
	mcr_timers_run(r->timers);
	r->n_sent = 0;
	r->n_events = 0;
}

static inline void
rig_start_default(struct rig *r)
{
	struct mcr_mif_param p = rig_param("lan");

	rig_start(r, &p);
}

static inline void
rig_forget_sent(struct rig *r)
{
	r->n_sent = 0;
	r->n_events = 0;
	r->n_changes = 0;
}

static inline uint64_t
rig_now(const struct rig *r)
{
	return mcr_clock_now(&r->clock);
}

/* --- messages in --- */

static inline void
rig_put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void
rig_put32(uint8_t *p, uint32_t v)
{
	rig_put16(p, v >> 16);
	rig_put16(p + 2, v & 0xffff);
}

static inline uint32_t
rig_checksum(const uint8_t *p, uint32_t len)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/* Put an IPv4 header with Router Alert before `len` bytes of IGMP at ip + 24; whole length. */
static inline uint32_t
rig_finish(uint8_t *ip, uint32_t len, uint32_t src, uint32_t dst)
{
	static const uint8_t header[24] = {0x46, 0xc0, [8] = 1, [9] = 2, [20] = 0x94, [21] = 4};

	memcpy(ip, header, sizeof(header));
	rig_put16(&ip[2], 24 + len);
	rig_put32(&ip[12], src);
	rig_put32(&ip[16], dst);
	rig_put16(&ip[10], rig_checksum(ip, 24));
	rig_put16(&ip[26], 0);
	rig_put16(&ip[26], rig_checksum(&ip[24], len));
	return 24 + len;
}

static inline int
rig_report3(struct mcr_mif *mif, uint32_t host, const struct rig_record *rec, uint32_t n)
{
	static uint8_t ip[65536];
	uint32_t at = 32;

	memset(&ip[24], 0, 8);
	ip[24] = 0x22;
	rig_put16(&ip[30], n);
	for (uint32_t i = 0; i < n; i++) {
		ip[at] = rec[i].type;
		ip[at + 1] = 0;
		rig_put16(&ip[at + 2], rec[i].n_sources);
		rig_put32(&ip[at + 4], rec[i].group);
		at += 8;
		for (uint32_t j = 0; j < rec[i].n_sources; j++, at += 4)
			rig_put32(&ip[at], rec[i].source[j]);
	}
	return mcr_mif_input(mif, ip, rig_finish(ip, at - 24, host, 0xe0000016));
}

/* One record; the sources follow. */
static inline int
rig_record(struct mcr_mif *mif, uint32_t host, uint8_t type, uint32_t group, unsigned n, ...)
{
	uint32_t source[16];
	struct rig_record rec = {type, group, n, source};
	va_list ap;

	assert_true(n <= 16);
	va_start(ap, n);
	for (unsigned i = 0; i < n; i++)
		source[i] = va_arg(ap, uint32_t);
	va_end(ap);
	return rig_report3(mif, host, &rec, 1);
}

/* Eight octets: reports and leaves of versions 1 and 2, queries. */
static inline int
rig_short(
	struct mcr_mif *mif, uint8_t type, uint8_t code, uint32_t group, uint32_t src, uint32_t dst)
{
	uint8_t ip[64];

	memset(&ip[24], 0, 8);
	ip[24] = type;
	ip[25] = code;
	rig_put32(&ip[28], group);
	return mcr_mif_input(mif, ip, rig_finish(ip, 8, src, dst));
}

static inline int
rig_report2(struct mcr_mif *mif, uint32_t host, uint32_t group)
{
	return rig_short(mif, 0x16, 0, group, host, group);
}

static inline int
rig_leave2(struct mcr_mif *mif, uint32_t host, uint32_t group)
{
	return rig_short(mif, 0x17, 0, group, host, 0xe0000002);
}

static inline int
rig_query3(struct mcr_mif *mif, uint32_t src, uint32_t group, bool s_flag, uint8_t code,
	const uint32_t *source, uint32_t n)
{
	uint8_t ip[1600];

	memset(&ip[24], 0, 12);
	ip[24] = 0x11;
	ip[25] = code;
	rig_put32(&ip[28], group);
	ip[32] = (uint8_t)((s_flag ? 8 : 0) | 2);
	ip[33] = 125;
	rig_put16(&ip[34], n);
	for (uint32_t i = 0; i < n; i++)
		rig_put32(&ip[36 + 4 * i], source[i]);
	return mcr_mif_input(
		mif, ip, rig_finish(ip, 12 + 4 * n, src, group != 0 ? group : 0xe0000001));
}

/* --- looking at what came out --- */

static inline struct mcr_mship
rig_parse(const struct rig_sent *s)
{
	struct mcr_mship msg;

	assert_int_equal(mcr_igmp_parse(s->ip, s->len, &msg), 0);
	return msg;
}

static inline struct mcr_mgroup *
rig_group(const struct rig *r, const struct mcr_mif *mif, uint32_t group)
{
	struct mcr_addr addr = a4(group);
	struct mcr_mgroup *g = NULL;

	while ((g = mcr_member_next(r->m, SEGMENT, &addr, g)) != NULL) {
		if (mcr_mgroup_mif(g) == mif)
			return g;
	}
	return NULL;
}

/* Would (source, group) flow to the instance? */
static inline bool
rig_flows(const struct rig *r, const struct mcr_mif *mif, uint32_t group, uint32_t source)
{
	const struct mcr_mgroup *g = rig_group(r, mif, group);
	struct mcr_addr addr = a4(source);

	return g != NULL && mcr_mgroup_accepts(g, &addr);
}

static inline uint32_t
rig_n_subscribers(const struct rig *r, const struct mcr_mif *mif, uint32_t group)
{
	const struct mcr_mgroup *g = rig_group(r, mif, group);
	struct mcr_subscriber s;
	uint32_t cursor = 0, n = 0;

	while (g != NULL && mcr_mgroup_next_subscriber(g, &cursor, &s))
		n++;
	return n;
}

/* Packets sent out of the instance so far, general queries left out unless asked for. */
static inline uint32_t
rig_count_sent(const struct rig *r, const struct mcr_mif *mif, bool with_general)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->n_sent; i++) {
		struct mcr_mship msg = rig_parse(&r->sent[i]);

		if (r->sent[i].mif == mif && (with_general || msg.type != MCR_MSHIP_QUERY ||
						     !mcr_addr_is_any(&msg.group)))
			n++;
	}
	return n;
}

#endif
