/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The frame pool: one owner at a time, bounded, and no allocation once it has seen
 * its longest burst.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../net_pool.h"
#include "fake_host.h"

#define BYTES 100u

static struct fake_host fake;
static struct net_pool pool;
static uint8_t *buffers[NET_POOL_MAX];

static int setup(void **state)
{
	(void)state;
	fake_host_init(&fake, 0x1000);
	net_pool_init(&pool, &fake.host, BYTES);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	net_pool_fini(&pool);
	assert_int_equal(fake.blocks, 0);
	return 0;
}

static void acquire(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(net_pool_acquire(&pool, &buffers[i]), 0);
		memset(buffers[i], (int)i, BYTES);
	}
}

static void release(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		net_pool_release(&pool, buffers[i]);
}

static void buffers_are_not_shared(void **state)
{
	(void)state;
	for (int round = 0; round < 3; round++) {
		acquire(NET_POOL_MAX);
		for (unsigned i = 0; i < NET_POOL_MAX; i++)
			assert_true(buffers[i][0] == i && buffers[i][BYTES - 1] == i);
		release(NET_POOL_MAX);
	}
}

static void there_is_an_end(void **state)
{
	uint8_t *more;

	(void)state;
	acquire(NET_POOL_MAX);
	assert_int_equal(net_pool_acquire(&pool, &more), -ENOBUFS);
	net_pool_release(&pool, buffers[3]);
	assert_int_equal(net_pool_acquire(&pool, &buffers[3]), 0);
	assert_int_equal(net_pool_acquire(&pool, &more), -ENOBUFS);
	release(NET_POOL_MAX);
}

static void what_is_beyond_the_kept_is_freed(void **state)
{
	(void)state;
	acquire(NET_POOL_MAX);
	assert_int_equal(fake.blocks, NET_POOL_MAX);
	release(NET_POOL_MAX);
	assert_int_equal(fake.blocks, NET_POOL_KEPT);
}

static void the_steady_state_allocates_nothing(void **state)
{
	unsigned calls;

	(void)state;
	acquire(NET_POOL_KEPT);
	release(NET_POOL_KEPT);
	calls = fake.alloc_calls;
	for (int round = 0; round < 100; round++) {
		acquire(NET_POOL_KEPT);
		release(NET_POOL_KEPT);
	}
	assert_int_equal(fake.alloc_calls, calls);
}

static void without_host_memory(void **state)
{
	uint8_t *none;

	(void)state;
	acquire(1);
	fake.allocs_left = 0;
	assert_int_equal(net_pool_acquire(&pool, &none), -ENOMEM);
	release(1);
	/* That one is there. */
	acquire(1);
	release(1);
}

static void what_is_stocked_is_kept(void **state)
{
	(void)state;
	assert_int_equal(net_pool_stock(&pool, 3), 0);
	assert_int_equal(fake.blocks, 3);
	assert_int_equal(net_pool_stock(&pool, 2), 0);
	fake.allocs_left = 0;
	acquire(3);
	release(3);
	assert_int_equal(net_pool_stock(&pool, NET_POOL_KEPT), -ENOMEM);
	assert_int_equal(fake.blocks, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(buffers_are_not_shared, setup, teardown),
		cmocka_unit_test_setup_teardown(there_is_an_end, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_beyond_the_kept_is_freed, setup, teardown),
		cmocka_unit_test_setup_teardown(the_steady_state_allocates_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(without_host_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_stocked_is_kept, setup, teardown),
	};

	return cmocka_run_group_tests_name("net_pool", tests, NULL, NULL);
}
