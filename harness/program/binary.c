/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The binary form; binary.h has the format.  Any bytes decode to values in the ranges
 * that the text form allows.
 */
#include "harness/program/binary.h"

#include <errno.h>
#include <string.h>

static const uint8_t magic_bytes[4] = { 'V', 'R', 'N', 'G' };
#define FRONT_SIZE 8 /* magic, version, budget, length of the target's name */

/* One record, unescaped. */
#define RECORD_MAX (1 + 9 * OP_FIELDS_MAX + 2 + OP_BYTES_MAX)

struct record {
	uint8_t bytes[RECORD_MAX];
	size_t len;
	size_t pos;
};

/* Take the next record off *data; false when there are no more bytes. */
static bool record_next(struct record *rec, const uint8_t **data, const uint8_t *end)
{
	const uint8_t *p = *data;
	size_t len = 0;

	if (p == end)
		return false;
	rec->pos = 0;
	while (p < end && *p != BINARY_END) {
		uint8_t byte = *p++;

		if (byte == BINARY_ESCAPE && p < end && (*p == 0x05 || *p == 0x06))
			byte = (uint8_t)(0xf0 | *p++);
		if (len < RECORD_MAX)
			rec->bytes[len++] = byte;
	}
	rec->len = len;
	*data = p < end ? p + 1 : p;
	return true;
}

/* The next `width` bytes, little-endian, zero where the record has ended. */
static uint64_t record_value(struct record *rec, unsigned width)
{
	uint64_t value = 0;
	size_t pos = rec->pos, left = pos < rec->len ? rec->len - pos : 0;

	for (unsigned i = 0; i < width && i < left; i++)
		value |= (uint64_t)rec->bytes[pos + i] << (8 * i);
	rec->pos = pos + width;
	return value;
}

static void decode_header(struct program *prog, struct record *rec)
{
	rec->pos = 1;
	prog->features = ~record_value(rec, 8);
	for (int i = 0; i < PROGRAM_QUEUES; i++)
		prog->queue_max[i] = (uint16_t)record_value(rec, 2);
	prog->features_high = ~record_value(rec, 8);
}

#define QUEUE_HIGH 192u /* queue PROGRAM_QUEUES_LOW as a byte, and those after it */
_Static_assert(QUEUE_HIGH + PROGRAM_QUEUES - PROGRAM_QUEUES_LOW <= 256, "queues in a byte");

static uint64_t queue_of_byte(uint64_t byte)
{
	uint64_t high = byte - QUEUE_HIGH;

	return high < PROGRAM_QUEUES - PROGRAM_QUEUES_LOW ? PROGRAM_QUEUES_LOW + high
							  : byte % PROGRAM_QUEUES_LOW;
}

static uint64_t byte_of_queue(uint64_t queue)
{
	return queue < PROGRAM_QUEUES_LOW ? queue : QUEUE_HIGH + queue - PROGRAM_QUEUES_LOW;
}

static void decode_fields(struct op *op, const struct op_desc *desc, struct record *rec)
{
	for (int i = 0; i < OP_FIELDS_MAX && desc->fields[i].kind != FIELD_NONE; i++) {
		enum field_kind kind = desc->fields[i].kind;

		if (kind == FIELD_ADDR) {
			op->base[i] = base_reduce((uint8_t)record_value(rec, 1));
			op->value[i] = record_value(rec, 8);
		} else if (kind == FIELD_QUEUE) {
			op->value[i] = queue_of_byte(record_value(rec, 1));
		} else {
			op->value[i] = field_reduce(kind, record_value(rec, field_width(kind)));
		}
	}
}

static void decode_payload(struct program *prog, struct op *op, const struct op_desc *desc,
			   struct record *rec)
{
	size_t start = rec->pos < rec->len ? rec->pos : rec->len;
	size_t len = rec->len - start;

	switch ((enum payload_kind)desc->payload) {
	case PAYLOAD_OPS:
		op->data_len = (uint16_t)record_value(rec, 2);
		return;
	case PAYLOAD_ELEMENTS:
		for (size_t i = start; i < rec->len; i++)
			rec->bytes[i] &= ELEMENT_SLOT | ELEMENT_WRITE;
		break;
	case PAYLOAD_BYTES:
		break;
	case PAYLOAD_NONE:
	case PAYLOAD_KIND_COUNT:
		return;
	}
	if (len > OP_BYTES_MAX)
		len = OP_BYTES_MAX;
	if (len > PROGRAM_DATA_MAX - prog->data_len)
		len = PROGRAM_DATA_MAX - prog->data_len;
	program_add_data(prog, rec->bytes + start, len);
}

static void decode_op(struct program *prog, struct record *rec)
{
	const struct op_desc *desc = op_find(rec->bytes[0]);
	struct op *op = program_add(prog, desc != NULL ? rec->bytes[0] : OP_NOP);

	if (op == NULL)
		return;
	rec->pos = 1;
	if (desc == NULL || desc->code == OP_NOP) {
		op->value[NOP_CODE] = rec->bytes[0];
		return;
	}
	decode_fields(op, desc, rec);
	decode_payload(prog, op, desc, rec);
}

/* A target's name is lower-case letters, digits, '-' and '_'. */
static void decode_target(struct program *prog, const uint8_t *name, size_t len)
{
	if (len >= PROGRAM_TARGET_MAX)
		len = PROGRAM_TARGET_MAX - 1;
	for (size_t i = 0; i < len; i++) {
		bool good = (name[i] >= 'a' && name[i] <= 'z') ||
			    (name[i] >= '0' && name[i] <= '9') || name[i] == '-';

		prog->target[i] = (char)(good ? name[i] : '_');
	}
	prog->target[len] = '\0';
	if (len == 0)
		strcpy(prog->target, "any");
}

int binary_decode(struct program *prog, const uint8_t *data, size_t len, const char *target,
		  unsigned *version)
{
	const uint8_t *end = data + len;
	struct record rec;
	bool first = true;

	program_init(prog, target);
	/* A file cut short in front of its body is extended with zero bytes, as
	 * a record is. */
	if (len > sizeof(magic_bytes) && memcmp(data, magic_bytes, sizeof(magic_bytes)) == 0) {
		uint8_t front[FRONT_SIZE] = { 0 };
		size_t name_len;

		memcpy(front, data, len < FRONT_SIZE ? len : FRONT_SIZE);
		if (version != NULL)
			*version = front[4];
		if (front[4] != BINARY_VERSION)
			return -EPROTONOSUPPORT;
		prog->budget = (uint16_t)((front[5] | front[6] << 8) % PROGRAM_BUDGET_MAX + 1);
		data += len < FRONT_SIZE ? len : FRONT_SIZE;
		name_len = front[7] < end - data ? front[7] : (size_t)(end - data);
		decode_target(prog, data, name_len);
		data += name_len;
	}
	while (record_next(&rec, &data, end)) {
		if (rec.len == 0)
			continue;
		if (first && rec.bytes[0] == OP_CODE_HEADER)
			decode_header(prog, &rec);
		else
			decode_op(prog, &rec);
		first = false;
	}
	program_reduce(prog);
	return 0;
}

struct writer {
	uint8_t *out;
	size_t size;
	size_t len; /* may pass size: then nothing more was stored */
};

static void put_raw(struct writer *w, uint8_t byte)
{
	if (w->len < w->size)
		w->out[w->len] = byte;
	w->len++;
}

static void put_record(struct writer *w, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool special = bytes[i] == BINARY_END || bytes[i] == BINARY_ESCAPE;

		if (special)
			put_raw(w, BINARY_ESCAPE);
		put_raw(w, special ? bytes[i] & 0x0f : bytes[i]);
	}
	put_raw(w, BINARY_END);
}

static size_t put_value(uint8_t *bytes, uint64_t value, unsigned width)
{
	for (unsigned i = 0; i < width; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	return width;
}

/* Drop zero bytes at the end of a record, which decode the same; keep the code. */
static size_t trim(const uint8_t *bytes, size_t len)
{
	while (len > 1 && bytes[len - 1] == 0)
		len--;
	return len;
}

static void encode_header(struct writer *w, const struct program *prog)
{
	uint8_t bytes[1 + 8 + 2 * PROGRAM_QUEUES + 8] = { OP_CODE_HEADER };
	size_t len = 1;

	len += put_value(bytes + len, ~prog->features, 8);
	for (int i = 0; i < PROGRAM_QUEUES; i++)
		len += put_value(bytes + len, prog->queue_max[i], 2);
	len += put_value(bytes + len, ~prog->features_high, 8);
	put_record(w, bytes, trim(bytes, len));
}

static void encode_op(struct writer *w, const struct program *prog, const struct op *op)
{
	const struct op_desc *desc = op_find(op->code);
	uint8_t bytes[RECORD_MAX]; /* no more of it than is written: this is done often */
	size_t len = 1;

	bytes[0] = op->code;
	if (op->code == OP_NOP) {
		bytes[0] = (uint8_t)op->value[NOP_CODE];
		put_record(w, bytes, 1);
		return;
	}
	for (int i = 0; i < OP_FIELDS_MAX && desc->fields[i].kind != FIELD_NONE; i++) {
		unsigned width = field_width(desc->fields[i].kind);
		uint64_t value = op->value[i];

		if (desc->fields[i].kind == FIELD_QUEUE)
			value = byte_of_queue(value);
		if (desc->fields[i].kind == FIELD_ADDR) {
			bytes[len++] = op->base[i];
			width--;
		}
		len += put_value(bytes + len, value, width);
	}
	if (desc->payload == PAYLOAD_OPS) {
		len += put_value(bytes + len, op->data_len, 2);
	} else if (op->data_len > 0) {
		memcpy(bytes + len, prog->data + op->data_off, op->data_len);
		put_record(w, bytes, len + op->data_len);
		return;
	}
	put_record(w, bytes, trim(bytes, len));
}

long binary_encode(const struct program *prog, uint8_t *out, size_t size, bool magic)
{
	struct writer w = { out, size, 0 };

	if (magic) {
		size_t name_len = strlen(prog->target);

		for (size_t i = 0; i < sizeof(magic_bytes); i++)
			put_raw(&w, magic_bytes[i]);
		put_raw(&w, BINARY_VERSION);
		put_raw(&w, (uint8_t)(prog->budget - 1u));
		put_raw(&w, (uint8_t)((prog->budget - 1u) >> 8));
		put_raw(&w, (uint8_t)name_len);
		for (size_t i = 0; i < name_len; i++)
			put_raw(&w, (uint8_t)prog->target[i]);
	}
	encode_header(&w, prog);
	for (uint32_t i = 0; i < prog->op_count; i++)
		encode_op(&w, prog, &prog->ops[i]);
	return w.len <= size ? (long)w.len : -ENOSPC;
}
