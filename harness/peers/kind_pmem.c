/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Persistent memory: VIRTIO 1.4, 5.19.  What is behind it can be thrown away.
 */
#include "harness/peers/kind.h"

#include <linux/virtio_ids.h>
#include <linux/virtio_pmem.h>
#include <stddef.h>

#define F_SHMEM_REGION KIND_F(0) /* not in the header of Debian 12 */

static const struct vringer_queue pmem_queues[] = { KIND_ASKS("req_vq") };

static const struct vringer_field pmem_fields[] = {
	{ "start", 0, 8, 1 },
	{ "size", 8, 8, 1 },
	{ .name = NULL },
};

static const struct vringer_bytes success[] = { { 0, 4, "\0\0\0\0" }, { .bytes = NULL } };

static const struct vringer_request pmem_requests[] = {
	{ .name = "flush",
	  .queue = 0,
	  KIND_BYTES("\0\0\0\0"),
	  .writable_len = 4,
	  .used_max = 4,
	  .answer = success },
	KIND_HINT(0, "\1\0\0\0", 4),
	{ .name = NULL },
};

const struct kind kind_pmem = {
	.name = "pmem",
	.device_id = VIRTIO_ID_PMEM,
	.queue_count = KIND_COUNT(pmem_queues),
	.queues = pmem_queues,
	.features = F_SHMEM_REGION,
	.config_len = 16,
	.fields = pmem_fields,
	.requests = pmem_requests,
};
