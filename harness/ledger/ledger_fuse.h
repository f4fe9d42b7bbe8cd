/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the ledger knows of FUSE requests and replies (ledger_fuse.c).
 */
#ifndef VRINGER_HARNESS_LEDGER_FUSE_H
#define VRINGER_HARNESS_LEDGER_FUSE_H

#include "harness/ledger/ledger_message.h"

struct ledger;
struct ledger_hold;

/* In which byte order a FUSE session is. */
enum ledger_order { ORDER_LITTLE, ORDER_BIG, ORDER_UNSURE };

/* Of a session. */
struct ledger_fuse {
	uint8_t order; /* enum ledger_order */
};

/* Of a chain. */
struct ledger_fuse_chain {
	struct ledger_message request, reply;
};

/* What is wrong with the outcome of a mapping, or of the end of some, whose body was read, in a
 * session of that order; NULL: either may be due (ledger_fuse_window.c). */
const char *fuse_mapping_fault(const struct ledger *l, const struct ledger_hold *hold, int32_t told,
			       bool big);
const char *fuse_unmapping_fault(const struct ledger *l, const struct ledger_hold *hold,
				 int32_t told, bool big);

#endif
