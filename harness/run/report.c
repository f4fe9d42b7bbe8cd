/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Print what to do next with a file, and what does not belong to a finding.  See report.h;
 * report_trace.c prints traces, report_finding.c findings.
 */
#include "harness/run/report.h"
#include "harness/arena/instrumented.h"
#include "harness/files/escape.h"

#include <string.h>
#include <unistd.h>

const char *report_command = "vringer";
bool report_in_tree = true;

void report_target(FILE *out, const char *target)
{
	const struct target *found = target_find(target);

	if (found != NULL && found->words != NULL) {
		fputs(found->words, out);
		return;
	}
	fputs("-t ", out);
	escape_word(out, target);
}

/* Print "COMMAND VERB -t TARGET PATH", quoted for a shell. */
static void print_command(FILE *out, const char *verb, const char *target,
			  const struct transport *transport, const char *path)
{
	escape_word(out, report_command);
	fprintf(out, " %s ", verb);
	report_target(out, target);
	if (transport_to_name(transport) != NULL)
		fprintf(out, " --transport %s", transport_to_name(transport));
	fputc(' ', out);
	escape_word(out, path);
}

/* Where the scripts that this tree keeps for it are. */
static void print_folder(FILE *out, const char *target)
{
	const struct target *found = target_find(target);

	if (found != NULL && found->folder != NULL)
		fprintf(out, "%s/", found->folder);
	else
		fprintf(out, "corpus/%s/regressions/", target);
}

void report_next(FILE *out, const char *target, const struct transport *transport, const char *path)
{
	fputs("next: ", out);
	print_command(out, "replay -v", target, transport, path);
	fputs("   (every operation and access)\n      ", out);
	print_command(out, "minimize", target, transport, path);
	fputs(" -o ", out);
	if (report_in_tree)
		print_folder(out, target);
	fputs("CAUSE.vr   (keep it)\n", out);
}

void report_elsewhere(FILE *out, const char *target, const char *path)
{
	const struct target *found = target_find(target);

	if (found != NULL && found->words != NULL) {
		fputs("the device is in a process of its own: if it was found to break a rule with "
		      "this file, it does not do so each time, or is another version",
		      out);
		return;
	}
	fprintf(out,
		"this program is built with %s; if an engine reported the file, run the engine's "
		"program",
		instrumented_sanitizers());
	if (!report_in_tree && !report_is_engine() && access(report_engine(), X_OK) == 0) {
		fputs(": ", out);
		escape_word(out, report_engine());
		fputc(' ', out);
		escape_word(out, path);
	}
	if (!report_in_tree)
		return;
	fputs(": build/fuzz/fuzz_", out);
	for (; *target != '\0'; target++)
		fputc(*target == '-' ? '_' : *target, out);
	fprintf(out, " %s", path);
}

void report_guest_op(FILE *out, const struct script *script, uint32_t op)
{
	fprintf(out, "op %u", op);
	if (script->op_lines[op] != 0)
		fprintf(out, " (line %u)", script->op_lines[op]);
	fputs(": ", out);
	text_print_op(out, &script->prog, &script->prog.ops[op], script->slot_names);
	fputc('\n', out);
}

void report_failure(FILE *out, const char *path, const struct child_result *result,
		    const struct script *script)
{
	fprintf(out, "%s:%u: %s\n", path, result->failed_line, result->failure);
	fprintf(out, "  demand: %s\n", severity_name(demand_severity(script, result->failed_line)));
	fputs("  guest: ", out);
	report_guest_op(out, script, result->failed_op);
}

void report_words(FILE *out, const char *prefix, const char *words)
{
	while (*words != '\0') {
		size_t len = strcspn(words, "\n");

		fprintf(out, "%sdevice prints: %.*s\n", prefix, (int)len, words);
		words += len + (words[len] == '\n');
	}
}

void report_disagreements(FILE *out, const char *prefix, const struct target *target)
{
	const struct target_disagreement *d = target->disagreements;

	for (; d != NULL && d->rule != NULL; d++) {
		fputs(prefix, out);
		escape_line(out, target->name, SIZE_MAX);
		fprintf(out, " disagrees: %s: ", d->rule);
		escape_line(out, d->reason, SIZE_MAX);
		fputc('\n', out);
	}
}

void report_disagreements_json(struct json *json, const struct target *target)
{
	const struct target_disagreement *d = target->disagreements;

	for (; d != NULL && d->rule != NULL; d++) {
		json_object(json, NULL);
		json_string(json, "target", target->name);
		json_string(json, "rule", d->rule);
		json_string(json, "reason", d->reason);
		json_object_end(json);
	}
}
