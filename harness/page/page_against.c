/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The results of another run, read from a file of `run --json`, and those of this one, kept
 * in the same form to be compared (page_changes.c).  Two results are of the same if file,
 * target, instance and transport are.
 */
#include "devices/table.h"
#include "harness/files/escape.h"
#include "harness/files/input.h"
#include "harness/files/json_read.h"
#include "harness/page/page_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define AGAINST_SIZE_MAX (256u << 20)
#define VALUE_MAX 8192u /* bytes of a string that is compared */

/* The members that a result is known by, in the order of its key. */
enum member {
	MEMBER_FILE,
	MEMBER_TARGET,
	MEMBER_QUEUE,
	MEMBER_REQUEST,
	MEMBER_LAYOUT,
	MEMBER_RING,
	MEMBER_TRANSPORT,
	MEMBER_COUNT
};

TABLE(static const char *const, members, MEMBER_COUNT, 1,
      [MEMBER_FILE] = "file",
      [MEMBER_TARGET] = "target",
      [MEMBER_QUEUE] = "queue",
      [MEMBER_REQUEST] = "request",
      [MEMBER_LAYOUT] = "layout",
      [MEMBER_RING] = "ring",
      [MEMBER_TRANSPORT] = "transport");

/* A result as it is read or noted; the values of members without control characters. */
struct entry {
	char *values[MEMBER_COUNT]; /* NULL: it has none */
	int outcome;		    /* enum suite_outcome; -1: it has none */
	char signature[VALUE_MAX];
};

/* As `run --json` and its reader make it of any bytes. */
static char *clean(struct page *page, const char *value)
{
	size_t len;
	char *text;
	FILE *out = open_memstream(&text, &len);

	if (out != NULL)
		escape_line(out, value, SIZE_MAX);
	if (out != NULL && fclose(out) == 0)
		return text;
	page->no_memory = true;
	return NULL;
}

static void set(struct page *page, struct entry *entry, enum member member, const char *value)
{
	free(entry->values[member]);
	entry->values[member] = clean(page, value);
}

static void release(struct entry *entry)
{
	for (int i = 0; i < MEMBER_COUNT; i++)
		free(entry->values[i]);
}

static void keep(struct page *page, struct page_results *results, const struct entry *entry)
{
	size_t len;
	struct page_result *list =
		page_grow(page, results->list, results->count, &results->room, sizeof(*list));
	struct page_result *result;
	FILE *out;

	if (list == NULL)
		return;
	results->list = list;
	result = &list[results->count];
	*result = (struct page_result){ .outcome = (uint8_t)entry->outcome };
	out = open_memstream(&result->key, &len);
	for (int i = 0; i < MEMBER_COUNT && out != NULL; i++)
		fprintf(out, "%s%s", i > 0 ? "\t" : "",
			entry->values[i] != NULL ? entry->values[i] : "");
	if (out == NULL || fclose(out) != 0) {
		page->no_memory = true;
		return;
	}
	/* JSON has no signature where what is missing is a chain. */
	result->signature =
		page_copy(page, entry->outcome == SUITE_FAILED && *entry->signature == '\0'
					? PAGE_NO_CHAIN
					: entry->signature);
	results->count++;
}

void page_note_result(struct page *page, const struct suite_result *r)
{
	const char *transport = transport_to_name(r->job->transport);
	struct entry entry = { .outcome = (int)suite_outcome(r) };
	const struct script_binding *binding = &r->instance->binding;
	char number[16];

	set(page, &entry, MEMBER_FILE, r->path);
	set(page, &entry, MEMBER_TARGET, r->target->name);
	snprintf(number, sizeof(number), "%u", binding->queue);
	if (r->instance->queue)
		set(page, &entry, MEMBER_QUEUE, number);
	if (r->instance->request != NULL) {
		set(page, &entry, MEMBER_REQUEST, r->instance->request->name);
		set(page, &entry, MEMBER_LAYOUT, field_names(FIELD_LAYOUT)[binding->layout]);
	}
	if (binding->ring != RING_FORMAT_SPLIT)
		set(page, &entry, MEMBER_RING, field_names(FIELD_RING)[binding->ring]);
	if (transport != NULL)
		set(page, &entry, MEMBER_TRANSPORT, transport);
	if (entry.outcome == SUITE_FAILED)
		snprintf(entry.signature, sizeof(entry.signature), "%s", page_signature_of(r));
	keep(page, &page->now, &entry);
	release(&entry);
}

/* The number as it stands there: it is compared as text. */
static void read_number(struct json_reader *reader, char *text, size_t size)
{
	const char *start;

	json_read_peek(reader);
	start = reader->at;
	json_read_skip(reader);
	snprintf(text, size, "%.*s", reader->failed ? 0 : (int)(reader->at - start), start);
}

static void read_outcome(struct json_reader *reader, struct entry *entry)
{
	const char *start;
	char name[VALUE_MAX];

	json_read_peek(reader);
	start = reader->at;
	json_read_string(reader, name, sizeof(name));
	for (int i = 0; i < SUITE_OUTCOME_COUNT; i++)
		if (strcmp(name, suite_outcome_name((enum suite_outcome)i)) == 0)
			entry->outcome = i;
	if (entry->outcome < 0)
		json_read_refuse(reader, start, name, "pass, fail, skip or known");
}

/* The findings of a result: the signature of the one that fails it, which is the first. */
static void read_findings(struct json_reader *reader, char *signature, size_t size)
{
	char key[32], text[VALUE_MAX];

	json_read_array(reader);
	while (json_read_element(reader)) {
		bool fails = false;

		text[0] = '\0';
		json_read_object(reader);
		while (json_read_key(reader, key, sizeof(key))) {
			if (strcmp(key, "signature") == 0) {
				json_read_string(reader, text, sizeof(text));
			} else if (strcmp(key, "fails") == 0) {
				fails = json_read_peek(reader) == 't';
				json_read_skip(reader);
			} else {
				json_read_skip(reader);
			}
		}
		if (fails && *signature == '\0')
			snprintf(signature, size, "%s", text);
	}
}

static void read_member(struct page *page, struct json_reader *reader, const char *key,
			struct entry *entry, char *finding)
{
	char value[VALUE_MAX];

	for (int i = 0; i < MEMBER_COUNT; i++) {
		if (strcmp(key, members[i]) != 0)
			continue;
		if (i == MEMBER_QUEUE)
			read_number(reader, value, sizeof(value));
		else
			json_read_string(reader, value, sizeof(value));
		if (!reader->failed)
			set(page, entry, (enum member)i, value);
		return;
	}
	if (strcmp(key, "result") == 0)
		read_outcome(reader, entry);
	else if (strcmp(key, "signature") == 0)
		json_read_string(reader, entry->signature, sizeof(entry->signature));
	else if (strcmp(key, "findings") == 0)
		read_findings(reader, finding, VALUE_MAX);
	else
		json_read_skip(reader);
}

static void read_result(struct page *page, struct json_reader *reader)
{
	static struct entry entry; /* its strings are large for a stack */
	static char finding[VALUE_MAX];
	const char *start;
	char key[32];

	json_read_peek(reader);
	start = reader->at;
	entry = (struct entry){ .outcome = -1 };
	finding[0] = '\0';
	json_read_object(reader);
	while (json_read_key(reader, key, sizeof(key)))
		read_member(page, reader, key, &entry, finding);
	if (entry.values[MEMBER_FILE] == NULL || entry.values[MEMBER_TARGET] == NULL ||
	    entry.outcome < 0)
		json_read_refuse(reader, start, "a result without file, target or result",
				 "one of run --json");
	if (*finding != '\0')
		snprintf(entry.signature, sizeof(entry.signature), "%s", finding);
	if (!reader->failed)
		keep(page, &page->old, &entry);
	release(&entry);
}

static void read_all(struct page *page, struct json_reader *reader)
{
	bool found = false;
	char key[32];

	json_read_object(reader);
	while (json_read_key(reader, key, sizeof(key))) {
		if (strcmp(key, "results") != 0) {
			json_read_skip(reader);
			continue;
		}
		found = true;
		json_read_array(reader);
		while (json_read_element(reader))
			read_result(page, reader);
	}
	if (!found)
		json_read_refuse(reader,
				 reader->at > reader->line_start ? reader->at - 1 : reader->at,
				 "an object without \"results\"", "the output of run --json");
}

int page_compare(struct page *page, const char *path)
{
	size_t len;
	char *text = input_read_large(path, AGAINST_SIZE_MAX, &len);
	struct json_reader reader;
	int err;

	if (text == NULL)
		return -EINVAL;
	reader = json_read_open(input_name(path), text, len);
	read_all(page, &reader);
	err = json_read_end(&reader);
	free(text);
	page->against = path;
	if (err == 0 && page->no_memory) {
		fprintf(stderr, "%s: %s\n", path, strerror(ENOMEM));
		err = -ENOMEM;
	}
	return err;
}
