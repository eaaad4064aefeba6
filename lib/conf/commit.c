/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf/commit.h"

#include <errno.h>
#include <string.h>

int
mcr_conf_init(struct mcr_conf *c, const struct mcr_commit_ops *ops)
{
	*c = (struct mcr_conf){.ops = ops, .lines = mcr_lines_create()};
	return c->lines == NULL ? -ENOMEM : 0;
}

void
mcr_conf_fini(struct mcr_conf *c)
{
	if (c->model != NULL)
		c->ops->model_free(c->model);
	mcr_lines_free(c->lines);
	*c = (struct mcr_conf){0};
}

/* Lines to a checked model. 0, or negative with an error and no model. */
static int
build_model(struct mcr_conf *c, const struct mcr_lines *lines, void **model, struct mcr_errs *errs)
{
	const unsigned errors_before = errs->n_errors;
	bool is_whole;

	*model = c->ops->compile(c->ops->app, lines, errs);
	if (*model == NULL) {
		if (errs->n_errors == errors_before)
			mcr_errs_add(errs, MCR_ERROR, "configuration: no memory for it");
		return -ENOMEM;
	}
	/* A check relies on a model that compiled: its sentences would be about half an object. */
	is_whole = errs->n_errors == errors_before;
	for (unsigned i = 0; is_whole && c->ops->features[i] != NULL; i++) {
		if (c->ops->features[i]->check != NULL)
			c->ops->features[i]->check(*model, errs);
	}
	if (errs->n_errors == errors_before)
		return 0;
	c->ops->model_free(*model);
	*model = NULL;
	return -EINVAL;
}

int
mcr_conf_check(struct mcr_conf *c, const struct mcr_lines *candidate, struct mcr_errs *errs)
{
	void *model;
	int ret = build_model(c, candidate, &model, errs);

	if (ret == 0)
		c->ops->model_free(model);
	return ret;
}

static void
abort_prepared(struct mcr_conf *c, void *model, unsigned n_prepared)
{
	while (n_prepared-- > 0) {
		const struct mcr_feature *f = c->ops->features[n_prepared];

		if (f->abort != NULL)
			f->abort(c->ops->app, c->model, model);
	}
}

static int
prepare(struct mcr_conf *c, void *model, struct mcr_errs *errs)
{
	const unsigned errors_before = errs->n_errors;

	for (unsigned i = 0; c->ops->features[i] != NULL; i++) {
		const struct mcr_feature *f = c->ops->features[i];
		int ret;

		if (f->prepare == NULL)
			continue;
		ret = f->prepare(c->ops->app, c->model, model, errs);
		if (ret == 0)
			continue;
		if (errs->n_errors == errors_before)
			mcr_errs_add(errs, MCR_ERROR, "%s: %s", f->name, strerror(-ret));
		abort_prepared(c, model, i);
		return ret;
	}
	return 0;
}

int
mcr_conf_commit(
	struct mcr_conf *c, struct mcr_lines *candidate, uint64_t based_on, struct mcr_errs *errs)
{
	struct mcr_err *err;
	void *model;
	int ret;

	if (based_on != c->generation) {
		err = mcr_errs_add(errs, MCR_ERROR,
			"batch: the running configuration changed after this batch began");
		mcr_err_fix(err, "abort, then begin again");
		return -ESTALE;
	}
	ret = build_model(c, candidate, &model, errs);
	if (ret < 0)
		return ret;
	ret = prepare(c, model, errs);
	if (ret < 0) {
		c->ops->model_free(model);
		return ret;
	}
	for (unsigned i = 0; c->ops->features[i] != NULL; i++) {
		if (c->ops->features[i]->apply != NULL)
			c->ops->features[i]->apply(c->ops->app, c->model, model);
	}
	if (c->model != NULL)
		c->ops->model_free(c->model);
	mcr_lines_free(c->lines);
	c->model = model;
	c->lines = candidate;
	c->generation++;
	c->committed = time(NULL);
	return 0;
}
