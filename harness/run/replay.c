/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Replay one file.  See replay.h.
 */
#include "harness/run/replay.h"
#include "harness/files/input.h"
#include "harness/run/load.h"
#include "harness/run/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { NOTHING_FOUND = 0, FOUND = 1, WRONG = 2 };

static void print_text(const struct replay_options *options, const char *path,
		       const struct child_job *job, const struct child_result *result,
		       const char *report, bool text)
{
	const struct finding *failing = child_finding(result, job);
	const struct finding *known = child_known(result);
	const char *transport = transport_to_name(job->transport);

	report_words(stdout, "", job->words);
	if (failing != NULL)
		report_finding(stdout, "", failing, job->script);
	report_notes(stdout, result, job);
	if (failing != NULL && failing->kind != FINDING_RULE && *report != '\0')
		printf("%s%s", report, report[strlen(report) - 1] == '\n' ? "" : "\n");
	if (result->failed_line != 0)
		report_failure(stdout, path, result, job->script);
	report_not_judged(stdout, "not judged", result->not_judged);
	report_disagreements(stdout, "", job->target);
	printf("%s: %s%s%s: %u operations, %llu chains returned: %s\n", path, job->target->name,
	       transport != NULL ? ", transport " : "", transport != NULL ? transport : "",
	       result->ops_run, (unsigned long long)result->completions,
	       failing != NULL		  ? failing->signature
	       : known != NULL		  ? "only known findings"
	       : result->failed_line != 0 ? "a `>` line is not met"
					  : "nothing found");
	if (failing == NULL && known == NULL && result->failed_line == 0 && !text) {
		fputs("note: ", stdout);
		report_elsewhere(stdout, job->target->name, path);
		putchar('\n');
	}
	if (failing == NULL || options->verbose > 0)
		return;
	report_next(stdout, job->target->name, job->transport, path);
}

static void print_json(const char *path, const struct child_job *job,
		       const struct child_result *result)
{
	struct json json = json_open(stdout);

	json_object(&json, NULL);
	json_string(&json, "event", "result");
	json_string(&json, "file", path);
	json_string(&json, "target", job->target->name);
	if (transport_to_name(job->transport) != NULL)
		json_string(&json, "transport", transport_to_name(job->transport));
	json_number(&json, "operations", result->ops_run);
	json_number(&json, "chains", result->completions);
	json_bool(&json, "passed", !child_failed(result, job));
	if (result->failed_line != 0) {
		json_number(&json, "line", result->failed_line);
		json_string(&json, "message", result->failure);
	}
	report_result_json(&json, result, job);
	report_not_judged_json(&json, "not_judged", result->not_judged);
	json_array(&json, "disagrees");
	report_disagreements_json(&json, job->target);
	json_array_end(&json);
	json_string(&json, "printed", job->words);
	json_object_end(&json);
	json_end(&json);
}

/* Our standard output under another descriptor: in the child, descriptor 1 is the
 * device's. */
static FILE *open_trace(void)
{
	int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (out != NULL)
		setvbuf(out, NULL, _IOLBF, 0);
	else if (fd >= 0)
		close(fd);
	return out;
}

/* The child's to fill; NULL where there is none: then nothing is folded. */
static struct report_fold *open_fold(void)
{
	void *fold = mmap(NULL, sizeof(struct report_fold), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (fold == MAP_FAILED)
		return NULL;
	return fold;
}

static void close_fold(const struct report_trace *trace)
{
	if (trace->fold == NULL)
		return;
	if (trace->out != NULL)
		report_fold_end(trace->out, trace->fold);
	munmap(trace->fold, sizeof(*trace->fold));
}

static int replay_script(const struct replay_options *options, const char *path,
			 const struct script *script, const struct target *target, char *report,
			 bool text)
{
	struct report_trace trace = { .script = script, .json = options->json };
	static char words[CHILD_WORDS_MAX];
	struct trace reader = { report_trace_event, &trace };
	struct child_job job = {
		.script = script,
		.path = path,
		.target = target,
		.transport = options->transport,
		.expect = !options->judging.no_ledger,
		.judging = target_judging(target, options->judging),
		.leaks = true,
		.seconds = options->seconds,
		.trace = options->verbose > 0 ? &reader : NULL,
		.words = words,
	};
	struct child_result result;
	int err;

	if (options->print_script && !options->json)
		text_print(stdout, &script->prog, script->slot_names);
	if (options->verbose == 1 && !options->json)
		trace.fold = open_fold();
	if (options->verbose > 0)
		trace.out = job.trace_out = open_trace();
	if (options->verbose > 0 && trace.out == NULL) {
		fprintf(stderr, "%s: cannot write its trace: %s\n", path, strerror(errno));
		return WRONG;
	}
	err = child_run(&job, &result, report);
	close_fold(&trace);
	if (trace.out != NULL)
		fclose(trace.out);
	if (err != 0) {
		child_explain(path, job.target, err, &result);
		return WRONG;
	}
	if (options->json)
		print_json(path, &job, &result);
	else
		print_text(options, path, &job, &result, report, text);
	child_note_known(&result, options->judging.known);
	return child_failed(&result, &job) ? FOUND : NOTHING_FOUND;
}

int replay_file(const struct replay_options *options, const char *path)
{
	struct script *script = calloc(1, sizeof(*script));
	char *report = malloc(CHILD_REPORT_MAX);
	const struct target *target;
	int status = WRONG;
	bool text;

	if (script == NULL || report == NULL)
		fprintf(stderr, "%s: %s\n", input_name(path), strerror(ENOMEM));
	else if (load_program_as(script, path, options->target, options->instance, &text) == 0) {
		target = load_target(script, path, options->target);
		if (target != NULL && load_fits(script, path, target, options->transport) == 0)
			status = replay_script(options, path, script, target, report, text);
	}
	free(report);
	free(script);
	return status;
}
