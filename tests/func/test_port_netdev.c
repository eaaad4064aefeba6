/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_lab.h"

#include "port/kernel.h"

/* Ports on a kernel interface: lan0, a veth whose other end lan1 is the host's, both in a
 * namespace. */
/* net_af_xdp of DPDK 22.11 never ends its registration of buffers: 80 bytes a port, of libxdp. */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:xsk_umem__create\n";
}

static int
veth_setup(void **state)
{
	lab_netns_setup(state);
	if (lab_netns[0] != '\0' && lab_sh("ip -n %s link add lan0 type veth peer name lan1 && "
					   "ip -n %s link set lan1 up",
					    lab_netns, lab_netns) != 0)
		return -1;
	return 0;
}

static struct mcr_port_param
af_packet(void)
{
	return lab_param("net_af_packet0,iface=lan0", lab_netns);
}

static struct mcr_port_param
netdev(void)
{
	struct mcr_port_param p = lab_param("lan0", lab_netns);

	p.is_netdev = true;
	return p;
}

/* The flags of lan0 as the kernel prints them. */
static bool
has_flag(const char *flag)
{
	return lab_sh("ip -n %s link show lan0 | grep -q '[<,]%s[,>]'", lab_netns, flag) == 0;
}

static void
exchange(const struct mcr_port *port)
{
	int fd = lab_socket("lan1");

	for (uint8_t n = 1; n < 50; n++) {
		lab_socket_send(fd, 60 + n, n);
		lab_port_expect(port, 60 + n, n);
		lab_port_send(port, 60 + n, n);
		lab_socket_expect(fd, 60 + n, n);
	}
	lab_socket_send(fd, 1514, 99);
	lab_port_expect(port, 1514, 99);
	lab_port_send(port, 1514, 99);
	lab_socket_expect(fd, 1514, 99);
	close(fd);
}

static void
af_packet_carries_frames(void **state)
{
	struct mcr_port_param p = af_packet();
	struct mcr_port *port;

	LAB_NEEDS_NETNS();
	port = lab_port(&p);
	assert_string_equal(port->driver, "net_af_packet");
	assert_string_equal(port->interface, "lan0");
	assert_string_equal(port->receive_mode, "Promiscuous");
	assert_true(port->cap.multi_segs && port->cap.has_advisory_link && mcr_port_is_up(port));
	assert_int_equal(port->cap.max_mtu, 1500);
	assert_false(port->cap.has_rx_interrupt);
	assert_true(has_flag("UP"));
	assert_true(has_flag("PROMISC"));
	exchange(port);
	mcr_port_free(port);
	/* The interface is not ours: it stays, without what we set for us alone. */
	assert_false(has_flag("PROMISC"));
}

/* The kernel keeps the VLAN tag beside the frame; the driver has to put it back. */
static void
af_packet_gives_tags_back(void **state)
{
	struct mcr_port_param p = af_packet();
	uint8_t frame[100], tagged[104];
	struct mcr_port *port;
	struct rte_mbuf *m;
	int fd;

	LAB_NEEDS_NETNS();
	port = lab_port(&p);
	fd = lab_socket("lan1");
	lab_frame(frame, sizeof(frame), 5);
	memcpy(tagged, frame, 12);
	memcpy(tagged + 12, "\x81\x00\x00\x65", 4);
	memcpy(tagged + 16, frame + 12, sizeof(frame) - 12);
	assert_int_equal(send(fd, tagged, sizeof(tagged), 0), sizeof(tagged));
	m = lab_port_receive(port);
	assert_int_equal(rte_pktmbuf_pkt_len(m), sizeof(tagged));
	assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *), tagged, sizeof(tagged));
	rte_pktmbuf_free(m);
	close(fd);
	mcr_port_free(port);
}

static void
t14_frames_of_af_packet_fit_the_buffers(void **state)
{
	struct mcr_port_param p = lab_param("net_af_packet0,iface=lan0,framesz=4096", lab_netns);
	struct mcr_port *port;

	LAB_NEEDS_NETNS();
	lab_refused(&p, EINVAL,
		"port lab: frames of framesz=4096 do not fit into packet buffers of 2048 bytes",
		"leave framesz away, or at most framesz=2048");
	snprintf(p.dev, sizeof(p.dev), "net_af_packet0,iface=lan0,framesz=2048");
	port = lab_port(&p);
	exchange(port);
	mcr_port_free(port);
	p.mtu = 1501;
	lab_refused(&p, EINVAL, "port lab: mtu 1501 is more than net_af_packet can carry (1500)",
		"set port lab mtu 1500");
}

/* Larger frames than a buffer holds, from a kernel that may send them: cut, counted by length, no
 * harm. */
static void
t14_a_frame_beyond_the_buffers_is_cut(void **state)
{
	struct mcr_port_param p = af_packet();
	struct mcr_port *port;
	struct rte_mbuf *m;
	uint8_t frame[9000];
	int fd;

	LAB_NEEDS_NETNS();
	assert_int_equal(
		lab_sh("ip -n %s link set lan0 mtu 9100 && ip -n %s link set lan1 mtu 9100",
			lab_netns, lab_netns),
		0);
	port = lab_port(&p);
	fd = lab_socket("lan1");
	lab_frame(frame, sizeof(frame), 7);
	assert_int_equal(send(fd, frame, sizeof(frame), 0), sizeof(frame));
	m = lab_port_receive(port);
	assert_true(rte_pktmbuf_pkt_len(m) + RTE_PKTMBUF_HEADROOM <=
		    rte_pktmbuf_data_room_size(m->pool));
	assert_int_equal(rte_pktmbuf_pkt_len(m), rte_pktmbuf_data_len(m));
	assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *), frame, rte_pktmbuf_pkt_len(m));
	rte_pktmbuf_free(m);
	lab_socket_send(fd, 60, 8);
	lab_port_expect(port, 60, 8);
	close(fd);
	mcr_port_free(port);
}

static void
interface_is_pending(void **state)
{
	struct mcr_port_param p = lab_param("net_af_packet0,iface=wan0", lab_netns);
	char text[160];

	LAB_NEEDS_NETNS();
	snprintf(text, sizeof(text),
		"port lab: interface wan0 is not there yet in network namespace %s; the port is "
		"pending",
		lab_netns);
	lab_refused(&p, EAGAIN, text, "");
	p = netdev();
	snprintf(p.dev, sizeof(p.dev), "wan0");
	lab_refused(&p, EAGAIN, text, "");
	assert_int_equal(lab_sh("ip -n %s link set lan0 name wan0", lab_netns), 0);
	mcr_port_free(lab_port(&p));
}

static void
mac_is_of_the_interface_or_as_set(void **state)
{
	struct mcr_port_param p = af_packet();
	struct mcr_mac kernel;
	struct mcr_port *port;
	int token;

	LAB_NEEDS_NETNS();
	token = mcr_netns_enter(lab_netns);
	assert_int_equal(mcr_kernel_get_mac("lan0", &kernel), 0);
	mcr_netns_leave(token);
	port = lab_port(&p);
	assert_memory_equal(&port->mac, &kernel, 6);
	mcr_port_free(port);

	p.mac = (struct mcr_mac){{0x02, 0, 0, 0, 0, 0x66}};
	port = lab_port(&p);
	token = mcr_netns_enter(lab_netns);
	assert_int_equal(mcr_kernel_get_mac("lan0", &kernel), 0);
	mcr_netns_leave(token);
	assert_memory_equal(&port->mac, &p.mac, 6);
	assert_memory_equal(&kernel, &p.mac, 6);
	mcr_port_free(port);
}

static void
receive_multicast_off_leaves_the_filter(void **state)
{
	struct mcr_port_param p = af_packet();
	struct mcr_port *port;

	LAB_NEEDS_NETNS();
	p.receive_multicast = MCR_RX_OFF;
	port = lab_port(&p);
	assert_string_equal(port->receive_mode, "Normal");
	assert_false(has_flag("PROMISC"));
	mcr_port_free(port);
}

static void
t16_af_packet_fifty_times(void **state)
{
	struct mcr_port_param p = af_packet();
	struct lab_inventory first, last;

	LAB_NEEDS_NETNS();
	mcr_port_free(lab_port(&p));
	first = lab_inventory();
	for (unsigned i = 0; i < 50; i++)
		mcr_port_free(lab_port(&p));
	last = lab_inventory();
	lab_same(&first, &last, 0);
	assert_int_equal(lab_check(NULL), 0);
}

static void
t16_interface_is_replaced(void **state)
{
	struct mcr_port_param p = af_packet();
	struct mcr_port *port;

	LAB_NEEDS_NETNS();
	port = lab_port(&p);
	assert_false(mcr_port_is_gone(port));
	assert_int_equal(lab_sh("ip -n %s link set lan0 name wan0", lab_netns), 0);
	assert_false(mcr_port_is_gone(port));
	assert_int_equal(lab_sh("ip -n %s link del wan0", lab_netns), 0);
	assert_true(mcr_port_is_gone(port));
	mcr_port_free(port);
	assert_int_equal(lab_sh("ip -n %s link add lan0 type veth peer name lan1 && "
				"ip -n %s link set lan1 up",
				 lab_netns, lab_netns),
		0);
	port = lab_port(&p);
	exchange(port);
	mcr_port_free(port);
}

/* AF_XDP where it works, else AF_PACKET; frames pass either way. */
static void
netdev_carries_frames(void **state)
{
	struct mcr_port_param p = netdev();
	struct mcr_port *port;
	bool is_xdp;

	LAB_NEEDS_NETNS();
	port = lab_port(&p);
	is_xdp = strcmp(port->driver, "net_af_xdp") == 0;
	print_message("# lan0 is driven by %s\n", port->driver);
	if (!is_xdp)
		assert_string_equal(port->driver, "net_af_packet");
	assert_string_equal(port->interface, "lan0");
	assert_true(port->cap.has_advisory_link && mcr_port_is_up(port));
	/* af_xdp takes the first segment for the whole frame. */
	assert_int_equal(port->cap.multi_segs, !is_xdp);
	exchange(port);
	/* Its buffers are its own: the pool of the others is untouched. */
	if (is_xdp)
		assert_int_equal(rte_mempool_in_use_count(lab_pools.payload), 0);
	mcr_port_free(port);
}

/* What net_af_xdp of DPDK 22.11 forgets at its end: buffers, sockets, programs. */
static void
t16_netdev_comes_and_goes(void **state)
{
	struct mcr_port_param p = netdev();
	struct lab_inventory first, last;
	unsigned n_xdp = 0;

	LAB_NEEDS_NETNS();
	mcr_port_free(lab_port(&p));
	first = lab_inventory();
	for (unsigned i = 0; i < 10; i++) {
		struct mcr_port *port = lab_port(&p);

		n_xdp += strcmp(port->driver, "net_af_xdp") == 0;
		exchange(port);
		mcr_port_free(port);
	}
	last = lab_inventory();
	print_message("# %u of 10 by net_af_xdp\n", n_xdp);
	/* The driver loses a small structure with each device; its buffers are 14 MB. */
	lab_same(&first, &last, 64 * 1024);
	assert_int_equal(lab_check(NULL), 0);
}

/* A buffer that another port still sends outlives the port that received it, and its pool with it.
 */
static void
t16_pool_outlives_its_port(void **state)
{
	struct mcr_port_param p = netdev();
	struct lab_inventory first, last;
	struct mcr_port *port;
	struct rte_mbuf *m;
	int fd;

	LAB_NEEDS_NETNS();
	mcr_port_free(lab_port(&p));
	first = lab_inventory();
	port = lab_port(&p);
	fd = lab_socket("lan1");
	lab_socket_send(fd, 100, 3);
	m = lab_port_receive(port);
	close(fd);
	mcr_port_free(port);
	assert_int_equal(rte_pktmbuf_pkt_len(m), 100);
	assert_int_equal(*rte_pktmbuf_mtod_offset(m, uint8_t *, 99), 3);
	rte_pktmbuf_free(m);
	mcr_port_free(lab_port(&p)); /* makes and frees another: the first pool goes as well */
	last = lab_inventory();
	lab_same(&first, &last, 64 * 1024);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, veth_setup, lab_netns_teardown)
	const struct CMUnitTest tests[] = {
		T(af_packet_carries_frames),
		T(af_packet_gives_tags_back),
		T(t14_frames_of_af_packet_fit_the_buffers),
		T(t14_a_frame_beyond_the_buffers_is_cut),
		T(interface_is_pending),
		T(mac_is_of_the_interface_or_as_set),
		T(receive_multicast_off_leaves_the_filter),
		T(t16_af_packet_fifty_times),
		T(t16_interface_is_replaced),
		T(netdev_carries_frames),
		T(t16_netdev_comes_and_goes),
		T(t16_pool_outlives_its_port),
	};

	return cmocka_run_group_tests(tests, lab_start, NULL);
}
