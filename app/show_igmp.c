/* SPDX-License-Identifier: BSD-3-Clause */
/* Membership instances: role and timers, derived intervals, messages and errors. */
#include <stdio.h>
#include <string.h>

#include "show.h"

/* The words before the numbers of an instance; a tunnel goes by its peer's name. */
static json_t *
instance_json(const struct mcr_mif *mif)
{
	return json_pack("{s:s, s:s}", "port", mcr_mif_param(mif)->name, "family", "ipv4");
}

/* --- show igmp interfaces -------------------------------------------------------------------- */

static const char *
role_of(const struct mcr_mif_param *p, const struct mcr_mif_state *state)
{
	switch (p->mode) {
	case MCR_MODE_OFF:
		return "off";
	case MCR_MODE_SNOOP:
		return "snoop";
	case MCR_MODE_QUERIER:
		break;
	}
	return state->is_querier ? "querier" : "non-querier";
}

static json_t *
interface_json(const struct app *app, const struct mcr_mif *mif)
{
	const struct mcr_mif_param *p = mcr_mif_param(mif);
	json_t *row = instance_json(mif);
	struct mcr_mif_state state;
	bool has_other;

	mcr_mif_state(mif, &state);
	has_other = state.other_querier_left_s > 0;
	json_object_set_new(row, "role", json_string(role_of(p, &state)));
	json_object_set_new(row, "querier", show_addr(&state.querier));
	json_object_set_new(row, "protocol_version", json_integer(p->version));
	json_object_set_new(row, "query_interval_seconds", json_integer(p->qi_s));
	json_object_set_new(row, "response_interval_seconds", json_integer(p->qri_s));
	json_object_set_new(row, "last_member_interval_seconds", show_ms(p->lmqi_ms));
	json_object_set_new(row, "robustness", json_integer(p->robustness));
	json_object_set_new(row, "membership_interval_seconds", json_integer(state.gmi_s));
	json_object_set_new(row, "other_querier_seconds",
		has_other ? json_integer(state.other_querier_left_s) : json_null());
	/* Tenths of a second are what anybody reads. */
	json_object_set_new(row, "next_query_seconds",
		state.next_query_ms == UINT32_MAX ? json_null()
						  : show_ms(state.next_query_ms / 100 * 100));
	json_object_set_new(row, "groups", json_integer(state.n_groups));
	json_object_set_new(row, "segment", json_string(app->segment[p->segment].name));
	json_object_set_new(
		row, "peer", p->is_peer ? json_string(app->peer[p->user >> 16].name) : json_null());
	return row;
}

/* clang-format off */
static const struct mcr_column interface_columns[] = {
	{"PORT", "port", MCR_COL_TEXT, NULL},
	{"FAMILY", "family", MCR_COL_TEXT, NULL},
	{"ROLE", "role", MCR_COL_TEXT, NULL},
	{"QUERIER", "querier", MCR_COL_TEXT, NULL},
	{"VERSION", "protocol_version", MCR_COL_COUNT, NULL},
	{"QI", "query_interval_seconds", MCR_COL_COUNT, NULL},
	{"QRI", "response_interval_seconds", MCR_COL_COUNT, NULL},
	{"LMQI", "last_member_interval_seconds", MCR_COL_COUNT, NULL},
	{"RV", "robustness", MCR_COL_COUNT, NULL},
	{"GMI", "membership_interval_seconds", MCR_COL_COUNT, NULL},
	{"OTHER-QUERIER", "other_querier_seconds", MCR_COL_COUNT, NULL},
	{"NEXT-QUERY", "next_query_seconds", MCR_COL_COUNT, NULL},
	{"GROUPS", "groups", MCR_COL_COUNT, NULL},
};
/* clang-format on */

static const struct mcr_listing interface_listing = {
	.array = "interfaces",
	.columns = interface_columns,
	.n_columns = RTE_DIM(interface_columns),
	.empty = "0 interfaces",
};

int
run_show_igmp_interfaces(struct mcr_session *s, const struct mcr_args *a)
{
	const struct app *app = s->app;
	json_t *rows = json_array();
	struct mcr_mif *mif = NULL;

	while ((mif = mcr_member_next_mif(app->member, mif)))
		show_append(rows, interface_json(app, mif));
	return mcr_render(s, a, show_rows("interfaces", rows), &interface_listing);
}

/* --- show igmp timers ------------------------------------------------------------------------ */

static json_t *
timers_json(const struct mcr_mif *mif)
{
	const struct mcr_mif_param *p = mcr_mif_param(mif);
	json_t *row = instance_json(mif);
	struct mcr_mif_state state;

	mcr_mif_state(mif, &state);
	json_object_set_new(row, "query_interval_seconds", json_integer(p->qi_s));
	json_object_set_new(row, "response_interval_seconds", json_integer(p->qri_s));
	json_object_set_new(row, "startup_query_interval_seconds", show_ms(state.startup_qi_ms));
	json_object_set_new(row, "startup_query_count", json_integer(p->robustness));
	json_object_set_new(row, "last_member_interval_seconds", show_ms(p->lmqi_ms));
	json_object_set_new(row, "last_member_count", json_integer(p->robustness));
	json_object_set_new(row, "last_member_time_seconds", show_ms(state.lmqt_ms));
	json_object_set_new(row, "membership_interval_seconds", json_integer(state.gmi_s));
	/* RFC 9776 sections 8.5 and 8.13; a host's own repeat, section 8.11, is one second. */
	json_object_set_new(row, "other_querier_present_seconds",
		show_ms((uint64_t)p->robustness * p->qi_s * 1000 + p->qri_s * UINT64_C(500)));
	json_object_set_new(row, "older_host_seconds",
		json_integer((json_int_t)p->robustness * p->qi_s + p->qri_s));
	json_object_set_new(row, "unsolicited_report_interval_seconds", json_integer(1));
	return row;
}

/* clang-format off */
static const struct mcr_column timer_columns[] = {
	{"PORT", "port", MCR_COL_TEXT, NULL},
	{"FAMILY", "family", MCR_COL_TEXT, NULL},
	{"QI", "query_interval_seconds", MCR_COL_COUNT, NULL},
	{"QRI", "response_interval_seconds", MCR_COL_COUNT, NULL},
	{"STARTUP-QI", "startup_query_interval_seconds", MCR_COL_COUNT, NULL},
	{"STARTUP-COUNT", "startup_query_count", MCR_COL_COUNT, NULL},
	{"LMQI", "last_member_interval_seconds", MCR_COL_COUNT, NULL},
	{"LMQC", "last_member_count", MCR_COL_COUNT, NULL},
	{"LMQT", "last_member_time_seconds", MCR_COL_COUNT, NULL},
	{"GMI", "membership_interval_seconds", MCR_COL_COUNT, NULL},
	{"OTHER-QUERIER-PRESENT", "other_querier_present_seconds", MCR_COL_COUNT, NULL},
	{"OLDER-HOST", "older_host_seconds", MCR_COL_COUNT, NULL},
	{"URI", "unsolicited_report_interval_seconds", MCR_COL_COUNT, NULL},
};
/* clang-format on */

static const struct mcr_listing timer_listing = {
	.array = "timers",
	.columns = timer_columns,
	.n_columns = RTE_DIM(timer_columns),
	.empty = "0 interfaces",
};

int
run_show_igmp_timers(struct mcr_session *s, const struct mcr_args *a)
{
	const struct app *app = s->app;
	json_t *rows = json_array();
	struct mcr_mif *mif = NULL;

	while ((mif = mcr_member_next_mif(app->member, mif)))
		show_append(rows, timers_json(mif));
	return mcr_render(s, a, show_rows("timers", rows), &timer_listing);
}

/* --- show igmp statistics -------------------------------------------------------------------- */

static void
append_messages(json_t *rows, const struct mcr_mif *mif)
{
	const struct mcr_mif_stat *stat = mcr_mif_stat(mif);
	const struct {
		const char *name;
		const uint64_t (*count)[4];
	} kinds[] = {
		{"query", stat->query},
		{"group-query", stat->group_query},
		{"report", stat->report},
		{"leave", stat->leave},
	};

	for (unsigned k = 0; k < RTE_DIM(kinds); k++)
		for (unsigned out = 0; out < 2; out++) {
			const uint64_t *v = kinds[k].count[out];
			json_t *row = instance_json(mif);

			json_object_set_new(row, "message", json_string(kinds[k].name));
			json_object_set_new(row, "v1", json_integer((json_int_t)v[1]));
			json_object_set_new(row, "v2", json_integer((json_int_t)v[2]));
			json_object_set_new(row, "v3", json_integer((json_int_t)v[3]));
			json_object_set_new(
				row, "count", json_integer((json_int_t)(v[1] + v[2] + v[3])));
			json_object_set_new(row, "direction", json_string(out ? "out" : "in"));
			show_append(rows, row);
		}
}

static json_t *
errors_json(const struct app *app)
{
	json_t *rows = json_array();

	for (unsigned i = 0; i < MCR_MAX_PORTS; i++) {
		struct mcr_port_stat sum;

		if (!app->port[i].is_used)
			continue;
		mcr_stat_port(i, &sum);
		for (unsigned why = 0; why < MCR_DROP_MAX; why++)
			if (sum.drop[why] && !strcmp(mcr_drop_info[why].stage, "membership"))
				show_append(rows,
					json_pack("{s:s, s:s, s:I}", "port", app->port[i].name,
						"reason", mcr_drop_info[why].reason, "count",
						(json_int_t)sum.drop[why]));
	}
	return rows;
}

/* clang-format off */
static const struct mcr_column error_columns[] = {
	{"PORT", "port", MCR_COL_TEXT, NULL},
	{"ERROR", "reason", MCR_COL_TEXT, NULL},
	{"COUNT", "count", MCR_COL_COUNT, NULL},
};
/* clang-format on */

static const struct mcr_listing error_listing = {
	.array = "errors",
	.columns = error_columns,
	.n_columns = RTE_DIM(error_columns),
	.empty = "0 errors",
};

static void
errors_footer(struct mcr_session *s, const json_t *root)
{
	json_t *copy = show_rows("errors", json_deep_copy(json_object_get(root, "errors")));

	mcr_session_printf(s, "\n");
	mcr_render(s, NULL, copy, &error_listing);
}

/* clang-format off */
static const struct mcr_column statistic_columns[] = {
	{"PORT", "port", MCR_COL_TEXT, NULL},
	{"FAMILY", "family", MCR_COL_TEXT, NULL},
	{"MESSAGE", "message", MCR_COL_TEXT, NULL},
	{"V1", "v1", MCR_COL_COUNT, NULL},
	{"V2", "v2", MCR_COL_COUNT, NULL},
	{"V3", "v3", MCR_COL_COUNT, NULL},
	{"DIRECTION", "direction", MCR_COL_TEXT, NULL},
};
/* clang-format on */

static const struct mcr_listing statistic_listing = {
	.array = "statistics",
	.columns = statistic_columns,
	.n_columns = RTE_DIM(statistic_columns),
	.empty = "0 interfaces",
	.footer = errors_footer,
};

int
run_show_igmp_statistics(struct mcr_session *s, const struct mcr_args *a)
{
	const struct app *app = s->app;
	json_t *rows = json_array(), *root;
	struct mcr_mif *mif = NULL;

	while ((mif = mcr_member_next_mif(app->member, mif)))
		append_messages(rows, mif);
	root = show_rows("statistics", rows);
	json_object_set_new(root, "errors", errors_json(app));
	return mcr_render(s, a, root, &statistic_listing);
}
