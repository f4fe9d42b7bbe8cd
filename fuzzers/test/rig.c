/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the tests of the mutator have in common; see rig.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fuzzers/test/rig.h"

size_t rig_encode(const struct program *prog, uint8_t *out, bool magic)
{
	long len = binary_encode(prog, out, BINARY_SIZE_MAX, magic);

	assert_true(len > 0);
	return (size_t)len;
}

void rig_decode(struct program *prog, const uint8_t *bytes, size_t len)
{
	assert_int_equal(binary_decode(prog, bytes, len, RIG_TARGET, NULL), 0);
}

static void assert_op_whole(const struct program *prog, const struct op *op)
{
	const struct op_desc *desc = op_find(op->code);

	assert_non_null(desc);
	for (int i = 0; i < OP_FIELDS_MAX; i++) {
		enum field_kind kind = desc->fields[i].kind;

		if (kind == FIELD_NONE)
			break;
		assert_int_equal(field_reduce(kind, op->value[i]), op->value[i]);
		assert_int_equal(kind == FIELD_ADDR ? base_reduce(op->base[i]) : 0, op->base[i]);
	}
	if (desc->payload == PAYLOAD_NONE)
		assert_int_equal(op->data_len, 0);
	for (uint32_t i = 0; desc->payload == PAYLOAD_ELEMENTS && i < op->data_len; i++)
		assert_int_equal(prog->data[op->data_off + i] & ~(ELEMENT_SLOT | ELEMENT_WRITE), 0);
}

void rig_assert_whole(const struct program *prog)
{
	uint32_t used = 0;

	assert_in_range(prog->budget, 1, PROGRAM_BUDGET_MAX);
	assert_in_range(prog->op_count, 0, PROGRAM_OPS_MAX);
	assert_in_range(prog->data_len, 0, PROGRAM_DATA_MAX);
	for (uint32_t i = 0; i < prog->op_count; i++) {
		const struct op *op = &prog->ops[i];

		if (op->code == OP_REPEAT) {
			assert_in_range(op->data_len, 0, prog->op_count - i - 1);
		} else if (op->data_len > 0) {
			assert_in_range(op->data_len, 1, OP_BYTES_MAX);
			assert_true(op->data_off >= used);
			used = op->data_off + op->data_len;
			assert_true(used <= prog->data_len);
		}
		assert_op_whole(prog, op);
	}
}

void rig_assert_canonical(struct program *prog, const uint8_t *bytes, size_t len, bool magic)
{
	static uint8_t again[BINARY_SIZE_MAX];

	rig_decode(prog, bytes, len);
	rig_assert_whole(prog);
	assert_int_equal(rig_encode(prog, again, magic), len);
	assert_memory_equal(again, bytes, len);
}

uint8_t *rig_room(size_t size)
{
	uint8_t *room = malloc(size);

	/* Of 0 bytes a NULL would do, but not as an argument. */
	assert_non_null(room);
	return room;
}

bool rig_same_op(const struct program *a, uint32_t at_a, const struct program *b, uint32_t at_b)
{
	const struct op *op_a = &a->ops[at_a], *op_b = &b->ops[at_b];

	if (op_a->code != op_b->code || memcmp(op_a->base, op_b->base, sizeof(op_a->base)) != 0 ||
	    memcmp(op_a->value, op_b->value, sizeof(op_a->value)) != 0)
		return false;
	if (op_a->code == OP_REPEAT || (op_a->data_len == 0 && op_b->data_len == 0))
		return true;
	return op_a->data_len == op_b->data_len &&
	       memcmp(a->data + op_a->data_off, b->data + op_b->data_off, op_a->data_len) == 0;
}

bool rig_in_order(const struct program *part, const struct program *all)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < all->op_count && at < part->op_count; i++)
		if (rig_same_op(part, at, all, i))
			at++;
	return at == part->op_count;
}
