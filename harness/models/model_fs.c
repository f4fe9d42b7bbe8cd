/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The file system model as a target.  See vringer.h.
 */
#include "harness/models/models.h"

#include "devices/fs.h"

#include <linux/virtio_ids.h>

static void *fs_create(const struct vringer_host *host, uint64_t offered, const uint16_t *queue_max)
{
	return model_create(&fs_ops, host, offered, queue_max);
}

static const struct vringer_queue fs_queues[] = {
	{ "hiprio", 128, 1, 0 },
	{ "request0", 128, 1, 0 },
	{ "request1", 128, 1, 0 },
};

/* A request meets exactly one fate. */
static const struct vringer_sum fs_equal_sums[] = {
	{ "requests",
	  "inits inits_refused forgets reads mapped unmapped refused unsupported no_room "
	  "reply_failed" },
	/* No byte of the window is mapped or gone without being counted. */
	{ "window_mapped", "window_unmapped window_bytes" },
	{ NULL, NULL },
};

static const struct vringer_sum fs_sums[] = {
	{ "used.0 used.1 used.2", "requests too_short chain_invalid" },
	{ "written.0 written.1 written.2",
	  "inits inits_refused reads mapped unmapped refused unsupported" },
	{ "failed.0 failed.1 failed.2", "add_used_failures" },
	{ "poisoned.0 poisoned.1 poisoned.2", "invalid_avail_idx_count" },
	{ NULL, NULL },
};

/* The length, the operation and a unique number of a request; the rest is 0. */
#define HEAD(len, opcode)                                                                          \
	len "\0\0\0" opcode "\0\0\0"                                                               \
	    "\1\2\3\4\5\6\7\x8"
#define BIG_HEAD(len, opcode) "\0\0\0" len "\0\0\0" opcode "\1\2\3\4\5\6\7\x8"
#define REST                                                                                       \
	"\0\0\0\0\0\0\0\0"                                                                         \
	"\0\0\0\0\0\0\0\0"                                                                         \
	"\0\0\0\0\0\0\0\0"
#define ROOT                                                                                       \
	"\1\0\0\0\0\0\0\0"                                                                         \
	"\0\0\0\0\0\0\0\0"                                                                         \
	"\0\0\0\0\0\0\0\0"
#define NOUGHT                                                                                     \
	"\0\0\0\0\0\0\0\0"                                                                         \
	"\0\0\0\0\0\0\0\0"
#define INIT                                                                                       \
	"\7\0\0\0"                                                                                 \
	"\x1f\0\0\0"                                                                               \
	"\0\0\2\0"                                                                                 \
	"\0\0\0\0"
#define BIG_INIT                                                                                   \
	"\0\0\0\7"                                                                                 \
	"\0\0\0\x1f"                                                                               \
	"\0\2\0\0"                                                                                 \
	"\0\0\0\0"

/* The header of the reply: 80 bytes, no error, the number of the request. */
static const struct vringer_bytes fs_reply[] = {
	{ 0, 16, "\x50\0\0\0\0\0\0\0\1\2\3\4\5\6\7\x8" },
	{ 40, 4, "\1\0\0\0" }, /* time_gran */
	{ .bytes = NULL },
};

static const struct vringer_request fs_requests[] = {
	{ .name = "forget",
	  .queue = 0,
	  .readable = HEAD("\x30", "\2") REST "\1\0\0\0\0\0\0\0",
	  .readable_len = 48,
	  .flags = VRINGER_REQUEST_EXACT },
	{ .name = "init",
	  .queue = 1,
	  .readable = HEAD("\x38", "\x1a") REST INIT,
	  .readable_len = 56,
	  .writable_len = 80,
	  .used_min = 80,
	  .used_max = 80,
	  .answer = fs_reply,
	  .flags = VRINGER_REQUEST_EXACT },
	MODEL_HINT(1, HEAD("\x38", "\x1a") REST INIT),
	MODEL_HINT(2, BIG_HEAD("\x38", "\x1a") REST BIG_INIT),
	MODEL_HINT(1, HEAD("\x28", "\3") REST),			   /* FUSE_GETATTR */
	MODEL_HINT(0, HEAD("\x30", "\2") REST "\1\0\0\0\0\0\0\0"), /* FUSE_FORGET */
	MODEL_HINT(0, HEAD("\x30", "\x2a") REST "\1\0\0\0\0\0\0\0"),
	MODEL_HINT(0, BIG_HEAD("\x30", "\2") REST "\0\0\0\0\0\0\0\1"),
	MODEL_HINT(1, HEAD("\x28", "\3")),
	MODEL_HINT(1, HEAD("\x50", "\x0f") ROOT NOUGHT NOUGHT "\0\0\0\0\0\0\0\0"),
	MODEL_HINT(1, HEAD("\x50", "\x10") ROOT NOUGHT NOUGHT "\0\0\0\0\0\0\0\0"),
	MODEL_HINT(1, HEAD("\x50", "\x30") ROOT NOUGHT "\0\0\1\0\0\0\0\0"
						       "\3\0\0\0\0\0\0\0"
						       "\0\x80\0\0\0\0\0\0"),
	MODEL_HINT(1, HEAD("\x50", "\x30") ROOT NOUGHT "\0\x20\0\0\0\0\0\0"
						       "\3\0\0\0\0\0\0\0"
						       "\0\xf0\xff\x7f\2\0\0\0"),
	MODEL_HINT(1, HEAD("\x3c", "\x31") ROOT "\1\0\0\0"
						"\0\x90\0\0\0\0\0\0"
						"\0\x10\0\0\0\0\0\0"),
	MODEL_HINT(1, HEAD("\x4c", "\x31") ROOT "\2\0\0\0"
						"\0\xf0\xff\x7f\2\0\0\0"
						"\0\x10\0\0\0\0\0\0"
						"\0\xf0\xff\x7f\2\0\0\0"
						"\0\x20\0\0\0\0\0\0"),
	{ .name = NULL },
};

static const struct vringer_field fs_fields[] = {
	{ "tag", 0, 1, 36 },
	{ "num_request_queues", 36, 4, 1 },
	{ .name = NULL },
};

static const struct vringer_shm fs_shm[] = { { .base = FS_SHM_BASE, .len = FS_SHM_LEN } };

static const struct vringer_kind fs_kind = { .size = sizeof(fs_kind), .fuse_init_only = 1 };

struct vringer_target fs_target = {
	MODEL,
	.name = "fs",
	.help = "virtio-fs that starts a FUSE session and implements nothing else",
	.device_id = VIRTIO_ID_FS,
	.features = MODEL_FEATURES,
	.queue_count = FS_QUEUE_COUNT,
	.queues = fs_queues,
	.config_len = sizeof(struct virtio_fs_config),
	.fields = fs_fields,
	.shm_count = MODEL_COUNT(fs_shm),
	.shm = fs_shm,
	.kind = &fs_kind,
	.chain_bytes_max = 256 + 4096, /* of mappings to be removed */
	.heap_max = 64u << 10,
	.sums = fs_sums,
	.equal_sums = fs_equal_sums,
	.gauges = "window_bytes",
	.requests = fs_requests,
	/* In one buffer: a program may leave the device queues of one entry, in which
	 * a request with a reply does not fit. */
	.liveness = "device fs\n"
		    "start driver_ok\n"
		    "fill b1 len=64\n"
		    "store b1 30000000020000000102030405060708\n"
		    "send 0 b1\n"
		    "> used 0 id=0 len=0\n"
		    "send 1 b1\n"
		    "> used 1 id=0 len=0\n"
		    "send 2 b1\n"
		    "> used 2 id=0 len=0\n",
	.create = fs_create,
	.destroy = model_destroy,
	.snapshots = MODEL_SNAPSHOTS(fs_impossible),
};
