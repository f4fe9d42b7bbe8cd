/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The split-virtqueue walker against a driver that keeps no rule: every boundary
 * of the contract in virtqueue.h.  VIRTIO 1.4, 2.7.
 */
#include <errno.h>

#include "virtqueue_rig.h"

static void init_rounds_size_down(void **state)
{
	static const uint16_t sizes[][2] = { { 1, 1 },	      { 2, 2 },	    { 3, 2 },
					     { 255, 128 },    { 256, 256 }, { 32768, 32768 },
					     { 65535, 32768 } };
	size_t i;

	(void)state;
	fake_host_init(&rig_host, BASE);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		virtqueue_init(&vq, &rig_host.host, 0, sizes[i][0], seen);
		assert_int_equal(vq.size, sizes[i][1]);
		assert_int_equal(vq.size_max, sizes[i][0]);
		assert_false(vq.ready);
	}
	/* Twice: for the queue's table and for an indirect one. */
	assert_int_equal(virtqueue_seen_size(1), 2);
	assert_int_equal(virtqueue_seen_size(8), 2);
	assert_int_equal(virtqueue_seen_size(9), 4);
}

static void unusable_queue_touches_nothing(void **state)
{
	(void)state;
	rig_setup(4);
	fake_offer(&rig_q, 0);
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	assert_int_equal(virtqueue_push(&vq, &chain, 0), 0);
	fake_log_clear(&rig_host);
	vq.ready = false;
	assert_int_equal(virtqueue_pop(&vq, &chain), 0);
	assert_int_equal(virtqueue_push(&vq, &chain, 0), -ESHUTDOWN);
	assert_true(virtqueue_wants_interrupt(&vq));
	vq.ready = true;
	vq.poisoned = true;
	assert_int_equal(virtqueue_pop(&vq, &chain), 0);
	assert_int_equal(virtqueue_push(&vq, &chain, 0), -ESHUTDOWN);
	assert_int_equal(rig_host.logged, 0);
	assert_int_equal(vq.next_used, 1);
}

static void reset_forgets(void **state)
{
	(void)state;
	rig_setup(4);
	fake_avail_set(&rig_q, 9);
	assert_int_equal(virtqueue_pop(&vq, &chain), -EBADMSG);
	vq.moved = true;
	virtqueue_reset(&vq);
	assert_false(vq.ready);
	assert_false(vq.poisoned);
	assert_false(vq.moved);
	assert_int_equal(vq.size, 32768);
	assert_int_equal(vq.area[0] | vq.area[1] | vq.area[2], 0);
	assert_int_equal(vq.next_avail | vq.next_used, 0);
}

static void pop_says_why(void **state)
{
	(void)state;
	rig_setup(4);
	rig_start_at(6);
	fake_offer(&rig_q, 3);
	fake_desc(&rig_q, 3, 0x1234, 56, F_WRITE, 0);
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	assert_int_equal(chain.head, 3);
	assert_int_equal(chain.walk, 6);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 1);
	assert_int_equal(buffer.addr, 0x1234);
	assert_int_equal(buffer.len, 56);
	assert_true(buffer.writable);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 0);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 0);
	assert_int_equal(virtqueue_push(&vq, &chain, 56), 0);
	assert_true(virtqueue_wants_interrupt(&vq));

	assert_int_equal(rig_host.logged, 6);
	rig_access(0, GUEST_AVAIL_IDX, 0, rig_q.driver + 2, 2);
	rig_access(1, GUEST_AVAIL_ENTRY, 6, rig_q.driver + 4 + 2 * 2, 2);
	rig_access(2, GUEST_DESC, 6, rig_q.desc + 16 * 3, 16);
	rig_access(3, GUEST_USED_ENTRY, 6, rig_q.device + 4 + 8 * 2, 8);
	rig_access(4, GUEST_USED_IDX, 0, rig_q.device + 2, 2);
	rig_access(5, GUEST_AVAIL_FLAGS, 0, rig_q.driver, 2);
	assert_true(rig_host.log[3].write && rig_host.log[4].write);
	assert_int_equal(fake_used_idx(&rig_q), 7);
	assert_int_equal(fake_used_id(&rig_q, 6), 3);
	assert_int_equal(fake_used_len(&rig_q, 6), 56);

	assert_int_equal(virtqueue_payload(&chain).purpose, GUEST_PAYLOAD);
	assert_int_equal(virtqueue_payload(&chain).queue, QUEUE);
	assert_int_equal(virtqueue_payload(&chain).walk, 6);
}

static void pop_reads_idx_afresh(void **state)
{
	(void)state;
	rig_setup(4);
	assert_int_equal(virtqueue_pop(&vq, &chain), 0);
	fake_offer(&rig_q, 1);
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	fake_offer(&rig_q, 2);
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	assert_int_equal(chain.head, 2);
	assert_int_equal(virtqueue_pop(&vq, &chain), 0);
	assert_int_equal(fake_log_count(&rig_host, GUEST_AVAIL_IDX), 4);
}

static void pop_takes_a_full_ring(void **state)
{
	uint16_t i;

	(void)state;
	rig_setup(8);
	rig_start_at(65533); /* wraps in the middle */
	for (i = 0; i < 8; i++)
		fake_offer(&rig_q, i);
	for (i = 0; i < 8; i++) {
		assert_int_equal(virtqueue_pop(&vq, &chain), 1);
		assert_int_equal(chain.head, i);
		assert_int_equal(chain.walk, (uint16_t)(65533 + i));
		assert_int_equal(virtqueue_push(&vq, &chain, i), 0);
	}
	assert_int_equal(virtqueue_pop(&vq, &chain), 0);
	assert_int_equal(fake_used_idx(&rig_q), 5);
	assert_int_equal(fake_used_id(&rig_q, 65535), 2);
	assert_int_equal(fake_used_len(&rig_q, 0), 3);
}

static void pop_poisons_on_idx_jump(void **state)
{
	static const uint16_t starts[] = { 0, 1, 65532, 65535 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		rig_setup(4);
		rig_start_at(starts[i]);
		fake_avail_set(&rig_q, (uint16_t)(starts[i] + 4));
		assert_int_equal(virtqueue_pop(&vq, &chain), 1);

		rig_setup(4);
		rig_start_at(starts[i]);
		fake_avail_set(&rig_q, (uint16_t)(starts[i] + 5));
		assert_int_equal(virtqueue_pop(&vq, &chain), -EBADMSG);
		assert_true(vq.poisoned);
		assert_int_equal(vq.next_avail, starts[i]);

		rig_setup(4);
		rig_start_at(starts[i]);
		fake_avail_set(&rig_q, (uint16_t)(starts[i] - 1));
		assert_int_equal(virtqueue_pop(&vq, &chain), -EBADMSG);
		/* Once: from then on there is just nothing. */
		fake_log_clear(&rig_host);
		assert_int_equal(virtqueue_pop(&vq, &chain), 0);
		assert_int_equal(rig_host.logged, 0);
	}
}

static void pop_of_the_largest_queue(void **state)
{
	(void)state;
	/* 32768 entries in rings that overlap; only their shape matters. */
	rig_setup_at(BASE, 32768, BASE, BASE, BASE);
	fake_avail_set(&rig_q, 32768);
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	rig_setup_at(BASE, 32768, BASE, BASE, BASE);
	fake_avail_set(&rig_q, 32769);
	assert_int_equal(virtqueue_pop(&vq, &chain), -EBADMSG);
}

static void pop_poisons_on_head(void **state)
{
	static const uint16_t heads[] = { 4, 5, 32768, 65535 };
	size_t i;

	(void)state;
	rig_setup(4);
	fake_offer(&rig_q, 3);
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		rig_setup(4);
		fake_offer(&rig_q, heads[i]);
		assert_int_equal(virtqueue_pop(&vq, &chain), -EBADMSG);
		assert_true(vq.poisoned);
	}
}

static void pop_poisons_on_unreadable_ring(void **state)
{
	(void)state;
	rig_setup(4);
	fake_offer(&rig_q, 0);
	rig_host.fail_nth[GUEST_AVAIL_IDX] = 1;
	assert_int_equal(virtqueue_pop(&vq, &chain), -EFAULT);
	assert_true(vq.poisoned);

	rig_setup(4);
	fake_offer(&rig_q, 0);
	rig_host.fail_nth[GUEST_AVAIL_ENTRY] = 1;
	assert_int_equal(virtqueue_pop(&vq, &chain), -EFAULT);
	assert_true(vq.poisoned);
}

static void chain_follows_next(void **state)
{
	static const uint16_t order[] = { 2, 0, 3, 1 };
	uint16_t i;

	(void)state;
	rig_setup(4);
	for (i = 0; i < 4; i++)
		fake_desc(&rig_q, order[i], 0x100u * i, i, i < 3 ? F_NEXT : 0, order[(i + 1) % 4]);
	fake_offer(&rig_q, 2);
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	for (i = 0; i < 4; i++) {
		assert_int_equal(virtqueue_chain_next(&chain, &buffer), 1);
		assert_int_equal(buffer.addr, 0x100u * i);
		assert_int_equal(buffer.len, i);
		assert_false(buffer.writable);
	}
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 0);
}

static void chain_keeps_64_bit_addresses(void **state)
{
	(void)state;
	rig_setup(4);
	fake_desc(&rig_q, 0, UINT64_MAX, UINT32_MAX, F_WRITE, 0xffff);
	fake_offer(&rig_q, 0);
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 1);
	assert_true(buffer.addr == UINT64_MAX && buffer.len == UINT32_MAX);
	/* `next` means nothing without its flag. */
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 0);
}

static void chain_torn_by_next(void **state)
{
	(void)state;
	rig_setup(4);
	fake_desc(&rig_q, 0, 0, 1, F_NEXT, 4);
	fake_offer(&rig_q, 0);
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 1);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), -EBADMSG);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 0);
	/* A torn chain is no fault of the ring, and can be returned. */
	assert_false(vq.poisoned);
	assert_int_equal(virtqueue_push(&vq, &chain, 0), 0);
}

static void chain_loop_reads_each_once(void **state)
{
	uint16_t size, i;

	(void)state;
	for (size = 1; size <= 256; size *= 2) {
		rig_setup(size);
		for (i = 0; i < size; i++)
			fake_desc(&rig_q, i, 0, 1, F_NEXT, (uint16_t)((i + 1) % size));
		fake_offer(&rig_q, 0);
		assert_int_equal(virtqueue_pop(&vq, &chain), 1);
		for (i = 0; i < size; i++)
			assert_int_equal(virtqueue_chain_next(&chain, &buffer), 1);
		assert_int_equal(virtqueue_chain_next(&chain, &buffer), -EBADMSG);
		assert_int_equal(fake_log_count(&rig_host, GUEST_DESC), size);
	}
	/* A loop that the head is not part of. */
	rig_setup(8);
	fake_desc(&rig_q, 5, 0, 1, F_NEXT, 6);
	fake_desc(&rig_q, 6, 0, 1, F_NEXT, 6);
	fake_offer(&rig_q, 5);
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 1);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 1);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), -EBADMSG);
	/* The next chain may use the same descriptors. */
	fake_desc(&rig_q, 6, 0, 1, 0, 0);
	fake_offer(&rig_q, 6);
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 1);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 0);
}

static void chain_refuses_indirect(void **state)
{
	(void)state;
	rig_setup(4);
	fake_desc(&rig_q, 0, BASE, 16, VRING_DESC_F_INDIRECT, 0);
	fake_offer(&rig_q, 0);
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), -EBADMSG);
	assert_int_equal(fake_log_count(&rig_host, GUEST_INDIRECT), 0);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 0);
}

static void chain_unreadable_is_told_apart(void **state)
{
	(void)state;
	rig_setup(4);
	fake_desc(&rig_q, 0, 0, 1, F_NEXT, 1);
	fake_offer(&rig_q, 0);
	rig_host.fail_nth[GUEST_DESC] = 2;
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 1);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), -EFAULT);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 0);
	assert_false(vq.poisoned);
}

static void push_failure_moves_nothing(void **state)
{
	static const enum guest_purpose purposes[] = { GUEST_USED_ENTRY, GUEST_USED_IDX };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		rig_setup(4);
		fake_offer(&rig_q, 1);
		assert_int_equal(virtqueue_pop(&vq, &chain), 1);
		rig_host.fail_nth[purposes[i]] = 1;
		assert_int_equal(virtqueue_push(&vq, &chain, 7), -EFAULT);
		assert_int_equal(vq.next_used, 0);
		assert_int_equal(fake_used_idx(&rig_q), 0);
		assert_int_equal(fake_log_count(&rig_host, GUEST_USED_IDX), i);
		assert_false(virtqueue_wants_interrupt(&vq));
		assert_false(vq.poisoned);
		/* The next one takes the same place. */
		assert_int_equal(virtqueue_push(&vq, &chain, 7), 0);
		assert_int_equal(fake_used_idx(&rig_q), 1);
		assert_int_equal(fake_used_id(&rig_q, 0), 1);
	}
}

static void interrupt_suppression(void **state)
{
	static const struct {
		uint16_t flags;
		bool wanted;
	} cases[] = { { 0, true }, { 1, false }, { 2, true }, { 3, false }, { 0xfffe, true } };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rig_setup(4);
		fake_avail_flags(&rig_q, cases[i].flags);
		assert_false(virtqueue_wants_interrupt(&vq));
		assert_int_equal(rig_host.logged, 0);
		fake_offer(&rig_q, 0);
		assert_int_equal(virtqueue_pop(&vq, &chain), 1);
		assert_int_equal(virtqueue_push(&vq, &chain, 0), 0);
		assert_int_equal(virtqueue_wants_interrupt(&vq), cases[i].wanted);
		assert_false(virtqueue_wants_interrupt(&vq));
		assert_int_equal(fake_log_count(&rig_host, GUEST_AVAIL_FLAGS), 1);
	}
	rig_setup(4);
	fake_avail_flags(&rig_q, 1);
	fake_offer(&rig_q, 0);
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	assert_int_equal(virtqueue_push(&vq, &chain, 0), 0);
	rig_host.fail_nth[GUEST_AVAIL_FLAGS] = 1;
	assert_true(virtqueue_wants_interrupt(&vq));
}

/* The three areas, one after another in each order, the last ending at 2^64. */
static void rings_end_at_the_top(void **state)
{
	static const uint32_t bytes[] = { 16 * 4, 4 + 2 * 4, 4 + 8 * 4 };
	const uint64_t base = 0 - (uint64_t)FAKE_MEM_SIZE;
	unsigned top;
	uint16_t i;

	(void)state;
	for (top = 0; top < 3; top++) {
		uint64_t area[3] = { base, base + 0x1000, base + 0x2000 };

		area[top] = 0 - (uint64_t)bytes[top];
		rig_setup_at(base, 4, area[0], area[1], area[2]);
		for (i = 0; i < 4; i++) {
			fake_desc(&rig_q, i, 0, i, 0, 0);
			fake_offer(&rig_q, i);
		}
		for (i = 0; i < 4; i++) {
			assert_int_equal(virtqueue_pop(&vq, &chain), 1);
			assert_int_equal(virtqueue_chain_next(&chain, &buffer), 1);
			assert_int_equal(buffer.len, i);
			assert_int_equal(virtqueue_push(&vq, &chain, i), 0);
		}
		assert_int_equal(fake_used_len(&rig_q, 3), 3);
	}
}

/* Areas that begin near the top do not go on at address 0, although there is
 * memory there. */
static void rings_do_not_wrap(void **state)
{
	(void)state;
	rig_setup_at(0, 4, 0, 0x100, 0x200);
	fake_offer(&rig_q, 3);
	vq.area[VIRTQUEUE_DESC] = 0 - (uint64_t)48;
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), -EFAULT);
	assert_int_equal(fake_log_count(&rig_host, GUEST_DESC), 0);
	vq.area[VIRTQUEUE_DEVICE] = 0 - (uint64_t)4;
	assert_int_equal(virtqueue_push(&vq, &chain, 0), -EFAULT);
	assert_int_equal(rig_host.mem[0], 0);
	vq.area[VIRTQUEUE_DRIVER] = 0 - (uint64_t)2;
	assert_int_equal(virtqueue_pop(&vq, &chain), -EFAULT);
	assert_true(vq.poisoned);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_rounds_size_down),
		cmocka_unit_test(unusable_queue_touches_nothing),
		cmocka_unit_test(reset_forgets),
		cmocka_unit_test(pop_says_why),
		cmocka_unit_test(pop_reads_idx_afresh),
		cmocka_unit_test(pop_takes_a_full_ring),
		cmocka_unit_test(pop_poisons_on_idx_jump),
		cmocka_unit_test(pop_of_the_largest_queue),
		cmocka_unit_test(pop_poisons_on_head),
		cmocka_unit_test(pop_poisons_on_unreadable_ring),
		cmocka_unit_test(chain_follows_next),
		cmocka_unit_test(chain_keeps_64_bit_addresses),
		cmocka_unit_test(chain_torn_by_next),
		cmocka_unit_test(chain_loop_reads_each_once),
		cmocka_unit_test(chain_refuses_indirect),
		cmocka_unit_test(chain_unreadable_is_told_apart),
		cmocka_unit_test(push_failure_moves_nothing),
		cmocka_unit_test(interrupt_suppression),
		cmocka_unit_test(rings_end_at_the_top),
		cmocka_unit_test(rings_do_not_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
