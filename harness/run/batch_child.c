/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The child that serves many programs.  See batch.h.
 */
#include "harness/arena/instrumented.h"
#include "harness/files/hash.h"
#include "harness/run/batch_internal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <unwind.h>

#define BATCH_FRAMES_MAX 64u /* of a stack that tell it from others */
#define BATCH_RUNS_MAX 16u   /* open at a time, one for each target */

/* A coverage build writes its counters at exit, which a child does not reach. */
extern int __llvm_profile_write_file(void) __attribute__((weak));

static struct batch_shared *serving; /* in a child that serves */

static void leave(void) __attribute__((noreturn));

static void leave(void)
{
	if (__llvm_profile_write_file != NULL)
		__llvm_profile_write_file();
	_exit(0);
}

/* The device called exit. */
static void on_exit_called(int status, void *ctx)
{
	(void)ctx;
	_exit(status);
}

/* The run that is open for a target; the oldest one makes room. */
static struct run *run_for(const struct target *target)
{
	static struct {
		const struct target *target;
		struct run *run;
	} runs[BATCH_RUNS_MAX];
	static unsigned next;
	struct text_error error;

	for (unsigned i = 0; i < BATCH_RUNS_MAX; i++)
		if (runs[i].target == target)
			return runs[i].run;
	run_close(runs[next].run);
	runs[next].target = NULL;
	/* A child of its own reports why. */
	if (run_open(&runs[next].run, target, &error) != 0)
		_exit(1);
	runs[next].target = target;
	next = (next + 1) % BATCH_RUNS_MAX;
	return runs[(next + BATCH_RUNS_MAX - 1) % BATCH_RUNS_MAX].run;
}

static void serve(struct batch_shared *shared, int line) __attribute__((noreturn));

static void serve(struct batch_shared *shared, int line)
{
	char ask, say;

	while (recv(line, &ask, 1, 0) == 1) {
		struct child_job job = shared->job;

		say = SAY_DONE;
		job.script = &shared->script;
		if (ask == ASK_RUN)
			child_perform(&job, run_for(job.target), &shared->result);
		else if (instrumented_leaks())
			say = SAY_LEAKS;
		fflush(stdout);
		if (send(line, &say, 1, MSG_NOSIGNAL) != 1)
			break;
	}
	leave();
}

struct stack {
	uint64_t hash;
	unsigned frames;
};

static _Unwind_Reason_Code add_frame(struct _Unwind_Context *context, void *ctx)
{
	struct stack *stack = ctx;

	stack->hash = hash_step(stack->hash, (uint64_t)_Unwind_GetIP(context));
	return ++stack->frames < BATCH_FRAMES_MAX ? _URC_NO_REASON : _URC_END_OF_STACK;
}

void batch_on_report(const char *kind)
{
	struct stack stack = { .hash = HASH_START };

	if (serving == NULL)
		return;
	for (; kind != NULL && *kind != '\0'; kind++)
		stack.hash = hash_step(stack.hash, (unsigned char)*kind);
	_Unwind_Backtrace(add_frame, &stack);
	serving->crash = stack.hash | 1;
	_exit(77);
}

void batch_serve(struct batch_shared *shared, pid_t parent, int line, int words)
{
	int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || nothing < 0 || dup2(nothing, STDERR_FILENO) < 0 ||
	    dup2(words, STDOUT_FILENO) < 0)
		_exit(1);
	serving = shared;
	on_exit(on_exit_called, NULL);
	serve(shared, line);
}
