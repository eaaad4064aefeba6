/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/err.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE_INDENT 5

static const char *const severity_word[] = {
	[MCR_ERROR] = "error",
	[MCR_WARNING] = "warning",
};

void
mcr_errs_fini(struct mcr_errs *errs)
{
	free(errs->item);
	*errs = (struct mcr_errs){0};
}

/* Where an error goes that there is no memory for: counted, so the refusal itself is never lost. */
static struct mcr_err overflow_item;

static struct mcr_err *
new_item(struct mcr_errs *errs)
{
	unsigned capacity = 8;
	struct mcr_err *grown;

	/* The array is full at every power of two from 8 on. */
	if (errs->count != 0 && (errs->count < 8 || (errs->count & (errs->count - 1)) != 0))
		return &errs->item[errs->count++];
	if (errs->count != 0)
		capacity = errs->count * 2;
	grown = realloc(errs->item, capacity * sizeof(*grown));
	if (grown == NULL)
		return &overflow_item;
	errs->item = grown;
	return &errs->item[errs->count++];
}

struct mcr_err *
mcr_errs_add(struct mcr_errs *errs, enum mcr_severity severity, const char *fmt, ...)
{
	struct mcr_err *err = new_item(errs);
	va_list ap;

	*err = (struct mcr_err){.severity = severity};
	if (severity == MCR_ERROR)
		errs->n_errors++;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return err;
}

void
mcr_err_fix(struct mcr_err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->fix, sizeof(err->fix), fmt, ap);
	va_end(ap);
}

void
mcr_err_at(struct mcr_err *err, const char *file, unsigned line)
{
	snprintf(err->file, sizeof(err->file), "%s", file);
	err->line = line;
}

/* Operators' words may hold anything; a terminal sees printable bytes, one column for each. */
static void
put_text(FILE *out, const char *text, size_t len)
{
	for (; len > 0; text++, len--) {
		unsigned char c = *text;

		fputc(c < 0x20 || c == 0x7f ? ' ' : c, out);
	}
}

static void
put_string(FILE *out, const char *text)
{
	put_text(out, text, strlen(text));
}

static void
put_place(FILE *out, const struct mcr_err *err)
{
	put_string(out, err->file);
	if (err->line != 0)
		fprintf(out, ":%u", err->line);
}

/* "a, b, c" as "a, b or c". */
static void
put_choices(FILE *out, const char *choices)
{
	const char *last = NULL;

	for (const char *at = strstr(choices, ", "); at != NULL; at = strstr(at + 2, ", "))
		last = at;
	if (last == NULL) {
		put_string(out, choices);
		return;
	}
	put_text(out, choices, (size_t)(last - choices));
	fputs(" or ", out);
	put_string(out, last + 2);
}

/* The line as written, and a caret under the first wrong word. */
static void
put_source(FILE *out, const struct mcr_err *err)
{
	fprintf(out, "%*s", SOURCE_INDENT, "");
	put_string(out, err->source);
	fputc('\n', out);
	if (err->position == 0)
		return;
	fprintf(out, "%*s^", (int)(SOURCE_INDENT + err->position - 1), "");
	if (err->expected[0] != '\0') {
		fputs(" expected: ", out);
		put_choices(out, err->expected);
	}
	fputc('\n', out);
}

/* WHAT (WHERE): WHY; the place stands behind the first part of the text. */
static void
put_text_with_place(FILE *out, const struct mcr_err *err)
{
	const char *colon = strstr(err->text, ": ");
	size_t what = colon != NULL ? (size_t)(colon - err->text) : strlen(err->text);

	put_text(out, err->text, what);
	if (err->file[0] != '\0') {
		fputs(" (", out);
		put_place(out, err);
		fputc(')', out);
	}
	put_string(out, err->text + what);
}

void
mcr_err_print(FILE *out, const struct mcr_err *err)
{
	if (err->source[0] == '\0') {
		fprintf(out, "%s: ", severity_word[err->severity]);
		put_text_with_place(out, err);
		fputc('\n', out);
	} else {
		if (err->file[0] != '\0') {
			put_place(out, err);
			fputs(": ", out);
		}
		fprintf(out, "%s: ", severity_word[err->severity]);
		put_string(out, err->text);
		fputc('\n', out);
		put_source(out, err);
	}
	if (err->fix[0] != '\0') {
		fputs("  fix: ", out);
		put_string(out, err->fix);
		fputc('\n', out);
	}
}

void
mcr_errs_print(FILE *out, const struct mcr_errs *errs)
{
	unsigned i;

	for (i = 0; i < errs->count; i++)
		mcr_err_print(out, &errs->item[i]);
}
