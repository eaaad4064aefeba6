/* SPDX-License-Identifier: BSD-3-Clause */
/* Stage overlay: tunnel packets of configured peers become inner frames of a segment. */
#include "path/internal.h"

#include "path/chain.h"
#include "pkt/decap.h"
#include "pkt/rewrite.h"

#include <netinet/in.h>

#define VXLAN_PORT 4789

/* What the previous frame found: tunnel packets come in runs of one peer and VNI. */
struct memo {
	struct mcr_addr src;
	uint32_t vni;
	int peer, segment;
};

static int open_frame(struct mcr_worker *w, unsigned i, struct memo *memo);
static int
check_outer(struct mcr_worker *w, unsigned i, struct memo *memo, struct mcr_tunnel *tunnel);
static int check_segment(const struct mcr_snap *snap, struct memo *memo, uint32_t vni);
static int check_checksum(const struct mcr_burst *b, unsigned i, const struct mcr_tunnel *tunnel);
static int apply_ecn(struct mcr_worker *w, unsigned i, unsigned outer_ecn);
static int sort_inner(struct mcr_worker *w, unsigned i);

void
mcr_stage_overlay(struct mcr_worker *w)
{
	const struct mcr_index *overlay = &w->burst.overlay;
	struct memo memo = {.peer = -1};

	for (uint32_t k = 0; k < overlay->n; k++) {
		int why = open_frame(w, overlay->at[k], &memo);

		if (why >= 0)
			mcr_frame_drop(w, overlay->at[k], why);
	}
}

static int
open_frame(struct mcr_worker *w, unsigned i, struct memo *memo)
{
	struct mcr_burst *b = &w->burst;
	struct mcr_view *v = &b->view[i];
	struct mcr_tunnel tunnel;
	int why = check_outer(w, i, memo, &tunnel);

	if (why >= 0)
		return why;
	b->mbuf[i] = mcr_chain_strip(b->mbuf[i], tunnel.inner_off);
	mcr_chain_cut(b->mbuf[i], tunnel.inner_len);
	/* What the NIC said of checksums was about the outer packet. */
	why = mcr_frame_parse(b, i, 0);
	if (why >= 0)
		return why;
	v->origin = MCR_ORIGIN_OVERLAY;
	v->peer = memo->peer;
	v->segment = memo->segment;
	if (v->n_tags)
		return MCR_DROP_OVERLAY_INNER_VLAN;
	if (v->l4_proto == IPPROTO_UDP && v->l4_dport == VXLAN_PORT)
		return MCR_DROP_OVERLAY_NESTED;
	why = apply_ecn(w, i, tunnel.outer_ecn);
	if (why >= 0)
		return why;
	return sort_inner(w, i);
}

/* In the order of cost; the first look-up ends the way of everybody who is no peer (T7). */
static int
check_outer(struct mcr_worker *w, unsigned i, struct memo *memo, struct mcr_tunnel *tunnel)
{
	const struct mcr_burst *b = &w->burst;
	const struct mcr_view *v = &b->view[i];
	int why;

	if (!mcr_addr_is_source(&v->src))
		return MCR_DROP_OVERLAY_BAD_SOURCE;
	if (memo->peer < 0 || !mcr_addr_eq(&memo->src, &v->src)) {
		memo->src = v->src;
		memo->segment = -1;
		memo->peer = mcr_snap_find_peer(w->snap, &v->src);
		if (mcr_snap_is_own(w->snap, &v->src)) {
			memo->peer = -1;
			return MCR_DROP_OVERLAY_OWN_ADDRESS;
		}
	}
	if (memo->peer < 0)
		return MCR_DROP_OVERLAY_UNKNOWN_PEER;
	why = mcr_decap_vxlan(b->head[i], b->head_len[i], b->mbuf[i]->pkt_len, v, tunnel);
	if (why >= 0)
		return why;
	if (memo->segment < 0 || memo->vni != tunnel->vni) {
		why = check_segment(w->snap, memo, tunnel->vni);
		if (why >= 0)
			return why;
	}
	return check_checksum(b, i, tunnel);
}

static int
check_segment(const struct mcr_snap *snap, struct memo *memo, uint32_t vni)
{
	const struct mcr_snap_peer *peer = &snap->peer[memo->peer];
	int segment = mcr_snap_find_vni(snap, vni);

	memo->segment = -1;
	if (segment < 0)
		return MCR_DROP_OVERLAY_UNKNOWN_VNI;
	for (uint32_t i = 0; i < peer->n_segments; i++)
		if (peer->segment[i] == segment) {
			memo->segment = segment;
			memo->vni = vni;
			return -1;
		}
	return MCR_DROP_OVERLAY_VNI_NOT_OF_PEER;
}

/* RFC 7348 section 5: zero is accepted as it is, anything else must be right; IPv6 needs one. */
static int
check_checksum(const struct mcr_burst *b, unsigned i, const struct mcr_tunnel *tunnel)
{
	const struct mcr_view *v = &b->view[i];
	const struct rte_mbuf *m = b->mbuf[i];
	uint32_t sum;

	if (tunnel->udp_checksum == 0)
		return mcr_addr_is_v4(&v->src) ? -1 : MCR_DROP_OVERLAY_BAD_UDP_CHECKSUM;
	/* A NIC that looks into tunnels may mean the inner checksum unless it says "outer". */
	if ((m->ol_flags & RTE_MBUF_F_RX_OUTER_L4_CKSUM_MASK) == RTE_MBUF_F_RX_OUTER_L4_CKSUM_GOOD)
		return -1;
	if ((m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD &&
		!(m->packet_type & RTE_PTYPE_TUNNEL_MASK))
		return -1;
	sum = mcr_csum_pseudo(&v->src, &v->dst, IPPROTO_UDP, tunnel->udp_len);
	sum += mcr_chain_sum(m, tunnel->udp_off, tunnel->udp_len);
	return mcr_csum_fold(sum) == 0 ? -1 : MCR_DROP_OVERLAY_BAD_UDP_CHECKSUM;
}

/* RFC 6040 section 4.2. */
static int
apply_ecn(struct mcr_worker *w, unsigned i, unsigned outer_ecn)
{
	struct mcr_burst *b = &w->burst;
	struct mcr_view *v = &b->view[i];
	uint8_t ip[12]; /* IPv4 up to the checksum */
	int ecn;

	if (v->kind != MCR_KIND_DATA && v->kind != MCR_KIND_LINK)
		return -1;
	ecn = mcr_decap_ecn(v->tos & 3, outer_ecn);
	if (ecn < 0)
		return MCR_DROP_OVERLAY_ECN;
	if (ecn == (v->tos & 3))
		return -1;
	memcpy(ip, b->head[i] + v->l2_len, sizeof(ip));
	mcr_decap_set_ecn(ip, ecn);
	v->tos = (v->tos & ~3) | ecn;
	/* Bytes of a buffer that others may see are not changed: the frame gets its own. */
	if (!mcr_chain_is_writable(b->mbuf[i]) && mcr_frame_own(w, i))
		return MCR_DROP_REPL_NO_BUFFER;
	mcr_chain_write(b->mbuf[i], v->l2_len, ip, sizeof(ip));
	return -1;
}

/* What a peer may send us: its membership, and multicast. The rest ends here (V12). */
static int
sort_inner(struct mcr_worker *w, unsigned i)
{
	struct mcr_burst *b = &w->burst;
	const struct mcr_view *v = &b->view[i];

	switch (v->kind) {
	case MCR_KIND_IGMP:
		mcr_frame_punt(w, i, MCR_PUNT_MSHIP);
		return -1;
	case MCR_KIND_MLD:
		return MCR_DROP_MEMBER_VERSION;
	case MCR_KIND_DATA:
	case MCR_KIND_LINK:
		if (!(b->head[i][0] & 1))
			return MCR_DROP_PARSE_BAD_MAC;
		if (mcr_snap_is_own(w->snap, &v->src))
			return MCR_DROP_PARSE_OWN_SOURCE;
		mcr_index_add(&b->data, i);
		return -1;
	default:
		return MCR_DROP_OVERLAY_INNER_TYPE;
	}
}
