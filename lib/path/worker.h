/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_PATH_WORKER_H
#define MCR_PATH_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/reclaim.h"
#include "group/table.h"
#include "path/snap.h"
#include "path/target.h"
#include "port/pool.h"

/*
 * The data path: a set of workers that walk packets through the stages of docs/architecture.md.
 * The main lcore creates it, publishes snapshots, and launches mcr_worker_loop on worker lcores; a
 * functional test calls mcr_worker_turn itself.
 */
enum mcr_idle {
	MCR_IDLE_POLL,      /* never sleep */
	MCR_IDLE_SLEEP,     /* short naps that grow up to 1 ms while nothing comes */
	MCR_IDLE_INTERRUPT, /* rx interrupts where every port of the worker has them, else as sleep
	                     */
};

struct mcr_path_param {
	unsigned n_workers;
	enum mcr_idle idle;
	struct mcr_table *table;
	struct mcr_targets *targets;
	struct mcr_reclaim *reclaim;   /* worker i is reader i */
	const struct mcr_pools *pools; /* per socket, [RTE_MAX_NUMA_NODES]; unused ones zero */
	int socket;                    /* of the rings */
};

struct mcr_path;
struct mcr_worker;

struct mcr_path *mcr_path_create(const struct mcr_path_param *p);
void mcr_path_free(struct mcr_path *p); /* workers have stopped */
struct mcr_worker *mcr_path_worker(struct mcr_path *p, unsigned index);

/*
 * Swap the snapshot (takes ownership; the old one is retired) and spread the (port, queue) pairs of
 * all its ports over the workers. Ports that the old snapshot had and the new one has not are safe
 * to free once mcr_path_is_quiet(generation) says so.
 */
void mcr_path_publish(struct mcr_path *p, struct mcr_snap *snap);
const struct mcr_snap *mcr_path_snap(const struct mcr_path *p);
/* Has every running worker ended a turn since this snapshot generation was published? */
bool mcr_path_is_quiet(const struct mcr_path *p, uint64_t generation);
void mcr_path_set_idle(struct mcr_path *p, enum mcr_idle idle);

/* One pass over the worker's queues: rx, stages, inject, tx flush, quiescent. Frames received. */
unsigned mcr_worker_turn(struct mcr_worker *w);
/* lcore_function_t: turns until mcr_path_stop. */
int mcr_worker_loop(void *worker);
void mcr_path_stop(struct mcr_path *p);

/* Numbers of one worker for `show workers`, since start. */
struct mcr_worker_stat {
	uint64_t turns, busy_turns, busy_cycles, idle_cycles, rx_packets, copies;
	int cpu; /* -1: not running */
	enum mcr_idle idle;
};
void mcr_worker_stat(const struct mcr_path *p, unsigned index, struct mcr_worker_stat *s);

#endif
