/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz target: bytes of a client on the control socket. The first byte says in how many pieces they
 * come and whether the client reads. The server must answer, refuse or close, and keep nothing.
 */
#include "fuzz.h"

#include "cli/server.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli_table.h"

static struct sockaddr_un addr = {.sun_family = AF_UNIX};
static struct mcr_loop *loop;
static struct mcr_server *server;

static int
test_run(struct mcr_session *s, const struct mcr_args *a)
{
	mcr_session_printf(s, "%s\n", a->cmd->syntax);
	return MCR_OK;
}

static int
edit(struct mcr_session *s, const struct mcr_args *a, struct mcr_errs *errs)
{
	return 0;
}

static void
start(void)
{
	static const struct mcr_session_ops ops = {.edit = edit};
	static struct mcr_clock test_clock;
	struct mcr_errs errs = {0};

	snprintf(addr.sun_path, sizeof(addr.sun_path), "/tmp/mcr-fuzz-socket.%d", (int)getpid());
	mcr_clock_init_fake(&test_clock, 1);
	loop = mcr_loop_create(mcr_timers_create(&test_clock));
	server = mcr_server_create(loop, addr.sun_path, NULL,
		mcr_syntax_create(test_table, TEST_ROWS), &ops, NULL, &errs);
	CHECK(server != NULL);
	mcr_server_set_ready(server, true);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char sink[4096];
	size_t piece;
	int fd;

	if (size == 0)
		return 0;
	if (server == NULL)
		start();
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK(connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0);
	piece = 1 + (data[0] & 0x7f) * 8;
	for (size_t at = 1; at < size; at += piece) {
		const size_t n = size - at < piece ? size - at : piece;

		if (send(fd, data + at, n, MSG_NOSIGNAL) < 0)
			break;
		mcr_loop_turn(loop, 0);
		if ((data[0] & 0x80) != 0 && recv(fd, sink, sizeof(sink), 0) == 0)
			break;
		mcr_server_event(server, "{\"event\":\"commit\"}");
	}
	close(fd);
	for (unsigned i = 0; i < 1000 && mcr_server_clients(server) > 0; i++)
		mcr_loop_turn(loop, 0);
	CHECK(mcr_server_clients(server) == 0);
	return 0;
}
