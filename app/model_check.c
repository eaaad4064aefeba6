/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks that need the whole configuration, and the routes of peers. Pure: no EAL, no host. */
#include <stdlib.h>
#include <string.h>

#include "member/member.h"
#include "path/snap.h"
#include "pkt/parse.h"
#include "port/port.h"

#include "model.h"

static struct mcr_err *refuse(struct mcr_errs *errs, const struct model_place *place,
	enum mcr_severity severity, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static struct mcr_err *
refuse(struct mcr_errs *errs, const struct model_place *place, enum mcr_severity severity,
	const char *fmt, ...)
{
	char text[400];
	struct mcr_err *err;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err = mcr_errs_add(errs, severity, "%s", text);
	mcr_err_at(err, place->file, place->line);
	return err;
}

static void
check_igmp(const struct model_port *port, struct mcr_errs *errs)
{
	const struct model_igmp *g = &port->igmp;

	if (g->qri_s >= g->qi_s)
		mcr_err_fix(refuse(errs, &g->place, MCR_ERROR,
				    "igmp %s: response-interval %u is not below query-interval %u",
				    port->name, g->qri_s, g->qi_s),
			"set igmp %s response-interval %u", port->name,
			g->qi_s > 1 ? g->qi_s - 1 : 1);
	if (g->robustness == 1)
		refuse(errs, &g->place, MCR_WARNING,
			"igmp %s: robustness 1 loses members when a single report is lost",
			port->name);
	if (port->is_uplink && g->mode != MCR_MODE_OFF)
		mcr_err_fix(refuse(errs, &g->place, MCR_ERROR,
				    "igmp %s: an uplink carries tunnels only and has no hosts",
				    port->name),
			"set port %s role access", port->name);
}

static void
check_port(const struct model *m, const struct model_port *port, struct mcr_errs *errs)
{
	if (port->is_uplink && port->n_vlans)
		mcr_err_fix(refuse(errs, &port->place, MCR_ERROR,
				    "port %s: an uplink carries tunnels only and has no segment",
				    port->name),
			"del port %s segment", port->name);
	if (!port->is_uplink && !port->n_vlans)
		mcr_err_fix(refuse(errs, &port->place, MCR_WARNING,
				    "port %s: no segment, so everything it receives is dropped",
				    port->name),
			"set port %s segment SEGMENT", port->name);
	check_igmp(port, errs);

	/* One address may stand on several access ports of one segment, not on ports of two. */
	for (const struct model_port *other = m->port; other < port; other++) {
		bool is_same_segment = port->n_vlans && other->n_vlans &&
		                       port->vlan[0].segment == other->vlan[0].segment;

		for (uint32_t i = 0; i < port->n_addresses && !is_same_segment; i++)
			for (uint32_t k = 0; k < other->n_addresses; k++)
				if (mcr_addr_eq(&port->address[i].addr, &other->address[k].addr)) {
					char buf[MCR_ADDR_STRLEN];

					refuse(errs, &port->place, MCR_ERROR,
						"port %s: %s is the address of port %s too",
						port->name,
						mcr_addr_str(&port->address[i].addr, buf),
						other->name);
				}
	}
}

/* The line that came second is the wrong one; one typed on the console (0) came last. */
static int
later_line(const struct model_place *a, const struct model_place *b)
{
	uint32_t x = a->line - 1u, y = b->line - 1u;

	return x < y ? -1 : x > y;
}

static int
vni_order(const void *a, const void *b)
{
	const struct model_segment *const *x = a, *const *y = b;

	if ((*x)->vni != (*y)->vni)
		return (*x)->vni < (*y)->vni ? -1 : 1;
	return later_line(&(*x)->place, &(*y)->place);
}

static void
check_vnis(const struct model *m, struct mcr_errs *errs)
{
	const struct model_segment **by_vni = calloc(m->n_segments + 1, sizeof(*by_vni));

	if (!by_vni) {
		mcr_errs_add(errs, MCR_ERROR, "configuration: out of memory");
		return;
	}
	for (uint32_t i = 0; i < m->n_segments; i++)
		by_vni[i] = &m->segment[i];
	qsort(by_vni, m->n_segments, sizeof(*by_vni), vni_order);
	for (uint32_t i = 1; i < m->n_segments; i++)
		if (by_vni[i]->vni == by_vni[i - 1]->vni)
			mcr_err_fix(refuse(errs, &by_vni[i]->place, MCR_ERROR,
					    "segment %s: VNI %u is the VNI of segment %s too",
					    by_vni[i]->name, by_vni[i]->vni, by_vni[i - 1]->name),
				"add segment %s vni VNI    (another number)", by_vni[i]->name);
	free(by_vni);
}

static struct model_port *
uplink_on_link(const struct model *m, const struct mcr_addr *a)
{
	for (uint32_t i = 0; i < m->n_ports; i++)
		if (m->port[i].is_uplink && model_on_link(&m->port[i], a))
			return &m->port[i];
	return NULL;
}

/* The most specific route whose next hop is on an uplink's network (of `uplink` only, if given). */
static const struct model_route *
route_to(const struct model *m, const struct mcr_addr *a, const struct model_port *uplink)
{
	const struct model_route *best = NULL;

	for (uint32_t i = 0; i < m->n_routes; i++) {
		const struct model_route *r = &m->route[i];

		if (!mcr_prefix_covers(&r->network, a))
			continue;
		if (uplink && !model_on_link(uplink, &r->nexthop))
			continue;
		if (!best || r->network.len > best->network.len)
			best = r;
	}
	return best;
}

/* Fill uplink, nexthop and source of a peer; false: an error says why there is no way. */
static bool
resolve_peer(struct model *m, struct model_peer *peer, struct mcr_errs *errs)
{
	const struct model_port *uplink = peer->has_uplink ? &m->port[peer->uplink] : NULL;
	char buf[MCR_ADDR_STRLEN], via[MCR_ADDR_STRLEN];

	if (uplink && !uplink->is_uplink) {
		mcr_err_fix(refuse(errs, &peer->place, MCR_ERROR, "peer %s: port %s is no uplink",
				    peer->name, uplink->name),
			"set port %s role uplink", uplink->name);
		return false;
	}
	if (!peer->has_nexthop) {
		if (uplink ? model_on_link(uplink, &peer->address) != NULL
			   : uplink_on_link(m, &peer->address) != NULL) {
			peer->nexthop = peer->address;
		} else {
			const struct model_route *r = route_to(m, &peer->address, uplink);

			if (!r) {
				mcr_err_fix(refuse(errs, &peer->place, MCR_ERROR,
						    "peer %s: no route to %s%s%s", peer->name,
						    mcr_addr_str(&peer->address, buf),
						    uplink ? " by uplink " : "",
						    uplink ? uplink->name : ""),
					"set route %s/%d via NEXTHOP", buf,
					mcr_addr_is_v4(&peer->address) ? 32 : 128);
				return false;
			}
			peer->nexthop = r->nexthop;
		}
	}
	if (!uplink)
		uplink = uplink_on_link(m, &peer->nexthop);
	if (!uplink || !model_on_link(uplink, &peer->nexthop)) {
		mcr_err_fix(refuse(errs, &peer->place, MCR_ERROR,
				    "peer %s: next hop %s is on no uplink's network", peer->name,
				    mcr_addr_str(&peer->nexthop, via)),
			"set port %s address ADDRESS/LEN    (of that network, on an uplink)",
			uplink ? uplink->name : "PORT");
		return false;
	}
	peer->uplink = uplink - m->port;
	if (!peer->has_source) {
		for (uint32_t i = 0; i < uplink->n_addresses; i++)
			if (mcr_addr_is_v4(&uplink->address[i].addr) ==
				mcr_addr_is_v4(&peer->address)) {
				peer->source = uplink->address[i].addr;
				return true;
			}
		mcr_err_fix(refuse(errs, &peer->place, MCR_ERROR,
				    "peer %s: uplink %s has no address of that family", peer->name,
				    uplink->name),
			"set port %s address ADDRESS/LEN", uplink->name);
		return false;
	}
	for (uint32_t i = 0; i < m->n_ports; i++)
		for (uint32_t k = 0; k < m->port[i].n_addresses; k++)
			if (m->port[i].is_uplink &&
				mcr_addr_eq(&m->port[i].address[k].addr, &peer->source))
				return true;
	mcr_err_fix(refuse(errs, &peer->place, MCR_ERROR,
			    "peer %s: source %s is no address of an uplink", peer->name,
			    mcr_addr_str(&peer->source, buf)),
		"set port %s address %s/LEN", uplink->name, buf);
	return false;
}

static bool
is_own_address(const struct model *m, const struct mcr_addr *a)
{
	for (uint32_t i = 0; i < m->n_ports; i++)
		for (uint32_t k = 0; k < m->port[i].n_addresses; k++)
			if (mcr_addr_eq(&m->port[i].address[k].addr, a))
				return true;
	return false;
}

static void
check_peer(struct model *m, struct model_peer *peer, bool is_resolvable, struct mcr_errs *errs)
{
	char buf[MCR_ADDR_STRLEN];

	mcr_addr_str(&peer->address, buf);
	if (!mcr_addr_is_source(&peer->address)) {
		refuse(errs, &peer->place, MCR_ERROR, "peer %s: %s is %s", peer->name, buf,
			mcr_addr_is_multicast(&peer->address) ? "a multicast address"
							      : "no address of a host");
		return;
	}
	if (!mcr_addr_is_v4(&peer->address)) {
		refuse(errs, &peer->place, MCR_ERROR,
			"peer %s: this version of mcrd has tunnels over IPv4 only", peer->name);
		return;
	}
	if (is_own_address(m, &peer->address)) {
		refuse(errs, &peer->place, MCR_ERROR, "peer %s: %s is our own address", peer->name,
			buf);
		return;
	}
	if (!peer->n_segments)
		mcr_err_fix(refuse(errs, &peer->place, MCR_WARNING,
				    "peer %s: no segment, so nothing goes there", peer->name),
			"set peer %s segment SEGMENT", peer->name);
	/* After an unknown name "no route" would be a second error about the first one. */
	if (is_resolvable)
		resolve_peer(m, peer, errs);
}

static int
address_order(const void *a, const void *b)
{
	const struct model_peer *const *x = a, *const *y = b;

	return mcr_addr_cmp(&(*x)->address, &(*y)->address)
	               ?: later_line(&(*x)->place, &(*y)->place);
}

static void
check_peer_addresses(const struct model *m, struct mcr_errs *errs)
{
	const struct model_peer **by_addr = calloc(m->n_peers + 1, sizeof(*by_addr));

	if (!by_addr) {
		mcr_errs_add(errs, MCR_ERROR, "configuration: out of memory");
		return;
	}
	for (uint32_t i = 0; i < m->n_peers; i++)
		by_addr[i] = &m->peer[i];
	qsort(by_addr, m->n_peers, sizeof(*by_addr), address_order);
	for (uint32_t i = 1; i < m->n_peers; i++)
		if (mcr_addr_eq(&by_addr[i]->address, &by_addr[i - 1]->address))
			refuse(errs, &by_addr[i]->place, MCR_ERROR,
				"peer %s: it has the address of peer %s", by_addr[i]->name,
				by_addr[i - 1]->name);
	free(by_addr);
}

static bool
port_is_in_segment(const struct model_port *port, uint32_t segment)
{
	for (uint32_t i = 0; i < port->n_vlans; i++)
		if (port->vlan[i].segment == segment)
			return true;
	return false;
}

static bool
peer_is_in_segment(const struct model_peer *peer, uint32_t segment)
{
	for (uint32_t i = 0; i < peer->n_segments; i++)
		if (peer->segment[i] == segment)
			return true;
	return false;
}

static void
check_member(const struct model *m, const struct model_member *member, struct mcr_errs *errs)
{
	const char *seg = m->segment[member->segment].name;
	char group[MCR_ADDR_STRLEN];

	mcr_addr_str(&member->group, group);
	if (!model_is_allowed(&m->segment[member->segment], &member->group))
		mcr_err_fix(
			refuse(errs, &member->place, MCR_ERROR,
				"member %s %s: the segment's allow and deny lines refuse the group",
				seg, group),
			"set segment %s allow %s/%d", seg, group,
			mcr_addr_is_v4(&member->group) ? 32 : 128);
	if (member->is_peer) {
		const struct model_peer *peer = &m->peer[member->out];

		if (!peer_is_in_segment(peer, member->segment))
			mcr_err_fix(refuse(errs, &member->place, MCR_ERROR,
					    "member %s %s: segment %s is not extended to peer %s",
					    seg, group, seg, peer->name),
				"set peer %s segment %s", peer->name, seg);
	} else {
		const struct model_port *port = &m->port[member->out];

		if (!port_is_in_segment(port, member->segment))
			mcr_err_fix(refuse(errs, &member->place, MCR_ERROR,
					    "member %s %s: port %s is not in segment %s", seg,
					    group, port->name, seg),
				"set port %s segment %s", port->name, seg);
	}
}

void
model_check(struct model *m, struct mcr_errs *errs)
{
	bool is_resolvable = errs->n_errors == 0;

	for (uint32_t i = 0; i < m->n_ports; i++)
		check_port(m, &m->port[i], errs);
	check_vnis(m, errs);
	for (uint32_t i = 0; i < m->n_routes; i++) {
		char via[MCR_ADDR_STRLEN], net[MCR_PREFIX_STRLEN];

		if (!uplink_on_link(m, &m->route[i].nexthop))
			mcr_err_fix(refuse(errs, &m->route[i].place, MCR_ERROR,
					    "route %s: next hop %s is on no uplink's network",
					    mcr_prefix_str(&m->route[i].network, net),
					    mcr_addr_str(&m->route[i].nexthop, via)),
				"set port PORT address ADDRESS/LEN    (of that network, on an "
				"uplink)");
	}
	for (uint32_t i = 0; i < m->n_peers; i++)
		check_peer(m, &m->peer[i], is_resolvable, errs);
	check_peer_addresses(m, errs);
	for (uint32_t i = 0; i < m->n_members; i++)
		check_member(m, &m->member[i], errs);
	if (m->n_segments > MCR_MAX_SEGMENTS)
		mcr_errs_add(errs, MCR_ERROR, "configuration: this build has room for %u segments",
			MCR_MAX_SEGMENTS);
	if (m->n_peers > MCR_MAX_PEERS)
		mcr_errs_add(errs, MCR_ERROR, "configuration: this build has room for %u peers",
			MCR_MAX_PEERS);
}
