/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_CONF_COMMIT_H
#define MCR_CONF_COMMIT_H

#include <stdint.h>
#include <time.h>

#include "base/err.h"
#include "conf/lines.h"

/*
 * The transaction: compile the lines into the application's model, check (pure), prepare (may
 * fail), then apply (cannot fail), or abort what was prepared in reverse order. All or nothing. The
 * running state is untouched until apply. Shutdown is the commit of an empty configuration.
 */
struct mcr_feature {
	const char *name;
	/* Whole-object checks; appends all errors it finds. Pure: needs no EAL. */
	void (*check)(const void *model, struct mcr_errs *errs);
	/* Allocate, create, build. old is NULL at first. 0, or negative with an error. */
	int (*prepare)(void *app, const void *old, void *model, struct mcr_errs *errs);
	void (*apply)(void *app, const void *old, void *model);
	void (*abort)(void *app, const void *old, void *model);
};

struct mcr_commit_ops {
	/* Lines to model, appending all errors; NULL only when out of memory. */
	void *(*compile)(void *app, const struct mcr_lines *lines, struct mcr_errs *errs);
	void (*model_free)(void *model);
	const struct mcr_feature *const *features; /* in order, NULL terminated */
	void *app;
};

struct mcr_conf {
	const struct mcr_commit_ops *ops;
	struct mcr_lines *lines; /* running */
	void *model;             /* running; NULL before the first commit */
	uint64_t generation;     /* counts commits, 0 before the first */
	time_t committed;
};

int mcr_conf_init(struct mcr_conf *c, const struct mcr_commit_ops *ops);
void mcr_conf_fini(struct mcr_conf *c);
/* Compile and check only. 0 or -EINVAL. */
int mcr_conf_check(struct mcr_conf *c, const struct mcr_lines *candidate, struct mcr_errs *errs);
/*
 * Make `candidate` the running configuration; takes ownership on success only. `based_on` is the
 * generation it was copied from: -ESTALE when an other commit came between. -EINVAL: check; else
 * prepare.
 */
int mcr_conf_commit(
	struct mcr_conf *c, struct mcr_lines *candidate, uint64_t based_on, struct mcr_errs *errs);

#endif
