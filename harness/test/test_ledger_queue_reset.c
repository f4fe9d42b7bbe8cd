/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The reset of one queue (VIRTIO 2.6.1): what a device may do after it, and what breaks a
 * rule.  Where it may, the ledger must be silent, under every severity and with every rule.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger_rig.h"

#include "devices/virtio_1_4.h"

static void queue_reset(unsigned queue)
{
	reg_write(VIRTIO_MMIO_QUEUE_SEL, queue);
	call(VIRTIO_MMIO_QUEUE_RESET, 1);
	shown.ready = shown.resetting = 0;
	done();
}

static void set_up(unsigned queue, uint16_t size, uint64_t shift)
{
	reg_write(VIRTIO_MMIO_QUEUE_SEL, queue);
	reg_write(VIRTIO_MMIO_QUEUE_NUM, size);
	reg_write(VIRTIO_MMIO_QUEUE_DESC_LOW, DESC_AT(queue) + shift);
	reg_write(VIRTIO_MMIO_QUEUE_AVAIL_LOW, AVAIL_AT(queue) + shift);
	reg_write(VIRTIO_MMIO_QUEUE_USED_LOW, USED_AT(queue) + shift);
	shown.ready = 1;
	reg_write(VIRTIO_MMIO_QUEUE_READY, 1);
}

static int setup(void **state)
{
	int ret = rig_setup(state);

	negotiate(VIRTIO_F_RING_RESET);
	on = TX;
	return ret;
}

static void it_begins_at_its_first_entry(void **state)
{
	(void)state;
	serve(0);
	end_silent();
	serve(1);
	end_silent();
	queue_reset(TX);
	assert_silent();
	set_up(TX, 8, 0);
	serve(0);
	end_silent();
}

static void an_entry_where_the_old_queue_stood_is_out_of_place(void **state)
{
	(void)state;
	serve(0);
	end_silent();
	serve(1);
	end_silent();
	queue_reset(TX);
	set_up(TX, 8, 0);
	notify();
	avail_idx(1);
	take(0, 0, 16, 0);
	payload_read(0, BUFFER, 16);
	used_entry(2, 0, 0, 0);
	assert_breaks(RULE_COMPLETION_SLOT);
}

static void a_chain_from_before_is_held_no_more(void **state)
{
	(void)state;
	rig_target.holds = true;
	notify();
	avail_idx(1);
	take(0, 5, 16, F_WRITE);
	end_silent();
	queue_reset(TX);
	set_up(TX, 8, 0);
	notify();
	avail_idx(0);
	used_entry(0, 0, 5, 0);
	used_idx(1);
	assert_breaks(RULE_COMPLETION_NOT_HELD);
}

static void its_memory_is_left_alone(void **state)
{
	(void)state;
	queue_reset(TX);
	notify();
	end_silent();
	notify();
	avail_idx(0);
	assert_breaks(RULE_MEMORY_NOT_LIVE);
}

static void a_buffer_of_before_is_left_alone(void **state)
{
	(void)state;
	rig_target.holds = true;
	notify();
	avail_idx(1);
	take(0, 5, 16, F_WRITE);
	end_silent();
	queue_reset(TX);
	work();
	payload_write(0, BUFFER, 1);
	assert_breaks(RULE_MEMORY_NOT_LIVE);
}

static void the_other_queue_goes_on(void **state)
{
	(void)state;
	serve(0);
	end_silent();
	queue_reset(RX);
	assert_silent();
	serve(1);
	end_silent();
}

static void it_is_set_up_elsewhere_and_larger(void **state)
{
	(void)state;
	serve(0);
	end_silent();
	queue_reset(TX);
	set_up(TX, 8, 0x1000);
	notify();
	avail_idx(0);
	/* The rings of before are nobody's. */
	assert_breaks(RULE_MEMORY_RING);
}

static void twice_and_before_it_was_ready(void **state)
{
	(void)state;
	queue_reset(TX);
	queue_reset(TX);
	reg_read(VIRTIO_MMIO_QUEUE_RESET, 0);
	assert_silent();
	set_up(TX, 4, 0);
	reg_read(VIRTIO_MMIO_QUEUE_RESET, 0);
	serve(0);
	end_silent();
}

static void the_register_reads_0_when_it_is_over(void **state)
{
	(void)state;
	queue_reset(TX);
	reg_read(VIRTIO_MMIO_QUEUE_RESET, 1);
	assert_breaks(RULE_STATUS_QUEUE_RESET);
}

static void a_reset_that_does_not_end_is_found(void **state)
{
	(void)state;
	reg_write(VIRTIO_MMIO_QUEUE_SEL, TX);
	call(VIRTIO_MMIO_QUEUE_RESET, 1);
	shown.ready = 0;
	shown.resetting = 1;
	done();
	assert_breaks(RULE_STATUS_QUEUE_RESET);
}

/* What the register is without the feature VIRTIO does not say. */
static void not_negotiated(void **state)
{
	(void)state;
	ledger.session.driver_features &= ~(1ULL << VIRTIO_F_RING_RESET);
	reg_write(VIRTIO_MMIO_QUEUE_SEL, TX);
	reg_write(VIRTIO_MMIO_QUEUE_RESET, 1);
	reg_read(VIRTIO_MMIO_QUEUE_RESET, 1);
	serve(0);
	end_silent();
}

/* An interrupt that the driver has not acknowledged may be said again. */
static void a_pending_interrupt_stays(void **state)
{
	(void)state;
	rig_target.model = false;
	serve(0);
	end_silent();
	queue_reset(TX);
	queue_reset(RX);
	assert_silent();
	work();
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	end_silent();
}

/* The line is every queue's: another that is ready, or was stopped, may have used a buffer. */
static void an_interrupt_of_another_queue(void **state)
{
	(void)state;
	rig_target.model = false;
	rig_target.strict = false;
	ledger.judging.strict = false;
	queue_reset(RX);
	work();
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	done();
	assert_false(ledger.stop);
	call(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	shown.interrupt_status = 0;
	done();
	reg_write(VIRTIO_MMIO_QUEUE_SEL, TX);
	call(VIRTIO_MMIO_QUEUE_READY, 0);
	shown.ready = 0;
	done();
	work();
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	done();
	assert_false(ledger.stop);
}

static void an_interrupt_of_that_queue_alone(void **state)
{
	(void)state;
	queue_reset(RX);
	work();
	raise_interrupt_of(RX);
	assert_breaks(RULE_WAKEUP_QUEUE_RESET);
}

/* A queue of which nothing was known is known again. */
static void what_was_lost_is_known_again(void **state)
{
	(void)state;
	rig_new();
	rig_unknown(TX, UNKNOWN_WRITTEN);
	negotiate(VIRTIO_F_RING_RESET);
	queue_reset(TX);
	set_up(TX, 4, 0);
	notify();
	avail_idx(1);
	take(0, 0, 16, 0);
	payload_write(0, BUFFER, 1);
	assert_breaks(RULE_MEMORY_WRITE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		TEST(it_begins_at_its_first_entry),
		TEST(an_entry_where_the_old_queue_stood_is_out_of_place),
		TEST(a_chain_from_before_is_held_no_more),
		TEST(its_memory_is_left_alone),
		TEST(a_buffer_of_before_is_left_alone),
		TEST(the_other_queue_goes_on),
		TEST(it_is_set_up_elsewhere_and_larger),
		TEST(twice_and_before_it_was_ready),
		TEST(the_register_reads_0_when_it_is_over),
		TEST(a_reset_that_does_not_end_is_found),
		TEST(not_negotiated),
		TEST(a_pending_interrupt_stays),
		TEST(an_interrupt_of_another_queue),
		TEST(an_interrupt_of_that_queue_alone),
		TEST(what_was_lost_is_known_again),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
