/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Feedback for an engine from what can be observed of a device, where its code is not
 * instrumented: a device in another process, or one that was built without an engine's
 * flags.
 *
 * Each event of a run (trace.h) that the device decides on is made a number of a bounded
 * map: which operation it follows, which register showed what, which access had which purpose
 * and outcome, which queue was answered with how long a length and in which order, what was
 * written as a status, how many bytes of memory changed, which interrupt was raised, which
 * rule was broken.  After each operation come which status the device is in, how many chains
 * it holds, which rules had something to judge for the first time, and how near to their
 * bounds those came that have one.  Values are put in classes by their magnitude, so that
 * counting up is no news.  An engine keeps an input that reaches a new number, as it does for
 * edges of code.  (Pairs of events, and how often each comes, were tried: larger corpora of
 * longer programs reach no more code.)
 *
 * No address, time or process is in it: the same program reaches the same numbers, as long
 * as the device answers it in the same way.
 *
 *   VRINGER_FEEDBACK=observed    on
 *   VRINGER_FEEDBACK=off         off
 *
 * Without it, it is on in a program of somebody's in which no device's code is instrumented,
 * and for devices in other processes.
 */
#ifndef VRINGER_FUZZERS_FEEDBACK_H
#define VRINGER_FUZZERS_FEEDBACK_H

#include "harness/run/run.h"

#define FEEDBACK_MAP (1u << 13) /* bytes, a power of two */

/* When is it on, if nobody says? */
enum feedback_when {
	FEEDBACK_NEVER,	 /* the device is instrumented */
	FEEDBACK_BLIND,	 /* where the engine sees of no code */
	FEEDBACK_ALWAYS, /* no engine can see into the device */
};

/* A program is about to run, with these options: it is observed, if that is to be. */
void feedback_begin(struct run_options *options);

/* The reader of a run's events, and what comes after each operation: for tests. */
void feedback_event(void *ctx, const struct trace_event *event);
void feedback_after_op(void *ctx, struct run *run, uint32_t index);
/* Where libFuzzer counts. */
extern uint8_t feedback_map[FEEDBACK_MAP];

#endif
