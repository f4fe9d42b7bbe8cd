/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Rings and chains as no driver writes them, and a device that copes: the
 * ledger must be silent, under every severity and with every rule.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger_rig.h"

static void the_same_head_twice_is_two_chains(void **state)
{
	(void)state;
	notify();
	avail_idx(2);
	take(0, 0, 16, 0);
	take(1, 0, 16, 0);
	return_chain(0, 0, 0, 0);
	return_chain(1, 1, 0, 0);
	wake();
	end_silent();
	notify();
	return_chain(2, 1, 0, 0);
	assert_breaks(RULE_COMPLETION_NOT_HELD);
}

static void chains_come_back_in_any_order_and_at_once(void **state)
{
	(void)state;
	notify();
	avail_idx(8);
	for (uint16_t i = 0; i < 8; i++)
		take(i, i, 16, F_WRITE);
	for (uint16_t i = 0; i < 8; i++) {
		payload_write((uint16_t)(7 - i), BUFFER, (uint32_t)i + 1);
		used_entry(i, (uint16_t)(7 - i), 7u - i, (uint32_t)i + 1);
	}
	used_idx(8);
	wake();
	end_silent();
	assert_int_equal(ledger.device.completions, 8);
}

static void buffers_of_a_chain_lie_over_each_other(void **state)
{
	(void)state;
	notify();
	avail_idx(1);
	avail_entry(0, 0);
	desc(0, 0, BUFFER, 16, F_WRITE | F_NEXT, 1);
	desc(0, 1, BUFFER + 8, 16, F_WRITE | F_NEXT, 2);
	desc(0, 2, BUFFER, 0, F_WRITE | F_NEXT, 3);
	desc(0, 3, BUFFER + 8, 16, F_WRITE, 0);
	payload_write(0, BUFFER, 16);
	payload_write(0, BUFFER + 8, 16);
	payload_write(0, BUFFER + 8, 16);
	return_chain(0, 0, 0, 48);
	wake();
	end_silent();
}

static void bytes_written_out_of_order_count(void **state)
{
	(void)state;
	notify();
	avail_idx(1);
	take(0, 0, 64, F_WRITE);
	payload_write(0, BUFFER + 40, 24);
	payload_write(0, BUFFER, 8);
	payload_write(0, BUFFER + 16, 24);
	payload_write(0, BUFFER + 8, 8);
	return_chain(0, 0, 0, 64);
	wake();
	end_silent();
	/* The gap closed last, between ranges that were known in either order. */
	for (uint32_t first = 0; first < 2; first++) {
		rig_live(8);
		notify();
		avail_idx(1);
		take(0, 0, 64, F_WRITE);
		payload_write(0, BUFFER + (first == 0 ? 0 : 16), first == 0 ? 8 : 48);
		payload_write(0, BUFFER + (first == 0 ? 16 : 0), first == 0 ? 48 : 8);
		payload_write(0, BUFFER + 8, 8);
		return_chain(0, 0, 0, 64);
		wake();
		end_silent();
	}
}

static void a_chain_of_nothing_returns_length_zero(void **state)
{
	(void)state;
	notify();
	avail_idx(1);
	avail_entry(0, 0);
	for (uint16_t i = 0; i < 7; i++)
		desc(0, i, UINT64_MAX, 0, F_WRITE | F_NEXT, (uint16_t)(i + 1));
	desc(0, 7, 0, 0, 0, 0);
	payload_write(0, UINT64_MAX, 0);
	payload_read(0, 0, 0);
	return_chain(0, 0, 0, 0);
	wake();
	end_silent();
}

static void a_buffer_ends_with_the_address_space(void **state)
{
	(void)state;
	notify();
	avail_idx(1);
	avail_entry(0, 0);
	desc(0, 0, 0 - 16ULL, 16, F_WRITE, 0);
	payload_write(0, 0 - 16ULL, 8);
	payload_write(0, 0 - 8ULL, 8);
	return_chain(0, 0, 0, 16);
	wake();
	end_silent();
}

static void the_first_byte_past_the_top_is_not_the_buffer_s(void **state)
{
	(void)state;
	notify();
	avail_idx(1);
	avail_entry(0, 0);
	desc(0, 0, 0 - 16ULL, 32, F_WRITE, 0);
	payload_write(0, 0, 8);
	assert_breaks(RULE_MEMORY_WRITE);
}

static void a_walk_ends_after_as_many_descriptors_as_the_queue_has(void **state)
{
	(void)state;
	for (int more = 0; more < 2; more++) {
		rig_live(8);
		notify();
		avail_idx(1);
		avail_entry(0, 0);
		for (int i = 0; i < 8 + more; i++)
			desc(0, (uint16_t)(i % 8), BUFFER, 16, F_NEXT, (uint16_t)((i + 1) % 8));
		if (more != 0) {
			assert_breaks(RULE_FETCH_WALK);
			break;
		}
		return_chain(0, 0, 0, 0);
		wake();
		end_silent();
	}
}

static void a_used_entry_is_rewritten_before_the_index_moves(void **state)
{
	(void)state;
	notify();
	avail_idx(1);
	take(0, 0, 16, F_WRITE);
	used_entry(0, 0, 0, 16);
	used_entry(0, 0, 0, 0);
	used_idx(1);
	wake();
	end_silent();
}

static void a_device_looks_at_what_it_wrote(void **state)
{
	(void)state;
	notify();
	avail_idx(1);
	take(0, 0, 16, 0);
	used_entry(0, 0, 0, 0);
	access_ring(GUEST_USED_ENTRY, false, USED_AT(TX) + 4, 8);
	used_idx(1);
	access_ring(GUEST_USED_IDX, false, USED_AT(TX) + 2, 2);
	wake();
	end_silent();
	serve(1);
	assert_silent();
}

static void a_used_entry_that_cannot_be_written_is_lost(void **state)
{
	(void)state;
	notify();
	avail_idx(1);
	take(0, 0, 16, 0);
	access_error = -EFAULT;
	used_entry(0, 0, 0, 0);
	access_error = 0;
	end_silent();
	/* It stays lost when the device rests for the next time. */
	notify();
	avail_idx(2);
	take(1, 1, 16, 0);
	return_chain(0, 1, 1, 0);
	wake();
	end_silent();
}

static void a_used_index_that_cannot_be_written_did_not_move(void **state)
{
	(void)state;
	notify();
	avail_idx(1);
	take(0, 0, 16, 0);
	used_entry(0, 0, 0, 0);
	access_error = -EFAULT;
	used_idx(1);
	access_error = 0;
	end_silent();
	notify();
	avail_idx(2);
	take(1, 1, 16, 0);
	used_entry(0, 1, 1, 0);
	used_idx(1);
	wake();
	end_silent();
}

static void an_available_index_that_cannot_be_read_is_structural(void **state)
{
	(void)state;
	notify();
	access_error = -EFAULT;
	avail_idx(0);
	access_error = 0;
	need_reset();
	end_silent();
}

static void an_entry_that_cannot_be_read_or_is_too_large_is_structural(void **state)
{
	(void)state;
	notify();
	avail_idx(1);
	access_error = -EFAULT;
	avail_entry(0, 0);
	access_error = 0;
	need_reset();
	end_silent();
	rig_live(8);
	notify();
	avail_idx(1);
	avail_entry(0, 8);
	need_reset();
	end_silent();
}

static void a_descriptor_that_cannot_be_read_ends_the_walk(void **state)
{
	(void)state;
	notify();
	avail_idx(1);
	avail_entry(0, 0);
	access_error = -EFAULT;
	desc(0, 0, 0, 0, 0, 0);
	access_error = 0;
	return_chain(0, 0, 0, 0);
	wake();
	end_silent();
}

static void payload_in_a_hole_fails_and_is_not_counted_as_written(void **state)
{
	(void)state;
	notify();
	avail_idx(1);
	take(0, 0, 16, F_WRITE);
	access_error = -EFAULT;
	payload_write(0, BUFFER, 16);
	access_error = 0;
	return_chain(0, 0, 0, 0);
	wake();
	end_silent();
	rig_live(8);
	notify();
	avail_idx(1);
	take(0, 0, 16, F_WRITE);
	access_error = -EFAULT;
	payload_write(0, BUFFER, 16);
	access_error = 0;
	return_chain(0, 0, 0, 16);
	assert_breaks(RULE_COMPLETION_LEN);
}

static void a_chain_taken_before_the_fault_may_be_finished(void **state)
{
	(void)state;
	notify();
	avail_idx(2);
	avail_entry(0, 0);
	avail_entry(1, 9);
	desc(0, 0, BUFFER, 16, 0, 0);
	payload_read(0, BUFFER, 16);
	return_chain(0, 0, 0, 0);
	wake();
	need_reset();
	end_silent();
}

static void indices_wrap(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 65536 + 20; i++)
		serve((uint16_t)i);
	assert_silent();
	assert_int_equal(ledger.device.completions, 65556);
	notify();
	avail_idx(20);
	used_idx(21);
	assert_breaks(RULE_ORDER_ENTRY);
}

static void several_chains_across_the_wrap(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 65533; i++)
		serve((uint16_t)i);
	notify();
	avail_idx(5);
	for (unsigned i = 65533; i < 65536 + 5; i++)
		take((uint16_t)i, (uint16_t)(i % 8), 16, 0);
	for (unsigned i = 65533; i < 65536 + 5; i++)
		used_entry((uint16_t)(i % 8), (uint16_t)i, i % 8, 0);
	used_idx(5);
	wake();
	end_silent();
}

static void a_queue_of_one_entry_works(void **state)
{
	(void)state;
	rig_live(1);
	for (uint16_t i = 0; i < 5; i++)
		serve(i);
	assert_silent();
	notify();
	avail_idx(7);
	need_reset();
	end_silent();
}

static void a_full_queue_is_not_too_far_ahead(void **state)
{
	(void)state;
	notify();
	avail_idx(8);
	for (uint16_t i = 0; i < 8; i++) {
		take(i, i, 16, 0);
		return_chain(i, i, i, 0);
		wake();
	}
	end_silent();
}

/* `used.1` on the left of a sum. */
static void a_chain_that_came_back_is_counted(void **state)
{
	static const struct target_sum returned[] = { { "used.1", "out", false },
						      { NULL, NULL, false } };

	rig_setup(state);
	rig_target.sums = returned;
	rig_counters[0] = 1;
	serve(0);
	rig_counters[0] = 2;
	serve(1);
	end_silent();
	serve(2);
	assert_breaks(RULE_COUNTERS_SUM);
}

/* The call ends, and the device rests: did a sum see what came back? */
static void end_seen(bool counts)
{
	wake();
	done();
	rest(DEVICE_IDLE);
	if (counts)
		assert_breaks(RULE_COUNTERS_SUM);
	else
		assert_silent();
}

/* `readable.1`, `writable.1` and `written.1`: chains that had what they count. */
static void chains_are_counted_by_what_they_have(void **state)
{
	static const struct {
		const char *left;
		uint32_t len;
		bool writable, counts;
	} cases[] = {
		{ "readable.1", 0, false, true }, { "readable.1", 16, true, false },
		{ "writable.1", 0, true, true },  { "writable.1", 0, false, false },
		{ "written.1", 16, true, true },  { "written.1", 0, true, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct target_sum sums[] = { { cases[i].left, "out", false },
					     { NULL, NULL, false } };

		rig_setup(state);
		rig_target.sums = sums;
		notify();
		avail_idx(1);
		take(0, 0, 16, cases[i].writable ? F_WRITE : 0);
		if (cases[i].len > 0)
			payload_write(0, BUFFER, 16);
		return_chain(0, 0, 0, cases[i].len);
		end_seen(cases[i].counts);
	}
}

/* `large.1`: chains to read of more bytes than the device moves. */
static void chains_that_are_too_large_are_counted(void **state)
{
	static const struct target_sum sums[] = { { "large.1", "out", false },
						  { NULL, NULL, false } };
	static const struct {
		uint64_t addr;
		uint32_t max;
		bool writable, counts;
	} cases[] = {
		{ BUFFER, 15, false, true },
		{ BUFFER, 16, false, false },
		{ BUFFER, 15, true, false },
		/* It passes 2^64: that is wrong first. */
		{ UINT64_MAX - 14, 8, false, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rig_setup(state);
		rig_target.sums = sums;
		rig_target.chain_bytes_max = cases[i].max;
		notify();
		avail_idx(1);
		avail_entry(0, 0);
		desc(0, 0, cases[i].addr, 16, cases[i].writable ? F_WRITE : 0, 0);
		return_chain(0, 0, 0, 0);
		end_seen(cases[i].counts);
	}
}

/* `none.1`: looks that found none. */
static void looks_that_find_none_are_counted(void **state)
{
	static const struct target_sum sums[] = { { "none.1", "out", false },
						  { NULL, NULL, false } };

	for (unsigned how = 0; how < 3; how++) {
		rig_setup(state);
		rig_target.sums = sums;
		if (how == 1)
			negotiate(VIRTIO_RING_F_EVENT_IDX);
		rest(DEVICE_IDLE);
		notify();
		avail_idx(how == 2 ? 1 : 0);
		if (how == 2) {
			take(0, 0, 16, 0);
			return_chain(0, 0, 0, 0);
			wake();
		}
		done();
		rest(DEVICE_IDLE);
		if (how == 0)
			assert_breaks(RULE_COUNTERS_SUM);
		else
			assert_silent();
	}
}

/* It does not come back with its entry alone. */
static void a_chain_whose_index_cannot_be_written_need_not_be_counted(void **state)
{
	static const struct target_sum returned[] = { { "used.1", "out", false },
						      { NULL, NULL, false } };

	rig_setup(state);
	rig_target.sums = returned;
	notify();
	avail_idx(1);
	avail_entry(0, 0);
	desc(0, 0, 0x5000, 16, 0, 0);
	payload_read(0, 0x5000, 16);
	used_entry(0, 0, 0, 0);
	access_error = -EFAULT;
	used_idx(1);
	access_error = 0;
	done();
	rest(DEVICE_IDLE);
	assert_silent();
}

static const struct target_sum of_failures[] = { { "failed.1", "out", false },
						 { NULL, NULL, false } };

/* `failed.1`: a write that returns a chain, of its entry or of the index, and not in order. */
static void a_chain_that_cannot_be_returned_is_counted(void **state)
{
	enum { ENTRY, INDEX, IN_ORDER, CASES };

	for (unsigned i = 0; i < CASES; i++) {
		rig_setup(state);
		rig_target.sums = of_failures;
		if (i == IN_ORDER)
			negotiate(VIRTIO_F_IN_ORDER);
		notify();
		avail_idx(1);
		take(0, 0, 16, 0);
		access_error = i == INDEX ? 0 : -EFAULT;
		used_entry(0, 0, 0, 0);
		access_error = -EFAULT;
		if (i == INDEX)
			used_idx(1);
		access_error = 0;
		done();
		if (i == INDEX)
			rig_counters[0] = rig_counters[1] = 1;
		rest(DEVICE_IDLE);
		if (i == ENTRY)
			assert_breaks(RULE_COUNTERS_SUM);
		else
			assert_silent();
	}
}

/* The call is over, and the device says that it counted so many: none is one too few. */
static void end_counted(unsigned counted)
{
	done();
	rig_counters[0] = rig_counters[1] = counted;
	rest(DEVICE_IDLE);
	if (counted == 0)
		assert_breaks(RULE_COUNTERS_SUM);
	else
		assert_silent();
}

/* ... once, however often the device tries. */
static void a_chain_that_is_returned_at_last_is_counted_once(void **state)
{
	for (unsigned counted = 0; counted < 2; counted++) {
		rig_setup(state);
		rig_target.sums = of_failures;
		notify();
		avail_idx(1);
		take(0, 0, 16, 0);
		access_error = -EFAULT;
		used_entry(0, 0, 0, 0);
		used_entry(0, 0, 0, 0);
		access_error = 0;
		return_chain(0, 0, 0, 0);
		wake();
		end_counted(counted);
	}
}

/* `poisoned.1`: once, however often the device looks. */
static void a_queue_that_becomes_wrong_is_counted(void **state)
{
	static const struct target_sum wrong[] = { { "poisoned.1", "out", false },
						   { NULL, NULL, false } };

	for (unsigned counted = 0; counted < 2; counted++) {
		rig_setup(state);
		rig_target.sums = wrong;
		notify();
		avail_idx(9);
		need_reset();
		end_counted(counted);
	}
}

/* `config_changes`: those that the device says it took, the other configuration act as well. */
static void a_change_of_the_configuration_is_counted(void **state)
{
	static const struct target_sum changes[] = { { "config_changes", "out", false },
						     { NULL, NULL, false } };

	rig_setup(state);
	rig_target.sums = changes;
	host(HOST_CHANGE_CONFIG, NULL, 1, 0);
	rest(DEVICE_IDLE);
	rig_counters[0] = rig_counters[1] = 1;
	host_raises = VIRTIO_MMIO_INT_CONFIG;
	shown.generation++;
	host(HOST_CHANGE_CONFIG, NULL, 1, 1);
	rest(DEVICE_IDLE);
	assert_silent();
	host_raises = VIRTIO_MMIO_INT_CONFIG;
	shown.generation++;
	host(HOST_SET_NUM_PAGES, NULL, 1, 1);
	rest(DEVICE_IDLE);
	assert_breaks(RULE_COUNTERS_SUM);
}

/* `written_bytes.1` against a header of 12 bytes for each that was counted. */
static void bytes_that_came_back_are_counted(void **state)
{
	static const struct target_sum bytes[] = { { "written_bytes.1", "12*out in", false },
						   { NULL, NULL, false } };

	for (uint64_t counted = 3; counted < 5; counted++) {
		rig_setup(state);
		rig_target.sums = bytes;
		notify();
		avail_idx(1);
		take(0, 0, 16, F_WRITE);
		payload_write(0, BUFFER, 16);
		return_chain(0, 0, 0, 16);
		wake();
		done();
		rig_counters[0] = 1;
		rig_counters[1] = counted;
		rest(DEVICE_IDLE);
		if (counted == 3)
			assert_breaks(RULE_COUNTERS_SUM);
		else
			assert_silent();
	}
}

/* Another's device, whose driver has not set DRIVER_OK. */
static void not_yet(void)
{
	rig_new();
	rig_target.model = false;
	rig_features_ok(8);
	notify();
}

static void before_driver_ok_others_may_look(void **state)
{
	(void)state;
	not_yet();
	used_flags(1);
	used_flags(0);
	access_ring(GUEST_AVAIL_EVENT, true, USED_AT(TX) + 4 + 64, 2);
	avail_flags(0);
	used_event(0);
	access_ring(GUEST_USED_IDX, false, USED_AT(TX) + 2, 2);
	avail_idx(1);
	avail_entry(0, 0);
	done();
	assert_silent();
	/* What it fetched then it need not fetch again. */
	set_status(STATUS_LIVE);
	work();
	desc(0, 0, BUFFER, 16, F_WRITE, 0);
	payload_write(0, BUFFER, 16);
	return_chain(0, 0, 0, 16);
	wake();
	end_silent();
}

static void before_driver_ok_nobody_consumes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		not_yet();
		avail_idx(1);
		avail_entry(0, 0);
		assert_silent();
		switch (i) {
		case 0:
			desc(0, 0, BUFFER, 16, F_WRITE, 0);
			break;
		case 1:
			payload_write(0, BUFFER, 16);
			break;
		case 2:
			used_entry(0, 0, 0, 0);
			break;
		default:
			used_idx(1);
			break;
		}
		assert_breaks(RULE_MEMORY_NOT_LIVE);
	}
}

static void a_queue_that_is_not_ready_is_not_looked_at(void **state)
{
	(void)state;
	rig_target.model = false;
	rig_live(8);
	reg_write(VIRTIO_MMIO_QUEUE_SEL, TX);
	shown.ready = 0;
	reg_write(VIRTIO_MMIO_QUEUE_READY, 0);
	notify();
	avail_flags(0);
	assert_breaks(RULE_MEMORY_NOT_LIVE);
}

#define TEST(name) cmocka_unit_test_setup(name, rig_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_same_head_twice_is_two_chains),
		TEST(chains_come_back_in_any_order_and_at_once),
		TEST(buffers_of_a_chain_lie_over_each_other),
		TEST(bytes_written_out_of_order_count),
		TEST(a_chain_of_nothing_returns_length_zero),
		TEST(a_buffer_ends_with_the_address_space),
		TEST(the_first_byte_past_the_top_is_not_the_buffer_s),
		TEST(a_walk_ends_after_as_many_descriptors_as_the_queue_has),
		TEST(a_used_entry_is_rewritten_before_the_index_moves),
		TEST(a_device_looks_at_what_it_wrote),
		TEST(a_used_entry_that_cannot_be_written_is_lost),
		TEST(a_used_index_that_cannot_be_written_did_not_move),
		TEST(a_chain_that_came_back_is_counted),
		TEST(chains_are_counted_by_what_they_have),
		TEST(chains_that_are_too_large_are_counted),
		TEST(looks_that_find_none_are_counted),
		TEST(a_chain_whose_index_cannot_be_written_need_not_be_counted),
		TEST(a_chain_that_cannot_be_returned_is_counted),
		TEST(a_chain_that_is_returned_at_last_is_counted_once),
		TEST(a_queue_that_becomes_wrong_is_counted),
		TEST(a_change_of_the_configuration_is_counted),
		TEST(bytes_that_came_back_are_counted),
		TEST(an_available_index_that_cannot_be_read_is_structural),
		TEST(an_entry_that_cannot_be_read_or_is_too_large_is_structural),
		TEST(a_descriptor_that_cannot_be_read_ends_the_walk),
		TEST(payload_in_a_hole_fails_and_is_not_counted_as_written),
		TEST(a_chain_taken_before_the_fault_may_be_finished),
		TEST(indices_wrap),
		TEST(several_chains_across_the_wrap),
		TEST(a_queue_of_one_entry_works),
		TEST(a_full_queue_is_not_too_far_ahead),
		TEST(before_driver_ok_others_may_look),
		TEST(before_driver_ok_nobody_consumes),
		TEST(a_queue_that_is_not_ready_is_not_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
