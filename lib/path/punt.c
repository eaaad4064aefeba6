/* SPDX-License-Identifier: BSD-3-Clause */
#include "path/punt.h"

#include "path/chain.h"
#include "path/internal.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include <errno.h>
#include <time.h>
#include <unistd.h>

static void kick(struct mcr_path *p);

/* --- worker ---------------------------------------------------------------------------------- */

void
mcr_frame_punt(struct mcr_worker *w, unsigned i, enum mcr_punt_kind kind)
{
	const struct mcr_burst *b = &w->burst;
	const struct mcr_view *v = &b->view[i];
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->pools->control);
	uint32_t len = b->mbuf[i]->pkt_len;

	/* No buffer, or none so large: control messages are shed before they could hurt data. */
	if (!m || len > rte_pktmbuf_tailroom(m))
		goto full;
	mcr_chain_read_all(b->mbuf[i], rte_pktmbuf_mtod(m, uint8_t *));
	m->data_len = len;
	m->pkt_len = len;
	*mcr_punt_of(m) = (struct mcr_punt){.kind = kind,
		.port = v->port,
		.l2_len = v->l2_len,
		.vid = v->vid,
		.segment = v->segment,
		.peer = v->peer};
	if (rte_ring_sp_enqueue(w->up, m))
		goto full;
	w->has_punted = true;
	w->stat->punted++;
	rte_pktmbuf_free(b->mbuf[i]);
	return;

full:
	rte_pktmbuf_free(m);
	mcr_frame_drop(w, i, MCR_DROP_PUNT_RING_FULL);
}

bool
mcr_punt_resolve(struct mcr_worker *w, struct rte_mbuf *m)
{
	if (rte_ring_sp_enqueue(w->up, m)) {
		rte_pktmbuf_free(m);
		return false;
	}
	w->has_punted = true;
	return true;
}

/* At the end of a turn: at most one system call, and none while main has not seen the last. */
void
mcr_punt_kick(struct mcr_worker *w)
{
	if (!w->has_punted)
		return;
	w->has_punted = false;
	kick(w->path);
}

/* Worker 0 sends what main has made. */
void
mcr_stage_inject(struct mcr_worker *w)
{
	struct rte_mbuf *m[MCR_INJECT_PER_TURN];
	uint32_t n = rte_ring_sc_dequeue_burst(w->down, (void **)m, MCR_INJECT_PER_TURN, NULL);

	for (uint32_t i = 0; i < n; i++) {
		unsigned port = mcr_punt_of(m[i])->port;
		struct mcr_txbuf *tx = &w->tx[port];

		w->stat->copies++;
		if (!w->mine->tx[port].is_up) {
			w->stat->port[port].drop[MCR_DROP_TX_PORT_DOWN]++;
			rte_pktmbuf_free(m[i]);
			continue;
		}
		tx->mbuf[tx->n++] = m[i];
		tx->bytes += m[i]->pkt_len;
		w->tx_pending |= UINT64_C(1) << port;
		if (tx->n >= MCR_TX_BURST)
			mcr_tx_send(w, port);
	}
	if (n) {
		mcr_stage_tx(w);
		atomic_fetch_add_explicit(&w->injected, n, memory_order_release);
	}
}

/* --- main lcore ------------------------------------------------------------------------------ */

unsigned
mcr_punt_poll(
	struct mcr_path *p, unsigned max, void (*fn)(void *arg, struct rte_mbuf *m), void *arg)
{
	unsigned n = 0, n_empty = 0;
	uint64_t count;

	/*
	 * Emptied, then cleared, then the rings are read. The other way round a kick between the
	 * two would lose its event and leave the flag set: nobody would kick again.
	 */
	if (atomic_load(&p->is_kicked)) {
		if (read(p->punt_fd, &count, sizeof(count)) < 0) {
			/* EAGAIN: the writer is between its flag and its write: one wake-up too
			 * many. */
		}
		atomic_store(&p->is_kicked, false);
	}
	while (n < max && n_empty < p->param.n_workers) {
		struct mcr_worker *w = p->worker[p->next_up];
		void *m;

		p->next_up = (p->next_up + 1) % p->param.n_workers;
		if (rte_ring_sc_dequeue(w->up, &m)) {
			n_empty++;
			continue;
		}
		n_empty = 0;
		n++;
		fn(arg, m);
	}
	if (n == max)
		kick(p);
	return n;
}

int
mcr_punt_fd(const struct mcr_path *p)
{
	return p->punt_fd;
}

struct rte_mbuf *
mcr_inject_alloc(struct mcr_path *p)
{
	return rte_pktmbuf_alloc(p->control);
}

int
mcr_inject(struct mcr_path *p, uint8_t port, struct rte_mbuf *m)
{
	mcr_punt_of(m)->port = port;
	if (rte_ring_sp_enqueue(p->worker[0]->down, m)) {
		/* A copy that was lost on its way out, like any other. */
		mcr_stat_mine()->copies++;
		mcr_drop_count(port, MCR_DROP_TX_QUEUE_FULL, 1);
		rte_pktmbuf_free(m);
		return -ENOBUFS;
	}
	p->n_injected++;
	return 0;
}

int
mcr_inject_drain(struct mcr_path *p, unsigned timeout_ms)
{
	const uint64_t end = rte_get_timer_cycles() + rte_get_timer_hz() / 1000 * timeout_ms;
	const struct timespec nap = {.tv_nsec = 50 * 1000};

	while (atomic_load_explicit(&p->worker[0]->injected, memory_order_acquire) <
		p->n_injected) {
		if (rte_get_timer_cycles() > end)
			return -ETIMEDOUT;
		nanosleep(&nap, NULL);
	}
	return 0;
}

static void
kick(struct mcr_path *p)
{
	const uint64_t one = 1;

	if (!atomic_exchange(&p->is_kicked, true) &&
		write(p->punt_fd, &one, sizeof(one)) != sizeof(one)) {
		/* Its counter cannot overflow, so the descriptor is closed: the process ends. */
	}
}
