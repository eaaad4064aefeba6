/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_APP_EAL_H
#define MCR_APP_EAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/host.h"

/*
 * The one rte_eal_init of the process. A second call fails in DPDK, so everything is decided
 * before it: memory mode, CPUs, PCI devices. The decision is a pure function of the parameters.
 */
enum mcr_memory {
	MCR_MEMORY_AUTO,
	MCR_MEMORY_HUGEPAGES, /* --in-memory: no mount, no files left, works without root */
	MCR_MEMORY_SHARED,    /* hugepage files that secondary processes can open */
	MCR_MEMORY_PLAIN,     /* --no-huge: ordinary pages */
};

/* Where a setting stands, for errors; file NULL: not in a file. */
struct mcr_eal_place {
	const char *file;
	unsigned line;
};

struct mcr_eal_param {
	const struct mcr_host *host;
	const uint16_t *cpu; /* ascending */
	unsigned n_cpus;     /* 0: all that the host lets us use */
	unsigned n_workers;  /* 0: every CPU but the first, at least one */
	enum mcr_memory memory;
	uint64_t memory_mb;     /* packet memory and all else that DPDK allocates */
	const char *const *pci; /* the configured devices: no other is touched; none: no PCI */
	unsigned n_pci;
	char *const *extra_argv; /* what stood behind `--` on our command line */
	int extra_argc;
	struct mcr_eal_place cpus_at, workers_at, memory_at;
};

#define MCR_EAL_MAX_ARGS 128

struct mcr_eal_args {
	enum mcr_memory memory; /* never AUTO */
	unsigned n_workers;
	int argc;
	char *argv[MCR_EAL_MAX_ARGS + 1]; /* into text, or the caller's extra */
	char text[8192];
	unsigned used;
};

/*
 * The main lcore is lcore 0 on the first CPU, workers are lcores 1 .. n on the next ones; with as
 * many workers as CPUs the first worker shares the main lcore's CPU. 0, or -errno and errors;
 * a warning when ordinary pages stand in for hugepages.
 */
int mcr_eal_args(const struct mcr_eal_param *p, struct mcr_eal_args *args, struct mcr_errs *errs);

/* Decide and start. 0, or -errno and one error. EAL's own text goes to the debug log. */
int mcr_eal_start(const struct mcr_eal_param *p, struct mcr_errs *errs);
void mcr_eal_stop(void);
/* The mode in use after the start. */
enum mcr_memory mcr_eal_memory(void);
const char *mcr_eal_memory_name(enum mcr_memory memory);

#endif
