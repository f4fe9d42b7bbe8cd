/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Many programs, one after the other, each with the result that it has in a child of
 * its own (child.h), for much less: starting a process with a sanitizer in it
 * takes a hundred times as long as running a script.
 *
 * One child serves program after program.  What it says of a program is believed if
 * the program passed there, in order and in a short time, nothing at all was found
 * and the device wrote nothing to its standard output.  Everything else - a crash, a
 * hang, an exit, a leak, a finding, a `>` line that does not hold, words of the
 * device - ends that child, and the program is run again in a child of its own,
 * whose result is the one that counts.
 *
 * What it does not do: keep a device apart from what it left in variables of its own
 * in an earlier program, as long as all goes well.
 */
#ifndef VRINGER_HARNESS_BATCH_H
#define VRINGER_HARNESS_BATCH_H

#include "harness/run/child.h"

struct batch;

/* 0 or -ENOMEM. */
int batch_open(struct batch **batch);
/* As child_run(), which is what it comes to where job->trace is set. */
int batch_run(struct batch *batch, const struct child_job *job, struct child_result *result,
	      char *report);
/* A quick look, for sorting: a broken rule may stand as the child that serves many saw
 * it, unless `is_news` says that this finding is to be seen in a child of its own;
 * `>` lines do not count; and leaks are not looked for until batch_leaked(). */
int batch_look(struct batch *batch, const struct child_job *job, struct child_result *result,
	       char *report, bool (*is_news)(void *ctx, const struct finding *finding), void *ctx);
/* Has anything been leaked since that was last asked?  Then some program that was
 * looked at since showed that, run it again. */
bool batch_leaked(struct batch *batch);
/* How many were run in a child of their own. */
unsigned batch_alone(const struct batch *batch);
void batch_close(struct batch *batch);

/* For the hook of a sanitizer that is about to report (`kind` may be NULL).  In a child
 * that serves many it ends the process: the report, which takes most of a crash's time
 * to put together, comes from another if it is wanted. */
void batch_on_report(const char *kind);

#endif
