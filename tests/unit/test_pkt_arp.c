/* SPDX-License-Identifier: BSD-3-Clause */
/* ARP packets and ICMP echo: what is read, what is written, what is never answered. */
#include "pkt/arp.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>

#include "pkt_rig.h"
#include "random.h"

#define HOST 0xc0000205u
#define OURS 0xc0000201u
#define OUR_MAC 0x020000000001u
#define N(a) (sizeof(a) / sizeof((a)[0]))

static const struct mcr_mac own = {.b = {2, 0, 0, 0, 0, 1}};

static const uint8_t request[28] = {
	0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0xaa, 1, 192, 0, 2, 5, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1};

/* --- ARP ------------------------------------------------------------------------------------- */

static void
v17_request_is_read(void **state)
{
	struct mcr_arp a;
	char text[MCR_ADDR_STRLEN];

	assert_int_equal(mcr_arp_parse(rig_at_edge(request, 28), 28, &a), 0);
	assert_int_equal(a.op, MCR_ARP_REQUEST);
	assert_string_equal(mcr_addr_str(&a.sender, text), "192.0.2.5");
	assert_string_equal(mcr_addr_str(&a.target, text), "192.0.2.1");
	assert_string_equal(mcr_mac_str(&a.sender_mac, text), "02:00:00:00:aa:01");
	assert_string_equal(mcr_mac_str(&a.target_mac, text), "00:00:00:00:00:00");
}

static void
v17_wrong_types_and_lengths(void **state)
{
	struct mcr_arp a;

	/* Hardware, protocol, both address lengths: every bit counts. */
	for (unsigned bit = 0; bit < 48; bit++) {
		uint8_t bad[28];

		memcpy(bad, request, sizeof(bad));
		bad[bit / 8] ^= 1 << bit % 8;
		assert_int_equal(mcr_arp_parse(bad, 28, &a), -EINVAL);
	}
	for (uint32_t len = 0; len < 28; len++)
		assert_int_equal(mcr_arp_parse(rig_at_edge(request, len), len, &a), -EINVAL);
}

static void
v17_written_as_read(void **state)
{
	struct rnd r = rnd_init("arp");
	struct mcr_mac all = {.b = {255, 255, 255, 255, 255, 255}};

	for (unsigned round = 0; round < 1000; round++) {
		uint8_t wire[28], want[MCR_ARP_FRAME_LEN] = {0};
		uint8_t frame[MCR_ARP_FRAME_LEN + 8];
		struct mcr_arp a;

		memcpy(wire, request, 6);
		for (unsigned i = 6; i < 28; i++)
			wire[i] = rnd_next(&r);
		assert_int_equal(mcr_arp_parse(wire, 28, &a), 0);
		memset(frame, 0xc7, sizeof(frame));
		assert_int_equal(mcr_arp_write(frame, &all, &a), 60);
		memcpy(want, all.b, 6);
		memcpy(want + 6, wire + 8, 6);
		rig_set16(want + 12, 0x0806);
		memcpy(want + 14, wire, 28);
		assert_memory_equal(frame, want, 60);
		for (unsigned i = 60; i < sizeof(frame); i++)
			assert_int_equal(frame[i], 0xc7);
	}
}

/* --- ICMP echo ------------------------------------------------------------------------------- */

static void
finish_icmp(struct rig_frame *f)
{
	uint8_t *icmp = f->b + f->l4;
	unsigned n = rig_16(f->b + f->ip + 2) - (f->l4 - f->ip);

	rig_set16(icmp + 2, 0);
	rig_set16(icmp + 2, 0xffff - rig_sum(icmp, n));
}

static void
echo(struct rig_frame *f, unsigned n_tags, unsigned n)
{
	*f = (struct rig_frame){0};
	rig_ethernet(f, OUR_MAC, 0);
	f->len -= 2;
	for (unsigned i = 0; i < n_tags; i++)
		rig_u32(f, (i == 0 && n_tags == 2 ? 0x88a80000u : 0x81000000u) | 77);
	rig_u16(f, 0x0800);
	rig_ipv4(f, HOST, OURS, 1, 20, 0x4000, 8 + n);
	rig_u16(f, 0x0800);
	rig_u16(f, 0);
	rig_u32(f, 0x12340007);
	for (unsigned i = 0; i < n; i++)
		rig_u8(f, i * 5 + 3);
	finish_icmp(f);
}

/* Asked at the edge of memory; on success f becomes the reply. */
static int
ask(struct rig_frame *f)
{
	uint8_t *at = rig_at_edge(f->b, f->len);
	int ret = mcr_icmp_echo_reply(at, f->len, &own);

	if (ret == 0)
		memcpy(f->b, at, f->len);
	else
		assert_memory_equal(at, f->b, f->len);
	return ret;
}

static void
v18_echo_is_answered(void **state)
{
	for (unsigned tags = 0; tags < 3; tags++)
		for (unsigned n = 0; n < 100; n++) {
			struct rig_frame f, want;

			echo(&f, tags, n);
			while (n % 2 && f.len < 60)
				rig_u8(&f, 0xa5); /* Ethernet padding */
			want = f;
			memcpy(want.b, f.b + 6, 6);
			memcpy(want.b + 6, own.b, 6);
			memcpy(want.b + want.ip + 12, f.b + f.ip + 16, 4);
			memcpy(want.b + want.ip + 16, f.b + f.ip + 12, 4);
			want.b[want.ip + 8] = 64;
			rig_fix_ipv4(&want);
			want.b[want.l4] = 0;
			finish_icmp(&want);
			assert_int_equal(ask(&f), 0);
			assert_memory_equal(f.b, want.b, f.len);
		}
}

static void
set32(uint8_t *p, uint32_t v)
{
	rig_set16(p, v >> 16);
	rig_set16(p + 2, v & 0xffff);
}

static void
v18_what_is_never_answered(void **state)
{
	static const struct {
		const char *what;
		int at; /* from the IP header */
		uint32_t value;
		unsigned size;
	} c[] = {
		{"to a group", 16, 0xef010101, 4},
		{"to all hosts", 16, 0xe0000001, 4},
		{"to broadcast", 16, 0xffffffff, 4},
		{"from a group", 12, 0xe0000001, 4},
		{"from broadcast", 12, 0xffffffff, 4},
		{"from loopback", 12, 0x7f000001, 4},
		{"from nobody", 12, 0, 4},
		{"more fragments", 6, 0x2000, 2},
		{"last fragment", 6, 0x0001, 2},
		{"not ICMP", 8, 0x4011, 2},
		{"IPv6", 0, 0x65, 1},
		{"reply", 20, 0, 1},
		{"unreachable", 20, 3, 1},
		{"fragmentation needed", 20, 0x0304, 2},
		{"timestamp", 20, 13, 1},
		{"code 1", 20, 0x0801, 2},
		{"total length above the frame", 2, 29 + 32, 2},
		{"total length below a header", 2, 27, 2},
		{"multicast MAC", -14, 0x01, 1},
		{"broadcast MAC", -14, 0xff, 1},
		{"from a multicast MAC", -8, 0x03, 1},
		{"not IP", -2, 0x0806, 2},
		{"three tags", -2, 0x8100, 2},
	};
	struct rig_frame f;

	for (unsigned i = 0; i < N(c); i++) {
		uint8_t *at;

		echo(&f, 0, 32);
		at = f.b + f.ip + c[i].at;
		if (c[i].size == 1)
			*at = c[i].value;
		else if (c[i].size == 2)
			rig_set16(at, c[i].value);
		else
			set32(at, c[i].value);
		rig_fix_ipv4(&f);
		if (c[i].at == 20)
			finish_icmp(&f);
		if (ask(&f) != -EINVAL)
			fail_msg("answered: %s", c[i].what);
	}
	echo(&f, 0, 32);
	assert_int_equal(ask(&f), 0);
}

static void
v18_options_are_not_answered(void **state)
{
	struct rig_frame f = {0};

	rig_ethernet(&f, OUR_MAC, 0x0800);
	rig_ipv4(&f, HOST, OURS, 1, 24, 0, 8);
	rig_u32(&f, 0x08000000);
	rig_u32(&f, 0x12340007);
	finish_icmp(&f);
	assert_int_equal(ask(&f), -EINVAL);
}

static void
v18_one_wrong_bit(void **state)
{
	struct rig_frame f;
	unsigned answered = 0;

	for (unsigned bit = 0; bit < (20 + 8 + 20) * 8; bit++) {
		echo(&f, 0, 20);
		f.b[f.ip + bit / 8] ^= 1 << bit % 8;
		answered += ask(&f) == 0;
	}
	assert_int_equal(answered, 0);
}

static void
t9_echo_cut_at_every_length(void **state)
{
	for (unsigned tags = 0; tags < 3; tags++) {
		struct rig_frame f;
		uint32_t whole;

		echo(&f, tags, 32);
		whole = f.len;
		for (f.len = 0; f.len < whole; f.len++)
			assert_int_equal(ask(&f), -EINVAL);
		assert_int_equal(ask(&f), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v17_request_is_read),
		cmocka_unit_test(v17_wrong_types_and_lengths),
		cmocka_unit_test(v17_written_as_read),
		cmocka_unit_test(v18_echo_is_answered),
		cmocka_unit_test(v18_what_is_never_answered),
		cmocka_unit_test(v18_options_are_not_answered),
		cmocka_unit_test(v18_one_wrong_bit),
		cmocka_unit_test(t9_echo_cut_at_every_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
