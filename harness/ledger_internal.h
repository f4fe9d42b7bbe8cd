/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the parts of the ledger share: ledger.c (rules and findings),
 * ledger_regs.c (registers and status), ledger_ring.c (queues and chains),
 * ledger_chain.c (what a chain permits), ledger_rest.c (at rest).
 */
#ifndef VRINGER_HARNESS_LEDGER_INTERNAL_H
#define VRINGER_HARNESS_LEDGER_INTERNAL_H

#include "harness/ledger.h"

/* Is the rule to be judged for this target?  Notes that it was. */
static inline bool ledger_judges(struct ledger *l, enum rule rule)
{
	const struct rule_desc *desc = &rule_table[rule];

	if (desc->severity == SEVERITY_MODEL && !l->target->model)
		return false;
	if ((desc->facts & l->target->facts) != desc->facts)
		return false;
	if (l->lost && (desc->facts & FACT_REGISTERS) != 0) {
		l->not_judged[rule / 64] |= 1ULL << rule % 64;
		return false;
	}
	l->judged[rule / 64] |= 1ULL << rule % 64;
	return true;
}

/* Queues. */
void ledger_queue_start(struct ledger *l, struct ledger_queue *q);
/* The device has no business with the queue any more. */
void ledger_queue_stop(struct ledger *l, struct ledger_queue *q);

/* Chains.  hold_find: LEDGER_NONE if the device holds no such chain. */
uint32_t ledger_hold_find(struct ledger *l, struct ledger_queue *q, uint16_t walk);
uint32_t ledger_hold_take(struct ledger *l, struct ledger_queue *q, uint16_t walk, uint16_t head);
void ledger_hold_drop(struct ledger *l, struct ledger_queue *q, uint32_t index);
void ledger_hold_add(struct ledger *l, struct ledger_hold *hold, uint64_t addr, uint32_t len,
		     bool writable);
/* The device read or wrote payload bytes of a chain. */
void ledger_payload(struct ledger *l, struct ledger_queue *q, struct guest_why why, bool write,
		    uint64_t addr, uint32_t len, int err);
/* Were all of the first `len` device-writable bytes written? */
bool ledger_hold_covers(const struct ledger *l, const struct ledger_hold *hold, uint32_t len);

/* After a call: what must follow at once. */
void ledger_call_end(struct ledger *l, uint32_t old_status, const struct ledger_probe *probe);

#endif
