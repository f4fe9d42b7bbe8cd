/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Run a program in a child process: one crash or hang is one finding, and the
 * process that asked goes on.
 *
 * The child writes down which operation is in flight before each one, and whether
 * the device or the harness is at work, in memory that both share.  However it
 * ends - a rule broken, a sanitizer's report, a signal, exit, an endless loop,
 * memory without end, a leak - the parent makes a finding of it, whose signature
 * holds no address.
 *
 * A device hangs if one call of it uses CHILD_SECONDS of CPU time, or sleeps for as
 * long; no time of the harness is a finding, nor is a lack of memory in it.  The
 * child ends with its parent, and standard output in it is a pipe: what a device
 * prints there is among no results.
 */
#ifndef VRINGER_HARNESS_CHILD_H
#define VRINGER_HARNESS_CHILD_H

#include "harness/run/run.h"

#include <stdio.h>

#define CHILD_SECONDS 20	     /* of one call of the device, then it hangs */
#define CHILD_SECONDS_MAX 900	     /* of CPU time in all, then it is not judged */
#define CHILD_BYTES_MAX (2ull << 30) /* resident, then it is out of memory */
#define CHILD_REPORT_MAX 65536	     /* bytes kept of what the child wrote to stderr */
#define CHILD_WORDS_MAX 16384	     /* ... and of what it wrote to stdout */

/* What came of a program.  In the parent all of it is in range, whatever the device
 * did to the memory in which the child wrote it. */
struct child_result {
	uint32_t op; /* in flight, while the child runs */
	char verb[16];
	bool done;		/* the child came to its end */
	bool passed;		/* nothing found, every `>` line held */
	bool spent;		/* the budget was used up before the end */
	uint32_t failed_line;	/* of the `>` line that did not; 0: none */
	uint32_t failed_op;	/* the operation that it judges */
	char failure[400];	/* what was wrong */
	unsigned finding_count; /* those that do not fail the run included */
	struct finding findings[LEDGER_FINDINGS_MAX];
	uint64_t judged[(RULE_COUNT + 63) / 64];
	uint64_t not_judged[(RULE_COUNT + 63) / 64];
	char shortage[200]; /* why liveness.request was not, in this program; or empty */
	uint32_t ops_run;
	uint64_t completions; /* chains returned to the driver */
};

struct child_job {
	const struct script *script; /* its `>` lines are checked if `expect` */
	const struct target *target;
	const struct transport *transport; /* NULL: the first of transport_all */
	bool expect;
	struct judging judging;
	bool leaks;
	unsigned seconds; /* 0: CHILD_SECONDS */
	/* Called in the child; writes to `trace_out`, which is not stdout: that is
	 * the device's in the child. */
	const struct trace *trace;
	FILE *trace_out;
	/* Gets what the device wrote to stdout, a string; NULL: nobody wants it. */
	char *words; /* CHILD_WORDS_MAX bytes */
};

/* 0 with `result` filled in, or negative errno if the program could not be run,
 * which is no fault of the device (-ENOMEM, -EINVAL: a liveness script that is wrong,
 * -ETIME: CHILD_SECONDS_MAX, or there is no process): child_explain.  `report` (CHILD_REPORT_MAX
 * bytes, may be NULL) gets what the child wrote to stderr.  It and job->words are strings without
 * control characters, of the beginning and the end if it was more. */
int child_run(const struct child_job *job, struct child_result *result, char *report);
/* One line on stderr: why child_run returned `err`. */
void child_explain(const char *path, const struct target *target, int err,
		   const struct child_result *result);

/* For a child that serves many (batch.c): run the job in this process, on a run that
 * is open for its target.  The result is whole when `done` is set.  A crash and an
 * endless loop in the device end the process. */
void child_perform(const struct child_job *job, struct run *run, struct child_result *result);

/* The finding that fails the run; NULL if there is none. */
const struct finding *child_finding(const struct child_result *result, const struct child_job *job);
/* A known finding; NULL if there is none. */
const struct finding *child_known(const struct child_result *result);
/* What comes after a known finding is not the script's failure. */
bool child_failed(const struct child_result *result, const struct child_job *job);
/* Count the known findings as met; true if there is one. */
bool child_note_known(const struct child_result *result, struct known *known);

/* Make a finding of what a sanitizer wrote; false if there is no report in it. */
bool sanitizer_finding(const char *report, struct finding *finding);
/* Is the frame at the top of the report's stack one of the harness's? */
bool sanitizer_is_ours(const char *report);

#endif
