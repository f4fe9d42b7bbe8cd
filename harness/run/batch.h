/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Run many programs, one after the other.  Each gets the result that it would have in a
 * child of its own (child.h), but faster: starting a process with a sanitizer takes a
 * hundred times as long as running a script.
 *
 * One child serves program after program.  Its result counts if the program passed, in
 * time, without any finding and without output of the device.  Anything else (a crash, a
 * hang, an exit, a leak, a finding, a `>` line that is not met, output of the device)
 * ends that child, and the program is run again in a child of its own, whose result
 * counts.
 *
 * It does not reset a device's global variables between programs, as long as all
 * programs pass.
 */
#ifndef VRINGER_HARNESS_BATCH_H
#define VRINGER_HARNESS_BATCH_H

#include "harness/run/child.h"

struct batch;

/* 0 or -ENOMEM. */
int batch_open(struct batch **batch);
/* As child_run().  With job->trace set it is child_run(). */
int batch_run(struct batch *batch, const struct child_job *job, struct child_result *result,
	      char *report);
/* A quick look, for sorting: a finding of the shared child counts if it is a broken
 * rule, unless `is_news` asks for a child of its own.  `>` lines do not count, and leaks
 * are not checked until batch_leaked(). */
int batch_look(struct batch *batch, const struct child_job *job, struct child_result *result,
	       char *report, bool (*is_news)(void *ctx, const struct finding *finding), void *ctx);
/* Has anything been leaked since the last call?  Then one of the programs since then
 * leaks: run them again. */
bool batch_leaked(struct batch *batch);
/* How many were run in a child of their own. */
unsigned batch_alone(const struct batch *batch);
void batch_close(struct batch *batch);

/* For the hook that a sanitizer calls before a report (`kind` may be NULL).  In the
 * shared child it ends the process at once: writing the report takes most of a crash's
 * time, and a child of its own writes it if it is wanted. */
void batch_on_report(const char *kind);

#endif
