/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Shared by the parts of child.h: child.c (the life of a child), child_calls.c (records
 * the device's calls), child_watch.c (the parent watches), child_check.c (checks what
 * the child left) and child_result.c (makes the result).
 */
#ifndef VRINGER_HARNESS_CHILD_INTERNAL_H
#define VRINGER_HARNESS_CHILD_INTERNAL_H

#include "harness/files/excerpt.h"
#include "harness/run/child.h"

#include <sys/types.h>

/* The device is in this call; CALL_NONE: the harness is at work. */
enum child_call {
	CALL_NONE,
	CALL_CREATE,
	CALL_DESTROY,
	CALL_READ,
	CALL_WRITE,
	CALL_LOOK, /* by target->calls */
	CALL_ACT,
	CALL_WORK,
	CALL_STATE,
	CALL_HOST,
	CALL_SAVE,
	CALL_RESTORE,
	CALL_COUNTERS,
	CALL_COUNT
};

/* Memory of parent and child.  A device may have written over it: the parent
 * believes nothing in it before child_check. */
struct child_shared {
	uint32_t calls;	 /* of the device begun so far, and how often one said that it waits */
	uint32_t inside; /* enum child_call */
	int32_t error;	 /* why the harness could not run it: negative errno; 0 */
	struct child_result result;
};

/* `target` with every call of the device written down in `shared`.  One of them at
 * a time, in a child only: it is one static object. */
const struct target *child_calls(const struct target *target, struct child_shared *shared);
const char *child_call_name(enum child_call call);

/* Is every value in range, so that a child could have written it?  If so, the reasons of
 * known findings are replaced by the job's, and no pointer of the child's is left. */
bool child_is_sound(const struct child_job *job, struct child_result *result);
/* Copy `shared` into `result` and check it. false: it holds values that no child
 * writes, so the device wrote over it. */
bool child_check(const struct child_job *job, const struct child_shared *shared,
		 struct child_result *result);

/* Why the parent stopped watching. */
enum child_end {
	CHILD_ENDED,	/* by itself */
	CHILD_SPUN,	/* one call of the device took too much CPU time */
	CHILD_ASLEEP,	/* one call of the device sleeps and does not return */
	CHILD_ATE,	/* too much memory */
	CHILD_TOO_LONG, /* CPU time in all: CHILD_SECONDS_MAX */
};

struct child_watch {
	pid_t pid;
	int ended; /* a descriptor that is readable once it ended; -1: there is none */
	const struct child_shared *shared;
	struct excerpt *report, *words;
	uint64_t limit_ms; /* for one call of the device */

	/* What was seen at the last look. */
	uint64_t looked_ms, cpu_ms;
	uint32_t calls;
	/* Of the call in progress: CPU time, and time asleep. */
	uint64_t call_ms, asleep_ms;
	/* In all, and what of that was in calls of the device. */
	uint64_t total_ms, device_ms;
	enum child_call call; /* in progress when it was stopped */
};

/* Watch until the child has ended or must be ended, and keep its output.  Unless this
 * returns CHILD_ENDED the child has been killed.  It is not reaped. */
enum child_end child_watch(struct child_watch *watch);

/* Is every thread of it asleep, stopped or dead?  What waits for a disk, a CPU or a
 * debugger is not. */
bool child_is_asleep(pid_t pid);

/* `result` of a child that has ended so, with `status` of wait(2), and wrote `report`
 * to stderr.  0, or why there is none, for child_explain. */
int child_conclude(const struct child_job *job, const struct child_watch *watch, enum child_end end,
		   int status, const char *report, struct child_result *result);

/* Fill in result->demand. */
void child_note_demand(const struct child_job *job, struct child_result *result);

#endif
