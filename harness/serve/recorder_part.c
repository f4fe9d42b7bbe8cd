/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Operations and demands of a recording, kept small: bytes that are all the same are a
 * `fill`, bytes of our pattern a `pattern`, pieces that follow each other one operation.
 * See recorder_internal.h.
 */
#include "devices/ring.h"
#include "harness/serve/recorder_internal.h"

#include <endian.h>
#include <string.h>

#define RUN_MIN 32u	/* bytes that are all the same and make a `fill` */
#define PATTERN_MIN 64u /* bytes that can be told to be a pattern */
#define REPLACED_SEED 1u

void recorder_part_clear(struct recorder_part *part, const struct program *header)
{
	memcpy(&part->prog, header, offsetof(struct program, ops));
	part->prog.op_count = part->prog.data_len = 0;
	part->demand_count = 0;
	part->literal = 0;
	part->literal_max = RECORDER_PAYLOAD_MAX;
	part->replaced = false;
}

bool recorder_part_op(struct recorder_part *part, const struct program *prog, const struct op *op)
{
	uint32_t data_off = part->prog.data_len;
	struct op *to = program_add(&part->prog, op->code);

	if (to == NULL)
		return false;
	*to = *op;
	to->data_off = data_off;
	to->data_len = 0;
	return op->data_len == 0 ||
	       program_add_data(&part->prog, prog->data + op->data_off, op->data_len);
}

bool recorder_part_demand(struct recorder_part *part, const struct recorder_demand *demand)
{
	struct recorder_demand *to;

	if (part->demand_count == SCRIPT_EXPECT_MAX || part->prog.op_count == 0)
		return false;
	to = &part->demands[part->demand_count++];
	*to = *demand;
	to->op = part->prog.op_count - 1;
	return true;
}

struct recorder_mark recorder_part_mark(const struct recorder_part *part)
{
	return (struct recorder_mark){ .op_count = part->prog.op_count,
				       .data_len = part->prog.data_len,
				       .demand_count = part->demand_count };
}

void recorder_part_undo(struct recorder_part *part, const struct recorder_mark *mark)
{
	part->prog.op_count = mark->op_count;
	part->prog.data_len = mark->data_len;
	part->demand_count = mark->demand_count;
}

static unsigned percent(unsigned used, unsigned room)
{
	return used * 100 / room;
}

unsigned recorder_part_used(const struct recorder_part *part)
{
	unsigned ops = percent(part->prog.op_count, PROGRAM_OPS_MAX);
	unsigned data = percent(part->prog.data_len, PROGRAM_DATA_MAX);
	unsigned demands = percent(part->demand_count, SCRIPT_EXPECT_MAX);
	unsigned most = ops > data ? ops : data;

	return most > demands ? most : demands;
}

SAME_FIELD(FILL_ADDR, STORE_ADDR);
SAME_FIELD(FILL_ADDR, PATTERN_ADDR);
SAME_FIELD(FILL_LEN, PATTERN_LEN);
SAME_FIELD(FILL_VALUE, PATTERN_SEED);

/* The last operation if it is one of that code which ends where another begins, and no
 * demand stands between them. */
static struct op *last_before(struct recorder_part *part, uint8_t code, uint8_t base,
			      uint64_t offset)
{
	struct op *op = part->prog.op_count > 0 ? &part->prog.ops[part->prog.op_count - 1] : NULL;
	uint64_t len;

	if (op == NULL || op->code != code || op->base[FILL_ADDR] != base ||
	    (part->demand_count > 0 &&
	     part->demands[part->demand_count - 1].op == part->prog.op_count - 1))
		return NULL;
	len = code == OP_STORE ? op->data_len : op->value[FILL_LEN];
	return op->value[FILL_ADDR] + len == offset ? op : NULL;
}

/* A range that one byte describes: `fill`, or `pattern`. */
static bool add_range(struct recorder_part *part, uint8_t code, uint8_t base, uint64_t offset,
		      uint32_t len, uint8_t value)
{
	struct op *op = last_before(part, code, base, offset);

	if (op != NULL && op->value[FILL_VALUE] == value &&
	    op->value[FILL_LEN] + len <= UINT32_MAX) {
		op->value[FILL_LEN] += len;
		return true;
	}
	op = program_add(&part->prog, code);
	if (op == NULL)
		return false;
	op->base[FILL_ADDR] = base;
	op->value[FILL_ADDR] = offset;
	op->value[FILL_LEN] = len;
	op->value[FILL_VALUE] = value;
	return true;
}

/* As they are. */
static bool add_bytes(struct recorder_part *part, uint8_t base, uint64_t offset,
		      const uint8_t *data, uint32_t len)
{
	struct op *op = last_before(part, OP_STORE, base, offset);

	if (op != NULL && op->data_len + len <= OP_BYTES_MAX &&
	    part->prog.data_len + len <= PROGRAM_DATA_MAX) {
		memcpy(part->prog.data + part->prog.data_len, data, len);
		part->prog.data_len += len;
		op->data_len = (uint16_t)(op->data_len + len);
		return true;
	}
	op = program_add(&part->prog, OP_STORE);
	if (op == NULL)
		return false;
	op->base[STORE_ADDR] = base;
	op->value[STORE_ADDR] = offset;
	return program_add_data(&part->prog, data, len);
}

static bool pattern_seed(uint64_t addr, const uint8_t *data, uint32_t len, uint8_t *seed)
{
	for (unsigned s = 0; s <= UINT8_MAX; s++) {
		uint32_t i = 0;

		while (i < len && data[i] == arena_pattern_byte(addr + i, (uint8_t)s))
			i++;
		if (i == len) {
			*seed = (uint8_t)s;
			return true;
		}
	}
	return false;
}

static bool in_memory(const struct arena *arena, uint64_t addr)
{
	for (unsigned i = 0; i < arena->region_count; i++)
		if (addr - arena->regions[i].base < arena->regions[i].whole)
			return true;
	return false;
}

/* An indirect table (VIRTIO 2.7.5.3) is no payload: a pattern in its place would be another
 * chain. */
static bool is_table(const struct arena *arena, const uint8_t *data, uint32_t len)
{
	for (uint32_t i = 0; i + sizeof(struct vring_desc) <= len; i += sizeof(struct vring_desc)) {
		struct vring_desc desc;

		memcpy(&desc, data + i, sizeof(desc));
		if (!in_memory(arena, le64toh(desc.addr)) ||
		    le16toh(desc.flags) > (VRING_DESC_F_NEXT | VRING_DESC_F_WRITE))
			return false;
	}
	return len >= sizeof(struct vring_desc) && len % sizeof(struct vring_desc) == 0;
}

/* Of those that are none of our pattern: as they are up to the chain's bound. */
static bool add_payload(struct recorder_part *part, uint8_t base, uint64_t offset,
			const uint8_t *data, uint32_t len)
{
	uint32_t room = part->literal_max > part->literal ? part->literal_max - part->literal : 0;
	uint32_t kept = len < room ? len : room;

	part->literal += kept;
	part->replaced = part->replaced || kept < len;
	if (kept > 0 && !add_bytes(part, base, offset, data, kept))
		return false;
	return kept == len ||
	       add_range(part, OP_PATTERN, base, offset + kept, len - kept, REPLACED_SEED);
}

/* Bytes from `data` on that are the same as the first. */
static uint32_t run_length(const uint8_t *data, uint32_t len)
{
	uint32_t i = 1;

	while (i < len && data[i] == data[0])
		i++;
	return i;
}

bool recorder_part_store(struct recorder_part *part, const struct arena *arena, uint8_t base,
			 uint64_t offset, const uint8_t *data, uint32_t len)
{
	uint64_t addr = offset + (base >= BASE_LOW && base <= BASE_HOLE ? arena->place[base] : 0);
	uint32_t from = 0, run;
	uint8_t seed;

	if (len >= PATTERN_MIN && pattern_seed(addr, data, len, &seed))
		return add_range(part, OP_PATTERN, base, offset, len, seed);
	if (is_table(arena, data, len))
		return add_bytes(part, base, offset, data, len);
	for (uint32_t i = 0; i < len; i += run) {
		run = run_length(data + i, len - i);
		if (run < RUN_MIN)
			continue;
		if (i > from && !add_payload(part, base, offset + from, data + from, i - from))
			return false;
		if (!add_range(part, OP_FILL, base, offset + i, run, data[i]))
			return false;
		from = i + run;
	}
	return from == len || add_payload(part, base, offset + from, data + from, len - from);
}
