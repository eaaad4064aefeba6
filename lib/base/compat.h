/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_BASE_COMPAT_H
#define MCR_BASE_COMPAT_H

#include <rte_version.h>

/*
 * Differences between the DPDK releases that we build on; the only file that asks for the
 * version.
 */

/* 22.11 is 2211. */
#define MCR_DPDK_RELEASE (RTE_VER_YEAR * 100 + RTE_VER_MONTH)

#endif
