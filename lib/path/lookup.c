/* SPDX-License-Identifier: BSD-3-Clause */
/* Stage lookup: the replication list of every data frame. */
#include "path/internal.h"

static uint32_t build_keys(const struct mcr_burst *b, struct mcr_group_key *key, uint8_t *of);
static void find_entries(const struct mcr_worker *w, struct mcr_group_key *key, uint32_t n,
	struct mcr_entry **entry);
static void use_entry(struct mcr_worker *w, unsigned i, struct mcr_entry *entry);
static void use_segment(struct mcr_worker *w, unsigned i);
static void use_list(struct mcr_worker *w, unsigned i, const struct mcr_list *list);

void
mcr_stage_lookup(struct mcr_worker *w)
{
	struct mcr_burst *b = &w->burst;
	struct mcr_group_key key[MCR_BURST];
	struct mcr_entry *entry[MCR_BURST];
	uint8_t of[MCR_BURST]; /* frame -> key */
	uint32_t n_keys;

	n_keys = build_keys(b, key, of);
	if (n_keys)
		find_entries(w, key, n_keys, entry);
	for (uint32_t k = 0; k < b->data.n; k++) {
		unsigned i = b->data.at[k];

		b->entry[i] = NULL;
		if (b->view[i].kind == MCR_KIND_LINK)
			use_list(w, i, w->snap->segment[b->view[i].segment].link_local);
		else if (entry[of[k]])
			use_entry(w, i, entry[of[k]]);
		else
			use_segment(w, i);
	}
}

/* One key for each run of frames of one sender and group. */
static uint32_t
build_keys(const struct mcr_burst *b, struct mcr_group_key *key, uint8_t *of)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < b->data.n; k++) {
		const struct mcr_view *v = &b->view[b->data.at[k]];
		const struct mcr_group_key *last = &key[n - 1];

		if (v->kind == MCR_KIND_LINK)
			continue;
		if (n == 0 || last->segment != v->segment || !mcr_addr_eq(&last->group, &v->dst) ||
			!mcr_addr_eq(&last->source, &v->src))
			key[n++] = (struct mcr_group_key){
				.group = v->dst, .source = v->src, .segment = v->segment};
		of[k] = n - 1;
	}
	return n;
}

/* (S,G) holds the complete list of its source, so (*,G) is asked for the others only. */
static void
find_entries(
	const struct mcr_worker *w, struct mcr_group_key *key, uint32_t n, struct mcr_entry **entry)
{
	const struct mcr_group_key *missed[MCR_BURST];
	struct mcr_entry *found[MCR_BURST];
	uint8_t of[MCR_BURST];
	uint32_t n_missed = 0;

	if (mcr_table_has_sources(w->table)) {
		for (uint32_t k = 0; k < n; k++)
			missed[k] = &key[k];
		mcr_table_lookup_bulk(w->table, missed, n, entry);
	} else {
		memset(entry, 0, n * sizeof(*entry));
	}
	for (uint32_t k = 0; k < n; k++) {
		if (entry[k])
			continue;
		key[k].source = mcr_addr_any;
		of[n_missed] = k;
		missed[n_missed++] = &key[k];
	}
	mcr_table_lookup_bulk(w->table, missed, n_missed, found);
	for (uint32_t k = 0; k < n_missed; k++)
		entry[of[k]] = found[k];
}

static void
use_entry(struct mcr_worker *w, unsigned i, struct mcr_entry *entry)
{
	w->burst.entry[i] = entry;
	use_list(w, i, atomic_load_explicit(&entry->list, memory_order_acquire));
}

/* A group that nobody asked for. */
static void
use_segment(struct mcr_worker *w, unsigned i)
{
	const struct mcr_view *v = &w->burst.view[i];
	const struct mcr_snap_segment *seg = &w->snap->segment[v->segment];

	if (!mcr_snap_is_allowed(seg, &v->dst))
		mcr_frame_drop(w, i, MCR_DROP_POLICY_NOT_ALLOWED);
	else
		use_list(w, i, seg->unknown);
}

static void
use_list(struct mcr_worker *w, unsigned i, const struct mcr_list *list)
{
	if (!list) {
		mcr_frame_drop(w, i, MCR_DROP_LOOKUP_NO_MEMBER);
		return;
	}
	w->burst.list[i] = list;
	mcr_index_add(&w->burst.run, i);
}
