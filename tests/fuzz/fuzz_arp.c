/* SPDX-License-Identifier: BSD-3-Clause */
/* ARP and ICMP echo: what any host on an uplink can send us. */
#include "fuzz.h"

#include "pkt/arp.h"

static void
arp_from(const uint8_t *data, size_t size)
{
	uint8_t *wire = exact_copy(data, size);
	const struct mcr_mac all = {.b = {255, 255, 255, 255, 255, 255}};
	struct mcr_arp a, again;
	uint8_t frame[MCR_ARP_FRAME_LEN];

	if (mcr_arp_parse(wire, size, &a) == 0) {
		CHECK(mcr_arp_write(frame, &all, &a) == MCR_ARP_FRAME_LEN);
		CHECK(mcr_arp_parse(frame + 14, sizeof(frame) - 14, &again) == 0);
		CHECK(again.op == a.op);
		CHECK(mcr_addr_eq(&again.sender, &a.sender) &&
			mcr_addr_eq(&again.target, &a.target));
		CHECK(memcmp(&again.sender_mac, &a.sender_mac, sizeof(a.sender_mac)) == 0);
	}
	free(wire);
}

static void
echo_from(const uint8_t *data, size_t size)
{
	const struct mcr_mac own = {.b = {2, 0, 0, 0, 0, 1}};
	uint8_t *frame = exact_copy(data, size);

	/* A refused frame stays as it was; a reply is no request any more. */
	if (mcr_icmp_echo_reply(frame, size, &own) != 0)
		CHECK(size == 0 || memcmp(frame, data, size) == 0);
	else
		CHECK(mcr_icmp_echo_reply(frame, size, &own) != 0);
	free(frame);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 9728)
		return 0;
	arp_from(data, size);
	echo_from(data, size);
	return 0;
}
