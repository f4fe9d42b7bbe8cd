/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Packed rings of a device that is not ours and reaches memory without saying why: by
 * pointers, or by accessors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ledger_rig.h"
#include "plain_rig.h"

#include "devices/ring.h"

#define EVENT_IDX (1ull << VIRTIO_RING_F_EVENT_IDX)
#define WRAP RING_EVENT_WRAP
#define ENABLE VRING_PACKED_EVENT_FLAG_ENABLE
#define DISABLE VRING_PACKED_EVENT_FLAG_DISABLE
#define ONE VRING_PACKED_EVENT_FLAG_DESC

/* ---- the driver ------------------------------------------------------------ */

/* The next place that it makes available, and the next that the device uses. */
static unsigned avail, used;

static uint64_t place(unsigned at)
{
	return DESC + 16ull * (at % SIZE);
}

static bool lap(unsigned at)
{
	return at / SIZE % 2 == 0;
}

static void entry(unsigned at, uint64_t addr, uint32_t len, uint16_t id, unsigned flags)
{
	struct vring_packed_desc desc = {
		.addr = addr,
		.len = len,
		.id = id,
		.flags = (uint16_t)(flags | (lap(at) ? RING_PACKED_AVAIL : RING_PACKED_USED)),
	};

	arena_store(&plain_arena, place(at), &desc, sizeof(desc));
}

/* A chain of that many device-writable buffers of 16 bytes, one behind the other. */
static void offer(uint16_t id, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		entry(avail + i, DATA + 0x100u * id + 16u * i, 16, i + 1 < count ? 0xffff : id,
		      F_WRITE | (i + 1 < count ? F_NEXT : 0));
	avail += count;
}

static void ask(uint16_t off_wrap, uint16_t flags)
{
	arena_store16(&plain_arena, AVAIL, off_wrap);
	arena_store16(&plain_arena, AVAIL + 2, flags);
}

static void start(uint64_t features)
{
	avail = used = 0;
	plain_begin(TX,
		    1ull << VIRTIO_F_RING_PACKED | 1ull << VIRTIO_RING_F_INDIRECT_DESC | features);
	set_status(STATUS_LIVE);
}

/* ---- the device ------------------------------------------------------------ */

static void fill(uint16_t id, uint32_t len)
{
	for (uint32_t i = 0; i < len; i += 4)
		plain_put(DATA + 0x100u * id + i, 0x01010101u * (id + 1u), 4);
}

static void tell(unsigned at, uint16_t id, uint32_t len)
{
	plain_put(place(at) + 8, len, 4);
	plain_put(place(at) + 12, id, 2);
}

static void mark(unsigned at, bool lapped)
{
	plain_put(place(at) + 14, F_WRITE | (lapped ? RING_PACKED_AVAIL | RING_PACKED_USED : 0u),
		  2);
}

/* The chain comes back in the next place. */
static void give_back(uint16_t id, uint32_t len, unsigned entries)
{
	tell(used, id, len);
	mark(used, lap(used));
	used += entries;
}

static void say(uint16_t off_wrap, uint16_t flags)
{
	plain_put(USED, off_wrap, 2);
	plain_put(USED + 2, flags, 2);
}

static void interrupt(void)
{
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
}

static void at_rest(void)
{
	done();
	rest(DEVICE_IDLE);
}

/* ---- returns --------------------------------------------------------------- */

static void a_chain_comes_back(void **state)
{
	(void)state;
	start(0);
	offer(3, 1);
	notify();
	fill(3, 16);
	give_back(3, 16, 1);
	interrupt();
	end_silent();
}

/* Three times round, with chains of three entries and eight places. */
static void the_ring_goes_round(void **state)
{
	(void)state;
	start(0);
	for (unsigned i = 0; i < 9; i++) {
		offer(1, 3);
		notify();
		plain_put(DATA + 0x100, 0x55550000u + i, 4);
		give_back(1, 4, 3);
		interrupt();
		end_silent();
	}
}

static void two_come_back_in_the_other_order(void **state)
{
	(void)state;
	start(0);
	rig_target.holds = true;
	offer(1, 1);
	offer(2, 2);
	notify();
	fill(2, 16);
	give_back(2, 16, 2);
	interrupt();
	end_silent();
	offer(3, 2);
	work();
	fill(1, 16);
	give_back(1, 16, 1);
	fill(3, 16);
	give_back(3, 16, 2);
	interrupt();
	end_silent();
}

/* What lies behind the next place is looked at when its turn comes (2.8.12). */
static void a_later_place_may_be_marked_first(void **state)
{
	(void)state;
	start(0);
	rig_target.holds = true;
	offer(1, 1);
	offer(2, 1);
	notify();
	fill(1, 16);
	fill(2, 16);
	tell(1, 2, 16);
	mark(1, true);
	end_silent();
	work();
	tell(0, 1, 16);
	mark(0, true);
	interrupt();
	end_silent();
	assert_int_equal(ledger.device.completions, 2);
}

static void a_table_is_a_chain(void **state)
{
	static const struct vring_packed_desc table[2] = {
		{ .addr = DATA + 0x100, .len = 8 },
		{ .addr = DATA + 0x200, .len = 16, .flags = F_WRITE }
	};

	(void)state;
	start(0);
	arena_store(&plain_arena, DATA, table, sizeof(table));
	entry(0, DATA, sizeof(table), 5, VRING_DESC_F_INDIRECT);
	notify();
	plain_put(DATA + 0x200, 0x11223344, 4);
	give_back(5, 4, 1);
	interrupt();
	end_silent();
}

static void a_table_is_not_written(void **state)
{
	static const struct vring_packed_desc table = { .addr = DATA + 0x100, .len = 8 };

	(void)state;
	start(0);
	arena_store(&plain_arena, DATA, &table, sizeof(table));
	entry(0, DATA, sizeof(table), 5, VRING_DESC_F_INDIRECT);
	notify();
	plain_put(DATA, 1, 2);
	at_rest();
	assert_int_equal(ledger.findings[0].rule, RULE_MEMORY_WRITE);
}

static void without_write_the_length_says_nothing(void **state)
{
	(void)state;
	start(0);
	offer(0, 1);
	notify();
	tell(0, 0, 0xffffffff);
	plain_put(DESC + 14, RING_PACKED_AVAIL | RING_PACKED_USED, 2);
	interrupt();
	end_silent();
}

static void a_length_beyond_the_chain(void **state)
{
	(void)state;
	start(0);
	offer(0, 2);
	notify();
	fill(0, 32);
	give_back(0, 33, 2);
	interrupt();
	at_rest();
	assert_breaks(RULE_COMPLETION_LEN);
}

static void an_id_that_is_not_held(void **state)
{
	(void)state;
	start(0);
	offer(1, 1);
	notify();
	give_back(2, 0, 1);
	interrupt();
	at_rest();
	assert_breaks(RULE_COMPLETION_NOT_HELD);
}

static void an_id_that_no_queue_is_long_enough_for(void **state)
{
	(void)state;
	start(0);
	offer(1, 1);
	notify();
	give_back(0x8001, 0, 1);
	interrupt();
	at_rest();
	assert_breaks(RULE_COMPLETION_NOT_HELD);
}

static void a_chain_comes_back_twice(void **state)
{
	(void)state;
	start(0);
	offer(1, 1);
	offer(2, 1);
	notify();
	give_back(1, 0, 1);
	give_back(1, 0, 1);
	interrupt();
	at_rest();
	assert_breaks(RULE_COMPLETION_NOT_HELD);
}

static void a_mark_of_the_other_lap(void **state)
{
	(void)state;
	start(0);
	offer(1, 1);
	notify();
	tell(0, 1, 0);
	mark(0, false);
	at_rest();
	assert_breaks(RULE_COMPLETION_SLOT);
}

static void a_place_that_the_device_does_not_have(void **state)
{
	(void)state;
	start(0);
	offer(1, 1);
	notify();
	tell(1, 1, 0);
	mark(1, true);
	at_rest();
	assert_int_equal(ledger.findings[0].rule, RULE_COMPLETION_SLOT);
}

/* One used descriptor is all that is written for a list. */
static void each_of_a_list_is_marked(void **state)
{
	(void)state;
	start(0);
	offer(1, 2);
	notify();
	tell(0, 1, 0);
	mark(1, true);
	mark(0, true);
	interrupt();
	at_rest();
	assert_breaks(RULE_COMPLETION_SLOT);
}

static void a_chain_is_left(void **state)
{
	(void)state;
	start(0);
	offer(1, 1);
	offer(2, 1);
	notify();
	give_back(1, 0, 1);
	interrupt();
	at_rest();
	assert_breaks(RULE_STUCK_AVAILABLE);
}

static void the_driver_s_structure_is_its_own(void **state)
{
	(void)state;
	start(0);
	notify();
	plain_put(AVAIL + 2, 1, 2);
	at_rest();
	assert_breaks(RULE_MEMORY_RING);
}

/* The device wrote over what another chain began with, and the driver over what that left. */
static void what_was_taken_is_settled(void **state)
{
	(void)state;
	start(0);
	rig_target.holds = true;
	offer(1, 1);
	offer(2, 1);
	notify();
	fill(2, 16);
	give_back(2, 16, 1);
	interrupt();
	end_silent();
	/* Six more, and the one that the ring has room for in place 0. */
	for (uint16_t id = 3; id < 10; id++)
		offer(id, 1);
	notify();
	end_silent();
	work();
	fill(1, 16);
	give_back(1, 16, 1);
	interrupt();
	end_silent();
	assert_int_equal(ledger.device.completions, 2);
}

/* ---- order ----------------------------------------------------------------- */

static void what_was_shown_is_written_again(void **state)
{
	(void)state;
	start(0);
	offer(1, 1);
	notify();
	mark(0, true);
	tell(0, 1, 0);
	interrupt();
	at_rest();
	assert_breaks(RULE_ORDER_ENTRY);
}

static void what_is_not_shown_yet_may_be_written(void **state)
{
	(void)state;
	start(0);
	offer(1, 1);
	offer(2, 1);
	notify();
	mark(1, true);
	tell(1, 2, 0);
	tell(0, 1, 0);
	mark(0, true);
	interrupt();
	end_silent();
}

static void a_used_descriptor_may_be_written_at_once(void **state)
{
	static const struct {
		uint32_t len;
		uint16_t id, flags;
	} whole = { 0, 1, RING_PACKED_AVAIL | RING_PACKED_USED };

	(void)state;
	start(0);
	offer(1, 1);
	notify();
	plain_put_bytes(DESC + 8, &whole, sizeof(whole));
	interrupt();
	end_silent();
}

/* ---- what is not followed -------------------------------------------------- */

static void assert_blind(enum ledger_blind cause)
{
	assert_silent();
	assert_int_equal(ledger.blindness.cause, cause);
}

static void a_list_that_goes_on_in_nothing(void **state)
{
	(void)state;
	start(0);
	entry(0, DATA, 16, 1, F_NEXT);
	notify();
	give_back(1, 0, 1);
	at_rest();
	assert_blind(BLIND_LIST);
}

static void a_list_longer_than_the_ring(void **state)
{
	(void)state;
	start(0);
	for (unsigned i = 0; i < SIZE; i++)
		entry(i, DATA, 16, 1, F_NEXT);
	notify();
	at_rest();
	assert_blind(BLIND_LIST);
}

static void the_driver_marks_what_the_device_has(void **state)
{
	(void)state;
	start(0);
	rig_target.holds = true;
	offer(1, 2);
	notify();
	end_silent();
	arena_store16(&plain_arena, DESC + 16 + 14, RING_PACKED_AVAIL | RING_PACKED_USED);
	work();
	at_rest();
	assert_blind(BLIND_OWNED);
}

/* The list says two ids: one that relies on what Linux does may take either (2.8.6). */
static void as_linux_the_id_of_a_list_may_be_any(void **state)
{
	(void)state;
	start(0);
	rig_target.packed_as_linux = true;
	entry(avail++, DATA, 16, 1, F_NEXT);
	entry(avail++, DATA, 16, 2, 0);
	notify();
	give_back(1, 0, 2);
	interrupt();
	at_rest();
	assert_blind(BLIND_CHAIN);
}

static void two_of_one_id_and_of_other_length(void **state)
{
	(void)state;
	start(0);
	offer(1, 1);
	offer(1, 2);
	notify();
	give_back(1, 0, 2);
	at_rest();
	assert_blind(BLIND_HEADS);
}

static void two_of_one_id_with_other_buffers(void **state)
{
	(void)state;
	start(0);
	offer(1, 1);
	entry(avail++, DATA + 0x700, 8, 1, 0);
	notify();
	give_back(1, 0, 1);
	fill(1, 16);
	give_back(1, 16, 1);
	interrupt();
	at_rest();
	assert_blind(BLIND_HEADS);
}

static void two_of_one_id_that_are_alike(void **state)
{
	(void)state;
	start(0);
	offer(1, 1);
	offer(1, 1);
	notify();
	fill(1, 16);
	give_back(1, 16, 1);
	give_back(1, 16, 1);
	interrupt();
	end_silent();
	assert_int_equal(ledger.blindness.cause, BLIND_NEVER);
}

/* ---- interrupts ------------------------------------------------------------ */

/* Two chains of two entries come back, and the driver wants to hear of that place. */
static void return_two(uint64_t features, uint16_t off_wrap, uint16_t flags, bool interrupts)
{
	start(features);
	ask(off_wrap, flags);
	offer(1, 2);
	offer(2, 2);
	notify();
	give_back(1, 0, 2);
	give_back(2, 0, 2);
	if (interrupts)
		interrupt();
	at_rest();
}

static void no_interrupt_where_all_are_wanted(void **state)
{
	(void)state;
	return_two(0, 0, ENABLE, false);
	assert_breaks(RULE_WAKEUP_MISSING);
}

static void an_interrupt_where_none_is_wanted(void **state)
{
	(void)state;
	return_two(0, 0, DISABLE, true);
	assert_breaks(RULE_WAKEUP_SUPERFLUOUS);
}

static void none_where_none_is_wanted(void **state)
{
	(void)state;
	return_two(0, 0, DISABLE, false);
	assert_silent();
}

static void the_first_place_was_asked_for(void **state)
{
	(void)state;
	return_two(EVENT_IDX, 0 | WRAP, ONE, false);
	assert_breaks(RULE_WAKEUP_MISSING);
}

static void the_last_place_was_asked_for(void **state)
{
	(void)state;
	return_two(EVENT_IDX, 2 | WRAP, ONE, false);
	assert_breaks(RULE_WAKEUP_MISSING);
}

static void the_place_behind_was_asked_for(void **state)
{
	(void)state;
	return_two(EVENT_IDX, 4 | WRAP, ONE, false);
	assert_silent();
}

static void an_interrupt_where_the_place_behind_was_asked_for(void **state)
{
	(void)state;
	return_two(EVENT_IDX, 4 | WRAP, ONE, true);
	assert_breaks(RULE_WAKEUP_SUPERFLUOUS);
}

static void the_place_of_the_other_lap_was_asked_for(void **state)
{
	(void)state;
	return_two(EVENT_IDX, 0, ONE, true);
	assert_breaks(RULE_WAKEUP_SUPERFLUOUS);
}

/* The second entry of a list, of which no used descriptor was written. */
static void within_a_list_either_will_do(void **state)
{
	bool interrupts = *state != NULL;

	return_two(EVENT_IDX, 1 | WRAP, ONE, interrupts);
	assert_silent();
}

static void without_event_idx_either_will_do(void **state)
{
	bool interrupts = *state != NULL;

	return_two(0, 4 | WRAP, ONE, interrupts);
	assert_silent();
}

/* ---- notifications --------------------------------------------------------- */

/* One chain of one entry, and what the device says then. */
static void serve_and_say(uint64_t features, uint16_t off_wrap, uint16_t flags)
{
	start(features);
	offer(1, 1);
	notify();
	give_back(1, 0, 1);
	interrupt();
	say(off_wrap, flags);
	at_rest();
}

static void the_next_place_is_named(void **state)
{
	(void)state;
	serve_and_say(EVENT_IDX, 1 | WRAP, ONE);
	assert_silent();
}

static void another_place_is_named(void **state)
{
	(void)state;
	serve_and_say(EVENT_IDX, 2 | WRAP, ONE);
	assert_breaks(RULE_STUCK_SUPPRESSED);
}

static void the_other_lap_is_named(void **state)
{
	(void)state;
	serve_and_say(EVENT_IDX, 1, ONE);
	assert_breaks(RULE_STUCK_SUPPRESSED);
}

static void notifications_are_disabled(void **state)
{
	(void)state;
	serve_and_say(EVENT_IDX, 0, DISABLE);
	assert_breaks(RULE_STUCK_SUPPRESSED);
}

static void a_device_that_polls_disables_them(void **state)
{
	(void)state;
	rig_target.polls = true;
	serve_and_say(0, 0, DISABLE);
	assert_silent();
}

static void a_flag_that_there_is_not(void **state)
{
	(void)state;
	serve_and_say(EVENT_IDX, 0, 3);
	assert_breaks(RULE_WAKEUP_FLAGS);
}

static void one_place_without_event_idx(void **state)
{
	(void)state;
	serve_and_say(0, 1 | WRAP, ONE);
	assert_breaks(RULE_WAKEUP_FLAGS);
}

/* ---- before DRIVER_OK ------------------------------------------------------ */

static void begin_only(void)
{
	avail = used = 0;
	plain_begin(TX, 1ull << VIRTIO_F_RING_PACKED);
	offer(1, 1);
	notify();
}

static void before_driver_ok_it_may_say_when_to_notify_it(void **state)
{
	(void)state;
	begin_only();
	say(0, DISABLE);
	at_rest();
	assert_silent();
}

static void before_driver_ok_it_returns_nothing(void **state)
{
	(void)state;
	begin_only();
	plain_put(DESC + 14, RING_PACKED_AVAIL | RING_PACKED_USED, 2);
	at_rest();
	assert_breaks(RULE_MEMORY_NOT_LIVE);
}

static void before_driver_ok_it_may_look_at_an_entry(void **state)
{
	(void)state;
	begin_only();
	plain_look(DESC + 14, 2);
	plain_look(DESC, 16);
	plain_look(AVAIL, 4);
	at_rest();
	assert_silent();
}

static void before_driver_ok_it_looks_at_no_buffer(void **state)
{
	(void)state;
	begin_only();
	plain_look(DATA + 0x100, 2);
	at_rest();
	assert_breaks(RULE_MEMORY_NOT_LIVE);
}

static void a_stopped_ring_is_left_alone(void **state)
{
	(void)state;
	start(0);
	offer(1, 1);
	shown.ready = 0;
	reg_write(VIRTIO_MMIO_QUEUE_READY, 0);
	notify();
	plain_put(DATA + 0x100, 1, 2);
	at_rest();
	assert_breaks(RULE_MEMORY_NOT_LIVE);
}

static int setup(void **state)
{
	(void)state;
	plain_set_up(false);
	return 0;
}

static int setup_accessors(void **state)
{
	(void)state;
	plain_set_up(true);
	return 0;
}

static char yes;

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, plain_teardown)
#define ACCESSORS(name) cmocka_unit_test_setup_teardown(name, setup_accessors, plain_teardown)
#define BOTH(name) TEST(name), ACCESSORS(name)
#define EITHER(name)                                                                               \
	BOTH(name), { #name, name, setup, plain_teardown, &yes },                                  \
	{                                                                                          \
#name, name, setup_accessors, plain_teardown, &yes                                 \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_chain_comes_back),
		BOTH(the_ring_goes_round),
		BOTH(two_come_back_in_the_other_order),
		BOTH(a_later_place_may_be_marked_first),
		BOTH(a_table_is_a_chain),
		BOTH(a_table_is_not_written),
		BOTH(without_write_the_length_says_nothing),
		BOTH(a_length_beyond_the_chain),
		BOTH(an_id_that_is_not_held),
		BOTH(an_id_that_no_queue_is_long_enough_for),
		BOTH(a_chain_comes_back_twice),
		BOTH(a_mark_of_the_other_lap),
		BOTH(a_place_that_the_device_does_not_have),
		BOTH(each_of_a_list_is_marked),
		BOTH(a_chain_is_left),
		BOTH(the_driver_s_structure_is_its_own),
		BOTH(what_was_taken_is_settled),
		ACCESSORS(what_was_shown_is_written_again),
		BOTH(what_is_not_shown_yet_may_be_written),
		BOTH(a_used_descriptor_may_be_written_at_once),
		BOTH(a_list_that_goes_on_in_nothing),
		BOTH(a_list_longer_than_the_ring),
		BOTH(the_driver_marks_what_the_device_has),
		BOTH(as_linux_the_id_of_a_list_may_be_any),
		BOTH(two_of_one_id_and_of_other_length),
		BOTH(two_of_one_id_with_other_buffers),
		BOTH(two_of_one_id_that_are_alike),
		BOTH(no_interrupt_where_all_are_wanted),
		BOTH(an_interrupt_where_none_is_wanted),
		BOTH(none_where_none_is_wanted),
		BOTH(the_first_place_was_asked_for),
		BOTH(the_last_place_was_asked_for),
		BOTH(the_place_behind_was_asked_for),
		BOTH(an_interrupt_where_the_place_behind_was_asked_for),
		BOTH(the_place_of_the_other_lap_was_asked_for),
		EITHER(within_a_list_either_will_do),
		EITHER(without_event_idx_either_will_do),
		BOTH(the_next_place_is_named),
		BOTH(another_place_is_named),
		BOTH(the_other_lap_is_named),
		BOTH(notifications_are_disabled),
		BOTH(a_device_that_polls_disables_them),
		BOTH(a_flag_that_there_is_not),
		BOTH(one_place_without_event_idx),
		BOTH(before_driver_ok_it_may_say_when_to_notify_it),
		BOTH(before_driver_ok_it_returns_nothing),
		ACCESSORS(before_driver_ok_it_may_look_at_an_entry),
		ACCESSORS(before_driver_ok_it_looks_at_no_buffer),
		BOTH(a_stopped_ring_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
