/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_PATH_INTERNAL_H
#define MCR_PATH_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_ring.h>
#include <rte_spinlock.h>

#include "base/stat.h"
#include "path/burst.h"
#include "path/punt.h"
#include "path/worker.h"
#include "pkt/encap.h"

/*
 * The inside of the data path. Who writes what: a struct mcr_worker belongs to its worker alone,
 * except `up` (consumer: main), `down` (producer: main) and the atomics; a struct mcr_plan is
 * immutable from its publication to its release; struct mcr_path is the main lcore's.
 */

/* Copies that wait for one transmit call. 32 at a time is the cheapest (tests/bench). */
#define MCR_TX_BUFFER 64
#define MCR_TX_BURST 32
/* Mbufs that a worker takes from a pool at once; what an idle turn finds here goes back. */
#define MCR_STASH 64
/* Copies worked on together, of at most so many frames. */
#define MCR_TILE 64
#define MCR_TILE_FRAMES 4
/* A worker asks for at most so many next hops a turn. */
#define MCR_RESOLVE_PER_TURN 4
#define MCR_RING_SIZE 1024
#define MCR_INJECT_PER_TURN 64

_Static_assert(MCR_MAX_PORTS <= 64, "ports with something to send are bits of one word");

struct mcr_tx {
	/* Two variants, chosen when the plan is built: plain, or with the queue's lock. */
	uint16_t (*burst)(const struct mcr_tx *tx, struct rte_mbuf **m, uint16_t n);
	rte_spinlock_t *lock;
	uint16_t ethdev, queue;
	bool is_up;
	uint16_t copy_below; /* shorter frames are copied even in a share lane */
	uint16_t max_segs;   /* of one sent packet */
};

struct mcr_rx {
	uint16_t ethdev, queue;
	uint8_t port;
	bool is_up; /* polled; else it only keeps its worker */
	bool has_interrupt;
};

/* A snapshot and what each worker does with its ports. One pointer publishes both. */
struct mcr_plan {
	struct mcr_snap *snap;
	struct mcr_path *path;
	uint64_t replaced_by; /* generation; set before the plan is retired */
	unsigned n_workers;
	struct mcr_worker_plan {
		struct mcr_rx *rx;
		uint32_t n_rx;
		struct mcr_tx tx[MCR_MAX_PORTS];
	} worker[];
};

struct mcr_txbuf {
	uint32_t n;
	uint64_t bytes;
	struct rte_mbuf *mbuf[MCR_TX_BUFFER];
};

struct mcr_stash {
	struct rte_mempool *pool;
	uint32_t n;
	struct rte_mbuf *mbuf[MCR_STASH];
};

/* One frame while it is replicated. */
struct mcr_frame {
	struct rte_mbuf *mbuf; /* the shared payload: starts behind the Ethernet header and tags */
	struct mcr_vary vary;
	uint32_t len;         /* of the payload; vary has it in 16 bits */
	uint32_t n_shared;    /* references raised for share copies */
	uint32_t n_unmade;    /* of those, not made */
	uint32_t n_copies;    /* made or lost with a reason */
	uint32_t n_resolving; /* main's now: a copy when main has it sent */
	uint16_t segment;
	uint8_t layout; /* of patch; MCR_LAYOUT_NONE: not made yet */
	/* What the headers of one layout get from this frame, behind scratch bytes. */
	uint8_t patch[MCR_ENCAP_SCRATCH + MCR_ENCAP_ROOM] __rte_aligned(32);
};

struct mcr_worker {
	struct mcr_path *path;
	const struct mcr_plan *plan; /* of this turn */
	const struct mcr_snap *snap;
	const struct mcr_worker_plan *mine;
	struct mcr_stat_block *stat;
	const struct mcr_targets *targets;
	struct mcr_target_stat *target_stat; /* [id] */
	const struct mcr_table *table;
	unsigned index;
	uint32_t resolve_left;
	bool has_punted;
	uint64_t now;        /* TSC at the start of the turn */
	uint64_t tx_pending; /* bit = port */
	struct mcr_stash header, copy;
	struct mcr_frame frame[MCR_BURST];
	struct mcr_burst burst;
	struct mcr_txbuf tx[MCR_MAX_PORTS];

	/* Cold from here on. */
	const struct mcr_pools *pools;
	struct rte_ring *up, *down;
	atomic_uint_fast64_t
		injected; /* frames taken from `down` and sent, or dropped with a reason */
	_Atomic(struct mcr_stat_block *) shown_stat; /* for the main lcore */
	atomic_int cpu;                              /* -1: not running */
	uint64_t last_tsc;                           /* end of the turn before */
	uint32_t n_empty;                            /* turns in a row without a frame */
	uint32_t nap_us;
	uint64_t watched; /* generation whose queues are in the thread's epoll set */
	bool is_watching; /* all of them */
} __rte_cache_aligned;

struct mcr_tx_lock {
	rte_spinlock_t lock;
} __rte_cache_aligned;

struct mcr_path {
	struct mcr_path_param param;
	_Atomic(const struct mcr_plan *) plan;
	struct mcr_worker **worker;
	struct mcr_tx_lock
		*lock; /* [port][queue]; outlive every plan, as two may be in use at once */
	struct rte_mempool *control; /* for the main lcore; workers may use that of their socket */
	atomic_bool must_stop;
	atomic_int idle; /* enum mcr_idle */
	int punt_fd;
	atomic_bool is_kicked; /* punt_fd was written and not yet read */
	unsigned next_up;      /* worker whose ring is polled first */
	uint64_t n_injected;   /* frames put into the ring of worker 0 */
	uint64_t quiet;        /* newest generation that every worker uses */
};

/* The stages, in the order of a turn. */
uint32_t mcr_stage_rx(struct mcr_worker *w, const struct mcr_rx *rx);
void mcr_stage_sort(struct mcr_worker *w);
void mcr_stage_overlay(struct mcr_worker *w);
void mcr_stage_lookup(struct mcr_worker *w);
void mcr_stage_replicate(struct mcr_worker *w);
void mcr_stage_inject(struct mcr_worker *w);
void mcr_stage_tx(struct mcr_worker *w);

/* rx.c: (re)read the head of a frame and parse it. -1 or an enum mcr_drop. */
int mcr_frame_parse(struct mcr_burst *b, unsigned i, unsigned flags);
/* rx.c: make the bytes of a frame private. 0, or -ENOMEM: nothing changed. */
int mcr_frame_own(struct mcr_worker *w, unsigned i);
/* Free a frame and count it. */
void mcr_frame_drop(struct mcr_worker *w, unsigned i, enum mcr_drop why);
/* punt.c: copy the frame to main; consumes it. */
void mcr_frame_punt(struct mcr_worker *w, unsigned i, enum mcr_punt_kind kind);
/* punt.c: a finished copy whose next hop is unknown. Consumes m. False: ring full, m freed. */
bool mcr_punt_resolve(struct mcr_worker *w, struct rte_mbuf *m);
void mcr_punt_kick(struct mcr_worker *w);

/* lane.c */
struct mcr_run {
	const struct mcr_list *list;
	struct mcr_group_stat *stat; /* NULL: none */
	struct mcr_frame *frame;
	uint32_t n;
	uint8_t port, origin; /* of arrival */
};
void mcr_run_send(struct mcr_worker *w, const struct mcr_run *run);

/* tx.c */
void mcr_tx_send(struct mcr_worker *w, unsigned port);
uint16_t mcr_tx_plain(const struct mcr_tx *tx, struct rte_mbuf **m, uint16_t n);
uint16_t mcr_tx_locked(const struct mcr_tx *tx, struct rte_mbuf **m, uint16_t n);

/* idle.c: after a turn without frames. */
void mcr_idle(struct mcr_worker *w);

/* plan.c */
const struct mcr_plan *mcr_path_plan(const struct mcr_path *p);
void mcr_plan_free(const struct mcr_plan *plan);

static inline rte_spinlock_t *
mcr_path_lock(struct mcr_path *p, unsigned port, unsigned queue)
{
	return &p->lock[port * p->param.n_workers + queue].lock;
}

#endif
