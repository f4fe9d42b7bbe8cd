/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What became of a statement about the device in all of a run, from what its results said
 * (page_statement.c) and from the rules that stand for it: those that cite it, and those that
 * the map of clauses names.
 */
#include "harness/page/page_internal.h"
#include "harness/run/report.h"

#include <string.h>

/* Does the list of an entry's `by` have that rule? */
static bool names_rule(const char *by, const char *id)
{
	for (const char *at = by; (at = strstr(at, "rule:")) != NULL;) {
		size_t len;

		at += 5;
		len = strcspn(at, " ,;");
		if (strlen(id) == len && strncmp(at, id, len) == 0)
			return true;
	}
	return false;
}

int page_judging_rule(const struct suite *suite, const struct clause *clause, bool broken)
{
	for (int i = 0; i < RULE_COUNT; i++)
		if ((strcmp(rule_table[i].clause, clause->id) == 0 ||
		     names_rule(clause->by, rule_table[i].id)) &&
		    (broken ? rule_is_in(suite->broken, i)
			    : rule_is_in(suite->judged, i) && !rule_is_in(suite->broken, i)))
			return i;
	return -1;
}

bool page_is_of_our_transport(const struct page *page, const struct clause *clause)
{
	if (!report_is_of_transport(clause->id))
		return false;
	for (unsigned i = 0; i < page->device_count; i++)
		if (!page->devices[i].target->transport || page->devices[i].target->model)
			return false;
	return page->device_count > 0;
}

bool page_is_newer(const struct page *page, const struct clause *clause)
{
	for (unsigned i = 0; i < page->device_count; i++)
		if (!target_precedes(page->devices[i].target, clause->id))
			return false;
	return page->device_count > 0;
}

enum page_state page_state_of(const struct page *page, const struct suite *suite,
			      const struct clause *clause)
{
	const struct page_statement *s = &page->statements[clause - clause_table];

	if (s->held == 0 && page_is_newer(page, clause))
		return PAGE_CANNOT_BE;
	if (s->broken || page_judging_rule(suite, clause, true) >= 0)
		return PAGE_BROKEN;
	if (s->held > 0 || (page_judging_rule(suite, clause, false) >= 0 &&
			    !page_is_of_our_transport(page, clause)))
		return PAGE_KEPT;
	return strcmp(clause->how, "permits") == 0 || strcmp(clause->how, "unseen") == 0
		       ? PAGE_CANNOT_BE
		       : PAGE_NOT_JUDGED;
}

bool page_breaks_section(const struct suite *suite, int rule)
{
	const char *clause = rule_table[rule].clause;

	return rule_is_in(suite->broken, rule) && rule_table[rule].severity <= SEVERITY_SHOULD &&
	       clause[0] >= '0' && clause[0] <= '9';
}
