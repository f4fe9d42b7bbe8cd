/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Mutations of what one operation says, and of the header.  See mutate.h.
 */
#include "fuzzers/mutate_internal.h"

#include <string.h>

/* Does an operation have what a mutation is about? */
typedef bool op_test(const struct op *op, const struct op_desc *desc);

/* The first operation that passes, from a random one on; NULL if none does. */
static struct op *find_op(struct mutator *m, struct program *prog, op_test *test)
{
	uint32_t at = prog->op_count > 0 ? random_below(m, prog->op_count) : 0;

	for (uint32_t i = 0; i < prog->op_count; i++) {
		struct op *op = &prog->ops[(at + i) % prog->op_count];

		if (test(op, op_find(op->code)))
			return op;
	}
	return NULL;
}

/* One of its fields of a kind for which `wanted` is true; -1 if none is. */
static int find_field(struct mutator *m, const struct op_desc *desc,
		      bool (*wanted)(enum field_kind kind))
{
	unsigned count = field_count(desc), at = count > 0 ? random_below(m, count) : 0;

	for (unsigned i = 0; i < count; i++)
		if (wanted((enum field_kind)desc->fields[(at + i) % count].kind))
			return (int)((at + i) % count);
	return -1;
}

static bool is_value(enum field_kind kind)
{
	return kind != FIELD_NOP && kind != FIELD_FEATURES_HIGH;
}

static bool is_address(enum field_kind kind)
{
	return kind == FIELD_ADDR;
}

static bool is_flags(enum field_kind kind)
{
	return field_bits(kind) != NULL;
}

static bool has(const struct op_desc *desc, bool (*wanted)(enum field_kind kind))
{
	for (unsigned i = 0; i < field_count(desc); i++)
		if (wanted((enum field_kind)desc->fields[i].kind))
			return true;
	return false;
}

static bool has_value(const struct op *op, const struct op_desc *desc)
{
	(void)op;
	return has(desc, is_value);
}

static bool has_address(const struct op *op, const struct op_desc *desc)
{
	(void)op;
	return has(desc, is_address);
}

static bool has_elements(const struct op *op, const struct op_desc *desc)
{
	return desc->payload == PAYLOAD_ELEMENTS && op->data_len > 0;
}

static bool has_flags(const struct op *op, const struct op_desc *desc)
{
	return has(desc, is_flags) || has_elements(op, desc);
}

static bool has_payload(const struct op *op, const struct op_desc *desc)
{
	(void)op;
	return desc->payload == PAYLOAD_ELEMENTS || desc->payload == PAYLOAD_BYTES;
}

/* A number that the program holds elsewhere: sizes are wrong by one against
 * other sizes. */
static uint64_t borrow(struct mutator *m, struct program *prog)
{
	const struct op *op = find_op(m, prog, has_value);
	int field = op != NULL ? find_field(m, op_find(op->code), is_value) : -1;

	return field >= 0 ? op->value[field] + random_below(m, 3) - 1 : 0;
}

static uint64_t nudged(struct mutator *m, struct program *prog, enum field_kind kind,
		       uint64_t value)
{
	switch (random_below(m, 11)) {
	case 0:
		return value + 1;
	case 1:
		return value - 1;
	case 2:
		return 0;
	case 3:
		return ~0ULL;
	case 4:
		return value ^ 1ULL << random_below(m, 64);
	case 5:
		return borrow(m, prog);
	case 6:
	case 7:
		return kind == FIELD_ADDR ? value_edge(m) : value_fresh(m, kind);
	case 8:
		return value + value_edge(m);
	case 9:
		return value - value_edge(m);
	default:
		return value_edge(m);
	}
}

bool mutate_nudge(struct mutator *m, struct program *prog, const struct program *other)
{
	struct op *op = find_op(m, prog, has_value);
	const struct op_desc *desc;
	enum field_kind kind;
	int field;

	(void)other;
	if (op == NULL)
		return false;
	desc = op_find(op->code);
	field = find_field(m, desc, is_value);
	kind = (enum field_kind)desc->fields[field].kind;
	/* Much of what is nudged comes out the same. */
	for (int tries = 0; tries < 4; tries++) {
		uint64_t value = mutator_reduce(m, kind, nudged(m, prog, kind, op->value[field]));

		if (value == op->value[field])
			continue;
		op->value[field] = value;
		return true;
	}
	return false;
}

/* Rings over rings, and buffers over rings. */
static bool add_overlap(struct mutator *m, struct program *prog)
{
	uint8_t code = random_chance(m, 2) ? OP_BUFFER : OP_QUEUE;
	struct op *op = edit_add(prog, random_below(m, prog->op_count + 1), code);
	unsigned field, queue;

	if (op == NULL)
		return false;
	op_fresh(m, prog, op);
	field = code == OP_BUFFER ? (unsigned)BUFFER_AT
				  : QUEUE_DESC + random_below(m, VIRTQUEUE_AREA_COUNT);
	queue = random_below(m, m->queue_count);
	op->base[field] = ring_base(queue, random_below(m, VIRTQUEUE_AREA_COUNT));
	op->value[field] = random_chance(m, 2) ? 0 : 16 * random_below(m, 8);
	return true;
}

/* The last bytes there are, as many as a device takes for a header, and some behind
 * them: the sum of address and length is 2^64 and a little. */
void range_over_top(struct mutator *m, struct op *op, unsigned addr, unsigned len)
{
	static const uint16_t behind[] = { 0, 1, 1, 2, 4, 8, 16, 16, 64, 64, 256, 4096 };
	uint64_t before = value_boundary(m);

	op->base[addr] = BASE_TOP;
	op->value[addr] = 0 - before;
	op->value[len] = before + behind[random_below(m, ARRAY_SIZE(behind))];
}

/* The fields that are an address and the length of what is there: the first as an
 * index, -1 where there are none. */
static int range_of(const struct op_desc *desc, unsigned *len)
{
	for (unsigned i = 1; i < field_count(desc); i++) {
		if (desc->fields[i - 1].kind != FIELD_ADDR || desc->fields[i].kind != FIELD_U32)
			continue;
		*len = i;
		return (int)i - 1;
	}
	return -1;
}

bool mutate_address(struct mutator *m, struct program *prog, const struct program *other)
{
	struct op *op = find_op(m, prog, has_address);
	unsigned len = 0;
	int field, range;

	(void)other;
	if (op == NULL || random_chance(m, 6))
		return add_overlap(m, prog);
	range = range_of(op_find(op->code), &len);
	if (range >= 0 && random_chance(m, 6)) {
		range_over_top(m, op, (unsigned)range, len);
		return true;
	}
	field = find_field(m, op_find(op->code), is_address);
	switch (random_below(m, 4)) {
	case 0: /* the same distance from elsewhere */
		op->base[field] = base_reduce((uint8_t)random_below(
			m, m->queue_count > PROGRAM_QUEUES_LOW ? BASE_COUNT : BASE_RING_HIGH));
		break;
	case 1:
		op->value[field] += random_below(m, 17) - 8ULL;
		break;
	case 2:
		op->value[field] = 0 - op->value[field];
		break;
	default:
		address_fresh(m, prog, op, (unsigned)field);
		break;
	}
	return true;
}

/* One of the kind's own bits, mostly. */
static uint64_t pick_bit(struct mutator *m, enum field_kind kind)
{
	const struct bit_name *bits = field_bits(kind);
	uint32_t count = 0;

	while (bits[count].name != NULL)
		count++;
	if (count == 0 || random_chance(m, 6))
		return 1ULL << random_below(m, 8 * field_width(kind));
	return bits[random_below(m, count)].bit;
}

/* Where an operation that has features keeps bits 64 to 127. */
static unsigned high_field(const struct op *op)
{
	return op->code == OP_START ? (unsigned)START_FEATURES_HIGH
				    : (unsigned)NEGOTIATE_FEATURES_HIGH;
}

bool mutate_flags(struct mutator *m, struct program *prog, const struct program *other)
{
	struct op *op = find_op(m, prog, has_flags);
	const struct op_desc *desc;
	uint8_t bytes[OP_BYTES_MAX];
	enum field_kind kind;
	int field;

	(void)other;
	if (op == NULL)
		return false;
	desc = op_find(op->code);
	field = find_field(m, desc, is_flags);
	if (field >= 0) {
		kind = (enum field_kind)desc->fields[field].kind;
		if (kind == FIELD_FEATURES && m->features_high != 0 && random_chance(m, 2)) {
			op->value[high_field(op)] ^= 1ULL << random_below(m, 64);
			return true;
		}
		op->value[field] = mutator_reduce(m, kind, op->value[field] ^ pick_bit(m, kind));
		return true;
	}
	memcpy(bytes, prog->data + op->data_off, op->data_len);
	bytes[random_below(m, op->data_len)] ^= ELEMENT_WRITE;
	return edit_payload(m, prog, op, bytes, op->data_len);
}

/* A new byte for a payload of that kind. */
static uint8_t payload_byte(struct mutator *m, uint8_t payload)
{
	uint8_t byte = (uint8_t)(random_chance(m, 2) ? value_edge(m) : random_number(m) >> 32);

	if (payload == PAYLOAD_ELEMENTS)
		byte = (uint8_t)random_below(m, 256) & (ELEMENT_SLOT | ELEMENT_WRITE);
	return byte;
}

/* Change one byte, or run of bytes; the new length.  `bytes` has room for RUN_MAX
 * more than the longest payload. */
static size_t change_payload(struct mutator *m, uint8_t payload, uint8_t *bytes, size_t len)
{
	size_t at = len > 0 ? random_below(m, (uint32_t)len) : 0, run;

	switch (len > 0 ? random_below(m, 5) : 0) {
	case 0: /* one more */
		memmove(bytes + at + 1, bytes + at, len - at);
		bytes[at] = payload_byte(m, payload);
		return len + 1;
	case 1: /* some less */
		run = random_chance(m, 2) ? 1 : 1 + random_below(m, (uint32_t)(len - at));
		memmove(bytes + at, bytes + at + run, len - at - run);
		return len - run;
	case 2: /* a byte again, and again */
		run = random_chance(m, 2) ? 1 : run_length(m);
		memmove(bytes + at + run, bytes + at, len - at);
		memset(bytes + at, bytes[at + run], run);
		return len + run;
	case 3:
		bytes[at] ^= (uint8_t)(payload == PAYLOAD_ELEMENTS ? ELEMENT_WRITE
								   : 1 << random_below(m, 8));
		return len;
	default:
		bytes[at] = payload_byte(m, payload);
		return len;
	}
}

bool mutate_payload(struct mutator *m, struct program *prog, const struct program *other)
{
	struct op *op = find_op(m, prog, has_payload);
	uint8_t bytes[OP_BYTES_MAX + RUN_MAX];
	size_t len;

	(void)other;
	if (op == NULL)
		return false;
	len = op->data_len;
	memcpy(bytes, prog->data + op->data_off, len);
	if (m->engine_bytes != NULL && len > 0 && random_chance(m, 3) &&
	    op_find(op->code)->payload == PAYLOAD_BYTES)
		len = m->engine_bytes(bytes, len, sizeof(bytes));
	else
		len = change_payload(m, op_find(op->code)->payload, bytes, len);
	return edit_payload(m, prog, op, bytes, len);
}

bool mutate_header(struct mutator *m, struct program *prog, const struct program *other)
{
	static const uint16_t sizes[] = { 0,  1,   2,	3,   4,	  5,	  8,	  16,
					  64, 128, 255, 256, 257, 0x7fff, 0x8000, 0xffff };
	uint64_t bit = 1ULL << random_below(m, 64);

	(void)other;
	if (random_chance(m, 2) || m->features == 0) {
		unsigned queue = random_chance(m, 8) ? random_below(m, mutator_queues(m))
						     : random_below(m, m->queue_count);

		prog->queue_max[queue] = sizes[random_below(m, ARRAY_SIZE(sizes))];
		/* Less than a chain of some descriptors needs. */
		if (random_chance(m, 3))
			prog->queue_max[queue] = (uint16_t)(1 + random_below(m, 4));
		return true;
	}
	if (m->features_high != 0 && random_chance(m, 2)) {
		/* The lowest one that is offered, or any. */
		prog->features_high ^= random_chance(m, 2) ? m->features_high & -m->features_high
							   : 1ULL << random_below(m, 64);
		return true;
	}
	/* A bit that the target does not offer makes no difference. */
	if ((m->features & bit) == 0 && !random_chance(m, 16)) {
		uint64_t left = m->features;

		for (uint32_t skip = random_below(m, 64); left != 0 && skip > 0; skip--)
			left = (left & (left - 1)) != 0 ? left & (left - 1) : m->features;
		bit = left & (~left + 1);
	}
	prog->features ^= bit;
	return true;
}
