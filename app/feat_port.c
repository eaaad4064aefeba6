/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports: devices are opened in prepare, so that a wrong one refuses the commit. A port whose
 * namespace or interface is not there yet is pending and tried again every second. A device whose
 * settings changed is closed when no worker uses it any more, then opened again as a pending port.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "pkt/encap.h"

#include "app.h"

#define RETRY_NS MCR_NS_PER_S

/* Opened by prepare, taken by apply or closed by abort; index = port of the new model. */
static struct mcr_port *opened[MCR_MAX_PORTS];
static char opened_why[MCR_MAX_PORTS][160];

/* A vdev's costs nothing, so that the idle mode can change while the port is up. */
static bool
wants_rx_interrupt(const struct model *m, const struct model_port *mp)
{
	return m->idle == MCR_IDLE_INTERRUPT || !mcr_port_is_pci(mp->dev);
}

static void
param_of(const struct app *app, const struct model *m, const struct model_port *mp,
	struct mcr_port_param *p)
{
	memset(p, 0, sizeof(*p));
	snprintf(p->name, sizeof(p->name), "%s", mp->name);
	p->is_netdev = mp->is_netdev;
	snprintf(p->dev, sizeof(p->dev), "%s", mp->dev);
	snprintf(p->netns, sizeof(p->netns), "%s", mp->netns);
	p->mtu = mp->mtu;
	p->n_rx = mp->n_rx;
	p->n_tx = mp->n_tx;
	p->rx_desc = mp->rx_desc;
	p->tx_desc = mp->tx_desc;
	p->n_workers = app->n_workers;
	if (mp->has_mac)
		p->mac = mp->mac;
	p->receive_multicast = mp->receive_multicast;
	p->checksum = mp->checksum;
	p->wants_rx_interrupt = wants_rx_interrupt(m, mp);
	for (unsigned i = 0; i < RTE_DIM(p->pool); i++)
		p->pool[i] = app->pools[i].payload;
	p->file = mp->place.file;
	p->line = mp->place.line;
}

static bool
is_same_device(const struct model *was, const struct model_port *a, const struct model *now,
	const struct model_port *b)
{
	return a->is_netdev == b->is_netdev && !strcmp(a->dev, b->dev) &&
	       !strcmp(a->netns, b->netns) && a->n_rx == b->n_rx && a->n_tx == b->n_tx &&
	       a->rx_desc == b->rx_desc && a->tx_desc == b->tx_desc && a->has_mac == b->has_mac &&
	       !memcmp(&a->mac, &b->mac, sizeof(a->mac)) &&
	       a->receive_multicast == b->receive_multicast && a->checksum == b->checksum &&
	       wants_rx_interrupt(was, a) == wants_rx_interrupt(now, b);
}

static void
port_check(const void *model, struct mcr_errs *errs)
{
	const struct model *m = model;

	for (uint32_t i = 0; i < m->n_ports; i++) {
		static const struct app no_app;
		struct mcr_port_param p;

		param_of(&no_app, m, &m->port[i], &p);
		mcr_port_check(&p, errs);
	}
}

/* 0, or a negative errno when the commit must be refused. A pending port is no error. */
static int
open_port(struct app *app, const struct model *m, uint32_t i, struct mcr_errs *errs)
{
	struct mcr_errs why = {0};
	struct mcr_port_param p;
	int ret = 0;

	param_of(app, m, &m->port[i], &p);
	errno = 0;
	opened[i] = mcr_port_create(&p, &why);
	if (!opened[i])
		ret = errno == EAGAIN ? 0 : errno ? -errno : -EIO;
	for (unsigned e = 0; e < why.count; e++) {
		struct mcr_err *err = mcr_errs_add(
			errs, opened[i] || !ret ? MCR_WARNING : MCR_ERROR, "%s", why.item[e].text);

		mcr_err_fix(err, "%s", why.item[e].fix);
		mcr_err_at(err, why.item[e].file, why.item[e].line);
		if (!opened[i] && !ret)
			snprintf(opened_why[i], sizeof(opened_why[i]), "%.159s", why.item[e].text);
	}
	mcr_errs_fini(&why);
	return ret;
}

static void
port_abort(void *arg, const void *old, void *model)
{
	for (unsigned i = 0; i < MCR_MAX_PORTS; i++) {
		mcr_port_free(opened[i]);
		opened[i] = NULL;
	}
}

/* A running port keeps its device when the mtu changes, so the device says how much it can carry.
 */
static int
check_mtu(const struct app *app, const struct model *m, const struct model_port *mp,
	struct mcr_errs *errs)
{
	int live = app_find_port(app, mp->name);
	struct mcr_port_param p;

	if (live < 0 || !app->port[live].port)
		return 0;
	param_of(app, m, mp, &p);
	return mcr_port_check_mtu(app->port[live].port, &p, errs);
}

static int
port_prepare(void *arg, const void *old, void *model, struct mcr_errs *errs)
{
	const struct model *was = old, *m = model;
	struct app *app = arg;
	int ret = 0, bad = 0;

	memset(opened_why, 0, sizeof(opened_why));
	for (uint32_t i = 0; i < m->n_ports; i++) {
		if (was && model_find_port(was, m->port[i].name)) {
			if (check_mtu(app, m, &m->port[i], errs))
				bad = -EINVAL;
			continue;
		}
		/* Go on after a failure: the operator sees all errors at once. */
		ret = open_port(app, m, i, errs);
		if (ret)
			bad = ret;
	}
	if (bad)
		port_abort(arg, old, model);
	return bad;
}

/* Close what hangs on the device; the port itself stays configured. */
static void
unlink_device(struct app *app, struct app_port *port)
{
	for (uint32_t v = 0; v < port->n_vlans; v++) {
		publish_bury_target(app, port->vlan[v].target);
		port->vlan[v].target = APP_TARGET_NONE;
		if (port->vlan[v].mif)
			mcr_mif_set_up(port->vlan[v].mif, false);
	}
	for (uint32_t i = 0; i < app->n_peers; i++)
		if (app->peer[i].is_used && &app->port[app->peer[i].port] == port) {
			publish_bury_target(app, app->peer[i].target);
			app->peer[i].target = APP_TARGET_NONE;
			forward_mark_all(app->forward);
		}
	mcr_neigh_set_port(app->neigh, port - app->port, NULL, NULL, 0);
	if (port->port)
		publish_bury_port(app, port->port);
	port->port = NULL;
	port->state = APP_PORT_PENDING;
	port->next_try_ns = 0;
}

/* After a change: an event, if the state is another one now. */
static void
port_event(struct app *app, struct app_port *port)
{
	static const char *const names[] = {[APP_PORT_PENDING] = "port-pending",
		[APP_PORT_UP] = "port-up",
		[APP_PORT_DOWN] = "port-down"};

	if (port->state == port->told)
		return;
	port->told = port->state;
	event_emit(app, names[port->state], ",\"port\":\"%s\"", port->name);
	mcr_log(PORT, NOTICE, "port %s is %s%s%s", port->name, app_port_state_name(port->state),
		port->why[0] ? ": " : "", port->why);
}

static void
add_target(struct app *app, struct app_port *port, struct app_vlan *vlan)
{
	struct mcr_target t = {.mtu = port->port->mtu, .port = port - app->port};
	int64_t id;

	mcr_encap_native(&t.encap, vlan->vid);
	if (vlan->target != APP_TARGET_NONE) {
		mcr_target_replace(app->targets, vlan->target, &t);
		return;
	}
	id = mcr_target_add(app->targets, &t);
	if (id < 0)
		mcr_log(PORT, ERROR, "port %s: no free target slot, its members get nothing",
			port->name);
	else
		vlan->target = id;
}

void
feat_port_link(struct app *app, struct app_port *port)
{
	struct mcr_prefix own[16];
	uint32_t n = 0;

	port->state = !port->port                  ? APP_PORT_PENDING
	              : port->admin_down           ? APP_PORT_DOWN
	              : mcr_port_is_up(port->port) ? APP_PORT_UP
	                                           : APP_PORT_DOWN;
	port_event(app, port);
	if (!port->port)
		return;
	for (uint32_t v = 0; v < port->n_vlans; v++)
		add_target(app, port, &port->vlan[v]);
	for (uint32_t i = 0; i < port->n_addresses && n < RTE_DIM(own); i++)
		own[n++] = port->address[i];
	mcr_neigh_set_port(app->neigh, port - app->port, &port->port->mac, own, n);
	for (uint32_t i = 0; i < app->n_peers; i++)
		if (app->peer[i].is_used && &app->port[app->peer[i].port] == port)
			underlay_update_peer(app, &app->peer[i]);
}

static int
copy_addresses(struct app_port *port, const struct model_port *mp)
{
	free(port->address);
	port->address = NULL;
	port->n_addresses = 0;
	if (!mp->n_addresses)
		return 0;
	port->address = malloc(mp->n_addresses * sizeof(*port->address));
	if (!port->address)
		return -ENOMEM;
	memcpy(port->address, mp->address, mp->n_addresses * sizeof(*port->address));
	port->n_addresses = mp->n_addresses;
	return 0;
}

static struct app_port *
new_port(struct app *app, const struct model_port *mp)
{
	for (unsigned i = 0; i < MCR_MAX_PORTS; i++) {
		struct app_port *port = &app->port[i];

		if (port->is_used)
			continue;
		memset(port, 0, sizeof(*port));
		mcr_stat_clear_port(i);
		port->is_used = true;
		snprintf(port->name, sizeof(port->name), "%s", mp->name);
		return port;
	}
	return NULL; /* model_lines.c refused more ports than there are slots */
}

static void
port_apply(void *arg, const void *old, void *model)
{
	const struct model *was = old, *m = model;
	struct app *app = arg;

	for (unsigned i = 0; i < MCR_MAX_PORTS; i++) {
		struct app_port *port = &app->port[i];
		const struct model_port *mp = port->is_used ? model_find_port(m, port->name) : NULL;
		const struct model_port *before;

		if (!port->is_used)
			continue;
		before = was ? model_find_port(was, port->name) : NULL;
		if (!mp || (before && (!is_same_device(was, before, m, mp) ||
					      (before->mtu != mp->mtu && port->port &&
						      mcr_port_set_mtu(port->port, mp->mtu)))))
			unlink_device(app, port);
		if (!mp)
			port->is_leaving = true; /* slot is free when its instances are gone */
	}
	for (uint32_t i = 0; i < m->n_ports; i++) {
		const struct model_port *mp = &m->port[i];
		int live = app_find_port(app, mp->name);
		struct app_port *port = live >= 0 ? &app->port[live] : new_port(app, mp);

		if (!port)
			continue;
		if (opened[i]) {
			port->port = opened[i];
			opened[i] = NULL;
		}
		if (!port->port)
			snprintf(port->why, sizeof(port->why), "%s", opened_why[i]);
		port->is_uplink = mp->is_uplink;
		port->admin_down = mp->admin_down;
		copy_addresses(port, mp);
		port->next_try_ns = mcr_timers_now(app->timers) + RETRY_NS;
	}
	app->needs_publish = true;
}

const struct mcr_feature feat_port = {
	.name = "port",
	.check = port_check,
	.prepare = port_prepare,
	.apply = port_apply,
	.abort = port_abort,
};

static void
try_again(struct app *app, struct app_port *port)
{
	const struct model *m = app->conf.model;
	const struct model_port *mp = model_find_port(m, port->name);
	struct mcr_errs why = {0};
	struct mcr_port_param p;

	if (!mp)
		return;
	param_of(app, m, mp, &p);
	port->port = mcr_port_create(&p, &why);
	if (!port->port && why.count)
		snprintf(port->why, sizeof(port->why), "%.159s", why.item[0].text);
	mcr_errs_fini(&why);
	if (!port->port)
		return;
	port->why[0] = '\0';
	feat_port_link(app, port);
	for (uint32_t v = 0; v < port->n_vlans; v++)
		if (port->vlan[v].mif)
			mcr_mif_set_up(port->vlan[v].mif, port->state == APP_PORT_UP);
	app->needs_publish = true;
}

/* A link that changed, on a device whose link state means something. */
static void
follow_link(struct app *app, struct app_port *port)
{
	enum app_port_state state =
		port->admin_down || !mcr_port_is_up(port->port) ? APP_PORT_DOWN : APP_PORT_UP;

	if (state == port->state)
		return;
	port->state = state;
	for (uint32_t v = 0; v < port->n_vlans; v++)
		if (port->vlan[v].mif)
			mcr_mif_set_up(port->vlan[v].mif, state == APP_PORT_UP);
	port_event(app, port);
}

/* Its interface or namespace was removed: it waits for the next one, as at the start. */
static void
lose_device(struct app *app, struct app_port *port)
{
	unlink_device(app, port);
	snprintf(port->why, sizeof(port->why),
		"port %s: its interface is gone; the port is pending", port->name);
	port_event(app, port);
	app->needs_publish = true;
}

void
feat_port_turn(struct app *app)
{
	uint64_t now = mcr_timers_now(app->timers);

	for (unsigned i = 0; i < MCR_MAX_PORTS; i++) {
		struct app_port *port = &app->port[i];

		if (!port->is_used || now < port->next_try_ns)
			continue;
		port->next_try_ns = now + RETRY_NS;
		if (port->port && mcr_port_is_gone(port->port))
			lose_device(app, port);
		else if (port->port)
			follow_link(app, port);
		else if (!app->n_dying)
			try_again(app, port);
	}
}
