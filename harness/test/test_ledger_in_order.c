/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What comes back in order, one by one and in batches.  VIRTIO 1.4, 2.7.9 and 6.2.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "devices/virtio_1_4.h"
#include "ledger_rig.h"

/* Another's device, which holds `count` chains of readable buffers; their heads are their
 * places. */
static void hold(uint16_t count)
{
	rig_target.model = false;
	negotiate(VIRTIO_F_IN_ORDER);
	notify();
	avail_idx(count);
	for (uint16_t i = 0; i < count; i++)
		take(i, i, 16, 0);
}

static void one_by_one(void **state)
{
	(void)state;
	hold(3);
	for (uint16_t i = 0; i < 3; i++)
		return_chain(i, i, i, 0);
	wake();
	end_silent();
	assert_int_equal(ledger.queues[TX].hold_count, 0);
}

static void one_entry_for_all(void **state)
{
	(void)state;
	hold(5);
	used_entry(0, 4, 4, 0);
	used_idx(5);
	wake();
	end_silent();
	assert_int_equal(ledger.queues[TX].hold_count, 0);
	assert_int_equal(ledger.device.completions, 5);
}

/* Two batches and a chain, shown by one move of the index. */
static void several_batches_at_once(void **state)
{
	(void)state;
	hold(6);
	used_entry(5, 5, 5, 0);
	used_entry(2, 4, 4, 0);
	used_entry(0, 1, 1, 0);
	used_idx(6);
	wake();
	end_silent();
	assert_int_equal(ledger.queues[TX].hold_count, 0);
}

/* An entry that was written for one chain, and anew for more; what was written behind it counts
 * for nothing. */
static void a_batch_that_grew(void **state)
{
	(void)state;
	hold(3);
	used_entry(0, 0, 0, 0);
	used_entry(1, 1, 1, 0);
	used_entry(0, 2, 2, 0);
	used_idx(3);
	wake();
	end_silent();
	assert_int_equal(ledger.queues[TX].hold_count, 0);
}

static void a_batch_under_the_id_of_its_first(void **state)
{
	(void)state;
	hold(3);
	used_entry(0, 0, 0, 0);
	used_idx(3);
	assert_breaks(RULE_COMPLETION_BATCH);
}

static void an_index_that_stops_in_a_batch(void **state)
{
	(void)state;
	hold(3);
	used_entry(0, 2, 2, 0);
	used_idx(2);
	assert_breaks(RULE_ORDER_RETURNS);
}

static void an_index_that_goes_past_a_batch(void **state)
{
	(void)state;
	hold(4);
	used_entry(0, 1, 1, 0);
	used_idx(3);
	assert_breaks(RULE_COMPLETION_BATCH);
}

static void the_last_first(void **state)
{
	(void)state;
	hold(2);
	return_chain(0, 1, 1, 0);
	assert_breaks(RULE_ORDER_RETURNS);
}

static void a_batch_of_an_id_that_is_not_held(void **state)
{
	(void)state;
	hold(2);
	used_entry(0, 1, 7, 0);
	used_idx(1);
	assert_breaks(RULE_COMPLETION_NOT_HELD);
}

/* An available entry that was not read: its chain was not taken. */
static void a_batch_with_a_chain_that_was_not_taken(void **state)
{
	(void)state;
	rig_target.model = false;
	negotiate(VIRTIO_F_IN_ORDER);
	notify();
	avail_idx(3);
	take(0, 0, 16, 0);
	take(2, 2, 16, 0);
	used_entry(0, 2, 2, 0);
	used_idx(3);
	assert_breaks(RULE_COMPLETION_BATCH);
}

/* It came back in a batch, and comes back once more. */
static void what_was_skipped_comes_late(void **state)
{
	(void)state;
	hold(3);
	used_entry(0, 1, 1, 0);
	used_idx(2);
	assert_silent();
	used_entry(2, 0, 0, 0);
	used_idx(3);
	assert_breaks(RULE_ORDER_RETURNS);
}

/* One head twice: the entry may be about either. */
static void one_head_twice(void **state)
{
	(void)state;
	for (unsigned both = 0; both < 2; both++) {
		rig_setup(state);
		rig_target.model = false;
		negotiate(VIRTIO_F_IN_ORDER);
		notify();
		avail_idx(3);
		take(0, 0, 16, 0);
		take(1, 1, 16, 0);
		take(2, 0, 16, 0);
		used_entry(0, 0, 0, 0);
		used_idx(both ? 3 : 1);
		assert_silent();
		assert_int_equal(ledger.queues[TX].hold_count, both ? 0 : 2);
	}
}

/* Of a chain whose completion could not be written another's device may go either way. */
static void a_loss_may_be_left_out_or_taken_in(void **state)
{
	(void)state;
	for (unsigned in = 0; in < 2; in++) {
		rig_setup(state);
		hold(3);
		access_error = -1;
		used_entry(0, 0, 0, 0);
		access_error = 0;
		used_entry(0, 2, 2, 0);
		used_idx(in ? 3 : 2);
		assert_silent();
	}
}

/* ... of ours nothing may come behind it. */
static void a_loss_of_a_model_ends_the_order(void **state)
{
	(void)state;
	hold(2);
	rig_target.model = true;
	access_error = -1;
	used_entry(0, 0, 0, 0);
	access_error = 0;
	used_entry(0, 1, 1, 0);
	used_idx(1);
	assert_breaks(RULE_ORDER_RETURNS);
}

/* ... and it takes nothing more: what it would return it could not. */
static void a_model_looks_no_more_behind_a_loss(void **state)
{
	for (unsigned model = 0; model < 2; model++) {
		rig_setup(state);
		hold(2);
		rig_target.model = model;
		access_error = -1;
		used_entry(0, 0, 0, 0);
		access_error = 0;
		avail_flags(0);
		assert_silent();
		avail_idx(2);
		if (model)
			assert_breaks(RULE_MEMORY_POISONED);
		else
			assert_silent();
	}
}

/* What the device could not read to the end, or not reach, nobody can use whole. */
static void a_chain_that_goes_on_is_skipped(void **state)
{
	(void)state;
	rig_target.model = false;
	negotiate(VIRTIO_F_IN_ORDER);
	notify();
	avail_idx(2);
	avail_entry(0, 0);
	desc(0, 0, BUFFER, 16, F_WRITE | F_NEXT, 77);
	take(1, 1, 16, 0);
	used_entry(0, 1, 1, 0);
	used_idx(2);
	assert_silent();
}

static void the_event_in_a_batch(void **state)
{
	(void)state;
	negotiate(VIRTIO_RING_F_EVENT_IDX);
	hold(4);
	used_entry(0, 3, 3, 0);
	used_idx(4);
	used_event(1);
	done();
	rest(DEVICE_IDLE);
	assert_breaks(RULE_WAKEUP_MISSING);
}

#define TEST(name) cmocka_unit_test_setup(name, rig_setup)

/* Two chains of one of our own models, each with an entry of its own, one behind the other. */
static void return_each(unsigned first, bool asks)
{
	rig_target.model = true;
	negotiate(VIRTIO_F_IN_ORDER);
	notify();
	avail_idx(2);
	take(0, 0, 16, first);
	take(1, 1, 16, 0);
	return_chain(0, 0, 0, 0);
	if (asks)
		wake();
	return_chain(1, 1, 1, 0);
}

static void our_models_skip_what_they_can(void **state)
{
	(void)state;
	return_each(0, false);
	assert_breaks(RULE_COMPLETION_BATCH);
}

static void they_return_by_itself_what_is_to_be_written(void **state)
{
	(void)state;
	return_each(F_WRITE, false);
	wake();
	end_silent();
}

static void what_they_told_of_is_told(void **state)
{
	(void)state;
	return_each(0, true);
	wake();
	end_silent();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_by_one),
		TEST(one_entry_for_all),
		TEST(several_batches_at_once),
		TEST(a_batch_that_grew),
		TEST(a_batch_under_the_id_of_its_first),
		TEST(an_index_that_stops_in_a_batch),
		TEST(an_index_that_goes_past_a_batch),
		TEST(the_last_first),
		TEST(a_batch_of_an_id_that_is_not_held),
		TEST(a_batch_with_a_chain_that_was_not_taken),
		TEST(what_was_skipped_comes_late),
		TEST(one_head_twice),
		TEST(a_loss_may_be_left_out_or_taken_in),
		TEST(a_loss_of_a_model_ends_the_order),
		TEST(a_model_looks_no_more_behind_a_loss),
		TEST(a_chain_that_goes_on_is_skipped),
		TEST(the_event_in_a_batch),
		TEST(our_models_skip_what_they_can),
		TEST(they_return_by_itself_what_is_to_be_written),
		TEST(what_they_told_of_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
