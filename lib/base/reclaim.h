/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_BASE_RECLAIM_H
#define MCR_BASE_RECLAIM_H

#include <stddef.h>

/*
 * Deferred free of what lock-free readers may still hold (rte_rcu_qsbr). One instance per process.
 *
 * Rules: a reader registers once with its reader id (0 .. max_readers - 1, any thread), is online
 * while it runs turns, and calls quiescent at the end of each turn, when it holds no pointer any
 * more. Before it blocks it goes offline. The single writer (main lcore) unpublishes an object,
 * then retires it; poll, called once per control turn, runs the free function of everything whose
 * grace period is over. Nothing here ever waits. Memory of the retire list is allocated in chunks;
 * when that fails the object is leaked and counted rather than freed too early.
 */
struct mcr_reclaim;

struct mcr_reclaim *mcr_reclaim_create(unsigned max_readers);
/* All readers must be offline: frees what is still waiting. NULL is accepted. */
void mcr_reclaim_free(struct mcr_reclaim *r);

int mcr_reclaim_reader_add(struct mcr_reclaim *r, unsigned reader);
void mcr_reclaim_online(struct mcr_reclaim *r, unsigned reader);
void mcr_reclaim_offline(struct mcr_reclaim *r, unsigned reader);
void mcr_reclaim_quiescent(struct mcr_reclaim *r, unsigned reader);

/* Writer only. `release(arg, object)` runs in mcr_reclaim_poll after the grace period. */
void mcr_retire(
	struct mcr_reclaim *r, void (*release)(void *arg, void *object), void *arg, void *object);
/* Free what is due; returns how many objects still wait. */
size_t mcr_reclaim_poll(struct mcr_reclaim *r);
/* Objects that could not be queued for want of memory, and were never freed. */
size_t mcr_reclaim_leaked(const struct mcr_reclaim *r);

#endif
