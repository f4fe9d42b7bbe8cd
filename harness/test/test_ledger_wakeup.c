/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * When a used-buffer interrupt is due where EVENT_IDX was negotiated, and where
 * it was not.  VIRTIO 2.7.7.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger_rig.h"

/* By a device that polls: that avail_event is not written is no matter here. */
static void accept_event_idx(void)
{
	rig_target.polls = true;
	negotiate(VIRTIO_RING_F_EVENT_IDX);
}

/* Both queues of 8, EVENT_IDX accepted. */
static int setup_event_idx(void **state)
{
	rig_setup(state);
	accept_event_idx();
	return 0;
}

/* `count` chains are taken and returned, the used index moved once for all of
 * them, from `from` on. */
static void return_batch(uint16_t from, uint16_t count)
{
	avail_idx((uint16_t)(from + count));
	for (uint16_t i = from; i != (uint16_t)(from + count); i++)
		take(i, (uint16_t)(i % 8), 16, 0);
	for (uint16_t i = from; i != (uint16_t)(from + count); i++)
		used_entry((uint16_t)(i % 8), i, i % 8, 0);
	used_idx((uint16_t)(from + count));
}

/* The driver asks to hear of `event`; the index goes from `from` by `count`. */
static void move_with_event(uint16_t from, uint16_t count, uint16_t event, bool interrupt)
{
	notify();
	return_batch(from, count);
	used_event(event);
	if (interrupt)
		raise_interrupt(VIRTIO_MMIO_INT_VRING);
	done();
	rest(DEVICE_IDLE);
}

static void assert_due(uint16_t from, uint16_t count, uint16_t event, bool due)
{
	for (int interrupt = 0; interrupt < 2; interrupt++) {
		rig_live(8);
		for (unsigned i = 0; i < from; i++)
			serve((uint16_t)i);
		accept_event_idx();
		move_with_event(from, count, event, interrupt != 0);
		if ((interrupt != 0) == due)
			assert_silent();
		else
			assert_breaks(due ? RULE_WAKEUP_MISSING : RULE_WAKEUP_SUPERFLUOUS);
	}
}

static void an_event_in_the_range_is_due_and_no_other(void **state)
{
	(void)state;
	assert_due(0, 1, 0, true);
	assert_due(0, 1, 1, false);
	assert_due(0, 1, 0xffff, false);
	assert_due(0, 1, 0x8000, false);
	for (uint16_t event = 0; event < 12; event++)
		assert_due(3, 5, event, event >= 3 && event < 8);
}

static void the_range_goes_round(void **state)
{
	(void)state;
	assert_due(65534, 4, 65533, false);
	assert_due(65534, 4, 65534, true);
	assert_due(65534, 4, 65535, true);
	assert_due(65534, 4, 0, true);
	assert_due(65534, 4, 1, true);
	assert_due(65534, 4, 2, false);
	assert_due(65535, 1, 65535, true);
	assert_due(65535, 1, 0, false);
}

/* A new range begins where the device decided that it may be silent. */
static void silence_covers_what_it_was_decided_for(void **state)
{
	for (int event = 0; event < 2; event++) {
		setup_event_idx(state);
		notify();
		return_batch(0, 1);
		used_event(7);
		return_batch(1, 1);
		used_event((uint16_t)event);
		done();
		rest(DEVICE_IDLE);
		if (event == 0)
			assert_silent();
		else
			assert_breaks(RULE_WAKEUP_MISSING);
	}
}

static void silence_does_not_last_to_the_next_move(void **state)
{
	(void)state;
	notify();
	return_batch(0, 1);
	used_event(7);
	return_batch(1, 1);
	done();
	rest(DEVICE_IDLE);
	assert_breaks(RULE_WAKEUP_MISSING);
}

static void what_was_due_stays_due(void **state)
{
	(void)state;
	notify();
	return_batch(0, 1);
	used_event(0);
	return_batch(1, 1);
	used_event(0);
	done();
	rest(DEVICE_IDLE);
	assert_breaks(RULE_WAKEUP_MISSING);
}

static void an_interrupt_begins_a_new_range(void **state)
{
	(void)state;
	move_with_event(0, 3, 2, true);
	move_with_event(3, 1, 2, false);
	move_with_event(4, 1, 4, true);
	assert_silent();
	move_with_event(5, 1, 4, true);
	assert_breaks(RULE_WAKEUP_SUPERFLUOUS);
}

static void an_event_read_before_the_index_moved_says_nothing(void **state)
{
	(void)state;
	notify();
	used_event(7);
	return_batch(0, 1);
	done();
	rest(DEVICE_IDLE);
	assert_breaks(RULE_WAKEUP_MISSING);
}

/* But our own models interrupt. */
static void an_event_that_cannot_be_read_allows_both(void **state)
{
	for (int mode = 0; mode < 4; mode++) {
		bool model = mode / 2 != 0, interrupt = mode % 2 != 0;

		setup_event_idx(state);
		rig_target.model = model;
		notify();
		return_batch(0, 1);
		access_error = -EFAULT;
		used_event(7);
		access_error = 0;
		if (interrupt)
			raise_interrupt(VIRTIO_MMIO_INT_VRING);
		done();
		rest(DEVICE_IDLE);
		if (model && !interrupt)
			assert_breaks(RULE_WAKEUP_MISSING);
		else
			assert_silent();
	}
}

static void one_queue_whose_event_came_is_need_enough(void **state)
{
	for (int interrupt = 0; interrupt < 2; interrupt++) {
		setup_event_idx(state);
		notify();
		for (on = 0; on < 2; on++) {
			return_batch(0, 2);
			used_event(on == RX ? 1 : 2);
		}
		if (interrupt != 0)
			raise_interrupt(VIRTIO_MMIO_INT_VRING);
		done();
		rest(DEVICE_IDLE);
		if (interrupt != 0)
			assert_silent();
		else
			assert_breaks(RULE_WAKEUP_MISSING);
	}
}

static void with_event_idx_the_flags_are_no_leave(void **state)
{
	(void)state;
	notify();
	return_batch(0, 1);
	avail_flags(NO_INTERRUPT);
	done();
	rest(DEVICE_IDLE);
	assert_breaks(RULE_WAKEUP_MISSING);
	setup_event_idx(state);
	notify();
	return_batch(0, 1);
	used_event(0);
	avail_flags(NO_INTERRUPT);
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	end_silent();
}

static void with_event_idx_a_look_at_the_flags_is_no_look(void **state)
{
	(void)state;
	notify();
	return_batch(0, 1);
	wake();
	assert_breaks(RULE_WAKEUP_UNASKED);
}

static void without_event_idx_the_event_is_no_leave(void **state)
{
	(void)state;
	move_with_event(0, 1, 7, false);
	assert_breaks(RULE_WAKEUP_MISSING);
	rig_live(8);
	move_with_event(0, 1, 0, true);
	assert_breaks(RULE_WAKEUP_UNASKED);
}

/* Features were written to a foreign target in a way that VIRTIO does not know. */
static void where_the_features_are_not_known_either_word_counts(void **state)
{
	for (int flags = 0; flags < 2; flags++) {
		rig_setup(state);
		ledger.session.features_known = false;
		notify();
		return_batch(0, 1);
		if (flags != 0)
			avail_flags(0);
		else
			used_event(0);
		end_silent();
	}
}

static void a_used_buffer_that_nobody_wanted_to_hear_of_may_be_shown(void **state)
{
	(void)state;
	notify();
	return_batch(0, 1);
	used_event(7);
	shown.interrupt_status |= VIRTIO_MMIO_INT_VRING;
	end_silent();
}

static void the_events_lie_behind_the_rings(void **state)
{
	(void)state;
	notify();
	access_ring(GUEST_AVAIL_EVENT, true, USED_AT(TX) + 4 + 8 * 8, 2);
	avail_idx(0);
	access_ring(GUEST_USED_EVENT, false, AVAIL_AT(TX) + 4 + 2 * 8, 2);
	end_silent();
	notify();
	access_ring(GUEST_AVAIL_EVENT, true, USED_AT(TX) + 4 + 8 * 7, 2);
	assert_breaks(RULE_MEMORY_RING);
	setup_event_idx(state);
	notify();
	access_ring(GUEST_USED_EVENT, false, AVAIL_AT(TX) + 4 + 2 * 7, 2);
	assert_breaks(RULE_MEMORY_RING);
	setup_event_idx(state);
	notify();
	access_ring(GUEST_USED_EVENT, true, AVAIL_AT(TX) + 4 + 2 * 8, 2);
	assert_breaks(RULE_MEMORY_RING);
}

static void the_event_of_a_poisoned_queue_may_be_read(void **state)
{
	(void)state;
	notify();
	return_batch(0, 1);
	avail_idx(20);
	used_event(0);
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	need_reset();
	end_silent();
}

/* A chain of each queue is returned, and its driver wants to hear of it. */
static void return_on_both(void)
{
	notify();
	for (on = RX; on <= TX; on++) {
		avail_idx(1);
		take(0, 0, 16, 0);
		return_chain(0, 0, 0, 0);
		avail_flags(0);
	}
	on = TX;
}

static void the_line_serves_every_queue(void **state)
{
	(void)state;
	return_on_both();
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	end_silent();
}

static void a_queue_with_an_interrupt_of_its_own_serves_no_other(void **state)
{
	(void)state;
	return_on_both();
	raise_interrupt_of(RX);
	raise_interrupt_of(TX);
	end_silent();
	for (unsigned queue = RX; queue <= TX; queue++) {
		rig_setup(state);
		return_on_both();
		raise_interrupt_of(queue);
		done();
		rest(DEVICE_IDLE);
		assert_breaks(RULE_WAKEUP_MISSING);
	}
}

static void an_interrupt_of_one_queue_is_asked_for_by_that_queue(void **state)
{
	(void)state;
	notify();
	return_batch(0, 1);
	avail_flags(0);
	raise_interrupt_of(RX);
	assert_breaks(RULE_WAKEUP_SUPERFLUOUS);
}

/* One chain is returned in a call, and nothing said. */
static void use_one(uint16_t position)
{
	notify();
	avail_idx((uint16_t)(position + 1));
	take(position, 0, 16, 0);
	return_chain(position, position, 0, 0);
}

static void live_with(bool level_line)
{
	rig_target.model = false;
	rig_target.level_line = level_line;
	rig_live(8);
}

static void an_interrupt_may_come_in_a_later_call(void **state)
{
	(void)state;
	live_with(false);
	use_one(0);
	done();
	rest(DEVICE_WORK);
	work();
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	end_silent();
}

static void an_interrupt_comes_before_the_device_rests(void **state)
{
	(void)state;
	live_with(false);
	use_one(0);
	done();
	rest(DEVICE_WORK);
	work();
	done();
	assert_silent();
	rest(DEVICE_IDLE);
	assert_breaks(RULE_WAKEUP_MISSING);
}

static void who_asks_for_a_reset_owes_nothing(void **state)
{
	(void)state;
	live_with(false);
	use_one(0);
	done();
	rest(DEVICE_WORK);
	work();
	need_reset();
	end_silent();
}

static void a_reset_forgives_others_what_they_owe(void **state)
{
	(void)state;
	live_with(false);
	call(VIRTIO_MMIO_STATUS, 0);
	avail_idx(1);
	take(0, 0, 16, 0);
	return_chain(0, 0, 0, 0);
	shown.status = 0;
	done();
	rest(DEVICE_IDLE);
	assert_silent();
}

/* The driver acknowledges nothing: the line stays up. */
static void a_level_line_is_raised_once(void **state)
{
	(void)state;
	live_with(true);
	use_one(0);
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	end_silent();
	use_one(1);
	end_silent();
	/* To say so again does no harm. */
	work();
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	end_silent();
}

static void a_level_line_that_fell_is_raised(void **state)
{
	(void)state;
	live_with(true);
	use_one(0);
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	end_silent();
	shown.interrupt_status = 0;
	reg_write(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	use_one(1);
	done();
	rest(DEVICE_IDLE);
	assert_breaks(RULE_WAKEUP_MISSING);
}

static void an_edge_is_due_for_each(void **state)
{
	(void)state;
	live_with(false);
	use_one(0);
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	end_silent();
	use_one(1);
	done();
	rest(DEVICE_IDLE);
	assert_breaks(RULE_WAKEUP_MISSING);
}

/* VIRTIO says nothing of that; of one for nothing, that the bit be zero. */
static void to_wake_up_twice_breaks_no_must(void **state)
{
	(void)state;
	live_with(false);
	use_one(0);
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	end_silent();
	work();
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	end_silent();
	ledger.judging.strict = false;
	shown.interrupt_status = 0;
	reg_write(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	work();
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	done();
	rest(DEVICE_IDLE);
	assert_breaks(RULE_WAKEUP_SUPERFLUOUS);
	assert_false(ledger.stop);
}

/* What is pending a device may name again. */
static void a_change_may_name_the_used_buffer_that_is_pending(void **state)
{
	(void)state;
	live_with(false);
	use_one(0);
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	end_silent();
	ledger.judging.strict = false;
	work();
	raise_interrupt(VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG);
	done();
	rest(DEVICE_IDLE);
	assert_false(ledger.stop);
}

static void a_change_names_no_used_buffer_of_before(void **state)
{
	(void)state;
	live_with(false);
	use_one(0);
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	end_silent();
	shown.interrupt_status = 0;
	reg_write(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	work();
	raise_interrupt(VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG);
	done();
	assert_breaks(RULE_WAKEUP_USED_BIT);
}

#define TEST(name) cmocka_unit_test_setup(name, rig_setup)
#define EVENT_TEST(name) cmocka_unit_test_setup(name, setup_event_idx)

/* Due for the first chain, and raised when a second one is back that the driver wants none
 * for. */
static void a_late_one_is_wanted_still(void **state)
{
	(void)state;
	rig_target.model = false;
	notify();
	return_batch(0, 1);
	used_event(0);
	return_batch(1, 1);
	used_event(7);
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	end_silent();
	/* That is over. */
	notify();
	return_batch(2, 1);
	used_event(7);
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	assert_breaks(RULE_WAKEUP_SUPERFLUOUS);
}

/* Two chains come back in the call that goes on, each with an interrupt that the driver wants. */
static void tell_of_each(void)
{
	for (uint16_t i = 0; i < 2; i++) {
		return_batch(i, 1);
		avail_flags(0);
		shown.interrupt_status |= VIRTIO_MMIO_INT_VRING;
		ledger_interrupt(&ledger, VIRTIO_MMIO_INT_VRING, LEDGER_LINE);
	}
}

static void a_model_tells_of_a_call_once(void **state)
{
	(void)state;
	notify();
	tell_of_each();
	assert_breaks(RULE_WAKEUP_SUPERFLUOUS);
}

static void others_and_whom_the_host_calls_tell_of_each(void **state)
{
	(void)state;
	work();
	ledger_ordered(&ledger, 0);
	tell_of_each();
	end_silent();
	rig_setup(state);
	rig_target.model = false;
	notify();
	tell_of_each();
	end_silent();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_model_tells_of_a_call_once),
		TEST(others_and_whom_the_host_calls_tell_of_each),
		TEST(an_event_in_the_range_is_due_and_no_other),
		TEST(the_range_goes_round),
		EVENT_TEST(silence_covers_what_it_was_decided_for),
		EVENT_TEST(silence_does_not_last_to_the_next_move),
		EVENT_TEST(what_was_due_stays_due),
		EVENT_TEST(an_interrupt_begins_a_new_range),
		EVENT_TEST(an_event_read_before_the_index_moved_says_nothing),
		EVENT_TEST(an_event_that_cannot_be_read_allows_both),
		EVENT_TEST(one_queue_whose_event_came_is_need_enough),
		EVENT_TEST(with_event_idx_the_flags_are_no_leave),
		EVENT_TEST(with_event_idx_a_look_at_the_flags_is_no_look),
		TEST(without_event_idx_the_event_is_no_leave),
		TEST(where_the_features_are_not_known_either_word_counts),
		EVENT_TEST(a_used_buffer_that_nobody_wanted_to_hear_of_may_be_shown),
		EVENT_TEST(the_events_lie_behind_the_rings),
		EVENT_TEST(the_event_of_a_poisoned_queue_may_be_read),
		TEST(the_line_serves_every_queue),
		TEST(a_queue_with_an_interrupt_of_its_own_serves_no_other),
		TEST(an_interrupt_of_one_queue_is_asked_for_by_that_queue),
		TEST(an_interrupt_may_come_in_a_later_call),
		EVENT_TEST(a_late_one_is_wanted_still),
		TEST(an_interrupt_comes_before_the_device_rests),
		TEST(who_asks_for_a_reset_owes_nothing),
		TEST(a_reset_forgives_others_what_they_owe),
		TEST(a_level_line_is_raised_once),
		TEST(a_level_line_that_fell_is_raised),
		TEST(an_edge_is_due_for_each),
		TEST(to_wake_up_twice_breaks_no_must),
		TEST(a_change_may_name_the_used_buffer_that_is_pending),
		TEST(a_change_names_no_used_buffer_of_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
