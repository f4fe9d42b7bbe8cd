/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A model's own part of a snapshot is found behind the transport's, whatever that has, and read
 * no further than it goes.
 */
#include "harness/target/own_part.h"
#include "harness/target/vringer.h"

#include <linux/virtio_config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "devices/virtio_1_4.h"

#define PACKED (1ULL << VIRTIO_F_RING_PACKED)
#define SUSPENDS (1ULL << VIRTIO_F_SUSPEND)

/* The bytes of a snapshot with two queues and three counters, and an own part of 2 + 4 bytes. */
static uint8_t bytes[512];
static size_t len, own;

static void put(uint64_t value, unsigned width)
{
	for (; width > 0; width--, value >>= 8)
		bytes[len++] = (uint8_t)value;
}

static void build(uint64_t features, bool high)
{
	memset(bytes, 0, sizeof(bytes));
	len = SNAPSHOT_RECORD_AT;
	put(features, 8);
	put(VIRTIO_CONFIG_S_DRIVER_OK, 4);
	put(0, 4);
	put(2, 4);
	for (unsigned i = 0; i < 2; i++) {
		put(8, 2);
		put(i, 1);
		for (unsigned area = 0; area < 3; area++)
			put(0, 8);
		put(5, 2);
		put(3, 2);
	}
	len += 20 + (features & SUSPENDS ? 1u : 0u);
	for (unsigned i = 0; i < 2; i++) {
		put(0, 1);
		put(i, 2);
		len += features & PACKED ? 4u : 0u;
	}
	put(3, 4);
	for (unsigned i = 0; i < 3; i++)
		put(100 + i, 8);
	len += high ? 8u : 0u;
	put(6, 4);
	own = len;
	put(0x1234, 2);
	put(7, 4);
}

static void assert_read(bool high)
{
	struct own_part part;
	uint64_t at = 0;

	assert_true(own_part_open(&part, bytes, len, high));
	assert_int_equal(part.at, own);
	assert_true(own_part_started(&part));
	assert_int_equal(own_part_get(&part, 2), 0x1234);
	assert_int_equal(own_part_get(&part, 4), 7);
	assert_null(own_part_close(&part, &at));
}

static void the_own_part_is_behind_whatever_the_transport_has(void **state)
{
	static const uint64_t features[] = { 0, PACKED, SUSPENDS, PACKED | SUSPENDS };

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		build(features[i / 2], i % 2 != 0);
		assert_read(i % 2 != 0);
	}
}

static void bytes_that_end_before_it_have_none(void **state)
{
	struct own_part part;

	(void)state;
	build(0, false);
	for (size_t short_len = 0; short_len < own; short_len++)
		assert_false(own_part_open(&part, bytes, short_len, false));
}

static void what_is_not_there_reads_as_0_and_is_wrong(void **state)
{
	struct own_part part;
	uint64_t at = 0;

	(void)state;
	build(0, false);
	assert_true(own_part_open(&part, bytes, len, false));
	assert_non_null(own_part_skip(&part, 5));
	assert_int_equal(own_part_get(&part, 2), 0);
	assert_null(own_part_skip(&part, UINT64_MAX));
	assert_non_null(own_part_close(&part, &at));
	assert_int_equal(at, len);
}

static void what_follows_is_wrong(void **state)
{
	struct own_part part;
	uint64_t at = 0;

	(void)state;
	build(0, false);
	assert_true(own_part_open(&part, bytes, len, false));
	own_part_get(&part, 2);
	assert_non_null(own_part_close(&part, &at));
	assert_int_equal(at, own + 2);
}

static void the_first_that_is_wrong_is_told(void **state)
{
	struct own_part part;
	uint64_t at = 0;

	(void)state;
	build(0, false);
	assert_true(own_part_open(&part, bytes, len, false));
	own_part_get_max(&part, 2, 0x1234, "no");
	own_part_get_max(&part, 4, 6, "first");
	own_part_require(&part, false, "second");
	assert_string_equal(own_part_close(&part, &at), "first");
	assert_int_equal(at, own + 2);
}

static void queues_have_what_their_cursors_say(void **state)
{
	struct own_part part;
	uint64_t at = 0;

	(void)state;
	build(PACKED, false);
	assert_true(own_part_open(&part, bytes, len, false));
	assert_false(own_part_queue(&part, 0).ready);
	assert_true(own_part_queue(&part, 1).ready);
	assert_int_equal(own_part_queue(&part, 1).size, 8);
	assert_int_equal(own_part_queue(&part, 2).size, 0);
	own_part_require_held(&part, 0, 2);
	own_part_require_held(&part, 1, 1);
	assert_null(part.what);
	own_part_require_held(&part, 1, 2);
	assert_non_null(own_part_close(&part, &at));
	assert_int_equal(at, SNAPSHOT_QUEUES_AT + SNAPSHOT_QUEUE_LEN + 27);
}

static void counters_are_found_by_name(void **state)
{
	static const char *const names[] = { "first", "second", "third" };
	const struct vringer_target target = { .counter_names = names, .counter_count = 3 };
	struct own_part part;
	uint64_t at = 0;

	(void)state;
	build(SUSPENDS, false);
	assert_true(own_part_open(&part, bytes, len, false));
	own_part_require_counter(&part, &target, "second", 101);
	assert_null(part.what);
	own_part_require_counter(&part, &target, "third", 101);
	assert_non_null(own_part_close(&part, &at));
	assert_int_equal(at, own - 4 - 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_own_part_is_behind_whatever_the_transport_has),
		cmocka_unit_test(bytes_that_end_before_it_have_none),
		cmocka_unit_test(what_is_not_there_reads_as_0_and_is_wrong),
		cmocka_unit_test(what_follows_is_wrong),
		cmocka_unit_test(the_first_that_is_wrong_is_told),
		cmocka_unit_test(queues_have_what_their_cursors_say),
		cmocka_unit_test(counters_are_found_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
