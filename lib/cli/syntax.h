/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_CLI_SYNTAX_H
#define MCR_CLI_SYNTAX_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/addr.h"
#include "base/err.h"

/*
 * One table of one-line commands is the console, the configuration file and the remote tool. A row
 * is written as docs/console.md shows it: "set port <word:port> mtu ~ <num:bytes:576-9702>". At
 * start every row (and the `del` form of every add and set row) becomes an rte_cmdline instruction.
 * Handlers get uniform arguments.
 *
 *   <word:x> <num:x:LOW-HIGH> <ip:x> <prefix:x> <mac:x> <text:x>   placeholders
 *   a|b|c, any|<ip:x>     one of these;   [json]  optional last word
 *   ~                     ends the key of an add or set row
 */
#define MCR_MAX_ARGS 8
#define MCR_LINE_MAX 511 /* bytes of a line */
#define MCR_WORD_MAX 127

struct mcr_session;
struct mcr_args;

struct mcr_command {
	const char *syntax, *help, *stage;
	/* show, actions: writes to the session. Exit code of docs/console.md. */
	int (*run)(struct mcr_session *s, const struct mcr_args *a);
	/* add, set: put the line into the model. Errors are appended; the caller adds the place. */
	void (*compile)(void *model, const struct mcr_args *a, struct mcr_errs *errs);
};

enum mcr_arg_type {
	MCR_ARG_WORD, /* also text */
	MCR_ARG_NUM,
	MCR_ARG_IP,
	MCR_ARG_PREFIX,
	MCR_ARG_MAC,
	MCR_ARG_CHOICE, /* one of fixed words; num = its index in the row's list */
};

struct mcr_arg {
	enum mcr_arg_type type;      /* of what was typed: any|<ip:s> gives CHOICE or IP */
	uint16_t position;           /* 1-based column in the line */
	char text[MCR_WORD_MAX + 1]; /* canonical */
	union {
		uint64_t num;
		struct mcr_addr ip; /* "any" as CHOICE: all zero too */
		struct mcr_prefix prefix;
		struct mcr_mac mac;
	};
};

struct mcr_args {
	const struct mcr_command *cmd;
	uint32_t row; /* index in the table */
	bool is_del;  /* the del form: arguments up to the key only */
	bool json;
	uint8_t n;
	struct mcr_arg arg[MCR_MAX_ARGS]; /* placeholders and choices from left to right */
};

struct mcr_syntax;

/* Aborts at start with a message if a row is malformed or two rows are ambiguous. */
struct mcr_syntax *mcr_syntax_create(const struct mcr_command *table, unsigned n_rows);
void mcr_syntax_free(struct mcr_syntax *sx);
const struct mcr_command *mcr_syntax_table(const struct mcr_syntax *sx, unsigned *n_rows);

/*
 * Parse one line (comments allowed). 1 = a command, 0 = empty or comment only, -EINVAL = not
 * understood, -ERANGE = understood, but a value is out of range or no name: *err has text, source,
 * position and expected. Its file and line are the caller's.
 */
int
mcr_syntax_parse(struct mcr_syntax *sx, const char *line, struct mcr_args *a, struct mcr_err *err);
/* Key of an add, set or del line, without the verb: "port lan mtu". */
void mcr_args_key(const struct mcr_args *a, char key[MCR_LINE_MAX + 1]);
/* Canonical line, with the verb. */
void mcr_args_line(const struct mcr_args *a, char line[MCR_LINE_MAX + 1]);
/* "SYNTAX | HELP | STAGE" rows, in table order (mcrd --print-grammar). */
void mcr_syntax_print(const struct mcr_syntax *sx, FILE *out);

/*
 * Words that may come next after `line` (its last word may be incomplete), one call each. `names`
 * lists live objects for a <word:KIND> placeholder, may be NULL.
 */
typedef void
mcr_names_fn(void *arg, const char *kind, void (*each)(void *ctx, const char *name), void *ctx);
void mcr_syntax_complete(struct mcr_syntax *sx, const char *line, mcr_names_fn *names,
	void *names_arg, void (*each)(void *ctx, const char *word, const char *help), void *ctx);

#endif
