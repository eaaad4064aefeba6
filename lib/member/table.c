/* SPDX-License-Identifier: BSD-3-Clause */
/* Chained hash tables, and sorted sets of addresses. */
#include "member/internal.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_SIZE 64

int
mcr_member_table_init(struct htable *t)
{
	t->slot = calloc(FIRST_SIZE, sizeof(*t->slot));
	if (t->slot == NULL)
		return -ENOMEM;
	t->mask = FIRST_SIZE - 1;
	t->count = 0;
	return 0;
}

void
mcr_member_table_fini(struct htable *t)
{
	free(t->slot);
	t->slot = NULL;
}

static void
grow(struct htable *t)
{
	uint64_t mask = 2 * t->mask + 1;
	struct hnode **slot = calloc(mask + 1, sizeof(*slot));

	/* Without memory the chains get longer; nothing is lost. */
	if (slot == NULL)
		return;
	for (uint64_t i = 0; i <= t->mask; i++) {
		struct hnode *n = t->slot[i];

		while (n != NULL) {
			struct hnode *next = n->next;

			n->next = slot[n->hash & mask];
			slot[n->hash & mask] = n;
			n = next;
		}
	}
	free(t->slot);
	t->slot = slot;
	t->mask = mask;
}

void
mcr_member_table_add(struct htable *t, struct hnode *n, uint64_t hash)
{
	if (t->count > t->mask)
		grow(t);
	n->hash = hash;
	n->next = t->slot[hash & t->mask];
	t->slot[hash & t->mask] = n;
	t->count++;
}

void
mcr_member_table_del(struct htable *t, struct hnode *n)
{
	struct hnode **at = &t->slot[n->hash & t->mask];

	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	t->count--;
}

static struct hnode *
same_hash(struct hnode *n, uint64_t hash)
{
	while (n != NULL && n->hash != hash)
		n = n->next;
	return n;
}

struct hnode *
mcr_member_table_find(const struct htable *t, uint64_t hash)
{
	return same_hash(t->slot[hash & t->mask], hash);
}

struct hnode *
mcr_member_table_next(const struct hnode *n)
{
	return same_hash(n->next, n->hash);
}

uint32_t
mcr_member_set_find(
	const struct mcr_addr *addr, uint32_t n, const struct mcr_addr *key, bool *is_found)
{
	uint32_t low = 0, high = n;

	*is_found = false;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int order = mcr_addr_cmp(&addr[mid], key);

		if (order == 0) {
			*is_found = true;
			return mid;
		}
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool
mcr_member_set_has(const struct mcr_addr *addr, uint32_t n, const struct mcr_addr *key)
{
	bool is_found;

	mcr_member_set_find(addr, n, key, &is_found);
	return is_found;
}

static int
by_address(const void *a, const void *b)
{
	return mcr_addr_cmp(a, b);
}

void
mcr_member_set_sort(struct addr_set *set)
{
	uint32_t n = 1;

	if (set->n < 2)
		return;
	qsort(set->addr, set->n, sizeof(*set->addr), by_address);
	for (uint32_t i = 1; i < set->n; i++) {
		if (!mcr_addr_eq(&set->addr[i], &set->addr[n - 1]))
			set->addr[n++] = set->addr[i];
	}
	set->n = n;
}
