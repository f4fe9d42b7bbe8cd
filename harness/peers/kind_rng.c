/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Entropy devices: VIRTIO 1.4, 5.4.  No features and no configuration.
 */
#include "harness/peers/kind.h"

#include <linux/virtio_ids.h>
#include <stddef.h>

static const struct vringer_queue rng_queues[] = { KIND_ASKS("requestq") };

/* One or more bytes, at most as many as there is room for, and the length is all that the
 * driver knows of them (5.4.6.1, 5.4.6.2). */
static const struct vringer_request rng_requests[] = {
	{ .name = "read", .queue = 0, .writable_len = 64, .used_min = 1, .used_max = 64 },
	{ .name = "read-byte",
	  .flags = VRINGER_REQUEST_SELDOM,
	  .queue = 0,
	  .writable_len = 1,
	  .used_min = 1,
	  .used_max = 1 },
	{ .name = NULL },
};

const struct kind kind_rng = {
	.name = "rng",
	.device_id = VIRTIO_ID_RNG,
	.queue_count = KIND_COUNT(rng_queues),
	.queues = rng_queues,
	.requests = rng_requests,
};
