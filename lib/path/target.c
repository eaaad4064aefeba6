/* SPDX-License-Identifier: BSD-3-Clause */
#include "path/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct mcr_target *record_copy(struct mcr_targets *ts, const struct mcr_target *record);
static void clear_fields(struct mcr_encap *e);
static uint8_t layout_of(struct mcr_targets *ts, const struct mcr_encap *e);
static struct mcr_target *
record_swap(struct mcr_targets *ts, uint32_t id, struct mcr_target *record);
static void release_record(void *unused, void *record);
static void release_id(void *targets, void *id);

struct mcr_targets *
mcr_targets_create(uint32_t n_slots, unsigned n_workers, struct mcr_reclaim *reclaim)
{
	struct mcr_targets *ts = calloc(1, sizeof(*ts));

	if (!ts)
		goto no_memory;
	ts->n_slots = n_slots;
	ts->reclaim = reclaim;
	ts->slot = calloc(n_slots, sizeof(*ts->slot));
	ts->free_ids = calloc(n_slots, sizeof(*ts->free_ids));
	ts->stat = calloc(n_workers, sizeof(*ts->stat));
	if (!ts->slot || !ts->free_ids || !ts->stat)
		goto no_memory;
	/* A large zeroed block costs memory only where a target was used. */
	for (ts->n_workers = 0; ts->n_workers < n_workers; ts->n_workers++) {
		ts->stat[ts->n_workers] = calloc(n_slots, sizeof(**ts->stat));
		if (!ts->stat[ts->n_workers])
			goto no_memory;
	}
	while (ts->n_free < n_slots) {
		ts->free_ids[ts->n_free] = n_slots - 1 - ts->n_free;
		ts->n_free++;
	}
	return ts;

no_memory:
	mcr_targets_free(ts);
	errno = ENOMEM;
	return NULL;
}

void
mcr_targets_free(struct mcr_targets *ts)
{
	if (!ts)
		return;
	/* Readers have gone, so this releases every retired id while its slot still exists. */
	mcr_reclaim_poll(ts->reclaim);
	for (uint32_t i = 0; ts->slot && i < ts->n_slots; i++)
		free(record_swap(ts, i, NULL));
	for (unsigned i = 0; i < ts->n_workers; i++)
		free(ts->stat[i]);
	free(ts->stat);
	free(ts->free_ids);
	free(ts->slot);
	free(ts);
}

int64_t
mcr_target_add(struct mcr_targets *ts, const struct mcr_target *record)
{
	struct mcr_target *copy;
	uint32_t id;

	if (!ts->n_free)
		return -ENOSPC;
	copy = record_copy(ts, record);
	if (!copy)
		return -ENOMEM;
	id = ts->free_ids[--ts->n_free];
	/* No list names the id, so no worker counts on it now. */
	for (unsigned i = 0; i < ts->n_workers; i++)
		memset(&ts->stat[i][id], 0, sizeof(ts->stat[i][id]));
	record_swap(ts, id, copy);
	return id;
}

int
mcr_target_replace(struct mcr_targets *ts, uint32_t id, const struct mcr_target *record)
{
	struct mcr_target *copy = record_copy(ts, record);

	if (!copy)
		return -ENOMEM;
	mcr_retire(ts->reclaim, release_record, NULL, record_swap(ts, id, copy));
	return 0;
}

void
mcr_target_del(struct mcr_targets *ts, uint32_t id)
{
	mcr_retire(ts->reclaim, release_id, ts, (void *)(uintptr_t)id);
}

void
mcr_target_stat_sum(const struct mcr_targets *ts, uint32_t id, struct mcr_target_stat *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (unsigned i = 0; i < ts->n_workers; i++) {
		sum->packets += ts->stat[i][id].packets;
		sum->bytes += ts->stat[i][id].bytes;
		sum->drops += ts->stat[i][id].drops;
	}
}

static struct mcr_target *
record_copy(struct mcr_targets *ts, const struct mcr_target *record)
{
	struct mcr_target *copy = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *record;
	clear_fields(&copy->encap);
	copy->layout = layout_of(ts, &copy->encap);
	return copy;
}

/* Zeros where a writer puts what varies; absent fields have negative offsets. */
static void
clear_fields(struct mcr_encap *e)
{
	const struct {
		int8_t off;
		uint8_t len;
	} field[] = {{e->mac_off, 12}, {e->type_off, 2}, {e->ip_len_off, 2}, {e->ip_id_off, 2},
		{e->udp_sport_off, 2}, {e->udp_len_off, 2}, {e->vni_off, 4}};

	for (unsigned i = 0; i < RTE_DIM(field); i++)
		if (field[i].off >= 0)
			memset(e->hdr + field[i].off, 0, field[i].len);
	if (e->tos_off >= 0)
		e->hdr[e->tos_off] = e->tos;
	/* Behind its end a header is overwritten, or not sent. */
	memset(e->hdr + e->len, 0, sizeof(e->hdr) - e->len);
}

static uint8_t
layout_of(struct mcr_targets *ts, const struct mcr_encap *e)
{
	struct mcr_encap layout = *e;

	memset(layout.hdr, 0, sizeof(layout.hdr));
	layout.tos = 0;
	for (unsigned i = 0; i < ts->n_layouts; i++)
		if (memcmp(&ts->layout[i], &layout, sizeof(layout)) == 0)
			return i + 1;
	if (ts->n_layouts == MCR_LAYOUTS)
		return MCR_LAYOUT_NONE;
	ts->layout[ts->n_layouts++] = layout;
	return ts->n_layouts;
}

/* Returns the old record; readers see records as const, their owner does not. */
static struct mcr_target *
record_swap(struct mcr_targets *ts, uint32_t id, struct mcr_target *record)
{
	union {
		const struct mcr_target *reader;
		struct mcr_target *owner;
	} old;

	old.reader = atomic_exchange_explicit(&ts->slot[id], record, memory_order_acq_rel);
	return old.owner;
}

static void
release_record(void *unused, void *record)
{
	(void)unused;
	free(record);
}

static void
release_id(void *targets, void *object)
{
	struct mcr_targets *ts = targets;
	uint32_t id = (uint32_t)(uintptr_t)object;

	free(record_swap(ts, id, NULL));
	ts->free_ids[ts->n_free++] = id;
}
