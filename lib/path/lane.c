/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lanes: the copies of a run. For each lane of the list that serves the run: tiles of up to 64
 * copies, frame by frame inside a tile, so that every target sees the frames in their order. One
 * emit function per maker is chosen per tile.
 */
#include "path/internal.h"

#include "path/chain.h"

#include <rte_memcpy.h>
#include <rte_mempool.h>

#define ETH_LEN 14
#define ETH_MIN 60 /* without the checksum that the port adds */
/* Fewer copies of a frame than this do not pay for a patch. */
#define PATCH_FROM 3

/* How one frame passes one lane. */
enum how { BY_SHARE, BY_COPY, BY_RESOLVE, HOW_MAX };

struct tile {
	const struct mcr_lane *lane;
	const struct mcr_run *run;
	struct mcr_frame *frame;
	uint32_t n_frames;
	const uint32_t *id;
	uint32_t n_ids;
};

static bool serves(const struct mcr_lane *lane, const struct mcr_run *run);
static enum how
how_of(const struct mcr_worker *w, const struct mcr_lane *lane, const struct mcr_frame *f);
static void raise_counts(struct mcr_worker *w, const struct mcr_run *run);
static void lane_run(struct mcr_worker *w, const struct mcr_run *run, const struct mcr_lane *lane);
static void build_patches(struct mcr_worker *w, const struct mcr_run *run, const struct tile *t);
static void send_tiles(struct mcr_worker *w, const struct tile *all, enum how how);
static void send_fitting(struct mcr_worker *w, const struct tile *all, enum how how);
static void emit_share(struct mcr_worker *w, const struct tile *t);
static void emit_copy(struct mcr_worker *w, const struct tile *t);
static void emit_resolve(struct mcr_worker *w, const struct tile *t);
static void lose(struct mcr_worker *w, const struct tile *t, struct mcr_frame *f,
	const uint32_t *id, uint32_t n, enum mcr_drop why);

typedef void (*emit_fn)(struct mcr_worker *w, const struct tile *t);

static const emit_fn emit[HOW_MAX] = {
	[BY_SHARE] = emit_share,
	[BY_COPY] = emit_copy,
	[BY_RESOLVE] = emit_resolve,
};

static inline const struct mcr_target *
target_of(const struct mcr_worker *w, uint32_t id)
{
	return atomic_load_explicit(&w->targets->slot[id], memory_order_acquire);
}

void
mcr_run_send(struct mcr_worker *w, const struct mcr_run *run)
{
	raise_counts(w, run);
	for (uint32_t i = 0; i < run->list->n_lanes; i++)
		if (serves(&run->list->lane[i], run))
			lane_run(w, run, &run->list->lane[i]);
}

/* Split horizon is data; beyond that a frame never goes back to the port it came from. */
static bool
serves(const struct mcr_lane *lane, const struct mcr_run *run)
{
	return lane->origins >> run->origin & 1 && !(lane->is_access && lane->port == run->port);
}

static enum how
how_of(const struct mcr_worker *w, const struct mcr_lane *lane, const struct mcr_frame *f)
{
	const struct mcr_tx *tx = &w->mine->tx[lane->port];

	if (lane->maker == MCR_MAKE_RESOLVE)
		return BY_RESOLVE;
	/* A padded copy would have its padding in the shared bytes. A tunnel header is long enough.
	 */
	if (lane->maker == MCR_MAKE_COPY || f->mbuf->nb_segs >= tx->max_segs ||
		f->len + ETH_LEN < tx->copy_below ||
		(lane->is_access && f->len + ETH_LEN < ETH_MIN))
		return BY_COPY;
	return BY_SHARE;
}

/* Once per frame and list, before the first copy can be freed; what is not made is taken back. */
static void
raise_counts(struct mcr_worker *w, const struct mcr_run *run)
{
	for (uint32_t i = 0; i < run->list->n_lanes; i++) {
		const struct mcr_lane *lane = &run->list->lane[i];

		if (!serves(lane, run) || !w->mine->tx[lane->port].is_up)
			continue;
		for (uint32_t k = 0; k < run->n; k++)
			if (how_of(w, lane, &run->frame[k]) == BY_SHARE)
				run->frame[k].n_shared += lane->count;
	}
	for (uint32_t k = 0; k < run->n; k++) {
		const struct mcr_frame *f = &run->frame[k];

		for (struct rte_mbuf *m = f->n_shared ? f->mbuf : NULL; m; m = m->next)
			rte_mbuf_refcnt_update(m, (int16_t)f->n_shared);
	}
}

static void
lane_run(struct mcr_worker *w, const struct mcr_run *run, const struct mcr_lane *lane)
{
	struct tile t = {.lane = lane,
		.run = run,
		.id = mcr_list_ids(run->list) + lane->first,
		.n_ids = lane->count};

	build_patches(w, run, &t);
	for (uint32_t k = 0; k < run->n; k += t.n_frames) {
		enum how how = how_of(w, lane, &run->frame[k]);

		t.frame = &run->frame[k];
		t.n_frames = 1;
		if (unlikely(!w->mine->tx[lane->port].is_up)) {
			lose(w, &t, t.frame, t.id, t.n_ids, MCR_DROP_TX_PORT_DOWN);
			continue;
		}
		if (unlikely(t.frame->len > lane->mtu)) {
			send_fitting(w, &t, how);
			continue;
		}
		while (k + t.n_frames < run->n && t.n_frames < MCR_TILE_FRAMES &&
			t.frame[t.n_frames].len <= lane->mtu &&
			how_of(w, lane, &t.frame[t.n_frames]) == how)
			t.n_frames++;
		send_tiles(w, &t, how);
	}
}

/*
 * What the headers get from each frame, for the layout of the lane's first target, which nearly
 * always is that of all: the varying fields as a template of zeros gets them. Made for the whole
 * run before the first header, so that the stores are through when they are read as vectors.
 */
static void
build_patches(struct mcr_worker *w, const struct mcr_run *run, const struct tile *t)
{
	const struct mcr_target *target = target_of(w, t->id[0]);
	struct mcr_encap zero;

	if (t->n_ids < PATCH_FROM || target->layout == run->frame[0].layout)
		return;
	zero = target->encap;
	memset(zero.hdr, 0, sizeof(zero.hdr));
	zero.tos = 0;
	for (uint32_t k = 0; k < run->n; k++) {
		mcr_encap_write(
			run->frame[k].patch + MCR_ENCAP_SCRATCH, &zero, &run->frame[k].vary);
		run->frame[k].layout = target->layout;
	}
}

static void
send_tiles(struct mcr_worker *w, const struct tile *all, enum how how)
{
	const uint32_t width = MCR_TILE / MCR_TILE_FRAMES * (MCR_TILE_FRAMES / all->n_frames);
	struct tile t = *all;

	for (uint32_t done = 0; done < all->n_ids; done += t.n_ids) {
		t.id = all->id + done;
		t.n_ids = RTE_MIN(width, all->n_ids - done);
		emit[how](w, &t);
	}
}

/* One frame that is too large for at least one target of the lane. */
static void
send_fitting(struct mcr_worker *w, const struct tile *all, enum how how)
{
	struct tile t = *all;
	uint32_t fit[MCR_TILE];

	t.id = fit;
	for (uint32_t i = 0; i < all->n_ids;) {
		t.n_ids = 0;
		for (; i < all->n_ids && t.n_ids < MCR_TILE; i++) {
			const struct mcr_target *target = atomic_load_explicit(
				&w->targets->slot[all->id[i]], memory_order_acquire);

			if (all->frame->len <= target->mtu)
				fit[t.n_ids++] = all->id[i];
			else
				lose(w, all, all->frame, &all->id[i], 1, MCR_DROP_REPL_MTU);
		}
		if (t.n_ids)
			emit[how](w, &t);
	}
}

/*
 * At least one mbuf in the stash, better `want`; 0 when the pool is empty. A pool that cannot
 * give many at once may still give fewer.
 */
static inline uint32_t
stash_fill(struct mcr_stash *s, uint32_t want)
{
	if (likely(s->n >= want))
		return want;
	for (uint32_t more = MCR_STASH - s->n; more; more /= 2)
		if (rte_mempool_get_bulk(s->pool, (void **)&s->mbuf[s->n], more) == 0) {
			s->n += more;
			break;
		}
	return RTE_MIN(s->n, want);
}

/* All metadata of a fresh mbuf that a driver looks at, in four stores. */
static inline void
mbuf_set(struct rte_mbuf *m, uint16_t data_off, uint16_t n_segs, uint32_t pkt_len, uint16_t len)
{
	const uint64_t rearm = (uint64_t)data_off | UINT64_C(1) << 16 | (uint64_t)n_segs << 32 |
	                       (uint64_t)RTE_MBUF_PORT_INVALID << 48;
	const uint64_t type_len = (uint64_t)pkt_len << 32, len_vlan = len;

	_Static_assert(RTE_BYTE_ORDER == RTE_LITTLE_ENDIAN, "fields packed into words");
	_Static_assert(
		offsetof(struct rte_mbuf, refcnt) == offsetof(struct rte_mbuf, data_off) + 2 &&
			offsetof(struct rte_mbuf, port) ==
				offsetof(struct rte_mbuf, data_off) + 6 &&
			offsetof(struct rte_mbuf, data_len) ==
				offsetof(struct rte_mbuf, packet_type) + 8,
		"layout of an mbuf");
	memcpy(&m->data_off, &rearm, sizeof(rearm));
	m->ol_flags = 0;
	memcpy(&m->packet_type, &type_len, sizeof(type_len));
	memcpy(&m->data_len, &len_vlan, sizeof(len_vlan));
}

static inline void
count_target(struct mcr_worker *w, uint32_t id, uint32_t bytes)
{
	w->target_stat[id].packets++;
	w->target_stat[id].bytes += bytes;
}

static inline void
count_run(const struct tile *t, uint32_t packets, uint64_t bytes)
{
	if (t->run->stat) {
		t->run->stat->out_packets += packets;
		t->run->stat->out_bytes += bytes;
	}
}

/* Room in the port's transmit buffer is never less than MCR_TX_BUFFER - MCR_TX_BURST + 1. */
static inline void
tx_added(
	struct mcr_worker *w, const struct tile *t, struct mcr_frame *f, uint32_t n, uint64_t bytes)
{
	unsigned port = t->lane->port;
	struct mcr_txbuf *tx = &w->tx[port];

	f->n_copies += n;
	count_run(t, n, bytes);
	tx->n += n;
	tx->bytes += bytes;
	w->tx_pending |= UINT64_C(1) << port;
	if (tx->n >= MCR_TX_BURST)
		mcr_tx_send(w, port);
}

/* The first bytes of a header are two vectors; longer than that are those over IPv6 alone. */
typedef uint8_t vector __attribute__((vector_size(32), aligned(1), may_alias));
#define SHORT_HEADER (2 * sizeof(vector))

static inline void
header_write(uint8_t *out, const struct mcr_target *target, struct mcr_frame *f)
{
	const vector *hdr = (const vector *)target->encap.hdr;
	const vector *patch = (const vector *)(f->patch + MCR_ENCAP_SCRATCH);
	vector *to = (vector *)out;

	_Static_assert(MCR_ENCAP_ROOM == 3 * sizeof(vector), "three vectors");
	if (unlikely(target->layout != f->layout || target->layout == MCR_LAYOUT_NONE)) {
		mcr_encap_write(out, &target->encap, &f->vary);
		return;
	}
	to[0] = hdr[0] | patch[0];
	to[1] = hdr[1] | patch[1];
	if (target->encap.len > SHORT_HEADER)
		to[2] = hdr[2] | patch[2];
}

/* `n` headers from the stash in front of the payload, whose own fields do not change. Bytes. */
static inline uint64_t
share_write(struct mcr_worker *w, struct mcr_frame *f, const uint32_t *id, uint32_t n,
	struct rte_mbuf **to)
{
	_Atomic(const struct mcr_target *) *slot = w->targets->slot;
	struct mcr_target_stat *stat = w->target_stat;
	struct rte_mbuf **from = &w->header.mbuf[w->header.n - n];
	struct rte_mbuf *payload = f->mbuf;
	const uint16_t n_segs = payload->nb_segs + 1;
	const uint32_t payload_len = f->len;
	uint64_t bytes = 0;

	for (uint32_t k = 0; k < n; k++) {
		const struct mcr_target *target =
			atomic_load_explicit(&slot[id[k]], memory_order_acquire);
		const uint32_t len = target->encap.len, pkt_len = len + payload_len;
		struct rte_mbuf *m = from[k];

		header_write((uint8_t *)m->buf_addr + MCR_ENCAP_SCRATCH, target, f);
		mbuf_set(m, MCR_ENCAP_SCRATCH, n_segs, pkt_len, len);
		m->next = payload;
		to[k] = m;
		stat[id[k]].packets++;
		stat[id[k]].bytes += pkt_len;
		bytes += pkt_len;
	}
	w->header.n -= n;
	return bytes;
}

static void
emit_share(struct mcr_worker *w, const struct tile *t)
{
	struct mcr_txbuf *tx = &w->tx[t->lane->port];

	for (struct mcr_frame *f = t->frame; f < t->frame + t->n_frames; f++)
		for (uint32_t done = 0, n; done < t->n_ids; done += n) {
			const uint32_t *id = t->id + done;

			n = stash_fill(&w->header, RTE_MIN(t->n_ids - done, MCR_TX_BUFFER - tx->n));
			if (unlikely(!n)) {
				lose(w, t, f, id, t->n_ids - done, MCR_DROP_REPL_NO_BUFFER);
				break;
			}
			tx_added(w, t, f, n, share_write(w, f, id, n, tx->mbuf + tx->n));
		}
}

/* Header and payload in one piece, padded to the shortest Ethernet frame. */
static inline uint32_t
write_copy(uint8_t *out, const struct mcr_target *target, struct mcr_frame *f)
{
	uint32_t len = target->encap.len + f->len;

	header_write(out, target, f);
	if (likely(f->mbuf->nb_segs == 1))
		rte_memcpy(
			out + target->encap.len, rte_pktmbuf_mtod(f->mbuf, const void *), f->len);
	else
		mcr_chain_read_all(f->mbuf, out + target->encap.len);
	if (len < ETH_MIN) {
		memset(out + len, 0, ETH_MIN - len);
		len = ETH_MIN;
	}
	return len;
}

static inline bool
has_room(const struct rte_mempool *pool, const struct mcr_frame *f)
{
	return f->len + MCR_ENCAP_ROOM + RTE_PKTMBUF_HEADROOM <=
	       rte_pktmbuf_data_room_size((struct rte_mempool *)(uintptr_t)pool);
}

static inline uint64_t
copies_write(struct mcr_worker *w, struct mcr_frame *f, const uint32_t *id, uint32_t n,
	struct rte_mbuf **to)
{
	struct rte_mbuf **from = &w->copy.mbuf[w->copy.n - n];
	uint64_t bytes = 0;

	for (uint32_t k = 0; k < n; k++) {
		struct rte_mbuf *m = from[k];
		uint32_t len = write_copy(
			(uint8_t *)m->buf_addr + RTE_PKTMBUF_HEADROOM, target_of(w, id[k]), f);

		mbuf_set(m, RTE_PKTMBUF_HEADROOM, 1, len, len);
		to[k] = m;
		count_target(w, id[k], len);
		bytes += len;
	}
	w->copy.n -= n;
	return bytes;
}

static void
emit_copy(struct mcr_worker *w, const struct tile *t)
{
	struct mcr_txbuf *tx = &w->tx[t->lane->port];

	for (struct mcr_frame *f = t->frame; f < t->frame + t->n_frames; f++) {
		if (unlikely(!has_room(w->copy.pool, f))) {
			lose(w, t, f, t->id, t->n_ids, MCR_DROP_REPL_MTU);
			continue;
		}
		for (uint32_t done = 0, n; done < t->n_ids; done += n) {
			const uint32_t *id = t->id + done;

			n = stash_fill(&w->copy, RTE_MIN(t->n_ids - done, MCR_TX_BUFFER - tx->n));
			if (unlikely(!n)) {
				lose(w, t, f, id, t->n_ids - done, MCR_DROP_REPL_NO_BUFFER);
				break;
			}
			tx_added(w, t, f, n, copies_write(w, f, id, n, tx->mbuf + tx->n));
		}
	}
}

/* Finished but for the next hop's MAC: main asks for it and sends the copy. */
static void
emit_resolve(struct mcr_worker *w, const struct tile *t)
{
	struct rte_mempool *pool = w->pools->control;

	for (struct mcr_frame *f = t->frame; f < t->frame + t->n_frames; f++)
		for (uint32_t k = 0; k < t->n_ids; k++) {
			struct rte_mbuf *m = NULL;
			uint32_t len;

			if (w->resolve_left && has_room(pool, f))
				m = rte_pktmbuf_alloc(pool);
			if (!m) {
				lose(w, t, f, &t->id[k], 1, MCR_DROP_REPL_NO_NEIGHBOR);
				continue;
			}
			w->resolve_left--;
			len = write_copy(rte_pktmbuf_mtod(m, uint8_t *), target_of(w, t->id[k]), f);
			m->data_len = len;
			m->pkt_len = len;
			*mcr_punt_of(m) = (struct mcr_punt){.kind = MCR_PUNT_RESOLVE,
				.port = t->lane->port,
				.l2_len = ETH_LEN,
				.vid = MCR_VID_NONE,
				.segment = f->segment,
				.peer = MCR_PEER_NONE,
				.target = t->id[k]};
			if (!mcr_punt_resolve(w, m)) {
				lose(w, t, f, &t->id[k], 1, MCR_DROP_REPL_NO_NEIGHBOR);
				continue;
			}
			f->n_resolving++;
			count_target(w, t->id[k], len);
			count_run(t, 1, len);
		}
}

/* Copies that are not made, for one reason: counted where they should have gone out. */
static void
lose(struct mcr_worker *w, const struct tile *t, struct mcr_frame *f, const uint32_t *id,
	uint32_t n, enum mcr_drop why)
{
	w->stat->port[t->lane->port].drop[why] += n;
	for (uint32_t k = 0; k < n; k++)
		w->target_stat[id[k]].drops++;
	if (t->run->stat)
		t->run->stat->drops += n;
	f->n_copies += n;
	if (w->mine->tx[t->lane->port].is_up && how_of(w, t->lane, f) == BY_SHARE)
		f->n_unmade += n;
}
