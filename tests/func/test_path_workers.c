/* SPDX-License-Identifier: BSD-3-Clause */
/* Workers: punt and inject, next hops that are not known, snapshots, more than one worker. */
#include "path_world.h"

#include <poll.h>
#include <rte_cycles.h>
#include <rte_lcore.h>

#define GROUP "239.1.2.3"
#define SENDER "10.1.0.7"

enum { IN, OUT };

static void
world_of_two(struct world *wd, const struct world_conf *conf)
{
	struct mcr_list_item item;

	world_init(wd, conf);
	world_add_port(wd, false);
	world_add_port(wd, false);
	world_map(wd, IN, MCR_VID_NONE, 1);
	world_map(wd, IN, 10, 2);
	world_map(wd, OUT, MCR_VID_NONE, 1);
	wd->port[IN].own[0] = ip4("10.1.0.1");
	wd->port[IN].n_own = 1;
	world_publish(wd);
	item = world_native(wd, OUT, MCR_VID_NONE);
	world_join(wd, 1, GROUP, NULL, &item, 1);
}

static uint32_t
igmp_build(uint8_t *frame, int vid)
{
	const struct flow f = {
		.src = SENDER, .dst = "224.0.0.22", .vid = vid, .proto = 2, .ttl = 1};

	return frame_build(frame, &f, "\x22\0\0\0\0\0\0\1\4\0\0\0\xef\1\2\3", 16);
}

struct punted {
	unsigned n;
	struct mcr_punt meta[64];
	uint32_t len[64];
	uint8_t bytes[64][300];
};

static void
remember(void *arg, struct rte_mbuf *m)
{
	struct punted *p = arg;
	unsigned i = p->n++ % 64;

	p->meta[i] = *mcr_punt_of(m);
	p->len[i] = m->pkt_len;
	assert_int_equal(m->nb_segs, 1);
	if (m->pkt_len <= sizeof(p->bytes[0]))
		memcpy(p->bytes[i], rte_pktmbuf_mtod(m, void *), m->pkt_len);
	rte_pktmbuf_free(m);
}

static bool
is_readable(const struct world *wd)
{
	struct pollfd fd = {.fd = mcr_punt_fd(wd->path), .events = POLLIN};

	return poll(&fd, 1, 0) == 1;
}

/* What goes to main arrives whole, in order, and says where it came from. */
static void
punt_says_where_from(void **state)
{
	struct world wd;
	struct punted p = {0};
	uint8_t frame[3][300] = {0};
	uint32_t len[3], cut[2] = {9, 30};

	(void)state;
	world_of_two(&wd, &(struct world_conf){0});
	len[0] = igmp_build(frame[0], 10);
	memset(frame[1], 0xff, 6);
	memcpy(frame[1] + 6, "\2\0\0\0\xcc\1\x08\6\0\1\x08\0\6\4\0\1", 16);
	len[1] = 60;
	len[2] = frame_build(frame[2],
		&(struct flow){.src = SENDER,
			.dst = "10.1.0.1",
			.vid = -1,
			.proto = 1,
			.dst_mac = {2, 0, 0, 0, 0xaa, IN}},
		"\x08\0\0\0\0\1\0\1 ping ping ping ping ping ping", 36);
	assert_false(is_readable(&wd));
	for (unsigned i = 0; i < 3; i++)
		world_send(&wd, IN, mbuf_build(&wd, frame[i], len[i], cut, i));
	world_run(&wd);
	assert_true(is_readable(&wd));
	assert_int_equal(mcr_punt_poll(wd.path, 10, remember, &p), 3);
	assert_false(is_readable(&wd));
	for (unsigned i = 0; i < 3; i++) {
		static const uint8_t kind[] = {MCR_PUNT_MSHIP, MCR_PUNT_ARP, MCR_PUNT_ICMP};

		assert_int_equal(p.meta[i].kind, kind[i]);
		assert_int_equal(p.meta[i].port, IN);
		assert_int_equal(p.meta[i].peer, MCR_PEER_NONE);
		assert_int_equal(p.meta[i].vid, i ? MCR_VID_NONE : 10);
		assert_int_equal(p.meta[i].l2_len, i ? 14 : 18);
		assert_int_equal(p.meta[i].segment, i ? 1 : 2);
		assert_int_equal(p.len[i], len[i]);
		assert_memory_equal(p.bytes[i], frame[i], len[i]);
	}
	assert_int_equal(world_punted(&wd), 3);
	world_fini(&wd);
}

/* A storm fills the ring and is counted; data beside it loses nothing. */
static void
punt_storm_is_counted_and_hurts_no_data(void **state)
{
	struct world wd;
	struct punted p = {0};
	uint8_t igmp[300], data[300], got[WORLD_FRAME];
	uint32_t n = igmp_build(igmp, -1), sent = 0, received = 0, len;

	(void)state;
	world_of_two(&wd, &(struct world_conf){0});
	len = frame_build(data, &(struct flow){.src = SENDER, .dst = GROUP, .vid = -1},
		"data data data data data data data", 34);
	for (unsigned k = 0; k < 20; k++) {
		for (unsigned i = 0; i < 100; i++, sent++)
			world_send(&wd, IN, mbuf_of(&wd, igmp, n));
		world_send(&wd, IN, mbuf_of(&wd, data, len));
		world_run(&wd);
		while (world_recv(&wd, OUT, got) > 0)
			received++;
	}
	assert_int_equal(received, 20);
	assert_int_equal(world_punted(&wd) + world_drops(&wd, IN, MCR_DROP_PUNT_RING_FULL), sent);
	assert_in_range(world_punted(&wd), 1000, 1024);
	/* Bounded by what main asks for; the descriptor stays readable until all is taken. */
	assert_int_equal(mcr_punt_poll(wd.path, 300, remember, &p), 300);
	assert_true(is_readable(&wd));
	while (mcr_punt_poll(wd.path, 300, remember, &p) == 300)
		;
	assert_int_equal(p.n, world_punted(&wd));
	assert_false(is_readable(&wd));
	world_fini(&wd);
}

static void
t11_control_pool_empty(void **state)
{
	struct world wd;
	struct punted p = {0};
	uint8_t igmp[300], data[300], got[WORLD_FRAME];
	uint32_t n = igmp_build(igmp, -1), len;

	(void)state;
	world_of_two(&wd, &(struct world_conf){.n_control = 3});
	len = frame_build(data, &(struct flow){.src = SENDER, .dst = GROUP, .vid = -1},
		"data data data data data data data", 34);
	for (unsigned i = 0; i < 5; i++)
		world_send(&wd, IN, mbuf_of(&wd, igmp, n));
	world_send(&wd, IN, mbuf_of(&wd, data, len));
	world_run(&wd);
	assert_int_equal(world_recv(&wd, OUT, got), len);
	assert_int_equal(mcr_punt_poll(wd.path, 10, remember, &p), 3);
	assert_int_equal(world_drops(&wd, IN, MCR_DROP_PUNT_RING_FULL), 2);
	world_fini(&wd);
}

/* The kick survives every interleaving of poll and turn: nothing is left that nobody is told of. */
static void
punt_kick_is_never_lost(void **state)
{
	struct world wd;
	struct punted p = {0};
	uint8_t igmp[300];
	uint32_t n = igmp_build(igmp, -1), sent = 0;

	(void)state;
	world_of_two(&wd, &(struct world_conf){0});
	for (unsigned k = 0; k < 3000; k++) {
		switch (world_random() % 3) {
		case 0:
			world_send(&wd, IN, mbuf_of(&wd, igmp, n));
			sent++;
			break;
		case 1:
			world_turn(&wd);
			break;
		default:
			if (is_readable(&wd))
				mcr_punt_poll(wd.path, 1 + world_random() % 3, remember, &p);
		}
	}
	world_run(&wd);
	while (is_readable(&wd))
		mcr_punt_poll(wd.path, 5, remember, &p);
	assert_int_equal(p.n, sent);
	world_fini(&wd);
}

/* Frames of main leave by any port, in order; a port that is down costs them and is counted. */
static void
inject_sends_what_main_made(void **state)
{
	struct world wd;
	uint8_t got[WORLD_FRAME];
	unsigned n = 0;

	(void)state;
	world_of_two(&wd, &(struct world_conf){0});
	for (unsigned i = 0; i < 100; i++) {
		struct rte_mbuf *m = mcr_inject_alloc(wd.path);

		assert_non_null(m);
		memset(rte_pktmbuf_append(m, 60), i, 60);
		assert_int_equal(mcr_inject(wd.path, i & 1, m), 0);
	}
	assert_int_equal(mcr_inject_drain(wd.path, 1), -ETIMEDOUT);
	world_turn(&wd);
	world_turn(&wd);
	assert_int_equal(mcr_inject_drain(wd.path, 1000), 0);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(world_recv(&wd, i & 1, got), 60);
		assert_int_equal(got[59], i);
	}
	wd.port[OUT].is_down = true;
	world_publish(&wd);
	assert_int_equal(mcr_inject(wd.path, OUT, mcr_inject_alloc(wd.path)), 0);
	world_run(&wd);
	assert_int_equal(world_drops(&wd, OUT, MCR_DROP_TX_PORT_DOWN), 1);
	/* A full ring refuses, and counts. */
	for (;; n++) {
		struct rte_mbuf *m = mcr_inject_alloc(wd.path);

		assert_non_null(m);
		if (mcr_inject(wd.path, IN, m))
			break;
	}
	assert_int_equal(n, 1023);
	assert_int_equal(world_drops(&wd, IN, MCR_DROP_TX_QUEUE_FULL), 1);
	for (unsigned i = 0; i < 20; i++)
		world_turn(&wd);
	world_fini(&wd);
}

/* A next hop without a MAC: at most four copies a turn go to main, whole; the rest has a name. */
static void
v16_resolve_is_bounded(void **state)
{
	struct world wd;
	struct punted p = {0};
	struct mcr_list_item items[3];
	uint8_t frame[300], got[WORLD_FRAME];
	uint32_t len = 0;
	const struct flow f = {.src = SENDER, .dst = "239.5.5.5", .vid = -1};

	(void)state;
	world_of_two(&wd, &(struct world_conf){0});
	wd.port[OUT].own[0] = ip4("192.0.2.1");
	items[0] = world_native(&wd, OUT, MCR_VID_NONE);
	for (unsigned i = 1; i < 3; i++) {
		items[i] = world_tunnel(&wd, OUT, ip4("192.0.2.20"));
		items[i].maker = MCR_MAKE_RESOLVE;
	}
	world_join(&wd, 1, "239.5.5.5", NULL,
		(struct mcr_list_item[]){items[0], items[1], items[2]}, 3);
	for (unsigned i = 0; i < 10; i++) {
		len = frame_build(frame, &f, "0123456789abcdef0123456789abcdef", 32);
		world_send(&wd, IN, mbuf_of(&wd, frame, len));
	}
	world_turn(&wd);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(world_recv(&wd, OUT, got), len); /* others are not delayed */
	assert_int_equal(mcr_punt_poll(wd.path, 100, remember, &p), 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(p.meta[i].kind, MCR_PUNT_RESOLVE);
		assert_int_equal(p.meta[i].port, OUT);
		assert_int_equal(p.meta[i].segment, 1);
		assert_in_range(p.meta[i].target, items[1].id, items[2].id);
		assert_int_equal(p.len[i], len + 50);
		assert_memory_equal(p.bytes[i] + 50, frame, len);
	}
	assert_int_equal(world_drops(&wd, OUT, MCR_DROP_REPL_NO_NEIGHBOR), 16);
	assert_int_equal(world_forwarded(&wd), 10);
	/* The next turn asks again. */
	world_send(&wd, IN, mbuf_of(&wd, frame, len));
	world_turn(&wd);
	assert_int_equal(mcr_punt_poll(wd.path, 100, remember, &p), 2);
	world_fini(&wd);
}

/* A snapshot is quiet when every worker has left the one before, not earlier. */
static void
snapshot_is_quiet_after_every_worker(void **state)
{
	struct world wd;

	(void)state;
	world_of_two(&wd, &(struct world_conf){.n_workers = 2, .n_rx = 2});
	assert_true(mcr_path_is_quiet(wd.path, 1));
	for (unsigned i = 0; i < 2; i++)
		mcr_reclaim_online(wd.reclaim, i);
	world_run(&wd);
	for (unsigned k = 0; k < 5; k++) {
		world_publish(&wd);
		assert_int_equal(mcr_path_snap(wd.path)->generation, wd.generation);
		mcr_reclaim_poll(wd.reclaim);
		assert_false(mcr_path_is_quiet(wd.path, wd.generation));
		mcr_worker_turn(mcr_path_worker(wd.path, k & 1));
		mcr_reclaim_poll(wd.reclaim);
		assert_false(mcr_path_is_quiet(wd.path, wd.generation));
		assert_true(mcr_path_is_quiet(wd.path, wd.generation - 1));
		mcr_worker_turn(mcr_path_worker(wd.path, !(k & 1)));
		mcr_reclaim_poll(wd.reclaim);
		assert_true(mcr_path_is_quiet(wd.path, wd.generation));
	}
	world_fini(&wd);
}

/* R24: the same input, one worker or two: the same copies, in the same order within each flow. */
static void
play(unsigned n_workers, unsigned n_queues, uint32_t *order, unsigned n_flows, unsigned n_frames)
{
	struct world wd;
	uint8_t frame[300], got[WORLD_FRAME];
	uint32_t last[64] = {0};

	world_of_two(&wd, &(struct world_conf){.n_workers = n_workers, .n_rx = n_queues});
	for (unsigned i = 0; i < n_frames; i++) {
		unsigned flow = (i * 7919) % n_flows;
		struct flow f = {.src = SENDER, .dst = GROUP, .vid = -1, .sport = 1000 + flow};
		struct rte_mbuf *m;

		m = mbuf_of(&wd, frame, frame_build(frame, &f, (uint8_t[40]){i, i >> 8, flow}, 40));
		/* What RSS does: a flow has its queue. */
		assert_int_equal(rte_ring_sp_enqueue(wd.port[IN].rx[flow % n_queues], m), 0);
		if (i % 50 == 49)
			world_run(&wd);
	}
	world_run(&wd);
	for (int len; (len = world_recv(&wd, OUT, got)) > 0;) {
		unsigned flow = got[44], number = got[42] | got[43] << 8;

		assert_true(number + 1 > last[flow]);
		last[flow] = number + 1;
		order[number]++;
	}
	assert_int_equal(world_all_drops(&wd), 0);
	world_fini(&wd);
}

static void
r24_one_and_two_workers_agree(void **state)
{
	static const struct {
		unsigned workers, queues;
	} way[] = {{1, 1}, {1, 2}, {2, 2}, {2, 1}, {2, 4}, {1, 4}};

	(void)state;
	for (unsigned w = 0; w < RTE_DIM(way); w++) {
		uint32_t seen[1000] = {0};

		play(way[w].workers, way[w].queues, seen, 16, 1000);
		for (unsigned i = 0; i < 1000; i++)
			assert_int_equal(seen[i], 1);
	}
}

/* A queue keeps its worker while its port lives, whatever other ports come and go. */
static void
queue_keeps_its_worker(void **state)
{
	struct world wd;
	uint8_t frame[300], got[WORLD_FRAME];
	uint32_t len;

	(void)state;
	world_of_two(&wd, &(struct world_conf){.n_workers = 2});
	len = frame_build(frame, &(struct flow){.src = SENDER, .dst = GROUP, .vid = -1},
		"data data data data data data data", 34);
	for (unsigned k = 0; k < 6; k++) {
		world_send(&wd, IN, mbuf_of(&wd, frame, len));
		assert_int_equal(mcr_worker_turn(mcr_path_worker(wd.path, 1)), 0);
		assert_int_equal(mcr_worker_turn(mcr_path_worker(wd.path, 0)), 1);
		assert_int_equal(world_recv(&wd, OUT, got), len);
		if (k < 3)
			world_map(&wd, world_add_port(&wd, false), MCR_VID_NONE, 1);
		else
			wd.port[2].is_down = k & 1;
		world_publish(&wd);
	}
	world_fini(&wd);
}

/* The loop itself, on a thread of EAL's: it walks, naps, wakes up, and stops. */
static void
loop_on_a_worker_lcore(void **state)
{
	struct world wd;
	uint8_t frame[300], got[WORLD_FRAME];
	uint32_t len;
	struct mcr_worker_stat s;
	unsigned lcore = rte_get_next_lcore(-1, 1, 0);

	(void)state;
	if (lcore >= RTE_MAX_LCORE) {
		print_message("# skip: EAL has no second lcore here\n");
		skip();
	}
	for (enum mcr_idle idle = MCR_IDLE_POLL; idle <= MCR_IDLE_INTERRUPT; idle++) {
		uint64_t end;
		uint32_t received = 0;

		world_of_two(&wd, &(struct world_conf){0});
		mcr_path_set_idle(wd.path, idle);
		len = frame_build(frame, &(struct flow){.src = SENDER, .dst = GROUP, .vid = -1},
			"data data data data data data data", 34);
		assert_int_equal(
			rte_eal_remote_launch(mcr_worker_loop, mcr_path_worker(wd.path, 0), lcore),
			0);
		for (unsigned i = 0; i < 20; i++) {
			struct rte_mbuf *m = mcr_inject_alloc(wd.path);

			world_send(&wd, IN, mbuf_of(&wd, frame, len));
			end = rte_get_timer_cycles() + 5 * rte_get_timer_hz();
			while (world_recv(&wd, OUT, got) <= 0)
				assert_true(rte_get_timer_cycles() < end);
			received++;
			memset(rte_pktmbuf_append(m, 60), 0, 60);
			assert_int_equal(mcr_inject(wd.path, IN, m), 0);
			assert_int_equal(mcr_inject_drain(wd.path, 5000), 0);
			assert_int_equal(world_recv(&wd, IN, got), 60);
			mcr_worker_stat(wd.path, 0, &s);
			assert_true(s.cpu >= 0);
		}
		mcr_path_stop(wd.path);
		assert_int_equal(rte_eal_wait_lcore(lcore), 0);
		mcr_worker_stat(wd.path, 0, &s);
		assert_int_equal(s.cpu, -1);
		assert_int_equal(s.idle, idle);
		assert_true(s.busy_turns > 0 && s.turns > s.busy_turns);
		assert_true(s.copies >= received);
		world_free(&wd);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(punt_says_where_from),
		cmocka_unit_test(punt_storm_is_counted_and_hurts_no_data),
		cmocka_unit_test(t11_control_pool_empty),
		cmocka_unit_test(punt_kick_is_never_lost),
		cmocka_unit_test(inject_sends_what_main_made),
		cmocka_unit_test(v16_resolve_is_bounded),
		cmocka_unit_test(snapshot_is_quiet_after_every_worker),
		cmocka_unit_test(r24_one_and_two_workers_agree),
		cmocka_unit_test(queue_keeps_its_worker),
		cmocka_unit_test(loop_on_a_worker_lcore),
	};

	if (world_eal() < 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
