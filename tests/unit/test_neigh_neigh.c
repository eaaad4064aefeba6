/* SPDX-License-Identifier: BSD-3-Clause */
#include "neigh/neigh.h"
#include "pkt/arp.h"
#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * One uplink (port 0) of ours with 192.0.2.1/24 and 198.51.100.1/24, on a clock that stands still.
 * What the module sends, says and releases is recorded.
 */
#define PORT 0
#define MAX_RECORDS 64

static struct mcr_clock clock_;
static struct mcr_timers *timers;
static struct mcr_neigh *neigh;

static const struct mcr_mac our_mac = {{0x02, 0, 0, 0, 0, 0x01}};
static const struct mcr_mac peer_mac = {{0x02, 0, 0, 0, 0, 0x10}};
static const struct mcr_mac other_mac = {{0x02, 0, 0, 0, 0, 0x11}};
static const struct mcr_mac broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

static struct {
	uint8_t port;
	struct mcr_mac eth_dst;
	struct mcr_arp arp;
	uint64_t at_ns;
} sent[MAX_RECORDS];
static unsigned n_sent;

static struct {
	enum mcr_neigh_state state;
	bool has_mac;
	struct mcr_mac mac;
	struct mcr_addr addr;
} said[MAX_RECORDS];
static unsigned n_said;

static struct {
	void *packet;
	bool has_mac;
	struct mcr_mac mac;
} released[MAX_RECORDS];
static unsigned n_released;

static void (*in_changed)(const struct mcr_addr *addr); /* what a user does in the callback */

static struct mcr_addr
ip(const char *text)
{
	struct mcr_addr a = mcr_addr_any;

	if (mcr_addr_parse(text, &a) != 0)
		fail_msg("not an address: %s", text);
	return a;
}

static bool
is(const struct mcr_addr *a, const char *text)
{
	struct mcr_addr b = ip(text);

	return mcr_addr_eq(a, &b);
}

static void
on_send(void *arg, uint8_t port, const uint8_t *frame, uint32_t len)
{
	assert_ptr_equal(arg, &clock_);
	assert_int_equal(len, MCR_ARP_FRAME_LEN);
	assert_true(n_sent < MAX_RECORDS);
	sent[n_sent].port = port;
	memcpy(&sent[n_sent].eth_dst, frame, 6);
	assert_memory_equal(frame + 6, &our_mac, 6);
	assert_int_equal(mcr_arp_parse(frame + 14, len - 14, &sent[n_sent].arp), 0);
	sent[n_sent++].at_ns = mcr_clock_now(&clock_);
}

static void
on_changed(void *arg, uint8_t port, const struct mcr_addr *addr, enum mcr_neigh_state state,
	const struct mcr_mac *mac)
{
	assert_int_equal(port, PORT);
	assert_true(n_said < MAX_RECORDS);
	said[n_said].state = state;
	said[n_said].addr = *addr;
	said[n_said].has_mac = mac != NULL;
	if (mac != NULL)
		said[n_said].mac = *mac;
	n_said++;
	if (in_changed != NULL)
		in_changed(addr);
}

static void
on_release(void *arg, uint8_t port, void *packet, const struct mcr_mac *mac)
{
	assert_true(n_released < MAX_RECORDS);
	released[n_released].packet = packet;
	released[n_released].has_mac = mac != NULL;
	if (mac != NULL)
		released[n_released].mac = *mac;
	n_released++;
}

static void
forget_records(void)
{
	n_sent = n_said = n_released = 0;
}

static struct mcr_prefix own[2];

static int
setup(void **state)
{
	static const struct mcr_neigh_ops ops = {on_send, on_changed, on_release};

	forget_records();
	in_changed = NULL;
	mcr_clock_init_fake(&clock_, 1000 * MCR_NS_PER_S);
	timers = mcr_timers_create(&clock_);
	neigh = mcr_neigh_create(timers, &ops, &clock_);
	assert_int_equal(mcr_prefix_parse("192.0.2.1/24", &own[0]), 0);
	assert_int_equal(mcr_prefix_parse("198.51.100.1/24", &own[1]), 0);
	return mcr_neigh_set_port(neigh, PORT, &our_mac, own, 2);
}

static int
teardown(void **state)
{
	mcr_neigh_free(neigh);
	assert_int_equal(mcr_timers_next(timers), UINT64_MAX);
	mcr_timers_free(timers);
	return 0;
}

static void
pass(unsigned ms)
{
	mcr_timers_warp(timers, ms * MCR_NS_PER_MS);
}

/* Somebody's ARP message comes in. */
static void
hear(unsigned op, const struct mcr_mac *mac, const char *sender, const char *target)
{
	struct mcr_arp a = {
		.op = op, .sender_mac = *mac, .sender = ip(sender), .target = ip(target)};
	uint8_t frame[MCR_ARP_FRAME_LEN];
	uint32_t len = mcr_arp_write(frame, &our_mac, &a);

	mcr_neigh_input(neigh, PORT, frame, len, 14);
}

static enum mcr_neigh_state
state_of(const char *addr)
{
	struct mcr_addr a = ip(addr);
	struct mcr_neigh_info info;

	if (!mcr_neigh_find(neigh, PORT, &a, &info))
		fail_msg("%s is not known", addr);
	return info.state;
}

static unsigned
count(void)
{
	struct mcr_neigh_info info;
	uint32_t cursor = 0;
	unsigned n = 0;

	while (mcr_neigh_next(neigh, &cursor, &info))
		n++;
	return n;
}

static void
want(const char *addr)
{
	struct mcr_addr a = ip(addr);

	assert_int_equal(mcr_neigh_want(neigh, PORT, &a), 0);
}

static void
unwant(const char *addr)
{
	struct mcr_addr a = ip(addr);

	mcr_neigh_unwant(neigh, PORT, &a);
}

static void
queue(const char *addr, uintptr_t packet)
{
	struct mcr_addr a = ip(addr);

	mcr_neigh_queue(neigh, PORT, &a, (void *)packet);
}

static void
v16_asks_at_once_then_once_a_second(void **state)
{
	want("192.0.2.10");
	assert_int_equal(n_sent, 1);
	assert_int_equal(sent[0].arp.op, MCR_ARP_REQUEST);
	assert_memory_equal(&sent[0].eth_dst, &broadcast, 6);
	assert_memory_equal(&sent[0].arp.sender_mac, &our_mac, 6);
	assert_true(mcr_addr_eq(&sent[0].arp.sender, &own[0].addr));
	assert_true(is(&sent[0].arp.target, "192.0.2.10"));

	/* Nothing makes it ask faster: neither traffic, nor another user, nor a new start. */
	for (unsigned ms = 0; ms < 5000; ms += 10) {
		struct mcr_addr a = ip("192.0.2.10");

		pass(10);
		want("192.0.2.10");
		queue("192.0.2.10", 1);
		mcr_neigh_clear(neigh);
		mcr_neigh_set_port(neigh, PORT, &our_mac, own, 1 + (ms / 10) % 2);
		n_released = n_said = 0;
		mcr_neigh_unwant(neigh, PORT, &a);
	}
	assert_int_equal(n_sent, 6);
	for (unsigned i = 1; i < n_sent; i++)
		assert_int_equal(sent[i].at_ns - sent[i - 1].at_ns, MCR_NS_PER_S);
	unwant("192.0.2.10");
	assert_int_equal(count(), 0);
}

static void
v16_source_is_of_the_neighbours_network(void **state)
{
	want("198.51.100.9");
	want("203.0.113.9"); /* in no network of ours: the first address */
	assert_true(mcr_addr_eq(&sent[0].arp.sender, &own[1].addr));
	assert_true(mcr_addr_eq(&sent[1].arp.sender, &own[0].addr));
}

static void
v16_three_packets_wait_others_are_not_delayed(void **state)
{
	want("192.0.2.10");
	want("192.0.2.20");
	hear(MCR_ARP_REPLY, &other_mac, "192.0.2.20", "192.0.2.1");
	for (uintptr_t i = 1; i <= 5; i++)
		queue("192.0.2.10", i);
	assert_int_equal(n_released, 2);
	assert_ptr_equal(released[0].packet, 4);
	assert_false(released[0].has_mac);
	assert_int_equal(mcr_neigh_stat(neigh)->queue_drops, 2);
	queue("192.0.2.20", 9);
	assert_int_equal(n_released, 3);
	assert_true(released[2].has_mac);

	forget_records();
	hear(MCR_ARP_REPLY, &peer_mac, "192.0.2.10", "192.0.2.1");
	assert_int_equal(n_released, 3);
	for (uintptr_t i = 0; i < 3; i++) {
		assert_ptr_equal(released[i].packet, i + 1);
		assert_memory_equal(&released[i].mac, &peer_mac, 6);
	}
	queue("192.0.2.99", 7); /* nobody wants it */
	assert_false(released[3].has_mac);
	assert_int_equal(mcr_neigh_stat(neigh)->queue_drops, 3);
}

static void
v17_answers_for_own_addresses_only(void **state)
{
	hear(MCR_ARP_REQUEST, &peer_mac, "192.0.2.10", "192.0.2.1");
	assert_int_equal(n_sent, 1);
	assert_memory_equal(&sent[0].eth_dst, &peer_mac, 6);
	assert_int_equal(sent[0].arp.op, MCR_ARP_REPLY);
	assert_memory_equal(&sent[0].arp.sender_mac, &our_mac, 6);
	assert_memory_equal(&sent[0].arp.target_mac, &peer_mac, 6);
	assert_true(mcr_addr_eq(&sent[0].arp.sender, &own[0].addr));
	assert_true(is(&sent[0].arp.target, "192.0.2.10"));

	hear(MCR_ARP_REQUEST, &peer_mac, "192.0.2.10", "192.0.2.2");
	hear(MCR_ARP_REQUEST, &peer_mac, "192.0.2.10", "192.0.2.10");
	assert_int_equal(n_sent, 1);
	hear(MCR_ARP_REQUEST, &peer_mac, "0.0.0.0", "198.51.100.1"); /* a probe: RFC 5227 */
	assert_int_equal(n_sent, 2);
	assert_int_equal(count(), 0);
	assert_int_equal(mcr_neigh_stat(neigh)->requests_in, 4);
	assert_int_equal(mcr_neigh_stat(neigh)->replies_out, 2);
	assert_int_equal(mcr_neigh_stat(neigh)->ignored, 2);

	/* Another port has no such address; no port answers after it is gone. */
	mcr_neigh_set_port(neigh, PORT, NULL, NULL, 0);
	hear(MCR_ARP_REQUEST, &peer_mac, "192.0.2.10", "192.0.2.1");
	assert_int_equal(n_sent, 2);
}

static void
v17_own_address_of_another_is_a_conflict(void **state)
{
	want("192.0.2.10");
	forget_records();
	hear(MCR_ARP_REQUEST, &other_mac, "192.0.2.1", "192.0.2.1");
	hear(MCR_ARP_REPLY, &other_mac, "192.0.2.1", "192.0.2.10");
	hear(MCR_ARP_REQUEST, &other_mac, "198.51.100.1", "192.0.2.1");
	assert_int_equal(mcr_neigh_stat(neigh)->conflicts, 3);
	assert_int_equal(n_sent + n_said, 0);
	assert_int_equal(count(), 1);

	/* Our own frame that came back. */
	hear(MCR_ARP_REQUEST, &our_mac, "192.0.2.1", "192.0.2.10");
	assert_int_equal(mcr_neigh_stat(neigh)->conflicts, 3);
	assert_int_equal(n_sent, 0);
}

static void
v17_malformed_is_dropped(void **state)
{
	static const struct {
		unsigned offset;
		uint8_t value;
	} row[] = {
		{14 + 1, 2},  /* hardware type */
		{14 + 2, 9},  /* protocol */
		{14 + 4, 5},  /* hardware length */
		{14 + 5, 16}, /* protocol length */
		{14 + 8, 1},  /* sender is a multicast MAC */
	};
	struct mcr_arp a = {.op = MCR_ARP_REPLY,
		.sender_mac = peer_mac,
		.sender = ip("192.0.2.10"),
		.target = ip("192.0.2.1")};
	uint8_t good[MCR_ARP_FRAME_LEN], frame[MCR_ARP_FRAME_LEN];
	uint64_t n = 0;

	want("192.0.2.10");
	mcr_arp_write(good, &our_mac, &a);
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		memcpy(frame, good, sizeof(frame));
		frame[row[i].offset] = row[i].value;
		mcr_neigh_input(neigh, PORT, frame, sizeof(frame), 14);
		assert_int_equal(mcr_neigh_stat(neigh)->malformed, ++n);
	}
	memcpy(frame, good, sizeof(frame));
	memset(frame + 14 + 8, 0, 6);
	mcr_neigh_input(neigh, PORT, frame, sizeof(frame), 14);
	assert_int_equal(mcr_neigh_stat(neigh)->malformed, ++n);
	/* Each short length, in memory of exactly that size: the sanitizer sees a read behind it.
	 */
	for (uint32_t len = 0; len < 14 + 28; len++) {
		uint8_t *cut = malloc(len + 1);

		memcpy(cut, good, len);
		mcr_neigh_input(neigh, PORT, cut, len, 14);
		free(cut);
	}
	assert_int_equal(mcr_neigh_stat(neigh)->malformed, n + 14 + 28);
	assert_int_equal(state_of("192.0.2.10"), MCR_NEIGH_PENDING);
	assert_int_equal(n_said, 0);
	mcr_neigh_input(neigh, PORT, good, sizeof(good), 14);
	assert_int_equal(state_of("192.0.2.10"), MCR_NEIGH_UP);
}

static void
v17_vlan_tag_is_not_ours(void **state)
{
	struct mcr_arp a = {.op = MCR_ARP_REPLY,
		.sender_mac = peer_mac,
		.sender = ip("192.0.2.10"),
		.target = ip("192.0.2.1")};
	uint8_t plain[MCR_ARP_FRAME_LEN], tagged[MCR_ARP_FRAME_LEN + 4];

	want("192.0.2.10");
	mcr_arp_write(plain, &our_mac, &a);
	memcpy(tagged, plain, 12);
	memcpy(tagged + 12, "\x81\x00\x60\x05", 4);
	memcpy(tagged + 16, plain + 12, sizeof(plain) - 12);
	mcr_neigh_input(neigh, PORT, tagged, sizeof(tagged), 18);
	assert_int_equal(state_of("192.0.2.10"), MCR_NEIGH_PENDING);
	assert_int_equal(mcr_neigh_stat(neigh)->ignored, 1);
	tagged[15] = 0; /* a priority tag: no VLAN */
	mcr_neigh_input(neigh, PORT, tagged, sizeof(tagged), 18);
	assert_int_equal(state_of("192.0.2.10"), MCR_NEIGH_UP);
}

static void
v17_gratuitous_updates_a_known_entry(void **state)
{
	want("192.0.2.10");
	hear(MCR_ARP_REPLY, &peer_mac, "192.0.2.10", "192.0.2.1");
	forget_records();
	hear(MCR_ARP_REQUEST, &other_mac, "192.0.2.10", "192.0.2.10");
	assert_int_equal(n_said, 1);
	assert_int_equal(said[0].state, MCR_NEIGH_UP);
	assert_memory_equal(&said[0].mac, &other_mac, 6);
	hear(MCR_ARP_REPLY, &peer_mac, "192.0.2.10", "192.0.2.10");
	assert_int_equal(n_said, 2);
	assert_memory_equal(&said[1].mac, &peer_mac, 6);
	/* The same once more is no news. */
	hear(MCR_ARP_REPLY, &peer_mac, "192.0.2.10", "192.0.2.10");
	assert_int_equal(n_said, 2);
	/* Nobody wants this one. */
	hear(MCR_ARP_REPLY, &peer_mac, "192.0.2.11", "192.0.2.11");
	assert_int_equal(count(), 1);
	assert_int_equal(n_sent, 0);
}

static void
v17_unsolicited_reply_only_while_pending(void **state)
{
	want("192.0.2.10");
	hear(MCR_ARP_REPLY, &peer_mac, "192.0.2.10", "192.0.2.77"); /* an answer to another */
	assert_int_equal(state_of("192.0.2.10"), MCR_NEIGH_PENDING);
	hear(MCR_ARP_REPLY, &peer_mac, "192.0.2.10", "192.0.2.1");
	assert_int_equal(state_of("192.0.2.10"), MCR_NEIGH_UP);
	forget_records();
	hear(MCR_ARP_REPLY, &other_mac, "192.0.2.10", "192.0.2.1");
	assert_int_equal(n_said, 0);
	assert_int_equal(mcr_neigh_stat(neigh)->ignored, 2);
	/* Asked again after ten seconds, an answer counts again. */
	pass(10000);
	assert_int_equal(n_sent, 1);
	hear(MCR_ARP_REPLY, &other_mac, "192.0.2.10", "192.0.2.1");
	assert_int_equal(n_said, 1);
	assert_memory_equal(&said[0].mac, &other_mac, 6);
}

/* A question of a neighbour that we want tells its MAC as well (RFC 826). */
static void
v17_request_of_a_wanted_neighbour_is_learned(void **state)
{
	want("192.0.2.10");
	forget_records();
	hear(MCR_ARP_REQUEST, &peer_mac, "192.0.2.10", "192.0.2.1");
	assert_int_equal(n_sent, 1);
	assert_int_equal(state_of("192.0.2.10"), MCR_NEIGH_UP);
}

static void
t17_three_unanswered_requests_make_it_down(void **state)
{
	want("192.0.2.10");
	queue("192.0.2.10", 1);
	pass(2999);
	assert_int_equal(n_sent, 3);
	assert_int_equal(state_of("192.0.2.10"), MCR_NEIGH_PENDING);
	pass(1);
	assert_int_equal(state_of("192.0.2.10"), MCR_NEIGH_DOWN);
	assert_int_equal(n_said, 1);
	assert_int_equal(said[0].state, MCR_NEIGH_DOWN);
	assert_false(said[0].has_mac);
	assert_int_equal(n_released, 1);
	assert_false(released[0].has_mac);
	queue("192.0.2.10", 2);
	assert_int_equal(n_released, 2);

	/* It is asked on, once a second, for ever; the first answer brings it back. */
	forget_records();
	pass(20000);
	assert_int_equal(n_sent, 20);
	assert_int_equal(n_said, 0);
	hear(MCR_ARP_REPLY, &peer_mac, "192.0.2.10", "192.0.2.1");
	assert_int_equal(n_said, 1);
	assert_int_equal(said[0].state, MCR_NEIGH_UP);
	assert_memory_equal(&said[0].mac, &peer_mac, 6);
}

static void
t17_watched_neighbour_that_falls_silent(void **state)
{
	want("192.0.2.10");
	want("192.0.2.20");
	hear(MCR_ARP_REPLY, &peer_mac, "192.0.2.10", "192.0.2.1");
	hear(MCR_ARP_REPLY, &other_mac, "192.0.2.20", "192.0.2.1");
	forget_records();
	pass(9999);
	assert_int_equal(n_sent, 0);
	pass(1);
	assert_int_equal(n_sent, 2);
	/* The first question goes to it alone, the next ones to all: its MAC may be a new one. */
	assert_memory_equal(&sent[0].eth_dst, &peer_mac, 6);
	hear(MCR_ARP_REPLY, &other_mac, "192.0.2.20", "192.0.2.1");
	pass(2999);
	assert_int_equal(n_sent, 4);
	assert_memory_equal(&sent[2].eth_dst, &broadcast, 6);
	assert_int_equal(n_said, 0);
	pass(1);
	assert_int_equal(n_said, 1);
	assert_int_equal(said[0].state, MCR_NEIGH_DOWN);
	assert_true(is(&said[0].addr, "192.0.2.10"));
	assert_int_equal(state_of("192.0.2.20"), MCR_NEIGH_UP);

	/* Ages are of the last answer. */
	struct mcr_addr a = ip("192.0.2.20");
	struct mcr_neigh_info info;

	assert_true(mcr_neigh_find(neigh, PORT, &a, &info));
	assert_int_equal(info.age_s, 3);
	assert_int_equal(info.wanted, 1);
}

/* Under the test clock nobody can answer in time: one question of each warp counts. */
static void
t17_warped_clock_cuts_nobody_off(void **state)
{
	want("192.0.2.10");
	hear(MCR_ARP_REPLY, &peer_mac, "192.0.2.10", "192.0.2.1");
	forget_records();
	mcr_neigh_hold(neigh, true);
	pass(20000);
	mcr_neigh_hold(neigh, false);
	assert_int_equal(n_sent, 11); /* asked on, once a second */
	assert_int_equal(n_said, 0);
	hear(MCR_ARP_REPLY, &peer_mac, "192.0.2.10", "192.0.2.1");
	forget_records();

	/* Three warps without an answer, and the fourth has it down. */
	for (unsigned i = 0; i < 3; i++) {
		mcr_neigh_hold(neigh, true);
		pass(20000);
		mcr_neigh_hold(neigh, false);
		assert_int_equal(n_said, 0);
		n_sent = 0;
	}
	mcr_neigh_hold(neigh, true);
	pass(1000);
	mcr_neigh_hold(neigh, false);
	assert_int_equal(n_said, 1);
	assert_int_equal(said[0].state, MCR_NEIGH_DOWN);
}

static void
v22_static_is_never_replaced(void **state)
{
	struct mcr_addr a = ip("192.0.2.10");

	assert_int_equal(mcr_neigh_set_static(neigh, PORT, &a, &peer_mac), 0);
	want("192.0.2.10");
	assert_int_equal(n_sent, 0);
	assert_int_equal(state_of("192.0.2.10"), MCR_NEIGH_STATIC);
	hear(MCR_ARP_REPLY, &other_mac, "192.0.2.10", "192.0.2.1");
	hear(MCR_ARP_REPLY, &other_mac, "192.0.2.10", "192.0.2.10");
	hear(MCR_ARP_REQUEST, &other_mac, "192.0.2.10", "192.0.2.1");
	pass(60000);
	mcr_neigh_clear(neigh);
	assert_int_equal(n_said, 0);
	queue("192.0.2.10", 1);
	assert_memory_equal(&released[0].mac, &peer_mac, 6);

	/* A waiting packet goes when the operator says where. */
	want("192.0.2.20");
	queue("192.0.2.20", 2);
	a = ip("192.0.2.20");
	assert_int_equal(mcr_neigh_set_static(neigh, PORT, &a, &other_mac), 0);
	assert_int_equal(n_released, 2);
	assert_memory_equal(&released[1].mac, &other_mac, 6);
	assert_int_equal(said[n_said - 1].state, MCR_NEIGH_STATIC);

	/* Taken away: asked again, because it is wanted; one that is not is gone. */
	forget_records();
	a = ip("192.0.2.10");
	assert_int_equal(mcr_neigh_set_static(neigh, PORT, &a, NULL), 0);
	assert_int_equal(said[0].state, MCR_NEIGH_PENDING);
	assert_int_equal(n_sent, 1);
	unwant("192.0.2.10");
	unwant("192.0.2.20");
	assert_int_equal(count(), 1);
	a = ip("192.0.2.20");
	assert_int_equal(mcr_neigh_set_static(neigh, PORT, &a, NULL), 0);
	assert_int_equal(count(), 0);
}

/* 100,000 senders that nobody asked leave nothing behind, and the wanted one is served all the
 * same. */
static void
t25_v22_spoofed_senders_fill_nothing(void **state)
{
	struct rnd r = rnd_init("spoofed senders");
	uint8_t frame[MCR_ARP_FRAME_LEN];

	want("192.0.2.10");
	for (unsigned i = 0; i < 100000; i++) {
		uint32_t number = (uint32_t)rnd_next(&r);
		struct mcr_arp a = {.op = 1 + rnd_below(&r, 2),
			.sender_mac = {{0x02, number, number >> 8, number >> 16, i, i >> 8}},
			.sender = mcr_addr_v4(number),
			.target = rnd_below(&r, 2) ? ip("192.0.2.1") : mcr_addr_v4(number)};

		if (is(&a.sender, "192.0.2.10"))
			continue;
		mcr_arp_write(frame, &our_mac, &a);
		mcr_neigh_input(neigh, PORT, frame, sizeof(frame), 14);
		n_sent = 0;
	}
	assert_int_equal(count(), 1);
	assert_int_equal(n_said, 0);
	assert_int_equal(state_of("192.0.2.10"), MCR_NEIGH_PENDING);
	hear(MCR_ARP_REPLY, &peer_mac, "192.0.2.10", "192.0.2.1");
	assert_int_equal(state_of("192.0.2.10"), MCR_NEIGH_UP);
}

static void
port_comes_and_goes(void **state)
{
	want("192.0.2.10");
	hear(MCR_ARP_REPLY, &peer_mac, "192.0.2.10", "192.0.2.1");
	forget_records();
	assert_int_equal(mcr_neigh_set_port(neigh, PORT, NULL, NULL, 0), 0);
	assert_int_equal(said[0].state, MCR_NEIGH_PENDING);
	pass(60000);
	assert_int_equal(n_sent, 0);
	assert_int_equal(mcr_neigh_set_port(neigh, PORT, &our_mac, own, 1), 0);
	assert_int_equal(n_sent, 1);
	hear(MCR_ARP_REPLY, &peer_mac, "192.0.2.10", "192.0.2.1");
	assert_int_equal(state_of("192.0.2.10"), MCR_NEIGH_UP);
	/* The same once more changes nothing. */
	forget_records();
	assert_int_equal(mcr_neigh_set_port(neigh, PORT, &our_mac, own, 1), 0);
	assert_int_equal(n_sent + n_said, 0);
}

static void
unwant_in_callback(const struct mcr_addr *addr)
{
	mcr_neigh_unwant(neigh, PORT, addr);
}

/* Whoever hears that a neighbour is down may give it up at once. */
static void
callback_may_remove_entries(void **state)
{
	char text[32];

	for (unsigned i = 0; i < 8; i++) {
		snprintf(text, sizeof(text), "192.0.2.%u", 10 + i);
		want(text);
	}
	in_changed = unwant_in_callback;
	pass(4000);
	assert_int_equal(n_said, 8);
	assert_int_equal(count(), 0);

	in_changed = NULL;
	for (unsigned i = 0; i < 8; i++) {
		snprintf(text, sizeof(text), "192.0.2.%u", 10 + i);
		want(text);
		hear(MCR_ARP_REPLY, &peer_mac, text, "192.0.2.1");
	}
	in_changed = unwant_in_callback;
	mcr_neigh_clear(neigh);
	assert_int_equal(count(), 0);

	in_changed = NULL;
	for (unsigned i = 0; i < 8; i++) {
		snprintf(text, sizeof(text), "192.0.2.%u", 10 + i);
		want(text);
		hear(MCR_ARP_REPLY, &peer_mac, text, "192.0.2.1");
	}
	in_changed = unwant_in_callback;
	mcr_neigh_set_port(neigh, PORT, NULL, NULL, 0);
	assert_int_equal(count(), 0);
}

static void
ipv6_is_not_there_yet(void **state)
{
	struct mcr_addr a = ip("2001:db8::1");

	assert_int_equal(mcr_neigh_want(neigh, PORT, &a), -EAFNOSUPPORT);
	assert_int_equal(mcr_neigh_set_static(neigh, PORT, &a, &peer_mac), -EAFNOSUPPORT);
	assert_int_equal(count(), 0);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(v16_asks_at_once_then_once_a_second),
		T(v16_source_is_of_the_neighbours_network),
		T(v16_three_packets_wait_others_are_not_delayed),
		T(v17_answers_for_own_addresses_only),
		T(v17_own_address_of_another_is_a_conflict),
		T(v17_malformed_is_dropped),
		T(v17_vlan_tag_is_not_ours),
		T(v17_gratuitous_updates_a_known_entry),
		T(v17_unsolicited_reply_only_while_pending),
		T(v17_request_of_a_wanted_neighbour_is_learned),
		T(t17_three_unanswered_requests_make_it_down),
		T(t17_watched_neighbour_that_falls_silent),
		T(t17_warped_clock_cuts_nobody_off),
		T(v22_static_is_never_replaced),
		T(t25_v22_spoofed_senders_fill_nothing),
		T(port_comes_and_goes),
		T(callback_may_remove_entries),
		T(ipv6_is_not_there_yet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
