/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counters of groups and members, made from what the workers count of each table entry. A member's
 * copies are not counted one by one: they are what came in for the entries that serve it since it
 * joined, less what came in by its own port.
 */
#include <stdlib.h>
#include <string.h>

#include "forward.h"

static const struct mcr_entry *
entry_of(const struct app *app, const struct fgroup *g, const struct mcr_addr *source)
{
	struct mcr_group_key key = forward_key(g, source);

	return mcr_table_find(app->table, &key);
}

void
forward_group_stat(const struct app *app, uint16_t segment, const struct mcr_addr *group,
	struct forward_stat *sum)
{
	const struct fgroup *g = forward_find(app->forward, segment, group);

	memset(sum, 0, sizeof(*sum));
	for (uint32_t i = 0; g && i <= g->n_sources; i++) {
		const struct mcr_entry *e =
			entry_of(app, g, i < g->n_sources ? &g->source[i] : &mcr_addr_any);
		struct mcr_group_stat one;

		if (!e)
			continue;
		mcr_entry_stat_sum(app->table, e, &one, NULL, 0);
		sum->in_packets += one.in_packets;
		sum->in_bytes += one.in_bytes;
		sum->out_packets += one.out_packets;
		sum->out_bytes += one.out_bytes;
		sum->drops += one.drops;
	}
}

unsigned
forward_group_sources(const struct app *app, uint16_t segment, const struct mcr_addr *group,
	struct mcr_group_source *source, unsigned max)
{
	const struct fgroup *g = forward_find(app->forward, segment, group);
	unsigned n = 0;

	for (uint32_t i = 0; g && i <= g->n_sources && n < max; i++) {
		const struct mcr_entry *e =
			entry_of(app, g, i < g->n_sources ? &g->source[i] : &mcr_addr_any);
		struct mcr_group_stat one;

		if (e)
			n += mcr_entry_stat_sum(app->table, e, &one, source + n, max - n);
	}
	return n;
}

/* What came in for entries that serve this member, less what came in by its own port. */
void
forward_sum(const struct forward *f, const struct fgroup *g, const struct mcr_mgroup *mg,
	struct forward_copies *sum)
{
	const struct mcr_mif_param *p = mcr_mif_param(mcr_mgroup_mif(mg));

	memset(sum, 0, sizeof(*sum));
	for (uint32_t i = 0; i <= g->n_sources; i++) {
		bool is_any = i == g->n_sources;
		const struct mcr_entry *e;
		struct mcr_group_source source[MCR_GROUP_SOURCES * 4];
		struct mcr_group_stat one;
		unsigned n;

		if (is_any ? !mcr_mgroup_is_exclude(mg) : !mcr_mgroup_accepts(mg, &g->source[i]))
			continue;
		e = entry_of(f->app, g, is_any ? &mcr_addr_any : &g->source[i]);
		if (!e)
			continue;
		n = mcr_entry_stat_sum(f->app->table, e, &one, source, RTE_DIM(source));
		for (unsigned k = 0; k < n; k++) {
			bool is_echo = p->is_peer ? source[k].peer != MCR_PEER_NONE
			                          : source[k].peer == MCR_PEER_NONE &&
			                                    source[k].port == p->user >> 16;

			if (is_echo) {
				one.in_packets -= source[k].packets;
				one.in_bytes -= source[k].bytes;
			}
		}
		sum->packets += one.in_packets;
		sum->bytes += one.in_bytes;
	}
}

void
forward_member_copies(
	const struct app *app, const struct mcr_mgroup *mg, struct forward_copies *copies)
{
	const struct mcr_mif *mif = mcr_mgroup_mif(mg);
	const struct mcr_mif_param *p = mcr_mif_param(mif);
	struct mcr_addr group = mcr_mgroup_group(mg);
	const struct fgroup *g = forward_find(app->forward, p->segment, &group);
	struct fmember want = {.mif = mif};
	const struct fmember *member;

	memset(copies, 0, sizeof(*copies));
	if (!g || !g->n_members)
		return;
	member = bsearch(&want, g->member, g->n_members, sizeof(*member), forward_member_order);
	if (!member)
		return;
	forward_sum(app->forward, g, mg, copies);
	copies->packets -= RTE_MIN(copies->packets, member->base.packets);
	copies->bytes -= RTE_MIN(copies->bytes, member->base.bytes);
}

int
forward_clear(struct forward *f)
{
	for (uint32_t i = 0; i < f->n_buckets; i++)
		for (struct fgroup *g = f->bucket[i]; g; g = g->next_in_bucket)
			for (uint32_t k = 0; k < g->n_members; k++)
				memset(&g->member[k].base, 0, sizeof(g->member[k].base));
	return mcr_table_clear_stat(f->app->table);
}
