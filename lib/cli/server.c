/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/server.h"

#include <errno.h>
#include <poll.h>
#include <grp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MAX_CLIENTS 256
#define REQUEST_MAX 1024 /* "complete " and a line that is too long to be one */
/* So long may a daemon on our socket take to say that it is there. */
#define ANSWER_MS 2000
#define QUEUE_STALL (1u << 20) /* so much waiting makes a client slow */
#define QUEUE_MAX (64u << 20)  /* and so much ends it at once */
#define STALL_LIMIT_NS UINT64_C(10000000000)

struct client {
	TAILQ_ENTRY(client) link;
	struct mcr_server *sv;
	struct mcr_session session;
	int fd;
	uint32_t epoll_events;
	bool wants_events; /* and sends no requests any more */
	bool is_eof;       /* the client sends no more: answer what it sent, then close */
	char in[REQUEST_MAX];
	size_t in_len;
	char *out;
	size_t out_start, out_len, out_size; /* waiting bytes are out[out_start .. out_len) */
	uint64_t last_taken_ns;              /* when the client last took bytes */
};

TAILQ_HEAD(client_list, client);

struct mcr_server {
	struct mcr_loop *loop;
	struct mcr_syntax *sx;
	const struct mcr_session_ops *ops;
	void *app;
	struct sockaddr_un addr;
	struct stat socket_stat; /* what we bound: a later daemon's file is not ours to remove */
	int fd, tick_fd;
	bool is_ready;
	struct client_list clients;
	unsigned n_clients;
};

/* Real time, not the protocol clock: a warped clock must not make a client slow. */
static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static size_t
waiting(const struct client *c)
{
	return c->out_len - c->out_start;
}

static void
drop(struct client *c)
{
	struct mcr_server *sv = c->sv;

	TAILQ_REMOVE(&sv->clients, c, link);
	sv->n_clients--;
	mcr_loop_del(sv->loop, c->fd);
	close(c->fd);
	mcr_session_fini(&c->session);
	free(c->out);
	free(c);
}

/* False: no memory, or more waits than any client may have. */
static bool
queue(struct client *c, const char *bytes, size_t len)
{
	size_t size = c->out_size == 0 ? 4096 : c->out_size;
	char *out;

	if (waiting(c) + len > QUEUE_MAX)
		return false;
	if (waiting(c) == 0)
		c->last_taken_ns = now_ns();
	if (c->out_start > 0) {
		memmove(c->out, c->out + c->out_start, waiting(c));
		c->out_len -= c->out_start;
		c->out_start = 0;
	}
	while (size < c->out_len + len)
		size *= 2;
	if (size != c->out_size) {
		out = realloc(c->out, size);
		if (out == NULL)
			return false;
		c->out = out;
		c->out_size = size;
	}
	memcpy(c->out + c->out_len, bytes, len);
	c->out_len += len;
	return true;
}

static bool
answer(struct client *c, int status, const char *bytes, size_t len)
{
	char head[32];
	const int n = snprintf(head, sizeof(head), "%d %zu\n", status, len);

	return queue(c, head, (size_t)n) && queue(c, bytes, len);
}

static bool
answer_error(struct client *c, int status, bool json, const char *text, const char *fix)
{
	struct mcr_errs errs = {0};
	struct mcr_err *err = mcr_errs_add(&errs, MCR_ERROR, "%s", text);
	char *line = NULL;
	size_t len = 0;
	FILE *out;
	bool ok;

	mcr_err_fix(err, "%s", fix);
	out = open_memstream(&line, &len);
	if (out != NULL) {
		char *one = json ? mcr_err_json(err) : NULL;

		if (one != NULL)
			fprintf(out, "%s\n", one);
		else
			mcr_errs_print(out, &errs);
		free(one);
		fclose(out);
	}
	ok = answer(c, status, line == NULL ? "" : line, len);
	free(line);
	mcr_errs_fini(&errs);
	return ok;
}

/* Send what the socket takes. False: the client is gone. */
static bool
flush(struct client *c)
{
	while (waiting(c) > 0) {
		const ssize_t n =
			send(c->fd, c->out + c->out_start, waiting(c), MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK;
		c->out_start += (size_t)n;
		c->last_taken_ns = now_ns();
	}
	c->out_start = c->out_len = 0;
	if (c->out_size > 65536) {
		free(c->out);
		c->out = NULL;
		c->out_size = 0;
	}
	return true;
}

static void
complete_word(void *ctx, const char *word, const char *help)
{
	mcr_session_printf(ctx, "%s\n", word);
}

static bool
run_line(struct client *c, const char *line, bool json)
{
	struct mcr_session *s = &c->session;
	bool ok;
	int status;

	if (!c->sv->is_ready)
		return answer_error(
			c, MCR_TRY_AGAIN, json, "mcrd is starting; try again", "mcrctl wait 10");
	status = mcr_session_exec(s, line, json);
	ok = answer(c, status, s->out_len == 0 ? "" : s->out, s->out_len);
	mcr_session_clear(s);
	if (s->quit)
		c->is_eof = true;
	return ok;
}

static bool
run_complete(struct client *c, const char *line)
{
	struct mcr_session *s = &c->session;
	bool ok;

	mcr_syntax_complete(c->sv->sx, line, c->sv->ops->names, c->sv->app, complete_word, s);
	ok = answer(c, MCR_OK, s->out_len == 0 ? "" : s->out, s->out_len);
	mcr_session_clear(s);
	return ok;
}

/* One request. False: drop the client. */
static bool
run_request(struct client *c, const char *line)
{
	if (strncmp(line, "exec ", 5) == 0)
		return run_line(c, line + 5, false);
	if (strncmp(line, "json ", 5) == 0)
		return run_line(c, line + 5, true);
	if (strncmp(line, "complete ", 9) == 0)
		return run_complete(c, line + 9);
	if (strcmp(line, "events") == 0) {
		c->wants_events = true;
		c->in_len = 0;
		return answer(c, MCR_OK, "", 0);
	}
	return answer_error(c, MCR_USAGE, false,
		"not a request: \"exec LINE\", \"json LINE\", \"complete LINE\" or \"events\"",
		"mcrctl help");
}

/* Run the requests that are here, in order, as long as the client takes the answers. */
static bool
run_requests(struct client *c)
{
	while (!c->wants_events && waiting(c) < QUEUE_STALL) {
		char *end = memchr(c->in, '\n', c->in_len);
		char line[REQUEST_MAX];
		size_t len;

		if (end == NULL && c->in_len < sizeof(c->in))
			return true;
		if (end == NULL) {
			c->is_eof = true;
			c->in_len = 0;
			return answer_error(c, MCR_USAGE, false, "the request is too long", "");
		}
		len = (size_t)(end - c->in);
		memcpy(line, c->in, len);
		line[len] = '\0';
		if (len > 0 && line[len - 1] == '\r')
			line[len - 1] = '\0';
		c->in_len -= len + 1;
		memmove(c->in, end + 1, c->in_len);
		if (memchr(line, '\0', len) != NULL && strlen(line) + 1 < len) {
			if (!answer_error(c, MCR_USAGE, false, "a request is text", ""))
				return false;
			continue;
		}
		if (!run_request(c, line))
			return false;
		if (c->is_eof && c->session.quit) {
			c->in_len = 0;
			return true;
		}
	}
	if (c->wants_events)
		c->in_len = 0;
	return true;
}

/* False: the connection is broken. */
static bool
receive(struct client *c)
{
	while (!c->is_eof && c->in_len < sizeof(c->in)) {
		const ssize_t n =
			recv(c->fd, c->in + c->in_len, sizeof(c->in) - c->in_len, MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK;
		if (n == 0)
			c->is_eof = true;
		c->in_len += (size_t)n;
		/* One portion a turn: a client that never stops must let others in. */
		break;
	}
	return true;
}

/* What the loop shall wait for: room in the socket, or the next request. */
static void
watch(struct client *c)
{
	uint32_t events = 0;

	if (waiting(c) > 0)
		events |= EPOLLOUT;
	if (!c->is_eof && waiting(c) < QUEUE_STALL)
		events |= EPOLLIN;
	if (events == c->epoll_events)
		return;
	c->epoll_events = events;
	mcr_loop_mod(c->sv->loop, c->fd, events);
}

static void
on_client(void *arg, int fd, uint32_t epoll_events)
{
	struct client *c = arg;
	size_t before;

	if ((epoll_events & (EPOLLIN | EPOLLHUP)) != 0 && !receive(c)) {
		drop(c);
		return;
	}
	if ((epoll_events & EPOLLERR) != 0 || !flush(c)) {
		drop(c);
		return;
	}
	/* Sending makes room for the answers of requests that were held back. */
	do {
		before = c->in_len;
		if (!run_requests(c) || !flush(c)) {
			drop(c);
			return;
		}
	} while (c->in_len != before && waiting(c) < QUEUE_STALL);
	if (c->is_eof && waiting(c) == 0) {
		drop(c);
		return;
	}
	watch(c);
}

static void
refuse_client(int fd)
{
	static const char text[] = "error: mcrd has too many clients; close some and try again\n";
	char whole[sizeof(text) + 32];
	const int n =
		snprintf(whole, sizeof(whole), "%d %zu\n%s", MCR_TRY_AGAIN, sizeof(text) - 1, text);

	/* A fresh socket has room for this; whether the client still listens does not matter. */
	(void)!send(fd, whole, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static void
on_listen(void *arg, int listen_fd, uint32_t epoll_events)
{
	struct mcr_server *sv = arg;
	struct client *c;
	int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0) {
		/* Out of descriptors: the backlog stays readable, so look away for a while. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			mcr_loop_mod(sv->loop, listen_fd, 0);
		return;
	}
	if (sv->n_clients >= MAX_CLIENTS) {
		refuse_client(fd);
		return;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		close(fd);
		return;
	}
	c->sv = sv;
	c->fd = fd;
	c->epoll_events = EPOLLIN;
	if (mcr_loop_add(sv->loop, fd, EPOLLIN, on_client, c) < 0) {
		close(fd);
		free(c);
		return;
	}
	mcr_session_init(&c->session, sv->sx, sv->ops, sv->app);
	TAILQ_INSERT_TAIL(&sv->clients, c, link);
	sv->n_clients++;
}

/* Once a second: end clients that leave their answers in the queue, listen again. */
static void
on_tick(void *arg, int fd, uint32_t epoll_events)
{
	struct mcr_server *sv = arg;
	struct client *c, *next;
	uint64_t ticks;

	if (read(fd, &ticks, sizeof(ticks)) < 0)
		return;
	for (c = TAILQ_FIRST(&sv->clients); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (waiting(c) >= QUEUE_STALL && now_ns() - c->last_taken_ns > STALL_LIMIT_NS)
			drop(c);
	}
	mcr_loop_mod(sv->loop, sv->fd, EPOLLIN);
}

/* 1: it answers, or does not but is there; 0: nobody is there; -1: it hung up. */
static int
probe(const struct sockaddr_un *addr)
{
	static const char question[] = "exec show version\n";
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int ret = 1;
	char answer;

	if (fd < 0)
		return 0;
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0)
		ret = errno != ECONNREFUSED && errno != ENOENT;
	else if (send(fd, question, sizeof(question) - 1, MSG_NOSIGNAL) < 0 ||
		 (poll(&p, 1, ANSWER_MS) == 1 && recv(fd, &answer, 1, 0) <= 0))
		ret = -1;
	close(fd);
	return ret;
}

/*
 * Does a daemon answer there? Only a refused connection proves that nobody does. A killed one
 * takes connections until the kernel has freed its memory, and then hangs up.
 */
static bool
is_alive(const struct sockaddr_un *addr)
{
	const struct timespec nap = {.tv_nsec = 20 * 1000 * 1000};
	int ret = -1;

	for (unsigned i = 0; i < ANSWER_MS / 20 && ret < 0; i++) {
		ret = probe(addr);
		if (ret < 0)
			nanosleep(&nap, NULL);
	}
	return ret != 0;
}

/* Free the name, unless it belongs to somebody. */
static int
clear_path(const struct sockaddr_un *addr, struct mcr_errs *errs)
{
	struct stat st;
	struct mcr_err *err;

	if (lstat(addr->sun_path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode)) {
		err = mcr_errs_add(errs, MCR_ERROR, "control socket: %s exists and is no socket",
			addr->sun_path);
		mcr_err_fix(err, "mcrd -s PATH, or set system control-socket PATH");
		return -EEXIST;
	}
	if (is_alive(addr)) {
		err = mcr_errs_add(errs, MCR_ERROR, "control socket: another mcrd answers on %s",
			addr->sun_path);
		mcr_err_fix(err, "mcrctl -s %s shutdown, or start with -s PATH", addr->sun_path);
		return -EADDRINUSE;
	}
	if (unlink(addr->sun_path) < 0 && errno != ENOENT) {
		mcr_errs_add(errs, MCR_ERROR, "control socket: %s cannot be replaced: %s",
			addr->sun_path, strerror(errno));
		return -errno;
	}
	return 0;
}

static int
bind_socket(struct mcr_server *sv, const char *group, struct mcr_errs *errs)
{
	const struct group *gr = group == NULL ? NULL : getgrnam(group);
	const char *path = sv->addr.sun_path;
	struct mcr_err *err;
	mode_t mask;
	int ret;

	ret = clear_path(&sv->addr, errs);
	if (ret < 0)
		return ret;
	sv->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* Nobody else may connect before the rights are set. */
	mask = umask(0177);
	ret = sv->fd < 0 || bind(sv->fd, (const struct sockaddr *)&sv->addr, sizeof(sv->addr)) < 0;
	umask(mask);
	if (ret != 0) {
		err = mcr_errs_add(errs, MCR_ERROR, "control socket: %s cannot be made: %s", path,
			strerror(errno));
		if (errno == ENOENT)
			mcr_err_fix(err, "mkdir -p $(dirname %s)", path);
		else
			mcr_err_fix(err, "mcrd -s PATH, or set system control-socket PATH");
		return -EINVAL;
	}
	if (gr != NULL && chown(path, (uid_t)-1, gr->gr_gid) < 0)
		mcr_errs_add(errs, MCR_WARNING,
			"control socket: group %s was not given to %s; only its owner can connect",
			group, path);
	if (chmod(path, 0660) < 0 || lstat(path, &sv->socket_stat) < 0 || listen(sv->fd, 64) < 0) {
		mcr_errs_add(errs, MCR_ERROR, "control socket: %s: %s", path, strerror(errno));
		return -EINVAL;
	}
	return 0;
}

static int
start_ticks(struct mcr_server *sv)
{
	const struct itimerspec second = {.it_interval = {.tv_sec = 1}, .it_value = {.tv_sec = 1}};

	sv->tick_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (sv->tick_fd < 0 || timerfd_settime(sv->tick_fd, 0, &second, NULL) < 0)
		return -errno;
	return mcr_loop_add(sv->loop, sv->tick_fd, EPOLLIN, on_tick, sv);
}

struct mcr_server *
mcr_server_create(struct mcr_loop *loop, const char *path, const char *group, struct mcr_syntax *sx,
	const struct mcr_session_ops *ops, void *app, struct mcr_errs *errs)
{
	struct mcr_server *sv = calloc(1, sizeof(*sv));

	if (sv == NULL) {
		mcr_errs_add(errs, MCR_ERROR, "control socket: no memory");
		return NULL;
	}
	*sv = (struct mcr_server){
		.loop = loop,
		.sx = sx,
		.ops = ops,
		.app = app,
		.addr = {.sun_family = AF_UNIX},
		.fd = -1,
		.tick_fd = -1,
	};
	TAILQ_INIT(&sv->clients);
	if (strlen(path) >= sizeof(sv->addr.sun_path)) {
		mcr_errs_add(errs, MCR_ERROR, "control socket: %.200s has more than %zu characters",
			path, sizeof(sv->addr.sun_path) - 1);
		goto fail;
	}
	memcpy(sv->addr.sun_path, path, strlen(path) + 1);
	if (bind_socket(sv, group, errs) < 0)
		goto fail;
	if (start_ticks(sv) < 0 || mcr_loop_add(loop, sv->fd, EPOLLIN, on_listen, sv) < 0) {
		mcr_errs_add(errs, MCR_ERROR, "control socket: no descriptor or memory for it");
		goto fail;
	}
	return sv;
fail:
	mcr_server_free(sv);
	return NULL;
}

void
mcr_server_free(struct mcr_server *sv)
{
	struct stat st;

	if (sv == NULL)
		return;
	while (!TAILQ_EMPTY(&sv->clients)) {
		struct client *c = TAILQ_FIRST(&sv->clients);

		/* The answer to "shutdown" still goes out if the client takes it now. */
		if (flush(c))
			shutdown(c->fd, SHUT_WR);
		drop(c);
	}
	if (sv->tick_fd >= 0) {
		mcr_loop_del(sv->loop, sv->tick_fd);
		close(sv->tick_fd);
	}
	if (sv->fd >= 0) {
		mcr_loop_del(sv->loop, sv->fd);
		close(sv->fd);
	}
	if (sv->socket_stat.st_ino != 0 && lstat(sv->addr.sun_path, &st) == 0 &&
		st.st_ino == sv->socket_stat.st_ino && st.st_dev == sv->socket_stat.st_dev)
		unlink(sv->addr.sun_path);
	free(sv);
}

void
mcr_server_set_ready(struct mcr_server *sv, bool is_ready)
{
	sv->is_ready = is_ready;
}

void
mcr_server_event(struct mcr_server *sv, const char *json_line)
{
	struct client *c, *next;

	for (c = TAILQ_FIRST(&sv->clients); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (!c->wants_events)
			continue;
		if (!queue(c, json_line, strlen(json_line)) || !queue(c, "\n", 1) || !flush(c))
			drop(c);
		else
			watch(c);
	}
}

unsigned
mcr_server_clients(const struct mcr_server *sv)
{
	return sv->n_clients;
}
