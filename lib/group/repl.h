/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_GROUP_REPL_H
#define MCR_GROUP_REPL_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A replication list: which targets get a copy. Immutable once published; changing members means
 * building a new list and swapping the pointer (group/table). Targets are sorted into lanes: all
 * targets of a lane share the output port and the way their copies are made.
 *
 * The mbuf reference count has 16 bits and one update is a signed 16-bit step, so a list has at
 * most 16,384 targets.
 */
#define MCR_LIST_MAX 16384

enum mcr_maker {
	MCR_MAKE_SHARE,   /* header mbuf in front of the shared payload */
	MCR_MAKE_COPY,    /* one linear mbuf with headers and payload */
	MCR_MAKE_RESOLVE, /* next hop unknown: to the control thread, which asks for it */
	MCR_MAKE_MAX
};

/* Where a frame came from; a lane serves the origins in its mask (split horizon as data). */
enum mcr_origin {
	MCR_ORIGIN_ACCESS,
	MCR_ORIGIN_OVERLAY,
};

struct mcr_lane {
	uint32_t first, count; /* into id[] of the list */
	uint16_t mtu;      /* smallest largest IP packet of the targets: usual case one compare */
	uint8_t port;      /* our port index */
	uint8_t maker;     /* enum mcr_maker */
	uint8_t origins;   /* bit mask, 1 << enum mcr_origin */
	uint8_t is_access; /* output is an access port: never back to the arrival port */
	uint8_t pad[2];
};

struct mcr_list {
	uint32_t count; /* targets in all lanes */
	uint32_t n_lanes;
	uint32_t id_off; /* byte offset of the ids */
	struct mcr_lane lane[];
};

static inline const uint32_t *
mcr_list_ids(const struct mcr_list *l)
{
	return (const uint32_t *)(const void *)((const char *)l + l->id_off);
}

/* What the builder knows of one target; equal (port, maker, origins) = one lane. */
struct mcr_list_item {
	uint32_t id; /* target slot */
	uint16_t mtu;
	uint8_t port, maker, origins, is_access;
};

/*
 * Sort and de-duplicate `items` (changed in place) and build the list in one allocation, freed
 * with mcr_list_free. NULL and errno: ENOMEM, E2BIG above MCR_LIST_MAX. An empty list is valid.
 */
struct mcr_list *mcr_list_build(struct mcr_list_item *items, uint32_t count);
void mcr_list_free(struct mcr_list *l);
bool mcr_list_is_equal(const struct mcr_list *a, const struct mcr_list *b);

#endif
