/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table as rte_cmdline instructions, and the parser. rte_cmdline clears 8 KiB for every
 * instruction it tries, so it is shown only the forms whose length and first words fit the line.
 */
#include "cli/syntax.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/rows.h"

#include <cmdline.h>

static __attribute__((noreturn, format(printf, 2, 3))) void
refuse_table(const char *syntax, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "command table: \"%s\": ", syntax);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

static void
matched(void *result, struct cmdline *cl, void *data)
{
	const struct mcr_row_form *f = data;
	const struct mcr_parsed *parsed = result;

	f->sx->matched = f;
	memcpy(f->sx->out->arg, parsed->args.arg, sizeof(parsed->args.arg));
}

/* Add or set: the rows that have a key and a del form. */
static bool
is_edit(const struct mcr_command *cmd)
{
	return strncmp(cmd->syntax, "add ", 4) == 0 || strncmp(cmd->syntax, "set ", 4) == 0;
}

/* The syntax words of one form in order; *is_key: still before "~". NULL at the end. */
static const char *
next_word(const char **at, char word[MCR_LINE_MAX + 1])
{
	size_t n;

	if (**at == '\0')
		return NULL;
	n = strcspn(*at, " ");
	snprintf(word, MCR_LINE_MAX + 1, "%.*s", (int)n, *at);
	*at += n + ((*at)[n] == ' ');
	return word;
}

static void
check_shape(const struct mcr_command *cmd)
{
	const char *s = cmd->syntax, *tilde = strchr(s, '~'), *json = strstr(s, "[json]");

	if (strlen(s) > MCR_LINE_MAX || strstr(s, "  ") != NULL || s[0] == ' ' || s[0] == '\0' ||
		s[strlen(s) - 1] == ' ')
		refuse_table(s, "words are separated by one space");
	if ((tilde != NULL) != is_edit(cmd))
		refuse_table(s, "add and set rows, and no others, have a ~");
	if (tilde != NULL && (strchr(tilde + 1, '~') != NULL || tilde[-1] != ' ' ||
				     (tilde[1] != ' ' && tilde[1] != '\0')))
		refuse_table(s, "one ~ as a word");
	if (json != NULL && (json == s || json[6] != '\0' || json[-1] != ' ' || is_edit(cmd)))
		refuse_table(s, "[json] is the last word of a row without key");
	if (strncmp(s, "del ", 4) == 0)
		refuse_table(s, "del forms are made from add and set rows");
	if (is_edit(cmd) ? cmd->compile == NULL : cmd->run == NULL)
		refuse_table(s, "the row has no effect");
}

static void
add_form(struct mcr_syntax *sx, uint32_t row, bool is_del, bool json)
{
	struct mcr_row_form *f = &sx->form[sx->n_forms++];
	const struct mcr_command *cmd = &sx->table[row];
	const char *at = cmd->syntax, *why;
	char buf[MCR_LINE_MAX + 1];
	const char *word;
	unsigned n_args = 0;

	*f = (struct mcr_row_form){
		.sx = sx, .cmd = cmd, .row = row, .is_del = is_del, .json = json};
	f->token = calloc(MCR_MAX_WORDS, sizeof(*f->token));
	while (f->token != NULL && (word = next_word(&at, buf)) != NULL) {
		struct mcr_token *t = &f->token[f->n_tokens];

		if (strcmp(word, "~") == 0) {
			if (is_del)
				break;
			continue;
		}
		if (strcmp(word, "[json]") == 0) {
			if (!json)
				break;
			word = "json";
		}
		if (is_del && f->n_tokens == 0)
			word = "del";
		if (f->n_tokens > 0 && t[-1].ph == MCR_PH_TEXT)
			refuse_table(cmd->syntax, "nothing can follow a text");
		why = mcr_token_init(t, word, n_args);
		if (why != NULL)
			refuse_table(cmd->syntax, "%s: %s", word, why);
		if (t->is_arg)
			f->arg_token[n_args++] = f->n_tokens;
		f->n_tokens++;
	}
	if (f->token == NULL)
		refuse_table(cmd->syntax, "out of memory");
	if (f->token[0].is_arg)
		refuse_table(cmd->syntax, "the first word is a verb");
	f->token = realloc(f->token, f->n_tokens * sizeof(*f->token));
	f->inst = calloc(1, sizeof(*f->inst) + (f->n_tokens + 1) * sizeof(f->inst->tokens[0]));
	if (f->token == NULL || f->inst == NULL)
		refuse_table(cmd->syntax, "out of memory");
	f->inst->f = matched;
	f->inst->data = f;
	for (unsigned i = 0; i < f->n_tokens; i++)
		f->inst->tokens[i] = &f->token[i].fixed.hdr;
}

/* Length of the syntax up to "~", 0 without one. */
static size_t
key_len(const struct mcr_command *cmd)
{
	return is_edit(cmd) ? strcspn(cmd->syntax, "~") : 0;
}

/* Rows with one key ("dev X", "dev X netns Y") share the del form of the first of them. */
static bool
has_del_form(const struct mcr_syntax *sx, uint32_t row)
{
	const struct mcr_command *cmd = &sx->table[row];

	for (uint32_t i = 0; i < row; i++) {
		const struct mcr_command *other = &sx->table[i];

		if (key_len(other) == key_len(cmd) &&
			memcmp(other->syntax + 4, cmd->syntax + 4, key_len(cmd) - 4) == 0)
			return true;
	}
	return false;
}

static void
check_ambiguous(const struct mcr_row_form *a, const struct mcr_row_form *b)
{
	const unsigned n = a->n_tokens < b->n_tokens ? a->n_tokens : b->n_tokens;

	for (unsigned i = 0; i < n; i++) {
		if (!mcr_token_overlaps(&a->token[i], &b->token[i]))
			return;
		if (a->token[i].ph == MCR_PH_TEXT || b->token[i].ph == MCR_PH_TEXT)
			refuse_table(a->cmd->syntax, "ambiguous with \"%s\"", b->cmd->syntax);
	}
	if (a->n_tokens == b->n_tokens)
		refuse_table(a->cmd->syntax, "ambiguous with \"%s\"", b->cmd->syntax);
}

struct mcr_syntax *
mcr_syntax_create(const struct mcr_command *table, unsigned n_rows)
{
	struct mcr_syntax *sx = calloc(1, sizeof(*sx));

	if (sx == NULL)
		return NULL;
	sx->table = table;
	sx->n_rows = n_rows;
	sx->form = calloc(2 * n_rows, sizeof(*sx->form));
	sx->candidates = calloc(2 * n_rows + 1, sizeof(cmdline_parse_ctx_t));
	if (sx->form == NULL || sx->candidates == NULL)
		goto fail;
	sx->cl = cmdline_new(sx->candidates, "", -1, -1);
	if (sx->cl == NULL)
		goto fail;
	for (uint32_t row = 0; row < n_rows; row++) {
		check_shape(&table[row]);
		add_form(sx, row, false, false);
		if (strstr(table[row].syntax, "[json]") != NULL)
			add_form(sx, row, false, true);
		if (is_edit(&table[row]) && !has_del_form(sx, row))
			add_form(sx, row, true, false);
	}
	for (unsigned i = 0; i < sx->n_forms; i++) {
		for (unsigned j = 0; j < i; j++)
			check_ambiguous(&sx->form[j], &sx->form[i]);
	}
	return sx;
fail:
	mcr_syntax_free(sx);
	errno = ENOMEM;
	return NULL;
}

void
mcr_syntax_free(struct mcr_syntax *sx)
{
	if (sx == NULL)
		return;
	for (unsigned i = 0; i < sx->n_forms; i++) {
		for (unsigned j = 0; j < sx->form[i].n_tokens; j++)
			mcr_token_fini(&sx->form[i].token[j]);
		free(sx->form[i].token);
		free(sx->form[i].inst);
	}
	if (sx->cl != NULL)
		cmdline_free(sx->cl);
	free(sx->candidates);
	free(sx->form);
	free(sx);
}

const struct mcr_command *
mcr_syntax_table(const struct mcr_syntax *sx, unsigned *n_rows)
{
	*n_rows = sx->n_rows;
	return sx->table;
}

void
mcr_syntax_print(const struct mcr_syntax *sx, FILE *out)
{
	for (unsigned i = 0; i < sx->n_rows; i++)
		fprintf(out, "%s | %s | %s\n", sx->table[i].syntax, sx->table[i].help,
			sx->table[i].stage);
}

unsigned
mcr_row_form_walk(const struct mcr_row_form *f, const struct mcr_words *w, bool *is_done)
{
	unsigned i;

	for (i = 0; i < w->n && i < f->n_tokens; i++) {
		if (mcr_token_match(&f->token[i], &w->text[w->start[i]]) <= 0)
			break;
		if (f->token[i].ph == MCR_PH_TEXT) {
			*is_done = true;
			return w->n;
		}
	}
	*is_done = i == f->n_tokens;
	return i;
}

/* Show rte_cmdline the forms that can fit. */
static void
choose_candidates(struct mcr_syntax *sx, const struct mcr_words *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < sx->n_forms; i++) {
		const struct mcr_row_form *f = &sx->form[i];
		const bool has_text = f->token[f->n_tokens - 1].ph == MCR_PH_TEXT;
		unsigned j;

		if (has_text ? w->n < f->n_tokens : w->n != f->n_tokens)
			continue;
		for (j = 0; j < f->n_tokens && j < 4; j++) {
			if (!f->token[j].is_arg &&
				mcr_token_match(&f->token[j], &w->text[w->start[j]]) <= 0)
				break;
		}
		if (j == f->n_tokens || j == 4)
			sx->candidates[n++] = f->inst;
	}
	sx->candidates[n] = NULL;
}

/* What a sentence calls a value: the kind of a name, the keyword before it, or its own name. */
static void
write_noun(const struct mcr_row_form *f, unsigned i, char *noun, size_t size)
{
	const struct mcr_token *t = &f->token[i];
	unsigned k = i - 1;

	if (mcr_token_is_name(t)) {
		snprintf(noun, size, "%s", strcmp(t->name, "port-or-all") == 0 ? "port" : t->name);
		return;
	}
	while (f->token[k].is_arg) /* ends at the verb */
		k--;
	if (k == i - 1)
		snprintf(noun, size, "%s", f->token[k].fixed.string_data.str);
	else if (t->ph == MCR_PH_NUM && k > 0)
		snprintf(noun, size, "%s %s", f->token[k].fixed.string_data.str, t->name);
	else
		snprintf(noun, size, "%s", t->name);
}

static int
check_values(const struct mcr_row_form *f, const struct mcr_words *w, struct mcr_args *a,
	struct mcr_err *err)
{
	for (unsigned i = 0; i < a->n; i++) {
		const unsigned t = f->arg_token[i];
		char noun[2 * MCR_TOKEN_NAME + STR_TOKEN_SIZE], word[MCR_LINE_MAX + 1];

		a->arg[i].position = (uint16_t)(w->start[t] + 1);
		snprintf(word, sizeof(word), "%.*s", (int)w->len[t], &w->text[w->start[t]]);
		write_noun(f, t, noun, sizeof(noun));
		if (mcr_token_check(&f->token[t], &a->arg[i], word, noun, err) < 0) {
			err->position = a->arg[i].position;
			return -ERANGE;
		}
	}
	return 0;
}

int
mcr_syntax_parse(struct mcr_syntax *sx, const char *line, struct mcr_args *a, struct mcr_err *err)
{
	const struct mcr_row_form *f;
	struct mcr_words w;

	memset(err, 0, sizeof(*err));
	if (mcr_words_split(&w, line, err) < 0)
		return -EINVAL;
	if (w.n == 0)
		return 0;
	choose_candidates(sx, &w);
	sx->matched = NULL;
	sx->out = a;
	if (cmdline_parse(sx->cl, w.text) < 0 || sx->matched == NULL) {
		mcr_syntax_explain(sx, &w, err);
		return -EINVAL;
	}
	f = sx->matched;
	a->cmd = f->cmd;
	a->row = f->row;
	a->is_del = f->is_del;
	a->json = f->json;
	for (a->n = 0; a->n < MCR_MAX_ARGS && f->arg_token[a->n] != 0; a->n++)
		continue;
	return check_values(f, &w, a, err) < 0 ? -ERANGE : 1;
}

/* The words of the line: those of the syntax with the arguments put in. */
static void
write_line(const struct mcr_args *a, bool key_only, char line[MCR_LINE_MAX + 1])
{
	const char *at = a->cmd->syntax;
	char buf[MCR_LINE_MAX + 1];
	const char *word;
	size_t len = 0;
	unsigned arg = 0;

	line[0] = '\0';
	for (unsigned i = 0; (word = next_word(&at, buf)) != NULL; i++) {
		if (strcmp(word, "~") == 0) {
			if (key_only)
				break;
			continue;
		}
		if (i == 0 && key_only)
			continue;
		if (strcmp(word, "[json]") == 0) {
			if (!a->json)
				continue;
			word = "json";
		} else if (strpbrk(word, "<|") != NULL) {
			if (arg >= a->n)
				break;
			word = a->arg[arg++].text;
		}
		/* An address may print longer than it was typed; a line that is cut is refused. */
		len += (size_t)snprintf(
			line + len, MCR_LINE_MAX + 1 - len, "%s%s", len > 0 ? " " : "", word);
		if (len > MCR_LINE_MAX)
			len = MCR_LINE_MAX;
	}
}

void
mcr_args_key(const struct mcr_args *a, char key[MCR_LINE_MAX + 1])
{
	write_line(a, true, key);
}

void
mcr_args_line(const struct mcr_args *a, char line[MCR_LINE_MAX + 1])
{
	char key[MCR_LINE_MAX + 1];

	if (!a->is_del) {
		write_line(a, false, line);
		return;
	}
	mcr_args_key(a, key);
	snprintf(line, MCR_LINE_MAX + 1, "del %.*s", MCR_LINE_MAX - 4, key);
}
