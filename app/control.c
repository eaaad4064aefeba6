/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions: editing lines, batches, save and load, and the commands of the console itself. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "base/log.h"
#include "cli/file.h"
#include "cli/render.h"

#include "app.h"

/* The batch of one session; s->user. NULL: no batch. */
struct batch {
	struct mcr_lines *lines;
	uint64_t based_on;
};

static struct app *
app_of(struct mcr_session *s)
{
	return s->app;
}

static void
end_batch(struct mcr_session *s)
{
	struct batch *b = s->user;

	if (!b)
		return;
	mcr_lines_free(b->lines);
	free(b);
	s->user = NULL;
}

void
app_session_closed(struct mcr_session *s)
{
	end_batch(s);
}

void
app_prompt(struct mcr_session *s, char *buf, size_t size)
{
	const struct model *m = app_of(s)->conf.model;

	snprintf(buf, size, "%s%s# ", m ? m->name : "mcr", s->user ? "(batch)" : "");
}

void
app_names(void *arg, const char *kind, void (*each)(void *ctx, const char *name), void *ctx)
{
	const struct app *app = arg;
	const struct model *m = app->conf.model;

	if (!m)
		return;
	if (!strcmp(kind, "port") || !strcmp(kind, "port-or-all"))
		for (uint32_t i = 0; i < m->n_ports; i++)
			each(ctx, m->port[i].name);
	if (!strcmp(kind, "port-or-all"))
		each(ctx, "all");
	if (!strcmp(kind, "segment"))
		for (uint32_t i = 0; i < m->n_segments; i++)
			each(ctx, m->segment[i].name);
	if (!strcmp(kind, "peer"))
		for (uint32_t i = 0; i < m->n_peers; i++)
			each(ctx, m->peer[i].name);
	if (!strcmp(kind, "type")) {
		each(ctx, "all");
		for (unsigned i = 0; i < MCR_LOGTYPE_MAX; i++)
			each(ctx, mcr_log_type_name(i));
	}
}

/* --- commit --------------------------------------------------------------------------------- */

static void
keep_warnings(struct app *app, const struct mcr_errs *errs)
{
	mcr_errs_fini(&app->warnings);
	for (unsigned i = 0; i < errs->count; i++)
		if (errs->item[i].severity == MCR_WARNING) {
			struct mcr_err *w =
				mcr_errs_add(&app->warnings, MCR_WARNING, "%s", errs->item[i].text);

			mcr_err_fix(w, "%s", errs->item[i].fix);
		}
}

int
app_commit(struct app *app, struct mcr_lines *lines, uint64_t based_on, struct mcr_errs *errs)
{
	int ret = mcr_conf_commit(&app->conf, lines, based_on, errs);

	if (ret) {
		mcr_lines_free(lines);
		return MCR_REFUSED;
	}
	keep_warnings(app, errs);
	event_emit(app, "commit", ",\"generation\":%llu", (unsigned long long)app->conf.generation);
	return MCR_OK;
}

/* Object names that a line's placeholders refer to: does one of them mean `kind` `name`? */
static bool
line_names(const struct mcr_line *line, const char *kind, const char *name)
{
	const struct mcr_args *a = line->data;
	const char *syntax = a->cmd->syntax;
	char want[64], want_all[64];
	unsigned i = 0;

	snprintf(want, sizeof(want), "<word:%s>", kind);
	snprintf(want_all, sizeof(want_all), "<word:%s-or-all>", kind);
	for (const char *w = syntax; *w && i < a->n;) {
		size_t len = strcspn(w, " ");
		bool is_slot = *w == '<' || memchr(w, '|', len);
		bool is_kind = (len == strlen(want) && !memcmp(w, want, len)) ||
		               (len == strlen(want_all) && !memcmp(w, want_all, len));

		if (is_kind && !strcmp(a->arg[i].text, name))
			return true;
		i += is_slot;
		w += len;
		w += strspn(w, " ");
	}
	return false;
}

/*
 * An object goes with the lines that set it (and the IGMP lines of a port); it stays when other
 * objects' lines name it.
 */
static int
delete_object(
	struct mcr_lines *lines, const struct mcr_args *a, const char *key, struct mcr_errs *errs)
{
	static const char *const kinds[] = {"port", "segment", "peer"};
	const char *name = a->n ? a->arg[0].text : "";
	char igmp[MCR_LINE_MAX + 1], users[200] = "", first[160] = "";

	snprintf(igmp, sizeof(igmp), "igmp %.31s", name);
	for (unsigned k = 0; k < RTE_DIM(kinds); k++) {
		size_t len = strlen(kinds[k]);

		if (strncmp(key, kinds[k], len) || key[len] != ' ')
			continue;
		for (uint32_t i = 0; i < mcr_lines_count(lines); i++) {
			const struct mcr_line *line = mcr_lines_at(lines, i);
			size_t own = strlen(key);
			bool is_own = !strncmp(line->key, key, own) &&
			              (line->key[own] == ' ' || !line->key[own]);
			bool is_igmp = k == 0 && !strncmp(line->key, igmp, strlen(igmp)) &&
			               line->key[strlen(igmp)] == ' ';

			if (!is_own && !is_igmp && line_names(line, kinds[k], name)) {
				if (!first[0])
					snprintf(first, sizeof(first), "%.159s", line->key);
				snprintf(users + strlen(users), sizeof(users) - strlen(users),
					"%s%.60s", users[0] ? ", " : "", line->key);
			}
		}
		if (users[0]) {
			mcr_err_fix(mcr_errs_add(errs, MCR_ERROR, "%s %s: still named by %s",
					    kinds[k], name, users),
				"del %s", first);
			return -EBUSY;
		}
		if (k == 0)
			mcr_lines_del_tree(lines, igmp);
		mcr_lines_del_tree(lines, key);
		return 0;
	}
	return mcr_lines_del(lines, key);
}

static int
edit_lines(struct mcr_lines *lines, const struct mcr_args *a, struct mcr_errs *errs)
{
	char key[MCR_LINE_MAX + 1], text[MCR_LINE_MAX + 1];
	struct mcr_line line = {.row = a->row,
		.key = key,
		.text = text,
		.file = "",
		.data = a,
		.data_size = offsetof(struct mcr_args, arg) + a->n * sizeof(a->arg[0])};

	mcr_args_key(a, key);
	if (a->is_del) {
		if (!mcr_lines_get(lines, key)) {
			mcr_err_fix(mcr_errs_add(errs, MCR_ERROR, "%s: no such line", key),
				"show config");
			return -ENOENT;
		}
		return !strncmp(a->cmd->syntax, "add ", 4) ? delete_object(lines, a, key, errs)
		                                           : mcr_lines_del(lines, key);
	}
	mcr_args_line(a, text);
	if (mcr_lines_put(lines, &line))
		return 0;
	mcr_errs_add(errs, MCR_ERROR, "configuration: out of memory");
	return -ENOMEM;
}

int
app_edit(struct mcr_session *s, const struct mcr_args *a, struct mcr_errs *errs)
{
	struct app *app = app_of(s);
	struct batch *b = s->user;
	struct mcr_lines *lines;

	if (b)
		return edit_lines(b->lines, a, errs) ? MCR_REFUSED : MCR_OK;
	lines = mcr_lines_copy(app->conf.lines);
	if (!lines || edit_lines(lines, a, errs)) {
		mcr_lines_free(lines);
		return MCR_REFUSED;
	}
	return app_commit(app, lines, app->conf.generation, errs);
}

int
run_begin(struct mcr_session *s, const struct mcr_args *a)
{
	struct batch *b;

	if (s->user) {
		mcr_err_fix(
			mcr_session_error(s, "begin: a batch is open already"), "commit, or abort");
		return MCR_REFUSED;
	}
	b = calloc(1, sizeof(*b));
	if (b)
		b->lines = mcr_lines_copy(app_of(s)->conf.lines);
	if (!b || !b->lines) {
		free(b);
		mcr_session_error(s, "begin: out of memory");
		return MCR_INTERNAL;
	}
	b->based_on = app_of(s)->conf.generation;
	s->user = b;
	return MCR_OK;
}

static struct batch *
need_batch(struct mcr_session *s, const char *what)
{
	if (!s->user)
		mcr_err_fix(mcr_session_error(s, "%s: no batch is open", what), "begin");
	return s->user;
}

int
run_commit(struct mcr_session *s, const struct mcr_args *a)
{
	struct batch *b = need_batch(s, "commit");
	struct mcr_lines *copy;
	int ret;

	if (!b)
		return MCR_REFUSED;
	/* A refused batch stays open, to be repaired. */
	copy = mcr_lines_copy(b->lines);
	if (!copy) {
		mcr_session_error(s, "commit: out of memory");
		return MCR_INTERNAL;
	}
	ret = app_commit(app_of(s), copy, b->based_on, &s->errs);
	if (ret == MCR_OK)
		end_batch(s);
	return ret;
}

int
run_commit_check(struct mcr_session *s, const struct mcr_args *a)
{
	struct batch *b = need_batch(s, "commit check");

	if (!b)
		return MCR_REFUSED;
	return mcr_conf_check(&app_of(s)->conf, b->lines, &s->errs) ? MCR_REFUSED : MCR_OK;
}

int
run_abort(struct mcr_session *s, const struct mcr_args *a)
{
	if (!need_batch(s, "abort"))
		return MCR_REFUSED;
	end_batch(s);
	return MCR_OK;
}

/* --- files ---------------------------------------------------------------------------------- */

static void
take_line(void *arg, const struct mcr_args *a, const char *file, unsigned line_no)
{
	char key[MCR_LINE_MAX + 1], text[MCR_LINE_MAX + 1];
	struct mcr_line line = {.row = a->row,
		.key = key,
		.text = text,
		.file = file,
		.line_no = line_no,
		.data = a,
		.data_size = offsetof(struct mcr_args, arg) + a->n * sizeof(a->arg[0])};

	mcr_args_key(a, key);
	mcr_args_line(a, text);
	mcr_lines_put(arg, &line);
}

struct mcr_lines *
app_read_file(struct app *app, const char *path, struct mcr_errs *errs)
{
	struct mcr_lines *lines = mcr_lines_create();

	if (!lines) {
		mcr_errs_add(errs, MCR_ERROR, "configuration: out of memory");
		return NULL;
	}
	if (mcr_file_read(app->syntax, path, take_line, lines, errs)) {
		/* What was understood is still checked, so that all errors come at once. */
		mcr_conf_check(&app->conf, lines, errs);
		mcr_lines_free(lines);
		return NULL;
	}
	return lines;
}

static int
load(struct mcr_session *s, const char *path, bool check_only)
{
	struct app *app = app_of(s);
	struct mcr_lines *lines = app_read_file(app, path, &s->errs);
	struct batch *b = s->user;
	int ret;

	if (!lines)
		return MCR_BAD_CONFIG;
	if (check_only) {
		ret = mcr_conf_check(&app->conf, lines, &s->errs);
		mcr_lines_free(lines);
		return ret ? MCR_BAD_CONFIG : MCR_OK;
	}
	if (b) {
		mcr_lines_free(b->lines);
		b->lines = lines;
		return MCR_OK;
	}
	ret = app_commit(app, lines, app->conf.generation, &s->errs);
	return ret == MCR_OK ? MCR_OK : MCR_BAD_CONFIG;
}

int
run_load(struct mcr_session *s, const struct mcr_args *a)
{
	return load(s, a->arg[0].text, false);
}

int
run_load_check(struct mcr_session *s, const struct mcr_args *a)
{
	return load(s, a->arg[0].text, true);
}

static const char *
need_file(struct mcr_session *s, const char *what)
{
	if (!app_of(s)->conf_file)
		mcr_err_fix(mcr_session_error(s, "%s: mcrd was started without a file", what),
			"%s PATH", what[0] == 's' ? "save" : "load");
	return app_of(s)->conf_file;
}

int
run_reload(struct mcr_session *s, const struct mcr_args *a)
{
	const char *path = need_file(s, "reload");

	return path ? load(s, path, false) : MCR_REFUSED;
}

static int
save(struct mcr_session *s, const char *path)
{
	struct batch *b = s->user;
	int ret = mcr_lines_save(app_of(s)->conf.lines, path);

	if (ret) {
		mcr_session_error(
			s, "save %s: %s; the old file is as it was", path, strerror(-ret));
		return MCR_REFUSED;
	}
	if (b)
		mcr_errs_add(&s->errs, MCR_WARNING,
			"save: the running configuration was written, not the open batch");
	return MCR_OK;
}

int
run_save(struct mcr_session *s, const struct mcr_args *a)
{
	const char *path = need_file(s, "save");

	return path ? save(s, path) : MCR_REFUSED;
}

int
run_save_path(struct mcr_session *s, const struct mcr_args *a)
{
	return save(s, a->arg[0].text);
}

/* --- show config ----------------------------------------------------------------------------- */

static int
show_text(struct mcr_session *s, const struct mcr_args *a, const char *key, char *text)
{
	json_t *root, *rows;

	if (!text) {
		mcr_session_error(s, "show config: out of memory");
		return MCR_INTERNAL;
	}
	if (!a->json && !s->json) {
		mcr_session_write(s, text, strlen(text));
		free(text);
		return MCR_OK;
	}
	root = json_object();
	rows = json_array();
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		json_array_append_new(rows, json_string(line));
	json_object_set_new(root, key, rows);
	free(text);
	return mcr_render_page(s, a, root, NULL);
}

int
run_show_config(struct mcr_session *s, const struct mcr_args *a)
{
	return show_text(s, a, "config", mcr_lines_text(app_of(s)->conf.lines));
}

int
run_show_config_candidate(struct mcr_session *s, const struct mcr_args *a)
{
	struct batch *b = need_batch(s, "show config candidate");

	return b ? show_text(s, a, "config", mcr_lines_text(b->lines)) : MCR_REFUSED;
}

int
run_show_config_diff(struct mcr_session *s, const struct mcr_args *a)
{
	struct batch *b = need_batch(s, "show config diff");

	return b ? show_text(s, a, "diff", mcr_lines_diff(app_of(s)->conf.lines, b->lines))
	         : MCR_REFUSED;
}

/* --- the console itself ---------------------------------------------------------------------- */

/* The syntax as it is typed: without the mark of the key. */
static void
print_help(struct mcr_session *s, const struct mcr_command *c)
{
	char line[256];
	size_t n = 0;

	for (const char *p = c->syntax; *p && n < sizeof(line) - 1; p++)
		if (*p != '~')
			line[n++] = *p;
		else if (p[1] == ' ')
			p++;
	while (n && line[n - 1] == ' ')
		n--;
	line[n] = '\0';
	mcr_session_printf(s, "%s\n        %s\n", line, c->help);
}

int
run_help(struct mcr_session *s, const struct mcr_args *a)
{
	mcr_session_printf(s,
		"One line is one command. TAB completes; \"del\" with the words of an "
		"add or set line undoes it.\n\n");
	for (unsigned i = 0; i < app_n_commands; i++)
		print_help(s, &app_commands[i]);
	return MCR_OK;
}

int
run_help_topic(struct mcr_session *s, const struct mcr_args *a)
{
	const char *topic = a->arg[0].text;
	unsigned found = 0;

	for (unsigned i = 0; i < app_n_commands; i++) {
		const char *syntax = app_commands[i].syntax;
		const char *second = strchr(syntax, ' ');
		size_t len = strlen(topic);

		if (strncmp(syntax, topic, len) && (!second || strncmp(second + 1, topic, len)))
			continue;
		print_help(s, &app_commands[i]);
		found++;
	}
	if (found)
		return MCR_OK;
	mcr_err_fix(
		mcr_session_error(s, "help %s: no command starts with that word", topic), "help");
	return MCR_REFUSED;
}

int
run_quit(struct mcr_session *s, const struct mcr_args *a)
{
	if (s->user)
		mcr_errs_add(&s->errs, MCR_WARNING, "quit: the open batch is dropped");
	s->quit = true;
	return MCR_OK;
}

int
run_shutdown(struct mcr_session *s, const struct mcr_args *a)
{
	app_of(s)->is_stopping = true;
	mcr_loop_stop(app_of(s)->loop);
	return MCR_OK;
}

/* --- the test clock -------------------------------------------------------------------------- */

static bool
may_touch_clock(struct mcr_session *s)
{
	if (!app_of(s)->has_test_clock)
		mcr_err_fix(mcr_session_error(s, "clock: this mcrd runs on real time"),
			"mcrd --test-clock");
	return app_of(s)->has_test_clock;
}

static int
warp(struct mcr_session *s, uint64_t ns)
{
	struct app *app = app_of(s);

	if (!may_touch_clock(s))
		return MCR_REFUSED;
	mcr_neigh_hold(app->neigh, true);
	/* Rings are small: let the workers send between slices of a long way. */
	while (ns) {
		uint64_t step = RTE_MIN(ns, MCR_NS_PER_S);

		mcr_timers_warp(app->timers, step);
		app_turn(app);
		for (unsigned i = 0; i < 1000 && app->n_held; i++) {
			rte_delay_us_sleep(100);
			app_turn(app);
		}
		if (mcr_inject_drain(app->path, 1000)) {
			mcr_session_error(s, "clock warp: a worker does not send");
			break;
		}
		ns -= step;
	}
	mcr_neigh_hold(app->neigh, false);
	return ns ? MCR_INTERNAL : MCR_OK;
}

int
run_clock_warp(struct mcr_session *s, const struct mcr_args *a)
{
	return warp(s, a->arg[0].num * MCR_NS_PER_S);
}

int
run_clock_warp_ms(struct mcr_session *s, const struct mcr_args *a)
{
	return warp(s, a->arg[0].num * MCR_NS_PER_MS);
}

int
run_clock_stop(struct mcr_session *s, const struct mcr_args *a)
{
	if (!may_touch_clock(s))
		return MCR_REFUSED;
	mcr_clock_stop(&app_of(s)->clock);
	return MCR_OK;
}

int
run_clock_start(struct mcr_session *s, const struct mcr_args *a)
{
	if (!may_touch_clock(s))
		return MCR_REFUSED;
	mcr_clock_start(&app_of(s)->clock);
	return MCR_OK;
}
