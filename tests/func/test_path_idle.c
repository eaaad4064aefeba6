/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupt mode over a TAP: a frame wakes the worker, and without frames it hardly runs. */
#include "path_world.h"

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <rte_cycles.h>
#include <rte_lcore.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define GROUP "239.1.2.3"

/* A raw socket on the kernel's side of the TAP. */
static int
open_kernel_side(const char *name)
{
	struct ifreq ifr = {0};
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));

	assert_true(fd >= 0);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &ifr), 0);
	ifr.ifr_flags |= IFF_UP;
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &ifr), 0);
	at.sll_ifindex = if_nametoindex(name);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void
interrupt_mode_sleeps_and_wakes(void **state)
{
	struct mcr_port_param param = {.name = "t0",
		.dev = "net_tap0,iface=mcrt0",
		.n_rx = 1,
		.n_tx = 1,
		.rx_desc = 256,
		.tx_desc = 256,
		.n_workers = 1,
		.wants_rx_interrupt = true};
	struct world wd;
	struct mcr_errs errs = {0};
	struct mcr_list_item item;
	struct mcr_worker_stat before, after;
	uint8_t frame[300], got[WORLD_FRAME];
	unsigned lcore = rte_get_next_lcore(-1, 1, 0);
	uint32_t len;
	uint64_t end;
	int fd;

	(void)state;
	if (access("/dev/net/tun", R_OK | W_OK) || unshare(CLONE_NEWNET)) {
		print_message("# skip: needs /dev/net/tun and the right to make a namespace\n");
		skip();
	}
	world_init(&wd, &(struct world_conf){0});
	world_add_port(&wd, false); /* OUT: 0; it is never received from */
	wd.port[0].not_polled = true;
	param.pool[0] = wd.pools[0].payload;
	wd.port[1].port = mcr_port_create(&param, &errs);
	mcr_errs_print(stderr, &errs);
	assert_non_null(wd.port[1].port);
	wd.port[1].is_foreign = true;
	wd.port[1].mac = wd.port[1].port->mac;
	wd.n_ports = 2;
	assert_true(wd.port[1].port->cap.has_rx_interrupt);
	world_map(&wd, 0, MCR_VID_NONE, 1);
	world_map(&wd, 1, MCR_VID_NONE, 1);
	world_publish(&wd);
	item = world_native(&wd, 0, MCR_VID_NONE);
	world_join(&wd, 1, GROUP, NULL, &item, 1);
	mcr_path_set_idle(wd.path, MCR_IDLE_INTERRUPT);
	fd = open_kernel_side("mcrt0");
	assert_int_equal(
		rte_eal_remote_launch(mcr_worker_loop, mcr_path_worker(wd.path, 0), lcore), 0);
	len = frame_build(frame, &(struct flow){.src = "10.1.0.7", .dst = GROUP, .vid = -1},
		"data data data data data data data", 34);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(write(fd, frame, len), len);
		end = rte_get_timer_cycles() + 5 * rte_get_timer_hz();
		while (world_recv(&wd, 0, got) <= 0)
			assert_true(rte_get_timer_cycles() < end);
		assert_memory_equal(got, frame, len);
		/* Asleep: far fewer turns than the thousand a second of naps. */
		end = rte_get_timer_cycles() + rte_get_timer_hz() / 10;
		mcr_worker_stat(wd.path, 0, &before);
		while (rte_get_timer_cycles() < end)
			sched_yield();
		mcr_worker_stat(wd.path, 0, &after);
	}
	assert_in_range(after.turns - before.turns, 1, 60);
	mcr_path_stop(wd.path);
	assert_int_equal(rte_eal_wait_lcore(lcore), 0);
	close(fd);
	mcr_port_free(wd.port[1].port);
	wd.n_ports = 1;
	mcr_errs_fini(&errs);
	world_free(&wd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interrupt_mode_sleeps_and_wakes),
	};

	if (world_eal() < 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
