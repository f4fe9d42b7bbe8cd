/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the parts of a run share: run.c (its life), twin.c (the same again),
 * guest_ops.c, guest_memory.c, guest_config.c and guest_host.c (operations).
 */
#ifndef VRINGER_HARNESS_RUN_INTERNAL_H
#define VRINGER_HARNESS_RUN_INTERNAL_H

#include "harness/run/run.h"

/* A call of the device has returned. */
void guest_returned(struct run *run);
/* What a guest would see next; `ready`: of the selected queue as well. */
void guest_look(struct run *run, bool ready, struct ledger_probe *probe);

/* Operations on memory; see guest_memory.c. */
void guest_store(struct run *run, const struct program *prog, const struct op *op);
void guest_fill(struct run *run, const struct program *prog, const struct op *op);
void guest_pattern(struct run *run, const struct program *prog, const struct op *op);
void guest_unmap(struct run *run, const struct program *prog, const struct op *op);
void guest_map(struct run *run, const struct program *prog, const struct op *op);
void guest_buffer(struct run *run, const struct program *prog, const struct op *op);
void guest_desc(struct run *run, const struct program *prog, const struct op *op);
void guest_set_desc(struct run *run, const struct program *prog, const struct op *op);
void guest_chain(struct run *run, const struct program *prog, const struct op *op);
void guest_publish(struct run *run, const struct program *prog, const struct op *op);
void guest_offer(struct run *run, const struct program *prog, const struct op *op);
void guest_avail_idx(struct run *run, const struct program *prog, const struct op *op);
void guest_avail_flags(struct run *run, const struct program *prog, const struct op *op);
void guest_avail_entry(struct run *run, const struct program *prog, const struct op *op);
void guest_used_event(struct run *run, const struct program *prog, const struct op *op);

/* Operations of the host; see guest_host.c. */
void guest_type(struct run *run, const struct program *prog, const struct op *op);
void guest_take_output(struct run *run, const struct program *prog, const struct op *op);
void guest_put_back(struct run *run, const struct program *prog, const struct op *op);
void guest_refuse(struct run *run, const struct program *prog, const struct op *op);
void guest_hold(struct run *run, const struct program *prog, const struct op *op);
void guest_pretend(struct run *run, const struct program *prog, const struct op *op);
/* Every order to the host is forgotten. */
void guest_forget_orders(struct run *run);
void guest_set_target(struct run *run, const struct program *prog, const struct op *op);
/* Snapshots; see snapshot.c. */
void guest_save(struct run *run, const struct program *prog, const struct op *op);
void guest_restore(struct run *run, const struct program *prog, const struct op *op);
void guest_corrupt(struct run *run, const struct program *prog, const struct op *op);
void guest_cut(struct run *run, const struct program *prog, const struct op *op);
/* The driver read `width` bytes of configuration, `value`, at `at`, and the generation
 * is `generation`: what else it reads as; see guest_config.c. */
void guest_look_at_config(struct run *run, uint32_t at, uint32_t width, uint64_t value,
			  uint32_t generation);
/* What the host wants of a device that is new. */
void guest_want_nothing(struct run *run);
/* The host takes all output of every port. */
void guest_take_all_output(struct run *run);

/* Memory as at first and a new device on it; false if there is none. */
bool run_create(struct run *run);
/* Operations in order, repeats unrolled, as many as the budget allows. */
void run_ops(struct run *run, const struct program *prog, const struct run_options *options);
/* The program's operations, and the device settled. */
void run_session(struct run *run, const struct program *prog, const struct run_options *options);
/* The configuration, RUN_REGISTERS_MAX words at most; how many. */
unsigned run_config_words(const struct run *run, uint32_t *out);
/* The host changed the configuration, which was `before`: a new device would show
 * what it changed. */
void run_note_config(struct run *run, const uint32_t *before);
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
/* Has the device what that operation of the liveness script needs?  If not,
 * run->shortage says what it lacks. */
bool run_liveness_fits(struct run *run, const struct op *op);
void run_destroy(struct run *run);

#endif
