/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/syntax.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli_table.h"
#include "random.h"

static struct mcr_syntax *sx;

static int
test_run(struct mcr_session *s, const struct mcr_args *a)
{
	return 0;
}

static int
setup(void **state)
{
	sx = mcr_syntax_create(test_table, TEST_ROWS);
	return sx == NULL;
}

static int
teardown(void **state)
{
	mcr_syntax_free(sx);
	return 0;
}

/* line -> canonical line, key (NULL: not asked for), syntax of the row */
static void
lines_become_canonical(void **state)
{
	const struct {
		const char *line, *canonical, *key, *row;
	} cases[] = {
		{"set system name demo", NULL, "system name", "set system name ~ <word:name>"},
		{"  set\tsystem  name demo # a comment", "set system name demo", "system name",
			NULL},
		{"set system name demo#x", "set system name demo", NULL, NULL},
		{"set system name demo\r\n", "set system name demo", NULL, NULL},
		{"set log level port debug", NULL, "log level port", NULL},
		{"set limit groups 0x10", "set limit groups 16", "limit groups", NULL},
		{"set limit groups 1048576", NULL, NULL, NULL},
		{"add port p dev net_tap0,iface=x", NULL, "port p", test_table[4].syntax},
		{"add port p dev net_tap0 netns n", NULL, "port p", test_table[5].syntax},
		{"add port p netdev lan0", NULL, "port p", test_table[6].syntax},
		{"add port a.B_c-d:9 netdev lan0", NULL, "port a.B_c-d:9", NULL},
		{"add port 1234567890123456789012345678901 netdev x", NULL, NULL, NULL},
		{"del port p", NULL, "port p", test_table[4].syntax},
		{"set port p address 10.1.0.254/24", NULL, "port p address 10.1.0.254/24", NULL},
		{"set port p address 2001:DB8:0::1/64", "set port p address 2001:db8::1/64",
			"port p address 2001:db8::1/64", NULL},
		{"del port p address 10.1.0.254/24", NULL, "port p address 10.1.0.254/24", NULL},
		{"set port p vlan 0 segment s", NULL, "port p vlan 0", test_table[8].syntax},
		{"set port p vlan 5 inner 6 segment s", NULL, "port p vlan 5 inner 6",
			test_table[9].syntax},
		{"del port p vlan 0x5", "del port p vlan 5", "port p vlan 5", test_table[8].syntax},
		{"del port p vlan 5 inner 6", NULL, "port p vlan 5 inner 6", test_table[9].syntax},
		{"set port p mac 02:00:00:00:00:AA", "set port p mac 02:00:00:00:00:aa",
			"port p mac", NULL},
		{"set port p queues 1 64", NULL, "port p queues", NULL},
		{"set route 10.0.0.0/8 via 10.9.9.9", NULL, "route 10.0.0.0/8", NULL},
		{"set route 0.0.0.0/0 via 10.9.9.9", NULL, "route 0.0.0.0/0", NULL},
		{"set route import kernel", NULL, "route import", test_table[14].syntax},
		{"del route import", NULL, "route import", test_table[14].syntax},
		{"set segment s allow 239.0.0.0/8", NULL, "segment s allow 239.0.0.0/8", NULL},
		{"set segment s allow FF3E::/32", "set segment s allow ff3e::/32", NULL, NULL},
		{"add member s 239.1.1.1 any port p", NULL, "member s 239.1.1.1 any port p", NULL},
		{"add member s ff0e:0::1 10.0.0.1 peer p", "add member s ff0e::1 10.0.0.1 peer p",
			"member s ff0e::1 10.0.0.1 peer p", test_table[18].syntax},
		{"del member s 239.1.1.1 any port p", NULL, "member s 239.1.1.1 any port p",
			test_table[17].syntax},
		{"set igmp all version 3", NULL, "igmp all version", NULL},
		{"set mld all gmi-rfc 9776", NULL, "mld all gmi-rfc", NULL},
		{"del igmp p gmi-rfc", NULL, "igmp p gmi-rfc", NULL},
		{"set peer p gre-key vni", NULL, "peer p gre-key", NULL},
		{"set peer p gre-key 4294967295", NULL, "peer p gre-key", NULL},
		{"set peer p liveness off", NULL, "peer p liveness", test_table[24].syntax},
		{"set peer p liveness 1000 3", NULL, "peer p liveness", test_table[23].syntax},
		{"save check", NULL, NULL, "save <word:path>"},
		{"load check", NULL, NULL, "load <word:path>"},
		{"load check x", NULL, NULL, "load check <word:path>"},
		{"show groups json", NULL, NULL, "show groups [json]"},
		{"show group list", NULL, NULL, "show group list [json]"},
		{"show group 239.1.1.1 json", NULL, NULL, "show group <ip:group> [json]"},
		{"clear group s all", NULL, NULL, NULL},
		{"capture filter c  udp  port 53 ", "capture filter c udp  port 53", NULL, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *want = cases[i].canonical == NULL ? cases[i].line : cases[i].canonical;
		char line[MCR_LINE_MAX + 1], key[MCR_LINE_MAX + 1];
		struct mcr_args a;
		struct mcr_err err;

		if (mcr_syntax_parse(sx, cases[i].line, &a, &err) != 1)
			fail_msg("%s: %s", cases[i].line, err.text);
		mcr_args_line(&a, line);
		assert_string_equal(line, want);
		if (cases[i].row != NULL)
			assert_string_equal(a.cmd->syntax, cases[i].row);
		if (cases[i].key != NULL) {
			mcr_args_key(&a, key);
			assert_string_equal(key, cases[i].key);
		}
		assert_ptr_equal(a.cmd, &test_table[a.row]);
		assert_int_equal(a.is_del, strncmp(want, "del ", 4) == 0);
		assert_int_equal(a.json, strstr(want, " json") != NULL);
	}
}

static void
arguments_have_their_types(void **state)
{
	struct mcr_args a;
	struct mcr_err err;
	char buf[MCR_ADDR_STRLEN];

	assert_int_equal(
		mcr_syntax_parse(sx, "add member lab 239.1.1.1 any port rx1", &a, &err), 1);
	assert_int_equal(a.n, 4);
	assert_int_equal(a.arg[0].type, MCR_ARG_WORD);
	assert_int_equal(a.arg[0].position, 12);
	assert_int_equal(a.arg[1].type, MCR_ARG_IP);
	assert_string_equal(mcr_addr_str(&a.arg[1].ip, buf), "239.1.1.1");
	assert_int_equal(a.arg[2].type, MCR_ARG_CHOICE);
	assert_true(mcr_addr_is_any(&a.arg[2].ip));
	assert_int_equal(a.arg[3].position, 35);

	assert_int_equal(mcr_syntax_parse(sx, "set mld all gmi-rfc 3376", &a, &err), 1);
	assert_int_equal(a.n, 3);
	assert_int_equal(a.arg[0].type, MCR_ARG_CHOICE);
	assert_int_equal(a.arg[0].num, 1);
	assert_int_equal(a.arg[1].type, MCR_ARG_WORD);
	assert_int_equal(a.arg[2].num, 1);

	assert_int_equal(mcr_syntax_parse(sx, "set peer p gre-key 0x1F", &a, &err), 1);
	assert_int_equal(a.arg[1].type, MCR_ARG_NUM);
	assert_int_equal(a.arg[1].num, 31);

	assert_int_equal(mcr_syntax_parse(sx, "set route 10.0.0.0/8 via 10.9.9.9", &a, &err), 1);
	assert_int_equal(a.arg[0].type, MCR_ARG_PREFIX);
	assert_int_equal(mcr_prefix_user_len(&a.arg[0].prefix), 8);

	assert_int_equal(mcr_syntax_parse(sx, "set port p mac 02:00:00:00:00:0b", &a, &err), 1);
	assert_int_equal(a.arg[1].type, MCR_ARG_MAC);
	assert_int_equal(a.arg[1].mac.b[5], 0x0b);
}

static void
t18_wrong_lines_are_explained(void **state)
{
	static const struct {
		int ret;
		const char *line, *text;
		unsigned position;
		const char *expected;
	} cases[] = {
		{-EINVAL, "add port p dev net_null0 netnss x", "not understood: \"netnss\"", 26,
			"netns, end of line"},
		{-ERANGE, "set igmp rx1 query-interval 0", "query-interval 0 is out of range", 29,
			"1-31744"},
		{-ERANGE, "set igmp rx1 query-interval 31745",
			"query-interval 31745 is out of range", 29, "1-31744"},
		{-ERANGE, "set igmp rx1 query-interval 99999999999999999999999",
			"query-interval 99999999999999999999999 is out of range", 29, "1-31744"},
		{-ERANGE, "set igmp rx1 query-interval 010", "query-interval 010 starts with 0", 29,
			"1-31744"},
		{-EINVAL, "set igmp rx1 query-interval 0b1", "not understood: \"0b1\"", 29,
			"1-31744"},
		{-EINVAL, "set igmp rx1 query-interval -1", "not understood: \"-1\"", 29,
			"1-31744"},
		{-EINVAL, "set igmp rx1 query-interval 0x", "not understood: \"0x\"", 29,
			"1-31744"},
		{-EINVAL, "set igmp rx1 query-interval",
			"not complete: something must follow "
			"\"query-interval\"",
			29, "1-31744"},
		{-EINVAL, "set igmp rx1 query-interval 5 json", "not understood: \"json\"", 31,
			"end of line"},
		{-EINVAL, "set igmp rx1", "not complete: something must follow \"rx1\"", 14,
			"version, query-interval, gmi-rfc"},
		{-EINVAL, "set", "not complete: something must follow \"set\"", 5,
			"system, log, limit, port, route, segment, igmp, mld, peer"},
		{-EINVAL, "nonsense here", "not understood: \"nonsense\"", 1,
			"set, del, add, begin, save, load, show, clear, capture, quit"},
		{-EINVAL, "Set system name x", "not understood: \"Set\"", 1,
			"set, del, add, begin, save, load, show, clear, capture, quit"},
		{-EINVAL, "sho groups", "not understood: \"sho\"", 1,
			"set, del, add, begin, save, load, show, clear, capture, quit"},
		{-EINVAL, "set igmp|mld all gmi-rfc 3376", "not understood: \"igmp|mld\"", 5,
			"system, log, limit, port, route, segment, igmp, mld, peer"},
		{-ERANGE, "set port lan queues 1 65", "queues tx 65 is out of range", 23, "1-64"},
		{-ERANGE, "set port lan vlan 4095 segment s", "vlan 4095 is out of range", 19,
			"0-4094"},
		{-ERANGE, "add segment s vni 16777216", "vni 16777216 is out of range", 19,
			"0-16777215"},
		{-ERANGE, "add port all dev x", "port \"all\" is a reserved word", 10,
			"another name"},
		{-ERANGE, "add segment none vni 1", "segment \"none\" is a reserved word", 13,
			"another name"},
		{-ERANGE, "set system name -x", "name \"-x\" is not a name", 17,
			"letters digits . _ - : with a letter or digit first"},
		{-ERANGE, "add port a/b dev x", "port \"a/b\" is not a name", 10,
			"letters digits . _ - : with a letter or digit first"},
		{-ERANGE, "add port 12345678901234567890123456789012 dev x",
			"port \"12345678901234567890123456789012\" is longer than 31 characters",
			10, "at most 31 characters"},
		{-ERANGE, "set igmp any version 3", "port \"any\" is a reserved word", 10,
			"another name"},
		{-ERANGE, "add member s 10.1.1.1 any port p",
			"group 10.1.1.1 is not a multicast address", 14,
			"an address in 224.0.0.0/4"},
		{-ERANGE, "add member s 2001:db8::1 any port p",
			"group 2001:db8::1 is not a multicast address", 14,
			"an address in ff00::/8"},
		{-EINVAL, "add member s 239.1.1 any port p", "not understood: \"239.1.1\"", 14,
			"GROUP address"},
		{-EINVAL, "add member s 239.1.1.1 all port p", "not understood: \"all\"", 24,
			"any, SOURCE address"},
		{-EINVAL, "add member s fe80::1%eth0 any port p",
			"not understood: \"fe80::1%eth0\"", 14, "GROUP address"},
		{-ERANGE, "set segment s allow 239.1.1.1/8", "allow 239.1.1.1/8 has host bits set",
			21, "239.0.0.0/8"},
		{-ERANGE, "set segment s allow ff3e::1/32", "allow ff3e::1/32 has host bits set",
			21, "ff3e::/32"},
		{-ERANGE, "set segment s allow 10.0.0.0/8",
			"allow 10.0.0.0/8 is not a multicast prefix", 21,
			"a prefix in 224.0.0.0/4"},
		{-ERANGE, "set segment s allow 224.0.0.0/3",
			"allow 224.0.0.0/3 is not a multicast prefix", 21,
			"a prefix in 224.0.0.0/4"},
		{-EINVAL, "set segment s allow 239.0.0.0", "not understood: \"239.0.0.0\"", 21,
			"GROUPS/LEN"},
		{-ERANGE, "set route 10.0.0.1/8 via 10.9.9.9", "route 10.0.0.1/8 has host bits set",
			11, "10.0.0.0/8"},
		{-EINVAL, "set route 10.0.0.0/33 via 10.9.9.9", "not understood: \"10.0.0.0/33\"",
			11, "NETWORK/LEN, import"},
		{-EINVAL, "set port p mac 02-00-00-00-00-01",
			"not understood: \"02-00-00-00-00-01\"", 16, "MAC address"},
		{-EINVAL, "set peer p liveness on", "not understood: \"on\"", 21, "10-60000, off"},
		{-EINVAL, "del port p role", "not understood: \"role\"", 12,
			"address, vlan, mac, mtu, queues, end of line"},
		{-EINVAL, "show group lists", "not understood: \"lists\"", 12,
			"GROUP address, list"},
		{-EINVAL, "show groups xml", "not understood: \"xml\"", 13, "json, end of line"},
		{-EINVAL, "capture filter c", "not complete: something must follow \"c\"", 18,
			"EXPRESSION"},
		{-EINVAL, "set system name \xc3\xa4",
			"byte 0xc3: outside a comment a line has plain "
			"ASCII only",
			17, ""},
		{-EINVAL, "set system\x01name x",
			"byte 0x01: outside a comment a line has plain ASCII "
			"only",
			11, ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mcr_args a;
		struct mcr_err err;

		assert_int_equal(mcr_syntax_parse(sx, cases[i].line, &a, &err), cases[i].ret);
		assert_string_equal(err.text, cases[i].text);
		assert_int_equal(err.position, cases[i].position);
		assert_string_equal(err.expected, cases[i].expected);
		assert_int_equal(strlen(err.source), strlen(cases[i].line));
		assert_string_equal(err.fix, "");
	}
}

static void
t18_the_caret_stands_under_the_word(void **state)
{
	struct mcr_errs errs = {0};
	struct mcr_err *err = mcr_errs_add(&errs, MCR_ERROR, "x");
	struct mcr_args a;
	char *text = NULL;
	size_t size = 0;
	FILE *out;

	/* The tab is one column, in the shown line too. */
	assert_int_equal(
		mcr_syntax_parse(sx, "add port p\tdev net_null0 netnss x", &a, err), -EINVAL);
	mcr_err_at(err, "demo.conf", 12);
	out = open_memstream(&text, &size);
	mcr_err_print(out, err);
	fclose(out);
	assert_string_equal(text,
		"demo.conf:12: error: not understood: \"netnss\"\n"
		"     add port p dev net_null0 netnss x\n"
		"                              ^ expected: netns or end of line\n");
	free(text);
	mcr_errs_fini(&errs);
}

static void
nothing_but_a_comment(void **state)
{
	static const char *const lines[] = {
		"", " ", "\t", "#", "# x", "  # \xc3\xa4\xff", "\n", "\r\n", " #\x01"};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct mcr_args a;
		struct mcr_err err;

		assert_int_equal(mcr_syntax_parse(sx, lines[i], &a, &err), 0);
	}
}

static void
limits_of_words_and_lines(void **state)
{
	char line[700], word[200];
	struct mcr_args a;
	struct mcr_err err;

	memset(word, 'x', sizeof(word));
	word[127] = '\0';
	snprintf(line, sizeof(line), "save %s", word);
	assert_int_equal(mcr_syntax_parse(sx, line, &a, &err), 1);
	assert_string_equal(a.arg[0].text, word);
	word[127] = 'x';
	word[128] = '\0';
	snprintf(line, sizeof(line), "save %s", word);
	assert_int_equal(mcr_syntax_parse(sx, line, &a, &err), -EINVAL);
	assert_string_equal(err.text, "a word has 128 bytes; 127 are allowed");
	assert_int_equal(err.position, 6);
	/* 511 bytes with the comment, then 512. */
	memset(line, '#', sizeof(line));
	memcpy(line, "save x ", 7);
	line[511] = '\0';
	assert_int_equal(mcr_syntax_parse(sx, line, &a, &err), 1);
	memcpy(line + 511, "#\n", 3);
	assert_int_equal(mcr_syntax_parse(sx, line, &a, &err), -EINVAL);
	assert_string_equal(err.text, "the line has 512 bytes; 511 are allowed");
	/* 256 words of one byte. */
	for (unsigned i = 0; i < 510; i++)
		line[i] = i % 2 ? ' ' : 'a';
	line[511] = '\0';
	assert_int_equal(mcr_syntax_parse(sx, line, &a, &err), -EINVAL);
	snprintf(line, sizeof(line), "capture filter c %0*d", 128, 7);
	assert_int_equal(mcr_syntax_parse(sx, line, &a, &err), -EINVAL);
	snprintf(line, sizeof(line), "capture filter c %0*d %0*d", 100, 7, 100, 7);
	assert_int_equal(mcr_syntax_parse(sx, line, &a, &err), -ERANGE);
	assert_string_equal(err.text, "expression is longer than 127 bytes");
}

/* A random word that fits one token of the syntax. */
static void
random_word(struct rnd *r, const char *token, char *out, size_t size)
{
	unsigned long long low, high;
	const char *alternatives[16];
	char copy[128], name[32];
	unsigned n = 0;
	int host, len;

	snprintf(copy, sizeof(copy), "%s", token);
	for (char *w = strtok(copy, "|"); w != NULL; w = strtok(NULL, "|"))
		alternatives[n++] = w;
	token = alternatives[rnd_below(r, n)];
	if (token[0] != '<') {
		snprintf(out, size, "%s", token);
	} else if (sscanf(token, "<num:%31[^:]:%llu-%llu>", name, &low, &high) == 3) {
		const unsigned long long value = low + rnd_next(r) % (high - low + 1);

		snprintf(out, size, rnd_below(r, 3) == 0 ? "0x%llX" : "%llu", value);
	} else if (strcmp(token, "<prefix:address>") == 0) {
		len = (int)rnd_below(r, 129);
		snprintf(out, size, "2001:0DB8::%x/%d", rnd_below(r, 65536), len);
		if (rnd_below(r, 2))
			snprintf(out, size, "10.%u.0.1/%u", rnd_below(r, 256), rnd_below(r, 33));
	} else if (strncmp(token, "<prefix:", 8) == 0) {
		host = 8 + (int)rnd_below(r, 9);
		snprintf(out, size, "239.%u.0.0/%d", rnd_below(r, 256) & (0xff00u >> (host - 8)),
			host);
		if (rnd_below(r, 2))
			snprintf(out, size, "FF3E:%x::/%u", rnd_below(r, 65536),
				32 + rnd_below(r, 97));
	} else if (strncmp(token, "<ip:", 4) == 0) {
		snprintf(out, size, "239.%u.%u.1", rnd_below(r, 256), rnd_below(r, 256));
		if (rnd_below(r, 2))
			snprintf(out, size, "FF0E:0:%x::%x", rnd_below(r, 65536),
				rnd_below(r, 65536));
	} else if (strncmp(token, "<mac:", 5) == 0) {
		snprintf(out, size, "02:%02X:00:00:00:%02x", rnd_below(r, 256), rnd_below(r, 256));
	} else {
		snprintf(
			out, size, "%c%u.-_:x", 'a' + (char)rnd_below(r, 26), rnd_below(r, 100000));
	}
}

static void
random_line(struct rnd *r, const struct mcr_command *cmd, char line[1024])
{
	const bool is_del = strchr(cmd->syntax, '~') != NULL && rnd_below(r, 3) == 0;
	char copy[256], word[256];
	size_t len = 0;
	char *save = NULL;

	snprintf(copy, sizeof(copy), "%s", cmd->syntax);
	for (char *w = strtok_r(copy, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save)) {
		if (strcmp(w, "~") == 0) {
			if (is_del)
				break;
			continue;
		}
		if (strcmp(w, "[json]") == 0) {
			if (rnd_below(r, 2))
				continue;
			w = strcpy(word, "json");
		} else {
			/* random_word uses strtok: the outer loop has its own state. */
			random_word(r, is_del && len == 0 ? "del" : w, word, sizeof(word));
		}
		len += (size_t)snprintf(
			line + len, 1024 - len, "%*s%s", 1 + (int)rnd_below(r, 2), "", word);
	}
	if (rnd_below(r, 2))
		snprintf(line + len, 1024 - len, " # %u", rnd_below(r, 100));
}

/* parse(canonical(parse(line))) == parse(line), for every row of the table. */
static void
canonical_lines_parse_to_themselves(void **state)
{
	struct rnd r = rnd_init("canonical lines");

	for (unsigned i = 0; i < 200 * TEST_ROWS; i++) {
		char line[1024], one[MCR_LINE_MAX + 1], two[MCR_LINE_MAX + 1];
		char key_one[MCR_LINE_MAX + 1], key_two[MCR_LINE_MAX + 1];
		struct mcr_args a, b;
		struct mcr_err err;

		random_line(&r, &test_table[i % TEST_ROWS], line);
		if (mcr_syntax_parse(sx, line, &a, &err) != 1)
			fail_msg("%s: %s", line, err.text);
		mcr_args_line(&a, one);
		assert_int_equal(mcr_syntax_parse(sx, one, &b, &err), 1);
		mcr_args_line(&b, two);
		assert_string_equal(one, two);
		mcr_args_key(&a, key_one);
		mcr_args_key(&b, key_two);
		assert_string_equal(key_one, key_two);
		assert_int_equal(a.row, b.row);
		assert_int_equal(a.n, b.n);
		for (unsigned k = 0; k < a.n; k++)
			assert_memory_equal(&a.arg[k].num, &b.arg[k].num, sizeof(a.arg[k].ip));
	}
}

static void
names_of_test(void *arg, const char *kind, void (*each)(void *ctx, const char *name), void *ctx)
{
	assert_string_equal(arg, "the argument");
	if (strcmp(kind, "port") == 0) {
		each(ctx, "lan");
		each(ctx, "lan2");
		each(ctx, "wan");
	} else if (strcmp(kind, "group") == 0) {
		each(ctx, "239.1.1.1");
	}
}

static void
collect(void *ctx, const char *word, const char *help)
{
	char *all = ctx;
	const size_t len = strlen(all);

	snprintf(all + len, 1024 - len, "%s%s", word, help != NULL ? "! " : " ");
}

static void
completion_offers_what_fits(void **state)
{
	/* "!": the word comes with the help of its only row. */
	static const struct {
		const char *line, *words;
	} cases[] = {
		{"", "set del add begin! save load show clear! capture! quit! "},
		{"s", "set save show "},
		{"sh", "show "},
		{"show g", "groups group "},
		{"show groups", "groups "},
		{"show groups ", "json! "},
		{"show group ", "239.1.1.1 list "},
		{"show group l", "list "},
		{"set port ", "lan lan2 wan "},
		{"set port lan", "lan lan2 "},
		{"set port lan v", "vlan "},
		{"set igmp ", "all lan lan2 wan "},
		{"set system idle ", "poll! sleep! interrupt! "},
		{"set system idle s", "sleep! "},
		{"set limit groups ", ""},
		{"set nonsense ", ""},
		{"begin ", ""},
		{"set # s", ""},
		{"del port lan ", "address! vlan mac! mtu! queues! "},
		{"add member s 239.1.1.1 a", "any "},
		{"  show   group\tl", "list "},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char words[1024] = "", arg[] = "the argument";

		mcr_syntax_complete(sx, cases[i].line, names_of_test, arg, collect, words);
		assert_string_equal(words, cases[i].words);
		words[0] = '\0';
		mcr_syntax_complete(sx, cases[i].line, NULL, NULL, collect, words);
		assert_true(strlen(words) <= strlen(cases[i].words));
	}
}

static void
the_grammar_is_printed_as_written(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	mcr_syntax_print(sx, out);
	fclose(out);
	*strchr(text, '\n') = '\0';
	assert_string_equal(text,
		"set system name ~ <word:name> | help of set system name ~ <word:name> | core");
	free(text);
}

/* The table is wrong: the program must not start. */
static void
malformed_and_ambiguous_rows_abort(void **state)
{
	static const struct mcr_command tables[][2] = {
		{EDIT("set a <word:x> ~ b"), EDIT("set a c ~ b")},
		{EDIT("set a ~ <word:x>"), EDIT("set a ~ off")},
		{EDIT("set a ~ on|off"), EDIT("set a ~ off|auto")},
		{EDIT("set a ~ <num:x:1-2>"), EDIT("set a ~ 1|2")},
		{EDIT("add a <ip:g> ~ x"), EDIT("add a <ip:h> ~ x")},
		{RUN("show a [json]"), RUN("show a json")},
		{RUN("trace <text:x>"), RUN("trace on off")},
		{EDIT("set a <num:x:1-2> ~"), EDIT("set a <num:y:1-2> ~ b")},
		{RUN("x"), EDIT("set a b")},
		{RUN("x"), EDIT("set a ~ ~ b")},
		{RUN("x"), RUN("show a ~")},
		{RUN("x"), EDIT("set a~ b")},
		{RUN("x"), EDIT("set a ~ <num:x>")},
		{RUN("x"), EDIT("set a ~ <num:x:9-1>")},
		{RUN("x"), EDIT("set a ~ <num:x:0x1-9>")},
		{RUN("x"), EDIT("set a ~ <numb:x>")},
		{RUN("x"), EDIT("set a ~ <word:x")},
		{RUN("x"), EDIT("set a ~ x||y")},
		{RUN("x"), EDIT("set a ~ x<word:y>")},
		{RUN("x"), EDIT("set  a ~ x")},
		{RUN("x"), EDIT("set a ~ x ")},
		{RUN("x"), EDIT("set a! ~ x")},
		{RUN("x"), RUN("[json]")},
		{RUN("x"), RUN("show [json] a")},
		{RUN("x"), RUN("<word:x>")},
		{RUN("x"), RUN("del a")},
		{RUN("x"), RUN("trace <text:x> y")},
		{RUN("x"), RUN("a <word:a> <word:a> <word:a> <word:a> <word:a> <word:a> <word:a> "
			       "<word:a> "
			       "<word:a>")},
		{RUN("x"), {"show y", "", "core", NULL, NULL}},
		{RUN("x"), {"set y ~ z", "", "core", test_run, NULL}},
	};

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		const pid_t pid = fork();
		int status;

		assert_true(pid >= 0);
		if (pid == 0) {
			/* Its message is not part of this test's output. */
			if (freopen("/dev/null", "w", stderr) == NULL)
				_exit(1);
			mcr_syntax_create(tables[i], 2);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
			fail_msg("accepted: %s / %s", tables[i][0].syntax, tables[i][1].syntax);
	}
}

/* No crash, and every error is inside the line. */
static void
t18_random_words_are_refused_cleanly(void **state)
{
	static const char *const words[] = {"set", "add", "del", "port", "lan", "mtu", "1500",
		"segment", "239.1.1.1", "any", "member", "#", "~", "<word:x>", "json", "show",
		"group", "0x", "1/2/3", "::", "\xff", "", "group\tlist", "all", "igmp", "version",
		"3"};
	struct rnd r = rnd_init("random words");

	for (unsigned i = 0; i < 20000; i++) {
		char line[512] = "";
		struct mcr_args a;
		struct mcr_err err;
		int ret;

		for (unsigned n = rnd_below(&r, 8); n > 0; n--) {
			strcat(line, words[rnd_below(&r, sizeof(words) / sizeof(words[0]))]);
			strcat(line, rnd_below(&r, 9) ? " " : "");
		}
		ret = mcr_syntax_parse(sx, line, &a, &err);
		if (ret >= 0)
			continue;
		assert_true(err.text[0] != '\0');
		assert_true(err.position >= 1 && err.position <= strlen(line) + 2);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_become_canonical),
		cmocka_unit_test(arguments_have_their_types),
		cmocka_unit_test(t18_wrong_lines_are_explained),
		cmocka_unit_test(t18_the_caret_stands_under_the_word),
		cmocka_unit_test(nothing_but_a_comment),
		cmocka_unit_test(limits_of_words_and_lines),
		cmocka_unit_test(canonical_lines_parse_to_themselves),
		cmocka_unit_test(completion_offers_what_fits),
		cmocka_unit_test(the_grammar_is_printed_as_written),
		cmocka_unit_test(malformed_and_ambiguous_rows_abort),
		cmocka_unit_test(t18_random_words_are_refused_cleanly),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
