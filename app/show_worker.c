/* SPDX-License-Identifier: BSD-3-Clause */
/* Workers: what each did in the last whole second. Two samples, taken once a second. */
#include <string.h>

#include "show.h"

/* Main lcore only. */
static struct sample {
	struct mcr_worker_stat last;
	struct show_load load;
} samples[RTE_MAX_LCORE];
static uint64_t sampled_ns;

static double
share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

static void
load_of(struct show_load *load, const struct mcr_worker_stat *was,
	const struct mcr_worker_stat *now, double seconds)
{
	uint64_t busy = now->busy_cycles - was->busy_cycles;
	uint64_t idle = now->idle_cycles - was->idle_cycles;
	uint64_t packets = now->rx_packets - was->rx_packets;
	uint64_t copies = now->copies - was->copies;

	*load = (struct show_load){
		.is_known = true,
		.busy = share(busy, busy + idle),
		.rx_packets = (double)packets / seconds,
		.copies = (double)copies / seconds,
		.burst = share(packets, now->busy_turns - was->busy_turns),
		.cycles_packet = share(busy, packets),
		.cycles_copy = share(busy, copies),
	};
}

void
show_tick(struct app *app)
{
	uint64_t now_ns = show_monotonic_ns();

	for (unsigned i = 0; app->path && i < app->n_workers; i++) {
		struct mcr_worker_stat now;

		mcr_worker_stat(app->path, i, &now);
		if (sampled_ns && now_ns > sampled_ns)
			load_of(&samples[i].load, &samples[i].last, &now,
				(double)(now_ns - sampled_ns) / MCR_NS_PER_S);
		samples[i].last = now;
	}
	sampled_ns = now_ns;
	show_memory_tick(app);
}

void
show_worker_load(unsigned worker, struct show_load *load)
{
	*load = samples[worker].load;
}

static json_t *
worker_json(const struct app *app, unsigned index)
{
	static const char *const idle[] = {[MCR_IDLE_POLL] = "poll",
		[MCR_IDLE_SLEEP] = "sleep",
		[MCR_IDLE_INTERRUPT] = "interrupt"};
	struct mcr_worker_stat now;
	struct show_load load;

	mcr_worker_stat(app->path, index, &now);
	show_worker_load(index, &load);
	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "worker", (int)index,
		"cpu", now.cpu < 0 ? json_null() : json_integer(now.cpu), "busy_ratio",
		load.is_known ? json_real((double)(int)(load.busy * 1000 + 0.5) / 1000)
			      : json_null(),
		"receive_packets_per_second",
		load.is_known ? json_integer((json_int_t)(load.rx_packets + 0.5)) : json_null(),
		"burst_packets", show_rate(load.burst, load.is_known && load.burst > 0),
		"copies_per_second",
		load.is_known ? json_integer((json_int_t)(load.copies + 0.5)) : json_null(),
		"cycles_per_packet",
		load.cycles_packet > 0 ? json_integer((json_int_t)load.cycles_packet) : json_null(),
		"cycles_per_copy",
		load.cycles_copy > 0 ? json_integer((json_int_t)load.cycles_copy) : json_null(),
		"idle", idle[now.idle]);
}

/* clang-format off */
static const struct mcr_column worker_columns[] = {
	{"WORKER", "worker", MCR_COL_COUNT, NULL},
	{"CPU", "cpu", MCR_COL_COUNT, NULL},
	{"BUSY", "busy_ratio", MCR_COL_RATIO, NULL},
	{"RX-PPS", "receive_packets_per_second", MCR_COL_COUNT, NULL},
	{"BURST", "burst_packets", MCR_COL_COUNT, NULL},
	{"COPIES/S", "copies_per_second", MCR_COL_COUNT, NULL},
	{"CYCLES/PACKET", "cycles_per_packet", MCR_COL_COUNT, NULL},
	{"CYCLES/COPY", "cycles_per_copy", MCR_COL_COUNT, NULL},
	{"IDLE-MODE", "idle", MCR_COL_TEXT, NULL},
};
/* clang-format on */

static const struct mcr_listing worker_listing = {
	.array = "workers",
	.columns = worker_columns,
	.n_columns = RTE_DIM(worker_columns),
	.empty = "0 workers",
};

int
run_show_workers(struct mcr_session *s, const struct mcr_args *a)
{
	const struct app *app = s->app;
	json_t *rows = json_array();

	for (unsigned i = 0; i < app->n_workers; i++)
		show_append(rows, worker_json(app, i));
	return mcr_render(s, a, show_rows("workers", rows), &worker_listing);
}
