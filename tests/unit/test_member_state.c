/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The router state table against a model that is written as set algebra on bit masks, straight
 * from the two tables of RFC 9776 section 6.4, with a plain array of timers.
 */
#include "member_rig.h"

#include "member/internal.h"

#define N 5 /* sources of the random walk; the table test uses the first three */
#define NEVER UINT64_MAX

enum { GMI = 270, LMQT = 2, LMQC = 2 };

/* --- the model --- */

struct query {
	bool is_group, s_flag;
	unsigned mask;
	uint64_t at;
};

struct model {
	bool exclude;
	unsigned x, y; /* INCLUDE(A): A is x */
	uint64_t now, gt, t[N];
	unsigned g_left, s_left[N];
	uint64_t round, last_round; /* NEVER: none */
	struct query out[64];
	unsigned n_out, n_changes;
};

static unsigned
model_accepts(const struct model *m)
{
	unsigned all = (1u << N) - 1;

	/* The bit above the sources stands for all sources that nobody has named. */
	return m->exclude ? (all & ~m->y) | 1u << N : m->x;
}

static void
model_round(struct model *m)
{
	unsigned above = 0, below = 0;

	if (m->g_left > 0) {
		m->out[m->n_out++] = (struct query){
			.is_group = true, .s_flag = m->gt > m->now + LMQT * S, .at = m->now};
	}
	for (unsigned i = 0; i < N; i++) {
		if (m->s_left[i] == 0)
			continue;
		if (m->t[i] > m->now + LMQT * S)
			above |= 1u << i;
		else
			below |= 1u << i;
		m->s_left[i]--;
	}
	if (below != 0)
		m->out[m->n_out++] = (struct query){.mask = below, .at = m->now};
	if (above != 0 && m->g_left == 0)
		m->out[m->n_out++] = (struct query){.mask = above, .s_flag = true, .at = m->now};
	if (m->g_left > 0)
		m->g_left--;
	m->last_round = m->now;
	m->round = m->g_left > 0 ? m->now + S : NEVER;
	for (unsigned i = 0; i < N; i++) {
		if (m->s_left[i] > 0)
			m->round = m->now + S;
	}
}

static void
model_ask(struct model *m, unsigned mask, bool group)
{
	bool is_any = false;

	for (unsigned i = 0; i < N; i++) {
		if ((mask & 1u << i) != 0 && m->t[i] > m->now + LMQT * S) {
			m->t[i] = m->now + LMQT * S;
			m->s_left[i] = LMQC;
			is_any = true;
		}
	}
	if (group) {
		bool is_recent =
			m->g_left > 0 || (m->last_round != NEVER && m->now < m->last_round + S);

		if (m->gt > m->now + LMQT * S || !is_recent) {
			if (m->gt > m->now + LMQT * S)
				m->gt = m->now + LMQT * S;
			m->g_left = LMQC;
			is_any = true;
		}
	}
	if (!is_any)
		return;
	if (m->round == NEVER) {
		m->round = m->now;
		if (m->last_round != NEVER && m->last_round + S > m->now)
			m->round = m->last_round + S;
	}
	if (m->round <= m->now)
		model_round(m);
}

static void
model_set(struct model *m, unsigned mask, uint64_t due)
{
	for (unsigned i = 0; i < N; i++) {
		if ((mask & 1u << i) != 0)
			m->t[i] = due;
	}
}

static void
model_tidy(struct model *m)
{
	for (unsigned i = 0; i < N; i++) {
		if ((m->x & 1u << i) == 0)
			m->s_left[i] = 0;
	}
	if (!m->exclude)
		m->g_left = 0;
	if (!m->exclude && m->x == 0) {
		m->round = NEVER;
		m->last_round = NEVER;
	}
}

static void
model_record(struct model *m, uint8_t type, unsigned b)
{
	uint64_t gmi = m->now + GMI * S;
	unsigned x = m->x, y = m->y, before = model_accepts(m), ask = 0;
	bool ask_group = false;

	if (!m->exclude) {
		switch (type) {
		case MCR_IS_IN:
		case MCR_ALLOW:
			m->x = x | b;
			model_set(m, b, gmi);
			break;
		case MCR_IS_EX:
		case MCR_TO_EX:
			m->exclude = true;
			m->x = x & b;
			m->y = b & ~x;
			m->gt = gmi;
			if (type == MCR_TO_EX)
				ask = x & b;
			break;
		case MCR_BLOCK:
			ask = x & b;
			break;
		case MCR_TO_IN:
			m->x = x | b;
			model_set(m, b, gmi);
			ask = x & ~b;
			break;
		}
	} else {
		switch (type) {
		case MCR_IS_IN:
		case MCR_ALLOW:
			m->x = x | b;
			m->y = y & ~b;
			model_set(m, b, gmi);
			break;
		case MCR_IS_EX:
			m->x = b & ~y;
			m->y = y & b;
			model_set(m, b & ~x & ~y, gmi);
			m->gt = gmi;
			break;
		case MCR_BLOCK:
			m->x = x | (b & ~y);
			model_set(m, b & ~x & ~y, m->gt);
			ask = b & ~y;
			break;
		case MCR_TO_EX:
			m->x = b & ~y;
			m->y = y & b;
			model_set(m, b & ~x & ~y, m->gt);
			ask = b & ~y;
			m->gt = gmi;
			break;
		case MCR_TO_IN:
			m->x = x | b;
			m->y = y & ~b;
			model_set(m, b, gmi);
			ask = x & ~b;
			ask_group = true;
			break;
		}
	}
	model_tidy(m);
	model_ask(m, ask, ask_group);
	m->n_changes += before != model_accepts(m);
}

static uint64_t
model_next(const struct model *m)
{
	uint64_t due = m->round;

	if (m->exclude && m->gt < due)
		due = m->gt;
	for (unsigned i = 0; i < N; i++) {
		if ((m->x & 1u << i) != 0 && m->t[i] < due)
			due = m->t[i];
	}
	return due;
}

static void
model_expire(struct model *m)
{
	unsigned before = model_accepts(m);

	for (unsigned i = 0; i < N; i++) {
		if ((m->x & 1u << i) == 0 || m->t[i] > m->now)
			continue;
		m->x &= ~(1u << i);
		if (m->exclude)
			m->y |= 1u << i;
	}
	if (m->exclude && m->gt <= m->now) {
		m->exclude = false;
		m->y = 0;
	}
	model_tidy(m);
	m->n_changes += before != model_accepts(m);
}

static void
model_advance(struct model *m, uint64_t until)
{
	while (model_next(m) <= until) {
		m->now = model_next(m);
		model_expire(m);
		if (m->round <= m->now)
			model_round(m);
	}
	m->now = until;
}

/* --- comparison --- */

static unsigned
source_index(const struct mcr_addr *addr)
{
	return ntohl(mcr_addr_to_v4(addr)) - SOURCE(0);
}

static void
compare_state(const struct rig *r, const struct model *m)
{
	const struct mcr_mgroup *g = rig_group(r, r->lan, GROUP(1));
	unsigned x = 0, y = 0;

	if (!m->exclude && m->x == 0) {
		assert_null(g);
		return;
	}
	assert_non_null(g);
	assert_int_equal(mcr_mgroup_is_exclude(g), m->exclude);
	if (m->exclude)
		assert_int_equal(g->expires_ns, m->gt);
	for (uint32_t i = 0; i < mcr_mgroup_n_sources(g); i++) {
		struct mcr_msource_info info;
		unsigned index;

		mcr_mgroup_source_info(g, i, &info);
		index = source_index(&info.addr);
		assert_true(index < N);
		if (info.is_excluded) {
			y |= 1u << index;
			continue;
		}
		x |= 1u << index;
		assert_int_equal(g->source[i].expires_ns, m->t[index]);
	}
	assert_int_equal(x, m->x);
	assert_int_equal(y, m->y);
	for (unsigned i = 0; i <= N; i++)
		assert_int_equal(
			rig_flows(r, r->lan, GROUP(1), SOURCE(i)), (model_accepts(m) >> i) & 1);
}

static void
compare_queries(struct rig *r, struct model *m)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < r->n_sent; i++) {
		struct mcr_mship msg = rig_parse(&r->sent[i]);
		unsigned mask = 0;

		if (mcr_addr_is_any(&msg.group))
			continue;
		assert_true(n < m->n_out);
		for (uint32_t j = 0; j < msg.n_sources; j++) {
			struct mcr_addr addr = mcr_mship_source(msg.sources, msg.addr_len, j);

			mask |= 1u << source_index(&addr);
		}
		assert_int_equal(msg.max_resp_ms, 1000);
		assert_int_equal(mask, m->out[n].mask);
		assert_int_equal(msg.n_sources == 0, m->out[n].is_group);
		assert_int_equal(msg.s_flag, m->out[n].s_flag);
		assert_int_equal(r->sent[i].at_ns, m->out[n].at);
		n++;
	}
	assert_int_equal(n, m->n_out);
	r->n_sent = 0;
	m->n_out = 0;
}

static void
compare(struct rig *r, struct model *m)
{
	compare_state(r, m);
	compare_queries(r, m);
	assert_int_equal(r->n_changes > 0, m->n_changes > 0);
	r->n_changes = 0;
	m->n_changes = 0;
}

static void
step_record(struct rig *r, struct model *m, uint32_t host, uint8_t type, unsigned mask)
{
	struct rig_record rec = {.type = type, .group = GROUP(1)};
	uint32_t source[N], n_changes = r->n_changes;

	for (unsigned i = 0; i < N; i++) {
		if ((mask & 1u << i) != 0)
			source[rec.n_sources++] = SOURCE(i);
	}
	rec.source = source;
	assert_int_equal(rig_report3(r->lan, host, &rec, 1), -1);
	model_record(m, type, mask);
	assert_true(r->n_changes - n_changes <= 1);
}

static void
step_time(struct rig *r, struct model *m, uint64_t ns)
{
	mcr_timers_warp(r->timers, ns);
	model_advance(m, m->now + ns);
}

static void
model_init(struct model *m, const struct rig *r)
{
	memset(m, 0, sizeof(*m));
	m->now = rig_now(r);
	m->round = NEVER;
	m->last_round = NEVER;
}

/* Bring both into a state: places in base 3 (none, X, Y), each X with a timer of its own. */
static void
reach(struct rig *r, struct model *m, bool exclude, const unsigned *place)
{
	unsigned y = 0;

	for (unsigned i = 0; i < 3; i++)
		y |= place[i] == PLACE_Y ? 1u << i : 0;
	if (exclude)
		step_record(r, m, HOST(1), MCR_IS_EX, y);
	for (unsigned i = 0; i < 3; i++) {
		step_time(r, m, 7 * S);
		if (place[i] == PLACE_X)
			step_record(r, m, HOST(2), MCR_ALLOW, 1u << i);
	}
	step_time(r, m, 11 * S);
	compare(r, m);
	assert_int_equal(m->exclude, exclude);
}

static void
one_case(bool exclude, const unsigned *place, uint8_t type, unsigned b)
{
	struct model m;
	struct rig r;

	rig_start_default(&r);
	model_init(&m, &r);
	reach(&r, &m, exclude, place);
	step_record(&r, &m, HOST(3), type, b);
	compare(&r, &m);
	/* The whole aftermath: retransmissions, expiry of what was lowered, then of all the rest.
	 */
	for (unsigned i = 0; i < 40; i++) {
		step_time(&r, &m, 100 * MS);
		compare(&r, &m);
	}
	step_time(&r, &m, 271 * S);
	compare(&r, &m);
	assert_int_equal(mcr_member_group_count(r.m), 0);
	rig_fini(&r);
}

/* Every state over three sources, every record type, every subset. */
static void
s14_all_1680_cases(void **state)
{
	unsigned n = 0;

	(void)state;
	for (unsigned code = 0; code < 8 + 27; code++) {
		bool exclude = code >= 8;
		unsigned place[3], left = exclude ? code - 8 : code;

		for (unsigned i = 0; i < 3; i++) {
			place[i] = exclude ? left % 3 : left % 2;
			left /= exclude ? 3 : 2;
		}
		for (uint8_t type = MCR_IS_IN; type <= MCR_BLOCK; type++) {
			for (unsigned b = 0; b < 8; b++, n++)
				one_case(exclude, place, type, b);
		}
	}
	assert_int_equal(n, 1680);
}

static uint64_t
random_pause(uint32_t *seed)
{
	switch (rig_random(seed, 8)) {
	case 0:
		return rig_random(seed, 300000) * MS;
	case 1:
	case 2:
		return rig_random(seed, 60000) * MS;
	case 3:
	case 4:
		return rig_random(seed, 2500) * MS;
	case 5:
		return 1000 * MS;
	default:
		return 0;
	}
}

/* r1: ten to the fifth random steps on one group. */
static void
r1_random_steps(void **state)
{
	uint32_t seed = rig_seed();
	struct model m;
	struct rig r;

	(void)state;
	rig_start_default(&r);
	model_init(&m, &r);
	for (unsigned i = 0; i < 100000; i++) {
		uint64_t pause = random_pause(&seed);

		if (pause > 0) {
			step_time(&r, &m, pause);
			compare(&r, &m);
		}
		step_record(&r, &m, HOST(1 + rig_random(&seed, 4)),
			(uint8_t)(1 + rig_random(&seed, 6)), rig_random(&seed, 1u << N));
		compare(&r, &m);
		r.n_events = 0;
	}
	rig_fini(&r);
}

/* --- the rows, one by one, as the requirement writes them --- */

struct row {
	const char *before, *after; /* "I ++.", "E +-.": mode, then the place of each source */
	uint8_t type;
	unsigned b;
};

static void
run_rows(const struct row *row, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned place[3];
		struct model m;
		struct rig r;

		for (unsigned j = 0; j < 3; j++) {
			char c = row[i].before[2 + j];

			place[j] = c == '+' ? PLACE_X : c == '-' ? PLACE_Y : PLACE_NONE;
		}
		rig_start_default(&r);
		model_init(&m, &r);
		reach(&r, &m, row[i].before[0] == 'E', place);
		step_record(&r, &m, HOST(3), row[i].type, row[i].b);
		compare_state(&r, &m);
		assert_int_equal(m.exclude, row[i].after[0] == 'E');
		for (unsigned j = 0; j < 3; j++) {
			char c = row[i].after[2 + j];

			assert_int_equal((m.x >> j) & 1, c == '+');
			assert_int_equal((m.y >> j) & 1, c == '-');
		}
		rig_fini(&r);
	}
}

#define ROWS(...)                                       \
	static const struct row rows[] = {__VA_ARGS__}; \
	(void)state;                                    \
	run_rows(rows, sizeof(rows) / sizeof(rows[0]))

static void
s1_include_is_in_allow(void **state)
{
	ROWS({"I ++.", "I +++", MCR_IS_IN, 6}, {"I +..", "I ++.", MCR_ALLOW, 2},
		{"I ...", "I ...", MCR_IS_IN, 0});
}

static void
s2_include_is_ex(void **state)
{
	ROWS({"I ++.", "E .+-", MCR_IS_EX, 6}, {"I +..", "E ...", MCR_IS_EX, 0},
		{"I ...", "E ---", MCR_IS_EX, 7});
}

static void
s3_include_block(void **state)
{
	ROWS({"I ++.", "I ++.", MCR_BLOCK, 6}, {"I +..", "I +..", MCR_BLOCK, 1},
		{"I ...", "I ...", MCR_BLOCK, 7});
}

static void
s4_include_to_ex(void **state)
{
	ROWS({"I ++.", "E .+-", MCR_TO_EX, 6}, {"I ...", "E -..", MCR_TO_EX, 1});
}

static void
s5_include_to_in(void **state)
{
	ROWS({"I ++.", "I +++", MCR_TO_IN, 6}, {"I ++.", "I ++.", MCR_TO_IN, 0});
}

static void
s6_exclude_is_in_allow(void **state)
{
	ROWS({"E +-.", "E ++.", MCR_IS_IN, 2}, {"E +--", "E +-+", MCR_ALLOW, 4},
		{"E ...", "E +..", MCR_ALLOW, 1});
}

static void
s7_exclude_is_ex(void **state)
{
	ROWS({"E +-.", "E +-+", MCR_IS_EX, 7}, {"E +--", "E .-.", MCR_IS_EX, 2},
		{"E +-.", "E ...", MCR_IS_EX, 0});
}

static void
s8_exclude_block(void **state)
{
	ROWS({"E +-.", "E +-+", MCR_BLOCK, 7}, {"E -..", "E -..", MCR_BLOCK, 1});
}

static void
s9_exclude_to_ex(void **state)
{
	ROWS({"E +-.", "E +-+", MCR_TO_EX, 7}, {"E +--", "E ..-", MCR_TO_EX, 4});
}

static void
s10_exclude_to_in(void **state)
{
	ROWS({"E +-.", "E +++", MCR_TO_IN, 6}, {"E +-.", "E +-.", MCR_TO_IN, 0});
}

static void
s11_include_source_timer_ends(void **state)
{
	struct rig r;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(1), 1, SOURCE(1));
	mcr_timers_warp(r.timers, 100 * S);
	rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(1), 1, SOURCE(2));
	rig_forget_sent(&r);
	mcr_timers_warp(r.timers, 170 * S - 1);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_int_equal(r.n_changes, 0);
	mcr_timers_warp(r.timers, 1);
	assert_false(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(2)));
	assert_int_equal(r.n_changes, 1);
	mcr_timers_warp(r.timers, 100 * S);
	assert_null(rig_group(&r, r.lan, GROUP(1)));
	assert_int_equal(r.n_changes, 2);
	assert_int_equal(r.event[r.n_events - 1].what, MCR_EV_GROUP_GONE);
	rig_fini(&r);
}

static void
s12_exclude_source_timer_ends(void **state)
{
	struct rig r;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 0);
	rig_record(r.lan, HOST(2), MCR_ALLOW, GROUP(1), 1, SOURCE(1));
	mcr_timers_warp(r.timers, 200 * S);
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 1, SOURCE(1));
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	mcr_timers_warp(r.timers, 70 * S);
	assert_false(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(2)));
	assert_int_equal(mcr_mgroup_n_sources(rig_group(&r, r.lan, GROUP(1))), 1);
	rig_fini(&r);
}

static void
s13_group_timer_ends(void **state)
{
	struct rig r;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 1, SOURCE(9));
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(2), 0);
	mcr_timers_warp(r.timers, 60 * S);
	rig_record(r.lan, HOST(2), MCR_ALLOW, GROUP(1), 1, SOURCE(1));
	mcr_timers_warp(r.timers, 210 * S - 1);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(5)));
	mcr_timers_warp(r.timers, 1);
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_false(rig_flows(&r, r.lan, GROUP(1), SOURCE(5)));
	assert_int_equal(mcr_mgroup_n_sources(rig_group(&r, r.lan, GROUP(1))), 1);
	assert_null(rig_group(&r, r.lan, GROUP(2)));
	rig_fini(&r);
}

static void
s15_source_and_group_decide(void **state)
{
	struct rig r;

	(void)state;
	rig_start_default(&r);
	rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(1), 1, SOURCE(1));
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(2), 1, SOURCE(2));
	rig_record(r.lan, HOST(1), MCR_ALLOW, GROUP(2), 1, SOURCE(3));
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_false(rig_flows(&r, r.lan, GROUP(1), SOURCE(2)));
	assert_false(rig_flows(&r, r.lan, GROUP(2), SOURCE(2)));
	assert_true(rig_flows(&r, r.lan, GROUP(2), SOURCE(3)));
	assert_true(rig_flows(&r, r.lan, GROUP(2), SOURCE(1)));
	assert_false(rig_flows(&r, r.lan, GROUP(3), SOURCE(1)));
	rig_fini(&r);
}

/* Two instances of one segment keep answers of their own. */
static void
s16_ports_have_their_own_answer(void **state)
{
	struct mcr_mif_param p = rig_param("lan2");
	struct mcr_mif *second;
	struct rig r;

	(void)state;
	rig_start_default(&r);
	second = mcr_mif_add(r.m, &p);
	rig_record(r.lan, HOST(1), MCR_IS_EX, GROUP(1), 1, SOURCE(1));
	rig_record(second, HOST(1), MCR_ALLOW, GROUP(1), 1, SOURCE(1));
	assert_false(rig_flows(&r, r.lan, GROUP(1), SOURCE(1)));
	assert_true(rig_flows(&r, r.lan, GROUP(1), SOURCE(2)));
	assert_true(rig_flows(&r, second, GROUP(1), SOURCE(1)));
	assert_false(rig_flows(&r, second, GROUP(1), SOURCE(2)));
	assert_int_equal(mcr_member_group_count(r.m), 1);
	rig_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s1_include_is_in_allow),
		cmocka_unit_test(s2_include_is_ex),
		cmocka_unit_test(s3_include_block),
		cmocka_unit_test(s4_include_to_ex),
		cmocka_unit_test(s5_include_to_in),
		cmocka_unit_test(s6_exclude_is_in_allow),
		cmocka_unit_test(s7_exclude_is_ex),
		cmocka_unit_test(s8_exclude_block),
		cmocka_unit_test(s9_exclude_to_ex),
		cmocka_unit_test(s10_exclude_to_in),
		cmocka_unit_test(s11_include_source_timer_ends),
		cmocka_unit_test(s12_exclude_source_timer_ends),
		cmocka_unit_test(s13_group_timer_ends),
		cmocka_unit_test(s14_all_1680_cases),
		cmocka_unit_test(s15_source_and_group_decide),
		cmocka_unit_test(s16_ports_have_their_own_answer),
		cmocka_unit_test(r1_random_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
