/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RING_LINES 1024
#define LINE_SIZE 512
#define LIMIT_NS UINT64_C(10000000000)

static const char *const type_name[MCR_LOGTYPE_MAX] = {
#define X(id, name) [MCR_LOGTYPE_##id] = name,
	MCR_LOG_TYPES(X)
#undef X
};

static const char *const level_name[] = {
	[MCR_LOG_EMERG] = "emerg",
	[MCR_LOG_ALERT] = "alert",
	[MCR_LOG_CRIT] = "crit",
	[MCR_LOG_ERROR] = "error",
	[MCR_LOG_WARNING] = "warning",
	[MCR_LOG_NOTICE] = "notice",
	[MCR_LOG_INFO] = "info",
	[MCR_LOG_DEBUG] = "debug",
};

static enum mcr_level type_level[MCR_LOGTYPE_MAX] = {
#define X(id, name) [MCR_LOGTYPE_##id] = MCR_LOG_NOTICE,
	MCR_LOG_TYPES(X)
#undef X
};

/*
 * Our own lines come from the main lcore, but EAL's threads write to mcr_log_stream too, so the
 * ring has a lock. It is never held while stderr is written.
 */
static pthread_mutex_t ring_lock = PTHREAD_MUTEX_INITIALIZER;
static char ring[RING_LINES][LINE_SIZE];
static uint64_t ring_count; /* lines ever written */

/* Lines that the limit held back, told by the line that mcr_log_allowed lets pass. */
static uint32_t held_back_before;

/* One fact, one line: whatever the text holds. */
static void
strip_control(char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = ' ';
	}
}

static void
format_time(char *buf, size_t size)
{
	struct timespec now;
	struct tm tm;
	size_t len;

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	len = strftime(buf, size, "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(buf + len, size - len, ".%03u", (unsigned)(now.tv_nsec / 1000000) % 1000);
}

static void
write_line(enum mcr_log_type type, enum mcr_level level, const char *text)
{
	static int to_journal = -1;
	char line[LINE_SIZE], when[40];

	if (to_journal < 0)
		to_journal = getenv("JOURNAL_STREAM") != NULL;
	format_time(when, sizeof(when));
	snprintf(
		line, sizeof(line), "%s %s %s: %s", when, level_name[level], type_name[type], text);

	/* The journal has its own time and level; if stderr is gone the ring still has the line. */
	if (to_journal)
		dprintf(STDERR_FILENO, "<%d>%s: %s\n", (int)level, type_name[type], text);
	else
		dprintf(STDERR_FILENO, "%s\n", line);

	pthread_mutex_lock(&ring_lock);
	memcpy(ring[ring_count++ % RING_LINES], line, sizeof(line));
	pthread_mutex_unlock(&ring_lock);
}

void
mcr_log_write(enum mcr_log_type type, enum mcr_level level, const char *fmt, ...)
{
	uint32_t held_back = held_back_before;
	char text[LINE_SIZE - 80];
	va_list ap;
	int len;

	held_back_before = 0;
	if (level > type_level[type])
		return;
	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	strip_control(text);
	if (held_back != 0 && len >= 0 && (size_t)len < sizeof(text))
		snprintf(text + len, sizeof(text) - len, " (%u like it not shown)", held_back);
	write_line(type, level, text);
}

bool
mcr_log_allowed(struct mcr_log_limit *limit, uint64_t now_ns)
{
	if (now_ns < limit->next_ns) {
		limit->held_back++;
		return false;
	}
	held_back_before = limit->held_back;
	limit->held_back = 0;
	limit->next_ns = now_ns + LIMIT_NS;
	return true;
}

int
mcr_log_set_level(const char *type, const char *level)
{
	bool all = strcmp(type, "all") == 0;
	bool found = all;
	unsigned l, t;

	for (l = MCR_LOG_EMERG; l <= MCR_LOG_DEBUG; l++) {
		if (strcmp(level, level_name[l]) == 0)
			break;
	}
	if (l > MCR_LOG_DEBUG)
		return -EINVAL;
	for (t = 0; t < MCR_LOGTYPE_MAX; t++) {
		if (!all && strcmp(type, type_name[t]) != 0)
			continue;
		type_level[t] = l;
		found = true;
	}
	return found ? 0 : -EINVAL;
}

const char *
mcr_log_type_name(enum mcr_log_type type)
{
	return type_name[type];
}

void
mcr_log_tail(unsigned count, void (*line)(void *arg, const char *text), void *arg)
{
	char copy[LINE_SIZE];
	uint64_t i, end;

	pthread_mutex_lock(&ring_lock);
	end = ring_count;
	pthread_mutex_unlock(&ring_lock);
	if (count > RING_LINES)
		count = RING_LINES;
	for (i = end > count ? end - count : 0; i < end; i++) {
		pthread_mutex_lock(&ring_lock);
		memcpy(copy, ring[i % RING_LINES], sizeof(copy));
		pthread_mutex_unlock(&ring_lock);
		line(arg, copy);
	}
}

/* What a library printed so far of a line that is not complete yet. */
struct stream {
	enum mcr_log_type type;
	size_t len;
	char text[LINE_SIZE];
};

static ssize_t
stream_write(void *cookie, const char *buf, size_t size)
{
	struct stream *s = cookie;
	size_t i;

	for (i = 0; i < size; i++) {
		if (buf[i] != '\n') {
			if (s->len + 1 < sizeof(s->text))
				s->text[s->len++] = buf[i];
			continue;
		}
		s->text[s->len] = '\0';
		s->len = 0;
		if (type_level[s->type] >= MCR_LOG_DEBUG && s->text[0] != '\0') {
			strip_control(s->text);
			write_line(s->type, MCR_LOG_DEBUG, s->text);
		}
	}
	return size;
}

static int
stream_close(void *cookie)
{
	free(cookie);
	return 0;
}

FILE *
mcr_log_stream(enum mcr_log_type type)
{
	static const cookie_io_functions_t io = {.write = stream_write, .close = stream_close};
	struct stream *s = calloc(1, sizeof(*s));
	FILE *file;

	if (s == NULL)
		return NULL;
	s->type = type;
	file = fopencookie(s, "w", io);
	if (file == NULL) {
		free(s);
		return NULL;
	}
	setvbuf(file, NULL, _IOLBF, LINE_SIZE);
	return file;
}
