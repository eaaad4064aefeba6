/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is wrong with a line, and what may come next: both walk the tokens of all rows as far as
 * the words fit, so a message can never name a word that the parser would refuse.
 */
#include "cli/rows.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CHOICES 4096 /* live names included; nobody reads a longer list */

/* A set of words in the order in which they were found. */
struct choices {
	unsigned n, size;
	struct choice {
		char text[STR_TOKEN_SIZE];
		const char *help;
		unsigned n_rows;
	} * item;
	const char *help; /* of what is being added */
};

static void
add_choice(void *ctx, const char *text)
{
	struct choices *c = ctx;
	struct choice *item;

	for (unsigned i = 0; i < c->n; i++) {
		if (strcmp(c->item[i].text, text) == 0) {
			c->item[i].n_rows++;
			return;
		}
	}
	if (c->n == c->size) {
		const unsigned size = c->size == 0 ? 32 : 2 * c->size;

		item = size > MAX_CHOICES ? NULL : realloc(c->item, size * sizeof(*item));
		if (item == NULL)
			return;
		c->item = item;
		c->size = size;
	}
	item = &c->item[c->n++];
	snprintf(item->text, sizeof(item->text), "%s", text);
	item->help = c->help;
	item->n_rows = 1;
}

static bool
is_plain(unsigned char c)
{
	return c == '\t' || (c >= 0x20 && c < 0x7f);
}

/* The line for the caret: one column for each byte, nothing that a terminal would act on. */
static void
copy_source(char source[MCR_LINE_MAX + 1], const char *line, size_t len)
{
	if (len > MCR_LINE_MAX)
		len = MCR_LINE_MAX;
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)line[i];

		source[i] = c >= 0x80 || (is_plain(c) && c != '\t') ? line[i] : ' ';
	}
	source[len] = '\0';
}

int
mcr_words_split(struct mcr_words *w, const char *line, struct mcr_err *err)
{
	size_t len = strlen(line), end, i;

	_Static_assert(sizeof(err->source) > MCR_LINE_MAX, "a line fits");
	w->n = 0;
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	copy_source(err->source, line, len);
	if (len > MCR_LINE_MAX) {
		snprintf(err->text, sizeof(err->text), "the line has %zu bytes; %d are allowed",
			len, MCR_LINE_MAX);
		return -EINVAL;
	}
	end = strcspn(line, "#");
	if (end > len)
		end = len;
	for (i = 0; i < end; i++) {
		if (is_plain((unsigned char)line[i]))
			continue;
		snprintf(err->text, sizeof(err->text),
			"byte 0x%02x: outside a comment a line has plain ASCII only",
			(unsigned char)line[i]);
		err->position = (unsigned)i + 1;
		return -EINVAL;
	}
	while (end > 0 && isblank((unsigned char)line[end - 1]))
		end--;
	memcpy(w->text, line, end);
	memcpy(w->text + end, "\n", 2);
	for (i = 0; i < end;) {
		if (isblank((unsigned char)w->text[i])) {
			i++;
			continue;
		}
		w->start[w->n] = (uint16_t)i;
		while (i < end && !isblank((unsigned char)w->text[i]))
			i++;
		w->len[w->n] = (uint16_t)(i - w->start[w->n]);
		if (w->len[w->n] > MCR_WORD_MAX) {
			snprintf(err->text, sizeof(err->text),
				"a word has %u bytes; %d are allowed", w->len[w->n], MCR_WORD_MAX);
			err->position = w->start[w->n] + 1u;
			return -EINVAL;
		}
		w->n++;
	}
	return 0;
}

static void
write_expected(const struct choices *c, bool may_end, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < c->n; i++) {
		const size_t need = strlen(c->item[i].text) + 2;

		/* Room for "..." must stay. */
		if (len + need + sizeof(", end of line, ...") > size) {
			snprintf(buf + len, size - len, ", ...");
			return;
		}
		len += (size_t)snprintf(
			buf + len, size - len, "%s%s", len > 0 ? ", " : "", c->item[i].text);
	}
	if (may_end)
		snprintf(buf + len, size - len, "%send of line", len > 0 ? ", " : "");
}

void
mcr_syntax_explain(const struct mcr_syntax *sx, const struct mcr_words *w, struct mcr_err *err)
{
	struct choices c = {0};
	unsigned best = 0;
	bool may_end = false;

	for (unsigned i = 0; i < sx->n_forms; i++) {
		const struct mcr_row_form *f = &sx->form[i];
		bool is_done;
		const unsigned n = mcr_row_form_walk(f, w, &is_done);

		if (n < best)
			continue;
		if (n > best) {
			best = n;
			may_end = false;
			c.n = 0;
		}
		if (is_done)
			may_end = true;
		else
			mcr_token_expected(&f->token[n], add_choice, &c);
	}
	if (best < w->n) {
		snprintf(err->text, sizeof(err->text), "not understood: \"%.*s\"",
			(int)w->len[best], &w->text[w->start[best]]);
		err->position = w->start[best] + 1u;
	} else {
		const unsigned last = w->n - 1;

		snprintf(err->text, sizeof(err->text),
			"not complete: something must follow \"%.*s\"", (int)w->len[last],
			&w->text[w->start[last]]);
		err->position = w->start[last] + w->len[last] + 2u;
	}
	write_expected(&c, may_end, err->expected, sizeof(err->expected));
	free(c.item);
}

/* Completion: what is being collected, and the beginning that was typed. */
struct completion {
	struct choices choices;
	const char *partial;
};

static void
add_completion(void *ctx, const char *word)
{
	struct completion *co = ctx;

	if (strncmp(word, co->partial, strlen(co->partial)) == 0)
		add_choice(&co->choices, word);
}

/* Words of a placeholder that nobody but the application knows. */
static void
add_names(struct completion *co, const struct mcr_token *t, mcr_names_fn *names, void *names_arg)
{
	const bool or_all = strcmp(t->name, "port-or-all") == 0;

	if (t->ph != MCR_PH_WORD && t->ph != MCR_PH_IP)
		return;
	if (or_all)
		add_completion(co, "all");
	if (names != NULL)
		names(names_arg, or_all ? "port" : t->name, add_completion, co);
}

void
mcr_syntax_complete(struct mcr_syntax *sx, const char *line, mcr_names_fn *names, void *names_arg,
	void (*each)(void *ctx, const char *word, const char *help), void *ctx)
{
	struct completion co = {0};
	struct mcr_words *w = calloc(1, sizeof(*w));
	struct mcr_err *err = calloc(1, sizeof(*err));
	char partial[MCR_WORD_MAX + 1] = "";
	const size_t len = strlen(line);

	if (w == NULL || err == NULL)
		goto out;
	if (strchr(line, '#') != NULL || mcr_words_split(w, line, err) < 0)
		goto out;
	if (w->n > 0 && !isblank((unsigned char)line[len - 1])) {
		w->n--;
		snprintf(partial, sizeof(partial), "%.*s", (int)w->len[w->n],
			&w->text[w->start[w->n]]);
		w->text[w->start[w->n]] = '\n';
	}
	co.partial = partial;
	for (unsigned i = 0; i < sx->n_forms; i++) {
		const struct mcr_row_form *f = &sx->form[i];
		bool is_done;

		if (mcr_row_form_walk(f, w, &is_done) < w->n || is_done)
			continue;
		co.choices.help = f->cmd->help;
		mcr_token_words(&f->token[w->n], add_completion, &co);
		add_names(&co, &f->token[w->n], names, names_arg);
	}
	/* A word that several rows share has no help of its own. */
	for (unsigned i = 0; i < co.choices.n; i++) {
		const struct choice *c = &co.choices.item[i];

		each(ctx, c->text, c->n_rows == 1 ? c->help : NULL);
	}
out:
	free(co.choices.item);
	free(w);
	free(err);
}
