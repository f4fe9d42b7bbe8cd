/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Frames that wait while the device rests: when it should not, and what it has for
 * an excuse.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger_rig.h"

/* What the host has, and told of. */
static uint32_t host_has;

static uint32_t waiting(const void *device)
{
	(void)device;
	return host_has;
}

static const struct target_stream stream = {
	.from = END_GIVEN, .to = RX, .skip = 4, .waiting = "in"
};

static int setup_waiting(void **state)
{
	(void)state;
	rig_new();
	rig_target.stream_count = 1;
	rig_target.streams = &stream;
	rig_target.waiting = waiting;
	rig_live(8);
	host_has = 1;
	on = RX;
	return 0;
}

static void look_at(uint16_t index)
{
	notify();
	avail_idx(index);
	done();
}

static void a_queue_that_was_never_looked_at_may_be_full(void **state)
{
	(void)state;
	reg_read(VIRTIO_MMIO_STATUS, STATUS_LIVE);
	rest(DEVICE_IDLE);
	assert_breaks(RULE_STUCK_FRAME);
}

static void in_the_device_or_at_the_host(void **state)
{
	for (unsigned inside = 0; inside < 2; inside++) {
		setup_waiting(state);
		host_has = 0;
		rest(DEVICE_IDLE);
		assert_silent();
		host_has = !inside;
		rig_counters[1] = inside;
		rest(DEVICE_IDLE);
		assert_breaks(RULE_STUCK_FRAME);
	}
}

static void an_empty_queue_is_waited_for(void **state)
{
	(void)state;
	look_at(0);
	rest(DEVICE_IDLE);
	/* Filled since, of which the device was not told. */
	reg_read(VIRTIO_MMIO_STATUS, STATUS_LIVE);
	rest(DEVICE_IDLE);
	assert_silent();
	notify();
	done();
	rest(DEVICE_IDLE);
	assert_breaks(RULE_STUCK_FRAME);
}

static void a_chain_that_was_seen_is_taken(void **state)
{
	(void)state;
	look_at(1);
	rest(DEVICE_IDLE);
	assert_breaks(RULE_STUCK_FRAME);
}

static void work_that_is_left_is_done_later(void **state)
{
	(void)state;
	look_at(1);
	rest(DEVICE_WORK);
	assert_silent();
}

static void what_failed_excuses_the_call_that_it_failed_in(void **state)
{
	(void)state;
	notify();
	avail_idx(1);
	avail_entry(0, 0);
	desc(0, 0, BUFFER, 64, F_WRITE, 0);
	access_error = -EFAULT;
	used_entry(0, 0, 0, 0);
	access_error = 0;
	avail_idx(2);
	done();
	rest(DEVICE_IDLE);
	reg_read(VIRTIO_MMIO_STATUS, STATUS_LIVE);
	rest(DEVICE_IDLE);
	assert_silent();
	look_at(2);
	rest(DEVICE_IDLE);
	/* It kept that chain as well, whose return failed: no fault. */
	assert_breaks(RULE_STUCK_FRAME);
}

static void a_queue_that_is_wrong_or_stopped_is_none(void **state)
{
	(void)state;
	notify();
	avail_idx(100);
	need_reset();
	done();
	rest(DEVICE_IDLE);
	assert_silent();
	reg_read(VIRTIO_MMIO_STATUS, shown.status);
	rest(DEVICE_IDLE);
	assert_silent();
	setup_waiting(state);
	rig_features_ok(8);
	rest(DEVICE_IDLE);
	assert_silent();
	setup_waiting(state);
	reg_write(VIRTIO_MMIO_QUEUE_SEL, RX);
	shown.ready = 0;
	reg_write(VIRTIO_MMIO_QUEUE_READY, 0);
	rest(DEVICE_IDLE);
	assert_silent();
}

static void what_is_not_said_is_not_judged(void **state)
{
	static const struct target_stream untold = { .from = END_GIVEN, .to = RX };

	setup_waiting(state);
	rig_target.streams = &untold;
	rest(DEVICE_IDLE);
	setup_waiting(state);
	ledger.device.counters_lost = true;
	rest(DEVICE_IDLE);
	setup_waiting(state);
	ledger_forget(&ledger, ledger.device.generation);
	rest(DEVICE_IDLE);
	assert_silent();
}

/* Of what is left: to ask a host that has nothing, while nothing waits, is no step. */
static void to_ask_for_nothing_is_no_step(void **state)
{
	for (unsigned asks = 0; asks < 2; asks++) {
		for (unsigned has = 0; has < 2; has++) {
			setup_waiting(state);
			rest(DEVICE_IDLE);
			ledger.finding_count = 0;
			host_has = has;
			work();
			if (asks)
				ledger_backend(&ledger);
			done();
			assert_int_equal(ledger_stood_still(&ledger, NULL), !asks || !has);
		}
	}
}

static void reset_one(uint32_t queue)
{
	reg_write(VIRTIO_MMIO_QUEUE_SEL, queue);
	shown.ready = 0;
	reg_write(VIRTIO_MMIO_QUEUE_RESET, 1);
}

/* Who has work left has it from somebody. */
static void work_that_nobody_told_of_is_none(void **state)
{
	enum { NOTHING, NOTIFIED, HAS, ORDERED, RESTORED, FORGOTTEN, OTHERS, CAUSES };

	for (unsigned cause = NOTHING; cause < CAUSES; cause++) {
		setup_waiting(state);
		rig_target.model = cause != OTHERS;
		host_has = cause == HAS;
		if (cause == NOTIFIED)
			look_at(0);
		if (cause == ORDERED)
			ledger_ordered(&ledger, 0);
		if (cause == RESTORED)
			ledger_restored(&ledger);
		if (cause == FORGOTTEN)
			ledger_forget(&ledger, ledger.device.generation);
		rest(DEVICE_WORK);
		if (cause == NOTHING)
			assert_breaks(RULE_STUCK_BUSY);
		else
			assert_silent();
	}
}

/* What was told of a queue is over when that is reset, and what a host did when the device is; but
 * nobody knows how much is left of it, where the host does not say. */
static void what_was_told_is_over_by_reset(void **state)
{
	for (unsigned says = 0; says < 2; says++) {
		setup_waiting(state);
		host_has = 0;
		negotiate(VIRTIO_F_RING_RESET);
		look_at(0);
		reset_one(RX);
		rest(DEVICE_WORK);
		assert_breaks(RULE_STUCK_BUSY);
		setup_waiting(state);
		host_has = 0;
		rig_target.waiting = says ? waiting : NULL;
		host(HOST_TYPE, "a", 1, 1);
		rest(DEVICE_WORK);
		set_status(0);
		rest(DEVICE_WORK);
		if (says)
			assert_breaks(RULE_STUCK_BUSY);
		else
			assert_silent();
	}
}

#define TEST(name) cmocka_unit_test_setup(name, setup_waiting)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_queue_that_was_never_looked_at_may_be_full),
		TEST(in_the_device_or_at_the_host),
		TEST(an_empty_queue_is_waited_for),
		TEST(a_chain_that_was_seen_is_taken),
		TEST(work_that_is_left_is_done_later),
		TEST(what_failed_excuses_the_call_that_it_failed_in),
		TEST(a_queue_that_is_wrong_or_stopped_is_none),
		TEST(what_is_not_said_is_not_judged),
		TEST(to_ask_for_nothing_is_no_step),
		TEST(work_that_nobody_told_of_is_none),
		TEST(what_was_told_is_over_by_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
