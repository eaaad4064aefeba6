/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_EVENT_LOOP_H
#define MCR_EVENT_LOOP_H

#include <stdint.h>

#include "event/timer.h"

/*
 * The epoll loop of the main lcore. A callback may add and remove any descriptor, its own
 * included: an event that is already fetched for a removed descriptor is not delivered.
 */
struct mcr_loop;

typedef void mcr_loop_fn(void *arg, int fd, uint32_t epoll_events);

struct mcr_loop *mcr_loop_create(struct mcr_timers *timers);
void mcr_loop_free(struct mcr_loop *l);
int mcr_loop_add(struct mcr_loop *l, int fd, uint32_t epoll_events, mcr_loop_fn *fn, void *arg);
int mcr_loop_mod(struct mcr_loop *l, int fd, uint32_t epoll_events);
/* Does not close fd. */
void mcr_loop_del(struct mcr_loop *l, int fd);
/* Called after the descriptors and timers of every turn: list rebuilds, reclaim. */
void mcr_loop_on_turn(struct mcr_loop *l, void (*fn)(void *arg), void *arg);
/* One turn; waits at most max_wait_ms (-1: until an event or a timer). 0 or -errno. */
int mcr_loop_turn(struct mcr_loop *l, int max_wait_ms);
void mcr_loop_run(struct mcr_loop *l); /* until mcr_loop_stop */
void mcr_loop_stop(struct mcr_loop *l);

#endif
