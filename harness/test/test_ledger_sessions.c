/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Queues that stop, resets, interrupts and rest in odd places, and a device that
 * copes: the ledger must be silent, under every severity and with every rule.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger_rig.h"

static void chains_held_are_forgotten_when_the_queue_is_not_ready(void **state)
{
	(void)state;
	rig_target.holds = true;
	on = RX;
	notify();
	avail_idx(3);
	take(0, 0, 16, F_WRITE);
	end_silent();
	reg_write(VIRTIO_MMIO_QUEUE_SEL, RX);
	call(VIRTIO_MMIO_QUEUE_READY, 0);
	shown.ready = 0;
	end_silent();
	/* The queue starts from nothing. */
	call(VIRTIO_MMIO_QUEUE_READY, 1);
	shown.ready = 1;
	end_silent();
	notify();
	avail_idx(1);
	take(0, 3, 16, F_WRITE);
	return_chain(0, 0, 3, 0);
	wake();
	end_silent();
}

static void a_queue_that_is_not_ready_is_left_alone(void **state)
{
	(void)state;
	reg_write(VIRTIO_MMIO_QUEUE_SEL, TX);
	call(VIRTIO_MMIO_QUEUE_READY, 0);
	shown.ready = 0;
	end_silent();
	notify();
	end_silent();
	notify();
	avail_idx(0);
	assert_breaks(RULE_MEMORY_NOT_LIVE);
}

static void nothing_is_held_after_a_reset(void **state)
{
	(void)state;
	rig_target.holds = true;
	notify();
	avail_idx(1);
	take(0, 0, 16, F_WRITE);
	end_silent();
	set_status(0);
	rest(DEVICE_IDLE);
	assert_silent();
	work();
	payload_write(0, BUFFER, 16);
	assert_breaks(RULE_MEMORY_NOT_LIVE);
}

static void a_device_begins_with_driver_ok(void **state)
{
	(void)state;
	rig_features_ok(8);
	call(VIRTIO_MMIO_STATUS, STATUS_LIVE);
	shown.status = STATUS_LIVE;
	avail_idx(1);
	take(0, 0, 16, 0);
	return_chain(0, 0, 0, 0);
	wake();
	end_silent();
}

static void one_interrupt_serves_every_queue_that_moved(void **state)
{
	(void)state;
	notify();
	for (unsigned q = 0; q < 2; q++) {
		on = q;
		avail_idx(1);
		take(0, 0, 16, 0);
		return_chain(0, 0, 0, 0);
		avail_flags(0);
	}
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	end_silent();
}

static void one_queue_that_wants_it_is_need_enough(void **state)
{
	(void)state;
	notify();
	for (unsigned q = 0; q < 2; q++) {
		on = q;
		avail_idx(1);
		take(0, 0, 16, 0);
		return_chain(0, 0, 0, 0);
		avail_flags(q == RX ? NO_INTERRUPT : 0);
	}
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	end_silent();
}

static void an_interrupt_may_come_with_later_work(void **state)
{
	(void)state;
	notify();
	avail_idx(1);
	take(0, 0, 16, 0);
	return_chain(0, 0, 0, 0);
	done();
	rest(DEVICE_WORK);
	assert_silent();
	work();
	wake();
	end_silent();
}

static void flags_that_cannot_be_read_allow_both(void **state)
{
	(void)state;
	rig_target.model = false;
	for (int interrupt = 0; interrupt < 2; interrupt++) {
		rig_live(8);
		notify();
		avail_idx(1);
		take(0, 0, 16, 0);
		return_chain(0, 0, 0, 0);
		access_error = -EFAULT;
		avail_flags(0);
		access_error = 0;
		if (interrupt != 0)
			raise_interrupt(VIRTIO_MMIO_INT_VRING);
		end_silent();
	}
}

static void a_device_may_show_a_used_buffer_that_it_was_silent_about(void **state)
{
	(void)state;
	notify();
	avail_idx(1);
	take(0, 0, 16, 0);
	return_chain(0, 0, 0, 0);
	avail_flags(NO_INTERRUPT);
	shown.interrupt_status |= VIRTIO_MMIO_INT_VRING;
	end_silent();
}

static void what_waits_for_the_host_is_not_stuck(void **state)
{
	(void)state;
	notify();
	avail_idx(2);
	take(0, 0, 16, F_WRITE);
	done();
	rest(DEVICE_WAITING);
	assert_silent();
}

static void the_device_s_own_queue_may_keep_what_is_available(void **state)
{
	(void)state;
	on = RX;
	notify();
	avail_idx(3);
	end_silent();
	notify();
	end_silent();
}

static void an_access_that_failed_is_reason_to_stop(void **state)
{
	(void)state;
	notify();
	avail_idx(2);
	take(0, 0, 16, F_WRITE);
	access_error = -EFAULT;
	used_entry(0, 0, 0, 0);
	access_error = 0;
	end_silent();
}

static void a_buffer_out_of_reach_is_no_reason_for_our_models(void **state)
{
	(void)state;
	notify();
	avail_idx(2);
	take(0, 0, 16, F_WRITE);
	access_error = -EFAULT;
	payload_write(0, BUFFER, 16);
	access_error = 0;
	done();
	rest(DEVICE_IDLE);
	assert_breaks(RULE_STUCK_AVAILABLE);
}

static void a_guest_that_writes_registers_when_it_may_not(void **state)
{
	(void)state;
	reg_write(VIRTIO_MMIO_QUEUE_SEL, TX);
	reg_write(VIRTIO_MMIO_QUEUE_NUM, 4);
	reg_write(VIRTIO_MMIO_QUEUE_DESC_LOW, 0xdead0);
	reg_write(VIRTIO_MMIO_DRIVER_FEATURES, 0xffffffff);
	reg_write(VIRTIO_MMIO_QUEUE_SEL, 99);
	reg_write(VIRTIO_MMIO_QUEUE_READY, 0);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 99);
	serve(0);
	assert_silent();
}

static void others_may_take_such_registers_as_they_like(void **state)
{
	(void)state;
	rig_target.model = false;
	rig_live(8);
	reg_write(VIRTIO_MMIO_QUEUE_SEL, TX);
	reg_write(VIRTIO_MMIO_QUEUE_DESC_LOW, 0xdead0);
	notify();
	access_ring(GUEST_AVAIL_IDX, false, 0x123456, 2);
	access_ring(GUEST_USED_IDX, true, 0x123456, 2);
	access_ring(GUEST_DESC, false, 0xdead0, 16);
	done();
	assert_silent();
}

#define TEST(name) cmocka_unit_test_setup(name, rig_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(chains_held_are_forgotten_when_the_queue_is_not_ready),
		TEST(a_queue_that_is_not_ready_is_left_alone),
		TEST(nothing_is_held_after_a_reset),
		TEST(a_device_begins_with_driver_ok),
		TEST(one_interrupt_serves_every_queue_that_moved),
		TEST(one_queue_that_wants_it_is_need_enough),
		TEST(an_interrupt_may_come_with_later_work),
		TEST(flags_that_cannot_be_read_allow_both),
		TEST(a_device_may_show_a_used_buffer_that_it_was_silent_about),
		TEST(what_waits_for_the_host_is_not_stuck),
		TEST(the_device_s_own_queue_may_keep_what_is_available),
		TEST(an_access_that_failed_is_reason_to_stop),
		TEST(a_buffer_out_of_reach_is_no_reason_for_our_models),
		TEST(a_guest_that_writes_registers_when_it_may_not),
		TEST(others_may_take_such_registers_as_they_like),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
