/* SPDX-License-Identifier: BSD-3-Clause */
/* The walk between access ports: one shared payload, right frames, nothing changed. */
#include "path_world.h"

#define GROUP "239.1.2.3"
#define SENDER "10.1.0.7"

static const struct flow plain = {.src = SENDER, .dst = GROUP, .vid = -1};

/* Three access ports of segment 1, all members of GROUP, port 0 the sender's. */
static void
world_of_three(struct world *wd, const struct world_conf *conf, struct mcr_list_item *items)
{
	world_init(wd, conf);
	for (unsigned p = 0; p < 3; p++) {
		world_add_port(wd, false);
		world_map(wd, p, MCR_VID_NONE, 1);
		items[p] = world_native(wd, p, MCR_VID_NONE);
	}
	world_publish(wd);
	world_join(wd, 1, GROUP, NULL, items, 3);
}

static void
expect_native(struct world *wd, unsigned port, const uint8_t *frame, uint32_t len, int vid)
{
	uint8_t want[WORLD_FRAME], got[WORLD_FRAME];
	int n = native_of(want, frame, len, vid);

	assert_int_equal(world_recv(wd, port, got), n);
	assert_memory_equal(got, want, n);
}

/* The payload of all copies is the received buffer itself, and its count is 1 at the end. */
static void
zero_copy_shares_the_received_buffer(void **state)
{
	struct world wd;
	struct mcr_list_item items[3];
	uint8_t data[300], frame[400];
	struct rte_mbuf *m, *copy[2];
	uint32_t len;

	(void)state;
	world_of_three(&wd, &(struct world_conf){0}, items);
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = i;
	len = frame_build(frame, &plain, data, sizeof(data));
	m = mbuf_of(&wd, frame, len);
	world_send(&wd, 0, m);
	world_run(&wd);
	for (unsigned i = 0; i < 2; i++) {
		copy[i] = world_take(&wd, 1 + i);
		assert_non_null(copy[i]);
		assert_ptr_equal(copy[i]->next, m);
		assert_ptr_equal(copy[i]->pool, wd.pools[0].header);
		assert_int_equal(copy[i]->nb_segs, 2);
		assert_int_equal(copy[i]->pkt_len, len);
		assert_int_equal(copy[i]->data_len, 14);
		assert_memory_equal(rte_pktmbuf_mtod(copy[i], void *), frame, 14);
	}
	assert_int_equal(rte_mbuf_refcnt_read(m), 2);
	assert_int_equal(m->data_len, len - 14);
	assert_memory_equal(rte_pktmbuf_mtod(m, void *), frame + 14, len - 14);
	rte_pktmbuf_free(copy[0]);
	assert_int_equal(rte_mbuf_refcnt_read(m), 1);
	rte_pktmbuf_free(copy[1]);
	assert_int_equal(world_copies(&wd), 2);
	assert_int_equal(world_forwarded(&wd), 1);
	assert_int_equal(world_all_drops(&wd), 0);
	world_fini(&wd);
}

/* L6: not back to the arrival port, whoever asked there. */
static void
l6_never_out_of_the_arrival_port(void **state)
{
	struct world wd;
	struct mcr_list_item items[3];
	uint8_t frame[200], got[WORLD_FRAME];
	uint32_t len;

	(void)state;
	world_of_three(&wd, &(struct world_conf){0}, items);
	len = frame_build(frame, &plain, "canary, canary, canary, canary", 30);
	for (unsigned from = 0; from < 3; from++) {
		world_send(&wd, from, mbuf_of(&wd, frame, len));
		world_run(&wd);
		for (unsigned p = 0; p < 3; p++)
			if (p != from)
				expect_native(&wd, p, frame, len, -1);
		for (unsigned p = 0; p < 3; p++)
			assert_int_equal(world_recv(&wd, p, got), -1);
	}
	/* A group with members behind the arrival port alone goes nowhere, and that has a name. */
	items[0] = world_native(&wd, 0, MCR_VID_NONE);
	world_join(&wd, 1, "239.1.2.4", NULL, items, 1);
	frame_build(frame, &(struct flow){.src = SENDER, .dst = "239.1.2.4", .vid = -1}, "x", 1);
	world_send(&wd, 0, mbuf_of(&wd, frame, 60));
	world_run(&wd);
	assert_int_equal(world_recv(&wd, 0, got), -1);
	assert_int_equal(world_drops(&wd, 0, MCR_DROP_LOOKUP_NO_MEMBER), 1);
	world_fini(&wd);
}

/* --- a richer world: VLANs, an uplink, IPv6 --------------------------------------------------- */

enum { IN, PLAIN, TAGGED, UPLINK, OTHER };

/* IN sends; PLAIN, VLAN 20 and 30 of TAGGED, and two peers are members of GROUP; OTHER is
 * segment 2. */
static void
world_of_many(struct world *wd)
{
	struct mcr_list_item items[5];

	world_init(wd, &(struct world_conf){0});
	for (unsigned p = IN; p <= OTHER; p++)
		world_add_port(wd, p == UPLINK);
	wd->port[UPLINK].own[0] = ip4("192.0.2.1");
	wd->port[UPLINK].n_own = 1;
	wd->port[IN].own[0] = ip4("10.1.0.1");
	wd->port[IN].n_own = 1;
	world_map(wd, IN, MCR_VID_NONE, 1);
	world_map(wd, IN, 10, 1);
	world_map(wd, IN, 11, 2);
	world_map(wd, PLAIN, MCR_VID_NONE, 1);
	world_map(wd, TAGGED, 20, 1);
	world_map(wd, TAGGED, 30, 1);
	world_map(wd, OTHER, MCR_VID_NONE, 2);
	world_map(wd, OTHER, 0, 1);
	world_peer(wd, 0, ip4("192.0.2.20"), 1);
	world_peer(wd, 1, ip4("192.0.2.21"), 1);
	items[0] = world_native(wd, PLAIN, MCR_VID_NONE);
	items[1] = world_native(wd, TAGGED, 20);
	items[2] = world_native(wd, TAGGED, 30);
	items[3] = world_tunnel(wd, UPLINK, ip4("192.0.2.20"));
	items[4] = world_tunnel(wd, UPLINK, ip4("192.0.2.21"));
	memcpy(wd->segment[1].link_local, items, 3 * sizeof(*items));
	wd->segment[1].n_link_local = 3;
	world_publish(wd);
	world_join(wd, 1, GROUP, NULL, items, 5);
}

static void
raise_mtu(struct world *wd)
{
	for (uint32_t i = 0; i < 5; i++) {
		struct mcr_target t = *atomic_load(&wd->targets->slot[i]);

		t.mtu = 9500;
		assert_int_equal(mcr_target_replace(wd->targets, i, &t), 0);
	}
}

/* Every member's copy of a frame that came by IN, untagged or in VLAN 10. */
static void
expect_many(struct world *wd, const uint8_t *frame, uint32_t len)
{
	uint8_t inner[WORLD_FRAME], got[WORLD_FRAME];
	uint32_t l2 = frame[12] == 0x81 && frame[13] == 0 ? 16 : 12;
	uint32_t n = len - l2 + 12;

	memcpy(inner, frame, 12);
	memcpy(inner + 12, frame + l2, len - l2);
	expect_native(wd, PLAIN, frame, len, -1);
	expect_native(wd, TAGGED, frame, len, 20);
	expect_native(wd, TAGGED, frame, len, 30);
	for (unsigned peer = 20; peer <= 21; peer++) {
		assert_int_equal(world_recv(wd, UPLINK, got), n + 50);
		assert_int_equal(got[33], peer);
		assert_memory_equal(got + 50, inner, n);
	}
	for (unsigned p = 0; p < wd->n_ports; p++)
		assert_int_equal(world_recv(wd, p, got), -1);
}

/*
 * T10, F11: a segment boundary at every offset from 1 to 128, and 1 to 5 segments, untagged and
 * tagged, short, ordinary and jumbo: always the bytes that one segment gives.
 */
static void
t10_segments_change_nothing(void **state)
{
	static const uint32_t sizes[] = {0, 18, 19, 100, 1400, 8900};
	struct world wd;
	uint8_t data[9000], frame[WORLD_FRAME];

	(void)state;
	world_of_many(&wd);
	raise_mtu(&wd);
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = world_random();
	for (unsigned k = 0; k < RTE_DIM(sizes) * 2; k++) {
		struct flow f = {.src = SENDER, .dst = GROUP, .vid = k & 1 ? 10 : -1};
		uint32_t len = frame_build(frame, &f, data, sizes[k / 2]);

		world_send(&wd, IN, mbuf_of(&wd, frame, len));
		world_turn(&wd);
		expect_many(&wd, frame, len);
		for (uint32_t c = 1; c <= 128 && c < len; c++) {
			world_send(&wd, IN, mbuf_build(&wd, frame, len, &c, 1));
			world_turn(&wd);
			expect_many(&wd, frame, len);
		}
		for (unsigned r = 0; r < 60; r++) {
			uint32_t cut[4], n = 2 + world_random() % 3, first = 0;

			for (uint32_t c = 0; c < n; c++)
				first = cut[c] =
					first + 1 + world_random() % ((len - first) / (n - c + 1));
			world_send(&wd, IN, mbuf_build(&wd, frame, len, cut, n));
			world_turn(&wd);
			expect_many(&wd, frame, len);
		}
	}
	assert_int_equal(world_all_drops(&wd), 0);
	world_fini(&wd);
}

/* F11: somebody else holds the mbuf, or its bytes: right copies, and his bytes stay. */
static void
f11_refcount_above_one(void **state)
{
	struct world wd;
	uint8_t data[200], frame[300];
	struct rte_mbuf *m;
	uint32_t len;

	(void)state;
	world_of_many(&wd);
	memset(data, 0x5a, sizeof(data));
	len = frame_build(frame, &plain, data, sizeof(data));
	m = mbuf_of(&wd, frame, len);
	rte_mbuf_refcnt_update(m, 1);
	world_send(&wd, IN, m);
	world_run(&wd);
	expect_many(&wd, frame, len);
	assert_int_equal(rte_mbuf_refcnt_read(m), 1);
	assert_int_equal(m->pkt_len, len);
	assert_memory_equal(rte_pktmbuf_mtod(m, void *), frame, len);
	/* An indirect mbuf: its fields are ours, its bytes are not; both are only read. */
	world_send(&wd, IN, rte_pktmbuf_clone(m, wd.pools[0].payload));
	world_run(&wd);
	expect_many(&wd, frame, len);
	assert_memory_equal(rte_pktmbuf_mtod(m, void *), frame, len);
	rte_pktmbuf_free(m);
	world_fini(&wd);
}

/* F2 in a bridged segment, F7: whatever TTL, DSCP, ECN and ID it has, not a byte changes. */
static void
f2_bridged_changes_nothing(void **state)
{
	struct world wd;
	uint8_t data[64], frame[300];

	(void)state;
	world_of_many(&wd);
	memset(data, 1, sizeof(data));
	for (unsigned k = 0; k < 256; k++) {
		struct flow f = {.src = SENDER,
			.dst = GROUP,
			.vid = k & 1 ? 10 : -1,
			.tos = k,
			.ttl = 1 + k % 255,
			.ip_id = world_random()};
		uint32_t len = frame_build(frame, &f, data, sizeof(data));

		world_send(&wd, IN, mbuf_of(&wd, frame, len));
		world_turn(&wd);
		expect_many(&wd, frame, len);
	}
	world_fini(&wd);
}

static void
f7_dscp_and_ecn_stay(void **state)
{
	f2_bridged_changes_nothing(state);
}

/* P27: the outermost tag decides; VID 0 by its own line, else as untagged. */
static void
p27_vlan_to_segment(void **state)
{
	static const struct {
		unsigned port;
		int tag[3];
		int tpid;
		int out; /* segment, or -1 - reason */
	} row[] = {
		{IN, {-1}, 0x8100, 1},
		{IN, {10, -1}, 0x8100, 1},
		{IN, {10, -1}, 0x88a8, 1},
		{IN, {10, 77}, 0x88a8, 1},
		{IN, {0, -1}, 0x8100, 1},
		{OTHER, {0, -1}, 0x8100, 1},
		{IN, {12, -1}, 0x8100, -1 - MCR_DROP_PARSE_UNKNOWN_VLAN},
		{IN, {4095, -1}, 0x8100, -1 - MCR_DROP_PARSE_UNKNOWN_VLAN},
		{TAGGED, {-1}, 0x8100, -1 - MCR_DROP_PARSE_UNKNOWN_VLAN},
		{IN, {11, -1}, 0x8100, -1 - MCR_DROP_LOOKUP_NO_MEMBER},
		{OTHER, {-1}, 0x8100, -1 - MCR_DROP_LOOKUP_NO_MEMBER},
		{IN, {10, -1}, 0x9100, -1 - MCR_DROP_PARSE_TOO_MANY_TAGS},
	};
	struct world wd;
	uint8_t frame[300], raw[300], got[WORLD_FRAME];

	(void)state;
	world_of_many(&wd);
	for (unsigned i = 0; i < RTE_DIM(row); i++) {
		uint32_t len = frame_build(raw, &plain, "0123456789abcdef0123456789abcdef", 32);
		uint32_t n = 12;
		uint64_t before = world_all_drops(&wd);

		memcpy(frame, raw, 12);
		for (unsigned t = 0; t < 3 && row[i].tag[t] >= 0 && (t == 0 || row[i].tag[t]);
			t++) {
			put16(put16(frame + n, t ? 0x8100 : row[i].tpid), row[i].tag[t]);
			n += 4;
		}
		memcpy(frame + n, raw + 12, len - 12);
		world_send(&wd, row[i].port, mbuf_of(&wd, frame, n + len - 12));
		world_run(&wd);
		assert_int_equal(world_all_drops(&wd) - before, row[i].out < 0);
		if (row[i].out < 0)
			assert_true(world_drops(&wd, row[i].port, -1 - row[i].out) > 0);
		else
			expect_native(&wd, PLAIN, raw, len, -1);
		world_recv_all(&wd);
		assert_int_equal(world_recv(&wd, PLAIN, got), -1);
	}
	world_fini(&wd);
}

/* F3: inside its segment to every access port, never to a peer, never to another segment. */
static void
f3_link_local_stays_in_the_segment(void **state)
{
	static const char *const groups[] = {"224.0.0.1", "224.0.0.5", "224.0.0.251"};
	struct world wd;
	uint8_t frame[300], got[WORLD_FRAME];

	(void)state;
	world_of_many(&wd);
	for (unsigned i = 0; i < RTE_DIM(groups) * 3; i++) {
		struct flow f = {.src = SENDER,
			.dst = groups[i / 3],
			.vid = -1,
			.ttl = (uint8_t[]){1, 64, 255}[i % 3]};
		uint32_t len = frame_build(frame, &f, "0123456789abcdef0123456789abcdef", 32);

		world_send(&wd, IN, mbuf_of(&wd, frame, len));
		world_run(&wd);
		expect_native(&wd, PLAIN, frame, len, -1);
		expect_native(&wd, TAGGED, frame, len, 20);
		expect_native(&wd, TAGGED, frame, len, 30);
		for (unsigned p = 0; p < wd.n_ports; p++)
			assert_int_equal(world_recv(&wd, p, got), -1);
	}
	/* A segment without such a list has nobody. */
	world_send(&wd, OTHER, mbuf_of(&wd, frame, 74));
	world_run(&wd);
	assert_int_equal(world_drops(&wd, OTHER, MCR_DROP_LOOKUP_NO_MEMBER), 1);
	world_fini(&wd);
}

static void
f5_sources_that_cannot_be(void **state)
{
	static const struct {
		const char *src;
		int why;
	} row[] = {
		{"0.0.0.0", MCR_DROP_PARSE_BAD_SOURCE},
		{"0.1.2.3", MCR_DROP_PARSE_BAD_SOURCE},
		{"127.0.0.1", MCR_DROP_PARSE_BAD_SOURCE},
		{"224.0.0.1", MCR_DROP_PARSE_BAD_SOURCE},
		{"239.255.1.1", MCR_DROP_PARSE_BAD_SOURCE},
		{"240.0.0.1", MCR_DROP_PARSE_BAD_SOURCE},
		{"255.255.255.255", MCR_DROP_PARSE_BAD_SOURCE},
		{"10.1.0.1", MCR_DROP_PARSE_OWN_SOURCE},
		{"192.0.2.1", MCR_DROP_PARSE_OWN_SOURCE},
		{"10.1.0.2", -1},
	};
	struct world wd;
	uint8_t frame[300], got[WORLD_FRAME];

	(void)state;
	world_of_many(&wd);
	for (unsigned i = 0; i < RTE_DIM(row); i++) {
		struct flow f = {.src = row[i].src, .dst = GROUP, .vid = -1};
		uint32_t len = frame_build(frame, &f, "0123456789abcdef0123456789abcdef", 32);
		uint64_t before = row[i].why < 0 ? 0 : world_drops(&wd, IN, row[i].why);

		world_send(&wd, IN, mbuf_of(&wd, frame, len));
		world_run(&wd);
		assert_int_equal(world_recv(&wd, PLAIN, got) > 0, row[i].why < 0);
		if (row[i].why >= 0)
			assert_int_equal(world_drops(&wd, IN, row[i].why), before + 1);
		world_recv_all(&wd);
	}
	world_fini(&wd);
}

/* Frames for other MACs (a port in promiscuous mode sees them), and multicast to our own MAC. */
static void
bad_mac_and_our_mac(void **state)
{
	struct world wd;
	uint8_t frame[300], got[WORLD_FRAME];
	struct flow f = plain;
	uint32_t len;

	(void)state;
	world_of_many(&wd);
	memcpy(f.dst_mac, (uint8_t[]){2, 0, 0, 0, 0xdd, 1}, 6);
	len = frame_build(frame, &f, "0123456789abcdef0123456789abcdef", 32);
	world_send(&wd, IN, mbuf_of(&wd, frame, len));
	world_run(&wd);
	assert_int_equal(world_drops(&wd, IN, MCR_DROP_PARSE_BAD_MAC), 1);
	memcpy(f.dst_mac, wd.port[IN].mac.b, 6);
	len = frame_build(frame, &f, "0123456789abcdef0123456789abcdef", 32);
	world_send(&wd, IN, mbuf_of(&wd, frame, len));
	world_run(&wd);
	/* It leaves with the group's MAC, or no host would take it. */
	frame_build(frame, &plain, "0123456789abcdef0123456789abcdef", 32);
	assert_int_equal(world_recv(&wd, PLAIN, got), len);
	assert_memory_equal(got, frame, len);
	world_fini(&wd);
}

/* F8: ID, DF and fragment fields stay; later fragments, without ports, follow (S,G). */
static void
f8_fragments_follow_source_and_group(void **state)
{
	static const uint16_t fragment[] = {0x4000, 0x2000, 0x20b9, 0x0172};
	struct world wd;
	struct mcr_list_item item;
	uint8_t frame[300], got[WORLD_FRAME];

	(void)state;
	world_of_many(&wd);
	item = world_native(&wd, TAGGED, 30);
	world_join(&wd, 1, GROUP, "10.1.0.99", &item, 1);
	for (unsigned i = 0; i < RTE_DIM(fragment) * 2; i++) {
		struct flow f = {.src = i & 1 ? "10.1.0.99" : SENDER,
			.dst = GROUP,
			.vid = -1,
			.ip_id = 4711,
			.fragment = fragment[i / 2]};
		uint32_t len = frame_build(frame, &f, "0123456789abcdef0123456789abcdef", 32);

		world_send(&wd, IN, mbuf_of(&wd, frame, len));
		world_run(&wd);
		if (i & 1) {
			expect_native(&wd, TAGGED, frame, len, 30);
			for (unsigned p = 0; p < wd.n_ports; p++)
				assert_int_equal(world_recv(&wd, p, got), -1);
		} else {
			expect_many(&wd, frame, len);
		}
	}
	world_fini(&wd);
}

/* F10: no ICMP about multicast, not for TTL, size, or nobody there: the sender's port is silent. */
static void
f10_no_icmp_error(void **state)
{
	struct world wd;
	uint8_t data[1600], frame[1700], got[WORLD_FRAME];
	struct flow f = plain;

	(void)state;
	world_of_many(&wd);
	memset(data, 3, sizeof(data));
	f.ttl = 1;
	world_send(&wd, IN, mbuf_of(&wd, frame, frame_build(frame, &f, data, 100)));
	f.fragment = 0x4000;
	world_send(&wd, IN, mbuf_of(&wd, frame, frame_build(frame, &f, data, 1600)));
	f.dst = "239.9.9.9";
	world_send(&wd, IN, mbuf_of(&wd, frame, frame_build(frame, &f, data, 100)));
	world_run(&wd);
	assert_int_equal(world_recv(&wd, IN, got), -1);
	assert_int_equal(world_punted(&wd), 0);
	assert_int_equal(world_drops(&wd, PLAIN, MCR_DROP_REPL_MTU), 1);
	assert_int_equal(world_drops(&wd, TAGGED, MCR_DROP_REPL_MTU), 2);
	assert_int_equal(world_drops(&wd, UPLINK, MCR_DROP_REPL_MTU), 2);
	assert_int_equal(world_drops(&wd, IN, MCR_DROP_LOOKUP_NO_MEMBER), 1);
	world_fini(&wd);
}

/* F14, T6: one look-up, one counter, no state; unless the segment says where such groups go. */
static void
f14_nobody_joined(void **state)
{
	struct world wd;
	uint8_t frame[300], got[WORLD_FRAME];
	char dst[32];
	uint32_t len = 0, n = mcr_table_count((world_of_many(&wd), wd.table));

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		struct flow f = {.src = SENDER, .dst = dst, .vid = -1};

		snprintf(dst, sizeof(dst), "239.77.%u.%u", i / 250, i % 250);
		len = frame_build(frame, &f, "0123456789abcdef0123456789abcdef", 32);
		world_send(&wd, IN, mbuf_of(&wd, frame, len));
		if (i % 100 == 99)
			world_run(&wd);
	}
	assert_int_equal(world_drops(&wd, IN, MCR_DROP_LOOKUP_NO_MEMBER), 1000);
	assert_int_equal(world_all_drops(&wd), 1000);
	assert_int_equal(mcr_table_count(wd.table), n);
	/* unknown flood, then the same for a group that is not allowed */
	wd.segment[1].unknown[0] = wd.segment[1].link_local[0];
	wd.segment[1].n_unknown = 1;
	world_publish(&wd);
	world_send(&wd, IN, mbuf_of(&wd, frame, len));
	world_run(&wd);
	expect_native(&wd, PLAIN, frame, len, -1);
	assert_int_equal(mcr_prefix_parse("239.77.0.0/16", &wd.segment[1].deny[0]), 0);
	wd.segment[1].n_deny = 1;
	world_publish(&wd);
	world_send(&wd, IN, mbuf_of(&wd, frame, len));
	world_run(&wd);
	assert_int_equal(world_recv(&wd, PLAIN, got), -1);
	assert_int_equal(world_drops(&wd, IN, MCR_DROP_POLICY_NOT_ALLOWED), 1);
	world_fini(&wd);
}

static void
t6_flood_of_unknown_groups(void **state)
{
	f14_nobody_joined(state);
}

/* T5: one turn takes at most one burst of a queue, so a group of many cannot starve a group of one.
 */
static void
t5_work_of_a_turn_is_bounded(void **state)
{
	struct world wd;
	struct mcr_list_item many[1000], one;
	uint8_t frame[300], got[WORLD_FRAME];
	uint32_t len;

	(void)state;
	world_of_many(&wd);
	for (unsigned i = 0; i < RTE_DIM(many); i++)
		many[i] = world_tunnel(&wd, UPLINK, ip4("192.0.2.99"));
	one = world_native(&wd, PLAIN, MCR_VID_NONE);
	world_join(&wd, 1, "239.1.0.1", NULL, many, RTE_DIM(many));
	world_join(&wd, 1, "239.1.0.2", NULL, &one, 1);
	for (unsigned i = 0; i < 320; i++) {
		struct flow f = {.src = SENDER, .dst = "239.1.0.1", .vid = -1};

		world_send(&wd, IN,
			mbuf_of(&wd, frame, frame_build(frame, &f, "0123456789abcdef", 16)));
	}
	for (unsigned i = 0; i < 10; i++) {
		struct flow f = {.src = SENDER, .dst = "239.1.0.2", .vid = 0};
		uint64_t copies = world_copies(&wd);

		len = frame_build(frame, &f, "victim victim victim victim victim", 34);
		world_send(&wd, OTHER, mbuf_of(&wd, frame, len));
		assert_int_equal(world_turn(&wd), 33);
		assert_int_equal(world_copies(&wd) - copies, 32 * 1000 + 1);
		assert_int_equal(world_recv(&wd, PLAIN, got), len - 4);
		world_recv_all(&wd);
	}
	world_fini(&wd);
}

/* What main knows of a group: packets, octets, senders. */
static void
group_counters(void **state)
{
	struct world wd;
	uint8_t frame[300];
	struct mcr_group_stat sum;
	struct mcr_group_source source[8];
	struct mcr_target_stat ts;
	char src[20];
	uint32_t len = 0;

	(void)state;
	world_of_many(&wd);
	for (unsigned i = 0; i < 60; i++) {
		struct flow f = {.src = src, .dst = GROUP, .vid = -1};

		snprintf(src, sizeof(src), "10.1.0.%u", 100 + i / 10);
		len = frame_build(frame, &f, "0123456789abcdef0123456789abcdef", 32);
		world_send(&wd, IN, mbuf_of(&wd, frame, len));
		world_turn(&wd);
	}
	assert_int_equal(mcr_entry_stat_sum(wd.table, world_entry(&wd, 1, GROUP), &sum, source, 8),
		MCR_GROUP_SOURCES);
	assert_int_equal(sum.in_packets, 60);
	assert_int_equal(sum.in_bytes, 60 * len);
	assert_int_equal(sum.out_packets, 5 * 60);
	assert_int_equal(sum.out_bytes, 60 * (len + 2 * (len + 4) + 2 * (len + 50)));
	assert_int_equal(sum.drops, 0);
	for (unsigned i = 0; i < MCR_GROUP_SOURCES; i++) {
		assert_in_range(source[i].addr.b[15], 102, 105);
		assert_int_equal(source[i].packets, 10);
		assert_int_equal(source[i].bytes, 10 * len);
		assert_int_equal(source[i].port, IN);
		assert_int_equal(source[i].peer, MCR_PEER_NONE);
	}
	mcr_target_stat_sum(wd.targets, 3, &ts);
	assert_int_equal(ts.packets, 60);
	assert_int_equal(ts.bytes, 60 * (len + 50));
	world_fini(&wd);
}

/* IPv6 multicast has the same road: an entry, link-local lists, tunnels. */
static void
f3_ipv6_groups(void **state)
{
	struct world wd;
	struct mcr_list_item items[2];
	uint8_t frame[200] = {0x33, 0x33, 0, 0, 0, 5, 2, 0, 0, 0, 0xcc, 1, 0x86, 0xdd, 0x60},
		got[WORLD_FRAME];
	struct mcr_addr src = ip6("2001:db8::7");
	static const char *const dst[] = {"ff3e::8000:5", "ff02::5", "ff01::5"};

	(void)state;
	world_of_many(&wd);
	items[0] = world_native(&wd, PLAIN, MCR_VID_NONE);
	items[1] = world_tunnel(&wd, UPLINK, ip4("192.0.2.20"));
	world_join(&wd, 1, dst[0], NULL, items, 2);
	put16(frame + 18, 40); /* UDP 8, data 32 */
	frame[20] = 17;
	frame[21] = 1;
	memcpy(frame + 22, src.b, 16);
	put16(put16(put16(put16(frame + 54, 5000), 6666), 40), 0x1234);
	for (unsigned i = 0; i < RTE_DIM(dst); i++) {
		struct mcr_addr a = ip6(dst[i]);

		memcpy(frame + 38, a.b, 16);
		world_send(&wd, IN, mbuf_of(&wd, frame, 94));
		world_run(&wd);
		expect_native(&wd, PLAIN, frame, 94, -1);
		assert_int_equal(world_recv(&wd, UPLINK, got), i == 0 ? 144 : -1);
		if (i == 0)
			assert_memory_equal(got + 50, frame, 94);
		world_recv_all(&wd);
	}
	world_fini(&wd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zero_copy_shares_the_received_buffer),
		cmocka_unit_test(l6_never_out_of_the_arrival_port),
		cmocka_unit_test(t10_segments_change_nothing),
		cmocka_unit_test(f11_refcount_above_one),
		cmocka_unit_test(f2_bridged_changes_nothing),
		cmocka_unit_test(f7_dscp_and_ecn_stay),
		cmocka_unit_test(p27_vlan_to_segment),
		cmocka_unit_test(f3_link_local_stays_in_the_segment),
		cmocka_unit_test(f3_ipv6_groups),
		cmocka_unit_test(f5_sources_that_cannot_be),
		cmocka_unit_test(bad_mac_and_our_mac),
		cmocka_unit_test(f8_fragments_follow_source_and_group),
		cmocka_unit_test(f10_no_icmp_error),
		cmocka_unit_test(f14_nobody_joined),
		cmocka_unit_test(t6_flood_of_unknown_groups),
		cmocka_unit_test(t5_work_of_a_turn_is_bounded),
		cmocka_unit_test(group_counters),
	};

	if (world_eal() < 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
