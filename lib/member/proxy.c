/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host side towards peers: the merged state of the local instances of a segment (RFC 4605
 * section 4.1), told by IGMPv3 reports (RFC 9776 section 5). What came from peers is no part of it,
 * so nothing goes round. All peers of a segment are told the same, so the merged state, the
 * changes and their repetitions are kept once per segment, whole states and answers per peer.
 */
#include "member/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"

#define URI_NS MCR_NS_PER_S /* Unsolicited Report Interval of IGMPv3 */
#define MAX_ANSWERS 4096    /* that wait for one peer; a General Query makes up for the rest */

/* --- reports, filled up to the MTU --- */

struct packer {
	struct mcr_mif *mif;
	struct mcr_report report;
};

static void
packer_begin(struct packer *p)
{
	struct mcr_addr own = p->mif->param.address;

	if (mcr_addr_is_any(&own))
		own = mcr_addr_v4(0);
	mcr_igmp_report_begin(&p->report, p->mif->member->packet, mcr_mif_mtu(p->mif), &own);
}

static void
packer_flush(struct packer *p)
{
	struct mcr_addr all_routers = mcr_addr_v4(htonl(0xe0000016));
	uint32_t len;

	if (p->report.n_records == 0)
		return;
	len = mcr_igmp_report_finish(&p->report);
	p->mif->stat.report[1][3]++;
	mcr_mif_send(p->mif, p->mif->member->packet, len, &all_routers);
	packer_begin(p);
}

/* A list that fits no report is cut for IS_EX and TO_EX, else split (RFC 9776 section 4.2.17). */
static void
packer_put(struct packer *p, uint8_t type, const struct mcr_addr *group,
	const struct mcr_addr *sources, uint32_t n)
{
	uint32_t room = mcr_igmp_report_room(mcr_mif_mtu(p->mif));

	if (mcr_igmp_report_add(&p->report, type, group, sources, n) == 0)
		return;
	packer_flush(p);
	while (n > room) {
		mcr_igmp_report_add(&p->report, type, group, sources, room);
		if (type == MCR_IS_EX || type == MCR_TO_EX)
			return;
		packer_flush(p);
		sources += room;
		n -= room;
	}
	mcr_igmp_report_add(&p->report, type, group, sources, n);
}

static bool
has_state(const struct reported *r)
{
	return r->is_exclude || r->sources.n > 0;
}

static void
put_state(struct packer *p, const struct reported *r)
{
	if (has_state(r))
		packer_put(p, r->is_exclude ? MCR_IS_EX : MCR_IS_IN, &r->group->addr,
			r->sources.addr, r->sources.n);
}

static void
put_changes(struct packer *p, const struct reported *r, uint8_t type)
{
	struct mcr_member *m = p->mif->member;
	bool wants_listed = (type == MCR_ALLOW) != r->is_exclude;
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->n_changes; i++) {
		const struct mcr_addr *addr = &r->change[i].addr;

		if (mcr_member_set_has(r->sources.addr, r->sources.n, addr) == wants_listed)
			m->list[n++] = *addr;
	}
	if (n > 0)
		packer_put(p, type, &r->group->addr, m->list, n);
}

/* What RFC 9776 section 5.1 lets a State-Change Report say while changes are to be repeated. */
static void
put_change(struct packer *p, const struct reported *r)
{
	if (r->mode_left > 0) {
		packer_put(p, r->is_exclude ? MCR_TO_EX : MCR_TO_IN, &r->group->addr,
			r->sources.addr, r->sources.n);
		return;
	}
	if (r->n_changes == 0 || mcr_member_list_reserve(p->mif->member, r->n_changes) < 0)
		return;
	put_changes(p, r, MCR_ALLOW);
	put_changes(p, r, MCR_BLOCK);
}

/* --- life of what is reported --- */

static void
answer_free(struct answer *a)
{
	mcr_timer_cancel(a->mif->member->timers, &a->timer);
	TAILQ_REMOVE(&a->reported->answers, a, of_reported);
	TAILQ_REMOVE(&a->mif->answers, a, of_mif);
	a->mif->n_answers--;
	free(a->sources.addr);
	free(a);
}

static void
reported_free(struct segment *s, struct reported *r)
{
	struct group *group = r->group;

	while (!TAILQ_EMPTY(&r->answers))
		answer_free(TAILQ_FIRST(&r->answers));
	if (r->is_dirty)
		TAILQ_REMOVE(&s->dirty, r, of_dirty);
	if (r->is_repeating)
		TAILQ_REMOVE(&s->repeat, r, of_repeat);
	TAILQ_REMOVE(&s->reported, r, of_segment);
	free(r->sources.addr);
	free(r->change);
	free(r);
	group->reported = NULL;
	mcr_member_group_release(s->member, group);
}

/* Nothing is told and nothing is to be repeated any more. */
static void
release(struct segment *s, struct reported *r)
{
	if (!has_state(r) && !r->is_dirty && !r->is_repeating && TAILQ_EMPTY(&r->answers))
		reported_free(s, r);
}

static struct reported *
reported_get(struct segment *s, struct group *group)
{
	struct reported *r = group->reported;

	if (r != NULL)
		return r;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	r->group = group;
	TAILQ_INIT(&r->answers);
	TAILQ_INSERT_TAIL(&s->reported, r, of_segment);
	group->reported = r;
	return r;
}

void
mcr_proxy_mark(struct group *group)
{
	struct segment *s;
	struct mcr_mgroup *g = TAILQ_FIRST(&group->mgroups);
	struct reported *r;

	s = g->mif->segment;
	if (TAILQ_EMPTY(&s->reporters))
		return;
	r = reported_get(s, group);
	if (r == NULL) {
		s->is_incomplete = true;
		mcr_log_limited(MEMBER, ERROR, mcr_member_now(s->member),
			"no memory: the peers are told of a group with delay");
		return;
	}
	if (!r->is_dirty) {
		r->is_dirty = true;
		TAILQ_INSERT_TAIL(&s->dirty, r, of_dirty);
	}
	if (!mcr_timer_is_pending(&s->change_timer) &&
		mcr_timer_set_in(s->member->timers, &s->change_timer, 0) < 0)
		s->is_incomplete = true;
}

/* --- State-Change Reports --- */

static void
count_down(struct reported *r)
{
	uint32_t n = 0;

	if (r->mode_left > 0)
		r->mode_left--;
	for (uint32_t i = 0; i < r->n_changes; i++) {
		if (--r->change[i].left > 0)
			r->change[n++] = r->change[i];
	}
	r->n_changes = n;
	if (n == 0) {
		free(r->change);
		r->change = NULL;
	}
}

/* One transmission of everything in the list to every peer. */
static void
send_round(struct segment *s, const struct reported_list *list, bool is_repeat)
{
	const struct reported *r;
	struct mcr_mif *mif;

	TAILQ_FOREACH (mif, &s->reporters, of_segment) {
		struct packer p = {.mif = mif};

		packer_begin(&p);
		if (is_repeat) {
			TAILQ_FOREACH (r, list, of_repeat)
				put_change(&p, r);
		} else {
			TAILQ_FOREACH (r, list, of_dirty)
				put_change(&p, r);
		}
		packer_flush(&p);
	}
}

static void
set_repeat(struct segment *s)
{
	/* Without memory for the timer the next change, or the whole state, makes up for it. */
	if (!TAILQ_EMPTY(&s->repeat) && !mcr_timer_is_pending(&s->repeat_timer))
		mcr_timer_set_in(
			s->member->timers, &s->repeat_timer, mcr_member_random(s->member, URI_NS));
}

/* As often as the most careful of the peers' settings says. */
static void
set_robustness(struct segment *s)
{
	const struct mcr_mif *mif;

	s->robustness = 1;
	TAILQ_FOREACH (mif, &s->reporters, of_segment) {
		if (mif->param.robustness > s->robustness)
			s->robustness = mif->param.robustness;
	}
}

/* Everything that is dirty: what has really changed is told at once and joins the repetitions. */
static void
on_change(struct mcr_timer *t, void *arg)
{
	struct segment *s = arg;
	struct reported_list told = TAILQ_HEAD_INITIALIZER(told);
	struct reported *r;

	set_robustness(s);
	while ((r = TAILQ_FIRST(&s->dirty)) != NULL) {
		int ret = mcr_proxy_update(s, r);

		if (ret == -ENOMEM) {
			/* Its slot is free again, so this cannot fail. */
			mcr_timer_set_in(s->member->timers, t, URI_NS);
			break;
		}
		TAILQ_REMOVE(&s->dirty, r, of_dirty);
		r->is_dirty = false;
		if (ret == 1)
			TAILQ_INSERT_TAIL(&told, r, of_dirty);
		else
			release(s, r);
	}
	send_round(s, &told, false);
	while ((r = TAILQ_FIRST(&told)) != NULL) {
		TAILQ_REMOVE(&told, r, of_dirty);
		count_down(r);
		if (!r->is_repeating && (r->mode_left > 0 || r->n_changes > 0)) {
			r->is_repeating = true;
			TAILQ_INSERT_TAIL(&s->repeat, r, of_repeat);
		}
		release(s, r);
	}
	set_repeat(s);
}

static void
on_repeat(struct mcr_timer *t, void *arg)
{
	struct segment *s = arg;
	struct reported *r, *next;

	(void)t;
	send_round(s, &s->repeat, true);
	for (r = TAILQ_FIRST(&s->repeat); r != NULL; r = next) {
		next = TAILQ_NEXT(r, of_repeat);
		count_down(r);
		if (r->mode_left > 0 || r->n_changes > 0)
			continue;
		TAILQ_REMOVE(&s->repeat, r, of_repeat);
		r->is_repeating = false;
		release(s, r);
	}
	set_repeat(s);
}

/* --- whole states and answers, per peer --- */

static void
send_whole(struct mcr_mif *mif)
{
	struct packer p = {.mif = mif};
	const struct reported *r;

	packer_begin(&p);
	TAILQ_FOREACH (r, &mif->segment->reported, of_segment)
		put_state(&p, r);
	packer_flush(&p);
}

/* All that is there locally may be a change: for the first reporter, and after lost memory. */
static void
mark_all(struct segment *s)
{
	struct mcr_member *m = s->member;

	s->is_incomplete = false;
	for (uint32_t i = 0; i < m->n_mifs; i++) {
		struct mcr_mgroup *g;

		if (m->mif[i]->segment != s || m->mif[i]->param.is_peer)
			continue;
		TAILQ_FOREACH (g, &m->mif[i]->mgroups, of_mif)
			mcr_proxy_mark(g->group);
	}
}

static void
on_whole(struct mcr_timer *t, void *arg)
{
	struct mcr_mif *mif = arg;
	struct mcr_member *m = mif->member;

	if (mif->whole_left > 0)
		mif->whole_left--;
	if (mif->segment->is_incomplete)
		mark_all(mif->segment);
	/* Its slot is free again, so this cannot fail. */
	mcr_timer_set_in(m->timers, t,
		mif->whole_left > 0 ? mcr_member_random(m, URI_NS)
				    : mif->param.qi_s * MCR_NS_PER_S);
	send_whole(mif);
}

static void
on_answer_whole(struct mcr_timer *t, void *arg)
{
	(void)t;
	send_whole(arg);
}

/* INCLUDE(A): IS_IN(A*B); EXCLUDE(A): IS_IN(B-A); nothing when that is empty. */
static void
put_answer(struct packer *p, const struct answer *a)
{
	const struct reported *r = a->reported;
	struct mcr_member *m = p->mif->member;
	uint32_t n = 0;

	if (a->sources.n == 0) {
		put_state(p, r);
		return;
	}
	if (mcr_member_list_reserve(m, a->sources.n) < 0)
		return;
	for (uint32_t i = 0; i < a->sources.n; i++) {
		if (mcr_member_set_has(r->sources.addr, r->sources.n, &a->sources.addr[i]) !=
			r->is_exclude)
			m->list[n++] = a->sources.addr[i];
	}
	if (n > 0)
		packer_put(p, MCR_IS_IN, &r->group->addr, m->list, n);
}

static void
on_answer(struct mcr_timer *t, void *arg)
{
	struct answer *a = arg;
	struct reported *r = a->reported;
	struct mcr_mif *mif = a->mif;
	struct packer p = {.mif = mif};

	(void)t;
	packer_begin(&p);
	put_answer(&p, a);
	packer_flush(&p);
	answer_free(a);
	release(mif->segment, r);
}

static struct answer *
answer_get(struct mcr_mif *mif, struct reported *r)
{
	struct answer *a;

	TAILQ_FOREACH (a, &r->answers, of_reported) {
		if (a->mif == mif)
			return a;
	}
	if (mif->n_answers >= MAX_ANSWERS)
		return NULL;
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return NULL;
	a->reported = r;
	a->mif = mif;
	mcr_timer_init(&a->timer, on_answer, a);
	TAILQ_INSERT_TAIL(&r->answers, a, of_reported);
	TAILQ_INSERT_TAIL(&mif->answers, a, of_mif);
	mif->n_answers++;
	return a;
}

/* The sources of the query join those asked for. False: the answer is about the whole group. */
static bool
add_asked(struct answer *a, const struct mcr_mship *msg)
{
	uint32_t n = a->sources.n + msg->n_sources;
	struct mcr_addr *addr;

	if (msg->n_sources == 0 || n > MCR_MEMBER_MAX_RECORD)
		return false;
	addr = realloc(a->sources.addr, n * sizeof(*addr));
	if (addr == NULL)
		return false;
	for (uint32_t i = 0; i < msg->n_sources; i++)
		addr[a->sources.n + i] = mcr_mship_source(msg->sources, msg->addr_len, i);
	a->sources = (struct addr_set){.addr = addr, .n = n};
	mcr_member_set_sort(&a->sources);
	return true;
}

/* RFC 9776 section 5.2: an answer that waits is not put off, and what it covers is not lost. */
static void
hear_specific(struct mcr_mif *mif, const struct mcr_mship *msg, uint64_t due)
{
	struct group *group = mcr_member_group_find(mif->member, mif->param.segment, &msg->group);
	bool was_waiting, was_whole;
	struct answer *a;

	if (group == NULL || group->reported == NULL || !has_state(group->reported))
		return;
	if (mcr_timer_is_pending(&mif->answer_timer) && mif->answer_timer.due_ns <= due)
		return;
	a = answer_get(mif, group->reported);
	if (a == NULL)
		return;
	was_waiting = mcr_timer_is_pending(&a->timer);
	was_whole = was_waiting && a->sources.n == 0;
	if (was_whole || !add_asked(a, msg)) {
		free(a->sources.addr);
		a->sources = (struct addr_set){0};
	}
	if (was_waiting && a->timer.due_ns <= due)
		return;
	if (mcr_timer_set(mif->member->timers, &a->timer, due) < 0)
		answer_free(a);
}

void
mcr_proxy_hear(struct mcr_mif *mif, const struct mcr_mship *msg)
{
	struct mcr_member *m = mif->member;
	uint64_t mrt = msg->max_resp_ms > 0 ? msg->max_resp_ms : 1;
	uint64_t due = mcr_member_now(m) + mcr_member_random(m, mrt * MCR_NS_PER_MS);

	if (!mif->is_reporting)
		return;
	if (!mcr_addr_is_any(&msg->group)) {
		hear_specific(mif, msg, due);
		return;
	}
	if (mcr_timer_is_pending(&mif->answer_timer) && mif->answer_timer.due_ns <= due)
		return;
	if (mcr_timer_set(m->timers, &mif->answer_timer, due) < 0)
		send_whole(mif);
}

/* --- beginning and ending --- */

void
mcr_proxy_segment_init(struct segment *s)
{
	TAILQ_INIT(&s->reporters);
	TAILQ_INIT(&s->reported);
	TAILQ_INIT(&s->dirty);
	TAILQ_INIT(&s->repeat);
	mcr_timer_init(&s->change_timer, on_change, s);
	mcr_timer_init(&s->repeat_timer, on_repeat, s);
}

void
mcr_proxy_segment_fini(struct segment *s)
{
	while (!TAILQ_EMPTY(&s->reported))
		reported_free(s, TAILQ_FIRST(&s->reported));
	mcr_timer_cancel(s->member->timers, &s->change_timer);
	mcr_timer_cancel(s->member->timers, &s->repeat_timer);
}

void
mcr_proxy_mif_init(struct mcr_mif *mif)
{
	TAILQ_INIT(&mif->answers);
	mcr_timer_init(&mif->whole_timer, on_whole, mif);
	mcr_timer_init(&mif->answer_timer, on_answer_whole, mif);
}

static void
start(struct mcr_mif *mif)
{
	struct mcr_member *m = mif->member;

	mif->whole_left = mif->param.robustness;
	if (mcr_timer_set_in(m->timers, &mif->whole_timer, mcr_member_random(m, URI_NS)) < 0)
		mcr_log(MEMBER, ERROR, "%s: no memory; the peer is told changes only",
			mif->param.name);
}

static void
begin(struct mcr_mif *mif)
{
	struct segment *s = mif->segment;
	bool is_first = TAILQ_EMPTY(&s->reporters);

	mif->is_reporting = true;
	TAILQ_INSERT_TAIL(&s->reporters, mif, of_segment);
	if (is_first)
		mark_all(s);
	start(mif);
}

static void
end(struct mcr_mif *mif)
{
	struct segment *s = mif->segment;

	mif->is_reporting = false;
	TAILQ_REMOVE(&s->reporters, mif, of_segment);
	mcr_timer_cancel(mif->member->timers, &mif->whole_timer);
	mcr_timer_cancel(mif->member->timers, &mif->answer_timer);
	while (!TAILQ_EMPTY(&mif->answers)) {
		struct reported *r = TAILQ_FIRST(&mif->answers)->reported;

		answer_free(TAILQ_FIRST(&mif->answers));
		release(s, r);
	}
	if (TAILQ_EMPTY(&s->reporters))
		mcr_proxy_segment_fini(s);
}

void
mcr_proxy_check(struct mcr_mif *mif, bool is_restart)
{
	const struct mcr_mif_param *p = &mif->param;
	bool is_reporting = p->is_peer && p->reports_to_peer && mif->is_up;
	uint64_t qi = p->qi_s * MCR_NS_PER_S;

	if (is_reporting && !mif->is_reporting)
		begin(mif);
	else if (!is_reporting && mif->is_reporting)
		end(mif);
	else if (is_reporting && is_restart)
		start(mif);
	/* A shorter query interval counts from now on; moving a pending timer takes no memory. */
	if (is_reporting && mcr_timer_is_pending(&mif->whole_timer) &&
		mif->whole_timer.due_ns > mcr_member_now(mif->member) + qi)
		mcr_timer_set_in(mif->member->timers, &mif->whole_timer, qi);
}
