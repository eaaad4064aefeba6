/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/session.h"

/* Keys seen so far and where: a sorted array would be slower than this table of chains. */
struct seen {
	struct seen *next;
	unsigned line_no;
	char key[];
};

#define N_CHAINS 16384 /* a power of two */

struct reader {
	struct mcr_syntax *sx;
	const char *name;
	struct mcr_errs *errs;
	struct seen **chain;
	unsigned n_errors;
};

static uint32_t
hash_key(const char *key)
{
	uint32_t h = 5381;

	for (; *key != '\0'; key++)
		h = h * 33 + (unsigned char)*key;
	return h & (N_CHAINS - 1);
}

/* The line that had the key before, 0 = none: then this one is noted. */
static unsigned
note_key(struct reader *r, const char *key, unsigned line_no)
{
	struct seen **chain = &r->chain[hash_key(key)];
	struct seen *new;

	for (const struct seen *s = *chain; s != NULL; s = s->next) {
		if (strcmp(s->key, key) == 0)
			return s->line_no;
	}
	new = malloc(sizeof(*new) + strlen(key) + 1);
	if (new != NULL) {
		*new = (struct seen){.next = *chain, .line_no = line_no};
		memcpy(new->key, key, strlen(key) + 1);
		*chain = new;
	}
	return 0;
}

static void
forget_keys(struct reader *r)
{
	for (unsigned i = 0; r->chain != NULL && i < N_CHAINS; i++) {
		while (r->chain[i] != NULL) {
			struct seen *s = r->chain[i];

			r->chain[i] = s->next;
			free(s);
		}
	}
	free(r->chain);
}

static void
refuse(struct reader *r, const struct mcr_err *err, unsigned line_no)
{
	struct mcr_err *item = mcr_errs_add(r->errs, MCR_ERROR, "%s", err->text);

	*item = *err;
	mcr_err_at(item, r->name, line_no);
	r->n_errors++;
}

static bool
is_edit(const struct mcr_args *a)
{
	return !a->is_del && a->cmd->compile != NULL;
}

static void
read_line(struct reader *r, const char *line, unsigned line_no,
	void (*take)(void *arg, const struct mcr_args *a, const char *file, unsigned line_no),
	void *arg)
{
	char key[MCR_LINE_MAX + 1];
	struct mcr_args a;
	struct mcr_err err;
	unsigned before;
	int ret;

	ret = mcr_syntax_parse(r->sx, line, &a, &err);
	if (ret == 0)
		return;
	if (ret > 0 && !is_edit(&a)) {
		snprintf(err.text, sizeof(err.text),
			"a configuration file has only add and set lines");
		err.position = (unsigned)strspn(line, " \t") + 1;
		snprintf(err.expected, sizeof(err.expected), "add, set");
		ret = -EINVAL;
	}
	if (ret > 0) {
		mcr_args_key(&a, key);
		before = note_key(r, key, line_no);
		if (before == 0) {
			take(arg, &a, r->name, line_no);
			return;
		}
		snprintf(
			err.text, sizeof(err.text), "line %u already says \"%.300s\"", before, key);
	}
	refuse(r, &err, line_no);
}

static void
refuse_nul(struct reader *r, unsigned line_no)
{
	struct mcr_err err = {.text = "byte 0x00: this is no text file"};

	refuse(r, &err, line_no);
}

static int
refuse_file(const char *path, int error, struct mcr_errs *errs)
{
	struct mcr_err *err;

	if (error == ENOENT) {
		err = mcr_errs_add(errs, MCR_ERROR, "%.300s cannot be read: no such file", path);
		mcr_err_fix(err,
			"mcrd -i    (a console without a file), or mcrd -c "
			"config/demo.conf    (a sample configuration), or scripts/demo.sh");
	} else if (error == EACCES) {
		err = mcr_errs_add(
			errs, MCR_ERROR, "%.300s cannot be read: permission denied", path);
		mcr_err_fix(err, "ls -l %.200s", path);
	} else if (error == EISDIR) {
		mcr_errs_add(errs, MCR_ERROR, "%.300s cannot be read: it is a directory", path);
	} else {
		mcr_errs_add(errs, MCR_ERROR, "%.300s cannot be read: %s", path, strerror(error));
	}
	return -error;
}

int
mcr_file_read(struct mcr_syntax *sx, const char *path,
	void (*line)(void *arg, const struct mcr_args *a, const char *file, unsigned line_no),
	void *arg, struct mcr_errs *errs)
{
	const char *slash = strrchr(path, '/');
	struct reader r = {.sx = sx, .name = slash == NULL ? path : slash + 1, .errs = errs};
	FILE *in = fopen(path, "re");
	unsigned line_no = 0;
	char *text = NULL;
	size_t size = 0;
	ssize_t len;
	int error;

	if (in == NULL)
		return refuse_file(path, errno, errs);
	r.chain = calloc(N_CHAINS, sizeof(struct seen *));
	if (r.chain == NULL) {
		fclose(in);
		return refuse_file(path, ENOMEM, errs);
	}
	errno = 0;
	while ((len = getline(&text, &size, in)) >= 0) {
		line_no++;
		if (memchr(text, '\0', (size_t)len) != NULL)
			refuse_nul(&r, line_no);
		else
			read_line(&r, text, line_no, line, arg);
		errno = 0;
	}
	error = ferror(in) ? errno : 0;
	forget_keys(&r);
	free(text);
	fclose(in);
	if (error != 0)
		return refuse_file(path, error, errs);
	return r.n_errors > 0 ? -EINVAL : 0;
}
