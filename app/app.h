/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_APP_APP_H
#define MCR_APP_APP_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/host.h"
#include "base/reclaim.h"
#include "base/stat.h"
#include "cli/server.h"
#include "cli/session.h"
#include "cli/syntax.h"
#include "conf/commit.h"
#include "event/clock.h"
#include "event/loop.h"
#include "event/timer.h"
#include "group/table.h"
#include "member/member.h"
#include "neigh/neigh.h"
#include "path/punt.h"
#include "path/snap.h"
#include "path/target.h"
#include "path/worker.h"
#include "port/pool.h"
#include "port/port.h"

#include "model.h"

/*
 * The running daemon: one object, main lcore only. Live objects (ports, segments, peers) keep their
 * index over commits, because snapshot, targets and counters name them by it; the model of the
 * running configuration is app->conf.model, in its own order.
 */
#define APP_MAX_TARGETS 65536
#define APP_TARGET_NONE UINT32_MAX

/* One (port, VLAN): an IGMP instance and a target. */
struct app_vlan {
	uint16_t vid;     /* MCR_VID_NONE: untagged */
	uint16_t segment; /* live index */
	struct mcr_mif *mif;
	uint32_t target; /* APP_TARGET_NONE while the port is not there */
};

enum app_port_state { APP_PORT_PENDING, APP_PORT_UP, APP_PORT_DOWN };

struct app_port {
	bool is_used, is_leaving;
	char name[MODEL_NAME];
	struct mcr_port *port;           /* NULL while pending */
	enum app_port_state state, told; /* now, and in the last event */
	bool is_uplink, admin_down;
	struct mcr_prefix *address;
	uint32_t n_addresses;
	struct app_vlan *vlan;
	uint32_t n_vlans;
	char why[160]; /* why it is pending or down */
	uint64_t next_try_ns;
};

struct app_segment {
	bool is_used, is_leaving;
	char name[MODEL_NAME];
	uint32_t vni;
};

/* One (peer, segment). */
struct app_peer_segment {
	uint16_t segment; /* live index */
	struct mcr_mif *mif;
};

enum app_peer_state { APP_PEER_PENDING, APP_PEER_UP, APP_PEER_DOWN };

struct app_peer {
	bool is_used, is_leaving;
	char name[MODEL_NAME];
	struct mcr_addr address, source, nexthop;
	uint8_t port; /* live index of the uplink */
	bool admin_down;
	enum model_membership membership;
	enum app_peer_state state;
	struct mcr_mac mac; /* of the next hop */
	uint32_t target;    /* APP_TARGET_NONE while there is no uplink port */
	bool is_wanted;     /* neigh watches the next hop */
	struct app_peer_segment *segment;
	uint32_t n_segments;
};

/* A static member that the running configuration asks for. */
struct app_static {
	struct mcr_mif *mif;
	struct mcr_addr group, source;
};

/* Taken out of use; freed when no worker can hold it any more. */
struct app_dying {
	struct mcr_port *port;
	uint64_t generation; /* of the first snapshot without it */
};

struct forward; /* forward.c: dirty groups and what is installed */

struct app {
	/* options */
	const char *conf_file, *socket_arg;
	bool is_interactive, has_test_clock;
	int eal_argc;
	char **eal_argv;

	struct mcr_host host;
	struct mcr_clock clock;
	struct mcr_timers *timers;
	struct mcr_loop *loop;
	struct mcr_syntax *syntax;
	struct mcr_session_ops session_ops;
	struct mcr_commit_ops commit_ops;
	struct mcr_conf conf;
	const struct model *model; /* of conf, or while a commit applies already the new one */
	struct mcr_server *server;
	struct mcr_console *console;

	bool is_eal_up, is_ready, is_stopping;
	bool plain_memory; /* ordinary pages */
	unsigned n_workers;
	struct mcr_pools pools[RTE_MAX_NUMA_NODES];
	struct mcr_reclaim *reclaim;
	struct mcr_table *table;
	struct mcr_targets *targets;
	struct mcr_path *path;
	struct mcr_member *member;
	struct mcr_neigh *neigh;
	struct forward *forward;
	uint32_t *peer_of_target; /* [APP_MAX_TARGETS], live index */

	struct app_static *statics; /* sorted */
	uint32_t n_statics;
	struct app_dying *dying;
	uint32_t n_dying;
	struct rte_mbuf *held[1024]; /* made here, sent when the workers know the new snapshot */
	uint32_t n_held;
	uint32_t *dead_target; /* still in lists; deleted by publish */
	uint32_t n_dead_targets;
	size_t n_retired;   /* objects that wait for their grace period */
	bool needs_publish; /* the snapshot is out of date: next control turn makes a new one */
	bool needs_rebuild; /* lists wait for the snapshot to be everywhere */

	struct app_port port[MCR_MAX_PORTS];
	struct app_segment *segment;  /* [MCR_MAX_SEGMENTS] */
	struct app_peer *peer;        /* [MCR_MAX_PEERS] */
	uint32_t n_segments, n_peers; /* slots ever used: loops go to here */
	uint32_t peer_cursor;         /* where the next free slot is looked for */
	struct model_names peer_names;
	uint32_t n_all_peers; /* peers with membership all */
	bool has_flood;       /* a segment with unknown flood */

	uint64_t generation;      /* of the published snapshot */
	uint64_t start_ns;        /* on CLOCK_MONOTONIC */
	struct mcr_errs warnings; /* of the last commit and of start: `show status` */
};

/* main.c: what every control turn does besides descriptors and timers */
void app_turn(struct app *app);
/* show_status.c: rates of the last second */
void show_tick(struct app *app);

/* control.c: sessions, begin, commit, save, load, reload */
int app_edit(struct mcr_session *s, const struct mcr_args *a, struct mcr_errs *errs);
void app_prompt(struct mcr_session *s, char *buf, size_t size);
void app_session_closed(struct mcr_session *s);
void app_names(void *arg, const char *kind, void (*each)(void *ctx, const char *name), void *ctx);
struct mcr_lines *app_read_file(struct app *app, const char *path, struct mcr_errs *errs);
/* Make the lines the running configuration, as one batch; consumes them. An exit code. */
int app_commit(struct app *app, struct mcr_lines *lines, uint64_t based_on, struct mcr_errs *errs);

/* features.c */
extern const struct mcr_feature *const app_features[];

/* live.c: live objects and their lookups */
int app_find_port(const struct app *app, const char *name);    /* live index or -1 */
int app_find_segment(const struct app *app, const char *name); /* live index or -1 */
int app_find_peer(const struct app *app, const char *name);
struct app_vlan *app_find_vlan(struct app *app, unsigned port, uint16_t vid);
struct app_peer_segment *app_find_peer_segment(struct app *app, unsigned peer, unsigned segment);
const char *app_port_state_name(enum app_port_state state);
const char *app_peer_state_name(enum app_peer_state state);
/* Inner MTU towards a peer: 0 while its uplink is pending. */
unsigned app_peer_mtu(const struct app *app, const struct app_peer *peer);

/* forward.c: membership -> replication lists */
struct forward *forward_create(struct app *app);
void forward_free(struct forward *f);
void forward_mark(struct forward *f, uint16_t segment, const struct mcr_addr *group);
void forward_mark_all(struct forward *f);
void forward_mark_segment(struct forward *f, uint16_t segment);
/* Rebuild dirty groups for a bounded time; called once per control turn. True: all done. */
bool forward_run(struct forward *f, uint64_t budget_ns);
/* For lists of the snapshot; `item` has room for every output. Return the count. */
uint32_t forward_port_items(struct app *app, uint16_t segment, struct mcr_list_item *item);
uint32_t forward_unknown_items(struct app *app, uint16_t segment, bool flood,
	struct mcr_list_item *item); /* with flood everything, else peers with membership all */
bool forward_is_busy(const struct forward *f); /* dirty groups are left */
/* Is the group allowed in the segment by its allow and deny lines? */
bool forward_is_allowed(const struct app *app, uint16_t segment, const struct mcr_addr *group);
/* Traffic of one group, (*,G) and all (S,G) entries together. */
struct forward_stat {
	uint64_t in_packets, in_bytes, out_packets, out_bytes, drops;
};
void forward_group_stat(const struct app *app, uint16_t segment, const struct mcr_addr *group,
	struct forward_stat *sum);
/* Senders of the group; returns the count (at most max). */
unsigned forward_group_sources(const struct app *app, uint16_t segment,
	const struct mcr_addr *group, struct mcr_group_source *source, unsigned max);
/* Copies of the group that a member got since `since_ns`: see forward.c for how they are known. */
struct forward_copies {
	uint64_t packets, bytes, drops;
};
void forward_member_copies(
	const struct app *app, const struct mcr_mgroup *g, struct forward_copies *copies);
/* All of these count from 0. 0, or -ENOMEM: some groups were left out. */
int forward_clear(struct forward *f);

/* publish.c: live objects -> snapshot; what leaves is freed when nobody holds it */
int publish_snapshot(struct app *app);
void publish_bury_port(struct app *app, struct mcr_port *port);
void publish_bury_target(struct app *app, uint32_t target);
void publish_turn(struct app *app); /* once per control turn */
bool publish_is_current(const struct app *app, const struct app_port *port);

/* feat_*.c: one per group of lines; in the order of features.c */
extern const struct mcr_feature feat_system, feat_port, feat_segment, feat_peer, feat_member,
	feat_publish;
void feat_port_turn(struct app *app);                        /* pending ports are tried again */
void feat_port_link(struct app *app, struct app_port *port); /* targets, instances, neighbours */

/* underlay.c: frames of the control thread, neighbours, punted frames */
void underlay_send_igmp(void *arg, struct mcr_mif *mif, const uint8_t *ip, uint32_t len,
	const struct mcr_addr *dst);
void underlay_punt(void *arg, struct rte_mbuf *m);
void underlay_turn(struct app *app);
void underlay_fini(struct app *app);
extern const struct mcr_neigh_ops underlay_neigh_ops;
/* Recompute a peer's target and state from its port and next hop. */
void underlay_update_peer(struct app *app, struct app_peer *peer);
void underlay_check_peer(struct app *app, struct app_peer *peer); /* what neigh knows already */
void underlay_set_peer_state(struct app *app, struct app_peer *peer, enum app_peer_state state);

/* events.c: JSON events of `mcrctl events` */
void event_emit(struct app *app, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4))); /* fmt: jansson-free ",\"key\":\"value\"" tail */
void event_member(void *arg, enum mcr_mif_event what, struct mcr_mif *mif,
	const struct mcr_addr *group, const struct mcr_addr *source, const struct mcr_addr *host);

/* commands.c: the table */
extern const struct mcr_command app_commands[];
extern const unsigned app_n_commands;

/* run functions of the table's rows: show_*.c and control.c, named after their words */
/* clang-format off */
#define APP_RUNS(X) \
	X(begin) X(commit) X(commit_check) X(abort) X(save) X(save_path) X(load) \
	X(load_check) X(reload) X(help) X(help_topic) X(quit) X(shutdown) X(show_config) \
	X(show_config_candidate) X(show_config_diff) X(show_status) X(show_version) \
	X(show_ports) X(show_port) X(show_segments) X(show_segment) X(show_groups) \
	X(show_groups_segment) X(show_group) X(show_group_list) X(show_subscribers) \
	X(show_subscribers_detail) X(show_subscribers_group) X(show_routes) \
	X(show_neighbors) X(show_igmp_interfaces) X(show_igmp_statistics) \
	X(show_igmp_timers) X(show_peers) X(show_peer) X(show_workers) X(show_drops) \
	X(show_memory) X(show_mtu) X(show_log) X(show_clock) X(clear_counters) \
	X(clear_counters_port) X(clear_drops) X(clear_neighbors) X(clear_group) \
	X(clock_warp) X(clock_warp_ms) X(clock_stop) X(clock_start)
/* clang-format on */
#define X(name) int run_##name(struct mcr_session *s, const struct mcr_args *a);
APP_RUNS(X)
#undef X

#endif
