/* SPDX-License-Identifier: BSD-3-Clause */
/* The page an operator looks at first; versions, the log, the protocol clock. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_version.h>

#include "base/log.h"

#include "show.h"

/* "22.11.11" of "DPDK 22.11.11" */
static const char *
dpdk_version(void)
{
	const char *text = rte_version(), *space = strchr(text, ' ');

	return space ? space + 1 : text;
}

/* --- show status ----------------------------------------------------------------------------- */

struct port_counts {
	int up, down, pending;
};

static struct port_counts
count_ports(const struct app *app, json_t *not_up)
{
	struct port_counts n = {0};

	for (unsigned i = 0; i < MCR_MAX_PORTS; i++) {
		const struct app_port *port = &app->port[i];

		if (!port->is_used)
			continue;
		n.up += port->state == APP_PORT_UP;
		n.down += port->state == APP_PORT_DOWN;
		n.pending += port->state == APP_PORT_PENDING;
		if (port->state != APP_PORT_UP)
			show_append(not_up, json_string(port->name));
	}
	return n;
}

static void
count_peers(const struct app *app, int *reachable, int *configured)
{
	*reachable = *configured = 0;
	for (uint32_t i = 0; i < app->n_peers; i++) {
		*configured += app->peer[i].is_used;
		*reachable += app->peer[i].is_used && app->peer[i].state == APP_PEER_UP;
	}
}

/* With the highest version that one of them speaks. */
static json_t *
queriers_json(const struct app *app, int *version)
{
	json_t *names = json_array();
	struct mcr_mif *mif = NULL;

	*version = 0;
	while ((mif = mcr_member_next_mif(app->member, mif))) {
		const struct mcr_mif_param *p = mcr_mif_param(mif);
		struct mcr_mif_state state;

		mcr_mif_state(mif, &state);
		if (p->is_peer || !state.is_querier)
			continue;
		show_append(names, json_string(p->name));
		*version = RTE_MAX(*version, p->version);
	}
	return names;
}

static json_t *
warnings_json(const struct app *app)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < app->warnings.count; i++)
		show_append(array, json_string(app->warnings.item[i].text));
	return array;
}

static json_t *
workers_json(const struct app *app)
{
	static const char *const idle[] = {[MCR_IDLE_POLL] = "poll",
		[MCR_IDLE_SLEEP] = "sleep",
		[MCR_IDLE_INTERRUPT] = "interrupt"};
	struct mcr_worker_stat now = {0};
	json_t *cpus = json_array();
	double busy = 0;
	int running = 0;
	bool is_known = true;

	for (unsigned i = 0; i < app->n_workers; i++) {
		struct show_load load;

		mcr_worker_stat(app->path, i, &now);
		show_worker_load(i, &load);
		running += now.cpu >= 0;
		busy += load.busy / app->n_workers;
		is_known &= load.is_known;
		if (now.cpu >= 0)
			show_append(cpus, json_integer(now.cpu));
	}
	return json_pack("{s:i, s:i, s:o, s:s, s:o}", "running", running, "configured",
		(int)app->n_workers, "busy_ratio",
		is_known ? json_real((double)(int)(busy * 1000 + 0.5) / 1000) : json_null(), "idle",
		idle[now.idle], "cpus", cpus);
}

static uint64_t
pool_bytes(const json_t *pools)
{
	uint64_t sum = 0;
	const json_t *row;
	size_t i;

	json_array_foreach (pools, i, row) {
		sum += show_get_count(row, "bytes");
	}
	return sum;
}

/* The parts of the daemon; one that cannot do all its work now is degraded. */
static json_t *
modules_json(const struct app *app, const struct port_counts *ports, int running, int n_peers_lost)
{
	uint64_t now_ns = show_monotonic_ns();
	const struct {
		const char *name;
		bool is_degraded;
	} modules[] = {
		{"memory",
			mcr_stat_drop_last(MCR_DROP_REPL_NO_BUFFER) + 10 * MCR_NS_PER_S > now_ns &&
				mcr_stat_drop_last(MCR_DROP_REPL_NO_BUFFER)},
		{"ports", ports->pending > 0},
		{"workers", running < (int)app->n_workers},
		{"path", app->needs_publish},
		{"membership",
			mcr_member_group_count(app->member) >= show_model(app)->limit_groups &&
				app->conf.model},
		{"neighbors", false},
		{"peers", n_peers_lost > 0},
		{"control", !app->is_ready},
	};
	json_t *names = json_array();
	int n = RTE_DIM(modules), degraded;

	for (int i = 0; i < n; i++)
		if (modules[i].is_degraded)
			show_append(names, json_string(modules[i].name));
	degraded = (int)json_array_size(names);
	return json_pack("{s:i, s:i, s:o}", "ok", n - degraded, "degraded", degraded,
		"degraded_modules", names);
}

static int
count_segments(const struct app *app)
{
	int n = 0;

	for (uint32_t i = 0; i < app->n_segments; i++)
		n += app->segment[i].is_used;
	return n;
}

static uint64_t
count_drops(void)
{
	uint64_t sum = 0;

	for (unsigned why = 0; why < MCR_DROP_MAX; why++)
		sum += mcr_stat_drops(why);
	return sum;
}

/* Of the configuration, else the host's own. */
static json_t *
name_json(const struct model *m)
{
	char host[MODEL_NAME] = "";

	if (m->name[0])
		return json_string(m->name);
	gethostname(host, sizeof(host) - 1);
	host[strcspn(host, ".")] = '\0';
	return json_string(host);
}

static json_t *
status_json(const struct app *app)
{
	const struct model *m = show_model(app);
	json_t *not_up = json_array(), *pools = show_pools(app, false), *queriers, *workers, *row;
	struct port_counts ports = count_ports(app, not_up);
	uint32_t local, remote, fixed;
	int reachable, configured, version;
	json_int_t committed = time(NULL) - app->conf.committed;

	queriers = queriers_json(app, &version);
	workers = workers_json(app);
	count_peers(app, &reachable, &configured);
	mcr_member_counts(app->member, &local, &remote, &fixed);
	row = json_pack("{s:o, s:s, s:s, s:n, s:I, s:I, s:o}", "name", name_json(m), "mcr",
		MCR_VERSION, "dpdk", dpdk_version(), "ipsec_mb", "uptime_seconds",
		(json_int_t)((show_monotonic_ns() - app->start_ns) / MCR_NS_PER_S), "generation",
		(json_int_t)app->conf.generation, "committed_seconds",
		app->conf.generation ? json_integer(RTE_MAX(committed, 0)) : json_null());
	json_object_set_new(row, "memory",
		json_pack("{s:s, s:I}", "mode",
			app->plain_memory ? "plain"
			: m->memory == 2  ? "shared"
					  : "hugepages",
			"bytes", (json_int_t)pool_bytes(pools)));
	json_object_set_new(row, "ports",
		json_pack("{s:i, s:i, s:i}", "up", ports.up, "down", ports.down, "pending",
			ports.pending));
	json_object_set_new(row, "ports_not_up", not_up);
	json_object_set_new(row, "workers", workers);
	json_object_set_new(row, "pools", pools);
	json_object_set_new(row, "modules",
		modules_json(app, &ports, (int)show_get_count(workers, "running"),
			configured - reachable));
	json_object_set_new(row, "segments", json_integer(count_segments(app)));
	json_object_set_new(row, "groups", json_integer(mcr_member_group_count(app->member)));
	json_object_set_new(row, "groups_limit", json_integer(m->limit_groups));
	json_object_set_new(row, "members",
		json_pack("{s:I, s:I, s:I}", "local", (json_int_t)local, "remote",
			(json_int_t)remote, "static", (json_int_t)fixed));
	json_object_set_new(row, "peers",
		json_pack("{s:i, s:i}", "reachable", reachable, "configured", configured));
	json_object_set_new(row, "encryption", json_string("Disabled"));
	json_object_set_new(row, "queriers", queriers);
	json_object_set_new(row, "querier_version", version ? json_integer(version) : json_null());
	json_object_set_new(row, "drops", json_integer((json_int_t)count_drops()));
	json_object_set_new(row, "metrics", json_null());
	json_object_set_new(row, "warnings", warnings_json(app));
	return row;
}

static void
print_memory(struct mcr_session *s, const json_t *root)
{
	const struct app *app = s->app;
	const json_t *memory = json_object_get(root, "memory");
	const char *mode = show_get_text(memory, "mode");

	mcr_session_printf(s, "memory     %s%s, %" JSON_INTEGER_FORMAT " MB\n",
		!strcmp(mode, "plain")    ? "ordinary pages"
		: !strcmp(mode, "shared") ? "shared hugepages"
					  : "hugepages",
		app->plain_memory && !app->host.huge_free_bytes ? " (no hugepages on this host)"
								: "",
		show_get_count(memory, "bytes") >> 20);
}

static void
print_workers(struct mcr_session *s, const json_t *root)
{
	const json_t *w = json_object_get(root, "workers"), *cpus = json_object_get(w, "cpus"),
		     *cpu;
	size_t i;

	mcr_session_printf(s, "workers    %d of %d running", (int)show_get_count(w, "running"),
		(int)show_get_count(w, "configured"));
	json_array_foreach (cpus, i, cpu) {
		mcr_session_printf(s, "%s%d", i ? "," : ", CPU ", (int)json_integer_value(cpu));
	}
	if (!show_is_null(w, "busy_ratio"))
		mcr_session_printf(s, ", %.0f %% busy",
			json_number_value(json_object_get(w, "busy_ratio")) * 100);
	mcr_session_printf(s, " (idle %s)\n", show_get_text(w, "idle"));
}

static void
print_pools(struct mcr_session *s, const json_t *root)
{
	const json_t *row;
	size_t i;

	mcr_session_printf(s, "pools     ");
	json_array_foreach (json_object_get(root, "pools"), i, row) {
		mcr_session_printf(s, "%s %s %" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT "%s",
			i ? "," : "", show_get_text(row, "pool"), show_get_count(row, "used"),
			show_get_count(row, "size"), i ? "" : " used");
	}
	mcr_session_printf(s, "\n");
}

static void
print_ports(struct mcr_session *s, const json_t *root)
{
	const json_t *ports = json_object_get(root, "ports"),
		     *not_up = json_object_get(root, "ports_not_up");
	char names[512];

	mcr_session_printf(s, "ports      %d up, %d down, %d pending",
		(int)show_get_count(ports, "up"), (int)show_get_count(ports, "down"),
		(int)show_get_count(ports, "pending"));
	if (json_array_size(not_up)) {
		show_join(not_up, " ", names, sizeof(names));
		mcr_session_printf(s, " (%s)", names);
	}
	mcr_session_printf(s, "\n");
}

static void
print_members(struct mcr_session *s, const json_t *root)
{
	const json_t *members = json_object_get(root, "members"),
		     *peers = json_object_get(root, "peers"),
		     *queriers = json_object_get(root, "queriers");
	char names[512];

	mcr_session_printf(s,
		"segments   %-6dgroups %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
		"      members %" JSON_INTEGER_FORMAT " local, %" JSON_INTEGER_FORMAT
		" remote, %" JSON_INTEGER_FORMAT " static\n",
		(int)show_get_count(root, "segments"), show_get_count(root, "groups"),
		show_get_count(root, "groups_limit"), show_get_count(members, "local"),
		show_get_count(members, "remote"), show_get_count(members, "static"));
	mcr_session_printf(s, "peers      %d of %d reachable\nEncryption: %s\n",
		(int)show_get_count(peers, "reachable"), (int)show_get_count(peers, "configured"),
		show_get_text(root, "encryption"));
	show_join(queriers, " ", names, sizeof(names));
	if (json_array_size(queriers))
		mcr_session_printf(s, "querier    %s (IGMPv%d)\n", names,
			(int)show_get_count(root, "querier_version"));
	else
		mcr_session_printf(s, "querier    -\n");
}

static void
status_page(struct mcr_session *s, const json_t *root)
{
	const json_t *modules = json_object_get(root, "modules"),
		     *warnings = json_object_get(root, "warnings"), *warning;
	char up[32], ago[32], names[256];
	size_t i;

	mcr_format_duration((double)show_get_count(root, "uptime_seconds"), up, sizeof(up));
	mcr_session_printf(s, "mcrd %s on %s, DPDK %s, up %s", show_get_text(root, "mcr"),
		show_get_text(root, "name"), show_get_text(root, "dpdk"), up);
	if (show_is_null(root, "committed_seconds")) {
		mcr_session_printf(s, ", nothing configured\n");
	} else {
		mcr_format_duration(
			(double)show_get_count(root, "committed_seconds"), ago, sizeof(ago));
		mcr_session_printf(s, ", configuration %" JSON_INTEGER_FORMAT " committed %s ago\n",
			show_get_count(root, "generation"), ago);
	}
	print_memory(s, root);
	print_ports(s, root);
	print_workers(s, root);
	print_pools(s, root);
	mcr_session_printf(s, "modules    %d ok, %d degraded", (int)show_get_count(modules, "ok"),
		(int)show_get_count(modules, "degraded"));
	if (show_get_count(modules, "degraded")) {
		show_join(json_object_get(modules, "degraded_modules"), " ", names, sizeof(names));
		mcr_session_printf(s, " (%s)", names);
	}
	mcr_session_printf(s, "\n");
	print_members(s, root);
	mcr_session_printf(s, "drops      %" JSON_INTEGER_FORMAT " in total, see \"show drops\"\n",
		show_get_count(root, "drops"));
	mcr_session_printf(s, "warnings   %zu", json_array_size(warnings));
	json_array_foreach (warnings, i, warning) {
		mcr_session_printf(
			s, "%s%s", i ? "\n           " : ": ", json_string_value(warning));
	}
	mcr_session_printf(s, "\n");
}

int
run_show_status(struct mcr_session *s, const struct mcr_args *a)
{
	return mcr_render_page(s, a, status_json(s->app), status_page);
}

/* --- show version, show log, show clock ------------------------------------------------------ */

static void
version_page(struct mcr_session *s, const json_t *root)
{
	mcr_session_printf(
		s, "mcrd %s, DPDK %s\n", show_get_text(root, "mcr"), show_get_text(root, "dpdk"));
}

int
run_show_version(struct mcr_session *s, const struct mcr_args *a)
{
	return mcr_render_page(s, a,
		json_pack(
			"{s:s, s:s, s:n}", "mcr", MCR_VERSION, "dpdk", dpdk_version(), "ipsec_mb"),
		version_page);
}

static void
append_line(void *arg, const char *text)
{
	json_t *line = json_string(text);

	/* What a library wrote may be no UTF-8. */
	if (line)
		show_append(arg, line);
}

static void
log_page(struct mcr_session *s, const json_t *root)
{
	const json_t *line;
	size_t i;

	json_array_foreach (json_object_get(root, "lines"), i, line) {
		mcr_session_printf(s, "%s\n", json_string_value(line));
	}
}

int
run_show_log(struct mcr_session *s, const struct mcr_args *a)
{
	json_t *lines = json_array();

	mcr_log_tail((unsigned)a->arg[0].num, append_line, lines);
	return mcr_render_page(s, a, show_rows("lines", lines), log_page);
}

static void
clock_page(struct mcr_session *s, const json_t *root)
{
	mcr_session_printf(s, "protocol clock %.3f s, %s, warped by %g s\n",
		json_number_value(json_object_get(root, "clock_seconds")),
		show_get_text(root, "state"),
		json_number_value(json_object_get(root, "warped_seconds")));
	if (!json_is_true(json_object_get(root, "test_clock")))
		mcr_session_printf(s, "it follows real time (mcrd runs without --test-clock)\n");
}

int
run_show_clock(struct mcr_session *s, const struct mcr_args *a)
{
	const struct app *app = s->app;
	json_t *root = json_pack("{s:o, s:s, s:o, s:b}", "clock_seconds",
		show_ms(mcr_clock_now(&app->clock) / MCR_NS_PER_MS), "state",
		app->clock.stopped ? "stopped" : "running", "warped_seconds",
		show_ms(app->clock.warped_ns / MCR_NS_PER_MS), "test_clock", app->has_test_clock);

	return mcr_render_page(s, a, root, clock_page);
}
