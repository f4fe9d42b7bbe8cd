/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Block devices: VIRTIO 1.4, 5.2.  The disk has 16 sectors or more, each can be read, and,
 * unless the device is read-only, written: its contents are lost.
 *
 * One request queue: others, with VIRTIO_BLK_F_MQ, have nothing that it has not.
 * With VIRTIO_BLK_F_SEG_MAX a request's data may not be divided at will: a device is taken
 * to allow two segments.
 */
#include "harness/peers/kind.h"

#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <stddef.h>

/* Not in the header of Debian 12. */
#define F_LIFETIME KIND_F(15)
#define F_ZONED KIND_F(17)

#define F_SEG_MAX KIND_F(VIRTIO_BLK_F_SEG_MAX)
#define F_RO KIND_F(VIRTIO_BLK_F_RO)
#define F_FLUSH KIND_F(VIRTIO_BLK_F_FLUSH)
#define F_DISCARD KIND_F(VIRTIO_BLK_F_DISCARD)
#define F_WRITE_ZEROES KIND_F(VIRTIO_BLK_F_WRITE_ZEROES)
#define F_SECURE_ERASE KIND_F(VIRTIO_BLK_F_SECURE_ERASE)

#define SECTOR 512u
#define ID_BYTES 20u
#define SEGMENTS 2u

/* The header of a request: its type, and the sector, of one byte. */
#define HEAD(type, sector)                                                                         \
	type "\0\0\0"                                                                              \
	     "\0\0\0\0" sector "\0\0\0\0\0\0\0"
/* Of a discard, write zeroes or secure erase command: one sector. */
#define RANGE(sector, flags) sector "\0\0\0\0\0\0\0\1\0\0\0" flags "\0\0\0"

#define BYTES_32 "vringer was here. vringer wrote."
#define BYTES_128 BYTES_32 BYTES_32 BYTES_32 BYTES_32
#define BYTES_512 BYTES_128 BYTES_128 BYTES_128 BYTES_128
#define ZEROES_32 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define ZEROES_128 ZEROES_32 ZEROES_32 ZEROES_32 ZEROES_32
#define ZEROES_512 ZEROES_128 ZEROES_128 ZEROES_128 ZEROES_128

#define READ(sector)                                                                               \
	.queue = 0, KIND_BYTES(HEAD("\0", sector)), .writable_len = SECTOR + 1,                    \
	.used_min = SECTOR, .used_max = SECTOR + 1
#define WRITE .queue = 0, KIND_BYTES(HEAD("\1", "\1") BYTES_512), .writable_len = 1, .used_max = 1
/* A request that has a status byte alone. */
#define STATUS .queue = 0, .writable_len = 1, .used_max = 1, .buffers_max = SEGMENTS

static const struct vringer_queue blk_queues[] = { KIND_ASKS("requestq1") };

static const struct vringer_field blk_fields[] = {
	{ "capacity", 0, 8, 1 },
	{ "size_max", 8, 4, 1 },
	{ "seg_max", 12, 4, 1 },
	{ "cylinders", 16, 2, 1 },
	{ "heads", 18, 1, 1 },
	{ "sectors", 19, 1, 1 },
	{ "blk_size", 20, 4, 1 },
	{ "physical_block_exp", 24, 1, 1 },
	{ "alignment_offset", 25, 1, 1 },
	{ "min_io_size", 26, 2, 1 },
	{ "opt_io_size", 28, 4, 1 },
	{ "writeback", 32, 1, 1 },
	{ "unused0", 33, 1, 1 },
	{ "num_queues", 34, 2, 1 },
	{ "max_discard_sectors", 36, 4, 1 },
	{ "max_discard_seg", 40, 4, 1 },
	{ "discard_sector_alignment", 44, 4, 1 },
	{ "max_write_zeroes_sectors", 48, 4, 1 },
	{ "max_write_zeroes_seg", 52, 4, 1 },
	{ "write_zeroes_may_unmap", 56, 1, 1 },
	{ "unused1", 57, 1, 3 },
	{ "max_secure_erase_sectors", 60, 4, 1 },
	{ "max_secure_erase_seg", 64, 4, 1 },
	{ "secure_erase_sector_alignment", 68, 4, 1 },
	{ "zone_sectors", 72, 4, 1 },
	{ "max_open_zones", 76, 4, 1 },
	{ "max_active_zones", 80, 4, 1 },
	{ "max_append_sectors", 84, 4, 1 },
	{ "write_granularity", 88, 4, 1 },
	{ "model", 92, 1, 1 },
	{ "unused2", 93, 1, 3 },
	{ .name = NULL },
};

/* VIRTIO_BLK_S_OK, _IOERR and _UNSUPP. */
static const struct vringer_bytes ok[] = { { 0, 1, "\0" }, { .bytes = NULL } };
static const struct vringer_bytes ioerr[] = { { 0, 1, "\1" }, { .bytes = NULL } };
static const struct vringer_bytes unsupp[] = { { 0, 1, "\2" }, { .bytes = NULL } };
static const struct vringer_bytes read_ok[] = { { SECTOR, 1, "\0" }, { .bytes = NULL } };
static const struct vringer_bytes read_written[] = {
	{ 0, SECTOR, BYTES_512 },
	{ SECTOR, 1, "\0" },
	{ .bytes = NULL },
};
static const struct vringer_bytes read_zeroes[] = {
	{ 0, SECTOR, ZEROES_512 },
	{ SECTOR, 1, "\0" },
	{ .bytes = NULL },
};

/* The first two are sent by others, which name them by their number. */
static const struct vringer_request blk_requests[] = {
	{ .name = "write",
	  WRITE,
	  .answer = ok,
	  .features_off = F_RO | F_ZONED,
	  .buffers_max = SEGMENTS },
	{ .name = "write-zeroes",
	  STATUS,
	  KIND_BYTES(HEAD("\xd", "\0") RANGE("\2", "\0")),
	  .answer = ok,
	  .features = F_WRITE_ZEROES,
	  .features_off = F_RO | F_ZONED },
	{ .name = "read", READ("\0"), .answer = read_ok, .features_off = F_SEG_MAX },
	{ .name = "read-seg",
	  READ("\0"),
	  .answer = read_ok,
	  .features = F_SEG_MAX,
	  .buffers_max = SEGMENTS },
	{ .name = "read-written",
	  READ("\1"),
	  .before = "send_request q\n",
	  .answer = read_written,
	  .features_off = F_SEG_MAX | F_RO | F_ZONED },
	{ .name = "read-written-seg",
	  READ("\1"),
	  .before = "send_request q\n",
	  .answer = read_written,
	  .features = F_SEG_MAX,
	  .features_off = F_RO | F_ZONED,
	  .buffers_max = SEGMENTS },
	{ .name = "read-zeroes",
	  READ("\2"),
	  .before = "send_request q which=1\n",
	  .answer = read_zeroes,
	  .features = F_WRITE_ZEROES,
	  .features_off = F_RO | F_ZONED,
	  .buffers_max = SEGMENTS },
	{ .name = "write-any", WRITE, .answer = ok, .features_off = F_SEG_MAX | F_RO | F_ZONED },
	{ .name = "write-read-only",
	  WRITE,
	  .answer = ioerr,
	  .features = F_RO,
	  .buffers_max = SEGMENTS },
	/* Which a device need not have. */
	{ .name = "get-id",
	  .queue = 0,
	  KIND_BYTES(HEAD("\x8", "\0")),
	  .writable_len = ID_BYTES + 1,
	  .used_max = ID_BYTES + 1,
	  .buffers_max = SEGMENTS },
	{ .name = "get-lifetime",
	  .queue = 0,
	  KIND_BYTES(HEAD("\xa", "\0")),
	  .writable_len = 7,
	  .used_max = 7,
	  .features = F_LIFETIME,
	  .buffers_max = SEGMENTS },
	{ .name = "flush",
	  STATUS,
	  KIND_BYTES(HEAD("\4", "\0")),
	  .answer = ok,
	  .features = F_FLUSH },
	{ .name = "unknown", STATUS, KIND_BYTES(HEAD("\x7b", "\0")), .answer = unsupp },
	{ .name = "zone-reset",
	  STATUS,
	  KIND_BYTES(HEAD("\x18", "\0")),
	  .answer = unsupp,
	  .features_off = F_ZONED },
	/* It may do nothing, or fail. */
	{ .name = "discard",
	  STATUS,
	  KIND_BYTES(HEAD("\xb", "\0") RANGE("\3", "\0")),
	  .features = F_DISCARD,
	  .features_off = F_RO },
	{ .name = "discard-unmap",
	  STATUS,
	  KIND_BYTES(HEAD("\xb", "\0") RANGE("\3", "\1")),
	  .answer = unsupp,
	  .features = F_DISCARD,
	  .features_off = F_RO },
	{ .name = "discard-flag",
	  STATUS,
	  KIND_BYTES(HEAD("\xb", "\0") RANGE("\3", "\2")),
	  .answer = unsupp,
	  .features = F_DISCARD,
	  .features_off = F_RO },
	{ .name = "write-zeroes-unmap",
	  STATUS,
	  KIND_BYTES(HEAD("\xd", "\0") RANGE("\2", "\1")),
	  .answer = ok,
	  .features = F_WRITE_ZEROES,
	  .features_off = F_RO | F_ZONED },
	{ .name = "write-zeroes-flag",
	  STATUS,
	  KIND_BYTES(HEAD("\xd", "\0") RANGE("\2", "\2")),
	  .answer = unsupp,
	  .features = F_WRITE_ZEROES,
	  .features_off = F_RO },
	{ .name = "secure-erase-flag",
	  STATUS,
	  KIND_BYTES(HEAD("\xe", "\0") RANGE("\3", "\2")),
	  .answer = unsupp,
	  .features = F_SECURE_ERASE,
	  .features_off = F_RO },
	KIND_HINT(0, HEAD("\0", "\1"), SECTOR + 1),
	KIND_HINT(0, "\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\x7f\0", SECTOR + 1),
	KIND_HINT(0, "\1\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff" BYTES_512, 1),
	KIND_HINT(0, HEAD("\2", "\0") "\0\0\0\0\0\0", 128),   /* SCSI_CMD, of legacy devices */
	KIND_HINT(0, HEAD("\x0f", "\0") BYTES_512, 9),	      /* ZONE_APPEND */
	KIND_HINT(0, HEAD("\x10", "\0"), 64 + 64 + 1),	      /* ZONE_REPORT */
	KIND_HINT(0, HEAD("\x12", "\0"), 1),		      /* ZONE_OPEN */
	KIND_HINT(0, HEAD("\xe", "\0") RANGE("\2", "\0"), 1), /* SECURE_ERASE */
	KIND_HINT(0, HEAD("\xd", "\0") RANGE("\2", "\0") RANGE("\3", "\0"), 1),
	{ .name = NULL },
};

const struct kind kind_blk = {
	.name = "blk",
	.device_id = VIRTIO_ID_BLOCK,
	.queue_count = KIND_COUNT(blk_queues),
	.queues = blk_queues,
	.features = KIND_F(VIRTIO_BLK_F_SIZE_MAX) | F_SEG_MAX | KIND_F(VIRTIO_BLK_F_GEOMETRY) |
		    F_RO | KIND_F(VIRTIO_BLK_F_BLK_SIZE) | F_FLUSH | KIND_F(VIRTIO_BLK_F_TOPOLOGY) |
		    KIND_F(VIRTIO_BLK_F_CONFIG_WCE) | KIND_F(VIRTIO_BLK_F_MQ) | F_DISCARD |
		    F_WRITE_ZEROES | F_LIFETIME | F_SECURE_ERASE | F_ZONED,
	/* 5.2.6.2: writes fail where F_RO is offered.  Zones are there, accepted or not. */
	.features_always = F_RO | F_ZONED,
	.config_len = 96,
	.fields = blk_fields,
	.requests = blk_requests,
};
