/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Indirect tables: where one is, and what its entries allow.  VIRTIO 2.7.5.3.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger_rig.h"

#define ENTRY 16u
#define F_INDIRECT VRING_DESC_F_INDIRECT

static int setup_indirect(void **state)
{
	rig_setup(state);
	negotiate(VIRTIO_RING_F_INDIRECT_DESC);
	return 0;
}

/* A chain of one descriptor, which names that table. */
static void take_table(uint64_t addr, uint32_t len, unsigned flags)
{
	notify();
	avail_idx(1);
	avail_entry(0, 0);
	desc(0, 0, addr, len, F_INDIRECT | flags, 0);
}

/* Of entries that are all zero: buffers of no bytes. */
static void read_table(uint64_t addr, uint32_t len)
{
	access_ring(GUEST_INDIRECT, false, addr, len);
}

static void finish_chain(uint32_t len)
{
	return_chain(0, 0, 0, len);
	wake();
	end_silent();
}

static void a_table_permits_what_its_entries_name(void **state)
{
	(void)state;
	take_table(INDIRECT_AT, 3 * ENTRY, 0);
	indirect(0, 0, BUFFER, 16, F_NEXT);
	indirect(0, 2, 0x9000, 16, F_WRITE);
	payload_read(0, BUFFER, 16);
	payload_write(0, 0x9000, 16);
	finish_chain(16);
}

/* An entry that leads on, to one that need not be the next. */
static void indirect_to(uint16_t index, uint16_t next)
{
	struct vring_desc entry = { BUFFER, 16, F_NEXT, next };

	access_part(GUEST_INDIRECT, 0, false, INDIRECT_AT + (uint64_t)ENTRY * index, &entry,
		    sizeof(entry));
}

/* What names the table does not count; a loop among entries that lie behind as many as the queue
 * has ends there too. */
static void a_walk_through_a_table_is_as_long_as_the_queue(void **state)
{
	uint16_t size = ledger.queues[1].size;

	(void)state;
	take_table(INDIRECT_AT, (size + 2) * ENTRY, 0);
	indirect_to(0, size + 1);
	for (unsigned i = 1; i < size; i++)
		indirect_to(size + 1, size + 1);
	assert_silent();
	indirect_to(size + 1, size + 1);
	assert_breaks(RULE_FETCH_WALK);
}

/* ... and one among the others where it comes round. */
static void an_entry_is_read_once(void **state)
{
	uint16_t size = ledger.queues[1].size;

	(void)state;
	take_table(INDIRECT_AT, size * ENTRY, 0);
	indirect_to(0, size - 1);
	indirect_to(size - 1, 0);
	assert_silent();
	indirect_to(0, 1);
	assert_breaks(RULE_FETCH_WALK);
}

static void the_table_itself_is_no_buffer(void **state)
{
	(void)state;
	take_table(INDIRECT_AT, 2 * ENTRY, 0);
	payload_read(0, INDIRECT_AT, ENTRY);
	assert_breaks(RULE_MEMORY_READ);
	setup_indirect(state);
	take_table(INDIRECT_AT, 2 * ENTRY, F_WRITE);
	payload_write(0, INDIRECT_AT, ENTRY);
	assert_breaks(RULE_MEMORY_WRITE);
}

/* VIRTIO 2.7.5.3.2: the device must ignore it. */
static void a_table_may_be_read_though_its_descriptor_says_write(void **state)
{
	(void)state;
	take_table(INDIRECT_AT, ENTRY, F_WRITE);
	indirect(0, 0, BUFFER, 16, F_WRITE);
	payload_write(0, BUFFER, 16);
	finish_chain(16);
}

static void a_table_may_follow_other_descriptors(void **state)
{
	(void)state;
	notify();
	avail_idx(1);
	avail_entry(0, 0);
	desc(0, 0, BUFFER, 16, F_NEXT, 1);
	desc(0, 1, INDIRECT_AT, ENTRY, F_INDIRECT, 0);
	indirect(0, 0, 0x9000, 16, F_WRITE);
	payload_read(0, BUFFER, 16);
	payload_write(0, 0x9000, 16);
	finish_chain(16);
}

/* The chain says that it goes on behind its table: our models touch none of it. */
static void a_table_with_more_behind_it_is_no_chain(void **state)
{
	(void)state;
	take_table(INDIRECT_AT, ENTRY, F_NEXT);
	indirect(0, 0, BUFFER, 16, 0);
	payload_read(0, BUFFER, 16);
	assert_breaks(RULE_MEMORY_TORN);
	setup_indirect(state);
	take_table(INDIRECT_AT, ENTRY, F_NEXT);
	indirect(0, 0, BUFFER, 16, 0);
	finish_chain(0);
}

static void a_whole_table_may_be_read_at_once(void **state)
{
	(void)state;
	take_table(INDIRECT_AT, 4 * ENTRY, 0);
	read_table(INDIRECT_AT, 4 * ENTRY);
	finish_chain(0);
	setup_indirect(state);
	take_table(INDIRECT_AT, 3 * ENTRY, 0);
	read_table(INDIRECT_AT, 4 * ENTRY);
	assert_breaks(RULE_MEMORY_INDIRECT);
}

static void entries_lie_in_the_table(void **state)
{
	static const struct {
		uint64_t addr;
		bool inside;
	} cases[] = {
		{ INDIRECT_AT, true },
		{ INDIRECT_AT + ENTRY, true },
		{ INDIRECT_AT + 2 * ENTRY, false },
		{ INDIRECT_AT - ENTRY, false },
		{ INDIRECT_AT + ENTRY / 2, false },
		{ 0, false },
	};

	/* The half entry at the end is none. */
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setup_indirect(state);
		take_table(INDIRECT_AT, 2 * ENTRY + ENTRY / 2, 0);
		read_table(cases[i].addr, ENTRY);
		if (cases[i].inside)
			finish_chain(0);
		else
			assert_breaks(RULE_MEMORY_INDIRECT);
	}
}

static void a_table_of_no_bytes_has_no_entry(void **state)
{
	(void)state;
	take_table(INDIRECT_AT, 0, 0);
	read_table(INDIRECT_AT, ENTRY);
	assert_breaks(RULE_MEMORY_INDIRECT);
}

static void a_descriptor_without_the_flag_names_no_table(void **state)
{
	(void)state;
	notify();
	avail_idx(1);
	take(0, 0, 2 * ENTRY, 0);
	read_table(BUFFER, ENTRY);
	assert_breaks(RULE_MEMORY_INDIRECT);
}

static void a_table_within_a_table_is_none(void **state)
{
	(void)state;
	take_table(INDIRECT_AT, 2 * ENTRY, 0);
	indirect(0, 0, BUFFER, 2 * ENTRY, F_INDIRECT);
	finish_chain(0);
	setup_indirect(state);
	take_table(INDIRECT_AT, 2 * ENTRY, 0);
	indirect(0, 0, BUFFER, 2 * ENTRY, F_INDIRECT);
	read_table(BUFFER, ENTRY);
	assert_breaks(RULE_MEMORY_INDIRECT);
}

static void a_table_ends_with_the_address_space(void **state)
{
	(void)state;
	take_table(0 - 2ULL * ENTRY, 4 * ENTRY, 0);
	read_table(0 - 2ULL * ENTRY, ENTRY);
	read_table(0 - 1ULL * ENTRY, ENTRY);
	finish_chain(0);
	setup_indirect(state);
	take_table(0 - 2ULL * ENTRY, 4 * ENTRY, 0);
	read_table(0, ENTRY);
	assert_breaks(RULE_MEMORY_INDIRECT);
}

static void a_table_that_cannot_be_read_ends_the_walk(void **state)
{
	(void)state;
	take_table(INDIRECT_AT, 2 * ENTRY, 0);
	access_error = -EFAULT;
	read_table(INDIRECT_AT, ENTRY);
	access_error = 0;
	finish_chain(0);
}

static void without_the_feature_a_table_is_left_alone(void **state)
{
	(void)state;
	take_table(INDIRECT_AT, 2 * ENTRY, 0);
	finish_chain(0);
	rig_live(8);
	take_table(INDIRECT_AT, 2 * ENTRY, 0);
	read_table(INDIRECT_AT, ENTRY);
	assert_breaks(RULE_MEMORY_INDIRECT);
}

/* No such range can be accessed: a device may leave that to the accessor. */
static void a_table_past_the_top_may_be_tried(void **state)
{
	(void)state;
	take_table(0 - 2ULL * ENTRY, 4 * ENTRY, 0);
	access_error = -EFAULT;
	read_table(0 - 2ULL * ENTRY, 4 * ENTRY);
	access_error = 0;
	finish_chain(0);
}

static void a_chain_that_is_not_held_has_no_table(void **state)
{
	(void)state;
	take_table(INDIRECT_AT, 2 * ENTRY, 0);
	return_chain(0, 0, 0, 0);
	read_table(INDIRECT_AT, ENTRY);
	assert_breaks(RULE_MEMORY_INDIRECT);
}

static void an_entry_leads_nowhere_in_the_descriptor_table(void **state)
{
	(void)state;
	take_table(INDIRECT_AT, 2 * ENTRY, 0);
	indirect(0, 0, BUFFER, 16, F_NEXT);
	desc(0, 0, 0x9000, 16, 0, 0);
	assert_breaks(RULE_FETCH_WALK);
}

static void a_poisoned_queue_s_chains_may_be_finished(void **state)
{
	(void)state;
	take_table(INDIRECT_AT, 2 * ENTRY, 0);
	avail_idx(20);
	indirect(0, 0, BUFFER, 16, 0);
	payload_read(0, BUFFER, 16);
	return_chain(0, 0, 0, 0);
	wake();
	need_reset();
	end_silent();
}

static void nothing_is_written_to_a_table(void **state)
{
	(void)state;
	take_table(INDIRECT_AT, 2 * ENTRY, 0);
	access_ring(GUEST_INDIRECT, true, INDIRECT_AT, ENTRY);
	assert_breaks(RULE_MEMORY_WRITE);
}

#define TEST(name) cmocka_unit_test_setup(name, rig_setup)
#define INDIRECT_TEST(name) cmocka_unit_test_setup(name, setup_indirect)

int main(void)
{
	const struct CMUnitTest tests[] = {
		INDIRECT_TEST(a_table_permits_what_its_entries_name),
		INDIRECT_TEST(a_walk_through_a_table_is_as_long_as_the_queue),
		INDIRECT_TEST(an_entry_is_read_once),
		INDIRECT_TEST(the_table_itself_is_no_buffer),
		INDIRECT_TEST(a_table_may_be_read_though_its_descriptor_says_write),
		INDIRECT_TEST(a_table_may_follow_other_descriptors),
		INDIRECT_TEST(a_table_with_more_behind_it_is_no_chain),
		INDIRECT_TEST(a_whole_table_may_be_read_at_once),
		INDIRECT_TEST(entries_lie_in_the_table),
		INDIRECT_TEST(a_table_of_no_bytes_has_no_entry),
		INDIRECT_TEST(a_descriptor_without_the_flag_names_no_table),
		INDIRECT_TEST(a_table_within_a_table_is_none),
		INDIRECT_TEST(a_table_ends_with_the_address_space),
		INDIRECT_TEST(a_table_that_cannot_be_read_ends_the_walk),
		TEST(without_the_feature_a_table_is_left_alone),
		INDIRECT_TEST(a_table_past_the_top_may_be_tried),
		INDIRECT_TEST(a_chain_that_is_not_held_has_no_table),
		INDIRECT_TEST(an_entry_leads_nowhere_in_the_descriptor_table),
		INDIRECT_TEST(a_poisoned_queue_s_chains_may_be_finished),
		INDIRECT_TEST(nothing_is_written_to_a_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
