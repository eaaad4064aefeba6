/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_PORT_BRINGUP_H
#define MCR_PORT_BRINGUP_H

#include "port/port.h"

/* From an ethdev to a started port. The caller is inside the port's namespace. Private to lib/port.
 */
struct mcr_port *
mcr_port_bring_up(uint16_t ethdev_id, const struct mcr_port_param *p, struct mcr_errs *errs);
/* Take back what the bring-up changed on an interface that is not ours. */
void mcr_port_restore_receive_mode(const struct mcr_port *port);

#endif
