/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Our own device models as targets.  See target.h.
 */
#include "harness/models/models.h"
#include "harness/target/mmio_calls.h"

#include "devices/mmio.h"
#include "devices/net.h"
#include "devices/snapshot.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <string.h>

void model_destroy(void *device)
{
	mmio_destroy(device);
}

void model_read(void *device, uint64_t offset, void *buf, uint32_t len)
{
	mmio_read(device, offset, buf, len);
}

void model_write(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	mmio_write(device, offset, buf, len);
}

void model_work(void *device)
{
	mmio_work(device);
}

enum device_state model_state(const void *device)
{
	return mmio_state(device);
}

unsigned model_counter_count(const void *device)
{
	return mmio_counter_count(device);
}

const char *model_counter_name(const void *device, unsigned index)
{
	return mmio_counter_name(device, index);
}

/* By eights, which compilers do in place: it is done after every operation. */
void model_counters(const void *device, uint64_t *values)
{
	const uint64_t *from = mmio_counters(device);
	unsigned i = 0, count = mmio_counter_count(device);

	for (; count - i >= 8; i += 8)
		memcpy(values + i, from + i, 8 * sizeof(*values));
	for (; i < count; i++)
		values[i] = from[i];
}

#define CALLEE device
MMIO_CALLS(, model_calls);

size_t model_save(const void *device, void *out, size_t room)
{
	return snapshot_save(device, out, room);
}

int model_restore(void *device, const void *data, size_t len, size_t *at, const char **what)
{
	struct snapshot_error error;
	int err = snapshot_restore(device, data, len, &error);

	*at = error.at;
	*what = error.what;
	return err;
}

static void *net_loopback_create(const struct target *target, const struct device_host *host,
				 uint64_t offered, const uint16_t *queue_max)
{
	(void)target;
	return mmio_create(&net_loopback_ops, host, offered, queue_max);
}

const struct target_field model_net_fields[MODEL_NET_FIELDS] = {
	{ "mac", 0, 1, 6 },
	{ "status", 6, 2, 1 },
	{ "max_virtqueue_pairs", 8, 2, 1 },
	{ "mtu", 10, 2, 1 },
};

static const struct device_queue_desc net_queues[] = {
	{ "rx", 256, false, 0 },
	{ "tx", 256, true, 0 },
};

/* A valid frame meets exactly one fate; each of them returns its chain, or
 * fails to. */
static const struct target_sum net_loopback_sums[] = {
	{ "tx_packets",
	  "rx_packets rx_chain_invalid rx_frame_too_large rx_write_failed "
	  "rx_add_used_failures tx_dropped_no_rx_buffer tx_dropped_rx_poisoned "
	  "host_alloc_failures",
	  false },
	{ "rx_packets rx_chain_invalid rx_frame_too_large rx_write_failed "
	  "tx_dropped_no_rx_buffer tx_dropped_rx_poisoned",
	  "tx_packets tx_add_used_failures", false },
	{ "used.1", "tx_packets tx_chain_invalid tx_oversize_dropped host_alloc_failures", false },
	{ "used.0", "rx_packets rx_chain_invalid rx_frame_too_large rx_write_failed", false },
	{ NULL, NULL, false },
};

static const struct target_stream net_loopback_stream = {
	.from = 1,
	.to = 0,
	.skip = sizeof(struct virtio_net_hdr_v1),
	.left = "rx_packets",
	.frame_max = NET_FRAME_MAX,
};

/* A header that asks for nothing, and a frame; and what the driver finds of it. */
#define FRAME                                                                                      \
	"\xff\xff\xff\xff\xff\xff\x52\x54\x00\x12\x34\x56\x88\xb5"                                   \
	"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN"
static const struct target_bytes net_answer[] = {
	{ 0, 76, (const uint8_t *)"\0\0\0\0\0\0\0\0\0\0\1\0" FRAME },
};

static const struct target_request net_loopback_requests[] = {
	{ .name = "frame",
	  .queue = 1,
	  .bytes = "\0\0\0\0\0\0\0\0\0\0\0\0" FRAME,
	  .len = 76,
	  .exact = true },
	{ .name = "buffer",
	  .queue = 0,
	  .room = 128,
	  .used_min = 76,
	  .used_max = 76,
	  .answer = net_answer,
	  .answer_count = 1,
	  .after = "send_request 1\n",
	  .exact = true },
};

static const struct target net_loopback = {
	.name = "net-loopback",
	.help = "virtio-net that sends every frame back to its driver",
	.device_id = VIRTIO_ID_NET,
	.features = 1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_NET_F_MAC,
	.queue_count = 2,
	.queues = net_queues,
	.config_len = 12,
	.field_count = MODEL_NET_FIELDS,
	.fields = model_net_fields,
	.chain_bytes_max = 12 + 65557,
	.heap_max = 256u << 10,
	.blocks_kept = 1, /* the buffer of a frame */
	.sums = net_loopback_sums,
	.stream_count = 1,
	.streams = &net_loopback_stream,
	.request_count = 2,
	.requests = net_loopback_requests,
	.liveness = "device net-loopback\n"
		    "start driver_ok\n"
		    "pattern b3 len=76\n"
		    "offer 0 b9:w\n"
		    "send 1 b3\n"
		    "> used 1 id=0 len=0\n"
		    "> used 0 id=0 len=76\n"
		    "> mem_equal b9+12 b3+12 len=64\n",
	MODEL_CALLS(net_loopback_create),
	MODEL_SNAPSHOTS,
};

const struct target *const *target_all(void)
{
	static const struct target *const table[] = {
		&net_loopback, &net_host_target, &console_target, &fs_target, &balloon_target, NULL,
	};

	return table;
}
