/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Print the statements of an area of VIRTIO, a row for each: what it says in our own words,
 * and what became of it in this run, or why nothing did.
 */
#include "harness/page/page_internal.h"

#include <stdlib.h>
#include <string.h>

/* Who judges a statement, or the reason why nobody does: the bugs that show it are left out. */
static void print_by(FILE *out, const char *before, const char *by)
{
	bool any = false;

	for (const char *at = by; *at != '\0';) {
		size_t n = strcspn(at, " ");
		char *word = strndup(at, n);

		at += n + (at[n] == ' ');
		if (word != NULL && n > 0 && strncmp(word, "bug:", 4) != 0 &&
		    strcmp(word, "-") != 0) {
			fprintf(out, "%s", any ? " " : before);
			fputs(any ? "" : "<span class=\"soft\">", out);
			page_text(out, word);
			any = true;
		}
		free(word);
	}
	fputs(any ? "</span>" : "", out);
}

/* Why a statement about the device was not judged. */
static void print_why(FILE *out, const struct page *page, const struct clause *clause)
{
	const struct page_statement *s = &page->statements[clause - clause_table];
	static const struct {
		const char *how, *words;
	} reasons[] = {
		{ "unoffered", "no device of vringer offers what it is about" },
		{ "unseen", "it cannot be seen from guest and host" },
		{ "permits", "it permits something: there is nothing to break" },
	};

	if (page_is_newer(page, clause)) {
		fprintf(out, "not held against devices of VIRTIO %u.%u",
			(unsigned)page->devices[0].target->virtio >> 8,
			(unsigned)page->devices[0].target->virtio & 0xff);
		return;
	}
	if (s->transport || page_is_of_our_transport(page, clause)) {
		fputs("not judged: vringer&#8217;s own transport keeps it, not the device", out);
		return;
	}
	if (s->skip != NULL) {
		fputs("not judged, skipped: ", out);
		page_text(out, s->skip);
		return;
	}
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (strcmp(clause->how, reasons[i].how) != 0)
			continue;
		fprintf(out, "not judged: %s", reasons[i].words);
		print_by(out, ": ", clause->by);
		return;
	}
	fputs("not judged: no rule, and no script that came to its end, was about it", out);
	print_by(out, "; it is judged by ", clause->by);
}

static void print_broken(FILE *out, const struct suite *suite, const struct clause *clause,
			 const struct page_statement *s)
{
	int rule = page_judging_rule(suite, clause, true);

	fputs("<span class=\"bad\">broken</span>", out);
	if (rule >= 0)
		fprintf(out, ", by rule <code>%s</code>", rule_table[rule].id);
	else if (s->shared > 1)
		fprintf(out, ", or another of the %u that the script cites", s->shared);
	if (s->failure != 0)
		fprintf(out, ": <a href=\"#f%u\">failure %u</a>", s->failure, s->failure);
}

static void print_kept(FILE *out, const struct suite *suite, const struct clause *clause,
		       const struct page_statement *s)
{
	int rule = page_judging_rule(suite, clause, false);

	fputs("<span class=\"good\">kept</span>", out);
	if (s->held > 0) {
		fputs(", in ", out);
		page_counted(out, s->held, "result");
	}
	if (rule >= 0)
		fprintf(out, "%s by rule <code>%s</code>", s->held > 0 ? ", and" : ",",
			rule_table[rule].id);
}

static void print_driver(FILE *out, const struct clause *clause, const struct page_statement *s)
{
	if (s->held > 0 || s->failed > 0) {
		fputs("tried: ", out);
		if (s->failed > 0)
			fputs("<span class=\"bad\">", out);
		page_counted(out, s->failed, "result");
		fprintf(out, " failed%s, %u passed", s->failed > 0 ? "</span>" : "", s->held);
		return;
	}
	fputs("not tried", out);
	if (s->skip != NULL) {
		fputs(", skipped: ", out);
		page_text(out, s->skip);
		return;
	}
	print_by(out, strcmp(clause->how, "broken") == 0 ? " in this run; by " : ": ", clause->by);
}

static void print_statement(FILE *out, const struct page *page, const struct suite *suite,
			    const struct clause *clause)
{
	const struct page_statement *s = &page->statements[clause - clause_table];
	bool of_device = page_is_of_device(clause);
	enum page_state state = of_device ? page_state_of(page, suite, clause) : PAGE_CANNOT_BE;

	fprintf(out,
		"<tr><th scope=\"row\" class=\"named\"><code>%s</code> <span class=\"soft\">%s %s",
		clause->id, clause->section, clause->keyword);
	if (clause->since[0] != '\0' && strcmp(clause->since, "1.2") != 0) {
		fputs(", since ", out);
		page_text(out, clause->since);
	}
	fputs("</span></th><td class=\"words\">", out);
	page_text(out, clause->words);
	fputs("</td><td class=\"words\">", out);
	if (!of_device)
		print_driver(out, clause, s);
	else if (state == PAGE_BROKEN)
		print_broken(out, suite, clause, s);
	else if (state == PAGE_KEPT)
		print_kept(out, suite, clause, s);
	else
		print_why(out, page, clause);
	fputs("</td></tr>\n", out);
}

static void print_section(FILE *out, int rule)
{
	fprintf(out,
		"<tr><th scope=\"row\" class=\"named\"><code>%s</code> <span class=\"soft\">the "
		"section</span></th><td class=\"words\">",
		rule_table[rule].clause);
	page_text(out, rule_table[rule].demand);
	fprintf(out,
		"</td><td class=\"words\"><span class=\"bad\">broken</span>, by rule "
		"<code>%s</code></td></tr>\n",
		rule_table[rule].id);
}

/* Places in clause_table by id, the numbers in it as numbers; the device's first. */
static int compare(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return strverscmp(clause_table[*x].id, clause_table[*y].id);
}

void page_print_statements(FILE *out, const struct page *page, const struct suite *suite,
			   const char *area)
{
	size_t *list = calloc(clause_count, sizeof(*list)), count = 0;

	for (int i = 0; i < RULE_COUNT; i++)
		if (page_breaks_section(suite, i) && page_area_of(rule_table[i].clause) == area)
			print_section(out, i);
	for (size_t i = 0; i < clause_count && list != NULL; i++)
		if (page_is_statement(&clause_table[i]) && page_area_of(clause_table[i].id) == area)
			list[count++] = i;
	if (list != NULL)
		qsort(list, count, sizeof(*list), compare);
	for (size_t i = 0; i < count; i++)
		print_statement(out, page, suite, &clause_table[list[i]]);
	free(list);
}
