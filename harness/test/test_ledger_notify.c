/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Devices that tell their driver not to notify them: when they may rest so, and when
 * they have to look again.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger_rig.h"

#define UNWANTED VRING_USED_F_NO_NOTIFY

static void setup_with(enum device_state state)
{
	notify();
	used_flags(UNWANTED);
	avail_idx(0);
	done();
	rest(state);
}

static void a_device_that_says_so_polls(void **state)
{
	rig_setup(state);
	rig_target.polls = true;
	setup_with(DEVICE_IDLE);
	notify();
	avail_idx(0);
	used_flags(0);
	end_silent();
}

/* A device with EVENT_IDX that serves a chain, and leaves avail_event at that. */
static void serve_and_leave(uint16_t event, bool look_again)
{
	rig_new();
	rig_target.model = false;
	rig_live(8);
	negotiate(VIRTIO_RING_F_EVENT_IDX);
	notify();
	avail_idx(1);
	take(0, 0, 16, 0);
	return_chain(0, 0, 0, 0);
	used_event(0);
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	avail_event(event);
	if (look_again)
		avail_idx(1);
	done();
	rest(DEVICE_IDLE);
}

static void an_event_at_the_next_chain_is_well(void **state)
{
	(void)state;
	serve_and_leave(1, true);
	assert_silent();
}

static void an_event_elsewhere_suppresses(void **state)
{
	static const uint16_t events[] = { 0, 2, 0x8001, 0xffff };

	(void)state;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		serve_and_leave(events[i], true);
		assert_breaks(RULE_STUCK_SUPPRESSED);
	}
}

static void an_event_is_followed_by_a_look(void **state)
{
	(void)state;
	serve_and_leave(1, false);
	assert_breaks(RULE_STUCK_UNCHECKED);
}

static bool is_not_judged(enum rule rule)
{
	return (ledger.not_judged[rule / 64] >> rule % 64 & 1) != 0;
}

/* With EVENT_IDX, a device that looked up to `index` and writes no avail_event. */
static void look_and_say_nothing(uint16_t index)
{
	notify();
	avail_idx(index);
	for (uint16_t i = 0; i < index; i++) {
		take(i, i, 16, 0);
		return_chain(i, i, i, 0);
	}
	if (index > 0) {
		used_event(0);
		raise_interrupt(VIRTIO_MMIO_INT_VRING);
	}
	done();
	rest(DEVICE_IDLE);
}

static void rig_with_event(void)
{
	rig_new();
	rig_target.model = false;
	rig_live(8);
	negotiate(VIRTIO_RING_F_EVENT_IDX);
	assert_false(is_not_judged(RULE_STUCK_SUPPRESSED));
}

static void an_event_need_not_be_written_before_the_first_chain(void **state)
{
	(void)state;
	rig_with_event();
	look_and_say_nothing(0);
	assert_silent();
	assert_false(is_not_judged(RULE_STUCK_SUPPRESSED));
}

/* What was left in the ring by the time before the stop may be right. */
static void an_event_of_a_queue_that_was_stopped_is_not_known(void **state)
{
	(void)state;
	rig_with_event();
	ledger.queues[1].was_stopped = true;
	look_and_say_nothing(1);
	assert_silent();
	assert_true(is_not_judged(RULE_STUCK_SUPPRESSED));
}

/* Nobody tells it of the second chain. */
static void an_event_that_was_never_written_suppresses(void **state)
{
	(void)state;
	rig_with_event();
	look_and_say_nothing(1);
	assert_breaks(RULE_STUCK_SUPPRESSED);
	rig_with_event();
	rig_target.polls = true;
	look_and_say_nothing(2);
	assert_silent();
	/* It tried. */
	rig_with_event();
	notify();
	access_error = -EFAULT;
	avail_event(0);
	access_error = 0;
	look_and_say_nothing(2);
	assert_silent();
}

static void who_polls_looks_when_it_likes(void **state)
{
	(void)state;
	rig_new();
	rig_target.model = false;
	rig_target.polls = true;
	rig_live(8);
	notify();
	end_silent();
	work();
	for (unsigned i = 0; i < 500; i++)
		avail_idx(0);
	end_silent();
}

/* Notified in one call, forgotten in the next. */
static void others_rest_when_all_calls_are_over(void **state)
{
	(void)state;
	rig_new();
	rig_target.model = false;
	rig_live(8);
	notify();
	done();
	rest(DEVICE_WORK);
	assert_silent();
	work();
	done();
	rest(DEVICE_IDLE);
	assert_breaks(RULE_STUCK_NOTIFY);
}

static void others_may_give_up_in_an_earlier_call(void **state)
{
	(void)state;
	rig_new();
	rig_target.model = false;
	rig_live(8);
	notify();
	avail_idx(1);
	access_error = -EFAULT;
	avail_entry(0, 0);
	access_error = 0;
	done();
	rest(DEVICE_WORK);
	work();
	end_silent();
}

static void a_queue_of_the_device_s_own_is_looked_at_when_it_has_something(void **state)
{
	(void)state;
	on = RX;
	setup_with(DEVICE_IDLE);
	notify();
	avail_idx(0);
	used_flags(0);
	end_silent();
}

/* With chains in hand it comes back; with none it does not. */
static void a_device_that_holds_chains_comes_back(void **state)
{
	(void)state;
	rig_target.holds = true;
	notify();
	used_flags(UNWANTED);
	avail_idx(1);
	take(0, 0, 16, 0);
	end_silent();
	work();
	return_chain(0, 0, 0, 0);
	wake();
	done();
	rest(DEVICE_IDLE);
	assert_breaks(RULE_STUCK_SUPPRESSED);
}

static void what_is_left_over_is_not_forgotten(void **state)
{
	(void)state;
	setup_with(DEVICE_WORK);
	assert_silent();
	work();
	done();
	rest(DEVICE_IDLE);
	assert_breaks(RULE_STUCK_SUPPRESSED);
}

static void another_queue_counts_too(void **state)
{
	(void)state;
	setup_with(DEVICE_WORK);
	on = RX;
	notify();
	avail_idx(0);
	done();
	rest(DEVICE_IDLE);
	assert_breaks(RULE_STUCK_SUPPRESSED);
}

static void a_reset_a_stop_and_a_call_for_one_end_it(void **state)
{
	(void)state;
	setup_with(DEVICE_WORK);
	set_status(0);
	rest(DEVICE_IDLE);
	assert_silent();
	rig_setup(state);
	setup_with(DEVICE_WORK);
	reg_write(VIRTIO_MMIO_QUEUE_SEL, TX);
	shown.ready = 0;
	reg_write(VIRTIO_MMIO_QUEUE_READY, 0);
	rest(DEVICE_IDLE);
	assert_silent();
	rig_setup(state);
	notify();
	used_flags(UNWANTED);
	avail_idx(100);
	need_reset();
	end_silent();
	reg_read(VIRTIO_MMIO_STATUS, shown.status);
	rest(DEVICE_IDLE);
	assert_silent();
}

/* ... whichever queue it is for, until it has been reset. */
static void who_asked_for_a_reset_need_not_be_notified(void **state)
{
	(void)state;
	setup_with(DEVICE_WORK);
	on = RX;
	notify();
	avail_idx(100);
	need_reset();
	end_silent();
	reg_read(VIRTIO_MMIO_STATUS, shown.status);
	rest(DEVICE_IDLE);
	notify();
	done();
	rest(DEVICE_IDLE);
	assert_silent();
}

/* It may have given up, or not know what stands there. */
static void what_failed_excuses_it_until_it_writes_again(void **state)
{
	(void)state;
	rig_new();
	rig_target.model = false;
	rig_live(8);
	notify();
	used_flags(UNWANTED);
	avail_idx(1);
	access_error = -EFAULT;
	avail_entry(0, 0);
	access_error = 0;
	done();
	rest(DEVICE_IDLE);
	reg_read(VIRTIO_MMIO_STATUS, STATUS_LIVE);
	rest(DEVICE_IDLE);
	assert_silent();
	rig_setup(state);
	notify();
	used_flags(UNWANTED);
	avail_idx(0);
	access_error = -EFAULT;
	used_flags(0);
	access_error = 0;
	end_silent();
	notify();
	avail_idx(0);
	end_silent();
	setup_with(DEVICE_IDLE);
	assert_breaks(RULE_STUCK_SUPPRESSED);
}

static void a_look_counts_whatever_it_sees(void **state)
{
	(void)state;
	/* One that fails; one in a later call; one that sees more. */
	notify();
	used_flags(UNWANTED);
	avail_idx(0);
	used_flags(0);
	done();
	rest(DEVICE_WORK);
	work();
	avail_idx(1);
	take(0, 0, 16, 0);
	return_chain(0, 0, 0, 0);
	wake();
	end_silent();
	notify();
	used_flags(UNWANTED);
	used_flags(0);
	used_flags(0);
	access_error = -EFAULT;
	avail_idx(0);
	access_error = 0;
	need_reset();
	end_silent();
}

static void saying_it_twice_does_not_make_up_for_a_look(void **state)
{
	(void)state;
	notify();
	used_flags(UNWANTED);
	avail_idx(0);
	used_flags(0);
	used_flags(0);
	done();
	rest(DEVICE_IDLE);
	assert_breaks(RULE_STUCK_UNCHECKED);
}

static void what_was_allowed_all_along_asks_for_no_look(void **state)
{
	(void)state;
	notify();
	avail_idx(0);
	used_flags(0);
	used_flags(0);
	end_silent();
}

/* There the flags mean nothing; that they are 1 is another rule's. */
static void with_event_indices_the_flags_say_nothing(void **state)
{
	(void)state;
	negotiate(VIRTIO_RING_F_EVENT_IDX);
	notify();
	avail_idx(0);
	used_flags(0);
	end_silent();
	used_flags(UNWANTED);
	assert_breaks(RULE_WAKEUP_FLAGS);
	assert_false(ledger.queues[TX].work.notify.unwanted);
}

#define TEST(name) cmocka_unit_test_setup(name, rig_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_device_that_says_so_polls),
		TEST(an_event_at_the_next_chain_is_well),
		TEST(an_event_elsewhere_suppresses),
		TEST(an_event_is_followed_by_a_look),
		TEST(an_event_need_not_be_written_before_the_first_chain),
		TEST(an_event_of_a_queue_that_was_stopped_is_not_known),
		TEST(an_event_that_was_never_written_suppresses),
		TEST(who_polls_looks_when_it_likes),
		TEST(others_rest_when_all_calls_are_over),
		TEST(others_may_give_up_in_an_earlier_call),
		TEST(a_queue_of_the_device_s_own_is_looked_at_when_it_has_something),
		TEST(a_device_that_holds_chains_comes_back),
		TEST(what_is_left_over_is_not_forgotten),
		TEST(another_queue_counts_too),
		TEST(a_reset_a_stop_and_a_call_for_one_end_it),
		TEST(who_asked_for_a_reset_need_not_be_notified),
		TEST(what_failed_excuses_it_until_it_writes_again),
		TEST(a_look_counts_whatever_it_sees),
		TEST(saying_it_twice_does_not_make_up_for_a_look),
		TEST(what_was_allowed_all_along_asks_for_no_look),
		TEST(with_event_indices_the_flags_say_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
