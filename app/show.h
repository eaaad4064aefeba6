/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_APP_SHOW_H
#define MCR_APP_SHOW_H

#include <jansson.h>

#include "cli/render.h"

#include "app.h"

/*
 * What the show_*.c files share. A value that is not known is JSON null, which a table prints as
 * "-"; the makers below know which value of their type means that.
 */
json_t *show_addr(const struct mcr_addr *a);     /* any: null */
json_t *show_prefix(const struct mcr_prefix *p); /* length 0: null */
json_t *show_mac(const struct mcr_mac *mac);     /* all zero: null */
json_t *show_text(const char *text);             /* NULL or empty: null */
json_t *show_left(uint32_t seconds);             /* time left; UINT32_MAX (static): null */
json_t *show_ms(uint64_t ms);                    /* as seconds, whole when it is */
/* Elapsed seconds between two readings of one clock; then 0: null. */
json_t *show_since(uint64_t now_ns, uint64_t then_ns);
json_t *show_rate(double value, bool is_known); /* one decimal */

/* Append a row; both are stolen or borrowed as jansson's *_new functions do. */
void show_append(json_t *array, json_t *row);
json_t *show_rows(const char *array, json_t *rows); /* {"array":[...]} */

/* Values of a row for its text. Absent and null: 0 or "-". */
const char *show_get_text(const json_t *row, const char *key);
json_int_t show_get_count(const json_t *row, const char *key);
bool show_is_null(const json_t *row, const char *key);
/* "a, b" of an array of strings, "-" when empty. */
void show_join(const json_t *array, const char *between, char *buf, size_t size);

/* The command cannot be done: one error with the command that helps. */
int show_refuse(struct mcr_session *s, const char *fix, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

uint64_t show_monotonic_ns(void);
/* The running configuration, an empty one before the first commit. */
const struct model *show_model(const struct app *app);
/* "lan", or "lan.101" of a tagged VLAN. */
void
show_vlan_name(const struct app_port *port, const struct app_vlan *vlan, char *buf, size_t size);
const char *show_membership(enum model_membership membership);
/* Is JSON wanted by the line or the session? */
static inline bool
show_is_json(const struct mcr_session *s, const struct mcr_args *a)
{
	return a->json || s->json;
}

/* show_port.c: device counters of the console restart at 0; port < 0: of all ports */
void show_port_clear(struct app *app, int port);

/* show_group_page.c: text of `show group` */
void show_group_page(struct mcr_session *s, const json_t *root);

/*
 * show_subscriber.c: groups that an allow line names one by one are listed without members too.
 * Call back for those that have none now; group NULL: all.
 */
void show_each_idle_group(struct app *app, const struct mcr_addr *group,
	void (*fn)(struct app *app, const struct mcr_group_info *info, void *arg), void *arg);

/* show_worker.c: what the last second brought */
struct show_load {
	bool is_known;             /* a whole second was sampled */
	double busy;               /* 0 to 1 */
	double rx_packets, copies; /* a second */
	double burst;              /* packets of a busy turn */
	double cycles_packet, cycles_copy;
};
void show_worker_load(unsigned worker, struct show_load *load);

/* show_memory.c */
void show_memory_tick(struct app *app);
/* {"pool","size","used",...}: pools of one kind on all sockets together, or each by itself */
json_t *show_pools(const struct app *app, bool by_socket);

/* show_peer.c: packets of every live peer, [n_peers], from one walk of the group table; caller
 * frees */
uint64_t *show_peer_receive(const struct app *app);
void show_peer_clear(struct app *app); /* copies to every peer count from 0 */

#endif
