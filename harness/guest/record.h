/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A record of what guest and host see of a device, as digests, to compare two runs by.
 * What the device reads is not part of it.
 *
 * A device that works in later calls or in threads of its own does what it does in its own
 * time: VIRTIO does not say when a chain is returned, in which order and in how many
 * interrupts (2.7.8, 2.7.7).  Of such a device only what is the same whenever it does it is part
 * of a loose record: which chains it returned, with which lengths, and what it wrote to them,
 * as a sum in which order does not count.
 */
#ifndef VRINGER_HARNESS_RECORD_H
#define VRINGER_HARNESS_RECORD_H

#include <stdbool.h>
#include <stdint.h>

enum record_part {
	RECORD_REGISTERS,  /* what reads of registers and configuration returned */
	RECORD_MEMORY,	   /* what the device wrote to guest memory */
	RECORD_INTERRUPTS, /* ... and raised */
	RECORD_COUNTERS,   /* how far counters moved */
	RECORD_HOST,	   /* what passed between the device and its host */
	RECORD_PART_COUNT
};

struct record_digest {
	uint32_t part[RECORD_PART_COUNT];
};

struct record {
	bool on;
	bool loose;
	struct record_digest now;
};

/* Nothing happens while it is off. */
void record_value(struct record *record, enum record_part part, uint64_t value);
void record_bytes(struct record *record, enum record_part part, const void *data, uint32_t len);

/* ... of a device that may do it at another time: no part of a loose record. */
void record_timed(struct record *record, enum record_part part, uint64_t value);
/* An access, or a frame: `what` it is and its bytes; in a loose record, in any order. */
void record_item(struct record *record, enum record_part part, uint64_t what, const void *data,
		 uint32_t len);

#endif
