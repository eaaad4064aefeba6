/* SPDX-License-Identifier: BSD-3-Clause */
/* Golden frames through net_pcap, which takes no chains: the copy lane, byte by byte. */
#include "path_world.h"

#include <unistd.h>

struct file_head {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, precision, snap_len, link_type;
};

struct frame_head {
	uint32_t seconds, micros, captured, len;
};

/* A sender's frame in VLAN 10, TTL 1, DSCP 46 and ECT(0), 20 octets of data. */
static const uint8_t golden_in[] = {
	0x01,
	0x00,
	0x5e,
	0x01,
	0x02,
	0x03,
	0x02,
	0x00,
	0x00,
	0x00,
	0xcc,
	0x01,
	0x81,
	0x00,
	0x60,
	0x0a,
	0x08,
	0x00,
	0x45,
	0xba,
	0x00,
	0x30,
	0x12,
	0x34,
	0x40,
	0x00,
	0x01,
	0x11,
	0x6b,
	0xc3,
	0x0a,
	0x01,
	0x00,
	0x07,
	0xef,
	0x01,
	0x02,
	0x03,
	0x13,
	0x88,
	0x1a,
	0x0a,
	0x00,
	0x1c,
	0x00,
	0x00,
	'h',
	'e',
	'l',
	'l',
	'o',
	',',
	' ',
	'm',
	'u',
	'l',
	't',
	'i',
	'c',
	'a',
	's',
	't',
	'!',
	'!',
	'!',
	'\n',
};

/* Untagged, the same otherwise. */
static const uint8_t golden_native[] = {
	0x01,
	0x00,
	0x5e,
	0x01,
	0x02,
	0x03,
	0x02,
	0x00,
	0x00,
	0x00,
	0xcc,
	0x01,
	0x08,
	0x00,
	0x45,
	0xba,
	0x00,
	0x30,
	0x12,
	0x34,
	0x40,
	0x00,
	0x01,
	0x11,
	0x6b,
	0xc3,
	0x0a,
	0x01,
	0x00,
	0x07,
	0xef,
	0x01,
	0x02,
	0x03,
	0x13,
	0x88,
	0x1a,
	0x0a,
	0x00,
	0x1c,
	0x00,
	0x00,
	'h',
	'e',
	'l',
	'l',
	'o',
	',',
	' ',
	'm',
	'u',
	'l',
	't',
	'i',
	'c',
	'a',
	's',
	't',
	'!',
	'!',
	'!',
	'\n',
};

/*
 * VXLAN to 192.0.2.20, VNI 101: total length 98, so ID 0xffff - 98 - 2; DF; ECN of the inner
 * packet, not its DSCP; UDP checksum 0. The source port (at 34) is entropy and compared apart.
 */
static const uint8_t golden_outer[] = {
	0x02,
	0x00,
	0x00,
	0x00,
	0xbb,
	0x14,
	0x02,
	0x00,
	0x00,
	0x00,
	0xaa,
	0x02,
	0x08,
	0x00,
	0x45,
	0x02,
	0x00,
	0x62,
	0xff,
	0x9b,
	0x40,
	0x00,
	0x40,
	0x11,
	0x00,
	0x00,
	0xc0,
	0x00,
	0x02,
	0x01,
	0xc0,
	0x00,
	0x02,
	0x14,
	0x00,
	0x00,
	0x12,
	0xb5,
	0x00,
	0x4e,
	0x00,
	0x00,
	0x08,
	0x00,
	0x00,
	0x00,
	0x00,
	0x00,
	0x65,
	0x00,
};

static void
write_pcap(const char *path, const uint8_t *frame, uint32_t len, unsigned n)
{
	const struct file_head fh = {0xa1b2c3d4, 2, 4, 0, 0, 65535, 1};
	const struct frame_head h = {.captured = len, .len = len};
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(&fh, sizeof(fh), 1, f), 1);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(fwrite(&h, sizeof(h), 1, f), 1);
		assert_int_equal(fwrite(frame, len, 1, f), 1);
	}
	assert_int_equal(fclose(f), 0);
}

/* Calls `check` with each frame; their number. */
static unsigned
read_pcap(const char *path, void (*check)(const uint8_t *frame, uint32_t len))
{
	struct file_head fh;
	struct frame_head h;
	uint8_t frame[2000];
	FILE *f = fopen(path, "r");
	unsigned n = 0;

	assert_non_null(f);
	assert_int_equal(fread(&fh, sizeof(fh), 1, f), 1);
	for (; fread(&h, sizeof(h), 1, f) == 1; n++) {
		assert_in_range(h.captured, 1, sizeof(frame));
		assert_int_equal(h.captured, h.len);
		assert_int_equal(fread(frame, h.captured, 1, f), 1);
		check(frame, h.captured);
	}
	fclose(f);
	return n;
}

static void
check_native(const uint8_t *frame, uint32_t len)
{
	assert_int_equal(len, sizeof(golden_native));
	assert_memory_equal(frame, golden_native, len);
}

static void
check_tunnel(const uint8_t *frame, uint32_t len)
{
	uint8_t masked[sizeof(golden_outer)];

	assert_int_equal(len, sizeof(golden_outer) + sizeof(golden_native));
	assert_memory_equal(frame + sizeof(golden_outer), golden_native, sizeof(golden_native));
	assert_in_range(frame[34] << 8 | frame[35], 49152, 65535);
	assert_int_equal(sum16(frame + 14, 20, 0), 0);
	memcpy(masked, frame, sizeof(masked));
	memset(masked + 24, 0, 2);
	memset(masked + 34, 0, 2);
	assert_memory_equal(masked, golden_outer, sizeof(masked));
}

static unsigned
add_pcap_port(struct world *wd, const char *args, bool is_uplink)
{
	static unsigned serial;
	unsigned i = wd->n_ports++;
	struct mcr_port_param param = {.n_rx = 1,
		.n_tx = 1,
		.rx_desc = 512,
		.tx_desc = 512,
		.n_workers = 1,
		.pool = {wd->pools[0].payload}};
	struct mcr_errs errs = {0};

	snprintf(param.name, sizeof(param.name), "f%u", i);
	snprintf(param.dev, sizeof(param.dev), "net_pcap%u,%s", serial++, args);
	wd->port[i].port = mcr_port_create(&param, &errs);
	mcr_errs_print(stderr, &errs);
	assert_non_null(wd->port[i].port);
	wd->port[i].is_foreign = true;
	wd->port[i].is_uplink = is_uplink;
	wd->port[i].mac = (struct mcr_mac){{2, 0, 0, 0, 0xaa, i}};
	return i;
}

/* V1, F2: what a capture file goes in and what capture files come out. */
static void
v1_golden_frames_through_files(void **state)
{
	struct world wd;
	struct mcr_list_item items[2];
	char dir[] = "/tmp/mcr-pcap-XXXXXX", path[3][64], args[200];

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (unsigned i = 0; i < 3; i++)
		snprintf(path[i], sizeof(path[i]), "%s/%u", dir, i);
	write_pcap(path[0], golden_in, sizeof(golden_in), 100);
	world_init(&wd, &(struct world_conf){0});
	snprintf(args, sizeof(args), "rx_pcap=%s", path[0]);
	add_pcap_port(&wd, args, false);
	for (unsigned i = 1; i < 3; i++) {
		snprintf(args, sizeof(args), "tx_pcap=%s", path[i]);
		add_pcap_port(&wd, args, i == 2);
		assert_false(wd.port[i].port->cap.multi_segs);
	}
	wd.port[2].own[0] = ip4("192.0.2.1");
	wd.port[2].n_own = 1;
	world_map(&wd, 0, 10, 1);
	world_map(&wd, 1, MCR_VID_NONE, 1);
	world_publish(&wd);
	items[0] = world_native(&wd, 1, MCR_VID_NONE);
	items[1] = world_tunnel(&wd, 2, ip4("192.0.2.20"));
	world_join(&wd, 1, "239.1.2.3", NULL, items, 2);
	world_run(&wd);
	assert_int_equal(world_forwarded(&wd), 100);
	assert_int_equal(world_all_drops(&wd), 0);
	world_check_sums(&wd);
	/* The files are complete when their ports have stopped. */
	for (unsigned i = 0; i < 3; i++)
		mcr_port_free(wd.port[i].port);
	wd.n_ports = 0;
	world_free(&wd);
	assert_int_equal(read_pcap(path[1], check_native), 100);
	assert_int_equal(read_pcap(path[2], check_tunnel), 100);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(unlink(path[i]), 0);
	assert_int_equal(rmdir(dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v1_golden_frames_through_files),
	};

	if (world_eal() < 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
