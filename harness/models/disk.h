/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The disk behind the block device, as scripts direct it: DISK_BYTES of memory, each sector
 * filled with its number plus 1 at first.  The device may be told of more sectors than are there:
 * those read as zeroes, and writes to them fail.  What was discarded reads as DISK_DISCARDED.
 *
 * Orders: the next calls do only so many bytes each, or fail; calls are kept until there have been
 * so many, and are then done and completed, the newest first; the power fails, and what was not
 * flushed is lost.  Who forgets them has a new disk: the same session is then the same.
 *
 * Where there is a choice it does what is harder for a device: a discard that is refused did 0
 * bytes; while it lets go, a call has others completed before it returns; told to finish, it
 * keeps what it is asked for next; and what the device gave up is completed all the same.
 */
#ifndef VRINGER_HARNESS_DISK_H
#define VRINGER_HARNESS_DISK_H

#include "devices/blk.h"
#include "harness/target/vringer.h"

#define DISK_SECTORS 128u
#define DISK_BYTES (DISK_SECTORS * BLK_SECTOR)
#define DISK_DISCARDED 0xd1

enum disk_verb { DISK_READ, DISK_WRITE, DISK_FLUSH, DISK_DISCARD, DISK_ZERO, DISK_VERB_COUNT };

struct disk_call {
	enum disk_verb verb;
	uint64_t tag, offset, len;
	uint64_t limit; /* bytes that it may do */
	uint8_t *to;	/* of a read; NULL, as `from`, while nobody has taken it over */
	const uint8_t *from;
	bool taken; /* the device that asked for it is the one that is here */
};

struct disk {
	const struct vringer_host *host;
	struct device *dev;
	uint32_t refuse, refuse_taken; /* of the next calls, and how many bytes each does */
	uint32_t hold;		       /* calls to come until those that are kept are done */
	unsigned kept_count;
	struct disk_call kept[BLK_IN_FLIGHT_MAX]; /* oldest first */
	unsigned late_count;
	uint64_t late[BLK_IN_FLIGHT_MAX]; /* tags that were given up, and are completed late */
	bool changed;			  /* not as it was at first */
	bool volatile_too;		  /* `bytes` are not all in `flushed` */
	uint8_t bytes[DISK_BYTES], flushed[DISK_BYTES];
};

extern const struct blk_backend disk_backend;

/* A block that is not in use becomes a new disk; fresh: it holds nothing yet. */
void disk_init(struct disk *disk, const struct vringer_host *host, bool fresh);
/* One of enum vringer_order. */
void disk_order(struct disk *disk, uint32_t order, uint32_t count, uint32_t amount);
/* `disk` is behind a device that was restored, in the place of the one before `old`. */
void disk_take_over(struct disk *disk, const struct disk *old);

#endif
