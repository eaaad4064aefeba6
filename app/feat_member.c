/* SPDX-License-Identifier: BSD-3-Clause */
/* IGMP instances of every (port, VLAN) and (peer, segment), and static members. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "pkt/parse.h"

#include "app.h"

static const struct mcr_prefix *
first_v4(const struct mcr_prefix *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (p[i].len && mcr_addr_is_v4(&p[i].addr))
			return &p[i];
	return NULL;
}

static void
param_of_port(const struct app *app, const struct app_port *port, const struct model_port *mp,
	const struct model_segment *seg, uint16_t vid, struct mcr_mif_param *p)
{
	const struct model_igmp *g = &mp->igmp;
	const struct mcr_prefix *own = first_v4(mp->address, mp->n_addresses);

	memset(p, 0, sizeof(*p));
	if (vid == MCR_VID_NONE)
		snprintf(p->name, sizeof(p->name), "%s", mp->name);
	else
		snprintf(p->name, sizeof(p->name), "%s.%u", mp->name, vid);
	p->segment = app_find_segment(app, seg->name);
	p->mode = g->mode;
	p->version = g->version;
	p->qi_s = g->qi_s;
	p->qri_s = g->qri_s;
	p->lmqi_ms = g->lmqi_ms;
	p->robustness = g->robustness;
	p->fast_leave = g->fast_leave;
	for (uint32_t i = 0; i < mp->n_addresses && p->n_networks < RTE_DIM(p->network); i++)
		p->network[p->n_networks++] = mp->address[i];
	if (!own && seg->address[0].len) {
		own = &seg->address[0];
		p->network[p->n_networks++] = *own;
	}
	if (own)
		p->address = own->addr;
	p->mtu = port->port ? port->port->mtu : 1500;
	p->user = (uint32_t)(port - app->port) << 16 | vid;
}

/* The segment's address, else that of its first access port that has one. */
static struct mcr_addr
tunnel_address(const struct model *m, uint32_t segment)
{
	if (m->segment[segment].address[0].len)
		return m->segment[segment].address[0].addr;
	for (uint32_t i = 0; i < m->n_ports; i++)
		for (uint32_t v = 0; v < m->port[i].n_vlans; v++)
			if (m->port[i].vlan[v].segment == segment) {
				const struct mcr_prefix *own =
					first_v4(m->port[i].address, m->port[i].n_addresses);

				if (own)
					return own->addr;
			}
	return mcr_addr_any;
}

static void
param_of_peer(const struct app *app, const struct app_peer *peer, const struct model *m,
	const struct model_peer *mp, uint32_t segment, struct mcr_mif_param *p)
{
	bool by_igmp = mp->membership == MODEL_BY_IGMP;
	unsigned mtu = app_peer_mtu(app, peer);

	*p = (struct mcr_mif_param){
		.segment = app_find_segment(app, m->segment[segment].name),
		.is_peer = true,
		.reports_to_peer = by_igmp,
		.mode = by_igmp ? MCR_MODE_QUERIER : MCR_MODE_OFF,
		.version = 3,
		.qi_s = m->igmp_all.has_qi ? m->igmp_all.qi_s : 125,
		.qri_s = m->igmp_all.has_qri ? m->igmp_all.qri_s : 10,
		.lmqi_ms = m->igmp_all.has_lmqi ? m->igmp_all.lmqi_ms : 1000,
		.robustness = m->igmp_all.has_rv ? m->igmp_all.robustness : 2,
		.address = tunnel_address(m, segment),
		.mtu = mtu ? mtu : 1450,
		.user = (uint32_t)(peer - app->peer) << 16 | p->segment,
	};
	snprintf(p->name, sizeof(p->name), "%s", mp->name);
	p->user = (uint32_t)(peer - app->peer) << 16 | p->segment;
}

static void
add_or_update(struct app *app, struct mcr_mif **mif, const struct mcr_mif_param *p, bool is_up)
{
	if (*mif) {
		mcr_mif_update(*mif, p);
	} else {
		*mif = mcr_mif_add(app->member, p);
		if (!*mif)
			mcr_log(MEMBER, ERROR, "%s: out of memory, no membership there", p->name);
	}
	/* Said again to one that is up, it would begin its startup queries again. */
	if (*mif && is_up != mcr_mif_is_up(*mif))
		mcr_mif_set_up(*mif, is_up);
}

/* --- static members -------------------------------------------------------------------------- */

static int
static_order(const void *a, const void *b)
{
	const struct app_static *x = a, *y = b;
	int order;

	if (x->mif != y->mif)
		return x->mif < y->mif ? -1 : 1;
	order = mcr_addr_cmp(&x->group, &y->group);
	return order ? order : mcr_addr_cmp(&x->source, &y->source);
}

static void
forget_statics(struct app *app, const struct mcr_mif *mif)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < app->n_statics; i++)
		if (app->statics[i].mif != mif)
			app->statics[kept++] = app->statics[i];
	app->n_statics = kept;
}

static void
delete_mif(struct app *app, struct mcr_mif **mif)
{
	if (!*mif)
		return;
	forget_statics(app, *mif);
	mcr_mif_del(*mif);
	*mif = NULL;
}

static uint32_t
wanted_statics(struct app *app, const struct model *m, struct app_static *want)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->n_members; i++) {
		const struct model_member *mm = &m->member[i];
		int segment = app_find_segment(app, m->segment[mm->segment].name);
		struct app_static one = {.group = mm->group, .source = mm->source};

		if (mm->is_peer) {
			int peer = app_find_peer(app, m->peer[mm->out].name);
			struct app_peer_segment *ps =
				peer < 0 ? NULL : app_find_peer_segment(app, peer, segment);

			one.mif = ps ? ps->mif : NULL;
			if (one.mif)
				want[n++] = one;
		} else {
			int port = app_find_port(app, m->port[mm->out].name);

			for (uint32_t v = 0; port >= 0 && v < app->port[port].n_vlans; v++) {
				one.mif = app->port[port].vlan[v].mif;
				if (one.mif && app->port[port].vlan[v].segment == segment)
					want[n++] = one;
			}
		}
	}
	return n;
}

static void
apply_statics(struct app *app, const struct model *m)
{
	uint32_t room = m->n_members * 2 + 1, n, i = 0, k = 0;
	struct app_static *want;

	for (unsigned p = 0; p < MCR_MAX_PORTS; p++)
		if (app->port[p].n_vlans > 1)
			room += m->n_members * (app->port[p].n_vlans - 1);
	want = calloc(room, sizeof(*want));
	if (!want) {
		mcr_log(MEMBER, ERROR, "out of memory: static members are not changed");
		return;
	}
	n = wanted_statics(app, m, want);
	qsort(want, n, sizeof(*want), static_order);
	while (i < app->n_statics || k < n) {
		int order = i == app->n_statics ? 1
		            : k == n            ? -1
		                                : static_order(&app->statics[i], &want[k]);

		if (order < 0)
			mcr_mif_static_del(app->statics[i].mif, &app->statics[i].group,
				&app->statics[i].source);
		else if (order > 0 &&
			 mcr_mif_static_add(want[k].mif, &want[k].group, &want[k].source))
			mcr_log(MEMBER, ERROR, "out of memory: a static member is missing");
		i += order <= 0;
		k += order >= 0;
	}
	free(app->statics);
	app->statics = want;
	app->n_statics = n;
}

/* --- instances ------------------------------------------------------------------------------- */

static void
apply_port(
	struct app *app, struct app_port *port, const struct model *m, const struct model_port *mp)
{
	uint32_t n = mp ? mp->n_vlans : 0;
	struct app_vlan *now = n ? calloc(n, sizeof(*now)) : NULL;

	if (n && !now) {
		mcr_log(MEMBER, ERROR, "port %s: out of memory, its segments are not changed",
			port->name);
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct model_segment *seg = &m->segment[mp->vlan[i].segment];

		now[i] = (struct app_vlan){.vid = mp->vlan[i].vid,
			.segment = app_find_segment(app, seg->name),
			.target = APP_TARGET_NONE};
		/* What stays in its segment keeps its members and its target. */
		for (uint32_t k = 0; k < port->n_vlans; k++)
			if (port->vlan[k].vid == now[i].vid &&
				port->vlan[k].segment == now[i].segment) {
				now[i] = port->vlan[k];
				port->vlan[k].mif = NULL;
				port->vlan[k].target = APP_TARGET_NONE;
			}
	}
	for (uint32_t k = 0; k < port->n_vlans; k++) {
		delete_mif(app, &port->vlan[k].mif);
		publish_bury_target(app, port->vlan[k].target);
	}
	free(port->vlan);
	port->vlan = now;
	port->n_vlans = n;
	if (mp)
		feat_port_link(app, port);
	for (uint32_t i = 0; i < n; i++) {
		struct mcr_mif_param p;

		param_of_port(app, port, mp, &m->segment[mp->vlan[i].segment], now[i].vid, &p);
		add_or_update(app, &now[i].mif, &p, port->state == APP_PORT_UP);
	}
}

static void
apply_peer(
	struct app *app, struct app_peer *peer, const struct model *m, const struct model_peer *mp)
{
	uint32_t n = mp ? mp->n_segments : 0;
	struct app_peer_segment *now = n ? calloc(n, sizeof(*now)) : NULL;

	if (n && !now) {
		mcr_log(MEMBER, ERROR, "peer %s: out of memory, its segments are not changed",
			peer->name);
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		now[i].segment = app_find_segment(app, m->segment[mp->segment[i]].name);
		for (uint32_t k = 0; k < peer->n_segments; k++)
			if (peer->segment[k].segment == now[i].segment) {
				now[i].mif = peer->segment[k].mif;
				peer->segment[k].mif = NULL;
			}
	}
	for (uint32_t k = 0; k < peer->n_segments; k++)
		delete_mif(app, &peer->segment[k].mif);
	free(peer->segment);
	peer->segment = now;
	peer->n_segments = n;
	if (!mp)
		return;
	if (peer->target == APP_TARGET_NONE)
		underlay_update_peer(app, peer);
	for (uint32_t i = 0; i < n; i++) {
		struct mcr_mif_param p;

		param_of_peer(app, peer, m, mp, mp->segment[i], &p);
		add_or_update(app, &now[i].mif, &p, !peer->admin_down);
	}
	if (!peer->is_wanted && !peer->admin_down) {
		peer->is_wanted = !mcr_neigh_want(app->neigh, peer->port, &peer->nexthop);
		underlay_check_peer(app, peer);
	}
}

static void
apply_neighbors(struct app *app, const struct model *was, const struct model *m)
{
	for (uint32_t i = 0; was && i < was->n_neighbors; i++) {
		int port = app_find_port(app, was->port[was->neighbor[i].port].name);
		bool stays = false;

		for (uint32_t k = 0; k < m->n_neighbors && !stays; k++)
			stays = mcr_addr_eq(&m->neighbor[k].address, &was->neighbor[i].address) &&
			        !strcmp(m->port[m->neighbor[k].port].name,
					was->port[was->neighbor[i].port].name);
		if (port >= 0 && !stays)
			mcr_neigh_set_static(app->neigh, port, &was->neighbor[i].address, NULL);
	}
	for (uint32_t i = 0; i < m->n_neighbors; i++) {
		int port = app_find_port(app, m->port[m->neighbor[i].port].name);

		if (port >= 0)
			mcr_neigh_set_static(
				app->neigh, port, &m->neighbor[i].address, &m->neighbor[i].mac);
	}
}

/* The map of names without those that left. */
static void
rename_peers(struct app *app)
{
	free(app->peer_names.slot);
	memset(&app->peer_names, 0, sizeof(app->peer_names));
	for (uint32_t i = 0; i < app->n_peers; i++)
		if (app->peer[i].is_used && model_names_put(&app->peer_names, app->peer[i].name, i))
			mcr_log(PEER, ERROR, "out of memory: peer %s has no name",
				app->peer[i].name);
}

static bool
is_same_list(const struct mcr_prefix *a, uint32_t n_a, const struct mcr_prefix *b, uint32_t n_b)
{
	return n_a == n_b && (n_a == 0 || !memcmp(a, b, n_a * sizeof(*a)));
}

/* Members that the allow and deny lines refuse now are forgotten. */
static void
recheck_members(struct app *app, const struct model *was, const struct model *m)
{
	for (uint32_t i = 0; was && i < m->n_segments; i++) {
		const struct model_segment *now = &m->segment[i];
		const struct model_segment *old = model_find_segment(was, now->name);

		if (old && (!is_same_list(old->allow, old->n_allow, now->allow, now->n_allow) ||
				   !is_same_list(old->deny, old->n_deny, now->deny, now->n_deny)))
			mcr_member_recheck(app->member, app_find_segment(app, now->name));
	}
}

static void
member_apply(void *arg, const void *old, void *model)
{
	const struct model *m = model;
	struct app *app = arg;

	apply_neighbors(app, old, m);
	for (unsigned i = 0; i < MCR_MAX_PORTS; i++)
		if (app->port[i].is_used) {
			apply_port(app, &app->port[i], m, model_find_port(m, app->port[i].name));
			if (app->port[i].is_leaving) {
				free(app->port[i].address);
				memset(&app->port[i], 0, sizeof(app->port[i]));
			}
		}
	for (uint32_t i = 0; i < app->n_peers; i++)
		if (app->peer[i].is_used) {
			apply_peer(app, &app->peer[i], m, model_find_peer(m, app->peer[i].name));
			if (app->peer[i].is_leaving)
				memset(&app->peer[i], 0, sizeof(app->peer[i]));
		}
	rename_peers(app);
	for (uint32_t i = 0; i < app->n_segments; i++)
		if (app->segment[i].is_leaving)
			memset(&app->segment[i], 0, sizeof(app->segment[i]));
	apply_statics(app, m);
	recheck_members(app, old, m);
}

const struct mcr_feature feat_member = {
	.name = "member",
	.apply = member_apply,
};

/* The last step of a commit. */
static void
publish_apply(void *arg, const void *old, void *model)
{
	struct app *app = arg;

	forward_mark_all(app->forward);
	app->needs_publish = true;
}

const struct mcr_feature feat_publish = {
	.name = "publish",
	.apply = publish_apply,
};
