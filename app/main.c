/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of the process: options, configuration, EAL, first commit, loop, stop. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_launch.h>
#include <rte_version.h>

#include "base/log.h"
#include "cli/console.h"

#include "app.h"
#include "eal.h"

static const char usage[] =
	"usage: mcrd [-c FILE] [-i] [-s SOCKET] [--check] [--print-grammar] [--test-clock]\n"
	"            [-V] [-h] [-- EAL-ARGUMENTS]\n"
	"  -c, --config FILE   configuration (default /etc/mcr/mcr.conf)\n"
	"  -i, --console       console on the terminal; without -c the configuration is empty\n"
	"  -s, --socket PATH   control socket, instead of `set system control-socket`\n"
	"      --check         read FILE, print every error, end (needs no root)\n"
	"      --print-grammar print the command table, end\n"
	"      --test-clock    allow the clock commands\n"
	"  -V, --version       print versions, end\n"
	"  -h, --help          this text\n";

enum action { RUN_DAEMON, RUN_CHECK, RUN_GRAMMAR };

/* --- options -------------------------------------------------------------------------------- */

/* An exit code, or -1 to go on. */
static int
read_options(struct app *app, int argc, char **argv, enum action *action)
{
	enum { OPT_CHECK = 256, OPT_GRAMMAR, OPT_CLOCK };
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"console", no_argument, NULL, 'i'},
		{"socket", required_argument, NULL, 's'},
		{"check", no_argument, NULL, OPT_CHECK},
		{"print-grammar", no_argument, NULL, OPT_GRAMMAR},
		{"test-clock", no_argument, NULL, OPT_CLOCK},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int opt;

	*action = RUN_DAEMON;
	while ((opt = getopt_long(argc, argv, "c:is:Vh", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			app->conf_file = optarg;
			break;
		case 'i':
			app->is_interactive = true;
			break;
		case 's':
			app->socket_arg = optarg;
			break;
		case OPT_CHECK:
			*action = RUN_CHECK;
			break;
		case OPT_GRAMMAR:
			*action = RUN_GRAMMAR;
			break;
		case OPT_CLOCK:
			app->has_test_clock = true;
			break;
		case 'V':
			printf("mcrd %s, %s\n", MCR_VERSION, rte_version());
			return MCR_OK;
		case 'h':
			fputs(usage, stdout);
			return MCR_OK;
		default:
			fputs(usage, stderr);
			return MCR_USAGE;
		}
	}
	app->eal_argc = argc - optind;
	app->eal_argv = argv + optind;
	if (app->eal_argc && (optind < 2 || strcmp(argv[optind - 1], "--"))) {
		fprintf(stderr, "mcrd: what is \"%s\"? EAL arguments follow --\n%s", argv[optind],
			usage);
		return MCR_USAGE;
	}
	if (!app->conf_file && !app->is_interactive)
		app->conf_file = "/etc/mcr/mcr.conf";
	return -1;
}

static struct mcr_lines *
first_lines(struct app *app, struct mcr_errs *errs)
{
	return app->conf_file ? app_read_file(app, app->conf_file, errs) : mcr_lines_create();
}

static int
run_check(struct app *app, struct mcr_lines *lines, struct mcr_errs *errs)
{
	int ret = lines ? mcr_conf_check(&app->conf, lines, errs) : -EINVAL;

	mcr_errs_print(stderr, errs);
	if (ret)
		return MCR_BAD_CONFIG;
	printf("%s: %u lines, no error\n", app->conf_file ? app->conf_file : "empty configuration",
		mcr_lines_count(lines));
	return MCR_OK;
}

/* --- start ---------------------------------------------------------------------------------- */

static void
pool_sizes(const struct app *app, const struct model *m, struct mcr_pool_param *p)
{
	const unsigned spare_ports = 4; /* ports that are added while we run */

	memset(p, 0, sizeof(*p));
	p->n_workers = app->n_workers;
	p->max_mtu = 1500;
	for (uint32_t i = 0; i < m->n_ports; i++) {
		const struct model_port *port = &m->port[i];

		p->rx_desc += port->rx_desc * (port->n_rx ? port->n_rx : app->n_workers);
		p->tx_desc += port->tx_desc * (port->n_tx ? port->n_tx : app->n_workers);
		p->max_mtu = RTE_MAX(p->max_mtu, port->mtu);
	}
	p->rx_desc += spare_ports * 1024 * app->n_workers;
	p->tx_desc += spare_ports * 1024 * app->n_workers;
}

/* What tables, rings and devices want besides the pools. */
static uint64_t
other_bytes(const struct model *m)
{
	return UINT64_C(80) * 1024 * 1024 + (uint64_t)m->limit_groups * 3 * 160;
}

static int
start_eal(struct app *app, const struct model *m, struct mcr_errs *errs)
{
	struct mcr_eal_param p = {.host = &app->host,
		.cpu = m->n_cpus ? m->cpu : app->host.cpu,
		.n_cpus = m->n_cpus ? m->n_cpus : app->host.n_cpus,
		.memory = m->memory,
		.extra_argv = app->eal_argv,
		.extra_argc = app->eal_argc};
	struct mcr_pool_param pools;
	const char *pci[MCR_MAX_PORTS];
	int ret;

	app->n_workers = m->workers ? m->workers : RTE_MAX(p.n_cpus - 1, 1u);
	p.n_workers = app->n_workers;
	for (uint32_t i = 0; i < m->n_ports; i++)
		if (!m->port[i].is_netdev && mcr_port_is_pci(m->port[i].dev))
			pci[p.n_pci++] = m->port[i].dev;
	p.pci = pci;
	pool_sizes(app, m, &pools);
	p.memory_mb = m->memory_mb ? m->memory_mb
	                           : (mcr_pools_bytes(&pools) + other_bytes(m)) / (1024 * 1024) + 1;
	ret = mcr_eal_start(&p, errs);
	if (!ret) {
		app->is_eal_up = true;
		app->plain_memory = mcr_eal_memory() == MCR_MEMORY_PLAIN;
	}
	return ret;
}

static int
create_pools(struct app *app, const struct model *m, struct mcr_errs *errs)
{
	struct mcr_pool_param p;
	unsigned lcore;
	int ret;

	pool_sizes(app, m, &p);
	RTE_LCORE_FOREACH (lcore) {
		p.socket = rte_lcore_to_socket_id(lcore);
		if (p.socket < 0 || p.socket >= RTE_MAX_NUMA_NODES)
			p.socket = 0;
		if (app->pools[p.socket].payload)
			continue;
		ret = mcr_pools_create(&app->pools[p.socket], &p, errs);
		if (ret)
			return ret;
	}
	/* The first node is what a device without a node of its own uses. */
	for (unsigned i = 1; i < RTE_MAX_NUMA_NODES && !app->pools[0].payload; i++)
		app->pools[0] = app->pools[i];
	return 0;
}

static const struct mcr_member_ops member_ops = {
	.send = underlay_send_igmp,
	.changed = NULL, /* set below: it needs the application's object */
	.event = event_member,
};

static void
members_changed(void *arg, uint16_t segment, const struct mcr_addr *group)
{
	struct app *app = arg;

	forward_mark(app->forward, segment, group);
}

static bool
is_allowed(void *arg, uint16_t segment, const struct mcr_addr *group)
{
	return forward_is_allowed(arg, segment, group);
}

static int
create_data_path(struct app *app, const struct model *m, struct mcr_errs *errs)
{
	struct mcr_member_ops ops = member_ops;
	struct mcr_table_param table = {.name = "groups",
		.entries = m->limit_groups * 2 + 1024,
		.socket = rte_socket_id(),
		.n_stat_slots = app->n_workers};
	struct mcr_path_param path = {.n_workers = app->n_workers, .socket = rte_socket_id()};

	if (create_pools(app, m, errs))
		return -ENOMEM;
	ops.changed = members_changed;
	ops.is_allowed = is_allowed;
	app->segment = calloc(MCR_MAX_SEGMENTS, sizeof(*app->segment));
	app->peer = calloc(MCR_MAX_PEERS, sizeof(*app->peer));
	app->peer_of_target = malloc(APP_MAX_TARGETS * sizeof(*app->peer_of_target));
	app->reclaim = mcr_reclaim_create(app->n_workers);
	table.reclaim = path.reclaim = app->reclaim;
	app->table = app->reclaim ? mcr_table_create(&table) : NULL;
	app->targets = app->table
	                       ? mcr_targets_create(APP_MAX_TARGETS, app->n_workers, app->reclaim)
	                       : NULL;
	path.table = app->table;
	path.targets = app->targets;
	path.pools = app->pools;
	path.idle = MCR_IDLE_SLEEP;
	app->path = app->targets ? mcr_path_create(&path) : NULL;
	app->member = mcr_member_create(app->timers, &ops, app);
	app->neigh = mcr_neigh_create(app->timers, &underlay_neigh_ops, app);
	app->forward = forward_create(app);
	if (app->segment && app->peer && app->peer_of_target && app->path && app->member &&
		app->neigh && app->forward)
		return 0;
	mcr_err_fix(mcr_errs_add(errs, MCR_ERROR, "data path: not enough memory for its tables"),
		"set system memory-size MEGABYTES, or lower set limit groups");
	return -ENOMEM;
}

static void
on_punt(void *arg, int fd, uint32_t events)
{
	uint64_t count;

	/* Only wakes the loop: the turn hook takes the frames. */
	if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		mcr_log(MAIN, ERROR, "punt descriptor: %s", strerror(errno));
}

static void
launch_workers(struct app *app)
{
	unsigned lcore, i = 0;

	RTE_LCORE_FOREACH_WORKER (lcore) {
		if (i == app->n_workers)
			break;
		rte_eal_remote_launch(mcr_worker_loop, mcr_path_worker(app->path, i++), lcore);
	}
}

static int
start_server(struct app *app, const struct model *m, struct mcr_errs *errs)
{
	const char *path = app->socket_arg ? app->socket_arg : m->control_socket;
	char dir[108];
	char *slash;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash && slash != dir) {
		*slash = '\0';
		mkdir(dir, 0750); /* when it fails, making the socket says why */
	}
	app->server = mcr_server_create(
		app->loop, path, m->control_group, app->syntax, &app->session_ops, app, errs);
	return app->server ? 0 : -EIO;
}

/* --- signals -------------------------------------------------------------------------------- */

static void
stop(struct app *app)
{
	app->is_stopping = true;
	mcr_loop_stop(app->loop);
}

static void
reload(struct app *app)
{
	struct mcr_errs errs = {0};
	struct mcr_lines *lines = app->conf_file ? app_read_file(app, app->conf_file, &errs) : NULL;

	if (lines && app_commit(app, lines, app->conf.generation, &errs) == MCR_OK)
		mcr_log(CONF, NOTICE, "%s was read again", app->conf_file);
	else
		mcr_log(CONF, ERROR, "reload refused, the running configuration stays");
	mcr_errs_print(stderr, &errs);
	mcr_errs_fini(&errs);
}

static void
on_signal(void *arg, int fd, uint32_t events)
{
	struct signalfd_siginfo info;
	struct app *app = arg;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP)
		reload(app);
	else
		stop(app);
}

static int
catch_signals(struct app *app)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	/* Before EAL: its threads inherit the mask, so signals reach the loop only. */
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	return mcr_loop_add(app->loop, fd, EPOLLIN, on_signal, app);
}

/* --- the loop ------------------------------------------------------------------------------- */

static uint64_t
monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * MCR_NS_PER_S + ts.tv_nsec;
}

void
app_turn(struct app *app)
{
	static uint64_t next_second;
	uint64_t now = monotonic_ns();

	mcr_punt_poll(app->path, 1024, underlay_punt, app);
	feat_port_turn(app);
	publish_turn(app);
	app->n_retired = mcr_reclaim_poll(app->reclaim);
	underlay_turn(app);
	if (now >= next_second) {
		next_second = now + MCR_NS_PER_S;
		mcr_stat_tick(now);
		show_tick(app);
	}
}

static void
on_turn(void *arg)
{
	app_turn(arg);
}

/* Work that waits for workers is looked at again soon; else events and timers wake us. */
static int
longest_wait(const struct app *app)
{
	bool waits = app->n_retired || app->n_dying || app->n_held || app->needs_rebuild ||
	             app->needs_publish || forward_is_busy(app->forward);

	return waits ? 1 : 250;
}

static void
settle(struct app *app)
{
	for (unsigned i = 0; i < 2000 && longest_wait(app) == 1; i++)
		mcr_loop_turn(app->loop, 1);
}

static void
console_ended(void *arg)
{
	struct app *app = arg;

	if (isatty(STDIN_FILENO) && !app->is_stopping)
		mcr_log(MAIN, NOTICE,
			"console left; mcrd goes on (Ctrl-C or mcrctl shutdown ends it)");
	else
		stop(app);
}

static int
run_loop(struct app *app)
{
	app->is_ready = true;
	mcr_server_set_ready(app->server, true);
	event_emit(app, "ready", ",\"generation\":%llu", (unsigned long long)app->conf.generation);
	mcr_log(MAIN, NOTICE, "ready");
	if (app->is_interactive)
		app->console = mcr_console_create(
			app->loop, app->syntax, &app->session_ops, app, console_ended);
	while (!app->is_stopping)
		mcr_loop_turn(app->loop, longest_wait(app));
	return MCR_OK;
}

/* --- stop ----------------------------------------------------------------------------------- */

/* Peers hear that nobody here wants anything any more, while there is still a way to them. */
static void
say_goodbye(struct app *app)
{
	for (uint32_t i = 0; i < app->n_statics; i++)
		mcr_mif_static_del(
			app->statics[i].mif, &app->statics[i].group, &app->statics[i].source);
	app->n_statics = 0;
	for (unsigned p = 0; p < MCR_MAX_PORTS; p++)
		for (uint32_t v = 0; app->port[p].is_used && v < app->port[p].n_vlans; v++)
			if (app->port[p].vlan[v].mif)
				mcr_mif_set_up(app->port[p].vlan[v].mif, false);
	mcr_timers_run(app->timers); /* reports gather changes in a timer that is due at once */
	mcr_inject_drain(app->path, 500);
}

static void
shut_down(struct app *app)
{
	struct mcr_errs errs = {0};
	struct mcr_lines *empty = mcr_lines_create();

	if (app->conf.model && empty) {
		say_goodbye(app);
		app_commit(app, empty, app->conf.generation, &errs);
		settle(app);
	}
	mcr_errs_fini(&errs);
	mcr_console_free(app->console);
	mcr_server_free(app->server);
	app->server = NULL;
	if (app->path) {
		mcr_path_stop(app->path);
		rte_eal_mp_wait_lcore();
		publish_turn(app);
	}
	mcr_member_free(app->member);
	mcr_neigh_free(app->neigh);
	underlay_fini(app);
	forward_free(app->forward);
	mcr_path_free(app->path);
	mcr_table_free(app->table);
	mcr_targets_free(app->targets);
	mcr_reclaim_free(app->reclaim);
	if (app->is_eal_up)
		mcr_eal_stop();
}

/* Everything up to the first commit; an exit code, MCR_OK = go on. */
static int
bring_up(struct app *app, const struct mcr_lines *lines, const struct model *m,
	struct mcr_errs *errs)
{
	struct mcr_lines *first;
	int ret;

	if (catch_signals(app))
		return MCR_INTERNAL;
	if (start_server(app, m, errs))
		return MCR_REFUSED;
	ret = start_eal(app, m, errs);
	if (ret)
		return ret == -EINVAL ? MCR_BAD_CONFIG : MCR_EAL_FAILED;
	if (create_data_path(app, m, errs))
		return MCR_EAL_FAILED;
	mcr_loop_add(app->loop, mcr_punt_fd(app->path), EPOLLIN, on_punt, app);
	mcr_loop_on_turn(app->loop, on_turn, app);
	launch_workers(app);
	first = mcr_lines_copy(lines);
	if (!first)
		return MCR_INTERNAL;
	if (app_commit(app, first, 0, errs) != MCR_OK)
		return MCR_BAD_CONFIG;
	settle(app);
	return MCR_OK;
}

static int
run_daemon(struct app *app, const struct mcr_lines *lines, struct mcr_errs *errs)
{
	struct model *m;
	int ret;

	if (!lines || mcr_conf_check(&app->conf, lines, errs)) {
		mcr_errs_print(stderr, errs);
		return MCR_BAD_CONFIG;
	}
	mcr_errs_fini(errs);
	mcr_host_read(&app->host);
	m = model_compile(app, lines, errs);
	mcr_errs_fini(errs);
	ret = m ? bring_up(app, lines, m, errs) : MCR_INTERNAL;
	mcr_errs_print(stderr, errs);
	mcr_errs_fini(errs);
	if (ret == MCR_OK)
		ret = run_loop(app);
	shut_down(app);
	model_free(m);
	return ret;
}

int
main(int argc, char **argv)
{
	static struct app app = {
		.session_ops = {.edit = app_edit,
			.names = app_names,
			.prompt = app_prompt,
			.closed = app_session_closed},
		.commit_ops = {.compile = model_compile,
			.model_free = model_free,
			.features = app_features},
	};
	struct mcr_errs errs = {0};
	struct mcr_lines *lines;
	enum action action;
	int ret = read_options(&app, argc, argv, &action);

	if (ret >= 0)
		return ret;
	app.commit_ops.app = &app;
	app.start_ns = monotonic_ns();
	mcr_clock_init(&app.clock);
	app.syntax = mcr_syntax_create(app_commands, app_n_commands);
	app.timers = mcr_timers_create(&app.clock);
	app.loop = mcr_loop_create(app.timers);
	if (!app.syntax || !app.timers || !app.loop || mcr_conf_init(&app.conf, &app.commit_ops))
		return MCR_INTERNAL;
	if (action == RUN_GRAMMAR) {
		mcr_syntax_print(app.syntax, stdout);
		ret = MCR_OK;
	} else {
		lines = first_lines(&app, &errs);
		ret = action == RUN_CHECK ? run_check(&app, lines, &errs)
		                          : run_daemon(&app, lines, &errs);
		mcr_lines_free(lines);
	}
	mcr_errs_fini(&errs);
	mcr_conf_fini(&app.conf);
	mcr_loop_free(app.loop);
	mcr_timers_free(app.timers);
	mcr_syntax_free(app.syntax);
	return ret;
}
