/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Everything at random: packets, time, links, instances, statics, limits, settings; once with
 * memory and once with an allocation in twenty failing. After each step the books are balanced:
 * every count is the length of its list, every list is sorted, learned state has its timer running.
 */
#include "member_rig.h"

#include "member/internal.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static uint32_t fail_one_in, fail_seed, n_failed; /* fail_one_in 0: never */

static bool
fails(void)
{
	if (fail_one_in == 0 || rig_random(&fail_seed, fail_one_in) != 0)
		return false;
	n_failed++;
	return true;
}

void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

/* --- the books --- */

struct sums {
	uint32_t n_groups, n_local, n_remote, n_static;
	uint64_t n_memberships;
};

static void
check_mgroup(const struct mcr_mgroup *g, struct sums *sums)
{
	uint32_t n_learned = 0;

	assert_false(mcr_mgroup_is_empty(g));
	for (uint32_t i = 0; i < g->n_subscribers; i++) {
		const struct subscriber *s = g->subscriber[i];

		assert_true(s->is_exclude || s->n_sources > 0);
		assert_true(i == 0 || mcr_addr_cmp(&g->subscriber[i - 1]->host, &s->host) < 0);
		sums->n_memberships += s->n_sources > 0 ? s->n_sources : 1;
	}
	for (uint32_t i = 0; i < g->n_sources; i++) {
		n_learned += g->source[i].place != PLACE_NONE;
		assert_true(i == 0 || mcr_addr_cmp(&g->source[i - 1].addr, &g->source[i].addr) < 0);
	}
	assert_int_equal(n_learned, g->n_learned);
	if (g->is_exclude || n_learned > 0) {
		assert_true(mcr_timer_is_pending(&g->timer));
		assert_true(g->timer.due_ns >= mcr_member_now(g->mif->member));
	}
}

static void
check_books(const struct mcr_member *m)
{
	uint32_t local, remote, n_static;
	struct mcr_group_info info;
	struct sums sums = {0};
	uint64_t cursor = 0;

	while (mcr_member_next_group(m, &cursor, &info)) {
		struct group *group = mcr_member_group_find(m, info.segment, &info.group);
		uint32_t n_mgroups = 0, n_subscribers = 0;
		struct mcr_mgroup *g = NULL;

		sums.n_groups++;
		sums.n_local += info.n_local;
		sums.n_remote += info.n_remote;
		sums.n_static += info.n_static;
		while ((g = mcr_member_next(m, info.segment, &info.group, g)) != NULL) {
			n_mgroups++;
			n_subscribers += g->n_subscribers;
			check_mgroup(g, &sums);
		}
		assert_int_equal(n_mgroups, group->n_mgroups);
		assert_int_equal(n_subscribers, group->n_subscribers);
	}
	mcr_member_counts(m, &local, &remote, &n_static);
	assert_int_equal(sums.n_groups, mcr_member_group_count(m));
	assert_int_equal(sums.n_local, local);
	assert_int_equal(sums.n_remote, remote);
	assert_int_equal(sums.n_static, n_static);
	assert_int_equal(sums.n_memberships, m->n_memberships);
}

/* --- the steps --- */

enum { N_MIFS = 6 };

struct world {
	struct rig rig;
	struct mcr_mif *mif[N_MIFS]; /* the last three are peers */
	uint32_t seed;
};

static uint32_t
draw(struct world *w, uint32_t below)
{
	return rig_random(&w->seed, below);
}

static struct mcr_addr
draw_source(struct world *w)
{
	return draw(w, 2) == 0 ? mcr_addr_any : a4(SOURCE(draw(w, 4)));
}

static void
add_mif(struct world *w, unsigned k)
{
	struct mcr_mif_param p = rig_param("m");

	p.name[1] = (char)('0' + k);
	p.n_networks = 0;
	p.is_peer = k >= 3;
	p.reports_to_peer = p.is_peer;
	p.fast_leave = k == 2;
	w->mif[k] = mcr_mif_add(w->rig.m, &p);
}

static void
change_settings(struct world *w, struct mcr_mif *mif)
{
	struct mcr_mif_param p = *mcr_mif_param(mif);

	p.robustness = (uint8_t)(1 + draw(w, 4));
	p.qi_s = 20 + draw(w, 100);
	p.version = (uint8_t)(1 + draw(w, 3));
	p.reports_to_peer = p.is_peer && draw(w, 3) != 0;
	p.mode = draw(w, 3) == 0 ? (enum mcr_mode)draw(w, 3) : MCR_MODE_QUERIER;
	mcr_mif_update(mif, &p);
}

static void
change_limits(struct world *w)
{
	struct mcr_member_limits limits = {draw(w, 7), draw(w, 5), draw(w, 6), draw(w, 40)};

	if (draw(w, 2) == 0)
		limits = (struct mcr_member_limits){100, 100, 100, 100000};
	mcr_member_set_limits(w->rig.m, &limits);
}

static void
hear_query(struct world *w, struct mcr_mif *mif)
{
	uint32_t source[] = {SOURCE(draw(w, 5)), SOURCE(draw(w, 5)), SOURCE(7)};
	bool is_general = draw(w, 2) == 0;

	rig_query3(mif, draw(w, 2) == 0 ? 0 : HOST(90), is_general ? 0 : GROUP(draw(w, 6)),
		draw(w, 2) == 0, 10, source, is_general ? 0 : draw(w, 4));
}

static void
step(struct world *w)
{
	unsigned k = draw(w, N_MIFS);
	struct mcr_mif *mif = w->mif[k];
	struct mcr_addr group = a4(GROUP(draw(w, 6))), source = draw_source(w);

	if (mif == NULL) {
		add_mif(w, k);
		return;
	}
	switch (draw(w, 40)) {
	case 0:
		if (draw(w, 5) == 0) {
			mcr_mif_del(mif);
			w->mif[k] = NULL;
		}
		break;
	case 1:
		mcr_mif_set_up(mif, draw(w, 3) != 0);
		break;
	case 2:
		mcr_mif_static_add(mif, &group, &source);
		break;
	case 3:
	case 4:
		mcr_mif_static_del(mif, &group, &source);
		break;
	case 5:
		change_settings(w, mif);
		break;
	case 6:
		mcr_member_clear(w->rig.m, SEGMENT, draw(w, 2) == 0 ? &group : &mcr_addr_any);
		break;
	case 7:
	case 8:
		hear_query(w, mif);
		break;
	case 9:
		rig_leave2(mif, HOST(draw(w, 6)), GROUP(draw(w, 6)));
		break;
	case 10:
		rig_report2(mif, HOST(draw(w, 6)), GROUP(draw(w, 6)));
		break;
	case 11:
		change_limits(w);
		break;
	default:
		rig_record(mif, HOST(draw(w, 6)), (uint8_t)(1 + draw(w, 6)), GROUP(draw(w, 6)),
			draw(w, 4), SOURCE(draw(w, 5)), SOURCE(draw(w, 5)), SOURCE(draw(w, 5)));
	}
}

/* A query interval later every peer has been told what holds, whatever was lost before. */
static void
check_reported(struct world *w)
{
	bool is_told = false;

	for (unsigned k = 3; k < N_MIFS; k++)
		is_told |= w->mif[k] != NULL && w->mif[k]->is_reporting;
	mcr_timers_warp(w->rig.timers, 130 * S);
	for (unsigned i = 0; is_told && i < 6; i++) {
		struct mcr_addr addr = a4(GROUP(i));
		const struct group *group = mcr_member_group_find(w->rig.m, SEGMENT, &addr);
		const struct reported *r = group != NULL ? group->reported : NULL;

		for (unsigned j = 0; j < 6; j++) {
			bool is_wanted = false, is_reported = false;
			struct mcr_addr source = a4(SOURCE(j));

			for (unsigned k = 0; k < 3; k++)
				is_wanted |= w->mif[k] != NULL &&
				             rig_flows(&w->rig, w->mif[k], GROUP(i), SOURCE(j));
			if (r != NULL)
				is_reported = r->is_exclude != mcr_member_set_has(r->sources.addr,
								       r->sources.n, &source);
			assert_int_equal(is_reported, is_wanted);
		}
	}
}

static void
run(uint32_t one_in)
{
	struct world w = {.seed = rig_seed()};

	rig_init(&w.rig);
	w.rig.is_quiet = true;
	fail_seed = w.seed;
	n_failed = 0;
	for (unsigned i = 0; i < 20000; i++) {
		fail_one_in = one_in;
		step(&w);
		if (draw(&w, 3) == 0)
			mcr_timers_warp(w.rig.timers, draw(&w, 3000) * MS);
		if (draw(&w, 300) == 0)
			mcr_timers_warp(w.rig.timers, draw(&w, 300) * S);
		fail_one_in = 0;
		check_books(w.rig.m);
		if (i % 500 == 499)
			check_reported(&w);
	}
	assert_int_equal(n_failed > 0, one_in > 0);
	/* Silence ends all that was learned. */
	for (unsigned k = 0; k < N_MIFS; k++) {
		if (w.mif[k] != NULL)
			mcr_mif_set_up(w.mif[k], false);
	}
	check_books(w.rig.m);
	rig_fini(&w.rig);
}

static void
random_life_keeps_the_books(void **state)
{
	(void)state;
	run(0);
}

static void
random_life_without_memory(void **state)
{
	(void)state;
	run(20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_life_keeps_the_books),
		cmocka_unit_test(random_life_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
