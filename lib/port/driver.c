/* SPDX-License-Identifier: BSD-3-Clause */
#include "port/driver.h"

#include "port/port.h"

#include <rte_common.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/*
 * EAL ignores arguments that a driver does not know, and then makes another interface than the
 * operator meant. So the keys of DPDK 22.11 stand here and are checked before a device is touched.
 */
static const struct mcr_driver drivers[] = {
	{
		.name = "net_af_packet",
		.keys = "iface qpairs blocksz framesz framecnt qdisc_bypass",
		.needs = "iface",
		.has_advisory_link = true,
		.is_on_interface = true,
		.package = "librte-net-af-packet23",
	},
	{
		.name = "net_af_xdp",
		.keys = "iface start_queue queue_count shared_umem xdp_prog busy_budget force_copy",
		.needs = "iface",
		.has_advisory_link = true,
		.is_on_interface = true,
		.package = "librte-net-af-xdp23",
	},
	{
		.name = "net_memif",
		.keys = "id role bsize rsize socket socket-abstract mac zero-copy secret",
		.package = "librte-net-memif23",
	},
	{
		.name = "net_null",
		.keys = "size copy no-rx",
		.has_advisory_link = true,
		.package = "librte-net-null23",
	},
	{
		.name = "net_pcap",
		.keys = "rx_pcap tx_pcap rx_iface rx_iface_in tx_iface iface phy_mac infinite_rx",
		.has_advisory_link = true,
		.package = "librte-net-pcap23",
	},
	{
		.name = "net_ring",
		.keys = "nodeaction internal",
		.has_advisory_link = true,
		.package = "librte-net-ring23",
	},
	{
		.name = "net_tap",
		.keys = "iface mac persist remote",
		.has_advisory_link = true,
		.package = "librte-net-tap23",
	},
};

const struct mcr_driver *
mcr_driver_find(const char *device)
{
	size_t len;

	for (unsigned i = 0; i < RTE_DIM(drivers); i++) {
		len = strlen(drivers[i].name);
		if (strncmp(device, drivers[i].name, len) != 0)
			continue;
		/* DPDK matches by prefix alone; a letter would be a driver that we do not know. */
		if (!isalpha((unsigned char)device[len]))
			return &drivers[i];
	}
	return NULL;
}

void
mcr_driver_list(char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < RTE_DIM(drivers) && len < size; i++)
		len += snprintf(buf + len, size - len, "%s%s", i > 0 ? ", " : "", drivers[i].name);
}

bool
mcr_driver_knows(const struct mcr_driver *driver, const char *key)
{
	size_t len = strlen(key);
	const char *at = driver->keys;

	while (len > 0 && (at = strstr(at, key)) != NULL) {
		bool starts = at == driver->keys || at[-1] == ' ';

		if (starts && (at[len] == ' ' || at[len] == '\0'))
			return true;
		at += len;
	}
	return false;
}

bool
mcr_port_is_pci(const char *dev)
{
	static const char form[] = "xxxx:xx:xx.x";
	unsigned i;

	for (i = 0; form[i] != '\0'; i++) {
		bool fits =
			form[i] == 'x' ? isxdigit((unsigned char)dev[i]) != 0 : dev[i] == form[i];

		if (!fits)
			return false;
	}
	return dev[i] == '\0' || dev[i] == ',';
}

int
mcr_devargs_parse(const char *text, struct mcr_devargs *d)
{
	size_t len = strcspn(text, ",");
	const char *args = text[len] == ',' ? text + len + 1 : "";

	memset(d, 0, sizeof(*d));
	if (len == 0 || len >= sizeof(d->device) || strlen(args) >= sizeof(d->args))
		return -EINVAL;
	memcpy(d->device, text, len);
	snprintf(d->args, sizeof(d->args), "%s", args);
	d->is_pci = mcr_port_is_pci(text);
	if (!d->is_pci)
		d->driver = mcr_driver_find(d->device);
	return 0;
}

bool
mcr_devargs_next(const char **cursor, char *key, size_t key_size, char *value, size_t value_size)
{
	const char *at = *cursor;
	size_t whole = strcspn(at, ",");
	size_t len = strcspn(at, "=,");

	if (*at == '\0')
		return false;
	snprintf(key, key_size, "%.*s", (int)len, at);
	value[0] = '\0';
	if (at[len] == '=')
		snprintf(value, value_size, "%.*s", (int)(whole - len - 1), at + len + 1);
	*cursor = at[whole] == ',' ? at + whole + 1 : at + whole;
	return true;
}

bool
mcr_devargs_get(const struct mcr_devargs *d, const char *key, char *buf, size_t size)
{
	char name[32], value[sizeof(d->args)];
	const char *cursor = d->args;

	while (mcr_devargs_next(&cursor, name, sizeof(name), value, sizeof(value)))
		if (strcmp(name, key) == 0)
			return (size_t)snprintf(buf, size, "%s", value) < size;
	return false;
}
