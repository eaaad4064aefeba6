/* SPDX-License-Identifier: BSD-3-Clause */
#include "port/bringup.h"

#include "base/compat.h"
#include "port/device.h"
#include "port/driver.h"
#include "port/kernel.h"
#include "port/netns.h"
#include "port/quirk.h"

#include <rte_common.h>
#include <rte_ether.h>

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

/* Two tags: what a frame may have beyond Ethernet header and MTU. */
#define TAGS_LEN (2 * RTE_VLAN_HLEN)
#define MTU_MAX 9702
#define DESC_DEFAULT 1024
/* On a NIC a small frame costs less as a copy than as two descriptors. */
#define COPY_BELOW_NIC 256

struct bring_up {
	const struct mcr_port_param *p;
	struct mcr_errs *errs;
	struct mcr_port *port;
	struct rte_eth_dev_info info;
	struct rte_mempool *pool;
	struct mcr_device_log log;
	int error; /* errno of the step that failed */
};

static int identify(struct bring_up *b, uint16_t id);
static void read_capability(struct bring_up *b);
static void choose_queues(struct bring_up *b);
static int choose_mtu(struct bring_up *b);
static int configure(struct bring_up *b);
static int set_up_queues(struct bring_up *b);
static int set_mac(struct bring_up *b);
static int start(struct bring_up *b);
static int part_kernel_mac(struct bring_up *b);
static int set_receive_mode(struct bring_up *b);
static int refuse(struct bring_up *b, int ret, const char *what);

/* In this order; net_tap wants its MAC known before the start, and its kernel side parted after it.
 */
static int (*const steps[])(struct bring_up *) = {
	choose_mtu,
	configure,
	set_up_queues,
	set_mac,
	start,
	part_kernel_mac,
	set_receive_mode,
};

struct mcr_port *
mcr_port_bring_up(uint16_t ethdev_id, const struct mcr_port_param *p, struct mcr_errs *errs)
{
	struct bring_up b = {.p = p, .errs = errs};
	int ret;

	b.port = calloc(1, sizeof(*b.port));
	if (b.port == NULL)
		return NULL;
	mcr_device_log_begin(&b.log);
	ret = identify(&b, ethdev_id);
	if (ret == 0) {
		read_capability(&b);
		choose_queues(&b);
	}
	for (unsigned i = 0; i < RTE_DIM(steps) && ret == 0; i++)
		ret = steps[i](&b);
	mcr_device_log_end(&b.log);
	if (ret == 0) {
		mcr_device_take(ethdev_id, true);
		return b.port;
	}
	if (b.port->is_started)
		(void)rte_eth_dev_stop(ethdev_id); /* on the way out */
	free(b.port);
	errno = b.error;
	return NULL;
}

static int
identify(struct bring_up *b, uint16_t id)
{
	char device[RTE_ETH_NAME_MAX_LEN];
	struct mcr_port *port = b->port;
	int ret;

	snprintf(port->name, sizeof(port->name), "%s", b->p->name);
	snprintf(port->netns, sizeof(port->netns), "%s", b->p->netns);
	port->id = id;
	ret = rte_eth_dev_info_get(id, &b->info);
	if (ret == 0)
		ret = rte_eth_dev_get_name_by_port(id, device);
	if (ret != 0)
		return refuse(b, ret, "device is not there");
	snprintf(port->device, sizeof(port->device), "%s", device);
	snprintf(port->driver, sizeof(port->driver), "%s", b->info.driver_name);
	port->netns_id = mcr_netns_id(port->netns);
	port->interface_index = b->info.if_index;
	if (b->info.if_index != 0 && if_indextoname(b->info.if_index, port->interface) == NULL)
		port->interface[0] = '\0';
	port->socket = rte_eth_dev_socket_id(id);
	b->pool = b->p->pool[0];
	if (port->socket >= 0 && port->socket < RTE_MAX_NUMA_NODES &&
		b->p->pool[port->socket] != NULL)
		b->pool = b->p->pool[port->socket];
	return 0;
}

static void
read_capability(struct bring_up *b)
{
	const struct rte_eth_dev_info *info = &b->info;
	const struct mcr_driver *driver = mcr_driver_find(b->port->driver);
	struct mcr_port_cap *cap = &b->port->cap;
	uint32_t mtu = MTU_MAX;

	cap->is_vdev = driver != NULL;
	cap->has_advisory_link = driver != NULL && driver->has_advisory_link;
	cap->multi_segs = (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0;
	cap->rx_ip_csum = (info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_IPV4_CKSUM) != 0;
	cap->rx_udp_csum = (info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_UDP_CKSUM) != 0;
	cap->tx_ip_csum = (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0;
	cap->has_inline_esp = (info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SECURITY) != 0 &&
	                      (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_SECURITY) != 0;
	cap->has_rss = (info->flow_type_rss_offloads & RTE_ETH_RSS_IP) != 0;
	cap->max_rx = info->max_rx_queues;
	cap->max_tx = info->max_tx_queues;
	cap->max_segs = info->tx_desc_lim.nb_mtu_seg_max != 0 ? info->tx_desc_lim.nb_mtu_seg_max
	                                                      : UINT16_MAX;
	cap->copy_below = cap->is_vdev ? 0 : COPY_BELOW_NIC;
	if (info->max_mtu != 0 && info->max_mtu != UINT16_MAX)
		mtu = RTE_MIN(mtu, info->max_mtu);
	else if (info->max_rx_pktlen > RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN)
		mtu = RTE_MIN(mtu, info->max_rx_pktlen - RTE_ETHER_HDR_LEN - RTE_ETHER_CRC_LEN);
	cap->max_mtu = mtu;

	mcr_quirk_apply(b->port->driver, MCR_DPDK_RELEASE, cap);
	if (b->p->checksum != MCR_CSUM_AUTO)
		cap->tx_ip_csum = false;
}

static void
choose_queues(struct bring_up *b)
{
	const struct mcr_port_param *p = b->p;
	struct mcr_port *port = b->port;
	uint16_t want = RTE_MAX(p->n_workers, 1u);

	port->n_rx = RTE_MIN(p->n_rx != 0 ? p->n_rx : want, port->cap.max_rx);
	port->n_tx = RTE_MIN(p->n_tx != 0 ? p->n_tx : want, port->cap.max_tx);
	/* net_tap has one descriptor of /dev/net/tun for each pair. */
	if (strcmp(port->driver, "net_tap") == 0)
		port->n_rx = port->n_tx = RTE_MAX(port->n_rx, port->n_tx);
}

/* The MTU asked for, else what the kernel's interface or the device has now. */
static int
choose_mtu(struct bring_up *b)
{
	struct mcr_port *port = b->port;
	uint32_t room = rte_pktmbuf_data_room_size(b->pool) - RTE_PKTMBUF_HEADROOM;
	uint16_t mtu = 0;

	if (mcr_port_check_mtu(port, b->p, b->errs) != 0) {
		b->error = EINVAL;
		return -EINVAL;
	}
	if (port->interface[0] != '\0')
		(void)mcr_kernel_get_mtu(port->interface, &mtu); /* else as without an interface */
	if (mtu == 0 && rte_eth_dev_get_mtu(port->id, &mtu) != 0)
		mtu = RTE_ETHER_MTU;
	mtu = RTE_MIN(mtu, port->cap.max_mtu);
	/* Nobody asked for the 64 KB of a loopback: what our buffers hold is enough. */
	room -= RTE_ETHER_HDR_LEN + TAGS_LEN;
	port->own_mtu = RTE_MIN(mtu, room);
	port->mtu = b->p->mtu != 0 ? b->p->mtu : port->own_mtu;
	/* Beyond the buffers frames are scattered, which is settled before the start. */
	port->max_live_mtu =
		port->mtu > room ? port->cap.max_mtu : RTE_MIN(room, port->cap.max_mtu);
	return 0;
}

/* On a NIC it takes vectors and some drivers' fast paths; net_tap has a descriptor anyhow. */
static bool
wants_rx_interrupt(const struct bring_up *b)
{
	return b->p->wants_rx_interrupt || strcmp(b->port->driver, "net_tap") == 0;
}

static int
configure(struct bring_up *b)
{
	struct mcr_port *port = b->port;
	const struct mcr_port_cap *cap = &port->cap;
	struct rte_eth_conf conf = {.rxmode.mtu = port->mtu};
	uint32_t room = rte_pktmbuf_data_room_size(b->pool) - RTE_PKTMBUF_HEADROOM;
	int ret;

	if (cap->rx_ip_csum)
		conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_IPV4_CKSUM;
	if (cap->rx_udp_csum)
		conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
	if (cap->tx_ip_csum)
		conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
	/* MBUF_FAST_FREE never: it demands that every sent buffer has one owner and one pool. */
	if (cap->multi_segs)
		conf.txmode.offloads |= b->info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	if ((uint32_t)port->mtu + RTE_ETHER_HDR_LEN + TAGS_LEN > room) {
		if ((b->info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) == 0) {
			mcr_err_fix(mcr_port_refuse(b->p, b->errs, MCR_ERROR,
					    "mtu %u does not fit into packet buffers of %u bytes",
					    port->mtu, room),
				"set port %s mtu %u, or restart mcrd: buffers are sized at start",
				port->name, room - RTE_ETHER_HDR_LEN - TAGS_LEN);
			b->error = EINVAL;
			return -EINVAL;
		}
		conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_SCATTER;
	}
	if (port->n_rx > 1 && cap->has_rss) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf =
			(RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP) & b->info.flow_type_rss_offloads;
	}
	conf.intr_conf.rxq = wants_rx_interrupt(b);
	ret = rte_eth_dev_configure(port->id, port->n_rx, port->n_tx, &conf);
	return ret == 0 ? 0 : refuse(b, ret, "cannot be configured");
}

static int
set_up_queues(struct bring_up *b)
{
	const struct mcr_port_param *p = b->p;
	struct mcr_port *port = b->port;
	uint16_t n_rx_desc = p->rx_desc != 0 ? p->rx_desc : DESC_DEFAULT;
	uint16_t n_tx_desc = p->tx_desc != 0 ? p->tx_desc : DESC_DEFAULT;
	unsigned socket = port->socket < 0 ? (unsigned)SOCKET_ID_ANY : (unsigned)port->socket;
	int ret;

	ret = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &n_rx_desc, &n_tx_desc);
	if (ret != 0)
		return refuse(b, ret, "does not take its descriptors");
	for (uint16_t q = 0; q < port->n_rx; q++) {
		ret = rte_eth_rx_queue_setup(port->id, q, n_rx_desc, socket, NULL, b->pool);
		if (ret != 0)
			return refuse(b, ret, "a receive queue cannot be set up");
	}
	for (uint16_t q = 0; q < port->n_tx; q++) {
		ret = rte_eth_tx_queue_setup(port->id, q, n_tx_desc, socket, NULL);
		if (ret != 0)
			return refuse(b, ret, "a transmit queue cannot be set up");
	}
	return 0;
}

static int
set_mac(struct bring_up *b)
{
	struct mcr_port *port = b->port;
	struct rte_ether_addr mac;
	bool is_asked;
	int ret;

	ret = rte_eth_macaddr_get(port->id, &mac);
	if (ret != 0)
		return refuse(b, ret, "has no Ethernet address");
	memcpy(&port->mac, &mac, sizeof(port->mac));

	memcpy(&mac, &b->p->mac, sizeof(mac));
	is_asked = !rte_is_zero_ether_addr(&mac);
	if (!is_asked && memcmp(&port->mac, &(struct mcr_mac){0}, sizeof(port->mac)) != 0)
		return 0;
	/* net_ring has the zero address: nobody could answer it, so it gets a random one. */
	if (!is_asked)
		rte_eth_random_addr(mac.addr_bytes);
	ret = rte_eth_dev_default_mac_addr_set(port->id, &mac);
	/* A virtual device without an address filter need not know its address. */
	if (ret != 0 && !(ret == -ENOTSUP && port->cap.is_vdev))
		return refuse(b, ret, "does not take its Ethernet address");
	memcpy(&port->mac, &mac, sizeof(port->mac));
	return 0;
}

static int
start(struct bring_up *b)
{
	struct mcr_port *port = b->port;
	uint16_t mtu;
	int ret;

	if (b->p->mtu != 0) {
		ret = rte_eth_dev_set_mtu(port->id, port->mtu);
		if (ret != 0 && ret != -ENOTSUP)
			return refuse(b, ret, "does not take its mtu");
	}
	ret = rte_eth_dev_start(port->id);
	if (ret != 0 && strcmp(port->driver, "net_memif") == 0) {
		mcr_port_refuse(b->p, b->errs, MCR_WARNING,
			"the other side of the memif is not there yet; the port is pending");
		b->error = EAGAIN;
		return -EAGAIN;
	}
	if (ret != 0)
		return refuse(b, ret, "cannot be started");
	port->is_started = true;
	if (b->p->mtu != 0 && rte_eth_dev_get_mtu(port->id, &mtu) == 0 && mtu != port->mtu)
		return refuse(b, -EINVAL, "does not keep its mtu");
	port->cap.has_rx_interrupt =
		wants_rx_interrupt(b) && rte_eth_dev_rx_intr_ctl_q_get_fd(port->id, 0) >= 0;
	return 0;
}

/*
 * net_tap gives the kernel's interface the address of the port. The host behind it would then
 * drop what we send as its own, and answer for us. So the kernel's side gets another one; after the
 * start, because the start writes the port's address there once more.
 */
static int
part_kernel_mac(struct bring_up *b)
{
	struct mcr_port *port = b->port;
	struct mcr_mac mac = port->mac;
	int ret;

	if (strcmp(port->driver, "net_tap") != 0 || port->interface[0] == '\0')
		return 0;
	mac.b[0] |= 0x02; /* locally administered */
	mac.b[1] ^= 0x80;
	ret = mcr_kernel_set_mac(port->interface, &mac);
	return ret == 0 ? 0
	                : refuse(b, ret, "its interface does not take another Ethernet address");
}

/*
 * Every group that any host may join must come in, so an address filter is no help: all-multicast
 * where the driver has it, else promiscuous.
 */
static int
set_receive_mode(struct bring_up *b)
{
	struct mcr_port *port = b->port;
	int ret = 0;

	port->receive_mode = "Normal";
	if (b->p->receive_multicast == MCR_RX_OFF) {
		(void)rte_eth_allmulticast_disable(port->id); /* -ENOTSUP: it never was on */
		(void)rte_eth_promiscuous_disable(port->id);
		return 0;
	}
	if (rte_eth_allmulticast_enable(port->id) == 0) {
		port->receive_mode = "All-multicast";
		return 0;
	}
	ret = rte_eth_promiscuous_enable(port->id);
	if (ret == 0)
		port->receive_mode = "Promiscuous";
	else if (b->p->receive_multicast == MCR_RX_ON)
		return refuse(b, ret, "cannot receive all multicast");
	return 0;
}

void
mcr_port_restore_receive_mode(const struct mcr_port *port)
{
	/* The flag stays on a kernel interface that outlives the port. */
	if (strcmp(port->receive_mode, "Promiscuous") == 0 && port->interface[0] != '\0')
		(void)rte_eth_promiscuous_disable(port->id);
}

static int
refuse(struct bring_up *b, int ret, const char *what)
{
	char reason[256];

	mcr_device_log_reason(&b->log, reason, sizeof(reason));
	if (reason[0] == '\0')
		snprintf(reason, sizeof(reason), "%s", strerror(ret < 0 ? -ret : ret));
	mcr_port_refuse(
		b->p, b->errs, MCR_ERROR, "device %s %s: %s", b->port->device, what, reason);
	b->error = ret < 0 ? -ret : EIO;
	return ret < 0 ? ret : -EIO;
}
