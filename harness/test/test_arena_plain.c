/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Plain memory: what is handed out, what a device changed there, and that reset
 * takes it back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/arena/arena.h"

#define RUNS_MAX 8

static struct arena arena;
static struct heap heap;
static struct arena_handout regions[ARENA_REGIONS_MAX];
static unsigned region_count;

/* What the last comparison told. */
static struct {
	uint64_t addr;
	uint32_t len;
	uint8_t first;
} runs[RUNS_MAX];
static unsigned run_count;

static void on_change(void *ctx, uint64_t addr, const uint8_t *data, uint32_t len)
{
	(void)ctx;
	if (run_count == RUNS_MAX)
		return;
	runs[run_count].addr = addr;
	runs[run_count].len = len;
	runs[run_count++].first = data[0];
}

static void look(void)
{
	run_count = 0;
	arena_look(&arena);
	arena_compare_all(&arena, on_change, NULL);
}

/* The device's own pointer to guest memory. */
static uint8_t *at(uint64_t addr)
{
	for (unsigned i = 0; i < region_count; i++)
		if (addr - regions[i].addr < regions[i].size)
			return (uint8_t *)regions[i].host + (addr - regions[i].addr);
	fail_msg("0x%llx is not there", (unsigned long long)addr);
	return NULL;
}

static int setup(void **state)
{
	(void)state;
	if (arena_init(&arena, ARENA_STANDARD, true, &heap) != 0)
		return -1;
	region_count = arena_hand_out(&arena, regions);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static void regions_are_handed_out_in_the_order_of_their_addresses(void **state)
{
	(void)state;
	assert_int_equal(region_count, arena.region_count);
	for (unsigned i = 1; i < region_count; i++)
		assert_true(regions[i - 1].addr + (regions[i - 1].size - 1) < regions[i].addr);
}

static void the_same_bytes_can_be_mapped_by_their_descriptor(void **state)
{
	(void)state;
	for (unsigned i = 0; i < region_count; i++) {
		uint8_t *other = mmap(NULL, regions[i].size, PROT_READ | PROT_WRITE, MAP_SHARED,
				      regions[i].fd, (off_t)regions[i].fd_offset);

		assert_true(other != MAP_FAILED);
		assert_memory_equal(other, regions[i].host, regions[i].size);
		other[regions[i].size - 1] ^= 0xff;
		assert_int_equal(other[regions[i].size - 1],
				 *at(regions[i].addr + regions[i].size - 1));
		munmap(other, regions[i].size);
	}
}

static void what_the_guest_stores_is_no_change(void **state)
{
	(void)state;
	arena_store(&arena, 0x10000, "abc", 3);
	arena_store(&arena, arena.place[BASE_SEAM] - 2, "abcd", 4);
	arena_fill(&arena, 0x20000, 100, 7);
	arena_pattern(&arena, 0x30000, 100, 7);
	look();
	assert_int_equal(run_count, 0);
	assert_memory_equal(at(0x10000), "abc", 3);
}

static void a_change_is_told_once_and_in_one_piece(void **state)
{
	(void)state;
	memset(at(0x30ffa), 0xee, 10);
	at(0x31100)[0] ^= 1;
	look();
	assert_int_equal(run_count, 2);
	assert_true(runs[0].addr == 0x30ffa && runs[0].len == 10 && runs[0].first == 0xee);
	assert_true(runs[1].addr == 0x31100 && runs[1].len == 1);
	look();
	assert_int_equal(run_count, 0);
}

static void changes_at_the_edges_of_regions_are_told(void **state)
{
	(void)state;
	for (unsigned i = 0; i < region_count; i++) {
		uint64_t last = regions[i].addr + (regions[i].size - 1);

		*at(regions[i].addr) ^= 0xff;
		*at(last) ^= 0xff;
		look();
		assert_int_equal(run_count, 2);
		assert_true(runs[0].addr == regions[i].addr && runs[0].len == 1);
		assert_true(runs[1].addr == last && runs[1].len == 1);
	}
}

static void reset_takes_back_what_was_changed_told_or_not(void **state)
{
	static uint8_t before[256 << 10];

	(void)state;
	memcpy(before, at(0x10000), sizeof(before));
	memset(at(0x10000), 0x11, sizeof(before));
	look();
	memset(at(0x20000), 0x22, 100);
	arena_store(&arena, 0x20010, "x", 1);
	arena_reset(&arena);
	assert_memory_equal(before, at(0x10000), sizeof(before));
	look();
	assert_int_equal(run_count, 0);
}

static void bytes_that_no_look_found_changed_are_found(void **state)
{
	uint32_t before = arena.look;

	(void)state;
	memset(at(0x20000), 0xee, 16);
	look();
	memset(at(0x20010), 0xee, 16);
	look();
	assert_int_equal(arena_unchanged(&arena, 0x20000, 32, before + 1, 1), 32);
	assert_int_equal(arena_unchanged(&arena, 0x20000, 36, before + 1, 4), 32);
	assert_int_equal(arena_unchanged(&arena, 0x20000, 36, before + 1, 5), 36);
	assert_int_equal(arena_unchanged(&arena, 0x20000, 32, before + 2, 16), 0);
	/* Where nothing is, nothing is claimed. */
	assert_int_equal(arena_unchanged(&arena, arena.place[BASE_HOLE], 8, before + 1, 4), 8);
}

static void salt_makes_every_byte_another_and_is_no_change(void **state)
{
	uint8_t before[64];

	(void)state;
	memcpy(before, at(0x20000), 64);
	arena_salt(&arena, 0x20000, 64, 1);
	for (int i = 0; i < 64; i++)
		assert_int_not_equal(before[i], at(0x20000)[i]);
	look();
	assert_int_equal(run_count, 0);
	arena_reset(&arena);
	assert_memory_equal(before, at(0x20000), 64);
}

static int status_of(pid_t pid)
{
	int status = -1;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* As a fork server does: the bytes are shared, what is known of them is not. */
static void reset_takes_back_what_another_process_changed(void **state)
{
	static uint8_t before[4096];
	pid_t pid;

	(void)state;
	arena_reset(&arena);
	arena_settled(&arena);
	memcpy(before, at(0x20000), sizeof(before));
	pid = fork();
	if (pid == 0) {
		memset(at(0x20000), 0x33, sizeof(before));
		_exit(0);
	}
	assert_int_equal(status_of(pid), 0);
	pid = fork();
	if (pid == 0) {
		arena_reset(&arena);
		_exit(memcmp(before, at(0x20000), sizeof(before)) == 0 ? 0 : 1);
	}
	assert_int_equal(status_of(pid), 0);
}

static void nothing_is_unmapped(void **state)
{
	(void)state;
	arena_unmap(&arena, 0x10000, 0x1000);
	assert_true(arena_has(&arena, 0x10000, 0x1000));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			regions_are_handed_out_in_the_order_of_their_addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(the_same_bytes_can_be_mapped_by_their_descriptor,
						setup, teardown),
		cmocka_unit_test_setup_teardown(what_the_guest_stores_is_no_change, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_change_is_told_once_and_in_one_piece, setup,
						teardown),
		cmocka_unit_test_setup_teardown(changes_at_the_edges_of_regions_are_told, setup,
						teardown),
		cmocka_unit_test_setup_teardown(reset_takes_back_what_was_changed_told_or_not,
						setup, teardown),
		cmocka_unit_test_setup_teardown(bytes_that_no_look_found_changed_are_found, setup,
						teardown),
		cmocka_unit_test_setup_teardown(salt_makes_every_byte_another_and_is_no_change,
						setup, teardown),
		cmocka_unit_test_setup_teardown(reset_takes_back_what_another_process_changed,
						setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_unmapped, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
