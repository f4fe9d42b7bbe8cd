/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * vringer minimize: shrink a crash file or script as far as its finding stays the same,
 * and write the result as a script for corpus/TARGET/regressions/.
 *
 * Progress goes to stderr: on a terminal it updates one line; elsewhere it prints a
 * line for each phase of the first round and then at most one a second.  SIGINT, SIGTERM
 * and SIGHUP end it; the best result so far is written.
 */
#include "harness/command/cmd.h"
#include "harness/files/input.h"
#include "harness/files/output.h"
#include "harness/minimize/minimize.h"
#include "harness/program/binary.h"
#include "harness/run/load.h"
#include "harness/run/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct cmd_usage usage = {
	"FILE",
	"toDXQEI7SLNKTR",
	"Shrink a crash file or script, keep its finding, and print it as a script.  Ctrl-C ends\n"
	"it and prints the best result so far.",
	"20; for a candidate 2, or 5 if the finding is no hang",
	false,
};

_Static_assert(CHILD_SECONDS == 20 && MINIMIZE_SECONDS == 2, "as the help says");

#define FIRST_PHASES 5u /* lines of a log that may follow each other within a second */

struct minimize_cmd {
	struct cmd_options options;
	const char *path;
	struct script *script;
	const struct target *target;
	bool text; /* the input is a script */
	uint32_t ops_before;
	long bytes_before;

	/* What was last shown. */
	bool terminal;
	const char *phase;
	unsigned lines;
	struct timespec shown;
};

/* The size of a program in binary form, without magic. */
static long size_of(const struct program *prog)
{
	static uint8_t bytes[BINARY_SIZE_MAX];

	return binary_encode(prog, bytes, sizeof(bytes), false);
}

static double since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - then->tv_sec) + (double)(now.tv_nsec - then->tv_nsec) * 1e-9;
}

static void show_progress(void *ctx, const struct minimize_progress *progress)
{
	struct minimize_cmd *c = ctx;
	bool fresh = progress->phase != c->phase && c->lines < FIRST_PHASES;

	/* If there is no finding, a log has only the line that says so. */
	if (progress->candidates == 0 && !c->terminal)
		return;
	if (!fresh && since(&c->shown) < (c->terminal ? 0.1 : 1.0))
		return;
	fprintf(stderr, "%s%s: %u candidates, %u operations, %ld bytes%s",
		c->terminal ? "\r\033[Kminimize: " : "minimize: ", progress->phase,
		progress->candidates, progress->best->op_count, size_of(progress->best),
		c->terminal ? "" : "\n");
	fflush(stderr);
	c->phase = progress->phase;
	c->lines++;
	clock_gettime(CLOCK_MONOTONIC, &c->shown);
}

/* Check the output before minutes of work, not after them. */
static int check_output(const struct minimize_cmd *c)
{
	struct output_plan plan = { .inputs = { .count = 0 } };
	const char *known = c->options.known_path, *output = c->options.output;
	int err = output_plan_input(&plan, c->path);

	if (err == 0 && known != NULL)
		err = output_plan_input(&plan, known);
	if (err == 0)
		err = output_plan_output(&plan, output != NULL ? output : "-", c->path);
	output_plan_release(&plan);
	return err != 0 ? STATUS_USAGE : 0;
}

/* Warnings of the input.  The result keeps the finding, but need not keep them. */
static void show_warnings(const struct minimize_cmd *c, const struct child_result *input)
{
	const struct judging judging = target_judging(c->target, c->options.judging);

	for (unsigned i = 0; i < input->finding_count; i++) {
		const struct finding *f = &input->findings[i];

		if (f->known == NULL && !finding_fails(f, &judging))
			fprintf(stderr, "%s: warning: %s: %s\n", c->path, f->signature, f->message);
	}
}

static void fail_nothing(const struct minimize_cmd *c)
{
	fprintf(stderr, "%s: no finding%s on %s, nothing to minimise (", c->path,
		c->options.judging.known != NULL ? " that is not known" : "", c->target->name);
	if (c->text)
		fputs("'>' lines are not checked here", stderr);
	else
		report_elsewhere(stderr, c->target->name, c->path);
	fputs(")\n", stderr);
}

static int fail(const struct minimize_cmd *c, const struct minimize_result *result, int err)
{
	if (err == -ENOENT)
		fail_nothing(c);
	else if (err == -ESTALE)
		fprintf(stderr, "%s: its runs differ: first %s, then %s\n", c->path,
			result->finding.signature,
			result->other.kind != FINDING_NONE ? result->other.signature : "nothing");
	else if (err == -EINTR)
		fprintf(stderr, "%s: interrupted before a finding was seen\n", c->path);
	else
		child_explain(c->path, c->target, err, &result->last);
	return STATUS_USAGE;
}

static void summarise(const struct minimize_cmd *c, const struct minimize_result *result)
{
	fprintf(stderr, "%s: %u operations, %ld bytes (before: %u, %ld), %u candidates: %s\n",
		c->path, c->script->prog.op_count, size_of(&c->script->prog), c->ops_before,
		c->bytes_before, result->candidates, result->finding.signature);
	if (result->ended == -EINTR)
		fprintf(stderr, "%s: interrupted, this is the best result so far\n", c->path);
	else if (result->ended == -ENOSPC)
		fprintf(stderr, "%s: ended after %u candidates, this is the best result so far\n",
			c->path, result->candidates);
	else if (result->ended != 0)
		fprintf(stderr,
			"%s: cannot start another process (%s), this is the best result "
			"so far\n",
			c->path, strerror(-result->ended));
}

static int write_result(const struct minimize_cmd *c, const struct minimize_result *result)
{
	size_t len;
	char *text;
	FILE *out = output_text_open(&text, &len);
	int err;

	if (out == NULL)
		return cmd_fail_host("minimize", ENOMEM);
	minimize_print(out, c->script, &result->finding, c->options.transport);
	err = output_text_close(out, &text);
	if (err == 0)
		err = output_write(c->options.output != NULL ? c->options.output : "-", text, len);
	free(text);
	return err != 0 ? STATUS_USAGE : STATUS_OK;
}

/* Minimise, and discard what the device prints on standard output: it would be mixed
 * into the result, once for each of hundreds of runs. */
static int minimize_quietly(struct minimize_cmd *c, struct minimize_result *result)
{
	const struct minimize_options options = {
		.target = c->target,
		.transport = c->options.transport,
		.judging = target_judging(c->target, c->options.judging),
		.seconds = c->options.seconds,
		.stop = &cmd_stop,
		.progress = show_progress,
		.ctx = c,
	};
	int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int err;

	if (nothing >= 0)
		dup2(nothing, STDOUT_FILENO);
	err = minimize_script(c->script, &options, result);
	if (out >= 0)
		dup2(out, STDOUT_FILENO);
	if (nothing >= 0)
		close(nothing);
	if (out >= 0)
		close(out);
	return err;
}

static int minimize_file(struct minimize_cmd *c)
{
	struct minimize_result result;
	int err;

	if (check_output(c) != 0 || load_program_as(c->script, c->path, c->options.target,
						    &c->options.instance, &c->text) != 0)
		return STATUS_USAGE;
	c->target = load_target(c->script, c->path, c->options.target);
	if (c->target == NULL ||
	    load_fits(c->script, c->path, c->target, c->options.transport) != 0)
		return STATUS_USAGE;
	c->path = input_name(c->path);
	c->ops_before = c->script->prog.op_count;
	c->bytes_before = size_of(&c->script->prog);
	cmd_catch_signals();
	result.input.finding_count = 0;
	err = minimize_quietly(c, &result);
	if (c->terminal)
		fputs("\r\033[K", stderr);
	show_warnings(c, &result.input);
	if (err != 0)
		return fail(c, &result, err);
	summarise(c, &result);
	return write_result(c, &result);
}

int cmd_minimize(int argc, char **argv)
{
	struct minimize_cmd c = { .terminal = isatty(STDERR_FILENO) == 1 };
	int status = cmd_parse(&c.options, &usage, argc, argv);

	if (status != 0)
		return status - 1;
	if (cmd_probe_chosen(argv[0], &c.options) != 0)
		return STATUS_USAGE;
	if (c.options.file_count > 1)
		return cmd_fail(argv[0], "several files, expected one");
	c.path = c.options.files[0];
	c.script = calloc(1, sizeof(*c.script));
	if (c.script == NULL)
		return cmd_fail_host(argv[0], ENOMEM);
	status = minimize_file(&c);
	free(c.script);
	return status;
}
