/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_BASE_ERR_H
#define MCR_BASE_ERR_H

#include <stdbool.h>
#include <stdio.h>

/*
 * One bounded sentence for the operator: what, where, why, and the repair.
 *
 *   error: port rx1 (demo.conf:14): /dev/net/tun is missing
 *     fix: mkdir -p /dev/net && mknod /dev/net/tun c 10 200
 *
 * A function that can refuse something an operator wrote takes a `struct mcr_errs *` and appends
 * to it; it never prints. Whoever began the transaction prints all of them.
 */
enum mcr_severity {
	MCR_ERROR,
	MCR_WARNING,
};

struct mcr_err {
	enum mcr_severity severity;
	char text[480];   /* "port rx1: /dev/net/tun is missing", without "error: " */
	char fix[256];    /* a command to type, or empty */
	char file[128];   /* where the line stands; empty on the console */
	unsigned line;    /* 0 = none */
	char source[512]; /* the wrong line as written; empty when the line itself is well formed */
	unsigned position;  /* 1-based column of the first wrong word in source; 0 = none */
	char expected[256]; /* comma separated, for the caret line; empty = none */
};

/* A growing list of errors and warnings. Zero-initialise; release with mcr_errs_fini. */
struct mcr_errs {
	struct mcr_err *item;
	unsigned count;
	unsigned n_errors; /* items that are not warnings */
};

void mcr_errs_fini(struct mcr_errs *errs);
/* Append one; the returned item may be refined (fix, file, line ...) before the next append. */
struct mcr_err *mcr_errs_add(struct mcr_errs *errs, enum mcr_severity severity, const char *fmt,
	...) __attribute__((format(printf, 3, 4)));
void mcr_err_fix(struct mcr_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void mcr_err_at(struct mcr_err *err, const char *file, unsigned line);
/* "error: WHAT (WHERE): WHY" form with line, caret and fix, as docs/console.md shows. */
void mcr_err_print(FILE *out, const struct mcr_err *err);
void mcr_errs_print(FILE *out, const struct mcr_errs *errs);

#endif
