/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What strikes in the middle of a device's work, always at the same place:
 * races, failing accesses, failing allocations.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arena_rig.h"

static void arm(uint32_t nth, uint64_t addr, const char *data)
{
	assert_true(arena_race(&arena, nth, addr, data, (uint32_t)strlen(data)));
}

static void a_race_strikes_before_the_nth_read_that_touches_it(void **state)
{
	(void)state;
	for (uint32_t nth = 1; nth < 5; nth++) {
		arena_reset(&arena);
		arena_fill(&arena, LOW, 8, 'a');
		arm(nth, LOW + 2, "bc");
		for (uint32_t i = 1; i < nth; i++)
			assert_int_equal(dev_byte(LOW + 2), 'a');
		assert_int_equal(dev_byte(LOW + 3), 'c');
		assert_int_equal(dev_byte(LOW + 2), 'b');
		assert_int_equal(dev_byte(LOW + 4), 'a');
		assert_int_equal(arena.race_count, 0);
	}
}

static void only_device_reads_that_touch_it_count(void **state)
{
	uint8_t bytes[8];

	(void)state;
	arena_fill(&arena, LOW, 16, 'a');
	arm(2, LOW + 4, "bbbb");
	assert_int_equal(dev_read(LOW, bytes, 4), 0);
	assert_int_equal(dev_read(LOW + 8, bytes, 8), 0);
	assert_int_equal(dev_write(LOW + 4, "aaaa", 4), 0);
	arena_load(&arena, LOW + 4, bytes, 4);
	assert_int_equal(dev_read(LOW + 4, bytes, 0), 0);
	/* Its first byte, then its last. */
	assert_int_equal(dev_read(LOW, bytes, 5), 0);
	assert_int_equal(bytes[4], 'a');
	assert_int_equal(dev_read(LOW + 7, bytes, 8), 0);
	assert_int_equal(bytes[0], 'b');
	assert_int_equal(dev_byte(LOW + 4), 'b');
}

static void a_race_that_has_struck_does_not_strike_again(void **state)
{
	(void)state;
	arm(1, LOW, "x");
	assert_int_equal(dev_byte(LOW), 'x');
	assert_int_equal(dev_write(LOW, "y", 1), 0);
	assert_int_equal(dev_byte(LOW), 'y');
}

static void races_due_at_one_read_strike_in_the_order_they_were_armed(void **state)
{
	uint8_t bytes[4];

	(void)state;
	arm(1, LOW, "aaaa");
	arm(2, LOW, "never first");
	arm(1, LOW + 1, "bb");
	arm(1, LOW + 2, "c");
	assert_int_equal(dev_read(LOW, bytes, 4), 0);
	assert_memory_equal(bytes, "abca", 4);
	assert_int_equal(arena.race_count, 1);
	assert_int_equal(dev_read(LOW, bytes, 4), 0);
	assert_memory_equal(bytes, "neve", 4);
}

static void races_are_bounded_in_number_and_size(void **state)
{
	(void)state;
	assert_false(arena_race(&arena, 0, LOW, "a", 1));
	assert_false(arena_race(&arena, 1, LOW, "a", 0));
	assert_false(arena_race(&arena, 1, LOW, "0123456789abcdefg", ARENA_RACE_BYTES_MAX + 1));
	for (uint64_t i = 0; i < ARENA_RACES_MAX; i++)
		assert_true(arena_race(&arena, 1, LOW + 16 * i, "0123456789abcdef",
				       ARENA_RACE_BYTES_MAX));
	assert_false(arena_race(&arena, 1, LOW, "a", 1));
	for (uint64_t i = 0; i < ARENA_RACES_MAX; i++)
		assert_int_equal(dev_byte(LOW + 16 * i + 15), 'f');
	assert_true(arena_race(&arena, 1, LOW, "a", 1));
}

static void a_race_crosses_the_seam_and_ends_at_the_top(void **state)
{
	(void)state;
	arm(1, SEAM - 1, "ab");
	arm(1, UINT64_MAX, "cd");
	assert_int_equal(dev_byte(SEAM), 'b');
	assert_int_equal(dev_byte(SEAM - 1), 'a');
	assert_int_equal(dev_byte(UINT64_MAX), 'c');
	assert_int_equal(dev_byte(0), arena.pristine[host_byte(0) - arena.memory]);
}

static void disarm_and_reset_forget_what_has_not_struck(void **state)
{
	uint8_t byte;

	(void)state;
	for (int reset = 0; reset < 2; reset++) {
		arm(1, LOW, "x");
		arena.fault_nth = 1;
		heap.fault_nth = 1;
		if (reset != 0)
			arena_reset(&arena);
		else
			arena_disarm(&arena);
		assert_int_equal(dev_read(LOW, &byte, 1), 0);
		assert_int_equal(byte, 0);
		heap_free(&heap, heap_alloc(&heap, 1));
		assert_int_equal(heap.fault_nth, 0);
		assert_false(heap.exhausted);
	}
}

/* What it watches and what it changes are two things. */
static void a_write_race_strikes_after_the_nth_write_of_its_byte(void **state)
{
	(void)state;
	for (uint32_t nth = 1; nth < 4; nth++) {
		arena_reset(&arena);
		assert_true(arena_race_write(&arena, nth, LOW + 2, LOW + 8, "x", 1));
		assert_int_equal(dev_write(LOW, "ab", 2), 0);
		assert_int_equal(dev_write(LOW + 3, "ab", 2), 0);
		assert_int_equal(dev_byte(LOW + 2), 0);
		for (uint32_t i = 0; i < nth; i++) {
			assert_int_equal(dev_byte(LOW + 8), 0);
			assert_int_equal(dev_write(LOW + 1, "ab", 2), 0);
		}
		assert_int_equal(dev_byte(LOW + 8), 'x');
		assert_int_equal(arena.race_count, 0);
	}
}

/* One that fails is none; the device's own bytes go first. */
static void a_write_race_strikes_behind_what_was_written(void **state)
{
	(void)state;
	assert_true(arena_race_write(&arena, 1, LOW, LOW, "x", 1));
	arena.fault_nth = 1;
	assert_int_equal(dev_write(LOW, "a", 1), -EFAULT);
	assert_int_equal(arena.race_count, 1);
	assert_int_equal(dev_write(LOW, "a", 1), 0);
	assert_int_equal(dev_byte(LOW), 'x');
	assert_false(arena_race_write(&arena, 0, LOW, LOW, "a", 1));
	assert_false(arena_race_write(&arena, 1, LOW, LOW, "a", 0));
	assert_true(arena_race_write(&arena, 1, UINT64_MAX, LOW, "y", 1));
	assert_int_equal(dev_write(UINT64_MAX, "a", 1), 0);
	assert_int_equal(dev_byte(LOW), 'y');
}

static void the_nth_access_fails_and_only_that(void **state)
{
	uint8_t byte = 1;

	(void)state;
	for (uint32_t nth = 1; nth < 5; nth++) {
		arena.fault_nth = nth;
		arena.fault_kind = ACCESS_ANY;
		for (uint32_t i = 1; i < 8; i++) {
			int err = i % 2 == 0 ? dev_read(LOW, &byte, 1) : dev_write(LOW, &byte, 1);

			assert_int_equal(err, i == nth ? -EFAULT : 0);
		}
		assert_int_equal(arena.fault_nth, 0);
	}
}

static void a_fault_counts_accesses_of_its_kind_and_purpose(void **state)
{
	uint8_t byte = 1;

	(void)state;
	arena.fault_nth = 2;
	arena.fault_kind = ACCESS_WRITE;
	assert_int_equal(dev_read(LOW, &byte, 1), 0);
	assert_int_equal(dev_write(LOW, &byte, 1), 0);
	assert_int_equal(dev_read(LOW, &byte, 1), 0);
	assert_int_equal(dev_write(LOW, &byte, 1), -EFAULT);
	arena.fault_nth = 1;
	arena.fault_kind = ACCESS_READ;
	assert_int_equal(dev_write(LOW, &byte, 1), 0);
	assert_int_equal(dev_read(LOW, &byte, 1), -EFAULT);
	arena.fault_nth = 2;
	arena.fault_kind = ACCESS_ANY;
	arena.fault_purpose = 1 + GUEST_DESC;
	assert_int_equal(dev_read(LOW, &byte, 1), 0);
	assert_int_equal(dev_read_for(GUEST_DESC, LOW, &byte, 1), 0);
	assert_int_equal(dev_read_for(GUEST_AVAIL_IDX, LOW, &byte, 1), 0);
	assert_int_equal(dev_read_for(GUEST_DESC, LOW, &byte, 1), -EFAULT);
	assert_int_equal(dev_read_for(GUEST_DESC, LOW, &byte, 1), 0);
}

static void every_purpose_has_a_fault_by_its_name(void **state)
{
	const char *const *names = field_names(FIELD_PURPOSE);
	unsigned count = 0;
	uint8_t byte;

	(void)state;
	while (names[count] != NULL)
		count++;
	assert_int_equal(count, GUEST_PURPOSE_COUNT + 1);
	assert_string_equal(names[1 + GUEST_PAYLOAD], "payload");
	assert_string_equal(names[1 + GUEST_AVAIL_ENTRY], "avail_entry");
	assert_string_equal(names[1 + GUEST_USED_IDX], "used_idx");
	assert_string_equal(names[1 + GUEST_AVAIL_EVENT], "avail_event");
	for (unsigned i = 0; i < GUEST_PURPOSE_COUNT; i++) {
		arena.fault_nth = 1;
		arena.fault_purpose = (uint8_t)(1 + i);
		for (unsigned p = 0; p < GUEST_PURPOSE_COUNT; p++)
			assert_int_equal(dev_read_for((enum guest_purpose)p, LOW, &byte, 1),
					 p == i ? -EFAULT : 0);
	}
}

static void an_access_that_fails_moves_nothing_and_starts_no_race(void **state)
{
	uint8_t byte = 'n';

	(void)state;
	arm(1, LOW, "x");
	arena.fault_nth = 1;
	assert_int_equal(dev_read(LOW, &byte, 1), -EFAULT);
	assert_int_equal(byte, 'n');
	arena.fault_nth = 1;
	assert_int_equal(dev_write(LOW, &byte, 1), -EFAULT);
	assert_int_equal(arena.dirty_count, 0);
	assert_int_equal(dev_byte(LOW), 'x');
}

static void faults_strike_views(void **state)
{
	void *view;

	(void)state;
	arena.fault_nth = 1;
	assert_null(arena.host.map(&arena, (struct guest_why){ 0 }, LOW, 4, false));
	arena.fault_nth = 1;
	view = arena.host.map(&arena, (struct guest_why){ 0 }, LOW, 4, true);
	assert_non_null(view);
	assert_int_equal(arena.host.unmap(&arena, view), -EFAULT);
	heap.fault_nth = 1;
	assert_null(arena.host.map(&arena, (struct guest_why){ 0 }, LOW, 4, false));
	arm(1, LOW, "race");
	view = arena.host.map(&arena, (struct guest_why){ 0 }, LOW, 4, false);
	assert_memory_equal(view, "race", 4);
	assert_int_equal(arena.host.unmap(&arena, view), 0);
	assert_int_equal(heap.live_blocks, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_setup, arena_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_race_strikes_before_the_nth_read_that_touches_it),
		TEST(only_device_reads_that_touch_it_count),
		TEST(a_race_that_has_struck_does_not_strike_again),
		TEST(races_due_at_one_read_strike_in_the_order_they_were_armed),
		TEST(races_are_bounded_in_number_and_size),
		TEST(a_race_crosses_the_seam_and_ends_at_the_top),
		TEST(disarm_and_reset_forget_what_has_not_struck),
		TEST(a_write_race_strikes_after_the_nth_write_of_its_byte),
		TEST(a_write_race_strikes_behind_what_was_written),
		TEST(the_nth_access_fails_and_only_that),
		TEST(a_fault_counts_accesses_of_its_kind_and_purpose),
		TEST(every_purpose_has_a_fault_by_its_name),
		TEST(an_access_that_fails_moves_nothing_and_starts_no_race),
		TEST(faults_strike_views),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
