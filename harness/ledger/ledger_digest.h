/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What is known of bytes that pass by: enough to tell two runs of them apart, not
 * the bytes.  Which of them count is said in ledger_stream.c.
 */
#ifndef VRINGER_HARNESS_LEDGER_DIGEST_H
#define VRINGER_HARNESS_LEDGER_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

struct ledger_digest {
	uint64_t at;  /* bytes of the chain that were accessed */
	uint32_t len; /* bytes that were added */
	uint64_t sum, word;
	bool blind; /* not all of it is known */
};

/* Bytes, in the order in which they come. */
void ledger_digest_add(struct ledger_digest *digest, const uint8_t *data, uint32_t len);
/* Have both as many bytes, and the same ones?  `at` and `blind` do not matter. */
bool ledger_digest_equal(const struct ledger_digest *a, const struct ledger_digest *b);

#endif
