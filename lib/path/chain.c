/* SPDX-License-Identifier: BSD-3-Clause */
#include "path/chain.h"

#include "pkt/rewrite.h"

#include <rte_byteorder.h>
#include <rte_memcpy.h>

struct rte_mbuf *
mcr_chain_strip(struct rte_mbuf *m, uint32_t len)
{
	uint32_t pkt_len = m->pkt_len - len;
	uint16_t n_segs = m->nb_segs;

	while (len >= m->data_len) {
		struct rte_mbuf *next = m->next;

		len -= m->data_len;
		next->port = m->port;
		next->ol_flags |= m->ol_flags & ~(RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL);
		rte_pktmbuf_free_seg(m);
		m = next;
		n_segs--;
	}
	m->data_off += len;
	m->data_len -= len;
	m->pkt_len = pkt_len;
	m->nb_segs = n_segs;
	return m;
}

void
mcr_chain_cut(struct rte_mbuf *m, uint32_t len)
{
	struct rte_mbuf *last = m, *surplus;
	uint32_t left = len;
	uint16_t n_segs = 1;

	if (len >= m->pkt_len)
		return;
	while (left > last->data_len) {
		left -= last->data_len;
		last = last->next;
		n_segs++;
	}
	surplus = last->next;
	last->next = NULL;
	last->data_len = left;
	m->pkt_len = len;
	m->nb_segs = n_segs;
	while (surplus) {
		struct rte_mbuf *next = surplus->next;

		rte_pktmbuf_free_seg(surplus);
		surplus = next;
	}
}

void
mcr_chain_write(struct rte_mbuf *m, uint32_t off, const void *bytes, uint32_t len)
{
	const uint8_t *from = bytes;

	while (len) {
		uint32_t n;

		while (off >= m->data_len) {
			off -= m->data_len;
			m = m->next;
		}
		n = RTE_MIN(len, m->data_len - off);
		rte_memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, off), from, n);
		from += n;
		off += n;
		len -= n;
	}
}

uint16_t
mcr_chain_sum(const struct rte_mbuf *m, uint32_t off, uint32_t len)
{
	uint32_t sum = 0, done = 0;

	while (off >= m->data_len) {
		off -= m->data_len;
		m = m->next;
	}
	for (; m && done < len; m = m->next, off = 0) {
		uint32_t n = RTE_MIN(len - done, m->data_len - off);
		const uint8_t *bytes = rte_pktmbuf_mtod_offset(m, const uint8_t *, off);
		uint16_t part = ~mcr_csum_fold(mcr_csum_add(0, bytes, n));

		sum += done & 1 ? rte_bswap16(part) : part;
		done += n;
	}
	return ~mcr_csum_fold(sum);
}

void
mcr_chain_read_all(const struct rte_mbuf *m, uint8_t *to)
{
	for (; m; m = m->next) {
		rte_memcpy(to, rte_pktmbuf_mtod(m, const void *), m->data_len);
		to += m->data_len;
	}
}
