/* SPDX-License-Identifier: BSD-3-Clause */
/* The clear commands: counters of the console start again at 0, learned things are forgotten. */
#include "show.h"

static void
clear_messages(struct app_port *port)
{
	for (uint32_t i = 0; i < port->n_vlans; i++)
		if (port->vlan[i].mif)
			mcr_mif_stat_clear(port->vlan[i].mif);
}

int
run_clear_counters(struct mcr_session *s, const struct mcr_args *a)
{
	struct app *app = s->app;
	struct mcr_mif *mif = NULL;

	mcr_stat_clear();
	show_port_clear(app, -1);
	show_peer_clear(app);
	while ((mif = mcr_member_next_mif(app->member, mif)))
		mcr_mif_stat_clear(mif);
	if (forward_clear(app->forward))
		return show_refuse(s, "show memory",
			"out of memory: counters of some groups were not cleared");
	return MCR_OK;
}

int
run_clear_counters_port(struct mcr_session *s, const struct mcr_args *a)
{
	struct app *app = s->app;
	int port = app_find_port(app, a->arg[0].text);

	if (port < 0)
		return show_refuse(s, "show ports", "no such port \"%s\"", a->arg[0].text);
	mcr_stat_clear_port(port);
	show_port_clear(app, port);
	clear_messages(&app->port[port]);
	return MCR_OK;
}

int
run_clear_drops(struct mcr_session *s, const struct mcr_args *a)
{
	mcr_stat_clear_drops();
	return MCR_OK;
}

int
run_clear_neighbors(struct mcr_session *s, const struct mcr_args *a)
{
	const struct app *app = s->app;

	mcr_neigh_clear(app->neigh);
	return MCR_OK;
}

int
run_clear_group(struct mcr_session *s, const struct mcr_args *a)
{
	const struct app *app = s->app;
	int segment = app_find_segment(app, a->arg[0].text);
	bool is_all = a->arg[1].type == MCR_ARG_CHOICE;
	struct mcr_group_info info;
	uint64_t cursor = 0;

	if (segment < 0)
		return show_refuse(s, "show segments", "no such segment \"%s\"", a->arg[0].text);
	if (is_all) {
		mcr_member_clear(app->member, segment, &mcr_addr_any);
		return MCR_OK;
	}
	while (mcr_member_next_group(app->member, &cursor, &info))
		if (info.segment == segment && mcr_addr_eq(&info.group, &a->arg[1].ip)) {
			mcr_member_clear(app->member, segment, &a->arg[1].ip);
			return MCR_OK;
		}
	return show_refuse(
		s, "show groups", "no such group %s in segment %s", a->arg[1].text, a->arg[0].text);
}
