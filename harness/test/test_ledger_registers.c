/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What registers read as, for our own models and for others.  VIRTIO 4.2.2.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger_rig.h"

#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>

/* The target of another, just created: nobody knows what its selectors hold. */
static int setup_other(void **state)
{
	(void)state;
	rig_new();
	rig_target.model = false;
	rig_target.features = 0x1234005890abcdefULL;
	rig_reset();
	return 0;
}

/* The register reads that, and anything else breaks the rule. */
static void assert_only(uint64_t offset, uint32_t value, enum rule rule)
{
	reg_read(offset, value);
	assert_silent();
	reg_read(offset, value ^ 1);
	assert_breaks(rule);
	ledger.finding_count = 0;
	ledger.stop = false;
}

static void offered(uint32_t page, uint32_t value)
{
	reg_write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, page);
	assert_only(VIRTIO_MMIO_DEVICE_FEATURES, value, RULE_STATUS_REGISTERS);
}

static void largest(uint32_t queue, uint32_t value)
{
	reg_write(VIRTIO_MMIO_QUEUE_SEL, queue);
	assert_only(VIRTIO_MMIO_QUEUE_NUM_MAX, value, RULE_STATUS_REGISTERS);
}

static void the_device_id_is_the_target_s(void **state)
{
	(void)state;
	assert_only(VIRTIO_MMIO_DEVICE_ID, 42, RULE_STATUS_REGISTERS);
	set_status(0);
	assert_only(VIRTIO_MMIO_DEVICE_ID, 42, RULE_STATUS_REGISTERS);
}

static void the_offer_is_of_two_pages(void **state)
{
	(void)state;
	offered(0, 0x90abcdef);
	offered(1, 0x12340058);
	offered(2, 0);
	offered(3, 0);
	offered(0x100, 0);
	offered(0xffffffff, 0);
	offered(0, 0x90abcdef);
}

static void the_offer_is_what_the_host_left_of_it(void **state)
{
	(void)state;
	ledger.offered = 1ULL << VIRTIO_F_VERSION_1;
	offered(0, 0);
	offered(1, 1);
}

static void a_queue_is_as_large_as_the_host_made_it(void **state)
{
	(void)state;
	ledger.queue_max[RX] = 256;
	ledger.queue_max[TX] = 48;
	largest(RX, 256);
	largest(TX, 48);
}

static void a_queue_that_there_is_not_has_no_size(void **state)
{
	(void)state;
	largest(2, 0);
	largest(PROGRAM_QUEUES, 0);
	largest(0x101, 0);
	largest(0xffffffff, 0);
}

/* More than the ledger keeps: there, and nothing known of them. */
static void queues_beyond_what_is_kept_are_not_judged(void **state)
{
	static struct device_queue_desc queues[PROGRAM_QUEUES + 1];

	(void)state;
	for (unsigned q = 0; q <= PROGRAM_QUEUES; q++)
		queues[q] = rig_target.queues[0];
	rig_target.queues = queues;
	rig_target.queue_count = PROGRAM_QUEUES + 1;
	reg_write(VIRTIO_MMIO_QUEUE_SEL, PROGRAM_QUEUES);
	reg_read(VIRTIO_MMIO_QUEUE_NUM_MAX, 77);
	assert_silent();
	largest(PROGRAM_QUEUES + 1, 0);
}

static void selectors_of_our_models_start_at_0(void **state)
{
	(void)state;
	assert_only(VIRTIO_MMIO_DEVICE_FEATURES, 1, RULE_STATUS_REGISTERS);
	reg_write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2);
	reg_write(VIRTIO_MMIO_QUEUE_SEL, 2);
	set_status(0);
	assert_only(VIRTIO_MMIO_DEVICE_FEATURES, 1, RULE_STATUS_REGISTERS);
	assert_only(VIRTIO_MMIO_QUEUE_NUM_MAX, 256, RULE_STATUS_REGISTERS);
}

/* A device may have more features than 64; ours have none there. */
static void of_features_behind_the_first_64_nothing_is_known(void **state)
{
	(void)state;
	for (unsigned ours = 0; ours < 2; ours++) {
		rig_new();
		rig_target.model = rig_target.transport = ours;
		set_status(VIRTIO_CONFIG_S_ACKNOWLEDGE);
		set_status(STATUS_DRIVER);
		reg_write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 2);
		reg_write(VIRTIO_MMIO_DRIVER_FEATURES, 0);
		assert_true(ledger.session.features_known);
		reg_write(VIRTIO_MMIO_DRIVER_FEATURES, 1);
		assert_int_equal(ledger.session.features_known, ours);
		set_status(0);
		assert_true(ledger.session.features_known);
	}
}

/* Bits 64 to 127 of a target that has some. */
static void high_features_are_judged_where_there_are_some(void **state)
{
	(void)state;
	rig_new();
	rig_target.model = rig_target.transport = false;
	rig_target.features_high = 1ULL << 6;
	rig_reset();
	ledger_offers_high(&ledger, 1ULL << 6);
	offered(2, 1u << 6);
	offered(3, 0);
	offered(4, 0);
	for (uint32_t bit = 6; bit < 8; bit++) {
		set_status(0);
		set_status(VIRTIO_CONFIG_S_ACKNOWLEDGE);
		set_status(STATUS_DRIVER);
		reg_write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 2);
		reg_write(VIRTIO_MMIO_DRIVER_FEATURES, 1u << bit);
		set_status(STATUS_FEATURES);
		if (bit == 6)
			assert_silent();
		else
			assert_breaks(RULE_STATUS_FEATURES);
	}
	ledger_offers_high(&ledger, 0);
}

static void selectors_of_others_are_known_once_written(void **state)
{
	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		reg_read(VIRTIO_MMIO_DEVICE_FEATURES, 0xdeadbeef);
		reg_read(VIRTIO_MMIO_QUEUE_NUM_MAX, 0xdeadbeef);
		assert_silent();
		offered(1, 0x12340058);
		largest(TX, 256);
		/* What a reset makes of them nobody knows. */
		set_status(0);
	}
}

static void each_selector_selects_its_own(void **state)
{
	(void)state;
	reg_write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	reg_read(VIRTIO_MMIO_DEVICE_FEATURES, 0xdeadbeef);
	reg_read(VIRTIO_MMIO_QUEUE_NUM_MAX, 0xdeadbeef);
	reg_write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	reg_read(VIRTIO_MMIO_QUEUE_NUM_MAX, 0xdeadbeef);
	assert_silent();
	offered(0, 0x90abcdef);
}

/* In a width or at a place that VIRTIO does not know. */
static void an_odd_write_loses_others_until_reset(void **state)
{
	(void)state;
	reg_write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	ledger_access_begin(&ledger, true, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2, 1);
	ledger_access_end(&ledger, true, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2, 1, &shown);
	reg_read(VIRTIO_MMIO_DEVICE_FEATURES, 0xdeadbeef);
	reg_read(VIRTIO_MMIO_DEVICE_ID, 0xdeadbeef);
	assert_silent();
	set_status(0);
	offered(0, 0x90abcdef);
}

static void an_odd_write_is_nothing_to_our_models(void **state)
{
	(void)state;
	reg_write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	ledger_access_begin(&ledger, true, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2, 0);
	ledger_access_end(&ledger, true, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2, 0, &shown);
	assert_only(VIRTIO_MMIO_DEVICE_FEATURES, 1, RULE_STATUS_REGISTERS);
}

static void an_odd_read_is_not_judged(void **state)
{
	(void)state;
	ledger_access_begin(&ledger, false, VIRTIO_MMIO_DEVICE_ID, 2, 0);
	ledger_access_end(&ledger, false, VIRTIO_MMIO_DEVICE_ID, 2, 0xffff, &shown);
	ledger_access_begin(&ledger, false, VIRTIO_MMIO_DEVICE_ID + 2, 4, 0);
	ledger_access_end(&ledger, false, VIRTIO_MMIO_DEVICE_ID + 2, 4, 0xffffffff, &shown);
	assert_silent();
}

static void what_a_driver_writes_does_not_move_the_generation(void **state)
{
	(void)state;
	assert_only(VIRTIO_MMIO_CONFIG_GENERATION, 0, RULE_STATUS_GENERATION);
	reg_write(VIRTIO_MMIO_CONFIG, 0xffffffff);
	serve(0);
	set_status(0);
	assert_only(VIRTIO_MMIO_CONFIG_GENERATION, 0, RULE_STATUS_GENERATION);
}

static void the_generation_stays_where_it_moved_to(void **state)
{
	(void)state;
	ledger.device.generation = shown.generation = 0xfffffffe;
	for (int i = 0; i < 3; i++) {
		work();
		raise_interrupt(VIRTIO_MMIO_INT_CONFIG);
		shown.generation++;
		end_silent();
		assert_only(VIRTIO_MMIO_CONFIG_GENERATION, shown.generation,
			    RULE_STATUS_GENERATION);
	}
	assert_int_equal(shown.generation, 1);
	set_status(0);
	assert_only(VIRTIO_MMIO_CONFIG_GENERATION, 1, RULE_STATUS_GENERATION);
}

static void what_lies_past_the_configuration_reads_zero(void **state)
{
	const uint64_t end = VIRTIO_MMIO_CONFIG + RIG_CONFIG_LEN;

	(void)state;
	reg_read(end - 4, 0xffffffff);
	reg_read(end - 1, 0xff);
	reg_read(end, 0);
	reg_read(0xffc, 0);
	assert_silent();
	assert_only(end, 0, RULE_STATUS_CONFIG);
	assert_only(0xffc, 0, RULE_STATUS_CONFIG);
	reg_read(end - 1, 0x155);
	assert_breaks(RULE_STATUS_CONFIG);
}

static void a_width_that_is_none_reads_no_configuration(void **state)
{
	(void)state;
	for (uint32_t width = 3; width < 8; width += width == 3 ? 2 : 1) {
		ledger_access_begin(&ledger, false, 0xe00, width, 0);
		ledger_access_end(&ledger, false, 0xe00, width, 0xffffff, &shown);
	}
	assert_silent();
}

/* Region 5 is there, and none whose number ends like that. */
static void shared_memory_is_where_it_is_or_all_ones(void **state)
{
	static const struct target_region regions[] = { { 5, 0x123456789000, 0x280000000 } };

	(void)state;
	rig_target.region_count = 1;
	rig_target.regions = regions;
	reg_read(VIRTIO_MMIO_SHM_LEN_LOW, 0xffffffff);
	reg_write(VIRTIO_MMIO_SHM_SEL, 5);
	reg_read(VIRTIO_MMIO_SHM_LEN_LOW, 0x80000000);
	reg_read(VIRTIO_MMIO_SHM_LEN_HIGH, 2);
	reg_read(VIRTIO_MMIO_SHM_BASE_LOW, 0x56789000);
	assert_only(VIRTIO_MMIO_SHM_BASE_HIGH, 0x1234, RULE_STATUS_REGISTERS);
}

static void shared_memory_that_is_absent(void **state)
{
	(void)state;
	reg_write(VIRTIO_MMIO_SHM_SEL, 0x105);
	reg_read(VIRTIO_MMIO_SHM_LEN_HIGH, 0xffffffff);
	assert_only(VIRTIO_MMIO_SHM_BASE_LOW, 0xffffffff, RULE_STATUS_REGISTERS);
}

static void shared_memory_over_a_reset(void **state)
{
	static const struct target_region regions[] = { { 5, 0x1000, 0x2000 } };

	(void)state;
	rig_target.region_count = 1;
	rig_target.regions = regions;
	reg_write(VIRTIO_MMIO_SHM_SEL, 5);
	set_status(0);
	assert_only(VIRTIO_MMIO_SHM_BASE_LOW, 0xffffffff, RULE_STATUS_REGISTERS);
}

static void past_the_configuration_others_do_as_they_like(void **state)
{
	(void)state;
	reg_read(VIRTIO_MMIO_CONFIG + RIG_CONFIG_LEN, 0xffffffff);
	assert_silent();
}

static void the_generation_of_others_is_their_own(void **state)
{
	(void)state;
	reg_read(VIRTIO_MMIO_CONFIG_GENERATION, 5);
	reg_write(VIRTIO_MMIO_CONFIG, 1);
	reg_read(VIRTIO_MMIO_CONFIG_GENERATION, 6);
	assert_silent();
}

/* Another's device of that type, which offers these features, and accepted them. */
static void other_of(uint32_t id, uint64_t features, uint64_t offered, bool accepted)
{
	rig_new();
	rig_target.model = false;
	rig_target.device_id = id;
	rig_target.features = features | 1ULL << VIRTIO_F_VERSION_1;
	rig_reset();
	ledger.offered = offered | 1ULL << VIRTIO_F_VERSION_1;
	reg_write(VIRTIO_MMIO_QUEUE_SEL, TX);
	if (!accepted)
		return;
	set_status(VIRTIO_CONFIG_S_ACKNOWLEDGE);
	set_status(STATUS_DRIVER);
	reg_write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	reg_write(VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)offered);
	set_status(STATUS_FEATURES);
}

/* QueueNumMax of queue 1 may be 0, or what it is; and nothing else. */
static void assert_may_be_absent(bool may)
{
	reg_read(VIRTIO_MMIO_QUEUE_NUM_MAX, 256);
	assert_silent();
	reg_read(VIRTIO_MMIO_QUEUE_NUM_MAX, 0);
	if (may)
		assert_silent();
	else
		assert_breaks(RULE_STATUS_REGISTERS);
	ledger.finding_count = 0;
	ledger.stop = false;
	reg_read(VIRTIO_MMIO_QUEUE_NUM_MAX, 16);
	assert_breaks(RULE_STATUS_REGISTERS);
}

#define MQ (1ULL << VIRTIO_BLK_F_MQ)

static void a_queue_that_a_feature_brings_may_be_absent_without_it(void **state)
{
	(void)state;
	other_of(VIRTIO_ID_BLOCK, MQ, MQ, false);
	assert_may_be_absent(true);
	other_of(VIRTIO_ID_BLOCK, MQ, 0, false);
	assert_may_be_absent(true);
	other_of(VIRTIO_ID_BLOCK, MQ, 0, true);
	assert_may_be_absent(true);
}

static void a_queue_that_a_feature_brings_is_there_with_it(void **state)
{
	(void)state;
	other_of(VIRTIO_ID_BLOCK, MQ, MQ, true);
	assert_may_be_absent(false);
}

static void a_queue_that_no_feature_brings_is_there(void **state)
{
	(void)state;
	other_of(VIRTIO_ID_NET, MQ, 0, false);
	assert_may_be_absent(false);
	other_of(VIRTIO_ID_BLOCK, 0, 0, false);
	assert_may_be_absent(false);
}

static void a_type_that_is_not_known_may_have_such_queues(void **state)
{
	(void)state;
	other_of(63, 1, 0, true);
	assert_may_be_absent(true);
	other_of(63, 1, 1, true);
	assert_may_be_absent(false);
	other_of(63, 0, 0, true);
	assert_may_be_absent(false);
}

static void shared_memory_of_others(void **state)
{
	(void)state;
	other_of(VIRTIO_ID_BLOCK, 0, 0, false);
	assert_only(VIRTIO_MMIO_SHM_LEN_LOW, 0xffffffff, RULE_STATUS_REGISTERS);
	assert_only(VIRTIO_MMIO_SHM_BASE_HIGH, 0xffffffff, RULE_STATUS_REGISTERS);
	/* Of a type that may have some nothing is known. */
	other_of(VIRTIO_ID_FS, 0, 0, false);
	reg_read(VIRTIO_MMIO_SHM_LEN_LOW, 4096);
	reg_read(VIRTIO_MMIO_SHM_BASE_LOW, 4096);
	assert_silent();
}

static void what_is_used_of_an_unknown_queue_is_not_seen(void **state)
{
	(void)state;
	rig_new();
	rig_target.level_line = true;
	rig_unknown(TX, UNKNOWN_SIZE);
	work();
	shown.interrupt_status = VIRTIO_MMIO_INT_VRING;
	end_silent();
}

/* What InterruptStatus shows after a write that does nothing. */
static void shows(uint32_t bits)
{
	shown.interrupt_status = bits;
	set_status(STATUS_LIVE);
}

static void bits_of_no_event_are_zero(void **state)
{
	(void)state;
	rig_target.model = false;
	rig_live(8);
	shows(0);
	assert_silent();
	shows(4);
	assert_breaks(RULE_STATUS_INTERRUPT);
}

static void bits_of_no_event_that_were_raised_are_zero(void **state)
{
	(void)state;
	rig_target.model = false;
	rig_live(8);
	call(VIRTIO_MMIO_STATUS, STATUS_LIVE);
	raise_interrupt(0x80000000u | VIRTIO_MMIO_INT_CONFIG);
	shown.interrupt_status = VIRTIO_MMIO_INT_CONFIG;
	done();
	assert_silent();
	shows(0x80000000u | VIRTIO_MMIO_INT_CONFIG);
	assert_breaks(RULE_STATUS_INTERRUPT);
}

/* The line is raised in a later call. */
static void a_change_is_shown_before_it_is_raised(void **state)
{
	(void)state;
	rig_target.model = false;
	rig_live(8);
	shows(VIRTIO_MMIO_INT_CONFIG);
	rest(DEVICE_WORK);
	work();
	raise_interrupt(VIRTIO_MMIO_INT_CONFIG);
	done();
	rest(DEVICE_IDLE);
	assert_silent();
}

static void a_change_is_shown_and_never_raised(void **state)
{
	(void)state;
	rig_target.model = false;
	rig_live(8);
	shows(VIRTIO_MMIO_INT_CONFIG);
	rest(DEVICE_WORK);
	assert_silent();
	rest(DEVICE_IDLE);
	assert_breaks(RULE_STATUS_INTERRUPT);
}

static void a_line_that_is_up_is_not_raised(void **state)
{
	(void)state;
	rig_target.model = false;
	rig_target.level_line = true;
	rig_live(8);
	shows(VIRTIO_MMIO_INT_CONFIG);
	rest(DEVICE_IDLE);
	assert_silent();
}

static void a_used_buffer_is_shown_before_it_is_raised(void **state)
{
	(void)state;
	rig_target.model = false;
	rig_live(8);
	notify();
	avail_idx(1);
	take(0, 0, 16, 0);
	return_chain(0, 0, 0, 0);
	shown.interrupt_status = VIRTIO_MMIO_INT_VRING;
	done();
	rest(DEVICE_WORK);
	assert_silent();
	/* Acknowledged, and there again without another. */
	reg_write(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	assert_breaks(RULE_STATUS_INTERRUPT);
}

#define TEST(name) cmocka_unit_test_setup(name, rig_setup)
#define OTHER_TEST(name) cmocka_unit_test_setup(name, setup_other)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_device_id_is_the_target_s),
		OTHER_TEST(the_offer_is_of_two_pages),
		TEST(the_offer_is_what_the_host_left_of_it),
		TEST(a_queue_is_as_large_as_the_host_made_it),
		TEST(a_queue_that_there_is_not_has_no_size),
		OTHER_TEST(queues_beyond_what_is_kept_are_not_judged),
		TEST(selectors_of_our_models_start_at_0),
		TEST(high_features_are_judged_where_there_are_some),
		TEST(of_features_behind_the_first_64_nothing_is_known),
		OTHER_TEST(selectors_of_others_are_known_once_written),
		OTHER_TEST(each_selector_selects_its_own),
		OTHER_TEST(an_odd_write_loses_others_until_reset),
		TEST(an_odd_write_is_nothing_to_our_models),
		TEST(an_odd_read_is_not_judged),
		TEST(what_a_driver_writes_does_not_move_the_generation),
		TEST(what_lies_past_the_configuration_reads_zero),
		TEST(a_width_that_is_none_reads_no_configuration),
		TEST(shared_memory_is_where_it_is_or_all_ones),
		TEST(shared_memory_that_is_absent),
		TEST(shared_memory_over_a_reset),
		TEST(the_generation_stays_where_it_moved_to),
		OTHER_TEST(past_the_configuration_others_do_as_they_like),
		OTHER_TEST(the_generation_of_others_is_their_own),
		TEST(a_queue_that_a_feature_brings_may_be_absent_without_it),
		TEST(a_queue_that_a_feature_brings_is_there_with_it),
		TEST(a_queue_that_no_feature_brings_is_there),
		TEST(a_type_that_is_not_known_may_have_such_queues),
		TEST(shared_memory_of_others),
		TEST(what_is_used_of_an_unknown_queue_is_not_seen),
		TEST(bits_of_no_event_are_zero),
		TEST(bits_of_no_event_that_were_raised_are_zero),
		TEST(a_change_is_shown_before_it_is_raised),
		TEST(a_change_is_shown_and_never_raised),
		TEST(a_line_that_is_up_is_not_raised),
		TEST(a_used_buffer_is_shown_before_it_is_raised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
