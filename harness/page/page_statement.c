/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What a run says of the statements of VIRTIO.
 *
 * A statement about devices is kept if a script that cites it passed, or a rule that stands
 * for it had something to judge, and nothing broke it.  It is broken if such a rule was, or a
 * `>` line of such a script that rests on VIRTIO's words: a MUST for a line that is `must`, a
 * SHOULD for one that is `should`, if the script cites any.  Which of several such statements
 * a line rests on is not known here, so all of them count.
 *
 * A statement about drivers is what a script breaks: the device stood that, or did not.
 */
#include "harness/page/page_internal.h"
#include "harness/run/report.h"

#include <string.h>

#define AREAS_MAX 64u
#define AREA_MAX 24u

bool page_is_of_device(const struct clause *clause)
{
	return strcmp(clause->party, "device") == 0;
}

bool page_is_statement(const struct clause *clause)
{
	return clause->keyword[0] != '\0';
}

/* The same key each time, also where a clause is a copy. */
static const char *intern(const char *key, size_t len)
{
	static char keys[AREAS_MAX][AREA_MAX];
	unsigned i = 0;

	while (i < AREAS_MAX && keys[i][0] != '\0' &&
	       (strncmp(keys[i], key, len) != 0 || keys[i][len] != '\0'))
		i++;
	if (i == AREAS_MAX || len >= AREA_MAX)
		return "";
	memcpy(keys[i], key, len);
	return keys[i];
}

/* Is one of two sections the other, or in it? */
static bool is_within(const char *a, const char *b)
{
	size_t len = strlen(a) < strlen(b) ? strlen(a) : strlen(b);

	return len > 0 && strncmp(a, b, len) == 0 && (a[len] == '\0' || a[len] == '.') &&
	       (b[len] == '\0' || b[len] == '.');
}

const char *page_area_of(const char *clause)
{
	const char *dot = strchr(clause, '.');

	if (dot != NULL && (strncmp(clause, "dev.", 4) == 0 || strncmp(clause, "drv.", 4) == 0))
		return intern(dot + 1, strcspn(dot + 1, "."));
	for (size_t i = 0; i < clause_count; i++)
		if (is_within(clause_table[i].section, clause))
			return page_area_of(clause_table[i].id);
	return "";
}

static struct page_statement *statement_of(struct page *page, const char *word)
{
	const struct clause *found = clause_find(word, strlen(word));

	/* `policy`, and a section of an open chapter, are no entries. */
	if (found == NULL || found < clause_table || found >= clause_table + clause_count)
		return NULL;
	return &page->statements[found - clause_table];
}

static const struct clause *clause_of(const struct page *page, const struct page_statement *s)
{
	return &clause_table[s - page->statements];
}

static void mark_broken(struct page_statement *s, unsigned failure, unsigned shared)
{
	if (s->broken && (s->shared < shared || (s->shared == shared && s->failure != 0)))
		return;
	s->broken = true;
	s->failure = failure;
	s->shared = shared;
}

static void note_rules(struct page *page, const struct suite_result *r, unsigned failure)
{
	const struct finding *failing = child_finding(r->child, r->job);

	for (unsigned i = 0; i < r->child->finding_count; i++) {
		const struct finding *f = &r->child->findings[i];
		struct page_statement *s = NULL;

		if (f->kind == FINDING_RULE && !finding_is_newer(f, &r->job->judging) &&
		    rule_table[f->rule].severity <= SEVERITY_SHOULD)
			s = statement_of(page, rule_table[f->rule].clause);
		if (s != NULL)
			mark_broken(s, f == failing ? failure : 0, 1);
	}
}

/* Was a `>` line of that severity broken? */
static bool is_broken(const struct suite_result *r, enum severity severity)
{
	for (unsigned i = 0; i < r->script->expect_count; i++)
		if (r->child->demands[i] == DEMAND_BROKEN &&
		    r->script->expects[i].severity == severity)
			return true;
	return false;
}

/* Was there nothing for the lines that rest on VIRTIO to look at? */
static bool is_idle(const struct suite_result *r)
{
	bool any = false;

	for (unsigned i = 0; i < r->script->expect_count; i++) {
		if (r->script->expects[i].severity > SEVERITY_SHOULD)
			continue;
		if (r->child->demands[i] == DEMAND_MET)
			return false;
		any = true;
	}
	return any;
}

/* How many statements about devices the script cites, with a keyword like that. */
static unsigned count_cited(struct page *page, const struct suite_result *r, const char *keyword)
{
	unsigned count = 0;

	for (unsigned i = 0; i < r->script->clause_count; i++) {
		const struct page_statement *s = statement_of(page, r->script->clauses[i]);

		count += s != NULL && page_is_of_device(clause_of(page, s)) &&
			 strncmp(clause_of(page, s)->keyword, keyword, strlen(keyword)) == 0;
	}
	return count;
}

/* A line of that severity was broken: so were the statements that it can rest on. */
static void break_cited(struct page *page, const struct suite_result *r, const char *keyword,
			unsigned failure)
{
	if (count_cited(page, r, keyword) == 0)
		keyword = "";
	for (unsigned i = 0; i < r->script->clause_count; i++) {
		struct page_statement *s = statement_of(page, r->script->clauses[i]);

		if (s == NULL ||
		    strncmp(clause_of(page, s)->keyword, keyword, strlen(keyword)) != 0)
			continue;
		s->failed++;
		if (page_is_of_device(clause_of(page, s)))
			mark_broken(s, failure, count_cited(page, r, keyword));
	}
}

static void note_passed(struct page *page, const struct suite_result *r)
{
	for (unsigned i = 0; i < r->script->clause_count; i++) {
		struct page_statement *s = statement_of(page, r->script->clauses[i]);

		if (s == NULL)
			continue;
		if (r->target->transport && !r->target->model &&
		    page_is_of_device(clause_of(page, s)) &&
		    report_is_of_transport(r->script->clauses[i]))
			s->transport = true;
		else
			s->held++;
	}
}

void page_note_statements(struct page *page, const struct suite_result *r, unsigned failure)
{
	enum page_class class;
	bool must, should;

	for (unsigned i = 0; r->skip != NULL && i < r->script->clause_count; i++) {
		struct page_statement *s = statement_of(page, r->script->clauses[i]);

		if (s != NULL && s->skip == NULL)
			s->skip = r->skip;
	}
	if (r->skip != NULL || !r->job->expect)
		return;
	note_rules(page, r, failure);
	must = is_broken(r, SEVERITY_MUST);
	should = is_broken(r, SEVERITY_SHOULD);
	class = suite_outcome(r) == SUITE_FAILED ? page_class_of(r) : PAGE_CLASS_COUNT;
	if (must)
		break_cited(page, r, "MUST", class == PAGE_MUST ? failure : 0);
	if (should)
		break_cited(page, r, "SHOULD", class == PAGE_SHOULD ? failure : 0);
	if (!must && !should && suite_outcome(r) == SUITE_PASSED && !is_idle(r))
		note_passed(page, r);
}
