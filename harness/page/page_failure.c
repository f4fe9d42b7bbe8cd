/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A result that failed, as it stands on the page: what was wrong, the claim and the clauses,
 * the command that shows it again, and behind them the script, the trace and what was
 * printed, as far as the page has room for it.
 *
 * A script that fails in the same way for several queues, requests or layouts of a device is
 * one failure, shown as the first of them.
 */
#include "harness/files/output.h"
#include "harness/page/page_internal.h"
#include "harness/run/report.h"

#include <stdlib.h>
#include <string.h>

enum page_class page_class_of(const struct suite_result *r)
{
	const struct finding *finding = child_finding(r->child, r->job);

	if (finding != NULL && finding->kind != FINDING_RULE)
		return PAGE_CRASH;
	if (finding != NULL)
		return (enum page_class)(PAGE_MUST + rule_table[finding->rule].severity);
	if (r->child->failed_line != 0)
		return (enum page_class)(PAGE_MUST +
					 demand_severity(r->script, r->child->failed_line));
	/* That a chain must come back is a demand of who runs it. */
	return r->incomplete ? PAGE_LIMIT : PAGE_MUST;
}

const char *page_class_name(enum page_class class)
{
	return class == PAGE_CRASH ? "crash" : severity_name((enum severity)(class - PAGE_MUST));
}

/* The rule that it failed by; NULL: it was none. */
static const struct rule_desc *rule_of(const struct suite_result *r)
{
	const struct finding *finding = child_finding(r->child, r->job);

	return finding != NULL && finding->kind == FINDING_RULE ? &rule_table[finding->rule] : NULL;
}

const char *page_signature(const struct child_result *child, const struct child_job *job,
			   const char *none)
{
	const struct finding *finding = child_finding(child, job);

	return finding != NULL		 ? finding->signature
	       : child->failed_line != 0 ? child->demand.signature
					 : none;
}

const char *page_signature_of(const struct suite_result *r)
{
	return page_signature(r->child, r->job, PAGE_NO_CHAIN);
}

/* The line of the script at which it failed; 0: behind the last, or nobody knows. */
static unsigned line_of(const struct suite_result *r)
{
	const struct finding *finding = child_finding(r->child, r->job);

	if (finding == NULL)
		return r->child->failed_line;
	return finding->op < r->script->prog.op_count ? r->script->op_lines[finding->op] : 0;
}

static void add_area(char *areas, size_t size, const char *area)
{
	size_t len = strlen(areas), at = 0;

	if (*area == '\0')
		return;
	while (at < len) {
		size_t n = strcspn(areas + at, " ");

		if (strlen(area) == n && strncmp(areas + at, area, n) == 0)
			return;
		at += n + (areas[at + n] == ' ');
	}
	snprintf(areas + len, size - len, "%s%s", len > 0 ? " " : "", area);
}

/* Of the clause of the rule; where that is policy, of the script's. */
static void find_areas(const struct suite_result *r, char *areas, size_t size)
{
	const struct rule_desc *rule = rule_of(r);

	areas[0] = '\0';
	if (rule != NULL)
		add_area(areas, size, page_area_of(rule->clause));
	for (unsigned i = 0; i < r->script->clause_count && (rule == NULL || *areas == '\0'); i++)
		add_area(areas, size, page_area_of(r->script->clauses[i]));
}

static void print_clause(FILE *out, const char *id)
{
	const struct clause *clause = clause_find(id, strlen(id));

	fputs("<li><code>", out);
	page_text(out, id);
	fputs("</code>", out);
	if (clause != NULL && clause->keyword[0] != '\0')
		fprintf(out, " (the %s %s, VIRTIO 1.4, section %s)", clause->party, clause->keyword,
			clause->section);
	else if (strcmp(id, "policy") != 0)
		fputs(" (a section of VIRTIO 1.4)", out);
	if (clause != NULL && clause->words[0] != '\0') {
		fputs(": ", out);
		page_text(out, clause->words);
	}
	fputs("</li>", out);
}

static void print_rule(FILE *out, const struct rule_desc *rule)
{
	fprintf(out, "<dt>Rule</dt><dd><code>%s</code> (%s): ", rule->id,
		severity_name((enum severity)rule->severity));
	page_text(out, rule->demand);
	fputs("<ul>", out);
	print_clause(out, rule->clause);
	fputs("</ul></dd>\n", out);
}

/* What a function prints, as escaped text. */
static void print_again(FILE *out, const struct suite_result *r)
{
	size_t len;
	char *text;
	FILE *plain = output_text_open(&text, &len);

	if (plain == NULL)
		return;
	suite_print_again(plain, r);
	if (output_text_close(plain, &text) != 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	fputs("<dt>Again</dt><dd><code>", out);
	page_text(out, strncmp(text, "again: ", 7) == 0 ? text + 7 : text);
	fputs("</code></dd>\n", out);
	free(text);
}

static void print_guest(FILE *out, const struct suite_result *r)
{
	const struct finding *finding = child_finding(r->child, r->job);
	uint32_t op = finding != NULL ? finding->op : r->child->failed_op;
	size_t len;
	char *text;
	FILE *plain;

	fputs("<dt>Guest</dt><dd>", out);
	if (op >= r->script->prog.op_count) {
		fputs("after the program: ", out);
		page_text(out, finding != NULL ? finding->verb : "the end");
	} else if ((plain = output_text_open(&text, &len)) != NULL) {
		report_guest_op(plain, r->script, op);
		if (output_text_close(plain, &text) == 0) {
			page_text(out, text);
			free(text);
		}
	}
	fputs("</dd>\n", out);
}

static void print_message(FILE *out, const struct suite_result *r)
{
	const struct finding *finding = child_finding(r->child, r->job);

	fputs("<dt>Device</dt><dd>", out);
	if (finding != NULL)
		page_scrubbed(out, finding->message, 1);
	else if (r->child->failed_line != 0)
		page_text(out, r->child->failure);
	else
		fputs("no chain was returned, expected one at least", out);
	fputs("</dd>\n", out);
}

/* Lines of the script, those around `line` if they are many, with their numbers. */
static void print_script(FILE *out, const char *source, unsigned line)
{
	unsigned first = line > PAGE_SCRIPT_LINES / 2 ? line - PAGE_SCRIPT_LINES / 2 : 1;
	unsigned number = 1;

	fputs("<details><summary>Script</summary>", out);
	page_open_lines(out, "Script");
	if (first > 1)
		fprintf(out, "... %u lines left out ...\n", first - 1);
	for (; *source != '\0'; number++) {
		size_t n = strcspn(source, "\n");
		char text[512];

		snprintf(text, sizeof(text), "%.*s%s", (int)(n < 480 ? n : 480), source,
			 n < 480 ? "" : " ... cut ...");
		source += n + (source[n] == '\n');
		if (number < first)
			continue;
		if (number >= first + PAGE_SCRIPT_LINES)
			break;
		fprintf(out, "<i>%4u </i>%s", number, number == line ? "<mark>" : "");
		page_text(out, text);
		fprintf(out, "%s\n", number == line ? "</mark>" : "");
	}
	if (*source != '\0')
		fputs("... the lines behind these are left out ...\n", out);
	fputs("</pre></details>\n", out);
}

static void print_trace(FILE *out, const struct suite_result *r)
{
	char ended[sizeof(r->child->demand.signature)];
	char *text = page_trace(r, ended, sizeof(ended));

	if (text == NULL)
		return;
	fputs("<details><summary>Trace: what the guest did, and the device</summary>", out);
	if (strcmp(ended, page_signature_of(r)) != 0 && !r->incomplete) {
		fputs("<p>It ran once more for this trace, and ended otherwise: ", out);
		page_text(out, ended);
		fputs("</p>", out);
	}
	page_open_lines(out, "Trace");
	page_text(out, text);
	fputs("</pre></details>\n", out);
	free(text);
}

static void print_lines(FILE *out, const char *title, const char *text)
{
	if (*text == '\0')
		return;
	fprintf(out, "<details><summary>%s</summary>", title);
	page_open_lines(out, title);
	page_scrubbed(out, text, PAGE_REPORT_LINES);
	fputs("</pre></details>\n", out);
}

static void print_body(FILE *out, struct page *page, const struct suite_result *r,
		       const char *source)
{
	const struct rule_desc *rule = rule_of(r);

	fputs("<dl>\n", out);
	print_guest(out, r);
	print_message(out, r);
	if (rule != NULL)
		print_rule(out, rule);
	if (r->script->prose[0] != '\0') {
		fputs("<dt>Script&#8217;s claim</dt><dd>", out);
		page_text(out, r->script->prose);
		fputs("</dd>\n", out);
	}
	if (r->script->clause_count > 0) {
		fputs("<dt>It stands for</dt><dd><ul>", out);
		for (unsigned i = 0; i < r->script->clause_count; i++)
			print_clause(out, r->script->clauses[i]);
		fputs("</ul></dd>\n", out);
	}
	print_again(out, r);
	fputs("</dl>\n", out);
	if (page->details >= PAGE_DETAILS_MAX) {
		fputs("<p class=\"soft\">No script and no trace: the page is full. The command "
		      "above shows them.</p>\n",
		      out);
		return;
	}
	print_script(out, source, line_of(r));
	print_trace(out, r);
	if (page_class_of(r) == PAGE_CRASH)
		print_lines(out, "Report", r->report);
	print_lines(out, "What the device printed", r->words);
}

static char *make_body(struct page *page, const struct suite_result *r, const char *source)
{
	size_t len = 0;
	char *text;
	FILE *out = open_memstream(&text, &len);

	if (out != NULL)
		print_body(out, page, r, source);
	if (out == NULL || fclose(out) != 0) {
		page->no_memory = true;
		return NULL;
	}
	page->details += len;
	return text;
}

static void add_instance(struct page_failure *f, const struct suite_result *r)
{
	const char *transport = transport_to_name(r->job->transport);
	size_t len = strlen(f->instances);
	char text[INSTANCE_TEXT_MAX + 32];

	instance_print(r->instance, text, INSTANCE_TEXT_MAX);
	if (transport != NULL)
		snprintf(text + strlen(text), 32, " by %s", transport);
	f->results++;
	f->queues |= r->instance->queue && r->instance->binding.queue < 64
			     ? 1ULL << r->instance->binding.queue
			     : 0;
	if (text[0] == '\0')
		return;
	if (len + strlen(text) + 2 >= sizeof(f->instances) || f->left_out > 0)
		f->left_out++;
	else
		snprintf(f->instances + len, sizeof(f->instances) - len, "%s%s",
			 len > 0 ? ", " : "", text + (text[0] == ' '));
}

static bool is_same(const struct page_failure *f, const struct suite_result *r)
{
	return strcmp(f->path, r->path) == 0 && strcmp(f->target, r->target->name) == 0 &&
	       strcmp(f->signature, page_signature_of(r)) == 0;
}

unsigned page_keep_failure(struct page *page, const struct suite_result *r, const char *source)
{
	struct page_failure *f;

	page->failed[page_class_of(r)]++;
	/* The results of a script come one after the other. */
	for (size_t i = page->failure_count; i > 0; i--) {
		f = &page->failures[i - 1];
		if (strcmp(f->path, r->path) != 0)
			break;
		if (!is_same(f, r))
			continue;
		add_instance(f, r);
		return (unsigned)i;
	}
	if (page->failure_count == PAGE_FAILURES_MAX) {
		page->failures_left_out++;
		return 0;
	}
	f = page_grow(page, page->failures, page->failure_count, &page->failure_room, sizeof(*f));
	if (f == NULL)
		return 0;
	page->failures = f;
	f = &page->failures[page->failure_count++];
	*f = (struct page_failure){
		.path = page_copy(page, r->path),
		.target = page_copy(page, r->target->name),
		.signature = page_copy(page, page_signature_of(r)),
		.class = (uint8_t)page_class_of(r),
	};
	find_areas(r, f->areas, sizeof(f->areas));
	add_instance(f, r);
	f->body = make_body(page, r, source);
	return (unsigned)page->failure_count;
}
