/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Records of what guest and host see: what makes a difference, and what makes none in a
 * loose one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/guest/record.h"

/* Two items in either order, and so many interrupts: what the record comes to. */
static struct record_digest of(bool loose, const char *first, const char *second,
			       unsigned interrupts)
{
	struct record record = { .on = true, .loose = loose };

	record_item(&record, RECORD_MEMORY, 1, first, (uint32_t)strlen(first));
	record_item(&record, RECORD_MEMORY, 1, second, (uint32_t)strlen(second));
	while (interrupts-- > 0)
		record_timed(&record, RECORD_INTERRUPTS, 1);
	return record.now;
}

static bool same(struct record_digest a, struct record_digest b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}

static void order_and_counts_make_a_difference(void **state)
{
	(void)state;
	assert_true(same(of(false, "one", "another", 1), of(false, "one", "another", 1)));
	assert_false(same(of(false, "one", "another", 1), of(false, "another", "one", 1)));
	assert_false(same(of(false, "one", "another", 1), of(false, "one", "another", 2)));
}

static void in_a_loose_record_they_make_none(void **state)
{
	(void)state;
	assert_true(same(of(true, "one", "another", 1), of(true, "another", "one", 7)));
}

static void what_is_done_does(void **state)
{
	(void)state;
	assert_false(same(of(true, "one", "another", 1), of(true, "one", "one", 1)));
	assert_false(same(of(true, "one", "another", 1), of(true, "one", "other", 1)));
}

static void once_and_twice_are_not_the_same(void **state)
{
	struct record once = { .on = true, .loose = true }, twice = once;

	(void)state;
	record_item(&once, RECORD_MEMORY, 1, "one", 3);
	record_item(&twice, RECORD_MEMORY, 1, "one", 3);
	record_item(&twice, RECORD_MEMORY, 1, "one", 3);
	assert_false(same(once.now, twice.now));
}

static void nothing_is_kept_while_it_is_off(void **state)
{
	struct record record = { .on = false }, fresh = record;

	(void)state;
	record_item(&record, RECORD_MEMORY, 1, "one", 3);
	record_timed(&record, RECORD_INTERRUPTS, 1);
	assert_true(same(record.now, fresh.now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_and_counts_make_a_difference),
		cmocka_unit_test(in_a_loose_record_they_make_none),
		cmocka_unit_test(what_is_done_does),
		cmocka_unit_test(once_and_twice_are_not_the_same),
		cmocka_unit_test(nothing_is_kept_while_it_is_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
