/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The mutator as afl-fuzz 4.04c calls it: who owns which buffer and for how
 * long, what its sizes and step counts must be, and that bytes of any kind go
 * in.  The test does what afl-fuzz does, in its order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fuzzers/mutator_afl.h"
#include "fuzzers/test/rig.h"
#include "harness/test/generate.h"

#define ROUNDS 2000
#define MAX_LEN 700
#define AFL_MAX 1048576 /* MAX_FILE: what afl-fuzz would take */

static struct program program, decoded;
static uint8_t input[BINARY_SIZE_MAX], mate[BINARY_SIZE_MAX];

static int open_mutator(void **state)
{
	setenv("VRINGER_TARGET", RIG_TARGET, 1);
	setenv("VRINGER_MAX_LEN", "700", 1);
	*state = afl_custom_init(NULL, 42);
	return *state != NULL ? 0 : -1;
}

static int close_mutator(void **state)
{
	afl_custom_deinit(*state);
	return 0;
}

static size_t make_input(struct generator *g, uint8_t *bytes)
{
	do
		generate_program(g, &program, 12);
	while (rig_encode(&program, bytes, false) > MAX_LEN);
	return rig_encode(&program, bytes, false);
}

/* What lands on the disk as a name of a file. */
static void assert_description(void *a, bool mutated)
{
	static const size_t limits[] = { 200, 60, 20, 5, 1 };

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		const char *text = afl_custom_describe(a, limits[i]);

		assert_non_null(text);
		assert_int_equal(strspn(text, "abcdefghijklmnopqrstuvwxyz+"), strlen(text));
		assert_true(strlen(text) < limits[i] || strcmp(text, "cross") == 0);
		assert_true(!mutated || limits[i] < 20 || strlen(text) > 2);
	}
}

static void what_is_fuzzed_is_ready_to_run(void **state)
{
	struct generator g = { 21 };
	unsigned same = 0;

	for (int i = 0; i < ROUNDS; i++) {
		size_t size = make_input(&g, input), mate_size = make_input(&g, mate), len;
		uint8_t *out = NULL, *posted = NULL;

		if (i % 5 == 0)
			len = afl_custom_fuzz(*state, input, size, &out, NULL, 0, AFL_MAX);
		else
			len = afl_custom_fuzz(*state, input, size, &out, mate, mate_size, AFL_MAX);
		assert_in_range(len, 1, MAX_LEN);
		rig_assert_canonical(&decoded, out, len, false);
		same += len == size && memcmp(out, input, len) == 0;
		assert_description(*state, true);
		assert_int_equal(afl_custom_post_process(*state, out, len, &posted), len);
		assert_ptr_equal(posted, out);
	}
	assert_in_range(same, 0, ROUNDS / 50);
	assert_in_range(afl_custom_havoc_mutation_probability(*state), 1, 100);
}

/* Each child is the next one's parent. */
static void growth_ends_at_the_room_there_is(void **state)
{
	struct generator g = { 25 };
	size_t len = make_input(&g, input), most = 0, most_posted = 0;
	uint8_t *out = NULL;

	for (int i = 0; i < 4 * ROUNDS; i++) {
		if (i % 2 != 0)
			len = afl_custom_fuzz(*state, input, len, &out, NULL, 0, AFL_MAX);
		else
			len = afl_custom_havoc_mutation(*state, input, len, &out, AFL_MAX);
		assert_in_range(len, 1, MAX_LEN);
		memcpy(input, out, len);
		most = len > most ? len : most;
	}
	for (int i = 0; i < 20; i++) {
		generate_bytes(&g, input, 8 * MAX_LEN);
		len = afl_custom_post_process(*state, input, 8 * MAX_LEN, &out);
		assert_in_range(len, 1, MAX_LEN);
		most_posted = len > most_posted ? len : most_posted;
	}
	/* It came to that. */
	assert_in_range(most, MAX_LEN - 32, MAX_LEN);
	assert_in_range(most_posted, MAX_LEN - 32, MAX_LEN);
}

/* havoc: ours among its own, one behind the other, in a buffer of its own;
 * what comes of it goes through post_process, and calibration then gives back
 * what post_process gave, with the length that it had before. */
static void havoc_is_spelt_canonically(void **state)
{
	struct generator g = { 22 };

	for (int i = 0; i < ROUNDS; i++) {
		size_t size = make_input(&g, input), len = size, again;
		uint8_t *out = NULL, *posted = NULL, *back = NULL;

		for (int step = 0; step < 6; step++) {
			if (step % 2 != 0)
				generate_bytes(&g, input + generate_below(&g, len), 1);
			len = afl_custom_havoc_mutation(*state, input, len, &out, AFL_MAX);
			assert_in_range(len, 1, MAX_LEN);
			memcpy(input, out, len);
		}
		len += generate_below(&g, 40);
		generate_bytes(&g, input + len - len / 8, len / 8);
		rig_decode(&program, input, len);
		again = afl_custom_post_process(*state, input, len, &posted);
		assert_in_range(again, 1, MAX_LEN);
		rig_assert_canonical(&decoded, posted, again, false);
		assert_int_equal(afl_custom_post_process(*state, posted, len, &back), again);
		assert_ptr_equal(back, posted);
		rig_assert_canonical(&decoded, back, again, false);
		/* One that would be longer than an input may be loses its last operations. */
		if (rig_encode(&program, mate, false) <= MAX_LEN)
			assert_true(program_equal(&decoded, &program));
	}
}

static void what_is_not_ours_stays(void **state)
{
	uint8_t other[] = "VRNG\x07zzzz", *out = NULL;
	size_t size = sizeof(other);

	assert_int_equal(afl_custom_fuzz(*state, other, size, &out, NULL, 0, AFL_MAX), size);
	assert_ptr_equal(out, other);
	assert_int_equal(afl_custom_havoc_mutation(*state, other, size, &out, AFL_MAX), size);
	assert_ptr_equal(out, other);
	assert_int_equal(afl_custom_post_process(*state, other, size, &out), size);
	assert_ptr_equal(out, other);
	assert_int_equal(afl_custom_init_trim(*state, other, size), 0);
}

static void nothing_becomes_something(void **state)
{
	uint8_t *out = NULL;
	unsigned made = 0;
	size_t len;

	for (int i = 0; i < 100; i++) {
		len = afl_custom_fuzz(*state, input, 0, &out, NULL, 0, AFL_MAX);
		rig_assert_canonical(&decoded, out, len, false);
		made += decoded.op_count > 0;
	}
	assert_true(made > 50);
	len = afl_custom_havoc_mutation(*state, input, 0, &out, AFL_MAX);
	rig_assert_canonical(&decoded, out, len, false);
	len = afl_custom_post_process(*state, input, 0, &out);
	rig_assert_canonical(&decoded, out, len, false);
	assert_int_equal(decoded.op_count, 0);
	/* Less room than any operation needs. */
	for (size_t max = 0; max < 8; max++) {
		input[0] = 0x1a;
		len = afl_custom_fuzz(*state, input, 1, &out, NULL, 0, max);
		assert_true(len == 1 || len <= max);
	}
}

/* afl-fuzz's loop: steps 0 to `steps`, as post_trim counts them. */
static void trimming_ends_within_its_steps(void **state)
{
	struct generator g = { 23 };

	for (int i = 0; i < 200; i++) {
		size_t size = i % 3 != 0 ? make_input(&g, input) : generate_below(&g, 300);
		int steps, step = 0, calls = 0;

		if (i % 3 == 0)
			generate_bytes(&g, input, size);
		steps = afl_custom_init_trim(*state, input, size);
		assert_true(steps >= 0);
		while (step < steps) {
			uint8_t *out = NULL, *posted = NULL;
			size_t len = afl_custom_trim(*state, &out);
			bool as_good = len > 0 && generate_below(&g, 3) == 0;

			assert_non_null(out);
			assert_true(len < size || len == 0);
			if (len > 0) {
				rig_assert_canonical(&decoded, out, len, false);
				assert_int_equal(afl_custom_post_process(*state, out, len, &posted),
						 len);
				assert_ptr_equal(posted, out);
			}
			size = as_good ? len : size;
			step = afl_custom_post_trim(*state, as_good);
			assert_in_range(step, 0, steps);
			assert_true(++calls < 4 * steps + 4);
		}
	}
}

static void the_seed_decides(void **state)
{
	void *a = afl_custom_init(NULL, 7), *b = afl_custom_init(NULL, 7);
	struct generator g = { 24 };

	(void)state;
	for (int i = 0; i < ROUNDS / 4; i++) {
		size_t size = make_input(&g, input), mate_size = make_input(&g, mate), len_a, len_b;
		uint8_t *out_a = NULL, *out_b = NULL;

		len_a = afl_custom_fuzz(a, input, size, &out_a, mate, mate_size, AFL_MAX);
		len_b = afl_custom_fuzz(b, input, size, &out_b, mate, mate_size, AFL_MAX);
		assert_int_equal(len_a, len_b);
		assert_memory_equal(out_a, out_b, len_a);
	}
	afl_custom_deinit(a);
	afl_custom_deinit(b);
}

static void nonsense_in_the_environment_is_no_limit(void **state)
{
	static const char *const given[] = { "0", "x", "-1", "99999999999999999999" };

	(void)state;
	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
		uint8_t *out = NULL;
		size_t len;
		void *a;

		setenv("VRINGER_MAX_LEN", given[i], 1);
		setenv("VRINGER_TARGET", "a-name-longer-than-any-target-of-ours-has", 1);
		a = afl_custom_init(NULL, 1);
		assert_non_null(a);
		input[0] = 0x1a;
		len = afl_custom_fuzz(a, input, 1, &out, NULL, 0, AFL_MAX);
		assert_in_range(len, 1, 4096);
		afl_custom_deinit(a);
	}
}

/* Requests that came up in programs for a target that this library does not know. */
static unsigned count_requests(const char *queues)
{
	unsigned count = 0;
	void *a;

	setenv("VRINGER_MAX_LEN", "700", 1);
	setenv("VRINGER_TARGET", "somebody-elses", 1);
	if (queues != NULL)
		setenv("VRINGER_REQUESTS", queues, 1);
	a = afl_custom_init(NULL, 1);
	unsetenv("VRINGER_REQUESTS");
	assert_non_null(a);
	for (int i = 0; i < ROUNDS; i++) {
		uint8_t *out = NULL;
		size_t len;

		input[0] = 0x1a;
		len = afl_custom_fuzz(a, input, 1, &out, NULL, 0, AFL_MAX);
		binary_decode(&decoded, out, len, "any", NULL);
		for (uint32_t at = 0; at < decoded.op_count; at++)
			count += decoded.ops[at].code == OP_SEND_REQUEST &&
				 decoded.ops[at].value[SEND_REQUEST_QUEUE] == 3;
	}
	afl_custom_deinit(a);
	return count;
}

static void requests_of_a_target_that_is_not_ours_are_sent(void **state)
{
	(void)state;
	assert_in_range(count_requests("0,3"), ROUNDS / 50, UINT32_MAX);
	assert_int_equal(count_requests(NULL), 0);
	assert_int_equal(count_requests("x"), 0);
}

/* Accesses to the last bytes of a configuration of that length. */
static unsigned count_ends(const char *length, uint64_t end)
{
	unsigned count = 0;
	void *a;

	setenv("VRINGER_MAX_LEN", "700", 1);
	setenv("VRINGER_TARGET", "somebody-elses", 1);
	if (length != NULL)
		setenv("VRINGER_CONFIG", length, 1);
	a = afl_custom_init(NULL, 1);
	unsetenv("VRINGER_CONFIG");
	assert_non_null(a);
	for (int i = 0; i < 4 * ROUNDS; i++) {
		uint8_t *out = NULL;
		size_t len;

		input[0] = 0x1a;
		len = afl_custom_fuzz(a, input, 1, &out, NULL, 0, AFL_MAX);
		binary_decode(&decoded, out, len, "any", NULL);
		for (uint32_t at = 0; at < decoded.op_count; at++)
			count += decoded.ops[at].code == OP_CONFIG_READ &&
				 decoded.ops[at].value[CONFIG_READ_OFFSET] == end - 1;
	}
	afl_custom_deinit(a);
	return count;
}

static void the_end_of_a_configuration_that_is_not_ours_is_reached(void **state)
{
	(void)state;
	assert_in_range(count_ends("1739", 1739), 1, UINT32_MAX);
	assert_int_equal(count_ends(NULL, 1739), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_fuzzed_is_ready_to_run),
		cmocka_unit_test(growth_ends_at_the_room_there_is),
		cmocka_unit_test(havoc_is_spelt_canonically),
		cmocka_unit_test(what_is_not_ours_stays),
		cmocka_unit_test(nothing_becomes_something),
		cmocka_unit_test(trimming_ends_within_its_steps),
		cmocka_unit_test(the_seed_decides),
		cmocka_unit_test(nonsense_in_the_environment_is_no_limit),
		cmocka_unit_test(requests_of_a_target_that_is_not_ours_are_sent),
		cmocka_unit_test(the_end_of_a_configuration_that_is_not_ours_is_reached),
	};

	return cmocka_run_group_tests(tests, open_mutator, close_mutator);
}
