/* SPDX-License-Identifier: BSD-3-Clause */
/* Header templates against headers that a naive writer builds from scratch. */
#include "pkt/encap.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>

#include "pkt/parse.h"
#include "pkt_rig.h"
#include "random.h"

#define FILL 0xc7
#define N(a) (sizeof(a) / sizeof((a)[0]))

/* What one call of the writer may touch, with guards around it. */
struct room {
	uint8_t before[16];
	uint8_t scratch[MCR_ENCAP_SCRATCH];
	uint8_t hdr[MCR_ENCAP_ROOM];
	uint8_t after[16];
};

static void
write_header(struct room *room, const struct mcr_encap *e, const struct mcr_vary *v)
{
	uint8_t guard[16];

	memset(guard, FILL, sizeof(guard));
	memset(room, FILL, sizeof(*room));
	mcr_encap_write(room->hdr, e, v);
	assert_memory_equal(room->before, guard, sizeof(guard));
	assert_memory_equal(room->after, guard, sizeof(guard));
}

static struct mcr_addr
random_addr(struct rnd *r, bool is_v4)
{
	uint64_t half[2] = {rnd_next(r), rnd_next(r)};
	struct mcr_addr a;

	if (is_v4)
		return mcr_addr_v4((uint32_t)half[0]);
	memcpy(a.b, half, sizeof(a.b));
	a.b[0] = 0x20;
	return a;
}

static struct mcr_vxlan_param
random_param(struct rnd *r, bool is_v4)
{
	struct mcr_vxlan_param p = {
		.src = random_addr(r, is_v4),
		.dst = random_addr(r, is_v4),
		.udp_port = rnd_below(r, 65536),
		.ttl = 1 + rnd_below(r, 255),
		.tos = rnd_below(r, 64) << 2,
	};

	for (unsigned i = 0; i < 6; i++) {
		p.dst_mac.b[i] = rnd_next(r);
		p.src_mac.b[i] = rnd_next(r);
	}
	return p;
}

static struct mcr_vary
random_vary(struct rnd *r, unsigned payload_len, unsigned ecn)
{
	struct mcr_vary v = {.payload_len = payload_len, .ecn = ecn};

	for (unsigned i = 0; i < 12; i++)
		v.mac[i] = rnd_next(r);
	v.ethertype = rnd_next(r);
	v.sport = mcr_encap_sport(rnd_next(r));
	v.vni = htonl(rnd_below(r, 1 << 24) << 8);
	return v;
}

/* The whole header of a VXLAN copy, field by field. */
static void
naive_vxlan(struct rig_frame *f, const struct mcr_vxlan_param *p, const struct mcr_vary *v)
{
	const bool is_v4 = mcr_addr_is_v4(&p->dst);
	const unsigned udp_len = 8 + 8 + 14 + v->payload_len;
	const unsigned tos = p->tos | v->ecn;

	f->len = 0;
	rig_bytes(f, p->dst_mac.b, 6);
	rig_bytes(f, p->src_mac.b, 6);
	rig_u16(f, is_v4 ? 0x0800 : 0x86dd);
	f->ip = f->len;
	if (is_v4) {
		rig_u8(f, 0x45);
		rig_u8(f, tos);
		rig_u16(f, 20 + udp_len);
		rig_u16(f, 0xffff - (20 + udp_len) - v->ecn);
		rig_u16(f, 0x4000);
		rig_u8(f, p->ttl);
		rig_u8(f, 17);
		rig_u16(f, 0);
		rig_bytes(f, p->src.b + 12, 4);
		rig_bytes(f, p->dst.b + 12, 4);
		rig_fix_ipv4(f);
	} else {
		rig_u8(f, 0x60 | tos >> 4);
		rig_u8(f, (tos & 15) << 4);
		rig_u16(f, 0);
		rig_u16(f, udp_len);
		rig_u8(f, 17);
		rig_u8(f, p->ttl);
		rig_bytes(f, p->src.b, 16);
		rig_bytes(f, p->dst.b, 16);
	}
	rig_bytes(f, &v->sport, 2);
	rig_u16(f, p->udp_port);
	rig_u16(f, udp_len);
	rig_u16(f, 0);
	rig_u32(f, 0x08000000);
	rig_bytes(f, &v->vni, 4);
	rig_bytes(f, v->mac, 12);
	rig_bytes(f, &v->ethertype, 2);
}

static void
compare(const struct mcr_encap *e, const struct mcr_vxlan_param *p, const struct mcr_vary *v)
{
	struct rig_frame want;
	struct room room;

	naive_vxlan(&want, p, v);
	assert_int_equal(e->len, want.len);
	write_header(&room, e, v);
	assert_memory_equal(room.hdr, want.b, want.len);
}

/* The checksum in the template has to be right for all of them. */
static void
v1_v14_every_length_and_ecn(void **state)
{
	struct rnd r = rnd_init("encap lengths");

	for (unsigned family = 4; family <= 6; family += 2) {
		struct mcr_vxlan_param p = random_param(&r, family == 4);
		struct mcr_encap e;

		mcr_encap_vxlan(&e, &p);
		for (unsigned len = 46; len <= 9200; len++) {
			struct mcr_vary v = random_vary(&r, len, len & 3);

			compare(&e, &p, &v);
			v.ecn = 3 - v.ecn;
			compare(&e, &p, &v);
		}
	}
}

static void
v1_v14_random_tunnels(void **state)
{
	struct rnd r = rnd_init("encap tunnels");

	for (unsigned round = 0; round < 20000; round++) {
		struct mcr_vxlan_param p = random_param(&r, rnd_below(&r, 2));
		struct mcr_vary v = random_vary(&r, 20 + rnd_below(&r, 65000), rnd_below(&r, 4));
		struct mcr_encap e;

		mcr_encap_vxlan(&e, &p);
		compare(&e, &p, &v);
	}
}

/* Header sums of 0 and 0xffff are where incremental arithmetic goes wrong. */
static void
v1_checksum_corner_values(void **state)
{
	struct rnd r = rnd_init("encap corners");
	struct mcr_vxlan_param p = random_param(&r, true);
	unsigned zero = 0, most = 0;

	for (unsigned x = 0; x < 65536; x++) {
		struct mcr_vary v = random_vary(&r, 1400, x & 3);
		struct mcr_encap e;

		rig_set16(p.src.b + 14, x);
		mcr_encap_vxlan(&e, &p);
		compare(&e, &p, &v);
		zero += rig_16(e.hdr + 24) == 0;
		most += rig_16(e.hdr + 24) == 0xfffe;
	}
	assert_true(zero > 0);
	assert_true(most > 0);
}

/* What we send is what we accept. */
static void
v1_parse_reads_the_header(void **state)
{
	struct rnd r = rnd_init("encap parse");

	for (unsigned round = 0; round < 2000; round++) {
		struct mcr_vxlan_param p = random_param(&r, rnd_below(&r, 2));
		struct mcr_vary v = random_vary(&r, 46 + rnd_below(&r, 1000), rnd_below(&r, 4));
		static uint8_t frame[2048];
		struct mcr_encap e;
		struct mcr_view view;
		struct room room;

		if (mcr_addr_is_v4(&p.dst))
			p.dst.b[12] = 10; /* no group */
		mcr_encap_vxlan(&e, &p);
		write_header(&room, &e, &v);
		memcpy(frame, room.hdr, e.len);
		assert_int_equal(
			mcr_parse(frame, e.len + v.payload_len, e.len + v.payload_len, 0, &view),
			-1);
		assert_int_equal(view.kind, MCR_KIND_UNICAST);
		assert_memory_equal(&view.src, &p.src, 16);
		assert_memory_equal(&view.dst, &p.dst, 16);
		assert_int_equal(view.l4_dport, p.udp_port);
		assert_int_equal(view.l4_sport, ntohs(v.sport));
		assert_int_equal(view.tos, p.tos | v.ecn);
		assert_int_equal(view.ttl, p.ttl);
		assert_int_equal(view.l2_len + view.ip_len, e.len + v.payload_len);
		assert_false(view.is_fragment);
	}
}

static void
native_copies(void **state)
{
	struct rnd r = rnd_init("encap native");
	static const uint16_t vids[] = {0, MCR_VID_NONE, 1, 100, 4094};

	for (unsigned i = 0; i < N(vids); i++)
		for (unsigned round = 0; round < 200; round++) {
			const bool is_tagged = vids[i] != 0 && vids[i] != MCR_VID_NONE;
			struct mcr_vary v = random_vary(&r, rnd_below(&r, 9200), rnd_below(&r, 4));
			struct rig_frame want = {0};
			struct mcr_encap e;
			struct room room;

			rig_bytes(&want, v.mac, 12);
			if (is_tagged)
				rig_u32(&want, 0x81000000 | vids[i]);
			rig_bytes(&want, &v.ethertype, 2);
			mcr_encap_native(&e, vids[i]);
			assert_int_equal(e.len, is_tagged ? 18 : 14);
			write_header(&room, &e, &v);
			assert_memory_equal(room.hdr, want.b, want.len);
		}
}

/* Fields that are absent share nothing, neither with each other nor with the header. */
static void
absent_fields_lie_in_front(void **state)
{
	const struct mcr_vxlan_param p4 = {.dst = mcr_addr_v4(1)}, p6 = {.dst = {.b = {0x20}}};
	struct mcr_encap e[4];

	mcr_encap_native(&e[0], 0);
	mcr_encap_native(&e[1], 100);
	mcr_encap_vxlan(&e[2], &p4);
	mcr_encap_vxlan(&e[3], &p6);
	for (unsigned i = 0; i < N(e); i++) {
		const struct {
			int off, size;
		} field[] = {
			{e[i].mac_off, 12},
			{e[i].type_off, 2},
			{e[i].ip_len_off, 2},
			{e[i].ip_id_off, 2},
			{e[i].udp_sport_off, 2},
			{e[i].udp_len_off, 2},
			{e[i].vni_off, 4},
			{e[i].tos_off, 1},
		};
		bool used[MCR_ENCAP_SCRATCH + MCR_ENCAP_ROOM] = {false};

		for (unsigned k = 0; k < N(field); k++) {
			const int end = field[k].off + field[k].size;

			assert_in_range(field[k].off + MCR_ENCAP_SCRATCH, 0,
				MCR_ENCAP_SCRATCH + MCR_ENCAP_ROOM - field[k].size);
			/* Inside the header, or wholly in front of it. */
			assert_true(field[k].off < 0 ? end <= 0 : end <= e[i].len);
			for (int at = field[k].off; at < end; at++) {
				assert_false(used[at + MCR_ENCAP_SCRATCH]);
				used[at + MCR_ENCAP_SCRATCH] = true;
			}
		}
	}
}

static void
v21_inner_mtu(void **state)
{
	const struct mcr_vxlan_param p4 = {.dst = mcr_addr_v4(1)}, p6 = {.dst = {.b = {0x20}}};
	static const struct {
		unsigned link;
		int native, v4, v6;
	} c[] = {
		{1500, 1500, 1450, 1430},
		{8500, 8500, 8450, 8430},
		{9000, 9000, 8950, 8930},
		{71, 71, 21, 1},
		{51, 51, 1, -EMSGSIZE},
		{50, 50, -EMSGSIZE, -EMSGSIZE},
		{0, -EMSGSIZE, -EMSGSIZE, -EMSGSIZE},
	};
	struct mcr_encap native, tagged, v4, v6;

	mcr_encap_native(&native, 0);
	mcr_encap_native(&tagged, 7);
	mcr_encap_vxlan(&v4, &p4);
	mcr_encap_vxlan(&v6, &p6);
	for (unsigned i = 0; i < N(c); i++) {
		assert_int_equal(mcr_encap_inner_mtu(&native, c[i].link), c[i].native);
		assert_int_equal(mcr_encap_inner_mtu(&tagged, c[i].link), c[i].native);
		assert_int_equal(mcr_encap_inner_mtu(&v4, c[i].link), c[i].v4);
		assert_int_equal(mcr_encap_inner_mtu(&v6, c[i].link), c[i].v6);
	}
}

/* A payload of the inner MTU makes an outer packet of exactly the link's MTU. */
static void
v13_v21_outer_length_of_the_largest(void **state)
{
	static const unsigned links[] = {1280, 1500, 8500, 9000};
	struct rnd r = rnd_init("encap mtu");

	for (unsigned i = 0; i < N(links); i++)
		for (unsigned family = 4; family <= 6; family += 2) {
			struct mcr_vxlan_param p = random_param(&r, family == 4);
			struct mcr_encap e;
			struct room room;
			struct mcr_vary v;

			mcr_encap_vxlan(&e, &p);
			v = random_vary(&r, mcr_encap_inner_mtu(&e, links[i]), 0);
			write_header(&room, &e, &v);
			assert_int_equal(
				family == 4 ? rig_16(room.hdr + 16) : 40 + rig_16(room.hdr + 18),
				links[i]);
		}
}

static void
v2_source_port_range(void **state)
{
	bool seen[65536] = {false};
	unsigned different = 0;

	for (unsigned flow = 0; flow < 65536; flow++) {
		unsigned port = ntohs(mcr_encap_sport(flow));

		assert_in_range(port, 49152, 65535);
		different += !seen[port];
		seen[port] = true;
	}
	assert_int_equal(different, 16384);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v1_v14_every_length_and_ecn),
		cmocka_unit_test(v1_v14_random_tunnels),
		cmocka_unit_test(v1_checksum_corner_values),
		cmocka_unit_test(v1_parse_reads_the_header),
		cmocka_unit_test(native_copies),
		cmocka_unit_test(absent_fields_lie_in_front),
		cmocka_unit_test(v21_inner_mtu),
		cmocka_unit_test(v13_v21_outer_length_of_the_largest),
		cmocka_unit_test(v2_source_port_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
