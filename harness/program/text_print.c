/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Print guest programs as text, canonically.  See text.h.
 */
#include "harness/program/text.h"

#include <inttypes.h>

#define ELEMENT_RUN_MIN                                                                            \
	3 /* this many of the same buffer in a row are written as one with a                       \
	   * count */

/* Small numbers in decimal, large ones (addresses, masks) in hexadecimal. */
static void print_number(FILE *out, uint64_t value)
{
	if (value < 4096)
		fprintf(out, "%" PRIu64, value);
	else
		fprintf(out, "0x%" PRIx64, value);
}

static void print_bits(FILE *out, const struct bit_name *bits, uint64_t value)
{
	const char *separator = "";

	for (; bits->name != NULL; bits++) {
		if ((value & bits->bit) == 0)
			continue;
		fprintf(out, "%s%s", separator, bits->name);
		value &= ~bits->bit;
		separator = "|";
	}
	if (value != 0)
		fprintf(out, "%s0x%" PRIx64, separator, value);
	else if (*separator == '\0')
		fputc('0', out);
}

void text_print_value(FILE *out, enum field_kind kind, uint64_t value)
{
	const char *name;

	if (field_names(kind) != NULL) {
		fputs(field_names(kind)[value], out);
	} else if (field_bits(kind) != NULL) {
		print_bits(out, field_bits(kind), value);
	} else if (kind == FIELD_REG) {
		name = register_name((uint32_t)value);
		if (name != NULL)
			fputs(name, out);
		else
			fprintf(out, "0x%03" PRIx64, value);
	} else if (kind == FIELD_SLOT) {
		fprintf(out, "b%" PRIu64, value);
	} else if (kind == FIELD_COUNT) {
		fprintf(out, "%" PRIu64, value);
	} else if (kind == FIELD_I16) {
		fprintf(out, "%" PRId64, (int64_t)value);
	} else {
		print_number(out, value);
	}
}

static void print_slot(FILE *out, unsigned slot, const char (*names)[TEXT_NAME_MAX])
{
	if (names != NULL && names[slot][0] != '\0')
		fputs(names[slot], out);
	else
		fprintf(out, "b%u", slot);
}

void text_print_addr(FILE *out, uint8_t base, uint64_t offset, const char (*names)[TEXT_NAME_MAX])
{
	uint64_t magnitude = (int64_t)offset < 0 ? 0 - offset : offset;

	if (base == BASE_ABSOLUTE) {
		fprintf(out, "0x%" PRIx64, offset);
		return;
	}
	if (base >= BASE_RING)
		fprintf(out, "q%u.%s", ring_base_queue(base),
			virtqueue_area_names[ring_base_area(base)]);
	else if (base <= BASE_HOLE)
		fputs(base_names[base], out);
	else
		print_slot(out, base - (unsigned)BASE_SLOT, names);
	if (offset != 0) {
		fputc((int64_t)offset < 0 ? '-' : '+', out);
		print_number(out, magnitude);
	}
}

static bool is_default(enum field_kind kind, uint8_t base, uint64_t value)
{
	return kind == FIELD_WIDTH ? value == 4 : value == 0 && base == BASE_ABSOLUTE;
}

/* Buffers of a chain; a run of the same one as "b7:w*13". */
static void print_elements(FILE *out, const uint8_t *data, unsigned len,
			   const char (*names)[TEXT_NAME_MAX])
{
	unsigned run;

	for (unsigned i = 0; i < len; i += run) {
		for (run = 1; i + run < len && data[i + run] == data[i];)
			run++;
		if (run < ELEMENT_RUN_MIN)
			run = 1;
		fputc(' ', out);
		print_slot(out, data[i] & ELEMENT_SLOT, names);
		if (data[i] & ELEMENT_WRITE)
			fputs(":w", out);
		if (run > 1)
			fprintf(out, "*%u", run);
	}
}

static void print_payload(FILE *out, const struct program *prog, const struct op *op,
			  enum payload_kind kind, const char (*names)[TEXT_NAME_MAX])
{
	const uint8_t *data = prog->data + op->data_off;

	if (kind == PAYLOAD_ELEMENTS) {
		print_elements(out, data, op->data_len, names);
		return;
	}
	if (kind == PAYLOAD_BYTES && op->data_len > 0)
		fputc(' ', out);
	for (unsigned i = 0; i < op->data_len; i++)
		fprintf(out, "%02x", data[i]);
}

void text_print_op(FILE *out, const struct program *prog, const struct op *op,
		   const char (*names)[TEXT_NAME_MAX])
{
	const struct op_desc *desc = op_find(op->code);

	fputs(desc->name, out);
	for (int i = 0; i < OP_FIELDS_MAX && desc->fields[i].kind != FIELD_NONE; i++) {
		const struct field_desc *field = &desc->fields[i];

		if (!field->positional && is_default(field->kind, op->base[i], op->value[i]))
			continue;
		fputc(' ', out);
		if (!field->positional)
			fprintf(out, "%s=", field->name);
		if (field->kind == FIELD_ADDR)
			text_print_addr(out, op->base[i], op->value[i], names);
		else if (field->kind == FIELD_SLOT)
			print_slot(out, (unsigned)op->value[i], names);
		else
			text_print_value(out, field->kind, op->value[i]);
	}
	if (desc->payload != PAYLOAD_OPS)
		print_payload(out, prog, op, desc->payload, names);
}

static void print_header(FILE *out, const struct program *prog)
{
	int queues = PROGRAM_QUEUES;

	fprintf(out, "device %s", prog->target);
	if (prog->features != ~0ULL)
		fprintf(out, " features=0x%" PRIx64, prog->features);
	if (prog->features_high != ~0ULL)
		fprintf(out, " features_high=0x%" PRIx64, prog->features_high);
	while (queues > 0 && prog->queue_max[queues - 1] == 0)
		queues--;
	for (int i = 0; i < queues; i++)
		fprintf(out, "%s%u", i == 0 ? " queue_max=" : ",", prog->queue_max[i]);
	if (prog->budget != 1)
		fprintf(out, " budget=%u", prog->budget);
	fputc('\n', out);
}

static void print_indent(FILE *out, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		fputs("  ", out);
}

void text_print(FILE *out, const struct program *prog, const char (*names)[TEXT_NAME_MAX])
{
	uint32_t end[PROGRAM_REPEAT_DEPTH_MAX];
	unsigned depth = 0;

	print_header(out, prog);
	for (int i = 0; names != NULL && i < PROGRAM_SLOTS; i++)
		if (names[i][0] != '\0')
			fprintf(out, "name b%d = %s\n", i, names[i]);
	for (uint32_t i = 0; i < prog->op_count; i++) {
		const struct op *op = &prog->ops[i];

		print_indent(out, depth);
		text_print_op(out, prog, op, names);
		fputc('\n', out);
		if (op->code == OP_REPEAT && op->data_len > 0) {
			end[depth++] = i + 1 + op->data_len;
		} else if (op->code == OP_REPEAT) {
			print_indent(out, depth);
			fputs("end\n", out);
		}
		while (depth > 0 && i + 1 == end[depth - 1]) {
			print_indent(out, --depth);
			fputs("end\n", out);
		}
	}
}
