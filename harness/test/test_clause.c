/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The table of what can be cited, and that the rules cite nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness/ledger/ledger.h"
#include "harness/program/clause.h"

static const struct clause *find(const char *word)
{
	return clause_find(word, strlen(word));
}

static void every_entry_is_found_under_its_id(void **state)
{
	size_t statements = 0;

	(void)state;
	for (size_t i = 0; i < clause_count; i++) {
		const struct clause *c = &clause_table[i];

		assert_true(i == 0 || strcmp(clause_table[i - 1].id, c->id) < 0);
		if (c->id[0] == 'd')
			statements++;
		if (strchr(c->id, '*') != NULL)
			assert_null(find(c->id));
		else
			assert_ptr_equal(find(c->id), c);
	}
	assert_int_equal(statements, 707);
}

static void a_statement_says_whose_it_is_and_where(void **state)
{
	const struct clause *c = find("dev.split.used-ring.2");

	(void)state;
	assert_non_null(c);
	assert_string_equal(c->party, "device");
	assert_string_equal(c->keyword, "MUST");
	assert_string_equal(c->section, "2.7.8.2");
	/* It stands in a section that there is. */
	for (size_t i = 0; i < clause_count; i++)
		if (clause_table[i].section[0] != '\0')
			assert_non_null(find(clause_table[i].section));
}

static void sections_of_chapters_that_are_not_listed_are_taken(void **state)
{
	(void)state;
	assert_non_null(find("4.1"));
	assert_non_null(find("4.1.4.3.2"));
	assert_non_null(find("5.7.6"));
	assert_non_null(find("policy"));
}

static void what_there_is_not_is_not_found(void **state)
{
	static const char *const none[] = {
		"",
		".",
		"*",
		"2",
		"2.",
		"2.4.",
		".2.4",
		"2..4",
		"2.99",
		"5.99.1",
		"9.9.9",
		"4.1.",
		"4.1..2",
		"4.1.x",
		"4.1.*",
		"2.7.8.2 ",
		"5.1.6.2",
		"dev.no.such.9",
		"dev.reset.op",
		"dev.reset.op.11",
		"dev.reset.op.1a",
		"Policy",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"4.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_null(find(none[i]));
	/* So many bytes, and no more. */
	assert_non_null(clause_find("2.4.1x", 5));
}

static void every_rule_cites_what_there_is(void **state)
{
	(void)state;
	for (int i = 0; i < RULE_COUNT; i++)
		if (find(rule_table[i].clause) == NULL)
			fail_msg("%s cites %s", rule_table[i].id, rule_table[i].clause);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_entry_is_found_under_its_id),
		cmocka_unit_test(a_statement_says_whose_it_is_and_where),
		cmocka_unit_test(sections_of_chapters_that_are_not_listed_are_taken),
		cmocka_unit_test(what_there_is_not_is_not_found),
		cmocka_unit_test(every_rule_cites_what_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
