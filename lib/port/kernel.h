/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_PORT_KERNEL_H
#define MCR_PORT_KERNEL_H

#include "base/addr.h"

/*
 * The kernel's side of a port, by interface name in the namespace of the calling thread. All
 * return 0 or -errno. Private to lib/port.
 */
int mcr_kernel_get_mac(const char *interface, struct mcr_mac *mac);
int mcr_kernel_set_mac(const char *interface, const struct mcr_mac *mac);
int mcr_kernel_get_mtu(const char *interface, uint16_t *mtu);
int mcr_kernel_set_up(const char *interface);
/* How many queue pairs the interface spreads its frames over; 1 when it cannot say. */
unsigned mcr_kernel_queues(const char *interface);

#endif
