/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What a device may do in one call where it holds chains of earlier ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger_rig.h"

static int setup_holding(void **state)
{
	rig_setup(state);
	rig_target.holds = true;
	return 0;
}

/* Of a call: 64 of its own, 16 for a chain, 8 for a descriptor. */
static void look(uint16_t index, unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		avail_idx(index);
}

/* So many chains from that position on, taken and returned. */
static void serve_here(uint16_t from, uint16_t count)
{
	for (uint16_t i = from; i < from + count; i++) {
		avail_idx((uint16_t)(i + 1));
		take(i, i % 8, 16, 0);
		return_chain(i, i, i % 8, 0);
		wake();
	}
}

static void hold_one(uint32_t len)
{
	notify();
	avail_idx(1);
	take(0, 0, len, 0);
	end_silent();
}

static void a_chain_that_is_held_counts_in_later_calls(void **state)
{
	for (unsigned more = 0; more < 2; more++) {
		setup_holding(state);
		hold_one(16);
		for (int i = 0; i < 3; i++) {
			notify();
			look(1, 64 + 16 + 8);
			end_silent();
		}
		notify();
		look(1, 64 + 16 + 8 + more);
		done();
		if (more == 0)
			assert_silent();
		else
			assert_breaks(RULE_WORK_ACCESSES);
	}
}

static void it_counts_once_in_the_call_that_took_it(void **state)
{
	(void)state;
	notify();
	avail_idx(1);
	take(0, 0, 16, 0);
	look(1, 64 + 16 + 8 - 3);
	end_silent();
	setup_holding(state);
	notify();
	avail_idx(1);
	take(0, 0, 16, 0);
	look(1, 64 + 16 + 8 - 2);
	done();
	assert_breaks(RULE_WORK_ACCESSES);
}

static void every_descriptor_of_it_counts(void **state)
{
	for (unsigned more = 0; more < 2; more++) {
		setup_holding(state);
		notify();
		avail_idx(2);
		avail_entry(0, 0);
		desc(0, 0, BUFFER, 16, F_NEXT, 1);
		desc(0, 1, BUFFER, 16, 0, 0);
		take(1, 2, 16, 0);
		end_silent();
		notify();
		look(2, 64 + 2 * 16 + 3 * 8 + more);
		done();
		if (more == 0)
			assert_silent();
		else
			assert_breaks(RULE_WORK_ACCESSES);
	}
}

static void a_chain_that_was_returned_counts_no_more(void **state)
{
	(void)state;
	hold_one(16);
	notify();
	avail_idx(1);
	return_chain(0, 0, 0, 0);
	wake();
	end_silent();
	notify();
	look(1, 64);
	end_silent();
	notify();
	look(1, 65);
	done();
	assert_breaks(RULE_WORK_ACCESSES);
}

/* A queue that was stopped, and a reset. */
static void a_chain_that_was_forgotten_counts_no_more(void **state)
{
	(void)state;
	hold_one(16);
	on = RX;
	hold_one(16);
	reg_write(VIRTIO_MMIO_QUEUE_SEL, TX);
	shown.ready = 0;
	reg_write(VIRTIO_MMIO_QUEUE_READY, 0);
	assert_int_equal(ledger.device.held_accesses_max, 16 + 8);
	set_status(0);
	assert_int_equal(ledger.device.held_accesses_max, 0);
	assert_int_equal(ledger.device.held_bytes_max, 0);
	assert_silent();
}

static void bytes_of_a_chain_that_is_held_may_move_later(void **state)
{
	for (unsigned more = 0; more < 2; more++) {
		setup_holding(state);
		hold_one(20000);
		notify();
		payload_read(0, BUFFER, 20000);
		payload_read(0, BUFFER, 20000);
		payload_read(0, BUFFER, 4096 + 64 + 64 + more);
		done();
		if (more == 0)
			assert_silent();
		else
			assert_breaks(RULE_WORK_BYTES);
	}
}

/* A queue that the device initiates is taken from for what came in elsewhere too. */
static void chains_of_one_queue_may_be_answered_on_the_other(void **state)
{
	for (uint16_t more = 0; more < 2; more++) {
		rig_setup(state);
		on = TX;
		notify();
		avail_idx(2);
		serve_here(0, 2);
		on = RX;
		serve_here(0, (uint16_t)(8 + 2 + more));
		done();
		if (more == 0)
			assert_silent();
		else
			assert_breaks(RULE_WORK_CHAINS);
	}
}

static void a_call_counts_its_own_chains_alone(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < 24; i += 8) {
		if (i == 0)
			notify();
		else
			work();
		serve_here(i, 8);
		done();
		rest(DEVICE_WORK);
	}
	assert_silent();
}

static void a_chain_that_is_taken_again_is_no_other(void **state)
{
	(void)state;
	rig_new();
	rig_target.model = false;
	rig_live(8);
	notify();
	avail_idx(1);
	for (int i = 0; i < 20; i++)
		take(0, 0, 16, 0);
	return_chain(0, 0, 0, 0);
	wake();
	end_silent();
}

/* What a reset takes over is taken in one call as well. */
static void a_reset_counts_too(void **state)
{
	for (uint16_t more = 0; more < 2; more++) {
		rig_setup(state);
		call(VIRTIO_MMIO_STATUS, 0);
		for (uint16_t i = 0; i < 8 + more; i++) {
			avail_idx((uint16_t)(i + 1));
			take(i, i % 8, 16, 0);
		}
		shown.status = 0;
		done();
		if (more == 0)
			assert_silent();
		else
			assert_breaks(RULE_WORK_CHAINS);
	}
}

/* 2 of a call, 3 for a chain. */
static void chains_that_are_held_pay_for_calls_behind_the_device(void **state)
{
	for (unsigned more = 0; more < 2; more++) {
		setup_holding(state);
		hold_one(16);
		work();
		for (unsigned i = 0; i < 2 + 3 + more; i++)
			ledger_backend(&ledger);
		done();
		if (more == 0)
			assert_silent();
		else
			assert_breaks(RULE_WORK_BACKEND);
	}
}

static void without_a_chain_it_is_a_constant(void **state)
{
	(void)state;
	for (int calls = 0; calls < 3; calls++) {
		work();
		ledger_backend(&ledger);
		ledger_backend(&ledger);
		end_silent();
	}
	work();
	for (int i = 0; i < 3; i++)
		ledger_backend(&ledger);
	done();
	assert_breaks(RULE_WORK_BACKEND);
}

static void calls_behind_the_device_without_end_are_a_hang(void **state)
{
	(void)state;
	notify();
	for (uint32_t i = 1; i < LEDGER_ACCESSES_MAX; i++)
		ledger_backend(&ledger);
	assert_int_equal(ledger.finding_count, 0);
	ledger_backend(&ledger);
	assert_int_equal(ledger.finding_count, 1);
	assert_int_equal(ledger.findings[0].kind, FINDING_HANG);
}

/* Four walks over the eight entries of the queue allow 64 bytes for each, beside the 4096 of
 * any call and the 64 of the chain; a descriptor that is read in a loop after that allows
 * nothing. */
static void a_loop_of_descriptors_ends(void **state)
{
	const uint32_t due = 4096 + 64 + 4 * 8 * 64, entries = 2 + 2;

	for (uint32_t more = 0; more < 2; more++) {
		rig_setup(state);
		rig_target.model = false;
		rig_live(8);
		notify();
		avail_idx(1);
		avail_entry(0, 0);
		for (uint32_t i = 0; i < (due - entries) / 16 + more; i++)
			desc(0, 0, BUFFER, 0, F_NEXT, 0);
		done();
		if (more == 0)
			assert_silent();
		else
			assert_breaks(RULE_WORK_BYTES);
	}
}

/* The one block that a model keeps, and another in its place. */
static void a_block_that_is_kept_is_replaced_by_a_larger_one(void **state)
{
	enum { AS_LARGE, LARGER, NOTHING, FIRST, OF_TWO, OTHERS, WAYS };

	for (unsigned way = AS_LARGE; way < WAYS; way++) {
		rig_setup(state);
		rig_target.blocks_kept = way == OF_TWO ? 2 : 1;
		rig_target.model = way != OTHERS;
		ledger.device.heap_base = 1;
		rig_heap.live_blocks = way == FIRST ? 1 : 2;
		rig_heap.peak_blocks = 2;
		rig_heap.live_bytes = 100;
		notify();
		rig_heap.live_blocks = 2;
		rig_heap.call_bytes = way == NOTHING ? 0 : 50;
		rig_heap.live_bytes += way == LARGER;
		avail_idx(0);
		done();
		if (way == AS_LARGE)
			assert_breaks(RULE_WORK_STEADY);
		else
			assert_silent();
	}
}

#define TEST(name) cmocka_unit_test_setup(name, setup_holding)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_chain_that_is_held_counts_in_later_calls),
		TEST(it_counts_once_in_the_call_that_took_it),
		TEST(every_descriptor_of_it_counts),
		TEST(a_chain_that_was_returned_counts_no_more),
		TEST(a_chain_that_was_forgotten_counts_no_more),
		TEST(bytes_of_a_chain_that_is_held_may_move_later),
		TEST(chains_of_one_queue_may_be_answered_on_the_other),
		TEST(a_call_counts_its_own_chains_alone),
		TEST(a_reset_counts_too),
		TEST(a_chain_that_is_taken_again_is_no_other),
		TEST(chains_that_are_held_pay_for_calls_behind_the_device),
		TEST(without_a_chain_it_is_a_constant),
		TEST(a_loop_of_descriptors_ends),
		TEST(calls_behind_the_device_without_end_are_a_hang),
		TEST(a_block_that_is_kept_is_replaced_by_a_larger_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
