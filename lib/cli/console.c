/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The terminal of `mcrd -i`: rdline of rte_cmdline edits the line, everything else is ours, because
 * rte_cmdline writes to a blocking descriptor and knows neither live names nor our errors. Its
 * rdline constructor is an experimental call of DPDK, used in this file only. Without a terminal:
 * plain lines.
 */
#define ALLOW_EXPERIMENTAL_API

#include "cli/console.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cmdline_rdline.h>

#define MAX_CHOICES 1024
#define QUEUE_PAUSE (1u << 20) /* waiting output that stops the reading */

struct choice {
	char *word;
	const char *help;
};

struct mcr_console {
	struct mcr_loop *loop;
	struct mcr_session session;
	void (*on_end)(void *app);
	struct rdline *rdl; /* NULL: input is no terminal */
	bool is_leaving;    /* no more input; ends when the output is out */
	bool is_ended;
	int in_fd, out_fd;
	int ready_fd; /* stands for an input that epoll cannot watch, such as a file; or -1 */
	uint32_t out_events;
	bool is_paused;
	char line[MCR_LINE_MAX + 2]; /* without a terminal: the line so far */
	size_t line_len;
	char *out;
	size_t out_start, out_len, out_size;
	struct choice choice[MAX_CHOICES];
	unsigned n_choices;
	char hint[320];
};

static struct termios saved_terminal;
static bool is_terminal_raw;

static void
restore_terminal(void)
{
	if (is_terminal_raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &saved_terminal);
	is_terminal_raw = false;
}

/* Characters as they are typed, signals as keys: Ctrl-C clears the line instead of ending mcrd. */
static void
adjust_terminal(void)
{
	static bool is_registered;
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &saved_terminal) < 0)
		return;
	t = saved_terminal;
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	if (tcsetattr(STDIN_FILENO, TCSANOW, &t) < 0)
		return;
	is_terminal_raw = true;
	if (!is_registered)
		atexit(restore_terminal);
	is_registered = true;
}

static size_t
waiting(const struct mcr_console *c)
{
	return c->out_len - c->out_start;
}

static void
put(struct mcr_console *c, const char *bytes, size_t len)
{
	size_t size = c->out_size == 0 ? 4096 : c->out_size;
	char *out;

	while (size < c->out_len + len)
		size *= 2;
	if (size != c->out_size) {
		out = realloc(c->out, size);
		if (out == NULL)
			return; /* the screen lacks a piece; the daemon goes on */
		c->out = out;
		c->out_size = size;
	}
	memcpy(c->out + c->out_len, bytes, len);
	c->out_len += len;
}

static void
flush(struct mcr_console *c)
{
	while (waiting(c) > 0) {
		const ssize_t n = write(c->out_fd, c->out + c->out_start, waiting(c));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n < 0) {
			c->out_start = c->out_len; /* nobody reads: the end of input comes too */
			break;
		}
		c->out_start += (size_t)n;
	}
	if (waiting(c) == 0)
		c->out_start = c->out_len = 0;
}

static int
write_char(struct rdline *rdl, char ch)
{
	put(rdline_get_opaque(rdl), &ch, 1);
	return 1;
}

static void
execute(struct mcr_console *c, const char *line)
{
	struct mcr_session *s = &c->session;

	mcr_session_exec(s, line, false);
	if (s->out_len > 0)
		put(c, s->out, s->out_len);
	mcr_session_clear(s);
}

static void
validate(struct rdline *rdl, const char *buf, unsigned int size)
{
	char line[MCR_LINE_MAX + 2];

	snprintf(line, sizeof(line), "%.*s", (int)strcspn(buf, "\n"), buf);
	execute(rdline_get_opaque(rdl), line);
}

static void
new_line(struct mcr_console *c)
{
	char prompt[64] = "mcr# ";

	if (c->session.ops->prompt != NULL)
		c->session.ops->prompt(&c->session, prompt, sizeof(prompt));
	rdline_newline(c->rdl, prompt);
}

static void
forget_choices(struct mcr_console *c)
{
	while (c->n_choices > 0)
		free(c->choice[--c->n_choices].word);
}

static void
add_choice(void *ctx, const char *word, const char *help)
{
	struct mcr_console *c = ctx;
	char *copy;

	if (c->n_choices == MAX_CHOICES)
		return;
	copy = strdup(word);
	if (copy != NULL)
		c->choice[c->n_choices++] = (struct choice){.word = copy, .help = help};
}

static size_t
common_len(const struct mcr_console *c)
{
	size_t n = strlen(c->choice[0].word);

	for (unsigned i = 1; i < c->n_choices; i++) {
		size_t k = 0;

		while (k < n && c->choice[i].word[k] == c->choice[0].word[k])
			k++;
		n = k;
	}
	return n;
}

/* No word to offer, but a value may stand here: say which. */
static void
find_hint(struct mcr_console *c, const char *buf)
{
	struct mcr_args a;
	struct mcr_err err;
	const int ret = mcr_syntax_parse(c->session.syntax, buf, &a, &err);

	c->hint[0] = '\0';
	if (ret > 0)
		snprintf(c->hint, sizeof(c->hint), "Enter");
	else if (ret < 0 && err.position > strlen(buf))
		snprintf(c->hint, sizeof(c->hint), "expected: %s", err.expected);
}

/*
 * rdline: state 0 = TAB, -1 = "?", above: the next choice. 2 = append dst, 1 = show dst, 0 = no
 * more.
 */
static int
complete(struct rdline *rdl, const char *buf, char *dst, unsigned int size, int *state)
{
	struct mcr_console *c = rdline_get_opaque(rdl);
	const char *blank = strrchr(buf, ' ');
	const size_t typed = strlen(blank == NULL ? buf : blank + 1);
	unsigned i;

	if (*state <= 0) {
		forget_choices(c);
		mcr_syntax_complete(c->session.syntax, buf, c->session.ops->names, c->session.app,
			add_choice, c);
		if (c->n_choices == 0)
			find_hint(c, buf);
	}
	if (*state == 0 && c->n_choices > 0 && (common_len(c) > typed || c->n_choices == 1)) {
		snprintf(dst, size, "%.*s%s", (int)(common_len(c) - typed),
			c->choice[0].word + typed, c->n_choices == 1 ? " " : "");
		return RDLINE_RES_COMPLETE;
	}
	if (*state < 0)
		*state = 0;
	i = (unsigned)(*state)++;
	if (c->n_choices == 0 && i == 0 && c->hint[0] != '\0') {
		snprintf(dst, size, "%s", c->hint);
		return 1;
	}
	if (i >= c->n_choices)
		return 0;
	if (c->choice[i].help != NULL)
		snprintf(dst, size, "%-20s %s", c->choice[i].word, c->choice[i].help);
	else
		snprintf(dst, size, "%s", c->choice[i].word);
	return 1;
}

/* Give the terminal back and tell the application, which may free the console. */
static void
end(struct mcr_console *c)
{
	if (c->is_ended)
		return;
	c->is_ended = true;
	mcr_loop_del(c->loop, c->ready_fd >= 0 ? c->ready_fd : c->in_fd);
	mcr_loop_del(c->loop, c->out_fd);
	restore_terminal();
	c->on_end(c->session.app);
}

/* True: the user leaves. */
static bool
take_key(struct mcr_console *c, char key)
{
	const int ret = rdline_char_in(c->rdl, key);
	const char *line;

	if (ret == RDLINE_RES_EOF || ret == RDLINE_RES_EXITED)
		return true;
	if (ret != RDLINE_RES_VALIDATED)
		return false;
	line = rdline_get_buffer(c->rdl);
	if (line[0] != '\n' && line[0] != '\0')
		rdline_add_history(c->rdl, line);
	if (!c->session.quit)
		new_line(c);
	return c->session.quit;
}

static bool
take_byte(struct mcr_console *c, char byte)
{
	if (byte != '\n') {
		/* One byte more than a line may have is kept: the parser then says so. */
		if (c->line_len + 1 < sizeof(c->line))
			c->line[c->line_len++] = byte == '\0' ? '\x01' : byte;
		return false;
	}
	c->line[c->line_len] = '\0';
	c->line_len = 0;
	execute(c, c->line);
	return c->session.quit;
}

static void on_input(void *arg, int fd, uint32_t epoll_events);

/* Taken out, because a hangup is reported whatever one asks for, while lines may still be there. */
static void
set_paused(struct mcr_console *c, bool is_paused)
{
	const int in_fd = c->ready_fd >= 0 ? c->ready_fd : c->in_fd;

	if (is_paused == c->is_paused)
		return;
	c->is_paused = is_paused;
	if (is_paused)
		mcr_loop_del(c->loop, in_fd);
	else if (mcr_loop_add(c->loop, in_fd, EPOLLIN, on_input, c) < 0)
		end(c);
}

/* Send what the terminal takes, and choose what to wait for. May end, and free, the console. */
static void
go_on(struct mcr_console *c)
{
	uint32_t events;

	flush(c);
	if (c->is_leaving && waiting(c) == 0) {
		end(c);
		return;
	}
	events = waiting(c) > 0 ? EPOLLOUT : 0;
	if (events != c->out_events)
		mcr_loop_mod(c->loop, c->out_fd, events);
	c->out_events = events;
	set_paused(c, c->is_leaving || waiting(c) >= QUEUE_PAUSE);
}

static void
on_input(void *arg, int fd, uint32_t epoll_events)
{
	struct mcr_console *c = arg;
	bool is_over = false;
	char buf[256];
	ssize_t n;

	n = read(c->in_fd, buf, sizeof(buf));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	for (ssize_t i = 0; i < n && !is_over; i++)
		is_over = c->rdl != NULL ? take_key(c, buf[i]) : take_byte(c, buf[i]);
	if (n <= 0) {
		if (c->rdl == NULL && c->line_len > 0)
			take_byte(c, '\n');
		is_over = true;
	}
	if (is_over && c->rdl != NULL)
		put(c, "\n", 1);
	c->is_leaving = is_over;
	go_on(c);
}

static void
on_output(void *arg, int fd, uint32_t epoll_events)
{
	struct mcr_console *c = arg;

	if ((epoll_events & (EPOLLERR | EPOLLHUP)) != 0)
		end(c);
	else
		go_on(c);
}

/*
 * The terminal's open file is shared with the shell, so it must not become non-blocking. Opened a
 * second time it is ours. A file never blocks and keeps its offset in the shared one.
 */
static int
open_output(void)
{
	struct stat st;
	int fd = -1;

	if (fstat(STDOUT_FILENO, &st) == 0 && (S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode)))
		fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd >= 0 ? fd : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
}

static int
watch_input(struct mcr_console *c)
{
	int ret = mcr_loop_add(c->loop, c->in_fd, EPOLLIN, on_input, c);

	if (ret != -EPERM)
		return ret;
	/* A file or /dev/null: always ready, as is an eventfd that nobody reads. */
	c->ready_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->ready_fd < 0)
		return -errno;
	return mcr_loop_add(c->loop, c->ready_fd, EPOLLIN, on_input, c);
}

struct mcr_console *
mcr_console_create(struct mcr_loop *loop, struct mcr_syntax *sx, const struct mcr_session_ops *ops,
	void *app, void (*on_end)(void *app))
{
	struct mcr_console *c = calloc(1, sizeof(*c));
	int ret;

	if (c == NULL)
		return NULL;
	c->loop = loop;
	c->on_end = on_end;
	c->in_fd = STDIN_FILENO;
	c->ready_fd = -1;
	mcr_session_init(&c->session, sx, ops, app);
	c->out_fd = open_output();
	if (c->out_fd < 0)
		goto fail;
	ret = mcr_loop_add(loop, c->out_fd, 0, on_output, c);
	if (ret < 0 && ret != -EPERM)
		goto fail;
	if (watch_input(c) < 0)
		goto fail;
	if (isatty(STDIN_FILENO)) {
		c->rdl = rdline_new(write_char, validate, complete, c);
		if (c->rdl == NULL)
			goto fail;
		adjust_terminal();
		new_line(c);
		go_on(c);
	}
	return c;
fail:
	mcr_console_free(c);
	return NULL;
}

void
mcr_console_free(struct mcr_console *c)
{
	if (c == NULL)
		return;
	if (!c->is_ended) {
		mcr_loop_del(c->loop, c->ready_fd >= 0 ? c->ready_fd : c->in_fd);
		mcr_loop_del(c->loop, c->out_fd);
		if (c->rdl != NULL)
			put(c, "\n", 1);
		flush(c);
	}
	restore_terminal();
	forget_choices(c);
	rdline_free(c->rdl);
	if (c->ready_fd >= 0)
		close(c->ready_fd);
	if (c->out_fd >= 0)
		close(c->out_fd);
	free(c->out);
	mcr_session_fini(&c->session);
	free(c);
}
