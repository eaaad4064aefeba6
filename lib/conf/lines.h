/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_CONF_LINES_H
#define MCR_CONF_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A configuration is a set of canonical lines with keys: `set port lan mtu 9000` has the key
 * "port lan mtu". A new line replaces the line with the same key; `del` + key removes it. So save,
 * load, diff and undo need no knowledge of any feature. Lines are immutable and shared between
 * sets.
 *
 * Lookup by key is a hash; iteration is in the order of grammar rows, then by text with numbers
 * compared as numbers ("net_tap2" before "net_tap10").
 */
struct mcr_line {
	uint32_t row;     /* grammar row: the first sort key */
	const char *key;  /* without the verb */
	const char *text; /* canonical, with the verb */
	const char *file; /* where it was written; "" = console */
	unsigned line_no;
	const void *data; /* parsed form, copied; cli's struct mcr_args */
	size_t data_size;
	uint32_t refs;
};

struct mcr_lines;

struct mcr_lines *mcr_lines_create(void);
struct mcr_lines *mcr_lines_copy(const struct mcr_lines *ls); /* shares the lines */
void mcr_lines_free(struct mcr_lines *ls);
/* The strings and data of *l are copied. Returns the stored line, or NULL (ENOMEM). */
const struct mcr_line *mcr_lines_put(struct mcr_lines *ls, const struct mcr_line *l);
const struct mcr_line *mcr_lines_get(const struct mcr_lines *ls, const char *key);
int mcr_lines_del(struct mcr_lines *ls, const char *key); /* 0 or -ENOENT */
/* Remove the line and all lines whose key begins with "KEY ": an object with its attributes. */
unsigned mcr_lines_del_tree(struct mcr_lines *ls, const char *key);
uint32_t mcr_lines_count(const struct mcr_lines *ls);
/* In order; index 0 .. count - 1. Sorts when needed. */
const struct mcr_line *mcr_lines_at(const struct mcr_lines *ls, uint32_t index);
bool mcr_lines_is_equal(const struct mcr_lines *a, const struct mcr_lines *b);

/* Canonical text of all lines, one a row. Caller frees. */
char *mcr_lines_text(const struct mcr_lines *ls);
/* "- old" and "+ new" rows, in order; "" when equal. Caller frees. */
char *mcr_lines_diff(const struct mcr_lines *from, const struct mcr_lines *to);
/*
 * Write atomically: temporary file in the same directory, fsync, rename, fsync of the directory.
 * A symlink stays, its target is replaced; mode of an existing file is kept. 0 or -errno.
 */
int mcr_lines_save(const struct mcr_lines *ls, const char *path);

#endif
