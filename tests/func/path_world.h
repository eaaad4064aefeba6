/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_TEST_PATH_WORLD_H
#define MCR_TEST_PATH_WORLD_H

/*
 * A small world for tests of the data path: real EAL, ports over rings whose other ends the test
 * holds, a real table, real workers whose turns the test takes. Every world ends with the checks
 * that hold for all tests: the sums balance (R23) and all pools are as full as at the start (R9).
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include "path/punt.h"
#include "path/worker.h"
#include "port/pool.h"
#include "port/port.h"

#define WORLD_PORTS 6
#define WORLD_SEGMENTS 8
#define WORLD_PEERS 16
#define WORLD_FRAME 10000

/* Counts of the pools: all that a burst, its copies in the rings and the caches can hold. */
struct world_conf {
	uint32_t n_payload, n_header, n_copy, n_control;
	uint32_t tx_ring;   /* power of two; 0: 4096 */
	unsigned n_workers; /* 0: 1 */
	uint32_t n_targets;
	unsigned n_rx; /* queues of every port; 0: 1 */
};

struct world_port {
	struct mcr_port *port;
	struct rte_ring *rx[4], *tx[4];
	bool is_uplink, is_down, is_foreign; /* foreign: the test made the device */
	bool not_polled;                     /* its device makes frames of its own */
	struct mcr_mac mac;
	struct mcr_addr own[2];
	uint32_t n_own;
	struct {
		uint16_t vid, segment;
	} map[8];
	uint32_t n_maps;
};

struct world {
	struct world_conf conf;
	struct mcr_pools pools[RTE_MAX_NUMA_NODES];
	uint32_t pool_full[4];
	struct mcr_reclaim *reclaim;
	struct mcr_table *table;
	struct mcr_targets *targets;
	struct mcr_path *path;
	uint64_t generation;
	struct world_port port[WORLD_PORTS];
	unsigned n_ports;
	struct {
		bool is_used;
		uint32_t vni;
		struct mcr_list_item unknown[8], link_local[8];
		uint32_t n_unknown, n_link_local;
		struct mcr_prefix allow[4], deny[4];
		uint32_t n_allow, n_deny;
	} segment[WORLD_SEGMENTS];
	struct {
		bool is_used;
		struct mcr_addr addr;
		uint16_t segment[WORLD_SEGMENTS];
		uint32_t n_segments;
	} peer[WORLD_PEERS];
	struct mcr_stat_block before;
};

/* --- small things ---------------------------------------------------------------------------- */

static inline uint64_t
world_seed(void)
{
	static uint64_t seed;
	const char *env = getenv("MCR_SEED");

	if (!seed) {
		seed = env ? strtoull(env, NULL, 0) : (uint64_t)time(NULL) * 2654435761u | 1;
		print_message("# seed %" PRIu64 "\n", seed);
	}
	return seed;
}

static inline uint32_t
world_random(void)
{
	static uint64_t x;

	if (!x)
		x = world_seed();
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x >> 16;
}

static inline struct mcr_addr
ip4(const char *text)
{
	struct in_addr a;

	assert_int_equal(inet_pton(AF_INET, text, &a), 1);
	return mcr_addr_v4(a.s_addr);
}

static inline struct mcr_addr
ip6(const char *text)
{
	struct mcr_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static inline int
world_eal(void)
{
	char *argv[] = {(char *)(uintptr_t) "test", (char *)(uintptr_t) "--no-huge",
		(char *)(uintptr_t) "-m", (char *)(uintptr_t) "384", (char *)(uintptr_t) "--no-pci",
		(char *)(uintptr_t) "--no-telemetry", (char *)(uintptr_t) "--no-shconf",
		(char *)(uintptr_t) "--lcores", (char *)(uintptr_t) "0@0,1@0",
		(char *)(uintptr_t) "--log-level=error"};

	return rte_eal_init(RTE_DIM(argv), argv);
}

/* --- building -------------------------------------------------------------------------------- */

static inline struct rte_mempool *
world_pool(const char *what, uint32_t n, uint16_t priv, uint16_t room)
{
	static unsigned serial;
	char name[RTE_MEMPOOL_NAMESIZE];
	struct rte_mempool *pool;

	snprintf(name, sizeof(name), "%s%u", what, serial++);
	pool = rte_pktmbuf_pool_create(name, n, 0, priv, room, SOCKET_ID_ANY);
	assert_non_null(pool);
	return pool;
}

static inline struct rte_ring *
world_ring(uint32_t size)
{
	static unsigned serial;
	char name[RTE_RING_NAMESIZE];
	struct rte_ring *r;

	snprintf(name, sizeof(name), "world%u", serial++);
	r = rte_ring_create(name, size, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	assert_non_null(r);
	return r;
}

static inline struct mcr_port *
world_adopt(struct world *wd, uint16_t ethdev, unsigned n_queues)
{
	struct mcr_errs errs = {0};
	struct mcr_port_param param = {.n_rx = n_queues,
		.n_tx = n_queues,
		.rx_desc = 512,
		.tx_desc = 512,
		.n_workers = wd->conf.n_workers,
		.pool = {wd->pools[0].payload}};
	struct mcr_port *port;

	snprintf(param.name, sizeof(param.name), "p%u", ethdev);
	port = mcr_port_adopt(ethdev, &param, &errs);
	mcr_errs_print(stderr, &errs);
	assert_non_null(port);
	mcr_errs_fini(&errs);
	return port;
}

/* The device too: it is the test's, not the port's. */
static inline void
world_remove_port(struct world_port *p)
{
	struct rte_eth_dev_info info;
	uint16_t ethdev = p->port->id;

	assert_int_equal(rte_eth_dev_info_get(ethdev, &info), 0);
	mcr_port_free(p->port);
	assert_int_equal(rte_dev_remove(info.device), 0);
}

/* A port over rings; returns its index. */
static inline unsigned
world_add_port(struct world *wd, bool is_uplink)
{
	static unsigned serial;
	unsigned i = wd->n_ports++, n = wd->conf.n_rx;
	struct world_port *p = &wd->port[i];
	char name[32];
	int id;

	for (unsigned q = 0; q < n; q++) {
		p->rx[q] = world_ring(1024);
		p->tx[q] = world_ring(wd->conf.tx_ring);
	}
	snprintf(name, sizeof(name), "wire%u", serial++);
	id = rte_eth_from_rings(name, p->rx, n, p->tx, n, SOCKET_ID_ANY);
	assert_true(id >= 0);
	p->port = world_adopt(wd, id, n);
	p->is_uplink = is_uplink;
	p->mac = (struct mcr_mac){{0x02, 0, 0, 0, 0xaa, i}};
	return i;
}

static inline void
world_init(struct world *wd, const struct world_conf *conf)
{
	struct mcr_table_param tp = {.name = "groups", .entries = 1024, .socket = SOCKET_ID_ANY};

	memset(wd, 0, sizeof(*wd));
	wd->conf = *conf;
	wd->conf.n_workers = conf->n_workers ? conf->n_workers : 1;
	wd->conf.tx_ring = conf->tx_ring ? conf->tx_ring : 4096;
	wd->conf.n_rx = conf->n_rx ? conf->n_rx : 1;
	wd->pools[0].payload =
		world_pool("payload", conf->n_payload ? conf->n_payload : 2047, 0, 2304);
	wd->pools[0].header =
		world_pool("header", conf->n_header ? conf->n_header : 8191, 0, MCR_HEADER_ROOM);
	wd->pools[0].copy =
		world_pool("copy", conf->n_copy ? conf->n_copy : 2047, 0, WORLD_FRAME + 240);
	wd->pools[0].control =
		world_pool("control", conf->n_control ? conf->n_control : 2047, 32, 2304);
	wd->reclaim = mcr_reclaim_create(wd->conf.n_workers);
	assert_non_null(wd->reclaim);
	tp.reclaim = wd->reclaim;
	tp.n_stat_slots = wd->conf.n_workers;
	wd->table = mcr_table_create(&tp);
	assert_non_null(wd->table);
	wd->targets = mcr_targets_create(
		conf->n_targets ? conf->n_targets : 2048, wd->conf.n_workers, wd->reclaim);
	assert_non_null(wd->targets);
	wd->path = mcr_path_create(&(struct mcr_path_param){.n_workers = wd->conf.n_workers,
		.idle = MCR_IDLE_POLL,
		.table = wd->table,
		.targets = wd->targets,
		.reclaim = wd->reclaim,
		.pools = wd->pools,
		.socket = SOCKET_ID_ANY});
	assert_non_null(wd->path);
	wd->pool_full[0] = rte_mempool_avail_count(wd->pools[0].payload);
	wd->pool_full[1] = rte_mempool_avail_count(wd->pools[0].header);
	wd->pool_full[2] = rte_mempool_avail_count(wd->pools[0].copy);
	wd->pool_full[3] = rte_mempool_avail_count(wd->pools[0].control);
	wd->before = mcr_stat[rte_lcore_id()];
}

static inline void
world_map(struct world *wd, unsigned port, uint16_t vid, uint16_t segment)
{
	struct world_port *p = &wd->port[port];

	p->map[p->n_maps].vid = vid;
	p->map[p->n_maps++].segment = segment;
	wd->segment[segment].is_used = true;
	if (!wd->segment[segment].vni)
		wd->segment[segment].vni = 100 + segment;
}

static inline void
world_peer(struct world *wd, unsigned peer, struct mcr_addr addr, uint16_t segment)
{
	wd->peer[peer].is_used = true;
	wd->peer[peer].addr = addr;
	wd->peer[peer].segment[wd->peer[peer].n_segments++] = segment;
	wd->segment[segment].is_used = true;
	if (!wd->segment[segment].vni)
		wd->segment[segment].vni = 100 + segment;
}

static inline void *
world_dup(const void *from, size_t size)
{
	void *to = malloc(size ? size : 1);

	assert_non_null(to);
	if (size)
		memcpy(to, from, size);
	return to;
}

/* Make the world's description the snapshot of the workers. */
static inline void
world_publish(struct world *wd)
{
	struct mcr_snap *s = mcr_snap_create(WORLD_SEGMENTS, WORLD_PEERS);

	assert_non_null(s);
	s->generation = ++wd->generation;
	for (unsigned i = 0; i < wd->n_ports; i++) {
		struct world_port *p = &wd->port[i];
		struct mcr_snap_port *sp = &s->port[i];

		if (p->not_polled)
			p->port->n_rx = 0;
		sp->port = p->port;
		sp->is_uplink = p->is_uplink;
		sp->is_up = !p->is_down;
		sp->mac = p->mac;
		for (uint32_t k = 0; k < p->n_maps; k++)
			sp->segment[p->map[k].vid] = p->map[k].segment;
		sp->own = world_dup(p->own, p->n_own * sizeof(*p->own));
		sp->n_own = p->n_own;
	}
	for (unsigned i = 0; i < WORLD_SEGMENTS; i++) {
		struct mcr_snap_segment *ss = &s->segment[i];

		ss->is_used = wd->segment[i].is_used;
		ss->vni = wd->segment[i].vni;
		if (wd->segment[i].n_unknown)
			ss->unknown =
				mcr_list_build(wd->segment[i].unknown, wd->segment[i].n_unknown);
		if (wd->segment[i].n_link_local)
			ss->link_local = mcr_list_build(
				wd->segment[i].link_local, wd->segment[i].n_link_local);
		ss->n_allow = wd->segment[i].n_allow;
		ss->allow = world_dup(wd->segment[i].allow, ss->n_allow * sizeof(*ss->allow));
		ss->n_deny = wd->segment[i].n_deny;
		ss->deny = world_dup(wd->segment[i].deny, ss->n_deny * sizeof(*ss->deny));
	}
	for (unsigned i = 0; i < WORLD_PEERS; i++) {
		s->peer[i].is_used = wd->peer[i].is_used;
		s->peer[i].addr = wd->peer[i].addr;
		s->peer[i].n_segments = wd->peer[i].n_segments;
		s->peer[i].segment =
			world_dup(wd->peer[i].segment, wd->peer[i].n_segments * sizeof(uint16_t));
	}
	assert_int_equal(mcr_snap_finish(s), 0);
	mcr_path_publish(wd->path, s);
}

static inline struct mcr_list_item
world_native(struct world *wd, unsigned port, uint16_t vid)
{
	struct mcr_target t = {.mtu = 1500, .port = port};
	int64_t id;

	mcr_encap_native(&t.encap, vid);
	id = mcr_target_add(wd->targets, &t);
	assert_true(id >= 0);
	return (struct mcr_list_item){.id = id,
		.mtu = t.mtu,
		.port = port,
		.maker = wd->port[port].port->cap.multi_segs ? MCR_MAKE_SHARE : MCR_MAKE_COPY,
		.origins = 1 << MCR_ORIGIN_ACCESS | 1 << MCR_ORIGIN_OVERLAY,
		.is_access = 1};
}

static inline struct mcr_list_item
world_tunnel(struct world *wd, unsigned port, struct mcr_addr peer)
{
	struct mcr_target t = {.mtu = 1450, .port = port, .tunnel = 1};
	struct mcr_vxlan_param p = {.dst_mac = {{0x02, 0, 0, 0, 0xbb, peer.b[15]}},
		.src_mac = wd->port[port].mac,
		.src = wd->port[port].own[0],
		.dst = peer,
		.udp_port = 4789,
		.ttl = 64};
	int64_t id;

	mcr_encap_vxlan(&t.encap, &p);
	id = mcr_target_add(wd->targets, &t);
	assert_true(id >= 0);
	return (struct mcr_list_item){.id = id,
		.mtu = t.mtu,
		.port = port,
		.maker = wd->port[port].port->cap.multi_segs ? MCR_MAKE_SHARE : MCR_MAKE_COPY,
		.origins = 1 << MCR_ORIGIN_ACCESS};
}

/* source NULL: (*,G). The items are changed by sorting. */
static inline void
world_join(struct world *wd, uint16_t segment, const char *group, const char *source,
	struct mcr_list_item *items, uint32_t n)
{
	struct mcr_group_key key = {
		.group = strchr(group, ':') ? ip6(group) : ip4(group), .segment = segment};
	struct mcr_list *list = mcr_list_build(items, n);

	assert_non_null(list);
	if (source)
		key.source = strchr(source, ':') ? ip6(source) : ip4(source);
	assert_int_equal(mcr_table_set(wd->table, &key, list), 0);
}

static inline struct mcr_entry *
world_entry(struct world *wd, uint16_t segment, const char *group)
{
	struct mcr_group_key key = {.group = ip4(group), .segment = segment};

	return mcr_table_find(wd->table, &key);
}

/* --- running --------------------------------------------------------------------------------- */

static inline unsigned
world_turn(struct world *wd)
{
	unsigned n = 0;

	for (unsigned i = 0; i < wd->conf.n_workers; i++)
		n += mcr_worker_turn(mcr_path_worker(wd->path, i));
	mcr_reclaim_poll(wd->reclaim);
	return n;
}

/* Turns until nothing is left to do; the last one is an idle one. */
static inline void
world_run(struct world *wd)
{
	for (unsigned i = 0; world_turn(wd); i++)
		assert_true(i < 10000);
	world_turn(wd);
}

static inline void
world_send(struct world *wd, unsigned port, struct rte_mbuf *m)
{
	assert_int_equal(rte_ring_sp_enqueue(wd->port[port].rx[0], m), 0);
}

/* The next frame that left the port, or NULL. */
static inline struct rte_mbuf *
world_take(struct world *wd, unsigned port)
{
	for (unsigned q = 0; q < wd->conf.n_rx; q++) {
		void *m;

		if (rte_ring_sc_dequeue(wd->port[port].tx[q], &m) == 0)
			return m;
	}
	return NULL;
}

/* Its bytes in one piece; frees it. The length, or -1 when nothing left the port. */
static inline int
world_recv(struct world *wd, unsigned port, uint8_t *bytes)
{
	struct rte_mbuf *m = world_take(wd, port);
	uint32_t off = 0, n_segs = 0;
	int len;

	if (!m)
		return -1;
	for (const struct rte_mbuf *s = m; s; s = s->next) {
		assert_true(s->data_len > 0);
		memcpy(bytes + off, rte_pktmbuf_mtod(s, const void *), s->data_len);
		off += s->data_len;
		n_segs++;
	}
	assert_int_equal(off, m->pkt_len);
	assert_int_equal(n_segs, m->nb_segs);
	len = off;
	rte_pktmbuf_free(m);
	return len;
}

static inline void
world_recv_all(struct world *wd)
{
	for (unsigned p = 0; p < wd->n_ports; p++) {
		struct rte_mbuf *m;

		while (!wd->port[p].is_foreign && (m = world_take(wd, p)))
			rte_pktmbuf_free(m);
	}
}

static inline void
world_punted_free(void *arg, struct rte_mbuf *m)
{
	(void)arg;
	rte_pktmbuf_free(m);
}

/* --- counters -------------------------------------------------------------------------------- */

static inline uint64_t
world_drops(const struct world *wd, unsigned port, enum mcr_drop why)
{
	return mcr_stat[rte_lcore_id()].port[port].drop[why] - wd->before.port[port].drop[why];
}

static inline uint64_t
world_all_drops(const struct world *wd)
{
	uint64_t sum = 0;

	for (unsigned p = 0; p < MCR_MAX_PORTS; p++)
		for (unsigned d = 0; d < MCR_DROP_MAX; d++)
			sum += world_drops(wd, p, d);
	return sum;
}

static inline uint64_t
world_copies(const struct world *wd)
{
	return mcr_stat[rte_lcore_id()].copies - wd->before.copies;
}

static inline uint64_t
world_forwarded(const struct world *wd)
{
	return mcr_stat[rte_lcore_id()].forwarded - wd->before.forwarded;
}

static inline uint64_t
world_punted(const struct world *wd)
{
	return mcr_stat[rte_lcore_id()].punted - wd->before.punted;
}

/* R23: received = forwarded + punted + dropped; copies = sent + lost. */
static inline void
world_check_sums(const struct world *wd)
{
	const struct mcr_stat_block *now = &mcr_stat[rte_lcore_id()];
	uint64_t rx = 0, tx = 0, in = 0, out = 0;

	for (unsigned p = 0; p < MCR_MAX_PORTS; p++) {
		rx += now->port[p].rx_packets - wd->before.port[p].rx_packets;
		tx += now->port[p].tx_packets - wd->before.port[p].tx_packets;
		for (unsigned d = 0; d < MCR_DROP_MAX; d++)
			*(d < MCR_DROP_REPL_NO_BUFFER ? &in : &out) += world_drops(wd, p, d);
	}
	assert_int_equal(rx, world_forwarded(wd) + world_punted(wd) + in);
	assert_int_equal(world_copies(wd), tx + out);
}

static inline void
world_check_pools(const struct world *wd)
{
	assert_int_equal(rte_mempool_avail_count(wd->pools[0].payload), wd->pool_full[0]);
	assert_int_equal(rte_mempool_avail_count(wd->pools[0].header), wd->pool_full[1]);
	assert_int_equal(rte_mempool_avail_count(wd->pools[0].copy), wd->pool_full[2]);
	assert_int_equal(rte_mempool_avail_count(wd->pools[0].control), wd->pool_full[3]);
}

/* Take it all down; world_fini without its checks of the test's own lcore. */
static inline void
world_free(struct world *wd)
{
	world_recv_all(wd);
	while (mcr_punt_poll(wd->path, 100, world_punted_free, NULL) == 100)
		;
	world_check_pools(wd);
	mcr_path_free(wd->path);
	mcr_table_free(wd->table);
	mcr_targets_free(wd->targets);
	mcr_reclaim_free(wd->reclaim);
	for (unsigned p = 0; p < wd->n_ports; p++) {
		world_remove_port(&wd->port[p]);
		for (unsigned q = 0; q < RTE_DIM(wd->port[p].rx); q++) {
			rte_ring_free(wd->port[p].rx[q]);
			rte_ring_free(wd->port[p].tx[q]);
		}
	}
	rte_mempool_free(wd->pools[0].payload);
	rte_mempool_free(wd->pools[0].header);
	rte_mempool_free(wd->pools[0].copy);
	rte_mempool_free(wd->pools[0].control);
}

static inline void
world_fini(struct world *wd)
{
	world_run(wd);
	world_recv_all(wd);
	world_check_sums(wd);
	world_free(wd);
}

/* --- frames ---------------------------------------------------------------------------------- */

struct flow {
	const char *src, *dst; /* IPv4 texts */
	uint16_t sport, dport;
	int vid; /* -1: untagged */
	uint8_t ttl, tos;
	uint16_t ip_id, fragment; /* as on the wire, host order */
	uint8_t dst_mac[6];       /* all zero: the group's */
	uint8_t proto;            /* 0: UDP */
};

static inline uint16_t
sum16(const uint8_t *p, uint32_t n, uint32_t sum)
{
	for (uint32_t i = 0; i < n; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static inline uint8_t *
put16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v;
	return p + 2;
}

/* Ethernet, maybe a tag, IPv4, UDP without checksum, n octets of data. Returns the length. */
static inline uint32_t
frame_build(uint8_t *out, const struct flow *f, const void *data, uint32_t n)
{
	static const uint8_t zero[6];
	uint8_t *p = out, *ip, group[4];
	uint32_t l4 = f->proto && f->proto != 17 ? 0 : 8;

	assert_int_equal(inet_pton(AF_INET, f->dst, group), 1);
	if (memcmp(f->dst_mac, zero, 6))
		memcpy(p, f->dst_mac, 6);
	else
		memcpy(p, (uint8_t[]){1, 0, 0x5e, group[1] & 0x7f, group[2], group[3]}, 6);
	memcpy(p + 6, (uint8_t[]){2, 0, 0, 0, 0xcc, 1}, 6);
	p += 12;
	if (f->vid >= 0)
		p = put16(put16(p, 0x8100), f->vid);
	p = put16(p, 0x0800);
	ip = p;
	*p++ = 0x45;
	*p++ = f->tos;
	p = put16(p, 20 + l4 + n);
	p = put16(p, f->ip_id);
	p = put16(p, f->fragment);
	*p++ = f->ttl ? f->ttl : 32;
	*p++ = f->proto ? f->proto : 17;
	p = put16(p, 0);
	assert_int_equal(inet_pton(AF_INET, f->src, p), 1);
	memcpy(p + 4, group, 4);
	p += 8;
	put16(ip + 10, sum16(ip, 20, 0));
	if (l4) {
		p = put16(p, f->sport ? f->sport : 5000);
		p = put16(p, f->dport ? f->dport : 6666);
		p = put16(p, 8 + n);
		p = put16(p, 0);
	}
	memcpy(p, data, n);
	return p + n - out;
}

/* An mbuf chain with these bytes; `cut` are the offsets where a new segment starts. */
static inline struct rte_mbuf *
mbuf_build(struct world *wd, const uint8_t *bytes, uint32_t len, const uint32_t *cut, uint32_t n)
{
	struct rte_mbuf *first = NULL, *last = NULL;
	uint32_t off = 0;

	for (uint32_t i = 0; i <= n; i++) {
		uint32_t end = i < n ? cut[i] : len;
		struct rte_mbuf *m;

		while (off < end || !first) {
			uint32_t k = RTE_MIN(end - off, 2048u);

			m = rte_pktmbuf_alloc(wd->pools[0].payload);
			assert_non_null(m);
			memcpy(rte_pktmbuf_append(m, k), bytes + off, k);
			off += k;
			if (!first) {
				first = last = m;
				continue;
			}
			last->next = m;
			last = m;
			first->nb_segs++;
			first->pkt_len += k;
		}
	}
	return first;
}

static inline struct rte_mbuf *
mbuf_of(struct world *wd, const uint8_t *bytes, uint32_t len)
{
	return mbuf_build(wd, bytes, len, NULL, 0);
}

/* What a native copy of a frame must be: its tag replaced, padded to 60. */
static inline uint32_t
native_of(uint8_t *out, const uint8_t *frame, uint32_t len, int vid)
{
	uint32_t l2 = frame[12] == 0x81 && frame[13] == 0 ? 16 : 12, n = 12;

	memcpy(out, frame, 12);
	if (vid >= 0) {
		put16(put16(out + 12, 0x8100), vid);
		n = 16;
	}
	memcpy(out + n, frame + l2, len - l2);
	n += len - l2;
	if (n < 60) {
		memset(out + n, 0, 60 - n);
		n = 60;
	}
	return n;
}

/* An outer packet around an inner frame, as a peer sends it. */
struct outer {
	const char *src, *dst;
	uint8_t dst_mac[6];
	uint32_t vni;
	uint8_t tos, flags; /* flags 0: 0x08 */
	uint16_t fragment;
	int udp_len;      /* 0: right */
	int udp_checksum; /* -1: computed; else this value */
	uint8_t no_flags; /* 1: flags really 0 */
	uint8_t reserved;
	uint32_t trailer; /* octets behind the IP packet */
};

static inline uint32_t
outer_build(uint8_t *out, const struct outer *o, const uint8_t *inner, uint32_t n)
{
	uint8_t *p = out, *ip = out + 14, *udp = out + 34;
	uint32_t udp_len = o->udp_len ? (uint32_t)o->udp_len : 16 + n;

	memcpy(p, o->dst_mac, 6);
	memcpy(p + 6, (uint8_t[]){2, 0, 0, 0, 0xbb, 9}, 6);
	put16(p + 12, 0x0800);
	memset(ip, 0, 20);
	ip[0] = 0x45;
	ip[1] = o->tos;
	put16(ip + 2, 36 + n);
	put16(ip + 6, o->fragment ? o->fragment : 0x4000);
	ip[8] = 64;
	ip[9] = 17;
	assert_int_equal(inet_pton(AF_INET, o->src, ip + 12), 1);
	assert_int_equal(inet_pton(AF_INET, o->dst, ip + 16), 1);
	put16(ip + 10, sum16(ip, 20, 0));
	put16(udp, 50000);
	put16(udp + 2, 4789);
	put16(udp + 4, udp_len);
	put16(udp + 6, 0);
	memset(udp + 8, o->reserved, 8);
	udp[8] = o->no_flags ? 0 : o->flags ? o->flags : 0x08;
	udp[12] = o->vni >> 16;
	udp[13] = o->vni >> 8;
	udp[14] = o->vni;
	memcpy(udp + 16, inner, n);
	memset(udp + 16 + n, 0xee, o->trailer);
	if (o->udp_checksum < 0) {
		uint32_t sum = 17 + udp_len;
		uint16_t c;

		for (unsigned i = 12; i < 20; i += 2)
			sum += ip[i] << 8 | ip[i + 1];
		c = sum16(udp, udp_len, sum);
		put16(udp + 6, c ? c : 0xffff);
	} else {
		put16(udp + 6, o->udp_checksum);
	}
	return 50 + n + o->trailer;
}

#endif
