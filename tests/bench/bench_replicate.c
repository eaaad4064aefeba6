/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cycles per copy against fan-out: the whole walk (receive from a ring, parse, look up, replicate,
 * count, send through net_null), beside two references measured in the same run through the same
 * port: `floor`, header mbufs alone, and `clone`, one header and one rte_pktmbuf_clone per copy.
 * Trust the ratios: cycles are TSC cycles, and a neighbour on the machine changes all three.
 *
 *   bench_replicate [SECONDS PER CELL [FRAME BYTES [FAN-OUT]]]
 *
 * With a fan-out it measures the sharing walk alone, for a profiler.
 */
#include "path/worker.h"
#include "port/port.h"

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_mbuf.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES 32
#define MAX_FAN_OUT 1024
#define HEADER_LEN 64

struct bench {
	struct mcr_pools pools[RTE_MAX_NUMA_NODES];
	struct mcr_reclaim *reclaim;
	struct mcr_table *table;
	struct mcr_targets *targets;
	struct mcr_path *path;
	struct rte_ring *wire;
	struct mcr_port *in, *out;
	uint32_t frame_len;
	uint32_t id[MAX_FAN_OUT];
	uint64_t round_cycles;
};

static void
check(bool is_good, const char *what)
{
	if (is_good)
		return;
	fprintf(stderr, "bench_replicate: %s\n", what);
	exit(1);
}

static struct mcr_port *
adopt(const struct bench *b, uint16_t ethdev)
{
	struct mcr_errs errs = {0};
	struct mcr_port_param p = {.n_rx = 1,
		.n_tx = 1,
		.rx_desc = 512,
		.tx_desc = 512,
		.n_workers = 1,
		.pool = {b->pools[0].payload}};
	struct mcr_port *port;

	snprintf(p.name, sizeof(p.name), "p%u", ethdev);
	port = mcr_port_adopt(ethdev, &p, &errs);
	mcr_errs_print(stderr, &errs);
	check(port, "cannot adopt a port");
	return port;
}

/* UDP to 239.1.1.1 in every buffer of the pool: what is allocated later has it already. */
static void
fill_frame(struct rte_mempool *pool, void *arg, void *obj, unsigned i)
{
	static const uint8_t head[42] = {1, 0, 0x5e, 1, 1, 1, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 0,
		0, 0, 0x40, 0, 16, 17, 0, 0, 10, 0, 0, 7, 239, 1, 1, 1, 0x13, 0x88, 0x1a, 0x0a};
	const struct bench *b = arg;
	struct rte_mbuf *m = obj;
	uint8_t *p = (uint8_t *)m->buf_addr + RTE_PKTMBUF_HEADROOM;
	uint32_t sum = 0, ip_len = b->frame_len - 14;

	(void)pool;
	(void)i;
	memcpy(p, head, sizeof(head));
	p[16] = ip_len >> 8;
	p[17] = ip_len;
	p[38] = (ip_len - 20) >> 8;
	p[39] = ip_len - 20;
	for (unsigned k = 14; k < 34; k += 2)
		sum += p[k] << 8 | p[k + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~(sum + (sum >> 16));
	p[24] = sum >> 8;
	p[25] = sum;
}

static void
setup(struct bench *b)
{
	struct rte_ring *rings[1];
	struct mcr_errs errs = {0};
	struct mcr_snap *s = mcr_snap_create(1, 0);
	uint16_t null_id = 0;
	int id;

	check(mcr_pools_create(&b->pools[0],
		      &(struct mcr_pool_param){.socket = SOCKET_ID_ANY,
			      .rx_desc = 512,
			      .tx_desc = 1024,
			      .n_workers = 1,
			      .max_mtu = 1500},
		      &errs) == 0,
		"no memory for the pools");
	rte_mempool_obj_iter(b->pools[0].payload, fill_frame, b);
	b->wire = rte_ring_create("wire", 64, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	rings[0] = b->wire;
	id = rte_eth_from_rings("in", rings, 1, rings, 1, SOCKET_ID_ANY);
	check(id >= 0, "no ring port");
	b->in = adopt(b, id);
	check(rte_eal_hotplug_add("vdev", "net_null0", "") == 0 &&
			rte_eth_dev_get_port_by_name("net_null0", &null_id) == 0,
		"no net_null port");
	b->out = adopt(b, null_id);
	b->out->n_rx = 0;
	b->reclaim = mcr_reclaim_create(1);
	b->table = mcr_table_create(&(struct mcr_table_param){.name = "groups",
		.entries = 1024,
		.socket = SOCKET_ID_ANY,
		.reclaim = b->reclaim,
		.n_stat_slots = 1});
	b->targets = mcr_targets_create(MAX_FAN_OUT, 1, b->reclaim);
	b->path = mcr_path_create(&(struct mcr_path_param){.n_workers = 1,
		.table = b->table,
		.targets = b->targets,
		.reclaim = b->reclaim,
		.pools = b->pools,
		.socket = SOCKET_ID_ANY});
	check(b->table && b->targets && b->path && s, "no memory");
	s->generation = 1;
	s->segment[0].is_used = true;
	s->segment[0].vni = 101;
	s->port[0].port = b->in;
	s->port[1].port = b->out;
	s->port[0].is_up = s->port[1].is_up = true;
	s->port[1].is_uplink = true;
	s->port[0].segment[MCR_VID_NONE] = 0;
	check(mcr_snap_finish(s) == 0, "no memory");
	mcr_path_publish(b->path, s);
	for (uint32_t i = 0; i < MAX_FAN_OUT; i++) {
		struct mcr_target t = {.mtu = 1450, .port = 1, .tunnel = 1};
		int64_t target;

		mcr_encap_vxlan(
			&t.encap, &(struct mcr_vxlan_param){.src = mcr_addr_v4(htonl(0xc0000201)),
					  .dst = mcr_addr_v4(htonl(0xc6330000 + i)),
					  .udp_port = 4789,
					  .ttl = 64});
		target = mcr_target_add(b->targets, &t);
		check(target >= 0, "no target");
		b->id[i] = target;
	}
}

static void
set_fan_out(struct bench *b, uint32_t n, enum mcr_maker maker)
{
	struct mcr_group_key key = {.group = mcr_addr_v4(htonl(0xef010101))};
	struct mcr_list_item item[MAX_FAN_OUT];

	for (uint32_t i = 0; i < n; i++)
		item[i] = (struct mcr_list_item){.id = b->id[i],
			.mtu = 1450,
			.port = 1,
			.maker = maker,
			.origins = 1 << MCR_ORIGIN_ACCESS};
	check(mcr_table_set(b->table, &key, mcr_list_build(item, n)) == 0, "no entry");
	mcr_reclaim_poll(b->reclaim);
}

static void
take_frames(struct bench *b, struct rte_mbuf **m)
{
	check(rte_pktmbuf_alloc_bulk(b->pools[0].payload, m, FRAMES) == 0, "payload pool is empty");
	for (unsigned i = 0; i < FRAMES; i++)
		m[i]->data_len = m[i]->pkt_len = b->frame_len;
}

static void
run_walk(struct bench *b, uint32_t n)
{
	struct rte_mbuf *m[FRAMES];

	(void)n;
	take_frames(b, m);
	rte_ring_sp_enqueue_bulk(b->wire, (void **)m, FRAMES, NULL);
	check(mcr_worker_turn(mcr_path_worker(b->path, 0)) == FRAMES, "frames are missing");
}

static void
send_all(struct bench *b, struct rte_mbuf **m, uint32_t n)
{
	check(rte_eth_tx_burst(b->out->id, 0, m, n) == n, "net_null refuses");
}

static void
run_floor(struct bench *b, uint32_t n)
{
	struct rte_mbuf *m[FRAMES];

	for (uint32_t k = 0; k < n; k++) {
		check(rte_mempool_get_bulk(b->pools[0].header, (void **)m, FRAMES) == 0, "headers");
		for (unsigned i = 0; i < FRAMES; i++) {
			memset((uint8_t *)m[i]->buf_addr + 32, 0, HEADER_LEN);
			m[i]->data_off = 32;
			m[i]->ol_flags = 0;
			m[i]->data_len = m[i]->pkt_len = HEADER_LEN;
		}
		send_all(b, m, FRAMES);
	}
}

static void
run_clone(struct bench *b, uint32_t n)
{
	struct rte_mbuf *in[FRAMES], *out[FRAMES];
	uint32_t n_out = 0;

	take_frames(b, in);
	for (unsigned i = 0; i < FRAMES; i++) {
		for (uint32_t k = 0; k < n; k++) {
			struct rte_mbuf *h = rte_pktmbuf_alloc(b->pools[0].header);
			struct rte_mbuf *c = rte_pktmbuf_clone(in[i], b->pools[0].payload);

			check(h && c, "pool is empty");
			h->data_off = 32;
			memset(rte_pktmbuf_append(h, HEADER_LEN), 0, HEADER_LEN);
			h->next = c;
			h->nb_segs = 2;
			h->pkt_len += c->pkt_len;
			out[n_out++] = h;
			if (n_out == FRAMES) {
				send_all(b, out, FRAMES);
				n_out = 0;
			}
		}
		rte_pktmbuf_free(in[i]);
	}
}

/* The best round: what the code costs when nobody disturbs it. */
static double
measure(struct bench *b, void (*run)(struct bench *b, uint32_t n), uint32_t n)
{
	uint64_t end = rte_rdtsc() + b->round_cycles, best = UINT64_MAX;
	uint32_t repeat = 1 + 256 / n;

	for (unsigned warm = 0; warm < 20; warm++)
		run(b, n);
	while (rte_rdtsc() < end) {
		uint64_t start = rte_rdtsc(), took;

		for (uint32_t i = 0; i < repeat; i++)
			run(b, n);
		took = rte_rdtsc() - start;
		best = RTE_MIN(best, took);
	}
	return (double)best / repeat / FRAMES / n;
}

int
main(int argc, char **argv)
{
	static const uint32_t fan_out[] = {1, 4, 8, 16, 64, 1024};
	static struct bench b;
	char arg[][24] = {"bench", "--no-huge", "-m", "256", "--no-pci", "--no-telemetry",
		"--no-shconf", "-l", "0", "--log-level=error"};
	char *eal[RTE_DIM(arg)];
	double seconds = argc > 1 ? atof(argv[1]) : 0.3;

	for (unsigned i = 0; i < RTE_DIM(arg); i++)
		eal[i] = arg[i];
	check(rte_eal_init(RTE_DIM(arg), eal) >= 0, "no EAL");
	b.frame_len = argc > 2 ? atoi(argv[2]) : 256;
	check(b.frame_len >= 60 && b.frame_len <= 1464, "frame bytes: 60 to 1464");
	b.round_cycles = seconds * rte_get_tsc_hz();
	setup(&b);
	if (argc > 3) {
		uint32_t n = atoi(argv[3]);

		check(n >= 1 && n <= MAX_FAN_OUT, "fan-out: 1 to 1024");
		set_fan_out(&b, n, MCR_MAKE_SHARE);
		printf("%.1f\n", measure(&b, run_walk, n));
		return 0;
	}
	printf("TSC cycles per copy, best round, frames of %u bytes\n", b.frame_len);
	printf("%8s %8s %8s %8s %8s %12s %12s\n", "fan-out", "share", "copy", "floor", "clone",
		"share/floor", "clone/share");
	for (unsigned i = 0; i < RTE_DIM(fan_out); i++) {
		double share, copy, least, clone;

		set_fan_out(&b, fan_out[i], MCR_MAKE_SHARE);
		share = measure(&b, run_walk, fan_out[i]);
		set_fan_out(&b, fan_out[i], MCR_MAKE_COPY);
		copy = measure(&b, run_walk, fan_out[i]);
		least = measure(&b, run_floor, fan_out[i]);
		clone = measure(&b, run_clone, fan_out[i]);
		printf("%8u %8.1f %8.1f %8.1f %8.1f %12.2f %12.2f\n", fan_out[i], share, copy,
			least, clone, share / least, clone / share);
	}
	return 0;
}
