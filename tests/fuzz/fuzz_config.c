/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz target: lines of a configuration or console through the parser. What is accepted must have a
 * canonical form that means the same; what is refused must say where; TAB must survive both.
 */
#include "fuzz.h"

#include "cli/syntax.h"

#include "cli_table.h"

static int
test_run(struct mcr_session *s, const struct mcr_args *a)
{
	return 0;
}

static void
each_name(void *arg, const char *kind, void (*each)(void *ctx, const char *name), void *ctx)
{
	each(ctx, kind);
}

static void
each_word(void *ctx, const char *word, const char *help)
{
	CHECK(word[0] != '\0' && strlen(word) <= MCR_WORD_MAX);
}

static void
try_line(struct mcr_syntax *sx, const char *line)
{
	char one[MCR_LINE_MAX + 1], two[MCR_LINE_MAX + 1], key[MCR_LINE_MAX + 1];
	struct mcr_args a, b;
	struct mcr_err err;
	const int ret = mcr_syntax_parse(sx, line, &a, &err);

	mcr_syntax_complete(sx, line, each_name, NULL, each_word, NULL);
	if (ret < 0) {
		CHECK(err.text[0] != '\0');
		CHECK(err.position <= MCR_LINE_MAX + 2);
		CHECK(strlen(err.source) < sizeof(err.source));
		return;
	}
	if (ret == 0)
		return;
	mcr_args_line(&a, one);
	mcr_args_key(&a, key);
	/* An address can print longer than it was typed, and then not fit. */
	if (strlen(one) == MCR_LINE_MAX)
		return;
	CHECK(mcr_syntax_parse(sx, one, &b, &err) == 1);
	mcr_args_line(&b, two);
	CHECK(strcmp(one, two) == 0);
	CHECK(a.row == b.row && a.n == b.n && a.is_del == b.is_del);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mcr_syntax *sx;
	char *text, *line, *next;

	if (sx == NULL)
		sx = mcr_syntax_create(test_table, TEST_ROWS);
	text = malloc(size + 1);
	CHECK(sx != NULL && text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	for (line = text; line < text + size; line = next) {
		next = line + strcspn(line, "\n") + 1;
		next[-1] = '\0';
		/* An exact copy: a read behind the end is then seen. */
		line = strdup(line);
		CHECK(line != NULL);
		try_line(sx, line);
		free(line);
	}
	free(text);
	return 0;
}
