/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_APP_CTL_H
#define MCR_APP_CTL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * mcrctl, shared by its three files. It knows no command but its own words, so it links neither
 * DPDK nor our libraries, and any version of it fits any daemon.
 */
enum { /* exit codes, and the daemon's STATUS */
	CTL_OK = 0,
	CTL_USAGE = 2,
	CTL_UNREACHABLE = 3,
	CTL_PARTIAL = 6,
	CTL_INTERNAL = 70,
	CTL_TRY_AGAIN = 75,
};

#define CTL_LINE_SIZE 4096

struct ctl {
	const char *socket;
	bool json, stop_at_error, echo;
	double timeout_s;
	int fd; /* -1: not connected */
	/* Received and not used yet. */
	char in[65536];
	size_t in_start, in_len;
	/* The last answer, with a NUL behind it. */
	char *answer;
	size_t answer_len;
	/* Of the terminal */
	char name[64];
	bool is_batch;
};

double ctl_now(void); /* seconds, monotonic; deadlines below are in it */
/* An error of our own, in the form that the daemon's have. fix may be NULL. */
void ctl_complain(const struct ctl *c, const char *fix, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* error: an errno of ctl_connect or ctl_try_request */
void ctl_complain_unreachable(const struct ctl *c, int error);

/* These return 0, or the errno that says why not. */
int ctl_connect(struct ctl *c);
int ctl_send(struct ctl *c, const char *bytes, size_t len, double deadline);
int ctl_receive_line(struct ctl *c, char *line, size_t size, double deadline);
int ctl_receive_answer(struct ctl *c, int *status, double deadline);
/* Send "VERB LINE", take the answer; connects when needed, disconnects on errors. */
int
ctl_try_request(struct ctl *c, const char *verb, const char *line, int *status, double deadline);
/* The same with messages; returns the exit code. */
int ctl_request(struct ctl *c, const char *verb, const char *line);
void ctl_disconnect(struct ctl *c);

/* One line, ours or the daemon's, with its output; file may be NULL. Returns the exit code. */
int ctl_run_line(struct ctl *c, const char *text, const char *file, unsigned line_no);
/* The console. Returns the exit code. */
int ctl_run_terminal(struct ctl *c);

#endif
