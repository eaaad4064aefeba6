/* SPDX-License-Identifier: BSD-3-Clause */
/* What the control thread sends and receives: IGMP on ports and in tunnels, ARP, ICMP echo, and
 * the state of peers that follows from their next hop. */
#include <string.h>

#include <rte_ether.h>

#include "base/log.h"
#include "pkt/arp.h"
#include "pkt/encap.h"
#include "pkt/rewrite.h"

#include "app.h"

/* --- sending -------------------------------------------------------------------------------- */

/*
 * What is sent while the data path changes waits until every worker knows the new one: the first
 * query of a port must not be lost because the port is not there yet.
 */
static bool
is_settled(const struct app *app)
{
	return !app->needs_publish && mcr_path_is_quiet(app->path, app->generation);
}

static void
inject(struct app *app, uint8_t port, struct rte_mbuf *m)
{
	if ((app->n_held || !is_settled(app)) && app->n_held < RTE_DIM(app->held)) {
		mcr_punt_of(m)->port = port;
		app->held[app->n_held++] = m;
		return;
	}
	mcr_inject(app->path, port, m);
}

void
underlay_turn(struct app *app)
{
	if (!app->n_held || !is_settled(app))
		return;
	for (uint32_t i = 0; i < app->n_held; i++)
		mcr_inject(app->path, mcr_punt_of(app->held[i])->port, app->held[i]);
	app->n_held = 0;
}

void
underlay_fini(struct app *app)
{
	rte_pktmbuf_free_bulk(app->held, app->n_held);
	app->n_held = 0;
}

static void
send_frame(void *arg, uint8_t port, const uint8_t *frame, uint32_t len)
{
	struct app *app = arg;
	struct rte_mbuf *m;
	char *data;

	if (!app->port[port].port)
		return;
	m = mcr_inject_alloc(app->path);
	if (!m) {
		mcr_drop_count(port, MCR_DROP_REPL_NO_BUFFER, 1);
		return;
	}
	data = rte_pktmbuf_append(m, len);
	if (!data) {
		rte_pktmbuf_free(m);
		mcr_drop_count(port, MCR_DROP_REPL_MTU, 1);
		return;
	}
	memcpy(data, frame, len);
	inject(app, port, m);
}

/* The frame as the peer's far side is to see it, behind the header of the peer's target. */
static void
send_in_tunnel(struct app *app, struct app_peer *peer, uint16_t segment, const uint8_t *ip,
	uint32_t len, const struct mcr_mac *dst)
{
	uint8_t frame[MCR_ENCAP_SCRATCH + MCR_ENCAP_ROOM + 2048];
	struct mcr_vary vary = {.ethertype = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4),
		.sport = mcr_encap_sport(mcr_addr_to_v4(&peer->address) & 0xffff),
		.vni = rte_cpu_to_be_32(app->segment[segment].vni << 8),
		.payload_len = len};
	const struct mcr_target *t;
	struct rte_mbuf *m;

	if (peer->target == APP_TARGET_NONE || peer->state == APP_PEER_DOWN || len > 2048)
		return;
	t = atomic_load_explicit(&app->targets->slot[peer->target], memory_order_relaxed);
	memcpy(vary.mac, dst, 6);
	memcpy(vary.mac + 6, &app->port[peer->port].port->mac, 6);
	mcr_encap_write(frame + MCR_ENCAP_SCRATCH, &t->encap, &vary);
	memcpy(frame + MCR_ENCAP_SCRATCH + t->encap.len, ip, len);
	if (peer->state == APP_PEER_UP) {
		send_frame(app, peer->port, frame + MCR_ENCAP_SCRATCH, t->encap.len + len);
		return;
	}
	m = mcr_inject_alloc(app->path);
	if (!m) {
		mcr_drop_count(peer->port, MCR_DROP_REPL_NO_BUFFER, 1);
		return;
	}
	memcpy(rte_pktmbuf_append(m, t->encap.len + len), frame + MCR_ENCAP_SCRATCH,
		t->encap.len + len);
	mcr_neigh_queue(app->neigh, peer->port, &peer->nexthop, m);
}

static void
send_on_port(struct app *app, unsigned port, uint16_t vid, const uint8_t *ip, uint32_t len,
	const struct mcr_mac *dst)
{
	uint8_t frame[MCR_ENCAP_SCRATCH + MCR_ENCAP_ROOM + 2048];
	struct mcr_vary vary = {
		.ethertype = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4), .payload_len = len};
	struct mcr_encap encap;

	if (!app->port[port].port || len > 2048)
		return;
	mcr_encap_native(&encap, vid);
	memcpy(vary.mac, dst, 6);
	memcpy(vary.mac + 6, &app->port[port].port->mac, 6);
	mcr_encap_write(frame + MCR_ENCAP_SCRATCH, &encap, &vary);
	memcpy(frame + MCR_ENCAP_SCRATCH + encap.len, ip, len);
	send_frame(app, port, frame + MCR_ENCAP_SCRATCH, encap.len + len);
}

void
underlay_send_igmp(
	void *arg, struct mcr_mif *mif, const uint8_t *ip, uint32_t len, const struct mcr_addr *dst)
{
	const struct mcr_mif_param *p = mcr_mif_param(mif);
	struct mcr_mac mac = mcr_mac_of_group(dst);
	struct app *app = arg;

	if (p->is_peer)
		send_in_tunnel(app, &app->peer[p->user >> 16], p->segment, ip, len, &mac);
	else
		send_on_port(app, p->user >> 16, p->user & 0xffff, ip, len, &mac);
}

/* --- receiving ------------------------------------------------------------------------------ */

static void
receive_igmp(struct app *app, const struct mcr_punt *meta, struct rte_mbuf *m)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	struct mcr_mif *mif = NULL;
	int why;

	if (meta->peer != MCR_PEER_NONE) {
		struct app_peer_segment *ps =
			app->peer[meta->peer].is_used
				? app_find_peer_segment(app, meta->peer, meta->segment)
				: NULL;

		mif = ps ? ps->mif : NULL;
	} else {
		struct app_vlan *vlan = app_find_vlan(app, meta->port, meta->vid);

		mif = vlan ? vlan->mif : NULL;
	}
	if (!mif) /* its port or peer went while the frame waited */
		return;
	why = mcr_mif_input(mif, frame + meta->l2_len, rte_pktmbuf_data_len(m) - meta->l2_len);
	if (why >= 0)
		mcr_drop_count(meta->port, why, 1);
}

/* A copy for a peer whose next hop was not known when it was made. */
static void
receive_unresolved(struct app *app, const struct mcr_punt *meta, struct rte_mbuf *m)
{
	uint32_t index = app->peer_of_target[meta->target];
	struct app_peer *peer = index == MODEL_NONE ? NULL : &app->peer[index];

	if (peer && peer->state == APP_PEER_UP) {
		memcpy(rte_pktmbuf_mtod(m, void *), &peer->mac, 6);
		inject(app, peer->port, m);
	} else if (peer && peer->state == APP_PEER_PENDING) {
		mcr_neigh_queue(app->neigh, peer->port, &peer->nexthop, m);
	} else {
		mcr_drop_count(meta->port, MCR_DROP_REPL_NO_NEIGHBOR, 1);
		rte_pktmbuf_free(m);
	}
}

void
underlay_punt(void *arg, struct rte_mbuf *m)
{
	struct app *app = arg;
	const struct mcr_punt *meta = mcr_punt_of(m);
	struct app_port *port = &app->port[meta->port];

	switch (meta->kind) {
	case MCR_PUNT_RESOLVE:
		receive_unresolved(app, meta, m);
		return; /* the mbuf went on */
	case MCR_PUNT_MSHIP:
		receive_igmp(app, meta, m);
		break;
	case MCR_PUNT_ARP:
		mcr_neigh_input(app->neigh, meta->port, rte_pktmbuf_mtod(m, const uint8_t *),
			rte_pktmbuf_data_len(m), meta->l2_len);
		break;
	case MCR_PUNT_ICMP:
		if (port->port && !mcr_icmp_echo_reply(rte_pktmbuf_mtod(m, uint8_t *),
					  rte_pktmbuf_data_len(m), &port->port->mac))
			send_frame(app, meta->port, rte_pktmbuf_mtod(m, const uint8_t *),
				rte_pktmbuf_data_len(m));
		break;
	}
	rte_pktmbuf_free(m);
}

/* --- peers ---------------------------------------------------------------------------------- */

void
underlay_update_peer(struct app *app, struct app_peer *peer)
{
	const struct app_port *port = &app->port[peer->port];
	struct mcr_vxlan_param vx = {.dst_mac = peer->mac,
		.src = peer->source,
		.dst = peer->address,
		.udp_port = 4789,
		.ttl = 64};
	struct mcr_target t = {.port = peer->port, .tunnel = 1};
	int64_t id;

	if (!port->port)
		return;
	vx.src_mac = port->port->mac;
	mcr_encap_vxlan(&t.encap, &vx);
	t.mtu = RTE_MAX(mcr_encap_inner_mtu(&t.encap, port->port->mtu), 0);
	if (peer->target != APP_TARGET_NONE) {
		if (mcr_target_replace(app->targets, peer->target, &t))
			mcr_log(PEER, ERROR, "peer %s: out of memory, its address is not changed",
				peer->name);
		return;
	}
	id = mcr_target_add(app->targets, &t);
	if (id < 0) {
		mcr_log(PEER, ERROR, "peer %s: no free target slot, it gets nothing", peer->name);
		return;
	}
	peer->target = id;
	app->peer_of_target[id] = peer - app->peer;
}

void
underlay_set_peer_state(struct app *app, struct app_peer *peer, enum app_peer_state state)
{
	char buf[MCR_ADDR_STRLEN];

	if (state == peer->state)
		return;
	/* Thousands of peers that come up at the start are no news; one that was lost is. */
	mcr_log_write(MCR_LOGTYPE_PEER,
		peer->state == APP_PEER_PENDING && state == APP_PEER_UP ? MCR_LOG_INFO
									: MCR_LOG_NOTICE,
		"peer %s (%s) is %s", peer->name, mcr_addr_str(&peer->address, buf),
		app_peer_state_name(state));
	if (state == APP_PEER_UP || state == APP_PEER_DOWN)
		event_emit(app, state == APP_PEER_UP ? "peer-up" : "peer-down",
			",\"peer\":\"%s\",\"address\":\"%s\"", peer->name, buf);
	peer->state = state;
	for (uint32_t i = 0; i < peer->n_segments; i++) {
		forward_mark_segment(app->forward, peer->segment[i].segment);
		if (peer->segment[i].mif && state == APP_PEER_UP)
			mcr_mif_set_up(peer->segment[i].mif, true);
	}
	if (app->has_flood || peer->membership == MODEL_ALL)
		app->needs_publish = true; /* lists for unknown groups hold the peer */
}

static void
follow_neighbor(struct app *app, struct app_peer *peer, enum mcr_neigh_state state,
	const struct mcr_mac *mac)
{
	if (mac && memcmp(mac, &peer->mac, sizeof(*mac))) {
		peer->mac = *mac;
		underlay_update_peer(app, peer);
	}
	underlay_set_peer_state(app, peer,
		state == MCR_NEIGH_DOWN      ? APP_PEER_DOWN
		: state == MCR_NEIGH_PENDING ? APP_PEER_PENDING
					     : APP_PEER_UP);
}

static void
neigh_changed(void *arg, uint8_t port, const struct mcr_addr *addr, enum mcr_neigh_state state,
	const struct mcr_mac *mac)
{
	struct app *app = arg;

	for (uint32_t i = 0; i < app->n_peers; i++) {
		struct app_peer *peer = &app->peer[i];

		if (peer->is_used && peer->is_wanted && peer->port == port &&
			mcr_addr_eq(&peer->nexthop, addr))
			follow_neighbor(app, peer, state, mac);
	}
}

void
underlay_check_peer(struct app *app, struct app_peer *peer)
{
	struct mcr_neigh_info info;

	if (!mcr_neigh_find(app->neigh, peer->port, &peer->nexthop, &info))
		return;
	if (info.state == MCR_NEIGH_UP || info.state == MCR_NEIGH_STATIC)
		follow_neighbor(app, peer, info.state, &info.mac);
}

static void
neigh_release(void *arg, uint8_t port, void *packet, const struct mcr_mac *mac)
{
	struct rte_mbuf *m = packet;
	struct app *app = arg;

	if (mac && app->port[port].port) {
		memcpy(rte_pktmbuf_mtod(m, void *), mac, sizeof(*mac));
		inject(app, port, m);
	} else {
		mcr_drop_count(port, MCR_DROP_REPL_NO_NEIGHBOR, 1);
		rte_pktmbuf_free(m);
	}
}

const struct mcr_neigh_ops underlay_neigh_ops = {
	.send = send_frame,
	.changed = neigh_changed,
	.release = neigh_release,
};
