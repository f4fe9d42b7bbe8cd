/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The lying guest: what a driver knows, and its register accesses, each judged
 * and traced.  Its operations are in guest_ops.c.  See run.h.
 */
#include "harness/run_internal.h"

#include <endian.h>
#include <linux/virtio_mmio.h>
#include <string.h>

#define KIB 1024u
#define RING_SPAN (4 * KIB) /* between the parts of a ring at its default place */

/* Where the slots are at first: base and offset from it, length. */
static const struct {
	uint8_t base;
	int32_t offset;
	uint32_t len;
} default_slots[PROGRAM_SLOTS] = {
	{ BASE_LOW, 96 * KIB, 12 },		/* b0: a virtio-net header */
	{ BASE_LOW, 96 * KIB + 0x100, 64 },	/* b1: a small frame */
	{ BASE_LOW, 96 * KIB + 0x400, 1514 },	/* b2: a full frame */
	{ BASE_LOW, 96 * KIB + 0x200, 76 },	/* b3: header and small frame */
	{ BASE_LOW, 96 * KIB + 0x1000, 4096 },	/* b4: a page */
	{ BASE_LOW, 96 * KIB + 0x4000, 65557 }, /* b5: the largest frame */
	{ BASE_SEAM, -32768, 65569 }, /* b6: the largest frame and its header, across the seam */
	{ BASE_LOW, 96 * KIB + 0x3000, 0 },	 /* b7: nothing */
	{ BASE_LOW, 96 * KIB + 0x2000, 12 },	 /* b8 to b12: as b0, b3, b2 and header, b4, b6 */
	{ BASE_LOW, 96 * KIB + 0x2100, 76 },	 /* b9 */
	{ BASE_LOW, 96 * KIB + 0x2200, 1526 },	 /* b10 */
	{ BASE_LOW, 96 * KIB + 0x3000, 4096 },	 /* b11 */
	{ BASE_LOW, 96 * KIB + 0x14100, 65569 }, /* b12 */
	{ BASE_SEAM, -32, 64 },			 /* b13: across the seam */
	{ BASE_TOP, -64, 64 },			 /* b14: the last bytes there are */
	{ BASE_HOLE, 0, 64 },			 /* b15: not there */
};

void guest_reset(struct run *run)
{
	const struct arena *arena = &run->arena;

	for (int i = 0; i < PROGRAM_SLOTS; i++) {
		run->slots[i].addr = arena->place[default_slots[i].base] +
				     (uint64_t)(int64_t)default_slots[i].offset;
		run->slots[i].len = default_slots[i].len;
	}
	for (unsigned i = 0; i < PROGRAM_QUEUES; i++) {
		struct guest_queue *q = &run->queues[i];

		q->size = GUEST_QUEUE_SIZE_MAX;
		for (unsigned part = 0; part < RING_PART_COUNT; part++)
			q->ring[part] =
				arena->place[BASE_LOW] + (i * RING_PART_COUNT + part) * RING_SPAN;
		q->avail_idx = 0;
		q->used_idx = 0;
	}
	run->last_read = 0;
	run->output_len = 0;
}

uint64_t guest_addr(const struct run *run, uint8_t base, uint64_t offset)
{
	if (base >= BASE_RING)
		return run->queues[(base - BASE_RING) / 4].ring[(base - BASE_RING) % 4] + offset;
	if (base >= BASE_SLOT)
		return run->slots[base - BASE_SLOT].addr + offset;
	if (base >= BASE_LOW && base <= BASE_HOLE)
		return run->arena.place[base] + offset;
	return offset;
}

static uint32_t get32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t peek(const struct run *run, uint32_t offset)
{
	uint8_t bytes[4];

	run->target->read(run->device, offset, bytes, sizeof(bytes));
	return get32(bytes);
}

/* A call of the device is over. */
static void returned(struct run *run)
{
	if (run->target->hung != NULL && run->target->hung(run->device))
		ledger_find(&run->ledger, FINDING_HANG, "hang",
			    "the device's own threads did not come to rest");
	if (run->arena.race_count > 0)
		arena_strike_due(&run->arena);
}

/* What a guest sees next; reads of these change nothing (VIRTIO 4.2.2). */
static void probe(struct run *run, bool ready, struct ledger_probe *p)
{
	p->status = peek(run, VIRTIO_MMIO_STATUS);
	p->interrupt_status = peek(run, VIRTIO_MMIO_INTERRUPT_STATUS);
	p->generation_seen = run->ledger.call.host_changes ||
			     (run->ledger.interrupts & VIRTIO_MMIO_INT_CONFIG) != 0;
	p->generation = p->generation_seen ? peek(run, VIRTIO_MMIO_CONFIG_GENERATION) : 0;
	twin_value(&run->twin, TWIN_REGISTERS, (uint64_t)p->interrupt_status << 32 | p->status);
	p->ready = ready ? peek(run, VIRTIO_MMIO_QUEUE_READY) : 0;
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
	returned(run);
	/* It may have moved since the device was new. */
	if (offset != VIRTIO_MMIO_CONFIG_GENERATION)
		twin_value(&run->twin, TWIN_REGISTERS, value);
	if (!is_quiet(false, offset, width))
		probe(run, false, &after);
	ledger_access_end(&run->ledger, false, offset, width, value,
			  is_quiet(false, offset, width) ? NULL : &after);
	if (offset >= VIRTIO_MMIO_CONFIG && (width & (width - 1)) == 0)
		guest_look_at_config(run, offset - VIRTIO_MMIO_CONFIG, width, value,
				     peek(run, VIRTIO_MMIO_CONFIG_GENERATION));
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
	for (int i = 0; i < RUN_SETTLE_MAX && peek(run, offset) != 0 &&
			target_state(run->target, run->device) == DEVICE_WORK;
	     i++) {
		target_work(run->target, run->device);
		returned(run);
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
	returned(run);
	if (width == 4)
		finish_write(run, offset, value);
	if (!is_quiet(true, offset, width))
		probe(run, offset == VIRTIO_MMIO_QUEUE_READY, &after);
	ledger_access_end(&run->ledger, true, offset, width, value,
			  is_quiet(true, offset, width) ? NULL : &after);
}

void guest_work(struct run *run)
{
	struct trace_event event = { .kind = TRACE_WORK };
	struct ledger_probe after;

	run->entered = true;
	if (run->trace != NULL)
		run->trace->event(run->trace->ctx, &event);
	ledger_work_begin(&run->ledger);
	target_work(run->target, run->device);
	returned(run);
	probe(run, false, &after);
	ledger_work_end(&run->ledger, &after);
}

uint32_t guest_host(struct run *run, enum host_act act, unsigned port, void *data, uint32_t len)
{
	struct trace_event event = { .kind = TRACE_HOST, .index = port, .value = act };
	struct ledger_probe after;
	uint32_t moved;

	run->entered = true;
	ledger_work_begin(&run->ledger);
	ledger_host_begin(&run->ledger, act, port, data, len);
	moved = target_host(run->target, run->device, act, port, data, len);
	returned(run);
	ledger_host_end(&run->ledger, act, port, data, len, moved);
	probe(run, false, &after);
	ledger_work_end(&run->ledger, &after);
	twin_value(&run->twin, TWIN_HOST, moved);
	if (act == HOST_TAKE)
		twin_bytes(&run->twin, TWIN_HOST, data, moved);
	event.len = moved;
	event.data = data;
	if (run->trace != NULL)
		run->trace->event(run->trace->ctx, &event);
	return moved;
}

bool guest_take(struct run *run, unsigned queue, uint32_t *id, uint32_t *len)
{
	struct guest_queue *q = &run->queues[queue];
	uint64_t used = q->ring[RING_USED];
	uint8_t entry[8];

	if (q->size == 0 || q->used_idx == arena_load16(&run->arena, used + 2))
		return false;
	arena_load(&run->arena, used + 4 + 8ull * (q->used_idx % q->size), entry, sizeof(entry));
	q->used_idx++;
	*id = get32(entry);
	*len = get32(entry + 4);
	if (run->trace != NULL) {
		struct trace_event event = { .kind = TRACE_USED,
					     .why = { .queue = (uint16_t)queue },
					     .value = *id,
					     .len = *len };

		run->trace->event(run->trace->ctx, &event);
	}
	return true;
}
