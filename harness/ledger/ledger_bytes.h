/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Bytes on their way, in the order in which they came: a ring of LEDGER_PORT_BYTES.
 */
#ifndef VRINGER_HARNESS_LEDGER_BYTES_H
#define VRINGER_HARNESS_LEDGER_BYTES_H

#include "harness/ledger/ledger_digest.h"

#define LEDGER_PORT_BYTES (2u << 20) /* of a port in each direction, that are kept */

struct ledger_bytes {
	uint8_t *bytes; /* for as long as the ledger is open */
	uint32_t start, len;
};

/* Store at the end, `ahead` bytes behind it; there is room.  `len` stays: the caller's. */
void ledger_bytes_store(struct ledger_bytes *b, uint32_t ahead, const uint8_t *data, uint32_t len);
/* Of the first `len` bytes, which there are: they are gone; are they these; their digest. */
void ledger_bytes_drop(struct ledger_bytes *b, uint32_t len);
bool ledger_bytes_equal(const struct ledger_bytes *b, const uint8_t *data, uint32_t len);
struct ledger_digest ledger_bytes_digest(const struct ledger_bytes *b, uint32_t len);

#endif
