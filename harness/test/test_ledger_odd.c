/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A device that is not ours and does in another way what VIRTIO leaves open: fields of a
 * ring in pieces or several at once, used entries in another order, available entries
 * before they are available.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ledger_rig.h"

#include <errno.h>

/* Another's device; what is a limit only warns. */
static int setup(void **state)
{
	(void)state;
	rig_new();
	rig_target.model = false;
	rig_target.holds = true;
	rig_live(8);
	ledger.judging.limits = false;
	return 0;
}

static void put(uint8_t *to, uint64_t value, unsigned width)
{
	for (unsigned i = 0; i < width; i++)
		to[i] = (uint8_t)(value >> (8 * i));
}

/* Of descriptor `index`, the bytes [from, from + len). */
static void read_desc_part(uint16_t walk, uint16_t index, unsigned from, unsigned len,
			   unsigned flags, uint16_t next)
{
	uint8_t bytes[16];

	put(bytes, BUFFER + 0x100u * index, 8);
	put(bytes + 8, 16, 4);
	put(bytes + 12, flags, 2);
	put(bytes + 14, next, 2);
	access_part(GUEST_DESC, walk, false, DESC_AT(TX) + 16u * index + from, bytes + from, len);
}

static void read_desc_by_fields(uint16_t walk, uint16_t index, unsigned flags, uint16_t next)
{
	read_desc_part(walk, index, 12, 2, flags, next);
	read_desc_part(walk, index, 0, 8, flags, next);
	read_desc_part(walk, index, 8, 4, flags, next);
	if ((flags & F_NEXT) != 0)
		read_desc_part(walk, index, 14, 2, flags, next);
}

static void write_used(uint16_t slot, uint16_t walk, uint32_t value, bool len)
{
	uint8_t bytes[4];

	put(bytes, value, 4);
	access_part(GUEST_USED_ENTRY, walk, true, USED_AT(TX) + 4 + 8u * slot + (len ? 4 : 0),
		    bytes, 4);
}

/* No more than a warning, and only that one. */
static void assert_warns(enum rule rule)
{
	assert_breaks(rule);
	assert_false(ledger.stop);
}

/* The device takes these many chains of one device-writable buffer. */
static void take_all(uint16_t count)
{
	notify();
	avail_idx(count);
	for (uint16_t i = 0; i < count; i++) {
		avail_entry(i, i);
		desc(i, i, BUFFER + 0x100u * i, 16, F_WRITE, 0);
		payload_write(i, BUFFER + 0x100u * i, 16);
	}
}

static void finish(void)
{
	wake();
	done();
	rest(DEVICE_IDLE);
}

static void descriptors_may_be_read_by_fields(void **state)
{
	(void)state;
	notify();
	avail_idx(1);
	avail_entry(0, 2);
	read_desc_by_fields(0, 2, F_NEXT | F_WRITE, 3);
	read_desc_by_fields(0, 3, F_WRITE, 0);
	payload_write(0, BUFFER + 0x200, 16);
	payload_write(0, BUFFER + 0x300, 16);
	write_used(0, 0, 2, false);
	write_used(0, 0, 32, true);
	used_idx(1);
	finish();
	assert_warns(RULE_MEMORY_FIELD);
}

static void where_a_chain_goes_on_may_be_read_late(void **state)
{
	(void)state;
	notify();
	avail_idx(1);
	avail_entry(0, 2);
	read_desc_part(0, 2, 0, 14, F_NEXT | F_WRITE, 3);
	payload_write(0, BUFFER + 0x200, 16);
	read_desc_part(0, 2, 14, 2, F_NEXT | F_WRITE, 3);
	read_desc_by_fields(0, 3, F_WRITE, 0);
	payload_write(0, BUFFER + 0x300, 16);
	return_chain(0, 0, 2, 32);
	finish();
	assert_warns(RULE_MEMORY_FIELD);
}

static void what_was_read_by_fields_is_held_to(void **state)
{
	(void)state;
	notify();
	avail_idx(1);
	avail_entry(0, 2);
	read_desc_by_fields(0, 2, 0, 0);
	assert_warns(RULE_MEMORY_FIELD);
	payload_write(0, BUFFER + 0x200, 16);
	assert_int_equal(ledger.findings[1].rule, RULE_MEMORY_WRITE);
	assert_true(ledger.stop);
}

static void a_chain_that_is_not_all_known_is_not_judged(void **state)
{
	(void)state;
	notify();
	avail_idx(1);
	avail_entry(0, 2);
	read_desc_part(0, 2, 0, 8, F_WRITE, 0);
	payload_write(0, BUFFER + 0x200, 16);
	return_chain(0, 0, 2, 16);
	finish();
	assert_warns(RULE_MEMORY_FIELD);
}

static void a_length_that_is_not_written_before_the_index_is_missing(void **state)
{
	(void)state;
	take_all(1);
	write_used(0, 0, 0, false);
	used_idx(1);
	assert_int_equal(ledger.findings[1].rule, RULE_ORDER_ENTRY);
	assert_true(ledger.stop);
}

static void both_fields_at_the_start_of_a_ring(void **state)
{
	uint8_t avail[4] = { 0, 0, 1, 0 }, used[4] = { 0, 0, 1, 0 };

	(void)state;
	notify();
	access_part(GUEST_AVAIL_IDX, 0, false, AVAIL_AT(TX), avail, 4);
	avail_entry(0, 0);
	desc(0, 0, BUFFER, 16, F_WRITE, 0);
	used_entry(0, 0, 0, 0);
	access_part(GUEST_USED_IDX, 0, true, USED_AT(TX), used, 4);
	finish();
	assert_warns(RULE_MEMORY_FIELD);
	assert_int_equal(ledger.device.completions, 1);
}

static void a_part_of_an_index_tells_nothing(void **state)
{
	uint8_t byte = 1;

	(void)state;
	notify();
	access_part(GUEST_AVAIL_IDX, 0, false, AVAIL_AT(TX) + 2, &byte, 1);
	avail_entry(0, 0);
	payload_write(0, BUFFER, 16);
	return_chain(0, 0, 0, 16);
	done();
	rest(DEVICE_IDLE);
	assert_warns(RULE_MEMORY_FIELD);
}

static void the_driver_s_rings_are_not_written_in_pieces_either(void **state)
{
	uint8_t bytes[4] = { 0 };

	(void)state;
	notify();
	access_part(GUEST_DESC, 0, true, DESC_AT(TX), bytes, 4);
	assert_breaks(RULE_MEMORY_RING);
}

static void a_piece_out_of_place_is_out_of_place(void **state)
{
	uint8_t bytes[4] = { 0 };

	(void)state;
	notify();
	access_part(GUEST_AVAIL_IDX, 0, false, AVAIL_AT(TX) + 4, bytes, 4);
	assert_breaks(RULE_MEMORY_RING);
}

static void used_entries_may_be_written_last_first(void **state)
{
	(void)state;
	take_all(3);
	used_entry(2, 2, 2, 16);
	used_entry(1, 1, 1, 16);
	used_entry(0, 0, 0, 16);
	used_idx(3);
	finish();
	assert_silent();
	assert_int_equal(ledger.device.completions, 3);
}

static void used_entries_may_be_written_at_once(void **state)
{
	uint8_t bytes[24];

	(void)state;
	take_all(3);
	/* Out of order, too. */
	for (uint32_t i = 0; i < 3; i++) {
		put(bytes + 8 * i, 2 - i, 4);
		put(bytes + 8 * i + 4, 16, 4);
	}
	access_part(GUEST_USED_ENTRY, 2, true, USED_AT(TX) + 4, bytes, sizeof(bytes));
	used_idx(3);
	finish();
	assert_warns(RULE_MEMORY_FIELD);
	assert_int_equal(ledger.device.completions, 3);
	assert_int_equal(ledger.queues[TX].hold_count, 0);
}

static void a_used_entry_may_be_written_anew(void **state)
{
	(void)state;
	take_all(2);
	used_entry(0, 0, 1, 7);
	used_entry(1, 0, 0, 9);
	used_entry(0, 0, 0, 16);
	used_entry(1, 1, 1, 16);
	used_idx(2);
	finish();
	assert_silent();
}

static void used_entries_may_pass_the_index_one_by_one(void **state)
{
	(void)state;
	take_all(3);
	used_entry(1, 1, 1, 16);
	used_entry(0, 0, 0, 16);
	used_idx(1);
	used_entry(2, 2, 2, 16);
	used_idx(3);
	finish();
	assert_silent();
}

static void a_used_entry_that_is_not_due_may_be_unread(void **state)
{
	(void)state;
	take_all(2);
	used_entry(2, 0, 0, 16);
	assert_breaks(RULE_COMPLETION_SLOT);
}

static void an_index_passes_no_entry_that_was_left_out(void **state)
{
	(void)state;
	take_all(3);
	used_entry(0, 0, 0, 16);
	used_entry(2, 2, 2, 16);
	used_idx(2);
	assert_breaks(RULE_ORDER_ENTRY);
	setup(state);
	take_all(3);
	used_entry(1, 1, 1, 16);
	used_idx(1);
	assert_breaks(RULE_COMPLETION_SLOT);
}

/* The entry is read again once it is available, and is another by then. */
static void an_early_entry_may_be_read_again(void **state)
{
	(void)state;
	notify();
	avail_idx(0);
	avail_entry(0, 5);
	avail_idx(1);
	avail_entry(0, 0);
	desc(0, 0, BUFFER, 16, F_WRITE, 0);
	payload_write(0, BUFFER, 16);
	return_chain(0, 0, 0, 16);
	finish();
	assert_warns(RULE_ORDER_UNAVAILABLE);
}

static void an_early_entry_need_not_be_read_again(void **state)
{
	(void)state;
	rig_target.holds = false;
	notify();
	avail_idx(0);
	avail_entry(0, 0);
	done();
	rest(DEVICE_IDLE);
	notify();
	avail_idx(1);
	desc(0, 0, BUFFER, 16, F_WRITE, 0);
	payload_write(0, BUFFER, 16);
	return_chain(0, 0, 0, 16);
	finish();
	assert_warns(RULE_ORDER_UNAVAILABLE);
}

static void an_early_entry_that_is_none_is_no_fault(void **state)
{
	(void)state;
	notify();
	avail_idx(0);
	avail_entry(0, 0xffff);
	done();
	rest(DEVICE_IDLE);
	assert_warns(RULE_ORDER_UNAVAILABLE);
	assert_false(ledger.queues[TX].work.poisoned);
}

/* What the driver wrote is no index: VIRTIO does not say what is available then. */
static void a_device_may_go_by_an_index_that_went_back(void **state)
{
	(void)state;
	notify();
	avail_idx(0xffff);
	avail_entry(0, 0xffff);
	return_chain(0, 0, 0xffff, 0);
	finish();
	assert_warns(RULE_ORDER_UNAVAILABLE);
}

static void nothing_is_written_for_an_early_entry(void **state)
{
	(void)state;
	notify();
	avail_idx(0);
	avail_entry(0, 0);
	desc(0, 0, BUFFER, 16, F_WRITE, 0);
	payload_write(0, BUFFER, 16);
	assert_int_equal(ledger.findings[1].rule, RULE_MEMORY_WRITE);
	assert_true(ledger.stop);
}

static void nothing_is_returned_for_an_early_entry(void **state)
{
	(void)state;
	notify();
	avail_idx(0);
	avail_entry(0, 0);
	return_chain(0, 0, 0, 0);
	assert_int_equal(ledger.findings[1].rule, RULE_COMPLETION_NOT_HELD);
	assert_true(ledger.stop);
}

/* Several entries at once, of which one is available. */
static void entries_may_be_fetched_ahead(void **state)
{
	uint8_t heads[8] = { 0, 0, 1, 0, 0xff, 0xff, 0, 0 };

	(void)state;
	rig_target.holds = false;
	notify();
	avail_idx(1);
	access_part(GUEST_AVAIL_ENTRY, 0, false, AVAIL_AT(TX) + 4, heads, sizeof(heads));
	desc(0, 0, BUFFER, 16, F_WRITE, 0);
	payload_write(0, BUFFER, 16);
	return_chain(0, 0, 0, 16);
	finish();
	assert_false(ledger.stop);
	assert_int_equal(ledger.finding_count, 2);
	assert_int_equal(ledger.findings[0].rule, RULE_MEMORY_FIELD);
	assert_int_equal(ledger.findings[1].rule, RULE_ORDER_UNAVAILABLE);
}

static void what_is_no_head_may_come_back(void **state)
{
	(void)state;
	notify();
	avail_idx(1);
	avail_entry(0, 0xffff);
	return_chain(0, 0, 0xffff, 0);
	finish();
	assert_silent();
}

static void what_is_no_head_comes_back_as_it_is(void **state)
{
	(void)state;
	notify();
	avail_idx(1);
	avail_entry(0, 0xffff);
	return_chain(0, 0, 3, 0);
	assert_breaks(RULE_COMPLETION_NOT_HELD);
}

static void a_buffer_may_be_accessed_byte_by_byte(void **state)
{
	(void)state;
	notify();
	avail_idx(1);
	avail_entry(0, 0);
	desc(0, 0, BUFFER, 4096, F_WRITE, 0);
	for (uint32_t i = 0; i < 4096; i++)
		payload_write(0, BUFFER + i, 1);
	return_chain(0, 0, 0, 4096);
	finish();
	assert_silent();
}

static void an_index_that_jumps_is_policy(void **state)
{
	(void)state;
	notify();
	avail_idx(9);
	avail_entry(0, 0);
	assert_warns(RULE_ORDER_UNAVAILABLE);
	setup(state);
	notify();
	avail_idx(8);
	avail_entry(0, 0);
	assert_silent();
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(descriptors_may_be_read_by_fields),
		TEST(where_a_chain_goes_on_may_be_read_late),
		TEST(what_was_read_by_fields_is_held_to),
		TEST(a_chain_that_is_not_all_known_is_not_judged),
		TEST(a_length_that_is_not_written_before_the_index_is_missing),
		TEST(both_fields_at_the_start_of_a_ring),
		TEST(a_part_of_an_index_tells_nothing),
		TEST(the_driver_s_rings_are_not_written_in_pieces_either),
		TEST(a_piece_out_of_place_is_out_of_place),
		TEST(used_entries_may_be_written_last_first),
		TEST(used_entries_may_be_written_at_once),
		TEST(a_used_entry_may_be_written_anew),
		TEST(used_entries_may_pass_the_index_one_by_one),
		TEST(a_used_entry_that_is_not_due_may_be_unread),
		TEST(an_index_passes_no_entry_that_was_left_out),
		TEST(an_early_entry_may_be_read_again),
		TEST(an_early_entry_need_not_be_read_again),
		TEST(an_early_entry_that_is_none_is_no_fault),
		TEST(a_device_may_go_by_an_index_that_went_back),
		TEST(a_device_may_go_by_an_index_that_went_back),
		TEST(nothing_is_written_for_an_early_entry),
		TEST(nothing_is_returned_for_an_early_entry),
		TEST(entries_may_be_fetched_ahead),
		TEST(what_is_no_head_may_come_back),
		TEST(what_is_no_head_comes_back_as_it_is),
		TEST(a_buffer_may_be_accessed_byte_by_byte),
		TEST(an_index_that_jumps_is_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
