/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_lab.h"

#include "port/kernel.h"

#include <signal.h>

/* A TAP inside a namespace, as a host would see it. */
static struct mcr_port_param
tap(void)
{
	return lab_param("net_tap0,iface=eth0", lab_netns);
}

static bool
is_in_namespace(const char *interface)
{
	int token = mcr_netns_enter(lab_netns);
	bool is_there = if_nametoindex(interface) != 0;

	mcr_netns_leave(token);
	return is_there;
}

static void
born_in_its_namespace(void **state)
{
	struct mcr_port_param p = tap();
	struct mcr_port *port;
	int fd;

	LAB_NEEDS_NETNS();
	LAB_NEEDS_TUN();
	port = lab_port(&p);
	assert_string_equal(port->driver, "net_tap");
	assert_string_equal(port->device, "net_tap0");
	assert_string_equal(port->interface, "eth0");
	assert_string_equal(port->netns, lab_netns);
	assert_string_equal(port->receive_mode, "All-multicast");
	assert_true(port->is_started && port->owns_device && mcr_port_is_up(port));
	assert_true(port->cap.multi_segs && port->cap.is_vdev && port->cap.has_advisory_link);
	assert_int_equal(port->cap.copy_below, 0);
	assert_int_equal(port->mtu, 1500);
	assert_true(is_in_namespace("eth0"));
	assert_int_equal(if_nametoindex("dtap0"), 0); /* the second TAP of a set-up outside */

	fd = lab_socket("eth0");
	lab_socket_send(fd, 60, 1);
	lab_port_expect(port, 60, 1);
	lab_socket_send(fd, 1514, 2);
	lab_port_expect(port, 1514, 2);
	lab_port_send(port, 60, 3);
	lab_socket_expect(fd, 60, 3);
	lab_port_send(port, 1514, 4);
	lab_socket_expect(fd, 1514, 4);
	close(fd);
	mcr_port_free(port);
	assert_false(is_in_namespace("eth0"));
}

/* The kernel drops what seems to come from itself, so both sides need addresses of their own. */
static void
kernel_side_has_another_mac(void **state)
{
	static const char *const devs[] = {"net_tap0,iface=eth0", "net_tap0,iface=eth0,mac=fixed",
		"net_tap0,iface=eth0,mac=02:00:00:00:00:77"};

	LAB_NEEDS_NETNS();
	LAB_NEEDS_TUN();
	for (unsigned i = 0; i < RTE_DIM(devs) + 1; i++) {
		struct mcr_port_param p = lab_param(devs[i % RTE_DIM(devs)], lab_netns);
		struct rte_ether_addr device;
		struct mcr_port *port;
		struct mcr_mac kernel;
		int token;

		if (i == RTE_DIM(devs))
			p.mac = (struct mcr_mac){{0x02, 0, 0, 0, 0, 0x55}};
		port = lab_port(&p);
		token = mcr_netns_enter(lab_netns);
		assert_int_equal(mcr_kernel_get_mac("eth0", &kernel), 0);
		mcr_netns_leave(token);
		assert_memory_not_equal(&kernel, &port->mac, sizeof(kernel));
		assert_int_equal(kernel.b[0] & 3, 2); /* unicast, locally administered */
		assert_int_equal(rte_eth_macaddr_get(port->id, &device), 0);
		assert_memory_equal(&device, &port->mac, sizeof(device));
		if (i == 2)
			assert_memory_equal(&port->mac, "\x02\0\0\0\0\x77", 6);
		if (i == RTE_DIM(devs))
			assert_memory_equal(&port->mac, &p.mac, 6);
		mcr_port_free(port);
	}
}

/*
 * As many receive as transmit queues, whatever is asked, and no more than the driver survives; a
 * frame may come by any of them.
 */
static void
queues_come_in_pairs(void **state)
{
	static const struct {
		uint16_t n_rx, n_tx;
		unsigned n_workers;
		uint16_t expected;
	} row[] = {{1, 2, 1, 2}, {2, 1, 1, 2}, {0, 0, 2, 2}, {0, 0, 1, 1},
		{0, 0, 40, RTE_MP_MAX_FD_NUM / 2}};

	LAB_NEEDS_NETNS();
	LAB_NEEDS_TUN();
	for (unsigned i = 0; i < RTE_DIM(row); i++) {
		struct mcr_port_param p = tap();
		struct mcr_port *port;
		int fd;

		p.n_rx = row[i].n_rx;
		p.n_tx = row[i].n_tx;
		p.n_workers = row[i].n_workers;
		port = lab_port(&p);
		assert_int_equal(port->n_rx, row[i].expected);
		assert_int_equal(port->n_tx, row[i].expected);
		fd = lab_socket("eth0");
		for (uint16_t q = 0; q < port->n_tx; q++) {
			lab_port_send_on(port, q, 100, q + 1);
			lab_socket_expect(fd, 100, q + 1);
			lab_socket_send(fd, 100, q + 1);
			lab_port_expect(port, 100, q + 1);
		}
		close(fd);
		mcr_port_free(port);
	}
}

/* A header mbuf in front of a payload that others hold as well: the share lane. */
static void
chain_with_shared_payload(void **state)
{
	struct mcr_port_param p = tap();
	struct mcr_port *port;
	uint8_t frame[200];
	int fd;

	LAB_NEEDS_NETNS();
	LAB_NEEDS_TUN();
	port = lab_port(&p);
	fd = lab_socket("eth0");
	for (uint8_t n = 1; n <= 3; n++) {
		struct rte_mbuf *header = rte_pktmbuf_alloc(lab_pools.header);
		struct rte_mbuf *payload = rte_pktmbuf_alloc(lab_pools.payload);

		lab_frame(frame, sizeof(frame), n);
		memcpy(rte_pktmbuf_append(header, 14), frame, 14);
		memcpy(rte_pktmbuf_append(payload, sizeof(frame) - 14), frame + 14,
			sizeof(frame) - 14);
		rte_mbuf_refcnt_update(payload, 1);
		header->next = payload;
		header->nb_segs = 2;
		header->pkt_len = sizeof(frame);
		assert_int_equal(rte_eth_tx_burst(port->id, 0, &header, 1), 1);
		lab_socket_expect(fd, sizeof(frame), n);
		assert_int_equal(rte_mbuf_refcnt_read(payload), 1);
		rte_pktmbuf_free(payload);
	}
	close(fd);
	mcr_port_free(port);
}

static void
mtu_is_set_and_bounded(void **state)
{
	struct mcr_port_param p = tap();
	struct mcr_port *port;
	uint16_t mtu = 0;
	int token;

	LAB_NEEDS_NETNS();
	LAB_NEEDS_TUN();
	p.mtu = 1400;
	port = lab_port(&p);
	assert_int_equal(port->mtu, 1400);
	token = mcr_netns_enter(lab_netns);
	assert_int_equal(mcr_kernel_get_mtu("eth0", &mtu), 0);
	mcr_netns_leave(token);
	assert_int_equal(mtu, 1400);
	mcr_port_free(port);

	p.mtu = 9000;
	lab_refused(&p, EINVAL, "port lab: mtu 9000 is more than net_tap can carry (1500)",
		"set port lab mtu 1500");
	/* The refused port left nothing behind. */
	p.mtu = 0;
	port = lab_port(&p);
	mcr_port_free(port);
}

/* A signal for each frame would wake the main thread each time, see mcr_device_signals_hide. */
static void
no_signal_is_taken(void **state)
{
	struct mcr_port_param p = tap();
	struct mcr_port *port;
	sigset_t pending;

	LAB_NEEDS_NETNS();
	LAB_NEEDS_TUN();
	port = lab_port(&p);
	for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig++) {
		struct sigaction now;

		assert_int_equal(sigaction(sig, NULL, &now), 0);
		assert_true(now.sa_handler == SIG_DFL);
	}
	/* Would end this process by the default action, if one were sent. */
	int fd = lab_socket("eth0");

	for (uint8_t n = 1; n < 20; n++) {
		lab_socket_send(fd, 60, n);
		lab_port_expect(port, 60, n);
	}
	sigpending(&pending);
	for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig++)
		assert_int_equal(sigismember(&pending, sig), 0);
	close(fd);
	mcr_port_free(port);
}

static void
namespace_is_pending(void **state)
{
	struct mcr_port_param p = lab_param("net_tap0,iface=eth0", "mcr-no-such-netns");
	struct mcr_port *port;

	LAB_NEEDS_NETNS();
	LAB_NEEDS_TUN();
	lab_refused(&p, EAGAIN,
		"port lab: network namespace mcr-no-such-netns does not exist; the port is pending",
		"ip netns add mcr-no-such-netns");
	snprintf(p.netns, sizeof(p.netns), "%s", lab_netns);
	port = lab_port(&p);
	mcr_port_free(port);
}

static void
interface_is_already_there(void **state)
{
	struct mcr_port_param p = tap();
	char text[160], fix[160];

	LAB_NEEDS_NETNS();
	LAB_NEEDS_TUN();
	assert_int_equal(lab_sh("ip -n %s link add eth0 type bridge", lab_netns), 0);
	snprintf(text, sizeof(text),
		"port lab: interface eth0 is already there in network namespace %s", lab_netns);
	snprintf(fix, sizeof(fix), "ip -n %s link del eth0, or another iface=", lab_netns);
	lab_refused(&p, EINVAL, text, fix);
}

static void
device_of_another_port(void **state)
{
	struct mcr_port_param p = tap();
	struct mcr_port *port;

	LAB_NEEDS_NETNS();
	LAB_NEEDS_TUN();
	port = lab_port(&p);
	snprintf(p.dev, sizeof(p.dev), "net_tap0,iface=eth1");
	lab_refused(&p, EEXIST, "port lab: another port uses device net_tap0",
		"give each port a device of its own: net_tap1, net_tap2 ...");
	snprintf(p.dev, sizeof(p.dev), "net_tap1,iface=eth1");
	mcr_port_free(lab_port(&p));
	mcr_port_free(port);
}

static void
t16_added_and_removed_fifty_times(void **state)
{
	struct mcr_port_param p = tap();
	struct lab_inventory first, last;

	LAB_NEEDS_NETNS();
	LAB_NEEDS_TUN();
	p.n_workers = 2;
	mcr_port_free(lab_port(&p)); /* what the driver makes once for all */
	first = lab_inventory();
	for (unsigned i = 0; i < 50; i++)
		mcr_port_free(lab_port(&p));
	last = lab_inventory();
	lab_same(&first, &last, 0);
	assert_int_equal(lab_check(NULL), 0);
}

/* The kernel's side goes down and up; the port stays up and forwards as soon as the host does. */
static void
t16_link_flaps(void **state)
{
	struct mcr_port_param p = tap();
	struct mcr_port *port;
	int fd;

	LAB_NEEDS_NETNS();
	LAB_NEEDS_TUN();
	port = lab_port(&p);
	fd = lab_socket("eth0");
	for (uint8_t n = 1; n <= 20; n++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(lab_pools.control);
		int token = mcr_netns_enter(lab_netns);
		char dummy[64];

		assert_int_equal(lab_sh("ip link set eth0 down"), 0);
		mcr_netns_leave(token);
		assert_true(mcr_port_is_up(port));
		/* While it is down a frame is refused or lost, but its buffer is ours or freed. */
		rte_pktmbuf_append(m, 60);
		if (rte_eth_tx_burst(port->id, 0, &m, 1) == 0)
			rte_pktmbuf_free(m);
		token = mcr_netns_enter(lab_netns);
		assert_int_equal(lab_sh("ip link set eth0 up"), 0);
		mcr_netns_leave(token);
		while (recv(fd, dummy, sizeof(dummy), MSG_DONTWAIT) > 0)
			;
		lab_port_send(port, 60, n);
		lab_socket_expect(fd, 60, n);
		lab_socket_send(fd, 60, n);
		lab_port_expect(port, 60, n);
	}
	close(fd);
	mcr_port_free(port);
}

/* The namespace is removed under the port, and comes again under the same name. */
static void
t16_namespace_is_replaced(void **state)
{
	struct mcr_port_param p = tap();
	struct mcr_port *port;
	int fd;

	LAB_NEEDS_NETNS();
	LAB_NEEDS_TUN();
	port = lab_port(&p);
	assert_false(mcr_port_is_gone(port));
	assert_int_equal(lab_sh("ip netns del %s", lab_netns), 0);
	assert_true(mcr_port_is_gone(port));
	assert_int_equal(lab_sh("ip netns add %s", lab_netns), 0);
	assert_true(mcr_port_is_gone(port));
	mcr_port_free(port);
	port = lab_port(&p);
	assert_false(mcr_port_is_gone(port));
	fd = lab_socket("eth0");
	lab_port_send(port, 60, 1);
	lab_socket_expect(fd, 60, 1);
	close(fd);
	mcr_port_free(port);
}

static void
rx_interrupt_gives_a_descriptor(void **state)
{
	struct mcr_port_param p = tap();
	struct pollfd poll_fd = {.events = POLLIN};
	struct mcr_port *port;
	int fd;

	LAB_NEEDS_NETNS();
	LAB_NEEDS_TUN();
	port = lab_port(&p);
	assert_true(port->cap.has_rx_interrupt);
	poll_fd.fd = rte_eth_dev_rx_intr_ctl_q_get_fd(port->id, 0);
	fd = lab_socket("eth0");
	lab_socket_send(fd, 60, 1);
	assert_int_equal(poll(&poll_fd, 1, LAB_LIMIT_S * 1000), 1);
	lab_port_expect(port, 60, 1);
	close(fd);
	mcr_port_free(port);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, lab_netns_setup, lab_netns_teardown)
	const struct CMUnitTest tests[] = {
		T(born_in_its_namespace),
		T(kernel_side_has_another_mac),
		T(queues_come_in_pairs),
		T(chain_with_shared_payload),
		T(mtu_is_set_and_bounded),
		T(no_signal_is_taken),
		T(namespace_is_pending),
		T(interface_is_already_there),
		T(device_of_another_port),
		T(t16_added_and_removed_fifty_times),
		T(t16_link_flaps),
		T(t16_namespace_is_replaced),
		T(rx_interrupt_gives_a_descriptor),
	};

	return cmocka_run_group_tests(tests, lab_start, NULL);
}
