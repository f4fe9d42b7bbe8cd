/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Shorter payloads, of zeros and of the first buffers.  See minimize_internal.h.
 */
#include "harness/minimize/minimize_internal.h"

#include <string.h>

#define EACH_MAX 64u /* bytes of a payload whose values are tried one by one */

typedef bool change_fn(struct minimizer *m, uint32_t op, uint32_t first, uint32_t len);

/* The best program's payload of an operation. */
static const uint8_t *payload(const struct minimizer *m, uint32_t op)
{
	return m->best.data + m->best.ops[op].data_off;
}

/* What is cut leaves a gap in the program's data, which nobody looks at. */
static bool cut(struct minimizer *m, uint32_t op, uint32_t first, uint32_t len)
{
	struct program *next = minimize_candidate(m);
	uint8_t *data = next->data + next->ops[op].data_off;

	memmove(data + first, data + first + len, next->ops[op].data_len - first - len);
	next->ops[op].data_len = (uint16_t)(next->ops[op].data_len - len);
	return minimize_try(m);
}

static bool clear(struct minimizer *m, uint32_t op, uint32_t first, uint32_t len)
{
	struct program *next = minimize_candidate(m);

	memset(next->data + next->ops[op].data_off + first, 0, len);
	return minimize_try(m);
}

/* Do that to all of the payload, to halves of it, and so on, from the end on. */
static void in_chunks(struct minimizer *m, uint32_t op, change_fn *change)
{
	uint32_t size = m->best.ops[op].data_len;

	while (size > 0) {
		for (uint32_t at = m->best.ops[op].data_len; at > 0 && !minimize_over(m);) {
			uint32_t first = at > size ? at - size : 0;

			change(m, op, first, at - first);
			at = first;
		}
		size = size > 1 ? (size + 1) / 2 : 0;
	}
}

static bool set_byte(struct minimizer *m, const struct minimize_place *place, uint64_t value)
{
	struct program *next = minimize_candidate(m);

	next->data[next->ops[place->op].data_off + place->field] = (uint8_t)value;
	return minimize_try(m);
}

static bool set_slot(struct minimizer *m, const struct minimize_place *place, uint64_t value)
{
	return set_byte(m, place, value | (payload(m, place->op)[place->field] & ELEMENT_WRITE));
}

static void minimize_bytes(struct minimizer *m, uint32_t op)
{
	in_chunks(m, op, clear);
	for (unsigned i = 0; i < m->best.ops[op].data_len && i < EACH_MAX; i++) {
		const struct minimize_place place = { .op = op, .field = i };

		minimize_number(m, set_byte, &place, payload(m, op)[i], 0);
	}
}

static void minimize_elements(struct minimizer *m, uint32_t op)
{
	for (unsigned i = 0; i < m->best.ops[op].data_len && i < EACH_MAX; i++) {
		const struct minimize_place place = { .op = op, .field = i };
		uint8_t element = payload(m, op)[i];

		if ((element & ELEMENT_WRITE) != 0)
			set_byte(m, &place, element & ELEMENT_SLOT);
		minimize_number(m, set_slot, &place, payload(m, op)[i] & ELEMENT_SLOT, 0);
	}
}

void minimize_payloads(struct minimizer *m)
{
	minimize_phase(m, "payloads");
	for (uint32_t i = 0; i < m->best.op_count && !minimize_over(m); i++) {
		enum payload_kind kind = op_find(m->best.ops[i].code)->payload;

		if (kind != PAYLOAD_BYTES && kind != PAYLOAD_ELEMENTS)
			continue;
		in_chunks(m, i, cut);
		if (kind == PAYLOAD_BYTES)
			minimize_bytes(m, i);
		else
			minimize_elements(m, i);
	}
}
