/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The JSON writer: commas, nesting, lines, values at their edges, one text after the
 * other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "harness/files/json.h"

static char *text;
static size_t size;

static struct json begin(void)
{
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	return json_open(out);
}

static void assert_written(struct json *json, const char *want)
{
	assert_int_equal(fclose(json->out), 0);
	assert_string_equal(text, want);
	free(text);
}

static void commas_stand_between(void **state)
{
	struct json json = begin();

	(void)state;
	json_object(&json, NULL);
	json_array(&json, "none");
	json_array_end(&json);
	json_array(&json, "some");
	json_number(&json, NULL, 1);
	json_object(&json, NULL);
	json_object_end(&json);
	json_object(&json, NULL);
	json_bool(&json, "a", true);
	json_bool(&json, "b", false);
	json_object_end(&json);
	json_number(&json, NULL, 2);
	json_array_end(&json);
	json_string(&json, "last", "x");
	json_object_end(&json);
	json_end(&json);
	assert_written(&json,
		       "{\"none\":[],\"some\":[1,{},{\"a\":true,\"b\":false},2],\"last\":\"x\"}\n");
}

static void values_at_their_edges(void **state)
{
	struct json json = begin();

	(void)state;
	json_array(&json, NULL);
	json_number(&json, NULL, UINT64_MAX);
	json_signed(&json, NULL, INT64_MIN);
	json_signed(&json, NULL, -5);
	json_hex(&json, NULL, 0);
	json_hex(&json, NULL, UINT64_MAX);
	json_string(&json, NULL, "");
	json_string(&json, NULL, "a\"b\\c\n\xff");
	json_array_end(&json);
	assert_written(&json, "[18446744073709551615,-9223372036854775808,-5,\"0x0\","
			      "\"0xffffffffffffffff\",\"\",\"a\\\"b\\\\c\\u000a\\\\xff\"]");
}

static void lines_are_where_they_are_asked_for(void **state)
{
	struct json json = begin();

	(void)state;
	json_array(&json, NULL);
	json_break(&json);
	json_number(&json, NULL, 1);
	json_break(&json);
	json_number(&json, NULL, 2);
	json_array_end(&json);
	json_end(&json);
	json_array(&json, NULL);
	json_break(&json);
	json_array_end(&json);
	json_end(&json);
	assert_written(&json, "[\n1,\n2]\n[\n]\n");
}

static void as_deep_as_it_goes(void **state)
{
	struct json json = begin();

	(void)state;
	for (unsigned i = 0; i < JSON_DEPTH_MAX; i++)
		json_array(&json, NULL);
	json_number(&json, NULL, 7);
	for (unsigned i = 0; i < JSON_DEPTH_MAX; i++)
		json_array_end(&json);
	assert_written(&json, "[[[[[[[[[[[[[[[[7]]]]]]]]]]]]]]]]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commas_stand_between),
		cmocka_unit_test(values_at_their_edges),
		cmocka_unit_test(lines_are_where_they_are_asked_for),
		cmocka_unit_test(as_deep_as_it_goes),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
