/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing a configuration so that a crash at any moment leaves the old or the new file. */
#include "conf/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_LINKS 16

/* Follow symlinks of the last component; the file itself need not exist. */
static int
resolve(const char *path, char target[PATH_MAX])
{
	char link[PATH_MAX], next[2 * PATH_MAX];

	if (snprintf(target, PATH_MAX, "%s", path) >= PATH_MAX)
		return -ENAMETOOLONG;
	for (unsigned i = 0; i < MAX_LINKS; i++) {
		const ssize_t n = readlink(target, link, sizeof(link) - 1);
		const char *slash = strrchr(target, '/');
		int len;

		if (n < 0)
			return 0; /* no link, or nothing there yet: open will tell */
		link[n] = '\0';
		if (link[0] == '/' || slash == NULL)
			len = snprintf(next, sizeof(next), "%s", link);
		else
			len = snprintf(
				next, sizeof(next), "%.*s/%s", (int)(slash - target), target, link);
		if (len >= PATH_MAX)
			return -ENAMETOOLONG;
		memcpy(target, next, (size_t)len + 1);
	}
	return -ELOOP;
}

static int
write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		const ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* A new file has nobody else's rights; an old one keeps mode and, where we may, owner. */
static int
copy_rights(int fd, const char *target)
{
	struct stat st;

	if (stat(target, &st) < 0)
		return fchmod(fd, 0640) < 0 ? -errno : 0;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	/* Not root: the file becomes ours, which is what an editor would do too. */
	if (fchown(fd, st.st_uid, st.st_gid) < 0 && errno != EPERM)
		return -errno;
	return fchmod(fd, st.st_mode & 07777) < 0 ? -errno : 0;
}

static int
sync_directory(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0 && errno != EINVAL) /* EINVAL: this file system needs none */
		ret = -errno;
	close(fd);
	return ret;
}

static int
replace(const char *target, const char *text)
{
	char dir[PATH_MAX], tmp[PATH_MAX + 16];
	const char *slash = strrchr(target, '/');
	const char *name = slash == NULL ? target : slash + 1;
	int ret, fd;

	if (slash == NULL)
		snprintf(dir, sizeof(dir), ".");
	else
		snprintf(dir, sizeof(dir), "%.*s", slash == target ? 1 : (int)(slash - target),
			target);
	/* One name for every try: what a crash left behind is replaced by the next save. */
	if (snprintf(tmp, PATH_MAX, "%s/.%s.new", dir, name) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (unlink(tmp) < 0 && errno != ENOENT)
		return -errno;
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	ret = copy_rights(fd, target);
	if (ret == 0)
		ret = write_all(fd, text, strlen(text));
	if (ret == 0 && fsync(fd) < 0)
		ret = -errno;
	if (close(fd) < 0 && ret == 0)
		ret = -errno;
	if (ret == 0 && rename(tmp, target) < 0)
		ret = -errno;
	if (ret < 0) {
		unlink(tmp); /* already failing: the first error is the one to tell */
		return ret;
	}
	return sync_directory(dir);
}

int
mcr_lines_save(const struct mcr_lines *ls, const char *path)
{
	char target[PATH_MAX];
	char *text = mcr_lines_text(ls);
	int ret;

	if (text == NULL)
		return -ENOMEM;
	ret = resolve(path, target);
	if (ret == 0)
		ret = replace(target, text);
	free(text);
	return ret;
}
