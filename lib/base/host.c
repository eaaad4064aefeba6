/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/host.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <numa.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_NODES 64

static void
read_cpus(struct mcr_host *host)
{
	cpu_set_t set;
	unsigned cpu;

	CPU_ZERO(&set);
	/* Fails on a kernel with more CPUs than the set holds; one CPU is always right to assume.
	 */
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		CPU_SET(0, &set);
	for (cpu = 0; cpu < MCR_MAX_CPUS && cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &set))
			host->cpu[host->n_cpus++] = cpu;
	}
}

/* Bit n of the result: node n has a CPU of ours. */
static uint64_t
nodes_of_cpus(const struct mcr_host *host)
{
	uint64_t nodes = 0;
	unsigned i;

	if (numa_available() < 0)
		return 1;
	for (i = 0; i < host->n_cpus; i++) {
		int node = numa_node_of_cpu(host->cpu[i]);

		if (node >= 0 && node < MAX_NODES)
			nodes |= UINT64_C(1) << node;
	}
	return nodes != 0 ? nodes : 1;
}

static uint64_t
read_number(const char *path)
{
	uint64_t value = 0;
	FILE *file = fopen(path, "re");

	if (file == NULL)
		return 0;
	if (fscanf(file, "%" SCNu64, &value) != 1)
		value = 0;
	fclose(file);
	return value;
}

/* Adds what one hugepages folder offers; `best` is the most free bytes of one size so far. */
static void
read_huge_folder(struct mcr_host *host, const char *folder, uint64_t *best)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		unsigned long kb;
		char path[512];
		uint64_t bytes;

		if (sscanf(entry->d_name, "hugepages-%lukB", &kb) != 1)
			continue;
		snprintf(path, sizeof(path), "%s/%s/free_hugepages", folder, entry->d_name);
		bytes = read_number(path) * kb * 1024;
		host->huge_free_bytes += bytes;
		if (bytes > *best) {
			*best = bytes;
			host->huge_page_size = (uint64_t)kb * 1024;
		}
	}
	closedir(dir);
}

static void
read_hugepages(struct mcr_host *host, uint64_t nodes)
{
	uint64_t best = 0;
	bool by_node = false;
	unsigned node;

	for (node = 0; node < MAX_NODES; node++) {
		char folder[128];

		if ((nodes >> node & 1) == 0)
			continue;
		snprintf(folder, sizeof(folder), "/sys/devices/system/node/node%u/hugepages", node);
		if (access(folder, R_OK) != 0)
			continue;
		by_node = true;
		read_huge_folder(host, folder, &best);
	}
	/* A kernel without NUMA has the sum only. */
	if (!by_node)
		read_huge_folder(host, "/sys/kernel/mm/hugepages", &best);
}

static void
read_rights(struct mcr_host *host)
{
	FILE *file = fopen("/proc/self/status", "re");
	uint64_t effective = 0;
	char line[256];

	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "CapEff: %" SCNx64, &effective) == 1)
			break;
	}
	fclose(file);
	host->has_net_admin = effective >> CAP_NET_ADMIN & 1;
	host->has_net_raw = effective >> CAP_NET_RAW & 1;
	host->has_sys_admin = effective >> CAP_SYS_ADMIN & 1;
}

void
mcr_host_read(struct mcr_host *host)
{
	struct stat st;
	uint64_t nodes;

	*host = (struct mcr_host){0};
	read_cpus(host);
	nodes = nodes_of_cpus(host);
	host->n_nodes = __builtin_popcountll(nodes);
	host->has_sys = access("/sys/devices/system", R_OK) == 0;
	host->has_tun = stat("/dev/net/tun", &st) == 0 && S_ISCHR(st.st_mode);
	read_hugepages(host, nodes);
	read_rights(host);
}

/* Decimal at *text, which moves behind it. -EINVAL, or -ERANGE for a CPU beyond our limit. */
static int
parse_cpu(const char **text)
{
	const char *s = *text;
	int value = 0;

	if (*s < '0' || *s > '9' || (s[0] == '0' && s[1] >= '0' && s[1] <= '9'))
		return -EINVAL;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (value < MCR_MAX_CPUS)
			value = value * 10 + (*s - '0');
	}
	*text = s;
	return value < MCR_MAX_CPUS ? value : -ERANGE;
}

/* Marks the CPUs of "N" or "N-M". */
static int
parse_range(const char **text, bool wanted[MCR_MAX_CPUS])
{
	int first = parse_cpu(text);
	int last = first;

	if (first < 0)
		return first;
	if (**text == '-') {
		(*text)++;
		last = parse_cpu(text);
		if (last < 0)
			return last;
	}
	if (last < first)
		return -EINVAL;
	for (; first <= last; first++)
		wanted[first] = true;
	return 0;
}

int
mcr_cpu_list_parse(const char *text, uint16_t *cpu, unsigned max)
{
	bool wanted[MCR_MAX_CPUS] = {false};
	unsigned i, n = 0;
	int rc;

	for (;;) {
		rc = parse_range(&text, wanted);
		if (rc < 0)
			return rc;
		if (*text == '\0')
			break;
		if (*text++ != ',')
			return -EINVAL;
	}
	for (i = 0; i < MCR_MAX_CPUS; i++) {
		if (!wanted[i])
			continue;
		if (n == max)
			return -ERANGE;
		cpu[n++] = i;
	}
	return n;
}

void
mcr_cpu_list_str(const uint16_t *cpu, unsigned n, char *buf, unsigned size)
{
	unsigned i = 0, used = 0;

	if (size != 0)
		buf[0] = '\0';
	while (i < n && used < size) {
		unsigned first = i;

		while (i + 1 < n && cpu[i + 1] == cpu[i] + 1)
			i++;
		used += snprintf(
			buf + used, size - used, "%s%u", first != 0 ? "," : "", cpu[first]);
		if (i > first && used < size)
			used += snprintf(buf + used, size - used, "-%u", cpu[i]);
		i++;
	}
}
