/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Bytes on their way through a port.  See ledger_bytes.h.
 */
#include "harness/ledger/ledger_bytes.h"

#include <string.h>

void ledger_bytes_store(struct ledger_bytes *b, uint32_t ahead, const uint8_t *data, uint32_t len)
{
	for (uint32_t done = 0; done < len;) {
		uint32_t at = (b->start + b->len + ahead + done) % LEDGER_PORT_BYTES;
		uint32_t piece = LEDGER_PORT_BYTES - at;

		if (piece > len - done)
			piece = len - done;
		memcpy(b->bytes + at, data + done, piece);
		done += piece;
	}
}

void ledger_bytes_drop(struct ledger_bytes *b, uint32_t len)
{
	b->start = (b->start + len) % LEDGER_PORT_BYTES;
	b->len -= len;
}

bool ledger_bytes_equal(const struct ledger_bytes *b, const uint8_t *data, uint32_t len)
{
	uint32_t first = LEDGER_PORT_BYTES - b->start;

	if (first > len)
		first = len;
	return memcmp(b->bytes + b->start, data, first) == 0 &&
	       memcmp(b->bytes, data + first, len - first) == 0;
}

struct ledger_digest ledger_bytes_digest(const struct ledger_bytes *b, uint32_t len)
{
	struct ledger_digest digest = { .len = 0 };
	uint32_t first = LEDGER_PORT_BYTES - b->start;

	if (first > len)
		first = len;
	ledger_digest_add(&digest, b->bytes + b->start, first);
	ledger_digest_add(&digest, b->bytes, len - first);
	return digest;
}
