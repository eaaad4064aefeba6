/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_CLI_TOKEN_H
#define MCR_CLI_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmdline_parse.h>
#include <cmdline_parse_num.h>
#include <cmdline_parse_string.h>

#include "cli/syntax.h"

/*
 * Private to lib/cli: one token of a grammar row as an rte_cmdline token. A token is a list of
 * fixed words, a placeholder, or both ("any|<ip:source>"). What rte_cmdline itself reads too
 * loosely (octal, 0b, zones, ranges) has an operation of our own that asks rte_cmdline or base/addr
 * afterwards.
 *
 * Matching is by shape alone: a number out of range or a reserved name still matches, so that
 * mcr_token_check can say what is wrong with the value instead of "not understood".
 */
enum mcr_placeholder {
	MCR_PH_NONE,
	MCR_PH_WORD,
	MCR_PH_NUM,
	MCR_PH_IP,
	MCR_PH_PREFIX,
	MCR_PH_MAC,
	MCR_PH_TEXT, /* the rest of the line */
};

#define MCR_TOKEN_NAME 32

struct mcr_token {
	struct cmdline_token_string fixed; /* first: rte_cmdline sees its header; str may be NULL */
	enum mcr_placeholder ph;
	char name[MCR_TOKEN_NAME];
	uint64_t low, high; /* MCR_PH_NUM */
	bool is_arg;        /* has a slot: placeholder or choice */
};

/* What rte_cmdline writes for one line. */
struct mcr_parsed {
	struct mcr_args args;
	char scratch[STR_TOKEN_SIZE]; /* of keywords */
};

/*
 * Make the token of one syntax word. slot: index of the argument it fills if it is one. NULL on
 * success, else what is wrong with the word.
 */
const char *mcr_token_init(struct mcr_token *t, const char *word, unsigned slot);
void mcr_token_fini(struct mcr_token *t);

/* Bytes of the word (or text) at `at` that the token takes; negative: does not match. */
int mcr_token_match(const struct mcr_token *t, const char *at);
/* Can one word match both? */
bool mcr_token_overlaps(const struct mcr_token *a, const struct mcr_token *b);

/* Value check after the match: 0, or -EINVAL with text and expected. noun: "query-interval". */
int mcr_token_check(const struct mcr_token *t, const struct mcr_arg *arg, const char *word,
	const char *noun, struct mcr_err *err);
/* Must the word follow the rules of names? */
bool mcr_token_is_name(const struct mcr_token *t);
/* What may stand here, for the caret line; one call for each. */
void
mcr_token_expected(const struct mcr_token *t, void (*each)(void *ctx, const char *text), void *ctx);
/* The fixed words, one call each. */
void
mcr_token_words(const struct mcr_token *t, void (*each)(void *ctx, const char *word), void *ctx);

#endif
