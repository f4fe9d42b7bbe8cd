/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the ledger knows of a target_dialogue (ledger_dialogue.c).
 */
#ifndef VRINGER_HARNESS_LEDGER_DIALOGUE_H
#define VRINGER_HARNESS_LEDGER_DIALOGUE_H

#include "harness/ledger/ledger_digest.h"
#include "harness/ledger/ledger_message.h"

/* What was said in a session: bits. */
struct ledger_dialogue {
	uint16_t asked, answered;
	bool lost;   /* not all that was said is known: not judged */
	bool unsure; /* ... nor of what is due: what is not said is not judged */
};

/* Of a chain. */
struct ledger_dialogue_chain {
	uint64_t first_bytes; /* the first bytes read or written, little-endian */
	uint8_t first_count;
	struct ledger_digest out;    /* the message that is written to it */
	struct ledger_message reply; /* ... its start */
};

#endif
