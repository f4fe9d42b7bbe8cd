/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Print what was found: failures, the gravest first, with the form that filters them; and
 * what fails nothing.
 */
#include "harness/page/page_internal.h"

#include <string.h>

/* What a failure can be filtered by. */
struct filter {
	const char *name, *label;
	/* The n-th value that the failure has; false: it has no more. */
	bool (*value)(const struct page_failure *f, unsigned n, char *text, size_t size);
};

static bool device_value(const struct page_failure *f, unsigned n, char *text, size_t size)
{
	snprintf(text, size, "%s", f->target);
	return n == 0;
}

static bool queue_value(const struct page_failure *f, unsigned n, char *text, size_t size)
{
	for (unsigned q = 0; q < 64; q++)
		if ((f->queues >> q & 1) != 0 && n-- == 0) {
			snprintf(text, size, "%u", q);
			return true;
		}
	return false;
}

static bool area_value(const struct page_failure *f, unsigned n, char *text, size_t size)
{
	const char *at = f->areas;

	for (; n > 0 && *at != '\0'; n--)
		at += strcspn(at, " ") + (at[strcspn(at, " ")] == ' ');
	snprintf(text, size, "%.*s", (int)strcspn(at, " "), at);
	return *at != '\0';
}

static bool severity_value(const struct page_failure *f, unsigned n, char *text, size_t size)
{
	snprintf(text, size, "%s", page_class_name((enum page_class)f->class));
	return n == 0;
}

/* What its signature begins with: a rule, or a kind of crash. */
static bool cause_value(const struct page_failure *f, unsigned n, char *text, size_t size)
{
	snprintf(text, size, "%.*s", (int)strcspn(f->signature, ": "), f->signature);
	return n == 0;
}

static const struct filter filters[] = {
	{ "device", "Device", device_value }, { "queue", "Queue", queue_value },
	{ "area", "Area", area_value },	      { "severity", "Severity", severity_value },
	{ "cause", "Cause", cause_value },
};

#define FILTER_COUNT (sizeof(filters) / sizeof(filters[0]))
#define VALUES_MAX 128u
#define VALUE_MAX 64u

static unsigned add_value(char values[][VALUE_MAX], unsigned count, const char *value)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(values[i], value) == 0)
			return count;
	if (count == VALUES_MAX)
		return count;
	snprintf(values[count], VALUE_MAX, "%s", value);
	return count + 1;
}

static void print_filter(FILE *out, const struct page *page, const struct filter *filter)
{
	static char values[VALUES_MAX][VALUE_MAX];
	char value[VALUE_MAX];
	unsigned count = 0;

	for (size_t i = 0; i < page->failure_count; i++)
		for (unsigned n = 0; filter->value(&page->failures[i], n, value, sizeof(value));
		     n++)
			count = add_value(values, count, value);
	fprintf(out,
		"<label for=\"by-%s\">%s <select id=\"by-%s\" name=\"%s\">"
		"<option value=\"\">all</option>",
		filter->name, filter->label, filter->name, filter->name);
	for (unsigned i = 0; i < count; i++) {
		fputs("<option>", out);
		page_text(out, values[i]);
		fputs("</option>", out);
	}
	fputs("</select></label>\n", out);
}

/* By what the results failed, the gravest first, each once. */
static void print_causes(FILE *out, const struct page *page)
{
	const char *before = "<p>By ";
	char cause[VALUE_MAX], other[VALUE_MAX];

	for (int class = 0; class < PAGE_CLASS_COUNT; class ++)
		for (size_t i = 0; i < page->failure_count; i++) {
			unsigned results = 0;
			size_t first = page->failure_count;

			if (page->failures[i].class != class)
				continue;
			cause_value(&page->failures[i], 0, cause, sizeof(cause));
			for (size_t k = 0; k < page->failure_count; k++) {
				cause_value(&page->failures[k], 0, other, sizeof(other));
				if (page->failures[k].class != class || strcmp(cause, other) != 0)
					continue;
				first = k < first ? k : first;
				results += page->failures[k].results;
			}
			if (first != i)
				continue;
			fprintf(out, "%s<code>", before);
			page_text(out, cause);
			fprintf(out, "</code> in %u", results);
			before = ", ";
		}
	fputs(".</p>\n", out);
}

/* It is shown by the script that makes it work. */
static void print_form(FILE *out, const struct page *page)
{
	fputs("<form id=\"filter\" hidden=\"hidden\"><fieldset><legend>Show only</legend>\n", out);
	for (size_t i = 0; i < FILTER_COUNT; i++)
		print_filter(out, page, &filters[i]);
	fputs("</fieldset><p id=\"shown\" role=\"status\" class=\"soft\"></p></form>\n", out);
}

static void print_failure(FILE *out, const struct page *page, size_t i)
{
	const struct page_failure *f = &page->failures[i];
	char value[VALUE_MAX];

	fprintf(out, "<details class=\"finding\" id=\"f%zu\"", i + 1);
	for (size_t k = 0; k < FILTER_COUNT; k++) {
		fprintf(out, " data-%s=\"", filters[k].name);
		for (unsigned n = 0; filters[k].value(f, n, value, sizeof(value)); n++) {
			fputs(n > 0 ? " " : "", out);
			page_text(out, value);
		}
		fputc('"', out);
	}
	fprintf(out, "%s><summary><span class=\"tag %s\">%s</span> <code>",
		page->failure_count == 1 ? " open=\"open\"" : "",
		page_class_name((enum page_class)f->class),
		page_class_name((enum page_class)f->class));
	page_text(out, f->signature);
	fputs("</code> <span class=\"soft\">", out);
	page_text(out, f->target);
	fputs(": ", out);
	page_text(out, f->path);
	if (f->results > 1)
		fprintf(out, ", %u results", f->results);
	fputs("</span></summary><div>\n", out);
	if (f->instances[0] != '\0') {
		fputs("<p>On ", out);
		page_text(out, f->instances);
		if (f->left_out > 0)
			fprintf(out, " and %u more", f->left_out);
		fputs(f->results > 1 ? "; the first is shown.</p>\n" : ".</p>\n", out);
	}
	fputs(f->body != NULL ? f->body : "", out);
	fputs("</div></details>\n", out);
}

void page_print_failures(FILE *out, const struct page *page)
{
	unsigned failed = 0;

	for (int i = 0; i < PAGE_CLASS_COUNT; i++)
		failed += page->failed[i];
	fputs("<section id=\"failures\"><h2>Failures</h2>\n", out);
	if (failed == 0) {
		fputs("<p class=\"none\">None.</p></section>\n", out);
		return;
	}
	if (page->failure_count > 1) {
		print_causes(out, page);
		print_form(out, page);
	}
	for (int class = 0; class < PAGE_CLASS_COUNT; class ++)
		for (size_t i = 0; i < page->failure_count; i++)
			if (page->failures[i].class == class)
				print_failure(out, page, i);
	if (page->failures_left_out > 0) {
		fputs("<p>", out);
		page_counted(out, page->failures_left_out, "more failed result");
		fputs(": the page shows no more of them.</p>\n", out);
	}
	fputs("</section>\n", out);
}

static void print_note(FILE *out, const struct page_note *n)
{
	fprintf(out, "<li><span class=\"tag\">%s</span> <code>",
		n->newer	   ? "newer"
		: n->known != NULL ? "known"
				   : page_class_name((enum page_class)n->class));
	page_text(out, n->signature);
	fputs("</code> ", out);
	page_scrubbed(out, n->message, 1);
	fputs(" <span class=\"soft\">", out);
	page_text(out, n->target);
	fprintf(out, ": in %u %s, ", n->results, n->results == 1 ? "result" : "results");
	fputs(n->results == 1 ? "" : "the first of ", out);
	page_text(out, n->path);
	if (n->known != NULL) {
		fputs("; known: ", out);
		page_text(out, n->known);
	}
	if (n->newer)
		fputs("; newer than the VIRTIO that the device was written against", out);
	fputs("</span></li>\n", out);
}

void page_print_notes(FILE *out, const struct page *page)
{
	fputs("<section id=\"notes\"><h2>What fails nothing</h2>\n", out);
	if (page->note_count == 0) {
		fputs("<p class=\"none\">None.</p></section>\n", out);
		return;
	}
	fputs("<p>Warnings, what is known, and what is newer than the device.</p><ul "
	      "class=\"notes\">\n",
	      out);
	for (int class = 0; class < PAGE_CLASS_COUNT; class ++)
		for (size_t i = 0; i < page->note_count; i++)
			if (page->notes[i].class == class)
				print_note(out, &page->notes[i]);
	fputs("</ul>\n", out);
	if (page->notes_left_out > 0)
		fprintf(out, "<p>%u more are left out.</p>\n", page->notes_left_out);
	fputs("</section>\n", out);
}
