/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Of many scripts: how many demands and rules of each severity were met, broken, or not
 * judged.  See suite.h.
 *
 * A demand counts once for each result, a rule once for all: it is broken if a finding of
 * any result says so, known or not, and else met if something was there for it to judge.  What
 * is newer than the device and broken is not judged.
 */
#include "harness/run/suite.h"

void suite_count_severities(struct suite *suite, const struct suite_result *r)
{
	demands_add(&suite->demands, r->script, r->child->demands);
	for (size_t i = 0; i < sizeof(suite->judged) / sizeof(suite->judged[0]); i++)
		suite->judged[i] |= r->child->judged[i];
	for (unsigned i = 0; i < r->child->finding_count; i++) {
		const struct finding *f = &r->child->findings[i];

		if (f->kind == FINDING_RULE && !finding_is_newer(f, &r->job->judging))
			suite->broken[f->rule / 64] |= 1ULL << f->rule % 64;
	}
}

static struct demand_counts count_rules(const struct suite *suite)
{
	struct demand_counts counts = { { { 0 } } };

	for (int i = 0; i < RULE_COUNT; i++) {
		bool judged = rule_is_in(suite->judged, i) && suite->newer_rules[i] == 0;
		enum demand_outcome outcome = rule_is_in(suite->broken, i) ? DEMAND_BROKEN
					      : judged			   ? DEMAND_MET
									   : DEMAND_NOT_JUDGED;

		counts.of[rule_table[i].severity][outcome]++;
	}
	return counts;
}

void suite_count_rules(const struct suite *suite, enum severity severity,
		       unsigned counts[DEMAND_OUTCOME_COUNT])
{
	const struct demand_counts rules = count_rules(suite);

	for (int i = 0; i < DEMAND_OUTCOME_COUNT; i++)
		counts[i] = rules.of[severity][i];
}

void suite_print_severities(const struct suite *suite, FILE *out, const char *prefix)
{
	const struct demand_counts rules = count_rules(suite);

	for (int i = 0; i < SEVERITY_COUNT; i++) {
		const unsigned *demand = suite->demands.of[i], *rule = rules.of[i];

		fprintf(out,
			"%s%s: demands %u met, %u broken, %u not judged; rules %u met, %u broken, "
			"%u not judged\n",
			prefix, severity_name((enum severity)i), demand[DEMAND_MET],
			demand[DEMAND_BROKEN], demand[DEMAND_NOT_JUDGED], rule[DEMAND_MET],
			rule[DEMAND_BROKEN], rule[DEMAND_NOT_JUDGED]);
	}
}

void suite_json_severities(struct suite *suite)
{
	const struct demand_counts rules = count_rules(suite);
	struct json *json = &suite->json;

	json_object(json, "severities");
	for (int i = 0; i < SEVERITY_COUNT; i++) {
		json_object(json, severity_name((enum severity)i));
		json_object(json, "demands");
		demands_json(json, &suite->demands, (enum severity)i);
		json_object_end(json);
		json_object(json, "rules");
		demands_json(json, &rules, (enum severity)i);
		json_object_end(json);
		json_object_end(json);
	}
	json_object_end(json);
}

void suite_junit_severities(const struct suite *suite)
{
	static const struct {
		enum demand_outcome outcome;
		const char *name;
	} outcomes[] = {
		{ DEMAND_MET, "met" },
		{ DEMAND_BROKEN, "broken" },
		{ DEMAND_NOT_JUDGED, "not_judged" },
	};
	const struct demand_counts rules = count_rules(suite);
	const struct {
		const char *name;
		const struct demand_counts *counts;
	} kinds[] = { { "demands", &suite->demands }, { "rules", &rules } };

	fputs("  <properties>\n", suite->out);
	for (int i = 0; i < SEVERITY_COUNT; i++)
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
			for (size_t o = 0; o < sizeof(outcomes) / sizeof(outcomes[0]); o++)
				fprintf(suite->out,
					"    <property name=\"%s.%s.%s\" value=\"%u\"/>\n",
					severity_name((enum severity)i), kinds[k].name,
					outcomes[o].name,
					kinds[k].counts->of[i][outcomes[o].outcome]);
	fputs("  </properties>\n", suite->out);
}

const char *suite_failed_severity(const struct suite_result *r)
{
	return severity_name(demand_severity(r->script, r->child->failed_line));
}

void suite_json_demands(struct json *json, const struct suite_result *r)
{
	struct demand_counts counts = { { { 0 } } };

	json_object(json, "demands");
	if (r->skip == NULL)
		demands_add(&counts, r->script, r->child->demands);
	for (int i = 0; i < SEVERITY_COUNT; i++) {
		if (counts.of[i][DEMAND_MET] + counts.of[i][DEMAND_BROKEN] +
			    counts.of[i][DEMAND_NOT_JUDGED] ==
		    0)
			continue;
		json_object(json, severity_name((enum severity)i));
		demands_json(json, &counts, (enum severity)i);
		json_object_end(json);
	}
	json_object_end(json);
}
