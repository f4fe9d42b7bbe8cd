/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The mutator as libFuzzer calls it: in place, within the room there is, the
 * same for the same seed, and out of the way where it is not wanted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fuzzers/engine.h"
#include "fuzzers/test/rig.h"
#include "harness/test/generate.h"

#define ROUNDS 4000
#define MAX_LEN 600

const struct fuzz_target fuzz_target = { .name = RIG_TARGET, .programs = true };

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
				 uint8_t *out, size_t max, unsigned seed);

static struct program program, decoded;
static uint8_t input[BINARY_SIZE_MAX], mate[BINARY_SIZE_MAX];
static unsigned byte_mutations;

/* In libFuzzer's place. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max)
{
	byte_mutations++;
	if (size == 0 && max > 0)
		data[size++] = ' ';
	return size;
}

static size_t make_input(struct generator *g, uint8_t *bytes)
{
	do
		generate_program(g, &program, 12);
	while (rig_encode(&program, bytes, false) > MAX_LEN);
	return rig_encode(&program, bytes, false);
}

static void mutation_is_in_place_and_fits(void **state)
{
	struct generator g = { 31 };
	unsigned structured = 0;

	(void)state;
	byte_mutations = 0;
	for (unsigned seed = 0; seed < ROUNDS; seed++) {
		size_t size = make_input(&g, input), max = MAX_LEN, len;
		unsigned before = byte_mutations;
		uint8_t *room;

		if (seed % 3 == 0)
			max = size + generate_below(&g, 40);
		room = rig_room(max);
		memcpy(room, input, size);
		len = LLVMFuzzerCustomMutator(room, size, max, seed);
		assert_in_range(len, 1, max);
		if (before == byte_mutations) {
			rig_assert_canonical(&decoded, room, len, false);
			structured++;
			/* The same seed, the same child. */
			memcpy(mate, input, size);
			assert_int_equal(LLVMFuzzerCustomMutator(mate, size, max, seed), len);
			assert_memory_equal(mate, room, len);
		}
		free(room);
	}
	/* Bytes have their turn. */
	assert_in_range(byte_mutations, ROUNDS / 50, ROUNDS / 2);
	assert_true(structured > ROUNDS / 2);
}

static void what_it_cannot_do_is_left_to_the_engine(void **state)
{
	uint8_t other[16] = "VRNG\x07zzzz", tiny[1] = { 0x1a };

	(void)state;
	for (unsigned seed = 0; seed < 16; seed++) {
		byte_mutations = 0;
		assert_int_equal(LLVMFuzzerCustomMutator(other, 9, sizeof(other), seed), 9);
		assert_int_equal(byte_mutations, 1);
		/* Not even an empty program fits. */
		assert_int_equal(LLVMFuzzerCustomMutator(tiny, 1, 1, seed), 1);
		assert_int_equal(byte_mutations, 2);
		/* As libFuzzer starts. */
		assert_true(LLVMFuzzerCustomMutator(input, 0, MAX_LEN, seed) > 0);
	}
}

static void a_child_of_two_fits(void **state)
{
	struct generator g = { 32 };
	unsigned made = 0;

	(void)state;
	for (unsigned seed = 0; seed < ROUNDS; seed++) {
		size_t size = make_input(&g, input), mate_size = make_input(&g, mate);
		size_t max = seed % 2 != 0 ? MAX_LEN : generate_below(&g, 80), len;
		uint8_t *room = rig_room(max);

		len = LLVMFuzzerCustomCrossOver(input, size, mate, mate_size, room, max, seed);
		assert_in_range(len, 0, max);
		if (len > 0) {
			rig_assert_canonical(&decoded, room, len, false);
			made++;
		}
		free(room);
	}
	assert_in_range(made, ROUNDS / 40, ROUNDS / 2);
}

/* The choice is made once in a process. */
static void it_can_be_turned_off(void **state)
{
	pid_t pid = fork();
	int status = -1;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		unsigned wrong = 0;

		setenv("VRINGER_MUTATOR", "off", 1);
		for (unsigned seed = 0; seed < 64; seed++) {
			byte_mutations = 0;
			LLVMFuzzerCustomMutator(input, 8, MAX_LEN, seed);
			wrong += byte_mutations != 1;
			wrong += LLVMFuzzerCustomCrossOver(input, 8, mate, 8, input, MAX_LEN,
							   seed) != 0;
		}
		_exit(wrong > 0 ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_can_be_turned_off), /* before a mutator is there */
		cmocka_unit_test(mutation_is_in_place_and_fits),
		cmocka_unit_test(what_it_cannot_do_is_left_to_the_engine),
		cmocka_unit_test(a_child_of_two_fits),
	};

	unsetenv("VRINGER_MUTATOR");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
