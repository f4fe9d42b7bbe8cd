/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The ledger's account of requests: what a device may make of a list of page numbers
 * and of a FUSE request, and what it may not.
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

static int setup_fuse(void **state)
{
	(void)state;
	rig_new();
	fuse_new();
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
	list_returned();
	list_read(numbers, 16, 8);
	access_error = -EFAULT;
	payload_bytes(3, false, BUFFER + 8, numbers, 8);
	access_error = 0;
	list_returned();
	assert_silent();
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

static void put_request(uint8_t *request, uint32_t opcode)
{
	for (unsigned i = 0; i < 40; i++)
		request[i] = (uint8_t)(i < 8 ? 0 : i);
	request[0] = 40;
	for (unsigned i = 0; i < 4; i++)
		request[4 + i] = (uint8_t)(opcode >> 8 * i);
}

static void answer(uint32_t opcode, const uint8_t *len, uint32_t wrote, uint32_t returned)
{
	uint8_t request[40], reply[32] = { len[0], len[1], len[2], len[3] };

	put_request(request, opcode);
	for (unsigned i = 8; i < 16; i++)
		reply[i] = (uint8_t)i;
	request_read(request, sizeof(request));
	reply_returned(reply, wrote, returned);
}

static const uint8_t len_16[] = { 16, 0, 0, 0 }, len_16_big[] = { 0, 0, 0, 16 };

static void replies_in_either_order(void **state)
{
	(void)state;
	answer(3, len_16, 16, 16);
	answer(3, len_16_big, 16, 16);
	answer(2, len_16, 0, 0);
	answer(42, len_16, 0, 0);
	/* Written and not returned is no reply. */
	answer(2, len_16, 16, 0);
	assert_silent();
}

static void reply_of_another_length(void **state)
{
	(void)state;
	answer(3, len_16, 32, 32);
	assert_breaks(RULE_STREAM_REPLIES);
}

static void reply_shorter_than_a_header(void **state)
{
	(void)state;
	answer(3, len_16, 16, 15);
	assert_breaks(RULE_STREAM_REPLIES);
}

static void reply_to_forget(void **state)
{
	(void)state;
	answer(2, len_16, 16, 16);
	assert_breaks(RULE_STREAM_REPLIES);
}

static void reply_to_batch_forget(void **state)
{
	(void)state;
	answer(42, len_16, 16, 16);
	assert_breaks(RULE_STREAM_REPLIES);
}

/* 2 may be an operation there; after a reset it is FORGET again. */
static void operations_of_the_other_order(void **state)
{
	(void)state;
	answer(0x1a000000, len_16_big, 16, 16);
	answer(2, len_16_big, 16, 16);
	assert_silent();
	fuse_new();
	answer(2, len_16, 16, 16);
	assert_breaks(RULE_STREAM_REPLIES);
}

static void reply_to_a_request_not_read(void **state)
{
	uint8_t bytes[16] = { 16 };

	(void)state;
	request_read(bytes, 8);
	reply_returned(bytes, 16, 16);
	assert_breaks(RULE_STREAM_REPLIES);
}

int main(void)
{
#define BALLOON(name) cmocka_unit_test_setup(name, setup_balloon)
#define FUSE(name) cmocka_unit_test_setup(name, setup_fuse)
	const struct CMUnitTest tests[] = {
		BALLOON(lists_of_all_lengths),
		BALLOON(lists_that_are_none),
		BALLOON(a_list_of_no_whole_numbers),
		BALLOON(a_page_before_all_is_read),
		BALLOON(a_page_too_many),
		BALLOON(a_page_too_few),
		BALLOON(a_page_number_cut_to_32_bits),
		BALLOON(a_list_that_is_not_followed),
		FUSE(replies_in_either_order),
		FUSE(reply_of_another_length),
		FUSE(reply_shorter_than_a_header),
		FUSE(reply_to_forget),
		FUSE(reply_to_batch_forget),
		FUSE(operations_of_the_other_order),
		FUSE(reply_to_a_request_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
