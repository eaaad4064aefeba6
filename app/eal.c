/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal.h"

#include "base/log.h"

#include <rte_common.h>
#include <rte_debug.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_log.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <mntent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_PREFIX "mcr"
#define LEAST_MB 64

static int
choose_memory(const struct mcr_eal_param *p, struct mcr_eal_args *args, struct mcr_errs *errs);
static int
choose_cpus(const struct mcr_eal_param *p, struct mcr_eal_args *args, struct mcr_errs *errs);
static void
add(struct mcr_eal_args *args, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static struct mcr_err *refuse(struct mcr_errs *errs, enum mcr_severity severity,
	const struct mcr_eal_place *at, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static void prepare_shared(void);
static void translate(const struct mcr_eal_param *p, const struct mcr_eal_args *args,
	const char *text, struct mcr_errs *errs);

static enum mcr_memory memory_in_use;
static FILE *log_stream; /* DPDK's threads may use it until mcr_eal_stop */

enum mcr_memory
mcr_eal_memory(void)
{
	return memory_in_use;
}

const char *
mcr_eal_memory_name(enum mcr_memory memory)
{
	static const char *const names[] = {"auto", "hugepages", "shared", "plain"};

	return names[memory];
}

int
mcr_eal_args(const struct mcr_eal_param *p, struct mcr_eal_args *args, struct mcr_errs *errs)
{
	int ret;

	memset(args, 0, sizeof(*args));
	if (!p->host->has_sys) {
		mcr_err_fix(refuse(errs, MCR_ERROR, NULL,
				    "host: /sys is not mounted, CPUs and hugepages cannot be seen"),
			"mount -t sysfs -o ro sysfs /sys      (container: mount /sys read-only "
			"into it)");
		return -ENODEV;
	}
	if (p->extra_argc > MCR_EAL_MAX_ARGS / 2 || p->n_pci > MCR_EAL_MAX_ARGS / 8) {
		refuse(errs, MCR_ERROR, NULL, "EAL: too many arguments");
		return -E2BIG;
	}
	add(args, "mcrd");
	ret = choose_cpus(p, args, errs);
	if (ret == 0)
		ret = choose_memory(p, args, errs);
	if (ret != 0)
		return ret;

	if (p->n_pci == 0)
		add(args, "--no-pci");
	for (unsigned i = 0; i < p->n_pci; i++) {
		add(args, "-a");
		add(args, "%s", p->pci[i]);
	}
	/* Its socket would live in a directory of DPDK's choice. */
	add(args, "--no-telemetry");
	for (int i = 0; i < p->extra_argc; i++)
		args->argv[args->argc++] = p->extra_argv[i];
	return 0;
}

static int
choose_cpus(const struct mcr_eal_param *p, struct mcr_eal_args *args, struct mcr_errs *errs)
{
	const struct mcr_host *host = p->host;
	const uint16_t *cpu = p->n_cpus > 0 ? p->cpu : host->cpu;
	unsigned n_cpus = p->n_cpus > 0 ? p->n_cpus : host->n_cpus;
	unsigned n_workers = p->n_workers > 0 ? p->n_workers : RTE_MAX(n_cpus - 1, 1u);
	unsigned first, len = 0;
	char list[1024];

	for (unsigned i = 0, j = 0; i < n_cpus; i++) {
		while (j < host->n_cpus && host->cpu[j] < cpu[i])
			j++;
		if (j < host->n_cpus && host->cpu[j] == cpu[i])
			continue;
		mcr_cpu_list_str(host->cpu, host->n_cpus, list, sizeof(list));
		mcr_err_fix(refuse(errs, MCR_ERROR, &p->cpus_at,
				    "cpus: CPU %u asked, this process may use %s", cpu[i], list),
			"set system cpus %s", list);
		return -ENODEV;
	}
	if (p->n_workers == 0)
		n_workers = RTE_MIN(n_workers, RTE_MAX_LCORE - 1u);
	if (n_workers > n_cpus || n_workers >= RTE_MAX_LCORE) {
		n_cpus = RTE_MIN(n_cpus, RTE_MAX_LCORE - 1u);
		mcr_err_fix(refuse(errs, MCR_ERROR, &p->workers_at,
				    "workers: %u asked, there are CPUs for %u", n_workers, n_cpus),
			"set system workers %u", n_cpus);
		return -ENODEV;
	}

	/* As many workers as CPUs: the main lcore, which mostly sleeps, shares the first one. */
	first = n_workers == n_cpus ? 0 : 1;
	len = snprintf(list, sizeof(list), "0@%u", cpu[0]);
	for (unsigned i = 0; i < n_workers && len < sizeof(list); i++)
		len += snprintf(list + len, sizeof(list) - len, ",%u@%u", i + 1, cpu[first + i]);
	if (len >= sizeof(list)) {
		refuse(errs, MCR_ERROR, &p->workers_at, "workers: too many for one command line");
		return -E2BIG;
	}
	add(args, "--lcores");
	add(args, "%s", list);
	add(args, "--main-lcore");
	add(args, "0");
	args->n_workers = n_workers;
	return 0;
}

static struct mcr_err *
want_hugepages(struct mcr_err *err, uint64_t need_mb)
{
	mcr_err_fix(err,
		"echo %" PRIu64 " > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages",
		RTE_MAX(UINT64_C(256), need_mb / 2 + 1));
	return err;
}

/* Pages are taken as they are needed, on the node that needs them: no -m and --socket-mem with
 * hugepages. */
static int
choose_memory(const struct mcr_eal_param *p, struct mcr_eal_args *args, struct mcr_errs *errs)
{
	uint64_t need_mb = RTE_MAX(p->memory_mb, (uint64_t)LEAST_MB);
	uint64_t free_mb = p->host->huge_free_bytes >> 20;
	char lack[128];

	args->memory = p->memory;
	if (free_mb == 0)
		snprintf(lack, sizeof(lack), "no hugepages on this host");
	else
		snprintf(lack, sizeof(lack),
			"needs %" PRIu64 " MB, %" PRIu64 " MB of hugepages are free", need_mb,
			free_mb);

	if (p->memory == MCR_MEMORY_AUTO && free_mb >= need_mb) {
		args->memory = MCR_MEMORY_HUGEPAGES;
	} else if (p->memory == MCR_MEMORY_AUTO) {
		args->memory = MCR_MEMORY_PLAIN;
		want_hugepages(refuse(errs, MCR_WARNING, &p->memory_at,
				       "memory: %s; using ordinary pages (fine for demo and tests, "
				       "slow with a NIC)",
				       lack),
			need_mb);
	} else if (p->memory != MCR_MEMORY_PLAIN && free_mb < need_mb) {
		want_hugepages(refuse(errs, MCR_ERROR, &p->memory_at, "memory: %s", lack), need_mb);
		return -ENOMEM;
	}

	switch (args->memory) {
	case MCR_MEMORY_HUGEPAGES:
		add(args, "--in-memory");
		break;
	case MCR_MEMORY_SHARED:
		add(args, "--file-prefix");
		add(args, FILE_PREFIX);
		break;
	default:
		/* Never together with --in-memory. Without shared files two daemons do not meet. */
		add(args, "--no-huge");
		add(args, "-m");
		add(args, "%" PRIu64, need_mb);
		add(args, "--no-shconf");
		break;
	}
	return 0;
}

static void
add(struct mcr_eal_args *args, const char *fmt, ...)
{
	char *at = args->text + args->used;
	va_list ap;

	va_start(ap, fmt);
	args->used += vsnprintf(at, sizeof(args->text) - args->used, fmt, ap) + 1;
	va_end(ap);
	/* The lists are bounded above: this holds whatever the configuration says. */
	RTE_VERIFY(args->used < sizeof(args->text) && args->argc < MCR_EAL_MAX_ARGS);
	args->argv[args->argc++] = at;
}

static struct mcr_err *
refuse(struct mcr_errs *errs, enum mcr_severity severity, const struct mcr_eal_place *at,
	const char *fmt, ...)
{
	char text[sizeof(errs->item->text)];
	struct mcr_err *err;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err = mcr_errs_add(errs, severity, "%s", text);
	if (at != NULL && at->file != NULL)
		mcr_err_at(err, at->file, at->line);
	return err;
}

/*
 * Besides its log EAL writes to stdout and stderr (usage text, complaints of getopt, fatal errors).
 * While it starts, all three go to one file in memory.
 */
struct quiet {
	int fd, out, err;
	FILE *log;
};

static void
quiet_begin(struct quiet *q)
{
	fflush(stdout);
	fflush(stderr);
	q->fd = memfd_create("mcr-eal", MFD_CLOEXEC);
	q->out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	q->err = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	q->log = q->fd >= 0 ? fdopen(fcntl(q->fd, F_DUPFD_CLOEXEC, 3), "a") : NULL;
	if (q->log == NULL || q->out < 0 || q->err < 0)
		return;
	setvbuf(q->log, NULL, _IOLBF, 0);
	rte_openlog_stream(q->log);
	dup2(q->fd, STDOUT_FILENO);
	dup2(q->fd, STDERR_FILENO);
}

/* What was written, to be freed; or NULL. */
static char *
quiet_end(struct quiet *q)
{
	char *text = NULL;
	struct stat st;

	fflush(stdout);
	fflush(stderr);
	if (q->out >= 0)
		dup2(q->out, STDOUT_FILENO);
	if (q->err >= 0)
		dup2(q->err, STDERR_FILENO);
	close(q->out);
	close(q->err);
	/* From here on whatever DPDK says, in any thread, is a line of our debug log. */
	if (log_stream == NULL)
		log_stream = mcr_log_stream(MCR_LOGTYPE_EAL);
	rte_openlog_stream(log_stream);
	if (q->log != NULL)
		fclose(q->log);
	if (q->fd >= 0 && fstat(q->fd, &st) == 0)
		text = calloc(1, st.st_size + 1);
	if (text != NULL && pread(q->fd, text, st.st_size, 0) < 0)
		text[0] = '\0';
	close(q->fd);
	return text;
}

static void
log_lines(char *text)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line != NULL;
		line = strtok_r(NULL, "\n", &save))
		mcr_log(EAL, DEBUG, "%s", line);
}

static uint64_t
read_number(const char *path, const char *key)
{
	unsigned long long value = UINT64_MAX;
	FILE *file = fopen(path, "re");
	char line[128];

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, key, strlen(key)) == 0 &&
			sscanf(line + strlen(key), "%llu", &value) == 1)
			break;
	if (file != NULL)
		fclose(file);
	return value;
}

/*
 * EAL takes ordinary pages at once and all of them. What the host or the container cannot give
 * would be a process that is killed without a word.
 */
static int
check_available(const struct mcr_eal_param *p, struct mcr_errs *errs)
{
	uint64_t host_kb = read_number("/proc/meminfo", "MemAvailable:");
	uint64_t limit = read_number("/sys/fs/cgroup/memory.max", "");
	uint64_t used = read_number("/sys/fs/cgroup/memory.current", "");
	uint64_t free_mb = host_kb == UINT64_MAX ? UINT64_MAX : host_kb >> 10;

	if (limit != UINT64_MAX && used != UINT64_MAX)
		free_mb = RTE_MIN(free_mb, limit > used ? (limit - used) >> 20 : 0);
	if (p->memory_mb <= free_mb)
		return 0;
	mcr_err_fix(refuse(errs, MCR_ERROR, &p->memory_at,
			    "memory: needs %" PRIu64 " MB, %" PRIu64 " MB available", p->memory_mb,
			    free_mb),
		"lower set limit groups, or set port PORT descriptors RX TX");
	return -ENOMEM;
}

int
mcr_eal_start(const struct mcr_eal_param *p, struct mcr_errs *errs)
{
	struct mcr_eal_args args;
	struct quiet quiet;
	char *text;
	int ret;

	ret = mcr_eal_args(p, &args, errs);
	if (ret != 0)
		return ret;
	for (int i = 1; i < args.argc; i++)
		mcr_log(EAL, DEBUG, "argument %s", args.argv[i]);
	if (args.memory == MCR_MEMORY_PLAIN) {
		ret = check_available(p, errs);
		if (ret != 0)
			return ret;
	}
	if (args.memory == MCR_MEMORY_SHARED)
		prepare_shared();

	quiet_begin(&quiet);
	ret = rte_eal_init(args.argc, args.argv);
	text = quiet_end(&quiet);
	if (ret < 0)
		translate(p, &args, text != NULL ? text : "", errs);
	if (text != NULL)
		log_lines(text);
	free(text);
	if (ret < 0)
		return rte_errno != 0 ? -rte_errno : -EIO;
	memory_in_use = args.memory;
	return 0;
}

void
mcr_eal_stop(void)
{
	(void)rte_eal_cleanup(); /* the process ends: nobody can use an error */
	rte_openlog_stream(NULL);
	if (log_stream != NULL)
		fclose(log_stream);
	log_stream = NULL;
}

/* The pages of a killed mcrd stay in its files until somebody removes them. */
static unsigned
free_leftovers(const char *mount)
{
	struct dirent *entry;
	unsigned n = 0;
	DIR *dir = opendir(mount);
	int fd;

	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, FILE_PREFIX "map_", strlen(FILE_PREFIX "map_")) != 0)
			continue;
		fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		/* A living process holds a shared lock on each of its files. */
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 &&
			unlinkat(dirfd(dir), entry->d_name, 0) == 0)
			n++;
		close(fd);
	}
	closedir(dir);
	return n;
}

static void
prepare_shared(void)
{
	const char *runtime = getenv("RUNTIME_DIRECTORY");
	struct mntent *mount;
	unsigned n = 0;
	FILE *mounts;

	/* EAL makes its directory there, but not the parent. */
	if (mkdir(runtime != NULL ? runtime : "/var/run", 0755) != 0 && errno != EEXIST)
		mcr_log(EAL, WARNING, "cannot make the runtime directory: %s", strerror(errno));
	mounts = setmntent("/proc/mounts", "re");
	while (mounts != NULL && (mount = getmntent(mounts)) != NULL)
		if (strcmp(mount->mnt_type, "hugetlbfs") == 0)
			n += free_leftovers(mount->mnt_dir);
	if (mounts != NULL)
		endmntent(mounts);
	if (n > 0)
		mcr_log(EAL, NOTICE, "%u hugepages of a dead mcrd were freed", n);
}

/* The first line of EAL that is no mere news, without "EAL: " and the like; "" when there is none.
 */
static const char *
first_complaint(const char *text, char *buf, size_t size)
{
	static const char *const news[] = {"Detected", "Selected IOVA", "selecting IOVA",
		"Multi-process socket", "VFIO support", "Probe PCI"};
	const char *end, *start;

	buf[0] = '\0';
	for (const char *line = text; *line != '\0'; line = *end != '\0' ? end + 1 : end) {
		bool is_news = false;

		end = strchrnul(line, '\n');
		for (unsigned i = 0; i < RTE_DIM(news); i++)
			is_news |= memmem(line, end - line, news[i], strlen(news[i])) != NULL;
		if (is_news || line == end)
			continue;
		start = memmem(line, end - line, ": ", 2);
		start = start != NULL ? start + 2 : line;
		if (strncmp(start, "FATAL: ", strlen("FATAL: ")) == 0)
			start += strlen("FATAL: ");
		snprintf(buf, size, "%.*s", (int)(end - start - (end[-1] == '.')), start);
		break;
	}
	return buf;
}

static void
translate(const struct mcr_eal_param *p, const struct mcr_eal_args *args, const char *text,
	struct mcr_errs *errs)
{
	bool is_memory = rte_errno == ENOMEM || strstr(text, "Cannot init memory") != NULL ||
	                 strstr(text, "Cannot get hugepage information") != NULL;
	struct mcr_err *err;
	char why[200];

	first_complaint(text, why, sizeof(why));
	if (strstr(text, "another primary process") != NULL) {
		err = refuse(errs, MCR_ERROR, &p->memory_at,
			"memory: another mcrd runs in mode shared on this host");
		mcr_err_fix(err, "set system memory auto");
	} else if (is_memory) {
		err = refuse(errs, MCR_ERROR, &p->memory_at,
			"memory: %" PRIu64 " MB cannot be had in mode %s: %s", p->memory_mb,
			mcr_eal_memory_name(args->memory), why);
		if (args->memory == MCR_MEMORY_PLAIN)
			mcr_err_fix(err, "set system memory-size %" PRIu64,
				RTE_MAX(p->memory_mb / 2, (uint64_t)LEAST_MB));
		else
			mcr_err_fix(err, "set system memory plain");
	} else if (strstr(text, "'command line'") != NULL && p->extra_argc > 0) {
		err = refuse(errs, MCR_ERROR, NULL, "EAL-ARGUMENTS: %s", why);
		mcr_err_fix(err, "see \"EAL parameters\" in the manual of DPDK");
	} else {
		err = refuse(errs, MCR_ERROR, NULL, "EAL: could not start: %s",
			why[0] != '\0' ? why : strerror(rte_errno));
		mcr_err_fix(err, "set log level eal debug      (shows what EAL says)");
	}
}
