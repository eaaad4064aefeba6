/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Live objects -> snapshot. Order of removal: out of all lists, then out of the snapshot, then,
 * when every worker has seen that, freed. Order of arrival: into the snapshot, then, when every
 * worker has it, into lists.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "base/log.h"

#include "app.h"

bool
publish_is_current(const struct app *app, const struct app_port *port)
{
	const struct mcr_snap *snap = mcr_path_snap(app->path);

	return snap && snap->port[port - app->port].port == port->port &&
	       mcr_path_is_quiet(app->path, app->generation);
}

void
publish_bury_port(struct app *app, struct mcr_port *port)
{
	struct app_dying *bigger;

	bigger = realloc(app->dying, (app->n_dying + 1) * sizeof(*bigger));
	if (!bigger) {
		mcr_log(PORT, ERROR, "out of memory: port %s stays open", port->name);
		return;
	}
	app->dying = bigger;
	app->dying[app->n_dying++] =
		(struct app_dying){.port = port, .generation = app->generation + 1};
	app->needs_publish = true;
}

void
publish_bury_target(struct app *app, uint32_t target)
{
	uint32_t *bigger;

	if (target == APP_TARGET_NONE)
		return;
	app->peer_of_target[target] = MODEL_NONE;
	bigger = realloc(app->dead_target, (app->n_dead_targets + 1) * sizeof(*bigger));
	if (!bigger)
		return; /* the slot is lost until restart; nothing dangles */
	app->dead_target = bigger;
	app->dead_target[app->n_dead_targets++] = target;
	app->needs_publish = true;
}

static int
copy_array(void *to, uint32_t *n_to, const void *from, uint32_t n, size_t size)
{
	void *copy;

	*n_to = 0;
	if (!n)
		return 0;
	copy = malloc(n * size);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, from, n * size);
	*(void **)to = copy;
	*n_to = n;
	return 0;
}

static int
fill_port(const struct app *app, const struct app_port *port, struct mcr_snap_port *sp)
{
	struct mcr_addr *own;

	sp->port = port->port;
	sp->is_uplink = port->is_uplink;
	sp->is_up = !port->admin_down;
	sp->mac = port->port->mac;
	sp->tx_locked = port->port->n_tx < app->n_workers;
	for (uint32_t i = 0; i < port->n_vlans; i++)
		sp->segment[port->vlan[i].vid] = port->vlan[i].segment;
	if (!port->n_addresses)
		return 0;
	own = calloc(port->n_addresses, sizeof(*own));
	if (!own)
		return -ENOMEM;
	for (uint32_t i = 0; i < port->n_addresses; i++)
		own[i] = port->address[i].addr;
	sp->own = own;
	sp->n_own = port->n_addresses;
	return 0;
}

static int
fill_segment(
	struct app *app, uint16_t index, struct mcr_list_item *item, struct mcr_snap_segment *ss)
{
	const struct model *m = app->conf.model;
	const struct model_segment *seg = model_find_segment(m, app->segment[index].name);
	uint32_t n;

	if (!seg)
		return 0;
	ss->is_used = true;
	ss->vni = seg->vni;
	if (copy_array(&ss->allow, &ss->n_allow, seg->allow, seg->n_allow, sizeof(*seg->allow)) ||
		copy_array(&ss->deny, &ss->n_deny, seg->deny, seg->n_deny, sizeof(*seg->deny)))
		return -ENOMEM;
	n = forward_unknown_items(app, index, seg->flood_unknown, item);
	if (n) {
		ss->unknown = mcr_list_build(item, n);
		if (!ss->unknown)
			return -errno;
	}
	/* Link-local groups: all ports, never peers, also when a peer wants everything else. */
	n = forward_port_items(app, index, item);
	ss->link_local = mcr_list_build(item, n);
	return ss->link_local ? 0 : -errno;
}

static int
fill_peer(const struct app_peer *peer, struct mcr_snap_peer *sp)
{
	sp->is_used = true;
	sp->addr = peer->address;
	if (!peer->n_segments)
		return 0;
	sp->segment = calloc(peer->n_segments, sizeof(*sp->segment));
	if (!sp->segment)
		return -ENOMEM;
	for (uint32_t i = 0; i < peer->n_segments; i++) {
		uint32_t k = i;

		for (; k && sp->segment[k - 1] > peer->segment[i].segment; k--)
			sp->segment[k] = sp->segment[k - 1];
		sp->segment[k] = peer->segment[i].segment;
	}
	sp->n_segments = peer->n_segments;
	return 0;
}

static uint32_t
count_outputs(const struct app *app)
{
	uint32_t n = app->n_peers + 1;

	for (unsigned p = 0; p < MCR_MAX_PORTS; p++)
		n += app->port[p].n_vlans;
	return n;
}

static int
fill(struct app *app, struct mcr_snap *snap)
{
	struct mcr_list_item *item = calloc(count_outputs(app), sizeof(*item));
	int ret = item ? 0 : -ENOMEM;

	snap->generation = app->generation + 1;
	for (unsigned i = 0; i < MCR_MAX_PORTS && !ret; i++)
		if (app->port[i].is_used && app->port[i].port)
			ret = fill_port(app, &app->port[i], &snap->port[i]);
	for (uint32_t i = 0; i < app->n_segments && !ret; i++)
		if (app->segment[i].is_used)
			ret = fill_segment(app, i, item, &snap->segment[i]);
	for (uint32_t i = 0; i < app->n_peers && !ret; i++)
		if (app->peer[i].is_used && !app->peer[i].admin_down)
			ret = fill_peer(&app->peer[i], &snap->peer[i]);
	free(item);
	return ret ?: mcr_snap_finish(snap);
}

int
publish_snapshot(struct app *app)
{
	struct mcr_snap *snap = mcr_snap_create(app->n_segments, app->n_peers);
	int ret = snap ? fill(app, snap) : -ENOMEM;

	if (ret) {
		mcr_log(PATH, ERROR, "the data path keeps its old configuration: %s",
			strerror(-ret));
		mcr_snap_free(snap);
		return ret;
	}
	mcr_path_publish(app->path, snap);
	app->generation++;
	for (uint32_t i = 0; i < app->n_dead_targets; i++)
		mcr_target_del(app->targets, app->dead_target[i]);
	app->n_dead_targets = 0;
	app->needs_publish = false;
	app->needs_rebuild = true;
	return 0;
}

static void
free_dying(struct app *app)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < app->n_dying; i++) {
		if (app->dying[i].generation <= app->generation &&
			mcr_path_is_quiet(app->path, app->dying[i].generation))
			mcr_port_free(app->dying[i].port);
		else
			app->dying[kept++] = app->dying[i];
	}
	app->n_dying = kept;
}

void
publish_turn(struct app *app)
{
	if (app->needs_publish) {
		/* Whatever leaves is out of all lists before it leaves the snapshot. */
		forward_run(app->forward, 0);
		publish_snapshot(app);
	}
	if (app->needs_rebuild && mcr_path_is_quiet(app->path, app->generation)) {
		app->needs_rebuild = false;
		forward_mark_all(app->forward);
	}
	forward_run(app->forward, 2 * MCR_NS_PER_MS);
	free_dying(app);
}
