/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_TESTS_PKT_FRAMES_H
#define MCR_TESTS_PKT_FRAMES_H

#include "pkt/parse.h"
#include "pkt_rig.h"

/* The frames that the tests of the parser begin with. */
#define GROUP 0xef010203u /* 239.1.2.3 */
#define HOST 0x0a000005u  /* 10.0.0.5 */
#define OURS 0x0a000001u
#define MAC 0x01005e010203u
#define HOST6 "2001:db8::5"
#define GROUP6 "ff0e::1:2"
#define MAC6 0x333300010002u

/* The head the caller must offer, at the edge of readable memory. */
static inline int
parse(const struct rig_frame *f, unsigned flags, struct mcr_view *v)
{
	uint32_t head = f->len < MCR_PARSE_HEAD ? f->len : MCR_PARSE_HEAD;

	memset(v, 0, sizeof(*v));
	return mcr_parse(rig_at_edge(f->b, head), head, f->len, flags, v);
}

static inline int
verdict(const struct rig_frame *f)
{
	struct mcr_view v;

	return parse(f, 0, &v);
}

static inline void
udp4(struct rig_frame *f, unsigned n)
{
	*f = (struct rig_frame){0};
	rig_ethernet(f, MAC, 0x0800);
	rig_ipv4(f, HOST, GROUP, 17, 20, 0, 8 + n);
	rig_udp(f, 1000, 5004, n);
}

static inline void
udp6(struct rig_frame *f, unsigned n)
{
	*f = (struct rig_frame){0};
	rig_ethernet(f, MAC6, 0x86dd);
	rig_ipv6(f, HOST6, GROUP6, 17, 8 + n);
	rig_udp(f, 1000, 5004, n);
}

struct ext {
	uint8_t type, units; /* length: (units + 1) * 8 */
	uint8_t body[6];     /* its first bytes, the others are Pad1 */
};

static inline void
with_extensions(struct rig_frame *f, const struct ext *e, unsigned n, unsigned last)
{
	unsigned payload = 16;

	for (unsigned i = 0; i < n; i++)
		payload += (e[i].units + 1) * 8;
	*f = (struct rig_frame){0};
	rig_ethernet(f, MAC6, 0x86dd);
	rig_ipv6(f, HOST6, GROUP6, n ? e[0].type : last, payload);
	for (unsigned i = 0; i < n; i++) {
		rig_u8(f, i + 1 < n ? e[i + 1].type : last);
		rig_u8(f, e[i].units);
		rig_bytes(f, e[i].body, 6);
		memset(f->b + f->len, 0, e[i].units * 8);
		f->len += e[i].units * 8;
	}
	rig_udp(f, 1000, 2000, 8);
}

#endif
