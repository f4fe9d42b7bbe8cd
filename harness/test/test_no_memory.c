/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The host has no memory when a target is made: there is none, and nothing was
 * touched.  (A device's own allocations are the heap's affair: test_heap.c.)
 *
 * Linked so that malloc and calloc are what is here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "harness/target/target.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

static bool empty;
static unsigned refused;

void *__wrap_malloc(size_t size)
{
	refused += empty;
	return empty ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	refused += empty;
	return empty ? NULL : __real_calloc(count, size);
}

static void *no_block(void *ctx, size_t size)
{
	(void)ctx;
	(void)size;
	return NULL;
}

static void test_no_target(void **state)
{
	const struct device_host host = { .alloc = no_block };
	unsigned asked = 0;

	(void)state;
	for (const struct target *const *t = target_all(); *t != NULL; t++) {
		void *device;

		refused = 0;
		empty = true;
		device = (*t)->create(*t, &host, (*t)->features, NULL);
		empty = false;
		assert_null(device);
		asked += refused;
	}
	/* Some of them have a block beside the device's. */
	assert_int_not_equal(asked, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_no_target) };

	return cmocka_run_group_tests_name("no memory", tests, NULL, NULL);
}
