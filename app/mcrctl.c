/* SPDX-License-Identifier: BSD-3-Clause */
/* mcrctl: sends lines to mcrd's control socket and prints the answers; its own words. */
#include "ctl.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#ifndef MCR_VERSION
#define MCR_VERSION "unknown"
#endif

#define DEFAULT_SOCKET "/run/mcr/mcrd.sock"
#define POLL_S 0.02 /* between two looks of "wait" */

static void
pause_s(double seconds)
{
	struct timespec ts = {.tv_sec = (time_t)seconds};

	ts.tv_nsec = (long)((seconds - (double)ts.tv_sec) * 1e9);
	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		continue;
}

/* In a file of lines every error says where; the daemon does not know that. */
static void
print_error_at(const struct ctl *c, const char *file, unsigned line_no)
{
	const char *at = c->answer;

	while (*at != '\0') {
		const size_t len = strcspn(at, "\n");
		json_t *root = c->json ? json_loadb(at, len, 0, NULL) : NULL;

		if (root != NULL) {
			json_object_set_new(root, "file", json_string(file));
			json_object_set_new(root, "line", json_integer(line_no));
			json_dumpf(root, stderr, JSON_COMPACT);
			fputc('\n', stderr);
			json_decref(root);
		} else {
			if (strncmp(at, "error: ", 7) == 0 || strncmp(at, "warning: ", 9) == 0)
				fprintf(stderr, "%s:%u: ", file, line_no);
			fprintf(stderr, "%.*s\n", (int)len, at);
		}
		at += len + (at[len] == '\n');
	}
}

static void
print_answer(const struct ctl *c, int status, const char *file, unsigned line_no)
{
	if (status == CTL_OK) {
		fwrite(c->answer, 1, c->answer_len, stdout);
		fflush(stdout);
	} else if (file != NULL) {
		fflush(stdout);
		print_error_at(c, file, line_no);
	} else {
		fflush(stdout);
		fwrite(c->answer, 1, c->answer_len, stderr);
	}
}

/* A path is meant from where mcrctl runs, not from where mcrd does. */
static void
make_path_absolute(char line[CTL_LINE_SIZE])
{
	char verb[8], first[CTL_LINE_SIZE], second[CTL_LINE_SIZE], rest[2], cwd[PATH_MAX];
	char whole[CTL_LINE_SIZE];
	const int n = sscanf(line, "%7s %4095s %4095s %1s", verb, first, second, rest);
	const bool is_check = n == 3 && strcmp(verb, "load") == 0 && strcmp(first, "check") == 0;
	const char *path = is_check ? second : first;

	if (n != 2 && !is_check)
		return;
	if ((strcmp(verb, "load") != 0 && strcmp(verb, "save") != 0) || path[0] == '/' ||
		path[0] == '#' || getcwd(cwd, sizeof(cwd)) == NULL)
		return;
	if ((size_t)snprintf(whole, sizeof(whole), "%s%s %s/%s", verb, is_check ? " check" : "",
		    cwd, path) < sizeof(whole))
		memcpy(line, whole, strlen(whole) + 1);
}

static const char own_help[] =
	"\nWords of mcrctl itself:\n"
	"wait SECONDS\n        wait until the daemon is ready\n"
	"events [COUNT]\n        print events as they happen, one JSON object a line\n"
	"watch SECONDS COMMAND\n        run a command again and again\n"
	"complete LINE\n        words that may come next\n"
	"help\n        this list\n";

static int
run_wait(struct ctl *c, const char *arg)
{
	char *end;
	const double seconds = strtod(arg, &end);
	const double deadline = ctl_now() + seconds;
	int status = CTL_UNREACHABLE, error;

	if (end == arg || *end != '\0' || !(seconds >= 0 && seconds <= 86400)) {
		ctl_complain(c, "mcrctl wait 10", "wait takes seconds: 0-86400");
		return CTL_USAGE;
	}
	for (;;) {
		/* Half a second more: a daemon that answers at the last moment is there. */
		error = ctl_try_request(c, "exec", "show version", &status, deadline + 0.5);
		if (error == 0 && status != CTL_TRY_AGAIN)
			return CTL_OK;
		ctl_disconnect(c);
		if (ctl_now() >= deadline)
			break;
		pause_s(POLL_S);
	}
	if (error == 0) {
		ctl_complain(c, NULL, "mcrd is still starting after %g s", seconds);
		return CTL_TRY_AGAIN;
	}
	ctl_complain_unreachable(c, error);
	return CTL_UNREACHABLE;
}

static int
run_events(struct ctl *c, const char *arg)
{
	static char line[sizeof(c->in) + 1];
	char *end;
	unsigned long left = strtoul(arg, &end, 10);
	const bool is_endless = *arg == '\0';
	int status;

	if (*end != '\0' || (!is_endless && (!isdigit((unsigned char)*arg) || left == 0))) {
		ctl_complain(c, "mcrctl events 10", "events takes a count, or nothing");
		return CTL_USAGE;
	}
	/* The request has no argument; a trailing blank is not part of it. */
	status = ctl_connect(c);
	if (status != 0) {
		ctl_complain_unreachable(c, status);
		return CTL_UNREACHABLE;
	}
	if (ctl_send(c, "events\n", 7, ctl_now() + c->timeout_s) != 0 ||
		ctl_receive_answer(c, &status, ctl_now() + c->timeout_s) != 0) {
		ctl_complain(c, NULL, "mcrd does not answer");
		ctl_disconnect(c);
		return CTL_UNREACHABLE;
	}
	if (status != CTL_OK) {
		print_answer(c, status, NULL, 0);
		return status;
	}
	while (is_endless || left-- > 0) {
		if (ctl_receive_line(c, line, sizeof(line), ctl_now() + 1e6) != 0) {
			ctl_complain(c, NULL, "mcrd closed the connection");
			ctl_disconnect(c);
			return CTL_UNREACHABLE;
		}
		puts(line);
		fflush(stdout);
	}
	ctl_disconnect(c);
	return CTL_OK;
}

static int
run_watch(struct ctl *c, const char *arg)
{
	char *command;
	const double seconds = strtod(arg, &command);
	const bool is_terminal = isatty(STDOUT_FILENO);
	int status;

	while (isblank((unsigned char)*command))
		command++;
	if (command == arg || *command == '\0' || !(seconds >= 0.1 && seconds <= 86400)) {
		ctl_complain(c, "mcrctl watch 2 show groups",
			"watch takes seconds (0.1-86400) and a command");
		return CTL_USAGE;
	}
	for (;;) {
		if (is_terminal)
			fputs("\033[H\033[2J", stdout);
		status = ctl_run_line(c, command, NULL, 0);
		if (status != CTL_OK)
			return status;
		fflush(stdout);
		pause_s(seconds);
	}
}

static int
run_help(struct ctl *c, const char *line)
{
	int status;

	if (ctl_try_request(c, "exec", line, &status, ctl_now() + c->timeout_s) == 0)
		print_answer(c, status, NULL, 0);
	else
		puts("(mcrd is not reachable: its commands are not shown)");
	fputs(own_help, stdout);
	return CTL_OK;
}

/* The rest of the line when it begins with the word, else NULL. */
static const char *
after(const char *line, const char *word)
{
	const size_t n = strlen(word);

	if (strncmp(line, word, n) != 0 || (line[n] != '\0' && !isblank((unsigned char)line[n])))
		return NULL;
	line += n;
	return line + strspn(line, " \t");
}

/* For the prompt: which lines open and close the batch of this connection. */
static void
note_batch(struct ctl *c, const char *line, int status)
{
	if (status != CTL_OK)
		return;
	if (strcmp(line, "begin") == 0)
		c->is_batch = true;
	else if (strcmp(line, "abort") == 0 || strcmp(line, "commit") == 0 ||
		 strncmp(line, "commit confirmed", 16) == 0)
		c->is_batch = false;
}

/* One line, ours or the daemon's. Returns its exit code. */
int
ctl_run_line(struct ctl *c, const char *text, const char *file, unsigned line_no)
{
	char line[CTL_LINE_SIZE];
	const char *arg;
	int status;

	text += strspn(text, " \t");
	if (strlen(text) >= sizeof(line) || strchr(text, '\n') != NULL) {
		ctl_complain(c, NULL, "a command is one line of at most 511 bytes");
		return CTL_USAGE;
	}
	strcpy(line, text);
	if ((arg = after(line, "complete")) != NULL) {
		/* A trailing blank counts: it says that the last word is whole. */
		status = ctl_request(c, "complete", arg);
		if (status != CTL_UNREACHABLE)
			print_answer(c, status, file, line_no);
		return status;
	}
	for (size_t n = strlen(line); n > 0 && strchr(" \t\r", line[n - 1]) != NULL;)
		line[--n] = '\0';
	if (line[0] == '\0' || line[0] == '#')
		return CTL_OK;
	if ((arg = after(line, "wait")) != NULL)
		return run_wait(c, arg);
	if ((arg = after(line, "events")) != NULL)
		return run_events(c, arg);
	if ((arg = after(line, "watch")) != NULL)
		return run_watch(c, arg);
	if (strcmp(line, "help") == 0)
		return run_help(c, line);
	make_path_absolute(line);
	status = ctl_request(c, c->json ? "json" : "exec", line);
	if (c->answer != NULL && c->fd >= 0)
		print_answer(c, status, file, line_no);
	note_batch(c, line, status);
	return status;
}

/* Lines from a file or a pipe. */
static int
run_lines(struct ctl *c, FILE *in, const char *file)
{
	char *text = NULL;
	size_t size = 0;
	unsigned line_no = 0, n_refused = 0;
	int status = CTL_OK;

	while (getline(&text, &size, in) >= 0) {
		line_no++;
		text[strcspn(text, "\n")] = '\0';
		if (strcmp(text, "quit") == 0)
			break;
		if (c->echo) {
			puts(text);
			fflush(stdout);
		}
		status = ctl_run_line(c, text, file, line_no);
		if (status == CTL_OK)
			continue;
		n_refused++;
		if (c->stop_at_error || status == CTL_UNREACHABLE)
			break;
	}
	free(text);
	if (n_refused == 0)
		return CTL_OK;
	return c->stop_at_error || status == CTL_UNREACHABLE ? status : CTL_PARTIAL;
}

static int
run_file(struct ctl *c, const char *path)
{
	FILE *in = fopen(path, "re");
	int status;

	if (in == NULL) {
		ctl_complain(c, NULL, "%s cannot be read: %s", path,
			errno == ENOENT ? "no such file" : strerror(errno));
		return CTL_USAGE;
	}
	status = run_lines(c, in, path);
	fclose(in);
	return status;
}

static void
print_usage(FILE *out)
{
	fputs("usage: mcrctl [-s SOCKET] [-j] [-e] [-x] [-t SECONDS] [-f FILE] [COMMAND...]\n"
	      "  -s SOCKET   of the daemon (default $MCR_SOCKET, else " DEFAULT_SOCKET ")\n"
	      "  -j          JSON from every command that has it, and JSON errors\n"
	      "  -e          stop at the first refused line\n"
	      "  -x          print each line before its answer\n"
	      "  -t SECONDS  give up without an answer after this time (default 10)\n"
	      "  -f FILE     run the lines of FILE one by one\n"
	      "  -V, -h      version, this text\n"
	      "Without COMMAND: a console on a terminal, else lines from the standard input.\n"
	      "mcrctl help lists the commands.\n",
		out);
}

/* The words of the command line as one line; false when they do not fit. */
static bool
join(char line[CTL_LINE_SIZE], char *const *word, int n)
{
	size_t len = 0;

	for (int i = 0; i < n; i++) {
		len += (size_t)snprintf(
			line + len, CTL_LINE_SIZE - len, "%s%s", i > 0 ? " " : "", word[i]);
		if (len >= CTL_LINE_SIZE)
			return false;
	}
	return true;
}

static int
run_command(struct ctl *c, char *const *word, int n)
{
	char line[CTL_LINE_SIZE];

	if (!join(line, word, n)) {
		ctl_complain(c, NULL, "a command is one line of at most 511 bytes");
		return CTL_USAGE;
	}
	if (c->echo) {
		puts(line);
		fflush(stdout);
	}
	return ctl_run_line(c, line, NULL, 0);
}

int
main(int argc, char *argv[])
{
	static struct ctl c = {.timeout_s = 10, .fd = -1};
	const char *file = NULL;
	char *end;
	int opt, status;

	c.socket = getenv("MCR_SOCKET");
	if (c.socket == NULL || c.socket[0] == '\0')
		c.socket = DEFAULT_SOCKET;
	/* "+": the first word that is no option begins the command. */
	while ((opt = getopt(argc, argv, "+s:jext:f:Vh")) != -1) {
		switch (opt) {
		case 's':
			c.socket = optarg;
			break;
		case 'j':
			c.json = true;
			break;
		case 'e':
			c.stop_at_error = true;
			break;
		case 'x':
			c.echo = true;
			break;
		case 't':
			c.timeout_s = strtod(optarg, &end);
			if (end == optarg || *end != '\0' ||
				!(c.timeout_s > 0 && c.timeout_s <= 1e6)) {
				ctl_complain(&c, "mcrctl -t 30 COMMAND", "-t takes seconds");
				return CTL_USAGE;
			}
			break;
		case 'f':
			file = optarg;
			break;
		case 'V':
			puts("mcrctl " MCR_VERSION);
			return CTL_OK;
		case 'h':
			print_usage(stdout);
			return CTL_OK;
		default:
			print_usage(stderr);
			return CTL_USAGE;
		}
	}
	if (file != NULL && optind < argc) {
		ctl_complain(&c, NULL, "-f FILE and a COMMAND exclude each other");
		return CTL_USAGE;
	}
	if (file != NULL)
		status = run_file(&c, file);
	else if (optind < argc)
		status = run_command(&c, &argv[optind], argc - optind);
	else if (isatty(STDIN_FILENO))
		status = ctl_run_terminal(&c);
	else
		status = run_lines(&c, stdin, NULL);
	ctl_disconnect(&c);
	free(c.answer);
	return status;
}
