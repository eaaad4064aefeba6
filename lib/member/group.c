/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups: birth, deadlines and death of the state of a group on an instance, and reading it. */
#include "member/internal.h"

#include <errno.h>
#include <stdlib.h>

static void fire(struct mcr_timer *t, void *arg);

/* --- groups of a segment --- */

static uint64_t
group_hash(const struct mcr_member *m, uint16_t segment, const struct mcr_addr *addr)
{
	return mcr_member_hash(m, addr, segment);
}

struct group *
mcr_member_group_find(const struct mcr_member *m, uint16_t segment, const struct mcr_addr *addr)
{
	struct hnode *n = mcr_member_table_find(&m->groups, group_hash(m, segment, addr));

	for (; n != NULL; n = mcr_member_table_next(n)) {
		struct group *group = container_of_node(n, struct group, node);

		if (group->segment == segment && mcr_addr_eq(&group->addr, addr))
			return group;
	}
	return NULL;
}

static struct group *
group_get(struct mcr_member *m, uint16_t segment, const struct mcr_addr *addr)
{
	struct group *group = mcr_member_group_find(m, segment, addr);

	if (group != NULL)
		return group;
	group = calloc(1, sizeof(*group));
	if (group == NULL)
		return NULL;
	group->addr = *addr;
	group->segment = segment;
	TAILQ_INIT(&group->mgroups);
	mcr_member_table_add(&m->groups, &group->node, group_hash(m, segment, addr));
	m->generation++;
	return group;
}

void
mcr_member_group_release(struct mcr_member *m, struct group *group)
{
	if (group->n_mgroups > 0 || group->reported != NULL)
		return;
	mcr_member_table_del(&m->groups, &group->node);
	m->generation++;
	free(group);
}

/* --- groups of an instance --- */

struct mcr_mgroup *
mcr_mgroup_find(const struct mcr_mif *mif, const struct mcr_addr *addr)
{
	const struct mcr_member *m = mif->member;
	struct hnode *n = mcr_member_table_find(&m->mgroups, mcr_member_hash(m, addr, mif->id));

	for (; n != NULL; n = mcr_member_table_next(n)) {
		struct mcr_mgroup *g = container_of_node(n, struct mcr_mgroup, node);

		if (g->mif == mif && mcr_addr_eq(&g->group->addr, addr))
			return g;
	}
	return NULL;
}

struct mcr_mgroup *
mcr_mgroup_create(struct mcr_mif *mif, const struct mcr_addr *addr)
{
	struct mcr_member *m = mif->member;
	struct group *group = group_get(m, mif->param.segment, addr);
	struct mcr_mgroup *g;

	if (group == NULL)
		return NULL;
	g = calloc(1, sizeof(*g));
	if (g == NULL) {
		mcr_member_group_release(m, group);
		return NULL;
	}
	g->mif = mif;
	g->group = group;
	g->since_ns = mcr_member_now(m);
	g->subscriber_due_ns = UINT64_MAX;
	mcr_timer_init(&g->timer, fire, g);
	mcr_member_table_add(&m->mgroups, &g->node, mcr_member_hash(m, addr, mif->id));
	TAILQ_INSERT_TAIL(&mif->mgroups, g, of_mif);
	mif->n_mgroups++;
	TAILQ_INSERT_TAIL(&group->mgroups, g, of_group);
	if (group->n_mgroups++ == 0) {
		group->since_ns = g->since_ns;
		m->n_groups++;
	}
	return g;
}

bool
mcr_mgroup_is_empty(const struct mcr_mgroup *g)
{
	return !g->is_exclude && !g->is_static_any && g->n_sources == 0;
}

void
mcr_mgroup_free(struct mcr_mgroup *g)
{
	struct mcr_mif *mif = g->mif;
	struct mcr_member *m = mif->member;
	struct group *group = g->group;

	mcr_subscriber_drop_all(g);
	mcr_timer_cancel(m->timers, &g->timer);
	mcr_member_table_del(&m->mgroups, &g->node);
	TAILQ_REMOVE(&mif->mgroups, g, of_mif);
	mif->n_mgroups--;
	TAILQ_REMOVE(&group->mgroups, g, of_group);
	free(g->source);
	free(g->subscriber);
	free(g->statics);
	free(g);
	if (--group->n_mgroups == 0) {
		m->n_groups--;
		m->is_groups_limit_told = false;
	}
	mcr_member_group_release(m, group);
}

int
mcr_mgroup_arm(struct mcr_mgroup *g, uint64_t due_ns)
{
	if (mcr_timer_is_pending(&g->timer) && g->timer.due_ns <= due_ns)
		return 0;
	return mcr_timer_set(g->mif->member->timers, &g->timer, due_ns);
}

void
mcr_mgroup_settle(struct mcr_mgroup *g, bool is_changed)
{
	struct mcr_member *m = g->mif->member;
	struct mcr_mif *mif = g->mif;
	struct mcr_addr addr = g->group->addr;
	uint16_t segment = g->group->segment;

	if (is_changed && !mif->param.is_peer)
		mcr_proxy_mark(g->group);
	if (mcr_mgroup_is_empty(g)) {
		bool is_last = g->group->n_mgroups == 1;

		mcr_mgroup_free(g);
		if (is_last && is_changed)
			mcr_member_event(
				mif, MCR_EV_GROUP_GONE, &addr, &mcr_addr_any, &mcr_addr_any);
	}
	if (is_changed)
		m->ops.changed(m->arg, segment, &addr);
}

/* Nothing that was learned is left. True: forwarding needs something else. */
static bool
unlearn(struct mcr_mgroup *g)
{
	bool is_changed = g->is_exclude && !g->is_static_any;

	for (uint32_t i = 0; i < g->n_sources; i++) {
		struct msource *s = &g->source[i];

		if (mcr_mgroup_wants(g, g->is_exclude, s->place, s->is_static) !=
			mcr_mgroup_wants(g, false, PLACE_NONE, s->is_static))
			is_changed = true;
		s->place = PLACE_NONE;
		s->query_left = 0;
	}
	g->is_exclude = false;
	g->query_left = 0;
	g->next_round_ns = 0;
	g->v1_until_ns = 0;
	g->v2_until_ns = 0;
	mcr_mgroup_compact(g);
	mcr_subscriber_drop_all(g);
	return is_changed;
}

void
mcr_mgroup_forget(struct mcr_mgroup *g)
{
	mcr_mgroup_settle(g, unlearn(g));
}

void
mcr_mgroup_end(struct mcr_mgroup *g)
{
	if (g->is_static_any || g->n_statics > 0)
		g->mif->member->n_static--;
	g->is_static_any = false;
	g->n_statics = 0;
	for (uint32_t i = 0; i < g->n_sources; i++)
		g->source[i].is_static = false;
	unlearn(g);
	/* Any state lets something through, so its end is a change. */
	mcr_mgroup_settle(g, true);
}

int
mcr_mgroup_reserve(struct mcr_mgroup *g, uint32_t n)
{
	struct msource *source;

	if (n <= g->max_sources)
		return 0;
	source = realloc(g->source, n * sizeof(*source));
	if (source == NULL)
		return -ENOMEM;
	g->source = source;
	g->max_sources = n;
	return 0;
}

void
mcr_mgroup_compact(struct mcr_mgroup *g)
{
	uint32_t n = 0;

	g->n_learned = 0;
	for (uint32_t i = 0; i < g->n_sources; i++) {
		const struct msource *s = &g->source[i];

		if (s->place == PLACE_NONE && !s->is_static)
			continue;
		g->n_learned += s->place != PLACE_NONE;
		g->source[n++] = *s;
	}
	g->n_sources = n;
	if (g->n_learned < g->mif->member->limits.sources)
		g->is_limit_told = false;
	if (n == 0) {
		free(g->source);
		g->source = NULL;
		g->max_sources = 0;
	}
}

/* Earliest deadline of all; 0 = none. Hosts wait for up to 100 ms so that they end in batches. */
static uint64_t
earliest(const struct mcr_mgroup *g)
{
	uint64_t due = UINT64_MAX;

	if (g->is_exclude)
		due = g->expires_ns;
	if (g->next_round_ns != 0 && g->next_round_ns < due)
		due = g->next_round_ns;
	if (g->subscriber_due_ns != UINT64_MAX && g->subscriber_due_ns + 100 * MCR_NS_PER_MS < due)
		due = g->subscriber_due_ns + 100 * MCR_NS_PER_MS;
	for (uint32_t i = 0; i < g->n_sources; i++) {
		const struct msource *s = &g->source[i];

		if (s->place == PLACE_X && s->expires_ns < due)
			due = s->expires_ns;
	}
	return due;
}

static void
fire(struct mcr_timer *t, void *arg)
{
	struct mcr_mgroup *g = arg;
	uint64_t now = mcr_member_now(g->mif->member), due;
	bool is_changed = mcr_state_expire(g, now);

	(void)t;
	if (mcr_mgroup_is_empty(g)) {
		mcr_mgroup_settle(g, is_changed);
		return;
	}
	if (g->subscriber_due_ns <= now)
		mcr_subscriber_expire(g, now);
	if (g->next_round_ns != 0 && g->next_round_ns <= now)
		mcr_querier_round(g, now);
	due = earliest(g);
	/* The slot of the timer that has just fired is free again, so this cannot fail. */
	if (due != UINT64_MAX)
		mcr_mgroup_arm(g, due);
	mcr_mgroup_settle(g, is_changed);
}

/* --- reading --- */

bool
mcr_mgroup_wants(const struct mcr_mgroup *g, bool is_exclude, enum place place, bool is_static)
{
	if (is_static || g->is_static_any || place == PLACE_X)
		return true;
	return is_exclude && place == PLACE_NONE;
}

struct mcr_mgroup *
mcr_member_next(const struct mcr_member *m, uint16_t segment, const struct mcr_addr *group,
	struct mcr_mgroup *prev)
{
	struct group *found;

	if (prev != NULL)
		return TAILQ_NEXT(prev, of_group);
	found = mcr_member_group_find(m, segment, group);
	return found != NULL ? TAILQ_FIRST(&found->mgroups) : NULL;
}

struct mcr_mif *
mcr_mgroup_mif(const struct mcr_mgroup *g)
{
	return g->mif;
}

struct mcr_addr
mcr_mgroup_group(const struct mcr_mgroup *g)
{
	return g->group->addr;
}

bool
mcr_mgroup_is_exclude(const struct mcr_mgroup *g)
{
	return g->is_exclude || g->is_static_any;
}

struct msource *
mcr_mgroup_find_source(const struct mcr_mgroup *g, const struct mcr_addr *addr)
{
	uint32_t low = 0, high = g->n_sources;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int order = mcr_addr_cmp(&g->source[mid].addr, addr);

		if (order == 0)
			return &g->source[mid];
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

bool
mcr_mgroup_accepts(const struct mcr_mgroup *g, const struct mcr_addr *source)
{
	const struct msource *s = mcr_mgroup_find_source(g, source);

	if (s == NULL)
		return mcr_mgroup_is_exclude(g);
	return mcr_mgroup_wants(g, g->is_exclude, s->place, s->is_static);
}

uint32_t
mcr_mgroup_n_sources(const struct mcr_mgroup *g)
{
	return g->n_sources;
}

struct mcr_addr
mcr_mgroup_source(const struct mcr_mgroup *g, uint32_t i)
{
	return g->source[i].addr;
}

/* Whole seconds that are left, rounded up. */
static uint32_t
seconds_left(const struct mcr_mgroup *g, uint64_t due_ns)
{
	uint64_t now = mcr_member_now(g->mif->member);

	return due_ns > now ? (uint32_t)((due_ns - now + MCR_NS_PER_S - 1) / MCR_NS_PER_S) : 0;
}

void
mcr_mgroup_source_info(const struct mcr_mgroup *g, uint32_t i, struct mcr_msource_info *info)
{
	const struct msource *s = &g->source[i];

	*info = (struct mcr_msource_info){
		.addr = s->addr,
		.is_excluded = !mcr_mgroup_wants(g, g->is_exclude, s->place, s->is_static),
	};
	if (s->is_static)
		info->expires_s = UINT32_MAX;
	else if (s->place == PLACE_X)
		info->expires_s = seconds_left(g, s->expires_ns);
}

bool
mcr_mgroup_next_subscriber(const struct mcr_mgroup *g, uint32_t *cursor, struct mcr_subscriber *s)
{
	uint64_t now = mcr_member_now(g->mif->member);

	if (*cursor == 0) {
		*cursor = 1;
		if (g->is_static_any || g->n_statics > 0) {
			*s = (struct mcr_subscriber){
				.mif = g->mif,
				.is_static = true,
				.is_exclude = g->is_static_any,
				.version = 3,
				.n_sources = g->is_static_any ? 0 : g->n_statics,
				.sources = g->statics,
				.since_ns = g->since_ns,
				.last_ns = g->since_ns,
				.expires_s = UINT32_MAX,
			};
			return true;
		}
	}
	while (*cursor - 1 < g->n_subscribers) {
		const struct subscriber *sub = g->subscriber[*cursor - 1];

		(*cursor)++;
		if (sub->expires_ns <= now)
			continue;
		*s = (struct mcr_subscriber){
			.host = sub->host,
			.mif = g->mif,
			.is_exclude = sub->is_exclude,
			.version = sub->version,
			.n_sources = sub->n_sources,
			.sources = sub->source,
			.since_ns = sub->since_ns,
			.last_ns = sub->last_ns,
			.expires_s = seconds_left(g, sub->expires_ns),
		};
		return true;
	}
	return false;
}
