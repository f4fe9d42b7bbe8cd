/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Print results as JUnit XML.  It keeps to the schema of Jenkins's xUnit plugin (junit-10.xsd),
 * which GitLab, Azure and others read too, and harness/test/junit.xsd has what of it matters
 * here.  The suite's counts stand in front of its results there, so these are kept until the
 * end.
 */
#include "harness/files/escape.h"
#include "harness/files/output.h"
#include "harness/run/report.h"
#include "harness/run/suite.h"

#include <stdlib.h>

void suite_junit_begin(struct suite *suite)
{
	suite->cases = output_text_open(&suite->cases_text, &suite->cases_len);
	suite->lost = suite->cases == NULL;
}

void suite_junit_result(struct suite *suite, const struct suite_result *r)
{
	FILE *out = suite->cases;
	enum suite_outcome outcome = suite_outcome(r);
	char *text = suite_describe(r), instance[INSTANCE_TEXT_MAX];

	if (out == NULL) {
		free(text);
		return;
	}
	instance_print(r->instance, instance, sizeof(instance));
	fputs("  <testcase classname=\"", out);
	escape_xml_value(out, r->target->name);
	fputs("\" name=\"", out);
	escape_xml_value(out, r->path);
	escape_xml_value(out, instance);
	if (transport_to_name(r->job->transport) != NULL)
		fprintf(out, " [%s]", transport_to_name(r->job->transport));
	fputs("\">", out);
	if (outcome == SUITE_SKIPPED) {
		fputs("<skipped message=\"", out);
		escape_xml_value(out, r->skip);
		fputs("\"/>", out);
	} else if (outcome == SUITE_EXPECTED) {
		fputs("<skipped message=\"known: ", out);
		escape_xml_value(out, child_known(r->child)->signature);
		fputs(": ", out);
		escape_xml_value(out, child_known(r->child)->known);
		fputs("\"/>", out);
	} else if (outcome == SUITE_FAILED) {
		const struct finding *finding = child_finding(r->child, r->job);

		fputs("<failure message=\"", out);
		escape_xml_value(out, finding != NULL ? finding->signature : r->child->failure);
		fputs("\">", out);
		escape_xml(out, text != NULL ? text : "");
		fputs("</failure>", out);
	}
	if (outcome != SUITE_FAILED && text != NULL) {
		fputs("<system-out>", out);
		escape_xml(out, text);
		fputs("</system-out>", out);
	}
	free(text);
	if (outcome != SUITE_SKIPPED && *r->words != '\0') {
		fputs("<system-out>", out);
		escape_xml(out, r->words);
		fputs("</system-out>", out);
	}
	fputs("</testcase>\n", out);
}

/* For people who read JUnit: as much as its schema has room for. */
static void print_summary(const struct suite *suite)
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

void suite_junit_end(struct suite *suite)
{
	if (suite->lost || output_text_close(suite->cases, &suite->cases_text) != 0) {
		suite->lost = true;
		return;
	}
	fprintf(suite->out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"vringer\" "
		"tests=\"%u\" failures=\"%u\" errors=\"0\" skipped=\"%u\">\n",
		suite->passed + suite->failed + suite->skipped + suite->expected, suite->failed,
		suite->skipped + suite->expected);
	suite_junit_severities(suite);
	fputs(suite->cases_text, suite->out);
	free(suite->cases_text);
	print_summary(suite);
	fputs("</testsuite>\n", suite->out);
}
