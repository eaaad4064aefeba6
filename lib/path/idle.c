/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a worker does when a turn brought nothing. A sleeping worker is offline for RCU, so nobody
 * waits for it. Naps are 1 ms at most: that is how late a first frame, or a frame of the main
 * lcore, can be. Where all its ports have receive interrupts a frame wakes the worker, and it looks
 * after the main lcore's frames every 10 ms.
 */
#include "path/internal.h"

#include <rte_epoll.h>
#include <rte_ethdev.h>
#include <rte_pause.h>

#include <errno.h>
#include <time.h>

/* Turns without a frame before the first nap. */
#define EMPTY_TURNS 256
#define NAP_MIN_US 20
#define NAP_MAX_US 1000
#define WAIT_MS 10

static bool arm(struct mcr_worker *w);
static bool watch_queues(const struct mcr_worker_plan *mine);
static void disarm(struct mcr_worker *w);
static void nap(struct mcr_worker *w);

void
mcr_idle(struct mcr_worker *w)
{
	int idle = atomic_load_explicit(&w->path->idle, memory_order_relaxed);
	struct rte_epoll_event event[8];
	bool is_armed;

	if (idle == MCR_IDLE_POLL) {
		rte_pause();
		return;
	}
	if (w->n_empty == 0)
		w->nap_us = NAP_MIN_US;
	if (++w->n_empty < EMPTY_TURNS) {
		rte_pause();
		return;
	}
	is_armed = idle == MCR_IDLE_INTERRUPT && arm(w);
	mcr_reclaim_offline(w->path->param.reclaim, w->index);
	/* What woke us does not matter: the next turn looks at all queues. */
	if (is_armed)
		rte_epoll_wait(RTE_EPOLL_PER_THREAD, event, RTE_DIM(event), WAIT_MS);
	else
		nap(w);
	mcr_reclaim_online(w->path->param.reclaim, w->index);
	if (is_armed)
		disarm(w);
}

/*
 * Have every queue of the worker wake it. False: one of them cannot. Called behind the quiescent
 * state of the last turn, so the plan is loaded anew.
 */
static bool
arm(struct mcr_worker *w)
{
	const struct mcr_plan *plan = atomic_load_explicit(&w->path->plan, memory_order_acquire);
	const struct mcr_worker_plan *mine;

	if (!plan)
		return false;
	mine = &plan->worker[w->index];
	if (w->watched != plan->snap->generation) {
		w->watched = plan->snap->generation;
		w->is_watching = watch_queues(mine);
	}
	/* A driver whose descriptor is always armed has nothing to enable. */
	for (uint32_t i = 0; w->is_watching && i < mine->n_rx; i++)
		if (mine->rx[i].is_up)
			rte_eth_dev_rx_intr_enable(mine->rx[i].ethdev, mine->rx[i].queue);
	return w->is_watching;
}

/* A closed device leaves the thread's epoll set by itself. */
static bool
watch_queues(const struct mcr_worker_plan *mine)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < mine->n_rx; i++) {
		const struct mcr_rx *rx = &mine->rx[i];
		int ret;

		if (!rx->is_up)
			continue;
		if (!rx->has_interrupt)
			return false;
		ret = rte_eth_dev_rx_intr_ctl_q(
			rx->ethdev, rx->queue, RTE_EPOLL_PER_THREAD, RTE_INTR_EVENT_ADD, NULL);
		if (ret && ret != -EEXIST)
			return false;
		n++;
	}
	return n > 0;
}

static void
disarm(struct mcr_worker *w)
{
	const struct mcr_plan *plan = atomic_load_explicit(&w->path->plan, memory_order_acquire);
	const struct mcr_worker_plan *mine = &plan->worker[w->index];

	for (uint32_t i = 0; i < mine->n_rx; i++)
		if (mine->rx[i].is_up && mine->rx[i].has_interrupt)
			rte_eth_dev_rx_intr_disable(mine->rx[i].ethdev, mine->rx[i].queue);
}

static void
nap(struct mcr_worker *w)
{
	const struct timespec t = {.tv_nsec = (long)w->nap_us * 1000};

	/* A signal may cut it short: the next turn finds out whether there is work. */
	nanosleep(&t, NULL);
	w->nap_us = RTE_MIN(2 * w->nap_us, (uint32_t)NAP_MAX_US);
}
