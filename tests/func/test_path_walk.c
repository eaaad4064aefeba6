/* SPDX-License-Identifier: BSD-3-Clause */
/* The walk between access ports: one shared payload, right frames, nothing changed. */
#include "path_world.h"

#define GROUP "239.1.2.3"
#define SENDER "10.1.0.7"

static const struct flow plain = {.src = SENDER, .dst = GROUP, .vid = -1};

/* Three access ports of segment 1, all members of GROUP, port 0 the sender's. */
static void
world_of_three(struct world *wd, const struct world_conf *conf, struct mcr_list_item *items)
{
	world_init(wd, conf);
	for (unsigned p = 0; p < 3; p++) {
		world_add_port(wd, false);
		world_map(wd, p, MCR_VID_NONE, 1);
		items[p] = world_native(wd, p, MCR_VID_NONE);
	}
	world_publish(wd);
	world_join(wd, 1, GROUP, NULL, items, 3);
}

static void
expect_native(struct world *wd, unsigned port, const uint8_t *frame, uint32_t len, int vid)
{
	uint8_t want[WORLD_FRAME], got[WORLD_FRAME];
	int n = native_of(want, frame, len, vid);

	assert_int_equal(world_recv(wd, port, got), n);
	assert_memory_equal(got, want, n);
}

/* The payload of all copies is the received buffer itself, and its count is 1 at the end. */
static void
zero_copy_shares_the_received_buffer(void **state)
{
	struct world wd;
	struct mcr_list_item items[3];
	uint8_t data[300], frame[400];
	struct rte_mbuf *m, *copy[2];
	uint32_t len;

	(void)state;
	world_of_three(&wd, &(struct world_conf){0}, items);
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = i;
	len = frame_build(frame, &plain, data, sizeof(data));
	m = mbuf_of(&wd, frame, len);
	world_send(&wd, 0, m);
	world_run(&wd);
	for (unsigned i = 0; i < 2; i++) {
		copy[i] = world_take(&wd, 1 + i);
		assert_non_null(copy[i]);
		assert_ptr_equal(copy[i]->next, m);
		assert_ptr_equal(copy[i]->pool, wd.pools[0].header);
		assert_int_equal(copy[i]->nb_segs, 2);
		assert_int_equal(copy[i]->pkt_len, len);
		assert_int_equal(copy[i]->data_len, 14);
		assert_memory_equal(rte_pktmbuf_mtod(copy[i], void *), frame, 14);
	}
	assert_int_equal(rte_mbuf_refcnt_read(m), 2);
	assert_int_equal(m->data_len, len - 14);
	assert_memory_equal(rte_pktmbuf_mtod(m, void *), frame + 14, len - 14);
	rte_pktmbuf_free(copy[0]);
	assert_int_equal(rte_mbuf_refcnt_read(m), 1);
	rte_pktmbuf_free(copy[1]);
	assert_int_equal(world_copies(&wd), 2);
	assert_int_equal(world_forwarded(&wd), 1);
	assert_int_equal(world_all_drops(&wd), 0);
	world_fini(&wd);
}

/* L6: not back to the arrival port, whoever asked there. */
static void
l6_never_out_of_the_arrival_port(void **state)
{
	struct world wd;
	struct mcr_list_item items[3];
	uint8_t frame[200], got[WORLD_FRAME];
	uint32_t len;

	(void)state;
	world_of_three(&wd, &(struct world_conf){0}, items);
	len = frame_build(frame, &plain, "canary, canary, canary, canary", 30);
	for (unsigned from = 0; from < 3; from++) {
		world_send(&wd, from, mbuf_of(&wd, frame, len));
		world_run(&wd);
		for (unsigned p = 0; p < 3; p++)
			if (p != from)
				expect_native(&wd, p, frame, len, -1);
		for (unsigned p = 0; p < 3; p++)
			assert_int_equal(world_recv(&wd, p, got), -1);
	}
	/* A group with members behind the arrival port alone goes nowhere, and that has a name. */
	items[0] = world_native(&wd, 0, MCR_VID_NONE);
	world_join(&wd, 1, "239.1.2.4", NULL, items, 1);
	frame_build(frame, &(struct flow){.src = SENDER, .dst = "239.1.2.4", .vid = -1}, "x", 1);
	world_send(&wd, 0, mbuf_of(&wd, frame, 60));
	world_run(&wd);
	assert_int_equal(world_recv(&wd, 0, got), -1);
	assert_int_equal(world_drops(&wd, 0, MCR_DROP_LOOKUP_NO_MEMBER), 1);
	world_fini(&wd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zero_copy_shares_the_received_buffer),
		cmocka_unit_test(l6_never_out_of_the_arrival_port),
	};

	if (world_eal() < 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
