/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_PORT_NETNS_H
#define MCR_PORT_NETNS_H

#include <stdint.h>

/*
 * Enter a network namespace of `ip netns` for the calling thread and come back. EAL threads started
 * in between are born inside, so nothing that makes threads is called in between.
 *
 *	int token = mcr_netns_enter(name);
 *
 *	if (token < 0 && token != MCR_NETNS_STAY)
 *		return token;
 *	...
 *	mcr_netns_leave(token);
 */
#define MCR_NETNS_STAY (-1000)

/* fd of our own namespace to go back to, or -errno (-ENOENT: no such namespace). "" = stay: -1000.
 */
int mcr_netns_enter(const char *name);
/* Go back; must not fail, aborts if it does. Accepts what mcr_netns_enter returned. */
void mcr_netns_leave(int token);
/* A number that another namespace of the same name would not have; 0 = it is not there. */
uint64_t mcr_netns_id(const char *name);

#endif
