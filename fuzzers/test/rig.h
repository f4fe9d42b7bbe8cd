/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Between the tests of the mutator: programs in and out of their bytes, and
 * what must hold of every program that a mutator leaves behind.
 */
#ifndef VRINGER_FUZZERS_TEST_RIG_H
#define VRINGER_FUZZERS_TEST_RIG_H

#include "fuzzers/mutate.h"

#define RIG_TARGET "net-loopback"

/* Encode into `out`, BINARY_SIZE_MAX bytes; it fits. */
size_t rig_encode(const struct program *prog, uint8_t *out, bool magic);
void rig_decode(struct program *prog, const uint8_t *bytes, size_t len);

/* Within every bound of program.h, fields reduced, payloads apart. */
void rig_assert_whole(const struct program *prog);
/* `bytes` is how its own program, which is whole, is spelt; left in *prog. */
void rig_assert_canonical(struct program *prog, const uint8_t *bytes, size_t len, bool magic);

/* Room of that many bytes and not one more: AddressSanitizer sees the next. */
uint8_t *rig_room(size_t size);

/* The same operation?  What lies in a repeat's body is not the repeat. */
bool rig_same_op(const struct program *a, uint32_t at_a, const struct program *b, uint32_t at_b);
/* Are the operations of `part` in `all`, in that order? */
bool rig_in_order(const struct program *part, const struct program *all);

#endif
