/* SPDX-License-Identifier: BSD-3-Clause */
#include "port/driver.h"
#include "port/port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the operator reads for a device word, without EAL. text NULL: accepted. */
static const struct {
	const char *dev;
	bool is_netdev;
	const char *text, *fix;
} rows[] = {
	{"net_tap0", false, NULL, NULL},
	{"net_tap0,iface=eth0", false, NULL, NULL},
	{"net_tap7,iface=eth0,mac=fixed,persist=1,remote=x", false, NULL, NULL},
	{"net_null0", false, NULL, NULL},
	{"net_null_sink,no-rx=1", false, NULL, NULL},
	{"net_ring0", false, NULL, NULL},
	{"net_memif0,role=server,id=1,zero-copy=no", false, NULL, NULL},
	{"net_pcap0,rx_pcap=a.pcap,tx_pcap=b.pcap", false, NULL, NULL},
	{"net_af_packet0,iface=lan0,qpairs=2", false, NULL, NULL},
	{"net_af_xdp0,iface=lan0,queue_count=2", false, NULL, NULL},
	{"0000:8a:00.0", false, NULL, NULL},
	{"0000:8A:00.1,args=1", false, NULL, NULL},
	{"lan0", true, NULL, NULL},
	{"net_foo0", false,
		"port p: no driver net_foo; this build has: net_af_packet, net_af_xdp, net_memif, "
		"net_null, net_pcap, net_ring, net_tap",
		"add port p dev net_tap0,iface=IF, or netdev net_foo0 for an interface of the "
		"kernel"},
	{"net_tapper0", false,
		"port p: no driver net_tapper; this build has: net_af_packet, net_af_xdp, "
		"net_memif, "
		"net_null, net_pcap, net_ring, net_tap",
		"add port p dev net_tap0,iface=IF, or netdev net_tapper0 for an interface of the "
		"kernel"},
	{"net_tap0,ifname=eth0", false,
		"port p: net_tap has no argument \"ifname\"; it knows: iface mac persist remote",
		"write iface="},
	{"net_tap0,iface=eth0,xyz=1", false,
		"port p: net_tap has no argument \"xyz\"; it knows: iface mac persist remote", ""},
	{"net_tap0,ifac=eth0", false,
		"port p: net_tap has no argument \"ifac\"; it knows: iface mac persist remote",
		"write iface="},
	{"net_tap0,iface", false, "port p: argument \"iface\" of net_tap has no value", ""},
	{"net_tap0,iface=", false, "port p: argument \"iface\" of net_tap has no value", ""},
	{"net_tap0,iface=abcdefghijklmnop", false,
		"port p: interface name \"abcdefghijklmnop\" is longer than 15 letters", ""},
	{"net_af_packet0", false, "port p: net_af_packet needs the argument \"iface\"",
		"add port p dev net_af_packet0,iface=IF"},
	{"net_memif0,zero-copy=yes", false,
		"port p: net_memif with zero-copy=yes lets the other side write into shared "
		"packets",
		"leave zero-copy=yes away"},
	{"eth0", false,
		"port p: no driver eth; this build has: net_af_packet, net_af_xdp, net_memif, "
		"net_null, net_pcap, net_ring, net_tap",
		"add port p dev net_tap0,iface=IF, or netdev eth0 for an interface of the kernel"},
	{"8a:00.0", false,
		"port p: no driver 8a:00.; this build has: net_af_packet, net_af_xdp, net_memif, "
		"net_null, net_pcap, net_ring, net_tap",
		"add port p dev 0000:8a:00.0      (a PCI address with its domain)"},
	{"net_tap0,iface=eth0", true, "port p: \"net_tap0,iface=eth0\" cannot be an interface name",
		"ip -br link      (shows the names; drivers and PCI addresses take dev, not "
		"netdev)"},
};

static void
device_words(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mcr_port_param p = {.name = "p", .file = "a.conf", .line = 3};
		struct mcr_errs errs = {0};
		int ret;

		snprintf(p.dev, sizeof(p.dev), "%s", rows[i].dev);
		p.is_netdev = rows[i].is_netdev;
		ret = mcr_port_check(&p, &errs);
		if (rows[i].text == NULL) {
			if (ret != 0)
				fail_msg("%s: %s", rows[i].dev, errs.item[0].text);
			assert_int_equal(errs.count, 0);
			continue;
		}
		assert_int_equal(ret, -EINVAL);
		assert_int_equal(errs.n_errors, 1);
		assert_string_equal(errs.item[0].text, rows[i].text);
		assert_string_equal(errs.item[0].fix, rows[i].fix);
		assert_string_equal(errs.item[0].file, "a.conf");
		assert_int_equal(errs.item[0].line, 3);
		mcr_errs_fini(&errs);
	}
}

static void
all_wrong_arguments_are_told(void **state)
{
	struct mcr_port_param p = {.name = "p", .dev = "net_tap0,a=1,iface=x,b=2"};
	struct mcr_errs errs = {0};

	(void)state;
	assert_int_equal(mcr_port_check(&p, &errs), -EINVAL);
	assert_int_equal(errs.n_errors, 2);
	assert_string_equal(errs.item[0].file, "");
	mcr_errs_fini(&errs);
}

static void
pci_addresses(void **state)
{
	static const char *const good[] = {"0000:8a:00.0", "0001:00:1f.7", "0000:8A:00.0,a=b"};
	static const char *const bad[] = {"", "8a:00.0", "0000:8a:00", "0000:8a:00.00",
		"0000:8a:0g.0", "0000-8a:00.0", "net_tap0"};

	(void)state;
	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(mcr_port_is_pci(good[i]));
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (mcr_port_is_pci(bad[i]))
			fail_msg("%s is no PCI address", bad[i]);
}

/* A key is known as a whole word only. */
static void
keys_of_drivers(void **state)
{
	const struct mcr_driver *tap = mcr_driver_find("net_tap0");

	(void)state;
	assert_non_null(tap);
	assert_true(mcr_driver_knows(tap, "iface"));
	assert_true(mcr_driver_knows(tap, "remote"));
	assert_false(mcr_driver_knows(tap, "ifac"));
	assert_false(mcr_driver_knows(tap, "face"));
	assert_false(mcr_driver_knows(tap, ""));
	assert_true(mcr_driver_knows(mcr_driver_find("net_pcap0"), "rx_iface"));
	assert_true(mcr_driver_knows(mcr_driver_find("net_pcap0"), "iface"));
	assert_null(mcr_driver_find("net_"));
	assert_null(mcr_driver_find("net_tapx"));
}

static void
buffers_of_ports(void **state)
{
	struct mcr_port_param p = {.dev = "net_tap0", .n_workers = 2};

	(void)state;
	assert_int_equal(mcr_port_rx_buffers(&p), 2 * 1024);
	p.rx_desc = 256;
	p.n_rx = 4;
	assert_int_equal(mcr_port_rx_buffers(&p), 4 * 256);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(device_words),
		cmocka_unit_test(all_wrong_arguments_are_told),
		cmocka_unit_test(pci_addresses),
		cmocka_unit_test(keys_of_drivers),
		cmocka_unit_test(buffers_of_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
