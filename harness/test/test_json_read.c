/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Reading JSON: what the writer wrote comes back, escapes are what they mean, any value can be
 * passed over, and text that is cut anywhere is refused.  What the messages say is tested
 * where the command prints them (report_html.sh).
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/files/json.h"
#include "harness/files/json_read.h"

static struct json_reader open_text(const char *text)
{
	return json_read_open("text", text, strlen(text));
}

/* The value of a text that is one string; NULL: it is refused. */
static const char *string_of(const char *text)
{
	static char value[64];
	struct json_reader reader = open_text(text);

	json_read_string(&reader, value, sizeof(value));
	return json_read_end(&reader) == 0 ? value : NULL;
}

static void an_escape_is_what_it_means(void **state)
{
	(void)state;
	assert_string_equal(string_of("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\""), "a\"\\/\b\f\n\r\t");
	assert_string_equal(string_of(" \"\\u0041\\u00e9\\u20aC\" "), "A\xc3\xa9\xe2\x82\xac");
	assert_string_equal(string_of("\"\\ud83d\\ude00\""), "\xf0\x9f\x98\x80");
	assert_string_equal(string_of("\"\\ud83d!\\ude00\\u0000\""), "?!??");
	assert_string_equal(string_of("\"\""), "");
}

static void what_is_no_string_is_refused(void **state)
{
	char longer[80];

	(void)state;
	assert_null(string_of(""));
	assert_null(string_of("5"));
	assert_null(string_of("\"a"));
	assert_null(string_of("\"\\"));
	assert_null(string_of("\"\\x\""));
	assert_null(string_of("\"\\u12g4\""));
	assert_null(string_of("\"\\u12"));
	assert_null(string_of("\"a\nb\""));
	assert_null(string_of("\"a\" \"b\""));
	memset(longer, 'a', sizeof(longer) - 1);
	longer[0] = longer[sizeof(longer) - 2] = '"';
	longer[sizeof(longer) - 1] = '\0';
	assert_null(string_of(longer));
}

static char *written(void)
{
	size_t len;
	char *text;
	FILE *out = open_memstream(&text, &len);
	struct json json = json_open(out);

	json_object(&json, NULL);
	json_array(&json, "list");
	json_string(&json, NULL, "a \"b\" \\ \x01\xff \xc3\xa9");
	json_object(&json, NULL);
	json_object_end(&json);
	json_number(&json, NULL, 18446744073709551615u);
	json_array_end(&json);
	json_signed(&json, "number", -5);
	json_bool(&json, "true", true);
	json_break(&json);
	json_string(&json, "last", "end");
	json_object_end(&json);
	json_end(&json);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void what_was_written_comes_back(void **state)
{
	char *text = written(), key[16], value[64];
	struct json_reader reader = open_text(text);
	unsigned keys = 0;

	(void)state;
	json_read_object(&reader);
	while (json_read_key(&reader, key, sizeof(key))) {
		keys++;
		if (strcmp(key, "list") == 0) {
			json_read_array(&reader);
			assert_true(json_read_element(&reader));
			json_read_string(&reader, value, sizeof(value));
			assert_string_equal(value, "a \"b\" \\ \x01\\xff \xc3\xa9");
			assert_true(json_read_element(&reader));
			json_read_skip(&reader);
			assert_true(json_read_element(&reader));
			json_read_skip(&reader);
			assert_false(json_read_element(&reader));
		} else if (strcmp(key, "last") == 0) {
			assert_int_equal(reader.line, 2);
			json_read_string(&reader, value, sizeof(value));
			assert_string_equal(value, "end");
		} else {
			json_read_skip(&reader);
		}
	}
	assert_int_equal(json_read_end(&reader), 0);
	assert_int_equal(keys, 4);
	free(text);
}

/* Pass over the whole of it. */
static int pass_over(const char *text, size_t len)
{
	struct json_reader reader = json_read_open("text", text, len);

	json_read_skip(&reader);
	return json_read_end(&reader);
}

static void a_part_of_it_is_refused(void **state)
{
	char *text = written(), *end = strrchr(text, '}');
	int told = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);

	(void)state;
	assert_true(told >= 0 && null >= 0);
	assert_int_equal(pass_over(text, strlen(text)), 0);
	dup2(null, STDERR_FILENO); /* a line for each */
	close(null);
	for (size_t len = 0; len < (size_t)(end + 1 - text); len++) {
		/* Behind it nothing may be read. */
		char *part = malloc(len > 0 ? len : 1);

		memcpy(part, text, len);
		assert_int_not_equal(pass_over(part, len), 0);
		free(part);
	}
	dup2(told, STDERR_FILENO);
	close(told);
	free(text);
}

static void any_value_is_passed_over(void **state)
{
	static const char *const good[] = {
		"1e5", "-0.5", "null",	  "true",
		"[]",  "{}",   "[[],{}]", "{\"a\":[{\"b\":null},[1,2]],\"c\":\"\\\"\"}"
	};
	static const char *const bad[] = { "",
					   "nul",
					   "[1 2]",
					   "[1,]",
					   "[,1]",
					   "{1:2}",
					   "{\"a\"}",
					   "{\"a\":}",
					   "[}",
					   "]",
					   "{\"a\":1 \"b\":2}",
					   "[1],",
					   "+1",
					   "'a'" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(pass_over(good[i], strlen(good[i])), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (pass_over(bad[i], strlen(bad[i])) == 0)
			fail_msg("%s is passed over", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_escape_is_what_it_means),
		cmocka_unit_test(what_is_no_string_is_refused),
		cmocka_unit_test(what_was_written_comes_back),
		cmocka_unit_test(a_part_of_it_is_refused),
		cmocka_unit_test(any_value_is_passed_over),
	};

	return cmocka_run_group_tests_name("json_read", tests, NULL, NULL);
}
