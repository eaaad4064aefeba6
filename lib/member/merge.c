/* SPDX-License-Identifier: BSD-3-Clause */
/* The merged local state of a group, RFC 4605 section 4.1, and what changes in it. */
#include "member/internal.h"

#include <errno.h>
#include <stdlib.h>

/* All sources that a local instance mentions, sorted in m->list. */
static int
gather(struct mcr_member *m, const struct group *group, struct addr_set *all, bool *is_exclude)
{
	const struct mcr_mgroup *g;
	uint32_t n = 0;

	*is_exclude = false;
	TAILQ_FOREACH (g, &group->mgroups, of_group) {
		if (g->mif->param.is_peer)
			continue;
		n += g->n_sources;
		*is_exclude |= mcr_mgroup_is_exclude(g);
	}
	if (mcr_member_list_reserve(m, n) < 0)
		return -ENOMEM;
	all->addr = m->list;
	all->n = 0;
	TAILQ_FOREACH (g, &group->mgroups, of_group) {
		for (uint32_t i = 0; !g->mif->param.is_peer && i < g->n_sources; i++)
			all->addr[all->n++] = g->source[i].addr;
	}
	mcr_member_set_sort(all);
	return 0;
}

static bool
is_wanted(const struct group *group, const struct mcr_addr *source)
{
	const struct mcr_mgroup *g;

	TAILQ_FOREACH (g, &group->mgroups, of_group) {
		if (!g->mif->param.is_peer && mcr_mgroup_accepts(g, source))
			return true;
	}
	return false;
}

/* RFC 4605 section 4.1: INCLUDE what anybody wants; EXCLUDE what nobody wants. */
static int
merge_local(
	struct mcr_member *m, const struct group *group, struct addr_set *merged, bool *is_exclude)
{
	uint32_t n = 0;

	if (gather(m, group, merged, is_exclude) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < merged->n; i++) {
		if (is_wanted(group, &merged->addr[i]) != *is_exclude)
			merged->addr[n++] = merged->addr[i];
	}
	merged->n = n;
	return 0;
}

/* The sources in exactly one of two lists join the changes to be told; `left` times from now on. */
static int
add_changes(struct reported *r, const struct addr_set *now, uint8_t left)
{
	const struct addr_set *was = &r->sources;
	uint32_t max = r->n_changes + was->n + now->n, n = 0, i = 0, j = 0, k = 0;
	struct reported_source *change;

	if (max == 0)
		return 0;
	change = malloc(max * sizeof(*change));
	if (change == NULL)
		return -ENOMEM;
	while (i < was->n || j < now->n || k < r->n_changes) {
		const struct mcr_addr *next = NULL;
		bool is_was, is_now, is_change;

		if (i < was->n)
			next = &was->addr[i];
		if (j < now->n && (next == NULL || mcr_addr_cmp(&now->addr[j], next) < 0))
			next = &now->addr[j];
		if (k < r->n_changes &&
			(next == NULL || mcr_addr_cmp(&r->change[k].addr, next) < 0))
			next = &r->change[k].addr;
		is_was = i < was->n && mcr_addr_eq(&was->addr[i], next);
		is_now = j < now->n && mcr_addr_eq(&now->addr[j], next);
		is_change = k < r->n_changes && mcr_addr_eq(&r->change[k].addr, next);
		if (is_was != is_now)
			change[n++] = (struct reported_source){.addr = *next, .left = left};
		else if (is_change)
			change[n++] = r->change[k];
		i += is_was;
		j += is_now;
		k += is_change;
	}
	free(r->change);
	r->change = n > 0 ? change : NULL;
	r->n_changes = n;
	if (n == 0)
		free(change);
	return 0;
}

static bool
is_same(const struct reported *r, const struct addr_set *now, bool is_exclude)
{
	return r->is_exclude == is_exclude && r->sources.n == now->n &&
	       (now->n == 0 ||
		       memcmp(r->sources.addr, now->addr, now->n * sizeof(*now->addr)) == 0);
}

int
mcr_proxy_update(struct segment *s, struct reported *r)
{
	struct addr_set merged = {0};
	struct mcr_addr *copy = NULL;
	bool is_exclude;

	if (merge_local(s->member, r->group, &merged, &is_exclude) < 0)
		return -ENOMEM;
	if (is_same(r, &merged, is_exclude))
		return 0;
	if (merged.n > 0) {
		copy = malloc(merged.n * sizeof(*copy));
		if (copy == NULL)
			return -ENOMEM;
		memcpy(copy, merged.addr, merged.n * sizeof(*copy));
		merged.addr = copy;
	}
	if (r->is_exclude != is_exclude) {
		r->mode_left = s->robustness;
		free(r->change);
		r->change = NULL;
		r->n_changes = 0;
	} else if (add_changes(r, &merged, s->robustness) < 0) {
		free(copy);
		return -ENOMEM;
	}
	free(r->sources.addr);
	r->sources = (struct addr_set){.addr = copy, .n = merged.n};
	r->is_exclude = is_exclude;
	return 1;
}
