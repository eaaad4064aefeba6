/* SPDX-License-Identifier: BSD-3-Clause */
/* Peers: whether they can be reached, and what went to and came from them. */
#include <stdlib.h>

#include "pkt/parse.h"

#include "show.h"

uint64_t *
show_peer_receive(const struct app *app)
{
	uint64_t *sum = calloc(app->n_peers + 1, sizeof(*sum));
	struct mcr_group_source source[64];
	const struct mcr_entry *e;
	uint32_t cursor = 0;

	while (sum && (e = mcr_table_next(app->table, &cursor))) {
		struct mcr_group_stat all;
		unsigned n = mcr_entry_stat_sum(app->table, e, &all, source, RTE_DIM(source));

		for (unsigned i = 0; i < n; i++)
			if (source[i].peer < app->n_peers)
				sum[source[i].peer] += source[i].packets;
	}
	return sum;
}

/* Counters of the targets at the last clear, by live index; a peer that moved has a new target. */
static struct cleared {
	uint32_t target;
	struct mcr_target_stat stat;
} * cleared;

void
show_peer_clear(struct app *app)
{
	if (!cleared)
		cleared = calloc(MCR_MAX_PEERS, sizeof(*cleared));
	for (uint32_t i = 0; cleared && i < app->n_peers; i++) {
		cleared[i].target = app->peer[i].target;
		if (app->peer[i].is_used && cleared[i].target != APP_TARGET_NONE)
			mcr_target_stat_sum(app->targets, cleared[i].target, &cleared[i].stat);
	}
}

static struct mcr_target_stat
sent_to(const struct app *app, const struct app_peer *peer)
{
	const struct cleared *then = cleared ? &cleared[peer - app->peer] : NULL;
	struct mcr_target_stat now = {0};

	if (peer->target == APP_TARGET_NONE)
		return now;
	mcr_target_stat_sum(app->targets, peer->target, &now);
	if (then && then->target == peer->target && then->stat.packets <= now.packets &&
		then->stat.drops <= now.drops) {
		now.packets -= then->stat.packets;
		now.bytes -= then->stat.bytes;
		now.drops -= then->stat.drops;
	}
	return now;
}

static json_t *
segments_json(const struct app *app, const struct app_peer *peer)
{
	json_t *names = json_array();

	for (uint32_t i = 0; i < peer->n_segments; i++)
		show_append(names, json_string(app->segment[peer->segment[i].segment].name));
	return names;
}

static json_t *
peer_json(const struct app *app, const struct app_peer *peer, uint64_t received)
{
	struct mcr_target_stat sent = sent_to(app, peer);
	unsigned mtu = app_peer_mtu(app, peer);
	json_t *row;

	row = json_pack("{s:s, s:o, s:s, s:n, s:n, s:n, s:s, s:o, s:s, s:n}", "peer", peer->name,
		"address", show_addr(&peer->address), "state", app_peer_state_name(peer->state),
		"rtt_seconds", "hello_loss_ratio", "clock_offset_seconds", "encap", "vxlan",
		"segments", segments_json(app, peer), "membership",
		show_membership(peer->membership), "discovery");
	json_object_set_new(row, "transmit_packets", json_integer((json_int_t)sent.packets));
	json_object_set_new(row, "transmit_bytes", json_integer((json_int_t)sent.bytes));
	json_object_set_new(row, "receive_packets", json_integer((json_int_t)received));
	json_object_set_new(row, "drops", json_integer((json_int_t)sent.drops));
	json_object_set_new(row, "encryption", json_string("off"));
	json_object_set_new(row, "mtu", mtu ? json_integer(mtu) : json_null());
	json_object_set_new(row, "uplink", show_text(app->port[peer->port].name));
	json_object_set_new(row, "source", show_addr(&peer->source));
	json_object_set_new(row, "nexthop", show_addr(&peer->nexthop));
	json_object_set_new(row, "nexthop_mac", show_mac(&peer->mac));
	json_object_set_new(row, "admin", json_string(peer->admin_down ? "down" : "up"));
	return row;
}

/* clang-format off */
static const struct mcr_column peer_columns[] = {
	{"PEER", "peer", MCR_COL_TEXT, NULL},
	{"ADDRESS", "address", MCR_COL_TEXT, NULL},
	{"STATE", "state", MCR_COL_TEXT, NULL},
	{"RTT", "rtt_seconds", MCR_COL_COUNT, NULL},
	{"HELLO-LOSS", "hello_loss_ratio", MCR_COL_RATIO, NULL},
	{"SEGMENTS", "segments", MCR_COL_TEXT, NULL},
	{"COPIES", "transmit_packets", MCR_COL_COUNT, NULL},
	{"IN-PKTS", "receive_packets", MCR_COL_COUNT, NULL},
	{"ENCRYPTION", "encryption", MCR_COL_TEXT, NULL},
	{"MTU", "mtu", MCR_COL_COUNT, NULL},
};
/* clang-format on */

static const struct mcr_listing peer_listing = {
	.array = "peers",
	.columns = peer_columns,
	.n_columns = RTE_DIM(peer_columns),
	.empty = "0 peers",
};

int
run_show_peers(struct mcr_session *s, const struct mcr_args *a)
{
	const struct app *app = s->app;
	uint64_t *received = show_peer_receive(app);
	json_t *rows;

	if (!received)
		return show_refuse(s, "show memory", "out of memory");
	rows = json_array();
	for (uint32_t i = 0; i < app->n_peers; i++)
		if (app->peer[i].is_used)
			show_append(rows, peer_json(app, &app->peer[i], received[i]));
	free(received);
	return mcr_render(s, a, show_rows("peers", rows), &peer_listing);
}

static void
peer_page(struct mcr_session *s, const json_t *root)
{
	const json_t *row = json_array_get(json_object_get(root, "peers"), 0);
	char text[512];

	mcr_session_printf(s, "Peer: %s\nAddress: %s\nState: %s%s\n", show_get_text(row, "peer"),
		show_get_text(row, "address"), show_get_text(row, "state"),
		show_get_text(row, "admin")[0] == 'd' ? " (admin down)" : "");
	mcr_session_printf(s, "Uplink: %s, source %s, next hop %s, MAC %s\n",
		show_get_text(row, "uplink"), show_get_text(row, "source"),
		show_get_text(row, "nexthop"), show_get_text(row, "nexthop_mac"));
	show_join(json_object_get(row, "segments"), ", ", text, sizeof(text));
	mcr_session_printf(
		s, "Segments: %s\nMembership: %s\n", text, show_get_text(row, "membership"));
	mcr_session_printf(s, "Encapsulation: %s, encryption %s\n", show_get_text(row, "encap"),
		show_get_text(row, "encryption"));
	if (show_is_null(row, "mtu"))
		mcr_session_printf(s, "Inner MTU: unknown\n");
	else
		mcr_session_printf(s, "Inner MTU: %d\n", (int)show_get_count(row, "mtu"));
	mcr_session_printf(s,
		"Sent: %" JSON_INTEGER_FORMAT " copies, %" JSON_INTEGER_FORMAT
		" bytes, %" JSON_INTEGER_FORMAT " dropped\n",
		show_get_count(row, "transmit_packets"), show_get_count(row, "transmit_bytes"),
		show_get_count(row, "drops"));
	mcr_session_printf(s, "Received: %" JSON_INTEGER_FORMAT " packets of our groups\n",
		show_get_count(row, "receive_packets"));
}

int
run_show_peer(struct mcr_session *s, const struct mcr_args *a)
{
	const struct app *app = s->app;
	int peer = app_find_peer(app, a->arg[0].text);
	uint64_t *received;
	json_t *rows;

	if (peer < 0)
		return show_refuse(s, "show peers", "no such peer \"%s\"", a->arg[0].text);
	received = show_peer_receive(app);
	if (!received)
		return show_refuse(s, "show memory", "out of memory");
	rows = json_array();
	show_append(rows, peer_json(app, &app->peer[peer], received[peer]));
	free(received);
	return mcr_render_page(s, a, show_rows("peers", rows), peer_page);
}
