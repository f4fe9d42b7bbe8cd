/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the parts of a run share: run.c (its life), run_ops.c (its operations), live.c
 * (operations that come one at a time), run_listen.c (what the device does meanwhile),
 * run_advance.c (traffic until an index), run_end.c and run_liveness.c (what comes after a
 * program), snapshot.c and twin.c (the same again).
 */
#ifndef VRINGER_HARNESS_RUN_INTERNAL_H
#define VRINGER_HARNESS_RUN_INTERNAL_H

#include "harness/run/run.h"

/* Operations on snapshots; see snapshot.c. */
void snapshot_op_save(struct run *run, const struct program *prog, const struct op *op);
void snapshot_op_restore(struct run *run, const struct program *prog, const struct op *op);
void snapshot_op_corrupt(struct run *run, const struct program *prog, const struct op *op);
void snapshot_op_cut(struct run *run, const struct program *prog, const struct op *op);
/* ... by its fields; see snapshot_alter.c. */
void snapshot_op_alter(struct run *run, const struct program *prog, const struct op *op);

/* Traffic until a queue's index is as wanted; see run_advance.c. */
void run_op_advance(struct run *run, const struct program *prog, const struct op *op);

/* The judge, and who listens, as the options say. */
void run_judge_as(struct run *run, const struct run_options *options);
/* Largest queue sizes and features as the header of the program holds them back. */
void run_offer(struct run *run, const struct program *prog);
/* The judge knows nothing, and a new device; false: there is none.  That is a finding,
 * unless the target is unusable. */
bool run_begin(struct run *run);
/* The device is destroyed: the last stage. */
void run_finish(struct run *run, const struct run_options *options);
/* One operation, which is no repeat.  False: the liveness script's, which does not fit. */
bool run_one(struct run *run, const struct program *prog, const struct op *op,
	     const struct run_options *options, uint32_t index);
/* A stage: the device goes on until it has nothing left to do. */
void run_settle(struct run *run, const struct run_options *options);
/* Memory as at first and a new device on it; false if there is none. */
bool run_create(struct run *run);
/* Tell the ledger, the trace and the record what the target's devices do. */
void run_listen(struct run *run);
/* Operations in order, repeats unrolled, as many as the budget allows. */
void run_ops(struct run *run, const struct program *prog, const struct run_options *options);
/* The program's operations, and the device settled. */
void run_session(struct run *run, const struct program *prog, const struct run_options *options);
/* Memory as at first, the device reset, its output taken, selectors at 0. */
void run_reset(struct run *run);
/* A stage after the program begins. */
void run_stage(struct run *run, const struct run_options *options, const char *name);
void run_stage_end(struct run *run);
/* The device is at rest, or not: has it done what it had to? */
void run_rest(struct run *run);
/* What the guest did to memory, armed and knew is undone; the device is as it was. */
void run_clear(struct run *run);
/* After the program: reset, and a well-formed request. */
void run_check_reset(struct run *run, const struct run_options *options);
void run_check_liveness(struct run *run, const struct run_options *options);
/* The device wrote there, and does not pass 2^64.  At rest: is all of it in its log? */
void run_note_written(struct run *run, uint64_t addr, uint32_t len);
void run_judge_log(struct run *run);
/* Has the device what that operation of the liveness script needs?  If not,
 * run->shortage says what it lacks. */
bool run_liveness_fits(struct run *run, const struct op *op);
void run_destroy(struct run *run);

#endif
