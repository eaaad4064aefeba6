/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_TEST_PORT_LAB_H
#define MCR_TEST_PORT_LAB_H

/*
 * What the tests of ports share: EAL on ordinary pages, pools, network namespaces of our own (their
 * names hold the pid), raw sockets inside them, and the bookkeeping that finds leaks. Frames
 * have an EtherType for experiments, so what the kernel says by itself is passed over.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <inttypes.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <sys/socket.h>
#include <unistd.h>

#include "port/netns.h"
#include "port/pool.h"
#include "port/port.h"

#define LAB_TYPE 0x88b5
#define LAB_LIMIT_S 5

static struct mcr_pools lab_pools;
static unsigned lab_full[4];

static inline void
lab_count_pools(unsigned count[4])
{
	count[0] = rte_mempool_avail_count(lab_pools.payload);
	count[1] = rte_mempool_avail_count(lab_pools.header);
	count[2] = rte_mempool_avail_count(lab_pools.copy);
	count[3] = rte_mempool_avail_count(lab_pools.control);
}

static inline void
lab_start_eal(const char *megabytes)
{
	char *argv[] = {(char *)(uintptr_t) "test", (char *)(uintptr_t) "--no-huge",
		(char *)(uintptr_t) "-m", (char *)(uintptr_t)megabytes,
		(char *)(uintptr_t) "--no-pci", (char *)(uintptr_t) "--no-telemetry",
		(char *)(uintptr_t) "--no-shconf", (char *)(uintptr_t) "-l",
		(char *)(uintptr_t) "0", (char *)(uintptr_t) "--log-level=notice"};
	FILE *quiet = fopen("/dev/null", "w");

	if (quiet != NULL)
		rte_openlog_stream(quiet);
	assert_true(rte_eal_init(RTE_DIM(argv), argv) >= 0);
}

/* Group set-up: EAL and pools for a few ports of 512 descriptors. */
static inline int
lab_start(void **state)
{
	struct mcr_pool_param p = {
		.socket = SOCKET_ID_ANY,
		.rx_desc = 8192,
		.tx_desc = 4096,
		.n_workers = 1,
		.max_mtu = 1500,
	};
	struct mcr_errs errs = {0};

	lab_start_eal("256");
	if (mcr_pools_create(&lab_pools, &p, &errs) != 0)
		return -1;
	lab_count_pools(lab_full);
	return 0;
}

/* After each test all buffers are back. */
static inline int
lab_check(void **state)
{
	unsigned now[4];

	lab_count_pools(now);
	if (memcmp(now, lab_full, sizeof(now)) == 0)
		return 0;
	print_error("pools: %u %u %u %u, were %u %u %u %u\n", now[0], now[1], now[2], now[3],
		lab_full[0], lab_full[1], lab_full[2], lab_full[3]);
	return -1;
}

static inline struct mcr_port_param
lab_param(const char *dev, const char *netns)
{
	struct mcr_port_param p = {
		.name = "lab",
		.rx_desc = 512,
		.tx_desc = 512,
		.n_workers = 1,
		.file = "lab.conf",
		.line = 7,
	};

	snprintf(p.dev, sizeof(p.dev), "%s", dev);
	snprintf(p.netns, sizeof(p.netns), "%s", netns);
	p.pool[0] = lab_pools.payload;
	return p;
}

/* A port that must come up. */
static inline struct mcr_port *
lab_port(const struct mcr_port_param *p)
{
	struct mcr_errs errs = {0};
	struct mcr_port *port = mcr_port_create(p, &errs);

	if (port == NULL)
		fail_msg("%s: %s", p->dev, errs.count > 0 ? errs.item[0].text : "no error said");
	assert_int_equal(errs.count, 0);
	return port;
}

/* A port that must not come up: errno, and the one sentence with its fix. */
static inline void
lab_refused(const struct mcr_port_param *p, int error, const char *text, const char *fix)
{
	struct mcr_errs errs = {0};
	struct mcr_port *port;

	errno = 0;
	port = mcr_port_create(p, &errs);
	if (port != NULL)
		fail_msg("%s came up", p->dev);
	assert_int_equal(errno, error);
	assert_int_equal(errs.count, 1);
	assert_string_equal(errs.item[0].text, text);
	assert_string_equal(errs.item[0].fix, fix);
	assert_string_equal(errs.item[0].file, "lab.conf");
	assert_int_equal(errs.item[0].line, 7);
	/* Pending is no error: the rest of the configuration goes on. */
	assert_int_equal(errs.n_errors, error == EAGAIN ? 0 : 1);
	mcr_errs_fini(&errs);
}

static char lab_netns[40];

static inline int
lab_sh(const char *fmt, ...)
{
	char command[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	return system(command);
}

/* Test set-up: a fresh namespace lab_netns; without the right to it the test is skipped. */
static inline int
lab_netns_setup(void **state)
{
	snprintf(lab_netns, sizeof(lab_netns), "mcr-lab-%d", (int)getpid());
	if (lab_sh("ip netns add %s 2>/dev/null", lab_netns) != 0)
		lab_netns[0] = '\0';
	return 0;
}

static inline int
lab_netns_teardown(void **state)
{
	if (lab_netns[0] != '\0')
		lab_sh("ip netns del %s", lab_netns);
	return lab_check(state);
}

#define LAB_NEEDS(condition, reason)                              \
	do {                                                      \
		if (!(condition)) {                               \
			print_message("# skipped: %s\n", reason); \
			skip();                                   \
		}                                                 \
	} while (0)
#define LAB_NEEDS_NETNS() LAB_NEEDS(lab_netns[0] != '\0', "no right to make network namespaces")
#define LAB_NEEDS_TUN() LAB_NEEDS(access("/dev/net/tun", F_OK) == 0, "no /dev/net/tun")

/* A raw socket on an interface inside the namespace. */
static inline int
lab_socket(const char *interface)
{
	int token = mcr_netns_enter(lab_netns), fd;
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};

	assert_true(token >= 0);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	at.sll_ifindex = if_nametoindex(interface);
	assert_true(fd >= 0 && at.sll_ifindex > 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	mcr_netns_leave(token);
	return fd;
}

/* Frame number `n` of `len` bytes to a multicast MAC. */
static inline void
lab_frame(uint8_t *frame, unsigned len, uint8_t n)
{
	static const uint8_t head[] = {
		1, 0, 0x5e, 1, 2, 3, 2, 0, 0, 0, 0, 9, LAB_TYPE >> 8, LAB_TYPE & 0xff};

	memset(frame, n, len);
	memcpy(frame, head, sizeof(head));
}

static inline void
lab_socket_send(int fd, unsigned len, uint8_t n)
{
	uint8_t frame[2048];

	lab_frame(frame, len, n);
	assert_int_equal(send(fd, frame, len, 0), len);
}

/* Wait for the frame at the socket, byte by byte the same; others of our type are a fault. */
static inline void
lab_socket_expect(int fd, unsigned len, uint8_t n)
{
	uint64_t end = rte_get_timer_cycles() + LAB_LIMIT_S * rte_get_timer_hz();
	uint8_t frame[2048], want[2048];
	ssize_t got;

	lab_frame(want, len, n);
	while (rte_get_timer_cycles() < end) {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		if (poll(&p, 1, 100) <= 0)
			continue;
		got = recv(fd, frame, sizeof(frame), 0);
		if (got < 14 || memcmp(frame + 12, want + 12, 2) != 0)
			continue;
		assert_int_equal(got, len);
		assert_memory_equal(frame, want, len);
		return;
	}
	fail_msg("frame %u did not arrive at the socket", n);
}

static inline void
lab_port_send_on(const struct mcr_port *port, uint16_t queue, unsigned len, uint8_t n)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(lab_pools.control);
	uint64_t end = rte_get_timer_cycles() + LAB_LIMIT_S * rte_get_timer_hz();

	assert_non_null(m);
	m->data_len = len; /* the buffers hold any frame of ours */
	m->pkt_len = len;
	lab_frame(rte_pktmbuf_mtod(m, uint8_t *), len, n);
	while (rte_eth_tx_burst(port->id, queue, &m, 1) == 0)
		if (rte_get_timer_cycles() > end)
			fail_msg("frame %u was not sent", n);
}

static inline void
lab_port_send(const struct mcr_port *port, unsigned len, uint8_t n)
{
	lab_port_send_on(port, 0, len, n);
}

/* Wait for the frame at the port, whichever queue it comes by. Returns the mbuf when `keep`. */
static inline struct rte_mbuf *
lab_port_receive(const struct mcr_port *port)
{
	uint64_t end = rte_get_timer_cycles() + LAB_LIMIT_S * rte_get_timer_hz();

	while (rte_get_timer_cycles() < end) {
		for (uint16_t q = 0; q < port->n_rx; q++) {
			struct rte_mbuf *m;

			if (rte_eth_rx_burst(port->id, q, &m, 1) == 0)
				continue;
			if (memcmp(rte_pktmbuf_mtod_offset(m, uint8_t *, 12), "\x88\xb5", 2) == 0 ||
				memcmp(rte_pktmbuf_mtod_offset(m, uint8_t *, 16), "\x88\xb5", 2) ==
					0)
				return m;
			rte_pktmbuf_free(m);
		}
	}
	fail_msg("nothing arrived at the port");
	return NULL;
}

static inline void
lab_port_expect(const struct mcr_port *port, unsigned len, uint8_t n)
{
	struct rte_mbuf *m = lab_port_receive(port);
	uint8_t want[2048];

	lab_frame(want, len, n);
	assert_int_equal(rte_pktmbuf_pkt_len(m), len);
	assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *), want, len);
	rte_pktmbuf_free(m);
}

/* What a port must leave behind as it was: descriptors, DPDK's memory, ethdevs. */
struct lab_inventory {
	unsigned descriptors, ethdevs;
	size_t free_bytes;
};

static inline struct lab_inventory
lab_inventory(void)
{
	struct lab_inventory i = {.ethdevs = rte_eth_dev_count_avail()};
	struct rte_malloc_socket_stats stats;
	DIR *dir = opendir("/proc/self/fd");

	while (readdir(dir) != NULL)
		i.descriptors++;
	closedir(dir);
	for (unsigned s = 0; s < rte_socket_count(); s++)
		if (rte_malloc_get_socket_stats(rte_socket_id_by_idx(s), &stats) == 0)
			i.free_bytes += stats.heap_freesz_bytes;
	return i;
}

static inline void
lab_same(const struct lab_inventory *a, const struct lab_inventory *b, size_t slack)
{
	assert_int_equal(a->ethdevs, b->ethdevs);
	assert_int_equal(a->descriptors, b->descriptors);
	if (b->free_bytes + slack < a->free_bytes)
		fail_msg("%zu bytes of DPDK memory are lost", a->free_bytes - b->free_bytes);
}

#endif
