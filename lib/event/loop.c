/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/loop.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_PER_TURN 64

/* What a descriptor number stands for at the moment. fn == NULL: nothing. */
struct watch {
	mcr_loop_fn *fn;
	void *arg;
	/* Tells this use of the number from an earlier one, whose events may still be fetched. */
	uint32_t generation;
};

struct mcr_loop {
	int epoll_fd;
	bool stop;
	struct mcr_timers *timers;
	struct watch *watch; /* by descriptor number */
	unsigned n_watches;
	void (*on_turn)(void *arg);
	void *on_turn_arg;
};

struct mcr_loop *
mcr_loop_create(struct mcr_timers *timers)
{
	struct mcr_loop *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->timers = timers;
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll_fd < 0) {
		free(l);
		return NULL;
	}
	return l;
}

void
mcr_loop_free(struct mcr_loop *l)
{
	if (l == NULL)
		return;
	close(l->epoll_fd);
	free(l->watch);
	free(l);
}

static int
grow(struct mcr_loop *l, unsigned fd)
{
	unsigned n = l->n_watches != 0 ? l->n_watches : 64;
	struct watch *grown;

	while (n <= fd)
		n *= 2;
	grown = realloc(l->watch, n * sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	for (unsigned i = l->n_watches; i < n; i++)
		grown[i] = (struct watch){0};
	l->watch = grown;
	l->n_watches = n;
	return 0;
}

static struct epoll_event
event_for(const struct mcr_loop *l, int fd, uint32_t epoll_events)
{
	return (struct epoll_event){
		.events = epoll_events,
		.data.u64 = (uint64_t)l->watch[fd].generation << 32 | (uint32_t)fd,
	};
}

int
mcr_loop_add(struct mcr_loop *l, int fd, uint32_t epoll_events, mcr_loop_fn *fn, void *arg)
{
	struct epoll_event ev;

	if (fd < 0)
		return -EBADF;
	if ((unsigned)fd >= l->n_watches && grow(l, fd) != 0)
		return -ENOMEM;
	if (l->watch[fd].fn != NULL)
		return -EEXIST;
	l->watch[fd].generation++;
	ev = event_for(l, fd, epoll_events);
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0)
		return -errno;
	l->watch[fd].fn = fn;
	l->watch[fd].arg = arg;
	return 0;
}

static bool
is_watched(const struct mcr_loop *l, int fd)
{
	return fd >= 0 && (unsigned)fd < l->n_watches && l->watch[fd].fn != NULL;
}

int
mcr_loop_mod(struct mcr_loop *l, int fd, uint32_t epoll_events)
{
	struct epoll_event ev;

	if (!is_watched(l, fd))
		return -ENOENT;
	ev = event_for(l, fd, epoll_events);
	return epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, fd, &ev) == 0 ? 0 : -errno;
}

void
mcr_loop_del(struct mcr_loop *l, int fd)
{
	if (!is_watched(l, fd))
		return;
	/* A failure means that fd was closed before, which took it out of the set as well. */
	epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	l->watch[fd].fn = NULL;
	l->watch[fd].arg = NULL;
}

void
mcr_loop_on_turn(struct mcr_loop *l, void (*fn)(void *arg), void *arg)
{
	l->on_turn = fn;
	l->on_turn_arg = arg;
}

static void
deliver(struct mcr_loop *l, const struct epoll_event *ev)
{
	int fd = (int)(uint32_t)ev->data.u64;
	uint32_t generation = ev->data.u64 >> 32;
	struct watch w;

	if (!is_watched(l, fd) || l->watch[fd].generation != generation)
		return;
	/* A copy: the callback may add descriptors, which moves the array. */
	w = l->watch[fd];
	w.fn(w.arg, fd, ev->events);
}

static int
wait_ms(const struct mcr_loop *l, int max_wait_ms)
{
	uint64_t next = mcr_timers_next(l->timers);
	uint64_t ms;

	if (next == UINT64_MAX)
		return max_wait_ms;
	/* Rounded up: a turn before the deadline would find nothing to do and spin. */
	ms = next / MCR_NS_PER_MS + (next % MCR_NS_PER_MS != 0);
	if (ms > INT_MAX)
		ms = INT_MAX;
	return max_wait_ms >= 0 && (uint64_t)max_wait_ms < ms ? max_wait_ms : (int)ms;
}

int
mcr_loop_turn(struct mcr_loop *l, int max_wait_ms)
{
	struct epoll_event ev[EVENTS_PER_TURN];
	int i, n;

	n = epoll_wait(l->epoll_fd, ev, EVENTS_PER_TURN, wait_ms(l, max_wait_ms));
	if (n < 0 && errno != EINTR)
		return -errno;
	for (i = 0; i < n; i++)
		deliver(l, &ev[i]);
	mcr_timers_run(l->timers);
	if (l->on_turn != NULL)
		l->on_turn(l->on_turn_arg);
	return 0;
}

void
mcr_loop_run(struct mcr_loop *l)
{
	while (!l->stop) {
		int rc = mcr_loop_turn(l, -1);

		/* epoll_wait fails otherwise only if the loop's own descriptor was closed. */
		assert(rc == 0);
		(void)rc;
	}
	l->stop = false;
}

void
mcr_loop_stop(struct mcr_loop *l)
{
	l->stop = true;
}
