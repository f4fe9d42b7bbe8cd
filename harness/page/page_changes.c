/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Print what changed between two runs: what broke, what healed, what fails in another way,
 * what is new or gone, what runs no longer.
 */
#include "harness/page/page_internal.h"

#include "devices/table.h"
#include <stdlib.h>
#include <string.h>

/* How a result changed. */
enum change {
	BROKE,
	OTHERWISE,
	HEALED,
	NEWLY_SKIPPED,
	NO_LONGER_SKIPPED,
	ADDED,
	GONE,
	CHANGE_COUNT
};

struct change_words {
	const char *title, *what;
};
TABLE(static const struct change_words, changes, CHANGE_COUNT, 2,
	[BROKE] = { "Broke", "they fail now, and did not" },
	[OTHERWISE] = { "Fail otherwise", "they failed, and fail now by something else" },
	[HEALED] = { "Healed", "they failed, and do not now" },
	[NEWLY_SKIPPED] = { "Skipped now", "they ran" },
	[NO_LONGER_SKIPPED] = { "Run now", "they were skipped, and pass" },
	[ADDED] = { "New", "they were not there" },
	[GONE] = { "Gone", "they are not there now" });

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct page_result *)a)->key, ((const struct page_result *)b)->key);
}

/* -1: nothing changed. */
static int change_of(const struct page_result *old, const struct page_result *now)
{
	if (old == NULL)
		return now->outcome == SUITE_FAILED ? BROKE : ADDED;
	if (now == NULL)
		return GONE;
	if (now->outcome == SUITE_FAILED && old->outcome == SUITE_FAILED)
		return strcmp(old->signature, now->signature) != 0 ? OTHERWISE : -1;
	if (now->outcome == SUITE_FAILED)
		return BROKE;
	if (old->outcome == now->outcome)
		return -1;
	if (now->outcome == SUITE_SKIPPED)
		return NEWLY_SKIPPED;
	if (old->outcome == SUITE_FAILED)
		return HEALED;
	return old->outcome == SUITE_SKIPPED ? NO_LONGER_SKIPPED : -1;
}

/* File, target, queue, request, layout, ring, transport. */
static void print_key(FILE *out, const char *key)
{
	static const char *const before[] = { "", " [", " q", " ", " ", " ", " by " };
	const char *at = key;

	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		size_t n = strcspn(at, "\t");
		char *value = n > 0 ? strndup(at, n) : NULL;

		if (value != NULL) {
			fputs(before[i], out);
			page_text(out, value);
		}
		free(value);
		at += n + (at[n] == '\t');
	}
	fputc(']', out);
}

/* `key` of the result, which one of the two runs may lack. */
static void print_change(FILE *out, const char *key, const struct page_result *old,
			 const struct page_result *now)
{
	fputs("<li>", out);
	print_key(out, key);
	if (now != NULL && now->outcome == SUITE_FAILED) {
		fputs(": <code>", out);
		page_text(out, now->signature);
		fputs("</code>", out);
	}
	if (old != NULL && old->outcome == SUITE_FAILED) {
		fputs(now != NULL && now->outcome == SUITE_FAILED ? ", was <code>" : ": was <code>",
		      out);
		page_text(out, old->signature);
		fputs("</code>", out);
	}
	if (old == NULL && now != NULL && now->outcome == SUITE_FAILED)
		fputs(" (new)", out);
	fputs("</li>\n", out);
}

/* Both lists are in order: go through them together, and print what changed so; `out` NULL:
 * only count. */
static unsigned print_changes(FILE *out, const struct page *page, enum change change)
{
	const struct page_results *o = &page->old, *n = &page->now;
	unsigned count = 0;
	size_t i = 0, j = 0;

	while (i < o->count || j < n->count) {
		int order = i == o->count   ? 1
			    : j == n->count ? -1
					    : strcmp(o->list[i].key, n->list[j].key);
		const struct page_result *old = order <= 0 ? &o->list[i++] : NULL;
		const struct page_result *now = order >= 0 ? &n->list[j++] : NULL;

		if (change_of(old, now) != (int)change)
			continue;
		if (out != NULL && count < PAGE_LIST_MAX)
			print_change(out, order <= 0 ? old->key : now->key, old, now);
		count++;
	}
	return count;
}

static void print_list(FILE *out, const struct page *page, enum change change, unsigned count)
{
	fprintf(out, "<details%s><summary>%s: %u</summary><p class=\"soft\">",
		change == BROKE && count <= PAGE_OPEN_MAX ? " open=\"open\"" : "",
		changes[change].title, count);
	page_counted(out, count, "result");
	fprintf(out, ": %s.</p><ul>\n", changes[change].what);
	print_changes(out, page, change);
	fputs("</ul>", out);
	if (count > PAGE_LIST_MAX)
		fprintf(out, "<p class=\"soft\">%u more are left out.</p>", count - PAGE_LIST_MAX);
	fputs("</details>\n", out);
}

void page_print_comparison(FILE *out, struct page *page)
{
	unsigned counts[CHANGE_COUNT], changed = 0;

	if (page->against == NULL)
		return;
	qsort(page->old.list, page->old.count, sizeof(*page->old.list), compare);
	qsort(page->now.list, page->now.count, sizeof(*page->now.list), compare);
	for (int i = 0; i < CHANGE_COUNT; i++)
		changed += counts[i] = print_changes(NULL, page, (enum change)i);
	fputs("<section id=\"comparison\"><h2>Compared with <code>", out);
	page_text(out, page->against);
	fputs("</code></h2>\n", out);
	if (changed == 0)
		fputs("<p>Nothing changed in ", out);
	else
		fprintf(out, "<p><span class=\"%s\">%u broke</span>, %u healed, of ",
			counts[BROKE] > 0 ? "bad" : "good", counts[BROKE], counts[HEALED]);
	page_counted(out, (unsigned)page->now.count, "result");
	fprintf(out, ".</p>\n");
	for (int i = 0; i < CHANGE_COUNT; i++)
		if (counts[i] > 0)
			print_list(out, page, (enum change)i, counts[i]);
	fputs("</section>\n", out);
}
