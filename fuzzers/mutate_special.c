/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Fields of new operations that mean more than their kind says.  See mutate_internal.h.
 */
#include "fuzzers/mutate_internal.h"

#include <linux/virtio_mmio.h>

/* Default places, mostly: addresses that are aligned.  Or so that a few entries of the
 * ring lie before 2^64, and the others past it. */
static void fresh_ring(struct mutator *m, struct op *op, unsigned field, unsigned part)
{
	static const uint8_t before[] = { 0, 4, 4 }, each[] = { 16, 2, 8 };
	bool given = random_chance(m, 6);

	op->base[field] = given ? op->base[field] : BASE_ABSOLUTE;
	op->value[field] = given ? op->value[field] & ~15ULL : 0;
	if (!given || !random_chance(m, 3))
		return;
	op->base[field] = BASE_TOP;
	op->value[field] = 0 - (before[part] + (uint64_t)each[part] * random_below(m, 9));
}

static void fresh_queue(struct mutator *m, struct op *op)
{
	for (unsigned part = 0; part < VIRTQUEUE_AREA_COUNT; part++)
		fresh_ring(m, op, QUEUE_DESC + part, part);
}

SAME_FIELD(UNMAP_LEN, MAP_LEN);

static void fresh_range(struct mutator *m, struct op *op)
{
	static const uint16_t lengths[] = { 1, 2, 4, 8, 12, 16, 64, 4096, 4096 };

	op->value[UNMAP_LEN] = random_chance(m, 4) ? value_edge(m) & 0xffffffff : PICK(m, lengths);
}

static void fresh_set_desc(struct mutator *m, struct op *op)
{
	if (op->value[SET_DESC_FIELD] == DESC_FIELD_FLAGS)
		op->value[SET_DESC_VALUE] = value_fresh(m, FIELD_DESC_FLAGS);
	else if (op->value[SET_DESC_FIELD] == DESC_FIELD_NEXT)
		op->value[SET_DESC_VALUE] = value_fresh(m, FIELD_U16);
}

SAME_FIELD(TYPE_LEN, PUT_BACK_LEN);

/* What fits in a buffer, or in the device, and what does not. */
static void fresh_typed(struct mutator *m, struct op *op)
{
	op->value[TYPE_LEN] = random_chance(m, 2) ? 0 : value_edge(m) & 0xffff;
	if (m->chain_max > 0 && random_chance(m, 4))
		op->value[TYPE_LEN] = (m->chain_max + 4 - random_below(m, 48)) & 0xffff;
}

static void fresh_refuse(struct mutator *m, struct op *op)
{
	op->value[REFUSE_COUNT] = 1 + random_below(m, 4);
	op->value[REFUSE_TAKEN] = random_chance(m, 2) ? 0 : op->value[REFUSE_TAKEN];
}

static void fresh_hold(struct mutator *m, struct op *op)
{
	op->value[HOLD_SENDS] = random_below(m, 4);
}

/* All, mostly. */
static void fresh_take_output(struct mutator *m, struct op *op)
{
	op->value[TAKE_OUTPUT_MAX] = random_chance(m, 2) ? 0 : op->value[TAKE_OUTPUT_MAX];
}

static void fresh_config_read(struct mutator *m, struct op *op)
{
	config_fresh(m, &op->value[CONFIG_READ_OFFSET], &op->value[CONFIG_READ_WIDTH]);
}

static void fresh_config_write(struct mutator *m, struct op *op)
{
	config_fresh(m, &op->value[CONFIG_WRITE_OFFSET], &op->value[CONFIG_WRITE_WIDTH]);
}

SAME_FIELD(READ_REGISTER, WRITE_REGISTER);

/* A register, or now and then the configuration as one. */
static void fresh_register(struct mutator *m, struct op *op)
{
	unsigned width = op->code == OP_READ ? (unsigned)READ_WIDTH : (unsigned)WRITE_WIDTH;

	if (random_chance(m, 6) && config_fresh(m, &op->value[READ_REGISTER], &op->value[width]))
		op->value[READ_REGISTER] += VIRTIO_MMIO_CONFIG;
}

static void fresh_event_at(struct mutator *m, struct op *op)
{
	op->value[EVENT_AT_STEP] = step_fresh(m);
}

/* As the queue has it, mostly; a flip or a number of more than 16 bits changes what it says of
 * the ring, where it says that. */
static void fresh_notify(struct mutator *m, struct op *op)
{
	static const uint16_t data[] = {
		1, 1, 2, 3, 4, 7, 8, 0xff, 0x7fff, 0x8000, 0x8001, 0xffff
	};

	op->value[NOTIFY_FLIP] = random_chance(m, 3) ? PICK(m, data) : 0;
	if (random_chance(m, 6))
		op->value[NOTIFY_QUEUE] =
			(op->value[NOTIFY_QUEUE] & UINT16_MAX) | (uint64_t)PICK(m, data) << 16;
	else if (random_chance(m, 12))
		op->value[NOTIFY_QUEUE] = (op->value[NOTIFY_QUEUE] & UINT8_MAX) | 1u << 8;
}

/* Of an entry that a split ring's driver would want, or of one with its wrap counter. */
static void fresh_used_event(struct mutator *m, struct op *op)
{
	if (random_chance(m, 4))
		op->value[USED_EVENT_VALUE] ^= RING_EVENT_WRAP;
}

static void fresh_driver_event(struct mutator *m, struct op *op)
{
	if (random_chance(m, 2))
		op->value[DRIVER_EVENT_VALUE] ^= RING_EVENT_WRAP;
}

/* The next entry, or one of those around it. */
static void fresh_packed_desc(struct mutator *m, struct op *op)
{
	static const int16_t entries[] = { 0, 0, 0, 0, 1, 1, 2, 3, -1, -1, -2, -3 };
	static const uint16_t lens[] = { 12, 16, 64, 76, 76, 0, 1 };

	if (!random_chance(m, 8))
		op->value[PACKED_DESC_ENTRY] = (uint64_t)(int64_t)PICK(m, entries);
	if (random_chance(m, 2))
		op->value[PACKED_DESC_LEN] = PICK(m, lens);
}

static void fresh_packed_move(struct mutator *m, struct op *op)
{
	static const int16_t entries[] = { 0, 0, 1, 1, 1, 2, 3, 4, -1, -1, -2, -4 };

	if (!random_chance(m, 8))
		op->value[PACKED_MOVE_ENTRIES] = (uint64_t)(int64_t)PICK(m, entries);
	op->value[PACKED_MOVE_FLIP] = random_chance(m, 4);
}

typedef void special_fn(struct mutator *m, struct op *op);

/* The other operations have no such field. */
static special_fn *const specials[256] = {
	[OP_QUEUE] = fresh_queue,
	[OP_CONFIG_READ] = fresh_config_read,
	[OP_CONFIG_WRITE] = fresh_config_write,
	[OP_READ] = fresh_register,
	[OP_WRITE] = fresh_register,
	[OP_NOTIFY] = fresh_notify,
	[OP_UNMAP] = fresh_range,
	[OP_MAP] = fresh_range,
	[OP_SET_DESC] = fresh_set_desc,
	[OP_USED_EVENT] = fresh_used_event,
	[OP_PACKED_DESC] = fresh_packed_desc,
	[OP_PACKED_MOVE] = fresh_packed_move,
	[OP_DRIVER_EVENT] = fresh_driver_event,
	[OP_EVENT_AT] = fresh_event_at,
	[OP_TYPE] = fresh_typed,
	[OP_PUT_BACK] = fresh_typed,
	[OP_REFUSE] = fresh_refuse,
	[OP_HOLD] = fresh_hold,
	[OP_CORRUPT] = fresh_corrupt,
	[OP_CUT] = fresh_cut,
	[OP_ALTER] = fresh_alter,
	[OP_TAKE_OUTPUT] = fresh_take_output,
};

void special_fresh(struct mutator *m, struct op *op)
{
	if (specials[op->code] != NULL)
		specials[op->code](m, op);
}
