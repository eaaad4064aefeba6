/* SPDX-License-Identifier: BSD-3-Clause */
/* Lookups in the live objects. */
#include <string.h>

#include "app.h"

int
app_find_port(const struct app *app, const char *name)
{
	for (int i = 0; i < MCR_MAX_PORTS; i++)
		if (app->port[i].is_used && !strcmp(app->port[i].name, name))
			return i;
	return -1;
}

int
app_find_segment(const struct app *app, const char *name)
{
	for (uint32_t i = 0; i < app->n_segments; i++)
		if (app->segment[i].is_used && !strcmp(app->segment[i].name, name))
			return i;
	return -1;
}

int
app_find_peer(const struct app *app, const char *name)
{
	uint32_t i = model_names_get(&app->peer_names, name);

	return i == MODEL_NONE ? -1 : (int)i;
}

struct app_vlan *
app_find_vlan(struct app *app, unsigned port, uint16_t vid)
{
	struct app_port *p = &app->port[port];

	for (uint32_t i = 0; i < p->n_vlans; i++)
		if (p->vlan[i].vid == vid)
			return &p->vlan[i];
	/* A priority tag without a line of its own is as good as none. */
	return vid == 0 ? app_find_vlan(app, port, MCR_VID_NONE) : NULL;
}

struct app_peer_segment *
app_find_peer_segment(struct app *app, unsigned peer, unsigned segment)
{
	struct app_peer *p = &app->peer[peer];

	for (uint32_t i = 0; i < p->n_segments; i++)
		if (p->segment[i].segment == segment)
			return &p->segment[i];
	return NULL;
}

const char *
app_port_state_name(enum app_port_state state)
{
	static const char *const names[] = {
		[APP_PORT_PENDING] = "pending", [APP_PORT_UP] = "up", [APP_PORT_DOWN] = "down"};

	return names[state];
}

const char *
app_peer_state_name(enum app_peer_state state)
{
	static const char *const names[] = {
		[APP_PEER_PENDING] = "pending", [APP_PEER_UP] = "up", [APP_PEER_DOWN] = "down"};

	return names[state];
}

unsigned
app_peer_mtu(const struct app *app, const struct app_peer *peer)
{
	const struct mcr_target *t;

	if (peer->target == APP_TARGET_NONE)
		return 0;
	t = atomic_load_explicit(&app->targets->slot[peer->target], memory_order_relaxed);
	return t->mtu;
}
