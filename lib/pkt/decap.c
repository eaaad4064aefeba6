/* SPDX-License-Identifier: BSD-3-Clause */
#include "pkt/decap.h"

#include "pkt/rewrite.h"
#include "pkt/wire.h"

int
mcr_decap_vxlan(const uint8_t *head, uint32_t head_len, uint32_t frame_len,
	const struct mcr_view *v, struct mcr_tunnel *t)
{
	const uint32_t n = head_len < frame_len ? head_len : frame_len;
	const uint32_t off = v->l2_len + v->l3_len;
	const uint32_t room = v->ip_len - v->l3_len; /* parse saw at least a UDP header */
	const uint8_t *udp = head + off, *vxlan = udp + MCR_UDP_LEN;
	uint32_t udp_len;

	if (v->is_fragment)
		return MCR_DROP_OVERLAY_FRAGMENT;
	if (room < MCR_UDP_LEN || n < off + MCR_UDP_LEN)
		return MCR_DROP_OVERLAY_RUNT;
	udp_len = mcr_wire_get16(udp + 4);
	if (udp_len < MCR_UDP_LEN || udp_len > room)
		return MCR_DROP_OVERLAY_BAD_UDP_LENGTH;
	if (udp_len < MCR_UDP_LEN + MCR_VXLAN_LEN + MCR_ETH_LEN ||
		n < off + MCR_UDP_LEN + MCR_VXLAN_LEN + MCR_ETH_LEN)
		return MCR_DROP_OVERLAY_RUNT;
	/* All other bits are reserved and ignored (RFC 7348 section 5). */
	if (!(vxlan[0] & MCR_VXLAN_FLAG_I))
		return MCR_DROP_OVERLAY_BAD_FLAGS;

	t->vni = mcr_wire_get32(vxlan + 4) >> 8;
	t->udp_off = off;
	t->udp_len = udp_len;
	memcpy(&t->udp_checksum, udp + 6, 2);
	t->inner_off = off + MCR_UDP_LEN + MCR_VXLAN_LEN;
	t->inner_len = udp_len - MCR_UDP_LEN - MCR_VXLAN_LEN;
	t->outer_ecn = v->tos & 3;
	return -1;
}

int
mcr_decap_ecn(unsigned inner_ecn, unsigned outer_ecn)
{
	/* RFC 6040 figure 4; code points: 0 not-ECT, 1 ECT(1), 2 ECT(0), 3 CE. [inner][outer] */
	static const int8_t result[4][4] = {
		{0, 0, 0, -1},
		{1, 1, 1, 3},
		{2, 1, 2, 3},
		{3, 3, 3, 3},
	};

	return result[inner_ecn & 3][outer_ecn & 3];
}

void
mcr_decap_set_ecn(uint8_t *ip, unsigned ecn)
{
	uint16_t old_word, new_word, csum;

	if (ip[0] >> 4 == 6) {
		ip[1] = (ip[1] & ~0x30) | (ecn & 3) << 4;
		return;
	}
	memcpy(&old_word, ip, 2);
	ip[1] = (ip[1] & ~0x03) | (ecn & 3);
	memcpy(&new_word, ip, 2);
	if (new_word == old_word)
		return;
	memcpy(&csum, ip + 10, 2);
	csum = mcr_csum_update(csum, old_word, new_word);
	memcpy(ip + 10, &csum, 2);
}
