/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Guest memory: where it is and where it is not, holes, reset.  Views are
 * in test_arena_views.c, races and faults in test_arena_strikes.c.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arena_rig.h"
#include "asan.h"

static void memory_is_where_the_layout_says(void **state)
{
	static const struct {
		uint64_t first;
		uint32_t len;
	} regions[] = {
		{ 0, ZERO_SIZE }, { LOW, LOW_SIZE }, { SEAM - SIDE, 2 * SIDE }, { TOP_START, SIDE }
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_true(dev_reaches(regions[i].first, regions[i].len));
		assert_false(dev_reaches(regions[i].first - 1, 2));
		if (i > 0)
			assert_false(dev_reaches(regions[i].first - 1, 1));
		if (i < 3)
			assert_false(dev_reaches(regions[i].first + regions[i].len, 1));
		assert_false(dev_reaches(regions[i].first, regions[i].len + 1));
	}
	assert_false(dev_reaches(HOLE, 1));
	assert_true(arena.place[BASE_LOW] == LOW);
	assert_true(arena.place[BASE_SEAM] == SEAM);
	assert_true(arena.place[BASE_TOP] == 0);
	assert_true(arena.place[BASE_HOLE] == HOLE);
}

static void a_flat_layout_is_one_region_with_every_place(void **state)
{
	struct arena flat;
	uint8_t byte = 0;

	(void)state;
	assert_int_equal(arena_init(&flat, ARENA_FLAT, false, &heap), 0);
	assert_int_equal(flat.region_count, 1);
	assert_true(flat.regions[0].base == LOW);
	for (int side = -1; side < 1; side++)
		assert_int_equal(flat.host.read(&flat, (struct guest_why){ 0 },
						flat.place[BASE_SEAM] + (uint64_t)side, &byte, 1),
				 0);
	assert_int_equal(
		flat.host.read(&flat, (struct guest_why){ 0 }, flat.place[BASE_TOP] - 1, &byte, 1),
		0);
	assert_int_equal(
		flat.host.read(&flat, (struct guest_why){ 0 }, flat.place[BASE_TOP], &byte, 1),
		-EFAULT);
	arena_release(&flat);
}

static void below_the_top_nothing_ends_at_2_64(void **state)
{
	struct arena below;
	uint8_t byte = 0;

	(void)state;
	assert_int_equal(arena_init(&below, ARENA_BELOW_TOP, false, &heap), 0);
	for (unsigned i = 0; i < below.region_count; i++)
		assert_true(below.regions[i].base + below.regions[i].size != 0);
	assert_int_equal(below.host.read(&below, (struct guest_why){ 0 }, below.place[BASE_TOP] - 1,
					 &byte, 1),
			 0);
	assert_int_equal(
		below.host.read(&below, (struct guest_why){ 0 }, below.place[BASE_TOP], &byte, 1),
		-EFAULT);
	arena_release(&below);
}

static void an_access_crosses_the_seam(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6 };
	uint8_t back[6];

	(void)state;
	for (uint32_t before = 0; before <= sizeof(bytes); before++) {
		assert_int_equal(dev_write(SEAM - before, bytes, sizeof(bytes)), 0);
		assert_int_equal(dev_read(SEAM - before, back, sizeof(back)), 0);
		assert_memory_equal(back, bytes, sizeof(bytes));
		memset(back, 0, sizeof(back));
		arena_load(&arena, SEAM - before, back, sizeof(back));
		assert_memory_equal(back, bytes, sizeof(bytes));
	}
}

static void the_last_byte_is_reached_and_nothing_wraps(void **state)
{
	uint8_t bytes[32] = { 0x77 };

	(void)state;
	assert_int_equal(dev_write(UINT64_MAX, bytes, 1), 0);
	assert_int_equal(dev_byte(UINT64_MAX), 0x77);
	assert_true(dev_reaches(0 - 32ULL, 32));
	assert_int_equal(dev_read(UINT64_MAX, bytes, 2), -EFAULT);
	assert_int_equal(dev_write(0 - 16ULL, bytes, 17), -EFAULT);
	assert_int_equal(dev_write(UINT64_MAX, bytes, UINT32_MAX), -EFAULT);
	/* The guest's own store ends there. */
	memset(bytes, 0x11, sizeof(bytes));
	arena_store(&arena, 0 - 4ULL, bytes, 32);
	assert_int_equal(dev_byte(UINT64_MAX), 0x11);
	assert_memory_equal(host_byte(0), arena.pristine + (host_byte(0) - arena.memory), 32);
	memset(bytes, 0xee, sizeof(bytes));
	arena_load(&arena, 0 - 4ULL, bytes, 32);
	assert_int_equal(bytes[3], 0x11);
	assert_int_equal(bytes[4], 0);
}

static void length_zero_succeeds_anywhere(void **state)
{
	static const uint64_t places[] = { 0, LOW - 1, HOLE, SEAM, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		void *view = arena.host.map(&arena, (struct guest_why){ 0 }, places[i], 0, true);

		assert_int_equal(dev_read(places[i], NULL, 0), 0);
		assert_int_equal(dev_write(places[i], NULL, 0), 0);
		assert_non_null(view);
		assert_int_equal(arena.host.unmap(&arena, view), 0);
	}
}

static void an_access_is_all_or_nothing(void **state)
{
	uint8_t bytes[64], untouched[64];
	int before = dev_byte(LOW + LOW_SIZE - 1);

	(void)state;
	memset(bytes, 0x3c, sizeof(bytes));
	memcpy(untouched, bytes, sizeof(bytes));
	assert_int_equal(dev_read(LOW + LOW_SIZE - 63, bytes, 64), -EFAULT);
	assert_memory_equal(bytes, untouched, sizeof(bytes));
	bytes[0] = (uint8_t)(before + 1);
	memset(bytes, bytes[0], sizeof(bytes));
	assert_int_equal(dev_write(LOW + LOW_SIZE - 63, bytes, 64), -EFAULT);
	assert_int_equal(dev_byte(LOW + LOW_SIZE - 1), before);
	/* A byte in the middle. */
	arena_fill(&arena, LOW, 64, 0x55);
	arena_unmap(&arena, LOW + 40, 1);
	assert_int_equal(dev_write(LOW, bytes, 64), -EFAULT);
	assert_int_equal(dev_byte(LOW), 0x55);
	assert_int_equal(dev_byte(LOW + 41), 0x55);
	assert_int_equal(dev_write(LOW, bytes, 40), 0);
	assert_int_equal(dev_byte(LOW + 39), bytes[0]);
}

static void every_access_is_told_with_its_purpose(void **state)
{
	uint8_t byte = 0x42;

	(void)state;
	assert_int_equal(dev_write(LOW, &byte, 1), 0);
	assert_int_equal(dev_read_for(GUEST_DESC, LOW, &byte, 1), 0);
	assert_int_equal(dev_read(HOLE, &byte, 1), -EFAULT);
	arena_store(&arena, LOW, &byte, 1);
	arena_load(&arena, LOW, &byte, 1);
	assert_int_equal(told_count, 3);
	assert_true(told[0].write);
	assert_int_equal(told[0].why.purpose, GUEST_PAYLOAD);
	assert_int_equal(told[0].why.queue, 3);
	assert_int_equal(told[0].why.walk, 9);
	assert_int_equal(told[0].first, 0x42);
	assert_false(told[1].write);
	assert_int_equal(told[1].why.purpose, GUEST_DESC);
	assert_int_equal(told[1].first, 0x42);
	assert_true(told[2].addr == HOLE);
	assert_int_equal(told[2].err, -EFAULT);
}

static void unmapped_bytes_are_not_there_for_either_side(void **state)
{
	uint8_t bytes[16];

	(void)state;
	arena_fill(&arena, LOW, 16, 0x55);
	arena_unmap(&arena, LOW + 4, 8);
	for (uint64_t i = 0; i < 16; i++)
		assert_int_equal(dev_byte(LOW + i), i >= 4 && i < 12 ? -1 : 0x55);
	arena_load(&arena, LOW, bytes, 16);
	assert_memory_equal(bytes, "UUUU\0\0\0\0\0\0\0\0UUUU", 16);
	arena_fill(&arena, LOW, 16, 0x66);
	arena_map(&arena, LOW + 4, 8);
	for (uint64_t i = 0; i < 16; i++)
		assert_int_equal(dev_byte(LOW + i), i >= 4 && i < 12 ? 0x55 : 0x66);
}

static void map_splits_a_hole(void **state)
{
	(void)state;
	arena_unmap(&arena, LOW + 10, 20);
	arena_map(&arena, LOW + 15, 5);
	for (uint64_t i = 0; i < 40; i++)
		assert_int_equal(dev_reaches(LOW + i, 1),
				 !((i >= 10 && i < 15) || (i >= 20 && i < 30)));
	arena_map(&arena, LOW + 14, 2);
	assert_true(dev_reaches(LOW + 14, 6));
	arena_map(&arena, LOW, 1000);
	assert_true(dev_reaches(LOW, 1000));
	assert_int_equal(arena.hole_count, 0);
}

static void holes_that_overlap_are_each_cut(void **state)
{
	(void)state;
	arena_unmap(&arena, LOW + 10, 20);
	arena_unmap(&arena, LOW + 20, 20);
	arena_unmap(&arena, LOW + 5, 60);
	arena_map(&arena, LOW + 25, 3);
	for (uint64_t i = 0; i < 80; i++)
		assert_int_equal(dev_reaches(LOW + i, 1), i < 5 || (i >= 25 && i < 28) || i >= 65);
}

static void map_gives_back_only_what_unmap_took(void **state)
{
	(void)state;
	arena_map(&arena, HOLE, 4096);
	assert_false(dev_reaches(HOLE, 1));
	arena_unmap(&arena, LOW, 1);
	arena_map(&arena, 0, UINT64_MAX);
	assert_false(dev_reaches(LOW - 1, 1));
	assert_true(dev_reaches(LOW, 1));
}

static void a_hole_ends_at_the_top_and_nothing_can_be_unmapped_in_a_gap(void **state)
{
	(void)state;
	arena_unmap(&arena, 0 - 16ULL, UINT64_MAX);
	assert_true(dev_reaches(0 - 32ULL, 16));
	assert_false(dev_reaches(UINT64_MAX, 1));
	assert_true(dev_reaches(0, 1));
	arena_map(&arena, UINT64_MAX, UINT64_MAX);
	assert_true(dev_reaches(UINT64_MAX, 1));
	assert_false(dev_reaches(0 - 2ULL, 1));
	arena_reset(&arena);
	arena_unmap(&arena, HOLE, 4096);
	arena_unmap(&arena, LOW, 0);
	assert_int_equal(arena.hole_count, 0);
}

static void more_holes_than_can_be_kept_leave_memory_mapped(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < ARENA_HOLES_MAX + 5; i++)
		arena_unmap(&arena, LOW + 2 * i, 1);
	for (uint64_t i = 0; i < ARENA_HOLES_MAX + 5; i++)
		assert_int_equal(dev_reaches(LOW + 2 * i, 1), i >= ARENA_HOLES_MAX);
}

static void everything_can_be_unmapped_and_mapped(void **state)
{
	(void)state;
	arena_unmap(&arena, 0, UINT64_MAX);
	arena_unmap(&arena, UINT64_MAX, 1);
	assert_false(dev_reaches(LOW, 1));
	assert_false(dev_reaches(UINT64_MAX, 1));
	arena_reset(&arena);
	assert_true(dev_reaches(LOW, LOW_SIZE));
	assert_true(dev_reaches(TOP_START, SIDE));
}

static void reset_restores_every_byte_and_only_what_was_touched(void **state)
{
	static const uint64_t places[] = { LOW, LOW + 200 * 1024, SEAM - 100, SEAM, UINT64_MAX };
	uint8_t before[5], byte = 0;

	(void)state;
	for (size_t i = 0; i < 5; i++)
		before[i] = (uint8_t)dev_byte(places[i]);
	assert_int_equal(arena.dirty_count, 0);
	for (size_t i = 0; i < 5; i++) {
		byte = (uint8_t)~before[i];
		if (i % 2 == 0)
			assert_int_equal(dev_write(places[i], &byte, 1), 0);
		else
			arena_store(&arena, places[i], &byte, 1);
		assert_int_equal(dev_byte(places[i]), byte);
	}
	assert_int_equal(arena.dirty_count, 5);
	arena_store(&arena, places[0], &byte, 1);
	assert_int_equal(arena.dirty_count, 5);
	arena_fill(&arena, LOW, 10 * ARENA_GRANULE, 1);
	assert_int_equal(arena.dirty_count, 14);
	arena_unmap(&arena, SEAM, 1);
	arena_reset(&arena);
	assert_int_equal(arena.dirty_count, 0);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(dev_byte(places[i]), before[i]);
	assert_memory_equal(host_byte(LOW), arena.pristine + arena.regions[0].offset, LOW_SIZE);
	/* And again, the same bytes. */
	arena_store(&arena, places[0], &byte, 1);
	assert_int_equal(arena.dirty_count, 1);
}

static void an_access_that_fails_touches_nothing(void **state)
{
	uint8_t bytes[64] = { 0 };

	(void)state;
	assert_int_equal(dev_write(LOW + LOW_SIZE - 1, bytes, 2), -EFAULT);
	arena_store(&arena, HOLE, bytes, 64);
	arena_fill(&arena, HOLE, UINT32_MAX / 4, 1);
	assert_int_equal(arena.dirty_count, 0);
}

static void a_fill_skips_what_is_not_there(void **state)
{
	(void)state;
	arena_fill(&arena, 0, UINT64_MAX, 0x99);
	assert_int_equal(dev_byte(LOW), 0x99);
	assert_int_equal(dev_byte(LOW + LOW_SIZE - 1), 0x99);
	assert_int_equal(dev_byte(SEAM), 0x99);
	assert_int_equal(dev_byte(UINT64_MAX - 1), 0x99);
	arena_pattern(&arena, LOW, 64, 1);
	assert_int_not_equal(dev_byte(LOW + 1), dev_byte(LOW + 17));
	arena_store16(&arena, SEAM - 1, 0xabcd);
	assert_int_equal(dev_byte(SEAM - 1), 0xcd);
	assert_int_equal(dev_byte(SEAM), 0xab);
	assert_int_equal(arena_load16(&arena, SEAM - 1), 0xabcd);
}

static void a_pattern_is_the_same_in_one_piece(void **state)
{
	static const uint64_t positions[] = { 0, 1, 2, 255, 257, LOW + 254, UINT64_MAX - 1100 };
	uint8_t piece[1100];

	(void)state;
	for (unsigned i = 0; i < sizeof(positions) / sizeof(positions[0]); i++)
		for (uint32_t len = 0; len < 1100; len += len < 4 ? 1 : 61) {
			uint8_t seed = (uint8_t)(len * 7 + i);

			memset(piece, 0xee, sizeof(piece));
			arena_pattern_bytes(piece, positions[i], len, seed);
			for (uint32_t b = 0; b < len; b++)
				assert_int_equal(piece[b],
						 arena_pattern_byte(positions[i] + b, seed));
			assert_int_equal(piece[len], 0xee);
		}
}

static void what_is_not_mapped_is_poisoned(void **state)
{
	(void)state;
	if (!HAVE_POISON)
		skip();
	assert_false(is_poisoned(host_byte(LOW)));
	assert_true(is_poisoned(host_byte(LOW) - 1));
	assert_true(is_poisoned(host_byte(LOW + LOW_SIZE - 1) + 1));
	assert_true(is_poisoned(host_byte(SEAM - 1) + 1));
	assert_true(is_poisoned(host_byte(SEAM) - 1));
	assert_true(is_poisoned(host_byte(UINT64_MAX) + 1));
	arena_unmap(&arena, LOW + 64, 64);
	assert_false(is_poisoned(host_byte(LOW + 63)));
	assert_true(is_poisoned(host_byte(LOW + 64)));
	assert_true(is_poisoned(host_byte(LOW + 127)));
	assert_false(is_poisoned(host_byte(LOW + 128)));
	arena_map(&arena, LOW + 72, 8);
	assert_true(is_poisoned(host_byte(LOW + 71)));
	assert_false(is_poisoned(host_byte(LOW + 72)));
	assert_true(is_poisoned(host_byte(LOW + 80)));
	arena_unmap(&arena, SEAM - 8, 16);
	assert_true(is_poisoned(host_byte(SEAM - 1)));
	assert_true(is_poisoned(host_byte(SEAM)));
	arena_reset(&arena);
	assert_false(is_poisoned(host_byte(LOW + 64)));
	assert_false(is_poisoned(host_byte(SEAM)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_setup, arena_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(memory_is_where_the_layout_says),
		TEST(a_flat_layout_is_one_region_with_every_place),
		TEST(below_the_top_nothing_ends_at_2_64),
		TEST(an_access_crosses_the_seam),
		TEST(the_last_byte_is_reached_and_nothing_wraps),
		TEST(length_zero_succeeds_anywhere),
		TEST(an_access_is_all_or_nothing),
		TEST(every_access_is_told_with_its_purpose),
		TEST(unmapped_bytes_are_not_there_for_either_side),
		TEST(map_splits_a_hole),
		TEST(holes_that_overlap_are_each_cut),
		TEST(map_gives_back_only_what_unmap_took),
		TEST(a_hole_ends_at_the_top_and_nothing_can_be_unmapped_in_a_gap),
		TEST(more_holes_than_can_be_kept_leave_memory_mapped),
		TEST(everything_can_be_unmapped_and_mapped),
		TEST(reset_restores_every_byte_and_only_what_was_touched),
		TEST(an_access_that_fails_touches_nothing),
		TEST(a_fill_skips_what_is_not_there),
		TEST(a_pattern_is_the_same_in_one_piece),
		TEST(what_is_not_mapped_is_poisoned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
