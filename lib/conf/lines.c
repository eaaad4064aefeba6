/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf/lines.h"

#include <ctype.h>
#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define MIN_SLOTS 64 /* a power of two */

/* Open addressing with linear probing; at most half full, so that probes stay short. */
struct mcr_lines {
	struct mcr_line **slot;
	uint32_t n_slots, count;
	struct mcr_line **order; /* sorted; valid while is_sorted */
	bool is_sorted;
};

static uint32_t
hash_key(const char *key)
{
	uint32_t h = 2166136261u; /* FNV-1a: keys are typed by the operator, not by the network */

	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * 16777619u;
	return h ^ (h >> 15);
}

struct mcr_lines *
mcr_lines_create(void)
{
	struct mcr_lines *ls = calloc(1, sizeof(*ls));

	if (ls == NULL)
		return NULL;
	ls->n_slots = MIN_SLOTS;
	ls->slot = calloc(ls->n_slots, sizeof(struct mcr_line *));
	if (ls->slot == NULL) {
		free(ls);
		return NULL;
	}
	return ls;
}

static void
release(struct mcr_line *line)
{
	if (--line->refs == 0)
		free(line);
}

void
mcr_lines_free(struct mcr_lines *ls)
{
	if (ls == NULL)
		return;
	for (uint32_t i = 0; i < ls->n_slots; i++) {
		if (ls->slot[i] != NULL)
			release(ls->slot[i]);
	}
	free(ls->slot);
	free(ls->order);
	free(ls);
}

struct mcr_lines *
mcr_lines_copy(const struct mcr_lines *ls)
{
	struct mcr_lines *copy = calloc(1, sizeof(*copy));

	if (copy == NULL)
		return NULL;
	copy->n_slots = ls->n_slots;
	copy->count = ls->count;
	copy->slot = malloc(ls->n_slots * sizeof(struct mcr_line *));
	if (copy->slot == NULL) {
		free(copy);
		return NULL;
	}
	memcpy(copy->slot, ls->slot, ls->n_slots * sizeof(struct mcr_line *));
	for (uint32_t i = 0; i < copy->n_slots; i++) {
		if (copy->slot[i] != NULL)
			copy->slot[i]->refs++;
	}
	return copy;
}

/* The slot of the key, or the free one where it would go. */
static uint32_t
find_slot(const struct mcr_lines *ls, const char *key)
{
	uint32_t i = hash_key(key) & (ls->n_slots - 1);

	while (ls->slot[i] != NULL && strcmp(ls->slot[i]->key, key) != 0)
		i = (i + 1) & (ls->n_slots - 1);
	return i;
}

static int
grow(struct mcr_lines *ls)
{
	struct mcr_lines bigger = {.n_slots = 2 * ls->n_slots};

	bigger.slot = calloc(bigger.n_slots, sizeof(struct mcr_line *));
	if (bigger.slot == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < ls->n_slots; i++) {
		if (ls->slot[i] != NULL)
			bigger.slot[find_slot(&bigger, ls->slot[i]->key)] = ls->slot[i];
	}
	free(ls->slot);
	ls->slot = bigger.slot;
	ls->n_slots = bigger.n_slots;
	return 0;
}

/* One block: the line, its data, its strings. */
static struct mcr_line *
clone(const struct mcr_line *l)
{
	const char *file = l->file == NULL ? "" : l->file;
	const size_t key = strlen(l->key) + 1, text = strlen(l->text) + 1, name = strlen(file) + 1;
	const size_t align = alignof(max_align_t);
	const size_t data_at = (sizeof(*l) + align - 1) / align * align;
	struct mcr_line *line = malloc(data_at + l->data_size + key + text + name);
	char *at = (char *)line;

	if (line == NULL)
		return NULL;
	*line = *l;
	line->refs = 1;
	line->data = NULL;
	at += data_at;
	if (l->data_size > 0)
		line->data = memcpy(at, l->data, l->data_size);
	at += l->data_size;
	line->key = memcpy(at, l->key, key);
	at += key;
	line->text = memcpy(at, l->text, text);
	at += text;
	line->file = memcpy(at, file, name);
	return line;
}

const struct mcr_line *
mcr_lines_put(struct mcr_lines *ls, const struct mcr_line *l)
{
	struct mcr_line *line;
	uint32_t i;

	if (2 * (ls->count + 1) > ls->n_slots && grow(ls) < 0)
		return NULL;
	line = clone(l);
	if (line == NULL)
		return NULL;
	i = find_slot(ls, line->key);
	if (ls->slot[i] != NULL)
		release(ls->slot[i]);
	else
		ls->count++;
	ls->slot[i] = line;
	ls->is_sorted = false;
	return line;
}

const struct mcr_line *
mcr_lines_get(const struct mcr_lines *ls, const char *key)
{
	return ls->slot[find_slot(ls, key)];
}

int
mcr_lines_del(struct mcr_lines *ls, const char *key)
{
	const uint32_t mask = ls->n_slots - 1;
	uint32_t hole = find_slot(ls, key);

	if (ls->slot[hole] == NULL)
		return -ENOENT;
	release(ls->slot[hole]);
	ls->slot[hole] = NULL;
	/* Close the gap: a line whose probe path crosses the hole moves into it. */
	for (uint32_t i = (hole + 1) & mask; ls->slot[i] != NULL; i = (i + 1) & mask) {
		const uint32_t home = hash_key(ls->slot[i]->key) & mask;

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		ls->slot[hole] = ls->slot[i];
		ls->slot[i] = NULL;
		hole = i;
	}
	ls->count--;
	ls->is_sorted = false;
	return 0;
}

/* Digits as numbers, everything else as bytes. */
static int
compare_text(const char *a, const char *b)
{
	while (*a != '\0' && *b != '\0') {
		size_t na, nb;
		int diff;

		if (!isdigit((unsigned char)*a) || !isdigit((unsigned char)*b)) {
			if (*a != *b)
				return (unsigned char)*a - (unsigned char)*b;
			a++;
			b++;
			continue;
		}
		while (*a == '0' && isdigit((unsigned char)a[1]))
			a++;
		while (*b == '0' && isdigit((unsigned char)b[1]))
			b++;
		na = strspn(a, "0123456789");
		nb = strspn(b, "0123456789");
		if (na != nb)
			return na < nb ? -1 : 1;
		diff = memcmp(a, b, na);
		if (diff != 0)
			return diff;
		a += na;
		b += nb;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

static int
compare_lines(const struct mcr_line *a, const struct mcr_line *b)
{
	int diff;

	if (a->row != b->row)
		return a->row < b->row ? -1 : 1;
	diff = compare_text(a->text, b->text);
	/* "a01" and "a1" are equal as numbers but not as lines. */
	return diff != 0 ? diff : strcmp(a->text, b->text);
}

static int
compare_for_sort(const void *a, const void *b)
{
	return compare_lines(*(struct mcr_line *const *)a, *(struct mcr_line *const *)b);
}

/* The order is a cache of the set: filling it does not change the set. */
static struct mcr_line *const *
sorted(const struct mcr_lines *const_ls)
{
	struct mcr_lines *ls = (struct mcr_lines *)(uintptr_t)const_ls;
	struct mcr_line **order;
	uint32_t n = 0;

	if (ls->is_sorted)
		return ls->order;
	order = realloc(ls->order, (ls->count + 1) * sizeof(struct mcr_line *));
	if (order == NULL)
		return NULL;
	for (uint32_t i = 0; i < ls->n_slots; i++) {
		if (ls->slot[i] != NULL)
			order[n++] = ls->slot[i];
	}
	qsort(order, n, sizeof(struct mcr_line *), compare_for_sort);
	ls->order = order;
	ls->is_sorted = true;
	return order;
}

unsigned
mcr_lines_del_tree(struct mcr_lines *ls, const char *key)
{
	const size_t len = strlen(key);
	unsigned n = 0;

	/* A deletion moves later lines into the hole, so the slot is looked at again. */
	for (uint32_t i = 0; i < ls->n_slots;) {
		const struct mcr_line *line = ls->slot[i];

		if (line != NULL && strncmp(line->key, key, len) == 0 && line->key[len] == ' ')
			n += mcr_lines_del(ls, line->key) == 0;
		else
			i++;
	}
	/* Last: the caller's key may be the text of this very line. */
	return n + (mcr_lines_del(ls, key) == 0);
}

uint32_t
mcr_lines_count(const struct mcr_lines *ls)
{
	return ls->count;
}

const struct mcr_line *
mcr_lines_at(const struct mcr_lines *ls, uint32_t index)
{
	struct mcr_line *const *order = sorted(ls);

	return order == NULL || index >= ls->count ? NULL : order[index];
}

bool
mcr_lines_is_equal(const struct mcr_lines *a, const struct mcr_lines *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->n_slots; i++) {
		const struct mcr_line *other;

		if (a->slot[i] == NULL)
			continue;
		other = mcr_lines_get(b, a->slot[i]->key);
		if (other == NULL || strcmp(other->text, a->slot[i]->text) != 0)
			return false;
	}
	return true;
}

char *
mcr_lines_text(const struct mcr_lines *ls)
{
	struct mcr_line *const *order = sorted(ls);
	size_t size = 1;
	char *text, *at;

	if (order == NULL)
		return NULL;
	for (uint32_t i = 0; i < ls->count; i++)
		size += strlen(order[i]->text) + 1;
	text = malloc(size);
	if (text == NULL)
		return NULL;
	at = text;
	for (uint32_t i = 0; i < ls->count; i++) {
		at = stpcpy(at, order[i]->text);
		*at++ = '\n';
	}
	*at = '\0';
	return text;
}

static char *
put_row(char *at, char sign, const struct mcr_line *line)
{
	*at++ = sign;
	*at++ = ' ';
	at = stpcpy(at, line->text);
	*at++ = '\n';
	return at;
}

/* The line of the other set with the same key but another text. */
static const struct mcr_line *
replacement(const struct mcr_lines *other, const struct mcr_line *line)
{
	const struct mcr_line *l = mcr_lines_get(other, line->key);

	return l != NULL && strcmp(l->text, line->text) != 0 ? l : NULL;
}

char *
mcr_lines_diff(const struct mcr_lines *from, const struct mcr_lines *to)
{
	struct mcr_line *const *a = sorted(from), *const *b = sorted(to);
	uint32_t i = 0, j = 0;
	size_t size = 1;
	char *text, *at;

	if (a == NULL || b == NULL)
		return NULL;
	for (uint32_t k = 0; k < from->count; k++)
		size += strlen(a[k]->text) + 3;
	for (uint32_t k = 0; k < to->count; k++)
		size += strlen(b[k]->text) + 3;
	at = text = malloc(size);
	if (text == NULL)
		return NULL;
	while (i < from->count || j < to->count) {
		int side = i == from->count ? 1 : j == to->count ? -1 : compare_lines(a[i], b[j]);

		if (side == 0) {
			i++;
			j++;
		} else if (side < 0) {
			const struct mcr_line *new = replacement(to, a[i]);

			at = put_row(at, '-', a[i++]);
			if (new != NULL)
				at = put_row(at, '+', new);
		} else {
			/* A changed line stands behind its old form, wherever that sorts. */
			if (replacement(from, b[j]) == NULL)
				at = put_row(at, '+', b[j]);
			j++;
		}
	}
	*at = '\0';
	return text;
}
