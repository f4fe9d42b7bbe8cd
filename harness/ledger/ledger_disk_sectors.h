/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Between the two halves of what follows a disk: requests as the device read them
 * (ledger_disk.c), and what that makes of its sectors (ledger_disk_sectors.c).
 */
#ifndef VRINGER_HARNESS_LEDGER_DISK_SECTORS_H
#define VRINGER_HARNESS_LEDGER_DISK_SECTORS_H

#include "harness/ledger/ledger_internal.h"

/* What a request may do to the disk. */
enum disk_effect { DISK_NOTHING, DISK_WRITES, DISK_ZEROES, DISK_DISCARDS, DISK_ANYTHING };

/* A request that came back, as its chain says. */
struct disk_request {
	uint32_t type;
	uint64_t sector;
	uint64_t data; /* bytes, of the direction that the type has */
	bool sound;    /* nothing is wrong with the chain, and all of it is known */
	bool formed;   /* ... and it is one of that type */
	bool answered; /* the device wrote a status there: */
	uint8_t status;
};

static inline bool disk_offers(const struct ledger *l, unsigned bit)
{
	return (l->offered >> bit & 1) != 0;
}

/* Has the device read what the request is?  Then these are. */
bool disk_is_read(const struct ledger_hold *hold);
uint32_t disk_type(const struct ledger_hold *hold);
uint64_t disk_sector_of(const struct ledger_hold *hold);
enum disk_effect disk_effect_of(const struct ledger_hold *hold);
/* Segments of a discard or of one of its kind, all of which were read; 0: they are not known. */
unsigned disk_segments(const struct ledger_hold *hold);
struct disk_segment {
	uint64_t sector;
	uint32_t count, flags;
};
struct disk_segment disk_segment(const struct ledger_hold *hold, unsigned index);

/* Nothing is known of any sector; `loose`: nor will be, of those that are not written. */
void disk_clear(struct ledger *l, bool loose);
/* A read came back well; what changes sectors did; it never will. */
void disk_on_read(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
		  const struct disk_request *r);
void disk_on_change(struct ledger *l, const struct ledger_hold *hold, const struct disk_request *r);
void disk_on_dropped(struct ledger *l, const struct ledger_hold *hold);
/* The status and the data of a request that came back (ledger_disk_answer.c). */
void disk_judge(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
		const struct disk_request *r);
void disk_on_called(struct ledger *l);
/* What is not stable may be lost. */
void disk_on_loss(struct ledger *l);
int disk_open(struct ledger *l);

#endif
