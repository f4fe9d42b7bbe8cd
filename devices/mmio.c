/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The virtio-mmio transport: the life of a device, which accesses are well
 * formed, and the counters.  mmio_registers.c has the registers, mmio_driver.c what
 * a driver does by them; mmio.h says what this transport is and is not.
 *
 * VIRTIO 1.4, 4.2.2.
 */
#include <endian.h>
#include <stddef.h>
#include <string.h>

#include <linux/virtio_mmio.h>

#include "guard.h"
#include "mmio_private.h"
#include "table.h"
#include "virtqueue.h"

/* Enough for every member of a block.  Not max_align_t, which is 8 on some machines:
 * a device takes as much memory on each. */
#define BLOCK_ALIGN 16
_Static_assert(BLOCK_ALIGN >= _Alignof(max_align_t), "a block is aligned for all that is in it");

#define ROUND_UP(n, a) (((n) + (a)-1) / (a) * (a))

TABLE(static const char *const, counter_names, MMIO_COUNTER_COUNT, 1,
	/* Register access that is not 4 bytes and aligned, configuration access
	 * that is not 1, 2, 4 or 8 bytes, or that writes while the device is suspended. */
	[MMIO_BAD_ACCESS] = "mmio_bad_access",
	/* Status write that is not one step up, SUSPEND, FAILED, the same again, or 0. */
	[MMIO_STATUS_REFUSED] = "mmio_status_refused",
	/* FEATURES_OK that did not stick, for the features the driver accepted. */
	[MMIO_FEATURES_REFUSED] = "mmio_features_refused",
	/* DriverFeatures written before DRIVER or after FEATURES_OK. */
	[MMIO_FEATURE_WRITE_REFUSED] = "mmio_feature_write_refused",
	/* Queue register written on the wrong rung, while the queue is ready, for
	 * a queue that does not exist, or with a value that it cannot take. */
	[MMIO_QUEUE_CONFIG_REFUSED] = "mmio_queue_config_refused",
	/* Notification for a queue that does not exist or is not ready, or on a
	 * device that is not live. */
	[MMIO_NOTIFY_IGNORED] = "mmio_notify_ignored");

/* Whether an access has the width and alignment of a register.  One that starts in
 * the registers and ends in configuration space has not. */
static bool access_allowed(uint64_t offset, uint32_t len)
{
	return len == 4 && offset % 4 == 0;
}

void mmio_read(struct mmio *m, uint64_t offset, void *buf, uint32_t len)
{
	const struct mmio_register *reg;
	uint32_t value;

	if (offset >= VIRTIO_MMIO_CONFIG) {
		mmio_config_read(m, offset - VIRTIO_MMIO_CONFIG, buf, len);
		return;
	}
	if (!access_allowed(offset, len)) {
		mmio_count(m, MMIO_BAD_ACCESS);
		memset(buf, 0xff, len);
		return;
	}
	reg = &mmio_registers[offset / 4];
	value = htole32(reg->read ? reg->read(m) : reg->value);
	memcpy(buf, &value, sizeof(value));
}

void mmio_write(struct mmio *m, uint64_t offset, const void *buf, uint32_t len)
{
	const struct mmio_register *reg;
	uint32_t value;

	if (offset >= VIRTIO_MMIO_CONFIG) {
		mmio_config_write(m, offset - VIRTIO_MMIO_CONFIG, buf, len);
		return;
	}
	if (!access_allowed(offset, len)) {
		mmio_count(m, MMIO_BAD_ACCESS);
		return;
	}
	reg = &mmio_registers[offset / 4];
	memcpy(&value, buf, sizeof(value));
	if (reg->write)
		reg->write(m, le32toh(value));
}

struct device *mmio_device(struct mmio *m)
{
	return m->dev;
}

void mmio_work(struct mmio *m)
{
	if (device_live(m->dev))
		m->dev->ops->work(m->dev);
}

enum device_state mmio_state(const struct mmio *m)
{
	return device_live(m->dev) ? m->dev->ops->state(m->dev) : DEVICE_IDLE;
}

unsigned mmio_counter_count(const struct mmio *m)
{
	return MMIO_COUNTER_COUNT + m->dev->ops->counter_count;
}

const char *mmio_counter_name_of(const struct device_ops *ops, unsigned i)
{
	if (i < MMIO_COUNTER_COUNT)
		return counter_names[i];
	if (i < MMIO_COUNTER_COUNT + ops->counter_count)
		return ops->counter_names[i - MMIO_COUNTER_COUNT];
	return NULL;
}

const char *mmio_counter_name(const struct mmio *m, unsigned i)
{
	return mmio_counter_name_of(m->dev->ops, i);
}

const uint64_t *mmio_counters(const struct mmio *m)
{
	return m->counters;
}

static uint16_t queue_size_limit(const struct device_ops *ops, const uint16_t *queue_max,
				 unsigned i)
{
	return queue_max ? queue_max[i] : ops->queues[i].size_max;
}

/* Where the parts of a device are in its block, of which there is one since a device
 * is made for every fuzz program:
 *
 *   struct mmio | queues | counters | state ... scratch | seen bits
 *   `------------- zeroed ----------------'
 *
 * Between the parts are guards; those on both sides of the queues have room for one
 * queue more than there is. */
struct layout {
	size_t queues, counters, state, seen, size;
};

#define GUARD ROUND_UP(sizeof(struct virtqueue), BLOCK_ALIGN)

/* Where the next part begins, if there is one of `size` bytes at `at`. */
static size_t part_after(size_t at, size_t size)
{
	return at + ROUND_UP(size, BLOCK_ALIGN) + GUARD;
}

static struct layout layout_of(const struct device_ops *ops)
{
	struct layout at;

	at.queues = part_after(0, sizeof(struct mmio));
	at.counters = part_after(at.queues, ops->queue_count * sizeof(struct virtqueue));
	at.state = part_after(at.counters,
			      (MMIO_COUNTER_COUNT + ops->counter_count) * sizeof(uint64_t));
	at.seen = part_after(at.state, ops->state_size);
	at.size = at.seen;
	return at;
}

static void guards_set(const struct device_ops *ops, uint8_t *block)
{
	const struct layout at = layout_of(ops);

	guard_forbid(block + at.queues - GUARD, GUARD);
	guard_forbid(block + at.counters - GUARD, GUARD);
	guard_forbid(block + at.state - GUARD, GUARD);
	guard_forbid(block + at.seen - GUARD, GUARD);
}

static void block_free(const struct device_ops *ops, const struct device_host *host, void *block)
{
	guard_allow(block, layout_of(ops).seen);
	host->free(host->ctx, block);
}

struct mmio *mmio_create(const struct device_ops *ops, const struct device_host *host,
			 uint64_t offered, const uint16_t *queue_max)
{
	struct layout at = layout_of(ops);
	struct mmio *m;
	uint8_t *block, *seen;
	unsigned i;

	offered &= ops->features | VIRTQUEUE_FEATURES | MMIO_FEATURES;
	for (i = 0; i < ops->queue_count; i++)
		at.size += virtqueue_scratch_size(queue_size_limit(ops, queue_max, i), offered);
	block = host->alloc(host->ctx, at.size);
	if (!block)
		return NULL;
	memset(block, 0, at.state + ops->state_size - ops->scratch_size);

	m = (struct mmio *)block;
	m->counters = (uint64_t *)(block + at.counters);
	m->dev = (struct device *)(block + at.state);
	m->dev->ops = ops;
	m->dev->host = host;
	m->dev->queues = (struct virtqueue *)(block + at.queues);
	m->dev->counters = m->counters + MMIO_COUNTER_COUNT;
	m->dev->offered = offered | MMIO_F_VERSION_1;
	seen = block + at.seen;
	for (i = 0; i < ops->queue_count; i++) {
		uint16_t limit = queue_size_limit(ops, queue_max, i);

		virtqueue_init(&m->dev->queues[i], host, (uint16_t)i, limit, seen);
		seen += virtqueue_scratch_size(limit, offered);
	}
	guards_set(ops, block);
	if (ops->create(m->dev)) {
		block_free(ops, host, block);
		return NULL;
	}
	return m;
}

void mmio_offer_high(struct mmio *m, uint64_t offered)
{
	struct device_high *high = device_high(m->dev);

	if (high)
		high->offered = offered & high->dev.ops->features_high;
}

void mmio_destroy(struct mmio *m)
{
	if (!m)
		return;
	m->dev->ops->destroy(m->dev);
	block_free(m->dev->ops, m->dev->host, m);
}
