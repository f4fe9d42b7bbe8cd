/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The lying guest, operation by operation: registers and sessions here, what it
 * writes into memory in guest_memory.c.  See run.h.
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

static void op_send(struct run *run, const struct program *prog, const struct op *op)
{
	guest_offer(run, prog, op);
	op_notify(run, prog, op);
}

static void op_race(struct run *run, const struct program *prog, const struct op *op)
{
	arena_race(&run->arena, (uint32_t)op->value[0], guest_addr(run, op->base[1], op->value[1]),
		   prog->data + op->data_off,
		   op->data_len < ARENA_RACE_BYTES_MAX ? op->data_len : ARENA_RACE_BYTES_MAX);
}

static void op_race_write(struct run *run, const struct program *prog, const struct op *op)
{
	arena_race_write(&run->arena, (uint32_t)op->value[0],
			 guest_addr(run, op->base[1], op->value[1]),
			 guest_addr(run, op->base[2], op->value[2]), prog->data + op->data_off,
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
	[OP_STORE] = guest_store,
	[OP_FILL] = guest_fill,
	[OP_PATTERN] = guest_pattern,
	[OP_UNMAP] = guest_unmap,
	[OP_MAP] = guest_map,
	[OP_BUFFER] = guest_buffer,
	[OP_DESC] = guest_desc,
	[OP_SET_DESC] = guest_set_desc,
	[OP_CHAIN] = guest_chain,
	[OP_PUBLISH] = guest_publish,
	[OP_OFFER] = guest_offer,
	[OP_SEND] = op_send,
	[OP_AVAIL_IDX] = guest_avail_idx,
	[OP_AVAIL_FLAGS] = guest_avail_flags,
	[OP_AVAIL_ENTRY] = guest_avail_entry,
	[OP_USED_EVENT] = guest_used_event,
	[OP_RACE] = op_race,
	[OP_RACE_WRITE] = op_race_write,
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
