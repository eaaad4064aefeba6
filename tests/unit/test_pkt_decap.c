/* SPDX-License-Identifier: BSD-3-Clause */
/* Tunnel packets: lengths, flags, fragments, options, and the table of RFC 6040. */
#include "pkt/decap.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "pkt/rewrite.h"
#include "pkt_rig.h"
#include "random.h"

#define PEER 0xc0000202u
#define OURS 0xc0000201u
#define N(a) (sizeof(a) / sizeof((a)[0]))

struct outer {
	unsigned ihl, fragment, n_tags;
	unsigned inner;   /* octets behind the VXLAN header */
	int udp_len_diff; /* what the UDP length claims beyond the truth */
	uint32_t word0, word1;
	bool is_v6;
};

static const struct outer good = {.ihl = 20, .inner = 60, .word0 = 0x08000000, .word1 = 42 << 8};

static void
build(struct rig_frame *f, const struct outer *o)
{
	*f = (struct rig_frame){0};
	rig_ethernet(f, 0x020000000001, 0);
	f->len -= 2;
	for (unsigned i = 0; i < o->n_tags; i++)
		rig_u32(f, 0x81000064);
	rig_u16(f, o->is_v6 ? 0x86dd : 0x0800);
	if (o->is_v6)
		rig_ipv6(f, "2001:db8::2", "2001:db8::1", 17, 16 + o->inner);
	else
		rig_ipv4(f, PEER, OURS, 17, o->ihl, o->fragment, 16 + o->inner);
	rig_udp(f, 51234, 4789, 8 + o->inner);
	rig_set16(f->b + f->l4 + 4, 16 + o->inner + o->udp_len_diff);
	rig_set16(f->b + f->l4 + 8, o->word0 >> 16);
	rig_set16(f->b + f->l4 + 10, o->word0 & 0xffff);
	rig_set16(f->b + f->l4 + 12, o->word1 >> 16);
	rig_set16(f->b + f->l4 + 14, o->word1 & 0xffff);
}

static int
decap(const struct rig_frame *f, struct mcr_tunnel *t)
{
	const uint32_t head = f->len < MCR_PARSE_HEAD ? f->len : MCR_PARSE_HEAD;
	const uint8_t *at = rig_at_edge(f->b, head);
	struct mcr_view v;

	memset(&v, 0, sizeof(v));
	memset(t, 0xee, sizeof(*t));
	assert_int_equal(mcr_parse(at, head, f->len, 0, &v), -1);
	assert_int_equal(v.kind, MCR_KIND_UNICAST);
	return mcr_decap_vxlan(at, head, f->len, &v, t);
}

static void
v1_fields_of_a_good_packet(void **state)
{
	for (unsigned i = 0; i < 12; i++) {
		struct outer o = good;
		struct rig_frame f;
		struct mcr_tunnel t;

		o.n_tags = i % 3;
		o.is_v6 = i >= 6;
		o.inner = i & 1 ? 9000 : 60;
		build(&f, &o);
		rig_set16(f.b + f.l4 + 6, 0xabcd);
		assert_int_equal(decap(&f, &t), -1);
		assert_int_equal(t.vni, 42);
		assert_int_equal(t.udp_off, f.l4);
		assert_int_equal(t.udp_len, 16 + o.inner);
		assert_int_equal(t.inner_off, f.l4 + 16);
		assert_int_equal(t.inner_len, o.inner);
		assert_memory_equal(&t.udp_checksum, f.b + f.l4 + 6, 2);
		assert_int_equal(t.outer_ecn, 0);
	}
}

static void
v5_flags_and_reserved_bits(void **state)
{
	struct outer o = good;
	struct rig_frame f;
	struct mcr_tunnel t;

	for (unsigned flags = 0; flags < 256; flags++) {
		o.word0 = flags << 24;
		build(&f, &o);
		assert_int_equal(decap(&f, &t), flags & 8 ? -1 : MCR_DROP_OVERLAY_BAD_FLAGS);
	}
	for (unsigned bit = 0; bit < 32; bit++) {
		o = good;
		if (bit < 24)
			o.word0 |= 1u << bit;
		else
			o.word1 |= 1u << (bit - 24);
		build(&f, &o);
		assert_int_equal(decap(&f, &t), -1);
		assert_int_equal(t.vni, 42);
	}
}

static void
v6_vni_has_24_bits(void **state)
{
	static const uint32_t vnis[] = {0, 1, 0x800000, 0x123456, 0xffffff};

	for (unsigned i = 0; i < N(vnis); i++) {
		struct outer o = good;
		struct rig_frame f;
		struct mcr_tunnel t;

		o.word1 = vnis[i] << 8 | 0xff;
		build(&f, &o);
		assert_int_equal(decap(&f, &t), -1);
		assert_int_equal(t.vni, vnis[i]);
	}
}

static void
v8_udp_lengths(void **state)
{
	for (unsigned len = 0; len <= 100; len++)
		for (unsigned v6 = 0; v6 < 2; v6++) {
			struct outer o = good;
			struct rig_frame f;
			struct mcr_tunnel t;
			int want = -1;

			/* The IP payload has 76 octets. */
			o.is_v6 = v6;
			o.udp_len_diff = (int)len - 76;
			build(&f, &o);
			if (len < 8 || len > 76)
				want = MCR_DROP_OVERLAY_BAD_UDP_LENGTH;
			else if (len < 8 + 8 + 14)
				want = MCR_DROP_OVERLAY_RUNT;
			assert_int_equal(decap(&f, &t), want);
			if (want == -1)
				assert_int_equal(t.inner_len, len - 16);
		}
}

static void
v8_inner_frame_cut_short(void **state)
{
	for (unsigned inner = 0; inner <= 20; inner++) {
		struct outer o = good;
		struct rig_frame f;
		struct mcr_tunnel t;

		o.inner = inner;
		build(&f, &o);
		assert_int_equal(decap(&f, &t), inner < 14 ? MCR_DROP_OVERLAY_RUNT : -1);
		/* Ethernet padding is no inner frame. */
		memset(f.b + f.len, 0x5a, 40);
		f.len += 40;
		assert_int_equal(decap(&f, &t), inner < 14 ? MCR_DROP_OVERLAY_RUNT : -1);
	}
}

static void
v9_outer_fragments(void **state)
{
	static const uint16_t fields[] = {0x2000, 0x2001, 0x0001, 0x1fff, 0x6000};

	for (unsigned i = 0; i < N(fields); i++) {
		struct outer o = good;
		struct rig_frame f;
		struct mcr_tunnel t;

		o.fragment = fields[i];
		build(&f, &o);
		assert_int_equal(decap(&f, &t), MCR_DROP_OVERLAY_FRAGMENT);
	}
}

static void
v9_outer_ipv6_fragment(void **state)
{
	struct rig_frame f = {0};
	struct mcr_tunnel t;

	rig_ethernet(&f, 0x020000000001, 0x86dd);
	rig_ipv6(&f, "2001:db8::2", "2001:db8::1", 44, 8 + 16 + 60);
	rig_u16(&f, 17 << 8);
	rig_u16(&f, 1);
	rig_u32(&f, 99);
	rig_udp(&f, 50000, 4789, 8 + 60);
	assert_int_equal(decap(&f, &t), MCR_DROP_OVERLAY_FRAGMENT);
}

static void
v10_outer_options_and_extensions(void **state)
{
	struct rig_frame f = {0};
	struct mcr_tunnel t;

	for (unsigned ihl = 20; ihl <= 60; ihl += 4) {
		struct outer o = good;

		o.ihl = ihl;
		build(&f, &o);
		assert_int_equal(decap(&f, &t), -1);
		assert_int_equal(t.inner_off, 14 + ihl + 16);
		assert_int_equal(t.vni, 42);
	}
	/* The longest chain, and the tunnel behind it. */
	f = (struct rig_frame){0};
	rig_ethernet(&f, 0x020000000001, 0x86dd);
	rig_ipv6(&f, "2001:db8::2", "2001:db8::1", 60, 256 + 16 + 60);
	rig_u16(&f, 17 << 8 | 31);
	f.len += 254;
	rig_udp(&f, 50000, 4789, 8 + 60);
	f.b[f.l4 + 8] = 0x08;
	rig_set16(f.b + f.l4 + 14, 7 << 8);
	rig_set16(f.b + f.l4 + 12, 0);
	assert_int_equal(decap(&f, &t), -1);
	assert_int_equal(t.inner_off, 14 + 40 + 256 + 16);
	assert_int_equal(t.vni, 7);
}

static void
t9_cut_at_every_length(void **state)
{
	struct rig_frame f;
	struct mcr_view v;
	struct mcr_tunnel t;

	for (unsigned tags = 0; tags < 3; tags++) {
		struct outer o = good;

		o.n_tags = tags;
		build(&f, &o);
		for (uint32_t len = 0; len < f.len; len++) {
			/* The view of the whole frame: the worst a caller can bring. */
			memset(&v, 0, sizeof(v));
			assert_int_equal(mcr_parse(f.b, f.len, f.len, 0, &v), -1);
			const uint8_t *at = rig_at_edge(f.b, len);
			int got = mcr_decap_vxlan(at, len, len, &v, &t);

			assert_int_equal(got == -1, len >= f.l4 + 30);
		}
	}
}

static void
v15_ecn_decap(void **state)
{
	enum { NOT, ECT1, ECT0, CE };
	/* RFC 6040 figure 4, [inner][outer] */
	static const int want[4][4] = {
		[NOT] = {[NOT] = NOT, [ECT0] = NOT, [ECT1] = NOT, [CE] = -1},
		[ECT0] = {[NOT] = ECT0, [ECT0] = ECT0, [ECT1] = ECT1, [CE] = CE},
		[ECT1] = {[NOT] = ECT1, [ECT0] = ECT1, [ECT1] = ECT1, [CE] = CE},
		[CE] = {[NOT] = CE, [ECT0] = CE, [ECT1] = CE, [CE] = CE},
	};

	for (unsigned inner = 0; inner < 4; inner++)
		for (unsigned outer = 0; outer < 4; outer++)
			assert_int_equal(mcr_decap_ecn(inner, outer), want[inner][outer]);
}

static void
v15_outer_ecn_is_read(void **state)
{
	for (unsigned ecn = 0; ecn < 4; ecn++)
		for (unsigned v6 = 0; v6 < 2; v6++) {
			struct outer o = good;
			struct rig_frame f;
			struct mcr_tunnel t;

			o.is_v6 = v6;
			build(&f, &o);
			if (v6) {
				f.b[f.ip + 1] |= ecn << 4;
			} else {
				f.b[f.ip + 1] = 0xb8 | ecn;
				rig_fix_ipv4(&f);
			}
			assert_int_equal(decap(&f, &t), -1);
			assert_int_equal(t.outer_ecn, ecn);
		}
}

/* In place, against a header that is summed anew; all that is not ECN stays. */
static void
v15_ecn_written_with_its_checksum(void **state)
{
	struct rnd r = rnd_init("ecn");

	for (unsigned round = 0; round < 200000; round++) {
		struct rig_frame f = {0}, want;
		unsigned ecn = rnd_below(&r, 4);

		rig_ipv4(&f, rnd_next(&r), rnd_next(&r), rnd_below(&r, 256), 20, 0x4000,
			rnd_below(&r, 1000));
		f.b[1] = rnd_next(&r);
		rig_fix_ipv4(&f);
		want = f;
		want.b[1] = (want.b[1] & 0xfc) | ecn;
		rig_fix_ipv4(&want);
		mcr_decap_set_ecn(f.b, ecn);
		assert_memory_equal(f.b, want.b, 20);
	}
	for (unsigned byte = 0; byte < 256; byte++)
		for (unsigned ecn = 0; ecn < 4; ecn++) {
			struct rig_frame f = {0};
			uint8_t was[40];

			rig_ipv6(&f, "2001:db8::2", "ff0e::1", 17, 100);
			f.b[0] = 0x6a;
			f.b[1] = byte;
			memcpy(was, f.b, 40);
			mcr_decap_set_ecn(f.b, ecn);
			assert_int_equal(f.b[1], (byte & 0xcf) | ecn << 4);
			was[1] = f.b[1];
			assert_memory_equal(f.b, was, 40);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v1_fields_of_a_good_packet),
		cmocka_unit_test(v5_flags_and_reserved_bits),
		cmocka_unit_test(v6_vni_has_24_bits),
		cmocka_unit_test(v8_udp_lengths),
		cmocka_unit_test(v8_inner_frame_cut_short),
		cmocka_unit_test(v9_outer_fragments),
		cmocka_unit_test(v9_outer_ipv6_fragment),
		cmocka_unit_test(v10_outer_options_and_extensions),
		cmocka_unit_test(t9_cut_at_every_length),
		cmocka_unit_test(v15_ecn_decap),
		cmocka_unit_test(v15_outer_ecn_is_read),
		cmocka_unit_test(v15_ecn_written_with_its_checksum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
