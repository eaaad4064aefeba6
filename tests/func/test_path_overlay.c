/* SPDX-License-Identifier: BSD-3-Clause */
/* Tunnels: what goes out to peers, and what is taken from them. */
#include "path_world.h"

#define GROUP "239.1.2.3"
#define SENDER "10.1.0.7"
#define OUR_TUNNEL "192.0.2.1"
#define PEER_A "192.0.2.20"
#define PEER_B "192.0.2.21"

enum { LAN_A, LAN_B, UPLINK }; /* ports */

static struct mcr_list_item lan_a, lan_b, peer_a, peer_b;

/*
 * Two access ports and an uplink; segment 1 (VNI 101) with both ports and both peers, segment 2
 * (VNI 102) of peer B alone. Everybody is a member of GROUP in segment 1.
 */
static void
world_of_peers(struct world *wd)
{
	struct mcr_list_item all[4];

	world_init(wd, &(struct world_conf){0});
	world_add_port(wd, false);
	world_add_port(wd, false);
	world_add_port(wd, true);
	wd->port[UPLINK].own[0] = ip4(OUR_TUNNEL);
	wd->port[UPLINK].n_own = 1;
	world_map(wd, LAN_A, MCR_VID_NONE, 1);
	world_map(wd, LAN_B, 20, 1);
	world_peer(wd, 3, ip4(PEER_A), 1);
	world_peer(wd, 4, ip4(PEER_B), 1);
	world_peer(wd, 4, ip4(PEER_B), 2);
	lan_a = world_native(wd, LAN_A, MCR_VID_NONE);
	lan_b = world_native(wd, LAN_B, 20);
	peer_a = world_tunnel(wd, UPLINK, ip4(PEER_A));
	peer_b = world_tunnel(wd, UPLINK, ip4(PEER_B));
	memcpy(wd->segment[1].link_local, (struct mcr_list_item[]){lan_a, lan_b},
		2 * sizeof(struct mcr_list_item));
	wd->segment[1].n_link_local = 2;
	world_publish(wd);
	memcpy(all, (struct mcr_list_item[]){lan_a, lan_b, peer_a, peer_b}, sizeof(all));
	world_join(wd, 1, GROUP, NULL, all, 4);
}

/* The frame that a peer must get: all of it, but for the checked source port. */
static void
expect_tunnel(const uint8_t *got, int len, const char *peer, uint32_t vni, const uint8_t *inner,
	uint32_t n, uint8_t ecn, uint16_t *sport)
{
	const uint8_t *ip = got + 14, *udp = got + 34, *vxlan = got + 42;
	struct mcr_addr a = ip4(peer);
	struct mcr_addr own = ip4(OUR_TUNNEL);
	const uint8_t want[8] = {0x08, 0, 0, 0, vni >> 16, vni >> 8, vni, 0};

	assert_int_equal(len, 50 + n);
	assert_memory_equal(got, ((uint8_t[]){2, 0, 0, 0, 0xbb, a.b[15]}), 6);
	assert_memory_equal(got + 6, ((uint8_t[]){2, 0, 0, 0, 0xaa, UPLINK}), 6);
	assert_int_equal(got[12] << 8 | got[13], 0x0800);
	assert_int_equal(ip[0], 0x45);
	assert_int_equal(ip[1], ecn);
	assert_int_equal(ip[2] << 8 | ip[3], 36 + n);
	assert_int_equal(ip[6] << 8 | ip[7], 0x4000); /* DF */
	assert_int_equal(ip[8], 64);
	assert_int_equal(ip[9], 17);
	assert_int_equal(sum16(ip, 20, 0), 0);
	assert_memory_equal(ip + 12, own.b + 12, 4);
	assert_memory_equal(ip + 16, a.b + 12, 4);
	*sport = udp[0] << 8 | udp[1];
	assert_in_range(*sport, 49152, 65535);
	assert_int_equal(udp[2] << 8 | udp[3], 4789);
	assert_int_equal(udp[4] << 8 | udp[5], 16 + n);
	assert_int_equal(udp[6] << 8 | udp[7], 0);
	assert_memory_equal(vxlan, want, 8);
	assert_memory_equal(got + 50, inner, n);
}

static void
v1_one_right_copy_per_peer(void **state)
{
	struct world wd;
	uint8_t data[200], frame[300], got[WORLD_FRAME];
	uint16_t sport[2];
	uint32_t len;

	(void)state;
	world_of_peers(&wd);
	for (unsigned n = 18; n < sizeof(data); n += 13) {
		for (unsigned i = 0; i < n; i++)
			data[i] = world_random();
		len = frame_build(
			frame, &(struct flow){.src = SENDER, .dst = GROUP, .vid = -1}, data, n);
		world_send(&wd, LAN_A, mbuf_of(&wd, frame, len));
		world_run(&wd);
		expect_tunnel(
			got, world_recv(&wd, UPLINK, got), PEER_A, 101, frame, len, 0, &sport[0]);
		expect_tunnel(
			got, world_recv(&wd, UPLINK, got), PEER_B, 101, frame, len, 0, &sport[1]);
		assert_int_equal(sport[0], sport[1]);
		assert_int_equal(world_recv(&wd, UPLINK, got), -1);
		assert_true(world_recv(&wd, LAN_B, got) > 0);
	}
	world_fini(&wd);
}

static void
v2_source_port_is_the_flow(void **state)
{
	struct world wd;
	uint8_t frame[300], got[WORLD_FRAME];
	static uint8_t seen[65536];
	unsigned different = 0;
	uint16_t sport, first = 0;
	uint32_t len;

	(void)state;
	world_of_peers(&wd);
	for (unsigned i = 0; i < 2000; i++) {
		struct flow f = {.src = SENDER, .dst = GROUP, .vid = -1};
		uint8_t data[30];

		for (unsigned k = 0; k < sizeof(data); k++)
			data[k] = world_random();
		if (i >= 1000)
			f.sport = i;
		len = frame_build(frame, &f, data, sizeof(data));
		world_send(&wd, LAN_A, mbuf_of(&wd, frame, len));
		world_turn(&wd);
		expect_tunnel(
			got, world_recv(&wd, UPLINK, got), PEER_A, 101, frame, len, 0, &sport);
		if (i == 0)
			first = sport;
		else if (i < 1000)
			assert_int_equal(sport, first);
		else
			different += !seen[sport]++;
		world_recv_all(&wd);
	}
	assert_true(different >= 900);
	world_fini(&wd);
}

/* V14: TTL 64 and DF are in every comparison of V1; here the ECN bits of the inner packet. */
static void
v14_ecn_is_copied_out(void **state)
{
	struct world wd;
	uint8_t frame[300], got[WORLD_FRAME];
	uint16_t sport;
	uint32_t len;

	(void)state;
	world_of_peers(&wd);
	for (unsigned tos = 0; tos < 256; tos++) {
		struct flow f = {.src = SENDER, .dst = GROUP, .vid = -1, .tos = tos, .ttl = 1};

		len = frame_build(frame, &f, "0123456789abcdefghi", 19);
		world_send(&wd, LAN_A, mbuf_of(&wd, frame, len));
		world_turn(&wd);
		expect_tunnel(got, world_recv(&wd, UPLINK, got), PEER_A, 101, frame, len, tos & 3,
			&sport);
		world_recv_all(&wd);
	}
	world_fini(&wd);
}

static void
v11_tag_is_stripped_on_sending(void **state)
{
	struct world wd;
	uint8_t frame[300], inner[300], got[WORLD_FRAME];
	uint16_t sport;
	uint32_t len;

	(void)state;
	world_of_peers(&wd);
	len = frame_build(frame, &(struct flow){.src = SENDER, .dst = GROUP, .vid = 20},
		"0123456789abcdefghi", 19);
	memcpy(inner, frame, 12);
	memcpy(inner + 12, frame + 16, len - 16);
	world_send(&wd, LAN_B, mbuf_of(&wd, frame, len));
	world_run(&wd);
	expect_tunnel(got, world_recv(&wd, UPLINK, got), PEER_A, 101, inner, len - 4, 0, &sport);
	world_fini(&wd);
}

/* V13: exactly the MTU goes, one octet more is dropped and counted; other targets get theirs. */
static void
v13_larger_than_the_mtu(void **state)
{
	struct world wd;
	uint8_t data[1500], frame[1600], got[WORLD_FRAME];
	struct mcr_target_stat sum;
	uint32_t len;

	(void)state;
	world_of_peers(&wd);
	memset(data, 7, sizeof(data));
	for (unsigned ip_len = 1449; ip_len <= 1451; ip_len++) {
		len = frame_build(frame, &(struct flow){.src = SENDER, .dst = GROUP, .vid = -1},
			data, ip_len - 28);
		world_send(&wd, LAN_A, mbuf_of(&wd, frame, len));
		world_run(&wd);
		assert_int_equal(world_recv(&wd, LAN_B, got), len + 4);
		assert_int_equal(world_recv(&wd, UPLINK, got), ip_len <= 1450 ? (int)len + 50 : -1);
		assert_int_equal(world_recv(&wd, UPLINK, got), ip_len <= 1450 ? (int)len + 50 : -1);
	}
	assert_int_equal(world_drops(&wd, UPLINK, MCR_DROP_REPL_MTU), 2);
	assert_int_equal(world_all_drops(&wd), 2);
	mcr_target_stat_sum(wd.targets, peer_a.id, &sum);
	assert_int_equal(sum.packets, 2);
	assert_int_equal(sum.drops, 1);
	world_fini(&wd);
}

static uint32_t
inner_of(uint8_t *inner, const char *dst)
{
	return frame_build(inner, &(struct flow){.src = SENDER, .dst = dst, .vid = -1},
		"from behind the peer", 20);
}

static const struct outer good = {
	.src = PEER_A, .dst = OUR_TUNNEL, .dst_mac = {2, 0, 0, 0, 0xaa, UPLINK}, .vni = 101};

/* L1: to access ports in their own dress, to no peer, and not to the sender. */
static void
l1_from_a_peer_to_access_ports_only(void **state)
{
	struct world wd;
	uint8_t inner[200], frame[300], want[300], got[WORLD_FRAME];
	uint32_t n, len;
	int w;

	(void)state;
	world_of_peers(&wd);
	n = inner_of(inner, GROUP);
	len = outer_build(frame, &good, inner, n);
	world_send(&wd, UPLINK, mbuf_of(&wd, frame, len));
	world_run(&wd);
	w = native_of(want, inner, n, -1);
	assert_int_equal(world_recv(&wd, LAN_A, got), w);
	assert_memory_equal(got, want, w);
	w = native_of(want, inner, n, 20);
	assert_int_equal(world_recv(&wd, LAN_B, got), w);
	assert_memory_equal(got, want, w);
	assert_int_equal(world_recv(&wd, UPLINK, got), -1);
	assert_int_equal(world_all_drops(&wd), 0);
	world_fini(&wd);
}

/* L8: one packet into a full mesh of three nodes: every node sends N - 1 = 2 copies once, no more.
 */
static void
l8_full_mesh_sends_one_copy_per_peer(void **state)
{
	struct world wd;
	uint8_t inner[200], frame[300];
	uint32_t n = inner_of(inner, GROUP), len;
	struct rte_mbuf *m;
	unsigned sent = 0;

	(void)state;
	world_of_peers(&wd);
	world_send(&wd, LAN_A, mbuf_of(&wd, inner, n));
	world_run(&wd);
	for (; (m = world_take(&wd, UPLINK)); sent++)
		rte_pktmbuf_free(m);
	assert_int_equal(sent, 2);
	/* The other two nodes are this one seen from the overlay: nothing goes on. */
	for (unsigned peer = 0; peer < 2; peer++) {
		struct outer o = good;

		o.src = peer ? PEER_A : PEER_B;
		len = outer_build(frame, &o, inner, n);
		world_send(&wd, UPLINK, mbuf_of(&wd, frame, len));
		world_run(&wd);
		assert_null(world_take(&wd, UPLINK));
	}
	world_fini(&wd);
}

/* Sends one tunnel packet, expects it to be dropped for `why`, or (-1) to reach LAN_A. */
static void
check_outer(struct world *wd, const struct outer *o, const uint8_t *inner, uint32_t n, int why,
	const char *what)
{
	uint8_t frame[WORLD_FRAME], got[WORLD_FRAME];
	uint32_t len = outer_build(frame, o, inner, n);
	uint64_t before = world_all_drops(wd);
	uint64_t this_before = why < 0 ? 0 : world_drops(wd, UPLINK, why);
	int received;

	world_send(wd, UPLINK, mbuf_of(wd, frame, len));
	world_run(wd);
	received = world_recv(wd, LAN_A, got);
	world_recv_all(wd);
	if (why < 0 ? received <= 0 || world_all_drops(wd) != before
		    : received != -1 || world_all_drops(wd) != before + 1 ||
				world_drops(wd, UPLINK, why) != this_before + 1)
		fail_msg("%s: received %d, drops +%d", what, received,
			(int)(world_all_drops(wd) - before));
}

/* Changes of a good tunnel packet. */
struct outer_row {
	const char *what;
	const char *src; /* NULL: peer A's */
	int vni;         /* 0: segment 1's; -1: really 0 */
	struct outer outer;
	int why;
};

static void
run_rows(const struct outer_row *row, unsigned n_rows)
{
	struct world wd;
	uint8_t inner[200];
	uint32_t n = inner_of(inner, GROUP);

	world_of_peers(&wd);
	for (unsigned i = 0; i < n_rows; i++) {
		struct outer o = row[i].outer;

		o.src = row[i].src ? row[i].src : PEER_A;
		o.dst = OUR_TUNNEL;
		memcpy(o.dst_mac, good.dst_mac, sizeof(o.dst_mac));
		o.vni = row[i].vni > 0 ? (uint32_t)row[i].vni : row[i].vni ? 0 : 101;
		check_outer(&wd, &o, inner, n, row[i].why, row[i].what);
		check_outer(&wd, &good, inner, n, -1, "canary");
	}
	world_fini(&wd);
}

static void
v4_udp_checksum_received(void **state)
{
	static const struct outer_row rows[] = {
		{"zero", .outer = {.udp_checksum = 0}, .why = -1},
		{"right", .outer = {.udp_checksum = -1}, .why = -1},
		{"wrong", .outer = {.udp_checksum = 0x1234},
			.why = MCR_DROP_OVERLAY_BAD_UDP_CHECKSUM},
	};

	(void)state;
	run_rows(rows, RTE_DIM(rows));
}

static void
v5_flags_and_reserved_bits(void **state)
{
	static const struct outer_row rows[] = {
		{"no_i", .outer = {.no_flags = 1}, .why = MCR_DROP_OVERLAY_BAD_FLAGS},
		{"all_but_i", .outer = {.flags = 0xf7}, .why = MCR_DROP_OVERLAY_BAD_FLAGS},
		{"all", .outer = {.flags = 0xff}, .why = -1},
		{"other1", .outer = {.flags = 0x09}, .why = -1},
		{"other80", .outer = {.flags = 0x88}, .why = -1},
		{"reserved", .outer = {.reserved = 0xff}, .why = -1},
	};

	(void)state;
	run_rows(rows, RTE_DIM(rows));
}

static void
v6_unknown_vni(void **state)
{
	static const struct outer_row rows[] = {
		{"zero", .vni = -1, .why = MCR_DROP_OVERLAY_UNKNOWN_VNI},
		{"all", .vni = 0xffffff, .why = MCR_DROP_OVERLAY_UNKNOWN_VNI},
		{"other", .vni = 100, .why = MCR_DROP_OVERLAY_UNKNOWN_VNI},
	};

	(void)state;
	run_rows(rows, RTE_DIM(rows));
}

static void
v7_wrong_sources(void **state)
{
	static const struct outer_row rows[] = {
		{"stranger", .src = "192.0.2.99", .why = MCR_DROP_OVERLAY_UNKNOWN_PEER},
		{"own", .src = OUR_TUNNEL, .why = MCR_DROP_OVERLAY_OWN_ADDRESS},
		{"multicast", .src = "224.1.1.1", .why = MCR_DROP_OVERLAY_BAD_SOURCE},
		{"broadcast", .src = "255.255.255.255", .why = MCR_DROP_OVERLAY_BAD_SOURCE},
		{"foreign_vni", .vni = 102, .why = MCR_DROP_OVERLAY_VNI_NOT_OF_PEER},
		{"both", .src = PEER_B, .why = -1},
	};

	(void)state;
	run_rows(rows, RTE_DIM(rows));
}

/* T7: the same forgeries in one burst with good packets between them: a counter per cause. */
static void
t7_forged_tunnel_packets_teach_nothing(void **state)
{
	static const struct {
		const char *src;
		uint32_t vni;
		int why;
	} row[] = {{"198.51.100.9", 101, MCR_DROP_OVERLAY_UNKNOWN_PEER},
		{PEER_A, 77, MCR_DROP_OVERLAY_UNKNOWN_VNI},
		{OUR_TUNNEL, 101, MCR_DROP_OVERLAY_OWN_ADDRESS},
		{PEER_A, 102, MCR_DROP_OVERLAY_VNI_NOT_OF_PEER}, {PEER_A, 101, -1},
		{PEER_B, 101, -1}};
	struct world wd;
	uint8_t inner[200], frame[300], got[WORLD_FRAME];
	uint32_t n = inner_of(inner, GROUP), good_ones = 0, expected[MCR_DROP_MAX] = {0};

	(void)state;
	world_of_peers(&wd);
	for (unsigned i = 0; i < 500; i++) {
		struct outer o = good;
		unsigned k = world_random() % RTE_DIM(row);

		o.src = row[k].src;
		o.vni = row[k].vni;
		if (row[k].why < 0)
			good_ones++;
		else
			expected[row[k].why]++;
		world_send(&wd, UPLINK, mbuf_of(&wd, frame, outer_build(frame, &o, inner, n)));
	}
	world_run(&wd);
	while (world_recv(&wd, LAN_A, got) > 0)
		good_ones--;
	assert_int_equal(good_ones, 0);
	for (unsigned d = 0; d < MCR_DROP_MAX; d++)
		assert_int_equal(world_drops(&wd, UPLINK, d), expected[d]);
	assert_null(world_take(&wd, UPLINK)); /* no ARP, no answer of any kind */
	assert_int_equal(world_punted(&wd), 0);
	world_fini(&wd);
}

static void
v8_lengths(void **state)
{
	static const struct outer_row rows[] = {
		{"udp7", .outer = {.udp_len = 7}, .why = MCR_DROP_OVERLAY_BAD_UDP_LENGTH},
		{"udp8", .outer = {.udp_len = 8}, .why = MCR_DROP_OVERLAY_RUNT},
		{"udp15", .outer = {.udp_len = 15}, .why = MCR_DROP_OVERLAY_RUNT},
		{"vxlan_only", .outer = {.udp_len = 16}, .why = MCR_DROP_OVERLAY_RUNT},
		{"inner13", .outer = {.udp_len = 29}, .why = MCR_DROP_OVERLAY_RUNT},
		{"too_long", .outer = {.udp_len = 2000}, .why = MCR_DROP_OVERLAY_BAD_UDP_LENGTH},
		/* The UDP length counts: the inner IP packet is then longer than what is left. */
		{"short", .outer = {.udp_len = 60}, .why = MCR_DROP_PARSE_BAD_IP_LENGTH},
	};

	(void)state;
	run_rows(rows, RTE_DIM(rows));
}

/* V8: what lies behind the UDP datagram, and behind the IP packet, is not part of any copy. */
static void
v8_udp_length_trims(void **state)
{
	struct world wd;
	uint8_t inner[200], frame[300], want[300], got[WORLD_FRAME];
	uint32_t n = inner_of(inner, GROUP);
	int w = native_of(want, inner, n, -1);

	(void)state;
	world_of_peers(&wd);
	for (uint32_t trailer = 0; trailer < 40; trailer++) {
		struct outer o = good;

		o.trailer = trailer;
		world_send(&wd, UPLINK, mbuf_of(&wd, frame, outer_build(frame, &o, inner, n)));
		world_run(&wd);
		assert_int_equal(world_recv(&wd, LAN_A, got), w);
		assert_memory_equal(got, want, w);
		world_recv_all(&wd);
		/* Octets inside the IP packet, behind the datagram. */
		memset(inner + n, 0xdd, trailer);
		o.trailer = 0;
		o.udp_len = 16 + n;
		world_send(&wd, UPLINK,
			mbuf_of(&wd, frame, outer_build(frame, &o, inner, n + trailer)));
		world_run(&wd);
		assert_int_equal(world_recv(&wd, LAN_A, got), w);
		assert_memory_equal(got, want, w);
		world_recv_all(&wd);
	}
	world_fini(&wd);
}

static void
v9_outer_fragments(void **state)
{
	static const struct outer_row rows[] = {
		{"first", .outer = {.fragment = 0x2000}, .why = MCR_DROP_OVERLAY_FRAGMENT},
		{"middle", .outer = {.fragment = 0x2010}, .why = MCR_DROP_OVERLAY_FRAGMENT},
		{"last", .outer = {.fragment = 0x0010}, .why = MCR_DROP_OVERLAY_FRAGMENT},
	};

	(void)state;
	run_rows(rows, RTE_DIM(rows));
}

/* V10: a tunnel packet with IP options is read by its header length. */
static void
v10_outer_ip_options(void **state)
{
	struct world wd;
	uint8_t inner[200], frame[400], want[300], got[WORLD_FRAME];
	uint32_t n = inner_of(inner, GROUP), len;
	int w = native_of(want, inner, n, -1);

	(void)state;
	world_of_peers(&wd);
	for (unsigned words = 1; words <= 10; words++) {
		len = outer_build(frame, &good, inner, n);
		memmove(frame + 34 + 4 * words, frame + 34, len - 34);
		memset(frame + 34, 1, 4 * words); /* NOP */
		frame[14] = 0x45 + words;
		put16(frame + 16, len - 14 + 4 * words);
		put16(frame + 24, 0);
		put16(frame + 24, sum16(frame + 14, 20 + 4 * words, 0));
		world_send(&wd, UPLINK, mbuf_of(&wd, frame, len + 4 * words));
		world_run(&wd);
		assert_int_equal(world_recv(&wd, LAN_A, got), w);
		assert_memory_equal(got, want, w);
		world_recv_all(&wd);
	}
	assert_int_equal(world_all_drops(&wd), 0);
	world_fini(&wd);
}

static void
v12_what_a_peer_may_not_send(void **state)
{
	static const struct {
		const char *what;
		struct flow flow;
		int why;
	} row[] = {
		{"unicast", {.src = SENDER, .dst = "10.1.0.9", .vid = -1, .dst_mac = {2, 1}},
			MCR_DROP_OVERLAY_INNER_TYPE},
		{"v11 tagged", {.src = SENDER, .dst = GROUP, .vid = 20},
			MCR_DROP_OVERLAY_INNER_VLAN},
		{"v11 priority tag", {.src = SENDER, .dst = GROUP, .vid = 0},
			MCR_DROP_OVERLAY_INNER_VLAN},
		{"nested",
			{.src = SENDER,
				.dst = OUR_TUNNEL,
				.vid = -1,
				.dport = 4789,
				.dst_mac = {2, 1}},
			MCR_DROP_OVERLAY_NESTED},
		{"f5 own source", {.src = OUR_TUNNEL, .dst = GROUP, .vid = -1},
			MCR_DROP_PARSE_OWN_SOURCE},
		{"f5 bad source", {.src = "127.0.0.1", .dst = GROUP, .vid = -1},
			MCR_DROP_PARSE_BAD_SOURCE},
		{"unicast mac", {.src = SENDER, .dst = GROUP, .vid = -1, .dst_mac = {2, 1}},
			MCR_DROP_PARSE_BAD_MAC},
	};
	/* LLDP, STP (length field), ARP, broadcast IPv4. */
	static const uint8_t other[][2] = {{0x88, 0xcc}, {0x00, 0x26}, {0x08, 0x06}};
	struct world wd;
	uint8_t inner[200];
	uint32_t n;

	(void)state;
	world_of_peers(&wd);
	for (unsigned i = 0; i < RTE_DIM(row); i++) {
		n = frame_build(inner, &row[i].flow, "from behind the peer", 20);
		check_outer(&wd, &good, inner, n, row[i].why, row[i].what);
	}
	for (unsigned i = 0; i < RTE_DIM(other); i++) {
		memset(inner, 0, sizeof(inner));
		memset(inner, 0xff, 6);
		memcpy(inner + 12, other[i], 2);
		if (other[i][1] == 0x06)
			memcpy(inner + 14, (uint8_t[]){0, 1, 8, 0, 6, 4, 0, 1}, 8);
		check_outer(&wd, &good, inner, 64, MCR_DROP_OVERLAY_INNER_TYPE, "other");
	}
	n = inner_of(inner, GROUP);
	check_outer(&wd, &good, inner, n, -1, "canary");
	world_fini(&wd);
}

/* V15: the sixteen pairs, with the inner checksum right afterwards. */
static void
v15_ecn_decap(void **state)
{
	/* [inner][outer]; not-ECT 0, ECT(1) 1, ECT(0) 2, CE 3; RFC 6040 figure 4 */
	static const int want[4][4] = {{0, 0, 0, -1}, {1, 1, 1, 3}, {2, 1, 2, 3}, {3, 3, 3, 3}};
	struct world wd;
	uint8_t inner[200], frame[300], expected[200], got[WORLD_FRAME];
	uint32_t n;

	(void)state;
	world_of_peers(&wd);
	for (unsigned k = 0; k < 16 * 64; k++) {
		unsigned in = k % 4, out = k / 4 % 4, dscp = k / 16;
		struct flow f = {.src = SENDER, .dst = GROUP, .vid = -1, .tos = dscp << 2 | in};
		struct outer o = good;
		int len;

		n = frame_build(inner, &f, "0123456789abcdefghi", 19);
		o.tos = out;
		world_send(&wd, UPLINK, mbuf_of(&wd, frame, outer_build(frame, &o, inner, n)));
		world_turn(&wd);
		len = world_recv(&wd, LAN_A, got);
		world_recv_all(&wd);
		if (want[in][out] < 0) {
			assert_int_equal(len, -1);
			continue;
		}
		f.tos = dscp << 2 | want[in][out];
		n = frame_build(expected, &f, "0123456789abcdefghi", 19);
		assert_int_equal(len, n);
		assert_memory_equal(got, expected, n);
	}
	assert_int_equal(world_drops(&wd, UPLINK, MCR_DROP_OVERLAY_ECN), 64);
	world_fini(&wd);
}

/* T10: a boundary at every offset, and several: the same result, also with ECN and a checksum. */
static void
t10_tunnel_packets_in_segments(void **state)
{
	struct world wd;
	uint8_t inner[200], frame[300], expected[200], got[WORLD_FRAME];
	struct flow f = {.src = SENDER, .dst = GROUP, .vid = -1, .tos = 1};
	struct outer o = good;
	uint32_t n, len;

	(void)state;
	world_of_peers(&wd);
	n = frame_build(inner, &f, "fifty octets of data, fifty octets of data, and on", 50);
	o.tos = 3;
	o.udp_checksum = -1;
	o.trailer = 9;
	len = outer_build(frame, &o, inner, n);
	f.tos = 3;
	frame_build(expected, &f, "fifty octets of data, fifty octets of data, and on", 50);
	for (unsigned k = 1; k < len * 3; k++) {
		uint32_t cut[4] = {k}, n_cuts = 1;

		if (k >= len) { /* three to five segments */
			n_cuts = 2 + world_random() % 3;
			cut[0] = 1 + world_random() % (len - 8);
			for (unsigned c = 1; c < n_cuts; c++)
				cut[c] = cut[c - 1] + 1 +
				         world_random() % (len - cut[c - 1] - (n_cuts - c));
		}
		world_send(&wd, UPLINK, mbuf_build(&wd, frame, len, cut, n_cuts));
		world_turn(&wd);
		assert_int_equal(world_recv(&wd, LAN_A, got), n);
		assert_memory_equal(got, expected, n);
		world_recv_all(&wd);
	}
	assert_int_equal(world_all_drops(&wd), 0);
	world_fini(&wd);
}

/* An ECN mark is not written into bytes that somebody else holds. */
static void
f11_shared_tunnel_packet_is_not_written(void **state)
{
	struct world wd;
	uint8_t inner[200], frame[300], got[WORLD_FRAME];
	struct flow f = {.src = SENDER, .dst = GROUP, .vid = -1, .tos = 1};
	struct outer o = good;
	struct rte_mbuf *m, *clone;
	uint32_t n, len;

	(void)state;
	world_of_peers(&wd);
	n = frame_build(inner, &f, "0123456789abcdefghi", 19);
	o.tos = 3;
	len = outer_build(frame, &o, inner, n);
	m = mbuf_of(&wd, frame, len);
	clone = rte_pktmbuf_clone(m, wd.pools[0].payload);
	assert_non_null(clone);
	world_send(&wd, UPLINK, clone);
	world_run(&wd);
	assert_int_equal(world_recv(&wd, LAN_A, got), n);
	assert_int_equal(got[15], 3);
	assert_int_equal(sum16(got + 14, 20, 0), 0);
	assert_memory_equal(rte_pktmbuf_mtod(m, void *), frame, len);
	rte_pktmbuf_free(m);
	world_fini(&wd);
}

struct punted {
	unsigned n;
	struct mcr_punt meta;
	uint8_t bytes[2000];
	uint32_t len;
};

static void
remember(void *arg, struct rte_mbuf *m)
{
	struct punted *p = arg;

	p->n++;
	p->meta = *mcr_punt_of(m);
	p->len = m->pkt_len;
	assert_int_equal(m->nb_segs, 1);
	memcpy(p->bytes, rte_pktmbuf_mtod(m, void *), m->pkt_len);
	rte_pktmbuf_free(m);
}

/* V12: IGMP inside the tunnel is that peer's membership. */
static void
v12_igmp_of_a_peer_goes_to_main(void **state)
{
	struct world wd;
	struct punted p = {0};
	uint8_t inner[200], frame[300];
	struct flow f = {.src = SENDER, .dst = "224.0.0.22", .vid = -1, .proto = 2, .ttl = 1};
	uint32_t n;

	(void)state;
	world_of_peers(&wd);
	n = frame_build(inner, &f, "\x22\0\0\0\0\0\0\1\4\0\0\0\xef\1\2\3", 16);
	world_send(&wd, UPLINK, mbuf_of(&wd, frame, outer_build(frame, &good, inner, n)));
	world_run(&wd);
	assert_int_equal(mcr_punt_poll(wd.path, 10, remember, &p), 1);
	assert_int_equal(p.meta.kind, MCR_PUNT_MSHIP);
	assert_int_equal(p.meta.port, UPLINK);
	assert_int_equal(p.meta.peer, 3);
	assert_int_equal(p.meta.segment, 1);
	assert_int_equal(p.meta.l2_len, 14);
	assert_int_equal(p.len, n);
	assert_memory_equal(p.bytes, inner, n);
	assert_int_equal(world_punted(&wd), 1);
	world_fini(&wd);
}

/* Native multicast on an uplink has no segment; nor has what is not for us. */
static void
uplink_takes_tunnels_arp_and_icmp_only(void **state)
{
	static const struct {
		struct flow flow;
		int why; /* -1: to main */
	} row[] = {
		{{.src = SENDER, .dst = GROUP, .vid = -1}, MCR_DROP_PARSE_UNKNOWN_VLAN},
		{{.src = SENDER, .dst = "224.0.0.22", .vid = -1, .proto = 2, .ttl = 1},
			MCR_DROP_PARSE_UNKNOWN_VLAN},
		{{.src = PEER_A, .dst = OUR_TUNNEL, .vid = 5, .dst_mac = {2, 0, 0, 0, 0xaa, 2}},
			MCR_DROP_PARSE_UNKNOWN_VLAN},
		{{.src = PEER_A, .dst = OUR_TUNNEL, .vid = -1, .dst_mac = {2, 0, 0, 0, 0xaa, 2}},
			MCR_DROP_PARSE_BAD_MAC},
		{{.src = PEER_A,
			 .dst = OUR_TUNNEL,
			 .vid = -1,
			 .dst_mac = {2, 0, 0, 0, 0xaa, 3},
			 .dport = 4789},
			MCR_DROP_PARSE_BAD_MAC},
		{{.src = PEER_A,
			 .dst = "192.0.2.2",
			 .vid = -1,
			 .dst_mac = {2, 0, 0, 0, 0xaa, 2},
			 .dport = 4789},
			MCR_DROP_PARSE_BAD_MAC},
		{{.src = PEER_A,
			 .dst = OUR_TUNNEL,
			 .vid = -1,
			 .dst_mac = {2, 0, 0, 0, 0xaa, 2},
			 .proto = 1},
			-1},
	};
	struct world wd;
	uint8_t frame[300];
	struct punted p = {0};

	(void)state;
	world_of_peers(&wd);
	for (unsigned i = 0; i < RTE_DIM(row); i++) {
		uint32_t len = frame_build(frame, &row[i].flow, "0123456789abcdef0123", 20);
		uint64_t before = world_all_drops(&wd);

		world_send(&wd, UPLINK, mbuf_of(&wd, frame, len));
		world_run(&wd);
		assert_int_equal(world_all_drops(&wd) - before, row[i].why >= 0);
		if (row[i].why >= 0)
			assert_true(world_drops(&wd, UPLINK, row[i].why) > 0);
	}
	assert_int_equal(mcr_punt_poll(wd.path, 10, remember, &p), 1);
	assert_int_equal(p.meta.kind, MCR_PUNT_ICMP);
	assert_int_equal(p.meta.segment, MCR_SEGMENT_NONE);
	world_fini(&wd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v1_one_right_copy_per_peer),
		cmocka_unit_test(v2_source_port_is_the_flow),
		cmocka_unit_test(v4_udp_checksum_received),
		cmocka_unit_test(v5_flags_and_reserved_bits),
		cmocka_unit_test(v6_unknown_vni),
		cmocka_unit_test(v7_wrong_sources),
		cmocka_unit_test(t7_forged_tunnel_packets_teach_nothing),
		cmocka_unit_test(v8_lengths),
		cmocka_unit_test(v8_udp_length_trims),
		cmocka_unit_test(v9_outer_fragments),
		cmocka_unit_test(v10_outer_ip_options),
		cmocka_unit_test(v11_tag_is_stripped_on_sending),
		cmocka_unit_test(v12_what_a_peer_may_not_send),
		cmocka_unit_test(v12_igmp_of_a_peer_goes_to_main),
		cmocka_unit_test(v13_larger_than_the_mtu),
		cmocka_unit_test(v14_ecn_is_copied_out),
		cmocka_unit_test(v15_ecn_decap),
		cmocka_unit_test(l1_from_a_peer_to_access_ports_only),
		cmocka_unit_test(l8_full_mesh_sends_one_copy_per_peer),
		cmocka_unit_test(t10_tunnel_packets_in_segments),
		cmocka_unit_test(f11_shared_tunnel_packet_is_not_written),
		cmocka_unit_test(uplink_takes_tunnels_arp_and_icmp_only),
	};

	if (world_eal() < 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
