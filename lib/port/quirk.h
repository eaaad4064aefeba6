/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_PORT_QUIRK_H
#define MCR_PORT_QUIRK_H

#include "port/port.h"

/* Correct what the driver says about itself, for a DPDK version as 2211 for 22.11. Pure. */
void mcr_quirk_apply(const char *driver, unsigned version, struct mcr_port_cap *cap);

#endif
