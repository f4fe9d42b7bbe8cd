/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The ledger's account of bytes that the host offers a port and the device does not
 * take: each is counted, and nothing else is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger_rig.h"

/* "out" counts what is typed and refused, "in" what is put back and refused. */
static int setup_refusals(void **state)
{
	static const struct target_port refusing = {
		TX, RX, 64, 256, "", "", NULL, "out", "in", 0
	};

	(void)state;
	rig_new();
	rig_port();
	rig_target.ports = &refusing;
	rig_target.sums = NULL;
	rig_live(8);
	return 0;
}

static void rests_with(uint64_t typed, uint64_t put_back)
{
	rig_counters[0] = typed;
	rig_counters[1] = put_back;
	rest(DEVICE_IDLE);
}

static void refused_and_counted(void **state)
{
	(void)state;
	host(HOST_TYPE, "abcde", 5, 2);
	host(HOST_TYPE, "abc", 3, 0);
	host(HOST_PUT_BACK, "abcd", 4, 0);
	rests_with(6, 4);
	host(HOST_PUT_BACK, "ab", 2, 2);
	host(HOST_TAKE, "ab", 9, 2);
	rests_with(6, 4);
	host(HOST_PUT_BACK, "a", 1, 0);
	rests_with(6, 5);
	assert_silent();
}

/* More than there was: that is said, and the port is followed as if it had been all. */
static void more_taken_than_typed(void **state)
{
	(void)state;
	host(HOST_TYPE, "abc", 3, 4);
	host(HOST_TYPE, "abcde", 5, 2);
	rests_with(3, 0);
	assert_breaks(RULE_STREAM_BYTES);
}

static void more_put_back_than_there_was(void **state)
{
	(void)state;
	host(HOST_PUT_BACK, "abc", 3, 4);
	assert_breaks(RULE_STREAM_BYTES);
}

static void more_taken_than_asked_for(void **state)
{
	(void)state;
	host(HOST_TAKE, "a", 0, 1);
	assert_breaks(RULE_STREAM_BYTES);
}

static void typed_and_not_counted(void **state)
{
	(void)state;
	host(HOST_TYPE, "abcde", 5, 2);
	rests_with(2, 0);
	assert_breaks(RULE_STREAM_BYTES);
}

static void put_back_and_not_counted(void **state)
{
	(void)state;
	host(HOST_PUT_BACK, "abc", 3, 0);
	rests_with(0, 3);
	assert_silent();
	host(HOST_PUT_BACK, "abc", 3, 0);
	rests_with(0, 3);
	assert_breaks(RULE_STREAM_BYTES);
}

static void counted_and_taken(void **state)
{
	(void)state;
	host(HOST_TYPE, "abc", 3, 3);
	rests_with(3, 0);
	assert_breaks(RULE_STREAM_BYTES);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup_refusals)
	const struct CMUnitTest tests[] = {
		TEST(refused_and_counted),
		TEST(more_taken_than_typed),
		TEST(more_put_back_than_there_was),
		TEST(more_taken_than_asked_for),
		TEST(typed_and_not_counted),
		TEST(put_back_and_not_counted),
		TEST(counted_and_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
