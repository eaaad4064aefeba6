/* SPDX-License-Identifier: BSD-3-Clause */
/* Stage sort: which way each frame goes. A stable split: punt | overlay | data. */
#include "path/internal.h"

#include <netinet/in.h>

#define VXLAN_PORT 4789

static int sort_access(struct mcr_worker *w, unsigned i);
static int sort_uplink(struct mcr_worker *w, unsigned i);
static int sort_multicast(struct mcr_worker *w, unsigned i);
static int sort_unicast(struct mcr_worker *w, unsigned i);
static uint16_t segment_of(const struct mcr_snap_port *port, uint16_t vid);
static bool is_for_our_mac(const struct mcr_snap_port *port, const uint8_t *head);

void
mcr_stage_sort(struct mcr_worker *w)
{
	const struct mcr_index *good = &w->burst.good;
	bool is_uplink = w->snap->port[w->burst.port].is_uplink;

	for (uint32_t k = 0; k < good->n; k++) {
		unsigned i = good->at[k];
		int why = is_uplink ? sort_uplink(w, i) : sort_access(w, i);

		if (why >= 0)
			mcr_frame_drop(w, i, why);
	}
}

/* These return -1 when the frame found its way, else an enum mcr_drop. */
static int
sort_access(struct mcr_worker *w, unsigned i)
{
	struct mcr_burst *b = &w->burst;
	const struct mcr_snap_port *port = &w->snap->port[b->port];
	struct mcr_view *v = &b->view[i];

	v->segment = segment_of(port, v->vid);
	if (v->segment == MCR_SEGMENT_NONE)
		return MCR_DROP_PARSE_UNKNOWN_VLAN;
	if (!(b->head[i][0] & 1) && !is_for_our_mac(port, b->head[i]))
		return MCR_DROP_PARSE_BAD_MAC;
	switch (v->kind) {
	case MCR_KIND_DATA:
	case MCR_KIND_LINK:
		return sort_multicast(w, i);
	case MCR_KIND_ND:
		/* Neighbour discovery by multicast is link-local traffic like any other (RFC 4541
		 * 3). */
		if (!mcr_addr_is_multicast(&v->dst))
			return MCR_DROP_PARSE_BAD_MAC;
		v->kind = MCR_KIND_LINK;
		return sort_multicast(w, i);
	case MCR_KIND_IGMP:
		mcr_frame_punt(w, i, MCR_PUNT_MSHIP);
		return -1;
	case MCR_KIND_MLD:
		return MCR_DROP_MEMBER_VERSION;
	case MCR_KIND_ARP:
		mcr_frame_punt(w, i, MCR_PUNT_ARP);
		return -1;
	case MCR_KIND_UNICAST:
		return sort_unicast(w, i);
	default:
		return MCR_DROP_PARSE_BAD_MAC;
	}
}

static int
sort_uplink(struct mcr_worker *w, unsigned i)
{
	struct mcr_burst *b = &w->burst;
	const struct mcr_snap_port *port = &w->snap->port[b->port];
	const struct mcr_view *v = &b->view[i];

	/* The underlay is untagged; a priority tag is no VLAN. */
	if (v->vid != MCR_VID_NONE && v->vid != 0)
		return MCR_DROP_PARSE_UNKNOWN_VLAN;
	if (!(b->head[i][0] & 1) && !is_for_our_mac(port, b->head[i]))
		return MCR_DROP_PARSE_BAD_MAC;
	switch (v->kind) {
	case MCR_KIND_ARP:
		mcr_frame_punt(w, i, MCR_PUNT_ARP);
		return -1;
	case MCR_KIND_DATA:
	case MCR_KIND_LINK:
	case MCR_KIND_IGMP:
	case MCR_KIND_MLD:
		return MCR_DROP_PARSE_UNKNOWN_VLAN; /* an uplink has no segment */
	case MCR_KIND_UNICAST:
		break;
	default:
		return MCR_DROP_PARSE_BAD_MAC;
	}
	/* A later fragment does not show its port; nothing else over UDP is for us here. */
	if (v->l4_proto == IPPROTO_UDP && (v->l4_dport == VXLAN_PORT || v->is_fragment) &&
		is_for_our_mac(port, b->head[i]) && mcr_snap_is_own(w->snap, &v->dst)) {
		mcr_index_add(&b->overlay, i);
		return -1;
	}
	return sort_unicast(w, i);
}

static int
sort_multicast(struct mcr_worker *w, unsigned i)
{
	if (mcr_snap_is_own(w->snap, &w->burst.view[i].src))
		return MCR_DROP_PARSE_OWN_SOURCE;
	mcr_index_add(&w->burst.data, i);
	return -1;
}

/* ICMP to one of our addresses, and in a unicast frame (RFC 1122 section 3.3.6). */
static int
sort_unicast(struct mcr_worker *w, unsigned i)
{
	const struct mcr_burst *b = &w->burst;
	const struct mcr_view *v = &b->view[i];

	if (v->l4_proto != IPPROTO_ICMP || !is_for_our_mac(&w->snap->port[b->port], b->head[i]) ||
		!mcr_snap_is_own(w->snap, &v->dst))
		return MCR_DROP_PARSE_BAD_MAC;
	mcr_frame_punt(w, i, MCR_PUNT_ICMP);
	return -1;
}

/* A priority tag (VID 0) without a mapping of its own is as good as no tag. */
static uint16_t
segment_of(const struct mcr_snap_port *port, uint16_t vid)
{
	uint16_t segment = port->segment[vid];

	if (segment == MCR_SEGMENT_NONE && vid == 0)
		segment = port->segment[MCR_VID_NONE];
	return segment;
}

static bool
is_for_our_mac(const struct mcr_snap_port *port, const uint8_t *head)
{
	return memcmp(head, port->mac.b, sizeof(port->mac.b)) == 0;
}
