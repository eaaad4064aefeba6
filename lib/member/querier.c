/* SPDX-License-Identifier: BSD-3-Clause */
/* The querier of an instance, while it has the role: General Queries, specific queries and their
 * retransmission. */
#include "member/internal.h"

#include "base/log.h"

/* An address that may stand in our queries: a peer is also asked from 0.0.0.0. */
static struct mcr_addr
own_address(const struct mcr_mif *mif)
{
	if (mcr_addr_is_any(&mif->param.address))
		return mcr_addr_v4(0);
	return mif->param.address;
}

bool
mcr_querier_may_ask(const struct mcr_mif *mif)
{
	struct mcr_addr unknown = mcr_addr_v4(0), own = own_address(mif);

	if (mif->param.mode != MCR_MODE_QUERIER || !mif->is_up)
		return false;
	return mif->param.is_peer || !mcr_addr_eq(&own, &unknown);
}

static void
send_query(struct mcr_mif *mif, const struct mcr_addr *group, uint64_t mrt_ms, bool s_flag,
	const struct mcr_addr *sources, uint32_t n_sources)
{
	const struct mcr_mif_param *p = &mif->param;
	bool is_general = mcr_addr_is_any(group);
	struct mcr_query_spec q = {
		.src = own_address(mif),
		.group = *group,
		.version = p->version,
		.max_resp_ms = (uint32_t)mrt_ms,
		.qqi_s = p->qi_s,
		.qrv = p->robustness,
		.s_flag = s_flag,
		.sources = sources,
		.n_sources = n_sources,
	};
	struct mcr_addr all_hosts = mcr_addr_v4(htonl(INADDR_ALLHOSTS_GROUP));
	uint8_t *buf = mif->member->packet;
	int len = mcr_igmp_write_query(buf, mcr_mif_mtu(mif), &q);

	/* Too long cannot be: callers split by mcr_igmp_query_room. */
	if (len < 0)
		return;
	if (is_general)
		mif->stat.query[1][p->version]++;
	else
		mif->stat.group_query[1][p->version]++;
	mcr_mif_send(mif, buf, (uint32_t)len, is_general ? &all_hosts : group);
}

/* --- General Queries --- */

static uint64_t
query_interval(const struct mcr_mif *mif)
{
	uint64_t qi = mif->param.qi_s * MCR_NS_PER_S;

	return mif->startup_left > 0 ? qi / 4 : qi;
}

static void
ask_all(struct mcr_timer *t, void *arg)
{
	struct mcr_mif *mif = arg;

	if (mif->startup_left > 0)
		mif->startup_left--;
	/* Its slot is free again, so this cannot fail. */
	mcr_timer_set_in(mif->member->timers, t, query_interval(mif));
	send_query(mif, &mcr_addr_any, mif->param.qri_s * UINT64_C(1000), false, NULL, 0);
}

void
mcr_querier_init(struct mcr_mif *mif)
{
	mcr_timer_init(&mif->query_timer, ask_all, mif);
}

void
mcr_querier_start(struct mcr_mif *mif)
{
	if (!mif->is_asking)
		return;
	mif->startup_left = mif->param.robustness;
	if (mcr_timer_set_in(mif->member->timers, &mif->query_timer, 0) < 0)
		mcr_log(MEMBER, ERROR, "%s: no memory for the query timer; nobody is asked",
			mif->param.name);
}

void
mcr_querier_stop(struct mcr_mif *mif)
{
	mcr_timer_cancel(mif->member->timers, &mif->query_timer);
	mif->is_asking = false;
}

void
mcr_querier_check(struct mcr_mif *mif)
{
	struct mcr_addr own = own_address(mif);
	bool is_asking = mcr_querier_may_ask(mif) && !mcr_election_is_lost(mif);

	if (is_asking == mif->is_asking)
		return;
	if (!is_asking) {
		mcr_querier_stop(mif);
		return;
	}
	mif->is_asking = true;
	mcr_querier_start(mif);
	mcr_member_event(mif, MCR_EV_QUERIER, &mcr_addr_any, &mcr_addr_any, &own);
}

void
mcr_querier_retime(struct mcr_mif *mif)
{
	uint64_t due = mcr_member_now(mif->member) + query_interval(mif);

	if (!mif->is_asking)
		return;
	if (mif->startup_left > mif->param.robustness)
		mif->startup_left = mif->param.robustness;
	/* Moving a pending timer takes no memory. */
	if (mif->query_timer.due_ns > due)
		mcr_timer_set(mif->member->timers, &mif->query_timer, due);
}

/* --- specific queries --- */

/* Section 6.6.3.2: sources with more than LMQT left. Others have their round, or end soon. */
static bool
lower_asked(struct mcr_mgroup *g, uint64_t lmqt_due)
{
	bool is_any = false;

	for (uint32_t i = 0; i < g->n_sources; i++) {
		struct msource *s = &g->source[i];

		if (!s->is_asked)
			continue;
		s->is_asked = false;
		if (!g->mif->is_asking || g->mif->param.version < 3 || s->expires_ns <= lmqt_due)
			continue;
		s->expires_ns = lmqt_due;
		s->query_left = g->mif->param.robustness;
		is_any = true;
	}
	return is_any;
}

/* Section 6.6.3.1. A run of queries that goes on, or has just ended, is not begun again. */
static bool
lower_group(struct mcr_mgroup *g, uint64_t now, uint64_t lmqt_due)
{
	bool is_recent =
		g->query_left > 0 ||
		(g->last_round_ns != 0 && g->last_round_ns + mcr_mif_lmqi_ns(g->mif) > now);

	if (!g->mif->is_asking || (g->expires_ns <= lmqt_due && is_recent))
		return false;
	if (g->expires_ns > lmqt_due)
		g->expires_ns = lmqt_due;
	g->query_left = g->mif->param.robustness;
	return true;
}

void
mcr_querier_ask(struct mcr_mgroup *g, bool asks_group)
{
	uint64_t now = mcr_member_now(g->mif->member);
	uint64_t lmqt_due = now + mcr_mif_lmqt_ns(g->mif);
	bool is_any = lower_asked(g, lmqt_due);

	if (asks_group)
		is_any |= lower_group(g, now, lmqt_due);
	if (!is_any)
		return;
	/* One merged schedule: the first query at once, but no two rounds within LMQI. */
	if (g->next_round_ns == 0) {
		g->next_round_ns = now;
		if (g->last_round_ns != 0 && g->last_round_ns + mcr_mif_lmqi_ns(g->mif) > now)
			g->next_round_ns = g->last_round_ns + mcr_mif_lmqi_ns(g->mif);
	}
	if (g->next_round_ns <= now)
		mcr_querier_round(g, now);
	/* The timer is pending, for state that was learned before: moving it takes no memory. */
	mcr_mgroup_arm(g, lmqt_due);
	if (g->next_round_ns != 0)
		mcr_mgroup_arm(g, g->next_round_ns);
}

/* Q(G,A): the sources still to be named whose timer is above LMQT (S flag), or is not. */
static void
send_sources(struct mcr_mgroup *g, uint64_t lmqt_due, bool s_flag)
{
	struct mcr_mif *mif = g->mif;
	struct mcr_member *m = mif->member;
	uint32_t room = mcr_igmp_query_room(mcr_mif_mtu(mif)), n = 0;

	if (mcr_member_list_reserve(m, room) < 0)
		return;
	for (uint32_t i = 0; i < g->n_sources; i++) {
		const struct msource *s = &g->source[i];

		if (s->query_left == 0 || (s->expires_ns > lmqt_due) != s_flag)
			continue;
		m->list[n++] = s->addr;
		if (n == room) {
			send_query(mif, &g->group->addr, mif->param.lmqi_ms, s_flag, m->list, n);
			n = 0;
		}
	}
	if (n > 0)
		send_query(mif, &g->group->addr, mif->param.lmqi_ms, s_flag, m->list, n);
}

void
mcr_querier_round(struct mcr_mgroup *g, uint64_t now)
{
	struct mcr_mif *mif = g->mif;
	uint64_t lmqt_due = now + mcr_mif_lmqt_ns(mif);
	bool is_group = g->query_left > 0, is_waiting = false;

	g->next_round_ns = 0;
	if (!mif->is_asking) {
		g->query_left = 0;
		for (uint32_t i = 0; i < g->n_sources; i++)
			g->source[i].query_left = 0;
		return;
	}
	g->last_round_ns = now;
	if (is_group) {
		send_query(mif, &g->group->addr, mif->param.lmqi_ms, g->expires_ns > lmqt_due, NULL,
			0);
		is_waiting = --g->query_left > 0;
	}
	send_sources(g, lmqt_due, false);
	/* Q(G) in the same round already says it (section 6.6.3.2). */
	if (!is_group)
		send_sources(g, lmqt_due, true);
	for (uint32_t i = 0; i < g->n_sources; i++) {
		if (g->source[i].query_left > 0 && --g->source[i].query_left > 0)
			is_waiting = true;
	}
	if (is_waiting)
		g->next_round_ns = now + mcr_mif_lmqi_ns(mif);
}

void
mcr_querier_ask_once(struct mcr_mif *mif, const struct mcr_addr *group)
{
	if (mif->is_asking && mif->param.version > 1)
		send_query(mif, group, mif->param.lmqi_ms, false, NULL, 0);
	else
		mcr_querier_start(mif);
}
