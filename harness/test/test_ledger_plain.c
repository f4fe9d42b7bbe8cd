/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A device that is not ours and reaches memory without saying why: by pointers, or by
 * accessors.  One queue, whose rings and buffers lie in an arena.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ledger_rig.h"
#include "plain_rig.h"

#include <linux/virtio_ids.h>

#include "harness/arena/arena.h"

#define OTHER_DESC 0x16000u
#define OTHER_AVAIL 0x16100u
#define OTHER_USED 0x16200u
#define PAGE 0x15u /* the number of another page */

static unsigned queue; /* that is ready */

static void set_up(bool by_accessors)
{
	queue = TX;
	plain_set_up(by_accessors);
}

static int setup(void **state)
{
	(void)state;
	set_up(false);
	return 0;
}

static int setup_accessors(void **state)
{
	(void)state;
	set_up(true);
	return 0;
}

/* Up to FEATURES_OK, with that queue ready. */
static void begin(uint32_t features)
{
	plain_begin(queue, features);
}

static void live(void)
{
	begin(0);
	set_status(STATUS_LIVE);
}

/* The driver makes a chain of one device-writable buffer available, at that position; the
 * descriptor is of the same number. */
static void offer(uint16_t position, uint32_t len)
{
	uint16_t head = position % SIZE;
	struct vring_desc desc = { .addr = DATA + 0x100u * head, .len = len, .flags = F_WRITE };

	arena_store(&plain_arena, DESC + 16u * head, &desc, sizeof(desc));
	arena_store16(&plain_arena, AVAIL + 4 + 2u * head, head);
	arena_store16(&plain_arena, AVAIL + 2, (uint16_t)(position + 1));
}

/* The device writes that buffer and returns it. */
static void fill(uint16_t position, uint32_t len)
{
	uint16_t head = position % SIZE;

	for (uint32_t i = 0; i < len; i += 4)
		plain_put(DATA + 0x100u * head + i, 0x01010101u * (position + 1u), 4);
	plain_put(USED + 4 + 8u * head, head, 4);
	plain_put(USED + 8 + 8u * head, len, 4);
	plain_put(USED + 2, position + 1u, 2);
}

static void a_request_goes_well(void **state)
{
	(void)state;
	live();
	offer(0, 16);
	notify();
	fill(0, 16);
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	end_silent();
}

static void before_driver_ok_it_may_say_when_to_notify_it(void **state)
{
	(void)state;
	begin(0);
	notify();
	plain_put(USED, 1, 2);
	plain_put(USED + 4 + 8 * SIZE, 1, 2);
	done();
	rest(DEVICE_IDLE);
	assert_silent();
}

static void before_driver_ok_it_returns_nothing(void **state)
{
	(void)state;
	begin(0);
	offer(0, 16);
	notify();
	plain_put(USED + 2, 1, 2);
	done();
	rest(DEVICE_IDLE);
	assert_breaks(RULE_MEMORY_NOT_LIVE);
}

static void before_driver_ok_a_buffer_is_left_alone(void **state)
{
	(void)state;
	begin(0);
	offer(0, 16);
	notify();
	plain_put(DATA, 1, 2);
	done();
	rest(DEVICE_IDLE);
	assert_breaks(RULE_MEMORY_NOT_LIVE);
}

static void accessors_may_look_before_driver_ok(void **state)
{
	(void)state;
	begin(0);
	offer(0, 16);
	notify();
	plain_look(AVAIL, 4);
	plain_look(AVAIL + 4, 2);
	plain_look(USED + 2, 2);
	done();
	assert_silent();
}

/* VIRTIO does not say when in the call a queue becomes ready. */
static void accessors_may_look_as_a_queue_becomes_ready(void **state)
{
	(void)state;
	begin(0);
	shown.ready = 0;
	reg_write(VIRTIO_MMIO_QUEUE_READY, 0);
	call(VIRTIO_MMIO_QUEUE_READY, 1);
	plain_look(AVAIL, 4);
	plain_put(USED, 1, 2);
	shown.ready = 1;
	done();
	assert_silent();
}

static void accessors_may_not_look_further(void **state)
{
	(void)state;
	begin(0);
	offer(0, 16);
	notify();
	plain_look(DESC, 16);
	done();
	assert_breaks(RULE_MEMORY_NOT_LIVE);
}

static void accessors_may_not_look_where_nothing_is_ready(void **state)
{
	(void)state;
	notify();
	plain_look(AVAIL + 2, 2);
	done();
	assert_breaks(RULE_MEMORY_NOT_LIVE);
}

/* The buffer is written first, and lies below the rings or above. */
static void a_queue_that_was_stopped_is_not_served(void **state)
{
	(void)state;
	live();
	offer(0, 16);
	shown.ready = 0;
	reg_write(VIRTIO_MMIO_QUEUE_READY, 0);
	assert_silent();
	notify();
	fill(0, 16);
	done();
	assert_breaks(RULE_MEMORY_NOT_LIVE);
}

static void nor_are_chains_that_came_later(void **state)
{
	(void)state;
	live();
	shown.ready = 0;
	reg_write(VIRTIO_MMIO_QUEUE_READY, 0);
	offer(0, 16);
	notify();
	plain_put(DATA, 1, 2);
	done();
	assert_breaks(RULE_MEMORY_NOT_LIVE);
}

static void what_was_no_queue_s_is_a_stray_write(void **state)
{
	(void)state;
	live();
	shown.ready = 0;
	reg_write(VIRTIO_MMIO_QUEUE_READY, 0);
	notify();
	plain_put(DATA + 0x800, 1, 2);
	done();
	assert_breaks(RULE_MEMORY_WRITE);
}

static void an_index_that_jumps_is_policy(void **state)
{
	(void)state;
	live();
	offer(0, 16);
	arena_store16(&plain_arena, AVAIL + 2, SIZE + 1);
	ledger.judging.limits = false;
	notify();
	fill(0, 16);
	done();
	assert_breaks(RULE_ORDER_UNAVAILABLE);
	assert_false(ledger.stop);
}

/* What was available before it may still return. */
static void an_index_that_jumps_takes_nothing_away(void **state)
{
	(void)state;
	rig_target.holds = true;
	live();
	offer(0, 16);
	notify();
	end_silent();
	arena_store16(&plain_arena, AVAIL + 2, SIZE + 3);
	notify();
	fill(0, 16);
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	end_silent();
}

/* The used index of the queue is another queue's to write, as a packet. */
static void an_index_that_jumps_under_a_packet_tells_nothing(void **state)
{
	struct vring_desc desc = { .addr = USED, .len = 16, .flags = F_WRITE };

	(void)state;
	queue = RX;
	begin(0);
	reg_write(VIRTIO_MMIO_QUEUE_SEL, TX);
	shown.ready = 0;
	reg_write(VIRTIO_MMIO_QUEUE_NUM, SIZE);
	reg_write(VIRTIO_MMIO_QUEUE_DESC_LOW, OTHER_DESC);
	reg_write(VIRTIO_MMIO_QUEUE_AVAIL_LOW, OTHER_AVAIL);
	reg_write(VIRTIO_MMIO_QUEUE_USED_LOW, OTHER_USED);
	shown.ready = 1;
	reg_write(VIRTIO_MMIO_QUEUE_READY, 1);
	set_status(STATUS_LIVE);
	arena_store(&plain_arena, OTHER_DESC, &desc, sizeof(desc));
	arena_store16(&plain_arena, OTHER_AVAIL + 2, 1);
	arena_store16(&plain_arena, AVAIL + 2, SIZE + 1);
	work();
	plain_put(USED, 0x00050000, 4);
	plain_put(OTHER_USED + 8, 16, 4);
	plain_put(OTHER_USED + 2, 1, 2);
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	end_silent();
}

/* Of two chains that were available the device returned one, and says on its way out how
 * many it took. */
static void stopped_at(uint16_t index)
{
	rig_target.holds = true;
	live();
	offer(0, 16);
	offer(1, 16);
	notify();
	fill(0, 16);
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	end_silent();
	shown.ready = 0;
	ledger_access_begin(&ledger, true, VIRTIO_MMIO_QUEUE_READY, 4, 0);
	ledger_taken(&ledger, queue, index);
}

static void a_stopped_queue_was_taken_as_far_as_it_was_available(void **state)
{
	(void)state;
	stopped_at(1);
	assert_int_equal(ledger.finding_count, 0);
	ledger_taken(&ledger, queue, 2);
	assert_int_equal(ledger.finding_count, 0);
}

static void a_stopped_queue_was_taken_too_far(void **state)
{
	(void)state;
	stopped_at(3);
	assert_breaks(RULE_ORDER_UNAVAILABLE);
}

static void a_stopped_queue_returned_what_it_did_not_take(void **state)
{
	(void)state;
	stopped_at(0);
	assert_breaks(RULE_ORDER_UNAVAILABLE);
}

static void serve_with_event(uint16_t event)
{
	begin(1u << VIRTIO_RING_F_EVENT_IDX);
	set_status(STATUS_LIVE);
	offer(0, 16);
	notify();
	fill(0, 16);
	plain_put(USED + 4 + 8 * SIZE, event, 2);
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	done();
	rest(DEVICE_IDLE);
}

static void an_event_at_the_next_chain_is_well(void **state)
{
	(void)state;
	serve_with_event(1);
	assert_silent();
	/* That the driver adds chains and says nothing, is its affair. */
	offer(1, 16);
	work();
	end_silent();
}

static void an_event_elsewhere_suppresses(void **state)
{
	(void)state;
	serve_with_event(9);
	assert_breaks(RULE_STUCK_SUPPRESSED);
}

/* A network device, and a buffer for packets that holds zeros, or what the driver left. */
static void receive_into(uint8_t left_over)
{
	rig_target.device_id = VIRTIO_ID_NET;
	followers_choose(&ledger);
	queue = RX;
	live();
	arena_fill(&plain_arena, DATA, 0x100, left_over);
	offer(0, 64);
	notify();
	end_silent();
	work();
}

static void deliver(uint16_t num_buffers, uint32_t len)
{
	for (uint32_t i = 0; i < 10; i += 2)
		plain_put(DATA + i, 0, 2);
	plain_put(DATA + 10, num_buffers, 2);
	for (uint32_t i = 12; i < len; i += 4)
		plain_put(DATA + i, 0x55aa55aa, 4);
	plain_put(USED + 4, 0, 4);
	plain_put(USED + 8, len, 4);
	plain_put(USED + 2, 1, 2);
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	done();
}

static void a_packet_says_how_many_buffers_it_has(void **state)
{
	(void)state;
	receive_into(0);
	deliver(1, 60);
	assert_silent();
}

static void a_packet_of_no_buffers_is_none(void **state)
{
	(void)state;
	receive_into(0);
	deliver(0, 60);
	assert_breaks(RULE_NET_HEADER);
}

static void a_packet_of_no_buffers_where_others_were(void **state)
{
	(void)state;
	receive_into(7);
	deliver(0, 60);
	assert_breaks(RULE_NET_HEADER);
}

/* The device wrote the header in one call, and the driver something else before the next. */
static void what_the_driver_may_have_written_is_not_judged(void **state)
{
	(void)state;
	receive_into(7);
	plain_put(DATA + 10, 1, 2);
	end_silent();
	arena_fill(&plain_arena, DATA, 12, 0);
	work();
	plain_put(DATA + 12, 0x55aa55aa, 4);
	plain_put(USED + 4, 0, 4);
	plain_put(USED + 8, 16, 4);
	plain_put(USED + 2, 1, 2);
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	end_silent();
}

/* A page is discarded in which its own number lies. */
static void a_page_with_its_own_number_may_be_discarded(void **state)
{
	(void)state;
	rig_target.gives_away = 1u << queue;
	live();
	offer(0, 4);
	arena_store16(&plain_arena, DESC + 12, 0);
	arena_store16(&plain_arena, DATA, DATA / 4096);
	notify();
	plain_put(DATA, 0, 4);
	plain_put(DATA + 64, 0x55, 4);
	plain_put(USED + 4, 0, 4);
	plain_put(USED + 8, 0, 4);
	plain_put(USED + 2, 1, 2);
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	end_silent();
}

/* The number of a page lies in two buffers, of 1 and 3 bytes. */
static void a_page_may_be_discarded_whose_number_is_divided(void **state)
{
	(void)state;
	rig_target.gives_away = 1u << queue;
	live();
	offer(1, 3);
	arena_store16(&plain_arena, DESC + 16 + 12, 0);
	offer(0, 1);
	arena_store16(&plain_arena, DESC + 12, VRING_DESC_F_NEXT);
	arena_store16(&plain_arena, DESC + 14, 1);
	arena_fill(&plain_arena, DATA, 1, PAGE & 0xff);
	arena_store16(&plain_arena, DATA + 0x100, PAGE >> 8);
	notify();
	plain_put(PAGE * 4096, 0x55, 4);
	plain_put(USED + 4, 0, 4);
	plain_put(USED + 8, 0, 4);
	plain_put(USED + 2, 1, 2);
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	end_silent();
}

/* The used ring lies in a page that the driver hands over: the device discards what it wrote
 * there itself, and the driver's own, and what is found there says nothing any more. */
static void a_page_may_be_discarded_that_holds_a_ring(void **state)
{
	(void)state;
	rig_target.gives_away = 1u << queue;
	live();
	offer(0, 4);
	arena_store16(&plain_arena, DESC + 12, 0);
	arena_store16(&plain_arena, DATA, USED / 4096);
	arena_store16(&plain_arena, USED + 12, 0x5555);
	arena_store16(&plain_arena, USED + 20, 0x5555);
	notify();
	plain_put(USED + 12, 0, 4);
	plain_put(USED + 20, 0, 4);
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	end_silent();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, plain_teardown)
#define ACCESSORS_TEST(name) cmocka_unit_test_setup_teardown(name, setup_accessors, plain_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_request_goes_well),
		ACCESSORS_TEST(a_request_goes_well),
		TEST(before_driver_ok_it_may_say_when_to_notify_it),
		ACCESSORS_TEST(before_driver_ok_it_may_say_when_to_notify_it),
		TEST(before_driver_ok_it_returns_nothing),
		ACCESSORS_TEST(before_driver_ok_it_returns_nothing),
		TEST(before_driver_ok_a_buffer_is_left_alone),
		ACCESSORS_TEST(before_driver_ok_a_buffer_is_left_alone),
		ACCESSORS_TEST(accessors_may_look_before_driver_ok),
		ACCESSORS_TEST(accessors_may_look_as_a_queue_becomes_ready),
		ACCESSORS_TEST(accessors_may_not_look_further),
		ACCESSORS_TEST(accessors_may_not_look_where_nothing_is_ready),
		TEST(a_queue_that_was_stopped_is_not_served),
		ACCESSORS_TEST(a_queue_that_was_stopped_is_not_served),
		TEST(nor_are_chains_that_came_later),
		TEST(what_was_no_queue_s_is_a_stray_write),
		TEST(an_index_that_jumps_is_policy),
		ACCESSORS_TEST(an_index_that_jumps_is_policy),
		TEST(an_index_that_jumps_takes_nothing_away),
		TEST(an_index_that_jumps_under_a_packet_tells_nothing),
		TEST(a_stopped_queue_was_taken_as_far_as_it_was_available),
		TEST(a_stopped_queue_was_taken_too_far),
		TEST(a_stopped_queue_returned_what_it_did_not_take),
		TEST(a_page_may_be_discarded_whose_number_is_divided),
		TEST(a_page_may_be_discarded_that_holds_a_ring),
		ACCESSORS_TEST(a_page_may_be_discarded_whose_number_is_divided),
		TEST(a_page_with_its_own_number_may_be_discarded),
		TEST(an_event_at_the_next_chain_is_well),
		ACCESSORS_TEST(an_event_at_the_next_chain_is_well),
		TEST(a_packet_says_how_many_buffers_it_has),
		ACCESSORS_TEST(a_packet_says_how_many_buffers_it_has),
		TEST(a_packet_of_no_buffers_is_none),
		ACCESSORS_TEST(a_packet_of_no_buffers_is_none),
		TEST(a_packet_of_no_buffers_where_others_were),
		ACCESSORS_TEST(a_packet_of_no_buffers_where_others_were),
		TEST(what_the_driver_may_have_written_is_not_judged),
		TEST(an_event_elsewhere_suppresses),
		ACCESSORS_TEST(an_event_elsewhere_suppresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
