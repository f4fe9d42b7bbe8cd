/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * virtio-mmio as a transport: a driver's register accesses, each judged and
 * traced.  See transport.h; VIRTIO 1.4, 4.2.2.
 */
#include "devices/table.h"
#include "devices/virtio_1_4.h"
#include "devices/virtqueue.h"
#include "harness/guest/guest_internal.h"

#include <endian.h>
#include <linux/virtio_mmio.h>
#include <string.h>

static uint64_t look(const struct guest *g, uint32_t offset, uint32_t width)
{
	uint64_t bytes = 0;

	g->target->read(g->device, offset, &bytes, width);
	return le64toh(bytes);
}

static uint32_t look_status(const struct guest *g)
{
	return (uint32_t)look(g, VIRTIO_MMIO_STATUS, 4);
}

static uint32_t look_interrupt_status(const struct guest *g)
{
	return (uint32_t)look(g, VIRTIO_MMIO_INTERRUPT_STATUS, 4);
}

static uint32_t look_generation(const struct guest *g)
{
	return (uint32_t)look(g, VIRTIO_MMIO_CONFIG_GENERATION, 4);
}

static struct features look_features(const struct guest *g)
{
	return (struct features){ .low = look(g, VIRTIO_MMIO_DEVICE_FEATURES, 4) };
}

static uint32_t look_queue_max(const struct guest *g)
{
	return (uint32_t)look(g, VIRTIO_MMIO_QUEUE_NUM_MAX, 4);
}

static uint32_t look_queue_ready(const struct guest *g)
{
	return (uint32_t)look(g, VIRTIO_MMIO_QUEUE_READY, 4);
}

static uint32_t look_queue_reset(const struct guest *g)
{
	return (uint32_t)look(g, VIRTIO_MMIO_QUEUE_RESET, 4);
}

static uint64_t look_config(const struct guest *g, uint32_t offset, uint32_t width)
{
	return look(g, VIRTIO_MMIO_CONFIG + offset, width);
}

static void set_selector(const struct guest *g, uint32_t offset, uint32_t value)
{
	const uint32_t bytes = htole32(value);

	g->target->write(g->device, offset, &bytes, sizeof(bytes));
}

static void aim(struct guest *g, uint32_t queue)
{
	set_selector(g, VIRTIO_MMIO_QUEUE_SEL, queue);
}

static void aim_at_first(struct guest *g)
{
	set_selector(g, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	set_selector(g, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	set_selector(g, VIRTIO_MMIO_QUEUE_SEL, 0);
	set_selector(g, VIRTIO_MMIO_SHM_SEL, 0);
}

/* Accesses after which the ledger need not be shown the status: reads of
 * registers and writes of those that only remember what is written.  Should a
 * device change its status there, the next look tells. */
static bool is_quiet(bool write, uint32_t offset, uint32_t width)
{
	if (width != 4 || offset % 4 != 0 || offset >= VIRTIO_MMIO_CONFIG)
		return false;
	if (!write)
		return true;
	return (offset >= VIRTIO_MMIO_QUEUE_DESC_LOW && offset <= VIRTIO_MMIO_QUEUE_USED_HIGH) ||
	       (offset >= VIRTIO_MMIO_DEVICE_FEATURES_SEL && offset <= VIRTIO_MMIO_QUEUE_NUM);
}

static void trace_register(const struct guest *g, enum trace_kind kind, uint32_t offset,
			   uint32_t width, uint64_t value)
{
	struct trace_event event = {
		.kind = (uint8_t)kind, .addr = offset, .len = width, .value = value
	};

	if (g->trace != NULL)
		g->trace->event(g->trace->ctx, &event);
}

static uint64_t read_any(struct guest *g, uint32_t offset, uint32_t width)
{
	struct ledger_probe after;
	uint64_t value = 0;
	uint8_t bytes[8];

	/* Bytes that the device does not fill are seen, as a host's would be. */
	memset(bytes, 0xa5, sizeof(bytes));
	g->entered = true;
	ledger_access_begin(&g->ledger, false, offset, width, 0);
	g->target->read(g->device, offset, bytes, width);
	for (uint32_t i = 0; i < width; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	g->last_read = value;
	if (offset == VIRTIO_MMIO_CONFIG_GENERATION && width == 4) {
		g->generation = value;
		g->generation_read = true;
	}
	guest_returned(g);
	/* It may have moved since the device was new. */
	if (offset != VIRTIO_MMIO_CONFIG_GENERATION)
		guest_note_read(g, offset, value);
	if (!is_quiet(false, offset, width))
		guest_look(g, false, &after);
	ledger_access_end(&g->ledger, false, offset, width, value,
			  is_quiet(false, offset, width) ? NULL : &after);
	if (offset >= VIRTIO_MMIO_CONFIG && (width & (width - 1)) == 0)
		guest_look_at_config(g, offset - VIRTIO_MMIO_CONFIG, width, value,
				     look_generation(g));
	trace_register(g, TRACE_REG_READ, offset, width, value);
	return value;
}

static void finish_write(struct guest *g, uint32_t offset, uint64_t value)
{
	if (value == 0 && offset == VIRTIO_MMIO_STATUS)
		guest_poll(g, look_status);
	else if (value == 0 && offset == VIRTIO_MMIO_QUEUE_READY)
		guest_poll(g, look_queue_ready);
	else if (value == 1 && offset == VIRTIO_MMIO_QUEUE_RESET)
		guest_poll(g, look_queue_reset);
}

static void write_any(struct guest *g, uint32_t offset, uint32_t width, uint64_t value)
{
	struct ledger_probe after;
	uint64_t bytes = htole64(value);

	if (width < 8)
		value &= (1ULL << (8 * width)) - 1;
	g->entered = true;
	trace_register(g, TRACE_REG_WRITE, offset, width, value);
	ledger_access_begin(&g->ledger, true, offset, width, value);
	g->target->write(g->device, offset, &bytes, width);
	guest_returned(g);
	if (width == 4)
		finish_write(g, offset, value);
	if (!is_quiet(true, offset, width))
		guest_look(g, ledger_wants_queue(offset), &after);
	ledger_access_end(&g->ledger, true, offset, width, value,
			  is_quiet(true, offset, width) ? NULL : &after);
	if (offset >= VIRTIO_MMIO_CONFIG)
		guest_look_at_told(g, offset - VIRTIO_MMIO_CONFIG, width);
}

static void write32(struct guest *g, uint32_t offset, uint64_t value)
{
	write_any(g, offset, 4, value & 0xffffffff);
}

static void write_status(struct guest *g, uint32_t status)
{
	write32(g, VIRTIO_MMIO_STATUS, status);
}

static struct features read_features(struct guest *g)
{
	struct features features = { 0 };

	for (uint32_t page = 0; page < target_feature_pages(g->target); page++) {
		write32(g, VIRTIO_MMIO_DEVICE_FEATURES_SEL, page);
		features_set(&features, page,
			     (uint32_t)read_any(g, VIRTIO_MMIO_DEVICE_FEATURES, 4));
	}
	return features;
}

static void write_features(struct guest *g, struct features features)
{
	for (uint32_t page = 0; page < features_pages(g->target, features); page++) {
		write32(g, VIRTIO_MMIO_DRIVER_FEATURES_SEL, page);
		write32(g, VIRTIO_MMIO_DRIVER_FEATURES, features_get(features, page));
	}
}

static void select_queue(struct guest *g, uint64_t queue)
{
	write32(g, VIRTIO_MMIO_QUEUE_SEL, queue);
}

static uint32_t read_queue_max(struct guest *g)
{
	return (uint32_t)read_any(g, VIRTIO_MMIO_QUEUE_NUM_MAX, 4);
}

static void write_queue(struct guest *g, uint16_t size, const uint64_t area[VIRTQUEUE_AREA_COUNT])
{
	TABLE(static const uint32_t, low, VIRTQUEUE_AREA_COUNT, 1,
	      [VIRTQUEUE_DESC] = VIRTIO_MMIO_QUEUE_DESC_LOW,
	      [VIRTQUEUE_DRIVER] = VIRTIO_MMIO_QUEUE_AVAIL_LOW,
	      [VIRTQUEUE_DEVICE] = VIRTIO_MMIO_QUEUE_USED_LOW);

	write32(g, VIRTIO_MMIO_QUEUE_NUM, size);
	for (int i = 0; i < VIRTQUEUE_AREA_COUNT; i++) {
		write32(g, low[i], area[i]);
		write32(g, low[i] + 4, area[i] >> 32);
	}
}

static void write_queue_ready(struct guest *g, uint64_t ready)
{
	write32(g, VIRTIO_MMIO_QUEUE_READY, ready);
}

static void write_queue_reset(struct guest *g, uint64_t reset)
{
	write32(g, VIRTIO_MMIO_QUEUE_RESET, reset);
}

/* Of a driver that accepted NOTIFICATION_DATA: where it is in the ring, too (2.9, 4.2.3.3).  What
 * is no queue's number is written as it stands, and so may say anything. */
static uint64_t notification(const struct guest *g, uint64_t queue, uint16_t flip)
{
	const struct guest_queue *q;
	uint64_t next;

	if ((g->accepted >> VIRTIO_F_NOTIFICATION_DATA & 1) == 0 || queue >= PROGRAM_QUEUES)
		return queue;
	q = &g->queues[queue];
	next = q->packed ? virtqueue_cursor(q->packed_at.avail_slot, q->packed_at.avail_wrap)
			 : q->avail_idx;
	return queue | (next ^ flip) << 16;
}

static void notify(struct guest *g, uint64_t queue, uint16_t flip)
{
	write32(g, VIRTIO_MMIO_QUEUE_NOTIFY, notification(g, queue, flip));
}

static void ack_interrupt(struct guest *g, uint64_t bits)
{
	write32(g, VIRTIO_MMIO_INTERRUPT_ACK, bits);
}

/* Configuration that a driver looks for beyond the region is in it again. */
static uint32_t config_offset(uint64_t offset)
{
	return (uint32_t)(VIRTIO_MMIO_CONFIG + offset) & 0xfff;
}

static void read_config(struct guest *g, uint64_t offset, uint32_t width)
{
	read_any(g, config_offset(offset), width);
}

static void write_config(struct guest *g, uint64_t offset, uint32_t width, uint64_t value)
{
	write_any(g, config_offset(offset), width, value);
}

static void read_register(struct guest *g, uint32_t offset, uint32_t width)
{
	read_any(g, offset, width);
}

const struct transport transport_mmio = {
	.name = "mmio",
	.write_status = write_status,
	.read_features = read_features,
	.write_features = write_features,
	.select_queue = select_queue,
	.read_queue_max = read_queue_max,
	.write_queue = write_queue,
	.write_queue_ready = write_queue_ready,
	.write_queue_reset = write_queue_reset,
	.notify = notify,
	.ack_interrupt = ack_interrupt,
	.read_config = read_config,
	.write_config = write_config,
	.read_register = read_register,
	.write_register = write_any,
	.look_register = look,
	.aim = aim,
	.aim_at_first = aim_at_first,
	.look_status = look_status,
	.look_interrupt_status = look_interrupt_status,
	.look_generation = look_generation,
	.look_features = look_features,
	.look_queue_max = look_queue_max,
	.look_queue_ready = look_queue_ready,
	.look_queue_reset = look_queue_reset,
	.look_config = look_config,
};
