/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The entropy device; rng.h says what it does and refuses.
 *
 * Bytes leave the host's buffer only when the chain that carries them was returned, so that
 * none is lost and none comes twice.  What a call does is bounded by the queue size and by the
 * bytes that wait, whatever lengths the descriptors claim.
 *
 * VIRTIO 1.4, 5.4.6 (device operation).
 */
#include <errno.h>
#include <string.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

#include "chain.h"
#include "drain.h"
#include "rng.h"
#include "snapshot_chain.h"
#include "table.h"

/* An event moves the counters named for it and no other. */
enum rng_counter {
	RNG_CHAINS,	     /* returned with bytes */
	RNG_CHAIN_INVALID,   /* torn, readable part, wraps */
	RNG_CHAIN_EMPTY,     /* no byte to write to */
	RNG_CHAIN_UNWRITTEN, /* not even the first byte could be written */
	RNG_CHAIN_WAITED,    /* found no bytes */
	RNG_BYTES,	     /* given by the host and accepted */
	RNG_REFUSED,	     /* given and not accepted, for want of room */
	RNG_DELIVERED,	     /* of the accepted ones */
	RNG_PENDING,	     /* gauge: ... that wait for a chain */
	RNG_DISCARDED,	     /* ... thrown away at reset */
	RNG_ADD_USED_FAILURES,
	RNG_INVALID_AVAIL_IDX, /* the queue became poisoned */
	RNG_COUNTER_COUNT
};

TABLE(static const char *const, counter_names, RNG_COUNTER_COUNT, 1,
	[RNG_CHAINS] = "chains",
	[RNG_CHAIN_INVALID] = "chain_invalid",
	[RNG_CHAIN_EMPTY] = "chain_empty",
	[RNG_CHAIN_UNWRITTEN] = "chain_unwritten",
	[RNG_CHAIN_WAITED] = "chain_waited",
	[RNG_BYTES] = "bytes",
	[RNG_REFUSED] = "bytes_refused",
	[RNG_DELIVERED] = "bytes_delivered",
	[RNG_PENDING] = "bytes_pending",
	[RNG_DISCARDED] = "bytes_discarded",
	[RNG_ADD_USED_FAILURES] = "add_used_failures",
	[RNG_INVALID_AVAIL_IDX] = "invalid_avail_idx_count");

TABLE(static const struct device_queue_desc, rng_queues, RNG_QUEUE_COUNT, 4,
	[RNG_REQUESTS] = { "requestq", RNG_QUEUE_SIZE_MAX, true, 0 });

struct rng {
	struct device dev;
	struct drain drain;
	/* The chain that was taken from the ring and waits for bytes: its descriptors are in
	 * `buffers`, with room for so many bytes. */
	struct virtqueue_chain chain;
	uint64_t room;
	bool has_chain;
	uint32_t len;	/* of what the host gave */
	uint8_t *bytes; /* ... oldest first, in `held` */

	/* Scratch from here on. */
	struct virtqueue_buffer buffers[RNG_QUEUE_SIZE_MAX];
	uint8_t held[2 * RNG_HELD_MAX]; /* the other half, so that they are seldom moved */
};

static const struct drain_ops rng_drain = {
	.add_used_failures = RNG_ADD_USED_FAILURES,
	.invalid_avail_idx = RNG_INVALID_AVAIL_IDX,
};

static struct rng *rng_of(struct device *dev)
{
	return (struct rng *)dev;
}

/* Is there a chain that waits?  Of a queue that was stopped it waits for ever: it is gone. */
static bool has_chain(const struct rng *rng)
{
	return rng->has_chain && virtqueue_usable(&rng->dev.queues[RNG_REQUESTS]);
}

/* The chain that was just taken: one that is of use waits, the others are returned. */
static void look_at_chain(struct rng *rng)
{
	uint64_t *counters = rng->dev.counters;

	if (chain_collect(&rng->chain, true, rng->buffers, &rng->room))
		counters[RNG_CHAIN_INVALID]++;
	else if (rng->room == 0)
		counters[RNG_CHAIN_EMPTY]++;
	else
		rng->has_chain = true;
	if (!rng->has_chain)
		(void)drain_push(&rng_drain, &rng->dev, &rng->chain, 0);
	else if (rng->len == 0)
		counters[RNG_CHAIN_WAITED]++;
}

/* The first `len` bytes of the host are nobody's any more. */
static void drop_bytes(struct rng *rng, uint32_t len)
{
	rng->len -= len;
	rng->bytes += len;
}

/* The chain that waits gets its bytes, of which there are some. */
static void answer_chain(struct rng *rng)
{
	uint64_t *counters = rng->dev.counters;
	struct chain_cursor at = { .buffer = rng->buffers };
	uint32_t len = rng->room < rng->len ? (uint32_t)rng->room : rng->len;

	len = chain_write(&rng->chain, &at, rng->bytes, len);
	rng->has_chain = false;
	counters[len > 0 ? RNG_CHAINS : RNG_CHAIN_UNWRITTEN]++;
	if (!drain_push(&rng_drain, &rng->dev, &rng->chain, len) || len == 0)
		return;
	drop_bytes(rng, len);
	counters[RNG_DELIVERED] += len;
}

/* Chain after chain, as long as there are bytes. */
static void rng_serve(struct rng *rng)
{
	unsigned left = rng->dev.queues[RNG_REQUESTS].size;

	rng->drain.left = 0;
	for (; left > 0; left--) {
		if (!rng->has_chain) {
			if (!drain_pop(&rng->drain, &rng_drain, &rng->dev, RNG_REQUESTS,
				       &rng->chain))
				return;
			look_at_chain(rng);
		}
		if (rng->has_chain && rng->len == 0)
			return;
		if (rng->has_chain)
			answer_chain(rng);
	}
	rng->drain.left = 1u << RNG_REQUESTS;
}

static void call_end(struct rng *rng)
{
	rng->dev.counters[RNG_PENDING] = rng->len;
	drain_end(&rng->drain, &rng->dev);
}

static enum device_state rng_state(const struct device *dev)
{
	const struct rng *rng = (const struct rng *)dev;

	if (has_chain(rng))
		return rng->len > 0 ? DEVICE_WORK : DEVICE_WAITING;
	return drain_state(&rng->drain, dev);
}

static void rng_notify(struct device *dev, unsigned queue)
{
	struct rng *rng = rng_of(dev);

	(void)queue;
	rng_serve(rng);
	call_end(rng);
}

static void rng_work(struct device *dev)
{
	struct rng *rng = rng_of(dev);

	if (rng_state(dev) == DEVICE_WORK)
		rng_serve(rng);
	call_end(rng);
}

uint32_t rng_give(struct device *dev, const void *data, uint32_t len)
{
	struct rng *rng = rng_of(dev);
	uint32_t fits = len < RNG_HELD_MAX - rng->len ? len : RNG_HELD_MAX - rng->len;

	/* For want of room behind them, and not for each chain that takes some. */
	if ((size_t)(rng->bytes - rng->held) + rng->len + fits > sizeof(rng->held)) {
		memmove(rng->held, rng->bytes, rng->len);
		rng->bytes = rng->held;
	}
	memcpy(rng->bytes + rng->len, data, fits);
	rng->len += fits;
	dev->counters[RNG_BYTES] += fits;
	dev->counters[RNG_REFUSED] += len - fits;
	if ((dev->status & VIRTIO_CONFIG_S_DRIVER_OK) && rng_state(dev) == DEVICE_WORK)
		rng_serve(rng);
	call_end(rng);
	return fits;
}

static int rng_create(struct device *dev)
{
	struct rng *rng = rng_of(dev);

	rng->bytes = rng->held;
	return 0;
}

static void rng_destroy(struct device *dev)
{
	(void)dev;
}

static void rng_queue_reset(struct device *dev, unsigned queue)
{
	struct rng *rng = rng_of(dev);

	rng->has_chain = false;
	drain_queue_reset(&rng->drain, queue);
}

static void rng_reset(struct device *dev)
{
	struct rng *rng = rng_of(dev);

	rng_queue_reset(dev, RNG_REQUESTS);
	rng->drain.poisoned_now = false;
	dev->counters[RNG_DISCARDED] += rng->len;
	dev->counters[RNG_PENDING] = rng->len = 0;
}

/* There is none (5.4.4). */
static void rng_config_read(const struct device *dev, uint64_t offset, uint8_t *buf, uint32_t len)
{
	(void)dev;
	(void)offset;
	memset(buf, 0, len);
}

/* u8 work left, u8 waits, if so the chain; u32 length and the bytes of the host. */
static void rng_save(const struct device *dev, struct snapshot_out *out)
{
	const struct rng *rng = (const struct rng *)dev;
	bool waits = has_chain(rng);

	snapshot_put(out, 1, rng->drain.left);
	snapshot_put(out, 1, waits);
	if (waits)
		snapshot_put_chain(out, &rng->chain, rng->buffers, rng->room);
	snapshot_put(out, 4, rng->len);
	snapshot_put_bytes(out, rng->bytes, rng->len);
}

static void rng_restore(struct device *dev, const struct snapshot_view *view,
			struct snapshot_in *in)
{
	struct rng *rng = rng_of(dev);
	const struct snapshot_queue *q = &view->queues[RNG_REQUESTS];
	bool live = device_started(view->status);
	uint32_t left = (uint32_t)snapshot_get_max(in, 1, live, "work left that there is not");
	bool waits = snapshot_get_max(in, 1, live, "waiting, which it cannot be");

	size_t at = in->at;
	const uint8_t *bytes;
	uint64_t room = 0;
	uint32_t len;

	if (waits)
		room = snapshot_get_chain(in, view, &dev->queues[RNG_REQUESTS], true, &rng->chain,
					  rng->buffers);
	if (waits && room == 0)
		snapshot_bad(in, at, -EINVAL, "a chain without a byte that waits");
	/* Of a queue that was stopped a chain is gone, and nobody has it. */
	if (snapshot_queue_held(q) > (waits || !q->ready))
		snapshot_bad(in, q->cursors_at, -EINVAL, "a chain that nobody has");
	len = (uint32_t)snapshot_get_max(in, 4, RNG_HELD_MAX, "more bytes than it keeps");
	snapshot_check_gauge(in, view, RNG_PENDING, len);
	bytes = snapshot_get_bytes(in, len);
	if (!in->commit)
		return;
	memcpy(rng->bytes, bytes, len);
	rng->len = len;
	rng->drain.left = left;
	rng->room = room;
	rng->has_chain = waits;
}

const struct device_ops rng_ops = {
	.name = "rng",
	.device_id = VIRTIO_ID_RNG,
	.state_size = sizeof(struct rng),
	.scratch_size = sizeof(struct rng) - offsetof(struct rng, buffers),
	.features = UINT64_C(1) << VIRTIO_F_VERSION_1,
	.queue_count = RNG_QUEUE_COUNT,
	.queues = rng_queues,
	.counter_count = RNG_COUNTER_COUNT,
	.counter_names = counter_names,
	.create = rng_create,
	.destroy = rng_destroy,
	.reset = rng_reset,
	.queue_reset = rng_queue_reset,
	.notify = rng_notify,
	.work = rng_work,
	.state = rng_state,
	.config_read = rng_config_read,
	.save = rng_save,
	.restore = rng_restore,
};
