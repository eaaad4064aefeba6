/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_PORT_DEVICE_H
#define MCR_PORT_DEVICE_H

#include "port/driver.h"
#include "port/port.h"

/*
 * From a device's name to an ethdev and back: what must be there first, hot-plug, detach. The
 * caller is inside the port's network namespace. Private to lib/port.
 */

/* Append "port NAME: ..." with the file and line of the port. */
struct mcr_err *mcr_port_refuse(const struct mcr_port_param *p, struct mcr_errs *errs,
	enum mcr_severity severity, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Is all there that the device needs? 0, or -EAGAIN (pending), or another -errno and one error. */
int mcr_device_check_host(
	const struct mcr_port_param *p, const struct mcr_devargs *d, struct mcr_errs *errs);
/* Hot-plug. The ethdev's id, or -errno and one error. */
int mcr_device_attach(
	const struct mcr_port_param *p, const struct mcr_devargs *d, struct mcr_errs *errs);
void mcr_device_detach(uint16_t ethdev_id);
/* A port of ours has this ethdev. */
bool mcr_device_is_taken(uint16_t ethdev_id);
void mcr_device_take(uint16_t ethdev_id, bool take);

/*
 * What DPDK, its drivers and their libraries (libbpf writes to stderr) print while a port is
 * brought up goes into a file in memory, from which the first complaint can stand in our error;
 * afterwards all of it goes to the log of DPDK.
 */
struct mcr_device_log {
	FILE *before;
	int fd, stderr_before;
	bool is_open;
	char *text;
};
void mcr_device_log_begin(struct mcr_device_log *log);
void mcr_device_log_end(struct mcr_device_log *log);
/* The first complaint, without function name and level; "" when there is none. */
char *mcr_device_log_reason(struct mcr_device_log *log, char *buf, size_t size);

/*
 * net_tap asks for a signal per frame, which the kernel hands to the main thread: a wake-up of
 * the control side for every frame, and SIGIO (which ends the process) when the signal queue is
 * full. It takes the first real-time signal whose handler is the default one. While all of them are
 * ignored it finds none and reads its queues whenever they are polled, which is what we do anyhow.
 */
void mcr_device_signals_hide(void);
void mcr_device_signals_show(void);

#endif
