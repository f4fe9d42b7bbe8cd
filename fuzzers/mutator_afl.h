/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What afl-fuzz looks for by name in the library of a custom mutator.  What each is to do
 * is AFL++'s to say (docs/custom_mutators.md).
 */
#ifndef VRINGER_FUZZERS_MUTATOR_AFL_H
#define VRINGER_FUZZERS_MUTATOR_AFL_H

#include <stddef.h>
#include <stdint.h>

void *afl_custom_init(void *afl, unsigned int seed);
void afl_custom_deinit(void *data);
size_t afl_custom_fuzz(void *data, uint8_t *buf, size_t size, uint8_t **out, uint8_t *other,
		       size_t other_size, size_t max);
size_t afl_custom_havoc_mutation(void *data, uint8_t *buf, size_t size, uint8_t **out, size_t max);
uint8_t afl_custom_havoc_mutation_probability(void *data);
size_t afl_custom_post_process(void *data, uint8_t *buf, size_t size, uint8_t **out);
int afl_custom_init_trim(void *data, uint8_t *buf, size_t size);
size_t afl_custom_trim(void *data, uint8_t **out);
int afl_custom_post_trim(void *data, uint8_t success);
const char *afl_custom_describe(void *data, size_t max);

#endif
