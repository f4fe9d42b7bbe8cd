/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Trimming by operations: each candidate is a program and is shorter than the
 * best so far, it ends, and it ends with nothing left but what matters.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fuzzers/test/rig.h"
#include "harness/test/generate.h"

static struct trimmer trimmer;
static struct program program, decoded;
static uint8_t encoded[BINARY_SIZE_MAX];

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
		unsigned steps = 0;
		size_t size, len;
		uint32_t sends;

		generate_program(&g, &program, i % 50 == 0 ? 400 : 40);
		sends = count_code(&program, OP_SEND);
		size = rig_encode(&program, encoded, magic);
		if (trim_begin(&trimmer, RIG_TARGET, encoded, size) == 0) {
			assert_int_equal(program.op_count, 0);
			continue;
		}
		while (more && (len = trim_next(&trimmer)) > 0) {
			bool as_good;

			assert_true(len < size);
			rig_assert_canonical(&decoded, trimmer.bytes, len, magic);
			assert_true(rig_in_order(&decoded, &program));
			as_good = count_code(&decoded, OP_SEND) == sends;
			size = as_good ? len : size;
			more = trim_result(&trimmer, as_good);
			assert_true(++steps < 4000);
		}
		assert_int_equal(count_code(&trimmer.good, OP_SEND), sends);
		assert_int_equal(trimmer.good.op_count, sends);
	}
}

/* Bytes that are not spelt canonically, and nothing that may go. */
static void trimming_of_noise_ends(void **state)
{
	struct generator g = { 12 };

	(void)state;
	for (int i = 0; i < 1000; i++) {
		size_t size = generate_below(&g, 300), len;
		unsigned steps = 0, most;

		generate_bytes(&g, encoded, size);
		most = trim_begin(&trimmer, RIG_TARGET, encoded, size);
		while (most > 0 && (len = trim_next(&trimmer)) > 0) {
			assert_true(len < size);
			assert_true(++steps <= most);
			if (!trim_result(&trimmer, false))
				break;
		}
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
		cmocka_unit_test(trimming_ends_with_what_matters),
		cmocka_unit_test(trimming_of_noise_ends),
		cmocka_unit_test(trimming_nothing_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
