/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_PORT_DRIVER_H
#define MCR_PORT_DRIVER_H

#include <stdbool.h>
#include <stddef.h>

/* The virtual device drivers that a port may name, and what they understand. Private to lib/port.
 */
struct mcr_driver {
	const char *name;
	const char *keys;       /* device arguments, space separated */
	const char *needs;      /* a key that must be there, or NULL */
	bool has_advisory_link; /* its link state says nothing about forwarding */
	bool is_on_interface;   /* works on an existing kernel interface, named by iface= */
	const char *package;    /* Debian package of the driver */
};

/* "net_tap0,iface=eth0" taken apart. PCI: driver is empty. */
struct mcr_devargs {
	const struct mcr_driver *driver; /* NULL: PCI, or unknown */
	bool is_pci;
	char device[64]; /* "net_tap0", "0000:8a:00.0" */
	char args[128];  /* "iface=eth0" */
};

/* The driver that takes a device of this name, or NULL. */
const struct mcr_driver *mcr_driver_find(const char *device);
/* Their names, comma separated. */
void mcr_driver_list(char *buf, size_t size);

/* 0, or -EINVAL: too long. */
int mcr_devargs_parse(const char *text, struct mcr_devargs *d);
/* Value of the first `key`; false when it is not there or longer than the buffer. */
bool mcr_devargs_get(const struct mcr_devargs *d, const char *key, char *buf, size_t size);
/*
 * Walk the arguments: `*cursor` starts as d->args. Copies key and value (cut to their buffers);
 * false at the end.
 */
bool
mcr_devargs_next(const char **cursor, char *key, size_t key_size, char *value, size_t value_size);
bool mcr_driver_knows(const struct mcr_driver *driver, const char *key);

#endif
