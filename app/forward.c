/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Membership -> replication lists. A change marks a (segment, group); once per control turn every
 * marked group is rebuilt: one (*,G) list of the members that take any source, and one complete
 * (S,G) list for every source that a member of the group names. So joins coalesce, and a data
 * packet needs one lookup when its source has an entry.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_jhash.h>
#include <rte_random.h>

#include "base/log.h"

#include "forward.h"

/* --- the map of groups ----------------------------------------------------------------------- */

static uint32_t
bucket_of(const struct forward *f, uint16_t segment, const struct mcr_addr *group)
{
	uint32_t word[5];

	/* Hosts choose the groups: without the secret they could choose one bucket, too. */
	memcpy(word, group->b, sizeof(group->b));
	word[4] = segment;
	return rte_jhash_32b(word, RTE_DIM(word), f->secret) & (f->n_buckets - 1);
}

struct fgroup *
forward_find(const struct forward *f, uint16_t segment, const struct mcr_addr *group)
{
	struct fgroup *g = f->bucket[bucket_of(f, segment, group)];

	while (g && (g->segment != segment || !mcr_addr_eq(&g->group, group)))
		g = g->next_in_bucket;
	return g;
}

static struct fgroup *
find_or_add(struct forward *f, uint16_t segment, const struct mcr_addr *group)
{
	struct fgroup *g = forward_find(f, segment, group);
	uint32_t b;

	if (g)
		return g;
	g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	g->segment = segment;
	g->group = *group;
	b = bucket_of(f, segment, group);
	g->next_in_bucket = f->bucket[b];
	f->bucket[b] = g;
	f->n_groups++;
	return g;
}

static void
drop_group(struct forward *f, struct fgroup *g)
{
	struct fgroup **p = &f->bucket[bucket_of(f, g->segment, &g->group)];

	while (*p != g)
		p = &(*p)->next_in_bucket;
	*p = g->next_in_bucket;
	f->n_groups--;
	free(g->source);
	free(g->member);
	free(g);
}

struct forward *
forward_create(struct app *app)
{
	struct forward *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->app = app;
	f->n_buckets = 1 << 17;
	f->secret = (uint32_t)rte_rand();
	f->bucket = calloc(f->n_buckets, sizeof(*f->bucket));
	f->dirty_tail = &f->dirty;
	if (!f->bucket) {
		free(f);
		return NULL;
	}
	return f;
}

void
forward_free(struct forward *f)
{
	if (!f)
		return;
	for (uint32_t i = 0; i < f->n_buckets; i++)
		while (f->bucket[i])
			drop_group(f, f->bucket[i]);
	free(f->bucket);
	free(f->item);
	free(f->source);
	free(f);
}

void
forward_mark(struct forward *f, uint16_t segment, const struct mcr_addr *group)
{
	struct fgroup *g = find_or_add(f, segment, group);

	if (!g) {
		mcr_log_limited(PATH, ERROR, mcr_timers_now(f->app->timers),
			"out of memory: a change of members has no effect");
		return;
	}
	if (g->is_dirty)
		return;
	g->is_dirty = true;
	g->next_dirty = NULL;
	*f->dirty_tail = g;
	f->dirty_tail = &g->next_dirty;
}

/* Both only note what is to be marked: forward_run walks the groups once for all of them. */
void
forward_mark_all(struct forward *f)
{
	f->marks_all = true;
	f->has_marks = true;
}

void
forward_mark_segment(struct forward *f, uint16_t segment)
{
	f->marks[segment / 64] |= UINT64_C(1) << segment % 64;
	f->has_marks = true;
}

static void
spread_marks(struct forward *f)
{
	if (!f->has_marks)
		return;
	for (uint32_t i = 0; i < f->n_buckets; i++)
		for (struct fgroup *g = f->bucket[i]; g; g = g->next_in_bucket)
			if (f->marks_all || f->marks[g->segment / 64] >> g->segment % 64 & 1)
				forward_mark(f, g->segment, &g->group);
	memset(f->marks, 0, sizeof(f->marks));
	f->marks_all = false;
	f->has_marks = false;
}

/* --- building lists -------------------------------------------------------------------------- */

struct mcr_group_key
forward_key(const struct fgroup *g, const struct mcr_addr *source)
{
	return (struct mcr_group_key){.group = g->group, .source = *source, .segment = g->segment};
}

static int
room_for_items(struct forward *f, uint32_t n)
{
	struct mcr_list_item *bigger;

	if (n <= f->n_items_max)
		return 0;
	bigger = realloc(f->item, n * 2 * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	f->item = bigger;
	f->n_items_max = n * 2;
	return 0;
}

static enum mcr_maker
maker_of(const struct mcr_port *port)
{
	return port->cap.multi_segs ? MCR_MAKE_SHARE : MCR_MAKE_COPY;
}

/*
 * An output joins lists of the table only when every worker's snapshot has its port; the lists
 * inside a snapshot come with it. False: not an output now.
 */
static bool
is_usable(struct app *app, const struct app_port *port, bool in_snapshot)
{
	if (!port->port || port->admin_down)
		return false;
	if (in_snapshot || publish_is_current(app, port))
		return true;
	app->needs_rebuild = true;
	return false;
}

static bool
item_of_port(struct app *app, uint32_t user, bool in_snapshot, struct mcr_list_item *item)
{
	const struct app_port *port = &app->port[user >> 16];
	const struct app_vlan *vlan = app_find_vlan(app, user >> 16, user & 0xffff);

	if (!vlan || vlan->target == APP_TARGET_NONE || !is_usable(app, port, in_snapshot))
		return false;
	*item = (struct mcr_list_item){.id = vlan->target,
		.mtu = port->port->mtu,
		.port = user >> 16,
		.maker = maker_of(port->port),
		.origins = 1 << MCR_ORIGIN_ACCESS | 1 << MCR_ORIGIN_OVERLAY,
		.is_access = 1};
	return true;
}

static bool
item_of_peer(
	struct app *app, const struct app_peer *peer, bool in_snapshot, struct mcr_list_item *item)
{
	const struct app_port *port = &app->port[peer->port];

	if (peer->target == APP_TARGET_NONE || peer->state == APP_PEER_DOWN || peer->admin_down ||
		!is_usable(app, port, in_snapshot))
		return false;
	*item = (struct mcr_list_item){.id = peer->target,
		.mtu = app_peer_mtu(app, peer),
		.port = peer->port,
		.maker = peer->state == APP_PEER_UP ? maker_of(port->port) : MCR_MAKE_RESOLVE,
		.origins = 1 << MCR_ORIGIN_ACCESS};
	return true;
}

uint32_t
forward_port_items(struct app *app, uint16_t segment, struct mcr_list_item *item)
{
	uint32_t n = 0;

	for (unsigned p = 0; p < MCR_MAX_PORTS; p++)
		for (uint32_t v = 0; app->port[p].is_used && v < app->port[p].n_vlans; v++)
			if (app->port[p].vlan[v].segment == segment)
				n += item_of_port(
					app, p << 16 | app->port[p].vlan[v].vid, true, &item[n]);
	return n;
}

/* Peers with membership all, or every peer of the segment. */
static uint32_t
peer_items(
	struct app *app, uint16_t segment, bool all, bool in_snapshot, struct mcr_list_item *item)
{
	uint32_t n = 0;

	if (!all && !app->n_all_peers)
		return 0;
	for (uint32_t i = 0; i < app->n_peers; i++)
		if (app->peer[i].is_used && (all || app->peer[i].membership == MODEL_ALL) &&
			app_find_peer_segment(app, i, segment))
			n += item_of_peer(app, &app->peer[i], in_snapshot, &item[n]);
	return n;
}

uint32_t
forward_unknown_items(struct app *app, uint16_t segment, bool flood, struct mcr_list_item *item)
{
	uint32_t n = flood ? forward_port_items(app, segment, item) : 0;

	return n + peer_items(app, segment, flood, true, item + n);
}

/* source NULL: the (*,G) list, of members that take sources which nobody names. */
static int
install(struct forward *f, struct fgroup *g, const struct mcr_addr *source)
{
	struct app *app = f->app;
	struct mcr_group_key key = forward_key(g, source ? source : &mcr_addr_any);
	struct mcr_mgroup *mg = NULL;
	struct mcr_list *list;
	uint32_t n = peer_items(app, g->segment, false, false, f->item);

	while ((mg = mcr_member_next(app->member, g->segment, &g->group, mg))) {
		const struct mcr_mif_param *p = mcr_mif_param(mcr_mgroup_mif(mg));

		if (source ? !mcr_mgroup_accepts(mg, source) : !mcr_mgroup_is_exclude(mg))
			continue;
		n += p->is_peer ? item_of_peer(app, &app->peer[p->user >> 16], false, &f->item[n])
		                : item_of_port(app, p->user, false, &f->item[n]);
	}
	list = mcr_list_build(f->item, n);
	if (!list)
		return -errno;
	return mcr_table_set(app->table, &key, list);
}

static int
addr_order(const void *a, const void *b)
{
	return mcr_addr_cmp(a, b);
}

/* All sources that a member of the group names, sorted, each once. */
static int
collect_sources(struct forward *f, const struct fgroup *g, uint32_t *count)
{
	struct mcr_mgroup *mg = NULL;
	uint32_t n = 0, kept = 0;

	while ((mg = mcr_member_next(f->app->member, g->segment, &g->group, mg))) {
		uint32_t more = mcr_mgroup_n_sources(mg);

		if (n + more > f->n_sources_max) {
			struct mcr_addr *bigger =
				realloc(f->source, (n + more) * 2 * sizeof(*bigger));

			if (!bigger)
				return -ENOMEM;
			f->source = bigger;
			f->n_sources_max = (n + more) * 2;
		}
		for (uint32_t i = 0; i < more; i++)
			f->source[n++] = mcr_mgroup_source(mg, i);
	}
	if (n)
		qsort(f->source, n, sizeof(*f->source), addr_order);
	for (uint32_t i = 0; i < n; i++)
		if (!kept || !mcr_addr_eq(&f->source[kept - 1], &f->source[i]))
			f->source[kept++] = f->source[i];
	*count = kept;
	return 0;
}

static void
remove_entry(struct forward *f, const struct fgroup *g, const struct mcr_addr *source)
{
	struct mcr_group_key key = forward_key(g, source);

	/* Absent when it could not be added before: nothing to remove then. */
	mcr_table_del(f->app->table, &key);
}

/* Entries of sources that nobody names any more. */
static void
remove_stale(struct forward *f, const struct fgroup *g, uint32_t n_sources)
{
	for (uint32_t i = 0, k = 0; i < g->n_sources; i++) {
		while (k < n_sources && mcr_addr_cmp(&f->source[k], &g->source[i]) < 0)
			k++;
		if (k == n_sources || !mcr_addr_eq(&f->source[k], &g->source[i]))
			remove_entry(f, g, &g->source[i]);
	}
}

int
forward_member_order(const void *a, const void *b)
{
	const struct fmember *x = a, *y = b;

	return x->mif < y->mif ? -1 : x->mif > y->mif;
}

/* Baselines for members that are new; gone ones leave. */
static void
update_members(struct forward *f, struct fgroup *g, uint32_t n)
{
	struct fmember *now = n ? calloc(n, sizeof(*now)) : NULL;
	struct mcr_mgroup *mg = NULL;
	uint32_t i = 0;

	if (n && !now)
		return; /* counters of members start later; nothing else depends on them */
	while ((mg = mcr_member_next(f->app->member, g->segment, &g->group, mg)) && i < n) {
		struct fmember want = {.mif = mcr_mgroup_mif(mg)};
		const struct fmember *old = g->n_members
		                                    ? bsearch(&want, g->member, g->n_members,
							      sizeof(*old), forward_member_order)
		                                    : NULL;

		if (old)
			want = *old;
		else
			forward_sum(f, g, mg, &want.base);
		now[i++] = want;
	}
	if (i)
		qsort(now, i, sizeof(*now), forward_member_order);
	free(g->member);
	g->member = now;
	g->n_members = i;
}

static int
rebuild(struct forward *f, struct fgroup *g)
{
	struct app *app = f->app;
	struct mcr_mgroup *mg = NULL;
	uint32_t n_members = 0, n_sources = 0;
	struct mcr_addr *installed;
	int ret;

	while ((mg = mcr_member_next(app->member, g->segment, &g->group, mg)))
		n_members++;
	if (!n_members) {
		for (uint32_t i = 0; i < g->n_sources; i++)
			remove_entry(f, g, &g->source[i]);
		remove_entry(f, g, &mcr_addr_any);
		drop_group(f, g);
		return 0;
	}
	/* Besides the members, every port, VLAN and peer of the segment may be in the list. */
	ret = room_for_items(f, n_members + app->n_peers + 1);
	if (ret)
		return ret;
	ret = collect_sources(f, g, &n_sources);
	if (ret)
		return ret;
	installed = n_sources ? malloc(n_sources * sizeof(*installed)) : NULL;
	if (n_sources && !installed)
		return -ENOMEM;

	/* (S,G) before (*,G): a source that somebody blocks is never served by the new (*,G). */
	for (uint32_t i = 0; i < n_sources; i++) {
		installed[i] = f->source[i];
		ret = install(f, g, &installed[i]) ?: ret;
	}
	ret = install(f, g, NULL) ?: ret;
	remove_stale(f, g, n_sources);
	free(g->source);
	g->source = installed;
	g->n_sources = n_sources;
	update_members(f, g, n_members);
	return ret;
}

bool
forward_run(struct forward *f, uint64_t budget_ns)
{
	uint64_t end = rte_rdtsc() + budget_ns * (rte_get_tsc_hz() / 1000000) / 1000;

	spread_marks(f);
	while (f->dirty) {
		struct fgroup *g = f->dirty;
		char buf[MCR_ADDR_STRLEN];
		int ret;

		f->dirty = g->next_dirty;
		if (!f->dirty)
			f->dirty_tail = &f->dirty;
		g->is_dirty = false;
		mcr_addr_str(&g->group, buf);
		ret = rebuild(f, g);
		if (ret)
			mcr_log_limited(PATH, ERROR, mcr_timers_now(f->app->timers),
				"group %s: members could not be changed: %s", buf, strerror(-ret));
		if (budget_ns && rte_rdtsc() > end)
			break;
	}
	return f->dirty == NULL;
}

bool
forward_is_busy(const struct forward *f)
{
	return f->dirty != NULL || f->has_marks;
}

bool
forward_is_allowed(const struct app *app, uint16_t segment, const struct mcr_addr *group)
{
	const struct model_segment *seg =
		model_find_segment(app->model, app->segment[segment].name);

	return seg && model_is_allowed(seg, group);
}
