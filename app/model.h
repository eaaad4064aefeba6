/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_APP_MODEL_H
#define MCR_APP_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "cli/syntax.h"
#include "conf/lines.h"

/*
 * The configuration as typed plain data, compiled from the lines, immutable after the checks.
 * Objects name each other by index; every object remembers the place of its "add" line for error
 * sentences.
 */
#define MODEL_NAME 32
#define MODEL_NONE UINT32_MAX

/* Name -> index of an array. */
struct model_names {
	struct model_name {
		char name[MODEL_NAME];
		uint32_t index;
	} * slot;
	uint32_t n_slots, n_used;
};
uint32_t model_names_get(const struct model_names *names, const char *name); /* MODEL_NONE */
int model_names_put(struct model_names *names, const char *name, uint32_t index);

struct model_place {
	char file[64];
	unsigned line;
};

struct model_vlan {
	uint16_t vid; /* MCR_VID_NONE: untagged */
	uint32_t segment;
};

/* IGMP settings; has_* tells which lines were written. Resolved: every field is valid. */
struct model_igmp {
	bool has_mode, has_version, has_qi, has_qri, has_lmqi, has_rv, has_fast;
	uint8_t mode; /* enum mcr_mode */
	uint8_t version;
	uint32_t qi_s, qri_s, lmqi_ms;
	uint8_t robustness;
	bool fast_leave;
	struct model_place place;
};

struct model_port {
	char name[MODEL_NAME];
	struct model_place place;
	bool is_netdev;
	char dev[MCR_WORD_MAX + 1];
	char netns[64];
	bool is_uplink;
	struct mcr_prefix *address; /* with host bits */
	uint32_t n_addresses;
	struct model_vlan *vlan; /* untagged first */
	uint32_t n_vlans;
	bool has_mac;
	struct mcr_mac mac;
	uint16_t mtu;        /* 0: the device's */
	uint16_t n_rx, n_tx; /* 0: automatic */
	uint16_t rx_desc, tx_desc;
	uint8_t receive_multicast, checksum; /* as in struct mcr_port_param */
	bool admin_down;
	struct model_igmp igmp; /* resolved */
};

struct model_segment {
	char name[MODEL_NAME];
	struct model_place place;
	uint32_t vni;
	struct mcr_prefix address[2]; /* IPv4, IPv6; len 0 = none */
	struct mcr_prefix *allow, *deny;
	uint32_t n_allow, n_deny;
	bool flood_unknown;
};

enum model_membership { MODEL_BY_IGMP, MODEL_BY_STATIC, MODEL_ALL };

struct model_peer {
	char name[MODEL_NAME];
	struct model_place place;
	struct mcr_addr address;
	uint32_t uplink;         /* port index; resolved by route when no line says it */
	struct mcr_addr source;  /* resolved */
	struct mcr_addr nexthop; /* resolved; the peer itself when on-link */
	bool has_uplink, has_source, has_nexthop;
	uint32_t *segment;
	uint32_t n_segments;
	enum model_membership membership;
	bool admin_down;
};

struct model_member {
	uint32_t segment;
	struct mcr_addr group, source; /* source any: mcr_addr_any */
	bool is_peer;
	uint32_t out; /* port or peer index */
	struct model_place place;
};

struct model_route {
	struct mcr_prefix network;
	struct mcr_addr nexthop;
	struct model_place place;
};

struct model_neighbor {
	uint32_t port;
	struct mcr_addr address;
	struct mcr_mac mac;
};

struct model_log {
	char type[MODEL_NAME], level[12];
};

struct model {
	/* system */
	char name[MODEL_NAME];
	uint16_t cpu[1024];
	unsigned n_cpus;    /* 0: all */
	unsigned workers;   /* 0: automatic */
	int idle;           /* enum mcr_idle, -1: automatic */
	int memory;         /* 0 auto, 1 hugepages, 2 shared, 3 plain */
	uint64_t memory_mb; /* 0: computed */
	char control_socket[108];
	char control_group[MODEL_NAME];
	uint32_t limit_groups, limit_subscribers, limit_sources, limit_memberships;

	struct model_log *log;
	uint32_t n_logs;
	struct model_port *port;
	uint32_t n_ports;
	struct model_segment *segment;
	uint32_t n_segments;
	struct model_peer *peer;
	uint32_t n_peers;
	struct model_member *member;
	uint32_t n_members;
	struct model_route *route;
	uint32_t n_routes;
	struct model_neighbor *neighbor;
	uint32_t n_neighbors;
	struct model_igmp igmp_all; /* lines of "all" */
	struct model_names port_names, segment_names, peer_names;

	/* The line that is being compiled; errors and objects take their place from it. */
	const struct mcr_line *line;
};

/* Hooks of conf/commit: lines -> model with all names resolved and all checks made. */
void *model_compile(void *app, const struct mcr_lines *lines, struct mcr_errs *errs);
void model_free(void *model);
/* Its last step: what no single line can check, and the way to every peer. */
void model_check(struct model *m, struct mcr_errs *errs);

struct model_port *model_find_port(const struct model *m, const char *name);
struct model_segment *model_find_segment(const struct model *m, const char *name);
struct model_peer *model_find_peer(const struct model *m, const char *name);
bool model_needs_pci(const struct model *m);
/* By the allow and deny lines; deny wins, no allow line is every group. */
bool model_is_allowed(const struct model_segment *seg, const struct mcr_addr *group);
/* The prefix of `port` that covers `a`, or NULL. */
const struct mcr_prefix *model_on_link(const struct model_port *port, const struct mcr_addr *a);

/* compile functions of the add and set rows (model_lines.c), named after their words */
/* clang-format off */
#define MODEL_LINES(X) \
	X(system_name) X(system_cpus) X(system_workers) X(system_idle) X(system_memory) \
	X(system_memory_size) X(system_control_socket) X(system_control_group) X(log_level) \
	X(limit_groups) X(limit_subscribers) X(limit_sources) X(limit_memberships) \
	X(add_port) X(add_port_netns) X(add_port_netdev) X(add_port_netdev_netns) \
	X(port_role) X(port_address) X(port_segment) X(port_vlan) X(port_mac) X(port_mtu) \
	X(port_queues) X(port_descriptors) X(port_receive_multicast) X(port_checksum) \
	X(port_admin) X(route) X(neighbor) X(add_segment) X(segment_address) \
	X(segment_allow) X(segment_deny) X(segment_unknown) X(add_member_port) \
	X(add_member_peer) X(igmp_mode) X(igmp_version) X(igmp_query_interval) \
	X(igmp_response_interval) X(igmp_last_member_interval) X(igmp_robustness) \
	X(igmp_fast_leave) X(add_peer) X(peer_uplink) X(peer_source) X(peer_nexthop) \
	X(peer_encap) X(peer_segment) X(peer_membership) X(peer_admin)
/* clang-format on */
#define X(name) void model_##name(void *model, const struct mcr_args *a, struct mcr_errs *errs);
MODEL_LINES(X)
#undef X

#endif
