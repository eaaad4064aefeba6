/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_MEMBER_INTERNAL_H
#define MCR_MEMBER_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/queue.h>

#include "base/addr.h"
#include "base/stat.h"
#include "event/timer.h"
#include "member/member.h"

/*
 * What the files of lib/member share. The objects:
 *
 *   segment --< group (segment, address) --< mgroup (instance, group) --< msource, subscriber
 *
 * An mgroup is the router state of RFC 9776 section 6 for one instance; it has one timer, set to
 * its earliest deadline or earlier. Refreshing a deadline does not touch the timer: when the timer
 * fires too early it is set again (group.c). The `reported` part of a group belongs to the host
 * side (proxy.c): what the peers of the segment have been told.
 */

/* --- hash tables (table.c) --- */
struct hnode {
	struct hnode *next;
	uint64_t hash;
};

struct htable {
	struct hnode **slot;
	uint64_t mask;
	uint32_t count;
};

int mcr_member_table_init(struct htable *t);
void mcr_member_table_fini(struct htable *t);
void mcr_member_table_add(struct htable *t, struct hnode *n, uint64_t hash);
void mcr_member_table_del(struct htable *t, struct hnode *n);
/* First node with that hash; next one: mcr_member_table_next. The caller compares keys. */
struct hnode *mcr_member_table_find(const struct htable *t, uint64_t hash);
struct hnode *mcr_member_table_next(const struct hnode *n);

#define container_of_node(ptr, type, field) ((type *)(void *)((char *)(ptr)-offsetof(type, field)))

/* --- sets of addresses: sorted, without repetition --- */
struct addr_set {
	struct mcr_addr *addr;
	uint32_t n;
};

uint32_t mcr_member_set_find(const struct mcr_addr *addr, uint32_t n, const struct mcr_addr *key,
	bool *is_found); /* index of key, or where it belongs */
bool mcr_member_set_has(const struct mcr_addr *addr, uint32_t n, const struct mcr_addr *key);
void mcr_member_set_sort(struct addr_set *set);

/* --- router state --- */
enum place {
	PLACE_NONE, /* not in the learned state */
	PLACE_X,    /* requested: A of INCLUDE(A), X of EXCLUDE(X,Y); its timer runs */
	PLACE_Y,    /* excluded: Y of EXCLUDE(X,Y) */
};

struct msource {
	struct mcr_addr addr;
	uint64_t expires_ns; /* PLACE_X */
	uint8_t place;
	uint8_t query_left; /* rounds in which a specific query still has to name it */
	bool is_static;
	bool is_asked; /* marked by a table cell: Send Q(G,...) names it */
	uint8_t was;   /* place before the record at hand */
};

/* One tracked host of a group on an instance. */
struct subscriber {
	struct mcr_addr host;
	uint64_t since_ns, last_ns;
	uint64_t expires_ns;     /* EXCLUDE: end of the membership; INCLUDE: of the last source */
	struct mcr_addr *source; /* requested (INCLUDE) or excluded (EXCLUDE); sorted */
	uint64_t *source_expires_ns; /* same order; the allocation that holds both arrays */
	uint32_t n_sources;
	uint8_t version;
	bool is_exclude;
};

struct group;

struct mcr_mgroup {
	struct hnode node; /* member->mgroups, by instance and address */
	TAILQ_ENTRY(mcr_mgroup) of_group;
	TAILQ_ENTRY(mcr_mgroup) of_mif;
	struct group *group;
	struct mcr_mif *mif;

	bool is_exclude; /* learned filter mode */
	bool is_static_any;
	bool is_limit_told;
	uint8_t query_left;                /* rounds in which a Q(G) is still to be sent */
	uint64_t expires_ns;               /* group timer, in EXCLUDE */
	uint64_t next_round_ns;            /* of specific queries; 0 = none waits */
	uint64_t last_round_ns;            /* 0 = none yet */
	uint64_t v1_until_ns, v2_until_ns; /* an older host was heard: RFC 9776 section 8.13 */
	uint64_t since_ns;
	struct mcr_timer timer;

	struct msource *source; /* sorted by address */
	uint32_t n_sources, max_sources;
	uint32_t n_learned; /* sources with a place */

	struct subscriber **subscriber; /* sorted by host */
	uint32_t n_subscribers, max_subscribers;
	uint64_t subscriber_due_ns; /* none ends earlier */

	struct mcr_addr *statics; /* sorted static sources */
	uint32_t n_statics;
};

struct reported;

struct group {
	struct hnode node; /* member->groups, by segment and address */
	struct mcr_addr addr;
	uint16_t segment;
	bool is_limit_told;
	TAILQ_HEAD(, mcr_mgroup) mgroups;
	uint32_t n_mgroups; /* 0: kept only until its last report has been repeated */
	uint32_t n_subscribers;
	uint64_t since_ns;
	struct reported *reported; /* NULL: nothing to tell and nothing told */
};

/* --- host side --- */
struct reported_source {
	struct mcr_addr addr;
	uint8_t left; /* times that this change is still to be told */
};

/* What the peers of a segment were told about one group, and what is still to be repeated. */
struct reported {
	TAILQ_ENTRY(reported) of_segment;
	TAILQ_ENTRY(reported) of_dirty;
	TAILQ_ENTRY(reported) of_repeat;
	struct group *group;
	struct addr_set sources;
	struct reported_source *change;
	uint32_t n_changes;
	bool is_exclude;
	bool is_dirty;     /* in the segment's dirty list: local state has changed */
	bool is_repeating; /* in the repeat list */
	uint8_t mode_left; /* times that TO_IN or TO_EX is still to be told */
	TAILQ_HEAD(, answer) answers;
};

/* A waiting answer to one peer's specific query (RFC 9776 section 5.2, rules 3 to 5). */
struct answer {
	TAILQ_ENTRY(answer) of_reported;
	TAILQ_ENTRY(answer) of_mif;
	struct reported *reported;
	struct mcr_mif *mif;
	struct mcr_timer timer;
	struct addr_set sources; /* asked for; none: the whole group */
};

TAILQ_HEAD(reported_list, reported);

struct segment {
	struct mcr_member *member;
	uint16_t index;
	TAILQ_HEAD(, mcr_mif) reporters; /* instances that tell a peer our local state */
	struct reported_list reported, dirty, repeat;
	struct mcr_timer change_timer; /* due at once when something is dirty */
	struct mcr_timer repeat_timer; /* next round of repetitions */
	uint8_t robustness;            /* largest of the reporters */
	bool is_incomplete; /* a change was lost for lack of memory: look at all groups again */
};

/* --- instances and the module --- */
struct mcr_mif {
	struct mcr_member *member;
	struct mcr_mif_param param;
	uint64_t id; /* never used again */
	struct segment *segment;
	TAILQ_HEAD(, mcr_mgroup) mgroups;
	uint32_t n_mgroups;
	bool is_up;

	/* querier.c */
	bool is_asking;
	uint8_t startup_left;
	struct mcr_timer query_timer;

	/* election.c */
	struct mcr_timer other_timer; /* pending: another querier is present */
	struct mcr_addr other;        /* that querier */
	uint64_t other_until_ns;      /* as long it is the lowest one; 0 = none */
	uint8_t robustness;           /* in force: our own, or what the other querier announces */
	uint32_t qi_s;
	bool is_twin_told; /* warned: somebody else uses our address */

	/* proxy.c */
	bool is_reporting;
	TAILQ_ENTRY(mcr_mif) of_segment;
	uint8_t whole_left;            /* start: the whole state goes out that many times more */
	struct mcr_timer whole_timer;  /* the whole state, every QI */
	struct mcr_timer answer_timer; /* the whole state, for a General Query */
	TAILQ_HEAD(, answer) answers;
	uint32_t n_answers;

	struct mcr_mif_stat stat;
};

struct mcr_member {
	struct mcr_timers *timers;
	struct mcr_member_ops ops;
	void *arg;
	struct mcr_member_limits limits;
	uint64_t key[4]; /* secret of the hash functions */
	uint64_t random_state;
	uint64_t next_id;

	struct htable groups, mgroups;
	struct mcr_mif **mif; /* sorted by name */
	uint32_t n_mifs, max_mifs;
	struct segment **segment; /* by index */
	uint32_t n_segments;

	uint32_t n_groups; /* with an mgroup */
	uint32_t n_local, n_remote, n_static;
	uint64_t n_memberships; /* (instance, group, host, source or any); what the limit bounds */
	bool is_groups_limit_told, is_memberships_limit_told;

	/* Sorted list of groups for listings; rebuilt when `generation` has moved on. */
	struct listing {
		struct group **group;
		uint32_t n;
		uint64_t generation;
	} * listing;
	uint64_t generation;

	struct mcr_addr *record_source; /* sources of the record at hand */
	struct msource *merge;          /* scratch of state.c */
	uint32_t max_merge;
	struct mcr_addr *list; /* scratch for source lists */
	uint64_t *list_expires_ns;
	uint32_t max_list;
	uint8_t packet[9728];
};

#define MCR_MEMBER_MAX_RECORD 16384 /* 65,535 octets hold no more sources */

static inline uint64_t
mcr_member_now(const struct mcr_member *m)
{
	return mcr_timers_now(m->timers);
}

/* RV times QI, the part that the intervals of RFC 9776 section 8 share. */
static inline uint64_t
mcr_mif_rounds_s(const struct mcr_mif *mif)
{
	return (uint64_t)mif->robustness * mif->qi_s;
}

static inline uint64_t
mcr_mif_gmi_ns(const struct mcr_mif *mif)
{
	return (mcr_mif_rounds_s(mif) + 2 * (uint64_t)mif->param.qri_s) * MCR_NS_PER_S;
}

static inline uint64_t
mcr_mif_lmqi_ns(const struct mcr_mif *mif)
{
	return mif->param.lmqi_ms * MCR_NS_PER_MS;
}

static inline uint64_t
mcr_mif_lmqt_ns(const struct mcr_mif *mif)
{
	return mif->robustness * mcr_mif_lmqi_ns(mif);
}

static inline uint64_t
mcr_mif_older_host_ns(const struct mcr_mif *mif)
{
	return (mcr_mif_rounds_s(mif) + mif->param.qri_s) * MCR_NS_PER_S;
}

static inline uint64_t
mcr_mif_other_querier_ns(const struct mcr_mif *mif)
{
	return mcr_mif_rounds_s(mif) * MCR_NS_PER_S + mif->param.qri_s * MCR_NS_PER_S / 2;
}

static inline uint32_t
mcr_mif_mtu(const struct mcr_mif *mif)
{
	uint32_t mtu = mif->param.mtu != 0 ? mif->param.mtu : 1500;

	return mtu < sizeof(mif->member->packet) ? mtu : sizeof(mif->member->packet);
}

static inline bool
mcr_member_is_joinable(const struct mcr_addr *group)
{
	return mcr_addr_is_multicast(group) && !mcr_addr_is_link_local_group(group);
}

static inline bool
mcr_mif_is_allowed(const struct mcr_mif *mif, const struct mcr_addr *group)
{
	const struct mcr_member *m = mif->member;

	return m->ops.is_allowed == NULL || m->ops.is_allowed(m->arg, mif->param.segment, group);
}

/* member.c */
uint64_t mcr_member_hash(const struct mcr_member *m, const struct mcr_addr *addr, uint64_t tag);
/* Uniform in (0, max_ns]. */
uint64_t mcr_member_random(struct mcr_member *m, uint64_t max_ns);
void mcr_member_event(struct mcr_mif *mif, enum mcr_mif_event what, const struct mcr_addr *group,
	const struct mcr_addr *source, const struct mcr_addr *host);
void mcr_mif_send(struct mcr_mif *mif, const uint8_t *ip, uint32_t len, const struct mcr_addr *dst);
struct segment *mcr_member_segment(struct mcr_member *m, uint16_t index);
int mcr_member_list_reserve(struct mcr_member *m, uint32_t n);

/* group.c */
struct group *
mcr_member_group_find(const struct mcr_member *m, uint16_t segment, const struct mcr_addr *addr);
void mcr_member_group_release(struct mcr_member *m, struct group *group);
struct mcr_mgroup *mcr_mgroup_find(const struct mcr_mif *mif, const struct mcr_addr *addr);
/* NULL: no memory. The caller has looked at the limits. Tells nobody. */
struct mcr_mgroup *mcr_mgroup_create(struct mcr_mif *mif, const struct mcr_addr *addr);
bool mcr_mgroup_is_empty(const struct mcr_mgroup *g);
void mcr_mgroup_free(struct mcr_mgroup *g);
/* Set the timer to `due_ns` unless it is set to an earlier time. */
int mcr_mgroup_arm(struct mcr_mgroup *g, uint64_t due_ns);
/* Tell forwarding and the host side, and free g when nothing is left in it. */
void mcr_mgroup_settle(struct mcr_mgroup *g, bool is_changed);
/* Forget what was learned; statics stay. g may be freed. */
void mcr_mgroup_forget(struct mcr_mgroup *g);
/* The same with its statics; g is freed. */
void mcr_mgroup_end(struct mcr_mgroup *g);
/* What forwarding does with a source of that kind in g. */
bool
mcr_mgroup_wants(const struct mcr_mgroup *g, bool is_exclude, enum place place, bool is_static);
struct msource *mcr_mgroup_find_source(const struct mcr_mgroup *g, const struct mcr_addr *addr);
int mcr_mgroup_reserve(struct mcr_mgroup *g, uint32_t n);
/* Sources without place and not static leave the array. */
void mcr_mgroup_compact(struct mcr_mgroup *g);

/* list.c */
/* Group compatibility mode, RFC 9776 section 7.3.2: the oldest version heard of late. */
uint8_t mcr_mgroup_version(const struct mcr_mgroup *g);

/* state.c */
/* Apply one record. *is_changed: forwarding needs something else now. 0, or -errno: no change. */
int mcr_state_apply(struct mcr_mgroup *g, uint8_t type, const struct addr_set *b,
	const struct mcr_addr *host, bool *is_changed, bool *is_refused);
/* Expiry at `now`: source timers, then the group timer. True: forwarding needs something else. */
bool mcr_state_expire(struct mcr_mgroup *g, uint64_t now);

/* subscriber.c */
/*
 * Keep track of the host of a record. What a limit refuses is taken out of `b`, so that router
 * state never holds more than is tracked. 0, -ENOSPC (a limit), -ENOMEM: the record is to be
 * ignored.
 */
int mcr_subscriber_track(struct mcr_mgroup *g, const struct mcr_addr *host, uint8_t version,
	uint8_t type, struct addr_set *b, bool *is_refused);
void mcr_subscriber_expire(struct mcr_mgroup *g, uint64_t now);
/* The router state dropped a source, or all that EXCLUDE hosts had: so do the hosts. */
void mcr_subscriber_drop_source(struct mcr_mgroup *g, const struct mcr_addr *source);
void mcr_subscriber_drop_exclude(struct mcr_mgroup *g);
void mcr_subscriber_drop_all(struct mcr_mgroup *g);
/* Is somebody else than `host` tracked? */
bool mcr_subscriber_has_other(const struct mcr_mgroup *g, const struct mcr_addr *host);

/* querier.c */
void mcr_querier_init(struct mcr_mif *mif);
/* Start, stop or go on asking, after any change of mode, address or link. */
void mcr_querier_check(struct mcr_mif *mif);
void mcr_querier_start(struct mcr_mif *mif);
void mcr_querier_stop(struct mcr_mif *mif);
void mcr_querier_retime(struct mcr_mif *mif);
/* Send Q(G) and/or Q(G, marked sources), RFC 9776 section 6.6.3. */
void mcr_querier_ask(struct mcr_mgroup *g, bool asks_group);
/* The round that is due. */
void mcr_querier_round(struct mcr_mgroup *g, uint64_t now);
void mcr_querier_ask_once(struct mcr_mif *mif, const struct mcr_addr *group);
/* Mode, link and address are there for asking; whether it does is for the election. */
bool mcr_querier_may_ask(const struct mcr_mif *mif);

/* election.c */
void mcr_election_init(struct mcr_mif *mif);
/* Back to the start, where nobody else has been heard. */
void mcr_election_reset(struct mcr_mif *mif);
/* The parameters have changed; was_candidate: what mcr_querier_may_ask said before. */
void mcr_election_check(struct mcr_mif *mif, bool was_candidate);
bool mcr_election_is_lost(const struct mcr_mif *mif);
void mcr_election_hear(struct mcr_mif *mif, const struct mcr_mship *msg);
/* A query whose source is our own address. */
void mcr_election_hear_own(struct mcr_mif *mif);

/* merge.c */
/* Take over the merged local state. 1: there is something to tell; 0: not; -ENOMEM: try again. */
int mcr_proxy_update(struct segment *s, struct reported *r);

/* proxy.c */
void mcr_proxy_segment_init(struct segment *s);
void mcr_proxy_segment_fini(struct segment *s);
void mcr_proxy_mif_init(struct mcr_mif *mif);
/* Begin, end or go on reporting, after any change of the instance. */
void mcr_proxy_check(struct mcr_mif *mif, bool is_restart);
/* Local state of the group has changed. */
void mcr_proxy_mark(struct group *group);
void mcr_proxy_hear(struct mcr_mif *mif, const struct mcr_mship *msg);

#endif
