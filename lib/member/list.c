/* SPDX-License-Identifier: BSD-3-Clause */
/* Listings: groups in order, instances in order, counts, states and statistics. */
#include "member/internal.h"

#include <stdlib.h>

/* --- groups --- */

static int
by_segment_and_address(const void *a, const void *b)
{
	const struct group *x = *(struct group *const *)a, *y = *(struct group *const *)b;

	if (x->segment != y->segment)
		return x->segment < y->segment ? -1 : 1;
	return mcr_addr_cmp(&x->addr, &y->addr);
}

/* The sorted list of this moment. False: no memory. */
static bool
refresh(const struct mcr_member *m)
{
	struct listing *l = m->listing;
	struct group **list;

	if (l->generation == m->generation)
		return true;
	list = realloc(l->group, (m->groups.count + 1) * sizeof(struct group *));
	if (list == NULL)
		return false;
	l->group = list;
	l->n = 0;
	for (uint64_t i = 0; i <= m->groups.mask; i++) {
		for (struct hnode *n = m->groups.slot[i]; n != NULL; n = n->next)
			list[l->n++] = container_of_node(n, struct group, node);
	}
	qsort(list, l->n, sizeof(*list), by_segment_and_address);
	l->generation = m->generation;
	return true;
}

uint8_t
mcr_mgroup_version(const struct mcr_mgroup *g)
{
	uint64_t now = mcr_member_now(g->mif->member);

	if (g->v1_until_ns > now)
		return 1;
	return g->v2_until_ns > now ? 2 : 3;
}

/* Rounded up. */
static uint32_t
seconds_left(uint64_t due_ns, uint64_t now)
{
	return due_ns > now ? (uint32_t)((due_ns - now + MCR_NS_PER_S - 1) / MCR_NS_PER_S) : 0;
}

/* The longest deadline of the learned state; UINT32_MAX when something is static. */
static uint32_t
timer_of(const struct mcr_mgroup *g, uint64_t now)
{
	uint64_t due = g->is_exclude ? g->expires_ns : now;

	if (g->is_static_any || g->n_statics > 0)
		return UINT32_MAX;
	for (uint32_t i = 0; i < g->n_sources; i++) {
		if (g->source[i].place == PLACE_X && g->source[i].expires_ns > due)
			due = g->source[i].expires_ns;
	}
	return seconds_left(due, now);
}

static void
fill(const struct group *group, uint64_t now, struct mcr_group_info *info)
{
	const struct mcr_mgroup *g;

	*info = (struct mcr_group_info){
		.segment = group->segment,
		.group = group->addr,
		.version = 3,
		.since_ns = group->since_ns,
	};
	TAILQ_FOREACH (g, &group->mgroups, of_group) {
		uint8_t version = mcr_mgroup_version(g);
		uint32_t timer = timer_of(g, now);

		if (version < info->version)
			info->version = version;
		if (timer > info->timer_s)
			info->timer_s = timer;
		info->is_exclude |= mcr_mgroup_is_exclude(g);
		info->n_static += g->is_static_any || g->n_statics > 0;
		if (g->mif->param.is_peer)
			info->n_remote += g->n_subscribers;
		else
			info->n_local += g->n_subscribers;
	}
}

bool
mcr_member_next_group(const struct mcr_member *m, uint64_t *cursor, struct mcr_group_info *info)
{
	if (!refresh(m))
		return false;
	while (*cursor < m->listing->n) {
		const struct group *group = m->listing->group[(*cursor)++];

		/* Without members it only waits for the end of the repeated reports. */
		if (group->n_mgroups == 0)
			continue;
		fill(group, mcr_member_now(m), info);
		return true;
	}
	return false;
}

uint32_t
mcr_member_group_count(const struct mcr_member *m)
{
	return m->n_groups;
}

void
mcr_member_counts(const struct mcr_member *m, uint32_t *local, uint32_t *remote, uint32_t *n_static)
{
	*local = m->n_local;
	*remote = m->n_remote;
	*n_static = m->n_static;
}

/* --- instances --- */

struct mcr_mif *
mcr_member_next_mif(const struct mcr_member *m, struct mcr_mif *prev)
{
	uint32_t low = 0, high = m->n_mifs;

	if (prev == NULL)
		return m->n_mifs > 0 ? m->mif[0] : NULL;
	/* The first one behind prev. */
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		const struct mcr_mif *other = m->mif[mid];
		int order = strcmp(other->param.name, prev->param.name);

		if (order < 0 || (order == 0 && other->id <= prev->id))
			low = mid + 1;
		else
			high = mid;
	}
	return low < m->n_mifs ? m->mif[low] : NULL;
}

void
mcr_mif_state(const struct mcr_mif *mif, struct mcr_mif_state *s)
{
	uint64_t now = mcr_member_now(mif->member);

	*s = (struct mcr_mif_state){
		.is_querier = mif->is_asking,
		.gmi_s = (uint32_t)(mcr_mif_gmi_ns(mif) / MCR_NS_PER_S),
		.lmqt_ms = (uint32_t)(mcr_mif_lmqt_ns(mif) / MCR_NS_PER_MS),
		.other_querier_s = (uint32_t)(mcr_mif_other_querier_ns(mif) / MCR_NS_PER_S),
		.startup_qi_ms = mif->param.qi_s * 250,
		.next_query_ms = UINT32_MAX,
		.n_groups = mif->n_mgroups,
	};
	if (mif->is_asking)
		s->querier = mif->param.address;
	if (mcr_election_is_lost(mif)) {
		s->querier = mif->other;
		s->other_querier_left_s = seconds_left(mif->other_timer.due_ns, now);
	}
	if (mcr_timer_is_pending(&mif->query_timer)) {
		uint64_t due = mif->query_timer.due_ns;

		s->next_query_ms = due > now ? (uint32_t)((due - now) / MCR_NS_PER_MS) : 0;
	}
}

const struct mcr_mif_stat *
mcr_mif_stat(const struct mcr_mif *mif)
{
	return &mif->stat;
}

void
mcr_mif_stat_clear(struct mcr_mif *mif)
{
	mif->stat = (struct mcr_mif_stat){0};
}
