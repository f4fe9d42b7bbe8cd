/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * vringer run: run scripts with their `>` lines, each in a process of its own.
 *
 * Everything is read and parsed before anything is run: a script that is wrong
 * is exit status 2 and one line, and no result.  Whether a script can be run on
 * a target is decided from its header, before it runs.
 */
#include "harness/cmd.h"
#include "harness/input.h"
#include "harness/suite.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct cmd_usage usage = {
	"[SCRIPT|DIR...]",
	"toJUCSLNKT",
	"Run scripts, each in a process of its own; of a directory all *.vr in it.  TAP is "
	"printed\n"
	"unless JSON or JUnit XML is asked for; with -t only scripts for that target or any.\n"
	"With --no-ledger `>` lines demand nothing.  Without an argument: the installed "
	"conformance\n"
	"scripts.",
	NULL,
};

struct paths {
	char **list;
	size_t count, room;
};

struct runner {
	struct paths paths;
	struct cmd_options options;
	struct suite suite;
	struct script *script;
	char *report, *words; /* CHILD_REPORT_MAX bytes, CHILD_WORDS_MAX */
};

static int add_path(struct paths *paths, const char *path)
{
	if (paths->count == paths->room) {
		size_t room = paths->room != 0 ? 2 * paths->room : 64;
		char **list = realloc(paths->list, room * sizeof(*list));

		if (list == NULL)
			return -ENOMEM;
		paths->list = list;
		paths->room = room;
	}
	paths->list[paths->count] = strdup(path);
	return paths->list[paths->count++] != NULL ? 0 : -ENOMEM;
}

static int wanted(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' &&
	       (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN ||
		(len > 3 && strcmp(entry->d_name + len - 3, ".vr") == 0));
}

/* All scripts below `dir`, in the order of their names. */
static int add_directory(struct paths *paths, const char *dir)
{
	struct dirent **entries;
	int count = scandir(dir, &entries, wanted, alphasort);
	int err = count < 0 ? -errno : 0;

	for (int i = 0; i < count; i++) {
		char *path = NULL;
		struct stat st;

		if (err == 0 && asprintf(&path, "%s/%s", dir, entries[i]->d_name) < 0)
			err = -ENOMEM;
		if (err == 0 && stat(path, &st) != 0)
			err = -errno;
		else if (err == 0 && S_ISDIR(st.st_mode))
			err = add_directory(paths, path);
		else if (err == 0)
			err = add_path(paths, path);
		free(path);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return err;
}

static int add_argument(struct paths *paths, const char *path)
{
	size_t before = paths->count;
	struct stat st;
	int err;

	if (stat(path, &st) != 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return STATUS_USAGE;
	}
	err = S_ISDIR(st.st_mode) ? add_directory(paths, path) : add_path(paths, path);
	if (err != 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(-err));
		return STATUS_USAGE;
	}
	if (paths->count > before)
		return 0;
	fprintf(stderr, "%s: no script in it, expected *.vr\n", path);
	return STATUS_USAGE;
}

/* What can only be done to accesses that the device has made for it: to pointers
 * nothing happens.  Or to a device that has snapshots. */
static const char *unmet_op(const struct op *op, const struct target *target)
{
	unsigned facts = target->facts;
	bool told = (facts & FACT_ACCESS) != 0;

	if (op->code >= OP_SAVE && op->code <= OP_CUT)
		return target->restore != NULL ? NULL : "cannot be saved and restored";
	if (op->code == OP_RACE || op->code == OP_UNMAP)
		return told ? NULL : "races and holes are not for plain memory";
	if (op->code == OP_FAULT_ACCESS && op->value[2] != 0)
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
static const char *unmet_need(const struct script *script, const struct target *target)
{
	if (script->needs_queues > target->queue_count)
		return "needs more queues";
	if ((script->needs_features & ~target->features) != 0)
		return "needs features that are not offered";
	if (script->needs_model && !target->model)
		return "judges vringer's own models only";
	for (uint32_t i = 0; i < script->prog.op_count; i++)
		if (unmet_op(&script->prog.ops[i], target) != NULL)
			return unmet_op(&script->prog.ops[i], target);
	return NULL;
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
	for (size_t i = 0; i < r->paths.count; i++) {
		const struct program *prog = &r->script->prog;

		if (input_load_script(r->script, r->paths.list[i]) != 0 ||
		    (strcmp(prog->target, "any") != 0 && !is_for_others(prog, r->paths.list[i]) &&
		     input_target(prog, r->paths.list[i], NULL) == NULL)) {
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
		.expect = !r->options.no_ledger,
		.strict = r->options.strict || target->strict,
		.limits = r->options.limits || target->limits,
		.no_ledger = r->options.no_ledger,
		.known = r->options.known,
		.seconds = r->options.seconds,
		.leaks = (target->facts & FACT_HEAP) == 0,
		.words = r->words,
	};
	struct child_result child;
	struct suite_result result = {
		.path = path,
		.target = target,
		.named = strcmp(r->script->prog.target, "any") == 0,
		.skip = unmet_need(r->script, target),
		.script = r->script,
		.job = &job,
		.child = &child,
		.report = r->report,
		.words = r->words,
	};
	int err = result.skip == NULL ? child_run(&job, &child, r->report) : 0;

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
	for (size_t i = 0; i < r->paths.count && status == 0; i++) {
		if (input_load_script(r->script, r->paths.list[i]) != 0)
			return STATUS_USAGE;
		for (const struct target *const *t = target_all(); *t != NULL && status == 0; t++)
			if (is_for(r, *t))
				status = run_one(r, r->paths.list[i], *t);
	}
	suite_end(&r->suite);
	return status != 0 ? status : r->suite.failed > 0 ? STATUS_BROKEN : STATUS_OK;
}

/* Where the results go; whole or not at all if it is a file. */
static int run_to_output(struct runner *r)
{
	char *text = NULL;
	size_t len = 0;
	int status;

	r->suite.out = stdout;
	if (r->options.output == NULL)
		return run_all(r);
	r->suite.out = open_memstream(&text, &len);
	if (r->suite.out == NULL)
		return cmd_fail_host("run", ENOMEM);
	status = run_all(r);
	fclose(r->suite.out);
	if (status != STATUS_USAGE && output_write(r->options.output, text, len) != 0)
		status = STATUS_USAGE;
	free(text);
	return status;
}

int cmd_run(int argc, char **argv)
{
	struct runner r = { .script = NULL };
	int status = cmd_parse(&r.options, &usage, argc, argv);

	if (status != 0)
		return status - 1;
	if (r.options.json && r.options.junit)
		return cmd_fail(argv[0], "--json and --junit, expected one of them");
	if (r.options.completes && r.options.no_ledger)
		return cmd_fail(argv[0], "--completes and --no-ledger: the ledger counts chains");
	if (r.options.json)
		r.suite.format = SUITE_JSON;
	else if (r.options.junit)
		r.suite.format = SUITE_JUNIT;
	r.suite.known = r.options.known;
	r.script = calloc(1, sizeof(*r.script));
	r.report = malloc(CHILD_REPORT_MAX + CHILD_WORDS_MAX);
	if (r.script == NULL || r.report == NULL)
		status = cmd_fail_host(argv[0], ENOMEM);
	else
		r.words = r.report + CHILD_REPORT_MAX;
	for (int i = 0; r.options.output != NULL && i < r.options.file_count; i++)
		if (output_is_input(r.options.output, r.options.files[i]))
			status = STATUS_USAGE;
	if (r.options.file_count == 0 && scripts_folder() == NULL)
		status = cmd_fail(argv[0], "no file");
	else if (r.options.file_count == 0 && status == 0)
		status = add_argument(&r.paths, scripts_folder());
	for (int i = 0; i < r.options.file_count && status == 0; i++)
		status = add_argument(&r.paths, r.options.files[i]);
	if (status == 0)
		status = run_to_output(&r);
	for (size_t i = 0; i < r.paths.count; i++)
		free(r.paths.list[i]);
	free(r.paths.list);
	free(r.report);
	free(r.script);
	return status;
}
