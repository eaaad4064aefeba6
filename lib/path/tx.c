/* SPDX-License-Identifier: BSD-3-Clause */
/* Stage tx: what waits in a port's buffer goes to its queue. */
#include "path/internal.h"

#include <rte_ethdev.h>

static uint64_t bytes_of(struct rte_mbuf *const *m, uint32_t n);

void
mcr_stage_tx(struct mcr_worker *w)
{
	while (w->tx_pending)
		mcr_tx_send(w, __builtin_ctzll(w->tx_pending));
}

/* A device that takes some may take more; one that takes none has its queue full. */
void
mcr_tx_send(struct mcr_worker *w, unsigned port)
{
	const struct mcr_tx *tx = &w->mine->tx[port];
	struct mcr_port_stat *stat = &w->stat->port[port];
	struct mcr_txbuf *buf = &w->tx[port];
	uint64_t bytes = buf->bytes;
	uint32_t done = 0, n;

	do {
		n = tx->burst(tx, buf->mbuf + done, buf->n - done);
		done += n;
	} while (n && done < buf->n);
	if (unlikely(done < buf->n)) {
		bytes -= bytes_of(buf->mbuf + done, buf->n - done);
		stat->drop[MCR_DROP_TX_QUEUE_FULL] += buf->n - done;
		for (uint32_t i = done; i < buf->n; i++)
			rte_pktmbuf_free(buf->mbuf[i]);
	}
	stat->tx_packets += done;
	stat->tx_bytes += bytes;
	buf->n = 0;
	buf->bytes = 0;
	w->tx_pending &= ~(UINT64_C(1) << port);
}

uint16_t
mcr_tx_plain(const struct mcr_tx *tx, struct rte_mbuf **m, uint16_t n)
{
	return rte_eth_tx_burst(tx->ethdev, tx->queue, m, n);
}

uint16_t
mcr_tx_locked(const struct mcr_tx *tx, struct rte_mbuf **m, uint16_t n)
{
	uint16_t sent;

	rte_spinlock_lock(tx->lock);
	sent = rte_eth_tx_burst(tx->ethdev, tx->queue, m, n);
	rte_spinlock_unlock(tx->lock);
	return sent;
}

static uint64_t
bytes_of(struct rte_mbuf *const *m, uint32_t n)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < n; i++)
		bytes += m[i]->pkt_len;
	return bytes;
}
