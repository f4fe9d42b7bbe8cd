/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The block device: its configuration, each type of request, and where each is refused.
 * VIRTIO 1.4, 5.2.
 */
#include <string.h>

#include "../snapshot.h"
#include "blk_guest.h"

#define WRITEBACK (0x100 + 32)

static uint64_t config(uint32_t offset, uint32_t width)
{
	uint64_t value = 0;

	mmio_read(m, 0x100 + offset, &value, width);
	return value;
}

static void identity(void **state)
{
	uint8_t byte = 1;
	unsigned i;

	(void)state;
	assert_int_equal(reg_read(VIRTIO_MMIO_DEVICE_ID), 2);
	assert_int_equal(config(0, 8), SECTORS);
	assert_int_equal(config(8, 4), BLK_SIZE_MAX);
	assert_int_equal(config(12, 4), BLK_SEG_MAX);
	assert_int_equal(config(20, 4), 512);
	assert_int_equal(config(32, 1), 1);
	assert_int_equal(config(33, 1), 0);
	assert_int_equal(config(34, 2), BLK_QUEUE_COUNT);
	assert_int_equal(config(36, 4), BLK_DISCARD_SECTORS_MAX);
	assert_int_equal(config(40, 4), BLK_DISCARD_SEG_MAX);
	assert_int_equal(config(48, 4), BLK_ZEROES_SECTORS_MAX);
	assert_int_equal(config(52, 4), BLK_ZEROES_SEG_MAX);
	assert_int_equal(config(56, 1), 1);
	for (i = 57; i < 64; i++)
		assert_int_equal(config(i, 1), 0);
	mmio_read(m, UINT64_MAX, &byte, 1);
	assert_int_equal(byte, 0);
	assert_true((uint64_t)BLK_SIZE_MAX * BLK_SEG_MAX <= BLK_REQUEST_MAX);
	expect_none();
}

/* What is not offered is not told, and there is one queue. */
static void nothing_offered(void **state)
{
	unsigned i;

	(void)state;
	net_teardown(NULL);
	blk_guest_new(UINT64_C(1) << VIRTIO_F_VERSION_1);
	for (i = 8; i < 60; i++)
		assert_int_equal(config(i, 1), 0);
	reg_write(VIRTIO_MMIO_QUEUE_SEL, 1);
	assert_int_equal(reg_read(VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	blk_guest_start(UINT64_C(1) << VIRTIO_F_VERSION_1);
	blk_ask(VIRTIO_BLK_T_FLUSH, 0, 0, 0, VIRTIO_BLK_S_UNSUPP);
	blk_segment(0, 0, 1, 0);
	blk_ask(VIRTIO_BLK_T_DISCARD, 0, 16, 0, VIRTIO_BLK_S_UNSUPP);
	blk_ask(VIRTIO_BLK_T_WRITE_ZEROES, 0, 16, 0, VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(disk.calls, 0);
	expect({ "requests", 3 }, { "unsupported", 3 });
}

static void reads_and_writes(void **state)
{
	(void)state;
	blk_ask(VIRTIO_BLK_T_IN, 3, 0, 1024, VIRTIO_BLK_S_OK);
	assert_bytes(DATA, 4, 512);
	assert_bytes(DATA + 512, 5, 512);
	expect({ "requests", 1 }, { "served", 1 }, { "reads", 1 }, { "sectors_read", 2 });
	memset(fake_mem(&fake, DATA, 1024), 0x77, 1024);
	blk_ask(VIRTIO_BLK_T_OUT, SECTORS - 2, 1024, 0, VIRTIO_BLK_S_OK);
	assert_int_equal(disk.bytes[sizeof(disk.bytes) - 1], 0x77);
	assert_int_equal(disk.bytes[sizeof(disk.bytes) - 1025], SECTORS - 2);
	expect({ "requests", 1 }, { "served", 1 }, { "writes", 1 }, { "sectors_written", 2 });
	/* The largest one, and one with nothing. */
	blk_ask(VIRTIO_BLK_T_IN, 0, 0, BLK_REQUEST_MAX, VIRTIO_BLK_S_OK);
	blk_ask(VIRTIO_BLK_T_IN, SECTORS, 0, 0, VIRTIO_BLK_S_OK);
	blk_ask(VIRTIO_BLK_T_OUT, SECTORS, 0, 0, VIRTIO_BLK_S_OK);
	assert_int_equal(disk.calls, 3);
	expect({ "requests", 3 }, { "served", 3 }, { "reads", 2 }, { "writes", 1 },
	       { "sectors_read", 32 });
}

/* Sectors whose offset wraps, or that are only partly there, and sizes that are none. */
static void beyond_the_disk(void **state)
{
	static const struct {
		uint64_t sector;
		uint32_t len;
	} bad[] = {
		{ SECTORS, 512 },
		{ SECTORS - 1, 1024 },
		{ SECTORS + 1, 0 },
		{ UINT64_MAX, 512 },
		{ UINT64_MAX, 1024 },
		{ UINT64_C(1) << 55, 512 },
		{ (UINT64_C(1) << 55) - 1, 1024 },
		{ UINT64_C(1) << 63, 512 },
		{ 0, 511 },
		{ 0, 513 },
		{ 0, 1 },
		{ 0, BLK_REQUEST_MAX - 1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(fake_mem(&fake, DATA, 0x5000), 0x77, 0x5000);
		blk_ask(VIRTIO_BLK_T_IN, bad[i].sector, 0, bad[i].len, VIRTIO_BLK_S_IOERR);
		assert_bytes(DATA, 0, bad[i].len);
		assert_bytes(DATA + bad[i].len, 0x77, 16);
		blk_ask(VIRTIO_BLK_T_OUT, bad[i].sector, bad[i].len, 0, VIRTIO_BLK_S_IOERR);
	}
	assert_int_equal(disk.calls, 0);
	expect({ "requests", 24 }, { "refused", 24 });
	/* More than one request may have: the room is not cleared, and not counted. */
	blk_head(VIRTIO_BLK_T_IN, 0);
	memset(fake_mem(&fake, DATA, 0x5000), 0x77, 0x5000);
	blk_send(0, 0, 0, BLK_REQUEST_MAX + 512);
	assert_used(&blk_q[0], 25, 0, 0);
	assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
	assert_bytes(DATA, 0x77, BLK_REQUEST_MAX + 512);
	assert_int_equal(*fake_mem(&fake, STATUS, 1), VIRTIO_BLK_S_IOERR);
	blk_ask(VIRTIO_BLK_T_OUT, 0, BLK_REQUEST_MAX + 512, 0, VIRTIO_BLK_S_IOERR);
	expect({ "requests", 2 }, { "refused", 2 });
}

static void id_and_unknown(void **state)
{
	uint8_t id[VIRTIO_BLK_ID_BYTES] = BLK_ID;

	(void)state;
	memset(fake_mem(&fake, DATA, 64), 0x77, 64);
	blk_ask(VIRTIO_BLK_T_GET_ID, 0, 0, VIRTIO_BLK_ID_BYTES, VIRTIO_BLK_S_OK);
	assert_memory_equal(fake_mem(&fake, DATA, sizeof(id)), id, sizeof(id));
	assert_bytes(DATA + VIRTIO_BLK_ID_BYTES, 0x77, 16);
	blk_ask(VIRTIO_BLK_T_GET_ID, 0, 0, VIRTIO_BLK_ID_BYTES - 1, VIRTIO_BLK_S_IOERR);
	blk_ask(VIRTIO_BLK_T_GET_ID, 0, 0, VIRTIO_BLK_ID_BYTES + 1, VIRTIO_BLK_S_IOERR);
	assert_bytes(DATA, 0, VIRTIO_BLK_ID_BYTES + 1);
	blk_ask(2, 0, 0, 0, VIRTIO_BLK_S_UNSUPP);
	blk_ask(10, 0, 0, 6, VIRTIO_BLK_S_UNSUPP);
	blk_ask(VIRTIO_BLK_T_SECURE_ERASE, 0, 16, 0, VIRTIO_BLK_S_UNSUPP);
	blk_ask(18, 0, 0, 0, VIRTIO_BLK_S_UNSUPP);
	blk_ask(0x80000001, 0, 512, 0, VIRTIO_BLK_S_UNSUPP);
	expect({ "requests", 8 }, { "served", 1 }, { "ids", 1 }, { "refused", 2 },
	       { "unsupported", 5 });
}

static void segments(void **state)
{
	(void)state;
	blk_segment(0, 1, 2, 0);
	blk_segment(1, 7, 0, 0);
	blk_segment(2, 9, 1, 0);
	blk_ask(VIRTIO_BLK_T_DISCARD, 0, 48, 0, VIRTIO_BLK_S_OK);
	assert_int_equal(disk.calls, 2);
	assert_int_equal(disk.bytes[512], 0xdd);
	assert_int_equal(disk.bytes[3 * 512 - 1], 0xdd);
	assert_int_equal(disk.bytes[3 * 512], 4);
	assert_int_equal(disk.bytes[9 * 512], 0xdd);
	blk_segment(0, 1, 1, 1);
	blk_ask(VIRTIO_BLK_T_WRITE_ZEROES, 0, 16, 0, VIRTIO_BLK_S_OK);
	assert_true(disk.last.unmap);
	assert_int_equal(disk.bytes[512], 0);
	assert_int_equal(disk.bytes[1024], 0xdd);
	blk_segment(0, 2, 1, 0);
	blk_ask(VIRTIO_BLK_T_WRITE_ZEROES, 0, 16, 0, VIRTIO_BLK_S_OK);
	assert_false(disk.last.unmap);
	/* All of them have no sector. */
	blk_segment(0, SECTORS, 0, 0);
	blk_ask(VIRTIO_BLK_T_WRITE_ZEROES, 0, 16, 0, VIRTIO_BLK_S_OK);
	assert_int_equal(disk.calls, 4);
	expect({ "requests", 4 }, { "served", 4 }, { "discards", 1 }, { "zeroes", 3 });
}

/* Nothing of it is done if one segment is wrong. */
static void wrong_segments(void **state)
{
	static const struct {
		uint32_t type, sectors, flags;
		uint64_t sector, status;
	} bad[] = {
		{ VIRTIO_BLK_T_DISCARD, 1, 1, 0, VIRTIO_BLK_S_UNSUPP },
		{ VIRTIO_BLK_T_DISCARD, 1, 2, 0, VIRTIO_BLK_S_UNSUPP },
		{ VIRTIO_BLK_T_DISCARD, 1, 1u << 31, 0, VIRTIO_BLK_S_UNSUPP },
		{ VIRTIO_BLK_T_WRITE_ZEROES, 1, 2, 0, VIRTIO_BLK_S_UNSUPP },
		{ VIRTIO_BLK_T_WRITE_ZEROES, 1, 3, 0, VIRTIO_BLK_S_UNSUPP },
		/* A flag says more than a range that is none. */
		{ VIRTIO_BLK_T_DISCARD, UINT32_MAX, 2, UINT64_MAX, VIRTIO_BLK_S_UNSUPP },
		{ VIRTIO_BLK_T_DISCARD, BLK_DISCARD_SECTORS_MAX + 1, 0, 0, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_DISCARD, UINT32_MAX, 0, 0, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_DISCARD, 2, 0, SECTORS - 1, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_DISCARD, 1, 0, UINT64_MAX, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_DISCARD, 0, 0, SECTORS + 1, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_WRITE_ZEROES, BLK_ZEROES_SECTORS_MAX + 1, 0, 0, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_WRITE_ZEROES, 1, 0, SECTORS, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_WRITE_ZEROES, 16, 1, UINT64_MAX - 8, VIRTIO_BLK_S_IOERR },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		blk_segment(0, 5, 1, 0);
		blk_segment(1, bad[i].sector, bad[i].sectors, bad[i].flags);
		blk_ask(bad[i].type, 0, 32, 0, (uint8_t)bad[i].status);
	}
	expect({ "requests", 14 }, { "unsupported", 6 }, { "refused", 8 });
	for (i = 0; i <= BLK_DISCARD_SEG_MAX; i++)
		blk_segment((unsigned)i, i, 1, 0);
	blk_ask(VIRTIO_BLK_T_DISCARD, 0, 16 * (BLK_DISCARD_SEG_MAX + 1), 0, VIRTIO_BLK_S_IOERR);
	blk_ask(VIRTIO_BLK_T_WRITE_ZEROES, 0, 16 * (BLK_ZEROES_SEG_MAX + 1), 0, VIRTIO_BLK_S_IOERR);
	blk_ask(VIRTIO_BLK_T_DISCARD, 0, 0, 0, VIRTIO_BLK_S_IOERR);
	blk_ask(VIRTIO_BLK_T_DISCARD, 0, 17, 0, VIRTIO_BLK_S_IOERR);
	blk_ask(VIRTIO_BLK_T_DISCARD, 0, BLK_REQUEST_MAX + 16, 0, VIRTIO_BLK_S_IOERR);
	expect({ "requests", 5 }, { "refused", 5 });
	assert_int_equal(disk.calls, 0);
}

static void read_only(void **state)
{
	(void)state;
	net_teardown(NULL);
	blk_guest_new(UINT64_MAX);
	/* Offered is enough. */
	blk_guest_start(ALL);
	blk_ask(VIRTIO_BLK_T_OUT, 0, 512, 0, VIRTIO_BLK_S_IOERR);
	blk_segment(0, 0, 1, 0);
	blk_ask(VIRTIO_BLK_T_DISCARD, 0, 16, 0, VIRTIO_BLK_S_IOERR);
	blk_ask(VIRTIO_BLK_T_WRITE_ZEROES, 0, 16, 0, VIRTIO_BLK_S_IOERR);
	blk_segment(0, 0, 1, 2);
	blk_ask(VIRTIO_BLK_T_WRITE_ZEROES, 0, 16, 0, VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(disk.calls, 0);
	blk_ask(VIRTIO_BLK_T_IN, 0, 0, 512, VIRTIO_BLK_S_OK);
	blk_ask(VIRTIO_BLK_T_FLUSH, 0, 0, 0, VIRTIO_BLK_S_OK);
	assert_int_equal(disk.calls, 2);
	expect({ "requests", 6 }, { "refused", 3 }, { "unsupported", 1 }, { "served", 2 },
	       { "reads", 1 }, { "flushes", 1 }, { "sectors_read", 1 });
}

static void write_writeback(uint8_t value)
{
	mmio_write(m, WRITEBACK, &value, 1);
}

/* A writethrough disk is flushed before a write is answered, any other when its driver says. */
static void cache_modes(void **state)
{
	uint8_t wide[8] = { 0xee, 0, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee };

	(void)state;
	blk_ask(VIRTIO_BLK_T_OUT, 0, 512, 0, VIRTIO_BLK_S_OK);
	assert_int_equal(disk.flushes, 0);
	write_writeback(0);
	assert_int_equal(config(32, 1), 0);
	blk_ask(VIRTIO_BLK_T_OUT, 0, 512, 0, VIRTIO_BLK_S_OK);
	assert_int_equal(disk.flushes, 1);
	blk_segment(0, 0, 1, 0);
	blk_ask(VIRTIO_BLK_T_WRITE_ZEROES, 0, 16, 0, VIRTIO_BLK_S_OK);
	assert_int_equal(disk.flushes, 2);
	blk_ask(VIRTIO_BLK_T_IN, 0, 0, 512, VIRTIO_BLK_S_OK);
	assert_int_equal(disk.flushes, 2);
	write_writeback(1);
	blk_ask(VIRTIO_BLK_T_OUT, 0, 512, 0, VIRTIO_BLK_S_OK);
	blk_ask(VIRTIO_BLK_T_FLUSH, 0, 0, 0, VIRTIO_BLK_S_OK);
	assert_int_equal(disk.flushes, 3);
	write_writeback(2);
	assert_int_equal(config(32, 1), 1);
	/* Beside it, and over it with others. */
	mmio_write(m, WRITEBACK + 1, wide, 2);
	mmio_write(m, WRITEBACK - 1, wide, 8);
	assert_int_equal(config(32, 1), 0);
	assert_int_equal(config(34, 2), BLK_QUEUE_COUNT);
	expect({ "requests", 6 }, { "served", 6 }, { "writes", 3 }, { "zeroes", 1 }, { "reads", 1 },
	       { "flushes", 1 }, { "sectors_read", 1 }, { "sectors_written", 3 },
	       { "writeback_written", 3 }, { "writeback_refused", 1 });
	/* After a reset it is as at first. */
	blk_guest_start(ALL);
	assert_int_equal(config(32, 1), 1);
}

/* VIRTIO 5.2.5.2, 5.2.6.2: what was negotiated says what a new session has. */
static void cache_as_negotiated(void **state)
{
	static const struct {
		uint64_t features;
		uint8_t writeback;
		bool flushed;
	} rows[] = {
		{ F(FLUSH) | F(CONFIG_WCE), 1, false },
		{ F(FLUSH), 1, false },
		{ F(CONFIG_WCE), 0, true },
		{ 0, 1, true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		blk_q[0].avail_idx = 0;
		disk.flushes = 0;
		blk_guest_start(UINT64_C(1) << VIRTIO_F_VERSION_1 | rows[i].features);
		if (rows[i].features & F(CONFIG_WCE))
			assert_int_equal(config(32, 1), rows[i].writeback);
		blk_head(VIRTIO_BLK_T_OUT, 0);
		blk_send(0, 0, 512, 0);
		assert_int_equal(*fake_mem(&fake, STATUS, 1), VIRTIO_BLK_S_OK);
		assert_int_equal(disk.flushes, rows[i].flushed);
	}
	blk_guest_start(UINT64_C(1) << VIRTIO_F_VERSION_1 | F(FLUSH));
	write_writeback(0);
	expect({ "requests", 4 }, { "served", 4 }, { "writes", 4 }, { "sectors_written", 4 },
	       { "writeback_refused", 1 });
}

static void resize(void **state)
{
	(void)state;
	assert_false(blk_resize(mmio_device(m), SECTORS));
	assert_interrupts(0, 0);
	assert_true(blk_resize(mmio_device(m), 2));
	assert_interrupts(VIRTIO_MMIO_INT_CONFIG, 0);
	assert_int_equal(reg_read(VIRTIO_MMIO_CONFIG_GENERATION), 1);
	assert_int_equal(config(0, 8), 2);
	blk_ask(VIRTIO_BLK_T_IN, 1, 0, 512, VIRTIO_BLK_S_OK);
	blk_ask(VIRTIO_BLK_T_IN, 2, 0, 512, VIRTIO_BLK_S_IOERR);
	expect({ "resized", 1 }, { "requests", 2 }, { "served", 1 }, { "reads", 1 },
	       { "sectors_read", 1 }, { "refused", 1 });
	/* The host's, so a reset leaves it. */
	reg_write(VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(config(0, 8), 2);
}

/* The disk completes what a restored device asks for again from within: the device asks for
 * nothing else meanwhile, and answers with its next work. */
static void asked_again_and_done_at_once(void **state)
{
	static uint8_t bytes[1 << 14];
	struct snapshot_error error;
	struct mmio *old = m;
	size_t len;

	(void)state;
	disk.late = true;
	blk_head(VIRTIO_BLK_T_IN, 1);
	blk_send(0, 0, 0, 512);
	blk_send(0, 4, 0, 512);
	len = snapshot_save(m, bytes, sizeof(bytes));
	assert_true(len < sizeof(bytes));
	m = mmio_create(&blk_ops, &fake.host, UINT64_MAX & ~F(RO), NULL);
	blk_connect(mmio_device(m), &blk_guest_backend, &disk, SECTORS);
	assert_int_equal(snapshot_restore(m, bytes, len, &error), 0);
	disk.late = false;
	disk.both = true;
	disk.calls = 0;
	blk_resubmit(mmio_device(m), disk.later[0].tag);
	assert_int_equal(disk.calls, 1);
	assert_int_equal(fake_used_idx(&blk_q[0]), 0);
	assert_int_equal(mmio_state(m), DEVICE_WORK);
	mmio_work(m);
	assert_int_equal(disk.calls, 2);
	assert_int_equal(fake_used_idx(&blk_q[0]), 2);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
	mmio_destroy(m);
	m = old;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, blk_guest_setup, net_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(identity),		TEST(nothing_offered),
		TEST(reads_and_writes), TEST(beyond_the_disk),
		TEST(id_and_unknown),	TEST(segments),
		TEST(wrong_segments),	TEST(read_only),
		TEST(cache_modes),	TEST(cache_as_negotiated),
		TEST(resize),		TEST(asked_again_and_done_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
