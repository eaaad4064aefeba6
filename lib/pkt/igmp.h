/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_PKT_IGMP_H
#define MCR_PKT_IGMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/stat.h"

/*
 * IGMPv1 (RFC 1112), v2 (RFC 2236), v3 (RFC 9776): wire <-> one neutral form that MLD shares.
 * All structure is checked to its end before anything is handed out (protocol.md section 2).
 */
enum mcr_mship_type {
	MCR_MSHIP_QUERY,
	MCR_MSHIP_REPORT, /* v1, v2: one record IS_EX({}); v3: as on the wire */
	MCR_MSHIP_LEAVE,  /* v2: one record TO_IN({}) */
};

enum mcr_record_type { /* RFC 9776 section 4.2.13 */
	MCR_IS_IN = 1,
	MCR_IS_EX = 2,
	MCR_TO_IN = 3,
	MCR_TO_EX = 4,
	MCR_ALLOW = 5,
	MCR_BLOCK = 6,
};

/* A checked message. Records stay on the wire: walk them with mcr_mship_next_record. */
struct mcr_mship {
	enum mcr_mship_type type;
	uint8_t version;          /* of IGMP: 1-3 */
	uint8_t wire_type;        /* type octet as received */
	struct mcr_addr src, dst; /* of the IP header */
	bool has_router_alert;
	/* query */
	struct mcr_addr group; /* zero group: mcr_addr_any = General Query */
	uint32_t max_resp_ms;  /* decoded; v1: 10,000 */
	uint32_t qqi_s;        /* 0 when the version has none, or sent as 0 */
	uint8_t qrv;
	bool s_flag;
	/* report and leave: n_records; query: n_sources, at `sources` */
	uint16_t n_records, n_sources;
	const uint8_t *sources;       /* wire format, addr_len each */
	uint8_t addr_len;             /* 4 or 16 */
	const uint8_t *records, *end; /* v3 records on the wire */
	struct mcr_addr record_group; /* v1, v2: the one record */
};

struct mcr_record {
	uint8_t type; /* enum mcr_record_type, or unknown (to be skipped) */
	struct mcr_addr group;
	uint16_t n_sources;
	const uint8_t *sources; /* wire format: mcr_mship_source */
	uint8_t addr_len;
};

/*
 * `ip` is an IPv4 packet from its header on, `len` its bytes in the frame (padding allowed).
 * Checks P2-P9, P13, P14, P29, P32. 0 = good; else -(1 + enum mcr_drop), nothing is to be changed.
 * Address checks that need the interface (own, off-subnet) are member's.
 */
int mcr_igmp_parse(const uint8_t *ip, uint32_t len, struct mcr_mship *m);
#define MCR_MSHIP_DROP(ret) ((enum mcr_drop)(-(ret)-1))

/* Walk: start with *cursor = 0. False at the end. Unknown types come out, aux data is skipped. */
bool mcr_mship_next_record(const struct mcr_mship *m, uint32_t *cursor, struct mcr_record *r);
/* Source i of a record or query, as an address. */
struct mcr_addr mcr_mship_source(const uint8_t *sources, uint8_t addr_len, uint32_t i);

/* Number codes of RFC 9776 section 4.1.1 and 4.1.7 (N1, N2): next lower representable value. */
uint8_t mcr_igmp_code_encode(uint32_t value);
uint32_t mcr_igmp_code_decode(uint8_t code);

/*
 * Writers: a whole IPv4 packet (Router Alert, TTL 1, TOS 0xc0) into buf. Length, -ENOSPC, or
 * -EINVAL for what the version does not know: a group in v1, sources below v3 or without a group.
 */
struct mcr_query_spec {
	struct mcr_addr src;   /* own address, 0.0.0.0 when there is none */
	struct mcr_addr group; /* any = General Query */
	uint8_t version;
	uint32_t max_resp_ms;
	uint32_t qqi_s;
	uint8_t qrv; /* 0 is sent when above 7 */
	bool s_flag;
	const struct mcr_addr *sources;
	uint32_t n_sources;
};
int mcr_igmp_write_query(uint8_t *buf, uint32_t size, const struct mcr_query_spec *q);

/*
 * IGMPv3 report, built record by record and split to the MTU by the caller: begin, add until
 * add says -ENOSPC (the record does not fit; finish, send, begin again), finish.
 */
struct mcr_report {
	uint8_t *buf;
	uint32_t size, len;
	uint16_t n_records;
};
void mcr_igmp_report_begin(
	struct mcr_report *r, uint8_t *buf, uint32_t size, const struct mcr_addr *src);
int mcr_igmp_report_add(struct mcr_report *r, uint8_t type, const struct mcr_addr *group,
	const struct mcr_addr *sources, uint32_t n_sources);
uint32_t mcr_igmp_report_finish(struct mcr_report *r); /* IP packet length */
/* Sources that fit into one record of an otherwise empty report of `size` bytes. */
uint32_t mcr_igmp_report_room(uint32_t size);
uint32_t mcr_igmp_query_room(uint32_t size); /* sources of one query: 366 for 1,500 */

#endif
