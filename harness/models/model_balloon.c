/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The balloon model as a target.  See target.h.
 */
#include "harness/models/models.h"

#include "devices/balloon.h"
#include "devices/mmio.h"

#include <linux/virtio_ids.h>

static void *balloon_create(const struct target *target, const struct device_host *host,
			    uint64_t offered, const uint16_t *queue_max)
{
	(void)target;
	return mmio_create(&balloon_ops, host, offered, queue_max);
}

static uint32_t balloon_host(void *device, enum host_act act, unsigned port, void *data,
			     uint32_t len)
{
	(void)port;
	(void)data;
	return act == HOST_SET_NUM_PAGES && balloon_set_num_pages(mmio_device(device), len);
}

static const struct device_queue_desc balloon_queues[] = {
	{ "inflate", 128, true, 0 },
	{ "deflate", 128, true, 0 },
};

static const struct target_field balloon_fields[] = {
	{ "num_pages", 0, 4, 1 },
	{ "actual", 4, 4, 1 },
};

/* A page number has one fate, and a chain one as well. */
static const struct target_sum balloon_sums[] = {
	{ "inflate_numbers", "inflate_pages inflate_outside inflate_dropped", true },
	{ "deflate_numbers", "deflate_pages deflate_outside deflate_dropped", true },
	{ "used.0", "inflate_chains inflate_chain_invalid inflate_odd_length", false },
	{ "used.1", "deflate_chains deflate_chain_invalid deflate_odd_length", false },
	{ NULL, NULL, false },
};

/* Pages of low memory, above the seam, of no memory, and the last number. */
static const struct target_request balloon_requests[] = {
	{ .name = "inflate", .queue = 0, .bytes = "\x30\0\0\0\x31\0\0\0", .len = 8, .exact = true },
	{ .name = "deflate", .queue = 1, .bytes = "\x30\0\0\0\x31\0\0\0", .len = 8, .exact = true },
	MODEL_REQUEST(0, "\x30\0\0\0\x31\0\0\0"),
	MODEL_REQUEST(1, "\x30\0\0\0\x31\0\0\0"),
	MODEL_REQUEST(0, "\0\0\x10\0\xff\xff\x0f\0\0\0\x08\0"),
	MODEL_REQUEST(0, "\xff\xff\xff\xff\0\0\0\0"),
	MODEL_REQUEST(1, "\x30\0\0\0\x31\0"),
};

const struct target balloon_target = {
	.name = "balloon",
	.help = "the traditional memory balloon, whose host changes its mind",
	.device_id = VIRTIO_ID_BALLOON,
	.features = 1ULL << VIRTIO_F_VERSION_1,
	.queue_count = BALLOON_QUEUE_COUNT,
	.queues = balloon_queues,
	.config_len = sizeof(struct virtio_balloon_config),
	.field_count = sizeof(balloon_fields) / sizeof(balloon_fields[0]),
	.fields = balloon_fields,
	.pages_max = BALLOON_CHAIN_PAGES,
	.chain_bytes_max = BALLOON_CHAIN_PAGES * 4,
	.backend_calls_chain = BALLOON_CHAIN_PAGES,
	.heap_max = 64u << 10,
	.sums = balloon_sums,
	.has_num_pages = true,
	.request_count = sizeof(balloon_requests) / sizeof(balloon_requests[0]),
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
	.host = balloon_host,
	MODEL_CALLS(balloon_create),
	MODEL_SNAPSHOTS,
};
