/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * vringer triage: sort crash files by signature, one line each, and shrink the
 * smallest of each to a script.
 *
 * A line is one of a list of known findings as it stands: the signature, and
 * all else behind a '#'.
 */
#include "harness/cmd.h"
#include "harness/input.h"
#include "harness/report.h"
#include "harness/triage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct cmd_usage usage = {
	"FILE|DIR...",
	"toJSLNPKT",
	"Run crash files, each in a process of its own, and print those that show the same as one\n"
	"line: signature, rule and clause or kind, how many, the command that replays the "
	"smallest.\n"
	"With -o that one is shrunk, for at most 15 seconds (a minute for all), and written as\n"
	"DIR/SIGNATURE.vr.  Of a directory every file is taken but *.vr, slow-unit-* and\n"
	"README.txt, which afl-fuzz puts there.\n"
	"Exit status 1: something was found that is not known.",
	"10",
};

_Static_assert(TRIAGE_SECONDS == 10, "as the help says");

struct triage_cmd {
	struct cmd_options options;
	struct triage_options how;
	struct triage triage;
	FILE *out;
	size_t found, silent, expected; /* groups; inputs; inputs */
	bool interrupted;
};

static int wanted(const struct dirent *entry)
{
	const char *name = entry->d_name;
	size_t len = strlen(name);

	return name[0] != '.' && strcmp(name, "README.txt") != 0 &&
	       (len < 3 || strcmp(name + len - 3, ".vr") != 0) &&
	       strstr(name, ".vr.tmp-") == NULL && strncmp(name, "slow-unit-", 10) != 0;
}

static int add_file(struct triage_cmd *c, const char *path)
{
	int err = triage_add(&c->triage, path);

	if (err == -EINTR)
		c->interrupted = true;
	return err == 0 || err == -EINTR ? 0 : STATUS_USAGE;
}

static int add_directory(struct triage_cmd *c, const char *dir)
{
	struct dirent **entries;
	int count = scandir(dir, &entries, wanted, alphasort);
	int status = count < 0 ? STATUS_USAGE : 0;

	if (count < 0)
		fprintf(stderr, "%s: %s\n", dir, strerror(errno));
	for (int i = 0; i < count; i++) {
		size_t len = strlen(dir);
		char *path = NULL;
		struct stat st;

		if (asprintf(&path, "%.*s/%s", (int)(len - (len > 1 && dir[len - 1] == '/')), dir,
			     entries[i]->d_name) < 0)
			path = NULL;
		if (path == NULL)
			status = cmd_fail_host("triage", ENOMEM);
		else if (status == 0 && !c->interrupted &&
			 (stat(path, &st) != 0 || S_ISREG(st.st_mode)))
			status = add_file(c, path);
		free(path);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return status;
}

static int add_argument(struct triage_cmd *c, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return add_directory(c, path);
	return add_file(c, path);
}

/* The folder for scripts, made if it is not there. */
static int check_output(const char *dir)
{
	struct stat st;

	if (mkdir(dir, 0777) != 0 && errno != EEXIST) {
		fprintf(stderr, "%s: cannot be made: %s\n", dir, strerror(errno));
		return STATUS_USAGE;
	}
	if (stat(dir, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	fprintf(stderr, "%s: is no directory, expected one\n", dir);
	return STATUS_USAGE;
}

/* A word of a command line. */
static void print_word(FILE *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789%+,-./:=@_";

	if (*word != '\0' && word[strspn(word, plain)] == '\0') {
		fputs(word, out);
		return;
	}
	fputc('\'', out);
	for (; *word != '\0'; word++)
		fputs(*word == '\'' ? "'\\''" : (char[]){ *word, '\0' }, out);
	fputc('\'', out);
}

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

/* How to see it again.  A script names its target itself. */
static void print_replay(const struct triage_cmd *c, const struct triage_group *group)
{
	print_word(c->out, program_invocation_name);
	fputs(" replay -v ", c->out);
	if (group->script == NULL)
		fprintf(c->out, "-t %s ", group->target->name);
	if (c->options.no_ledger)
		fputs("--no-ledger ", c->out);
	if (c->options.strict)
		fputs("--strict ", c->out);
	if (c->options.limits)
		fputs("--limits ", c->out);
	if (c->options.known != NULL) {
		fputs("--known ", c->out);
		print_word(c->out, c->options.known_path);
		fputc(' ', c->out);
	}
	print_word(c->out, group->script != NULL ? group->script : group->inputs[0].path);
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
		fprintf(c->out, ", shrunk%s to %u operation%s", group->shrunk ? "" : " so far",
			group->op_count, plural(group->op_count));
	fputs(": ", c->out);
	print_replay(c, group);
}

static void print_group(const struct triage_cmd *c, const struct triage_group *group)
{
	if (group->finding.kind == FINDING_NONE) {
		fprintf(c->out,
			"# nothing shows in a process of its own, %zu file%s: ", group->count,
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

static void print_group_json(const struct triage_cmd *c, const struct triage_group *group,
			     const char *separator)
{
	fprintf(c->out, "%s{\"target\":\"%s\",\"files\":[", separator, group->target->name);
	for (size_t i = 0; i < group->count; i++) {
		fputs(i > 0 ? "," : "", c->out);
		report_string(c->out, group->inputs[i].path);
	}
	fputc(']', c->out);
	if (group->finding.kind != FINDING_NONE) {
		fputs(",\"finding\":", c->out);
		report_finding_json(c->out, &group->finding, NULL);
	}
	if (group->script != NULL) {
		fputs(",\"script\":", c->out);
		report_string(c->out, group->script);
		fprintf(c->out, ",\"operations\":%u,\"shrunk\":%s", group->op_count,
			group->shrunk ? "true" : "false");
	}
	fputc('}', c->out);
}

static void print_end(const struct triage_cmd *c)
{
	if (c->options.json) {
		fprintf(c->out, "],\"files\":%zu,\"interrupted\":%s,\"known\":", c->triage.inputs,
			c->interrupted ? "true" : "false");
		known_report_json(c->out, c->options.known);
		fputs("}\n", c->out);
		return;
	}
	known_report(c->out, "# ", c->options.known);
	fprintf(c->out, "# %zu file%s, %zu finding%s; known %zu, showing nothing %zu%s\n",
		c->triage.inputs, plural(c->triage.inputs), c->found, plural(c->found), c->expected,
		c->silent, c->interrupted ? "; interrupted" : "");
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

/* Shrink and print each group in its turn. */
static int tell_groups(struct triage_cmd *c)
{
	struct triage *t = &c->triage;
	int err = 0;

	triage_sort(t);
	if (c->options.json)
		fputs("{\"groups\":[", c->out);
	for (size_t i = 0; i < t->count && err == 0; i++) {
		struct triage_group *group = &t->groups[i];

		count_group(c, group);
		if (c->options.output != NULL && group->finding.kind != FINDING_NONE &&
		    group->finding.known == NULL)
			err = triage_shrink(t, group);
		if (c->options.json)
			print_group_json(c, group, i > 0 ? ",\n" : "");
		else
			print_group(c, group);
		if (err == 0 && c->options.keep != 0)
			err = triage_prune(group, c->options.keep);
	}
	c->interrupted = c->interrupted || cmd_stop != 0;
	print_end(c);
	return err != 0 ? STATUS_USAGE : 0;
}

static int triage_all(struct triage_cmd *c)
{
	int status = c->options.output != NULL ? check_output(c->options.output) : 0;

	for (int i = 0; i < c->options.file_count && status == 0 && !c->interrupted; i++)
		status = add_argument(c, c->options.files[i]);
	if (status == 0)
		status = tell_groups(c);
	if (status == 0 && (c->found > 0 || c->silent > 0 || c->interrupted))
		status = STATUS_BROKEN;
	return status;
}

/* The device's own standard output is thrown away: ours is for the result. */
static int triage_quietly(struct triage_cmd *c)
{
	int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3), nothing = -1;
	int status = STATUS_USAGE;

	c->out = out >= 0 ? fdopen(out, "w") : NULL;
	if (c->out != NULL)
		nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (nothing >= 0)
		dup2(nothing, STDOUT_FILENO);
	if (c->out != NULL && nothing >= 0)
		status = triage_all(c);
	else
		cmd_fail_host("triage", errno);
	if (nothing >= 0)
		close(nothing);
	if (c->out != NULL && fclose(c->out) != 0) {
		fprintf(stderr, "vringer: standard output: %s\n", strerror(errno));
		status = STATUS_USAGE;
	}
	return status;
}

int cmd_triage(int argc, char **argv)
{
	struct triage_cmd c = { .out = NULL };
	int status = cmd_parse(&c.options, &usage, argc, argv);

	if (status != 0)
		return status - 1;
	c.how = (struct triage_options){
		.target = c.options.target,
		.output = c.options.output,
		.strict = c.options.strict,
		.limits = c.options.limits,
		.no_ledger = c.options.no_ledger,
		.known = c.options.known,
		.seconds = c.options.seconds,
		.stop = &cmd_stop,
	};
	if (triage_open(&c.triage, &c.how) != 0)
		return cmd_fail_host(argv[0], ENOMEM);
	cmd_catch_signals();
	status = triage_quietly(&c);
	triage_close(&c.triage);
	return status;
}
