/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Rules of disks, each broken once, and kept once next to it.  See ledger_cases.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <linux/virtio_blk.h>

#include "ledger_cases.h"
#include "ledger_disk_rig.h"
#include "ledger_rig.h"

static const uint8_t sector_a[DISK_SECTOR] = { 1, 2, 3 }, sector_b[DISK_SECTOR] = { 1, 2, 4 };

static void write_and_read(const uint8_t *bytes)
{
	disk_new(0);
	disk_out(5, sector_a, DISK_SECTOR, VIRTIO_BLK_S_OK);
	disk_in(5, bytes, DISK_SECTOR, VIRTIO_BLK_S_OK);
}

void case_other_sector_read(void)
{
	write_and_read(sector_b);
}

void case_written_sector_read(void)
{
	write_and_read(sector_a);
}

void case_answered_with_a_seven(void)
{
	disk_new(0);
	disk_in(5, sector_a, DISK_SECTOR, 7);
}

void case_answered_with_an_error(void)
{
	disk_new(0);
	disk_in(5, sector_a, DISK_SECTOR, VIRTIO_BLK_S_IOERR);
}

static void read_twice(const uint8_t *again)
{
	disk_new(0);
	disk_in(5, sector_a, DISK_SECTOR, VIRTIO_BLK_S_OK);
	disk_in(5, again, DISK_SECTOR, VIRTIO_BLK_S_OK);
}

void case_sector_changes(void)
{
	read_twice(sector_b);
}

void case_sector_stays(void)
{
	read_twice(sector_a);
}

#define TYPE_ZONE_OPEN 18

void case_zone_request_succeeds(void)
{
	disk_new(0);
	disk_request(TYPE_ZONE_OPEN, 0, NULL, 0, VIRTIO_BLK_S_OK);
}

void case_zone_request_unsupported(void)
{
	disk_new(0);
	disk_request(TYPE_ZONE_OPEN, 0, NULL, 0, VIRTIO_BLK_S_UNSUPP);
}

void case_read_past_the_end(void)
{
	disk_new(0);
	disk_in(DISK_RIG_SECTORS, sector_a, DISK_SECTOR, VIRTIO_BLK_S_OK);
}

void case_read_up_to_the_end(void)
{
	disk_new(0);
	disk_in(DISK_RIG_SECTORS - 1, sector_a, DISK_SECTOR, VIRTIO_BLK_S_OK);
}

void case_read_only_written(void)
{
	disk_new(1ULL << VIRTIO_BLK_F_RO);
	disk_out(5, sector_a, DISK_SECTOR, VIRTIO_BLK_S_OK);
}

void case_read_only_read(void)
{
	disk_new(1ULL << VIRTIO_BLK_F_RO);
	disk_out(5, sector_a, DISK_SECTOR, VIRTIO_BLK_S_IOERR);
	disk_in(5, sector_a, DISK_SECTOR, VIRTIO_BLK_S_OK);
}

static void read_writeback(unsigned accepted)
{
	disk_new(1ULL << VIRTIO_BLK_F_CONFIG_WCE | 1ULL << VIRTIO_BLK_F_FLUSH);
	negotiate(VIRTIO_BLK_F_CONFIG_WCE);
	negotiate(accepted);
	disk_config_read(DISK_WRITEBACK_AT, 1);
}

void case_writeback_without_flush(void)
{
	read_writeback(VIRTIO_BLK_F_CONFIG_WCE);
}

void case_writeback_with_flush(void)
{
	read_writeback(VIRTIO_BLK_F_FLUSH);
}

/* num_queues, of which the low byte is read. */
#define NUM_QUEUES_AT 34u

void case_field_not_offered(void)
{
	disk_new(0);
	disk_config_read(NUM_QUEUES_AT, 2);
}

void case_field_offered(void)
{
	disk_new(1ULL << VIRTIO_BLK_F_MQ);
	disk_config_read(NUM_QUEUES_AT, 2);
	disk_new(0);
	disk_config_read(NUM_QUEUES_AT, 0);
}

static void identify(const char *first, const char *second)
{
	uint8_t id[DISK_ID_BYTES] = { 0 };

	disk_new(0);
	snprintf((char *)id, sizeof(id), "%s", first);
	disk_answer(VIRTIO_BLK_T_GET_ID, 0, id, sizeof(id), VIRTIO_BLK_S_OK);
	memset(id, 0, sizeof(id));
	snprintf((char *)id, sizeof(id), "%s", second);
	disk_answer(VIRTIO_BLK_T_GET_ID, 0, id, sizeof(id), VIRTIO_BLK_S_OK);
}

void case_other_id(void)
{
	identify("disk", "disc");
}

void case_same_id(void)
{
	identify("disk", "disk");
}
