/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Replay one file.  See replay.h.
 */
#include "harness/replay.h"
#include "harness/escape.h"
#include "harness/input.h"
#include "harness/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NOTHING_FOUND = 0, FOUND = 1, WRONG = 2 };

static void print_not_judged(const struct child_result *result)
{
	const char *separator = "not judged:";

	for (int i = 0; i < RULE_COUNT; i++) {
		if ((result->not_judged[i / 64] >> i % 64 & 1) == 0)
			continue;
		printf("%s %s", separator, rule_table[i].id);
		separator = ",";
	}
	if (*separator == ',')
		putchar('\n');
}

static void print_text(const struct replay_options *options, const char *path,
		       const struct child_job *job, const struct child_result *result,
		       const char *report)
{
	const struct finding *failing = child_finding(result, job);
	const struct finding *known = child_known(result);

	if (failing != NULL)
		report_finding(stdout, "", failing, job->script);
	report_notes(stdout, result, job);
	if (failing != NULL && failing->kind != FINDING_RULE && *report != '\0')
		printf("%s%s", report, report[strlen(report) - 1] == '\n' ? "" : "\n");
	if (result->failed_line != 0)
		report_failure(stdout, path, result, job->script);
	print_not_judged(result);
	report_disagreements(stdout, "", job->target);
	printf("%s: %s: %u operations, %llu chains returned: %s\n", path, job->target->name,
	       result->ops_run, (unsigned long long)result->completions,
	       failing != NULL		  ? failing->signature
	       : known != NULL		  ? "nothing but what is known"
	       : result->failed_line != 0 ? "does not show what the script demands"
					  : "nothing found");
	if (failing == NULL || options->verbose)
		return;
	report_next(stdout, job->target->name, path);
}

static void print_json(const char *path, const struct child_job *job,
		       const struct child_result *result)
{
	const char *separator = "";

	printf("{\"event\":\"result\",\"file\":");
	escape_json(stdout, path);
	printf(",\"target\":");
	escape_json(stdout, job->target->name);
	printf(",\"operations\":%u,\"chains\":%llu,\"passed\":%s", result->ops_run,
	       (unsigned long long)result->completions,
	       child_failed(result, job) ? "false" : "true");
	if (result->failed_line != 0) {
		printf(",\"line\":%u,\"message\":", result->failed_line);
		escape_json(stdout, result->failure);
	}
	putchar(',');
	report_result_json(stdout, result, job);
	printf(",\"not_judged\":[");
	for (int i = 0; i < RULE_COUNT; i++) {
		if ((result->not_judged[i / 64] >> i % 64 & 1) == 0)
			continue;
		printf("%s\"%s\"", separator, rule_table[i].id);
		separator = ",";
	}
	printf("],\"disagrees\":[");
	report_disagreements_json(stdout, "", job->target);
	printf("]}\n");
}

static int replay_script(const struct replay_options *options, const char *path,
			 const struct script *script, const struct target *target, char *report)
{
	struct report_trace trace = { .out = stdout, .script = script, .json = options->json };
	struct trace reader = { report_trace_event, &trace };
	struct child_job job = {
		.script = script,
		.target = target,
		.expect = !options->no_ledger,
		.strict = options->strict || target->strict,
		.limits = options->limits || target->limits,
		.no_ledger = options->no_ledger,
		.known = options->known,
		.leaks = true,
		.seconds = options->seconds,
		.trace = options->verbose ? &reader : NULL,
	};
	struct child_result result;
	int err;

	if (options->print_script && !options->json)
		text_print(stdout, &script->prog, script->slot_names);
	err = child_run(&job, &result, report);
	if (err != 0) {
		fprintf(stderr, "%s: no process to run it in: %s\n", path, strerror(-err));
		return WRONG;
	}
	if (options->json)
		print_json(path, &job, &result);
	else
		print_text(options, path, &job, &result, report);
	child_note_known(&result, options->known);
	return child_failed(&result, &job) ? FOUND : NOTHING_FOUND;
}

int replay_file(const struct replay_options *options, const char *path)
{
	struct script *script = calloc(1, sizeof(*script));
	char *report = malloc(CHILD_REPORT_MAX);
	const struct target *target;
	int status = WRONG;

	if (script == NULL || report == NULL)
		fprintf(stderr, "%s: %s\n", input_name(path), strerror(ENOMEM));
	else if (input_load(script, path, options->target, NULL) == 0) {
		target = input_target(script, path, options->target);
		if (target != NULL)
			status = replay_script(options, path, script, target, report);
	}
	free(report);
	free(script);
	return status;
}
