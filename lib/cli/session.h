/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_CLI_SESSION_H
#define MCR_CLI_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "cli/syntax.h"

/*
 * One user: terminal, socket client or file. A session executes lines; what it prints is collected
 * in memory and taken by whoever runs it, so nothing ever blocks.
 */
enum mcr_exit { /* exit codes of mcrd and mcrctl, and STATUS on the socket */
	MCR_OK = 0,
	MCR_REFUSED = 1,
	MCR_USAGE = 2,
	MCR_UNREACHABLE = 3,
	MCR_BAD_CONFIG = 4,
	MCR_HOST_NOT_READY = 5,
	MCR_PARTIAL = 6,
	MCR_INTERNAL = 70,
	MCR_EAL_FAILED = 71,
	MCR_TRY_AGAIN = 75,
};

struct mcr_session_ops {
	/* add, set, del: edit the candidate or commit a batch of one. An exit code, or negative. */
	int (*edit)(struct mcr_session *s, const struct mcr_args *a, struct mcr_errs *errs);
	/* Live object names for completion. */
	mcr_names_fn *names;
	/* "demo# " or "demo(batch)# " */
	void (*prompt)(struct mcr_session *s, char *buf, size_t size);
	void (*closed)(struct mcr_session *s); /* free what hangs on s->user */
};

struct mcr_session {
	struct mcr_syntax *syntax;
	const struct mcr_session_ops *ops;
	void *app;
	void *user;           /* the application's: its candidate */
	bool json;            /* -j: JSON from every command that has it, JSON errors */
	bool quit;            /* set by the quit command */
	struct mcr_errs errs; /* of the running command */
	char *out;            /* output so far */
	size_t out_len, out_size;
};

void mcr_session_init(
	struct mcr_session *s, struct mcr_syntax *sx, const struct mcr_session_ops *ops, void *app);
void mcr_session_fini(struct mcr_session *s);

/* Execute one line. Output and errors (rendered) are in out/out_len. Returns an exit code. */
int mcr_session_exec(struct mcr_session *s, const char *line, bool json);
/* For handlers. */
void mcr_session_printf(struct mcr_session *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void mcr_session_write(struct mcr_session *s, const char *text, size_t len);
/* An error or warning of the running command; returns it for refinement. */
struct mcr_err *mcr_session_error(struct mcr_session *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Drop the collected output (it was delivered). */
void mcr_session_clear(struct mcr_session *s);
/* One error as the JSON line of docs/console.md; caller frees. */
char *mcr_err_json(const struct mcr_err *err);

#endif
