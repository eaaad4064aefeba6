/* SPDX-License-Identifier: BSD-3-Clause */
#include "port/port.h"

#include "base/log.h"

#include "port/bringup.h"
#include "port/device.h"
#include "port/driver.h"
#include "port/kernel.h"
#include "port/netns.h"
#include "port/xdp.h"

#include <rte_common.h>

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#define DESC_DEFAULT 1024
/* More queues than this on a kernel interface are left to af_packet, which sees all of them by one.
 */
#define AF_XDP_QUEUES 8

static int
check_args(const struct mcr_port_param *p, const struct mcr_devargs *d, struct mcr_errs *errs);
static int
refuse_unknown(const struct mcr_port_param *p, const struct mcr_devargs *d, struct mcr_errs *errs);
static struct mcr_xdp *create_xdp(const struct mcr_port_param *p, const struct mcr_devargs *d);
static struct mcr_port *create_netdev(const struct mcr_port_param *p, struct mcr_errs *errs);
static struct mcr_port *
create_device(const struct mcr_port_param *p, const char *dev, struct mcr_errs *errs);

struct mcr_port *
mcr_port_create(const struct mcr_port_param *p, struct mcr_errs *errs)
{
	struct mcr_port *port;
	int token, err;

	if (mcr_port_check(p, errs) != 0) {
		errno = EINVAL;
		return NULL;
	}
	token = mcr_netns_enter(p->netns);
	if (token == -ENOENT) {
		mcr_err_fix(mcr_port_refuse(p, errs, MCR_WARNING,
				    "network namespace %s does not exist; the port is pending",
				    p->netns),
			"ip netns add %s", p->netns);
		errno = EAGAIN;
		return NULL;
	}
	if (token < 0 && token != MCR_NETNS_STAY) {
		mcr_err_fix(
			mcr_port_refuse(p, errs, MCR_ERROR, "cannot enter network namespace %s: %s",
				p->netns, strerror(-token)),
			"run as root, or add the capability      (container: --cap-add SYS_ADMIN)");
		errno = -token;
		return NULL;
	}
	port = p->is_netdev ? create_netdev(p, errs) : create_device(p, p->dev, errs);
	err = errno;
	mcr_netns_leave(token);
	errno = err;
	return port;
}

struct mcr_port *
mcr_port_adopt(uint16_t ethdev_id, const struct mcr_port_param *p, struct mcr_errs *errs)
{
	return mcr_port_bring_up(ethdev_id, p, errs);
}

int
mcr_port_check_mtu(
	const struct mcr_port *port, const struct mcr_port_param *p, struct mcr_errs *errs)
{
	if (p->mtu <= port->cap.max_mtu)
		return 0;
	mcr_err_fix(mcr_port_refuse(p, errs, MCR_ERROR, "mtu %u is more than %s can carry (%u)",
			    p->mtu, port->driver, port->cap.max_mtu),
		"set port %s mtu %u", port->name, port->cap.max_mtu);
	return -EINVAL;
}

int
mcr_port_set_mtu(struct mcr_port *port, uint16_t mtu)
{
	uint16_t wanted = mtu != 0 ? mtu : port->own_mtu, got;
	struct mcr_device_log log;
	int token, ret;

	if (wanted > port->max_live_mtu)
		return -ENOTSUP;
	token = mcr_netns_enter(port->netns);
	if (token < 0 && token != MCR_NETNS_STAY)
		return token;
	mcr_device_log_begin(&log);
	ret = rte_eth_dev_set_mtu(port->id, wanted);
	if (ret == 0 && rte_eth_dev_get_mtu(port->id, &got) == 0 && got != wanted)
		ret = -ENOTSUP;
	mcr_device_log_end(&log);
	mcr_netns_leave(token);
	if (ret == 0)
		port->mtu = wanted;
	return ret;
}

void
mcr_port_free(struct mcr_port *port)
{
	struct mcr_device_log log;
	int token;

	if (port == NULL)
		return;
	mcr_device_log_begin(&log);
	/* Drivers look up their interface by name or index again; a namespace that is gone took it
	 * along. */
	token = mcr_netns_enter(port->netns);
	if (port->xdp != NULL)
		mcr_xdp_drain(port);
	if (port->is_started)
		(void)rte_eth_dev_stop(port->id); /* whatever it says, the port is given up */
	/* By name, so only where that name is the interface we mean. */
	if (!mcr_port_is_gone(port))
		mcr_port_restore_receive_mode(port);
	mcr_device_take(port->id, false);
	if (port->owns_device)
		mcr_device_detach(port->id);
	mcr_xdp_free(port->xdp);
	mcr_netns_leave(token);
	mcr_device_log_end(&log);
	free(port);
}

bool
mcr_port_is_up(const struct mcr_port *port)
{
	struct rte_eth_link link = {0};

	if (!port->is_started || port->cap.has_advisory_link)
		return port->is_started;
	return rte_eth_link_get_nowait(port->id, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

bool
mcr_port_is_gone(const struct mcr_port *port)
{
	char name[IF_NAMESIZE];
	bool is_gone;
	int token;

	if (port->interface_index == 0)
		return false;
	if (port->netns_id != mcr_netns_id(port->netns))
		return true;
	token = mcr_netns_enter(port->netns);
	if (token < 0 && token != MCR_NETNS_STAY)
		return token == -ENOENT;
	is_gone = if_indextoname(port->interface_index, name) == NULL && errno == ENXIO;
	mcr_netns_leave(token);
	return is_gone;
}

uint32_t
mcr_port_rx_buffers(const struct mcr_port_param *p)
{
	uint32_t n_queues = p->n_rx != 0 ? p->n_rx : RTE_MAX(p->n_workers, 1u);

	return n_queues * (p->rx_desc != 0 ? p->rx_desc : DESC_DEFAULT);
}

int
mcr_port_check(const struct mcr_port_param *p, struct mcr_errs *errs)
{
	struct mcr_devargs d;

	if (strchr(p->netns, '/') != NULL) {
		mcr_err_fix(mcr_port_refuse(p, errs, MCR_ERROR,
				    "\"%s\" is not the name of a network namespace", p->netns),
			"ip netns list      (shows the names)");
		return -EINVAL;
	}
	if (p->is_netdev) {
		if (p->dev[0] != '\0' && strlen(p->dev) < IF_NAMESIZE &&
			strpbrk(p->dev, "/:, \t") == NULL)
			return 0;
		mcr_err_fix(mcr_port_refuse(p, errs, MCR_ERROR,
				    "\"%s\" cannot be an interface name", p->dev),
			"ip -br link      (shows the names; drivers and PCI addresses take dev, "
			"not "
			"netdev)");
		return -EINVAL;
	}
	if (mcr_devargs_parse(p->dev, &d) != 0) {
		mcr_port_refuse(p, errs, MCR_ERROR, "device name or its arguments are too long");
		return -EINVAL;
	}
	if (d.is_pci)
		return 0;
	if (d.driver == NULL)
		return refuse_unknown(p, &d, errs);
	return check_args(p, &d, errs);
}

static int
refuse_unknown(const struct mcr_port_param *p, const struct mcr_devargs *d, struct mcr_errs *errs)
{
	char list[256], stem[sizeof(d->device)], full[sizeof(d->device) + 8];
	struct mcr_err *err;
	size_t len;

	mcr_driver_list(list, sizeof(list));
	snprintf(stem, sizeof(stem), "%s", d->device);
	for (len = strlen(stem); len > 1 && isdigit((unsigned char)stem[len - 1]); len--)
		stem[len - 1] = '\0';
	err = mcr_port_refuse(p, errs, MCR_ERROR, "no driver %s; this build has: %s", stem, list);
	snprintf(full, sizeof(full), "0000:%s", d->device);
	if (mcr_port_is_pci(full))
		mcr_err_fix(err, "add port %s dev %s      (a PCI address with its domain)", p->name,
			full);
	else
		mcr_err_fix(err,
			"add port %s dev net_tap0,iface=IF, or netdev %s for an interface of the "
			"kernel",
			p->name, strlen(d->device) < IF_NAMESIZE ? d->device : "IF");
	return -EINVAL;
}

/* "iface" for "ifname": the known key that shares the longest beginning, to be offered as a fix. */
static const char *
nearest_key(const struct mcr_driver *driver, const char *key, char *buf, size_t size)
{
	size_t best = 0, same, len;

	buf[0] = '\0';
	for (const char *k = driver->keys; *k != '\0'; k += len + strspn(k + len, " ")) {
		len = strcspn(k, " ");
		for (same = 0; same < len && key[same] == k[same]; same++)
			;
		if (same > best) {
			best = same;
			snprintf(buf, size, "%.*s", (int)len, k);
		}
	}
	return buf;
}

static int
check_args(const struct mcr_port_param *p, const struct mcr_devargs *d, struct mcr_errs *errs)
{
	const char *name = d->driver->name, *cursor = d->args;
	char key[32], value[128], near[32];
	struct mcr_err *err;
	int ret = 0;

	while (mcr_devargs_next(&cursor, key, sizeof(key), value, sizeof(value))) {
		if (!mcr_driver_knows(d->driver, key)) {
			err = mcr_port_refuse(p, errs, MCR_ERROR,
				"%s has no argument \"%s\"; it knows: %s", name, key,
				d->driver->keys);
			if (nearest_key(d->driver, key, near, sizeof(near))[0] != '\0')
				mcr_err_fix(err, "write %s=", near);
			ret = -EINVAL;
		} else if (value[0] == '\0') {
			mcr_port_refuse(p, errs, MCR_ERROR, "argument \"%s\" of %s has no value",
				key, name);
			ret = -EINVAL;
		} else if (strcmp(key, "iface") == 0 && strlen(value) >= IF_NAMESIZE) {
			mcr_port_refuse(p, errs, MCR_ERROR,
				"interface name \"%s\" is longer than %d letters", value,
				IF_NAMESIZE - 1);
			ret = -EINVAL;
		} else if (strcmp(key, "zero-copy") == 0 && strcmp(value, "yes") == 0) {
			mcr_err_fix(mcr_port_refuse(p, errs, MCR_ERROR,
					    "%s with zero-copy=yes lets the other side write into "
					    "shared packets",
					    name),
				"leave zero-copy=yes away");
			ret = -EINVAL;
		}
	}
	if (d->driver->needs != NULL &&
		!mcr_devargs_get(d, d->driver->needs, value, sizeof(value))) {
		mcr_err_fix(mcr_port_refuse(p, errs, MCR_ERROR, "%s needs the argument \"%s\"",
				    name, d->driver->needs),
			"add port %s dev %s,%s=IF", p->name, d->device, d->driver->needs);
		ret = -EINVAL;
	}
	return ret;
}

/* AF_XDP where it works, else AF_PACKET; which of them is seen only by trying. */
static struct mcr_port *
create_netdev(const struct mcr_port_param *p, struct mcr_errs *errs)
{
	struct mcr_errs tried = {0};
	struct mcr_port *port = NULL;
	char dev[sizeof(p->dev)];
	unsigned n_queues = mcr_kernel_queues(p->dev);
	int err = 0;

	if (n_queues <= AF_XDP_QUEUES && if_nametoindex(p->dev) != 0) {
		struct mcr_port_param xdp = *p;

		/*
		 * A queue without a socket would lose its frames to us and to the kernel. Copy
		 * mode: without it the driver sleeps up to a second when a NIC has run out of
		 * buffers.
		 */
		xdp.n_rx = xdp.n_tx = n_queues;
		snprintf(dev, sizeof(dev),
			"net_af_xdp_%.31s,iface=%.15s,queue_count=%u,force_copy=1", p->name, p->dev,
			n_queues);
		port = create_device(&xdp, dev, &tried);
		if (port == NULL && tried.count > 0)
			mcr_log(PORT, INFO, "%s", tried.item[0].text);
		mcr_errs_fini(&tried);
	}
	if (port == NULL) {
		snprintf(dev, sizeof(dev), "net_af_packet_%.31s,iface=%.15s", p->name, p->dev);
		port = create_device(p, dev, errs);
		err = errno;
	}
	if (port != NULL)
		mcr_log(PORT, INFO, "port %s: interface %s is driven by %s", p->name, p->dev,
			port->driver);
	errno = err;
	return port;
}

static struct mcr_port *
create_device(const struct mcr_port_param *p, const char *dev, struct mcr_errs *errs)
{
	struct mcr_port_param with_pool = *p;
	struct mcr_port *port = NULL;
	struct mcr_xdp *xdp = NULL;
	struct mcr_devargs d;
	int id, err;

	if (mcr_devargs_parse(dev, &d) != 0) {
		mcr_port_refuse(p, errs, MCR_ERROR, "device name or its arguments are too long");
		errno = EINVAL;
		return NULL;
	}
	err = -mcr_device_check_host(p, &d, errs);
	if (err != 0) {
		errno = err;
		return NULL;
	}
	if (strcmp(d.is_pci ? "" : d.driver->name, "net_af_xdp") == 0) {
		xdp = create_xdp(p, &d);
		if (xdp == NULL) {
			mcr_port_refuse(
				p, errs, MCR_ERROR, "no memory for the buffers of net_af_xdp");
			errno = ENOMEM;
			return NULL;
		}
		memset(with_pool.pool, 0, sizeof(with_pool.pool));
		with_pool.pool[0] = mcr_xdp_pool(xdp);
	}
	mcr_device_signals_hide();
	id = mcr_device_attach(p, &d, errs);
	if (id >= 0)
		port = mcr_port_bring_up(id, &with_pool, errs);
	err = id < 0 ? -id : errno;
	if (port != NULL) {
		port->owns_device = true;
		port->xdp = xdp;
		if (xdp != NULL)
			mcr_xdp_started(xdp);
	} else {
		if (id >= 0)
			mcr_device_detach(id);
		mcr_xdp_free(xdp);
	}
	mcr_device_signals_show();
	errno = err;
	return port;
}

static struct mcr_xdp *
create_xdp(const struct mcr_port_param *p, const struct mcr_devargs *d)
{
	char count[16];
	int n = 1;

	if (mcr_devargs_get(d, "queue_count", count, sizeof(count)))
		n = atoi(count);
	return mcr_xdp_create(p->pool[0], RTE_MAX(n, 1));
}
