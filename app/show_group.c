/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Groups. One row is one forwarding decision: (*,G) when a member takes any source, and one (S,G)
 * for every source that a member names. The members of a row are those who get what it forwards.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "pkt/parse.h"

#include "show.h"

#define MAX_SENDERS 64 /* printed for one group */

/* A source that members include. */
struct srow {
	struct mcr_addr addr;
	uint32_t expires_s;
	json_t *members;
	uint32_t n_members;
	const struct mcr_mgroup *peer_done; /* the peer is in `members` */
};

struct rows {
	struct app *app;
	const struct mcr_group_info *info;
	bool wants_members; /* else they are only counted */
	struct srow *source;
	uint32_t n_sources, max_sources;
	struct srow any;
	uint32_t n_members; /* each once */
};

static void
add_source(struct rows *r, const struct mcr_addr *addr)
{
	if (r->n_sources == r->max_sources) {
		uint32_t more = r->max_sources ? r->max_sources * 2 : 16;
		struct srow *bigger = realloc(r->source, more * sizeof(*bigger));

		if (!bigger)
			return; /* the listing lacks a line; it says what it has */
		r->source = bigger;
		r->max_sources = more;
	}
	r->source[r->n_sources++] = (struct srow){.addr = *addr};
}

static int
by_addr(const void *a, const void *b)
{
	const struct srow *x = a, *y = b;

	return mcr_addr_cmp(&x->addr, &y->addr);
}

static struct srow *
find_source(const struct rows *r, const struct mcr_addr *addr)
{
	struct srow key = {.addr = *addr};

	return r->n_sources ? bsearch(&key, r->source, r->n_sources, sizeof(key), by_addr) : NULL;
}

/* Which sources have a row: what an instance in INCLUDE mode forwards, what a host asked for. */
static void
collect_sources(struct rows *r)
{
	struct mcr_mgroup *g = NULL;
	uint32_t kept = 0;

	while ((g = mcr_member_next(r->app->member, r->info->segment, &r->info->group, g))) {
		struct mcr_subscriber sub;
		uint32_t cursor = 0;

		if (!mcr_mgroup_is_exclude(g))
			for (uint32_t i = 0; i < mcr_mgroup_n_sources(g); i++) {
				struct mcr_msource_info info;

				mcr_mgroup_source_info(g, i, &info);
				if (!info.is_excluded)
					add_source(r, &info.addr);
			}
		while (mcr_mgroup_next_subscriber(g, &cursor, &sub))
			for (uint32_t i = 0; !sub.is_exclude && i < sub.n_sources; i++)
				add_source(r, &sub.sources[i]);
	}
	if (r->n_sources)
		qsort(r->source, r->n_sources, sizeof(*r->source), by_addr);
	for (uint32_t i = 0; i < r->n_sources; i++)
		if (!kept || !mcr_addr_eq(&r->source[kept - 1].addr, &r->source[i].addr))
			r->source[kept++] = r->source[i];
	r->n_sources = kept;
}

static json_t *
member_json(const struct rows *r, const struct mcr_mgroup *g, const struct mcr_subscriber *sub,
	const struct forward_copies *copies)
{
	const struct mcr_mif_param *p = mcr_mif_param(sub->mif);
	const struct app_peer *peer = p->is_peer ? &r->app->peer[p->user >> 16] : NULL;
	json_t *row = json_pack("{s:s, s:o, s:s?, s:o, s:o, s:I, s:I}", "kind",
		sub->is_static ? "static"
		: peer         ? "remote"
			       : "local",
		"port", peer ? json_null() : json_string(p->name), "peer", peer ? peer->name : NULL,
		"address", peer ? show_addr(&peer->address) : show_addr(&sub->host),
		"expires_seconds", show_left(sub->expires_s), "copies", (json_int_t)copies->packets,
		"drops", (json_int_t)copies->drops);

	json_object_set_new(row, "mode", json_string(sub->is_exclude ? "exclude" : "include"));
	json_object_set_new(row, "last_report_seconds",
		sub->is_static ? json_null()
			       : show_since(mcr_timers_now(r->app->timers), sub->last_ns));
	return row;
}

static void
add_member(const struct rows *r, struct srow *to, const struct mcr_mgroup *g,
	const struct mcr_subscriber *sub, const struct forward_copies *copies)
{
	/* A peer is one member, however many hosts it reports for. */
	if (mcr_mif_param(sub->mif)->is_peer) {
		if (to->peer_done == g)
			return;
		to->peer_done = g;
	}
	to->n_members++;
	if (!r->wants_members)
		return;
	if (!to->members)
		to->members = json_array();
	show_append(to->members, member_json(r, g, sub, copies));
}

static void
collect_members(struct rows *r)
{
	struct mcr_mgroup *g = NULL;

	while ((g = mcr_member_next(r->app->member, r->info->segment, &r->info->group, g))) {
		bool is_peer = mcr_mif_param(mcr_mgroup_mif(g))->is_peer, is_counted = false;
		struct forward_copies copies = {0};
		struct mcr_subscriber sub;
		uint32_t cursor = 0;

		if (r->wants_members)
			forward_member_copies(r->app, g, &copies);
		while (mcr_mgroup_next_subscriber(g, &cursor, &sub)) {
			r->n_members += !is_peer || !is_counted;
			is_counted = true;
			if (sub.is_exclude)
				add_member(r, &r->any, g, &sub, &copies);
			for (uint32_t i = 0; !sub.is_exclude && i < sub.n_sources; i++) {
				struct srow *to = find_source(r, &sub.sources[i]);

				if (to)
					add_member(r, to, g, &sub, &copies);
			}
		}
		for (uint32_t i = 0; i < mcr_mgroup_n_sources(g); i++) {
			struct mcr_msource_info info;
			struct srow *to;

			mcr_mgroup_source_info(g, i, &info);
			to = find_source(r, &info.addr);
			if (to && !info.is_excluded)
				to->expires_s = RTE_MAX(to->expires_s, info.expires_s);
		}
	}
}

/* Sources that no member wants while others are taken. */
static json_t *
excluded_json(const struct rows *r)
{
	json_t *array = json_array();
	struct mcr_mgroup *g = NULL, *other;

	while ((g = mcr_member_next(r->app->member, r->info->segment, &r->info->group, g)))
		for (uint32_t i = 0; mcr_mgroup_is_exclude(g) && i < mcr_mgroup_n_sources(g); i++) {
			struct mcr_addr source = mcr_mgroup_source(g, i);
			bool is_wanted = false, is_told = false;
			json_t *text, *told;
			size_t k;

			for (other = NULL;
				!is_wanted && (other = mcr_member_next(r->app->member,
						       r->info->segment, &r->info->group, other));)
				is_wanted = mcr_mgroup_accepts(other, &source);
			if (is_wanted)
				continue;
			text = show_addr(&source);
			json_array_foreach (array, k, told) {
				is_told |= json_equal(told, text);
			}
			if (is_told)
				json_decref(text);
			else
				show_append(array, text);
		}
	return array;
}

/* Traffic of the (S,G) entry. */
static void
source_stat(const struct rows *r, const struct mcr_addr *source, struct forward_stat *sum)
{
	struct mcr_group_key key = {
		.group = r->info->group, .source = *source, .segment = r->info->segment};
	const struct mcr_entry *e = mcr_table_find(r->app->table, &key);
	struct mcr_group_stat all;

	memset(sum, 0, sizeof(*sum));
	if (!e)
		return;
	mcr_entry_stat_sum(r->app->table, e, &all, NULL, 0);
	*sum = (struct forward_stat){.in_packets = all.in_packets,
		.in_bytes = all.in_bytes,
		.out_packets = all.out_packets,
		.out_bytes = all.out_bytes,
		.drops = all.drops};
}

static json_t *
senders_json(const struct rows *r, const struct mcr_addr *only)
{
	struct mcr_group_source source[MAX_SENDERS];
	unsigned n = forward_group_sources(
		r->app, r->info->segment, &r->info->group, source, RTE_DIM(source));
	uint64_t now = rte_rdtsc(), hz = rte_get_tsc_hz();
	json_t *array = json_array();

	for (unsigned i = 0; i < n; i++) {
		const struct mcr_group_source *one = &source[i];
		bool is_remote = one->peer != MCR_PEER_NONE;

		if (only ? !mcr_addr_eq(&one->addr, only) : find_source(r, &one->addr) != NULL)
			continue;
		show_append(
			array, json_pack("{s:o, s:s?, s:s?, s:I, s:I, s:I}", "address",
				       show_addr(&one->addr), "port",
				       is_remote ? NULL : r->app->port[one->port].name, "peer",
				       is_remote ? r->app->peer[one->peer].name : NULL, "packets",
				       (json_int_t)one->packets, "bytes", (json_int_t)one->bytes,
				       "last_seconds",
				       (json_int_t)(now > one->last_tsc ? (now - one->last_tsc) / hz
									: 0)));
	}
	return array;
}

/* source NULL: the (*,G) row; mode NULL: nobody is there, an allow line names the group. */
static json_t *
row_json(const struct rows *r, struct srow *srow, const struct mcr_addr *source, const char *mode,
	const struct forward_stat *sum)
{
	const struct mcr_group_info *info = r->info;
	const struct app_segment *seg = &r->app->segment[info->segment];
	json_t *row = json_pack("{s:s, s:I, s:o, s:o, s:s?}", "segment", seg->name, "vni",
		(json_int_t)seg->vni, "group", show_addr(&info->group), "source",
		source ? show_addr(source) : json_null(), "mode", mode);

	json_object_set_new(
		row, "excluded_sources", mode && !source ? excluded_json(r) : json_array());
	json_object_set_new(
		row, "protocol", json_string(mcr_addr_is_v4(&info->group) ? "igmp" : "mld"));
	json_object_set_new(
		row, "protocol_version", mode ? json_integer(info->version) : json_null());
	json_object_set_new(row, "timer_seconds",
		mode ? show_left(source ? srow->expires_s : info->timer_s) : json_null());
	if (r->wants_members)
		json_object_set_new(row, "members", srow->members ? srow->members : json_array());
	else
		json_object_set_new(row, "members", json_integer(srow->n_members));
	srow->members = NULL;
	json_object_set_new(row, "uptime_seconds",
		mode ? show_since(mcr_timers_now(r->app->timers), info->since_ns) : json_null());
	json_object_set_new(row, "receive_packets", json_integer((json_int_t)sum->in_packets));
	json_object_set_new(row, "receive_bytes", json_integer((json_int_t)sum->in_bytes));
	json_object_set_new(row, "transmit_packets", json_integer((json_int_t)sum->out_packets));
	json_object_set_new(row, "transmit_bytes", json_integer((json_int_t)sum->out_bytes));
	json_object_set_new(row, "drops", json_integer((json_int_t)sum->drops));
	if (r->wants_members)
		json_object_set_new(row, "senders", senders_json(r, source));
	return row;
}

/* Returns the count of its members. */
static uint32_t
append_group(struct app *app, const struct mcr_group_info *info, bool wants_members, json_t *out)
{
	struct rows r = {.app = app, .info = info, .wants_members = wants_members};
	struct forward_stat total;
	size_t at = json_array_size(out);

	collect_sources(&r);
	collect_members(&r);
	forward_group_stat(app, info->segment, &info->group, &total);
	for (uint32_t i = 0; i < r.n_sources; i++) {
		struct forward_stat sum;

		source_stat(&r, &r.source[i].addr, &sum);
		show_append(out, row_json(&r, &r.source[i], &r.source[i].addr, "include", &sum));
		total.in_packets -= RTE_MIN(total.in_packets, sum.in_packets);
		total.in_bytes -= RTE_MIN(total.in_bytes, sum.in_bytes);
		total.out_packets -= RTE_MIN(total.out_packets, sum.out_packets);
		total.out_bytes -= RTE_MIN(total.out_bytes, sum.out_bytes);
		total.drops -= RTE_MIN(total.drops, sum.drops);
	}
	if (info->is_exclude || !r.n_sources)
		json_array_insert_new(out, at,
			row_json(&r, &r.any, NULL, info->is_exclude ? "exclude" : "include",
				&total));
	free(r.source);
	return r.n_members;
}

static void
append_idle_group(struct app *app, const struct mcr_group_info *info, void *arg)
{
	struct rows r = {.app = app, .info = info, .wants_members = true};
	struct forward_stat none = {0};
	json_t *out = arg;

	show_append(out, row_json(&r, &r.any, NULL, NULL, &none));
}

/* segment -1: all; group NULL: all. Members counted by the way. */
static json_t *
groups_json(struct app *app, int segment, const struct mcr_addr *group, bool wants_members,
	uint32_t *n_groups, uint32_t *n_members)
{
	json_t *out = json_array();
	struct mcr_group_info info;
	uint64_t cursor = 0;

	*n_groups = *n_members = 0;
	while (mcr_member_next_group(app->member, &cursor, &info)) {
		if ((segment >= 0 && info.segment != segment) ||
			(group && !mcr_addr_eq(group, &info.group)))
			continue;
		*n_members += append_group(app, &info, wants_members, out);
		++*n_groups;
	}
	return out;
}

/* --- show groups ----------------------------------------------------------------------------- */

/* Of the listing that is being printed: rows cannot tell, a host may stand in several. */
static uint32_t listed_groups, listed_members;

static void
groups_footer(struct mcr_session *s, const json_t *root)
{
	mcr_session_printf(s, "%u groups, %u members\n", listed_groups, listed_members);
}

static void
format_mode(const json_t *row, char *buf, size_t size)
{
	const char *mode = show_get_text(row, "mode");

	snprintf(buf, size, "%s", mode[0] == 'e' ? "EXCL" : mode[0] == 'i' ? "INCL" : "-");
}

static void
format_members(const json_t *row, char *buf, size_t size)
{
	const json_t *members = json_object_get(row, "members");

	snprintf(buf, size, "%" JSON_INTEGER_FORMAT,
		json_is_array(members) ? (json_int_t)json_array_size(members)
				       : json_integer_value(members));
}

/* clang-format off */
static const struct mcr_column group_columns[] = {
	{"SEGMENT", "segment", MCR_COL_TEXT, NULL},
	{"GROUP", "group", MCR_COL_TEXT, NULL},
	{"SOURCE", "source", MCR_COL_STAR, NULL},
	{"MODE", "mode", MCR_COL_TEXT, format_mode},
	{"V", "protocol_version", MCR_COL_COUNT, NULL},
	{"MEMBERS", "members", MCR_COL_COUNT, format_members},
	{"TIMER", "timer_seconds", MCR_COL_COUNT, NULL},
	{"UPTIME", "uptime_seconds", MCR_COL_DURATION, NULL},
	{"IN PKTS", "receive_packets", MCR_COL_COUNT, NULL},
	{"OUT PKTS", "transmit_packets", MCR_COL_COUNT, NULL},
	{"DROPS", "drops", MCR_COL_COUNT, NULL},
};
/* clang-format on */

static const struct mcr_listing group_listing = {
	.array = "groups",
	.columns = group_columns,
	.n_columns = RTE_DIM(group_columns),
	.empty = "0 groups",
	.footer = groups_footer,
};

static int
show_groups(struct mcr_session *s, const struct mcr_args *a, int segment)
{
	json_t *rows = groups_json(
		s->app, segment, NULL, show_is_json(s, a), &listed_groups, &listed_members);

	return mcr_render(s, a, show_rows("groups", rows), &group_listing);
}

int
run_show_groups(struct mcr_session *s, const struct mcr_args *a)
{
	return show_groups(s, a, -1);
}

int
run_show_groups_segment(struct mcr_session *s, const struct mcr_args *a)
{
	int segment = app_find_segment(s->app, a->arg[0].text);

	if (segment < 0)
		return show_refuse(s, "show segments", "no such segment \"%s\"", a->arg[0].text);
	return show_groups(s, a, segment);
}

/* --- show group ------------------------------------------------------------------------------ */

int
run_show_group(struct mcr_session *s, const struct mcr_args *a)
{
	const struct mcr_addr *group = &a->arg[0].ip;
	uint32_t n_groups, n_members;
	json_t *rows;

	if (!mcr_addr_is_multicast(group))
		return show_refuse(
			s, "show group list", "%s is not a multicast address", a->arg[0].text);
	rows = groups_json(s->app, -1, group, true, &n_groups, &n_members);
	show_each_idle_group(s->app, group, append_idle_group, rows);
	if (!json_array_size(rows)) {
		json_decref(rows);
		return show_refuse(
			s, "show group list", "no such group %s: it has no member", a->arg[0].text);
	}
	return mcr_render_page(s, a, show_rows("groups", rows), show_group_page);
}
