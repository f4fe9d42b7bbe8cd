/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Print findings, and what else came of a run.  See report.h.
 */
#include "devices/table.h"
#include "harness/run/report.h"

const char *finding_kind_name(enum finding_kind kind)
{
	TABLE(static const char *const, names, FINDING_KIND_COUNT, 1,
	      [FINDING_NONE] = "none",
	      [FINDING_RULE] = "rule",
	      [FINDING_SANITIZER] = "sanitizer",
	      [FINDING_SIGNAL] = "signal",
	      [FINDING_EXIT] = "exit",
	      [FINDING_HANG] = "hang",
	      [FINDING_OOM] = "oom",
	      [FINDING_LEAK] = "leak",
	      [FINDING_MEMORY] = "memory",
	      [FINDING_REPORTED] = "reported");

	return names[kind];
}

void report_finding(FILE *out, const char *prefix, const struct finding *finding,
		    const struct script *script)
{
	fprintf(out, "%sfinding: %s\n", prefix, finding->signature);
	if (finding->kind == FINDING_RULE) {
		const struct rule_desc *rule = &rule_table[finding->rule];

		fprintf(out, "%s  rule: %s (%s, %s): %s\n", prefix, rule->id,
			severity_name(rule->severity), rule->clause, rule->demand);
	} else {
		fprintf(out, "%s  kind: %s\n", prefix,
			finding_kind_name((enum finding_kind)finding->kind));
	}
	if (finding->op != FINDING_OP_END && script != NULL) {
		fprintf(out, "%s  guest: ", prefix);
		report_guest_op(out, script, finding->op);
	} else if (finding->op != FINDING_OP_END) {
		fprintf(out, "%s  guest: operation %u, %s\n", prefix, finding->op, finding->verb);
	} else {
		fprintf(out, "%s  guest: after the program, %s\n", prefix, finding->verb);
	}
	fprintf(out, "%s  device: %s\n", prefix, finding->message);
	if (finding->known != NULL)
		fprintf(out, "%s  known: %s\n", prefix, finding->known);
}

static void finding_members(struct json *json, const struct finding *finding,
			    const struct script *script)
{
	json_string(json, "kind", finding_kind_name((enum finding_kind)finding->kind));
	json_string(json, "signature", finding->signature);
	if (finding->kind == FINDING_RULE) {
		const struct rule_desc *rule = &rule_table[finding->rule];

		json_string(json, "rule", rule->id);
		json_string(json, "severity", severity_name(rule->severity));
		json_string(json, "clause", rule->clause);
	}
	if (finding->op != FINDING_OP_END) {
		json_number(json, "op", finding->op);
		if (script != NULL && script->op_lines[finding->op] != 0)
			json_number(json, "line", script->op_lines[finding->op]);
	}
	json_string(json, "verb", finding->verb);
	json_string(json, "message", finding->message);
	if (finding->known != NULL)
		json_string(json, "known", finding->known);
}

void report_finding_json(struct json *json, const char *key, const struct finding *finding,
			 const struct script *script)
{
	json_object(json, key);
	finding_members(json, finding, script);
	json_object_end(json);
}

bool report_has_notes(const struct child_result *result, const struct child_job *job)
{
	const struct finding *failing = child_finding(result, job);

	return result->finding_count > (failing != NULL) || result->shortage[0] != '\0' ||
	       result->blindness.cause != BLIND_NEVER || result->unmet_count > 0;
}

/* In front of what is newer than the device. */
static void print_newer(FILE *out, const struct child_job *job)
{
	fprintf(out, "note: newer than the device, which is of VIRTIO %u.%u: ",
		(unsigned)job->target->virtio >> 8, (unsigned)job->target->virtio & 0xff);
}

void report_notes(FILE *out, const struct child_result *result, const struct child_job *job)
{
	const struct finding *failing = child_finding(result, job);

	for (unsigned i = 0; i < result->finding_count; i++) {
		const struct finding *f = &result->findings[i];

		if (f == failing)
			continue;
		if (finding_is_newer(f, &job->judging))
			print_newer(out, job);
		else
			fputs(f->known != NULL ? "known: " : "warning: ", out);
		report_finding(out, "", f, job->script);
	}
	for (unsigned i = 0; i < result->unmet_count; i++) {
		if (result->unmet[i].newer)
			print_newer(out, job);
		else
			fputs("warning: ", out);
		fprintf(out, "line %u (%s): %s\n", result->unmet[i].line,
			severity_name((enum severity)result->unmet[i].severity),
			result->unmet[i].message);
	}
	if (result->shortage[0] != '\0')
		fprintf(out, "not judged: %s: %s\n", rule_table[RULE_LIVENESS_REQUEST].id,
			result->shortage);
	report_blindness(out, result, job);
}

void report_result_json(struct json *json, const struct child_result *result,
			const struct child_job *job)
{
	json_array(json, "findings");
	for (unsigned i = 0; result != NULL && i < result->finding_count; i++) {
		json_object(json, NULL);
		finding_members(json, &result->findings[i], job->script);
		json_bool(json, "fails", finding_fails(&result->findings[i], &job->judging));
		json_bool(json, "newer", finding_is_newer(&result->findings[i], &job->judging));
		json_object_end(json);
	}
	json_array_end(json);
	json_array(json, "unmet");
	for (unsigned i = 0; result != NULL && i < result->unmet_count; i++) {
		json_object(json, NULL);
		json_number(json, "line", result->unmet[i].line);
		json_string(json, "severity",
			    severity_name((enum severity)result->unmet[i].severity));
		json_bool(json, "newer", result->unmet[i].newer);
		json_string(json, "message", result->unmet[i].message);
		json_object_end(json);
	}
	json_array_end(json);
	json_array(json, "unjudged");
	if (result != NULL && result->shortage[0] != '\0') {
		json_object(json, NULL);
		json_string(json, "rule", rule_table[RULE_LIVENESS_REQUEST].id);
		json_string(json, "reason", result->shortage);
		json_object_end(json);
	}
	if (result != NULL)
		report_blindness_json(json, result, job);
	json_array_end(json);
}

void report_not_judged(FILE *out, const char *prefix, const uint64_t *not_judged)
{
	const char *before = ": ";

	for (int i = 0; i < RULE_COUNT; i++) {
		if (!rule_is_in(not_judged, i))
			continue;
		fprintf(out, "%s%s%s", *before == ':' ? prefix : "", before, rule_table[i].id);
		before = ", ";
	}
	if (*before == ',')
		fputc('\n', out);
}

void report_not_judged_json(struct json *json, const char *key, const uint64_t *not_judged)
{
	json_array(json, key);
	for (int i = 0; i < RULE_COUNT; i++)
		if (rule_is_in(not_judged, i))
			json_string(json, NULL, rule_table[i].id);
	json_array_end(json);
}
