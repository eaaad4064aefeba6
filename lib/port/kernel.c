/* SPDX-License-Identifier: BSD-3-Clause */
#include "port/kernel.h"

#include <rte_common.h>

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int
request(const char *interface, unsigned long what, struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -errno;
	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", interface);
	ret = ioctl(fd, what, ifr) == 0 ? 0 : -errno;
	close(fd);
	return ret;
}

int
mcr_kernel_get_mac(const char *interface, struct mcr_mac *mac)
{
	struct ifreq ifr = {0};
	int ret = request(interface, SIOCGIFHWADDR, &ifr);

	if (ret == 0)
		memcpy(mac->b, ifr.ifr_hwaddr.sa_data, sizeof(mac->b));
	return ret;
}

int
mcr_kernel_set_mac(const char *interface, const struct mcr_mac *mac)
{
	struct ifreq ifr = {.ifr_hwaddr.sa_family = ARPHRD_ETHER};

	memcpy(ifr.ifr_hwaddr.sa_data, mac->b, sizeof(mac->b));
	return request(interface, SIOCSIFHWADDR, &ifr);
}

int
mcr_kernel_get_mtu(const char *interface, uint16_t *mtu)
{
	struct ifreq ifr = {0};
	int ret = request(interface, SIOCGIFMTU, &ifr);

	if (ret == 0)
		*mtu = RTE_MIN(ifr.ifr_mtu, UINT16_MAX);
	return ret;
}

int
mcr_kernel_set_up(const char *interface)
{
	struct ifreq ifr = {0};
	int ret = request(interface, SIOCGIFFLAGS, &ifr);

	if (ret != 0 || (ifr.ifr_flags & IFF_UP) != 0)
		return ret;
	ifr.ifr_flags |= IFF_UP;
	return request(interface, SIOCSIFFLAGS, &ifr);
}

unsigned
mcr_kernel_queues(const char *interface)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
	struct ifreq ifr = {.ifr_data = (char *)&channels};

	if (request(interface, SIOCETHTOOL, &ifr) != 0)
		return 1;
	return RTE_MAX(1u, RTE_MAX(channels.combined_count, channels.rx_count));
}
