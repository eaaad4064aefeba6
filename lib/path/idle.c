/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a worker does when a turn brought nothing. A sleeping worker is offline for RCU, so nobody
 * waits for it. Naps are 1 ms at most: that is how late a first frame, or a frame of the main
 * lcore, can be.
 */
#include "path/internal.h"

#include <rte_cycles.h>
#include <rte_epoll.h>
#include <rte_ethdev.h>
#include <rte_pause.h>

#include <time.h>

/* Turns without a frame before the first nap. */
#define EMPTY_TURNS 256
#define NAP_MIN_US 20
#define NAP_MAX_US 1000

static void nap(struct mcr_worker *w);

void
mcr_idle(struct mcr_worker *w)
{
	if (atomic_load_explicit(&w->path->idle, memory_order_relaxed) == MCR_IDLE_POLL) {
		rte_pause();
		return;
	}
	if (w->n_empty == 0)
		w->nap_us = NAP_MIN_US;
	if (++w->n_empty < EMPTY_TURNS) {
		rte_pause();
		return;
	}
	mcr_reclaim_offline(w->path->param.reclaim, w->index);
	nap(w);
	mcr_reclaim_online(w->path->param.reclaim, w->index);
}

static void
nap(struct mcr_worker *w)
{
	const struct timespec t = {.tv_nsec = (long)w->nap_us * 1000};

	/* A signal may cut it short: the next turn finds out whether there is work. */
	nanosleep(&t, NULL);
	w->nap_us = RTE_MIN(2 * w->nap_us, (uint32_t)NAP_MAX_US);
}
