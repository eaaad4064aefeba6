/* SPDX-License-Identifier: BSD-3-Clause */
/* The real command table and the real model: configuration text in, errors or a model out. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/file.h"

#include "app.h"

/* The table names the handlers of commands; configuration lines never run them. */
#define X(name)                                                         \
	int run_##name(struct mcr_session *s, const struct mcr_args *a) \
	{                                                               \
		return 0;                                               \
	}
APP_RUNS(X)
#undef X

static struct mcr_syntax *syntax;

static void
take_line(void *arg, const struct mcr_args *a, const char *file, unsigned line_no)
{
	char key[MCR_LINE_MAX + 1], text[MCR_LINE_MAX + 1];
	struct mcr_line line = {.row = a->row,
		.key = key,
		.text = text,
		.file = file,
		.line_no = line_no,
		.data = a,
		.data_size = offsetof(struct mcr_args, arg) + a->n * sizeof(a->arg[0])};

	mcr_args_key(a, key);
	mcr_args_line(a, text);
	assert_non_null(mcr_lines_put(arg, &line));
}

static struct mcr_lines *
read_text(const char *text, struct mcr_errs *errs)
{
	char path[] = "/tmp/mcr-model-XXXXXX";
	struct mcr_lines *lines = mcr_lines_create();
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(mcr_file_read(syntax, path, take_line, lines, errs), 0);
	unlink(path);
	return lines;
}

static struct model *
compile(const char *text, struct mcr_errs *errs)
{
	struct mcr_lines *lines = read_text(text, errs);
	struct model *m = model_compile(NULL, lines, errs);

	assert_non_null(m);
	mcr_lines_free(lines);
	return m;
}

#define UPLINK                                                                        \
	"add port wan dev net_null0\nset port wan role uplink\nset port wan address " \
	"192.0.2.1/24\n"
#define LAB "add segment lab vni 100\n"

static const struct {
	const char *text;
	unsigned line;   /* of the error */
	const char *why; /* part of its text */
	const char *fix; /* part of its fix, or NULL */
} refused[] = {
	{"set port lan mtu 9000\n", 1, "port lan: no line adds it", "add port lan dev"},
	{"add port lan dev net_null0\nset port lan segment lab\n", 2,
		"segment lab: no line adds it", "add segment lab vni"},
	{LAB "add segment b vni 100\n", 2, "VNI 100 is the VNI of segment", "VNI"},
	{"add port lan dev net_null0\nset igmp lan query-interval 5\nset igmp lan "
	 "response-interval 5\n",
		3, "response-interval 5 is not below query-interval 5", "response-interval 4"},
	{UPLINK "add peer b address 192.0.2.1\n", 4, "is our own address", NULL},
	{UPLINK "add peer b address 239.1.1.1\n", 4, "a multicast address", NULL},
	{UPLINK "add peer b address 198.51.100.7\n", 4, "no route to 198.51.100.7",
		"set route 198.51.100.7/32 via"},
	{UPLINK "add peer b address 198.51.100.7\nset peer b nexthop 10.9.9.9\n", 4,
		"next hop 10.9.9.9 is on no uplink's network", "set port"},
	{UPLINK "set route 0.0.0.0/0 via 10.9.9.9\n", 4,
		"next hop 10.9.9.9 is on no uplink's network", "set port"},
	{UPLINK "add peer b address 192.0.2.2\nadd peer c address 192.0.2.2\n", 5,
		"has the address of peer b", NULL},
	{UPLINK "add peer b address 192.0.2.2\nset peer b source 192.0.2.9\n", 4,
		"source 192.0.2.9 is no address of an uplink", NULL},
	{"add port lan dev net_null0\n" UPLINK
	 "add peer b address 192.0.2.2\nset peer b uplink lan\n",
		5, "port lan is no uplink", "role uplink"},
	{LAB UPLINK "set port wan segment lab\n", 2, "an uplink carries tunnels only", NULL},
	{UPLINK "set igmp wan mode querier\n", 4, "an uplink carries tunnels only", NULL},
	{LAB "add port lan dev net_null0\nadd member lab 239.1.1.1 any port lan\n", 3,
		"port lan is not in segment lab", "set port lan segment lab"},
	{LAB UPLINK "add peer b address 192.0.2.2\nadd member lab 239.1.1.1 any peer b\n", 6,
		"segment lab is not extended to peer b", "set peer b segment lab"},
	{LAB "add port lan dev net_null0\nset port lan segment lab\n"
	     "add member lab 224.0.0.5 any port lan\n",
		4, "link-local group", NULL},
	{LAB "set segment lab allow 239.0.0.0/8\nset segment lab deny 239.9.0.0/16\n"
	     "add port lan dev net_null0\nset port lan segment lab\n"
	     "add member lab 239.9.1.1 any port lan\n",
		6, "allow and deny lines refuse", "set segment lab allow"},
	{"add port a dev net_null0\nadd port b dev net_null1\nadd segment x vni 1\n"
	 "add segment y vni 2\nset port a segment x\nset port b segment y\n"
	 "set port a address 10.0.0.1/24\nset port b address 10.0.0.1/24\n",
		2, "10.0.0.1 is the address of port a too", NULL},
	{UPLINK "add peer b address 192.0.2.2\nset peer b encap gretap\n", 5,
		"has no \"gretap\" yet", NULL},
	{"add port lan dev net_null0\nset igmp lan mode proxy\n", 2, "has no \"proxy\" yet", NULL},
	{"add port lan dev net_null0\nset port lan mac 01:00:5e:00:00:01\n", 2, "multicast MAC",
		NULL},
	{"set log level nosuch debug\n", 1, "no log type \"nosuch\"", "member"},
};

static void
t18_wrong_configurations(void **state)
{
	for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct mcr_errs errs = {0};
		struct model *m = compile(refused[i].text, &errs);
		bool found = false;

		for (unsigned e = 0; e < errs.count; e++)
			found |= errs.item[e].severity == MCR_ERROR &&
			         strstr(errs.item[e].text, refused[i].why) &&
			         errs.item[e].line == refused[i].line &&
			         (!refused[i].fix || strstr(errs.item[e].fix, refused[i].fix));
		if (!found) {
			mcr_errs_print(stderr, &errs);
			fail_msg("case %u: no error \"%s\" in line %u", i, refused[i].why,
				refused[i].line);
		}
		model_free(m);
		mcr_errs_fini(&errs);
	}
}

static void
t18_all_errors_at_once(void **state)
{
	struct mcr_errs errs = {0};
	struct model *m =
		compile("set port a mtu 1500\nset port b mtu 1500\nset peer c admin up\n", &errs);

	assert_int_equal(errs.n_errors, 3);
	model_free(m);
	mcr_errs_fini(&errs);
}

static void
l4_l5_own_and_multicast_peers(void **state)
{
	static const char *const bad[] = {"192.0.2.1", "239.1.1.1", "255.255.255.255", "127.0.0.1"};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct mcr_errs errs = {0};
		struct model *m;
		char text[400];

		snprintf(text, sizeof(text), UPLINK "add peer b address %s\n", bad[i]);
		m = compile(text, &errs);
		assert_int_equal(errs.n_errors, 1);
		model_free(m);
		mcr_errs_fini(&errs);
	}
}

static void
peers_find_their_way(void **state)
{
	struct mcr_errs errs = {0};
	struct model *m =
		compile(LAB UPLINK "add peer near address 192.0.2.7\nset peer near segment lab\n"
				   "add peer far address 203.0.113.9\nset peer far segment lab\n"
				   "set route 203.0.113.0/24 via 192.0.2.20\n"
				   "set route 0.0.0.0/0 via 192.0.2.254\n",
			&errs);
	struct model_peer *near = model_find_peer(m, "near"), *far = model_find_peer(m, "far");
	char buf[MCR_ADDR_STRLEN];

	assert_int_equal(errs.count, 0);
	assert_string_equal(mcr_addr_str(&near->nexthop, buf), "192.0.2.7");
	assert_string_equal(mcr_addr_str(&far->nexthop, buf), "192.0.2.20");
	assert_string_equal(mcr_addr_str(&far->source, buf), "192.0.2.1");
	assert_string_equal(m->port[far->uplink].name, "wan");
	model_free(m);
}

static void
d1_igmp_defaults_and_all(void **state)
{
	struct mcr_errs errs = {0};
	struct model *m = compile(LAB UPLINK "add port a dev net_null1\nset port a segment lab\n"
					     "add port b dev net_null2\nset port b segment lab\n"
					     "set igmp all query-interval 60\nset igmp all mode "
					     "querier\nset igmp b mode snoop\n",
		&errs);
	const struct model_igmp *a = &model_find_port(m, "a")->igmp;
	const struct model_igmp *b = &model_find_port(m, "b")->igmp;
	const struct model_igmp *wan = &model_find_port(m, "wan")->igmp;

	assert_int_equal(errs.count, 0);
	assert_int_equal(a->mode, MCR_MODE_QUERIER);
	assert_int_equal(b->mode, MCR_MODE_SNOOP);
	assert_int_equal(wan->mode, MCR_MODE_OFF);
	assert_int_equal(a->qi_s, 60);
	assert_int_equal(b->qi_s, 60);
	assert_int_equal(wan->qi_s, 125);
	assert_int_equal(a->qri_s, 10);
	assert_int_equal(a->lmqi_ms, 1000);
	assert_int_equal(a->robustness, 2);
	assert_int_equal(a->version, 3);
	model_free(m);
}

static void
d4_robustness_one_warns(void **state)
{
	struct mcr_errs errs = {0};
	struct model *m = compile(LAB
		"add port a dev net_null1\nset port a segment lab\nset igmp a robustness 1\n",
		&errs);

	assert_int_equal(errs.n_errors, 0);
	assert_int_equal(errs.count, 1);
	assert_non_null(strstr(errs.item[0].text, "robustness 1"));
	model_free(m);
	mcr_errs_fini(&errs);
}

/* 16,384 peers of one group are an ordinary configuration: it must compile in a moment. */
static void
many_peers(void **state)
{
	const unsigned n = 16384;
	struct mcr_errs errs = {0};
	char *text = malloc(n * 160 + 400), *p = text;
	struct model *m;

	p += sprintf(p, LAB "add port wan dev net_null0\nset port wan role uplink\n"
			    "set port wan address 10.0.0.1/16\n");
	for (unsigned i = 0; i < n; i++)
		p += sprintf(p,
			"add peer p%u address 10.0.%u.%u\nset peer p%u segment lab\n"
			"add member lab 239.1.1.1 any peer p%u\n",
			i, 1 + i / 250, 1 + i % 250, i, i);
	m = compile(text, &errs);
	assert_int_equal(errs.count, 0);
	assert_int_equal(m->n_peers, n);
	assert_int_equal(m->n_members, n);
	model_free(m);
	free(text);
}

static int
set_up(void **state)
{
	syntax = mcr_syntax_create(app_commands, app_n_commands);
	return syntax ? 0 : -1;
}

static int
tear_down(void **state)
{
	mcr_syntax_free(syntax);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t18_wrong_configurations),
		cmocka_unit_test(t18_all_errors_at_once),
		cmocka_unit_test(l4_l5_own_and_multicast_peers),
		cmocka_unit_test(peers_find_their_way),
		cmocka_unit_test(d1_igmp_defaults_and_all),
		cmocka_unit_test(d4_robustness_one_warns),
		cmocka_unit_test(many_peers),
	};

	return cmocka_run_group_tests_name("app_model", tests, set_up, tear_down);
}
