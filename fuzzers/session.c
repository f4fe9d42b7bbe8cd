/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A fuzz input as a session of a device: decode, run, judge.  See engine.h.
 *
 * A finding is printed as a script with what happened and the next command,
 * and ends the process through a function whose name tells findings apart.  What is
 * printed stands below what the engine has to say.
 */
#include "fuzzers/engine.h"

#include "fuzzers/feedback.h"
#include "fuzzers/meter.h"
#include "harness/program/binary.h"
#include "harness/run/replay.h"
#include "harness/run/report.h"
#include "harness/run/run.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct program program;
static struct known known;
static struct run *run;
static struct judging judging; /* of all sessions */

/* Aborts with the kind of the finding on the stack. */
#define FINDING_ABORT(kind)                                                                        \
	void vringer_finding_##kind(void) __attribute__((noreturn, noinline));                     \
	void vringer_finding_##kind(void)                                                          \
	{                                                                                          \
		__asm__ volatile("" : : "r"(FINDING_##kind) : "memory");                           \
		abort();                                                                           \
	}
FINDING_ABORT(HANG)
FINDING_ABORT(OOM)
FINDING_ABORT(LEAK)
FINDING_ABORT(REPORTED)

/* What a person is to read. */
static void explain_finding(const struct finding *finding)
{
	static struct script script;

	fputs("vringer: a finding\n", stderr);
	text_print(stderr, &program, NULL);
	memset(script.op_lines, 0, sizeof(script.op_lines));
	script.prog = program;
	report_finding(stderr, "", finding, &script);
	report_next(stderr, run->guest.target->name, NULL, "FILE");
	fflush(stderr);
}

/* libFuzzer and the sanitizers print a stack and more when a process aborts, below which
 * nobody finds what is above.  So let a child abort, keep the input and say all that, and
 * then explain, and end as it ended.  Returns in the child, and where there can be none. */
static bool leave_abort_to_child(const struct finding *finding)
{
	int status = 0;
	pid_t child;

	if (!report_is_engine())
		return false;
	fflush(NULL);
	child = fork();
	if (child == 0)
		return true;
	if (child < 0 || waitpid(child, &status, 0) != child)
		return false;
	explain_finding(finding);
	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	signal(WTERMSIG(status), SIG_DFL);
	raise(WTERMSIG(status));
	_exit(1);
}

static void give_up(const struct finding *finding) __attribute__((noreturn));

static void give_up(const struct finding *finding)
{
	if (!leave_abort_to_child(finding))
		explain_finding(finding);
	if (finding->kind == FINDING_RULE)
		rule_table[finding->rule].fail();
	if (finding->kind == FINDING_HANG)
		vringer_finding_HANG();
	if (finding->kind == FINDING_LEAK)
		vringer_finding_LEAK();
	if (finding->kind == FINDING_REPORTED)
		vringer_finding_REPORTED();
	vringer_finding_OOM();
}

static void on_fatal(void *ctx, const struct finding *finding)
{
	(void)ctx;
	give_up(finding);
}

/* VRINGER_LEDGER=off: judge nothing, look for crashes only. */
static bool without_ledger(void)
{
	static enum { UNKNOWN, ON, OFF } state;

	if (state == UNKNOWN) {
		const char *given = getenv("VRINGER_LEDGER");

		state = given != NULL && strcmp(given, "off") == 0 ? OFF : ON;
	}
	return state == OFF;
}

/* VRINGER_KNOWN=FILE: known findings, which do not stop the fuzzer. */
static struct known *load_known(void)
{
	const char *path = getenv("VRINGER_KNOWN");

	if (path == NULL || *path == '\0')
		return NULL;
	if (known.count == 0 && known_load(&known, path) != 0)
		exit(2);
	return &known;
}

/* Each is named once by a process, here and, for who gathers them from many
 * processes, in the file VRINGER_KNOWN_MET. */
static void tell_known(const struct finding *finding)
{
	const char *path = getenv("VRINGER_KNOWN_MET");
	FILE *met = path != NULL && *path != '\0' ? fopen(path, "a") : NULL;

	fprintf(stderr, "vringer: known: %s  # %s\n", finding->signature, finding->known);
	if (met == NULL)
		return;
	fprintf(met, "%s  # %s\n", finding->signature, finding->known);
	fclose(met);
}

static void note_known(const struct ledger *ledger)
{
	for (unsigned i = 0; i < ledger->finding_count; i++)
		if (ledger->findings[i].known != NULL &&
		    known_hit(&known, ledger->findings[i].signature))
			tell_known(&ledger->findings[i]);
}

/* Warnings: printed once for each rule by a process. */
static void note_warnings(const struct ledger *ledger)
{
	static uint64_t told[(RULE_COUNT + 63) / 64];

	for (unsigned i = 0; i < ledger->finding_count; i++) {
		const struct finding *f = &ledger->findings[i];

		if (f->known != NULL || finding_fails(f, &ledger->judging) ||
		    rule_is_in(told, f->rule))
			continue;
		told[f->rule / 64] |= 1ULL << f->rule % 64;
		fprintf(stderr, "vringer: warning: %s  # %s (%s, %s): %s\n", f->signature,
			rule_table[f->rule].id, severity_name(rule_table[f->rule].severity),
			rule_table[f->rule].clause, f->message);
	}
}

/* No finding: no engine is to keep the input. */
static void cannot_run(const char *name, const char *why) __attribute__((noreturn));

static void cannot_run(const char *name, const char *why)
{
	fprintf(stderr, "%s: cannot be run: %s\n", name, why);
	fflush(NULL);
	_exit(2);
}

static void open_session(const char *name)
{
	const struct target *target = target_find(name);
	struct text_error error;

	load_known();
	meter_open();
	int err = target != NULL ? run_open(&run, target, &error) : 0;

	if (target != NULL && err == 0) {
		judging = target_judging(
			target, (struct judging){ .no_ledger = without_ledger(), .known = &known });
		return;
	}
	if (err == -ENODEV)
		cannot_run(name, error.message);
	fprintf(stderr, "%s: no such target, or no memory for it\n", name);
	exit(2);
}

static const struct finding *failing(const struct ledger *ledger)
{
	for (unsigned i = 0; i < ledger->finding_count; i++)
		if (finding_fails(&ledger->findings[i], &ledger->judging))
			return &ledger->findings[i];
	return NULL;
}

int session_one(const char *name, const uint8_t *data, size_t size)
{
	struct run_options options = { .fatal = on_fatal };
	const struct finding *finding;
	bool stopped;

	if (run == NULL)
		open_session(name);
	options.judging = judging;
	meter_begin();
	if (binary_decode(&program, data, size, name, NULL) != 0)
		return -1;
	feedback_begin(&options);
	stopped = !run_program(run, &program, &options);
	meter_end(run, &program);
	if (run->unusable != NULL)
		cannot_run(name, run->unusable);
	note_known(&run->guest.ledger);
	note_warnings(&run->guest.ledger);
	finding = stopped ? failing(&run->guest.ledger) : NULL;
	if (finding != NULL)
		give_up(finding);
	return 0;
}

int session_explain(const char *name, const char *path)
{
	struct replay_options options = { .target = name,
					  .print_script = true,
					  .judging = { .no_ledger = without_ledger(),
						       .known = load_known() } };

	return replay_file(&options, path);
}
