/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Write JSON (RFC 8259), one text after another, as it comes: nothing is kept back and
 * nothing is allocated.  Commas, quotes and what is open are this file's; the order of
 * members is the caller's.
 *
 * Each call writes one value.  In an object it has a key, a constant of ours that
 * needs no escape; elsewhere the key is NULL.  Errors of the stream are for its owner
 * to look at.
 */
#ifndef VRINGER_HARNESS_JSON_H
#define VRINGER_HARNESS_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH_MAX 16u /* objects and arrays inside each other */

struct json {
	FILE *out;
	unsigned depth;
	bool more[JSON_DEPTH_MAX + 1]; /* something is there already, at each depth */
	bool line;		       /* what comes next is on a line of its own */
};

/* A writer to `out`, which stays the caller's. */
struct json json_open(FILE *out);

void json_object(struct json *json, const char *key);
void json_object_end(struct json *json);
void json_array(struct json *json, const char *key);
void json_array_end(struct json *json);
/* What comes next stands on a new line. */
void json_break(struct json *json);
/* A whole text ends, and its line; the next may follow. */
void json_end(struct json *json);

/* Anybody's bytes: see escape.h. */
void json_string(struct json *json, const char *key, const char *text);
void json_number(struct json *json, const char *key, uint64_t value);
void json_signed(struct json *json, const char *key, int64_t value);
/* A string "0x...": 64 bits are more than readers of JSON keep. */
void json_hex(struct json *json, const char *key, uint64_t value);
void json_bool(struct json *json, const char *key, bool value);

#endif
