/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_APP_FORWARD_H
#define MCR_APP_FORWARD_H

#include "app.h"

/* What forward.c keeps of every group, for itself and for its counters (forward_stat.c). */

/* Counters of the group when a member was first seen: its copies are what came since. */
struct fmember {
	const struct mcr_mif *mif;
	struct forward_copies base;
};

struct fgroup {
	struct fgroup *next_in_bucket, *next_dirty;
	struct mcr_addr group;
	uint16_t segment;
	bool is_dirty;
	struct mcr_addr *source; /* (S,G) entries that are installed, sorted */
	uint32_t n_sources;
	struct fmember *member; /* sorted by mif */
	uint32_t n_members;
};

struct forward {
	struct app *app;
	struct fgroup **bucket;
	uint32_t n_buckets, n_groups;
	uint32_t secret; /* of the hash */
	struct fgroup *dirty, **dirty_tail;
	bool has_marks, marks_all;
	uint64_t marks[MCR_MAX_SEGMENTS / 64]; /* segments whose groups are all to be rebuilt */
	/* Scratch that only grows. */
	struct mcr_list_item *item;
	uint32_t n_items_max;
	struct mcr_addr *source;
	uint32_t n_sources_max;
};

/* NULL: no member. */
struct fgroup *
forward_find(const struct forward *f, uint16_t segment, const struct mcr_addr *group);
struct mcr_group_key forward_key(const struct fgroup *g, const struct mcr_addr *source);
/* For sorted arrays of struct fmember. */
int forward_member_order(const void *a, const void *b);
/* What the member got since its group has counters. */
void forward_sum(const struct forward *f, const struct fgroup *g, const struct mcr_mgroup *mg,
	struct forward_copies *sum);

#endif
