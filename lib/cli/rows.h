/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_CLI_ROWS_H
#define MCR_CLI_ROWS_H

#include "cli/token.h"

/* Private to lib/cli: the rows of the table as instructions, shared by parser, messages and TAB. */

/* One way to write a row: itself, with "json", or its del form. */
struct mcr_row_form {
	struct mcr_syntax *sx;
	const struct mcr_command *cmd;
	uint32_t row;
	bool is_del, json;
	unsigned n_tokens;
	struct mcr_token *token;
	unsigned arg_token[MCR_MAX_ARGS]; /* token of each argument */
	cmdline_parse_inst_t *inst;
};

/* A line without its comment, cut into words. */
#define MCR_MAX_WORDS (MCR_LINE_MAX / 2 + 1)

struct mcr_words {
	char text[MCR_LINE_MAX + 3]; /* ends with "\n" as rte_cmdline wants */
	unsigned n;
	uint16_t start[MCR_MAX_WORDS], len[MCR_MAX_WORDS];
};

struct mcr_syntax {
	const struct mcr_command *table;
	unsigned n_rows;
	struct mcr_row_form *form;
	unsigned n_forms;
	struct cmdline *cl;
	cmdline_parse_ctx_t
		*candidates; /* what rte_cmdline looks at: the forms that may fit the line */
	/* of the running cmdline_parse */
	const struct mcr_row_form *matched;
	struct mcr_args *out;
};

/* How many leading words of the line the form takes; *is_done: its last token is among them. */
unsigned mcr_row_form_walk(const struct mcr_row_form *f, const struct mcr_words *w, bool *is_done);

/*
 * Cut a line into words; the comment goes. 0, or -EINVAL with text and position: too long, or a
 * byte that has no place outside a comment. err->source is the line either way, with a blank for
 * what a terminal would act on.
 */
int mcr_words_split(struct mcr_words *w, const char *line, struct mcr_err *err);
/* Why no form takes the line: first wrong word and what could stand there. */
void
mcr_syntax_explain(const struct mcr_syntax *sx, const struct mcr_words *w, struct mcr_err *err);

#endif
