/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A session whose operations come one at a time: whoever drives the device decides what
 * comes next by what it did.  Device, judge and operations are those of a program (run.h),
 * so that the operations in their order are a program that gives the same verdict.
 *
 * Findings carry the running number that the caller gives an operation.  There is no budget
 * of operations, since the caller may stop at any of them.  An operation allocates nothing,
 * asks the host for nothing and formats nothing.
 *
 * Not here: rules that run a program a second time (twin.h), `>` lines, isolation.
 */
#ifndef VRINGER_HARNESS_LIVE_H
#define VRINGER_HARNESS_LIVE_H

#include "harness/run/run.h"

/* Memory as at first, a new device that offers what the header of `header` lets it, and a
 * judge that has seen nothing.  `options` stays the caller's and is used until live_end.
 * False: there is no device; run->unusable says why, or a finding does, and there is no
 * session. */
bool live_begin(struct run *run, const struct program *header, const struct run_options *options);

/* One operation, as a program that has it at `index` would run it; its payload is in `prog`.
 * `repeat` does nothing: its body would be other operations.  False: a finding ends the
 * session, and no further operation is run. */
bool live_op(struct run *run, const struct program *prog, const struct op *op, uint32_t index);

/* As after a program: the device settles, is reset, compared with a new one, serves a
 * well-formed request and is destroyed.  Once a finding has ended the session it is only
 * destroyed.  True if there is no finding that fails the run; findings are in
 * run->guest.ledger until the next session or program. */
bool live_end(struct run *run);

#endif
