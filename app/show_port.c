/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports and what belongs to their network: largest packets, neighbours, routes. */
#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>

#include "pkt/encap.h"
#include "pkt/parse.h"

#include "show.h"

/* Values of the device's own counters at the last clear. */
static struct rte_eth_stats cleared[MCR_MAX_PORTS];

static void
read_device(const struct app_port *port, struct rte_eth_stats *now)
{
	if (!port->port || rte_eth_stats_get(port->port->id, now))
		memset(now, 0, sizeof(*now));
}

/* A device that was opened again starts below the old value. */
static json_int_t
since_clear(uint64_t now, uint64_t then)
{
	return (json_int_t)(now < then ? now : now - then);
}

void
show_port_clear(struct app *app, int port)
{
	for (int i = 0; i < MCR_MAX_PORTS; i++)
		if (app->port[i].is_used && (port < 0 || port == i))
			read_device(&app->port[i], &cleared[i]);
}

/* --- show ports, show port ------------------------------------------------------------------- */

static const char *
segment_name(const struct app *app, uint16_t segment)
{
	return segment < app->n_segments ? app->segment[segment].name : "";
}

static json_t *
vlans_json(const struct app *app, const struct app_port *port, json_t **untagged)
{
	json_t *vlans = json_array();

	*untagged = NULL;
	for (uint32_t i = 0; i < port->n_vlans; i++) {
		const char *name = segment_name(app, port->vlan[i].segment);

		if (port->vlan[i].vid == MCR_VID_NONE)
			*untagged = json_string(name);
		else
			show_append(vlans,
				json_pack("{s:i, s:s}", "vid", port->vlan[i].vid, "segment", name));
	}
	if (!*untagged)
		*untagged = json_null();
	return vlans;
}

static json_t *
speed_json(const struct app_port *port)
{
	struct rte_eth_link link = {0};

	if (!port->port || rte_eth_link_get_nowait(port->port->id, &link) ||
		link.link_speed == RTE_ETH_SPEED_NUM_NONE ||
		link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN)
		return json_null();
	return json_integer((json_int_t)link.link_speed * 1000000);
}

static json_t *
addresses_json(const struct app_port *port)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < port->n_addresses; i++)
		show_append(array, show_prefix(&port->address[i]));
	return array;
}

static json_t *
reasons_json(const struct mcr_port_stat *sum, uint64_t *total)
{
	json_t *array = json_array();

	*total = 0;
	for (unsigned why = 0; why < MCR_DROP_MAX; why++) {
		if (!sum->drop[why])
			continue;
		*total += sum->drop[why];
		show_append(array,
			json_pack("{s:s, s:s, s:I}", "reason", mcr_drop_info[why].reason, "stage",
				mcr_drop_info[why].stage, "count", (json_int_t)sum->drop[why]));
	}
	return array;
}

static json_t *
port_json(const struct app *app, unsigned index)
{
	const struct app_port *port = &app->port[index];
	const struct mcr_port *dev = port->port;
	const struct model_port *mp = model_find_port(show_model(app), port->name);
	struct rte_eth_stats device;
	struct mcr_port_stat sum;
	json_t *untagged, *vlans = vlans_json(app, port, &untagged), *reasons;
	uint64_t drops;
	json_t *row;

	read_device(port, &device);
	mcr_stat_port(index, &sum);
	reasons = reasons_json(&sum, &drops);
	row = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "port", port->name, "state",
		app_port_state_name(port->state), "role", port->is_uplink ? "uplink" : "access",
		"segment", untagged, "vlans", vlans, "driver", show_text(dev ? dev->driver : NULL),
		"device",
		show_text(dev  ? dev->device
			  : mp ? mp->dev
			       : NULL),
		"netns", show_text(mp ? mp->netns : NULL));
	json_object_set_new(row, "mac", dev ? show_mac(&dev->mac) : json_null());
	json_object_set_new(row, "speed_bits_per_second", speed_json(port));
	json_object_set_new(row, "mtu",
		dev             ? json_integer(dev->mtu)
		: mp && mp->mtu ? json_integer(mp->mtu)
				: json_null());
	json_object_set_new(row, "addresses", addresses_json(port));
	json_object_set_new(row, "receive_mode", show_text(dev ? dev->receive_mode : NULL));
	json_object_set_new(row, "receive_packets", json_integer((json_int_t)sum.rx_packets));
	json_object_set_new(row, "receive_bytes", json_integer((json_int_t)sum.rx_bytes));
	json_object_set_new(row, "transmit_packets", json_integer((json_int_t)sum.tx_packets));
	json_object_set_new(row, "transmit_bytes", json_integer((json_int_t)sum.tx_bytes));
	json_object_set_new(row, "receive_missed",
		json_integer(since_clear(device.imissed, cleared[index].imissed)));
	json_object_set_new(row, "receive_errors",
		json_integer(since_clear(device.ierrors, cleared[index].ierrors)));
	json_object_set_new(row, "receive_nombuf",
		json_integer(since_clear(device.rx_nombuf, cleared[index].rx_nombuf)));
	json_object_set_new(row, "transmit_errors",
		json_integer(since_clear(device.oerrors, cleared[index].oerrors)));
	json_object_set_new(row, "drops", json_integer((json_int_t)drops));
	json_object_set_new(row, "drop_reasons", reasons);
	json_object_set_new(row, "receive_queues", dev ? json_integer(dev->n_rx) : json_null());
	json_object_set_new(row, "transmit_queues", dev ? json_integer(dev->n_tx) : json_null());
	json_object_set_new(
		row, "why", port->state == APP_PORT_UP ? json_null() : show_text(port->why));
	return row;
}

/* Segments of the port, the untagged one first, each once. */
static void
format_segments(const json_t *row, char *buf, size_t size)
{
	const json_t *vlans = json_object_get(row, "vlans"), *vlan;
	size_t i, len;

	snprintf(buf, size, "%s", show_get_text(row, "segment"));
	if (show_is_null(row, "segment") && json_array_size(vlans))
		buf[0] = '\0';
	json_array_foreach (vlans, i, vlan) {
		const char *name = show_get_text(vlan, "segment");

		len = strlen(buf);
		if (!strstr(buf, name) && len + 2 < size)
			snprintf(buf + len, size - len, "%s%s", len ? "," : "", name);
	}
}

static void
ports_footer(struct mcr_session *s, const json_t *root)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(root, "ports"), i, row) {
		if (!show_is_null(row, "why"))
			mcr_session_printf(s, "%s is %s: %s\n", show_get_text(row, "port"),
				show_get_text(row, "state"), show_get_text(row, "why"));
	}
}

/* clang-format off */
static const struct mcr_column port_columns[] = {
	{"PORT", "port", MCR_COL_TEXT, NULL},
	{"STATE", "state", MCR_COL_TEXT, NULL},
	{"ROLE", "role", MCR_COL_TEXT, NULL},
	{"SEGMENT", "segment", MCR_COL_TEXT, format_segments},
	{"DRIVER", "driver", MCR_COL_TEXT, NULL},
	{"SPEED", "speed_bits_per_second", MCR_COL_SPEED, NULL},
	{"MTU", "mtu", MCR_COL_COUNT, NULL},
	{"IN PKTS", "receive_packets", MCR_COL_COUNT, NULL},
	{"OUT PKTS", "transmit_packets", MCR_COL_COUNT, NULL},
	{"MISSED", "receive_missed", MCR_COL_COUNT, NULL},
	{"DROPS", "drops", MCR_COL_COUNT, NULL},
	{"ADDRESS", "addresses", MCR_COL_TEXT, NULL},
};
/* clang-format on */

static const struct mcr_listing port_listing = {
	.array = "ports",
	.columns = port_columns,
	.n_columns = RTE_DIM(port_columns),
	.empty = "0 ports",
	.footer = ports_footer,
};

int
run_show_ports(struct mcr_session *s, const struct mcr_args *a)
{
	const struct app *app = s->app;
	json_t *rows = json_array();

	for (unsigned i = 0; i < MCR_MAX_PORTS; i++)
		if (app->port[i].is_used)
			show_append(rows, port_json(app, i));
	return mcr_render(s, a, show_rows("ports", rows), &port_listing);
}

static void
print_vlans(struct mcr_session *s, const json_t *row)
{
	const json_t *vlan;
	size_t i;

	mcr_session_printf(s, "Segment: %s\n", show_get_text(row, "segment"));
	json_array_foreach (json_object_get(row, "vlans"), i, vlan) {
		mcr_session_printf(s, "VLAN %d: segment %s\n", (int)show_get_count(vlan, "vid"),
			show_get_text(vlan, "segment"));
	}
}

static void
print_speed(struct mcr_session *s, const json_t *row)
{
	json_int_t mbps = show_get_count(row, "speed_bits_per_second") / 1000000;

	if (show_is_null(row, "speed_bits_per_second"))
		mcr_session_printf(s, "Speed: unknown\n");
	else if (mbps % 1000)
		mcr_session_printf(s, "Speed: %" JSON_INTEGER_FORMAT "M\n", mbps);
	else
		mcr_session_printf(s, "Speed: %" JSON_INTEGER_FORMAT "G\n", mbps / 1000);
}

static void
print_counters(struct mcr_session *s, const json_t *row)
{
	const json_t *reason;
	size_t i;

	mcr_session_printf(s,
		"Received: %" JSON_INTEGER_FORMAT " packets, %" JSON_INTEGER_FORMAT
		" bytes, %" JSON_INTEGER_FORMAT " missed, %" JSON_INTEGER_FORMAT
		" errors, %" JSON_INTEGER_FORMAT " without buffer\n",
		show_get_count(row, "receive_packets"), show_get_count(row, "receive_bytes"),
		show_get_count(row, "receive_missed"), show_get_count(row, "receive_errors"),
		show_get_count(row, "receive_nombuf"));
	mcr_session_printf(s,
		"Sent: %" JSON_INTEGER_FORMAT " packets, %" JSON_INTEGER_FORMAT
		" bytes, %" JSON_INTEGER_FORMAT " errors\n",
		show_get_count(row, "transmit_packets"), show_get_count(row, "transmit_bytes"),
		show_get_count(row, "transmit_errors"));
	mcr_session_printf(s, "Drops: %" JSON_INTEGER_FORMAT "\n", show_get_count(row, "drops"));
	json_array_foreach (json_object_get(row, "drop_reasons"), i, reason) {
		mcr_session_printf(s, "  %-16s  %-10s  %" JSON_INTEGER_FORMAT "\n",
			show_get_text(reason, "reason"), show_get_text(reason, "stage"),
			show_get_count(reason, "count"));
	}
}

static void
port_page(struct mcr_session *s, const json_t *root)
{
	const json_t *row = json_array_get(json_object_get(root, "ports"), 0);
	char text[512];

	mcr_session_printf(
		s, "Port: %s\nState: %s", show_get_text(row, "port"), show_get_text(row, "state"));
	if (!show_is_null(row, "why"))
		mcr_session_printf(s, " (%s)", show_get_text(row, "why"));
	mcr_session_printf(s, "\nRole: %s\n", show_get_text(row, "role"));
	print_vlans(s, row);
	mcr_session_printf(s, "Device: %s, driver %s", show_get_text(row, "device"),
		show_get_text(row, "driver"));
	if (!show_is_null(row, "netns"))
		mcr_session_printf(s, ", in network namespace %s", show_get_text(row, "netns"));
	mcr_session_printf(s, "\nMAC: %s\n", show_get_text(row, "mac"));
	print_speed(s, row);
	if (show_is_null(row, "mtu"))
		mcr_session_printf(s, "MTU: unknown\n");
	else
		mcr_session_printf(s, "MTU: %d\n", (int)show_get_count(row, "mtu"));
	show_join(json_object_get(row, "addresses"), ", ", text, sizeof(text));
	mcr_session_printf(s, "Addresses: %s\n", text);
	if (!show_is_null(row, "receive_queues"))
		mcr_session_printf(s, "Queues: %d receive, %d transmit\n",
			(int)show_get_count(row, "receive_queues"),
			(int)show_get_count(row, "transmit_queues"));
	mcr_session_printf(s, "Receive Mode: %s\n", show_get_text(row, "receive_mode"));
	print_counters(s, row);
}

int
run_show_port(struct mcr_session *s, const struct mcr_args *a)
{
	const struct app *app = s->app;
	int port = app_find_port(app, a->arg[0].text);
	json_t *rows;

	if (port < 0)
		return show_refuse(s, "show ports", "no such port \"%s\"", a->arg[0].text);
	rows = json_array();
	show_append(rows, port_json(app, port));
	return mcr_render_page(s, a, show_rows("ports", rows), port_page);
}

/* --- show mtu -------------------------------------------------------------------------------- */

static json_t *
mtu_json(const char *port, const char *peer, int link_mtu, const char *encap, int overhead)
{
	return json_pack("{s:s, s:s?, s:o, s:s?, s:n, s:i, s:o}", "port", port, "peer", peer,
		"link_mtu", link_mtu ? json_integer(link_mtu) : json_null(), "encapsulation", encap,
		"cipher", "overhead", overhead, "inner_mtu",
		link_mtu ? json_integer(RTE_MAX(link_mtu - overhead, 0)) : json_null());
}

static unsigned
tunnel_overhead(const struct app_peer *peer)
{
	struct mcr_vxlan_param p = {
		.src = peer->source, .dst = peer->address, .udp_port = 4789, .ttl = 64};
	struct mcr_encap encap;

	mcr_encap_vxlan(&encap, &p);
	return 1500 - mcr_encap_inner_mtu(&encap, 1500);
}

/* clang-format off */
static const struct mcr_column mtu_columns[] = {
	{"PORT", "port", MCR_COL_TEXT, NULL},
	{"PEER", "peer", MCR_COL_TEXT, NULL},
	{"LINK-MTU", "link_mtu", MCR_COL_COUNT, NULL},
	{"ENCAPSULATION", "encapsulation", MCR_COL_TEXT, NULL},
	{"CIPHER", "cipher", MCR_COL_TEXT, NULL},
	{"OVERHEAD", "overhead", MCR_COL_COUNT, NULL},
	{"INNER-MTU", "inner_mtu", MCR_COL_COUNT, NULL},
};
/* clang-format on */

static const struct mcr_listing mtu_listing = {
	.array = "mtu",
	.columns = mtu_columns,
	.n_columns = RTE_DIM(mtu_columns),
	.empty = "0 ports",
};

int
run_show_mtu(struct mcr_session *s, const struct mcr_args *a)
{
	const struct app *app = s->app;
	json_t *rows = json_array();

	for (unsigned i = 0; i < MCR_MAX_PORTS; i++) {
		const struct app_port *port = &app->port[i];

		if (port->is_used && !port->is_uplink)
			show_append(rows, mtu_json(port->name, NULL,
						  port->port ? port->port->mtu : 0, NULL, 0));
	}
	for (uint32_t i = 0; i < app->n_peers; i++) {
		const struct app_peer *peer = &app->peer[i];
		const struct app_port *port = &app->port[peer->port];

		if (peer->is_used)
			show_append(rows,
				mtu_json(port->name, peer->name, port->port ? port->port->mtu : 0,
					"vxlan", tunnel_overhead(peer)));
	}
	return mcr_render(s, a, show_rows("mtu", rows), &mtu_listing);
}

/* --- show neighbors, show routes ------------------------------------------------------------- */

/* clang-format off */
static const struct mcr_column neighbor_columns[] = {
	{"PORT", "port", MCR_COL_TEXT, NULL},
	{"ADDRESS", "address", MCR_COL_TEXT, NULL},
	{"MAC", "mac", MCR_COL_TEXT, NULL},
	{"STATE", "state", MCR_COL_TEXT, NULL},
	{"AGE", "age_seconds", MCR_COL_DURATION, NULL},
	{"QUEUED", "queued_packets", MCR_COL_COUNT, NULL},
};
/* clang-format on */

static const struct mcr_listing neighbor_listing = {
	.array = "neighbors",
	.columns = neighbor_columns,
	.n_columns = RTE_DIM(neighbor_columns),
	.empty = "0 neighbors",
};

static const char *const neighbor_states[] = {
	[MCR_NEIGH_PENDING] = "pending",
	[MCR_NEIGH_UP] = "up",
	[MCR_NEIGH_DOWN] = "down",
	[MCR_NEIGH_STATIC] = "static",
};

int
run_show_neighbors(struct mcr_session *s, const struct mcr_args *a)
{
	const struct app *app = s->app;
	json_t *rows = json_array();
	struct mcr_neigh_info info;
	uint32_t cursor = 0;

	while (mcr_neigh_next(app->neigh, &cursor, &info))
		show_append(rows,
			json_pack("{s:s, s:o, s:o, s:s, s:o, s:i}", "port",
				app->port[info.port].name, "address", show_addr(&info.addr), "mac",
				show_mac(&info.mac), "state", neighbor_states[info.state],
				"age_seconds",
				info.state == MCR_NEIGH_UP ? json_integer(info.age_s) : json_null(),
				"queued_packets", (int)info.queued));
	return mcr_render(s, a, show_rows("neighbors", rows), &neighbor_listing);
}

/* clang-format off */
static const struct mcr_column route_columns[] = {
	{"NETWORK", "network", MCR_COL_TEXT, NULL},
	{"NEXTHOP", "nexthop", MCR_COL_TEXT, NULL},
	{"PORT", "port", MCR_COL_TEXT, NULL},
	{"ORIGIN", "origin", MCR_COL_TEXT, NULL},
};
/* clang-format on */

static const struct mcr_listing route_listing = {
	.array = "routes",
	.columns = route_columns,
	.n_columns = RTE_DIM(route_columns),
	.empty = "0 routes",
};

static const char *
port_towards(const struct model *m, const struct mcr_addr *nexthop)
{
	for (uint32_t i = 0; i < m->n_ports; i++)
		if (model_on_link(&m->port[i], nexthop))
			return m->port[i].name;
	return NULL;
}

int
run_show_routes(struct mcr_session *s, const struct mcr_args *a)
{
	const struct model *m = show_model(s->app);
	json_t *rows = json_array();

	for (uint32_t i = 0; i < m->n_routes; i++)
		show_append(
			rows, json_pack("{s:o, s:o, s:s?, s:s}", "network",
				      show_prefix(&m->route[i].network), "nexthop",
				      show_addr(&m->route[i].nexthop), "port",
				      port_towards(m, &m->route[i].nexthop), "origin", "static"));
	return mcr_render(s, a, show_rows("routes", rows), &route_listing);
}
