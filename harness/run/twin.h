/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Rules that compare two runs of one program (see run.h):
 *
 * reset.session     on the device that was reset after the program, and on
 *                   memory as it was at first, the program is run once more
 * fetch.consistent  where memory changed between two reads for one chain, the
 *                   program is run on new devices with the change before the
 *                   first of them, and with it after the last
 * completion.len    of a device on plain memory: where bytes below used.len did
 *                   not change, the program is run on a new device with other
 *                   bytes in all buffers that only the device writes to
 * snapshot.carry-on on a new device, and at some point of the program that is
 *                   saved and restored into another
 *
 * request.divided   on a new device, with every request divided into other buffers
 *
 * Except for completion.len and request.divided, what guest and host see is compared, operation by
 * operation: values of register reads, what the device wrote to guest memory,
 * interrupts, and how far counters moved.  The device's reads of memory are not
 * compared.
 *
 * With run_options.twins every program is judged this way; otherwise those that arm a
 * race, and a fixed fraction chosen by the program's hash.
 */
#ifndef VRINGER_HARNESS_TWIN_H
#define VRINGER_HARNESS_TWIN_H

#include "harness/guest/record.h"

struct run;
struct run_options;
struct program;

#define TWIN_FRACTION 16u /* of programs, one */
#define TWIN_OPS_MAX 2048 /* operations told apart; those beyond count as one */

struct twin {
	bool comparing;		   /* with what was recorded first */
	bool snapshot;		   /* this program is one for snapshot.carry-on */
	unsigned swap_at;	   /* operations over when the device is swapped; 0: never */
	unsigned swap_step;	   /* ... and how many later again; 0: not again */
	unsigned total;		   /* operations of the first pass */
	bool reset;		   /* this program is one for reset.session */
	bool reset_differs;	   /* ... and went otherwise */
	bool unrested;		   /* the device has work left after the first pass */
	unsigned count;		   /* operations over in this pass */
	unsigned first;		   /* the first of them that differs, if `differs` */
	uint8_t differs;	   /* parts of it, bits */
	struct record_digest last; /* as it was when the first pass ended */
	bool honest;		   /* the program sent well-formed requests and no more: */
	uint32_t answers;	   /* of those that have one answer only, so many came back */
	uint64_t answers_digest;
	uint64_t counters[64];
	struct record_digest ops[TWIN_OPS_MAX];
};

/* Before the program's first operation: choose, and record if need be. */
void twin_begin(struct run *run, const struct program *prog, const struct run_options *options);
/* An operation of the program is over; `index` is the one that it began with. */
void twin_end_op(struct run *run);
/* The device is idle, reset, and still there: run it again. */
void twin_reset(struct run *run, const struct program *prog, const struct run_options *options);
/* What came of that; to be told when nothing simpler is wrong with the device. */
void twin_judge_reset(struct run *run);
/* It is gone: if a race struck between two reads, run that again. */
void twin_fetch(struct run *run, const struct program *prog, const struct run_options *options);
/* ... or a chain was returned with bytes that did not change. */
void twin_length(struct run *run, const struct program *prog, const struct run_options *options);

/* The program is over: note how its requests were answered. */
void twin_note_answers(struct run *run);
/* ... and the device gone: are they answered the same in other buffers? */
void twin_divided(struct run *run, const struct program *prog, const struct run_options *options);

/* The device is gone: run it again with a restored device from some point on. */
void twin_snapshot(struct run *run, const struct program *prog, const struct run_options *options);

#endif
