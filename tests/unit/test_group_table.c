/* SPDX-License-Identifier: BSD-3-Clause */
#include "group/table.h"

#include "group/hash.h"
#include "random.h"

#include <rte_eal.h>
#include <rte_memory.h>

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct rnd rnd;

/*
 * A list whose every part says which it is: `tag` in the upper bits of all ids, and as many ids
 * as the tag says. A reader of a torn or freed list finds a contradiction.
 */
static struct mcr_list *
tagged_list(uint32_t tag)
{
	struct mcr_list_item items[32];
	uint32_t n = 1 + tag % 31;

	for (uint32_t i = 0; i < n; i++)
		items[i] = (struct mcr_list_item){.id = tag << 8 | i, .port = i & 1, .mtu = tag};
	return mcr_list_build(items, n);
}

static uint32_t
tag_of(const struct mcr_list *l)
{
	uint32_t tag = mcr_list_ids(l)[0] >> 8;

	if (l->count != 1 + tag % 31)
		abort();
	for (uint32_t i = 0; i < l->count; i++)
		if (mcr_list_ids(l)[i] >> 8 != tag)
			abort();
	return tag;
}

static struct mcr_group_key
key_of(uint32_t k)
{
	struct mcr_group_key key = {.segment = k % 5};

	key.group = mcr_addr_v4(htonl(0xef000000 | (k / 5 % 100)));
	if (k >= 500)
		key.source = mcr_addr_v4(htonl(0x0a000000 | k));
	return key;
}

static struct mcr_table *
table_of(uint32_t entries, struct mcr_reclaim *r)
{
	static unsigned serial;
	char name[32];
	struct mcr_table *t;

	snprintf(name, sizeof(name), "table%u", serial++);
	t = mcr_table_create(&(struct mcr_table_param){.name = name,
		.entries = entries,
		.socket = SOCKET_ID_ANY,
		.reclaim = r,
		.n_stat_slots = 2});
	assert_non_null(t);
	return t;
}

#define KEYS 1000

static void
check_all(const struct mcr_table *t, const uint32_t *model)
{
	uint32_t cursor = 0, n = 0, n_sources = 0, walked = 0;

	for (uint32_t first = 0; first < KEYS; first += 25) {
		struct mcr_group_key key[25];
		const struct mcr_group_key *keys[25];
		struct mcr_entry *entry[25];
		uint32_t found = 0, got;

		for (uint32_t i = 0; i < 25; i++) {
			key[i] = key_of(first + i);
			keys[i] = &key[i];
		}
		assert_int_equal(mcr_table_lookup_bulk(t, keys, 0, entry), 0);
		got = mcr_table_lookup_bulk(t, keys, 25, entry);

		for (uint32_t i = 0; i < 25; i++) {
			assert_int_equal(entry[i] != NULL, model[first + i] != 0);
			assert_ptr_equal(entry[i], mcr_table_find(t, &key[i]));
			if (!entry[i])
				continue;
			found++;
			n_sources += first + i >= 500;
			assert_int_equal(tag_of(entry[i]->list), model[first + i]);
			assert_memory_equal(&entry[i]->key, &key[i], sizeof(key[i]));
		}
		assert_int_equal(got, found);
		n += found;
	}
	assert_int_equal(mcr_table_count(t), n);
	assert_int_equal(mcr_table_has_sources(t), n_sources != 0);
	while (mcr_table_next(t, &cursor))
		walked++;
	assert_int_equal(walked, n);
}

static void
random_operations_against_a_model(void **state)
{
	struct mcr_reclaim *r = mcr_reclaim_create(1);
	struct mcr_table *t = table_of(KEYS, r);
	uint32_t model[KEYS] = {0};

	(void)state;
	for (unsigned step = 0; step < 60000; step++) {
		uint32_t k = rnd_below(&rnd, KEYS);
		struct mcr_group_key key = key_of(k);

		if (rnd_below(&rnd, 3)) {
			uint32_t tag = 1 + rnd_below(&rnd, 60000);

			assert_int_equal(mcr_table_set(t, &key, tagged_list(tag)), 0);
			model[k] = tag;
		} else {
			assert_int_equal(mcr_table_del(t, &key), model[k] ? 0 : -ENOENT);
			model[k] = 0;
		}
		if (rnd_below(&rnd, 3) == 0)
			mcr_reclaim_poll(r);
		if (step % 5000 == 0)
			check_all(t, model);
	}
	check_all(t, model);
	mcr_table_free(t);
	mcr_reclaim_free(r);
}

/* Full means refuse; the refused list is freed, what was there stays; freed room is room again. */
static void
full_table_refuses(void **state)
{
	struct mcr_reclaim *r = mcr_reclaim_create(1);
	struct mcr_table *t = table_of(100, r);
	struct mcr_group_key key;

	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		for (uint32_t k = 0; k < 100; k++) {
			key = key_of(k);
			assert_int_equal(mcr_table_set(t, &key, tagged_list(k + 1)), 0);
		}
		key = key_of(100);
		assert_int_equal(mcr_table_set(t, &key, tagged_list(7)), -ENOSPC);
		key = key_of(3);
		assert_int_equal(mcr_table_set(t, &key, tagged_list(8)), 0);
		assert_int_equal(tag_of(mcr_table_find(t, &key)->list), 8);
		for (uint32_t k = 0; k < 100; k++) {
			key = key_of(k);
			assert_int_equal(mcr_table_del(t, &key), 0);
		}
		assert_int_equal(mcr_table_count(t), 0);
		mcr_reclaim_poll(r);
	}
	mcr_table_free(t);
	mcr_reclaim_free(r);
}

/* Keys that wait for the grace period do not take the room of new ones. */
static void
room_for_deleted_keys(void **state)
{
	struct mcr_reclaim *r = mcr_reclaim_create(1);
	struct mcr_table *t = table_of(200, r);
	struct mcr_group_key key;

	(void)state;
	assert_int_equal(mcr_reclaim_reader_add(r, 0), 0);
	mcr_reclaim_online(r, 0);
	for (uint32_t k = 0; k < 300; k++) {
		if (k >= 200) {
			key = key_of(k - 200);
			assert_int_equal(mcr_table_del(t, &key), 0);
		}
		key = key_of(k);
		assert_int_equal(mcr_table_set(t, &key, tagged_list(k + 1)), 0);
		assert_int_equal(mcr_reclaim_poll(r), k >= 200 ? k - 199 : 0);
	}
	mcr_reclaim_quiescent(r, 0);
	assert_int_equal(mcr_reclaim_poll(r), 0);
	mcr_reclaim_offline(r, 0);
	mcr_table_free(t);
	mcr_reclaim_free(r);
}

/* Counters belong to the entry, not to its list; senders of all workers are merged. */
static void
counters_survive_a_new_list(void **state)
{
	struct mcr_reclaim *r = mcr_reclaim_create(1);
	struct mcr_table *t = table_of(10, r);
	struct mcr_group_key key = key_of(1);
	struct mcr_group_stat sum;
	struct mcr_group_source source[8];
	struct mcr_entry *e;

	(void)state;
	assert_int_equal(mcr_table_set(t, &key, tagged_list(1)), 0);
	e = mcr_table_find(t, &key);
	for (unsigned w = 0; w < 2; w++) {
		e->stat[w].in_packets = 10 + w;
		e->stat[w].out_bytes = 100;
		for (unsigned k = 0; k < 3; k++)
			e->stat[w].source[k] = (struct mcr_group_source){
				.addr = mcr_addr_v4(htonl(0x0a000001 + k + w)),
				.packets = 5,
				.bytes = 50,
				.last_tsc = 1 + w,
				.port = w};
	}
	assert_int_equal(mcr_table_set(t, &key, tagged_list(2)), 0);
	assert_ptr_equal(mcr_table_find(t, &key), e);
	assert_int_equal(mcr_entry_stat_sum(t, e, &sum, source, 8), 4);
	assert_int_equal(sum.in_packets, 21);
	assert_int_equal(sum.out_bytes, 200);
	for (unsigned k = 0; k < 4; k++) {
		bool is_both = k == 1 || k == 2;

		assert_int_equal(source[k].packets, is_both ? 10 : 5);
		assert_int_equal(source[k].last_tsc, k ? 2 : 1);
		assert_int_equal(source[k].port, k ? 1 : 0);
	}
	assert_int_equal(mcr_entry_stat_sum(t, e, &sum, source, 2), 2);
	mcr_table_free(t);
	mcr_reclaim_free(r);
}

/* Sums start at 0 while the counters go on; a slot with a new sender counts from its own start. */
static void
clear_keeps_the_counters(void **state)
{
	struct mcr_reclaim *r = mcr_reclaim_create(1);
	struct mcr_table *t = table_of(10, r);
	struct mcr_group_key key = key_of(1);
	struct mcr_addr old = mcr_addr_v4(htonl(0x0a000001)), new = mcr_addr_v4(htonl(0x0a000002));
	struct mcr_group_stat sum;
	struct mcr_group_source source[8];
	struct mcr_entry *e;

	(void)state;
	assert_int_equal(mcr_table_set(t, &key, tagged_list(1)), 0);
	e = mcr_table_find(t, &key);
	for (unsigned w = 0; w < 2; w++)
		e->stat[w] = (struct mcr_group_stat){.in_packets = 7,
			.in_bytes = 700,
			.out_packets = 14,
			.out_bytes = 1400,
			.drops = 1,
			.source[0] = {.addr = old, .packets = 7, .bytes = 700}};
	for (unsigned again = 0; again < 2; again++) {
		assert_int_equal(mcr_table_clear_stat(t), 0);
		assert_int_equal(mcr_entry_stat_sum(t, e, &sum, source, 8), 0);
		assert_int_equal(sum.in_packets + sum.in_bytes + sum.drops, 0);
		assert_int_equal(sum.out_packets + sum.out_bytes, 0);
	}
	assert_int_equal(e->stat[0].in_packets, 7);

	e->stat[0].in_packets += 3;
	e->stat[0].source[0].packets += 3;
	e->stat[1].source[0] = (struct mcr_group_source){.addr = new, .packets = 2, .bytes = 200};
	assert_int_equal(mcr_entry_stat_sum(t, e, &sum, source, 8), 2);
	assert_int_equal(sum.in_packets, 3);
	assert_int_equal(source[0].packets, 3);
	assert_int_equal(source[0].bytes, 0);
	assert_true(mcr_addr_eq(&source[1].addr, &new));
	assert_int_equal(source[1].packets, 2);
	assert_int_equal(source[1].bytes, 200);
	mcr_table_free(t);
	mcr_reclaim_free(r);
}

/* --- R18: readers beside the writer ----------------------------------------------------------- */

#define HOT_KEYS 64

struct reader {
	struct mcr_table *table;
	struct mcr_reclaim *reclaim;
	atomic_bool *must_stop;
	unsigned id;
	uint64_t lookups, hits;
};

static void *
read_on(void *arg)
{
	struct reader *me = arg;
	uint64_t x = me->id + 1;

	mcr_reclaim_online(me->reclaim, me->id);
	while (!atomic_load(me->must_stop)) {
		struct mcr_group_key key[32];
		const struct mcr_group_key *keys[32];
		struct mcr_entry *entry[32];

		for (unsigned i = 0; i < 32; i++) {
			x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
			key[i] = key_of((x >> 40) % HOT_KEYS);
			keys[i] = &key[i];
		}
		me->hits += mcr_table_lookup_bulk(me->table, keys, 32, entry);
		me->lookups += 32;
		for (unsigned i = 0; i < 32; i++) {
			if (!entry[i])
				continue;
			if (x % 3 == 0)
				sched_yield();
			tag_of(atomic_load_explicit(&entry[i]->list, memory_order_acquire));
			/* The entry is that of the key, also when the position was used again. */
			if (memcmp(&entry[i]->key, &key[i], sizeof(key[i])))
				abort();
		}
		mcr_reclaim_quiescent(me->reclaim, me->id);
	}
	mcr_reclaim_offline(me->reclaim, me->id);
	return NULL;
}

static void
r18_readers_beside_a_writer(void **state)
{
	struct mcr_reclaim *r = mcr_reclaim_create(2);
	struct mcr_table *t = table_of(HOT_KEYS, r);
	atomic_bool must_stop = false;
	struct reader reader[2];
	pthread_t thread[2];
	uint64_t updates = 0;

	(void)state;
	/* Freed memory changes at once: a reader that still looks at it notices. */
	mallopt(M_PERTURB, 0xa5);
	for (unsigned i = 0; i < 2; i++) {
		reader[i] =
			(struct reader){.table = t, .reclaim = r, .must_stop = &must_stop, .id = i};
		assert_int_equal(mcr_reclaim_reader_add(r, i), 0);
		assert_int_equal(pthread_create(&thread[i], NULL, read_on, &reader[i]), 0);
	}
	while (updates < 30000) {
		struct mcr_group_key key = key_of(rnd_below(&rnd, HOT_KEYS));

		if (rnd_below(&rnd, 3) == 0)
			mcr_table_del(t, &key);
		else if (mcr_table_set(t, &key, tagged_list(1 + rnd_below(&rnd, 60000))))
			sched_yield(); /* full of keys that wait for the readers */
		else
			updates++;
		mcr_reclaim_poll(r);
	}
	atomic_store(&must_stop, true);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(thread[i], NULL), 0);
		assert_true(reader[i].lookups > 0 && reader[i].hits > 0);
	}
	assert_int_equal(mcr_reclaim_poll(r), 0);
	mcr_table_free(t);
	mcr_reclaim_free(r);
	mallopt(M_PERTURB, 0);
}

/* --- T26: chosen keys --------------------------------------------------------------------------
 */

#define CHOSEN 100000
#define BUCKETS 16384

/* The work of looking up all keys, in entries of their buckets that must be passed. */
static uint64_t
cost_of(const struct mcr_hash_secret *secret, void (*choose)(uint32_t i, struct mcr_group_key *key))
{
	static uint32_t load[BUCKETS];
	uint64_t cost = 0;

	memset(load, 0, sizeof(load));
	for (uint32_t i = 0; i < CHOSEN; i++) {
		struct mcr_group_key key = {.segment = 1};

		choose(i, &key);
		load[mcr_group_hash(secret, &key) % BUCKETS]++;
	}
	for (uint32_t b = 0; b < BUCKETS; b++)
		cost += (uint64_t)load[b] * load[b];
	return cost;
}

static void
choose_random(uint32_t i, struct mcr_group_key *key)
{
	(void)i;
	key->group = mcr_addr_v4((uint32_t)rnd_next(&rnd));
	key->source = mcr_addr_v4((uint32_t)rnd_next(&rnd));
}

static void
choose_in_a_row(uint32_t i, struct mcr_group_key *key)
{
	key->group = mcr_addr_v4(htonl(0xe8000000 + i));
}

static void
choose_high_bits(uint32_t i, struct mcr_group_key *key)
{
	key->group = mcr_addr_v4(htonl(0xe0000000 | i << 11));
	key->source = mcr_addr_v4(htonl(i >> 17 << 24 | 0x0a000001));
}

/* Multiples of the CRC-32C polynomial: under CRC, whatever its start value, all of them collide. */
static void
choose_crc_collisions(uint32_t i, struct mcr_group_key *key)
{
	const uint64_t poly = UINT64_C(0x11edc6f41);
	uint64_t product = 0;

	for (unsigned bit = 0; bit < 17; bit++)
		if (i >> bit & 1)
			product ^= poly << bit;
	memcpy(&key->source.b[8], &product, 8);
	key->group = mcr_addr_v4(htonl(0xe8000001));
}

static void
t26_chosen_keys_cost_no_more_than_random_ones(void **state)
{
	static void (*const choose[])(uint32_t i, struct mcr_group_key * key) = {
		choose_in_a_row, choose_high_bits, choose_crc_collisions};
	struct mcr_hash_secret secret;

	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		uint64_t usual;

		for (unsigned i = 0; i < MCR_HASH_WORDS + 1; i++)
			secret.m[i] = rnd_next(&rnd);
		usual = cost_of(&secret, choose_random);
		for (unsigned k = 0; k < sizeof(choose) / sizeof(choose[0]); k++)
			assert_true(cost_of(&secret, choose[k]) <= 2 * usual);
	}
}

/* Keys that collide under one secret do not under another: nothing can be learned at home. */
static void
t26_secrets_differ(void **state)
{
	struct mcr_hash_secret a, b;
	unsigned both = 0, one = 0;

	(void)state;
	for (unsigned i = 0; i < MCR_HASH_WORDS + 1; i++) {
		a.m[i] = rnd_next(&rnd);
		b.m[i] = rnd_next(&rnd);
	}
	for (uint32_t i = 0; i < 1000000; i++) {
		struct mcr_group_key x = {0}, y = {0};

		choose_random(i, &x);
		choose_random(i, &y);
		if ((mcr_group_hash(&a, &x) ^ mcr_group_hash(&a, &y)) & 0xff)
			continue;
		one++;
		both += ((mcr_group_hash(&b, &x) ^ mcr_group_hash(&b, &y)) & 0xff) == 0;
	}
	assert_in_range(one, 3000, 5000); /* a million / 256 */
	assert_in_range(both, 0, 60);     /* that / 256 */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations_against_a_model),
		cmocka_unit_test(full_table_refuses),
		cmocka_unit_test(room_for_deleted_keys),
		cmocka_unit_test(counters_survive_a_new_list),
		cmocka_unit_test(clear_keeps_the_counters),
		cmocka_unit_test(r18_readers_beside_a_writer),
		cmocka_unit_test(t26_chosen_keys_cost_no_more_than_random_ones),
		cmocka_unit_test(t26_secrets_differ),
	};
	char arg[][24] = {"test", "--no-huge", "-m", "64", "--no-pci", "--no-telemetry",
		"--no-shconf", "-l", "0", "--log-level=error"};
	char *argv[10];

	for (unsigned i = 0; i < 10; i++)
		argv[i] = arg[i];
	if (rte_eal_init(10, argv) < 0)
		return 77;
	rnd = rnd_init("group table");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
