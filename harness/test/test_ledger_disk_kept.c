/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The ledger's account of a disk that is reset, loses its power, or is another: what it keeps; and
 * its configuration.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <linux/virtio_blk.h>

#include "ledger_disk_rig.h"
#include "ledger_rig.h"

#define OK VIRTIO_BLK_S_OK
#define IOERR VIRTIO_BLK_S_IOERR

static const uint8_t one[DISK_SECTOR] = { 1 }, two[DISK_SECTOR] = { 2 };

static int setup(void **state)
{
	(void)state;
	rig_new();
	disk_new(0);
	return 0;
}

static unsigned state_of(uint64_t number)
{
	for (unsigned i = 0; i < 2 * DISK_SLOTS; i++)
		if (ledger.disk.sectors[i].used && ledger.disk.sectors[i].number == number)
			return ledger.disk.sectors[i].state;
	return UINT32_MAX;
}

/* What was flushed outlasts a reset; the rest may. */
static void reset_behind_a_flush(void **state)
{
	(void)state;
	disk_out(5, one, DISK_SECTOR, OK);
	disk_request(VIRTIO_BLK_T_FLUSH, 0, NULL, 0, OK);
	disk_out(6, one, DISK_SECTOR, OK);
	disk_request(VIRTIO_BLK_T_FLUSH, 0, NULL, 0, IOERR);
	disk_in(7, one, DISK_SECTOR, OK);
	set_status(0);
	assert_int_equal(state_of(5), DISK_KNOWN);
	assert_int_equal(state_of(6), DISK_OPEN);
	assert_int_equal(state_of(7), DISK_KNOWN);
	assert_silent();
}

/* Of a driver that can neither flush nor choose, if the device can. */
static void reset_of_a_writethrough_disk(void **state)
{
	(void)state;
	rig_new();
	disk_new(1ULL << VIRTIO_BLK_F_FLUSH);
	disk_out(5, one, DISK_SECTOR, OK);
	disk_out(6, one, DISK_SECTOR, IOERR);
	negotiate(VIRTIO_BLK_F_FLUSH);
	disk_out(7, one, DISK_SECTOR, OK);
	set_status(0);
	assert_int_equal(state_of(5), DISK_KNOWN);
	assert_int_equal(state_of(6), DISK_LOOSE);
	assert_int_equal(state_of(7), DISK_OPEN);
	assert_silent();
}

/* It may be another disk, with another ID. */
static void forgotten(void **state)
{
	static const uint8_t id[DISK_ID_BYTES] = { 'a' };

	(void)state;
	disk_out(5, one, DISK_SECTOR, OK);
	disk_answer(VIRTIO_BLK_T_GET_ID, 0, id, sizeof(id), OK);
	assert_true(ledger.disk.has_id);
	ledger_forget(&ledger, 0);
	assert_int_equal(state_of(5), UINT32_MAX);
	assert_false(ledger.disk.has_id);
}

/* What was flushed is there, and nothing else need be. */
static void power_that_fails(void **state)
{
	(void)state;
	disk_out(5, one, DISK_SECTOR, OK);
	disk_request(VIRTIO_BLK_T_FLUSH, 0, NULL, 0, OK);
	disk_out(6, one, DISK_SECTOR, OK);
	notify();
	disk_begin(VIRTIO_BLK_T_OUT, 7, DISK_SECTOR, 0);
	disk_data_read(3, one, DISK_SECTOR);
	disk_begin(VIRTIO_BLK_T_IN, 6, 0, DISK_SECTOR);
	disk_data_stored(4, one, DISK_SECTOR);
	done();
	ledger_disk_crashed(&ledger);
	work();
	disk_end(4, OK);
	disk_end(3, OK);
	done();
	rest(DEVICE_IDLE);
	assert_int_equal(state_of(6), DISK_OPEN);
	assert_int_equal(state_of(7), DISK_LOOSE);
	disk_in(5, one, DISK_SECTOR, OK);
	disk_in(6, two, DISK_SECTOR, OK);
	disk_in(7, two, DISK_SECTOR, OK);
	assert_silent();
	disk_in(5, two, DISK_SECTOR, OK);
	assert_breaks(RULE_DISK_READ);
}

/* Where the driver knows that the cache is a writethrough one. */
static void power_of_a_writethrough_disk(void **state)
{
	(void)state;
	rig_new();
	disk_new(1ULL << VIRTIO_BLK_F_CONFIG_WCE | 1ULL << VIRTIO_BLK_F_FLUSH);
	negotiate(VIRTIO_BLK_F_CONFIG_WCE);
	negotiate(VIRTIO_BLK_F_FLUSH);
	disk_config_written(DISK_WRITEBACK_AT, 0);
	disk_out(5, one, DISK_SECTOR, OK);
	disk_config_read(DISK_WRITEBACK_AT, 0);
	disk_out(6, one, DISK_SECTOR, OK);
	disk_config_written(DISK_WRITEBACK_AT, 1);
	disk_out(7, one, DISK_SECTOR, OK);
	ledger_disk_crashed(&ledger);
	assert_int_equal(state_of(5), DISK_OPEN);
	assert_int_equal(state_of(6), DISK_KNOWN);
	assert_int_equal(state_of(7), DISK_OPEN);
	assert_silent();
}

static void reset_in_the_middle(void **state)
{
	(void)state;
	disk_out(5, one, DISK_SECTOR, OK);
	disk_out(6, one, DISK_SECTOR, OK);
	notify();
	disk_begin(VIRTIO_BLK_T_OUT, 5, DISK_SECTOR, 0);
	disk_data_read(2, two, DISK_SECTOR);
	done();
	set_status(0);
	assert_int_equal(state_of(5), DISK_LOOSE);
	assert_int_equal(state_of(6), DISK_OPEN);
	assert_silent();
}

/* What the driver wrote there is nobody's fault, until reset. */
static void writeback_that_was_written(void **state)
{
	(void)state;
	rig_new();
	disk_new(1ULL << VIRTIO_BLK_F_CONFIG_WCE | 1ULL << VIRTIO_BLK_F_FLUSH);
	disk_config_read(DISK_WRITEBACK_AT, 1);
	negotiate(VIRTIO_BLK_F_CONFIG_WCE);
	disk_config_read(DISK_WRITEBACK_AT, 0);
	disk_config_written(DISK_WRITEBACK_AT, 1);
	disk_config_read(DISK_WRITEBACK_AT, 1);
	set_status(0);
	disk_config_read(DISK_WRITEBACK_AT, 1);
	assert_silent();
}

static void padding(void **state)
{
	(void)state;
	disk_config_read(DISK_PADDING_AT, 0);
	assert_silent();
	disk_config_read(DISK_PADDING_AT, 1);
	assert_breaks(RULE_DISK_CONFIG);
	rig_new();
	disk_new(0);
	disk_config_written(DISK_PADDING_AT, 1);
	set_status(0);
	disk_config_read(DISK_PADDING_AT, 1);
	assert_silent();
}

int main(void)
{
#define DISK(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		DISK(reset_behind_a_flush),
		DISK(reset_of_a_writethrough_disk),
		DISK(forgotten),
		DISK(power_that_fails),
		DISK(power_of_a_writethrough_disk),
		DISK(reset_in_the_middle),
		DISK(writeback_that_was_written),
		DISK(padding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
