/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Graphics adapters: VIRTIO 1.4, 5.7.  What is drawn is seen by nobody.
 */
#include "harness/peers/kind.h"

#include <linux/virtio_gpu.h>
#include <linux/virtio_ids.h>
#include <stddef.h>

#define F_EDID KIND_F(VIRTIO_GPU_F_EDID)

enum { CONTROLQ, CURSORQ };

static const struct vringer_queue gpu_queues[] = {
	[CONTROLQ] = KIND_ASKS("controlq"),
	[CURSORQ] = KIND_ASKS("cursorq"),
};

static const struct vringer_field gpu_fields[] = {
	{ "events_read", 0, 4, 1 },
	{ "events_clear", 4, 4, 1 },
	{ "num_scanouts", 8, 4, 1 },
	{ "num_capsets", 12, 4, 1 },
	{ .name = NULL },
};

#define FENCE "\1\2\3\4\5\6\7\x8"
#define ZEROES_8 "\0\0\0\0\0\0\0\0"
/* Two bytes say which command. */
#define HEAD(command) command "\0\0\0\0\0\0" ZEROES_8 ZEROES_8
#define FENCED_HEAD(command) command "\0\0\1\0\0\0" FENCE ZEROES_8
#define AREA ZEROES_8 "\x40\0\0\0\x40\0\0\0"
#define HEAD_BYTES 24u
#define DISPLAYS (HEAD_BYTES + VIRTIO_GPU_MAX_SCANOUTS * 24u)
#define EDID (HEAD_BYTES + 8u + 1024u)

static const struct vringer_bytes display_info[] = { { 0, 4, "\1\x11\0\0" }, { .bytes = NULL } };
static const struct vringer_bytes edid[] = { { 0, 4, "\4\x11\0\0" }, { .bytes = NULL } };
static const struct vringer_bytes fenced[] = {
	{ 0, 4, "\1\x11\0\0" },
	{ 4, 1, "\1" },
	{ 8, 8, FENCE },
	{ .bytes = NULL },
};
/* One of VIRTIO_GPU_RESP_ERR_*. */
static const struct vringer_bytes error[] = { { 1, 3, "\x12\0\0" }, { .bytes = NULL } };

static const struct vringer_request gpu_requests[] = {
	{ .name = "display-info",
	  .queue = CONTROLQ,
	  KIND_BYTES(HEAD("\0\1")),
	  .writable_len = DISPLAYS,
	  .used_min = DISPLAYS,
	  .used_max = DISPLAYS,
	  .answer = display_info },
	{ .name = "display-info-fenced",
	  .flags = VRINGER_REQUEST_SELDOM,
	  .queue = CONTROLQ,
	  KIND_BYTES(FENCED_HEAD("\0\1")),
	  .writable_len = DISPLAYS,
	  .used_min = DISPLAYS,
	  .used_max = DISPLAYS,
	  .answer = fenced },
	{ .name = "edid",
	  .flags = VRINGER_REQUEST_SELDOM,
	  .queue = CONTROLQ,
	  KIND_BYTES(HEAD("\xa\1") ZEROES_8),
	  .writable_len = EDID,
	  .used_min = HEAD_BYTES,
	  .used_max = EDID,
	  .answer = edid,
	  .features = F_EDID },
	/* Nobody created it. */
	{ .name = "unref-none",
	  .flags = VRINGER_REQUEST_SELDOM,
	  .queue = CONTROLQ,
	  KIND_BYTES(HEAD("\2\1") "\xef\xbe\xad\xde\0\0\0\0"),
	  .writable_len = HEAD_BYTES,
	  .used_max = HEAD_BYTES,
	  .answer = error },
	{ .name = "unknown",
	  .flags = VRINGER_REQUEST_SELDOM,
	  .queue = CONTROLQ,
	  KIND_BYTES(HEAD("\xee\1")),
	  .writable_len = HEAD_BYTES,
	  .used_max = HEAD_BYTES,
	  .answer = error },
	/* A driver need not ask for a response to it. */
	{ .name = "move-cursor",
	  .queue = CURSORQ,
	  KIND_BYTES(HEAD("\1\3") ZEROES_8 ZEROES_8 ZEROES_8 ZEROES_8),
	  .flags = VRINGER_REQUEST_EXACT },
	KIND_HINT(CONTROLQ, HEAD("\1\1") "\1\0\0\0\1\0\0\0\x40\0\0\0\x40\0\0\0",
		  HEAD_BYTES),						  /* RESOURCE_CREATE_2D */
	KIND_HINT(CONTROLQ, HEAD("\2\1") "\1\0\0\0\0\0\0\0", HEAD_BYTES), /* _UNREF */
	KIND_HINT(CONTROLQ, HEAD("\3\1") AREA "\0\0\0\0\1\0\0\0", HEAD_BYTES), /* SET_SCANOUT */
	KIND_HINT(CONTROLQ, HEAD("\4\1") AREA "\1\0\0\0\0\0\0\0", HEAD_BYTES), /* _FLUSH */
	KIND_HINT(CONTROLQ, HEAD("\5\1") AREA ZEROES_8 "\1\0\0\0\0\0\0\0",
		  HEAD_BYTES), /* TRANSFER_TO_HOST_2D */
	KIND_HINT(CONTROLQ,
		  HEAD("\6\1") "\1\0\0\0\1\0\0\0"
			       "\0\0\3\0\0\0\0\0\0\x40\0\0\0\0\0\0",
		  HEAD_BYTES), /* RESOURCE_ATTACH_BACKING: 0x30000 */
	KIND_HINT(CONTROLQ, HEAD("\7\1") "\1\0\0\0\0\0\0\0", HEAD_BYTES), /* _DETACH */
	KIND_HINT(CONTROLQ, HEAD("\x8\1") ZEROES_8, HEAD_BYTES + 16),	  /* GET_CAPSET_INFO */
	KIND_HINT(CONTROLQ, HEAD("\x9\1") "\1\0\0\0\1\0\0\0", HEAD_BYTES + 256),
	KIND_HINT(CONTROLQ, HEAD("\xb\1") "\1\0\0\0\0\0\0\0", HEAD_BYTES + 16),
	KIND_HINT(CURSORQ, HEAD("\0\3") ZEROES_8 ZEROES_8 "\1\0\0\0" ZEROES_8 "\0\0\0\0", 0),
	{ .name = NULL },
};

const struct kind kind_gpu = {
	.name = "gpu",
	.device_id = VIRTIO_ID_GPU,
	.queue_count = KIND_COUNT(gpu_queues),
	.queues = gpu_queues,
	.features = KIND_F(VIRTIO_GPU_F_VIRGL) | F_EDID | KIND_F(VIRTIO_GPU_F_RESOURCE_UUID) |
		    KIND_F(VIRTIO_GPU_F_RESOURCE_BLOB) | KIND_F(VIRTIO_GPU_F_CONTEXT_INIT),
	.config_len = 16,
	.fields = gpu_fields,
	.requests = gpu_requests,
};
