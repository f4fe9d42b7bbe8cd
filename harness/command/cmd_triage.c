/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * vringer triage: sort crash files by signature, print one line for each signature, and
 * shrink its smallest file to a script.
 *
 * The lines can be used as a list of known findings: the signature comes first,
 * everything else is behind a '#'.
 */
#include "harness/command/cmd.h"
#include "harness/files/escape.h"
#include "harness/files/output.h"
#include "harness/files/walk.h"
#include "harness/minimize/triage.h"

#include "harness/run/report.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct cmd_usage usage = {
	"FILE|DIR...",
	"toDXJSLNPKTR",
	"Run crash files, each in a process of its own, and print one line for each signature: "
	"the\n"
	"signature, the rule and clause or the kind of crash, the number of files, and the "
	"command\n"
	"that replays the smallest file.  With -o that file is shrunk, for at most 15 seconds (a\n"
	"minute in all), and written as DIR/SIGNATURE.vr; a script that somebody has edited stays\n"
	"as it is.  A directory stands for all files in it except *.vr, slow-unit-* and "
	"afl-fuzz's\n"
	"README.txt.  An invalid file is reported, and the others are sorted.  Exit status 1: "
	"there\n"
	"is a finding that is not known.",
	"10",
	false,
};

_Static_assert(TRIAGE_SECONDS == 10, "as the help says");

struct triage_cmd {
	struct cmd_options options;
	struct triage_options how;
	struct triage triage;
	struct walk walk;
	FILE *out;
	struct json json; /* to it */
	struct cmd_progress progress;
	const struct triage_group *shrinking; /* that a log has a line of */
	bool failed;			      /* an error was printed on stderr */
	size_t found, silent, expected;	      /* groups; inputs; inputs */
	bool interrupted;
};

static bool is_input(const char *name)
{
	size_t len = strlen(name);

	return strcmp(name, "README.txt") != 0 && (len < 3 || strcmp(name + len - 3, ".vr") != 0) &&
	       strstr(name, ".vr.tmp-") == NULL && strncmp(name, "slow-unit-", 10) != 0;
}

static void show_progress(struct triage_cmd *c, size_t done)
{
	cmd_progress_show(&c->progress, "triage: %zu of %zu files, %zu signatures", done,
			  c->walk.count, c->triage.count);
}

/* A log has a line as soon as a group's finding is seen again and shrinking begins. */
static void show_shrinking(void *ctx, const struct triage_group *group,
			   const struct minimize_progress *progress)
{
	struct triage_cmd *c = ctx;

	if (progress->candidates == 0 || (!c->progress.terminal && c->shrinking == group))
		return;
	if (c->shrinking != group)
		c->progress.wait = 0;
	c->shrinking = group;
	cmd_progress_show(&c->progress,
			  "triage: %zu of %zu signatures, %s: %u candidates, %u operations",
			  (size_t)(group - c->triage.groups) + 1, c->triage.count,
			  group->finding.signature, progress->candidates, progress->best->op_count);
}

/* The scripts in the output folder may be overwritten, so none may be an input. */
static int check_scripts(const struct triage_cmd *c, const char *dir)
{
	struct output_plan plan = { .inputs = { .count = 0 } };
	struct dirent *entry;
	DIR *folder = NULL;
	int err = 0;

	for (size_t i = 0; i < c->walk.count && err == 0; i++)
		err = output_plan_input(&plan, c->walk.paths[i]);
	if (err == 0 && c->options.known_path != NULL)
		err = output_plan_input(&plan, c->options.known_path);
	if (err == 0)
		folder = opendir(dir);
	while (folder != NULL && err == 0 && (entry = readdir(folder)) != NULL) {
		const size_t len = strlen(entry->d_name);
		char *path;

		if (len < 3 || strcmp(entry->d_name + len - 3, ".vr") != 0)
			continue;
		if (asprintf(&path, "%s/%s", dir, entry->d_name) < 0)
			path = NULL;
		err = path != NULL ? output_plan_meets(&plan, path) : -ENOMEM;
		free(path);
	}
	if (folder != NULL)
		closedir(folder);
	output_plan_release(&plan);
	return err;
}

/* Check the arguments before the work begins. */
static int prepare(struct triage_cmd *c)
{
	const char *output = c->options.output;

	for (int i = 0; i < c->options.file_count; i++)
		if (walk_add(&c->walk, c->options.files[i]) != 0)
			return STATUS_USAGE;
	if (output == NULL)
		return 0;
	return check_scripts(c, output) != 0 || output_folder(output) != 0 ? STATUS_USAGE : 0;
}

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

static void print_option(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s ", name);
	escape_word(out, value);
	fputc(' ', out);
}

/* The command that replays it.  A script names its target itself. */
static void print_replay(const struct triage_cmd *c, const struct triage_group *group)
{
	escape_word(c->out, program_invocation_name);
	fputs(" replay -v ", c->out);
	if (group->script == NULL || group->target->words != NULL) {
		report_target(c->out, group->target->name);
		fputc(' ', c->out);
	}
	if (transport_to_name(c->options.transport) != NULL)
		print_option(c->out, "--transport", c->options.transport->name);
	if (c->options.judging.no_ledger)
		fputs("--no-ledger ", c->out);
	if (c->options.judging.strict)
		fputs("--strict ", c->out);
	if (c->options.judging.limits)
		fputs("--limits ", c->out);
	if (c->options.judging.known != NULL)
		print_option(c->out, "--known", c->options.known_path);
	escape_word(c->out, group->script != NULL ? group->script : group->inputs[0].path);
	fputc('\n', c->out);
}

static void print_found(const struct triage_cmd *c, const struct triage_group *group)
{
	const struct finding *f = &group->finding;

	fprintf(c->out, "%s  # ", f->signature);
	if (f->kind == FINDING_RULE)
		fprintf(c->out, "%s (%s, %s)", rule_table[f->rule].id,
			severity_name(rule_table[f->rule].severity), rule_table[f->rule].clause);
	else
		fputs(finding_kind_name((enum finding_kind)f->kind), c->out);
	fprintf(c->out, ", %zu file%s", group->count, plural(group->count));
	if (group->script != NULL)
		fprintf(c->out, ", %s %u operation%s",
			group->kept	? "kept as somebody's edited script of"
			: group->shrunk ? "shrunk to"
					: "shrunk so far to",
			group->op_count, plural(group->op_count));
	fputs(": ", c->out);
	print_replay(c, group);
}

static void print_group(const struct triage_cmd *c, const struct triage_group *group)
{
	if (group->finding.kind == FINDING_NONE) {
		fprintf(c->out, "# no finding when run alone, %zu file%s: ", group->count,
			plural(group->count));
		print_replay(c, group);
		fputs("#   ", c->out);
		report_elsewhere(c->out, group->target->name, group->inputs[0].path);
		fputc('\n', c->out);
	} else if (group->finding.known == NULL) {
		print_found(c, group);
	}
	fflush(c->out);
}

static void print_group_json(struct triage_cmd *c, const struct triage_group *group)
{
	struct json *json = &c->json;

	json_object(json, NULL);
	json_string(json, "target", group->target->name);
	if (transport_to_name(c->options.transport) != NULL)
		json_string(json, "transport", transport_to_name(c->options.transport));
	json_array(json, "files");
	for (size_t i = 0; i < group->count; i++)
		json_string(json, NULL, group->inputs[i].path);
	json_array_end(json);
	if (group->finding.kind != FINDING_NONE)
		report_finding_json(json, "finding", &group->finding, NULL);
	if (group->script != NULL) {
		json_string(json, "script", group->script);
		json_number(json, "operations", group->op_count);
		json_bool(json, "shrunk", group->shrunk);
		json_bool(json, "kept", group->kept);
	}
	json_object_end(json);
}

static void print_warnings(const struct triage_cmd *c)
{
	for (size_t i = 0; i < c->triage.warning_count; i++) {
		const struct triage_warning *w = &c->triage.warnings[i];

		fprintf(c->out, "# warning: %s  # %s (%s, %s), %zu file%s: %s\n",
			w->finding.signature, rule_table[w->finding.rule].id,
			severity_name(rule_table[w->finding.rule].severity),
			rule_table[w->finding.rule].clause, w->count, plural(w->count), w->path);
	}
}

static void print_warnings_json(struct triage_cmd *c)
{
	struct json *json = &c->json;

	json_array(json, "warnings");
	for (size_t i = 0; i < c->triage.warning_count; i++) {
		const struct triage_warning *w = &c->triage.warnings[i];

		json_object(json, NULL);
		json_string(json, "target", w->target->name);
		json_number(json, "files", w->count);
		json_string(json, "file", w->path);
		report_finding_json(json, "finding", &w->finding, NULL);
		json_object_end(json);
	}
	json_array_end(json);
}

/* Files that are invalid, and files that cannot be read. */
static size_t refused(const struct triage_cmd *c)
{
	return c->walk.refused + c->triage.refused;
}

static void print_end_json(struct triage_cmd *c)
{
	struct json *json = &c->json;

	json_array_end(json);
	print_warnings_json(c);
	json_number(json, "files", c->triage.inputs);
	json_number(json, "refused", refused(c));
	json_bool(json, "interrupted", c->interrupted);
	known_report_json(json, "known", c->options.judging.known);
	json_object_end(json);
	json_end(json);
}

static void print_end(const struct triage_cmd *c)
{
	print_warnings(c);
	known_report(c->out, "# ", c->options.judging.known);
	fprintf(c->out, "# %zu file%s, %zu finding%s; known %zu, without a finding %zu",
		c->triage.inputs, plural(c->triage.inputs), c->found, plural(c->found), c->expected,
		c->silent);
	if (refused(c) > 0)
		fprintf(c->out, ", invalid %zu", refused(c));
	fputs(c->interrupted ? "; interrupted\n" : "\n", c->out);
}

static void count_group(struct triage_cmd *c, const struct triage_group *group)
{
	if (group->finding.kind == FINDING_NONE)
		c->silent += group->count;
	else if (group->finding.known != NULL)
		c->expected += group->count;
	else
		c->found++;
}

/* Shrink a group if that was asked for. */
static void work_on(struct triage_cmd *c, struct triage_group *group)
{
	if (c->options.output != NULL && group->finding.kind != FINDING_NONE &&
	    group->finding.known == NULL && triage_shrink(&c->triage, group) != 0)
		c->failed = true;
	cmd_progress_end(&c->progress);
	c->interrupted = c->interrupted || cmd_stop != 0;
}

/* Shrink and print each group in its turn. */
static void tell_groups(struct triage_cmd *c)
{
	struct triage *t = &c->triage;

	if (c->options.json) {
		c->json = json_open(c->out);
		json_object(&c->json, NULL);
		json_array(&c->json, "groups");
	}
	for (size_t i = 0; i < t->count; i++) {
		struct triage_group *group = &t->groups[i];

		count_group(c, group);
		work_on(c, group);
		if (c->options.json && i > 0)
			json_break(&c->json);
		if (c->options.json)
			print_group_json(c, group);
		else
			print_group(c, group);
		/* Delete nothing if the user ended it early. */
		if (c->options.keep != 0 && !c->interrupted && !c->failed &&
		    triage_prune(group, c->options.keep) != 0)
			c->failed = true;
	}
	if (c->options.json)
		print_end_json(c);
	else
		print_end(c);
}

/* Run all files.  If no process can be started, end with what is known so far. */
static void sort_files(struct triage_cmd *c)
{
	int err = 0;

	for (size_t i = 0; i < c->walk.count && err == 0; i++) {
		show_progress(c, i);
		err = triage_add(&c->triage, c->walk.paths[i]);
	}
	if (err == 0)
		err = triage_sort(&c->triage);
	else
		triage_sort(&c->triage);
	cmd_progress_end(&c->progress);
	c->interrupted = cmd_stop != 0;
	c->failed = err != 0 && err != -EINTR;
}

static int triage_all(struct triage_cmd *c)
{
	if (prepare(c) != 0)
		return STATUS_USAGE;
	cmd_progress_begin(&c->progress);
	sort_files(c);
	/* If all files were invalid, there is nothing to print. */
	if (c->triage.inputs > 0 || (refused(c) == 0 && !c->failed))
		tell_groups(c);
	if (refused(c) > 0 || c->failed)
		return STATUS_USAGE;
	return c->found > 0 || c->silent > 0 || c->interrupted ? STATUS_BROKEN : STATUS_OK;
}

/* Discard what the device prints on standard output: it would be mixed into the result. */
static int triage_quietly(struct triage_cmd *c)
{
	struct output_plan plan = { .inputs = { .count = 0 } };
	int out = output_plan_output(&plan, "-", "triage") == 0
			  ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
			  : -1;
	int nothing = -1;
	int status = STATUS_USAGE;

	output_plan_release(&plan);
	c->out = out >= 0 ? fdopen(out, "w") : NULL;
	if (c->out != NULL)
		nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (nothing >= 0)
		dup2(nothing, STDOUT_FILENO);
	if (c->out != NULL && nothing >= 0)
		status = triage_all(c);
	else if (!output_stdout_failed())
		fprintf(stderr, "(standard output): %s\n", strerror(errno));
	if (nothing >= 0)
		close(nothing);
	if (c->out == NULL)
		return status;
	errno = 0;
	if (fflush(c->out) != 0 || ferror(c->out)) {
		fprintf(stderr, "(standard output): cannot be written: %s\n",
			strerror(errno != 0 ? errno : EIO));
		status = STATUS_USAGE;
	}
	fclose(c->out);
	return status;
}

int cmd_triage(int argc, char **argv)
{
	struct triage_cmd c = { .walk = { .wanted = is_input, .once = true } };
	int status = cmd_parse(&c.options, &usage, argc, argv);

	if (status != 0)
		return status - 1;
	if (cmd_probe_chosen(argv[0], &c.options) != 0)
		return STATUS_USAGE;
	c.how = (struct triage_options){
		.target = c.options.target,
		.output = c.options.output,
		.transport = c.options.transport,
		.judging = c.options.judging,
		.seconds = c.options.seconds,
		.progress = show_shrinking,
		.ctx = &c,
		.stop = &cmd_stop,
	};
	if (triage_open(&c.triage, &c.how) != 0)
		return cmd_fail_host(argv[0], ENOMEM);
	cmd_catch_signals();
	status = triage_quietly(&c);
	triage_close(&c.triage);
	walk_release(&c.walk);
	return status;
}
