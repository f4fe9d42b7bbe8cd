/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The lying guest, operation by operation.  See run.h.
 *
 * It never fails: what cannot be done (a ring in a hole, a queue that is not
 * there) is done as far as it goes, as on a real machine.
 */
#include "harness/run_internal.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

static void write32(struct run *run, uint32_t offset, uint64_t value)
{
	guest_write(run, offset, 4, value & 0xffffffff);
}

static void accept_features(struct run *run, uint64_t features)
{
	for (uint32_t page = 0; page < 2; page++) {
		write32(run, VIRTIO_MMIO_DRIVER_FEATURES_SEL, page);
		write32(run, VIRTIO_MMIO_DRIVER_FEATURES, features >> (32 * page));
	}
}

static uint64_t offered_features(struct run *run)
{
	uint64_t features = 0;

	for (uint32_t page = 0; page < 2; page++) {
		write32(run, VIRTIO_MMIO_DEVICE_FEATURES_SEL, page);
		features |= guest_read(run, VIRTIO_MMIO_DEVICE_FEATURES, 4) << (32 * page);
	}
	return features;
}

/* Set a queue up as a driver does, rings initialised; ring[part] 0: where it
 * is.  size 0: the largest that its place has room for.  `needed` false: leave a
 * queue alone that the device says is not there. */
static void set_up_queue(struct run *run, unsigned queue, uint16_t size,
			 const uint64_t ring[RING_PART_COUNT], bool needed)
{
	static const uint32_t low[RING_PART_COUNT] = { VIRTIO_MMIO_QUEUE_DESC_LOW,
						       VIRTIO_MMIO_QUEUE_AVAIL_LOW,
						       VIRTIO_MMIO_QUEUE_USED_LOW };
	struct guest_queue *q = &run->queues[queue];
	uint32_t max;

	write32(run, VIRTIO_MMIO_QUEUE_SEL, queue);
	max = (uint32_t)guest_read(run, VIRTIO_MMIO_QUEUE_NUM_MAX, 4);
	if (max == 0 && !needed)
		return;
	if (size == 0) {
		size = GUEST_QUEUE_SIZE_MAX;
		while (size > max && size > 1)
			size /= 2;
	}
	q->size = size;
	write32(run, VIRTIO_MMIO_QUEUE_NUM, size);
	for (int part = 0; part < RING_PART_COUNT; part++) {
		if (ring[part] != 0)
			q->ring[part] = ring[part];
		write32(run, low[part], q->ring[part]);
		write32(run, low[part] + 4, q->ring[part] >> 32);
	}
	q->avail_idx = 0;
	q->used_idx = 0;
	arena_fill(&run->arena, q->ring[RING_AVAIL], 4, 0);
	arena_fill(&run->arena, q->ring[RING_USED], 4, 0);
	write32(run, VIRTIO_MMIO_QUEUE_READY, 1);
}

static void op_start(struct run *run, const struct program *prog, const struct op *op)
{
	static const uint64_t in_place[RING_PART_COUNT];
	uint64_t rung = op->value[0];
	uint32_t status = VIRTIO_CONFIG_S_ACKNOWLEDGE;
	uint64_t offered;

	(void)prog;
	write32(run, VIRTIO_MMIO_STATUS, 0);
	if (rung >= RUNG_ACKNOWLEDGE)
		write32(run, VIRTIO_MMIO_STATUS, status);
	status |= VIRTIO_CONFIG_S_DRIVER;
	if (rung >= RUNG_DRIVER)
		write32(run, VIRTIO_MMIO_STATUS, status);
	if (rung >= RUNG_FEATURES) {
		offered = offered_features(run);
		accept_features(run, op->value[2] != 0 ? offered & op->value[2] : offered);
	}
	status |= VIRTIO_CONFIG_S_FEATURES_OK;
	if (rung >= RUNG_FEATURES_OK)
		write32(run, VIRTIO_MMIO_STATUS, status);
	for (unsigned i = 0; rung >= RUNG_QUEUES && i < run->target->queue_count; i++)
		if (i < PROGRAM_QUEUES)
			set_up_queue(run, i, (uint16_t)op->value[1], in_place, false);
	if (rung >= RUNG_DRIVER_OK)
		write32(run, VIRTIO_MMIO_STATUS, status | VIRTIO_CONFIG_S_DRIVER_OK);
}

static void op_status(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	write32(run, VIRTIO_MMIO_STATUS, op->value[0]);
}

static void op_negotiate(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	accept_features(run, op->value[0]);
}

static void op_queue(struct run *run, const struct program *prog, const struct op *op)
{
	uint64_t ring[RING_PART_COUNT];

	(void)prog;
	for (int part = 0; part < RING_PART_COUNT; part++)
		ring[part] = guest_addr(run, op->base[2 + part], op->value[2 + part]);
	set_up_queue(run, (unsigned)op->value[0], (uint16_t)op->value[1], ring, true);
}

static void op_ready(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	write32(run, VIRTIO_MMIO_QUEUE_SEL, op->value[0]);
	write32(run, VIRTIO_MMIO_QUEUE_READY, op->value[1]);
}

static void op_notify(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	write32(run, VIRTIO_MMIO_QUEUE_NOTIFY, op->value[0]);
}

static void op_take(struct run *run, const struct program *prog, const struct op *op)
{
	uint64_t count = op->value[1] != 0 ? op->value[1] : UINT16_MAX + 1;
	uint32_t id, len;

	(void)prog;
	while (count-- > 0 && guest_take(run, (unsigned)op->value[0], &id, &len))
		;
}

static void op_ack(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	write32(run, VIRTIO_MMIO_INTERRUPT_ACK, op->value[0]);
}

static void op_config_read(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	guest_read(run, (uint32_t)(VIRTIO_MMIO_CONFIG + op->value[0]) & 0xfff,
		   (uint32_t)op->value[1]);
}

static void op_config_write(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	guest_write(run, (uint32_t)(VIRTIO_MMIO_CONFIG + op->value[0]) & 0xfff,
		    (uint32_t)op->value[2], op->value[1]);
}

static void op_reset(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	(void)op;
	write32(run, VIRTIO_MMIO_STATUS, 0);
}

static void op_read(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	guest_read(run, (uint32_t)op->value[0], (uint32_t)op->value[1]);
}

static void op_write(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	guest_write(run, (uint32_t)op->value[0], (uint32_t)op->value[2], op->value[1]);
}

static void op_store(struct run *run, const struct program *prog, const struct op *op)
{
	arena_store(&run->arena, guest_addr(run, op->base[0], op->value[0]),
		    prog->data + op->data_off, op->data_len);
}

static void op_fill(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	arena_fill(&run->arena, guest_addr(run, op->base[0], op->value[0]), op->value[1],
		   (uint8_t)op->value[2]);
}

static void op_pattern(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	arena_pattern(&run->arena, guest_addr(run, op->base[0], op->value[0]), op->value[1],
		      (uint8_t)op->value[2]);
}

static void op_unmap(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	arena_unmap(&run->arena, guest_addr(run, op->base[0], op->value[0]), op->value[1]);
}

static void op_map(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	arena_map(&run->arena, guest_addr(run, op->base[0], op->value[0]), op->value[1]);
}

static void op_buffer(struct run *run, const struct program *prog, const struct op *op)
{
	struct guest_slot *slot = &run->slots[op->value[0]];

	(void)prog;
	slot->addr = guest_addr(run, op->base[1], op->value[1]);
	slot->len = (uint32_t)op->value[2];
}

static void put_value(uint8_t *bytes, uint64_t value, unsigned width)
{
	for (unsigned i = 0; i < width; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
}

/* Write one descriptor; `index` is not checked against the queue's size. */
static void store_desc(struct run *run, unsigned queue, uint64_t index, uint64_t addr, uint32_t len,
		       uint16_t flags, uint16_t next)
{
	uint8_t bytes[16];

	put_value(bytes, addr, 8);
	put_value(bytes + 8, len, 4);
	put_value(bytes + 12, flags, 2);
	put_value(bytes + 14, next, 2);
	arena_store(&run->arena, run->queues[queue].ring[RING_DESC] + 16 * index, bytes,
		    sizeof(bytes));
}

static void op_desc(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	store_desc(run, (unsigned)op->value[0], op->value[1],
		   guest_addr(run, op->base[2], op->value[2]), (uint32_t)op->value[3],
		   (uint16_t)op->value[4], (uint16_t)op->value[5]);
}

static void op_set_desc(struct run *run, const struct program *prog, const struct op *op)
{
	static const struct {
		uint8_t offset, width;
	} places[DESC_FIELD_COUNT] = { { 0, 8 }, { 8, 4 }, { 12, 2 }, { 14, 2 } };
	uint64_t desc = run->queues[op->value[0]].ring[RING_DESC] + 16 * op->value[1];
	uint8_t bytes[8];

	(void)prog;
	put_value(bytes, op->value[3], 8);
	arena_store(&run->arena, desc + places[op->value[2]].offset, bytes,
		    places[op->value[2]].width);
}

/* Buffers in descriptors from head on, each leading to the next; past the end
 * of the table it goes on at its start. */
static void op_chain(struct run *run, const struct program *prog, const struct op *op)
{
	const uint8_t *elements = prog->data + op->data_off;
	unsigned queue = (unsigned)op->value[0];
	uint32_t size = run->queues[queue].size != 0 ? run->queues[queue].size : 1;

	for (uint32_t i = 0; i < op->data_len; i++) {
		const struct guest_slot *slot = &run->slots[elements[i] & ELEMENT_SLOT];
		bool last = i + 1 == op->data_len;
		uint16_t flags = (uint16_t)((last ? 0 : 1) | (elements[i] & ELEMENT_WRITE ? 2 : 0));
		uint16_t next = (uint16_t)(last ? 0 : (op->value[1] + i + 1) % size);

		store_desc(run, queue, (op->value[1] + i) % size, slot->addr, slot->len, flags,
			   next);
	}
}

static void publish(struct run *run, unsigned queue, uint16_t head)
{
	struct guest_queue *q = &run->queues[queue];
	uint32_t size = q->size != 0 ? q->size : 1;

	arena_store16(&run->arena, q->ring[RING_AVAIL] + 4 + 2ull * (q->avail_idx % size), head);
	arena_store16(&run->arena, q->ring[RING_AVAIL] + 2, ++q->avail_idx);
}

static void op_publish(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	publish(run, (unsigned)op->value[0], (uint16_t)op->value[1]);
}

static void op_offer(struct run *run, const struct program *prog, const struct op *op)
{
	op_chain(run, prog, op);
	op_publish(run, prog, op);
}

static void op_send(struct run *run, const struct program *prog, const struct op *op)
{
	op_offer(run, prog, op);
	op_notify(run, prog, op);
}

static void op_avail_idx(struct run *run, const struct program *prog, const struct op *op)
{
	struct guest_queue *q = &run->queues[op->value[0]];

	(void)prog;
	q->avail_idx = (uint16_t)(q->avail_idx + op->value[1]);
	arena_store16(&run->arena, q->ring[RING_AVAIL] + 2, q->avail_idx);
}

static void op_avail_flags(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	arena_store16(&run->arena, run->queues[op->value[0]].ring[RING_AVAIL],
		      (uint16_t)op->value[1]);
}

static void op_avail_entry(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	arena_store16(&run->arena,
		      run->queues[op->value[0]].ring[RING_AVAIL] + 4 + 2 * op->value[1],
		      (uint16_t)op->value[2]);
}

static void op_used_event(struct run *run, const struct program *prog, const struct op *op)
{
	const struct guest_queue *q = &run->queues[op->value[0]];

	(void)prog;
	arena_store16(&run->arena, q->ring[RING_AVAIL] + 4 + 2ull * q->size,
		      (uint16_t)op->value[1]);
}

static void op_race(struct run *run, const struct program *prog, const struct op *op)
{
	arena_race(&run->arena, (uint32_t)op->value[0], guest_addr(run, op->base[1], op->value[1]),
		   prog->data + op->data_off,
		   op->data_len < ARENA_RACE_BYTES_MAX ? op->data_len : ARENA_RACE_BYTES_MAX);
}

static void op_fault_access(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	run->arena.fault_nth = (uint32_t)op->value[0];
	run->arena.fault_kind = (uint8_t)op->value[1];
	run->arena.fault_purpose = (uint8_t)op->value[2];
}

static void op_fault_alloc(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	run->heap.fault_nth = (uint32_t)op->value[0];
}

static void op_disarm(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	(void)op;
	arena_disarm(&run->arena);
}

static void op_work(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	(void)op;
	guest_work(run);
}

static void op_settle(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	(void)op;
	for (int i = 0; i < RUN_SETTLE_MAX && target_state(run->target, run->device) == DEVICE_WORK;
	     i++)
		guest_work(run);
}

static void op_nop(struct run *run, const struct program *prog, const struct op *op)
{
	(void)run;
	(void)prog;
	(void)op;
}

typedef void guest_op_fn(struct run *run, const struct program *prog, const struct op *op);

static guest_op_fn *const op_fns[256] = {
	[OP_NOP] = op_nop,
	[OP_START] = op_start,
	[OP_STATUS] = op_status,
	[OP_NEGOTIATE] = op_negotiate,
	[OP_QUEUE] = op_queue,
	[OP_READY] = op_ready,
	[OP_NOTIFY] = op_notify,
	[OP_TAKE] = op_take,
	[OP_ACK] = op_ack,
	[OP_CONFIG_READ] = op_config_read,
	[OP_CONFIG_WRITE] = op_config_write,
	[OP_RESET] = op_reset,
	[OP_READ] = op_read,
	[OP_WRITE] = op_write,
	[OP_STORE] = op_store,
	[OP_FILL] = op_fill,
	[OP_PATTERN] = op_pattern,
	[OP_UNMAP] = op_unmap,
	[OP_MAP] = op_map,
	[OP_BUFFER] = op_buffer,
	[OP_DESC] = op_desc,
	[OP_SET_DESC] = op_set_desc,
	[OP_CHAIN] = op_chain,
	[OP_PUBLISH] = op_publish,
	[OP_OFFER] = op_offer,
	[OP_SEND] = op_send,
	[OP_AVAIL_IDX] = op_avail_idx,
	[OP_AVAIL_FLAGS] = op_avail_flags,
	[OP_AVAIL_ENTRY] = op_avail_entry,
	[OP_USED_EVENT] = op_used_event,
	[OP_RACE] = op_race,
	[OP_FAULT_ACCESS] = op_fault_access,
	[OP_FAULT_ALLOC] = op_fault_alloc,
	[OP_DISARM] = op_disarm,
	[OP_WORK] = op_work,
	[OP_SETTLE] = op_settle,
	[OP_TYPE] = guest_type,
	[OP_TAKE_OUTPUT] = guest_take_output,
	[OP_PUT_BACK] = guest_put_back,
	[OP_REFUSE] = guest_refuse,
	[OP_HOLD] = guest_hold,
	[OP_PRETEND] = guest_pretend,
	[OP_SET_TARGET] = guest_set_target,
	[OP_SAVE] = guest_save,
	[OP_RESTORE] = guest_restore,
	[OP_CORRUPT] = guest_corrupt,
	[OP_CUT] = guest_cut,
};

void guest_op(struct run *run, const struct program *prog, const struct op *op)
{
	op_fns[op->code](run, prog, op);
}
