/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/addr.h"
#include "random.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct mcr_addr
addr_of(const char *text)
{
	struct mcr_addr a = mcr_addr_any;

	if (mcr_addr_parse(text, &a) != 0)
		fail_msg("not an address: %s", text);
	return a;
}

static void
address_text(void **state)
{
	static const struct {
		const char *text;
		const char *printed; /* NULL: refused */
	} row[] = {
		{"10.0.0.1", "10.0.0.1"},
		{"0.0.0.0", "0.0.0.0"},
		{"255.255.255.255", "255.255.255.255"},
		{"239.1.1.1", "239.1.1.1"},
		{"2001:db8::1", "2001:db8::1"},
		{"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
		{"::1", "::1"},
		{"ff3e::8000:1", "ff3e::8000:1"},
		{"::", NULL},
		{"0:0:0:0:0:0:0:0", NULL},
		{"", NULL},
		{"*", NULL},
		{"any", NULL},
		{"10.0.0", NULL},
		{"10.0.0.256", NULL},
		{"10.0.0.1.1", NULL},
		{"010.0.0.1", NULL},
		{"0x0a.0.0.1", NULL},
		{" 10.0.0.1", NULL},
		{"10.0.0.1 ", NULL},
		{"10.0.0.1/8", NULL},
		{"fe80::1%eth0", NULL},
		{"[::1]", NULL},
		{"1::2::3", NULL},
		{"12345::", NULL},
		{"::ffff:10.0.0.1", NULL},
	};
	char buf[MCR_ADDR_STRLEN];
	unsigned i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct mcr_addr untouched = mcr_addr_v4(0x12345678), a = untouched;
		int rc = mcr_addr_parse(row[i].text, &a);

		if (rc != (row[i].printed != NULL ? 0 : -EINVAL))
			fail_msg("parse \"%s\" gives %d", row[i].text, rc);
		if (rc == 0)
			assert_string_equal(mcr_addr_str(&a, buf), row[i].printed);
		else
			assert_memory_equal(&a, &untouched, sizeof(a));
	}
	assert_string_equal(mcr_addr_str(&mcr_addr_any, buf), "*");
}

static void
address_kinds(void **state)
{
	static const struct {
		const char *text;
		bool multicast, link_local, source;
	} row[] = {
		{"0.0.0.0", false, false, false},
		{"0.255.255.255", false, false, false},
		{"1.0.0.0", false, false, true},
		{"10.0.0.1", false, false, true},
		{"126.255.255.255", false, false, true},
		{"127.0.0.1", false, false, false},
		{"127.255.255.255", false, false, false},
		{"128.0.0.0", false, false, true},
		{"169.254.1.1", false, false, true},
		{"223.255.255.255", false, false, true},
		{"224.0.0.0", true, true, false},
		{"224.0.0.255", true, true, false},
		{"224.0.1.0", true, false, false},
		{"225.0.0.1", true, false, false},
		{"239.255.255.255", true, false, false},
		{"240.0.0.0", false, false, false},
		{"255.255.255.255", false, false, false},
		{"::1", false, false, false},
		{"::2", false, false, true},
		{"2001:db8::1", false, false, true},
		{"fe80::1", false, false, true},
		{"feff::1", false, false, true},
		{"ff00::1", true, true, false},
		{"ff01::1", true, true, false},
		{"ff02::1", true, true, false},
		{"ff03::1", true, false, false},
		{"ff12::1", true, false, false},
		{"ff3e::1", true, false, false},
	};
	unsigned i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct mcr_addr a = addr_of(row[i].text);

		if (mcr_addr_is_multicast(&a) != row[i].multicast ||
			mcr_addr_is_link_local_group(&a) != row[i].link_local ||
			mcr_addr_is_source(&a) != row[i].source)
			fail_msg("%s is taken for something else", row[i].text);
	}
	assert_false(mcr_addr_is_multicast(&mcr_addr_any));
	assert_false(mcr_addr_is_source(&mcr_addr_any));
	assert_true(mcr_addr_is_any(&mcr_addr_any));
}

static void
v4_zero_is_not_any(void **state)
{
	struct mcr_addr zero = addr_of("0.0.0.0");

	assert_false(mcr_addr_is_any(&zero));
	assert_true(mcr_addr_is_v4(&zero));
	assert_false(mcr_addr_is_v4(&mcr_addr_any));
	assert_int_equal(mcr_addr_to_v4(&zero), 0);
}

static void
order_of_addresses(void **state)
{
	static const char *const ascending[] = {"0.0.0.0", "9.255.0.1", "10.0.0.1", "10.0.0.2",
		"255.255.255.255", "::1", "::1:0:0:0", "2001:db8::1", "ff3e::1"};
	const int n = sizeof(ascending) / sizeof(ascending[0]);
	int i, j;

	for (i = 0; i < n; i++) {
		for (j = 0; j < n; j++) {
			struct mcr_addr a = addr_of(ascending[i]), b = addr_of(ascending[j]);
			int cmp = mcr_addr_cmp(&a, &b);

			assert_int_equal((cmp > 0) - (cmp < 0), (i > j) - (i < j));
		}
	}
}

static void
prefix_text(void **state)
{
	static const struct {
		const char *text;
		const char *printed; /* NULL: refused */
		unsigned len, user_len;
		bool host_bits;
	} row[] = {
		{"10.0.0.0/8", "10.0.0.0/8", 104, 8, false},
		{"10.0.0.1/8", "10.0.0.1/8", 104, 8, true},
		{"10.128.0.0/9", "10.128.0.0/9", 105, 9, false},
		{"10.192.0.0/9", "10.192.0.0/9", 105, 9, true},
		{"0.0.0.0/0", "0.0.0.0/0", 96, 0, false},
		{"10.0.0.1/32", "10.0.0.1/32", 128, 32, false},
		{"10.0.0.1/31", "10.0.0.1/31", 127, 31, true},
		{"::/0", "::/0", 0, 0, false},
		{"::1/0", "::1/0", 0, 0, true},
		{"2001:db8::/32", "2001:db8::/32", 32, 32, false},
		{"2001:db8::1/128", "2001:db8::1/128", 128, 128, false},
		{"2001:db8::1/127", "2001:db8::1/127", 127, 127, true},
		{"10.0.0.0", NULL, 0, 0, false},
		{"10.0.0.0/", NULL, 0, 0, false},
		{"10.0.0.0/33", NULL, 0, 0, false},
		{"10.0.0.0/08", NULL, 0, 0, false},
		{"10.0.0.0/+8", NULL, 0, 0, false},
		{"10.0.0.0/-1", NULL, 0, 0, false},
		{"10.0.0.0/8 ", NULL, 0, 0, false},
		{"10.0.0.0/8/8", NULL, 0, 0, false},
		{"10.0.0.0/4294967304", NULL, 0, 0, false},
		{"/8", NULL, 0, 0, false},
		{"::/129", NULL, 0, 0, false},
		{"::ffff:10.0.0.0/104", NULL, 0, 0, false},
		{"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/1", NULL, 0, 0, false},
	};
	char buf[MCR_PREFIX_STRLEN];
	unsigned i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct mcr_prefix p = {.len = 0};
		int rc = mcr_prefix_parse(row[i].text, &p);

		if (rc != (row[i].printed != NULL ? 0 : -EINVAL))
			fail_msg("parse \"%s\" gives %d", row[i].text, rc);
		if (rc != 0)
			continue;
		assert_string_equal(mcr_prefix_str(&p, buf), row[i].printed);
		assert_int_equal(p.len, row[i].len);
		assert_int_equal(mcr_prefix_user_len(&p), row[i].user_len);
		assert_int_equal(mcr_prefix_has_host_bits(&p), row[i].host_bits);
	}
}

static void
prefix_families_stay_apart(void **state)
{
	static const struct {
		const char *prefix, *addr;
		bool covers;
	} row[] = {
		{"0.0.0.0/0", "10.0.0.1", true},
		{"0.0.0.0/0", "2001:db8::1", false},
		{"::/0", "2001:db8::1", true},
		{"::/0", "10.0.0.1", false},
		{"10.0.0.0/8", "10.255.255.255", true},
		{"10.0.0.0/8", "11.0.0.0", false},
		{"10.0.0.1/32", "10.0.0.1", true},
		{"10.0.0.1/32", "10.0.0.0", false},
	};
	unsigned i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct mcr_addr a = addr_of(row[i].addr);
		struct mcr_prefix p;

		assert_int_equal(mcr_prefix_parse(row[i].prefix, &p), 0);
		if (mcr_prefix_covers(&p, &a) != row[i].covers)
			fail_msg("%s and %s", row[i].prefix, row[i].addr);
	}
}

static bool
bit(const struct mcr_addr *a, unsigned i)
{
	return a->b[i / 8] >> (7 - i % 8) & 1;
}

/* Every length against a comparison bit by bit. */
static void
prefix_against_bits(void **state)
{
	struct rnd r = rnd_init("prefix");
	unsigned round, i;

	for (round = 0; round < 20000; round++) {
		struct mcr_prefix p = {.addr.b = {0x20}, .len = rnd_below(&r, 129)};
		unsigned flipped = rnd_below(&r, 160);
		bool covers = true, host_bits = false;
		struct mcr_addr a;

		for (i = 4; i < 16; i++)
			p.addr.b[i] = rnd_below(&r, 3) == 0 ? rnd_next(&r) : 0;
		a = p.addr;
		if (flipped < 128)
			a.b[flipped / 8] ^= 0x80 >> flipped % 8;
		for (i = 0; i < 128; i++) {
			if (i < p.len)
				covers = covers && bit(&a, i) == bit(&p.addr, i);
			else
				host_bits = host_bits || bit(&p.addr, i);
		}
		assert_int_equal(mcr_prefix_covers(&p, &a), covers);
		assert_int_equal(mcr_prefix_has_host_bits(&p), host_bits);
	}
}

static void
mac_text(void **state)
{
	static const struct {
		const char *text;
		const char *printed;
	} row[] = {
		{"02:00:00:00:00:10", "02:00:00:00:00:10"},
		{"AA:bb:Cc:dD:0e:F9", "aa:bb:cc:dd:0e:f9"},
		{"02:00:00:00:00", NULL},
		{"02:00:00:00:00:", NULL},
		{"02:00:00:00:00:10:11", NULL},
		{"2:0:0:0:0:10", NULL},
		{"02-00-00-00-00-10", NULL},
		{"02:00:00:00:00:1g", NULL},
		{"02:00:00:00:00:10 ", NULL},
		{"", NULL},
	};
	char buf[MCR_MAC_STRLEN];
	unsigned i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct mcr_mac mac;
		int rc = mcr_mac_parse(row[i].text, &mac);

		if (rc != (row[i].printed != NULL ? 0 : -EINVAL))
			fail_msg("parse \"%s\" gives %d", row[i].text, rc);
		if (rc == 0)
			assert_string_equal(mcr_mac_str(&mac, buf), row[i].printed);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_text),
		cmocka_unit_test(address_kinds),
		cmocka_unit_test(v4_zero_is_not_any),
		cmocka_unit_test(order_of_addresses),
		cmocka_unit_test(prefix_text),
		cmocka_unit_test(prefix_families_stay_apart),
		cmocka_unit_test(prefix_against_bits),
		cmocka_unit_test(mac_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
