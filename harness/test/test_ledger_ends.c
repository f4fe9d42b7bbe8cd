/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Frames at the ends of a device: from TX to what is behind it, and from there, or
 * from the device itself, to RX, each after 4 bytes of header.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ledger_rig.h"

#define HEADER 4u
#define LEN 60u

static const struct target_stream streams[] = {
	{ .from = TX, .to = END_AWAY, .skip = HEADER },
	{ .from = END_REPLY, .to = RX, .skip = HEADER },
	{ .from = END_GIVEN, .to = RX, .skip = HEADER, .entered = "in", .left = "out" },
};

static uint16_t sent, received;
static uint8_t bytes[HEADER + LEN];

static int setup(void **state)
{
	(void)state;
	rig_new();
	rig_target.stream_count = 3;
	rig_target.streams = streams;
	rig_target.sums = NULL;
	rig_live(256);
	sent = received = 0;
	notify();
	avail_idx(0);
	return 0;
}

static void make_frame(uint8_t seed)
{
	memset(bytes, 0xee, HEADER);
	for (uint32_t i = 0; i < LEN; i++)
		bytes[HEADER + i] = (uint8_t)(seed + i * 7);
}

static void pass(unsigned queue, uint16_t *position, uint8_t seed)
{
	make_frame(seed);
	on = queue;
	avail_idx((uint16_t)(*position + 1));
	take(*position, *position, HEADER + LEN, queue == TX ? 0 : F_WRITE);
	payload_bytes(*position, queue == RX, BUFFER, bytes, HEADER + LEN);
	return_chain(*position, *position, *position, queue == TX ? 0 : HEADER + LEN);
	avail_flags(NO_INTERRUPT);
	(*position)++;
}

static void read_frame(uint8_t seed)
{
	pass(TX, &sent, seed);
}

static void deliver(uint8_t seed)
{
	pass(RX, &received, seed);
}

static void at_end(enum frame_end end, uint8_t seed)
{
	make_frame(seed);
	ledger_frame(&ledger, end, bytes + HEADER, LEN);
}

static void end_counted(uint64_t given, uint64_t delivered)
{
	rig_counters[0] = delivered;
	rig_counters[1] = given;
	on = TX;
	done();
	rest(DEVICE_IDLE);
}

static void what_was_read_is_handed_on(void **state)
{
	(void)state;
	read_frame(1);
	at_end(END_AWAY, 1);
	read_frame(2);
	read_frame(3);
	at_end(END_AWAY, 2);
	at_end(END_AWAY, 3);
	end_counted(0, 0);
	assert_silent();
}

static void once(void **state)
{
	(void)state;
	read_frame(1);
	at_end(END_AWAY, 1);
	at_end(END_AWAY, 1);
	assert_breaks(RULE_STREAM_FRAMES);
}

static void in_order(void **state)
{
	(void)state;
	read_frame(1);
	read_frame(2);
	at_end(END_AWAY, 2);
	assert_silent();
	at_end(END_AWAY, 1);
	assert_breaks(RULE_STREAM_FRAMES);
}

static void what_was_not_read_is_not_handed_on(void **state)
{
	(void)state;
	at_end(END_AWAY, 1);
	assert_breaks(RULE_STREAM_FRAMES);
}

static void replies_overtake(void **state)
{
	(void)state;
	at_end(END_GIVEN, 1);
	at_end(END_GIVEN, 2);
	at_end(END_REPLY, 3);
	deliver(3);
	deliver(1);
	deliver(2);
	end_counted(2, 3);
	assert_silent();
}

static void given_frames_keep_their_order(void **state)
{
	(void)state;
	at_end(END_GIVEN, 1);
	at_end(END_GIVEN, 2);
	deliver(2);
	assert_silent();
	deliver(1);
	assert_breaks(RULE_STREAM_FRAMES);
}

/* The reply that is equal gives way, and what waits behind it is not lost. */
static void equal_frames_in_both(void **state)
{
	(void)state;
	at_end(END_GIVEN, 1);
	at_end(END_GIVEN, 2);
	at_end(END_REPLY, 2);
	deliver(2);
	deliver(1);
	deliver(2);
	end_counted(2, 3);
	assert_silent();
}

static void what_nobody_gave_is_not_delivered(void **state)
{
	(void)state;
	at_end(END_GIVEN, 1);
	deliver(4);
	assert_breaks(RULE_STREAM_FRAMES);
}

/* What was read goes elsewhere. */
static void no_echo(void **state)
{
	(void)state;
	read_frame(1);
	deliver(1);
	assert_breaks(RULE_STREAM_FRAMES);
}

static void given_frames_are_counted(void **state)
{
	(void)state;
	at_end(END_GIVEN, 1);
	at_end(END_GIVEN, 2);
	end_counted(1, 0);
	assert_breaks(RULE_STREAM_FRAMES);
}

static void delivered_frames_are_counted(void **state)
{
	(void)state;
	at_end(END_GIVEN, 1);
	at_end(END_REPLY, 2);
	deliver(2);
	deliver(1);
	end_counted(1, 1);
	assert_breaks(RULE_STREAM_FRAMES);
}

static void a_reset_forgets_what_is_on_its_way(void **state)
{
	(void)state;
	at_end(END_GIVEN, 1);
	set_status(0);
	assert_silent();
	rig_live(256);
	sent = received = 0;
	notify();
	deliver(1);
	assert_breaks(RULE_STREAM_FRAMES);
}

static void nobody_judges(void **state)
{
	(void)state;
	ledger.enabled = false;
	at_end(END_AWAY, 1);
	assert_silent();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_was_read_is_handed_on, setup),
		cmocka_unit_test_setup(once, setup),
		cmocka_unit_test_setup(in_order, setup),
		cmocka_unit_test_setup(what_was_not_read_is_not_handed_on, setup),
		cmocka_unit_test_setup(replies_overtake, setup),
		cmocka_unit_test_setup(given_frames_keep_their_order, setup),
		cmocka_unit_test_setup(equal_frames_in_both, setup),
		cmocka_unit_test_setup(what_nobody_gave_is_not_delivered, setup),
		cmocka_unit_test_setup(no_echo, setup),
		cmocka_unit_test_setup(given_frames_are_counted, setup),
		cmocka_unit_test_setup(delivered_frames_are_counted, setup),
		cmocka_unit_test_setup(a_reset_forgets_what_is_on_its_way, setup),
		cmocka_unit_test_setup(nobody_judges, setup),
	};

	return cmocka_run_group_tests_name("ledger_ends", tests, NULL, NULL);
}
