/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/render.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELL_SIZE 1024 /* of one cell; longer text ends with "..." */
#define GAP 2

void
mcr_format_duration(double seconds, char *buf, size_t size)
{
	const uint64_t s = seconds > 0 ? (uint64_t)seconds : 0;

	snprintf(buf, size, "%" PRIu64 ":%02u:%02u", s / 3600, (unsigned)(s / 60 % 60),
		(unsigned)(s % 60));
}

static void
format_speed(double bits, char *buf, size_t size)
{
	static const struct {
		double unit;
		char letter;
	} units[] = {{1e12, 'T'}, {1e9, 'G'}, {1e6, 'M'}, {1e3, 'K'}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (bits >= units[i].unit) {
			snprintf(buf, size, "%.4g%c", bits / units[i].unit, units[i].letter);
			return;
		}
	}
	snprintf(buf, size, "%.0f", bits);
}

/* A value as text, however it is typed in JSON; "" for null. */
static void
format_plain(const json_t *v, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	if (json_is_string(v)) {
		snprintf(buf, size, "%s", json_string_value(v));
	} else if (json_is_integer(v)) {
		snprintf(buf, size, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	} else if (json_is_real(v)) {
		snprintf(buf, size, "%.6g", json_real_value(v));
	} else if (json_is_boolean(v)) {
		snprintf(buf, size, "%s", json_is_true(v) ? "yes" : "no");
	} else if (json_is_array(v)) {
		for (size_t i = 0; i < json_array_size(v) && len + 1 < size; i++) {
			if (i > 0)
				len += (size_t)snprintf(buf + len, size - len, ",");
			if (len + 1 < size) {
				format_plain(json_array_get(v, i), buf + len, size - len);
				len += strlen(buf + len);
			}
		}
	}
	if (strlen(buf) + 1 == size)
		memcpy(buf + size - 4, "...", 4);
}

static const json_t *
lookup(const json_t *row, const char *key)
{
	char part[64];

	while (row != NULL) {
		const size_t n = strcspn(key, ".");

		snprintf(part, sizeof(part), "%.*s", (int)n, key);
		row = json_object_get(row, part);
		if (key[n] == '\0')
			return row;
		key += n + 1;
	}
	return NULL;
}

static void
format_cell(const struct mcr_column *col, const json_t *row, char *buf, size_t size)
{
	const json_t *v;

	buf[0] = '\0';
	if (col->format != NULL) {
		col->format(row, buf, size);
	} else {
		v = lookup(row, col->key);
		if (json_is_number(v) && col->kind == MCR_COL_DURATION)
			mcr_format_duration(json_number_value(v), buf, size);
		else if (json_is_number(v) && col->kind == MCR_COL_SPEED)
			format_speed(json_number_value(v), buf, size);
		else if (json_is_number(v) && col->kind == MCR_COL_RATIO)
			snprintf(buf, size, "%.0f %%", json_number_value(v) * 100);
		else
			format_plain(v, buf, size);
		if (buf[0] == '\0' && !json_is_string(v))
			snprintf(buf, size, "%s", col->kind == MCR_COL_STAR ? "*" : "-");
	}
}

static bool
is_right(const struct mcr_column *col)
{
	return col->kind != MCR_COL_TEXT && col->kind != MCR_COL_STAR;
}

/* Columns as the terminal counts them: UTF-8 continuation bytes take none. */
static size_t
width_of(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* One row; blanks are held back until something follows them. */
static void
print_row(
	struct mcr_session *s, const struct mcr_listing *l, const size_t *width, char *const *cell)
{
	size_t blanks = 0;

	for (unsigned c = 0; c < l->n_columns; c++) {
		const size_t used = width_of(cell[c]), fill = width[c] - used;

		if (c > 0)
			blanks += GAP;
		if (is_right(&l->columns[c]))
			blanks += fill;
		if (used > 0) {
			mcr_session_printf(s, "%*s%s", (int)blanks, "", cell[c]);
			blanks = 0;
		}
		if (!is_right(&l->columns[c]))
			blanks += fill;
	}
	mcr_session_write(s, "\n", 1);
}

static int
print_table(struct mcr_session *s, const json_t *rows, const struct mcr_listing *l)
{
	const size_t n_rows = json_array_size(rows), n_cells = (n_rows + 1) * l->n_columns;
	size_t *width = calloc(l->n_columns, sizeof(*width));
	char **cell = calloc(n_cells, sizeof(char *));
	char buf[CELL_SIZE];
	int ret = -ENOMEM;

	if (width == NULL || cell == NULL)
		goto out;
	for (size_t i = 0; i < n_cells; i++) {
		const struct mcr_column *col = &l->columns[i % l->n_columns];
		size_t *w = &width[i % l->n_columns];

		if (i < l->n_columns)
			snprintf(buf, sizeof(buf), "%s", col->head);
		else
			format_cell(
				col, json_array_get(rows, i / l->n_columns - 1), buf, sizeof(buf));
		cell[i] = strdup(buf);
		if (cell[i] == NULL)
			goto out;
		if (width_of(buf) > *w)
			*w = width_of(buf);
	}
	for (size_t row = 0; row <= n_rows; row++)
		print_row(s, l, width, &cell[row * l->n_columns]);
	ret = 0;
out:
	for (size_t i = 0; cell != NULL && i < n_cells; i++)
		free(cell[i]);
	free(cell);
	free(width);
	return ret;
}

/* "version" goes first: jansson keeps the order in which keys were put. */
static int
print_json(struct mcr_session *s, const json_t *root)
{
	json_t *versioned = json_object();
	char *text;
	int ret = 0;

	json_object_set_new(versioned, "version", json_integer(1));
	json_object_update_missing(versioned, (json_t *)(uintptr_t)root);
	text = json_dumps(versioned, JSON_COMPACT | JSON_REAL_PRECISION(10));
	json_decref(versioned);
	if (text == NULL) {
		mcr_session_error(s, "the answer could not be written as JSON");
		return MCR_INTERNAL;
	}
	mcr_session_write(s, text, strlen(text));
	mcr_session_write(s, "\n", 1);
	free(text);
	return ret;
}

static bool
wants_json(const struct mcr_session *s, const struct mcr_args *a)
{
	return s->json || (a != NULL && a->json);
}

int
mcr_render(struct mcr_session *s, const struct mcr_args *a, json_t *root,
	const struct mcr_listing *listing)
{
	const json_t *rows = json_object_get(root, listing->array);
	int ret = MCR_OK;

	if (wants_json(s, a)) {
		ret = print_json(s, root);
	} else if (print_table(s, rows, listing) < 0) {
		mcr_session_error(s, "no memory for the listing");
		ret = MCR_INTERNAL;
	} else if (json_array_size(rows) == 0) {
		if (listing->empty != NULL)
			mcr_session_printf(s, "%s\n", listing->empty);
	} else if (listing->footer != NULL) {
		listing->footer(s, root);
	}
	json_decref(root);
	return ret;
}

int
mcr_render_page(struct mcr_session *s, const struct mcr_args *a, json_t *root,
	void (*page)(struct mcr_session *s, const json_t *root))
{
	int ret = MCR_OK;

	if (wants_json(s, a))
		ret = print_json(s, root);
	else if (page != NULL)
		page(s, root);
	json_decref(root);
	return ret;
}
