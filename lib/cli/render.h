/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_CLI_RENDER_H
#define MCR_CLI_RENDER_H

#include <jansson.h>

#include "cli/session.h"

/*
 * A listing has one source, the JSON value that its handler builds; text is made from that by a
 * column description. So console and JSON cannot disagree.
 */
enum mcr_col_kind {
	MCR_COL_TEXT,     /* left; null "-"; number as is; array joined by "," */
	MCR_COL_STAR,     /* as text, null "*" */
	MCR_COL_COUNT,    /* right; null "-" */
	MCR_COL_DURATION, /* right; seconds as H:MM:SS; null "-" */
	MCR_COL_SPEED,    /* right; bits per second as 10G, 100M; null "-" */
	MCR_COL_RATIO,    /* right; 0.03 as 3 % */
};

struct mcr_column {
	const char *head; /* capitals */
	const char *key;  /* of the row object; "a.b" goes into an object */
	enum mcr_col_kind kind;
	/* When set: writes the cell itself (kind still decides the side). */
	void (*format)(const json_t *row, char *buf, size_t size);
};

struct mcr_listing {
	const char *array; /* key of the array in the JSON object */
	const struct mcr_column *columns;
	unsigned n_columns;
	const char *empty; /* "0 groups": printed under the header of an empty listing */
	/* Optional closing line of a listing that is not empty. */
	void (*footer)(struct mcr_session *s, const json_t *root);
};

/*
 * Print `root` as JSON (one line, "version":1 first) when json, else as the listing. Steals root.
 * `json` comes from the arguments or the session.
 */
int mcr_render(struct mcr_session *s, const struct mcr_args *a, json_t *root,
	const struct mcr_listing *listing);
/* The same for a page that is no table. */
int mcr_render_page(struct mcr_session *s, const struct mcr_args *a, json_t *root,
	void (*page)(struct mcr_session *s, const json_t *root));
void mcr_format_duration(double seconds, char *buf, size_t size); /* H:MM:SS */

#endif
