/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The memory balloon; balloon.h says what it does and refuses.
 *
 * A chain is copied before any of it counts, so that one which cannot be read
 * whole moves no page.  What a call reads is bounded by the queue size and
 * BALLOON_CHAIN_PAGES, whatever lengths the descriptors claim.
 *
 * VIRTIO 1.4, 5.5.4 (configuration), 5.5.6 (device operation).
 */
#include <endian.h>
#include <string.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

#include "balloon.h"
#include "chain.h"
#include "drain.h"
#include "table.h"

#define PAGE_BYTES (UINT64_C(1) << VIRTIO_BALLOON_PFN_SHIFT)
#define ACTUAL_AT offsetof(struct virtio_balloon_config, actual)
#define ACTUAL_END (ACTUAL_AT + sizeof(uint32_t))

/* An event moves the counters named for it and no other. */
enum balloon_queue_counter {
	QUEUE_CHAINS,	     /* runs of page numbers, read */
	QUEUE_CHAIN_INVALID, /* torn, writable or unreadable part, wraps */
	QUEUE_ODD_LENGTH,    /* no multiple of 4 bytes: ignored */
	QUEUE_NUMBERS,	     /* in the chains that were read, those not looked at too */
	QUEUE_PAGES,	     /* of these, taken over or given back */
	QUEUE_OUTSIDE,	     /* ... not guest memory */
	QUEUE_DROPPED,	     /* ... beyond BALLOON_CHAIN_PAGES */
	QUEUE_COUNTER_COUNT
};

enum balloon_counter {
	BALLOON_QUEUE_COUNTERS,
	BALLOON_TARGET_CHANGED = BALLOON_QUEUE_COUNT * QUEUE_COUNTER_COUNT,
	BALLOON_ACTUAL_WRITTEN,
	BALLOON_ADD_USED_FAILURES,
	BALLOON_INVALID_AVAIL_IDX, /* a queue became poisoned */
	BALLOON_COUNTER_COUNT
};

#define QUEUE_NAMES(queue)                                                                         \
	queue "_chains", queue "_chain_invalid", queue "_odd_length", queue "_numbers",            \
		queue "_pages", queue "_outside", queue "_dropped"

TABLE(static const char *const, counter_names, BALLOON_COUNTER_COUNT, 1,
	QUEUE_NAMES("inflate"),
	QUEUE_NAMES("deflate"),
	[BALLOON_TARGET_CHANGED] = "target_changed",
	[BALLOON_ACTUAL_WRITTEN] = "actual_written",
	[BALLOON_ADD_USED_FAILURES] = "add_used_failures",
	[BALLOON_INVALID_AVAIL_IDX] = "invalid_avail_idx_count");

TABLE(static const struct device_queue_desc, balloon_queues, BALLOON_QUEUE_COUNT, 4,
	[BALLOON_INFLATE] = { "inflate", BALLOON_QUEUE_SIZE_MAX, true, 0 },
	[BALLOON_DEFLATE] = { "deflate", BALLOON_QUEUE_SIZE_MAX, true, 0 });

struct balloon {
	struct device dev;
	struct drain drain;
	uint32_t num_pages; /* wanted; the host's, so reset leaves it */
	uint32_t actual;    /* pages, as the driver wrote it */

	/* Scratch from here on: the chain in hand. */
	struct virtqueue_buffer buffers[BALLOON_QUEUE_SIZE_MAX];
	uint32_t numbers[BALLOON_CHAIN_PAGES];
};

static struct balloon *balloon_of(struct device *dev)
{
	return (struct balloon *)dev;
}

/* Page numbers of a chain, `count` of them, one by one. */
static void take_pages(struct balloon *balloon, uint64_t *counters, uint32_t count)
{
	const struct device_host *host = balloon->dev.host;
	uint32_t i;

	for (i = 0; i < count; i++) {
		/* 32 and 12 bits: no address of them wraps. */
		uint64_t addr = (uint64_t)le32toh(balloon->numbers[i]) * PAGE_BYTES;

		if (host->is_memory(host->ctx, addr, PAGE_BYTES))
			counters[QUEUE_PAGES]++;
		else
			counters[QUEUE_OUTSIDE]++;
	}
}

static uint32_t balloon_serve(struct device *dev, struct virtqueue_chain *chain)
{
	struct balloon *balloon = balloon_of(dev);
	uint64_t *counters = dev->counters + BALLOON_QUEUE_COUNTERS +
			     (size_t)chain->vq->index * QUEUE_COUNTER_COUNT;
	struct chain_cursor at = { .buffer = balloon->buffers };
	uint64_t total, numbers;
	uint32_t count;

	if (chain_collect(chain, false, balloon->buffers, &total)) {
		counters[QUEUE_CHAIN_INVALID]++;
		return 0;
	}
	if (total % sizeof(uint32_t)) {
		counters[QUEUE_ODD_LENGTH]++;
		return 0;
	}
	numbers = total / sizeof(uint32_t);
	count = numbers < BALLOON_CHAIN_PAGES ? (uint32_t)numbers : BALLOON_CHAIN_PAGES;
	if (chain_read(chain, &at, balloon->numbers, count * (uint32_t)sizeof(uint32_t))) {
		counters[QUEUE_CHAIN_INVALID]++;
		return 0;
	}
	counters[QUEUE_CHAINS]++;
	counters[QUEUE_NUMBERS] += numbers;
	counters[QUEUE_DROPPED] += numbers - count;
	take_pages(balloon, counters, count);
	return 0;
}

static const struct drain_ops balloon_drain = {
	.serve = balloon_serve,
	.add_used_failures = BALLOON_ADD_USED_FAILURES,
	.invalid_avail_idx = BALLOON_INVALID_AVAIL_IDX,
};

static int balloon_create(struct device *dev)
{
	(void)dev;
	return 0;
}

static void balloon_destroy(struct device *dev)
{
	(void)dev;
}

static void balloon_reset(struct device *dev)
{
	struct balloon *balloon = balloon_of(dev);

	balloon->drain = (struct drain){ .left = 0 };
	balloon->actual = 0;
}

static void balloon_queue_reset(struct device *dev, unsigned queue)
{
	drain_queue_reset(&balloon_of(dev)->drain, queue);
}

static void balloon_notify(struct device *dev, unsigned queue)
{
	drain_notify(&balloon_of(dev)->drain, &balloon_drain, dev, queue);
}

static void balloon_work(struct device *dev)
{
	drain_work(&balloon_of(dev)->drain, &balloon_drain, dev);
}

static enum device_state balloon_state(const struct device *dev)
{
	return drain_state(&((const struct balloon *)dev)->drain, dev);
}

/* Byte by byte: a read may begin and end anywhere.  Beyond the end is 0. */
static void balloon_config_read(const struct device *dev, uint64_t offset, uint8_t *buf,
				uint32_t len)
{
	const struct balloon *balloon = (const struct balloon *)dev;
	const struct virtio_balloon_config config = {
		.num_pages = htole32(balloon->num_pages),
		.actual = htole32(balloon->actual),
	};
	const uint8_t *bytes = (const uint8_t *)&config;
	uint32_t i;

	for (i = 0; i < len; i++)
		buf[i] = offset < sizeof(config) && i < sizeof(config) - offset ? bytes[offset + i]
										: 0;
}

/* `actual` is the driver's; the bytes of a write that are not of it are ignored. */
static void balloon_config_write(struct device *dev, uint64_t offset, const uint8_t *buf,
				 uint32_t len)
{
	struct balloon *balloon = balloon_of(dev);
	uint32_t raw = htole32(balloon->actual);
	uint8_t *bytes = (uint8_t *)&raw;
	bool written = false;
	uint32_t i;

	for (i = 0; i < len && offset < ACTUAL_END; i++, offset++) {
		if (offset < ACTUAL_AT)
			continue;
		bytes[offset - ACTUAL_AT] = buf[i];
		written = true;
	}
	balloon->actual = le32toh(raw);
	if (written)
		dev->counters[BALLOON_ACTUAL_WRITTEN]++;
}

bool balloon_set_num_pages(struct device *dev, uint32_t pages)
{
	struct balloon *balloon = balloon_of(dev);

	if (pages == balloon->num_pages)
		return false;
	device_config_changing(dev);
	balloon->num_pages = pages;
	dev->counters[BALLOON_TARGET_CHANGED]++;
	device_config_changed(dev);
	return true;
}

static void balloon_save(const struct device *dev, struct snapshot_out *out)
{
	const struct balloon *balloon = (const struct balloon *)dev;

	drain_save(&balloon->drain, out);
	snapshot_put(out, 4, balloon->num_pages);
	snapshot_put(out, 4, balloon->actual);
}

static void balloon_restore(struct device *dev, const struct snapshot_view *view,
			    struct snapshot_in *in)
{
	struct balloon *balloon = balloon_of(dev);
	uint32_t num_pages, actual;

	drain_restore(&balloon->drain, dev, view, in);
	num_pages = (uint32_t)snapshot_get(in, 4);
	actual = (uint32_t)snapshot_get(in, 4);
	if (!in->commit)
		return;
	balloon->num_pages = num_pages;
	balloon->actual = actual;
}

const struct device_ops balloon_ops = {
	.name = "balloon",
	.device_id = VIRTIO_ID_BALLOON,
	.state_size = sizeof(struct balloon),
	.scratch_size = sizeof(struct balloon) - offsetof(struct balloon, buffers),
	.features = UINT64_C(1) << VIRTIO_F_VERSION_1,
	.queue_count = BALLOON_QUEUE_COUNT,
	.queues = balloon_queues,
	.counter_count = BALLOON_COUNTER_COUNT,
	.counter_names = counter_names,
	.create = balloon_create,
	.destroy = balloon_destroy,
	.reset = balloon_reset,
	.queue_reset = balloon_queue_reset,
	.notify = balloon_notify,
	.work = balloon_work,
	.state = balloon_state,
	.config_read = balloon_config_read,
	.config_write = balloon_config_write,
	.save = balloon_save,
	.restore = balloon_restore,
};
