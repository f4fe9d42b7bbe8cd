/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * vringer run: run scripts and check their `>` lines.  Each gets the result that it
 * would have in a process of its own (batch.h).
 *
 * All scripts are read and parsed before the first one runs.  If one is invalid, one
 * line says so, nothing runs and the exit status is 2.  A script's header and operations
 * decide, before it runs, whether it can run on a target.  One that is about "the queue
 * under test" runs once for each queue, request and layout that there is (instance.h).
 */
#include "harness/command/cmd.h"
#include "harness/files/input.h"
#include "harness/files/output.h"
#include "harness/files/walk.h"
#include "harness/page/page.h"
#include "harness/run/batch.h"
#include "harness/run/instance.h"
#include "harness/run/load.h"
#include "harness/run/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct cmd_usage usage = {
	"[SCRIPT|DIR...]",
	"toDXA78JUHWCFSLNKTR",
	"Run scripts and print the results as TAP, JSON or JUnit XML.  A directory stands for all\n"
	"*.vr files in it.  -t TARGET selects the scripts for that device and for any device.  An\n"
	"installed vringer runs the installed conformance scripts when no file is given.",
	NULL,
	true,
};

/* The contents of a file.  It is read once, so what runs is what was checked. */
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
	struct page *page; /* NULL: none is wanted */
	struct batch *batch;
	struct script *script;
	const struct target *only[2]; /* of targets_of */
	struct instance instances[INSTANCES_MAX];
	struct cmd_progress progress;
	unsigned runs, done;
	char *report, *words; /* CHILD_REPORT_MAX bytes, CHILD_WORDS_MAX */
};

static int load(struct runner *r, size_t i, const struct script_binding *binding)
{
	const struct source *source = &r->sources[i];

	return load_decode_script(r->script, source->path, source->data, source->len, binding);
}

/* The targets that the loaded script is to be run on, ended by NULL: the one that it
 * names, a peer too; or, for any device, the one that -t names or all that are registered. */
static const struct target *const *targets_of(struct runner *r)
{
	const char *name = r->script->prog.target, *chosen = r->options.target;
	bool any = strcmp(name, "any") == 0;

	if (any && chosen == NULL)
		return target_all();
	r->only[0] = any || chosen == NULL || strcmp(name, chosen) == 0
			     ? target_find(any ? chosen : name)
			     : NULL;
	return r->only;
}

/* Many installed scripts are for devices that this program does not have. */
static bool is_for_others(const struct program *prog, const char *path)
{
	return strcmp(prog->target, "any") != 0 && target_find(prog->target) == NULL &&
	       scripts_are_installed(path);
}

static unsigned transport_count(const struct runner *r)
{
	unsigned count = 0;

	while (r->options.all_transports && transport_all[count] != NULL)
		count++;
	return r->options.all_transports ? count : 1;
}

/* The instances of the loaded script on one target, in the formats that are asked for; `all`:
 * with every request. */
static unsigned list_instances(struct runner *r, const struct target *target, bool all)
{
	unsigned count = instance_list(r->script, target, all, r->instances);

	if (r->options.instance.packed)
		instances_pack(r->instances, count);
	else if (!r->options.split && !r->options.brief)
		count = instances_add_packed(r->script, target, all, r->instances, count);
	return count;
}

/* How many of a long script are not run unless all requests are asked for. */
static unsigned count_left_out(struct runner *r, const struct target *target)
{
	if (r->options.all_requests || r->options.brief || !instance_is_long(r->script))
		return 0;
	return list_instances(r, target, true) - list_instances(r, target, false);
}

/* Parse all scripts before the first one runs, and count the runs: 0, or
 * STATUS_USAGE. */
static int plan(struct runner *r)
{
	int status = 0;

	r->runs = 0;
	for (size_t i = 0; i < r->walk.count; i++) {
		const struct program *prog = &r->script->prog;
		struct source *source = &r->sources[i];

		source->path = r->walk.paths[i];
		source->data = input_read(source->path, &source->len);
		if (source->data == NULL || load(r, i, NULL) != 0 ||
		    (strcmp(prog->target, "any") != 0 && !is_for_others(prog, source->path) &&
		     load_target(r->script, source->path, NULL) == NULL)) {
			status = STATUS_USAGE;
			continue;
		}
		for (const struct target *const *t = targets_of(r); *t != NULL; t++) {
			if (cmd_probe("run", *t) != 0)
				return STATUS_USAGE;
			r->runs += (r->options.brief
					    ? 1
					    : list_instances(r, *t, r->options.all_requests)) *
				   transport_count(r);
		}
	}
	return status;
}

static int run_one(struct runner *r, const struct source *source, const struct target *target,
		   const struct instance *instance, const struct transport *transport)
{
	struct child_job job = {
		.script = r->script,
		.path = input_name(source->path),
		.target = target,
		.transport = transport,
		.expect = !r->options.judging.no_ledger,
		.judging = target_judging(target, r->options.judging),
		.seconds = r->options.seconds,
		/* What a peer leaks, it leaks in a process of its own. */
		.leaks = (target->facts & FACT_HEAP) == 0 && target->words == NULL,
		.words = r->words,
	};
	struct child_result child;
	struct suite_result result = {
		.path = input_name(source->path),
		.target = target,
		.named = strcmp(r->script->prog.target, "any") == 0,
		.skip = instance_unmet(instance, r->script, target, transport),
		.instance = instance,
		.script = r->script,
		.job = &job,
		.child = &child,
		.report = r->report,
		.words = r->words,
	};
	int err = result.skip == NULL ? batch_run(r->batch, &job, &child, r->report) : 0;

	if (err != 0) {
		child_explain(source->path, job.target, err, &child);
		return STATUS_USAGE;
	}
	result.incomplete = result.skip == NULL && r->options.completes && child.completions == 0;
	suite_add(&r->suite, &result);
	if (r->page != NULL)
		page_add(r->page, &result, source->data);
	return 0;
}

/* Where the results go to a file nothing else is seen of it. */
static void show_progress(struct runner *r, const struct target *target)
{
	r->done++;
	if (r->options.output != NULL && strcmp(r->options.output, "-") != 0)
		cmd_progress_show(&r->progress, "run: %s: %u of %u, %u failed", target->name,
				  r->done, r->runs, r->suite.failed);
}

/* Load the script of that source as that instance. */
static int load_instance(struct runner *r, size_t i, const struct instance *instance)
{
	return instance->queue || instance->binding.ring != r->script->binding.ring
		       ? load(r, i, &instance->binding)
		       : 0;
}

/* One instance by each transport. */
static int run_instance(struct runner *r, size_t i, const struct target *target,
			const struct instance *instance)
{
	int status = load_instance(r, i, instance) != 0 ? STATUS_USAGE : 0;

	for (unsigned t = 0; t < transport_count(r) && status == 0; t++) {
		status = run_one(r, &r->sources[i], target, instance,
				 r->options.all_transports ? transport_all[t]
							   : r->options.transport);
		show_progress(r, target);
	}
	return status;
}

/* The first instance that can run; the first if none can. */
static unsigned first_possible(struct runner *r, size_t i, const struct target *target,
			       unsigned count)
{
	for (unsigned n = 0; n < count; n++)
		if (load_instance(r, i, &r->instances[n]) == 0 &&
		    instance_unmet(&r->instances[n], r->script, target, r->options.transport) ==
			    NULL)
			return n;
	return 0;
}

/* The instances of one script, which is loaded, on one target. */
static int run_instances(struct runner *r, size_t i, const struct target *target)
{
	unsigned left_out = count_left_out(r, target) * transport_count(r), first = 0;
	unsigned count = list_instances(r, target, r->options.all_requests);
	int status = 0;

	r->suite.left_out += left_out;

	if (r->options.brief) {
		first = first_possible(r, i, target, count);
		count = first + 1;
	}
	for (unsigned n = first; n < count && status == 0; n++)
		status = run_instance(r, i, target, &r->instances[n]);
	return status;
}

static int run_all(struct runner *r)
{
	int status = plan(r);

	if (status != 0)
		return status;
	suite_begin(&r->suite, r->runs);
	cmd_progress_begin(&r->progress);
	for (size_t i = 0; i < r->walk.count && status == 0; i++) {
		if (load(r, i, NULL) != 0)
			return STATUS_USAGE;
		for (const struct target *const *t = targets_of(r); *t != NULL && status == 0; t++)
			status = run_instances(r, i, *t);
	}
	cmd_progress_end(&r->progress);
	suite_end(&r->suite);
	if (r->suite.lost)
		status = STATUS_USAGE;
	if (status == 0 && r->page != NULL && page_write(r->page, &r->suite, r->options.html) != 0)
		status = STATUS_USAGE;
	return status != 0 ? status : r->suite.failed > 0 ? STATUS_BROKEN : STATUS_OK;
}

/* Write the results to their place.  A file is written whole or not at all. */
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

/* Of the results, if one is wanted: 0, or STATUS_USAGE. */
static int open_page(struct runner *r)
{
	if (r->options.html == NULL)
		return 0;
	if (page_open(&r->page) != 0)
		return cmd_fail_host("run", ENOMEM);
	return r->options.against != NULL && page_compare(r->page, r->options.against) != 0
		       ? STATUS_USAGE
		       : 0;
}

static int run_scripts(struct runner *r)
{
	char *installed = NULL;
	int status;

	if (r->options.file_count == 0 && scripts_folder() == NULL)
		return cmd_fail("run", "no file");
	if (r->options.file_count == 0) {
		installed = strdup(scripts_folder());
		status = installed != NULL ? cmd_find_scripts(&r->walk, &installed, 1)
					   : STATUS_USAGE;
	} else {
		status = cmd_find_scripts(&r->walk, r->options.files, r->options.file_count);
	}
	free(installed);
	if (status == 0)
		status = cmd_plan_outputs(&r->walk, &r->options);
	if (status != 0)
		return status;
	if (open_page(r) != 0)
		return STATUS_USAGE;
	r->sources = calloc(r->walk.count, sizeof(*r->sources));
	return r->sources != NULL ? run_to_output(r) : cmd_fail_host("run", ENOMEM);
}

static void release(struct runner *r)
{
	for (size_t i = 0; r->sources != NULL && i < r->walk.count; i++)
		free(r->sources[i].data);
	free(r->sources);
	walk_release(&r->walk);
	page_close(r->page);
	batch_close(r->batch);
	free(r->report);
	free(r->script);
}

int cmd_run(int argc, char **argv)
{
	struct runner r = { .walk = { .wanted = input_is_script, .deep = true } };
	int status = cmd_parse(&r.options, &usage, argc, argv);

	if (status != 0)
		return status - 1;
	if (r.options.json && r.options.junit)
		return cmd_fail(argv[0], "--json and --junit were both given, expected one of "
					 "them");
	if (r.options.split && r.options.instance.packed)
		return cmd_fail(argv[0], "--split and --packed were both given, expected one of "
					 "them");
	if (r.options.completes && r.options.judging.no_ledger)
		return cmd_fail(argv[0], "--completes and --no-ledger were both given, but only "
					 "the ledger counts chains");
	if (r.options.against != NULL && r.options.html == NULL)
		return cmd_fail(argv[0], "--against was given without --html, whose page compares");
	if (r.options.html != NULL && strcmp(r.options.html, "-") == 0)
		return cmd_fail(argv[0], "--html -: expected a file, the results go to standard "
					 "output");
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
