/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_BASE_HOST_H
#define MCR_BASE_HOST_H

#include <stdbool.h>
#include <stdint.h>

/* What the host has, read before EAL starts. Nothing here changes the host. */
#define MCR_MAX_CPUS 1024

struct mcr_host {
	unsigned n_cpus;            /* CPUs this process may use */
	uint16_t cpu[MCR_MAX_CPUS]; /* their numbers, ascending */
	unsigned n_nodes;           /* NUMA nodes with such a CPU; at least 1 */
	uint64_t huge_free_bytes;   /* free hugepages of all sizes on those nodes */
	uint64_t huge_page_size;    /* the size with most free bytes, or 0 */
	bool has_sys;               /* /sys is mounted */
	bool has_tun;               /* /dev/net/tun exists */
	bool has_net_admin, has_net_raw, has_sys_admin;
};

void mcr_host_read(struct mcr_host *host);
/* "1-3,5" -> numbers ascending. Count, or -EINVAL (syntax), -ERANGE (too many or too large). */
int mcr_cpu_list_parse(const char *text, uint16_t *cpu, unsigned max);
/* The reverse, for messages. */
void mcr_cpu_list_str(const uint16_t *cpu, unsigned n, char *buf, unsigned size);

#endif
