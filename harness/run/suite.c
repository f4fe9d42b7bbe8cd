/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Print the results of many scripts.  See suite.h.
 */
#include "harness/run/suite.h"
#include "devices/table.h"
#include "harness/files/escape.h"
#include "harness/files/output.h"
#include "harness/run/report.h"

#include <stdlib.h>
#include <string.h>

#define REPORT_LINES_MAX 40 /* of a sanitizer's report shown */

enum outcome {
	SKIPPED,
	PASSED,
	FAILED,
	EXPECTED, /* to fail: it met a known finding */
	OUTCOME_COUNT
};

static enum outcome outcome_of(const struct suite_result *r)
{
	if (r->skip != NULL)
		return SKIPPED;
	if (child_failed(r->child, r->job))
		return FAILED;
	if (child_known(r->child) != NULL)
		return EXPECTED;
	return r->incomplete ? FAILED : PASSED;
}

static unsigned results(const struct suite *suite)
{
	return suite->passed + suite->failed + suite->skipped + suite->expected;
}

/* Passed, and some of its clauses are vringer's own transport's to keep. */
static bool is_transport(const struct suite_result *r)
{
	return outcome_of(r) == PASSED && report_transport_note(NULL, r->target, r->script);
}

/* What fails nothing and is to be known all the same. */
static bool has_notes(const struct suite_result *r)
{
	return r->skip == NULL && (report_has_notes(r->child, r->job) || is_transport(r));
}

/* The command that shows it again. */
static void print_again(FILE *out, const struct suite_result *r)
{
	const char *transport = transport_to_name(r->job->transport);
	char options[INSTANCE_TEXT_MAX];

	instance_print_options(r->instance, options, sizeof(options));
	fprintf(out, "again: %s replay -v ", report_command);
	report_target(out, r->target->name);
	fprintf(out, "%s%s%s %s\n", options, transport != NULL ? " --transport " : "",
		transport != NULL ? transport : "", r->path);
}

static void describe_failure(FILE *out, const struct suite_result *r)
{
	const struct finding *failing = child_finding(r->child, r->job);
	const struct finding *finding = failing != NULL ? failing : child_known(r->child);

	if (finding == &r->child->demand)
		finding = NULL;
	if (r->child->failed_line != 0)
		report_failure(out, r->path, r->child, r->script);
	if (finding == NULL && r->child->failed_line != 0)
		fprintf(out, "signature: %s\n", r->child->demand.signature);
	if (r->incomplete)
		fprintf(out, "%s: no chain was returned, expected one at least\n", r->path);
	if (finding != NULL && finding->op != FINDING_OP_END)
		fprintf(out, "%s:%u: %s\n", r->path, r->script->op_lines[finding->op],
			finding->signature);
	if (finding != NULL)
		report_finding(out, "", finding, r->script);
	print_again(out, r);
	if (r->script->prose[0] != '\0')
		fprintf(out, "claim: %s\n", r->script->prose);
	if (r->script->clause_count > 0)
		fputs("clause:", out);
	for (unsigned i = 0; i < r->script->clause_count; i++)
		fprintf(out, " %s", r->script->clauses[i]);
	if (r->script->clause_count > 0)
		fputc('\n', out);
	if (finding != NULL && finding->kind != FINDING_RULE) {
		const char *line = r->report;

		for (int i = 0; i < REPORT_LINES_MAX && *line != '\0'; i++) {
			size_t n = strcspn(line, "\n");

			fprintf(out, "%.*s\n", (int)n, line);
			line += line[n] == '\n' ? n + 1 : n;
		}
	}
}

/* What there is to say of a result, as lines of text; the caller frees it.  NULL:
 * nothing. */
static char *describe(const struct suite_result *r)
{
	enum outcome outcome = outcome_of(r);
	bool good = outcome == PASSED || outcome == SKIPPED;
	char *text = NULL;
	size_t len = 0;
	FILE *out;

	if (good && !has_notes(r))
		return NULL;
	out = output_text_open(&text, &len);
	if (out == NULL)
		return NULL;
	if (!good)
		describe_failure(out, r);
	if (has_notes(r))
		report_notes(out, r->child, r->job);
	if (is_transport(r))
		report_transport_note(out, r->target, r->script);
	return output_text_close(out, &text) == 0 ? text : NULL;
}

static void print_name(const struct suite *suite, const struct suite_result *r)
{
	char instance[INSTANCE_TEXT_MAX];

	instance_print(r->instance, instance, sizeof(instance));
	escape_tap(suite->out, r->path);
	if (r->named || instance[0] != '\0') {
		fputs(" [", suite->out);
		escape_tap(suite->out, r->named ? r->target->name : "");
		escape_tap(suite->out, r->named ? instance : instance + 1);
		fputc(']', suite->out);
	}
	if (transport_to_name(r->job->transport) != NULL)
		fprintf(suite->out, " [%s]", transport_to_name(r->job->transport));
}

static void tap_result(struct suite *suite, const struct suite_result *r)
{
	enum outcome outcome = outcome_of(r);
	bool good = outcome == PASSED || outcome == SKIPPED;
	char *text;

	fprintf(suite->out, "%s %u - ", good ? "ok" : "not ok", results(suite));
	print_name(suite, r);
	if (outcome == SKIPPED) {
		fputs(" # SKIP ", suite->out);
		escape_line(suite->out, r->skip, SIZE_MAX);
	} else if (outcome == EXPECTED) {
		fputs(" # TODO known: ", suite->out);
		escape_line(suite->out, child_known(r->child)->signature, SIZE_MAX);
		fputs(": ", suite->out);
		escape_line(suite->out, child_known(r->child)->known, SIZE_MAX);
	}
	fputc('\n', suite->out);
	text = describe(r);
	for (char *line = text; line != NULL && *line != '\0';) {
		size_t n = strcspn(line, "\n");

		fputs("# ", suite->out);
		escape_line(suite->out, line, n);
		fputc('\n', suite->out);
		line += line[n] == '\n' ? n + 1 : n;
	}
	free(text);
	if (outcome != SKIPPED)
		report_words(suite->out, "# ", r->words);
}

static void junit_result(struct suite *suite, const struct suite_result *r)
{
	enum outcome outcome = outcome_of(r);
	char *text = describe(r), instance[INSTANCE_TEXT_MAX];

	instance_print(r->instance, instance, sizeof(instance));
	fputs("  <testcase classname=\"", suite->out);
	escape_xml_value(suite->out, r->target->name);
	fputs("\" name=\"", suite->out);
	escape_xml_value(suite->out, r->path);
	escape_xml_value(suite->out, instance);
	if (transport_to_name(r->job->transport) != NULL)
		fprintf(suite->out, " [%s]", transport_to_name(r->job->transport));
	fputs("\">", suite->out);
	if (outcome == SKIPPED) {
		fputs("<skipped message=\"", suite->out);
		escape_xml_value(suite->out, r->skip);
		fputs("\"/>", suite->out);
	} else if (outcome == EXPECTED) {
		fputs("<skipped message=\"known: ", suite->out);
		escape_xml_value(suite->out, child_known(r->child)->signature);
		fputs(": ", suite->out);
		escape_xml_value(suite->out, child_known(r->child)->known);
		fputs("\"/>", suite->out);
	} else if (outcome == FAILED) {
		const struct finding *finding = child_finding(r->child, r->job);

		fputs("<failure message=\"", suite->out);
		escape_xml_value(suite->out,
				 finding != NULL ? finding->signature : r->child->failure);
		fputs("\">", suite->out);
		escape_xml(suite->out, text != NULL ? text : "");
		fputs("</failure>", suite->out);
	}
	if (outcome != FAILED && text != NULL) {
		fputs("<system-out>", suite->out);
		escape_xml(suite->out, text);
		fputs("</system-out>", suite->out);
	}
	free(text);
	if (outcome != SKIPPED && *r->words != '\0') {
		fputs("<system-out>", suite->out);
		escape_xml(suite->out, r->words);
		fputs("</system-out>", suite->out);
	}
	fputs("</testcase>\n", suite->out);
}

static void json_result(struct suite *suite, const struct suite_result *r)
{
	TABLE(static const char *const, names, OUTCOME_COUNT, 1,
	      [SKIPPED] = "skip",
	      [PASSED] = "pass",
	      [FAILED] = "fail",
	      [EXPECTED] = "known");
	struct json *json = &suite->json;

	json_break(json);
	json_object(json, NULL);
	json_string(json, "file", r->path);
	json_string(json, "target", r->target->name);
	if (r->instance->queue)
		json_number(json, "queue", r->instance->binding.queue);
	if (r->instance->request != NULL) {
		json_string(json, "request", r->instance->request->name);
		json_string(json, "layout", field_names(FIELD_LAYOUT)[r->instance->binding.layout]);
	}
	if (r->instance->binding.ring != RING_FORMAT_SPLIT)
		json_string(json, "ring", field_names(FIELD_RING)[r->instance->binding.ring]);
	if (transport_to_name(r->job->transport) != NULL)
		json_string(json, "transport", transport_to_name(r->job->transport));
	json_string(json, "result", names[outcome_of(r)]);
	if (r->skip != NULL) {
		json_string(json, "reason", r->skip);
	} else {
		json_number(json, "operations", r->child->ops_run);
		json_number(json, "chains", r->child->completions);
	}
	if (r->skip == NULL && r->child->failed_line != 0) {
		json_number(json, "line", r->child->failed_line);
		json_string(json, "severity", suite_failed_severity(r));
		json_string(json, "message", r->child->failure);
		json_string(json, "signature", r->child->demand.signature);
	}
	suite_json_demands(json, r);
	json_array(json, "clauses");
	for (unsigned i = 0; i < r->script->clause_count; i++)
		json_string(json, NULL, r->script->clauses[i]);
	json_array_end(json);
	json_bool(json, "vringer_transport", is_transport(r));
	json_string(json, "printed", r->skip == NULL ? r->words : "");
	report_result_json(json, r->skip == NULL ? r->child : NULL, r->job);
	json_object_end(json);
}

typedef void suite_fn(struct suite *suite);

static void tap_begin(struct suite *suite)
{
	fprintf(suite->out, "TAP version 13\n1..%u\n", suite->planned);
}

static void junit_begin(struct suite *suite)
{
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"vringer\">\n",
	      suite->out);
}

static void json_begin(struct suite *suite)
{
	suite->json = json_open(suite->out);
	json_object(&suite->json, NULL);
	json_array(&suite->json, "results");
	json_break(&suite->json);
}

void suite_begin(struct suite *suite, unsigned planned)
{
	TABLE(static suite_fn *const, begin, SUITE_FORMAT_COUNT, 1,
	      [SUITE_TAP] = tap_begin,
	      [SUITE_JUNIT] = junit_begin,
	      [SUITE_JSON] = json_begin);

	suite->planned = planned;
	begin[suite->format](suite);
}

static void note_target(struct suite *suite, const struct target *target)
{
	for (unsigned i = 0; i < suite->target_count; i++)
		if (suite->targets[i] == target)
			return;
	if (suite->target_count < SUITE_TARGETS_MAX)
		suite->targets[suite->target_count++] = target;
}

/* For people who read JUnit: as much as its schema has room for. */
static void junit_summary(const struct suite *suite)
{
	size_t len;
	char *text;
	FILE *out = output_text_open(&text, &len);

	if (out == NULL)
		return;
	for (unsigned i = 0; i < suite->target_count; i++)
		report_disagreements(out, "", suite->targets[i]);
	suite_print_warnings(suite, out, "");
	suite_print_notes(suite, out, "");
	suite_print_severities(suite, out, "");
	suite_print_left_out(suite, out, "");
	if (output_text_close(out, &text) == 0 && len > 0) {
		fputs("  <system-out>", suite->out);
		escape_xml(suite->out, text);
		fputs("</system-out>\n", suite->out);
	}
	free(text);
}

typedef void print_fn(struct suite *suite, const struct suite_result *r);

void suite_add(struct suite *suite, const struct suite_result *result)
{
	TABLE(static print_fn *const, print, SUITE_FORMAT_COUNT, 1,
	      [SUITE_TAP] = tap_result,
	      [SUITE_JUNIT] = junit_result,
	      [SUITE_JSON] = json_result);
	TABLE(unsigned *const, counts, OUTCOME_COUNT, 1,
	      [SKIPPED] = &suite->skipped,
	      [PASSED] = &suite->passed,
	      [FAILED] = &suite->failed,
	      [EXPECTED] = &suite->expected);

	for (size_t i = 0; result->skip == NULL && i < sizeof(suite->not_judged) / 8; i++)
		suite->not_judged[i] |= result->child->not_judged[i];
	if (result->skip == NULL)
		note_target(suite, result->target);
	if (result->skip == NULL)
		child_note_known(result->child, suite->known);
	if (result->skip == NULL)
		suite_count_severities(suite, result);
	++*counts[outcome_of(result)];
	if (result->skip == NULL)
		suite_count_warnings(suite, result);
	else
		suite_count_skip(suite, result->skip);
	if (outcome_of(result) == FAILED)
		suite_count_failure(suite, result);
	suite->transported += is_transport(result);
	suite->packed +=
		result->skip == NULL && result->instance->binding.ring == RING_FORMAT_PACKED;
	print[suite->format](suite, result);
	fflush(suite->out);
}

static void tap_end(struct suite *suite)
{
	report_not_judged(suite->out, "# not judged, for want of facts", suite->not_judged);
	for (unsigned i = 0; i < suite->target_count; i++)
		report_disagreements(suite->out, "# ", suite->targets[i]);
	known_report(suite->out, "# ", suite->known);
	suite_print_warnings(suite, suite->out, "# ");
	suite_print_failures(suite, suite->out, "# ");
	suite_print_skips(suite, suite->out, "# ");
	suite_print_notes(suite, suite->out, "# ");
	suite_print_severities(suite, suite->out, "# ");
	fprintf(suite->out, "# %u passed, %u failed, %u skipped", suite->passed, suite->failed,
		suite->skipped);
	if (suite->known != NULL)
		fprintf(suite->out, ", %u known", suite->expected);
	if (suite->warned > 0)
		fprintf(suite->out, ", %u with warnings", suite->warned);
	suite_print_left_out(suite, suite->out, ", ");
	fputc('\n', suite->out);
}

static void junit_end(struct suite *suite)
{
	suite_junit_severities(suite);
	junit_summary(suite);
	fputs("</testsuite>\n", suite->out);
}

static void json_finish(struct suite *suite)
{
	struct json *json = &suite->json;

	json_array_end(json);
	json_number(json, "passed", suite->passed);
	json_number(json, "failed", suite->failed);
	json_number(json, "skipped", suite->skipped);
	json_number(json, "packed", suite->packed);
	json_number(json, "left_out", suite->left_out);
	json_number(json, "warned", suite->warned);
	suite_json_warnings(suite);
	suite_json_severities(suite);
	json_number(json, "vringer_transport", suite->transported);
	json_number(json, "not_judged_always", suite->unfollowed);
	report_not_judged_json(json, "not_judged", suite->not_judged);
	json_array(json, "disagrees");
	for (unsigned i = 0; i < suite->target_count; i++)
		report_disagreements_json(json, suite->targets[i]);
	json_array_end(json);
	known_report_json(json, "known", suite->known);
	json_object_end(json);
	json_end(json);
}

void suite_end(struct suite *suite)
{
	TABLE(static suite_fn *const, end, SUITE_FORMAT_COUNT, 1,
	      [SUITE_TAP] = tap_end,
	      [SUITE_JUNIT] = junit_end,
	      [SUITE_JSON] = json_finish);

	end[suite->format](suite);
}
