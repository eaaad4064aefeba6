/* SPDX-License-Identifier: BSD-3-Clause */
/* Stage rx: frames of one queue, their heads in one piece, parsed. */
#include "path/internal.h"

#include "path/chain.h"

#include <rte_ethdev.h>
#include <rte_prefetch.h>

#include <errno.h>

static void head_read(struct mcr_burst *b, unsigned i);
static unsigned checksum_flags(const struct rte_mbuf *m);

uint32_t
mcr_stage_rx(struct mcr_worker *w, const struct mcr_rx *rx)
{
	struct mcr_burst *b = &w->burst;
	struct mcr_port_stat *stat = &w->stat->port[rx->port];
	uint32_t n = rte_eth_rx_burst(rx->ethdev, rx->queue, b->mbuf, MCR_BURST);

	b->port = rx->port;
	b->good.n = b->overlay.n = b->data.n = b->run.n = 0;
	for (uint32_t i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(b->mbuf[i], const void *));
	stat->rx_packets += n;
	for (uint32_t i = 0; i < n; i++) {
		int why;

		stat->rx_bytes += b->mbuf[i]->pkt_len;
		if (unlikely(!mcr_chain_is_ours(b->mbuf[i])) && mcr_frame_own(w, i)) {
			mcr_frame_drop(w, i, MCR_DROP_REPL_NO_BUFFER);
			continue;
		}
		why = mcr_frame_parse(b, i, checksum_flags(b->mbuf[i]));
		if (why < 0)
			mcr_index_add(&b->good, i);
		else
			mcr_frame_drop(w, i, why);
	}
	return n;
}

int
mcr_frame_parse(struct mcr_burst *b, unsigned i, unsigned flags)
{
	struct mcr_view *v = &b->view[i];
	int why;

	head_read(b, i);
	why = mcr_parse(b->head[i], b->head_len[i], b->mbuf[i]->pkt_len, flags, v);
	v->port = b->port;
	v->peer = MCR_PEER_NONE;
	v->segment = MCR_SEGMENT_NONE;
	v->origin = MCR_ORIGIN_ACCESS;
	return why;
}

int
mcr_frame_own(struct mcr_worker *w, unsigned i)
{
	struct mcr_burst *b = &w->burst;
	struct rte_mbuf *copy = rte_pktmbuf_copy(b->mbuf[i], w->pools->copy, 0, UINT32_MAX);

	if (!copy)
		return -ENOMEM;
	rte_pktmbuf_free(b->mbuf[i]);
	b->mbuf[i] = copy;
	head_read(b, i);
	return 0;
}

void
mcr_frame_drop(struct mcr_worker *w, unsigned i, enum mcr_drop why)
{
	w->stat->port[w->burst.port].drop[why]++;
	/* A frame that could not be made private went on and lost its only copy: the sums stay
	 * right. */
	if (why == MCR_DROP_REPL_NO_BUFFER) {
		w->stat->forwarded++;
		w->stat->copies++;
	}
	rte_pktmbuf_free(w->burst.mbuf[i]);
}

static void
head_read(struct mcr_burst *b, unsigned i)
{
	const struct rte_mbuf *m = b->mbuf[i];

	b->head_len[i] = m->data_len;
	if (unlikely(m->data_len < RTE_MIN(m->pkt_len, (uint32_t)MCR_PARSE_HEAD)))
		b->head_len[i] = RTE_MIN(m->pkt_len, (uint32_t)MCR_PARSE_HEAD);
	b->head[i] = rte_pktmbuf_read(m, 0, b->head_len[i], b->scratch[i]);
}

static unsigned
checksum_flags(const struct rte_mbuf *m)
{
	unsigned flags = 0;

	if ((m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD)
		flags |= MCR_PARSE_IP_CSUM_GOOD;
	if ((m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD)
		flags |= MCR_PARSE_L4_CSUM_GOOD;
	return flags;
}
