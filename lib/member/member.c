/* SPDX-License-Identifier: BSD-3-Clause */
/* The module and its instances. */
#include "member/member.h"

#include "member/internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include <sys/random.h>

/* --- the module --- */

static int
draw_secrets(struct mcr_member *m)
{
	if (getrandom(m->key, sizeof(m->key), 0) != sizeof(m->key))
		return -EIO;
	if (getrandom(&m->random_state, sizeof(m->random_state), 0) != sizeof(m->random_state))
		return -EIO;
	return 0;
}

struct mcr_member *
mcr_member_create(struct mcr_timers *timers, const struct mcr_member_ops *ops, void *arg)
{
	struct mcr_member *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->timers = timers;
	m->ops = *ops;
	m->arg = arg;
	m->limits = (struct mcr_member_limits){
		.groups = 65536,
		.subscribers = 16384,
		.sources = 4096,
		.memberships = 1048576,
	};
	m->generation = 1;
	m->record_source = calloc(MCR_MEMBER_MAX_RECORD, sizeof(*m->record_source));
	m->listing = calloc(1, sizeof(*m->listing));
	if (m->record_source == NULL || m->listing == NULL || draw_secrets(m) < 0 ||
		mcr_member_table_init(&m->groups) < 0 || mcr_member_table_init(&m->mgroups) < 0) {
		mcr_member_free(m);
		errno = ENOMEM;
		return NULL;
	}
	return m;
}

static void
ignore_changed(void *arg, uint16_t segment, const struct mcr_addr *group)
{
	(void)arg;
	(void)segment;
	(void)group;
}

void
mcr_member_free(struct mcr_member *m)
{
	if (m == NULL)
		return;
	/* Nobody is told any more. */
	m->ops.event = NULL;
	m->ops.changed = ignore_changed;
	while (m->n_mifs > 0)
		mcr_mif_del(m->mif[m->n_mifs - 1]);
	for (uint32_t i = 0; i < m->n_segments; i++) {
		if (m->segment[i] != NULL)
			mcr_proxy_segment_fini(m->segment[i]);
		free(m->segment[i]);
	}
	mcr_member_table_fini(&m->groups);
	mcr_member_table_fini(&m->mgroups);
	if (m->listing != NULL)
		free(m->listing->group);
	free(m->listing);
	free(m->mif);
	free(m->segment);
	free(m->record_source);
	free(m->merge);
	free(m->list);
	free(m->list_expires_ns);
	free(m);
}

void
mcr_member_set_limits(struct mcr_member *m, const struct mcr_member_limits *limits)
{
	m->limits = *limits;
	m->is_groups_limit_told = false;
	m->is_memberships_limit_told = false;
}

static uint64_t
fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Keyed, so that nobody who picks groups picks the chain that they end in. */
uint64_t
mcr_member_hash(const struct mcr_member *m, const struct mcr_addr *addr, uint64_t tag)
{
	uint64_t high, low;

	memcpy(&high, &addr->b[0], sizeof(high));
	memcpy(&low, &addr->b[8], sizeof(low));
	return fold(fold(high ^ m->key[0], low ^ m->key[1]) ^ m->key[2], tag ^ m->key[3]);
}

/* splitmix64: these are delays, not secrets. */
uint64_t
mcr_member_random(struct mcr_member *m, uint64_t max_ns)
{
	uint64_t z = (m->random_state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return max_ns > 0 ? 1 + z % max_ns : 0;
}

void
mcr_member_event(struct mcr_mif *mif, enum mcr_mif_event what, const struct mcr_addr *group,
	const struct mcr_addr *source, const struct mcr_addr *host)
{
	struct mcr_member *m = mif->member;

	if (m->ops.event != NULL)
		m->ops.event(m->arg, what, mif, group, source, host);
}

void
mcr_mif_send(struct mcr_mif *mif, const uint8_t *ip, uint32_t len, const struct mcr_addr *dst)
{
	struct mcr_member *m = mif->member;

	m->ops.send(m->arg, mif, ip, len, dst);
}

int
mcr_member_list_reserve(struct mcr_member *m, uint32_t n)
{
	struct mcr_addr *list;
	uint64_t *expires;

	if (n <= m->max_list)
		return 0;
	list = realloc(m->list, n * sizeof(*list));
	if (list == NULL)
		return -ENOMEM;
	m->list = list;
	expires = realloc(m->list_expires_ns, n * sizeof(*expires));
	if (expires == NULL)
		return -ENOMEM;
	m->list_expires_ns = expires;
	m->max_list = n;
	return 0;
}

struct segment *
mcr_member_segment(struct mcr_member *m, uint16_t index)
{
	struct segment *s;

	if (index >= m->n_segments) {
		struct segment **grown = realloc(m->segment, (index + 1u) * sizeof(*grown));

		if (grown == NULL)
			return NULL;
		m->segment = grown;
		while (m->n_segments <= index)
			m->segment[m->n_segments++] = NULL;
	}
	if (m->segment[index] != NULL)
		return m->segment[index];
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->member = m;
	s->index = index;
	mcr_proxy_segment_init(s);
	m->segment[index] = s;
	return s;
}

/* --- instances --- */

/* Where the instance stands, or belongs, in the list sorted by name. */
static uint32_t
mif_position(const struct mcr_member *m, const struct mcr_mif *mif)
{
	uint32_t low = 0, high = m->n_mifs;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		const struct mcr_mif *other = m->mif[mid];
		int order = strcmp(other->param.name, mif->param.name);

		if (order < 0 || (order == 0 && other->id < mif->id))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int
mif_list_add(struct mcr_member *m, struct mcr_mif *mif)
{
	uint32_t at;

	if (m->n_mifs == m->max_mifs) {
		uint32_t max = m->max_mifs > 0 ? 2 * m->max_mifs : 16;
		struct mcr_mif **grown = realloc(m->mif, max * sizeof(struct mcr_mif *));

		if (grown == NULL)
			return -ENOMEM;
		m->mif = grown;
		m->max_mifs = max;
	}
	at = mif_position(m, mif);
	memmove(&m->mif[at + 1], &m->mif[at], (m->n_mifs - at) * sizeof(*m->mif));
	m->mif[at] = mif;
	m->n_mifs++;
	return 0;
}

static void
mif_list_del(struct mcr_member *m, const struct mcr_mif *mif)
{
	uint32_t at = mif_position(m, mif);

	m->n_mifs--;
	memmove(&m->mif[at], &m->mif[at + 1], (m->n_mifs - at) * sizeof(*m->mif));
}

struct mcr_mif *
mcr_mif_add(struct mcr_member *m, const struct mcr_mif_param *p)
{
	struct mcr_mif *mif = calloc(1, sizeof(*mif));

	if (mif == NULL)
		return NULL;
	mif->member = m;
	mif->param = *p;
	mif->id = ++m->next_id;
	TAILQ_INIT(&mif->mgroups);
	mif->segment = mcr_member_segment(m, p->segment);
	if (mif->segment == NULL || mif_list_add(m, mif) < 0) {
		free(mif);
		errno = ENOMEM;
		return NULL;
	}
	mcr_querier_init(mif);
	mcr_election_init(mif);
	mcr_proxy_mif_init(mif);
	mif->is_up = true;
	mcr_querier_check(mif);
	mcr_proxy_check(mif, false);
	return mif;
}

/* What was learned on the instance goes; statics stay. */
static void
forget_all(struct mcr_mif *mif)
{
	struct mcr_mgroup *g, *next;

	for (g = TAILQ_FIRST(&mif->mgroups); g != NULL; g = next) {
		next = TAILQ_NEXT(g, of_mif);
		mcr_mgroup_forget(g);
	}
}

void
mcr_mif_update(struct mcr_mif *mif, const struct mcr_mif_param *p)
{
	struct mcr_member *m = mif->member;
	bool was_candidate = mcr_querier_may_ask(mif);

	assert(p->segment == mif->param.segment && p->is_peer == mif->param.is_peer);
	mif_list_del(m, mif);
	mif->param = *p;
	/* There is room: it has just been taken out. */
	mif_list_add(m, mif);
	if (p->mode == MCR_MODE_OFF) {
		forget_all(mif);
		mcr_election_reset(mif);
	}
	mcr_election_check(mif, was_candidate);
	mcr_querier_check(mif);
	mcr_querier_retime(mif);
	mcr_proxy_check(mif, false);
}

void
mcr_mif_del(struct mcr_mif *mif)
{
	struct mcr_member *m = mif->member;
	struct mcr_mgroup *g;

	mif->is_up = false;
	mcr_querier_stop(mif);
	mcr_election_reset(mif);
	mcr_proxy_check(mif, false);
	while ((g = TAILQ_FIRST(&mif->mgroups)) != NULL)
		mcr_mgroup_end(g);
	mif_list_del(m, mif);
	free(mif);
}

void
mcr_mif_set_up(struct mcr_mif *mif, bool up)
{
	bool was_up = mif->is_up;

	mif->is_up = up;
	if (!up) {
		forget_all(mif);
		mcr_election_reset(mif);
	}
	mcr_querier_check(mif);
	if (up && was_up)
		mcr_querier_start(mif);
	mcr_proxy_check(mif, up);
}

bool
mcr_mif_is_up(const struct mcr_mif *mif)
{
	return mif->is_up;
}

const struct mcr_mif_param *
mcr_mif_param(const struct mcr_mif *mif)
{
	return &mif->param;
}

/* --- forgetting --- */

void
mcr_member_clear(struct mcr_member *m, uint16_t segment, const struct mcr_addr *group)
{
	for (uint32_t i = 0; i < m->n_mifs; i++) {
		struct mcr_mif *mif = m->mif[i];
		struct mcr_mgroup *g;

		if (mif->param.segment != segment)
			continue;
		if (mcr_addr_is_any(group)) {
			forget_all(mif);
			mcr_querier_start(mif);
			continue;
		}
		g = mcr_mgroup_find(mif, group);
		if (g != NULL)
			mcr_mgroup_forget(g);
		mcr_querier_ask_once(mif, group);
	}
}

void
mcr_member_recheck(struct mcr_member *m, uint16_t segment)
{
	for (uint32_t i = 0; i < m->n_mifs; i++) {
		struct mcr_mif *mif = m->mif[i];
		struct mcr_mgroup *g, *next;

		if (mif->param.segment != segment)
			continue;
		for (g = TAILQ_FIRST(&mif->mgroups); g != NULL; g = next) {
			next = TAILQ_NEXT(g, of_mif);
			if (!mcr_mif_is_allowed(mif, &g->group->addr))
				mcr_mgroup_forget(g);
		}
	}
}
