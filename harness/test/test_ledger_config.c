/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the device says of itself: the flags of the used ring, and configuration
 * interrupts.  VIRTIO 2.7.10, 2.1.2, 2.5.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger_rig.h"

static void used_flags_hold_one_bit_and_none_with_event_idx(void **state)
{
	static const struct {
		uint16_t flags;
		bool event_idx, fits;
	} cases[] = {
		{ 0, false, true },	  { 1, false, true }, { 2, false, false },
		{ 0x8001, false, false }, { 0, true, true },  { 1, true, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rig_setup(state);
		if (cases[i].event_idx)
			negotiate(VIRTIO_RING_F_EVENT_IDX);
		notify();
		avail_idx(0);
		used_flags(cases[i].flags);
		if (!cases[i].fits) {
			assert_breaks(RULE_WAKEUP_FLAGS);
			continue;
		}
		/* It goes on: to rest so is another matter. */
		done();
		rest(DEVICE_WORK);
		assert_silent();
	}
}

static void used_flags_may_be_read_back(void **state)
{
	(void)state;
	notify();
	avail_idx(0);
	used_flags(0);
	access_ring(GUEST_USED_FLAGS, false, USED_AT(TX), 2);
	end_silent();
}

static void poison(unsigned queue)
{
	on = queue;
	avail_idx(9);
}

/* Nobody sees the device look at an index that is nowhere. */
static void an_index_past_2_64_may_raise_one(void **state)
{
	(void)state;
	need_reset();
	done();
	ledger.queues[RX].avail = UINT64_MAX - 2;
	work();
	raise_interrupt(VIRTIO_MMIO_INT_CONFIG);
	end_silent();
}

static void each_queue_that_is_poisoned_may_raise_one(void **state)
{
	(void)state;
	notify();
	poison(RX);
	poison(TX);
	need_reset();
	need_reset();
	end_silent();
	rig_live(8);
	notify();
	poison(RX);
	poison(TX);
	need_reset();
	need_reset();
	need_reset();
	done();
	assert_breaks(RULE_WAKEUP_CONFIG);
}

static void one_poisoned_queue_does_not_raise_two(void **state)
{
	(void)state;
	notify();
	poison(TX);
	need_reset();
	need_reset();
	done();
	assert_breaks(RULE_WAKEUP_CONFIG);
}

static void the_second_queue_may_be_poisoned_later(void **state)
{
	(void)state;
	notify();
	poison(RX);
	need_reset();
	end_silent();
	on = TX;
	notify();
	poison(TX);
	need_reset();
	end_silent();
}

static void poison_of_an_earlier_call_is_no_reason(void **state)
{
	(void)state;
	notify();
	poison(RX);
	need_reset();
	end_silent();
	on = TX;
	notify();
	avail_idx(0);
	need_reset();
	done();
	assert_breaks(RULE_WAKEUP_CONFIG);
}

static void a_change_is_reason_for_one(void **state)
{
	(void)state;
	work();
	raise_interrupt(VIRTIO_MMIO_INT_CONFIG);
	raise_interrupt(VIRTIO_MMIO_INT_CONFIG);
	shown.generation++;
	done();
	assert_breaks(RULE_WAKEUP_CONFIG);
	rig_live(8);
	work();
	raise_interrupt(VIRTIO_MMIO_INT_CONFIG);
	shown.generation = 5;
	end_silent();
	work();
	raise_interrupt(VIRTIO_MMIO_INT_CONFIG);
	done();
	assert_breaks(RULE_WAKEUP_CONFIG);
}

static void a_change_and_a_poisoned_queue_are_two_reasons(void **state)
{
	(void)state;
	notify();
	raise_interrupt(VIRTIO_MMIO_INT_CONFIG);
	shown.generation++;
	poison(TX);
	need_reset();
	end_silent();
}

/* What it cannot mend need not be a queue. */
static void a_device_may_ask_for_a_reset_for_reasons_of_its_own(void **state)
{
	(void)state;
	work();
	need_reset();
	end_silent();
	work();
	need_reset();
	done();
	assert_breaks(RULE_WAKEUP_CONFIG);
}

static void others_may_say_again_that_they_need_a_reset(void **state)
{
	(void)state;
	rig_target.model = false;
	rig_live(8);
	notify();
	poison(TX);
	need_reset();
	end_silent();
	work();
	need_reset();
	need_reset();
	end_silent();
}

static void others_raise_none_without_a_reason(void **state)
{
	(void)state;
	rig_target.model = false;
	rig_live(8);
	reg_write(VIRTIO_MMIO_QUEUE_SEL, TX);
	call(VIRTIO_MMIO_QUEUE_READY, 1);
	raise_interrupt(VIRTIO_MMIO_INT_CONFIG);
	done();
	assert_breaks(RULE_WAKEUP_CONFIG);
}

static void used_flags_that_cannot_be_written_are_not_there(void **state)
{
	(void)state;
	notify();
	avail_idx(0);
	access_error = -EFAULT;
	used_flags(1);
	access_error = 0;
	end_silent();
}

#define TEST(name) cmocka_unit_test_setup(name, rig_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(used_flags_hold_one_bit_and_none_with_event_idx),
		TEST(used_flags_may_be_read_back),
		TEST(an_index_past_2_64_may_raise_one),
		TEST(each_queue_that_is_poisoned_may_raise_one),
		TEST(one_poisoned_queue_does_not_raise_two),
		TEST(the_second_queue_may_be_poisoned_later),
		TEST(poison_of_an_earlier_call_is_no_reason),
		TEST(a_change_is_reason_for_one),
		TEST(a_change_and_a_poisoned_queue_are_two_reasons),
		TEST(a_device_may_ask_for_a_reset_for_reasons_of_its_own),
		TEST(others_may_say_again_that_they_need_a_reset),
		TEST(others_raise_none_without_a_reason),
		TEST(used_flags_that_cannot_be_written_are_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
