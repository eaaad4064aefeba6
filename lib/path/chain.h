/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_PATH_CHAIN_H
#define MCR_PATH_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

/*
 * Work on a chain of mbufs that is ours alone (every count is 1), wherever its segments end. No
 * segment is left with 0 bytes: some drivers refuse those (bnxt).
 */

/* Take `len` bytes off the front, less than the chain has. Returns the head, maybe another mbuf. */
struct rte_mbuf *mcr_chain_strip(struct rte_mbuf *m, uint32_t len);
/* Cut the chain to `len` bytes, 1 or more. */
void mcr_chain_cut(struct rte_mbuf *m, uint32_t len);
/* Overwrite bytes; all of them lie in the chain. */
void mcr_chain_write(struct rte_mbuf *m, uint32_t off, const void *bytes, uint32_t len);
/*
 * The sum of `len` bytes as mcr_csum_add makes it, folded. (rte_raw_cksum_mbuf of DPDK 22.11 loses
 * carries when a segment starts at an odd byte.)
 */
uint16_t mcr_chain_sum(const struct rte_mbuf *m, uint32_t off, uint32_t len);
/* All bytes of the chain into one piece. */
void mcr_chain_read_all(const struct rte_mbuf *m, uint8_t *to);

/* Does nobody else hold one of its mbufs? (net_ring hands over mbufs, not bytes.) */
static inline bool
mcr_chain_is_ours(const struct rte_mbuf *m)
{
	for (; m; m = m->next)
		if (rte_mbuf_refcnt_read(m) != 1)
			return false;
	return true;
}

/* May its bytes be changed? The bytes of an indirect or external buffer can be somebody else's too.
 */
static inline bool
mcr_chain_is_writable(const struct rte_mbuf *m)
{
	for (; m; m = m->next)
		if (rte_mbuf_refcnt_read(m) != 1 || !RTE_MBUF_DIRECT(m))
			return false;
	return true;
}

#endif
