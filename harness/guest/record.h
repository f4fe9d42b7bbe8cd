/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A record of what guest and host see of a device, as digests, to compare two runs by.
 * What the device reads is not part of it.
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
	struct record_digest now;
};

/* Nothing happens while it is off. */
void record_value(struct record *record, enum record_part part, uint64_t value);
void record_bytes(struct record *record, enum record_part part, const void *data, uint32_t len);

#endif
