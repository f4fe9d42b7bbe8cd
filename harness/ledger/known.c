/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The list of known findings.  See known.h.
 *
 * A line that no finding can match is an error: what stands before the first ':' must
 * be a rule's id, or one of a few words.
 */
#include "harness/ledger/known.h"
#include "harness/files/escape.h"
#include "harness/files/hash.h"
#include "harness/files/input.h"
#include "harness/program/text.h"
#include "harness/rules/finding.h"
#include "harness/rules/rules.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* How other signatures begin: the kinds of crash, a `>` line that is not met (child.h), what
 * a device in another process does (harness/peers/). */
static const char *const kinds[] = { "asan",	     "ubsan",  "lsan",	 "signal",
				     "exit",	     "hang",   "leak",	 "out-of-memory",
				     "endless-loop", "create", "demand", "peer" };

/* A line of the file, as it is read. */
struct line {
	const char *path;
	unsigned number;
	const char *text; /* `len` bytes */
	size_t len, at;
};

static int fail(const struct line *line, size_t at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(const struct line *line, size_t at, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%u:%zu: ", line->path, line->number, at + 1);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return -EINVAL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void skip_blanks(struct line *line)
{
	while (line->at < line->len && is_blank(line->text[line->at]))
		line->at++;
}

static bool is_kind(const char *name, size_t len)
{
	for (int i = 0; i < RULE_COUNT; i++)
		if (strlen(rule_table[i].id) == len && memcmp(rule_table[i].id, name, len) == 0)
			return true;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i]) == len && memcmp(kinds[i], name, len) == 0)
			return true;
	return false;
}

/* The signature that the line begins with: its length, or -EINVAL. */
static int read_signature(struct line *line)
{
	const char *text = line->text + line->at;
	size_t begin = line->at, kind = 0, len;

	while (line->at < line->len && !is_blank(line->text[line->at])) {
		unsigned char c = (unsigned char)line->text[line->at];

		if (c < ' ' || c > '~')
			return fail(line, line->at,
				    "byte 0x%02x, expected a signature of printable characters", c);
		line->at++;
	}
	len = line->at - begin;
	while (kind < len && text[kind] != ':')
		kind++;
	if (!is_kind(text, kind))
		return fail(line, begin,
			    "no signature begins with '%s', expected a rule of 'vringer rules', "
			    "asan, "
			    "ubsan, lsan, signal, exit, hang, leak, ... and ':'",
			    text_quote(&(struct text_word){ text, kind }).text);
	if (kind == len || text[len - 1] == ':')
		return fail(line, line->at,
			    "the signature ends here, expected %sthe operation, "
			    "or '*'",
			    kind == len ? "':' and " : "");
	if (len >= sizeof(((struct finding *)NULL)->signature))
		return fail(line, begin, "the signature is too long, expected at most %zu bytes",
			    sizeof(((struct finding *)NULL)->signature) - 1);
	return (int)len;
}

/* The reason: its length, or -EINVAL; line->at is where it begins. */
static int read_reason(struct line *line)
{
	size_t end = line->len;

	skip_blanks(line);
	if (line->at == line->len)
		return fail(line, line->at,
			    "the line ends here, expected '#' and why the finding is known");
	if (line->text[line->at] != '#')
		return fail(line, line->at, "'%c', expected '#' and why the finding is known",
			    line->text[line->at]);
	line->at++;
	skip_blanks(line);
	while (end > line->at && is_blank(line->text[end - 1]))
		end--;
	if (end == line->at)
		return fail(line, line->at, "no reason, expected why the finding is known");
	for (size_t i = line->at; i < end; i++)
		if ((unsigned char)line->text[i] < ' ' && line->text[i] != '\t')
			return fail(line, i, "byte 0x%02x, expected text",
				    (unsigned char)line->text[i]);
	return (int)(end - line->at);
}

static size_t hash_of(const char *text, size_t len)
{
	uint64_t h = hash_bytes(HASH_START, text, len);

	return (size_t)(h ^ h >> 32);
}

/* The slot in the table of the entry with that signature, or the free slot for it. */
static size_t *slot_of(const struct known *known, const char *signature)
{
	size_t at = hash_of(signature, strlen(signature)) % known->slot_count;

	while (known->slots[at] != 0 &&
	       strcmp(known->entries[known->slots[at] - 1].signature, signature) != 0)
		at = (at + 1) % known->slot_count;
	return &known->slots[at];
}

static struct known_entry *find(const struct known *known, const char *signature)
{
	size_t at = known != NULL && known->slot_count > 0 ? *slot_of(known, signature) : 0;

	return at != 0 ? &known->entries[at - 1] : NULL;
}

/* The entry with that signature, or the one that matches it with '*'; if both are
 * there, the one that was added first. */
static struct known_entry *match(const struct known *known, const char *signature)
{
	const char *operation = strrchr(signature, ':');
	struct known_entry *exact = find(known, signature), *any = NULL;
	char like[sizeof(((struct finding *)NULL)->signature) + 1];
	int len = operation != NULL ? (int)(operation + 1 - signature) : 0;

	if (len > 0 && (size_t)len + 1 < sizeof(like)) {
		snprintf(like, sizeof(like), "%.*s*", len, signature);
		any = find(known, like);
	}
	if (exact == NULL || any == NULL)
		return exact != NULL ? exact : any;
	return exact < any ? exact : any;
}

/* Make room for one more entry; the table is never more than half full. */
static int grow(struct known *known)
{
	size_t room = known->room != 0 ? 2 * known->room : 16;
	struct known_entry *entries;
	size_t *slots;

	if (known->count < known->room)
		return 0;
	slots = calloc(2 * room, sizeof(*slots));
	if (slots == NULL)
		return -ENOMEM;
	free(known->slots);
	known->slots = slots;
	known->slot_count = 2 * room;
	for (size_t i = 0; known->entries != NULL && i < known->count; i++)
		*slot_of(known, known->entries[i].signature) = i + 1;
	entries = realloc(known->entries, room * sizeof(*entries));
	if (entries == NULL)
		return -ENOMEM;
	known->entries = entries;
	known->room = room;
	return 0;
}

/* Takes ownership of both strings.  The signature is not in the list yet. */
static int add(struct known *known, char *signature, char *reason, unsigned line)
{
	if (signature == NULL || reason == NULL || grow(known) != 0 || known->entries == NULL) {
		free(signature);
		free(reason);
		return -ENOMEM;
	}
	known->entries[known->count] = (struct known_entry){ signature, reason, line, 0 };
	*slot_of(known, signature) = ++known->count;
	return 0;
}

static int read_line(struct known *known, struct line *line)
{
	const struct known_entry *other;
	int signature_len, reason_len, err;
	size_t begin;
	char *name;

	if (line->number == 1 && text_mark(line->text, line->len) != NULL)
		return fail(line, 0, "%s, expected text without one",
			    text_mark(line->text, line->len));
	skip_blanks(line);
	if (line->at == line->len || line->text[line->at] == '#')
		return 0;
	begin = line->at;
	signature_len = read_signature(line);
	if (signature_len < 0)
		return signature_len;
	reason_len = read_reason(line);
	if (reason_len < 0)
		return reason_len;
	name = strndup(line->text + begin, (size_t)signature_len);
	other = name != NULL ? find(known, name) : NULL;
	if (other != NULL) {
		err = fail(line, begin, "'%s' is already on line %u, expected it once", name,
			   other->line);
		free(name);
		return err;
	}
	err = add(known, name, strndup(line->text + line->at, (size_t)reason_len), line->number);
	return err != 0 ? fail(line, begin, "%s", strerror(-err)) : 0;
}

int known_load(struct known *known, const char *path)
{
	size_t len, at = 0;
	char *data = input_read(path, &len);
	struct line line = { .path = input_name(path) };
	int err = 0;

	if (data == NULL)
		return -EINVAL;
	while (err == 0 && at < len) {
		const char *end = memchr(data + at, '\n', len - at);

		line.number++;
		line.text = data + at;
		line.len = end != NULL ? (size_t)(end - line.text) : len - at;
		line.at = 0;
		err = read_line(known, &line);
		at += line.len + 1;
	}
	free(data);
	return err;
}

void known_release(struct known *known)
{
	for (size_t i = 0; i < known->count; i++) {
		free(known->entries[i].signature);
		free(known->entries[i].reason);
	}
	free(known->entries);
	free(known->slots);
	*known = (struct known){ .count = 0 };
}

const char *known_reason(const struct known *known, const char *signature)
{
	const struct known_entry *entry = match(known, signature);

	return entry != NULL ? entry->reason : NULL;
}

bool known_hit(struct known *known, const char *signature)
{
	struct known_entry *entry = match(known, signature);

	return entry != NULL && entry->hits++ == 0;
}

void known_report(FILE *out, const char *prefix, const struct known *known)
{
	for (size_t i = 0; known != NULL && i < known->count; i++) {
		const struct known_entry *entry = &known->entries[i];

		if (entry->hits == 0)
			continue;
		fprintf(out, "%sknown: ", prefix);
		escape_line(out, entry->signature, SIZE_MAX);
		fputs("  # ", out);
		escape_line(out, entry->reason, SIZE_MAX);
		fprintf(out, " (met %u time%s)\n", entry->hits, entry->hits > 1 ? "s" : "");
	}
}

void known_report_json(struct json *json, const char *key, const struct known *known)
{
	json_array(json, key);
	for (size_t i = 0; known != NULL && i < known->count; i++) {
		if (known->entries[i].hits == 0)
			continue;
		json_object(json, NULL);
		json_string(json, "signature", known->entries[i].signature);
		json_string(json, "reason", known->entries[i].reason);
		json_number(json, "hits", known->entries[i].hits);
		json_object_end(json);
	}
	json_array_end(json);
}
