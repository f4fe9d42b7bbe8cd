/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The laws of the text form, on any bytes: parsing ends with an error that
 * says where, or with a program that prints, names and all, and the print
 * parses back to the same program and prints the same.
 */
#include "fuzzers/engine.h"

#include "harness/program/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct script script, again;

static char *print(const struct script *s, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	if (out == NULL)
		return NULL;
	text_print(out, &s->prog, s->slot_names);
	if (fclose(out) != 0)
		exit(1);
	return text;
}

/* An error is on a line that is there, and is one line itself. */
static void check_error(const char *data, size_t size, const struct text_error *error)
{
	unsigned lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	if (error->line < 1 || error->line > lines || error->column < 1)
		abort();
	if (error->message[0] == '\0' || strchr(error->message, '\n') != NULL)
		abort();
}

static int text_one(const char *name, const uint8_t *data, size_t size)
{
	struct text_error error;
	size_t len, len_again;
	char *text, *text_again;

	(void)name;
	if (text_parse(&script, (const char *)data, size, &error) != 0) {
		check_error((const char *)data, size, &error);
		return 0;
	}
	text = print(&script, &len);
	if (text == NULL)
		return 0;
	if (text_parse(&again, text, len, &error) != 0)
		abort();
	if (!program_equal(&script.prog, &again.prog))
		abort();
	text_again = print(&again, &len_again);
	if (text_again != NULL && (len != len_again || memcmp(text, text_again, len) != 0))
		abort();
	free(text_again);
	free(text);
	return 0;
}

const struct fuzz_target fuzz_target = {
	.name = "text",
	.one = text_one,
};
