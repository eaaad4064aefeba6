/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The plan: a snapshot, and which worker polls which queue and sends by which queue. A (port,
 * queue) pair stays with its worker as long as the port exists: two workers never poll one queue,
 * not even while one of them still walks with the plan before.
 */
#include "path/internal.h"

#include <rte_debug.h>

#include <errno.h>
#include <stdlib.h>

static struct mcr_plan *plan_create(struct mcr_path *p, struct mcr_snap *snap);
static int plan_rx(struct mcr_plan *plan, const struct mcr_plan *old, unsigned port);
static int worker_of(const struct mcr_plan *old, const struct mcr_rx *rx);
static unsigned least_loaded(const struct mcr_plan *plan);
static void plan_tx(struct mcr_plan *plan, unsigned port);
static void release_plan(void *path, void *plan);
static struct mcr_plan *writable(const struct mcr_plan *plan);

void
mcr_path_publish(struct mcr_path *p, struct mcr_snap *snap)
{
	const struct mcr_plan *old = mcr_path_plan(p);
	struct mcr_plan *plan = plan_create(p, snap);

	/* Publishing cannot fail: a commit has no way back here. */
	RTE_VERIFY(plan);
	atomic_store_explicit(&p->plan, plan, memory_order_release);
	if (old) {
		writable(old)->replaced_by = snap->generation;
		mcr_retire(p->param.reclaim, release_plan, p, writable(old));
	} else {
		p->quiet = snap->generation;
	}
}

const struct mcr_snap *
mcr_path_snap(const struct mcr_path *p)
{
	const struct mcr_plan *plan = mcr_path_plan(p);

	return plan ? plan->snap : NULL;
}

bool
mcr_path_is_quiet(const struct mcr_path *p, uint64_t generation)
{
	return p->quiet >= generation;
}

const struct mcr_plan *
mcr_path_plan(const struct mcr_path *p)
{
	return atomic_load_explicit(&p->plan, memory_order_relaxed);
}

void
mcr_plan_free(const struct mcr_plan *const_plan)
{
	struct mcr_plan *plan = writable(const_plan);

	if (!plan)
		return;
	for (unsigned i = 0; i < plan->n_workers; i++)
		free(plan->worker[i].rx);
	mcr_snap_free(plan->snap);
	free(plan);
}

static struct mcr_plan *
plan_create(struct mcr_path *p, struct mcr_snap *snap)
{
	const struct mcr_plan *old = mcr_path_plan(p);
	struct mcr_plan *plan;
	unsigned n = p->param.n_workers;

	plan = calloc(1, sizeof(*plan) + n * sizeof(plan->worker[0]));
	if (!plan)
		return NULL;
	plan->path = p;
	plan->snap = snap;
	plan->n_workers = n;
	for (unsigned port = 0; port < MCR_MAX_PORTS; port++) {
		if (!snap->port[port].port)
			continue;
		plan_tx(plan, port);
		if (plan_rx(plan, old, port)) {
			plan->snap = NULL;
			mcr_plan_free(plan);
			return NULL;
		}
	}
	return plan;
}

/* Queues that were there keep their worker, first; new ones go where there are fewest. */
static int
plan_rx(struct mcr_plan *plan, const struct mcr_plan *old, unsigned port)
{
	const struct mcr_port *dev = plan->snap->port[port].port;

	for (unsigned q = 0; q < dev->n_rx; q++) {
		struct mcr_rx rx = {.ethdev = dev->id,
			.queue = q,
			.port = port,
			.is_up = plan->snap->port[port].is_up,
			.has_interrupt = dev->cap.has_rx_interrupt};
		int worker = worker_of(old, &rx);
		struct mcr_worker_plan *wp =
			&plan->worker[worker < 0 ? least_loaded(plan) : (unsigned)worker];
		struct mcr_rx *bigger = realloc(wp->rx, (wp->n_rx + 1) * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		wp->rx = bigger;
		wp->rx[wp->n_rx++] = rx;
	}
	return 0;
}

/* -1: nobody polled it. */
static int
worker_of(const struct mcr_plan *old, const struct mcr_rx *rx)
{
	for (unsigned i = 0; old && i < old->n_workers; i++)
		for (uint32_t k = 0; k < old->worker[i].n_rx; k++) {
			const struct mcr_rx *o = &old->worker[i].rx[k];

			if (o->ethdev == rx->ethdev && o->queue == rx->queue)
				return i;
		}
	return -1;
}

static unsigned
least_loaded(const struct mcr_plan *plan)
{
	unsigned best = 0;

	for (unsigned i = 1; i < plan->n_workers; i++)
		if (plan->worker[i].n_rx < plan->worker[best].n_rx)
			best = i;
	return best;
}

static void
plan_tx(struct mcr_plan *plan, unsigned port)
{
	const struct mcr_snap_port *sp = &plan->snap->port[port];
	const struct mcr_port *dev = sp->port;
	bool is_locked = sp->tx_locked || dev->n_tx < plan->n_workers;

	for (unsigned i = 0; i < plan->n_workers; i++) {
		unsigned queue = i % RTE_MAX(dev->n_tx, 1);

		plan->worker[i].tx[port] = (struct mcr_tx){
			.burst = is_locked ? mcr_tx_locked : mcr_tx_plain,
			.lock = mcr_path_lock(plan->path, port, queue),
			.ethdev = dev->id,
			.queue = queue,
			.is_up = sp->is_up,
			.copy_below = dev->cap.copy_below,
			.max_segs = dev->cap.max_segs ? dev->cap.max_segs : UINT16_MAX,
		};
	}
}

/* The grace period of the old plan is over: every worker walks with a later one. */
static void
release_plan(void *path, void *plan)
{
	struct mcr_path *p = path;
	const struct mcr_plan *old = plan;

	p->quiet = RTE_MAX(p->quiet, old->replaced_by);
	mcr_plan_free(old);
}

/* Const for workers; the main lcore made it. */
static struct mcr_plan *
writable(const struct mcr_plan *plan)
{
	union {
		const struct mcr_plan *reader;
		struct mcr_plan *owner;
	} u = {.reader = plan};

	return u.owner;
}
