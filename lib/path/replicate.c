/* SPDX-License-Identifier: BSD-3-Clause */
/* Stage replicate: runs of frames of one list and sender, made ready and counted. */
#include "path/internal.h"

#include "path/chain.h"
#include "pkt/rewrite.h"

static uint32_t run_len(const struct mcr_burst *b, uint32_t first);
static void frame_prepare(struct mcr_worker *w, unsigned i, struct mcr_frame *f);
static void frame_finish(struct mcr_worker *w, struct mcr_frame *f);
static void count_input(struct mcr_worker *w, uint32_t first, uint32_t n);
static struct mcr_group_source *
source_slot(struct mcr_group_stat *stat, const struct mcr_view *v, uint64_t now);

void
mcr_stage_replicate(struct mcr_worker *w)
{
	struct mcr_burst *b = &w->burst;

	for (uint32_t first = 0, n; first < b->run.n; first += n) {
		unsigned i = b->run.at[first];
		struct mcr_run run = {.list = b->list[i],
			.stat = b->entry[i] ? &b->entry[i]->stat[w->index] : NULL,
			.frame = w->frame,
			.port = b->port,
			.origin = b->view[i].origin};

		n = run_len(b, first);
		run.n = n;
		if (run.stat)
			count_input(w, first, n);
		for (uint32_t k = 0; k < n; k++)
			frame_prepare(w, b->run.at[first + k], &w->frame[k]);
		mcr_run_send(w, &run);
		for (uint32_t k = 0; k < n; k++)
			frame_finish(w, &w->frame[k]);
	}
}

static uint32_t
run_len(const struct mcr_burst *b, uint32_t first)
{
	unsigned i = b->run.at[first];
	uint32_t n = 1;

	for (; first + n < b->run.n; n++) {
		unsigned j = b->run.at[first + n];

		if (b->list[j] != b->list[i] || b->entry[j] != b->entry[i] ||
			!mcr_addr_eq(&b->view[j].src, &b->view[i].src) ||
			b->view[j].peer != b->view[i].peer)
			break;
	}
	return n;
}

/* Everything that the copies of one frame share, taken before its Ethernet header goes. */
static void
frame_prepare(struct mcr_worker *w, unsigned i, struct mcr_frame *f)
{
	const struct mcr_burst *b = &w->burst;
	const struct mcr_view *v = &b->view[i];

	memcpy(f->vary.mac, b->head[i], sizeof(f->vary.mac));
	/* Multicast in a frame to our own MAC (RFC 6085) leaves as every other (RFC 1112 6.4). */
	if (unlikely(!(f->vary.mac[0] & 1))) {
		struct mcr_mac mac = mcr_mac_of_group(&v->dst);

		memcpy(f->vary.mac, mac.b, sizeof(mac.b));
	}
	f->vary.ethertype = rte_cpu_to_be_16(v->ethertype);
	f->vary.sport = mcr_encap_sport(v->flow);
	f->vary.vni = rte_cpu_to_be_32(w->snap->segment[v->segment].vni << 8);
	f->vary.ecn = v->tos & 3;
	f->mbuf = mcr_chain_strip(b->mbuf[i], v->l2_len);
	f->len = f->mbuf->pkt_len;
	f->vary.payload_len = (uint16_t)f->len;
	f->segment = v->segment;
	f->layout = MCR_LAYOUT_NONE;
	f->n_shared = f->n_unmade = f->n_copies = f->n_resolving = 0;
}

static void
frame_finish(struct mcr_worker *w, struct mcr_frame *f)
{
	/* No lane took it: every member is behind the port it came from. */
	if (f->n_copies + f->n_resolving == 0)
		w->stat->port[w->burst.port].drop[MCR_DROP_LOOKUP_NO_MEMBER]++;
	else
		w->stat->forwarded++;
	w->stat->copies += f->n_copies;
	for (struct rte_mbuf *m = f->n_unmade ? f->mbuf : NULL; m; m = m->next)
		rte_mbuf_refcnt_update(m, -(int16_t)f->n_unmade);
	rte_pktmbuf_free(f->mbuf);
}

static void
count_input(struct mcr_worker *w, uint32_t first, uint32_t n)
{
	const struct mcr_burst *b = &w->burst;
	unsigned i = b->run.at[first];
	const struct mcr_view *v = &b->view[i];
	struct mcr_group_stat *stat = &b->entry[i]->stat[w->index];
	struct mcr_group_source *source = source_slot(stat, v, w->now);
	uint64_t bytes = 0;

	for (uint32_t k = 0; k < n; k++)
		bytes += b->mbuf[b->run.at[first + k]]->pkt_len;
	stat->in_packets += n;
	stat->in_bytes += bytes;
	source->packets += n;
	source->bytes += bytes;
	source->last_tsc = w->now;
	source->port = v->port;
	source->peer = v->peer;
}

/* The sender's slot, or that of the one that was silent longest. */
static struct mcr_group_source *
source_slot(struct mcr_group_stat *stat, const struct mcr_view *v, uint64_t now)
{
	struct mcr_group_source *oldest = &stat->source[0];

	for (unsigned k = 0; k < MCR_GROUP_SOURCES; k++) {
		struct mcr_group_source *s = &stat->source[k];

		if (mcr_addr_eq(&s->addr, &v->src))
			return s;
		if (s->last_tsc < oldest->last_tsc)
			oldest = s;
	}
	memset(oldest, 0, sizeof(*oldest));
	oldest->addr = v->src;
	oldest->last_tsc = now;
	return oldest;
}
