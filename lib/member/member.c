/* SPDX-License-Identifier: BSD-3-Clause */
/* The module: instances, what they hear, static members, limits. */
#include "internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include <sys/random.h>

#define NO_DROP (-1)

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
	mif->heard_until_ns = 0;
}

void
mcr_mif_update(struct mcr_mif *mif, const struct mcr_mif_param *p)
{
	struct mcr_member *m = mif->member;

	assert(p->segment == mif->param.segment && p->is_peer == mif->param.is_peer);
	mif_list_del(m, mif);
	mif->param = *p;
	/* There is room: it has just been taken out. */
	mif_list_add(m, mif);
	if (p->mode == MCR_MODE_OFF)
		forget_all(mif);
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
	if (!up)
		forget_all(mif);
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

/* --- what is heard --- */

static bool
is_on_subnet(const struct mcr_mif *mif, const struct mcr_addr *host)
{
	const struct mcr_mif_param *p = &mif->param;
	struct mcr_addr unknown = mcr_addr_v4(0);

	/* A snooper takes what it hears, and hosts behind a peer are where they are. */
	if (p->is_peer || p->mode != MCR_MODE_QUERIER || p->n_networks == 0)
		return true;
	for (uint32_t i = 0; i < p->n_networks; i++) {
		if (mcr_prefix_covers(&p->network[i], host))
			return true;
	}
	return mcr_addr_eq(host, &unknown);
}

/* Sent to the group, or to an address that is ours: RFC 9776 section 4.2.15. */
static bool
is_for_us(const struct mcr_mif *mif, const struct mcr_mship *msg)
{
	static const uint32_t ours[] = {0xe0000001, 0xe0000002, 0xe0000016};

	for (unsigned i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		struct mcr_addr addr = mcr_addr_v4(htonl(ours[i]));

		if (mcr_addr_eq(&msg->dst, &addr))
			return true;
	}
	if (mcr_addr_eq(&msg->dst, &mif->param.address))
		return true;
	if (msg->version == 3)
		return mcr_addr_is_multicast(&msg->dst);
	return mcr_addr_eq(&msg->dst, &msg->record_group);
}

static bool
is_joinable(const struct mcr_addr *group)
{
	return mcr_addr_is_multicast(group) && !mcr_addr_is_link_local_group(group);
}

static bool
is_allowed(const struct mcr_mif *mif, const struct mcr_addr *group)
{
	const struct mcr_member *m = mif->member;

	return m->ops.is_allowed == NULL || m->ops.is_allowed(m->arg, mif->param.segment, group);
}

/* Good sources of the record, sorted. */
static struct addr_set
record_sources(const struct mcr_mif *mif, const struct mcr_record *r)
{
	struct addr_set set = {.addr = mif->member->record_source};

	for (uint32_t i = 0; i < r->n_sources && i < MCR_MEMBER_MAX_RECORD; i++) {
		struct mcr_addr addr = mcr_mship_source(r->sources, r->addr_len, i);

		if (mcr_addr_is_source(&addr) && !mcr_addr_eq(&addr, &mif->param.address))
			set.addr[set.n++] = addr;
	}
	mcr_member_set_sort(&set);
	return set;
}

/*
 * Below version 3 a querier cannot ask about sources: RFC 9776 section 7.3.2. False: the record
 * says nothing then.
 */
static bool
fit_version(const struct mcr_mif *mif, uint8_t type, struct addr_set *b)
{
	uint8_t version = mif->param.version;

	if (version < 3 && type == MCR_BLOCK)
		return false;
	if (version < 2 && type == MCR_TO_IN)
		return false;
	if (version < 3 && type == MCR_TO_EX)
		b->n = 0;
	return true;
}

static struct mcr_mgroup *
mgroup_new(struct mcr_mif *mif, const struct mcr_addr *addr)
{
	struct mcr_member *m = mif->member;
	const struct group *group = mcr_member_group_find(m, mif->param.segment, addr);

	if ((group == NULL || group->n_mgroups == 0) && m->n_groups >= m->limits.groups) {
		if (!m->is_groups_limit_told)
			mcr_member_event(mif, MCR_EV_LIMIT, addr, &mcr_addr_any, &mcr_addr_any);
		m->is_groups_limit_told = true;
		return NULL;
	}
	return mcr_mgroup_create(mif, addr);
}

static void
note_version(struct mcr_mgroup *g, uint8_t version)
{
	uint64_t until = mcr_member_now(g->mif->member) + mcr_mif_older_host_ns(g->mif);

	if (version == 1)
		g->v1_until_ns = until;
	if (version == 2)
		g->v2_until_ns = until;
}

/* NO_DROP, or why the record was not taken, or not wholly. */
static int
take_record(struct mcr_mif *mif, const struct mcr_mship *msg, const struct mcr_record *r)
{
	bool joins, is_new = false, is_changed = false, is_refused = false;
	struct mcr_mgroup *g;
	struct addr_set b;

	if (!mcr_addr_is_multicast(&r->group))
		return MCR_DROP_MEMBER_GROUP;
	if (!is_joinable(&r->group) || r->type < MCR_IS_IN || r->type > MCR_BLOCK)
		return NO_DROP;
	b = record_sources(mif, r);
	if (!fit_version(mif, r->type, &b))
		return NO_DROP;
	joins = r->type == MCR_IS_EX || r->type == MCR_TO_EX || (r->type != MCR_BLOCK && b.n > 0);
	if (joins && !is_allowed(mif, &r->group))
		return MCR_DROP_POLICY_NOT_ALLOWED;
	g = mcr_mgroup_find(mif, &r->group);
	if (g == NULL) {
		if (!joins)
			return NO_DROP;
		g = mgroup_new(mif, &r->group);
		if (g == NULL)
			return MCR_DROP_MEMBER_LIMIT;
		is_new = g->group->n_mgroups == 1;
	}
	if (is_new)
		mcr_member_event(mif, MCR_EV_GROUP_NEW, &r->group, &mcr_addr_any, &mcr_addr_any);
	if (mcr_subscriber_track(g, &msg->src, msg->version, r->type, &b, &is_refused) < 0 ||
		mcr_state_apply(g, r->type, &b, &msg->src, &is_changed, &is_refused) < 0)
		is_refused = true;
	else if (joins)
		note_version(g, msg->version);
	mcr_mgroup_settle(g, is_changed);
	return is_refused ? MCR_DROP_MEMBER_LIMIT : NO_DROP;
}

static int
take_report(struct mcr_mif *mif, const struct mcr_mship *msg)
{
	struct mcr_record r;
	uint32_t cursor = 0;
	int why = NO_DROP;

	while (mcr_mship_next_record(msg, &cursor, &r)) {
		int ret = take_record(mif, msg, &r);

		if (ret != NO_DROP)
			why = ret;
	}
	return why;
}

static void
count(struct mcr_mif *mif, const struct mcr_mship *msg)
{
	struct mcr_mif_stat *stat = &mif->stat;

	if (msg->type == MCR_MSHIP_LEAVE)
		stat->leave[0][msg->version]++;
	else if (msg->type == MCR_MSHIP_REPORT)
		stat->report[0][msg->version]++;
	else if (mcr_addr_is_any(&msg->group))
		stat->query[0][msg->version]++;
	else
		stat->group_query[0][msg->version]++;
}

int
mcr_mif_input(struct mcr_mif *mif, const uint8_t *ip, uint32_t len)
{
	struct mcr_addr unknown = mcr_addr_v4(0);
	struct mcr_mship msg;
	int ret;

	if (!mif->is_up)
		return NO_DROP;
	ret = mcr_igmp_parse(ip, len, &msg);
	if (ret < 0)
		return (int)MCR_MSHIP_DROP(ret);
	if (mcr_addr_eq(&msg.src, &mif->param.address) && !mcr_addr_eq(&msg.src, &unknown))
		return MCR_DROP_MEMBER_OWN;
	if (mif->param.mode != MCR_MODE_OFF && msg.type != MCR_MSHIP_QUERY) {
		if (!is_for_us(mif, &msg))
			return MCR_DROP_MEMBER_GROUP;
		if (!is_on_subnet(mif, &msg.src))
			return MCR_DROP_MEMBER_OFF_SUBNET;
	}
	count(mif, &msg);
	if (mif->param.mode == MCR_MODE_OFF)
		return NO_DROP;
	if (msg.type != MCR_MSHIP_QUERY)
		return take_report(mif, &msg);
	mcr_querier_hear(mif, &msg);
	mcr_proxy_hear(mif, &msg);
	return NO_DROP;
}

/* --- static members --- */

static bool
has_static(const struct mcr_mgroup *g)
{
	return g->is_static_any || g->n_statics > 0;
}

/* Any source from now on, or not any more. True: forwarding needs something else. */
static bool
set_static_any(struct mcr_mgroup *g, bool is_any)
{
	bool is_changed = !g->is_exclude;

	for (uint32_t i = 0; i < g->n_sources; i++)
		is_changed |= g->source[i].place == PLACE_Y && !g->source[i].is_static;
	is_changed &= g->is_static_any != is_any;
	g->is_static_any = is_any;
	return is_changed;
}

static int
add_static_source(struct mcr_mgroup *g, const struct mcr_addr *addr, bool *is_changed)
{
	struct mcr_addr *statics;
	struct msource *s;
	bool is_found;
	uint32_t at = mcr_member_set_find(g->statics, g->n_statics, addr, &is_found);

	if (is_found)
		return 0;
	statics = realloc(g->statics, (g->n_statics + 1) * sizeof(*statics));
	if (statics == NULL)
		return -ENOMEM;
	g->statics = statics;
	if (mcr_mgroup_reserve(g, g->n_sources + 1) < 0)
		return -ENOMEM;
	memmove(&statics[at + 1], &statics[at], (g->n_statics - at) * sizeof(*statics));
	statics[at] = *addr;
	g->n_statics++;

	*is_changed = !mcr_mgroup_accepts(g, addr);
	s = mcr_mgroup_find_source(g, addr);
	if (s == NULL) {
		uint32_t i = 0;

		while (i < g->n_sources && mcr_addr_cmp(&g->source[i].addr, addr) < 0)
			i++;
		s = &g->source[i];
		memmove(s + 1, s, (g->n_sources - i) * sizeof(*s));
		*s = (struct msource){.addr = *addr};
		g->n_sources++;
	}
	s->is_static = true;
	return 0;
}

int
mcr_mif_static_add(struct mcr_mif *mif, const struct mcr_addr *group, const struct mcr_addr *source)
{
	struct mcr_mgroup *g = mcr_mgroup_find(mif, group);
	bool had_static, is_new = false, is_changed = false;
	int ret = 0;

	if (!is_joinable(group) || (!mcr_addr_is_any(source) && !mcr_addr_is_source(source)))
		return -EINVAL;
	if (g == NULL) {
		/* No limit: a configured member always has its place. */
		g = mcr_mgroup_create(mif, group);
		if (g == NULL)
			return -ENOMEM;
		is_new = g->group->n_mgroups == 1;
	}
	had_static = has_static(g);
	if (mcr_addr_is_any(source))
		is_changed = set_static_any(g, true);
	else
		ret = add_static_source(g, source, &is_changed);
	mif->member->n_static += has_static(g) && !had_static;
	if (is_new && ret == 0)
		mcr_member_event(mif, MCR_EV_GROUP_NEW, group, &mcr_addr_any, &mcr_addr_any);
	mcr_mgroup_settle(g, is_changed);
	return ret;
}

static bool
del_static_source(struct mcr_mgroup *g, const struct mcr_addr *addr)
{
	struct msource *s = mcr_mgroup_find_source(g, addr);
	bool is_found;
	uint32_t at = mcr_member_set_find(g->statics, g->n_statics, addr, &is_found);

	if (!is_found)
		return false;
	g->n_statics--;
	memmove(&g->statics[at], &g->statics[at + 1], (g->n_statics - at) * sizeof(*g->statics));
	s->is_static = false;
	mcr_mgroup_compact(g);
	return !mcr_mgroup_accepts(g, addr);
}

void
mcr_mif_static_del(struct mcr_mif *mif, const struct mcr_addr *group, const struct mcr_addr *source)
{
	struct mcr_mgroup *g = mcr_mgroup_find(mif, group);
	bool had_static, is_changed;

	if (g == NULL)
		return;
	had_static = has_static(g);
	if (mcr_addr_is_any(source))
		is_changed = set_static_any(g, false);
	else
		is_changed = del_static_source(g, source);
	mif->member->n_static -= had_static && !has_static(g);
	mcr_mgroup_settle(g, is_changed);
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
			if (!is_allowed(mif, &g->group->addr))
				mcr_mgroup_forget(g);
		}
	}
}
