/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The laws of the binary form, on any bytes: what is decoded prints, the
 * print parses back to the same program, and so does its encoding.
 */
#include "fuzzers/engine.h"

#include "harness/program/binary.h"
#include "harness/program/text.h"

#include <stdio.h>
#include <stdlib.h>

static struct program program, again;
static struct script script;
static uint8_t encoded[BINARY_SIZE_MAX];

/* Each law aborts on a line of its own. */
static void check_text(void)
{
	struct text_error error;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return;
	text_print(out, &program, NULL);
	if (fclose(out) != 0)
		exit(1);
	if (text_parse(&script, text, len, &error) != 0) {
		fprintf(stderr, "%s\n%u:%u: %s\n", text, error.line, error.column, error.message);
		abort();
	}
	if (!program_equal(&program, &script.prog))
		abort();
	free(text);
}

static void check_binary(bool magic)
{
	long len = binary_encode(&program, encoded, sizeof(encoded), magic);

	if (len < 0)
		abort();
	if (binary_decode(&again, encoded, (size_t)len, program.target, NULL) != 0)
		abort();
	/* A body alone has neither target nor budget. */
	if (!magic)
		again.budget = program.budget;
	if (!program_equal(&program, &again))
		abort();
	if (program_hash(&program) != program_hash(&again))
		abort();
}

static int binary_one(const char *name, const uint8_t *data, size_t size)
{
	(void)name;
	if (binary_decode(&program, data, size, "any", NULL) != 0)
		return -1;
	check_text();
	check_binary(true);
	check_binary(false);
	return 0;
}

const struct fuzz_target fuzz_target = {
	.name = "binary",
	.one = binary_one,
	.programs = true,
};
