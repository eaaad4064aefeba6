/* SPDX-License-Identifier: BSD-3-Clause */
/* Many copies: order, counts, full queues, empty pools. */
#include "path_world.h"

#define GROUP "239.1.2.3"
#define SENDER "10.1.0.7"

enum { IN, OUT, SLOW };

/* What a target has seen: every copy carries its target (outer destination) and its number. */
struct watch {
	uint32_t n_targets;
	uint32_t *next; /* number expected next, by target */
	uint64_t copies;
	bool allows_gaps;
};

static const uint8_t *
byte_at(const struct rte_mbuf *m, uint32_t off)
{
	for (; off >= m->data_len; m = m->next)
		off -= m->data_len;
	return rte_pktmbuf_mtod_offset(m, const uint8_t *, off);
}

/* Target k is the peer 10.200.0.0 + k; the number is the first word of the data. */
static void
see(struct watch *w, const struct rte_mbuf *m)
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *) + 14;
	uint32_t target = ip[18] << 8 | ip[19], number;

	memcpy(&number, byte_at(m, 50 + 14 + 28), 4);
	if (target >= w->n_targets)
		fail_msg("copy for target %u of %u", target, w->n_targets);
	if (w->allows_gaps ? number < w->next[target] : number != w->next[target])
		fail_msg("target %u got %u, expected %u", target, number, w->next[target]);
	w->next[target] = number + 1;
	w->copies++;
}

static uint16_t
watch_tx(uint16_t port, uint16_t queue, struct rte_mbuf **m, uint16_t n, void *arg)
{
	(void)port;
	(void)queue;
	for (unsigned i = 0; i < n; i++)
		see(arg, m[i]);
	return n;
}

static struct mcr_list_item
watched_target(struct world *wd, unsigned port, uint32_t k)
{
	struct mcr_addr a = ip4("10.200.0.0");

	a.b[14] = k >> 8;
	a.b[15] = k;
	return world_tunnel(wd, port, a);
}

/* A port that takes everything and lets the watch see it. */
static const struct rte_eth_rxtx_callback *
add_null_port(struct world *wd, struct watch *w)
{
	static unsigned serial;
	struct world_port *p = &wd->port[wd->n_ports];
	char name[32];
	uint16_t id;

	snprintf(name, sizeof(name), "net_null%u", serial++);
	assert_int_equal(rte_eal_hotplug_add("vdev", name, ""), 0);
	assert_int_equal(rte_eth_dev_get_port_by_name(name, &id), 0);
	p->port = world_adopt(wd, id, 1);
	p->is_uplink = true;
	p->is_foreign = true;
	p->mac = (struct mcr_mac){{2, 0, 0, 0, 0xaa, wd->n_ports}};
	p->own[0] = ip4("192.0.2.1");
	p->n_own = 1;
	p->not_polled = true;
	wd->n_ports++;
	return rte_eth_add_tx_callback(id, 0, watch_tx, w);
}

static void
watch_init(struct watch *w, uint32_t n_targets)
{
	*w = (struct watch){.n_targets = n_targets};
	w->next = calloc(n_targets ? n_targets : 1, sizeof(*w->next));
	assert_non_null(w->next);
}

static void
send_numbered(struct world *wd, uint32_t first, uint32_t n, uint32_t size)
{
	const struct flow f = {.src = SENDER, .dst = GROUP, .vid = -1};
	uint8_t data[1400], frame[1500];

	memset(data, 0x77, sizeof(data));
	for (uint32_t i = first; i < first + n; i++) {
		memcpy(data, &i, 4);
		world_send(wd, IN, mbuf_of(wd, frame, frame_build(frame, &f, data, size)));
	}
}

/* R8 without pressure: bursts of 91 frames; every target gets every frame, in order. */
static void
fan_out(uint32_t n_targets, uint32_t bursts, uint32_t size, enum mcr_maker maker)
{
	struct world wd;
	struct watch w;
	struct mcr_list_item *items = calloc(n_targets + 1, sizeof(*items));
	const struct rte_eth_rxtx_callback *cb;

	assert_non_null(items);
	watch_init(&w, n_targets);
	world_init(&wd, &(struct world_conf){.n_targets = n_targets + 1});
	world_add_port(&wd, false);
	cb = add_null_port(&wd, &w);
	assert_non_null(cb);
	assert_true(wd.port[OUT].port->cap.multi_segs);
	world_map(&wd, IN, MCR_VID_NONE, 1);
	world_publish(&wd);
	for (uint32_t i = 0; i < n_targets; i++) {
		items[i] = watched_target(&wd, OUT, i);
		items[i].maker = maker;
	}
	world_join(&wd, 1, GROUP, NULL, items, n_targets);
	for (uint32_t b = 0; b < bursts; b++) {
		send_numbered(&wd, 91 * b, 91, size);
		world_run(&wd);
	}
	for (uint32_t i = 0; i < n_targets; i++)
		assert_int_equal(w.next[i], 91 * bursts);
	assert_int_equal(w.copies, (uint64_t)n_targets * 91 * bursts);
	assert_int_equal(world_copies(&wd), w.copies);
	assert_int_equal(world_all_drops(&wd), n_targets ? 0 : 91 * bursts);
	assert_int_equal(
		world_drops(&wd, IN, MCR_DROP_LOOKUP_NO_MEMBER), n_targets ? 0 : 91 * bursts);
	/* DPDK keeps call-backs beyond the life of a device. */
	assert_int_equal(rte_eth_remove_tx_callback(wd.port[OUT].port->id, 0, cb), 0);
	world_fini(&wd);
	free(items);
	free(w.next);
}

static void
r8_fan_out_0_1_257_1025_by_sharing(void **state)
{
	(void)state;
	fan_out(0, 2, 64, MCR_MAKE_SHARE);
	fan_out(1, 4, 64, MCR_MAKE_SHARE);
	fan_out(257, 2, 64, MCR_MAKE_SHARE);
	fan_out(1025, 1, 1000, MCR_MAKE_SHARE);
}

static void
r8_fan_out_0_1_257_1025_by_copying(void **state)
{
	(void)state;
	fan_out(0, 1, 64, MCR_MAKE_COPY);
	fan_out(1, 4, 64, MCR_MAKE_COPY);
	fan_out(257, 2, 64, MCR_MAKE_COPY);
	fan_out(1025, 1, 1000, MCR_MAKE_COPY);
}

static void
r8_fan_out_16384(void **state)
{
	(void)state;
	fan_out(16384, 1, 64, MCR_MAKE_SHARE);
}

/* World with IN, a port OUT whose copies the test takes, and SLOW whose ring holds 31. */
static void
world_with_slow(struct world *wd, const struct world_conf *conf, uint32_t n_out, uint32_t n_slow,
	struct mcr_list_item *items)
{
	struct world_conf c = *conf;

	c.tx_ring = 4096;
	world_init(wd, &c);
	world_add_port(wd, false);
	world_add_port(wd, true);
	wd->conf.tx_ring = 32;
	world_add_port(wd, true);
	for (unsigned p = OUT; p <= SLOW; p++) {
		wd->port[p].own[0] = ip4(p == OUT ? "192.0.2.1" : "192.0.2.2");
		wd->port[p].n_own = 1;
	}
	world_map(wd, IN, MCR_VID_NONE, 1);
	world_publish(wd);
	for (uint32_t i = 0; i < n_out + n_slow; i++)
		items[i] = watched_target(wd, i < n_out ? OUT : SLOW, i);
	world_join(wd, 1, GROUP, NULL, items, n_out + n_slow);
}

static uint64_t
take_all(struct world *wd, unsigned port, struct watch *w)
{
	struct rte_mbuf *m;
	uint64_t n = 0;

	while ((m = world_take(wd, port))) {
		see(w, m);
		rte_pktmbuf_free(m);
		n++;
	}
	return n;
}

/* R8, T12: one port's queue is full: its copies alone are lost, and counted, one by one. */
static void
t12_full_queue_costs_its_own_copies(void **state)
{
	struct world wd;
	struct watch w;
	struct mcr_list_item items[40];
	uint64_t out, slow;

	(void)state;
	watch_init(&w, 40);
	w.allows_gaps = true;
	world_with_slow(&wd, &(struct world_conf){0}, 32, 8, items);
	for (unsigned i = 0; i < 3; i++) {
		send_numbered(&wd, 91 * i, 91, 200);
		world_run(&wd);
		out = take_all(&wd, OUT, &w);
		assert_int_equal(out, 91 * 32);
		slow = take_all(&wd, SLOW, &w);
		assert_int_equal(slow, 31);
		assert_int_equal(
			world_drops(&wd, SLOW, MCR_DROP_TX_QUEUE_FULL), (91 * 8 - 31) * (i + 1));
		assert_int_equal(world_all_drops(&wd), (91 * 8 - 31) * (i + 1));
	}
	for (uint32_t k = 0; k < 32; k++)
		assert_int_equal(w.next[k], 3 * 91);
	world_fini(&wd);
	free(w.next);
}

/* R8, T11: the header pool has not enough: what is made is whole, what is not is counted. */
static void
t11_header_pool_nearly_empty(void **state)
{
	struct world wd;
	struct watch w;
	struct mcr_list_item items[64];

	(void)state;
	for (uint32_t n_header = 1; n_header < 300; n_header += 37) {
		uint64_t got, lost;

		watch_init(&w, 64);
		w.allows_gaps = true;
		world_with_slow(&wd, &(struct world_conf){.n_header = n_header}, 64, 0, items);
		send_numbered(&wd, 0, 20, 200);
		world_turn(&wd);
		got = take_all(&wd, OUT, &w);
		lost = world_drops(&wd, OUT, MCR_DROP_REPL_NO_BUFFER);
		assert_int_equal(got, n_header);
		assert_int_equal(got + lost, 20 * 64);
		assert_int_equal(world_all_drops(&wd), lost);
		/* Everything is back: the canary reaches as many as there are buffers. */
		send_numbered(&wd, 100, 1, 200);
		world_run(&wd);
		assert_int_equal(take_all(&wd, OUT, &w), RTE_MIN(n_header, 64u));
		world_fini(&wd);
		free(w.next);
	}
}

/* The same for copies; and copies of small frames do not care that there are no headers. */
static void
t11_copy_pool_nearly_empty(void **state)
{
	struct world wd;
	struct watch w;
	struct mcr_list_item items[64];

	(void)state;
	watch_init(&w, 64);
	w.allows_gaps = true;
	world_with_slow(&wd, &(struct world_conf){.n_copy = 50}, 64, 0, items);
	for (unsigned i = 0; i < 64; i++)
		items[i].maker = MCR_MAKE_COPY;
	world_join(&wd, 1, GROUP, NULL, items, 64);
	send_numbered(&wd, 0, 3, 200);
	world_run(&wd);
	assert_int_equal(take_all(&wd, OUT, &w), 50);
	assert_int_equal(world_drops(&wd, OUT, MCR_DROP_REPL_NO_BUFFER), 3 * 64 - 50);
	world_fini(&wd);
	free(w.next);
}

/* An exhausted header pool costs share copies: a port with copies of its own loses none (T11). */
static void
t11_pools_are_separate(void **state)
{
	struct world wd;
	struct watch w;
	struct mcr_list_item items[16];

	(void)state;
	watch_init(&w, 16);
	w.allows_gaps = true;
	world_with_slow(&wd, &(struct world_conf){.n_header = 1}, 8, 8, items);
	for (unsigned i = 0; i < 16; i++)
		items[i].maker = items[i].port == SLOW ? MCR_MAKE_COPY : MCR_MAKE_SHARE;
	world_join(&wd, 1, GROUP, NULL, items, 16);
	send_numbered(&wd, 0, 3, 200);
	world_run(&wd);
	assert_int_equal(take_all(&wd, SLOW, &w), 24);
	assert_int_equal(take_all(&wd, OUT, &w), 1);
	assert_int_equal(world_drops(&wd, OUT, MCR_DROP_REPL_NO_BUFFER), 23);
	world_fini(&wd);
	free(w.next);
}

/* A port that is down costs its own copies; it comes back with the next snapshot. */
static void
port_down_costs_its_own_copies(void **state)
{
	struct world wd;
	struct watch w;
	struct mcr_list_item items[8];

	(void)state;
	watch_init(&w, 8);
	world_with_slow(&wd, &(struct world_conf){0}, 4, 4, items);
	for (unsigned i = 0; i < 4; i++) {
		wd.port[SLOW].is_down = i % 2 == 0;
		world_publish(&wd);
		w.allows_gaps = true;
		send_numbered(&wd, i, 1, 200);
		world_run(&wd);
		assert_int_equal(take_all(&wd, OUT, &w), 4);
		assert_int_equal(take_all(&wd, SLOW, &w), i % 2 ? 4 : 0);
	}
	assert_int_equal(world_drops(&wd, SLOW, MCR_DROP_TX_PORT_DOWN), 8);
	assert_int_equal(world_all_drops(&wd), 8);
	world_fini(&wd);
	free(w.next);
}

/* T14: a frame that no copy buffer can hold is refused before anything is written. */
static void
t14_no_unchecked_length(void **state)
{
	struct world wd;
	struct watch w;
	struct mcr_list_item items[2];
	const struct flow f = {.src = SENDER, .dst = GROUP, .vid = -1};
	static uint8_t data[20000], frame[20100];
	uint32_t len;

	(void)state;
	watch_init(&w, 2);
	world_with_slow(&wd, &(struct world_conf){0}, 2, 0, items);
	for (unsigned i = 0; i < 2; i++) {
		struct mcr_target t = *atomic_load(&wd.targets->slot[items[i].id]);

		t.mtu = UINT16_MAX;
		assert_int_equal(mcr_target_replace(wd.targets, items[i].id, &t), 0);
		items[i].mtu = UINT16_MAX;
		items[i].maker = MCR_MAKE_COPY;
	}
	world_join(&wd, 1, GROUP, NULL, items, 2);
	len = frame_build(frame, &f, data, 19000);
	world_send(&wd, IN, mbuf_of(&wd, frame, len));
	world_run(&wd);
	assert_int_equal(world_drops(&wd, OUT, MCR_DROP_REPL_MTU), 2);
	send_numbered(&wd, 0, 1, 1400);
	world_run(&wd);
	assert_int_equal(take_all(&wd, OUT, &w), 2);
	world_fini(&wd);
	free(w.next);
}

/* More segments than a port sends, and frames below its copy size: linear copies, same bytes. */
static void
share_lane_copies_what_it_must(void **state)
{
	struct world wd;
	struct watch w;
	struct mcr_list_item items[2];
	const struct flow f = {.src = SENDER, .dst = GROUP, .vid = -1};
	uint8_t data[400] = {0}, frame[500];
	uint32_t len;

	(void)state;
	watch_init(&w, 2);
	world_with_slow(&wd, &(struct world_conf){0}, 2, 0, items);
	wd.port[OUT].port->cap.max_segs = 3;
	wd.port[OUT].port->cap.copy_below = 200;
	world_publish(&wd);
	for (uint32_t i = 0; i < 6; i++) {
		bool is_small = i & 1;
		uint32_t n_cuts = i / 2 + 1, cut[3] = {60, 80, 100};
		struct rte_mbuf *m;

		memcpy(data, &i, 4);
		len = frame_build(frame, &f, data, is_small ? 157 : 158);
		world_send(&wd, IN, mbuf_build(&wd, frame, len, cut, n_cuts - 1));
		world_run(&wd);
		for (unsigned k = 0; k < 2; k++) {
			m = world_take(&wd, OUT);
			assert_non_null(m);
			see(&w, m);
			assert_int_equal(m->pkt_len, len + 50);
			assert_int_equal(m->nb_segs, is_small || n_cuts == 3 ? 1 : 1 + n_cuts);
			rte_pktmbuf_free(m);
		}
	}
	world_fini(&wd);
	free(w.next);
}

/* Random loads on everything at once: the sums are right whatever happens (R23). */
static void
r23_sums_balance_under_pressure(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 12; round++) {
		struct world wd;
		struct watch w;
		struct mcr_list_item items[200];
		uint32_t n_out = world_random() % 100, n_slow = 1 + world_random() % 99, number = 0;

		watch_init(&w, 200);
		w.allows_gaps = true;
		world_with_slow(&wd,
			&(struct world_conf){.n_header = 1 + world_random() % 2000,
				.n_copy = 1 + world_random() % 500},
			n_out, n_slow, items);
		for (uint32_t i = 0; i < n_out + n_slow; i++) {
			items[i].maker = world_random() % 3 ? MCR_MAKE_SHARE : MCR_MAKE_COPY;
			items[i].mtu = 100 + world_random() % 1400;
		}
		world_join(&wd, 1, GROUP, NULL, items, n_out + n_slow);
		for (unsigned k = 0; k < 20; k++) {
			uint32_t n = world_random() % 91;

			wd.port[SLOW].is_down = world_random() % 4 == 0;
			world_publish(&wd);
			send_numbered(&wd, number, n, 4 + world_random() % 1390);
			number += n;
			world_run(&wd);
			take_all(&wd, OUT, &w);
			take_all(&wd, SLOW, &w);
			world_check_sums(&wd);
		}
		assert_int_equal(world_forwarded(&wd), number);
		assert_int_equal(world_copies(&wd), (uint64_t)number * (n_out + n_slow));
		world_fini(&wd);
		free(w.next);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(r8_fan_out_0_1_257_1025_by_sharing),
		cmocka_unit_test(r8_fan_out_0_1_257_1025_by_copying),
		cmocka_unit_test(r8_fan_out_16384),
		cmocka_unit_test(t12_full_queue_costs_its_own_copies),
		cmocka_unit_test(t11_header_pool_nearly_empty),
		cmocka_unit_test(t11_copy_pool_nearly_empty),
		cmocka_unit_test(t11_pools_are_separate),
		cmocka_unit_test(port_down_costs_its_own_copies),
		cmocka_unit_test(t14_no_unchecked_length),
		cmocka_unit_test(share_lane_copies_what_it_must),
		cmocka_unit_test(r23_sums_balance_under_pressure),
	};

	if (world_eal() < 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
