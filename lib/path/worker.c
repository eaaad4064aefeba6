/* SPDX-License-Identifier: BSD-3-Clause */
#include "path/worker.h"

#include "path/internal.h"

#include <rte_cycles.h>
#include <rte_debug.h>
#include <rte_lcore.h>
#include <rte_mempool.h>

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct mcr_worker *worker_create(struct mcr_path *p, unsigned index);
static void worker_free(struct mcr_worker *w);
static void use_socket(struct mcr_worker *w, int socket);
static void ring_free(struct rte_ring *r);
static uint32_t walk(struct mcr_worker *w, const struct mcr_rx *rx);
static void count_turn(struct mcr_worker *w, uint32_t n_frames);
static void stash_return(struct mcr_stash *s);

struct mcr_path *
mcr_path_create(const struct mcr_path_param *param)
{
	struct mcr_path *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->param = *param;
	p->punt_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	p->worker = calloc(param->n_workers, sizeof(*p->worker));
	p->lock = aligned_alloc(
		RTE_CACHE_LINE_SIZE, (size_t)MCR_MAX_PORTS * param->n_workers * sizeof(*p->lock));
	if (p->punt_fd < 0 || !p->worker || !p->lock)
		goto failed;
	memset(p->lock, 0, (size_t)MCR_MAX_PORTS * param->n_workers * sizeof(*p->lock));
	atomic_init(&p->idle, param->idle);
	for (unsigned i = 0; i < param->n_workers; i++) {
		p->worker[i] = worker_create(p, i);
		if (!p->worker[i])
			goto failed;
	}
	p->control = p->worker[0]->pools->control;
	return p;

failed:
	mcr_path_free(p);
	errno = ENOMEM;
	return NULL;
}

void
mcr_path_free(struct mcr_path *p)
{
	if (!p)
		return;
	for (unsigned i = 0; p->worker && i < p->param.n_workers; i++)
		worker_free(p->worker[i]);
	/* Workers are offline now: older plans are released before what they point at goes. */
	mcr_reclaim_poll(p->param.reclaim);
	mcr_plan_free(mcr_path_plan(p));
	if (p->punt_fd >= 0)
		close(p->punt_fd);
	free(p->worker);
	free(p->lock);
	free(p);
}

struct mcr_worker *
mcr_path_worker(struct mcr_path *p, unsigned index)
{
	return p->worker[index];
}

void
mcr_path_set_idle(struct mcr_path *p, enum mcr_idle idle)
{
	atomic_store_explicit(&p->idle, idle, memory_order_relaxed);
}

void
mcr_path_stop(struct mcr_path *p)
{
	atomic_store_explicit(&p->must_stop, true, memory_order_release);
}

/* The walk of a packet, one stage a file. */
unsigned
mcr_worker_turn(struct mcr_worker *w)
{
	struct mcr_path *p = w->path;
	uint32_t n = 0;

	w->plan = atomic_load_explicit(&p->plan, memory_order_acquire);
	w->now = rte_rdtsc();
	if (likely(w->plan)) {
		w->snap = w->plan->snap;
		w->mine = &w->plan->worker[w->index];
		w->stat = mcr_stat_mine();
		w->resolve_left = MCR_RESOLVE_PER_TURN;
		for (uint32_t i = 0; i < w->mine->n_rx; i++)
			if (w->mine->rx[i].is_up)
				n += walk(w, &w->mine->rx[i]);
		if (w->index == 0)
			mcr_stage_inject(w);
		mcr_stage_tx(w);
		mcr_punt_kick(w);
		count_turn(w, n);
	}
	mcr_reclaim_quiescent(p->param.reclaim, w->index);
	return n;
}

int
mcr_worker_loop(void *worker)
{
	struct mcr_worker *w = worker;
	struct mcr_path *p = w->path;

	use_socket(w, (int)rte_socket_id());
	w->last_tsc = rte_rdtsc();
	atomic_store_explicit(&w->cpu, sched_getcpu(), memory_order_relaxed);
	mcr_reclaim_online(p->param.reclaim, w->index);
	while (!atomic_load_explicit(&p->must_stop, memory_order_acquire)) {
		if (mcr_worker_turn(w))
			w->n_empty = 0;
		else
			mcr_idle(w);
	}
	mcr_worker_turn(w);
	mcr_reclaim_offline(p->param.reclaim, w->index);
	stash_return(&w->header);
	stash_return(&w->copy);
	atomic_store_explicit(&w->cpu, -1, memory_order_relaxed);
	return 0;
}

void
mcr_worker_stat(const struct mcr_path *p, unsigned index, struct mcr_worker_stat *s)
{
	const struct mcr_worker *w = p->worker[index];
	const struct mcr_stat_block *b = atomic_load(&w->shown_stat);

	memset(s, 0, sizeof(*s));
	s->cpu = atomic_load(&w->cpu);
	s->idle = atomic_load(&p->idle);
	if (!b)
		return;
	s->turns = b->turns;
	s->busy_turns = b->busy_turns;
	s->busy_cycles = b->busy_cycles;
	s->idle_cycles = b->idle_cycles;
	s->copies = b->copies;
	for (unsigned i = 0; i < MCR_MAX_PORTS; i++)
		s->rx_packets += b->port[i].rx_packets;
}

static uint32_t
walk(struct mcr_worker *w, const struct mcr_rx *rx)
{
	uint32_t n = mcr_stage_rx(w, rx);

	if (n) {
		mcr_stage_sort(w);
		mcr_stage_overlay(w);
		mcr_stage_lookup(w);
		mcr_stage_replicate(w);
	}
	return n;
}

/* One time stamp a turn: the turn before it, naps included, ends where this one starts. */
static void
count_turn(struct mcr_worker *w, uint32_t n_frames)
{
	struct mcr_stat_block *s = w->stat;
	uint64_t end = rte_rdtsc();

	s->idle_cycles += w->now - w->last_tsc;
	s->turns++;
	if (n_frames) {
		s->busy_turns++;
		s->busy_cycles += end - w->now;
	} else {
		s->idle_cycles += end - w->now;
		/* Buffers are worth keeping from turn to turn only while there is traffic. */
		stash_return(&w->header);
		stash_return(&w->copy);
	}
	w->last_tsc = end;
	atomic_store_explicit(&w->shown_stat, s, memory_order_relaxed);
}

static void
stash_return(struct mcr_stash *s)
{
	if (s->n)
		rte_mempool_put_bulk(s->pool, (void **)s->mbuf, s->n);
	s->n = 0;
}

static struct mcr_worker *
worker_create(struct mcr_path *p, unsigned index)
{
	struct mcr_worker *w = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*w));
	char name[RTE_RING_NAMESIZE];

	if (!w)
		return NULL;
	memset(w, 0, sizeof(*w));
	w->path = p;
	w->index = index;
	w->table = p->param.table;
	w->targets = p->param.targets;
	w->target_stat = p->param.targets->stat[index];
	atomic_init(&w->cpu, -1);
	use_socket(w, p->param.socket);
	snprintf(name, sizeof(name), "mcr_up_%u", index);
	w->up = rte_ring_create(
		name, MCR_RING_SIZE, p->param.socket, RING_F_SP_ENQ | RING_F_SC_DEQ);
	snprintf(name, sizeof(name), "mcr_down_%u", index);
	w->down = rte_ring_create(
		name, MCR_RING_SIZE, p->param.socket, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (!w->up || !w->down || mcr_reclaim_reader_add(p->param.reclaim, index)) {
		ring_free(w->up);
		ring_free(w->down);
		free(w);
		return NULL;
	}
	return w;
}

static void
worker_free(struct mcr_worker *w)
{
	if (!w)
		return;
	mcr_reclaim_offline(w->path->param.reclaim, w->index);
	stash_return(&w->header);
	stash_return(&w->copy);
	ring_free(w->up);
	ring_free(w->down);
	free(w);
}

/* The pools of that socket, or of the first that has some. */
static void
use_socket(struct mcr_worker *w, int socket)
{
	const struct mcr_pools *pools = w->path->param.pools;
	unsigned s = socket >= 0 && socket < RTE_MAX_NUMA_NODES ? (unsigned)socket : 0;

	for (unsigned k = 0; !pools[s].header && k < RTE_MAX_NUMA_NODES; k++)
		s = k;
	w->pools = &pools[s];
	w->header.pool = w->pools->header;
	w->copy.pool = w->pools->copy;
	/* Punted frames carry struct mcr_punt; a header mbuf carries scratch and template. */
	RTE_VERIFY(rte_pktmbuf_priv_size(w->pools->control) >= sizeof(struct mcr_punt));
	RTE_VERIFY(
		rte_pktmbuf_data_room_size(w->header.pool) >= MCR_ENCAP_SCRATCH + MCR_ENCAP_ROOM);
}

static void
ring_free(struct rte_ring *r)
{
	void *m;

	while (r && rte_ring_sc_dequeue(r, &m) == 0)
		rte_pktmbuf_free(m);
	rte_ring_free(r);
}
