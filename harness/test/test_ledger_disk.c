/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The ledger's account of a disk: what a read may return, and what nobody can say.
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
#define UNSUPP VIRTIO_BLK_S_UNSUPP

static const uint8_t one[DISK_SECTOR] = { 1 }, two[DISK_SECTOR] = { 2 }, zeroes[DISK_SECTOR];
static uint8_t both[2 * DISK_SECTOR];

static int setup(void **state)
{
	(void)state;
	memcpy(both, one, DISK_SECTOR);
	memcpy(both + DISK_SECTOR, two, DISK_SECTOR);
	rig_new();
	disk_new(0);
	return 0;
}

static void accept_features(uint64_t features)
{
	ledger.session.features_known = true;
	ledger.session.driver_features = features;
}

static void segment(uint32_t type, uint64_t sector, uint32_t count, uint32_t flags, uint8_t status)
{
	uint8_t bytes[DISK_SEGMENT_BYTES];

	memcpy(bytes, &sector, 8);
	memcpy(bytes + 8, &count, 4);
	memcpy(bytes + 12, &flags, 4);
	disk_request(type, 0, bytes, sizeof(bytes), status);
}

static void the_second_sector_of_a_write(void **state)
{
	(void)state;
	disk_out(5, both, sizeof(both), OK);
	disk_in(6, two, DISK_SECTOR, OK);
	assert_silent();
	disk_in(6, one, DISK_SECTOR, OK);
	assert_breaks(RULE_DISK_READ);
}

/* The status stands behind `stored` bytes of a read of two sectors. */
static void stores_a_part(uint32_t from, uint32_t stored)
{
	unsigned n = disk_next();

	notify();
	disk_begin(VIRTIO_BLK_T_IN, 5, 0, sizeof(both));
	disk_data_stored_at(n, from, both, stored);
	disk_end_with(n, OK, from == 0 ? stored : 0);
	done();
	rest(DEVICE_IDLE);
}

static void no_data(void **state)
{
	(void)state;
	stores_a_part(0, sizeof(both));
	disk_in(5, NULL, 0, OK);
	assert_silent();
	stores_a_part(0, 0);
	assert_breaks(RULE_DISK_READ);
}

static void all_but_a_byte(void **state)
{
	(void)state;
	stores_a_part(0, sizeof(both) - 1);
	assert_breaks(RULE_DISK_READ);
}

static void all_but_the_first_byte(void **state)
{
	(void)state;
	stores_a_part(1, sizeof(both) - 1);
	assert_breaks(RULE_DISK_READ);
}

/* From the back to the front: what was left out then is not known. */
static void stored_backwards(void **state)
{
	unsigned n = disk_next();

	(void)state;
	notify();
	disk_begin(VIRTIO_BLK_T_IN, 5, 0, sizeof(both));
	disk_data_stored_at(n, DISK_SECTOR, both, DISK_SECTOR);
	disk_data_stored_at(n, 0, both, DISK_SECTOR);
	disk_end(n, OK);
	done();
	rest(DEVICE_IDLE);
	assert_silent();
}

/* A request that may be one too large, or is not there, or was when the disk was another. */
static void nothing_of_what_is_not_allowed(void **state)
{
	unsigned n;

	(void)state;
	rig_target.model = false; /* ours tells bounds and does not mind */
	accept_features(1ULL << VIRTIO_BLK_F_SEG_MAX);
	stores_a_part(0, 0);
	accept_features(1ULL << VIRTIO_BLK_F_SIZE_MAX);
	stores_a_part(0, 0);
	accept_features(0);
	n = disk_next();
	notify();
	disk_begin(VIRTIO_BLK_T_IN, 5, 0, DISK_SECTOR);
	ledger_disk_replaced(&ledger);
	disk_end_with(n, OK, 0);
	done();
	rest(DEVICE_IDLE);
	assert_silent();
	stores_a_part(0, 0);
	assert_breaks(RULE_DISK_READ);
}

/* The bounds of segments are those of one sector at least. */
static void nothing_of_one_sector(void **state)
{
	unsigned n = disk_next();

	(void)state;
	accept_features(1ULL << VIRTIO_BLK_F_SEG_MAX | 1ULL << VIRTIO_BLK_F_SIZE_MAX);
	notify();
	disk_begin(VIRTIO_BLK_T_IN, 5, 0, DISK_SECTOR);
	disk_end_with(n, OK, 0);
	done();
	assert_breaks(RULE_DISK_READ);
}

static void read_twice(void **state)
{
	(void)state;
	disk_in(5, one, DISK_SECTOR, OK);
	disk_in(5, one, DISK_SECTOR, OK);
	assert_silent();
	disk_in(5, two, DISK_SECTOR, OK);
	assert_breaks(RULE_DISK_SAME);
}

/* A write that failed left the disk as it was. */
static void read_only(void **state)
{
	(void)state;
	rig_new();
	disk_new(1ULL << VIRTIO_BLK_F_RO);
	disk_in(5, one, DISK_SECTOR, OK);
	disk_out(5, two, DISK_SECTOR, IOERR);
	disk_in(5, one, DISK_SECTOR, OK);
	assert_silent();
	disk_in(5, two, DISK_SECTOR, OK);
	assert_breaks(RULE_DISK_SAME);
}

static void zeroed(void **state)
{
	(void)state;
	disk_out(5, one, DISK_SECTOR, OK);
	segment(VIRTIO_BLK_T_WRITE_ZEROES, 4, 2, 1, OK);
	disk_in(5, zeroes, DISK_SECTOR, OK);
	assert_silent();
	disk_in(4, one, DISK_SECTOR, OK);
	assert_breaks(RULE_DISK_READ);
}

/* What failed or was discarded is anything, until it is written. */
static void not_known(void **state)
{
	(void)state;
	disk_out(5, one, DISK_SECTOR, OK);
	disk_out(5, two, DISK_SECTOR, IOERR);
	disk_in(5, one, DISK_SECTOR, OK);
	disk_in(5, two, DISK_SECTOR, OK);
	disk_out(5, one, DISK_SECTOR, OK);
	segment(VIRTIO_BLK_T_DISCARD, 5, 1, 0, OK);
	disk_in(5, one, DISK_SECTOR, OK);
	disk_in(5, zeroes, DISK_SECTOR, OK);
	segment(VIRTIO_BLK_T_WRITE_ZEROES, 5, 1, 0, IOERR);
	disk_in(5, one, DISK_SECTOR, OK);
	segment(VIRTIO_BLK_T_DISCARD, 0, UINT32_MAX, 0, IOERR);
	disk_in(7, one, DISK_SECTOR, OK);
	disk_in(7, two, DISK_SECTOR, OK);
	assert_silent();
	disk_out(5, one, DISK_SECTOR, OK);
	disk_in(5, two, DISK_SECTOR, OK);
	assert_breaks(RULE_DISK_READ);
}

/* Request 1 of these overlaps request 0. */
static void overlap(const void *read)
{
	disk_out(5, one, DISK_SECTOR, OK);
	notify();
	disk_begin(VIRTIO_BLK_T_OUT, 5, DISK_SECTOR, 0);
	disk_data_read(1, two, DISK_SECTOR);
	disk_begin(VIRTIO_BLK_T_IN, 5, 0, DISK_SECTOR);
	disk_data_stored(2, read, DISK_SECTOR);
	disk_end(2, OK);
	disk_end(1, OK);
	done();
	rest(DEVICE_IDLE);
}

static void a_read_beside_a_write(void **state)
{
	(void)state;
	overlap(two);
	disk_in(5, two, DISK_SECTOR, OK);
	assert_silent();
	disk_in(5, one, DISK_SECTOR, OK);
	assert_breaks(RULE_DISK_READ);
}

/* VIRTIO has no order for what is stored before a chain is returned: the status may come first, and
 * be another then.  What it is at last counts, and of the data nothing is known. */
static void status_before_data(void **state)
{
	(void)state;
	disk_out(5, one, DISK_SECTOR, OK);
	notify();
	disk_begin(VIRTIO_BLK_T_IN, 5, 0, DISK_SECTOR);
	disk_status_stored(1, 7);
	disk_data_stored(1, two, DISK_SECTOR);
	disk_begin(VIRTIO_BLK_T_OUT, 6, DISK_SECTOR, 0);
	disk_status_stored(2, IOERR);
	disk_data_read(2, one, DISK_SECTOR);
	disk_end(1, OK);
	disk_end(2, OK);
	done();
	rest(DEVICE_IDLE);
	assert_silent();
	disk_in(6, two, DISK_SECTOR, OK);
	assert_breaks(RULE_DISK_READ);
}

static void two_writes_at_once(void **state)
{
	(void)state;
	notify();
	disk_begin(VIRTIO_BLK_T_OUT, 5, DISK_SECTOR, 0);
	disk_data_read(0, one, DISK_SECTOR);
	disk_begin(VIRTIO_BLK_T_OUT, 5, DISK_SECTOR, 0);
	disk_data_read(1, two, DISK_SECTOR);
	disk_end(1, OK);
	disk_end(0, OK);
	done();
	rest(DEVICE_IDLE);
	disk_in(5, one, DISK_SECTOR, OK);
	disk_in(5, two, DISK_SECTOR, OK);
	assert_silent();
}

/* The sector is unused where a request has no place. */
static void headers_read_in_part(void **state)
{
	(void)state;
	disk_out(5, one, DISK_SECTOR, OK);
	disk_reads_headers(4);
	disk_request(VIRTIO_BLK_T_FLUSH, 0, NULL, 0, OK);
	segment(VIRTIO_BLK_T_WRITE_ZEROES, 6, 1, 0, OK);
	disk_reads_headers(DISK_HEADER);
	disk_in(5, one, DISK_SECTOR, OK);
	assert_silent();
	disk_in(5, two, DISK_SECTOR, OK);
	assert_breaks(RULE_DISK_READ);
}

static void resized(void **state)
{
	(void)state;
	disk_in(DISK_RIG_SECTORS - 1, both, sizeof(both), IOERR);
	disk_in(DISK_RIG_SECTORS, NULL, 0, OK);
	/* Before anybody is told. */
	shown.capacity = DISK_RIG_SECTORS + 1;
	disk_in(DISK_RIG_SECTORS, one, DISK_SECTOR, OK);
	assert_silent();
	disk_in(DISK_RIG_SECTORS, both, sizeof(both), OK);
	assert_breaks(RULE_DISK_BOUNDS);
}

static void sums_that_wrap(void **state)
{
	(void)state;
	disk_in(UINT64_MAX, one, DISK_SECTOR, OK);
	assert_breaks(RULE_DISK_BOUNDS);
}

static void part_of_a_sector(void **state)
{
	(void)state;
	disk_out(5, one, 511, IOERR);
	assert_silent();
	disk_out(5, one, 511, OK);
	assert_breaks(RULE_DISK_BOUNDS);
}

static void part_of_a_range(void **state)
{
	static const uint8_t bytes[DISK_SEGMENT_BYTES + 1] = { 5, [8] = 1 };

	(void)state;
	disk_request(VIRTIO_BLK_T_DISCARD, 0, bytes, sizeof(bytes), IOERR);
	disk_request(VIRTIO_BLK_T_DISCARD, 0, bytes, DISK_SEGMENT_BYTES, OK);
	assert_silent();
	disk_request(VIRTIO_BLK_T_DISCARD, 0, bytes, sizeof(bytes), OK);
	assert_breaks(RULE_DISK_BOUNDS);
}

/* As that of a barrier was. */
static void type_that_there_is_not(void **state)
{
	(void)state;
	disk_request(0x80000001, 5, one, DISK_SECTOR, UNSUPP);
	disk_request(14, 5, NULL, 0, OK);
	assert_silent();
	disk_request(0x80000001, 5, one, DISK_SECTOR, OK);
	assert_breaks(RULE_DISK_BOUNDS);
}

static void flags_that_there_are_not(void **state)
{
	(void)state;
	segment(VIRTIO_BLK_T_WRITE_ZEROES, 5, 1, 1, OK);
	segment(VIRTIO_BLK_T_DISCARD, 5, 1, 1, UNSUPP);
	assert_silent();
	segment(VIRTIO_BLK_T_DISCARD, 5, 1, 1, OK);
	assert_breaks(RULE_DISK_UNSUPPORTED);
}

/* Another error may be due to something else, if there is something. */
static void flags_that_fail(void **state)
{
	(void)state;
	segment(VIRTIO_BLK_T_DISCARD, 5, 1, 1, IOERR);
	negotiate(VIRTIO_BLK_F_DISCARD);
	segment(VIRTIO_BLK_T_DISCARD, 5, 2, 1, IOERR);
	segment(VIRTIO_BLK_T_DISCARD, DISK_RIG_SECTORS, 1, 1, IOERR);
	segment(VIRTIO_BLK_T_DISCARD, 5, 1, 0, IOERR);
	segment(VIRTIO_BLK_T_WRITE_ZEROES, 5, 1, 2, IOERR);
	assert_silent();
	segment(VIRTIO_BLK_T_DISCARD, 5, 1, 1, IOERR);
	assert_breaks(RULE_DISK_UNSUPPORTED);
}

static void zones(void **state)
{
	(void)state;
	disk_request(18, 0, NULL, 0, UNSUPP);
	assert_silent();
	disk_request(18, 0, NULL, 0, IOERR);
	assert_breaks(RULE_DISK_UNSUPPORTED);
}

static void no_status(void **state)
{
	(void)state;
	notify();
	disk_begin(VIRTIO_BLK_T_IN, 5, 0, DISK_SECTOR);
	disk_data_stored(0, one, DISK_SECTOR);
	return_chain(0, 0, 0, DISK_SECTOR);
	assert_breaks(RULE_DISK_STATUS);
}

int main(void)
{
#define DISK(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		DISK(the_second_sector_of_a_write),
		DISK(no_data),
		DISK(all_but_a_byte),
		DISK(all_but_the_first_byte),
		DISK(stored_backwards),
		DISK(nothing_of_what_is_not_allowed),
		DISK(nothing_of_one_sector),
		DISK(read_twice),
		DISK(read_only),
		DISK(zeroed),
		DISK(not_known),
		DISK(a_read_beside_a_write),
		DISK(status_before_data),
		DISK(two_writes_at_once),
		DISK(headers_read_in_part),
		DISK(resized),
		DISK(sums_that_wrap),
		DISK(part_of_a_sector),
		DISK(part_of_a_range),
		DISK(type_that_there_is_not),
		DISK(flags_that_there_are_not),
		DISK(flags_that_fail),
		DISK(zones),
		DISK(no_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
