/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Fields of operations and of the header closer to their defaults.  See
 * minimize_internal.h.
 *
 * Addresses go from what is most particular to what is least: an absolute one
 * that matters, a named place with an offset, that place, the start of memory,
 * and where a field can be left out, no address at all.
 */
#include "devices/table.h"
#include "harness/minimize/minimize_internal.h"

#include <string.h>

/* Set a field and its base in a new candidate and try it. */
static bool set(struct minimizer *m, uint32_t op, unsigned field, uint8_t base, uint64_t value)
{
	struct program *next = minimize_candidate(m);

	next->ops[op].base[field] = base;
	next->ops[op].value[field] = value;
	return minimize_try(m);
}

bool minimize_set_field(struct minimizer *m, const struct minimize_place *place, uint64_t value)
{
	return set(m, place->op, place->field, place->base, place->negative ? 0 - value : value);
}

static void number(struct minimizer *m, struct minimize_place *place, uint64_t value)
{
	minimize_number(m, minimize_set_field, place, value, 0);
}

static void bits(struct minimizer *m, struct minimize_place *place, uint64_t value)
{
	minimize_bits(m, minimize_set_field, place, value);
}

static void signed_number(struct minimizer *m, struct minimize_place *place, uint64_t value)
{
	place->negative = (int64_t)value < 0;
	number(m, place, place->negative ? 0 - value : value);
}

/* Values that have no order: only the first is better than another. */
static void first(struct minimizer *m, struct minimize_place *place, uint64_t value)
{
	if (value != 0)
		minimize_set_field(m, place, 0);
}

static void width(struct minimizer *m, struct minimize_place *place, uint64_t value)
{
	if (value != 4)
		minimize_set_field(m, place, 4);
}

/* The first register, or else the one in whose middle this is. */
static void reg(struct minimizer *m, struct minimize_place *place, uint64_t value)
{
	if (value != 0 && !minimize_set_field(m, place, 0) && (value & 3) != 0)
		minimize_set_field(m, place, value & ~3ULL);
}

static void address(struct minimizer *m, struct minimize_place *place, uint64_t value)
{
	const struct op_desc *desc = op_find(m->best.ops[place->op].code);
	uint8_t base = m->best.ops[place->op].base[place->field];

	if (!desc->fields[place->field].positional &&
	    ((base == BASE_ABSOLUTE && value == 0) ||
	     set(m, place->op, place->field, BASE_ABSOLUTE, 0)))
		return;
	if ((base == BASE_LOW && value == 0) || set(m, place->op, place->field, BASE_LOW, 0))
		return;
	place->base = base;
	if (base == BASE_ABSOLUTE)
		number(m, place, value);
	else
		signed_number(m, place, value);
}

typedef void shrink_fn(struct minimizer *m, struct minimize_place *place, uint64_t value);

TABLE(static shrink_fn *const, kinds, FIELD_KIND_COUNT, 1,
      [FIELD_NONE] = NULL,
      [FIELD_U8] = number,
      [FIELD_U16] = number,
      [FIELD_U32] = number,
      [FIELD_U64] = number,
      [FIELD_I16] = signed_number,
      [FIELD_COUNT] = number,
      [FIELD_ADDR] = address,
      [FIELD_SLOT] = number,
      [FIELD_QUEUE] = number,
      [FIELD_REG] = reg,
      [FIELD_WIDTH] = width,
      [FIELD_RUNG] = number,
      [FIELD_STATUS] = bits,
      [FIELD_INTERRUPT] = bits,
      [FIELD_FEATURES] = bits,
      [FIELD_DESC_FLAGS] = bits,
      [FIELD_DESC_FIELD] = first,
      [FIELD_ACCESS] = first,
      [FIELD_PURPOSE] = first,
      [FIELD_PORT] = number,
      [FIELD_WHICH] = number,
      [FIELD_LAYOUT] = first,
      [FIELD_FEATURES_HIGH] = bits,
      [FIELD_RING] = first,
      [FIELD_ACCEPT] = bits,
      [FIELD_PACKED_FLAGS] = bits,
      [FIELD_EVENT_FLAGS] = bits,
      [FIELD_FLIP] = number,
      [FIELD_NOP] = first);

void minimize_fields(struct minimizer *m)
{
	minimize_phase(m, "fields");
	for (uint32_t i = 0; i < m->best.op_count; i++) {
		const struct op_desc *desc = op_find(m->best.ops[i].code);

		for (unsigned f = 0; f < OP_FIELDS_MAX && !minimize_over(m); f++) {
			struct minimize_place place = { .op = i, .field = f };

			/* A repeat's times are minimize_repeats' business. */
			if (desc->fields[f].kind != FIELD_NONE && desc->code != OP_REPEAT)
				kinds[desc->fields[f].kind](m, &place, m->best.ops[i].value[f]);
		}
	}
}

static bool set_withheld(struct minimizer *m, const struct minimize_place *place, uint64_t value)
{
	(void)place;
	minimize_candidate(m)->features = ~value;
	return minimize_try(m);
}

static bool set_withheld_high(struct minimizer *m, const struct minimize_place *place,
			      uint64_t value)
{
	(void)place;
	minimize_candidate(m)->features_high = ~value;
	return minimize_try(m);
}

static bool set_budget(struct minimizer *m, const struct minimize_place *place, uint64_t value)
{
	(void)place;
	minimize_candidate(m)->budget = (uint16_t)value;
	return minimize_try(m);
}

/* Any size of its own is as good as another, but none is better. */
static void queue_sizes(struct minimizer *m)
{
	static const uint16_t none[PROGRAM_QUEUES];

	if (memcmp(m->best.queue_max, none, sizeof(none)) == 0)
		return;
	memset(minimize_candidate(m)->queue_max, 0, sizeof(none));
	if (minimize_try(m))
		return;
	for (int i = 0; i < PROGRAM_QUEUES; i++) {
		if (m->best.queue_max[i] == 0)
			continue;
		minimize_candidate(m)->queue_max[i] = 0;
		minimize_try(m);
	}
}

void minimize_header(struct minimizer *m)
{
	const struct minimize_place nowhere = { .op = 0 };

	minimize_phase(m, "header");
	minimize_bits(m, set_withheld, &nowhere, ~m->best.features);
	minimize_bits(m, set_withheld_high, &nowhere, ~m->best.features_high);
	queue_sizes(m);
	minimize_number(m, set_budget, &nowhere, m->best.budget, 1);
}
