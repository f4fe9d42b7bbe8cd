/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A program: made operation by operation, reduced to what its fields can hold,
 * compared and hashed.  It knows no operation by name: that is program_ops.c.
 * See program.h.
 */
#include "harness/program/program.h"
#include "harness/files/hash.h"

#include <string.h>

void program_init(struct program *prog, const char *target)
{
	size_t len = strnlen(target, PROGRAM_TARGET_MAX - 1);

	memset(prog, 0, offsetof(struct program, ops));
	memcpy(prog->target, target, len);
	prog->features = prog->features_high = ~0ULL;
	prog->budget = 1;
}

struct op *program_add(struct program *prog, uint8_t code)
{
	struct op *op;

	if (prog->op_count == PROGRAM_OPS_MAX)
		return NULL;
	op = &prog->ops[prog->op_count++];
	memset(op, 0, sizeof(*op));
	op->code = code;
	op->data_off = prog->data_len;
	return op;
}

bool program_add_data(struct program *prog, const void *data, size_t len)
{
	struct op *op = &prog->ops[prog->op_count - 1];

	if (len > OP_BYTES_MAX || len > PROGRAM_DATA_MAX - prog->data_len)
		return false;
	if (len > 0)
		memcpy(prog->data + prog->data_len, data, len);
	op->data_off = prog->data_len;
	op->data_len = (uint16_t)len;
	prog->data_len += (uint32_t)len;
	return true;
}

void program_reduce(struct program *prog)
{
	uint32_t end[PROGRAM_REPEAT_DEPTH_MAX];
	unsigned depth = 0;

	for (uint32_t i = 0; i < prog->op_count; i++) {
		struct op *op = &prog->ops[i];
		uint32_t room;

		if (op->code == OP_SET_DESC)
			op->value[SET_DESC_VALUE] =
				desc_value_reduce((enum desc_field)op->value[SET_DESC_FIELD],
						  op->value[SET_DESC_VALUE]);
		while (depth > 0 && i >= end[depth - 1])
			depth--;
		if (op->code != OP_REPEAT)
			continue;
		room = (depth > 0 ? end[depth - 1] : prog->op_count) - i - 1;
		if (depth == PROGRAM_REPEAT_DEPTH_MAX)
			op->data_len = 0;
		else if (op->data_len > room)
			op->data_len = (uint16_t)room;
		if (op->data_len > 0)
			end[depth++] = i + 1 + op->data_len;
	}
}

static bool op_equal(const struct program *pa, const struct op *a, const struct program *pb,
		     const struct op *b)
{
	return a->code == b->code && a->data_len == b->data_len &&
	       memcmp(a->base, b->base, sizeof(a->base)) == 0 &&
	       memcmp(a->value, b->value, sizeof(a->value)) == 0 &&
	       (a->code == OP_REPEAT || a->data_len == 0 ||
		memcmp(pa->data + a->data_off, pb->data + b->data_off, a->data_len) == 0);
}

bool program_equal(const struct program *a, const struct program *b)
{
	if (strcmp(a->target, b->target) != 0 || a->features != b->features ||
	    a->features_high != b->features_high ||
	    memcmp(a->queue_max, b->queue_max, sizeof(a->queue_max)) != 0 ||
	    a->budget != b->budget || a->op_count != b->op_count)
		return false;
	for (uint32_t i = 0; i < a->op_count; i++)
		if (!op_equal(a, &a->ops[i], b, &b->ops[i]))
			return false;
	return true;
}

/* Byte by byte in little-endian order. */
static uint64_t hash_value(uint64_t hash, uint64_t value)
{
	for (int i = 0; i < 8; i++, value >>= 8)
		hash = hash_step(hash, value & 0xff);
	return hash;
}

uint64_t program_hash(const struct program *prog)
{
	uint64_t hash = HASH_START;

	for (const char *p = prog->target; *p != '\0'; p++)
		hash = hash_value(hash, (uint8_t)*p);
	hash = hash_value(hash, prog->features);
	/* Most programs say nothing of the others. */
	for (unsigned i = 0; i < PROGRAM_QUEUES; i++)
		if (i < PROGRAM_QUEUES_LOW || prog->queue_max[i] != 0)
			hash = hash_value(hash, (i < PROGRAM_QUEUES_LOW ? 0 : (uint64_t)i << 16) |
							prog->queue_max[i]);
	if (prog->features_high != ~0ULL)
		hash = hash_value(hash, prog->features_high);
	hash = hash_value(hash, prog->budget);
	for (uint32_t i = 0; i < prog->op_count; i++) {
		const struct op *op = &prog->ops[i];

		hash = hash_value(hash, (uint64_t)op->code << 32 | op->data_len);
		for (int f = 0; f < OP_FIELDS_MAX; f++)
			hash = hash_value(hash_value(hash, op->base[f]), op->value[f]);
		for (uint32_t d = 0; op->code != OP_REPEAT && d < op->data_len; d++)
			hash = hash_value(hash, prog->data[op->data_off + d]);
	}
	return hash;
}
