/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The laws of both spellings, asserted; see spellings.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "spellings.h"

struct program program;
struct script parsed;
uint8_t encoded[BINARY_SIZE_MAX];

static struct program decoded;
static uint8_t again[BINARY_SIZE_MAX];

char *print_program(const struct program *prog)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	text_print(out, prog, NULL);
	fclose(out);
	assert_int_equal(strlen(text), len);
	return text;
}

void parse_good(const char *text)
{
	struct text_error error;

	if (text_parse(&parsed, text, strlen(text), &error) != 0)
		fail_msg("line %u, column %u: %s", error.line, error.column, error.message);
}

void assert_text_law(const struct program *prog)
{
	char *text = print_program(prog);
	char *second;

	parse_good(text);
	if (!program_equal(&parsed.prog, prog))
		fail_msg("parses to another program:\n%s", text);
	second = print_program(&parsed.prog);
	assert_string_equal(text, second);
	free(second);
	free(text);
}

void assert_binary_law(const struct program *prog)
{
	for (int magic = 0; magic < 2; magic++) {
		long len = binary_encode(prog, again, sizeof(again), magic != 0);
		unsigned version = 0;

		assert_true(len > 0);
		assert_int_equal(binary_decode(&decoded, again, (size_t)len,
					       magic != 0 ? "another" : prog->target, &version),
				 0);
		assert_int_equal(version, magic != 0 ? BINARY_VERSION : 0);
		/* A budget is not in a body: an engine's inputs have one unit. */
		if (magic == 0) {
			assert_int_equal(decoded.budget, 1);
			decoded.budget = prog->budget;
		}
		if (!program_equal(&decoded, prog))
			fail_msg("decodes to another program:\n%s", print_program(prog));
	}
}

void assert_value_law(enum field_kind kind, uint64_t value)
{
	struct text_error error = { 0, 0, "" };
	struct text_line line = { .script = &parsed, .error = &error };
	struct text_word word;
	char text[200] = "";
	uint64_t back;
	uint8_t base;
	FILE *out = fmemopen(text, sizeof(text), "w");

	assert_non_null(out);
	text_print_value(out, kind, value);
	fclose(out);
	line.start = line.pos = text;
	line.end = text + strlen(text);
	assert_true(text_next(&line, &word));
	if (text_value(&line, &word, kind, &back, &base) != 0)
		fail_msg("%s of kind %d: %s", text, kind, error.message);
	assert_true(back == value);
}
