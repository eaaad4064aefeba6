/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_CLI_CONSOLE_H
#define MCR_CLI_CONSOLE_H

#include "cli/session.h"
#include "event/loop.h"

/* Interactive console on the terminal (mcrd -i): rte_cmdline line editing, history, TAB. */
struct mcr_console;

/* on_end is called once, when the user leaves or the terminal is gone. */
struct mcr_console *mcr_console_create(struct mcr_loop *loop, struct mcr_syntax *sx,
	const struct mcr_session_ops *ops, void *app, void (*on_end)(void *app));
void mcr_console_free(struct mcr_console *c); /* restores the terminal */

#endif
