/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The result of a child: the finding that fails a run, and a finding made from the way
 * the child ended.  See child.h.
 */
#include "harness/arena/instrumented.h"
#include "harness/run/child_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

const struct finding *child_finding(const struct child_result *result, const struct child_job *job)
{
	for (unsigned i = 0; i < result->finding_count; i++)
		if (finding_fails(&result->findings[i], &job->judging))
			return &result->findings[i];
	return NULL;
}

const struct finding *child_known(const struct child_result *result)
{
	for (unsigned i = 0; i < result->finding_count; i++)
		if (result->findings[i].known != NULL)
			return &result->findings[i];
	return result->demand.known != NULL ? &result->demand : NULL;
}

/* The last two names of a path: a script is known by its folder and its own name. */
static const char *short_path(const char *path)
{
	const char *slash = strrchr(path, '/');

	while (slash != NULL && slash > path && slash[-1] != '/')
		slash--;
	return slash != NULL ? slash : path;
}

void child_note_demand(const struct child_job *job, struct child_result *result)
{
	struct finding *f = &result->demand;

	memset(f, 0, sizeof(*f));
	if (result->failed_line == 0 || job->path == NULL)
		return;
	f->op = result->failed_op;
	snprintf(f->signature, sizeof(f->signature), "demand:%s:%u", short_path(job->path),
		 result->failed_line);
	snprintf(f->message, sizeof(f->message), "%.*s", (int)sizeof(f->message) - 1,
		 result->failure);
	if (child_finding(result, job) == NULL)
		f->known = known_reason(job->judging.known, f->signature);
}

bool child_failed(const struct child_result *result, const struct child_job *job)
{
	return child_finding(result, job) != NULL ||
	       (!result->passed && child_known(result) == NULL);
}

bool child_note_known(const struct child_result *result, struct known *known)
{
	for (unsigned i = 0; known != NULL && i < result->finding_count; i++)
		if (result->findings[i].known != NULL)
			known_hit(known, result->findings[i].signature);
	if (known != NULL && result->demand.known != NULL)
		known_hit(known, result->demand.signature);
	return child_known(result) != NULL;
}

/* The child did not end by itself, or LeakSanitizer reported a leak: make a finding of
 * it. */
static void add_finding(const struct child_job *job, struct child_result *result,
			const struct child_watch *watch, enum child_end end, int status,
			const char *report)
{
	struct finding f = { .op = result->op };
	size_t used;

	memcpy(f.verb, result->verb, sizeof(f.verb));
	if (sanitizer_finding(report, &f)) {
		/* It has filled in message and signature. */
	} else if (end == CHILD_SPUN || end == CHILD_ASLEEP) {
		f.kind = FINDING_HANG;
		strcpy(f.signature, "hang");
		snprintf(f.message, sizeof(f.message),
			 "the device did not return from %s: %s "
			 "%llu seconds",
			 child_call_name(watch->call),
			 end == CHILD_SPUN ? "it used CPU time for" : "it slept for",
			 (unsigned long long)watch->limit_ms / 1000);
	} else if (end == CHILD_ATE) {
		f.kind = FINDING_OOM;
		strcpy(f.signature, "out-of-memory");
		snprintf(f.message, sizeof(f.message), "the device took more than %llu MiB",
			 CHILD_BYTES_MAX >> 20);
	} else if (WIFSIGNALED(status)) {
		f.kind = FINDING_SIGNAL;
		snprintf(f.signature, sizeof(f.signature), "signal:%s",
			 sigabbrev_np(WTERMSIG(status)));
		snprintf(f.message, sizeof(f.message), "the device was killed by signal %d (%s)",
			 WTERMSIG(status), sigdescr_np(WTERMSIG(status)));
	} else {
		f.kind = FINDING_EXIT;
		snprintf(f.signature, sizeof(f.signature), "exit:%d", WEXITSTATUS(status));
		snprintf(f.message, sizeof(f.message), "the device called exit(%d)",
			 WEXITSTATUS(status));
	}
	used = strlen(f.signature);
	snprintf(f.signature + used, sizeof(f.signature) - used, ":%s", result->verb);
	f.known = known_reason(job->judging.known, f.signature);
	result->findings[0] = f;
	result->finding_count = 1;
	result->failed_line = 0;
	result->passed = false;
}

/* The record of the run holds values that the child never writes: the device wrote over
 * it. */
static void add_overwritten(const struct child_job *job, struct child_result *result)
{
	struct finding *f = &result->findings[0];

	*f = (struct finding){ .kind = FINDING_MEMORY, .op = FINDING_OP_END };
	strcpy(f->verb, result->verb);
	strcpy(f->signature, "overwritten");
	strcpy(f->message, "the device wrote over the harness's record of the run");
	f->known = known_reason(job->judging.known, f->signature);
	result->finding_count = 1;
}

int child_conclude(const struct child_job *job, const struct child_watch *watch, enum child_end end,
		   int status, const char *report, struct child_result *result)
{
	int32_t error = watch->shared->error;
	struct finding f = { .kind = FINDING_NONE };
	bool sound = child_check(job, watch->shared, result);

	/* give_up() sets these errors.  A device that wrote over the record would not
	 * leave it sound. */
	if (sound && !result->done && (error == -ENOMEM || error == -EINVAL || error == -ENODEV))
		return error;
	if (end == CHILD_TOO_LONG) {
		snprintf(result->failure, sizeof(result->failure),
			 "it used %llu seconds of CPU time, %llu of them in calls of the device",
			 (unsigned long long)watch->total_ms / 1000,
			 (unsigned long long)watch->device_ms / 1000);
		return -ETIME;
	}
	if (!result->done && sanitizer_finding(report, &f) && f.kind == FINDING_OOM &&
	    (watch->shared->inside == CALL_NONE || sanitizer_is_ours(report)))
		return -ENOMEM;
	if (!sound && f.kind == FINDING_NONE)
		add_overwritten(job, result);
	else if (!result->done || (!result->passed && result->failed_line == 0 &&
				   child_finding(result, job) == NULL))
		add_finding(job, result, watch, end, status, report);
	return 0;
}

void child_explain(const char *path, const struct target *target, int err,
		   const struct child_result *result)
{
	if (err == -ENOMEM)
		fprintf(stderr, "%s: not enough memory to run it\n", path);
	else if (err == -ETIME)
		fprintf(stderr, "%s: not judged, it did not end in time: %s\n", path,
			result->failure);
	else if (err == -ENODEV)
		fprintf(stderr, "%s: cannot be run: %s\n", target->name, result->failure);
	else if (err == -EINVAL)
		fprintf(stderr, "%s: the liveness script is invalid: %s\n", target->name,
			result->failure);
	else
		fprintf(stderr, "%s: cannot start a process to run it: %s\n", path, strerror(-err));
	/* If we cannot start a process, LeakSanitizer cannot either, and would end the
	 * command with a report and an exit status of its own. */
	if (err == -EAGAIN)
		instrumented_end_unchecked();
}
