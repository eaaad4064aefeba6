/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What queries of others change: who is the querier of the link (RFC 9776 section 6.6.2), the
 * values that it announces, and the timers that its specific queries lower (section 6.6.1).
 *
 * The lowest address wins. While other_timer is pending another querier is there: an instance that
 * lost to it asks nothing, and a snooper knows whom its hosts answer. Several routers may be lower
 * than we are; the lowest of those heard within the interval is the querier that is shown and whose
 * values count.
 */
#include "member/internal.h"

#include "base/log.h"

enum {
	MIN_LEARNED_ROBUSTNESS = 2,
	MAX_LEARNED_ROBUSTNESS = 7,
	MAX_LEARNED_QI_FACTOR = 4, /* of our own query interval: a forged value does no more */
	DEFAULT_QI_S = 125,
};

/* RFC 9776 section 4.1.6. */
static uint8_t
learned_robustness(const struct mcr_mif *mif, const struct mcr_mship *msg)
{
	if (msg->version < 3 || msg->qrv == 0)
		return mif->param.robustness;
	if (msg->qrv < MIN_LEARNED_ROBUSTNESS)
		return MIN_LEARNED_ROBUSTNESS;
	return msg->qrv < MAX_LEARNED_ROBUSTNESS ? msg->qrv : MAX_LEARNED_ROBUSTNESS;
}

/* RFC 9776 section 4.1.7. */
static uint32_t
learned_qi(const struct mcr_mif *mif, const struct mcr_mship *msg)
{
	uint32_t max = MAX_LEARNED_QI_FACTOR * mif->param.qi_s;
	uint32_t qi = msg->qqi_s != 0 ? msg->qqi_s : DEFAULT_QI_S;

	if (msg->version < 3)
		return mif->param.qi_s;
	return qi < max ? qi : max;
}

static void
use_own_values(struct mcr_mif *mif)
{
	mif->robustness = mif->param.robustness;
	mif->qi_s = mif->param.qi_s;
}

/* Nobody else asks, as far as we know. */
static void
forget_other(struct mcr_mif *mif)
{
	mcr_timer_cancel(mif->member->timers, &mif->other_timer);
	mif->other_until_ns = 0;
	use_own_values(mif);
}

/* The other querier is silent: ours again, or, for a snooper, nobody's. */
static void
on_silence(struct mcr_timer *t, void *arg)
{
	struct mcr_mif *mif = arg;

	(void)t;
	forget_other(mif);
	mcr_querier_check(mif);
}

void
mcr_election_init(struct mcr_mif *mif)
{
	mcr_timer_init(&mif->other_timer, on_silence, mif);
	use_own_values(mif);
}

void
mcr_election_reset(struct mcr_mif *mif)
{
	mif->is_twin_told = false;
	forget_other(mif);
}

bool
mcr_election_is_lost(const struct mcr_mif *mif)
{
	return mcr_timer_is_pending(&mif->other_timer);
}

void
mcr_election_check(struct mcr_mif *mif, bool was_candidate)
{
	bool is_candidate = mcr_querier_may_ask(mif);

	/* A querier that starts has not lost yet, and a new address may win. */
	if (is_candidate && (!was_candidate || mcr_addr_cmp(&mif->other, &mif->param.address) >= 0))
		forget_other(mif);
	if (!mcr_election_is_lost(mif))
		use_own_values(mif);
}

/*
 * A General Query of a router that asks instead of us. The values that it announces count for the
 * length of the interval, too.
 */
static void
yield_to(struct mcr_mif *mif, const struct mcr_mship *msg)
{
	struct mcr_member *m = mif->member;
	uint64_t now = mcr_member_now(m);
	bool is_known = mif->other_until_ns > now;
	int order = is_known ? mcr_addr_cmp(&msg->src, &mif->other) : -1;

	if (order <= 0) {
		mif->other = msg->src;
		mif->robustness = learned_robustness(mif, msg);
		mif->qi_s = learned_qi(mif, msg);
		mif->other_until_ns = now + mcr_mif_other_querier_ns(mif);
	}
	if (mcr_timer_set_in(m->timers, &mif->other_timer, mcr_mif_other_querier_ns(mif)) < 0) {
		/* Two queriers are better than none. */
		forget_other(mif);
		return;
	}
	mcr_querier_check(mif);
	if (order < 0)
		mcr_member_event(mif, MCR_EV_QUERIER, &mcr_addr_any, &mcr_addr_any, &msg->src);
}

static void
hear_general(struct mcr_mif *mif, const struct mcr_mship *msg)
{
	struct mcr_addr unknown = mcr_addr_v4(0);

	/* In a tunnel each end asks the other; 0.0.0.0 is a snooper that asks for somebody. */
	if (mif->param.is_peer || mcr_addr_eq(&msg->src, &unknown))
		return;
	if (mcr_querier_may_ask(mif) && mcr_addr_cmp(&msg->src, &mif->param.address) > 0)
		return;
	yield_to(mif, msg);
}

/* The LMQT that a specific query announces: RFC 9776 sections 6.6.1 and 8.8. */
static uint64_t
announced_lmqt(const struct mcr_mif *mif, const struct mcr_mship *msg)
{
	/* An interval of zero leaves no time to answer: only a forger asks for that. */
	uint64_t lmqi = msg->max_resp_ms * MCR_NS_PER_MS;

	return (lmqi != 0 ? lmqi : mcr_mif_lmqi_ns(mif)) * learned_robustness(mif, msg);
}

/* Section 6.6.1: a query without S flag lowers what it asks for to the LMQT that it announces. */
static void
hear_specific(struct mcr_mif *mif, const struct mcr_mship *msg)
{
	struct mcr_mgroup *g = mcr_mgroup_find(mif, &msg->group);
	uint64_t due = mcr_member_now(mif->member) + announced_lmqt(mif, msg);

	if (g == NULL || msg->s_flag || mif->param.is_peer)
		return;
	if (msg->n_sources == 0) {
		if (!g->is_exclude || g->expires_ns <= due)
			return;
		g->expires_ns = due;
	}
	for (uint32_t i = 0; i < msg->n_sources; i++) {
		struct mcr_addr addr = mcr_mship_source(msg->sources, msg->addr_len, i);
		struct msource *s = mcr_mgroup_find_source(g, &addr);

		if (s != NULL && s->place == PLACE_X && s->expires_ns > due)
			s->expires_ns = due;
	}
	/* The timer of learned state is pending: moving it takes no memory. */
	if (mcr_timer_is_pending(&g->timer))
		mcr_mgroup_arm(g, due);
}

void
mcr_election_hear(struct mcr_mif *mif, const struct mcr_mship *msg)
{
	if (msg->version != mif->param.version && !mif->param.is_peer)
		mcr_log_limited(MEMBER, WARNING, mcr_member_now(mif->member),
			"%s: an IGMPv%u query is heard where version %u is configured",
			mif->param.name, msg->version, mif->param.version);
	if (mcr_addr_is_any(&msg->group))
		hear_general(mif, msg);
	else
		hear_specific(mif, msg);
}

void
mcr_election_hear_own(struct mcr_mif *mif)
{
	char text[MCR_ADDR_STRLEN];

	if (mif->is_twin_told || mif->param.is_peer)
		return;
	mif->is_twin_told = true;
	mcr_log(MEMBER, WARNING,
		"%s: a query from our own address %s comes in: a duplicate address or a loop",
		mif->param.name, mcr_addr_str(&mif->param.address, text));
}
