/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Programs in children.  See child.h.
 */
#include "harness/arena/instrumented.h"
#include "harness/run/child_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The limit of the child's address space if no sanitizer maps terabytes.  The parent
 * looks ten times a second and ends a growing child much earlier. */
#define CHILD_ADDRESSES_MAX (16ull << 30)

/* A coverage build writes its counters at exit, but a child ends by _exit. */
extern int __llvm_profile_write_file(void) __attribute__((weak));

/* State for the child's hooks. */
struct child {
	const struct child_job *job;
	struct child_shared *shared;	 /* shared with the parent; NULL in a child that serves many
					  * programs */
	struct child_result *result;	 /* in there */
	bool checked[SCRIPT_EXPECT_MAX]; /* number of `>` lines that were checked */
};

static void before_op(void *ctx, uint32_t index, const char *verb)
{
	struct child *child = ctx;

	child->result->op = index;
	child->result->ops_run += index != FINDING_OP_END;
	snprintf(child->result->verb, sizeof(child->result->verb), "%s", verb);
}

/* What the line demands is not the case: does it fail the script? */
static bool fails_script(struct child *child, const struct expect *e)
{
	struct child_result *result = child->result;
	struct child_unmet *unmet;

	if (severity_fails((enum severity)e->severity, &child->job->judging))
		return true;
	if (result->unmet_count == CHILD_UNMET_MAX)
		return false;
	unmet = &result->unmet[result->unmet_count++];
	*unmet = (struct child_unmet){ .line = e->line, .severity = e->severity };
	snprintf(unmet->message, sizeof(unmet->message), "%.*s", (int)sizeof(unmet->message) - 1,
		 result->failure);
	return false;
}

/* Look at a line whose operation has run; false: it fails the script. */
static bool judge(struct child *child, struct run *run, unsigned index)
{
	const struct expect *e = &child->job->script->expects[index];
	struct child_result *result = child->result;
	uint8_t *outcome = &result->demands[index];

	if (!demand_applies(child->job->script, e, child->job->target))
		return true;
	if (!expect_check(run, child->job->script, e, result->failure, sizeof(result->failure))) {
		*outcome = DEMAND_BROKEN;
		return !fails_script(child, e);
	}
	/* In a loop it may have been broken before. */
	if (*outcome == DEMAND_NOT_JUDGED)
		*outcome = DEMAND_MET;
	return true;
}

static void after_op(void *ctx, struct run *run, uint32_t index)
{
	struct child *child = ctx;
	const struct script *script = child->job->script;
	struct child_result *result = child->result;

	for (unsigned i = 0; i < script->expect_count; i++) {
		const struct expect *e = &script->expects[i];

		if (e->op != index)
			continue;
		child->checked[i] = true;
		if (judge(child, run, i))
			continue;
		result->failed_line = e->line;
		result->failed_op = index;
		ledger_stop(&run->guest.ledger);
		return;
	}
}

static void copy_findings(const struct run *run, struct child_result *result)
{
	result->finding_count = run->guest.ledger.finding_count;
	memcpy(result->findings, run->guest.ledger.findings, sizeof(result->findings));
	memcpy(result->judged, run->guest.ledger.judged, sizeof(result->judged));
	memcpy(result->not_judged, run->guest.ledger.not_judged, sizeof(result->not_judged));
	result->blindness = run->guest.ledger.blindness;
	run_print_shortage(run, result->shortage, sizeof(result->shortage));
	result->ops_run = run->ops_run;
	result->completions = run->completions;
	result->spent = run->spent;
}

static void leave(const struct child *child)
{
	if (child->shared != NULL)
		child->shared->inside = CALL_NONE;
	if (child->job->trace_out != NULL)
		fflush(child->job->trace_out);
	fflush(stdout);
	if (__llvm_profile_write_file != NULL)
		__llvm_profile_write_file();
	_exit(0);
}

/* The device is in an endless loop: the run cannot go on. */
static void on_fatal(void *ctx, const struct finding *finding)
{
	struct child *child = ctx;

	child->result->finding_count = 1;
	child->result->findings[0] = *finding;
	child->result->passed = finding->known != NULL;
	child->result->done = true;
	leave(child);
}

/* The harness failed, not the device: there is no result. */
static void give_up(const struct child *child, int err)
{
	child->shared->error = err;
	leave(child);
}

/* Does a `> breaks` line of the script expect this finding at this operation?  Then it is
 * met: the finding ended the program before its lines were looked at. */
static bool is_expected(struct child *child, const struct finding *finding)
{
	const struct script *script = child->job->script;

	for (unsigned i = 0; i < script->expect_count; i++) {
		const struct expect *e = &script->expects[i];

		if (e->kind == EXPECT_BREAKS && finding->kind == FINDING_RULE &&
		    e->op == finding->op && strcmp(e->name, rule_table[finding->rule].id) == 0) {
			child->result->demands[i] = DEMAND_MET;
			return true;
		}
	}
	return false;
}

/* A `>` line that was never checked fails the script. */
static void check_reached(const struct child *child)
{
	const struct script *script = child->job->script;
	struct child_result *result = child->result;

	for (unsigned i = 0; i < script->expect_count; i++) {
		if (child->checked[i])
			continue;
		result->failed_line = script->expects[i].line;
		result->failed_op = script->expects[i].op;
		snprintf(result->failure, sizeof(result->failure),
			 "not checked, since the operation before it did not run%s",
			 result->spent ? ", the budget was used up" : "");
		return;
	}
}

/* Do the job, on a run that is open for its target.  The result holds all findings
 * except those that end the process. */
static void perform(struct child *child, struct run *run)
{
	const struct child_job *job = child->job;
	struct child_result *result = child->result;
	struct run_options options = {
		.judging = job->judging,
		.twins = true,
		.transport = job->transport,
		.trace = job->trace,
		.after_op = job->expect ? after_op : NULL,
		.before_op = before_op,
		.fatal = on_fatal,
		.ctx = child,
	};
	const struct finding *finding;

	run_program(run, &job->script->prog, &options);
	if (run->unusable != NULL) {
		snprintf(result->failure, sizeof(result->failure), "%s", run->unusable);
		return;
	}
	copy_findings(run, result);
	finding = child_finding(result, job);
	if (job->expect && finding != NULL && is_expected(child, finding))
		result->finding_count = 0;
	else if (job->expect && finding == NULL && result->failed_line == 0)
		check_reached(child);
	result->passed = result->failed_line == 0 && child_finding(result, job) == NULL;
}

void child_perform(const struct child_job *job, struct run *run, struct child_result *result)
{
	struct child child = { .job = job, .result = result };

	perform(&child, run);
	/* If the harness lacked something, the program is run again in a child of its own. */
	if (run->guest.heap.starved || (job->leaks && result->passed && instrumented_leaks()))
		result->passed = false;
	result->done = !run->guest.heap.starved && run->unusable == NULL;
}

static void run_in_child(struct child *child)
{
	const struct child_job *job = child->job;
	struct child_result *result = child->result;
	struct text_error error;
	struct run *run;
	char what[TARGET_WHAT_MAX];
	int err = target_probe(job->target, what);

	if (err != 0) {
		snprintf(result->failure, sizeof(result->failure), "%s", what);
		give_up(child, -ENODEV);
	}
	err = run_open(&run, child_calls(job->target, child->shared), &error);
	if (err != 0 && error.line != 0)
		snprintf(result->failure, sizeof(result->failure), "line %u: %s", error.line,
			 error.message);
	if (err != 0)
		give_up(child, err);
	perform(child, run);
	if (run->guest.heap.starved)
		give_up(child, -ENOMEM);
	if (run->unusable != NULL)
		give_up(child, -ENODEV);
	run_close(run);
	if (job->leaks && result->passed && instrumented_leaks())
		result->passed = false;
	result->done = true;
	leave(child);
}

/* The device called exit.  Leave at once: LeakSanitizer would report all memory of the
 * run as lost and change the exit status. */
static void on_exit_called(int status, void *ctx)
{
	const struct child *child = ctx;

	if (child->job->trace_out != NULL)
		fflush(child->job->trace_out);
	fflush(stdout);
	if (__llvm_profile_write_file != NULL)
		__llvm_profile_write_file();
	_exit(status);
}

/* The size of this process's address space in bytes; 0 if unknown. */
static unsigned long long address_bytes(void)
{
	FILE *in = fopen("/proc/self/statm", "re");
	unsigned long long pages = 0;
	char text[64];

	if (in == NULL)
		return 0;
	if (fgets(text, sizeof(text), in) != NULL)
		pages = strtoull(text, NULL, 10);
	fclose(in);
	return pages * (unsigned long long)sysconf(_SC_PAGESIZE);
}

static void limit(__rlimit_resource_t resource, rlim_t value)
{
	struct rlimit now;

	if (getrlimit(resource, &now) != 0)
		return;
	now.rlim_cur = value < now.rlim_max ? value : now.rlim_max;
	setrlimit(resource, &now);
}

/* What ends the child without the parent: the parent's death, and resource limits. */
static void bound(pid_t parent)
{
	unsigned long long addresses = address_bytes();

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, CHILD_SECONDS_MAX + CHILD_SECONDS);
	if (addresses != 0 && addresses < CHILD_ADDRESSES_MAX)
		limit(RLIMIT_AS, addresses + CHILD_ADDRESSES_MAX);
}

/* Make the pipe for one of the child's standard streams; `text` keeps what comes
 * through it. */
struct stream {
	struct excerpt text;
	int write_end;
};

/* 0, or negative errno. */
static int open_stream(struct stream *stream, char *bytes, size_t size)
{
	int ends[2];

	stream->text = (struct excerpt){ .fd = -1, .bytes = bytes, .size = size };
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	stream->text.fd = ends[0];
	stream->write_end = ends[1];
	return 0;
}

static void close_write_end(struct stream *stream)
{
	if (stream->write_end >= 0)
		close(stream->write_end);
	stream->write_end = -1;
}

static void close_stream(struct stream *stream)
{
	close_write_end(stream);
	if (stream->text.fd >= 0)
		close(stream->text.fd);
}

/* The child: its stderr is the report, its stdout belongs to the device. */
static void be_child(const struct child_job *job, struct child_shared *shared,
		     struct stream *report, struct stream *words)
{
	static struct child child;

	child = (struct child){ .job = job, .shared = shared, .result = &shared->result };
	dup2(report->write_end, STDERR_FILENO);
	dup2(words->write_end, STDOUT_FILENO);
	close_stream(report);
	close_stream(words);
	setvbuf(stdout, NULL, _IOLBF, 0);
	on_exit(on_exit_called, &child);
	run_in_child(&child);
}

/* Fork, watch, reap. 0, or negative errno. */
static int run_child(const struct child_job *job, struct child_result *result,
		     struct child_shared *shared, struct stream *report, struct stream *words)
{
	struct child_watch watch = {
		.shared = shared,
		.report = &report->text,
		.words = &words->text,
		.limit_ms = (job->seconds != 0 ? job->seconds : CHILD_SECONDS) * 1000ull,
	};
	pid_t parent = getpid();
	enum child_end end;
	int status = 0;

	watch.pid = fork();
	if (watch.pid < 0)
		return -errno;
	if (watch.pid == 0) {
		bound(parent);
		be_child(job, shared, report, words);
	}
	close_write_end(report);
	close_write_end(words);
	watch.ended = (int)syscall(SYS_pidfd_open, watch.pid, 0);
	end = child_watch(&watch);
	if (watch.ended >= 0)
		close(watch.ended);
	while (waitpid(watch.pid, &status, 0) < 0 && errno == EINTR)
		;
	excerpt_end(&report->text);
	excerpt_end(&words->text);
	return child_conclude(job, &watch, end, status, report->text.bytes, result);
}

int child_run(const struct child_job *job, struct child_result *result, char *report)
{
	struct child_shared *shared = MAP_FAILED;
	struct stream streams[2] = { { .text.fd = -1, .write_end = -1 },
				     { .text.fd = -1, .write_end = -1 } };
	char *text = report;
	int err = -ENOMEM;

	memset(result, 0, sizeof(*result));
	if (text == NULL)
		text = malloc(CHILD_REPORT_MAX);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (text == NULL || shared == MAP_FAILED)
		goto out;
	err = open_stream(&streams[0], text, CHILD_REPORT_MAX);
	if (err == 0)
		err = open_stream(&streams[1], job->words, CHILD_WORDS_MAX);
	if (err != 0)
		goto out;
	shared->result.op = FINDING_OP_END;
	strcpy(shared->result.verb, "create");
	fflush(stdout);
	fflush(stderr);
	if (job->trace_out != NULL)
		fflush(job->trace_out);
	err = run_child(job, result, shared, &streams[0], &streams[1]);
	if (err == 0)
		child_note_demand(job, result);
out:
	if (shared != MAP_FAILED)
		munmap(shared, sizeof(*shared));
	close_stream(&streams[0]);
	close_stream(&streams[1]);
	if (text != report)
		free(text);
	return err;
}
