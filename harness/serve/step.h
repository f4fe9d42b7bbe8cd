/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What serve does to the device: operations of a guest program, one at a time.  Each goes
 * to the recorder and then to the device under the ledger, so that a session is the list of
 * them.
 */
#ifndef VRINGER_HARNESS_SERVE_STEP_H
#define VRINGER_HARNESS_SERVE_STEP_H

#include "harness/run/run.h"

struct recorder;

struct steps {
	struct run *run;
	struct recorder *recorder; /* NULL: nothing is recorded */
	uint32_t count;		   /* operations so far */
	bool over;		   /* a finding ended the session */
	bool config_changed;	   /* the device said so since this was cleared */
	struct program prog;	   /* of the one that is being made */
};

/* recorder: NULL, or it gets each of them. */
void steps_open(struct steps *steps, struct run *run, struct recorder *recorder,
		const char *target);
/* Begin an operation, zeroed; its fields, and then its payload, are the caller's to set. */
struct op *step_begin(struct steps *steps, uint8_t code);
/* ... whose payload is `len` bytes, at most OP_BYTES_MAX. */
void step_bytes(struct steps *steps, const void *bytes, uint32_t len);
/* Run it.  false: the session is over. */
bool step_run(struct steps *steps);
/* Run one that is in another program. */
bool step_run_op(struct steps *steps, const struct program *prog, const struct op *op);
/* Operations with one field, or none. */
bool step_run_simple(struct steps *steps, uint8_t code, uint64_t value);
/* A used entry that the last `take` took. */
void step_used(struct steps *steps, unsigned queue, uint32_t id, uint32_t len);

#endif
