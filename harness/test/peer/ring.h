/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The device's side of a split virtqueue (VIRTIO 1.4, 2.7) whose device gives entropy
 * (5.4): chains are taken, filled with bytes and returned.
 *
 * A ring that the driver broke (an index that jumped, a chain that is none, memory that
 * is not there) is not read again until it is started anew; what was taken before is
 * returned.
 */
#ifndef PEER_RING_H
#define PEER_RING_H

#include "memory.h"

#define RING_SIZE_MAX 256u

/* How it behaves.  Those before HABIT_WRONG_LEN are legal. */
enum habit {
	HABIT_BACKWARDS, /* of the chains that are there, the last is returned first */
	HABIT_ONE_BYTE,	 /* one byte a chain is enough */
	HABIT_EAGER,	 /* interrupts for every chain that the driver wants one for, not for all at
			  * once */
	HABIT_SHRUGS,	 /* a chain that is none is returned with length 0 */
	HABIT_WRONG_LEN, /* used.len is one more than what was written */
	HABIT_WRONG_ID,
	HABIT_TWICE,	/* returns each chain twice */
	HABIT_BEYOND,	/* writes one byte behind each buffer */
	HABIT_READABLE, /* writes to buffers that are to be read */
	HABIT_FORGETS,	/* every third chain */
	HABIT_SILENT,	/* no interrupt, ever */
	HABIT_NOISY,	/* interrupts though the driver does not want them */
	HABIT_UNLOGGED, /* does not log what it writes to buffers */
	HABIT_SULKS,	/* after one broken ring it serves none, reset or not */
	HABIT_HAUNTS,	/* writes to its last buffer again when the ring was stopped */
	HABIT_INHERITS, /* EVENT_IDX stays in effect once it was accepted */
	HABITS,
};

struct piece {
	uint64_t addr;
	uint32_t len;
	bool writable;
};

/* Copied from its descriptors when it was taken. */
struct chain {
	uint16_t head;
	uint16_t count;
	struct piece pieces[RING_SIZE_MAX];
};

struct ring {
	struct memory *memory;
	void (*interrupt)(void *ctx);
	void *ctx;
	bool habits[HABITS];

	/* As the driver set it up. */
	uint64_t desc, avail, used;
	uint64_t used_log; /* where the log has the used ring, if log_used */
	bool log_used;
	uint16_t size;
	bool event_idx, indirect;

	bool live, broken;
	uint16_t next_avail, next_used;
	uint16_t told; /* next_used at the last decision about an interrupt */
	unsigned held_count, served;
	struct chain held[RING_SIZE_MAX]; /* taken and not returned */
};

/* false: there is no such habit. */
bool ring_habit(struct ring *r, const char *name);
void ring_help(void);

/* From the available entry `base` on.  The used ring goes on as guest memory has it. */
void ring_start(struct ring *r, uint16_t base);
/* Nothing may be held any more. */
void ring_stop(struct ring *r);
/* It was stopped, and the other side knows: HABIT_HAUNTS. */
void ring_haunt(struct ring *r);
/* Take what is available.  false: nothing was. */
bool ring_take(struct ring *r);
/* Return all that is held. */
void ring_return(struct ring *r);
/* Take and return until nothing is available. */
void ring_serve(struct ring *r);

#endif
