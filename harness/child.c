/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Programs in children.  See child.h.
 */
#include "harness/child.h"
#include "harness/seam.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A coverage build writes its counters at exit, which a child does not reach. */
extern int __llvm_profile_write_file(void) __attribute__((weak));

/* What the child's hooks need. */
struct child {
	const struct child_job *job;
	struct child_result *result;	 /* shared with the parent */
	bool checked[SCRIPT_EXPECT_MAX]; /* the `>` lines that came to their turn */
};

bool rule_fails(enum rule rule, bool strict, bool limits)
{
	enum severity severity = rule_table[rule].severity;

	if (severity == SEVERITY_SHOULD)
		return strict;
	return severity != SEVERITY_LIMIT || limits;
}

const struct finding *child_finding(const struct child_result *result, const struct child_job *job)
{
	for (unsigned i = 0; i < result->finding_count; i++) {
		const struct finding *f = &result->findings[i];

		if (f->known == NULL &&
		    (f->kind != FINDING_RULE || rule_fails(f->rule, job->strict, job->limits)))
			return f;
	}
	return NULL;
}

const struct finding *child_known(const struct child_result *result)
{
	for (unsigned i = 0; i < result->finding_count; i++)
		if (result->findings[i].known != NULL)
			return &result->findings[i];
	return NULL;
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
	return child_known(result) != NULL;
}

static void before_op(void *ctx, uint32_t index, const char *verb)
{
	struct child *child = ctx;

	child->result->op = index;
	child->result->ops_run += index != FINDING_OP_END;
	snprintf(child->result->verb, sizeof(child->result->verb), "%s", verb);
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
		if (expect_check(run, script, e, result->failure, sizeof(result->failure)))
			continue;
		result->failed_line = e->line;
		result->failed_op = index;
		run->ledger.stop = true;
		return;
	}
}

static void copy_findings(const struct run *run, struct child_result *result)
{
	result->finding_count = run->ledger.finding_count;
	memcpy(result->findings, run->ledger.findings, sizeof(result->findings));
	memcpy(result->judged, run->ledger.judged, sizeof(result->judged));
	memcpy(result->not_judged, run->ledger.not_judged, sizeof(result->not_judged));
	run_print_shortage(run, result->shortage, sizeof(result->shortage));
	result->ops_run = run->ops_run;
	result->completions = run->completions;
}

static void leave(void)
{
	fflush(stdout);
	if (__llvm_profile_write_file != NULL)
		__llvm_profile_write_file();
	_exit(0);
}

/* An endless loop inside the device: there is no way back to the run. */
static void on_fatal(void *ctx, const struct finding *finding)
{
	struct child *child = ctx;

	child->result->finding_count = 1;
	child->result->findings[0] = *finding;
	child->result->passed = finding->known != NULL;
	child->result->done = true;
	leave();
}

/* The script says that an operation breaks a rule, and it is the one broken. */
static bool is_expected(const struct script *script, const struct finding *finding)
{
	for (unsigned i = 0; i < script->expect_count; i++) {
		const struct expect *e = &script->expects[i];

		if (e->kind == EXPECT_BREAKS && finding->kind == FINDING_RULE &&
		    e->op == finding->op && strcmp(e->name, rule_table[finding->rule].id) == 0)
			return true;
	}
	return false;
}

/* A `>` line that was never looked at shows nothing. */
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
			 "never checked: the operation before it was not run%s",
			 result->ops_run >= script->prog.budget * (uint32_t)PROGRAM_BUDGET_UNIT
				 ? ", the budget was used up"
				 : "");
		return;
	}
}

/* The job, on a run that is open for its target; all that it shows is in the result,
 * but for what ends the process. */
static void perform(struct child *child, struct run *run)
{
	const struct child_job *job = child->job;
	struct child_result *result = child->result;
	struct run_options options = {
		.strict = job->strict,
		.limits = job->limits,
		.no_ledger = job->no_ledger,
		.twins = true,
		.known = job->known,
		.trace = job->trace,
		.after_op = job->expect ? after_op : NULL,
		.before_op = before_op,
		.fatal = on_fatal,
		.ctx = child,
	};
	const struct finding *finding;

	run_program(run, &job->script->prog, &options);
	copy_findings(run, result);
	finding = child_finding(result, job);
	if (job->expect && finding != NULL && is_expected(job->script, finding))
		result->finding_count = 0;
	else if (job->expect && finding == NULL && result->failed_line == 0)
		check_reached(child);
	result->passed = result->failed_line == 0 && child_finding(result, job) == NULL;
}

void child_perform(const struct child_job *job, struct run *run, struct child_result *result)
{
	struct child child = { .job = job, .result = result };

	perform(&child, run);
	if (job->leaks && result->passed && seam_leaks())
		result->passed = false;
	result->done = true;
}

static void run_in_child(struct child *child)
{
	const struct child_job *job = child->job;
	struct text_error error;
	struct run *run;

	if (run_open(&run, job->target, &error) != 0) {
		fprintf(stderr, "%s: the liveness script, line %u: %s\n", job->target->name,
			error.line, error.message);
		_exit(2);
	}
	perform(child, run);
	run_close(run);
	if (job->leaks && child->result->passed && seam_leaks())
		child->result->passed = false;
	child->result->done = true;
	leave();
}

/* Resident bytes of a process; 0 if that cannot be told. */
static unsigned long long resident_bytes(pid_t pid)
{
	char text[128], *resident = NULL;
	char path[64];
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%ld/statm", (long)pid);
	in = fopen(path, "r");
	if (in == NULL)
		return 0;
	if (fgets(text, sizeof(text), in) != NULL)
		resident = strchr(text, ' ');
	fclose(in);
	if (resident == NULL)
		return 0;
	return strtoull(resident, NULL, 10) * (unsigned long long)sysconf(_SC_PAGESIZE);
}

/* Wait until the child closes `life`, which it does by ending.  0, or what it
 * was killed for. */
static enum finding_kind watch(pid_t pid, int life, unsigned seconds)
{
	enum finding_kind kind = FINDING_NONE;
	struct timespec start, now;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (kind == FINDING_NONE) {
		struct pollfd fd = { .fd = life, .events = POLLIN };

		if (poll(&fd, 1, 100) > 0)
			return FINDING_NONE;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - start.tv_sec >= (time_t)seconds)
			kind = FINDING_HANG;
		else if (resident_bytes(pid) > CHILD_BYTES_MAX)
			kind = FINDING_OOM;
	}
	kill(pid, SIGKILL);
	return kind;
}

/* Take back what was written to `fd`; empty if it cannot be read. */
static void read_report(int fd, char *report)
{
	ssize_t len = pread(fd, report, CHILD_REPORT_MAX - 1, 0);

	report[len > 0 ? len : 0] = '\0';
}

/* The child did not come to its end, or LeakSanitizer had something to say. */
static void add_finding(const struct child_job *job, struct child_result *result,
			enum finding_kind killed_for, int status, const char *report)
{
	struct finding f = { .kind = (uint8_t)killed_for, .op = result->op };
	size_t used;

	memcpy(f.verb, result->verb, sizeof(f.verb));
	if (killed_for == FINDING_HANG) {
		strcpy(f.signature, "hang");
		snprintf(f.message, sizeof(f.message), "the device did not return in %u seconds",
			 job->seconds != 0 ? job->seconds : CHILD_SECONDS);
	} else if (killed_for == FINDING_OOM) {
		strcpy(f.signature, "out-of-memory");
		snprintf(f.message, sizeof(f.message), "the device took more than %llu MiB",
			 CHILD_BYTES_MAX >> 20);
	} else if (sanitizer_finding(report, &f)) {
		/* The message and the signature are there. */
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
	f.known = known_reason(job->known, f.signature);
	result->findings[0] = f;
	result->finding_count = 1;
	result->passed = false;
}

/* The device called exit: nothing else may have its say in the status, such as
 * LeakSanitizer, for which everything that the run has is lost now. */
static void on_exit_called(int status, void *ctx)
{
	(void)ctx;
	fflush(stdout);
	if (__llvm_profile_write_file != NULL)
		__llvm_profile_write_file();
	_exit(status);
}

/* The child itself: its stderr is the report. */
static void be_child(const struct child_job *job, struct child_result *shared, int report_fd)
{
	struct child child = { .job = job, .result = shared };

	dup2(report_fd, STDERR_FILENO);
	setvbuf(stdout, NULL, _IOLBF, 0);
	on_exit(on_exit_called, NULL);
	run_in_child(&child);
}

int child_run(const struct child_job *job, struct child_result *result, char *report)
{
	struct child_result *shared = MAP_FAILED;
	enum finding_kind killed_for;
	char *text = report;
	int life[2] = { -1, -1 };
	int report_fd = -1;
	int status = 0;
	int err = 0;
	pid_t pid;

	if (text == NULL)
		text = malloc(CHILD_REPORT_MAX);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	report_fd = memfd_create("report", MFD_CLOEXEC);
	if (text == NULL || shared == MAP_FAILED || report_fd < 0 || pipe2(life, O_CLOEXEC) != 0) {
		err = -errno;
		goto out;
	}
	shared->op = FINDING_OP_END;
	strcpy(shared->verb, "create");
	fflush(stdout);
	fflush(stderr);
	pid = fork();
	if (pid < 0) {
		err = -errno;
		goto out;
	}
	if (pid == 0) {
		close(life[0]);
		be_child(job, shared, report_fd);
	}
	close(life[1]);
	life[1] = -1;
	killed_for = watch(pid, life[0], job->seconds != 0 ? job->seconds : CHILD_SECONDS);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	read_report(report_fd, text);
	*result = *shared;
	if (!result->done ||
	    (!result->passed && result->failed_line == 0 && child_finding(result, job) == NULL))
		add_finding(job, result, killed_for, status, text);
out:
	if (shared != MAP_FAILED)
		munmap(shared, sizeof(*shared));
	if (report_fd >= 0)
		close(report_fd);
	if (life[0] >= 0)
		close(life[0]);
	if (life[1] >= 0)
		close(life[1]);
	if (text != report)
		free(text);
	return err;
}
