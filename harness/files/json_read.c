/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Read JSON.  See json_read.h.
 */
#include "harness/files/json_read.h"
#include "harness/files/escape.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct json_reader json_read_open(const char *path, const char *text, size_t len)
{
	return (struct json_reader){
		.path = path,
		.at = text,
		.end = text + len,
		.line_start = text,
		.line = 1,
	};
}

void json_read_refuse(struct json_reader *reader, const char *at, const char *found,
		      const char *expected)
{
	if (reader->failed)
		return;
	reader->failed = true;
	escape_line(stderr, reader->path, SIZE_MAX);
	fprintf(stderr, ":%u:%zu: found ", reader->line, (size_t)(at - reader->line_start) + 1);
	escape_line(stderr, found, SIZE_MAX);
	fprintf(stderr, ", expected %s\n", expected);
}

/* What stands there is wrong. */
static void refuse_here(struct json_reader *reader, const char *expected)
{
	char found[16];

	if (reader->at == reader->end)
		snprintf(found, sizeof(found), "the end");
	else
		snprintf(found, sizeof(found), "'%c'", *reader->at);
	json_read_refuse(reader, reader->at, found, expected);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_space(struct json_reader *reader)
{
	while (reader->at < reader->end && is_space(*reader->at)) {
		if (*reader->at == '\n') {
			reader->line++;
			reader->line_start = reader->at + 1;
		}
		reader->at++;
	}
}

char json_read_peek(struct json_reader *reader)
{
	if (reader->failed)
		return '\0';
	skip_space(reader);
	return reader->at < reader->end ? *reader->at : '\0';
}

static void expect(struct json_reader *reader, char c, const char *expected)
{
	if (reader->failed)
		return;
	if (json_read_peek(reader) != c)
		refuse_here(reader, expected);
	else
		reader->at++;
}

void json_read_object(struct json_reader *reader)
{
	expect(reader, '{', "an object");
	reader->first = true;
}

void json_read_array(struct json_reader *reader)
{
	expect(reader, '[', "an array");
	reader->first = true;
}

/* Is there another one, before what closes the object or the array?  Else it is left. */
static bool more(struct json_reader *reader, char close, const char *expected)
{
	bool first = reader->first;

	reader->first = false;
	if (json_read_peek(reader) == close) {
		reader->at++;
		return false;
	}
	if (!first)
		expect(reader, ',', expected);
	return !reader->failed;
}

bool json_read_element(struct json_reader *reader)
{
	return more(reader, ']', "',' or ']'");
}

bool json_read_key(struct json_reader *reader, char *key, size_t size)
{
	char name[256];

	if (!more(reader, '}', "',' or '}'"))
		return false;
	json_read_string(reader, name, sizeof(name));
	expect(reader, ':', "':'");
	snprintf(key, size, "%s", name);
	return !reader->failed;
}

/* Where a string goes. */
struct string {
	char *bytes;
	size_t len, size;
	bool full;
};

static void add(struct string *string, uint32_t byte)
{
	if (string->len + 1 < string->size)
		string->bytes[string->len++] = (char)byte;
	else
		string->full = true;
}

static void add_utf8(struct string *string, uint32_t code)
{
	if (code < 0x80) {
		add(string, code == 0 ? '?' : code);
	} else if (code < 0x800) {
		add(string, 0xc0 | code >> 6);
		add(string, 0x80 | (code & 0x3f));
	} else if (code >= 0xd800 && code < 0xe000) {
		add(string, '?');
	} else if (code < 0x10000) {
		add(string, 0xe0 | code >> 12);
		add(string, 0x80 | (code >> 6 & 0x3f));
		add(string, 0x80 | (code & 0x3f));
	} else {
		add(string, 0xf0 | code >> 18);
		add(string, 0x80 | (code >> 12 & 0x3f));
		add(string, 0x80 | (code >> 6 & 0x3f));
		add(string, 0x80 | (code & 0x3f));
	}
}

/* Four digits of base 16. */
static uint32_t read_hex(struct json_reader *reader)
{
	uint32_t code = 0;

	for (int i = 0; i < 4; i++) {
		if (reader->at == reader->end || !isxdigit((unsigned char)*reader->at)) {
			refuse_here(reader, "four digits of base 16");
			return 0;
		}
		code = code << 4 | (uint32_t)(isdigit((unsigned char)*reader->at)
						      ? *reader->at - '0'
						      : (*reader->at | ' ') - 'a' + 10);
		reader->at++;
	}
	return code;
}

static void read_escape(struct json_reader *reader, struct string *string)
{
	static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *letter;
	uint32_t code;

	if (reader->at < reader->end && *reader->at == 'u') {
		reader->at++;
		code = read_hex(reader);
		/* The other half of a pair. */
		if (code >= 0xd800 && code < 0xdc00 && reader->end - reader->at >= 6 &&
		    reader->at[0] == '\\' && reader->at[1] == 'u') {
			reader->at += 2;
			code = 0x10000 + ((code & 0x3ff) << 10 | (read_hex(reader) & 0x3ff));
		}
		add_utf8(string, code);
		return;
	}
	letter = reader->at < reader->end && *reader->at != '\0' ? strchr(letters, *reader->at)
								 : NULL;
	if (letter == NULL) {
		refuse_here(reader, "an escape of JSON");
		return;
	}
	add(string, (uint8_t)meant[letter - letters]);
	reader->at++;
}

void json_read_string(struct json_reader *reader, char *text, size_t size)
{
	struct string string = { text, 0, size, false };
	const char *start;

	text[0] = '\0';
	expect(reader, '"', "a string");
	start = reader->at - 1;
	while (!reader->failed) {
		if (reader->at == reader->end || (uint8_t)*reader->at < ' ') {
			refuse_here(reader, "'\"' at the end of a string");
		} else if (*reader->at == '"') {
			reader->at++;
			break;
		} else if (*reader->at == '\\') {
			reader->at++;
			read_escape(reader, &string);
		} else {
			add(&string, (uint8_t)*reader->at++);
		}
	}
	text[reader->failed ? 0 : string.len] = '\0';
	if (string.full)
		json_read_refuse(reader, start, "a string that is too long", "a shorter one");
}

/* A number, true, false or null. */
static void skip_word(struct json_reader *reader)
{
	static const char *const words[] = { "true", "false", "null" };
	size_t n = 0;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t len = strlen(words[i]);

		if ((size_t)(reader->end - reader->at) >= len &&
		    memcmp(reader->at, words[i], len) == 0)
			n = len;
	}
	if (*reader->at == '-' || isdigit((unsigned char)*reader->at))
		while (reader->at + n < reader->end && reader->at[n] != '\0' &&
		       strchr("+-.eE0123456789", reader->at[n]) != NULL)
			n++;
	if (n == 0)
		refuse_here(reader, "a value");
	reader->at += n;
}

/* A string of any length. */
static void skip_string(struct json_reader *reader)
{
	for (reader->at++; !reader->failed; reader->at++) {
		if (reader->at == reader->end || (uint8_t)*reader->at < ' ') {
			refuse_here(reader, "'\"' at the end of a string");
		} else if (*reader->at == '"') {
			reader->at++;
			return;
		} else if (*reader->at == '\\' && reader->at + 1 < reader->end) {
			reader->at++;
		}
	}
}

void json_read_skip(struct json_reader *reader)
{
	char close[JSON_READ_DEPTH_MAX], key[8];
	unsigned depth = 0;

	do {
		char c = json_read_peek(reader);

		if (reader->failed)
			return;
		if ((c == '{' || c == '[') && depth == JSON_READ_DEPTH_MAX) {
			refuse_here(reader, "values that are not so deep inside each other");
			return;
		}
		if (c == '{' || c == '[') {
			close[depth++] = c == '{' ? '}' : ']';
			reader->at++;
			reader->first = true;
		} else if (c == '"') {
			skip_string(reader);
		} else if (reader->at == reader->end) {
			refuse_here(reader, "a value");
		} else {
			skip_word(reader);
		}
		while (depth > 0 &&
		       !(close[depth - 1] == '}' ? json_read_key(reader, key, sizeof(key))
						 : json_read_element(reader))) {
			if (reader->failed)
				return;
			depth--;
		}
	} while (depth > 0);
	reader->first = false;
}

int json_read_end(struct json_reader *reader)
{
	if (!reader->failed && (json_read_peek(reader) != '\0' || reader->at != reader->end))
		refuse_here(reader, "the end");
	return reader->failed ? -EINVAL : 0;
}
