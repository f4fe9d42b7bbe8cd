/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A model's own part of a snapshot under our transport (devices/snapshot.h), read number by
 * number, for who asks whether a device could have saved it.
 *
 * It does not use the decoder in devices/, since that is what it checks, and it knows no
 * model: what a number may be the caller says.
 */
#ifndef VRINGER_HARNESS_OWN_PART_H
#define VRINGER_HARNESS_OWN_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The transport's part, in bytes: where things are in it. */
enum {
	SNAPSHOT_RECORD_AT = 16,
	SNAPSHOT_STATUS_AT = SNAPSHOT_RECORD_AT + 8,
	SNAPSHOT_COUNT_AT = SNAPSHOT_RECORD_AT + 16,
	SNAPSHOT_QUEUES_AT = SNAPSHOT_RECORD_AT + 20,
	SNAPSHOT_QUEUE_LEN = 31,
	/* In a queue. */
	SNAPSHOT_READY_AT = 2,
	SNAPSHOT_NEXT_AVAIL_AT = 27,
	SNAPSHOT_NEXT_USED_AT = 29,
	/* Of a queue, behind all of them: what state it is in comes first. */
	SNAPSHOT_LOST_AT = 1,
	SNAPSHOT_AVAIL_CURSOR_AT = 3, /* of a packed ring */
	SNAPSHOT_USED_CURSOR_AT = 5,
};

/* What the first byte there says; else 0. */
enum { SNAPSHOT_QUEUE_POISONED = 1, SNAPSHOT_QUEUE_RENEWED = 2 };

/* Entries of a packed ring from one cursor to another, which is at most a ring ahead. */
uint16_t own_part_distance(uint64_t from, uint64_t to, uint16_t size);

/* Behind the queues, up to what there is of each of them: selectors and generation, and where
 * SUSPEND was accepted what the device owes its driver. */
size_t own_part_rest_len(uint64_t features);
/* Of each queue: a byte, completions that were lost; the cursors of a packed ring. */
size_t own_part_queue_rest_len(uint64_t features);

struct vringer_target;

struct own_part {
	const uint8_t *bytes; /* of the whole snapshot */
	size_t len, at;	      /* ... the next number */
	size_t last;	      /* ... the number before */
	/* What is wrong first, and at which byte; NULL: nothing yet. */
	const char *what;
	size_t wrong;
	/* Of the transport's part. */
	uint64_t features; /* that the driver accepted */
	uint32_t status;
	unsigned queue_count;
	size_t rest; /* of the queues: what the record has no place for */
	uint32_t counter_count;
	size_t counters;
};

/* A queue, as the transport's part has it. */
struct own_part_queue {
	uint16_t size, next_avail, next_used;
	uint16_t lost;	  /* completions that could not be written */
	uint16_t entries; /* of a packed ring, between what was used and what was taken */
	bool ready, poisoned;
};

/* At the first number of the model's part.  `high`: the device has features above bit 63.
 * False: the bytes end before it. */
bool own_part_open(struct own_part *part, const void *bytes, size_t len, bool high);

/* The queue; all 0: there is none of that number. */
struct own_part_queue own_part_queue(const struct own_part *part, unsigned i);

/* A counter is a number of the transport's part too: by what it is called in a description. The
 * counter holds that value, or something is wrong with it. */
void own_part_require_counter(struct own_part *part, const struct vringer_target *target,
			      const char *name, uint64_t value);

/* Chains of it that the device has. */
static inline uint16_t own_part_held(const struct own_part_queue *q)
{
	return (uint16_t)(q->next_avail - q->next_used - q->lost);
}

/* The device has that many chains of the queue, which its cursors show. */
void own_part_require_held(struct own_part *part, unsigned queue, uint32_t chains);
/* ... that many at most: of a queue that was stopped the chains may be gone. */
void own_part_require_held_max(struct own_part *part, unsigned queue, uint32_t chains);

/* Had the driver started the device, which may be suspended since? */
bool own_part_started(const struct own_part *part);

/* The next number, of 1, 2, 4 or 8 bytes; 0, and something is wrong, where they are not there. */
uint64_t own_part_get(struct own_part *part, unsigned width);
/* So many bytes, which are not looked at; NULL as above. */
const uint8_t *own_part_skip(struct own_part *part, uint64_t len);

/* Something is wrong with the number that was read last, unless that is so. */
void own_part_require(struct own_part *part, bool possible, const char *what);
/* The next number, which is at most `max`. */
uint64_t own_part_get_max(struct own_part *part, unsigned width, uint64_t max, const char *what);

/* Nothing may follow.  What is wrong, or NULL; `at`: which byte. */
const char *own_part_close(struct own_part *part, uint64_t *at);

#endif
