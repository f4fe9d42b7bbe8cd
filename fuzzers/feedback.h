/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Feedback for an engine from what can be observed of a device, where its code is not
 * instrumented: a device in another process, or one that was built without an engine's
 * flags.
 *
 * Each event of a run (trace.h) that the device decides on is made a number of a bounded
 * map: which operation it follows, which register showed what, which queue was answered
 * with how long a length, how many bytes of memory changed, which interrupt was raised,
 * which rule was broken.  Values are put in classes by their magnitude, so that counting up
 * is no news.  An engine keeps an input that reaches a new number, or one more often, as it
 * does for edges of code.  (Pairs of events were tried: a corpus three times as large
 * reaches the same code.)
 *
 * No address, time or process is in it: the same program reaches the same numbers, as long
 * as the device answers it in the same way.
 */
#ifndef VRINGER_FUZZERS_FEEDBACK_H
#define VRINGER_FUZZERS_FEEDBACK_H

#include "harness/arena/trace.h"

#define FEEDBACK_MAP (1u << 13) /* bytes, a power of two */

/* A program is about to run: the reader of its trace. */
const struct trace *feedback_begin(void);
/* As that, if VRINGER_FEEDBACK=observed; else NULL. */
const struct trace *feedback_if_asked(void);

/* NULL, or where AFL++ counts: FEEDBACK_MAP guards of its own. */
extern uint32_t *feedback_guards;

#endif
