/* SPDX-License-Identifier: BSD-3-Clause */
#include "port/device.h"

#include "port/kernel.h"

#include <rte_bus.h>
#include <rte_common.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_log.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
check_interface(const struct mcr_port_param *p, const struct mcr_devargs *d, struct mcr_errs *errs);
static int
check_pcap(const struct mcr_port_param *p, const struct mcr_devargs *d, struct mcr_errs *errs);
static int
check_pci(const struct mcr_port_param *p, const struct mcr_devargs *d, struct mcr_errs *errs);
static int check_tap(const struct mcr_port_param *p, struct mcr_errs *errs);
static int check_capability(
	const struct mcr_port_param *p, struct mcr_errs *errs, unsigned number, const char *what);
static void refuse_attach(const struct mcr_port_param *p, const struct mcr_devargs *d, int ret,
	const char *reason, struct mcr_errs *errs);
static bool read_log(struct mcr_device_log *log);
static const char *where(const struct mcr_port_param *p, char *buf, size_t size);

struct mcr_err *
mcr_port_refuse(const struct mcr_port_param *p, struct mcr_errs *errs, enum mcr_severity severity,
	const char *fmt, ...)
{
	char text[sizeof(errs->item->text)];
	struct mcr_err *err;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err = mcr_errs_add(errs, severity, "port %s: %s", p->name, text);
	if (p->file != NULL)
		mcr_err_at(err, p->file, p->line);
	return err;
}

int
mcr_device_check_host(
	const struct mcr_port_param *p, const struct mcr_devargs *d, struct mcr_errs *errs)
{
	if (d->is_pci)
		return check_pci(p, d, errs);
	if (d->driver->is_on_interface)
		return check_interface(p, d, errs);
	if (strcmp(d->driver->name, "net_tap") == 0)
		return check_tap(p, errs);
	if (strcmp(d->driver->name, "net_pcap") == 0)
		return check_pcap(p, d, errs);
	return 0;
}

int
mcr_device_attach(
	const struct mcr_port_param *p, const struct mcr_devargs *d, struct mcr_errs *errs)
{
	struct mcr_device_log log;
	char reason[256];
	uint16_t id;
	int ret;

	if (rte_eth_dev_get_port_by_name(d->device, &id) == 0) {
		/* EAL itself probed the PCI devices of its allow-list. */
		if (d->is_pci && !mcr_device_is_taken(id))
			return id;
		mcr_err_fix(mcr_port_refuse(
				    p, errs, MCR_ERROR, "another port uses device %s", d->device),
			"give each port a device of its own: %s1, %s2 ...",
			d->is_pci ? "PCI address" : d->driver->name,
			d->is_pci ? "PCI address" : d->driver->name);
		return -EEXIST;
	}

	mcr_device_log_begin(&log);
	ret = rte_eal_hotplug_add(d->is_pci ? "pci" : "vdev", d->device, d->args);
	/* A driver may fail and EAL report success all the same: look for the port itself. */
	if (ret == 0)
		ret = rte_eth_dev_get_port_by_name(d->device, &id);
	mcr_device_log_reason(&log, reason, sizeof(reason));
	mcr_device_log_end(&log);
	if (ret == 0)
		return id;
	refuse_attach(p, d, ret, reason, errs);
	return ret < 0 ? ret : -ENODEV;
}

/* Which ethdevs a port of ours has; only the main lcore makes ports. */
static bool is_taken[RTE_MAX_ETHPORTS];

bool
mcr_device_is_taken(uint16_t ethdev_id)
{
	return is_taken[ethdev_id];
}

void
mcr_device_take(uint16_t ethdev_id, bool take)
{
	is_taken[ethdev_id] = take;
}

void
mcr_device_detach(uint16_t ethdev_id)
{
	struct rte_eth_dev_info info;
	char name[RTE_ETH_NAME_MAX_LEN];

	if (rte_eth_dev_info_get(ethdev_id, &info) != 0 ||
		rte_eth_dev_get_name_by_port(ethdev_id, name) != 0)
		return;
	/* Best effort on the way out: the port is gone for us whatever the driver says. */
	(void)rte_eth_dev_close(ethdev_id);
	if (info.device != NULL)
		(void)rte_dev_remove(info.device);
}

static int
check_tap(const struct mcr_port_param *p, struct mcr_errs *errs)
{
	if (access("/dev/net/tun", F_OK) != 0) {
		mcr_err_fix(mcr_port_refuse(p, errs, MCR_ERROR, "/dev/net/tun is missing"),
			"mkdir -p /dev/net && mknod /dev/net/tun c 10 200      "
			"(container: --device /dev/net/tun)");
		return -ENODEV;
	}
	return check_capability(p, errs, CAP_NET_ADMIN, "no right to make a TAP (CAP_NET_ADMIN)");
}

/*
 * net_af_packet copies whole frames of its ring into one buffer each. It checks that they fit, but
 * tells it by a bare number.
 */
static int
check_frame_size(const struct mcr_port_param *p, const struct mcr_devargs *d, struct mcr_errs *errs)
{
	uint32_t room = rte_pktmbuf_data_room_size(p->pool[0]) - RTE_PKTMBUF_HEADROOM;
	uint32_t head = TPACKET2_HDRLEN - sizeof(struct sockaddr_ll);
	unsigned long frame;
	char value[16];

	if (strcmp(d->driver->name, "net_af_packet") != 0 ||
		!mcr_devargs_get(d, "framesz", value, sizeof(value)))
		return 0;
	frame = strtoul(value, NULL, 10);
	if (frame <= room + head)
		return 0;
	mcr_err_fix(mcr_port_refuse(p, errs, MCR_ERROR,
			    "frames of framesz=%s do not fit into packet buffers of %u bytes",
			    value, room),
		"leave framesz away, or at most framesz=%u", room & ~1023u);
	return -EINVAL;
}

static int
check_interface(const struct mcr_port_param *p, const struct mcr_devargs *d, struct mcr_errs *errs)
{
	char iface[IF_NAMESIZE] = "", place[96];
	int ret;

	mcr_devargs_get(d, "iface", iface, sizeof(iface));
	ret = check_capability(p, errs, CAP_NET_RAW,
		"no right to open packet sockets (CAP_NET_RAW, CAP_NET_ADMIN)");
	if (ret != 0)
		return ret;
	if (if_nametoindex(iface) != 0) {
		/*
		 * An interface that is handed to us is ours to start, as a NIC is. Before its
		 * socket is bound: one that is bound while it is down keeps the first frame back.
		 */
		ret = mcr_kernel_set_up(iface);
		if (ret == 0)
			return check_frame_size(p, d, errs);
		mcr_port_refuse(p, errs, MCR_ERROR, "interface %s cannot be set up: %s", iface,
			strerror(-ret));
		return ret;
	}
	mcr_port_refuse(p, errs, MCR_WARNING,
		"interface %s is not there yet%s; the port is pending", iface,
		where(p, place, sizeof(place)));
	return -EAGAIN;
}

static int
check_pcap(const struct mcr_port_param *p, const struct mcr_devargs *d, struct mcr_errs *errs)
{
	char key[32], value[128], copy[128], place[96];
	const char *cursor = d->args;

	while (mcr_devargs_next(&cursor, key, sizeof(key), value, sizeof(value))) {
		if (strcmp(key, "rx_pcap") == 0 && access(value, R_OK) != 0) {
			mcr_port_refuse(p, errs, MCR_ERROR, "cannot read %s: %s", value,
				errno == ENOENT ? "no such file" : strerror(errno));
			return -ENOENT;
		}
		if (strcmp(key, "tx_pcap") == 0) {
			memcpy(copy, value, sizeof(copy));
			if (access(dirname(copy), W_OK) != 0) {
				mcr_port_refuse(p, errs, MCR_ERROR, "cannot write %s: %s", value,
					errno == ENOENT ? "no such directory" : strerror(errno));
				return -ENOENT;
			}
		}
		if (strstr(key, "iface") != NULL && if_nametoindex(value) == 0) {
			mcr_port_refuse(p, errs, MCR_WARNING,
				"interface %s is not there yet%s; the port is pending", value,
				where(p, place, sizeof(place)));
			return -EAGAIN;
		}
	}
	return 0;
}

/* Kernel drivers under which DPDK can reach the device: generic ones, and those that share it. */
static bool
is_usable_kernel_driver(const char *name)
{
	static const char *const usable[] = {"vfio-pci", "uio_pci_generic", "igb_uio", "mlx5_core",
		"mlx4_core", "mana", "hv_netvsc"};

	for (unsigned i = 0; i < RTE_DIM(usable); i++)
		if (strcmp(name, usable[i]) == 0)
			return true;
	return false;
}

static int
check_pci(const struct mcr_port_param *p, const struct mcr_devargs *d, struct mcr_errs *errs)
{
	char path[128], link[256];
	const char *driver;
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", d->device);
	if (access(path, F_OK) != 0) {
		mcr_err_fix(
			mcr_port_refuse(p, errs, MCR_ERROR, "no such PCI device: %s", d->device),
			"lspci -D | grep -i ethernet      (lists the addresses)");
		return -ENODEV;
	}
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", d->device);
	len = readlink(path, link, sizeof(link) - 1);
	link[len > 0 ? len : 0] = '\0';
	driver = basename(link);
	if (len > 0 && is_usable_kernel_driver(driver))
		return 0;
	if (access("/sys/bus/pci/drivers/vfio-pci", F_OK) != 0) {
		mcr_err_fix(
			mcr_port_refuse(p, errs, MCR_ERROR, "the vfio-pci driver is not loaded"),
			"modprobe vfio-pci      (without IOMMU: "
			"modprobe vfio enable_unsafe_noiommu_mode=1 first)");
		return -ENODEV;
	}
	mcr_err_fix(mcr_port_refuse(p, errs, MCR_ERROR, "device %s is bound to %s", d->device,
			    len > 0 ? driver : "no driver"),
		"driverctl set-override %s vfio-pci", d->device);
	return -EBUSY;
}

/* By the system call: libcap would be a dependency for one bit. */
static bool
has_capability(unsigned number)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	if (syscall(SYS_capget, &header, data) != 0)
		return true; /* unknown: let the driver find out */
	return (data[CAP_TO_INDEX(number)].effective & CAP_TO_MASK(number)) != 0;
}

static int
check_capability(
	const struct mcr_port_param *p, struct mcr_errs *errs, unsigned number, const char *what)
{
	if (has_capability(number))
		return 0;
	mcr_err_fix(mcr_port_refuse(p, errs, MCR_ERROR, "%s", what),
		"run as root, or add the capability      (container: --cap-add %s)",
		number == CAP_NET_ADMIN ? "NET_ADMIN" : "NET_RAW");
	return -EPERM;
}

static void
refuse_attach(const struct mcr_port_param *p, const struct mcr_devargs *d, int ret,
	const char *reason, struct mcr_errs *errs)
{
	char iface[IF_NAMESIZE], place[96];

	if (d->is_pci) {
		mcr_err_fix(mcr_port_refuse(p, errs, MCR_ERROR, "PCI device %s did not start: %s",
				    d->device, reason[0] != '\0' ? reason : "no driver takes it"),
			"a PCI port that is new since the start of mcrd needs a restart");
		return;
	}
	/* No bus knows a driver of this name: its package is not installed. */
	if (ret == -EFAULT || ret == -ENODEV) {
		mcr_err_fix(
			mcr_port_refuse(p, errs, MCR_ERROR,
				"driver %s is not part of the DPDK on this host", d->driver->name),
			"apt-get install %s", d->driver->package);
		return;
	}
	if (strcmp(d->driver->name, "net_tap") == 0 &&
		mcr_devargs_get(d, "iface", iface, sizeof(iface)) && if_nametoindex(iface) != 0) {
		mcr_err_fix(mcr_port_refuse(p, errs, MCR_ERROR, "interface %s is already there%s",
				    iface, where(p, place, sizeof(place))),
			"ip %s%s%slink del %s, or another iface=", p->netns[0] != '\0' ? "-n " : "",
			p->netns, p->netns[0] != '\0' ? " " : "", iface);
		return;
	}
	mcr_port_refuse(p, errs, MCR_ERROR, "%s did not start: %s", d->device,
		reason[0] != '\0' ? reason : "the driver gave no reason");
}

/* " in network namespace NAME", or nothing. */
static const char *
where(const struct mcr_port_param *p, char *buf, size_t size)
{
	buf[0] = '\0';
	if (p->netns[0] != '\0')
		snprintf(buf, size, " in network namespace %s", p->netns);
	return buf;
}

void
mcr_device_log_begin(struct mcr_device_log *log)
{
	memset(log, 0, sizeof(*log));
	log->before = rte_log_get_stream();
	log->fd = memfd_create("mcr-port", MFD_CLOEXEC);
	log->stderr_before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (log->fd < 0 || log->stderr_before < 0)
		return;
	fflush(stderr);
	dup2(log->fd, STDERR_FILENO);
	/* Unbuffered, so its lines and those of libbpf keep their order. */
	log->is_open = true;
	rte_openlog_stream(stderr);
}

char *
mcr_device_log_reason(struct mcr_device_log *log, char *buf, size_t size)
{
	/* What we caused ourselves, see mcr_device_signals_hide, and what is no failure. */
	static const char *const noise[] = {"rt-signal", "Rx trigger", "multiq", "mp action", "bpf",
		"libxdp", "Disabling rte flow", "ingress qdisc"};
	const char *line, *end, *text;

	buf[0] = '\0';
	if (!read_log(log))
		return buf;
	for (line = log->text; *line != '\0'; line = *end != '\0' ? end + 1 : end) {
		bool is_noise = false;

		end = strchrnul(line, '\n');
		for (unsigned i = 0; i < RTE_DIM(noise); i++)
			is_noise |= memmem(line, end - line, noise[i], strlen(noise[i])) != NULL;
		if (is_noise || line == end)
			continue;
		text = memmem(line, end - line, "(): ", 4);
		text = text != NULL ? text + 4 : line;
		snprintf(buf, size, "%.*s", (int)(end - text), text);
		break;
	}
	return buf;
}

void
mcr_device_log_end(struct mcr_device_log *log)
{
	bool has_text = read_log(log);

	if (log->is_open) {
		dup2(log->stderr_before, STDERR_FILENO);
		rte_openlog_stream(log->before);
	}
	if (has_text && log->before != NULL) {
		fputs(log->text, log->before);
		fflush(log->before);
	}
	if (log->fd >= 0)
		close(log->fd);
	if (log->stderr_before >= 0)
		close(log->stderr_before);
	free(log->text);
}

/* Everything that was written so far, as one string in log->text. */
static bool
read_log(struct mcr_device_log *log)
{
	struct stat st;
	ssize_t len;

	fflush(stderr);
	free(log->text);
	log->text = NULL;
	if (!log->is_open || fstat(log->fd, &st) != 0)
		return false;
	log->text = calloc(1, st.st_size + 1);
	if (log->text == NULL)
		return false;
	len = pread(log->fd, log->text, st.st_size, 0);
	log->text[len > 0 ? len : 0] = '\0';
	return len > 0;
}

static struct sigaction saved_action[_NSIG];

void
mcr_device_signals_hide(void)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};

	for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig++)
		sigaction(sig, &ignore, &saved_action[sig]);
}

void
mcr_device_signals_show(void)
{
	for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig++)
		sigaction(sig, &saved_action[sig], NULL);
}
