/* SPDX-License-Identifier: BSD-3-Clause */
#include "port/xdp.h"

#include "port/pool.h"

#include <rte_mbuf.h>

#include <ctype.h>
#include <dirent.h>
#include <linux/if_xdp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Buffers of a queue that the kernel holds, from first to last: the driver replaces each one. */
#define HELD_BY_KERNEL 2048
/* Besides those: bursts and what other ports still send. The driver itself refuses 4,096 and less.
 */
#define FREE_BUFFERS 4095
#define MAX_DESCRIPTORS 256
#define DRAIN_TURNS 16

struct mcr_xdp {
	struct rte_mempool *pool;
	unsigned n_queues;
	int before[MAX_DESCRIPTORS], mine[MAX_DESCRIPTORS];
	unsigned n_before, n_mine;
	struct mcr_xdp *next; /* buried: waits for buffers that other ports still send */
};

static struct mcr_xdp *buried;

/* An AF_XDP socket, or a program or map of BPF. */
static bool
is_of_xdp(int dir, const char *fd)
{
	static const char bpf[] = "anon_inode:bpf-";
	socklen_t len = sizeof(int);
	char link[64] = "";
	int domain = 0;

	if (!isdigit((unsigned char)fd[0]))
		return false;
	if (getsockopt(atoi(fd), SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0)
		return domain == AF_XDP;
	return readlinkat(dir, fd, link, sizeof(link) - 1) > 0 &&
	       strncmp(link, bpf, strlen(bpf)) == 0;
}

static unsigned
list_descriptors(int *fd, unsigned max)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	unsigned n = 0;

	while (dir != NULL && n < max && (entry = readdir(dir)) != NULL)
		if (is_of_xdp(dirfd(dir), entry->d_name))
			fd[n++] = atoi(entry->d_name);
	if (dir != NULL)
		closedir(dir);
	return n;
}

static bool
has(const int *fd, unsigned n, int number)
{
	for (unsigned i = 0; i < n; i++)
		if (fd[i] == number)
			return true;
	return false;
}

/* Free the pools of earlier ports whose last buffer came back meanwhile. */
static void
exhume(void)
{
	struct mcr_xdp **at = &buried;

	while (*at != NULL) {
		struct mcr_xdp *x = *at;

		if (rte_mempool_in_use_count(x->pool) > HELD_BY_KERNEL * x->n_queues) {
			at = &x->next;
			continue;
		}
		*at = x->next;
		rte_mempool_free(x->pool);
		free(x);
	}
}

struct mcr_xdp *
mcr_xdp_create(struct rte_mempool *like, unsigned n_queues)
{
	struct mcr_xdp *x = calloc(1, sizeof(*x));

	exhume();
	if (x == NULL)
		return NULL;
	x->n_queues = n_queues;
	x->pool = mcr_pool_create_like(like, n_queues * (HELD_BY_KERNEL + FREE_BUFFERS));
	if (x->pool == NULL) {
		free(x);
		return NULL;
	}
	x->n_before = list_descriptors(x->before, MAX_DESCRIPTORS);
	return x;
}

struct rte_mempool *
mcr_xdp_pool(const struct mcr_xdp *x)
{
	return x->pool;
}

void
mcr_xdp_started(struct mcr_xdp *x)
{
	int fd[MAX_DESCRIPTORS];
	unsigned n = list_descriptors(fd, MAX_DESCRIPTORS);

	for (unsigned i = 0; i < n; i++)
		if (!has(x->before, x->n_before, fd[i]))
			x->mine[x->n_mine++] = fd[i];
}

void
mcr_xdp_drain(const struct mcr_port *port)
{
	/* An empty burst starts what waits and takes back what has gone. */
	for (unsigned turn = 0; turn < DRAIN_TURNS; turn++)
		for (uint16_t q = 0; q < port->n_tx; q++)
			(void)rte_eth_tx_burst(port->id, q, NULL, 0);
}

void
mcr_xdp_free(struct mcr_xdp *x)
{
	int fd[MAX_DESCRIPTORS];
	unsigned n;

	if (x == NULL)
		return;
	n = list_descriptors(fd, MAX_DESCRIPTORS);
	/* What was opened with the port and is of that kind still was forgotten by its driver. */
	for (unsigned i = 0; i < n; i++)
		if (has(x->mine, x->n_mine, fd[i]))
			close(fd[i]);
	x->next = buried;
	buried = x;
	exhume();
}
