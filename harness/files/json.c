/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Write JSON.  See json.h.
 */
#include "harness/files/json.h"
#include "harness/files/escape.h"

#include <assert.h>
#include <inttypes.h>

struct json json_open(FILE *out)
{
	return (struct json){ .out = out };
}

/* What stands before a value. */
static void begin(struct json *json, const char *key)
{
	if (json->more[json->depth])
		fputc(',', json->out);
	json->more[json->depth] = true;
	if (json->line)
		fputc('\n', json->out);
	json->line = false;
	if (key != NULL)
		fprintf(json->out, "\"%s\":", key);
}

static void open_value(struct json *json, const char *key, char bracket)
{
	begin(json, key);
	fputc(bracket, json->out);
	assert(json->depth < JSON_DEPTH_MAX);
	json->more[++json->depth] = false;
}

static void close_value(struct json *json, char bracket)
{
	assert(json->depth > 0);
	json->depth--;
	if (json->line)
		fputc('\n', json->out);
	json->line = false;
	fputc(bracket, json->out);
}

void json_object(struct json *json, const char *key)
{
	open_value(json, key, '{');
}

void json_object_end(struct json *json)
{
	close_value(json, '}');
}

void json_array(struct json *json, const char *key)
{
	open_value(json, key, '[');
}

void json_array_end(struct json *json)
{
	close_value(json, ']');
}

void json_break(struct json *json)
{
	json->line = true;
}

void json_end(struct json *json)
{
	assert(json->depth == 0);
	json->more[0] = false;
	fputc('\n', json->out);
}

void json_string(struct json *json, const char *key, const char *text)
{
	begin(json, key);
	escape_json(json->out, text);
}

void json_number(struct json *json, const char *key, uint64_t value)
{
	begin(json, key);
	fprintf(json->out, "%" PRIu64, value);
}

void json_signed(struct json *json, const char *key, int64_t value)
{
	begin(json, key);
	fprintf(json->out, "%" PRId64, value);
}

void json_hex(struct json *json, const char *key, uint64_t value)
{
	begin(json, key);
	fprintf(json->out, "\"0x%" PRIx64 "\"", value);
}

void json_bool(struct json *json, const char *key, bool value)
{
	begin(json, key);
	fputs(value ? "true" : "false", json->out);
}
