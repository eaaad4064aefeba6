/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_PKT_ARP_H
#define MCR_PKT_ARP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

/* ARP (RFC 826) and ICMP echo (RFC 792) frames: read and write, pure. */
enum { MCR_ARP_REQUEST = 1, MCR_ARP_REPLY = 2 };

struct mcr_arp {
	uint16_t op;
	struct mcr_mac sender_mac, target_mac;
	struct mcr_addr sender, target;
};

/* `arp` starts behind the Ethernet header. 0, or -EINVAL: wrong hardware, protocol or lengths. */
int mcr_arp_parse(const uint8_t *arp, uint32_t len, struct mcr_arp *a);
/* A whole frame of 60 bytes; eth_dst is broadcast for a request. Returns its length. */
#define MCR_ARP_FRAME_LEN 60
uint32_t mcr_arp_write(uint8_t *frame, const struct mcr_mac *eth_dst, const struct mcr_arp *a);

/*
 * Turn the echo request `frame` (Ethernet, IPv4) into its reply, in place, same length. 0, or
 * -EINVAL when it is none, is a fragment, or has a bad checksum.
 */
int mcr_icmp_echo_reply(uint8_t *frame, uint32_t len, const struct mcr_mac *own);

#endif
