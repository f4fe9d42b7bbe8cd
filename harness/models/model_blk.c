/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The block device model as two targets: with a disk that is written, and with one that is offered
 * as read-only.  See vringer.h and disk.h.
 */
#include "harness/models/disk.h"
#include "harness/models/models.h"

#include <linux/virtio_ids.h>
#include <stdlib.h>

#define F(bit) (1ULL << VIRTIO_BLK_F_##bit)
#define BLK_FEATURES                                                                               \
	(F(SIZE_MAX) | F(SEG_MAX) | F(BLK_SIZE) | F(FLUSH) | F(TOPOLOGY) | F(CONFIG_WCE) | F(MQ) | \
	 F(DISCARD) | F(WRITE_ZEROES))

struct drive {
	struct model model; /* first: a drive is one */
	struct disk disk;
};

/* A block that is not in use, for the next drive: it is large, and one is made for every
 * program. */
static struct drive *spare;

static void drive_free(struct drive *drive)
{
	if (spare == NULL)
		spare = drive;
	else
		free(drive);
}

static void *drive_create(const struct vringer_host *host, uint64_t offered,
			  const uint16_t *queue_max)
{
	bool fresh = spare == NULL;
	struct drive *drive = fresh ? malloc(sizeof(*drive)) : spare;

	spare = NULL;
	if (drive == NULL)
		return NULL;
	disk_init(&drive->disk, host, fresh);
	if (!model_open(&drive->model, &blk_ops, host, offered, queue_max)) {
		drive_free(drive);
		return NULL;
	}
	drive->disk.dev = model_device(drive);
	blk_connect(drive->disk.dev, &disk_backend, &drive->disk, DISK_SECTORS);
	return drive;
}

static void drive_destroy(void *device)
{
	mmio_destroy(((struct drive *)device)->model.mmio);
	drive_free(device);
}

static void drive_inherit(void *device, void *old)
{
	disk_take_over(&((struct drive *)device)->disk, &((struct drive *)old)->disk);
}

static uint32_t drive_act(void *device, uint32_t act, uint32_t port, void *data, uint32_t len)
{
	(void)port;
	(void)data;
	return act == VRINGER_CHANGE_CONFIG &&
	       blk_resize(model_device(device), DISK_SECTORS + (uint64_t)len);
}

static void drive_order(void *device, uint32_t order, uint32_t port, uint32_t count,
			uint32_t amount)
{
	if (port == 0)
		disk_order(&((struct drive *)device)->disk, order, count, amount);
}

static const struct vringer_queue queues[] = {
	{ "request0", BLK_QUEUE_SIZE_MAX, 1, 0 },
	{ "request1", BLK_QUEUE_SIZE_MAX, 1, 0 },
};

static const struct vringer_queue_need needs[MODEL_COUNT(queues)] = {
	[BLK_REQUEST1] = { .features = F(MQ) },
};

/* The orders are to the disk; nothing is typed or taken. */
static const struct vringer_port ports[] = {
	{ .from = VRINGER_NO_QUEUE, .to = VRINGER_NO_QUEUE },
};

static const struct vringer_field fields[] = {
	{ "capacity", 0, 8, 1 },
	{ "size_max", 8, 4, 1 },
	{ "seg_max", 12, 4, 1 },
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
	{ .name = NULL },
};

/* A request has one fate. */
static const struct vringer_sum equal_sums[] = {
	{ "requests", "served refused unsupported failed no_memory chain_invalid "
		      "no_status answer_failed abandoned in_flight" },
	{ "served", "reads writes flushes ids discards zeroes" },
	{ NULL, NULL },
};

static const struct vringer_sum sums[] = {
	{ "used.0 used.1 in_flight abandoned", "requests" },
	{ "written.0 written.1", "served refused unsupported failed no_memory" },
	{ "written_bytes.0 written_bytes.1",
	  "512*sectors_read reads 16385*writes 16385*flushes 16385*ids 16385*discards "
	  "16385*zeroes 16385*refused 16385*unsupported 16385*failed 16385*no_memory" },
	{ "failed.0 failed.1", "add_used_failures" },
	{ "poisoned.0 poisoned.1", "invalid_avail_idx_count" },
	{ "config_changes", "resized" },
	{ NULL, NULL },
};

/* The header of a request: its type, and the sector, of one byte. */
#define HEAD(type, sector)                                                                         \
	type "\0\0\0"                                                                              \
	     "\0\0\0\0" sector "\0\0\0\0\0\0\0"
#define RANGE(sector, flags) sector "\0\0\0\0\0\0\0\1\0\0\0" flags "\0\0\0"
#define BYTES_32 "vringer was here. vringer wrote."
#define BYTES_128 BYTES_32 BYTES_32 BYTES_32 BYTES_32
#define BYTES_512 BYTES_128 BYTES_128 BYTES_128 BYTES_128
#define ZEROES_32 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define ZEROES_128 ZEROES_32 ZEROES_32 ZEROES_32 ZEROES_32
#define ZEROES_512 ZEROES_128 ZEROES_128 ZEROES_128 ZEROES_128

static const struct vringer_bytes ok[] = { { 0, 1, "\0" }, { .bytes = NULL } };
static const struct vringer_bytes ioerr[] = { { 0, 1, "\1" }, { .bytes = NULL } };
static const struct vringer_bytes unsupp[] = { { 0, 1, "\2" }, { .bytes = NULL } };
static const struct vringer_bytes read_ok[] = { { 512, 1, "\0" }, { .bytes = NULL } };
static const struct vringer_bytes read_written[] = {
	{ 0, 512, BYTES_512 },
	{ 512, 1, "\0" },
	{ .bytes = NULL },
};
static const struct vringer_bytes read_zeroes[] = {
	{ 0, 512, ZEROES_512 },
	{ 512, 1, "\0" },
	{ .bytes = NULL },
};
static const struct vringer_bytes read_past[] = {
	{ 0, 512, ZEROES_512 },
	{ 512, 1, "\1" },
	{ .bytes = NULL },
};
static const struct vringer_bytes id[] = {
	{ 0, 21, BLK_ID "\0\0\0\0\0\0\0\0\0" },
	{ .bytes = NULL },
};

#define BYTES(literal) .readable = (literal), .readable_len = sizeof(literal) - 1
/* clang-format off */
/* A request to a queue, what its driver must have accepted (a second queue is there for one that
 * knows of it), its answer, of which all bytes are written, and its bytes. */
#define ASK(to, need, room, said, literal) \
	.queue = (to), .features = (need) | ((to) == 0 ? 0 : F(MQ)), .readable = (literal), \
	.readable_len = sizeof(literal) - 1, .writable_len = (room), .used_min = (room), \
	.used_max = (room), .answer = (said)
#define EXACT .flags = VRINGER_REQUEST_EXACT

/* Of either queue.  The first two are sent by others, which name them by their number. */
#define WRITES(to) \
	{ .name = "write", ASK(to, 0, 1, ok, HEAD("\1", "\1") BYTES_512) }, \
	{ .name = "write-zeroes", \
	  ASK(to, F(WRITE_ZEROES), 1, ok, HEAD("\xd", "\0") RANGE("\2", "\1")) }, \
	{ .name = "read-written", ASK(to, 0, 513, read_written, HEAD("\0", "\1")), \
	  .before = "send_request q\n" }, \
	{ .name = "read-zeroes", \
	  ASK(to, F(WRITE_ZEROES), 513, read_zeroes, HEAD("\0", "\2")), \
	  .before = "send_request q which=1\n" }, \
	{ .name = "discard", ASK(to, F(DISCARD), 1, ok, HEAD("\xb", "\0") RANGE("\3", "\0")) }
#define READS(to) \
	{ .name = "read", ASK(to, 0, 513, read_ok, HEAD("\0", "\0")) }, \
	{ .name = "get-id", ASK(to, 0, 21, id, HEAD("\x8", "\0")), EXACT }, \
	{ .name = "flush", ASK(to, F(FLUSH), 1, ok, HEAD("\4", "\0")) }, \
	{ .name = "unknown", ASK(to, 0, 1, unsupp, HEAD("\x7b", "\0")), EXACT }, \
	{ .name = "read-past", \
	  ASK(to, 0, 513, read_past, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x80"), EXACT }, \
	{ .name = "discard-unmap", \
	  ASK(to, F(DISCARD), 1, unsupp, HEAD("\xb", "\0") RANGE("\3", "\1")) }, \
	{ .name = "write-zeroes-flag", \
	  ASK(to, F(WRITE_ZEROES), 1, unsupp, HEAD("\xd", "\0") RANGE("\2", "\2")) }
/* What fails on a disk that is offered as read-only, accepted or not. */
#define WRITES_REFUSED(to) \
	{ .name = "write", ASK(to, 0, 1, ioerr, HEAD("\1", "\1") BYTES_512) }, \
	{ .name = "write-zeroes", \
	  ASK(to, F(WRITE_ZEROES), 1, ioerr, HEAD("\xd", "\0") RANGE("\2", "\0")) }, \
	{ .name = "discard", \
	  ASK(to, F(DISCARD), 1, ioerr, HEAD("\xb", "\0") RANGE("\3", "\0")) }
/* clang-format on */

#define HINTS                                                                                      \
	MODEL_HINT(0, HEAD("\0", "\1")), MODEL_HINT(1, HEAD("\0", "\x7f")),                        \
		MODEL_HINT(0, HEAD("\1", "\x7e") BYTES_512 BYTES_512),                             \
		MODEL_HINT(1, HEAD("\1", "\1") BYTES_512),                                         \
		MODEL_HINT(0, HEAD("\1", "\1") BYTES_128),                                         \
		MODEL_HINT(0, "\1\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff" BYTES_512),       \
		MODEL_HINT(0, "\1\0\0\0\0\0\0\0\1\0\0\0\0\0\x80\0" BYTES_512),                     \
		MODEL_HINT(0, "\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\x7f\0"),                   \
		MODEL_HINT(0, HEAD("\4", "\0")), MODEL_HINT(1, HEAD("\x8", "\0")),                 \
		MODEL_HINT(0, HEAD("\xb", "\0") RANGE("\x7f", "\0") RANGE("\1", "\0")),            \
		MODEL_HINT(0, HEAD("\xb", "\0") "\0\0\0\0\0\0\0\0\xff\xff\xff\xff\0\0\0\0"),       \
		MODEL_HINT(1, HEAD("\xd", "\0") RANGE("\2", "\0") RANGE("\3", "\1")),              \
		MODEL_HINT(0, HEAD("\xd", "\0") RANGE("\x80", "\0"))

static const struct vringer_request requests[] = {
	WRITES(0), WRITES(1), READS(0), READS(1), HINTS, { .name = NULL },
};
static const struct vringer_request requests_ro[] = {
	WRITES_REFUSED(0), WRITES_REFUSED(1), READS(0), READS(1), HINTS, { .name = NULL },
};

static const struct vringer_backend backend = {
	.size = sizeof(backend),
	.acts = 1u << VRINGER_CHANGE_CONFIG,
	.orders = 1u << VRINGER_FORGET | 1u << VRINGER_REFUSE | 1u << VRINGER_HOLD |
		  1u << VRINGER_PRETEND,
	.port_count = MODEL_COUNT(ports),
	.ports = ports,
	.act = drive_act,
	.order = drive_order,
};

static const struct vringer_kept kept = { .size = sizeof(kept), .chains = BLK_IN_FLIGHT_MAX };

static const struct vringer_snapshots snapshots = {
	.size = sizeof(snapshots),
	.save = model_save,
	.restore = model_restore,
	.impossible = blk_impossible,
	.inherit = drive_inherit,
};

/* What both have in common. */
#define DRIVE                                                                                      \
	MODEL, .device_id = VIRTIO_ID_BLOCK, .queue_count = BLK_QUEUE_COUNT, .queues = queues,     \
	       .queue_needs = needs, .config_len = BLK_CONFIG_LEN, .fields = fields,               \
	       .chain_bytes_max = 2 * BLK_REQUEST_MAX + 64, .heap_max = 256u << 10,                \
	       .backend_calls = BLK_IN_FLIGHT_MAX * BLK_CALLS_MAX,                                 \
	       .backend_calls_chain = BLK_CALLS_MAX + 1, .kept = &kept, .sums = sums,              \
	       .equal_sums = equal_sums, .gauges = "in_flight", .backend = &backend,               \
	       .create = drive_create, .destroy = drive_destroy, .snapshots = &snapshots

/* A request without a header, in one buffer: a program may leave the device queues of one entry,
 * in which a header and a status do not fit. */
#define ALIVE(target)                                                                              \
	"device " target "\n"                                                                      \
	"start driver_ok\n"                                                                        \
	"store b1 eeeeeeee\n"                                                                      \
	"send 0 b1:w\n"                                                                            \
	"> used 0 id=0 len=64\n"                                                                   \
	"> mem b1 00000000\n"                                                                      \
	"> mem b1+63 01\n"

struct vringer_target blk_target = {
	DRIVE,
	.name = "blk",
	.help = "a disk of 64 KiB, whose host fails, is short, or finishes later",
	.features = MODEL_FEATURES | BLK_FEATURES,
	.requests = requests,
	.liveness = ALIVE("blk"),
};

struct vringer_target blk_ro_target = {
	DRIVE,
	.name = "blk-ro",
	.help = "the same disk, offered as read-only",
	.features = MODEL_FEATURES | BLK_FEATURES | F(RO),
	.features_always = F(RO),
	.requests = requests_ro,
	.liveness = ALIVE("blk-ro"),
};
