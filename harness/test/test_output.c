/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A text that did not get into memory whole is none, and files are told apart by what
 * they are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/files/output.h"

#include <cmocka.h>

static void a_text_is_whole_or_none(void **state)
{
	size_t len;
	char *text;
	FILE *out = output_text_open(&text, &len);

	(void)state;
	assert_non_null(out);
	fputs("all of it", out);
	assert_int_equal(output_text_close(out, &text), 0);
	assert_string_equal(text, "all of it");
	free(text);
	/* As a stream into memory is where there is none: closing it fails. */
	out = fopen("/dev/full", "w");
	assert_non_null(out);
	text = strdup("half");
	fputs("some", out);
	assert_true(output_text_close(out, &text) < 0);
	assert_null(text);
}

static void many_files_are_told_apart(void **state)
{
	struct file_set set = { .count = 0 };
	struct file_id id = { .dev = 1 };
	const char *other = NULL;

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		id.ino = i / 2;
		snprintf(id.name, sizeof(id.name), "%s", i % 2 == 0 ? "" : "new");
		assert_int_equal(file_set_add(&set, &id, i == 77 ? "this" : "path", NULL), 1);
	}
	id.ino = 38;
	assert_int_equal(file_set_add(&set, &id, "again", &other), 0);
	assert_string_equal(other, "this");
	id.dev = 2;
	assert_null(file_set_find(&set, &id));
	assert_int_equal(set.count, 5000);
	file_set_release(&set);
}

static void a_file_is_its_device_and_inode(void **state)
{
	struct file_id a, b;

	(void)state;
	assert_int_equal(file_id(&a, "harness/files/output.c"), 0);
	assert_int_equal(file_id(&b, "harness/../harness/./files/output.c"), 0);
	assert_true(file_id_same(&a, &b));
	assert_int_equal(file_id(&b, "harness/files/output.h"), 0);
	assert_false(file_id_same(&a, &b));
	assert_int_equal(file_id(&a, "harness/none-such"), 0);
	assert_int_equal(file_id(&b, "./harness/none-such"), 0);
	assert_true(file_id_same(&a, &b));
	assert_int_equal(file_id(&b, "devices/none-such"), 0);
	assert_false(file_id_same(&a, &b));
	assert_true(file_id(&a, "none/such") < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_whole_or_none),
		cmocka_unit_test(many_files_are_told_apart),
		cmocka_unit_test(a_file_is_its_device_and_inode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
