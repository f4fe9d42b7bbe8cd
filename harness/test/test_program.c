/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The laws of guest programs (DESIGN section 1), over generated programs and
 * over arbitrary bytes:
 *
 *   parse(print(p)) == p      decode(encode(p)) == p
 *   decode(any bytes) prints, and the print parses back to the same program
 *
 * What each operation's bytes mean alone is in test_binary.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "generate.h"
#include "spellings.h"

#define PROGRAMS 3000

static void assert_both_spellings(const struct program *prog)
{
	assert_text_law(prog);
	assert_binary_law(prog);
}

static void generated_programs_survive_the_text_spelling(void **state)
{
	struct generator g = { 1 };

	(void)state;
	for (int i = 0; i < PROGRAMS; i++) {
		generate_program(&g, &program, 24);
		assert_text_law(&program);
	}
}

static void generated_programs_survive_the_binary_spelling(void **state)
{
	struct generator g = { 2 };

	(void)state;
	for (int i = 0; i < PROGRAMS; i++) {
		generate_program(&g, &program, 24);
		assert_binary_law(&program);
	}
}

static void long_programs_survive_both_spellings(void **state)
{
	struct generator g = { 3 };

	(void)state;
	for (int i = 0; i < 12; i++) {
		generate_program(&g, &program, PROGRAM_OPS_MAX);
		assert_both_spellings(&program);
	}
}

static void a_generated_run_reaches_every_operation_and_nested_repeats(void **state)
{
	struct generator g = { 1 };
	bool seen[256] = { false };
	const struct op_desc *ops;
	bool nested = false;
	size_t count;

	(void)state;
	for (int i = 0; i < 300; i++) {
		generate_program(&g, &program, 24);
		for (uint32_t o = 0; o < program.op_count; o++)
			seen[program.ops[o].code] = true;
		for (uint32_t o = 0; o + 1 < program.op_count; o++)
			nested |= program.ops[o].code == OP_REPEAT && program.ops[o].data_len > 1 &&
				  program.ops[o + 1].code == OP_REPEAT &&
				  program.ops[o + 1].data_len > 0;
	}
	ops = op_table(&count);
	for (size_t i = 0; i < count; i++)
		assert_true(seen[ops[i].code]);
	assert_true(nested);
}

/* Every field of every operation, the others at their defaults. */
static void every_field_survives_at_its_edges(void **state)
{
	static const uint64_t edges[] = { 0,	      1,	  0x7f,	      0x80,
					  0xff,	      0x7fff,	  0x8000,     0xffff,
					  0x10000,    0x7fffffff, 0xffffffff, 1ULL << 32,
					  1ULL << 63, UINT64_MAX, 4095,	      4096 };
	const struct op_desc *ops;
	size_t count;

	(void)state;
	ops = op_table(&count);
	for (size_t o = 0; o < count; o++) {
		for (int f = 0; f < OP_FIELDS_MAX && ops[o].fields[f].kind != FIELD_NONE; f++) {
			program_init(&program, "any");
			for (size_t e = 0; e < sizeof(edges) / sizeof(edges[0]); e++) {
				struct op *op = program_add(&program, ops[o].code);

				for (int i = 0; i < OP_FIELDS_MAX; i++)
					op->value[i] = field_reduce(ops[o].fields[i].kind, 0);
				op->value[f] = field_reduce(ops[o].fields[f].kind, edges[e]);
			}
			assert_both_spellings(&program);
		}
	}
}

static void every_base_of_an_address_survives(void **state)
{
	static const uint64_t offsets[] = { 0, 1, 4095, 4096, UINT64_MAX, 1ULL << 63, INT64_MAX };

	(void)state;
	program_init(&program, "any");
	for (unsigned base = 0; base < 256; base++) {
		struct op *op = program_add(&program, OP_STORE);

		op->base[0] = base_reduce((uint8_t)base);
		op->value[0] = offsets[base % 7];
	}
	assert_both_spellings(&program);
	for (unsigned k = 0; k < 7; k++) {
		program_init(&program, "any");
		for (unsigned base = 0; base < BASE_COUNT; base++) {
			struct op *op = program_add(&program, OP_BUFFER);

			op->base[1] = base_reduce((uint8_t)base);
			op->value[1] = offsets[k];
		}
		assert_both_spellings(&program);
	}
}

static void reduced_values_are_what_text_allows(void **state)
{
	struct generator g = { 4 };

	(void)state;
	for (int kind = FIELD_U8; kind < FIELD_KIND_COUNT; kind++) {
		for (int i = 0; i < 2000; i++) {
			uint64_t value = field_reduce((enum field_kind)kind, generate_edge(&g));

			assert_int_equal(field_reduce((enum field_kind)kind, value), value);
			assert_value_law((enum field_kind)kind, value);
		}
	}
	for (unsigned base = 0; base < 256; base++)
		assert_int_equal(base_reduce(base_reduce((uint8_t)base)),
				 base_reduce((uint8_t)base));
}

/* What comes of any bytes is a program that both spellings can say. */
static void assert_decodes(const uint8_t *bytes, size_t len)
{
	if (binary_decode(&program, bytes, len, "any", NULL) == 0)
		assert_both_spellings(&program);
}

static void any_bytes_decode_and_print(void **state)
{
	struct generator g = { 5 };
	uint8_t bytes[700];

	(void)state;
	for (int i = 0; i < PROGRAMS; i++) {
		size_t len = generate_below(&g, sizeof(bytes));

		generate_bytes(&g, bytes, len);
		assert_decodes(bytes, len);
		/* Bytes that are mostly codes of operations and ends of records. */
		for (size_t b = 0; b < len; b++)
			if (bytes[b] > 0x7f && bytes[b] < 0xf0)
				bytes[b] = b % 3 == 0 ? BINARY_END : bytes[b] & 0x7f;
		assert_decodes(bytes, len);
	}
}

static void changed_encodings_decode_and_print(void **state)
{
	struct generator g = { 6 };

	(void)state;
	for (int i = 0; i < 600; i++) {
		long len;

		generate_program(&g, &program, 16);
		len = binary_encode(&program, encoded, sizeof(encoded), i % 2 == 0);
		for (int n = 0; n < 4; n++) {
			encoded[generate_below(&g, (uint64_t)len)] = (uint8_t)generate_number(&g);
			assert_decodes(encoded, (size_t)len);
		}
	}
}

static void encodings_cut_at_any_byte_decode_and_print(void **state)
{
	struct generator g = { 7 };

	(void)state;
	for (int i = 0; i < 12; i++) {
		long len;

		do {
			generate_program(&g, &program, 10);
			len = binary_encode(&program, encoded, sizeof(encoded), i % 2 == 0);
		} while (len < 40 || len > 500);
		while (len > 0)
			assert_decodes(encoded, (size_t)--len);
	}
}

static void an_operation_of_the_largest_payload_survives(void **state)
{
	uint8_t bytes[OP_BYTES_MAX];
	const struct op_desc *ops;
	size_t count;

	(void)state;
	ops = op_table(&count);
	for (size_t i = 0; i < count; i++) {
		bool elements = ops[i].payload == PAYLOAD_ELEMENTS;

		if (!elements && ops[i].payload != PAYLOAD_BYTES)
			continue;
		memset(bytes, elements ? ELEMENT_WRITE | ELEMENT_SLOT : BINARY_END, sizeof(bytes));
		program_init(&program, "any");
		program_add(&program, ops[i].code);
		assert_true(program_add_data(&program, bytes, sizeof(bytes)));
		assert_false(program_add_data(&program, bytes, sizeof(bytes) + 1));
		assert_both_spellings(&program);
	}
}

static void the_largest_program_survives_and_takes_no_more(void **state)
{
	uint8_t bytes[PROGRAM_DATA_MAX / PROGRAM_OPS_MAX];

	(void)state;
	memset(bytes, BINARY_ESCAPE, sizeof(bytes));
	program_init(&program, "abcdefghijklmnopqrstuvwxyz01234");
	program.features = 0x0a090a090a090a09ULL;
	for (int i = 0; i < PROGRAM_OPS_MAX; i++) {
		struct op *op = program_add(&program, OP_STORE);

		op->base[0] = BASE_RING;
		op->value[0] = 0xf5f6f5f6f5f6f5f6ULL;
		assert_true(program_add_data(&program, bytes, sizeof(bytes)));
	}
	assert_null(program_add(&program, OP_NOP));
	assert_false(program_add_data(&program, bytes, 1));
	assert_both_spellings(&program);
	assert_int_equal(binary_encode(&program, encoded, 100, true), -28 /* -ENOSPC */);
}

static void programs_that_differ_are_not_equal(void **state)
{
	struct generator g = { 8 };
	static struct program other;

	(void)state;
	for (int i = 0; i < 500; i++) {
		uint32_t which;

		generate_program(&g, &program, 16);
		other = program;
		assert_true(program_equal(&program, &other));
		assert_true(program_hash(&program) == program_hash(&other));
		if (program.op_count == 0)
			continue;
		which = (uint32_t)generate_below(&g, program.op_count);
		other.ops[which].value[generate_below(&g, OP_FIELDS_MAX)] ^= 1ULL << i % 64;
		assert_false(program_equal(&program, &other));
		assert_true(program_hash(&program) != program_hash(&other));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generated_programs_survive_the_text_spelling),
		cmocka_unit_test(generated_programs_survive_the_binary_spelling),
		cmocka_unit_test(long_programs_survive_both_spellings),
		cmocka_unit_test(a_generated_run_reaches_every_operation_and_nested_repeats),
		cmocka_unit_test(every_field_survives_at_its_edges),
		cmocka_unit_test(every_base_of_an_address_survives),
		cmocka_unit_test(reduced_values_are_what_text_allows),
		cmocka_unit_test(any_bytes_decode_and_print),
		cmocka_unit_test(changed_encodings_decode_and_print),
		cmocka_unit_test(encodings_cut_at_any_byte_decode_and_print),
		cmocka_unit_test(an_operation_of_the_largest_payload_survives),
		cmocka_unit_test(the_largest_program_survives_and_takes_no_more),
		cmocka_unit_test(programs_that_differ_are_not_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
