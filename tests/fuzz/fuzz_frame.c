/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames from a wire: Ethernet, tags, IPv4, IPv6, UDP, and what a tunnel packet carries. */
#include "fuzz.h"

#include "pkt/decap.h"
#include "pkt/parse.h"

/* Parses the frame from its first `head_len` bytes, which lie alone in memory. */
static int
parse_head(const uint8_t *frame, size_t head_len, size_t len, unsigned flags, struct mcr_view *v)
{
	uint8_t *head = exact_copy(frame, head_len);
	int rc;

	memset(v, 0, sizeof(*v));
	rc = mcr_parse(head, head_len, len, flags, v);
	free(head);
	return rc;
}

static void
check_view(const struct mcr_view *v, size_t len)
{
	CHECK(v->l2_len >= 14 && v->l2_len <= len);
	CHECK(v->vid <= 4096);
	if (v->kind == MCR_KIND_ARP || v->kind == MCR_KIND_OTHER)
		return;
	CHECK(v->l3_len <= v->ip_len);
	CHECK((size_t)v->l2_len + v->ip_len <= len);
	if (v->kind == MCR_KIND_DATA || v->kind == MCR_KIND_LINK)
		CHECK(mcr_addr_is_multicast(&v->dst));
}

static void
frame_from(const uint8_t *frame, size_t len, unsigned flags, unsigned depth)
{
	size_t head_len = len < MCR_PARSE_HEAD ? len : MCR_PARSE_HEAD;
	struct mcr_view v, whole;
	struct mcr_tunnel t;
	uint8_t *head;
	int rc;

	rc = parse_head(frame, head_len, len, flags, &v);
	CHECK(rc >= -1 && rc < MCR_DROP_MAX);
	/* More bytes in one piece than it asked for make no difference. */
	CHECK(parse_head(frame, len, len, flags, &whole) == rc);
	if (rc != -1)
		return;
	CHECK(memcmp(&v, &whole, sizeof(v)) == 0);
	check_view(&v, len);
	if (v.kind != MCR_KIND_UNICAST || v.l4_proto != 17 || depth == 0)
		return;

	head = exact_copy(frame, head_len);
	rc = mcr_decap_vxlan(head, head_len, len, &v, &t);
	free(head);
	CHECK(rc >= -1 && rc < MCR_DROP_MAX);
	if (rc != -1)
		return;
	CHECK((size_t)t.inner_off + t.inner_len <= len);
	CHECK(t.vni <= 0xffffff);
	frame_from(frame + t.inner_off, t.inner_len, 0, depth - 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 9728)
		return 0;
	frame_from(
		data + 1, size - 1, data[0] & (MCR_PARSE_IP_CSUM_GOOD | MCR_PARSE_L4_CSUM_GOOD), 2);
	return 0;
}
