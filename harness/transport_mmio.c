/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * virtio-mmio as a transport: a driver's register accesses, each judged and
 * traced.  See transport.h; VIRTIO 1.4, 4.2.2.
 */
#include "devices/table.h"
#include "harness/run_internal.h"

#include <endian.h>
#include <linux/virtio_mmio.h>
#include <string.h>

static uint64_t look(const struct run *run, uint32_t offset, uint32_t width)
{
	uint8_t bytes[8] = { 0 };
	uint64_t value = 0;

	run->target->read(run->device, offset, bytes, width);
	for (uint32_t i = 0; i < width; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	return value;
}

static uint32_t look_status(const struct run *run)
{
	return (uint32_t)look(run, VIRTIO_MMIO_STATUS, 4);
}

static uint32_t look_interrupt_status(const struct run *run)
{
	return (uint32_t)look(run, VIRTIO_MMIO_INTERRUPT_STATUS, 4);
}

static uint32_t look_generation(const struct run *run)
{
	return (uint32_t)look(run, VIRTIO_MMIO_CONFIG_GENERATION, 4);
}

static uint32_t look_queue_ready(const struct run *run)
{
	return (uint32_t)look(run, VIRTIO_MMIO_QUEUE_READY, 4);
}

static uint64_t look_config(const struct run *run, uint32_t offset, uint32_t width)
{
	return look(run, VIRTIO_MMIO_CONFIG + offset, width);
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

static void trace_register(const struct run *run, enum trace_kind kind, uint32_t offset,
			   uint32_t width, uint64_t value)
{
	struct trace_event event = {
		.kind = (uint8_t)kind, .addr = offset, .len = width, .value = value
	};

	if (run->trace != NULL)
		run->trace->event(run->trace->ctx, &event);
}

uint64_t guest_read(struct run *run, uint32_t offset, uint32_t width)
{
	struct ledger_probe after;
	uint64_t value = 0;
	uint8_t bytes[8];

	/* Bytes that the device does not fill are seen, as a host's would be. */
	memset(bytes, 0xa5, sizeof(bytes));
	run->entered = true;
	ledger_access_begin(&run->ledger, false, offset, width, 0);
	run->target->read(run->device, offset, bytes, width);
	for (uint32_t i = 0; i < width; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	run->last_read = value;
	if (offset == VIRTIO_MMIO_CONFIG_GENERATION && width == 4) {
		run->generation = value;
		run->generation_read = true;
	}
	guest_returned(run);
	/* It may have moved since the device was new. */
	if (offset != VIRTIO_MMIO_CONFIG_GENERATION)
		twin_value(&run->twin, TWIN_REGISTERS, value);
	if (!is_quiet(false, offset, width))
		guest_look(run, false, &after);
	ledger_access_end(&run->ledger, false, offset, width, value,
			  is_quiet(false, offset, width) ? NULL : &after);
	if (offset >= VIRTIO_MMIO_CONFIG && (width & (width - 1)) == 0)
		guest_look_at_config(run, offset - VIRTIO_MMIO_CONFIG, width, value,
				     look_generation(run));
	trace_register(run, TRACE_REG_READ, offset, width, value);
	return value;
}

/* A reset and the stop of a queue may take a device some steps; its driver
 * polls. */
static void finish_write(struct run *run, uint32_t offset, uint64_t value)
{
	if (value != 0 || run->target->transport ||
	    (offset != VIRTIO_MMIO_STATUS && offset != VIRTIO_MMIO_QUEUE_READY))
		return;
	for (int i = 0; i < RUN_SETTLE_MAX && look(run, offset, 4) != 0 &&
			target_state(run->target, run->device) == DEVICE_WORK;
	     i++) {
		target_work(run->target, run->device);
		guest_returned(run);
	}
}

void guest_write(struct run *run, uint32_t offset, uint32_t width, uint64_t value)
{
	struct ledger_probe after;
	uint64_t bytes = htole64(value);

	if (width < 8)
		value &= (1ULL << (8 * width)) - 1;
	run->entered = true;
	trace_register(run, TRACE_REG_WRITE, offset, width, value);
	ledger_access_begin(&run->ledger, true, offset, width, value);
	run->target->write(run->device, offset, &bytes, width);
	guest_returned(run);
	if (width == 4)
		finish_write(run, offset, value);
	if (!is_quiet(true, offset, width))
		guest_look(run, offset == VIRTIO_MMIO_QUEUE_READY, &after);
	ledger_access_end(&run->ledger, true, offset, width, value,
			  is_quiet(true, offset, width) ? NULL : &after);
}

static void write32(struct run *run, uint32_t offset, uint64_t value)
{
	guest_write(run, offset, 4, value & 0xffffffff);
}

static void write_status(struct run *run, uint32_t status)
{
	write32(run, VIRTIO_MMIO_STATUS, status);
}

static uint64_t read_features(struct run *run)
{
	uint64_t features = 0;

	for (uint32_t page = 0; page < 2; page++) {
		write32(run, VIRTIO_MMIO_DEVICE_FEATURES_SEL, page);
		features |= guest_read(run, VIRTIO_MMIO_DEVICE_FEATURES, 4) << (32 * page);
	}
	return features;
}

static void write_features(struct run *run, uint64_t features)
{
	for (uint32_t page = 0; page < 2; page++) {
		write32(run, VIRTIO_MMIO_DRIVER_FEATURES_SEL, page);
		write32(run, VIRTIO_MMIO_DRIVER_FEATURES, features >> (32 * page));
	}
}

static void select_queue(struct run *run, uint64_t queue)
{
	write32(run, VIRTIO_MMIO_QUEUE_SEL, queue);
}

static uint32_t read_queue_max(struct run *run)
{
	return (uint32_t)guest_read(run, VIRTIO_MMIO_QUEUE_NUM_MAX, 4);
}

static void write_queue(struct run *run, uint16_t size, const uint64_t area[VIRTQUEUE_AREA_COUNT])
{
	TABLE(static const uint32_t, low, VIRTQUEUE_AREA_COUNT, 1,
	      [VIRTQUEUE_DESC] = VIRTIO_MMIO_QUEUE_DESC_LOW,
	      [VIRTQUEUE_DRIVER] = VIRTIO_MMIO_QUEUE_AVAIL_LOW,
	      [VIRTQUEUE_DEVICE] = VIRTIO_MMIO_QUEUE_USED_LOW);

	write32(run, VIRTIO_MMIO_QUEUE_NUM, size);
	for (int i = 0; i < VIRTQUEUE_AREA_COUNT; i++) {
		write32(run, low[i], area[i]);
		write32(run, low[i] + 4, area[i] >> 32);
	}
}

static void write_queue_ready(struct run *run, uint64_t ready)
{
	write32(run, VIRTIO_MMIO_QUEUE_READY, ready);
}

static void notify(struct run *run, uint64_t queue)
{
	write32(run, VIRTIO_MMIO_QUEUE_NOTIFY, queue);
}

static void ack_interrupt(struct run *run, uint64_t bits)
{
	write32(run, VIRTIO_MMIO_INTERRUPT_ACK, bits);
}

/* Configuration that a driver looks for beyond the region is in it again. */
static uint32_t config_offset(uint64_t offset)
{
	return (uint32_t)(VIRTIO_MMIO_CONFIG + offset) & 0xfff;
}

static void read_config(struct run *run, uint64_t offset, uint32_t width)
{
	guest_read(run, config_offset(offset), width);
}

static void write_config(struct run *run, uint64_t offset, uint32_t width, uint64_t value)
{
	guest_write(run, config_offset(offset), width, value);
}

static void read_register(struct run *run, uint32_t offset, uint32_t width)
{
	guest_read(run, offset, width);
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
	.notify = notify,
	.ack_interrupt = ack_interrupt,
	.read_config = read_config,
	.write_config = write_config,
	.read_register = read_register,
	.write_register = guest_write,
	.look_status = look_status,
	.look_interrupt_status = look_interrupt_status,
	.look_generation = look_generation,
	.look_queue_ready = look_queue_ready,
	.look_config = look_config,
};
