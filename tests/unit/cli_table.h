/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_TESTS_CLI_TABLE_H
#define MCR_TESTS_CLI_TABLE_H

#include "cli/session.h"
#include "cli/syntax.h"

/* A small command table that has every form of a token once. Handlers are the test's. */
static int test_run(struct mcr_session *s, const struct mcr_args *a);

static void
test_compile(void *model, const struct mcr_args *a, struct mcr_errs *errs)
{
}

#define EDIT(syntax)                                                  \
	{                                                             \
		syntax, "help of " syntax, "core", NULL, test_compile \
	}
#define RUN(syntax)                                               \
	{                                                         \
		syntax, "help of " syntax, "core", test_run, NULL \
	}

static const struct mcr_command test_table[] = {
	EDIT("set system name ~ <word:name>"),
	EDIT("set system idle ~ poll|sleep|interrupt"),
	EDIT("set log level <word:type> ~ emerg|error|debug"),
	EDIT("set limit groups ~ <num:count:1-1048576>"),
	EDIT("add port <word:port> ~ dev <word:devargs>"),
	EDIT("add port <word:port> ~ dev <word:devargs> netns <word:netns>"),
	EDIT("add port <word:port> ~ netdev <word:ifname>"),
	EDIT("set port <word:port> address <prefix:address> ~"),
	EDIT("set port <word:port> vlan <num:vid:0-4094> ~ segment <word:segment>"),
	EDIT("set port <word:port> vlan <num:outer:1-4094> inner <num:vid:1-4094> ~ segment "
	     "<word:segment>"),
	EDIT("set port <word:port> mac ~ <mac:address>"),
	EDIT("set port <word:port> mtu ~ <num:bytes:576-9702>"),
	EDIT("set port <word:port> queues ~ <num:rx:1-64> <num:tx:1-64>"),
	EDIT("set route <prefix:network> ~ via <ip:nexthop>"),
	EDIT("set route import ~ off|kernel"),
	EDIT("add segment <word:segment> ~ vni <num:vni:0-16777215>"),
	EDIT("set segment <word:segment> allow <prefix:groups> ~"),
	EDIT("add member <word:segment> <ip:group> any|<ip:source> port <word:port> ~"),
	EDIT("add member <word:segment> <ip:group> any|<ip:source> peer <word:peer> ~"),
	EDIT("set igmp <word:port-or-all> version ~ 1|2|3"),
	EDIT("set igmp <word:port-or-all> query-interval ~ <num:seconds:1-31744>"),
	EDIT("set igmp|mld <word:port-or-all> gmi-rfc ~ 9776|3376"),
	EDIT("set peer <word:peer> gre-key ~ none|vni|<num:key:0-4294967295>"),
	EDIT("set peer <word:peer> liveness ~ <num:milliseconds:10-60000> <num:misses:1-255>"),
	EDIT("set peer <word:peer> liveness ~ off"),
	RUN("begin"),
	RUN("save"),
	RUN("save <word:path>"),
	RUN("load <word:path>"),
	RUN("load check <word:path>"),
	RUN("show groups [json]"),
	RUN("show group <ip:group> [json]"),
	RUN("show group list [json]"),
	RUN("show log <num:lines:1-10000> [json]"),
	RUN("clear group <word:segment> all|<ip:group>"),
	RUN("capture filter <word:capture> <text:expression>"),
	RUN("quit"),
};

#define TEST_ROWS (sizeof(test_table) / sizeof(test_table[0]))

#endif
