/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What a fuzzing binary does for its CPU time, measured while it does it.
 *
 * With VRINGER_METER=FILE a fuzzing binary adds up in FILE what its sessions did, and once in a
 * while notes where it is.  FILE is mapped memory, so what is in it outlives a process that is
 * killed, and the processes that AFL++ starts one after the other add to the same numbers.  One
 * process at a time: several would lose some of each other's.  Without the variable, a session
 * costs one test of a pointer more.
 *
 *   VRINGER_METER_SKIP=N       so many sessions are not counted first: the seeds
 *   VRINGER_METER_ENGINE=PID   of the engine, where that is another process
 *
 * bench_live.c reads the file.  Not here: what the numbers mean to a person.
 */
#ifndef VRINGER_FUZZERS_METER_H
#define VRINGER_FUZZERS_METER_H

#include "harness/run/run.h"

#define METER_MAGIC 0x31726574656d7276ull
#define METER_SAMPLES 65536u /* places that are told apart, a power of two */

/* Where the program was, and how often. */
struct meter_sample {
	uint64_t where; /* 0: free; METER_WHERE */
	uint64_t count;
};

/* An address as the linker gave it, or 0 in a library; and was a session running? */
#define METER_WHERE(address, inside) (UINT64_C(1) << 63 | (uint64_t)(inside) << 62 | (address))
#define METER_ADDRESS(where) ((where) & ~(UINT64_C(3) << 62))
#define METER_INSIDE(where) (((where) >> 62 & 1) != 0)

struct meter {
	uint64_t magic;
	uint64_t executions; /* sessions begun */
	uint64_t given;	     /* operations in their inputs */
	uint64_t operations; /* ... that were run, once each: not those of twins */
	uint64_t taken;	     /* chains that the device took */
	uint64_t completed;  /* ... and gave back to the driver */
	uint64_t answered;   /* requests of the target that were answered as declared */
	uint64_t processes;
	uint64_t start_ns; /* of CPU, until the first session of each process */
	uint64_t cpu_ns;   /* ... from there to the session that began last, of all processes */
	uint64_t lost;	   /* places for which there was no room */
	uint64_t left;	   /* sessions to skip before anything is counted */
	uint64_t skipped;  /* of CPU, the engine's too, until then: all above is from there on */
	struct meter_sample sample[METER_SAMPLES];
};

/* NULL: nothing is measured. */
extern struct meter *meter;

/* Measure, if the environment says so; exit 2 where the file cannot be had. */
void meter_open(void);

void meter_begin_session(void);
void meter_end_session(const struct run *run, const struct program *prog);

/* A session begins; and is over, without a finding. */
static inline void meter_begin(void)
{
	if (meter != NULL)
		meter_begin_session();
}

static inline void meter_end(const struct run *run, const struct program *prog)
{
	if (meter != NULL)
		meter_end_session(run, prog);
}

#endif
