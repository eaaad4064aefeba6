/* SPDX-License-Identifier: BSD-3-Clause */
/* The text of `show group`: a block for each row, its members, its senders. */
#include <stdio.h>
#include <string.h>

#include "show.h"

static void
print_head(struct mcr_session *s, const json_t *row)
{
	const char *mode = show_get_text(row, "mode");
	char up[32], sources[512];

	mcr_session_printf(s, "Group %s in %s (VNI %" JSON_INTEGER_FORMAT ")",
		show_get_text(row, "group"), show_get_text(row, "segment"),
		show_get_count(row, "vni"));
	if (mode[0] == '-') {
		mcr_session_printf(s, ", allowed, no members\n");
		return;
	}
	if (mode[0] == 'e')
		show_join(json_object_get(row, "excluded_sources"), ", ", sources, sizeof(sources));
	else
		snprintf(sources, sizeof(sources), "%s", show_get_text(row, "source"));
	if (!strcmp(sources, "-"))
		sources[0] = '\0';
	mcr_format_duration((double)show_get_count(row, "uptime_seconds"), up, sizeof(up));
	mcr_session_printf(s, ", %s {%s}, %sv%" JSON_INTEGER_FORMAT ", up %s\n",
		mode[0] == 'e' ? "EXCLUDE" : "INCLUDE", sources,
		!strcmp(show_get_text(row, "protocol"), "igmp") ? "IGMP" : "MLD",
		show_get_count(row, "protocol_version"), up);
}

/* "port rx1" or "peer site-b" */
static const char *
place_of(const json_t *row, char *buf, size_t size)
{
	bool is_peer = !show_is_null(row, "peer");

	snprintf(buf, size, "%s %s", is_peer ? "peer" : "port",
		show_get_text(row, is_peer ? "peer" : "port"));
	return buf;
}

static const char *
member_address(const json_t *row)
{
	return show_is_null(row, "address") ? "static" : show_get_text(row, "address");
}

struct widths {
	int place, address;
};

static void
widen(struct widths *w, const json_t *array)
{
	const json_t *row;
	char place[64];
	size_t i;

	json_array_foreach (array, i, row) {
		w->place = RTE_MAX(w->place, (int)strlen(place_of(row, place, sizeof(place))));
		w->address = RTE_MAX(w->address, (int)strlen(member_address(row)));
	}
}

static void
print_member(struct mcr_session *s, const json_t *row, const struct widths *w)
{
	char place[64], when[48], ago[32];

	if (show_is_null(row, "expires_seconds"))
		snprintf(when, sizeof(when), "never expires");
	else
		snprintf(when, sizeof(when), "expires %" JSON_INTEGER_FORMAT " s",
			show_get_count(row, "expires_seconds"));
	mcr_session_printf(s,
		"  member  %-*s  %-*s  %s  %-13s  copies %" JSON_INTEGER_FORMAT
		"  drops %" JSON_INTEGER_FORMAT,
		w->place, place_of(row, place, sizeof(place)), w->address, member_address(row),
		show_get_text(row, "mode")[0] == 'e' ? "EXCL" : "INCL", when,
		show_get_count(row, "copies"), show_get_count(row, "drops"));
	if (show_is_null(row, "last_report_seconds")) {
		mcr_session_printf(s, "\n");
		return;
	}
	mcr_format_duration((double)show_get_count(row, "last_report_seconds"), ago, sizeof(ago));
	mcr_session_printf(s, "   last report %s ago\n", ago);
}

static void
print_sender(struct mcr_session *s, const json_t *row, const struct widths *w)
{
	char place[64], ago[32];

	mcr_format_duration((double)show_get_count(row, "last_seconds"), ago, sizeof(ago));
	mcr_session_printf(s,
		"  source  %-*s  %-*s  %" JSON_INTEGER_FORMAT " packets, %" JSON_INTEGER_FORMAT
		" bytes, last %s ago\n",
		w->address, show_get_text(row, "address"), w->place,
		place_of(row, place, sizeof(place)), show_get_count(row, "packets"),
		show_get_count(row, "bytes"), ago);
}

void
show_group_page(struct mcr_session *s, const json_t *root)
{
	const json_t *row, *item;
	size_t i, k;

	json_array_foreach (json_object_get(root, "groups"), i, row) {
		const json_t *members = json_object_get(row, "members");
		const json_t *senders = json_object_get(row, "senders");
		struct widths w = {0, 0};

		widen(&w, members);
		widen(&w, senders);
		print_head(s, row);
		json_array_foreach (members, k, item) {
			print_member(s, item, &w);
		}
		json_array_foreach (senders, k, item) {
			print_sender(s, item, &w);
		}
		mcr_session_printf(s,
			"  in %" JSON_INTEGER_FORMAT " packets, out %" JSON_INTEGER_FORMAT
			" copies, dropped %" JSON_INTEGER_FORMAT "\n",
			show_get_count(row, "receive_packets"),
			show_get_count(row, "transmit_packets"), show_get_count(row, "drops"));
	}
}
