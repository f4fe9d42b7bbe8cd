/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Read JSON (RFC 8259), value after value, as a caller who knows what to expect asks for it.
 *
 * What is no JSON, or not what was asked for, is one line on stderr, `file:line:column: found
 * ..., expected ...`; from then on every call fails, quietly, so that a caller looks once at
 * the end.  Numbers are passed over only, and strings come out as UTF-8, half pairs of
 * UTF-16 and NUL as `?`.
 */
#ifndef VRINGER_HARNESS_JSON_READ_H
#define VRINGER_HARNESS_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>

#define JSON_READ_DEPTH_MAX 32u /* objects and arrays inside each other, passed over */

struct json_reader {
	const char *path;
	const char *at, *end;
	const char *line_start;
	unsigned line;
	bool first; /* in the object or the array that was entered last, nothing was read */
	bool failed;
};

/* `text` outlives the reader. */
struct json_reader json_read_open(const char *path, const char *text, size_t len);

/* The next character that is no space, where reader->at is then; '\0' at the end, or if it
 * failed. */
char json_read_peek(struct json_reader *reader);
/* Enter an object or an array. */
void json_read_object(struct json_reader *reader);
void json_read_array(struct json_reader *reader);
/* The next member's name, cut to `size`; false behind the last one, which leaves the object. */
bool json_read_key(struct json_reader *reader, char *key, size_t size);
/* Is there another element?  false leaves the array. */
bool json_read_element(struct json_reader *reader);
/* A string, which must have room. */
void json_read_string(struct json_reader *reader, char *text, size_t size);
/* Any value. */
void json_read_skip(struct json_reader *reader);
/* Nothing follows: 0; or -EINVAL if that or anything before was wrong. */
int json_read_end(struct json_reader *reader);
/* What was read last is not what the caller can take: says so of the place `at`. */
void json_read_refuse(struct json_reader *reader, const char *at, const char *found,
		      const char *expected);

#endif
