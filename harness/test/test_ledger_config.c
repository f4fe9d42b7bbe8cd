/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the device says of itself: the flags of the used ring, configuration
 * interrupts, and what configuration holds.  VIRTIO 2.7.10, 2.1.2, 2.5.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger_rig.h"

#include <linux/virtio_blk.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>

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
	rig_target.config_len = 0;
	rig_live(8);
	reg_write(VIRTIO_MMIO_QUEUE_SEL, TX);
	call(VIRTIO_MMIO_QUEUE_READY, 1);
	raise_interrupt(VIRTIO_MMIO_INT_CONFIG);
	done();
	assert_breaks(RULE_WAKEUP_CONFIG);
}

/* What a field is that is read in one access, the generation need not tell. */
static void others_may_change_what_cannot_tear(void **state)
{
	(void)state;
	rig_target.model = false;
	rig_live(8);
	work();
	raise_interrupt(VIRTIO_MMIO_INT_CONFIG);
	end_silent();
	assert_int_not_equal(
		ledger.not_judged[RULE_WAKEUP_CONFIG / 64] >> RULE_WAKEUP_CONFIG % 64 & 1, 0);
}

static void fail_in_silence(void)
{
	rig_live(8);
	notify();
	avail_idx(0);
	shown.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	done();
	rest(DEVICE_WORK);
	assert_silent();
}

static void that_a_reset_is_needed_may_be_told_later(void **state)
{
	(void)state;
	fail_in_silence();
	work();
	raise_interrupt(VIRTIO_MMIO_INT_CONFIG);
	shown.generation++; /* of one of our own */
	end_silent();
}

static void that_a_reset_is_needed_is_told_before_the_device_rests(void **state)
{
	(void)state;
	fail_in_silence();
	work();
	done();
	assert_silent();
	rest(DEVICE_IDLE);
	assert_breaks(RULE_WAKEUP_NEEDS_RESET);
}

static void a_reset_that_came_was_needed(void **state)
{
	(void)state;
	fail_in_silence();
	set_status(0);
	rest(DEVICE_IDLE);
	assert_silent();
}

static void a_level_line_that_is_up_tells(void **state)
{
	(void)state;
	rig_target.model = false;
	rig_target.level_line = true;
	rig_live(8);
	work();
	raise_interrupt(VIRTIO_MMIO_INT_CONFIG);
	end_silent();
	work();
	shown.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	end_silent();
}

static void a_level_line_that_is_down_does_not(void **state)
{
	(void)state;
	rig_target.model = false;
	rig_target.level_line = true;
	rig_live(8);
	work();
	raise_interrupt(VIRTIO_MMIO_INT_CONFIG);
	end_silent();
	call(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
	shown.interrupt_status = 0;
	shown.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	done();
	rest(DEVICE_IDLE);
	assert_breaks(RULE_WAKEUP_NEEDS_RESET);
}

static void other_with_field(uint8_t width)
{
	static struct target_field field = { "field", 0, 4, 1 };

	field.width = width;
	rig_target.model = false;
	rig_target.field_count = 1;
	rig_target.fields = &field;
	rig_live(8);
}

/* That is no access for a field of 4 bytes. */
static void others_need_not_mind_a_driver_that_reads_by_halves(void **state)
{
	(void)state;
	other_with_field(4);
	ledger_field_read(&ledger, 0, 0, 2, 0xffff, 0xffff, 7);
	ledger_field_read(&ledger, 0, 2, 2, 0x0001, 0x10000, 7);
	ledger_field_read(&ledger, 0, 0, 4, 0x10000, 0x10000, 7);
	assert_silent();
}

static void others_mind_one_that_reads_8_bytes_in_words(void **state)
{
	(void)state;
	other_with_field(8);
	ledger_field_read(&ledger, 0, 0, 4, 0xffffffff, 0xffffffff, 7);
	ledger_field_read(&ledger, 0, 4, 4, 0, 0xffffffff, 7);
	assert_silent();
	ledger_field_read(&ledger, 0, 4, 4, 1, 0x100000000, 8);
	ledger_field_read(&ledger, 0, 0, 4, 0, 0x100000000, 8);
	assert_silent();
	ledger_field_read(&ledger, 0, 4, 4, 2, 0x200000001, 8);
	assert_breaks(RULE_STATUS_TORN);
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

#define BIT(n) (1ULL << (n))

/* A count of queues of each device that has one, with two queues. */
static void counts_are_of_queues_that_there_are(void **state)
{
	static const struct {
		uint64_t features; /* offered */
		uint64_t value;
		uint32_t device_id;
		bool accepted; /* FEATURES_OK: nothing of it was accepted */
		bool fits;
	} cases[] = {
		{ BIT(VIRTIO_NET_F_MQ), 1, VIRTIO_ID_NET, false, true },
		{ BIT(VIRTIO_NET_F_MQ), 0, VIRTIO_ID_NET, false, false },
		{ BIT(VIRTIO_NET_F_MQ), 2, VIRTIO_ID_NET, false, false },
		{ BIT(VIRTIO_NET_F_MQ) | BIT(VIRTIO_NET_F_CTRL_VQ), 1, VIRTIO_ID_NET, false,
		  false },
		{ BIT(VIRTIO_NET_F_RSS), 0xffff, VIRTIO_ID_NET, false, false },
		{ BIT(VIRTIO_NET_F_CTRL_VQ), 0xffff, VIRTIO_ID_NET, false, true },
		{ BIT(VIRTIO_NET_F_MQ), 2, VIRTIO_ID_NET, true, true },
		{ BIT(VIRTIO_BLK_F_MQ), 2, VIRTIO_ID_BLOCK, false, true },
		{ BIT(VIRTIO_BLK_F_MQ), 3, VIRTIO_ID_BLOCK, false, false },
		{ BIT(VIRTIO_BLK_F_MQ), 0, VIRTIO_ID_BLOCK, false, false },
		{ 0, 3, VIRTIO_ID_BLOCK, false, true },
		{ BIT(VIRTIO_CONSOLE_F_MULTIPORT), 0, VIRTIO_ID_CONSOLE, false, true },
		{ BIT(VIRTIO_CONSOLE_F_MULTIPORT), 1, VIRTIO_ID_CONSOLE, false, false },
		{ BIT(VIRTIO_CONSOLE_F_MULTIPORT), 0xffffffff, VIRTIO_ID_CONSOLE, false, false },
		{ 0, 0xffffffff, VIRTIO_ID_CONSOLE, false, true },
		{ 0, 1, VIRTIO_ID_FS, false, true },
		{ 0, 0, VIRTIO_ID_FS, true, false },
		{ 0, 0xffffffff, VIRTIO_ID_FS, true, false },
		{ 1, 1, VIRTIO_ID_FS, false, false }, /* a queue of notifications */
		{ 0, 77, VIRTIO_ID_BALLOON, false, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rig_new();
		rig_target.device_id = cases[i].device_id;
		rig_target.features = cases[i].features | 1ULL << VIRTIO_F_VERSION_1;
		rig_reset();
		if (cases[i].accepted)
			rig_features_ok(8);
		ledger_config_count(&ledger, cases[i].value);
		if (cases[i].fits)
			assert_int_equal(ledger.finding_count, 0);
		else
			assert_breaks(RULE_STATUS_CONFIG_COUNT);
	}
}

/* A device that is not ours may refuse an access in the width of no field. */
static void others_may_refuse_a_width(void **state)
{
	static const struct ledger_look word = { 0, 4, 0x11223344 };
	static const struct {
		struct ledger_look look;
		bool model, fits;
	} cases[] = {
		{ { 1, 1, 0xff }, false, true },    { { 1, 1, 0 }, false, true },
		{ { 1, 1, 0x44 }, false, false },   { { 1, 1, 0xff }, true, false },
		{ { 1, 1, 0 }, true, false },	    { { 0, 2, 0xffff }, false, true },
		{ { 0, 2, 0x00ff }, false, false }, { { 0, 2, 0x3344 }, false, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rig_new();
		rig_target.model = cases[i].model;
		assert_int_equal(ledger_config_differs(&ledger, &word, &cases[i].look),
				 !cases[i].fits);
		assert_int_equal(ledger_config_differs(&ledger, &cases[i].look, &word),
				 !cases[i].fits);
	}
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
		TEST(others_may_change_what_cannot_tear),
		TEST(others_need_not_mind_a_driver_that_reads_by_halves),
		TEST(others_mind_one_that_reads_8_bytes_in_words),
		TEST(that_a_reset_is_needed_may_be_told_later),
		TEST(that_a_reset_is_needed_is_told_before_the_device_rests),
		TEST(a_reset_that_came_was_needed),
		TEST(a_level_line_that_is_up_tells),
		TEST(a_level_line_that_is_down_does_not),
		TEST(used_flags_that_cannot_be_written_are_not_there),
		TEST(counts_are_of_queues_that_there_are),
		TEST(others_may_refuse_a_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
