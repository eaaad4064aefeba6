/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/reclaim.h"

#include <rte_common.h>
#include <rte_rcu_qsbr.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#define CHUNK_ITEMS 127

struct retired {
	uint64_t token;
	void (*release)(void *arg, void *object);
	void *arg;
	void *object;
};

struct chunk {
	struct chunk *next;
	unsigned first, end; /* items [first, end) wait */
	struct retired item[CHUNK_ITEMS];
};

/* A queue in the order of retirement, so that one look at the oldest tells whether any is due. */
struct mcr_reclaim {
	struct rte_rcu_qsbr *qsbr;
	struct chunk *head, *tail;
	struct chunk *spare; /* one emptied chunk: a steady trickle needs no malloc */
	size_t waiting;
	size_t leaked;
};

struct mcr_reclaim *
mcr_reclaim_create(unsigned max_readers)
{
	struct mcr_reclaim *r;
	size_t size;

	if (max_readers == 0)
		max_readers = 1;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	size = RTE_ALIGN_CEIL(rte_rcu_qsbr_get_memsize(max_readers), RTE_CACHE_LINE_SIZE);
	r->qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, size);
	if (r->qsbr == NULL) {
		free(r);
		errno = ENOMEM;
		return NULL;
	}
	/* Fails for a NULL pointer and for no reader only. */
	RTE_VERIFY(rte_rcu_qsbr_init(r->qsbr, max_readers) == 0);
	return r;
}

void
mcr_reclaim_free(struct mcr_reclaim *r)
{
	if (r == NULL)
		return;
	/* With every reader offline each poll empties the queue; a release may retire more. */
	while (r->waiting != 0)
		mcr_reclaim_poll(r);
	free(r->head);
	free(r->spare);
	free(r->qsbr);
	free(r);
}

int
mcr_reclaim_reader_add(struct mcr_reclaim *r, unsigned reader)
{
	return rte_rcu_qsbr_thread_register(r->qsbr, reader) == 0 ? 0 : -EINVAL;
}

void
mcr_reclaim_online(struct mcr_reclaim *r, unsigned reader)
{
	rte_rcu_qsbr_thread_online(r->qsbr, reader);
}

void
mcr_reclaim_offline(struct mcr_reclaim *r, unsigned reader)
{
	rte_rcu_qsbr_thread_offline(r->qsbr, reader);
}

void
mcr_reclaim_quiescent(struct mcr_reclaim *r, unsigned reader)
{
	rte_rcu_qsbr_quiescent(r->qsbr, reader);
}

/* The chunk with room for one more, or NULL. */
static struct chunk *
tail_with_room(struct mcr_reclaim *r)
{
	struct chunk *c = r->tail;

	if (c != NULL && c->end < CHUNK_ITEMS)
		return c;
	c = r->spare;
	r->spare = NULL;
	if (c == NULL)
		c = malloc(sizeof(*c));
	if (c == NULL)
		return NULL;
	c->next = NULL;
	c->first = c->end = 0;
	if (r->tail != NULL)
		r->tail->next = c;
	else
		r->head = c;
	r->tail = c;
	return c;
}

void
mcr_retire(struct mcr_reclaim *r, void (*release)(void *arg, void *object), void *arg, void *object)
{
	struct chunk *c = tail_with_room(r);

	if (c == NULL) {
		r->leaked++;
		return;
	}
	c->item[c->end++] = (struct retired){
		.token = rte_rcu_qsbr_start(r->qsbr),
		.release = release,
		.arg = arg,
		.object = object,
	};
	r->waiting++;
}

static void
drop_head_if_used_up(struct mcr_reclaim *r)
{
	struct chunk *c = r->head;

	if (c->first < CHUNK_ITEMS)
		return;
	r->head = c->next;
	if (r->head == NULL)
		r->tail = NULL;
	free(r->spare);
	r->spare = c;
}

size_t
mcr_reclaim_poll(struct mcr_reclaim *r)
{
	/* What a release retires waits for the next poll, so this one ends. */
	size_t n = r->waiting;

	for (; n > 0; n--) {
		struct chunk *c = r->head;
		struct retired due = c->item[c->first];

		if (rte_rcu_qsbr_check(r->qsbr, due.token, false) == 0)
			break;
		c->first++;
		r->waiting--;
		drop_head_if_used_up(r);
		due.release(due.arg, due.object);
	}
	return r->waiting;
}

size_t
mcr_reclaim_leaked(const struct mcr_reclaim *r)
{
	return r->leaked;
}
