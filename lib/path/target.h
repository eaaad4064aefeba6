/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_PATH_TARGET_H
#define MCR_PATH_TARGET_H

#include <stdatomic.h>
#include <stdint.h>

#include <rte_common.h>

#include "base/reclaim.h"
#include "pkt/encap.h"

/*
 * A target is one output of a replication list: an access port and VLAN, or a peer. Workers only
 * read the record; a change replaces it. The slot array is sized once at start, so an id is
 * always in range; the slot of an id that a list names is never empty (remove: out of all lists,
 * wait a grace period, then free the id).
 */
struct mcr_target {
	struct mcr_encap encap;
	uint16_t mtu;   /* largest IP packet of a payload */
	uint8_t port;   /* our port index */
	uint8_t tunnel; /* 1: a peer */
	uint8_t layout; /* set by add and replace: see struct mcr_layout */
} __rte_cache_aligned;
_Static_assert(sizeof(struct mcr_target) == 128, "two lines");

/*
 * Where the varying fields of a template are, and their addends: all of struct mcr_encap behind
 * `hdr` but for the TOS. Targets of one layout take the same bytes from a frame, so those are
 * written once per frame and layout, and a header is the template ORed with them (records have
 * zeros there). Layouts are numbered from 1; what has no number (MCR_LAYOUT_NONE) is written field
 * by field.
 */
#define MCR_LAYOUTS 32
#define MCR_LAYOUT_NONE 0

struct mcr_target_stat {
	uint64_t packets, bytes; /* sent; bytes of the whole frame */
	uint64_t drops;
};

struct mcr_targets {
	_Atomic(const struct mcr_target *) *slot;
	uint32_t n_slots;
	unsigned n_workers;
	struct mcr_target_stat **stat; /* [worker][id], plain stores by its worker */
	struct mcr_reclaim *reclaim;
	uint32_t *free_ids, n_free;
	struct mcr_encap layout[MCR_LAYOUTS]; /* hdr and tos zero; writer only */
	uint8_t n_layouts;
};

struct mcr_targets *
mcr_targets_create(uint32_t n_slots, unsigned n_workers, struct mcr_reclaim *reclaim);
/* Readers have stopped; runs mcr_reclaim_poll, so the reclaimer must still exist. */
void mcr_targets_free(struct mcr_targets *ts);
/* An id >= 0, or -ENOSPC, -ENOMEM. The record is copied. Its counters start at 0. */
int64_t mcr_target_add(struct mcr_targets *ts, const struct mcr_target *record);
int mcr_target_replace(struct mcr_targets *ts, uint32_t id, const struct mcr_target *record);
/* The id is in no list any more; it is reused only after the grace period. */
void mcr_target_del(struct mcr_targets *ts, uint32_t id);
void mcr_target_stat_sum(const struct mcr_targets *ts, uint32_t id, struct mcr_target_stat *sum);

#endif
