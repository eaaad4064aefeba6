/* SPDX-License-Identifier: BSD-3-Clause */
#include "model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "member/member.h"
#include "pkt/parse.h"
#include "port/port.h"

/* --- names ---------------------------------------------------------------------------------- */

static uint32_t
name_hash(const char *name)
{
	uint32_t h = 2166136261u; /* FNV-1a: names come from the operator, not from the network */

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return h;
}

static struct model_name *
name_slot(const struct model_names *names, const char *name)
{
	uint32_t i = name_hash(name) & (names->n_slots - 1);

	while (names->slot[i].name[0] && strcmp(names->slot[i].name, name))
		i = (i + 1) & (names->n_slots - 1);
	return &names->slot[i];
}

uint32_t
model_names_get(const struct model_names *names, const char *name)
{
	const struct model_name *slot;

	if (!names->n_slots)
		return MODEL_NONE;
	slot = name_slot(names, name);
	return slot->name[0] ? slot->index : MODEL_NONE;
}

static int
names_grow(struct model_names *names)
{
	struct model_names bigger = {.n_slots = names->n_slots ? names->n_slots * 2 : 64};

	bigger.slot = calloc(bigger.n_slots, sizeof(*bigger.slot));
	if (!bigger.slot)
		return -ENOMEM;
	for (uint32_t i = 0; i < names->n_slots; i++)
		if (names->slot[i].name[0])
			*name_slot(&bigger, names->slot[i].name) = names->slot[i];
	bigger.n_used = names->n_used;
	free(names->slot);
	*names = bigger;
	return 0;
}

int
model_names_put(struct model_names *names, const char *name, uint32_t index)
{
	struct model_name *slot;

	if (names->n_used * 2 >= names->n_slots && names_grow(names))
		return -ENOMEM;
	slot = name_slot(names, name);
	if (!slot->name[0])
		names->n_used++;
	snprintf(slot->name, sizeof(slot->name), "%s", name);
	slot->index = index;
	return 0;
}

/* --- objects -------------------------------------------------------------------------------- */

struct model_port *
model_find_port(const struct model *m, const char *name)
{
	uint32_t i = model_names_get(&m->port_names, name);

	return i == MODEL_NONE ? NULL : &m->port[i];
}

struct model_segment *
model_find_segment(const struct model *m, const char *name)
{
	uint32_t i = model_names_get(&m->segment_names, name);

	return i == MODEL_NONE ? NULL : &m->segment[i];
}

struct model_peer *
model_find_peer(const struct model *m, const char *name)
{
	uint32_t i = model_names_get(&m->peer_names, name);

	return i == MODEL_NONE ? NULL : &m->peer[i];
}

bool
model_needs_pci(const struct model *m)
{
	for (uint32_t i = 0; i < m->n_ports; i++)
		if (!m->port[i].is_netdev && mcr_port_is_pci(m->port[i].dev))
			return true;
	return false;
}

bool
model_is_allowed(const struct model_segment *seg, const struct mcr_addr *group)
{
	bool is_allowed = seg->n_allow == 0;

	for (uint32_t i = 0; i < seg->n_allow && !is_allowed; i++)
		is_allowed = mcr_prefix_covers(&seg->allow[i], group);
	for (uint32_t i = 0; i < seg->n_deny && is_allowed; i++)
		is_allowed = !mcr_prefix_covers(&seg->deny[i], group);
	return is_allowed;
}

const struct mcr_prefix *
model_on_link(const struct model_port *port, const struct mcr_addr *a)
{
	for (uint32_t i = 0; i < port->n_addresses; i++)
		if (mcr_prefix_covers(&port->address[i], a))
			return &port->address[i];
	return NULL;
}

/* --- compile -------------------------------------------------------------------------------- */

static struct model *
model_create(void)
{
	struct model *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	if (gethostname(m->name, sizeof(m->name) - 1))
		snprintf(m->name, sizeof(m->name), "mcr");
	m->name[strcspn(m->name, ".")] = '\0';
	m->idle = -1;
	snprintf(m->control_socket, sizeof(m->control_socket), "/run/mcr/mcrd.sock");
	snprintf(m->control_group, sizeof(m->control_group), "mcr");
	m->limit_groups = 65536;
	m->limit_subscribers = 16384;
	m->limit_sources = 4096;
	m->limit_memberships = 1048576;
	return m;
}

void
model_free(void *model)
{
	struct model *m = model;

	if (!m)
		return;
	for (uint32_t i = 0; i < m->n_ports; i++) {
		free(m->port[i].address);
		free(m->port[i].vlan);
	}
	for (uint32_t i = 0; i < m->n_segments; i++) {
		free(m->segment[i].allow);
		free(m->segment[i].deny);
	}
	for (uint32_t i = 0; i < m->n_peers; i++)
		free(m->peer[i].segment);
	free(m->log);
	free(m->port);
	free(m->segment);
	free(m->peer);
	free(m->member);
	free(m->route);
	free(m->neighbor);
	free(m->port_names.slot);
	free(m->segment_names.slot);
	free(m->peer_names.slot);
	free(m);
}

/* Objects first: a line may name an object whose row comes later in the grammar. */
static bool
line_makes_object(const struct mcr_args *a)
{
	static const char *const verbs[] = {"add port ", "add segment ", "add peer "};

	for (unsigned i = 0; i < RTE_DIM(verbs); i++)
		if (!strncmp(a->cmd->syntax, verbs[i], strlen(verbs[i])))
			return true;
	return false;
}

static void
compile_pass(struct model *m, const struct mcr_lines *lines, bool objects, struct mcr_errs *errs)
{
	for (uint32_t i = 0; i < mcr_lines_count(lines); i++) {
		const struct mcr_line *line = mcr_lines_at(lines, i);
		const struct mcr_args *a = line->data;
		unsigned first = errs->count;

		if (line_makes_object(a) != objects)
			continue;
		m->line = line;
		a->cmd->compile(m, a, errs);
		for (unsigned e = first; e < errs->count; e++)
			mcr_err_at(&errs->item[e], line->file, line->line_no);
	}
	m->line = NULL;
}

/* The own line of a port, else the line of "all" (access ports only), else the default. */
static void
resolve_igmp(struct model_igmp *own, const struct model_igmp *all, bool is_uplink)
{
	static const struct model_igmp none;
	const struct model_igmp *rest = is_uplink ? &none : all;

#define RESOLVE(flag, field, otherwise) \
	if (!own->flag)                 \
	own->field = rest->flag ? rest->field : (otherwise)
	RESOLVE(has_mode, mode, is_uplink ? MCR_MODE_OFF : MCR_MODE_SNOOP);
	RESOLVE(has_version, version, 3);
	RESOLVE(has_qi, qi_s, 125);
	RESOLVE(has_qri, qri_s, 10);
	RESOLVE(has_lmqi, lmqi_ms, 1000);
	RESOLVE(has_rv, robustness, 2);
	RESOLVE(has_fast, fast_leave, false);
#undef RESOLVE
	if (!own->place.line)
		own->place = all->place;
}

void *
model_compile(void *app, const struct mcr_lines *lines, struct mcr_errs *errs)
{
	struct model *m = model_create();

	if (!m) {
		mcr_errs_add(errs, MCR_ERROR, "configuration: out of memory");
		return NULL;
	}
	compile_pass(m, lines, true, errs);
	compile_pass(m, lines, false, errs);
	for (uint32_t i = 0; i < m->n_ports; i++)
		resolve_igmp(&m->port[i].igmp, &m->igmp_all, m->port[i].is_uplink);
	model_check(m, errs);
	return m;
}
