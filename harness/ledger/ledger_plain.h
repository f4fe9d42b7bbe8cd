/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the parts of the ledger's account of plain memory share:
 * ledger_plain.c and ledger_plain_used.c (what the device did), ledger_survey.c and
 * ledger_overlap.c (what it may do).
 */
#ifndef VRINGER_HARNESS_LEDGER_PLAIN_H
#define VRINGER_HARNESS_LEDGER_PLAIN_H

#include "harness/ledger/ledger_internal.h"

/* Does the ledger go by comparing memory? */
static inline bool ledger_is_plain(const struct ledger *l)
{
	return l->plain.arena != NULL;
}

/* Look at what the driver has made available on every queue, before a call. */
void ledger_survey(struct ledger *l);
/* ... and after it: did it go by an available index that jumped? */
void ledger_judge_jump(struct ledger *l);
/* Does the driver want an interrupt for the used entries [from, to), as memory
 * stands? */
bool ledger_is_wanted(const struct ledger *l, const struct ledger_queue *q, uint16_t from,
		      uint16_t to);
/* Does that address lie in a queue that the driver stopped, or in one of its chains?  Then
 * in which. */
bool ledger_is_stopped(const struct ledger *l, uint64_t addr, unsigned *queue);
/* Nothing that needs guest memory is judged from here on, for that cause, which is about
 * that queue or (PROGRAM_QUEUES) all of them; see ledger_blind.c. */
void ledger_go_blind(struct ledger *l, enum ledger_blind cause, unsigned queue);
/* ... while that lasts: before a call of the device, where it may end; and after one. */
void ledger_blind_begin(struct ledger *l);
void ledger_blind_end(struct ledger *l);
/* Are the rings of the queue known, and in memory? */
bool ledger_has_rings(const struct ledger *l, const struct ledger_queue *q);

/* Can what the device writes for the queue be what it reads as a ring or a table? */
bool ledger_overlaps(const struct ledger *l, const struct ledger_queue *q);
/* In the second run of a program (twin.h) what the device is to write to holds
 * other bytes. */
void ledger_salt(struct ledger *l, struct ledger_hold *hold);

/* A used index moved, or not, in a call that is over; the interrupts of that. */
void ledger_plain_used(struct ledger *l, unsigned queue);
void ledger_plain_interrupts(struct ledger *l);

/* The used index as memory has it. */
uint16_t ledger_used_idx(const struct ledger *l, const struct ledger_queue *q);

#endif
