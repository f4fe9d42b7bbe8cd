/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The scripted end of a network card: what it keeps, and how it obeys.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/models/wire.h"

static struct wire wire;
static uint8_t frame[4096], got[4096];
static unsigned told[3];

static uint32_t told_len; /* of the last */

static void on_frame(void *ctx, uint32_t end, const void *data, uint32_t len)
{
	(void)data;
	assert_ptr_equal(ctx, told);
	told_len = len;
	told[end - VRINGER_END_AWAY]++;
}

static unsigned calls;

static void on_called(void *ctx)
{
	assert_ptr_equal(ctx, told);
	calls++;
}

static const struct vringer_host host = { .ctx = told, .frame = on_frame, .backend = on_called };
static const struct vringer_host other = { .ctx = told, .frame = on_frame, .backend = on_called };

static int setup(void **state)
{
	(void)state;
	memset(told, 0, sizeof(told));
	calls = 0;
	wire.host = &host;
	wire_reset(&wire);
	for (size_t i = 0; i < sizeof(frame); i++)
		frame[i] = (uint8_t)(i * 7);
	return 0;
}

static void frames_for_the_guest(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < WIRE_FRAMES; i++)
		assert_true(wire_put(&wire, frame, i));
	assert_false(wire_put(&wire, frame, 1));
	assert_int_equal(wire_waiting(&wire), WIRE_FRAMES);
	for (uint32_t i = 0; i < WIRE_FRAMES; i++) {
		assert_int_equal(wire_receive(&wire, got, 100), i);
		assert_memory_equal(got, frame, i);
	}
	assert_int_equal(wire_receive(&wire, got, 100), -EAGAIN);
	assert_int_equal(told[VRINGER_END_GIVEN - VRINGER_END_AWAY], WIRE_FRAMES);
	/* How many wait, and each frame, and that there is none. */
	assert_int_equal(calls, 1 + WIRE_FRAMES + 1);
}

/* Room is not exceeded, and what a frame leaves of it is spoilt. */
static void room_is_filled(void **state)
{
	(void)state;
	memset(got, 0xee, sizeof(got));
	assert_true(wire_put(&wire, frame, 4000));
	assert_true(wire_put(&wire, frame, 10));
	assert_int_equal(wire_receive(&wire, got, 20), 4000);
	assert_int_equal(told_len, WIRE_BYTES);
	assert_memory_equal(got, frame, 20);
	assert_int_equal(got[20], 0xee);
	assert_int_equal(wire_receive(&wire, got, 20), 10);
	assert_memory_equal(got, frame, 10);
	for (int i = 10; i < 20; i++)
		assert_int_equal(got[i], WIRE_GARBAGE);
	assert_int_equal(got[20], 0xee);
}

static void the_last_that_were_sent_are_kept(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < WIRE_FRAMES + 3; i++)
		assert_int_equal(wire_send(&wire, frame + i, 50), 50);
	assert_int_equal(wire_take(&wire, got, 10), 10);
	assert_memory_equal(got, frame + 3, 10);
	for (uint32_t i = 1; i < WIRE_FRAMES; i++)
		assert_int_equal(wire_take(&wire, got, sizeof(got)), 50);
	assert_int_equal(wire_take(&wire, got, sizeof(got)), 0);
	assert_int_equal(told[0], WIRE_FRAMES + 3);
}

static void refuses_and_takes_short(void **state)
{
	(void)state;
	wire_order(&wire, VRINGER_REFUSE, 2, 0);
	assert_int_equal(wire_send(&wire, frame, 50), -EAGAIN);
	assert_int_equal(wire_send(&wire, frame, 50), 0);
	assert_int_equal(wire_send(&wire, frame, 50), 50);
	wire_order(&wire, VRINGER_REFUSE, 2, 30);
	assert_int_equal(wire_send(&wire, frame, 50), 30);
	assert_int_equal(wire_send(&wire, frame, 20), 20);
	assert_int_equal(wire_send(&wire, frame, 50), 50);
	assert_int_equal(wire_take(&wire, got, sizeof(got)), 50);
	assert_int_equal(wire_take(&wire, got, sizeof(got)), 30);
}

static void holds(void **state)
{
	(void)state;
	assert_true(wire_put(&wire, frame, 1));
	wire_order(&wire, VRINGER_HOLD, 2, 0);
	assert_true(wire_holds(&wire));
	assert_true(wire_put(&wire, frame, 2));
	assert_int_equal(wire_waiting(&wire), 1);
	assert_int_equal(wire_receive(&wire, got, 10), 1);
	assert_int_equal(wire_receive(&wire, got, 10), -EAGAIN);
	wire_send(&wire, frame, 5);
	assert_int_equal(wire_waiting(&wire), 0);
	wire_send(&wire, frame, 5);
	assert_int_equal(wire_waiting(&wire), 1);
	assert_false(wire_holds(&wire));
	wire_order(&wire, VRINGER_HOLD, 9, 0);
	assert_true(wire_put(&wire, frame, 3));
	wire_order(&wire, VRINGER_HOLD, 0, 0);
	assert_int_equal(wire_waiting(&wire), 2);
}

static void tells_of_what_is_there(void **state)
{
	static struct wire next;

	(void)state;
	assert_int_equal(wire_due(&wire), 0);
	assert_true(wire_put(&wire, frame, 1));
	assert_int_equal(wire_due(&wire), 1);
	/* It denies it, and is asked again. */
	wire_order(&wire, VRINGER_PRETEND, 0, 0);
	assert_int_equal(wire_waiting(&wire), 0);
	assert_int_equal(wire_due(&wire), 0);
	assert_int_equal(wire_waiting(&wire), 1);
	assert_int_equal(wire_due(&wire), 1);
	/* What it holds it has not told of, nor when it lets it go. */
	wire_order(&wire, VRINGER_HOLD, 1, 0);
	assert_true(wire_put(&wire, frame, 1));
	assert_int_equal(wire_due(&wire), 1);
	wire_send(&wire, frame, 5);
	assert_int_equal(wire_due(&wire), 0);
	assert_true(wire_put(&wire, frame, 1));
	assert_int_equal(wire_due(&wire), 3);
	wire_order(&wire, VRINGER_HOLD, 9, 0);
	assert_true(wire_put(&wire, frame, 1));
	wire_order(&wire, VRINGER_HOLD, 0, 0);
	assert_int_equal(wire_due(&wire), 0);
	assert_int_equal(wire_waiting(&wire), 4);
	assert_int_equal(wire_receive(&wire, got, 10), 1);
	assert_int_equal(wire_due(&wire), 3);
	/* A device that was restored has seen nothing. */
	wire_reset(&next);
	next.host = &other;
	wire_take_over(&next, &wire);
	assert_int_equal(wire_due(&next), 0);
	assert_int_equal(wire_waiting(&next), 3);
	assert_int_equal(wire_due(&next), 3);
}

static void pretends_once(void **state)
{
	(void)state;
	wire_order(&wire, VRINGER_PRETEND, 77, 0);
	assert_int_equal(wire_waiting(&wire), 77);
	assert_int_equal(wire_waiting(&wire), 0);
}

static void forgets(void **state)
{
	(void)state;
	wire_order(&wire, VRINGER_REFUSE, 9, 0);
	wire_order(&wire, VRINGER_HOLD, 9, 0);
	wire_order(&wire, VRINGER_PRETEND, 9, 0);
	wire_put(&wire, frame, 5);
	wire_order(&wire, VRINGER_FORGET, 0, 0);
	assert_int_equal(wire_waiting(&wire), 0);
	assert_int_equal(wire_send(&wire, frame, 5), 5);
	assert_true(wire_put(&wire, frame, 5));
	assert_int_equal(wire_waiting(&wire), 1);
}

static void takes_over(void **state)
{
	static struct wire next;

	(void)state;
	wire_reset(&next);
	wire_send(&wire, frame, 50);
	assert_true(wire_put(&wire, frame, 3000));
	wire_order(&wire, VRINGER_HOLD, 1, 0);
	wire_order(&wire, VRINGER_REFUSE, 1, 0);
	assert_true(wire_put(&wire, frame, 9));
	next.host = &other;
	wire_take_over(&next, &wire);
	assert_int_equal(wire_waiting(&wire), 0);
	assert_int_equal(wire_take(&wire, got, sizeof(got)), 0);
	assert_ptr_equal(wire.host, &host);
	assert_ptr_equal(next.host, &other);
	assert_int_equal(wire_waiting(&next), 1);
	assert_int_equal(wire_receive(&next, got, WIRE_BYTES), 3000);
	assert_memory_equal(got, frame, WIRE_BYTES);
	assert_int_equal(wire_send(&next, frame, 5), 0);
	assert_int_equal(wire_receive(&next, got, WIRE_BYTES), 9);
	assert_int_equal(wire_take(&next, got, sizeof(got)), 50);
	assert_memory_equal(got, frame, 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(frames_for_the_guest, setup),
		cmocka_unit_test_setup(room_is_filled, setup),
		cmocka_unit_test_setup(the_last_that_were_sent_are_kept, setup),
		cmocka_unit_test_setup(refuses_and_takes_short, setup),
		cmocka_unit_test_setup(holds, setup),
		cmocka_unit_test_setup(tells_of_what_is_there, setup),
		cmocka_unit_test_setup(pretends_once, setup),
		cmocka_unit_test_setup(forgets, setup),
		cmocka_unit_test_setup(takes_over, setup),
	};

	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
