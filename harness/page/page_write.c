/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The page: its head, the verdict, the devices; the other parts are in files of their own.
 * XHTML that is HTML too, so that any reader of XML can check it.
 */
#include "devices/table.h"
#include "harness/files/output.h"
#include "harness/page/page_internal.h"
#include "harness/run/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void print_title(FILE *out, const struct page *page)
{
	for (unsigned i = 0; i < page->device_count; i++) {
		fputs(i == 0 ? "" : ", ", out);
		if (i == 4 && page->device_count > 5) {
			fprintf(out, "%u more", page->device_count - i);
			return;
		}
		page_text(out, page->devices[i].target->name);
	}
	if (page->device_count == 0)
		fputs("no device", out);
}

/* Nothing is loaded from anywhere, and no script runs but ours. */
static void print_head(FILE *out, const struct page *page)
{
	fputs("<!DOCTYPE html>\n"
	      "<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\"><head>"
	      "<meta charset=\"utf-8\"/>\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'; script-src '",
	      out);
	fputs(page_script_hash, out);
	fputs("'\"/>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
	      "<title>vringer: conformance of ",
	      out);
	print_title(out, page);
	fprintf(out, "</title><style>\n%s</style></head><body>\n", page_style);
	fputs("<header><h1>Conformance to VIRTIO: ", out);
	print_title(out, page);
	fputs("</h1></header>\n", out);
}

static unsigned results(const struct suite *suite)
{
	return suite->passed + suite->failed + suite->expected;
}

struct class_words {
	const char *meaning; /* of a broken one */
	const char *deed;    /* of results that failed by it */
};
TABLE(static const struct class_words, class_words, PAGE_CLASS_COUNT, 2,
      [PAGE_CRASH] = { "crashes, hangs, leaks and the like",
		       "by a crash, a hang, a leak or the like" },
      [PAGE_MUST] = { "VIRTIO says MUST", "by a MUST of VIRTIO" },
      [PAGE_SHOULD] = { "VIRTIO says SHOULD", "by a SHOULD of VIRTIO" },
      [PAGE_LIMIT] = { "vringer&#8217;s policy on hostile guests",
		       "by a limit of vringer&#8217;s" },
      [PAGE_MODEL] = { "what vringer&#8217;s own models promise",
		       "by what vringer&#8217;s models promise" });

static void print_sentence(FILE *out, const struct page *page, const struct suite *suite)
{
	const char *before = ": ";

	if (results(suite) == 0) {
		fputs("<p class=\"verdict bad\">Nothing was judged: no script ran.</p>\n", out);
		return;
	}
	if (suite->failed == 0) {
		fputs("<p class=\"verdict good\">No failure in ", out);
		page_counted(out, results(suite), "result");
	} else {
		fprintf(out, "<p class=\"verdict bad\">%u of ", suite->failed);
		page_counted(out, results(suite), "result");
		fprintf(out, " %s", suite->failed == 1 ? "fails" : "fail");
	}
	for (int i = 0; i < PAGE_CLASS_COUNT && suite->failed > 0; i++) {
		if (page->failed[i] == 0)
			continue;
		fprintf(out, "%s%u %s", before, page->failed[i], class_words[i].deed);
		before = ", ";
	}
	fputs(".</p>\n", out);
}

static void print_small_print(FILE *out, const struct suite *suite)
{
	fputs("<p>", out);
	if (suite->expected > 0)
		fprintf(out, "%u met a known finding, which does not count. ", suite->expected);
	if (suite->warned > 0)
		fprintf(out, "%u %s something that fails nothing in this run. ", suite->warned,
			suite->warned == 1 ? "shows" : "show");
	if (suite->newer > 0)
		fprintf(out, "%u %s something that is newer than the device. ", suite->newer,
			suite->newer == 1 ? "breaks" : "break");
	if (suite->skipped > 0)
		fprintf(out, "%u %s skipped.", suite->skipped,
			suite->skipped == 1 ? "was" : "were");
	else
		fputs("None was skipped.", out);
	if (suite->left_out > 0)
		fprintf(out, " %u runs of long scripts were left out (--all-requests).",
			suite->left_out);
	fputs("</p>\n", out);
}

static void print_counts(FILE *out, unsigned met, unsigned broken, unsigned not_judged)
{
	fprintf(out, "<td>%u</td><td%s>%u</td><td>%u</td>", met, broken > 0 ? " class=\"bad\"" : "",
		broken, not_judged);
}

static void print_severity(FILE *out, const struct page *page, const struct suite *suite,
			   enum page_class class)
{
	unsigned rules[DEMAND_OUTCOME_COUNT] = { 0 };
	const unsigned *demands;

	fprintf(out,
		"<tr><th scope=\"row\" class=\"named\"><code>%s</code> <span class=\"soft\">%s"
		"</span></th><td%s>%u</td><td>%u</td>",
		page_class_name(class), class_words[class].meaning,
		page->failed[class] > 0 ? " class=\"bad\"" : "", page->failed[class],
		page->warned[class]);
	if (class == PAGE_CRASH) {
		fputs("<td colspan=\"6\"></td></tr>\n", out);
		return;
	}
	demands = suite->demands.of[class - PAGE_MUST];
	print_counts(out, demands[DEMAND_MET], demands[DEMAND_BROKEN], demands[DEMAND_NOT_JUDGED]);
	suite_count_rules(suite, (enum severity)(class - PAGE_MUST), rules);
	print_counts(out, rules[DEMAND_MET], rules[DEMAND_BROKEN], rules[DEMAND_NOT_JUDGED]);
	fputs("</tr>\n", out);
}

static void print_verdict(FILE *out, const struct page *page, const struct suite *suite)
{
	fputs("<section id=\"verdict\"><h2>Verdict</h2>\n", out);
	print_sentence(out, page, suite);
	print_small_print(out, suite);
	page_open_table(out, "By severity", "");
	fputs("<caption>By severity</caption><thead>"
	      "<tr><th scope=\"col\" rowspan=\"2\">Severity</th>"
	      "<th scope=\"colgroup\" colspan=\"2\">Results</th>"
	      "<th scope=\"colgroup\" colspan=\"3\">Demands of scripts</th>"
	      "<th scope=\"colgroup\" colspan=\"3\">Rules</th></tr>"
	      "<tr><th scope=\"col\">failed</th><th scope=\"col\">warned</th>"
	      "<th scope=\"col\">met</th><th scope=\"col\">broken</th>"
	      "<th scope=\"col\">not judged</th><th scope=\"col\">met</th>"
	      "<th scope=\"col\">broken</th><th scope=\"col\">not judged</th></tr>"
	      "</thead><tbody>\n",
	      out);
	for (int i = 0; i < PAGE_CLASS_COUNT; i++)
		print_severity(out, page, suite, (enum page_class)i);
	fputs("</tbody></table></div></section>\n", out);
}

static void print_nav(FILE *out, const struct page *page)
{
	fputs("<nav aria-label=\"Parts of this page\"><a href=\"#verdict\">Verdict</a> ", out);
	if (page->against != NULL)
		fputs("<a href=\"#comparison\">Comparison</a> ", out);
	fputs("<a href=\"#failures\">Failures</a> <a href=\"#notes\">Warnings</a> "
	      "<a href=\"#areas\">Areas</a> <a href=\"#devices\">Devices</a></nav>\n<main>\n",
	      out);
}

static void print_device(FILE *out, const struct page_device *device)
{
	const struct target *t = device->target;
	unsigned failed = device->counts[SUITE_FAILED];

	fputs("<tr><th scope=\"row\" class=\"named\">", out);
	page_text(out, t->name);
	fputs(" <span class=\"soft\">", out);
	page_text(out, t->help);
	fprintf(out, "</span></th><td>%u</td><td%s>%u</td><td>%u</td><td>%u</td></tr>\n",
		device->counts[SUITE_PASSED], failed > 0 ? " class=\"bad\"" : "", failed,
		device->counts[SUITE_EXPECTED], device->counts[SUITE_SKIPPED]);
}

/* What suite_print_*() prints, as a list. */
static void print_list(FILE *out, const struct suite *suite,
		       void (*print)(const struct suite *suite, FILE *out, const char *prefix))
{
	size_t len;
	char *text;
	FILE *plain = output_text_open(&text, &len);

	if (plain == NULL)
		return;
	print(suite, plain, "");
	if (output_text_close(plain, &text) != 0)
		return;
	for (char *line = text; *line != '\0';) {
		size_t n = strcspn(line, "\n");
		char *next = line + n + (line[n] == '\n');

		line[n] = '\0';
		fputs("<li>", out);
		page_text(out, line);
		fputs("</li>\n", out);
		line = next;
	}
	free(text);
}

static void print_more(const struct suite *suite, FILE *out, const char *prefix)
{
	uint64_t never[sizeof(suite->judged) / sizeof(suite->judged[0])];

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		never[i] = suite->not_judged[i] & ~suite->judged[i];
	report_not_judged(out, "rules never judged, for want of facts", never);
	for (unsigned i = 0; i < suite->target_count; i++)
		report_disagreements(out, prefix, suite->targets[i]);
	suite_print_skips(suite, out, prefix);
	suite_print_notes(suite, out, prefix);
}

static void print_devices(FILE *out, const struct page *page, const struct suite *suite)
{
	fputs("<section id=\"devices\"><h2>Devices</h2>\n", out);
	page_open_table(out, "Devices", "");
	fputs("<caption>Results of each device</caption><thead><tr><th scope=\"col\">Device</th>"
	      "<th scope=\"col\">passed</th>"
	      "<th scope=\"col\">failed</th><th scope=\"col\">known</th>"
	      "<th scope=\"col\">skipped</th></tr></thead><tbody>\n",
	      out);
	for (unsigned i = 0; i < page->device_count; i++)
		print_device(out, &page->devices[i]);
	if (page->device_count == 0)
		fputs("<tr><td colspan=\"5\" class=\"words\">None.</td></tr>\n", out);
	fputs("</tbody></table></div>\n<ul class=\"soft\">\n", out);
	print_list(out, suite, print_more);
	fputs("</ul></section>\n", out);
}

static void print_page(FILE *out, struct page *page, const struct suite *suite)
{
	print_head(out, page);
	print_nav(out, page);
	print_verdict(out, page, suite);
	page_print_comparison(out, page);
	page_print_failures(out, page);
	page_print_notes(out, page);
	page_print_areas(out, page, suite);
	print_devices(out, page, suite);
	fprintf(out, "</main>\n<script>%s</script></body></html>\n", page_script);
}

int page_write(struct page *page, const struct suite *suite, const char *path)
{
	size_t len;
	char *text;
	FILE *out = output_text_open(&text, &len);
	int err;

	if (out == NULL)
		return -ENOMEM;
	print_page(out, page, suite);
	err = output_text_close(out, &text);
	if (err != 0)
		return err;
	if (page->no_memory) {
		fprintf(stderr, "%s: %s\n", path, strerror(ENOMEM));
		err = -ENOMEM;
	} else {
		err = output_write(path, text, len);
	}
	free(text);
	return err;
}
