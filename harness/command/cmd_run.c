/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * vringer run: run scripts with their `>` lines, as if each had a process of its
 * own (batch.h).
 *
 * Everything is read, once, and parsed before anything is run: a script that is
 * wrong is exit status 2 and one line, and no result.  Whether a script can be run on
 * a target is decided from its header, before it runs.
 */
#include "harness/command/cmd.h"
#include "harness/files/input.h"
#include "harness/files/output.h"
#include "harness/files/walk.h"
#include "harness/run/batch.h"
#include "harness/run/load.h"
#include "harness/run/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct cmd_usage usage = {
	"[SCRIPT|DIR...]",
	"toJUCSLNKTR",
	"Run scripts, each as if in a process of its own; of a directory all *.vr in it.  TAP is "
	"printed\n"
	"unless JSON or JUnit XML is asked for; with -t only scripts for that target or any.\n"
	"With --no-ledger `>` lines demand nothing.  Without an argument: the installed "
	"conformance\n"
	"scripts.",
	NULL,
};

/* What a file holds: it is read once, and what was checked is what is run. */
struct source {
	const char *path;
	char *data;
	size_t len;
};

struct runner {
	struct walk walk;
	struct source *sources; /* of walk.paths */
	struct cmd_options options;
	struct suite suite;
	struct batch *batch;
	struct script *script;
	char *report, *words; /* CHILD_REPORT_MAX bytes, CHILD_WORDS_MAX */
};

static bool is_script(const char *name)
{
	size_t len = strlen(name);

	return len > 3 && strcmp(name + len - 3, ".vr") == 0;
}

/* Scripts that the arguments name: 0, or STATUS_USAGE if any of it is wrong. */
static int find_scripts(struct runner *r, char *const *paths, int count)
{
	int status = 0;

	for (int i = 0; i < count; i++) {
		size_t before = r->walk.count, refused = r->walk.refused;

		if (walk_add(&r->walk, paths[i]) != 0)
			return STATUS_USAGE;
		if (r->walk.count > before || r->walk.refused > refused)
			continue;
		fprintf(stderr, "%s: no script in it, expected *.vr\n", paths[i]);
		status = STATUS_USAGE;
	}
	return r->walk.refused > 0 ? STATUS_USAGE : status;
}

/* Where the results go takes the place of nothing that is read. */
static int check_output(const struct runner *r)
{
	struct output_plan plan = { .inputs = { .count = 0 } };
	const char *known = r->options.known_path, *output = r->options.output;
	int err = 0;

	for (size_t i = 0; i < r->walk.count && err == 0; i++)
		err = output_plan_input(&plan, r->walk.paths[i]);
	if (err == 0 && known != NULL)
		err = output_plan_input(&plan, known);
	if (err == 0)
		err = output_plan_output(&plan, output != NULL ? output : "-", "run");
	output_plan_release(&plan);
	return err != 0 ? STATUS_USAGE : 0;
}

static int load(struct runner *r, size_t i)
{
	const struct source *source = &r->sources[i];

	return load_decode_script(r->script, source->path, source->data, source->len);
}

/* What can only be done to accesses that the device has made for it: to pointers
 * nothing happens.  Or to a device that has snapshots. */
static const char *unmet_op(const struct op *op, const struct target *target)
{
	unsigned facts = target->facts;
	bool told = (facts & FACT_ACCESS) != 0;

	if (op->code >= OP_SAVE && op->code <= OP_CUT)
		return target->restore != NULL ? NULL : "cannot be saved and restored";
	if (op->code == OP_RACE || op->code == OP_RACE_WRITE || op->code == OP_UNMAP)
		return told ? NULL : "races and holes are not for plain memory";
	if (op->code == OP_FAULT_ACCESS && op->value[FAULT_ACCESS_PURPOSE] != 0)
		return (facts & FACT_PURPOSE) != 0 ? NULL
						   : "needs the purpose of accesses to be told";
	if (op->code == OP_FAULT_ACCESS)
		return told ? NULL : "plain memory has no accesses that fail";
	if (op->code == OP_FAULT_ALLOC)
		return (facts & FACT_HEAP) != 0 ? NULL
						: "needs all memory to come from host->alloc";
	return NULL;
}

/* Why the script is not for that target; NULL if it is. */
static const char *unmet_need(const struct script *script, const struct target *target,
			      const struct transport *transport)
{
	uint32_t line;

	if (script->needs_queues > target->queue_count)
		return "needs more queues";
	if ((script->needs_features & ~target->features) != 0)
		return "needs features that are not offered";
	if (script->needs_model && !target->model)
		return "judges vringer's own models only";
	for (uint32_t i = 0; i < script->prog.op_count; i++)
		if (unmet_op(&script->prog.ops[i], target) != NULL)
			return unmet_op(&script->prog.ops[i], target);
	return transport_unmet(transport, target, script, &line);
}

/* Is the script, which is loaded, to be run on that target at all? */
static bool is_for(const struct runner *r, const struct target *target)
{
	const char *name = r->script->prog.target;

	if (r->options.target != NULL && strcmp(r->options.target, target->name) != 0)
		return false;
	return strcmp(name, "any") == 0 || strcmp(name, target->name) == 0;
}

/* Is the file in the folder, however the two are spelled? */
static bool is_below(const char *path, const char *folder)
{
	char *file = realpath(path, NULL), *dir = realpath(folder, NULL);
	size_t len = dir != NULL ? strlen(dir) : 0;
	bool below = file != NULL && dir != NULL && strncmp(file, dir, len) == 0 &&
		     (file[len] == '/' || (len > 0 && dir[len - 1] == '/'));

	free(file);
	free(dir);
	return below;
}

/* Of the installed scripts many are for devices that this program has not. */
static bool is_for_others(const struct program *prog, const char *path)
{
	const char *folder = scripts_folder();

	return strcmp(prog->target, "any") != 0 && target_find(prog->target) == NULL &&
	       folder != NULL && is_below(path, folder);
}

/* Parse everything before anything is run: 0 with the number of runs, or
 * STATUS_USAGE. */
static int plan(struct runner *r, unsigned *runs)
{
	int status = 0;

	*runs = 0;
	for (size_t i = 0; i < r->walk.count; i++) {
		const struct program *prog = &r->script->prog;
		struct source *source = &r->sources[i];

		source->path = r->walk.paths[i];
		source->data = input_read(source->path, &source->len);
		if (source->data == NULL || load(r, i) != 0 ||
		    (strcmp(prog->target, "any") != 0 && !is_for_others(prog, source->path) &&
		     load_target(r->script, source->path, NULL) == NULL)) {
			status = STATUS_USAGE;
			continue;
		}
		for (const struct target *const *t = target_all(); *t != NULL; t++)
			*runs += is_for(r, *t);
	}
	return status;
}

static int run_one(struct runner *r, const char *path, const struct target *target)
{
	struct child_job job = {
		.script = r->script,
		.target = target,
		.transport = r->options.transport,
		.expect = !r->options.judging.no_ledger,
		.judging = target_judging(target, r->options.judging),
		.seconds = r->options.seconds,
		.leaks = (target->facts & FACT_HEAP) == 0,
		.words = r->words,
	};
	struct child_result child;
	struct suite_result result = {
		.path = input_name(path),
		.target = target,
		.named = strcmp(r->script->prog.target, "any") == 0,
		.skip = unmet_need(r->script, target, r->options.transport),
		.script = r->script,
		.job = &job,
		.child = &child,
		.report = r->report,
		.words = r->words,
	};
	int err = result.skip == NULL ? batch_run(r->batch, &job, &child, r->report) : 0;

	if (err != 0) {
		child_explain(path, job.target, err, &child);
		return STATUS_USAGE;
	}
	result.incomplete = result.skip == NULL && r->options.completes && child.completions == 0;
	suite_add(&r->suite, &result);
	return 0;
}

static int run_all(struct runner *r)
{
	unsigned runs;
	int status = plan(r, &runs);

	if (status != 0)
		return status;
	suite_begin(&r->suite, runs);
	for (size_t i = 0; i < r->walk.count && status == 0; i++) {
		if (load(r, i) != 0)
			return STATUS_USAGE;
		for (const struct target *const *t = target_all(); *t != NULL && status == 0; t++)
			if (is_for(r, *t))
				status = run_one(r, r->sources[i].path, *t);
	}
	suite_end(&r->suite);
	return status != 0 ? status : r->suite.failed > 0 ? STATUS_BROKEN : STATUS_OK;
}

/* Where the results go; whole or not at all if it is a file. */
static int run_to_output(struct runner *r)
{
	size_t len;
	char *text;
	int status;

	r->suite.out = stdout;
	if (r->options.output == NULL)
		return run_all(r);
	r->suite.out = output_text_open(&text, &len);
	if (r->suite.out == NULL)
		return cmd_fail_host("run", ENOMEM);
	status = run_all(r);
	if (output_text_close(r->suite.out, &text) != 0)
		return STATUS_USAGE;
	if (status != STATUS_USAGE && output_write(r->options.output, text, len) != 0)
		status = STATUS_USAGE;
	free(text);
	return status;
}

static int run_scripts(struct runner *r)
{
	char *installed = NULL;
	int status;

	if (r->options.file_count == 0 && scripts_folder() == NULL)
		return cmd_fail("run", "no file");
	if (r->options.file_count == 0) {
		installed = strdup(scripts_folder());
		status = installed != NULL ? find_scripts(r, &installed, 1) : STATUS_USAGE;
	} else {
		status = find_scripts(r, r->options.files, r->options.file_count);
	}
	free(installed);
	if (status == 0)
		status = check_output(r);
	if (status != 0)
		return status;
	r->sources = calloc(r->walk.count, sizeof(*r->sources));
	return r->sources != NULL ? run_to_output(r) : cmd_fail_host("run", ENOMEM);
}

static void release(struct runner *r)
{
	for (size_t i = 0; r->sources != NULL && i < r->walk.count; i++)
		free(r->sources[i].data);
	free(r->sources);
	walk_release(&r->walk);
	batch_close(r->batch);
	free(r->report);
	free(r->script);
}

int cmd_run(int argc, char **argv)
{
	struct runner r = { .walk = { .wanted = is_script, .deep = true } };
	int status = cmd_parse(&r.options, &usage, argc, argv);

	if (status != 0)
		return status - 1;
	if (r.options.json && r.options.junit)
		return cmd_fail(argv[0], "--json and --junit, expected one of them");
	if (r.options.completes && r.options.judging.no_ledger)
		return cmd_fail(argv[0], "--completes and --no-ledger: the ledger counts chains");
	if (r.options.json)
		r.suite.format = SUITE_JSON;
	else if (r.options.junit)
		r.suite.format = SUITE_JUNIT;
	r.suite.known = r.options.judging.known;
	r.script = calloc(1, sizeof(*r.script));
	r.report = malloc(CHILD_REPORT_MAX + CHILD_WORDS_MAX);
	if (r.script == NULL || r.report == NULL || batch_open(&r.batch) != 0) {
		status = cmd_fail_host(argv[0], ENOMEM);
	} else {
		r.words = r.report + CHILD_REPORT_MAX;
		status = run_scripts(&r);
	}
	release(&r);
	return status;
}
