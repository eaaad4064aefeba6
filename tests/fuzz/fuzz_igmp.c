/* SPDX-License-Identifier: BSD-3-Clause */
/* IGMP messages of all versions, and that what we write is what we read. */
#include "fuzz.h"

#include "pkt/igmp.h"
#include "pkt/rewrite.h"

/* Random bytes never have a right checksum: half of the inputs get one, or nothing deep is seen. */
static void
repair_checksums(uint8_t *ip, size_t len)
{
	size_t ihl = len > 0 ? (ip[0] & 15) * 4u : 0;
	uint16_t sum;
	size_t total;

	if (len < 20 || ihl < 20 || ihl > len)
		return;
	ip[10] = ip[11] = 0;
	sum = mcr_csum_fold(mcr_csum_add(0, ip, ihl));
	memcpy(ip + 10, &sum, 2);
	total = (size_t)ip[2] << 8 | ip[3];
	if (total > len || total < ihl + 4)
		return;
	ip[ihl + 2] = ip[ihl + 3] = 0;
	sum = mcr_csum_fold(mcr_csum_add(0, ip + ihl, total - ihl));
	memcpy(ip + ihl + 2, &sum, 2);
}

static void
check_record(const uint8_t *ip, size_t len, const struct mcr_record *r)
{
	uint32_t i;

	CHECK(r->n_sources == 0 || (r->sources >= ip && r->sources < ip + len));
	CHECK((size_t)r->n_sources * r->addr_len <= len);
	for (i = 0; i < r->n_sources; i++) {
		struct mcr_addr a = mcr_mship_source(r->sources, r->addr_len, i);

		CHECK(mcr_addr_is_v4(&a));
	}
}

static void
check_report(const uint8_t *ip, size_t len, const struct mcr_mship *m)
{
	uint32_t cursor = 0, n = 0;
	struct mcr_record r;

	while (mcr_mship_next_record(m, &cursor, &r)) {
		check_record(ip, len, &r);
		n++;
	}
	CHECK(n == m->n_records);
}

static void
check_query(const uint8_t *ip, size_t len, const struct mcr_mship *m)
{
	struct mcr_addr sources[64];
	struct mcr_query_spec q = {
		.src = m->src,
		.group = m->group,
		.version = m->version,
		.max_resp_ms = m->max_resp_ms,
		.qqi_s = m->qqi_s,
		.qrv = m->qrv,
		.s_flag = m->s_flag,
		.sources = sources,
		.n_sources = m->n_sources < 64 ? m->n_sources : 64,
	};
	struct mcr_mship again;
	uint8_t buf[1500];
	uint32_t i;
	int written;

	CHECK(m->n_sources == 0 || (m->sources >= ip && m->sources < ip + len));
	if (m->version == 1)
		return;
	for (i = 0; i < q.n_sources; i++)
		sources[i] = mcr_mship_source(m->sources, m->addr_len, i);
	written = mcr_igmp_write_query(buf, sizeof(buf), &q);
	CHECK(written > 0);
	CHECK(mcr_igmp_parse(buf, written, &again) == 0);
	CHECK(again.type == MCR_MSHIP_QUERY && again.version == m->version);
	CHECK(mcr_addr_eq(&again.group, &m->group));
	CHECK(again.max_resp_ms == m->max_resp_ms);
	if (m->version == 3) {
		CHECK(again.n_sources == q.n_sources && again.s_flag == m->s_flag);
		CHECK(again.qrv == m->qrv && again.qqi_s == m->qqi_s);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mcr_mship m;
	uint8_t *ip;
	int rc;

	if (size < 1 || size > 2048)
		return 0;
	ip = exact_copy(data + 1, size - 1);
	if (data[0] & 1)
		repair_checksums(ip, size - 1);
	rc = mcr_igmp_parse(ip, size - 1, &m);
	if (rc != 0) {
		CHECK(MCR_MSHIP_DROP(rc) < MCR_DROP_MAX);
	} else if (m.type == MCR_MSHIP_QUERY) {
		check_query(ip, size - 1, &m);
	} else {
		check_report(ip, size - 1, &m);
	}
	free(ip);
	return 0;
}
