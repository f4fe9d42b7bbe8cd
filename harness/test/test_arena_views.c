/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Host views of guest memory: bounce buffers whose map is a read and whose unmap
 * is a write.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arena_rig.h"

static void a_view_to_read_holds_what_was_there_at_map(void **state)
{
	uint8_t *view;

	(void)state;
	arena_fill(&arena, SEAM - 8, 16, 0x21);
	view = arena.host.map(&arena, (struct guest_why){ .walk = 5 }, SEAM - 8, 16, false);
	assert_non_null(view);
	assert_int_equal(told_count, 1);
	assert_false(told[0].write);
	assert_int_equal(told[0].len, 16);
	assert_int_equal(told[0].why.walk, 5);
	arena_fill(&arena, SEAM - 8, 16, 0x22);
	assert_int_equal(view[0], 0x21);
	view[15] = 0;
	assert_int_equal(arena.host.unmap(&arena, view), 0);
	assert_int_equal(told_count, 1);
	assert_int_equal(dev_byte(SEAM + 7), 0x22);
	assert_int_equal(heap.live_blocks, 0);
}

static void a_view_to_write_reaches_the_guest_at_unmap(void **state)
{
	uint8_t *view = arena.host.map(&arena, (struct guest_why){ 0 }, LOW, 16, true);

	(void)state;
	assert_non_null(view);
	assert_int_equal(told_count, 0);
	memset(view, 0x31, 16);
	assert_int_equal(dev_byte(LOW), 0);
	assert_int_equal(arena.host.unmap(&arena, view), 0);
	assert_true(told[1].write);
	assert_int_equal(dev_byte(LOW + 15), 0x31);
	/* Gone by then. */
	view = arena.host.map(&arena, (struct guest_why){ 0 }, LOW, 16, true);
	memset(view, 0x32, 16);
	arena_unmap(&arena, LOW + 3, 1);
	assert_int_equal(arena.host.unmap(&arena, view), -EFAULT);
	assert_int_equal(dev_byte(LOW), 0x31);
	assert_int_equal(heap.live_blocks, 0);
}

static void a_view_of_what_is_not_there_fails_and_is_told(void **state)
{
	(void)state;
	for (int write = 0; write < 2; write++) {
		told_count = 0;
		assert_null(
			arena.host.map(&arena, (struct guest_why){ 0 }, LOW - 1, 16, write != 0));
		assert_int_equal(told_count, 1);
		assert_int_equal(told[0].err, -EFAULT);
		assert_int_equal(told[0].write, write);
		assert_null(arena.host.map(&arena, (struct guest_why){ 0 }, UINT64_MAX, UINT32_MAX,
					   write != 0));
	}
	assert_int_equal(heap.live_blocks, 0);
	assert_false(heap.exhausted);
	assert_int_equal(arena.host.unmap(&arena, &arena), -EINVAL);
	assert_int_equal(arena.host.unmap(&arena, NULL), -EINVAL);
}

static void views_are_bounded_and_dropped_at_reset(void **state)
{
	void *views[ARENA_VIEWS_MAX];

	(void)state;
	for (int i = 0; i < ARENA_VIEWS_MAX; i++) {
		views[i] = arena.host.map(&arena, (struct guest_why){ 0 }, LOW, 8, true);
		assert_non_null(views[i]);
	}
	assert_null(arena.host.map(&arena, (struct guest_why){ 0 }, LOW, 8, true));
	assert_int_equal(arena.host.unmap(&arena, views[7]), 0);
	assert_non_null(arena.host.map(&arena, (struct guest_why){ 0 }, LOW, 8, true));
	arena_reset(&arena);
	assert_int_equal(arena.view_count, 0);
	assert_int_equal(heap.live_blocks, 0);
	assert_int_equal(arena.host.unmap(&arena, views[0]), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_setup, arena_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_view_to_read_holds_what_was_there_at_map),
		TEST(a_view_to_write_reaches_the_guest_at_unmap),
		TEST(a_view_of_what_is_not_there_fails_and_is_told),
		TEST(views_are_bounded_and_dropped_at_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
