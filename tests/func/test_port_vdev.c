/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_lab.h"

#include <rte_eth_ring.h>
#include <rte_ring.h>
#include <unistd.h>

/* Devices of memory and files, errors of the host, and ethdevs that were there before us. */

static void
null_takes_chains_with_shared_payload(void **state)
{
	struct mcr_port_param p = lab_param("net_null0,no-rx=1", "");
	struct mcr_port *port = lab_port(&p);
	struct rte_mbuf *payload = rte_pktmbuf_alloc(lab_pools.payload);
	struct rte_mbuf *header[32];

	/* It does not announce MULTI_SEGS; our table knows better, and here is the proof. */
	assert_true(port->cap.multi_segs);
	rte_pktmbuf_append(payload, 1000);
	rte_mbuf_refcnt_update(payload, RTE_DIM(header));
	for (unsigned i = 0; i < RTE_DIM(header); i++) {
		header[i] = rte_pktmbuf_alloc(lab_pools.header);
		rte_pktmbuf_append(header[i], 64);
		header[i]->next = payload;
		header[i]->nb_segs = 2;
		header[i]->pkt_len = 1064;
	}
	assert_int_equal(rte_eth_tx_burst(port->id, 0, header, RTE_DIM(header)), RTE_DIM(header));
	assert_int_equal(rte_mbuf_refcnt_read(payload), 1);
	rte_pktmbuf_free(payload);
	mcr_port_free(port);
}

/* What the drivers say by themselves, behind the capability record. */
static void
capability_records(void **state)
{
	static const struct {
		const char *dev, *driver;
		bool multi_segs, has_rss;
		uint16_t max_mtu;
	} row[] = {
		{"net_null0,no-rx=1", "net_null", true, true, 9702},
		{"net_ring0", "net_ring", true, false, 9702},
		{"net_pcap0,tx_pcap=/tmp/mcr-lab.pcap", "net_pcap", false, false, 9702},
	};

	for (unsigned i = 0; i < RTE_DIM(row); i++) {
		struct mcr_port_param p = lab_param(row[i].dev, "");
		struct mcr_port *port = lab_port(&p);
		struct mcr_mac none = {0};

		assert_string_equal(port->driver, row[i].driver);
		assert_int_equal(port->cap.multi_segs, row[i].multi_segs);
		assert_int_equal(port->cap.has_rss, row[i].has_rss);
		assert_int_equal(port->cap.max_mtu, row[i].max_mtu);
		assert_true(port->cap.is_vdev && port->cap.has_advisory_link);
		assert_false(
			port->cap.rx_ip_csum || port->cap.tx_ip_csum || port->cap.has_inline_esp);
		assert_int_equal(port->cap.copy_below, 0);
		assert_int_equal(port->mtu, 1500);
		assert_true(mcr_port_is_up(port));
		assert_memory_not_equal(&port->mac, &none, sizeof(none));
		assert_int_equal(port->mac.b[0] & 1, 0);
		mcr_port_free(port);
	}
	unlink("/tmp/mcr-lab.pcap");
}

/* Frames out into a file and in from it again; the file is whole once the port is gone. */
static void
pcap_writes_and_reads(void **state)
{
	char path[] = "/tmp/mcr-lab-XXXXXX", dev[128];
	int fd = mkstemp(path);
	struct mcr_port_param p;
	struct mcr_port *port;

	assert_true(fd >= 0);
	close(fd);
	snprintf(dev, sizeof(dev), "net_pcap0,tx_pcap=%s", path);
	p = lab_param(dev, "");
	port = lab_port(&p);
	for (uint8_t n = 1; n <= 91; n++)
		lab_port_send(port, 60 + n, n);
	mcr_port_free(port);

	snprintf(dev, sizeof(dev), "net_pcap0,rx_pcap=%s", path);
	p = lab_param(dev, "");
	port = lab_port(&p);
	for (uint8_t n = 1; n <= 91; n++)
		lab_port_expect(port, 60 + n, n);
	mcr_port_free(port);
	unlink(path);
}

static void
errors_of_the_host(void **state)
{
	struct mcr_port_param p = lab_param("net_pcap0,rx_pcap=/nonexistent/in.pcap", "");

	lab_refused(&p, ENOENT, "port lab: cannot read /nonexistent/in.pcap: no such file", "");
	p = lab_param("net_pcap0,tx_pcap=/nonexistent/out.pcap", "");
	lab_refused(
		&p, ENOENT, "port lab: cannot write /nonexistent/out.pcap: no such directory", "");
	p = lab_param("net_pcap0,rx_pcap=/dev/null", ""); /* there, but no capture */
	struct mcr_errs errs = {0};

	assert_null(mcr_port_create(&p, &errs));
	assert_int_equal(errs.n_errors, 1);
	assert_non_null(strstr(errs.item[0].text, "port lab: "));
	mcr_errs_fini(&errs);
	p = lab_param("net_foo0", "");
	lab_refused(&p, EINVAL,
		"port lab: no driver net_foo; this build has: net_af_packet, net_af_xdp, "
		"net_memif, net_null, net_pcap, net_ring, net_tap",
		"add port lab dev net_tap0,iface=IF, or netdev net_foo0 for an interface of the "
		"kernel");
	p = lab_param("net_null0,sise=64", "");
	lab_refused(&p, EINVAL,
		"port lab: net_null has no argument \"sise\"; it knows: size copy no-rx",
		"write size=");
	p = lab_param("ffff:ff:1f.7", "");
	lab_refused(&p, ENODEV, "port lab: no such PCI device: ffff:ff:1f.7",
		"lspci -D | grep -i ethernet      (lists the addresses)");
	p = lab_param("net_memif0,socket=/nonexistent/memif.sock", "");
	lab_refused(&p, EAGAIN,
		"port lab: the other side of the memif is not there yet; the port is pending", "");
	/* After all these a good one comes up. */
	p = lab_param("net_null0,no-rx=1", "");
	mcr_port_free(lab_port(&p));
}

/* A port between two rings of the test: what goes in at one side comes out at the other. */
static void
adopted_ring_port(void **state)
{
	struct rte_ring *in = rte_ring_create("in", 64, SOCKET_ID_ANY, 0);
	struct rte_ring *out = rte_ring_create("out", 64, SOCKET_ID_ANY, 0);
	int id = rte_eth_from_rings("rings", &in, 1, &out, 1, 0);
	struct mcr_port_param p = lab_param("rings", "");
	struct mcr_errs errs = {0};
	struct mcr_port *port;
	struct rte_mbuf *m;
	void *object = NULL;

	assert_true(id >= 0);
	p.n_workers = 3;
	p.mac = (struct mcr_mac){{0x02, 1, 2, 3, 4, 5}};
	port = mcr_port_adopt(id, &p, &errs);
	assert_non_null(port);
	assert_int_equal(errs.count, 0);
	assert_string_equal(port->driver, "net_ring");
	assert_false(port->owns_device);
	/* As many queues as the device has, however many workers there are. */
	assert_int_equal(port->n_rx, 1);
	assert_int_equal(port->n_tx, 1);
	assert_memory_equal(&port->mac, &p.mac, 6);

	lab_port_send(port, 60, 1);
	assert_int_equal(rte_ring_dequeue(out, &object), 0);
	assert_int_equal(rte_ring_enqueue(in, object), 0);
	m = lab_port_receive(port);
	rte_pktmbuf_free(m);
	mcr_port_free(port);

	/* It was there before us and is there after us. */
	assert_true(rte_eth_dev_is_valid_port(id));
	port = mcr_port_adopt(id, &p, &errs);
	assert_non_null(port);
	mcr_port_free(port);
	assert_int_equal(rte_eth_dev_close(id), 0);
	rte_ring_free(in);
	rte_ring_free(out);
}

static void
mtu_beyond_the_buffers(void **state)
{
	struct mcr_port_param p = lab_param("net_null0,no-rx=1", "");

	p.mtu = 9000;
	lab_refused(&p, EINVAL, "port lab: mtu 9000 does not fit into packet buffers of 2048 bytes",
		"set port lab mtu 2026, or restart mcrd: buffers are sized at start");
	p.mtu = 2026;
	mcr_port_free(lab_port(&p));
	/* net_ring chains buffers, so it may. */
	p = lab_param("net_ring0", "");
	p.mtu = 9000;
	struct mcr_port *port = lab_port(&p);

	assert_int_equal(port->mtu, 9000);
	mcr_port_free(port);
}

static void
t16_memory_ports_fifty_times(void **state)
{
	static const struct {
		const char *dev;
		size_t slack; /* net_null loses a dummy packet of each queue: not ours to mend */
	} row[] = {
		{"net_null0,no-rx=1", 50 * 1024},
		{"net_pcap0,tx_pcap=/tmp/mcr-lab.pcap", 0},
	};

	for (unsigned d = 0; d < RTE_DIM(row); d++) {
		struct mcr_port_param p = lab_param(row[d].dev, "");
		struct lab_inventory first, last;

		p.n_workers = 2;
		mcr_port_free(lab_port(&p));
		first = lab_inventory();
		for (unsigned i = 0; i < 50; i++)
			mcr_port_free(lab_port(&p));
		last = lab_inventory();
		print_message("# %s\n", row[d].dev);
		lab_same(&first, &last, row[d].slack);
	}
	unlink("/tmp/mcr-lab.pcap");
}

/* Nobody has connected: the link of a memif is told as it is. */
static void
memif_server_waits(void **state)
{
	struct mcr_port_param p = lab_param("net_memif1,role=server,socket=/mcr-lab", "");
	struct mcr_port *port = lab_port(&p);

	assert_true(port->cap.multi_segs && port->cap.is_vdev);
	assert_false(port->cap.has_advisory_link);
	assert_true(port->is_started);
	assert_false(mcr_port_is_up(port));
	mcr_port_free(port);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, NULL, lab_check)
	const struct CMUnitTest tests[] = {
		T(null_takes_chains_with_shared_payload),
		T(capability_records),
		T(pcap_writes_and_reads),
		T(errors_of_the_host),
		T(adopted_ring_port),
		T(mtu_beyond_the_buffers),
		T(t16_memory_ports_fifty_times),
		T(memif_server_waits),
	};

	return cmocka_run_group_tests(tests, lab_start, NULL);
}
