/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The mutator's promises: what it makes decodes to what it meant and fits, the
 * same seed makes the same, every kind of mutation comes up, children of two
 * parents hold operations of both in order, and trimming ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fuzzers/mutate.h"
#include "harness/test/generate.h"

#define ROUNDS 4000

static struct mutator mutator, twin;
static struct trimmer trimmer;
static struct program program, mate, decoded;
static uint8_t encoded[BINARY_SIZE_MAX], mate_bytes[BINARY_SIZE_MAX], child[BINARY_SIZE_MAX],
	again[BINARY_SIZE_MAX];

static size_t encode(const struct program *prog, uint8_t *out, bool magic)
{
	long len = binary_encode(prog, out, BINARY_SIZE_MAX, magic);

	assert_true(len > 0);
	return (size_t)len;
}

static void decode(const uint8_t *bytes, size_t len)
{
	assert_int_equal(binary_decode(&decoded, bytes, len, "net-loopback", NULL), 0);
}

/* `bytes` is how its own program is spelt. */
static void assert_canonical(const uint8_t *bytes, size_t len, bool magic)
{
	decode(bytes, len);
	assert_int_equal(encode(&decoded, again, magic), len);
	assert_memory_equal(again, bytes, len);
}

static void a_mutated_program_is_a_program(void **state)
{
	struct generator g = { 1 };

	(void)state;
	mutator_init(&mutator, "net-loopback", 1);
	for (int i = 0; i < ROUNDS; i++) {
		size_t len;

		if (i % 50 == 0)
			generate_program(&g, &program, i % 500 == 0 ? PROGRAM_OPS_MAX : 24);
		if (i % 40 == 0)
			generate_program(&g, &mate, 24);
		mutate_program(&mutator, &program, i % 2 != 0 ? &mate : NULL);
		len = encode(&program, encoded, true);
		decode(encoded, len);
		assert_true(program_equal(&program, &decoded));
	}
}

static void growth_ends_at_the_limits(void **state)
{
	struct generator g = { 2 };
	uint8_t bytes[OP_BYTES_MAX];

	(void)state;
	generate_program(&g, &mate, PROGRAM_OPS_MAX);
	memset(bytes, 0xf5, sizeof(bytes));
	mutator_init(&mutator, "net-loopback", 2);
	program_init(&program, "net-loopback");
	while (program_add(&program, OP_STORE) != NULL && program.op_count < PROGRAM_OPS_MAX / 2)
		program_add_data(&program, bytes, sizeof(bytes));
	for (int i = 0; i < ROUNDS / 4; i++) {
		size_t len;

		mutate_program(&mutator, &program, i % 2 != 0 ? &mate : NULL);
		assert_true(program.op_count <= PROGRAM_OPS_MAX);
		assert_true(program.data_len <= PROGRAM_DATA_MAX);
		len = encode(&program, encoded, true);
		decode(encoded, len);
		assert_true(program_equal(&program, &decoded));
	}
}

static void bytes_fit_and_are_canonical(void **state)
{
	struct generator g = { 3 };

	(void)state;
	mutator_init(&mutator, "net-loopback", 3);
	mutator.effort = 4;
	for (int i = 0; i < ROUNDS; i++) {
		size_t max = generate_below(&g, 3) != 0 ? 4096 : 64 + generate_below(&g, 400);
		bool magic = i % 4 == 0;
		size_t len;

		generate_program(&g, &program, 32);
		len = encode(&program, encoded, magic);
		len = mutator_bytes(&mutator, encoded, len, NULL, 0, child, max);
		assert_in_range(len, 1, max);
		assert_canonical(child, len, magic);
	}
}

static void noise_goes_in_and_programs_come_out(void **state)
{
	struct generator g = { 4 };

	(void)state;
	mutator_init(&mutator, "net-loopback", 4);
	for (int i = 0; i < ROUNDS; i++) {
		size_t len = generate_below(&g, 400), max = generate_below(&g, 300);

		generate_bytes(&g, encoded, len);
		len = mutator_bytes(&mutator, encoded, len, child, generate_below(&g, 100), child,
				    max);
		assert_true(len <= max);
		if (max > 2)
			assert_true(len > 0);
		if (len > 0)
			assert_canonical(child, len, false);
	}
	/* A file of another version is not ours to change. */
	assert_int_equal(mutator_bytes(&mutator, (const uint8_t *)"VRNG\x07", 5, NULL, 0, child,
				       sizeof(child)),
			 0);
	assert_int_equal(
		mutator_canonical(&mutator, (const uint8_t *)"VRNG\x07", 5, child, sizeof(child)),
		0);
}

static void a_seed_decides_everything(void **state)
{
	struct generator g = { 5 };
	unsigned differ = 0;

	(void)state;
	mutator_init(&mutator, "net-loopback", 5);
	mutator_init(&twin, "net-loopback", 6);
	for (int i = 0; i < ROUNDS / 4; i++) {
		size_t len, a, b;

		generate_program(&g, &program, 16);
		len = encode(&program, encoded, false);
		mutator_seed(&mutator, (uint64_t)i);
		mutator_seed(&twin, (uint64_t)i);
		a = mutator_bytes(&mutator, encoded, len, NULL, 0, child, sizeof(child));
		b = mutator_bytes(&twin, encoded, len, NULL, 0, again, sizeof(again));
		assert_int_equal(a, b);
		assert_memory_equal(child, again, a);
		mutator_seed(&twin, (uint64_t)i + 1);
		b = mutator_bytes(&twin, encoded, len, NULL, 0, again, sizeof(again));
		differ += a != b || memcmp(child, again, a) != 0;
	}
	assert_true(differ > ROUNDS / 4 * 9 / 10);
}

static void every_kind_comes_up_from_nothing(void **state)
{
	static uint32_t codes[256];
	const struct op_desc *ops;
	size_t count;

	(void)state;
	mutator_init(&mutator, "net-loopback", 7);
	for (int i = 0; i < ROUNDS; i++) {
		if (i % 40 == 0)
			program_init(&program, "net-loopback");
		mutate_program(&mutator, &program, NULL);
		for (uint32_t op = 0; op < program.op_count; op++)
			codes[program.ops[op].code]++;
	}
	for (int kind = 0; kind < MUTATION_COUNT; kind++) {
		assert_true(mutator.counts[kind] > ROUNDS / 200);
		assert_non_null(mutation_name((enum mutation)kind));
	}
	/* All operations but nop, which is what an engine's havoc is for. */
	ops = op_table(&count);
	for (size_t i = 0; i < count; i++)
		if (ops[i].code != OP_NOP)
			assert_true(codes[ops[i].code] > 0);
}

static void mutations_are_described(void **state)
{
	char text[200], cut[9];

	(void)state;
	mutator_init(&mutator, "any", 8);
	mutator_bytes(&mutator, encoded, 0, NULL, 0, child, sizeof(child));
	mutator_describe(&mutator, text, sizeof(text));
	assert_true(strncmp(text, "insert", 6) == 0);
	mutator_describe(&mutator, cut, sizeof(cut));
	assert_true(strncmp(text, cut, strlen(cut)) == 0 && strlen(cut) < sizeof(cut));
}

/* The operation as it was marked: its parent and its place there. */
static uint64_t mark(const struct op *op)
{
	return op->value[1];
}

static void mark_program(struct program *prog, uint32_t count, uint64_t parent)
{
	program_init(prog, "net-loopback");
	for (uint32_t i = 0; i < count; i++) {
		struct op *op = program_add(prog, OP_CONFIG_WRITE);

		op->value[1] = parent + i;
		op->value[2] = 4;
	}
}

static void a_child_has_operations_of_both_parents_in_order(void **state)
{
	unsigned mixed = 0;

	(void)state;
	mutator_init(&mutator, "net-loopback", 9);
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t next_a = 0x1000, next_b = 0x2000;
		size_t a, b, len;
		bool has_a = false, has_b = false;

		mark_program(&program, 1 + (uint32_t)i % 13, next_a);
		mark_program(&mate, 1 + (uint32_t)i % 17, next_b);
		a = encode(&program, encoded, false);
		b = encode(&mate, mate_bytes, false);
		len = mutator_cross(&mutator, encoded, a, mate_bytes, b, child, sizeof(child));
		assert_canonical(child, len, false);
		for (uint32_t op = 0; op < decoded.op_count; op++) {
			uint64_t value = mark(&decoded.ops[op]);
			uint64_t *next = value < 0x2000 ? &next_a : &next_b;

			assert_true(value >= *next);
			*next = value + 1;
			has_a = has_a || value < 0x2000;
			has_b = has_b || value >= 0x2000;
		}
		mixed += has_a && has_b;
	}
	assert_true(mixed > ROUNDS / 3);
}

static void children_of_any_parents_fit(void **state)
{
	struct generator g = { 10 };

	(void)state;
	mutator_init(&mutator, "net-loopback", 10);
	for (int i = 0; i < ROUNDS; i++) {
		size_t max = generate_below(&g, 2) != 0 ? 4096 : 64 + generate_below(&g, 200);
		size_t a, b, len;

		generate_program(&g, &program, 32);
		generate_program(&g, &mate, i % 100 == 0 ? PROGRAM_OPS_MAX : 32);
		a = encode(&program, encoded, i % 2 != 0);
		b = encode(&mate, mate_bytes, i % 3 != 0);
		len = mutator_cross(&mutator, encoded, a, mate_bytes, b, child, max);
		assert_in_range(len, 1, max);
		assert_canonical(child, len, i % 2 != 0);
	}
}

/* Worth keeping: what has an operation of that code, and no fewer of them. */
static uint32_t count_code(const struct program *prog, uint8_t code)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < prog->op_count; i++)
		count += prog->ops[i].code == code;
	return count;
}

static void trimming_ends_with_what_matters(void **state)
{
	struct generator g = { 11 };

	(void)state;
	for (int i = 0; i < 200; i++) {
		bool magic = i % 2 != 0, more = true;
		uint32_t sends;
		size_t size, len;
		unsigned steps = 0;

		generate_program(&g, &program, i % 50 == 0 ? 400 : 40);
		sends = count_code(&program, OP_SEND);
		size = encode(&program, encoded, magic);
		if (trim_begin(&trimmer, "net-loopback", encoded, size) == 0) {
			assert_int_equal(program.op_count, 0);
			continue;
		}
		while (more && (len = trim_next(&trimmer)) > 0) {
			bool as_good;

			assert_true(len < size);
			assert_canonical(trimmer.bytes, len, magic);
			as_good = count_code(&decoded, OP_SEND) == sends;
			size = as_good ? len : size;
			more = trim_result(&trimmer, as_good);
			assert_true(++steps < 4000);
		}
		assert_int_equal(count_code(&trimmer.good, OP_SEND), sends);
		assert_int_equal(trimmer.good.op_count, sends);
	}
}

static void trimming_nothing_is_refused(void **state)
{
	(void)state;
	assert_int_equal(trim_begin(&trimmer, "any", encoded, 0), 0);
	assert_int_equal(trim_next(&trimmer), 0);
	assert_int_equal(trim_begin(&trimmer, "any", (const uint8_t *)"VRNG\x07zzzz", 9), 0);
	assert_int_equal(trim_next(&trimmer), 0);
	assert_false(trim_result(&trimmer, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mutated_program_is_a_program),
		cmocka_unit_test(growth_ends_at_the_limits),
		cmocka_unit_test(bytes_fit_and_are_canonical),
		cmocka_unit_test(noise_goes_in_and_programs_come_out),
		cmocka_unit_test(a_seed_decides_everything),
		cmocka_unit_test(every_kind_comes_up_from_nothing),
		cmocka_unit_test(mutations_are_described),
		cmocka_unit_test(a_child_has_operations_of_both_parents_in_order),
		cmocka_unit_test(children_of_any_parents_fit),
		cmocka_unit_test(trimming_ends_with_what_matters),
		cmocka_unit_test(trimming_nothing_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
