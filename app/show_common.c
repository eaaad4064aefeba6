/* SPDX-License-Identifier: BSD-3-Clause */
/* Small makers of JSON values, and readers of them for the text. */
#include "show.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pkt/parse.h"

json_t *
show_addr(const struct mcr_addr *a)
{
	char buf[MCR_ADDR_STRLEN];

	return mcr_addr_is_any(a) ? json_null() : json_string(mcr_addr_str(a, buf));
}

json_t *
show_prefix(const struct mcr_prefix *p)
{
	char buf[MCR_PREFIX_STRLEN];

	return p->len ? json_string(mcr_prefix_str(p, buf)) : json_null();
}

json_t *
show_mac(const struct mcr_mac *mac)
{
	static const struct mcr_mac zero;
	char buf[MCR_MAC_STRLEN];

	if (!memcmp(mac, &zero, sizeof(zero)))
		return json_null();
	return json_string(mcr_mac_str(mac, buf));
}

json_t *
show_text(const char *text)
{
	return text && text[0] ? json_string(text) : json_null();
}

json_t *
show_left(uint32_t seconds)
{
	return seconds == UINT32_MAX ? json_null() : json_integer(seconds);
}

json_t *
show_ms(uint64_t ms)
{
	return ms % 1000 ? json_real((double)ms / 1000) : json_integer((json_int_t)(ms / 1000));
}

json_t *
show_since(uint64_t now_ns, uint64_t then_ns)
{
	if (!then_ns)
		return json_null();
	return json_integer(now_ns > then_ns ? (json_int_t)((now_ns - then_ns) / MCR_NS_PER_S) : 0);
}

json_t *
show_rate(double value, bool is_known)
{
	return is_known ? json_real(round(value * 10) / 10) : json_null();
}

void
show_append(json_t *array, json_t *row)
{
	json_array_append_new(array, row);
}

json_t *
show_rows(const char *array, json_t *rows)
{
	return json_pack("{s:o}", array, rows);
}

const char *
show_get_text(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text ? text : "-";
}

json_int_t
show_get_count(const json_t *row, const char *key)
{
	return json_integer_value(json_object_get(row, key));
}

bool
show_is_null(const json_t *row, const char *key)
{
	const json_t *value = json_object_get(row, key);

	return !value || json_is_null(value);
}

void
show_join(const json_t *array, const char *between, char *buf, size_t size)
{
	size_t len = 0, i;

	snprintf(buf, size, "-");
	for (i = 0; i < json_array_size(array) && len < size; i++)
		len += snprintf(buf + len, size - len, "%s%s", i ? between : "",
			json_string_value(json_array_get(array, i)));
}

int
show_refuse(struct mcr_session *s, const char *fix, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	mcr_err_fix(mcr_session_error(s, "%s", text), "%s", fix);
	return MCR_REFUSED;
}

uint64_t
show_monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * MCR_NS_PER_S + ts.tv_nsec;
}

const struct model *
show_model(const struct app *app)
{
	static const struct model empty;

	return app->conf.model ? app->conf.model : &empty;
}

void
show_vlan_name(const struct app_port *port, const struct app_vlan *vlan, char *buf, size_t size)
{
	if (vlan->vid == MCR_VID_NONE)
		snprintf(buf, size, "%s", port->name);
	else
		snprintf(buf, size, "%s.%u", port->name, vlan->vid);
}

const char *
show_membership(enum model_membership membership)
{
	static const char *const names[] = {
		[MODEL_BY_IGMP] = "igmp", [MODEL_BY_STATIC] = "static", [MODEL_ALL] = "all"};

	return names[membership];
}
