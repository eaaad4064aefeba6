/* SPDX-License-Identifier: BSD-3-Clause */
/* Static members: their own entries beside the learned ones of the same group. */
#include "member/internal.h"

#include <errno.h>
#include <stdlib.h>

static bool
has_static(const struct mcr_mgroup *g)
{
	return g->is_static_any || g->n_statics > 0;
}

/* Any source from now on, or not any more. True: forwarding needs something else. */
static bool
set_static_any(struct mcr_mgroup *g, bool is_any)
{
	bool is_changed = !g->is_exclude;

	for (uint32_t i = 0; i < g->n_sources; i++)
		is_changed |= g->source[i].place == PLACE_Y && !g->source[i].is_static;
	is_changed &= g->is_static_any != is_any;
	g->is_static_any = is_any;
	return is_changed;
}

static int
add_static_source(struct mcr_mgroup *g, const struct mcr_addr *addr, bool *is_changed)
{
	struct mcr_addr *statics;
	struct msource *s;
	bool is_found;
	uint32_t at = mcr_member_set_find(g->statics, g->n_statics, addr, &is_found);

	if (is_found)
		return 0;
	statics = realloc(g->statics, (g->n_statics + 1) * sizeof(*statics));
	if (statics == NULL)
		return -ENOMEM;
	g->statics = statics;
	if (mcr_mgroup_reserve(g, g->n_sources + 1) < 0)
		return -ENOMEM;
	memmove(&statics[at + 1], &statics[at], (g->n_statics - at) * sizeof(*statics));
	statics[at] = *addr;
	g->n_statics++;

	*is_changed = !mcr_mgroup_accepts(g, addr);
	s = mcr_mgroup_find_source(g, addr);
	if (s == NULL) {
		uint32_t i = 0;

		while (i < g->n_sources && mcr_addr_cmp(&g->source[i].addr, addr) < 0)
			i++;
		s = &g->source[i];
		memmove(s + 1, s, (g->n_sources - i) * sizeof(*s));
		*s = (struct msource){.addr = *addr};
		g->n_sources++;
	}
	s->is_static = true;
	return 0;
}

int
mcr_mif_static_add(struct mcr_mif *mif, const struct mcr_addr *group, const struct mcr_addr *source)
{
	struct mcr_mgroup *g = mcr_mgroup_find(mif, group);
	bool had_static, is_new = false, is_changed = false;
	int ret = 0;

	if (!mcr_member_is_joinable(group) ||
		(!mcr_addr_is_any(source) && !mcr_addr_is_source(source)))
		return -EINVAL;
	if (g == NULL) {
		/* No limit: a configured member always has its place. */
		g = mcr_mgroup_create(mif, group);
		if (g == NULL)
			return -ENOMEM;
		is_new = g->group->n_mgroups == 1;
	}
	had_static = has_static(g);
	if (mcr_addr_is_any(source))
		is_changed = set_static_any(g, true);
	else
		ret = add_static_source(g, source, &is_changed);
	mif->member->n_static += has_static(g) && !had_static;
	if (is_new && ret == 0)
		mcr_member_event(mif, MCR_EV_GROUP_NEW, group, &mcr_addr_any, &mcr_addr_any);
	mcr_mgroup_settle(g, is_changed);
	return ret;
}

static bool
del_static_source(struct mcr_mgroup *g, const struct mcr_addr *addr)
{
	struct msource *s = mcr_mgroup_find_source(g, addr);
	bool is_found;
	uint32_t at = mcr_member_set_find(g->statics, g->n_statics, addr, &is_found);

	if (!is_found)
		return false;
	g->n_statics--;
	memmove(&g->statics[at], &g->statics[at + 1], (g->n_statics - at) * sizeof(*g->statics));
	s->is_static = false;
	mcr_mgroup_compact(g);
	return !mcr_mgroup_accepts(g, addr);
}

void
mcr_mif_static_del(struct mcr_mif *mif, const struct mcr_addr *group, const struct mcr_addr *source)
{
	struct mcr_mgroup *g = mcr_mgroup_find(mif, group);
	bool had_static, is_changed;

	if (g == NULL)
		return;
	had_static = has_static(g);
	if (mcr_addr_is_any(source))
		is_changed = set_static_any(g, false);
	else
		is_changed = del_static_source(g, source);
	mif->member->n_static -= had_static && !has_static(g);
	mcr_mgroup_settle(g, is_changed);
}
