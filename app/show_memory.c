/* SPDX-License-Identifier: BSD-3-Clause */
/* Packet pools, hugepages, and how full the tables are. */
#include <stdio.h>
#include <string.h>

#include <rte_mbuf.h>

#include "show.h"

static const char *const kinds[] = {"payload", "header", "copy", "control"};

/* Smallest number of free buffers that a sample met, + 1; 0 = not sampled yet. */
static uint32_t least_free[RTE_MAX_NUMA_NODES][RTE_DIM(kinds)];

static struct rte_mempool *
pool_of(const struct app *app, unsigned socket, unsigned kind)
{
	const struct mcr_pools *p = &app->pools[socket];
	struct rte_mempool *const pools[] = {p->payload, p->header, p->copy, p->control};

	return pools[kind];
}

static uint32_t
sample(const struct app *app, unsigned socket, unsigned kind)
{
	struct rte_mempool *pool = pool_of(app, socket, kind);
	uint32_t now = rte_mempool_avail_count(pool);

	if (!least_free[socket][kind] || now + 1 < least_free[socket][kind])
		least_free[socket][kind] = now + 1;
	return now;
}

void
show_memory_tick(struct app *app)
{
	for (unsigned i = 0; i < RTE_MAX_NUMA_NODES; i++)
		for (unsigned k = 0; k < RTE_DIM(kinds); k++)
			if (pool_of(app, i, k))
				sample(app, i, k);
}

static json_t *
pool_json(
	const char *name, uint64_t size, uint64_t free, uint64_t least, uint64_t bytes, int socket)
{
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:o}", "pool", name, "size", (json_int_t)size,
		"used", (json_int_t)(size - free), "least_free", (json_int_t)least, "bytes",
		(json_int_t)bytes, "socket", socket < 0 ? json_null() : json_integer(socket));
}

json_t *
show_pools(const struct app *app, bool by_socket)
{
	json_t *rows = json_array();

	for (unsigned k = 0; k < RTE_DIM(kinds); k++) {
		uint64_t size = 0, free = 0, least = 0, bytes = 0;
		bool is_there = false;

		for (unsigned i = 0; i < RTE_MAX_NUMA_NODES; i++) {
			const struct rte_mempool *pool = pool_of(app, i, k);

			if (!pool)
				continue;
			is_there = true;
			free += sample(app, i, k);
			size += pool->size;
			least += least_free[i][k] - 1;
			bytes += (uint64_t)pool->size *
			         (pool->elt_size + pool->header_size + pool->trailer_size);
			if (by_socket) {
				show_append(rows, pool_json(kinds[k], size, free, least, bytes, i));
				size = free = least = bytes = 0;
			}
		}
		if (is_there && !by_socket)
			show_append(rows, pool_json(kinds[k], size, free, least, bytes, -1));
	}
	return rows;
}

static json_t *
table_json(const char *name, uint64_t used, uint64_t limit)
{
	return json_pack("{s:s, s:I, s:I}", "table", name, "used", (json_int_t)used, "limit",
		(json_int_t)limit);
}

static json_t *
tables_json(const struct app *app)
{
	const struct model *m = show_model(app);
	uint32_t local, remote, fixed, targets = app->targets->n_slots - app->targets->n_free;
	json_t *rows = json_array();

	mcr_member_counts(app->member, &local, &remote, &fixed);
	show_append(
		rows, table_json("groups", mcr_member_group_count(app->member), m->limit_groups));
	show_append(rows,
		table_json("memberships", (uint64_t)local + remote + fixed, m->limit_memberships));
	show_append(rows, table_json("targets", targets, app->targets->n_slots));
	return rows;
}

/* clang-format off */
static const struct mcr_column pool_columns[] = {
	{"POOL", "pool", MCR_COL_TEXT, NULL},
	{"SIZE", "size", MCR_COL_COUNT, NULL},
	{"USED", "used", MCR_COL_COUNT, NULL},
	{"LEAST-FREE", "least_free", MCR_COL_COUNT, NULL},
	{"BYTES", "bytes", MCR_COL_COUNT, NULL},
	{"SOCKET", "socket", MCR_COL_COUNT, NULL},
};
/* clang-format on */

static void
memory_footer(struct mcr_session *s, const json_t *root)
{
	const json_t *huge = json_object_get(root, "hugepages"), *row;
	size_t i;

	if (json_is_true(json_object_get(huge, "used")))
		mcr_session_printf(s,
			"hugepages    in use, %" JSON_INTEGER_FORMAT
			" MB were free on this host at start\n",
			show_get_count(huge, "free_bytes") >> 20);
	else
		mcr_session_printf(s,
			"hugepages    not in use (ordinary pages), %" JSON_INTEGER_FORMAT
			" MB were free on this host at start\n",
			show_get_count(huge, "free_bytes") >> 20);
	json_array_foreach (json_object_get(root, "tables"), i, row) {
		mcr_session_printf(s,
			"%-11s  %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT "\n",
			show_get_text(row, "table"), show_get_count(row, "used"),
			show_get_count(row, "limit"));
	}
}

static const struct mcr_listing pool_listing = {
	.array = "pools",
	.columns = pool_columns,
	.n_columns = RTE_DIM(pool_columns),
	.empty = "0 pools",
	.footer = memory_footer,
};

int
run_show_memory(struct mcr_session *s, const struct mcr_args *a)
{
	const struct app *app = s->app;
	json_t *root = show_rows("pools", show_pools(app, true));

	json_object_set_new(root, "hugepages",
		json_pack("{s:b, s:I, s:I}", "used", !app->plain_memory, "page_size",
			(json_int_t)app->host.huge_page_size, "free_bytes",
			(json_int_t)app->host.huge_free_bytes));
	json_object_set_new(root, "tables", tables_json(app));
	return mcr_render(s, a, root, &pool_listing);
}
