/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Of many scripts: the broken rules that fail nothing, by severity; what the failed ones
 * failed by, and why others were skipped.  See suite.h.
 */
#include "harness/run/suite.h"

#include <string.h>

void suite_count_warnings(struct suite *suite, const struct suite_result *r)
{
	const struct finding *failing = child_finding(r->child, r->job);
	uint64_t seen[(RULE_COUNT + 63) / 64] = { 0 };
	bool any = false, newer = false;

	for (unsigned i = 0; i < r->child->finding_count; i++) {
		const struct finding *f = &r->child->findings[i];
		bool first, is_newer = finding_is_newer(f, &r->job->judging);

		if (f == failing || f->known != NULL || f->kind != FINDING_RULE)
			continue;
		first = !rule_is_in(seen, f->rule);
		seen[f->rule / 64] |= 1ULL << f->rule % 64;
		*(is_newer ? &suite->newer_rules[f->rule] : &suite->warnings[f->rule]) += first;
		newer = newer || is_newer;
		any = any || !is_newer;
	}
	for (int severity = 0; severity < SEVERITY_COUNT; severity++) {
		bool here = false;

		for (unsigned i = 0; i < r->child->unmet_count; i++)
			here = here || (r->child->unmet[i].severity == severity &&
					!r->child->unmet[i].newer);
		suite->unmet[severity] += here;
		any = any || here;
	}
	/* All lines of a script are, or none. */
	if (r->child->unmet_count > 0 && r->child->unmet[0].newer) {
		suite->newer_lines++;
		newer = true;
	}
	suite->newer += newer;
	suite->warned += any;
	suite->unfollowed += r->child->blindness.cause != BLIND_NEVER;
}

void suite_count_failure(struct suite *suite, const struct suite_result *r)
{
	const struct finding *failing = child_finding(r->child, r->job);

	if (failing != NULL && failing->kind == FINDING_RULE)
		suite->failures[failing->rule]++;
	else if (failing == NULL && r->child->failed_line != 0)
		suite->failed_lines++;
}

void suite_count_skip(struct suite *suite, const char *why)
{
	unsigned i = 0;

	while (i < SUITE_SKIPS_MAX && suite->skips[i].why != NULL &&
	       strcmp(suite->skips[i].why, why) != 0)
		i++;
	if (i == SUITE_SKIPS_MAX)
		return;
	suite->skips[i].why = why;
	suite->skips[i].results++;
}

static void print_failure(FILE *out, const char *prefix, bool *any, const char *what,
			  unsigned results)
{
	if (results == 0)
		return;
	fprintf(out, "%s%s%s in %u", *any ? "" : prefix, *any ? ", " : "failed by: ", what,
		results);
	*any = true;
}

void suite_print_failures(const struct suite *suite, FILE *out, const char *prefix)
{
	bool any = false;

	for (int i = 0; i < RULE_COUNT; i++)
		print_failure(out, prefix, &any, rule_table[i].id, suite->failures[i]);
	print_failure(out, prefix, &any, "`>` lines", suite->failed_lines);
	if (any)
		fputc('\n', out);
}

void suite_print_skips(const struct suite *suite, FILE *out, const char *prefix)
{
	for (unsigned i = 0; i < SUITE_SKIPS_MAX && suite->skips[i].why != NULL; i++)
		fprintf(out, "%sskipped, %u: %s\n", prefix, suite->skips[i].results,
			suite->skips[i].why);
}

/* A name of a line of warnings; its first has before it what kind they are. */
static void print_warning(FILE *out, const char *prefix, const char *kind, bool first,
			  const char *what, unsigned results)
{
	if (first)
		fprintf(out, "%swarnings (%s): ", prefix, kind);
	fprintf(out, "%s%s in %u", first ? "" : ", ", what, results);
}

static void print_newer(const struct suite *suite, FILE *out, const char *prefix)
{
	fprintf(out, "%snewer than the device, and not held against it:", prefix);
	for (int i = 0; i < RULE_COUNT; i++)
		if (suite->newer_rules[i] > 0)
			fprintf(out, " %s in %u", rule_table[i].id, suite->newer_rules[i]);
	if (suite->newer_lines > 0)
		fprintf(out, " `>` lines in %u", suite->newer_lines);
	fputc('\n', out);
}

void suite_print_warnings(const struct suite *suite, FILE *out, const char *prefix)
{
	for (int severity = 0; severity < SEVERITY_COUNT; severity++) {
		const char *kind = severity_name((enum severity)severity);
		bool first = true;

		for (int i = 0; i < RULE_COUNT; i++) {
			if ((int)rule_table[i].severity != severity || suite->warnings[i] == 0)
				continue;
			print_warning(out, prefix, kind, first, rule_table[i].id,
				      suite->warnings[i]);
			first = false;
		}
		if (suite->unmet[severity] > 0) {
			print_warning(out, prefix, kind, first, "`>` lines",
				      suite->unmet[severity]);
			first = false;
		}
		if (!first)
			fputc('\n', out);
	}
	if (suite->newer > 0)
		print_newer(suite, out, prefix);
}

void suite_print_notes(const struct suite *suite, FILE *out, const char *prefix)
{
	if (suite->packed > 0)
		fprintf(out, "%s%u of these results are of packed rings\n", prefix, suite->packed);
	if (suite->transported > 0)
		fprintf(out,
			"%snote: %u of those that passed have clauses about the transport, for "
			"which vringer's own was judged, not the device\n",
			prefix, suite->transported);
	if (suite->unfollowed > 0)
		fprintf(out,
			"%snote: %u results say from which operation on they were not judged\n",
			prefix, suite->unfollowed);
}

void suite_print_left_out(const struct suite *suite, FILE *out, const char *prefix)
{
	if (suite->left_out > 0)
		fprintf(out, "%s%u runs of long scripts left out (--all-requests)", prefix,
			suite->left_out);
}

void suite_json_warnings(struct suite *suite)
{
	struct json *json = &suite->json;

	json_array(json, "warnings");
	for (int i = 0; i < RULE_COUNT; i++) {
		if (suite->warnings[i] == 0)
			continue;
		json_object(json, NULL);
		json_string(json, "rule", rule_table[i].id);
		json_string(json, "severity", severity_name(rule_table[i].severity));
		json_number(json, "results", suite->warnings[i]);
		json_object_end(json);
	}
	json_array_end(json);
	json_array(json, "newer");
	for (int i = 0; i < RULE_COUNT; i++) {
		if (suite->newer_rules[i] == 0)
			continue;
		json_object(json, NULL);
		json_string(json, "rule", rule_table[i].id);
		json_string(json, "clause", rule_table[i].clause);
		json_number(json, "results", suite->newer_rules[i]);
		json_object_end(json);
	}
	json_array_end(json);
}
