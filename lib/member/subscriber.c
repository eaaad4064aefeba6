/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Explicit tracking of hosts: who reported what, for the listings, for fast leave and for the
 * limits. It never decides about forwarding; that is the router state of state.c.
 *
 * An INCLUDE host has a deadline per source: the answer to a specific query names only some of them
 * (RFC 9776 section 5.2), and a long list comes in several records, so IS_IN adds and never
 * replaces.
 */
#include "member/internal.h"

#include <errno.h>
#include <stdlib.h>

static uint32_t
weight(const struct subscriber *s)
{
	return s->n_sources > 0 ? s->n_sources : 1;
}

static uint32_t
find(const struct mcr_mgroup *g, const struct mcr_addr *host, bool *is_found)
{
	uint32_t low = 0, high = g->n_subscribers;

	*is_found = false;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int order = mcr_addr_cmp(&g->subscriber[mid]->host, host);

		if (order == 0) {
			*is_found = true;
			return mid;
		}
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void
tell(struct mcr_mgroup *g, enum mcr_mif_event what, const struct subscriber *s,
	const struct mcr_addr *source)
{
	mcr_member_event(g->mif, what, &g->group->addr, source, &s->host);
}

/* One event for the group when any source was wanted, else one for each source. */
static void
tell_all(struct mcr_mgroup *g, enum mcr_mif_event what, const struct subscriber *s)
{
	if (s->is_exclude)
		tell(g, what, s, &mcr_addr_any);
	for (uint32_t i = 0; !s->is_exclude && i < s->n_sources; i++)
		tell(g, what, s, &s->source[i]);
}

static void
count_memberships(struct mcr_member *m, uint32_t was, uint32_t is)
{
	m->n_memberships = m->n_memberships + is - was;
	if (m->n_memberships < m->limits.memberships)
		m->is_memberships_limit_told = false;
}

static uint32_t *
counter(struct mcr_mgroup *g)
{
	struct mcr_member *m = g->mif->member;

	return g->mif->param.is_peer ? &m->n_remote : &m->n_local;
}

static struct subscriber *
add(struct mcr_mgroup *g, uint32_t at, const struct mcr_addr *host)
{
	struct mcr_member *m = g->mif->member;
	struct subscriber *s;

	if (g->n_subscribers == g->max_subscribers) {
		uint32_t max = g->max_subscribers > 0 ? 2 * g->max_subscribers : 1;
		struct subscriber **grown = realloc(g->subscriber, max * sizeof(*grown));

		if (grown == NULL)
			return NULL;
		g->subscriber = grown;
		g->max_subscribers = max;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->host = *host;
	s->since_ns = mcr_member_now(m);
	memmove(&g->subscriber[at + 1], &g->subscriber[at],
		(g->n_subscribers - at) * sizeof(*g->subscriber));
	g->subscriber[at] = s;
	g->n_subscribers++;
	g->group->n_subscribers++;
	(*counter(g))++;
	count_memberships(m, 0, 1);
	return s;
}

/* The caller has told the events. */
static void
del(struct mcr_mgroup *g, uint32_t at)
{
	struct subscriber *s = g->subscriber[at];

	count_memberships(g->mif->member, weight(s), 0);
	(*counter(g))--;
	g->n_subscribers--;
	g->group->n_subscribers--;
	g->group->is_limit_told = false;
	memmove(&g->subscriber[at], &g->subscriber[at + 1],
		(g->n_subscribers - at) * sizeof(*g->subscriber));
	free(s->source_expires_ns);
	free(s);
}

static void
refuse(struct mcr_mgroup *g, bool *is_told)
{
	if (!*is_told)
		mcr_member_event(
			g->mif, MCR_EV_LIMIT, &g->group->addr, &mcr_addr_any, &mcr_addr_any);
	*is_told = true;
}

/* --- what a record makes of the list of a host --- */

enum merge {
	REPLACE, /* list = b */
	ADD,     /* list + b */
	TAKE,    /* list - b */
};

struct change {
	enum merge merge;
	bool is_exclude; /* afterwards */
	bool is_refresh; /* the deadline of an EXCLUDE host moves */
};

static struct change
change_of(const struct subscriber *s, uint8_t type)
{
	bool is_exclude = s != NULL && s->is_exclude;

	switch (type) {
	case MCR_IS_EX:
	case MCR_TO_EX:
		return (struct change){REPLACE, true, true};
	case MCR_TO_IN:
		return (struct change){REPLACE, false, false};
	case MCR_BLOCK:
		return (struct change){is_exclude ? ADD : TAKE, is_exclude, false};
	default:
		return (struct change){is_exclude ? TAKE : ADD, is_exclude, false};
	}
}

/*
 * The new list, in m->list with its deadlines. At most `max` entries: what is new and does not fit
 * is taken out of b too.
 */
static uint32_t
merge(struct mcr_member *m, const struct subscriber *s, enum merge how, struct addr_set *b,
	uint32_t max, uint64_t due_ns, bool *is_refused)
{
	uint32_t i = 0, n = 0, kept = 0;
	uint32_t n_old = how == REPLACE ? 0 : s->n_sources, n_new = 0;

	for (uint32_t j = 0; j < b->n || i < n_old;) {
		int order = i == n_old  ? 1
		            : j == b->n ? -1
		                        : mcr_addr_cmp(&s->source[i], &b->addr[j]);

		if (order <= 0 && (order < 0 || how != TAKE)) {
			m->list[n] = s->source[i];
			m->list_expires_ns[n++] = order == 0 ? due_ns : s->source_expires_ns[i];
		}
		if (order > 0 && how != TAKE) {
			if (n_old + n_new >= max) {
				*is_refused = true;
				j++;
				continue;
			}
			n_new++;
			m->list[n] = b->addr[j];
			m->list_expires_ns[n++] = due_ns;
		}
		i += order <= 0;
		if (order >= 0)
			b->addr[kept++] = b->addr[j++];
	}
	b->n = kept;
	return n;
}

/* Events between the old list and the new one in m->list. */
static void
tell_change(
	struct mcr_mgroup *g, const struct subscriber *s, bool is_new, bool is_exclude, uint32_t n)
{
	struct mcr_member *m = g->mif->member;
	bool was_exclude = !is_new && s->is_exclude, was_include = !is_new && !s->is_exclude;

	if (was_exclude && is_exclude)
		return;
	for (uint32_t i = 0; was_include && i < s->n_sources; i++) {
		if (is_exclude || !mcr_member_set_has(m->list, n, &s->source[i]))
			tell(g, MCR_EV_LEAVE, s, &s->source[i]);
	}
	if (was_exclude)
		tell(g, MCR_EV_LEAVE, s, &mcr_addr_any);
	if (is_exclude)
		tell(g, MCR_EV_JOIN, s, &mcr_addr_any);
	for (uint32_t i = 0; !is_exclude && i < n; i++) {
		if (!was_include || !mcr_member_set_has(s->source, s->n_sources, &m->list[i]))
			tell(g, MCR_EV_JOIN, s, &m->list[i]);
	}
}

/* Keep the first n entries of m->list as the list of s. */
static int
store(struct mcr_member *m, struct subscriber *s, uint32_t n)
{
	if (n != s->n_sources) {
		uint64_t *block = NULL;

		if (n > 0) {
			block = malloc(n * (sizeof(*block) + sizeof(*s->source)));
			if (block == NULL)
				return -ENOMEM;
		}
		free(s->source_expires_ns);
		s->source_expires_ns = block;
		s->source = n > 0 ? (struct mcr_addr *)(void *)(block + n) : NULL;
		count_memberships(m, weight(s), n > 0 ? n : 1);
		s->n_sources = n;
	}
	if (n > 0) {
		memcpy(s->source_expires_ns, m->list_expires_ns, n * sizeof(*s->source_expires_ns));
		memcpy(s->source, m->list, n * sizeof(*s->source));
	}
	return 0;
}

static void
set_deadline(struct mcr_mgroup *g, struct subscriber *s, bool is_refresh, uint64_t due_ns)
{
	if (s->is_exclude) {
		if (is_refresh)
			s->expires_ns = due_ns;
	} else {
		s->expires_ns = 0;
		for (uint32_t i = 0; i < s->n_sources; i++) {
			if (s->source_expires_ns[i] > s->expires_ns)
				s->expires_ns = s->source_expires_ns[i];
			if (s->source_expires_ns[i] < g->subscriber_due_ns)
				g->subscriber_due_ns = s->source_expires_ns[i];
		}
	}
	if (s->expires_ns < g->subscriber_due_ns)
		g->subscriber_due_ns = s->expires_ns;
}

/* Sources that the limits leave to a list that has `n` now. */
static uint32_t
room(const struct mcr_member *m, uint32_t n)
{
	uint64_t left = 0;

	if (m->limits.memberships > m->n_memberships)
		left = m->limits.memberships - m->n_memberships;
	left += n;
	return left < m->limits.sources ? (uint32_t)left : m->limits.sources;
}

int
mcr_subscriber_track(struct mcr_mgroup *g, const struct mcr_addr *host, uint8_t version,
	uint8_t type, struct addr_set *b, bool *is_refused)
{
	struct mcr_member *m = g->mif->member;
	uint64_t now = mcr_member_now(m), due_ns = now + mcr_mif_gmi_ns(g->mif);
	bool is_found, is_cut = false;
	uint32_t at = find(g, host, &is_found), n;
	struct subscriber *s = is_found ? g->subscriber[at] : NULL;
	struct change change = change_of(s, type);

	if (s == NULL) {
		if (!change.is_exclude && (type == MCR_BLOCK || b->n == 0))
			return 0;
		if (g->group->n_subscribers >= m->limits.subscribers) {
			refuse(g, &g->group->is_limit_told);
			return -ENOSPC;
		}
		if (m->n_memberships >= m->limits.memberships) {
			refuse(g, &m->is_memberships_limit_told);
			return -ENOSPC;
		}
		s = add(g, at, host);
		if (s == NULL)
			return -ENOMEM;
	}
	if (mcr_member_list_reserve(m, s->n_sources + b->n) < 0)
		goto no_memory;
	n = merge(m, s, change.merge, b, room(m, weight(s)), due_ns, &is_cut);
	if (is_cut) {
		*is_refused = true;
		refuse(g,
			n < m->limits.sources ? &m->is_memberships_limit_told : &g->is_limit_told);
	}
	tell_change(g, s, !is_found, change.is_exclude, n);
	if (!change.is_exclude && n == 0) {
		del(g, at);
		return 0;
	}
	if (store(m, s, n) < 0)
		goto no_memory;
	s->is_exclude = change.is_exclude;
	s->version = version;
	s->last_ns = now;
	set_deadline(g, s, change.is_refresh, due_ns);
	return 0;

no_memory:
	if (!is_found)
		del(g, at);
	return -ENOMEM;
}

/* --- deadlines --- */

/* Sources that have ended leave an INCLUDE host. */
static void
drop_ended(struct mcr_mgroup *g, struct subscriber *s, uint64_t now)
{
	uint32_t n = 0, was = weight(s);

	for (uint32_t i = 0; i < s->n_sources; i++) {
		if (s->source_expires_ns[i] <= now) {
			tell(g, MCR_EV_LEAVE, s, &s->source[i]);
			continue;
		}
		s->source[n] = s->source[i];
		s->source_expires_ns[n++] = s->source_expires_ns[i];
		if (s->source_expires_ns[i] < g->subscriber_due_ns)
			g->subscriber_due_ns = s->source_expires_ns[i];
	}
	s->n_sources = n;
	count_memberships(g->mif->member, was, weight(s));
}

void
mcr_subscriber_expire(struct mcr_mgroup *g, uint64_t now)
{
	g->subscriber_due_ns = UINT64_MAX;
	for (uint32_t i = g->n_subscribers; i-- > 0;) {
		struct subscriber *s = g->subscriber[i];

		if (!s->is_exclude)
			drop_ended(g, s, now);
		else if (s->expires_ns <= now)
			tell(g, MCR_EV_LEAVE, s, &mcr_addr_any);
		/* The source with the last deadline may be gone before the others end. */
		if (s->expires_ns <= now || (!s->is_exclude && s->n_sources == 0))
			del(g, i);
		else if (s->expires_ns < g->subscriber_due_ns)
			g->subscriber_due_ns = s->expires_ns;
	}
}

void
mcr_subscriber_drop_source(struct mcr_mgroup *g, const struct mcr_addr *source)
{
	for (uint32_t i = g->n_subscribers; i-- > 0;) {
		struct subscriber *s = g->subscriber[i];
		bool is_found;
		uint32_t at = mcr_member_set_find(s->source, s->n_sources, source, &is_found);

		if (s->is_exclude || !is_found)
			continue;
		tell(g, MCR_EV_LEAVE, s, source);
		if (s->n_sources == 1) {
			del(g, i);
			continue;
		}
		s->n_sources--;
		memmove(&s->source[at], &s->source[at + 1],
			(s->n_sources - at) * sizeof(*s->source));
		memmove(&s->source_expires_ns[at], &s->source_expires_ns[at + 1],
			(s->n_sources - at) * sizeof(*s->source_expires_ns));
		count_memberships(g->mif->member, s->n_sources + 1, s->n_sources);
	}
}

static void
drop(struct mcr_mgroup *g, bool is_include_too)
{
	for (uint32_t i = g->n_subscribers; i-- > 0;) {
		struct subscriber *s = g->subscriber[i];

		if (!s->is_exclude && !is_include_too)
			continue;
		tell_all(g, MCR_EV_LEAVE, s);
		del(g, i);
	}
}

void
mcr_subscriber_drop_exclude(struct mcr_mgroup *g)
{
	drop(g, false);
}

void
mcr_subscriber_drop_all(struct mcr_mgroup *g)
{
	drop(g, true);
}

bool
mcr_subscriber_has_other(const struct mcr_mgroup *g, const struct mcr_addr *host)
{
	uint64_t now = mcr_member_now(g->mif->member);

	for (uint32_t i = 0; i < g->n_subscribers; i++) {
		const struct subscriber *s = g->subscriber[i];

		if (s->expires_ns > now && !mcr_addr_eq(&s->host, host))
			return true;
	}
	return false;
}
