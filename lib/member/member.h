/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_MEMBER_MEMBER_H
#define MCR_MEMBER_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "event/timer.h"
#include "pkt/igmp.h"

/*
 * Membership: who wants which group from which sources. Multicast router state of RFC 9776
 * section 6 (state.c, one function per table cell), queries (querier.c), and the host side that
 * reports the merged local state to peers (proxy.c). Main lcore only; everything runs on the
 * injected timers; packets and changes leave through the callbacks.
 *
 * One instance (struct mcr_mif) per (port, VLAN) and per (peer, segment). Nothing is shared between
 * instances: state, timers, queries. Forwarding of a segment is the union of its instances; a
 * change of any of them is told once per change through `changed`, and the receiver coalesces.
 */
struct mcr_member; /* the module */
struct mcr_mif;    /* one instance */

enum mcr_mode {
	MCR_MODE_OFF,
	MCR_MODE_SNOOP, /* learns, never asks */
	MCR_MODE_QUERIER,
};

struct mcr_mif_param {
	char name[64]; /* "lan", "lan.101", "site-b" */
	uint16_t segment;
	bool is_peer; /* a tunnel: no election, off-subnet reports are fine, never dropped by P35 */
	bool reports_to_peer; /* is_peer: tell it our local state (membership igmp) */
	enum mcr_mode mode;
	uint8_t version; /* 1-3 */
	uint32_t qi_s, qri_s, lmqi_ms;
	uint8_t robustness;
	bool fast_leave;
	struct mcr_addr address;      /* own, for queries and reports; mcr_addr_any = none */
	struct mcr_prefix network[8]; /* on-subnet check; n_networks 0 = no check */
	uint32_t n_networks;
	uint16_t mtu;  /* largest IP packet of a message */
	uint32_t user; /* the caller's id: port << 16 | vid, or peer index */
};

enum mcr_mif_event {
	MCR_EV_JOIN, /* first membership of host in group (and source, or any) */
	MCR_EV_LEAVE,
	MCR_EV_GROUP_NEW, /* first member of the segment */
	MCR_EV_GROUP_GONE,
	MCR_EV_QUERIER, /* host = the querier's address */
	MCR_EV_LIMIT,   /* a limit refused something; once until it falls below again */
};

struct mcr_member_ops {
	/* Send an IP packet (IGMP) out of the instance; dst = its IP destination. Bytes are copied.
	 */
	void (*send)(void *arg, struct mcr_mif *mif, const uint8_t *ip, uint32_t len,
		const struct mcr_addr *dst);
	/* What forwarding of (segment, group) needs may have changed. */
	void (*changed)(void *arg, uint16_t segment, const struct mcr_addr *group);
	/* For `mcrctl events`; source = mcr_addr_any when any. */
	void (*event)(void *arg, enum mcr_mif_event what, struct mcr_mif *mif,
		const struct mcr_addr *group, const struct mcr_addr *source,
		const struct mcr_addr *host);
	/* Is the group allowed in the segment (allow, deny lines)? */
	bool (*is_allowed)(void *arg, uint16_t segment, const struct mcr_addr *group);
};

struct mcr_member_limits {
	uint32_t groups, subscribers, sources, memberships; /* set limit ... */
};

struct mcr_member *
mcr_member_create(struct mcr_timers *timers, const struct mcr_member_ops *ops, void *arg);
void mcr_member_free(struct mcr_member *m);
void mcr_member_set_limits(struct mcr_member *m, const struct mcr_member_limits *limits);

/*
 * Add: a querier starts its startup queries. Update keeps the learned state where it stays valid;
 * segment and is_peer of an instance never change. A querier without an address asks nothing,
 * except a peer's, which then asks from 0.0.0.0. The first packets leave with the next run of the
 * timers.
 */
struct mcr_mif *mcr_mif_add(struct mcr_member *m, const struct mcr_mif_param *p);
void mcr_mif_update(struct mcr_mif *mif, const struct mcr_mif_param *p);
void mcr_mif_del(struct mcr_mif *mif); /* its memberships are gone at once */
/*
 * Up, also when it is up already (a link or peer that came back): startup queries again. Down: what
 * was learned is dropped, statics stay.
 */
void mcr_mif_set_up(struct mcr_mif *mif, bool up);
bool mcr_mif_is_up(const struct mcr_mif *mif);
const struct mcr_mif_param *mcr_mif_param(const struct mcr_mif *mif);

/* Received IGMP, from the IP header on. -1 = accepted, else the enum mcr_drop to count. */
int mcr_mif_input(struct mcr_mif *mif, const uint8_t *ip, uint32_t len);

/* Static members survive everything but their own removal. source: mcr_addr_any = any source. */
int mcr_mif_static_add(
	struct mcr_mif *mif, const struct mcr_addr *group, const struct mcr_addr *source);
void mcr_mif_static_del(
	struct mcr_mif *mif, const struct mcr_addr *group, const struct mcr_addr *source);
/* Forget learned members (clear group), then query. group: mcr_addr_any = all. */
void mcr_member_clear(struct mcr_member *m, uint16_t segment, const struct mcr_addr *group);
/* The allow and deny lines have changed: forget learned members of what is_allowed refuses now. */
void mcr_member_recheck(struct mcr_member *m, uint16_t segment);

/* --- what forwarding and listings read ------------------------------------------------------- */

/* One group of one instance: INCLUDE(A) or EXCLUDE(X,Y) with statics merged in. */
struct mcr_mgroup;

/* All instances of the segment with state for the group; start with NULL. */
struct mcr_mgroup *mcr_member_next(const struct mcr_member *m, uint16_t segment,
	const struct mcr_addr *group, struct mcr_mgroup *prev);
struct mcr_mif *mcr_mgroup_mif(const struct mcr_mgroup *g);
struct mcr_addr mcr_mgroup_group(const struct mcr_mgroup *g);
bool mcr_mgroup_is_exclude(const struct mcr_mgroup *g);
bool mcr_mgroup_accepts(const struct mcr_mgroup *g, const struct mcr_addr *source); /* S15 */
/* Every source the state mentions: the (S,G) entries that forwarding needs. */
uint32_t mcr_mgroup_n_sources(const struct mcr_mgroup *g);
struct mcr_addr mcr_mgroup_source(const struct mcr_mgroup *g, uint32_t i);

struct mcr_msource_info {
	struct mcr_addr addr;
	bool is_excluded;   /* in Y: timer 0 */
	uint32_t expires_s; /* UINT32_MAX: static */
};
void mcr_mgroup_source_info(const struct mcr_mgroup *g, uint32_t i, struct mcr_msource_info *info);

/* Hosts that reported (explicit tracking), and statics as one subscriber with is_static. */
struct mcr_subscriber {
	struct mcr_addr host;
	struct mcr_mif *mif;
	bool is_static, is_exclude;
	uint8_t version;
	uint32_t n_sources;
	const struct mcr_addr *sources;
	uint64_t since_ns, last_ns; /* on the protocol clock */
	uint32_t expires_s;         /* UINT32_MAX: static */
};
/* Iterate; *cursor starts at 0. False at the end. */
bool
mcr_mgroup_next_subscriber(const struct mcr_mgroup *g, uint32_t *cursor, struct mcr_subscriber *s);

struct mcr_group_info {
	uint16_t segment;
	struct mcr_addr group;
	uint8_t version;  /* oldest version heard, 3 for statics */
	bool is_exclude;  /* any instance */
	uint32_t timer_s; /* largest; UINT32_MAX: static */
	uint64_t since_ns;
	uint32_t n_local, n_remote, n_static; /* subscribers */
};
/*
 * All groups of all segments, sorted by segment index, then address. cursor starts at 0 and is good
 * as long as no group comes or goes.
 */
bool
mcr_member_next_group(const struct mcr_member *m, uint64_t *cursor, struct mcr_group_info *info);
uint32_t mcr_member_group_count(const struct mcr_member *m);
void mcr_member_counts(
	const struct mcr_member *m, uint32_t *local, uint32_t *remote, uint32_t *n_static);

/* Instances in the order of their names; start with NULL. */
struct mcr_mif *mcr_member_next_mif(const struct mcr_member *m, struct mcr_mif *prev);

struct mcr_mif_state {
	bool is_querier;         /* false: lost the election, or not in that mode */
	struct mcr_addr querier; /* any = none known */
	uint32_t gmi_s, lmqt_ms, other_querier_s, startup_qi_ms;
	uint32_t next_query_ms;        /* UINT32_MAX = none */
	uint32_t other_querier_left_s; /* until we take over; 0: no other querier is heard */
	uint32_t n_groups;
};
void mcr_mif_state(const struct mcr_mif *mif, struct mcr_mif_state *s);

/* Messages by type, version and direction; errors are in base/stat. */
struct mcr_mif_stat {
	uint64_t query[2][4], group_query[2][4], report[2][4],
		leave[2][4]; /* [0 in, 1 out][version] */
};
const struct mcr_mif_stat *mcr_mif_stat(const struct mcr_mif *mif);
void mcr_mif_stat_clear(struct mcr_mif *mif);

#endif
