/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Chains that are returned in order: which of them are one batch, and what the used ring
 * says of it.  VIRTIO 1.4, 2.7.9.
 */
#include <errno.h>

#include "virtqueue_rig.h"

#define F_IN_ORDER (UINT64_C(1) << VIRTIO_F_IN_ORDER)

static void setup(uint16_t position)
{
	rig_setup(8);
	rig_start_at(position);
	virtqueue_negotiated(&vq, F_IN_ORDER);
}

/* A chain of one buffer is taken, walked as far as that, and returned. */
static int move(uint16_t head, uint16_t flags, unsigned steps, uint32_t len)
{
	fake_desc(&rig_q, head, 0x1000, 16, flags, 0);
	fake_offer(&rig_q, head);
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	while (steps-- > 0)
		virtqueue_chain_next(&chain, &buffer);
	return virtqueue_push(&vq, &chain, len);
}

static void readable_chains_are_one_batch(void **state)
{
	static const uint16_t starts[] = { 0, 6, 32767, 65534, 65535 };

	(void)state;
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		uint16_t start = starts[i];

		setup(start);
		assert_int_equal(move(5, 0, 2, 0), 0);
		assert_int_equal(move(1, 0, 2, 0), 0);
		assert_int_equal(move(3, 0, 2, 0), 0);
		assert_int_equal(fake_log_count(&rig_host, GUEST_USED_ENTRY), 0);
		assert_true(virtqueue_wants_interrupt(&vq));
		assert_int_equal(fake_used_idx(&rig_q), (uint16_t)(start + 3));
		assert_int_equal(fake_used_id(&rig_q, start), 3);
		assert_int_equal(fake_log_count(&rig_host, GUEST_USED_ENTRY), 1);
		assert_false(virtqueue_wants_interrupt(&vq));
		assert_int_equal(move(2, 0, 2, 0), 0);
		assert_true(virtqueue_wants_interrupt(&vq));
		assert_int_equal(fake_used_id(&rig_q, (uint16_t)(start + 3)), 2);
	}
}

static void a_chain_with_a_length_ends_its_batch(void **state)
{
	(void)state;
	setup(0);
	assert_int_equal(move(0, 0, 2, 0), 0);
	assert_int_equal(move(1, F_WRITE, 2, 9), 0);
	assert_int_equal(fake_used_idx(&rig_q), 2);
	assert_int_equal(fake_used_id(&rig_q, 0), 1);
	assert_int_equal(fake_used_len(&rig_q, 0), 9);
	assert_int_equal(move(2, F_WRITE, 2, 0), 0);
	assert_int_equal(fake_used_idx(&rig_q), 3);
	assert_int_equal(fake_used_id(&rig_q, 2), 2);
}

/* Neither one that was not walked to its end, nor one that is torn. */
static void what_was_not_used_whole_is_not_skipped(void **state)
{
	(void)state;
	setup(0);
	assert_int_equal(move(0, 0, 0, 0), 0);
	assert_int_equal(fake_used_idx(&rig_q), 1);
	assert_int_equal(move(1, F_NEXT, 1, 0), 0);
	assert_int_equal(fake_used_idx(&rig_q), 2);
	fake_desc(&rig_q, 0, 0x1000, 16, F_NEXT, 0);
	assert_int_equal(move(1, F_NEXT, 3, 0), 0);
	assert_int_equal(fake_used_idx(&rig_q), 3);
}

static void without_the_feature_there_is_no_batch(void **state)
{
	(void)state;
	rig_setup(8);
	virtqueue_negotiated(&vq, RIG_SPLIT);
	assert_int_equal(move(0, 0, 2, 0), 0);
	assert_int_equal(fake_used_idx(&rig_q), 1);
	assert_int_equal(move(1, 0, 2, 0), 0);
	assert_int_equal(fake_used_idx(&rig_q), 2);
}

/* The driver hears of what was used before its mistake. */
static void a_batch_is_told_before_the_queue_is_poisoned(void **state)
{
	(void)state;
	setup(0);
	assert_int_equal(move(0, 0, 2, 0), 0);
	assert_int_equal(move(1, 0, 2, 0), 0);
	fake_offer(&rig_q, 8);
	assert_int_equal(virtqueue_pop(&vq, &chain), -EBADMSG);
	assert_true(vq.poisoned);
	assert_int_equal(fake_used_idx(&rig_q), 2);
	assert_int_equal(fake_used_id(&rig_q, 0), 1);
}

/* A used ring that is not there: all of the batch is lost, and what comes after it. */
static void after_a_loss_nothing_is_returned(void **state)
{
	(void)state;
	setup(0);
	vq.area[VIRTQUEUE_DEVICE] = 0;
	assert_int_equal(move(0, 0, 2, 0), 0);
	assert_int_equal(move(1, 0, 2, 0), 0);
	assert_int_equal(move(2, F_WRITE, 2, 7), -EFAULT);
	assert_int_equal(vq.lost, 3);
	assert_int_equal(vq.next_used, 0);
	vq.area[VIRTQUEUE_DEVICE] = rig_q.device;
	assert_false(virtqueue_wants_interrupt(&vq));
	fake_offer(&rig_q, 0);
	assert_int_equal(virtqueue_pop(&vq, &chain), -EFAULT);
	assert_true(vq.poisoned);
	assert_int_equal(virtqueue_pop(&vq, &chain), 0);
	assert_int_equal(fake_used_idx(&rig_q), 0);
}

/* ... of the end of a call. */
static void a_batch_that_cannot_be_told_is_lost(void **state)
{
	(void)state;
	setup(0);
	vq.area[VIRTQUEUE_DEVICE] = 0;
	assert_int_equal(move(0, 0, 2, 0), 0);
	assert_int_equal(move(1, 0, 2, 0), 0);
	assert_false(virtqueue_wants_interrupt(&vq));
	assert_int_equal(vq.lost, 2);
	assert_int_equal(virtqueue_push(&vq, &chain, 0), -EFAULT);
	assert_int_equal(vq.lost, 3);
}

static void a_stopped_queue_is_left_alone(void **state)
{
	(void)state;
	setup(0);
	assert_int_equal(move(0, 0, 2, 0), 0);
	vq.ready = false;
	fake_log_clear(&rig_host);
	assert_int_equal(virtqueue_push(&vq, &chain, 0), -ESHUTDOWN);
	assert_false(virtqueue_wants_interrupt(&vq));
	assert_int_equal(fake_log_count(&rig_host, GUEST_USED_ENTRY), 0);
	virtqueue_reset(&vq);
	assert_int_equal(vq.batch.count, 0);
	assert_false(vq.in_order);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readable_chains_are_one_batch),
		cmocka_unit_test(a_chain_with_a_length_ends_its_batch),
		cmocka_unit_test(what_was_not_used_whole_is_not_skipped),
		cmocka_unit_test(without_the_feature_there_is_no_batch),
		cmocka_unit_test(a_batch_is_told_before_the_queue_is_poisoned),
		cmocka_unit_test(after_a_loss_nothing_is_returned),
		cmocka_unit_test(a_batch_that_cannot_be_told_is_lost),
		cmocka_unit_test(a_stopped_queue_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
