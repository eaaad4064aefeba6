/* SPDX-License-Identifier: BSD-3-Clause */
/* Segments: a live index for each name. What they contain is port's, peer's and member's. */
#include <string.h>

#include "app.h"

static void
segment_apply(void *arg, const void *old, void *model)
{
	const struct model *m = model;
	struct app *app = arg;

	app->has_flood = false;
	for (uint32_t i = 0; i < app->n_segments; i++)
		if (app->segment[i].is_used && !model_find_segment(m, app->segment[i].name))
			app->segment[i].is_leaving = true; /* until its instances are gone */
	for (uint32_t i = 0; i < m->n_segments; i++) {
		const struct model_segment *ms = &m->segment[i];
		int live = app_find_segment(app, ms->name);

		app->has_flood |= ms->flood_unknown;
		for (uint32_t k = 0; live < 0 && k < MCR_MAX_SEGMENTS; k++)
			if (!app->segment[k].is_used)
				live = k;
		if (live < 0)
			continue; /* more names than slots in one commit: the old ones leave first
			           */
		snprintf(app->segment[live].name, sizeof(app->segment[live].name), "%s", ms->name);
		app->segment[live].is_used = true;
		app->segment[live].vni = ms->vni;
		app->n_segments = RTE_MAX(app->n_segments, (uint32_t)live + 1);
	}
}

const struct mcr_feature feat_segment = {
	.name = "segment",
	.apply = segment_apply,
};
