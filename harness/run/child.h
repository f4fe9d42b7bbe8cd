/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Run a program in a child process: a crash or a hang is one finding, and the calling
 * process goes on.
 *
 * Before each operation the child records, in shared memory, which one it is and
 * whether the device or the harness is running.  However the child ends (a broken rule,
 * a sanitizer's report, a signal, exit, an endless loop, too much memory, a leak), the
 * parent makes a finding of it.  Its signature holds no address.
 *
 * A device hangs if one call of it uses CHILD_SECONDS of CPU time or sleeps for that
 * long.  Time spent in the harness is no finding, nor is a lack of memory there.  The
 * child ends with its parent.  Its standard output is a pipe, so what the device prints
 * never mixes with results.
 */
#ifndef VRINGER_HARNESS_CHILD_H
#define VRINGER_HARNESS_CHILD_H

#include "harness/rules/sanitizer.h"
#include "harness/run/demands.h"
#include "harness/run/run.h"

#include <stdio.h>

#define CHILD_SECONDS 20	     /* of one device call; after that it hangs */
#define CHILD_SECONDS_MAX 900	     /* of CPU time in all; after that the program is not judged */
#define CHILD_BYTES_MAX (2ull << 30) /* resident; above that the device is out of memory */
#define CHILD_REPORT_MAX 65536	     /* bytes kept of what the child wrote to stderr */
#define CHILD_WORDS_MAX 16384	     /* ... and of what it wrote to stdout */

/* A `>` line that is not met and fails nothing, since it is less than a demand of this
 * run. */
struct child_unmet {
	uint32_t line;
	uint8_t severity; /* enum severity */
	char message[200];
};
#define CHILD_UNMET_MAX 8u

/* The result of a program.  In the parent every value is in range, even if the device
 * wrote over the memory in which the child left it. */
struct child_result {
	uint32_t op; /* in flight, while the child runs */
	char verb[16];
	bool done;	      /* the child came to its end */
	bool passed;	      /* nothing found, every `>` line held that can fail it */
	bool spent;	      /* the budget was used up before the end */
	uint32_t failed_line; /* of the first `>` line that was not met; 0: none */
	uint32_t failed_op;   /* the operation that it judges */
	char failure[400];    /* what was wrong */
	uint8_t demands[SCRIPT_EXPECT_MAX]; /* enum demand_outcome of each `>` line */
	unsigned unmet_count;		    /* the first of them are kept */
	struct child_unmet unmet[CHILD_UNMET_MAX];
	unsigned finding_count; /* also those that do not fail the run */
	struct finding findings[LEDGER_FINDINGS_MAX];
	/* The `>` line that was not met, if it is known; else its kind is FINDING_NONE and
	 * `known` NULL, and it has a signature where it has one. */
	struct finding demand;
	uint64_t judged[(RULE_COUNT + 63) / 64];
	uint64_t not_judged[(RULE_COUNT + 63) / 64];
	struct ledger_blindness blindness; /* of plain memory */
	char shortage[200]; /* why liveness.request was not judged in this program; or empty */
	uint32_t ops_run;
	uint64_t completions; /* chains returned to the driver */
};

struct child_job {
	const struct script *script; /* its `>` lines are checked if `expect` */
	const char *path;	     /* of it, for the signature of a line; NULL: there is none */
	const struct target *target;
	const struct transport *transport; /* NULL: the first of transport_all */
	bool expect;
	struct judging judging;
	bool leaks;
	unsigned seconds; /* 0: CHILD_SECONDS */
	/* Called in the child.  It must write to `trace_out`: in the child, stdout
	 * belongs to the device. */
	const struct trace *trace;
	FILE *trace_out;
	/* Gets what the device wrote to stdout, as a string; NULL: discard it. */
	char *words; /* CHILD_WORDS_MAX bytes */
};

/* 0 with `result` filled in.  Negative errno if the program could not be run, which is
 * no fault of the device: -ENOMEM; -EINVAL, the liveness script is invalid; -ENODEV, the
 * device cannot be run here, as result->failure says; -ETIME, it
 * took CHILD_SECONDS_MAX; others, no process could be started. child_explain prints it.
 * `report` (CHILD_REPORT_MAX bytes, may be NULL) gets what the child wrote to stderr.
 * `report` and job->words are strings without control characters; of longer output they
 * hold the beginning and the end. */
int child_run(const struct child_job *job, struct child_result *result, char *report);
/* Print one line on stderr: why child_run returned `err`. */
void child_explain(const char *path, const struct target *target, int err,
		   const struct child_result *result);

/* For a child that serves many programs (batch.c): run the job in this process, on a
 * run that is open for its target.  The result is complete when `done` is set.  A crash
 * or an endless loop in the device ends the process. */
void child_perform(const struct child_job *job, struct run *run, struct child_result *result);

/* The finding that fails the run; NULL if there is none. */
const struct finding *child_finding(const struct child_result *result, const struct child_job *job);
/* A known finding; NULL if there is none. */
const struct finding *child_known(const struct child_result *result);
/* Does the program fail?  A `>` line that is not met after a known finding, or is known
 * itself, does not count. */
bool child_failed(const struct child_result *result, const struct child_job *job);
/* Count the known findings as found; true if there is one. */
bool child_note_known(const struct child_result *result, struct known *known);

#endif
