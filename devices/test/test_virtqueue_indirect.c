/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Indirect tables, from drivers that keep the rules of VIRTIO 2.7.5.3.1 and ones that do not.
 */
#include <errno.h>

#include "virtqueue_rig.h"

/* A queue of `size` whose driver may use tables. */
static void setup(uint16_t size)
{
	rig_setup(size);
	virtqueue_negotiated(&vq, UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC);
}

/* Descriptor 0 names `len` bytes at `table`; its chain is taken. */
static void take_table(uint64_t table, uint32_t len, uint16_t flags)
{
	fake_desc(&rig_q, 0, table, len, (uint16_t)(F_INDIRECT | flags), 1);
	fake_offer(&rig_q, 0);
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
}

static void expect_buffer(uint64_t addr, uint32_t len, bool writable)
{
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 1);
	assert_true(buffer.addr == addr && buffer.len == len && buffer.writable == writable);
}

/* ... for this reason, and there it is over; the queue goes on. */
static void expect_torn(int why)
{
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), why);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 0);
	assert_false(vq.poisoned);
	assert_int_equal(virtqueue_push(&vq, &chain, 0), 0);
}

static void table_is_walked(void **state)
{
	(void)state;
	setup(4);
	rig_start_at(65535);
	rig_entry(TABLE_AT, 0, 0x1000, 10, F_NEXT, 2);
	rig_entry(TABLE_AT, 2, UINT64_MAX, UINT32_MAX, F_NEXT | F_WRITE, 1);
	rig_entry(TABLE_AT, 1, 0x3000, 0, F_WRITE, 9);
	take_table(TABLE_AT, 48, 0);
	expect_buffer(0x1000, 10, false);
	expect_buffer(UINT64_MAX, UINT32_MAX, true);
	expect_buffer(0x3000, 0, true);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 0);
	assert_int_equal(virtqueue_push(&vq, &chain, 5), 0);
	assert_int_equal(fake_used_id(&rig_q, 65535), 0);

	assert_int_equal(fake_log_count(&rig_host, GUEST_DESC), 1);
	rig_access(2, GUEST_DESC, 65535, rig_q.desc, 16);
	rig_access(3, GUEST_INDIRECT, 65535, TABLE_AT, 16);
	rig_access(4, GUEST_INDIRECT, 65535, TABLE_AT + 32, 16);
	rig_access(5, GUEST_INDIRECT, 65535, TABLE_AT + 16, 16);
}

/* Whether what names the table is writable says nothing (2.7.5.3.2). */
static void write_flag_is_ignored(void **state)
{
	(void)state;
	setup(4);
	rig_entry(TABLE_AT, 0, 0x1000, 10, F_NEXT, 1);
	rig_entry(TABLE_AT, 1, 0x2000, 20, F_WRITE, 0);
	take_table(TABLE_AT, 32, F_WRITE);
	expect_buffer(0x1000, 10, false);
	expect_buffer(0x2000, 20, true);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 0);
}

/* Descriptors 1 and 2 of the queue, and then a table with entries of the same numbers. */
static void ordinary_descriptors_come_first(void **state)
{
	(void)state;
	setup(4);
	fake_desc(&rig_q, 1, 0x100, 1, F_NEXT, 2);
	fake_desc(&rig_q, 2, 0x200, 2, F_NEXT, 0);
	fake_desc(&rig_q, 0, TABLE_AT, 48, F_INDIRECT, 0);
	rig_entry(TABLE_AT, 0, 0x1000, 10, F_NEXT, 2);
	rig_entry(TABLE_AT, 2, 0x2000, 20, F_WRITE, 0);
	fake_offer(&rig_q, 1);
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	expect_buffer(0x100, 1, false);
	expect_buffer(0x200, 2, false);
	expect_buffer(0x1000, 10, false);
	expect_buffer(0x2000, 20, true);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 0);
	assert_int_equal(virtqueue_push(&vq, &chain, 0), 0);
	assert_int_equal(fake_used_id(&rig_q, 0), 1);
}

static void lengths_that_are_none(void **state)
{
	static const uint32_t lengths[] = { 0, 1, 15, 17, 31, 33, 65535, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		setup(4);
		take_table(TABLE_AT, lengths[i], 0);
		expect_torn(-EBADMSG);
		assert_int_equal(fake_log_count(&rig_host, GUEST_INDIRECT), 0);
	}
}

/* Nothing that INDIRECT may not be beside, or lie in, is followed. */
static void tables_where_none_may_be(void **state)
{
	(void)state;
	setup(4);
	take_table(TABLE_AT, 16, F_NEXT);
	expect_torn(-EBADMSG);
	assert_int_equal(fake_log_count(&rig_host, GUEST_INDIRECT), 0);

	/* In a table: as its first entry, and as a later one. */
	setup(4);
	rig_entry(TABLE_AT, 0, TABLE_AT, 16, F_INDIRECT, 0);
	take_table(TABLE_AT, 16, 0);
	expect_torn(-EBADMSG);
	assert_int_equal(fake_log_count(&rig_host, GUEST_INDIRECT), 1);

	setup(4);
	rig_entry(TABLE_AT, 0, 0, 1, F_NEXT, 1);
	rig_entry(TABLE_AT, 1, TABLE_AT + 64, 16, F_INDIRECT, 0);
	take_table(TABLE_AT, 32, 0);
	expect_buffer(0, 1, false);
	expect_torn(-EBADMSG);
	assert_int_equal(fake_log_count(&rig_host, GUEST_INDIRECT), 2);

	/* Not negotiated. */
	setup(4);
	virtqueue_negotiated(&vq, RIG_SPLIT & ~(UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC));
	take_table(TABLE_AT, 16, 0);
	expect_torn(-EBADMSG);
	assert_int_equal(fake_log_count(&rig_host, GUEST_INDIRECT), 0);
}

static void next_leads_out_of_the_table(void **state)
{
	static const uint16_t nexts[] = { 2, 3, 65535 };

	(void)state;
	for (size_t i = 0; i < sizeof(nexts) / sizeof(nexts[0]); i++) {
		setup(4);
		rig_entry(TABLE_AT, 0, 0, 1, F_NEXT, nexts[i]);
		take_table(TABLE_AT, 32, 0);
		expect_buffer(0, 1, false);
		expect_torn(-EBADMSG);
		assert_int_equal(fake_log_count(&rig_host, GUEST_INDIRECT), 1);
	}
}

/* An entry that was read is not read again; where the table is longer than the queue, the length
 * of the chain ends the walk. */
static void loops(void **state)
{
	(void)state;
	setup(4);
	rig_entry(TABLE_AT, 0, 0, 1, F_NEXT, 1);
	rig_entry(TABLE_AT, 1, 0, 2, F_NEXT, 1);
	take_table(TABLE_AT, 64, 0);
	expect_buffer(0, 1, false);
	expect_buffer(0, 2, false);
	expect_torn(-EBADMSG);
	assert_int_equal(fake_log_count(&rig_host, GUEST_INDIRECT), 2);

	setup(4);
	rig_entry(TABLE_AT, 0, 0, 1, F_NEXT, 7);
	rig_entry(TABLE_AT, 7, 0, 2, F_NEXT, 7);
	take_table(TABLE_AT, 128, 0);
	expect_buffer(0, 1, false);
	for (unsigned i = 0; i < 3; i++)
		expect_buffer(0, 2, false);
	expect_torn(-EBADMSG);
	assert_true(fake_log_count(&rig_host, GUEST_INDIRECT) <= 5);
}

/* A chain is as long as the queue: all of it in the table, or a part before it. */
static void longer_than_the_queue(void **state)
{
	uint16_t i, before;

	(void)state;
	for (before = 0; before <= 2; before++) {
		setup(4);
		for (i = 0; i < 8; i++)
			rig_entry(TABLE_AT, i, i, 1, i < 7 ? F_NEXT : 0, (uint16_t)(i + 1));
		fake_desc(&rig_q, 1, 0, 1, F_NEXT, before == 2 ? 2 : 0);
		fake_desc(&rig_q, 2, 0, 1, F_NEXT, 0);
		fake_desc(&rig_q, 0, TABLE_AT, 128, F_INDIRECT, 0);
		fake_offer(&rig_q, before > 0 ? 1 : 0);
		assert_int_equal(virtqueue_pop(&vq, &chain), 1);
		for (i = 0; i < 4; i++)
			assert_int_equal(virtqueue_chain_next(&chain, &buffer), 1);
		expect_torn(-EBADMSG);
	}
	/* A long table with a short chain in it is well. */
	setup(4);
	rig_entry(TABLE_AT, 0, 0, 1, F_NEXT, 100);
	rig_entry(TABLE_AT, 100, 0, 2, F_NEXT, 4095);
	rig_entry(TABLE_AT, 4095, 0, 3, 0, 0);
	take_table(TABLE_AT, 4096 * 16, 0);
	expect_buffer(0, 1, false);
	expect_buffer(0, 2, false);
	expect_buffer(0, 3, false);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 0);
	/* As long as the queue to the entry. */
	setup(4);
	for (i = 0; i < 4; i++)
		rig_entry(TABLE_AT, i, i, 1, i < 3 ? F_NEXT : 0, (uint16_t)(i + 1));
	take_table(TABLE_AT, 64, 0);
	for (i = 0; i < 4; i++)
		expect_buffer(i, 1, false);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 0);
}

/* The entry that passes 2^64 is not looked for at 0, although there is memory. */
static void table_across_the_end(void **state)
{
	const uint64_t base = 0 - (uint64_t)0x4000;
	const uint64_t top = 0 - (uint64_t)FAKE_MEM_SIZE;
	const uint64_t table = UINT64_MAX - 15;

	(void)state;
	rig_setup_at(base, 4, base, base + 0x1000, base + 0x2000);
	virtqueue_negotiated(&vq, UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC);
	rig_entry(table, 0, 7, 1, F_NEXT, 1);
	take_table(table, 32, 0);
	expect_buffer(7, 1, false);
	expect_torn(-EFAULT);
	assert_int_equal(fake_log_count(&rig_host, GUEST_INDIRECT), 1);

	/* The entry itself begins below and would end above: the host's to refuse. */
	rig_setup_at(top, 4, top, top + 0x1000, top + 0x2000);
	virtqueue_negotiated(&vq, UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC);
	take_table(UINT64_MAX - 7, 16, 0);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), -EFAULT);
}

static void unreadable_table(void **state)
{
	(void)state;
	setup(4);
	take_table(0, 16, 0);
	expect_torn(-EFAULT);

	setup(4);
	rig_entry(TABLE_AT, 0, 0, 1, F_NEXT, 1);
	rig_host.fail_nth[GUEST_INDIRECT] = 2;
	take_table(TABLE_AT, 32, 0);
	expect_buffer(0, 1, false);
	expect_torn(-EFAULT);
}

/* The next chain begins anew: in the queue's table, with all entries unread. */
static void one_chain_after_another(void **state)
{
	(void)state;
	setup(4);
	rig_entry(TABLE_AT, 0, 0x1000, 10, 0, 0);
	for (unsigned i = 0; i < 3; i++) {
		take_table(TABLE_AT, 16, 0);
		expect_buffer(0x1000, 10, false);
		assert_int_equal(virtqueue_chain_next(&chain, &buffer), 0);
		fake_desc(&rig_q, 0, 0x500, 5, F_WRITE, 0);
		fake_offer(&rig_q, 0);
		assert_int_equal(virtqueue_pop(&vq, &chain), 1);
		expect_buffer(0x500, 5, true);
		assert_int_equal(virtqueue_chain_next(&chain, &buffer), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_is_walked),
		cmocka_unit_test(write_flag_is_ignored),
		cmocka_unit_test(ordinary_descriptors_come_first),
		cmocka_unit_test(lengths_that_are_none),
		cmocka_unit_test(tables_where_none_may_be),
		cmocka_unit_test(next_leads_out_of_the_table),
		cmocka_unit_test(loops),
		cmocka_unit_test(longer_than_the_queue),
		cmocka_unit_test(table_across_the_end),
		cmocka_unit_test(unreadable_table),
		cmocka_unit_test(one_chain_after_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
