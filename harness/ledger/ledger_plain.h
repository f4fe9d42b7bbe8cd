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

#define LEDGER_PARTS_MAX 512u /* of one chain; more: nothing is said of it */

/* A chain as memory has it now. */
struct ledger_parts {
	unsigned count;
	bool odd, blind;
	bool writable; /* the last part is */
	uint64_t bytes;
	bool has_table;
	uint64_t table, table_last;
	struct {
		uint64_t addr;
		uint32_t len;
		bool writable;
	} part[LEDGER_PARTS_MAX];
};

/* Empty; the table that a descriptor names, and how many descriptors of it there may be, or
 * false if it is none that can be followed; a buffer. */
void ledger_parts_clear(struct ledger_parts *p);
bool ledger_parts_table(const struct ledger *l, struct ledger_parts *p, uint64_t addr, uint32_t len,
			uint16_t flags, uint32_t *size);
void ledger_parts_add(const struct ledger *l, struct ledger_parts *p, uint64_t addr, uint32_t len,
		      bool writable);
/* Are these the parts that it had?  The chain as it is now is one that the device may find;
 * fresh: it is found first. */
bool ledger_is_same(const struct ledger *l, const struct ledger_hold *hold,
		    const struct ledger_parts *p);
void ledger_permit(struct ledger *l, struct ledger_hold *hold, const struct ledger_parts *p,
		   bool fresh);

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
/* Does one of its rings lie in a page that the driver handed to the host (ledger_away.c)?  The
 * device may have discarded what the driver wrote there, and what it wrote itself. */
bool ledger_is_away(const struct ledger *l, const struct ledger_queue *q);
/* In the second run of a program (twin.h) what the device is to write to holds
 * other bytes. */
void ledger_salt(struct ledger *l, struct ledger_hold *hold);

/* Of a packed ring (ledger_plain_packed.c).  Before a call: BLIND_NEVER, or why it cannot be
 * told what the device may do; is there another chain behind those that are known?  In a call:
 * an accessor wrote to the ring.  After it: what was returned. */
enum ledger_blind ledger_packed_survey(struct ledger *l, struct ledger_queue *q,
				       struct ledger_parts *p);
bool ledger_packed_is_next(const struct ledger *l, const struct ledger_queue *q);
void ledger_packed_written(struct ledger *l, unsigned queue, uint64_t addr, uint32_t len);
void ledger_packed_used(struct ledger *l, unsigned queue);
/* ... of one that was stopped: is that address in a chain of it? */
bool ledger_packed_is_of_chains(const struct ledger *l, const struct ledger_queue *q,
				struct ledger_parts *p, uint64_t addr);
/* What the driver says about interrupts there, as memory stands. */
enum ledger_wanted ledger_packed_asks(const struct ledger *l, const struct ledger_queue *q,
				      const struct ledger_range *range);

/* The oldest chain of that head, or id; LEDGER_NONE if there is none.  It comes back, with that
 * length.  So many have come back, of a packed ring in that range. */
uint32_t ledger_find_head(const struct ledger *l, const struct ledger_queue *q, uint32_t head);
void ledger_plain_return(struct ledger *l, unsigned queue, uint32_t index, uint32_t len);
/* In order: of so many chains that may come back, has another one the head of that? */
bool ledger_in_order_unclear(const struct ledger *l, const struct ledger_queue *q, uint32_t index,
			     uint16_t left);
void ledger_plain_moved(struct ledger *l, unsigned queue, uint16_t count,
			const struct ledger_range *range);

/* A used index moved, or not, in a call that is over; the interrupts of that. */
void ledger_plain_used(struct ledger *l, unsigned queue);
void ledger_plain_interrupts(struct ledger *l);

/* The used index as memory has it. */
uint16_t ledger_used_idx(const struct ledger *l, const struct ledger_queue *q);

#endif
