/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What is kept of results until the page is written.  See page.h.
 */
#include "harness/files/escape.h"
#include "harness/page/page_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS_DIGITS 9 /* a number of so many is no size and no offset */

void *page_grow(struct page *page, void *list, size_t count, size_t *room, size_t size)
{
	void *more;

	if (count < *room)
		return list;
	more = reallocarray(list, *room > 0 ? 2 * *room : 64, size);
	if (more == NULL)
		page->no_memory = true;
	else
		*room = *room > 0 ? 2 * *room : 64;
	return more;
}

char *page_copy(struct page *page, const char *text)
{
	char *copy = strdup(text);

	page->no_memory |= copy == NULL;
	return copy;
}

void page_text(FILE *out, const char *text)
{
	escape_xml(out, text != NULL ? text : "");
}

void page_counted(FILE *out, unsigned count, const char *noun)
{
	fprintf(out, "%u %s%s", count, noun, count == 1 ? "" : "s");
}

void page_open_table(FILE *out, const char *label, const char *class)
{
	fprintf(out,
		"<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"%s\">"
		"<table class=\"%s\">",
		label, class);
}

void page_open_lines(FILE *out, const char *label)
{
	fprintf(out, "<pre tabindex=\"0\" role=\"group\" aria-label=\"%s\">", label);
}

/* How much of the line is an address or "==PID==": 0, or its length. */
static size_t unsteady(const char *at)
{
	size_t n;

	if (strncmp(at, "==", 2) == 0) {
		n = 2 + strspn(at + 2, "0123456789");
		return n > 2 && strncmp(at + n, "==", 2) == 0 ? n + 2 : 0;
	}
	if (strncmp(at, "0x", 2) != 0)
		return 0;
	n = 2;
	while (isxdigit((unsigned char)at[n]))
		n++;
	return n >= 2 + ADDRESS_DIGITS ? n : 0;
}

static void print_line(FILE *out, const char *text, size_t len)
{
	char *line = strndup(text, len), *from = line;

	for (char *at = line; at != NULL && *at != '\0';) {
		size_t n = unsteady(at);
		char first = *at;

		if (n == 0) {
			at++;
			continue;
		}
		*at = '\0';
		page_text(out, from);
		fputs(first == '0' ? "0x..." : "==", out);
		at += n;
		from = at;
	}
	page_text(out, from);
	free(line);
}

void page_scrubbed(FILE *out, const char *text, unsigned lines)
{
	for (unsigned i = 0; *text != '\0'; i++) {
		size_t n = strcspn(text, "\n");

		if (i == lines) {
			fputs("\n... cut ...", out);
			return;
		}
		if (i > 0)
			fputc('\n', out);
		print_line(out, text, n);
		text += n + (text[n] == '\n');
	}
}

static struct page_device *device_of(struct page *page, const struct target *target)
{
	unsigned i = 0;

	while (i < page->device_count && page->devices[i].target != target)
		i++;
	if (i == SUITE_TARGETS_MAX)
		return NULL;
	if (i == page->device_count)
		page->devices[page->device_count++] = (struct page_device){ .target = target };
	return &page->devices[i];
}

/* `kind`: what it is, and for what is known the reason. */
static void keep_note(struct page *page, const struct suite_result *r, const char *signature,
		      const struct page_note *kind, const char *message)
{
	struct page_note *n;

	for (size_t i = 0; i < page->note_count; i++) {
		n = &page->notes[i];
		if (strcmp(n->signature, signature) == 0 &&
		    strcmp(n->target, r->target->name) == 0 && n->newer == kind->newer &&
		    (n->known != NULL) == (kind->known != NULL)) {
			n->results++;
			return;
		}
	}
	if (page->note_count == PAGE_NOTES_MAX) {
		page->notes_left_out++;
		return;
	}
	n = page_grow(page, page->notes, page->note_count, &page->note_room, sizeof(*n));
	if (n == NULL)
		return;
	page->notes = n;
	page->notes[page->note_count++] = (struct page_note){
		.signature = page_copy(page, signature),
		.target = page_copy(page, r->target->name),
		.path = page_copy(page, r->path),
		.message = page_copy(page, message),
		.known = kind->known,
		.newer = kind->newer,
		.class = kind->class,
		.results = 1,
	};
}

static void keep_finding_notes(struct page *page, const struct suite_result *r, bool *seen)
{
	const struct finding *failing = child_finding(r->child, r->job);

	for (unsigned i = 0; i < r->child->finding_count; i++) {
		const struct finding *f = &r->child->findings[i];
		struct page_note kind = {
			.known = f->known,
			.newer = finding_is_newer(f, &r->job->judging),
			.class = f->kind == FINDING_RULE
					 ? (uint8_t)(PAGE_MUST + rule_table[f->rule].severity)
					 : PAGE_CRASH,
		};

		if (f == failing)
			continue;
		seen[kind.class] |= f->known == NULL && !kind.newer;
		keep_note(page, r, f->signature, &kind, f->message);
	}
}

/* What was found and fails nothing, each once for a result. */
static void keep_notes(struct page *page, const struct suite_result *r)
{
	bool seen[PAGE_CLASS_COUNT] = { false };

	keep_finding_notes(page, r, seen);
	for (unsigned i = 0; i < r->child->unmet_count; i++) {
		const struct child_unmet *u = &r->child->unmet[i];
		struct page_note kind = {
			.newer = u->newer,
			.class = (uint8_t)(PAGE_MUST + u->severity),
		};
		char place[512];

		snprintf(place, sizeof(place), "%s:%u", r->path, u->line);
		seen[kind.class] |= !u->newer;
		keep_note(page, r, place, &kind, u->message);
	}
	if (r->child->demand.known != NULL) {
		struct page_note kind = {
			.known = r->child->demand.known,
			.class = (uint8_t)page_class_of(r),
		};

		keep_note(page, r, r->child->demand.signature, &kind, r->child->failure);
	}
	for (int i = 0; i < PAGE_CLASS_COUNT; i++)
		page->warned[i] += seen[i];
}

void page_add(struct page *page, const struct suite_result *r, const char *source)
{
	struct page_device *device = device_of(page, r->target);
	unsigned failure = 0;

	if (device != NULL)
		device->counts[suite_outcome(r)]++;
	if (suite_outcome(r) == SUITE_FAILED)
		failure = page_keep_failure(page, r, source);
	if (r->skip == NULL)
		keep_notes(page, r);
	page_note_statements(page, r, failure);
	if (page->against != NULL)
		page_note_result(page, r);
}

int page_open(struct page **page)
{
	*page = calloc(1, sizeof(**page));
	if (*page == NULL)
		return -ENOMEM;
	(*page)->statements = calloc(clause_count, sizeof(*(*page)->statements));
	if ((*page)->statements != NULL)
		return 0;
	free(*page);
	*page = NULL;
	return -ENOMEM;
}

static void release_results(struct page_results *results)
{
	for (size_t i = 0; i < results->count; i++) {
		free(results->list[i].key);
		free(results->list[i].signature);
	}
	free(results->list);
}

void page_close(struct page *page)
{
	if (page == NULL)
		return;
	for (size_t i = 0; i < page->failure_count; i++) {
		free(page->failures[i].path);
		free(page->failures[i].target);
		free(page->failures[i].signature);
		free(page->failures[i].body);
	}
	for (size_t i = 0; i < page->note_count; i++) {
		free(page->notes[i].signature);
		free(page->notes[i].target);
		free(page->notes[i].path);
		free(page->notes[i].message);
	}
	free(page->failures);
	free(page->notes);
	free(page->statements);
	release_results(&page->now);
	release_results(&page->old);
	free(page);
}
