/* SPDX-License-Identifier: BSD-3-Clause */
/* One function per add and set row: the line's words into the model. Cross checks: model_check.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/host.h"
#include "base/log.h"
#include "member/member.h"
#include "path/worker.h"
#include "pkt/parse.h"
#include "port/port.h"

#include "model.h"

#define LINE(name) void model_##name(void *model, const struct mcr_args *a, struct mcr_errs *errs)

/* --- helpers -------------------------------------------------------------------------------- */

/* Make room for one more element and return it zeroed; NULL with an error when out of memory. */
static void *
grow(void *array, uint32_t *count, size_t size, struct mcr_errs *errs)
{
	void **p = array;
	void *bigger = *p;

	if ((*count & (*count - 1)) == 0)
		bigger = realloc(*p, (*count ? *count * 2 : 1) * size);
	if (!bigger) {
		mcr_errs_add(errs, MCR_ERROR, "configuration: out of memory");
		return NULL;
	}
	*p = bigger;
	bigger = (char *)bigger + *count * size;
	memset(bigger, 0, size);
	(*count)++;
	return bigger;
}

static void
take_place(struct model_place *place, const struct model *m)
{
	if (!m->line)
		return;
	snprintf(place->file, sizeof(place->file), "%s", m->line->file);
	place->line = m->line->line_no;
}

static struct model_port *
port_of(struct model *m, const struct mcr_args *a, unsigned i, struct mcr_errs *errs)
{
	struct model_port *port = model_find_port(m, a->arg[i].text);

	if (!port)
		mcr_err_fix(
			mcr_errs_add(errs, MCR_ERROR, "port %s: no line adds it", a->arg[i].text),
			"add port %s dev DEVARGS", a->arg[i].text);
	return port;
}

static struct model_segment *
segment_of(struct model *m, const struct mcr_args *a, unsigned i, struct mcr_errs *errs)
{
	struct model_segment *seg = model_find_segment(m, a->arg[i].text);

	if (!seg)
		mcr_err_fix(mcr_errs_add(
				    errs, MCR_ERROR, "segment %s: no line adds it", a->arg[i].text),
			"add segment %s vni VNI", a->arg[i].text);
	return seg;
}

static struct model_peer *
peer_of(struct model *m, const struct mcr_args *a, unsigned i, struct mcr_errs *errs)
{
	struct model_peer *peer = model_find_peer(m, a->arg[i].text);

	if (!peer)
		mcr_err_fix(
			mcr_errs_add(errs, MCR_ERROR, "peer %s: no line adds it", a->arg[i].text),
			"add peer %s address ADDRESS", a->arg[i].text);
	return peer;
}

/* A row keeps the values of later stages; here they are refused with their name. */
static bool
later(const struct mcr_arg *arg, const char *what, const char *const *words, struct mcr_errs *errs)
{
	for (; *words; words++)
		if (!strcmp(arg->text, *words)) {
			mcr_errs_add(errs, MCR_ERROR, "%s: this version of mcrd has no \"%s\" yet",
				what, arg->text);
			return true;
		}
	return false;
}

static bool
is_on(const struct mcr_arg *arg)
{
	return !strcmp(arg->text, "on") || !strcmp(arg->text, "up");
}

/* --- system --------------------------------------------------------------------------------- */

LINE(system_name)
{
	struct model *m = model;

	snprintf(m->name, sizeof(m->name), "%.31s", a->arg[0].text);
}

LINE(system_cpus)
{
	struct model *m = model;
	int n = mcr_cpu_list_parse(a->arg[0].text, m->cpu, RTE_DIM(m->cpu));

	if (n <= 0)
		mcr_err_fix(
			mcr_errs_add(errs, MCR_ERROR,
				"system cpus: \"%s\" is no list of CPU numbers", a->arg[0].text),
			"set system cpus 0-3");
	else
		m->n_cpus = n;
}

LINE(system_workers)
{
	((struct model *)model)->workers = a->arg[0].num;
}

LINE(system_idle)
{
	static const struct {
		const char *word;
		enum mcr_idle idle;
	} words[] = {{"poll", MCR_IDLE_POLL}, {"sleep", MCR_IDLE_SLEEP},
		{"interrupt", MCR_IDLE_INTERRUPT}};

	for (unsigned i = 0; i < RTE_DIM(words); i++)
		if (!strcmp(a->arg[0].text, words[i].word))
			((struct model *)model)->idle = words[i].idle;
}

LINE(system_memory)
{
	((struct model *)model)->memory = a->arg[0].num;
}

LINE(system_memory_size)
{
	((struct model *)model)->memory_mb = a->arg[0].num;
}

LINE(system_control_socket)
{
	struct model *m = model;

	if (strlen(a->arg[0].text) >= sizeof(m->control_socket))
		mcr_errs_add(errs, MCR_ERROR,
			"system control-socket: a socket path has at most 107 characters");
	else
		snprintf(m->control_socket, sizeof(m->control_socket), "%.107s", a->arg[0].text);
}

LINE(system_control_group)
{
	struct model *m = model;

	snprintf(m->control_group, sizeof(m->control_group), "%.31s", a->arg[0].text);
}

LINE(log_level)
{
	struct model *m = model;
	struct model_log *log;
	bool is_type = !strcmp(a->arg[0].text, "all");
	char names[128] = "all";

	for (unsigned t = 0; t < MCR_LOGTYPE_MAX; t++) {
		is_type |= !strcmp(a->arg[0].text, mcr_log_type_name(t));
		snprintf(names + strlen(names), sizeof(names) - strlen(names), " %s",
			mcr_log_type_name(t));
	}
	if (!is_type) {
		mcr_err_fix(mcr_errs_add(errs, MCR_ERROR, "log level: no log type \"%s\"",
				    a->arg[0].text),
			"one of: %s", names);
		return;
	}
	log = grow(&m->log, &m->n_logs, sizeof(*log), errs);
	if (log) {
		snprintf(log->type, sizeof(log->type), "%.31s", a->arg[0].text);
		snprintf(log->level, sizeof(log->level), "%.11s", a->arg[1].text);
	}
}

LINE(limit_groups)
{
	((struct model *)model)->limit_groups = a->arg[0].num;
}

LINE(limit_subscribers)
{
	((struct model *)model)->limit_subscribers = a->arg[0].num;
}

LINE(limit_sources)
{
	((struct model *)model)->limit_sources = a->arg[0].num;
}

LINE(limit_memberships)
{
	((struct model *)model)->limit_memberships = a->arg[0].num;
}

/* --- ports ---------------------------------------------------------------------------------- */

static struct model_port *
new_port(struct model *m, const struct mcr_args *a, struct mcr_errs *errs)
{
	struct model_port *port = grow(&m->port, &m->n_ports, sizeof(*port), errs);

	if (!port)
		return NULL;
	snprintf(port->name, sizeof(port->name), "%.31s", a->arg[0].text);
	snprintf(port->dev, sizeof(port->dev), "%s", a->arg[1].text);
	take_place(&port->place, m);
	port->rx_desc = 1024;
	port->tx_desc = 1024;
	if (m->n_ports > MCR_MAX_PORTS)
		mcr_errs_add(errs, MCR_ERROR, "port %s: this build has room for %u ports",
			port->name, MCR_MAX_PORTS);
	if (model_names_put(&m->port_names, port->name, m->n_ports - 1))
		mcr_errs_add(errs, MCR_ERROR, "configuration: out of memory");
	return port;
}

static void
set_netns(struct model_port *port, const struct mcr_arg *arg, struct mcr_errs *errs)
{
	if (strlen(arg->text) >= sizeof(port->netns))
		mcr_errs_add(errs, MCR_ERROR, "port %s: a namespace name has at most 63 characters",
			port->name);
	else
		snprintf(port->netns, sizeof(port->netns), "%.63s", arg->text);
}

LINE(add_port)
{
	new_port(model, a, errs);
}

LINE(add_port_netns)
{
	struct model_port *port = new_port(model, a, errs);

	if (port)
		set_netns(port, &a->arg[2], errs);
}

LINE(add_port_netdev)
{
	struct model_port *port = new_port(model, a, errs);

	if (port)
		port->is_netdev = true;
}

LINE(add_port_netdev_netns)
{
	struct model_port *port = new_port(model, a, errs);

	if (!port)
		return;
	port->is_netdev = true;
	set_netns(port, &a->arg[2], errs);
}

LINE(port_role)
{
	struct model_port *port = port_of(model, a, 0, errs);

	if (port)
		port->is_uplink = !strcmp(a->arg[1].text, "uplink");
}

LINE(port_address)
{
	struct model_port *port = port_of(model, a, 0, errs);
	struct mcr_prefix *p;

	if (!port)
		return;
	if (!mcr_addr_is_source(&a->arg[1].prefix.addr)) {
		mcr_errs_add(errs, MCR_ERROR, "port %s: %s cannot be the address of a port",
			port->name, a->arg[1].text);
		return;
	}
	p = grow(&port->address, &port->n_addresses, sizeof(*p), errs);
	if (p)
		*p = a->arg[1].prefix;
}

static void
map_vlan(struct model *m, const struct mcr_args *a, uint16_t vid, unsigned segment_arg,
	struct mcr_errs *errs)
{
	struct model_port *port = port_of(m, a, 0, errs);
	struct model_segment *seg = segment_of(m, a, segment_arg, errs);
	struct model_vlan *vlan;

	if (!port || !seg)
		return;
	vlan = grow(&port->vlan, &port->n_vlans, sizeof(*vlan), errs);
	if (vlan)
		*vlan = (struct model_vlan){.vid = vid, .segment = seg - m->segment};
}

LINE(port_segment)
{
	map_vlan(model, a, MCR_VID_NONE, 1, errs);
}

LINE(port_vlan)
{
	map_vlan(model, a, a->arg[1].num, 2, errs);
}

LINE(port_mac)
{
	struct model_port *port = port_of(model, a, 0, errs);

	if (!port)
		return;
	if (a->arg[1].mac.b[0] & 1) {
		mcr_errs_add(errs, MCR_ERROR, "port %s: %s is a multicast MAC address", port->name,
			a->arg[1].text);
		return;
	}
	port->has_mac = true;
	port->mac = a->arg[1].mac;
}

LINE(port_mtu)
{
	struct model_port *port = port_of(model, a, 0, errs);

	if (port)
		port->mtu = a->arg[1].num;
}

LINE(port_queues)
{
	struct model_port *port = port_of(model, a, 0, errs);

	if (!port)
		return;
	port->n_rx = a->arg[1].num;
	port->n_tx = a->arg[2].num;
}

LINE(port_descriptors)
{
	struct model_port *port = port_of(model, a, 0, errs);

	if (!port)
		return;
	port->rx_desc = a->arg[1].num;
	port->tx_desc = a->arg[2].num;
}

/* The words of both rows stand in the order of the enums in struct mcr_port_param. */
LINE(port_receive_multicast)
{
	struct model_port *port = port_of(model, a, 0, errs);

	if (port)
		port->receive_multicast = a->arg[1].num;
}

LINE(port_checksum)
{
	struct model_port *port = port_of(model, a, 0, errs);

	if (port)
		port->checksum = a->arg[1].num;
}

LINE(port_admin)
{
	struct model_port *port = port_of(model, a, 0, errs);

	if (port)
		port->admin_down = !is_on(&a->arg[1]);
}

/* --- routes and neighbours ------------------------------------------------------------------- */

LINE(route)
{
	struct model *m = model;
	struct model_route *route = grow(&m->route, &m->n_routes, sizeof(*route), errs);

	if (!route)
		return;
	route->network = a->arg[0].prefix;
	route->nexthop = a->arg[1].ip;
	take_place(&route->place, m);
}

LINE(neighbor)
{
	struct model *m = model;
	struct model_port *port = port_of(m, a, 0, errs);
	struct model_neighbor *nb;

	if (!port)
		return;
	nb = grow(&m->neighbor, &m->n_neighbors, sizeof(*nb), errs);
	if (!nb)
		return;
	nb->port = port - m->port;
	nb->address = a->arg[1].ip;
	nb->mac = a->arg[2].mac;
}

/* --- segments ------------------------------------------------------------------------------- */

LINE(add_segment)
{
	struct model *m = model;
	struct model_segment *seg = grow(&m->segment, &m->n_segments, sizeof(*seg), errs);

	if (!seg)
		return;
	snprintf(seg->name, sizeof(seg->name), "%.31s", a->arg[0].text);
	seg->vni = a->arg[1].num;
	take_place(&seg->place, m);
	if (model_names_put(&m->segment_names, seg->name, m->n_segments - 1))
		mcr_errs_add(errs, MCR_ERROR, "configuration: out of memory");
}

LINE(segment_address)
{
	struct model_segment *seg = segment_of(model, a, 0, errs);
	const struct mcr_prefix *p = &a->arg[1].prefix;
	unsigned family;

	if (!seg)
		return;
	family = mcr_addr_is_v4(&p->addr) ? 0 : 1;
	if (!mcr_addr_is_source(&p->addr))
		mcr_errs_add(errs, MCR_ERROR,
			"segment %s: %s cannot be the address of an interface", seg->name,
			a->arg[1].text);
	else if (seg->address[family].len)
		mcr_err_fix(
			mcr_errs_add(errs, MCR_ERROR, "segment %s: it has an %s address already",
				seg->name, family ? "IPv6" : "IPv4"),
			"set port PORT address %s    (more addresses belong to ports)",
			a->arg[1].text);
	else
		seg->address[family] = *p;
}

LINE(segment_allow)
{
	struct model_segment *seg = segment_of(model, a, 0, errs);
	struct mcr_prefix *p = seg ? grow(&seg->allow, &seg->n_allow, sizeof(*p), errs) : NULL;

	if (p)
		*p = a->arg[1].prefix;
}

LINE(segment_deny)
{
	struct model_segment *seg = segment_of(model, a, 0, errs);
	struct mcr_prefix *p = seg ? grow(&seg->deny, &seg->n_deny, sizeof(*p), errs) : NULL;

	if (p)
		*p = a->arg[1].prefix;
}

LINE(segment_unknown)
{
	struct model_segment *seg = segment_of(model, a, 0, errs);

	if (seg)
		seg->flood_unknown = !strcmp(a->arg[1].text, "flood");
}

/* --- static members -------------------------------------------------------------------------- */

static void
new_member(struct model *m, const struct mcr_args *a, bool is_peer, uint32_t out,
	struct mcr_errs *errs)
{
	struct model_segment *seg = segment_of(m, a, 0, errs);
	struct model_member *member;

	if (!seg || out == MODEL_NONE)
		return;
	if (mcr_addr_is_link_local_group(&a->arg[1].ip)) {
		mcr_errs_add(errs, MCR_ERROR,
			"member %s: a link-local group is never pruned and has no members",
			a->arg[1].text);
		return;
	}
	if (a->arg[2].type == MCR_ARG_IP && !mcr_addr_is_source(&a->arg[2].ip)) {
		mcr_errs_add(errs, MCR_ERROR, "member %s: %s cannot be a source", a->arg[1].text,
			a->arg[2].text);
		return;
	}
	member = grow(&m->member, &m->n_members, sizeof(*member), errs);
	if (!member)
		return;
	member->segment = seg - m->segment;
	member->group = a->arg[1].ip;
	member->source = a->arg[2].type == MCR_ARG_IP ? a->arg[2].ip : mcr_addr_any;
	member->is_peer = is_peer;
	member->out = out;
	take_place(&member->place, m);
}

LINE(add_member_port)
{
	struct model *m = model;
	struct model_port *port = port_of(m, a, 3, errs);

	new_member(m, a, false, port ? port - m->port : MODEL_NONE, errs);
}

LINE(add_member_peer)
{
	struct model *m = model;
	struct model_peer *peer = peer_of(m, a, 3, errs);

	new_member(m, a, true, peer ? peer - m->peer : MODEL_NONE, errs);
}

/* --- igmp ----------------------------------------------------------------------------------- */

static struct model_igmp *
igmp_of(struct model *m, const struct mcr_args *a, struct mcr_errs *errs)
{
	struct model_port *port;
	struct model_igmp *igmp;

	if (!strcmp(a->arg[0].text, "all")) {
		igmp = &m->igmp_all;
	} else {
		port = port_of(m, a, 0, errs);
		if (!port)
			return NULL;
		igmp = &port->igmp;
	}
	take_place(&igmp->place, m);
	return igmp;
}

LINE(igmp_mode)
{
	static const char *const not_yet[] = {"proxy", NULL};
	struct model_igmp *igmp = igmp_of(model, a, errs);

	if (!igmp || later(&a->arg[1], "igmp mode", not_yet, errs))
		return;
	igmp->has_mode = true;
	igmp->mode = !strcmp(a->arg[1].text, "querier") ? MCR_MODE_QUERIER
	             : !strcmp(a->arg[1].text, "snoop") ? MCR_MODE_SNOOP
	                                                : MCR_MODE_OFF;
}

#define IGMP_NUMBER(row, flag, field)                              \
	LINE(row)                                                  \
	{                                                          \
		struct model_igmp *igmp = igmp_of(model, a, errs); \
		if (igmp) {                                        \
			igmp->flag = true;                         \
			igmp->field = a->arg[1].num;               \
		}                                                  \
	}

IGMP_NUMBER(igmp_query_interval, has_qi, qi_s)
IGMP_NUMBER(igmp_response_interval, has_qri, qri_s)
IGMP_NUMBER(igmp_last_member_interval, has_lmqi, lmqi_ms)
IGMP_NUMBER(igmp_robustness, has_rv, robustness)

LINE(igmp_version)
{
	struct model_igmp *igmp = igmp_of(model, a, errs);

	if (!igmp)
		return;
	igmp->has_version = true;
	igmp->version = a->arg[1].text[0] - '0';
}

LINE(igmp_fast_leave)
{
	struct model_igmp *igmp = igmp_of(model, a, errs);

	if (!igmp)
		return;
	igmp->has_fast = true;
	igmp->fast_leave = is_on(&a->arg[1]);
}

/* --- peers ---------------------------------------------------------------------------------- */

LINE(add_peer)
{
	struct model *m = model;
	struct model_peer *peer = grow(&m->peer, &m->n_peers, sizeof(*peer), errs);

	if (!peer)
		return;
	snprintf(peer->name, sizeof(peer->name), "%.31s", a->arg[0].text);
	peer->address = a->arg[1].ip;
	peer->uplink = MODEL_NONE;
	take_place(&peer->place, m);
	if (model_names_put(&m->peer_names, peer->name, m->n_peers - 1))
		mcr_errs_add(errs, MCR_ERROR, "configuration: out of memory");
}

LINE(peer_uplink)
{
	struct model *m = model;
	struct model_peer *peer = peer_of(m, a, 0, errs);
	struct model_port *port = port_of(m, a, 1, errs);

	if (!peer || !port)
		return;
	peer->has_uplink = true;
	peer->uplink = port - m->port;
}

LINE(peer_source)
{
	struct model_peer *peer = peer_of(model, a, 0, errs);

	if (!peer)
		return;
	peer->has_source = true;
	peer->source = a->arg[1].ip;
}

LINE(peer_nexthop)
{
	struct model_peer *peer = peer_of(model, a, 0, errs);

	if (!peer)
		return;
	peer->has_nexthop = true;
	peer->nexthop = a->arg[1].ip;
}

LINE(peer_encap)
{
	static const char *const not_yet[] = {"gre", "gretap", NULL};

	peer_of(model, a, 0, errs);
	later(&a->arg[1], "peer encap", not_yet, errs);
}

LINE(peer_segment)
{
	struct model *m = model;
	struct model_peer *peer = peer_of(m, a, 0, errs);
	struct model_segment *seg = segment_of(m, a, 1, errs);
	uint32_t *slot;

	if (!peer || !seg)
		return;
	slot = grow(&peer->segment, &peer->n_segments, sizeof(*slot), errs);
	if (slot)
		*slot = seg - m->segment;
}

LINE(peer_membership)
{
	static const char *const not_yet[] = {"exchange", "kernel", NULL};
	struct model_peer *peer = peer_of(model, a, 0, errs);

	if (!peer || later(&a->arg[1], "peer membership", not_yet, errs))
		return;
	peer->membership = !strcmp(a->arg[1].text, "static") ? MODEL_BY_STATIC
	                   : !strcmp(a->arg[1].text, "all")  ? MODEL_ALL
	                                                     : MODEL_BY_IGMP;
}

LINE(peer_admin)
{
	struct model_peer *peer = peer_of(model, a, 0, errs);

	if (peer)
		peer->admin_down = !is_on(&a->arg[1]);
}
