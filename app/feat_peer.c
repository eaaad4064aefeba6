/* SPDX-License-Identifier: BSD-3-Clause */
/* Peers: live objects, their targets, and the next hops that neigh watches for them. */
#include <stdlib.h>
#include <string.h>

#include "app.h"

static void
release_nexthop(struct app *app, struct app_peer *peer)
{
	if (peer->is_wanted)
		mcr_neigh_unwant(app->neigh, peer->port, &peer->nexthop);
	peer->is_wanted = false;
}

static void
leave(struct app *app, struct app_peer *peer)
{
	release_nexthop(app, peer);
	publish_bury_target(app, peer->target);
	peer->target = APP_TARGET_NONE;
	peer->is_leaving = true; /* slot is free when its instances are gone */
}

static struct app_peer *
new_peer(struct app *app, const struct model_peer *mp)
{
	for (uint32_t n = 0; n < MCR_MAX_PEERS; n++) {
		uint32_t i = app->peer_cursor++ % MCR_MAX_PEERS;
		struct app_peer *peer = &app->peer[i];

		if (peer->is_used)
			continue;
		memset(peer, 0, sizeof(*peer));
		peer->is_used = true;
		peer->target = APP_TARGET_NONE;
		snprintf(peer->name, sizeof(peer->name), "%s", mp->name);
		app->n_peers = RTE_MAX(app->n_peers, i + 1);
		return peer;
	}
	return NULL;
}

static bool
has_moved(const struct app_peer *peer, const struct model_peer *mp, int port)
{
	return peer->port != port || !mcr_addr_eq(&peer->nexthop, &mp->nexthop) ||
	       !mcr_addr_eq(&peer->address, &mp->address) ||
	       !mcr_addr_eq(&peer->source, &mp->source) || peer->admin_down != mp->admin_down;
}

/* A new way to the peer is a new target: a reader of an old list never meets a changed lane. */
static void
move(struct app *app, struct app_peer *peer, const struct model_peer *mp, uint8_t port)
{
	release_nexthop(app, peer);
	publish_bury_target(app, peer->target);
	peer->target = APP_TARGET_NONE;
	peer->port = port;
	peer->address = mp->address;
	peer->source = mp->source;
	peer->nexthop = mp->nexthop;
	peer->admin_down = mp->admin_down;
	peer->state = mp->admin_down ? APP_PEER_DOWN : APP_PEER_PENDING;
	memset(&peer->mac, 0, sizeof(peer->mac));
}

static void
peer_apply(void *arg, const void *old, void *model)
{
	const struct model *m = model;
	struct app *app = arg;

	app->n_all_peers = 0;
	for (uint32_t i = 0; i < app->n_peers; i++)
		if (app->peer[i].is_used && !model_find_peer(m, app->peer[i].name))
			leave(app, &app->peer[i]);
	for (uint32_t i = 0; i < m->n_peers; i++) {
		const struct model_peer *mp = &m->peer[i];
		int live = app_find_peer(app, mp->name);
		struct app_peer *peer = live >= 0 ? &app->peer[live] : new_peer(app, mp);
		int port = app_find_port(app, m->port[mp->uplink].name);

		if (!peer || port < 0 ||
			model_names_put(&app->peer_names, mp->name, peer - app->peer))
			continue;
		if (live < 0 || has_moved(peer, mp, port))
			move(app, peer, mp, port);
		peer->membership = mp->membership;
		app->n_all_peers += mp->membership == MODEL_ALL;
	}
}

const struct mcr_feature feat_peer = {
	.name = "peer",
	.apply = peer_apply,
};
