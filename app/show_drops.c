/* SPDX-License-Identifier: BSD-3-Clause */
/* Every drop reason: what happened first, in the order of the packet walk, then what did not. */
#include <stdio.h>

#include "show.h"

static json_t *
drop_json(unsigned why, uint64_t count, uint64_t now_ns)
{
	const struct mcr_drop_info *info = &mcr_drop_info[why];

	return json_pack("{s:s, s:s, s:I, s:o, s:s, s:s?}", "reason", info->reason, "stage",
		info->stage, "count", (json_int_t)count, "last_seconds",
		show_since(now_ns, count ? mcr_stat_drop_last(why) : 0), "meaning", info->meaning,
		"fix", info->fix);
}

static void
format_meaning(const json_t *row, char *buf, size_t size)
{
	bool has_fix = !show_is_null(row, "fix");

	snprintf(buf, size, "%s%s%s", show_get_text(row, "meaning"), has_fix ? "; " : "",
		has_fix ? show_get_text(row, "fix") : "");
}

/* clang-format off */
static const struct mcr_column drop_columns[] = {
	{"REASON", "reason", MCR_COL_TEXT, NULL},
	{"STAGE", "stage", MCR_COL_TEXT, NULL},
	{"COUNT", "count", MCR_COL_COUNT, NULL},
	{"LAST", "last_seconds", MCR_COL_DURATION, NULL},
	{"WHAT IT MEANS AND WHAT TO DO", "meaning", MCR_COL_TEXT, format_meaning},
};
/* clang-format on */

static const struct mcr_listing drop_listing = {
	.array = "drops",
	.columns = drop_columns,
	.n_columns = RTE_DIM(drop_columns),
	.empty = "0 drops",
};

int
run_show_drops(struct mcr_session *s, const struct mcr_args *a)
{
	uint64_t now_ns = show_monotonic_ns();
	json_t *rows = json_array();

	mcr_stat_tick(now_ns); /* so that LAST knows what came since the last second */
	for (int pass = 0; pass < 2; pass++)
		for (unsigned why = 0; why < MCR_DROP_MAX; why++) {
			uint64_t count = mcr_stat_drops(why);

			if ((count == 0) == (pass == 1))
				show_append(rows, drop_json(why, count, now_ns));
		}
	return mcr_render(s, a, show_rows("drops", rows), &drop_listing);
}
