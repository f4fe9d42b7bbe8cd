/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The entropy model as a target.  See vringer.h.
 *
 * The host has no bytes at first: `type 0` gives some.  They depend on their position, so
 * one that comes twice, late or not at all is seen, which no look at random ones could tell.
 */
#include "harness/models/models.h"

#include "devices/rng.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

static void *rng_create(const struct vringer_host *host, uint64_t offered,
			const uint16_t *queue_max)
{
	return model_create(&rng_ops, host, offered, queue_max);
}

static uint32_t rng_act(void *device, uint32_t act, uint32_t port, void *data, uint32_t len)
{
	return act == VRINGER_TYPE && port == 0 ? rng_give(model_device(device), data, len) : 0;
}

static const struct vringer_queue rng_queues[] = { { "requestq", RNG_QUEUE_SIZE_MAX, 1, 0 } };

static const struct vringer_port rng_ports[] = {
	{ .from = VRINGER_NO_QUEUE,
	  .to = RNG_REQUESTS,
	  .held_max = RNG_HELD_MAX,
	  .pending = "bytes_pending",
	  .typed_refused = "bytes_refused" },
};

static const struct vringer_backend rng_backend = {
	.size = sizeof(rng_backend),
	.acts = 1u << VRINGER_TYPE,
	.port_count = MODEL_COUNT(rng_ports),
	.ports = rng_ports,
	.act = rng_act,
};

static const struct vringer_kept rng_kept = { .size = sizeof(rng_kept), .chains = 1 };

/* A byte that was given has one fate. */
static const struct vringer_sum rng_equal_sums[] = {
	{ "bytes", "bytes_delivered bytes_pending bytes_discarded" },
	{ NULL, NULL },
};

/* And so has a chain; one that carries no byte is none of `chains`. */
static const struct vringer_sum rng_sums[] = {
	{ "used.0", "chains chain_invalid chain_empty chain_unwritten" },
	{ "chains", "bytes_delivered add_used_failures" },
	{ "written.0", "chains" },
	{ "failed.0", "add_used_failures" },
	{ "poisoned.0", "invalid_avail_idx_count" },
	{ NULL, NULL },
};

/* The host gives each more than it has room for, and the same byte over and over, so that the
 * answer is one whatever the requests before have left. */
#define BYTES_16 "!!!!!!!!!!!!!!!!"
#define TYPE_16 "21212121212121212121212121212121"
#define GIVE "type 0 " TYPE_16 TYPE_16 TYPE_16 TYPE_16 TYPE_16 TYPE_16 TYPE_16 TYPE_16 "\n"

static const struct vringer_bytes rng_bytes[] = { { 0, 16, BYTES_16 }, { .bytes = NULL } };

static const struct vringer_request rng_requests[] = {
	{ .name = "read",
	  .queue = 0,
	  .writable_len = 16,
	  .used_min = 16,
	  .used_max = 16,
	  .answer = rng_bytes,
	  .before = GIVE,
	  .flags = VRINGER_REQUEST_EXACT },
	{ .name = "read-more",
	  .queue = 0,
	  .writable_len = 32,
	  .used_min = 32,
	  .used_max = 32,
	  .answer = rng_bytes,
	  .before = GIVE,
	  .flags = VRINGER_REQUEST_EXACT },
	{ .name = NULL },
};

struct vringer_target rng_target = {
	MODEL,
	.name = "rng",
	.help = "an entropy device, whose host gives bytes when it has some",
	.device_id = VIRTIO_ID_RNG,
	.features = MODEL_FEATURES,
	.queue_count = RNG_QUEUE_COUNT,
	.queues = rng_queues,
	.chain_bytes_max = RNG_HELD_MAX,
	.heap_max = 64u << 10,
	.sums = rng_sums,
	.equal_sums = rng_equal_sums,
	.gauges = "bytes_pending",
	.kept = &rng_kept,
	.backend = &rng_backend,
	.requests = rng_requests,
	.liveness = "device rng\n"
		    "start driver_ok\n"
		    "send 0 b9:w\n"
		    "> used 0 none\n"
		    "type 0 len=64 seed=3\n"
		    "> used 0 id=0 len=64\n"
		    "> mem_typed b9 len=64 seed=3\n"
		    "type 0 len=16 seed=4\n"
		    "send 0 b9:w\n"
		    "> used 0 id=0 len=16\n"
		    "> mem_typed b9 len=16 seed=4\n",
	.create = rng_create,
	.destroy = model_destroy,
	.snapshots = MODEL_SNAPSHOTS(rng_impossible),
};
