/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Run a program in a child process: one crash or hang is one finding, and the
 * process that asked goes on.
 *
 * The child writes down which operation is in flight before each one, in
 * memory that both share.  However it ends - a rule broken, a sanitizer's
 * report, a signal, exit, an endless loop, memory without end, a leak - the
 * parent makes a finding of it, whose signature holds no address.
 */
#ifndef VRINGER_HARNESS_CHILD_H
#define VRINGER_HARNESS_CHILD_H

#include "harness/run.h"

#define CHILD_SECONDS 20	     /* of wall-clock time, then it is a hang */
#define CHILD_BYTES_MAX (2ull << 30) /* resident, then it is out of memory */
#define CHILD_REPORT_MAX 65536	     /* bytes kept of what the child wrote to stderr */

/* What came of a program. */
struct child_result {
	uint32_t op; /* in flight, while the child runs */
	char verb[16];
	bool done;		/* the child came to its end */
	bool passed;		/* nothing found, every `>` line held */
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
	bool expect;
	bool strict, limits, no_ledger, leaks;
	unsigned seconds;	   /* 0: CHILD_SECONDS */
	const struct known *known; /* what fails nothing; may be NULL */
	const struct trace *trace; /* called in the child; writes to stdout */
};

/* 0 with `result` filled in, or negative errno if there is no child to be had.
 * `report` (CHILD_REPORT_MAX bytes, may be NULL) gets what the child wrote to
 * stderr, NUL-terminated. */
int child_run(const struct child_job *job, struct child_result *result, char *report);

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

/* Does a finding of that rule fail a run with these options? */
bool rule_fails(enum rule rule, bool strict, bool limits);

/* Make a finding of what a sanitizer wrote; false if there is no report in it. */
bool sanitizer_finding(const char *report, struct finding *finding);

#endif
