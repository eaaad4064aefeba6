/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_BASE_LOG_H
#define MCR_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * One log type per module, the eight levels of syslog. A line is one fact. Lines go to stderr
 * (level prefix "<4>" when $JOURNAL_STREAM is set) and into a ring of the last 1,024 lines that
 * `show log` reads. Main lcore only; the data path counts instead of logging.
 */
enum mcr_level {
	MCR_LOG_EMERG,
	MCR_LOG_ALERT,
	MCR_LOG_CRIT,
	MCR_LOG_ERROR,
	MCR_LOG_WARNING,
	MCR_LOG_NOTICE,
	MCR_LOG_INFO,
	MCR_LOG_DEBUG,
};

/* clang-format off */
#define MCR_LOG_TYPES(X) \
	X(MAIN, "main") X(EAL, "eal") X(PORT, "port") X(PATH, "path") X(MEMBER, "member") \
	X(NEIGH, "neigh") X(PEER, "peer") X(CONF, "conf") X(CLI, "cli")

enum mcr_log_type {
#define X(id, name) MCR_LOGTYPE_##id,
	MCR_LOG_TYPES(X)
#undef X
	MCR_LOGTYPE_MAX
};
/* clang-format on */

/* mcr_log(MEMBER, WARNING, "port %s: ...", name) */
#define mcr_log(type, level, ...) mcr_log_write(MCR_LOGTYPE_##type, MCR_LOG_##level, __VA_ARGS__)

/*
 * The same, at most one line in 10 s per call site; what was held back is told with the next line.
 * now_ns: any monotonic time.
 */
#define mcr_log_limited(type, level, now_ns, ...)          \
	do {                                               \
		static struct mcr_log_limit mcr_limit_;    \
		if (mcr_log_allowed(&mcr_limit_, now_ns))  \
			mcr_log(type, level, __VA_ARGS__); \
	} while (0)

struct mcr_log_limit {
	uint64_t next_ns;
	uint32_t held_back;
};

void mcr_log_write(enum mcr_log_type type, enum mcr_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool mcr_log_allowed(struct mcr_log_limit *limit, uint64_t now_ns);
/* type: a name of the list or "all"; level: "emerg" .. "debug". 0 or -EINVAL. */
int mcr_log_set_level(const char *type, const char *level);
const char *mcr_log_type_name(enum mcr_log_type type);
/* Call back for the last `count` lines, oldest first. */
void mcr_log_tail(unsigned count, void (*line)(void *arg, const char *text), void *arg);
/* A FILE that turns what a library prints into debug lines of `type` (rte_openlog_stream). */
FILE *mcr_log_stream(enum mcr_log_type type);

#endif
