/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Random guest programs; see generate.h.
 */
#include "generate.h"

#include <string.h>

/* xorshift64* */
uint64_t generate_number(struct generator *g)
{
	g->state ^= g->state >> 12;
	g->state ^= g->state << 25;
	g->state ^= g->state >> 27;
	return g->state * 0x2545f4914f6cdd1dULL;
}

uint64_t generate_below(struct generator *g, uint64_t n)
{
	return (generate_number(g) >> 16) % n;
}

uint64_t generate_edge(struct generator *g)
{
	unsigned shift = (unsigned)generate_below(g, 64);

	switch (generate_below(g, 8)) {
	case 0:
		return 0;
	case 1:
		return ~0ULL;
	case 2:
		return 1ULL << shift;
	case 3:
		return (1ULL << shift) - 1;
	case 4:
		return 0 - (1ULL << shift);
	case 5:
		return generate_below(g, 5000);
	case 6:
		return 0xf5f6f5f6f505f606ULL >> (8 * generate_below(g, 8));
	default:
		return generate_number(g) >> shift;
	}
}

void generate_bytes(struct generator *g, uint8_t *bytes, size_t len)
{
	static const uint8_t special[] = { 0xf5, 0xf6, 0x05, 0x06, 0x00, 0xff };

	for (size_t i = 0; i < len; i++) {
		uint64_t number = generate_number(g) >> 20;

		bytes[i] = (number & 1) != 0 ? special[(number >> 8) % sizeof(special)]
					     : (uint8_t)(number >> 8);
	}
}

/* Mostly short, now and then as long as it can be. */
static size_t payload_length(struct generator *g, size_t max)
{
	size_t len = generate_below(g, 24);

	if (generate_below(g, 64) == 0)
		len = max - generate_below(g, 2);
	return len < max ? len : max;
}

static bool add_payload(struct generator *g, struct program *prog, uint8_t kind, size_t max)
{
	uint8_t bytes[OP_BYTES_MAX];
	size_t len = payload_length(g, max);

	generate_bytes(g, bytes, len);
	for (size_t i = 0; kind == PAYLOAD_ELEMENTS && i < len; i++)
		bytes[i] &= ELEMENT_SLOT | ELEMENT_WRITE;
	return program_add_data(prog, bytes, len);
}

bool generate_op(struct generator *g, struct program *prog, uint8_t code, size_t payload_max)
{
	const struct op_desc *desc = op_find(code);
	struct op *op = program_add(prog, code);

	if (op == NULL)
		return false;
	for (int i = 0; i < OP_FIELDS_MAX && desc->fields[i].kind != FIELD_NONE; i++) {
		enum field_kind kind = desc->fields[i].kind;

		op->value[i] = field_reduce(kind, generate_edge(g));
		if (kind == FIELD_ADDR)
			op->base[i] = base_reduce((uint8_t)generate_number(g));
	}
	if (desc->payload == PAYLOAD_OPS)
		op->data_len = (uint16_t)(generate_below(g, 4) != 0 ? generate_below(g, 12)
								    : generate_edge(g));
	else if (desc->payload != PAYLOAD_NONE)
		add_payload(g, prog, desc->payload, payload_max);
	return true;
}

static void generate_header(struct generator *g, struct program *prog)
{
	static const char *const targets[] = { "any", "net-loopback", "a_b-9",
					       "abcdefghijklmnopqrstuvwxyz01234" };

	program_init(prog, targets[generate_below(g, 4)]);
	if (generate_below(g, 2) != 0)
		prog->features = generate_edge(g);
	if (generate_below(g, 4) == 0)
		prog->features_high = generate_edge(g);
	for (int i = 0; i < PROGRAM_QUEUES && generate_below(g, 2) != 0; i++)
		prog->queue_max[i] = (uint16_t)generate_edge(g);
	if (generate_below(g, 2) != 0)
		prog->budget = (uint16_t)(1 + generate_below(g, PROGRAM_BUDGET_MAX));
}

void generate_program(struct generator *g, struct program *prog, uint32_t ops_max)
{
	uint32_t count = (uint32_t)generate_below(g, ops_max + 1ull);
	const struct op_desc *ops;
	size_t kinds;

	ops = op_table(&kinds);
	generate_header(g, prog);
	for (uint32_t i = 0; i < count; i++) {
		uint8_t code = ops[generate_below(g, kinds)].code;

		/* Repeats in repeats are rare by chance alone. */
		if (generate_below(g, 8) == 0)
			code = OP_REPEAT;
		if (!generate_op(g, prog, code, OP_BYTES_MAX))
			break;
	}
	program_reduce(prog);
}
