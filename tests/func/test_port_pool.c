/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_lab.h"

/* Pools: sizes, separation, the figure for -m, and what is said when memory is short. */

static size_t
free_bytes(void)
{
	struct rte_malloc_socket_stats stats;

	assert_int_equal(rte_malloc_get_socket_stats(0, &stats), 0);
	return stats.heap_freesz_bytes;
}

static const struct mcr_pool_param rows[] = {
	/* the demo: four TAPs, one worker */
	{.socket = SOCKET_ID_ANY,
		.rx_desc = 4096,
		.tx_desc = 4096,
		.n_workers = 1,
		.max_mtu = 1500},
	{.socket = SOCKET_ID_ANY, .rx_desc = 32, .tx_desc = 32, .n_workers = 1, .max_mtu = 576},
	{.socket = SOCKET_ID_ANY,
		.rx_desc = 2048,
		.tx_desc = 2048,
		.n_workers = 4,
		.max_mtu = 9000},
};

static void
bytes_are_told_beforehand(void **state)
{
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		uint64_t told = mcr_pools_bytes(&rows[i]);
		size_t before = free_bytes(), used;
		struct mcr_errs errs = {0};
		struct mcr_pools pools;

		assert_int_equal(mcr_pools_create(&pools, &rows[i], &errs), 0);
		used = before - free_bytes();
		print_message(
			"# row %u: told %" PRIu64 " KB, used %zu KB\n", i, told >> 10, used >> 10);
		assert_true(used <= told);
		assert_true(used >= told / 10 * 9);
		mcr_pools_free(&pools);
		assert_int_equal(free_bytes(), before);
	}
	/* The demo runs on a small machine. */
	assert_true(mcr_pools_bytes(&rows[0]) < UINT64_C(100) << 20);
}

static void
each_pool_holds_what_can_be_out(void **state)
{
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		const struct mcr_pool_param *p = &rows[i];
		uint32_t in_hand = p->n_workers * (64 + 32 + MCR_POOL_CACHE);
		struct mcr_errs errs = {0};
		struct mcr_pools pools;

		assert_int_equal(mcr_pools_create(&pools, p, &errs), 0);
		assert_true(pools.payload->size >= p->rx_desc + p->tx_desc + in_hand);
		assert_true(pools.header->size >= p->tx_desc + in_hand);
		assert_true(pools.copy->size >= p->tx_desc + in_hand);
		assert_true(pools.control->size >= 1024);
		/* Both tags of a QinQ frame fit into one buffer. */
		assert_true(rte_pktmbuf_data_room_size(pools.payload) - RTE_PKTMBUF_HEADROOM >=
			    p->max_mtu + 14 + 8);
		assert_int_equal(rte_pktmbuf_data_room_size(pools.copy),
			rte_pktmbuf_data_room_size(pools.payload));
		assert_int_equal(rte_pktmbuf_data_room_size(pools.header), MCR_HEADER_ROOM);
		assert_int_equal(rte_pktmbuf_priv_size(pools.control), MCR_MBUF_PRIV);
		mcr_pools_free(&pools);
	}
}

/* On ordinary pages objects lie in one piece: af_xdp counts on it, and no memory is wasted. */
static void
pools_are_in_one_piece(void **state)
{
	struct mcr_errs errs = {0};
	struct mcr_pools pools;
	struct rte_mbuf *m;

	assert_int_equal(mcr_pools_create(&pools, &rows[0], &errs), 0);
	assert_int_equal(pools.payload->nb_mem_chunks, 1);
	m = rte_pktmbuf_alloc(pools.payload);
	assert_non_null(m);
	assert_int_equal(rte_pktmbuf_iova(m), (uintptr_t)rte_pktmbuf_mtod(m, void *));
	rte_pktmbuf_free(m);
	mcr_pools_free(&pools);
}

static void
t11_an_empty_pool_stops_no_other(void **state)
{
	struct mcr_errs errs = {0};
	struct mcr_pools pools;
	struct rte_mempool *pool[4];

	assert_int_equal(mcr_pools_create(&pools, &rows[1], &errs), 0);
	pool[0] = pools.payload;
	pool[1] = pools.header;
	pool[2] = pools.copy;
	pool[3] = pools.control;
	for (unsigned i = 0; i < 4; i++) {
		struct rte_mbuf **all = calloc(pool[i]->size, sizeof(*all));
		unsigned n = 0;

		while (n < pool[i]->size && (all[n] = rte_pktmbuf_alloc(pool[i])) != NULL)
			n++;
		assert_int_equal(n, pool[i]->size);
		assert_null(rte_pktmbuf_alloc(pool[i]));
		for (unsigned k = 0; k < 4; k++) {
			struct rte_mbuf *m = k != i ? rte_pktmbuf_alloc(pool[k]) : NULL;

			assert_true(k == i || m != NULL);
			rte_pktmbuf_free(m);
		}
		rte_pktmbuf_free_bulk(all, n);
		free(all);
		assert_int_equal(rte_mempool_avail_count(pool[i]), pool[i]->size);
	}
	mcr_pools_free(&pools);
}

static void
too_little_memory(void **state)
{
	struct mcr_pool_param p = rows[0];
	size_t before = free_bytes();
	struct mcr_errs errs = {0};
	struct mcr_pools pools;
	char text[160], fix[160];
	uint64_t need;

	p.rx_desc = 200000;
	need = mcr_pools_bytes(&p);
	assert_int_equal(mcr_pools_create(&pools, &p, &errs), -ENOMEM);
	assert_int_equal(errs.n_errors, 1);
	snprintf(text, sizeof(text), "packet memory: needs %" PRIu64 " MB, %zu MB available",
		need >> 20, before >> 20);
	snprintf(fix, sizeof(fix),
		"set system memory-size %" PRIu64 ", or lower descriptors of the ports",
		(need * 3 / 2) >> 20);
	assert_string_equal(errs.item[0].text, text);
	assert_string_equal(errs.item[0].fix, fix);
	assert_null(pools.payload);
	assert_int_equal(free_bytes(), before);
	mcr_errs_fini(&errs);
}

static int
start(void **state)
{
	lab_start_eal("200");
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_told_beforehand),
		cmocka_unit_test(each_pool_holds_what_can_be_out),
		cmocka_unit_test(pools_are_in_one_piece),
		cmocka_unit_test(t11_an_empty_pool_stops_no_other),
		cmocka_unit_test(too_little_memory),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
