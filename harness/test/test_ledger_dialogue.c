/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What a device answers to what it is asked, and what it owes.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger_rig.h"

static uint16_t written, given;
static bool failing; /* the answer cannot be written */

static int setup(void **state)
{
	(void)state;
	rig_new();
	rig_dialogue();
	rig_live(8);
	written = given = 0;
	return 0;
}

/* The driver says `message`, in one buffer of `len` bytes, of which the device reads 8. */
static void say(const char *message, uint32_t len)
{
	on = TX;
	notify();
	avail_idx((uint16_t)(written + 1));
	take(written, 0, len, 0);
	if (message != NULL)
		payload_bytes(written, false, BUFFER, message, 8);
	return_chain(written, written, 0, 0);
	wake();
	done();
	written++;
}

/* In a call of its own the device takes a chain of `room` bytes, writes and returns it. */
static void answer(const char *bytes, uint32_t room, uint32_t wrote, uint32_t len)
{
	on = RX;
	work();
	avail_idx((uint16_t)(given + 1));
	take(given, 0, room, F_WRITE);
	if (wrote > 0)
		payload_bytes(given, true, BUFFER, bytes, wrote);
	access_error = failing ? -EFAULT : 0;
	if (failing)
		payload_write(given, BUFFER, 1);
	access_error = 0;
	return_chain(given, given, 0, len);
	wake();
	done();
	given++;
}

static void answer_not_asked_for(void **state)
{
	(void)state;
	answer(RIG_ANSWER, 64, 12, 12);
	assert_breaks(RULE_STREAM_ANSWERS);
}

static void answer_that_is_none(void **state)
{
	(void)state;
	say(RIG_ASK, 8);
	answer("answersitalL", 64, 12, 12);
	assert_breaks(RULE_STREAM_ANSWERS);
}

static void answer_after_another_question(void **state)
{
	(void)state;
	say("askaskeR", 8);
	answer(RIG_ANSWER, 64, 12, 12);
	assert_breaks(RULE_STREAM_ANSWERS);
}

/* Returned with length 0 it was not given; a reset is a new session. */
static void answer_again(void **state)
{
	(void)state;
	say(RIG_ASK, 8);
	failing = true;
	answer(RIG_ANSWER, 64, 0, 0);
	failing = false;
	answer(RIG_ANSWER, 64, 12, 12);
	assert_silent();
	setup(state);
	say(RIG_ASK, 8);
	answer(RIG_ANSWER, 64, 12, 12);
	set_status(0);
	assert_int_equal(ledger.dialogue.answered, 0);
	assert_silent();
}

/* The driver sees as much of it as the used entry says; what was written behind that is
 * none of it. */
static void answer_cut_short(void **state)
{
	(void)state;
	say(RIG_ASK, 8);
	answer(RIG_ANSWER "more", 64, 16, 12);
	assert_silent();
	setup(state);
	say(RIG_ASK, 8);
	answer(RIG_ANSWER, 64, 12, 8);
	assert_breaks(RULE_STREAM_ANSWERS);
}

static void chain_with_room_refused(void **state)
{
	for (uint32_t more = 0; more < 2; more++) {
		setup(state);
		say(RIG_ASK, 8);
		answer("", 11 + more, 0, 0);
		if (more == 0)
			assert_silent();
		else
			assert_breaks(RULE_STREAM_LOST);
	}
}

/* Nothing is due before, or any more. */
static void chain_returned_for_nothing(void **state)
{
	(void)state;
	answer("", 64, 0, 0);
	say(RIG_ASK, 8);
	answer(RIG_ANSWER, 64, 12, 12);
	answer("", 64, 0, 0);
	rest(DEVICE_IDLE);
	assert_silent();
}

static void message_not_read(void **state)
{
	(void)state;
	say(NULL, 7);
	assert_silent();
	say(NULL, 8);
	assert_breaks(RULE_STREAM_LOST);
}

/* The queue for answers was never looked at; it is empty; it has chains that were seen. */
static void answer_owed_at_rest(void **state)
{
	(void)state;
	say(RIG_ASK, 8);
	rest(DEVICE_WORK);
	assert_silent();
	rest(DEVICE_IDLE);
	assert_breaks(RULE_STREAM_UNANSWERED);
}

static void answer_that_waits_for_a_chain(void **state)
{
	(void)state;
	say(RIG_ASK, 8);
	on = RX;
	work();
	avail_idx(0);
	done();
	rest(DEVICE_IDLE);
	assert_silent();
	notify();
	avail_idx(1);
	done();
	rest(DEVICE_IDLE);
	assert_breaks(RULE_STREAM_UNANSWERED);
}

static void answer_owed_by_a_stopped_queue(void **state)
{
	(void)state;
	say(RIG_ASK, 8);
	reg_write(VIRTIO_MMIO_QUEUE_SEL, RX);
	shown.ready = 0;
	reg_write(VIRTIO_MMIO_QUEUE_READY, 0);
	rest(DEVICE_IDLE);
	assert_silent();
}

/* Nobody sees what is said in a queue that the ledger knows nothing of. */
static void queue_that_is_not_known(void **state)
{
	for (unsigned how = 0; how < UNKNOWN_COUNT; how++) {
		setup(state);
		rig_unknown(TX, (enum rig_unknown)how);
		say(RIG_ASK, 8);
		answer(RIG_ANSWER, 64, 12, 12);
		assert_silent();
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		TEST(queue_that_is_not_known),
		TEST(answer_not_asked_for),
		TEST(answer_that_is_none),
		TEST(answer_after_another_question),
		TEST(answer_again),
		TEST(answer_cut_short),
		TEST(chain_with_room_refused),
		TEST(chain_returned_for_nothing),
		TEST(message_not_read),
		TEST(answer_owed_at_rest),
		TEST(answer_that_waits_for_a_chain),
		TEST(answer_owed_by_a_stopped_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
