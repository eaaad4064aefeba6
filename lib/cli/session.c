/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void
mcr_session_init(
	struct mcr_session *s, struct mcr_syntax *sx, const struct mcr_session_ops *ops, void *app)
{
	*s = (struct mcr_session){.syntax = sx, .ops = ops, .app = app};
}

void
mcr_session_fini(struct mcr_session *s)
{
	if (s->ops != NULL && s->ops->closed != NULL)
		s->ops->closed(s);
	mcr_errs_fini(&s->errs);
	free(s->out);
	*s = (struct mcr_session){0};
}

/* Room for len more bytes and a final NUL; false when there is no memory. */
static bool
reserve(struct mcr_session *s, size_t len)
{
	size_t size = s->out_size == 0 ? 1024 : s->out_size;
	char *out;

	while (size < s->out_len + len + 1)
		size *= 2;
	if (size == s->out_size)
		return true;
	out = realloc(s->out, size);
	if (out == NULL)
		return false;
	s->out = out;
	s->out_size = size;
	return true;
}

void
mcr_session_write(struct mcr_session *s, const char *text, size_t len)
{
	/* Without memory the answer is cut: there is nobody else to tell. */
	if (!reserve(s, len))
		return;
	memcpy(s->out + s->out_len, text, len);
	s->out_len += len;
	s->out[s->out_len] = '\0';
}

void
mcr_session_printf(struct mcr_session *s, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len <= 0 || !reserve(s, (size_t)len))
		return;
	va_start(ap, fmt);
	vsnprintf(s->out + s->out_len, (size_t)len + 1, fmt, ap);
	va_end(ap);
	s->out_len += (size_t)len;
}

struct mcr_err *
mcr_session_error(struct mcr_session *s, const char *fmt, ...)
{
	char text[sizeof(s->errs.item->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return mcr_errs_add(&s->errs, MCR_ERROR, "%s", text);
}

void
mcr_session_clear(struct mcr_session *s)
{
	s->out_len = 0;
	if (s->out_size > 65536) {
		/* One long listing must not stay in memory with every idle client. */
		free(s->out);
		s->out = NULL;
		s->out_size = 0;
	} else if (s->out != NULL) {
		s->out[0] = '\0';
	}
}

/* Text from the operator may hold any bytes; JSON takes UTF-8 only. */
static json_t *
string_or_null(const char *text)
{
	char clean[sizeof(((struct mcr_err *)0)->text)];
	json_t *value;
	size_t i;

	if (text[0] == '\0')
		return json_null();
	value = json_string(text);
	if (value != NULL)
		return value;
	for (i = 0; text[i] != '\0' && i + 1 < sizeof(clean); i++)
		clean[i] = (unsigned char)text[i] < 0x80 ? text[i] : '?';
	clean[i] = '\0';
	return json_string(clean);
}

static json_t *
expected_array(const char *expected)
{
	json_t *array = json_array();

	while (*expected != '\0') {
		const char *comma = strstr(expected, ", ");
		const size_t n = comma == NULL ? strlen(expected) : (size_t)(comma - expected);

		json_array_append_new(array, json_stringn(expected, n));
		expected += n + (comma == NULL ? 0 : 2);
	}
	return array;
}

char *
mcr_err_json(const struct mcr_err *err)
{
	json_t *root = json_object();
	char *text;

	json_object_set_new(root, "version", json_integer(1));
	json_object_set_new(root, err->severity == MCR_WARNING ? "warning" : "error",
		string_or_null(err->text));
	json_object_set_new(root, "fix", string_or_null(err->fix));
	json_object_set_new(root, "file", string_or_null(err->file));
	json_object_set_new(
		root, "line", err->line == 0 ? json_null() : json_integer((json_int_t)err->line));
	json_object_set_new(root, "position",
		err->position == 0 ? json_null() : json_integer((json_int_t)err->position));
	json_object_set_new(root, "expected", expected_array(err->expected));
	text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	return text;
}

/* The collected errors and warnings follow what the command printed. */
static void
write_errs(struct mcr_session *s)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out;

	for (unsigned i = 0; s->json && i < s->errs.count; i++) {
		text = mcr_err_json(&s->errs.item[i]);
		if (text != NULL)
			mcr_session_printf(s, "%s\n", text);
		free(text);
	}
	if (s->json || s->errs.count == 0)
		return;
	out = open_memstream(&text, &len);
	if (out == NULL)
		return;
	mcr_errs_print(out, &s->errs);
	if (fclose(out) == 0)
		mcr_session_write(s, text, len);
	free(text);
}

static int
run(struct mcr_session *s, const struct mcr_args *a)
{
	int ret;

	if (a->cmd->run != NULL)
		ret = a->cmd->run(s, a);
	else
		ret = s->ops->edit(s, a, &s->errs);
	if (ret < 0)
		return MCR_REFUSED;
	return ret == MCR_OK && s->errs.n_errors > 0 ? MCR_REFUSED : ret;
}

int
mcr_session_exec(struct mcr_session *s, const char *line, bool json)
{
	const bool json_before = s->json;
	struct mcr_args a;
	struct mcr_err err;
	struct mcr_err *item;
	int ret;

	s->json = json || json_before;
	mcr_errs_fini(&s->errs);
	ret = mcr_syntax_parse(s->syntax, line, &a, &err);
	if (ret > 0) {
		ret = run(s, &a);
	} else if (ret < 0) {
		item = mcr_errs_add(&s->errs, MCR_ERROR, "%s", err.text);
		*item = err;
		ret = ret == -ERANGE ? MCR_REFUSED : MCR_USAGE;
	}
	write_errs(s);
	mcr_errs_fini(&s->errs);
	s->json = json_before;
	return ret;
}
