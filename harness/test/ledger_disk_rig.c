/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * See ledger_disk_rig.h.  Request n has descriptors 2n and 2n + 1, and its bytes at a place of
 * its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>

#include "ledger_disk_rig.h"
#include "ledger_rig.h"

#define REQUESTS 64u
#define HEADER 16u
#define OUT_AT(n) (0x2000000ULL + 0x20000ULL * (n))
#define IN_AT(n) (OUT_AT(n) + 0x10000)

static struct {
	uint32_t in;
} requests[REQUESTS];
static unsigned begun, ended;
static uint32_t header_read;

void disk_new(uint64_t features)
{
	rig_target.device_id = VIRTIO_ID_BLOCK;
	rig_target.features |= features;
	rig_target.config_len = 60;
	/* What a call moves is not what this is about. */
	rig_target.chain_bytes_max = 1 << 20;
	rig_live(256);
	begun = ended = 0;
	header_read = HEADER;
	ledger_disk_capacity(&ledger, DISK_RIG_SECTORS);
	shown.capacity = DISK_RIG_SECTORS;
}

void disk_reads_headers(uint32_t len)
{
	header_read = len;
}

unsigned disk_next(void)
{
	return begun;
}

void disk_begin(uint32_t type, uint64_t sector, uint32_t out, uint32_t in)
{
	unsigned n = begun++;
	uint16_t walk = (uint16_t)n, head = (uint16_t)(2 * n);
	uint8_t header[HEADER] = { 0 };

	assert_true(n < REQUESTS);
	requests[n].in = in;
	memcpy(header, &type, sizeof(type));
	memcpy(header + 8, &sector, sizeof(sector));
	avail_idx((uint16_t)begun);
	avail_entry(walk, head);
	desc(walk, head, OUT_AT(n), HEADER + out, F_NEXT, (uint16_t)(head + 1));
	desc(walk, (uint16_t)(head + 1), IN_AT(n), in + 1, F_WRITE, 0);
	payload_bytes(walk, false, OUT_AT(n), header, header_read);
}

void disk_data_read(unsigned request, const void *data, uint32_t len)
{
	if (len > 0)
		payload_bytes((uint16_t)request, false, OUT_AT(request) + HEADER, data, len);
}

void disk_data_stored_at(unsigned request, uint32_t at, const void *data, uint32_t len)
{
	if (len > 0)
		payload_bytes((uint16_t)request, true, IN_AT(request) + at, data, len);
}

void disk_data_stored(unsigned request, const void *data, uint32_t len)
{
	disk_data_stored_at(request, 0, data, len);
}

void disk_status_stored(unsigned request, uint8_t status)
{
	payload_bytes((uint16_t)request, true, IN_AT(request) + requests[request].in, &status, 1);
}

void disk_end_with(unsigned request, uint8_t status, uint32_t len)
{
	disk_status_stored(request, status);
	return_chain((uint16_t)ended++, (uint16_t)request, 2 * request, len);
	wake();
}

void disk_end(unsigned request, uint8_t status)
{
	disk_end_with(request, status, status == VIRTIO_BLK_S_OK ? requests[request].in + 1 : 0);
}

static void whole(uint32_t type, uint64_t sector, const void *data, uint32_t out, uint32_t in,
		  uint8_t status)
{
	unsigned n = disk_next();

	notify();
	disk_begin(type, sector, out, in);
	disk_data_read(n, data, out);
	disk_data_stored(n, data, status == VIRTIO_BLK_S_OK ? in : 0);
	disk_end(n, status);
	done();
	rest(DEVICE_IDLE);
}

void disk_request(uint32_t type, uint64_t sector, const void *data, uint32_t len, uint8_t status)
{
	whole(type, sector, data, len, 0, status);
}

void disk_answer(uint32_t type, uint64_t sector, const void *data, uint32_t len, uint8_t status)
{
	whole(type, sector, data, 0, len, status);
}

void disk_out(uint64_t sector, const void *data, uint32_t len, uint8_t status)
{
	disk_request(VIRTIO_BLK_T_OUT, sector, data, len, status);
}

void disk_in(uint64_t sector, const void *data, uint32_t len, uint8_t status)
{
	disk_answer(VIRTIO_BLK_T_IN, sector, data, len, status);
}

static void config_access(bool write, uint32_t at, uint8_t value)
{
	ledger_access_begin(&ledger, write, VIRTIO_MMIO_CONFIG + at, 1, write ? value : 0);
	ledger_access_end(&ledger, write, VIRTIO_MMIO_CONFIG + at, 1, value, &shown);
}

void disk_config_read(uint32_t at, uint8_t value)
{
	config_access(false, at, value);
}

void disk_config_written(uint32_t at, uint8_t value)
{
	config_access(true, at, value);
}
