/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The mutator as libFuzzer calls it.  libFuzzer looks for these functions in
 * every fuzz target, so a target whose input is no guest program gets from
 * here what it would get without: libFuzzer's own mutations.
 *
 * VRINGER_MUTATOR=off gives those to every target, to measure what the
 * mutator is worth.
 */
#include "fuzzers/engine.h"
#include "fuzzers/mutate.h"

#include <stdlib.h>
#include <string.h>

/* One input in BYTES_CHANCE is mutated as bytes: what no operation says must
 * stay within reach. */
#define BYTES_CHANCE 32
/* libFuzzer would cross over every other time. */
#define CROSS_CHANCE 16

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
				 uint8_t *out, size_t max, unsigned seed);

/* NULL: this target is left to the engine. */
static struct mutator *mutator(void)
{
	static struct mutator m;
	static enum { UNKNOWN, ON, OFF } state;

	if (state == UNKNOWN) {
		const char *given = getenv("VRINGER_MUTATOR");

		state = fuzz_target.programs && (given == NULL || strcmp(given, "off") != 0) ? ON
											     : OFF;
		if (state == ON)
			mutator_init(&m, fuzz_target_name(), 0);
		m.engine_bytes = LLVMFuzzerMutate;
	}
	return state == ON ? &m : NULL;
}

static size_t as_bytes(uint8_t *data, size_t size, size_t max)
{
	return LLVMFuzzerMutate != NULL ? LLVMFuzzerMutate(data, size, max) : size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	struct mutator *m = mutator();
	size_t len;

	if (m == NULL || seed % BYTES_CHANCE == 0)
		return as_bytes(data, size, max);
	mutator_seed(m, seed);
	len = mutator_bytes(m, data, size, NULL, 0, data, max);
	return len > 0 ? len : as_bytes(data, size, max);
}

/* 0 has libFuzzer do something else. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
				 uint8_t *out, size_t max, unsigned seed)
{
	struct mutator *m = mutator();

	if (m == NULL || seed % CROSS_CHANCE != 0)
		return 0;
	mutator_seed(m, seed);
	return mutator_cross(m, a, a_size, b, b_size, out, max);
}
