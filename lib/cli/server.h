/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_CLI_SERVER_H
#define MCR_CLI_SERVER_H

#include <stdbool.h>

#include "base/err.h"
#include "cli/session.h"
#include "event/loop.h"

/*
 * UNIX stream socket of mcrctl. Request: one line "exec LINE", "json LINE", "complete LINE"
 * or "events"; answer: "STATUS LENGTH\n" and LENGTH bytes. Requests may be sent ahead; they are
 * answered in order. "complete" answers one word a line. "events" is answered by "0 0\n", and from
 * then on by one JSON object a line for every event; such a connection takes no more requests.
 *
 * Output is queued; a client that does not read (1 MiB waiting for 10 s, or more than 64 MiB) is
 * dropped and never delays the control thread; with 1 MiB waiting its further requests wait too.
 * The 257th client is refused with status 75. A handler must not free the server.
 */
struct mcr_server;

/* Mode 0660, group `group` when it exists; replaces a stale socket. NULL and an error. */
struct mcr_server *mcr_server_create(struct mcr_loop *loop, const char *path, const char *group,
	struct mcr_syntax *sx, const struct mcr_session_ops *ops, void *app, struct mcr_errs *errs);
void mcr_server_free(struct mcr_server *sv); /* removes the socket file */
/* While the daemon starts, commands are answered with 75. */
void mcr_server_set_ready(struct mcr_server *sv, bool is_ready);
/* One JSON line (without newline) to every client that asked for events. */
void mcr_server_event(struct mcr_server *sv, const char *json_line);
unsigned mcr_server_clients(const struct mcr_server *sv);

#endif
