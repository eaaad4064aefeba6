/* SPDX-License-Identifier: BSD-3-Clause */
#include "port/quirk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

/*
 * Each row of the table, from a driver that claims everything and from one that claims nothing.
 * tests/func/test_port_quirk.c asks the drivers themselves, those that work without hardware.
 */
static const struct {
	const char *driver;
	struct mcr_port_cap from, to;
} rows[] = {
	{"net_null", {.multi_segs = false}, {.multi_segs = true}},
	{"net_tap",
		{.multi_segs = true,
			.rx_ip_csum = true,
			.rx_udp_csum = true,
			.tx_ip_csum = true,
			.has_rss = true,
			.max_mtu = 1504},
		{.multi_segs = true, .max_mtu = 1500}},
	{"net_tap", {.max_mtu = 1400}, {.max_mtu = 1400}},
	{"net_tap", {.max_rx = 16, .max_tx = 16}, {.max_rx = 4, .max_tx = 4}},
	{"net_cn9k", {.multi_segs = true}, {.multi_segs = false}},
	{"net_cn10k", {.multi_segs = true}, {.multi_segs = false}},
	{"net_dpaa2", {.multi_segs = true}, {.multi_segs = false}},
	{"net_bnxt", {.copy_below = 0}, {.copy_below = 64}},
	{"net_bnxt", {.copy_below = 256}, {.copy_below = 256}},
	{"net_hns3", {.copy_below = 0}, {.copy_below = 64}},
	{"net_hns3_vf", {.copy_below = 0}, {.copy_below = 64}},
	{"net_ark", {.copy_below = 0}, {.copy_below = 64}},
	/* names that only begin alike, and drivers without a row, stay as they are */
	{"net_nullx", {.multi_segs = false}, {.multi_segs = false}},
	{"net_pcap", {.multi_segs = false}, {.multi_segs = false}},
	{"net_af_xdp", {.multi_segs = false}, {.multi_segs = false}},
	{"net_ixgbe", {.multi_segs = true, .rx_ip_csum = true, .has_rss = true, .max_mtu = 9000},
		{.multi_segs = true, .rx_ip_csum = true, .has_rss = true, .max_mtu = 9000}},
};

static void
quirk_rows(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mcr_port_cap cap = rows[i].from;

		mcr_quirk_apply(rows[i].driver, 2211, &cap);
		if (memcmp(&cap, &rows[i].to, sizeof(cap)) != 0)
			fail_msg("row %u: %s", i, rows[i].driver);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quirk_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
