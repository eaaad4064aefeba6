/* SPDX-License-Identifier: BSD-3-Clause */
/* One JSON line an event, to every `mcrctl events`. Names and addresses need no escaping. */
#include <string.h>

#include "app.h"

void
event_emit(struct app *app, const char *name, const char *fmt, ...)
{
	char line[512];
	struct timespec now;
	va_list ap;
	int n;

	if (!app->server)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	n = snprintf(line, sizeof(line), "{\"version\":1,\"time\":%lld.%03ld,\"event\":\"%s\"",
		(long long)now.tv_sec, now.tv_nsec / 1000000, name);
	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	va_end(ap);
	if (n < (int)sizeof(line) - 1) {
		strcpy(line + n, "}");
		mcr_server_event(app->server, line);
	}
}

/* "null" or a quoted address. */
static const char *
json_addr(const struct mcr_addr *a, char buf[MCR_ADDR_STRLEN + 2])
{
	if (!a || mcr_addr_is_any(a))
		return "null";
	buf[0] = '"';
	mcr_addr_str(a, buf + 1);
	strcat(buf, "\"");
	return buf;
}

void
event_member(void *arg, enum mcr_mif_event what, struct mcr_mif *mif, const struct mcr_addr *group,
	const struct mcr_addr *source, const struct mcr_addr *host)
{
	static const char *const names[] = {
		[MCR_EV_JOIN] = "join",
		[MCR_EV_LEAVE] = "leave",
		[MCR_EV_GROUP_NEW] = "group-new",
		[MCR_EV_GROUP_GONE] = "group-gone",
		[MCR_EV_QUERIER] = "querier",
		[MCR_EV_LIMIT] = "limit",
	};
	const struct mcr_mif_param *p = mcr_mif_param(mif);
	char g[MCR_ADDR_STRLEN + 2], s[MCR_ADDR_STRLEN + 2], h[MCR_ADDR_STRLEN + 2];
	struct app *app = arg;

	event_emit(app, names[what],
		",\"segment\":\"%s\",\"group\":%s,\"source\":%s,\"%s\":\"%s\",\"address\":%s",
		app->segment[p->segment].name, json_addr(group, g), json_addr(source, s),
		p->is_peer ? "peer" : "port", p->name, json_addr(host, h));
}
