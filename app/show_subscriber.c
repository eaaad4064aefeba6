/* SPDX-License-Identifier: BSD-3-Clause */
/* The short listings: group addresses, and who subscribed to them. */
#include <stdlib.h>
#include <string.h>

#include "show.h"

void
show_each_idle_group(struct app *app, const struct mcr_addr *group,
	void (*fn)(struct app *app, const struct mcr_group_info *info, void *arg), void *arg)
{
	const struct model *m = show_model(app);

	for (uint32_t i = 0; i < app->n_segments; i++) {
		const struct model_segment *ms;

		if (!app->segment[i].is_used)
			continue;
		ms = model_find_segment(m, app->segment[i].name);
		for (uint32_t k = 0; ms && k < ms->n_allow; k++) {
			struct mcr_group_info info = {.segment = i, .group = ms->allow[k].addr};

			if (ms->allow[k].len == 128 && mcr_addr_is_multicast(&info.group) &&
				(!group || mcr_addr_eq(group, &info.group)) &&
				forward_is_allowed(app, i, &info.group) &&
				!mcr_member_next(app->member, i, &info.group, NULL))
				fn(app, &info, arg);
		}
	}
}

/* --- show group list ------------------------------------------------------------------------- */

struct addresses {
	struct mcr_addr *item;
	uint32_t n, max;
};

static void
add_address(struct app *app, const struct mcr_group_info *info, void *arg)
{
	struct addresses *list = arg;

	if (list->n == list->max) {
		uint32_t more = list->max ? list->max * 2 : 64;
		struct mcr_addr *bigger = realloc(list->item, more * sizeof(*bigger));

		if (!bigger)
			return;
		list->item = bigger;
		list->max = more;
	}
	list->item[list->n++] = info->group;
}

static int
address_order(const void *a, const void *b)
{
	return mcr_addr_cmp(a, b);
}

static const struct mcr_column list_columns[] = {
	{"Group Address", "group", MCR_COL_TEXT, NULL},
};

static const struct mcr_listing address_listing = {
	.array = "groups",
	.columns = list_columns,
	.n_columns = RTE_DIM(list_columns),
	.empty = "0 groups",
};

int
run_show_group_list(struct mcr_session *s, const struct mcr_args *a)
{
	struct app *app = s->app;
	struct addresses list = {0};
	json_t *rows = json_array();
	struct mcr_group_info info;
	uint64_t cursor = 0;

	while (mcr_member_next_group(app->member, &cursor, &info))
		add_address(app, &info, &list);
	show_each_idle_group(app, NULL, add_address, &list);
	if (list.n)
		qsort(list.item, list.n, sizeof(*list.item), address_order);
	/* A group of two segments is one address. */
	for (uint32_t i = 0; i < list.n; i++)
		if (!i || !mcr_addr_eq(&list.item[i], &list.item[i - 1]))
			show_append(rows, json_pack("{s:o}", "group", show_addr(&list.item[i])));
	free(list.item);
	return mcr_render(s, a, show_rows("groups", rows), &address_listing);
}

/* --- show subscriber list -------------------------------------------------------------------- */

/* A row and what it is sorted by: group, then address; a static local member comes by its port. */
struct line {
	struct mcr_addr group, subscriber;
	const char *port;
	json_t *row;
};

struct lines {
	struct line *item;
	uint32_t n, max;
	bool wants_all; /* columns */
};

static void
add_line(struct lines *list, const struct line *line)
{
	if (list->n == list->max) {
		uint32_t more = list->max ? list->max * 2 : 64;
		struct line *bigger = realloc(list->item, more * sizeof(*bigger));

		if (!bigger) {
			json_decref(line->row);
			return;
		}
		list->item = bigger;
		list->max = more;
	}
	list->item[list->n++] = *line;
}

static int
line_order(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int order = mcr_addr_cmp(&x->group, &y->group);

	if (order)
		return order;
	if (!x->port != !y->port)
		return x->port ? 1 : -1;
	if (x->port)
		return strcmp(x->port, y->port);
	return mcr_addr_cmp(&x->subscriber, &y->subscriber);
}

static json_t *
sources_json(const struct mcr_subscriber *sub)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < sub->n_sources; i++)
		show_append(array, show_addr(&sub->sources[i]));
	return array;
}

/* sub NULL: a group without subscribers. */
static void
put_details(struct app *app, json_t *row, uint16_t segment, const struct mcr_mgroup *g,
	const struct mcr_subscriber *sub)
{
	const struct mcr_mif_param *p = sub ? mcr_mif_param(sub->mif) : NULL;
	struct forward_copies copies = {0};

	if (sub)
		forward_member_copies(app, g, &copies);
	json_object_set_new(row, "segment", json_string(app->segment[segment].name));
	json_object_set_new(row, "port", p && !p->is_peer ? json_string(p->name) : json_null());
	json_object_set_new(row, "peer",
		p && p->is_peer ? json_string(app->peer[p->user >> 16].name) : json_null());
	json_object_set_new(
		row, "protocol_version", sub ? json_integer(sub->version) : json_null());
	json_object_set_new(row, "mode",
		sub ? json_string(sub->is_exclude ? "exclude" : "include") : json_null());
	json_object_set_new(row, "sources", sub ? sources_json(sub) : json_array());
	json_object_set_new(row, "age_seconds",
		sub ? show_since(mcr_timers_now(app->timers), sub->since_ns) : json_null());
	json_object_set_new(row, "expires_seconds", sub ? show_left(sub->expires_s) : json_null());
	json_object_set_new(row, "packets", json_integer((json_int_t)copies.packets));
	json_object_set_new(row, "bytes", json_integer((json_int_t)copies.bytes));
}

static void
add_subscriber(struct app *app, struct lines *list, const struct mcr_group_info *info,
	const struct mcr_mgroup *g, const struct mcr_subscriber *sub)
{
	const struct mcr_mif_param *p = mcr_mif_param(sub->mif);
	struct line line = {.group = info->group};

	if (p->is_peer)
		line.subscriber = app->peer[p->user >> 16].address;
	else if (sub->is_static)
		line.port = p->name;
	else
		line.subscriber = sub->host;
	line.row = json_pack("{s:o, s:o, s:s}", "group", show_addr(&info->group), "subscriber",
		line.port ? json_string(line.port) : show_addr(&line.subscriber), "type",
		p->is_peer ? "Remote Node" : "Local Endpoint");
	if (list->wants_all)
		put_details(app, line.row, info->segment, g, sub);
	add_line(list, &line);
}

/*
 * What a peer reports for all hosts behind it, as one subscriber: the longest lived of them, in
 * the mode of the whole.
 */
static bool
merge_peer(const struct mcr_mgroup *g, struct mcr_subscriber *merged)
{
	struct mcr_subscriber sub;
	uint32_t cursor = 0;
	bool is_first = true;

	while (mcr_mgroup_next_subscriber(g, &cursor, &sub)) {
		if (is_first) {
			*merged = sub;
			is_first = false;
			continue;
		}
		/* A host that takes any source counts for more than one that lists some. */
		if (sub.is_exclude && !merged->is_exclude) {
			merged->is_exclude = true;
			merged->sources = sub.sources;
			merged->n_sources = sub.n_sources;
		}
		merged->since_ns = RTE_MIN(merged->since_ns, sub.since_ns);
		merged->expires_s = RTE_MAX(merged->expires_s, sub.expires_s);
		merged->version = RTE_MIN(merged->version, sub.version);
	}
	return !is_first;
}

static void
add_empty(struct app *app, const struct mcr_group_info *info, void *arg)
{
	struct lines *list = arg;
	struct line line = {.group = info->group};

	line.row = json_pack(
		"{s:o, s:n, s:n}", "group", show_addr(&info->group), "subscriber", "type");
	if (list->wants_all)
		put_details(app, line.row, info->segment, NULL, NULL);
	add_line(list, &line);
}

static void
add_subscribers(struct app *app, struct lines *list, const struct mcr_group_info *info)
{
	struct mcr_mgroup *g = NULL;
	uint32_t before = list->n;

	while ((g = mcr_member_next(app->member, info->segment, &info->group, g))) {
		struct mcr_subscriber sub;
		uint32_t cursor = 0;

		if (mcr_mif_param(mcr_mgroup_mif(g))->is_peer) {
			if (merge_peer(g, &sub))
				add_subscriber(app, list, info, g, &sub);
			continue;
		}
		while (mcr_mgroup_next_subscriber(g, &cursor, &sub))
			add_subscriber(app, list, info, g, &sub);
	}
	/* Its timers run although nobody is known any more. */
	if (list->n == before)
		add_empty(app, info, list);
}

/* A group without subscribers has an empty cell there, not a dash. */
static void
format_subscriber(const json_t *row, char *buf, size_t size)
{
	snprintf(buf, size, "%s",
		show_is_null(row, "subscriber") ? "" : show_get_text(row, "subscriber"));
}

static void
format_type(const json_t *row, char *buf, size_t size)
{
	snprintf(buf, size, "%s", show_is_null(row, "type") ? "" : show_get_text(row, "type"));
}

/* clang-format off */
static const struct mcr_column subscriber_columns[] = {
	{"Group", "group", MCR_COL_TEXT, NULL},
	{"Subscriber", "subscriber", MCR_COL_TEXT, format_subscriber},
	{"Type", "type", MCR_COL_TEXT, format_type},
	/* with detail */
	{"Segment", "segment", MCR_COL_TEXT, NULL},
	{"Port", "port", MCR_COL_TEXT, NULL},
	{"Peer", "peer", MCR_COL_TEXT, NULL},
	{"Version", "protocol_version", MCR_COL_COUNT, NULL},
	{"Mode", "mode", MCR_COL_TEXT, NULL},
	{"Sources", "sources", MCR_COL_TEXT, NULL},
	{"Age", "age_seconds", MCR_COL_DURATION, NULL},
	{"Expiry", "expires_seconds", MCR_COL_COUNT, NULL},
	{"Packets", "packets", MCR_COL_COUNT, NULL},
	{"Bytes", "bytes", MCR_COL_COUNT, NULL},
};
/* clang-format on */

static const struct mcr_listing short_listing = {
	.array = "subscribers",
	.columns = subscriber_columns,
	.n_columns = 3,
	.empty = "0 subscribers",
};

static const struct mcr_listing detail_listing = {
	.array = "subscribers",
	.columns = subscriber_columns,
	.n_columns = RTE_DIM(subscriber_columns),
	.empty = "0 subscribers",
};

static int
show_subscribers(struct mcr_session *s, const struct mcr_args *a, const struct mcr_addr *group,
	const struct mcr_listing *listing)
{
	struct app *app = s->app;
	struct lines list = {.wants_all = listing == &detail_listing || show_is_json(s, a)};
	json_t *rows = json_array();
	struct mcr_group_info info;
	uint64_t cursor = 0;

	while (mcr_member_next_group(app->member, &cursor, &info))
		if (!group || mcr_addr_eq(group, &info.group))
			add_subscribers(app, &list, &info);
	show_each_idle_group(app, group, add_empty, &list);
	if (list.n)
		qsort(list.item, list.n, sizeof(*list.item), line_order);
	for (uint32_t i = 0; i < list.n; i++)
		show_append(rows, list.item[i].row);
	free(list.item);
	return mcr_render(s, a, show_rows("subscribers", rows), listing);
}

int
run_show_subscribers(struct mcr_session *s, const struct mcr_args *a)
{
	return show_subscribers(s, a, NULL, &short_listing);
}

int
run_show_subscribers_detail(struct mcr_session *s, const struct mcr_args *a)
{
	return show_subscribers(s, a, NULL, &detail_listing);
}

int
run_show_subscribers_group(struct mcr_session *s, const struct mcr_args *a)
{
	if (!mcr_addr_is_multicast(&a->arg[0].ip))
		return show_refuse(
			s, "show group list", "%s is not a multicast address", a->arg[0].text);
	return show_subscribers(s, a, &a->arg[0].ip, &short_listing);
}
