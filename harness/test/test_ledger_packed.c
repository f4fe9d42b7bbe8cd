/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Packed rings of a device that says what each access is for.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ledger_rig.h"

#include "devices/ring.h"

#define EVENT_IDX (1ull << VIRTIO_RING_F_EVENT_IDX)
#define WRAP RING_EVENT_WRAP
#define SIZE 4u
#define AVAILABLE(lap) ((lap) ? RING_PACKED_AVAIL : RING_PACKED_USED)
#define USED(lap) ((lap) ? (unsigned)(RING_PACKED_AVAIL | RING_PACKED_USED) : 0u)

static void start(uint64_t features)
{
	features |= 1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_F_RING_PACKED;
	rig_target.features |= features;
	rig_reset();
	set_status(VIRTIO_CONFIG_S_ACKNOWLEDGE);
	set_status(STATUS_DRIVER);
	reg_write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	reg_write(VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)features);
	reg_write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	reg_write(VIRTIO_MMIO_DRIVER_FEATURES, features >> 32);
	set_status(STATUS_FEATURES);
	on = TX;
	reg_write(VIRTIO_MMIO_QUEUE_SEL, TX);
	reg_write(VIRTIO_MMIO_QUEUE_NUM, SIZE);
	reg_write(VIRTIO_MMIO_QUEUE_DESC_LOW, DESC_AT(TX));
	reg_write(VIRTIO_MMIO_QUEUE_AVAIL_LOW, AVAIL_AT(TX));
	reg_write(VIRTIO_MMIO_QUEUE_USED_LOW, USED_AT(TX));
	shown.ready = 1;
	reg_write(VIRTIO_MMIO_QUEUE_READY, 1);
	set_status(STATUS_LIVE);
}

/* ---- what the device does --------------------------------------------------- */

static uint64_t place(unsigned at)
{
	return DESC_AT(TX) + 16ull * (at % SIZE);
}

static bool lap(unsigned at)
{
	return at / SIZE % 2 == 0;
}

static struct vring_packed_desc entry(unsigned at, uint32_t len, uint16_t id, unsigned flags)
{
	return (struct vring_packed_desc){ .addr = BUFFER,
					   .len = len,
					   .id = id,
					   .flags = (uint16_t)(flags | AVAILABLE(lap(at))) };
}

static void poll_flags(unsigned at, uint16_t flags)
{
	access_part(GUEST_PACKED_FLAGS, 0, false, place(at) + 14, &flags, 2);
}

/* It finds nothing there. */
static void poll_nothing(unsigned at)
{
	poll_flags(at, AVAILABLE(!lap(at)));
}

/* The first of a chain: its flags, then the rest. */
static void read_first(uint16_t walk, unsigned at, uint32_t len, uint16_t id, unsigned flags)
{
	struct vring_packed_desc desc = entry(at, len, id, flags);

	poll_flags(at, desc.flags);
	access_part(GUEST_PACKED_DESC, walk, false, place(at), &desc, 14);
}

static void read_whole(uint16_t walk, unsigned at, uint32_t len, uint16_t id, unsigned flags)
{
	struct vring_packed_desc desc = entry(at, len, id, flags);

	access_part(GUEST_PACKED_DESC, walk, false, place(at), &desc, 16);
}

static void tell(uint16_t walk, unsigned at, uint32_t len, uint16_t id)
{
	struct vring_packed_desc desc = { .len = len, .id = id };

	access_part(GUEST_PACKED_USED, walk, true, place(at) + 8, &desc.len, 6);
}

static void mark(uint16_t walk, unsigned at, unsigned flags)
{
	uint16_t bytes = (uint16_t)flags;

	access_part(GUEST_PACKED_FLAGS, walk, true, place(at) + 14, &bytes, 2);
}

static void give_back(uint16_t walk, unsigned at, uint32_t len, uint16_t id)
{
	tell(walk, at, len, id);
	mark(walk, at, USED(lap(at)) | (len > 0 ? F_WRITE : 0));
}

static void asked(uint16_t off_wrap, uint16_t flags)
{
	uint16_t event[2] = { off_wrap, flags };

	access_part(GUEST_DRIVER_EVENT, 0, false, AVAIL_AT(TX), event, 4);
}

static void say(uint16_t off_wrap, uint16_t flags)
{
	uint16_t event[2] = { off_wrap, flags };

	access_part(GUEST_DEVICE_EVENT, 0, true, USED_AT(TX), event, 4);
}

static void interrupt(void)
{
	asked(0, VRING_PACKED_EVENT_FLAG_ENABLE);
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
}

static void at_rest(void)
{
	done();
	rest(DEVICE_IDLE);
}

/* ---- returns ---------------------------------------------------------------- */

static void a_chain_comes_back(void **state)
{
	(void)state;
	start(0);
	notify();
	read_first(0, 0, 16, 7, F_WRITE);
	poll_nothing(1);
	payload_write(0, BUFFER, 16);
	give_back(0, 0, 16, 7);
	interrupt();
	end_silent();
}

/* Three laps, a list of three at a time; the last entry has the id. */
static void the_ring_goes_round(void **state)
{
	(void)state;
	start(0);
	for (uint16_t walk = 0; walk < 5; walk++) {
		unsigned at = walk * 3u;

		notify();
		read_first(walk, at, 16, 0xffff, F_NEXT);
		read_whole(walk, at + 1, 16, 0xffff, F_NEXT);
		read_whole(walk, at + 2, 16, 2, 0);
		poll_nothing(at + 3);
		give_back(walk, at, 0, 2);
		interrupt();
		end_silent();
	}
}

static void flags_and_rest_at_once(void **state)
{
	struct vring_packed_desc used = { .len = 0, .id = 7, .flags = USED(true) };

	(void)state;
	start(0);
	notify();
	read_whole(0, 0, 16, 7, 0);
	poll_nothing(1);
	access_part(GUEST_PACKED_USED, 0, true, place(0) + 8, &used.len, 8);
	interrupt();
	end_silent();
	assert_true(ledger.queues[TX].known);
	assert_int_equal(ledger.device.completions, 1);
}

/* `failed.1`: id, length and flags in one write are one that failed. */
static void one_write_that_fails_is_counted_once(void **state)
{
	static const struct target_sum failures[] = { { "failed.1", "out", false },
						      { NULL, NULL, false } };
	struct vring_packed_desc used = { .len = 0, .id = 7, .flags = USED(true) };

	(void)state;
	rig_target.sums = failures;
	start(0);
	notify();
	read_whole(0, 0, 16, 7, 0);
	poll_nothing(1);
	access_error = -EFAULT;
	access_part(GUEST_PACKED_USED, 0, true, place(0) + 8, &used.len, 8);
	access_error = 0;
	done();
	rig_counters[0] = rig_counters[1] = 1;
	rest(DEVICE_IDLE);
	assert_silent();
}

static void take_two(void)
{
	notify();
	read_first(0, 0, 16, 1, F_WRITE);
	read_first(1, 1, 16, 2, F_WRITE);
	poll_nothing(2);
}

static void two_come_back_in_the_other_order(void **state)
{
	(void)state;
	start(0);
	take_two();
	give_back(1, 0, 0, 2);
	give_back(0, 1, 0, 1);
	interrupt();
	end_silent();
}

/* The driver looks at the next place alone (2.8.12). */
static void a_later_place_may_be_marked_first(void **state)
{
	(void)state;
	start(0);
	take_two();
	give_back(1, 1, 0, 2);
	give_back(0, 0, 0, 1);
	interrupt();
	end_silent();
	assert_int_equal(ledger.device.completions, 2);
}

static void without_write_the_length_says_nothing(void **state)
{
	(void)state;
	start(0);
	notify();
	read_first(0, 0, 16, 7, F_WRITE);
	poll_nothing(1);
	tell(0, 0, 0xffff, 7);
	mark(0, 0, USED(true));
	interrupt();
	end_silent();
}

static void a_length_that_was_not_written(void **state)
{
	(void)state;
	start(0);
	notify();
	read_first(0, 0, 16, 7, F_WRITE);
	payload_write(0, BUFFER, 8);
	give_back(0, 0, 9, 7);
	assert_breaks(RULE_COMPLETION_LEN);
}

static void an_entry_that_is_not_available(void **state)
{
	struct vring_packed_desc desc = entry(0, 16, 7, 0);

	(void)state;
	start(0);
	notify();
	poll_nothing(0);
	access_part(GUEST_PACKED_DESC, 0, false, place(0), &desc, 14);
	assert_breaks(RULE_ORDER_UNAVAILABLE);
}

static void an_id_that_is_not_held(void **state)
{
	(void)state;
	start(0);
	notify();
	read_first(0, 0, 16, 7, 0);
	give_back(0, 0, 0, 8);
	assert_breaks(RULE_COMPLETION_NOT_HELD);
}

/* A list whose first descriptor says one id, and whose last another, which the driver of VIRTIO
 * may write (2.8.6) and Linux never does. */
static void give_back_a_list(uint16_t first, uint16_t last)
{
	start(0);
	notify();
	read_first(0, 0, 16, first, F_NEXT);
	read_whole(0, 1, 16, last, 0);
	poll_nothing(2);
	give_back(0, 0, 0, 1);
}

static void the_id_of_the_first_of_a_list(void **state)
{
	(void)state;
	give_back_a_list(1, 2);
	assert_breaks(RULE_COMPLETION_NOT_HELD);
}

static void as_linux_lists_of_one_id_are_judged(void **state)
{
	(void)state;
	rig_target.packed_as_linux = true;
	give_back_a_list(2, 2);
	assert_breaks(RULE_COMPLETION_NOT_HELD);
}

static void as_linux_the_id_of_a_list_may_be_any(void **state)
{
	(void)state;
	rig_target.packed_as_linux = true;
	give_back_a_list(1, 2);
	interrupt();
	end_silent();
	assert_false(ledger.queues[TX].known);
}

static void a_chain_comes_back_twice(void **state)
{
	(void)state;
	start(0);
	take_two();
	give_back(0, 0, 0, 1);
	give_back(0, 1, 0, 1);
	assert_breaks(RULE_COMPLETION_NOT_HELD);
}

static void marked_before_id_and_length(void **state)
{
	(void)state;
	start(0);
	notify();
	read_first(0, 0, 16, 7, 0);
	mark(0, 0, USED(true));
	assert_breaks(RULE_ORDER_ENTRY);
}

static void a_mark_of_the_other_lap(void **state)
{
	(void)state;
	start(0);
	notify();
	read_first(0, 0, 16, 7, 0);
	tell(0, 0, 0, 7);
	mark(0, 0, USED(false));
	assert_breaks(RULE_COMPLETION_SLOT);
}

static void a_place_that_the_device_does_not_have(void **state)
{
	(void)state;
	start(0);
	notify();
	read_first(0, 0, 16, 7, 0);
	tell(0, 1, 0, 7);
	assert_breaks(RULE_COMPLETION_SLOT);
}

static void what_was_shown_is_written_again(void **state)
{
	(void)state;
	start(0);
	notify();
	read_first(0, 0, 16, 7, 0);
	give_back(0, 0, 0, 7);
	tell(0, 0, 4, 7);
	assert_breaks(RULE_COMPLETION_SLOT);
}

static void a_chain_is_kept(void **state)
{
	(void)state;
	start(0);
	take_two();
	give_back(0, 0, 0, 1);
	interrupt();
	at_rest();
	assert_breaks(RULE_STUCK_HELD);
}

static void a_chain_is_left(void **state)
{
	(void)state;
	start(0);
	notify();
	poll_flags(0, AVAILABLE(true));
	at_rest();
	assert_breaks(RULE_STUCK_AVAILABLE);
}

static void a_field_lies_elsewhere(void **state)
{
	(void)state;
	start(0);
	notify();
	access_ring(GUEST_PACKED_FLAGS, false, place(0) + 12, 2);
	assert_breaks(RULE_MEMORY_RING);
}

/* A misuse of vringer.h, after which nobody knows what the device does. */
static void a_field_in_another_size(void **state)
{
	(void)state;
	start(0);
	notify();
	access_ring(GUEST_DEVICE_EVENT, true, USED_AT(TX), 2);
	assert_breaks(RULE_MEMORY_FIELD);
	assert_false(ledger.queues[TX].known);
}

/* ---- interrupts ------------------------------------------------------------- */

/* Reserved flags are for drivers to ignore; our own models write none, and WRITE tells of a length.
 */
static void a_mark_of_our_models_has_no_other_flags(void **state)
{
	static const struct {
		unsigned flags;
		uint32_t len;
		bool wrong;
	} cases[] = { { 0, 0, false },
		      { VRING_DESC_F_NEXT, 0, true },
		      { VRING_DESC_F_INDIRECT, 0, true },
		      { F_WRITE, 0, true },
		      { F_WRITE, 16, false },
		      { 0, 16, true } };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		rig_new();
		rig_target.model = i % 2 != 0;
		start(0);
		notify();
		read_first(0, 0, 16, 1, F_WRITE);
		if (cases[i / 2].len > 0)
			payload_write(0, BUFFER, 16);
		tell(0, 0, cases[i / 2].len, 1);
		mark(0, 0, USED(true) | cases[i / 2].flags);
		if (rig_target.model && cases[i / 2].wrong)
			assert_breaks(RULE_COMPLETION_SLOT);
		else
			assert_silent();
	}
}

/* Two lists of two entries come back. */
static void begin_two(uint64_t features)
{
	start(features);
	notify();
	for (uint16_t walk = 0; walk < 2; walk++) {
		read_first(walk, 2u * walk, 16, 0xffff, F_NEXT);
		read_whole(walk, 2u * walk + 1, 16, walk, 0);
	}
	give_back(0, 0, 0, 0);
	give_back(1, 2, 0, 1);
}

static void end_two(bool interrupts)
{
	if (interrupts)
		raise_interrupt(VIRTIO_MMIO_INT_VRING);
	poll_nothing(4);
	at_rest();
}

/* ... and the driver wants to hear of that place. */
static void return_two(uint64_t features, uint16_t off_wrap, bool interrupts)
{
	begin_two(features);
	asked(off_wrap, VRING_PACKED_EVENT_FLAG_DESC);
	end_two(interrupts);
}

static void a_place_that_was_used(void **state)
{
	(void)state;
	return_two(EVENT_IDX, 2 | WRAP, false);
	assert_breaks(RULE_WAKEUP_MISSING);
}

static void a_place_that_was_not_used(void **state)
{
	(void)state;
	return_two(EVENT_IDX, 0, true);
	assert_breaks(RULE_WAKEUP_SUPERFLUOUS);
}

static void silence_for_a_place_that_was_not_used(void **state)
{
	(void)state;
	return_two(EVENT_IDX, 0, false);
	assert_silent();
}

static void a_place_within_a_list(void **state)
{
	(void)state;
	return_two(EVENT_IDX, 1 | WRAP, *state != NULL);
	assert_silent();
}

static void a_place_without_event_idx(void **state)
{
	(void)state;
	return_two(0, 0, *state != NULL);
	assert_silent();
}

static void a_place_that_there_is_not(void **state)
{
	(void)state;
	return_two(EVENT_IDX, 9 | WRAP, *state != NULL);
	assert_silent();
}

/* What VIRTIO leaves open our own models do in one way. */
static void what_is_open_models_do_in_one_way(void **state)
{
	static const struct {
		uint64_t features;
		uint16_t off_wrap, flags;
		bool wanted;
	} cases[] = {
		{ EVENT_IDX, 1 | WRAP, VRING_PACKED_EVENT_FLAG_DESC, true },
		{ EVENT_IDX, 4 | WRAP, VRING_PACKED_EVENT_FLAG_DESC, false },
		{ EVENT_IDX, SIZE, VRING_PACKED_EVENT_FLAG_DESC, false },
		{ 0, 3, VRING_PACKED_EVENT_FLAG_DESC, true },
		{ EVENT_IDX, 0, 3, true },
		{ EVENT_IDX, 0, 0xff00 | VRING_PACKED_EVENT_FLAG_DISABLE, false },
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		bool wrong = i % 2 != 0, wanted = cases[i / 2].wanted;

		rig_new();
		begin_two(cases[i / 2].features);
		asked(cases[i / 2].off_wrap, cases[i / 2].flags);
		end_two(wanted != wrong);
		if (!wrong)
			assert_silent();
		else
			assert_breaks(wanted ? RULE_WAKEUP_MISSING : RULE_WAKEUP_SUPERFLUOUS);
	}
}

static void an_event_that_cannot_be_read(void **state)
{
	(void)state;
	for (int model = 0; model < 2; model++) {
		rig_new();
		rig_target.model = model != 0;
		begin_two(EVENT_IDX);
		access_error = -EFAULT;
		asked(0, VRING_PACKED_EVENT_FLAG_DISABLE);
		access_error = 0;
		end_two(false);
		if (model != 0)
			assert_breaks(RULE_WAKEUP_MISSING);
		else
			assert_silent();
	}
}

/* A place that was asked for before, and passed in silence, is not asked for again. */
static void what_was_passed_is_passed(void **state)
{
	(void)state;
	start(EVENT_IDX);
	notify();
	read_first(0, 0, 16, 1, 0);
	give_back(0, 0, 0, 1);
	asked(3 | WRAP, VRING_PACKED_EVENT_FLAG_DESC);
	read_first(1, 1, 16, 2, 0);
	give_back(1, 1, 0, 2);
	asked(0 | WRAP, VRING_PACKED_EVENT_FLAG_DESC);
	poll_nothing(2);
	end_silent();
}

/* ---- notifications ---------------------------------------------------------- */

static void serve_and_say(uint64_t features, uint16_t off_wrap, uint16_t flags, bool looks)
{
	start(features);
	notify();
	read_first(0, 0, 16, 1, 0);
	give_back(0, 0, 0, 1);
	interrupt();
	if (flags == VRING_PACKED_EVENT_FLAG_ENABLE)
		say(0, VRING_PACKED_EVENT_FLAG_DISABLE);
	poll_nothing(1);
	say(off_wrap, flags);
	if (looks)
		poll_nothing(1);
	at_rest();
}

static void the_next_place_is_named(void **state)
{
	(void)state;
	serve_and_say(EVENT_IDX, 1 | WRAP, VRING_PACKED_EVENT_FLAG_DESC, true);
	assert_silent();
}

static void the_other_lap_is_named(void **state)
{
	(void)state;
	serve_and_say(EVENT_IDX, 1, VRING_PACKED_EVENT_FLAG_DESC, true);
	assert_breaks(RULE_STUCK_SUPPRESSED);
}

static void no_look_after_a_place_was_named(void **state)
{
	(void)state;
	serve_and_say(EVENT_IDX, 1 | WRAP, VRING_PACKED_EVENT_FLAG_DESC, false);
	assert_breaks(RULE_STUCK_UNCHECKED);
}

static void notifications_are_disabled(void **state)
{
	(void)state;
	serve_and_say(EVENT_IDX, 0, VRING_PACKED_EVENT_FLAG_DISABLE, true);
	assert_breaks(RULE_STUCK_SUPPRESSED);
}

static void notifications_are_enabled_again(void **state)
{
	(void)state;
	serve_and_say(EVENT_IDX, 0, VRING_PACKED_EVENT_FLAG_ENABLE, true);
	assert_silent();
}

static void no_look_after_notifications_are_enabled(void **state)
{
	(void)state;
	serve_and_say(EVENT_IDX, 0, VRING_PACKED_EVENT_FLAG_ENABLE, false);
	assert_breaks(RULE_STUCK_UNCHECKED);
}

static void a_flag_that_there_is_not(void **state)
{
	(void)state;
	serve_and_say(EVENT_IDX, 0, 3, true);
	assert_breaks(RULE_WAKEUP_FLAGS);
}

static int setup(void **state)
{
	(void)state;
	rig_new();
	rig_target.model = false;
	return 0;
}

static char yes;

#define TEST(name) cmocka_unit_test_setup(name, setup)
#define EITHER(name)                                                                               \
	TEST(name),                                                                                \
	{                                                                                          \
#name, name, setup, NULL, &yes                                                     \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_chain_comes_back),
		TEST(the_ring_goes_round),
		TEST(flags_and_rest_at_once),
		TEST(one_write_that_fails_is_counted_once),
		TEST(two_come_back_in_the_other_order),
		TEST(a_later_place_may_be_marked_first),
		TEST(without_write_the_length_says_nothing),
		TEST(a_length_that_was_not_written),
		TEST(an_entry_that_is_not_available),
		TEST(an_id_that_is_not_held),
		TEST(the_id_of_the_first_of_a_list),
		TEST(as_linux_lists_of_one_id_are_judged),
		TEST(as_linux_the_id_of_a_list_may_be_any),
		TEST(a_chain_comes_back_twice),
		TEST(marked_before_id_and_length),
		TEST(a_mark_of_the_other_lap),
		TEST(a_place_that_the_device_does_not_have),
		TEST(what_was_shown_is_written_again),
		TEST(a_chain_is_kept),
		TEST(a_chain_is_left),
		TEST(a_field_lies_elsewhere),
		TEST(a_field_in_another_size),
		TEST(a_place_that_was_used),
		TEST(a_place_that_was_not_used),
		TEST(silence_for_a_place_that_was_not_used),
		EITHER(a_place_within_a_list),
		EITHER(a_place_without_event_idx),
		EITHER(a_place_that_there_is_not),
		TEST(a_mark_of_our_models_has_no_other_flags),
		TEST(what_is_open_models_do_in_one_way),
		TEST(an_event_that_cannot_be_read),
		TEST(what_was_passed_is_passed),
		TEST(the_next_place_is_named),
		TEST(the_other_lap_is_named),
		TEST(no_look_after_a_place_was_named),
		TEST(notifications_are_disabled),
		TEST(notifications_are_enabled_again),
		TEST(no_look_after_notifications_are_enabled),
		TEST(a_flag_that_there_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
