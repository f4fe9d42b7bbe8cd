/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the parts of a child share: child.c (its life), child_calls.c (the calls of
 * the device are written down), child_watch.c (the parent looks on), child_check.c
 * (what the child left behind is checked) and child_result.c (what came of it).
 */
#ifndef VRINGER_HARNESS_CHILD_INTERNAL_H
#define VRINGER_HARNESS_CHILD_INTERNAL_H

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
	uint32_t calls;	 /* of the device begun so far */
	uint32_t inside; /* enum child_call */
	int32_t error;	 /* why the harness could not run it: negative errno; 0 */
	struct child_result result;
};

/* `target` with every call of the device written down in `shared`.  One of them at
 * a time, in a child only: it is one static object. */
const struct target *child_calls(const struct target *target, struct child_shared *shared);
const char *child_call_name(enum child_call call);

/* Is all of it in range, as a child could have said it?  The reasons of known findings
 * are then the job's; no pointer of the child's is left. */
bool child_is_sound(const struct child_job *job, struct child_result *result);
/* Take `shared` over into `result`, where only what a child could have said is
 * kept.  false: it says what no child says, so the device wrote over it. */
bool child_check(const struct child_job *job, const struct child_shared *shared,
		 struct child_result *result);

/* The first and the last that was written to a pipe; the middle is left out. */
struct child_text {
	int fd;	      /* the end to read from; -1: closed */
	char *bytes;  /* room for `size`; NULL: nothing is kept */
	size_t size;  /* more than 2 * CHILD_TEXT_NOTE */
	uint64_t len; /* written so far */
};

#define CHILD_TEXT_NOTE 64 /* bytes of the line that says how much is left out */

/* Take what is there, at most a pipe's worth; false if there is nothing, now or
 * ever. */
bool child_text_take(struct child_text *text);
/* Make bytes[] a string: control characters are '?', but for tabs and newlines. */
void child_text_end(struct child_text *text);

/* Why the parent stopped looking on. */
enum child_end {
	CHILD_ENDED,	/* by itself */
	CHILD_SPUN,	/* one call of the device took too much CPU time */
	CHILD_ASLEEP,	/* one call of the device waits for what does not come */
	CHILD_ATE,	/* too much memory */
	CHILD_TOO_LONG, /* CPU time in all: CHILD_SECONDS_MAX */
};

struct child_watch {
	pid_t pid;
	int ended; /* a descriptor that is readable once it ended; -1: there is none */
	const struct child_shared *shared;
	struct child_text *report, *words;
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

/* Look on until the child has ended or must be: what is told is taken, and it is
 * then killed, but for CHILD_ENDED.  It is not reaped. */
enum child_end child_watch(struct child_watch *watch);

/* `result` of a child that has ended so, with `status` of wait(2), and wrote `report`
 * to stderr.  0, or why there is none, for child_explain. */
int child_conclude(const struct child_job *job, const struct child_watch *watch, enum child_end end,
		   int status, const char *report, struct child_result *result);

#endif
