/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Lists of operations, edited in place.  See mutate_internal.h.
 */
#include "fuzzers/mutate_internal.h"

#include <string.h>

bool edit_open(struct program *prog, uint32_t at, uint32_t count)
{
	if (count > PROGRAM_OPS_MAX - prog->op_count)
		return false;
	/* `at` right behind a body is outside it. */
	for (uint32_t r = 0; r < at; r++)
		if (prog->ops[r].code == OP_REPEAT && at <= r + prog->ops[r].data_len)
			prog->ops[r].data_len = (uint16_t)(prog->ops[r].data_len + count);
	memmove(prog->ops + at + count, prog->ops + at,
		(prog->op_count - at) * sizeof(prog->ops[0]));
	prog->op_count += count;
	return true;
}

void edit_cut(struct program *prog, uint32_t at, uint32_t count)
{
	for (uint32_t r = 0; r < at; r++) {
		struct op *op = &prog->ops[r];
		uint32_t end = r + 1 + op->data_len;

		if (op->code == OP_REPEAT && end > at)
			op->data_len =
				(uint16_t)(op->data_len - (end < at + count ? end - at : count));
	}
	prog->op_count -= count;
	memmove(prog->ops + at, prog->ops + at + count,
		(prog->op_count - at) * sizeof(prog->ops[0]));
}

struct op *edit_add(struct program *prog, uint32_t at, uint8_t code)
{
	struct op *op = &prog->ops[at];

	if (!edit_open(prog, at, 1))
		return NULL;
	memset(op, 0, sizeof(*op));
	op->code = code;
	return op;
}

/* Payloads one behind the other; operations from the first whose payload does
 * not fit are dropped. */
static void pack(struct mutator *m, struct program *prog)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < prog->op_count; i++) {
		struct op *op = &prog->ops[i];

		if (op->code == OP_REPEAT || op->data_len == 0) {
			op->data_off = used;
			continue;
		}
		if (op->data_len > PROGRAM_DATA_MAX - used) {
			prog->op_count = i;
			break;
		}
		memcpy(m->packed + used, prog->data + op->data_off, op->data_len);
		op->data_off = used;
		used += op->data_len;
	}
	memcpy(prog->data, m->packed, used);
	prog->data_len = used;
}

struct op *edit_put(struct program *prog, uint32_t *at, uint8_t code)
{
	struct op *op = edit_add(prog, *at, code);

	*at += op != NULL;
	return op;
}

bool edit_payload(struct mutator *m, struct program *prog, struct op *op, const void *data,
		  size_t len)
{
	uint8_t copy[OP_BYTES_MAX];

	if (len > OP_BYTES_MAX)
		len = OP_BYTES_MAX;
	if (len > 0)
		memcpy(copy, data, len); /* packing moves what it may come from */
	op->data_len = 0;
	if (len > PROGRAM_DATA_MAX - prog->data_len)
		pack(m, prog);
	if (op >= prog->ops + prog->op_count || len > PROGRAM_DATA_MAX - prog->data_len)
		return false;
	if (len > 0)
		memcpy(prog->data + prog->data_len, copy, len);
	op->data_off = prog->data_len;
	op->data_len = (uint16_t)len;
	prog->data_len += (uint32_t)len;
	return true;
}

bool edit_graft(struct mutator *m, struct program *prog, uint32_t at, const struct program *from,
		uint32_t first, uint32_t count)
{
	if (!edit_open(prog, at, count))
		return false;
	/* What edit_open left there has no payload that packing could look for. */
	memset(prog->ops + at, 0, count * sizeof(prog->ops[0]));
	for (uint32_t i = 0; i < count && at + i < prog->op_count; i++) {
		const struct op *source = &from->ops[first + i];
		struct op *op = &prog->ops[at + i];

		*op = *source;
		if (source->code == OP_REPEAT || source->data_len == 0)
			continue;
		if (edit_payload(m, prog, op, from->data + source->data_off, source->data_len))
			continue;
		if (at + count <= prog->op_count)
			edit_cut(prog, at + i, count - i);
		return i > 0;
	}
	return true;
}

bool edit_copy(struct program *prog, uint32_t at, uint32_t first, uint32_t count)
{
	if (!edit_open(prog, at, count))
		return false;
	memcpy(prog->ops + at, prog->ops + (at <= first ? first + count : first),
	       count * sizeof(prog->ops[0]));
	return true;
}

void edit_settle(struct mutator *m, struct program *prog)
{
	pack(m, prog);
	program_reduce(prog);
}
