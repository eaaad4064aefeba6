/* SPDX-License-Identifier: BSD-3-Clause */
/* Segments: who belongs to them, which groups they allow, what went through. */
#include <stdio.h>
#include <stdlib.h>

#include "show.h"

/* Sums of one segment over its groups. */
struct tally {
	uint64_t in_packets, out_packets, drops;
	uint32_t n_groups, n_members;
};

/* [n_segments], by live index; NULL when out of memory. Caller frees. */
static struct tally *
tally_segments(const struct app *app)
{
	struct tally *t = calloc(app->n_segments + 1, sizeof(*t));
	const struct mcr_entry *e;
	struct mcr_group_info info;
	uint64_t at = 0;
	uint32_t cursor = 0;

	if (!t)
		return NULL;
	while ((e = mcr_table_next(app->table, &cursor))) {
		struct mcr_group_stat sum;

		if (e->key.segment >= app->n_segments)
			continue;
		mcr_entry_stat_sum(app->table, e, &sum, NULL, 0);
		t[e->key.segment].in_packets += sum.in_packets;
		t[e->key.segment].out_packets += sum.out_packets;
		t[e->key.segment].drops += sum.drops;
	}
	while (mcr_member_next_group(app->member, &at, &info)) {
		if (info.segment >= app->n_segments)
			continue;
		t[info.segment].n_groups++;
		t[info.segment].n_members += info.n_local + info.n_remote + info.n_static;
	}
	return t;
}

static json_t *
ports_of(const struct app *app, uint16_t segment)
{
	json_t *names = json_array();
	char name[64];

	for (unsigned i = 0; i < MCR_MAX_PORTS; i++)
		for (uint32_t v = 0; app->port[i].is_used && v < app->port[i].n_vlans; v++) {
			if (app->port[i].vlan[v].segment != segment)
				continue;
			show_vlan_name(&app->port[i], &app->port[i].vlan[v], name, sizeof(name));
			show_append(names, json_string(name));
		}
	return names;
}

static json_t *
peers_of(const struct app *app, uint16_t segment)
{
	json_t *names = json_array();

	for (uint32_t i = 0; i < app->n_peers; i++)
		for (uint32_t k = 0; app->peer[i].is_used && k < app->peer[i].n_segments; k++)
			if (app->peer[i].segment[k].segment == segment)
				show_append(names, json_string(app->peer[i].name));
	return names;
}

static json_t *
prefixes_json(const struct mcr_prefix *p, uint32_t n)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < n; i++)
		if (p[i].len)
			show_append(array, show_prefix(&p[i]));
	return array;
}

static json_t *
segment_json(const struct app *app, uint16_t index, const struct tally *t)
{
	const struct app_segment *seg = &app->segment[index];
	const struct model_segment *ms = model_find_segment(show_model(app), seg->name);

	return json_pack(
		"{s:s, s:I, s:o, s:o, s:I, s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:o, "
		"s:s}",
		"segment", seg->name, "vni", (json_int_t)seg->vni, "ports", ports_of(app, index),
		"peers", peers_of(app, index), "groups", (json_int_t)t->n_groups, "members",
		(json_int_t)t->n_members, "forwarding", "bridged", "rpf", "off", "policy", "open",
		"receive_packets", (json_int_t)t->in_packets, "transmit_packets",
		(json_int_t)t->out_packets, "drops", (json_int_t)t->drops, "addresses",
		prefixes_json(ms ? ms->address : NULL, ms ? 2 : 0), "allow",
		prefixes_json(ms ? ms->allow : NULL, ms ? ms->n_allow : 0), "deny",
		prefixes_json(ms ? ms->deny : NULL, ms ? ms->n_deny : 0), "unknown",
		ms && ms->flood_unknown ? "flood" : "drop");
}

static void
format_ports(const json_t *row, char *buf, size_t size)
{
	snprintf(buf, size, "%zu", json_array_size(json_object_get(row, "ports")));
}

static void
format_peers(const json_t *row, char *buf, size_t size)
{
	snprintf(buf, size, "%zu", json_array_size(json_object_get(row, "peers")));
}

/* clang-format off */
static const struct mcr_column segment_columns[] = {
	{"SEGMENT", "segment", MCR_COL_TEXT, NULL},
	{"VNI", "vni", MCR_COL_COUNT, NULL},
	{"PORTS", "ports", MCR_COL_COUNT, format_ports},
	{"PEERS", "peers", MCR_COL_COUNT, format_peers},
	{"GROUPS", "groups", MCR_COL_COUNT, NULL},
	{"MEMBERS", "members", MCR_COL_COUNT, NULL},
	{"FORWARDING", "forwarding", MCR_COL_TEXT, NULL},
	{"RPF", "rpf", MCR_COL_TEXT, NULL},
	{"POLICY", "policy", MCR_COL_TEXT, NULL},
	{"IN-PKTS", "receive_packets", MCR_COL_COUNT, NULL},
	{"OUT-PKTS", "transmit_packets", MCR_COL_COUNT, NULL},
	{"DROPS", "drops", MCR_COL_COUNT, NULL},
};
/* clang-format on */

static const struct mcr_listing segment_listing = {
	.array = "segments",
	.columns = segment_columns,
	.n_columns = RTE_DIM(segment_columns),
	.empty = "0 segments",
};

int
run_show_segments(struct mcr_session *s, const struct mcr_args *a)
{
	const struct app *app = s->app;
	struct tally *t = tally_segments(app);
	json_t *rows;

	if (!t)
		return show_refuse(s, "show memory", "out of memory");
	rows = json_array();
	for (uint32_t i = 0; i < app->n_segments; i++)
		if (app->segment[i].is_used)
			show_append(rows, segment_json(app, i, &t[i]));
	free(t);
	return mcr_render(s, a, show_rows("segments", rows), &segment_listing);
}

static void
print_list(struct mcr_session *s, const json_t *row, const char *head, const char *key,
	const char *none)
{
	const json_t *array = json_object_get(row, key), *item;
	size_t i;

	mcr_session_printf(s, "%s:", head);
	if (!json_array_size(array))
		mcr_session_printf(s, " %s", none);
	json_array_foreach (array, i, item) {
		mcr_session_printf(s, "%s %s", i ? "," : "", json_string_value(item));
	}
	mcr_session_printf(s, "\n");
}

static void
segment_page(struct mcr_session *s, const json_t *root)
{
	const json_t *row = json_array_get(json_object_get(root, "segments"), 0);

	mcr_session_printf(s, "Segment: %s\nVNI: %d\n", show_get_text(row, "segment"),
		(int)show_get_count(row, "vni"));
	print_list(s, row, "Ports", "ports", "-");
	print_list(s, row, "Peers", "peers", "-");
	print_list(s, row, "Addresses", "addresses", "-");
	print_list(s, row, "Allowed", "allow", "every multicast group");
	print_list(s, row, "Denied", "deny", "-");
	mcr_session_printf(s, "Unknown groups: %s\n", show_get_text(row, "unknown"));
	mcr_session_printf(s, "Forwarding: %s, source check %s, policy %s\n",
		show_get_text(row, "forwarding"), show_get_text(row, "rpf"),
		show_get_text(row, "policy"));
	mcr_session_printf(s,
		"Groups: %" JSON_INTEGER_FORMAT ", members %" JSON_INTEGER_FORMAT "\n",
		show_get_count(row, "groups"), show_get_count(row, "members"));
	mcr_session_printf(s,
		"Packets: %" JSON_INTEGER_FORMAT " in, %" JSON_INTEGER_FORMAT
		" copies out, %" JSON_INTEGER_FORMAT " dropped\n",
		show_get_count(row, "receive_packets"), show_get_count(row, "transmit_packets"),
		show_get_count(row, "drops"));
}

int
run_show_segment(struct mcr_session *s, const struct mcr_args *a)
{
	const struct app *app = s->app;
	int index = app_find_segment(app, a->arg[0].text);
	struct tally *t;
	json_t *rows;

	if (index < 0)
		return show_refuse(s, "show segments", "no such segment \"%s\"", a->arg[0].text);
	t = tally_segments(app);
	if (!t)
		return show_refuse(s, "show memory", "out of memory");
	rows = json_array();
	show_append(rows, segment_json(app, index, &t[index]));
	free(t);
	return mcr_render_page(s, a, show_rows("segments", rows), segment_page);
}
