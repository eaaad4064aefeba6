/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_PATH_BURST_H
#define MCR_PATH_BURST_H

#include <stdint.h>

#include <rte_mbuf.h>

#include "group/table.h"
#include "pkt/parse.h"

/*
 * The frames of one receive call, as arrays by field. A frame keeps its index from rx to the end;
 * stages hand each other lists of indexes, so a stable split moves bytes, not frames. A frame that
 * was dropped, punted or sent on is in no list any more and its mbuf is no longer ours.
 */
#define MCR_BURST 32

struct mcr_index {
	uint32_t n;
	uint8_t at[MCR_BURST];
};

struct mcr_burst {
	uint8_t port;             /* arrival: our index */
	struct mcr_index good;    /* rx -> sort */
	struct mcr_index overlay; /* sort -> overlay */
	struct mcr_index data;    /* sort, overlay -> lookup */
	struct mcr_index run;     /* lookup -> replicate */
	struct rte_mbuf *mbuf[MCR_BURST];
	const uint8_t *head[MCR_BURST]; /* the first head_len bytes in one piece */
	uint32_t head_len[MCR_BURST];
	struct mcr_view view[MCR_BURST];
	struct mcr_entry *entry[MCR_BURST]; /* NULL: the list is the segment's, not a group's */
	const struct mcr_list *list[MCR_BURST];
	/* Heads of frames whose first segment is short. */
	uint8_t scratch[MCR_BURST][MCR_PARSE_HEAD];
};

static inline void
mcr_index_add(struct mcr_index *x, uint8_t i)
{
	x->at[x->n++] = i;
}

#endif
