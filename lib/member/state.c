/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The router state table of RFC 9776 section 6.4. A cell of the table (state, record type) is one
 * function that says what becomes of one source: where it is now (nowhere, X, Y; the A of
 * INCLUDE(A) counts as X) and whether the record names it decide its fate. What a cell does to the
 * group as a whole stands beside it in `cells`.
 */
#include "member/internal.h"

#include <errno.h>
#include <stdlib.h>

enum fate {
	GONE,      /* out of the state */
	STAY,      /* place and timer as they are */
	GET_GMI,   /* in X, timer = GMI */
	GET_GT,    /* in X, timer = the group timer */
	EXCLUDED,  /* in Y, timer 0 */
	ASK = 0x8, /* and Q(G,...) names it */
};

/* INCLUDE(A), IS_IN(B) or ALLOW(B) -> INCLUDE(A+B): (B)=GMI */
static unsigned
include_allow(enum place was, bool is_named)
{
	(void)was;
	return is_named ? GET_GMI : STAY;
}

/* INCLUDE(A), IS_EX(B) -> EXCLUDE(A*B,B-A): (B-A)=0, delete (A-B) */
static unsigned
include_is_ex(enum place was, bool is_named)
{
	if (!is_named)
		return GONE;
	return was == PLACE_X ? STAY : EXCLUDED;
}

/* INCLUDE(A), BLOCK(B) -> INCLUDE(A): send Q(G,A*B) */
static unsigned
include_block(enum place was, bool is_named)
{
	if (was != PLACE_X)
		return GONE;
	return is_named ? STAY | ASK : STAY;
}

/* INCLUDE(A), TO_EX(B) -> EXCLUDE(A*B,B-A): (B-A)=0, delete (A-B), send Q(G,A*B) */
static unsigned
include_to_ex(enum place was, bool is_named)
{
	if (!is_named)
		return GONE;
	return was == PLACE_X ? STAY | ASK : EXCLUDED;
}

/* INCLUDE(A), TO_IN(B) -> INCLUDE(A+B): (B)=GMI, send Q(G,A-B) */
static unsigned
include_to_in(enum place was, bool is_named)
{
	(void)was;
	return is_named ? GET_GMI : STAY | ASK;
}

/* EXCLUDE(X,Y), IS_IN(A) or ALLOW(A) -> EXCLUDE(X+A,Y-A): (A)=GMI */
static unsigned
exclude_allow(enum place was, bool is_named)
{
	(void)was;
	return is_named ? GET_GMI : STAY;
}

/* EXCLUDE(X,Y), IS_EX(A) -> EXCLUDE(A-Y,Y*A): (A-X-Y)=GMI, delete (X-A) and (Y-A) */
static unsigned
exclude_is_ex(enum place was, bool is_named)
{
	if (!is_named)
		return GONE;
	return was == PLACE_NONE ? GET_GMI : STAY;
}

/* EXCLUDE(X,Y), BLOCK(A) -> EXCLUDE(X+(A-Y),Y): (A-X-Y)=GT, send Q(G,A-Y) */
static unsigned
exclude_block(enum place was, bool is_named)
{
	if (!is_named || was == PLACE_Y)
		return STAY;
	return was == PLACE_NONE ? GET_GT | ASK : STAY | ASK;
}

/* EXCLUDE(X,Y), TO_EX(A) -> EXCLUDE(A-Y,Y*A): (A-X-Y)=GT, delete (X-A), (Y-A), send Q(G,A-Y) */
static unsigned
exclude_to_ex(enum place was, bool is_named)
{
	if (!is_named)
		return GONE;
	return exclude_block(was, is_named);
}

/* EXCLUDE(X,Y), TO_IN(A) -> EXCLUDE(X+A,Y-A): (A)=GMI, send Q(G,X-A), send Q(G) */
static unsigned
exclude_to_in(enum place was, bool is_named)
{
	if (is_named)
		return GET_GMI;
	return was == PLACE_X ? STAY | ASK : STAY;
}

struct cell {
	unsigned (*source)(enum place was, bool is_named);
	bool to_exclude; /* the state is EXCLUDE afterwards, and GT = GMI */
	bool asks_group; /* send Q(G) */
};

static const struct cell cells[2][MCR_BLOCK + 1] =
	{
		[false] =
			{
				[MCR_IS_IN] = {.source = include_allow},
				[MCR_ALLOW] = {.source = include_allow},
				[MCR_IS_EX] = {.source = include_is_ex, .to_exclude = true},
				[MCR_BLOCK] = {.source = include_block},
				[MCR_TO_EX] = {.source = include_to_ex, .to_exclude = true},
				[MCR_TO_IN] = {.source = include_to_in},
			},
		[true] =
			{
				[MCR_IS_IN] = {.source = exclude_allow},
				[MCR_ALLOW] = {.source = exclude_allow},
				[MCR_IS_EX] = {.source = exclude_is_ex, .to_exclude = true},
				[MCR_BLOCK] = {.source = exclude_block},
				[MCR_TO_EX] = {.source = exclude_to_ex, .to_exclude = true},
				[MCR_TO_IN] = {.source = exclude_to_in, .asks_group = true},
			},
};

/* The next source of the union of state and record, in order. */
struct walk {
	const struct mcr_mgroup *g;
	const struct addr_set *b;
	uint32_t i, j;
};

static bool
walk_next(struct walk *w, struct msource *s, bool *is_named)
{
	bool has_state = w->i < w->g->n_sources, has_record = w->j < w->b->n;
	int order;

	if (!has_state && !has_record)
		return false;
	if (!has_state)
		order = 1;
	else if (!has_record)
		order = -1;
	else
		order = mcr_addr_cmp(&w->g->source[w->i].addr, &w->b->addr[w->j]);
	if (order <= 0)
		*s = w->g->source[w->i++];
	else
		*s = (struct msource){.addr = w->b->addr[w->j]};
	if (order >= 0)
		w->j++;
	*is_named = order >= 0;
	return true;
}

static void
meet_fate(struct msource *s, unsigned fate, const struct mcr_mgroup *g, uint64_t gmi_due)
{
	s->is_asked = fate & ASK;
	switch (fate & ~(unsigned)ASK) {
	case GONE:
		s->place = PLACE_NONE;
		break;
	case GET_GMI:
		s->place = PLACE_X;
		s->expires_ns = gmi_due;
		break;
	case GET_GT:
		s->place = PLACE_X;
		s->expires_ns = g->expires_ns;
		break;
	case EXCLUDED:
		s->place = PLACE_Y;
		break;
	default:
		break;
	}
	if (s->place != PLACE_X) {
		s->query_left = 0;
		s->is_asked = false;
	}
}

static int
reserve_merge(struct mcr_member *m, uint32_t n)
{
	struct msource *merge;

	if (n <= m->max_merge)
		return 0;
	merge = realloc(m->merge, n * sizeof(*merge));
	if (merge == NULL)
		return -ENOMEM;
	m->merge = merge;
	m->max_merge = n;
	return 0;
}

/*
 * Fast leave: the host was the only one, so what would be asked for is taken away at once. True:
 * forwarding needs something else.
 */
static bool
prune(struct mcr_mgroup *g, bool asks_group)
{
	bool is_changed = false;

	for (uint32_t i = 0; i < g->n_sources; i++) {
		struct msource *s = &g->source[i];

		if (!s->is_asked)
			continue;
		s->is_asked = false;
		s->expires_ns = 0;
		is_changed = true;
	}
	if (asks_group) {
		g->expires_ns = 0;
		is_changed = true;
	}
	return is_changed && mcr_state_expire(g, mcr_member_now(g->mif->member));
}

/* Fast leave needs to know who leaves, and that nobody else is there. */
static bool
is_prunable(const struct mcr_mgroup *g, const struct mcr_addr *host)
{
	struct mcr_addr unknown = mcr_addr_v4(0);

	return g->mif->param.fast_leave && !mcr_addr_eq(host, &unknown) &&
	       !mcr_subscriber_has_other(g, host);
}

/*
 * The limit refuses sources that are new with this record, never one that was there. True:
 * forwarding needs something else.
 */
static bool
limit_and_compare(struct mcr_mgroup *g, uint32_t n, bool is_exclude, bool *is_refused)
{
	uint32_t max = g->mif->member->limits.sources, n_places = 0;
	bool is_changed = g->is_exclude != is_exclude && !g->is_static_any;

	for (uint32_t i = 0; i < n; i++)
		n_places += g->mif->member->merge[i].place != PLACE_NONE;
	for (uint32_t i = n; i-- > 0;) {
		struct msource *s = &g->mif->member->merge[i];

		if (n_places > max && s->was == PLACE_NONE && s->place != PLACE_NONE) {
			s->place = PLACE_NONE;
			s->is_asked = false;
			n_places--;
			*is_refused = true;
		}
		if (mcr_mgroup_wants(g, g->is_exclude, s->was, s->is_static) !=
			mcr_mgroup_wants(g, is_exclude, s->place, s->is_static))
			is_changed = true;
	}
	return is_changed;
}

int
mcr_state_apply(struct mcr_mgroup *g, uint8_t type, const struct addr_set *b,
	const struct mcr_addr *host, bool *is_changed, bool *is_refused)
{
	struct mcr_member *m = g->mif->member;
	const struct cell *cell = &cells[g->is_exclude][type];
	uint64_t gmi_due = mcr_member_now(m) + mcr_mif_gmi_ns(g->mif);
	struct walk walk = {.g = g, .b = b};
	struct msource s;
	bool is_named;
	uint32_t n = 0;

	if (reserve_merge(m, g->n_sources + b->n) < 0 ||
		mcr_mgroup_reserve(g, g->n_sources + b->n) < 0 || mcr_mgroup_arm(g, gmi_due) < 0)
		return -ENOMEM;

	while (walk_next(&walk, &s, &is_named)) {
		s.was = s.place;
		if (s.was != PLACE_NONE || is_named)
			meet_fate(&s, cell->source(s.was, is_named), g, gmi_due);
		m->merge[n++] = s;
	}
	*is_changed = limit_and_compare(g, n, g->is_exclude || cell->to_exclude, is_refused);
	if (cell->to_exclude) {
		g->is_exclude = true;
		g->expires_ns = gmi_due;
	}
	if (n > 0)
		memcpy(g->source, m->merge, n * sizeof(*g->source));
	g->n_sources = n;
	mcr_mgroup_compact(g);

	if (is_prunable(g, host))
		*is_changed |= prune(g, cell->asks_group);
	else
		mcr_querier_ask(g, cell->asks_group);
	return 0;
}

/* A source timer has ended: INCLUDE forgets the source, EXCLUDE keeps it in Y (section 6.5). */
static bool
expire_sources(struct mcr_mgroup *g, uint64_t now)
{
	bool is_changed = false, is_gone = false;

	for (uint32_t i = 0; i < g->n_sources; i++) {
		struct msource *s = &g->source[i];

		if (s->place != PLACE_X || s->expires_ns > now)
			continue;
		s->place = g->is_exclude ? PLACE_Y : PLACE_NONE;
		s->query_left = 0;
		is_gone |= !g->is_exclude;
		if (!g->is_exclude)
			mcr_subscriber_drop_source(g, &s->addr);
		if (!s->is_static && !g->is_static_any)
			is_changed = true;
	}
	if (is_gone)
		mcr_mgroup_compact(g);
	return is_changed;
}

/* The group timer has ended: EXCLUDE(X,Y) becomes INCLUDE(X). */
static void
expire_exclude(struct mcr_mgroup *g)
{
	g->is_exclude = false;
	g->query_left = 0;
	for (uint32_t i = 0; i < g->n_sources; i++) {
		if (g->source[i].place == PLACE_Y)
			g->source[i].place = PLACE_NONE;
	}
	mcr_mgroup_compact(g);
	mcr_subscriber_drop_exclude(g);
}

bool
mcr_state_expire(struct mcr_mgroup *g, uint64_t now)
{
	bool is_changed = expire_sources(g, now);

	if (g->is_exclude && g->expires_ns <= now) {
		expire_exclude(g);
		is_changed |= !g->is_static_any;
	}
	return is_changed;
}
