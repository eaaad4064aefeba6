/* SPDX-License-Identifier: BSD-3-Clause */
/* mcrctl's side of the control socket. */
#include "ctl.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#define ANSWER_MAX (64u << 20) /* what the daemon may queue for us */

double
ctl_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

void
ctl_complain(const struct ctl *c, const char *fix, const char *fmt, ...)
{
	char text[512];
	json_t *root;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fflush(stdout);
	if (!c->json) {
		fprintf(stderr, "error: %s\n", text);
		if (fix != NULL)
			fprintf(stderr, "  fix: %s\n", fix);
		return;
	}
	root = json_pack("{s:i, s:s, s:s?, s:n, s:n, s:n, s:[]}", "version", 1, "error", text,
		"fix", fix, "file", "line", "position", "expected");
	if (root != NULL)
		json_dumpf(root, stderr, JSON_COMPACT);
	fputc('\n', stderr);
	json_decref(root);
}

void
ctl_disconnect(struct ctl *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->in_start = c->in_len = 0;
	c->is_batch = false;
}

/* 0 or the errno that says why not. */
int
ctl_connect(struct ctl *c)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int error;

	if (c->fd >= 0)
		return 0;
	if (strlen(c->socket) >= sizeof(addr.sun_path))
		return ENAMETOOLONG;
	memcpy(addr.sun_path, c->socket, strlen(c->socket) + 1);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return errno;
	if (connect(c->fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return 0;
	error = errno;
	ctl_disconnect(c);
	return error;
}

void
ctl_complain_unreachable(const struct ctl *c, int error)
{
	const char *fix = "mcrd -c FILE starts it; mcrctl -s PATH names another socket";

	if (error == EACCES || error == EPERM)
		ctl_complain(c,
			"run it as root, or as a member of the group that \"set system "
			"control-group\" names",
			"no right to open %s", c->socket);
	else if (error == ENOENT)
		ctl_complain(c, fix, "cannot reach mcrd: %s: no such file", c->socket);
	else if (error == ECONNREFUSED)
		ctl_complain(c, fix, "cannot reach mcrd: nobody answers on %s", c->socket);
	else
		ctl_complain(c, fix, "cannot reach mcrd on %s: %s", c->socket, strerror(error));
}

/* 0 when the descriptor is ready, else errno. */
static int
wait_for(int fd, short events, double deadline)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = events};
		const double left = deadline - ctl_now();
		const int n = poll(&p, 1, left <= 0 ? 0 : (int)(left * 1000) + 1);

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return errno;
		if (n == 0 && ctl_now() >= deadline)
			return ETIMEDOUT;
	}
}

int
ctl_send(struct ctl *c, const char *bytes, size_t len, double deadline)
{
	while (len > 0) {
		const ssize_t n = send(c->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		int error;

		if (n >= 0) {
			bytes += n;
			len -= (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return errno;
		error = wait_for(c->fd, POLLOUT, deadline);
		if (error != 0)
			return error;
	}
	return 0;
}

/* More bytes into c->in. 0 or errno; EPIPE: the daemon closed. */
static int
receive(struct ctl *c, double deadline)
{
	int error = wait_for(c->fd, POLLIN, deadline);
	ssize_t n;

	if (error != 0)
		return error;
	memmove(c->in, c->in + c->in_start, c->in_len);
	c->in_start = 0;
	n = recv(c->fd, c->in + c->in_len, sizeof(c->in) - c->in_len, 0);
	if (n < 0)
		return errno == EINTR ? 0 : errno;
	if (n == 0)
		return EPIPE;
	c->in_len += (size_t)n;
	return 0;
}

/* One line of what comes, without its end. 0 or errno. */
int
ctl_receive_line(struct ctl *c, char *line, size_t size, double deadline)
{
	for (;;) {
		const char *start = c->in + c->in_start;
		const char *end = memchr(start, '\n', c->in_len);
		size_t len;
		int error;

		if (end != NULL) {
			len = (size_t)(end - start);
			if (len >= size)
				return EPROTO;
			memcpy(line, start, len);
			line[len] = '\0';
			c->in_start += len + 1;
			c->in_len -= len + 1;
			return 0;
		}
		if (c->in_len == sizeof(c->in))
			return EPROTO;
		error = receive(c, deadline);
		if (error != 0)
			return error;
	}
}

/* Status line and body into c->answer. 0 or errno. */
int
ctl_receive_answer(struct ctl *c, int *status, double deadline)
{
	char head[64];
	size_t len, got = 0;
	int end = 0;
	int error = ctl_receive_line(c, head, sizeof(head), deadline);

	if (error != 0)
		return error;
	if (sscanf(head, "%d %zu%n", status, &len, &end) != 2 || head[end] != '\0' ||
		len > ANSWER_MAX)
		return EPROTO;
	free(c->answer);
	c->answer_len = 0;
	c->answer = malloc(len + 1);
	if (c->answer == NULL)
		return ENOMEM;
	while (got < len) {
		size_t n = len - got < c->in_len ? len - got : c->in_len;

		memcpy(c->answer + got, c->in + c->in_start, n);
		got += n;
		c->in_start += n;
		c->in_len -= n;
		if (got < len && (error = receive(c, deadline)) != 0)
			return error;
	}
	c->answer[len] = '\0';
	c->answer_len = len;
	return 0;
}

/* Send "VERB LINE" and take the answer. 0 or errno. */
int
ctl_try_request(struct ctl *c, const char *verb, const char *line, int *status, double deadline)
{
	char request[CTL_LINE_SIZE + 16];
	const int len = snprintf(request, sizeof(request), "%s %s\n", verb, line);
	int error = ctl_connect(c);

	if (error == 0)
		error = ctl_send(c, request, (size_t)len, deadline);
	/* A daemon that refuses the connection answers before it closes. */
	if (error == 0 || error == EPIPE || error == ECONNRESET)
		error = c->fd < 0 ? error : ctl_receive_answer(c, status, deadline);
	if (error != 0)
		ctl_disconnect(c);
	return error;
}

/* The same with messages; returns the exit code. */
int
ctl_request(struct ctl *c, const char *verb, const char *line)
{
	int status = CTL_INTERNAL;
	const int error = ctl_try_request(c, verb, line, &status, ctl_now() + c->timeout_s);

	if (error == 0)
		return status;
	if (error == ETIMEDOUT)
		ctl_complain(
			c, "mcrctl -t SECONDS waits longer", "no answer within %g s", c->timeout_s);
	else if (error == EPIPE || error == ECONNRESET)
		ctl_complain(c, NULL, "mcrd closed the connection");
	else if (error == EPROTO)
		ctl_complain(c, NULL, "what answers on %s is no mcrd", c->socket);
	else
		ctl_complain_unreachable(c, error);
	return CTL_UNREACHABLE;
}
