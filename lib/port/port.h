/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_PORT_PORT_H
#define MCR_PORT_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ethdev.h>

#include "base/addr.h"
#include "base/err.h"

/*
 * A port: an ethdev that we brought up, found by PCI address or made from vdev arguments, perhaps
 * inside a network namespace. The capability record is what the data path goes by; a table in
 * quirk.c corrects drivers whose advertised capability is wrong in some DPDK version.
 * Main lcore only.
 */
struct mcr_port_param {
	char name[32];
	bool is_netdev;      /* dev names a kernel interface: net_af_xdp, else net_af_packet */
	char dev[128];       /* PCI address, vdev arguments, or interface name */
	char netns[64];      /* empty: ours */
	uint16_t mtu;        /* 0: the device's */
	uint16_t n_rx, n_tx; /* queues wanted; 0: one for each worker as far as there are */
	uint16_t rx_desc, tx_desc;
	unsigned n_workers;
	struct mcr_mac mac;      /* all zero: the device's */
	bool wants_rx_interrupt; /* of a NIC; others have what they have */
	enum { MCR_RX_AUTO, MCR_RX_ON, MCR_RX_OFF } receive_multicast;
	enum { MCR_CSUM_AUTO, MCR_CSUM_SOFTWARE, MCR_CSUM_OFF } checksum;
	/* payload pool per socket; [0] is the fallback */
	struct rte_mempool *pool[RTE_MAX_NUMA_NODES];
	const char *file; /* of the "add port" line, for errors */
	unsigned line;
};

struct mcr_xdp;

struct mcr_port_cap {
	bool multi_segs; /* takes chained mbufs: share lane allowed */
	bool rx_ip_csum, rx_udp_csum, tx_ip_csum;
	bool has_inline_esp;
	bool has_rss;
	bool is_vdev;
	bool has_advisory_link;  /* TAP, af_packet ...: link state is never a reason to stop */
	bool has_rx_interrupt;   /* a descriptor to sleep on: rte_eth_dev_rx_intr_ctl_q_get_fd */
	uint16_t max_rx, max_tx; /* queues */
	uint16_t max_segs;       /* segments of one sent packet */
	uint16_t copy_below;     /* smaller frames are copied even in a share lane */
	uint16_t max_mtu;
};

struct mcr_port {
	char name[32];
	uint16_t id;         /* of ethdev */
	uint16_t n_rx, n_tx; /* queues in use */
	bool is_started;
	bool owns_device; /* we attached it, so we detach it */
	int socket;
	uint16_t mtu;
	uint16_t own_mtu;      /* without `set port P mtu` */
	uint16_t max_live_mtu; /* more needs the device opened again */
	struct mcr_mac mac;
	char driver[32]; /* "net_tap" */
	char device[64]; /* "net_tap0" */
	char netns[64];
	char interface[16];       /* the kernel's side of it, or empty: TAP, af_packet, af_xdp */
	const char *receive_mode; /* "Normal", "All-multicast", "Promiscuous" */
	struct mcr_port_cap cap;
	uint64_t netns_id; /* of the namespace it was made in */
	unsigned interface_index;
	struct mcr_xdp *xdp; /* of an af_xdp port */
};

/*
 * Attach, check that the device is really there, configure, set up queues, start; with setns
 * around all of it when a namespace is given. NULL and one error with its fix. EAGAIN in errno: not
 * there yet (namespace or interface missing), said by a warning; may be tried again.
 */
struct mcr_port *mcr_port_create(const struct mcr_port_param *p, struct mcr_errs *errs);
/* Use an ethdev that exists already (rte_eth_from_rings in tests, EAL's command line). */
struct mcr_port *
mcr_port_adopt(uint16_t ethdev_id, const struct mcr_port_param *p, struct mcr_errs *errs);
void mcr_port_free(struct mcr_port *port); /* stop, close, detach */
/* Can this device carry the mtu (0: its own)? 0, or -EINVAL and an error that says how much. */
int mcr_port_check_mtu(
	const struct mcr_port *port, const struct mcr_port_param *p, struct mcr_errs *errs);
/* Change it while workers use the port. Negative: it has to be opened again for that. */
int mcr_port_set_mtu(struct mcr_port *port, uint16_t mtu);

/* The device words without touching a device: driver known, its arguments known. Needs no EAL. */
int mcr_port_check(const struct mcr_port_param *p, struct mcr_errs *errs);
bool mcr_port_is_pci(const char *dev); /* DDDD:BB:DD.F */
/* Buffers of the payload pool that the port will hold on to: for mcr_pool_param.rx_desc. */
uint32_t mcr_port_rx_buffers(const struct mcr_port_param *p);
/* State as a word: up, down. Advisory link: always up while started. */
bool mcr_port_is_up(const struct mcr_port *port);
/*
 * Its interface or its namespace was removed under it: nothing will ever come or go by it again.
 * Free it and create it anew. A few system calls: once a second, not more.
 */
bool mcr_port_is_gone(const struct mcr_port *port);

#endif
