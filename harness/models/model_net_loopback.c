/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The net-loopback model as a target.  See vringer.h.
 */
#include "harness/models/models.h"

#include "devices/net.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>

static void *net_loopback_create(const struct vringer_host *host, uint64_t offered,
				 const uint16_t *queue_max)
{
	return model_create(&net_loopback_ops, host, offered, queue_max);
}

const struct vringer_field model_net_fields[] = {
	{ "mac", 0, 1, 6 },  { "status", 6, 2, 1 }, { "max_virtqueue_pairs", 8, 2, 1 },
	{ "mtu", 10, 2, 1 }, { .name = NULL },
};

static const struct vringer_queue net_queues[] = {
	{ "rx", 256, 0, 0 },
	{ "tx", 256, 1, 0 },
};

/* A valid frame meets exactly one fate; each of them returns its chain, or
 * fails to. */
static const struct vringer_sum net_loopback_sums[] = {
	{ "tx_packets", "rx_packets rx_chain_invalid rx_frame_too_large rx_write_failed "
			"rx_add_used_failures tx_dropped_no_rx_buffer tx_dropped_rx_poisoned "
			"host_alloc_failures" },
	{ "rx_packets rx_chain_invalid rx_frame_too_large rx_write_failed "
	  "tx_dropped_no_rx_buffer tx_dropped_rx_poisoned",
	  "tx_packets tx_add_used_failures" },
	{ "used.1", "tx_packets tx_chain_invalid tx_oversize_dropped host_alloc_failures" },
	/* Larger than any frame: whatever else is wrong with it, that is found first. */
	{ "large.1", "tx_oversize_dropped" },
	{ "used.0", "rx_packets rx_chain_invalid rx_frame_too_large rx_write_failed" },
	{ "written.0", "rx_packets" },
	/* It looks for one when a frame is there, which is lost for that and nothing else. */
	{ "none.0", "tx_dropped_no_rx_buffer" },
	{ "failed.0", "rx_add_used_failures" },
	{ "failed.1", "tx_add_used_failures" },
	{ "poisoned.0 poisoned.1", "invalid_avail_idx_count" },
	{ "written_bytes.0", "rx_bytes 12*rx_packets" },
	{ "rx_bytes", "tx_bytes 131072*tx_add_used_failures" },
	{ NULL, NULL },
};

static const struct vringer_stream net_loopback_stream = {
	.from = 1,
	.to = 0,
	.skip = sizeof(struct virtio_net_hdr_v1),
	.left = "rx_packets",
	.frame_max = NET_FRAME_MAX,
};

static const struct vringer_backend net_loopback_backend = {
	.size = sizeof(net_loopback_backend),
	.stream_count = 1,
	.streams = &net_loopback_stream,
};

static const struct vringer_kept net_loopback_kept = {
	.size = sizeof(net_loopback_kept), .blocks = 1, /* the buffer of a frame */
};

/* A header that asks for nothing, and a frame; and what the driver finds of it. */
#define FRAME                                                                                      \
	"\xff\xff\xff\xff\xff\xff\x52\x54\x00\x12\x34\x56\x88\xb5"                                 \
	"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN"
static const struct vringer_bytes net_answer[] = {
	{ 0, 76, "\0\0\0\0\0\0\0\0\0\0\1\0" FRAME },
	{ .bytes = NULL },
};

static const struct vringer_request net_loopback_requests[] = {
	{ .name = "frame",
	  .queue = 1,
	  .readable = "\0\0\0\0\0\0\0\0\0\0\0\0" FRAME,
	  .readable_len = 76,
	  .flags = VRINGER_REQUEST_EXACT },
	{ .name = "buffer",
	  .queue = 0,
	  .writable_len = 128,
	  .used_min = 76,
	  .used_max = 76,
	  .answer = net_answer,
	  .after = "send_request 1\n",
	  .flags = VRINGER_REQUEST_EXACT },
	{ .name = NULL },
};

struct vringer_target net_loopback_target = {
	MODEL,
	.name = "net-loopback",
	.help = "virtio-net that sends every frame back to its driver",
	.device_id = VIRTIO_ID_NET,
	.features = MODEL_FEATURES | 1ULL << VIRTIO_NET_F_MAC,
	.queue_count = MODEL_COUNT(net_queues),
	.queues = net_queues,
	.config_len = 12,
	.fields = model_net_fields,
	.chain_bytes_max = 12 + 65557,
	.heap_max = 112u << 10,
	.kept = &net_loopback_kept,
	.sums = net_loopback_sums,
	.backend = &net_loopback_backend,
	.requests = net_loopback_requests,
	.liveness = "device net-loopback\n"
		    "start driver_ok\n"
		    "pattern b3 len=76\n"
		    "offer 0 b9:w\n"
		    "send 1 b3\n"
		    "> used 1 id=0 len=0\n"
		    "> used 0 id=0 len=76\n"
		    "> mem_equal b9+12 b3+12 len=64\n",
	.create = net_loopback_create,
	.destroy = model_destroy,
	.snapshots = MODEL_SNAPSHOTS(net_loopback_impossible),
};
