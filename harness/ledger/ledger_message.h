/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The first bytes of a message that lies in a chain, in the order in which the device
 * read or wrote them.
 */
#ifndef VRINGER_HARNESS_LEDGER_MESSAGE_H
#define VRINGER_HARNESS_LEDGER_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

struct arena_access;
struct ledger_hold;

#define LEDGER_MESSAGE_BYTES 80u

struct ledger_message {
	uint8_t len;
	bool blind; /* which they are is not known */
	uint8_t bytes[LEDGER_MESSAGE_BYTES];
};

/* There are none yet.  No assignment: the bytes need not be cleared. */
static inline void ledger_message_begin(struct ledger_message *message)
{
	message->len = 0;
	message->blind = false;
}

/* More of them, accessed for the chain `hold`; what does not fit is left out. */
void ledger_message_add(struct ledger_message *message, const struct ledger_hold *hold,
			const struct arena_access *access);

#endif
