/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Assertions on what the parser refuses; see bad_text.h.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bad_text.h"
#include "spellings.h"

/* A copy of exactly that many bytes, so that a read past them is seen. */
static int parse_exact(const char *text, size_t len, struct text_error *error)
{
	char *copy = malloc(len > 0 ? len : 1);
	int err;

	assert_non_null(copy);
	memcpy(copy, text, len);
	err = text_parse(&parsed, copy, len, error);
	free(copy);
	return err;
}

void assert_bad(const char *text, size_t len, unsigned line, unsigned column, const char *message)
{
	struct text_error error = { 0, 0, "" };

	if (parse_exact(text, len, &error) != -EINVAL)
		fail_msg("accepted, expected '%s':\n%.200s", message, text);
	if (error.line != line || error.column != column ||
	    strstr(error.message, message) == NULL || strchr(error.message, '\n') != NULL)
		fail_msg("%u:%u: %s\nexpected %u:%u: ... %s ...:\n%.200s", error.line, error.column,
			 error.message, line, column, message, text);
}

void assert_all_bad(const struct bad_text *table, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_bad(table[i].text, strlen(table[i].text), table[i].line, table[i].column,
			   table[i].message);
}

void assert_good(const char *text, size_t len)
{
	struct text_error error = { 0, 0, "" };

	if (parse_exact(text, len, &error) != 0)
		fail_msg("%u:%u: %s:\n%.200s", error.line, error.column, error.message, text);
}
