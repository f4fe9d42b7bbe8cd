/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The ledger's account of lists of page numbers: what a device may make of one, and what
 * it may not.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger_requests.h"
#include "ledger_rig.h"

static const uint8_t numbers[24] = { 0x30, 0, 0,    0, 0xff, 0xff, 0xff, 0xff, 0x31, 0, 0,
				     0,	   0, 0x10, 0, 0,    5,	   0,	 0,    0,    6 };

static int setup_balloon(void **state)
{
	(void)state;
	rig_new();
	balloon_new();
	return 0;
}

static void ask_first(unsigned count)
{
	static const uint64_t pages[] = { 0x30, 0xffffffff, 0x31, 0x1000, 5 };

	for (unsigned i = 0; i < count; i++)
		ledger_page(&ledger, pages[i] * PAGE, PAGE);
}

static void lists_of_all_lengths(void **state)
{
	(void)state;
	list_read(numbers, 0, 0);
	list_returned();
	list_read(numbers, 4, 4);
	ask_first(1);
	list_returned();
	list_read(numbers, 16, 16);
	ask_first(4);
	list_returned();
	/* More than it goes by. */
	list_read(numbers, 24, 16);
	ask_first(4);
	list_returned();
	assert_silent();
}

static void lists_that_are_none(void **state)
{
	(void)state;
	list_read(numbers, 6, 0);
	list_returned();
	list_read(numbers, 6, 6);
	list_returned();
	/* Given up in the middle. */
	list_read(numbers, 16, 8);
	access_error = -EFAULT;
	payload_bytes(2, false, BUFFER + 8, numbers, 8);
	access_error = 0;
	list_returned();
	assert_silent();
}

static void a_list_that_is_not_read(void **state)
{
	(void)state;
	list_read(numbers, 16, 12);
	list_returned();
	assert_breaks(RULE_STREAM_LOST);
}

static void a_list_of_no_whole_numbers(void **state)
{
	(void)state;
	list_read(numbers, 6, 4);
	ask_first(1);
	assert_breaks(RULE_STREAM_PAGES);
}

static void a_page_before_all_is_read(void **state)
{
	(void)state;
	list_read(numbers, 16, 4);
	ask_first(1);
	assert_breaks(RULE_STREAM_PAGES);
}

static void a_page_too_many(void **state)
{
	(void)state;
	list_read(numbers, 8, 8);
	ask_first(3);
	assert_breaks(RULE_STREAM_PAGES);
}

static void a_page_too_few(void **state)
{
	(void)state;
	list_read(numbers, 8, 8);
	ask_first(1);
	list_returned();
	assert_breaks(RULE_STREAM_PAGES);
}

static void a_page_number_cut_to_32_bits(void **state)
{
	(void)state;
	list_read(numbers, 8, 8);
	ask_first(1);
	ledger_page(&ledger, 0xfffff000, PAGE);
	assert_breaks(RULE_STREAM_PAGES);
}

/* A part is read again, or not at its place: what the device has is not known. */
static void a_list_that_is_not_followed(void **state)
{
	(void)state;
	list_read(numbers, 16, 16);
	payload_bytes(0, false, BUFFER, numbers, 4);
	ask_first(5);
	list_returned();
	assert_silent();
}

int main(void)
{
#define BALLOON(name) cmocka_unit_test_setup(name, setup_balloon)
	const struct CMUnitTest tests[] = {
		BALLOON(lists_of_all_lengths),
		BALLOON(lists_that_are_none),
		BALLOON(a_list_that_is_not_read),
		BALLOON(a_list_of_no_whole_numbers),
		BALLOON(a_page_before_all_is_read),
		BALLOON(a_page_too_many),
		BALLOON(a_page_too_few),
		BALLOON(a_page_number_cut_to_32_bits),
		BALLOON(a_list_that_is_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
