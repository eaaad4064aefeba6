/* SPDX-License-Identifier: BSD-3-Clause */
#include "port/quirk.h"

#include <rte_common.h>
#include <rte_eal.h>

#include <string.h>

/*
 * Drivers whose advertised capability is wrong for what we do with it. A row holds for the DPDK
 * versions from `from` up to, but not including, `until` (2211 is 22.11; 0 = no end known).
 */
struct quirk {
	const char *driver;
	unsigned from, until;
	void (*fix)(struct mcr_port_cap *cap);
};

/* Frees whole chains, so it can take them, though it does not say so. */
static void
takes_chains(struct mcr_port_cap *cap)
{
	cap->multi_segs = true;
}

/*
 * Changes `next` of segments, or drops the reference before the frame has left: a payload that
 * others share must never be sent through it.
 */
static void
spoils_shared_segments(struct mcr_port_cap *cap)
{
	cap->multi_segs = false;
}

/* Checksums "in hardware" are computed by the driver on our CPU; we know better which are needed.
 */
static void
has_software_checksum(struct mcr_port_cap *cap)
{
	cap->rx_ip_csum = cap->rx_udp_csum = cap->tx_ip_csum = false;
}

/*
 * The kernel spreads flows over the queues by itself: there is no RSS to configure. At its start
 * the driver writes the descriptors of all queues into a message to other processes that has room
 * for RTE_MP_MAX_FD_NUM, without a check: it says 16 queues, and the ninth descriptor ends the
 * process.
 */
static void
is_tap(struct mcr_port_cap *cap)
{
	has_software_checksum(cap);
	cap->has_rss = false;
	cap->max_mtu = RTE_MIN(cap->max_mtu, 1500);
	cap->max_rx = RTE_MIN(cap->max_rx, RTE_MP_MAX_FD_NUM / 2);
	cap->max_tx = RTE_MIN(cap->max_tx, RTE_MP_MAX_FD_NUM / 2);
}

/* Pads short frames by appending to the last segment, which is the shared one. */
static void
pads_last_segment(struct mcr_port_cap *cap)
{
	cap->copy_below = RTE_MAX(cap->copy_below, 64);
}

static const struct quirk quirks[] = {
	{"net_null", 0, 0, takes_chains},
	{"net_tap", 0, 0, is_tap},
	{"net_cn9k", 0, 0, spoils_shared_segments},
	{"net_cn10k", 0, 0, spoils_shared_segments},
	{"net_dpaa2", 0, 0, spoils_shared_segments},
	{"net_bnxt", 0, 0, pads_last_segment},
	{"net_hns3", 0, 0, pads_last_segment},
	{"net_hns3_vf", 0, 0, pads_last_segment},
	{"net_ark", 0, 0, pads_last_segment},
};

void
mcr_quirk_apply(const char *driver, unsigned version, struct mcr_port_cap *cap)
{
	for (unsigned i = 0; i < RTE_DIM(quirks); i++) {
		const struct quirk *q = &quirks[i];

		if (strcmp(driver, q->driver) == 0 && version >= q->from &&
			(q->until == 0 || version < q->until))
			q->fix(cap);
	}
}
