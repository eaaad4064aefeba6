/* SPDX-License-Identifier: BSD-3-Clause */
#include "port/netns.h"

#include <rte_debug.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where `ip netns add` puts its mount points. */
#define NETNS_DIR "/run/netns"

int
mcr_netns_enter(const char *name)
{
	char path[PATH_MAX];
	int own, other, err;

	if (name[0] == '\0')
		return MCR_NETNS_STAY;
	if (strchr(name, '/') != NULL)
		return -EINVAL;

	own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (own < 0)
		return -errno;
	snprintf(path, sizeof(path), NETNS_DIR "/%s", name);
	other = open(path, O_RDONLY | O_CLOEXEC);
	if (other < 0) {
		err = -errno;
		goto close_own;
	}
	err = setns(other, CLONE_NEWNET) == 0 ? 0 : -errno;
	close(other);
	/* `ip netns add` killed half way leaves a plain file there, which is no namespace. */
	if (err == -EINVAL)
		err = -ENOENT;
	if (err == 0)
		return own;
close_own:
	close(own);
	return err;
}

void
mcr_netns_leave(int token)
{
	if (token < 0)
		return;
	/* A thread that cannot go home would make its next port in a stranger's namespace. */
	if (setns(token, CLONE_NEWNET) != 0)
		rte_panic("cannot return to our own network namespace: %s\n", strerror(errno));
	close(token);
}

uint64_t
mcr_netns_id(const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), NETNS_DIR "/%s", name);
	return name[0] != '\0' && stat(path, &st) == 0 ? st.st_ino : 0;
}
