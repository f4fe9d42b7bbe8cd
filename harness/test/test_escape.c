/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What each format makes of the same bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/files/escape.h"

/* The same line from each; NULL: the bytes stay. */
static const struct {
	const char *text, *json, *xml, *value, *tap, *line, *word;
} cases[] = {
	{ "plain-1.vr", "\"plain-1.vr\"", NULL, NULL, NULL, NULL, NULL },
	{ "", "\"\"", NULL, NULL, NULL, NULL, "''" },
	{ "a # b\\c", "\"a # b\\\\c\"", NULL, NULL, "a \\# b\\\\c", NULL, "'a # b\\c'" },
	{ "<&\">", "\"<&\\\">\"", "&#60;&#38;&#34;&#62;", "&#60;&#38;&#34;&#62;", NULL, NULL,
	  "'<&\">'" },
	{ "it's", "\"it's\"", NULL, NULL, NULL, NULL, "'it'\\''s'" },
	{ "-t", "\"-t\"", NULL, NULL, NULL, NULL, "./-t" },
	{ "a\tb\nc\rd", "\"a\\u0009b\\u000ac\\u000dd\"", "a\tb\nc&#13;d", "a&#9;b&#10;c&#13;d",
	  "a\tb\\\\x0ac\\\\x0dd", "a\tb\\x0ac\\x0dd", "'a\tb\nc\rd'" },
	{ "\x01\x7f", "\"\\u0001\\u007f\"", "\\x01\x7f", "\\x01\x7f", "\\\\x01\\\\x7f",
	  "\\x01\\x7f", "'\x01\x7f'" },
	/* Shortest and longest of each length, and the first beyond. */
	{ "\xc2\x80", "\"\xc2\x80\"", NULL, NULL, "\\\\xc2\\\\x80", "\\xc2\\x80", "'\xc2\x80'" },
	{ "\xc3\xa9", "\"\xc3\xa9\"", NULL, NULL, NULL, NULL, "'\xc3\xa9'" },
	{ "\xdf\xbf", "\"\xdf\xbf\"", NULL, NULL, NULL, NULL, "'\xdf\xbf'" },
	{ "\xe0\xa0\x80", "\"\xe0\xa0\x80\"", NULL, NULL, NULL, NULL, "'\xe0\xa0\x80'" },
	{ "\xef\xbf\xbd", "\"\xef\xbf\xbd\"", NULL, NULL, NULL, NULL, "'\xef\xbf\xbd'" },
	{ "\xef\xbf\xbe", "\"\xef\xbf\xbe\"", "\\xef\\xbf\\xbe", "\\xef\\xbf\\xbe", NULL, NULL,
	  "'\xef\xbf\xbe'" },
	{ "\xf0\x90\x80\x80", "\"\xf0\x90\x80\x80\"", NULL, NULL, NULL, NULL,
	  "'\xf0\x90\x80\x80'" },
	{ "\xf4\x8f\xbf\xbd", "\"\xf4\x8f\xbf\xbd\"", NULL, NULL, NULL, NULL,
	  "'\xf4\x8f\xbf\xbd'" },
	{ "\xe2\x80\xa8", "\"\xe2\x80\xa8\"", NULL, NULL, "\\\\xe2\\\\x80\\\\xa8",
	  "\\xe2\\x80\\xa8", "'\xe2\x80\xa8'" },
#define NO_UTF8(bytes, shown)                                                                      \
	{                                                                                          \
		bytes, "\"" shown "\"", NULL, NULL, NULL, NULL, "'" bytes "'"                      \
	}
	NO_UTF8("\x80", "\\\\x80"),
	NO_UTF8("\xe9.", "\\\\xe9."),
	NO_UTF8("\xe2\x82", "\\\\xe2\\\\x82"),
	NO_UTF8("\xc1\xbf", "\\\\xc1\\\\xbf"),
	NO_UTF8("\xe0\x9f\xbf", "\\\\xe0\\\\x9f\\\\xbf"),
	NO_UTF8("\xed\xa0\x80", "\\\\xed\\\\xa0\\\\x80"),
	NO_UTF8("\xf0\x8f\xbf\xbf", "\\\\xf0\\\\x8f\\\\xbf\\\\xbf"),
	NO_UTF8("\xf4\x90\x80\x80", "\\\\xf4\\\\x90\\\\x80\\\\x80"),
	NO_UTF8("\xff", "\\\\xff"),
};

static void check(void (*escape)(FILE *out, const char *text), const char *text, const char *want)
{
	char *got = NULL;
	size_t len;
	FILE *out = open_memstream(&got, &len);

	assert_non_null(out);
	escape(out, text);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(got, want);
	free(got);
}

static void line(FILE *out, const char *text)
{
	escape_line(out, text, SIZE_MAX);
}

/* The bytes of JSON's string are XML's and a line's, with one backslash each. */
static void test_no_utf8(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *json = cases[i].json;
		char once[64];
		size_t n = 0;

		if (strstr(json, "\\\\x") == NULL)
			continue;
		for (const char *c = json + 1; c[1] != '\0'; c++)
			if (c[0] != '\\' || c[1] != '\\')
				once[n++] = *c;
		once[n] = '\0';
		check(escape_json, cases[i].text, json);
		check(escape_xml, cases[i].text, once);
		check(escape_xml_value, cases[i].text, once);
		check(line, cases[i].text, once);
		check(escape_word, cases[i].text, cases[i].word);
	}
}

static void test_formats(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *text = cases[i].text;

		if (strstr(cases[i].json, "\\\\x") != NULL)
			continue;
		check(escape_json, text, cases[i].json);
		check(escape_xml, text, cases[i].xml != NULL ? cases[i].xml : text);
		check(escape_xml_value, text, cases[i].value != NULL ? cases[i].value : text);
		check(escape_tap, text, cases[i].tap != NULL ? cases[i].tap : text);
		check(line, text, cases[i].line != NULL ? cases[i].line : text);
		check(escape_word, text, cases[i].word != NULL ? cases[i].word : text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_no_utf8),
	};

	return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}
