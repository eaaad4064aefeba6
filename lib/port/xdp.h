/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_PORT_XDP_H
#define MCR_PORT_XDP_H

#include "port/port.h"

/*
 * What net_af_xdp needs beyond other drivers. It registers its whole receive pool with the kernel
 * and hands out the buffers. When the device is closed, DPDK 22.11 gives back neither the buffers
 * that the kernel had, nor the socket that holds the registration and keeps the interface busy, nor
 * the BPF program and map. So each such port has a pool of its own, and the descriptors
 * are closed here. Private to lib/port.
 */
struct mcr_xdp;

/* Before the device is attached. NULL: no memory. */
struct mcr_xdp *mcr_xdp_create(struct rte_mempool *like, unsigned n_queues);
struct rte_mempool *mcr_xdp_pool(const struct mcr_xdp *x);
/* After the port was started: remember the descriptors of the device. */
void mcr_xdp_started(struct mcr_xdp *x);
/* Before the port is stopped: wait for no one, but take back what was sent. */
void mcr_xdp_drain(const struct mcr_port *port);
/* After the device was detached. The pool goes when its last buffer is back. NULL is accepted. */
void mcr_xdp_free(struct mcr_xdp *x);

#endif
