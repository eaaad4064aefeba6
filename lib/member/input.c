/* SPDX-License-Identifier: BSD-3-Clause */
/* What an instance hears: who is listened to, and what of it becomes state. */
#include "member/internal.h"

#define NO_DROP (-1)

static bool
is_on_subnet(const struct mcr_mif *mif, const struct mcr_addr *host)
{
	const struct mcr_mif_param *p = &mif->param;
	struct mcr_addr unknown = mcr_addr_v4(0);

	/* A snooper takes what it hears, and hosts behind a peer are where they are. */
	if (p->is_peer || p->mode != MCR_MODE_QUERIER || p->n_networks == 0)
		return true;
	for (uint32_t i = 0; i < p->n_networks; i++) {
		if (mcr_prefix_covers(&p->network[i], host))
			return true;
	}
	return mcr_addr_eq(host, &unknown);
}

/* Sent to the group, or to an address that is ours: RFC 9776 section 4.2.15. */
static bool
is_for_us(const struct mcr_mif *mif, const struct mcr_mship *msg)
{
	static const uint32_t ours[] = {0xe0000001, 0xe0000002, 0xe0000016};

	for (unsigned i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		struct mcr_addr addr = mcr_addr_v4(htonl(ours[i]));

		if (mcr_addr_eq(&msg->dst, &addr))
			return true;
	}
	if (mcr_addr_eq(&msg->dst, &mif->param.address))
		return true;
	if (msg->version == 3)
		return mcr_addr_is_multicast(&msg->dst);
	return mcr_addr_eq(&msg->dst, &msg->record_group);
}

/* Good sources of the record, sorted. */
static struct addr_set
record_sources(const struct mcr_mif *mif, const struct mcr_record *r)
{
	struct addr_set set = {.addr = mif->member->record_source};

	for (uint32_t i = 0; i < r->n_sources && i < MCR_MEMBER_MAX_RECORD; i++) {
		struct mcr_addr addr = mcr_mship_source(r->sources, r->addr_len, i);

		if (mcr_addr_is_source(&addr) && !mcr_addr_eq(&addr, &mif->param.address))
			set.addr[set.n++] = addr;
	}
	mcr_member_set_sort(&set);
	return set;
}

/*
 * Below version 3 a querier cannot ask about sources, and beside older hosts nobody may speak for
 * the group: RFC 9776 section 7.3.2. False: the record says nothing then.
 */
static bool
fit_version(const struct mcr_mif *mif, const struct mcr_mgroup *g, uint8_t type, struct addr_set *b)
{
	uint8_t version = mif->param.version;

	if (g != NULL && mcr_mgroup_version(g) < version)
		version = mcr_mgroup_version(g);
	if (version < 3 && type == MCR_BLOCK)
		return false;
	if (version < 2 && type == MCR_TO_IN)
		return false;
	if (version < 3 && type == MCR_TO_EX)
		b->n = 0;
	return true;
}

static struct mcr_mgroup *
mgroup_new(struct mcr_mif *mif, const struct mcr_addr *addr)
{
	struct mcr_member *m = mif->member;
	const struct group *group = mcr_member_group_find(m, mif->param.segment, addr);

	if ((group == NULL || group->n_mgroups == 0) && m->n_groups >= m->limits.groups) {
		if (!m->is_groups_limit_told)
			mcr_member_event(mif, MCR_EV_LIMIT, addr, &mcr_addr_any, &mcr_addr_any);
		m->is_groups_limit_told = true;
		return NULL;
	}
	return mcr_mgroup_create(mif, addr);
}

static void
note_version(struct mcr_mgroup *g, uint8_t version)
{
	uint64_t until = mcr_member_now(g->mif->member) + mcr_mif_older_host_ns(g->mif);

	if (version == 1)
		g->v1_until_ns = until;
	if (version == 2)
		g->v2_until_ns = until;
}

/* NO_DROP, or why the record was not taken, or not wholly. */
static int
take_record(struct mcr_mif *mif, const struct mcr_mship *msg, const struct mcr_record *r)
{
	bool joins, is_new = false, is_changed = false, is_refused = false;
	struct mcr_mgroup *g;
	struct addr_set b;

	if (!mcr_addr_is_multicast(&r->group))
		return MCR_DROP_MEMBER_GROUP;
	if (!mcr_member_is_joinable(&r->group) || r->type < MCR_IS_IN || r->type > MCR_BLOCK)
		return NO_DROP;
	b = record_sources(mif, r);
	g = mcr_mgroup_find(mif, &r->group);
	if (!fit_version(mif, g, r->type, &b))
		return NO_DROP;
	joins = r->type == MCR_IS_EX || r->type == MCR_TO_EX || (r->type != MCR_BLOCK && b.n > 0);
	if (joins && !mcr_mif_is_allowed(mif, &r->group))
		return MCR_DROP_POLICY_NOT_ALLOWED;
	if (g == NULL) {
		if (!joins)
			return NO_DROP;
		g = mgroup_new(mif, &r->group);
		if (g == NULL)
			return MCR_DROP_MEMBER_LIMIT;
		is_new = g->group->n_mgroups == 1;
	}
	if (is_new)
		mcr_member_event(mif, MCR_EV_GROUP_NEW, &r->group, &mcr_addr_any, &mcr_addr_any);
	if (mcr_subscriber_track(g, &msg->src, msg->version, r->type, &b, &is_refused) < 0 ||
		mcr_state_apply(g, r->type, &b, &msg->src, &is_changed, &is_refused) < 0)
		is_refused = true;
	else if (joins)
		note_version(g, msg->version);
	mcr_mgroup_settle(g, is_changed);
	return is_refused ? MCR_DROP_MEMBER_LIMIT : NO_DROP;
}

static int
take_report(struct mcr_mif *mif, const struct mcr_mship *msg)
{
	struct mcr_record r;
	uint32_t cursor = 0;
	int why = NO_DROP;

	while (mcr_mship_next_record(msg, &cursor, &r)) {
		int ret = take_record(mif, msg, &r);

		if (ret != NO_DROP)
			why = ret;
	}
	return why;
}

static void
count(struct mcr_mif *mif, const struct mcr_mship *msg)
{
	struct mcr_mif_stat *stat = &mif->stat;

	if (msg->type == MCR_MSHIP_LEAVE)
		stat->leave[0][msg->version]++;
	else if (msg->type == MCR_MSHIP_REPORT)
		stat->report[0][msg->version]++;
	else if (mcr_addr_is_any(&msg->group))
		stat->query[0][msg->version]++;
	else
		stat->group_query[0][msg->version]++;
}

int
mcr_mif_input(struct mcr_mif *mif, const uint8_t *ip, uint32_t len)
{
	struct mcr_addr unknown = mcr_addr_v4(0);
	struct mcr_mship msg;
	int ret;

	if (!mif->is_up)
		return NO_DROP;
	ret = mcr_igmp_parse(ip, len, &msg);
	if (ret < 0)
		return (int)MCR_MSHIP_DROP(ret);
	if (mcr_addr_eq(&msg.src, &mif->param.address) && !mcr_addr_eq(&msg.src, &unknown)) {
		if (msg.type == MCR_MSHIP_QUERY)
			mcr_election_hear_own(mif);
		return MCR_DROP_MEMBER_OWN;
	}
	if (mif->param.mode != MCR_MODE_OFF && msg.type != MCR_MSHIP_QUERY) {
		if (!is_for_us(mif, &msg))
			return MCR_DROP_MEMBER_GROUP;
		if (!is_on_subnet(mif, &msg.src))
			return MCR_DROP_MEMBER_OFF_SUBNET;
	}
	count(mif, &msg);
	if (mif->param.mode == MCR_MODE_OFF)
		return NO_DROP;
	if (msg.type != MCR_MSHIP_QUERY)
		return take_report(mif, &msg);
	mcr_election_hear(mif, &msg);
	mcr_proxy_hear(mif, &msg);
	return NO_DROP;
}
