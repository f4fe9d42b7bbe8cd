/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The balloon model as a target.  See vringer.h.
 */
#include "harness/models/models.h"

#include "devices/balloon.h"

#include <linux/virtio_ids.h>

static void *balloon_create(const struct vringer_host *host, uint64_t offered,
			    const uint16_t *queue_max)
{
	return model_create(&balloon_ops, host, offered, queue_max);
}

static uint32_t balloon_act(void *device, uint32_t act, uint32_t port, void *data, uint32_t len)
{
	(void)port;
	(void)data;
	return act == VRINGER_SET_NUM_PAGES && balloon_set_num_pages(model_device(device), len);
}

static const struct vringer_backend balloon_backend = {
	.size = sizeof(balloon_backend),
	.acts = 1u << VRINGER_SET_NUM_PAGES,
	.act = balloon_act,
};

static const struct vringer_kind balloon_kind = {
	.size = sizeof(balloon_kind),
	.pages_max = BALLOON_CHAIN_PAGES,
};

static const struct vringer_queue balloon_queues[] = {
	{ "inflate", 128, 1, 0 },
	{ "deflate", 128, 1, 0 },
};

static const struct vringer_field balloon_fields[] = {
	{ "num_pages", 0, 4, 1 },
	{ "actual", 4, 4, 1 },
	{ .name = NULL },
};

/* A page number has one fate, and a chain one as well. */
static const struct vringer_sum balloon_equal_sums[] = {
	{ "inflate_numbers", "inflate_pages inflate_outside inflate_dropped" },
	{ "deflate_numbers", "deflate_pages deflate_outside deflate_dropped" },
	{ NULL, NULL },
};

static const struct vringer_sum balloon_sums[] = {
	{ "used.0", "inflate_chains inflate_chain_invalid inflate_odd_length" },
	{ "used.1", "deflate_chains deflate_chain_invalid deflate_odd_length" },
	{ "failed.0 failed.1", "add_used_failures" },
	{ "poisoned.0 poisoned.1", "invalid_avail_idx_count" },
	{ "config_changes", "target_changed" },
	{ NULL, NULL },
};

/* Pages of low memory, above the seam, of no memory, and the last number. */
static const struct vringer_request balloon_requests[] = {
	{ .name = "inflate",
	  .queue = 0,
	  .readable = "\x30\0\0\0\x31\0\0\0",
	  .readable_len = 8,
	  .flags = VRINGER_REQUEST_EXACT },
	{ .name = "deflate",
	  .queue = 1,
	  .readable = "\x30\0\0\0\x31\0\0\0",
	  .readable_len = 8,
	  .flags = VRINGER_REQUEST_EXACT },
	MODEL_HINT(0, "\x30\0\0\0\x31\0\0\0"),
	MODEL_HINT(1, "\x30\0\0\0\x31\0\0\0"),
	MODEL_HINT(0, "\0\0\x10\0\xff\xff\x0f\0\0\0\x08\0"),
	MODEL_HINT(0, "\xff\xff\xff\xff\0\0\0\0"),
	MODEL_HINT(1, "\x30\0\0\0\x31\0"),
	{ .name = NULL },
};

struct vringer_target balloon_target = {
	MODEL,
	.name = "balloon",
	.help = "the traditional memory balloon, whose host changes its mind",
	.device_id = VIRTIO_ID_BALLOON,
	.features = MODEL_FEATURES,
	.queue_count = BALLOON_QUEUE_COUNT,
	.queues = balloon_queues,
	.config_len = sizeof(struct virtio_balloon_config),
	.fields = balloon_fields,
	.kind = &balloon_kind,
	.chain_bytes_max = BALLOON_CHAIN_PAGES * 4,
	.backend_calls_chain = BALLOON_CHAIN_PAGES,
	.heap_max = 64u << 10,
	.sums = balloon_sums,
	.equal_sums = balloon_equal_sums,
	.backend = &balloon_backend,
	.requests = balloon_requests,
	.liveness = "device balloon\n"
		    "start driver_ok\n"
		    "set_num_pages 7\n"
		    "set_num_pages 2\n"
		    "> interrupt_status config\n"
		    "config_read 0\n"
		    "> value 2\n"
		    "store b1 30000000\n"
		    "send 0 b1\n"
		    "> used 0 id=0 len=0\n"
		    "send 1 b1\n"
		    "> used 1 id=0 len=0\n",
	.create = balloon_create,
	.destroy = model_destroy,
	.snapshots = MODEL_SNAPSHOTS(balloon_impossible),
};
