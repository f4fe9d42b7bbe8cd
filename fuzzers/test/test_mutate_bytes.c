/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The mutator from bytes to bytes: whatever goes in, what comes out fits, is
 * spelt canonically and keeps its parent's front; the same seed makes the
 * same; children of two parents hold operations of both, in order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fuzzers/test/rig.h"
#include "harness/test/generate.h"

#define ROUNDS 4000
#define BODY_MIN 2 /* the header's record, with nothing in it */

static struct mutator mutator, twin;
static struct program program, mate, decoded;
static uint8_t encoded[BINARY_SIZE_MAX], mate_bytes[BINARY_SIZE_MAX], child[BINARY_SIZE_MAX],
	again[BINARY_SIZE_MAX];

/* Room for an empty program of the same front. */
static size_t least(const struct program *prog, bool magic)
{
	struct program empty;

	program_init(&empty, prog->target);
	return rig_encode(&empty, again, magic);
}

/* Small ones of every size, and what an engine would have. */
static size_t some_max(struct generator *g)
{
	return generate_below(g, 2) != 0 ? generate_below(g, 200) : 4096;
}

/* Ask for a child in room of exactly `max` bytes, of parents in as little. */
static size_t mutate_in(size_t max, size_t len, size_t other_len)
{
	uint8_t *in = rig_room(len), *other = rig_room(other_len), *out = rig_room(max);
	size_t made;

	memcpy(in, encoded, len);
	memcpy(other, mate_bytes, other_len);
	made = mutator_bytes(&mutator, in, len, other, other_len, out, max);
	assert_in_range(made, 0, max);
	assert_memory_equal(in, encoded, len);
	assert_memory_equal(other, mate_bytes, other_len);
	memcpy(child, out, made);
	free(in);
	free(other);
	free(out);
	return made;
}

static void a_child_fits_and_keeps_the_front(void **state)
{
	struct generator g = { 3 };

	(void)state;
	mutator_init(&mutator, RIG_TARGET, 3);
	mutator.effort = 4;
	for (int i = 0; i < ROUNDS; i++) {
		size_t max = some_max(&g), len, other_len;
		bool magic = i % 4 == 0;

		generate_program(&g, &program, i % 100 == 0 ? PROGRAM_OPS_MAX : 32);
		generate_program(&g, &mate, 32);
		len = rig_encode(&program, encoded, magic);
		other_len = rig_encode(&mate, mate_bytes, i % 3 == 0);
		len = mutate_in(max, len, i % 2 != 0 ? other_len : 0);
		assert_int_equal(len == 0, max < least(&program, magic));
		if (len == 0)
			continue;
		rig_assert_canonical(&decoded, child, len, magic);
		/* Nobody's session becomes longer than it was. */
		assert_int_equal(decoded.budget, magic ? program.budget : 1);
		assert_string_equal(decoded.target, magic ? program.target : RIG_TARGET);
	}
}

static void noise_goes_in_and_programs_come_out(void **state)
{
	struct generator g = { 4 };

	(void)state;
	mutator_init(&mutator, RIG_TARGET, 4);
	for (int i = 0; i < ROUNDS; i++) {
		size_t len = generate_below(&g, 400), max = generate_below(&g, 300);
		size_t other_len = generate_below(&g, 100);

		generate_bytes(&g, encoded, len);
		generate_bytes(&g, mate_bytes, other_len);
		len = mutate_in(max, len, other_len);
		assert_int_equal(len == 0, max < BODY_MIN);
		if (len > 0)
			rig_assert_canonical(&decoded, child, len, false);
	}
}

/* As libFuzzer has it: input and output are one, and what is in the way. */
static void a_child_may_take_its_parents_place(void **state)
{
	struct generator g = { 5 };

	(void)state;
	mutator_init(&mutator, RIG_TARGET, 5);
	mutator_init(&twin, RIG_TARGET, 5);
	for (int i = 0; i < ROUNDS / 4; i++) {
		size_t len, apart;

		generate_program(&g, &program, 16);
		len = rig_encode(&program, encoded, i % 2 != 0);
		apart = mutator_bytes(&twin, encoded, len, encoded, len, child, 4096);
		len = mutator_bytes(&mutator, encoded, len, encoded, len, encoded, 4096);
		assert_int_equal(len, apart);
		assert_memory_equal(encoded, child, len);
	}
}

static void a_seed_decides_everything(void **state)
{
	struct generator g = { 6 };
	unsigned differ = 0;

	(void)state;
	mutator_init(&mutator, RIG_TARGET, 5);
	mutator_init(&twin, RIG_TARGET, 6);
	for (int i = 0; i < ROUNDS / 4; i++) {
		size_t len, other_len, a, b;

		generate_program(&g, &program, 16);
		generate_program(&g, &mate, 16);
		len = rig_encode(&program, encoded, false);
		other_len = rig_encode(&mate, mate_bytes, false);
		mutator_seed(&mutator, (uint64_t)i);
		mutator_seed(&twin, (uint64_t)i);
		a = mutator_bytes(&mutator, encoded, len, mate_bytes, other_len, child, 4096);
		b = mutator_bytes(&twin, encoded, len, mate_bytes, other_len, again, 4096);
		assert_int_equal(a, b);
		assert_memory_equal(child, again, a);
		mutator_seed(&twin, (uint64_t)i + 1);
		b = mutator_bytes(&twin, encoded, len, mate_bytes, other_len, again, 4096);
		differ += a != b || memcmp(child, again, a) != 0;

		mutator_seed(&mutator, (uint64_t)i);
		mutator_seed(&twin, (uint64_t)i);
		a = mutator_cross(&mutator, encoded, len, mate_bytes, other_len, child, 4096);
		b = mutator_cross(&twin, encoded, len, mate_bytes, other_len, again, 4096);
		assert_int_equal(a, b);
		assert_memory_equal(child, again, a);
	}
	assert_true(differ > ROUNDS / 4 * 9 / 10);
}

static void mark_program(struct program *prog, uint32_t count, uint64_t parent)
{
	program_init(prog, RIG_TARGET);
	for (uint32_t i = 0; i < count; i++) {
		struct op *op = program_add(prog, OP_CONFIG_WRITE);

		op->value[1] = parent + i;
		op->value[2] = 4;
	}
}

static void a_child_has_operations_of_both_parents_in_order(void **state)
{
	unsigned mixed = 0, same = 0;

	(void)state;
	mutator_init(&mutator, RIG_TARGET, 9);
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t next_a = 0x1000, next_b = 0x2000;
		bool has_a = false, has_b = false;
		size_t a, b, len;

		mark_program(&program, 1 + (uint32_t)i % 13, next_a);
		mark_program(&mate, 1 + (uint32_t)i % 17, next_b);
		a = rig_encode(&program, encoded, false);
		b = rig_encode(&mate, mate_bytes, false);
		len = mutator_cross(&mutator, encoded, a, mate_bytes, b, child, sizeof(child));
		rig_assert_canonical(&decoded, child, len, false);
		for (uint32_t op = 0; op < decoded.op_count; op++) {
			uint64_t value = decoded.ops[op].value[1];
			uint64_t *next = value < 0x2000 ? &next_a : &next_b;

			assert_true(value >= *next);
			*next = value + 1;
			has_a = has_a || value < 0x2000;
			has_b = has_b || value >= 0x2000;
		}
		mixed += has_a && has_b;
		same += program_equal(&decoded, &program);
	}
	assert_true(mixed > ROUNDS / 2);
	assert_int_equal(same, 0);
}

static void children_of_any_parents_fit(void **state)
{
	struct generator g = { 10 };

	(void)state;
	mutator_init(&mutator, RIG_TARGET, 10);
	for (int i = 0; i < ROUNDS; i++) {
		size_t max = some_max(&g), a, b, len;
		bool magic = i % 2 != 0;
		uint8_t *out = rig_room(max);

		generate_program(&g, &program, i % 60 == 0 ? PROGRAM_OPS_MAX : 32);
		generate_program(&g, &mate, i % 100 == 0 ? PROGRAM_OPS_MAX : 32);
		a = rig_encode(&program, encoded, magic);
		b = rig_encode(&mate, mate_bytes, i % 3 != 0);
		len = mutator_cross(&mutator, encoded, a, mate_bytes, b, out, max);
		assert_in_range(len, 0, max);
		assert_int_equal(len == 0, max < least(&program, magic) || mate.op_count == 0);
		if (len > 0) {
			rig_assert_canonical(&decoded, out, len, magic);
			/* The front is the first parent's. */
			assert_int_equal(decoded.budget, magic ? program.budget : 1);
			assert_string_equal(decoded.target, magic ? program.target : RIG_TARGET);
		}
		free(out);
	}
}

static void the_canonical_spelling_says_the_same(void **state)
{
	struct generator g = { 12 };

	(void)state;
	mutator_init(&mutator, RIG_TARGET, 12);
	for (int i = 0; i < ROUNDS; i++) {
		size_t len = generate_below(&g, 400), max = some_max(&g), made;
		uint8_t *out = rig_room(max);

		generate_bytes(&g, encoded, len);
		rig_decode(&program, encoded, len);
		made = mutator_canonical(&mutator, encoded, len, out, max);
		assert_in_range(made, 0, max);
		assert_int_equal(made == 0, max < BODY_MIN);
		if (made > 0) {
			rig_assert_canonical(&decoded, out, made, false);
			/* The first operations, where not all of them fit. */
			for (uint32_t op = 0; op < decoded.op_count; op++)
				assert_true(rig_same_op(&decoded, op, &program, op));
			if (rig_encode(&program, again, false) <= max)
				assert_true(program_equal(&decoded, &program));
		}
		free(out);
	}
}

static void another_version_is_not_ours_to_change(void **state)
{
	static const uint8_t other[] = "VRNG\x07zzzz";
	static const uint8_t ours[] = { 0x10, 0x06, 0xf5 };
	size_t size = sizeof(other);

	(void)state;
	mutator_init(&mutator, RIG_TARGET, 13);
	assert_int_equal(mutator_bytes(&mutator, other, size, NULL, 0, child, 4096), 0);
	assert_int_equal(mutator_canonical(&mutator, other, size, child, 4096), 0);
	assert_int_equal(mutator_cross(&mutator, other, size, ours, 3, child, 4096), 0);
	assert_int_equal(mutator_cross(&mutator, ours, 3, other, size, child, 4096), 0);
	/* What it could splice from is left out. */
	assert_true(mutator_bytes(&mutator, ours, 3, other, size, child, 4096) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_fits_and_keeps_the_front),
		cmocka_unit_test(noise_goes_in_and_programs_come_out),
		cmocka_unit_test(a_child_may_take_its_parents_place),
		cmocka_unit_test(a_seed_decides_everything),
		cmocka_unit_test(a_child_has_operations_of_both_parents_in_order),
		cmocka_unit_test(children_of_any_parents_fit),
		cmocka_unit_test(the_canonical_spelling_says_the_same),
		cmocka_unit_test(another_version_is_not_ours_to_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
