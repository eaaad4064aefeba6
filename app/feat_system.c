/* SPDX-License-Identifier: BSD-3-Clause */
/* System, log and limit lines. What is read at start only is stored, with a warning. */
#include <string.h>

#include "base/log.h"

#include "app.h"

static void
warn_restart(struct mcr_errs *errs, const char *line)
{
	mcr_err_fix(
		mcr_errs_add(errs, MCR_WARNING,
			"system %s: the new value is stored and used from the next start on", line),
		"save, then start mcrd again");
}

static int
system_prepare(void *arg, const void *old, void *model, struct mcr_errs *errs)
{
	const struct model *was = old, *m = model;

	if (!was)
		return 0;
	if (was->n_cpus != m->n_cpus || memcmp(was->cpu, m->cpu, sizeof(m->cpu)))
		warn_restart(errs, "cpus");
	if (was->workers != m->workers)
		warn_restart(errs, "workers");
	if (was->memory != m->memory)
		warn_restart(errs, "memory");
	if (was->memory_mb != m->memory_mb)
		warn_restart(errs, "memory-size");
	if (strcmp(was->control_socket, m->control_socket))
		warn_restart(errs, "control-socket");
	if (strcmp(was->control_group, m->control_group))
		warn_restart(errs, "control-group");
	if (m->limit_groups > was->limit_groups)
		warn_restart(errs, "limit groups");
	return 0;
}

static void
system_apply(void *arg, const void *old, void *model)
{
	const struct model *m = model;
	struct app *app = arg;
	struct mcr_member_limits limits = {.groups = m->limit_groups,
		.subscribers = m->limit_subscribers,
		.sources = m->limit_sources,
		.memberships = m->limit_memberships};

	app->model = m;
	/* Lines that went away fall back to the default. */
	mcr_log_set_level("all", "notice");
	for (int all = 1; all >= 0; all--)
		for (uint32_t i = 0; i < m->n_logs; i++)
			if ((strcmp(m->log[i].type, "all") == 0) == all)
				mcr_log_set_level(m->log[i].type, m->log[i].level);
	mcr_member_set_limits(app->member, &limits);
	mcr_path_set_idle(app->path, m->idle >= 0         ? (enum mcr_idle)m->idle
				     : model_needs_pci(m) ? MCR_IDLE_POLL
							  : MCR_IDLE_SLEEP);
}

const struct mcr_feature feat_system = {
	.name = "system",
	.prepare = system_prepare,
	.apply = system_apply,
};
