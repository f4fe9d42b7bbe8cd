/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * File systems: VIRTIO 1.4, 5.11, and FUSE as <linux/fuse.h> has it.  The root is a folder
 * that can be thrown away.
 *
 * VIRTIO_FS_F_NOTIFICATION is left out: with it, queue 1 is another.  One request queue, as
 * every device has.
 */
#include "harness/peers/kind.h"

#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include <stddef.h>

enum { HIPRIO, REQUEST0, QUEUES };

static const struct vringer_queue fs_queues[] = {
	[HIPRIO] = KIND_ASKS("hiprio"),
	[REQUEST0] = KIND_ASKS("request0"),
};
_Static_assert(KIND_COUNT(fs_queues) == QUEUES, "queues");

static const struct vringer_field fs_fields[] = {
	{ "tag", 0, 1, 36 },
	{ "num_request_queues", 36, 4, 1 },
	{ .name = NULL },
};

#define ZEROES_8 "\0\0\0\0\0\0\0\0"
#define ZEROES_16 ZEROES_8 ZEROES_8
#define UNIQUE "\1\2\3\4\5\6\7\x8"
/* The length and the operation of a request, and the root as its node; uid, gid, pid 0. */
#define HEAD(len, opcode) len "\0\0\0" opcode "\0\0" UNIQUE "\1\0\0\0\0\0\0\0" ZEROES_16
#define OUT_HEADER 16u
#define INIT_REPLY 80u
#define ATTR_REPLY 120u

/* FUSE_INIT, version 7.31, which has a reply of 64 bytes as all have since 7.23. */
#define INIT HEAD("\x38", "\x1a\0") "\7\0\0\0\x1f\0\0\0\0\0\2\0\0\0\0\0"
/* A session, before a request that needs one. */
#define BEGIN "send_request 1\n"

static const struct vringer_bytes init_reply[] = {
	{ 0, 16, "\x50\0\0\0\0\0\0\0" UNIQUE },
	{ 16, 4, "\7\0\0\0" }, /* major */
	{ .bytes = NULL },
};
/* Every reply has the number of its request. */
static const struct vringer_bytes reply[] = {
	{ 8, 8, UNIQUE },
	{ .bytes = NULL },
};
/* An error: nothing but the header. */
static const struct vringer_bytes error_reply[] = {
	{ 0, 4, "\x10\0\0\0" },
	{ 8, 8, UNIQUE },
	{ .bytes = NULL },
};

static const struct vringer_request fs_requests[] = {
	{ .name = "init",
	  .queue = REQUEST0,
	  KIND_BYTES(INIT),
	  .writable_len = INIT_REPLY,
	  .used_min = INIT_REPLY,
	  .used_max = INIT_REPLY,
	  .answer = init_reply },
	/* Of no node: it has no reply. */
	{ .name = "batch-forget",
	  .queue = HIPRIO,
	  KIND_BYTES(HEAD("\x30", "\x2a\0") ZEROES_8),
	  .before = BEGIN,
	  .flags = VRINGER_REQUEST_EXACT },
	{ .name = "getattr",
	  .queue = REQUEST0,
	  KIND_BYTES(HEAD("\x38", "\3\0") ZEROES_16),
	  .writable_len = ATTR_REPLY,
	  .used_min = OUT_HEADER,
	  .used_max = ATTR_REPLY,
	  .answer = reply,
	  .before = BEGIN },
	/* No operation has that number. */
	{ .name = "unknown",
	  .queue = REQUEST0,
	  KIND_BYTES(HEAD("\x28", "\xee\x0e")),
	  .writable_len = OUT_HEADER,
	  .used_min = OUT_HEADER,
	  .used_max = OUT_HEADER,
	  .answer = error_reply,
	  .before = BEGIN },
	KIND_HINT(REQUEST0, HEAD("\x28", "\x1a\0"), OUT_HEADER),       /* INIT, cut */
	KIND_HINT(REQUEST0, HEAD("\x2c", "\1\0") "who\0", 16 + 128),   /* LOOKUP */
	KIND_HINT(REQUEST0, HEAD("\x30", "\x1b\0") ZEROES_8, 16 + 16), /* OPENDIR */
	KIND_HINT(REQUEST0, HEAD("\x50", "\x1c\0") ZEROES_16 "\0\1\0\0" ZEROES_16 "\0\0\0\0",
		  16 + 256), /* READDIR */
	KIND_HINT(REQUEST0, HEAD("\x50", "\x0f\0") ZEROES_16 "\0\1\0\0" ZEROES_16 "\0\0\0\0",
		  16 + 256),				      /* READ */
	KIND_HINT(REQUEST0, HEAD("\x28", "\x11\0"), 16 + 80), /* STATFS */
	KIND_HINT(REQUEST0, HEAD("\x28", "\x26\0"), 16),      /* DESTROY */
	KIND_HINT(HIPRIO, HEAD("\x30", "\2\0") ZEROES_8, 0),  /* FORGET */
	KIND_HINT(HIPRIO, HEAD("\x30", "\x24\0") UNIQUE, 16), /* INTERRUPT */
	{ .name = NULL },
};

const struct kind kind_fs = {
	.name = "fs",
	.device_id = VIRTIO_ID_FS,
	.queue_count = KIND_COUNT(fs_queues),
	.queues = fs_queues,
	.config_len = 40,
	.fields = fs_fields,
	.requests = fs_requests,
};
