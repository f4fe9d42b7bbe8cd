/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The host heap of a device: the same blocks on every run, faults, bounds, and
 * the count of what was leaked.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "asan.h"
#include "harness/arena/heap.h"

static struct heap heap;

static int setup(void **state)
{
	(void)state;
	memset(&heap, 0, sizeof(heap));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	heap_release(&heap);
	return 0;
}

static void the_nth_allocation_fails_and_only_that(void **state)
{
	(void)state;
	for (unsigned nth = 1; nth < 4; nth++) {
		heap.fault_nth = nth;
		for (unsigned i = 1; i < 6; i++)
			assert_int_equal(heap_alloc(&heap, 8) == NULL, i == nth);
		assert_int_equal(heap.failures, nth);
		assert_false(heap.exhausted);
		heap_reset(&heap);
	}
}

static void a_new_block_holds_the_same_garbage_every_time(void **state)
{
	uint8_t *block = heap_alloc(&heap, 32);
	uint8_t first[32];

	(void)state;
	memcpy(first, block, 32);
	assert_int_not_equal(first[0], 0);
	memset(block, 0x11, 32);
	heap_free(&heap, block);
	block = heap_alloc(&heap, 32);
	assert_memory_equal(block, first, 32);
}

static void a_block_given_back_is_used_again_for_its_size(void **state)
{
	void *a = heap_alloc(&heap, 100);
	void *b = heap_alloc(&heap, 100);

	(void)state;
	assert_ptr_not_equal(a, b);
	heap_free(&heap, a);
	assert_ptr_not_equal(heap_alloc(&heap, 99), a);
	assert_ptr_equal(heap_alloc(&heap, 100), a);
	assert_int_equal(heap.live_bytes, 299);
	assert_int_equal(heap.call_bytes, 399);
}

static void a_block_given_back_is_poisoned(void **state)
{
	uint8_t *block = heap_alloc(&heap, 24);

	(void)state;
	if (!HAVE_POISON)
		skip();
	assert_false(is_poisoned(block + 23));
	assert_true(is_poisoned(block + 24));
	assert_true(is_poisoned(block - 1));
	heap_free(&heap, block);
	assert_true(is_poisoned(block));
	assert_ptr_equal(heap_alloc(&heap, 24), block);
	assert_false(is_poisoned(block));
	assert_true(is_poisoned(block + 24));
}

static void what_is_live_at_reset_was_leaked(void **state)
{
	void *block = heap_alloc(&heap, 10);

	(void)state;
	heap_alloc(&heap, 20);
	heap_alloc(&heap, 0);
	heap_free(&heap, block);
	assert_int_equal(heap.live_blocks, 2);
	assert_int_equal(heap_reset(&heap), 2);
	assert_int_equal(heap.live_bytes, 0);
	assert_int_equal(heap_reset(&heap), 0);
}

static void more_bytes_than_the_bound_are_refused_and_noted(void **state)
{
	(void)state;
	assert_null(heap_alloc(&heap, HEAP_BYTES_MAX + 1ull));
	assert_true(heap.exhausted);
	heap_reset(&heap);
	assert_false(heap.exhausted);
	assert_null(heap_alloc(&heap, SIZE_MAX));
	heap_reset(&heap);
	assert_non_null(heap_alloc(&heap, HEAP_BYTES_MAX / 2));
	assert_null(heap_alloc(&heap, HEAP_BYTES_MAX / 2 + 1));
	assert_true(heap.exhausted);
}

static void more_blocks_than_the_bound_are_refused_and_noted(void **state)
{
	void *last = NULL;

	(void)state;
	for (size_t i = 0; i < HEAP_BLOCKS_MAX; i++) {
		assert_false(heap.exhausted);
		last = heap_alloc(&heap, i);
		assert_non_null(last);
	}
	assert_null(heap_alloc(&heap, 1));
	assert_true(heap.exhausted);
	heap_reset(&heap);
	/* Sizes that were never there take the places of others. */
	for (size_t i = 0; i < 2 * HEAP_BLOCKS_MAX; i++) {
		uint8_t *block = heap_alloc(&heap, 1000 + i);

		assert_non_null(block);
		memset(block, 1, 1000 + i);
		heap_free(&heap, block);
	}
	assert_non_null(heap_alloc(&heap, 0));
	assert_false(heap.exhausted);
}

/* How a child ends that does this. */
static int ends_with(void (*act)(void))
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		act();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void free_nothing(void)
{
	heap_free(&heap, NULL);
}

static void free_twice(void)
{
	void *block = heap_alloc(&heap, 8);

	heap_free(&heap, block);
	heap_free(&heap, block);
}

static void free_inside(void)
{
	heap_free(&heap, (char *)heap_alloc(&heap, 8) + 1);
}

static void a_wild_or_double_free_aborts(void **state)
{
	(void)state;
	assert_int_equal(ends_with(free_nothing), 0);
	assert_int_equal(ends_with(free_twice), SIGABRT);
	assert_int_equal(ends_with(free_inside), SIGABRT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_nth_allocation_fails_and_only_that),
		TEST(a_new_block_holds_the_same_garbage_every_time),
		TEST(a_block_given_back_is_used_again_for_its_size),
		TEST(a_block_given_back_is_poisoned),
		TEST(what_is_live_at_reset_was_leaked),
		TEST(more_bytes_than_the_bound_are_refused_and_noted),
		TEST(more_blocks_than_the_bound_are_refused_and_noted),
		TEST(a_wild_or_double_free_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
