/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Sound cards: VIRTIO 1.4, 5.14.  Nothing is heard: no stream is started.
 */
#include "harness/peers/kind.h"

#include <linux/virtio_ids.h>
#include <linux/virtio_snd.h>
#include <stddef.h>

#define F_CTLS KIND_F(0) /* not in the header of Debian 12 */

static const struct vringer_queue sound_queues[] = {
	[VIRTIO_SND_VQ_CONTROL] = KIND_ASKS("controlq"),
	[VIRTIO_SND_VQ_EVENT] = KIND_FILLS("eventq"),
	[VIRTIO_SND_VQ_TX] = KIND_FILLS("txq"), /* at the pace of the stream */
	[VIRTIO_SND_VQ_RX] = KIND_FILLS("rxq"),
};
_Static_assert(KIND_COUNT(sound_queues) == VIRTIO_SND_VQ_MAX, "queues");

static const struct vringer_field sound_fields[] = {
	{ "jacks", 0, 4, 1 },	  { "streams", 4, 4, 1 }, { "chmaps", 8, 4, 1 },
	{ "controls", 12, 4, 1 }, { .name = NULL },
};

/* Which item, how many, and bytes of each. */
#define QUERY(what, first, count, size) what "\0\0" first "\0\0\0" count "\0\0\0" size "\0\0\0"
#define STATUS 4u /* bytes, in front of what was asked for */

/* One of VIRTIO_SND_S_*: well-formed or not, a request has a status. */
static const struct vringer_bytes status[] = { { 1, 3, "\x80\0\0" }, { .bytes = NULL } };

#define REQUEST(literal, room)                                                                     \
	.queue = VIRTIO_SND_VQ_CONTROL, KIND_BYTES(literal), .writable_len = STATUS + (room),      \
	.used_max = STATUS + (room), .answer = status

static const struct vringer_request sound_requests[] = {
	/* Of the first item, which need not be there. */
	{ .name = "jack-info",
	  .flags = VRINGER_REQUEST_SELDOM,
	  REQUEST(QUERY("\1\0", "\0", "\1", "\x18"), 24) },
	{ .name = "pcm-info", REQUEST(QUERY("\0\1", "\0", "\1", "\x20"), 32) },
	{ .name = "chmap-info",
	  .flags = VRINGER_REQUEST_SELDOM,
	  REQUEST(QUERY("\0\2", "\0", "\1", "\x18"), 24) },
	{ .name = "pcm-release-none",
	  .flags = VRINGER_REQUEST_SELDOM,
	  REQUEST("\3\1\0\0\xff\xff\xff\x7f", 0) },
	{ .name = "unknown", .flags = VRINGER_REQUEST_SELDOM, REQUEST("\x77\x77\0\0", 0) },
	KIND_HINT(VIRTIO_SND_VQ_CONTROL, QUERY("\0\1", "\0", "\xff", "\x20"), 4 + 128),
	KIND_HINT(VIRTIO_SND_VQ_CONTROL, "\1\1\0\0\0\0\0\0\0\x20\0\0\0\x08\0\0\0\0\0\0\2\5\7\0",
		  4),								 /* SET_PARAMS */
	KIND_HINT(VIRTIO_SND_VQ_CONTROL, "\2\1\0\0\0\0\0\0", 4),		 /* PREPARE */
	KIND_HINT(VIRTIO_SND_VQ_CONTROL, "\3\1\0\0\0\0\0\0", 4),		 /* RELEASE */
	KIND_HINT(VIRTIO_SND_VQ_CONTROL, "\5\1\0\0\0\0\0\0", 4),		 /* STOP */
	KIND_HINT(VIRTIO_SND_VQ_CONTROL, "\2\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0", 4), /* REMAP */
	KIND_HINT(VIRTIO_SND_VQ_TX,
		  "\0\0\0\0"
		  "some frames of silence..",
		  8),
	KIND_HINT(VIRTIO_SND_VQ_TX, "\xff\xff\xff\xff", 8),
	KIND_HINT(VIRTIO_SND_VQ_RX, "\1\0\0\0", 256 + 8),
	{ .name = NULL },
};

const struct kind kind_sound = {
	.name = "sound",
	.device_id = VIRTIO_ID_SOUND,
	.queue_count = KIND_COUNT(sound_queues),
	.queues = sound_queues,
	.features = F_CTLS,
	.config_len = 16,
	.fields = sound_fields,
	.requests = sound_requests,
};
